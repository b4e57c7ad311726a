#include "notes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "sl_str.h"

#define MIN_SLOTS 64u

// One object, with what is remarked on it. obj is a name only until notes_write() has found it in
// the registry: it may have been freed, and its memory given to another.
struct noted {
	struct noted *next; // in the chain of the table
	struct sl_object *obj;
	enum sl_kind kind;
	char *namespace_;
	char *name;
	struct remark *first;
	uint32_t n;
	bool changed;
	struct noted *next_changed;
};

struct remark {
	struct remark *next_of_key;
	struct remark *next_on, **link_on; // of the same object
	struct noted *on;
	bool lost;  // it is not served there, or not to all; else it has what another one wants
	bool spare; // of a lost one: its virtual IP serves the port all the same
	bool unfit; // it is its own, of no other: the set could not be made
	uint32_t member;
	bool address; // spec.addresses[index], else spec.ports[index]
	uint32_t index;
	uint32_t line, col; // of that, for news
	uint64_t hash;      // of the object and the text
	char *text;
};

// ---- objects ----

static struct noted **
locate(const struct notes *t, const struct sl_object *obj)
{
	struct noted **link = &t->slots[sl_mix64((uintptr_t)obj) & (t->n_slots - 1)];

	while (*link && (*link)->obj != obj)
		link = &(*link)->next;
	return link;
}

void
notes_init(struct notes *t)
{
	*t = (struct notes){
		.slots = sl_xcalloc(MIN_SLOTS, sizeof(struct noted *)), .n_slots = MIN_SLOTS};
}

static void
grow(struct notes *t)
{
	struct notes wider = {.n_slots = 2 * t->n_slots};

	wider.slots = sl_xcalloc(wider.n_slots, sizeof(struct noted *));
	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct noted *n = t->slots[i], *next; n; n = next) {
			struct noted **link = locate(&wider, n->obj);

			next = n->next;
			n->next = NULL;
			*link = n;
		}
	}
	free(t->slots);
	t->slots = wider.slots;
	t->n_slots = wider.n_slots;
}

static void
mark_changed(struct notes *t, struct noted *n)
{
	if (n->changed)
		return;
	n->changed = true;
	n->next_changed = t->changed;
	t->changed = n;
}

static struct noted *
noted_get(struct notes *t, struct sl_object *obj)
{
	struct noted **link, *n;

	if (t->n == t->n_slots)
		grow(t);
	link = locate(t, obj);
	n = *link;
	if (!n) {
		n = *link = sl_xcalloc(1, sizeof(*n));
		n->obj = obj;
		t->n++;
	}
	if (n->name && n->kind == obj->kind && strcmp(n->name, obj->meta.name) == 0 &&
		strcmp(n->namespace_, obj->meta.namespace_) == 0)
		return n;
	free(n->namespace_);
	free(n->name);
	n->kind = obj->kind;
	n->namespace_ = sl_xstrdup(obj->meta.namespace_);
	n->name = sl_xstrdup(obj->meta.name);
	return n;
}

static void
noted_free(struct notes *t, struct noted *n)
{
	struct noted **link = locate(t, n->obj);

	*link = n->next;
	t->n--;
	free(n->namespace_);
	free(n->name);
	free(n);
}

// ---- remarks ----

static void
remark_free(struct notes *t, struct remark *r)
{
	*r->link_on = r->next_on;
	if (r->next_on)
		r->next_on->link_on = r->link_on;
	r->on->n--;
	mark_changed(t, r->on);
	free(r->text);
	free(r);
}

void
notes_drop_key(struct notes *t, struct entry *e)
{
	for (struct remark *r = e->remarks, *next; r; r = next) {
		next = r->next_of_key;
		remark_free(t, r);
	}
	e->remarks = NULL;
}

// Where an object asks for the key.
static struct sl_object *
place_of(const struct sl_mesh_binding *b, struct remark *r)
{
	const struct sl_mesh_service *svc = b->svc;

	for (uint32_t i = 0; i < svc->n_obj; i++) {
		const struct sl_service_entry *se = &svc->obj[i]->se;

		for (uint32_t k = 0; b->vip && k < se->n_addresses; k++) {
			if (&se->addresses[k] != b->vip)
				continue;
			*r = (struct remark){.address = true,
				.index = k,
				.line = b->vip->loc.line,
				.col = b->vip->loc.col};
			return svc->obj[i];
		}
		for (uint32_t k = 0; !b->vip && k < se->n_ports; k++) {
			if (&se->ports[k] != b->service_port)
				continue;
			*r = (struct remark){.index = k,
				.line = se->ports[k].loc.line,
				.col = se->ports[k].loc.col};
			return svc->obj[i];
		}
	}
	*r = (struct remark){.index = 0};
	return svc->obj[0];
}

