#!/usr/bin/python3
"""Frames, sink and rows of scripts/bench: scapy reads the frames, every kind of wrong output is found. TAP."""
import ipaddress
import itertools
import pathlib
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
from rig import frames, memif, report, rows, scaling, sink, veth
from rig.frames import DATA, L3, L4

ENDPOINTS = [int(ipaddress.ip_address(a)) for a in ("198.51.100.11", "198.51.100.12")]
POOL = [int(ipaddress.ip_address("203.0.113.1"))]
PORT = 5009
MAC_OF = {e: bytes([2, 0, 0, 0, 2, e & 0xff]) for e in ENDPOINTS}
cases = []


def case(name, good, said=""):
    cases.append(good)
    print(f"{'ok' if good else 'not ok'} {len(cases)} - {name}")
    if not good and said:
        print(f"# {said}")


def sums(frame):
    frame[L3 + 10:L3 + 12] = b"\0\0"
    struct.pack_into(">H", frame, L3 + 10, frames.csum(bytes(frame[L3:L4])))
    frame[L4 + 6:L4 + 8] = b"\0\0"
    struct.pack_into(">H", frame, L4 + 6, frames.udp_csum(bytes(frame)) or 0xffff)


def translate(sent):
    """What a right gateway makes of the frames."""
    ways, out = {}, []
    for before in sent:
        key = before[L3 + 12:L3 + 16] + before[L4:L4 + 2]
        n = ways.setdefault(key, len(ways))
        after = bytearray(before)
        endpoint = ENDPOINTS[n % 2]
        after[0:12] = MAC_OF[endpoint] + frames.PORT_MAC
        after[L3 + 8] -= 1
        struct.pack_into(">II", after, L3 + 12, POOL[0], endpoint)
        struct.pack_into(">HH", after, L4, 2000 + n, PORT)
        sums(after)
        out.append(after)
    return out


def put(at, value, again=True):
    """Changes bytes of frame 9; `again` makes the checksums right again."""
    def change(out):
        out[9][at:at + len(value)] = value
        if again:
            sums(out[9])
    return change


def swap(out):
    # Frame 9 and one of another flow go each other's way, everything else right.
    other = next(frame for frame in out if frame[L4:L4 + 2] != out[9][L4:L4 + 2])
    for part in (slice(L3 + 12, L3 + 20), slice(L4, L4 + 4), slice(0, 6)):
        other[part], out[9][part] = out[9][part], other[part]
    for frame in (other, out[9]):
        sums(frame)


def no_sum(out):
    out[9][L4 + 6:L4 + 8] = b"\0\0"


FAULTS = [
    ("nothing", lambda out: None, ""),
    ("two frames of a burst in another order", lambda out: out.insert(3, out.pop(9)), ""),
    ("IPv4 checksum", put(L3 + 10, b"\1\2", False), "IPv4 checksum"),
    ("UDP checksum", put(L4 + 6, b"\1\2", False), "UDP checksum is wrong"),
    ("UDP checksum left away", no_sum, "came or went"),
    ("TTL not lowered", put(L3 + 8, b"\x40"), "TTL"),
    ("a byte of the payload", put(DATA + 3, b"!"), "payload"),
    ("endpoint of another service", put(L3 + 16, ipaddress.ip_address("198.51.100.99").packed), "endpoint"),
    ("target port", put(L4 + 2, b"\0\7"), "endpoint"),
    ("source not of the pool", put(L3 + 12, ipaddress.ip_address("192.0.2.10").packed), "pool"),
    ("source port below the range", put(L4, b"\0\7"), "pool"),
    ("source port of another flow", put(L4, struct.pack(">H", 2001)), "way"),
    ("MAC address of another endpoint", put(0, b"\2\0\0\0\2\x63"), "MAC"),
    ("flows swapped", swap, "way"),
    ("lost", lambda out: out.pop(9), "never came out"),
    ("twice", lambda out: out.insert(10, out[9]), "twice"),
    ("fragment bits", put(L3 + 6, b"\x20\0"), "flags"),
]


