// Reading the kernel's tables anew: at the start, after lost events, and where events do not tell.
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "sl_str.h"

// A dump during which the kernel's table moved may miss entries that did not: read again, so often.
#define DUMP_TRIES 4

struct dump {
	struct sl_host *h;
	struct table table;
	struct route_key elsewhere; // the last key of a route that leads elsewhere, and how many
	uint32_t n_elsewhere;
	uint32_t *seen; // ifindexes of mirrors
	uint32_t n_seen;
};

static void
dump_link(void *arg, const struct nlmsghdr *nlh)
{
	struct dump *d = arg;
	struct sl_nl_msg msg;

	if (sl_nl_parse(nlh, &msg) < 0 || msg.kind != SL_NL_LINK ||
		!mirror_by_ifindex(d->h, msg.link.ifindex))
		return;
	d->seen = sl_xrealloc(d->seen, d->n_seen + 1, sizeof(*d->seen));
	d->seen[d->n_seen++] = msg.link.ifindex;
	state_take_link(d->h, &msg);
}

static void
dump_nexthop(void *arg, const struct nlmsghdr *nlh)
{
	struct dump *d = arg;
	struct sl_nl_msg msg;

	if (sl_nl_parse(nlh, &msg) == 0 && msg.kind == SL_NL_NEXTHOP)
		table_put(&d->table, &(struct nexthop){.id = msg.nexthop.id, .nh = msg.nexthop});
}

// Routes of one key come one behind the other, the one that counts first.
static void
dump_route(void *arg, const struct nlmsghdr *nlh)
{
	struct dump *d = arg;
	struct sl_nl_msg msg;
	struct route now, *first;
	bool here;

	if (sl_nl_parse(nlh, &msg) < 0 || msg.kind != SL_NL_ROUTE)
		return;
	here = route_of(d->h, &msg.route, &now);
	first = table_find(&d->table, &now.key);
	if (first) {
		first->rivals++;
		return;
	}
	if (memcmp(&d->elsewhere, &now.key, sizeof(now.key)) != 0) {
		d->elsewhere = now.key;
		d->n_elsewhere = 0;
	}
	if (here) {
		now.rivals = d->n_elsewhere;
		route_tell_foreign(d->h, &now);
		table_put(&d->table, &now);
	} else {
		d->n_elsewhere++;
	}
}

static void
dump_neigh(void *arg, const struct nlmsghdr *nlh)
{
	struct dump *d = arg;
	struct sl_nl_msg msg;
	struct neigh n;

	if (sl_nl_parse(nlh, &msg) == 0 && msg.kind == SL_NL_NEIGH &&
		state_neigh_of(d->h, &msg.neigh, &n))
		table_put(&d->table, &n);
}

static void
dump_addr(void *arg, const struct nlmsghdr *nlh)
{
	struct dump *d = arg;
	struct sl_nl_msg msg;
	struct addr a;

	if (sl_nl_parse(nlh, &msg) == 0 && msg.kind == SL_NL_ADDR &&
		state_addr_of(d->h, &msg.addr, &a))
		table_put(&d->table, &a);
}

static bool
addr_same(const void *a, const void *b)
{
	return true; // all of it is key
}

static bool
tables_same(
	const struct table *a, const struct table *b, bool (*same)(const void *a, const void *b))
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const void *other = table_find(b, table_at(a, i));

		if (!other || !same(table_at(a, i), other))
			return false;
	}
	return true;
}

static void
take_links(struct sl_host *h, const struct dump *d)
{
	for (uint32_t i = 0; i < h->n_mirrors; i++) {
		struct mirror *m = &h->mirror[i];
		bool seen = m->ifindex == 0;

		for (uint32_t s = 0; s < d->n_seen; s++)
			seen |= d->seen[s] == m->ifindex;
		if (!seen)
			state_lose_link(h, m);
	}
}

// One kind of thing: how it is asked for, where it lives and what its change is called.
struct kind {
	enum stale bit;
	uint16_t get;
	uint8_t family;
	nl_each each;
	size_t table; // offset in struct sl_host, or 0: links, which live in the mirrors
	bool (*same)(const void *a, const void *b);
	unsigned event;
};

// In this order: what leads out of a mirror is judged by links and next-hop objects.
static const struct kind kinds[] = {
	{STALE_LINKS, RTM_GETLINK, AF_UNSPEC, dump_link, 0, NULL, 0},
	{STALE_NEXTHOPS, RTM_GETNEXTHOP, AF_UNSPEC, dump_nexthop,
		offsetof(struct sl_host, nexthops), NULL, 0},
	{STALE_ROUTES, RTM_GETROUTE, AF_INET, dump_route, offsetof(struct sl_host, routes),
		route_same, SL_HOST_ROUTES},
	{STALE_NEIGHS, RTM_GETNEIGH, AF_INET, dump_neigh, offsetof(struct sl_host, neighs),
		state_neigh_same, SL_HOST_NEIGHS},
	{STALE_ADDRS, RTM_GETADDR, AF_INET, dump_addr, offsetof(struct sl_host, addrs), addr_same,
		SL_HOST_ADDRS},
};

// A kernel without next-hop objects, or without a main table yet, has none to tell.
static bool
means_empty(const struct kind *k, int err)
{
	return (k->bit == STALE_NEXTHOPS && err == -EOPNOTSUPP) ||
	       (k->bit == STALE_ROUTES && err == -ENOENT);
}

static void
take_table(struct sl_host *h, const struct kind *k, struct dump *d)
{
	struct table *t = (struct table *)((uint8_t *)h + k->table);

	if (k->event && !tables_same(t, &d->table, k->same))
		state_changed(h, k->event);
	table_fini(t);
	*t = d->table;
	table_init(&d->table, t->elem_bytes, t->key_bytes);
}

static int
read_once(struct sl_host *h, const struct kind *k)
{
	const struct table *like = (const struct table *)((uint8_t *)h + k->table);
	struct dump d = {.h = h};
	int rc;

	if (k->table)
		table_init(&d.table, like->elem_bytes, like->key_bytes);
	rc = nl_dump(&h->nl, k->get, k->family, k->each, &d);
	h->dumps++;
	if (means_empty(k, rc))
		rc = 0;
	if (rc >= 0 && k->table)
		take_table(h, k, &d);
	else if (rc >= 0)
		take_links(h, &d);
	table_fini(&d.table);
	free(d.seen);
	return rc;
}

int
state_read_anew(struct sl_host *h)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		int rc = 1;

		if (!(h->stale & kinds[i].bit))
			continue;
		for (int tries = 0; rc == 1 && tries < DUMP_TRIES; tries++)
			rc = read_once(h, &kinds[i]);
		if (rc < 0)
			return rc;
		// Still moving: what was read stands, events are under way, and it is read once
		// more.
		if (rc == 0)
			h->stale &= ~(unsigned)kinds[i].bit;
	}
	return 0;
}
