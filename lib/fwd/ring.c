// Ring hash (Ketama), with the number of points that Envoy gives each endpoint: by weight, and so
// many that the lightest one has whole points of a ring of the least size.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "consistent.h"

struct point {
	uint64_t hash;
	uint32_t order; // of equal hashes: as they were made
	uint16_t owner;
};

static int
cmp_point(const void *x, const void *y)
{
	const struct point *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

// How many points all together, before each endpoint's are rounded up.
static double
points(const struct member *m, uint32_t n, uint32_t least, double sum)
{
	double lightest = 1;

	for (uint32_t i = 0; i < n; i++)
		lightest = fmin(lightest, m[i].mass / sum);
	return fmin(ceil(lightest * least) / lightest, SL_FWD_RING_MAX);
}

// Returns how many were made.
static uint32_t
spread(struct point *p, const struct member *m, uint32_t n, double total, double sum)
{
	double target = 0;
	uint32_t made = 0;
	char name[40];

	for (uint32_t i = 0; i < n; i++) {
		target += total * (m[i].mass / sum);
		for (uint32_t k = 0; made < target; k++) {
			const int len = snprintf(name, sizeof(name), "%s_%" PRIu32, m[i].name, k);

			p[made] = (struct point){
				.hash = XXH64(name, len, 0), .order = made, .owner = m[i].index};
			made++;
		}
	}
	return made;
}

int
ring_make(struct table *t, struct member *m, uint32_t n, uint32_t size)
{
	double sum = 0, total;
	struct point *p;

	members_sort(m, n);
	for (uint32_t i = 0; i < n; i++)
		sum += m[i].mass;
	total = points(m, n, size, sum);
	// The sum of the targets may be above the total by an error of rounding.
	p = malloc(((size_t)total + 2) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	t->n = spread(p, m, n, total, sum);
	t->owner = malloc(t->n * sizeof(*t->owner));
	t->point = malloc(t->n * sizeof(*t->point));
	if (t->owner && t->point) {
		qsort(p, t->n, sizeof(*p), cmp_point);
		for (uint32_t i = 0; i < t->n; i++) {
			t->owner[i] = p[i].owner;
			t->point[i] = p[i].hash >> 32;
		}
	}
	free(p);
	return t->owner && t->point ? 0 : -ENOMEM;
}
