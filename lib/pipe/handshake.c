// Handshakes that their endpoint does not take: another one is found, or the client is told.
//
// The signs are a RST that acknowledges our SYN, ICMP that quotes it, a next hop that failed, and a
// policy's connect timeout. What follows from each is the same: the flow gets the tuple, delta,
// adjacency and counts of another endpoint; its client sees no difference.
//
// Nothing here changes a flow that a hit of the burst points to: packets that ask for it are put
// aside until the others are through.

#include "handshake.h"
#include "open.h"

#include <assert.h>
#include <string.h>

#include "sl_flow_count.h"

void
pipe_keep_syn(struct sl_pipe *p, struct sl_flow *flow, uint32_t index, const struct sl_pkt *pkt,
	const struct attempt *a)
{
	if (p->syns.total == 0 || !syn_is_whole(pkt))
		return;
	const uint16_t at = syns_take(&p->syns);

	if (at == 0) {
		p->stats->counter[SL_C_SYN_STORE_FULL]++;
		return;
	}
	struct syn *s = syns_at(&p->syns, at);

	syn_fill(s, pkt);
	s->flow = index;
	s->n_tried = (uint8_t)a->n_tried;
	memcpy(s->tried, a->tried, sizeof(s->tried));
	flow->syn = at;
}

void
pipe_forget_syn(struct sl_pipe *p, struct sl_flow *flow)
{
	syns_give(&p->syns, flow->syn);
	flow->syn = 0;
}

// ---- moving on ----

// The flow keeps its port, unless that one is in use for the new endpoint: then it gets another, of
// the reserve if need be.
static bool
lend_again(struct sl_pipe *p, const struct sl_flow *flow, struct sl_tuple *t, uint16_t *pool_addr)
{
	*pool_addr = flow->pool_addr;
	return sl_sport_take(p->sports, t, *pool_addr) == 0 ||
	       sl_sport_get_reserve(p->sports, t, pipe_client_hash(flow->tuple[SL_DIR_CLIENT].src),
		       pool_addr) == 0;
}

static bool
rekey(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index,
	const struct attempt *a)
{
	const struct sl_tuple was = flow->tuple[SL_DIR_ENDPOINT];
	struct sl_tuple t = was;
	uint16_t pool_addr;

	t.src = a->addr;
	t.sport = a->port;
	if (!lend_again(p, flow, &t, &pool_addr))
		return false;
	if (sl_flow_rekey(p->flows, index, &t, b->now) < 0) {
		sl_sport_put(p->sports, &t, pool_addr, b->now, 0);
		return false;
	}
	// The endpoint that is left may answer late.
	sl_sport_put(p->sports, &was, flow->pool_addr, b->now, b->timeouts.by_state[SL_FLOW_RESET]);
	flow->pool_addr = pool_addr;
	return true;
}

static bool
take_aim(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index,
	struct attempt *a)
{
	const struct sl_tuple *client = &flow->tuple[SL_DIR_CLIENT];
	const struct sl_fwd_eps *eps =
		pipe_match(b->fwd, client, sl_fwd_addr_kinds(b->fwd->net, client->dst));

	while (eps && pipe_choose(p, b, eps, client, a) == SL_DROP_NONE)
		if (rekey(p, b, flow, index, a))
			return true;
	return false;
}

bool
pipe_move(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	struct syn *s = syns_at(&p->syns, flow->syn);
	struct attempt a = {.n_tried = s->n_tried};
	bool moved;

	memcpy(a.tried, s->tried, sizeof(a.tried));
	// It does not compete with itself for the last place that the cluster's limit leaves.
	pipe_recount(p, flow, SL_FLOW_CLOSING);
	moved = take_aim(p, b, flow, index, &a);
	if (moved) {
		pipe_aim(flow, b, &a);
		pipe_add_active(p, flow->ep_slot, flow->cluster_slot, 1);
		pipe_count(p, flow);
	} else {
		pipe_recount(p, flow, SL_FLOW_SYN_SENT);
	}
	memcpy(s->tried, a.tried, sizeof(s->tried));
	s->n_tried = (uint8_t)a.n_tried;
	p->stats->counter[SL_C_HANDSHAKES_MOVED] += moved;
	return moved;
}

