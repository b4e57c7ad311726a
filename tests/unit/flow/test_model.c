// The table and its wheel against a naive list of flows: random inserts, removes, packets and time.
#include <errno.h>

#include "flow_test.h"

#define CAPACITY 256
#define TUPLES   400 // clients and endpoints to choose from: both meet keys in use and a full table
#define ROUNDS   300000

struct model_flow {
	bool live;
	uint32_t client, endpoint; // tuple numbers
	enum sl_flow_state state;
	sl_tick last_seen, created;
};

struct model {
	struct sl_flow_table *t;
	struct model_flow flow[CAPACITY]; // by the table's index
	uint32_t client[TUPLES];          // its flow's index, or SL_FLOW_NONE
	uint32_t endpoint[TUPLES];
	uint32_t live;
	sl_tick now;
	unsigned wrong;
	unsigned n_insert, n_exist, n_full, n_remove, n_expire, n_state;
};

static void
forget(struct model *m, uint32_t index)
{
	struct model_flow *f = &m->flow[index];

	f->live = false;
	m->client[f->client] = m->endpoint[f->endpoint] = SL_FLOW_NONE;
	m->live--;
}

static bool
is_due(const struct model *m, const struct model_flow *f)
{
	return f->live && f->last_seen + test_timeouts.by_state[f->state] <= m->now;
}

static bool
on_due(void *arg, struct sl_flow *flow, uint32_t index)
{
	struct model *m = arg;

	// Still whole: both keys lead to it.
	if (index >= CAPACITY || sl_flow_at(m->t, index) != flow ||
		sl_flow_find(m->t, &flow->tuple[0]) != index << 1 ||
		sl_flow_find(m->t, &flow->tuple[1]) != (index << 1 | 1) ||
		!is_due(m, &m->flow[index])) {
		m->wrong++;
		return true;
	}
	forget(m, index);
	m->n_expire++;
	return true;
}

static int
try_insert(struct model *m, uint64_t r)
{
	const uint32_t c = (uint32_t)(r >> 8) % TUPLES, e = (uint32_t)(r >> 32) % TUPLES;
	const struct sl_tuple client = client_tuple(c), endpoint = endpoint_tuple(e);
	const enum sl_flow_state state = r & 1 ? SL_FLOW_UDP : SL_FLOW_SYN_SENT;
	const int64_t rc =
		sl_flow_insert(m->t, &client, &endpoint, state, 0, m->now, &test_timeouts);

	if (m->client[c] != SL_FLOW_NONE || m->endpoint[e] != SL_FLOW_NONE) {
		SL_TEST_INT(rc, -EEXIST);
		m->n_exist++;
	} else if (m->live == CAPACITY) {
		SL_TEST_INT(rc, -ENOSPC);
		m->n_full++;
	} else {
		RTE_TEST_ASSERT(rc >= 0 && rc < CAPACITY && !m->flow[rc].live, "insert: %lld",
			(long long)rc);
		m->flow[rc] = (struct model_flow){true, c, e, state, m->now, m->now};
		m->client[c] = m->endpoint[e] = (uint32_t)rc;
		m->live++;
		m->n_insert++;
	}
	return TEST_SUCCESS;
}

static int
packet(struct model *m, uint64_t r)
{
	static const uint8_t segments[] = {SL_TCP_SYN, SL_TCP_SYN | SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST, 0};
	const uint32_t index = (uint32_t)(r >> 8) % CAPACITY;
	struct model_flow *f = &m->flow[index];
	const uint8_t flags = segments[(r >> 32) % SL_ARRAY_LEN(segments)];
	const enum sl_flow_dir dir = r >> 48 & 1;

	if (!f->live)
		return TEST_SUCCESS;
	const enum sl_flow_state next = sl_flow_tcp_next(f->state, dir, flags);
	SL_TEST_INT(sl_flow_touch(m->t, index, dir, flags, m->now, &test_timeouts), next);
	m->n_state += next != f->state;
	f->state = next;
	f->last_seen = m->now;
	return TEST_SUCCESS;
}

