// Inside of a worker, for worker.c (life), loop.c (the poll loop), spray.c and tx.c (sending).
#pragma once

#include "worker.h"

// Why a frame is being sent; decides which counter it ends in.
enum tx_kind {
	TX_FORWARD,
	TX_REPLY,
	TX_RETRY,
	TX_INJECT,
};

// Frames that wait to be sent on a port, and what they will count for when they are.
struct tx_buffer {
	uint16_t n;
	uint16_t n_other; // that are not TX_FORWARD
	uint32_t bytes;
	struct rte_mbuf *frame[SL_BURST];
	uint8_t kind[SL_BURST]; // all TX_FORWARD while n_other is 0
};

// What travels in a hand-off ring, kept in the frame's hash.usr (free once it was received).
enum {
	HANDOFF_RECEIVED,     // process it: the flow is yours
	HANDOFF_SEND = 0x100, // send it: the queue is yours; low byte is its tx_kind
};

struct sl_worker {
	// read-only after start
	unsigned id;
	unsigned n_workers;
	uint16_t n_ports;
	struct sl_worker_port port[SL_PORT_MAX];
	const struct sl_owner *owner;
	uint64_t spray_key[2];
	struct sl_rcu *rcu;
	int punt_fd;
	int ask_fd;
	const uint32_t *mirror_asleep;
	bool always_poll;
	uint32_t idle_max_ns;
	uint64_t tsc_to_ns; // 2^-32 ns a cycle
	uint64_t tsc_base;
	uint64_t ns_base;
	uint32_t stop; // w: any, r: the worker; relaxed
	// the worker's own
	struct sl_pipe *pipe;
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	struct sl_fwd_load *load;
	struct tx_buffer tx[SL_PORT_MAX];
	bool punted; // this round put something into the punt ring
	uint64_t now_ns;
	uint64_t round_tsc; // when this round, or the last one, began
	bool round_busy;    // the last one had something to do
	// rings: one producer, one consumer
	struct rte_ring *handoff_in[SL_MAX_WORKERS];  // from worker i
	struct rte_ring *handoff_out[SL_MAX_WORKERS]; // to worker i
	struct rte_ring *punt;
	struct rte_ring *inject;
	struct rte_mempool *frames; // for frames of our own
	struct rte_ring *ask;       // of struct sl_ask, by value
	struct rte_ring *orders;    // of slots to reset, by value
	struct sl_stats stats;
};

static inline void
count(struct sl_worker *w, enum sl_counter c, uint64_t n)
{
	w->stats.local.counter[c] += n;
}

// tx.c
// Of the first packets, those that are forwarded to the same port, as many as it can take. 0: the
// first one is none, or an odd one.
unsigned tx_forward(struct sl_worker *w, const struct sl_pkt *pkts, unsigned n);
void tx_flush_port(struct sl_worker *w, uint16_t port);
void tx_flush(struct sl_worker *w);
// A frame that the port cannot take, or that another worker has to send.
void tx_add_odd(struct sl_worker *w, uint16_t port, struct rte_mbuf *m, enum tx_kind kind);

static inline void
tx_add(struct sl_worker *w, uint16_t port, struct rte_mbuf *m, uint32_t len, enum tx_kind kind)
{
	const struct sl_worker_port *p = &w->port[port];
	struct tx_buffer *b = &w->tx[port];

	if (sl_unlikely(len > p->max_frame || !p->has_tx)) {
		tx_add_odd(w, port, m, kind);
		return;
	}
	b->frame[b->n] = m;
	b->kind[b->n] = (uint8_t)kind;
	b->bytes += len;
	b->n_other += kind != TX_FORWARD;
	if (sl_unlikely(++b->n == SL_BURST))
		tx_flush_port(w, port);
}
// spray.c
// Hands out the frames of other workers; those that stay are first in pkts. Returns how many.
unsigned spray(struct sl_worker *w, const struct sl_fwd *fwd, struct sl_pkt *pkts, unsigned n);
// loop.c
uint64_t worker_clock_ns(const struct sl_worker *w, uint64_t tsc);
