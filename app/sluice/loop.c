// The poll loop: receive, run the pipe, carry its verdicts out, send, keep house, rest when idle.
#include <linux/if_ether.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "worker_priv.h"

// Housekeeping and publishing of counters: every so many rounds under load, and before every sleep.
#define HOUSEKEEPING_ROUNDS 16
#define PUBLISH_ROUNDS      256
#define ORDERS_BUDGET       16
// Empty rounds before an adaptive worker begins to sleep: some tens of microseconds of polling.
#define IDLE_ROUNDS   1000
#define IDLE_FIRST_NS 5000

uint64_t
worker_clock_ns(const struct sl_worker *w, uint64_t tsc)
{
	return w->ns_base + (uint64_t)((unsigned __int128)(tsc - w->tsc_base) * w->tsc_to_ns >> 32);
}

static inline void
fill_packet(struct sl_pkt *pkt, struct rte_mbuf *m, uint16_t port)
{
	pkt->data = rte_pktmbuf_mtod(m, uint8_t *);
	pkt->data_len = rte_pktmbuf_data_len(m);
	pkt->frame_len = rte_pktmbuf_pkt_len(m);
	pkt->room = (uint32_t)(m->buf_len - m->data_off);
	pkt->in_port = port;
	pkt->buf = m;
}

// A frame of our own is one segment of frame_len bytes, padded as Ethernet wants it: not every
// device does that.
static void
shape_reply(struct rte_mbuf *m, const struct sl_pkt *pkt)
{
	const uint32_t len = pkt->frame_len < ETH_ZLEN ? ETH_ZLEN : pkt->frame_len;

	if (m->next) {
		rte_pktmbuf_free(m->next);
		m->next = NULL;
		m->nb_segs = 1;
	}
	if (len <= pkt->room)
		memset(pkt->data + pkt->frame_len, 0, len - pkt->frame_len);
	m->data_len = (uint16_t)(len <= pkt->room ? len : pkt->frame_len);
	m->pkt_len = m->data_len;
}

static void
punt(struct sl_worker *w, const struct sl_pkt *pkt, struct rte_mbuf *m)
{
	m->port = pkt->in_port;
	if (rte_ring_sp_enqueue(w->punt, m) < 0) {
		sl_pipe_failed(w->pipe, SL_V_PUNT, SL_DROP_PUNT_FULL);
		rte_pktmbuf_free(m);
		return;
	}
	count(w, SL_C_PUNTED, 1);
	w->punted = true;
}

static void
hand_off(struct sl_worker *w, const struct sl_pkt *pkt, struct rte_mbuf *m)
{
	m->port = pkt->in_port;
	m->hash.usr = HANDOFF_RECEIVED;
	if (rte_ring_sp_enqueue(w->handoff_out[pkt->owner], m) < 0) {
		sl_pipe_failed(w->pipe, SL_V_HANDOFF, SL_DROP_HANDOFF_FULL);
		rte_pktmbuf_free(m);
		return;
	}
	count(w, SL_C_HANDED_OFF, 1);
}

static void
carry_out_odd(struct sl_worker *w, const struct sl_pkt *pkt)
{
	struct rte_mbuf *m = pkt->buf;

	switch ((enum sl_verdict)pkt->verdict) {
	case SL_V_REPLY:
		shape_reply(m, pkt);
		tx_add(w, pkt->out_port, m, rte_pktmbuf_pkt_len(m), TX_REPLY);
		break;
	case SL_V_RETRY:
		shape_reply(m, pkt);
		tx_add(w, pkt->out_port, m, rte_pktmbuf_pkt_len(m), TX_RETRY);
		break;
	case SL_V_PUNT:
		punt(w, pkt, m);
		break;
	case SL_V_HANDOFF:
		hand_off(w, pkt, m);
		break;
	case SL_V_FORWARD:
		tx_add_odd(w, pkt->out_port, m, TX_FORWARD);
		break;
	case SL_V_HOLD:
		break;
	case SL_V_DROP:
		rte_pktmbuf_free(m);
		break;
	}
}

static void
carry_out(struct sl_worker *w, const struct sl_pkt *pkts, unsigned n)
{
	for (unsigned i = 0, taken; i < n; i += taken) {
		taken = pkts[i].verdict == SL_V_FORWARD ? tx_forward(w, &pkts[i], n - i) : 0;
		if (sl_unlikely(taken == 0)) {
			carry_out_odd(w, &pkts[i]);
			taken = 1;
		}
	}
}

