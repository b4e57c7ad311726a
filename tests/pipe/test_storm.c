// Random packets, whole and broken, from all sides, in bursts, over time, while next hops come and
// go, workers hand over and sending fails: the books balance after every burst, what leaves is
// translated and right, and in the end everything borrowed is back.

#include "fixture.h"

#define ROUNDS 6000

static uint64_t seed;
static unsigned n_icmp; // errors that a handshake moved on, or ended, for

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(sl_test_rand(&seed) % n);
}

static bool
one_in(uint32_t n)
{
	return below(n) == 0;
}

#define PICK(...)                                                                                  \
	((const uint32_t[]){                                                                       \
		__VA_ARGS__}[below(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))])

// Half of them ask for something that there is.
static struct packet
from_clients(void)
{
	struct packet k = {
		.src = PICK(CLIENT, CLIENT2, REMOTE_CLIENT, CLIENT_G1, CLIENT_G2,
			CLIENT + 50 + below(20)),
		.dst = PICK(VIP, VIP, VIP, VIP, VIP2, LOCAL, POOL, TRANSIT),
		.sport = (uint16_t)(40000 + below(10)),
		.dport = (uint16_t)PICK(80, 53, 81, 82, 83, 84, 85, 8443, 22, PORT_GROUPS, PORT_ANY,
			PORT_NESTED, PORT_LIMITED, PORT_LAST, PORT_REWRITTEN, PORT_NAME, PORT_NAME),
		.proto = (uint8_t)PICK(P_TCP, P_TCP, P_UDP, P_UDP, P_ICMP),
		.flags = (uint8_t)PICK(T_SYN, T_SYN, T_ACK, T_ACK | T_PSH, T_FIN | T_ACK, T_RST),
	};

	if (one_in(2)) {
		k.proto = (uint8_t)PICK(P_TCP, P_UDP);
		k.dst = k.proto == P_TCP && one_in(2) ? VIP2 : VIP;
		k.dport = k.proto == P_TCP ? 80 : 53;
	}
	return k;
}

static bool
any_flow(const struct fixture *fx, struct sl_flow_view *view)
{
	uint32_t cursor = below(sl_flow_capacity(fx->worker[0].flows));

	return sl_flow_walk(fx->worker[below(fx->opt.n_workers)].flows, &cursor, view, 1, 64);
}

// Most of them belong to a flow of the worker that it showed to the walk.
static struct packet
from_endpoints(const struct fixture *fx)
{
	struct packet k = {
		.src = PICK(EP1, EP1, EP2, EP_UDP, EP_FAR),
		.dst = PICK(POOL, POOL, POOL, POOL + 1, LOCAL1, CLIENT),
		.sport = (uint16_t)PICK(8080, 8081, 8082, 5353, 7000),
		.dport = (uint16_t)(1024 + below(128)),
		.proto = (uint8_t)PICK(P_TCP, P_TCP, P_UDP),
		.flags = (uint8_t)PICK(
			T_SYN | T_ACK, T_ACK, T_ACK | T_PSH, T_FIN | T_ACK, T_RST | T_ACK),
	};
	struct sl_flow_view view;

	if (!one_in(4) && any_flow(fx, &view)) {
		k.src = ntohl(view.tuple[SL_DIR_ENDPOINT].src);
		k.dst = ntohl(view.tuple[SL_DIR_ENDPOINT].dst);
		k.sport = ntohs(view.tuple[SL_DIR_ENDPOINT].sport);
		k.dport = ntohs(view.tuple[SL_DIR_ENDPOINT].dport);
		k.proto = view.tuple[SL_DIR_ENDPOINT].proto;
		k.ack = !one_in(4); // of a SYN from the storm's clients, whose number is 0
	}
	return k;
}

// An error of a router that quotes what we sent to the endpoint of some flow, at times something
// else. False: there is no flow.
static bool
icmp_frame(const struct fixture *fx, struct frame *f)
{
	const struct packet k = {.src = GATEWAY,
		.dst = POOL + below(2),
		.proto = P_ICMP,
		.icmp_type = (uint8_t)PICK(3, 3, 3, 3, 11, 12),
		.payload_len = 28};
	uint8_t *l4 = f->bytes + 34, *quote = l4 + 8;
	struct sl_flow_view view;

	if (!any_flow(fx, &view))
		return false;
	const struct sl_tuple *t = &view.tuple[SL_DIR_ENDPOINT];
	struct packet was = {.src = ntohl(t->dst),
		.dst = ntohl(t->src),
		.sport = ntohs(t->dport),
		.dport = ntohs(t->sport),
		.proto = t->proto,
		.flags = T_SYN,
		.seq = one_in(8)};
	struct frame quoted;

	fixture_frame(fx, &quoted, &was, 1);
	fixture_frame(fx, f, &k, 1);
	put32(f->bytes + 30, was.src);
	put16(f->bytes + 24, 0);
	put16(f->bytes + 24, ~ones_sum(f->bytes + 14, 20, 0));
	memcpy(quote, quoted.bytes + 14, 28);
	l4[1] = (uint8_t)below(16);
	put16(l4 + 2, 0);
	put16(l4 + 2, ~ones_sum(l4, 36, 0));
	return true;
}

