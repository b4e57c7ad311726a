// A new flow: endpoint, next hop, source port, record.

#include "handshake.h"
#include "pipe_priv.h"

#include <errno.h>

uint32_t
pipe_client_hash(sl_be32 addr)
{
	uint32_t h = sl_be32_to_cpu(addr);

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

// Returns the index, -ENOSPC when the table is full, -EADDRNOTAVAIL when the pool is dry, or
// -EEXIST; then no port is kept.
static int64_t
insert_once(struct sl_pipe *p, const struct burst *b, const struct sl_tuple *client,
	const struct attempt *a, struct sl_tuple *endpoint, uint16_t *pool_addr)
{
	const uint32_t hash = pipe_client_hash(client->src);
	const enum sl_flow_state state =
		client->proto == SL_PROTO_TCP ? SL_FLOW_SYN_SENT : SL_FLOW_UDP;

	if ((a->reopens ? sl_sport_get_reserve(p->sports, endpoint, hash, pool_addr)
			: sl_sport_get(p->sports, endpoint, hash, pool_addr)) < 0)
		return -EADDRNOTAVAIL;
	const int64_t index = sl_flow_insert(
		p->flows, client, endpoint, state, a->choice.policy, b->now, &b->timeouts);

	if (index < 0)
		sl_sport_put(p->sports, endpoint, *pool_addr, b->now, 0);
	return index;
}

// A flow record with a source port of the pool.
static int64_t
insert(struct sl_pipe *p, const struct burst *b, const struct sl_tuple *client,
	const struct attempt *a, struct sl_tuple *endpoint, uint16_t *pool_addr)
{
	const int64_t index = insert_once(p, b, client, a, endpoint, pool_addr);

	// A client whose own tuple is the one that the port would make: the next port does not.
	if (sl_unlikely(index == -EEXIST))
		return insert_once(p, b, client, a, endpoint, pool_addr);
	return index;
}

void
pipe_aim(struct sl_flow *flow, const struct burst *b, const struct attempt *a)
{
	const struct sl_tuple out = pipe_mirror(&flow->tuple[SL_DIR_ENDPOINT]);

	const struct sl_tuple back = pipe_mirror(&flow->tuple[SL_DIR_CLIENT]);

	flow->delta[SL_DIR_CLIENT] = sl_wire_delta(&flow->tuple[SL_DIR_CLIENT], &out);
	flow->delta[SL_DIR_ENDPOINT] = sl_wire_delta(&flow->tuple[SL_DIR_ENDPOINT], &back);
	flow->adj[SL_DIR_CLIENT] = a->next.index;
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

// A new flow to an endpoint, of those that there is a source port for. Returns its index, or why
// there is none, negative.
static int64_t
find_place(struct sl_pipe *p, const struct burst *b, const struct sl_fwd_eps *eps,
	const struct sl_tuple *client, struct attempt *a, uint16_t *pool_addr)
{
	enum sl_drop first = SL_DROP_NONE;

	for (;;) {
		const enum sl_drop why = pipe_choose(p, b, eps, client, a);

		if (why != SL_DROP_NONE)
			return -(int64_t)(first != SL_DROP_NONE ? first : why);
		struct sl_tuple endpoint = {
			.src = a->addr, .sport = a->port, .proto = client->proto};
		const int64_t index = insert(p, b, client, a, &endpoint, pool_addr);

		if (index >= 0)
			return index;
		if (index == -ENOSPC)
			return -(int64_t)SL_DROP_FLOW_TABLE_FULL;
		first = SL_DROP_NO_SOURCE_PORT;
	}
}

void
pipe_open(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt, const struct sl_fwd_eps *eps)
{
	const struct sl_tuple *client = &pkt->info.tuple;
	struct attempt a = {.reopens = pkt->reopens};
	uint16_t pool_addr;

	if (pkt->info.ttl <= 1) {
		pipe_answer_icmp(p, b, pkt, SL_DROP_TTL, SL_ICMP_TIME_EXCEEDED, 0);
		return;
	}
	if (sl_unlikely(!pipe_admit(p, b, pkt)))
		return;
	const int64_t index = find_place(p, b, eps, client, &a, &pool_addr);

	if (index < 0) {
		refuse(p, b, pkt, (enum sl_drop) - index);
		return;
	}
	struct sl_flow *flow = sl_flow_at(p->flows, (uint32_t)index);

	pipe_aim(flow, b, &a);
	if (sl_unlikely(p->reset.n > 0))
		pipe_spare(p, flow);
	flow->pool_addr = pool_addr;
	pipe_count(p, flow);
	pipe_admitted(p, b, flow);
	p->stats->counter[SL_C_FLOWS_CREATED]++;
	if (client->proto == SL_PROTO_TCP)
		pipe_keep_syn(p, flow, (uint32_t)index, pkt, &a);
	pipe_add_hit(b, pkt, flow, (uint32_t)index << 1 | SL_DIR_CLIENT);
}
