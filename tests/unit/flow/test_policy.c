// What a policy asks of a flow besides the timeout of its state, and a handshake that moves on.
#include <errno.h>

#include "flow_test.h"

enum { PLAIN, IDLE, NEVER, AGED, CONNECT, N_POLICIES };

static const struct sl_flow_policy policies[N_POLICIES] = {
	[IDLE] = {.idle = 100},
	[NEVER] = {.idle = UINT32_MAX},
	[AGED] = {.max_age = 60},
	[CONNECT] = {.connect = 7},
};

static struct sl_flow_timeouts
timeouts(void)
{
	struct sl_flow_timeouts t = test_timeouts;

	t.policy = policies;
	t.n_policies = N_POLICIES;
	return t;
}

// The tick in which an idle flow of that state and policy is gone; 0: not within `until`.
static sl_tick
gone_at(uint16_t policy, enum sl_flow_state state, sl_tick until)
{
	const struct sl_tuple client = client_tuple(0), endpoint = endpoint_tuple(0);
	const struct sl_flow_timeouts to = timeouts();
	struct sl_flow_table *t = table_new(64);
	sl_tick now = 0;

	sl_flow_insert(t, &client, &endpoint, state, policy, 0, &to);
	while (now < until && sl_flow_live(t) > 0)
		sl_flow_expire(t, ++now, &to, 8, NULL, NULL);
	const sl_tick gone = sl_flow_live(t) > 0 ? 0 : now;

	sl_flow_table_free(t);
	return gone;
}

