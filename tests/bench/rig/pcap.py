"""Rig A: one process on net_pcap that repeats a file of frames for ever, by turns with testpmd on the same.

First the flow table is filled, then a window is measured (RFC 9693). Then Sluice carries the same frames once
more into a file, where every sampled one has to be right.
"""
import dataclasses
import ipaddress
import pathlib

from rig import cases, frames, gateway, machine, report, rows, sink, testpmd

PROGRAMS = ("io", "5tswap", "sluice")
SLACK_MBUFS = 16384  # beside those that hold the file
MBUF_BYTES = 2880    # a buffer with all that belongs to it, and a good part more
FLOW_BYTES = 256     # likewise a flow
BASE_MIB = 256


@dataclasses.dataclass
class Load:
    """The frames of a case, as files, and what carries them needs."""
    file: str
    frames: int
    flows: int
    services: list
    addresses: gateway.Addresses
    notes: dict

    def mbufs(self, more=0):
        return self.frames + more + SLACK_MBUFS

    def max_flows(self):
        return max(65536, self.flows * 5 // 4)

    def memory_mib(self):
        return BASE_MIB + (self.mbufs() * MBUF_BYTES + self.max_flows() * FLOW_BYTES) // (1 << 20)


def prepare(case, args, knobs):
    pcap = f"{knobs.tmp}/frames.pcap"
    if args.pcap:
        host, _, port = args.vip.rpartition(":")
        try:
            vip = ipaddress.IPv4Address(host)
            n, flows, sources, notes = frames.adopt(args.pcap, pcap, int(vip), int(port), knobs.tmp)
        except (OSError, ValueError) as error:
            die(f"{error}", 2)
        return Load(pcap, n, flows, [(vip, int(port))], gateway.Addresses([vip], sources, flows), notes)
    n, flows = frames.write(pcap, case.flows, case.services, case.zipf, case.size)
    services = [(ipaddress.ip_address(frames.service_address(i)), frames.VIP_PORT) for i in range(case.services)]
    own = ipaddress.ip_address(frames.CLIENTS)
    return Load(pcap, n, flows, services, gateway.Addresses([services[0][0], services[-1][0]], [own], flows), {})


def measure(program, load, knobs):
    """One program, from its start to its end."""
    if program == "sluice":
        device = f"net_pcap0,rx_pcap={load.pcap},infinite_rx=1"
        it = gateway.Gateway(knobs, device, load.services, load.addresses, load.mbufs(), load.max_flows(),
                             load.memory_mib())
        try:
            return it.measure(knobs.warm_s, knobs.window_s, knobs.worker_cpu, load.flows)
        finally:
            it.stop()
    it = testpmd.Testpmd(knobs, load.pcap, load.mbufs(), program, load.memory_mib())
    try:
        return it.measure(knobs.warm_s, knobs.window_s, knobs.worker_cpu)
    finally:
        it.stop()


def check_output(load, knobs):
    """The same frames once more, not repeated, into a file that the sink reads."""
    read, written = f"{knobs.tmp}/sink-in.pcap", f"{knobs.tmp}/sink-out.pcap"
    sent, n_first, step = frames.write_for_sink(load.pcap, read, knobs.sink_again)
    device = f"net_pcap0,rx_pcap={read},tx_pcap={written}"
    it = gateway.Gateway(knobs, device, load.services, load.addresses, SLACK_MBUFS * 2, load.max_flows(),
                         load.memory_mib(), at_once=True)
    try:
        it.up()
        it.sent_all(len(sent))
    finally:
        it.stop()
    a = load.addresses
    it = sink.Sink(set(map(int, a.endpoints)), set(map(int, a.pool)), gateway.PORTS, a.mac_of(), gateway.TARGET_PORT)
    return sink.verify(it, written, sent, n_first, step)


def run_case(case, args, knobs, pages, label):
    progress(f"{label} {case.name}: frames")
    load = prepare(case, args, knobs)
    if args.pcap:
        case.flows = load.flows
    if case.zipf:
        case.title += f" ({load.flows:,} met)"
    knobs.hugepages = pages.want(load.memory_mib())
    if not knobs.hugepages and load.memory_mib() > machine.meminfo_mib("MemAvailable") - machine.SPARE_MIB:
        progress(f"{label} {case.name}: left out, it needs {load.memory_mib()} MiB of memory")
        return None
    if not knobs.hugepages:
        knobs.pages = "not always hugepages"
        progress(f"{label} {case.name}: no {load.memory_mib()} MiB of hugepages, so all three do without")
    rounds, n = [], args.rounds or (min(case.rounds, knobs.rounds) if case.rounds else knobs.rounds)
    for number in range(n):
        # Who begins changes, so that a drift of the machine meets each of them.
        turn = PROGRAMS[number % 3:] + PROGRAMS[:number % 3]
        found = {}
        for program in turn:
            found[program] = measure(program, load, knobs)
            one = found[program]
            disturbed = "" if one["share"] >= DISTURBED else f" (disturbed: {one['share']:.0%} of its CPU)"
            progress(f"{label} {case.name}: round {number + 1}/{n}, {program}: {one['pps'] / 1e6:.2f} Mpps{disturbed}")
        rounds.append(found)
    progress(f"{label} {case.name}: sink")
    result = {"name": case.name, "title": case.title, "case": dataclasses.asdict(case), "frames": load.frames,
              "flows": load.flows, "hugepages": knobs.hugepages, "notes": load.notes,
              "figures": report.summary(case, rounds, machine.clock_hz()),
              "targets": report.targets(case), "sink": check_output(load, knobs), "rounds": rounds}
    result["wrong"] = sorted({w for r in rounds for w in r["sluice"]["wrong"]}) + result["sink"]["complaints"]
    return result


