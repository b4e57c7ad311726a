// lib/stats: names are unique, a reading is of one moment.
#include "sl_stats.h"
#include "sl_test.h"

static int
names_unique(void)
{
	for (int a = 0; a < SL_C_MAX; a++)
		for (int b = 0; b < a; b++)
			RTE_TEST_ASSERT(strcmp(sl_counter_name(a), sl_counter_name(b)) != 0,
				"%s twice", sl_counter_name(a));
	for (int a = 0; a < SL_DROP_MAX; a++) {
		for (int b = 0; b < a; b++)
			RTE_TEST_ASSERT(strcmp(sl_drop_name(a), sl_drop_name(b)) != 0, "%s twice",
				sl_drop_name(a));
		RTE_TEST_ASSERT(sl_drop_help(a)[0] != '\0', "help of %s", sl_drop_name(a));
	}
	SL_TEST_STR(sl_drop_name(SL_DROP_NONE), "none");
	return TEST_SUCCESS;
}

static int
published_only(void)
{
	static struct sl_stats s;
	struct sl_stats_block seen, sum = {0};

	s.local.counter[SL_C_RX] = 5;
	sl_stats_read(&s, &seen);
	SL_TEST_INT(seen.counter[SL_C_RX], 0);
	s.local.drop[SL_DROP_DENIED] = 2;
	s.local.drop[SL_DROP_TTL] = 1;
	sl_stats_publish(&s);
	s.local.counter[SL_C_RX] = 9;
	sl_stats_read(&s, &seen);
	SL_TEST_INT(seen.counter[SL_C_RX], 5);
	SL_TEST_INT(sl_stats_drops(&seen), 3);
	sl_stats_add(&sum, &seen);
	sl_stats_add(&sum, &seen);
	SL_TEST_INT(sum.counter[SL_C_RX], 10);
	SL_TEST_INT(sl_stats_drops(&sum), 6);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"names are unique", names_unique},
		{"published blocks only", published_only},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
