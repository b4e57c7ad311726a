// Sending: frames are collected per port and sent once a round, or when a burst is full.
#include <rte_ethdev.h>

#include "worker_priv.h"

// A transmit ring that is full for a moment (a vdev whose peer shares our core) is tried again a
// few times before frames are given up.
#define TX_TRIES 4

static void
sent(struct sl_worker *w, enum tx_kind kind, uint32_t bytes)
{
	static const enum sl_counter by_kind[] = {
		[TX_FORWARD] = SL_C_FORWARDED,
		[TX_REPLY] = SL_C_REPLIES,
		[TX_RETRY] = SL_C_RETRIED,
		[TX_INJECT] = SL_C_INJECTED,
	};

	count(w, SL_C_TX, 1);
	count(w, SL_C_TX_BYTES, bytes);
	count(w, by_kind[kind], 1);
}

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
flush_port(struct sl_worker *w, uint16_t port)
{
	const struct sl_worker_port *p = &w->port[port];
	struct tx_buffer *b = &w->tx[port];
	uint32_t bytes[SL_BURST];
	uint16_t n = 0;

	// The driver owns a frame once it took it, so its length is read before.
	for (uint16_t i = 0; i < b->n; i++)
		bytes[i] = rte_pktmbuf_pkt_len(b->frame[i]);
	for (int tries = 0; n < b->n && tries < TX_TRIES; tries++)
		n += rte_eth_tx_burst(p->dpdk_id, p->tx_queue, b->frame + n, (uint16_t)(b->n - n));
	for (uint16_t i = 0; i < n; i++)
		sent(w, b->kind[i], bytes[i]);
	for (uint16_t i = n; i < b->n; i++)
		not_sent(w, b->frame[i], b->kind[i], SL_DROP_TX_FULL);
	b->n = 0;
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
tx_add(struct sl_worker *w, uint16_t port, struct rte_mbuf *m, enum tx_kind kind)
{
	struct tx_buffer *b = &w->tx[port];

	if (sl_unlikely(rte_pktmbuf_pkt_len(m) > w->port[port].max_frame)) {
		not_sent(w, m, kind, SL_DROP_TOO_BIG);
		return;
	}
	if (sl_unlikely(!w->port[port].has_tx)) {
		pass_to_sender(w, port, m, kind);
		return;
	}
	b->frame[b->n] = m;
	b->kind[b->n++] = (uint8_t)kind;
	if (b->n == SL_BURST)
		flush_port(w, port);
}

void
tx_flush(struct sl_worker *w)
{
	for (uint16_t p = 0; p < w->n_ports; p++)
		if (w->tx[p].n)
			flush_port(w, p);
}
