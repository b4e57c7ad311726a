// What happens when something runs out: ports, records, room to wait, answers, workers.

#include "fixture.h"

static struct result
syn(struct fixture *fx, uint16_t service, uint16_t sport)
{
	const struct packet k = {SYN_TO(VIP, service), .sport = sport};

	return fixture_send(fx, &k, 0);
}

static struct result
udp(struct fixture *fx, uint16_t service, uint16_t sport)
{
	const struct packet k = {UDP_TO(VIP, service), .sport = sport};

	return fixture_send(fx, &k, 0);
}

// Exactly as many flows as there are ports, each with its own; then a clear no; then, after one
// has ended, one more.
static int
ports_run_dry(void)
{
	static const struct fixture_opt opts[] = {
		{.sport_first = 2000, .sport_last = 2031},
		{.sport_first = 2000, .sport_last = 2031, .n_pool = 2},
		{.sport_first = 65500, .sport_last = 65535},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(opts); i++) {
		struct fixture *fx = fixture_new(&opts[i]);
		const unsigned n = (opts[i].sport_last - opts[i].sport_first + 1u) *
				   (opts[i].n_pool ? opts[i].n_pool : 1);
		uint8_t seen[2][65536] = {{0}};

		for (unsigned k = 0; k < n; k++) {
			const struct result r = syn(fx, 80, (uint16_t)(10000 + k));

			RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad, "flow %u: %s", k,
				sl_drop_name(r.reason));
			RTE_TEST_ASSERT(r.out.src - POOL < 2 &&
						r.out.sport >= opts[i].sport_first &&
						r.out.sport <= opts[i].sport_last &&
						seen[r.out.src - POOL][r.out.sport]++ == 0,
				"flow %u: port %u", k, r.out.sport);
		}
		struct result r = syn(fx, 80, 9999);
		RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_NO_SOURCE_PORT &&
					!r.bad && r.out.flags == (T_RST | T_ACK) &&
					r.out.src == VIP,
			"dry: %u %s", r.verdict, sl_drop_name(r.reason));
		r = udp(fx, 53, 9999);
		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD, "UDP has ports of its own");
		SL_TEST_INT(fixture_live(fx), n + 1);
		CHECK_BOOKS(fx);

		const struct packet rst = {TCP_TO(VIP, 80), .sport = 10000, .flags = T_RST};
		fixture_send(fx, &rst, 0);
		r = syn(fx, 80, 9999);
		SL_TEST_INT(r.reason, SL_DROP_NO_SOURCE_PORT);
		fixture_pass(fx, TO_CLOSING + 1);
		r = syn(fx, 80, 9999);
		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD, "after one has ended: %s",
			sl_drop_name(r.reason));
		fixture_pass(fx, TO_ESTABLISHED);
		SL_TEST_INT(fixture_ports_used(fx), 0);
		SL_TEST_INT(fixture_active(fx), 0);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

