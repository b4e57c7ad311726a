// Parse verdicts, each frame against a guard page.

#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_test.h"
#include "sl_wire_plain.h"

// A row says what differs from the usual frame.
#pragma GCC diagnostic ignored "-Woverride-init"

#define CLIENT IP4(198, 51, 100, 7)
#define VIP    IP4(203, 0, 113, 10)

#define TCP_FRAME .src = CLIENT, .dst = VIP, .proto = P_TCP, .sport = 40000, .dport = 80
#define UDP_FRAME .src = CLIENT, .dst = VIP, .proto = P_UDP, .sport = 40000, .dport = 53

static const struct row {
	const char *name;
	struct packet packet;
	uint16_t cut;        // the frame ends here (0: whole)
	uint16_t contiguous; // only this much is contiguous (0: all)
	enum sl_wire_kind kind;
	uint8_t l4_off; // checked when not zero
	uint16_t ip_len;
} rows[] = {
	{.name = "tcp syn",
		.packet = {TCP_FRAME, .flags = T_SYN},
		.kind = SL_WIRE_L4,
		.l4_off = 34,
		.ip_len = 40},
	{.name = "udp",
		.packet = {UDP_FRAME, .payload_len = 20},
		.kind = SL_WIRE_L4,
		.l4_off = 34,
		.ip_len = 48},
	{.name = "udp with nothing in it", .packet = {UDP_FRAME}, .kind = SL_WIRE_L4, .ip_len = 28},
	{.name = "padding behind the datagram",
		.packet = {TCP_FRAME, .pad_len = 6},
		.kind = SL_WIRE_L4,
		.ip_len = 40},
	{.name = "udp padded to 60",
		.packet = {UDP_FRAME, .pad_len = 18},
		.kind = SL_WIRE_L4,
		.ip_len = 28},
	{.name = "no bytes", .packet = {TCP_FRAME}, .cut = UINT16_MAX, .kind = SL_WIRE_RUNT},
	{.name = "one byte", .packet = {TCP_FRAME}, .cut = 1, .kind = SL_WIRE_RUNT},
	{.name = "13 bytes", .packet = {TCP_FRAME}, .cut = 13, .kind = SL_WIRE_RUNT},
	{.name = "Ethernet header only", .packet = {TCP_FRAME}, .cut = 14, .kind = SL_WIRE_BAD_IP},
	{.name = "IPv4 header one byte short",
		.packet = {TCP_FRAME},
		.cut = 33,
		.kind = SL_WIRE_BAD_IP},
	{.name = "IPv4 header, nothing behind",
		.packet = {TCP_FRAME},
		.cut = 34,
		.kind = SL_WIRE_BAD_IP},
	{.name = "frame shorter than total length",
		.packet = {TCP_FRAME, .payload_len = 10},
		.cut = 63,
		.kind = SL_WIRE_BAD_IP},
	{.name = "frame of exactly total length",
		.packet = {TCP_FRAME, .payload_len = 10},
		.cut = 64,
		.kind = SL_WIRE_L4,
		.ip_len = 50},
	{.name = "version 5", .packet = {TCP_FRAME, .version = 5}, .kind = SL_WIRE_BAD_IP},
	{.name = "version 6 in an IPv4 frame",
		.packet = {TCP_FRAME, .version = 6},
		.kind = SL_WIRE_BAD_IP},
	{.name = "header of 4 words", .packet = {TCP_FRAME, .ihl = 4}, .kind = SL_WIRE_BAD_IP},
	{.name = "header of 1 word", .packet = {TCP_FRAME, .ihl = 1}, .kind = SL_WIRE_BAD_IP},
	{.name = "total length below the header",
		.packet = {TCP_FRAME, .fixed_total = 19},
		.kind = SL_WIRE_BAD_IP},
	{.name = "total length of the header alone",
		.packet = {TCP_FRAME, .fixed_total = 20},
		.kind = SL_WIRE_BAD_L4},
	{.name = "total length one too many",
		.packet = {TCP_FRAME, .fixed_total = 41},
		.kind = SL_WIRE_BAD_IP},
	{.name = "total length 65535",
		.packet = {TCP_FRAME, .fixed_total = 65535},
		.kind = SL_WIRE_BAD_IP},
	{.name = "one option word",
		.packet = {TCP_FRAME, .ihl = 6},
		.kind = SL_WIRE_OPTIONS,
		.l4_off = 38,
		.ip_len = 44},
	{.name = "ten option words",
		.packet = {UDP_FRAME, .ihl = 15},
		.kind = SL_WIRE_OPTIONS,
		.l4_off = 74,
		.ip_len = 68},
	{.name = "options beyond the frame",
		.packet = {TCP_FRAME, .ihl = 15},
		.cut = 60,
		.kind = SL_WIRE_BAD_IP},
	{.name = "options beyond the contiguous part",
		.packet = {TCP_FRAME, .ihl = 15},
		.contiguous = 60,
		.kind = SL_WIRE_BAD_IP},
	{.name = "options beyond the total length",
		.packet = {TCP_FRAME, .ihl = 8, .fixed_total = 28},
		.kind = SL_WIRE_BAD_IP},
	{.name = "first fragment", .packet = {TCP_FRAME, .frag = 0x2000}, .kind = SL_WIRE_FRAGMENT},
	{.name = "middle fragment",
		.packet = {TCP_FRAME, .frag = 0x2010},
		.kind = SL_WIRE_FRAGMENT},
	{.name = "last fragment", .packet = {TCP_FRAME, .frag = 0x0010}, .kind = SL_WIRE_FRAGMENT},
	{.name = "fragment with options",
		.packet = {TCP_FRAME, .frag = 0x2000, .ihl = 6},
		.kind = SL_WIRE_FRAGMENT},
	{.name = "don't fragment is no fragment",
		.packet = {TCP_FRAME, .frag = 0x4000},
		.kind = SL_WIRE_L4},
	{.name = "evil bit is no fragment",
		.packet = {TCP_FRAME, .frag = 0x8000},
		.kind = SL_WIRE_L4},
	{.name = "bad header checksum",
		.packet = {TCP_FRAME, .bad_ip_csum = 1},
		.kind = SL_WIRE_BAD_CSUM},
	{.name = "bad checksum of a fragment",
		.packet = {TCP_FRAME, .bad_ip_csum = 1, .frag = 1},
		.kind = SL_WIRE_BAD_CSUM},
	{.name = "bad L4 checksum is not looked at",
		.packet = {TCP_FRAME, .bad_l4_csum = 1},
		.kind = SL_WIRE_L4},
	{.name = "tcp header one byte short in total length",
		.packet = {TCP_FRAME, .fixed_total = 39},
		.kind = SL_WIRE_BAD_L4},
	{.name = "tcp header not contiguous",
		.packet = {TCP_FRAME},
		.contiguous = 53,
		.kind = SL_WIRE_BAD_L4},
	{.name = "tcp header just contiguous",
		.packet = {TCP_FRAME, .payload_len = 100},
		.contiguous = 54,
		.kind = SL_WIRE_L4,
		.ip_len = 140},
	{.name = "IPv4 header not contiguous",
		.packet = {TCP_FRAME},
		.contiguous = 33,
		.kind = SL_WIRE_BAD_IP},
	{.name = "Ethernet header not contiguous",
		.packet = {TCP_FRAME},
		.contiguous = 13,
		.kind = SL_WIRE_RUNT},
	{.name = "tcp header in the padding",
		.packet = {TCP_FRAME, .fixed_total = 30},
		.kind = SL_WIRE_BAD_L4},
	{.name = "tcp data offset 4", .packet = {TCP_FRAME, .tcp_off = 4}, .kind = SL_WIRE_BAD_L4},
	{.name = "tcp data offset beyond the segment",
		.packet = {TCP_FRAME, .tcp_off = 6},
		.kind = SL_WIRE_BAD_L4},
	{.name = "tcp with options",
		.packet = {TCP_FRAME, .tcp_off = 15, .payload_len = 40},
		.kind = SL_WIRE_L4},
	{.name = "udp header one byte short",
		.packet = {UDP_FRAME, .fixed_total = 27},
		.kind = SL_WIRE_BAD_L4},
	{.name = "udp header not contiguous",
		.packet = {UDP_FRAME},
		.contiguous = 41,
		.kind = SL_WIRE_BAD_L4},
	{.name = "udp length 7", .packet = {UDP_FRAME, .fixed_ulen = 7}, .kind = SL_WIRE_BAD_L4},
	{.name = "udp length beyond the datagram",
		.packet = {UDP_FRAME, .payload_len = 4, .fixed_ulen = 13},
		.kind = SL_WIRE_BAD_L4},
	{.name = "udp length beyond the datagram, into the padding",
		.packet = {UDP_FRAME, .pad_len = 18, .fixed_ulen = 20},
		.kind = SL_WIRE_BAD_L4},
	{.name = "udp length below the datagram",
		.packet = {UDP_FRAME, .payload_len = 4, .fixed_ulen = 9},
		.kind = SL_WIRE_L4},
	{.name = "icmp",
		.packet = {.src = CLIENT, .dst = VIP, .proto = P_ICMP, .icmp_type = 8},
		.kind = SL_WIRE_IPV4,
		.l4_off = 34,
		.ip_len = 28},
	{.name = "sctp", .packet = {.src = CLIENT, .dst = VIP, .proto = 132}, .kind = SL_WIRE_IPV4},
	{.name = "protocol with no payload",
		.packet = {TCP_FRAME, .proto = 50, .fixed_total = 20},
		.kind = SL_WIRE_IPV4},
	{.name = "arp", .packet = {TCP_FRAME, .eth_type = 0x0806}, .kind = SL_WIRE_OTHER},
	{.name = "ipv6", .packet = {TCP_FRAME, .eth_type = 0x86dd}, .kind = SL_WIRE_OTHER},
	{.name = "vlan", .packet = {TCP_FRAME, .eth_type = 0x8100}, .kind = SL_WIRE_OTHER},
	{.name = "arp of 14 bytes",
		.packet = {TCP_FRAME, .eth_type = 0x0806},
		.cut = 14,
		.kind = SL_WIRE_OTHER},
};

