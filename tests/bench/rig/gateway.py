"""Sluice under test: one worker, one port, in a network namespace of its own."""
import ipaddress
import json
import pathlib
import socket
import subprocess
import time

from rig import frames, machine

START_S = 120
FILL_S = 60
APPLY_S = 240 # of many services, on a machine that has other work
NETS = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "198.19.254.0/24", "198.19.255.0/24")
N_ENDPOINTS = 4
PORTS = (1024, 65535)
TARGET_PORT = 5009


class Failed(Exception):
    """Sluice did not do what it should; the text says what."""


class Addresses:
    """Two networks that none of the frames has an address in: of the servers, and of the pool."""

    def __init__(self, vips, sources, n_flows):
        taken = [ipaddress.ip_address(a) for a in (*vips, *sources)]
        free = [net for net in map(ipaddress.ip_network, NETS) if not any(a in net for a in taken)]
        if len(free) < 2:
            raise Failed(f"the addresses of the frames lie in all of {', '.join(NETS)}")
        self.port = f"{free[0][1]}/24"
        self.endpoints = [free[0][11 + i] for i in range(N_ENDPOINTS)]
        # Ports in plenty: how it is when they run out is another question.
        self.pool = [free[1][1 + i] for i in range(min(250, 4 + n_flows * 3 // 2 // 64512))]

    def mac(self, endpoint):
        return bytes([2, 0, 0, 0, 2, int(endpoint) & 0xff])

    def mac_of(self):
        return {int(e): self.mac(e) for e in self.endpoints}


def service(number, address, port, endpoints):
    rows = ", ".join(f"{{address: {e}}}" for e in endpoints)
    return (f"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: bench-{number}}}\n"
            f"spec:\n  hosts: [bench-{number}.example.com]\n  addresses: [{address}]\n"
            f"  ports: [{{number: {port}, name: udp, protocol: UDP, targetPort: {TARGET_PORT}}}]\n"
            f"  location: MESH_EXTERNAL\n  resolution: STATIC\n  endpoints: [{rows}]\n")


def port(name, device, mac, address, neighbours):
    """A port of sluice.yaml; neighbours: {address: MAC address}."""
    pairs = ", ".join(f'{{address: {a}, mac: "{m.hex(":")}"}}' for a, m in neighbours.items())
    return (f'- name: {name}\n  device: "{device}"\n  mac: "{mac.hex(":")}"\n  addresses: [{address}]\n'
            f"  neighbours: [{pairs}]\n")


def single_port(device, addresses):
    """Clients and servers on the same one."""
    return port("net", device, frames.PORT_MAC, addresses.port, {e: addresses.mac(e) for e in addresses.endpoints})


class Gateway:
    def __init__(self, knobs, ports, services, addresses, n_mbufs, n_flows, memory_mib, at_once=False, flows="",
                 workers="", cpus=None):
        """With at_once the services are there before the first frame, otherwise fill() brings them.

        ports are those of sluice.yaml, flows and workers what is more to say of these there; cpus: a worker on each.
        """
        self.knobs = knobs
        self.hugepages, self.at_once = knobs.hugepages, at_once
        self.folder = pathlib.Path(knobs.tmp)
        self.addresses = addresses
        self.socket = f"{knobs.tmp}/sluice.sock"
        self.services = self.folder / "services.yaml"
        self.log = self.folder / "sluice.log"
        self.flows = f"max: {n_flows}, maxEndpoints: {max(262144, len(services) * N_ENDPOINTS * 5 // 4)}, maxUnanswered: 100"
        self.flows += f", {flows}" if flows else ""
        self.cpus = cpus or [knobs.worker_cpu]
        self.workers = f"count: {len(self.cpus)}, cores: {self.cpus}"
        self.workers += f", controlCore: {knobs.control_cpu}" if knobs.control_cpu not in self.cpus else ""
        self.workers += f", {workers}" if workers else ""
        with open(self.services, "w", encoding="ascii") as out:
            for number, (address, port) in enumerate(services):
                out.write(service(number, address, port, addresses.endpoints))
        conf = self.folder / "sluice.yaml"
        conf.write_text(self.conf(ports, n_mbufs, memory_mib), "ascii")
        (self.folder / "state").mkdir(exist_ok=True)
        for left in (self.folder / "state").iterdir():
            left.unlink()
        # It takes the worker's CPU, which we do not use ourselves.
        self.command = ["taskset", "-c", ",".join(map(str, {knobs.control_cpu, *self.cpus})),
                        "ip", "netns", "exec", knobs.space, knobs.sluice, "-c", str(conf),
                        "--profile-dir", knobs.profiles]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.line = None

    def conf(self, ports, n_mbufs, memory_mib):
        memory = "hugepages: always" if self.hugepages else f"hugepages: never, size: {memory_mib}Mi"
        pool = ", ".join(map(str, self.addresses.pool))
        return f"""ports:
{ports}workers: {{{self.workers}}}
pool: {{addresses: [{pool}], ports: {{first: {PORTS[0]}, last: {PORTS[1]}}}}}
flows: {{{self.flows}}}
memory: {{{memory}, buffers: {n_mbufs}}}
resources: [{self.services if self.at_once else ""}]
outboundPolicy: {{deny: silent}}
control: {{socket: {self.socket}}}
stateDir: {self.folder}/state
"""

    # ---- the control socket ----

    def fail(self, why):
        tail = self.log.read_text("utf-8", "replace").splitlines()[-12:]
        raise Failed(f"sluice {why}:\n" + "\n".join(tail))

    def up(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.fail("ended")
            try:
                line = socket.socket(socket.AF_UNIX)
                line.connect(self.socket)
                self.line = line.makefile("rwb")
                line.close()
                return
            except OSError:
                time.sleep(0.02)
        self.fail("does not come up")

    def ask(self, command, **args):
        self.line.write(json.dumps({"command": command, "args": args}).encode() + b"\n")
        self.line.flush()
        rows = []
        for answer in self.line:
            answer = json.loads(answer)
            if "row" in answer:
                rows.append(answer["row"])
            elif "end" in answer:
                return rows
        self.fail(f"does not answer `{command}`")

    def counters(self):
        """(time in s, counters, drops): the time is the middle of question and answer."""
        begin = time.monotonic()
        rows = self.ask("stats", all="true")
        now = (begin + time.monotonic()) / 2
        of = lambda kind: {r["name"]: r["value"] for r in rows if r["worker"] is None and r["kind"] == kind}
        return now, of("counter"), of("drop")

    def stages(self):
        """{stage: cycles} of all workers, where Sluice was built to count them; empty otherwise."""
        total = {}
        for worker in self.ask("workers"):
            for name, cycles in (worker.get("stages") or {}).items():
                total[name] = total.get(name, 0) + cycles
        return total

    # ---- RFC 9693: first fill the table, then measure ----

    def fill(self, n_flows):
        """Brings the services: from then on each frame of the first turn of the file opens a flow.

        Returns new flows per second on the CPU between a tenth and nine tenths of them, None where that is too
        short a time to say it.
        """
        apply = subprocess.Popen([self.knobs.sluicectl, "-s", self.socket, "apply", "-f", str(self.services)],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        points, end = [], time.monotonic() + APPLY_S
        while not points or points[-1][1] < n_flows:
            now, counters, _ = self.counters()
            points.append((machine.run_time_ns(self.process.pid), counters["flows_created"]))
            if now > end:
                self.fail(f"has {points[-1][1]} of {n_flows} flows after {APPLY_S} s")
            if apply.poll() not in (None, 0):
                self.fail("refused the services: " + apply.stdout.read()[-500:])
            time.sleep(0.004)
        said, _ = apply.communicate(timeout=APPLY_S)
        if apply.returncode != 0:
            self.fail(f"refused the services: {said[-500:]}")
        middle = [p for p in points if n_flows * 0.1 <= p[1] <= n_flows * 0.9]
        if len(middle) < 3 or middle[-1][1] - middle[0][1] < n_flows * 0.4:
            return None
        return (middle[-1][1] - middle[0][1]) / machine.busiest(middle[0][0], middle[-1][0]) * 1e9

    def measure(self, warm_s, window_s, cpu, n_flows):
        self.up()
        established = self.fill(n_flows)
        time.sleep(warm_s)
        steal = machine.steal_ticks(cpu)
        before, begin = machine.run_time_ns(self.process.pid), time.monotonic_ns()
        first, was, dropped = self.counters()
        stages = self.stages()
        time.sleep(window_s)
        last, now, drops = self.counters()
        spent = {name: cycles - stages.get(name, 0) for name, cycles in self.stages().items()}
        after, end = machine.run_time_ns(self.process.pid), time.monotonic_ns()
        rx = now["rx"] - was["rx"]
        pps = (now["forwarded"] - was["forwarded"]) / (last - first)
        share = machine.busiest(before, after, len(self.cpus)) / (end - begin)
        return {"pps": pps / share, "wall_pps": pps, "share": share,
                "steal_ms": 10 * (machine.steal_ticks(cpu) - steal),
                "busy_cycles": (now["busy_cycles"] - was["busy_cycles"]) / max(rx, 1),
                "new_flows": established, "stages": {name: cycles / max(rx, 1) for name, cycles in spent.items()},
                "wrong": self.wrong(rx, was, now, dropped, drops, n_flows)}

    @staticmethod
    def wrong(rx, was, now, dropped, drops, n_flows):
        """What may not be in a window of frames that all belong to flows of the table."""
        found = [f"{drops[name] - dropped[name]} dropped: {name}"
                 for name in drops if drops[name] != dropped[name]]
        forwarded = now["forwarded"] - was["forwarded"]
        if forwarded != rx or rx == 0:
            found.append(f"{rx} received, {forwarded} forwarded")
        if now["flows_created"] != was["flows_created"]:
            found.append(f"{now['flows_created'] - was['flows_created']} flows created with a full table")
        if now["flows_live"] != n_flows:
            found.append(f"{now['flows_live']} flows live, {n_flows} expected")
        return found

    def sent_all(self, n):
        """Waits until n frames of a file that is read once are through, or no more come."""
        end = time.monotonic() + FILL_S
        last = -1
        while time.monotonic() < end:
            _, counters, _ = self.counters()
            if counters["rx"] >= n and counters["rx"] == last:
                return
            last = counters["rx"]
            time.sleep(0.05)

    def stop(self):
        if self.line:
            self.line.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process.wait() != 0:
            self.fail(f"ended with status {self.process.returncode}")
