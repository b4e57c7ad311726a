// The end of a flow: what it borrowed goes back. And its share in the endpoint's load, which ends
// before it does: a closed connection is no load, though its port and record rest a while.

#include "pipe_priv.h"

#include <assert.h>

static void
add_active(struct sl_pipe *p, uint32_t slot, bool more)
{
	struct sl_fwd_load *load = &p->load[slot];

	assert(more || load->active > 0);
	__atomic_store_n(
		&load->active, more ? load->active + 1 : load->active - 1, __ATOMIC_RELAXED);
}

// A flow that is over comes alive again by a segment that opens none by itself, like SYN+FIN.
void
pipe_recount(struct sl_pipe *p, struct sl_flow *flow, enum sl_flow_state state)
{
	const bool counts = pipe_is_open(state);

	if (pipe_is_counted(flow) == counts)
		return;
	flow->flags ^= SL_FLOW_F_COUNTED;
	add_active(p, flow->ep_slot, counts);
	if (flow->cluster_slot != SL_FLOW_NONE)
		add_active(p, flow->cluster_slot, counts);
}

void
pipe_give_back(struct sl_pipe *p, struct sl_flow *flow)
{
	const struct sl_tuple *t = &flow->tuple[SL_DIR_ENDPOINT];

	pipe_recount(p, flow, SL_FLOW_CLOSING);
	sl_sport_put(p->sports, t->proto, flow->pool_addr, t->dport);
}
