#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// One port of one service at one VIP.
struct spot {
	const struct sl_service *svc;
	const struct sl_se_port *port;
	uint32_t address_index;
	uint32_t port_index;
	struct sl_fwd_key key;
};

// ---- slots for the endpoints of a service port ----

static uint64_t
seek_hash(sl_be32 addr, sl_be16 port)
{
	return mix((uint64_t)addr << 16 | port);
}

// The cell of (addr, port) in the scratch table, or the free one where it goes.
static uint32_t *
seek_cell(struct sl_compile *c, uint32_t mask, sl_be32 addr, sl_be16 port)
{
	uint32_t i = seek_hash(addr, port) & mask;

	while (c->seek[i] != SLOT_NONE) {
		const struct slot *s = &c->slots->v[c->seek[i]];

		if (s->addr == addr && s->port == port)
			break;
		i = (i + 1) & mask;
	}
	return &c->seek[i];
}

// Fills the scratch table with the slots of a service port, with room for `more`. Returns its mask.
static uint32_t
seek_fill(struct sl_compile *c, const struct entry *e, uint32_t more)
{
	uint32_t size = 8;

	while (size < 2 * (e->n_slots + more))
		size *= 2;
	if (size > c->seek_cap) {
		free(c->seek);
		c->seek = sl_xcalloc(size, sizeof(*c->seek));
		c->seek_cap = size;
	}
	memset(c->seek, 0xff, size * sizeof(*c->seek)); // SLOT_NONE
	for (uint32_t i = e->first; i != SLOT_NONE; i = c->slots->v[i].next)
		*seek_cell(c, size - 1, c->slots->v[i].addr, c->slots->v[i].port) = i;
	return size - 1;
}

static int
by_slot(const void *x, const void *y)
{
	const struct sl_fwd_ep *a = x, *b = y;

	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

// In order of slot: the order in the object decides nothing, so a change of it alone is none.
static void
sort_by_slot(struct sl_fwd_ep *ep, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		if (ep[i - 1].slot > ep[i].slot) {
			qsort(ep, n, sizeof(*ep), by_slot);
			return;
		}
	}
}

// Twins are rare: the first is searched for only then.
static void
remark_twin(struct plan *p, const struct spot *at, uint32_t index)
{
	const struct sl_service_entry *se = &at->svc->obj->se;
	const struct sl_se_endpoint *twin = &se->endpoints[index];
	uint32_t first = 0;

	while (!sl_ip_equal(&se->endpoints[first].ip, &twin->ip) ||
		sl_se_endpoint_port(&se->endpoints[first], at->port) !=
			sl_se_endpoint_port(twin, at->port))
		first++;
	remark_add(&p->remarks, &(struct remark){.obj = at->svc->obj,
					.kind = REMARK_TWIN,
					.index = index,
					.port = at->port_index,
					.first = first});
}

// The endpoints of a service port, each with its slot, into ep. Returns how many, or -ENOSPC.
static int64_t
collect(struct plan *p, const struct spot *at, struct change *ch, struct sl_fwd_ep *ep)
{
	const struct sl_service_entry *se = &at->svc->obj->se;
	struct sl_compile *c = p->c;
	const uint32_t mask = seek_fill(c, &c->entries.v[ch->id], se->n_endpoints);
	uint32_t n = 0;

	for (uint32_t i = 0; i < se->n_endpoints; i++) {
		const struct sl_se_endpoint *from = &se->endpoints[i];
		const sl_be16 port = sl_cpu_to_be16(sl_se_endpoint_port(from, at->port));
		uint32_t *cell;

		if (sl_se_endpoint_not_served(from))
			continue;
		cell = seek_cell(c, mask, from->ip.v4, port);
		if (*cell == SLOT_NONE) {
			const uint32_t slot = slot_alloc(c->slots);

			if (slot == SLOT_NONE)
				return -ENOSPC;
			c->slots->v[slot].addr = from->ip.v4;
			c->slots->v[slot].port = port;
			entry_link_slot(c, ch->id, slot);
			*cell = slot;
		} else if (c->slots->v[*cell].taken) {
			ch->has_twins = true;
			remark_twin(p, at, i);
			continue;
		}
		c->slots->v[*cell].taken = true;
		ep[n++] = (struct sl_fwd_ep){.addr = from->ip.v4,
			.port = port,
			.weight = sl_se_endpoint_weight(from),
			.slot = *cell};
	}
	sort_by_slot(ep, n);
	return n;
}

// ---- service ports ----

static void
untake(struct sl_compile *c, const struct entry *e)
{
	for (uint32_t i = e->first; i != SLOT_NONE; i = c->slots->v[i].next)
		c->slots->v[i].taken = false;
}

