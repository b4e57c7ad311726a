// What ICMP errors quote, each frame against a guard page.

#include "sl_guard.h"
#include "sl_packet.h"
#include "sl_test.h"
#include "sl_wire.h"

// A row says what differs from the usual frame.
#pragma GCC diagnostic ignored "-Woverride-init"

#define ROUTER IP4(192, 0, 2, 254)
#define POOL   IP4(203, 0, 113, 128)
#define EP     IP4(192, 0, 2, 11)

// The datagram that is quoted: what we sent.
#define TCP_SENT .src = POOL, .dst = EP, .proto = P_TCP, .sport = 1024, .dport = 8080, .seq = SEQ
#define UDP_SENT .src = POOL, .dst = EP, .proto = P_UDP, .sport = 1024, .dport = 8080
#define SEQ      0xfedcba98

static const struct row {
	const char *name;
	struct packet sent;
	uint8_t type, code;
	uint16_t quoted; // bytes of it (0: 28)
	uint8_t ihl;     // of the outer header, with options
	uint16_t cut;    // the contiguous part ends here (0: whole)
	uint16_t more;   // bytes behind the quote
	uint8_t bad;     // 1: ICMP's checksum is wrong; 2: the ICMP header is cut
	bool ok;
} rows[] = {
	{"unreachable, 8 bytes exactly", {TCP_SENT}, .type = 3, .code = 1, .ok = true},
	{"the whole segment", {TCP_SENT}, .type = 3, .code = 1, .quoted = 40, .ok = true},
	{"of 9 bytes", {TCP_SENT}, .type = 3, .code = 1, .quoted = 29, .ok = true},
	{"UDP", {UDP_SENT}, .type = 3, .code = 3, .ok = true},
	{"extensions behind it, RFC 4884", {TCP_SENT}, .type = 3, .code = 1, .quoted = 40,
		.more = 100, .ok = true},
	{"source quench", {TCP_SENT}, .type = 4, .code = 0, .ok = true},
	{"redirect", {TCP_SENT}, .type = 5, .code = 1, .ok = true},
	{"time exceeded", {TCP_SENT}, .type = 11, .code = 0, .ok = true},
	{"parameter problem", {TCP_SENT}, .type = 12, .code = 0, .ok = true},
	{"every code is told", {TCP_SENT}, .type = 3, .code = 255, .ok = true},
	{"echo reply", {TCP_SENT}, .type = 0, .code = 0},
	{"echo request", {TCP_SENT}, .type = 8, .code = 0},
	{"timestamp", {TCP_SENT}, .type = 13, .code = 0},
	{"a type of nobody", {TCP_SENT}, .type = 255, .code = 0},

	{"7 bytes", {TCP_SENT}, .type = 3, .code = 1, .quoted = 27},
	{"the header alone", {TCP_SENT}, .type = 3, .code = 1, .quoted = 20},
	{"a header that is cut", {TCP_SENT}, .type = 3, .code = 1, .quoted = 19},
	{"one byte", {TCP_SENT}, .type = 3, .code = 1, .quoted = 1},
	{"ICMP's header is cut", {TCP_SENT}, .type = 3, .code = 1, .quoted = 1, .bad = 2},
	{"not contiguous", {TCP_SENT}, .type = 3, .code = 1, .cut = 69},
	{"wrong checksum", {TCP_SENT}, .type = 3, .code = 1, .bad = 1},

	{"options inside", {TCP_SENT, .ihl = 6}, .type = 3, .code = 1, .quoted = 32, .ok = true},
	{"all options inside", {TCP_SENT, .ihl = 15}, .type = 3, .code = 1, .quoted = 68,
		.ok = true},
	{"options inside, 7 bytes behind", {TCP_SENT, .ihl = 6}, .type = 3, .code = 1,
		.quoted = 31},
	{"options take all there is", {TCP_SENT, .ihl = 15}, .type = 3, .code = 1, .quoted = 60},
	{"options inside that are cut", {TCP_SENT, .ihl = 15}, .type = 3, .code = 1, .quoted = 40},
	{"options outside", {TCP_SENT}, .type = 3, .code = 1, .ihl = 6},
	{"first fragment inside", {TCP_SENT, .frag = 0x2000}, .type = 3, .code = 1, .ok = true},
	{"don't fragment inside", {TCP_SENT, .frag = 0x4000}, .type = 3, .code = 4, .ok = true},
	{"middle fragment inside", {TCP_SENT, .frag = 0x2010}, .type = 3, .code = 1},
	{"last fragment inside", {TCP_SENT, .frag = 0x0001}, .type = 3, .code = 1},
	{"version 6 inside", {TCP_SENT, .version = 6}, .type = 3, .code = 1},
	{"version 5 inside", {TCP_SENT, .version = 5}, .type = 3, .code = 1},
	{"ICMP inside", {TCP_SENT, .proto = P_ICMP}, .type = 3, .code = 1},
	{"SCTP inside", {TCP_SENT, .proto = 132}, .type = 3, .code = 1},

	{"total length inside is not looked at", {TCP_SENT, .fixed_total = 19}, .type = 3,
		.code = 1, .ok = true},
	{"nor one too long", {TCP_SENT, .fixed_total = 65535}, .type = 3, .code = 1, .ok = true},
	{"nor the header's checksum", {TCP_SENT, .bad_ip_csum = 1}, .type = 3, .code = 1,
		.ok = true},
	{"nor its own", {TCP_SENT, .bad_l4_csum = 1}, .type = 3, .code = 1, .quoted = 40,
		.ok = true},
};

