"""The sink: what came out, held against what went in. Nothing here knows how Sluice works inside."""
import struct

from rig import frames
from rig.frames import DATA, ETH, L3, L4

MAX_TOLD = 5


class Sink:
    """Expectations of one run: a frame comes out once, translated as its flow always is."""

    def __init__(self, endpoints, pool, port_range, mac_of, target_port):
        self.endpoints = endpoints # addresses
        self.pool = pool           # source addresses
        self.port_range = port_range
        self.mac_of = mac_of       # endpoint -> MAC address
        self.target_port = target_port
        self.way = {}              # flow -> (source, source port, endpoint)
        self.owner = {}            # the reverse
        self.bad = []
        self.n_bad = 0
        self.used = {address: 0 for address in endpoints}

    def complain(self, number, what):
        self.n_bad += 1
        if len(self.bad) < MAX_TOLD:
            self.bad.append(f"frame {number}: {what}")

    def tuple_of(self, before, after):
        """None when the frame goes where its flow goes, else what is wrong."""
        key = before[L3 + 12:L3 + 20] + before[L4:L4 + 4]
        src, dst = struct.unpack_from(">II", after, L3 + 12)
        sport, dport = struct.unpack_from(">HH", after, L4)
        way = (src, sport, dst)
        if dst not in self.endpoints or dport != self.target_port:
            return "not to an endpoint of the service"
        if src not in self.pool or not self.port_range[0] <= sport <= self.port_range[1]:
            return "its source is not of the pool"
        if after[0:12] != self.mac_of[dst] + frames.PORT_MAC:
            return "MAC addresses are not those of the endpoint and the port"
        if self.way.setdefault(key, way) != way:
            return "another way than the frames of its flow before"
        if self.owner.setdefault(way, key) != key:
            return "source address and port are those of another flow"
        self.used[dst] += 1
        return None

    @staticmethod
    def rest_of(before, after):
        """What a translation leaves alone, and checksums."""
        length = ETH + struct.unpack_from(">H", before, L3 + 2)[0]
        if len(after) < length or before[L3:L3 + 8] != after[L3:L3 + 8]:
            return "length, TOS, identification or flags changed"
        if after[L3 + 8] != before[L3 + 8] - 1 or after[L3 + 9] != before[L3 + 9]:
            return "TTL is not one less"
        if frames.csum(after[L3:L4]):
            return "IPv4 checksum is wrong"
        if before[DATA:length] != after[DATA:length] or before[L4 + 4:L4 + 6] != after[L4 + 4:L4 + 6]:
            return "payload changed"
        if (before[L4 + 6:L4 + 8] == b"\0\0") != (after[L4 + 6:L4 + 8] == b"\0\0"):
            return "a UDP checksum came or went"
        if after[L4 + 6:L4 + 8] != b"\0\0" and frames.udp_csum(after):
            return "UDP checksum is wrong"
        return None

    def check(self, number, before, after):
        what = self.tuple_of(before, after) or self.rest_of(before, after)
        if what:
            self.complain(number, what)


def which(position, after, sent):
    """The number of the frame that this is, by its identification; they leave in about the order they came."""
    stamp = struct.unpack_from(">H", after, L3 + 4)[0]
    number = position + ((stamp - position + 0x8000) & 0xffff) - 0x8000
    return number if 0 <= number < len(sent) else None


def verify(sink, path, sent, n_first, step):
    """Looks at each step-th frame of the first n_first, and at all after. Returns a dict for the report."""
    seen = bytearray(len(sent))
    looked = out = 0
    for position, (after, _) in enumerate(frames.read(path)):
        out += 1
        number = which(position, after, sent) if len(after) >= DATA else None
        if number is None or seen[number]:
            sink.complain(position, "nobody sent this, or it came twice")
            continue
        seen[number] = 1
        if number < n_first and number % step:
            continue
        looked += 1
        sink.check(number, sent[number], after)
    lost = len(sent) - sum(seen)
    if lost:
        sink.complain(seen.index(0), f"and {lost - 1} more never came out")
    return {"sent": len(sent), "received": out, "lost": lost, "verified": looked, "wrong": sink.n_bad,
            "complaints": sink.bad, "flows_seen": len(sink.way), "per_endpoint": sorted(sink.used.values())}
