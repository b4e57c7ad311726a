// What is done between bursts, a little at a time: flows that ran out, frames that wait.

#include "pipe_priv.h"

#include <assert.h>
#include <string.h>

#define EXPIRE_BUDGET 64
#define HOPS_BUDGET   32

static bool
on_due(void *arg, struct sl_flow *flow, uint32_t index)
{
	struct sl_pipe *p = arg;

	pipe_give_back(p, flow);
	p->stats->counter[SL_C_FLOWS_EXPIRED]++;
	return true;
}

static void
expire(struct sl_pipe *p, const struct sl_fwd *fwd, uint64_t now_ns)
{
	struct sl_flow_timeouts timeouts = {0};

	memcpy(timeouts.by_state, fwd->params.timeout, sizeof(timeouts.by_state));
	sl_flow_expire(
		p->flows, sl_flow_tick(p->flows, now_ns), &timeouts, EXPIRE_BUDGET, on_due, p);
	p->stats->counter[SL_C_FLOWS_LIVE] = sl_flow_live(p->flows);
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
release(struct sl_pipe *p, const struct sl_fwd_net *net, struct waited *w, struct sl_pkt *out,
	unsigned max, uint64_t now_ns)
{
	const struct sl_fwd_adj *adj = sl_fwd_adj_at(net, sl_fwd_adj_find(net, &w->hop));
	const bool ok = adj && adj->state == SL_ADJ_OK;
	const bool down = adj && adj->state == SL_ADJ_PORT_DOWN;
	const bool failed = down || (adj && adj->state == SL_ADJ_FAILED);
	unsigned n = 0;

	for (; n < max && w->n > 0; n++) {
		if (!ok && !failed && now_ns < hold_first(&p->hold, w)->deadline_ns)
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
wake(struct sl_pipe *p, const struct sl_fwd_net *net, struct sl_pkt *out, unsigned max,
	uint64_t now_ns)
{
	struct hold *q = &p->hold;
	uint32_t left = q->n_waited < HOPS_BUDGET ? q->n_waited : HOPS_BUDGET;
	unsigned n = 0;

	for (; left > 0; left--) {
		if (q->cursor >= q->n_waited)
			q->cursor = 0;
		struct waited *w = &q->waited[q->cursor];

		n += release(p, net, w, out + n, max - n, now_ns);
		if (w->n == 0 && now_ns >= w->ask_ns) {
			hold_forget(q, w);
			continue;
		}
		if (w->n > 0 && n == max)
			break;
		if (w->n > 0) // the first question may have been lost
			hold_ask(q, &w->hop, now_ns);
		q->cursor++;
	}
	return n;
}

unsigned
sl_pipe_housekeeping(struct sl_pipe *p, const struct sl_fwd *fwd, struct sl_pkt *out, unsigned max,
	uint64_t now_ns)
{
	expire(p, fwd, now_ns);
	return wake(p, fwd->net, out, max, now_ns);
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
	return n;
}
