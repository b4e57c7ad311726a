"""A little network of its own, with real TCP: clients - gateway - servers, each a network namespace.

  client                    gateway                      server
  192.0.2.10/24 eth0 ---- dev-clients | dev-servers ---- eth0 198.51.100.11 .12 .13 .14/24
                                                              nginx, iperf3

Whatever gateway is in the middle, both ends are the same: a veth leaves checksums and segmentation to a hardware
that is not there, so the ends do that themselves (`ethtool -K tx off` and so on). Every process of the ends has the control
CPU, the gateway has the worker's. What the kernel does with a frame it does on the CPU that sent it, unless spread() says
otherwise: so what a gateway sends is received by the end's TCP on the gateway's CPU.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from rig import rows

CLIENT, CLIENT_GATEWAY = "192.0.2.10", "192.0.2.1"
SERVERS = [f"198.51.100.{11 + i}" for i in range(4)]
SERVER_GATEWAY = "198.51.100.1"
VIP = "203.0.113.80"
HTTP, BULK = 80, 5201
MACS = {"client": "02:00:00:00:01:0a", "dev-clients": "02:00:00:00:01:01",
        "server": "02:00:00:00:02:11", "dev-servers": "02:00:00:00:02:01"}
PORTS = ("dev-clients", "dev-servers") # the gateway's
OFFLOADS = "rx off tx off tso off gso off gro off".split()
START_S = 20

NGINX = """user root;
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{ worker_connections 8192; }}
http {{
	access_log off;
	client_body_temp_path {home}/body;
	proxy_temp_path {home}/proxy;
	fastcgi_temp_path {home}/fastcgi;
	uwsgi_temp_path {home}/uwsgi;
	scgi_temp_path {home}/scgi;
	keepalive_requests 100000000;
	server {{
		listen {port} backlog=8192;
		location / {{ return 200 "ok\\n"; }}
	}}
}}
"""


def wait_for(what, seconds, true):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise rows.Failed(f"{what} within {seconds} s: no")
        time.sleep(0.02)


class Lab:
    """Spaces, cables and servers. Use it as a context: at its end all of it is gone."""

    def __init__(self, knobs):
        self.knobs = knobs
        self.prefix = f"{knobs.prefix}v"
        self.home = pathlib.Path(knobs.tmp) / "veth"
        self.spaces, self.processes = [], []

    def __enter__(self):
        try:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir()
            for name in ("client", "gateway", "server"):
                self.space(name)
            for end, port in zip(("client", "server"), PORTS):
                self.cable(end, port)
            self.addresses()
            self.serve()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # ---- network ----

    def ip(self, space, *words):
        done = subprocess.run(["ip", "-n", f"{self.prefix}-{space}", *words], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise rows.Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def write(self, space, path, text):
        """Into a file of /proc/sys or /sys as that namespace has it."""
        done = subprocess.run(["ip", "netns", "exec", f"{self.prefix}-{space}", "sh", "-c", 'printf %s "$1" >"$2"',
                               "sh", str(text), path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise rows.Failed(f"{path}: {done.stderr.strip()}")

    def space(self, name):
        # Noted first: a signal may come in between.
        self.spaces.append(f"{self.prefix}-{name}")
        if subprocess.run(["ip", "netns", "add", self.spaces[-1]], check=False).returncode != 0:
            raise rows.Failed(f"no network namespace {self.spaces[-1]}")
        self.ip(name, "link", "set", "lo", "up")
        if os.path.exists("/proc/sys/net/ipv6"):
            # Quiet: no neighbour discovery of a protocol that nobody measures.
            self.write(name, "/proc/sys/net/ipv6/conf/all/disable_ipv6", 1)
            self.write(name, "/proc/sys/net/ipv6/conf/default/disable_ipv6", 1)

    def cable(self, end, port):
        self.ip(end, "link", "add", "eth0", "address", MACS[end], "type", "veth",
                "peer", "name", port, "address", MACS[port], "netns", f"{self.prefix}-gateway")
        for space, name in ((end, "eth0"), ("gateway", port)):
            subprocess.run(["ip", "netns", "exec", f"{self.prefix}-{space}", "ethtool", "-K", name, *OFFLOADS],
                           capture_output=True, check=False)
            self.ip(space, "link", "set", name, "up")

    def addresses(self):
        self.ip("client", "addr", "add", f"{CLIENT}/24", "dev", "eth0")
        self.ip("client", "route", "add", "default", "via", CLIENT_GATEWAY)
        for address in SERVERS:
            self.ip("server", "addr", "add", f"{address}/24", "dev", "eth0")
        self.ip("server", "route", "add", "default", "via", SERVER_GATEWAY)
        for space in ("client", "server"):
            self.write(space, "/proc/sys/net/ipv4/ip_local_port_range", "1024 65535")
            self.write(space, "/proc/sys/net/core/somaxconn", 8192)

    def spread(self, space, device, cpu):
        """Frames that come in on a device are handled on that CPU (RPS)."""
        self.write(space, f"/sys/class/net/{device}/queues/rx-0/rps_cpus", f"{1 << cpu:x}")

    # ---- processes ----

    def command(self, space, cpus, words):
        return ["taskset", "-c", ",".join(map(str, cpus)), "ip", "netns", "exec", f"{self.prefix}-{space}", *words]

    def start(self, space, cpus, name, *words):
        with open(self.home / f"{name}.out", "wb") as log:
            process = subprocess.Popen(self.command(space, cpus, words), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        self.processes.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()

    def listens(self, space, port):
        done = subprocess.run(["ip", "netns", "exec", f"{self.prefix}-{space}", "ss", "-Hlnt", f"sport = :{port}"],
                              capture_output=True, text=True, check=False)
        return bool(done.stdout)

    def tail(self, name):
        return "\n".join((self.home / f"{name}.out").read_text("utf-8", "replace").splitlines()[-12:])

    def serve(self):
        conf = self.home / "nginx.conf"
        conf.write_text(NGINX.format(home=self.home, port=HTTP), "ascii")
        cpus = [self.knobs.control_cpu]
        self.start("server", cpus, "nginx", "nginx", "-p", str(self.home), "-c", str(conf))
        self.start("server", cpus, "iperf3", "iperf3", "-s", "-p", str(BULK))
        for port in (HTTP, BULK):
            wait_for(f"a server listens on {port}", START_S, lambda port=port: self.listens("server", port))

    def client(self, seconds, *words):
        try:
            done = subprocess.run(self.command("client", [self.knobs.control_cpu], words), capture_output=True,
                                  text=True, timeout=seconds + 20, check=False)
        except subprocess.TimeoutExpired as error:
            raise rows.Failed(f"{words[0]} does not end") from error
        if done.returncode != 0:
            raise rows.Failed(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout

    # ---- what is measured ----

    def reaches(self, address):
        """Waits until an answer comes through."""
        def once():
            return subprocess.run(self.command("client", [self.knobs.control_cpu],
                                               ["curl", "-s", "-m", "1", "-o", "/dev/null", f"http://{address}/"]),
                                  check=False).returncode == 0
        wait_for(f"an answer of http://{address}/", START_S, once)

    def http(self, address, seconds, connections, close):
        """Answers a second, each on a connection of its own with close; and errors of sockets."""
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s"]
        if close:
            words += ["-H", "Connection: close"]
        said = self.client(seconds, *words, f"http://{address}/")
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        if not rate:
            raise rows.Failed(f"wrk said: {said[-400:]}")
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        return float(rate[1]), sum(map(int, errors.groups() if errors else ())) + int(bad[1] if bad else 0)

    def bulk(self, address, seconds):
        """Bits a second that arrive of one TCP connection."""
        said = self.client(seconds, "iperf3", "-J", "-c", address, "-p", str(BULK), "-t", str(seconds))
        return json.loads(said)["end"]["sum_received"]["bits_per_second"]

    # ---- the end ----

    def close(self):
        for process in reversed(self.processes):
            self.end(process)
        for space in self.spaces:
            left = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True, check=False)
            for pid in left.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)
        self.spaces, self.processes = [], []
        shutil.rmtree(self.home, ignore_errors=True)
