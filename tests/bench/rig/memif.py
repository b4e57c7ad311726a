"""Rig B: a gateway on one core, both its ends on the other, over shared memory (net_memif), with replies.

tests/bench/traffic is clients, servers and sink in one loop, since three processes that poll can't share two
cores: a process that sleeps while another has its core lets the rings overflow. What its servers do to a frame
is what testpmd's 5tswap does. It keeps less frames on the way than a ring holds, so that a gateway at its limit
loses none. testpmd `io` and `5tswap` take Sluice's place by turns.
"""
import ipaddress
import json
import pathlib
import subprocess
import time

from rig import frames, gateway, machine, rows, testpmd

FLOWS = 65536
MBUFS = 16384
TABLE = FLOWS * 5 // 4      # as in rig A: a table that is larger than what it holds costs cache misses
OPENING_TABLE = 1 << 22     # new flows of a window come on top
MEMORY_MIB = 2048           # Sluice with that table; what it does not take stays free
TRAFFIC_MIB = 128
PEERS = ("io", "5tswap")
WARM_S = 0.3
TTL_LESS = 1
ANSWER_S = 60
# Reasons that say that a ring was full, not that Sluice did wrong.
RINGS = ("tx_full",)
UDP_TIMEOUT = "timeouts: {udp: 2s}"


def sockets(knobs, role, vdev="net_memif"):
    return [f"{vdev}{i},role={role},id={i},socket={knobs.tmp}/memif{i}.sock,socket-abstract=no,rsize=10,bsize=2048"
            for i in (0, 1)]