static int
plan_endpoints(struct plan *p, const struct spot *at, struct change *ch)
{
	struct entry *e = &p->c->entries.v[ch->id];
	const uint32_t max = at->svc->obj->se.n_endpoints;
	struct sl_fwd_ep *ep = sl_xcalloc(max, sizeof(*ep));
	const int64_t n = collect(p, at, ch, ep);
	const struct sl_fwd_eps_spec spec = {.ep = ep, .n = n, .cluster_slot = SL_FWD_SLOT_NONE};
	struct sl_fwd_eps *eps = n < 0 ? NULL : sl_fwd_eps_new(&spec);
	const int rc = n < 0 ? n : eps ? 0 : -errno;

	free(ep);
	if (rc < 0)
		return rc;
	if (e->eps && sl_fwd_eps_equal(e->eps, eps)) {
		sl_fwd_eps_put(eps);
		untake(p->c, e);
		return 0;
	}
	slots_hold(p->c->slots, eps);
	e->planned = eps;
	return 0;
}

static int
plan_change(struct plan *p, const struct spot *at, uint32_t id)
{
	const struct entry *e = &p->c->entries.v[id];
	struct change *ch;

	if (p->n_changes == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->change = sl_xrealloc(p->change, p->cap, sizeof(*p->change));
	}
	ch = &p->change[p->n_changes++];
	*ch = (struct change){.id = id, .hash = at->svc->obj->hash};
	if (!origin_is(e->origin, at->svc, at->port))
		ch->origin = origin_new(at->svc, at->port);
	return plan_endpoints(p, at, ch);
}

// The first service in service order claims the key; that an object meets itself (two hosts, or an
// address written twice) is no conflict, its endpoints are the same.
static int
plan_spot(struct plan *p, const struct spot *at)
{
	struct entries *t = &p->c->entries;
	struct sl_object *obj = at->svc->obj;
	uint32_t id = entry_find(t, &at->key);
	struct entry *e;

	if (id == ENTRY_NONE)
		id = entry_add(t, &at->key);
	e = &t->v[id];
	if (e->pass == p->c->pass) {
		if (e->claim != obj)
			remark_add(&p->remarks, &(struct remark){.obj = obj,
							.other = e->claim,
							.kind = REMARK_VIP_TAKEN,
							.index = at->address_index,
							.port = at->port_index});
		return 0;
	}
	e->pass = p->c->pass;
	e->claim = obj;
	p->seen++;
	p->added += !e->eps;
	if (e->eps && e->hash == obj->hash && !e->has_twins)
		return 0;
	return plan_change(p, at, id);
}

static int
plan_address(struct plan *p, const struct sl_service *svc, uint32_t address_index)
{
	const struct sl_service_entry *se = &svc->obj->se;
	const struct sl_se_address *address = &se->addresses[address_index];
	int rc = 0;

	if (sl_se_address_not_served(address))
		return 0;
	for (uint32_t i = 0; i < se->n_ports && rc == 0; i++) {
		const struct sl_se_port *port = &se->ports[i];
		const struct spot at = {.svc = svc,
			.port = port,
			.address_index = address_index,
			.port_index = i,
			.key = {.vip = address->prefix.addr.v4,
				.port = sl_cpu_to_be16(port->number),
				.proto = sl_se_port_transport(port),
				.len = 32}};

		if (!sl_se_port_not_served(port))
			rc = plan_spot(p, &at);
	}
	return rc;
}

static struct sl_fwd_eps *
next_eps(const struct entry *e)
{
	return e->planned ? e->planned : e->eps;
}

static int
plan_table(struct plan *p)
{
	const struct entries *t = &p->c->entries;

	p->table = sl_fwd_services_new(p->seen);
	if (!p->table)
		return errno == EINVAL ? -ENOSPC : -errno;
	for (uint32_t i = 0; i < t->top; i++) {
		const struct entry *e = &t->v[i];

		if (e->pass == p->c->pass)
			sl_fwd_services_add(p->table, &e->key, SL_FWD_CLIENTS_ALL, i,
				sl_fwd_eps_get(next_eps(e)));
	}
	return sl_fwd_services_seal(p->table);
}

int
plan_make(struct plan *p, struct sl_compile *c, struct sl_registry *registry)
{
	int rc = 0;

	*p = (struct plan){.c = c};
	p->svc = sl_registry_services(registry, &p->n_svcs);
	c->pass++;
	for (size_t s = 0; s < p->n_svcs; s++) {
		const struct sl_service *svc = &p->svc[s];

		for (uint32_t i = 0; svc->served && i < svc->obj->se.n_addresses; i++) {
			rc = plan_address(p, svc, i);
			if (rc < 0)
				return rc;
		}
	}
	if (p->added > 0 || p->seen != c->n_live)
		rc = plan_table(p);
	return rc;
}

void
plan_undo(struct plan *p)
{
	struct sl_compile *c = p->c;

	sl_fwd_services_put(p->table);
	for (size_t i = 0; i < p->n_changes; i++) {
		struct change *ch = &p->change[i];
		struct entry *e = &c->entries.v[ch->id];

		origin_put(ch->origin);
		sl_fwd_eps_put(e->planned);
		e->planned = NULL;
		untake(c, e);
		for (uint32_t s = e->first, next; s != SLOT_NONE; s = next) {
			next = c->slots->v[s].next;
			if (c->slots->v[s].state != SLOT_NEW)
				continue;
			entry_unlink_slot(c, s);
			slot_free(c->slots, s);
		}
		entry_drop_if_empty(&c->entries, ch->id);
	}
}

void
plan_fini(struct plan *p)
{
	free(p->change);
	free(p->remarks.v);
}
