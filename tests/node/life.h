// Clients and endpoints around a node: exchanges over UDP, TCP connections from SYN to FIN, some
// that end by a reset or in silence, endpoints that refuse. Every frame that leaves the node is
// taken apart, checksums and all; an endpoint answers from what the frame says, a client knows who
// has to answer.
//
// A client belongs to the worker at whose queue its frames arrive; what an endpoint sends arrives
// at any worker.
//
// Owner:   life_new() / life_free(), when the node is stopped.
// Threads: life_rx() and life_tx() are the node's callbacks, in its workers' threads; life_open()
// and
//          life_limit() any; life_tally() the node is stopped.
// Errors:  what is wrong with frames is counted, the first one is told on stdout.
#pragma once

#include <rte_mbuf.h>
#include <stdio.h>

#include "world.h"

struct life_cfg {
	unsigned n_workers;
	uint32_t clients;  // of each worker, 16,384 at most
	uint32_t at_once;  // of these busy, at most
	uint32_t services; // of the world
	uint32_t stable;   // the first so many never change: their flows never move
	uint32_t frames;   // that there are
	uint32_t rate;     // exchanges that each worker's clients begin in a second; 0: no limit
	uint64_t patience_ns;
	// After that all clients give up, not only where a service changed: frames may be lost, and
	// some endpoints say nothing to a SYN.
	bool all_give_up;
	uint64_t seed;
};

struct life_tally {
	uint64_t in, out; // frames that the node got and that it sent
	uint64_t begun, ended;
	uint64_t refused, reset, given_up; // of those that ended; given up: after a change
	uint64_t stale;                    // answers to an exchange that was given up
	uint64_t bad;                      // frames with a wrong checksum, length or address
	uint64_t moved;                    // of an established flow, to or from another endpoint
	uint64_t astray;                   // new flows to an endpoint that was not in force
	uint64_t lost; // frames that did not find room between worker and worker
};

struct life;
struct life *life_new(const struct life_cfg *cfg);
void life_free(struct life *l);
void life_set_world(struct life *l, const struct world *w); // before the node starts
unsigned life_rx(void *life, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n);
void life_tx(void *life, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n);
// Exchanges that each worker's clients may begin from now on; UINT64_MAX: any number.
void life_limit(struct life *l, uint64_t n);
uint32_t life_open(const struct life *l); // exchanges that have not ended, and those still to begin
void life_show_open(const struct life *l, FILE *to); // stopped: some that have not ended
void life_tally(const struct life *l, struct life_tally *sum);