uint16_t
pipe_give_up(struct sl_pipe *p, struct sl_flow *flow)
{
	const uint16_t at = flow->syn;

	flow->syn = 0;
	p->stats->counter[SL_C_HANDSHAKES_FAILED]++;
	return at;
}

uint16_t
pipe_end(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	const enum sl_flow_state state =
		sl_flow_touch(p->flows, index, SL_DIR_ENDPOINT, SL_TCP_RST, b->now, &b->timeouts);

	pipe_recount(p, flow, state);
	return pipe_give_up(p, flow);
}

// pkt, which has its verdict, lends its buffer to what follows from it.
static void
next(struct sl_pipe *p, const struct burst *b, uint32_t index, struct sl_pkt *pkt)
{
	struct sl_flow *flow = sl_flow_at(p->flows, index);

	if (pipe_move(p, b, flow, index))
		pipe_leave_in(p, b, flow->syn, SYN_TO_ENDPOINT, pkt);
	else
		pipe_leave_in(p, b, pipe_end(p, b, flow, index), SYN_TO_CLIENT, pkt);
}

// ---- packets that ask for it ----

static uint32_t
tcp_field(const struct sl_pkt *pkt, size_t offset)
{
	sl_be32 v;

	memcpy(&v, pkt->data + pkt->info.l4_off + offset, sizeof(v));
	return sl_be32_to_cpu(v);
}

// RFC 9293 3.10.7.3: in SYN-SENT only a RST that acknowledges the SYN counts.
static bool
is_refusal(const struct syn *s, const struct sl_pkt *pkt)
{
	const uint8_t both = SL_TCP_RST | SL_TCP_ACK;

	return (pkt->info.tcp_flags & both) == both &&
	       tcp_field(pkt, offsetof(struct sl_tcp_hdr, ack)) == syn_seq(s) + 1;
}

static bool
has_next_hop(struct sl_pipe *p, const struct burst *b, const struct sl_flow *flow)
{
	struct next_hop hop;

	return pipe_find_hop(p, b, flow->tuple[SL_DIR_ENDPOINT].src, &hop) == SL_DROP_NONE;
}

// The first SYN of a flow was not in its way yet: its next hop was found a moment ago.
static bool
is_retransmitted(const struct sl_flow *flow, const struct sl_pkt *pkt)
{
	return pipe_is_syn(&pkt->info) && sl_flow_pkts(flow, SL_DIR_CLIENT) > 0;
}

// A client that begins anew from the same port has another sequence number.
static bool
refresh(struct sl_pipe *p, struct sl_flow *flow, const struct sl_pkt *pkt)
{
	struct syn *s = syns_at(&p->syns, flow->syn);

	if (syn_is_whole(pkt)) {
		syn_fill(s, pkt);
		return true;
	}
	if (tcp_field(pkt, offsetof(struct sl_tcp_hdr, seq)) == syn_seq(s))
		return true;
	pipe_forget_syn(p, flow);
	return false;
}

bool
pipe_refuses(struct sl_pipe *p, struct burst *b, const struct hit *h)
{
	if (h->dir == SL_DIR_ENDPOINT)
		return is_refusal(syns_at(&p->syns, h->flow->syn), h->pkt);
	return is_retransmitted(h->flow, h->pkt) && refresh(p, h->flow, h->pkt) &&
	       !has_next_hop(p, b, h->flow);
}

// The client's own SYN goes to the other endpoint.
static void
client_asks_again(
	struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt, struct sl_flow *flow, uint32_t ref)
{
	if (has_next_hop(p, b, flow) || pipe_move(p, b, flow, ref >> 1)) {
		pipe_add_hit(b, pkt, flow, ref);
		return;
	}
	syns_give(&p->syns, pipe_end(p, b, flow, ref >> 1));
	pipe_reject(p, b, pkt, SL_DROP_NO_ENDPOINT, 0);
}

// The RST of the last endpoint goes to the client as it is.
static void
endpoint_refuses(
	struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt, struct sl_flow *flow, uint32_t ref)
{
	if (pipe_move(p, b, flow, ref >> 1)) {
		pipe_drop(p, pkt, SL_DROP_REFUSED);
		pipe_leave_in(p, b, flow->syn, SYN_TO_ENDPOINT, pkt);
		return;
	}
	syns_give(&p->syns, pipe_give_up(p, flow));
	pipe_add_hit(b, pkt, flow, ref);
}

