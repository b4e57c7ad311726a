// Orders to end the flows of an endpoint whose address is gone. Slots are those of services.c.

#include "fixture.h"

#define SLOT_VIP    0 // VIP:80
#define SLOT_VIP2_A 1 // VIP2:80
#define SLOT_VIP2_B 2
#define SLOT_UDP    3
#define SLOT_FAR    7  // VIP:82
#define SLOT_NAME   26 // VIP:PORT_NAME
#define TICK        (UINT64_C(1) << SL_FLOW_TICK_SHIFT)

static struct result
client(struct fixture *fx, uint32_t vip, uint16_t sport, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct packet k = {TCP_TO(vip, 80), .sport = sport, .flags = flags, .seq = seq,
		.ack = ack, .payload_len = flags & T_PSH ? 1 : 0};

	return fixture_send(fx, &k, 0);
}

static struct result
udp(struct fixture *fx, uint16_t sport)
{
	const struct packet k = {UDP_TO(VIP, 53), .sport = sport, .payload_len = 12};

	return fixture_send(fx, &k, 0);
}

// What the endpoint that got `to` says.
static struct result
endpoint(struct fixture *fx, const struct packet *to, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct packet k = {.src = to->dst,
		.dst = to->src,
		.sport = to->dport,
		.dport = to->sport,
		.proto = P_TCP,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.payload_len = flags & T_PSH ? 1 : 0};

	return fixture_send(fx, &k, 1);
}

static struct packet
connected(struct fixture *fx, uint32_t vip, uint16_t sport)
{
	const struct result syn = client(fx, vip, sport, T_SYN, 1000, 0);

	endpoint(fx, &syn.out, T_SYN | T_ACK, 77, 1001);
	client(fx, vip, sport, T_ACK, 1001, 78);
	return syn.out;
}

// A flow's state by what is sent, in turn by the client (c) or the endpoint (e).
static struct packet
brought_to(struct fixture *fx, enum sl_flow_state state)
{
	const struct result syn = client(fx, VIP, 40000, T_SYN, 1000, 0);

	if (state >= SL_FLOW_SYN_RECV)
		endpoint(fx, &syn.out, T_SYN | T_ACK, 77, 1001);
	if (state >= SL_FLOW_ESTABLISHED)
		client(fx, VIP, 40000, T_ACK, 1001, 78);
	if (state == SL_FLOW_FIN_CLIENT || state == SL_FLOW_CLOSING)
		client(fx, VIP, 40000, T_FIN | T_ACK, 1001, 78);
	if (state == SL_FLOW_FIN_ENDPOINT || state == SL_FLOW_CLOSING)
		endpoint(fx, &syn.out, T_FIN | T_ACK, 78, 1001);
	if (state == SL_FLOW_RESET)
		endpoint(fx, &syn.out, T_RST, 78, 0);
	return syn.out;
}

static unsigned
in_state(const struct fixture *fx, uint32_t slot, enum sl_flow_state state)
{
	struct sl_flow_view view[64];
	uint32_t cursor = 0;
	unsigned n = 0;

	while (cursor != UINT32_MAX) {
		const unsigned m = sl_flow_walk(fx->worker[0].flows, &cursor, view, 64, UINT32_MAX);

		for (unsigned i = 0; i < m; i++)
			n += view[i].ep_slot == slot && view[i].state == state;
	}
	return n;
}

static void
later(struct fixture *fx)
{
	fx->now += TICK;
}

// ---- one connection ----

// The next segment of either side tells the other one, and what its sender says then is answered.
static int
tell_both(struct fixture *fx, const struct packet *to, bool by_client, const char *name)
{
	const struct result first = by_client ? client(fx, VIP, 40000, T_PSH | T_ACK, 1001, 78)
					      : endpoint(fx, to, T_PSH | T_ACK, 78, 1001);

	RTE_TEST_ASSERT(first.verdict == SL_V_REPLY && !first.bad &&
				first.reason == SL_DROP_NO_FLOW && (first.out.flags & T_RST) &&
				first.out.dst == (by_client ? to->dst : CLIENT) &&
				first.out.src == (by_client ? to->src : VIP) &&
				first.out.seq == (by_client ? 1001 : 78) &&
				first.out_port == by_client,
		"%s: first verdict %u", name, first.verdict);
	const struct result then = by_client ? client(fx, VIP, 40000, T_ACK, 1002, 78)
					     : endpoint(fx, to, T_ACK, 79, 1001);

	RTE_TEST_ASSERT(then.verdict == SL_V_REPLY && !then.bad && then.out.flags == T_RST &&
				then.out.dst == (by_client ? CLIENT : to->dst) &&
				then.out.seq == (by_client ? 78 : 1001),
		"%s: then verdict %u", name, then.verdict);
	return TEST_SUCCESS;
}

