// What is done between bursts, a little at a time: flows that ran out or lost their endpoint,
// frames that wait.

#include "handshake.h"
#include "pipe_priv.h"

#include <assert.h>

#define EXPIRE_BUDGET 64
#define EXPIRE_SHIFT  3 // twice the budget for each tick that expiry is behind, up to so often
#define WAKE_BUDGET   64
#define HOPS_BUDGET   32

struct due {
	struct sl_pipe *p;
	const struct burst *b;
};

static bool
on_due(void *arg, struct sl_flow *flow, uint32_t index)
{
	const struct due *due = arg;
	struct sl_pipe *p = due->p;

	if (!pipe_due(p, due->b, flow, index) || pipe_age(p, due->b, flow, index))
		return false;
	pipe_give_back(p, due->b, flow);
	p->stats->counter[SL_C_FLOWS_EXPIRED]++;
	return true;
}

static void
expire(struct sl_pipe *p, const struct burst *b)
{
	const sl_tick behind = sl_flow_behind(p->flows, b->now);
	const unsigned budget = EXPIRE_BUDGET << (behind < EXPIRE_SHIFT ? behind : EXPIRE_SHIFT);
	struct due due = {.p = p, .b = b};

	sl_flow_expire(p->flows, b->now, &b->timeouts, budget, on_due, &due);
}

static void
take(struct sl_pipe *p, struct waited *w, struct sl_pkt *out)
{
	hold_take(&p->hold, w, out);
	assert(p->stats->counter[SL_C_HELD] > 0);
	p->stats->counter[SL_C_HELD]--;
}

// Frames of one hop that need wait no longer.
static unsigned
release(struct sl_pipe *p, const struct burst *b, struct waited *w, struct sl_pkt *out,
	unsigned max)
{
	const struct sl_fwd_net *net = b->fwd->net;
	const struct sl_fwd_adj *adj = sl_fwd_adj_at(net, sl_fwd_adj_find(net, &w->hop));
	const bool ok = adj && adj->state == SL_ADJ_OK;
	const bool down = adj && adj->state == SL_ADJ_PORT_DOWN;
	const bool failed = down || (adj && adj->state == SL_ADJ_FAILED);
	unsigned n = 0;

	for (; n < max && w->n > 0; n++) {
		if (!ok && !failed && b->now_ns < hold_first(&p->hold, w)->deadline_ns)
			break;
		take(p, w, &out[n]);
		if (ok)
			pipe_send(&out[n], adj);
		else
			pipe_drop(p, &out[n], down ? SL_DROP_PORT_DOWN : SL_DROP_NO_NEIGHBOUR);
	}
	return n;
}

static unsigned
wake(struct sl_pipe *p, const struct burst *b, struct sl_pkt *out, unsigned max)
{
	struct hold *q = &p->hold;
	uint32_t left = q->n_waited < HOPS_BUDGET ? q->n_waited : HOPS_BUDGET;
	unsigned n = 0;

	for (; left > 0; left--) {
		if (q->cursor >= q->n_waited)
			q->cursor = 0;
		struct waited *w = &q->waited[q->cursor];

		n += release(p, b, w, out + n, max - n);
		if (w->n == 0 && b->now_ns >= w->ask_ns) {
			hold_forget(q, w);
			continue;
		}
		if (w->n > 0 && n == max)
			break;
		if (w->n > 0) // the first question may have been lost
			hold_ask(q, &w->hop, b->now_ns);
		q->cursor++;
	}
	return n;
}

unsigned
sl_pipe_housekeeping(struct sl_pipe *p, const struct sl_fwd *fwd, struct sl_pkt *out, unsigned max,
	uint64_t now_ns)
{
	struct burst b;
	unsigned n;

	pipe_begin(p, &b, fwd, now_ns);
	expire(p, &b);
	sl_sport_wake(p->sports, b.now, WAKE_BUDGET);
	pipe_sweep(p, &b);
	n = wake(p, &b, out, max);
	// Only now: these may ask for next hops, which moves those that wake() walks over.
	for (unsigned i = 0; i < n; i++)
		if (out[i].verdict == SL_V_DROP)
			pipe_unheld(p, &b, &out[i]);
	n += pipe_retry(p, &b, out + n, max - n);
	n += pipe_unpark(p, &b, out + n, max - n);
	pipe_show_limits(p, &b);
	p->stats->counter[SL_C_FLOWS_LIVE] = sl_flow_live(p->flows);
	return n;
}

unsigned
sl_pipe_drain(struct sl_pipe *p, struct sl_pkt *out, unsigned max)
{
	struct hold *q = &p->hold;
	unsigned n = 0;

	while (n < max && q->n_waited > 0) {
		struct waited *w = &q->waited[q->n_waited - 1];

		if (w->n == 0) {
			hold_forget(q, w);
			continue;
		}
		take(p, w, &out[n]);
		pipe_drop(p, &out[n++], SL_DROP_SHUTDOWN);
	}
	for (; n < max && pipe_park_take(p, &out[n]); n++)
		pipe_drop(p, &out[n], SL_DROP_SHUTDOWN);
	return n;
}
