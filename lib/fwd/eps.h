// The inside of an endpoint set: eps.c its life, build.c what is drawn from, pick.c the choice, and
// a file for each balancer.
#pragma once

#include "alias.h"
#include "sl_fwd_eps.h"

// What is drawn from alone: a priority, or in locality-weighted sets a locality of one.
struct lot {
	uint32_t first; // in live
	uint32_t n;
	struct alias alias; // of the draw among lots
};

// Of consistent hashing: 2 bytes an entry, and for a ring the points that they begin at.
struct table {
	uint32_t n;      // 0: the first endpoint has it all
	uint16_t *owner; // index into the priority's endpoints
	uint32_t *point; // ring hash only: ascending
};

struct level {
	uint32_t first; // in live
	uint32_t n;
	uint32_t load; // percent of new flows
	struct table table;
};

// What few picks read, or none.
struct rest {
	struct sl_fwd_eps_spec spec; // its arrays are ours; ep in the order given
	void (*on_free)(void *ctx, const struct sl_fwd_eps *eps);
	void *ctx;
	uint64_t *since;     // per live endpoint; NULL: none warms up
	uint64_t warm_until; // no endpoint warms up from here on
	struct level *level;
	uint32_t n_levels;
	uint16_t *turn; // of round robin; NULL: each live one in its turn
	uint32_t n_turns;
	// of a split
	struct sl_fwd_eps **part;
	uint32_t *weight;
	struct alias *part_alias;
	uint32_t n_parts;
};

// The head, the aliases and the endpoints of a small set lie in the first two cache lines.
struct sl_fwd_eps {
	uint32_t n_live;
	uint32_t n_lots;
	uint32_t cluster_slot;
	uint32_t max_flows;
	uint16_t policy;
	uint8_t algo; // enum sl_fwd_algo
	bool warms;
	bool split;
	bool pending;
	uint8_t pad[2];
	uint32_t refs;          // control only
	struct sl_fwd_ep *live; // those to pick from, by priority and locality
	struct lot *lot;
	struct rest *rest;
	struct alias alias[]; // per live endpoint, within its lot: least request and random
};

// build.c: live endpoints, lots, priorities and the balancer's tables, from rest->spec, which is
// valid; it fills the rest. NULL: no memory; rest stays the caller's.
struct sl_fwd_eps *build(struct rest *rest);

// round_robin.c: the turns of n > 0 live endpoints by their shares. 0 or -ENOMEM.
int turns_make(struct rest *rest, const uint64_t *mass, uint32_t n);

// Finalizer of SplitMix64: the next random bits from rnd.
static inline uint64_t
remix(uint64_t rnd)
{
	rnd += UINT64_C(0x9e3779b97f4a7c15);
	rnd = (rnd ^ rnd >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	rnd = (rnd ^ rnd >> 27) * UINT64_C(0x94d049bb133111eb);
	return rnd ^ rnd >> 31;
}
