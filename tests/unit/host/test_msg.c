// Messages as a Linux 6.18 kernel sent them (captured) or could, and our own requests.
#include "sl_host_msg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host_tests.h"
#include "sl_buf.h"

// Attributes, little-endian as captured on x86-64: length, type, value.
#define MAIN   "08000f00 fe000000 " // RTA_TABLE
#define OIF2   "08000400 02000000 " // RTA_OIF
#define VIA    "08000500 c0000209 " // RTA_GATEWAY 192.0.2.9
#define NDADDR "08000100 c0000209 " // NDA_DST
// rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
#define RTM(len, type) "02" len "0000 fe0300" type " 00000000 "

static const struct row {
	const char *name;
	uint16_t type;
	const char *hex; // behind nlmsghdr; blanks do not count
	const char *shown;
} rows[] = {
	{"link up", RTM_NEWLINK,
		"00000100 02000000 03100000 ffffffff 08000300 6c616e00 08000400 dc050000",
		"link 2 up mtu 1500 mac 00:00:00:00:00:00 name lan"},
	{"link down", RTM_NEWLINK,
		"00000100 02000000 02100000 ffffffff 0a000100 020000000001 0000 08000400 28230000",
		"link 2 mtu 9000 mac 02:00:00:00:00:01 name "},
	{"link gone", RTM_DELLINK, "00000100 02000000 02100000 ffffffff 08000300 6c616e00",
		"del link 2 mtu 0 mac 00:00:00:00:00:00 name lan"},
	{"a bridge loses a port: the link stays", RTM_DELLINK,
		"07000100 02000000 03100000 00000000", "other"},
	{"address", RTM_NEWADDR,
		"02188000 02000000 08000100 c0000201 08000200 c0000201 08000300 6c616e00"
		"08000800 80000000 14000600 ffffffff ffffffff 32440500 32440500",
		"addr 192.0.2.1/24 dev 2"},
	{"address on point-to-point: ours, not the peer's", RTM_NEWADDR,
		"02208000 02000000 08000100 c0000202 08000200 c0000201", "addr 192.0.2.1/32 dev 2"},
	{"address deleted", RTM_DELADDR, "02188000 02000000 08000200 c0000201",
		"del addr 192.0.2.1/24 dev 2"},
	{"address of IPv6", RTM_NEWADDR,
		"0a400000 02000000 14000100 20010db8 00000000 00000000 00000001", "other"},
	{"local route", RTM_NEWROUTE,
		"02200000 ff02fe02 00000000 08000f00 ff000000 08000100 c0000201 08000700 "
		"c0000201" OIF2,
		"other"},
	{"connected route", RTM_NEWROUTE,
		"02180000 fe02fd01 00000000" MAIN "08000100 c0000200 08000700 c0000201" OIF2,
		"route 192.0.2.0/24 metric 0 dev 2"},
	{"route through a gateway", RTM_NEWROUTE,
		RTM("18", "01") MAIN "08000100 c6336400 08000600 32000000" VIA OIF2,
		"route 198.51.100.0/24 metric 50 via 192.0.2.9 dev 2"},
	{"route deleted", RTM_DELROUTE,
		RTM("18", "01") MAIN "08000100 c6336400 08000600 32000000" VIA OIF2,
		"del route 198.51.100.0/24 metric 50 via 192.0.2.9 dev 2"},
	{"default route, no RTA_DST", RTM_NEWROUTE, RTM("00", "01") MAIN VIA OIF2,
		"route 0.0.0.0/0 metric 0 via 192.0.2.9 dev 2"},
	{"multipath", RTM_NEWROUTE,
		RTM("18", "01") MAIN "08000100 cb007100 24000900"
				     "10000000 02000000 08000500 c000020a"
				     "10000100 03000000 08000500 c000020b",
		"route 203.0.113.0/24 metric 0 via 192.0.2.10 dev 2 via 192.0.2.11 dev 3 dead"},
	{"multipath, linkdown is not dead", RTM_NEWROUTE,
		RTM("18", "01") MAIN
		"08000100 cb007100 14000900 10001000 02000000 08000500 c000020a",
		"route 203.0.113.0/24 metric 0 via 192.0.2.10 dev 2"},
	{"unreachable", RTM_NEWROUTE, RTM("0f", "07") MAIN "08000100 c6120000",
		"route 198.18.0.0/15 metric 0 unreachable"},
	{"blackhole", RTM_NEWROUTE, RTM("0f", "06") MAIN "08000100 c6120000",
		"route 198.18.0.0/15 metric 0 unreachable"},
	{"prohibit", RTM_NEWROUTE, RTM("0f", "08") MAIN "08000100 c6120000",
		"route 198.18.0.0/15 metric 0 unreachable"},
	{"throw: another table may know", RTM_NEWROUTE, RTM("0f", "09") MAIN "08000100 c6120000",
		"other"},
	{"route with a TOS", RTM_NEWROUTE, "02000010 fe030001 00000000" MAIN VIA OIF2, "other"},
	{"table 1278, whose low byte is that of main", RTM_NEWROUTE,
		"02000000 fc030001 00000000 08000f00 fe040000" VIA OIF2, "other"},
	{"main by the attribute, RT_TABLE_COMPAT in the header", RTM_NEWROUTE,
		"02000000 fc030001 00000000" MAIN VIA OIF2,
		"route 0.0.0.0/0 metric 0 via 192.0.2.9 dev 2"},
	{"main by the header alone", RTM_NEWROUTE, RTM("00", "01") VIA OIF2,
		"route 0.0.0.0/0 metric 0 via 192.0.2.9 dev 2"},
	{"host bits are cleared", RTM_NEWROUTE, RTM("18", "01") MAIN "08000100 c63364ff" VIA OIF2,
		"route 198.51.100.0/24 metric 0 via 192.0.2.9 dev 2"},
	{"route through a next-hop object", RTM_NEWROUTE,
		"02190000 fe030001 00000000" MAIN
		"08000100 c6336480 08001e00 07000000 08000500 c000020c" OIF2,
		"route 198.51.100.128/25 metric 0 object 7 via 192.0.2.12 dev 2"},
	{"route through an IPv6 gateway", RTM_NEWROUTE,
		"02190000 fe030001 00000000" MAIN "08000100 cb007180"
		"16001200 0a00 fe80 00000000 00000000 00000000 0001 0000" OIF2,
		"route 203.0.113.128/25 metric 0 dev 2 foreign"},
	{"route of IPv6", RTM_NEWROUTE, "0a000000 fe030001 00000000" MAIN OIF2, "other"},
	{"next-hop object", RTM_NEWNEXTHOP,
		"02fd0000 00000000 08000100 07000000 08000500 02000000 08000600 c000020c",
		"nexthop 7 via 192.0.2.12 dev 2"},
	{"next-hop object with an IPv6 gateway", RTM_NEWNEXTHOP,
		"0afd0000 00000000 08000100 07000000 08000500 02000000"
		"14000600 fe800000 00000000 00000000 00000001",
		"nexthop 7 dev 2 foreign"},
	{"next-hop black hole", RTM_NEWNEXTHOP, "02fd0000 00000000 08000100 09000000 04000400",
		"nexthop 9 blackhole dev 0"},
	{"next-hop group", RTM_NEWNEXTHOP,
		"00000000 00000000 08000100 08000000 06000300 00000000 14000200"
		"07000000 00000000 09000000 00000000 08000e00 00000080",
		"nexthop 8 dev 0 member 7 member 9"},
	{"next-hop object deleted", RTM_DELNEXTHOP, "02000000 00000000 08000100 07000000",
		"del nexthop 7 dev 0"},
	{"neighbour", RTM_NEWNEIGH,
		"02000000 02000000 02000001" NDADDR "0a000200 02000000 00990000 08000400 00000000"
		"14000300 00000000 00000000 00000000 02000000",
		"neigh 192.0.2.9 dev 2 state 0x2 mac 02:00:00:00:00:99"},
	{"neighbour failed", RTM_NEWNEIGH, "02000000 02000000 20000001" NDADDR,
		"neigh 192.0.2.9 dev 2 state 0x20"},
	{"neighbour deleted", RTM_DELNEIGH, "02000000 02000000 20000001" NDADDR,
		"del neigh 192.0.2.9 dev 2 state 0x20"},
	{"proxy entry", RTM_NEWNEIGH, "02000000 02000000 00000801" NDADDR, "other"},
	{"a type that nobody asked for", 36, "", "other"},

	{"short of its own header", RTM_NEWROUTE, "02180000", "bad"},
	{"no attributes but a prefix length", RTM_NEWADDR, "02180000 02000000", "bad"},
	{"prefix length 33", RTM_NEWADDR, "02210000 02000000 08000200 c0000201", "bad"},
	{"route prefix length 33", RTM_NEWROUTE, RTM("21", "01") MAIN VIA OIF2, "bad"},
	{"address of 3 bytes", RTM_NEWADDR, "02180000 02000000 07000200 c0000200", "bad"},
	{"gateway of 16 bytes", RTM_NEWROUTE,
		RTM("00", "01") MAIN "14000500 00000000 00000000 00000000 00000000" OIF2, "bad"},
	{"metric of 2 bytes", RTM_NEWROUTE, RTM("00", "01") MAIN "06000600 01000000" OIF2, "bad"},
	{"leg shorter than its header", RTM_NEWROUTE,
		RTM("00", "01") MAIN "0c000900 04000000 02000000", "bad"},
	{"leg longer than what is there", RTM_NEWROUTE,
		RTM("00", "01") MAIN "0c000900 40000000 02000000", "bad"},
	{"group of one and a half", RTM_NEWNEXTHOP,
		"00000000 00000000 08000100 08000000 10000200 07000000 00000000 09000000", "bad"},
	{"next-hop object without an id", RTM_NEWNEXTHOP, "02000000 00000000", "bad"},
	{"neighbour without an address", RTM_NEWNEIGH, "02000000 02000000 20000001", "bad"},
	{"name without its end", RTM_NEWLINK,
		"00000100 02000000 03100000 ffffffff 08000300 6c616e6e", "bad"},
};

