// Round robin, random, slow start, limits, splits, localities and second tries.
#include <errno.h>
#include <math.h>

#include "sl_set.h"
#include "sl_test.h"

#define CLUSTER 5000
#define PICKS   200000

static struct sl_fwd_load load[CLUSTER + 2];
static struct sl_fwd_ep ep[SL_FWD_EPS_MAX];

#define W(...) ((const uint32_t[]){__VA_ARGS__})

static const struct sl_fwd_eps_spec plain = {.ep = ep, .cluster_slot = CLUSTER};

static struct sl_fwd_eps_spec
spec(enum sl_fwd_algo algo, uint32_t n, const uint32_t *weight)
{
	struct sl_fwd_eps_spec s = plain;

	memset(load, 0, sizeof(load));
	for (uint32_t i = 0; i < n; i++)
		ep[i] = (struct sl_fwd_ep){.addr = sl_cpu_to_be32(0xc6120001 + i),
			.port = 80,
			.weight = weight ? weight[i] : 1,
			.slot = i};
	s.algo = algo;
	s.n = n;
	return s;
}

static int64_t
pick_at(const struct sl_fwd_eps *eps, uint64_t rnd, uint64_t now_ns)
{
	const struct sl_fwd_ask ask = {.rnd = rnd, .hash = rnd >> 16, .now_ns = now_ns};
	struct sl_fwd_choice c;
	const int rc = sl_fwd_pick(eps, load, &ask, &c);

	return rc < 0 ? rc : (int64_t)c.ep->slot;
}

// Shares of PICKS picks at a time, by slot.
static void
shares(const struct sl_fwd_eps *eps, uint64_t now_ns, double *share, uint32_t n)
{
	uint64_t rnd = 0x51ce;

	for (uint32_t i = 0; i < n; i++)
		share[i] = 0;
	for (unsigned i = 0; i < PICKS; i++)
		share[pick_at(eps, sl_test_rand(&rnd), now_ns)] += 1.0 / PICKS;
}

// ---- round robin ----

// Earliest deadline first by a scan: 1 / weight after its last turn each one is due again.
static uint32_t
edf(uint32_t n, const uint32_t *weight, uint64_t *turns)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < n; i++)
		if ((turns[i] + 1) * weight[first] < (turns[first] + 1) * weight[i])
			first = i;
	turns[first]++;
	return first;
}

