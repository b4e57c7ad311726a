// Stage 3, hits: may the packet pass, where does it go, and what does it do to its flow?
//
// A packet that cannot be sent on does not change the flow: it will come again.

#include "handshake.h"
#include "pipe_priv.h"
#include "sl_flow_count.h"

// Both directions share one generation: what is known of the other one is forgotten with the old.
static void
remember(struct sl_flow *flow, uint32_t gen, enum sl_flow_dir dir, uint32_t adj)
{
	if (flow->route_gen != gen) {
		flow->adj[!dir] = SL_ADJ_NONE;
		flow->route_gen = gen;
	}
	flow->adj[dir] = (uint16_t)adj;
}

static bool
resolve_again(struct sl_pipe *p, const struct burst *b, struct hit *h)
{
	if (!pipe_resolve(p, b, h->pkt, h->dir, h->flow->tuple[!h->dir].src, &h->next))
		return false;
	remember(h->flow, sl_fwd_net_gen(b->fwd->net), h->dir, h->next.index);
	return true;
}

static bool
find_hop(struct sl_pipe *p, const struct burst *b, struct hit *h)
{
	const struct sl_flow *flow = h->flow;

	if (sl_likely(flow->route_gen == sl_fwd_net_gen(b->fwd->net))) {
		h->next.adj = sl_fwd_adj_at(b->fwd->net, flow->adj[h->dir]);
		if (sl_likely(h->next.adj && h->next.adj->state == SL_ADJ_OK))
			return true;
	}
	return resolve_again(p, b, h);
}

void
pipe_track(struct sl_pipe *p, struct burst *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_hit; i++) {
		struct hit *h = &b->hit[i];
		const struct sl_wire_info *info = &h->pkt->info;

		if (sl_unlikely(info->ttl <= 1)) {
			pipe_answer_icmp(p, b, h->pkt, SL_DROP_TTL, SL_ICMP_TIME_EXCEEDED, 0);
			continue;
		}
		if (sl_unlikely(pipe_reopens(h))) {
			h->pkt->reopens = true;
			b->miss[b->n_miss++] = h->pkt;
			continue;
		}
		if (sl_unlikely(h->flow->flags & SL_FLOW_F_CUT) && pipe_cut(p, b, h))
			continue;
		if (sl_unlikely(h->flow->syn) && pipe_refuses(p, b, h)) {
			b->refused[b->n_refused++] = h->pkt;
			continue;
		}
		if (sl_unlikely(!find_hop(p, b, h)))
			continue;
		sl_flow_count(h->flow, h->dir, info->ip_len);
		const enum sl_flow_state state = sl_flow_touch(
			p->flows, h->index, h->dir, info->tcp_flags, b->now, &b->timeouts);
		if (sl_unlikely(h->flow->flags & SL_FLOW_F_EMBRYONIC))
			pipe_prove(p, b, h->flow, h->dir);
		if (sl_unlikely(pipe_is_counted(h->flow) != pipe_is_open(state)))
			pipe_recount(p, h->flow, state);
		if (sl_unlikely(h->flow->syn && state != SL_FLOW_SYN_SENT))
			pipe_forget_syn(p, h->flow);
		b->hit[n++] = *h;
	}
	b->n_hit = n;
}
