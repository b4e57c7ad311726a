// The life of endpoint sets.
#include "eps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGLEV_SIZE 65537
#define RING_LEAST  1024

// ---- what a spec may say ----

static bool
is_prime(uint32_t n)
{
	for (uint32_t i = 2; (uint64_t)i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n > 1;
}

static bool
valid_groups(const struct sl_fwd_eps_spec *s)
{
	uint32_t n = 0, last = 0;

	for (uint32_t i = 0; i < s->n_groups; i++) {
		const struct sl_fwd_group *g = &s->group[i];

		if (g->priority < last || g->priority > last + (i > 0) ||
			g->priority >= SL_FWD_PRIORITIES || g->n > s->n - n)
			return false;
		n += g->n;
		last = g->priority;
	}
	return s->n_groups == 0 || n == s->n;
}

static bool
valid_endpoints(const struct sl_fwd_eps_spec *s)
{
	if (s->n > SL_FWD_EPS_MAX)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->ep[i].weight == 0)
			return false;
	return true;
}

static bool
valid(const struct sl_fwd_eps_spec *s)
{
	const uint32_t size = s->table_size;

	if (!valid_endpoints(s) || !valid_groups(s) || s->min_health_percent > 100)
		return false;
	if (s->algo > SL_FWD_ORIGINAL_DST || (s->algo == SL_FWD_ORIGINAL_DST && s->n != 1))
		return false;
	if (s->algo == SL_FWD_MAGLEV && size > 0 && (size > SL_FWD_MAGLEV_MAX || !is_prime(size)))
		return false;
	if (s->cluster_slot == SL_FWD_SLOT_NONE &&
		(s->max_flows > 0 || s->algo == SL_FWD_ROUND_ROBIN))
		return false;
	return s->warmup_ns == 0 || s->warmup_aggression > 0;
}

// What has no effect is left out, so that it makes no difference to sl_fwd_eps_equal() either.
static void
normalize(struct sl_fwd_eps_spec *s)
{
	const bool table = s->algo == SL_FWD_MAGLEV || s->algo == SL_FWD_RING_HASH;
	const bool warms = s->algo == SL_FWD_LEAST_REQUEST || s->algo == SL_FWD_ROUND_ROBIN;

	s->pending = s->pending && s->n == 0;
	if (!table)
		s->table_size = 0;
	else if (s->table_size == 0)
		s->table_size = s->algo == SL_FWD_MAGLEV ? MAGLEV_SIZE : RING_LEAST;
	else if (s->table_size > SL_FWD_RING_MAX)
		s->table_size = SL_FWD_RING_MAX;
	if (!warms || s->warmup_ns == 0 || !s->since_ns) {
		s->warmup_ns = 0;
		s->warmup_min_percent = 0;
		s->warmup_aggression = 1;
		s->since_ns = NULL;
	}
}

// ---- life ----

static void *
copy(const void *from, size_t n, size_t size)
{
	void *to = malloc(n * size + 1);

	if (to && n > 0)
		memcpy(to, from, n * size);
	return to;
}

static void
rest_free(struct rest *rest)
{
	free((void *)rest->spec.ep);
	free((void *)rest->spec.group);
	free((void *)rest->spec.since_ns);
	for (uint32_t i = 0; i < rest->n_levels; i++) {
		free(rest->level[i].table.owner);
		free(rest->level[i].table.point);
	}
	free(rest->level);
	free(rest->since);
	free(rest->turn);
	free(rest->part);
	free(rest->weight);
	free(rest->part_alias);
	free(rest);
}

static struct rest *
rest_new(const struct sl_fwd_eps_spec *spec)
{
	struct rest *rest = calloc(1, sizeof(*rest));
	struct sl_fwd_eps_spec *s;
	bool whole;

	if (!rest)
		return NULL;
	s = &rest->spec;
	*s = *spec;
	normalize(s);
	s->ep = copy(s->ep, s->n, sizeof(*s->ep));
	s->group = copy(s->group, s->n_groups, sizeof(*s->group));
	whole = s->ep && s->group;
	if (s->since_ns) {
		s->since_ns = copy(s->since_ns, s->n, sizeof(*s->since_ns));
		whole &= s->since_ns != NULL;
	}
	if (!whole) {
		rest_free(rest);
		return NULL;
	}
	return rest;
}

