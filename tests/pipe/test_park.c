// Flows to services whose names have no answer yet: their first packet waits a moment.

#include "fixture.h"

#define MS        UINT64_C(1000000)
#define SOON      (6 * MS) // the next round over what is parked
#define PARK_NS   SEC(1)
#define PARK_SYNS 16

static struct fixture *
box(void)
{
	static const struct fixture_opt opt = {.syns = PARK_SYNS};

	return fixture_new(&opt);
}

static struct packet
packet_of(uint8_t proto, uint32_t client, uint32_t vip, uint16_t sport)
{
	return (struct packet){.src = client,
		.dst = vip,
		.proto = proto,
		.sport = sport,
		.dport = PORT_NAME,
		.seq = proto == P_TCP ? 1000 : 0,
		.flags = proto == P_TCP ? T_SYN : 0,
		.payload_len = proto == P_TCP ? 0 : 30};
}

static struct result
send_from(struct fixture *fx, uint8_t proto, uint32_t client, uint32_t vip, uint16_t sport)
{
	const struct packet k = packet_of(proto, client, vip, sport);

	return fixture_send(fx, &k, 0);
}

static struct result
open_tcp(struct fixture *fx, uint16_t sport)
{
	return send_from(fx, P_TCP, CLIENT, VIP, sport);
}

static void
learn(struct fixture *fx, enum name name)
{
	fx->name = name;
	fixture_publish(fx);
}

static unsigned
after(struct fixture *fx, uint64_t ns, struct result *out, unsigned max)
{
	fx->now += ns;
	return fixture_housekeeping(fx, out, max);
}

static bool
is_forwarded(const struct result *r, uint8_t proto, uint16_t port)
{
	return r->verdict == SL_V_FORWARD && r->reason == SL_DROP_NONE && !r->bad &&
	       r->out_port == 1 && r->out.dst == EP1 && r->out.dport == port &&
	       r->out.src == POOL && r->out.proto == proto && r->out.ttl == 63;
}

static bool
is_refused(const struct result *r, uint8_t proto, uint32_t vip)
{
	if (r->verdict != SL_V_REPLY || r->reason != SL_DROP_NAME_PENDING || r->bad ||
		r->out_port != 0 || r->out.dst != CLIENT)
		return false;
	if (proto == P_TCP)
		return r->out.src == vip && r->out.flags == (T_RST | T_ACK) && r->out.ack == 1001;
	return r->out.proto == P_ICMP && r->out.icmp_type == 3 && r->frame[35] == 3;
}

// ---- what becomes of a parked frame ----

static const struct {
	const char *name;
	uint8_t proto;
	uint32_t vip;
	enum name then;
	enum sl_verdict verdict; // HOLD: nothing comes out
	enum sl_drop reason;
} fates[] = {
	{"answered", P_TCP, VIP, NAME_ANSWERED, SL_V_FORWARD, SL_DROP_NONE},
	{"answered, udp", P_UDP, VIP, NAME_ANSWERED, SL_V_FORWARD, SL_DROP_NONE},
	{"empty", P_TCP, VIP, NAME_EMPTY, SL_V_REPLY, SL_DROP_NO_ENDPOINT},
	{"empty, udp", P_UDP, VIP, NAME_EMPTY, SL_V_REPLY, SL_DROP_NO_ENDPOINT},
	{"the service is gone", P_TCP, VIP, NAME_GONE, SL_V_REPLY, SL_DROP_DENIED},
	{"gone, udp", P_UDP, VIP, NAME_GONE, SL_V_REPLY, SL_DROP_DENIED},
	{"gone: the kernel's", P_TCP, LOCAL, NAME_GONE, SL_V_PUNT, SL_DROP_NONE},
	{"next hop unknown", P_TCP, VIP, NAME_FAR, SL_V_HOLD, SL_DROP_NONE},
	{"still pending", P_TCP, VIP, NAME_PENDING, SL_V_HOLD, SL_DROP_NONE},
};

