// Orders to end all flows of an endpoint slot, whose address is gone: one sweep over the flow table
// serves all of them together.
//
// Owner:   part of the pipe; reset_init() takes all memory.
// Threads: the owning worker only.
// Errors:  sl_pipe_reset_slot() says whether there was room.
// Limits:  RESET_ORDERS slots at a time; a bit per slot. A housekeeping looks at SWEEP_RECORDS
//          records and ends SWEEP_ENDS flows at most. A slot without an open flow costs no sweep.
//
// A flow that began after the order is not meant: the address came back. The order's tick tells
// them apart, and within one tick (134 ms) the number of orders that the slot had in it by then,
// which its new flows bear (SL_FLOW_F_ORDERS). From the seventh order in one tick on, those that
// began after the seventh stay.
#pragma once

#include "own.h"
#include "sl_pipe.h"

#define RESET_ORDERS  256
#define SWEEP_RECORDS 128
#define SWEEP_ENDS    32

struct burst;

struct order {
	uint32_t slot;
	sl_tick tick;  // of the last one
	uint32_t from; // where the sweep was then
	uint8_t n;     // orders in that tick
	bool wrapped;  // the sweep began anew since
	bool done;     // kept until its tick is over, for n
};

struct reset {
	uint64_t *wanted; // a bit per slot that is in order
	struct order order[RESET_ORDERS];
	uint32_t n;
	uint32_t n_open; // of these, not done
	uint32_t cursor; // the record that is looked at next
};

int reset_init(struct reset *r, const struct sl_pipe_cfg *cfg); // 0 or -ENOMEM
void reset_fini(struct reset *r);

// A new flow to a slot that may be in order: no order of before means it.
void pipe_spare(const struct sl_pipe *p, struct sl_flow *flow);
// Housekeeping: a step of the sweep.
void pipe_sweep(struct sl_pipe *p, const struct burst *b);