static int
udp_ports_run_dry(void)
{
	const struct fixture_opt opt = {.sport_first = 2000, .sport_last = 2003};
	struct fixture *fx = fixture_new(&opt);

	for (unsigned k = 0; k < 4; k++)
		SL_TEST_INT(udp(fx, 53, (uint16_t)(100 + k)).verdict, SL_V_FORWARD);
	const struct result r = udp(fx, 53, 99);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_NO_SOURCE_PORT &&
				r.out.icmp_type == 3 && r.out.flags == 3,
		"dry: %u", r.verdict);
	// The flows that are there go on.
	SL_TEST_INT(udp(fx, 53, 101).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
table_full(void)
{
	const struct fixture_opt opt = {.capacity = 64};
	struct fixture *fx = fixture_new(&opt);
	const uint32_t n = sl_flow_capacity(fx->worker[0].flows);

	for (uint32_t k = 0; k < n; k++) {
		const struct result r = syn(fx, 80, (uint16_t)(10000 + k));

		RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD, "flow %u of %u: %s", k, n,
			sl_drop_name(r.reason));
	}
	for (unsigned k = 0; k < 10; k++) {
		const struct result r = syn(fx, 80, (uint16_t)(9000 + k));

		RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_FLOW_TABLE_FULL,
			"full: %u %s", r.verdict, sl_drop_name(r.reason));
	}
	SL_TEST_INT(fixture_ports_used(fx), n);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_FLOW_TABLE_FULL), 10);
	CHECK_BOOKS(fx);
	fixture_pass(fx, TO_HANDSHAKE + 1);
	SL_TEST_INT(fixture_live(fx), 0);
	SL_TEST_INT(syn(fx, 80, 1).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- waiting for a next hop ----

static void
resolve(struct fixture *fx, unsigned index)
{
	static const uint8_t late[6] = {MAC_LATE}, port1[6] = {MAC_PORT1};

	memcpy(fx->adj[index].dst.b, late, 6);
	memcpy(fx->adj[index].src.b, port1, 6);
	fx->adj[index].state = SL_ADJ_OK;
	fixture_publish(fx);
}

static int
hold_and_release(void)
{
	static const uint8_t late[6] = {MAC_LATE}, port1[6] = {MAC_PORT1};
	struct fixture *fx = fixture_new(NULL);
	static struct result out[32];

	for (unsigned k = 0; k < 12; k++) {
		const struct packet p = {SYN_TO(VIP, 82), .sport = (uint16_t)(5000 + k), .seq = k};

		SL_TEST_INT(fixture_send(fx, &p, 0).verdict, SL_V_HOLD);
	}
	SL_TEST_INT(fx->asked, 1);
	RTE_TEST_ASSERT(
		fx->ask.port == 1 && fx->ask.addr == GATEWAY, "asked for %08x", fx->ask.addr);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 12);
	CHECK_BOOKS(fx);
	SL_TEST_INT(fixture_housekeeping(fx, out, 32), 0);
	resolve(fx, ADJ_GATEWAY);
	fx->now += SEC(1) + 1;
	SL_TEST_INT(fixture_housekeeping(fx, out, 32), 12);
	SL_TEST_INT(fx->asked, 1); // what is known is not asked for
	for (unsigned k = 0; k < 12; k++) {
		RTE_TEST_ASSERT(
			out[k].verdict == SL_V_FORWARD && !out[k].bad && out[k].out_port == 1,
			"frame %u: %s", k, out[k].bad ? out[k].bad : "verdict");
		RTE_TEST_ASSERT(out[k].out.src == POOL && out[k].out.dst == EP_FAR &&
					out[k].out.dport == 7000 && out[k].out.ttl == 63,
			"frame %u: not translated", k);
		RTE_TEST_ASSERT(memcmp(out[k].out.eth_dst, late, 6) == 0 &&
					memcmp(out[k].out.eth_src, port1, 6) == 0,
			"frame %u: macs", k);
		RTE_TEST_ASSERT(out[k].out.seq == k, "frame %u: order", k);
	}
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
	SL_TEST_INT(syn(fx, 82, 4999).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The adjacency does not exist at first, and gets an index later.
static int
hold_for_a_new_hop(void)
{
	struct fixture *fx = fixture_new(NULL);
	static struct result out[2];

	SL_TEST_INT(udp(fx, 84, 5000).verdict, SL_V_HOLD);
	RTE_TEST_ASSERT(fx->asked == 1 && fx->ask.addr == EP_NEW, "asked");
	fx->adj[ADJ_NEW].addr = htonl(EP_NEW);
	fx->adj[ADJ_NEW].port = 1;
	resolve(fx, ADJ_NEW);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_FORWARD && out[0].out.dst == EP_NEW, "released");
	SL_TEST_INT(udp(fx, 84, 5000).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Towards a client: its own hop, on its own port.
static int
hold_for_a_client(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet ask = {UDP_TO(VIP, 53), .src = CLIENT2};
	const struct result there = fixture_send(fx, &ask, 0);
	const struct packet answer = {.src = EP_UDP,
		.dst = POOL,
		.sport = 5353,
		.dport = there.out.sport,
		.proto = P_UDP,
		.payload_len = 9};
	static struct result out[2];

	SL_TEST_INT(there.verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_send(fx, &answer, 1).verdict, SL_V_HOLD);
	RTE_TEST_ASSERT(fx->ask.port == 0 && fx->ask.addr == CLIENT2, "asked");
	resolve(fx, ADJ_CLIENT2);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_FORWARD && !out[0].bad && out[0].out_port == 0 &&
				out[0].out.src == VIP && out[0].out.dst == CLIENT2,
		"released");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The same neighbour address on two ports is two neighbours.
static int
hold_by_port(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet ask = {UDP_TO(VIP, 53), .src = LOST_CLIENT};
	const struct result there = fixture_send(fx, &ask, 0);
	const struct packet answer = {.src = EP_UDP,
		.dst = POOL,
		.sport = 5353,
		.dport = there.out.sport,
		.proto = P_UDP};
	static struct result out[2];

	SL_TEST_INT(fixture_send(fx, &answer, 1).verdict, SL_V_HOLD);
	RTE_TEST_ASSERT(fx->ask.port == 0 && fx->ask.addr == EP_NEW, "asked on port 0");
	SL_TEST_INT(udp(fx, 84, 5000).verdict, SL_V_HOLD);
	RTE_TEST_ASSERT(
		fx->asked == 2 && fx->ask.port == 1 && fx->ask.addr == EP_NEW, "asked on port 1");
	fx->adj[ADJ_NEW].addr = htonl(EP_NEW);
	fx->adj[ADJ_NEW].port = 1;
	resolve(fx, ADJ_NEW);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	RTE_TEST_ASSERT(out[0].out.dst == EP_NEW && out[0].out_port == 1, "released");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
hold_overflow(void)
{
	const struct fixture_opt opt = {.hold_total = 6, .hold_per_hop = 4};
	struct fixture *fx = fixture_new(&opt);

	for (unsigned k = 0; k < 4; k++)
		SL_TEST_INT(syn(fx, 82, (uint16_t)(5000 + k)).verdict, SL_V_HOLD);
	struct result r = syn(fx, 82, 5004);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_DROP && r.reason == SL_DROP_HOLD_FULL, "per hop: %u", r.verdict);
	for (unsigned k = 0; k < 2; k++)
		SL_TEST_INT(syn(fx, 84, (uint16_t)(6000 + k)).verdict, SL_V_HOLD);
	r = syn(fx, 84, 6002);
	RTE_TEST_ASSERT(
		r.verdict == SL_V_DROP && r.reason == SL_DROP_HOLD_FULL, "in all: %u", r.verdict);
	SL_TEST_INT(fx->asked, 2);
	CHECK_BOOKS(fx);
	// Places are used again.
	resolve(fx, ADJ_GATEWAY);
	SL_TEST_INT(fixture_housekeeping(fx, NULL, 0), 4);
	SL_TEST_INT(syn(fx, 84, 6002).verdict, SL_V_HOLD);
	SL_TEST_INT(syn(fx, 84, 6003).verdict, SL_V_HOLD);
	r = syn(fx, 84, 6004);
	SL_TEST_INT(r.reason, SL_DROP_HOLD_FULL);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A SYN that finds no room is sent from its copy when the hop is known; when it fails, the client
// is told at once, not at its connect timeout.
static int
hold_full_of_syns(void)
{
	static const struct {
		uint8_t state;
		unsigned forwarded, retried, replied;
	} table[] = {{SL_ADJ_OK, 2, 3, 0}, {SL_ADJ_FAILED, 0, 0, 5}};

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++) {
		const struct fixture_opt opt = {.hold_per_hop = 2, .syns = 8, .connect_s = 10};
		struct fixture *fx = fixture_new(&opt);
		static struct result out[8];
		unsigned n[SL_V_HOLD + 1] = {0};

		for (uint16_t k = 0; k < 5; k++)
			SL_TEST_INT(syn(fx, 82, 5000 + k).verdict, k < 2 ? SL_V_HOLD : SL_V_DROP);
		SL_TEST_INT(fixture_drops(fx, SL_DROP_HOLD_FULL), 3);
		SL_TEST_INT(fixture_housekeeping(fx, NULL, 0), 0);
		SL_TEST_INT(fx->asked, 1);
		fx->adj[ADJ_GATEWAY].state = table[i].state;
		fixture_publish(fx);
		SL_TEST_INT(fixture_housekeeping(fx, out, 8), 5);
		for (unsigned k = 0; k < 5; k++) {
			n[out[k].verdict]++;
			RTE_TEST_ASSERT(!out[k].bad, "frame %u: %s", k, out[k].bad);
			RTE_TEST_ASSERT(table[i].replied || (out[k].out.dst == EP_FAR &&
								    out[k].out.flags == T_SYN),
				"frame %u is no SYN", k);
		}
		SL_TEST_INT(n[SL_V_FORWARD], table[i].forwarded);
		SL_TEST_INT(n[SL_V_RETRY], table[i].retried);
		SL_TEST_INT(n[SL_V_REPLY], table[i].replied);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Room for none: nothing waits, and yet the next hop is asked for, so that a later packet gets
// through.
static int
hold_none(void)
{
	const struct fixture_opt opt = {.hold_none = true};
	struct fixture *fx = fixture_new(&opt);

	for (unsigned k = 0; k < 3; k++)
		SL_TEST_INT(syn(fx, 82, (uint16_t)(5000 + k)).reason, SL_DROP_HOLD_FULL);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
	SL_TEST_INT(fx->asked, 1);
	SL_TEST_INT(fixture_housekeeping(fx, NULL, 0), 0);
	resolve(fx, ADJ_GATEWAY);
	SL_TEST_INT(syn(fx, 82, 5001).verdict, SL_V_FORWARD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
hold_timeout(void)
{
	const struct fixture_opt opt = {.hold_ns = SEC(2)};
	struct fixture *fx = fixture_new(&opt);
	static struct result out[8];

	syn(fx, 82, 5000);
	fx->now += SEC(1);
	syn(fx, 82, 5001);
	fx->now += SEC(1) - 1;
	SL_TEST_INT(fixture_housekeeping(fx, out, 8), 0);
	fx->now += 1;
	SL_TEST_INT(fixture_housekeeping(fx, out, 8), 1);
	SL_TEST_INT(out[0].verdict, SL_V_DROP);
	SL_TEST_INT(out[0].reason, SL_DROP_NO_NEIGHBOUR);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 1);
	fx->now += SEC(1);
	SL_TEST_INT(fixture_housekeeping(fx, out, 8), 1);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_NO_NEIGHBOUR), 2);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
hold_ends(uint8_t state, enum sl_drop reason)
{
	struct fixture *fx = fixture_new(NULL);
	static struct result out[8];

	for (unsigned k = 0; k < 3; k++)
		syn(fx, 82, (uint16_t)(5000 + k));
	fx->adj[ADJ_GATEWAY].state = state;
	fixture_publish(fx);
	SL_TEST_INT(fixture_housekeeping(fx, out, 8), 3);
	SL_TEST_INT(out[2].reason, reason);
	SL_TEST_INT(fixture_drops(fx, reason), 3);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
hold_failed(void)
{
	return hold_ends(SL_ADJ_FAILED, SL_DROP_NO_NEIGHBOUR);
}

static int
hold_port_down(void)
{
	return hold_ends(SL_ADJ_PORT_DOWN, SL_DROP_PORT_DOWN);
}

// One question per hop and second: from packets, from housekeeping while frames wait, and for a hop
// that has failed.
static int
questions(void)
{
	struct fixture *fx = fixture_new(NULL);

	for (unsigned ms = 0; ms < 2500; ms += 100, fx->now += SEC(1) / 10)
		syn(fx, 82, (uint16_t)(5000 + ms));
	SL_TEST_INT(fx->asked, 3);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fx->asked, 3);
	fx->now += SEC(1) / 2;
	fixture_housekeeping(fx, NULL, 0);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fx->asked, 4);
	fx->now += SEC(10);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
	fx->now += SEC(10);
	fx->asked = 0;
	for (unsigned ms = 0; ms < 2500; ms += 100, fx->now += SEC(1) / 10) {
		syn(fx, 83, (uint16_t)(5000 + ms));
		fixture_housekeeping(fx, NULL, 0);
	}
	SL_TEST_INT(fx->asked, 3);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// More next hops than there are places to remember them: none is asked for in vain, frames are
// bounded all the same.
static int
many_hops(void)
{
	const struct fixture_opt opt = {.hold_total = 8};
	struct fixture *fx = fixture_new(&opt);
	unsigned held = 0, full = 0;

	for (unsigned k = 0; k < 200; k++) {
		const struct packet ask = {UDP_TO(VIP, 53), .src = IP4(198, 51, 100, 20 + k)};
		const struct result there = fixture_send(fx, &ask, 0);
		const struct packet answer = {.src = EP_UDP,
			.dst = POOL,
			.sport = 5353,
			.dport = there.out.sport,
			.proto = P_UDP};
		const struct result back = fixture_send(fx, &answer, 1);

		RTE_TEST_ASSERT(there.verdict == SL_V_FORWARD, "client %u", k);
		held += back.verdict == SL_V_HOLD;
		full += back.verdict == SL_V_DROP && back.reason == SL_DROP_HOLD_FULL;
	}
	SL_TEST_INT(held, 8);
	SL_TEST_INT(full, 192);
	SL_TEST_INT(fx->asked, 200);
	CHECK_BOOKS(fx);
	fixture_pass(fx, 4);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
drain(void)
{
	struct fixture *fx = fixture_new(NULL);
	static struct result out[32];

	for (unsigned k = 0; k < 5; k++)
		syn(fx, 82, (uint16_t)(5000 + k));
	for (unsigned k = 0; k < 5; k++)
		udp(fx, 84, (uint16_t)(5000 + k));
	syn(fx, 83, 5000);
	SL_TEST_INT(fixture_drain(fx, out, 32), 10);
	for (unsigned k = 0; k < 10; k++)
		RTE_TEST_ASSERT(out[k].verdict == SL_V_DROP && out[k].reason == SL_DROP_SHUTDOWN,
			"frame %u", k);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_SHUTDOWN), 10);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- answers ----

static unsigned
answered(struct fixture *fx, unsigned n)
{
	unsigned replies = 0;

	for (unsigned k = 0; k < n; k++)
		replies += syn(fx, 9, (uint16_t)(1000 + k)).verdict == SL_V_REPLY;
	return replies;
}

static int
rate_limit(void)
{
	const struct fixture_opt opt = {.reply_rate = 10};
	struct fixture *fx = fixture_new(&opt);

	SL_TEST_INT(answered(fx, 30), 10);
	SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES_LIMITED), 20);
	fx->now += SEC(1) / 2;
	SL_TEST_INT(answered(fx, 30), 5);
	fx->now += SEC(1000);
	SL_TEST_INT(answered(fx, 30), 10);
	// What is never answered is not kept from being answered.
	const struct packet rst = {TCP_TO(VIP, 9), .flags = T_RST};
	const uint64_t limited = fixture_counter(fx, SL_C_REPLIES_LIMITED);
	SL_TEST_INT(fixture_send(fx, &rst, 0).verdict, SL_V_DROP);
	SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES_LIMITED), limited);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_DENIED), 91);
	// A reload that allows more counts at once.
	fx->opt.reply_rate = 100;
	fixture_publish(fx);
	fx->now += SEC(1) / 10;
	SL_TEST_INT(answered(fx, 30), 10);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- what the caller cannot do ----

