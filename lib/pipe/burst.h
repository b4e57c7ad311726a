// One burst on its way through the stages.
#pragma once

#include "sl_pipe.h"
#include "syns.h"

struct next_hop {
	const struct sl_fwd_adj *adj; // NULL: not resolved, wait for hop
	uint32_t index;               // of the adjacency, SL_ADJ_NONE if there is none yet
	struct sl_fwd_hop hop;        // set when adj is NULL
};

// A packet of a known flow.
struct hit {
	struct sl_pkt *pkt;
	struct sl_flow *flow;
	uint32_t index; // of the flow
	enum sl_flow_dir dir;
	struct next_hop next;
};

// Stages compact: what has its verdict is in none of the lists.
struct burst {
	const struct sl_fwd *fwd;
	const struct sl_fwd_adj *adj; // of fwd->net
	uint32_t n_adjs;
	uint32_t route_gen; // of fwd->net
	uint64_t now_ns;
	sl_tick now;
	struct sl_flow_timeouts timeouts;
	uint64_t park_until; // of the parked frame that is tried again; 0: this is another burst
	unsigned n_odd, n_work, n_miss, n_hit, n_refused;
	struct sl_pkt *odd[SL_BURST]; // not plain: the parser has to say what they are
	struct sl_pkt
		*work[SL_BURST]; // to this port's address, IPv4 with a whole TCP or UDP header
	struct sl_pkt *miss[SL_BURST];    // of these, no flow has them
	struct sl_pkt *refused[SL_BURST]; // of flows that have to find another endpoint first
	struct hit hit[SL_BURST];
};
