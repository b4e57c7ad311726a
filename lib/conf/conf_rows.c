// The rows of sluice.yaml.
#include "names.h"
#include "rows.h"
#include "sl_log.h"

#define AT(member)    offsetof(struct sl_conf, member)
#define PORT(member)  offsetof(struct sl_conf_port, member)
#define ROUTE(member) offsetof(struct sl_conf_route, member)
#define NEIGH(member) offsetof(struct sl_conf_neigh, member)

#define MS SL_NSEC_PER_MSEC
#define S  SL_NSEC_PER_SEC
#define H  (3600 * S)

static const char *
check_log_level(const char *text)
{
	enum sl_log_level level;

	return sl_log_level_parse(text, &level) ? "one of err, warn, notice, info, debug" : NULL;
}

static const char *
check_log_format(const char *text)
{
	enum sl_log_format format;

	return sl_log_format_parse(text, &format) ? "one of auto, text, json, journal" : NULL;
}

static const struct field node_rows[] = {
	{.key = "name",
		.type = T_STRING,
		.at = AT(node_name),
		.flags = F_RESTART,
		.min = 1,
		.max = 253,
		.check = check_object_name,
		.def_text = "the host name",
		.help = "Name of this gateway, in logs and status."},
	{.key = "namespace",
		.type = T_STRING,
		.at = AT(node_namespace),
		.check = check_namespace,
		.def = "default",
		.help = "Namespace of the clients that `clients` does not name: what is exported "
			"to "
			"it is theirs."},
	{.key = "labels",
		.type = T_LABELS,
		.at = AT(node_labels),
		.count_at = AT(n_node_labels),
		.max_items = 256,
		.max = 63,
		.check = check_label_value,
		.help = "Labels of those clients, for `workloadSelector`, `sourceLabels` and "
			"`failoverPriority`."},
	{.key = "locality",
		.type = T_STRING,
		.at = AT(node_locality),
		.max = 2048,
		.check = check_node_locality,
		.def_text = "none: no endpoint is nearer than another",
		.help = "Where this gateway is, `region/zone/subzone`, and its clients with it."},
	{.key = "network",
		.type = T_STRING,
		.at = AT(node_network),
		.min = 1,
		.max = 2048,
		.def_text = "none",
		.help = "Network of this gateway, which `failoverPriority` compares with that of "
			"an endpoint."},
};
static const struct schema node_schema = {"node", FIELDS(node_rows), .loc_at = NO_AT};

static const struct field route_rows[] = {
	{.key = "to",
		.type = T_PREFIX,
		.flags = F_REQUIRED,
		.at = ROUTE(to),
		.help = "Destination, an IPv4 CIDR without host bits; `0.0.0.0/0` is the default "
			"route."},
	{.key = "via",
		.type = T_IP,
		.at = ROUTE(via),
		.def_text = "on link",
		.help = "Gateway; it lies in a subnet of this port."},
	{.key = "metric",
		.type = T_NUMBER,
		.at = ROUTE(metric),
		.max = UINT32_MAX,
		.def = "0",
		.help = "Metric of the kernel's route; 0 leaves it to the kernel."},
};
static const struct schema route_schema = {
	"route", FIELDS(route_rows), .size = sizeof(struct sl_conf_route), .loc_at = ROUTE(loc)};

static const struct field neigh_rows[] = {
	{.key = "address",
		.type = T_IP,
		.flags = F_REQUIRED,
		.at = NEIGH(addr),
		.help = "IPv4 address in a subnet of this port."},
	{.key = "mac",
		.type = T_MAC,
		.flags = F_REQUIRED,
		.at = NEIGH(mac),
		.help = "Its MAC address."},
};
static const struct schema neigh_schema = {"neighbour", FIELDS(neigh_rows),
	.size = sizeof(struct sl_conf_neigh), .loc_at = NEIGH(loc)};

static const char *const affinity_names[] = {SL_AFFINITY_NAMES, NULL};

