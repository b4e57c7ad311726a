// TCP from the middle: conversations as tables, then every state against every flag byte.
#include "flow_test.h"

#define SYN SL_TCP_SYN
#define FIN SL_TCP_FIN
#define RST SL_TCP_RST
#define ACK SL_TCP_ACK
#define PSH SL_TCP_PSH
#define C   SL_DIR_CLIENT
#define E   SL_DIR_ENDPOINT

#define STEPS 12

// A conversation: the state after the client's first SYN and each segment that follows.
static const struct {
	const char *name;
	struct {
		uint8_t dir, flags, state;
	} step[STEPS]; // ends at state 0
} conversations[] = {
	{"open, talk, the client closes",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{C, PSH | ACK, SL_FLOW_ESTABLISHED}, {E, PSH | ACK, SL_FLOW_ESTABLISHED},
			{C, FIN | ACK, SL_FLOW_FIN_CLIENT}, {E, ACK, SL_FLOW_FIN_CLIENT},
			{E, PSH | ACK, SL_FLOW_FIN_CLIENT}, {E, FIN | ACK, SL_FLOW_CLOSING},
			{C, ACK, SL_FLOW_CLOSING}}},
	{"the endpoint closes first",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{E, FIN | ACK, SL_FLOW_FIN_ENDPOINT}, {C, ACK, SL_FLOW_FIN_ENDPOINT},
			{C, PSH | ACK, SL_FLOW_FIN_ENDPOINT}, {C, FIN | ACK, SL_FLOW_CLOSING},
			{E, ACK, SL_FLOW_CLOSING}}},
	{"both close at once",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{E, FIN | ACK, SL_FLOW_FIN_ENDPOINT}, {C, FIN | ACK, SL_FLOW_CLOSING},
			{C, ACK, SL_FLOW_CLOSING}, {E, ACK, SL_FLOW_CLOSING}}},
	{"SYN and SYN+ACK are sent again",
		{{C, SYN, SL_FLOW_SYN_SENT}, {E, SYN | ACK, SL_FLOW_SYN_RECV},
			{C, SYN, SL_FLOW_SYN_RECV}, {E, SYN | ACK, SL_FLOW_SYN_RECV},
			{C, ACK, SL_FLOW_ESTABLISHED}}},
	{"FIN is sent again",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{C, FIN | ACK, SL_FLOW_FIN_CLIENT}, {C, FIN | ACK, SL_FLOW_FIN_CLIENT},
			{E, FIN | ACK, SL_FLOW_CLOSING}, {E, FIN | ACK, SL_FLOW_CLOSING}}},
	{"refused", {{E, RST | ACK, SL_FLOW_RESET}}},
	{"refused, tried again from the same port",
		{{E, RST | ACK, SL_FLOW_RESET}, {C, SYN, SL_FLOW_SYN_SENT},
			{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED}}},
	{"the client's ACK is lost, its data comes",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, PSH | ACK, SL_FLOW_ESTABLISHED}}},
	{"the endpoint sends before the client's ACK",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {E, PSH | ACK, SL_FLOW_SYN_RECV},
			{C, ACK, SL_FLOW_ESTABLISHED}}},
	{"the client's ACK and data are lost, its FIN comes",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, FIN | ACK, SL_FLOW_FIN_CLIENT},
			{E, FIN | ACK, SL_FLOW_CLOSING}}},
	{"the endpoint closes before it is open",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {E, FIN | ACK, SL_FLOW_FIN_ENDPOINT},
			{C, ACK, SL_FLOW_FIN_ENDPOINT}, {C, FIN | ACK, SL_FLOW_CLOSING}}},
	{"both open at once",
		{{E, SYN, SL_FLOW_SYN_RECV}, {C, SYN | ACK, SL_FLOW_ESTABLISHED},
			{E, SYN | ACK, SL_FLOW_ESTABLISHED}, {C, PSH | ACK, SL_FLOW_ESTABLISHED}}},
	{"a client's RST, and what was on the way",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{C, RST, SL_FLOW_RESET}, {E, PSH | ACK, SL_FLOW_RESET},
			{C, RST, SL_FLOW_RESET}}},
	{"a RST between the FINs",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{C, FIN | ACK, SL_FLOW_FIN_CLIENT}, {E, RST | ACK, SL_FLOW_RESET}}},
	{"a SYN in the middle is an old one",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{C, SYN, SL_FLOW_ESTABLISHED}, {E, ACK, SL_FLOW_ESTABLISHED}}},
	{"the same tuple again after the end",
		{{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED},
			{E, FIN | ACK, SL_FLOW_FIN_ENDPOINT}, {C, FIN | ACK, SL_FLOW_CLOSING},
			{E, ACK, SL_FLOW_CLOSING}, {C, SYN, SL_FLOW_SYN_SENT},
			{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED}}},
	{"an old connection's ACK answers the SYN (RFC 9293 3.5.1)",
		{{E, ACK, SL_FLOW_SYN_SENT}, {C, RST, SL_FLOW_RESET}, {C, SYN, SL_FLOW_SYN_SENT},
			{E, SYN | ACK, SL_FLOW_SYN_RECV}, {C, ACK, SL_FLOW_ESTABLISHED}}},
};