// A message that ends where the readable memory ends.
struct guarded {
	uint8_t *map;
	size_t page;
};

static int
guarded_init(struct guarded *g)
{
	g->page = (size_t)sysconf(_SC_PAGESIZE);
	g->map =
		mmap(NULL, 2 * g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return g->map != MAP_FAILED && mprotect(g->map + g->page, g->page, PROT_NONE) == 0 ? 0 : -1;
}

static struct nlmsghdr *
guarded_put(const struct guarded *g, const uint8_t *msg, size_t len)
{
	return memcpy(g->map + g->page - NLMSG_ALIGN(len), msg, len);
}

static size_t
build(const struct row *row, uint8_t *msg)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)msg;
	size_t len = sizeof(*nlh);
	int half = 0;

	for (const char *c = row->hex; *c; c++) {
		const uint8_t digit = (uint8_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);

		if (*c == ' ')
			continue;
		msg[len] = half ? (uint8_t)(msg[len] << 4 | digit) : digit;
		len += half;
		half = !half;
	}
	*nlh = (struct nlmsghdr){.nlmsg_len = (uint32_t)len, .nlmsg_type = row->type};
	return len;
}

static void
show_hop(struct sl_buf *b, const struct sl_nl_hop *hop)
{
	char text[SL_IP_STRLEN];

	if (hop->gateway)
		sl_buf_printf(b, " via %s", sl_ip4_str(hop->gateway, text));
	sl_buf_printf(b, " dev %u%s%s", hop->ifindex, hop->dead ? " dead" : "",
		hop->foreign ? " foreign" : "");
}

