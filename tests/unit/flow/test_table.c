// The flow table: both keys, refusals, the fill up to the last record, the spread, the walk.
#include <errno.h>

#include "flow_test.h"
#include "sl_flow_count.h"
#include "table.h"

#define NOW 7

static int64_t
insert(struct sl_flow_table *t, struct sl_tuple client, struct sl_tuple endpoint)
{
	return sl_flow_insert(t, &client, &endpoint, SL_FLOW_UDP, 0, NOW, &test_timeouts);
}

static uint32_t
find(struct sl_flow_table *t, struct sl_tuple tuple)
{
	return sl_flow_find(t, &tuple);
}

static int
both_keys(void)
{
	struct sl_flow_table *t = table_new(64);
	const int64_t i = insert(t, client_tuple(1), endpoint_tuple(1));
	const struct sl_tuple want = endpoint_tuple(1);

	RTE_TEST_ASSERT(i >= 0, "insert: %lld", (long long)i);
	SL_TEST_INT(find(t, client_tuple(1)), i << 1 | SL_DIR_CLIENT);
	SL_TEST_INT(find(t, endpoint_tuple(1)), i << 1 | SL_DIR_ENDPOINT);
	SL_TEST_INT(find(t, client_tuple(2)), SL_FLOW_NONE);
	const struct sl_flow *f = sl_flow_at(t, (uint32_t)i);
	RTE_TEST_ASSERT(memcmp(&f->tuple[SL_DIR_ENDPOINT], &want, sizeof(want)) == 0, "tuple");
	SL_TEST_INT(f->state, SL_FLOW_UDP);
	SL_TEST_INT(f->last_seen, NOW);
	SL_TEST_INT(f->created, NOW);
	SL_TEST_INT(sl_flow_live(t), 1);
	sl_flow_remove(t, (uint32_t)i);
	SL_TEST_INT(find(t, client_tuple(1)), SL_FLOW_NONE);
	SL_TEST_INT(find(t, endpoint_tuple(1)), SL_FLOW_NONE);
	SL_TEST_INT(sl_flow_live(t), 0);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// Every field of the tuple counts.
static int
whole_tuple(void)
{
	struct sl_flow_table *t = table_new(64);
	struct sl_tuple other;

	insert(t, client_tuple(1), endpoint_tuple(1));
	for (unsigned byte = 0; byte < offsetof(struct sl_tuple, pad); byte++)
		for (unsigned bit = 0; bit < 8; bit++) {
			other = client_tuple(1);
			((uint8_t *)&other)[byte] ^= (uint8_t)(1u << bit);
			RTE_TEST_ASSERT_EQUAL(find(t, other), SL_FLOW_NONE,
				"found with byte %u bit %u changed", byte, bit);
		}
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

static int
in_use(void)
{
	static const struct {
		const char *name;
		unsigned client, endpoint;
		bool self; // both keys the same tuple
	} rows[] = {
		{"both keys again", 1, 1, false},
		{"the client's key", 1, 2, false},
		{"the endpoint's key", 2, 1, false},
		{"one tuple as both keys", 3, 3, true},
	};
	struct sl_flow_table *t = table_new(64);

	insert(t, client_tuple(1), endpoint_tuple(1));
	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_tuple client = client_tuple(rows[r].client);
		const struct sl_tuple endpoint =
			rows[r].self ? client : endpoint_tuple(rows[r].endpoint);

		RTE_TEST_ASSERT_EQUAL(insert(t, client, endpoint), -EEXIST, "%s", rows[r].name);
		RTE_TEST_ASSERT_EQUAL(sl_flow_live(t), 1, "%s: live", rows[r].name);
	}
	RTE_TEST_ASSERT_EQUAL(find(t, client_tuple(2)), SL_FLOW_NONE, "a refused key stayed");
	RTE_TEST_ASSERT_EQUAL(find(t, endpoint_tuple(2)), SL_FLOW_NONE, "a refused key stayed");
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

static int
sizes(void)
{
	static const struct {
		uint32_t ask, get;
	} rows[] = {
		{0, 64}, {1, 64}, {64, 64}, {65, 128}, {1u << 16, 1u << 16}, {100000, 1u << 17}};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		size_t bytes = 0;
		const struct sl_flow_mem mem = heap(&bytes);
		struct sl_flow_table *t = sl_flow_table_new(rows[r].ask, 0, &mem);

		RTE_TEST_ASSERT_NOT_NULL(t, "table of %u", rows[r].ask);
		SL_TEST_INT(sl_flow_capacity(t), rows[r].get);
		SL_TEST_INT(bytes, sl_flow_table_bytes(rows[r].ask));
		if (rows[r].get >= 1u << 16)
			RTE_TEST_ASSERT(bytes <= (size_t)rows[r].get * 163 + (256 << 10),
				"%zu bytes a flow", bytes / rows[r].get);
		sl_flow_table_free(t);
	}
	RTE_TEST_ASSERT_NULL(table_new((1u << 26) + 1), "more than 2^26 flows");
	SL_TEST_INT(errno, EINVAL);
	sl_flow_table_free(NULL);
	return TEST_SUCCESS;
}

static void *
no_memory(void *ctx, size_t bytes)
{
	(void)ctx, (void)bytes;
	return NULL;
}

static int
out_of_memory(void)
{
	const struct sl_flow_mem mem = {.alloc = no_memory, .free = heap_free};

	errno = 0;
	RTE_TEST_ASSERT_NULL(sl_flow_table_new(64, 0, &mem), "a table without memory");
	SL_TEST_INT(errno, ENOMEM);
	return TEST_SUCCESS;
}

static int
ticks(void)
{
	const struct sl_flow_mem mem = heap(NULL);
	const uint64_t start = UINT64_C(123456789012345);
	struct sl_flow_table *t = sl_flow_table_new(64, start, &mem);

	SL_TEST_INT(sl_flow_tick(t, start), 0);
	SL_TEST_INT(sl_flow_tick(t, start - 1), 0);
	SL_TEST_INT(sl_flow_tick(t, start + (1u << 27) - 1), 0);
	SL_TEST_INT(sl_flow_tick(t, start + (1u << 27)), 1);
	SL_TEST_INT(sl_flow_tick(t, start + 3600 * SL_NSEC_PER_SEC), 26822);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// Tuples by pattern: what clients, scanners and attackers send, and what only a bad hash would
// mind.
typedef struct sl_tuple (*pattern)(uint32_t i, uint64_t *rnd);

static struct sl_tuple
by_port(uint32_t i, uint64_t *rnd)
{
	(void)rnd;
	return client_tuple(i);
}

static struct sl_tuple
by_addr(uint32_t i, uint64_t *rnd)
{
	(void)rnd;
	return tuple(0xc6120000u + i, 40000, 0xcb007101u, 53);
}

static struct sl_tuple
by_high_bits(uint32_t i, uint64_t *rnd)
{
	(void)rnd;
	return tuple(__builtin_bswap32(i), 40000, 0xcb007101u, 53);
}

// Source and destination count together: a hash that only XORs its words sees nothing.
static struct sl_tuple
by_both(uint32_t i, uint64_t *rnd)
{
	(void)rnd;
	return tuple(0xc6120000u ^ i, 40000, 0xcb007100u ^ i, 53);
}

static struct sl_tuple
at_random(uint32_t i, uint64_t *rnd)
{
	const uint64_t r = sl_test_rand(rnd);
	struct sl_tuple t = tuple((uint32_t)(r >> 32), (uint16_t)(r >> 16), 0xcb007101u, 443);

	t.dport = (uint16_t)(i >> 16); // distinct in any case
	t.sport = (uint16_t)i;
	return t;
}

static const struct {
	const char *name;
	pattern client;
} patterns[] = {
	{"ports in order", by_port},
	{"addresses in order", by_addr},
	{"addresses in order of their high bits", by_high_bits},
	{"both addresses in step", by_both},
	{"at random", at_random},
};

static bool
leads_nowhere(const struct sl_flow_table *t, const struct sl_flow_bucket *b)
{
	for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
		const uint32_t index = (b->ref[i] & SL_FLOW_REF_MASK) >> 1;

		if (b->tag[i] && b->ref[i] >> SL_FLOW_REF_BITS == (t->gen[index] & GEN_MASK))
			return false;
	}
	return b->away == 0 && b->next == 0;
}

// An empty table has nothing but dead keys: a stale count would cost every miss a second line.
static int
no_trace(const struct sl_flow_table *t)
{
	struct sl_flow_fill fill;

	sl_flow_fill(t, &fill);
	RTE_TEST_ASSERT(fill.keys == 0 && fill.keys_second == 0 && fill.keys_chained == 0 &&
				fill.spares_used == 0,
		"left behind: %u keys, %u second, %u chained, %u spares", fill.keys,
		fill.keys_second, fill.keys_chained, fill.spares_used);
	for (uint32_t i = 0; i <= t->bucket_mask; i++)
		RTE_TEST_ASSERT(leads_nowhere(t, &t->buckets[i]), "bucket %u", i);
	return TEST_SUCCESS;
}

// Fills a table to its last record and reports its fill.
static int
fill_up(uint32_t capacity, pattern client, uint64_t seed, struct sl_flow_fill *fill)
{
	struct sl_flow_table *t = table_new(capacity);
	uint64_t rnd = seed;

	for (uint32_t i = 0; i < capacity; i++) {
		const int64_t rc = insert(t, client(i, &rnd), endpoint_tuple(i));

		RTE_TEST_ASSERT(rc >= 0, "insert %u of %u: %lld", i, capacity, (long long)rc);
	}
	SL_TEST_INT(sl_flow_live(t), capacity);
	SL_TEST_INT(insert(t, tuple(1, 1, 1, 1), tuple(2, 2, 2, 2)), -ENOSPC);
	RTE_TEST_ASSERT_EQUAL(find(t, tuple(1, 1, 1, 1)), SL_FLOW_NONE, "a refused key stayed");
	rnd = seed;
	for (uint32_t i = 0; i < capacity; i++) {
		const uint32_t ref = find(t, client(i, &rnd));

		RTE_TEST_ASSERT(ref != SL_FLOW_NONE && (ref & 1) == SL_DIR_CLIENT, "client %u", i);
		RTE_TEST_ASSERT_EQUAL(find(t, endpoint_tuple(i)), ref | 1, "endpoint %u", i);
	}
	sl_flow_fill(t, fill);
	for (uint32_t i = 0; i < capacity; i++)
		sl_flow_remove(t, i);
	RTE_TEST_ASSERT_SUCCESS(no_trace(t), "emptied");
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// Every record can be used, and the keys spread as chance would have it: with 4 keys a bucket on
// average 1 % lie outside of their first bucket. A hash that clusters gives many times that.
static int
full_capacity(void)
{
	const uint64_t seed = sl_test_seed();
	const uint32_t capacity = 1u << 17;

	for (unsigned p = 0; p < SL_ARRAY_LEN(patterns); p++) {
		struct sl_flow_fill fill;

		RTE_TEST_ASSERT_SUCCESS(
			fill_up(capacity, patterns[p].client, seed, &fill), "%s", patterns[p].name);
		printf("# %s: %u keys, %.2f %% second, %.3f %% chained, %u of %u spares\n",
			patterns[p].name, fill.keys, 100.0 * fill.keys_second / fill.keys,
			100.0 * fill.keys_chained / fill.keys, fill.spares_used, fill.spares);
		SL_TEST_INT(fill.keys, 2 * capacity);
		RTE_TEST_ASSERT(fill.keys_second < fill.keys / 67, "%s: %u of %u keys second",
			patterns[p].name, fill.keys_second, fill.keys);
		RTE_TEST_ASSERT(fill.keys_second > fill.keys / 200,
			"%s: too even for chance: does the table look at the second bucket?",
			patterns[p].name);
		RTE_TEST_ASSERT(fill.spares_used < fill.spares / 8, "%s: %u of %u spares",
			patterns[p].name, fill.spares_used, fill.spares);
	}
	return TEST_SUCCESS;
}

// Small tables have the least averaging: 2000 secrets each.
static int
full_capacity_small(void)
{
	const uint64_t seed = sl_test_seed();
	uint32_t worst = 0, spares = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct sl_flow_fill fill;

		RTE_TEST_ASSERT_SUCCESS(
			fill_up(64u << round % 4, patterns[round % SL_ARRAY_LEN(patterns)].client,
				seed + round, &fill),
			"round %u", round);
		if ((uint64_t)fill.spares_used * spares > (uint64_t)worst * fill.spares) {
			worst = fill.spares_used;
			spares = fill.spares;
		}
	}
	printf("# at worst %u of %u spares in use\n", worst, spares);
	return TEST_SUCCESS;
}

// At full capacity for ten turnovers: what churn leaves behind in second and spare buckets stays
// small.
static int
full_capacity_churn(void)
{
	uint64_t rnd = sl_test_seed();
	const uint32_t capacity = 1u << 12;
	struct sl_flow_table *t = table_new(capacity);
	struct sl_flow_fill fill;

	for (uint32_t i = 0; i < capacity; i++)
		insert(t, client_tuple(i), endpoint_tuple(i));
	for (uint32_t i = capacity; i < 11 * capacity; i++) {
		sl_flow_remove(t, (uint32_t)(sl_test_rand(&rnd) % capacity));
		RTE_TEST_ASSERT(insert(t, client_tuple(i), endpoint_tuple(i)) >= 0, "insert %u", i);
	}
	sl_flow_fill(t, &fill);
	printf("# %u of %u keys second, %u chained, %u of %u spares\n", fill.keys_second, fill.keys,
		fill.keys_chained, fill.spares_used, fill.spares);
	RTE_TEST_ASSERT(fill.spares_used < fill.spares / 2, "%u spares in use", fill.spares_used);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// A table without luck: with a secret of zeroes every key has the same hash, so that all are in one
// chain with one tag, and only the comparison of whole tuples tells them apart.
static int
one_bucket(void)
{
	struct sl_flow_table *t = table_new(64);
	struct sl_flow_fill fill;
	uint32_t n = 0;

	memset(t->secret, 0, sizeof(t->secret));
	while (insert(t, client_tuple(n), endpoint_tuple(n)) >= 0)
		n++;
	sl_flow_fill(t, &fill);
	// First and second bucket are one; the spares are full: 8 + 17 * 8 keys or all 64 flows.
	SL_TEST_INT(n, 64);
	SL_TEST_INT(fill.keys_chained, 120);
	SL_TEST_INT(fill.spares_used, 15);
	for (uint32_t i = 0; i < n; i++) {
		SL_TEST_INT(find(t, client_tuple(i)), i << 1);
		SL_TEST_INT(find(t, endpoint_tuple(i)), i << 1 | 1);
	}
	// The spare bucket that was chained last is first in the chain; it goes, the others stay.
	for (uint32_t i = 60; i < 64; i++)
		sl_flow_remove(t, i);
	sl_flow_fill(t, &fill);
	SL_TEST_INT(fill.spares_used, 14);
	n = 60;
	for (uint32_t i = 0; i < n; i++)
		SL_TEST_INT(find(t, client_tuple(i)), i << 1);
	for (uint32_t i = 0; i < n; i += 2)
		sl_flow_remove(t, i);
	for (uint32_t i = 0; i < n; i++)
		SL_TEST_INT(find(t, endpoint_tuple(i)), i % 2 ? i << 1 | 1 : SL_FLOW_NONE);
	for (uint32_t i = 1; i < n; i += 2)
		sl_flow_remove(t, i);
	RTE_TEST_ASSERT_SUCCESS(no_trace(t), "emptied");
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// When the spares run out too, a key is refused and whatever was done for it is undone.
static int
out_of_spares(void)
{
	struct sl_flow_table *t = table_new(256);
	struct sl_flow_fill fill;
	uint32_t n = 0;

	memset(t->secret, 0, sizeof(t->secret));
	while (insert(t, client_tuple(n), endpoint_tuple(n)) >= 0)
		n++;
	sl_flow_fill(t, &fill);
	SL_TEST_INT(fill.spares, 20);
	SL_TEST_INT(n, (8 + 20 * 8) / 2);
	SL_TEST_INT(insert(t, client_tuple(n), endpoint_tuple(n)), -ENOSPC);
	SL_TEST_INT(sl_flow_live(t), n);
	// One key fits, the other does not.
	sl_flow_remove(t, 3);
	SL_TEST_INT(insert(t, client_tuple(n), endpoint_tuple(n)), 3);
	SL_TEST_INT(insert(t, client_tuple(n + 1), endpoint_tuple(n + 1)), -ENOSPC);
	SL_TEST_INT(find(t, client_tuple(n + 1)), SL_FLOW_NONE);
	SL_TEST_INT(find(t, client_tuple(n)), 3 << 1);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

static int
burst_lookup(void)
{
	uint64_t rnd = sl_test_seed();
	const uint32_t capacity = 1u << 12, live = capacity * 3 / 4;
	struct sl_flow_table *t = table_new(capacity);
	struct sl_tuple key[SL_FLOW_BURST];
	const struct sl_tuple *ptr[SL_FLOW_BURST];
	uint32_t ref[SL_FLOW_BURST], want[SL_FLOW_BURST];

	for (uint32_t i = 0; i < live; i++)
		insert(t, client_tuple(i), endpoint_tuple(i));
	for (unsigned round = 0; round < 4000; round++) {
		const unsigned n = round % (SL_FLOW_BURST + 1);

		for (unsigned i = 0; i < n; i++) {
			const uint64_t r = sl_test_rand(&rnd);
			const uint32_t flow = (uint32_t)(r >> 8) % capacity; // a quarter are misses

			key[i] = r & 1 ? endpoint_tuple(flow) : client_tuple(flow);
			ptr[i] = &key[i];
			want[i] = flow < live ? flow << 1 | (r & 1) : SL_FLOW_NONE;
		}
		sl_flow_lookup(t, ptr, n, ref);
		for (unsigned i = 0; i < n; i++) {
			SL_TEST_INT(ref[i], want[i]);
			SL_TEST_INT(find(t, key[i]), want[i]);
		}
	}
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// The vector comparison says what the plain one says.
static int
match_variants(void)
{
	uint64_t rnd = sl_test_seed();

	for (unsigned round = 0; round < 100000; round++) {
		struct sl_flow_bucket b = {0};

		for (unsigned i = 0; i < BUCKET_SLOTS; i++)
			b.tag[i] = (uint16_t)(sl_test_rand(&rnd) & 0x8003);
		for (unsigned tag = 0; tag < 4; tag++) {
			SL_TEST_INT(sl_flow_match(&b, (uint16_t)tag),
				sl_flow_match_scalar(&b, (uint16_t)tag));
			SL_TEST_INT(sl_flow_match(&b, (uint16_t)(tag | 0x8000)),
				sl_flow_match_scalar(&b, (uint16_t)(tag | 0x8000)));
		}
	}
	return TEST_SUCCESS;
}

// Of one list the record freed last is used first: it is warm. A new one is used when none is free.
static int
lifo_records(void)
{
	struct sl_flow_table *t = table_new(64);
	uint64_t used = 0;

	for (uint32_t i = 0; i < 32; i++)
		SL_TEST_INT(insert(t, client_tuple(i), endpoint_tuple(i)), i);
	sl_flow_remove(t, 2);
	sl_flow_remove(t, 2 + FREE_LANES);
	SL_TEST_INT(insert(t, client_tuple(32), endpoint_tuple(32)), 2 + FREE_LANES);
	SL_TEST_INT(insert(t, client_tuple(33), endpoint_tuple(33)), 2);
	for (uint32_t i = 8; i < 16; i++)
		sl_flow_remove(t, i);
	for (uint32_t i = 34; i < 42; i++)
		used |= UINT64_C(1) << insert(t, client_tuple(i), endpoint_tuple(i));
	RTE_TEST_ASSERT(used == 0xff00, "records %llx are used again", (unsigned long long)used);
	SL_TEST_INT(insert(t, client_tuple(42), endpoint_tuple(42)), 32);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// A record that is used again begins with nothing of its former flow.
static int
record_is_clean(void)
{
	struct sl_flow_table *t = table_new(64);
	struct sl_flow *f = sl_flow_at(t, (uint32_t)insert(t, client_tuple(0), endpoint_tuple(0)));

	f->delta[0] = f->delta[1] = (struct sl_wire_delta){1, 2};
	f->adj[0] = f->adj[1] = f->route_gen = f->ep_slot = 3;
	f->flags = SL_FLOW_F_COUNTED;
	f->syn = f->policy = 1;
	f->cluster_slot = 1;
	f->pool_addr = 4;
	f->pkts[0] = f->pkts[1] = f->bytes[0] = f->bytes[1] = 5;
	f->recent[0] = f->recent[1] = 6;
	sl_flow_remove(t, 0);
	SL_TEST_INT(f->state, SL_FLOW_FREE);
	SL_TEST_INT(insert(t, client_tuple(1), endpoint_tuple(1)), 0);
	RTE_TEST_ASSERT(
		f->delta[0].l3 == 0 && f->delta[1].l4 == 0 && f->adj[0] == 0 && f->adj[1] == 0,
		"rewrite left over");
	RTE_TEST_ASSERT(f->route_gen == 0 && f->ep_slot == 0 && f->flags == 0 && f->pool_addr == 0,
		"ids left over");
	RTE_TEST_ASSERT(
		f->syn == 0 && f->policy == 0 && f->cluster_slot == SL_FLOW_NONE, "ids left over");
	RTE_TEST_ASSERT(!f->pkts[0] && !f->pkts[1] && !f->bytes[0] && !f->bytes[1] &&
				!f->recent[0] && !f->recent[1],
		"counts");
	SL_TEST_INT(f->seq % 2, 0);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// A flow that goes leaves dead keys behind: nobody finds them, they are no obstacle for a flow of
// the same tuples, whichever record it gets, and these do not pile up.
static int
dead_keys(void)
{
	struct sl_flow_table *t = table_new(64);
	const struct sl_flow_index x = sl_flow_index(t);
	const struct sl_tuple client = client_tuple(7), endpoint = endpoint_tuple(7);
	struct sl_flow_fill fill;

	for (unsigned round = 0; round < 1000; round++) {
		const int64_t at = insert(t, client, endpoint);
		const uint32_t ref = (uint32_t)at << 1;

		RTE_TEST_ASSERT(at >= 0, "round %u: %lld", round, (long long)at);
		SL_TEST_INT(sl_flow_guess(&x, key_hash(t, &client)), ref);
		SL_TEST_INT(sl_flow_guess(&x, key_hash(t, &endpoint)), ref | 1);
		sl_flow_fill(t, &fill);
		SL_TEST_INT(fill.keys_second, 0);
		sl_flow_remove(t, (uint32_t)at);
		RTE_TEST_ASSERT(
			!sl_flow_is(&x, ref, &client) && !sl_flow_is(&x, ref | 1, &endpoint),
			"a dead key leads to a flow");
		SL_TEST_INT(find(t, client), SL_FLOW_NONE);
		SL_TEST_INT(find(t, endpoint), SL_FLOW_NONE);
	}
	RTE_TEST_ASSERT_SUCCESS(no_trace(t), "emptied");
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// The number of a flow that was not used yet, whose client key has b as its first bucket, or has
// nothing to do with it; its other key has not.
static uint32_t
next_flow(const struct sl_flow_table *t, const struct sl_flow_bucket *b, bool in, uint32_t *from)
{
	for (;; ++*from) {
		const struct sl_tuple client = client_tuple(*from),
				      endpoint = endpoint_tuple(*from);
		const uint64_t c = key_hash(t, &client), e = key_hash(t, &endpoint);

		if ((first_bucket(t, c) == b) == in && second_bucket(t, c) != b &&
			first_bucket(t, e) != b && second_bucket(t, e) != b)
			return (*from)++;
	}
}

// One record is left, and one place in a bucket, which a flow of the same tuples wants now and
// then.
static int
comes_again(struct sl_flow_table *t, const struct sl_flow_bucket *b, unsigned *elsewhere)
{
	uint32_t from = 0, others = 0;
	const uint32_t again = next_flow(t, b, true, &from);
	struct sl_flow_fill before, fill;

	for (unsigned n = 0; n < 63; n++) {
		const bool in = n < BUCKET_SLOTS - 1;
		const uint32_t i = next_flow(t, b, in, in ? &from : &others);

		RTE_TEST_ASSERT(insert(t, client_tuple(i), endpoint_tuple(i)) >= 0, "flow %u", n);
	}
	sl_flow_fill(t, &before);
	for (unsigned n = 0; n < 33; n++) {
		const uint32_t i = n % 16 ? next_flow(t, b, false, &others) : again;

		SL_TEST_INT(insert(t, client_tuple(i), endpoint_tuple(i)), 63);
		SL_TEST_INT(find(t, client_tuple(i)), 63 << 1);
		*elsewhere += b->away > 0 || b->next > 0;
		sl_flow_remove(t, 63);
		SL_TEST_INT(find(t, client_tuple(i)), SL_FLOW_NONE);
		sl_flow_fill(t, &fill);
		SL_TEST_INT(fill.keys_second, before.keys_second);
		SL_TEST_INT(fill.keys_chained, before.keys_chained);
		SL_TEST_INT(b->away, 0);
		SL_TEST_INT(b->next, 0);
	}
	return TEST_SUCCESS;
}

// After sixteen flows of its record a dead key seems alive. If a flow of the same tuple comes then
// and the bucket is full, the key of that one is elsewhere, and it is this key that goes with it.
static int
dead_key_seems_alive(void)
{
	unsigned elsewhere = 0;

	for (unsigned round = 0; round < 32; round++) {
		struct sl_flow_table *t = table_new(64);

		RTE_TEST_ASSERT_SUCCESS(
			comes_again(t, &t->buckets[round], &elsewhere), "round %u", round);
		sl_flow_table_free(t);
	}
	RTE_TEST_ASSERT(elsewhere >= 16, "only %u keys were elsewhere", elsewhere);
	return TEST_SUCCESS;
}

// Whatever the packets' lengths, and whatever of them is in which line, the worker and the walk see
// all of them.
static int
counters(void)
{
	static const struct {
		uint32_t ip_len, n;
	} rows[] = {{20, 1}, {20, 1023}, {20, 1024}, {20, 5000000}, {1500, 699}, {1500, 700},
		{1500, 3000}, {UINT16_MAX, 1}, {UINT16_MAX, 16}, {UINT16_MAX, 17},
		{UINT16_MAX, 100000}};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		struct sl_flow_table *t = table_new(64);
		const int64_t at = insert(t, client_tuple(0), endpoint_tuple(0));
		struct sl_flow *f = sl_flow_at(t, (uint32_t)at);
		struct sl_flow_view v;
		uint32_t cursor = 0;

		for (uint32_t i = 0; i < rows[r].n; i++)
			sl_flow_count(f, SL_DIR_ENDPOINT, rows[r].ip_len);
		sl_flow_count(f, SL_DIR_CLIENT, 60);
		SL_TEST_INT(sl_flow_pkts(f, SL_DIR_ENDPOINT), rows[r].n);
		SL_TEST_INT(
			sl_flow_bytes(f, SL_DIR_ENDPOINT), (uint64_t)rows[r].n * rows[r].ip_len);
		SL_TEST_INT(sl_flow_walk(t, &cursor, &v, 1, 64), 1);
		SL_TEST_INT(v.pkts[SL_DIR_ENDPOINT], rows[r].n);
		SL_TEST_INT(v.bytes[SL_DIR_ENDPOINT], (uint64_t)rows[r].n * rows[r].ip_len);
		SL_TEST_INT(v.pkts[SL_DIR_CLIENT], 1);
		SL_TEST_INT(v.bytes[SL_DIR_CLIENT], 60);
		sl_flow_table_free(t);
	}
	return TEST_SUCCESS;
}

// Walks of any step see every live flow once and no other.
static int
walk(void)
{
	static const struct {
		unsigned n, scan;
	} rows[] = {{1, 1}, {1, 100}, {7, 3}, {16, 1000}, {500, 500}, {3, 50}};
	struct sl_flow_table *t = table_new(512);
	struct sl_flow_view *view = calloc(500, sizeof(*view));

	for (uint32_t i = 0; i < 300; i++) {
		struct sl_flow *f =
			sl_flow_at(t, (uint32_t)insert(t, client_tuple(i), endpoint_tuple(i)));

		f->ep_slot = i;
		f->pkts[1] = i + 1;
		f->bytes[0] = i + 2;
	}
	for (uint32_t i = 0; i < 300; i += 3)
		sl_flow_remove(t, i);
	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		uint8_t seen[300] = {0};
		uint32_t cursor = 0, total = 0, calls = 0;

		while (cursor != UINT32_MAX) {
			const unsigned n = sl_flow_walk(t, &cursor, view, rows[r].n, rows[r].scan);

			RTE_TEST_ASSERT(n <= rows[r].n && n <= rows[r].scan, "too many: %u", n);
			for (unsigned i = 0; i < n; i++) {
				const uint32_t id = view[i].ep_slot;
				const struct sl_tuple want = client_tuple(id);

				RTE_TEST_ASSERT(id < 300 && id % 3 && !seen[id]++, "flow %u", id);
				SL_TEST_INT(memcmp(&view[i].tuple[0], &want, sizeof(want)), 0);
				SL_TEST_INT(view[i].pkts[1], id + 1);
				SL_TEST_INT(view[i].bytes[0], id + 2);
				SL_TEST_INT(view[i].state, SL_FLOW_UDP);
				SL_TEST_INT(view[i].created, NOW);
			}
			total += n;
			RTE_TEST_ASSERT(++calls < 1000, "the walk does not end");
		}
		SL_TEST_INT(total, 200);
	}
	free(view);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"both_keys", both_keys},
		{"whole_tuple", whole_tuple},
		{"in_use", in_use},
		{"sizes", sizes},
		{"out_of_memory", out_of_memory},
		{"ticks", ticks},
		{"full_capacity", full_capacity},
		{"full_capacity_small", full_capacity_small},
		{"full_capacity_churn", full_capacity_churn},
		{"one_bucket", one_bucket},
		{"out_of_spares", out_of_spares},
		{"burst_lookup", burst_lookup},
		{"match_variants", match_variants},
		{"lifo_records", lifo_records},
		{"record_is_clean", record_is_clean},
		{"dead_keys", dead_keys},
		{"dead_key_seems_alive", dead_key_seems_alive},
		{"counters", counters},
		{"walk", walk},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
