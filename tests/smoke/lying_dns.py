#!/usr/bin/python3
"""A DNS server that does wrong on purpose, over UDP and TCP.

usage: lying_dns.py [-p PORT] [-c CONTROL-FILE] [-l LOG-FILE] [-a GOOD-IPV4] [-o BYTES] ADDRESS...

What it does with a question is said by the labels of the name, read from the left ("servfail.api.example"),
or by lines of the control file, which is read again for each question:

    NAME-OR-* BEHAVIOUR...     the name, or *.SUFFIX, or *: all; the first line that matches counts

Behaviours, several may stand together (in a name: several labels at the left):

    servfail refused formerr notimp nxdomain nodata silence drop
    a=192.0.2.7,192.0.2.8     the addresses (control file only; default 192.0.2.1, or what -a says, and 2001:db8::1)
    ttl=30  soa=5             TTL of answers, negative TTL of empty ones (in a name: ttl30, soa5)
    ttl0                      TTL 0
    hugettl                   TTL 2^31 - 1
    truncate                  UDP: TC and nothing; TCP: good
    truncate-always           TC over TCP as well
    wrong-id wrong-question   of the answer
    oversized                 4000 bytes over UDP, or what -o says, whatever the client takes
    loop                      a compression pointer to itself as the owner
    garbage                   random bytes behind the id
    short                     five bytes
    delay=50                  milliseconds (in a name: delay50)
    chain                     CNAME over two names
    cname-loop                CNAMEs in a circle
    loopback linklocal private multicast unspecified broadcast classe mapped
                              such an address
    mixed                     a loopback address and a good one
    nxdomain-once nodata-once servfail-once silence-once
                              to the first question of each name and type, good afterwards
    many                      100 addresses (TC over UDP, as they are too many for it)

The log has a line per question: TRANSPORT SOURCE-PORT TYPE NAME BEHAVIOURS.
"""
import argparse
import os
import random
import selectors
import socket
import struct
import time

A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
RCODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
ODD = {
    "loopback": ("127.0.0.1", "::1"),
    "linklocal": ("169.254.1.1", "fe80::1"),
    "private": ("10.1.2.3", "fd00::1"),  # lint: private addresses are the subject
    "multicast": ("224.0.0.1", "ff02::1"),
    "unspecified": ("0.0.0.0", "::"),
    "broadcast": ("255.255.255.255", "ff02::1"),
    "classe": ("240.0.0.1", "2001:db8::1"),
    "mapped": ("192.0.2.1", "::ffff:192.0.2.1"),
}
PLAIN = {
    "silence", "drop", "nodata", "ttl0", "hugettl", "truncate", "truncate-always", "wrong-id",
    "wrong-question", "oversized", "loop", "garbage", "short", "chain", "cname-loop", "mixed",
    "nxdomain-once", "nodata-once", "servfail-once", "silence-once", "many",
} | set(RCODES) | set(ODD)
NUMBERS = ("ttl", "soa", "delay")


