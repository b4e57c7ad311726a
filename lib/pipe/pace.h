// A rate with a burst, kept as one time: the virtual scheduling algorithm of ITU-T I.371.
//
// Each event costs some nanoseconds and moves the time until when all is paid for on by them, which
// may run ahead of now by `depth`. Nothing has to be filled up, a changed rate counts at once, and
// zero is a full bucket.
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool
pace_may(uint64_t paid_ns, uint64_t now_ns, uint64_t cost_ns, uint64_t depth_ns)
{
	return paid_ns + cost_ns <= now_ns + depth_ns;
}

static inline void
pace_pay(uint64_t *paid_ns, uint64_t now_ns, uint64_t cost_ns)
{
	*paid_ns = (*paid_ns < now_ns ? now_ns : *paid_ns) + cost_ns;
}
