#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "sl_str.h"

void
net_state_fini(struct net_state *n)
{
	free(n->route);
	free(n->adj);
	free(n->addr);
	*n = (struct net_state){.made = false};
}

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

// ---- routes: the kernel may list them in any order ----

static int
cmp_route(const void *x, const void *y)
{
	const struct sl_fwd_route *a = x, *b = y;
	int d = order(a->dst, b->dst);

	if (d == 0)
		d = order(a->len, b->len);
	if (d == 0)
		d = order(a->metric, b->metric);
	if (d == 0)
		d = order(a->unreachable, b->unreachable);
	if (d == 0)
		d = order(a->port, b->port);
	return d ? d : order(a->gateway, b->gateway);
}

static void
list_routes(struct net_state *to, const struct sl_compile_net *net)
{
	to->route = sl_xcalloc(net->n_routes, sizeof(*to->route));
	for (uint32_t i = 0; i < net->n_routes; i++) {
		to->route[i] = net->route[i];
		to->route[i].unreachable = net->route[i].unreachable != 0;
	}
	if (net->n_routes > 0)
		qsort(to->route, net->n_routes, sizeof(*to->route), cmp_route);
	for (uint32_t i = 0; i < net->n_routes; i++)
		if (to->n_routes == 0 ||
			cmp_route(&to->route[to->n_routes - 1], &to->route[i]) != 0)
			to->route[to->n_routes++] = to->route[i];
}

static bool
same_routes(const struct net_state *a, const struct net_state *b)
{
	if (a->n_routes != b->n_routes)
		return false;
	for (uint32_t i = 0; i < a->n_routes; i++)
		if (cmp_route(&a->route[i], &b->route[i]) != 0)
			return false;
	return true;
}

// ---- addresses ----

static int
cmp_addr(const void *x, const void *y)
{
	const struct sl_fwd_addr *a = x, *b = y;

	return order(a->addr, b->addr);
}

static void
put_addr(struct net_state *to, const struct sl_fwd_addr *addr)
{
	if (to->n_addrs > 0 && to->addr[to->n_addrs - 1].addr == addr->addr)
		to->addr[to->n_addrs - 1].kinds |= addr->kinds;
	else
		to->addr[to->n_addrs++] = *addr;
}

// Each address once, with all its bits. The VIPs are in order already.
static void
list_addrs(struct net_state *to, const struct sl_compile *c, const struct sl_compile_net *net)
{
	struct sl_fwd_addr *given = sl_xcalloc(net->n_addrs, sizeof(*given));
	uint32_t i = 0;

	to->addr = sl_xcalloc(c->vips.n + net->n_addrs, sizeof(*to->addr));
	if (net->n_addrs > 0) {
		memcpy(given, net->addr, net->n_addrs * sizeof(*given));
		qsort(given, net->n_addrs, sizeof(*given), cmp_addr);
	}
	for (uint32_t v = 0; v < c->vips.n; v++) {
		const struct sl_fwd_addr vip = {.addr = c->vips.v[v].addr, .kinds = SL_ADDR_VIP};

		while (i < net->n_addrs && given[i].addr < vip.addr)
			put_addr(to, &given[i++]);
		put_addr(to, &vip);
	}
	while (i < net->n_addrs)
		put_addr(to, &given[i++]);
	free(given);
}

static bool
same_addrs(const struct net_state *a, const struct net_state *b)
{
	return a->n_addrs == b->n_addrs &&
	       (a->n_addrs == 0 || memcmp(a->addr, b->addr, a->n_addrs * sizeof(*a->addr)) == 0);
}

// ---- adjacencies: a place for each neighbour, kept while it is there ----

#define NO_PLACE UINT32_MAX

// Places by (port, address): open addressing, a place or NO_PLACE a cell.
struct places {
	uint32_t *cell;
	uint32_t mask;
};

static void
places_init(struct places *p, uint32_t n)
{
	uint32_t size = 8;

	while (size < 2 * n)
		size *= 2;
	p->cell = sl_xcalloc(size, sizeof(*p->cell));
	memset(p->cell, 0xff, size * sizeof(*p->cell)); // NO_PLACE
	p->mask = size - 1;
}

static uint32_t *
place_of(const struct places *p, const struct sl_fwd_adj *adj, uint16_t port, sl_be32 addr)
{
	uint32_t i = sl_mix64((uint64_t)port << 32 | addr) & p->mask;

	while (p->cell[i] != NO_PLACE &&
		(adj[p->cell[i]].port != port || adj[p->cell[i]].addr != addr))
		i = (i + 1) & p->mask;
	return &p->cell[i];
}

static struct sl_fwd_adj
adj_of(const struct sl_compile_net *net, const struct sl_compile_neigh *neigh)
{
	const struct sl_compile_port *port = &net->port[neigh->port];

	return (struct sl_fwd_adj){.dst = neigh->mac,
		.src = port->mac,
		.port = neigh->port,
		.state = port->up ? neigh->state : SL_ADJ_PORT_DOWN,
		.addr = neigh->addr};
}

static bool
same_adj(const struct sl_fwd_adj *a, const struct sl_fwd_adj *b)
{
	return a->port == b->port && a->addr == b->addr && a->state == b->state &&
	       memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0 &&
	       memcmp(&a->src, &b->src, sizeof(a->src)) == 0;
}

