#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// ---- what is touched ----

static void
touch(struct plan *p, uint32_t id)
{
	struct entry *e = &p->c->entries.v[id];

	if (e->pass == p->c->pass)
		return;
	e->pass = p->c->pass;
	e->first_new = NULL;
	e->unsettled = false;
	PLAN_PUSH(p->touched, p->n_touched, p->touched_cap, id);
}

static void
touch_unsettled(struct plan *p, uint32_t id)
{
	touch(p, id);
	p->c->entries.v[id].unsettled = true;
}

static struct sl_fwd_key
key_of(const struct sl_mesh_binding *b)
{
	return (struct sl_fwd_key){.vip = b->dst.addr.v4,
		.port = sl_cpu_to_be16(b->port),
		.proto = b->proto,
		.len = b->dst.len};
}

// Gets the bindings of a member: those of a dirty one become its next claims.
static void
load(struct plan *p, uint32_t id)
{
	const struct sl_mesh_service *svc = sl_mesh_service(p->mesh, id);
	struct member *m = &p->c->member[id];

	if (m->loaded)
		return;
	m->loaded = true;
	PLAN_PUSH(p->loaded, p->n_loaded, p->loaded_cap, id);
	m->binding = svc ? sl_mesh_bindings(p->mesh, svc, &m->n_bindings) : NULL;
}

static void
push_new(struct plan *p, struct claim *claim)
{
	struct entry *e = &p->c->entries.v[claim->entry];

	claim->next_new = e->first_new;
	e->first_new = claim;
}

static void
claim_new(struct plan *p, uint32_t id, size_t i)
{
	struct member *m = &p->c->member[id];
	const struct sl_fwd_key key = key_of(&m->binding[i]);
	struct claim *claim = &m->next[i];

	*claim = (struct claim){.member = id,
		.entry = entry_get(&p->c->entries, &key),
		.wanted = m->binding[i].clients,
		.binding = &m->binding[i]};
	touch_unsettled(p, claim->entry);
	push_new(p, claim);
	p->c->entries.v[claim->entry].n_claims++;
}

static bool
same_key(const struct sl_fwd_key *a, const struct sl_fwd_key *b)
{
	return a->vip == b->vip && a->port == b->port && a->proto == b->proto && a->len == b->len;
}

// The mesh says that its keys, their clients and its precedence are what they were.
static bool
is_only_answered(const struct plan *p, uint32_t id)
{
	const struct sl_mesh_service *svc = sl_mesh_service(p->mesh, id);
	const struct member *m = &p->c->member[id];

	if (!svc || svc->version != m->version || m->n_claims != m->n_bindings)
		return false;
	for (uint32_t i = 0; i < m->n_claims; i++) {
		const struct sl_fwd_key key = key_of(&m->binding[i]);

		if (!same_key(&key, &p->c->entries.v[m->claim[i].entry].key) ||
			m->claim[i].wanted != m->binding[i].clients)
			return false;
	}
	return true;
}

static void
load_answered(struct plan *p, struct member *m)
{
	for (uint32_t i = 0; i < m->n_claims; i++) {
		struct claim *claim = &m->claim[i];

		claim->binding = &m->binding[i];
		touch(p, claim->entry);
		push_new(p, claim);
	}
}

static void
load_dirty(struct plan *p, uint32_t id)
{
	struct member *m = &p->c->member[id];

	load(p, id);
	m->answered = is_only_answered(p, id);
	if (m->answered) {
		load_answered(p, m);
		return;
	}
	m->next = sl_xcalloc(m->n_bindings, sizeof(*m->next));
	for (uint32_t i = 0; i < m->n_claims; i++)
		touch_unsettled(p, m->claim[i].entry);
	for (size_t i = 0; i < m->n_bindings; i++)
		claim_new(p, id, i);
}

// ---- who gets a key ----

