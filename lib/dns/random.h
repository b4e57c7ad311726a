// Jitter: xorshift64*, seeded by the caller, so that a test sees the same times again.
#pragma once

#include "sl_types.h"

static inline uint64_t
random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

// Evenly out of [0, span).
static inline uint64_t
random_below(uint64_t *state, uint64_t span)
{
	return (uint64_t)((unsigned __int128)random_next(state) * span >> 64);
}