static const struct field port_rows[] = {
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED | F_RESTART,
		.at = PORT(name),
		.check = check_netdev,
		.help = "Name of the port and of its mirror netdev, at most 15 characters."},
	{.key = "device",
		.type = T_STRING,
		.flags = F_REQUIRED | F_RESTART,
		.at = PORT(device),
		.min = 1,
		.max = 255,
		.help = "DPDK device: a PCI address (`0000:3b:00.0`) or a device string "
			"(`net_af_xdp0,iface=eth1`)."},
	{.key = "profile",
		.type = T_STRING,
		.flags = F_RESTART,
		.at = PORT(profile),
		.min = 1,
		.max = 255,
		.def_text = "by driver",
		.help = "Driver profile: a name in `drivers-config/nic`, or a path."},
	{.key = "mac",
		.type = T_MAC,
		.flags = F_RESTART,
		.at = PORT(mac),
		.has_at = PORT(has_mac),
		.def_text = "the device's",
		.help = "MAC address of the port and of its mirror."},
	{.key = "mtu",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = PORT(mtu),
		.min = 576,
		.max = 16384,
		.def_text = "the profile's, else the device's",
		.help = "MTU in bytes."},
	{.key = "rxQueues",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = PORT(rx_queues),
		.min = 1,
		.max = SL_MAX_WORKERS,
		.def_text = "what the profile says, else one per worker; as far as the device goes",
		.help = "Receive queues."},
	{.key = "affinity",
		.type = T_ENUM,
		.flags = F_RESTART,
		.at = PORT(affinity),
		.names = affinity_names,
		.def = "auto",
		.help = "How replies get to the worker that has their flow; `auto` is what "
			"`workers.affinity` says."},
	{.key = "descriptors",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = PORT(descriptors),
		.min = 64,
		.max = 32768,
		.def_text = "the profile's",
		.help = "Ring entries per queue."},
	{.key = "addresses",
		.type = T_PREFIX,
		.flags = F_LIST,
		.at = PORT(addresses),
		.count_at = PORT(n_addresses),
		.max_items = 64,
		.help = "IPv4 addresses of the port with their prefix length (`192.0.2.1/24`)."},
	{.key = "routes",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = PORT(routes),
		.count_at = PORT(n_routes),
		.max_items = 1024,
		.sub = &route_schema,
		.help = "Routes that leave through this port."},
	{.key = "neighbours",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = PORT(neighbours),
		.count_at = PORT(n_neighbours),
		.max_items = 1024,
		.sub = &neigh_schema,
		.help = "Static neighbours."},
};
static const struct schema port_schema = {
	"port", FIELDS(port_rows), .size = sizeof(struct sl_conf_port), .loc_at = PORT(loc)};

static const char *const idle_names[] = {"adaptive", "poll", NULL};
static const struct field workers_rows[] = {
	{.key = "count",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(n_workers),
		.min = 1,
		.max = SL_MAX_WORKERS,
		.def_text = "the number of `cores`, else 1",
		.help = "Worker threads, one core each."},
	{.key = "cores",
		.type = T_NUMBER,
		.flags = F_LIST | F_RESTART,
		.at = AT(worker_cores),
		.count_at = AT(n_worker_cores),
		.max = 1023,
		.max_items = SL_MAX_WORKERS,
		.def_text = "the last cores of the process's set",
		.help = "Cores of the workers, as many as `count`."},
	{.key = "controlCore",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(control_core),
		.max = 1023,
		.def_text = "the first core that no worker has",
		.help = "Core of the control thread."},
	{.key = "affinity",
		.type = T_ENUM,
		.flags = F_RESTART,
		.at = AT(affinity),
		.names = affinity_names,
		.def = "auto",
		.help = "How replies get to the worker that has their flow, for ports that do "
			"not say: `flow_rules` and `rss` by the device, `partition` by a hand-off, "
			"`spray` by one worker that hands all out; `auto` takes the first that the "
			"port can do."},
	{.key = "idle",
		.type = T_ENUM,
		.flags = F_RESTART,
		.at = AT(idle),
		.names = idle_names,
		.def = "adaptive",
		.help = "What a worker does when there is nothing to do: `adaptive` backs off to "
			"short sleeps, `poll` never sleeps."},
	{.key = "maxSleep",
		.type = T_MICROS,
		.flags = F_RESTART,
		.at = AT(idle_max_sleep_us),
		.min = 1000,
		.max = 10 * MS,
		.def = "100us",
		.help = "Longest sleep of an idle worker, which is the latency it may add."},
};
static const struct schema workers_schema = {"workers", FIELDS(workers_rows), .loc_at = NO_AT};

