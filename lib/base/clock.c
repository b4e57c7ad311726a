#include "sl_clock.h"

#include <time.h>

uint64_t
sl_clock_ns(const struct sl_clock *clock)
{
	struct timespec ts;

	if (clock && clock->fake_ns)
		return clock->fake_ns;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SL_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}
