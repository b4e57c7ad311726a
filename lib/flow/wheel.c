// The timer wheel: 4096 slots of one tick, doubly linked through the records by index.
//
// Lazy: a packet writes only last_seen. When a slot comes due, each flow's real deadline,
// last_seen + timeout of its state, decides whether it expires or is hung at that deadline. A
// deadline beyond the wheel's horizon hangs at the horizon and is looked at again there. So an
// idle flow costs nothing and a busy one is looked at once in a timeout or once in 9 minutes.
#include "table.h"

// Flows worked on together, so that their cache misses overlap.
#define BATCH 16
// Empty slots passed in one call at most: what a long stall left is caught up in several calls.
#define STEPS 256

void
flow_wheel_init(struct wheel *w)
{
	w->next = 0;
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		w->slot[i] = SL_FLOW_NONE;
}

static inline uint32_t *
slot_of(struct wheel *w, sl_tick tick)
{
	return &w->slot[tick % WHEEL_SLOTS];
}

void
flow_timer_link(struct sl_flow_table *t, uint32_t index, sl_tick deadline)
{
	const sl_tick earliest = t->wheel.next;
	const sl_tick horizon = tick_add(earliest, WHEEL_SLOTS - 1);
	struct sl_flow *f = &t->flows[index];
	uint32_t *slot;

	deadline = deadline < earliest ? earliest : deadline > horizon ? horizon : deadline;
	slot = slot_of(&t->wheel, deadline);
	f->deadline = deadline;
	f->timer_prev = SL_FLOW_NONE;
	f->timer_next = *slot;
	if (*slot != SL_FLOW_NONE)
		t->flows[*slot].timer_prev = index;
	*slot = index;
}

void
flow_timer_unlink(struct sl_flow_table *t, uint32_t index)
{
	const struct sl_flow *f = &t->flows[index];

	if (f->timer_prev == SL_FLOW_NONE)
		*slot_of(&t->wheel, f->deadline) = f->timer_next;
	else
		t->flows[f->timer_prev].timer_next = f->timer_next;
	if (f->timer_next != SL_FLOW_NONE)
		t->flows[f->timer_next].timer_prev = f->timer_prev;
}

// Takes up to n flows off the head of a slot.
static unsigned
take(struct sl_flow_table *t, uint32_t *slot, uint32_t index[], unsigned n)
{
	unsigned taken = 0;

	while (taken < n && *slot != SL_FLOW_NONE) {
		const struct sl_flow *f = &t->flows[*slot];

		__builtin_prefetch(f);
		index[taken++] = *slot;
		*slot = f->timer_next;
	}
	if (*slot != SL_FLOW_NONE)
		t->flows[*slot].timer_prev = SL_FLOW_NONE;
	return taken;
}

// Hangs those that live on at their real deadline; packs the others to the front, their buckets on
// the way into the cache. Returns how many.
static unsigned
sort_out(struct sl_flow_table *t, uint32_t index[], unsigned n, sl_tick now,
	const struct sl_flow_timeouts *timeouts, uint64_t hash[][2])
{
	unsigned due = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct sl_flow *f = &t->flows[index[i]];
		const sl_tick deadline = tick_add(f->last_seen, timeouts->by_state[f->state]);

		if (deadline > now) {
			// Not into the slot that is being emptied: that is the wheel's next tick,
			// which is not after now, and the horizon is one short of a whole turn.
			flow_timer_link(t, index[i], deadline);
			continue;
		}
		for (unsigned d = 0; d < 2; d++) {
			hash[due][d] = key_hash(t, &f->tuple[d]);
			__builtin_prefetch(first_bucket(t, hash[due][d]), 1);
		}
		index[due++] = index[i];
	}
	return due;
}

// After a stall longer than the wheel every slot is due, and each need be passed only once.
static void
skip_stall(struct wheel *w, sl_tick now)
{
	if (now > w->next && now - w->next >= WHEEL_SLOTS)
		w->next = now - (WHEEL_SLOTS - 1);
}

unsigned
sl_flow_expire(struct sl_flow_table *t, sl_tick now, const struct sl_flow_timeouts *timeouts,
	unsigned budget, void (*on_expire)(void *arg, struct sl_flow *flow), void *arg)
{
	uint32_t index[BATCH];
	uint64_t hash[BATCH][2];
	unsigned expired = 0, steps = 0;

	skip_stall(&t->wheel, now);
	while (t->wheel.next <= now && budget > 0) {
		uint32_t *slot = slot_of(&t->wheel, t->wheel.next);
		const unsigned n = take(t, slot, index, budget < BATCH ? budget : BATCH);
		const unsigned due = sort_out(t, index, n, now, timeouts, hash);

		for (unsigned i = 0; i < due; i++) {
			if (on_expire)
				on_expire(arg, &t->flows[index[i]]);
			flow_remove_hashed(t, index[i], hash[i]);
		}
		expired += due;
		budget -= n;
		if (*slot == SL_FLOW_NONE) {
			t->wheel.next++;
			if (++steps == STEPS)
				break;
		}
	}
	return expired;
}
