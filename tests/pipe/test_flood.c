// Too many new flows: embryonic ones and their share of the table, who is let in, and what one
// source may open.

#include "fixture.h"

#define STRANGER IP4(198, 18, 64, 0) // and 16,383 more

static struct result
syn_from(struct fixture *fx, uint32_t src, uint16_t sport)
{
	const struct packet k = {SYN_TO(VIP, 80), .src = src, .sport = sport};

	return fixture_send(fx, &k, 0);
}

static struct result
udp_from(struct fixture *fx, uint32_t src, uint16_t sport)
{
	const struct packet k = {UDP_TO(VIP, 53), .src = src, .sport = sport};

	return fixture_send(fx, &k, 0);
}

static struct result
reply_to(struct fixture *fx, const struct packet *out, uint8_t flags)
{
	const struct packet k = {.src = out->dst,
		.dst = out->src,
		.proto = out->proto,
		.sport = out->dport,
		.dport = out->sport,
		.flags = flags};

	return fixture_send(fx, &k, 1);
}

// A whole handshake. False: it did not come through.
static bool
connects(struct fixture *fx, uint32_t src, uint16_t sport)
{
	const struct packet ack = {TCP_TO(VIP, 80), .src = src, .sport = sport, .flags = T_ACK};
	const struct result syn = syn_from(fx, src, sport);

	return syn.verdict == SL_V_FORWARD &&
	       reply_to(fx, &syn.out, T_SYN | T_ACK).verdict == SL_V_FORWARD &&
	       fixture_send(fx, &ack, 0).verdict == SL_V_FORWARD;
}

static uint64_t
half_open(const struct fixture *fx)
{
	return fixture_counter(fx, SL_C_HALF_OPEN);
}

// n SYNs of made-up sources, one each millisecond. How many were forwarded.
static unsigned
flood(struct fixture *fx, unsigned n)
{
	static uint32_t at;
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++, at++) {
		passed += syn_from(fx, STRANGER + at % 16384, (uint16_t)(1024 + at / 16384))
				  .verdict == SL_V_FORWARD;
		fx->now += SL_NSEC_PER_MSEC;
	}
	return passed;
}

// SYNs faster than the clock: there is nothing left of what strangers may use up.
static void
exhaust(struct fixture *fx)
{
	for (unsigned i = 0; i < 2000; i++)
		syn_from(fx, STRANGER + i, 1000);
}

static int
share_of_the_table(void)
{
	const struct fixture_opt opt = {.max_half_open = 25};
	struct fixture *fx = fixture_new(&opt);
	const struct packet data = {TCP_TO(VIP, 80), .flags = T_ACK | T_PSH, .payload_len = 10};

	RTE_TEST_ASSERT(connects(fx, CLIENT, 40000), "no connection");
	SL_TEST_INT(half_open(fx), 0);
	SL_TEST_INT(flood(fx, 256), 256);
	SL_TEST_INT(half_open(fx), 256);
	// The oldest give way, and those of this tick do not.
	SL_TEST_INT(flood(fx, 1000), 1000);
	SL_TEST_INT(half_open(fx), 256);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_EVICTED), 1000);
	exhaust(fx);
	const struct result r = syn_from(fx, STRANGER, 1);
	RTE_TEST_ASSERT(r.verdict == SL_V_DROP && r.reason == SL_DROP_EMBRYONIC_LIMIT,
		"refused: %u %s", r.verdict, sl_drop_name(r.reason));
	SL_TEST_INT(half_open(fx), 256);
	SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES), 0);
	SL_TEST_INT(fixture_send(fx, &data, 0).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_pass(fx, TO_HANDSHAKE + 1);
	SL_TEST_INT(half_open(fx), 0);
	SL_TEST_INT(fixture_live(fx), 1);
	SL_TEST_INT(syn_from(fx, STRANGER, 1).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_HALF_OPEN_MAX), 256);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A client that had a connection gets in, a stranger does not.
