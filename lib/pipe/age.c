// Connections that are cut while they are open: they reach the age that their policy allows, or
// their endpoint is gone (reset.c).
//
// Sequence numbers are not kept, so nobody can be told at once. The flow rests in state RESET, and
// the next segments bring both of them a RST. Who sends data hears of it when it sends it again, as
// nobody acknowledges it: so its first segment goes on as a RST to its receiver, who may have
// nothing to say for a long time. An ACK alone comes from such a receiver: it is answered, and the
// other side is told by what it sends next.

#include "pipe_priv.h"

void
pipe_cut_off(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	flow->flags |= SL_FLOW_F_CUT;
	flow->policy = UINT16_MAX; // none: what is left is a reset flow like any other
	pipe_recount(p, flow,
		sl_flow_touch(p->flows, index, SL_DIR_ENDPOINT, SL_TCP_RST, b->now, &b->timeouts));
}

bool
pipe_age(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	const struct sl_flow_timeouts *to = &b->timeouts;
	const sl_tick max_age =
		flow->policy < to->n_policies ? to->policy[flow->policy].max_age : 0;
	const enum sl_flow_state state = flow->state;

	if (max_age == 0 || b->now - flow->created < max_age || state == SL_FLOW_SYN_SENT ||
		state == SL_FLOW_UDP || !pipe_is_open(state))
		return false;
	pipe_cut_off(p, b, flow, index);
	p->stats->counter[SL_C_FLOWS_AGED]++;
	return true;
}

// A segment that nobody will send again.
static bool
is_ack_alone(const struct sl_pkt *pkt)
{
	const struct sl_wire_info *info = &pkt->info;
	const struct sl_tcp_hdr *tcp = (const void *)(pkt->data + info->l4_off);
	const unsigned headers = info->l4_off - SL_ETH_HLEN + (tcp->off >> 4) * 4u;

	return !(info->tcp_flags & (SL_TCP_SYN | SL_TCP_FIN)) && info->ip_len <= headers;
}

bool
pipe_cut(struct sl_pipe *p, const struct burst *b, const struct hit *h)
{
	struct sl_pkt *pkt = h->pkt;
	const struct sl_tuple *other = &h->flow->tuple[!h->dir];
	struct next_hop next;
	uint32_t len;

	if (pkt->info.tcp_flags & SL_TCP_RST)
		return false; // it tells by itself
	if (is_ack_alone(pkt))
		h->flow->flags |= SL_FLOW_F_TOLD;
	if ((h->flow->flags & SL_FLOW_F_TOLD) ||
		pipe_find_hop(p, b, other->src, &next) != SL_DROP_NONE || !next.adj ||
		(len = sl_wire_to_rst(pkt->data, pkt->room, &pkt->info)) == 0) {
		pipe_reject(p, b, pkt, SL_DROP_NO_FLOW, 0);
		return true;
	}
	h->flow->flags |= SL_FLOW_F_TOLD;
	pipe_drop(p, pkt, SL_DROP_NO_FLOW);
	pipe_rewrite_one(h);
	pipe_send(pkt, next.adj);
	pkt->data_len = pkt->frame_len = len;
	pkt->verdict = SL_V_REPLY;
	return true;
}