def write(path, out):
    with open(path, "wb") as file:
        file.write(frames.HEADER)
        for frame in out:
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def sink_cases(tmp):
    frames.write(f"{tmp}/in.pcap", 16)
    sent, n_first, step = frames.write_for_sink(f"{tmp}/in.pcap", f"{tmp}/sent.pcap", 5000)
    sent = sent[:200] # of 16 flows
    for name, fault, said in FAULTS:
        out = translate(sent)
        fault(out)
        write(f"{tmp}/out.pcap", out)
        it = sink.Sink(set(ENDPOINTS), set(POOL), (1024, 65535), MAC_OF, PORT)
        found = sink.verify(it, f"{tmp}/out.pcap", sent, n_first, step)
        text = "; ".join(found["complaints"])
        case(f"sink: {name}", said in text if said else not text, text or "nothing found")


def frame_cases(tmp):
    try:
        from scapy.all import IP, UDP, Ether # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        print(f"# no scapy: {missing}")
        return
    for size, services in (("64", 1), ("1500", 1), ("imix", 100)):
        frames.write(f"{tmp}/f.pcap", 4096, services, size=size) # each flow once
        bad, tuples = 0, set()
        for raw, _ in itertools.islice(frames.read(f"{tmp}/f.pcap"), 500):
            ip = Ether(raw)[IP]
            again = IP(bytes(ip))
            del again.chksum, again[UDP].chksum
            bad += bytes(again) != bytes(ip)
            tuples.add((ip.src, ip.dst, ip[UDP].sport))
        case(f"frames: {size}, {services} services: scapy agrees", bad == 0 and len(tuples) == 500,
             f"{bad} bad, {len(tuples)} flows")


