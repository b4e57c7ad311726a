// Frames that would open a flow to a service whose names have no answer yet: they are kept for a
// moment, and tried again from classification on.
//
// Owner:   part of the pipe; park_init() takes all memory.
// Threads: the owning worker only.
// Errors:  none: what finds no room, or waits too long, is refused like any flow that no endpoint
//          is left for.
// Limits:  `total` frames, a quarter of them of one client, half of them to one service. A round
//          over all of them begins every PARK_ROUND_NS, some in each housekeeping. Parking one
//          looks at all that are parked: only first packets to pending services pay for it.
#pragma once

#include "own.h"
#include "sl_pipe.h"

#define PARK_ROUND_NS (5 * UINT64_C(1000000))

struct burst;

struct parked {
	struct sl_pkt pkt; // as it came in, parsed
	uint64_t until_ns; // refused from here on; not 0
};

struct park {
	struct parked *ring; // [total]
	uint32_t total;
	uint32_t head; // the oldest, or the next one of a round
	uint32_t n;
	uint32_t left;     // of this round
	uint64_t round_ns; // the next one does not begin before
	uint64_t ns;
};

int park_init(struct park *q, const struct sl_pipe_cfg *cfg); // 0 or -ENOMEM
void park_fini(struct park *q);

// The frame waits, with the verdict HOLD, or it is refused. A frame with the tuple of a parked one
// takes its place and its deadline: pkt is the older one then, which is dropped.
void pipe_park(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt);
// Housekeeping: frames that need wait no longer, with what became of them; at most max.
unsigned pipe_unpark(struct sl_pipe *p, struct burst *b, struct sl_pkt *out, unsigned max);
// At the end: the oldest comes out without a verdict. False: there is none.
bool pipe_park_take(struct sl_pipe *p, struct sl_pkt *out);