// Claims of other members stay as they are, but who gets what is decided anew: their bindings are
// needed for that. A member that is not dirty has the bindings that its claims were made of.
static void
gather(struct plan *p, struct entry *e)
{
	e->order = (uint32_t)p->n_order;
	for (struct claim *claim = e->first; claim; claim = claim->next) {
		struct member *m = &p->c->member[claim->member];

		if (m->dirty && !m->answered)
			continue;
		load(p, claim->member);
		claim->binding = &m->binding[claim - m->claim];
		PLAN_PUSH(p->order, p->n_order, p->order_cap, claim);
	}
	for (struct claim *claim = e->first_new; claim; claim = claim->next_new)
		if (!p->c->member[claim->member].answered) // it is among the first ones
			PLAN_PUSH(p->order, p->n_order, p->order_cap, claim);
	e->n_order = (uint32_t)p->n_order - e->order;
}

// Those with other endpoints, which do not decide who gets it.
static void
gather_answered(struct plan *p, struct entry *e)
{
	e->order = (uint32_t)p->n_order;
	for (struct claim *claim = e->first_new; claim; claim = claim->next_new) {
		claim->next_granted = claim->granted;
		PLAN_PUSH(p->order, p->n_order, p->order_cap, claim);
	}
	e->n_order = (uint32_t)p->n_order - e->order;
}

static struct claim *
claim_of(const struct plan *p, const struct sl_mesh_binding *b)
{
	const struct member *m = &p->c->member[b->svc->id];

	return &member_claims(m)[b - m->binding];
}

static void
settle(struct plan *p, struct entry *e)
{
	struct sl_mesh_binding **v;

	if (!e->unsettled) {
		gather_answered(p, e);
		return;
	}
	gather(p, e);
	v = sl_xcalloc(e->n_order, sizeof(struct sl_mesh_binding *));
	for (uint32_t i = 0; i < e->n_order; i++) {
		v[i] = p->order[e->order + i]->binding;
		v[i]->clients = p->order[e->order + i]->wanted;
	}
	sl_mesh_settle(v, e->n_order);
	for (uint32_t i = 0; i < e->n_order; i++) {
		struct claim *claim = claim_of(p, v[i]);

		claim->next_granted = v[i]->clients;
		p->order[e->order + i] = claim;
	}
	free(v);
}

// What a set that could not be made has taken: the next one may need no more than that.
static void
give_back_slots(struct plan *p, size_t kept)
{
	while (p->n_new_slots > kept)
		slot_free(p->c->slots, p->new_slots[--p->n_new_slots]);
}

// A service that does not fit, or whose balancer is refused, is alone in that: others go on.
static int
make_set(struct plan *p, struct claim *claim)
{
	const size_t slots = p->n_new_slots;
	const int rc = set_make(p, claim->binding, claim);

	claim->next_unfit = rc;
	if (rc != -ENOSPC && rc != -EINVAL)
		return rc;
	give_back_slots(p, slots);
	p->unfit = true;
	return set_make_instead(p, claim);
}

// As fetch_ahead() does.
static void
fetch_claims(const struct plan *p, size_t i)
{
	const struct sl_mesh_binding *b;

	if (i + 10 < p->n_order)
		__builtin_prefetch(p->order[i + 10]);
	if (i + 8 < p->n_order)
		__builtin_prefetch(p->order[i + 8]->binding);
	b = i + 6 < p->n_order ? p->order[i + 6]->binding : NULL;
	for (size_t line = 0; b && line < sizeof(*b->cluster); line += SL_CACHE_LINE)
		__builtin_prefetch((const char *)b->cluster + line);
	b = i + 3 < p->n_order ? p->order[i + 3]->binding : NULL;
	if (!b || !b->n_clusters || !b->cluster[0].svc)
		return;
	__builtin_prefetch(b->cluster[0].svc->host);
	__builtin_prefetch(b->cluster[0].port_name);
	for (size_t line = 0; line < 4; line++)
		__builtin_prefetch((const char *)b->cluster[0].ep + line * SL_CACHE_LINE);
}

static int
make_sets(struct plan *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_order && rc == 0; i++) {
		struct claim *claim = p->order[i];

		fetch_claims(p, i);
		claim->next_unfit = 0;
		if (!claim->next_granted)
			continue;
		if (claim->set && !p->c->member[claim->member].dirty) {
			claim->next_set = claim->set;
			claim->next_unfit = claim->unfit;
			claim->set->refs++;
		} else {
			rc = make_set(p, claim);
		}
	}
	return rc;
}

// ---- what that does to the table ----