static int
every_state(void)
{
	static const struct {
		enum sl_flow_state state;
		bool is_reset;
	} table[] = {
		{SL_FLOW_SYN_SENT, true},
		{SL_FLOW_SYN_RECV, true},
		{SL_FLOW_ESTABLISHED, true},
		{SL_FLOW_FIN_CLIENT, true},
		{SL_FLOW_FIN_ENDPOINT, true},
		{SL_FLOW_CLOSING, false},
		{SL_FLOW_RESET, false},
	};

	for (size_t i = 0; i < 2 * SL_ARRAY_LEN(table); i++) {
		const enum sl_flow_state state = table[i / 2].state;
		const char *name = sl_flow_state_name(state);
		struct fixture *fx = fixture_new(NULL);
		const struct packet to = brought_to(fx, state);

		SL_TEST_INT(in_state(fx, SLOT_VIP, state), 1);
		connected(fx, VIP2, 40000);
		later(fx);
		RTE_TEST_ASSERT(fixture_reset(fx, SLOT_VIP), "refused");
		fixture_housekeeping(fx, NULL, 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), table[i / 2].is_reset);
		SL_TEST_INT(fixture_active(fx), 1);
		CHECK_BOOKS(fx);
		if (table[i / 2].is_reset && tell_both(fx, &to, i % 2, name) != TEST_SUCCESS)
			return TEST_FAILED;
		// The client's next connection is a flow of its own.
		const struct result syn = client(fx, VIP, 40000, T_SYN, 5000, 0);

		RTE_TEST_ASSERT(syn.verdict == SL_V_FORWARD && !syn.bad, "%s: SYN", name);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_REPLACED), 1);
		SL_TEST_INT(fixture_active(fx), 2);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

static int
silence(void)
{
	struct fixture *fx = fixture_new(NULL);

	connected(fx, VIP, 40000);
	later(fx);
	fixture_reset(fx, SLOT_VIP);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_live(fx), 1);
	fx->now += SEC(TO_CLOSING + 1);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_live(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- handshakes ----

static const struct fixture_opt keeps_syns = {.syns = 16};

static int
handshake_moves(void)
{
	struct fixture *fx = fixture_new(&keeps_syns);
	const struct result syn = client(fx, VIP2, 40000, T_SYN, 1000, 0);
	const uint32_t slot = syn.out.dst == EP1 ? SLOT_VIP2_A : SLOT_VIP2_B;
	static struct result out[2];

	later(fx);
	fixture_reset(fx, slot);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_RETRY && !out[0].bad && out[0].out.flags == T_SYN &&
				out[0].out.dst == (syn.out.dst == EP1 ? EP2 : EP1) &&
				out[0].out.seq == 1000 && out[0].out.sport == syn.out.sport,
		"moved: %u", out[0].verdict);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 0);
	SL_TEST_INT(fx->worker[0].load[slot].active, 0);
	SL_TEST_INT(fx->worker[0].load[slot].total, 1);
	const struct result back = endpoint(fx, &out[0].out, T_SYN | T_ACK, 7, 1001);

	RTE_TEST_ASSERT(back.verdict == SL_V_FORWARD && !back.bad && back.out.dst == CLIENT,
		"SYN+ACK: %u", back.verdict);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Its number is known: the client is told at once, and the endpoint when it answers.
static int
handshake_ends(void)
{
	struct fixture *fx = fixture_new(&keeps_syns);
	const struct result syn = client(fx, VIP, 40000, T_SYN, 1000, 0);
	static struct result out[2];

	later(fx);
	fixture_reset(fx, SLOT_VIP);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_REPLY && !out[0].bad && out[0].out.dst == CLIENT &&
				out[0].out.src == VIP && out[0].out.flags == (T_RST | T_ACK) &&
				out[0].out.ack == 1001,
		"client: %u", out[0].verdict);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 1);
	SL_TEST_INT(fixture_active(fx), 0);
	SL_TEST_INT(fx->worker[0].load[SLOT_VIP].total, 1);
	const struct result late = endpoint(fx, &syn.out, T_SYN | T_ACK, 7, 1001);

	RTE_TEST_ASSERT(late.verdict == SL_V_REPLY && !late.bad && late.out.flags == T_RST &&
				late.out.dst == EP1 && late.out.seq == 1001,
		"endpoint: %u", late.verdict);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- frames that wait ----

