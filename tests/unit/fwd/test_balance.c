// Endpoint sets and the balancer, against a slow reference that knows nothing of alias tables: the
// exact probability of every endpoint, summed over all pairs of draws.
#include <errno.h>
#include <math.h>

#include "sl_set.h"
#include "sl_test.h"

#define DRAWS 1000000
#define SEED  UINT64_C(0x51ce5eed)

static struct sl_fwd_load load[SL_FWD_EPS_MAX];
static struct sl_fwd_ep ep[SL_FWD_EPS_MAX];
static double share[SL_FWD_EPS_MAX];
static uint32_t hits[SL_FWD_EPS_MAX];

static double
sum_weights(uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += ep[i].weight;
	return sum;
}

// Slots in reverse, so that an index taken for a slot shows.
static struct sl_fwd_eps *
set(uint32_t n, const uint32_t *weight, const uint32_t *active)
{
	memset(load, 0, sizeof(load));
	for (uint32_t i = 0; i < n; i++) {
		ep[i] = (struct sl_fwd_ep){
			.addr = i, .port = i, .weight = weight[i], .slot = n - 1 - i};
		load[ep[i].slot].active = active ? active[i] : 0;
	}
	return sl_set_flat(ep, n);
}

static uint32_t
active_of(uint32_t i)
{
	return load[ep[i].slot].active;
}

// Both draws by weight, each pair decided by active / weight, a tie by order.
static void
reference(uint32_t n)
{
	const double sum = sum_weights(n);

	memset(share, 0, sizeof(share));
	for (uint32_t a = 0; a < n; a++) {
		for (uint32_t b = 0; b < n; b++) {
			const double busy_a = (double)active_of(a) / ep[a].weight;
			const double busy_b = (double)active_of(b) / ep[b].weight;

			share[busy_a > busy_b ? b : a] +=
				(ep[a].weight / sum) * (ep[b].weight / sum);
		}
	}
}

static void
idle_reference(uint32_t n)
{
	const double sum = sum_weights(n);

	for (uint32_t i = 0; i < n; i++)
		share[i] = ep[i].weight / sum;
}

// Chi square of hits against share over DRAWS; classes that expect fewer than 8 are put together.
// Returns the distance from the mean in standard deviations (a fair one is above 6 once in 10^6).
static double
deviation(uint32_t n)
{
	double chi2 = 0, rest_hits = 0, rest_share = 0;
	uint32_t classes = 0;

	for (uint32_t i = 0; i < n; i++) {
		const double expected = share[i] * DRAWS;

		if (expected < 8) {
			rest_hits += hits[i];
			rest_share += share[i];
			continue;
		}
		chi2 += (hits[i] - expected) * (hits[i] - expected) / expected;
		classes++;
	}
	if (rest_share * DRAWS >= 8) {
		chi2 += (rest_hits - rest_share * DRAWS) * (rest_hits - rest_share * DRAWS) /
			(rest_share * DRAWS);
		classes++;
	} else if (rest_hits > 40) {
		return INFINITY;
	}
	return classes < 2 ? 0 : (chi2 - (classes - 1)) / sqrt(2.0 * (classes - 1));
}

static void
draw_all(const struct sl_fwd_eps *eps)
{
	uint64_t rnd = SEED;

	memset(hits, 0, sizeof(hits));
	for (unsigned i = 0; i < DRAWS; i++)
		hits[sl_set_pick(eps, load, sl_test_rand(&rnd))->addr]++;
}

static uint32_t weight_buf[SL_FWD_EPS_MAX];

static const uint32_t *
weights_equal(uint32_t n, uint32_t weight)
{
	for (uint32_t i = 0; i < n; i++)
		weight_buf[i] = weight;
	return weight_buf;
}

// Of every magnitude from 1 to 2^32-1.
static const uint32_t *
weights_wild(uint32_t n)
{
	uint64_t rnd = SEED;

	for (uint32_t i = 0; i < n; i++) {
		weight_buf[i] = (uint32_t)sl_test_rand(&rnd) >> sl_test_rand(&rnd) % 32;
		weight_buf[i] += weight_buf[i] == 0;
	}
	return weight_buf;
}

static const uint32_t *
weights_rising(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		weight_buf[i] = i + 1;
	return weight_buf;
}

#define W(...) ((const uint32_t[]){__VA_ARGS__})
#define BIG    UINT32_MAX