static const char *const memory_names[] = {"auto", "always", "never", NULL};
static const struct field memory_rows[] = {
	{.key = "hugepages",
		.type = T_ENUM,
		.flags = F_RESTART,
		.at = AT(memory),
		.names = memory_names,
		.def = "auto",
		.help = "`auto` takes hugepages when there are enough and does without them "
			"otherwise; `always` insists; `never` leaves them alone."},
	{.key = "size",
		.type = T_MEBIBYTES,
		.flags = F_RESTART,
		.at = AT(memory_mb),
		.min = 64,
		.max = 1u << 20,
		.def_text = "computed from flows, workers and ports",
		.help = "Memory for flows and buffers."},
	{.key = "buffers",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(mbufs),
		.min = 1024,
		.max = 1u << 24,
		.def_text = "computed from ports, queues and workers",
		.help = "Packet buffers in all."},
};
static const struct schema memory_schema = {"memory", FIELDS(memory_rows), .loc_at = NO_AT};

static const struct field timeouts_rows[] = {
	{.key = "handshake",
		.type = T_DURATION,
		.at = AT(timeout_syn_ns),
		.min = S,
		.max = H,
		.def = "30s",
		.help = "TCP before the handshake is complete."},
	{.key = "established",
		.type = T_DURATION,
		.at = AT(timeout_established_ns),
		.min = S,
		.max = 168 * H,
		.def = "1h",
		.help = "TCP between packets of an open connection."},
	{.key = "closing",
		.type = T_DURATION,
		.at = AT(timeout_closing_ns),
		.min = S,
		.max = H,
		.def = "30s",
		.help = "TCP after a FIN."},
	{.key = "reset",
		.type = T_DURATION,
		.at = AT(timeout_reset_ns),
		.min = S,
		.max = H,
		.def = "5s",
		.help = "TCP after a RST."},
	{.key = "udp",
		.type = T_DURATION,
		.at = AT(timeout_udp_ns),
		.min = S,
		.max = 24 * H,
		.def = "60s",
		.help = "UDP between packets."},
};
static const struct schema timeouts_schema = {"timeouts", FIELDS(timeouts_rows), .loc_at = NO_AT};

static const struct field source_rows[] = {
	{.key = "rate",
		.type = T_NUMBER,
		.at = AT(source_rate),
		.max = 1000000000,
		.def = "0",
		.help = "New flows per second of one source address; 0: as many as it likes. Many "
			"clients behind one address share it."},
	{.key = "burst",
		.type = T_NUMBER,
		.at = AT(source_burst),
		.min = 1,
		.max = 1000000000,
		.def_text = "`rate`, a second's worth",
		.help = "Of these at once; of no effect, with a warning, without `rate`."},
};
static const struct schema source_schema = {"newPerSource", FIELDS(source_rows), .loc_at = NO_AT};

static const struct field flows_rows[] = {
	{.key = "max",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(max_flows),
		.min = 1024,
		.max = 1u << 27,
		.def = "262144",
		.help = "Flows over all workers; about 170 bytes each, taken at the start."},
	{.key = "maxEndpoints",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(max_endpoints),
		.min = 1024,
		.max = 1u << 24,
		.def = "262144",
		.help = "Endpoints over all services; 16 bytes each and worker."},
	{.key = "handshakes",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(handshakes),
		.min = 64,
		.max = 65535,
		.def = "8192",
		.help = "TCP handshakes per worker whose SYN is kept, so that it can go to another "
			"endpoint when the first does not answer. One beyond that stays with the "
			"endpoint it has."},
	{.key = "maxHalfOpen",
		.type = T_NUMBER,
		.at = AT(max_half_open),
		.min = 1,
		.max = 100,
		.def = "25",
		.help = "TCP flows whose handshake is not complete, in percent of `max`. At the "
			"limit one of the oldest gives way to a new one, at a bounded rate; beyond "
			"that SYNs are dropped without an answer."},
	{.key = "maxUnanswered",
		.type = T_NUMBER,
		.at = AT(max_unanswered),
		.min = 1,
		.max = 100,
		.def = "50",
		.help = "The same for UDP flows of which the endpoint has sent nothing and the "
			"client fewer than four packets."},
	{.key = "newPerSource",
		.type = T_OBJECT,
		.sub = &source_schema,
		.help = "What one source address may open. Each worker holds it to its share, "
			"rounded up; what is beyond is refused."},
	{.key = "timeouts",
		.type = T_OBJECT,
		.sub = &timeouts_schema,
		.help = "How long an idle flow is kept, by state."},
};
static const struct schema flows_schema = {"flows", FIELDS(flows_rows), .loc_at = NO_AT};

