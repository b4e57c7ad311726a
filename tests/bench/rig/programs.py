"""Benchmarks that are programs of the build: what they print with --json becomes rows."""
import dataclasses
import os
import pathlib
import subprocess

from rig import rows

ROOT = pathlib.Path(__file__).resolve().parents[3]
TIMEOUT_S = 300

@dataclasses.dataclass(frozen=True)
class Program:
    """A benchmark of the build."""
    name: str
    title: str
    both: bool = False  # takes both CPUs, not the worker's only
    full: tuple = ()    # its arguments
    quick: tuple = ("--quick",)  # None: not in --quick
    into_file: bool = False      # --json names a file, since it prints as well


PROGRAMS = {
    "memory": Program("bench_memory", "what this machine is worth now: latency of its memory by size, its core"),
    "pipe": Program("bench_pipe", "the packet path in one process: new flows, TCP life cycles, expiry, memory"),
    "flood": Program("bench_flood", "established traffic while SYNs flood in", True),
    "swaps": Program("bench_swaps", "swaps of the snapshot under load: 1,000, with --quick 300", True, quick=("300",)),
    "load": Program("bench_load", "100,000 services, from files to published", True, into_file=True),
    "soak": Program("bench_soak", "half a minute of churn: live flows = ports = table entries", True, ("30",), None),
}
HOTPATH = ROOT / "scripts/lint/hotpath"


def targets(build):
    """The programs that this tree has, as targets of ninja."""
    said = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], capture_output=True, text=True, check=True)
    known = {line.partition(":")[0] for line in said.stdout.splitlines()}
    return [t for t in (f"tests/bench/{p.name}" for p in PROGRAMS.values()) if t in known]


def run(name, knobs, progress):
    it = PROGRAMS[name]
    path = f"{knobs.build}/tests/bench/{it.name}"
    if not os.access(path, os.X_OK):
        progress(f"{name}: this tree has no {it.name}")
        return []
    cpus = f"{knobs.control_cpu},{knobs.worker_cpu}" if it.both else str(knobs.worker_cpu)
    more = it.quick if knobs.quick and it.quick is not None else it.full
    file = f"{knobs.tmp}/{name}.json" if it.into_file else None
    return rows.of_program(it.name, ["taskset", "-c", cpus, path, "--json", *([file] if file else []), *more],
                           TIMEOUT_S, file)


def hotpath(knobs, progress):
    """The object code has no atomic read-modify-write in the packet path: as a row."""
    if not os.access(HOTPATH, os.X_OK):
        progress(f"objects: this tree has no {HOTPATH.name}")
        return []
    done = subprocess.run([HOTPATH, knobs.build], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode == 0:
        return [rows.row("hotpath-atomics", 0, note="scripts/lint/hotpath")]
    return [rows.missing("hotpath-atomics", (done.stdout + done.stderr).strip().splitlines()[-1][:120])]