static int
idle_endpoints_follow_the_weights(void)
{
	const struct {
		const char *name;
		uint32_t n;
		const uint32_t *weight;
	} fixed[] = {
		{"two equal", 2, W(1, 1)},
		{"one to three", 2, W(1, 3)},
		{"three", 3, W(5, 3, 2)},
		{"the largest weights", 4, W(BIG, BIG, BIG, BIG - 1)},
		{"sum over 32 bits, unequal", 3, W(BIG, BIG / 2, BIG / 4)},
		{"1 to 2^32-1", 2, W(1, BIG)},
		{"one giant", 5, W(1, 1, 1000000, 1, 1)},
	};
	double worst = 0;

	printf("# SEED=%#llx\n", (unsigned long long)SEED);
	for (size_t i = 0; i < SL_ARRAY_LEN(fixed); i++) {
		struct sl_fwd_eps *eps = set(fixed[i].n, fixed[i].weight, NULL);

		idle_reference(fixed[i].n);
		draw_all(eps);
		worst = fmax(worst, deviation(fixed[i].n));
		RTE_TEST_ASSERT(deviation(fixed[i].n) < 6, "%s: off by %.1f sigma", fixed[i].name,
			deviation(fixed[i].n));
		sl_fwd_eps_put(eps);
	}
	for (uint32_t n = 1; n <= SL_FWD_EPS_MAX; n = n < 64 ? n + 7 : n * 4) {
		const uint32_t *(*const make[])(uint32_t) = {weights_wild, weights_rising};

		for (unsigned kind = 0; kind < 4; kind++) {
			const uint32_t *w =
				kind < 2 ? make[kind](n) : weights_equal(n, kind == 2 ? 1 : BIG);
			struct sl_fwd_eps *eps = set(n, w, NULL);

			idle_reference(n);
			draw_all(eps);
			worst = fmax(worst, deviation(n));
			RTE_TEST_ASSERT(deviation(n) < 6, "n=%u, weights %u: off by %.1f sigma", n,
				kind, deviation(n));
			sl_fwd_eps_put(eps);
		}
	}
	printf("# worst deviation %.2f sigma over %u draws\n", worst, DRAWS);
	return TEST_SUCCESS;
}

