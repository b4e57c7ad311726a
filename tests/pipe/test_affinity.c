// Replies on the right worker: with a device that sends each reply where flow rules or RSS would,
// by a reading of its own, no reply is handed off; one that comes in elsewhere gets there all the
// same.
#include "fixture.h"

#include <rte_thash.h>

#define FLOWS 400

// What a device does with a reply.
static unsigned
by_low_bits(const struct packet *in, unsigned n_workers)
{
	return in->dport & (n_workers - 1);
}

static unsigned
by_rss(const struct packet *in, unsigned n_workers)
{
	uint32_t key[SL_OWNER_KEY_BYTES / 4];
	union rte_thash_tuple t = {.v4 = {.src_addr = in->src,
					   .dst_addr = in->dst,
					   .sport = in->sport,
					   .dport = in->dport}};
	uint8_t reta[128];

	for (unsigned i = 0; i < SL_ARRAY_LEN(reta); i++)
		reta[i] = (uint8_t)(i % n_workers);
	memcpy(key, fixture_rss_key(), sizeof(key));
	return reta[rte_softrss((uint32_t *)&t, RTE_THASH_V4_L4_LEN, (uint8_t *)key) % 128];
}

static const struct way {
	const char *name;
	struct fixture_opt opt;
	unsigned (*device)(const struct packet *in, unsigned n_workers);
} ways[] = {
	{"flow rules, 2", {.n_workers = 2, .n_pool = 2}, by_low_bits},
	{"flow rules, 4", {.n_workers = 4, .n_pool = 2}, by_low_bits},
	{"RSS, 2", {.n_workers = 2, .n_entries = 128, .n_pool = 2}, by_rss},
	{"RSS, 3", {.n_workers = 3, .n_entries = 128, .n_pool = 2}, by_rss},
	{"RSS, 4", {.n_workers = 4, .n_entries = 64, .n_pool = 2}, by_rss},
};

static struct result
open_flow(struct fixture *fx, unsigned i)
{
	const bool udp = i % 3 == 0;
	const struct packet k = {.src = CLIENT,
		.dst = udp          ? VIP
		       : i % 3 == 1 ? VIP
				    : VIP2,
		.proto = udp ? P_UDP : P_TCP,
		.sport = (uint16_t)(20000 + i),
		.dport = udp ? 53 : 80,
		.flags = udp ? 0 : T_SYN,
		.seq = 1000};

	return fixture_send_to(fx, i % fx->opt.n_workers, &k, 0);
}

static struct packet
reply_to(const struct packet *out)
{
	return (struct packet){.src = out->dst,
		.dst = out->src,
		.sport = out->dport,
		.dport = out->sport,
		.proto = out->proto,
		.flags = out->proto == P_TCP ? T_SYN | T_ACK : 0,
		.seq = 77,
		.ack = out->seq + 1};
}

static int
no_hand_off(void)
{
	for (unsigned k = 0; k < SL_ARRAY_LEN(ways); k++) {
		struct fixture *fx = fixture_new(&ways[k].opt);
		unsigned got[N_WORKERS] = {0};

		for (unsigned i = 0; i < FLOWS; i++) {
			const struct result first = open_flow(fx, i);
			const unsigned w = i % fx->opt.n_workers;

			RTE_TEST_ASSERT(first.verdict == SL_V_FORWARD && !first.bad,
				"%s: flow %u: %s", ways[k].name, i, sl_drop_name(first.reason));
			const struct packet in = reply_to(&first.out);
			const unsigned queue = ways[k].device(&in, fx->opt.n_workers);

			RTE_TEST_ASSERT_EQUAL(
				queue, w, "%s: reply %u comes to %u", ways[k].name, i, queue);
			const struct result r = fixture_send_to(fx, queue, &in, 1);

			RTE_TEST_ASSERT(r.verdict == SL_V_FORWARD && !r.bad &&
						r.out.dst == CLIENT && r.out.dport == 20000 + i,
				"%s: reply %u: %u %s", ways[k].name, i, r.verdict,
				sl_drop_name(r.reason));
			got[queue]++;
		}
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDED_OFF), 0);
		for (unsigned w = 0; w < fx->opt.n_workers; w++)
			RTE_TEST_ASSERT(
				got[w] >= FLOWS / fx->opt.n_workers, "worker %u: %u", w, got[w]);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Every reply at every worker: one has it, all others know whose it is.
static int
safety_net(void)
{
	for (unsigned k = 0; k < SL_ARRAY_LEN(ways); k++) {
		struct fixture *fx = fixture_new(&ways[k].opt);
		const unsigned n = fx->opt.n_workers;

		for (unsigned i = 0; i < FLOWS / 4; i++) {
			const struct result first = open_flow(fx, i);
			const struct packet in = reply_to(&first.out);

			for (unsigned w = 0; w < n; w++) {
				const struct result r = fixture_send_to(fx, w, &in, 1);

				RTE_TEST_ASSERT(
					w == i % n ? r.verdict == SL_V_FORWARD
						   : r.verdict == SL_V_HANDOFF && r.owner == i % n,
					"%s: reply %u at %u: %u to %u", ways[k].name, i, w,
					r.verdict, r.owner);
			}
		}
		SL_TEST_INT(fixture_counter(fx, SL_C_HANDED_OFF), FLOWS / 4 * (n - 1));
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"no_hand_off", no_hand_off},
		{"safety_net", safety_net},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
