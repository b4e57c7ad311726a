// The timer wheel while others look: the owner opens flows, touches, closes and expires them, and
// time goes by in ticks, jumps by minutes and by hours; two threads walk the table all the while.
//
// Owner: no flow goes before its time, none stays when all that was due has been done, and what was
// opened is what lives or went. Walks: a view is whole, and shows no flow that was gone before the
// walk began. ThreadSanitizer sees the rest.
#include <pthread.h>
#include <sched.h>

#include "sl_flow.h"
#include "sl_test.h"

#define CAPACITY  256
#define WALKERS   2
#define PHASES    300
#define STEPS     400            // of a phase
#define MIN_VIEWS 5000           // of each walker
#define TURN      UINT64_C(4096) // of the wheel, in ticks
// Timeouts in ticks: below a turn, near it, and beyond.
#define T_UDP    40
#define T_SYN    7
#define T_OPEN   9000
#define T_CLOSED 4095

struct shared {
	struct sl_flow_table *t;
	uint64_t seed;
	uint32_t gone_below; // flows with a lower id are gone; w: owner, r: walkers; acquire
	bool done;           // relaxed
	// the owner's
	uint64_t now_ns;
	uint32_t next_id;
	uint64_t opened, removed, expired;
	uint64_t early, late;
};

struct walker {
	pthread_t thread;
	struct shared *s;
	uint64_t views, torn, ghosts;
};

static const struct sl_flow_policy no_policy;
static const struct sl_flow_timeouts timeouts = {
	.by_state = {[SL_FLOW_UDP] = T_UDP,
		[SL_FLOW_SYN_SENT] = T_SYN,
		[SL_FLOW_SYN_RECV] = T_SYN,
		[SL_FLOW_ESTABLISHED] = T_OPEN,
		[SL_FLOW_FIN_CLIENT] = T_OPEN,
		[SL_FLOW_FIN_ENDPOINT] = T_OPEN,
		[SL_FLOW_CLOSING] = T_CLOSED,
		[SL_FLOW_RESET] = T_SYN},
	.policy = &no_policy,
	.n_policies = 1,
};

static void *
heap_alloc(void *ctx, size_t bytes)
{
	const size_t whole = (bytes + SL_CACHE_LINE - 1) / SL_CACHE_LINE * SL_CACHE_LINE;
	void *p = aligned_alloc(SL_CACHE_LINE, whole);

	return p ? memset(p, 0, whole) : NULL;
}

static void
heap_free(void *ctx, void *p)
{
	free(p);
}

static uint32_t
mix(uint32_t id)
{
	return (uint32_t)sl_mix64(id);
}

static struct sl_tuple
tuple_of(uint32_t id, enum sl_flow_dir dir)
{
	const uint32_t m = mix(id + dir * 0x80000000u);

	return (struct sl_tuple){.src = id,
		.dst = m,
		.sport = (sl_be16)(m >> 16),
		.dport = (sl_be16)m,
		.proto = id % 2 ? SL_PROTO_TCP : SL_PROTO_UDP};
}

// ---- the owner ----

static sl_tick
now_of(const struct shared *s)
{
	return sl_flow_tick(s->t, s->now_ns);
}

static bool
is_due(const struct sl_flow *f, sl_tick now)
{
	return now - f->last_seen >= timeouts.by_state[f->state];
}

static bool
on_due(void *arg, struct sl_flow *flow, uint32_t index)
{
	struct shared *s = arg;

	s->early += !is_due(flow, now_of(s));
	s->expired++;
	return true;
}

static void
open_flow(struct shared *s)
{
	const uint32_t id = s->next_id;
	const struct sl_tuple client = tuple_of(id, SL_DIR_CLIENT),
			      endpoint = tuple_of(id, SL_DIR_ENDPOINT);
	const int64_t i = sl_flow_insert(s->t, &client, &endpoint,
		id % 2 ? SL_FLOW_SYN_SENT : SL_FLOW_UDP, 0, now_of(s), &timeouts);

	if (i < 0)
		return;
	s->next_id++;
	s->opened++;
}

static void
packet(struct shared *s, uint64_t r)
{
	static const uint8_t flags[] = {SL_TCP_SYN | SL_TCP_ACK, SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST};
	const uint32_t i = r % CAPACITY;

	if (i < sl_flow_used(s->t) && sl_flow_at(s->t, i)->state != SL_FLOW_FREE)
		sl_flow_touch(s->t, i, (enum sl_flow_dir)(r >> 32 & 1),
			flags[(r >> 40) % SL_ARRAY_LEN(flags)], now_of(s), &timeouts);
}

static void
step(struct shared *s)
{
	static const uint64_t jump_ns[] = {0, 1, 10 * SL_NSEC_PER_MSEC, 140 * SL_NSEC_PER_MSEC,
		SL_NSEC_PER_SEC, 60 * SL_NSEC_PER_SEC, 549 * SL_NSEC_PER_SEC};
	const uint64_t r = sl_test_rand(&s->seed);
	uint32_t i;

	switch (r >> 60) {
	case 0:
		s->now_ns += jump_ns[(r >> 32) % SL_ARRAY_LEN(jump_ns)] >> (r >> 20 & 3);
		break;
	case 1:
		i = (r >> 32) % CAPACITY;
		if (i >= sl_flow_used(s->t) || sl_flow_at(s->t, i)->state == SL_FLOW_FREE)
			break;
		sl_flow_remove(s->t, i);
		s->removed++;
		break;
	case 2:
	case 3:
		sl_flow_expire(s->t, now_of(s), &timeouts, 8, on_due, s);
		break;
	case 4 ... 8:
		open_flow(s);
		break;
	default:
		packet(s, r);
	}
}

