// Slow start: a new endpoint is drawn like any other and rejected while it is cold, more often the
// colder; the draws for one flow are bounded.
#pragma once

#include "eps.h"

#define WARM_DRAWS 16

static inline bool
warming(const struct sl_fwd_eps *eps, uint64_t now_ns)
{
	return now_ns < eps->rest->warm_until;
}

// The part of its weight that live endpoint i has by now, 0..1.
double warm_factor(const struct sl_fwd_eps *eps, uint32_t i, uint64_t now_ns);

// Whether a draw of it stands, by random bits.
static inline bool
warm_enough(const struct sl_fwd_eps *eps, uint32_t i, uint64_t rnd, uint64_t now_ns)
{
	return (uint32_t)rnd * 0x1p-32 < warm_factor(eps, i, now_ns);
}
