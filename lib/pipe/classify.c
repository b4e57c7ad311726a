// The miss path: whose is a TCP or UDP packet that no flow has?

#include "open.h"

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

static bool
to_service(struct sl_pipe *p, struct burst *b, const struct sl_flow_index *x, struct opening *o)
{
	if (is_martian(b->fwd, o->pkt->info.tuple.src))
		pipe_drop(p, o->pkt, SL_DROP_MARTIAN);
	else if (is_tcp_without_syn(&o->pkt->info))
		pipe_reject(p, b, o->pkt, SL_DROP_NO_FLOW, 0);
	else
		return pipe_plan(p, b, x, o);
	return false;
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

// True: the packet opens a flow, which is planned or has to wait. False: it has its verdict.
static bool
classify(struct sl_pipe *p, struct burst *b, const struct sl_flow_index *x, struct opening *o)
{
	struct sl_pkt *pkt = o->pkt;
	const uint32_t kinds = sl_fwd_addr_kinds(b->fwd->net, pkt->info.tuple.dst);

	o->eps = pipe_match(b->fwd, &pkt->info.tuple, kinds);
	if (o->eps)
		return to_service(p, b, x, o);
	if ((kinds & SL_ADDR_POOL) && to_other_worker(p, pkt))
		return false;
	if (kinds & SL_ADDR_LOCAL)
		pipe_punt(pkt);
	else
		to_nobody(p, b, pkt, kinds);
	return false;
}

// True: the packet is no miss (any more). An earlier packet of this burst may have opened the flow,
// and a flow that is over makes room for the connection that a SYN asks for.
//
// No list of the burst holds another packet of the flow that is removed: track put only SYNs here,
// and had the others of that flow been looked up before, they would have been hits.
static bool
find_again(struct sl_pipe *p, struct burst *b, const struct opening *o)
{
	const uint32_t ref =
		sl_flow_find_hashed(p->flows, o->hash[SL_DIR_CLIENT], &o->pkt->info.tuple);

	if (sl_likely(ref == SL_FLOW_NONE))
		return false;
	struct sl_flow *flow = sl_flow_at(p->flows, ref >> 1);

	pipe_add_hit(b, o->pkt, flow, ref);
	if (!pipe_reopens(&b->hit[b->n_hit - 1]))
		return true;
	b->n_hit--;
	pipe_give_back(p, b, flow);
	sl_flow_remove(p->flows, ref >> 1);
	p->stats->counter[SL_C_FLOWS_REPLACED]++;
	return false;
}

// Which of a burst's hashes were there before. Some more may seem to have been.
struct seen {
	uint64_t bits[16];
};

static bool
seen_before(struct seen *s, uint64_t hash)
{
	uint64_t *word = &s->bits[hash >> 6 & 15];
	const uint64_t bit = UINT64_C(1) << (hash & 63);
	const bool was = *word & bit;

	*word |= bit;
	return was;
}

// A packet whose tuple another one of the burst may have waits for the second step, in which they
// come in their order: the first may open the flow of the others.
static unsigned
plan_all(struct sl_pipe *p, struct burst *b, const struct sl_flow_index *x, struct opening *opening)
{
	struct seen seen = {{0}};
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_miss; i++) {
		struct opening *o = &opening[n];

		o->pkt = b->miss[i];
		o->eps = NULL;
		o->offered = false;
		o->may_wait = n > 0;
		o->hash[SL_DIR_CLIENT] = sl_flow_hash(x->secret, &o->pkt->info.tuple);
		n += seen_before(&seen, o->hash[SL_DIR_CLIENT]) ||
		     (!find_again(p, b, o) && classify(p, b, x, o));
	}
	return n;
}

void
pipe_classify(struct sl_pipe *p, struct burst *b)
{
	struct opening opening[SL_BURST];
	const struct sl_flow_index x = sl_flow_index(p->flows);
	const unsigned n = plan_all(p, b, &x, opening);

	b->n_miss = 0;
	for (unsigned i = 0; i < n; i++) {
		sl_flow_prefetch_room(&x, opening[i].hash[SL_DIR_CLIENT]);
		if (sl_likely(opening[i].offered))
			sl_flow_prefetch_room(&x, opening[i].hash[SL_DIR_ENDPOINT]);
	}
	for (unsigned i = 0; i < n; i++) {
		struct opening *o = &opening[i];

		o->may_wait = false;
		if (sl_unlikely(find_again(p, b, o)))
			pipe_unplan(p, o);
		else if (sl_likely(o->eps) || classify(p, b, &x, o))
			pipe_open(p, b, o);
	}
}
