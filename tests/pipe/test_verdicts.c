// One packet into a fresh box: verdict, reason, and what comes out.

#include "fixture.h"

enum answer { NO_ANSWER, RST, RST_ACK, UNREACH_HOST, UNREACH_PORT, UNREACH_ADMIN, TIME_EXCEEDED };

struct row {
	const char *name;
	struct packet in;
	unsigned port;
	enum sl_verdict verdict;
	enum sl_drop reason;
	enum answer answer;
	// for SL_V_FORWARD: where to
	unsigned out_port;
	uint32_t dst;
	uint16_t dport;
	uint8_t mac[6];
};

#define DROP(r)      .verdict = SL_V_DROP, .reason = SL_DROP_##r
#define ANSWER(r, a) .verdict = SL_V_REPLY, .reason = SL_DROP_##r, .answer = a
#define PUNT         .verdict = SL_V_PUNT
#define HOLD         .verdict = SL_V_HOLD
#define FORWARD(d, p, ...)                                                                         \
	.verdict = SL_V_FORWARD, .out_port = 1, .dst = (d), .dport = (p), .mac = {__VA_ARGS__}
#define TO_EP1        FORWARD(EP1, 8080, MAC_EP1)
#define TO_EP_UDP     FORWARD(EP_UDP, 5353, MAC_EP_UDP)
#define ICMP_TO(addr) .src = CLIENT, .dst = (addr), .proto = P_ICMP, .icmp_type = 8
#define SCTP_TO(addr) .src = CLIENT, .dst = (addr), .proto = 132
#define BROADCAST     .eth_dst = {255, 255, 255, 255, 255, 255}
#define MULTICAST     .eth_dst = {1, 0, 0x5e, 0, 0, 5}
#define OTHER_MAC     .eth_dst = {2, 9, 9, 9, 9, 9}

