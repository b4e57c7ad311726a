// Sending: frames are collected per port and sent once a round, or when a burst is full.
#include <rte_ethdev.h>

#include <string.h>

#include "worker_priv.h"

// A transmit ring that is full for a moment (a vdev whose peer shares our core) is tried again a
// few times before frames are given up.
#define TX_TRIES 4

static void
not_sent(struct sl_worker *w, struct rte_mbuf *m, enum tx_kind kind, enum sl_drop reason)
{
	switch (kind) {
	case TX_FORWARD:
		sl_pipe_failed(w->pipe, SL_V_FORWARD, reason);
		break;
	case TX_REPLY:
		sl_pipe_failed(w->pipe, SL_V_REPLY, reason);
		break;
	case TX_RETRY:
		sl_pipe_failed(w->pipe, SL_V_RETRY, reason);
		break;
	case TX_INJECT:
		count(w, SL_C_INJECT_LOST, 1);
		break;
	}
	rte_pktmbuf_free(m);
}

static void
sent_others(struct sl_worker *w, const struct tx_buffer *b, uint16_t n)
{
	static const enum sl_counter by_kind[] = {
		[TX_FORWARD] = SL_C_FORWARDED,
		[TX_REPLY] = SL_C_REPLIES,
		[TX_RETRY] = SL_C_RETRIED,
		[TX_INJECT] = SL_C_INJECTED,
	};

	for (uint16_t i = 0; i < n; i++)
		count(w, by_kind[b->kind[i]], 1);
}

static void
give_up(struct sl_worker *w, struct tx_buffer *b, uint16_t sent)
{
	for (uint16_t i = sent; i < b->n; i++) {
		b->bytes -= rte_pktmbuf_pkt_len(b->frame[i]);
		not_sent(w, b->frame[i], b->kind[i], SL_DROP_TX_FULL);
	}
}

void
tx_flush_port(struct sl_worker *w, uint16_t port)
{
	const struct sl_worker_port *p = &w->port[port];
	struct tx_buffer *b = &w->tx[port];
	uint16_t n;

	sl_stats_stage(&w->stats.local, SL_STAGE_SORT);
	n = rte_eth_tx_burst(p->dpdk_id, p->tx_queue, b->frame, b->n);
	for (int tries = 1; sl_unlikely(n < b->n) && tries < TX_TRIES; tries++)
		n += rte_eth_tx_burst(p->dpdk_id, p->tx_queue, b->frame + n, (uint16_t)(b->n - n));
	if (sl_unlikely(n < b->n))
		give_up(w, b, n);
	count(w, SL_C_TX, n);
	count(w, SL_C_TX_BYTES, b->bytes);
	if (sl_likely(b->n_other == 0)) {
		count(w, SL_C_FORWARDED, n);
	} else {
		sent_others(w, b, n);
		memset(b->kind, TX_FORWARD, sizeof(b->kind));
	}
	b->n = b->n_other = 0;
	b->bytes = 0;
	sl_stats_stage(&w->stats.local, SL_STAGE_TX);
}

unsigned
tx_forward(struct sl_worker *w, const struct sl_pkt *pkts, unsigned n)
{
	const uint16_t port = pkts[0].out_port;
	const struct sl_worker_port *p = &w->port[port];
	struct tx_buffer *b = &w->tx[port];
	const uint32_t max_frame = p->has_tx ? p->max_frame : 0;
	const unsigned most = RTE_MIN(n, (unsigned)(SL_BURST - b->n));
	struct rte_mbuf **frame = &b->frame[b->n];
	uint32_t bytes = 0;
	unsigned i;

	for (i = 0; i < most; i++) {
		if (sl_unlikely(pkts[i].verdict != SL_V_FORWARD || pkts[i].out_port != port ||
				pkts[i].frame_len > max_frame))
			break;
		frame[i] = pkts[i].buf;
		bytes += pkts[i].frame_len;
	}
	b->n += (uint16_t)i;
	b->bytes += bytes;
	if (b->n == SL_BURST)
		tx_flush_port(w, port);
	return i;
}

// A port with fewer transmit queues than workers is sent on by worker 0.
static void
pass_to_sender(struct sl_worker *w, uint16_t port, struct rte_mbuf *m, enum tx_kind kind)
{
	m->port = port;
	m->hash.usr = HANDOFF_SEND | kind;
	if (rte_ring_sp_enqueue(w->handoff_out[0], m) < 0)
		not_sent(w, m, kind, SL_DROP_HANDOFF_FULL);
	else if (kind == TX_FORWARD)
		count(w, SL_C_HANDED_OFF, 1);
}

void
tx_add_odd(struct sl_worker *w, uint16_t port, struct rte_mbuf *m, enum tx_kind kind)
{
	if (rte_pktmbuf_pkt_len(m) > w->port[port].max_frame)
		not_sent(w, m, kind, SL_DROP_TOO_BIG);
	else
		pass_to_sender(w, port, m, kind);
}

void
tx_flush(struct sl_worker *w)
{
	for (uint16_t p = 0; p < w->n_ports; p++)
		if (w->tx[p].n)
			tx_flush_port(w, p);
}
