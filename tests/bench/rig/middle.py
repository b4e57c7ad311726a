"""What stands between clients and servers of the lab: the kernel, haproxy, testpmd as a wire, Sluice.

Each has a name, the address that clients ask, and up(lab), which starts it on the worker's CPU; then reaches(address) of the lab
says when it is there. The lab ends its processes.
"""
from rig import lab as labs, rows
from rig.lab import BULK, CLIENT_GATEWAY, HTTP, SERVERS, SERVER_GATEWAY, VIP

MBUFS, FLOWS = 32768, 1048576
POOL = [f"198.51.100.{100 + i}" for i in range(4)]


def router(lab):
    """The gateway's namespace as a host with both addresses and the VIP."""
    lab.ip("gateway", "addr", "add", f"{CLIENT_GATEWAY}/24", "dev", "dev-clients")
    lab.ip("gateway", "addr", "add", f"{SERVER_GATEWAY}/24", "dev", "dev-servers")
    lab.ip("gateway", "addr", "add", f"{VIP}/32", "dev", "lo")
    lab.write("gateway", "/proc/sys/net/ipv4/ip_local_port_range", "1024 65535")
    lab.write("gateway", "/proc/sys/net/core/somaxconn", 8192)


class Nft:
    """The kernel: DNAT to the servers in turn, masquerade, connection tracking.

    As it comes it forwards a frame on the CPU of its sender, so that the worker's stays idle. With spread all of it runs on
    the worker's CPU: all that RPS can do for it here.
    """
    address = VIP

    def __init__(self, spread=False):
        self.spread, self.name = spread, "nft-rps" if spread else "nft"

    def up(self, lab):
        router(lab)
        if self.spread:
            for device in labs.PORTS:
                lab.spread("gateway", device, lab.knobs.worker_cpu)
        lab.write("gateway", "/proc/sys/net/ipv4/ip_forward", 1)
        servers = ", ".join(f"{i} : {address}" for i, address in enumerate(SERVERS))
        rules = lab.home / "rules.nft"
        rules.write_text(f"""table ip bench {{
	chain to {{
		type nat hook prerouting priority dstnat
		ip daddr {VIP} tcp dport {{ {HTTP}, {BULK} }} dnat to numgen inc mod {len(SERVERS)} map {{ {servers} }}
	}}
	chain from {{
		type nat hook postrouting priority srcnat
		oifname "dev-servers" masquerade
	}}
}}
""", "ascii")
        lab.start("gateway", [lab.knobs.worker_cpu], self.name, "nft", "-f", str(rules)).wait()
        if lab.tail(self.name):
            raise rows.Failed(f"nft: {lab.tail(self.name)}")


class Haproxy:
    """haproxy in TCP mode, one thread. RPS makes it slower, since what it does in the kernel competes with itself then."""
    name, address = "haproxy", VIP

    def up(self, lab):
        router(lab)
        servers = lambda port: "\n".join(f"\tserver s{i} {address}:{port}" for i, address in enumerate(SERVERS))
        conf = lab.home / "haproxy.cfg"
        conf.write_text(f"""global
	nbthread 1
	maxconn 8192
defaults
	mode tcp
	timeout connect 5s
	timeout client 60s
	timeout server 60s
listen http
	bind {VIP}:{HTTP} backlog 8192
	balance roundrobin
{servers(HTTP)}
listen bulk
	bind {VIP}:{BULK}
	balance roundrobin
{servers(BULK)}
""", "ascii")
        lab.start("gateway", [lab.knobs.worker_cpu], "haproxy", "haproxy", "-db", "-f", str(conf))
        labs.wait_for("haproxy listens", labs.START_S, lambda: lab.listens("gateway", HTTP))


def vdevs(driver):
    return [f"net_{driver}{number},iface={device}" for number, device in enumerate(labs.PORTS)]


class Wire:
    """testpmd, which passes each frame on as it is; so clients ask the servers themselves."""
    address = SERVERS[0]

    def __init__(self, driver):
        self.driver, self.name = driver, f"wire-{driver}"

    def up(self, lab):
        # Without a router each end takes the other's network for its own.
        for space, net in (("client", "198.51.100.0/24"), ("server", "192.0.2.0/24")):
            lab.ip(space, "route", "replace", net, "dev", "eth0")
        k = lab.knobs
        devices = [word for device in vdevs(self.driver) for word in ("--vdev", device)]
        lab.start("gateway", [k.control_cpu, k.worker_cpu], self.name, "dpdk-testpmd", "--no-huge", "-m", "256",
                  "--no-pci", "--no-telemetry", f"--file-prefix={k.prefix}",
                  f"--lcores=0@{k.control_cpu},1@{k.worker_cpu}", *devices,
                  "--", "--forward-mode=io", "--auto-start", "--no-mlockall", f"--burst={k.burst}",
                  f"--total-num-mbufs={MBUFS}", "--stats-period=3600")


class Sluice:
    address = VIP

    def __init__(self, driver):
        self.driver, self.name = driver, f"sluice-{driver}"

    @staticmethod
    def service(name, port):
        endpoints = ", ".join(f"{{address: {address}}}" for address in SERVERS)
        return (f"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {name}}}\n"
                f"spec:\n  hosts: [{name}.example.com]\n  addresses: [{VIP}]\n"
                f"  ports: [{{number: {port}, name: tcp, protocol: TCP}}]\n"
                f"  location: MESH_EXTERNAL\n  resolution: STATIC\n  endpoints: [{endpoints}]\n")

    def up(self, lab):
        k = lab.knobs
        (lab.home / "services.yaml").write_text(self.service("http", HTTP) + self.service("bulk", BULK), "ascii")
        clients, servers = vdevs(self.driver)
        conf = lab.home / "sluice.yaml"
        conf.write_text(f"""ports:
- name: clients
  device: "{clients}"
  addresses: [{CLIENT_GATEWAY}/24]
- name: servers
  device: "{servers}"
  addresses: [{SERVER_GATEWAY}/24]
workers: {{count: 1, cores: [{k.worker_cpu}], controlCore: {k.control_cpu}}}
pool: {{addresses: [{", ".join(POOL)}]}}
flows: {{max: {FLOWS}}}
memory: {{hugepages: never, buffers: {MBUFS}, size: 512Mi}}
resources: [{lab.home}/services.yaml]
control: {{socket: {lab.home}/sluice.sock}}
stateDir: {lab.home}
""", "ascii")
        lab.start("gateway", [k.control_cpu, k.worker_cpu], self.name, k.sluice, "-c", str(conf),
                  "--profile-dir", k.profiles)