static int
park_then(void)
{
	static struct result out[2];

	for (size_t i = 0; i < SL_ARRAY_LEN(fates); i++) {
		struct fixture *fx = box();
		const struct result in = send_from(fx, fates[i].proto, CLIENT, fates[i].vip, 40000);
		const unsigned comes = fates[i].verdict != SL_V_HOLD;

		SL_TEST_INT(in.verdict, SL_V_HOLD);
		SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 1);
		SL_TEST_INT(fixture_counter(fx, SL_C_PARKED), 1);
		SL_TEST_INT(fixture_live(fx), 0);
		CHECK_BOOKS(fx);
		learn(fx, fates[i].then);
		RTE_TEST_ASSERT(after(fx, SOON, out, 2) == comes, "%s: frames", fates[i].name);
		RTE_TEST_ASSERT(!comes || (out[0].verdict == fates[i].verdict &&
						  out[0].reason == fates[i].reason && !out[0].bad),
			"%s: %u %s %s", fates[i].name, out[0].verdict, sl_drop_name(out[0].reason),
			out[0].bad ? out[0].bad : "");
		RTE_TEST_ASSERT(out[0].verdict != SL_V_FORWARD ||
					is_forwarded(&out[0], fates[i].proto, 9801),
			"%s: frame", fates[i].name);
		SL_TEST_INT(fixture_counter(fx, SL_C_HELD), !comes);
		SL_TEST_INT(fixture_counter(fx, SL_C_PARKED), 1);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// It waits for its next hop then, like any other, and does not come out before.
static int
parked_then_held(void)
{
	struct fixture *fx = box();
	static struct result out[2];

	open_tcp(fx, 40000);
	learn(fx, NAME_FAR);
	SL_TEST_INT(after(fx, SOON, out, 2), 0);
	SL_TEST_INT(fx->asked, 1);
	SL_TEST_INT(fixture_live(fx), 1);
	fx->adj[ADJ_GATEWAY].state = SL_ADJ_OK;
	fixture_publish(fx);
	SL_TEST_INT(after(fx, SOON, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_FORWARD && !out[0].bad && out[0].out.dst == EP_FAR,
		"released");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The reply comes back through the flow, and a handshake that fails goes on with another endpoint.
static int
opened_like_any_other(void)
{
	struct fixture *fx = box();
	static struct result out[2];

	send_from(fx, P_TCP, CLIENT, VIP2, 40000);
	learn(fx, NAME_ANSWERED);
	SL_TEST_INT(after(fx, SOON, out, 2), 1);
	SL_TEST_INT(out[0].verdict, SL_V_FORWARD);
	const struct packet rst = {.src = out[0].out.dst,
		.dst = POOL,
		.sport = out[0].out.dport,
		.dport = out[0].out.sport,
		.proto = P_TCP,
		.flags = T_RST | T_ACK,
		.ack = 1001};
	const struct result moved = fixture_send(fx, &rst, 1);

	RTE_TEST_ASSERT(moved.verdict == SL_V_RETRY && !moved.bad && moved.out.flags == T_SYN &&
				moved.out.dst != out[0].out.dst && moved.out.seq == 1000,
		"moved: %u", moved.verdict);
	const struct packet accepts = {.src = moved.out.dst,
		.dst = POOL,
		.sport = moved.out.dport,
		.dport = moved.out.sport,
		.proto = P_TCP,
		.flags = T_SYN | T_ACK,
		.seq = 7,
		.ack = 1001};
	const struct result back = fixture_send(fx, &accepts, 1);

	RTE_TEST_ASSERT(back.verdict == SL_V_FORWARD && !back.bad && back.out.src == VIP2 &&
				back.out.dst == CLIENT && back.out.dport == 40000,
		"SYN+ACK: %u", back.verdict);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// ---- limits ----

static int
too_long(void)
{
	static const uint8_t protos[] = {P_TCP, P_UDP};
	static const uint64_t limits[] = {0, 200 * MS};
	static struct result out[2];

	for (size_t i = 0; i < SL_ARRAY_LEN(protos) * SL_ARRAY_LEN(limits); i++) {
		const uint8_t proto = protos[i % 2];
		const struct fixture_opt opt = {.park_ns = limits[i / 2]};
		const uint64_t ns = opt.park_ns ? opt.park_ns : PARK_NS;
		struct fixture *fx = fixture_new(&opt);

		send_from(fx, proto, CLIENT, VIP, 40000);
		SL_TEST_INT(after(fx, ns - 1, out, 2), 0);
		SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 1);
		SL_TEST_INT(after(fx, SOON, out, 2), 1);
		RTE_TEST_ASSERT(is_refused(&out[0], proto, VIP), "%zu: verdict %u %s", i,
			out[0].verdict, sl_drop_name(out[0].reason));
		SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
		SL_TEST_INT(fixture_drops(fx, SL_DROP_NAME_PENDING), 1);
		// The next one waits anew.
		SL_TEST_INT(send_from(fx, proto, CLIENT, VIP, 40000).verdict, SL_V_HOLD);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A quarter for one client, half for one service, and no more than there is.
static int
no_room(void)
{
	const struct fixture_opt opt = {.park_total = 8};
	struct fixture *fx = fixture_new(&opt);
	struct result r;

	for (uint16_t k = 0; k < 2; k++)
		SL_TEST_INT(open_tcp(fx, 40000 + k).verdict, SL_V_HOLD);
	r = open_tcp(fx, 40002);
	RTE_TEST_ASSERT(is_refused(&r, P_TCP, VIP), "of one client: %u", r.verdict);
	r = send_from(fx, P_UDP, CLIENT, VIP2, 40002);
	RTE_TEST_ASSERT(is_refused(&r, P_UDP, VIP2), "of one client, udp: %u", r.verdict);
	for (uint32_t k = 0; k < 2; k++)
		SL_TEST_INT(send_from(fx, P_TCP, REMOTE_CLIENT + k, VIP, 40000).verdict, SL_V_HOLD);
	r = send_from(fx, P_TCP, REMOTE_CLIENT + 2, VIP, 40000);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_NAME_PENDING,
		"of one service: %u", r.verdict);
	for (uint32_t k = 0; k < 4; k++)
		SL_TEST_INT(
			send_from(fx, P_TCP, REMOTE_CLIENT + k, VIP2, 40000).verdict, SL_V_HOLD);
	r = send_from(fx, P_UDP, REMOTE_CLIENT + 9, VIP2, 40000);
	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && r.reason == SL_DROP_NAME_PENDING, "in all: %u",
		r.verdict);
	SL_TEST_INT(fixture_counter(fx, SL_C_PARKED), 8);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 8);
	CHECK_BOOKS(fx);
	// Places are used again.
	learn(fx, NAME_ANSWERED);
	SL_TEST_INT(after(fx, SOON, NULL, 0), 8);
	SL_TEST_INT(fixture_live(fx), 8);
	learn(fx, NAME_PENDING);
	SL_TEST_INT(open_tcp(fx, 40002).verdict, SL_V_HOLD);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The later one stays, with the deadline of the first; answered, one of them opens the flow.
static int
duplicates(void)
{
	struct fixture *fx = box();
	static struct result out[2], burst[3];
	static struct frame f[3];
	struct packet again = packet_of(P_TCP, CLIENT, VIP, 40000);

	open_tcp(fx, 40000);
	for (unsigned k = 0; k < 5; k++) {
		fx->now += 100 * MS;
		again.seq = 2000 + k;
		const struct result r = fixture_send(fx, &again, 0);

		RTE_TEST_ASSERT(r.verdict == SL_V_DROP && r.reason == SL_DROP_NAME_PENDING,
			"again: %u", r.verdict);
		SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 1);
		CHECK_BOOKS(fx);
	}
	for (unsigned k = 0; k < 3; k++)
		fixture_frame(fx, &f[k], &again, 0);
	fixture_burst(fx, 0, f, 3, false, burst);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 1);
	SL_TEST_INT(fixture_counter(fx, SL_C_PARKED), 1);
	CHECK_BOOKS(fx);
	learn(fx, NAME_ANSWERED);
	SL_TEST_INT(after(fx, SOON, out, 2), 1);
	RTE_TEST_ASSERT(is_forwarded(&out[0], P_TCP, 9801) && out[0].out.seq == 2004, "the latest");
	CHECK_BOOKS(fx);

	learn(fx, NAME_PENDING);
	open_tcp(fx, 40001);
	fx->now += PARK_NS - 10 * MS;
	open_tcp(fx, 40001);
	SL_TEST_INT(after(fx, 10 * MS, out, 2), 1);
	RTE_TEST_ASSERT(is_refused(&out[0], P_TCP, VIP), "the deadline of the first");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// The client's next SYN is faster than housekeeping: the parked one is one more SYN of that flow.
static int
overtaken(void)
{
	struct fixture *fx = box();
	static struct result out[2];

	open_tcp(fx, 40000);
	learn(fx, NAME_ANSWERED);
	const struct result r = open_tcp(fx, 40000);

	RTE_TEST_ASSERT(is_forwarded(&r, P_TCP, 9801), "the later SYN");
	SL_TEST_INT(after(fx, SOON, out, 2), 1);
	RTE_TEST_ASSERT(is_forwarded(&out[0], P_TCP, 9801) && out[0].out.sport == r.out.sport,
		"the parked one: %u", out[0].verdict);
	SL_TEST_INT(fixture_live(fx), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// What is no first packet is never parked, nor is what may not be answered told of it.
static int
not_parked(void)
{
	static const struct {
		const char *name;
		struct packet in;
		enum sl_verdict verdict;
		enum sl_drop reason;
	} table[] = {
		{"ack", {TCP_TO(VIP, PORT_NAME), .flags = T_ACK}, SL_V_REPLY, SL_DROP_NO_FLOW},
		{"rst", {TCP_TO(VIP, PORT_NAME), .flags = T_RST}, SL_V_DROP, SL_DROP_NO_FLOW},
		{"ttl", {SYN_TO(VIP, PORT_NAME), .ttl = 1}, SL_V_REPLY, SL_DROP_TTL},
		{"martian", {SYN_TO(VIP, PORT_NAME), .src = VIP2}, SL_V_DROP, SL_DROP_MARTIAN},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++) {
		struct fixture *fx = box();
		const struct result r = fixture_send(fx, &table[i].in, 0);

		RTE_TEST_ASSERT(r.verdict == table[i].verdict && r.reason == table[i].reason,
			"%s: %u %s", table[i].name, r.verdict, sl_drop_name(r.reason));
		SL_TEST_INT(fixture_counter(fx, SL_C_PARKED), 0);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// ---- housekeeping ----

// All of one service within one round, oldest first, 8 frames (as many as the box takes) a call.
static int
many_of_one_service(void)
{
	enum { N = 60 };
	struct fixture *fx = box();
	static struct result out[N];

	for (uint16_t k = 0; k < N; k++)
		SL_TEST_INT(open_tcp(fx, 40000 + k).verdict, SL_V_HOLD);
	fixture_housekeeping(fx, NULL, 0); // a round that finds nothing
	learn(fx, NAME_ANSWERED);
	SL_TEST_INT(after(fx, SOON, out, N), N);
	for (unsigned k = 0; k < N; k++)
		RTE_TEST_ASSERT(is_forwarded(&out[k], P_TCP, 9801), "frame %u", k);
	SL_TEST_INT(fixture_live(fx), N);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Frames tried in one call are bounded, and so is how often one is tried.
static int
bounded(void)
{
	const struct fixture_opt opt = {.park_total = 256};
	struct fixture *fx = fixture_new(&opt);
	struct worker *w = &fx->worker[0];
	struct sl_pkt out[SL_BURST];
	unsigned calls = 0;

	for (uint32_t k = 0; k < 100; k++)
		SL_TEST_INT(send_from(fx, P_TCP, REMOTE_CLIENT + k, VIP, 40000).verdict, SL_V_HOLD);
	SL_TEST_INT(sl_pipe_patience_ns(w->pipe), 5 * MS);
	fx->name = NAME_EMPTY;
	fx->opt.no_replies = true;
	fixture_publish(fx);
	for (unsigned left = 100; left > 0; calls++) {
		const unsigned n = sl_pipe_housekeeping(w->pipe, fx->fwd, out, SL_BURST, fx->now);

		RTE_TEST_ASSERT(n > 0 && n <= 16, "%u frames in call %u", n, calls);
		for (unsigned i = 0; i < n; i++) {
			SL_TEST_INT(out[i].reason, SL_DROP_NO_ENDPOINT);
			((struct buf *)out[i].buf)->used = false;
		}
		left -= n;
	}
	SL_TEST_INT(calls, 7);
	RTE_TEST_ASSERT(sl_pipe_patience_ns(w->pipe) == UINT64_MAX, "nothing is parked");
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
drain(void)
{
	struct fixture *fx = box();
	static struct result out[16];

	for (uint16_t k = 0; k < 7; k++)
		open_tcp(fx, 40000 + k);
	const struct packet held = {SYN_TO(VIP, 82)};

	SL_TEST_INT(fixture_send(fx, &held, 0).verdict, SL_V_HOLD);
	SL_TEST_INT(fixture_drain(fx, out, 16), 8);
	for (unsigned k = 0; k < 8; k++)
		RTE_TEST_ASSERT(out[k].verdict == SL_V_DROP && out[k].reason == SL_DROP_SHUTDOWN,
			"frame %u", k);
	SL_TEST_INT(fixture_counter(fx, SL_C_HELD), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// To a pool address that is no VIP any more: the other worker may have the flow.
static int
handed_off(void)
{
	const struct fixture_opt opt = {.n_workers = 2};
	struct fixture *fx = fixture_new(&opt);
	static struct result out[2];
	const struct packet k = {SYN_TO(POOL_VIP, PORT_NAME)};

	SL_TEST_INT(fixture_send_to(fx, 1, &k, 0).verdict, SL_V_HOLD);
	learn(fx, NAME_GONE);
	SL_TEST_INT(after(fx, SOON, out, 2), 1);
	RTE_TEST_ASSERT(out[0].verdict == SL_V_HANDOFF && out[0].owner == PORT_NAME % 2, "%u to %u",
		out[0].verdict, out[0].owner);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"park_then", park_then},
		{"parked_then_held", parked_then_held},
		{"opened_like_any_other", opened_like_any_other},
		{"too_long", too_long},
		{"no_room", no_room},
		{"duplicates", duplicates},
		{"overtaken", overtaken},
		{"not_parked", not_parked},
		{"many_of_one_service", many_of_one_service},
		{"bounded", bounded},
		{"drain", drain},
		{"handed_off", handed_off},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
