// Time as a value that is handed in: the real monotonic clock, or one that a test moves.
//
// Threads: a real clock from any thread; a fake one from the thread that moves it.
#pragma once

#include "sl_types.h"

struct sl_clock {
	uint64_t fake_ns; // 0: the real clock
};

uint64_t sl_clock_ns(const struct sl_clock *clock); // CLOCK_MONOTONIC

// The CPU's time-stamp counter; 0 where there is none that is read in a few cycles.
static inline uint64_t
sl_cycles(void)
{
#if defined(__SSE2__)
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}
