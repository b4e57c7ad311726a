"""Workers: rig A with 1, 2, 4 and 8 of them, as there are CPUs; each has a queue, a file of frames and a CPU of its own.

testpmd `io` on as many queues tells what the machine itself gives: cores share caches, memory and power.
"""
import dataclasses
import ipaddress
import statistics

from rig import frames, gateway, pcap, rows, testpmd

FLOWS = 4096    # of a worker
TABLE = 65536   # likewise
WORKERS = (1, 2, 4, 8)
PROGRAMS = ("io", "sluice")
VIP = (ipaddress.ip_address(frames.VIPS), frames.VIP_PORT)


@dataclasses.dataclass
class Load:
    """Frames for as many queues as there are files; no flow is in two of them."""
    files: list
    flows: int
    addresses: gateway.Addresses
    cpus: list

    def device(self):
        return "net_pcap0," + ",".join(f"rx_pcap={file}" for file in self.files) + ",infinite_rx=1"

    def mbufs(self):
        return len(self.files) * (FLOWS + pcap.SLACK_MBUFS)

    def table(self):
        return len(self.files) * TABLE

    def memory_mib(self):
        return pcap.BASE_MIB + (self.mbufs() * pcap.MBUF_BYTES + self.table() * pcap.FLOW_BYTES) // (1 << 20)


def prepare(n, knobs):
    files = [f"{knobs.tmp}/frames-{i}.pcap" for i in range(n)]
    flows = sum(frames.write(file, FLOWS, first=i * FLOWS)[1] for i, file in enumerate(files))
    addresses = gateway.Addresses([VIP[0]], [ipaddress.ip_address(frames.CLIENTS)], flows)
    # The first CPU is that of all else: it gets a worker only when there is no other.
    return Load(files, flows, addresses, knobs.cpus[-n:])


def start(program, load, knobs):
    n = len(load.cpus)
    if program == "io":
        options = ["--port-topology=loop", f"--nb-cores={n}", f"--rxq={n}", f"--txq={n}"]
        return testpmd.Testpmd(knobs, [load.device()], load.mbufs(), program, load.memory_mib(), options, load.cpus)
    return gateway.Gateway(knobs, gateway.single_port(load.device(), load.addresses), [VIP], load.addresses,
                           load.mbufs(), load.table(), load.memory_mib(), cpus=load.cpus)


def measure(program, load, knobs):
    it = start(program, load, knobs)
    try:
        return it.measure(knobs.warm_s, knobs.window_s, load.cpus[-1], load.flows)
    finally:
        it.stop()


def interleaved(loads, knobs, progress):
    """{(program, workers): a measurement of each round}"""
    found = {(program, n): [] for n in loads for program in PROGRAMS}
    turns, rounds = list(found), 1 if knobs.quick else knobs.rounds
    for number in range(rounds):
        at = number % len(turns)
        for program, n in turns[at:] + turns[:at]:
            one = measure(program, loads[n], knobs)
            found[program, n].append(one)
            progress(f"workers: round {number + 1}/{rounds}, {program} on {n}: {one['pps'] / 1e6:.2f} Mpps")
    return found


def ratios(found, program, n):
    return [many["pps"] / (n * one["pps"]) for many, one in zip(found[program, n], found[program, 1])]


def all_rows(found, most, shared):
    """Those of the most workers are the line of the table; shared: one of them has the CPU of all else."""
    ns = sorted({n for _, n in found})
    out = []
    for n in ns[1:]:
        note = f"N = {n}; testpmd io on as many: {statistics.median(ratios(found, 'io', n)):.2f}"
        if n == most and shared:
            note += "; one shares its CPU with all else"
        out.append(rows.row("scaling" if n == most else f"scaling-{n}", ratios(found, "sluice", n), note=note))
    out += [rows.row(f"workers-{n}-pps", [one["pps"] for one in found["sluice", n]], "packets/s") for n in ns]
    wrong = [f"workers: {n}: {text}" for n in ns for one in found["sluice", n] for text in one["wrong"]]
    if wrong:
        out[0]["wrong"] = wrong
    return out


def run(knobs, pages, progress):
    loads = {n: prepare(n, knobs) for n in WORKERS if n <= len(knobs.cpus)}
    most = max(loads)
    knobs.hugepages = pages.want(loads[most].memory_mib())
    return all_rows(interleaved(loads, knobs, progress), most, most == len(knobs.cpus))
