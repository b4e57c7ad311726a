// The addresses of the table: those that the mirrors answer for, as the workers do.
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "plan.h"
#include "sl_str.h"

// An original destination is a host of its own, and what is no single address is no VIP.
void
vip_change(struct vips *v, const struct entry *e, const struct claim *claim, int32_t by)
{
	const struct vip_change change = {.addr = e->key.vip, .by = by};

	if (e->key.len == 32 && claim->is_vip)
		PLAN_PUSH(v->change, v->n_changes, v->cap, change);
}

static int
cmp_change(const void *x, const void *y)
{
	const struct vip_change *a = x, *b = y;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

// Sorted and one an address, without those that come to nothing: a claim that stays goes and comes
// back with each pass.
static size_t
add_up(struct vip_change *change, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(change, n, sizeof(*change), cmp_change);
	for (size_t i = 0; i < n;) {
		struct vip_change sum = change[i];

		for (i++; i < n && change[i].addr == sum.addr; i++)
			sum.by += change[i].by;
		if (sum.by)
			change[kept++] = sum;
	}
	return kept;
}

// One pass over both, each in order.
static uint32_t
merge(const struct vips *v, struct vip *to)
{
	uint32_t at = 0, n = 0;

	for (size_t i = 0; i < v->n_changes; i++) {
		struct vip vip = {.addr = v->change[i].addr};
		int64_t count = v->change[i].by;

		while (at < v->n && v->v[at].addr < vip.addr)
			to[n++] = v->v[at++];
		if (at < v->n && v->v[at].addr == vip.addr)
			count += v->v[at++].n;
		vip.n = (uint32_t)count;
		if (count > 0)
			to[n++] = vip;
	}
	while (at < v->n)
		to[n++] = v->v[at++];
	return n;
}

void
vips_settle(struct vips *v)
{
	struct vip *to;

	v->n_changes = add_up(v->change, v->n_changes);
	if (v->n_changes == 0)
		return;
	to = sl_xcalloc(v->n + v->n_changes, sizeof(*to));
	v->n = merge(v, to);
	free(v->v);
	v->v = to;
	v->n_changes = 0;
}
