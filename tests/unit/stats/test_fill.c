// lib/stats: when something will be full, and who is told when; on a clock of our own.
#include "sl_fill.h"
#include "sl_test.h"

#define SIZE 10000
#define NS   UINT64_C(1000000000)

// Samples each `step` seconds, from `from` on by `by` each second.
static enum sl_fill_news
ramp(struct sl_fill *f, uint64_t *now, unsigned seconds, unsigned step, double from, double by)
{
	enum sl_fill_news news = SL_FILL_NOTHING;

	for (unsigned s = 0; s <= seconds; s += step) {
		const enum sl_fill_news n =
			sl_fill_sample(f, *now + s * NS, (uint32_t)(from + by * s), SIZE);

		news = n == SL_FILL_NOTHING ? news : n;
	}
	*now += seconds * NS;
	return news;
}

static int
forecast(void)
{
	static const struct {
		const char *name;
		unsigned seconds, step;
		double from, by;
		uint64_t least, most;
	} rows[] = {
		{"one sample", 0, 1, 9000, 0, SL_FILL_FAR, SL_FILL_FAR},
		{"too few", 5, 1, 9000, 100, SL_FILL_FAR, SL_FILL_FAR},
		{"steady", 100, 1, 9000, 0, SL_FILL_FAR, SL_FILL_FAR},
		{"falling", 100, 1, 9000, -10, SL_FILL_FAR, SL_FILL_FAR},
		{"ten seconds of a ramp", 20, 1, 2000, 100, 59, 61},
		{"each ten seconds", 60, 10, 1000, 50, 119, 121},
		{"at odd times", 63, 7, 1000, 50, 116, 118},
		{"slow", 60, 1, 9000, 1, 935, 945},
		{"not within an hour", 600, 1, 2000, 1, SL_FILL_FAR, SL_FILL_FAR},
		{"full", 10, 1, SIZE, 0, 0, 0},
		{"fuller than full", 10, 1, SIZE, 5, 0, 0},
	};

	for (size_t r = 0; r < SL_ARRAY_LEN(rows); r++) {
		struct sl_fill f = {0};
		uint64_t now = 5 * NS;

		ramp(&f, &now, rows[r].seconds, rows[r].step, rows[r].from, rows[r].by);
		const uint64_t left = sl_fill_seconds_left(&f);

		RTE_TEST_ASSERT(left >= rows[r].least && left <= rows[r].most, "%s: %llu",
			rows[r].name, (unsigned long long)left);
	}
	return TEST_SUCCESS;
}

// What was long ago counts no more; a clock that stands still changes nothing.
static int
forecast_follows(void)
{
	struct sl_fill f = {0};
	uint64_t now = NS;

	ramp(&f, &now, 30, 1, 1000, 100);
	ramp(&f, &now, 300, 1, 4000, 10);
	const uint64_t left = sl_fill_seconds_left(&f);

	RTE_TEST_ASSERT(left > 280 && left < 310, "%llu", (unsigned long long)left);
	sl_fill_sample(&f, now, 7000, SIZE);
	SL_TEST_INT(sl_fill_seconds_left(&f), left);
	ramp(&f, &now, 300, 1, 7000, 0);
	SL_TEST_INT(sl_fill_seconds_left(&f), SL_FILL_FAR);
	return TEST_SUCCESS;
}

static int
told_once(void)
{
	static const struct {
		const char *name;
		unsigned seconds;
		double from, by;
		enum sl_fill_news news;
	} steps[] = {
		{"fast, but far from full", 20, 0, 200, SL_FILL_NOTHING},
		{"steady", 300, 4000, 0, SL_FILL_NOTHING},
		{"slowly below 80 %", 1950, 4000, 2, SL_FILL_NOTHING},
		{"80 %", 300, 8000, 0, SL_FILL_RAISED},
		{"still", 60, 8100, 0, SL_FILL_NOTHING},
		{"a little less", 60, 7900, 0, SL_FILL_NOTHING},
		{"and again", 300, 8000, 0, SL_FILL_NOTHING},
		{"below 70 %", 60, 6900, 0, SL_FILL_CLEARED},
		{"soon full", 60, 6900, 15, SL_FILL_RAISED},
		{"not so soon", 300, 7800, 0.5, SL_FILL_NOTHING},
		{"it stands", 300, 6000, 0, SL_FILL_CLEARED},
	};
	struct sl_fill f = {0};
	uint64_t now = NS;

	for (size_t i = 0; i < SL_ARRAY_LEN(steps); i++) {
		now += NS;
		RTE_TEST_ASSERT_EQUAL(
			ramp(&f, &now, steps[i].seconds, 1, steps[i].from, steps[i].by),
			steps[i].news, "%s", steps[i].name);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"forecast", forecast},
		{"forecast_follows", forecast_follows},
		{"told_once", told_once},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
