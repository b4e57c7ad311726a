#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eps.h"

static bool
valid(const struct sl_fwd_ep *ep, uint32_t n)
{
	if (n > SL_FWD_EPS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (ep[i].weight == 0)
			return false;
	return true;
}

struct sl_fwd_eps *
sl_fwd_eps_new(const struct sl_fwd_eps_spec *spec)
{
	const struct sl_fwd_ep *ep = spec->ep;
	const uint32_t n = spec->n;
	struct sl_fwd_eps *eps;
	const size_t head = sizeof(*eps) + n * sizeof(eps->alias[0]);
	const size_t size = head + n * sizeof(*ep);

	if (!valid(ep, n) || spec->algo != SL_FWD_LEAST_REQUEST) {
		errno = EINVAL;
		return NULL;
	}
	// aligned_alloc() wants a multiple of the alignment.
	eps = aligned_alloc(SL_CACHE_LINE, (size + SL_CACHE_LINE - 1) & ~(SL_CACHE_LINE - 1ul));
	if (!eps)
		return NULL;
	*eps = (struct sl_fwd_eps){.n = n,
		.refs = 1,
		.cluster_slot = spec->cluster_slot,
		.max_flows = spec->max_flows,
		.policy = spec->policy,
		.ep = (void *)((char *)eps + head)};
	if (n > 0)
		memcpy(eps->ep, ep, n * sizeof(*ep));
	if (balance_init(eps) < 0) {
		free(eps);
		errno = ENOMEM;
		return NULL;
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
	if (eps->on_free)
		eps->on_free(eps->ctx, eps);
	free(eps);
}

void
sl_fwd_eps_on_free(
	struct sl_fwd_eps *eps, void (*fn)(void *ctx, const struct sl_fwd_eps *eps), void *ctx)
{
	eps->on_free = fn;
	eps->ctx = ctx;
}

uint32_t
sl_fwd_eps_count(const struct sl_fwd_eps *eps)
{
	return eps->n;
}

const struct sl_fwd_ep *
sl_fwd_eps_at(const struct sl_fwd_eps *eps, uint32_t i)
{
	return &eps->ep[i];
}

bool
sl_fwd_eps_equal(const struct sl_fwd_eps *a, const struct sl_fwd_eps *b)
{
	if (a->n != b->n || a->cluster_slot != b->cluster_slot || a->max_flows != b->max_flows ||
		a->policy != b->policy)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sl_fwd_ep *x = &a->ep[i], *y = &b->ep[i];

		if (x->addr != y->addr || x->port != y->port || x->weight != y->weight ||
			x->slot != y->slot)
			return false;
	}
	return true;
}
