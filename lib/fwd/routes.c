#include "routes.h"

#include <errno.h>
#include <stdlib.h>

static struct lpm_prefix *
prefixes(const struct sl_fwd_route *route, uint32_t n)
{
	struct lpm_prefix *p = malloc((n + 1) * sizeof(*p));

	for (uint32_t i = 0; p && i < n; i++)
		p[i] = (struct lpm_prefix){.first = sl_be32_to_cpu(route[i].dst),
			.len = route[i].len,
			.rank = route[i].metric,
			.value = i};
	return p;
}

int
routes_init(struct routes *r, const struct sl_fwd_route *route, uint32_t n)
{
	struct lpm_prefix *p;

	*r = (struct routes){.n = 0};
	for (uint32_t i = 0; i < n; i++)
		if (route[i].len > 32)
			return -EINVAL;
	p = prefixes(route, n);
	r->start = lpm_alloc(lpm_room(LPM_RANGES_MAX(n)));
	r->route = malloc(LPM_RANGES_MAX(n) * sizeof(*r->route));
	r->table = malloc((n + 1) * sizeof(*r->table));
	if (!p || !r->start || !r->route || !r->table) {
		free(p);
		routes_fini(r);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		r->table[i] = route[i];
	r->n = lpm_make(p, n, true, r->start, r->route, NULL);
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
	const uint32_t route = r->route[lpm_range(r->start, r->n, sl_be32_to_cpu(dst))];

	return route == LPM_NONE ? NULL : &r->table[route];
}
