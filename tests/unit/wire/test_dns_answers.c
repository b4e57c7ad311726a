// What a DNS message says of its question: addresses at the end of the chain, negative TTLs.

#include <errno.h>
#include <sys/socket.h>

#include "dns_bytes.h"

#define B "\1b\xc0\x10" // b.example.com

static const struct row {
	const char *name;
	struct bytes m;
	int rc;
	uint32_t n, n_all, ttl;
	bool has_soa;
	uint32_t neg_ttl;
	char last[4]; // of each address, its last byte
} rows[] = {
	{"one", BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED A(AT, "\x1e", "\7")), 0, 1, 1, 30,
		false, 0, "\7"},
	{"the least TTL, in the message's order",
		BYTES(HEAD(REPLY, "\1", "\3", "\0", "\0") ASKED A(AT, "\x1e", "\3")
				A(AT, "\x0a", "\1") A(AT, "\x14", "\2")),
		0, 3, 3, 10, false, 0, "\3\1\2"},
	{"each once",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED A(AT, "\x1e", "\3")
				A(AT, "\x0a", "\3")),
		0, 1, 1, 10, false, 0, "\3"},
	{"IPv6",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") NAME IN_AAAA AAAA(AT, "\1", "\1")
				AAAA(AT, "\1", "\2")),
		0, 2, 2, 1, false, 0, "\1\2"},
	{"the other family does not count",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AAAA(AT, "\1", "\1")), 0, 0, 0, 0,
		false, 0, ""},
	{"letter case does not matter",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0")
				ASKED A("\3API\7eXample\3com\0", "\1", "\1")),
		0, 1, 1, 1, false, 0, "\1"},
	{"somebody else's address",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED A("\3apj\xc0\x10", "\1", "\1")), 0,
		0, 0, 0, false, 0, ""},
	{"an address in the additional section",
		BYTES(HEAD(REPLY, "\1", "\0", "\0", "\1") ASKED A(AT, "\1", "\1")), 0, 0, 0, 0,
		false, 0, ""},
	{"a TTL above 2^31 - 1",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT IN_A "\x80\0\0\0\0\4\xc0\0\2\1"),
		0, 1, 1, 0, false, 0, "\1"},
	{"the greatest TTL",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT IN_A
			"\x7f\xff\xff\xff\0\4\xc0\0\2\1"),
		0, 1, 1, INT32_MAX, false, 0, "\1"},
	{"another class",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT
			"\0\1\0\3" TTL("\1") "\0\4....."),
		0, 0, 0, 0, false, 0, ""},
	{"an address of 3 bytes",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED AT IN_A TTL("\1") "\0\3\1\2\3"),
		.rc = -EINVAL},
	{"a chain",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED CNAME(AT, "\5", "\4", B)
				A("\xc0\x2d", "\x1e", "\1")),
		0, 1, 1, 5, false, 0, "\1"},
	{"a chain, its end first",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED A(B, "\x1e", "\1")
				CNAME(AT, "\x3c", "\2", FIRST)),
		0, 1, 1, 30, false, 0, "\1"},
	{"addresses on the way do not count",
		BYTES(HEAD(REPLY, "\1", "\3", "\0", "\0") ASKED CNAME(AT, "\5", "\4", B)
				A(AT, "\1", "\2") A("\xc0\x2d", "\x1e", "\1")),
		0, 1, 1, 5, false, 0, "\1"},
	{"of two ways the first",
		BYTES(HEAD(REPLY, "\1", "\4", "\0", "\0") ASKED CNAME(AT, "\5", "\4", B)
				CNAME(AT, "\5", "\4", "\1c\xc0\x10") A("\1c\xc0\x10", "\1", "\2")
					A("\xc0\x2d", "\x1e", "\1")),
		0, 1, 1, 5, false, 0, "\1"},
	{"through a name that has no text",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED CNAME(AT, "\5", "\4", "\2. \0")
				A("\2. \0", "\x1e", "\1")),
		0, 1, 1, 5, false, 0, "\1"},
	{"to itself", BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED CNAME(AT, "\5", "\2", AT)),
		.rc = -EINVAL},
	{"a loop",
		BYTES(HEAD(REPLY, "\1", "\2", "\0", "\0") ASKED CNAME(AT, "\5", "\4", B)
				CNAME("\xc0\x2d", "\5", "\2", AT)),
		.rc = -EINVAL},
	{"a CNAME longer than its data",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") ASKED CNAME(AT, "\5", "\2", B)),
		.rc = -EINVAL},
	{"a CNAME that loops in its bytes",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0")
				ASKED CNAME(AT, "\5", "\4", "\1b\xc0\x2d")),
		.rc = -EINVAL},
	{"no answer, the SOA's minimum",
		BYTES(HEAD(REPLY, "\1", "\0", "\1", "\0") ASKED SOA("\0", "\x3c", "\x14")), 0, 0, 0,
		0, true, 20, ""},
	{"no answer, the SOA's TTL",
		BYTES(HEAD(REPLY, "\1", "\0", "\1", "\0") ASKED SOA("\0", "\x0a", "\x14")), 0, 0, 0,
		0, true, 10, ""},
	{"no answer at the end of a chain",
		BYTES(HEAD(REPLY, "\1", "\1", "\1", "\0") ASKED CNAME(AT, "\5", "\4", B)
				SOA("\0", "\x3c", "\x14")),
		0, 0, 0, 5, true, 5, ""},
	{"no answer, no SOA", BYTES(HEAD(REPLY, "\1", "\0", "\0", "\0") ASKED), 0, 0, 0, 0, false,
		0, ""},
	{"an SOA that is short",
		BYTES(HEAD(REPLY, "\1", "\0", "\1", "\0") ASKED "\0\0\6\0\1" TTL("\1") "\0\4\0\0\0"
										       "\0"),
		.rc = -EINVAL},
	{"with addresses the SOA is not looked at",
		BYTES(HEAD(REPLY, "\1", "\1", "\1", "\0") ASKED A(AT, "\x1e", "\1")
				SOA("\0", "\x3c", "\x14")),
		0, 1, 1, 30, false, 0, "\1"},
	{"another type is asked for",
		BYTES(HEAD(REPLY, "\1", "\1", "\0", "\0") NAME "\0\5\0\1" A(AT, "\1", "\1")),
		.rc = -EINVAL},
	{"no question", BYTES(HEAD(REPLY, "\0", "\0", "\0", "\0")), .rc = -EINVAL},
};