// The lowest free place from *from on, at most at the end.
static uint32_t
free_place(const struct net_state *to, uint32_t *from)
{
	while (*from < to->n_adjs && to->adj[*from].state != SL_ADJ_FREE)
		++*from;
	return *from;
}

// Keeps the places of the neighbours that were there before; the rest of the old ones become free.
// left: the neighbours without a place. Returns how many these are.
static uint32_t
keep_places(struct net_state *to, const struct net_state *old, const struct sl_compile_net *net,
	struct places *places, uint32_t *left)
{
	uint32_t n_left = 0;

	for (uint32_t i = 0; i < old->n_adjs; i++)
		if (old->adj[i].state != SL_ADJ_FREE)
			*place_of(places, old->adj, old->adj[i].port, old->adj[i].addr) = i;
	for (uint32_t i = 0; i < net->n_neighs; i++) {
		const struct sl_compile_neigh *neigh = &net->neigh[i];
		const uint32_t at = *place_of(places, old->adj, neigh->port, neigh->addr);

		if (at == NO_PLACE)
			left[n_left++] = i;
		else if (to->adj[at].state == SL_ADJ_FREE)
			to->adj[at] = adj_of(net, neigh);
	}
	return n_left;
}

// Gives the others the lowest free places.
static int
give_places(struct net_state *to, const struct sl_compile_net *net, uint32_t max,
	const uint32_t *left, uint32_t n_left)
{
	struct places given;
	uint32_t from = 0;
	int rc = 0;

	places_init(&given, n_left);
	for (uint32_t i = 0; i < n_left && rc == 0; i++) {
		const struct sl_compile_neigh *neigh = &net->neigh[left[i]];
		uint32_t *at = place_of(&given, to->adj, neigh->port, neigh->addr);

		if (*at != NO_PLACE)
			continue; // listed before
		if (free_place(to, &from) == max) {
			rc = -ENOSPC;
			break;
		}
		*at = from;
		to->adj[from] = adj_of(net, neigh);
		if (from == to->n_adjs)
			to->n_adjs++;
	}
	free(given.cell);
	return rc;
}

static int
list_adjs(struct net_state *to, const struct net_state *old, const struct sl_compile_net *net,
	uint32_t max)
{
	uint32_t *left = sl_xcalloc(net->n_neighs, sizeof(*left));
	struct places places;
	uint32_t n_left;
	int rc;

	to->adj = sl_xcalloc(old->n_adjs + net->n_neighs, sizeof(*to->adj));
	to->n_adjs = old->n_adjs;
	places_init(&places, old->n_adjs);
	n_left = keep_places(to, old, net, &places, left);
	rc = give_places(to, net, max, left, n_left);
	while (to->n_adjs > 0 && to->adj[to->n_adjs - 1].state == SL_ADJ_FREE)
		to->n_adjs--;
	free(places.cell);
	free(left);
	return rc;
}

static bool
same_adjs(const struct net_state *a, const struct net_state *b)
{
	if (a->n_adjs != b->n_adjs)
		return false;
	for (uint32_t i = 0; i < a->n_adjs; i++)
		if (!same_adj(&a->adj[i], &b->adj[i]))
			return false;
	return true;
}

// An index that a flow may hold is free now, or another's.
static bool
gave_up(const struct net_state *old, const struct net_state *to)
{
	for (uint32_t i = 0; i < old->n_adjs; i++) {
		const struct sl_fwd_adj *was = &old->adj[i];

		if (was->state != SL_ADJ_FREE &&
			(i >= to->n_adjs || to->adj[i].state == SL_ADJ_FREE ||
				to->adj[i].port != was->port || to->adj[i].addr != was->addr))
			return true;
	}
	return false;
}

// ---- the part ----

static bool
ports_known(const struct sl_compile_net *net)
{
	for (uint32_t i = 0; i < net->n_neighs; i++)
		if (net->neigh[i].port >= net->n_ports)
			return false;
	for (uint32_t i = 0; i < net->n_routes; i++)
		if (!net->route[i].unreachable && net->route[i].port >= net->n_ports)
			return false;
	return true;
}

static struct sl_fwd_net *
build(const struct net_state *n)
{
	return sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = n->route,
		.n_routes = n->n_routes,
		.adj = n->adj,
		.n_adjs = n->n_adjs,
		.addr = n->addr,
		.n_addrs = n->n_addrs,
		.gen = n->gen});
}

// What net says, in canonical order.
static int
list_all(struct net_state *to, const struct sl_compile *c, const struct sl_compile_net *net)
{
	if (!ports_known(net))
		return -EINVAL;
	list_routes(to, net);
	list_addrs(to, c, net);
	return list_adjs(to, &c->net, net, c->cfg.max_adjs);
}

struct sl_fwd_net *
sl_compile_net(struct sl_compile *c, const struct sl_compile_net *net)
{
	struct net_state *old = &c->net, to = {.made = true};
	struct sl_fwd_net *part = NULL;
	int rc = list_all(&to, c, net);

	if (rc == 0) {
		const bool moved = !same_routes(old, &to) || gave_up(old, &to);

		to.gen = old->gen + moved;
		if (!old->made || moved || !same_adjs(old, &to) || !same_addrs(old, &to)) {
			part = build(&to);
			rc = part ? 0 : -errno;
		}
	}
	if (part) {
		net_state_fini(old);
		*old = to;
	} else {
		net_state_fini(&to);
	}
	errno = -rc;
	return part;
}
