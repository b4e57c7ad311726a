// What does a source port cost? Flows of one destination, or of many, end in random order and begin
// anew, at several fills of the pool: lending a port, inserting the flow, removing it, giving the
// port back, in ns a turn. And what a refusal costs.
//
//   bench_sport [ROUNDS]        prints, decides nothing
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sl_clock.h"
#include "sl_sport.h"
#include "sl_test.h"

#define MAX_ADDRS  16
#define MAX_ROUNDS 64
#define TURNS      100000u

struct row {
	const char *name;
	uint32_t n_addrs, n_dst, permille; // of the ports of each destination
	unsigned n_workers;                // of which this is the first; 0: 1
	bool by_hash;
};

struct rig {
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	uint32_t *live;
	uint32_t n_live, n_dst, client;
	uint64_t seed;
};

static const struct sl_flow_timeouts timeouts = {
	.by_state = {[0 ... SL_FLOW_STATE_MAX - 1] = 1u << 20}};

static void *
mem_alloc(void *ctx, size_t bytes)
{
	void *p = aligned_alloc(SL_CACHE_LINE, (bytes + 63) & ~(size_t)63);

	return p ? memset(p, 0, bytes) : NULL;
}

static void
mem_free(void *ctx, void *p)
{
	free(p);
}

static const struct sl_flow_mem mem = {.alloc = mem_alloc, .free = mem_free};

static bool
begin(struct rig *r, uint32_t dst, uint32_t *index)
{
	const uint32_t c = r->client++;
	const struct sl_tuple client = {.src = sl_cpu_to_be32(0xc6120000u + (c >> 15 & 0x1ffff)),
		.dst = sl_cpu_to_be32(0xcb007101u),
		.sport = sl_cpu_to_be16((uint16_t)(1 + (c & 0x7fff))),
		.dport = sl_cpu_to_be16((uint16_t)(1 + dst % 60000)),
		.proto = SL_PROTO_UDP};
	struct sl_tuple endpoint = {.src = sl_cpu_to_be32(0xc0000200u + dst),
		.sport = sl_cpu_to_be16(443),
		.proto = SL_PROTO_UDP};
	uint16_t pool;

	if (sl_sport_get(r->sports, &endpoint, (uint32_t)sl_test_rand(&r->seed), &pool) < 0)
		return false;
	const int64_t i =
		sl_flow_insert(r->flows, &client, &endpoint, SL_FLOW_UDP, 0, 0, &timeouts);

	if (i < 0) {
		sl_sport_put(r->sports, &endpoint, pool, 0, 0);
		return false;
	}
	sl_flow_at(r->flows, (uint32_t)i)->pool_addr = pool;
	*index = (uint32_t)i;
	return true;
}

static void
end(struct rig *r, uint32_t index)
{
	const struct sl_flow *f = sl_flow_at(r->flows, index);

	sl_sport_put(r->sports, &f->tuple[SL_DIR_ENDPOINT], f->pool_addr, 0, 0);
	sl_flow_remove(r->flows, index);
}

// Of this thread, so that what runs beside it counts less.
static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SL_NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

// Also how many there was no port for.
static double
turn_ns(struct rig *r, uint32_t *failed)
{
	const uint64_t from = cpu_ns();

	for (uint32_t i = 0; i < TURNS; i++) {
		uint32_t *at = &r->live[sl_test_rand(&r->seed) % r->n_live];
		const uint32_t dst =
			sl_be32_to_cpu(sl_flow_at(r->flows, *at)->tuple[1].src) - 0xc0000200u;

		end(r, *at);
		if (!begin(r, dst, at)) {
			++*failed;
			*at = r->live[--r->n_live];
		}
	}
	return (double)(cpu_ns() - from) / TURNS;
}

static double
refuse_ns(struct rig *r)
{
	const uint64_t from = cpu_ns();
	uint32_t index;

	for (uint32_t i = 0; i < TURNS; i++)
		begin(r, 0, &index);
	return (double)(cpu_ns() - from) / TURNS;
}