static int
check(const struct row *r, const struct sl_dns_msg *msg)
{
	struct sl_dns_answer_set set;

	SL_TEST_INT(sl_dns_answers(msg, &set), r->rc);
	if (r->rc)
		return TEST_SUCCESS;
	SL_TEST_INT(set.n, r->n);
	SL_TEST_INT(set.n_all, r->n_all);
	SL_TEST_INT(set.ttl, r->ttl);
	SL_TEST_INT(set.has_soa, r->has_soa);
	SL_TEST_INT(set.neg_ttl, r->neg_ttl);
	for (uint32_t i = 0; i < set.n; i++) {
		const struct sl_ip *ip = &set.ip[i];
		const uint8_t *last =
			ip->family == AF_INET ? (const uint8_t *)&ip->v4 + 3 : ip->v6 + 15;

		SL_TEST_INT(*last, r->last[i]);
	}
	return TEST_SUCCESS;
}

static int
answers(void)
{
	struct sl_dns_msg msg;
	struct guarded g;
	bool printable;

	guarded_new(&g, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RTE_TEST_ASSERT(
			parse_at(&g, &rows[i].m, &msg, &printable), "%s: malformed", rows[i].name);
		if (check(&rows[i], &msg) != TEST_SUCCESS) {
			printf("# %s\n", rows[i].name);
			return TEST_FAILED;
		}
	}
	guarded_free(&g);
	return TEST_SUCCESS;
}

// A chain of n: a -> b -> c ..., an address at its end.
static int
chain(uint32_t n, struct sl_dns_answer_set *set)
{
	static uint8_t data[4096];
	uint8_t *p = data;
	struct sl_dns_msg msg;
	bool printable;

#define PUT(literal) (memcpy(p, literal, sizeof(literal) - 1), p += sizeof(literal) - 1)
	PUT(HEAD(REPLY, "\1", "\0", "\0", "\0") "\1a\0" IN_A);
	data[7] = (uint8_t)(n + 1);
	for (uint32_t i = 0; i < n; i++) {
		PUT(CNAME("\1?\0", "\x3c", "\3", "\1?\0"));
		p[-2] = (uint8_t)('b' + i);
		p[-15] = (uint8_t)('a' + i);
	}
	PUT(A("\1?\0", "\x1e", "\1"));
	p[-16] = (uint8_t)('a' + n);
#undef PUT
	if (!sl_dns_parse(data, (uint32_t)(p - data), &msg, &printable))
		return -EBADMSG;
	return sl_dns_answers(&msg, set);
}

static int
long_chains(void)
{
	struct sl_dns_answer_set set;

	for (uint32_t n = 0; n < 20; n++) {
		SL_TEST_INT(chain(n, &set), n <= 16 ? 0 : -EINVAL);
		if (n <= 16)
			SL_TEST_INT(set.n, 1);
	}
	return TEST_SUCCESS;
}

// More addresses than the set holds: counted.
static int
many(void)
{
	static uint8_t data[4096];
	const uint32_t n = 100;
	const char head[] = HEAD(REPLY, "\1", "\x64", "\0", "\0") ASKED, one[] = A(AT, "\1", "\0");
	uint8_t *p = data + sizeof(head) - 1;
	struct sl_dns_answer_set set;
	struct sl_dns_msg msg;
	bool printable;

	memcpy(data, head, sizeof(head) - 1);
	for (uint32_t i = 0; i < n; i++, p += sizeof(one) - 1) {
		memcpy(p, one, sizeof(one) - 1);
		p[sizeof(one) - 2] = (uint8_t)i;
	}
	RTE_TEST_ASSERT(sl_dns_parse(data, (uint32_t)(p - data), &msg, &printable), "malformed");
	SL_TEST_INT(sl_dns_answers(&msg, &set), 0);
	SL_TEST_INT(set.n, 64);
	SL_TEST_INT(set.n_all, n);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"answers", answers},
	{"long chains", long_chains},
	{"many addresses", many},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
