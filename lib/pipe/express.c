// The express way: a packet of a flow that it changes nothing about but counters goes from parse to
// its next hop in here, and that is nearly every packet. All else comes out in the burst's lists,
// untouched, for the stages that know every case.
//
// This file is compiled once for each instruction set that express.h names; what it calls is
// inline, but for the search of a key that is not where it is first looked for.

#include "express.h"
#include "sl_flow_count.h"
#include "sl_flow_lookup.h"
#include "sl_wire_plain.h"

// A segment without these changes neither a UDP flow nor an established connection.
#define TURNS (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST)

// The last word of a record's first line: state, flags and kept SYN at once. Other bits of flags
// do not matter here; TURNS of a packet are put into the first of them.
#define WORD(state, flags, syn) ((uint32_t)(state) | (uint32_t)(flags) << 8 | (uint32_t)(syn) << 16)
#define CARE                    (SL_FLOW_F_COUNTED | SL_FLOW_F_CUT | SL_FLOW_F_TOLD | SL_FLOW_F_EMBRYONIC)
#define TURNS_SHIFT             (8 + SL_FLOW_ORDERS_SHIFT)
_Static_assert(TURNS < 1 << (8 - SL_FLOW_ORDERS_SHIFT) && CARE < 1 << SL_FLOW_ORDERS_SHIFT,
	"there is room for TURNS");
_Static_assert(offsetof(struct sl_flow, flags) == offsetof(struct sl_flow, state) + 1 &&
		       offsetof(struct sl_flow, syn) == offsetof(struct sl_flow, state) + 2,
	"one word");
_Static_assert(offsetof(struct sl_fwd_adj, src) == sizeof(struct sl_mac) &&
		       offsetof(struct sl_fwd_adj, dst) == 0 && sizeof(struct sl_mac) == 6,
	"an Ethernet header's addresses");

static inline bool
same_mac(const uint8_t *a, const uint8_t *b)
{
	return ((sl_load32(a) ^ sl_load32(b)) | (uint32_t)(sl_load16(a + 4) ^ sl_load16(b + 4))) ==
	       0;
}

static inline bool
parse(const struct sl_pipe *p, struct sl_pkt *pkt)
{
	pkt->reason = SL_DROP_NONE;
	return sl_wire_parse_plain(pkt->data, pkt->data_len, pkt->frame_len, &pkt->info) &&
	       same_mac(pkt->data, p->port_mac[pkt->in_port].b);
}

// The next hop, if it is known and the packet changes nothing of the flow.
static inline const struct sl_fwd_adj *
plain_hop(const struct burst *b, const struct sl_flow *flow, enum sl_flow_dir dir,
	const struct sl_wire_info *info)
{
	const uint32_t word = (sl_load32(&flow->state) & WORD(UINT8_MAX, CARE, UINT16_MAX)) |
			      (uint32_t)(info->tcp_flags & TURNS) << TURNS_SHIFT;
	const uint32_t adj = flow->adj[dir];

	if (sl_unlikely((word != WORD(SL_FLOW_UDP, SL_FLOW_F_COUNTED, 0) &&
				word != WORD(SL_FLOW_ESTABLISHED, SL_FLOW_F_COUNTED, 0)) ||
			info->ttl <= 1 || flow->route_gen != b->route_gen || adj >= b->n_adjs ||
			b->adj[adj].state != SL_ADJ_OK))
		return NULL;
	return &b->adj[adj];
}

static inline void
forward(struct sl_pkt *pkt, struct sl_flow *flow, enum sl_flow_dir dir,
	const struct sl_fwd_adj *adj, sl_tick now)
{
	sl_flow_count(flow, dir, pkt->info.ip_len);
	if (flow->last_seen != now)
		__atomic_store_n(&flow->last_seen, now, __ATOMIC_RELAXED);
	sl_wire_rewrite_to_mirror(
		pkt->data, SL_WIRE_PLAIN_L4, &flow->tuple[!dir], flow->delta[dir]);
	memcpy(pkt->data, adj, 2 * sizeof(struct sl_mac));
	pkt->out_port = adj->port;
	pkt->verdict = SL_V_FORWARD;
}

void
PIPE_EXPRESS(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkts, unsigned n)
{
	const struct sl_flow_index x = sl_flow_index(p->flows);
	struct sl_pkt *work[SL_BURST];
	uint64_t hash[SL_BURST];
	uint32_t ref[SL_BURST];
	unsigned n_work = 0;

	for (unsigned i = 0; i < n; i++) {
		struct sl_pkt *pkt = &pkts[i];

		if (sl_unlikely(!parse(p, pkt))) {
			b->odd[b->n_odd++] = pkt;
			continue;
		}
		hash[n_work] = sl_flow_hash(x.secret, &pkt->info.tuple);
		sl_flow_prefetch_bucket(&x, hash[n_work]);
		work[n_work++] = pkt;
	}
	sl_stats_stage(p->stats, SL_STAGE_PARSE);
	for (unsigned i = 0; i < n_work; i++) {
		ref[i] = sl_flow_guess(&x, hash[i]);
		if (sl_likely(ref[i] != SL_FLOW_NO_GUESS))
			sl_flow_prefetch_record(&x, ref[i]);
	}
	sl_stats_stage(p->stats, SL_STAGE_LOOKUP);
	for (unsigned i = 0; i < n_work; i++) {
		struct sl_pkt *pkt = work[i];

		if (sl_unlikely(!sl_flow_is(&x, ref[i], &pkt->info.tuple))) {
			ref[i] = sl_flow_find(p->flows, &pkt->info.tuple);
			if (ref[i] == SL_FLOW_NONE) {
				pkt->reopens = false;
				b->miss[b->n_miss++] = pkt;
				continue;
			}
		}
		struct sl_flow *flow = &x.flows[ref[i] >> 1];
		const enum sl_flow_dir dir = (enum sl_flow_dir)(ref[i] & 1);
		const struct sl_fwd_adj *adj = plain_hop(b, flow, dir, &pkt->info);

		if (sl_likely(adj))
			forward(pkt, flow, dir, adj, b->now);
		else
			pipe_add_hit(b, pkt, flow, ref[i]);
	}
	sl_stats_stage(p->stats, SL_STAGE_EXPRESS);
}
