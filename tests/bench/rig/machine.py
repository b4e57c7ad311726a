"""What this machine is, what it lends to a run (hugepages, a network namespace, two CPUs), and gets back."""
import os
import pathlib
import re
import subprocess

HUGE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGE_MIB = 2
DISTURBED = 0.97 # a thread that had less of its CPU was disturbed
SPARE_MIB = 4096 # of the machine's memory, which hugepages never take


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def first(pattern, text, default=""):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else default


def meminfo_mib(name):
    return int(first(rf"^{name}:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text("ascii"), "0")) >> 10


def load():
    return os.getloadavg()[0]


def clock_hz():
    """Of the time-stamp counter. A guest's kernel shows the same as the CPU's MHz."""
    return float(first(r"^cpu MHz\s*: ([\d.]+)", pathlib.Path("/proc/cpuinfo").read_text("utf-8"), "0")) * 1e6


def facts():
    lscpu = output("lscpu")
    field = lambda name: first(rf"^{name}:\s+(.*)$", lscpu)
    return {
        "cpu": field("Model name"),
        "cpus": os.cpu_count(),
        "clock_mhz": round(clock_hz() / 1e6),
        "caches": {name: field(f"{name} cache") for name in ("L1d", "L1i", "L2", "L3")},
        "hypervisor": field("Hypervisor vendor") or "none",
        "memory_mib": meminfo_mib("MemTotal"),
        "kernel": os.uname().release,
        "gcc": output("gcc", "-dumpfullversion"),
        "dpdk": output("pkg-config", "--modversion", "libdpdk"),
    }


def revision(root):
    known = output("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12")
    return known or "unknown"


class Hugepages:
    """Pages of 2 MiB: those that are there, and while we are root as many more as a run wants."""

    def __init__(self):
        self.before = self.count()
        self.why_not = ""

    @staticmethod
    def count(what="nr_hugepages"):
        try:
            return int((HUGE / what).read_text("ascii"))
        except OSError:
            return 0

    def want(self, mib):
        """True when so much is free now."""
        pages = (mib + PAGE_MIB - 1) // PAGE_MIB
        short = pages - self.count("free_hugepages")
        if short > 0 and meminfo_mib("MemAvailable") - short * PAGE_MIB > SPARE_MIB:
            try:
                (HUGE / "nr_hugepages").write_text(str(self.count() + short), "ascii")
            except OSError as error:
                self.why_not = str(error)
        return self.count("free_hugepages") >= pages

    def give_back(self):
        if self.count() != self.before:
            (HUGE / "nr_hugepages").write_text(str(self.before), "ascii")


def run_time_ns(pid):
    """Time on a CPU of each thread of a process."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            times[task.name] = int((task / "schedstat").read_text("ascii").split()[0])
        except OSError:
            continue # it ended
    return times


def busiest(before, after, n=1):
    """CPU time of the thread that ran most between two readings, or what each of the n that did had on average."""
    times = sorted(after[task] - ns for task, ns in before.items() if task in after)
    return sum(times[-n:]) / n


def steal_ticks(cpu):
    """What the hypervisor took from a CPU so far, in ticks of 10 ms."""
    line = first(rf"^cpu{cpu} (.*)$", pathlib.Path("/proc/stat").read_text("ascii"))
    return int(line.split()[7]) if line else 0
