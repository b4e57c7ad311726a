// Connections that reach the age that their policy allows: the next segment of either side brings
// both of them a RST.

#include "fixture.h"

#define AGE_S 5

static struct fixture *
box(void)
{
	static const struct fixture_opt opt = {.max_age_s = AGE_S};

	return fixture_new(&opt);
}

static struct result
client(struct fixture *fx, uint8_t flags, uint32_t seq, uint32_t ack, unsigned payload)
{
	const struct packet k = {
		TCP_TO(VIP, 80), .flags = flags, .seq = seq, .ack = ack, .payload_len = payload};

	return fixture_send(fx, &k, 0);
}

static struct result
endpoint(struct fixture *fx, const struct packet *to, uint8_t flags, uint32_t seq, uint32_t ack,
	unsigned payload)
{
	const struct packet k = {.src = to->dst,
		.dst = to->src,
		.sport = to->dport,
		.dport = to->sport,
		.proto = P_TCP,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.payload_len = payload};

	return fixture_send(fx, &k, 1);
}

// An open connection; what the endpoint saw of its SYN.
static struct packet
connected(struct fixture *fx)
{
	const struct result syn = client(fx, T_SYN, 1000, 0, 0);

	endpoint(fx, &syn.out, T_SYN | T_ACK, 77, 1001, 0);
	client(fx, T_ACK, 1001, 78, 0);
	return syn.out;
}

static void
grow_old(struct fixture *fx)
{
	for (unsigned i = 0; i <= AGE_S + 1; i++) {
		fx->now += SEC(1);
		fixture_housekeeping(fx, NULL, 0);
	}
}

static int
both_are_told(void)
{
	for (int by_client = 0; by_client < 2; by_client++) {
		struct fixture *fx = box();
		const struct packet to = connected(fx);

		grow_old(fx);
		SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_AGED), 1);
		SL_TEST_INT(fixture_active(fx), 0);
		SL_TEST_INT(fixture_live(fx), 1); // it rests
		const struct result first = by_client ? client(fx, T_ACK, 1001, 78, 100)
						      : endpoint(fx, &to, T_ACK, 78, 1001, 100);

		RTE_TEST_ASSERT(first.verdict == SL_V_REPLY && !first.bad, "verdict %u %s",
			first.verdict, first.bad ? first.bad : "");
		SL_TEST_INT(first.out.flags, T_RST | T_ACK);
		SL_TEST_INT(first.out.payload_len, 0);
		SL_TEST_INT(first.out.seq, by_client ? 1001 : 78);
		SL_TEST_INT(first.out.dst, by_client ? to.dst : CLIENT);
		SL_TEST_INT(first.out.src, by_client ? to.src : VIP);
		SL_TEST_INT(first.out_port, by_client);
		// What its sender says after that.
		const struct result then = by_client ? client(fx, T_ACK, 1101, 78, 100)
						     : endpoint(fx, &to, T_ACK, 178, 1001, 100);

		RTE_TEST_ASSERT(
			then.verdict == SL_V_REPLY && !then.bad, "verdict %u", then.verdict);
		SL_TEST_INT(then.out.flags, T_RST);
		SL_TEST_INT(then.out.dst, by_client ? CLIENT : to.dst);
		SL_TEST_INT(then.out.seq, by_client ? 78 : 1001);
		SL_TEST_INT(fixture_drops(fx, SL_DROP_NO_FLOW), 2);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Who only acknowledges may say nothing more: it is told at once, and the sender by what it sends.
static int
who_acknowledges_is_told(void)
{
	for (int by_client = 0; by_client < 2; by_client++) {
		struct fixture *fx = box();
		const struct packet to = connected(fx);

		grow_old(fx);
		const struct result first = by_client ? client(fx, T_ACK, 1001, 78, 0)
						      : endpoint(fx, &to, T_ACK, 78, 1001, 0);

		RTE_TEST_ASSERT(
			first.verdict == SL_V_REPLY && !first.bad, "verdict %u", first.verdict);
		SL_TEST_INT(first.out.flags, T_RST);
		SL_TEST_INT(first.out.dst, by_client ? CLIENT : to.dst);
		SL_TEST_INT(first.out.seq, by_client ? 78 : 1001);
		const struct result then = by_client ? endpoint(fx, &to, T_ACK, 78, 1001, 100)
						     : client(fx, T_ACK, 1001, 78, 100);

		RTE_TEST_ASSERT(
			then.verdict == SL_V_REPLY && !then.bad, "verdict %u", then.verdict);
		SL_TEST_INT(then.out.flags, T_RST);
		SL_TEST_INT(then.out.dst, by_client ? to.dst : CLIENT);
		SL_TEST_INT(then.out.seq, by_client ? 1001 : 78);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// A RST passes as it is, a SYN opens the next connection, and a closing one just ends.
static int
what_is_over_already(void)
{
	struct fixture *fx = box();
	const struct packet to = connected(fx);

	grow_old(fx);
	const struct result rst = endpoint(fx, &to, T_RST, 78, 0, 0);

	RTE_TEST_ASSERT(rst.verdict == SL_V_FORWARD && rst.out.flags == T_RST, "RST");
	const struct result syn = client(fx, T_SYN, 5000, 0, 0);

	RTE_TEST_ASSERT(syn.verdict == SL_V_FORWARD && syn.out.flags == T_SYN, "SYN");
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_REPLACED), 1);
	CHECK_BOOKS(fx);
	fixture_free(fx);

	fx = box();
	const struct packet at = connected(fx);

	client(fx, T_FIN | T_ACK, 1001, 78, 0);
	endpoint(fx, &at, T_FIN | T_ACK, 78, 1002, 0);
	grow_old(fx);
	SL_TEST_INT(fixture_counter(fx, SL_C_FLOWS_AGED), 0);
	SL_TEST_INT(fixture_live(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// Nobody says anything any more: it goes as a reset flow does.
static int
silence(void)
{
	struct fixture *fx = box();

	connected(fx);
	grow_old(fx);
	fx->now += SEC(TO_CLOSING + TO_FIN);
	fixture_housekeeping(fx, NULL, 0);
	SL_TEST_INT(fixture_live(fx), 0);
	SL_TEST_INT(fixture_ports_used(fx), 0);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"both_are_told", both_are_told},
		{"who acknowledges is told", who_acknowledges_is_told},
		{"what_is_over_already", what_is_over_already},
		{"silence", silence},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
