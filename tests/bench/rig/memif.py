"""Rig B: a gateway on one core, both its ends on the other, over shared memory (net_memif), with replies.

tests/bench/traffic is clients, servers and sink in one loop, since three processes that poll can't share two
cores: a process that sleeps while another has its core lets the rings overflow. What its servers do to a frame
is what testpmd's 5tswap does. It keeps less frames on the way than a ring holds, so that a gateway at its limit
loses none. testpmd `io` and `5tswap` take Sluice's place by turns.

The host moves a guest's CPUs about, and what a frame costs between them changes fivefold. So the windows of rate and
latency are short, how far the CPUs are from each other is measured before and after each, and only windows that had
the same distance are compared.
"""
import contextlib
import ipaddress
import json
import pathlib
import statistics
import subprocess
import time

from rig import frames, gateway, machine, rows, testpmd

FLOWS = 65536
FEW_FLOWS = 4096            # nearly all of them in a core's own cache
MBUFS = 16384
OPENING_TABLE = 1 << 22     # new flows of a window come on top
MEMORY_MIB = 2048           # Sluice with that table; what it does not take stays free
TRAFFIC_MIB = 128
PEERS = ("io", "5tswap")
WARM_S = 0.3
SLICES = 20                 # windows of a rate or a latency (RFC 8219, 7.2: at least 20, and their median)
QUICK_SLICES = 8
FAR_NS = 250                # a cache line's way there and back: more is not inside of one last-level cache
NEAR_OR_FAR = ("near", "far")
PATIENCE_S = 2              # so long in all a program's windows wait for CPUs that are near
QUICK_PATIENCE_S = 1.2
ENOUGH = 3                  # windows of a round at one distance
MOVED = "too few windows in which the CPUs were as far from each other: repeat it, with a longer --window"
AWAY = 0.9                  # less of a CPU was disturbed: of a window so short, a tick is some per cent
TTL_LESS = 1
ANSWER_S = 60
# Reasons that say that a ring was full, not that Sluice did wrong.
RINGS = ("tx_full",)
UDP_TIMEOUT = "timeouts: {udp: 2s}"
# As the peers do: a worker that sleeps between two commands would seem to have less of its CPU.
POLLS = "idle: poll"


def sockets(knobs, role, vdev="net_memif"):
    return [f"{vdev}{i},role={role},id={i},socket={knobs.tmp}/memif{i}.sock,socket-abstract=no,rsize=10,bsize=2048"
            for i in (0, 1)]