static void
show_route(struct sl_buf *b, const struct sl_nl_route *r)
{
	char text[SL_IP_STRLEN];

	sl_buf_printf(b, "route %s/%u metric %u", sl_ip4_str(r->dst, text), r->len, r->metric);
	if (r->unreachable)
		sl_buf_puts(b, " unreachable");
	if (r->nexthop)
		sl_buf_printf(b, " object %u", r->nexthop);
	for (uint32_t i = 0; i < r->n_hops; i++)
		show_hop(b, &r->hop[i]);
}

static void
show_neigh(struct sl_buf *b, const struct sl_nl_neigh *n)
{
	char ip[SL_IP_STRLEN], mac[SL_MAC_STRLEN];

	sl_buf_printf(
		b, "neigh %s dev %u state %#x", sl_ip4_str(n->addr, ip), n->ifindex, n->state);
	if (n->has_mac)
		sl_buf_printf(b, " mac %s", sl_mac_str(&n->mac, mac));
}

static void
show_nexthop(struct sl_buf *b, const struct sl_nl_nexthop *n)
{
	sl_buf_printf(b, "nexthop %u%s", n->id, n->blackhole ? " blackhole" : "");
	show_hop(b, &n->hop);
	for (uint32_t i = 0; i < n->n_group; i++)
		sl_buf_printf(b, " member %u", n->group[i]);
}

