// The mirrors: what sluice.yaml and the services want on them, and what the kernel says of them.
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"

// The subnets that a mirror is connected to, with its own address in each; few.
struct subnets {
	struct {
		sl_be32 addr;
		sl_be32 mask;
	} v[64];
	uint32_t n;
};

static void
connected_subnets(const struct sl_control *c, uint16_t port, struct subnets *out)
{
	uint32_t n;
	const struct sl_host_addr *addr = sl_host_addrs(c->cfg.host, &n);

	out->n = 0;
	for (uint32_t i = 0; i < n && out->n < SL_ARRAY_LEN(out->v); i++) {
		if (addr[i].index != port || addr[i].ours || addr[i].len >= 32)
			continue;
		out->v[out->n].addr = addr[i].addr;
		out->v[out->n++].mask = sl_mask4(addr[i].len);
	}
}

static bool
connected(const struct subnets *subnets, sl_be32 ip)
{
	for (uint32_t i = 0; i < subnets->n; i++)
		if (((subnets->v[i].addr ^ ip) & subnets->v[i].mask) == 0)
			return subnets->v[i].addr != ip;
	return false;
}

struct ip_list {
	struct sl_ip *v;
	uint32_t n;
	uint32_t cap;
};

static void
add_host_addr(struct ip_list *list, const struct subnets *subnets, sl_be32 ip)
{
	if (!connected(subnets, ip))
		return;
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 64;
		list->v = sl_xrealloc(list->v, list->cap, sizeof(*list->v));
	}
	list->v[list->n++] = (struct sl_ip){.family = AF_INET, .v4 = ip};
}

// VIPs and pool addresses in a connected subnet: the kernel answers ARP and ping for them.
static void
list_host_addrs(const struct sl_control *c, uint16_t port, struct ip_list *list)
{
	struct subnets subnets;
	sl_be32 vip;

	connected_subnets(c, port, &subnets);
	for (uint32_t i = 0; i < c->cfg.n_pool; i++)
		add_host_addr(list, &subnets, c->cfg.pool[i]);
	for (uint32_t it = 0; sl_compile_next_vip(c->compile, &it, &vip);)
		add_host_addr(list, &subnets, vip);
}

static void
apply_port(struct sl_control *c, uint16_t port, const struct sl_conf_port *conf)
{
	struct sl_host_route_cfg *routes = sl_xcalloc(conf->n_routes, sizeof(*routes));
	struct sl_host_neigh_cfg *neighs = sl_xcalloc(conf->n_neighbours, sizeof(*neighs));
	struct ip_list host_addrs = {0};
	char *why = NULL;

	for (uint32_t i = 0; i < conf->n_routes; i++)
		routes[i] = (struct sl_host_route_cfg){
			.to = conf->routes[i].to,
			.via = conf->routes[i].via,
			.metric = conf->routes[i].metric,
		};
	for (uint32_t i = 0; i < conf->n_neighbours; i++)
		neighs[i] = (struct sl_host_neigh_cfg){
			.addr = conf->neighbours[i].addr, .mac = conf->neighbours[i].mac};
	list_host_addrs(c, port, &host_addrs);
	const struct sl_host_cfg cfg = {
		.addrs = conf->addresses,
		.n_addrs = conf->n_addresses,
		.host_addrs = host_addrs.v,
		.n_host_addrs = host_addrs.n,
		.routes = routes,
		.n_routes = conf->n_routes,
		.neighs = neighs,
		.n_neighs = conf->n_neighbours,
	};
	if (sl_host_apply(c->cfg.host, port, &cfg, &why) < 0)
		sl_log_limited(c->log, &c->mirror_limit, SL_LOG_ERR, "host",
			"mirror not as configured name=%s: %s", conf->name, why ? why : "unknown");
	free(why);
	free(host_addrs.v);
	free(neighs);
	free(routes);
}

static const struct sl_conf_port *
conf_port(const struct sl_conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->n_ports; i++)
		if (strcmp(conf->ports[i].name, name) == 0)
			return &conf->ports[i];
	return NULL;
}

void
control_apply_hosts(struct sl_control *c)
{
	for (uint16_t p = 0; p < c->cfg.n_ports; p++) {
		const struct sl_conf_port *conf = conf_port(c->conf, c->cfg.ports[p].name);

		if (conf)
			apply_port(c, p, conf);
	}
}

void
control_take_netlink(struct sl_control *c)
{
	const int bits = sl_host_poll(c->cfg.host);
	int rc;

	if (bits < 0) {
		sl_log_limited(c->log, &c->netlink_limit, SL_LOG_ERR, "host", "netlink: %s",
			strerror(-bits));
		return;
	}
	// A new address may make subnets connected that were not: VIPs in them come onto the
	// mirror. And a mirror that was down has lost its routes and static neighbours.
	if (bits & (SL_HOST_ADDRS | SL_HOST_LINKS))
		control_apply_hosts(c);
	if (!bits)
		return;
	rc = control_publish(c);
	if (rc < 0)
		sl_log_limited(c->log, &c->netlink_limit, SL_LOG_ERR, TOPIC,
			"kernel change not published: %s", strerror(-rc));
}

void
control_take_asks(struct sl_control *c)
{
	uint16_t port;
	sl_be32 addr;
	char text[SL_IP_STRLEN];

	while (c->cfg.next_ask(c->cfg.ctx, &port, &addr)) {
		const int rc = sl_host_neigh_ask(c->cfg.host, port, addr);

		if (rc < 0)
			sl_log_limited(c->log, &c->ask_limit, SL_LOG_WARN, "host",
				"cannot ask for next hop address=%s port=%s: %s",
				sl_ip4_str(addr, text), c->cfg.ports[port].name, strerror(-rc));
	}
}

// The kernel sees none of the traffic that workers send, so it would let its neighbours grow old
// and never notice a MAC that moved. Those it knows now are kept fresh; one that does not answer
// fails and is left alone until a worker asks for it.
void
control_refresh_neighs(struct sl_control *c)
{
	uint32_t n;
	const struct sl_host_neigh *neigh = sl_host_neighs(c->cfg.host, &n);
	sl_be32 *addrs = sl_xcalloc(n, sizeof(*addrs));
	uint16_t *ports = sl_xcalloc(n, sizeof(*ports));
	uint32_t known = 0;

	// Copied first: asking may take in events, which move what the getter gave.
	for (uint32_t i = 0; i < n; i++) {
		if (!neigh[i].usable)
			continue;
		addrs[known] = neigh[i].addr;
		ports[known++] = neigh[i].index;
	}
	for (uint32_t i = 0; i < known; i++)
		sl_host_neigh_refresh(c->cfg.host, ports[i], &addrs[i], 1);
	free(ports);
	free(addrs);
}