// All that is due now, in bounded steps; then nothing may be.
static void
expire_all(struct shared *s)
{
	for (unsigned idle = 0; idle < 400;)
		idle = sl_flow_expire(s->t, now_of(s), &timeouts, 8, on_due, s) ? 0 : idle + 1;
	for (uint32_t i = 0; i < sl_flow_used(s->t); i++) {
		const struct sl_flow *f = sl_flow_at(s->t, i);

		s->late += f->state != SL_FLOW_FREE && is_due(f, now_of(s));
	}
}

static void *
owner(void *arg)
{
	struct shared *s = arg;

	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned i = 0; i < STEPS; i++)
			step(s);
		if (phase % 4) {
			s->now_ns += (sl_test_rand(&s->seed) % 600) * SL_NSEC_PER_SEC;
			expire_all(s);
			continue;
		}
		// Turns of the wheel at once, to about where it stood: nothing is left after the
		// last, and walks that begin then see nothing of it.
		for (unsigned i = 0; i < 8 && sl_flow_live(s->t) > 0; i++) {
			s->now_ns += (TURN * (1 + sl_test_rand(&s->seed) % 20) - 48 +
					     sl_test_rand(&s->seed) % 64)
				     << SL_FLOW_TICK_SHIFT;
			expire_all(s);
		}
		if (sl_flow_live(s->t) == 0)
			__atomic_store_n(&s->gone_below, s->next_id, __ATOMIC_RELEASE);
		sched_yield();
	}
	__atomic_store_n(&s->done, true, __ATOMIC_RELAXED);
	return NULL;
}

// ---- walkers ----

static bool
is_whole(const struct sl_flow_view *v)
{
	const uint32_t id = v->tuple[0].src;
	const struct sl_tuple client = tuple_of(id, SL_DIR_CLIENT),
			      endpoint = tuple_of(id, SL_DIR_ENDPOINT);

	return memcmp(&v->tuple[0], &client, sizeof(client)) == 0 &&
	       memcmp(&v->tuple[1], &endpoint, sizeof(endpoint)) == 0 &&
	       v->last_seen >= v->created && v->state != SL_FLOW_FREE &&
	       v->state < SL_FLOW_STATE_MAX && (v->state == SL_FLOW_UDP) == (id % 2 == 0);
}

static void *
walk(void *arg)
{
	struct walker *w = arg;
	struct sl_flow_view view[32];

	while (!__atomic_load_n(&w->s->done, __ATOMIC_RELAXED)) {
		const uint32_t gone_below = __atomic_load_n(&w->s->gone_below, __ATOMIC_ACQUIRE);
		uint32_t cursor = 0;

		while (cursor != UINT32_MAX) {
			const unsigned n = sl_flow_walk(w->s->t, &cursor, view, 32, 64);

			for (unsigned i = 0; i < n; i++) {
				w->torn += !is_whole(&view[i]);
				w->ghosts += view[i].tuple[0].src < gone_below;
			}
			w->views += n;
		}
	}
	return NULL;
}

static int
flows_expire_while_others_walk(void)
{
	const struct sl_flow_mem mem = {.alloc = heap_alloc, .free = heap_free};
	struct shared s = {
		.t = sl_flow_table_new(CAPACITY, 0, &mem), .seed = sl_test_seed(), .next_id = 2};
	struct walker w[WALKERS] = {{.s = &s}, {.s = &s}};
	pthread_t thread;

	RTE_TEST_ASSERT_NOT_NULL(s.t, "no table");
	for (unsigned i = 0; i < WALKERS; i++)
		RTE_TEST_ASSERT_SUCCESS(
			pthread_create(&w[i].thread, NULL, walk, &w[i]), "no thread");
	RTE_TEST_ASSERT_SUCCESS(pthread_create(&thread, NULL, owner, &s), "no thread");
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < WALKERS; i++)
		pthread_join(w[i].thread, NULL);
	printf("# %llu opened, %llu expired, %llu removed; %llu and %llu views\n",
		(unsigned long long)s.opened, (unsigned long long)s.expired,
		(unsigned long long)s.removed, (unsigned long long)w[0].views,
		(unsigned long long)w[1].views);
	SL_TEST_INT(s.early, 0);
	SL_TEST_INT(s.late, 0);
	SL_TEST_INT(s.opened, s.expired + s.removed + sl_flow_live(s.t));
	RTE_TEST_ASSERT(s.expired > PHASES && s.gone_below > PHASES, "too little expired");
	for (unsigned i = 0; i < WALKERS; i++) {
		SL_TEST_INT(w[i].torn, 0);
		SL_TEST_INT(w[i].ghosts, 0);
	}
	RTE_TEST_ASSERT(w[0].views + w[1].views > MIN_VIEWS, "nothing was walked");
	sl_flow_table_free(s.t);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"flows expire while others walk", flows_expire_while_others_walk},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
