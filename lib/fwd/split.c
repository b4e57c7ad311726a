// A VirtualService's weighted destinations: sets in a set.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eps.h"
#include "pick.h"

static bool
valid(struct sl_fwd_eps *const *part, const uint32_t *weight, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (part[i]->split)
			return false;
		sum += weight[i];
	}
	return n == 1 || (sum > 0 && sum <= UINT32_MAX);
}

static int
fill(struct rest *rest, struct sl_fwd_eps *const *part, const uint32_t *weight, uint32_t n)
{
	uint64_t *wide = malloc(n * sizeof(*wide));
	int rc = -ENOMEM;

	rest->part = malloc(n * sizeof(*rest->part));
	rest->weight = malloc(n * sizeof(*rest->weight));
	rest->part_alias = malloc(n * sizeof(*rest->part_alias));
	if (wide && rest->part && rest->weight && rest->part_alias) {
		for (uint32_t i = 0; i < n; i++)
			wide[i] = weight[i];
		memcpy(rest->part, part, n * sizeof(*part));
		memcpy(rest->weight, weight, n * sizeof(*weight));
		rc = alias_make(rest->part_alias, sizeof(struct alias), wide, n);
	}
	free(wide);
	return rc;
}

struct sl_fwd_eps *
sl_fwd_eps_split(struct sl_fwd_eps *const *part, const uint32_t *weight, uint32_t n)
{
	const struct sl_fwd_eps_spec none = {.cluster_slot = SL_FWD_SLOT_NONE};
	struct sl_fwd_eps *eps;

	if (n == 0 || n > SL_FWD_EPS_MAX || !valid(part, weight, n)) {
		errno = EINVAL;
		return NULL;
	}
	eps = sl_fwd_eps_new(&none);
	if (!eps)
		return NULL;
	if (fill(eps->rest, part, weight, n) < 0) {
		sl_fwd_eps_put(eps);
		errno = ENOMEM;
		return NULL;
	}
	eps->split = true;
	eps->rest->n_parts = n;
	return eps;
}

static bool
has_slot(const struct sl_fwd_eps *eps, uint32_t slot)
{
	for (uint32_t i = 0; i < eps->n_live; i++)
		if (eps->live[i].slot == slot)
			return true;
	return false;
}

const struct sl_fwd_eps *
split_part(const struct sl_fwd_eps *eps, const struct sl_fwd_ask *ask)
{
	const struct rest *rest = eps->rest;

	// A flow that tries again stays in its part, or dead endpoints would shift the weights.
	for (uint32_t i = 0; ask->n_tried > 0 && i < rest->n_parts; i++)
		if (has_slot(rest->part[i], ask->tried[0]))
			return rest->part[i];
	return rest->part[alias_draw(
		rest->part_alias, sizeof(struct alias), rest->n_parts, remix(~ask->rnd) >> 32)];
}
