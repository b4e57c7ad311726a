#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host.h"
#include "sl_str.h"

void
state_init(struct sl_host *h)
{
	table_init(&h->addrs, sizeof(struct addr), sizeof(struct addr_key));
	table_init(&h->neighs, sizeof(struct neigh), sizeof(struct neigh_key));
	table_init(&h->routes, sizeof(struct route), sizeof(struct route_key));
	table_init(&h->nexthops, sizeof(struct nexthop), sizeof(uint32_t));
	h->route_limit = (struct sl_log_limit){.burst = 10, .interval_ms = 1000};
	h->overrun_limit = (struct sl_log_limit){.burst = 3, .interval_ms = 10000};
	h->stale = STALE_ALL;
}

void
state_fini(struct sl_host *h)
{
	table_fini(&h->addrs);
	table_fini(&h->neighs);
	table_fini(&h->routes);
	table_fini(&h->nexthops);
	free(h->out_routes);
	free(h->out_neighs);
	free(h->out_addrs);
}

void
state_changed(struct sl_host *h, unsigned bit)
{
	h->pending |= bit;
	h->fresh &= ~bit;
}

// ---- addresses ----

bool
state_addr_of(const struct sl_host *h, const struct sl_nl_addr *msg, struct addr *out)
{
	*out = (struct addr){{msg->ifindex, msg->addr, msg->len}};
	return mirror_by_ifindex(h, msg->ifindex) != NULL;
}

// Deleted by others: whoever adds it again owns it.
static void
disown_addr(struct sl_host *h, const struct addr *a)
{
	struct mirror *m = mirror_by_ifindex(h, a->key.ifindex);
	const struct sl_ip ip = {.family = AF_INET, .v4 = a->key.addr};

	for (int host = 0; host <= 1; host++) {
		const struct ip_key key = ip_key_of(&ip, (uint8_t)a->key.len, host);

		table_del(&m->own_addrs, &key);
	}
}

static void
take_addr(struct sl_host *h, const struct sl_nl_msg *msg)
{
	struct addr a;

	if (!state_addr_of(h, &msg->addr, &a))
		return;
	if (msg->del) {
		// Routes that prefer it as their source, or all with the last one, go without a
		// word.
		h->stale |= STALE_ROUTES;
		disown_addr(h, &a);
		if (table_del(&h->addrs, &a.key))
			state_changed(h, SL_HOST_ADDRS);
	} else if (!table_find(&h->addrs, &a.key)) {
		table_put(&h->addrs, &a);
		state_changed(h, SL_HOST_ADDRS);
	}
}

// ---- neighbours ----

bool
neigh_usable(const struct neigh *n)
{
	return n->state &
	       (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP);
}

bool
neigh_is_fixed(const struct neigh *n)
{
	return n && (n->state & (NUD_PERMANENT | NUD_NOARP));
}

bool
neigh_wants_probe(const struct neigh *n)
{
	return !n || (n->state & (NUD_STALE | NUD_FAILED)) || n->state == NUD_NONE;
}

bool
state_neigh_of(const struct sl_host *h, const struct sl_nl_neigh *msg, struct neigh *out)
{
	*out = (struct neigh){.key = {msg->ifindex, msg->addr}, .state = msg->state};
	if (msg->has_mac)
		out->mac = msg->mac;
	else
		out->state &= NUD_INCOMPLETE | NUD_FAILED; // nothing to send to
	return mirror_by_ifindex(h, msg->ifindex) != NULL;
}

// As far as the getter shows it: REACHABLE to STALE and back is no change.
bool
state_neigh_same(const void *a, const void *b)
{
	const struct neigh *x = a, *y = b;

	return neigh_usable(x) == neigh_usable(y) &&
	       (x->state & NUD_FAILED) == (y->state & NUD_FAILED) &&
	       (!neigh_usable(x) || memcmp(&x->mac, &y->mac, sizeof(x->mac)) == 0);
}

