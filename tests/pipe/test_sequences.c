// Conversations: several packets of one flow, in both directions, over time.

#include "fixture.h"

#define CLIENT_PORT 40000

// A connection through the box, as far as it has got.
struct conn {
	struct fixture *fx;
	uint32_t client;
	uint16_t client_port;
	uint16_t pool_port; // of the last packet that the endpoint got
};

static struct conn
conn_new(struct fixture *fx)
{
	return (struct conn){.fx = fx, .client = CLIENT, .client_port = CLIENT_PORT};
}

// From the client: the verdict, and whether what came out is right.
static struct result
from_client(struct conn *c, uint8_t flags)
{
	const struct packet k = {TCP_TO(VIP, 80), .src = c->client, .sport = c->client_port,
		.flags = flags, .payload_len = flags & T_PSH ? 20 : 0, .ack = 9};
	const struct result r = fixture_send(c->fx, &k, 0);

	if (r.verdict == SL_V_FORWARD)
		c->pool_port = r.out.sport;
	return r;
}

static struct packet
endpoint_packet(const struct conn *c, uint8_t flags)
{
	return (struct packet){.src = EP1,
		.dst = POOL,
		.sport = 8080,
		.dport = c->pool_port,
		.proto = P_TCP,
		.flags = flags,
		.seq = 500,
		.ack = 1001,
		.payload_len = flags & T_PSH ? 30 : 0};
}

static struct result
from_endpoint(const struct conn *c, uint8_t flags)
{
	const struct packet k = endpoint_packet(c, flags);

	return fixture_send(c->fx, &k, 1);
}

static bool
to_endpoint(const struct result *r)
{
	return r->verdict == SL_V_FORWARD && !r->bad && r->out_port == 1 && r->out.src == POOL &&
	       r->out.dst == EP1 && r->out.dport == 8080 && r->out.ttl == 63;
}

static bool
to_client(const struct conn *c, const struct result *r)
{
	return r->verdict == SL_V_FORWARD && !r->bad && r->out_port == 0 && r->out.src == VIP &&
	       r->out.sport == 80 && r->out.dst == c->client && r->out.dport == c->client_port &&
	       r->out.ttl == 63;
}

// The state of the only flow.
static enum sl_flow_state
state_of(const struct fixture *fx)
{
	struct sl_flow_view view[2];
	uint32_t cursor = 0;
	const unsigned n = sl_flow_walk(fx->worker[0].flows, &cursor, view, 2, UINT32_MAX);

	return n == 1 ? (enum sl_flow_state)view[0].state : SL_FLOW_STATE_MAX;
}

// A step of a conversation: who sends what, what the flow is then and whether it counts as open.
struct step {
	char who; // 'c'lient, 'e'ndpoint
	uint8_t flags;
	enum sl_flow_state state;
	bool active;
};

static int
play(struct conn *c, const char *name, const struct step *step, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const bool client = step[i].who == 'c';
		const struct result r =
			client ? from_client(c, step[i].flags) : from_endpoint(c, step[i].flags);

		RTE_TEST_ASSERT(client ? to_endpoint(&r) : to_client(c, &r),
			"%s step %zu: verdict %u (%s) %s", name, i, r.verdict,
			sl_drop_name(r.reason), r.bad ? r.bad : "");
		RTE_TEST_ASSERT(state_of(c->fx) == step[i].state, "%s step %zu: state %s", name, i,
			sl_flow_state_name(state_of(c->fx)));
		RTE_TEST_ASSERT(fixture_active(c->fx) == step[i].active, "%s step %zu: active %u",
			name, i, fixture_active(c->fx));
		CHECK_BOOKS(c->fx);
	}
	return TEST_SUCCESS;
}

#define HANDSHAKE                                                                                  \
	{'c', T_SYN, SL_FLOW_SYN_SENT, true}, {'e', T_SYN | T_ACK, SL_FLOW_SYN_RECV, true},        \
	{                                                                                          \
		'c', T_ACK, SL_FLOW_ESTABLISHED, true                                              \
	}

