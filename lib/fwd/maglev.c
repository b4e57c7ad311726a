// Maglev hashing.
//
// Source: D. E. Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer (NSDI
// 2016), 3.4. Weights as Envoy and Katran do it: the heaviest endpoint takes an entry in every
// round, the others in as many rounds as their part of its weight.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consistent.h"

#define FREE_ENTRY UINT16_MAX

struct filler {
	uint64_t mass;
	uint64_t due; // its next entry is in the first round with round * mass >= due
	uint32_t at;  // the next of its permutation
	uint32_t skip;
	uint16_t index;
};

// The next free entry of its permutation.
static uint32_t
take(struct filler *f, const uint16_t *owner, uint32_t size)
{
	uint32_t entry;

	do {
		entry = f->at;
		f->at = f->at + f->skip < size ? f->at + f->skip : f->at + f->skip - size;
	} while (owner[entry] != FREE_ENTRY);
	return entry;
}

static void
fill(uint16_t *owner, uint32_t size, struct filler *f, uint32_t n, uint64_t heaviest)
{
	uint32_t filled = 0;

	for (uint64_t round = 1; filled < size; round++) {
		for (uint32_t i = 0; i < n && filled < size; i++) {
			if (round * f[i].mass < f[i].due)
				continue;
			f[i].due += heaviest;
			owner[take(&f[i], owner, size)] = f[i].index;
			filled++;
		}
	}
}

int
maglev_make(struct table *t, struct member *m, uint32_t n, uint32_t size)
{
	struct filler *f = malloc(n * sizeof(*f));
	uint64_t heaviest = 0;

	t->owner = malloc(size * sizeof(*t->owner));
	if (!f || !t->owner) {
		free(f);
		return -ENOMEM;
	}
	members_sort(m, n);
	for (uint32_t i = 0; i < n; i++) {
		const size_t len = strlen(m[i].name);

		f[i] = (struct filler){.mass = m[i].mass,
			.at = XXH64(m[i].name, len, 0) % size,
			.skip = XXH64(m[i].name, len, 1) % (size - 1) + 1,
			.index = m[i].index};
		heaviest = m[i].mass > heaviest ? m[i].mass : heaviest;
	}
	memset(t->owner, 0xff, size * sizeof(*t->owner)); // FREE_ENTRY
	fill(t->owner, size, f, n, heaviest);
	t->n = size;
	free(f);
	return 0;
}