static void
disown_neigh(struct sl_host *h, const struct neigh *n)
{
	const struct sl_ip ip = {.family = AF_INET, .v4 = n->key.addr};
	const struct ip_key key = ip_key_of(&ip, 32, false);

	table_del(&mirror_by_ifindex(h, n->key.ifindex)->own_neighs, &key);
}

static void
take_neigh(struct sl_host *h, const struct sl_nl_msg *msg)
{
	const struct neigh *old;
	struct neigh n;

	if (!state_neigh_of(h, &msg->neigh, &n))
		return;
	if (msg->del) {
		disown_neigh(h, &n);
		if (table_del(&h->neighs, &n.key))
			state_changed(h, SL_HOST_NEIGHS);
		return;
	}
	old = table_find(&h->neighs, &n.key);
	if (!old || !state_neigh_same(old, &n))
		state_changed(h, SL_HOST_NEIGHS);
	table_put(&h->neighs, &n);
}

// ---- links ----

void
state_lose_link(struct sl_host *h, struct mirror *m)
{
	m->ifindex = 0;
	m->link.present = false;
	m->link.up = false;
	h->stale |= STALE_ROUTES | STALE_NEIGHS | STALE_ADDRS;
	state_changed(h, SL_HOST_LINKS);
}

static bool
link_same(const struct sl_host_link *a, const struct sl_host_link *b)
{
	return a->up == b->up && a->mtu == b->mtu && strcmp(a->name, b->name) == 0 &&
	       memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
}

void
state_take_link(struct sl_host *h, const struct sl_nl_msg *msg)
{
	static const struct sl_mac no_mac;
	const struct sl_nl_link *now = &msg->link;
	struct mirror *m = mirror_by_ifindex(h, now->ifindex);
	struct sl_host_link link;

	if (!m)
		return;
	if (msg->del) {
		state_lose_link(h, m);
		return;
	}
	link = m->link;
	link.up = now->up;
	if (now->mtu)
		link.mtu = now->mtu;
	if (memcmp(&now->mac, &no_mac, sizeof(no_mac)) != 0)
		link.mac = now->mac;
	if (now->name[0])
		memcpy(link.name, now->name, sizeof(link.name));
	if (link.up != m->link.up)
		h->stale |= STALE_ROUTES; // flushed without a word
	if (!link_same(&link, &m->link))
		state_changed(h, SL_HOST_LINKS);
	m->link = link;
}

static void
take(void *arg, const struct nlmsghdr *nlh)
{
	struct sl_nl_msg msg;

	if (sl_nl_parse(nlh, &msg) < 0)
		return;
	switch (msg.kind) {
	case SL_NL_LINK:
		state_take_link(arg, &msg);
		break;
	case SL_NL_ADDR:
		take_addr(arg, &msg);
		break;
	case SL_NL_ROUTE:
		route_take(arg, &msg);
		break;
	case SL_NL_NEIGH:
		take_neigh(arg, &msg);
		break;
	case SL_NL_NEXTHOP:
		nexthop_take(arg, &msg);
		break;
	case SL_NL_OTHER:
		break;
	}
}

int
state_take_in(struct sl_host *h)
{
	const int rc = nl_drain(&h->nl, take, h);

	if (rc == -ENOBUFS) {
		h->stale = STALE_ALL;
		sl_log_limited(h->log, &h->overrun_limit, SL_LOG_WARN, "host",
			"netlink events were lost, reading everything anew overruns=%llu",
			(unsigned long long)h->nl.overruns);
	} else if (rc < 0) {
		return rc;
	}
	return state_read_anew(h);
}

int
state_catch_up(struct sl_host *h)
{
	const int rc = state_take_in(h);

	if (h->pending)
		eventfd_write(h->bell, 1);
	return rc;
}

int
sl_host_poll(struct sl_host *h)
{
	const int rc = state_take_in(h);
	const int bits = (int)h->pending;
	eventfd_t rung;

	eventfd_read(h->bell, &rung);
	if (rc < 0)
		return rc;
	h->pending = 0;
	return bits;
}
