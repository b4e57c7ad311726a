// The life of a pipe, and the order of its stages.

#include "express.h"
#include "handshake.h"
#include "pipe_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *
sl_pipe_variant(const char *name)
{
	const struct pipe_variant *v = pipe_variant(name);

	return v ? v->name : NULL;
}

struct sl_pipe *
sl_pipe_new(const struct sl_pipe_cfg *cfg)
{
	const struct pipe_variant *variant = pipe_variant(cfg->variant);
	struct sl_pipe *p = variant ? own_calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		errno = variant ? ENOMEM : EINVAL;
		return NULL;
	}
	p->express = variant->express;
	p->worker = cfg->worker;
	p->owner = cfg->owner;
	p->flows = cfg->flows;
	p->sports = cfg->sports;
	p->load = cfg->load;
	p->n_slots = cfg->n_slots;
	p->stats = &cfg->stats->local;
	p->port_mac = cfg->port_mac;
	p->n_ports = cfg->n_ports;
	p->rnd = cfg->seed | 1; // xorshift never leaves zero
	p->frame_new = cfg->frame_new;
	p->ctx = cfg->ctx;
	if (hold_init(&p->hold, cfg) == 0 && syns_init(&p->syns, cfg->syns) == 0 &&
		park_init(&p->park, cfg) == 0 && reset_init(&p->reset, cfg) == 0 &&
		admit_init(&p->admit, cfg) == 0)
		return p;
	sl_pipe_free(p);
	errno = ENOMEM;
	return NULL;
}

void
sl_pipe_free(struct sl_pipe *p)
{
	if (!p)
		return;
	assert(p->hold.n_held == 0 && p->park.n == 0);
	admit_fini(&p->admit);
	reset_fini(&p->reset);
	park_fini(&p->park);
	syns_fini(&p->syns);
	hold_fini(&p->hold);
	free(p);
}

void
pipe_begin(const struct sl_pipe *p, struct burst *b, const struct sl_fwd *fwd, uint64_t now_ns)
{
	_Static_assert(
		sizeof(b->timeouts.by_state) <= sizeof(fwd->params.timeout), "one per state");

	b->fwd = fwd;
	b->now_ns = now_ns;
	b->now = sl_flow_tick(p->flows, now_ns);
	memcpy(b->timeouts.by_state, fwd->params.timeout, sizeof(b->timeouts.by_state));
	b->timeouts.policy = sl_fwd_policies_all(fwd->policies, &b->timeouts.n_policies);
	b->adj = sl_fwd_adjs(fwd->net, &b->n_adjs);
	b->route_gen = sl_fwd_net_gen(fwd->net);
	b->park_until = 0;
	b->n_odd = b->n_work = b->n_miss = b->n_hit = b->n_refused = 0;
}

static void
forward(struct sl_pipe *p, struct burst *b)
{
	pipe_track(p, b);
	pipe_rewrite(b);
	pipe_hop(p, b);
	b->n_hit = 0;
}

// A burst may hold a connection's end and its next SYN: what track finds to be over comes back as a
// miss, what it finds to need another endpoint as refused. The first packet of each round gets its
// verdict, so this ends.
static void
settle(struct sl_pipe *p, struct burst *b)
{
	while (sl_unlikely(b->n_miss + b->n_refused > 0)) {
		pipe_refused(p, b);
		forward(p, b); // a miss may replace the flow of one of these
		pipe_classify(p, b);
		forward(p, b);
	}
}

void
pipe_again(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkt)
{
	b->miss[b->n_miss++] = pkt;
	settle(p, b);
}

// What the express way found is settled before odd packets are parsed: an ICMP error among these
// may move a handshake on, and its flow has another tuple then than the one that was looked up.
static void
all_else(struct sl_pipe *p, struct burst *b)
{
	pipe_turn_away(p, b);
	forward(p, b);
	settle(p, b);
	if (b->n_odd > 0) {
		pipe_parse(p, b);
		pipe_lookup(p, b);
		pipe_turn_away(p, b);
		forward(p, b);
		settle(p, b);
	}
	sl_stats_stage(p->stats, SL_STAGE_ALL_ELSE);
}

void
sl_pipe_run(struct sl_pipe *p, const struct sl_fwd *fwd, struct sl_pkt *pkts, unsigned n,
	uint64_t now_ns)
{
	struct burst b;

	assert(n <= SL_BURST);
	pipe_begin(p, &b, fwd, now_ns);
	p->express(p, &b, pkts, n);
	if (sl_unlikely(b.n_odd + b.n_miss + b.n_hit > 0))
		all_else(p, &b);
	p->stats->counter[SL_C_FLOWS_LIVE] = sl_flow_live(p->flows);
}

uint64_t
sl_pipe_patience_ns(const struct sl_pipe *p)
{
	if (p->reset.n_open > 0)
		return 0;
	return p->park.n > 0 ? PARK_ROUND_NS : UINT64_MAX;
}

void
sl_pipe_failed(struct sl_pipe *p, enum sl_verdict verdict, enum sl_drop reason)
{
	assert(verdict == SL_V_FORWARD || verdict == SL_V_REPLY || verdict == SL_V_RETRY ||
		verdict == SL_V_PUNT || verdict == SL_V_HANDOFF);
	if (verdict == SL_V_REPLY || verdict == SL_V_RETRY)
		p->stats->counter[SL_C_REPLIES_LOST]++;
	else
		p->stats->drop[reason]++;
}
