#include "reset.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "handshake.h"
#include "pipe_priv.h"

#define WORD_BITS 64

int
reset_init(struct reset *r, const struct sl_pipe_cfg *cfg)
{
	r->wanted = own_calloc(cfg->n_slots / WORD_BITS + 1, sizeof(*r->wanted));
	return r->wanted ? 0 : -ENOMEM;
}

void
reset_fini(struct reset *r)
{
	free(r->wanted);
	r->wanted = NULL;
}

// ---- orders ----

static bool
is_wanted(const struct reset *r, uint32_t slot)
{
	return r->wanted[slot / WORD_BITS] >> slot % WORD_BITS & 1;
}

static void
flip(struct reset *r, uint32_t slot)
{
	r->wanted[slot / WORD_BITS] ^= UINT64_C(1) << slot % WORD_BITS;
}

// The index of the slot's order; r->n: it has none.
static uint32_t
find(const struct reset *r, uint32_t slot)
{
	uint32_t i = is_wanted(r, slot) ? 0 : r->n;

	while (i < r->n && r->order[i].slot != slot)
		i++;
	return i;
}

static void
add(struct reset *r, uint32_t slot)
{
	r->order[r->n++] = (struct order){.slot = slot, .done = true};
	flip(r, slot);
}

bool
sl_pipe_may_reset(const struct sl_pipe *p)
{
	return p->reset.n < RESET_ORDERS;
}

bool
sl_pipe_reset_slot(struct sl_pipe *p, uint32_t slot, uint64_t now_ns)
{
	struct reset *r = &p->reset;
	const sl_tick now = sl_flow_tick(p->flows, now_ns);

	assert(slot < p->n_slots);
	const uint32_t i = find(r, slot);

	if (i == r->n) {
		if (p->load[slot].active == 0)
			return true;
		if (!sl_pipe_may_reset(p))
			return false;
		add(r, slot);
	}
	struct order *o = &r->order[i];

	if (o->tick != now)
		o->n = 0;
	o->tick = now;
	o->n += o->n < SL_FLOW_ORDERS_MAX;
	o->from = r->cursor;
	o->wrapped = false;
	r->n_open += o->done;
	o->done = false;
	return true;
}

void
pipe_spare(const struct sl_pipe *p, struct sl_flow *flow)
{
	const struct reset *r = &p->reset;
	const uint32_t i = find(r, flow->ep_slot);

	if (i < r->n && r->order[i].tick == flow->created)
		flow->flags |= (uint8_t)(r->order[i].n << SL_FLOW_ORDERS_SHIFT);
}

static bool
is_meant(const struct sl_pipe *p, const struct sl_flow *flow)
{
	const struct reset *r = &p->reset;
	const uint32_t i = find(r, flow->ep_slot);

	if (i == r->n)
		return false;
	const struct order *o = &r->order[i];

	return flow->created < o->tick ||
	       (flow->created == o->tick && flow->flags >> SL_FLOW_ORDERS_SHIFT < o->n);
}

// ---- ends ----

// Nothing is known of sequence numbers but those of a handshake whose SYN is kept: it goes on with
// another endpoint, or its client is told at once. Of other connections both sides are told with
// the next segment of either, as of those that reach their age.
static void
end_tcp(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	if (flow->syn && pipe_move(p, b, flow, index)) {
		syns_queue(&p->syns, flow->syn, SYN_TO_ENDPOINT);
		return;
	}
	if (flow->syn) {
		syns_queue(&p->syns, pipe_give_up(p, flow), SYN_TO_CLIENT);
		flow->flags |= SL_FLOW_F_TOLD;
	}
	pipe_cut_off(p, b, flow, index);
	p->stats->counter[SL_C_FLOWS_RESET]++;
}

static void
end_udp(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index)
{
	pipe_give_back(p, b, flow);
	sl_flow_remove(p->flows, index);
	p->stats->counter[SL_C_FLOWS_EXPIRED]++;
	p->stats->counter[SL_C_FLOWS_RESET]++;
}

// Whether there was something to end.
static bool
look_at(struct sl_pipe *p, const struct burst *b, uint32_t index)
{
	struct sl_flow *flow = sl_flow_at(p->flows, index);

	if (sl_likely(!is_wanted(&p->reset, flow->ep_slot)) || flow->state == SL_FLOW_FREE ||
		!pipe_is_open(flow->state) || !is_meant(p, flow))
		return false;
	if (flow->state == SL_FLOW_UDP)
		end_udp(p, b, flow, index);
	else
		end_tcp(p, b, flow, index);
	return true;
}

// ---- the sweep ----

static void
step(struct sl_pipe *p, const struct burst *b)
{
	struct reset *r = &p->reset;
	const uint32_t end = sl_flow_used(p->flows);
	unsigned ends = 0;

	for (unsigned k = 0; k < SWEEP_RECORDS && ends < SWEEP_ENDS && r->cursor < end; k++)
		ends += look_at(p, b, r->cursor++);
	if (r->cursor < end)
		return;
	r->cursor = 0;
	for (uint32_t i = 0; i < r->n; i++)
		r->order[i].wrapped = true;
}

static bool
is_through(const struct sl_pipe *p, const struct order *o)
{
	return (o->wrapped && p->reset.cursor >= o->from) || p->load[o->slot].active == 0;
}

static void
settle(struct sl_pipe *p, const struct burst *b)
{
	struct reset *r = &p->reset;

	for (uint32_t i = 0; i < r->n;) {
		struct order *o = &r->order[i];

		if (!o->done && is_through(p, o)) {
			o->done = true;
			r->n_open--;
		}
		if (o->done && o->tick != b->now) {
			flip(r, o->slot);
			*o = r->order[--r->n];
		} else {
			i++;
		}
	}
}

void
pipe_sweep(struct sl_pipe *p, const struct burst *b)
{
	if (sl_likely(p->reset.n == 0))
		return;
	if (p->reset.n_open > 0)
		step(p, b);
	settle(p, b);
}
