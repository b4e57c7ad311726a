"""Rows: one figure each, as every part of scripts/bench hands them over, and the table of issue 5 out of them.

A row is a dict, in JSON as well: name, value, and where they are known lo, hi, unit, must, aim and note. value is
a number, or None when it could not be measured: then note says why. `wrong`, a list, is what no run may show.
Programs in C print `[{"name": ..}, ..]` on standard output with --json and end with another status than 0 when a
result was wrong; modules of rig have run(knobs, progress) -> rows.
"""
import dataclasses
import json
import pathlib
import statistics
import subprocess


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A line of the table: what issue 5 asks."""
    name: str
    what: str
    must: float = None
    aim: float = None
    unit: str = ""
    less: bool = False  # the smaller the better
    by: str = ""        # what measures it


LADDER = "scripts/bench --only flows"
PIPE = "tests/bench/bench_pipe"
SWAPS = "tests/bench/bench_swaps"
LOAD = "tests/bench/bench_load"
FLOOD = "tests/bench/bench_flood"
SOAK = "scripts/dev soak"
MEMIF = "scripts/bench --only memif"
VETH = "scripts/bench --only veth"
WORKERS = "scripts/bench --only workers"
OBJECTS = "scripts/lint/hotpath"

WANTED = [
    Wanted("ratio-5tswap-4k", "rig A ÷ testpmd 5tswap, 4 k flows", 0.65, 0.80, by=LADDER),
    Wanted("ratio-5tswap-64k", "rig A ÷ testpmd 5tswap, 64 k flows", 0.55, 0.72, by=LADDER),
    Wanted("ratio-5tswap-1m", "rig A ÷ testpmd 5tswap, 1 M flows", 0.55, 0.70, by=LADDER),
    Wanted("above-io-4k", "cycles a packet above testpmd io, 4 k flows", 40, 26, "cycles", True, LADDER),
    Wanted("above-io-64k", "cycles a packet above testpmd io, 64 k flows", 55, 35, "cycles", True, LADDER),
    Wanted("above-io-1m", "cycles a packet above testpmd io, 1 M flows", 75, 50, "cycles", True, LADDER),
    Wanted("new-udp", "new UDP flows a second and core", 5e6, 8e6, "flows/s", by=PIPE),
    Wanted("tcp-cycles", "TCP life cycles a second and core", 1e6, 1.5e6, "cycles/s", by=PIPE),
    Wanted("expiry-beside", "expiry at full packet rate", 3e6, None, "flows/s", by=PIPE),
    Wanted("expiry-loss", "the same: what it costs", 5, None, "% of the packet rate", True, PIPE),
    Wanted("memory-per-flow", "memory a flow, all in", 192, 160, "bytes", True, PIPE),
    Wanted("pool-use", "use of a port pool before the first refusal", 0.99, 1, "of the ports", by=PIPE),
    Wanted("swaps-lost", "1,000 snapshot swaps at 80 % load: lost", 0, None, "packets", True, SWAPS),
    Wanted("swaps-missteered", "the same: mis-steered", 0, None, "packets", True, SWAPS),
    Wanted("load-100k", "100 k services × 10 endpoints, load and publish", 2, 1, "s", True, LOAD),
    Wanted("load-100k-rss", "the same: memory", 1024, None, "MiB", True, LOAD),
    Wanted("latency-p50", "latency at half rate over memif ÷ testpmd io, p50", 1.2, None, "", True, MEMIF),
    Wanted("latency-p99", "the same, p99", 2, None, "", True, MEMIF),
    Wanted("veth-conn-nft", "veth: connections/s ÷ kernel nft", 1.3, by=VETH),
    Wanted("veth-req-nft", "veth: requests/s ÷ kernel nft", 1.3, by=VETH),
    Wanted("veth-conn-haproxy", "veth: connections/s ÷ haproxy TCP mode", 1.6, by=VETH),
    Wanted("veth-req-haproxy", "veth: requests/s ÷ haproxy TCP mode", 1.6, by=VETH),
    Wanted("veth-bulk-wire", "veth: bulk TCP ÷ testpmd as a wire", 0.9, by=VETH),
    Wanted("established-under-flood", "established traffic under 5 M spoofed SYN/s", 0.95, by=FLOOD),
    Wanted("soak-live-equals-ports", "soak: live flows = ports = table entries", 1, None, "bool", by=SOAK),
    Wanted("hotpath-atomics", "atomic read-modify-writes in the packet path", 0, None, "", True, OBJECTS),
    Wanted("scaling", "N workers on N cores, ÷ (N × one)", 0.9, by=WORKERS),
]
BY_NAME = {w.name: w for w in WANTED}


class Failed(Exception):
    """A program that measures did not: the text says why."""


def row(name, values, unit="", note=""):
    """A row out of the values of several rounds, or one value; the median, lowest and highest."""
    values = values if isinstance(values, (list, tuple)) else [values]
    return {"name": name, "value": statistics.median(values), "lo": min(values), "hi": max(values), "unit": unit,
            "note": note}


def missing(name, why):
    return {"name": name, "value": None, "note": why}


def checked(rows, where):
    """The rows of a stranger, or Failed: each has a name, and a number or a reason."""
    for one in rows if isinstance(rows, list) else [rows]:
        good = isinstance(one, dict) and isinstance(one.get("name"), str) and (
            isinstance(one.get("value"), (int, float)) or one.get("value", 0) is None and one.get("note"))
        if not good:
            raise Failed(f"{where}: not a row: {json.dumps(one)[:200]}")
    return rows


def of_program(name, command, timeout_s, file=None):
    """Runs a benchmark that prints rows, or writes them to file. Where it says that one is wrong, so does the first."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{name}: {error}") from error
    try:
        said = pathlib.Path(file).read_text("utf-8") if file else done.stdout
        found = checked(json.loads(said), name)
    except (OSError, ValueError):
        found = []
    tail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-8:]
    if not found:
        raise Failed(f"{name} ended with {done.returncode}:\n" + "\n".join(tail))
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-3:])
        found[0].setdefault("wrong", []).append(f"{name} ended with {done.returncode}. {told}".strip())
    return found


