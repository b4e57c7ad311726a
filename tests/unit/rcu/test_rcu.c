// lib/rcu in one thread: who has to pass before what is freed. The races are in tests/race.
#include <errno.h>

#include "sl_rcu.h"
#include "sl_test.h"

struct object {
	unsigned freed; // how often its free function ran
	unsigned order; // when, counted over the test
};

static unsigned freed_so_far;

static void
count_free(void *p)
{
	struct object *o = p;

	o->freed++;
	o->order = ++freed_so_far;
}

static int
limits(void)
{
	RTE_TEST_ASSERT_NULL(sl_rcu_new(0), "no worker at all was accepted");
	SL_TEST_INT(errno, EINVAL);
	sl_rcu_free(NULL);
	return TEST_SUCCESS;
}

static int
publish_replaces(void)
{
	struct object a = {0}, b = {0};
	struct sl_rcu *rcu = sl_rcu_new(1);

	RTE_TEST_ASSERT_NULL(sl_rcu_read(rcu), "something is published from the start");
	sl_rcu_publish(rcu, &a, count_free);
	RTE_TEST_ASSERT_EQUAL(sl_rcu_read(rcu), (void *)&a, "not what was published");
	sl_rcu_publish(rcu, &b, count_free);
	RTE_TEST_ASSERT_EQUAL(sl_rcu_current(rcu), (void *)&b, "not what was published");
	SL_TEST_INT(a.freed, 0);
	SL_TEST_INT(sl_rcu_reclaim(rcu), 0); // nobody is registered
	SL_TEST_INT(a.freed, 1);
	SL_TEST_INT(b.freed, 0);
	sl_rcu_free(rcu);
	SL_TEST_INT(a.freed, 1);
	SL_TEST_INT(b.freed, 1);
	return TEST_SUCCESS;
}

// What worker 1 of two does between the publish and the reclaim, and how many objects still wait.
enum step { QUIET, OFFLINE, LEAVE, BACK_ONLINE, NOTHING };

static int
who_is_waited_for(void)
{
	static const struct {
		const char *name;
		enum step step;
		unsigned waiting;
	} rows[] = {
		{"a worker in its burst is waited for", NOTHING, 1},
		{"quiescent ends it", QUIET, 0},
		{"going offline ends it", OFFLINE, 0},
		{"leaving ends it", LEAVE, 0},
		{"offline and online again ends it", BACK_ONLINE, 0},
	};

	for (unsigned i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct object a = {0}, b = {0};
		struct sl_rcu *rcu = sl_rcu_new(2);

		for (unsigned id = 0; id < 2; id++) {
			sl_rcu_register(rcu, id);
			sl_rcu_online(rcu, id);
		}
		sl_rcu_publish(rcu, &a, count_free);
		sl_rcu_publish(rcu, &b, count_free);
		sl_rcu_quiescent(rcu, 0);
		RTE_TEST_ASSERT(sl_rcu_reclaim(rcu) == 1 && !a.freed,
			"%s: freed before worker 1 did anything", rows[i].name);
		switch (rows[i].step) {
		case QUIET:
			sl_rcu_quiescent(rcu, 1);
			break;
		case OFFLINE:
			sl_rcu_offline(rcu, 1);
			break;
		case LEAVE:
			sl_rcu_unregister(rcu, 1);
			break;
		case BACK_ONLINE:
			sl_rcu_offline(rcu, 1);
			sl_rcu_online(rcu, 1);
			break;
		case NOTHING:
			break;
		}
		RTE_TEST_ASSERT_EQUAL(sl_rcu_reclaim(rcu), rows[i].waiting, "%s", rows[i].name);
		RTE_TEST_ASSERT_EQUAL(a.freed, !rows[i].waiting, "%s", rows[i].name);
		sl_rcu_free(rcu);
		RTE_TEST_ASSERT(a.freed == 1 && b.freed == 1, "%s: freed %u and %u times",
			rows[i].name, a.freed, b.freed);
	}
	return TEST_SUCCESS;
}

// Objects are freed in the order in which they were retired, each after its own grace period.
static int
each_its_own_period(void)
{
	struct object o[3] = {0};
	struct sl_rcu *rcu = sl_rcu_new(1);

	freed_so_far = 0;
	sl_rcu_register(rcu, 0);
	sl_rcu_online(rcu, 0);
	sl_rcu_retire(rcu, &o[0], count_free);
	sl_rcu_retire(rcu, &o[1], count_free);
	sl_rcu_retire(rcu, NULL, count_free);
	sl_rcu_quiescent(rcu, 0);
	sl_rcu_retire(rcu, &o[2], count_free);
	SL_TEST_INT(sl_rcu_reclaim(rcu), 1);
	SL_TEST_INT(o[0].order, 1);
	SL_TEST_INT(o[1].order, 2);
	SL_TEST_INT(o[2].freed, 0);
	sl_rcu_quiescent(rcu, 0);
	SL_TEST_INT(sl_rcu_reclaim(rcu), 0);
	SL_TEST_INT(o[2].order, 3);
	sl_rcu_free(rcu);
	return TEST_SUCCESS;
}

static int
tokens(void)
{
	struct sl_rcu *rcu = sl_rcu_new(2);
	uint64_t first, second;

	for (unsigned id = 0; id < 2; id++) {
		sl_rcu_register(rcu, id);
		sl_rcu_online(rcu, id);
	}
	first = sl_rcu_token(rcu);
	sl_rcu_quiescent(rcu, 0);
	RTE_TEST_ASSERT(!sl_rcu_passed(rcu, first), "passed without worker 1");
	sl_rcu_quiescent(rcu, 1);
	second = sl_rcu_token(rcu);
	RTE_TEST_ASSERT(sl_rcu_passed(rcu, first), "both passed the first");
	RTE_TEST_ASSERT(!sl_rcu_passed(rcu, second), "nobody passed the second");
	// A worker that comes after the token cannot hold what was there before.
	sl_rcu_unregister(rcu, 1);
	sl_rcu_quiescent(rcu, 0);
	sl_rcu_register(rcu, 1);
	RTE_TEST_ASSERT(sl_rcu_passed(rcu, second), "registered is offline");
	sl_rcu_online(rcu, 1);
	RTE_TEST_ASSERT(sl_rcu_passed(rcu, second), "came online after the token");
	sl_rcu_free(rcu);
	return TEST_SUCCESS;
}

static struct sl_rcu *chain_rcu;

static void
retire_next(void *p)
{
	struct object *o = p;

	count_free(o);
	sl_rcu_retire(chain_rcu, o + 1, count_free);
}

// A snapshot's free function may retire what it owned.
static int
free_may_retire(void)
{
	struct object o[2] = {0};
	struct sl_rcu *rcu = chain_rcu = sl_rcu_new(1);

	sl_rcu_register(rcu, 0);
	sl_rcu_online(rcu, 0);
	sl_rcu_retire(rcu, &o[0], retire_next);
	sl_rcu_quiescent(rcu, 0);
	SL_TEST_INT(sl_rcu_reclaim(rcu), 1);
	SL_TEST_INT(o[1].freed, 0);
	sl_rcu_quiescent(rcu, 0);
	SL_TEST_INT(sl_rcu_reclaim(rcu), 0);
	SL_TEST_INT(o[1].freed, 1);
	sl_rcu_free(rcu);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"limits", limits},
		{"publish_replaces", publish_replaces},
		{"who_is_waited_for", who_is_waited_for},
		{"each_its_own_period", each_its_own_period},
		{"tokens", tokens},
		{"free_may_retire", free_may_retire},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
