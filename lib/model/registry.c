// The registry: a hash table by (kind, namespace, name) with one place per origin, and two views,
// the objects in force and their services, each sorted again only when asked for after a change.
#include <stdlib.h>
#include <string.h>

#include "sl_model.h"
#include "sl_str.h"

#define N_ORIGINS 2
#define MIN_SLOTS 64u

struct entry {
	struct entry *next; // in the slot's chain
	uint64_t hash;      // of the key
	struct sl_object *obj[N_ORIGINS];
};

struct sl_registry {
	struct entry **slots;
	uint32_t n_slots; // power of two
	size_t n_entries;
	uint64_t generation;

	struct sl_object **sorted;
	bool sorted_valid;
	struct sl_service *services;
	size_t n_services;
	bool services_valid;
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
			for (int o = 0; o < N_ORIGINS; o++)
				sl_object_free(e->obj[o]);
			free(e);
		}
	}
	free(r->slots);
	free(r->sorted);
	free(r->services);
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
		const struct sl_object *obj = in_force(*link);

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
	struct sl_service_entry *a = &old->se, *b = &new_obj->se;
	const struct sl_loc loc = old->loc;

	old->loc = new_obj->loc;
	new_obj->loc = loc; // its file text is freed with it
	for (uint32_t i = 0; i < a->n_addresses && i < b->n_addresses; i++)
		a->addresses[i].loc = b->addresses[i].loc;
	for (uint32_t i = 0; i < a->n_ports && i < b->n_ports; i++)
		a->ports[i].loc = b->ports[i].loc;
	for (uint32_t i = 0; i < a->n_endpoints && i < b->n_endpoints; i++)
		a->endpoints[i].loc = b->endpoints[i].loc;

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

static void
changed(struct sl_registry *r)
{
	r->generation++;
	r->sorted_valid = false;
	r->services_valid = false;
}

enum sl_change
sl_registry_put(struct sl_registry *r, struct sl_object *obj)
{
	const struct key key = key_of(obj->kind, obj->meta.namespace_, obj->meta.name);
	struct entry **link = locate(r, &key);
	struct sl_object *old = *link ? (*link)->obj[obj->origin] : NULL;

	if (old && same_content(old, obj)) {
		take_location(old, obj);
		sl_object_free(obj);
		return SL_UNCHANGED;
	}
	if (!*link) {
		*link = sl_xcalloc(1, sizeof(struct entry));
		(*link)->hash = key.hash;
		r->n_entries++;
	}
	(*link)->obj[obj->origin] = obj;
	obj->generation = old ? old->generation + 1 : 1;
	sl_object_free(old);
	changed(r);
	if (r->n_entries > r->n_slots)
		grow(r);
	return old ? SL_CONFIGURED : SL_CREATED;
}

enum sl_change
sl_registry_del(struct sl_registry *r, enum sl_kind kind, const char *namespace_, const char *name,
	enum sl_origin origin)
{
	const struct key key = key_of(kind, namespace_, name);
	struct entry **link = locate(r, &key);
	struct entry *e = *link;

	if (!e || !e->obj[origin])
		return SL_UNCHANGED;
	sl_object_free(e->obj[origin]);
	e->obj[origin] = NULL;
	if (!in_force(e)) {
		*link = e->next;
		free(e);
		r->n_entries--;
	}
	changed(r);
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

// ---- sorted views ----

static int
by_name(const void *a, const void *b)
{
	const struct sl_object *x = *(struct sl_object *const *)a;
	const struct sl_object *y = *(struct sl_object *const *)b;
	int d = strcmp(sl_kind_name(x->kind), sl_kind_name(y->kind));

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
			r->sorted[n++] = in_force(e);
	}
	qsort(r->sorted, n, sizeof(*r->sorted), by_name);
	r->sorted_valid = true;
}

bool
sl_registry_next(struct sl_registry *r, size_t *it, struct sl_object **obj)
{
	if (!r->sorted_valid)
		sort_objects(r);
	if (*it >= r->n_entries)
		return false;
	*obj = r->sorted[(*it)++];
	return true;
}

static int
by_service_order(const void *a, const void *b)
{
	const struct sl_service *x = a, *y = b;
	const struct sl_meta *p = &x->obj->meta, *q = &y->obj->meta;
	int d = strcmp(p->creation ? p->creation : "", q->creation ? q->creation : "");

	if (!d)
		d = strcmp(x->host, y->host);
	if (!d)
		d = strcmp(p->namespace_, q->namespace_);
	return d ? d : strcmp(p->name, q->name);
}

static void
sort_services(struct sl_registry *r)
{
	struct sl_object *obj;
	size_t n = 0, k = 0;

	for (size_t it = 0; sl_registry_next(r, &it, &obj);)
		n += obj->kind == SL_KIND_SERVICE_ENTRY ? obj->se.n_hosts : 0;
	r->services = sl_xrealloc(r->services, n + 1, sizeof(*r->services));
	for (size_t it = 0; sl_registry_next(r, &it, &obj);) {
		if (obj->kind != SL_KIND_SERVICE_ENTRY)
			continue;
		const char *why = sl_se_not_served(&obj->se);

		for (uint32_t i = 0; i < obj->se.n_hosts; i++) {
			r->services[k++] = (struct sl_service){
				.obj = obj,
				.host = obj->se.hosts[i],
				.served = !why,
				.not_served = why,
			};
		}
	}
	qsort(r->services, n, sizeof(*r->services), by_service_order);
	r->n_services = n;
	r->services_valid = true;
}

const struct sl_service *
sl_registry_services(struct sl_registry *r, size_t *n)
{
	if (!r->services_valid)
		sort_services(r);
	*n = r->n_services;
	return r->services;
}
