// The timer wheel: 4096 slots of one tick, each with sixteen lists that are doubly linked through
// the records by index.
//
// Lazy: a packet writes only last_seen. When a slot comes due, each flow's real deadline (last_seen
// + timeout of its state, and what its policy says) decides whether it expires or is hung there. A
// deadline beyond the wheel's horizon hangs at the horizon and is looked at again there. So an
// idle flow costs nothing and a busy one is looked at once in a timeout or once in 9 minutes.
#include "table.h"

// Empty slots passed in one call at most: what a long stall left is caught up in several calls.
#define STEPS 256

void
flow_wheel_init(struct wheel *w)
{
	w->next = 0;
	memset(w->slot, 0xff, sizeof(w->slot)); // SL_FLOW_NONE
}

static inline uint32_t *
list_of(struct wheel *w, sl_tick tick, uint32_t index)
{
	return &w->slot[tick % WHEEL_SLOTS][index % WHEEL_LANES];
}

void
flow_timer_link(struct sl_flow_table *t, uint32_t index, sl_tick deadline)
{
	const sl_tick earliest = t->wheel.next;
	const sl_tick horizon = tick_add(earliest, WHEEL_SLOTS - 1);
	struct sl_flow *f = &t->flows[index];
	uint32_t *list;

	deadline = deadline < earliest ? earliest : deadline > horizon ? horizon : deadline;
	list = list_of(&t->wheel, deadline, index);
	f->deadline = deadline;
	f->timer_prev = SL_FLOW_NONE;
	f->timer_next = *list;
	if (*list != SL_FLOW_NONE)
		t->flows[*list].timer_prev = index;
	*list = index;
}

void
flow_timer_unlink(struct sl_flow_table *t, uint32_t index)
{
	const struct sl_flow *f = &t->flows[index];

	if (f->timer_prev == SL_FLOW_NONE)
		*list_of(&t->wheel, f->deadline, index) = f->timer_next;
	else
		t->flows[f->timer_prev].timer_next = f->timer_next;
	if (f->timer_next != SL_FLOW_NONE)
		t->flows[f->timer_next].timer_prev = f->timer_prev;
}

static inline bool
is_empty(const uint32_t slot[WHEEL_LANES])
{
	uint32_t all = SL_FLOW_NONE;

	for (unsigned l = 0; l < WHEEL_LANES; l++)
		all &= slot[l];
	return all == SL_FLOW_NONE;
}

static inline void
prefetch(const struct sl_flow *f)
{
	__builtin_prefetch(f);
	__builtin_prefetch(&f->timer_next, 1);
}

// Takes one flow off the head of each of a slot's lists, n at most: following one list is one cache
// miss after the other, following several is several at a time, and the heads that come up are on
// their way while what was taken is worked on. They have no timer_prev until end_take().
static unsigned
take(struct sl_flow_table *t, uint32_t slot[WHEEL_LANES], uint32_t index[], unsigned n)
{
	unsigned taken = 0;

	for (unsigned l = 0; l < WHEEL_LANES && taken < n; l++) {
		if (slot[l] == SL_FLOW_NONE)
			continue;
		index[taken++] = slot[l];
		slot[l] = t->flows[slot[l]].timer_next;
		if (slot[l] != SL_FLOW_NONE)
			prefetch(&t->flows[slot[l]]);
	}
	return taken;
}

static void
end_take(struct sl_flow_table *t, const uint32_t slot[WHEEL_LANES])
{
	for (unsigned l = 0; l < WHEEL_LANES; l++)
		if (slot[l] != SL_FLOW_NONE)
			t->flows[slot[l]].timer_prev = SL_FLOW_NONE;
}

// Hangs those that live on at their real deadline; packs the others to the front. Returns how many.
static unsigned
sort_out(struct sl_flow_table *t, uint32_t index[], unsigned n, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	unsigned due = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct sl_flow *f = &t->flows[index[i]];
		const sl_tick deadline = flow_deadline(f, timeouts);

		if (deadline > now) {
			// Not into the slot that is being emptied: that is the wheel's next tick,
			// which is not after now, and the horizon is one short of a whole turn.
			flow_timer_link(t, index[i], deadline);
			continue;
		}
		index[due++] = index[i];
	}
	return due;
}

// One that was due and lives on: not into the slot that is being emptied.
static void
hang_again(struct sl_flow_table *t, uint32_t index, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	const sl_tick deadline = flow_deadline(&t->flows[index], timeouts);

	flow_timer_link(t, index, deadline > now ? deadline : tick_add(now, 1));
}

// After a stall longer than the wheel every slot is due, and each need be passed only once.
static void
skip_stall(struct wheel *w, sl_tick now)
{
	if (now > w->next && now - w->next >= WHEEL_SLOTS)
		w->next = now - (WHEEL_SLOTS - 1);
}

sl_tick
sl_flow_behind(const struct sl_flow_table *t, sl_tick now)
{
	return now > t->wheel.next ? now - t->wheel.next : 0;
}

unsigned
sl_flow_expire(struct sl_flow_table *t, sl_tick now, const struct sl_flow_timeouts *timeouts,
	unsigned budget, sl_flow_due_fn *on_due, void *arg)
{
	uint32_t index[WHEEL_LANES];
	unsigned expired = 0, steps = 0;

	skip_stall(&t->wheel, now);
	while (t->wheel.next <= now && budget > 0) {
		uint32_t *slot = t->wheel.slot[t->wheel.next % WHEEL_SLOTS];
		const unsigned n = take(t, slot, index, budget);
		const unsigned due = sort_out(t, index, n, now, timeouts);

		for (unsigned i = 0; i < due; i++) {
			if (on_due && !on_due(arg, &t->flows[index[i]], index[i])) {
				hang_again(t, index[i], now, timeouts);
				continue;
			}
			flow_remove_unlinked(t, index[i]);
			expired++;
		}
		budget -= n;
		if (is_empty(slot)) {
			t->wheel.next++;
			if (++steps == STEPS)
				break;
		} else if (budget == 0) {
			end_take(t, slot);
		}
	}
	return expired;
}
