// The registry: a hash table by (kind, namespace, name) with one place per origin; what changed in
// it, for who follows it; and the objects in force in order, kept sorted through a few changes and
// made anew after many.
#include <stdlib.h>
#include <string.h>

#include "sl_model.h"
#include "sl_str.h"
#include "spec.h"

#define N_ORIGINS 2
#define MIN_SLOTS 64u
// So many changes keep the sorted view in order, each by moving what is behind its place.
#define SORTED_EDITS 256

struct entry {
	struct entry *next; // in the slot's chain
	uint64_t hash;      // of the key
	struct sl_object *obj[N_ORIGINS];
	struct sl_object *told; // in force when the changes were asked for last
	size_t change;          // index in changes + 1; 0: none since then
};

struct sl_registry {
	struct entry **slots;
	uint32_t n_slots; // power of two
	size_t n_entries; // with an object in force
	uint64_t generation;

	struct entry **changes; // an entry that is gone again: NULL
	size_t n_changes;
	size_t cap_changes;

	struct sl_object **sorted;
	size_t sorted_edits;
	bool sorted_valid;
};

struct key {
	enum sl_kind kind;
	const char *namespace_;
	const char *name;
	uint64_t hash;
};

static struct key
key_of(enum sl_kind kind, const char *namespace_, const char *name)
{
	const uint32_t k = kind;
	uint64_t hash = sl_str_hash(&k, sizeof(k), 0);

	// With the NUL, so that ("ab", "c") and ("a", "bc") differ.
	hash = sl_str_hash(namespace_, strlen(namespace_) + 1, hash);
	hash = sl_str_hash(name, strlen(name), hash);
	return (struct key){kind, namespace_, name, hash};
}

// What is in force: the socket's object shadows the file's.
static struct sl_object *
in_force(const struct entry *e)
{
	return e->obj[SL_ORIGIN_SOCKET] ? e->obj[SL_ORIGIN_SOCKET] : e->obj[SL_ORIGIN_FILE];
}

// Whose name the entry has: one whose object is gone stands until that was told.
static const struct sl_object *
named(const struct entry *e)
{
	return in_force(e) ? in_force(e) : e->told;
}

struct sl_registry *
sl_registry_new(void)
{
	struct sl_registry *r = sl_xcalloc(1, sizeof(*r));

	r->n_slots = MIN_SLOTS;
	r->slots = sl_xcalloc(r->n_slots, sizeof(struct entry *));
	return r;
}

void
sl_registry_free(struct sl_registry *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_slots; i++) {
		for (struct entry *e = r->slots[i], *next; e; e = next) {
			next = e->next;
			for (int o = 0; o < N_ORIGINS; o++) {
				if (e->obj[o] != e->told)
					sl_object_free(e->obj[o]);
			}
			sl_object_free(e->told);
			free(e);
		}
	}
	free(r->slots);
	free(r->changes);
	free(r->sorted);
	free(r);
}

// The link that points to the key's entry, or to the NULL where it would be.
static struct entry **
locate(const struct sl_registry *r, const struct key *key)
{
	struct entry **link = &r->slots[key->hash & (r->n_slots - 1)];

	for (; *link; link = &(*link)->next) {
		if ((*link)->hash != key->hash)
			continue;
		const struct sl_object *obj = named(*link);

		if (obj->kind == key->kind && strcmp(obj->meta.name, key->name) == 0 &&
			strcmp(obj->meta.namespace_, key->namespace_) == 0)
			break;
	}
	return link;
}

static void
grow(struct sl_registry *r)
{
	const uint32_t n = r->n_slots * 2;
	struct entry **slots = sl_xcalloc(n, sizeof(struct entry *));

	for (uint32_t i = 0; i < r->n_slots; i++) {
		for (struct entry *e = r->slots[i], *next; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (n - 1)];
			slots[e->hash & (n - 1)] = e;
		}
	}
	free(r->slots);
	r->slots = slots;
	r->n_slots = n;
}