static const char *
show(struct sl_buf *b, int rc, const struct sl_nl_msg *m)
{
	char text[SL_IP_STRLEN];

	sl_buf_reset(b);
	if (rc < 0)
		sl_buf_puts(b, rc == -EBADMSG ? "bad" : "another error");
	else if (m->del)
		sl_buf_puts(b, m->kind == SL_NL_OTHER ? "" : "del ");
	switch (rc < 0 ? (enum sl_nl_kind) - 1 : m->kind) {
	case SL_NL_OTHER:
		sl_buf_puts(b, "other");
		break;
	case SL_NL_LINK:
		sl_buf_printf(b, "link %u%s mtu %u mac %s name %s", m->link.ifindex,
			m->link.up ? " up" : "", m->link.mtu, sl_mac_str(&m->link.mac, text),
			m->link.name);
		break;
	case SL_NL_ADDR:
		sl_buf_printf(b, "addr %s/%u dev %u", sl_ip4_str(m->addr.addr, text), m->addr.len,
			m->addr.ifindex);
		break;
	case SL_NL_ROUTE:
		show_route(b, &m->route);
		break;
	case SL_NL_NEIGH:
		show_neigh(b, &m->neigh);
		break;
	case SL_NL_NEXTHOP:
		show_nexthop(b, &m->nexthop);
		break;
	default:
		break;
	}
	return b->data;
}

int
msg_parse(void)
{
	_Alignas(struct nlmsghdr) uint8_t msg[512];
	struct sl_buf shown = {0};
	struct guarded g;

	SL_TEST_INT(guarded_init(&g), 0);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const size_t len = build(&rows[i], msg);
		struct sl_nl_msg out;
		const int rc = sl_nl_parse(guarded_put(&g, msg, len), &out);

		RTE_TEST_ASSERT(strcmp(show(&shown, rc, &out), rows[i].shown) == 0,
			"%s: got \"%s\", expected \"%s\"", rows[i].name, shown.data, rows[i].shown);
	}
	sl_buf_fini(&shown);
	munmap(g.map, 2 * g.page);
	return TEST_SUCCESS;
}

// Each message cut short, with a header that says the shorter length: no read past the end, and
// never an answer that says more than the whole message did.
int
msg_truncated(void)
{
	_Alignas(struct nlmsghdr) uint8_t msg[512];
	struct guarded g;
	size_t bad = 0;

	SL_TEST_INT(guarded_init(&g), 0);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const size_t whole = build(&rows[i], msg);

		for (size_t len = sizeof(struct nlmsghdr); len < whole; len++) {
			struct nlmsghdr *nlh = guarded_put(&g, msg, len);
			struct sl_nl_msg out;
			int rc;

			nlh->nlmsg_len = (uint32_t)len;
			rc = sl_nl_parse(nlh, &out);
			RTE_TEST_ASSERT(
				rc == 0 || rc == -EBADMSG, "%s at %zu: %d", rows[i].name, len, rc);
			bad += rc < 0;
		}
	}
	RTE_TEST_ASSERT(bad > 100, "only %zu cuts were found bad", bad);
	munmap(g.map, 2 * g.page);
	return TEST_SUCCESS;
}

int
msg_random(void)
{
	_Alignas(struct nlmsghdr) uint8_t msg[512];
	uint64_t seed = sl_test_seed();
	struct guarded g;

	SL_TEST_INT(guarded_init(&g), 0);
	for (int round = 0; round < 200000; round++) {
		const struct row *row = &rows[sl_test_rand(&seed) % SL_ARRAY_LEN(rows)];
		const size_t len = build(row, msg);
		struct sl_nl_msg out;
		int rc, err;
		char words[8];

		for (uint64_t n = sl_test_rand(&seed) % 4; n && len > sizeof(struct nlmsghdr); n--)
			msg[sizeof(struct nlmsghdr) +
				sl_test_rand(&seed) % (len - sizeof(struct nlmsghdr))] =
				(uint8_t)sl_test_rand(&seed);
		((struct nlmsghdr *)msg)->nlmsg_flags = (uint16_t)sl_test_rand(&seed);
		rc = sl_nl_parse(guarded_put(&g, msg, len), &out);
		RTE_TEST_ASSERT(rc == 0 || rc == -EBADMSG, "%s: %d", row->name, rc);
		RTE_TEST_ASSERT(out.kind != SL_NL_ROUTE || out.route.n_hops <= SL_NL_HOPS, "hops");
		RTE_TEST_ASSERT(
			out.kind != SL_NL_NEXTHOP || out.nexthop.n_group <= SL_NL_HOPS, "group");
		RTE_TEST_ASSERT(out.kind != SL_NL_ADDR || rc < 0 || out.addr.len <= 32, "len");
		sl_nl_parse_ack(guarded_put(&g, msg, len), &err, words, sizeof(words));
	}
	munmap(g.map, 2 * g.page);
	return TEST_SUCCESS;
}