static int
while_held(void)
{
	for (uint32_t syns = 0; syns < 2; syns++) {
		const struct fixture_opt opt = {.syns = syns};
		struct fixture *fx = fixture_new(&opt);
		const struct packet k = {SYN_TO(VIP, 82)};
		static struct result out[4];

		SL_TEST_INT(fixture_send(fx, &k, 0).verdict, SL_V_HOLD);
		later(fx);
		fixture_reset(fx, SLOT_FAR);
		SL_TEST_INT(fixture_housekeeping(fx, out, 4), syns);
		RTE_TEST_ASSERT(syns == 0 || (out[0].verdict == SL_V_REPLY && !out[0].bad &&
						     out[0].out.dst == CLIENT),
			"the client is told");
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 1);
		CHECK_BOOKS(fx);
		fx->adj[ADJ_GATEWAY].state = SL_ADJ_OK;
		fixture_publish(fx);
		SL_TEST_INT(fixture_housekeeping(fx, out, 4), 1);
		RTE_TEST_ASSERT(out[0].verdict == SL_V_FORWARD && !out[0].bad, "released");
		const struct result back = endpoint(fx, &out[0].out, T_SYN | T_ACK, 7, 1001);

		RTE_TEST_ASSERT(back.verdict == SL_V_REPLY && !back.bad &&
					(back.out.flags & T_RST) &&
					back.out.dst == (syns ? EP_FAR : CLIENT),
			"SYN+ACK: %u to %08x", back.verdict, back.out.dst);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

static int
while_parked(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet k = {SYN_TO(VIP, PORT_NAME)};
	const struct packet other = {SYN_TO(VIP, PORT_NAME), .sport = 40001};
	static struct result out[2];

	fx->name = NAME_ANSWERED;
	fixture_publish(fx);
	SL_TEST_INT(fixture_send(fx, &other, 0).verdict, SL_V_FORWARD);
	SL_TEST_INT(fx->worker[0].load[SLOT_NAME].active, 1);
	fx->name = NAME_PENDING;
	fixture_publish(fx);
	later(fx);
	SL_TEST_INT(fixture_send(fx, &k, 0).verdict, SL_V_HOLD);
	fixture_reset(fx, SLOT_NAME);
	fx->name = NAME_ANSWERED;
	fixture_publish(fx);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	SL_TEST_INT(out[0].verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 1);
	SL_TEST_INT(fx->worker[0].load[SLOT_NAME].active, 1);
	SL_TEST_INT(in_state(fx, SLOT_NAME, SL_FLOW_SYN_SENT), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- many ----

static int
one_slot_among_many(void)
{
	const struct fixture_opt opt = {.reply_rate = 100000};
	struct fixture *fx = fixture_new(&opt);

	for (uint16_t k = 0; k < 200; k++) {
		connected(fx, VIP, 40000 + k);
		connected(fx, VIP2, 40000 + k);
		udp(fx, 40000 + k);
	}
	const uint32_t a = fx->worker[0].load[SLOT_VIP2_A].active;
	const uint32_t b = fx->worker[0].load[SLOT_VIP2_B].active;

	RTE_TEST_ASSERT(a > 50 && b > 50, "%u and %u", a, b);
	later(fx);
	fixture_reset(fx, SLOT_VIP2_A);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), a);
	SL_TEST_INT(in_state(fx, SLOT_VIP2_A, SL_FLOW_RESET), a);
	SL_TEST_INT(in_state(fx, SLOT_VIP2_B, SL_FLOW_ESTABLISHED), b);
	SL_TEST_INT(in_state(fx, SLOT_VIP, SL_FLOW_ESTABLISHED), 200);
	SL_TEST_INT(in_state(fx, SLOT_UDP, SL_FLOW_UDP), 200);
	CHECK_BOOKS(fx);
	// UDP flows go at once; the client's next datagram opens another one.
	fixture_reset(fx, SLOT_UDP);
	fixture_reset(fx, SLOT_VIP);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), a + 400);
	SL_TEST_INT(fixture_live(fx), 400);
	SL_TEST_INT(in_state(fx, SLOT_VIP2_B, SL_FLOW_ESTABLISHED), b);
	SL_TEST_INT(udp(fx, 40000).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_live(fx), 401);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
