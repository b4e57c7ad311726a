// Handshakes that their endpoint does not take: they go on with another one, and the client sees
// nothing of it, unless none is left. VIP2:80 has two endpoints, VIP:80 has one.

#include "fixture.h"

#define CONNECT_S 2

static struct fixture *
box(void)
{
	static const struct fixture_opt opt = {.syns = 64, .connect_s = CONNECT_S};

	return fixture_new(&opt);
}

static struct result
syn(struct fixture *fx, uint32_t vip, uint32_t seq)
{
	const struct packet k = {SYN_TO(vip, 80), .seq = seq};

	return fixture_send(fx, &k, 0);
}

// What the endpoint that got `to` answers.
static struct result
answer(struct fixture *fx, const struct packet *to, uint8_t flags, uint32_t ack)
{
	const struct packet k = {.src = to->dst,
		.dst = to->src,
		.sport = to->dport,
		.dport = to->sport,
		.proto = P_TCP,
		.flags = flags,
		.seq = 77,
		.ack = ack};

	return fixture_send(fx, &k, 1);
}

// ICMP to the pool address that quotes the frame of r, or what `seq` makes of it.
static void
icmp_frame(const struct fixture *fx, struct frame *f, const struct result *r, uint8_t code,
	uint32_t seq)
{
	const struct packet k = {.src = GATEWAY,
		.dst = r->out.src,
		.proto = P_ICMP,
		.icmp_type = 3,
		.payload_len = 28};
	uint8_t *l4 = f->bytes + 34;

	fixture_frame(fx, f, &k, 1);
	memcpy(l4 + 8, r->frame + 14, 28);
	put32(l4 + 8 + 24, seq);
	l4[1] = code;
	put16(l4 + 2, 0);
	put16(l4 + 2, ~ones_sum(l4, 36, 0));
}

static struct result
icmp(struct fixture *fx, const struct result *r, uint8_t code, uint32_t seq)
{
	static struct frame f;
	static struct result out;

	icmp_frame(fx, &f, r, code, seq);
	fixture_burst(fx, 0, &f, 1, false, &out);
	return out;
}

static bool
is_syn_to_other(const struct result *r, const struct packet *was)
{
	return r->verdict == SL_V_RETRY && !r->bad && r->out_port == 1 && r->out.flags == T_SYN &&
	       r->out.src == was->src && r->out.sport == was->sport && r->out.dst != was->dst &&
	       (r->out.dst == EP1 || r->out.dst == EP2) && r->out.seq == was->seq &&
	       r->out.dport == (r->out.dst == EP1 ? 8081 : 8082) && r->out.ttl == 63;
}

static bool
is_rst_to_client(const struct result *r, uint32_t vip)
{
	return r->verdict == SL_V_REPLY && !r->bad && r->out_port == 0 && r->out.src == vip &&
	       r->out.sport == 80 && r->out.dst == CLIENT && r->out.dport == 40000 &&
	       r->out.flags == (T_RST | T_ACK) && r->out.ack == 1001;
}

static unsigned
after(struct fixture *fx, double seconds, struct result *r)
{
	fx->now += (uint64_t)(seconds * 1e9);
	return fixture_housekeeping(fx, r, 1);
}

