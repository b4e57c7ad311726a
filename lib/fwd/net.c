// Where packets go: routes to hops, hops to adjacencies, and which addresses are ours.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "routes.h"

struct sl_fwd_net {
	struct routes routes;
	struct sl_fwd_adj *adj;
	uint32_t n_adjs;
	uint32_t gen;
	struct map by_hop;  // port and address to adjacency index
	struct map by_addr; // address to SL_ADDR_* bits
	uint32_t refs;      // control only
};

static inline uint64_t
hop_key(uint16_t port, sl_be32 addr)
{
	return (uint64_t)port << 32 | addr;
}

static int
init_adjs(struct sl_fwd_net *n, const struct sl_fwd_net_spec *spec)
{
	if (spec->n_adjs > SL_ADJ_NONE)
		return -EINVAL;
	n->adj = malloc((spec->n_adjs + 1) * sizeof(*n->adj));
	if (!n->adj || fwd_map_init(&n->by_hop, spec->n_adjs) < 0)
		return -ENOMEM;
	n->n_adjs = spec->n_adjs;
	for (uint32_t i = 0; i < spec->n_adjs; i++) {
		const struct sl_fwd_adj *a = &spec->adj[i];

		n->adj[i] = *a;
		if (a->state != SL_ADJ_FREE)
			*fwd_map_at(&n->by_hop, hop_key(a->port, a->addr)) = i;
	}
	return 0;
}

static int
init_addrs(struct sl_fwd_net *n, const struct sl_fwd_net_spec *spec)
{
	if (fwd_map_init(&n->by_addr, spec->n_addrs) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < spec->n_addrs; i++)
		*fwd_map_at(&n->by_addr, spec->addr[i].addr) |= spec->addr[i].kinds;
	return 0;
}

static void
net_free(struct sl_fwd_net *n)
{
	fwd_map_fini(&n->by_addr);
	fwd_map_fini(&n->by_hop);
	free(n->adj);
	routes_fini(&n->routes);
	free(n);
}

struct sl_fwd_net *
sl_fwd_net_new(const struct sl_fwd_net_spec *spec)
{
	struct sl_fwd_net *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return NULL;
	n->refs = 1;
	n->gen = spec->gen;
	rc = routes_init(&n->routes, spec->route, spec->n_routes);
	if (rc == 0)
		rc = init_adjs(n, spec);
	if (rc == 0)
		rc = init_addrs(n, spec);
	if (rc < 0) {
		net_free(n);
		errno = -rc;
		return NULL;
	}
	return n;
}

struct sl_fwd_net *
sl_fwd_net_get(struct sl_fwd_net *n)
{
	n->refs++;
	return n;
}

void
sl_fwd_net_put(struct sl_fwd_net *n)
{
	if (n && --n->refs == 0)
		net_free(n);
}

bool
sl_fwd_route_find(const struct sl_fwd_net *n, sl_be32 dst, struct sl_fwd_hop *hop)
{
	const struct sl_fwd_route *r = routes_find(&n->routes, dst);

	if (!r || r->unreachable)
		return false;
	*hop = (struct sl_fwd_hop){.port = r->port, .addr = r->gateway ? r->gateway : dst};
	return true;
}

uint32_t
sl_fwd_adj_find(const struct sl_fwd_net *n, const struct sl_fwd_hop *hop)
{
	const uint32_t *index = fwd_map_find(&n->by_hop, hop_key(hop->port, hop->addr));

	return index ? *index : SL_ADJ_NONE;
}

const struct sl_fwd_adj *
sl_fwd_adj_at(const struct sl_fwd_net *n, uint32_t index)
{
	if (index >= n->n_adjs || n->adj[index].state == SL_ADJ_FREE)
		return NULL;
	return &n->adj[index];
}

const struct sl_fwd_adj *
sl_fwd_adjs(const struct sl_fwd_net *n, uint32_t *n_adjs)
{
	*n_adjs = n->n_adjs;
	return n->adj;
}

uint32_t
sl_fwd_addr_kinds(const struct sl_fwd_net *n, sl_be32 addr)
{
	const uint32_t *kinds = fwd_map_find(&n->by_addr, addr);

	return kinds ? *kinds : 0;
}

uint32_t
sl_fwd_net_gen(const struct sl_fwd_net *n)
{
	return n->gen;
}