static const struct step close_by_client[] = {
	HANDSHAKE,
	{'c', T_PSH | T_ACK, SL_FLOW_ESTABLISHED, true},
	{'e', T_PSH | T_ACK, SL_FLOW_ESTABLISHED, true},
	{'c', T_FIN | T_ACK, SL_FLOW_FIN_CLIENT, true},
	{'e', T_ACK, SL_FLOW_FIN_CLIENT, true},
	{'e', T_PSH | T_ACK, SL_FLOW_FIN_CLIENT, true},
	{'e', T_FIN | T_ACK, SL_FLOW_CLOSING, false},
	{'c', T_ACK, SL_FLOW_CLOSING, false},
};
static const struct step close_by_endpoint[] = {
	HANDSHAKE,
	{'e', T_FIN | T_ACK, SL_FLOW_FIN_ENDPOINT, true},
	{'c', T_PSH | T_ACK, SL_FLOW_FIN_ENDPOINT, true},
	{'c', T_FIN | T_ACK, SL_FLOW_CLOSING, false},
	{'e', T_ACK, SL_FLOW_CLOSING, false},
};
static const struct step close_retransmitted[] = {
	HANDSHAKE,
	{'c', T_FIN | T_ACK, SL_FLOW_FIN_CLIENT, true},
	{'c', T_FIN | T_ACK, SL_FLOW_FIN_CLIENT, true},
	{'e', T_FIN | T_ACK, SL_FLOW_CLOSING, false},
	{'e', T_FIN | T_ACK, SL_FLOW_CLOSING, false},
	{'c', T_FIN | T_ACK, SL_FLOW_CLOSING, false},
};
static const struct step reset_by_client[] = {
	HANDSHAKE,
	{'c', T_RST | T_ACK, SL_FLOW_RESET, false},
};
static const struct step reset_by_endpoint[] = {
	HANDSHAKE,
	{'e', T_RST, SL_FLOW_RESET, false},
};
static const struct step refused[] = {
	{'c', T_SYN, SL_FLOW_SYN_SENT, true},
	{'e', T_RST | T_ACK, SL_FLOW_RESET, false},
};
static const struct step syn_retransmitted[] = {
	{'c', T_SYN, SL_FLOW_SYN_SENT, true},
	{'c', T_SYN, SL_FLOW_SYN_SENT, true},
	{'e', T_SYN | T_ACK, SL_FLOW_SYN_RECV, true},
	{'c', T_SYN, SL_FLOW_SYN_RECV, true},
	{'e', T_SYN | T_ACK, SL_FLOW_SYN_RECV, true},
	{'c', T_ACK, SL_FLOW_ESTABLISHED, true},
};

#define STEPS(s) #s, s, SL_ARRAY_LEN(s)

static const struct conversation {
	const char *name;
	const struct step *step;
	size_t n;
} conversations[] = {
	{STEPS(close_by_client)},
	{STEPS(close_by_endpoint)},
	{STEPS(close_retransmitted)},
	{STEPS(reset_by_client)},
	{STEPS(reset_by_endpoint)},
	{STEPS(refused)},
	{STEPS(syn_retransmitted)},
};

// Each conversation on one flow and one port, which are both back a while after its end.
static int
life_cycles(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(conversations); i++) {
		const struct conversation *v = &conversations[i];
		struct fixture *fx = fixture_new(NULL);
		struct conn c = conn_new(fx);

		if (play(&c, v->name, v->step, v->n) != TEST_SUCCESS)
			return TEST_FAILED;
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 1);
		SL_TEST_INT(fixture_ports_used(fx), 1);
		fixture_pass(fx, TO_ESTABLISHED + 5);
		SL_TEST_INT(fixture_live(fx), 0);
		SL_TEST_INT(fixture_ports_used(fx), 0);
		SL_TEST_INT(fixture_active(fx), 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_EXPIRED), 1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// How long a flow lives that nothing more comes for, by the state that it was left in.