def adopt_cases(tmp):
    vip = int(ipaddress.ip_address("198.18.0.10"))
    frames.write(f"{tmp}/f.pcap", 4096)
    strange = [bytearray(raw) for raw, _ in frames.read(f"{tmp}/f.pcap")]
    strange[0][0:6] = b"\2\1\1\1\1\1"                # another MAC address
    strange[1][L4 + 6:L4 + 8] = b"\1\2"              # unfinished checksum
    strange[2][L3 + 16:L3 + 20] = b"\xcb\0\x71\x09"  # to somebody else
    strange[3][L3 + 9] = 6
    strange[4][L3 + 6:L3 + 8] = b"\x20\0"
    strange[5][12:14] = b"\x08\x06"
    with open(f"{tmp}/s.pcap", "wb") as out:
        out.write(struct.pack(">IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for frame in strange:
            out.write(struct.pack(">IIII", 0, 0, len(frame), len(frame)) + frame)
    n, flows, sources, notes = frames.adopt(f"{tmp}/s.pcap", f"{tmp}/a.pcap", vip, 9, tmp)
    case("pcap: big endian, nanoseconds, of a stranger", (n, flows, len(sources)) == (4092, 4092, 200), str(notes))
    case("pcap: what was left out or put right is told", len(notes) == 6 and set(notes.values()) == {1}, str(notes))
    right = all(raw[0:6] == frames.PORT_MAC and not frames.udp_csum(raw) for raw, _ in frames.read(f"{tmp}/a.pcap"))
    case("pcap: MAC address and checksums of the copy", right)
    for name, data in (("empty", b""), ("no pcap", b"PK\3\4" * 20), ("no frames", frames.HEADER)):
        pathlib.Path(f"{tmp}/s.pcap").write_bytes(data)
        try:
            frames.adopt(f"{tmp}/s.pcap", f"{tmp}/a.pcap", vip, 9, tmp)
            case(f"pcap: {name} is refused", False)
        except frames.BadFrames as why:
            case(f"pcap: {name} is refused: {str(why).rsplit('/', maxsplit=1)[-1]}", True)


def document_case(tmp):
    """The generated part is replaced, all else stays."""
    figure = {"median": 2e6, "min": 1e6, "max": 3e6, "n": 3}
    figures = {key: figure for key in ("io_pps", "5tswap_pps", "sluice_pps", "ratio_io", "ratio_5tswap", "cycles",
                                       "cycles_above_io")} | {"new_flows_per_s": None}
    result = {"title": "a case", "figures": figures, "sink": dict.fromkeys(
        ("received", "sent", "verified", "flows_seen", "wrong"), 7)}
    run = {"machine": {"cpus": 2, "cpu": "x", "clock_mhz": 1, "caches": {}, "hypervisor": "", "kernel": "", "dpdk": "",
                       "gcc": ""}, "revision": "abc", "load_before": 0,
           "knobs": {"build_type": "", "pages": "", "worker_cpu": 1, "control_cpu": 0, "window_s": 1, "warm_s": 1,
                     "rounds": 1, "burst": 1, "mbuf_size": 1, "mbuf_cache": 1},
           "rows": rows.complete([], lambda w: "not here"), "results": [result]}
    docs = pathlib.Path(tmp) / "docs"
    docs.mkdir()
    (docs / "performance.md").write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", "utf-8")
    (pathlib.Path(tmp) / "flows.svg").write_text("<svg/>", "ascii")
    why = report.fill_document(run, tmp, [f"{tmp}/flows.svg", f"{tmp}/flows.png"])
    text = (docs / "performance.md").read_text("utf-8")
    good = text.startswith(f"before\n{report.BEGIN}\n") and text.endswith(f"{report.END}\nafter\n")
    good = good and "old" not in text and "| a case |" in text and "plots/flows.svg" in text
    case("document: its generated part is filled", not why and good and (docs / "plots/flows.svg").exists(), text)


VERDICTS = [
    # name, value, of its own, verdict
    ("ratio-5tswap-4k", 0.9, {}, "aim"),
    ("ratio-5tswap-4k", 0.7, {}, "must"),
    ("ratio-5tswap-4k", 0.64, {}, "short"),
    ("above-io-4k", 30, {}, "must"),
    ("above-io-4k", 41, {}, "short"),
    ("swaps-lost", 0, {}, "must"),
    ("swaps-lost", 1, {}, "short"),
    ("latency-p99", None, {"note": "not now"}, ""),
    ("hit-4k", 33, {}, ""),
    ("own", 1.4, {"must": 1.3, "aim": 1.5}, "must"),
]


def row_cases(tmp):
    for name, value, own, verdict in VERDICTS:
        it = {"name": name, "value": value, **own}
        case(f"rows: {name} {value}: {verdict or 'no verdict'}", rows.verdict(it) == verdict, rows.verdict(it))
    whole = rows.complete([rows.row("above-io-1m", [60, 50, 70]), rows.row("stranger", 1)], lambda w: "not here")
    case("rows: the whole table, in its order, then what else there is",
         [r["name"] for r in whole] == [w.name for w in rows.WANTED] + ["stranger"])
    text = report.columns(rows.lines(whole))
    case("rows: median, spread and what is missing are told",
         all(said in text for said in (" 60 ", "50 to 70", "not measured", "not here")), text)
    for what, bad in (("no name", [{"value": 1}]), ("no value", [{"name": "x"}]), ("text", [{"name": "x", "value": "1"}]),
                      ("missing without a reason", [{"name": "x", "value": None}]), ("no list", {"value": 1})):
        try:
            rows.checked(bad, "test")
            case(f"rows: {what} is refused", False)
        except rows.Failed:
            case(f"rows: {what} is refused", True)
    program = [sys.executable, "-c", "import sys; print('[{\"name\": \"x\", \"value\": 2}]'); sys.exit(len(sys.argv) - 1)"]
    case("rows: of a program", rows.of_program("it", program, 10)[0]["value"] == 2)
    file = f"{tmp}/rows.json"
    pathlib.Path(file).write_text('[{"name": "y", "value": 3}]', "utf-8")
    case("rows: of a program that writes a file", rows.of_program("it", program, 10, file)[0]["name"] == "y")
    case("rows: a program that ends with 1 has something wrong",
         rows.of_program("it", [*program, "fail"], 10)[0]["wrong"] == ["it ended with 1."])
    try:
        rows.of_program("it", ["false"], 10)
        case("rows: a program that prints none has failed", False)
    except rows.Failed:
        case("rows: a program that prints none has failed", True)


def scaling_cases():
    """Each ratio is of a round and of as many times one worker; the most workers are the line of the table."""
    pps = lambda *values: [{"pps": v, "wrong": []} for v in values]
    found = {("io", 1): pps(10, 10, 10), ("io", 2): pps(20, 20, 20), ("io", 4): pps(40, 30, 20),
             ("sluice", 1): pps(10, 20, 30), ("sluice", 2): pps(10, 36, 60), ("sluice", 4): pps(40, 40, 84)}
    said = {one["name"]: one for one in scaling.all_rows(found, 4, False)}
    of = lambda name: tuple(said[name][key] for key in ("lo", "value", "hi"))
    case("workers: the most of them are the line of the table", of("scaling") == (0.5, 0.7, 1.0), str(said["scaling"]))
    case("workers: fewer have a row each", of("scaling-2") == (0.5, 0.9, 1.0), str(said["scaling-2"]))
    case("workers: what the machine gives is said", "many: 0.75" in said["scaling"]["note"], said["scaling"]["note"])
    case("workers: nothing is wrong", not any("wrong" in one for one in said.values()))
    found["sluice", 2][1]["wrong"].append("2 dropped: x")
    case("workers: a lost frame is wrong", scaling.all_rows(found, 4, True)[0]["wrong"] == ["workers: 2: 2 dropped: x"])


def veth_cases():
    """Ratios are those of a round, and each line of the table about veth gets one."""
    rates = lambda scale: {"conn": 100 * scale, "req": 1000 * scale, "bulk": scale, "errors": 0}
    rounds = [{gateway.name: rates(speed) for gateway in veth.ALL} | {veth.SLUICE: rates(speed * times)}
              for speed, times in ((1, 2), (10, 3), (100, 4))]
    found = {one["name"]: one for one in veth.all_rows(rounds)}
    wanted = [w.name for w in rows.WANTED if w.by == rows.VETH]
    case("veth: a row for each line of the table", all(name in found for name in wanted), str(list(found)))
    case("veth: ratios are taken round by round", all((found[name]["lo"], found[name]["value"], found[name]["hi"]) ==
                                                      (2, 3, 4) for name in wanted), str(found[wanted[0]]))
    case("veth: nothing is wrong", not any("wrong" in one for one in found.values()))
    rounds[1][veth.SLUICE]["errors"] = 5
    said = veth.all_rows(rounds)[0].get("wrong", [])
    case("veth: a connection that failed is wrong", said == ["veth: sluice-af_xdp: 5 connections or answers failed"], str(said))


def memif_cases():
    """A row compares windows of one distance, round by round."""
    part = lambda cycles: {"p50": cycles, "p99": 2 * cycles}
    window = lambda at, cycles: {"at": at, "hz": 1e6, "one_way": part(cycles), "both_ways": part(cycles), "sent": 3, "bursts": 2}
    halves = lambda near, far: {"limit": [], "half": [window("near", near)] * memif.ENOUGH + [window("far", far)] +
                                [window(None, 1e9)] * 9}
    rounds = [{"sluice": halves(3, 70), "io": halves(2, 7)}, {"sluice": halves(8, 70), "io": halves(2, 7)}]
    found = memif.latency_rows(rounds, {"near": 2e6})
    case("memif: far and moved windows do not count where near ones are enough",
         [(one["lo"], one["hi"]) for one in found] == [(1.5, 4), (1.5, 4)], str(found))
    case("memif: the row says where and how fast", "2.00 M frames/s in bursts of 1.5, CPUs near" in found[0]["note"])
    rounds[1]["io"]["half"] = [window("far", 7)] * 9
    case("memif: a round without enough on both sides does not count",
         memif.latency_rows(rounds, {"near": 2e6})[0]["hi"] == 1.5)
    rounds[0]["io"]["half"] = [window("near", 2)] * 2
    rounds[1]["io"]["half"] = [window("near", 2)]
    one = memif.latency_rows(rounds, {"near": 2e6})[0]
    case("memif: where no round has enough, all together may", (one["lo"], one["hi"]) == (2.75, 2.75), str(one))
    for one in rounds:
        one["sluice"]["half"], one["io"]["half"] = [window("far", 6)] * 3, [window("far", 2)] * 3
    one = memif.latency_rows(rounds, {"far": 1e6})[0]
    case("memif: far ones where no near ones are", one["value"] == 3 and "CPUs far" in one["note"], str(one))
    rounds[0]["sluice"]["half"] = rounds[1]["sluice"]["half"] = []
    case("memif: with none the row says why", memif.latency_rows(rounds, {})[0]["value"] is None)


with tempfile.TemporaryDirectory() as folder:
    row_cases(folder)
    scaling_cases()
    veth_cases()
    memif_cases()
    document_case(folder)
    sink_cases(folder)
    frame_cases(folder)
    adopt_cases(folder)
print(f"1..{len(cases)}")
sys.exit(not all(cases))
