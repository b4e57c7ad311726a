// Checksums and the rewrite by delta, against a full recomputation by other code.

#include "sl_packet.h"
#include "sl_test.h"
#include "sl_wire.h"

static uint64_t seed;

static struct packet
random_packet(void)
{
	return (struct packet){
		.src = (uint32_t)sl_test_rand(&seed),
		.dst = (uint32_t)sl_test_rand(&seed),
		.sport = (uint16_t)sl_test_rand(&seed),
		.dport = (uint16_t)sl_test_rand(&seed),
		.seq = (uint32_t)sl_test_rand(&seed),
		.proto = sl_test_rand(&seed) & 1 ? P_TCP : P_UDP,
		.ttl = (uint8_t)(2 + sl_test_rand(&seed) % 254),
		.payload_len = (uint16_t)(sl_test_rand(&seed) % 200),
		.pad_len = (uint16_t)(sl_test_rand(&seed) % 8),
		.no_udp_csum = sl_test_rand(&seed) % 8 == 0,
	};
}

static struct sl_tuple
random_tuple(uint8_t proto)
{
	return (struct sl_tuple){
		.src = (uint32_t)sl_test_rand(&seed),
		.dst = (uint32_t)sl_test_rand(&seed),
		.sport = (uint16_t)sl_test_rand(&seed),
		.dport = (uint16_t)sl_test_rand(&seed),
		.proto = proto,
	};
}

static struct packet
with_tuple(struct packet k, const struct sl_tuple *t)
{
	k.src = ntohl(t->src);
	k.dst = ntohl(t->dst);
	k.sport = ntohs(t->sport);
	k.dport = ntohs(t->dport);
	return k;
}

// The rewritten frame must be, byte for byte, the frame that is built with the new tuple and TTL.
static int
check_rewrite(const struct packet *from, const struct sl_tuple *to)
{
	uint8_t frame[512], expected[512];
	struct sl_wire_info info;
	const uint32_t len = packet_build(from, frame);
	struct packet want = with_tuple(*from, to);

	want.ttl--;
	packet_build(&want, expected);
	RTE_TEST_ASSERT(sl_wire_parse(frame, len, len, &info) == SL_WIRE_L4, "parse");
	sl_wire_rewrite(frame, info.l4_off, to, sl_wire_delta(&info.tuple, to));
	RTE_TEST_ASSERT(memcmp(frame, expected, len) == 0,
		"proto %u %08x:%u > %08x:%u ttl %u to %08x:%u > %08x:%u: bytes differ", from->proto,
		from->src, from->sport, from->dst, from->dport, from->ttl, want.src, want.sport,
		want.dst, want.dport);
	return TEST_SUCCESS;
}

