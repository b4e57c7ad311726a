// The end of a flow: what it borrowed goes back.

#include "pipe_priv.h"

#include <assert.h>

void
pipe_uncount(struct sl_pipe *p, struct sl_flow *flow)
{
	struct sl_fwd_load *load = &p->load[flow->ep_slot];

	if (!flow->counted)
		return;
	assert(load->active > 0);
	flow->counted = 0;
	__atomic_store_n(&load->active, load->active - 1, __ATOMIC_RELAXED);
}

void
pipe_give_back(struct sl_pipe *p, struct sl_flow *flow)
{
	const struct sl_tuple *t = &flow->tuple[SL_DIR_ENDPOINT];

	pipe_uncount(p, flow);
	sl_sport_put(p->sports, t->proto, flow->pool_addr, t->dport);
}
