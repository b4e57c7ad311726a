// Stage 5: out of a port, to a neighbour; or wait for it. And where a flow's packets go.

#include "pipe_priv.h"

#include <string.h>

void
pipe_send(struct sl_pkt *pkt, const struct sl_fwd_adj *adj)
{
	struct sl_eth_hdr *eth = (struct sl_eth_hdr *)pkt->data;

	memcpy(eth->dst, &adj->dst, sizeof(eth->dst));
	memcpy(eth->src, &adj->src, sizeof(eth->src));
	pkt->out_port = adj->port;
	pkt->verdict = SL_V_FORWARD;
}

// A SYN that finds no room is not lost if a copy is kept: that one waits for the hop, and moves on
// when it fails.
static void
wait_for(struct sl_pipe *p, const struct burst *b, const struct hit *h)
{
	h->pkt->verdict = SL_V_HOLD;
	if (hold_put(&p->hold, h->pkt, &h->next.hop, b->now_ns)) {
		p->stats->counter[SL_C_HELD]++;
		return;
	}
	pipe_drop(p, h->pkt, SL_DROP_HOLD_FULL);
	if (h->flow->syn && h->dir == SL_DIR_CLIENT && pipe_is_syn(&h->pkt->info))
		syns_queue(&p->syns, h->flow->syn, SYN_TO_ENDPOINT);
}

void
pipe_hop(struct sl_pipe *p, struct burst *b)
{
	for (unsigned i = 0; i < b->n_hit; i++) {
		const struct hit *h = &b->hit[i];

		if (sl_likely(h->next.adj))
			pipe_send(h->pkt, h->next.adj);
		else
			wait_for(p, b, h);
	}
}

void
pipe_unreachable(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_flow_dir dir,
	enum sl_drop reason)
{
	if (dir == SL_DIR_CLIENT)
		pipe_answer_icmp(p, b, pkt, reason, SL_ICMP_UNREACH, SL_ICMP_UNREACH_HOST);
	else
		pipe_drop(p, pkt, reason);
}

enum sl_drop
pipe_find_hop(struct sl_pipe *p, const struct burst *b, sl_be32 addr, struct next_hop *next)
{
	const struct sl_fwd_net *net = b->fwd->net;

	if (!sl_fwd_route_find(net, addr, &next->hop))
		return SL_DROP_NO_ROUTE;
	next->index = sl_fwd_adj_find(net, &next->hop);
	next->adj = sl_fwd_adj_at(net, next->index);
	if (!next->adj || next->adj->state == SL_ADJ_OK)
		return SL_DROP_NONE;
	if (next->adj->state == SL_ADJ_PORT_DOWN)
		return SL_DROP_PORT_DOWN;
	if (next->adj->state == SL_ADJ_FAILED) {
		// The kernel has given up on it; it must be asked to try again some time.
		hold_ask(&p->hold, &next->hop, b->now_ns);
		return SL_DROP_NO_NEIGHBOUR;
	}
	next->adj = NULL;
	return SL_DROP_NONE;
}

bool
pipe_resolve(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_flow_dir dir,
	sl_be32 addr, struct next_hop *next)
{
	const enum sl_drop why = pipe_find_hop(p, b, addr, next);

	if (sl_likely(why == SL_DROP_NONE))
		return true;
	pipe_unreachable(p, b, pkt, dir, why);
	return false;
}