void
pipe_refused(struct sl_pipe *p, struct burst *b)
{
	const unsigned n = b->n_refused;

	b->n_refused = 0;
	for (unsigned i = 0; i < n; i++) {
		struct sl_pkt *pkt = b->refused[i];
		const uint32_t ref = sl_flow_find(p->flows, &pkt->info.tuple);

		if (ref == SL_FLOW_NONE) { // the endpoint said it twice
			pipe_drop(p, pkt, SL_DROP_REFUSED);
			continue;
		}
		struct sl_flow *flow = sl_flow_at(p->flows, ref >> 1);

		if (flow->syn == 0)
			pipe_add_hit(b, pkt, flow, ref);
		else if ((ref & 1) == SL_DIR_CLIENT)
			client_asks_again(p, b, pkt, flow, ref);
		else
			endpoint_refuses(p, b, pkt, flow, ref);
	}
}

// Destination unreachable, for a reason that another host may not share (RFC 1122 3.2.2.1).
static bool
says_unreachable(const struct sl_wire_icmp_error *e)
{
	static const uint16_t codes =
		1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 10 | 1 << 13;

	return e->type == SL_ICMP_UNREACH && e->code < 16 && (codes >> e->code & 1);
}

bool
pipe_icmp_error(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	struct sl_wire_icmp_error e;

	if (!sl_wire_parse_icmp_error(pkt->data, pkt->data_len, &pkt->info, &e) ||
		!says_unreachable(&e) || e.tuple.proto != SL_PROTO_TCP ||
		e.tuple.src != pkt->info.tuple.dst)
		return false;
	const struct sl_tuple endpoint = pipe_mirror(&e.tuple);
	const unsigned owner = sl_owner_of(p->owner, &endpoint);

	if (owner != p->worker) {
		pkt->verdict = SL_V_HANDOFF;
		pkt->owner = (uint8_t)owner;
		return true;
	}
	const uint32_t ref = sl_flow_find(p->flows, &endpoint);
	const struct sl_flow *flow = ref == SL_FLOW_NONE ? NULL : sl_flow_at(p->flows, ref >> 1);

	if (!flow || flow->syn == 0 || (ref & 1) != SL_DIR_ENDPOINT ||
		e.seq != syn_seq(syns_at(&p->syns, flow->syn)))
		return false;
	pipe_drop(p, pkt, SL_DROP_REFUSED);
	next(p, b, ref >> 1, pkt);
	return true;
}

// The frame is translated already, its info is of before: a later SYN of a handshake that moved on
// meanwhile is none of its business.
void
pipe_unheld(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	const struct sl_ipv4_hdr *ip = (const struct sl_ipv4_hdr *)(pkt->data + SL_ETH_HLEN);

	if (pkt->info.tuple.proto != SL_PROTO_TCP || !pipe_is_syn(&pkt->info))
		return;
	const uint32_t ref = sl_flow_find(p->flows, &pkt->info.tuple);

	if (ref == SL_FLOW_NONE || (ref & 1) != SL_DIR_CLIENT)
		return;
	const struct sl_flow *flow = sl_flow_at(p->flows, ref >> 1);

	if (flow->syn && flow->tuple[SL_DIR_ENDPOINT].src == ip->dst)
		next(p, b, ref >> 1, pkt);
}

// ---- time ----

static bool
is_too_old(const struct sl_flow *flow, const struct sl_flow_policy *policy, sl_tick now)
{
	return policy->max_age && now - flow->created >= policy->max_age;
}

bool
pipe_due(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	if (flow->syn == 0 || flow->policy >= b->timeouts.n_policies)
		return true;
	const struct sl_flow_policy *policy = &b->timeouts.policy[flow->policy];

	// Without a connect timeout it is the client that fell silent.
	if (policy->connect == 0 || is_too_old(flow, policy, b->now))
		return true;
	if (pipe_move(p, b, flow, index)) {
		syns_queue(&p->syns, flow->syn, SYN_TO_ENDPOINT);
		return false;
	}
	syns_queue(&p->syns, pipe_give_up(p, flow), SYN_TO_CLIENT);
	return true;
}
