// Weighted least request: an alias table draws two endpoints by weight, the less loaded one is
// taken. docs/decisions/0005-weighted-least-request.md says why. Random: the first draw alone.
#include "pick.h"
#include "warm.h"

static inline uint64_t
active(const struct sl_fwd_load *load, const struct sl_fwd_ep *ep)
{
	return __atomic_load_n(&load[ep->slot].active, __ATOMIC_RELAXED);
}

static inline uint32_t
draw(const struct sl_fwd_eps *eps, const struct lot *lot, uint32_t rnd)
{
	return lot->first + alias_draw(eps->alias + lot->first, sizeof(struct alias), lot->n, rnd);
}

static inline const struct lot *
draw_lot(const struct sl_fwd_eps *eps, uint64_t rnd)
{
	if (sl_likely(eps->n_lots == 1))
		return eps->lot;
	return &eps->lot[alias_draw(
		&eps->lot->alias, sizeof(struct lot), eps->n_lots, remix(rnd) >> 32)];
}

uint32_t
random_draw(const struct sl_fwd_eps *eps, uint64_t rnd)
{
	return draw(eps, draw_lot(eps, rnd), rnd);
}

// A draw of one that is warm enough, as far as WARM_DRAWS go.
static uint32_t
draw_warm(const struct sl_fwd_eps *eps, const struct lot *lot, uint64_t rnd, uint64_t now_ns)
{
	uint32_t i = draw(eps, lot, rnd >> 32);

	for (unsigned k = 1; k < WARM_DRAWS && !warm_enough(eps, i, rnd, now_ns); k++) {
		rnd = remix(rnd);
		i = draw(eps, lot, rnd >> 32);
	}
	return i;
}

static uint32_t
least_request_warming(
	const struct sl_fwd_eps *eps, const struct sl_fwd_load *load, uint64_t rnd, uint64_t now_ns)
{
	const struct lot *lot = draw_lot(eps, rnd);
	const uint32_t i = draw_warm(eps, lot, remix(rnd), now_ns);
	const uint32_t k = draw_warm(eps, lot, remix(remix(rnd)), now_ns);
	const struct sl_fwd_ep *a = &eps->live[i], *b = &eps->live[k];
	const double weight_a = a->weight * warm_factor(eps, i, now_ns);
	const double weight_b = b->weight * warm_factor(eps, k, now_ns);

	return active(load, a) * weight_b > active(load, b) * weight_a ? k : i;
}

uint32_t
least_request(
	const struct sl_fwd_eps *eps, const struct sl_fwd_load *load, uint64_t rnd, uint64_t now_ns)
{
	if (sl_unlikely(eps->warms) && warming(eps, now_ns))
		return least_request_warming(eps, load, rnd, now_ns);
	const struct lot *lot = draw_lot(eps, rnd);
	const uint32_t i = draw(eps, lot, rnd), k = draw(eps, lot, rnd >> 32);
	const struct sl_fwd_ep *a = &eps->live[i], *b = &eps->live[k];

	// active(a) / weight(a) > active(b) / weight(b), without a division
	return active(load, a) * b->weight > active(load, b) * a->weight ? k : i;
}
