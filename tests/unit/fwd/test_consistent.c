// Consistent hashing, against independent references: Maglev straight from the paper's description
// with Envoy's weights, and a ring made of all its points by search; and priorities, whose percent
// a walk over the hashes 0 to 99 shows exactly.
#include <errno.h>
#include <math.h>
#include <xxhash.h>

#include "sl_set.h"
#include "sl_test.h"

#define M 65537u

static struct sl_fwd_load load[SL_FWD_EPS_MAX];
static struct sl_fwd_ep ep[SL_FWD_EPS_MAX];

// 198.18.0.1:8080 and on, weights 1 to 4 or all 1.
static void
endpoints(uint32_t n, bool weighted)
{
	for (uint32_t i = 0; i < n; i++)
		ep[i] = (struct sl_fwd_ep){.addr = sl_cpu_to_be32(0xc6120001 + i),
			.port = sl_cpu_to_be16(8080),
			.weight = weighted ? 1 + i % 4 : 1,
			.slot = i};
}

static struct sl_fwd_eps *
set(enum sl_fwd_algo algo, const struct sl_fwd_ep *v, uint32_t n, uint32_t size)
{
	return sl_fwd_eps_new(&(struct sl_fwd_eps_spec){.ep = v,
		.n = n,
		.algo = algo,
		.table_size = size,
		.cluster_slot = SL_FWD_SLOT_NONE});
}

static sl_be32
owner(const struct sl_fwd_eps *eps, uint32_t hash)
{
	const struct sl_fwd_ask ask = {.hash = hash};
	struct sl_fwd_choice choice;

	return sl_fwd_pick(eps, load, &ask, &choice) == 0 ? choice.ep->addr : 0;
}

static void
name_of(const struct sl_fwd_ep *e, char *text)
{
	const uint32_t a = sl_be32_to_cpu(e->addr);

	sprintf(text, "%u.%u.%u.%u:%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
		sl_be16_to_cpu(e->port));
}

// The reference: every endpoint's whole permutation, O(n * M), endpoints in the order of their
// names.
static sl_be32 *
maglev_reference(const struct sl_fwd_ep *v, uint32_t n)
{
	uint32_t *permutation = malloc(sizeof(uint32_t) * n * M), *next = calloc(n, sizeof(*next));
	double *target = calloc(n, sizeof(*target)), max = 0;
	char(*name)[32] = calloc(n, sizeof(*name));
	uint32_t *order = calloc(n, sizeof(*order));
	sl_be32 *table = calloc(M, sizeof(*table));
	uint32_t filled = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = i;

		name_of(&v[i], name[i]);
		max = fmax(max, v[i].weight);
		for (; at > 0 && strcmp(name[order[at - 1]], name[i]) > 0; at--)
			order[at] = order[at - 1];
		order[at] = i;
		const uint64_t offset = XXH64(name[i], strlen(name[i]), 0) % M;
		const uint64_t skip = XXH64(name[i], strlen(name[i]), 1) % (M - 1) + 1;

		for (uint64_t j = 0; j < M; j++)
			permutation[(size_t)i * M + j] = (offset + j * skip) % M;
	}
	for (uint32_t round = 1; filled < M; round++) {
		for (uint32_t o = 0; o < n && filled < M; o++) {
			const uint32_t i = order[o];

			if (round * (double)v[i].weight < target[i])
				continue;
			target[i] += max;
			while (table[permutation[(size_t)i * M + next[i]]])
				next[i]++;
			table[permutation[(size_t)i * M + next[i]]] = v[i].addr;
			filled++;
		}
	}
	free(permutation);
	free(next);
	free(target);
	free(name);
	free(order);
	return table;
}

static int
maglev_is_the_reference(void)
{
	for (uint32_t n = 2; n <= 50; n += n < 5 ? 1 : 15) {
		for (unsigned weighted = 0; weighted < 2; weighted++) {
			endpoints(n, weighted);
			sl_be32 *want = maglev_reference(ep, n);
			struct sl_fwd_eps *eps = set(SL_FWD_MAGLEV, ep, n, 0);
			uint32_t differ = 0;

			for (uint32_t h = 0; h < M; h++)
				differ += owner(eps, h) != want[h];
			RTE_TEST_ASSERT(differ == 0, "%u endpoints, weighted %u: %u entries differ",
				n, weighted, differ);
			sl_fwd_eps_put(eps);
			free(want);
		}
	}
	return TEST_SUCCESS;
}