static void
vary(struct packet *k)
{
	// Only a SYN without data is kept.
	if (k->flags != T_SYN || one_in(4))
		k->payload_len = (uint16_t)(one_in(8) ? below(1400) : below(40));
	k->pad_len = (uint16_t)(one_in(4) ? below(10) : 0);
	k->no_udp_csum = one_in(8);
	k->ttl = one_in(20) ? 1 : 64;
	if (one_in(30))
		k->frag = (uint16_t)PICK(0x2000, 0x0010);
	if (one_in(30))
		k->ihl = (uint8_t)(6 + below(10));
	if (one_in(50))
		k->src = (uint32_t)sl_test_rand(&seed);
}

static void
mutate(struct frame *f)
{
	for (uint32_t n = 1 + below(4); n > 0; n--)
		f->bytes[below(one_in(2) ? f->len : 54)] = (uint8_t)sl_test_rand(&seed);
	if (one_in(3))
		return;
	put16(f->bytes + 24, 0);
	put16(f->bytes + 24, ~ones_sum(f->bytes + 14, (f->bytes[14] & 15) * 4u, 0));
}

static void
random_frame(const struct fixture *fx, struct frame *f)
{
	const unsigned port = below(2);
	struct packet k = port == 0 ? from_clients() : from_endpoints(fx);

	vary(&k);
	if (!one_in(8) || !icmp_frame(fx, f))
		fixture_frame(fx, f, &k, port);
	if (one_in(4))
		mutate(f);
	if (one_in(10))
		f->data_len = f->len = below(f->len + 1);
	if (one_in(10))
		f->data_len = below(f->data_len + 1);
	f->room = f->data_len + (one_in(2) ? 0 : below(64));
}

static bool
is_pool(uint32_t addr)
{
	return addr == POOL || addr == POOL + 1;
}

// What leaves: a frame that was right is right, and it goes out from an address of ours or came in
// to one.
static int
check(const struct frame *in, const struct result *r)
{
	struct packet was;
	const bool right = in->data_len != in->len || !packet_read(in->bytes, in->len, &was);

	if (r->verdict == SL_V_FORWARD) {
		const uint32_t src = get32(r->frame + 26), dst = get32(r->frame + 30);

		RTE_TEST_ASSERT(
			!r->bad || !right || in->data_len != in->len, "forwarded: %s", r->bad);
		RTE_TEST_ASSERT(is_pool(src) || (is_pool(get32(in->bytes + 30)) && !is_pool(dst)),
			"it left from %08x to %08x", src, dst);
		RTE_TEST_ASSERT(!is_pool(src) || (!is_pool(dst) && dst != VIP && dst != VIP2 &&
							 dst != LOCAL),
			"it came back to %08x", dst);
		RTE_TEST_ASSERT(src != get32(in->bytes + 26) || dst != get32(in->bytes + 30),
			"it left untranslated");
	}
	n_icmp += in->len > 34 && in->bytes[23] == P_ICMP && r->reason == SL_DROP_REFUSED;
	if (r->verdict == SL_V_RETRY)
		RTE_TEST_ASSERT(!r->bad && r->out.flags == T_SYN && r->out_port == 1,
			"a SYN tried again: %s", r->bad);
	if (r->verdict == SL_V_REPLY && r->reason != SL_DROP_REFUSED) {
		RTE_TEST_ASSERT(!r->bad, "answer: %s", r->bad);
		// Of a flow that was reset, what its other side is told goes on as a RST.
		const bool goes_on = r->reason == SL_DROP_NO_FLOW &&
				     r->out.dst != get32(in->bytes + 26) && r->out.flags & T_RST;

		RTE_TEST_ASSERT(goes_on || (r->out.dst == get32(in->bytes + 26) &&
						   r->out_port == in->port &&
						   r->out.src == get32(in->bytes + 30)),
			"answer to %08x", r->out.dst);
	}
	RTE_TEST_ASSERT((r->verdict == SL_V_DROP || r->verdict == SL_V_REPLY ||
				r->verdict == SL_V_RETRY) == (r->reason != SL_DROP_NONE),
		"verdict %u with reason %s", r->verdict, sl_drop_name(r->reason));
	return TEST_SUCCESS;
}

