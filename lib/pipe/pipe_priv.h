// What the stages share: the pipe's own state, and each other.
#pragma once

#include "admit.h"
#include "burst.h"
#include "hold.h"
#include "park.h"
#include "reset.h"
#include "sl_pipe.h"
#include "syns.h"

struct sl_pipe {
	unsigned worker;
	const struct sl_owner *owner;
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	struct sl_fwd_load *load;
	uint32_t n_slots;
	struct sl_stats_block *stats; // the worker's local block
	const struct sl_mac *port_mac;
	uint16_t n_ports;
	void (*express)(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkts, unsigned n);
	uint64_t rnd;
	uint64_t reply_ns; // when all answers that were sent are paid for, see reply.c
	struct hold hold;
	struct syns syns;
	struct park park;
	struct reset reset;
	struct admit admit;
	bool (*frame_new)(void *ctx, struct sl_pkt *pkt);
	void *ctx;
};

// ---- the stages ----
void pipe_begin(
	const struct sl_pipe *p, struct burst *b, const struct sl_fwd *fwd, uint64_t now_ns);
void pipe_again(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt); // parsed before; alone
void pipe_parse(struct sl_pipe *p, struct burst *b);                     // odd ones to work
void pipe_lookup(struct sl_pipe *p, struct burst *b);
void pipe_classify(struct sl_pipe *p, struct burst *b); // misses: verdicts, or hits of new flows
void pipe_track(struct sl_pipe *p, struct burst *b);
void pipe_rewrite(struct burst *b);
void pipe_rewrite_one(const struct hit *h); // outside of the row
void pipe_hop(struct sl_pipe *p, struct burst *b);

// ---- verdicts ----

static inline void
pipe_drop(struct sl_pipe *p, struct sl_pkt *pkt, enum sl_drop reason)
{
	pkt->verdict = SL_V_DROP;
	pkt->reason = reason;
	p->stats->drop[reason]++;
}

static inline void
pipe_punt(struct sl_pkt *pkt)
{
	pkt->verdict = SL_V_PUNT;
}

// Writes the Ethernet header: the frame is ready to go.
void pipe_send(struct sl_pkt *pkt, const struct sl_fwd_adj *adj);

// A drop that is answered where the rules and the rate limit allow it: RST to TCP and ICMP
// unreachable with `code` to the rest; ICMP of that type and code to all.
void pipe_reject(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_drop reason,
	uint8_t code);
void pipe_answer_icmp(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt,
	enum sl_drop reason, uint8_t type, uint8_t code);
// As the configuration wants what nobody declared to be treated.
void pipe_deny(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt);
// An answer that is made elsewhere may be sent, and is paid for; otherwise it is counted.
bool pipe_may_answer(struct sl_pipe *p, const struct burst *b);

// ---- flows ----

static inline void
pipe_add_hit(struct burst *b, struct sl_pkt *pkt, struct sl_flow *flow, uint32_t ref)
{
	b->hit[b->n_hit++] = (struct hit){
		.pkt = pkt, .flow = flow, .index = ref >> 1, .dir = (enum sl_flow_dir)(ref & 1)};
}

// A connection request, and nothing else (RFC 9293 3.10.7).
static inline bool
pipe_is_syn(const struct sl_wire_info *info)
{
	return (info->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST | SL_TCP_FIN)) ==
	       SL_TCP_SYN;
}

static inline bool
pipe_is_open(enum sl_flow_state state)
{
	return state < SL_FLOW_CLOSING;
}

static inline bool
pipe_is_counted(const struct sl_flow *flow)
{
	return flow->flags & SL_FLOW_F_COUNTED;
}

// A client that asks for a connection whose flow is over opens the next one (RFC 9293 3.6.1, RFC
// 6191): it gets a flow of its own, as it may get another endpoint.
static inline bool
pipe_reopens(const struct hit *h)
{
	return !pipe_is_open(h->flow->state) && h->dir == SL_DIR_CLIENT &&
	       pipe_is_syn(&h->pkt->info);
}

static inline struct sl_tuple
pipe_mirror(const struct sl_tuple *t)
{
	return (struct sl_tuple){.src = t->dst,
		.dst = t->src,
		.sport = t->dport,
		.dport = t->sport,
		.proto = t->proto};
}

// close.c: n more active flows of an endpoint, and of its cluster unless that is SL_FLOW_NONE.
void pipe_add_active(struct sl_pipe *p, uint32_t ep_slot, uint32_t cluster_slot, int32_t n);
// The flow, which is among these, is one more of all that they ever had.
void pipe_count(struct sl_pipe *p, struct sl_flow *flow);
// An open flow counts as one of its endpoint's active ones, one that is over does not; and
// all that it has borrowed goes back (the record itself is the caller's).
void pipe_recount(struct sl_pipe *p, struct sl_flow *flow, enum sl_flow_state state);
void pipe_give_back(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow);

// age.c: a flow's time has come. True: it is because of its age, and it rests until both sides
// know.
bool pipe_age(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index);
// An open connection is over, as if reset by its endpoint, and both sides have to be told.
void pipe_cut_off(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index);
// A segment of such a flow: it gets its verdict. False: it passes as usual.
bool pipe_cut(struct sl_pipe *p, const struct burst *b, const struct hit *h);

// admit.c: may a new flow be opened for this packet? False: no, it has its verdict.
bool pipe_admit(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt);
void pipe_admitted(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow); // it was
// Misses that would not be admitted, before anything is done for them: most of a flood.
void pipe_turn_away(struct sl_pipe *p, struct burst *b);
// A packet of an embryonic flow has passed: it may be one no longer.
void pipe_prove(
	struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, enum sl_flow_dir dir);
void pipe_born(struct sl_pipe *p, struct sl_flow *flow); // it is embryonic no longer, or it ends
void pipe_show_limits(struct sl_pipe *p, const struct burst *b);

// ---- next hops ----

// hop.c: where packets to addr go, or why nowhere. A next hop that failed is asked for.
enum sl_drop pipe_find_hop(
	struct sl_pipe *p, const struct burst *b, sl_be32 addr, struct next_hop *next);
// The client is told; an endpoint would not know what to make of it.
void pipe_unreachable(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt,
	enum sl_flow_dir dir, enum sl_drop reason);

// Where a packet to addr goes. False: nowhere, and the packet has its verdict.
bool pipe_resolve(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt,
	enum sl_flow_dir dir, sl_be32 addr, struct next_hop *next);
