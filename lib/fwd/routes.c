#include "routes.h"

#include <errno.h>
#include <stdlib.h>

struct prefix {
	uint32_t first; // host order
	uint32_t last;
	uint32_t metric;
	uint32_t index; // of the route
	uint8_t len;
};

// By first address, wider ones first, so that a prefix comes after all that contain it; of equal
// prefixes the best comes first.
static int
cmp_prefix(const void *x, const void *y)
{
	const struct prefix *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void
sort(struct prefix *p, const struct sl_fwd_route *route, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t mask = sl_be32_to_cpu(sl_mask4(route[i].len));
		const uint32_t first = sl_be32_to_cpu(route[i].dst) & mask;

		p[i] = (struct prefix){.first = first,
			.last = first | ~mask,
			.metric = route[i].metric,
			.index = i,
			.len = route[i].len};
	}
	qsort(p, n, sizeof(*p), cmp_prefix);
}

// From `start` on, `route` holds.
static void
turn(struct routes *r, uint32_t start, uint32_t route)
{
	if (r->n > 0 && r->start[r->n - 1] == start)
		r->n--;
	if (r->n > 0 && r->route[r->n - 1] == route)
		return;
	r->start[r->n] = start;
	r->route[r->n++] = route;
}

// The prefixes that are open at the sweep's position, the innermost on top: at most one a length.
struct sweep {
	const struct prefix *open[33];
	unsigned n;
};

// Closes what ends before `limit` (2^32: everything).
static void
close_until(struct routes *r, struct sweep *s, uint64_t limit)
{
	while (s->n > 0 && s->open[s->n - 1]->last < limit) {
		const uint32_t last = s->open[--s->n]->last;

		if (last < UINT32_MAX)
			turn(r, last + 1, s->n > 0 ? s->open[s->n - 1]->index : ROUTE_NONE);
	}
}

static void
flatten(struct routes *r, const struct prefix *p, uint32_t n)
{
	struct sweep s = {.n = 0};

	turn(r, 0, ROUTE_NONE);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0 && p[i].first == p[i - 1].first && p[i].len == p[i - 1].len)
			continue; // a worse one of equal prefixes
		close_until(r, &s, p[i].first);
		s.open[s.n++] = &p[i];
		turn(r, p[i].first, p[i].index);
	}
	close_until(r, &s, UINT64_C(1) << 32);
}

int
routes_init(struct routes *r, const struct sl_fwd_route *route, uint32_t n)
{
	const size_t max = 2 * (size_t)n + 1;
	struct prefix *p;

	*r = (struct routes){.n = 0};
	for (uint32_t i = 0; i < n; i++)
		if (route[i].len > 32)
			return -EINVAL;
	p = malloc((n + 1) * sizeof(*p));
	r->start = malloc(max * sizeof(*r->start));
	r->route = malloc(max * sizeof(*r->route));
	r->table = malloc((n + 1) * sizeof(*r->table));
	if (!p || !r->start || !r->route || !r->table) {
		free(p);
		routes_fini(r);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		r->table[i] = route[i];
	sort(p, route, n);
	flatten(r, p, n);
	free(p);
	return 0;
}

void
routes_fini(struct routes *r)
{
	free(r->start);
	free(r->route);
	free(r->table);
	*r = (struct routes){.n = 0};
}

const struct sl_fwd_route *
routes_find(const struct routes *r, sl_be32 dst)
{
	const uint32_t addr = sl_be32_to_cpu(dst);
	const uint32_t *at = r->start;

	// The last start that is not above addr; start[0] = 0 is never above.
	for (uint32_t left = r->n; left > 1;) {
		const uint32_t half = left / 2;

		at = at[half] <= addr ? at + half : at;
		left -= half;
	}
	const uint32_t route = r->route[at - r->start];

	return route == ROUTE_NONE ? NULL : &r->table[route];
}
