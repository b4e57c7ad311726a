// One worker opens, counts, changes and removes flows as fast as it can; another thread walks.
//
// Every flow's second tuple, endpoint id and ages follow from its first tuple, so that a view made
// of two flows is seen; bytes follow from packets, and neither ever becomes less, so that a view of
// counters on their way from one line of the record to the other is seen. ThreadSanitizer sees the
// rest.
#include <pthread.h>

#include "sl_flow_count.h"
#include "sl_test.h"

#define CAPACITY  64 // few records, so that the walk meets them while they change hands
#define OPS       1500000
#define IP_LEN    UINT16_MAX // many a time what the first line holds
#define TRAIN     24         // packets in a row
#define MIN_VIEWS 10000

struct shared {
	struct sl_flow_table *t;
	uint64_t seed;
	bool done; // relaxed atomic: w: worker, r: walk
};

static void *
heap_alloc(void *ctx, size_t bytes)
{
	void *p = aligned_alloc(SL_CACHE_LINE, bytes);

	(void)ctx;
	return p ? memset(p, 0, bytes) : NULL;
}

static void
heap_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static uint32_t
mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	return (x ^ x >> 13) * 0xc2b2ae35u;
}

static struct sl_tuple
client_of(uint32_t id)
{
	return (struct sl_tuple){.src = id,
		.dst = mix(id + 1),
		.sport = (sl_be16)mix(id + 2),
		.dport = (sl_be16)mix(id + 3),
		.proto = SL_PROTO_TCP};
}

static struct sl_tuple
endpoint_of(uint32_t id)
{
	return (struct sl_tuple){.src = mix(id + 4),
		.dst = mix(id + 5),
		.sport = (sl_be16)mix(id + 6),
		.dport = (sl_be16)mix(id + 7),
		.proto = SL_PROTO_TCP};
}

static void
open_flow(
	struct sl_flow_table *t, uint32_t id, sl_tick now, const struct sl_flow_timeouts *timeouts)
{
	const struct sl_tuple client = client_of(id), endpoint = endpoint_of(id);
	const int64_t i = sl_flow_insert(t, &client, &endpoint, SL_FLOW_SYN_SENT, 0, now, timeouts);

	if (i >= 0)
		__atomic_store_n(
			&sl_flow_at(t, (uint32_t)i)->ep_slot, mix(id + 8), __ATOMIC_RELAXED);
}

static void
packet(struct sl_flow_table *t, uint32_t index, uint64_t r, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	static const uint8_t segments[] = {SL_TCP_SYN, SL_TCP_SYN | SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST};
	struct sl_flow *f = sl_flow_at(t, index);
	const enum sl_flow_dir dir = r & 1;

	if (f->state == SL_FLOW_FREE)
		return;
	sl_flow_touch(t, index, dir, segments[(r >> 8) % SL_ARRAY_LEN(segments)], now, timeouts);
	for (unsigned i = 0; i < TRAIN; i++)
		sl_flow_count(f, dir, IP_LEN);
}

static void *
worker(void *arg)
{
	struct shared *s = arg;
	struct sl_flow_timeouts timeouts;
	uint64_t rnd = s->seed;

	for (unsigned i = 0; i < SL_FLOW_STATE_MAX; i++)
		timeouts.by_state[i] = 2 + i;
	for (uint32_t op = 0; op < OPS; op++) {
		const uint64_t r = sl_test_rand(&rnd);
		const sl_tick now = op / 64;
		const uint32_t index = (uint32_t)(r >> 16) % CAPACITY;

		switch (r & 7) {
		case 0:
		case 1:
		case 2:
			open_flow(s->t, op + 1, now, &timeouts);
			break;
		case 3:
			if (sl_flow_at(s->t, index)->state == SL_FLOW_FREE)
				break;
			sl_flow_remove(s->t, index);
			if (r >> 32 & 7) // the same record again, at once
				open_flow(s->t, op + 1, now, &timeouts);
			break;
		case 4:
			sl_flow_expire(s->t, now, &timeouts, 8, NULL, NULL);
			break;
		default:
			packet(s->t, index, r >> 32, now, &timeouts);
		}
	}
	__atomic_store_n(&s->done, true, __ATOMIC_RELAXED);
	return NULL;
}

static bool
is_whole(const struct sl_flow_view *v)
{
	const uint32_t id = v->tuple[0].src;
	const struct sl_tuple client = client_of(id), endpoint = endpoint_of(id);

	return memcmp(&v->tuple[0], &client, sizeof(client)) == 0 &&
	       memcmp(&v->tuple[1], &endpoint, sizeof(endpoint)) == 0 &&
	       (v->ep_slot == 0 || v->ep_slot == mix(id + 8)) && v->created == (id - 1) / 64 &&
	       v->last_seen >= v->created && v->state != SL_FLOW_FREE &&
	       v->state < SL_FLOW_STATE_MAX;
}

static bool
counts_up(const struct sl_flow_view *v)
{
	static uint64_t seen[OPS + 1][2]; // packets, by flow
	uint64_t *before = seen[v->tuple[0].src];
	bool ok = true;

	for (unsigned d = 0; d < 2; d++) {
		ok &= v->pkts[d] >= before[d] && v->bytes[d] == v->pkts[d] * IP_LEN;
		before[d] = v->pkts[d];
	}
	return ok;
}

static int
walk_while_it_works(void)
{
	const struct sl_flow_mem mem = {.alloc = heap_alloc, .free = heap_free};
	struct shared s = {.t = sl_flow_table_new(CAPACITY, 0, &mem), .seed = sl_test_seed()};
	struct sl_flow_view view[CAPACITY];
	uint64_t views = 0, torn = 0, back = 0;
	pthread_t thread;

	RTE_TEST_ASSERT_NOT_NULL(s.t, "no table");
	RTE_TEST_ASSERT_SUCCESS(pthread_create(&thread, NULL, worker, &s), "no thread");
	while (!__atomic_load_n(&s.done, __ATOMIC_RELAXED)) {
		uint32_t cursor = 0;

		while (cursor != UINT32_MAX) {
			const unsigned n = sl_flow_walk(s.t, &cursor, view, CAPACITY, 16);

			for (unsigned i = 0; i < n; i++) {
				const bool whole = is_whole(&view[i]);

				torn += !whole;
				back += whole && !counts_up(&view[i]);
			}
			views += n;
		}
	}
	pthread_join(thread, NULL);
	printf("# %llu views\n", (unsigned long long)views);
	SL_TEST_INT(torn, 0);
	SL_TEST_INT(back, 0);
	RTE_TEST_ASSERT(views > MIN_VIEWS, "only %llu views: nothing was tested",
		(unsigned long long)views);
	sl_flow_table_free(s.t);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"walk_while_it_works", walk_while_it_works}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
