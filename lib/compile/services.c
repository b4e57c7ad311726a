#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "plan.h"
#include "sl_str.h"

struct graveyard {
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *));
	void *ctx;
};

// ---- what the mesh tells ----

static void
on_service(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	struct sl_compile *c = ctx;

	if (id >= c->n_members) {
		const uint32_t n = id < UINT32_MAX / 2 ? 2 * id + 1 : UINT32_MAX;

		c->member = sl_xrealloc(c->member, n, sizeof(*c->member));
		memset(&c->member[c->n_members], 0, (n - c->n_members) * sizeof(*c->member));
		c->n_members = n;
	}
	if (c->member[id].dirty)
		return;
	c->member[id].dirty = true;
	PLAN_PUSH(c->dirty, c->n_dirty, c->dirty_cap, id);
}

// ---- commit: nothing here can fail ----

static void
put_eps(void *eps)
{
	sl_fwd_eps_put(eps);
}

// In the current table; a new one has it already.
static void
swap_in_place(struct plan *p, const struct entry *e, const struct graveyard *to)
{
	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *claim = p->order[e->order + i];
		struct sl_fwd_service *svc;

		if (!claim->next_granted)
			continue;
		svc = sl_fwd_services_find(
			p->c->table, &e->key, (unsigned)__builtin_ctzll(claim->next_granted));
		if (sl_fwd_service_eps(svc) != claim->next_set->eps)
			to->retire(to->ctx,
				sl_fwd_service_swap(svc, sl_fwd_eps_get(claim->next_set->eps)),
				put_eps);
	}
}

// The claims stay as they are, with other sets.
static void
take_sets(struct plan *p, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n_order; i++) {
		struct claim *claim = p->order[e->order + i];
		struct set *old = claim->set;

		claim->set = claim->next_set;
		claim->unfit = claim->next_unfit;
		claim->next_set = NULL;
		set_put(p->c, old);
	}
}

// Which claims of the key are in force, and in which order.
static void
relink(struct plan *p, struct entry *e)
{
	struct claim **link = &e->first;

	for (struct claim *old = e->first; old; old = old->next)
		vip_change(&p->c->vips, e, old, -1);
	for (uint32_t i = 0; i < e->n_order; i++) {
		struct claim *claim = p->order[e->order + i];
		struct set *old = claim->set;

		claim->granted = claim->next_granted;
		claim->set = claim->next_set;
		claim->unfit = claim->next_granted ? claim->next_unfit : 0;
		claim->next_set = NULL;
		claim->is_vip = claim->granted && !claim->binding->cluster[0].original_dst;
		vip_change(&p->c->vips, e, claim, 1);
		set_put(p->c, old);
		*link = claim;
		link = &claim->next;
	}
	*link = NULL;
}

static void
replace_claims(struct plan *p, uint32_t id)
{
	struct sl_compile *c = p->c;
	struct member *m = &c->member[id];
	const struct sl_mesh_service *svc = sl_mesh_service(p->mesh, id);

	if (!m->dirty)
		return;
	m->dirty = false;
	if (m->answered)
		return;
	m->version = svc ? svc->version : 0;
	for (uint32_t i = 0; i < m->n_claims; i++) {
		set_put(c, m->claim[i].set);
		c->entries.v[m->claim[i].entry].n_claims--;
	}
	free(m->claim);
	m->claim = m->next;
	m->n_claims = (uint32_t)m->n_bindings;
	m->next = NULL;
}

// For sl_compile_retry().
static void
count_unfit(struct sl_compile *c, uint32_t id)
{
	struct member *m = &c->member[id];
	bool unfit = false;

	for (uint32_t i = 0; i < m->n_claims; i++)
		unfit = unfit || m->claim[i].unfit;
	c->n_unfit += unfit - m->unfit;
	m->unfit = unfit;
}

static void
take_parts(struct plan *p)
{
	struct sl_compile *c = p->c;

	if (p->table) {
		sl_fwd_services_put(c->table);
		c->table = p->table;
		c->n_live = p->n_live;
	}
	if (p->policies) {
		sl_fwd_policies_put(c->policies.made);
		c->policies.made = p->policies;
		c->policies.n_made = c->policies.n;
	}
}

static void
commit(struct plan *p, const struct graveyard *to)
{
	struct sl_compile *c = p->c;

	// Before any old set is let go, so that an endpoint in both does not come and go.
	for (size_t i = 0; i < p->n_order; i++)
		if (p->order[i]->next_set)
			set_use(c, p->order[i]->next_set, p->now_ns);
	for (size_t i = 0; i < p->n_touched; i++) {
		struct entry *e = &c->entries.v[p->touched[i]];

		if (!p->table)
			swap_in_place(p, e, to);
		if (e->unsettled)
			relink(p, e);
		else
			take_sets(p, e);
		notes_of_key(&c->notes, p, e);
	}
	for (size_t i = 0; i < p->n_loaded; i++) {
		replace_claims(p, p->loaded[i]);
		count_unfit(c, p->loaded[i]);
	}
	if (p->unfit)
		c->unfit_left = slots_left(c->slots);
	for (size_t i = 0; i < p->n_touched; i++)
		if (c->entries.v[p->touched[i]].n_claims == 0)
			entry_drop(&c->entries, p->touched[i]);
	c->n_dirty = 0;
	vips_settle(&c->vips);
	take_parts(p);
	notes_write(&c->notes, c->cfg.registry);
}

bool
sl_compile_retry(struct sl_compile *c)
{
	if (!c->n_unfit || slots_left(c->slots) <= c->unfit_left)
		return false;
	for (uint32_t id = 0; id < c->n_members; id++)
		if (c->member[id].unfit)
			on_service(c, NULL, id);
	return true;
}

int
sl_compile_services(struct sl_compile *c, struct sl_mesh *mesh, uint64_t now_ns,
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *)), void *ctx,
	struct sl_compile_result *result)
{
	const struct graveyard to = {.retire = retire, .ctx = ctx};
	struct plan p;
	int rc;

	sl_mesh_update(mesh, on_service, c);
	rc = plan_make(&p, c, mesh, now_ns);
	*result = (struct sl_compile_result){0};
	if (rc == 0) {
		commit(&p, &to);
		result->added = p.added;
		result->removed = p.removed;
		result->swapped = p.swapped;
		result->without_policy = p.without_policy;
		result->table_changed = p.table != NULL;
	} else {
		plan_undo(&p);
	}
	plan_fini(&p);
	result->services = c->n_live;
	result->endpoints = c->slots->live;
	result->unfit = c->n_unfit;
	return rc;
}
