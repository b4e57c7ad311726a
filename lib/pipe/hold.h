// Frames that wait for a next hop, and the questions asked of control meanwhile.
//
// Owner:   part of the pipe; hold_init() takes all memory.
// Threads: the owning worker only.
// Errors:  hold_put() says whether there was room.
// Limits:  `total` frames, `per_hop` of them for one next hop, a question per hop and second. Next
//          hops are searched in a plain array, at most HOPS_EXTRA more than there may be frames:
//          this is not a path that packets take all day.
#pragma once

#include "own.h"
#include "sl_fwd.h"
#include "sl_pipe.h"

struct held {
	struct sl_pkt pkt;
	uint64_t deadline_ns;
	uint32_t next;
};

// A next hop that is waited for, or was asked for less than a second ago.
struct waited {
	struct sl_fwd_hop hop;
	uint32_t head, tail; // of its frames, oldest first
	uint32_t n;
	uint64_t ask_ns; // not asked for again before
};

struct hold {
	struct held *held;
	struct waited *waited;
	uint32_t total, per_hop;
	uint32_t n_held;
	uint32_t free; // list of free entries in held
	uint32_t n_waited, max_waited;
	uint32_t cursor; // where housekeeping goes on
	uint64_t hold_ns;
	void (*ask)(void *ctx, uint16_t port, sl_be32 addr);
	void *ctx;
};

int hold_init(struct hold *q, const struct sl_pipe_cfg *cfg); // 0 or -ENOMEM
void hold_fini(struct hold *q);

// Asks control for the hop, unless it was asked within the last second.
void hold_ask(struct hold *q, const struct sl_fwd_hop *hop, uint64_t now_ns);
// Keeps a rewritten frame and asks. False: no room.
bool hold_put(
	struct hold *q, const struct sl_pkt *pkt, const struct sl_fwd_hop *hop, uint64_t now_ns);
// The oldest frame of a hop, without or with taking it.
const struct held *hold_first(const struct hold *q, const struct waited *w);
void hold_take(struct hold *q, struct waited *w, struct sl_pkt *out);
// Forgets a hop that nothing waits for; the last one takes its place.
void hold_forget(struct hold *q, struct waited *w);
