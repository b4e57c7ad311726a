#include "slots.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

#define MIN_HOMES 64u

// ---- homes ----

static uint64_t
home_hash(const struct slot_key *key)
{
	uint64_t hash = sl_str_hash(key->namespace_, strlen(key->namespace_) + 1, key->port + 1u);

	return sl_mix64(sl_str_hash(key->host, strlen(key->host), hash));
}

static struct home **
home_link(const struct slots *s, const struct slot_key *key, uint64_t hash)
{
	struct home **link = &s->homes[hash & (s->n_home_slots - 1)];

	for (; *link; link = &(*link)->next)
		if ((*link)->hash == hash && (*link)->port == key->port &&
			strcmp((*link)->host, key->host) == 0 &&
			strcmp((*link)->namespace_, key->namespace_) == 0)
			break;
	return link;
}

static void
grow_homes(struct slots *s)
{
	const uint32_t n = 2 * s->n_home_slots;
	struct home **homes = sl_xcalloc(n, sizeof(struct home *));

	for (uint32_t i = 0; i < s->n_home_slots; i++) {
		for (struct home *h = s->homes[i], *next; h; h = next) {
			next = h->next;
			h->next = homes[h->hash & (n - 1)];
			homes[h->hash & (n - 1)] = h;
		}
	}
	free(s->homes);
	s->homes = homes;
	s->n_home_slots = n;
}

static struct home *
home_get(struct slots *s, const struct slot_key *key)
{
	const size_t ns_size = strlen(key->namespace_) + 1, host_size = strlen(key->host) + 1;
	const uint64_t hash = home_hash(key);
	struct home **link, *h;

	if (s->n_homes == s->n_home_slots)
		grow_homes(s);
	link = home_link(s, key, hash);
	if (*link)
		return *link;
	h = sl_xcalloc(1, sizeof(*h) + ns_size + host_size);
	h->hash = hash;
	h->port = key->port;
	h->namespace_ = memcpy(h->text, key->namespace_, ns_size);
	h->host = memcpy(h->text + ns_size, key->host, host_size);
	*link = h;
	s->n_homes++;
	return h;
}

static void
home_name_port(struct home *h, const char *name)
{
	if (!name || (h->port_name && strcmp(h->port_name, name) == 0))
		return;
	free(h->port_name);
	h->port_name = sl_xstrdup(name);
}

void
home_put(struct slots *s, struct home *h)
{
	struct home **link = &s->homes[h->hash & (s->n_home_slots - 1)];

	if (--h->n_slots > 0)
		return;
	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	s->n_homes--;
	free(h->port_name);
	free(h);
}

// ---- slots ----

struct slots *
slots_new(uint32_t max)
{
	struct slots *s = sl_xcalloc(1, sizeof(*s));
	uint32_t size = 16;

	while (size < 2 * (uint64_t)max && size < UINT32_C(1) << 31)
		size *= 2;
	*s = (struct slots){.v = sl_xcalloc(max, sizeof(*s->v)),
		.max = max,
		.free = SLOT_NONE,
		.oldest = SLOT_NONE,
		.newest = SLOT_NONE,
		.refs = 1,
		.index = sl_xcalloc(size, sizeof(*s->index)),
		.mask = size - 1,
		.homes = sl_xcalloc(MIN_HOMES, sizeof(struct home *)),
		.n_home_slots = MIN_HOMES};
	memset(s->index, 0xff, size * sizeof(*s->index)); // SLOT_NONE
	return s;
}

void
slots_put(struct slots *s)
{
	if (!s || --s->refs > 0)
		return;
	for (uint32_t i = 0; i < s->top; i++) {
		if (s->v[i].state != SLOT_FREE)
			home_put(s, s->v[i].home);
		free(s->v[i].cluster);
	}
	free(s->homes);
	free(s->index);
	free(s->v);
	free(s);
}