// The endpoint that has the handshake takes it; the client gets the VIP's answer.
static int
completes(struct fixture *fx, const struct packet *to)
{
	const struct result r = answer(fx, to, T_SYN | T_ACK, 1001);
	const struct packet ack = {TCP_TO(VIP2, 80), .flags = T_ACK, .seq = 1001, .ack = 78};
	const struct result a = fixture_send(fx, &ack, 0);

	RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad && r.out.src == VIP2 &&
				r.out.dst == CLIENT && r.out.ack == 1001,
		"SYN+ACK: verdict %u %s", r.verdict, r.bad ? r.bad : "");
	RTE_TEST_ASSERT(a.verdict == SL_V_FORWARD && !a.bad && a.out.dst == to->dst, "ACK");
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_FAILED), 0);
	SL_TEST_INT(fixture_active(fx), 1);
	// Each of them had a flow once.
	SL_TEST_INT(fx->worker[0].load[1].total, 1);
	SL_TEST_INT(fx->worker[0].load[2].total, 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
refused_by_rst(void)
{
	struct fixture *fx = box();
	const struct result first = syn(fx, VIP2, 1000);
	const struct result r = answer(fx, &first.out, T_RST | T_ACK, 1001);

	RTE_TEST_ASSERT(is_syn_to_other(&r, &first.out), "verdict %u %s", r.verdict, r.bad);
	SL_TEST_INT(r.reason, SL_DROP_REFUSED);
	CHECK_BOOKS(fx);
	const struct result late = answer(fx, &first.out, T_SYN | T_ACK, 1001);

	RTE_TEST_ASSERT(late.verdict == SL_V_REPLY && late.out.flags == T_RST, "late SYN+ACK");
	const struct result again = syn(fx, VIP2, 1000);

	RTE_TEST_ASSERT(again.verdict == SL_V_FORWARD && again.out.dst == r.out.dst,
		"the client's SYN goes to the new endpoint");
	return completes(fx, &r.out);
}

static int
refused_by_icmp(void)
{
	static const uint8_t codes[] = {0, 1, 2, 3, 9, 10, 13};

	for (unsigned i = 0; i < SL_ARRAY_LEN(codes); i++) {
		struct fixture *fx = box();
		const struct result first = syn(fx, VIP2, 1000);

		SL_TEST_INT(icmp(fx, &first, 4, 1000).verdict, SL_V_PUNT);
		SL_TEST_INT(icmp(fx, &first, codes[i], 1001).verdict, SL_V_PUNT);
		const struct result r = icmp(fx, &first, codes[i], 1000);

		RTE_TEST_ASSERT(is_syn_to_other(&r, &first.out), "code %u: verdict %u", codes[i],
			r.verdict);
		if (completes(fx, &r.out) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

static int
not_answered_in_time(void)
{
	struct fixture *fx = box();
	const struct result first = syn(fx, VIP2, 1000);
	struct result r;

	SL_TEST_INT(after(fx, CONNECT_S - 0.5, &r), 0);
	fx->no_frames = true;
	SL_TEST_INT(after(fx, 1, &r), 0);
	RTE_TEST_ASSERT(fixture_counter(fx, SL_C_NO_BUFFER) > 0, "no frame was asked for");
	fx->no_frames = false;
	SL_TEST_INT(after(fx, 0.1, &r), 1);
	RTE_TEST_ASSERT(is_syn_to_other(&r, &first.out), "verdict %u %s", r.verdict, r.bad);
	SL_TEST_INT(r.reason, SL_DROP_NONE);
	return completes(fx, &r.out);
}

// A RST that does not acknowledge our SYN moves nothing.
static int
forged(void)
{
	struct fixture *fx = box();
	const struct result first = syn(fx, VIP2, 1000);
	const struct result r = answer(fx, &first.out, T_RST | T_ACK, 999);

	SL_TEST_INT(r.verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
none_is_left(void)
{
	struct fixture *fx = box();
	struct result r, first = syn(fx, VIP2, 1000);

	SL_TEST_INT(after(fx, CONNECT_S + 1, &r), 1);
	RTE_TEST_ASSERT(is_syn_to_other(&r, &first.out), "verdict %u", r.verdict);
	first = icmp(fx, &r, 1, 1000);
	RTE_TEST_ASSERT(is_rst_to_client(&first, VIP2), "verdict %u %s", first.verdict, first.bad);
	SL_TEST_INT(fixture_active(fx), 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_FAILED), 1);
	CHECK_BOOKS(fx);
	after(fx, TO_CLOSING + 1, NULL);
	SL_TEST_INT(fixture_live(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
single_endpoint(void)
{
	struct fixture *fx = box();
	struct result r;

	syn(fx, VIP, 1000);
	SL_TEST_INT(after(fx, CONNECT_S + 1, &r), 1);
	RTE_TEST_ASSERT(is_rst_to_client(&r, VIP), "verdict %u %s", r.verdict, r.bad);
	SL_TEST_INT(fixture_live(fx), 0);
	SL_TEST_INT(fixture_ports_used(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Half of the draws meet the endpoint whose neighbour failed.
static int
skipped_at_open(void)
{
	for (uint16_t i = 0; i < 20; i++) {
		struct fixture *fx = box();
		const struct packet k = {SYN_TO(VIP2, 80), .sport = (uint16_t)(40000 + i)};

		fx->adj[i & 1 ? ADJ_EP1 : ADJ_EP2].state = SL_ADJ_FAILED;
		fixture_publish(fx);
		const struct result r = fixture_send(fx, &k, 0);

		SL_TEST_INT(r.verdict, SL_V_FORWARD);
		SL_TEST_INT(r.out.dst, i & 1 ? EP2 : EP1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Both are not resolved, and the SYN is held; then the neighbour that it waits for fails.
static int
neighbour_fails(void)
{
	struct fixture *fx = box();
	struct result r;

	fx->adj[ADJ_EP1].state = fx->adj[ADJ_EP2].state = SL_ADJ_UNRESOLVED;
	fixture_publish(fx);
	SL_TEST_INT(syn(fx, VIP2, 1000).verdict, SL_V_HOLD);
	const bool one = fx->ask.addr == EP1;

	fx->adj[one ? ADJ_EP1 : ADJ_EP2].state = SL_ADJ_FAILED;
	fx->adj[one ? ADJ_EP2 : ADJ_EP1].state = SL_ADJ_OK;
	fixture_publish(fx);
	SL_TEST_INT(after(fx, 0.1, &r), 1);
	RTE_TEST_ASSERT(r.verdict == SL_V_RETRY && !r.bad && r.out.dst == (one ? EP2 : EP1),
		"verdict %u", r.verdict);
	return completes(fx, &r.out);
}

static int
store_is_full(void)
{
	static const struct fixture_opt opt = {.syns = 1, .connect_s = CONNECT_S};
	struct fixture *fx = fixture_new(&opt);
	const struct packet k = {SYN_TO(VIP2, 80), .sport = 40001};

	syn(fx, VIP2, 1000);
	SL_TEST_INT(fixture_send(fx, &k, 0).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_SYN_STORE_FULL), 1);
	after(fx, CONNECT_S + 1, NULL);
	SL_TEST_INT(fixture_live(fx), 1); // the other one could not move
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ICMP comes to whatever worker the NIC likes; the quoted SYN says whose it is.
static int
icmp_at_the_other_worker(void)
{
	static const struct fixture_opt opts[] = {
		{.n_workers = 2, .syns = 64}, {.n_workers = 2, .n_entries = 64, .syns = 64}};
	static struct frame f;
	static struct result r;

	for (unsigned k = 0; k < 2 * SL_ARRAY_LEN(opts); k++) {
		const unsigned owner = k % 2;
		struct fixture *fx = fixture_new(&opts[k / 2]);
		const struct packet syn = {SYN_TO(VIP2, 80)};
		const struct result first = fixture_send_to(fx, owner, &syn, 0);

		icmp_frame(fx, &f, &first, 1, 1000);
		fixture_burst(fx, !owner, &f, 1, false, &r);
		RTE_TEST_ASSERT(r.verdict == SL_V_HANDOFF && r.owner == owner,
			"verdict %u, owner %u", r.verdict, r.owner);
		SL_TEST_INT(r.len, f.len);
		RTE_TEST_ASSERT(memcmp(r.frame, f.bytes, f.len) == 0, "it changed on the way");
		fixture_burst(fx, owner, &f, 1, true, &r);
		RTE_TEST_ASSERT(is_syn_to_other(&r, &first.out), "verdict %u %s", r.verdict,
			r.bad ? r.bad : "");
		// Said twice, it is about an endpoint that the handshake has left.
		fixture_burst(fx, owner, &f, 1, true, &r);
		SL_TEST_INT(r.verdict, SL_V_PUNT);
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A segment of the endpoint and the error that moves its handshake on, in one burst: whichever
// comes first, what leaves is right.
static int
icmp_beside_an_answer(void)
{
	static struct frame f[2];
	static struct result r[2];

	for (unsigned first_is_icmp = 0; first_is_icmp < 2; first_is_icmp++) {
		struct fixture *fx = box();
		const struct result first = syn(fx, VIP2, 1000);
		const struct packet data = {.src = first.out.dst,
			.dst = first.out.src,
			.sport = first.out.dport,
			.dport = first.out.sport,
			.proto = P_TCP,
			.flags = T_ACK | T_PSH,
			.payload_len = 5};

		icmp_frame(fx, &f[!first_is_icmp], &first, 1, 1000);
		fixture_frame(fx, &f[first_is_icmp], &data, 1);
		fixture_burst(fx, 0, f, 2, false, r);
		RTE_TEST_ASSERT(r[first_is_icmp].verdict == SL_V_FORWARD && !r[first_is_icmp].bad,
			"the segment: verdict %u, %s", r[first_is_icmp].verdict,
			r[first_is_icmp].bad ? r[first_is_icmp].bad : "");
		RTE_TEST_ASSERT(is_syn_to_other(&r[!first_is_icmp], &first.out), "the error");
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// One burst: the endpoint refuses, the client resets, and asks again from the same port. The
// refusal waits until the others are through, and the flow that it belongs to is the next
// connection's then.
static int
refused_beside_next_syn(void)
{
	static struct frame f[3];
	static struct result r[3];
	static const struct fixture_opt opt = {.syns = 64, .connect_s = CONNECT_S};
	struct fixture *fx = fixture_new(&opt);

	fx->default_route = true;
	fixture_publish(fx);
	const struct result first = syn(fx, VIP2, 1000);
	const struct packet refusal = {.src = first.out.dst,
		.dst = first.out.src,
		.sport = first.out.dport,
		.dport = first.out.sport,
		.proto = P_TCP,
		.flags = T_RST | T_ACK,
		.ack = 1001};
	const struct packet reset = {TCP_TO(VIP2, 80), .flags = T_RST, .seq = 1001};
	const struct packet next = {SYN_TO(VIP2, 80), .seq = 5000};

	fixture_frame(fx, &f[0], &refusal, 1);
	fixture_frame(fx, &f[1], &reset, 0);
	fixture_frame(fx, &f[2], &next, 0);
	fixture_burst(fx, 0, f, 3, false, r);
	RTE_TEST_ASSERT(r[0].verdict == SL_V_FORWARD && !r[0].bad && r[0].out.src == VIP2 &&
				r[0].out.dst == CLIENT && r[0].out.ack == 1001,
		"the refusal goes to the client: verdict %u, %s", r[0].verdict, r[0].bad);
	RTE_TEST_ASSERT(r[2].verdict == SL_V_FORWARD && !r[2].bad, "the next SYN");
	SL_TEST_INT(fixture_live(fx), 1);
	SL_TEST_INT(fixture_active(fx), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A handshake whose SYN is not kept ends without a word at the connect timeout; then the client's
// next SYN is a new flow, which finds an endpoint anew.
static int
begins_anew(uint32_t syns, uint16_t data_len, bool damaged)
{
	const struct fixture_opt opt = {.syns = syns, .connect_s = CONNECT_S};
	unsigned n_moved = 0;

	for (uint16_t i = 0; i < 32; i++) {
		struct fixture *fx = fixture_new(&opt);
		const struct packet k = {SYN_TO(VIP2, 80), .sport = (uint16_t)(40000 + i),
			.payload_len = data_len, .bad_l4_csum = damaged};

		// They take the place that there is, if any, and a number of draws.
		for (uint16_t j = 0; j <= i; j++) {
			const struct packet other = {
				SYN_TO(VIP, 80), .sport = (uint16_t)(30000 + j)};

			fixture_send(fx, &other, 0);
		}
		const struct result first = fixture_send(fx, &k, 0);

		SL_TEST_INT(first.verdict, SL_V_FORWARD);
		SL_TEST_INT(after(fx, 1, NULL), 0);
		const struct result same = fixture_send(fx, &k, 0);

		RTE_TEST_ASSERT(same.verdict == SL_V_FORWARD && same.out.dst == first.out.dst,
			"a SYN again while there is time");
		after(fx, CONNECT_S, NULL);
		SL_TEST_INT(fixture_live(fx), 0);
		SL_TEST_INT(fixture_ports_used(fx), 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDSHAKES_MOVED), 0);
		const struct result again = fixture_send(fx, &k, 0);

		RTE_TEST_ASSERT(again.verdict == SL_V_FORWARD && !again.bad == !damaged &&
					again.out.flags == T_SYN,
			"the next SYN: verdict %u", again.verdict);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 3 + i);
		n_moved += again.out.dst != first.out.dst;
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	RTE_TEST_ASSERT(n_moved > 0 && n_moved < 32, "%u of 32 got another endpoint", n_moved);
	return TEST_SUCCESS;
}

static int
not_kept(void)
{
	static const struct {
		uint32_t syns;
		uint16_t data_len;
		bool damaged;
	} rows[] = {
		{.syns = 0},                  // none is kept
		{.syns = 1},                  // another one took the place
		{.syns = 64, .data_len = 10}, // RFC 7413
		{.syns = 64, .damaged = true},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		if (begins_anew(rows[i].syns, rows[i].data_len, rows[i].damaged) != TEST_SUCCESS)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"refused_by_rst", refused_by_rst},
		{"refused_by_icmp", refused_by_icmp},
		{"not_answered_in_time", not_answered_in_time},
		{"forged", forged},
		{"none_is_left", none_is_left},
		{"single_endpoint", single_endpoint},
		{"skipped_at_open", skipped_at_open},
		{"neighbour_fails", neighbour_fails},
		{"store_is_full", store_is_full},
		{"icmp_at_the_other_worker", icmp_at_the_other_worker},
		{"icmp_beside_an_answer", icmp_beside_an_answer},
		{"refused_beside_next_syn", refused_beside_next_syn},
		{"not_kept", not_kept},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