static struct sl_object *
object_of(const struct sl_mesh_binding *b)
{
	struct remark r;

	return place_of(b, &r);
}

static struct remark *
remark_add(struct notes *t, struct entry *e, const struct sl_mesh_binding *b, char *text)
{
	struct remark at, *r = sl_xcalloc(1, sizeof(*r));
	struct sl_object *obj = place_of(b, &at);

	*r = at;
	r->member = b->svc->id;
	r->text = text;
	r->hash = sl_str_hash(text, strlen(text), obj->hash | 1);
	r->on = noted_get(t, obj);
	r->next_on = r->on->first;
	r->link_on = &r->on->first;
	if (r->next_on)
		r->next_on->link_on = &r->next_on;
	r->on->first = r;
	r->on->n++;
	r->next_of_key = e->remarks;
	e->remarks = r;
	mark_changed(t, r->on);
	return r;
}

static void
remark_lost(struct notes *t, struct entry *e, const struct sl_mesh_binding *b, char *text)
{
	struct remark *r = remark_add(t, e, b, text);

	r->lost = true;
	r->spare = *sl_mesh_elsewhere(b) != '\0';
}

// ---- what a pass decided ----

// "192.0.2.1 port 80/tcp"
static const char *
key_text(const struct sl_mesh_binding *b, char *buf, size_t size)
{
	char addr[SL_IP_STRLEN];

	if (b->dst.len == 0)
		snprintf(buf, size, "any address, port %u/%s", b->port,
			b->proto == 17 ? "udp" : "tcp");
	else if (b->dst.len == 32)
		snprintf(buf, size, "%s port %u/%s", sl_ip_str(&b->dst.addr, addr), b->port,
			b->proto == 17 ? "udp" : "tcp");
	else
		snprintf(buf, size, "%s/%u port %u/%s", sl_ip_str(&b->dst.addr, addr), b->dst.len,
			b->port, b->proto == 17 ? "udp" : "tcp");
	return buf;
}

static char *
lost_text(const struct claim *loser, const struct claim *winner)
{
	const struct sl_mesh_binding *b = loser->binding;
	char title[600], key[80];

	sl_object_title(object_of(winner->binding), title, sizeof(title));
	return sl_xasprintf("%s belongs to %s, which %s: not served here%s%s",
		key_text(b, key, sizeof(key)), title,
		b->by_name && !winner->binding->by_name ? "takes it whole, by no name"
							: "is first in service order",
		loser->next_granted ? " to some of the clients" : "", sl_mesh_elsewhere(b));
}

static char *
mixed_text(const struct claim *loser, const struct claim *other)
{
	const struct sl_mesh_binding *b = loser->binding;
	const bool itself = object_of(other->binding) == object_of(b);
	char title[600], key[80];

	sl_object_title(object_of(other->binding), title, sizeof(title));
	return sl_xasprintf("%s is wanted by %s too, and the name in the traffic (HTTP Host, TLS "
			    "SNI) that would tell them apart is not read yet: served to neither%s",
		key_text(b, key, sizeof(key)), itself ? "another host of the entry" : title,
		sl_mesh_elsewhere(b));
}

static char *
won_text(const struct claim *winner, const struct claim *loser, bool others)
{
	char title[600], key[80];

	sl_object_title(object_of(loser->binding), title, sizeof(title));
	return sl_xasprintf("%s is wanted by %s%s too: this one comes first and has it",
		key_text(winner->binding, key, sizeof(key)), title, others ? " and others" : "");
}

static char *
unfit_text(const struct claim *claim)
{
	const bool full = claim->unfit == -ENOSPC, empty = set_is_empty(claim->set);
	char key[80];

	return sl_xasprintf("%s: %s: %s", key_text(claim->binding, key, sizeof(key)),
		full ? "its endpoints do not fit, flows.maxEndpoints are in use"
		     : "its load balancer cannot be made",
		empty ? "what comes is refused" : "the endpoints that it had stay");
}

struct winner {
	const struct claim *claim;
	const struct claim *loser; // the first
	bool others;               // objects that lost as well
};

// The services of a key that have clients: at most one a client group.
static unsigned
list_winners(const struct plan *p, const struct entry *e, struct winner *v)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *claim = p->order[e->order + i];

		if (claim->granted)
			v[n++] = (struct winner){.claim = claim};
	}
	return n;
}

static const struct claim *
first_other(const struct plan *p, const struct entry *e, const struct claim *claim, uint64_t lost)
{
	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *other = p->order[e->order + i];

		if (other->wanted & lost && other->member != claim->member)
			return other;
	}
	return NULL;
}