// clang-format off
static const struct row rows[] = {
	// to a service
	{"tcp syn to a service", {SYN_TO(VIP, 80)}, TO_EP1},
	{"tcp syn from behind a router", {SYN_TO(VIP, 80), .src = REMOTE_CLIENT}, TO_EP1},
	{"tcp syn with data", {SYN_TO(VIP, 80), .payload_len = 33}, TO_EP1},
	{"tcp syn with tcp options", {SYN_TO(VIP, 80), .tcp_off = 10, .payload_len = 20}, TO_EP1},
	{"tcp syn with ethernet padding", {SYN_TO(VIP, 80), .pad_len = 6}, TO_EP1},
	{"tcp syn with psh and no more", {SYN_TO(VIP, 80), .flags = T_SYN | T_PSH}, TO_EP1},
	{"tcp syn with ttl 2", {SYN_TO(VIP, 80), .ttl = 2}, TO_EP1},
	{"tcp syn with ttl 255", {SYN_TO(VIP, 80), .ttl = 255}, TO_EP1},
	{"don't fragment is no fragment", {SYN_TO(VIP, 80), .frag = 0x4000}, TO_EP1},
	{"udp to a service", {UDP_TO(VIP, 53), .payload_len = 12}, TO_EP_UDP},
	{"udp without a checksum", {UDP_TO(VIP, 53), .payload_len = 12, .no_udp_csum = 1}, TO_EP_UDP},
	{"empty udp", {UDP_TO(VIP, 53), .pad_len = 18}, TO_EP_UDP},
	{"udp of odd length", {UDP_TO(VIP, 53), .payload_len = 1}, TO_EP_UDP},
	{"udp of 1472 bytes", {UDP_TO(VIP, 53), .payload_len = 1472}, TO_EP_UDP},
	{"a service on the kernel's address", {SYN_TO(LOCAL, 8443)}, FORWARD(EP1, 8443, MAC_EP1)},
	{"a service on a pool address", {SYN_TO(POOL_VIP, 80)}, TO_EP1},

	// to a service, but not to be served
	{"tcp ack without a flow", {TCP_TO(VIP, 80), .flags = T_ACK, .ack = 77}, ANSWER(NO_FLOW, RST)},
	{"tcp data without a flow", {TCP_TO(VIP, 80), .flags = T_ACK | T_PSH, .payload_len = 9},
		ANSWER(NO_FLOW, RST)},
	{"tcp fin without a flow", {TCP_TO(VIP, 80), .flags = T_FIN}, ANSWER(NO_FLOW, RST_ACK)},
	{"tcp syn+ack without a flow", {TCP_TO(VIP, 80), .flags = T_SYN | T_ACK}, ANSWER(NO_FLOW, RST)},
	{"tcp syn+fin opens nothing", {TCP_TO(VIP, 80), .flags = T_SYN | T_FIN},
		ANSWER(NO_FLOW, RST_ACK)},
	{"tcp without flags", {TCP_TO(VIP, 80)}, ANSWER(NO_FLOW, RST_ACK)},
	{"a rst is never answered", {TCP_TO(VIP, 80), .flags = T_RST}, DROP(NO_FLOW)},
	{"nor is rst+ack", {TCP_TO(VIP, 80), .flags = T_RST | T_ACK}, DROP(NO_FLOW)},
	{"nor syn+rst", {TCP_TO(VIP, 80), .flags = T_SYN | T_RST}, DROP(NO_FLOW)},
	{"no endpoint, tcp", {SYN_TO(VIP, 81)}, ANSWER(NO_ENDPOINT, RST_ACK)},
	{"no endpoint, udp", {UDP_TO(VIP, 81)}, ANSWER(NO_ENDPOINT, UNREACH_PORT)},
	{"no route, tcp", {SYN_TO(VIP, 85)}, ANSWER(NO_ROUTE, UNREACH_HOST)},
	{"no route, udp", {UDP_TO(VIP, 85)}, ANSWER(NO_ROUTE, UNREACH_HOST)},
	{"neighbour has failed, tcp", {SYN_TO(VIP, 83)}, ANSWER(NO_NEIGHBOUR, UNREACH_HOST)},
	{"neighbour has failed, udp", {UDP_TO(VIP, 83)}, ANSWER(NO_NEIGHBOUR, UNREACH_HOST)},
	{"neighbour not resolved", {SYN_TO(VIP, 82)}, HOLD},
	{"neighbour not known", {UDP_TO(VIP, 84)}, HOLD},
	{"ttl 1, tcp", {SYN_TO(VIP, 80), .ttl = 1}, ANSWER(TTL, TIME_EXCEEDED)},
	{"ttl 0, tcp", {SYN_TO(VIP, 80), .ttl_zero = 1}, ANSWER(TTL, TIME_EXCEEDED)},
	{"ttl 1, udp", {UDP_TO(VIP, 53), .ttl = 1}, ANSWER(TTL, TIME_EXCEEDED)},
	{"fragment to a vip", {UDP_TO(VIP, 53), .frag = 0x2000}, DROP(FRAGMENT)},
	{"last fragment to a vip", {UDP_TO(VIP, 53), .frag = 0x0020}, DROP(FRAGMENT)},
	{"fragment to a pool address", {UDP_TO(POOL, 2000), .frag = 0x2000}, DROP(FRAGMENT)},
	{"fragment in transit", {UDP_TO(TRANSIT, 53), .frag = 0x2000}, DROP(FRAGMENT)},
	{"ip options to a vip", {SYN_TO(VIP, 80), .ihl = 6}, DROP(IP_OPTIONS)},
	{"ip options in transit", {SYN_TO(TRANSIT, 80), .ihl = 15}, DROP(IP_OPTIONS)},
	{"bad tcp header to a vip", {SYN_TO(VIP, 80), .tcp_off = 4}, DROP(BAD_L4)},
	{"bad udp length to a vip", {UDP_TO(VIP, 53), .fixed_ulen = 7}, DROP(BAD_L4)},
	{"bad tcp header in transit", {SYN_TO(TRANSIT, 80), .tcp_off = 15}, DROP(BAD_L4)},

	// martians
	{"source 0.0.0.0", {SYN_TO(VIP, 80), .src = 0}, DROP(MARTIAN)},
	{"source loopback", {SYN_TO(VIP, 80), .src = IP4(127, 0, 0, 1)}, DROP(MARTIAN)},
	{"source multicast", {UDP_TO(VIP, 53), .src = IP4(224, 0, 0, 5)}, DROP(MARTIAN)},
	{"source broadcast", {UDP_TO(VIP, 53), .src = UINT32_MAX}, DROP(MARTIAN)},
	{"source is a vip of ours", {SYN_TO(VIP, 80), .src = VIP2}, DROP(MARTIAN)},
	{"source is the destination", {SYN_TO(VIP, 80), .src = VIP, .sport = 80}, DROP(MARTIAN)},
	{"source is a pool address of ours", {SYN_TO(VIP, 80), .src = POOL}, DROP(MARTIAN)},
	{"martian to a pool address", {UDP_TO(POOL, 2000), .src = IP4(127, 9, 9, 9)}, DROP(MARTIAN)},
	{"martian in transit", {UDP_TO(TRANSIT, 53), .src = 0}, DROP(MARTIAN)},

	// nobody declared it
	{"undeclared port, tcp", {SYN_TO(VIP, 8080)}, ANSWER(DENIED, RST_ACK)},
	{"undeclared port, udp", {UDP_TO(VIP, 80)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"undeclared port, tcp ack", {TCP_TO(VIP, 8080), .flags = T_ACK, .ack = 3}, ANSWER(DENIED, RST)},
	{"undeclared port, rst", {TCP_TO(VIP, 8080), .flags = T_RST}, DROP(DENIED)},
	{"tcp port asked by udp", {UDP_TO(VIP2, 80)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"udp port asked by tcp", {SYN_TO(VIP, 53)}, ANSWER(DENIED, RST_ACK)},
	{"other protocol to a vip", {SCTP_TO(VIP)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"transit, tcp", {SYN_TO(TRANSIT, 80)}, ANSWER(DENIED, RST_ACK)},
	{"transit, udp", {UDP_TO(TRANSIT, 53)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"transit, ping", {ICMP_TO(TRANSIT)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"transit, icmp error", {ICMP_TO(TRANSIT), .icmp_type = 3}, DROP(DENIED)},
	{"transit, other protocol", {SCTP_TO(TRANSIT)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"to an endpoint, past the vip", {SYN_TO(EP1, 8080)}, ANSWER(DENIED, RST_ACK)},
	// class E: VIPs, and nothing else
	{"class E vip, tcp", {SYN_TO(VIP_E, 80)}, FORWARD(EP1, 8088, MAC_EP1)},
	{"class E vip, udp", {UDP_TO(VIP_E, 80)}, FORWARD(EP1, 8088, MAC_EP1)},
	{"class E vip, no endpoint, tcp", {SYN_TO(VIP_E, 81)}, ANSWER(NO_ENDPOINT, RST_ACK)},
	{"class E vip, no endpoint, udp", {UDP_TO(VIP_E, 81)}, ANSWER(NO_ENDPOINT, UNREACH_PORT)},
	{"class E vip, undeclared port, tcp", {SYN_TO(VIP_E, 22)}, ANSWER(DENIED, RST_ACK)},
	{"class E vip, undeclared port, udp", {UDP_TO(VIP_E, 22)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"class E vip, ack of no flow", {TCP_TO(VIP_E, 80), .flags = T_ACK, .ack = 3}, ANSWER(NO_FLOW, RST)},
	{"class E vip, ttl 1", {SYN_TO(VIP_E, 80), .ttl = 1}, ANSWER(TTL, TIME_EXCEEDED)},
	{"class E vip, ping", {ICMP_TO(VIP_E)}, PUNT},
	{"class E vip, original destination", {SYN_TO(VIP_E, PORT_ORIGINAL)}, ANSWER(DENIED, RST_ACK)},
	{"class E, any address", {SYN_TO(IP4(240, 240, 1, 1), PORT_ANY)}, ANSWER(DENIED, RST_ACK)},
	{"class E, any address, original destination", {SYN_TO(IP4(240, 240, 1, 1), PORT_ORIGINAL)},
		ANSWER(DENIED, RST_ACK)},
	{"source class E", {SYN_TO(VIP, 80), .src = IP4(240, 1, 2, 3)}, DROP(MARTIAN)},
	{"source class E to class E", {SYN_TO(VIP_E, 80), .src = IP4(240, 1, 2, 3)}, DROP(MARTIAN)},
	{"source is a class E vip", {SYN_TO(VIP, 80), .src = VIP_E}, DROP(MARTIAN)},
	{"to a multicast address", {UDP_TO(IP4(239, 1, 1, 1), 53)}, DROP(DENIED)},
	{"to the broadcast address", {UDP_TO(UINT32_MAX, 53)}, DROP(DENIED)},

	// to a pool address
	{"pool, syn", {SYN_TO(POOL, 2000)}, ANSWER(DENIED, RST_ACK)},
	{"pool, udp", {UDP_TO(POOL, 2000)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"pool, late ack of an endpoint", {TCP_TO(POOL, 2000), .src = EP1, .flags = T_ACK, .ack = 5},
		.port = 1, ANSWER(NO_FLOW, RST)},
	{"pool, late rst of an endpoint", {TCP_TO(POOL, 2000), .src = EP1, .flags = T_RST}, .port = 1,
		DROP(NO_FLOW)},
	{"pool and vip, undeclared port", {SYN_TO(POOL_VIP, 81)}, ANSWER(DENIED, RST_ACK)},
	{"pool and vip, late ack", {TCP_TO(POOL_VIP, 2000), .src = EP1, .flags = T_ACK, .ack = 5},
		.port = 1, ANSWER(NO_FLOW, RST)},
	{"pool, ping", {ICMP_TO(POOL)}, PUNT},
	{"pool, other protocol", {SCTP_TO(POOL)}, ANSWER(DENIED, UNREACH_ADMIN)},
	{"pool and kernel's, syn", {SYN_TO(LOCAL1, 22), .src = EP1}, .port = 1, PUNT},
	{"pool and kernel's, ack", {TCP_TO(LOCAL1, 22), .src = EP1, .flags = T_ACK}, .port = 1, PUNT},
	{"pool and kernel's, udp", {UDP_TO(LOCAL1, 123), .src = EP1}, .port = 1, PUNT},
	{"pool and kernel's, fragment", {UDP_TO(LOCAL1, 123), .src = EP1, .frag = 0x2000}, .port = 1,
		PUNT},

	// the kernel's
	{"ssh to the node", {SYN_TO(LOCAL, 22)}, PUNT},
	{"bgp to the node", {TCP_TO(LOCAL, 179), .flags = T_ACK}, PUNT},
	{"bfd to the node", {UDP_TO(LOCAL, 3784), .ttl = 255}, PUNT},
	{"ttl 1 to the node", {UDP_TO(LOCAL, 3784), .ttl = 1}, PUNT},
	{"udp to the node where tcp is served", {UDP_TO(LOCAL, 8443)}, PUNT},
	{"fragment to the node", {UDP_TO(LOCAL, 53), .frag = 0x2000}, PUNT},
	{"ip options to the node", {SYN_TO(LOCAL, 22), .ihl = 7}, PUNT},
	{"other protocol to the node", {SCTP_TO(LOCAL)}, PUNT},
	{"bad udp to the node", {UDP_TO(LOCAL, 53), .fixed_ulen = 3}, PUNT},
	{"odd source to the node", {UDP_TO(LOCAL, 67), .src = 0}, PUNT},
	{"ping the node", {ICMP_TO(LOCAL)}, PUNT},
	{"ping a vip", {ICMP_TO(VIP)}, PUNT},
	{"ping a vip with options", {ICMP_TO(VIP), .ihl = 8}, PUNT},
	{"big ping of a vip, a fragment", {ICMP_TO(VIP), .frag = 0x2000}, PUNT},
	{"icmp error to a vip", {ICMP_TO(VIP), .icmp_type = 3}, PUNT},
	{"arp", {SYN_TO(VIP, 80), .eth_type = 0x0806}, PUNT},
	{"broadcast arp", {SYN_TO(VIP, 80), .eth_type = 0x0806, BROADCAST}, PUNT},
	{"ipv6", {SYN_TO(VIP, 80), .eth_type = 0x86dd}, PUNT},
	{"multicast ipv6", {SYN_TO(VIP, 80), .eth_type = 0x86dd, MULTICAST}, PUNT},
	{"lldp", {SYN_TO(VIP, 80), .eth_type = 0x88cc, MULTICAST}, PUNT},
	{"vlan", {SYN_TO(VIP, 80), .eth_type = 0x8100}, PUNT},
	{"dhcp", {UDP_TO(UINT32_MAX, 67), .src = 0, BROADCAST}, PUNT},
	{"ospf", {SCTP_TO(IP4(224, 0, 0, 5)), .proto = 89, MULTICAST}, PUNT},
	{"a service by a broadcast frame", {SYN_TO(VIP, 80), BROADCAST}, PUNT},
	{"a service by a multicast frame", {UDP_TO(VIP, 53), MULTICAST}, PUNT},
	{"transit by a broadcast frame", {UDP_TO(TRANSIT, 53), BROADCAST}, PUNT},

	// not for us, or broken
	{"another host's mac", {SYN_TO(VIP, 80), OTHER_MAC}, DROP(NOT_OURS)},
	{"another host's mac, arp", {SYN_TO(VIP, 80), .eth_type = 0x0806, OTHER_MAC}, DROP(NOT_OURS)},
	{"another host's mac, to the node", {SYN_TO(LOCAL, 22), OTHER_MAC}, DROP(NOT_OURS)},
	{"the other port's mac", {SYN_TO(VIP, 80), .eth_dst = {MAC_PORT1}}, DROP(NOT_OURS)},
	{"header checksum", {SYN_TO(VIP, 80), .bad_ip_csum = 1}, DROP(BAD_CSUM)},
	{"header checksum, to the node", {SYN_TO(LOCAL, 22), .bad_ip_csum = 1}, DROP(BAD_CSUM)},
	{"ip version 6 in ipv4", {SYN_TO(VIP, 80), .version = 6}, DROP(BAD_IP)},
	{"header of 3 words", {SYN_TO(VIP, 80), .ihl = 3}, DROP(BAD_IP)},
	{"total length beyond the frame", {SYN_TO(VIP, 80), .fixed_total = 100}, DROP(BAD_IP)},
	{"total length below the header", {SYN_TO(VIP, 80), .fixed_total = 10}, DROP(BAD_IP)},
	{"broken broadcast", {SYN_TO(VIP, 80), .fixed_total = 10, BROADCAST}, DROP(BAD_IP)},
};
// clang-format on

static int
check_answer(const struct row *r, const struct result *got)
{
	static const struct {
		uint8_t proto, flags, icmp_type; // flags: of TCP, or the ICMP code
	} expected[] = {
		[RST] = {P_TCP, T_RST, 0},
		[RST_ACK] = {P_TCP, T_RST | T_ACK, 0},
		[UNREACH_HOST] = {P_ICMP, 1, 3},
		[UNREACH_PORT] = {P_ICMP, 3, 3},
		[UNREACH_ADMIN] = {P_ICMP, 13, 3},
		[TIME_EXCEEDED] = {P_ICMP, 0, 11},
	};
	const struct packet *out = &got->out;

	RTE_TEST_ASSERT(got->out_port == r->port, "%s: out of port %u", r->name, got->out_port);
	RTE_TEST_ASSERT(out->src == r->in.dst && out->dst == r->in.src, "%s: addresses", r->name);
	RTE_TEST_ASSERT(out->proto == expected[r->answer].proto &&
				out->flags == expected[r->answer].flags &&
				out->icmp_type == expected[r->answer].icmp_type,
		"%s: protocol %u flags or code %02x icmp %u", r->name, out->proto, out->flags,
		out->icmp_type);
	if (out->proto == P_TCP)
		RTE_TEST_ASSERT(out->sport == r->in.dport && out->dport == r->in.sport, "%s: ports",
			r->name);
	else
		RTE_TEST_ASSERT(get32(got->frame + 42 + 12) == r->in.src &&
					get32(got->frame + 42 + 16) == r->in.dst,
			"%s: the quoted header", r->name);
	return TEST_SUCCESS;
}

static int
check_forward(const struct row *r, const struct result *got)
{
	static const uint8_t port1[6] = {MAC_PORT1};
	const struct packet *out = &got->out;
	struct packet in;
	uint8_t frame[BUF_BYTES];

	RTE_TEST_ASSERT(got->out_port == r->out_port, "%s: out of port %u", r->name, got->out_port);
	RTE_TEST_ASSERT(out->src == POOL && out->dst == r->dst && out->dport == r->dport,
		"%s: %08x > %08x:%u", r->name, out->src, out->dst, out->dport);
	RTE_TEST_ASSERT(out->sport >= 1024 && out->sport <= 3071, "%s: source port %u", r->name,
		out->sport);
	RTE_TEST_ASSERT(memcmp(out->eth_dst, r->mac, 6) == 0 && memcmp(out->eth_src, port1, 6) == 0,
		"%s: macs", r->name);
	// Nothing but addresses, ports, TTL and checksums has changed.
	in = r->in;
	in.src = out->src;
	in.dst = out->dst;
	in.sport = out->sport;
	in.dport = out->dport;
	in.ttl = (uint8_t)((in.ttl ? in.ttl : 64) - 1);
	memcpy(in.eth_dst, out->eth_dst, 6);
	memcpy(in.eth_src, out->eth_src, 6);
	const uint32_t len = packet_build(&in, frame);
	RTE_TEST_ASSERT(len == got->len && memcmp(frame, got->frame, len) == 0,
		"%s: other bytes than expected", r->name);
	return TEST_SUCCESS;
}

static int
check_row(const struct row *r, struct fixture *fx)
{
	const struct result got = fixture_send(fx, &r->in, r->port);
	const bool opened = r->verdict == SL_V_FORWARD || r->verdict == SL_V_HOLD;

	RTE_TEST_ASSERT(got.verdict == r->verdict && got.reason == r->reason,
		"%s: verdict %u (%s), expected %u (%s)", r->name, got.verdict,
		sl_drop_name(got.reason), r->verdict, sl_drop_name(r->reason));
	RTE_TEST_ASSERT(!got.bad, "%s: %s", r->name, got.bad);
	if (r->verdict == SL_V_DROP || r->verdict == SL_V_REPLY)
		SL_TEST_INT(fixture_drops(fx, r->reason), 1);
	SL_TEST_INT(fixture_live(fx), opened);
	SL_TEST_INT(fixture_active(fx), opened);
	CHECK_BOOKS(fx);
	if (r->verdict == SL_V_REPLY)
		return check_answer(r, &got);
	if (r->verdict == SL_V_FORWARD)
		return check_forward(r, &got);
	return TEST_SUCCESS;
}

static int
table(void)
{
	int failed = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct fixture *fx = fixture_new(NULL);

		failed += check_row(&rows[i], fx) != TEST_SUCCESS;
		fixture_free(fx);
	}
	printf("# %zu rows\n", SL_ARRAY_LEN(rows));
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

// The same with a guard page right behind the frame, and with answers forbidden: what was answered
// is dropped for the same reason, everything else is as before.
static int
table_tight(void)
{
	const struct fixture_opt opt = {.tight = true, .no_replies = true};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct fixture *fx = fixture_new(&opt);
		const struct result got = fixture_send(fx, &r->in, r->port);
		const enum sl_verdict verdict = r->verdict == SL_V_REPLY ? SL_V_DROP : r->verdict;

		RTE_TEST_ASSERT(got.verdict == verdict && got.reason == r->reason,
			"%s: verdict %u (%s)", r->name, got.verdict, sl_drop_name(got.reason));
		SL_TEST_INT(fixture_counter(fx, SL_C_REPLIES_LIMITED), r->verdict == SL_V_REPLY);
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// All rows as one burst after another: neighbours in a burst must not change each other's verdict
// (but for rows that ask for the same connection, which find the flow of the first one).
static int
table_in_bursts(void)
{
	static struct frame frames[SL_BURST];
	static struct result results[SL_BURST];

	for (size_t first = 0; first < SL_ARRAY_LEN(rows); first += SL_BURST) {
		const size_t left = SL_ARRAY_LEN(rows) - first;
		const unsigned n = left < SL_BURST ? (unsigned)left : SL_BURST;
		struct fixture *fx = fixture_new(NULL);

		for (unsigned i = 0; i < n; i++) {
			struct packet k = rows[first + i].in;

			k.sport = (uint16_t)(k.sport + i);
			fixture_frame(fx, &frames[i], &k, rows[first + i].port);
		}
		fixture_burst(fx, 0, frames, n, false, results);
		for (unsigned i = 0; i < n; i++)
			RTE_TEST_ASSERT(results[i].verdict == rows[first + i].verdict &&
						results[i].reason == rows[first + i].reason &&
						!results[i].bad,
				"%s: verdict %u (%s)", rows[first + i].name, results[i].verdict,
				sl_drop_name(results[i].reason));
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Rows again with deny: silent. Only what is denied changes.
static int
table_silent(void)
{
	const struct fixture_opt opt = {.deny = SL_DENY_SILENT};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct fixture *fx = fixture_new(&opt);
		const struct result got = fixture_send(fx, &r->in, r->port);
		const enum sl_verdict verdict =
			r->reason == SL_DROP_DENIED ? SL_V_DROP : r->verdict;

		RTE_TEST_ASSERT(got.verdict == verdict && got.reason == r->reason,
			"%s: verdict %u (%s)", r->name, got.verdict, sl_drop_name(got.reason));
		CHECK_BOOKS(fx);
		fixture_free(fx);
	}
	return TEST_SUCCESS;
}

// Frames cut short, of which only the length says more, and whose headers are not contiguous.
static int
cut_frames(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet syn = {SYN_TO(VIP, 80), .payload_len = 100};
	static struct frame f;
	static struct result r;

	for (uint32_t cut = 0; cut < 54; cut++) {
		const enum sl_drop reason = cut < 14   ? SL_DROP_RUNT
					    : cut < 34 ? SL_DROP_BAD_IP
						       : SL_DROP_BAD_L4;

		fixture_frame(fx, &f, &syn, 0);
		f.data_len = f.room = cut;
		fixture_burst(fx, 0, &f, 1, false, &r);
		RTE_TEST_ASSERT(r.verdict == SL_V_DROP && r.reason == reason, "contiguous %u: %s",
			cut, sl_drop_name(r.reason));
		f.len = cut;
		fixture_burst(fx, 0, &f, 1, false, &r);
		RTE_TEST_ASSERT(r.reason == (cut < 14 ? SL_DROP_RUNT : SL_DROP_BAD_IP),
			"length %u: %s", cut, sl_drop_name(r.reason));
	}
	CHECK_BOOKS(fx);
	SL_TEST_INT(fixture_live(fx), 0);
	fixture_free(fx);
	return TEST_SUCCESS;
}

// A frame of several segments: the headers are contiguous, the rest is not even there.
static int
segments(void)
{
	struct fixture *fx = fixture_new(NULL);
	const struct packet udp = {UDP_TO(VIP, 53), .payload_len = 1000};
	const struct packet denied = {UDP_TO(VIP, 9), .payload_len = 1000};
	static struct frame f;
	static struct result r;

	fixture_frame(fx, &f, &udp, 0);
	f.data_len = f.room = 42;
	fixture_burst(fx, 0, &f, 1, false, &r);
	SL_TEST_INT(r.verdict, SL_V_FORWARD);
	SL_TEST_INT(r.len, 1042);
	fixture_frame(fx, &f, &denied, 0);
	f.data_len = 64;
	f.room = 128;
	fixture_burst(fx, 0, &f, 1, false, &r);
	SL_TEST_INT(r.verdict, SL_V_REPLY);
	RTE_TEST_ASSERT(!r.bad, "%s", r.bad);
	SL_TEST_INT(r.len, 42 + 50);
	CHECK_BOOKS(fx);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"table", table},
		{"table_tight", table_tight},
		{"table_in_bursts", table_in_bursts},
		{"table_silent", table_silent},
		{"cut_frames", cut_frames},
		{"segments", segments},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
