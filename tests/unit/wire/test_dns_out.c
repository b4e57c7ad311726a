// Responses, byte by byte.

#include <sys/socket.h>

#include "dns_bytes.h"

#define Q     HEAD(QUERY, "\1", "\0", "\0", "\0") "\3aPi\0" IN_A
#define Q_OPT HEAD(QUERY, "\1", "\0", "\0", "\1") "\3aPi\0" IN_A OPT("\x10\0", "\0", "\x80\0")
#define CASED "\3aPi\0" IN_A

static const struct row {
	const char *name;
	struct bytes query;
	uint16_t flags;
	uint8_t rcode;
	const char *to; // the question's name is an alias of it
	uint32_t n;     // addresses
	bool v6;
	uint32_t room; // 0: enough
	struct bytes response;
} rows[] = {
	{"empty", BYTES(Q), SL_DNS_AA, 0, NULL, 0, false, 0,
		BYTES(HEAD("\x85\0", "\1", "\0", "\0", "\0") CASED)},
	{"name error, RA", BYTES(Q), SL_DNS_RA, 3, NULL, 0, false, 0,
		BYTES(HEAD("\x81\x83", "\1", "\0", "\0", "\0") CASED)},
	{"opcode, RD and CD come back, the rest does not",
		BYTES(HEAD("\x27\xff", "\1", "\0", "\0", "\0") CASED), 0, 4, NULL, 0, false, 0,
		BYTES(HEAD("\xa1\x14", "\1", "\0", "\0", "\0") CASED)},
	{"no question", BYTES(HEAD(QUERY, "\0", "\0", "\0", "\0")), 0, 2, NULL, 0, false, 0,
		BYTES(HEAD("\x81\2", "\0", "\0", "\0", "\0"))},
	{"of two questions the first", BYTES(HEAD(QUERY, "\2", "\0", "\0", "\0") CASED "\0" IN_A),
		0, 1, NULL, 0, false, 0, BYTES(HEAD("\x81\1", "\1", "\0", "\0", "\0") CASED)},
	{"addresses", BYTES(Q), SL_DNS_AA, 0, NULL, 2, false, 0,
		BYTES(HEAD("\x85\0", "\1", "\2", "\0", "\0") CASED A(AT, "\x1e", "\1")
				A(AT, "\x1e", "\2"))},
	{"IPv6", BYTES(Q), SL_DNS_AA, 0, NULL, 1, true, 0,
		BYTES(HEAD("\x85\0", "\1", "\1", "\0", "\0") CASED AAAA(AT, "\x1e", "\1"))},
	{"an alias, its target written once", BYTES(Q), SL_DNS_AA, 0, "b.example", 2, false, 0,
		BYTES(HEAD("\x85\0", "\1", "\3", "\0", "\0") CASED CNAME(AT, "\x1e", "\x0b",
			"\1b\7example\0") A("\xc0\x21", "\x1e", "\1") A("\xc0\x21", "\x1e", "\2"))},
	{"EDNS", BYTES(Q_OPT), SL_DNS_AA, 0, NULL, 1, false, 0,
		BYTES(HEAD("\x85\0", "\1", "\1", "\0", "\1") CASED A(AT, "\x1e", "\1")
				OPT("\x04\xd0", "\0", "\x80\0"))},
	{"bad version", BYTES(Q_OPT), 0, SL_DNS_BADVERS, NULL, 0, false, 0,
		BYTES(HEAD("\x81\0", "\1", "\0", "\0", "\1") CASED
			"\0\0\x29\x04\xd0\1\0\x80\0\0\0")},
	{"room for one of two", BYTES(Q), SL_DNS_AA, 0, NULL, 2, false, 21 + 31,
		BYTES(HEAD("\x87\0", "\1", "\1", "\0", "\0") CASED A(AT, "\x1e", "\1"))},
	{"room for two exactly", BYTES(Q), SL_DNS_AA, 0, NULL, 2, false, 21 + 32,
		BYTES(HEAD("\x85\0", "\1", "\2", "\0", "\0") CASED A(AT, "\x1e", "\1")
				A(AT, "\x1e", "\2"))},
	{"no room for the alias: nothing behind it", BYTES(Q), SL_DNS_AA, 0, "b.example", 2, false,
		21 + 18, BYTES(HEAD("\x87\0", "\1", "\0", "\0", "\0") CASED)},
	{"EDNS keeps its room", BYTES(Q_OPT), SL_DNS_AA, 0, NULL, 2, false, 21 + 16 + 11 + 15,
		BYTES(HEAD("\x87\0", "\1", "\1", "\0", "\1") CASED A(AT, "\x1e", "\1")
				OPT("\x04\xd0", "\0", "\x80\0"))},
	{"no room for EDNS", BYTES(Q_OPT), SL_DNS_AA, 0, NULL, 0, false, 21 + 10, {NULL, 0}},
	{"no room for the question", BYTES(Q), SL_DNS_AA, 0, NULL, 0, false, 20, {NULL, 0}},
};

static struct sl_ip
address(bool v6, uint8_t last)
{
	struct sl_ip ip;

	(void)sl_ip_parse(v6 ? "2001:db8::" : "192.0.2.0", &ip);
	if (v6)
		ip.v6[15] = last;
	else
		((uint8_t *)&ip.v4)[3] = last;
	return ip;
}

static uint32_t
respond(const struct row *r, const struct sl_dns_msg *msg, uint8_t *data, uint32_t room)
{
	struct sl_dns_out out;

	if (!sl_dns_out_begin(&out, data, room, msg, r->flags, r->rcode))
		return 0;
	if (r->to)
		sl_dns_out_cname(&out, "", r->to, 30);
	for (uint32_t i = 0; i < r->n; i++) {
		const struct sl_ip ip = address(r->v6, (uint8_t)(i + 1));

		sl_dns_out_ip(&out, r->to ? r->to : "", &ip, 30);
	}
	return sl_dns_out_end(&out, 1232);
}

static int
responses(void)
{
	struct guarded in, out;
	struct sl_dns_msg msg;
	bool printable;

	guarded_new(&in, 512);
	guarded_new(&out, 512);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		const uint32_t room = r->room ? r->room : 512;
		uint8_t *at = guarded_at(&out, room);

		RTE_TEST_ASSERT(parse_at(&in, &r->query, &msg, &printable), "%s", r->name);
		const uint32_t len = respond(r, &msg, at, room);

		RTE_TEST_ASSERT(len == r->response.len, "%s: %u bytes, not %zu", r->name, len,
			r->response.len);
		for (uint32_t b = 0; b < len; b++)
			RTE_TEST_ASSERT(at[b] == (uint8_t)r->response.data[b],
				"%s: byte %u is %02x, not %02x", r->name, b, at[b],
				(uint8_t)r->response.data[b]);
	}
	guarded_free(&in);
	guarded_free(&out);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"responses", responses},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