class Traffic:
    """tests/bench/traffic, told line by line."""

    def __init__(self, knobs, want, flows):
        memory = ["--in-memory"] if knobs.hugepages else ["--no-huge", "-m", str(TRAFFIC_MIB), "--no-shconf"]
        vdevs = [part for device in sockets(knobs, "client") for part in ("--vdev", device)]
        self.log = pathlib.Path(knobs.tmp) / "traffic.log"
        command = [f"{knobs.build}/tests/bench/traffic", *memory, "--no-pci", "--no-telemetry",
                   f"--file-prefix={knobs.prefix}t", f"--lcores=0@{knobs.control_cpu}", *vdevs, "--",
                   str(flows), *map(str, want)]
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

    def __init__(self, knobs, opening, n_flows):
        # As in rig A: a table that is larger than what it holds costs cache misses.
        table, conf = (OPENING_TABLE, UDP_TIMEOUT) if opening else (n_flows * 5 // 4, "")
        self.addresses = gateway.Addresses([frames.VIPS], [frames.CLIENTS], table)
        a = self.addresses
        self.it = gateway.Gateway(knobs, self.ports(knobs), [(ipaddress.ip_address(frames.VIPS), frames.VIP_PORT)], a,
                                  MBUFS, table, MEMORY_MIB, at_once=True, flows=conf, workers=POLLS)
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


def start(program, knobs, opening, n_flows):
    return Sluice(knobs, opening, n_flows) if program == "sluice" else Peer(knobs, program)


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
    said = []
    if found["wrong"]:
        said.append(f"{what}: {found['wrong']} of {found['judged']} frames wrong: {found['complaint']}")
    for reason, n in found["drops"].items():
        if reason not in RINGS:
            said.append(f"{what}: {n} dropped: {reason}")
    if found["lost"] > sum(found["drops"].values()):
        said.append(f"{what}: {found['lost']} of {found['sent']} frames lost, {found['drops'] or 'none'} dropped")
    return said


def distance(knobs):
    done = subprocess.run([f"{knobs.build}/tests/bench/distance", str(knobs.control_cpu), str(knobs.worker_cpu)],
                          capture_output=True, text=True, timeout=10, check=False)
    if done.returncode != 0:
        raise rows.Failed("distance: " + done.stderr[-200:])
    return "far" if float(done.stdout) > FAR_NS else "near"


def near_soon(knobs, left_s):
    """The distance, and what is left of the patience: as long as there is some, it waits for near ones."""
    begin = time.monotonic()
    while (at := distance(knobs)) == "far" and time.monotonic() - begin < left_s:
        time.sleep(0.03)
    return at, left_s - (time.monotonic() - begin)


def slices(between, traffic, rate_at, knobs):
    """Short windows with the rate that rate_at(distance) says; None: none there. `at` None: the CPUs were moved."""
    found, left_s = [], QUICK_PATIENCE_S if knobs.quick else PATIENCE_S
    for _ in range(QUICK_SLICES if knobs.quick else SLICES):
        at, left_s = near_soon(knobs, left_s)
        if (rate := rate_at(at)) is not None:
            found.append(window(between, traffic, rate, 0, knobs.window_s / 10))
            found[-1]["at"] = at if distance(knobs) == at else None
    return found


@contextlib.contextmanager
def running(program, knobs, n_flows, opening=False):
    """A program with traffic at both its ends, and what filling its table found."""
    between = start(program, knobs, opening, n_flows)
    traffic = None
    try:
        # The sockets are the gateway's.
        between.up()
        traffic = Traffic(knobs, between.want, n_flows)
        filled = traffic.ask("fill")
        traffic.run(0, 0, WARM_S)
        yield between, traffic, filled
    finally:
        if traffic:
            traffic.stop()
        between.stop()


def measure(program, knobs, half):
    """{limit, half: slices}. half: by distance, half of the rate that Sluice had first at its limit."""
    with running(program, knobs, FLOWS) as (between, traffic, filled):
        limit = slices(between, traffic, lambda at: 0, knobs)
        if program == "sluice":
            for at in NEAR_OR_FAR:
                if rates := [w["in_time"] / w["seconds"] for w in limit if w["at"] == at]:
                    half.setdefault(at, statistics.median(rates) / 2)
        found = [] if program == "5tswap" else slices(between, traffic, half.get, knobs)
    return {"fill": filled, "limit": limit, "half": found}


def measure_few(knobs, half):
    """Latency at the same rates where memory is no matter."""
    with running("sluice", knobs, FEW_FLOWS) as (between, traffic, filled):
        return {"fill": filled, "limit": [], "half": slices(between, traffic, half.get, knobs)}


def interleaved(knobs, progress):
    """[{program: slices}] of all rounds, and half the rates."""
    half = {}
    rounds, n = [], 1 if knobs.quick else knobs.rounds
    for number in range(n):
        turn = ("sluice", *PEERS) if number % 2 == 0 else (*PEERS, "sluice")
        found = {}
        for program in turn:
            found[program] = measure(program, knobs, half)
            for at in NEAR_OR_FAR:
                if there := [w for w in found[program]["limit"] if w["at"] == at]:
                    of = lambda key, there=there: statistics.median(w[key] for w in there)
                    progress(f"memif: round {number + 1}/{n}, {program}, {at}: {of('pps') / 1e6:.2f} Mpps, "
                             f"{of('cycles'):.0f} cycles, worker busy {of('busy'):.0%}")
        found["few"] = measure_few(knobs, half)
        rounds.append(found)
    return rounds, half


def at_distance(rounds, program, what, at, value):
    """Of each round, the median of its windows at that distance; None: it has not enough."""
    there = [[value(w) for w in r[program][what] if w["at"] == at] for r in rounds]
    return [statistics.median(v) if len(v) >= ENOUGH else None for v in there]


def together(rounds):
    """All rounds as one."""
    return [{p: {what: [w for r in rounds for w in r[p][what]] for what in ("limit", "half")} for p in rounds[0]}]


def comparable(rounds, programs, what):
    """(rounds, distance): near, where a slow way between the CPUs hides nothing, round by round if it can be."""
    for at in NEAR_OR_FAR:
        for some in (rounds, together(rounds)):
            if any(all(v) for v in zip(*(at_distance(some, p, what, at, lambda w: 1) for p in programs))):
                return some, at
    return rounds, NEAR_OR_FAR[0]


def pairs(rounds, a, b, what, at, value):
    both = zip(at_distance(rounds, a, what, at, value), at_distance(rounds, b, what, at, value))
    return [v for v in both if all(v)]


def part_us(way, part):
    return lambda w: w[way][part] / w["hz"] * 1e6


def latency_row(name, rounds, program, part, half):
    rounds, at = comparable(rounds, (program, "io"), "half")
    both = pairs(rounds, program, "io", "half", at, part_us("one_way", part))
    if not both:
        return rows.missing(name, MOVED)
    back = [v for v in at_distance(rounds, program, "half", at, part_us("both_ways", part)) if v]
    burst = [v for v in at_distance(rounds, program, "half", at, lambda w: w["sent"] / max(w["bursts"], 1)) if v]
    mid = statistics.median
    return rows.row(name, [a / b for a, b in both], note=(
        f"one way {mid(a for a, _ in both):.2f} µs, io {mid(b for _, b in both):.2f}; there and back {mid(back):.2f}; "
        f"{half[at] / 1e6:.2f} M frames/s in bursts of {mid(burst):.1f}, CPUs {at}"))


def latency_rows(rounds, half):
    return [latency_row(f"latency-{part}", rounds, "sluice", part, half) for part in ("p50", "p99")]


def few_rows(rounds, half):
    return [latency_row(f"memif-latency-{part}-4k", rounds, "few", part, half) for part in ("p50", "p99")]


def rate_rows(rounds):
    whole = rounds
    for n in range(1 + len(PEERS), 0, -1): # a peer that was never there when Sluice was is left out
        programs = ("sluice", *PEERS)[:n]
        rounds, at = comparable(whole, programs, "limit")
        of = lambda program, key: [v for v in at_distance(rounds, program, "limit", at, lambda w: w[key]) if v]
        if all(of(p, "pps") for p in programs):
            break
    else:
        return [rows.missing("memif-pps", MOVED)]
    busy = statistics.median(of("sluice", "busy"))
    note = f"both directions, {FLOWS:,} flows, CPUs {at}; worker busy {busy:.0%}"
    out = [rows.row("memif-pps", of("sluice", "pps"), "packets/s", note)]
    out += [rows.row(f"memif-pps-{p}", of(p, "pps"), "packets/s", f"testpmd {p} in its place") for p in programs[1:]]
    for p in programs[1:]:
        if both := pairs(rounds, "sluice", p, "limit", at, lambda w: w["pps"]):
            out.append(rows.row(f"memif-ratio-{p}", [a / b for a, b in both], "", f"÷ testpmd {p}"))
    out += [rows.row(f"memif-cycles{'-' + p if p != 'sluice' else ''}", of(p, "cycles"), "cycles",
                     "of the worker a packet, receive and send with it") for p in programs]
    return out


def windows_of(one):
    return [*one["limit"], *one["half"]]


def loss_row(rounds):
    """Of all windows of Sluice: frames that did not come back, by reason."""
    windows = [w for one in rounds for w in windows_of(one)]
    reasons = {}
    for w in windows:
        for reason, n in w["drops"].items():
            reasons[reason] = reasons.get(reason, 0) + n
    said = ", ".join(f"{reason} {n}" for reason, n in reasons.items()) or "no drop counted"
    return rows.row("memif-lost", sum(w["lost"] for w in windows), "packets",
                    f"of {sum(w['sent'] for w in windows):,} sent; {said}")


def opening(knobs, progress):
    """Mixed and new flows: Sluice alone, since the peers know none."""
    out, found = [], []
    with running("sluice", knobs, FLOWS, opening=True) as (between, traffic, filled):
        for name, new, what in (("mixed", 100, "one frame of ten opens a flow"),
                                ("new", 1000, "each frame opens a flow")):
            found.append(window(between, traffic, 0, new, knobs.window_s))
            w = found[-1]
            rate = w["opened"] / (w["seconds"] * w["share"])
            out.append(rows.row(f"memif-{name}", w["pps"], "packets/s",
                                f"{what}: {rate / 1e6:.2f} M flows/s, answers come back; worker busy {w['busy']:.0%}"))
            progress(f"memif: {name}: {w['pps'] / 1e6:.2f} Mpps, {rate / 1e6:.2f} M new flows/s")
    return out, {"fill": filled, "limit": found, "half": []}


def run(knobs, progress):
    """Rows of rig B. A row with `wrong` says what no run may show."""
    rounds, half = interleaved(knobs, progress)
    out = latency_rows(rounds, half) + rate_rows(rounds) + few_rows(rounds, half)
    more, opened = opening(knobs, progress)
    ours = [r[p] for r in rounds for p in ("sluice", "few")] + [opened]
    lost = loss_row(ours)
    wrong = [text for one in ours for w in windows_of(one) for text in wrong_in(w, "memif")]
    wrong += [f"memif fill: {one['fill']['wrong']} wrong" for one in ours if one["fill"]["wrong"]]
    if wrong:
        lost["wrong"] = wrong
    shares = [w["share"] for r in rounds for one in r.values() for w in windows_of(one)]
    if away := sum(share < AWAY for share in shares):
        out[0]["note"] += f"; disturbed: in {away} of {len(shares)} windows a CPU was away"
    return out + more + [lost]
