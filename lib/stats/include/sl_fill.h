// How full something is that can run out, when it will be, and whether somebody should be told.
//
// Owner:   caller's memory, zeroed at the beginning.
// Threads: the caller's; nothing is shared. Time comes in as an argument.
// Errors:  none.
// Limits:  a forecast looks an hour ahead, and wants ten seconds of samples, some seconds apart.
#pragma once

#include "sl_types.h"

#define SL_FILL_FAR UINT64_MAX

struct sl_fill {
	uint64_t last_ns; // of the last sample; 0: there was none
	uint32_t used;
	uint32_t size;
	double slope;  // per second: a mean in which a sample counts less the older it is
	double weight; // of all samples in it
	bool warned;
};

enum sl_fill_news {
	SL_FILL_NOTHING,
	SL_FILL_RAISED,
	SL_FILL_CLEARED,
};

// RAISED, once: 80 % are used; or half is, and it will be full within five minutes. CLEARED, once:
// less than 70 % are used, and it will not be full within ten minutes. size > 0.
enum sl_fill_news sl_fill_sample(struct sl_fill *f, uint64_t now_ns, uint32_t used, uint32_t size);
// Seconds from the last sample until all is used, if it goes on like that; 0: it is.
// SL_FILL_FAR: not within an hour, or nobody can say yet.
uint64_t sl_fill_seconds_left(const struct sl_fill *f);