// The pure step and sl_flow_touch() say the same.
static int
conversation(void)
{
	for (unsigned c = 0; c < SL_ARRAY_LEN(conversations); c++) {
		struct sl_flow_table *t = table_new(64);
		const struct sl_tuple client = client_tuple(0), endpoint = endpoint_tuple(0);
		enum sl_flow_state state = SL_FLOW_SYN_SENT;

		sl_flow_insert(t, &client, &endpoint, state, 0, 0, &test_timeouts);
		for (unsigned s = 0; s < STEPS && conversations[c].step[s].state; s++) {
			const uint8_t dir = conversations[c].step[s].dir,
				      flags = conversations[c].step[s].flags,
				      want = conversations[c].step[s].state;
			const enum sl_flow_state touched =
				sl_flow_touch(t, 0, dir, flags, s, &test_timeouts);

			state = sl_flow_tcp_next(state, dir, flags);
			RTE_TEST_ASSERT(state == want && touched == want,
				"%s, segment %u: %s, expected %s", conversations[c].name, s + 1,
				sl_flow_state_name(state), sl_flow_state_name(want));
			SL_TEST_INT(sl_flow_at(t, 0)->state, want);
			SL_TEST_INT(sl_flow_at(t, 0)->last_seen, s);
		}
		sl_flow_table_free(t);
	}
	return TEST_SUCCESS;
}

// The rules in words, written down apart from the table.
static enum sl_flow_state
rule(enum sl_flow_state state, enum sl_flow_dir dir, uint8_t flags)
{
	const bool over = state == SL_FLOW_CLOSING || state == SL_FLOW_RESET;

	if (state == SL_FLOW_FREE || state == SL_FLOW_UDP)
		return state; // no TCP
	if (flags & RST)
		return SL_FLOW_RESET;
	if (flags & SYN) {
		if (over && dir == C && !(flags & ACK))
			return SL_FLOW_SYN_SENT;
		if (state == SL_FLOW_SYN_SENT && dir == E)
			return SL_FLOW_SYN_RECV;
		if (state == SL_FLOW_SYN_RECV && dir == C && flags & ACK)
			return SL_FLOW_ESTABLISHED;
		return state;
	}
	if (over || state == SL_FLOW_SYN_SENT)
		return state;
	if (flags & FIN) {
		const enum sl_flow_state mine =
			dir == C ? SL_FLOW_FIN_CLIENT : SL_FLOW_FIN_ENDPOINT;
		const enum sl_flow_state other =
			dir == C ? SL_FLOW_FIN_ENDPOINT : SL_FLOW_FIN_CLIENT;

		return state == other ? SL_FLOW_CLOSING : mine;
	}
	if (state == SL_FLOW_SYN_RECV && dir == C && flags & ACK)
		return SL_FLOW_ESTABLISHED;
	return state;
}

static int
every_flag_byte(void)
{
	unsigned changes = 0;

	for (unsigned s = 0; s < SL_FLOW_STATE_MAX; s++)
		for (unsigned dir = 0; dir < 2; dir++)
			for (unsigned flags = 0; flags < 256; flags++) {
				const enum sl_flow_state got =
					sl_flow_tcp_next(s, dir, (uint8_t)flags);

				RTE_TEST_ASSERT_EQUAL(got, rule(s, dir, (uint8_t)flags),
					"%s, dir %u, flags %02x: %s", sl_flow_state_name(s), dir,
					flags, sl_flow_state_name(got));
				changes += got != s;
			}
	RTE_TEST_ASSERT(changes > 1000, "only %u changes", changes);
	return TEST_SUCCESS;
}

static int
names(void)
{
	SL_TEST_STR(sl_flow_state_name(SL_FLOW_UDP), "udp");
	SL_TEST_STR(sl_flow_state_name(SL_FLOW_ESTABLISHED), "established");
	SL_TEST_STR(sl_flow_state_name(SL_FLOW_STATE_MAX), "unknown");
	for (unsigned a = 0; a < SL_FLOW_STATE_MAX; a++)
		for (unsigned b = 0; b < a; b++)
			RTE_TEST_ASSERT(strcmp(sl_flow_state_name(a), sl_flow_state_name(b)) != 0,
				"%u and %u have one name", a, b);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"conversation", conversation},
		{"every_flag_byte", every_flag_byte},
		{"names", names},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
