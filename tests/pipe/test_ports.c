// Source ports over the whole path: each destination has all of them, replies of flows that share
// one are told apart, what was given back rests, handshakes that move find theirs in use.

#include "fixture.h"

#define FAR(n) (IP4(198, 19, 1, 1) + (n)) // where a client goes by itself, by PORT_ORIGINAL

static struct fixture *
box(const struct fixture_opt *opt)
{
	struct fixture *fx = fixture_new(opt);

	fx->adj[ADJ_GATEWAY].state = SL_ADJ_OK;
	fixture_publish(fx);
	return fx;
}

static struct result
go(struct fixture *fx, unsigned worker, uint32_t dst, uint8_t proto, uint16_t sport, uint8_t flags)
{
	const struct packet k = {
		TCP_TO(dst, PORT_ORIGINAL), .proto = proto, .sport = sport, .flags = flags};

	return fixture_send_to(fx, worker, &k, 0);
}

static struct packet
answer_to(const struct packet *out, uint8_t flags)
{
	return (struct packet){.src = out->dst,
		.dst = out->src,
		.sport = out->dport,
		.dport = out->sport,
		.proto = out->proto,
		.flags = flags,
		.seq = 77,
		.ack = out->seq + 1};
}

// The worker of the answer to a packet.
static unsigned
owner(const struct fixture *fx, const struct packet *out)
{
	const struct sl_tuple reply = {.src = htonl(out->dst),
		.dst = htonl(out->src),
		.sport = htons(out->dport),
		.dport = htons(out->sport),
		.proto = out->proto};

	return sl_owner_of(&fx->owner, &reply);
}

static bool
is_refusal(const struct result *r, uint8_t proto)
{
	return r->verdict == SL_V_REPLY && r->reason == SL_DROP_NO_SOURCE_PORT && !r->bad &&
	       r->out.dst == CLIENT &&
	       (proto == P_TCP ? r->out.flags == (T_RST | T_ACK)
			       : r->out.icmp_type == 3 && r->out.flags == 3);
}

// As many flows to each destination as there are ports, from ports that all destinations have;
// each answer comes back to its client, whichever worker it comes in at.
static int
destinations_share(void)
{
	enum { N_DST = 3, FIRST = 2000, N = 32 };
	static const struct fixture_opt opts[] = {
		{.sport_first = FIRST, .sport_last = FIRST + N - 1},
		{.sport_first = FIRST, .sport_last = FIRST + N - 1, .n_workers = 2},
		{.sport_first = FIRST, .sport_last = FIRST + N - 1, .n_pool = 2},
		// An even share of few ports: the hash of 2 entries has N / 2 of each.
		{.sport_first = FIRST, .sport_last = FIRST + N - 1, .n_workers = 2, .n_entries = 2},
	};

	for (unsigned k = 0; k < 2 * SL_ARRAY_LEN(opts); k++) {
		const struct fixture_opt *opt = &opts[k / 2];
		const uint8_t proto = k % 2 ? P_UDP : P_TCP;
		const unsigned n_workers = opt->n_workers ? opt->n_workers : 1;
		const unsigned n = N * (opt->n_pool ? opt->n_pool : 1);
		struct fixture *fx = box(opt);
		static struct packet out[N_DST][2 * N];
		uint8_t seen[N_DST][2][N] = {{{0}}};

		for (unsigned i = 0; i < n; i++)
			for (unsigned d = 0; d < N_DST; d++) {
				const unsigned w = i % n_workers;
				const struct result r =
					go(fx, w, FAR(d), proto, (uint16_t)(10000 + i), T_SYN);

				RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad &&
							r.out.dst == FAR(d) &&
							r.out.src - POOL < 2 &&
							owner(fx, &r.out) == w,
					"flow %u to %u: %s", i, d, sl_drop_name(r.reason));
				RTE_TEST_ASSERT(!seen[d][r.out.src - POOL][r.out.sport - FIRST]++,
					"port %u twice", r.out.sport);
				out[d][i] = r.out;
			}
		for (unsigned d = 0; d < N_DST; d++) {
			const struct result r = go(fx, 0, FAR(d), proto, 9999, T_SYN);

			RTE_TEST_ASSERT(is_refusal(&r, proto), "dry: %u %s", r.verdict,
				sl_drop_name(r.reason));
		}
		SL_TEST_INT(fixture_drops(fx, SL_DROP_NO_SOURCE_PORT), N_DST);
		for (unsigned i = 0; i < n; i++)
			for (unsigned d = 0; d < N_DST; d++) {
				const struct packet in =
					answer_to(&out[d][i], proto == P_TCP ? T_SYN | T_ACK : 0);
				struct result r = fixture_send_to(fx, 0, &in, 1);

				RTE_TEST_ASSERT((r.verdict == SL_V_HANDOFF) == (i % n_workers != 0),
					"answer %u of %u: %u", i, d, r.verdict);
				if (r.verdict == SL_V_HANDOFF)
					r = fixture_send_to(fx, r.owner, &in, 1);
				RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad &&
							r.out.src == FAR(d) &&
							r.out.sport == PORT_ORIGINAL &&
							r.out.dst == CLIENT &&
							r.out.dport == 10000 + i,
					"answer %u of %u: %u to port %u", i, d, r.verdict,
					r.out.dport);
			}
		SL_TEST_INT(fixture_live(fx), n * N_DST);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A port whose connection went in the middle is not lent for the same destination at once.