static int
pass_time(struct model *m, uint64_t r)
{
	// Mostly single ticks, sometimes a pause of up to 250.
	m->now += r >> 16 & 15 ? 1 : (uint32_t)(r >> 24) % 250;
	sl_flow_expire(m->t, m->now, &test_timeouts, UINT32_MAX, on_due, m);
	RTE_TEST_ASSERT_EQUAL(m->wrong, 0, "a flow expired that is not due");
	for (uint32_t i = 0; i < CAPACITY; i++)
		RTE_TEST_ASSERT(!is_due(m, &m->flow[i]), "flow %u did not expire at %u", i, m->now);
	return TEST_SUCCESS;
}

static int
compare(const struct model *m)
{
	struct sl_flow_view view[CAPACITY];
	uint32_t cursor = 0;

	SL_TEST_INT(sl_flow_live(m->t), m->live);
	for (uint32_t i = 0; i < TUPLES; i++) {
		const struct sl_tuple client = client_tuple(i), endpoint = endpoint_tuple(i);
		const uint32_t c = m->client[i], e = m->endpoint[i];

		SL_TEST_INT(sl_flow_find(m->t, &client), c == SL_FLOW_NONE ? c : c << 1);
		SL_TEST_INT(sl_flow_find(m->t, &endpoint), e == SL_FLOW_NONE ? e : e << 1 | 1);
	}
	for (uint32_t i = 0; i < CAPACITY; i++) {
		const struct sl_flow *f = sl_flow_at(m->t, i);

		SL_TEST_INT(f->state, m->flow[i].live ? m->flow[i].state : SL_FLOW_FREE);
		if (!m->flow[i].live)
			continue;
		SL_TEST_INT(f->last_seen, m->flow[i].last_seen);
		SL_TEST_INT(f->created, m->flow[i].created);
	}
	SL_TEST_INT(sl_flow_walk(m->t, &cursor, view, CAPACITY, UINT32_MAX), m->live);
	SL_TEST_INT(cursor, UINT32_MAX);
	return TEST_SUCCESS;
}

static int
against_a_list(void)
{
	uint64_t rnd = sl_test_seed();
	struct model *m = calloc(1, sizeof(*m));

	m->t = table_new(CAPACITY);
	memset(m->client, 0xff, sizeof(m->client));
	memset(m->endpoint, 0xff, sizeof(m->endpoint));
	for (unsigned round = 0; round < ROUNDS; round++) {
		const uint64_t r = sl_test_rand(&rnd);
		// Phases that fill the table and phases that drain it.
		const bool fill = round / 5000 % 2 == 0;
		const unsigned what = (unsigned)(r >> 1 & 63);
		int rc = TEST_SUCCESS;

		if (what < (fill ? 40 : 8)) {
			rc = try_insert(m, r >> 7);
		} else if (what < 60) {
			rc = packet(m, r >> 7);
		} else if (what < 62) {
			const uint32_t index = (uint32_t)(r >> 8) % CAPACITY;

			if (m->flow[index].live) {
				sl_flow_remove(m->t, index);
				forget(m, index);
				m->n_remove++;
			}
		} else if (!fill || what == 63) {
			rc = pass_time(m, r);
		}
		RTE_TEST_ASSERT_SUCCESS(rc, "round %u", round);
		if (round % 50 == 0)
			RTE_TEST_ASSERT_SUCCESS(compare(m), "round %u", round);
	}
	printf("# %u inserted, %u in use, %u full, %u removed, %u expired, %u state changes\n",
		m->n_insert, m->n_exist, m->n_full, m->n_remove, m->n_expire, m->n_state);
	RTE_TEST_ASSERT(m->n_insert > 1000 && m->n_exist > 1000 && m->n_full > 100 &&
				m->n_remove > 100 && m->n_expire > 1000 && m->n_state > 1000,
		"some path was hardly taken");
	sl_flow_table_free(m->t);
	free(m);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"against_a_list", against_a_list}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