static const struct field pool_port_rows[] = {
	{.key = "first",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(pool_port_first),
		.min = 1,
		.max = 65535,
		.def = "1024",
		.help = "First source port."},
	{.key = "last",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(pool_port_last),
		.min = 1,
		.max = 65535,
		.def = "65535",
		.help = "Last source port."},
	{.key = "reserved",
		.type = T_NUMBER,
		.flags = F_LIST | F_RESTART,
		.at = AT(pool_reserved),
		.count_at = AT(n_pool_reserved),
		.min = 1,
		.max = 65535,
		.max_items = 1024,
		.help = "Ports in between that are never used."},
};
static const struct schema pool_port_schema = {
	"poolPorts", FIELDS(pool_port_rows), .loc_at = NO_AT};

static const struct field pool_rows[] = {
	{.key = "addresses",
		.type = T_PREFIX,
		.flags = F_LIST | F_REQUIRED | F_RESTART,
		.at = AT(pool),
		.count_at = AT(n_pool),
		.min_items = 1,
		.max_items = SL_MAX_POOL_ADDRS,
		.help = "Source addresses of the traffic to endpoints: IPv4 addresses or CIDRs, at "
			"most 256 addresses together. All addresses of a CIDR are used."},
	{.key = "ports",
		.type = T_OBJECT,
		.sub = &pool_port_schema,
		.help = "Source ports. Each destination (address and port) has all of them at each "
			"address."},
	{.key = "reserve",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(pool_reserve),
		.min = 0,
		.max = 65535,
		.def = "64",
		.help = "Ports of each destination and address that new flows leave: they are for "
			"handshakes that move to another endpoint and for clients that open the "
			"connection again that they just had. A hundredth of the ports at most, "
			"shared out among the workers."},
};
static const struct schema pool_schema = {"pool", FIELDS(pool_rows), .loc_at = NO_AT};

static const char *const outbound_names[] = {"REGISTRY_ONLY", "ALLOW_ANY", NULL};
static const char *const deny_names[] = {"reject", "silent", NULL};
static const struct field outbound_rows[] = {
	{.key = "mode",
		.type = T_ENUM,
		.at = AT(outbound),
		.names = outbound_names,
		.def = "REGISTRY_ONLY",
		.help = "What becomes of traffic to destinations that no object declares: "
			"`REGISTRY_ONLY` denies it; `ALLOW_ANY` forwards all of it, TCP and UDP, "
			"of every client to every address and port that the routes reach, from "
			"the pool's addresses.",
		.here = "`ALLOW_ANY` makes an open door of the gateway: it is reported at each "
			"start. Istio's default is the other one."},
	{.key = "deny",
		.type = T_FLAG,
		.at = AT(deny_silent),
		.names = deny_names,
		.def = "reject",
		.help = "How: `reject` answers RST or ICMP administratively prohibited, `silent` "
			"drops."},
	{.key = "replyRate",
		.type = T_NUMBER,
		.at = AT(reply_rate),
		.max = 10000000,
		.def = "1000",
		.help = "RST and ICMP answers per second and worker; 0 sends none."},
};
static const struct schema outbound_schema = {
	"outboundPolicy", FIELDS(outbound_rows), .loc_at = NO_AT};

static const struct field control_rows[] = {
	{.key = "socket",
		.type = T_PATH,
		.flags = F_RESTART,
		.at = AT(socket_path),
		.min = 1,
		.max = 107,
		.def = "/run/sluice/control.sock",
		.help = "Unix socket that `sluicectl` talks to."},
	{.key = "owner",
		.type = T_STRING,
		.flags = F_RESTART,
		.at = AT(socket_owner),
		.min = 1,
		.max = 32,
		.def_text = "the process's user",
		.help = "User that owns the socket."},
	{.key = "group",
		.type = T_STRING,
		.flags = F_RESTART,
		.at = AT(socket_group),
		.min = 1,
		.max = 32,
		.def_text = "the process's group",
		.help = "Group of the socket."},
	{.key = "mode",
		.type = T_MODE,
		.flags = F_RESTART,
		.at = AT(socket_mode),
		.def = "0660",
		.help = "Permissions of the socket, in octal and in quotes."},
};
static const struct schema control_schema = {"control", FIELDS(control_rows), .loc_at = NO_AT};

