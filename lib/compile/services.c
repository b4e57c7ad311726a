#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "plan.h"
#include "sl_str.h"

struct graveyard {
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *));
	void *ctx;
};

static void
put_eps(void *eps)
{
	sl_fwd_eps_put(eps);
}

// ---- commit: nothing here can fail ----

static void
retire_slots(struct sl_compile *c, const struct entry *e)
{
	for (uint32_t i = e->first; i != SLOT_NONE; i = c->slots->v[i].next)
		if (c->slots->v[i].state == SLOT_LIVE)
			slot_retire(c->slots, i);
}

// The slots of the planned set come to life, those that it left out retire.
static void
settle_slots(struct sl_compile *c, struct entry *e)
{
	for (uint32_t i = e->first; i != SLOT_NONE; i = c->slots->v[i].next) {
		struct slot *s = &c->slots->v[i];

		if (s->taken)
			slot_live(c->slots, i);
		else if (s->state == SLOT_LIVE)
			slot_retire(c->slots, i);
		s->taken = false;
	}
	for (uint32_t i = 0; i < sl_fwd_eps_count(e->planned); i++) {
		const struct sl_fwd_ep *ep = sl_fwd_eps_at(e->planned, i);

		c->slots->v[ep->slot].weight = ep->weight;
	}
}

static void
name_slots(struct sl_compile *c, const struct entry *e)
{
	for (uint32_t i = e->first; i != SLOT_NONE; i = c->slots->v[i].next)
		if (c->slots->v[i].state == SLOT_LIVE)
			slot_set_origin(c->slots, i, e->origin);
}

// Puts the planned set in the place of eps: in the current table, or it is in the new one already.
static void
replace_eps(struct plan *p, struct entry *e, const struct graveyard *to)
{
	struct sl_compile *c = p->c;

	c->n_eps += sl_fwd_eps_count(e->planned) - e->n_eps;
	e->n_eps = sl_fwd_eps_count(e->planned);
	e->eps = e->planned;
	e->planned = NULL;
	if (p->table)
		sl_fwd_eps_put(e->eps); // the table's reference holds it
	else
		to->retire(to->ctx,
			sl_fwd_service_swap(sl_fwd_services_find(c->table, &e->key, 0), e->eps),
			put_eps);
}

// Returns whether a set of a service port that was there before is another now.
static bool
commit_change(struct plan *p, struct change *ch, const struct graveyard *to)
{
	struct sl_compile *c = p->c;
	struct entry *e = &c->entries.v[ch->id];
	const bool swapped = e->planned && e->eps;

	e->hash = ch->hash;
	e->has_twins = ch->has_twins;
	if (ch->origin) {
		origin_put(e->origin);
		e->origin = ch->origin;
	}
	if (e->planned)
		settle_slots(c, e);
	if (e->planned || ch->origin)
		name_slots(c, e);
	if (e->planned)
		replace_eps(p, e, to);
	return swapped;
}

static int
cmp_vip(const void *x, const void *y)
{
	const sl_be32 a = *(const sl_be32 *)x, b = *(const sl_be32 *)y;

	return a < b ? -1 : a > b;
}

static void
list_vips(struct sl_compile *c)
{
	uint32_t n = 0, kept = 0;

	c->vip = sl_xrealloc(c->vip, c->n_live, sizeof(*c->vip));
	for (uint32_t i = 0; i < c->entries.top; i++)
		if (c->entries.v[i].eps)
			c->vip[n++] = c->entries.v[i].key.vip;
	if (n > 0)
		qsort(c->vip, n, sizeof(*c->vip), cmp_vip);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || c->vip[kept - 1] != c->vip[i])
			c->vip[kept++] = c->vip[i];
	c->n_vips = kept;
}

// Service ports that this pass did not see. Returns how many.
static uint32_t
remove_unseen(struct sl_compile *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->entries.top; i++) {
		struct entry *e = &c->entries.v[i];

		if (!e->eps || e->pass == c->pass)
			continue;
		retire_slots(c, e);
		c->n_eps -= e->n_eps;
		e->n_eps = 0;
		e->eps = NULL;
		entry_drop_if_empty(&c->entries, i);
		n++;
	}
	return n;
}

static void
write_notes(struct plan *p)
{
	for (size_t i = 0; i < p->n_svcs; i++)
		if (p->svc[i].obj->n_notes > 0)
			sl_object_notes_clear_computed(p->svc[i].obj);
	remarks_write(&p->remarks);
}

static void
commit(struct plan *p, const struct graveyard *to, struct sl_compile_result *result)
{
	struct sl_compile *c = p->c;

	for (size_t i = 0; i < p->n_changes; i++)
		result->swapped += commit_change(p, &p->change[i], to);
	result->added = p->added;
	if (p->table) {
		result->removed = remove_unseen(c);
		result->table_changed = true;
		sl_fwd_services_put(c->table);
		c->table = p->table;
		c->n_live = p->seen;
		list_vips(c);
	}
	result->services = c->n_live;
	result->endpoints = c->n_eps;
	write_notes(p);
}

int
sl_compile_services(struct sl_compile *c, struct sl_registry *registry,
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *)), void *ctx,
	struct sl_compile_result *result)
{
	const struct graveyard to = {.retire = retire, .ctx = ctx};
	struct plan p;
	const int rc = plan_make(&p, c, registry);

	*result = (struct sl_compile_result){.services = c->n_live, .endpoints = c->n_eps};
	if (rc == 0)
		commit(&p, &to, result);
	else
		plan_undo(&p);
	plan_fini(&p);
	return rc;
}