static int
rests(void)
{
	static const struct {
		const char *name;
		uint8_t answer, then; // flags of the endpoint and the client; 0: none
		double gone, rests;   // when the flow goes, and how long its port rests then
	} rows[] = {
		{"unanswered", 0, 0, TO_HANDSHAKE, TO_CLOSING},
		{"half open", T_SYN | T_ACK, 0, TO_HANDSHAKE, TO_CLOSING},
		{"idle", T_SYN | T_ACK, T_ACK, TO_ESTABLISHED, TO_CLOSING},
		{"reset", T_SYN | T_ACK, T_RST, TO_CLOSING, 0},
		{"refused", T_RST | T_ACK, 0, TO_CLOSING, 0},
	};
	static const struct fixture_opt opt = {.sport_first = 2000, .sport_last = 2000};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct fixture *fx = box(&opt);
		struct result r = go(fx, 0, FAR(0), P_TCP, 1000, T_SYN);

		SL_TEST_INT(r.verdict, SL_V_FORWARD);
		const struct packet in = answer_to(&r.out, rows[i].answer);
		if (rows[i].answer)
			SL_TEST_INT(fixture_send(fx, &in, 1).verdict, SL_V_FORWARD);
		if (rows[i].then)
			go(fx, 0, FAR(0), P_TCP, 1000, rows[i].then);
		fixture_pass(fx, rows[i].gone + 0.5);
		SL_TEST_INT(fixture_live(fx), 0);
		SL_TEST_INT(fixture_ports_used(fx), 0);
		if (rows[i].rests > 0) {
			fixture_pass(fx, rows[i].rests - 1);
			r = go(fx, 0, FAR(0), P_TCP, 1001, T_SYN);
			RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "%s: it rests", rows[i].name);
			r = go(fx, 0, FAR(1), P_TCP, 1001, T_SYN);
			RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD, "%s: elsewhere it does not",
				rows[i].name);
			fixture_pass(fx, 2);
		}
		r = go(fx, 0, FAR(0), P_TCP, 1002, T_SYN);
		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.sport == 2000,
			"%s: it has rested: %s", rows[i].name, sl_drop_name(r.reason));
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// As long as it takes may be for ever.
static int
rests_for_ever(void)
{
	static const struct fixture_opt opt = {
		.sport_first = 2000, .sport_last = 2000, .closing_never_ends = true};
	struct fixture *fx = box(&opt);

	SL_TEST_INT(go(fx, 0, FAR(0), P_TCP, 1000, T_SYN).verdict, SL_V_FORWARD);
	fixture_pass(fx, TO_HANDSHAKE + 1);
	SL_TEST_INT(fixture_live(fx), 0);
	const struct result r = go(fx, 0, FAR(0), P_TCP, 1001, T_SYN);

	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "%u %s", r.verdict, sl_drop_name(r.reason));
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The next connection of a client takes the place of the last, but not its port: of that the
// endpoint may know still.
static int
replaced_rests(void)
{
	static const struct fixture_opt opt = {.sport_first = 2000, .sport_last = 2001};
	struct fixture *fx = box(&opt);
	const uint16_t first = go(fx, 0, FAR(0), P_TCP, 1000, T_SYN).out.sport;

	go(fx, 0, FAR(0), P_TCP, 1000, T_RST);
	fixture_pass(fx, 4);
	struct result r = go(fx, 0, FAR(0), P_TCP, 1000, T_SYN);
	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.sport != first, "the other port");
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_REPLACED), 1);
	fixture_pass(fx, TO_CLOSING - 4 - 1);
	r = go(fx, 0, FAR(0), P_TCP, 1001, T_SYN);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "it rests");
	fixture_pass(fx, 2);
	r = go(fx, 0, FAR(0), P_TCP, 1001, T_SYN);
	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.sport == first, "it has rested");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- a service of two endpoints ----

static struct result
syn(struct fixture *fx, uint16_t sport)
{
	const struct packet k = {SYN_TO(VIP2, 80), .sport = sport};

	return fixture_send(fx, &k, 0);
}

