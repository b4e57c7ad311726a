// The daemon's workers as they are (app/sluice: worker.c, loop.c, tx.c), in threads of their own,
// with no EAL, device, hugepage or root: memory is the heap's, the devices' receive and transmit
// functions are the test's, frames come from a pool that knows of each who has it.
//
//   port 0, clients: a queue of its own for each worker, both ways
//   port 1, servers: a receive queue for each worker, one transmit queue, which is worker 0's;
//                    what worker 0 receives it sprays
//
// so that frames change hands in all ways: to be processed (answers that arrive at a worker that
// does not own their flow: by the spray or by the pipe) and to be sent.
//
// Owner:   node_new() / node_free(), after node_stop(). One node at a time.
// Threads: who made it; the callbacks run in the workers' threads, and node_frame_get() and
//          node_frame_put() are theirs.
// Errors:  none: what cannot be had ends the process.
// Limits:  NODE_WORKERS workers; frames of NODE_ROOM bytes.
#pragma once

#include <rte_mbuf.h>

#include "worker.h"

#define NODE_WORKERS 4
#define NODE_ROOM    256

enum { NODE_CLIENTS, NODE_SERVERS, NODE_PORTS };

struct node_cfg {
	unsigned n_workers;
	uint32_t max_flows; // together
	uint32_t max_endpoints;
	uint32_t handshakes;   // SYNs kept by each worker
	uint32_t frames;       // together
	uint32_t pool;         // addresses from 203.0.113.224 on
	bool poll;             // workers never sleep
	bool by_hash;          // who owns a reply, else by port
	int cpu[NODE_WORKERS]; // -1: any
	uint64_t seed;
	// What arrives at a worker's queue of a port: up to n frames of node_frame_get().
	unsigned (*rx)(
		void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n);
	// What it sends: the frames are the callee's.
	void (*tx)(void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n);
	void *ctx;
};

struct node;
struct node *node_new(const struct node_cfg *cfg);
void node_free(struct node *n);
struct sl_rcu *node_rcu(struct node *n); // publish a snapshot before the start
struct sl_worker *node_worker(struct node *n, unsigned i);
void node_start(struct node *n);
void node_stop(struct node *n);              // what the workers hold is dropped; start goes on
void node_skip(struct node *n, uint64_t ns); // stopped: time passes
bool node_order_reset(struct node *n, uint32_t slot); // as the daemon's control does it
uint32_t node_active(struct node *n, uint32_t slot);  // flows of a slot, all workers

// Of the worker whose thread this is. NULL: none is left.
struct rte_mbuf *node_frame_get(void);
void node_frame_put(struct rte_mbuf *frame);

// Stopped: what does not balance, or NULL. The books of all workers, the flow tables against source
// ports, walks and the load of endpoints, frames that the workers still have, were given twice or
// never got; received and sent: frames that went in and came out by the caller's count.
const char *node_books(struct node *n, uint64_t received, uint64_t sent);
// Likewise of one moment, each by its own count.
struct node_count {
	uint64_t live;    // flows that the tables say they have
	uint64_t entries; // found by walking them
	uint64_t open;    // of these, not over
	uint64_t ports;   // lent
	uint64_t load;    // active flows of all slots
	uint64_t frames;  // that are nowhere in the pool
};
void node_count(struct node *n, struct node_count *out);
void node_stats(struct node *n, struct sl_stats_block *sum); // any time
