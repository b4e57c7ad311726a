"""Rig A: one process on net_pcap that repeats a file of frames for ever, Sluice and testpmd by turns.

First the flow table is filled, then a window is measured (RFC 9693). Then Sluice carries the same frames once
more into a file, where every sampled one has to be right.
"""
import dataclasses
import ipaddress

from rig import cases, frames, gateway, machine, report, rows, sink, testpmd

PROGRAMS = ("io", "5tswap", "sluice")
SLACK_MBUFS = 16384  # beside those that hold the file
MBUF_BYTES = 2880    # a buffer with all that belongs to it, and a good part more
FLOW_BYTES = 256     # likewise a flow
BASE_MIB = 256


@dataclasses.dataclass
class Load:
    """The frames of a case, as a file, and what carries them needs."""
    file: str
    frames: int
    flows: int
    services: list
    addresses: gateway.Addresses
    notes: dict

    def mbufs(self):
        return self.frames + SLACK_MBUFS

    def max_flows(self):
        return max(65536, self.flows * 5 // 4)

    def memory_mib(self):
        return BASE_MIB + (self.mbufs() * MBUF_BYTES + self.max_flows() * FLOW_BYTES) // (1 << 20)


def adopted(path, vip, knobs):
    """The frames of a stranger's file to vip, (address, port)."""
    file = f"{knobs.tmp}/frames.pcap"
    n, flows, sources, notes = frames.adopt(path, file, int(vip[0]), vip[1], knobs.tmp)
    return Load(file, n, flows, [vip], gateway.Addresses([vip[0]], sources, flows), notes)


def prepare(case, knobs):
    file = f"{knobs.tmp}/frames.pcap"
    n, flows = frames.write(file, case.flows, case.services, case.zipf, case.size)
    services = [(ipaddress.ip_address(frames.service_address(i)), frames.VIP_PORT) for i in range(case.services)]
    own = ipaddress.ip_address(frames.CLIENTS)
    return Load(file, n, flows, services, gateway.Addresses([services[0][0], services[-1][0]], [own], flows), {})


def start(program, load, knobs, device, at_once=False):
    if program != "sluice":
        return testpmd.Testpmd(knobs, [device], load.mbufs(), program, load.memory_mib(), ["--port-topology=loop"])
    return gateway.Gateway(knobs, gateway.single_port(device, load.addresses), load.services, load.addresses,
                           load.mbufs(), load.max_flows(), load.memory_mib(), at_once)


def measure(program, load, knobs):
    """One program, from its start to its end."""
    it = start(program, load, knobs, f"net_pcap0,rx_pcap={load.file},infinite_rx=1")
    try:
        return it.measure(knobs.warm_s, knobs.window_s, knobs.worker_cpu, load.flows)
    finally:
        it.stop()


def check_output(load, knobs):
    """The same frames once more, not repeated, into a file that the sink reads."""
    read, written = f"{knobs.tmp}/sink-in.pcap", f"{knobs.tmp}/sink-out.pcap"
    sent, n_first, step = frames.write_for_sink(load.file, read, knobs.sink_again)
    once = dataclasses.replace(load, frames=SLACK_MBUFS)
    it = start("sluice", once, knobs, f"net_pcap0,rx_pcap={read},tx_pcap={written}", at_once=True)
    try:
        it.up()
        it.sent_all(len(sent))
    finally:
        it.stop()
    a = load.addresses
    it = sink.Sink(set(map(int, a.endpoints)), set(map(int, a.pool)), gateway.PORTS, a.mac_of(), gateway.TARGET_PORT)
    return sink.verify(it, written, sent, n_first, step)


def interleaved(case, load, knobs, progress):
    rounds = []
    n = min(case.rounds or knobs.rounds, knobs.rounds)
    for number in range(n):
        # Who begins changes, so that a drift of the machine meets each of them.
        turn = PROGRAMS[number % 3:] + PROGRAMS[:number % 3]
        found = {}
        for program in turn:
            found[program] = one = measure(program, load, knobs)
            disturbed = "" if one["share"] >= machine.DISTURBED else f" (disturbed: {one['share']:.0%} of its CPU)"
            progress(f"round {number + 1}/{n}, {program}: {one['pps'] / 1e6:.2f} Mpps{disturbed}")
        rounds.append(found)
    return rounds


def enough_memory(load, knobs, pages, progress):
    knobs.hugepages = pages.want(load.memory_mib())
    if knobs.hugepages:
        return True
    if load.memory_mib() > machine.meminfo_mib("MemAvailable") - machine.SPARE_MIB:
        progress(f"left out, it needs {load.memory_mib()} MiB of memory")
        return False
    knobs.pages = "not always hugepages"
    progress(f"no {load.memory_mib()} MiB of hugepages, so all three do without")
    return True


def run_case(case, load, knobs, pages, progress):
    """The result of a case, or None for want of memory."""
    if not enough_memory(load, knobs, pages, progress):
        return None
    if case.zipf:
        case.title += f" ({load.flows:,} met)"
    case.flows = case.flows or load.flows
    rounds = interleaved(case, load, knobs, progress)
    progress("sink")
    result = {"name": case.name, "title": case.title, "case": dataclasses.asdict(case), "frames": load.frames,
              "flows": load.flows, "hugepages": knobs.hugepages, "notes": load.notes,
              "figures": report.summary(case, rounds, machine.clock_hz()), "sink": check_output(load, knobs),
              "rounds": rounds}
    result["wrong"] = sorted({w for r in rounds for w in r["sluice"]["wrong"]}) + result["sink"]["complaints"]
    return result


def table_rows(results):
    """The rows of issue 5 that the ladder has."""
    out = []
    for result in results:
        if result["case"]["goal"]:
            for name, key in (("ratio-5tswap", "ratio_5tswap"), ("above-io", "cycles_above_io")):
                f = result["figures"][key]
                out.append({"name": f"{name}-{result['case']['goal']}", "value": f["median"], "lo": f["min"],
                            "hi": f["max"], "note": ""})
    return out
