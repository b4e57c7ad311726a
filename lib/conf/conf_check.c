// Checks of sluice.yaml that need more than one field.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "sl_str.h"

#define MAX_FLOWS_A_WORKER (1u << 26) // a flow table's limit (sl_flow.h)

struct check {
	struct reader *r;
	const struct sl_conf *conf;
	char path[128]; // of the finding
};

#define P(c, ...) (snprintf((c)->path, sizeof((c)->path), __VA_ARGS__), (c)->path)

void
conf_say(struct reader *r, const struct sl_conf *conf, enum sl_severity severity, const char *path,
	const char *fmt, ...)
{
	const struct sl_loc loc = conf_place(conf, path);
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_diag_add(r->diags, severity, &loc, r->object, path, NULL, "%s", text.data);
	if (severity == SL_ERROR)
		r->errors++;
	sl_buf_fini(&text);
}

#define say(c, severity, path, ...) conf_say((c)->r, (c)->conf, severity, path, __VA_ARGS__)

// ---- addresses ----

// Why it cannot be the address of a host; NULL when it can.
static const char *
no_host4(const struct sl_ip *ip)
{
	const uint32_t a = sl_be32_to_cpu(ip->v4);

	if (ip->family != AF_INET)
		return "is IPv6, which is not served yet";
	if (a >> 24 == 0 || a >> 24 == 127 || a >= 0xe0000000)
		return "is not the address of a host";
	return NULL;
}

// The network's own address or its broadcast address.
static bool
is_network_edge(const struct sl_prefix *p)
{
	const sl_be32 mask = sl_mask4(p->len);

	return p->len < 31 && ((p->addr.v4 & ~mask) == 0 || (p->addr.v4 | mask) == UINT32_MAX);
}

bool
conf_overlap(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return a->len < b->len ? sl_prefix_contains(a, &b->addr) : sl_prefix_contains(b, &a->addr);
}

static bool
is_connected(const struct sl_conf_port *port, const struct sl_ip *ip)
{
	for (uint32_t i = 0; i < port->n_addresses; i++)
		if (sl_prefix_contains(&port->addresses[i], ip))
			return true;
	return false;
}

// ---- ports ----

static void
check_address(struct check *c, uint32_t p, uint32_t i)
{
	const struct sl_prefix *a = &c->conf->ports[p].addresses[i];
	const char *why = a->addr.family ? no_host4(&a->addr) : NULL;
	char text[SL_PREFIX_STRLEN];

	P(c, "ports[%u].addresses[%u]", p, i);
	sl_prefix_str(a, text);
	if (!a->addr.family) // reported where it was read
		return;
	if (why) {
		say(c, SL_ERROR, c->path, "%s %s", text, why);
		return;
	}
	if (is_network_edge(a))
		say(c, SL_ERROR, c->path, "%s is the network or broadcast address of its subnet",
			text);
	for (uint32_t q = 0; q <= p; q++) {
		const struct sl_conf_port *other = &c->conf->ports[q];
		const uint32_t n = q == p ? i : other->n_addresses;

		for (uint32_t k = 0; k < n; k++) {
			const struct sl_prefix *b = &other->addresses[k];

			if (sl_ip_equal(&a->addr, &b->addr))
				say(c, SL_ERROR, c->path, "%s is also an address of port %s", text,
					other->name ? other->name : "?");
			else if (q != p && b->addr.family && conf_overlap(a, b))
				say(c, SL_WARNING, c->path,
					"%s overlaps a subnet of port %s: the kernel sends to one "
					"of them only",
					text, other->name ? other->name : "?");
		}
	}
}

static void
check_route(struct check *c, uint32_t p, uint32_t i)
{
	const struct sl_conf_port *port = &c->conf->ports[p];
	const struct sl_conf_route *route = &port->routes[i];
	struct sl_prefix masked = route->to;
	char text[SL_PREFIX_STRLEN], via[SL_IP_STRLEN];

	if (route->to.addr.family == AF_INET6) {
		say(c, SL_ERROR, P(c, "ports[%u].routes[%u].to", p, i), "IPv6 is not served yet");
		return;
	}
	sl_prefix_mask(&masked);
	if (route->to.addr.family && !sl_ip_equal(&masked.addr, &route->to.addr))
		say(c, SL_ERROR, P(c, "ports[%u].routes[%u].to", p, i),
			"host bits are set, expected %s", sl_prefix_str(&masked, text));
	if (route->via.family && !is_connected(port, &route->via))
		say(c, SL_ERROR, P(c, "ports[%u].routes[%u].via", p, i),
			"%s is in no subnet of this port's addresses", sl_ip_str(&route->via, via));
	for (uint32_t k = 0; k < i && route->to.addr.family; k++) {
		const struct sl_conf_route *b = &port->routes[k];

		if (b->to.len == route->to.len && b->metric == route->metric &&
			sl_ip_equal(&b->to.addr, &route->to.addr))
			say(c, SL_ERROR, P(c, "ports[%u].routes[%u]", p, i),
				"the same destination and metric as routes[%u]", k);
	}
}