static void
shuffle(struct sl_fwd_ep *v, uint32_t n, uint64_t *rnd)
{
	for (uint32_t i = n; i > 1; i--) {
		const uint32_t k = sl_test_rand(rnd) % i;
		const struct sl_fwd_ep t = v[i - 1];

		v[i - 1] = v[k];
		v[k] = t;
	}
	for (uint32_t i = 0; i < n; i++)
		v[i].slot = (i * 7 + 3) % n; // another node's slots
}

static uint64_t
checksum(const struct sl_fwd_eps *eps)
{
	uint64_t sum = 0;

	// Spread over 32 bits for the ring; all entries of a Maglev table.
	for (uint32_t i = 0; i < M; i++) {
		const sl_be32 at[2] = {owner(eps, i), owner(eps, i * 65539u)};

		sum = XXH64(at, sizeof(at), sum);
	}
	return sum;
}

// What other nodes, and the next version, have to build as well.
static int
tables_are_reproducible(void)
{
	const struct {
		const char *name;
		enum sl_fwd_algo algo;
		uint32_t n, size;
		bool weighted;
		uint64_t sum;
	} row[] = {
		{"maglev", SL_FWD_MAGLEV, 10, 0, false, 0xdff451d6c5ef045c},
		{"maglev weighted", SL_FWD_MAGLEV, 37, 0, true, 0x49b108c579702337},
		{"maglev small", SL_FWD_MAGLEV, 5, 251, true, 0x612d5a553d496fe5},
		{"ring", SL_FWD_RING_HASH, 10, 0, false, 0xcf840cd257603cef},
		{"ring weighted", SL_FWD_RING_HASH, 37, 5000, true, 0x7501663073fd44a0},
	};
	uint64_t rnd = sl_test_seed();

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		endpoints(row[i].n, row[i].weighted);
		for (unsigned round = 0; round < 4; round++) {
			struct sl_fwd_eps *eps = set(row[i].algo, ep, row[i].n, row[i].size);
			const uint64_t sum = checksum(eps);

			RTE_TEST_ASSERT(sum == row[i].sum, "%s, order %u: %#llx", row[i].name,
				round, (unsigned long long)sum);
			sl_fwd_eps_put(eps);
			shuffle(ep, row[i].n, &rnd);
		}
	}
	// The hash of a client is the same on every node, too.
	SL_TEST_INT(sl_fwd_hash_source(sl_cpu_to_be32(0xc0000201)),
		(uint32_t)XXH64("\xc0\x00\x02\x01", 4, 0));
	return TEST_SUCCESS;
}

static void
moved(const struct sl_fwd_eps *a, const struct sl_fwd_eps *b, sl_be32 gone, uint32_t *forced,
	uint32_t *others)
{
	*forced = *others = 0;
	// All over the ring, and each entry of a Maglev table once: M is a prime.
	for (uint32_t i = 0; i < M; i++) {
		const uint32_t h = i * 65535;
		const sl_be32 was = owner(a, h);

		*forced += was == gone;
		*others += was != gone && was != owner(b, h);
	}
}

// One of n goes: its entries have to move; of the others few may. The reference's tables, which the
// test above compares entry by entry, move as much.
static int
maglev_moves_little(void)
{
	const uint32_t sizes[] = {5, 10, 50, 100};

	for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
		const uint32_t n = sizes[i], out = n / 2;
		struct sl_fwd_ep rest[100];
		uint32_t forced, others, ref_forced = 0, ref_others = 0;
		struct sl_fwd_eps *a, *b;
		sl_be32 *before, *after;

		endpoints(n, false);
		memcpy(rest, ep, n * sizeof(*rest));
		memmove(rest + out, rest + out + 1, (n - out - 1) * sizeof(*rest));
		a = set(SL_FWD_MAGLEV, ep, n, 0);
		b = set(SL_FWD_MAGLEV, rest, n - 1, 0);
		moved(a, b, ep[out].addr, &forced, &others);
		before = maglev_reference(ep, n);
		after = maglev_reference(rest, n - 1);
		for (uint32_t h = 0; h < M; h++) {
			ref_forced += before[h] == ep[out].addr;
			ref_others += before[h] != ep[out].addr && before[h] != after[h];
		}
		printf("# FIGURE maglev, 1 of %u removed: %.2f %% of the entries had to move, "
		       "%.2f %% moved besides\n",
			n, 100.0 * forced / M, 100.0 * others / M);
		SL_TEST_INT(forced, ref_forced);
		SL_TEST_INT(others, ref_others);
		RTE_TEST_ASSERT(
			fabs(forced * (double)n / M - 1) < 0.02, "%u entries of %u", forced, n);
		RTE_TEST_ASSERT(others < M / 20, "%u others moved", others);
		free(before);
		free(after);
		sl_fwd_eps_put(a);
		sl_fwd_eps_put(b);
	}
	return TEST_SUCCESS;
}

