// The timer wheel: nothing early, nothing forgotten, bounded work, stalls.
#include "flow_test.h"

// What on_due checks: at tick now every flow it gets was silent for its timeout, and not for
// much longer.
struct check {
	const struct sl_flow_timeouts *timeouts;
	sl_tick now;
	sl_tick slack; // how late is too late
	unsigned early, late, n;
	uint32_t last; // ep_slot of the last one
};

static bool
check_expired(void *arg, struct sl_flow *f, uint32_t index)
{
	struct check *c = arg;
	const uint64_t due = (uint64_t)f->last_seen + c->timeouts->by_state[f->state];

	c->early += c->now < due;
	c->late += c->now > due + c->slack;
	c->n++;
	c->last = f->ep_slot;
	return true;
}

static unsigned
expire(struct sl_flow_table *t, struct check *c, sl_tick now, unsigned budget)
{
	c->now = now;
	return sl_flow_expire(t, now, c->timeouts, budget, check_expired, c);
}

static uint32_t
insert(struct sl_flow_table *t, uint32_t i, enum sl_flow_state state, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	const struct sl_tuple client = client_tuple(i), endpoint = endpoint_tuple(i);
	const int64_t index = sl_flow_insert(t, &client, &endpoint, state, 0, now, timeouts);

	if (index < 0)
		abort();
	sl_flow_at(t, (uint32_t)index)->ep_slot = i;
	return (uint32_t)index;
}

// One idle flow of each state, looked at every tick: gone in exactly the tick of its deadline, also
// those beyond the horizon.
static int
on_the_tick(void)
{
	for (unsigned state = SL_FLOW_UDP; state < SL_FLOW_STATE_MAX; state++)
		for (sl_tick start = 0; start < 3; start++) {
			struct check c = {.timeouts = &test_timeouts};
			struct sl_flow_table *t = table_new(64);
			const sl_tick due = start + test_timeouts.by_state[state];

			expire(t, &c, start, 8);
			insert(t, 0, state, start, &test_timeouts);
			for (sl_tick now = start; now < due; now++)
				RTE_TEST_ASSERT_EQUAL(expire(t, &c, now, 8), 0, "%s: tick %u of %u",
					sl_flow_state_name(state), now, due);
			RTE_TEST_ASSERT_EQUAL(
				expire(t, &c, due, 8), 1, "%s", sl_flow_state_name(state));
			SL_TEST_INT(sl_flow_live(t), 0);
			sl_flow_table_free(t);
		}
	return TEST_SUCCESS;
}

