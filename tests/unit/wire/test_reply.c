// RST and ICMP answers, read back by other code.

#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_test.h"
#include "sl_wire.h"

// A row says what differs from the usual frame.
#pragma GCC diagnostic ignored "-Woverride-init"

#define CLIENT IP4(198, 51, 100, 7)
#define VIP    IP4(203, 0, 113, 10)
#define US     IP4(192, 0, 2, 1)

#define MACS .eth_dst = {2, 0, 0, 0, 0, 1}, .eth_src = {2, 0, 0, 0, 0, 9}
#define TCP_FRAME                                                                                  \
	MACS, .src = CLIENT, .dst = VIP, .proto = P_TCP, .sport = 40000, .dport = 80, .seq = 1000, \
	      .ack = 5000
#define UDP_FRAME MACS, .src = CLIENT, .dst = VIP, .proto = P_UDP, .sport = 40000, .dport = 53

#define ROOM 1024

// A frame right before the guard page, with exactly room bytes.
static uint32_t
place(const struct guarded *g, const struct packet *k, uint32_t room, uint8_t **data,
	struct sl_wire_info *info)
{
	uint8_t frame[2048];
	const uint32_t len = packet_build(k, frame);

	*data = guarded_at(g, room > len ? room : len);
	memcpy(*data, frame, len);
	sl_wire_parse(*data, len, len, info);
	return len;
}

static const struct rst_row {
	const char *name;
	struct packet in;
	uint32_t room;
	bool silent;
	uint32_t seq, ack;
	uint8_t flags;
} rst_rows[] = {
	// RFC 9293 3.10.7.1
	{"syn", {TCP_FRAME, .flags = T_SYN}, ROOM, false, 0, 1001, T_RST | T_ACK},
	{"syn with data", {TCP_FRAME, .flags = T_SYN, .payload_len = 10}, ROOM, false, 0, 1011,
		T_RST | T_ACK},
	{"syn with options", {TCP_FRAME, .flags = T_SYN, .tcp_off = 10, .payload_len = 20}, ROOM,
		false, 0, 1001, T_RST | T_ACK},
	{"ack", {TCP_FRAME, .flags = T_ACK}, ROOM, false, 5000, 0, T_RST},
	{"ack with data", {TCP_FRAME, .flags = T_ACK | T_PSH, .payload_len = 99}, ROOM, false, 5000,
		0, T_RST},
	{"syn ack", {TCP_FRAME, .flags = T_SYN | T_ACK}, ROOM, false, 5000, 0, T_RST},
	{"fin", {TCP_FRAME, .flags = T_FIN}, ROOM, false, 0, 1001, T_RST | T_ACK},
	{"no flags", {TCP_FRAME, .payload_len = 7}, ROOM, false, 0, 1007, T_RST | T_ACK},
	{"sequence wraps", {TCP_FRAME, .flags = T_SYN, .seq = UINT32_MAX}, ROOM, false, 0, 0,
		T_RST | T_ACK},
	{"padding is no data", {TCP_FRAME, .flags = T_SYN, .pad_len = 6}, ROOM, false, 0, 1001,
		T_RST | T_ACK},
	{"room of exactly 54", {TCP_FRAME, .flags = T_SYN}, 54, false, 0, 1001, T_RST | T_ACK},
	{"rst", {TCP_FRAME, .flags = T_RST}, ROOM, true, 0, 0, 0},
	{"rst ack", {TCP_FRAME, .flags = T_RST | T_ACK}, ROOM, true, 0, 0, 0},
	{"udp", {UDP_FRAME}, ROOM, true, 0, 0, 0},
	{"fragment", {TCP_FRAME, .frag = 0x2000}, ROOM, true, 0, 0, 0},
	{"ip options", {TCP_FRAME, .ihl = 6}, ROOM, true, 0, 0, 0},
	{"source 0.0.0.0", {TCP_FRAME, .flags = T_SYN, .src = 0}, ROOM, true, 0, 0, 0},
	{"source loopback", {TCP_FRAME, .flags = T_SYN, .src = IP4(127, 0, 0, 1)}, ROOM, true, 0, 0,
		0},
	{"source multicast", {TCP_FRAME, .flags = T_SYN, .src = IP4(224, 0, 0, 1)}, ROOM, true, 0,
		0, 0},
	{"source broadcast", {TCP_FRAME, .flags = T_SYN, .src = UINT32_MAX}, ROOM, true, 0, 0, 0},
	{"destination multicast", {TCP_FRAME, .flags = T_SYN, .dst = IP4(239, 0, 0, 1)}, ROOM, true,
		0, 0, 0},
	{"to a multicast mac", {TCP_FRAME, .flags = T_SYN, .eth_dst = {1, 0, 0x5e, 0, 0, 1}}, ROOM,
		true, 0, 0, 0},
	{"from a multicast mac", {TCP_FRAME, .flags = T_SYN, .eth_src = {1, 0, 0x5e, 0, 0, 1}},
		ROOM, true, 0, 0, 0},
};