static const struct field log_rows[] = {
	{.key = "level",
		.type = T_STRING,
		.at = AT(log_level),
		.check = check_log_level,
		.def = "notice",
		.help = "`err`, `warn`, `notice`, `info` or `debug`."},
	{.key = "format",
		.type = T_STRING,
		.flags = F_RESTART,
		.at = AT(log_format),
		.check = check_log_format,
		.def = "auto",
		.help = "`text`, `json`, `journal`, or `auto`: `journal` under systemd, else "
			"`text`."},
};
static const struct schema log_schema = {"log", FIELDS(log_rows), .loc_at = NO_AT};

static const struct field next_hop_rows[] = {
	{.key = "holdPackets",
		.type = T_NUMBER,
		.flags = F_RESTART,
		.at = AT(hold_packets),
		.max = 65536,
		.def = "256",
		.help = "Packets per worker that wait for a next hop to be resolved; 0 holds "
			"none."},
	{.key = "holdTime",
		.type = T_DURATION,
		.flags = F_RESTART,
		.at = AT(hold_ns),
		.min = MS,
		.max = 60 * S,
		.def = "3s",
		.help = "How long they wait."},
};
static const struct schema next_hop_schema = {"nextHop", FIELDS(next_hop_rows), .loc_at = NO_AT};

static const struct field conf_rows[] = {
	{.key = "node", .type = T_OBJECT, .sub = &node_schema, .help = "This gateway."},
	{.key = "ports",
		.type = T_OBJECT,
		.flags = F_LIST | F_REQUIRED | F_RESTART,
		.at = AT(ports),
		.count_at = AT(n_ports),
		.min_items = 1,
		.max_items = SL_MAX_PORTS,
		.sub = &port_schema,
		.help = "The network ports that Sluice owns. Each has a mirror netdev, where the "
			"kernel sees what is not for a service."},
	{.key = "workers",
		.type = T_OBJECT,
		.sub = &workers_schema,
		.help = "The threads that carry packets."},
	{.key = "memory", .type = T_OBJECT, .sub = &memory_schema, .help = "Memory."},
	{.key = "flows", .type = T_OBJECT, .sub = &flows_schema, .help = "Connections."},
	{.key = "pool",
		.type = T_OBJECT,
		.flags = F_REQUIRED,
		.sub = &pool_schema,
		.help = "The source addresses that traffic leaves with."},
	{.key = "outboundPolicy",
		.type = T_OBJECT,
		.sub = &outbound_schema,
		.help = "Traffic that belongs to no service."},
	{.key = "clients",
		.type = T_OBJECT,
		.flags = F_LIST,
		.at = AT(clients),
		.count_at = AT(n_clients),
		.max_items = 4096,
		.sub_of = clients_schema,
		.help = "Who the clients are to Istio's rules, by their address. Those with the "
			"same namespace, labels and locality are one client group; there are at "
			"most 64 groups, the one of `node` among them."},
	{.key = "mesh",
		.type = T_OBJECT,
		.sub_of = mesh_schema,
		.help = "What Istio has in its MeshConfig, by the same names."},
	{.key = "dns",
		.type = T_OBJECT,
		.sub_of = dns_schema,
		.help = "Names: how those of services are resolved, virtual IPs, and DNS answers "
			"for clients."},
	{.key = "control", .type = T_OBJECT, .sub = &control_schema, .help = "The control socket."},
	{.key = "resources",
		.type = T_PATH,
		.flags = F_LIST,
		.at = AT(resources),
		.count_at = AT(n_resources),
		.min = 1,
		.max = 4095,
		.max_items = 64,
		.help = "Files and folders with Istio objects. Folders are read with all below "
			"them: `*.yaml`, `*.yml`, `*.json`."},
	{.key = "stateDir",
		.type = T_PATH,
		.flags = F_RESTART,
		.at = AT(state_dir),
		.min = 1,
		.max = 4000,
		.def = "/var/lib/sluice",
		.help = "Folder of what `sluicectl apply` brought, so that it survives a restart."},
	{.key = "log", .type = T_OBJECT, .sub = &log_schema, .help = "The log."},
	{.key = "nextHop",
		.type = T_OBJECT,
		.sub = &next_hop_schema,
		.help = "Packets whose next hop the kernel is still looking for."},
};
static const struct schema root_schema = {
	"sluice.yaml", FIELDS(conf_rows), .size = sizeof(struct sl_conf), .loc_at = NO_AT};

const struct schema *
conf_schema(void)
{
	return &root_schema;
}
