// What the tables look like from outside: arrays, built when they are asked for.
#include <linux/neighbour.h>

#include "host.h"
#include "sl_str.h"

static uint16_t
index_of(const struct sl_host *h, uint32_t ifindex)
{
	const struct mirror *m = mirror_by_ifindex(h, ifindex);

	return m ? m->index : 0;
}

// False: what was given out still stands. Else *out has room for n.
static bool
must_fill(struct sl_host *h, unsigned bit, void **out, uint32_t n, size_t size)
{
	if (h->fresh & bit)
		return false;
	h->fresh |= bit;
	*out = sl_xrealloc(*out, n ? n : 1, size);
	return true;
}

const struct sl_host_route *
sl_host_routes(struct sl_host *h, uint32_t *n)
{
	*n = h->routes.n;
	if (!must_fill(h, SL_HOST_ROUTES, (void **)&h->out_routes, *n, sizeof(*h->out_routes)))
		return h->out_routes;
	for (uint32_t i = 0; i < *n; i++) {
		const struct route *r = table_at(&h->routes, i);

		h->out_routes[i] = (struct sl_host_route){
			.dst = r->key.dst,
			.len = (uint8_t)r->key.len,
			.unreachable = r->ifindex == 0,
			.index = index_of(h, r->ifindex),
			.gateway = r->gateway,
			.metric = r->key.metric,
		};
	}
	return h->out_routes;
}

const struct sl_host_neigh *
sl_host_neighs(struct sl_host *h, uint32_t *n)
{
	*n = h->neighs.n;
	if (!must_fill(h, SL_HOST_NEIGHS, (void **)&h->out_neighs, *n, sizeof(*h->out_neighs)))
		return h->out_neighs;
	for (uint32_t i = 0; i < *n; i++) {
		const struct neigh *e = table_at(&h->neighs, i);

		h->out_neighs[i] = (struct sl_host_neigh){
			.index = index_of(h, e->key.ifindex),
			.addr = e->key.addr,
			.mac = e->mac,
			.usable = neigh_usable(e),
			.failed = e->state & NUD_FAILED,
		};
	}
	return h->out_neighs;
}

static bool
is_ours(const struct sl_host *h, const struct addr *a)
{
	const struct mirror *m = mirror_by_ifindex(h, a->key.ifindex);
	const struct sl_ip ip = {.family = AF_INET, .v4 = a->key.addr};
	const struct ip_key key = ip_key_of(&ip, (uint8_t)a->key.len, true);

	return m && table_find(&m->own_addrs, &key);
}

const struct sl_host_addr *
sl_host_addrs(struct sl_host *h, uint32_t *n)
{
	*n = h->addrs.n;
	if (!must_fill(h, SL_HOST_ADDRS, (void **)&h->out_addrs, *n, sizeof(*h->out_addrs)))
		return h->out_addrs;
	for (uint32_t i = 0; i < *n; i++) {
		const struct addr *a = table_at(&h->addrs, i);

		h->out_addrs[i] = (struct sl_host_addr){
			.index = index_of(h, a->key.ifindex),
			.addr = a->key.addr,
			.len = (uint8_t)a->key.len,
			.ours = is_ours(h, a),
		};
	}
	return h->out_addrs;
}

void
sl_host_stats(const struct sl_host *h, struct sl_host_stats *out)
{
	*out = (struct sl_host_stats){h->nl.msgs, h->nl.overruns, h->dumps};
}