// That an object meets itself (two hosts, or an address written twice) is no conflict.
static void
remark_loser(struct notes *t, const struct plan *p, struct entry *e, const struct claim *loser,
	struct winner *winner, unsigned n)
{
	const uint64_t lost = loser->wanted & ~loser->granted;
	const struct sl_object *obj = object_of(loser->binding);
	const struct claim *other;
	bool told = false;
	uint64_t held = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!(winner[i].claim->granted & lost))
			continue;
		held |= winner[i].claim->granted;
		if (object_of(winner[i].claim->binding) == obj)
			continue;
		if (!winner[i].loser)
			winner[i].loser = loser;
		else if (object_of(winner[i].loser->binding) != obj)
			winner[i].others = true;
		if (!told)
			remark_lost(t, e, loser->binding, lost_text(loser, winner[i].claim));
		told = true;
	}
	other = told || !(lost & ~held) ? NULL : first_other(p, e, loser, lost & ~held);
	if (other)
		remark_lost(t, e, loser->binding, mixed_text(loser, other));
}

static int
by_hash(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

static const char *
path_of(const struct remark *r, char *buf, size_t size)
{
	snprintf(buf, size, r->address ? "spec.addresses[%u]" : "spec.ports[%u]", r->index);
	return buf;
}

// Remarks that were not there before, of those who lost or do not fit.
static void
tell_news(struct notes *t, const struct plan *p, const struct entry *e, const uint64_t *known,
	size_t n_known)
{
	const struct sl_compile_cfg *cfg = &p->c->cfg;

	for (const struct remark *r = e->remarks; r; r = r->next_of_key) {
		const struct sl_object *obj = r->on->obj;
		const struct sl_loc loc = {.file = obj->loc.file, .line = r->line, .col = r->col};
		char title[600], path[32];

		if (!r->lost && !r->unfit)
			continue;
		if (n_known && bsearch(&r->hash, known, n_known, sizeof(*known), by_hash))
			continue;
		sl_object_title(obj, title, sizeof(title));
		sl_diag_add(&t->news, SL_WARNING, &loc, title, path_of(r, path, sizeof(path)), NULL,
			"%s", r->text);
		if (r->unfit && cfg->unfit)
			cfg->unfit(cfg->unfit_ctx, sl_mesh_service(p->mesh, r->member), r->text);
	}
}

// Who gets it was decided anew.
static void
remark_conflicts(struct notes *t, const struct plan *p, struct entry *e)
{
	struct winner winner[64];
	unsigned n;

	notes_drop_key(t, e);
	n = list_winners(p, e, winner);
	for (uint32_t i = 0; i < e->n_order; i++)
		if (p->order[e->order + i]->wanted & ~p->order[e->order + i]->granted)
			remark_loser(t, p, e, p->order[e->order + i], winner, n);
	for (unsigned i = 0; i < n; i++)
		if (winner[i].loser)
			remark_add(t, e, winner[i].claim->binding,
				won_text(winner[i].claim, winner[i].loser, winner[i].others));
}

static void
drop_unfit(struct notes *t, struct entry *e, uint32_t member)
{
	for (struct remark **link = &e->remarks, *r; (r = *link) != NULL;) {
		if (!r->unfit || r->member != member) {
			link = &r->next_of_key;
			continue;
		}
		*link = r->next_of_key;
		remark_free(t, r);
	}
}

static void
remark_unfit(struct notes *t, const struct plan *p, struct entry *e)
{
	for (uint32_t i = 0; i < e->n_order; i++)
		drop_unfit(t, e, p->order[e->order + i]->member);
	for (uint32_t i = 0; i < e->n_order; i++) {
		const struct claim *claim = p->order[e->order + i];

		if (claim->unfit)
			remark_add(t, e, claim->binding, unfit_text(claim))->unfit = true;
	}
}

static bool
any_unfit(const struct plan *p, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n_order; i++)
		if (p->order[e->order + i]->unfit)
			return true;
	return false;
}

void
notes_of_key(struct notes *t, const struct plan *p, struct entry *e)
{
	uint64_t *known = NULL;
	size_t n_known = 0, cap = 0;

	if ((e->n_order < 2 || !e->unsettled) && !e->remarks && !any_unfit(p, e))
		return;
	for (const struct remark *r = e->remarks; r; r = r->next_of_key)
		PLAN_PUSH(known, n_known, cap, r->hash);
	if (n_known)
		qsort(known, n_known, sizeof(*known), by_hash);
	if (e->unsettled)
		remark_conflicts(t, p, e);
	remark_unfit(t, p, e);
	tell_news(t, p, e, known, n_known);
	free(known);
}

