// What queries get: the table of istio-semantics 3.17, and what it leaves open.

#include <sys/socket.h>

#include "dns_names.h"
#include "sl_guard.h"
#include "sl_test.h"

#define T_A     SL_DNS_A
#define T_AAAA  SL_DNS_AAAA
#define HTTPS   65
#define ANY     255
#define IN      1
#define CH      3
#define FORWARD SL_DNS_V_FORWARD
#define DROP    SL_DNS_V_DROP
#define STRANGE "203.0.113.1" // in no client's prefix

struct query {
	const char *name;
	uint16_t type, class_, flags;
	uint16_t edns; // UDP size, 0: no OPT
	uint8_t version;
	uint8_t n; // questions
};

static const struct row {
	const char *client, *name;
	uint16_t type;
	enum sl_dns_verdict verdict;
	const char *ips;   // ascending
	const char *alias; // what the name is a CNAME of
} rows[] = {
	// Known names.
	{STRANGE, "api.example.com", T_A, 0, "240.240.0.1", NULL},
	{STRANGE, "api.example.com", T_AAAA, 0, "2001:db8::1", NULL},
	{STRANGE, "aPi.eXample.COM", T_A, 0, "240.240.0.1", NULL},
	{STRANGE, "three.example.com", T_A, 0, "198.51.100.1 198.51.100.2 198.51.100.3", NULL},
	{STRANGE, "v4.example.com", T_AAAA, 0, "", NULL},
	{STRANGE, "v6.example.com", T_A, 0, "", NULL},
	{STRANGE, "none.example.com", T_A, 0, "", NULL},
	// Other types and unknown names.
	{STRANGE, "api.example.com", HTTPS, FORWARD, NULL, NULL},
	{STRANGE, "api.example.com", ANY, FORWARD, NULL, NULL},
	{STRANGE, "api.example.com", SL_DNS_CNAME, FORWARD, NULL, NULL},
	{STRANGE, "api.example.com", SL_DNS_SOA, FORWARD, NULL, NULL},
	{STRANGE, "x.api.example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "pi.example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "", T_A, FORWARD, NULL, NULL},
	{STRANGE, "*", T_A, FORWARD, NULL, NULL},
	{STRANGE, "nobody.example.com", T_A, FORWARD, NULL, NULL},
	// Wildcards.
	{STRANGE, "wild.example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "a.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	{STRANGE, "a.b.c.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	{STRANGE, "A.Wild.example.com", T_AAAA, 0, "", NULL},
	{STRANGE, "*.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	{STRANGE, "awild.example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "deep.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	{STRANGE, "a.deep.wild.example.com", T_A, 0, "198.51.100.11", NULL},
	{STRANGE, "one.wild.example.com", T_A, 0, "198.51.100.12", NULL},
	{STRANGE, "a.one.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	// Visibility: what the group may not see is unknown, so that a wildcard may serve it.
	{STRANGE, "hidden.example.com", T_A, FORWARD, NULL, NULL},
	{"192.0.2.1", "hidden.example.com", T_A, 0, "198.51.100.4", NULL},
	{"192.0.2.128", "hidden.example.com", T_A, FORWARD, NULL, NULL},
	{STRANGE, "own.wild.example.com", T_A, 0, "198.51.100.10", NULL},
	{"192.0.2.1", "own.wild.example.com", T_A, 0, "198.51.100.13", NULL},
	{STRANGE, "a.own.deep.wild.example.com", T_A, 0, "198.51.100.11", NULL},
	{"192.0.2.1", "a.own.deep.wild.example.com", T_A, 0, "198.51.100.14", NULL},
	{STRANGE, "shared.example.com", T_A, FORWARD, NULL, NULL},
	{"192.0.2.1", "shared.example.com", T_A, 0, "198.51.100.1 198.51.100.9", NULL},
	{"192.0.2.128", "shared.example.com", T_A, 0, "198.51.100.2 198.51.100.9", NULL},
	{"192.0.2.129", "shared.example.com", T_A, 0, "198.51.100.1 198.51.100.2 198.51.100.9",
		NULL},
	{"2001:db8:1::1", "shared.example.com", T_A, 0, "198.51.100.1 198.51.100.9", NULL},
	{"2001:db8:1:2::1", "shared.example.com", T_A, 0, "198.51.100.2 198.51.100.9", NULL},
	{"2001:db8:2::1", "shared.example.com", T_A, FORWARD, NULL, NULL},
	// The search domain.
	{STRANGE, "web.team.lab.local", T_A, 0, "198.51.100.20 198.51.100.21", "web.team"},
	{STRANGE, "Web.team.LAB.local", T_A, 0, "198.51.100.20 198.51.100.21", "web.team"},
	{STRANGE, "web.team.lab.local", T_AAAA, 0, "", NULL},
	{STRANGE, "web.team.lab.local", HTTPS, FORWARD, NULL, NULL},
	{STRANGE, "api.example.com.lab.local", T_AAAA, 0, "2001:db8::1", "api.example.com"},
	{STRANGE, "a.b.team.lab.local", T_A, 0, "198.51.100.22", "*.team"},
	{STRANGE, "a.deep.wild.example.com.lab.local", T_A, 0, "198.51.100.11",
		"*.deep.wild.example.com"},
	{STRANGE, "in.lab.local", T_A, 0, "198.51.100.23", NULL},
	{STRANGE, "in.lab.local.lab.local", T_A, 0, "198.51.100.26", "*.local"},
	{STRANGE, "team.lab.local", T_A, 0, "198.51.100.26", NULL},
	{STRANGE, "lab.local", T_A, 0, "198.51.100.27", NULL},
	{STRANGE, "both.lab.local", T_A, 0, "198.51.100.24", "both"},
	{"192.0.2.1", "both.lab.local", T_A, 0, "198.51.100.25", NULL},
	{"192.0.2.1", "hidden.example.com.lab.local", T_A, 0, "198.51.100.4", "hidden.example.com"},
	{STRANGE, "hidden.example.com.lab.local", T_A, 0, "198.51.100.26", NULL},
	{STRANGE, "both.xlab.local", T_A, 0, "198.51.100.26", NULL},
	{STRANGE, "nobody.example.com.lab.local2", T_A, FORWARD, NULL, NULL},
};

static struct sl_dns_table *table;
static struct guarded in, out;

struct reply {
	enum sl_dns_verdict verdict;
	uint8_t *data;
	uint32_t len;
	bool bad, truncated;
	struct sl_dns_msg msg;
};

static uint32_t
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static uint32_t
put_query(const struct query *q, uint8_t data[1024])
{
	uint32_t n = put16(data, 0xbeef);

	n += put16(data + n, q->flags | SL_DNS_RD);
	n += put16(data + n, q->n);
	n += put16(data + n, 0);
	n += put16(data + n, 0);
	n += put16(data + n, q->edns ? 1 : 0);
	for (uint32_t i = 0; i < q->n; i++) {
		n += (uint32_t)sl_dns_name_put(q->name, data + n);
		n += put16(data + n, q->type);
		n += put16(data + n, q->class_);
	}
	if (q->edns) {
		const uint8_t opt[] = {0, 0, SL_DNS_OPT, (uint8_t)(q->edns >> 8), (uint8_t)q->edns,
			0, q->version, 0x80, 0, 0, 0};

		memcpy(data + n, opt, sizeof(opt));
		n += sizeof(opt);
	}
	return n;
}

static void
ask_bytes(const struct sl_dns_table *t, const char *client, bool tcp, const uint8_t *data,
	uint32_t len, uint64_t rnd, struct reply *r)
{
	const uint32_t room = tcp ? 65535 : 1232;
	uint8_t *at = guarded_at(&in, len);
	struct sl_ip ip;
	bool printable;

	memset(r, 0, sizeof(*r));
	memcpy(at, data, len);
	if (sl_ip_parse(client, &ip) != 0)
		abort();
	r->data = guarded_at(&out, room);
	r->verdict = sl_dns_respond(
		t, &ip, tcp, at, len, rnd, r->data, room, &r->len, &r->bad, &r->truncated);
	if (r->verdict == SL_DNS_V_ANSWER && !sl_dns_parse(r->data, r->len, &r->msg, &printable))
		r->verdict = DROP;
}

static void
ask(const char *client, bool tcp, const struct query *q, uint64_t rnd, struct reply *r)
{
	uint8_t data[1024];

	ask_bytes(table, client, tcp, data, put_query(q, data), rnd, r);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

// The addresses of the answer, sorted, and the CNAME's target. Each record's owner is checked.
static int
read_answer(const struct reply *r, const struct query *q, char ips[1024], char *alias)
{
	char ip[64][SL_IP_STRLEN], owner[SL_DNS_NAME_MAX];
	struct sl_dns_rr rr;
	struct sl_ip addr;
	uint32_t it = 0, n = 0;

	*ips = *alias = '\0';
	while (sl_dns_rr_next(&r->msg, &it, &rr) && rr.section == 1) {
		SL_TEST_INT(rr.ttl, TABLE_TTL);
		SL_TEST_INT(sl_dns_name(&r->msg, rr.name, owner), 0);
		SL_TEST_STR(owner, *alias ? alias : r->msg.qname);
		if (rr.type == SL_DNS_CNAME) {
			SL_TEST_INT(sl_dns_rr_cname(&r->msg, &rr, alias), 0);
			continue;
		}
		SL_TEST_INT(rr.type, q->type);
		RTE_TEST_ASSERT(n < 64 && sl_dns_rr_ip(&r->msg, &rr, &addr), "no address");
		sl_ip_str(&addr, ip[n++]);
	}
	qsort(ip, n, sizeof(ip[0]), by_text);
	for (uint32_t i = 0; i < n; i++)
		ips += sprintf(ips, "%s%s", i ? " " : "", ip[i]);
	return TEST_SUCCESS;
}

static int
check_row(const struct row *row)
{
	const struct query q = {
		.name = row->name, .type = row->type, .class_ = IN, .edns = 1232, .n = 1};
	char ips[1024], alias[SL_DNS_NAME_MAX];
	uint8_t query[1024];
	struct reply r;

	ask(row->client, false, &q, 1, &r);
	SL_TEST_INT(r.verdict, row->verdict);
	SL_TEST_INT(r.bad, false);
	if (r.verdict != SL_DNS_V_ANSWER) {
		SL_TEST_INT(r.len, 0);
		return TEST_SUCCESS;
	}
	SL_TEST_INT(r.msg.flags, SL_DNS_QR | SL_DNS_AA | SL_DNS_RD | SL_DNS_RA);
	SL_TEST_INT(r.msg.id, 0xbeef);
	put_query(&q, query);
	SL_TEST_INT(memcmp(r.data + SL_DNS_HLEN, query + SL_DNS_HLEN, r.msg.qname_len + 4), 0);
	SL_TEST_INT(r.msg.has_opt && r.msg.dnssec_ok && r.msg.udp_size == 1232, true);
	if (read_answer(&r, &q, ips, alias) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_STR(ips, row->ips);
	SL_TEST_STR(alias, row->alias ? row->alias : "");
	return TEST_SUCCESS;
}

static int
names(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		RTE_TEST_ASSERT(check_row(&rows[i]) == TEST_SUCCESS, "%s asks for %s, type %u",
			rows[i].client, rows[i].name, rows[i].type);
	SL_TEST_INT(sl_dns_table_count(table), 20);
	return TEST_SUCCESS;
}

#define NAME "api.example.com"

static const struct error_row {
	const char *name;
	struct query q;
	bool loaded;
	enum sl_dns_verdict verdict;
	uint16_t rcode;
	bool bad;
} errors[] = {
	{"no question", {NAME, T_A, IN, .n = 0}, true, 0, SL_DNS_SERVFAIL, true},
	{"two questions", {NAME, T_A, IN, .n = 2}, true, 0, SL_DNS_FORMERR, true},
	{"not loaded", {NAME, T_A, IN, .n = 1}, false, 0, SL_DNS_SERVFAIL, false},
	{"not loaded, another type", {NAME, HTTPS, IN, .n = 1}, false, 0, SL_DNS_SERVFAIL, false},
	{"NOTIFY", {NAME, T_A, IN, 4 << 11, .n = 1}, true, 0, SL_DNS_NOTIMP, false},
	{"UPDATE", {NAME, SL_DNS_SOA, IN, 5 << 11, .n = 1}, true, 0, SL_DNS_NOTIMP, false},
	{"another class", {NAME, T_A, CH, .n = 1}, true, FORWARD, 0, false},
	{"a response", {NAME, T_A, IN, SL_DNS_QR, .n = 1}, true, DROP, 0, true},
	{"EDNS version 1", {NAME, T_A, IN, .edns = 4096, .version = 1, .n = 1}, true, 0,
		SL_DNS_BADVERS, false},
	{"EDNS version 1, unknown name", {"x", T_A, IN, .edns = 4096, .version = 1, .n = 1}, true,
		0, SL_DNS_BADVERS, false},
	{"a name that has no text", {"a b." NAME, T_A, IN, .n = 1}, true, FORWARD, 0, false},
};

static uint16_t
rcode_of(const struct reply *r)
{
	return r->msg.has_opt ? (uint16_t)(r->data[r->len - 6] << 4 | r->msg.rcode) : r->msg.rcode;
}

static int
check_error(const struct error_row *row)
{
	uint8_t data[1024];
	struct reply r;

	ask_bytes(
		row->loaded ? table : NULL, STRANGE, false, data, put_query(&row->q, data), 1, &r);
	SL_TEST_INT(r.verdict, row->verdict);
	SL_TEST_INT(r.bad, row->bad);
	if (r.verdict != SL_DNS_V_ANSWER)
		return TEST_SUCCESS;
	SL_TEST_INT(rcode_of(&r), row->rcode);
	SL_TEST_INT(r.msg.id, 0xbeef);
	SL_TEST_INT(r.msg.flags & SL_DNS_AA, 0);
	SL_TEST_INT(r.msg.n_answers, 0);
	SL_TEST_INT(r.msg.n_questions, row->q.n != 0);
	return TEST_SUCCESS;
}

static int
failures(void)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		RTE_TEST_ASSERT(check_error(&errors[i]) == TEST_SUCCESS, "%s", errors[i].name);
	return TEST_SUCCESS;
}

// Cut at any byte: dropped while not even the header is there, then FORMERR with the id.
static int
garbage(void)
{
	const struct query q = {.name = NAME, .type = T_A, .class_ = IN, .edns = 1232, .n = 1};
	uint8_t data[1024];
	const uint32_t len = put_query(&q, data);
	struct reply r;

	for (uint32_t cut = 0; cut < len; cut++) {
		ask_bytes(table, STRANGE, false, data, cut, 1, &r);
		SL_TEST_INT(r.bad, true);
		SL_TEST_INT(r.verdict, cut < SL_DNS_HLEN ? DROP : SL_DNS_V_ANSWER);
		if (cut < SL_DNS_HLEN)
			continue;
		SL_TEST_INT(r.len, SL_DNS_HLEN);
		SL_TEST_INT(r.msg.rcode, SL_DNS_FORMERR);
		SL_TEST_INT(r.msg.id, 0xbeef);
	}
	return TEST_SUCCESS;
}

static const struct size_row {
	const char *name;
	bool tcp;
	uint16_t edns;
	const char *host;
	uint32_t len_max, n;
} sizes[] = {
	{"UDP", false, 0, "many.example.com", 512, (512 - 12 - 22) / 16},
	{"EDNS below 512", false, 100, "many.example.com", 512, (512 - 12 - 22 - 11) / 16},
	{"EDNS of 1000", false, 1000, "many.example.com", 1000, (1000 - 12 - 22 - 11) / 16},
	{"EDNS above the cap", false, 4096, "many.example.com", 1232, (1232 - 12 - 22 - 11) / 16},
	{"TCP", true, 0, "many.example.com", 65535, TABLE_MANY},
	{"TCP with EDNS", true, 512, "many.example.com", 65535, TABLE_MANY},
	{"an alias over UDP", false, 0, "many.example.com.lab.local", 512,
		(512 - 12 - 32 - 12 - 18) / 16},
};

static int
check_size(const struct size_row *row)
{
	const struct query q = {
		.name = row->host, .type = T_A, .class_ = IN, .edns = row->edns, .n = 1};
	const bool whole = row->n == TABLE_MANY;
	struct sl_dns_answer_set set;
	struct reply r;

	ask(STRANGE, row->tcp, &q, 1, &r);
	SL_TEST_INT(r.verdict, SL_DNS_V_ANSWER);
	RTE_TEST_ASSERT(r.len <= row->len_max, "%u bytes", r.len);
	SL_TEST_INT((r.msg.flags & SL_DNS_TC) != 0, !whole);
	SL_TEST_INT(r.truncated, !whole);
	SL_TEST_INT(sl_dns_answers(&r.msg, &set), 0);
	SL_TEST_INT(set.n_all, row->n);
	return TEST_SUCCESS;
}

static int
truncation(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		RTE_TEST_ASSERT(check_size(&sizes[i]) == TEST_SUCCESS, "%s", sizes[i].name);
	return TEST_SUCCESS;
}

// Each of the six orders of three addresses comes as often as the others.
static int
order(void)
{
	const struct query q = {.name = "three.example.com", .type = T_A, .class_ = IN, .n = 1};
	uint64_t seed = sl_test_seed();
	struct sl_dns_answer_set set;
	uint32_t seen[256] = {0}, orders = 0;
	struct reply r;

	for (uint32_t i = 0; i < 6000; i++) {
		ask(STRANGE, false, &q, sl_test_rand(&seed), &r);
		SL_TEST_INT(sl_dns_answers(&r.msg, &set), 0);
		const uint32_t first = ((uint8_t *)&set.ip[0].v4)[3],
			       second = ((uint8_t *)&set.ip[1].v4)[3];

		orders += seen[first << 4 | second]++ == 0;
	}
	SL_TEST_INT(orders, 6);
	for (uint32_t i = 0; i < 256; i++)
		RTE_TEST_ASSERT(seen[i] == 0 || (seen[i] > 800 && seen[i] < 1200),
			"order %02x: %u times of 6000", i, seen[i]);
	return TEST_SUCCESS;
}

// No room for the question: nothing is written.
static int
no_room(void)
{
	const struct query q = {.name = NAME, .type = T_A, .class_ = IN, .n = 1};
	uint8_t data[1024], answer[64];
	const uint32_t len = put_query(&q, data);
	struct sl_ip client;
	bool bad, truncated;
	uint32_t n;

	(void)sl_ip_parse(STRANGE, &client);
	for (uint32_t room = 0; room < len; room++) {
		SL_TEST_INT(sl_dns_respond(table, &client, false, data, len, 1,
				    guarded_at(&out, room), room, &n, &bad, &truncated),
			DROP);
		SL_TEST_INT(n, 0);
	}
	SL_TEST_INT(sl_dns_respond(
			    table, &client, false, data, len, 1, answer, len, &n, &bad, &truncated),
		SL_DNS_V_ANSWER);
	SL_TEST_INT(truncated, true);
	return TEST_SUCCESS;
}

static int
empty_table(void)
{
	struct sl_dns_table *t = sl_dns_table_new(&(struct sl_dns_table_cfg){.ttl = 1});
	const struct query q = {.name = NAME, .type = T_A, .class_ = IN, .n = 1};
	uint8_t data[1024];
	struct reply r;

	SL_TEST_INT(sl_dns_table_count(t), 0);
	ask_bytes(t, STRANGE, false, data, put_query(&q, data), 1, &r);
	SL_TEST_INT(r.verdict, FORWARD);
	sl_dns_table_free(t);
	sl_dns_table_free(NULL);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"names", names},
	{"failures", failures},
	{"garbage", garbage},
	{"truncation", truncation},
	{"order", order},
	{"no room", no_room},
	{"empty table", empty_table},
};

int
main(int argc, char **argv)
{
	guarded_new(&in, 1024);
	guarded_new(&out, 65535);
	table = table_make();
	const int rc = sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));

	sl_dns_table_free(table);
	guarded_free(&in);
	guarded_free(&out);
	return rc;
}