static int
delta_is_recomputation(void)
{
	seed = sl_test_seed();
	for (int i = 0; i < 200000; i++) {
		const struct packet from = random_packet();
		const struct sl_tuple to = random_tuple(from.proto);

		if (check_rewrite(&from, &to) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// The destination port that makes the checksum of the rewritten UDP datagram come out as zero,
// which is sent as 0xffff; and the same for the datagram that comes in.
static int
udp_ffff(void)
{
	unsigned out = 0, in = 0;

	seed = sl_test_seed();
	for (int i = 0; i < 2000; i++) {
		struct packet from = random_packet();
		struct sl_tuple to = random_tuple(P_UDP);
		uint8_t frame[512];

		from.proto = P_UDP;
		from.no_udp_csum = 0;
		struct packet probe = with_tuple(from, &to);
		// Adding what is missing to 0xffff to the port makes the sum 0xffff, whose
		// complement is 0.
		packet_build(&probe, frame);
		const uint32_t port = probe.dport + get16(frame + 40);
		to.dport = htons((uint16_t)((port & 0xffff) + (port >> 16)));
		probe = with_tuple(from, &to);
		packet_build(&probe, frame);
		out += get16(frame + 40) == 0xffff;
		if (check_rewrite(&from, &to) != TEST_SUCCESS)
			return TEST_FAILED;

		const struct sl_tuple any = random_tuple(P_UDP);
		in += get16(frame + 40) == 0xffff;
		if (check_rewrite(&probe, &any) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	RTE_TEST_ASSERT(out > 1900 && in > 1900, "the case came up only %u and %u times", out, in);
	return TEST_SUCCESS;
}

static int
udp_zero_stays(void)
{
	const struct packet from = {.src = 1,
		.dst = 2,
		.sport = 3,
		.dport = 4,
		.proto = P_UDP,
		.payload_len = 9,
		.no_udp_csum = 1};

	seed = sl_test_seed();
	for (int i = 0; i < 1000; i++) {
		const struct sl_tuple to = random_tuple(P_UDP);
		uint8_t frame[512];
		const uint32_t len = packet_build(&from, frame);
		struct sl_wire_info info;

		sl_wire_parse(frame, len, len, &info);
		sl_wire_rewrite(frame, info.l4_off, &to, sl_wire_delta(&info.tuple, &to));
		SL_TEST_INT(get16(frame + 40), 0);
	}
	return TEST_SUCCESS;
}

// There and back gives the frame of the start.
static int
reverse_delta(void)
{
	seed = sl_test_seed();
	for (int i = 0; i < 50000; i++) {
		struct packet from = random_packet();
		const struct sl_tuple to = random_tuple(from.proto);
		uint8_t frame[512], expected[512];
		struct sl_wire_info info;

		from.ttl |= 4; // it goes down twice
		const uint32_t len = packet_build(&from, frame);
		sl_wire_parse(frame, len, len, &info);
		sl_wire_rewrite(frame, info.l4_off, &to, sl_wire_delta(&info.tuple, &to));
		sl_wire_rewrite(frame, info.l4_off, &info.tuple, sl_wire_delta(&to, &info.tuple));
		from.ttl -= 2;
		packet_build(&from, expected);
		// The TTL went down twice; 2 may have become 0 here, which the pipe never lets
		// happen.
		RTE_TEST_ASSERT(from.ttl == 0 || memcmp(frame, expected, len) == 0, "round %d", i);
	}
	return TEST_SUCCESS;
}

// A checksum that was wrong before stays wrong: a broken packet must not be made good.
static int
wrong_stays_wrong(void)
{
	seed = sl_test_seed();
	for (int i = 0; i < 20000; i++) {
		struct packet from = random_packet();
		const struct sl_tuple to = random_tuple(from.proto);
		uint8_t frame[512];
		struct sl_wire_info info;
		struct packet read;

		from.bad_l4_csum = 1;
		from.no_udp_csum = 0;
		const uint32_t len = packet_build(&from, frame);
		sl_wire_parse(frame, len, len, &info);
		sl_wire_rewrite(frame, info.l4_off, &to, sl_wire_delta(&info.tuple, &to));
		const char *bad = packet_read(frame, len, &read);
		RTE_TEST_ASSERT(bad && strcmp(bad, "L4 checksum is wrong") == 0, "%s",
			bad ? bad : "became right");
	}
	return TEST_SUCCESS;
}

static int
every_ttl(void)
{
	for (unsigned ttl = 2; ttl < 256; ttl++) {
		const struct packet from = {.src = IP4(192, 0, 2, 1),
			.dst = IP4(192, 0, 2, 2),
			.sport = 1,
			.dport = 2,
			.proto = P_TCP,
			.ttl = (uint8_t)ttl};
		const struct sl_tuple same = {.src = htonl(from.src),
			.dst = htonl(from.dst),
			.sport = htons(1),
			.dport = htons(2),
			.proto = P_TCP};

		if (check_rewrite(&from, &same) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// The sum of random bytes of every length and alignment.
static int
sums(void)
{
	uint8_t bytes[300];

	seed = sl_test_seed();
	for (int i = 0; i < 100000; i++) {
		const size_t at = sl_test_rand(&seed) % 8, len = sl_test_rand(&seed) % 280;
		const bool ones = sl_test_rand(&seed) % 16 == 0;

		for (size_t b = 0; b < len; b++)
			bytes[at + b] = ones ? 0xff : (uint8_t)sl_test_rand(&seed);
		const uint16_t sum = sl_csum_fold(sl_csum_add(bytes + at, len, 0));
		SL_TEST_INT(ntohs(sum), ones_sum(bytes + at, len, 0));
	}
	return TEST_SUCCESS;
}

static int
whole_checksums(void)
{
	seed = sl_test_seed();
	for (int i = 0; i < 20000; i++) {
		struct packet k = random_packet();
		uint8_t frame[512];

		k.proto = (const uint8_t[]){P_TCP, P_UDP, P_ICMP}[i % 3];
		k.no_udp_csum = 0;
		packet_build(&k, frame);
		struct sl_ipv4_hdr *ip = (struct sl_ipv4_hdr *)(frame + 14);
		const uint32_t at = 34 + (k.proto == P_TCP ? 16 : k.proto == P_UDP ? 6 : 2);
		const uint16_t ip_csum = ip->csum, l4_csum = (uint16_t)get16(frame + at);

		SL_TEST_INT(sl_csum_ipv4(ip), ip_csum);
		put16(frame + at, 0);
		SL_TEST_INT(ntohs(sl_csum_l4(ip, frame + 34, ntohs(ip->total_len) - 20u)), l4_csum);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"delta_is_recomputation", delta_is_recomputation},
		{"udp_ffff", udp_ffff},
		{"udp_zero_stays", udp_zero_stays},
		{"reverse_delta", reverse_delta},
		{"wrong_stays_wrong", wrong_stays_wrong},
		{"every_ttl", every_ttl},
		{"sums", sums},
		{"whole_checksums", whole_checksums},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
