#pragma once

#include "eps.h"

// The part of a split that a flow goes to.
const struct sl_fwd_eps *split_part(const struct sl_fwd_eps *eps, const struct sl_fwd_ask *ask);

// Balancers: the index of a live endpoint, of a set that has one.
uint32_t least_request(const struct sl_fwd_eps *eps, const struct sl_fwd_load *load, uint64_t rnd,
	uint64_t now_ns);
uint32_t random_draw(const struct sl_fwd_eps *eps, uint64_t rnd);
uint32_t round_robin(
	const struct sl_fwd_eps *eps, struct sl_fwd_load *load, uint64_t rnd, uint64_t now_ns);
