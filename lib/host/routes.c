// Routes out of mirrors, and the next-hop objects that they may point to.
#include <linux/netlink.h>
#include <string.h>

#include "host.h"

// ---- routes ----

// The first live hop out of a mirror. False: none. One that workers cannot do leads nowhere.
static bool
pick_hop(const struct sl_host *h, const struct sl_nl_hop *hop, uint32_t n, struct route *out)
{
	bool foreign = false;

	for (uint32_t i = 0; i < n; i++) {
		if (hop[i].dead || !mirror_by_ifindex(h, hop[i].ifindex))
			continue;
		if (hop[i].foreign) {
			foreign = true;
			continue;
		}
		out->ifindex = hop[i].ifindex;
		out->gateway = hop[i].gateway;
		return true;
	}
	out->foreign = foreign;
	return foreign;
}

static bool
pick_object(const struct sl_host *h, const struct sl_nl_nexthop *nh, struct route *out)
{
	struct sl_nl_hop hop[SL_NL_HOPS];
	uint32_t n = 0;

	if (nh->blackhole)
		return true;
	if (!nh->n_group)
		return pick_hop(h, &nh->hop, 1, out);
	for (uint32_t i = 0; i < nh->n_group; i++) {
		const struct nexthop *member = table_find(&h->nexthops, &nh->group[i]);

		if (member && member->nh.blackhole)
			return true; // the kernel allows it only as a group's one member
		if (member)
			hop[n++] = member->nh.hop;
	}
	return pick_hop(h, hop, n, out);
}

// False: the route leads elsewhere and only its key counts.
bool
route_of(const struct sl_host *h, const struct sl_nl_route *msg, struct route *out)
{
	const struct nexthop *object;

	*out = (struct route){.key = {msg->dst, msg->len, msg->metric}};
	if (msg->unreachable)
		return true;
	object = msg->nexthop ? table_find(&h->nexthops, &msg->nexthop) : NULL;
	if (object)
		return pick_object(h, &object->nh, out);
	return pick_hop(h, msg->hop, msg->n_hops, out);
}

bool
route_same(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	return x->ifindex == y->ifindex && x->gateway == y->gateway;
}

void
route_tell_foreign(struct sl_host *h, const struct route *now)
{
	const struct sl_prefix to = {
		{.family = AF_INET, .v4 = now->key.dst}, (uint8_t)now->key.len};
	const struct route *old = table_find(&h->routes, &now->key);
	char text[SL_PREFIX_STRLEN];

	if (!now->foreign || (old && old->foreign))
		return;
	sl_log_limited(h->log, &h->route_limit, SL_LOG_WARN, "host",
		"route not followed, its traffic is dropped: its gateway is of another family or "
		"it encapsulates to=%s",
		sl_prefix_str(&to, text));
}

static void
put_route(struct sl_host *h, const struct route *now)
{
	const struct route *old = table_find(&h->routes, &now->key);

	if (!old || !route_same(old, now))
		state_changed(h, SL_HOST_ROUTES);
	route_tell_foreign(h, now);
	table_put(&h->routes, now);
}

static void
drop_route(struct sl_host *h, const struct route_key *key)
{
	if (table_del(&h->routes, key))
		state_changed(h, SL_HOST_ROUTES);
}

static void
disown_route(struct sl_host *h, const struct route *r)
{
	const struct sl_ip ip = {.family = AF_INET, .v4 = r->key.dst};
	const struct own_route own = {
		.key = {.to = ip_key_of(&ip, (uint8_t)r->key.len, false), .metric = r->key.metric}};
	const struct mirror *m = mirror_by_ifindex(h, r->ifindex);

	if (m)
		table_del((struct table *)&m->own_routes, &own.key);
}

// Several routes may share a key (`ip route append`, `prepend`), and the first one counts; events
// do not say which that is, so everything but the plain cases has the table read anew.
static void
del_route(struct sl_host *h, const struct route *gone, bool here)
{
	const struct route *old = table_find(&h->routes, &gone->key);

	if (!old)
		return;
	if (old->rivals || !here || !route_same(old, gone)) {
		h->stale |= STALE_ROUTES;
		return;
	}
	disown_route(h, gone);
	drop_route(h, &gone->key);
}

void
route_take(struct sl_host *h, const struct sl_nl_msg *msg)
{
	const struct route *old;
	struct route now;
	const bool here = route_of(h, &msg->route, &now);

	if (msg->del) {
		del_route(h, &now, here);
		return;
	}
	old = table_find(&h->routes, &now.key);
	if (msg->flags & NLM_F_REPLACE) {
		if (old && old->rivals)
			h->stale |= STALE_ROUTES;
		else if (here)
			put_route(h, &now);
		else
			drop_route(h, &now.key);
	} else if (old) {
		if (!here || !route_same(old, &now))
			h->stale |= STALE_ROUTES;
	} else if (here) {
		if (msg->flags & NLM_F_APPEND)
			h->stale |= STALE_ROUTES;
		else
			put_route(h, &now);
	}
}

// ---- next-hop objects ----

static bool
hop_same(const struct sl_nl_hop *a, const struct sl_nl_hop *b)
{
	return a->ifindex == b->ifindex && a->gateway == b->gateway && a->dead == b->dead &&
	       a->foreign == b->foreign;
}

static bool
nexthop_same(const struct sl_nl_nexthop *a, const struct sl_nl_nexthop *b)
{
	return a->blackhole == b->blackhole && hop_same(&a->hop, &b->hop) &&
	       a->n_group == b->n_group &&
	       memcmp(a->group, b->group, a->n_group * sizeof(a->group[0])) == 0;
}

void
nexthop_take(struct sl_host *h, const struct sl_nl_msg *msg)
{
	const struct nexthop now = {.id = msg->nexthop.id, .nh = msg->nexthop};
	const struct nexthop *old = table_find(&h->nexthops, &now.id);

	// The routes of a changed or deleted object change, or go, without a word.
	if (msg->del) {
		if (table_del(&h->nexthops, &now.id))
			h->stale |= STALE_ROUTES;
		return;
	}
	if (old && !nexthop_same(&old->nh, &now.nh))
		h->stale |= STALE_ROUTES;
	table_put(&h->nexthops, &now);
}
