// A worker: one pinned poll loop that owns a flow table, source ports, counters and its queues.
//
// Owner:   main.c: sl_worker_new() before the ports start, sl_worker_free() after the loop has
//          returned and the ports stopped.
// Threads: sl_worker_run() is the worker's thread; rings have one producer and one consumer each,
//          as their names say. Nothing else is shared but what sl_stats, sl_rcu and sl_flow_walk
//          allow.
// Errors:  new: NULL and *why.
// Limits:  SL_BURST frames a poll and queue; every ring is bounded, a full one is a counted drop.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "sl_conf.h"
#include "sl_log.h"
#include "sl_pipe.h"
#include "sl_port.h"
#include "sl_rcu.h"

#define SL_HANDOFF_RING 1024
#define SL_PUNT_RING    1024
#define SL_INJECT_RING  1024
#define SL_ASK_RING     256
#define SL_ORDER_RING   1024

// What a worker asks control: the MAC of a next hop.
struct sl_ask {
	uint16_t port;
	sl_be32 addr;
};
_Static_assert(sizeof(struct sl_ask) % 4 == 0, "an element of a ring");

// The queues of one port as one worker sees them.
struct sl_worker_port {
	uint16_t dpdk_id;
	uint16_t rx_first; // polls rx queues rx_first, rx_first + n_workers, ... below rx_queues
	uint16_t rx_queues;
	bool spray;  // what it receives here it hands out to all
	bool has_tx; // sends on queue tx_queue itself; otherwise worker 0 does it
	uint16_t tx_queue;
	uint32_t max_frame; // bytes without FCS that the port may be given
};

struct sl_worker_cfg {
	unsigned id;
	const struct sl_owner *owner; // of replies; all workers have the same
	const uint64_t *spray_key;    // 2; likewise
	const struct sl_conf *conf;
	const struct sl_worker_port *ports;
	const struct sl_mac *port_mac;
	uint16_t n_ports;
	const sl_be32 *pool;
	uint32_t n_pool;
	struct sl_rcu *rcu;
	struct rte_mempool *frames;    // for frames of our own
	int punt_fd;                   // eventfd of the mirror thread
	int ask_fd;                    // eventfd of control
	const uint32_t *mirror_asleep; // w: mirror thread, r: workers
	uint64_t seed;
};

struct sl_worker;

struct sl_worker *sl_worker_new(const struct sl_worker_cfg *cfg, char **why);
void sl_worker_free(struct sl_worker *w);
// Gives each worker the others' ends of the hand-off rings; after all are made, before any runs.
void sl_worker_connect(struct sl_worker *const workers[], unsigned n);

int sl_worker_run(void *worker);          // until sl_worker_stop(); returns 0
void sl_worker_stop(struct sl_worker *w); // any thread, also a signal handler

struct rte_ring *sl_worker_punt_ring(struct sl_worker *w);        // worker -> mirror thread
struct rte_ring *sl_worker_inject_ring(struct sl_worker *w);      // mirror thread -> worker
bool sl_worker_next_ask(struct sl_worker *w, struct sl_ask *out); // control

// Control's mailbox: all flows of this endpoint slot that the worker has when it gets the order are
// ended (sl_pipe_reset_slot()). What was published before is in force for the worker by then.
// False: the mailbox is full; control asks sl_worker_has_room() first where an order is for
// several.
bool sl_worker_order_reset(struct sl_worker *w, uint32_t slot);
bool sl_worker_has_room(const struct sl_worker *w);

// The worker's clock, which its flow table was given: it runs by the TSC, and CLOCK_MONOTONIC
// leaves it behind (or ahead) by seconds in weeks. Any thread.
uint64_t sl_worker_now_ns(const struct sl_worker *w);
const struct sl_stats *sl_worker_stats(const struct sl_worker *w);
const struct sl_flow_table *sl_worker_flows(const struct sl_worker *w);
const struct sl_fwd_load *sl_worker_load(const struct sl_worker *w);
const struct sl_sport *sl_worker_sports(const struct sl_worker *w);