// old and new have the same content: the old one stays, so that pointers to it keep their meaning,
// but says where it stands now.
static void
take_location(struct sl_object *old, struct sl_object *new_obj)
{
	const struct sl_loc loc = old->loc;

	old->loc = new_obj->loc;
	new_obj->loc = loc; // its file text is freed with it
	spec_take_places(old, new_obj);
	free(old->rejected);
	old->rejected = NULL;

	// Notes of the reader move with the place; those of compile stay.
	for (uint32_t i = 0, k = 0; i < old->n_notes && k < new_obj->n_notes; i++) {
		if (old->notes[i].computed)
			continue;
		old->notes[i].line = new_obj->notes[k].line;
		old->notes[i].col = new_obj->notes[k++].col;
	}
}

static bool
same_content(const struct sl_object *a, const struct sl_object *b)
{
	return a->hash == b->hash && a->json && b->json && strcmp(a->json, b->json) == 0;
}

// ---- the sorted view ----

static int
by_name(const void *a, const void *b)
{
	const struct sl_object *x = *(struct sl_object *const *)a;
	const struct sl_object *y = *(struct sl_object *const *)b;
	int d = strcmp(sl_kind_name(x->kind), sl_kind_name(y->kind));

	if (!d)
		d = (int)x->kind - (int)y->kind; // Gateway is the name of two
	if (!d)
		d = strcmp(x->meta.namespace_, y->meta.namespace_);
	return d ? d : strcmp(x->meta.name, y->meta.name);
}

static void
sort_objects(struct sl_registry *r)
{
	size_t n = 0;

	r->sorted = sl_xrealloc(r->sorted, r->n_entries + 1, sizeof(*r->sorted));
	for (uint32_t i = 0; i < r->n_slots; i++) {
		for (const struct entry *e = r->slots[i]; e; e = e->next)
			if (in_force(e))
				r->sorted[n++] = in_force(e);
	}
	qsort(r->sorted, n, sizeof(*r->sorted), by_name);
	r->sorted_valid = true;
	r->sorted_edits = 0;
}

