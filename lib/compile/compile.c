#include <errno.h>
#include <stdlib.h>

#include "compile.h"
#include "sl_str.h"

struct sl_compile *
sl_compile_new(const struct sl_compile_cfg *cfg)
{
	static const struct sl_flow_policy none;
	struct sl_fwd_services *empty = sl_fwd_services_new(0);
	struct sl_fwd_policies *policies = sl_fwd_policies_new(&none, 1);
	struct sl_compile *c;

	if (!empty || !policies || sl_fwd_services_seal(empty) < 0) {
		sl_fwd_services_put(empty);
		sl_fwd_policies_put(policies);
		errno = ENOMEM;
		return NULL;
	}
	c = sl_xcalloc(1, sizeof(*c));
	c->cfg = *cfg;
	if (c->cfg.n_workers == 0)
		c->cfg.n_workers = 1;
	c->slots = slots_new(cfg->max_endpoints);
	c->slots->gone = cfg->gone;
	c->slots->gone_ctx = cfg->gone_ctx;
	c->table = empty;
	c->policies = (struct policies){
		.v = sl_xcalloc(1, sizeof(none)), .n = 1, .cap = 1, .made = policies, .n_made = 1};
	c->policies.slot = sl_xcalloc(POLICY_SLOTS, sizeof(*c->policies.slot));
	entries_init(&c->entries);
	notes_init(&c->notes);
	return c;
}

void
sl_compile_free(struct sl_compile *c)
{
	if (!c)
		return;
	c->slots->gone = NULL;
	sl_fwd_services_put(c->table);
	for (uint32_t i = 0; i < c->n_members; i++) {
		for (uint32_t k = 0; k < c->member[i].n_claims; k++)
			set_put(c, c->member[i].claim[k].set);
		free(c->member[i].claim);
	}
	set_put(c, c->unknown);
	entries_fini(&c->entries);
	notes_fini(&c->notes);
	slots_put(c->slots);
	sl_fwd_policies_put(c->policies.made);
	free(c->policies.v);
	free(c->policies.slot);
	net_state_fini(&c->net);
	free(c->vips.v);
	free(c->vips.change);
	free(c->member);
	free(c->dirty);
	free(c);
}

struct sl_fwd_services *
sl_compile_current(struct sl_compile *c)
{
	return c->table;
}

struct sl_fwd_policies *
sl_compile_policies(struct sl_compile *c)
{
	return c->policies.made;
}

// ---- slots ----

void
sl_compile_reclaim_slots(
	struct sl_compile *c, bool (*in_use)(void *ctx, uint32_t slot), void *ctx, unsigned budget)
{
	struct slots *s = c->slots;
	const uint32_t last = s->newest; // one round at most

	for (uint32_t i = s->oldest; i != SLOT_NONE && budget > 0; budget--) {
		const uint32_t next = s->v[i].newer;

		// Named by a set that workers may still read: the count could rise again.
		if (s->v[i].sets > 0 || in_use(ctx, i))
			slot_requeue(s, i);
		else
			slot_free(s, i);
		if (i == last)
			break;
		i = next;
	}
}

bool
sl_compile_slot(const struct sl_compile *c, uint32_t slot, struct sl_compile_slot *out)
{
	const struct slot *s;

	if (slot >= c->slots->top || c->slots->v[slot].state == SLOT_FREE ||
		c->slots->v[slot].cluster)
		return false;
	s = &c->slots->v[slot];
	*out = (struct sl_compile_slot){.namespace_ = s->home->namespace_,
		.host = s->home->host,
		.port = s->home->port,
		.port_name = s->home->port_name,
		.addr = s->addr,
		.addr_port = s->port,
		.weight = s->weight,
		.live = s->state == SLOT_LIVE};
	return true;
}

uint32_t
sl_compile_slot_find(const struct sl_compile *c, const char *namespace_, const char *host,
	uint32_t port, sl_be32 addr, sl_be16 addr_port)
{
	const struct slot_key key = {.namespace_ = namespace_,
		.host = host,
		.port = port,
		.addr = addr,
		.addr_port = addr_port};
	const uint32_t i = slot_find(c->slots, &key);

	return i != SLOT_NONE && c->slots->v[i].state == SLOT_LIVE ? i : SLOT_NONE;
}

uint32_t
sl_compile_slots_used(const struct sl_compile *c)
{
	return c->slots->used;
}

bool
sl_compile_next_vip(const struct sl_compile *c, uint32_t *it, sl_be32 *vip)
{
	if (*it >= c->vips.n)
		return false;
	*vip = c->vips.v[(*it)++].addr;
	return true;
}
