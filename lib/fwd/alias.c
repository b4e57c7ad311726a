#include "alias.h"

#include <errno.h>
#include <stdlib.h>

static struct alias *
column(struct alias *a, size_t stride, uint32_t i)
{
	return (void *)((char *)a + i * stride);
}

// mass / total as a fraction of 2^32; mass < total.
static uint32_t
fraction(uint64_t mass, uint64_t total)
{
	if (sl_likely(total <= UINT32_MAX))
		return (mass << 32) / total;
	return ((unsigned __int128)mass << 32) / total;
}

static bool
all_equal(const uint64_t *weight, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (weight[i] != weight[0])
			return false;
	return true;
}

// Each column holds `total`; mass[i] = weight * n is what i has to spread. Columns with too little
// (from the front of list) are filled up by those with too much (from its back).
static void
pair(struct alias *a, size_t stride, uint32_t n, uint64_t *mass, uint32_t *list, uint64_t total)
{
	uint32_t n_poor = 0, rich = n;

	for (uint32_t i = 0; i < n; i++) {
		if (mass[i] < total)
			list[n_poor++] = i;
		else
			list[--rich] = i;
	}
	while (n_poor > 0) {
		const uint32_t p = list[--n_poor], r = list[rich];

		*column(a, stride, p) =
			(struct alias){.keep = fraction(mass[p], total), .other = r};
		mass[r] -= total - mass[p];
		if (mass[r] < total) {
			list[n_poor++] = r;
			rich++;
		}
	}
}

int
alias_make(struct alias *a, size_t stride, const uint64_t *weight, uint32_t n)
{
	uint64_t total = 0;
	uint64_t *mass;

	for (uint32_t i = 0; i < n; i++)
		*column(a, stride, i) = (struct alias){.keep = UINT32_MAX, .other = i};
	if (all_equal(weight, n))
		return 0;
	mass = malloc(n * (sizeof(uint64_t) + sizeof(uint32_t)));
	if (!mass)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		mass[i] = weight[i] * n;
		total += weight[i];
	}
	pair(a, stride, n, mass, (uint32_t *)(mass + n), total);
	free(mass);
	return 0;
}
