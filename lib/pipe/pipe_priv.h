// What the stages share: the pipe's own state, and one burst on its way through them.
#pragma once

#include "hold.h"
#include "sl_pipe.h"

struct sl_pipe {
	unsigned worker;
	unsigned n_workers;
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	struct sl_fwd_load *load;
	uint32_t n_slots;
	struct sl_stats_block *stats; // the worker's local block
	const struct sl_mac *port_mac;
	uint16_t n_ports;
	uint64_t rnd;
	uint64_t reply_ns; // when all answers that were sent are paid for, see reply.c
	struct hold hold;
};

struct next_hop {
	const struct sl_fwd_adj *adj; // NULL: not resolved, wait for hop
	uint32_t index;               // of the adjacency, SL_ADJ_NONE if there is none yet
	struct sl_fwd_hop hop;        // set when adj is NULL
};

// A packet of a known flow.
struct hit {
	struct sl_pkt *pkt;
	struct sl_flow *flow;
	uint32_t index; // of the flow
	enum sl_flow_dir dir;
	struct next_hop next;
};

// Stages compact: what has its verdict is in none of the lists.
struct burst {
	const struct sl_fwd *fwd;
	uint64_t now_ns;
	sl_tick now;
	struct sl_flow_timeouts timeouts;
	unsigned n_work, n_miss, n_hit;
	struct sl_pkt
		*work[SL_BURST]; // to an address of this port, IPv4 with a whole TCP or UDP header
	struct sl_pkt *miss[SL_BURST]; // of these, no flow has them
	struct hit hit[SL_BURST];
};

// ---- the stages ----

void pipe_parse(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkts, unsigned n);
void pipe_lookup(struct sl_pipe *p, struct burst *b);
void pipe_classify(struct sl_pipe *p, struct burst *b); // misses: verdicts, or hits of new flows
void pipe_track(struct sl_pipe *p, struct burst *b);
void pipe_rewrite(struct burst *b);
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

// open.c: a new flow for a packet to a service; a hit, or the packet's verdict.
void pipe_open(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt,
	const struct sl_fwd_service *service);
// close.c: an open flow counts as one of its endpoint's active ones, one that is over does not; and
// all that it has borrowed goes back (the record itself is the caller's).
void pipe_recount(struct sl_pipe *p, struct sl_flow *flow, enum sl_flow_state state);
void pipe_give_back(struct sl_pipe *p, struct sl_flow *flow);

// ---- next hops ----

// hop.c: where a packet to addr goes. False: nowhere, and the packet has its verdict.
bool pipe_resolve(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt,
	enum sl_flow_dir dir, sl_be32 addr, struct next_hop *next);