static bool
same_cluster(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

// The place in the index of the slot, or where it would be. hash: of home and key.
static struct slot_place *
place(const struct slots *s, const struct home *home, const struct slot_key *key, uint32_t hash)
{
	for (uint32_t i = hash & s->mask;; i = (i + 1) & s->mask) {
		struct slot_place *p = &s->index[i];
		const struct slot *slot;

		if (p->slot == SLOT_NONE)
			return p;
		slot = &s->v[p->slot];
		if (p->hash == hash && slot->home == home && slot->addr == key->addr &&
			slot->port == key->addr_port && same_cluster(slot->cluster, key->cluster))
			return p;
	}
}

static uint32_t
key_hash(const struct home *home, const struct slot_key *key)
{
	const uint64_t hash = home->hash ^ sl_mix64((uint64_t)key->addr << 16 | key->addr_port);

	return (uint32_t)(key->cluster ? sl_str_hash(key->cluster, strlen(key->cluster), hash)
				       : sl_mix64(hash));
}

uint32_t
slot_find(const struct slots *s, const struct slot_key *key)
{
	const struct home *home = *home_link(s, key, home_hash(key));

	return home ? place(s, home, key, key_hash(home, key))->slot : SLOT_NONE;
}

static uint32_t
slot_alloc(struct slots *s)
{
	const uint32_t i = s->free;

	if (i != SLOT_NONE) {
		s->free = s->v[i].newer;
		return i;
	}
	return s->top < s->max ? s->top++ : SLOT_NONE;
}

struct home *
home_hold(struct slots *s, const struct slot_key *key)
{
	struct home *home = home_get(s, key);

	home_name_port(home, key->port_name);
	home->n_slots++;
	return home;
}

void
slot_fetch(const struct slots *s, const struct home *home, const struct slot_key *key)
{
	__builtin_prefetch(&s->index[key_hash(home, key) & s->mask]);
}

uint32_t
slot_get(struct slots *s, struct home *home, const struct slot_key *key)
{
	const uint32_t hash = key_hash(home, key);
	struct slot_place *at = place(s, home, key, hash);
	uint32_t i = at->slot;

	if (i != SLOT_NONE)
		return i;
	i = slot_alloc(s);
	if (i == SLOT_NONE)
		return i;
	home->n_slots++;
	*at = (struct slot_place){.slot = i, .hash = hash};
	s->v[i] = (struct slot){.state = SLOT_NEW,
		.addr = key->addr,
		.port = key->addr_port,
		.home = home,
		.cluster = sl_xstrdup(key->cluster)};
	s->used++;
	return i;
}

// Takes a place out of the index and moves up what would not be found over the gap.
static void
close_gap(struct slots *s, uint32_t i)
{
	for (uint32_t k = (i + 1) & s->mask; s->index[k].slot != SLOT_NONE; k = (k + 1) & s->mask) {
		const uint32_t from = s->index[k].hash & s->mask;

		if (((k - from) & s->mask) < ((k - i) & s->mask))
			continue;
		s->index[i] = s->index[k];
		i = k;
	}
	s->index[i].slot = SLOT_NONE;
}

// Takes a retired slot out of the retired ones.
static void
unqueue(struct slots *s, uint32_t i)
{
	const struct slot *slot = &s->v[i];

	*(slot->older == SLOT_NONE ? &s->oldest : &s->v[slot->older].newer) = slot->newer;
	*(slot->newer == SLOT_NONE ? &s->newest : &s->v[slot->newer].older) = slot->older;
}

static void
enqueue(struct slots *s, uint32_t i)
{
	s->v[i].older = s->newest;
	s->v[i].newer = SLOT_NONE;
	*(s->newest == SLOT_NONE ? &s->oldest : &s->v[s->newest].newer) = i;
	s->newest = i;
}

void
slot_free(struct slots *s, uint32_t i)
{
	struct slot *slot = &s->v[i];
	const struct slot_key key = {
		.addr = slot->addr, .addr_port = slot->port, .cluster = slot->cluster};

	if (slot->state == SLOT_RETIRED)
		unqueue(s, i);
	close_gap(s, (uint32_t)(place(s, slot->home, &key, key_hash(slot->home, &key)) - s->index));
	home_put(s, slot->home);
	free(slot->cluster);
	*slot = (struct slot){.state = SLOT_FREE, .newer = s->free};
	s->free = i;
	s->used--;
}

uint64_t
slot_since(const struct slots *s, uint32_t i, bool down, uint64_t now_ns)
{
	const struct slot *slot = &s->v[i];

	return slot->state == SLOT_LIVE && (!slot->down || down) ? slot->since_ns : now_ns;
}

void
slot_use(struct slots *s, uint32_t i, bool down, uint64_t now_ns)
{
	struct slot *slot = &s->v[i];

	slot->since_ns = slot_since(s, i, down, now_ns);
	slot->down = down;
	slot->uses++;
	slot->told = false;
	if (slot->state == SLOT_LIVE)
		return;
	if (slot->state == SLOT_RETIRED)
		unqueue(s, i);
	slot->state = SLOT_LIVE;
	s->live += !slot->cluster;
}

void
slot_unuse(struct slots *s, uint32_t i)
{
	struct slot *slot = &s->v[i];

	if (--slot->uses > 0)
		return;
	slot->state = SLOT_RETIRED;
	s->live -= !slot->cluster;
	enqueue(s, i);
}

void
slot_requeue(struct slots *s, uint32_t i)
{
	unqueue(s, i);
	enqueue(s, i);
}

static void
release_endpoint(struct slots *s, uint32_t i)
{
	struct slot *slot = &s->v[i];

	if (--slot->sets > 0 || slot->state != SLOT_RETIRED || slot->told || !s->gone)
		return;
	slot->told = true;
	s->gone(s->gone_ctx, i);
}

static void
release(void *ctx, const struct sl_fwd_eps *eps)
{
	const uint32_t cluster = sl_fwd_eps_cluster_slot(eps);
	struct slots *s = ctx;

	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++)
		release_endpoint(s, sl_fwd_eps_at(eps, i)->slot);
	if (cluster != SL_FWD_SLOT_NONE)
		s->v[cluster].sets--;
	slots_put(s);
}

void
slots_hold(struct slots *s, struct sl_fwd_eps *eps)
{
	const uint32_t cluster = sl_fwd_eps_cluster_slot(eps);

	for (uint32_t i = 0; i < sl_fwd_eps_count(eps); i++)
		s->v[sl_fwd_eps_at(eps, i)->slot].sets++;
	if (cluster != SL_FWD_SLOT_NONE)
		s->v[cluster].sets++;
	s->refs++;
	sl_fwd_eps_on_free(eps, release, s);
}
