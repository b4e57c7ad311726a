#include "admit.h"

#include <errno.h>
#include <stdlib.h>

#include "pace.h"
#include "pipe_priv.h"
#include "sl_flow_count.h"

#define SOURCES      32768
#define ONE_WAY_PKTS 4 // of a UDP client, after which it is not waiting for an answer
#define KNOWN_TICKS  ((sl_tick)(3600 * SL_NSEC_PER_SEC >> SL_FLOW_TICK_SHIFT))
#define AT_ONCE      64 // the burst of all rates below
#define LOOKS        32 // records in a row, to find one that may go

int
admit_init(struct admit *a, const struct sl_pipe_cfg *cfg)
{
	// Nobody outside may know which sources share an entry.
	*a = (struct admit){.secret = cfg->seed * UINT64_C(0x9e3779b97f4a7c15) | 1};
	a->source = own_calloc(SOURCES, sizeof(*a->source));
	return a->source ? 0 : -ENOMEM;
}

void
admit_fini(struct admit *a)
{
	free(a->source);
	a->source = NULL;
}

static uint64_t
mix(const struct admit *a, uint64_t v)
{
	const unsigned __int128 m = (unsigned __int128)(v ^ a->secret) * a->secret;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static struct source *
source_of(const struct admit *a, sl_be32 addr)
{
	return &a->source[mix(a, addr) % SOURCES];
}

// ---- embryonic flows ----

static enum sl_counter
gauge_of(uint8_t proto)
{
	return proto == SL_PROTO_TCP ? SL_C_HALF_OPEN : SL_C_UNANSWERED;
}

// How many there may be.
static uint64_t
max_of(const struct sl_pipe *p, const struct sl_fwd *fwd, uint8_t proto)
{
	const uint8_t percent =
		proto == SL_PROTO_TCP ? fwd->params.max_half_open : fwd->params.max_unanswered;
	const uint64_t capacity = sl_flow_capacity(p->flows);

	return percent == 0 ? capacity : capacity * percent / 100;
}

void
pipe_show_limits(struct sl_pipe *p, const struct burst *b)
{
	p->stats->counter[SL_C_HALF_OPEN_MAX] = max_of(p, b->fwd, SL_PROTO_TCP);
	p->stats->counter[SL_C_UNANSWERED_MAX] = max_of(p, b->fwd, SL_PROTO_UDP);
}

static bool
is_embryonic(const struct sl_flow *flow)
{
	return flow->flags & SL_FLOW_F_EMBRYONIC;
}

void
pipe_born(struct sl_pipe *p, struct sl_flow *flow)
{
	if (!is_embryonic(flow))
		return;
	flow->flags &= (uint8_t)~SL_FLOW_F_EMBRYONIC;
	p->stats->counter[gauge_of(flow->tuple[0].proto)]--;
}

static bool
is_there(const struct sl_flow *flow, enum sl_flow_dir dir)
{
	if (flow->state == SL_FLOW_UDP)
		return dir == SL_DIR_ENDPOINT || sl_flow_pkts(flow, SL_DIR_CLIENT) >= ONE_WAY_PKTS;
	return dir == SL_DIR_CLIENT && flow->state >= SL_FLOW_ESTABLISHED &&
	       flow->state <= SL_FLOW_CLOSING;
}

// Only a handshake shows that the client has its address: an endpoint answers UDP from anywhere.
void
pipe_prove(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, enum sl_flow_dir dir)
{
	const struct sl_tuple *client = &flow->tuple[SL_DIR_CLIENT];

	if (!is_there(flow, dir))
		return;
	pipe_born(p, flow);
	if (client->proto != SL_PROTO_TCP)
		return;
	struct source *s = source_of(&p->admit, client->src);

	s->known = client->src;
	s->known_until = b->now + KNOWN_TICKS;
}

// ---- one gives way ----

// A flow that a packet of this burst is about to use: no list of it may lose its record.
static bool
is_in_use(const struct burst *b, uint32_t index)
{
	for (unsigned i = 0; i < b->n_hit; i++)
		if (b->hit[i].index == index)
			return true;
	return false;
}

// Each has at least the rest of the tick in which it was seen.
static bool
may_go(const struct burst *b, const struct sl_flow *flow, uint32_t index, uint8_t proto)
{
	return flow->state != SL_FLOW_FREE && is_embryonic(flow) && flow->last_seen != b->now &&
	       (proto == 0 || flow->tuple[0].proto == proto) && !is_in_use(b, index);
}

static bool
evict_here(struct sl_pipe *p, const struct burst *b, uint8_t proto, uint32_t end)
{
	for (unsigned k = 0; k < LOOKS; k++) {
		const uint32_t index = p->admit.hand =
			p->admit.hand + 1 < end ? p->admit.hand + 1 : 0;
		struct sl_flow *flow = sl_flow_at(p->flows, index);

		if (!may_go(b, flow, index, proto))
			continue;
		pipe_give_back(p, b, flow);
		sl_flow_remove(p->flows, index);
		p->stats->counter[SL_C_FLOWS_EVICTED]++;
		return true;
	}
	return false;
}

// The hand goes round all records, and the flow that takes a place gets the record behind it: so
// those that it meets next are the oldest. Connections that were opened together lie together:
// the hand jumps out of such a stretch. proto 0: of any.
static bool
evict(struct sl_pipe *p, const struct burst *b, uint8_t proto)
{
	const uint32_t end = sl_flow_used(p->flows);

	if (evict_here(p, b, proto, end))
		return true;
	if (end > 2 * LOOKS)
		p->admit.hand = (uint32_t)(mix(&p->admit, b->now_ns) % end);
	return evict_here(p, b, proto, end);
}

// Of the embryonic flows of a protocol.
enum crowd {
	FEW,
	MANY, // an eighth of what there may be: new ones are opened at a bounded rate
	MAX,  // or the table is full: one has to give way for each, at a lower rate
};

// New flows a second, of sources that are not known and those that are; 0: any number. The known
// have budgets of their own: there are few of them, and made-up ones are seldom among them. A flow
// that is opened takes some 1,500 cycles, one that gives way besides some 500.
static const uint32_t rate[][2] = {[MANY] = {100000, 0}, [MAX] = {25000, 200000}};

static enum crowd
crowd_of(const struct sl_pipe *p, const struct sl_fwd *fwd, uint8_t proto)
{
	const uint64_t n = p->stats->counter[gauge_of(proto)], max = max_of(p, fwd, proto);

	if (n < max / 8 || max == sl_flow_capacity(p->flows))
		return FEW;
	return n < max ? MANY : MAX;
}

static bool
is_known(const struct sl_pipe *p, const struct burst *b, sl_be32 src)
{
	const struct source *s = source_of(&p->admit, src);

	return s->known == src && s->known_until > b->now;
}

static bool
in_budget(const struct sl_pipe *p, const struct burst *b, enum crowd crowd, bool known)
{
	const uint32_t r = rate[crowd][known];

	return r == 0 || pace_may(p->admit.paid_ns[crowd][known], b->now_ns, SL_NSEC_PER_SEC / r,
				 AT_ONCE * (SL_NSEC_PER_SEC / r));
}

static bool
take_budget(struct sl_pipe *p, const struct burst *b, enum crowd crowd, sl_be32 src)
{
	const bool known = is_known(p, b, src);

	if (!in_budget(p, b, crowd, known))
		return false;
	if (rate[crowd][known] > 0)
		pace_pay(&p->admit.paid_ns[crowd][known], b->now_ns,
			SL_NSEC_PER_SEC / rate[crowd][known]);
	return true;
}

static bool
has_room(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	const struct sl_tuple *t = &pkt->info.tuple;
	const bool full = sl_flow_live(p->flows) == sl_flow_capacity(p->flows);
	const enum crowd crowd = crowd_of(p, b->fwd, t->proto);

	if (sl_likely(crowd == FEW && !full))
		return true;
	if (take_budget(p, b, full ? MAX : crowd, t->src) &&
		((crowd == MANY && !full) || evict(p, b, crowd == MAX ? t->proto : 0)))
		return true;
	if (crowd != FEW)
		pipe_drop(p, pkt, SL_DROP_EMBRYONIC_LIMIT);
	else
		pipe_reject(p, b, pkt, SL_DROP_FLOW_TABLE_FULL, SL_ICMP_UNREACH_PORT);
	return false;
}

// What has_room() would refuse in the end, as far as it can only be for a service.
static bool
is_hopeless(const struct sl_pipe *p, const struct burst *b, const struct sl_pkt *pkt,
	const enum crowd crowd[2])
{
	const struct sl_tuple *t = &pkt->info.tuple;
	const bool tcp = t->proto == SL_PROTO_TCP;

	return crowd[tcp] != FEW && (!tcp || pipe_is_syn(&pkt->info)) &&
	       !in_budget(p, b, crowd[tcp], is_known(p, b, t->src)) &&
	       sl_fwd_addr_kinds(b->fwd->net, t->dst) == SL_ADDR_VIP;
}

void
pipe_turn_away(struct sl_pipe *p, struct burst *b)
{
	const enum crowd crowd[2] = {
		crowd_of(p, b->fwd, SL_PROTO_UDP), crowd_of(p, b->fwd, SL_PROTO_TCP)};
	unsigned n = 0;

	if (sl_likely(crowd[0] == FEW && crowd[1] == FEW))
		return;
	for (unsigned i = 0; i < b->n_miss; i++)
		__builtin_prefetch(source_of(&p->admit, b->miss[i]->info.tuple.src));
	for (unsigned i = 0; i < b->n_miss; i++) {
		struct sl_pkt *pkt = b->miss[i];

		if (is_hopeless(p, b, pkt, crowd))
			pipe_drop(p, pkt, SL_DROP_EMBRYONIC_LIMIT);
		else
			b->miss[n++] = pkt;
	}
	b->n_miss = n;
}

// ---- sources ----

static uint64_t
source_cost_ns(const struct burst *b)
{
	return SL_NSEC_PER_SEC / b->fwd->params.source_rate;
}

static bool
source_may(const struct sl_pipe *p, const struct burst *b, sl_be32 src)
{
	const uint64_t cost_ns = source_cost_ns(b);

	return pace_may(source_of(&p->admit, src)->paid_ns, b->now_ns, cost_ns,
		cost_ns * b->fwd->params.source_burst);
}

bool
pipe_admit(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	if (b->fwd->params.source_rate > 0 && !source_may(p, b, pkt->info.tuple.src)) {
		pipe_reject(p, b, pkt, SL_DROP_SOURCE_LIMIT, SL_ICMP_UNREACH_ADMIN);
		return false;
	}
	return has_room(p, b, pkt);
}

void
pipe_admitted(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow)
{
	const struct sl_tuple *client = &flow->tuple[SL_DIR_CLIENT];

	flow->flags |= SL_FLOW_F_EMBRYONIC;
	p->stats->counter[gauge_of(client->proto)]++;
	if (b->fwd->params.source_rate > 0)
		pace_pay(&source_of(&p->admit, client->src)->paid_ns, b->now_ns, source_cost_ns(b));
}
