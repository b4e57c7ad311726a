// Tables of consistent hashing, for the endpoints of one priority. They are made of the endpoints'
// addresses and ports alone, in the order of these as text: not of slots, nor of the order given.
#pragma once

#include "eps.h"

struct member {
	char name[24]; // "192.0.2.1:80"
	uint64_t mass; // its share is mass / sum, each below 2^40
	uint16_t index;
};

// Sorts by name. 0 or -ENOMEM, t is to be finished by the caller then too.
int maglev_make(struct table *t, struct member *m, uint32_t n, uint32_t size);
int ring_make(struct table *t, struct member *m, uint32_t n, uint32_t size);
void members_sort(struct member *m, uint32_t n);

// The endpoint for a hash, as an index in the priority; attempt: that many entries further.
static inline uint32_t
maglev_find(const struct table *t, uint32_t hash, unsigned attempt)
{
	return t->n > 0 ? t->owner[(hash % t->n + attempt) % t->n] : 0;
}

static inline uint32_t
ring_find(const struct table *t, uint32_t hash, unsigned attempt)
{
	const uint32_t *at = t->point;

	if (t->n == 0)
		return 0;
	// The first point that is not below the hash; behind the last one comes the first.
	for (uint32_t left = t->n; left > 0;) {
		const uint32_t half = left / 2;

		if (at[half] < hash) {
			at += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	return t->owner[((uint32_t)(at - t->point) + attempt) % t->n];
}