// Where obj stands, or would, among n.
static size_t
sorted_place(const struct sl_registry *r, size_t n, const struct sl_object *obj)
{
	size_t low = 0;

	while (low < n) {
		const size_t mid = low + (n - low) / 2;

		if (by_name(&r->sorted[mid], &obj) < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

// `now` takes the place of `was`; n_entries is that of afterwards.
static void
sorted_change(struct sl_registry *r, struct sl_object *was, struct sl_object *now)
{
	const size_t n = r->n_entries + (was && !now) - (now && !was);

	if (!r->sorted_valid || ++r->sorted_edits > SORTED_EDITS) {
		r->sorted_valid = false;
		return;
	}
	const size_t at = sorted_place(r, n, was ? was : now);
	struct sl_object **place;

	if (!was)
		r->sorted = sl_xrealloc(r->sorted, n + 1, sizeof(*r->sorted));
	place = &r->sorted[at];
	if (was && !now)
		memmove(place, place + 1, (n - at - 1) * sizeof(*place));
	else if (!was)
		memmove(place + 1, place, (n - at) * sizeof(*place));
	if (now)
		*place = now;
}

// ---- changes ----

// To be called before the entry changes: what is in force now was told, or will be. An entry that
// nobody was told of has told == NULL.
static void
will_change(struct sl_registry *r, struct entry *e)
{
	if (e->change)
		return;
	if (r->n_changes == r->cap_changes) {
		r->cap_changes = r->cap_changes ? 2 * r->cap_changes : 64;
		r->changes = sl_xrealloc(r->changes, r->cap_changes, sizeof(struct entry *));
	}
	r->changes[r->n_changes++] = e;
	e->change = r->n_changes;
}

// What was told lives until its change was.
static void
drop(const struct entry *e, struct sl_object *obj)
{
	if (obj != e->told)
		sl_object_free(obj);
}

static void
unlink_entry(struct sl_registry *r, struct entry *e)
{
	struct entry **link = &r->slots[e->hash & (r->n_slots - 1)];

	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	if (e->change)
		r->changes[e->change - 1] = NULL;
	free(e);
}

static void
tell(struct sl_registry *r, struct entry *e, sl_registry_change_fn *fn, void *ctx)
{
	struct sl_object *old = e->told, *now = in_force(e);

	e->change = 0;
	e->told = now;
	if (old != now && fn)
		fn(ctx, &(struct sl_registry_change){.old = old, .now = now});
	// The shadowed one of another origin may be what was told: it lives on.
	if (old != now && old != e->obj[SL_ORIGIN_FILE] && old != e->obj[SL_ORIGIN_SOCKET])
		sl_object_free(old);
	if (!now)
		unlink_entry(r, e);
}

void
sl_registry_changes(struct sl_registry *r, sl_registry_change_fn *fn, void *ctx)
{
	const size_t n = r->n_changes;

	for (size_t i = 0; i < n; i++) {
		if (r->changes[i])
			tell(r, r->changes[i], fn, ctx);
	}
	r->n_changes = 0;
}

// ---- put and delete ----

// `was` and `now`: in force.
static void
changed(struct sl_registry *r, struct sl_object *was, struct sl_object *now)
{
	r->generation++;
	sorted_change(r, was, now);
}

enum sl_change
sl_registry_put(struct sl_registry *r, struct sl_object *obj)
{
	const struct key key = key_of(obj->kind, obj->meta.namespace_, obj->meta.name);
	struct entry **link = locate(r, &key);
	struct entry *e = *link;
	struct sl_object *old = e ? e->obj[obj->origin] : NULL, *was = e ? in_force(e) : NULL;

	if (old && same_content(old, obj)) {
		take_location(old, obj);
		sl_object_free(obj);
		return SL_UNCHANGED;
	}
	if (!e) {
		e = *link = sl_xcalloc(1, sizeof(struct entry));
		e->hash = key.hash;
	}
	r->n_entries += !was;
	will_change(r, e);
	e->obj[obj->origin] = obj;
	obj->generation = old ? old->generation + 1 : 1;
	changed(r, was, in_force(e));
	if (old)
		drop(e, old);
	if (r->n_entries > r->n_slots)
		grow(r);
	return old ? SL_CONFIGURED : SL_CREATED;
}

enum sl_change
sl_registry_del(struct sl_registry *r, enum sl_kind kind, const char *namespace_, const char *name,
	enum sl_origin origin)
{
	const struct key key = key_of(kind, namespace_, name);
	struct entry *e = *locate(r, &key);
	struct sl_object *gone = e ? e->obj[origin] : NULL, *was = e ? in_force(e) : NULL;

	if (!gone)
		return SL_UNCHANGED;
	will_change(r, e);
	e->obj[origin] = NULL;
	r->n_entries -= !in_force(e);
	changed(r, was, in_force(e));
	drop(e, gone);
	if (!in_force(e) && !e->told)
		unlink_entry(r, e);
	return SL_DELETED;
}

struct sl_object *
sl_registry_find(struct sl_registry *r, enum sl_kind kind, const char *namespace_, const char *name)
{
	const struct key key = key_of(kind, namespace_, name);
	const struct entry *e = *locate(r, &key);

	return e ? in_force(e) : NULL;
}

struct sl_object *
sl_registry_find_origin(struct sl_registry *r, enum sl_kind kind, const char *namespace_,
	const char *name, enum sl_origin origin)
{
	const struct key key = key_of(kind, namespace_, name);
	const struct entry *e = *locate(r, &key);

	return e ? e->obj[origin] : NULL;
}

size_t
sl_registry_count(const struct sl_registry *r)
{
	return r->n_entries;
}

uint64_t
sl_registry_generation(const struct sl_registry *r)
{
	return r->generation;
}

// ---- views ----

bool
sl_registry_next(struct sl_registry *r, size_t *it, struct sl_object **obj)
{
	if (!r->sorted_valid)
		sort_objects(r);
	r->sorted_edits = 0;
	if (*it >= r->n_entries)
		return false;
	*obj = r->sorted[(*it)++];
	return true;
}