static int
check_row(const struct row *r, const struct guarded *g)
{
	uint8_t frame[2048];
	struct sl_wire_info info;
	uint32_t len = packet_build(&r->packet, frame);

	if (r->cut)
		len = r->cut == UINT16_MAX ? 0 : r->cut;
	const uint32_t contiguous = r->contiguous ? r->contiguous : len;
	uint8_t *data = guarded_at(g, contiguous);

	memcpy(data, frame, contiguous);
	const enum sl_wire_kind kind = sl_wire_parse(data, contiguous, len, &info);
	RTE_TEST_ASSERT(kind == r->kind && info.kind == kind, "%s: kind %d, expected %d", r->name,
		kind, r->kind);
	RTE_TEST_ASSERT(
		!r->l4_off || info.l4_off == r->l4_off, "%s: l4_off %u", r->name, info.l4_off);
	RTE_TEST_ASSERT(
		!r->ip_len || info.ip_len == r->ip_len, "%s: ip_len %u", r->name, info.ip_len);
	if (kind != SL_WIRE_L4 && kind != SL_WIRE_IPV4 && kind != SL_WIRE_FRAGMENT &&
		kind != SL_WIRE_OPTIONS && kind != SL_WIRE_BAD_L4)
		return TEST_SUCCESS;
	RTE_TEST_ASSERT(ntohl(info.tuple.src) == r->packet.src, "%s: source", r->name);
	RTE_TEST_ASSERT(ntohl(info.tuple.dst) == r->packet.dst, "%s: destination", r->name);
	RTE_TEST_ASSERT(info.tuple.proto == r->packet.proto, "%s: protocol", r->name);
	RTE_TEST_ASSERT(info.ttl == 64, "%s: ttl", r->name);
	if (kind == SL_WIRE_L4) {
		RTE_TEST_ASSERT(ntohs(info.tuple.sport) == r->packet.sport, "%s: sport", r->name);
		RTE_TEST_ASSERT(ntohs(info.tuple.dport) == r->packet.dport, "%s: dport", r->name);
		RTE_TEST_ASSERT(info.tcp_flags == r->packet.flags, "%s: flags", r->name);
	}
	return TEST_SUCCESS;
}