static int
round_robin_is_earliest_deadline_first(void)
{
	const struct {
		const char *name;
		uint32_t n;
		const uint32_t *weight;
		uint32_t round;
	} row[] = {
		{"equal", 5, W(1, 1, 1, 1, 1), 5},
		{"equal, not 1", 3, W(7, 7, 7), 3},
		{"5, 1, 1", 3, W(5, 1, 1), 7},
		{"with a divisor", 3, W(20, 40, 60), 6},
		{"1, 2, 3, 4", 4, W(1, 2, 3, 4), 10},
		{"100 to 1", 2, W(100, 1), 101},
		{"the most turns", 2, W(65535, 1), 65536},
		{"alone", 1, W(9), 1},
	};

	for (size_t r = 0; r < SL_ARRAY_LEN(row); r++) {
		const struct sl_fwd_eps_spec s = spec(SL_FWD_ROUND_ROBIN, row[r].n, row[r].weight);
		struct sl_fwd_eps *eps = sl_fwd_eps_new(&s);
		uint64_t turns[8] = {0};

		for (uint32_t i = 0; i < 3 * row[r].round; i++)
			SL_TEST_INT(pick_at(eps, i, 0), edf(row[r].n, row[r].weight, turns));
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// Shares that have no short round are rounded, by less than a tenth for those of an average weight;
// no one is left out, and any cursor is good.
static int
round_robin_of_odd_shares(void)
{
	const uint32_t weight[] = {1000003, 999983, 500009, 3, 1};
	const struct sl_fwd_eps_spec s = spec(SL_FWD_ROUND_ROBIN, 5, weight);
	struct sl_fwd_eps *eps = sl_fwd_eps_new(&s);
	double share[5];

	load[CLUSTER].cursor = UINT32_MAX;
	shares(eps, 0, share, 5);
	for (unsigned i = 0; i < 3; i++)
		RTE_TEST_ASSERT(fabs(share[i] * 2499999 / weight[i] - 1) < 0.01,
			"endpoint %u has %.4f", i, share[i]);
	RTE_TEST_ASSERT(share[3] > 0 && share[4] > 0, "one is left out");
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// ---- localities ----

static int
localities(void)
{
	const struct {
		const char *name;
		unsigned n[2], up[2];
		uint32_t weight[2];
		double first; // share of the first locality
	} row[] = {
		{"80 to 20", {3, 2}, {3, 2}, {80, 20}, 0.8},
		{"5 of 7 are enough", {7, 2}, {5, 2}, {50, 50}, 0.5},
		{"half of the first is up", {10, 2}, {5, 2}, {50, 50}, 0.7 / 1.7},
		{"none of the first", {3, 2}, {0, 2}, {90, 10}, 0},
		{"weight 0", {3, 2}, {3, 2}, {0, 10}, 0},
		{"no weights at all: by endpoint", {3, 2}, {3, 2}, {0, 0}, 0.6},
	};
	const enum sl_fwd_algo algo[] = {SL_FWD_RANDOM, SL_FWD_LEAST_REQUEST, SL_FWD_ROUND_ROBIN};

	for (size_t r = 0; r < SL_ARRAY_LEN(row); r++) {
		for (size_t a = 0; a < SL_ARRAY_LEN(algo); a++) {
			const struct sl_fwd_group group[] = {
				{.n = row[r].n[0], .weight = row[r].weight[0]},
				{.n = row[r].n[1], .weight = row[r].weight[1]}};
			struct sl_fwd_eps_spec s = spec(algo[a], row[r].n[0] + row[r].n[1], NULL);
			struct sl_fwd_eps *eps;
			double share[16], first = 0;

			s.group = group;
			s.n_groups = 2;
			s.locality_weighted = true;
			for (unsigned i = 0; i < s.n; i++)
				ep[i].down = i < row[r].n[0] ? i >= row[r].up[0]
							     : i - row[r].n[0] >= row[r].up[1];
			eps = sl_fwd_eps_new(&s);
			shares(eps, 0, share, s.n);
			for (unsigned i = 0; i < s.n; i++) {
				RTE_TEST_ASSERT(!ep[i].down || share[i] == 0, "%s: a dead one",
					row[r].name);
				first += i < row[r].n[0] ? share[i] : 0;
			}
			RTE_TEST_ASSERT(fabs(first - row[r].first) < 0.006,
				"%s, algorithm %d: the first has %.4f, expected %.4f", row[r].name,
				algo[a], first, row[r].first);
			sl_fwd_eps_put(eps);
		}
	}
	return TEST_SUCCESS;
}

// 70 and 30 percent, whatever draws.
static int
priorities_share(void)
{
	const struct sl_fwd_group group[] = {{.n = 4, .priority = 0}, {.n = 2, .priority = 1}};
	const enum sl_fwd_algo algo[] = {SL_FWD_RANDOM, SL_FWD_LEAST_REQUEST, SL_FWD_ROUND_ROBIN,
		SL_FWD_MAGLEV, SL_FWD_RING_HASH};

	for (size_t a = 0; a < SL_ARRAY_LEN(algo); a++) {
		struct sl_fwd_eps_spec s = spec(algo[a], 6, NULL);
		struct sl_fwd_eps *eps;
		double share[6];

		s.group = group;
		s.n_groups = 2;
		ep[0].down = ep[1].down = 1;
		eps = sl_fwd_eps_new(&s);
		shares(eps, 0, share, 6);
		RTE_TEST_ASSERT(share[0] + share[1] == 0, "algorithm %d: a dead one", algo[a]);
		RTE_TEST_ASSERT(fabs(share[2] + share[3] - 0.7) < 0.006,
			"algorithm %d: the first priority has %.4f", algo[a], share[2] + share[3]);
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// ---- slow start ----

static int
warmup(void)
{
	const struct {
		const char *name;
		uint64_t age_s;
		double aggression, factor;
	} row[] = {
		{"new", 0, 1, 0.1},
		{"below the minimum", 5, 1, 0.1},
		{"half", 50, 1, 0.5},
		{"half, aggression 2", 50, 2, 0.70711},
		{"a quarter, aggression 0.5", 25, 0.5, 0.1},
		{"over", 100, 1, 1},
		{"long ago", 1000, 1, 1},
	};
	const enum sl_fwd_algo algo[] = {SL_FWD_LEAST_REQUEST, SL_FWD_ROUND_ROBIN};
	const uint64_t now = 5000 * SL_NSEC_PER_SEC;

	for (size_t r = 0; r < SL_ARRAY_LEN(row); r++) {
		for (size_t a = 0; a < SL_ARRAY_LEN(algo); a++) {
			const uint64_t since[] = {0, 0, 0, now - row[r].age_s * SL_NSEC_PER_SEC};
			struct sl_fwd_eps_spec s = spec(algo[a], 4, NULL);
			const double fair = row[r].factor / (3 + row[r].factor);
			struct sl_fwd_eps *eps;
			double share[4];

			s.warmup_ns = 100 * SL_NSEC_PER_SEC;
			s.warmup_min_percent = 10;
			s.warmup_aggression = row[r].aggression;
			s.since_ns = since;
			eps = sl_fwd_eps_new(&s);
			shares(eps, now, share, 4);
			RTE_TEST_ASSERT(fabs(share[3] - fair) < 0.01,
				"%s, algorithm %d: %.4f, expected %.4f", row[r].name, algo[a],
				share[3], fair);
			sl_fwd_eps_put(eps);
		}
	}
	return TEST_SUCCESS;
}

// As a whole set of new ones: they serve from the first flow on.
static int
all_are_new(void)
{
	const uint64_t since[] = {7, 7, 7};
	struct sl_fwd_eps_spec s = spec(SL_FWD_LEAST_REQUEST, 3, NULL);
	struct sl_fwd_eps *eps;
	double share[3];

	s.warmup_ns = 100;
	s.warmup_aggression = 1;
	s.since_ns = since;
	eps = sl_fwd_eps_new(&s);
	shares(eps, 7, share, 3);
	for (unsigned i = 0; i < 3; i++)
		RTE_TEST_ASSERT(fabs(share[i] - 1 / 3.0) < 0.01, "%u has %.4f", i, share[i]);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// ---- second tries ----

// Every healthy endpoint of every priority comes once, the same one for the same question.
static int
every_endpoint_is_tried(void)
{
	const struct sl_fwd_group group[] = {
		{.n = 6, .priority = 0}, {.n = 3, .priority = 1}, {.n = 3, .priority = 2}};

	for (enum sl_fwd_algo algo = SL_FWD_LEAST_REQUEST; algo < SL_FWD_ORIGINAL_DST; algo++) {
		struct sl_fwd_eps_spec s = spec(algo, 12, NULL);
		struct sl_fwd_eps *eps;
		uint64_t rnd = 1;

		s.group = group;
		s.n_groups = 3;
		ep[2].down = ep[7].down = 1;
		eps = sl_fwd_eps_new(&s);
		for (unsigned round = 0; round < 200; round++) {
			const uint64_t r = sl_test_rand(&rnd);
			uint32_t tried[12];
			bool seen[12] = {false};

			for (unsigned k = 0; k <= 10; k++) {
				const struct sl_fwd_ask ask = {
					.rnd = r, .hash = r, .tried = tried, .n_tried = k};
				struct sl_fwd_choice c, again;

				load[CLUSTER].cursor = round;
				if (k == 10) {
					SL_TEST_INT(sl_fwd_pick(eps, load, &ask, &c), -ENOENT);
					break;
				}
				SL_TEST_INT(sl_fwd_pick(eps, load, &ask, &c), 0);
				load[CLUSTER].cursor = round;
				sl_fwd_pick(eps, load, &ask, &again);
				RTE_TEST_ASSERT(again.ep == c.ep, "another one this time");
				RTE_TEST_ASSERT(!seen[c.ep->slot] && !c.ep->down,
					"algorithm %d: %u again, or it is down", algo, c.ep->slot);
				seen[c.ep->slot] = true;
				tried[k] = c.ep->slot;
				RTE_TEST_ASSERT((k < 5) == (c.ep->slot < 6),
					"algorithm %d: %u in turn %u", algo, c.ep->slot, k);
			}
		}
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// ---- limits, original destination, splits ----

static int
limit_of_a_cluster(void)
{
	struct sl_fwd_eps_spec s = spec(SL_FWD_RANDOM, 2, NULL);
	struct sl_fwd_eps *eps;

	s.max_flows = 3;
	eps = sl_fwd_eps_new(&s);
	load[CLUSTER].active = 2;
	RTE_TEST_ASSERT(pick_at(eps, 1, 0) >= 0, "refused below the limit");
	load[CLUSTER].active = 3;
	SL_TEST_INT(pick_at(eps, 1, 0), -EDQUOT);
	sl_fwd_eps_put(eps);

	s.n = 0;
	eps = sl_fwd_eps_new(&s);
	SL_TEST_INT(pick_at(eps, 1, 0), -ENOENT); // and not the limit
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

static int
original_destination(void)
{
	struct sl_fwd_eps_spec s = spec(SL_FWD_ORIGINAL_DST, 1, NULL);
	const uint32_t tried[] = {0};
	const struct sl_fwd_ask again = {.tried = tried, .n_tried = 1};
	struct sl_fwd_choice c;
	struct sl_fwd_eps *eps;

	ep[0].addr = 0;
	ep[0].port = 0;
	s.policy = 7;
	eps = sl_fwd_eps_new(&s);
	SL_TEST_INT(sl_fwd_pick(eps, load, &(struct sl_fwd_ask){.rnd = 5}, &c), 0);
	SL_TEST_INT(c.ep->addr + c.ep->port, 0);
	SL_TEST_INT(c.policy, 7);
	SL_TEST_INT(c.cluster_slot, CLUSTER);
	SL_TEST_INT(sl_fwd_pick(eps, load, &again, &c), -ENOENT);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// Sets of endpoints first..first + n - 1, counted at CLUSTER + which.
static struct sl_fwd_eps *
part(uint32_t first, uint32_t n, unsigned which)
{
	struct sl_fwd_eps_spec s = spec(SL_FWD_RANDOM, first + n, NULL);

	s.ep = ep + first;
	s.n = n;
	s.cluster_slot = CLUSTER + which;
	s.policy = which;
	return sl_fwd_eps_new(&s);
}

static int
splits(void)
{
	const struct {
		const char *name;
		uint32_t n;
		uint32_t weight[2];
		double first;
	} row[] = {
		{"90 to 10", 2, {90, 10}, 0.9},
		{"only the second", 2, {0, 100}, 0},
		{"alone, weight 0", 1, {0, 0}, 1},
	};

	for (size_t r = 0; r < SL_ARRAY_LEN(row); r++) {
		struct sl_fwd_eps *p[] = {part(0, 2, 0), part(2, 3, 1)};
		struct sl_fwd_eps *eps = sl_fwd_eps_split(p, row[r].weight, row[r].n);
		double share[5];

		shares(eps, 0, share, 5);
		RTE_TEST_ASSERT(fabs(share[0] + share[1] - row[r].first) < 0.005, "%s: %.4f",
			row[r].name, share[0] + share[1]);
		if (row[r].n == 2) {
			SL_TEST_INT(sl_fwd_eps_count(eps), 5);
			SL_TEST_INT(sl_fwd_eps_at(eps, 3)->slot, 3);
			SL_TEST_INT(sl_fwd_eps_parts(eps), 2);
			RTE_TEST_ASSERT(sl_fwd_eps_part(eps, 1) == p[1], "another part");
			SL_TEST_INT(sl_fwd_eps_cluster_slot(p[1]), CLUSTER + 1);
			SL_TEST_INT(sl_fwd_eps_cluster_slot(eps), SL_FWD_SLOT_NONE);
		} else {
			sl_fwd_eps_put(p[1]);
		}
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// A dead part is not made up for by the other one, and a flow that tries again stays in its part.
static int
a_split_keeps_its_weights(void)
{
	struct sl_fwd_eps *p[] = {part(0, 2, 0), part(2, 3, 1)};
	struct sl_fwd_eps *eps = sl_fwd_eps_split(p, W(1, 1), 2), *bad[1], *empty[2];
	uint64_t rnd = 3;

	for (unsigned i = 0; i < 1000; i++) {
		uint32_t tried[] = {sl_test_rand(&rnd) % 2, 99};
		const struct sl_fwd_ask ask = {
			.rnd = sl_test_rand(&rnd), .tried = tried, .n_tried = 1};
		const struct sl_fwd_ask last = {
			.rnd = sl_test_rand(&rnd), .tried = tried, .n_tried = 2};
		struct sl_fwd_choice c;

		SL_TEST_INT(sl_fwd_pick(eps, load, &ask, &c), 0);
		SL_TEST_INT(c.ep->slot, 1 - tried[0]);
		SL_TEST_INT(c.policy, 0);
		tried[1] = 1 - tried[0];
		SL_TEST_INT(sl_fwd_pick(eps, load, &last, &c), -ENOENT);
	}
	bad[0] = eps;
	RTE_TEST_ASSERT_NULL(sl_fwd_eps_split(bad, W(1), 1), "a split of a split");
	SL_TEST_INT(errno, EINVAL);
	RTE_TEST_ASSERT_NULL(sl_fwd_eps_split(p, W(0, 0), 2), "no weight");
	RTE_TEST_ASSERT_NULL(sl_fwd_eps_split(p, W(UINT32_MAX, 1), 2), "too much weight");
	RTE_TEST_ASSERT_NULL(sl_fwd_eps_split(p, W(1), 0), "no part");
	sl_fwd_eps_put(eps);

	empty[0] = part(0, 0, 0);
	empty[1] = part(0, 1, 1);
	eps = sl_fwd_eps_split(empty, W(1, 1), 2);
	unsigned refused = 0;
	for (unsigned i = 0; i < 1000; i++)
		refused += pick_at(eps, sl_test_rand(&rnd), 0) == -ENOENT;
	RTE_TEST_ASSERT(refused > 400 && refused < 600, "%u of 1000 refused", refused);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// Nothing to pick yet is another answer than nothing to pick; with endpoints, `pending` is no word.
static int
pending(void)
{
	static const struct {
		const char *name;
		enum sl_fwd_algo algo;
		uint32_t n;
		bool pending;
		int rc;
	} row[] = {
		{"empty", SL_FWD_LEAST_REQUEST, 0, false, -ENOENT},
		{"pending", SL_FWD_LEAST_REQUEST, 0, true, -EAGAIN},
		{"round robin", SL_FWD_ROUND_ROBIN, 0, true, -EAGAIN},
		{"maglev", SL_FWD_MAGLEV, 0, true, -EAGAIN},
		{"ring", SL_FWD_RING_HASH, 0, true, -EAGAIN},
		{"random", SL_FWD_RANDOM, 0, true, -EAGAIN},
		{"with endpoints", SL_FWD_LEAST_REQUEST, 1, true, 0},
		{"all down", SL_FWD_LEAST_REQUEST, 2, true, -ENOENT},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_eps_spec s = spec(row[i].algo, row[i].n, NULL);
		const struct sl_fwd_ask ask = {.rnd = i};
		struct sl_fwd_choice c;

		s.pending = row[i].pending;
		ep[0].down = ep[1].down = row[i].n == 2;
		struct sl_fwd_eps *eps = sl_fwd_eps_new(&s);
		const int rc = sl_fwd_pick(eps, load, &ask, &c);

		RTE_TEST_ASSERT(rc == row[i].rc, "%s: %d", row[i].name, rc);
		s.pending = false;
		struct sl_fwd_eps *without = sl_fwd_eps_new(&s);

		RTE_TEST_ASSERT(sl_fwd_eps_equal(eps, without) == (row[i].n > 0 || !row[i].pending),
			"%s: equality", row[i].name);
		sl_fwd_eps_put(eps);
		sl_fwd_eps_put(without);
	}
	return TEST_SUCCESS;
}

// The part that a flow goes to decides, by weight.
static int
a_part_is_pending(void)
{
	struct sl_fwd_eps_spec s = spec(SL_FWD_RANDOM, 1, NULL);
	struct sl_fwd_eps *p[3], *eps;
	unsigned waits = 0, refused = 0, served = 0;
	uint64_t rnd = 5;

	p[0] = sl_fwd_eps_new(&s);
	s.n = 0;
	p[1] = sl_fwd_eps_new(&s);
	s.pending = true;
	p[2] = sl_fwd_eps_new(&s);
	eps = sl_fwd_eps_split(p, W(1, 1, 2), 3);
	for (unsigned i = 0; i < 4000; i++) {
		const struct sl_fwd_ask ask = {.rnd = sl_test_rand(&rnd)};
		struct sl_fwd_choice c;
		const int rc = sl_fwd_pick(eps, load, &ask, &c);

		waits += rc == -EAGAIN;
		refused += rc == -ENOENT;
		served += rc == 0;
	}
	SL_TEST_INT(waits + refused + served, 4000);
	RTE_TEST_ASSERT(waits > 1850 && waits < 2150 && served > 850 && served < 1150,
		"%u wait, %u served", waits, served);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// ---- specs ----

static int
what_is_refused(void)
{
	static const struct sl_fwd_group gap[] = {{.n = 1}, {.n = 1, .priority = 2}};
	static const struct sl_fwd_group from_one[] = {{.n = 2, .priority = 1}};
	static const struct sl_fwd_group down[] = {
		{.n = 1}, {.n = 0, .priority = 1}, {.n = 1, .priority = 0}};
	static const struct sl_fwd_group few[] = {{.n = 1}}, many[] = {{.n = 3}};
	const struct sl_fwd_eps_spec row[] = {
		{.group = gap, .n_groups = 2},
		{.group = from_one, .n_groups = 1},
		{.group = down, .n_groups = 3},
		{.group = few, .n_groups = 1},
		{.group = many, .n_groups = 1},
		{.min_health_percent = 101},
		{.algo = SL_FWD_ORIGINAL_DST},
		{.algo = SL_FWD_ORIGINAL_DST + 1},
		{.algo = SL_FWD_MAGLEV, .table_size = 65536},
		{.algo = SL_FWD_MAGLEV, .table_size = 1},
		{.algo = SL_FWD_MAGLEV, .table_size = 5000011 + 12}, // a prime, and too large
		{.algo = SL_FWD_ROUND_ROBIN, .cluster_slot = SL_FWD_SLOT_NONE},
		{.max_flows = 1, .cluster_slot = SL_FWD_SLOT_NONE},
		{.warmup_ns = 1},
	};

	spec(SL_FWD_RANDOM, 2, NULL);
	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_eps_spec s = row[i];

		s.ep = ep;
		s.n = 2;
		RTE_TEST_ASSERT_NULL(sl_fwd_eps_new(&s), "row %zu is accepted", i);
		SL_TEST_INT(errno, EINVAL);
	}
	return TEST_SUCCESS;
}

static int
equality(void)
{
	const struct sl_fwd_group one[] = {{.n = 3, .weight = 1}},
				  two[] = {{.n = 1, .weight = 1}, {.n = 2, .weight = 1}},
				  heavy[] = {{.n = 1, .weight = 2}, {.n = 2, .weight = 1}},
				  tiers[] = {{.n = 1, .weight = 1},
					  {.n = 2, .weight = 1, .priority = 1}};
	const uint64_t early[] = {1, 1, 1}, late[] = {1, 1, 2};
	struct sl_fwd_eps_spec v[24];
	struct sl_fwd_eps *eps[SL_ARRAY_LEN(v)], *again;
	uint32_t n = 0;

	v[0] = spec(SL_FWD_LEAST_REQUEST, 3, NULL);
	v[0].warmup_aggression = 1;
	v[0].warmup_ns = 100;
	v[0].since_ns = early;
	v[0].group = two;
	v[0].n_groups = 2;
	for (uint32_t i = 1; i < SL_ARRAY_LEN(v); i++)
		v[i] = v[0];
	v[++n].algo = SL_FWD_RANDOM;
	v[++n].algo = SL_FWD_MAGLEV;
	v[++n].algo = SL_FWD_MAGLEV;
	v[n].table_size = 251;
	v[++n].algo = SL_FWD_RING_HASH;
	v[++n].cluster_slot = CLUSTER + 1;
	v[++n].max_flows = 1;
	v[++n].policy = 1;
	v[++n].locality_weighted = true;
	v[++n].min_health_percent = 1;
	v[++n].warmup_ns = 101;
	v[++n].warmup_min_percent = 1;
	v[++n].warmup_aggression = 2;
	v[++n].since_ns = late;
	v[++n].since_ns = NULL;
	v[++n].group = heavy;
	v[++n].group = tiers;
	v[++n].group = one;
	v[n].n_groups = 1;
	v[++n].n = 0;
	v[n].n_groups = 0;
	v[++n].n = 0;
	v[n].n_groups = 0;
	v[n].pending = true;
	for (uint32_t i = 0; i <= n; i++)
		eps[i] = sl_fwd_eps_new(&v[i]);
	for (uint32_t i = 0; i <= n; i++) {
		again = sl_fwd_eps_new(&v[i]);
		for (uint32_t k = 0; k <= n; k++)
			RTE_TEST_ASSERT(sl_fwd_eps_equal(again, eps[k]) == (i == k),
				"specs %u and %u", i, k);
		sl_fwd_eps_put(again);
	}
	ep[1].down = 1;
	again = sl_fwd_eps_new(&v[0]);
	RTE_TEST_ASSERT(!sl_fwd_eps_equal(again, eps[0]), "down is not compared");
	sl_fwd_eps_put(again);
	for (uint32_t i = 0; i <= n; i++)
		sl_fwd_eps_put(eps[i]);

	struct sl_fwd_eps *p[] = {part(0, 1, 0), part(1, 1, 1)}, *a, *b, *c;
	a = sl_fwd_eps_split(p, W(1, 2), 2);
	for (unsigned i = 0; i < 2; i++)
		sl_fwd_eps_get(p[i]);
	b = sl_fwd_eps_split(p, W(2, 1), 2);
	for (unsigned i = 0; i < 2; i++)
		sl_fwd_eps_get(p[i]);
	c = sl_fwd_eps_split(p, W(1, 2), 2);
	RTE_TEST_ASSERT(sl_fwd_eps_equal(a, c), "equal splits differ");
	RTE_TEST_ASSERT(!sl_fwd_eps_equal(a, b), "weights of parts are not compared");
	RTE_TEST_ASSERT(!sl_fwd_eps_equal(a, p[0]), "a split is its part");
	sl_fwd_eps_put(a);
	sl_fwd_eps_put(b);
	sl_fwd_eps_put(c);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"round robin is earliest deadline first", round_robin_is_earliest_deadline_first},
	{"round robin of odd shares", round_robin_of_odd_shares},
	{"localities", localities},
	{"priorities share", priorities_share},
	{"warmup", warmup},
	{"all are new", all_are_new},
	{"every endpoint is tried", every_endpoint_is_tried},
	{"limit of a cluster", limit_of_a_cluster},
	{"original destination", original_destination},
	{"splits", splits},
	{"a split keeps its weights", a_split_keeps_its_weights},
	{"pending", pending},
	{"a part is pending", a_part_is_pending},
	{"what is refused", what_is_refused},
	{"equality", equality},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