static const struct claim *
granted_before(const struct entry *e, uint64_t clients)
{
	for (const struct claim *old = e->first; old; old = old->next)
		if (old->granted && old->granted == clients)
			return old;
	return NULL;
}

static bool
granted_now(const struct plan *p, const struct entry *e, uint64_t clients)
{
	for (uint32_t i = 0; i < e->n_order; i++)
		if (p->order[e->order + i]->next_granted == clients)
			return true;
	return false;
}

static void
compare_answered(struct plan *p, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *claim = p->order[e->order + i];

		p->swapped += claim->granted && claim->set != claim->next_set;
	}
}

static void
compare(struct plan *p, const struct entry *e)
{
	if (!e->unsettled) {
		compare_answered(p, e);
		return;
	}
	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *claim = p->order[e->order + i];
		const struct claim *old;

		if (!claim->next_granted)
			continue;
		old = granted_before(e, claim->next_granted);
		p->added += !old;
		p->swapped += old && old->set != claim->next_set;
	}
	for (const struct claim *old = e->first; old; old = old->next)
		p->removed += old->granted && !granted_now(p, e, old->granted);
}

static int
add(struct plan *p, uint32_t id, uint64_t clients, const struct set *set)
{
	struct sl_fwd_eps *eps = sl_fwd_eps_get(set->eps);
	const int rc = sl_fwd_services_add(p->table, &p->c->entries.v[id].key, clients, id, eps);

	if (rc < 0)
		sl_fwd_eps_put(eps);
	return rc;
}

static int
add_entry(struct plan *p, uint32_t id)
{
	const struct entry *e = &p->c->entries.v[id];
	int rc = 0;

	if (e->pass != p->c->pass || !e->unsettled) {
		for (const struct claim *claim = e->first; claim && rc == 0; claim = claim->next)
			if (claim->granted)
				rc = add(p, id, claim->granted,
					claim->next_set ? claim->next_set : claim->set);
		return rc;
	}
	for (uint32_t i = 0; i < e->n_order && rc == 0; i++) {
		const struct claim *claim = p->order[e->order + i];

		if (claim->next_granted)
			rc = add(p, id, claim->next_granted, claim->next_set);
	}
	return rc;
}

static int
make_table(struct plan *p)
{
	const struct entries *t = &p->c->entries;
	int rc = 0;

	p->table = sl_fwd_services_new(p->n_live);
	if (!p->table)
		return errno == EINVAL ? -ENOSPC : -errno;
	for (uint32_t id = 0; id < t->top && rc == 0; id++)
		if (t->v[id].used)
			rc = add_entry(p, id);
	return rc < 0 ? rc : sl_fwd_services_seal(p->table);
}

static int
make_policies(struct plan *p)
{
	const struct policies *t = &p->c->policies;

	if (t->n == t->n_made)
		return 0;
	p->policies = sl_fwd_policies_new(t->v, t->n);
	return p->policies ? 0 : -errno;
}

// ---- the pass ----

// head: of the host, so that most comparisons need not look further.
struct by_order {
	const struct sl_mesh_service *svc; // NULL: gone
	uint32_t id;
	bool dated;
	uint64_t head;
};

static struct by_order
order_of(const struct sl_mesh *mesh, uint32_t id)
{
	struct by_order o = {.svc = sl_mesh_service(mesh, id), .id = id};

	if (!o.svc)
		return o;
	o.dated = o.svc->obj[0]->meta.creation != NULL;
	for (unsigned i = 0; i < sizeof(o.head) && o.svc->host[i]; i++)
		o.head |= (uint64_t)(unsigned char)o.svc->host[i] << (56 - 8 * i);
	return o;
}