static int
deadlines(void)
{
	static const struct {
		const char *name;
		uint16_t policy;
		enum sl_flow_state state;
		sl_tick gone; // 0: not within 20000 ticks
	} rows[] = {
		{"no policy: the state's", PLAIN, SL_FLOW_ESTABLISHED, 10000},
		{"one that is not in the list: the state's", 999, SL_FLOW_ESTABLISHED, 10000},
		{"idle", IDLE, SL_FLOW_ESTABLISHED, 100},
		{"idle, half closed", IDLE, SL_FLOW_FIN_CLIENT, 100},
		{"idle, half closed the other way", IDLE, SL_FLOW_FIN_ENDPOINT, 100},
		{"idle is not for closing", IDLE, SL_FLOW_CLOSING, 50},
		{"idle is not for a handshake", IDLE, SL_FLOW_SYN_SENT, 20},
		{"idle is not for UDP", IDLE, SL_FLOW_UDP, 30},
		{"never idle", NEVER, SL_FLOW_ESTABLISHED, 0},
		{"age", AGED, SL_FLOW_ESTABLISHED, 60},
		{"age is not for UDP", AGED, SL_FLOW_UDP, 30},
		{"age, when the state's timeout is earlier", AGED, SL_FLOW_SYN_SENT, 20},
		{"connect", CONNECT, SL_FLOW_SYN_SENT, 7},
		{"connect is over with the answer", CONNECT, SL_FLOW_SYN_RECV, 20},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		RTE_TEST_ASSERT_EQUAL(gone_at(rows[i].policy, rows[i].state, 20000), rows[i].gone,
			"%s: gone at %u", rows[i].name,
			gone_at(rows[i].policy, rows[i].state, 20000));
	return TEST_SUCCESS;
}

// Traffic keeps no flow beyond its age.
static int
age_counts_from_the_start(void)
{
	const struct sl_tuple client = client_tuple(0), endpoint = endpoint_tuple(0);
	const struct sl_flow_timeouts to = timeouts();
	struct sl_flow_table *t = table_new(64);

	sl_flow_insert(t, &client, &endpoint, SL_FLOW_ESTABLISHED, AGED, 0, &to);
	for (sl_tick now = 1; now < 60; now++) {
		sl_flow_touch(t, 0, SL_DIR_CLIENT, SL_TCP_ACK, now, &to);
		SL_TEST_INT(sl_flow_expire(t, now, &to, 8, NULL, NULL), 0);
	}
	SL_TEST_INT(sl_flow_expire(t, 60, &to, 8, NULL, NULL), 1);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// A client that repeats its SYN does not put the connect timeout off; an answer ends it.
static int
connect_counts_from_the_attempt(void)
{
	for (int answered = 0; answered < 2; answered++) {
		const struct sl_tuple client = client_tuple(0), endpoint = endpoint_tuple(0);
		const struct sl_flow_timeouts to = timeouts();
		struct sl_flow_table *t = table_new(64);

		sl_flow_insert(t, &client, &endpoint, SL_FLOW_SYN_SENT, CONNECT, 0, &to);
		for (sl_tick now = 1; now < 7; now++) {
			sl_flow_touch(t, 0, SL_DIR_CLIENT, SL_TCP_SYN, now, &to);
			SL_TEST_INT(sl_flow_expire(t, now, &to, 8, NULL, NULL), 0);
		}
		if (answered)
			SL_TEST_INT(sl_flow_touch(
					    t, 0, SL_DIR_ENDPOINT, SL_TCP_SYN | SL_TCP_ACK, 6, &to),
				SL_FLOW_SYN_RECV);
		SL_TEST_INT(sl_flow_expire(t, 7, &to, 8, NULL, NULL), !answered);
		if (answered) {
			SL_TEST_INT(sl_flow_expire(t, 25, &to, 8, NULL, NULL), 0);
			SL_TEST_INT(sl_flow_expire(t, 26, &to, 8, NULL, NULL), 1);
		}
		sl_flow_table_free(t);
	}
	return TEST_SUCCESS;
}

struct mover {
	struct sl_flow_table *t;
	sl_tick now;
	unsigned moves; // left
	unsigned next;  // endpoint
	int rc;
};

static bool
move_on(void *arg, struct sl_flow *flow, uint32_t index)
{
	struct mover *m = arg;
	const struct sl_tuple endpoint = endpoint_tuple(m->next++);

	if (m->moves == 0)
		return true;
	m->moves--;
	m->rc |= sl_flow_rekey(m->t, index, &endpoint, m->now);
	return flow != sl_flow_at(m->t, index);
}

// One of many that are due moves on twice, each time for a whole connect timeout.
static int
due_may_live_on(void)
{
	const struct sl_flow_timeouts to = timeouts();
	struct sl_flow_table *t = table_new(64);
	struct mover m = {.t = t, .moves = 3, .next = 1000};

	for (uint32_t i = 0; i < 40; i++) {
		const struct sl_tuple client = client_tuple(i), endpoint = endpoint_tuple(i);

		sl_flow_insert(t, &client, &endpoint, SL_FLOW_SYN_SENT, CONNECT, 0, &to);
	}
	m.now = 7;
	SL_TEST_INT(sl_flow_expire(t, 7, &to, 64, move_on, &m), 37);
	SL_TEST_INT(sl_flow_live(t), 3);
	for (m.now = 8; m.now < 14; m.now++)
		SL_TEST_INT(sl_flow_expire(t, m.now, &to, 64, move_on, &m), 0);
	SL_TEST_INT(m.moves, 0);
	SL_TEST_INT(sl_flow_expire(t, 14, &to, 64, move_on, &m), 3);
	SL_TEST_INT(m.rc, 0);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

// One whose callback keeps it without a new deadline comes again in the next tick.
static bool
keep(void *arg, struct sl_flow *flow, uint32_t index)
{
	(void)flow;
	(void)index;
	++*(unsigned *)arg;
	return false;
}

static int
kept_ones_come_again(void)
{
	const struct sl_tuple client = client_tuple(0), endpoint = endpoint_tuple(0);
	struct sl_flow_table *t = table_new(64);
	unsigned asked = 0;

	sl_flow_insert(t, &client, &endpoint, SL_FLOW_UDP, 0, 0, &test_timeouts);
	for (sl_tick now = 30; now < 40; now++)
		SL_TEST_INT(sl_flow_expire(t, now, &test_timeouts, 64, keep, &asked), 0);
	SL_TEST_INT(asked, 10);
	SL_TEST_INT(sl_flow_live(t), 1);
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

static int
rekey(void)
{
	const struct sl_tuple client = client_tuple(0), other = client_tuple(1);
	const struct sl_tuple first = endpoint_tuple(0), second = endpoint_tuple(1),
			      taken = endpoint_tuple(2);
	struct sl_flow_table *t = table_new(64);
	struct sl_flow_view view;
	uint32_t cursor = 0;

	sl_flow_insert(t, &client, &first, SL_FLOW_SYN_SENT, 0, 0, &test_timeouts);
	sl_flow_insert(t, &other, &taken, SL_FLOW_SYN_SENT, 0, 0, &test_timeouts);
	SL_TEST_INT(sl_flow_rekey(t, 0, &taken, 5), -EEXIST);
	SL_TEST_INT(sl_flow_find(t, &first), 1);
	SL_TEST_INT(sl_flow_rekey(t, 0, &second, 5), 0);
	RTE_TEST_ASSERT(sl_flow_find(t, &first) == SL_FLOW_NONE, "the old key is still there");
	SL_TEST_INT(sl_flow_find(t, &second), 1);
	SL_TEST_INT(sl_flow_find(t, &client), 0);
	SL_TEST_INT(sl_flow_at(t, 0)->last_seen, 5);
	SL_TEST_INT(sl_flow_walk(t, &cursor, &view, 1, 1), 1);
	RTE_TEST_ASSERT(memcmp(&view.tuple[SL_DIR_ENDPOINT], &second, sizeof(second)) == 0,
		"the walk shows another endpoint");
	sl_flow_remove(t, 0);
	RTE_TEST_ASSERT(sl_flow_find(t, &second) == SL_FLOW_NONE, "the new key is left over");
	sl_flow_table_free(t);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"deadlines", deadlines},
		{"age_counts_from_the_start", age_counts_from_the_start},
		{"connect_counts_from_the_attempt", connect_counts_from_the_attempt},
		{"due_may_live_on", due_may_live_on},
		{"kept_ones_come_again", kept_ones_come_again},
		{"rekey", rekey},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