def name_of(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1").lower())
        at += 1 + data[at]
    return labels, at + 1


def wire(name):
    labels = [label.encode("latin-1") for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, ttl, data):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def from_labels(labels):
    found = {}
    for label in labels:
        number = next((key for key in NUMBERS if label.startswith(key) and label[len(key):].isdigit()), None)
        if label in PLAIN:
            found[label] = True
        elif number:
            found[number] = label[len(number):]
        else:
            break
    return found


def matches(pattern, name):
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


class Liar:
    def __init__(self, control, log, good, oversized):
        self.control = control
        self.good = (good, "2001:db8::1")
        self.oversized = oversized
        self.log = open(log, "a", buffering=1, encoding="ascii") if log else None
        self.told = set()
        self.later = []  # (time, send, data)

    def behaviour(self, labels):
        name = ".".join(labels)
        try:
            with open(self.control, encoding="ascii") as lines:
                for line in lines:
                    words = line.split()
                    if words and matches(words[0], name):
                        return {key: value or True for key, _, value in (w.partition("=") for w in words[1:])}
        except (OSError, TypeError):
            pass
        return from_labels(labels)

    def once(self, does, question):
        for key in ("nxdomain", "nodata", "servfail", "silence"):
            if does.pop(key + "-once", None) and (key, question) not in self.told:
                self.told.add((key, question))
                does[key] = True

    def addresses(self, does, kind):
        family = 0 if kind == A else 1
        given = does.get("a")
        if given:
            texts = [text for text in given.split(",") if (":" in text) == (kind == AAAA)]
        elif "many" in does:
            texts = [("198.18.0.%d" if kind == A else "2001:db8::1:%x") % i for i in range(1, 101)]
        elif "mixed" in does:
            texts = [ODD["loopback"][family], self.good[family]]
        else:
            odd = next((key for key in ODD if key in does), None)
            texts = [ODD[odd][family] if odd else self.good[family]]
        return [socket.inet_pton((socket.AF_INET, socket.AF_INET6)[family], text) for text in texts]

    def answers(self, does, name, kind):
        ttl = 0 if "ttl0" in does else 0x7fffffff if "hugettl" in does else int(does.get("ttl", 30))
        owner, records = b"\xc0\x0c", []
        if "cname-loop" in does:
            return [record(owner, CNAME, ttl, wire("a." + name)), record(wire("a." + name), CNAME, ttl, wire(name))]
        if "chain" in does:
            for step in ("a.", "b."):
                records.append(record(owner, CNAME, ttl, wire(step + name)))
                owner = wire(step + name)
        if "loop" in does:
            owner = struct.pack("!H", 0xc000 | 12 + len(wire(name)) + 4)
        return records + [record(owner, kind, ttl, data) for data in self.addresses(does, kind)]

    def response(self, query, tcp, source):
        labels, end = name_of(query, 12)
        kind, = struct.unpack("!H", query[end:end + 2])
        name = ".".join(labels)
        does = self.behaviour(labels)
        self.once(does, (name, kind))
        if self.log:
            print("tcp" if tcp else "udp", source, kind, name, ",".join(sorted(does)), file=self.log)
        if "silence" in does or "drop" in does:
            return None, 0
        return self.message(query, end, name, kind, does, tcp), int(does.get("delay", 0)) / 1000

    def message(self, query, end, name, kind, does, tcp):
        rcode = next((RCODES[key] for key in RCODES if key in does), 0)
        cut = "truncate-always" in does or (("truncate" in does or "many" in does) and not tcp)
        ident = query[:2]
        question = query[12:end + 4]
        answers, authority = [], []
        if "wrong-id" in does:
            ident = bytes([ident[0] ^ 0x55, ident[1] ^ 0x55])
        if "wrong-question" in does:
            question = wire("other.example") + question[-4:]
        if "garbage" in does:
            return ident + random.randbytes(60)
        if "short" in does:
            return ident + b"\x80\0\0"
        if cut or rcode or "nodata" in does or kind not in (A, AAAA):
            if (rcode in (0, 3)) and "soa" in does:
                seconds = int(does["soa"])
                authority = [record(wire("example"), SOA, seconds,
                                    wire("ns.example") + wire("admin.example") + struct.pack("!5I", 1, 2, 3, 4, seconds))]
        else:
            answers = self.answers(does, name, kind)
        flags = 0x8180 | rcode | (0x0200 if cut else 0)
        data = ident + struct.pack("!5H", flags, 1, len(answers), len(authority), 0) + question
        data += b"".join(answers) + b"".join(authority)
        if "oversized" in does:
            data += random.randbytes(max(0, self.oversized - len(data)))
        return data


class Connection:
    """One client's TCP connection: two bytes of length before each message."""

    def __init__(self, sock, liar):
        self.sock, self.liar, self.data = sock, liar, b""

    def readable(self):
        got = self.sock.recv(65536)
        self.data += got
        while len(self.data) >= 2:
            size, = struct.unpack("!H", self.data[:2])
            if len(self.data) < 2 + size:
                break
            query, self.data = self.data[2:2 + size], self.data[2 + size:]
            handle(self.liar, query, True, self.sock.getpeername()[1],
                   lambda data: self.sock.sendall(struct.pack("!H", len(data)) + data))
        return bool(got)


def handle(liar, query, tcp, source, send):
    try:
        data, delay = liar.response(query, tcp, source)
    except (IndexError, struct.error):
        return
    if data is not None:
        liar.later.append((time.monotonic() + delay, send, data))


def flush(liar):
    now = time.monotonic()
    ready = [item for item in liar.later if item[0] <= now]
    liar.later = [item for item in liar.later if item[0] > now]
    for _, send, data in ready:
        try:
            send(data)
        except OSError:
            pass
    return min((item[0] - now for item in liar.later), default=None)


def serve(liar, addresses, port):
    loop = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            sock = socket.socket(family, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            if kind == socket.SOCK_STREAM:
                sock.listen(64)
            loop.register(sock, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in loop.select(flush(liar)):
            sock = key.fileobj
            if key.data == socket.SOCK_DGRAM:
                query, peer = sock.recvfrom(65536)
                handle(liar, query, False, peer[1], lambda data, s=sock, p=peer: s.sendto(data, p))
            elif key.data == socket.SOCK_STREAM:
                client, _ = sock.accept()
                loop.register(client, selectors.EVENT_READ, Connection(client, liar))
            else:
                try:
                    alive = key.data.readable()
                except OSError:
                    alive = False
                if not alive:
                    loop.unregister(sock)
                    sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--port", type=int, default=53)
    parser.add_argument("-c", "--control")
    parser.add_argument("-l", "--log")
    parser.add_argument("-a", "--good", default="192.0.2.1")
    parser.add_argument("-o", "--oversized", type=int, default=4000)
    parser.add_argument("address", nargs="+")
    args = parser.parse_args()
    if args.control and not os.path.exists(args.control):
        open(args.control, "a", encoding="ascii").close()
    serve(Liar(args.control, args.log, args.good, args.oversized), args.address, args.port)


if __name__ == "__main__":
    main()