struct sl_fwd_eps *
sl_fwd_eps_new(const struct sl_fwd_eps_spec *spec)
{
	struct sl_fwd_eps *eps;
	struct rest *rest;

	if (!valid(spec)) {
		errno = EINVAL;
		return NULL;
	}
	rest = rest_new(spec);
	eps = rest ? build(rest) : NULL;
	if (!eps) {
		if (rest)
			rest_free(rest);
		errno = ENOMEM;
	}
	return eps;
}

struct sl_fwd_eps *
sl_fwd_eps_get(struct sl_fwd_eps *eps)
{
	eps->refs++;
	return eps;
}

void
sl_fwd_eps_put(struct sl_fwd_eps *eps)
{
	if (!eps || --eps->refs > 0)
		return;
	if (eps->rest->on_free)
		eps->rest->on_free(eps->rest->ctx, eps);
	for (uint32_t i = 0; i < eps->rest->n_parts; i++)
		sl_fwd_eps_put(eps->rest->part[i]);
	rest_free(eps->rest);
	free(eps->lot);
	free(eps);
}

void
sl_fwd_eps_on_free(
	struct sl_fwd_eps *eps, void (*fn)(void *ctx, const struct sl_fwd_eps *eps), void *ctx)
{
	eps->rest->on_free = fn;
	eps->rest->ctx = ctx;
}

// ---- reading ----

uint32_t
sl_fwd_eps_count(const struct sl_fwd_eps *eps)
{
	uint32_t n = eps->rest->spec.n;

	for (uint32_t i = 0; i < eps->rest->n_parts; i++)
		n += sl_fwd_eps_count(eps->rest->part[i]);
	return n;
}

const struct sl_fwd_ep *
sl_fwd_eps_at(const struct sl_fwd_eps *eps, uint32_t i)
{
	const struct rest *rest = eps->rest;

	for (uint32_t p = 0; p < rest->n_parts; p++) {
		const uint32_t n = sl_fwd_eps_count(rest->part[p]);

		if (i < n)
			return sl_fwd_eps_at(rest->part[p], i);
		i -= n;
	}
	return &rest->spec.ep[i];
}

uint32_t
sl_fwd_eps_parts(const struct sl_fwd_eps *eps)
{
	return eps->rest->n_parts;
}

struct sl_fwd_eps *
sl_fwd_eps_part(const struct sl_fwd_eps *eps, uint32_t i)
{
	return eps->rest->part[i];
}

uint32_t
sl_fwd_eps_cluster_slot(const struct sl_fwd_eps *eps)
{
	return eps->cluster_slot;
}

// ---- equality ----

static bool
equal_endpoints(const struct sl_fwd_eps_spec *a, const struct sl_fwd_eps_spec *b)
{
	if (a->n != b->n || !a->since_ns != !b->since_ns)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sl_fwd_ep *x = &a->ep[i], *y = &b->ep[i];

		if (x->addr != y->addr || x->port != y->port || x->down != y->down ||
			x->weight != y->weight || x->slot != y->slot)
			return false;
		if (a->since_ns && a->since_ns[i] != b->since_ns[i])
			return false;
	}
	return true;
}

static bool
equal_groups(const struct sl_fwd_eps_spec *a, const struct sl_fwd_eps_spec *b)
{
	if (a->n_groups != b->n_groups)
		return false;
	for (uint32_t i = 0; i < a->n_groups; i++) {
		const struct sl_fwd_group *x = &a->group[i], *y = &b->group[i];

		if (x->n != y->n || x->weight != y->weight || x->priority != y->priority)
			return false;
	}
	return true;
}

static bool
equal_specs(const struct sl_fwd_eps_spec *a, const struct sl_fwd_eps_spec *b)
{
	return a->locality_weighted == b->locality_weighted &&
	       a->min_health_percent == b->min_health_percent && a->algo == b->algo &&
	       a->table_size == b->table_size && a->cluster_slot == b->cluster_slot &&
	       a->max_flows == b->max_flows && a->policy == b->policy && a->pending == b->pending &&
	       a->warmup_ns == b->warmup_ns && a->warmup_min_percent == b->warmup_min_percent &&
	       a->warmup_aggression == b->warmup_aggression && equal_groups(a, b) &&
	       equal_endpoints(a, b);
}

bool
sl_fwd_eps_equal(const struct sl_fwd_eps *a, const struct sl_fwd_eps *b)
{
	const struct rest *x = a->rest, *y = b->rest;

	if (x->n_parts != y->n_parts || !equal_specs(&x->spec, &y->spec))
		return false;
	for (uint32_t i = 0; i < x->n_parts; i++)
		if (x->weight[i] != y->weight[i] || !sl_fwd_eps_equal(x->part[i], y->part[i]))
			return false;
	return true;
}
