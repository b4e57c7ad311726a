// DNS messages: which are well-formed, what of their question and EDNS is read, names.

#include <errno.h>
#include <sys/socket.h>

#include "dns_bytes.h"

static const struct row {
	const char *name;
	struct bytes m;
	bool ok, odd; // odd: the name has no text
	const char *qname;
	uint16_t qtype, qname_len, udp_size;
	uint32_t records;
	bool dnssec_ok;
} rows[] = {
	{"a query", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") ASKED), true, false,
		"api.example.com", 1, 17, 0, 0, false},
	{"upper case", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\3APi\0" IN_AAAA), true, false,
		"api", 28, 5, 0, 0, false},
	{"the root", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\0\0\2\0\1"), true, false, "", 2, 1,
		0, 0, false},
	{"no question", BYTES(HEAD(QUERY, "\0", "\0", "\0", "\0")), true, false, "", 0, 0, 0, 0,
		false},
	{"two questions", BYTES(HEAD(QUERY, "\2", "\0", "\0", "\0") ASKED "\0" IN_A), true, false,
		"api.example.com", 1, 17, 0, 0, false},
	{"two, one there", BYTES(HEAD(QUERY, "\2", "\0", "\0", "\0") ASKED), .ok = false},
	{"EDNS", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\1") ASKED OPT("\x04\xd0", "\0", "\x80\0")),
		true, false, "api.example.com", 1, 17, 1232, 1, true},
	{"EDNS of 511",
		BYTES(HEAD(QUERY, "\1", "\0", "\0", "\1") ASKED OPT("\1\xff", "\0", "\0\0")), true,
		false, "api.example.com", 1, 17, 512, 1, false},
	{"EDNS twice",
		BYTES(HEAD(QUERY, "\1", "\0", "\0", "\2") ASKED OPT("\4\0", "\0", "\0\0")
				OPT("\4\0", "\0", "\0\0")),
		.ok = false},
	{"EDNS with an owner",
		BYTES(HEAD(QUERY, "\1", "\0", "\0", "\1") ASKED "\1a" OPT("\4\0", "\0", "\0\0")),
		.ok = false},
	{"OPT among the answers is any record",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED OPT("\4\0", "\0", "\0\0")), true,
		false, "api.example.com", 1, 17, 0, 1, false},
	{"an answer", BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED A(AT, "\x1e", "\1")), true,
		false, "api.example.com", 1, 17, 0, 1, false},
	{"trailing bytes",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED A(AT, "\x1e", "\1") "more"), true,
		false, "api.example.com", 1, 17, 0, 1, false},
	{"fewer records than counted",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED A(AT, "\x1e", "\1")), .ok = false},
	{"data past the end",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT IN_A TTL("\1") "\0\5\xc0\0\2\1"),
		.ok = false},
	{"a record without its fixed part",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT IN_A TTL("\1") "\0"),
		.ok = false},
	{"an owner that is cut", BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED "\xc0"),
		.ok = false},
	{"half a header", BYTES("\x12\x34\1\0\0\0"), .ok = false},
	{"nothing", {"", 0}, .ok = false},
	{"a name that is cut", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\3api\7ex"), .ok = false},
	{"a question without its type", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") NAME "\0\1"),
		.ok = false},
	{"a pointer into the header", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\xc0\0" IN_A),
		.ok = false},
	{"a pointer to itself", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\xc0\x0c" IN_A),
		.ok = false},
	{"a loop", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\1a\xc0\x0c" IN_A), .ok = false},
	{"a label of another kind",
		BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\x41"
							  "a\0" IN_A),
		.ok = false},
	{"a dot in a label", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\3a.b\0" IN_A), true, true,
		"", 1, 5, 0, 0, false},
	{"a space", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\3a b\0" IN_A), true, true, "", 1, 5,
		0, 0, false},
	{"NUL", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\1\0\0" IN_A), true, true, "", 1, 3, 0,
		0, false},
	{"DEL", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\1\x7f\0" IN_A), true, true, "", 1, 3, 0,
		0, false},
	{"a star and an underscore", BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\1*\2_x\0" IN_A),
		true, false, "*._x", 1, 6, 0, 0, false},
};