bounded(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct worker *w = &fx->worker[0];
	struct sl_pkt out[SL_BURST];
	unsigned calls = 0;

	for (uint16_t k = 0; k < 1000; k++)
		udp(fx, 10000 + k);
	connected(fx, VIP, 40000);
	later(fx);
	// Nothing to do for a slot without flows.
	fixture_reset(fx, SLOT_FAR);
	RTE_TEST_ASSERT(sl_pipe_patience_ns(w->pipe) == UINT64_MAX, "no flow has the slot");
	fixture_reset(fx, SLOT_VIP);
	for (; sl_pipe_patience_ns(w->pipe) == 0; calls++)
		sl_pipe_housekeeping(w->pipe, fx->fwd, out, SL_BURST, fx->now);
	SL_TEST_INT(calls, 8); // 1001 records, 128 a call
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 1);
	// Ends are bounded as well.
	fixture_reset(fx, SLOT_UDP);
	for (calls = 0; sl_pipe_patience_ns(w->pipe) == 0; calls++) {
		const uint64_t before = fixture_counter(fx, SL_C_FLOWS_RESET);

		sl_pipe_housekeeping(w->pipe, fx->fwd, out, SL_BURST, fx->now);
		RTE_TEST_ASSERT(fixture_counter(fx, SL_C_FLOWS_RESET) - before <= 32,
			"too many in call %u", calls);
	}
	SL_TEST_INT(fixture_live(fx), 1);
	SL_TEST_INT(calls, 32); // 1000 flows, 32 a call
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Places for orders are given back when their sweep is through and their tick is over.
static int
many_orders(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct worker *w = &fx->worker[0];
	unsigned n = 0;

	for (uint32_t slot = 100; slot < N_SLOTS; slot++)
		w->load[slot].active = 1;
	while (fixture_reset(fx, 100 + n))
		n++;
	SL_TEST_INT(n, 256);
	RTE_TEST_ASSERT(!sl_pipe_may_reset(w->pipe), "it is full");
	RTE_TEST_ASSERT(fixture_reset(fx, 100), "a slot that is in order needs no place");
	fixture_housekeeping(fx, NULL, 0);
	RTE_TEST_ASSERT(!sl_pipe_may_reset(w->pipe), "the tick is not over");
	later(fx);
	fixture_housekeeping(fx, NULL, 0);
	RTE_TEST_ASSERT(fixture_reset(fx, 100 + n), "there is room again");
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- the address comes back ----

static int
address_back(void)
{
	for (unsigned same_tick = 0; same_tick < 2; same_tick++) {
		struct fixture *fx = fixture_new(NULL);

		connected(fx, VIP, 40000);
		if (!same_tick)
			later(fx);
		fixture_reset(fx, SLOT_VIP);
		connected(fx, VIP, 40001);
		later(fx);
		connected(fx, VIP, 40002);
		fixture_housekeeping(fx, NULL, 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 1);
		SL_TEST_INT(in_state(fx, SLOT_VIP, SL_FLOW_ESTABLISHED), 2);
		CHECK_BOOKS(fx);
		// And goes again.
		fixture_reset(fx, SLOT_VIP);
		connected(fx, VIP, 40003);
		fixture_housekeeping(fx, NULL, 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 3);
		SL_TEST_INT(in_state(fx, SLOT_VIP, SL_FLOW_ESTABLISHED), 1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// To and fro within one tick: each order means what was opened before it, and nothing after.
static int
to_and_fro(void)
{
	struct fixture *fx = fixture_new(NULL);

	for (uint16_t k = 0; k < 5; k++) {
		connected(fx, VIP, 40000 + k);
		fixture_reset(fx, SLOT_VIP);
		if (k == 2) // the sweep of the first ones is over, their tick is not
			fixture_housekeeping(fx, NULL, 0);
	}
	connected(fx, VIP, 41000);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_RESET), 5);
	SL_TEST_INT(in_state(fx, SLOT_VIP, SL_FLOW_ESTABLISHED), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"every_state", every_state},
		{"silence", silence},
		{"handshake_moves", handshake_moves},
		{"handshake_ends", handshake_ends},
		{"while_held", while_held},
		{"while_parked", while_parked},
		{"one_slot_among_many", one_slot_among_many},
		{"bounded", bounded},
		{"many_orders", many_orders},
		{"address_back", address_back},
		{"to_and_fro", to_and_fro},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