// What we ask for, read as if the kernel had told it: the attributes are the same.
int
msg_requests(void)
{
	_Alignas(struct nlmsghdr) uint8_t buf[SL_NL_MSG_BYTES];
	const struct sl_mac mac = {{2, 0, 0, 0, 0, 0x99}};
	const struct sl_ip on_link = {0};
	struct sl_buf shown = {0};
	struct sl_prefix to, addr;
	struct sl_ip via;
	struct sl_nl_msg m;

	sl_prefix_parse("198.51.100.0/24", &to);
	sl_prefix_parse("192.0.2.1/24", &addr);
	sl_ip_parse("192.0.2.9", &via);
	const struct sl_nl_route_req req = {
		.to = &to, .via = &via, .metric = 50, .ifindex = 2, .flags = NLM_F_CREATE};
	const struct sl_nl_route_req link = {.to = &to, .via = &on_link, .ifindex = 2};

	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_route(buf, true, &req), &m), &m),
		"route 198.51.100.0/24 metric 50 via 192.0.2.9 dev 2");
	SL_TEST_INT(((struct nlmsghdr *)buf)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_route(buf, false, &link), &m), &m),
		"del route 198.51.100.0/24 metric 0 dev 2");
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_addr(buf, true, 2, &addr, true), &m), &m),
		"addr 192.0.2.1/24 dev 2");
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_addr(buf, false, 2, &addr, true), &m), &m),
		"del addr 192.0.2.1/24 dev 2");
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_neigh(buf, 2, &via, &mac), &m), &m),
		"neigh 192.0.2.9 dev 2 state 0x80 mac 02:00:00:00:00:99");
	SL_TEST_INT(((struct nlmsghdr *)buf)->nlmsg_flags & NLM_F_REPLACE, NLM_F_REPLACE);
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_neigh(buf, 2, &via, NULL), &m), &m),
		"neigh 192.0.2.9 dev 2 state 0");
	SL_TEST_INT(((struct nlmsghdr *)buf)->nlmsg_flags & NLM_F_REPLACE, 0);
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_neigh_del(buf, 2, &via), &m), &m),
		"del neigh 192.0.2.9 dev 2 state 0");
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_link(buf, 2, &mac, 9000, 1000), &m), &m),
		"link 2 mtu 9000 mac 02:00:00:00:00:99 name ");
	SL_TEST_STR(show(&shown, sl_nl_parse(sl_nl_put_link_up(buf, 2), &m), &m),
		"link 2 up mtu 0 mac 00:00:00:00:00:00 name ");
	sl_buf_fini(&shown);
	return TEST_SUCCESS;
}

// The kernel's refusal of a route whose gateway is nowhere: NETLINK_EXT_ACK, the request echoed.
static const struct row ack_echo = {NULL, NLMSG_ERROR,
	"9bffffff 34000000 18000506 05000000 00000000"
	"02180000 fe040001 00000000 08000100 c6336400 08000500 cb007101 08000400 02000000"
	"20000100 4e657874 686f7020 68617320 696e7661 6c696420 67617465 77617900",
	NULL};
// The same with NETLINK_CAP_ACK.
static const struct row ack_capped = {NULL, NLMSG_ERROR,
	"9bffffff 34000000 18000506 05000000 00000000"
	"20000100 4e657874 686f7020 68617320 696e7661 6c696420 67617465 77617900",
	NULL};

int
msg_acks(void)
{
	_Alignas(struct nlmsghdr) uint8_t msg[512];
	struct nlmsghdr *nlh = (struct nlmsghdr *)msg;
	char words[64];
	int err = 1;

	build(&ack_echo, msg);
	nlh->nlmsg_flags = NLM_F_ACK_TLVS;
	SL_TEST_INT(sl_nl_parse_ack(nlh, &err, words, sizeof(words)), 0);
	SL_TEST_INT(err, -ENETUNREACH);
	SL_TEST_STR(words, "Nexthop has invalid gateway");

	build(&ack_capped, msg);
	nlh->nlmsg_flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
	SL_TEST_INT(sl_nl_parse_ack(nlh, &err, words, 9), 0);
	SL_TEST_STR(words, "Nexthop ");
	nlh->nlmsg_flags = 0; // no attributes said to be there
	SL_TEST_INT(sl_nl_parse_ack(nlh, &err, words, sizeof(words)), 0);
	SL_TEST_STR(words, "");

	nlh->nlmsg_flags = NLM_F_ACK_TLVS; // the echo would end past the message
	nlh->nlmsg_len = NLMSG_LENGTH(20);
	SL_TEST_INT(sl_nl_parse_ack(nlh, &err, words, sizeof(words)), -EBADMSG);
	nlh->nlmsg_len = NLMSG_LENGTH(8);
	SL_TEST_INT(sl_nl_parse_ack(nlh, &err, words, sizeof(words)), -EBADMSG);
	return TEST_SUCCESS;
}
