#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consistent.h"

uint32_t
sl_fwd_hash_source(sl_be32 src)
{
	return (uint32_t)XXH64(&src, sizeof(src), 0);
}

static int
cmp_member(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	const int order = strcmp(a->name, b->name);

	return order ? order : a->mass < b->mass ? -1 : a->mass > b->mass;
}

void
members_sort(struct member *m, uint32_t n)
{
	qsort(m, n, sizeof(*m), cmp_member);
}
