// 10,000 names with a TTL of 30 s: questions are spread evenly over time, whatever happened before.
#include "world.h"

#define NAMES 10000
#define TTL   30
#define LONG  900 // seconds that are counted

struct outage {
	uint64_t begins, ends;
};

static struct reply
serve(struct world *w, const struct sl_dns_ask *ask)
{
	const struct outage *o = w->arg;

	if (o && w->now >= o->begins && w->now < o->ends)
		return (struct reply){.does = SILENT};
	return (struct reply){GOOD, .ttl = TTL, .delay_ns = MS + w->asked % 19 * MS};
}

static int
names_up(struct world *w, uint32_t n)
{
	char name[32];

	if (world_init(w, 2))
		return TEST_FAILED;
	w->serve = serve;
	w->n_seconds = 1000 + LONG;
	w->per_second = sl_xcalloc(w->n_seconds, sizeof(*w->per_second));
	for (uint32_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		sl_dns_use_new(w->d, name, &world_policy, world_count, w);
	}
	return TEST_SUCCESS;
}

static void
names_down(struct world *w)
{
	free(w->per_second);
	world_fini(w);
}

static uint32_t
most(const struct world *w, uint32_t from, uint32_t to)
{
	uint32_t n = 0;

	for (uint32_t i = 1000 + from; i < 1000 + to; i++)
		n = w->per_second[i] > n ? w->per_second[i] : n;
	return n;
}

static double
mean(const struct world *w, uint32_t from, uint32_t to)
{
	double n = 0;

	for (uint32_t i = 1000 + from; i < 1000 + to; i++)
		n += w->per_second[i];
	return n / (to - from);
}

static int
is_even(const struct world *w, const char *when, uint32_t from, uint32_t to, double usual)
{
	printf("# %s: at most %u a second, mean %.1f\n", when, most(w, from, to),
		mean(w, from, to));
	RTE_TEST_ASSERT(most(w, from, to) <= 2 * usual, "%s: %u a second, the mean is %.1f", when,
		most(w, from, to), usual);
	return TEST_SUCCESS;
}

// All at once at start: the first answers as fast as in_flight allows, as flows wait for them; from
// then on even.
static int
start(void)
{
	struct world w;
	double usual;

	if (names_up(&w, NAMES))
		return TEST_FAILED;
	world_run(&w, 3 * SEC);
	RTE_TEST_ASSERT_EQUAL(sl_dns_pending(w.d), 0, "all are answered within 3 s");
	world_run(&w, 400 * SEC);
	usual = mean(&w, 60, 400);
	RTE_TEST_ASSERT(usual < 1.2 * NAMES / TTL && usual > 1.0 * NAMES / TTL,
		"questions a second: %.1f", usual);
	RTE_TEST_ASSERT(w.most_open <= 256 * 2, "%u under way at once", w.most_open);
	if (is_even(&w, "after the start", 3, 60, usual) || is_even(&w, "later", 60, 400, usual))
		return TEST_FAILED;
	// The pace alone would hold a burst back until answers are too old.
	RTE_TEST_ASSERT(most(&w, 3, 60) <= 1.3 * usual, "spread, not only held back");
	names_down(&w);
	return TEST_SUCCESS;
}

// No server for so long that every answer has expired: neither then nor afterwards is there a
// burst.
static int
all_expired(void)
{
	struct outage o = {.begins = 1100 * SEC, .ends = 1220 * SEC};
	struct world w;
	double usual;

	if (names_up(&w, NAMES))
		return TEST_FAILED;
	w.arg = &o;
	world_run(&w, 219 * SEC);
	RTE_TEST_ASSERT(sl_dns_counter(w.d, SL_DNS_C_STALE) > NAMES / 10, "%llu became stale",
		(unsigned long long)sl_dns_counter(w.d, SL_DNS_C_STALE));
	world_run(&w, 500 * SEC);
	usual = mean(&w, 30, 100);
	if (is_even(&w, "outage", 100, 220, usual) || is_even(&w, "after it", 220, 400, usual) ||
		is_even(&w, "long after", 400, 700, usual))
		return TEST_FAILED;
	names_down(&w);
	return TEST_SUCCESS;
}

// A TTL of a second below a floor of 30 s behaves as one of 30 s.
static int
floor_counts(void)
{
	struct sl_name_policy policy = world_policy;
	struct world w;

	policy.refresh_min_ns = 30 * SEC;
	if (world_init(&w, 1))
		return TEST_FAILED;
	w.reply.ttl = 1;
	sl_dns_use_new(w.d, "www.example", &policy, NULL, NULL);
	world_run(&w, 1000 * SEC);
	RTE_TEST_ASSERT(w.asked >= 34 && w.asked <= 43, "%u questions in 1000 s", w.asked);
	world_fini(&w);
	return TEST_SUCCESS;
}

// It is asked in the last fifth of its TTL, so that a new answer is there before it ends.
static int
before_expiry(void)
{
	struct world w;
	uint32_t asked;
	uint64_t then;

	if (world_init(&w, 1))
		return TEST_FAILED;
	w.reply.ttl = 100;
	sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
	world_run(&w, 200 * SEC);
	for (uint32_t i = 0; i < 20; i++) {
		for (asked = w.asked; w.asked == asked;)
			world_run(&w, 10 * MS);
		then = w.now;
		for (asked = w.asked; w.asked == asked;)
			world_run(&w, 10 * MS);
		RTE_TEST_ASSERT(w.now - then > 79 * SEC && w.now - then < 101 * SEC,
			"asked after %llu ms", (unsigned long long)((w.now - then) / MS));
	}
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"10,000 names at start", start},
	{"10,000 names after an outage", all_expired},
	{"the floor", floor_counts},
	{"before the TTL ends", before_expiry},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