// ---- ring ----

// The owner by a search over all points: `count[i]` points of endpoint i.
static sl_be32
ring_reference(const struct sl_fwd_ep *v, uint32_t n, const uint32_t *count, uint32_t hash)
{
	uint64_t best = UINT64_MAX, first = UINT64_MAX;
	sl_be32 at = 0, wrapped = 0;

	for (uint32_t i = 0; i < n; i++) {
		char name[48];

		name_of(&v[i], name);
		const size_t len = strlen(name);

		for (uint32_t k = 0; k < count[i]; k++) {
			const int more = sprintf(name + len, "_%u", k);
			const uint64_t p = XXH64(name, len + more, 0);

			if (p >> 32 >= hash && p < best) {
				best = p;
				at = v[i].addr;
			}
			if (p < first) {
				first = p;
				wrapped = v[i].addr;
			}
		}
	}
	return at ? at : wrapped;
}

static int
ring_is_the_reference(void)
{
	// 1024 / (1 + 2 + 3 + 4) = 102.4, so that the lightest gets 103 points.
	const uint32_t weighted[] = {103, 206, 309, 412}, equal[] = {256, 256, 256, 256};
	uint64_t rnd = sl_test_seed();

	for (unsigned w = 0; w < 2; w++) {
		endpoints(4, w);
		struct sl_fwd_eps *eps = set(SL_FWD_RING_HASH, ep, 4, 0);

		for (unsigned i = 0; i < 1000; i++) {
			const uint32_t h = i == 0 ? 0 : i == 1 ? UINT32_MAX : sl_test_rand(&rnd);

			SL_TEST_INT(owner(eps, h), ring_reference(ep, 4, w ? weighted : equal, h));
		}
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// Without its endpoint, a ring moves nothing but that endpoint's hashes.
static int
ring_moves_only_what_it_has_to(void)
{
	struct sl_fwd_eps *a, *b;
	uint32_t forced, others;

	endpoints(8, false); // 1024 is a multiple of 8, and 896 of 7
	a = set(SL_FWD_RING_HASH, ep, 8, 1024);
	b = set(SL_FWD_RING_HASH, ep, 7, 896);
	moved(a, b, ep[7].addr, &forced, &others);
	SL_TEST_INT(others, 0);
	RTE_TEST_ASSERT(forced > 0, "it had nothing");
	sl_fwd_eps_put(a);
	sl_fwd_eps_put(b);
	return TEST_SUCCESS;
}

// ---- priorities and localities ----

static int
priorities(void)
{
	const struct {
		const char *name;
		unsigned total[3], healthy[3];
		uint8_t min_health;
		unsigned load[3];
		bool panic[3];
	} row[] = {
		{"all healthy", {10, 10, 0}, {10, 10, 0}, 0, {100, 0, 0}, {0}},
		{"71 percent is enough", {7, 10, 0}, {5, 10, 0}, 0, {100, 0, 0}, {0}},
		{"half", {10, 10, 0}, {5, 10, 0}, 0, {70, 30, 0}, {0}},
		{"integer percent", {3, 10, 0}, {1, 10, 0}, 0, {46, 54, 0}, {0}},
		{"none in the first", {4, 4, 0}, {0, 4, 0}, 0, {0, 100, 0}, {0}},
		{"three", {10, 10, 10}, {5, 1, 10}, 0, {70, 14, 16}, {0}},
		{"scaled up", {10, 10, 0}, {2, 3, 0}, 0, {40, 60, 0}, {0}},
		{"scaled up, rest to the first", {10, 10, 10}, {1, 1, 1}, 0, {34, 33, 33}, {0}},
		{"rest to the first with health", {10, 10, 10}, {0, 1, 2}, 0, {0, 34, 66}, {0}},
		{"all down", {4, 4, 0}, {0, 0, 0}, 0, {0, 0, 0}, {0}},
		{"one in a hundred and more", {200, 0, 0}, {1, 0, 0}, 0, {100, 0, 0}, {0}},
		{"all down, panic", {4, 4, 0}, {0, 0, 0}, 50, {100, 0, 0}, {true, false, false}},
		{"enough together: no panic", {10, 10, 0}, {4, 10, 0}, 50, {56, 44, 0}, {0}},
		{"one in panic", {10, 10, 0}, {1, 6, 0}, 50, {15, 85, 0}, {true, false, false}},
		{"total panic, by size", {10, 30, 0}, {1, 2, 0}, 50, {25, 75, 0},
			{true, true, false}},
		{"at the threshold: no panic", {10, 0, 0}, {5, 0, 0}, 50, {100, 0, 0}, {0}},
	};

	for (size_t r = 0; r < SL_ARRAY_LEN(row); r++) {
		struct sl_fwd_group group[3];
		uint8_t prio[SL_FWD_EPS_MAX];
		unsigned got[3] = {0}, down[3] = {0}, n = 0;
		struct sl_fwd_eps *eps;

		endpoints(300, false);
		for (unsigned p = 0; p < 3; p++) {
			group[p] = (struct sl_fwd_group){.n = row[r].total[p], .priority = p};
			for (unsigned i = 0; i < row[r].total[p]; i++, n++) {
				ep[n].down = i >= row[r].healthy[p];
				prio[n] = p;
			}
		}
		eps = sl_fwd_eps_new(&(struct sl_fwd_eps_spec){.ep = ep,
			.n = n,
			.group = group,
			.n_groups = 3,
			.min_health_percent = row[r].min_health,
			.algo = SL_FWD_MAGLEV,
			.table_size = 1009,
			.cluster_slot = SL_FWD_SLOT_NONE});
		for (uint32_t h = 0; h < 100900; h++) {
			const struct sl_fwd_ask ask = {.hash = h};
			struct sl_fwd_choice c;

			if (sl_fwd_pick(eps, load, &ask, &c) < 0)
				continue;
			got[prio[c.ep->slot]]++;
			down[prio[c.ep->slot]] += c.ep->down;
		}
		for (unsigned p = 0; p < 3; p++) {
			RTE_TEST_ASSERT(got[p] == row[r].load[p] * 1009,
				"%s: priority %u has %.2f %%, expected %u", row[r].name, p,
				got[p] / 1009.0, row[r].load[p]);
			RTE_TEST_ASSERT((down[p] > 0) == (row[r].panic[p] && row[r].load[p] > 0),
				"%s: priority %u, %u picks of what is down", row[r].name, p,
				down[p]);
		}
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// Localities of weight 1 and 3 with 2 and 6 endpoints: every one has an eighth.
static int
localities_in_the_table(void)
{
	const struct sl_fwd_group group[] = {
		{.n = 2, .weight = 1}, {.n = 6, .weight = 3}, {.n = 2, .weight = 0}};
	uint32_t hits[10] = {0};
	struct sl_fwd_eps *eps;

	endpoints(10, false);
	eps = sl_fwd_eps_new(&(struct sl_fwd_eps_spec){.ep = ep,
		.n = 10,
		.group = group,
		.n_groups = 3,
		.locality_weighted = true,
		.algo = SL_FWD_MAGLEV,
		.cluster_slot = SL_FWD_SLOT_NONE});
	for (uint32_t h = 0; h < M; h++)
		hits[sl_be32_to_cpu(owner(eps, h)) - 0xc6120001]++;
	for (unsigned i = 0; i < 8; i++)
		RTE_TEST_ASSERT(hits[i] > M / 8 - 10 && hits[i] < M / 8 + 10,
			"endpoint %u has %u entries", i, hits[i]);
	SL_TEST_INT(hits[8] + hits[9], 0);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

// Weights of localities are sums over endpoints, and may be as large as a uint32_t.
static int
localities_of_great_weight(void)
{
	const struct sl_fwd_group group[] = {
		{.n = 1, .weight = 1u << 30}, {.n = 1, .weight = 3u << 30}};
	unsigned hits[2] = {0};
	struct sl_fwd_eps *eps;

	endpoints(2, false);
	eps = sl_fwd_eps_new(&(struct sl_fwd_eps_spec){.ep = ep,
		.n = 2,
		.group = group,
		.n_groups = 2,
		.locality_weighted = true,
		.algo = SL_FWD_MAGLEV,
		.cluster_slot = SL_FWD_SLOT_NONE});
	for (uint32_t h = 0; h < M; h++)
		hits[sl_be32_to_cpu(owner(eps, h)) - 0xc6120001]++;
	RTE_TEST_ASSERT(hits[0] > M / 4 - 10 && hits[0] < M / 4 + 10, "%u entries", hits[0]);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"maglev is the reference", maglev_is_the_reference},
	{"tables are reproducible", tables_are_reproducible},
	{"maglev moves little", maglev_moves_little},
	{"ring is the reference", ring_is_the_reference},
	{"ring moves only what it has to", ring_moves_only_what_it_has_to},
	{"priorities", priorities},
	{"localities in the table", localities_in_the_table},
	{"localities of great weight", localities_of_great_weight},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