static int
timeouts(void)
{
	static const struct {
		const struct conversation v;
		size_t steps;
		unsigned seconds;
	} table[] = {
		{{STEPS(close_by_client)}, 1, TO_HANDSHAKE},
		{{STEPS(close_by_client)}, 2, TO_HANDSHAKE},
		{{STEPS(close_by_client)}, 3, TO_ESTABLISHED},
		{{STEPS(close_by_client)}, 6, TO_FIN},
		{{STEPS(close_by_endpoint)}, 4, TO_FIN},
		{{STEPS(close_by_client)}, 9, TO_CLOSING},
		{{STEPS(reset_by_client)}, 4, TO_CLOSING},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++) {
		struct fixture *fx = fixture_new(NULL);
		struct conn c = conn_new(fx);

		if (play(&c, table[i].v.name, table[i].v.step, table[i].steps) != TEST_SUCCESS)
			return TEST_FAILED;
		fixture_pass(fx, table[i].seconds - 1);
		RTE_TEST_ASSERT(fixture_live(fx) == 1, "row %zu: gone too early", i);
		fixture_pass(fx, 2);
		RTE_TEST_ASSERT(fixture_live(fx) == 0, "row %zu: still there", i);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

static int
traffic_keeps_a_flow(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet ask = {UDP_TO(VIP, 53), .payload_len = 8};
	const struct result first = fixture_send(fx, &ask, 0);

	for (int i = 0; i < 10; i++) {
		fixture_pass(fx, TO_UDP - 1);
		const struct result r = fixture_send(fx, &ask, 0);

		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.sport == first.out.sport,
			"round %d: another flow", i);
	}
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 1);
	fixture_pass(fx, TO_UDP + 1);
	SL_TEST_INT(fixture_live(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
udp_both_ways(void)
{
	for (int zero = 0; zero < 2; zero++) {
		struct fixture *fx = fixture_new(NULL);
		const struct packet ask = {UDP_TO(VIP, 53), .payload_len = 8, .no_udp_csum = zero};
		const struct result there = fixture_send(fx, &ask, 0);
		const struct packet answer = {.src = EP_UDP,
			.dst = POOL,
			.sport = 5353,
			.dport = there.out.sport,
			.proto = P_UDP,
			.payload_len = 100,
			.no_udp_csum = zero};
		const struct result back = fixture_send(fx, &answer, 1);

		RTE_TEST_ASSERT(there.verdict == SL_V_FORWARD && !there.bad, "there");
		SL_TEST_INT(there.out.no_udp_csum, zero);
		RTE_TEST_ASSERT(
			back.verdict == SL_V_FORWARD && !back.bad && back.out_port == 0, "back");
		SL_TEST_INT(back.out.no_udp_csum, zero);
		RTE_TEST_ASSERT(back.out.src == VIP && back.out.sport == 53 &&
					back.out.dst == CLIENT && back.out.dport == 40000 &&
					back.out.payload_len == 100,
			"translation");
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A client that opens the same connection again after its end gets a new flow at once.
static int
reuse(void)
{
	static const struct conversation over[] = {
		{STEPS(close_by_client)}, {STEPS(reset_by_endpoint)}, {STEPS(refused)}};

	for (size_t i = 0; i < SL_ARRAY_LEN(over); i++) {
		struct fixture *fx = fixture_new(NULL);
		struct conn c = conn_new(fx);

		if (play(&c, over[i].name, over[i].step, over[i].n) != TEST_SUCCESS)
			return TEST_FAILED;
		const struct conn old = c;
		if (play(&c, "again", close_by_client, 5) != TEST_SUCCESS)
			return TEST_FAILED;
		RTE_TEST_ASSERT(old.pool_port != c.pool_port, "the port did not rest");
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 2);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_REPLACED), 1);
		SL_TEST_INT(fixture_live(fx), 1);
		// What still comes to the old port belongs to nobody.
		const struct result late = from_endpoint(&old, T_ACK);
		RTE_TEST_ASSERT(late.verdict == SL_V_REPLY && late.reason == SL_DROP_NO_FLOW,
			"late segment: %u", late.verdict);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A SYN in the middle of a connection is the endpoint's to judge (RFC 5961), and a SYN from the
// endpoint's side replaces nothing.
static int
no_reuse(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);

	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	const uint16_t port = c.pool_port;
	struct result r = from_client(&c, T_SYN);
	RTE_TEST_ASSERT(to_endpoint(&r) && r.out.sport == port, "syn in established");
	from_client(&c, T_RST);
	SL_TEST_INT(state_of(fx), SL_FLOW_RESET);
	r = from_endpoint(&c, T_SYN);
	RTE_TEST_ASSERT(to_client(&c, &r), "syn of the endpoint");
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Several packets of one connection in one burst.
static int
one_burst(void)
{
	static const struct {
		const char *name;
		uint8_t flags[6];
		unsigned n, created, replaced;
		enum sl_flow_state state;
		enum sl_verdict last;
	} table[] = {
		{"syn three times", {T_SYN, T_SYN, T_SYN}, 3, 1, 0, SL_FLOW_SYN_SENT, SL_V_FORWARD},
		{"ack before syn", {T_ACK, T_SYN}, 2, 1, 0, SL_FLOW_SYN_SENT, SL_V_FORWARD},
		{"syn, rst", {T_SYN, T_RST}, 2, 1, 0, SL_FLOW_RESET, SL_V_FORWARD},
		{"syn, rst, syn", {T_SYN, T_RST, T_SYN}, 3, 2, 1, SL_FLOW_SYN_SENT, SL_V_FORWARD},
		{"syn, rst, syn, syn", {T_SYN, T_RST, T_SYN, T_SYN}, 4, 2, 1, SL_FLOW_SYN_SENT,
			SL_V_FORWARD},
		{"syn, rst, syn, rst, syn", {T_SYN, T_RST, T_SYN, T_RST, T_SYN}, 5, 2, 1,
			SL_FLOW_SYN_SENT, SL_V_FORWARD},
		{"rst only", {T_RST}, 1, 0, 0, SL_FLOW_STATE_MAX, SL_V_DROP},
	};
	static struct frame f[SL_BURST];
	static struct result r[SL_BURST];

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++) {
		struct fixture *fx = fixture_new(NULL);

		for (unsigned k = 0; k < table[i].n; k++) {
			const struct packet p = {TCP_TO(VIP, 80), .flags = table[i].flags[k]};

			fixture_frame(fx, &f[k], &p, 0);
		}
		fixture_burst(fx, 0, f, table[i].n, false, r);
		RTE_TEST_ASSERT(r[table[i].n - 1].verdict == table[i].last, "%s: last verdict %u",
			table[i].name, r[table[i].n - 1].verdict);
		RTE_TEST_ASSERT(
			fixture_counter(fx, SL_C_FLOWS_CREATED) == table[i].created &&
				fixture_counter(fx, SL_C_FLOWS_REPLACED) == table[i].replaced,
			"%s: flows", table[i].name);
		RTE_TEST_ASSERT(state_of(fx) == table[i].state, "%s: state %s", table[i].name,
			sl_flow_state_name(state_of(fx)));
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A burst that holds the end of a known connection and its next beginning.
static int
end_and_begin(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);
	static struct frame f[4];
	static struct result r[4];

	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	const struct packet rst = {TCP_TO(VIP, 80), .flags = T_RST}, syn = {SYN_TO(VIP, 80)};
	const struct packet late = endpoint_packet(&c, T_ACK);
	fixture_frame(fx, &f[0], &rst, 0);
	fixture_frame(fx, &f[1], &syn, 0);
	fixture_frame(fx, &f[2], &late, 1);
	fixture_frame(fx, &f[3], &syn, 0);
	fixture_burst(fx, 0, f, 4, false, r);
	for (int i = 0; i < 4; i++)
		RTE_TEST_ASSERT(r[i].verdict == SL_V_FORWARD && !r[i].bad, "packet %d: %u", i,
			r[i].verdict);
	RTE_TEST_ASSERT(r[0].out.sport == c.pool_port && r[1].out.sport != c.pool_port &&
				r[3].out.sport == r[1].out.sport,
		"ports %u %u %u", r[0].out.sport, r[1].out.sport, r[3].out.sport);
	SL_TEST_INT(fixture_live(fx), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The packets of one direction must not be taken for those of a neighbour.
static int
strangers(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);

	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	struct packet k[] = {endpoint_packet(&c, T_ACK), endpoint_packet(&c, T_ACK),
		endpoint_packet(&c, T_ACK), endpoint_packet(&c, T_ACK)};

	k[0].src = EP2;
	k[1].sport++;
	k[2].dport++;
	k[3].proto = P_UDP;
	for (size_t i = 0; i < SL_ARRAY_LEN(k); i++) {
		const struct result r = fixture_send(fx, &k[i], 1);

		RTE_TEST_ASSERT(r.verdict == SL_V_REPLY &&
					r.reason == (i < 3 ? SL_DROP_NO_FLOW : SL_DROP_DENIED),
			"stranger %zu: %u %s", i, r.verdict, sl_drop_name(r.reason));
	}
	SL_TEST_INT(state_of(fx), SL_FLOW_ESTABLISHED);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
ttl_of_a_flow(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);

	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	// Where it ends here, it changes nothing: the RST has not reached the client.
	struct packet rst = endpoint_packet(&c, T_RST), ack = {TCP_TO(VIP, 80), .flags = T_ACK};
	rst.ttl = 1;
	struct result r = fixture_send(fx, &rst, 1);
	RTE_TEST_ASSERT(r.verdict == SL_V_DROP && r.reason == SL_DROP_TTL, "rst: %u", r.verdict);
	SL_TEST_INT(state_of(fx), SL_FLOW_ESTABLISHED);
	ack.ttl = 1;
	r = fixture_send(fx, &ack, 0);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_TTL && !r.bad &&
				r.out.icmp_type == 11 && r.out.dst == CLIENT,
		"ack of the client: %u", r.verdict);
	ack = endpoint_packet(&c, T_ACK);
	ack.ttl = 1;
	r = fixture_send(fx, &ack, 1);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.out.icmp_type == 11 && r.out.dst == EP1 &&
				r.out.src == POOL && r.out_port == 1,
		"ack of the endpoint: %u", r.verdict);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_TTL), 3);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Next hops move under an established flow: another MAC, other indexes, gone, back.
static int
hops_change(void)
{
	static const uint8_t late[6] = {MAC_LATE};
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);
	struct result r;

	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	memcpy(fx->adj[ADJ_EP1].dst.b, late, 6);
	fixture_publish(fx);
	r = from_client(&c, T_ACK);
	RTE_TEST_ASSERT(to_endpoint(&r) && memcmp(r.out.eth_dst, late, 6) == 0, "another MAC");

	const struct sl_fwd_adj ep1 = fx->adj[ADJ_EP1];
	fx->adj[ADJ_EP1] = fx->adj[ADJ_CLIENT];
	fx->adj[ADJ_CLIENT] = ep1;
	fx->route_gen++;
	fixture_publish(fx);
	r = from_client(&c, T_ACK);
	RTE_TEST_ASSERT(to_endpoint(&r) && memcmp(r.out.eth_dst, late, 6) == 0, "other indexes");
	r = from_endpoint(&c, T_ACK);
	RTE_TEST_ASSERT(to_client(&c, &r), "other indexes, the other way");

	fx->adj[ADJ_CLIENT].state = SL_ADJ_FAILED;
	fixture_publish(fx);
	r = from_client(&c, T_PSH | T_ACK);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_NO_NEIGHBOUR &&
				r.out.icmp_type == 3 && r.out.flags == 1,
		"failed: %u", r.verdict);
	fx->adj[ADJ_CLIENT].state = SL_ADJ_PORT_DOWN;
	fixture_publish(fx);
	r = from_client(&c, T_PSH | T_ACK);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_PORT_DOWN, "port down: %u",
		r.verdict);
	fx->adj[ADJ_CLIENT].state = SL_ADJ_UNRESOLVED;
	fixture_publish(fx);
	r = from_client(&c, T_PSH | T_ACK);
	RTE_TEST_ASSERT(r.verdict == SL_V_HOLD, "unresolved: %u", r.verdict);
	fx->adj[ADJ_CLIENT].state = SL_ADJ_OK;
	fixture_publish(fx);
	RTE_TEST_ASSERT(fixture_housekeeping(fx, &r, 1) == 1 && to_endpoint(&r), "back");
	r = from_client(&c, T_ACK);
	RTE_TEST_ASSERT(to_endpoint(&r), "after that");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The way back to a client is lost: its endpoint is told nothing, the flow stays.