static bool
is_host_mac(const struct sl_mac *mac)
{
	static const struct sl_mac zero;

	return !(mac->b[0] & 1) && memcmp(mac, &zero, sizeof(zero)) != 0;
}

static void
check_neighbour(struct check *c, uint32_t p, uint32_t i)
{
	const struct sl_conf_port *port = &c->conf->ports[p];
	const struct sl_conf_neigh *neigh = &port->neighbours[i];
	char text[SL_IP_STRLEN];

	if (!neigh->addr.family)
		return;
	if (!is_connected(port, &neigh->addr))
		say(c, SL_ERROR, P(c, "ports[%u].neighbours[%u].address", p, i),
			"%s is in no subnet of this port's addresses",
			sl_ip_str(&neigh->addr, text));
	if (!is_host_mac(&neigh->mac))
		say(c, SL_ERROR, P(c, "ports[%u].neighbours[%u].mac", p, i),
			"a multicast or zero MAC address");
	for (uint32_t k = 0; k < i; k++)
		if (sl_ip_equal(&port->neighbours[k].addr, &neigh->addr))
			say(c, SL_ERROR, P(c, "ports[%u].neighbours[%u].address", p, i),
				"given before, in neighbours[%u]", k);
}

static void
check_port(struct check *c, uint32_t p)
{
	const struct sl_conf_port *port = &c->conf->ports[p];

	for (uint32_t q = 0; q < p; q++) {
		const struct sl_conf_port *other = &c->conf->ports[q];

		if (port->name && other->name && strcmp(port->name, other->name) == 0)
			say(c, SL_ERROR, P(c, "ports[%u].name", p),
				"\"%s\" is also the name of ports[%u]", port->name, q);
		if (port->device && other->device && strcmp(port->device, other->device) == 0)
			say(c, SL_ERROR, P(c, "ports[%u].device", p),
				"\"%s\" is also the device of ports[%u]", port->device, q);
	}
	if (port->has_mac && !is_host_mac(&port->mac))
		say(c, SL_ERROR, P(c, "ports[%u].mac", p), "a multicast or zero MAC address");
	for (uint32_t i = 0; i < port->n_addresses; i++)
		check_address(c, p, i);
	for (uint32_t i = 0; i < port->n_routes; i++)
		check_route(c, p, i);
	for (uint32_t i = 0; i < port->n_neighbours; i++)
		check_neighbour(c, p, i);
}

// ---- workers ----

static void
check_workers(struct check *c)
{
	const struct sl_conf *conf = c->conf;
	bool control = false;

	if (conf->n_worker_cores && conf->n_worker_cores != conf->n_workers)
		say(c, SL_ERROR, "workers.cores", "%u cores for %u workers", conf->n_worker_cores,
			conf->n_workers);
	for (uint32_t i = 0; i < conf->n_worker_cores; i++) {
		const uint32_t core = conf->worker_cores[i];

		for (uint32_t k = 0; k < i; k++)
			if (conf->worker_cores[k] == core)
				say(c, SL_ERROR, P(c, "workers.cores[%u]", i),
					"core %u is listed twice", core);
		control = control || conf->control_core == (int32_t)core;
	}
	if (control)
		say(c, SL_ERROR, "workers.controlCore",
			"core %d is a worker's: the control thread would hold it up",
			conf->control_core);
}

// ---- pool ----

static void
check_pool_prefix(struct check *c, uint32_t i, uint64_t *total)
{
	const struct sl_prefix *p = &c->conf->pool[i];
	struct sl_prefix masked = *p;
	const char *why = p->addr.family ? no_host4(&p->addr) : NULL;
	char text[SL_PREFIX_STRLEN];

	if (!p->addr.family)
		return;
	P(c, "pool.addresses[%u]", i);
	if (why) {
		say(c, SL_ERROR, c->path, "%s %s", sl_ip_str(&p->addr, text), why);
		return;
	}
	sl_prefix_mask(&masked);
	if (!sl_ip_equal(&masked.addr, &p->addr))
		say(c, SL_ERROR, c->path, "host bits are set, expected %s or one address",
			sl_prefix_str(&masked, text));
	*total += UINT64_C(1) << (32 - p->len);
	for (uint32_t k = 0; k < i; k++)
		if (c->conf->pool[k].addr.family == AF_INET && conf_overlap(p, &c->conf->pool[k]))
			say(c, SL_ERROR, c->path, "overlaps pool.addresses[%u]", k);
	for (uint32_t q = 0; q < c->conf->n_ports; q++) {
		const struct sl_conf_port *port = &c->conf->ports[q];

		for (uint32_t k = 0; k < port->n_addresses; k++)
			if (sl_prefix_contains(p, &port->addresses[k].addr))
				say(c, SL_WARNING, c->path,
					"%s is also port %s's own: keep pool.ports clear of the "
					"ports that this machine uses itself",
					sl_ip_str(&port->addresses[k].addr, text),
					port->name ? port->name : "?");
	}
}

