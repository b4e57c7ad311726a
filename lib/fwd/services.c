// Services by key: open addressing with the service in the cell, so that a match is the one cache
// line it starts in, or the next.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "sl_fwd.h"

#define SERVICES_MAX (UINT32_C(1) << 20)

struct sl_fwd_services {
	uint32_t mask;
	uint32_t n;
	uint32_t n_max;
	uint32_t refs;               // control only
	struct sl_fwd_service *cell; // mask + 1 of them; a free one has proto 0
};

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
	s->cell = aligned_alloc(SL_CACHE_LINE, size * sizeof(s->cell[0]));
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
	return (uint64_t)key->vip << 32 | (uint32_t)key->port << 16 | key->proto;
}

// Where key is, or would be. Reads only what never changes once workers see the table.
static inline struct sl_fwd_service *
probe(const struct sl_fwd_services *s, const struct sl_fwd_key *key)
{
	const uint64_t bits = key_bits(key);
	uint32_t i = map_mix(bits) & s->mask;

	while (s->cell[i].key.proto != 0 && key_bits(&s->cell[i].key) != bits)
		i = (i + 1) & s->mask;
	return &s->cell[i];
}

int
sl_fwd_services_add(struct sl_fwd_services *s, const struct sl_fwd_key *key, uint32_t id,
	struct sl_fwd_eps *eps)
{
	struct sl_fwd_service *cell = probe(s, key);

	if (cell->key.proto != 0)
		return -EEXIST;
	if (s->n == s->n_max)
		return -ENOSPC;
	*cell = (struct sl_fwd_service){.key = *key, .id = id, .eps = eps};
	s->n++;
	return 0;
}

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
	free(s->cell);
	free(s);
}

uint32_t
sl_fwd_services_count(const struct sl_fwd_services *s)
{
	return s->n;
}

struct sl_fwd_service *
sl_fwd_services_find(const struct sl_fwd_services *s, const struct sl_fwd_key *key)
{
	struct sl_fwd_service *cell = probe(s, key);

	return cell->key.proto != 0 ? cell : NULL;
}

struct sl_fwd_eps *
sl_fwd_service_swap(struct sl_fwd_service *svc, struct sl_fwd_eps *eps)
{
	return __atomic_exchange_n(&svc->eps, eps, __ATOMIC_ACQ_REL);
}