static int
route_lost(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);

	c.client = IP4(203, 0, 113, 77);
	fx->default_route = true;
	fx->adj[ADJ_GATEWAY].state = SL_ADJ_OK;
	fixture_publish(fx);
	struct result r = from_client(&c, T_SYN);
	RTE_TEST_ASSERT(to_endpoint(&r), "syn");
	r = from_endpoint(&c, T_SYN | T_ACK);
	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out_port == 1 && r.out.dst == c.client,
		"by the default route");
	fx->default_route = false;
	fx->route_gen++;
	fixture_publish(fx);
	r = from_endpoint(&c, T_PSH | T_ACK);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_DROP && r.reason == SL_DROP_NO_ROUTE, "data: %u", r.verdict);
	r = from_endpoint(&c, T_RST);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_DROP && r.reason == SL_DROP_NO_ROUTE, "no route: %u", r.verdict);
	SL_TEST_INT(state_of(fx), SL_FLOW_SYN_RECV);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Established flows keep their endpoint when the service goes; new ones are denied.
static int
service_removed(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx), next = conn_new(fx);

	next.client_port++;
	if (play(&c, "established", close_by_client, 3) != TEST_SUCCESS)
		return TEST_FAILED;
	fx->no_services = true;
	fixture_publish(fx);
	if (play(&c, "after", close_by_client + 3, SL_ARRAY_LEN(close_by_client) - 3) !=
		TEST_SUCCESS)
		return TEST_FAILED;
	const struct result r = from_client(&next, T_SYN);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_REPLY && r.reason == SL_DROP_DENIED, "new: %u", r.verdict);
	// The old connection is over: opening it again finds no service either.
	const struct result again = from_client(&c, T_SYN);
	SL_TEST_INT(again.reason, SL_DROP_DENIED);
	SL_TEST_INT(fixture_live(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
accounting(void)
{
	struct fixture *fx = fixture_new(NULL);
	struct conn c = conn_new(fx);
	struct sl_flow_view view;
	uint32_t cursor = 0;

	if (play(&c, "conversation", close_by_client, SL_ARRAY_LEN(close_by_client)) !=
		TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(sl_flow_walk(fx->worker[0].flows, &cursor, &view, 1, UINT32_MAX), 1);
	// IPv4 lengths: 5 and 5 segments of 40 bytes, and 20 and 2 * 30 bytes of payload.
	SL_TEST_INT(view.pkts[SL_DIR_CLIENT], 5);
	SL_TEST_INT(view.bytes[SL_DIR_CLIENT], 5 * 40 + 20);
	SL_TEST_INT(view.pkts[SL_DIR_ENDPOINT], 5);
	SL_TEST_INT(view.bytes[SL_DIR_ENDPOINT], 5 * 40 + 2 * 30);
	SL_TEST_INT(view.ep_slot, 0);
	SL_TEST_INT(fx->worker[0].load[0].total, 1);
	RTE_TEST_ASSERT(
		ntohl(view.tuple[0].dst) == VIP && ntohl(view.tuple[1].src) == EP1, "tuples");
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Two endpoints of equal weight share the flows: with least request among two draws the difference
// stays small whatever the seed, while it would wander off with a draw alone.
static int
balance(void)
{
	struct fixture *fx = fixture_new(NULL);

	for (unsigned i = 0; i < 1000; i++) {
		const struct packet k = {SYN_TO(VIP2, 80), .sport = (uint16_t)(10000 + i)};
		const struct result r = fixture_send(fx, &k, 0);
		const struct sl_fwd_load *load = fx->worker[0].load;
		const bool first = r.out.dst == EP1 && r.out.dport == 8081;

		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad &&
					(first || (r.out.dst == EP2 && r.out.dport == 8082)),
			"flow %u", i);
		RTE_TEST_ASSERT(abs((int)load[1].active - (int)load[2].active) <= 32,
			"flow %u: %u and %u", i, load[1].active, load[2].active);
	}
	SL_TEST_INT(fixture_active(fx), 1000);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"life_cycles", life_cycles},
		{"timeouts", timeouts},
		{"traffic_keeps_a_flow", traffic_keeps_a_flow},
		{"udp_both_ways", udp_both_ways},
		{"reuse", reuse},
		{"no_reuse", no_reuse},
		{"one_burst", one_burst},
		{"end_and_begin", end_and_begin},
		{"strangers", strangers},
		{"ttl_of_a_flow", ttl_of_a_flow},
		{"hops_change", hops_change},
		{"route_lost", route_lost},
		{"service_removed", service_removed},
		{"accounting", accounting},
		{"balance", balance},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
