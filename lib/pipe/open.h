// New flows: docs/decisions/0006.
//
// Owner:   part of the pipe, see pipe_priv.h; openings are on the stack of classify.c.
// Threads: the owning worker only.
// Errors:  none: what opens no flow has its verdict.
// Limits:  SL_BURST openings at a time.
#pragma once

#include "pipe_priv.h"
#include "sl_flow_lookup.h"

// A search for the endpoint of a flow, and what it found.
struct attempt {
	uint32_t tried[SYN_TRIED]; // slots; the one that was found is the last
	unsigned n_tried;
	bool reopens; // for a client that had this connection a moment ago
	struct sl_fwd_choice choice;
	sl_be32 addr;
	sl_be16 port;
	struct next_hop next;
};

// A packet that opens a flow, most likely.
struct opening {
	struct sl_pkt *pkt;
	const struct sl_fwd_eps *eps; // NULL: it has no plan yet
	bool may_wait; // for the second step: those before it count, and may not be let in
	struct attempt a;
	struct sl_tuple tuple[2]; // of the flow; the endpoint's with the port that is offered
	uint64_t hash[2];         // of these
	bool offered;
	struct sl_sport_offer offer; // its pool_addr is that of the port that is lent, too
};

// choose.c: what a new flow to t goes to; kinds are those of its destination. NULL: nothing.
const struct sl_fwd_eps *pipe_match(
	const struct sl_fwd *fwd, const struct sl_tuple *t, uint32_t kinds);
// An endpoint of eps that is not in a->tried and that packets can reach; those that they cannot are
// added there. SL_DROP_NONE, or why there is none: of the first that was tried, if any was.
enum sl_drop pipe_choose(struct sl_pipe *p, const struct burst *b, const struct sl_fwd_eps *eps,
	const struct sl_tuple *client, struct attempt *a);

// open.c: new flows of a burst, in two steps, so that what the second one reads is on its way into
// the cache for all of them. First the endpoint, in whose load the flow counts from here on; or no
// plan, where only those before it are in its way. False: the packet has its verdict.
bool pipe_plan(
	struct sl_pipe *p, struct burst *b, const struct sl_flow_index *x, struct opening *o);
void pipe_unplan(struct sl_pipe *p, const struct opening *o); // if there is a plan
// Then port and record: a hit, or the packet's verdict.
void pipe_open(struct sl_pipe *p, struct burst *b, struct opening *o);
uint32_t pipe_client_hash(sl_be32 addr); // chooses its pool address: the same on every worker
// The flow's packets go to the endpoint that was found, which its tuples already say.
void pipe_aim(struct sl_flow *flow, const struct burst *b, const struct attempt *a);
