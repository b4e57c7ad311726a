// Services by key: open addressing with the service in the cell, so that a match is the one cache
// line it starts in, or the next. Further variants of a key lie in an array of their own.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lpm.h"
#include "map.h"
#include "wide.h"

#define SERVICES_MAX (UINT32_C(1) << 20)

struct sl_fwd_services {
	uint32_t mask;
	uint32_t n;
	uint32_t n_max;
	uint32_t refs;               // control only
	struct sl_fwd_service *cell; // mask + 1 of them; a free one has proto 0
	struct sl_fwd_service *more; // n_more of them; `next` counts from 1
	uint32_t n_more;
	uint32_t cap_more;
	bool sealed;
	struct wide wide;
};

static struct sl_fwd_service *
services_alloc(size_t n)
{
	return aligned_alloc(SL_CACHE_LINE, n * sizeof(struct sl_fwd_service));
}

struct sl_fwd_services *
sl_fwd_services_new(uint32_t n_max)
{
	const uint32_t size = map_size(n_max);
	struct sl_fwd_services *s;

	if (n_max > SERVICES_MAX) {
		errno = EINVAL;
		return NULL;
	}
	s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct sl_fwd_services){.mask = size - 1, .n_max = n_max, .refs = 1};
	s->cell = services_alloc(size);
	if (!s->cell) {
		free(s);
		return NULL;
	}
	memset(s->cell, 0, size * sizeof(s->cell[0]));
	return s;
}

static inline uint64_t
key_bits(const struct sl_fwd_key *key)
{
	return (uint64_t)key->vip << 32 | (uint32_t)key->port << 16 | key->proto << 8 | key->len;
}

// Where key is, or would be. Reads only what never changes once workers see the table.
static inline struct sl_fwd_service *
probe(const struct sl_fwd_services *s, const struct sl_fwd_key *key)
{
	const uint64_t bits = key_bits(key);
	uint32_t i = sl_mix64(bits) & s->mask;

	while (s->cell[i].key.proto != 0 && key_bits(&s->cell[i].key) != bits)
		i = (i + 1) & s->mask;
	return &s->cell[i];
}

static inline struct sl_fwd_service *
next_variant(const struct sl_fwd_services *s, const struct sl_fwd_service *svc)
{
	return svc->next ? &s->more[svc->next - 1] : NULL;
}

// The variant that client sees, from svc on.
static inline struct sl_fwd_service *
seen_by(const struct sl_fwd_services *s, struct sl_fwd_service *svc, unsigned client)
{
	while (svc && !(svc->clients >> client & 1))
		svc = next_variant(s, svc);
	return svc;
}

// ---- adding ----

static bool
valid(const struct sl_fwd_services *s, const struct sl_fwd_key *key, uint64_t clients)
{
	return !s->sealed && key->proto != 0 && key->len <= 32 &&
	       (key->vip & ~sl_mask4(key->len)) == 0 && clients != 0;
}

static int
reserve_more(struct sl_fwd_services *s)
{
	const uint32_t cap = s->cap_more ? 2 * s->cap_more : 8;
	struct sl_fwd_service *more;

	if (s->n_more < s->cap_more)
		return 0;
	more = services_alloc(cap);
	if (!more)
		return -ENOMEM;
	if (s->n_more > 0)
		memcpy(more, s->more, s->n_more * sizeof(*more));
	free(s->more);
	s->more = more;
	s->cap_more = cap;
	return 0;
}

// Behind the first variant: the order of disjoint masks decides nothing.
static int
add_variant(struct sl_fwd_services *s, struct sl_fwd_service *first, struct sl_fwd_service *svc)
{
	const int rc = reserve_more(s);

	if (rc < 0)
		return rc;
	svc->next = first->next;
	s->more[s->n_more++] = *svc;
	first->next = s->n_more;
	return 0;
}