static int
check(const struct row *r, const struct sl_dns_msg *msg, bool printable)
{
	struct sl_dns_rr rr;
	uint32_t it = 0, n = 0;

	RTE_TEST_ASSERT(printable == !r->odd, "%s: printable is %d", r->name, printable);
	SL_TEST_STR(msg->qname, r->qname);
	SL_TEST_INT(msg->id, 0x1234);
	SL_TEST_INT(msg->qtype, r->qtype);
	SL_TEST_INT(msg->qname_len, r->qname_len);
	SL_TEST_INT(msg->udp_size, r->udp_size);
	SL_TEST_INT(msg->has_opt, r->udp_size != 0);
	SL_TEST_INT(msg->dnssec_ok, r->dnssec_ok);
	while (sl_dns_rr_next(msg, &it, &rr))
		n++;
	SL_TEST_INT(n, r->records);
	return TEST_SUCCESS;
}

static int
messages(void)
{
	struct sl_dns_msg msg;
	struct guarded g;
	bool printable;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool ok = parse_at(&g, &rows[i].m, &msg, &printable);

		RTE_TEST_ASSERT(ok == rows[i].ok, "%s: %d", rows[i].name, ok);
		if (ok && check(&rows[i], &msg, printable) != TEST_SUCCESS) {
			printf("# %s\n", rows[i].name);
			return TEST_FAILED;
		}
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

// Every beginning of a message is read within its bounds, and is not well-formed.
static int
beginnings(void)
{
	const struct bytes whole = BYTES(HEAD(REPLY, "\1", "\2", "\1", "\1")
			ASKED CNAME(AT, "\1", "\4", "\1b\xc0\x0c") AAAA("\xc0\x2d", "\2", "\1")
				SOA("\0", "\3", "\3") OPT("\4\0", "\0", "\0\0"));
	struct sl_dns_msg msg;
	struct guarded g;
	bool printable;

	guarded_new(&g, 4096);
	for (size_t len = 0; len <= whole.len; len++) {
		const struct bytes cut = {whole.data, len};

		SL_TEST_INT(parse_at(&g, &cut, &msg, &printable), len == whole.len);
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

// label n times, behind the header: 0 or the error, and the length of the text.
static const struct long_row {
	const char *name;
	const char *label;
	size_t label_len, n;
	int text_len;
} longs[] = {
	{"64 labels", "\1a", 2, 64, 127},
	{"127 labels, 255 bytes", "\1a", 2, 127, 253},
	{"128 labels", "\1a", 2, 128, -EINVAL},
	{"three of 63", "\77aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64, 3,
		191},
	{"four of 63, 257 bytes",
		"\77aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64, 4,
		-EINVAL},
};

static int
long_names(void)
{
	uint8_t data[512] = {0}, wire[255];
	char text[SL_DNS_NAME_MAX];

	for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
		const struct long_row *r = &longs[i];
		const size_t n = repeat(data + SL_DNS_HLEN, r->label, r->label_len, r->n);
		const struct sl_dns_msg msg = {.data = data, .len = SL_DNS_HLEN + (uint32_t)n};
		const int rc = sl_dns_name(&msg, SL_DNS_HLEN, text);

		SL_TEST_INT(rc ? rc : (int)strlen(text), r->text_len);
		if (rc == 0) {
			SL_TEST_INT(sl_dns_name_put(text, wire), n);
			SL_TEST_INT(memcmp(wire, data + SL_DNS_HLEN, n), 0);
		}
	}
	return TEST_SUCCESS;
}

// Pointers go backwards, each to before the labels that it ends, and 127 times at most.
static int
pointers(void)
{
	uint8_t data[512] = "............\1a\0";
	char text[SL_DNS_NAME_MAX];
	struct sl_dns_msg msg = {.data = data};

	for (uint32_t i = 0; i < 130; i++) {
		const uint32_t at = SL_DNS_HLEN + 3 + 2 * i, to = i ? at - 2 : SL_DNS_HLEN;

		data[at] = 0xc0 | to >> 8;
		data[at + 1] = (uint8_t)to;
		msg.len = at + 2;
		SL_TEST_INT(sl_dns_name(&msg, at, text), i < 127 ? 0 : -EINVAL);
		SL_TEST_STR(text, i < 127 ? "a" : "");
	}
	return TEST_SUCCESS;
}

static const struct {
	const char *text;
	int len;
} texts[] = {
	{"", 1},
	{"a", 3},
	{"a.b", 5},
	{"a.", -EINVAL},
	{".", -EINVAL},
	{".a", -EINVAL},
	{"a..b", -EINVAL},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", 67},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", -EINVAL},
};

static int
put(void)
{
	uint8_t wire[255];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		RTE_TEST_ASSERT(
			sl_dns_name_put(texts[i].text, wire) == texts[i].len, "%s", texts[i].text);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"messages", messages},
	{"beginnings", beginnings},
	{"long names", long_names},
	{"pointers", pointers},
	{"names to the wire", put},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