static int
cmp_order(const void *x, const void *y)
{
	const struct by_order *a = x, *b = y;

	if (!a->svc || !b->svc)
		return !!a->svc - !!b->svc;
	if (!a->dated && !b->dated && a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return sl_mesh_order(a->svc, b->svc);
}

// When all are new, what belongs to a service is in no cache, and lies behind pointers: each step
// is fetched while services before it are looked at.
static void
fetch_ahead(const struct by_order *v, size_t i, size_t n)
{
	const struct sl_mesh_service *svc;

	if (i + 12 < n)
		__builtin_prefetch(v[i + 12].svc);
	svc = i + 9 < n ? v[i + 9].svc : NULL;
	if (svc) {
		__builtin_prefetch(&svc->vip);
		__builtin_prefetch(&svc->not_served);
	}
	svc = i + 6 < n ? v[i + 6].svc : NULL;
	if (svc) {
		__builtin_prefetch(svc->obj);
		__builtin_prefetch(svc->port);
		__builtin_prefetch(svc->vip);
		__builtin_prefetch(svc->ep);
	}
	svc = i + 3 < n ? v[i + 3].svc : NULL;
	if (svc && svc->n_ports && svc->n_vips) {
		__builtin_prefetch(svc->obj[0]);
		__builtin_prefetch(svc->port[0]);
		__builtin_prefetch(svc->vip[0]);
	}
	svc = i + 1 < n ? v[i + 1].svc : NULL;
	if (svc && svc->n_ports)
		__builtin_prefetch(svc->port[0]->protocol);
}

// In service order, so that slots are given in an order that files do not decide.
static void
load_all_dirty(struct plan *p)
{
	const struct sl_compile *c = p->c;
	struct by_order *v = sl_xcalloc(c->n_dirty, sizeof(*v));

	for (size_t i = 0; i < c->n_dirty; i++)
		v[i] = order_of(p->mesh, c->dirty[i]);
	if (c->n_dirty > 1)
		qsort(v, c->n_dirty, sizeof(*v), cmp_order);
	for (size_t i = 0; i < c->n_dirty; i++) {
		fetch_ahead(v, i, c->n_dirty);
		load_dirty(p, v[i].id);
	}
	free(v);
}

int
plan_make(struct plan *p, struct sl_compile *c, struct sl_mesh *mesh, uint64_t now_ns)
{
	int rc;

	*p = (struct plan){.c = c, .mesh = mesh, .now_ns = now_ns};
	c->pass++;
	load_all_dirty(p);
	for (size_t i = 0; i < p->n_touched; i++)
		settle(p, &c->entries.v[p->touched[i]]);
	rc = make_sets(p);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p->n_touched; i++)
		compare(p, &c->entries.v[p->touched[i]]);
	p->n_live = c->n_live + p->added - p->removed;
	rc = make_policies(p);
	// Sets that are swapped in place must not name a policy that workers do not have.
	if (rc == 0 && (p->added > 0 || p->removed > 0 || p->policies))
		rc = make_table(p);
	return rc;
}

static void
drop_next(struct plan *p, struct claim *claim)
{
	set_put(p->c, claim->next_set);
	claim->next_set = NULL;
	claim->next_granted = 0;
}

void
plan_undo(struct plan *p)
{
	struct sl_compile *c = p->c;

	sl_fwd_services_put(p->table);
	sl_fwd_policies_put(p->policies);
	policies_undo(&c->policies);
	for (size_t i = 0; i < p->n_order; i++)
		drop_next(p, p->order[i]);
	for (size_t i = 0; i < p->n_loaded; i++) {
		struct member *m = &c->member[p->loaded[i]];

		for (size_t k = 0; m->next && k < m->n_bindings; k++)
			c->entries.v[m->next[k].entry].n_claims--;
		free(m->next);
		m->next = NULL;
	}
	for (size_t i = 0; i < p->n_touched; i++)
		if (c->entries.v[p->touched[i]].n_claims == 0)
			entry_drop(&c->entries, p->touched[i]);
}

void
plan_fini(struct plan *p)
{
	struct sl_compile *c = p->c;

	for (size_t i = 0; i < p->n_loaded; i++) {
		struct member *m = &c->member[p->loaded[i]];

		sl_mesh_bindings_free(m->binding, m->n_bindings);
		m->binding = NULL;
		m->n_bindings = 0;
		m->loaded = m->answered = false;
	}
	for (size_t i = 0; i < p->n_new_slots; i++)
		if (c->slots->v[p->new_slots[i]].state == SLOT_NEW)
			slot_free(c->slots, p->new_slots[i]);
	sl_buf_fini(&p->image);
	free(p->memo);
	free(p->loaded);
	free(p->touched);
	free(p->order);
	free(p->new_slots);
}
