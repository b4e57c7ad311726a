"""The peer: dpdk-testpmd on the same ports, the same frames and the same CPU."""
import os
import re
import select
import subprocess
import time

from rig import machine

PROMPT = b"testpmd> "
START_S = 120


class Failed(Exception):
    """The peer did not do what it should; the text is the end of what it printed."""


class Testpmd:
    def __init__(self, knobs, devices, n_mbufs, mode, memory_mib, options=(), cpus=None):
        """cpus: it forwards on each of them."""
        self.printed = b""
        self.cpus = cpus or [knobs.worker_cpu]
        self.command = [
            "dpdk-testpmd", *(["--in-memory"] if knobs.hugepages else ["--no-huge", "-m", str(memory_mib)]),
            "--no-pci", "--no-telemetry", f"--file-prefix={knobs.prefix}",
            "--lcores=" + ",".join(f"{i}@{cpu}" for i, cpu in enumerate([knobs.control_cpu, *self.cpus])),
            *(f"--vdev={device}" for device in devices), "--", "-i", f"--forward-mode={mode}",
            *options, f"--total-num-mbufs={n_mbufs}", f"--mbcache={knobs.mbuf_cache}",
            f"--mbuf-size={knobs.mbuf_size}", f"--burst={knobs.burst}", "--no-mlockall"]
        # Line by line, as if to a terminal: the answers are read while it runs.
        self.process = subprocess.Popen(["stdbuf", "-oL", *self.command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def fail(self, why):
        raise Failed(f"testpmd {why}:\n" + "\n".join(self.printed.decode(errors="replace").splitlines()[-12:]))

    def until_prompt(self, seconds):
        end = time.monotonic() + seconds
        said = b""
        while PROMPT not in said:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.fail("does not answer")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                self.fail("ended")
            said += more
            self.printed += more
        return said.decode(errors="replace")

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.until_prompt(10)

    def rates(self):
        text = self.ask("show port stats 0")
        number = lambda name: int(re.search(rf"{name}:\s+(\d+)", text)[1])
        return {"rx_pps": number("Rx-pps"), "tx_pps": number("Tx-pps"), "tx_errors": number("TX-errors")}

    def up(self):
        self.until_prompt(START_S)

    def cycles(self):
        """(cycles, packets) so far, of bursts with packets only; wants --record-core-cycles."""
        found = re.findall(r"total cycles=(\d+) / total \S+ packets=(\d+)", self.ask("show fwd stats all"))
        return tuple(map(int, found[-1])) if found else (0, 0)

    def measure(self, warm_s, window_s, cpu, _n_flows):
        self.up()
        self.ask("start")
        time.sleep(warm_s)
        steal = machine.steal_ticks(cpu)
        before, begin = machine.run_time_ns(self.process.pid), time.monotonic_ns()
        self.rates()
        time.sleep(window_s)
        now = self.rates()
        after, end = machine.run_time_ns(self.process.pid), time.monotonic_ns()
        share = machine.busiest(before, after, len(self.cpus)) / (end - begin)
        return {"pps": now["tx_pps"] / share, "wall_pps": now["tx_pps"], "share": share,
                "steal_ms": 10 * (machine.steal_ticks(cpu) - steal)}

    def stop(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write(b"quit\n")
                self.process.stdin.close()
                self.process.wait(20)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
