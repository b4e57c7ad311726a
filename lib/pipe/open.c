// A new flow: endpoint, next hop, source port, record.

#include "pipe_priv.h"

#include <assert.h>
#include <errno.h>

#define PORT_TRIES 4

// xorshift64*
static uint64_t
draw(struct sl_pipe *p)
{
	p->rnd ^= p->rnd >> 12;
	p->rnd ^= p->rnd << 25;
	p->rnd ^= p->rnd >> 27;
	return p->rnd * UINT64_C(0x2545F4914F6CDD1D);
}

// The same on every worker, so that a client keeps its pool address: murmur3's finalizer.
static uint32_t
client_hash(sl_be32 addr)
{
	uint32_t h = sl_be32_to_cpu(addr);

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

struct loan {
	struct sl_tuple endpoint; // endpoint -> pool
	uint16_t pool_addr;
};

// A flow record with a source port of the pool. Returns its index, -ENOSPC when the table is full
// or -EADDRNOTAVAIL when the pool is dry; nothing is kept then.
static int64_t
insert(struct sl_pipe *p, const struct burst *b, const struct sl_tuple *client, struct loan *loan)
{
	const enum sl_flow_state state =
		client->proto == SL_PROTO_TCP ? SL_FLOW_SYN_SENT : SL_FLOW_UDP;
	struct sl_tuple *t = &loan->endpoint;

	// A port of ours is in one flow only, so that a tuple in use should not be met; if it is,
	// the port goes to the end of its queue and the next one is tried.
	for (int i = 0; i < PORT_TRIES; i++) {
		if (sl_sport_get(p->sports, client->proto, client_hash(client->src),
			    &loan->pool_addr, &t->dst, &t->dport) < 0)
			return -EADDRNOTAVAIL;
		const int64_t index =
			sl_flow_insert(p->flows, client, t, state, 0, b->now, &b->timeouts);
		if (index >= 0)
			return index;
		sl_sport_put(p->sports, client->proto, loan->pool_addr, t->dport);
		if (index == -ENOSPC)
			return -ENOSPC;
	}
	return -EADDRNOTAVAIL;
}

static struct sl_tuple
mirror(const struct sl_tuple *t)
{
	return (struct sl_tuple){.src = t->dst,
		.dst = t->src,
		.sport = t->dport,
		.dport = t->sport,
		.proto = t->proto};
}

static void
count(struct sl_pipe *p, const struct sl_fwd_ep *ep)
{
	struct sl_fwd_load *load = &p->load[ep->slot];

	__atomic_store_n(&load->active, load->active + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&load->total, load->total + 1, __ATOMIC_RELAXED);
	p->stats->counter[SL_C_FLOWS_CREATED]++;
}

static void
fill(struct sl_flow *flow, const struct burst *b, const struct loan *loan, uint32_t slot,
	uint32_t adj)
{
	const struct sl_tuple out = mirror(&loan->endpoint);

	flow->delta = sl_wire_delta(&flow->tuple[SL_DIR_CLIENT], &out);
	flow->pool_addr = loan->pool_addr;
	flow->adj[SL_DIR_CLIENT] = adj;
	flow->adj[SL_DIR_ENDPOINT] = SL_ADJ_NONE;
	flow->route_gen = sl_fwd_net_gen(b->fwd->net);
	flow->flags = SL_FLOW_F_COUNTED;
	__atomic_store_n(&flow->ep_slot, slot, __ATOMIC_RELAXED);
}

void
pipe_open(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt,
	const struct sl_fwd_service *service)
{
	const struct sl_tuple *client = &pkt->info.tuple;
	struct next_hop next;
	struct loan loan;

	if (pkt->info.ttl <= 1) {
		pipe_answer_icmp(p, b, pkt, SL_DROP_TTL, SL_ICMP_TIME_EXCEEDED, 0);
		return;
	}
	const struct sl_fwd_ask ask = {.rnd = draw(p)};
	struct sl_fwd_choice choice;

	if (sl_fwd_pick(sl_fwd_service_eps(service), p->load, &ask, &choice) < 0) {
		pipe_reject(p, b, pkt, SL_DROP_NO_ENDPOINT, SL_ICMP_UNREACH_PORT);
		return;
	}
	const struct sl_fwd_ep *ep = choice.ep;

	assert(ep->slot < p->n_slots);
	// No flow is opened towards where no packet can go: it would hold a port for a handshake
	// that cannot happen. A neighbour that is not resolved yet is another matter.
	if (!pipe_resolve(p, b, pkt, SL_DIR_CLIENT, ep->addr, &next))
		return;
	loan.endpoint =
		(struct sl_tuple){.src = ep->addr, .sport = ep->port, .proto = client->proto};
	const int64_t index = insert(p, b, client, &loan);

	if (index < 0) {
		pipe_reject(p, b, pkt,
			index == -ENOSPC ? SL_DROP_FLOW_TABLE_FULL : SL_DROP_NO_SOURCE_PORT,
			SL_ICMP_UNREACH_PORT);
		return;
	}
	struct sl_flow *flow = sl_flow_at(p->flows, (uint32_t)index);

	fill(flow, b, &loan, ep->slot, next.index);
	count(p, ep);
	pipe_add_hit(b, pkt, flow, (uint32_t)index << 1 | SL_DIR_CLIENT);
}
