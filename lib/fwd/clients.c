// Client groups by source address.
#include <errno.h>
#include <stdlib.h>

#include "lpm.h"
#include "sl_fwd_services.h"

struct sl_fwd_clients {
	uint32_t refs; // control only
	uint32_t n;
	uint32_t *start; // ranges, see lpm.h
	uint32_t *group; // LPM_NONE: no prefix
};

static bool
valid(const struct sl_fwd_client *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i].len > 32 || v[i].group >= SL_FWD_CLIENTS_MAX)
			return false;
	return true;
}

// Returns 0, -EINVAL or -ENOMEM.
static int
fill(struct sl_fwd_clients *c, const struct sl_fwd_client *v, uint32_t n)
{
	struct lpm_prefix *p = malloc((n + 1) * sizeof(*p));

	c->start = lpm_alloc(lpm_room(LPM_RANGES_MAX(n)));
	c->group = malloc(LPM_RANGES_MAX(n) * sizeof(*c->group));
	if (!p || !c->start || !c->group) {
		free(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		p[i] = (struct lpm_prefix){
			.first = sl_be32_to_cpu(v[i].dst), .len = v[i].len, .value = v[i].group};
	c->n = lpm_make(p, n, false, c->start, c->group, NULL);
	free(p);
	return c->n > 0 ? 0 : -EINVAL;
}

struct sl_fwd_clients *
sl_fwd_clients_new(const struct sl_fwd_client *v, uint32_t n)
{
	struct sl_fwd_clients *c = valid(v, n) ? calloc(1, sizeof(*c)) : NULL;
	int rc;

	if (!c) {
		errno = valid(v, n) ? ENOMEM : EINVAL;
		return NULL;
	}
	c->refs = 1;
	rc = fill(c, v, n);
	if (rc < 0) {
		sl_fwd_clients_put(c);
		errno = -rc;
		return NULL;
	}
	return c;
}

struct sl_fwd_clients *
sl_fwd_clients_get(struct sl_fwd_clients *c)
{
	c->refs++;
	return c;
}

void
sl_fwd_clients_put(struct sl_fwd_clients *c)
{
	if (!c || --c->refs > 0)
		return;
	free(c->start);
	free(c->group);
	free(c);
}

unsigned
sl_fwd_clients_find(const struct sl_fwd_clients *c, sl_be32 src)
{
	const uint32_t group = c->group[lpm_range(c->start, c->n, sl_be32_to_cpu(src))];

	return group == LPM_NONE ? 0 : group;
}
