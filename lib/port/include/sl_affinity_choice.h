// Which way each port of a node brings replies to their workers, from what was asked for and what
// the devices can do.
//
// Pool ports are shared out by number or by hash (sl_owner.h), for all ports of the node alike:
// flow rules need the one, RSS the other. Whatever is chosen, a reply that arrives elsewhere is
// handed off.
//
// Owner:   caller's memory.
// Threads: any; a pure function.
// Errors:  -EINVAL and *why (caller frees): a port cannot do what it was asked for.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sl_affinity.h"

#define SL_AFFINITY_WHY 256

struct sl_affinity_port {
	const char *name;
	enum sl_affinity wanted;
	unsigned rx_queues;
	const char *no_rules; // why flow rules cannot be; NULL: they can
	const char *no_rss;   // likewise
	// chosen
	enum sl_affinity way;
	char why[SL_AFFINITY_WHY]; // why none that comes before it; "" when it was asked for
};

// by_hash: pool ports are to be shared out so; some port has SL_AFFINITY_RSS then.
int sl_affinity_choose(
	struct sl_affinity_port *ports, unsigned n, unsigned n_workers, bool *by_hash, char **why);