static int
verdicts(void)
{
	struct guarded g;
	int failed = 0;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		failed += check_row(&rows[i], &g) != TEST_SUCCESS;
	guarded_free(&g);
	printf("# %zu rows\n", SL_ARRAY_LEN(rows));
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

// Every frame cut at every length, in the frame and in the contiguous part: the guard page says
// whether a byte too many is read; a verdict of L4 must have the headers within both.
static int
every_cut(void)
{
	struct guarded g;
	uint8_t frame[2048];
	struct sl_wire_info info;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const uint32_t len = packet_build(&rows[i].packet, frame);

		for (uint32_t cut = 0; cut <= len; cut++) {
			uint8_t *data = guarded_at(&g, cut);

			memcpy(data, frame, cut);
			sl_wire_parse(data, cut, cut, &info);
			RTE_TEST_ASSERT(sl_wire_parse(data, cut, len, &info) != SL_WIRE_L4 ||
						cut >= info.l4_off + 8u,
				"%s at %u", rows[i].name, cut);
			// A frame length below the contiguous one wins.
			const enum sl_wire_kind half = sl_wire_parse(data, cut, cut / 2, &info);
			RTE_TEST_ASSERT((half == SL_WIRE_RUNT) == (cut / 2 < 14),
				"%s at %u of %u: kind %d", rows[i].name, cut / 2, cut, half);
		}
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

// The short cut knows the usual frames, says the same of them, and leaves all others alone.
static bool
short_cut_agrees(const uint8_t *data, uint32_t contiguous, uint32_t len)
{
	struct sl_wire_info info, plain, untouched;

	memset(&plain, 0xa5, sizeof(plain));
	untouched = plain;
	sl_wire_parse(data, contiguous, len, &info);
	if (info.kind != SL_WIRE_L4 || contiguous < SL_WIRE_PLAIN_LEN)
		return !sl_wire_parse_plain(data, contiguous, len, &plain) &&
		       memcmp(&plain, &untouched, sizeof(plain)) == 0;
	return sl_wire_parse_plain(data, contiguous, len, &plain) &&
	       memcmp(&plain, &info, sizeof(plain)) == 0;
}

static int
mutations(void)
{
	struct guarded g;
	uint8_t frame[2048];
	struct sl_wire_info info;
	uint64_t seed = sl_test_seed();
	uint32_t seen[SL_WIRE_BAD_L4 + 1] = {0};

	guarded_new(&g, 4096);
	for (int i = 0; i < 200000; i++) {
		const struct row *r = &rows[sl_test_rand(&seed) % SL_ARRAY_LEN(rows)];
		const uint32_t len = packet_build(&r->packet, frame);

		for (uint64_t n = sl_test_rand(&seed) % 4; n > 0; n--)
			frame[sl_test_rand(&seed) % len] = (uint8_t)sl_test_rand(&seed);
		// Mostly with a right header checksum: else hardly anything gets past it.
		if (sl_test_rand(&seed) % 4) {
			const uint32_t hlen = (frame[14] & 15) * 4u;

			put16(frame + 24, 0);
			put16(frame + 24, ~ones_sum(frame + 14, hlen, 0));
		}
		const uint32_t cut =
			sl_test_rand(&seed) % 4 ? len : sl_test_rand(&seed) % (len + 1);
		uint8_t *data = guarded_at(&g, cut);

		memcpy(data, frame, cut);
		seen[sl_wire_parse(data, cut, cut, &info)]++;
		RTE_TEST_ASSERT(short_cut_agrees(data, cut, cut), "%s, %u bytes", r->name, cut);
	}
	guarded_free(&g);
	for (unsigned i = 0; i < SL_ARRAY_LEN(seen); i++)
		RTE_TEST_ASSERT(seen[i] > 0, "kind %u was never seen", i);
	return TEST_SUCCESS;
}

static int
hosts(void)
{
	static const struct {
		uint32_t addr;
		bool host, unicast;
	} table[] = {
		{IP4(0, 0, 0, 0), false, false},
		{IP4(0, 255, 255, 255), false, false},
		{IP4(1, 0, 0, 0), true, true},
		{IP4(126, 255, 255, 255), true, true},
		{IP4(127, 0, 0, 1), false, false},
		{IP4(128, 0, 0, 0), true, true},
		{IP4(223, 255, 255, 255), true, true},
		{IP4(224, 0, 0, 1), false, false},
		{IP4(239, 255, 255, 255), false, false},
		{IP4(240, 0, 0, 0), false, true},
		{IP4(240, 240, 0, 1), false, true},
		{IP4(255, 255, 255, 254), false, true},
		{IP4(255, 255, 255, 255), false, false},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(table); i++)
		RTE_TEST_ASSERT(
			sl_wire_is_host(htonl(table[i].addr)) == table[i].host &&
				sl_wire_is_unicast(htonl(table[i].addr)) == table[i].unicast,
			"row %zu", i);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"verdicts", verdicts},
		{"every_cut", every_cut},
		{"mutations", mutations},
		{"hosts", hosts},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
