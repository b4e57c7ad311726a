// The end of a flow: what it borrowed goes back. And its share in the endpoint's load, which ends
// before it does: a closed connection is no load, though its port and record rest a while.

#include "handshake.h"
#include "pipe_priv.h"

#include <assert.h>

static void
add_active(struct sl_pipe *p, uint32_t slot, int32_t n)
{
	struct sl_fwd_load *load = &p->load[slot];

	assert(n >= 0 || load->active > 0);
	__atomic_store_n(&load->active, load->active + (uint32_t)n, __ATOMIC_RELAXED);
}

void
pipe_add_active(struct sl_pipe *p, uint32_t ep_slot, uint32_t cluster_slot, int32_t n)
{
	add_active(p, ep_slot, n);
	if (cluster_slot != SL_FLOW_NONE)
		add_active(p, cluster_slot, n);
}

static void
add_total(struct sl_pipe *p, uint32_t slot)
{
	struct sl_fwd_load *load = &p->load[slot];

	__atomic_store_n(&load->total, load->total + 1, __ATOMIC_RELAXED);
}

void
pipe_count(struct sl_pipe *p, struct sl_flow *flow)
{
	flow->flags |= SL_FLOW_F_COUNTED;
	add_total(p, flow->ep_slot);
	if (flow->cluster_slot != SL_FLOW_NONE)
		add_total(p, flow->cluster_slot);
}

// A flow that is over comes alive again by a segment that opens none by itself, like SYN+FIN.
void
pipe_recount(struct sl_pipe *p, struct sl_flow *flow, enum sl_flow_state state)
{
	const bool counts = pipe_is_open(state);

	if (pipe_is_counted(flow) == counts)
		return;
	flow->flags ^= SL_FLOW_F_COUNTED;
	pipe_add_active(p, flow->ep_slot, flow->cluster_slot, counts ? 1 : -1);
}

// How long the port of a flow that goes now is not lent for the same destination. One that is over
// has rested in its record, unless the next connection took its place; of one that is not, the
// endpoint may still know.
static sl_tick
rests_for(const struct sl_flow *flow, const struct burst *b)
{
	const sl_tick *timeout = b->timeouts.by_state;
	const sl_tick rested = b->now - flow->last_seen;

	if (flow->state == SL_FLOW_UDP)
		return 0;
	if (flow->state == SL_FLOW_SYN_SENT)
		return timeout[SL_FLOW_RESET];
	if (pipe_is_open(flow->state))
		return timeout[SL_FLOW_CLOSING];
	return timeout[flow->state] > rested ? timeout[flow->state] - rested : 0;
}

void
pipe_give_back(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow)
{
	const struct sl_tuple *t = &flow->tuple[SL_DIR_ENDPOINT];
	const sl_tick rest = rests_for(flow, b);

	if (flow->syn)
		pipe_forget_syn(p, flow);
	pipe_recount(p, flow, SL_FLOW_CLOSING);
	pipe_born(p, flow);
	sl_sport_put(p->sports, t, flow->pool_addr, b->now, rest);
}