static void
process(struct sl_worker *w, const struct sl_fwd *fwd, struct sl_pkt *pkts, unsigned n)
{
	sl_pipe_run(w->pipe, fwd, pkts, n, w->now_ns);
	carry_out(w, pkts, n);
	sl_stats_stage(&w->stats.local, SL_STAGE_SORT);
}

static unsigned
poll_port(struct sl_worker *w, const struct sl_fwd *fwd, uint16_t port)
{
	const struct sl_worker_port *p = &w->port[port];
	struct rte_mbuf *frames[SL_BURST];
	struct sl_pkt pkts[SL_BURST] SL_CACHE_ALIGNED;
	unsigned total = 0;

	for (uint16_t q = p->rx_first; q < p->rx_queues; q = (uint16_t)(q + w->n_workers)) {
		sl_stats_stage(&w->stats.local, SL_STAGE_POLL);
		const uint16_t n = rte_eth_rx_burst(p->dpdk_id, q, frames, SL_BURST);
		uint64_t bytes = 0;

		if (n == 0)
			continue;
		sl_stats_stage(&w->stats.local, SL_STAGE_RX);
		for (uint16_t i = 0; i < n; i++) {
			rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
			fill_packet(&pkts[i], frames[i], port);
			bytes += pkts[i].frame_len;
		}
		count(w, SL_C_RX, n);
		count(w, SL_C_RX_BYTES, bytes);
		const unsigned mine = sl_unlikely(p->spray) ? spray(w, fwd, pkts, n) : n;

		if (sl_likely(mine > 0))
			process(w, fwd, pkts, mine);
		total += n;
	}
	return total;
}

// Frames from another worker: some to process, some only to send.
static unsigned
poll_handoff(struct sl_worker *w, const struct sl_fwd *fwd, struct rte_ring *ring)
{
	struct rte_mbuf *frames[SL_BURST];
	struct sl_pkt pkts[SL_BURST] SL_CACHE_ALIGNED;
	const unsigned n = rte_ring_sc_dequeue_burst(ring, (void **)frames, SL_BURST, NULL);
	unsigned mine = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = frames[i];
		const uint32_t tag = m->hash.usr;

		if (tag & HANDOFF_SEND) {
			if ((tag & 0xff) == TX_FORWARD)
				count(w, SL_C_HANDED_IN, 1);
			tx_add(w, m->port, m, rte_pktmbuf_pkt_len(m), (enum tx_kind)(tag & 0xff));
			continue;
		}
		count(w, SL_C_HANDED_IN, 1);
		rte_prefetch0(rte_pktmbuf_mtod(m, void *));
		fill_packet(&pkts[mine++], m, m->port);
	}
	if (mine)
		process(w, fwd, pkts, mine);
	return n;
}

static unsigned
poll_inject(struct sl_worker *w)
{
	struct rte_mbuf *frames[SL_BURST];
	const unsigned n = rte_ring_sc_dequeue_burst(w->inject, (void **)frames, SL_BURST, NULL);

	for (unsigned i = 0; i < n; i++)
		tx_add(w, frames[i]->port, frames[i], rte_pktmbuf_pkt_len(frames[i]), TX_INJECT);
	return n;
}

static unsigned
poll_all(struct sl_worker *w, const struct sl_fwd *fwd)
{
	unsigned n = 0;

	for (uint16_t p = 0; p < w->n_ports; p++) {
		n += poll_port(w, fwd, p);
		// At once: waiting for the other ports would add their time to the latency.
		tx_flush(w);
	}
	for (unsigned i = 0; i < w->n_workers; i++)
		if (i != w->id)
			n += poll_handoff(w, fwd, w->handoff_in[i]);
	n += poll_inject(w);
	return n;
}

// The mirror thread sleeps in epoll when nobody punts: wake it, at most once for what it has not
// seen yet. The fence pairs with the one before it looks at the rings a last time (mirror.c).
static void
wake_mirror(struct sl_worker *w)
{
	w->punted = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(w->mirror_asleep, __ATOMIC_RELAXED)) {
		const uint64_t one = 1;

		if (write(w->punt_fd, &one, sizeof(one)) < 0)
			return; // full counter: it is awake
	}
}

