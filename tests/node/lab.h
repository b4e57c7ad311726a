// A node, the clients and endpoints around it, and its control, together.
//
// Owner:   lab_init() / lab_fini(), the node is stopped.
// Threads: one.
// Errors:  as said per function.
#pragma once

#include "life.h"
#include "node.h"

struct lab_cfg {
	struct node_cfg node; // rx, tx, ctx, seed: the lab's
	uint32_t clients;     // of each worker
	uint32_t at_once;
	uint32_t services;
	uint32_t stable; // the first so many do not change
	uint32_t hosts;
	uint64_t timeout_ns;
	uint64_t patience_ns; // these three as in life.h
	bool all_give_up;
	uint32_t rate;
};

struct lab {
	struct lab_cfg cfg;
	struct node *node;
	struct world *world;
	struct life *life;
	uint64_t rnd;
	unsigned rounds; // of lab_change()
	unsigned orders; // to reset the flows of an endpoint that went: of every other one
};

void lab_init(struct lab *l, const struct lab_cfg *cfg, uint64_t seed);
void lab_fini(struct lab *l);
// Some services get other endpoints, now and then one comes or goes or next hops change: compiled,
// published, and what it replaced freed.
void lab_change(struct lab *l);
// Until all exchanges ended and no frame is under way, the node runs. False: after `limit_s` that
// is not so.
bool lab_rest(struct lab *l, unsigned limit_s);
