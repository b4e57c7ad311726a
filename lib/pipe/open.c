// A new flow: endpoint, next hop, source port, record.

#include "open.h"
#include "handshake.h"

#include <errno.h>

uint32_t
pipe_client_hash(sl_be32 addr)
{
	uint32_t h = sl_be32_to_cpu(addr);

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

// A record for a flow whose port is lent. Returns its index, or -ENOSPC when the table is full, or
// -EEXIST; then the port is given back.
static int64_t
insert_lent(struct sl_pipe *p, const struct burst *b, const struct opening *o)
{
	const enum sl_flow_state state =
		o->tuple[SL_DIR_CLIENT].proto == SL_PROTO_TCP ? SL_FLOW_SYN_SENT : SL_FLOW_UDP;
	const int64_t index = sl_flow_insert_hashed(
		p->flows, o->tuple, o->hash, state, o->a.choice.policy, b->now, &b->timeouts);

	if (index < 0)
		sl_sport_put(p->sports, &o->tuple[SL_DIR_ENDPOINT], o->offer.pool_addr, b->now, 0);
	return index;
}

// Any port.
static int64_t
insert_any(struct sl_pipe *p, const struct burst *b, struct opening *o)
{
	const uint32_t client = pipe_client_hash(o->tuple[SL_DIR_CLIENT].src);
	struct sl_tuple *endpoint = &o->tuple[SL_DIR_ENDPOINT];

	if ((o->a.reopens ? sl_sport_get_reserve(p->sports, endpoint, client, &o->offer.pool_addr)
			  : sl_sport_get(p->sports, endpoint, client, &o->offer.pool_addr)) < 0)
		return -EADDRNOTAVAIL;
	o->hash[SL_DIR_ENDPOINT] = sl_flow_hash(sl_flow_index(p->flows).secret, endpoint);
	return insert_lent(p, b, o);
}

// A flow record with a source port of the pool: the one that was offered, if that is free. The
// index, or as above; -EADDRNOTAVAIL: the pool is dry.
static int64_t
insert(struct sl_pipe *p, const struct burst *b, struct opening *o)
{
	int64_t index = -EEXIST;

	if (sl_likely(o->offered && sl_sport_take_offered(p->sports, &o->tuple[SL_DIR_ENDPOINT],
					    o->hash[SL_DIR_ENDPOINT], o->offer) == 0))
		index = insert_lent(p, b, o);
	o->offered = false;
	// A client whose own tuple is the one that the port would make: the next port does not.
	for (unsigned i = 0; sl_unlikely(index == -EEXIST) && i < 2; i++)
		index = insert_any(p, b, o);
	return index;
}

void
pipe_aim(struct sl_flow *flow, const struct burst *b, const struct attempt *a)
{
	const struct sl_tuple out = pipe_mirror(&flow->tuple[SL_DIR_ENDPOINT]);

	const struct sl_tuple back = pipe_mirror(&flow->tuple[SL_DIR_CLIENT]);

	flow->delta[SL_DIR_CLIENT] = sl_wire_delta(&flow->tuple[SL_DIR_CLIENT], &out);
	flow->delta[SL_DIR_ENDPOINT] = sl_wire_delta(&flow->tuple[SL_DIR_ENDPOINT], &back);
	flow->adj[SL_DIR_CLIENT] = (uint16_t)a->next.index;
	flow->adj[SL_DIR_ENDPOINT] = SL_ADJ_NONE;
	flow->route_gen = sl_fwd_net_gen(b->fwd->net);
	flow->cluster_slot = a->choice.cluster_slot;
	flow->policy = a->choice.policy;
	__atomic_store_n(&flow->ep_slot, a->choice.ep->slot, __ATOMIC_RELAXED);
}

// No flow for this packet, for what the search or the insertion said; or none yet.
static void
refuse(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_drop why)
{
	if (why == SL_DROP_NAME_PENDING)
		pipe_park(p, b, pkt);
	else if (why == SL_DROP_DENIED)
		pipe_deny(p, b, pkt);
	else if (why == SL_DROP_NO_ROUTE || why == SL_DROP_PORT_DOWN || why == SL_DROP_NO_NEIGHBOUR)
		pipe_unreachable(p, b, pkt, SL_DIR_CLIENT, why);
	else
		pipe_reject(p, b, pkt, why, SL_ICMP_UNREACH_PORT);
}

// What was chosen counts at once: the next choice of the burst has to know.
static enum sl_drop
choose(struct sl_pipe *p, const struct burst *b, struct opening *o)
{
	struct attempt *a = &o->a;
	const struct sl_tuple *client = &o->tuple[SL_DIR_CLIENT];
	const enum sl_drop why = pipe_choose(p, b, o->eps, client, a);

	if (why != SL_DROP_NONE)
		return why;
	pipe_add_active(p, a->choice.ep->slot, a->choice.cluster_slot, 1);
	o->tuple[SL_DIR_ENDPOINT] =
		(struct sl_tuple){.src = a->addr, .sport = a->port, .proto = client->proto};
	return SL_DROP_NONE;
}

bool
pipe_plan(struct sl_pipe *p, struct burst *b, const struct sl_flow_index *x, struct opening *o)
{
	struct sl_tuple *endpoint = &o->tuple[SL_DIR_ENDPOINT];
	enum sl_drop why;

	if (o->pkt->info.ttl <= 1) {
		pipe_answer_icmp(p, b, o->pkt, SL_DROP_TTL, SL_ICMP_TIME_EXCEEDED, 0);
		return false;
	}
	o->a.n_tried = 0;
	o->a.reopens = o->pkt->reopens;
	o->tuple[SL_DIR_CLIENT] = o->pkt->info.tuple;
	why = choose(p, b, o);
	if (sl_unlikely(why == SL_DROP_CONNECTION_LIMIT && o->may_wait)) {
		o->eps = NULL;
		return true;
	}
	if (why != SL_DROP_NONE) {
		refuse(p, b, o->pkt, why);
		return false;
	}
	o->offered = sl_sport_offer(
		p->sports, endpoint, pipe_client_hash(o->tuple[SL_DIR_CLIENT].src), &o->offer);
	if (sl_likely(o->offered)) {
		o->hash[SL_DIR_ENDPOINT] = sl_flow_hash(x->secret, endpoint);
		sl_flow_prefetch_bucket(x, o->hash[SL_DIR_ENDPOINT]);
	}
	return true;
}

void
pipe_unplan(struct sl_pipe *p, const struct opening *o)
{
	if (o->eps)
		pipe_add_active(p, o->a.choice.ep->slot, o->a.choice.cluster_slot, -1);
}

// Of the endpoints that are left, one that there is a source port for. The flow's index, or why
// there is none, negative.
static int64_t
find_place(struct sl_pipe *p, const struct burst *b, struct opening *o)
{
	for (;;) {
		const int64_t index = insert(p, b, o);

		if (sl_likely(index >= 0))
			return index;
		pipe_unplan(p, o);
		if (index == -ENOSPC)
			return -(int64_t)SL_DROP_FLOW_TABLE_FULL;
		if (choose(p, b, o) != SL_DROP_NONE)
			return -(int64_t)SL_DROP_NO_SOURCE_PORT;
	}
}

void
pipe_open(struct sl_pipe *p, struct burst *b, struct opening *o)
{
	// Only now: how many were admitted is known when those before it in the burst are open.
	if (sl_unlikely(!pipe_admit(p, b, o->pkt))) {
		pipe_unplan(p, o);
		return;
	}
	const int64_t index = find_place(p, b, o);

	if (index < 0) {
		refuse(p, b, o->pkt, (enum sl_drop) - index);
		return;
	}
	struct sl_flow *flow = sl_flow_at(p->flows, (uint32_t)index);

	pipe_aim(flow, b, &o->a);
	if (sl_unlikely(p->reset.n > 0))
		pipe_spare(p, flow);
	flow->pool_addr = o->offer.pool_addr;
	pipe_count(p, flow);
	pipe_admitted(p, b, flow);
	p->stats->counter[SL_C_FLOWS_CREATED]++;
	if (o->tuple[SL_DIR_CLIENT].proto == SL_PROTO_TCP)
		pipe_keep_syn(p, flow, (uint32_t)index, o->pkt, &o->a);
	pipe_add_hit(b, o->pkt, flow, (uint32_t)index << 1 | SL_DIR_CLIENT);
}