// An endpoint that all ports are in use for is passed over while another one has some.
static int
dry_endpoint_is_passed_over(void)
{
	static const struct fixture_opt opt = {.sport_first = 2000, .sport_last = 2003};
	struct fixture *fx = fixture_new(&opt);
	uint8_t seen[2][4] = {{0}};

	for (unsigned i = 0; i < 8; i++) {
		const struct result r = syn(fx, (uint16_t)(1000 + i));

		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad, "flow %u: %s", i,
			sl_drop_name(r.reason));
		RTE_TEST_ASSERT(!seen[r.out.dst == EP2][r.out.sport - 2000]++, "twice");
	}
	const struct result r = syn(fx, 999);

	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "all are dry: %s", sl_drop_name(r.reason));
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 8);
	SL_TEST_INT(fixture_active(fx), 8);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// All ports of both endpoints are in use, but `gone`, which is not that of `moves`. The endpoint of
// `moves` refuses it.
static int
move(unsigned n_ports, bool has_another)
{
	const struct fixture_opt opt = {.sport_first = 2000,
		.sport_last = (uint16_t)(2000 + n_ports - 1),
		.syns = 16,
		.connect_s = 300};
	struct fixture *fx = fixture_new(&opt);
	struct packet out[8];
	const unsigned n = 2 * n_ports;
	unsigned gone = 1;

	for (unsigned i = 0; i < n; i++) {
		const struct result r = syn(fx, (uint16_t)(40000 + i));

		SL_TEST_INT(r.verdict, SL_V_FORWARD);
		out[i] = r.out;
	}
	while (has_another && (out[gone].dst == out[0].dst || out[gone].sport == out[0].sport))
		gone++;
	if (has_another) {
		const struct packet rst = {
			TCP_TO(VIP2, 80), .sport = (uint16_t)(40000 + gone), .flags = T_RST};

		fixture_send(fx, &rst, 0);
		fixture_pass(fx, TO_CLOSING + 1);
		SL_TEST_INT(fixture_live(fx), n - 1);
	}
	const struct packet refusal = answer_to(&out[0], T_RST | T_ACK);
	const struct result r = fixture_send(fx, &refusal, 1);

	CHECK_BOOKS(fx);
	if (!has_another) {
		// None of the other endpoint is free: the client gets the RST.
		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.dst == CLIENT &&
					r.out.flags == (T_RST | T_ACK),
			"no port: %u", r.verdict);
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_FAILED), 1);
		fixture_free(fx);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(r.verdict == SL_V_RETRY && !r.bad && r.out.flags == T_SYN &&
				r.out.dst == out[gone].dst && r.out.dport == out[gone].dport &&
				r.out.sport == out[gone].sport && r.out.src == out[0].src &&
				r.out.seq == 1000,
		"moved: %u, port %u", r.verdict, r.out.sport);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
	const struct packet answer = answer_to(&r.out, T_SYN | T_ACK);
	const struct result back = fixture_send(fx, &answer, 1);
	RTE_TEST_ASSERT(back.verdict == SL_V_FORWARD && !back.bad && back.out.src == VIP2 &&
				back.out.dst == CLIENT && back.out.dport == 40000,
		"answer: %u", back.verdict);
	// The one that has the port that it left at the other endpoint goes on.
	for (unsigned i = 1; i < n; i++) {
		const struct packet in = answer_to(&out[i], T_SYN | T_ACK);
		const struct result other = fixture_send(fx, &in, 1);

		RTE_TEST_ASSERT(i == gone || (other.verdict == SL_V_FORWARD &&
						     other.out.dport == 40000 + i),
			"flow %u: %u", i, other.verdict);
	}
	fixture_pass(fx, TO_ESTABLISHED);
	fixture_pass(fx, TO_CLOSING);
	SL_TEST_INT(fixture_ports_used(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
moves_to_another_port(void)
{
	for (unsigned n = 2; n <= 4; n++)
		if (move(n, true) != TEST_SUCCESS)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

static int
has_no_port_to_move_to(void)
{
	return move(2, false);
}

// The port that a handshake left rests for that endpoint: it may answer late.
static int
left_port_rests(void)
{
	static const struct fixture_opt opt = {
		.sport_first = 2000, .sport_last = 2000, .syns = 16, .connect_s = 300};
	struct fixture *fx = fixture_new(&opt);
	const struct result first = syn(fx, 40000);
	const struct packet refusal = answer_to(&first.out, T_RST | T_ACK);
	const struct result moved = fixture_send(fx, &refusal, 1);

	RTE_TEST_ASSERT(moved.verdict == SL_V_RETRY && moved.out.dst != first.out.dst &&
				moved.out.sport == first.out.sport,
		"moved with its port: %u", moved.verdict);
	struct result r = syn(fx, 40001);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "one is in use, one rests");
	fixture_pass(fx, TO_CLOSING + 1);
	r = syn(fx, 40001);
	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.dst == first.out.dst, "it has rested");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- the reserve ----

#define N_PORTS 100 // of these, one is kept

// Fills the service's two endpoints. Returns whether it was the last port but the reserve that each
// of them had when a new flow was refused.
static bool
fill_up(struct fixture *fx, struct packet *first)
{
	unsigned n = 0;
	struct result r;

	while ((r = syn(fx, (uint16_t)(40000 + n))).verdict == SL_V_FORWARD) {
		if (n++ == 0)
			*first = r.out;
	}
	return is_refusal(&r, P_TCP) && n == 2 * (N_PORTS - 1);
}

// A handshake moves though new flows are refused; the next one, whose port is in use there too and
// which finds the reserve used, does not.
static int
full_lets_handshakes_move(void)
{
	static const struct fixture_opt opt = {.sport_first = 2000,
		.sport_last = 2000 + N_PORTS - 1,
		.reserve = 1,
		.syns = 256,
		.connect_s = 300};
	struct fixture *fx = fixture_new(&opt);
	struct packet first = {0};

	RTE_TEST_ASSERT(fill_up(fx, &first), "filled");
	const struct packet refusal = answer_to(&first, T_RST | T_ACK);
	const struct result moved = fixture_send(fx, &refusal, 1);

	RTE_TEST_ASSERT(moved.verdict == SL_V_RETRY && !moved.bad && moved.out.flags == T_SYN &&
				moved.out.dst != first.dst,
		"moved: %u", moved.verdict);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
	const struct packet answer = answer_to(&moved.out, T_SYN | T_ACK);
	const struct result back = fixture_send(fx, &answer, 1);

	RTE_TEST_ASSERT(back.verdict == SL_V_FORWARD && back.out.dport == 40000, "answered");
	struct result r = syn(fx, 50000);

	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "new flows have none of it");
	// All others of the same endpoint: there is nothing left to move to.
	for (unsigned i = 1; i < 2 * (N_PORTS - 1); i++) {
		const struct packet k = {SYN_TO(VIP2, 80), .sport = (uint16_t)(40000 + i)};

		r = fixture_send(fx, &k, 0);
		if (r.out.dst == first.dst)
			break;
	}
	const struct packet second = answer_to(&r.out, T_RST | T_ACK);

	r = fixture_send(fx, &second, 1);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_FORWARD && r.out.dst == CLIENT && r.out.flags == (T_RST | T_ACK),
		"used up: %u", r.verdict);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A client whose connection is over, and whose port rests, opens it again at a full destination. A
// client that comes anew does not get in, whatever rests.
static int
full_lets_clients_reopen(void)
{
	static const struct fixture_opt opt = {
		.sport_first = 2000, .sport_last = 2000 + N_PORTS - 1, .reserve = 1};
	struct fixture *fx = box(&opt);
	struct result r;

	for (unsigned i = 0; i < N_PORTS - 1; i++)
		SL_TEST_INT(go(fx, 0, FAR(0), P_TCP, (uint16_t)(1000 + i), T_SYN).verdict,
			SL_V_FORWARD);
	r = go(fx, 0, FAR(0), P_TCP, 2000, T_SYN);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "full");
	go(fx, 0, FAR(0), P_TCP, 1000, T_RST);
	go(fx, 0, FAR(0), P_TCP, 1001, T_RST);
	r = go(fx, 0, FAR(0), P_TCP, 2000, T_SYN);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "still full: they rest");
	r = go(fx, 0, FAR(0), P_TCP, 1000, T_SYN);
	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad, "again: %s", sl_drop_name(r.reason));
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_REPLACED), 1);
	r = go(fx, 0, FAR(0), P_TCP, 2000, T_SYN);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "not for a new one");
	r = go(fx, 0, FAR(0), P_TCP, 1001, T_SYN);
	RTE_TEST_ASSERT(is_refusal(&r, P_TCP), "the reserve is used");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"destinations_share", destinations_share},
		{"rests", rests},
		{"rests_for_ever", rests_for_ever},
		{"replaced_rests", replaced_rests},
		{"dry_endpoint_is_passed_over", dry_endpoint_is_passed_over},
		{"moves_to_another_port", moves_to_another_port},
		{"has_no_port_to_move_to", has_no_port_to_move_to},
		{"left_port_rests", left_port_rests},
		{"full_lets_handshakes_move", full_lets_handshakes_move},
		{"full_lets_clients_reopen", full_lets_clients_reopen},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