static void
seal(uint8_t *frame, uint8_t ihl, uint32_t len)
{
	uint8_t *ip = frame + 14, *icmp = ip + ihl * 4;

	put16(ip + 2, len - 14);
	put16(ip + 10, 0);
	put16(ip + 10, ~ones_sum(ip, ihl * 4u, 0));
	put16(icmp + 2, 0);
	put16(icmp + 2, ~ones_sum(icmp, len - 14 - ihl * 4u, 0));
}

static uint32_t
build(const struct row *row, uint8_t *frame)
{
	const uint16_t quoted = row->quoted ? row->quoted : 28;
	const struct packet outer = {.src = ROUTER,
		.dst = POOL,
		.proto = P_ICMP,
		.icmp_type = row->type,
		.ihl = row->ihl,
		.payload_len = (uint16_t)(quoted + row->more)};
	const uint8_t ihl = row->ihl ? row->ihl : 5;
	uint8_t sent[512] = {0}, *icmp = frame + 14 + ihl * 4;
	uint32_t len = packet_build(&outer, frame);

	packet_build(&row->sent, sent);
	memcpy(icmp + 8, sent + 14, quoted);
	icmp[1] = row->code;
	if (row->bad == 2)
		len = (uint32_t)(icmp - frame) + 7;
	seal(frame, ihl, len);
	if (row->bad == 1)
		icmp[3] ^= 1;
	return len;
}

static bool
parse(const struct guarded *g, const uint8_t *frame, uint32_t data_len, uint32_t len,
	struct sl_wire_icmp_error *e)
{
	struct sl_wire_info info;
	uint8_t *data = guarded_at(g, data_len);

	memcpy(data, frame, data_len);
	sl_wire_parse(data, data_len, len, &info);
	return sl_wire_parse_icmp_error(data, data_len, &info, e);
}

static bool
says_what_was_sent(const struct row *row, const struct sl_wire_icmp_error *e)
{
	return e->type == row->type && e->code == row->code && e->tuple.src == htonl(POOL) &&
	       e->tuple.dst == htonl(EP) && e->tuple.sport == htons(1024) &&
	       e->tuple.dport == htons(8080) && e->tuple.proto == row->sent.proto &&
	       e->seq == (row->sent.proto == P_TCP ? SEQ : 0);
}

static int
table(void)
{
	struct guarded g;
	uint8_t frame[1024];

	guarded_new(&g, sizeof(frame));
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		const uint32_t len = build(row, frame);
		struct sl_wire_icmp_error e;
		const bool ok = parse(&g, frame, row->cut ? row->cut : len, len, &e);

		RTE_TEST_ASSERT(ok == row->ok, "%s: %d", row->name, ok);
		RTE_TEST_ASSERT(
			!ok || says_what_was_sent(row, &e), "%s: says something else", row->name);
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

// Each length of the inner header that the first byte can say, in each length of the quote.
static int
every_inner_length(void)
{
	struct guarded g;
	uint8_t frame[1024];
	unsigned n_ok = 0;

	guarded_new(&g, sizeof(frame));
	for (unsigned first = 0; first < 256; first++) {
		for (uint16_t quoted = 1; quoted <= 80; quoted++) {
			const struct row row = {
				.sent = {TCP_SENT}, .type = 3, .code = 1, .quoted = quoted};
			const uint32_t len = build(&row, frame), hlen = (first & 15) * 4;
			struct sl_wire_icmp_error e;

			frame[14 + 20 + 8] = (uint8_t)first;
			seal(frame, 5, len);
			const bool ok = parse(&g, frame, len, len, &e);

			RTE_TEST_ASSERT(ok == (first >> 4 == 4 && hlen >= 20 && hlen + 8 <= quoted),
				"first byte %02x of %u quoted: %d", first, quoted, ok);
			n_ok += ok;
		}
	}
	guarded_free(&g);
	RTE_TEST_ASSERT(n_ok > 0, "none was taken");
	return TEST_SUCCESS;
}

// A frame that ends anywhere, with lengths that say so and without.
static int
every_cut(void)
{
	const struct row row = {.sent = {TCP_SENT}, .type = 3, .code = 1};
	struct guarded g;
	uint8_t frame[1024];
	struct sl_wire_icmp_error e;

	guarded_new(&g, sizeof(frame));
	const uint32_t len = build(&row, frame);

	for (uint32_t cut = 0; cut <= len; cut++) {
		RTE_TEST_ASSERT(parse(&g, frame, cut, cut, &e) == (cut == len), "cut %u", cut);
		RTE_TEST_ASSERT(
			parse(&g, frame, cut, len, &e) == (cut == len), "%u contiguous", cut);
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"table", table},
		{"every_inner_length", every_inner_length},
		{"every_cut", every_cut},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