static void
shake(struct fixture *fx)
{
	if (one_in(10)) {
		const unsigned i = PICK(ADJ_GATEWAY, ADJ_CLIENT2, ADJ_EP1, ADJ_CLIENT);

		fx->adj[i].state =
			(uint8_t)PICK(SL_ADJ_UNRESOLVED, SL_ADJ_OK, SL_ADJ_OK, SL_ADJ_FAILED);
		fx->route_gen += one_in(3);
		fx->no_services = one_in(20);
		fx->allow_any = one_in(4);
		fx->name = (enum name)PICK(
			NAME_PENDING, NAME_PENDING, NAME_ANSWERED, NAME_EMPTY, NAME_FAR, NAME_GONE);
		fixture_publish(fx);
	}
	if (one_in(30))
		fixture_reset(fx, below(SLOT_CLUSTER));
	fx->fail = one_in(20);
	fx->now += one_in(50) ? SEC(below(40)) : sl_test_rand(&seed) % SEC(1) / 10;
	fixture_housekeeping(fx, NULL, 0);
}

static int
burst(struct fixture *fx)
{
	static struct frame f[SL_BURST], over[SL_BURST];
	static struct result r[SL_BURST], r_over[SL_BURST];
	const unsigned n = 1 + below(SL_BURST), worker = below(fx->opt.n_workers);
	unsigned n_over = 0;

	for (unsigned i = 0; i < n; i++)
		random_frame(fx, &f[i]);
	fixture_burst(fx, worker, f, n, false, r);
	for (unsigned i = 0; i < n; i++) {
		if (check(&f[i], &r[i]) != TEST_SUCCESS)
			return TEST_FAILED;
		if (r[i].verdict == SL_V_HANDOFF && !fx->fail)
			over[n_over++] = f[i];
	}
	RTE_TEST_ASSERT(n_over == 0 || fx->opt.n_workers == 2, "handed to nobody");
	if (n_over > 0)
		fixture_burst(fx, !worker, over, n_over, true, r_over);
	for (unsigned i = 0; i < n_over; i++) {
		RTE_TEST_ASSERT(r_over[i].verdict != SL_V_HANDOFF, "handed to and fro");
		if (check(&over[i], &r_over[i]) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// A storm that does not get everywhere shows nothing. What only the daemon does is not here, and
// the other limit is never met when `limit` is.
static int
check_reasons(const struct fixture *fx, enum sl_drop limit)
{
	for (enum sl_drop r = SL_DROP_NONE + 1; r < SL_DROP_MAX; r++) {
		const bool elsewhere = r == SL_DROP_PORT_DOWN || r == SL_DROP_PUNT_FULL ||
				       r == SL_DROP_HANDOFF_FULL || r == SL_DROP_SHUTDOWN ||
				       r == SL_DROP_TOO_BIG ||
				       (r == SL_DROP_REFUSED && fx->opt.syns == 0);
		const bool no_limit =
			(r == SL_DROP_EMBRYONIC_LIMIT && fx->opt.max_half_open == 0) ||
			(r == SL_DROP_SOURCE_LIMIT && fx->opt.source_rate == 0);
		const bool other_limit =
			r != limit && (r == SL_DROP_NO_SOURCE_PORT || r == SL_DROP_FLOW_TABLE_FULL);

		RTE_TEST_ASSERT(fixture_drops(fx, r) > 0 || elsewhere || no_limit || other_limit,
			"nothing was dropped as %s", sl_drop_name(r));
	}
	return TEST_SUCCESS;
}

// All kinds of signs were met, with a place to keep the SYN and without.
static int
check_handshakes(const struct fixture *fx)
{
	static const enum sl_counter met[] = {
		SL_C_HANDSHAKES_MOVED, SL_C_HANDSHAKES_FAILED, SL_C_SYN_STORE_FULL, SL_C_RETRIED};

	for (size_t i = 0; i < SL_ARRAY_LEN(met); i++)
		RTE_TEST_ASSERT((fixture_counter(fx, met[i]) > 0) == (fx->opt.syns > 0),
			"counter %u is %llu", met[i],
			(unsigned long long)fixture_counter(fx, met[i]));
	RTE_TEST_ASSERT(fixture_counter(fx, SL_C_PARKED) > 0, "nothing was parked");
	RTE_TEST_ASSERT(fixture_counter(fx, SL_C_FLOWS_RESET) > 0, "nothing was reset");
	RTE_TEST_ASSERT((n_icmp > 0) == (fx->opt.syns > 0), "%u by ICMP", n_icmp);
	return TEST_SUCCESS;
}

static void
calm(struct fixture *fx)
{
	fx->fail = fx->no_services = false;
	fx->opt.max_half_open = 0;
	fx->opt.source_rate = 0;
	fx->adj[ADJ_EP1].state = fx->adj[ADJ_EP2].state = fx->adj[ADJ_CLIENT].state = SL_ADJ_OK;
	fixture_publish(fx);
	fixture_housekeeping(fx, NULL, 0);
}

// No SYN is kept: there is room for as many as there ever was, and for no more.
static int
check_kept(struct fixture *fx)
{
	const uint64_t full = fixture_counter(fx, SL_C_SYN_STORE_FULL);

	for (unsigned worker = 0; worker < fx->opt.n_workers; worker++) {
		for (uint32_t i = 0; i <= fx->opt.syns; i++) {
			const struct packet k = {SYN_TO(VIP2, 80), .sport = (uint16_t)(50000 + i)};

			SL_TEST_INT(fixture_counter(fx, SL_C_SYN_STORE_FULL), full + worker);
			SL_TEST_INT(fixture_send_to(fx, worker, &k, 0).verdict, SL_V_FORWARD);
		}
		SL_TEST_INT(fixture_counter(fx, SL_C_SYN_STORE_FULL), full + worker + 1);
	}
	return TEST_SUCCESS;
}

static int
storm(const struct fixture_opt *opt, enum sl_drop limit)
{
	struct fixture *fx = fixture_new(opt);

	seed = sl_test_seed();
	n_icmp = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (burst(fx) != TEST_SUCCESS)
			return TEST_FAILED;
		shake(fx);
		CHECK_BOOKS(fx);
	}
	fx->fail = false;
	fixture_drain(fx, NULL, 0);
	for (int i = 0; i < 5; i++) {
		fx->now += SEC(TO_ESTABLISHED);
		fixture_housekeeping(fx, NULL, 0);
	}
	CHECK_BOOKS(fx);
	SL_TEST_INT(fixture_live(fx), 0);
	SL_TEST_INT(fixture_active(fx), 0);
	SL_TEST_INT(fixture_ports_used(fx), 0);
	SL_TEST_INT(fixture_counter(fx, SL_C_HANDED_OFF), fixture_counter(fx, SL_C_HANDED_IN));
	printf("# %llu packets, %llu forwarded, %llu flows\n",
		(unsigned long long)fixture_counter(fx, SL_C_RX),
		(unsigned long long)fixture_counter(fx, SL_C_FORWARDED),
		(unsigned long long)fixture_counter(fx, SL_C_FLOWS_CREATED));
	if (check_reasons(fx, limit) != TEST_SUCCESS || check_handshakes(fx) != TEST_SUCCESS)
		return TEST_FAILED;
	calm(fx);
	if (fx->opt.syns && check_kept(fx) != TEST_SUCCESS)
		return TEST_FAILED;
	fixture_free(fx);
	return TEST_SUCCESS;
}

static int
one_worker(void)
{
	static const struct fixture_opt opt = {.sport_last = 1039,
		.hold_total = 16,
		.syns = 8,
		.connect_s = 2,
		.max_half_open = 1,
		.max_unanswered = 1};

	return storm(&opt, SL_DROP_NO_SOURCE_PORT);
}

static int
two_workers(void)
{
	static const struct fixture_opt opt = {.n_workers = 2,
		.sport_last = 1055,
		.n_pool = 2,
		.hold_per_hop = 2,
		.syns = 8,
		.connect_s = 5,
		.source_rate = 3,
		.source_burst = 5};

	return storm(&opt, SL_DROP_NO_SOURCE_PORT);
}

static int
two_workers_by_hash(void)
{
	static const struct fixture_opt opt = {.n_workers = 2,
		.n_entries = 128,
		.sport_last = 1055,
		.n_pool = 2,
		.hold_per_hop = 2,
		.syns = 8,
		.connect_s = 5};

	return storm(&opt, SL_DROP_NO_SOURCE_PORT);
}

static int
small_table(void)
{
	static const struct fixture_opt opt = {.n_workers = 2,
		.capacity = 32,
		.reply_rate = 5,
		.hold_per_hop = 2,
		.max_half_open = 5};

	return storm(&opt, SL_DROP_FLOW_TABLE_FULL);
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"one_worker", one_worker},
		{"two_workers", two_workers},
		{"two_workers_by_hash", two_workers_by_hash},
		{"small_table", small_table},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
