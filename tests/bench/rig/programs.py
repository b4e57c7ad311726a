"""Benchmarks that are programs of the build: what they print with --json becomes rows."""
import os
import pathlib
import subprocess

from rig import rows

ROOT = pathlib.Path(__file__).resolve().parents[3]
TIMEOUT_S = 300

# name of the part: (program of tests/bench, whether it takes both CPUs, in --quick too)
PROGRAMS = {
    "pipe": ("bench_pipe", False, True),
    "flood": ("bench_flood", False, True),
    "swaps": ("bench_swaps", True, True),
    "load": ("bench_load", True, True),
}
HOTPATH = ROOT / "scripts/lint/_hotpath"


def targets(build):
    """The programs that this tree has, as targets of ninja."""
    said = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], capture_output=True, text=True, check=True)
    known = {line.partition(":")[0] for line in said.stdout.splitlines()}
    return [t for t in (f"tests/bench/{p[0]}" for p in PROGRAMS.values()) if t in known]


def run(name, knobs, progress):
    program, both, _ = PROGRAMS[name]
    path = f"{knobs.build}/tests/bench/{program}"
    if not os.access(path, os.X_OK):
        progress(f"{name}: this tree has no {program}")
        return []
    cpus = f"{knobs.control_cpu},{knobs.worker_cpu}" if both else str(knobs.worker_cpu)
    progress(f"{name}: {program}")
    return rows.of_program(["taskset", "-c", cpus, path, "--json", *(["--quick"] if knobs.quick else [])], TIMEOUT_S,
                           cwd=ROOT)


def hotpath(progress):
    """The object code has no atomic read-modify-write in the packet path: as a row."""
    if not os.access(HOTPATH, os.X_OK):
        progress(f"objects: this tree has no {HOTPATH.name}")
        return []
    done = subprocess.run([HOTPATH], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode == 0:
        return [rows.row("hotpath-atomics", 0, note="scripts/lint/_hotpath")]
    return [rows.missing("hotpath-atomics", (done.stdout + done.stderr).strip().splitlines()[-1][:120])]