class Traffic:
    """tests/bench/traffic, told line by line."""

    def __init__(self, knobs, want):
        memory = ["--in-memory"] if knobs.hugepages else ["--no-huge", "-m", str(TRAFFIC_MIB), "--no-shconf"]
        vdevs = [part for device in sockets(knobs, "client") for part in ("--vdev", device)]
        self.log = pathlib.Path(knobs.tmp) / "traffic.log"
        command = [f"{knobs.build}/tests/bench/traffic", *memory, "--no-pci", "--no-telemetry",
                   f"--file-prefix={knobs.prefix}t", f"--lcores=0@{knobs.control_cpu}", *vdevs, "--",
                   str(FLOWS), *map(str, want)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            if line.startswith(b"{"):   # EAL talks on the same stream
                return json.loads(line)
        raise rows.Failed("traffic ended:\n" + self.log.read_text("utf-8", "replace")[-800:])

    def run(self, rate, new, seconds):
        return self.ask(f"run {int(rate)} {new} {seconds}")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


# ---- who is between ----

class Sluice:
    """Sluice between the two memif ports."""

    def __init__(self, knobs, opening):
        table, conf = (OPENING_TABLE, UDP_TIMEOUT) if opening else (TABLE, "")
        self.addresses = gateway.Addresses([frames.VIPS], [frames.CLIENTS], table)
        a = self.addresses
        self.it = gateway.Gateway(knobs, self.ports(knobs), [(ipaddress.ip_address(frames.VIPS), frames.VIP_PORT)], a,
                                  MBUFS, table, MEMORY_MIB, at_once=True, flows=conf)
        self.want = (a.endpoints[0], len(a.endpoints), a.pool[0], len(a.pool), gateway.TARGET_PORT, TTL_LESS)

    def ports(self, knobs):
        a = self.addresses
        devices = sockets(knobs, "server")
        clients = {ipaddress.ip_address(frames.CLIENTS + i): frames.CLIENT_MAC for i in range(frames.N_CLIENTS)}
        return (gateway.port("clients", devices[0], frames.PORT_MAC, "192.0.2.1/24", clients) +
                gateway.port("servers", devices[1], bytes([2, 0, 0, 0, 2, 1]), a.port,
                             {e: a.mac(e) for e in a.endpoints}))

    def up(self):
        self.it.up()

    def counters(self):
        _, counters, drops = self.it.counters()
        return counters["busy_cycles"], counters["rx"], drops

    def stop(self):
        self.it.stop()


class Peer:
    """testpmd in its place."""
    want = (0,)

    def __init__(self, knobs, mode):
        self.it = testpmd.Testpmd(knobs, sockets(knobs, "server"), MBUFS, mode, TRAFFIC_MIB,
                                  ["--record-core-cycles"])

    def up(self):
        self.it.up()
        self.it.ask("start")

    def counters(self):
        return *self.it.cycles(), {}

    def stop(self):
        self.it.stop()


def start(program, knobs, opening):
    return Sluice(knobs, opening) if program == "sluice" else Peer(knobs, program)


# ---- a measurement ----

def window(between, traffic, rate, new, seconds):
    """One window, and what the gateway's counters say of it."""
    cycles, packets, drops = between.counters()
    pid = between.it.process.pid
    before, begin = machine.run_time_ns(pid), time.monotonic_ns()
    found = traffic.run(rate, new, seconds)
    worker = machine.busiest(before, machine.run_time_ns(pid)) / (time.monotonic_ns() - begin)
    cycles_now, packets_now, drops_now = between.counters()
    seen = packets_now - packets
    # Of the time-stamp counter, which goes on while another has the CPU.
    found["cycles"] = (cycles_now - cycles) * worker / max(seen, 1)
    found["busy"] = (cycles_now - cycles) / (found["hz"] * found["seconds"])
    found["drops"] = {name: drops_now[name] - drops.get(name, 0) for name in drops_now
                      if drops_now[name] != drops.get(name, 0)}
    # Both directions, in a second that both ends and the worker had their CPUs.
    found["share"] = min(found["share"], worker)
    found["pps"] = 2 * found["in_time"] / (found["seconds"] * found["share"])
    found["lost"] = found["sent"] - found["not_sent"] - found["answered"]
    return found


def wrong_in(found, what):
    """What may not be: a frame that is not right, or lost without a ring that was full."""
    said = [f"{what}: {found['wrong']} of {found['judged']} frames wrong: {found['complaint']}"] if found["wrong"] else []
    for reason, n in found["drops"].items():
        if reason not in RINGS:
            said.append(f"{what}: {n} dropped: {reason}")
    if found["lost"] > sum(found["drops"].values()):
        said.append(f"{what}: {found['lost']} of {found['sent']} frames lost, {found['drops'] or 'none'} dropped")
    return said


def measure(program, knobs, half, windows):
    """From start to end of one program; windows: (name, rate or None for half, new in a thousand)."""
    between = start(program, knobs, any(new for _, _, new in windows))
    traffic = None
    found = {}
    try:
        # The sockets are the gateway's.
        between.up()
        traffic = Traffic(knobs, between.want)
        found["fill"] = traffic.ask("fill")
        traffic.run(0, 0, WARM_S)
        for name, rate, new in windows:
            rate = half(found) if rate is None else rate
            found[name] = window(between, traffic, rate, new, knobs.window_s)
            found[name]["rate"] = rate
    finally:
        if traffic:
            traffic.stop()
        between.stop()
    return found


def interleaved(knobs, progress):
    """[{program: windows}] of all rounds. Half the rate is half of Sluice's in the first."""
    first = {}

    def half(found):
        first.setdefault("rate", found["full"]["in_time"] / found["full"]["seconds"] / 2)
        return first["rate"]

    rounds, n = [], min(knobs.rounds, 2) if knobs.quick else knobs.rounds
    for number in range(n):
        turn = ("sluice", *PEERS) if number % 2 == 0 else (*PEERS, "sluice")
        found = {}
        for program in turn:
            found[program] = measure(program, knobs, half, [("full", 0, 0), ("half", None, 0)])
            full = found[program]["full"]
            progress(f"memif: round {number + 1}/{n}, {program}: {full['pps'] / 1e6:.2f} Mpps, "
                     f"{full['cycles']:.0f} cycles, worker busy {full['busy']:.0%}")
        rounds.append(found)
    return rounds


def us(found, way, part):
    return found[way][part] / found["hz"] * 1e6


def latency_rows(rounds):
    out = []
    for part in ("p50", "p99"):
        ratio = [r["sluice"]["half"]["one_way"][part] / r["io"]["half"]["one_way"][part] for r in rounds]
        mine, io = (rows.row("", [us(r[p]["half"], "one_way", part) for r in rounds]) for p in ("sluice", "io"))
        back = rows.row("", [us(r["sluice"]["half"], "both_ways", part) for r in rounds])
        out.append(rows.row(f"latency-{part}", ratio, note=f"one way {mine['value']:.1f} µs, io {io['value']:.1f}; "
                            f"there and back {back['value']:.1f}"))
    return out


def rate_rows(rounds):
    of = lambda program, key: [r[program]["full"][key] for r in rounds]
    busy = rows.row("", of("sluice", "busy"))["value"]
    note = f"both directions, {FLOWS:,} flows; worker busy {busy:.0%}"
    out = [rows.row("memif-pps", of("sluice", "pps"), "packets/s", note)]
    out += [rows.row(f"memif-pps-{p}", of(p, "pps"), "packets/s", f"testpmd {p} in its place") for p in PEERS]
    out += [rows.row(f"memif-ratio-{p}", [a / b for a, b in zip(of("sluice", "pps"), of(p, "pps"))], "",
                     f"÷ testpmd {p}") for p in PEERS]
    out += [rows.row(f"memif-cycles{'-' + p if p != 'sluice' else ''}", of(p, "cycles"), "cycles",
                     "of the worker a packet, receive and send with it") for p in ("sluice", *PEERS)]
    return out


def loss_row(rounds):
    """Of all windows of Sluice: frames that did not come back, by reason."""
    windows = [w for r in rounds for name, w in r["sluice"].items() if name != "fill"]
    reasons = {}
    for w in windows:
        for reason, n in w["drops"].items():
            reasons[reason] = reasons.get(reason, 0) + n
    said = ", ".join(f"{reason} {n}" for reason, n in reasons.items()) or "no drop counted"
    return rows.row("memif-lost", sum(w["lost"] for w in windows), "packets",
                    f"of {sum(w['sent'] for w in windows):,} sent; {said}")


def opening(knobs, progress):
    """Mixed and new flows: Sluice alone, since the peers know none."""
    found = measure("sluice", knobs, None, [("mixed", 0, 100), ("new", 0, 1000)])
    out = []
    for name, what in (("mixed", "one frame of ten opens a flow"), ("new", "each frame opens a flow")):
        w = found[name]
        rate = w["opened"] / (w["seconds"] * w["share"])
        out.append(rows.row(f"memif-{name}", w["pps"], "packets/s",
                            f"{what}: {rate / 1e6:.2f} M flows/s, answers come back; worker busy {w['busy']:.0%}"))
        progress(f"memif: {name}: {w['pps'] / 1e6:.2f} Mpps, {rate / 1e6:.2f} M new flows/s")
    return out, {"sluice": found}


def run(knobs, progress):
    """Rows of rig B. A row with `wrong` says what no run may show."""
    rounds = interleaved(knobs, progress)
    out = latency_rows(rounds) + rate_rows(rounds)
    more, opened = opening(knobs, progress)
    lost = loss_row(rounds + [opened])
    wrong = [text for r in [*rounds, opened] for name, w in r["sluice"].items() if name != "fill"
             for text in wrong_in(w, f"memif {name}")]
    wrong += [f"memif fill: {r['sluice']['fill']['wrong']} wrong" for r in rounds if r["sluice"]["fill"]["wrong"]]
    if wrong:
        lost["wrong"] = wrong
    shares = [w["share"] for r in rounds for p in r.values() for w in p.values()]
    if min(shares) < machine.DISTURBED:
        out[0]["note"] += f"; disturbed: a CPU was there for {min(shares):.0%} of the time"
    return out + more + [lost]