// Before the snapshot is read: it is one that control published before it sent the order, so that
// no flow is opened any more to what the order is about.
static unsigned
take_orders(struct sl_worker *w)
{
	unsigned n = 0;
	uint32_t slot;

	while (n < ORDERS_BUDGET && sl_pipe_may_reset(w->pipe) &&
		rte_ring_sc_dequeue_elem(w->orders, &slot, sizeof(slot)) == 0) {
		sl_pipe_reset_slot(w->pipe, slot, w->now_ns);
		n++;
	}
	return n;
}

static unsigned
keep_house(struct sl_worker *w, const struct sl_fwd *fwd)
{
	struct sl_pkt released[SL_BURST];
	const unsigned n = sl_pipe_housekeeping(w->pipe, fwd, released, SL_BURST, w->now_ns);

	carry_out(w, released, n);
	return n;
}

static void
rest(struct sl_worker *w, uint64_t ns)
{
	const struct timespec ts = {.tv_nsec = (long)ns};

	count(w, SL_C_SLEEPS, 1);
	sl_stats_publish(&w->stats);
	sl_rcu_offline(w->rcu, w->id);
	nanosleep(&ts, NULL);
	sl_rcu_online(w->rcu, w->id);
}

// Nothing to do: poll on for a while, then sleep a little longer each time, as long as the pipe can
// wait.
static void
idle(struct sl_worker *w, uint64_t empty_rounds)
{
	const uint64_t patience_ns = sl_pipe_patience_ns(w->pipe);
	const uint64_t max_ns = RTE_MIN(w->idle_max_ns, patience_ns);
	uint64_t ns = IDLE_FIRST_NS;

	if (w->always_poll || empty_rounds < IDLE_ROUNDS || patience_ns == 0) {
		rte_pause();
		return;
	}
	if (empty_rounds - IDLE_ROUNDS < 16)
		ns <<= (empty_rounds - IDLE_ROUNDS);
	else
		ns = max_ns;
	rest(w, RTE_MIN(ns, max_ns));
}

static unsigned
one_round(struct sl_worker *w, uint64_t round, bool idle_before)
{
	const bool keeps_house = idle_before || round % HOUSEKEEPING_ROUNDS == 0;
	const uint64_t start = rte_rdtsc();
	unsigned n = 0;

	w->now_ns = worker_clock_ns(w, start);
	// A busy round is followed by the next one at once, whose reading of the counter ends it.
	if (w->round_busy)
		count(w, SL_C_BUSY_CYCLES, start - w->round_tsc);
	w->round_tsc = start;
	if (keeps_house)
		n += take_orders(w);
	const struct sl_fwd *fwd = sl_rcu_read(w->rcu);

	n += poll_all(w, fwd);
	sl_stats_stage(&w->stats.local, SL_STAGE_POLL);
	if (keeps_house)
		n += keep_house(w, fwd);
	sl_stats_stage(&w->stats.local, SL_STAGE_HOUSE);
	tx_flush(w);
	if (w->punted)
		wake_mirror(w);
	sl_rcu_quiescent(w->rcu, w->id);
	count(w, SL_C_POLLS, 1);
	w->round_busy = n > 0;
	if (n == 0)
		count(w, SL_C_POLLS_EMPTY, 1);
	if (round % PUBLISH_ROUNDS == 0)
		sl_stats_publish(&w->stats);
	return n;
}

static void
leave(struct sl_worker *w)
{
	struct sl_pkt held[SL_BURST];
	unsigned n;

	while ((n = sl_pipe_drain(w->pipe, held, SL_BURST)) > 0)
		carry_out(w, held, n);
	tx_flush(w);
	sl_stats_publish(&w->stats);
	sl_rcu_offline(w->rcu, w->id);
	sl_rcu_unregister(w->rcu, w->id);
}

int
sl_worker_run(void *worker)
{
	struct sl_worker *w = worker;
	uint64_t empty_rounds = 0;

	// Sleeps of microseconds are worth nothing with the default slack of 50.
	prctl(PR_SET_TIMERSLACK, 1000UL);
	sl_rcu_register(w->rcu, w->id);
	sl_rcu_online(w->rcu, w->id);
	for (uint64_t round = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); round++) {
		if (one_round(w, round, empty_rounds > IDLE_ROUNDS) > 0) {
			empty_rounds = 0;
			continue;
		}
		idle(w, ++empty_rounds);
	}
	leave(w);
	return 0;
}
