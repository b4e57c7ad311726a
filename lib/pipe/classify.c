// The miss path: whose is a TCP or UDP packet that no flow has?

#include "pipe_priv.h"

// No packet from the wire is from there: no host has such an address, or we have it ourselves.
static bool
is_martian(const struct sl_fwd *fwd, sl_be32 src)
{
	return !sl_wire_is_host(src) ||
	       (sl_fwd_addr_kinds(fwd->net, src) & (SL_ADDR_VIP | SL_ADDR_POOL));
}

static bool
is_tcp_without_syn(const struct sl_wire_info *info)
{
	return info->tuple.proto == SL_PROTO_TCP && !pipe_is_syn(info);
}

static void
to_service(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt, const struct sl_fwd_eps *eps)
{
	if (is_martian(b->fwd, pkt->info.tuple.src))
		pipe_drop(p, pkt, SL_DROP_MARTIAN);
	else if (is_tcp_without_syn(&pkt->info))
		pipe_reject(p, b, pkt, SL_DROP_NO_FLOW, 0);
	else
		pipe_open(p, b, pkt, eps);
}

// To a pool address: the tuple says which worker has the flow, if there is one.
static bool
to_other_worker(const struct sl_pipe *p, struct sl_pkt *pkt)
{
	const unsigned owner = sl_owner_of(p->owner, &pkt->info.tuple);

	if (owner == p->worker)
		return false;
	pkt->verdict = SL_V_HANDOFF;
	pkt->owner = (uint8_t)owner;
	return true;
}

static void
to_nobody(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt, uint32_t kinds)
{
	if (is_martian(b->fwd, pkt->info.tuple.src))
		pipe_drop(p, pkt, SL_DROP_MARTIAN);
	else if ((kinds & SL_ADDR_POOL) && is_tcp_without_syn(&pkt->info))
		pipe_reject(p, b, pkt, SL_DROP_NO_FLOW, 0);
	else
		pipe_deny(p, b, pkt);
}

static void
classify(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt)
{
	const struct sl_tuple *t = &pkt->info.tuple;
	const uint32_t kinds = sl_fwd_addr_kinds(b->fwd->net, t->dst);
	const struct sl_fwd_eps *eps = pipe_match(b->fwd, t, kinds);

	if (eps)
		to_service(p, b, pkt, eps);
	else if ((kinds & SL_ADDR_POOL) && to_other_worker(p, pkt))
		return;
	else if (kinds & SL_ADDR_LOCAL)
		pipe_punt(pkt);
	else
		to_nobody(p, b, pkt, kinds);
}

// True: the packet is no miss (any more). An earlier packet of this burst may have opened the flow,
// and a flow that is over makes room for the connection that a SYN asks for.
//
// No list of the burst holds another packet of the flow that is removed: track put only SYNs here,
// and had the others of that flow been looked up before, they would have been hits.
static bool
find_again(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt)
{
	const uint32_t ref = sl_flow_find(p->flows, &pkt->info.tuple);

	if (ref == SL_FLOW_NONE)
		return false;
	struct sl_flow *flow = sl_flow_at(p->flows, ref >> 1);

	pipe_add_hit(b, pkt, flow, ref);
	if (!pipe_reopens(&b->hit[b->n_hit - 1]))
		return true;
	b->n_hit--;
	pipe_give_back(p, b, flow);
	sl_flow_remove(p->flows, ref >> 1);
	p->stats->counter[SL_C_FLOWS_REPLACED]++;
	return false;
}

void
pipe_classify(struct sl_pipe *p, struct burst *b)
{
	const unsigned n = b->n_miss;

	b->n_miss = 0;
	for (unsigned i = 0; i < n; i++)
		if (!find_again(p, b, b->miss[i]))
			classify(p, b, b->miss[i]);
}