static int
known_clients(void)
{
	const struct fixture_opt opt = {.max_half_open = 25};
	struct fixture *fx = fixture_new(&opt);

	RTE_TEST_ASSERT(connects(fx, CLIENT, 40000), "no connection");
	flood(fx, 256);
	fx->now += SEC(1);
	exhaust(fx);
	SL_TEST_INT(syn_from(fx, REMOTE_CLIENT, 40000).reason, SL_DROP_EMBRYONIC_LIMIT);
	for (uint16_t i = 1; i <= 20; i++)
		RTE_TEST_ASSERT(connects(fx, CLIENT, (uint16_t)(40000 + i)), "connection %u", i);
	RTE_TEST_ASSERT(half_open(fx) <= 256, "%llu", (unsigned long long)half_open(fx));
	CHECK_BOOKS(fx);
	// An hour later it is a stranger.
	fixture_pass(fx, 3700);
	flood(fx, 256);
	fx->now += SEC(1);
	exhaust(fx);
	SL_TEST_INT(syn_from(fx, CLIENT, 50000).reason, SL_DROP_EMBRYONIC_LIMIT);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// From an eighth of the share on strangers are slowed down, before it is used up.
static int
slowed_down(void)
{
	const struct fixture_opt opt = {.capacity = 4096, .max_half_open = 25};
	struct fixture *fx = fixture_new(&opt);

	RTE_TEST_ASSERT(connects(fx, CLIENT, 1), "no connection");
	exhaust(fx);
	SL_TEST_INT(half_open(fx), 128 + 64);
	fx->now += SL_NSEC_PER_MSEC / 4; // 25 of 100,000 a second
	exhaust(fx);
	SL_TEST_INT(half_open(fx), 128 + 64 + 25);
	SL_TEST_INT(syn_from(fx, REMOTE_CLIENT, 1).reason, SL_DROP_EMBRYONIC_LIMIT);
	RTE_TEST_ASSERT(connects(fx, CLIENT, 2), "a client that is known");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A handshake that ends without the client's answer counts until its record goes.
static int
who_is_half_open(void)
{
	static const struct row {
		const char *name;
		bool answered;
		uint8_t client, endpoint; // flags of the next segment; 0: none
		unsigned half_open;
	} rows[] = {
		{"SYN", false, 0, 0, 1},
		{"SYN+ACK", true, 0, 0, 1},
		{"SYN+ACK, ACK", true, T_ACK, 0, 0},
		{"SYN+ACK, FIN+ACK", true, T_FIN | T_ACK, 0, 0},
		{"SYN, RST", false, T_RST, 0, 1},
		{"SYN+ACK, RST", true, T_RST, 0, 1},
		{"refused", false, 0, T_RST | T_ACK, 1},
		{"ACK without SYN+ACK", false, T_ACK, 0, 1},
		{"FIN of the endpoint", true, 0, T_FIN | T_ACK, 1},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct fixture *fx = fixture_new(NULL);
		struct packet k = {TCP_TO(VIP, 80), .flags = rows[i].client};
		const struct result syn = syn_from(fx, CLIENT, 40000);

		if (rows[i].answered)
			reply_to(fx, &syn.out, T_SYN | T_ACK);
		if (rows[i].endpoint)
			reply_to(fx, &syn.out, rows[i].endpoint);
		if (rows[i].client)
			fixture_send(fx, &k, 0);
		RTE_TEST_ASSERT(half_open(fx) == rows[i].half_open, "%s: %llu", rows[i].name,
			(unsigned long long)half_open(fx));
		CHECK_BOOKS(fx);
		fixture_pass(fx, TO_ESTABLISHED + 1);
		fixture_pass(fx, 1);
		SL_TEST_INT(fixture_live(fx), 0);
		SL_TEST_INT(half_open(fx), 0);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

static int
unanswered_udp(void)
{
	const struct fixture_opt opt = {.max_unanswered = 25};
	struct fixture *fx = fixture_new(&opt);
	const struct result r = udp_from(fx, CLIENT, 1);

	SL_TEST_INT(fixture_counter(fx, SL_C_UNANSWERED), 1);
	SL_TEST_INT(fixture_counter(fx, SL_C_HALF_OPEN), 0);
	SL_TEST_INT(reply_to(fx, &r.out, 0).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_UNANSWERED), 0);
	// One way, like syslog.
	for (unsigned i = 0; i < 4; i++) {
		SL_TEST_INT(udp_from(fx, CLIENT, 2).verdict, SL_V_FORWARD);
		SL_TEST_INT(fixture_counter(fx, SL_C_UNANSWERED), i < 3);
	}
	for (uint32_t i = 0; i < 3000; i++, fx->now += SL_NSEC_PER_MSEC)
		SL_TEST_INT(udp_from(fx, STRANGER + i, 9).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_UNANSWERED), 256);
	SL_TEST_INT(fixture_live(fx), 258);
	SL_TEST_INT(syn_from(fx, STRANGER, 7).verdict, SL_V_FORWARD); // another share
	SL_TEST_INT(udp_from(fx, CLIENT, 2).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_CREATED), 3003);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Full of connections: refused as ever. Some that are no connections yet: they give way.
static int
full_table(void)
{
	const struct fixture_opt opt = {.capacity = 64};
	struct fixture *fx = fixture_new(&opt);

	for (uint16_t i = 0; i < 60; i++)
		RTE_TEST_ASSERT(connects(fx, CLIENT, (uint16_t)(1000 + i)), "connection %u", i);
	for (uint16_t i = 0; i < 4; i++)
		SL_TEST_INT(udp_from(fx, CLIENT, (uint16_t)(1 + i)).verdict, SL_V_FORWARD);
	SL_TEST_INT(syn_from(fx, CLIENT, 2000).reason, SL_DROP_FLOW_TABLE_FULL);
	fx->now += SEC(1);
	for (uint16_t i = 0; i < 4; i++)
		RTE_TEST_ASSERT(connects(fx, CLIENT, (uint16_t)(3000 + i)), "connection %u", i);
	const struct result r = syn_from(fx, CLIENT, 4000);

	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_FLOW_TABLE_FULL, "%u %s",
		r.verdict, sl_drop_name(r.reason));
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_EVICTED), 4);
	CHECK_BOOKS(fx);
	fixture_pass(fx, TO_ESTABLISHED + 1);
	SL_TEST_INT(syn_from(fx, CLIENT, 4000).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// At the limit what opens no flow is what it was.
static int
all_else_goes_on(void)
{
	static const struct row {
		const char *name;
		struct packet k;
		enum sl_verdict verdict;
		enum sl_drop reason;
	} rows[] = {
		{"to the mirror", {SYN_TO(LOCAL, 179)}, SL_V_PUNT, SL_DROP_NONE},
		{"nobody's", {SYN_TO(TRANSIT, 80)}, SL_V_REPLY, SL_DROP_DENIED},
		{"no SYN", {TCP_TO(VIP, 80), .flags = T_ACK}, SL_V_REPLY, SL_DROP_NO_FLOW},
		{"UDP", {UDP_TO(VIP, 53)}, SL_V_FORWARD, SL_DROP_NONE},
		{"a service at the mirror's address", {SYN_TO(LOCAL, 8443)}, SL_V_DROP,
			SL_DROP_EMBRYONIC_LIMIT},
	};
	const struct fixture_opt opt = {.max_half_open = 25};
	struct fixture *fx = fixture_new(&opt);

	flood(fx, 256);
	exhaust(fx);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct result r = fixture_send(fx, &rows[i].k, 0);

		RTE_TEST_ASSERT(r.verdict == rows[i].verdict && r.reason == rows[i].reason,
			"%s: %u %s", rows[i].name, r.verdict, sl_drop_name(r.reason));
	}
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Both packets of a new flow that come in one burst are let in or not.
static int
in_one_burst(void)
{
	static struct frame f[SL_BURST];
	static struct result r[SL_BURST];
	const struct fixture_opt opt = {.max_unanswered = 25};
	struct fixture *fx = fixture_new(&opt);

	for (unsigned round = 0; round < 200; round++, fx->now += SL_NSEC_PER_SEC / 50) {
		for (unsigned i = 0; i < SL_BURST; i++) {
			const struct packet k = {
				UDP_TO(VIP, 53), .src = STRANGER + round * 16 + i / 2};

			fixture_frame(fx, &f[i], &k, 0);
		}
		fixture_burst(fx, 0, f, SL_BURST, false, r);
		for (unsigned i = 0; i < SL_BURST; i++)
			RTE_TEST_ASSERT(r[i].verdict == SL_V_FORWARD && !r[i].bad, "%u %u: %s",
				round, i, sl_drop_name(r[i].reason));
		CHECK_BOOKS(fx);
	}
	SL_TEST_INT(fixture_counter(fx, SL_C_UNANSWERED), 256);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
one_source(void)
{
	const struct fixture_opt opt = {.source_rate = 10, .source_burst = 5, .reply_rate = 2};
	struct fixture *fx = fixture_new(&opt);
	struct result r;

	for (uint16_t i = 0; i < 5; i++)
		SL_TEST_INT(syn_from(fx, CLIENT, (uint16_t)(100 + i)).verdict, SL_V_FORWARD);
	r = syn_from(fx, CLIENT, 200);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_SOURCE_LIMIT &&
				r.out.flags == (T_RST | T_ACK) && !r.bad,
		"TCP: %u %s", r.verdict, sl_drop_name(r.reason));
	r = udp_from(fx, CLIENT, 200);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_SOURCE_LIMIT &&
				r.out.icmp_type == 3 && r.out.flags == 13 && !r.bad,
		"UDP: %u %s", r.verdict, sl_drop_name(r.reason));
	SL_TEST_INT(syn_from(fx, CLIENT, 201).verdict, SL_V_DROP); // no more answers
	SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES_LIMITED), 1);
	// Flows that are there, and other sources.
	SL_TEST_INT(syn_from(fx, CLIENT, 100).verdict, SL_V_FORWARD);
	SL_TEST_INT(syn_from(fx, REMOTE_CLIENT, 100).verdict, SL_V_FORWARD);
	// One more each tenth of a second, and never more than the burst.
	fx->now += SL_NSEC_PER_SEC / 10;
	SL_TEST_INT(syn_from(fx, CLIENT, 300).verdict, SL_V_FORWARD);
	SL_TEST_INT(syn_from(fx, CLIENT, 301).reason, SL_DROP_SOURCE_LIMIT);
	fx->now += SEC(10);
	for (uint16_t i = 0; i < 6; i++)
		SL_TEST_INT(syn_from(fx, CLIENT, (uint16_t)(400 + i)).reason,
			i < 5 ? SL_DROP_NONE : SL_DROP_SOURCE_LIMIT);
	// A reload without the limit counts at once.
	fx->opt.source_rate = 0;
	fixture_publish(fx);
	SL_TEST_INT(syn_from(fx, CLIENT, 500).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A first packet that waits for its service's name is tried again and again, and counts once.
static int
parked_counts_once(void)
{
	const struct fixture_opt opt = {.source_rate = 1, .source_burst = 2};
	struct fixture *fx = fixture_new(&opt);
	const struct packet k = {SYN_TO(VIP, PORT_NAME)};

	SL_TEST_INT(fixture_send(fx, &k, 0).verdict, SL_V_HOLD);
	for (unsigned i = 0; i < 50; i++)
		fixture_pass(fx, 0.006);
	fx->name = NAME_ANSWERED;
	fixture_publish(fx);
	fixture_pass(fx, 0.006);
	SL_TEST_INT(fixture_live(fx), 1);
	SL_TEST_INT(syn_from(fx, CLIENT, 2).verdict, SL_V_FORWARD);
	SL_TEST_INT(syn_from(fx, CLIENT, 3).reason, SL_DROP_SOURCE_LIMIT);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Who is not let in takes no place of a service that is nearly full: of those of its burst neither.
static int
refused_take_no_place(void)
{
	static const struct row {
		uint32_t src;
		enum sl_drop reason;
	} rows[] = {
		{CLIENT, SL_DROP_NONE},
		{CLIENT, SL_DROP_SOURCE_LIMIT},
		{REMOTE_CLIENT, SL_DROP_NONE},
		{CLIENT_G1, SL_DROP_CONNECTION_LIMIT},
	};
	static struct frame f[SL_ARRAY_LEN(rows)];
	static struct result r[SL_ARRAY_LEN(rows)];
	const struct fixture_opt opt = {.source_rate = 1, .source_burst = 1};
	struct fixture *fx = fixture_new(&opt);

	for (unsigned i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct packet k = {SYN_TO(VIP, PORT_LIMITED), .src = rows[i].src,
			.sport = (uint16_t)(100 + i)};

		fixture_frame(fx, &f[i], &k, 0);
	}
	fixture_burst(fx, 0, f, SL_ARRAY_LEN(rows), false, r);
	for (unsigned i = 0; i < SL_ARRAY_LEN(rows); i++)
		RTE_TEST_ASSERT(r[i].reason == rows[i].reason && !r[i].bad, "%u: %s", i,
			sl_drop_name(r[i].reason));
	SL_TEST_INT(fixture_live(fx), MAX_FLOWS);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The pool is dry: what is let in and cannot be opened makes one give way, and then there is room.
static int
one_gives_way_in_vain(void)
{
	const struct fixture_opt opt = {
		.max_half_open = 25, .sport_first = 2000, .sport_last = 2255};
	struct fixture *fx = fixture_new(&opt);

	flood(fx, 256);
	fx->now += SEC(1);
	for (uint32_t i = 0; i < 1000; i++, fx->now += SL_NSEC_PER_MSEC)
		SL_TEST_INT(syn_from(fx, STRANGER + i, 9).reason, SL_DROP_NO_SOURCE_PORT);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_EVICTED), 1);
	SL_TEST_INT(half_open(fx), 255);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"share_of_the_table", share_of_the_table},
		{"known_clients", known_clients},
		{"slowed_down", slowed_down},
		{"who_is_half_open", who_is_half_open},
		{"unanswered_udp", unanswered_udp},
		{"full_table", full_table},
		{"all_else_goes_on", all_else_goes_on},
		{"in_one_burst", in_one_burst},
		{"one_source", one_source},
		{"parked_counts_once", parked_counts_once},
		{"refused_take_no_place", refused_take_no_place},
		{"one_gives_way_in_vain", one_gives_way_in_vain},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