static void
check_pool(struct check *c)
{
	const struct sl_conf *conf = c->conf;
	uint64_t total = 0, reserved = 0;

	for (uint32_t i = 0; i < conf->n_pool; i++)
		check_pool_prefix(c, i, &total);
	if (total > SL_MAX_POOL_ADDRS)
		say(c, SL_ERROR, "pool.addresses", "%" PRIu64 " addresses, expected at most %d",
			total, SL_MAX_POOL_ADDRS);
	if (!conf->pool_port_first || !conf->pool_port_last)
		return; // reported where they were read
	if (conf->pool_port_first > conf->pool_port_last) {
		say(c, SL_ERROR, "pool.ports.last", "%u is below pool.ports.first, %u",
			conf->pool_port_last, conf->pool_port_first);
		return;
	}
	for (uint32_t i = 0; i < conf->n_pool_reserved; i++) {
		const uint32_t port = conf->pool_reserved[i];
		bool again = false;

		for (uint32_t k = 0; k < i; k++)
			again = again || conf->pool_reserved[k] == port;
		if (again && port)
			say(c, SL_ERROR, P(c, "pool.ports.reserved[%u]", i), "%u is listed twice",
				port);
		reserved += !again && port >= conf->pool_port_first && port <= conf->pool_port_last;
	}
	if (conf->pool_port_last - conf->pool_port_first + 1 < reserved + conf->n_workers)
		say(c, SL_ERROR, "pool.ports", "%" PRIu64 " ports for %u workers",
			conf->pool_port_last - conf->pool_port_first + 1 - reserved,
			conf->n_workers);
}

// ---- flows ----

static void
check_flows(struct check *c)
{
	const struct sl_conf *conf = c->conf;

	if (conf->n_workers && conf->max_flows / conf->n_workers > MAX_FLOWS_A_WORKER)
		say(c, SL_ERROR, "flows.max", "%u for %u workers, expected at most %u each",
			conf->max_flows, conf->n_workers, MAX_FLOWS_A_WORKER);
	if (conf->source_burst && !conf->source_rate)
		say(c, SL_WARNING, "flows.newPerSource.burst",
			"no effect without flows.newPerSource.rate");
}

// ---- mesh ----

static void
check_exports(struct check *c, const char *key, char *const *v, uint32_t n, bool services)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!v[i])
			continue; // reported where it was read
		P(c, "mesh.%s[%u]", key, i);
		if (!services && strcmp(v[i], "~") == 0)
			say(c, SL_ERROR, c->path, "`~` is for services only");
		else if (n > 1 && (strcmp(v[i], "*") == 0 || strcmp(v[i], "~") == 0))
			say(c, SL_ERROR, c->path, "\"%s\" stands alone", v[i]);
		for (uint32_t k = 0; k < i; k++)
			if (v[k] && strcmp(v[i], v[k]) == 0)
				say(c, SL_ERROR, c->path, "\"%s\" is there already", v[i]);
	}
}

static void
check_mesh(struct check *c)
{
	const struct sl_conf *conf = c->conf;

	check_exports(c, "defaultServiceExportTo", conf->se_export_to, conf->n_se_export_to, true);
	check_exports(c, "defaultVirtualServiceExportTo", conf->vs_export_to, conf->n_vs_export_to,
		false);
	check_exports(c, "defaultDestinationRuleExportTo", conf->dr_export_to, conf->n_dr_export_to,
		false);
}

void
conf_check(struct reader *r, const struct sl_conf *conf)
{
	struct check c = {.r = r, .conf = conf};

	for (uint32_t p = 0; p < conf->n_ports; p++)
		check_port(&c, p);
	check_workers(&c);
	check_pool(&c);
	check_flows(&c);
	check_mesh(&c);
	conf_dns_check(r, conf);
	if (conf->outbound == SL_OUTBOUND_ALLOW_ANY)
		say(&c, SL_WARNING, "outboundPolicy.mode",
			"ALLOW_ANY: every client reaches every address and port that the routes "
			"reach, whether an object declares it or not");
	if (conf->socket_path && strlen(conf->socket_path) > 107)
		say(&c, SL_ERROR, "control.socket",
			"%zu characters with its folder, expected at most 107",
			strlen(conf->socket_path));
}
