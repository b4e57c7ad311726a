// The frames and the judge of tests/bench/traffic: one that finds nothing wrong proves nothing.
#include <stddef.h>

#include "sl_test.h"
#include "traffic_frame.h"

#define ENDPOINT RTE_IPV4(198u, 51, 100, 11)
#define POOL     RTE_IPV4(203u, 0, 113, 1)
#define TARGET   5009

static const struct traffic_wanted want = {
	.translated = true,
	.first_endpoint = ENDPOINT,
	.n_endpoints = 4,
	.first_pool = POOL,
	.n_pool = 2,
	.target_port = TARGET,
	.ttl_less = 1,
};

static void
sum_up(struct traffic_frame *f)
{
	f->ip.hdr_checksum = f->udp.dgram_cksum = 0;
	f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	f->udp.dgram_cksum = rte_ipv4_udptcp_cksum(&f->ip, &f->udp);
}

static void
pass(struct traffic_frame *f, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	f->ip.src_addr = rte_cpu_to_be_32(src);
	f->ip.dst_addr = rte_cpu_to_be_32(dst);
	f->udp.src_port = rte_cpu_to_be_16(sport);
	f->udp.dst_port = rte_cpu_to_be_16(dport);
	f->ip.time_to_live--;
	sum_up(f);
}

static struct traffic_frame
made(uint32_t flow, uint32_t seq, uint64_t tsc)
{
	struct traffic_frame template, f;

	traffic_init(&template);
	traffic_make(&f, &template, flow, seq, tsc);
	return f;
}

static struct traffic_frame
requested(uint32_t flow)
{
	struct traffic_frame f = made(flow, flow, 0x1234567890abcdef);

	pass(&f, POOL + 1, 2000, ENDPOINT + 3, TARGET);
	return f;
}

static struct traffic_frame
answered(uint32_t flow)
{
	const struct traffic_frame sent = made(flow, flow, 5);
	struct traffic_frame f = sent;

	pass(&f, rte_be_to_cpu_32(sent.ip.dst_addr), rte_be_to_cpu_16(sent.udp.dst_port),
		rte_be_to_cpu_32(sent.ip.src_addr), rte_be_to_cpu_16(sent.udp.src_port));
	f.ip.time_to_live--;
	sum_up(&f);
	f.eth.dst_addr = sent.eth.src_addr;
	f.eth.src_addr = sent.eth.dst_addr;
	return f;
}

// Sums by parts are those of the whole.
static int
frames_are_right(void)
{
	uint64_t seed = 1;

	for (int i = 0; i < 100000; i++) {
		const struct traffic_frame f =
			made((uint32_t)(sl_test_rand(&seed) % TRAFFIC_MAX_FLOWS),
				(uint32_t)sl_test_rand(&seed), sl_test_rand(&seed));
		struct traffic_frame again = f;

		sum_up(&again);
		SL_TEST_INT(f.ip.hdr_checksum, again.ip.hdr_checksum);
		SL_TEST_INT(f.udp.dgram_cksum, again.udp.dgram_cksum);
		RTE_TEST_ASSERT(traffic_is_ours(&f, sizeof(f)), "not known again");
	}
	return TEST_SUCCESS;
}

// A peer that swaps nothing, and the server that does: the answer is the flow's own.
static int
through_a_wire(void)
{
	static const struct traffic_wanted wire = {.translated = false};
	struct traffic_frame f = made(70000, 64, 7);

	RTE_TEST_ASSERT_NULL(traffic_judge_request(&f, &wire, NULL, true), "request");
	traffic_answer(&f);
	RTE_TEST_ASSERT_NULL(traffic_judge_answer(&f, &wire, true), "answer");
	return TEST_SUCCESS;
}

struct fault {
	const char *name;
	size_t at;
	uint8_t flip;
	bool sums; // made right again
	const char *request, *answer;
};

#define AT(field) offsetof(struct traffic_frame, field)
static const struct fault faults[] = {
	{"nothing", 0, 0, false, NULL, NULL},
	{"IPv4 checksum", AT(ip.hdr_checksum), 1, false, "IPv4 checksum is wrong",
		"IPv4 checksum is wrong"},
	{"UDP checksum", AT(udp.dgram_cksum), 1, false, "UDP checksum is wrong",
		"UDP checksum is wrong"},
	{"payload", AT(stamp.seq), 1, false, "UDP checksum is wrong", "UDP checksum is wrong"},
	{"TTL", AT(ip.time_to_live), 1, true, "TTL is not that of one hop",
		"TTL is not that of two hops"},
	{"destination", AT(ip.dst_addr), 1, true, "not to an endpoint of the service",
		"an answer to another flow than that of its request"},
	{"target port", AT(udp.dst_port), 1, true, "not to an endpoint of the service",
		"an answer to another flow than that of its request"},
	{"source", AT(ip.src_addr), 1, true, "its source is not of the pool",
		"an answer to another flow than that of its request"},
	{"source port", AT(udp.src_port) + 1, 1, true,
		"another way than the frames of its flow before",
		"an answer to another flow than that of its request"},
	{"flow", AT(stamp.flow), 1, true, NULL,
		"an answer to another flow than that of its request"},
	{"MAC address", AT(eth.dst_addr), 1, false, NULL,
		"MAC addresses are not those of client and port"},
};

static int
judged(const struct fault *fault, const char *said, const char *expected, const char *which)
{
	if (expected == NULL)
		RTE_TEST_ASSERT(said == NULL, "%s of %s: %s", which, fault->name, said);
	else
		SL_TEST_STR(said, expected);
	return TEST_SUCCESS;
}

static int
faults_are_found(void)
{
	for (size_t i = 0; i < RTE_DIM(faults); i++) {
		const struct fault *fault = &faults[i];
		struct traffic_frame request = requested(9), answer = answered(9);
		struct traffic_way way = {0};

		RTE_TEST_ASSERT_NULL(
			traffic_judge_request(&request, &want, &way, true), "first request");
		((uint8_t *)&request)[fault->at] ^= fault->flip;
		((uint8_t *)&answer)[fault->at] ^= fault->flip;
		if (fault->sums) {
			sum_up(&request);
			sum_up(&answer);
		}
		if (judged(fault, traffic_judge_request(&request, &want, &way, true),
			    fault->request, "request") != TEST_SUCCESS ||
			judged(fault, traffic_judge_answer(&answer, &want, true), fault->answer,
				"answer") != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

static int
strangers_are_left_out(void)
{
	struct traffic_frame f = made(1, 1, 1);

	RTE_TEST_ASSERT(!traffic_is_ours(&f, sizeof(f) - 1), "cut off");
	f.eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
	RTE_TEST_ASSERT(!traffic_is_ours(&f, sizeof(f)), "ARP");
	f = made(1, 1, 1);
	f.stamp.magic ^= 1;
	RTE_TEST_ASSERT(!traffic_is_ours(&f, sizeof(f)), "of somebody else");
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"frames_are_right", frames_are_right},
		{"through_a_wire", through_a_wire},
		{"faults_are_found", faults_are_found},
		{"strangers_are_left_out", strangers_are_left_out},
	};

	return sl_test_main(argc, argv, tests, RTE_DIM(tests));
}