# ---- the table ----

def number(value, unit=""):
    """As short as it says the same: 5.2 M, 0.613, 41."""
    if value is None:
        return ""
    if unit.endswith("/s") and abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    if unit.endswith("/s") and abs(value) >= 1e4:
        return f"{value / 1e3:.1f} k"
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def limits(one):
    """(must, aim, less is better) of a row: its own, else those of the table."""
    wanted = BY_NAME.get(one["name"], Wanted("", ""))
    pick = lambda key: getattr(wanted, key) if one.get(key) is None else one[key]
    return pick("must"), pick("aim"), bool(pick("less"))


def verdict(one):
    """`aim`, `must`, `short`, or nothing where there is no target or no figure."""
    must, aim, less = limits(one)
    reached = lambda target: target is not None and (value <= target if less else value >= target)
    value = one.get("value")
    if value is None or must is None and aim is None:
        return ""
    if aim is not None and reached(aim):
        return "aim"
    return "must" if reached(must) else "short"


HEAD = ("what", "unit", "must", "aim", "here", "lowest to highest", "reached", "note")


def line(one):
    wanted = BY_NAME.get(one["name"], Wanted("", one["name"]))
    must, aim, less = limits(one)
    unit = one.get("unit") or wanted.unit
    bound = lambda value: f"{'≤' if less else '≥'} {number(value, unit)}" if value is not None else ""
    lo, hi = one.get("lo"), one.get("hi")
    spread = f"{number(lo, unit)} to {number(hi, unit)}" if lo is not None and hi is not None and lo != hi else ""
    value = one.get("value")
    here = number(value, unit) if value is not None else "not measured"
    return (wanted.what or one["name"], unit, bound(must), bound(aim), here, spread, verdict(one), one.get("note") or "")


def complete(rows, why_not):
    """Every line of issue 5 in its order, then what else was measured. why_not(wanted) says why one is missing."""
    found = {one["name"]: one for one in rows}
    ordered = [found.pop(w.name, None) or missing(w.name, why_not(w)) for w in WANTED]
    return ordered + list(found.values())


def lines(rows):
    return [HEAD, *map(line, rows)]


def markdown(rows):
    join = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([join(HEAD), "|" + "---|" * len(HEAD), *(join(line(one)) for one in rows)])