static int
check_rst(const struct rst_row *r, const struct guarded *g)
{
	uint8_t *data, before[2048];
	struct sl_wire_info info;
	struct packet out;
	const uint32_t len = place(g, &r->in, r->room, &data, &info);

	memcpy(before, data, len);
	const uint32_t n = sl_wire_make_rst(data, r->room, &info);
	if (r->silent) {
		RTE_TEST_ASSERT(n == 0 && memcmp(before, data, len) == 0, "%s: answered", r->name);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(n == 54, "%s: length %u", r->name, n);
	const char *bad = packet_read(data, n, &out);
	RTE_TEST_ASSERT(!bad, "%s: %s", r->name, bad);
	RTE_TEST_ASSERT(out.proto == P_TCP && out.src == r->in.dst && out.dst == r->in.src &&
				out.sport == r->in.dport && out.dport == r->in.sport,
		"%s: tuple", r->name);
	RTE_TEST_ASSERT(memcmp(out.eth_dst, r->in.eth_src, 6) == 0 &&
				memcmp(out.eth_src, r->in.eth_dst, 6) == 0,
		"%s: macs", r->name);
	RTE_TEST_ASSERT(out.seq == r->seq && out.ack == r->ack && out.flags == r->flags,
		"%s: seq %u ack %u flags %02x", r->name, out.seq, out.ack, out.flags);
	RTE_TEST_ASSERT(out.ttl == 64 && out.payload_len == 0, "%s: ttl or length", r->name);
	return TEST_SUCCESS;
}

static int
rst(void)
{
	struct guarded g;
	int failed = 0;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < SL_ARRAY_LEN(rst_rows); i++)
		failed += check_rst(&rst_rows[i], &g) != TEST_SUCCESS;
	guarded_free(&g);
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

static int
rst_without_room(void)
{
	const struct packet in = {TCP_FRAME, .flags = T_SYN};
	struct guarded g;
	uint8_t *data;
	struct sl_wire_info info;

	guarded_new(&g, 4096);
	place(&g, &in, 54, &data, &info);
	SL_TEST_INT(sl_wire_make_rst(data, 53, &info), 0);
	guarded_free(&g);
	return TEST_SUCCESS;
}

static const struct icmp_row {
	const char *name;
	struct packet in;
	uint32_t room;
	uint32_t avail; // 0: all
	uint8_t type, code;
	uint32_t from;
	uint32_t quote; // bytes expected; 0: no answer
} icmp_rows[] = {
	{"udp port unreachable", {UDP_FRAME, .payload_len = 30}, ROOM, 0, 3, 3, 0, 58},
	{"source given", {UDP_FRAME, .payload_len = 30}, ROOM, 0, 3, 13, US, 58},
	{"ttl exceeded of tcp", {TCP_FRAME, .flags = T_ACK, .ttl = 1}, ROOM, 0, 11, 0, 0, 40},
	{"long datagrams are cut at 576", {UDP_FRAME, .payload_len = 1400}, 1500, 0, 3, 3, 0, 548},
	{"just below the limit", {UDP_FRAME, .payload_len = 519}, ROOM, 0, 3, 3, 0, 547},
	{"just at the limit", {UDP_FRAME, .payload_len = 520}, ROOM, 0, 3, 3, 0, 548},
	{"just above the limit", {UDP_FRAME, .payload_len = 521}, ROOM, 0, 3, 3, 0, 548},
	{"odd length", {UDP_FRAME, .payload_len = 11}, ROOM, 0, 3, 3, 0, 39},
	{"padding is not quoted", {UDP_FRAME, .pad_len = 18}, ROOM, 0, 3, 3, 0, 28},
	{"only the contiguous part", {UDP_FRAME, .payload_len = 200}, ROOM, 100, 3, 3, 0, 86},
	{"only what there is room for", {UDP_FRAME, .payload_len = 20}, 80, 0, 3, 3, 0, 38},
	{"room for 8 bytes", {UDP_FRAME}, 70, 0, 3, 3, 0, 28},
	{"no room for 8 bytes", {UDP_FRAME}, 69, 0, 3, 3, 0, 0},
	{"no room at all", {UDP_FRAME}, 42, 0, 3, 3, 0, 0},
	{"ip options are quoted", {UDP_FRAME, .ihl = 7, .payload_len = 4}, ROOM, 0, 3, 13, 0, 40},
	{"echo request", {MACS, .src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 8}, ROOM,
		0, 11, 0, 0, 28},
	{"other protocol", {MACS, .src = CLIENT, .dst = VIP, .proto = 132}, ROOM, 0, 3, 13, 0, 28},
	{"icmp unreachable", {MACS, .src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 3},
		ROOM, 0, 3, 3, 0, 0},
	{"icmp time exceeded", {MACS, .src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 11},
		ROOM, 0, 3, 3, 0, 0},
	{"icmp redirect", {MACS, .src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 5}, ROOM,
		0, 3, 3, 0, 0},
	{"icmp of an unknown type",
		{MACS, .src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 99}, ROOM, 0, 3, 3,
		0, 0},
	{"rst", {TCP_FRAME, .flags = T_RST}, ROOM, 0, 3, 13, 0, 0},
	{"tcp with ip options", {TCP_FRAME, .ihl = 6}, ROOM, 0, 3, 13, 0, 0},
	{"fragment", {UDP_FRAME, .frag = 0x2000}, ROOM, 0, 3, 3, 0, 0},
	{"bad udp", {UDP_FRAME, .fixed_ulen = 3}, ROOM, 0, 3, 3, 0, 0},
	{"bad checksum", {UDP_FRAME, .bad_ip_csum = 1}, ROOM, 0, 3, 3, 0, 0},
	{"source 0.0.0.0", {UDP_FRAME, .src = 0}, ROOM, 0, 3, 3, 0, 0},
	{"source broadcast", {UDP_FRAME, .src = UINT32_MAX}, ROOM, 0, 3, 3, 0, 0},
	{"destination broadcast", {UDP_FRAME, .dst = UINT32_MAX}, ROOM, 0, 3, 3, 0, 0},
	{"to the broadcast mac", {UDP_FRAME, .eth_dst = {255, 255, 255, 255, 255, 255}}, ROOM, 0, 3,
		3, 0, 0},
};

static int
check_icmp(const struct icmp_row *r, const struct guarded *g)
{
	uint8_t *data, before[2048];
	struct sl_wire_info info;
	struct packet out;
	const uint32_t len = place(g, &r->in, r->room, &data, &info);

	memcpy(before, data, len);
	const uint32_t n = sl_wire_make_icmp(
		data, r->avail ? r->avail : len, r->room, &info, r->type, r->code, htonl(r->from));
	if (r->quote == 0) {
		RTE_TEST_ASSERT(n == 0 && memcmp(before, data, len) == 0, "%s: answered", r->name);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(n == 42 + r->quote, "%s: length %u", r->name, n);
	const char *bad = packet_read(data, n, &out);
	RTE_TEST_ASSERT(!bad, "%s: %s", r->name, bad);
	RTE_TEST_ASSERT(out.proto == P_ICMP && out.icmp_type == r->type && out.flags == r->code,
		"%s: type %u code %u", r->name, out.icmp_type, out.flags);
	RTE_TEST_ASSERT(out.src == (r->from ? r->from : r->in.dst) && out.dst == r->in.src,
		"%s: addresses", r->name);
	RTE_TEST_ASSERT(memcmp(out.eth_dst, r->in.eth_src, 6) == 0 &&
				memcmp(out.eth_src, r->in.eth_dst, 6) == 0,
		"%s: macs", r->name);
	RTE_TEST_ASSERT(out.ttl == 64 && data[15] == 0xc0, "%s: ttl or tos", r->name);
	RTE_TEST_ASSERT(memcmp(data + 42, before + 14, r->quote) == 0, "%s: the quote", r->name);
	return TEST_SUCCESS;
}

static int
icmp(void)
{
	struct guarded g;
	int failed = 0;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < SL_ARRAY_LEN(icmp_rows); i++)
		failed += check_icmp(&icmp_rows[i], &g) != TEST_SUCCESS;
	guarded_free(&g);
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"rst", rst},
		{"rst_without_room", rst_without_room},
		{"icmp", icmp},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
