// Weighted least request: an alias table draws two endpoints by weight, the less loaded one is
// taken. docs/decisions/0005-weighted-least-request.md says why.
//
// Source: M. D. Vose, A Linear Algorithm For Generating Random Numbers With a Given Distribution
// (1991), here in integers, so that no share is lost to rounding but the last bit of `keep`.
#include <errno.h>
#include <stdlib.h>

#include "eps.h"

// mass / total as a fraction of 2^32; mass < total.
static uint32_t
fraction(uint64_t mass, uint64_t total)
{
	if (sl_likely(total <= UINT32_MAX))
		return (mass << 32) / total;
	return ((unsigned __int128)mass << 32) / total;
}

static void
keep_all(struct sl_fwd_eps *eps)
{
	for (uint32_t i = 0; i < eps->n; i++)
		eps->alias[i] = (struct alias){.keep = UINT32_MAX, .other = i};
}

static bool
equal_weights(const struct sl_fwd_eps *eps)
{
	for (uint32_t i = 1; i < eps->n; i++)
		if (eps->ep[i].weight != eps->ep[0].weight)
			return false;
	return true;
}

// Each column holds `total`; mass[i] = weight * n is what endpoint i has to spread. Columns with
// too little (from the front of list) are filled up by those with too much (from its back).
static void
pair(struct sl_fwd_eps *eps, uint64_t *mass, uint32_t *list, uint64_t total)
{
	uint32_t n_poor = 0, rich = eps->n;

	for (uint32_t i = 0; i < eps->n; i++) {
		mass[i] = (uint64_t)eps->ep[i].weight * eps->n;
		if (mass[i] < total)
			list[n_poor++] = i;
		else
			list[--rich] = i;
	}
	while (n_poor > 0) {
		const uint32_t p = list[--n_poor], r = list[rich];

		eps->alias[p] = (struct alias){.keep = fraction(mass[p], total), .other = r};
		mass[r] -= total - mass[p];
		if (mass[r] < total) {
			list[n_poor++] = r;
			rich++;
		}
	}
}

int
balance_init(struct sl_fwd_eps *eps)
{
	uint64_t total = 0;
	uint64_t *mass;

	keep_all(eps);
	if (equal_weights(eps))
		return 0;
	mass = malloc(eps->n * (sizeof(uint64_t) + sizeof(uint32_t)));
	if (!mass)
		return -ENOMEM;
	for (uint32_t i = 0; i < eps->n; i++)
		total += eps->ep[i].weight;
	pair(eps, mass, (uint32_t *)(mass + eps->n), total);
	free(mass);
	return 0;
}

// The product's upper word is the column and its lower word the place in it.
static inline const struct sl_fwd_ep *
draw(const struct sl_fwd_eps *eps, uint32_t rnd)
{
	const uint64_t at = (uint64_t)rnd * eps->n;
	const uint32_t column = at >> 32;
	const struct alias *a = &eps->alias[column];

	return &eps->ep[(uint32_t)at < a->keep ? column : a->other];
}

static inline uint64_t
active(const struct sl_fwd_load *load, const struct sl_fwd_ep *ep)
{
	return __atomic_load_n(&load[ep->slot].active, __ATOMIC_RELAXED);
}

static const struct sl_fwd_ep *
least_request(const struct sl_fwd_eps *eps, const struct sl_fwd_load *load, uint64_t rnd)
{
	const struct sl_fwd_ep *a, *b;

	if (sl_unlikely(eps->n < 2))
		return eps->n == 1 ? &eps->ep[0] : NULL;
	a = draw(eps, rnd);
	b = draw(eps, rnd >> 32);
	// active(a) / weight(a) > active(b) / weight(b), without a division
	return active(load, a) * b->weight > active(load, b) * a->weight ? b : a;
}

int
sl_fwd_pick(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, const struct sl_fwd_ask *ask,
	struct sl_fwd_choice *out)
{
	const struct sl_fwd_ep *ep = least_request(eps, load, ask->rnd);

	if (!ep)
		return -ENOENT;
	*out = (struct sl_fwd_choice){
		.ep = ep, .cluster_slot = eps->cluster_slot, .policy = eps->policy};
	return 0;
}