static int
loaded_endpoints_match_the_reference(void)
{
	const struct {
		const char *name;
		uint32_t n;
		const uint32_t *weight, *active;
	} row[] = {
		{"equal, one busy", 3, W(1, 1, 1), W(1, 0, 0)},
		{"equal, all differ", 4, W(1, 1, 1, 1), W(4, 3, 2, 1)},
		{"same load per weight", 3, W(1, 2, 3), W(10, 20, 30)},
		{"the light one is freer", 2, W(1, 9), W(0, 1)},
		{"the heavy one is freer", 2, W(1, 9), W(1, 8)},
		{"just above a tie", 2, W(3, 7), W(3, 8)},
		{"products over 32 bits", 3, W(BIG, BIG - 1, 1), W(BIG, BIG - 1, 0)},
		{"products that a 32-bit multiply confuses", 2, W(65536, 65537), W(65536, 65536)},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_eps *eps = set(row[i].n, row[i].weight, row[i].active);

		reference(row[i].n);
		draw_all(eps);
		RTE_TEST_ASSERT(deviation(row[i].n) < 6, "%s: off by %.1f sigma", row[i].name,
			deviation(row[i].n));
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// Long-lived flows: each pick stays, as the worker counts it.
static int
lasting_flows_converge_to_the_weights(void)
{
	const struct {
		const char *name;
		uint32_t n;
		const uint32_t *weight;
		double max_off; // from the fair share, as a part of it
	} row[] = {
		{"equal", 4, W(1, 1, 1, 1), 0.002},
		{"1 to 5", 5, W(1, 2, 3, 4, 5), 0.002},
		{"one giant", 3, W(1, 1, 1000), 0.05},
		{"the largest", 3, W(BIG, BIG / 2, BIG / 4), 0.002},
		{"64 equal", 64, weights_equal(64, 7), 0.005},
	};
	const unsigned flows = 100000;

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_eps *eps = set(row[i].n, row[i].weight, NULL);
		const double sum = sum_weights(row[i].n);
		uint64_t rnd = SEED;

		for (unsigned f = 0; f < flows; f++)
			load[sl_set_pick(eps, load, sl_test_rand(&rnd))->slot].active++;
		for (uint32_t e = 0; e < row[i].n; e++) {
			const double fair = flows * (ep[e].weight / sum);
			const double off = fabs(active_of(e) - fair) / fair;

			RTE_TEST_ASSERT(off <= row[i].max_off,
				"%s: endpoint %u has %u flows, fair are %.1f", row[i].name, e,
				active_of(e), fair);
		}
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// One endpoint's flows hang: new ones go elsewhere, while it keeps its share of short ones' draws.
static int
a_stuck_endpoint_is_avoided(void)
{
	struct sl_fwd_eps *eps = set(3, W(1, 1, 1), W(1000, 0, 0));
	uint64_t rnd = SEED;

	for (unsigned i = 0; i < 1000; i++)
		load[sl_set_pick(eps, load, sl_test_rand(&rnd))->slot].active++;
	// Only both draws on it choose it: one in nine.
	RTE_TEST_ASSERT(active_of(0) < 1000 + 1000 / 9 + 50, "the stuck one got %u more",
		active_of(0) - 1000);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

static int
sizes(void)
{
	static struct sl_fwd_ep many[SL_FWD_EPS_MAX + 1];
	struct sl_fwd_eps *eps = set(0, NULL, NULL);

	RTE_TEST_ASSERT_NOT_NULL(eps, "no empty set");
	RTE_TEST_ASSERT_NULL(sl_set_pick(eps, load, 1), "picked from an empty set");
	SL_TEST_INT(sl_fwd_eps_count(eps), 0);
	sl_fwd_eps_put(eps);

	eps = set(1, W(BIG), NULL);
	for (uint64_t rnd = 0; rnd < 100; rnd++)
		SL_TEST_INT(sl_set_pick(eps, load, ~rnd)->slot, sl_fwd_eps_at(eps, 0)->slot);
	sl_fwd_eps_put(eps);

	for (uint32_t i = 0; i <= SL_FWD_EPS_MAX; i++)
		many[i].weight = 1;
	RTE_TEST_ASSERT_NULL(sl_set_flat(many, SL_FWD_EPS_MAX + 1), "no limit");
	SL_TEST_INT(errno, EINVAL);
	many[7].weight = 0;
	RTE_TEST_ASSERT_NULL(sl_set_flat(many, 8), "weight 0 accepted");
	SL_TEST_INT(errno, EINVAL);
	return TEST_SUCCESS;
}

static void
note_free(void *ctx, const struct sl_fwd_eps *eps)
{
	*(uint32_t *)ctx += sl_fwd_eps_count(eps);
}

static int
references_and_equality(void)
{
	struct sl_fwd_eps *a = set(3, W(1, 2, 3), NULL), *b = set(3, W(1, 2, 3), NULL);
	uint32_t freed = 0;

	RTE_TEST_ASSERT(sl_fwd_eps_equal(a, b), "equal sets differ");
	for (unsigned field = 0; field < 4; field++) {
		struct sl_fwd_ep other[3];
		struct sl_fwd_eps *c;

		memcpy(other, ep, sizeof(other));
		other[2].addr += field == 0;
		other[2].port += field == 1;
		other[2].weight += field == 2;
		other[2].slot += field == 3;
		c = sl_set_flat(other, 3);
		RTE_TEST_ASSERT(!sl_fwd_eps_equal(a, c), "field %u is not compared", field);
		sl_fwd_eps_put(c);
		c = sl_set_flat(ep, 2);
		RTE_TEST_ASSERT(!sl_fwd_eps_equal(a, c), "the count is not compared");
		sl_fwd_eps_put(c);
	}
	sl_fwd_eps_on_free(a, note_free, &freed);
	RTE_TEST_ASSERT(sl_fwd_eps_get(a) == a, "get gave another");
	sl_fwd_eps_put(a);
	SL_TEST_INT(freed, 0);
	sl_fwd_eps_put(a);
	SL_TEST_INT(freed, 3);
	sl_fwd_eps_put(b);
	sl_fwd_eps_put(NULL);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"idle endpoints follow the weights", idle_endpoints_follow_the_weights},
	{"loaded endpoints match the reference", loaded_endpoints_match_the_reference},
	{"lasting flows converge to the weights", lasting_flows_converge_to_the_weights},
	{"a stuck endpoint is avoided", a_stuck_endpoint_is_avoided},
	{"sizes", sizes},
	{"references and equality", references_and_equality},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
