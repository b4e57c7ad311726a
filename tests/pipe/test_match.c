// Who takes a new flow: by client group, VIP, CIDR, any address, and what is never taken; and what
// holds a flow afterwards: its cluster's limit and its idle timeout (its longest age: test_age.c).

#include "fixture.h"

static struct fixture *
box(const struct fixture_opt *opt)
{
	struct fixture *fx = fixture_new(opt);
	static const uint8_t mac[6] = {MAC_LATE};

	memcpy(fx->adj[ADJ_GATEWAY].dst.b, mac, 6);
	fx->adj[ADJ_GATEWAY].state = SL_ADJ_OK;
	fx->default_route = true;
	fixture_publish(fx);
	return fx;
}

static int
balanced(struct fixture *fx)
{
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// From the endpoint, or the destination, that got `to`.
static struct result
answer(struct fixture *fx, const struct packet *to, uint8_t flags)
{
	const struct packet k = {.src = to->dst,
		.dst = to->src,
		.sport = to->dport,
		.dport = to->sport,
		.proto = to->proto,
		.flags = flags,
		.seq = 77,
		.ack = to->seq + 1};

	return fixture_send(fx, &k, 1);
}

// ---- who takes it ----

static const struct row {
	const char *name;
	uint32_t client, dst;
	uint16_t port;
	bool allow_any;
	uint32_t to; // 0: it is not forwarded
	uint16_t to_port;
	enum sl_verdict verdict; // then: punted, or denied
} rows[] = {
	{"a variant of group 1", CLIENT_G1, VIP, PORT_GROUPS, .to = EP1, .to_port = 9001},
	{"a variant of group 2", CLIENT_G2, VIP, PORT_GROUPS, .to = EP2, .to_port = 9002},
	{"of no group: the wider match", CLIENT, VIP, PORT_GROUPS, .to = EP_UDP, .to_port = 9003},
	{"any address", CLIENT, TRANSIT, PORT_ANY, .to = EP1, .to_port = 9101},
	{"any address, even a VIP of other ports", CLIENT, VIP, PORT_ANY, .to = EP1,
		.to_port = 9101},
	{"the longest CIDR", CLIENT, TRANSIT, PORT_NESTED, .to = EP2, .to_port = 9202},
	{"the longest that the client sees", CLIENT_G1, TRANSIT, PORT_NESTED, .to = EP_UDP,
		.to_port = 9203},
	{"outside of the longest one", CLIENT_G1, IP4(198, 19, 200, 16), PORT_NESTED, .to = EP2,
		.to_port = 9202},
	{"the CIDR around", CLIENT, IP4(198, 19, 201, 0), PORT_NESTED, .to = EP1, .to_port = 9201},
	{"in no CIDR", CLIENT, IP4(198, 20, 0, 0), PORT_NESTED, .to = EP_UDP, .to_port = 9204},
	{"LOCAL beats its CIDR", CLIENT, LOCAL, PORT_ON_LINK, .verdict = SL_V_PUNT},
	{"that CIDR", CLIENT, LOCAL + 98, PORT_ON_LINK, .to = EP1, .to_port = 9301},
	{"LOCAL beats any address", CLIENT, LOCAL, PORT_ANY, .verdict = SL_V_PUNT},
	{"LOCAL beats original destination", CLIENT, LOCAL, PORT_ORIGINAL, .verdict = SL_V_PUNT},
	{"LOCAL beats ALLOW_ANY", CLIENT, LOCAL, 22, .allow_any = true, .verdict = SL_V_PUNT},
	{"a VIP beats LOCAL", CLIENT, LOCAL, 8443, .to = EP1, .to_port = 8443},
	{"a class E VIP", CLIENT, VIP_E, 80, .to = EP1, .to_port = 8088},
	{"other class E is not any address", CLIENT, VIP_E + 1, PORT_ANY, .verdict = SL_V_REPLY},
	{"the pool is not any address", CLIENT, POOL, PORT_ANY, .verdict = SL_V_REPLY},
	{"original destination", CLIENT, TRANSIT, PORT_ORIGINAL, .to = TRANSIT,
		.to_port = PORT_ORIGINAL},
	{"original destination, another port", CLIENT, TRANSIT, PORT_REWRITTEN, .to = TRANSIT,
		.to_port = PORT_TARGET},
	{"original destination is never a VIP", CLIENT, VIP, PORT_ORIGINAL, .verdict = SL_V_REPLY},
	{"nor the pool", CLIENT, POOL, PORT_REWRITTEN, .verdict = SL_V_REPLY},
	{"nobody declared it", CLIENT, TRANSIT, 22, .verdict = SL_V_REPLY},
	{"ALLOW_ANY", CLIENT, TRANSIT, 22, .allow_any = true, .to = TRANSIT, .to_port = 22},
	{"ALLOW_ANY is not for VIPs", CLIENT, VIP, 22, .allow_any = true, .verdict = SL_V_REPLY},
	{"nor for the pool", CLIENT, POOL, 22, .allow_any = true, .verdict = SL_V_REPLY},
	{"nor for class E", CLIENT, IP4(240, 240, 1, 1), 22, .allow_any = true,
		.verdict = SL_V_REPLY},
	{"a service comes before it", CLIENT, TRANSIT, PORT_ANY, .allow_any = true, .to = EP1,
		.to_port = 9101},
};

// It leaves from the pool, and the answer comes back from where the client sent it to.
static int
is_forwarded(
	struct fixture *fx, const struct row *row, const struct packet *k, const struct result *r)
{
	RTE_TEST_ASSERT(!r->bad && r->out_port == 1 && r->out.src == POOL &&
				r->out.dst == row->to && r->out.dport == row->to_port,
		"%s: to %08x:%u %s", row->name, r->out.dst, r->out.dport, r->bad ? r->bad : "");
	const struct result back = answer(fx, &r->out, T_SYN | T_ACK);

	RTE_TEST_ASSERT(back.verdict == SL_V_FORWARD && !back.bad && back.out.src == k->dst &&
				back.out.sport == k->dport && back.out.dst == k->src &&
				back.out.dport == k->sport,
		"%s: the answer, verdict %u", row->name, back.verdict);
	return TEST_SUCCESS;
}

static int
takes(const struct row *row, uint8_t proto)
{
	struct fixture *fx = box(NULL);
	const struct packet k = {.src = row->client,
		.dst = row->dst,
		.proto = proto,
		.sport = 40000,
		.dport = row->port,
		.flags = T_SYN,
		.seq = 1000};

	fx->allow_any = row->allow_any;
	fixture_publish(fx);
	const struct result r = fixture_send(fx, &k, 0);

	RTE_TEST_ASSERT(r.verdict == (row->to ? SL_V_FORWARD : row->verdict),
		"%s, protocol %u: verdict %u, reason %s", row->name, proto, r.verdict,
		sl_drop_name(r.reason));
	SL_TEST_INT(r.reason, r.verdict == SL_V_REPLY ? SL_DROP_DENIED : SL_DROP_NONE);
	RTE_TEST_ASSERT(!r.bad, "%s: %s", row->name, r.bad);
	SL_TEST_INT(fixture_live(fx), r.verdict == SL_V_FORWARD);
	if (r.verdict == SL_V_FORWARD && is_forwarded(fx, row, &k, &r) != TEST_SUCCESS)
		return TEST_FAILED;
	return balanced(fx);
}

static int
who_takes_it(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		if (takes(&rows[i], P_TCP) != TEST_SUCCESS)
			return TEST_FAILED;
		if (rows[i].port != 8443 && takes(&rows[i], P_UDP) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// A flow stays what it is when the snapshot says otherwise, as its tuples say where it goes.
static int
flow_outlives_its_match(void)
{
	struct fixture *fx = box(NULL);
	const struct packet syn = {SYN_TO(TRANSIT, PORT_ANY)};
	const struct packet ack = {TCP_TO(TRANSIT, PORT_ANY), .flags = T_ACK};

	SL_TEST_INT(fixture_send(fx, &syn, 0).out.dst, EP1);
	fx->no_services = true;
	fixture_publish(fx);
	const struct result r = fixture_send(fx, &ack, 0);

	RTE_TEST_ASSERT(
		r.verdict == SL_V_FORWARD && !r.bad && r.out.dst == EP1, "verdict %u", r.verdict);
	return balanced(fx);
}

// ---- what a cluster allows ----

static struct result
limited(struct fixture *fx, uint8_t proto, uint16_t sport, uint8_t flags)
{
	const struct packet k = {.src = CLIENT,
		.dst = VIP,
		.proto = proto,
		.sport = sport,
		.dport = PORT_LIMITED,
		.flags = flags,
		.seq = 1000};

	return fixture_send(fx, &k, 0);
}

static uint32_t
in_cluster(const struct fixture *fx)
{
	return fx->worker[0].load[SLOT_CLUSTER + MAX_FLOWS].active;
}

static int
fill(struct fixture *fx, uint8_t proto)
{
	for (uint16_t i = 0; i < MAX_FLOWS; i++)
		SL_TEST_INT(limited(fx, proto, (uint16_t)(5000 + i), T_SYN).verdict, SL_V_FORWARD);
	const struct result r = limited(fx, proto, 6000, T_SYN);

	RTE_TEST_ASSERT(r.verdict == SL_V_REPLY && !r.bad && r.reason == SL_DROP_CONNECTION_LIMIT,
		"one too many: verdict %u, reason %s", r.verdict, sl_drop_name(r.reason));
	RTE_TEST_ASSERT(proto == P_TCP ? r.out.flags == (T_RST | T_ACK) && r.out.ack == 1001
				       : r.out.icmp_type == 3 && r.out.flags == 3,
		"the answer");
	SL_TEST_INT(in_cluster(fx), MAX_FLOWS);
	return TEST_SUCCESS;
}

// One place is free again, and only one.
static int
one_fits(struct fixture *fx, uint8_t proto)
{
	SL_TEST_INT(in_cluster(fx), MAX_FLOWS - 1);
	SL_TEST_INT(limited(fx, proto, 6000, T_SYN).verdict, SL_V_FORWARD);
	SL_TEST_INT(limited(fx, proto, 6001, T_SYN).reason, SL_DROP_CONNECTION_LIMIT);
	return TEST_SUCCESS;
}

static int
limit_ends_with_rst(void)
{
	struct fixture *fx = box(NULL);

	if (fill(fx, P_TCP) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(limited(fx, P_TCP, 5000, T_RST).verdict, SL_V_FORWARD);
	if (one_fits(fx, P_TCP) != TEST_SUCCESS)
		return TEST_FAILED;
	return balanced(fx);
}

static int
limit_ends_with_fins(void)
{
	struct fixture *fx = box(NULL);

	if (fill(fx, P_TCP) != TEST_SUCCESS)
		return TEST_FAILED;
	const struct result syn = limited(fx, P_TCP, 5000, T_SYN);

	answer(fx, &syn.out, T_SYN | T_ACK);
	limited(fx, P_TCP, 5000, T_ACK);
	const struct result fin = limited(fx, P_TCP, 5000, T_FIN | T_ACK);

	SL_TEST_INT(in_cluster(fx), MAX_FLOWS);
	SL_TEST_INT(answer(fx, &fin.out, T_FIN | T_ACK).verdict, SL_V_FORWARD);
	if (one_fits(fx, P_TCP) != TEST_SUCCESS)
		return TEST_FAILED;
	return balanced(fx);
}

static int
limit_ends_with_time(void)
{
	static const uint8_t protos[] = {P_TCP, P_UDP};

	for (size_t i = 0; i < SL_ARRAY_LEN(protos); i++) {
		struct fixture *fx = box(NULL);

		if (fill(fx, protos[i]) != TEST_SUCCESS)
			return TEST_FAILED;
		fx->now += SEC(TO_UDP / 4);
		SL_TEST_INT(limited(fx, protos[i], 5001, T_SYN).verdict, SL_V_FORWARD);
		fx->now += SEC(protos[i] == P_TCP ? TO_HANDSHAKE : TO_UDP) - SEC(TO_UDP / 8);
		fixture_housekeeping(fx, NULL, 0);
		SL_TEST_INT(fixture_live(fx), 1);
		if (one_fits(fx, protos[i]) != TEST_SUCCESS)
			return TEST_FAILED;
		if (balanced(fx) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// A handshake that moves on does not compete with itself for the only place.
static int
limit_lets_it_move(void)
{
	static const struct fixture_opt opt = {.syns = 8};
	struct fixture *fx = box(&opt);
	const struct packet k = {SYN_TO(VIP2, PORT_LAST)};
	const struct result first = fixture_send(fx, &k, 0);
	const struct result moved = answer(fx, &first.out, T_RST | T_ACK);

	RTE_TEST_ASSERT(moved.verdict == SL_V_RETRY && !moved.bad &&
				moved.out.dst != first.out.dst && moved.out.flags == T_SYN,
		"verdict %u", moved.verdict);
	SL_TEST_INT(fx->worker[0].load[SLOT_CLUSTER + 1].active, 1);
	const struct result last = answer(fx, &moved.out, T_RST | T_ACK);

	RTE_TEST_ASSERT(last.verdict == SL_V_FORWARD && !last.bad && last.out.dst == CLIENT &&
				(last.out.flags & T_RST),
		"verdict %u", last.verdict);
	SL_TEST_INT(fx->worker[0].load[SLOT_CLUSTER + 1].active, 0);
	return balanced(fx);
}

// ---- what a policy asks for ----

static int
establish(struct fixture *fx, struct packet *to)
{
	const struct packet syn = {SYN_TO(VIP, 80)};
	const struct packet ack = {TCP_TO(VIP, 80), .flags = T_ACK};
	const struct result r = fixture_send(fx, &syn, 0);

	SL_TEST_INT(answer(fx, &r.out, T_SYN | T_ACK).verdict, SL_V_FORWARD);
	SL_TEST_INT(fixture_send(fx, &ack, 0).verdict, SL_V_FORWARD);
	*to = r.out;
	return TEST_SUCCESS;
}

// Both sides hear of it with their next segment.
static int
is_over(struct fixture *fx, const struct packet *to)
{
	const struct packet ack = {TCP_TO(VIP, 80), .flags = T_ACK, .ack = 5000};

	SL_TEST_INT(fixture_live(fx), 0);
	const struct result client = fixture_send(fx, &ack, 0);
	const struct result endpoint = answer(fx, to, T_ACK);

	RTE_TEST_ASSERT(client.verdict == SL_V_REPLY && !client.bad && client.out.flags == T_RST &&
				client.out.seq == 5000 && client.reason == SL_DROP_NO_FLOW,
		"client: verdict %u", client.verdict);
	RTE_TEST_ASSERT(endpoint.verdict == SL_V_REPLY && !endpoint.bad &&
				endpoint.out.flags == T_RST && endpoint.reason == SL_DROP_NO_FLOW,
		"endpoint: verdict %u", endpoint.verdict);
	SL_TEST_INT(establish(fx, &(struct packet){0}), TEST_SUCCESS);
	return balanced(fx);
}

static int
idle(void)
{
	static const struct fixture_opt opt = {.idle_s = 5};
	struct fixture *fx = box(&opt);
	const struct packet ack = {TCP_TO(VIP, 80), .flags = T_ACK};
	struct packet to;

	SL_TEST_INT(establish(fx, &to), TEST_SUCCESS);
	for (int i = 0; i < 4; i++) {
		fixture_pass(fx, 4);
		SL_TEST_INT(fixture_send(fx, &ack, 0).verdict, SL_V_FORWARD);
	}
	fixture_pass(fx, 6);
	return is_over(fx, &to);
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"who_takes_it", who_takes_it},
		{"flow_outlives_its_match", flow_outlives_its_match},
		{"limit_ends_with_rst", limit_ends_with_rst},
		{"limit_ends_with_fins", limit_ends_with_fins},
		{"limit_ends_with_time", limit_ends_with_time},
		{"limit_lets_it_move", limit_lets_it_move},
		{"idle", idle},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