int
sl_fwd_services_add(struct sl_fwd_services *s, const struct sl_fwd_key *key, uint64_t clients,
	uint32_t id, struct sl_fwd_eps *eps)
{
	struct sl_fwd_service svc = {.key = *key, .id = id, .eps = eps, .clients = clients};
	struct sl_fwd_service *cell;
	int rc = 0;

	if (!valid(s, key, clients))
		return -EINVAL;
	cell = probe(s, key);
	if (cell->key.proto != 0)
		for (const struct sl_fwd_service *v = cell; v; v = next_variant(s, v))
			if (v->clients & clients)
				return -EEXIST;
	if (s->n == s->n_max)
		return -ENOSPC;
	if (cell->key.proto != 0)
		rc = add_variant(s, cell, &svc);
	else
		*cell = svc;
	s->n += rc == 0;
	return rc;
}

int
sl_fwd_services_seal(struct sl_fwd_services *s)
{
	int rc;

	if (s->sealed)
		return 0;
	rc = wide_init(&s->wide, s->cell, s->mask + 1);
	if (rc < 0) {
		wide_fini(&s->wide);
		s->wide = (struct wide){.n_ports = 0};
	}
	s->sealed = rc == 0;
	return rc;
}

// ---- life ----

struct sl_fwd_services *
sl_fwd_services_get(struct sl_fwd_services *s)
{
	s->refs++;
	return s;
}

void
sl_fwd_services_put(struct sl_fwd_services *s)
{
	if (!s || --s->refs > 0)
		return;
	for (uint32_t i = 0; i <= s->mask; i++)
		sl_fwd_eps_put(s->cell[i].eps);
	for (uint32_t i = 0; i < s->n_more; i++)
		sl_fwd_eps_put(s->more[i].eps);
	wide_fini(&s->wide);
	free(s->cell);
	free(s->more);
	free(s);
}

uint32_t
sl_fwd_services_count(const struct sl_fwd_services *s)
{
	return s->n;
}

// ---- finding ----

struct sl_fwd_service *
sl_fwd_services_find(const struct sl_fwd_services *s, const struct sl_fwd_key *key, unsigned client)
{
	struct sl_fwd_service *cell = probe(s, key);

	return cell->key.proto != 0 ? seen_by(s, cell, client) : NULL;
}

struct sl_fwd_service *
sl_fwd_services_find_id(const struct sl_fwd_services *s, const struct sl_fwd_key *key, uint32_t id)
{
	struct sl_fwd_service *svc = probe(s, key);

	if (svc->key.proto == 0)
		return NULL;
	while (svc && svc->id != id)
		svc = next_variant(s, svc);
	return svc;
}

// Of the CIDR of range r, or of one around it.
static const struct sl_fwd_service *
find_cidr(const struct sl_fwd_services *s, uint32_t r, unsigned client)
{
	const struct wide *w = &s->wide;
	const struct sl_fwd_service *svc;

	if (w->spot[r] == WIDE_NONE)
		return NULL;
	svc = seen_by(s, &s->cell[w->spot[r]], client);
	for (uint32_t c = svc ? LPM_NONE : w->up[w->cidr[r]]; c != LPM_NONE && !svc; c = w->up[c])
		svc = seen_by(s, &s->cell[w->cell[c]], client);
	return svc;
}

const struct sl_fwd_service *
sl_fwd_services_find_wide(
	const struct sl_fwd_services *s, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client)
{
	const struct wide *w = &s->wide;
	const struct wide_port *p = wide_find(w, proto, port);
	const struct sl_fwd_service *svc = NULL;

	if (!p)
		return NULL;
	if (p->n > 0)
		svc = find_cidr(s,
			p->cidr + lpm_range(w->start + p->first, p->n, sl_be32_to_cpu(dst)),
			client);
	if (!svc && p->any != WIDE_NONE)
		svc = seen_by(s, &s->cell[p->any], client);
	return svc;
}

struct sl_fwd_eps *
sl_fwd_service_swap(struct sl_fwd_service *svc, struct sl_fwd_eps *eps)
{
	return __atomic_exchange_n(&svc->eps, eps, __ATOMIC_ACQ_REL);
}