// ---- writing ----

static int
cmp_remark(const void *x, const void *y)
{
	const struct remark *a = *(const struct remark *const *)x;
	const struct remark *b = *(const struct remark *const *)y;

	if (a->address != b->address)
		return a->address ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return strcmp(a->text, b->text);
}

static const struct sl_loc *
loc_of(const struct sl_object *obj, const struct remark *r)
{
	return r->address ? &obj->se.addresses[r->index].loc : &obj->se.ports[r->index].loc;
}

// An object with several hosts has the same remark once a host.
static void
write_object(struct sl_object *obj, const struct noted *n)
{
	const struct remark **v = sl_xcalloc(n->n, sizeof(struct remark *));
	size_t k = 0;

	sl_object_notes_clear_computed(obj);
	for (const struct remark *r = n->first; r; r = r->next_on)
		v[k++] = r;
	if (k > 1)
		qsort(v, k, sizeof(struct remark *), cmp_remark);
	for (size_t i = 0; i < k; i++) {
		char path[32];

		if (i == 0 || cmp_remark(&v[i - 1], &v[i]) != 0)
			sl_object_note(obj, path_of(v[i], path, sizeof(path)), loc_of(obj, v[i]),
				true, "%s", v[i]->text);
	}
	free(v);
}

void
notes_write(struct notes *t, struct sl_registry *registry)
{
	for (struct noted *n = t->changed, *next; n; n = next) {
		struct sl_object *obj = sl_registry_find(registry, n->kind, n->namespace_, n->name);

		next = n->next_changed;
		n->changed = false;
		if (obj == n->obj)
			write_object(obj, n);
		if (n->n == 0)
			noted_free(t, n);
	}
	t->changed = NULL;
}

void
notes_fini(struct notes *t)
{
	for (uint32_t i = 0; i < t->n_slots; i++) {
		while (t->slots[i]) {
			struct noted *n = t->slots[i];

			for (struct remark *r = n->first, *next; r; r = next) {
				next = r->next_on;
				free(r->text);
				free(r);
			}
			noted_free(t, n);
		}
	}
	free(t->slots);
	sl_diags_fini(&t->news);
}

const char *
notes_first(const struct notes *t, const struct sl_object *obj, bool lost)
{
	const struct noted *n = *locate(t, obj);
	const struct remark *first = NULL;

	for (const struct remark *r = n ? n->first : NULL; r; r = r->next_on)
		if (r->lost == lost && !(lost && r->spare) && !r->unfit &&
			(!first || cmp_remark(&r, &first) < 0))
			first = r;
	return first ? first->text : NULL;
}

// ---- public ----

const char *
sl_compile_lost(const struct sl_compile *c, const struct sl_object *obj)
{
	return notes_first(&c->notes, obj, true);
}

const char *
sl_compile_won(const struct sl_compile *c, const struct sl_object *obj)
{
	return notes_first(&c->notes, obj, false);
}

// Does a claim of it lead to what it asks for, or asked for before?
static bool
is_served(const struct member *m)
{
	for (uint32_t i = 0; i < m->n_claims; i++) {
		const struct claim *claim = &m->claim[i];

		if (claim->granted && !(claim->unfit && set_is_empty(claim->set)))
			return true;
	}
	return false;
}

const char *
sl_compile_unfit(const struct sl_compile *c, const struct sl_object *obj, bool *served)
{
	const struct noted *n = *locate(&c->notes, obj);
	const struct remark *first = NULL;

	*served = true;
	for (const struct remark *r = n ? n->first : NULL; r; r = r->next_on) {
		if (!r->unfit)
			continue;
		*served = *served && is_served(&c->member[r->member]);
		if (!first || cmp_remark(&r, &first) < 0)
			first = r;
	}
	return first ? first->text : NULL;
}

void
sl_compile_news(struct sl_compile *c, struct sl_diags *diags)
{
	const struct sl_diags *news = &c->notes.news;

	for (size_t i = 0; i < news->n; i++) {
		const struct sl_diag *d = &news->v[i];
		const struct sl_loc loc = {.file = d->file, .line = d->line, .col = d->col};

		sl_diag_add(
			diags, d->severity, &loc, d->object, d->path, d->rule, "%s", d->message);
	}
	sl_diags_fini(&c->notes.news);
	c->notes.news = (struct sl_diags){0};
}

void
sl_compile_moved(struct sl_compile *c, const struct sl_object *obj)
{
	struct noted *n = *locate(&c->notes, obj);

	if (n)
		write_object(n->obj, n);
}