static int
by_value(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

static void
run(const struct row *row, unsigned rounds)
{
	static const struct sl_sport_range range = {.first = 1024, .last = 65535};
	static const uint8_t key[SL_OWNER_KEY_BYTES] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
		0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};
	struct sl_owner owner = {.n_workers = row->n_workers ? row->n_workers : 1};
	struct rig r = {.seed = 1, .n_dst = row->n_dst};
	double ns[MAX_ROUNDS], refuse = 0;
	sl_be32 pool[MAX_ADDRS];
	uint32_t failed = 0;

	for (uint32_t i = 0; i < MAX_ADDRS; i++)
		pool[i] = sl_cpu_to_be32(0xcb007180u + i);
	if (row->by_hash && sl_owner_by_hash(&owner, row->n_workers, key, 128) < 0)
		abort();
	r.flows = sl_flow_table_new(1 << 21, 0, &mem);
	r.sports = sl_sport_new(pool, row->n_addrs, &range, 0, &owner, r.flows, &mem);
	const uint32_t total = sl_sport_total(r.sports);
	const uint32_t per_dst = (uint32_t)((uint64_t)total * row->permille / 1000);

	r.live = malloc((size_t)row->n_dst * (per_dst + 1) * sizeof(*r.live));
	for (uint32_t i = 0; i < row->n_dst * (per_dst ? per_dst : 1); i++)
		if (begin(&r, i % row->n_dst, &r.live[r.n_live]))
			r.n_live++;
	for (unsigned i = 0; i < rounds; i++)
		ns[i] = turn_ns(&r, &failed);
	if (row->permille == 1000) {
		refuse_ns(&r); // what the sets do not know yet
		refuse = refuse_ns(&r);
	}
	qsort(ns, rounds, sizeof(*ns), by_value);
	printf("%-34s %8u flows  %6.1f ns (%.1f .. %.1f)  without a port: %u", row->name, r.n_live,
		ns[rounds / 2], ns[0], ns[rounds - 1], failed);
	if (refuse > 0)
		printf("  a refusal: %.1f ns", refuse);
	printf("\n");
	free(r.live);
	sl_sport_free(r.sports);
	sl_flow_table_free(r.flows);
}

int
main(int argc, char **argv)
{
	const unsigned asked = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	const unsigned rounds = asked < 1 ? 1 : asked < MAX_ROUNDS ? asked : MAX_ROUNDS;
	static const struct row rows[] = {
		{"1 destination, 1 address, 10 %", 1, 1, .permille = 100},
		{"1 destination, 1 address, 50 %", 1, 1, .permille = 500},
		{"1 destination, 1 address, 90 %", 1, 1, .permille = 900},
		{"1 destination, 1 address, 99 %", 1, 1, .permille = 990},
		{"1 destination, 1 address, 100 %", 1, 1, .permille = 1000},
		{"1 destination, 16 addresses, 50 %", 16, 1, .permille = 500},
		{"1 destination, 16 addresses, 100 %", 16, 1, .permille = 1000},
		{"16 destinations, 1 address, 90 %", 1, 16, .permille = 900},
		{"1 of 4 workers by port, 50 %", 1, 4, 500, .n_workers = 4},
		{"1 of 4 workers by hash, 50 %", 1, 4, 500, .n_workers = 4, .by_hash = true},
		{"1 of 4 workers by port, 95 %", 1, 4, 950, .n_workers = 4},
		{"1 of 4 workers by hash, 95 %", 1, 4, 950, .n_workers = 4, .by_hash = true},
		{"1,000,000 destinations, by port, 4", 16, 1000000, 0, .n_workers = 4},
		{"1,000,000 destinations, by hash, 4", 16, 1000000, 0, .n_workers = 4,
			.by_hash = true},
		{"1,000,000 destinations, a flow each", 16, 1000000, .permille = 0},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		run(&rows[i], rounds);
	return EXIT_SUCCESS;
}