// A flow's packets put its end off; the wheel is told of none of them.
static int
touched_lives_on(void)
{
	struct check c = {.timeouts = &test_timeouts};
	struct sl_flow_table *t = table_new(64);
	sl_tick now;

	insert(t, 0, SL_FLOW_UDP, 0, &test_timeouts);
	for (now = 0; now < 5000; now++) {
		if (now % 29 == 0)
			sl_flow_touch(t, 0, SL_DIR_ENDPOINT, 0, now, &test_timeouts);
		RTE_TEST_ASSERT_EQUAL(expire(t, &c, now, 8), 0, "expired at %u", now);
	}
	const sl_tick due = sl_flow_at(t, 0)->last_seen + test_timeouts.by_state[SL_FLOW_UDP];
	for (; now < due; now++)
		RTE_TEST_ASSERT_EQUAL(expire(t, &c, now, 8), 0, "expired at %u", now);
	SL_TEST_INT(expire(t, &c, due, 8), 1);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// A state with a shorter timeout takes hold at once, one with a longer when the old deadline comes.
static int
state_changes(void)
{
	struct check c = {.timeouts = &test_timeouts};
	struct sl_flow_table *t = table_new(64);

	for (uint32_t i = 0; i < 3; i++) { // neighbours in the slot, so that links matter
		insert(t, i, SL_FLOW_SYN_SENT, 0, &test_timeouts);
		sl_flow_touch(t, i, SL_DIR_ENDPOINT, SL_TCP_SYN | SL_TCP_ACK, 1, &test_timeouts);
		sl_flow_touch(t, i, SL_DIR_CLIENT, SL_TCP_ACK, 2, &test_timeouts);
	}
	for (sl_tick now = 0; now < 100; now++)
		SL_TEST_INT(expire(t, &c, now, 8), 0);
	sl_flow_touch(t, 1, SL_DIR_CLIENT, SL_TCP_RST, 100, &test_timeouts);
	for (sl_tick now = 100; now < 105; now++)
		SL_TEST_INT(expire(t, &c, now, 8), 0);
	SL_TEST_INT(expire(t, &c, 105, 8), 1);
	SL_TEST_INT(c.last, 1);
	sl_flow_touch(t, 0, SL_DIR_CLIENT, SL_TCP_FIN | SL_TCP_ACK, 105, &test_timeouts);
	sl_flow_touch(t, 0, SL_DIR_ENDPOINT, SL_TCP_FIN | SL_TCP_ACK, 105, &test_timeouts);
	SL_TEST_INT(expire(t, &c, 154, 8), 0);
	SL_TEST_INT(expire(t, &c, 155, 8), 1);
	SL_TEST_INT(c.last, 0);
	SL_TEST_INT(sl_flow_live(t), 1);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// Thousands of flows of all states, touched, changed and removed at random, while the budget of a
// call is small: never early, at most 2 ticks late.
static int
under_load(void)
{
	static const uint8_t segments[] = {SL_TCP_SYN, SL_TCP_SYN | SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_ACK, SL_TCP_ACK, SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST};
	uint64_t rnd = sl_test_seed();
	struct check c = {.timeouts = &test_timeouts, .slack = 2};
	struct sl_flow_table *t = table_new(1u << 14);
	uint32_t next = 0, removed = 0;

	for (sl_tick now = 0; now < 15000; now++) {
		for (unsigned i = 0; i < 40 && sl_flow_live(t) < sl_flow_capacity(t); i++)
			insert(t, next++, sl_test_rand(&rnd) & 1 ? SL_FLOW_UDP : SL_FLOW_SYN_SENT,
				now, &test_timeouts);
		for (unsigned i = 0; i < 100; i++) {
			const uint64_t r = sl_test_rand(&rnd);
			const uint32_t index = (uint32_t)r % sl_flow_capacity(t);

			if (sl_flow_at(t, index)->state == SL_FLOW_FREE)
				continue;
			if (r >> 60 == 0) {
				sl_flow_remove(t, index);
				removed++;
			} else {
				sl_flow_touch(t, index, r >> 40 & 1,
					segments[(r >> 48) % SL_ARRAY_LEN(segments)], now,
					&test_timeouts);
			}
		}
		for (unsigned call = 0; call < 4; call++)
			expire(t, &c, now, 32);
	}
	printf("# %u flows, %u expired, %u removed, %u live\n", next, c.n, removed,
		sl_flow_live(t));
	SL_TEST_INT(c.early, 0);
	SL_TEST_INT(c.late, 0);
	SL_TEST_INT(next, c.n + removed + sl_flow_live(t));
	RTE_TEST_ASSERT(c.n > 100000, "only %u expired", c.n);
	c.slack = UINT32_MAX / 2;
	for (unsigned call = 0; call < 1000; call++)
		expire(t, &c, 40000, 32);
	SL_TEST_INT(sl_flow_live(t), 0);
	SL_TEST_INT(c.early, 0);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// Time stands still for the worker and then jumps: each call stays within its budget, flows that
// are due go in as many calls as the budget allows, and those seen just now stay.
static int
time_jump(void)
{
	static const sl_tick jumps[] = {300, 4095, 4096, 4097, 8192, 100000, 50000000};

	for (unsigned j = 0; j < SL_ARRAY_LEN(jumps); j++) {
		struct check c = {.timeouts = &test_timeouts, .slack = UINT32_MAX / 2};
		struct sl_flow_table *t = table_new(1u << 12);
		const sl_tick now = 1000 + jumps[j];
		unsigned calls = 0;

		for (sl_tick tick = 0; tick < 1000; tick++) {
			expire(t, &c, tick, 64);
			if (tick >= 971 && tick < 999) // due from 1001 on
				for (uint32_t i = 0; i < 100; i++)
					insert(t, tick * 100 + i, SL_FLOW_UDP, tick,
						&test_timeouts);
		}
		SL_TEST_INT(c.n, 0);
		for (uint32_t i = 0; i < 50; i++)
			sl_flow_touch(t, i * 7, SL_DIR_CLIENT, 0, now, &test_timeouts);
		insert(t, 1, SL_FLOW_ESTABLISHED, now, &test_timeouts);
		while (sl_flow_live(t) > 51) {
			const unsigned n = expire(t, &c, now, 64);

			RTE_TEST_ASSERT(n <= 64, "%u expired, budget 64", n);
			RTE_TEST_ASSERT(++calls <= 2800 / 64 + 4096 / 256 + 4,
				"jump %u: %u flows left after %u calls", jumps[j], sl_flow_live(t),
				calls);
		}
		// What lives on is on time after the jump.
		c.slack = 0;
		for (unsigned i = 0; i < 4096 / 256 + 1; i++)
			SL_TEST_INT(expire(t, &c, now, 64), 0);
		for (sl_tick tick = now; tick <= now + 10000; tick++)
			expire(t, &c, tick, 64);
		SL_TEST_INT(sl_flow_live(t), 0);
		SL_TEST_INT(c.early, 0);
		SL_TEST_INT(c.late, 0);
		sl_flow_table_free(t);
	}
	return TEST_SUCCESS;
}

// New flows and changes during a stall hang behind the wheel's time: none is lost or early.
static int
opened_in_a_stall(void)
{
	for (sl_tick stall = 1; stall < 10000; stall += 397) {
		struct check c = {.timeouts = &test_timeouts};
		struct sl_flow_table *t = table_new(64);

		expire(t, &c, 10, 8);
		insert(t, 0, SL_FLOW_UDP, 10 + stall, &test_timeouts);
		insert(t, 1, SL_FLOW_ESTABLISHED, 10 + stall, &test_timeouts);
		insert(t, 2, SL_FLOW_ESTABLISHED, 10 + stall, &test_timeouts);
		sl_flow_touch(t, 2, SL_DIR_CLIENT, SL_TCP_RST, 10 + stall, &test_timeouts);
		for (unsigned i = 0; i < 4096 / 256 + 1; i++)
			SL_TEST_INT(expire(t, &c, 10 + stall, 8), 0);
		for (sl_tick now = 10 + stall; now <= 10 + stall + 10000; now++)
			expire(t, &c, now, 8);
		SL_TEST_INT(c.n, 3);
		SL_TEST_INT(c.early, 0);
		SL_TEST_INT(c.late, 0);
		sl_flow_table_free(t);
	}
	return TEST_SUCCESS;
}

// No more than the budget is looked at, also when nothing of it is due.
static int
budget(void)
{
	struct check c = {.timeouts = &test_timeouts, .slack = 100};
	struct sl_flow_table *t = table_new(1024);

	for (uint32_t i = 0; i < 1000; i++)
		insert(t, i, SL_FLOW_UDP, 0, &test_timeouts);
	for (uint32_t i = 0; i < 1000; i++)
		if (i % 2)
			sl_flow_touch(t, i, SL_DIR_CLIENT, 0, 20, &test_timeouts);
	SL_TEST_INT(expire(t, &c, 30, 0), 0);
	for (unsigned call = 0; call < 10; call++) {
		const unsigned before = c.n;

		expire(t, &c, 30, 100);
		RTE_TEST_ASSERT(c.n - before <= 100, "%u in one call", c.n - before);
		SL_TEST_INT(c.n, 50 * (call + 1)); // every second one of 100 looked at is due
	}
	SL_TEST_INT(expire(t, &c, 49, 1000), 0);
	SL_TEST_INT(expire(t, &c, 50, 1000), 500);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// The budget ends in the middle of a slot; any of what is left there may go before the next call.
static int
half_a_slot(void)
{
	unsigned removed = 0;

	for (uint32_t victim = 0; victim < 80; victim++) {
		struct check c = {.timeouts = &test_timeouts, .slack = 100};
		struct sl_flow_table *t = table_new(128);

		for (uint32_t i = 0; i < 80; i++)
			insert(t, i, SL_FLOW_UDP, 0, &test_timeouts);
		SL_TEST_INT(expire(t, &c, 30, 20), 20);
		if (sl_flow_at(t, victim)->state != SL_FLOW_FREE) {
			sl_flow_remove(t, victim);
			removed++;
			insert(t, 100, SL_FLOW_UDP, 30, &test_timeouts);
			insert(t, 101, SL_FLOW_UDP, 30, &test_timeouts);
			SL_TEST_INT(expire(t, &c, 30, 100), 59);
			SL_TEST_INT(expire(t, &c, 60, 100), 2);
			SL_TEST_INT(sl_flow_live(t), 0);
		}
		sl_flow_table_free(t);
	}
	SL_TEST_INT(removed, 60);
	return TEST_SUCCESS;
}

static int
extreme_timeouts(void)
{
	struct sl_flow_timeouts timeouts = {
		.by_state = {[SL_FLOW_UDP] = 0, [SL_FLOW_ESTABLISHED] = UINT32_MAX}};
	struct check c = {.timeouts = &timeouts};
	struct sl_flow_table *t = table_new(64);

	expire(t, &c, 100, 8); // tick 100 is worked off
	insert(t, 0, SL_FLOW_UDP, 100, &timeouts);
	insert(t, 1, SL_FLOW_ESTABLISHED, 100, &timeouts);
	c.slack = 1;
	expire(t, &c, 101, 8);
	SL_TEST_INT(c.n, 1);
	for (sl_tick now = 101; now < 4000000000u; now += 12345677)
		for (unsigned i = 0; i < 20; i++)
			SL_TEST_INT(expire(t, &c, now, 8), 0);
	SL_TEST_INT(sl_flow_live(t), 1);
	SL_TEST_INT(c.early + c.late, 0);
	// Timeouts that a reload shortens take hold when the flow is next looked at.
	timeouts.by_state[SL_FLOW_ESTABLISHED] = 10;
	c.slack = UINT32_MAX / 2;
	for (sl_tick now = 4000000000u; now < 4000004096u; now++)
		expire(t, &c, now, 8);
	SL_TEST_INT(sl_flow_live(t), 0);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"on_the_tick", on_the_tick},
		{"touched_lives_on", touched_lives_on},
		{"state_changes", state_changes},
		{"under_load", under_load},
		{"time_jump", time_jump},
		{"opened_in_a_stall", opened_in_a_stall},
		{"budget", budget},
		{"half_a_slot", half_a_slot},
		{"extreme_timeouts", extreme_timeouts},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
