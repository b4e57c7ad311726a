#include <errno.h>
#include <stdlib.h>

#include "compile.h"
#include "sl_str.h"

struct sl_compile *
sl_compile_new(const struct sl_compile_cfg *cfg)
{
	struct sl_fwd_services *empty = sl_fwd_services_new(0);
	struct sl_compile *c;

	if (!empty)
		return NULL;
	c = sl_xcalloc(1, sizeof(*c));
	c->cfg = *cfg;
	c->slots = slots_new(cfg->max_endpoints);
	c->table = empty;
	entries_init(&c->entries);
	return c;
}

void
sl_compile_free(struct sl_compile *c)
{
	if (!c)
		return;
	sl_fwd_services_put(c->table);
	entries_fini(&c->entries);
	slots_put(c->slots);
	net_state_fini(&c->net);
	free(c->vip);
	free(c->seek);
	free(c);
}

struct sl_fwd_services *
sl_compile_current(struct sl_compile *c)
{
	return c->table;
}

// ---- slots of service ports ----

void
entry_link_slot(struct sl_compile *c, uint32_t id, uint32_t slot)
{
	struct entry *e = &c->entries.v[id];
	struct slot *s = &c->slots->v[slot];

	s->entry = id;
	s->prev = SLOT_NONE;
	s->next = e->first;
	if (e->first != SLOT_NONE)
		c->slots->v[e->first].prev = slot;
	e->first = slot;
	e->n_slots++;
}

void
entry_unlink_slot(struct sl_compile *c, uint32_t slot)
{
	const struct slot *s = &c->slots->v[slot];
	struct entry *e = &c->entries.v[s->entry];

	*(s->prev == SLOT_NONE ? &e->first : &c->slots->v[s->prev].next) = s->next;
	if (s->next != SLOT_NONE)
		c->slots->v[s->next].prev = s->prev;
	e->n_slots--;
}

void
sl_compile_reclaim_slots(
	struct sl_compile *c, bool (*in_use)(void *ctx, uint32_t slot), void *ctx, unsigned budget)
{
	struct slots *s = c->slots;
	const uint32_t last = s->newest; // one round at most

	for (uint32_t i = s->oldest; i != SLOT_NONE && budget > 0; budget--) {
		const uint32_t next = s->v[i].newer, entry = s->v[i].entry;

		// Named by a set that workers may still read: the count could rise again.
		if (s->v[i].sets > 0 || in_use(ctx, i)) {
			slot_requeue(s, i);
		} else {
			entry_unlink_slot(c, i);
			slot_free(s, i);
			entry_drop_if_empty(&c->entries, entry);
		}
		if (i == last)
			break;
		i = next;
	}
}

bool
sl_compile_slot(const struct sl_compile *c, uint32_t slot, struct sl_compile_slot *out)
{
	const struct slot *s;

	if (slot >= c->slots->top || c->slots->v[slot].state == SLOT_FREE)
		return false;
	s = &c->slots->v[slot];
	*out = (struct sl_compile_slot){.namespace_ = s->origin->namespace_,
		.service = s->origin->service,
		.host = s->origin->host,
		.port = s->origin->port,
		.port_name = s->origin->port_name,
		.addr = s->addr,
		.addr_port = s->port,
		.weight = s->weight,
		.live = s->state == SLOT_LIVE};
	return true;
}

uint32_t
sl_compile_slot_find(
	const struct sl_compile *c, const struct sl_fwd_key *key, sl_be32 addr, sl_be16 addr_port)
{
	const uint32_t id = entry_find(&c->entries, key);

	if (id == ENTRY_NONE)
		return SLOT_NONE;
	for (uint32_t i = c->entries.v[id].first; i != SLOT_NONE; i = c->slots->v[i].next) {
		const struct slot *s = &c->slots->v[i];

		if (s->addr == addr && s->port == addr_port)
			return s->state == SLOT_LIVE ? i : SLOT_NONE;
	}
	return SLOT_NONE;
}

uint32_t
sl_compile_slots_used(const struct sl_compile *c)
{
	return c->slots->used;
}