static int
failures(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet local = {SYN_TO(LOCAL, 22)};
	static struct result out[2];

	fx->fail = true;
	SL_TEST_INT(syn(fx, 80, 1).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_send(fx, &local, 0).verdict, SL_V_PUNT);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_TX_FULL), 2);
	SL_TEST_INT(syn(fx, 9, 1).verdict, SL_V_REPLY);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_TX_FULL), 2);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_DENIED), 1);
	SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES_LOST), 1);
	SL_TEST_INT(syn(fx, 82, 1).verdict, SL_V_HOLD);
	resolve(fx, ADJ_GATEWAY);
	SL_TEST_INT(fixture_housekeeping(fx, out, 2), 1);
	SL_TEST_INT(fixture_drops(fx, SL_DROP_TX_FULL), 3);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- two workers ----

static struct result
hand_over(struct fixture *fx, unsigned owner, const struct packet *k, unsigned port)
{
	static struct frame f;
	struct result r;

	fixture_frame(fx, &f, k, port);
	fixture_burst(fx, owner, &f, 1, true, &r);
	return r;
}

static int
handoff(void)
{
	const struct fixture_opt opt = {.n_workers = 2};

	for (unsigned owner = 0; owner < 2; owner++) {
		struct fixture *fx = fixture_new(&opt);
		const struct packet ask = {UDP_TO(VIP, 53)};
		const struct result there = fixture_send_to(fx, owner, &ask, 0);
		const struct packet answer = {.src = EP_UDP,
			.dst = POOL,
			.sport = 5353,
			.dport = there.out.sport,
			.proto = P_UDP,
			.payload_len = 5};

		SL_TEST_INT(there.verdict, SL_V_FORWARD);
		SL_TEST_INT(there.out.sport % 2, owner);
		// To the right worker at once; and by way of the wrong one.
		SL_TEST_INT(fixture_send_to(fx, owner, &answer, 1).verdict, SL_V_FORWARD);
		const struct result wrong = fixture_send_to(fx, !owner, &answer, 1);
		SL_TEST_INT(wrong.verdict, SL_V_HANDOFF);
		SL_TEST_INT(wrong.owner, owner);
		RTE_TEST_ASSERT(get32(wrong.frame + 30) == POOL && wrong.frame[22] == 64,
			"the frame was changed");
		CHECK_BOOKS(fx);
		const struct result right = hand_over(fx, owner, &answer, 1);
		RTE_TEST_ASSERT(right.verdict == SL_V_FORWARD && !right.bad &&
					right.out.src == VIP && right.out.dst == CLIENT,
			"handed over: %u", right.verdict);
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDED_OFF), 1);
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDED_IN), 1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// The owner knows no flow either: it decides, and hands nothing back.
static int
handoff_of_strangers(void)
{
	static const struct {
		const char *name;
		struct packet in;
		enum sl_verdict verdict;
		enum sl_drop reason;
	} table[] = {
		{"ack", {TCP_TO(POOL, 2001), .flags = T_ACK}, SL_V_REPLY, SL_DROP_NO_FLOW},
		{"rst", {TCP_TO(POOL, 2001), .flags = T_RST}, SL_V_DROP, SL_DROP_NO_FLOW},
		{"syn", {SYN_TO(POOL, 2001)}, SL_V_REPLY, SL_DROP_DENIED},
		{"udp", {UDP_TO(POOL, 2001)}, SL_V_REPLY, SL_DROP_DENIED},
		{"the kernel's too", {UDP_TO(LOCAL1, 123)}, SL_V_PUNT, SL_DROP_NONE},
	};
	const struct fixture_opt opt = {.n_workers = 2};

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++) {
		struct fixture *fx = fixture_new(&opt);
		struct result r = fixture_send_to(fx, 0, &table[i].in, 0);

		RTE_TEST_ASSERT(r.verdict == SL_V_HANDOFF && r.owner == 1, "%s: %u", table[i].name,
			r.verdict);
		r = hand_over(fx, 1, &table[i].in, 0);
		RTE_TEST_ASSERT(r.verdict == table[i].verdict && r.reason == table[i].reason,
			"%s: %u %s", table[i].name, r.verdict, sl_drop_name(r.reason));
		// What is to a service is never handed over, whatever its port.
		const struct packet k = {SYN_TO(VIP, 80)};
		SL_TEST_INT(fixture_send_to(fx, 1, &k, 0).verdict, SL_V_FORWARD);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Each worker lends its own ports: all of them together are the range, none twice.
static int
ports_of_two_workers(void)
{
	const struct fixture_opt opt = {.n_workers = 2, .sport_first = 2000, .sport_last = 2030};
	struct fixture *fx = fixture_new(&opt);
	uint8_t seen[31] = {0};

	for (unsigned w = 0; w < 2; w++) {
		for (unsigned k = 0; k < 16 - w; k++) {
			const struct packet p = {
				SYN_TO(VIP, 80), .sport = (uint16_t)(100 + k), .src = CLIENT + w};
			const struct result r = fixture_send_to(fx, w, &p, 0);

			RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && r.out.sport % 2 == w &&
						seen[r.out.sport - 2000]++ == 0,
				"worker %u flow %u: port %u", w, k, r.out.sport);
		}
		const struct packet p = {SYN_TO(VIP, 80), .sport = 99, .src = CLIENT + w};
		SL_TEST_INT(fixture_send_to(fx, w, &p, 0).reason, SL_DROP_NO_SOURCE_PORT);
	}
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"ports_run_dry", ports_run_dry},
		{"udp_ports_run_dry", udp_ports_run_dry},
		{"table_full", table_full},
		{"hold_and_release", hold_and_release},
		{"hold_for_a_new_hop", hold_for_a_new_hop},
		{"hold_for_a_client", hold_for_a_client},
		{"hold_by_port", hold_by_port},
		{"hold_overflow", hold_overflow},
		{"hold_full_of_syns", hold_full_of_syns},
		{"hold_none", hold_none},
		{"hold_timeout", hold_timeout},
		{"hold_failed", hold_failed},
		{"held: the port goes down", hold_port_down},
		{"questions", questions},
		{"many_hops", many_hops},
		{"drain", drain},
		{"rate_limit", rate_limit},
		{"failures", failures},
		{"handoff", handoff},
		{"handoff_of_strangers", handoff_of_strangers},
		{"ports_of_two_workers", ports_of_two_workers},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
