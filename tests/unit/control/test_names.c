// Names in lib/control: from an object to the resolver, from an answer to the endpoints, and what
// follows. The DNS server is this test.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ask.h"
#include "rig.h"
#include "sl_str.h"
#include "sl_wire_dns.h"

// ---- a server that is asked and answers when the test wants ----

struct server {
	struct sl_dns_ask_fns fns;
	struct {
		struct sl_dns_ask *ask;
		char name[SL_DNS_NAME_MAX];
	} v[RIG_ASKS];
	unsigned n;
	const char *wanted; // is_asked() waits for it
};

static int
start(void *ctx, struct sl_dns_ask *ask)
{
	struct server *s = ctx;

	if (s->n == RIG_ASKS)
		return -ENOBUFS;
	s->v[s->n].ask = ask;
	snprintf(s->v[s->n++].name, SL_DNS_NAME_MAX, "%s", ask->name);
	return 0;
}

static void
cancel(void *ctx, struct sl_dns_ask *ask, bool late)
{
	struct server *s = ctx;

	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].ask == ask)
			s->v[i--] = s->v[--s->n];
}

static bool
is_asked(void *ctx)
{
	const struct server *s = ctx;

	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, s->wanted) == 0)
			return true;
	return false;
}

static void
put16(struct sl_buf *b, unsigned v)
{
	sl_buf_putc(b, (char)(v >> 8));
	sl_buf_putc(b, (char)v);
}

// A message with those addresses ("192.0.2.1 192.0.2.2"), or with that rcode and none.
static void
message(struct sl_buf *b, const struct sl_dns_ask *ask, const char *name, const char *addresses,
	unsigned rcode)
{
	uint8_t wire[255];
	const int len = sl_dns_name_put(name, wire);
	struct sl_buf rrs = {0};
	unsigned n = 0;

	for (const char *a = addresses; *a; a += strcspn(a, " "), a += *a == ' ') {
		char text[SL_IP_STRLEN];
		struct sl_ip ip;

		snprintf(text, sizeof(text), "%.*s", (int)strcspn(a, " "), a);
		sl_ip_parse(text, &ip);
		put16(&rrs, 0xc00c);
		put16(&rrs, SL_DNS_A);
		put16(&rrs, 1);
		put16(&rrs, 0);
		put16(&rrs, 30);
		put16(&rrs, 4);
		sl_buf_put(&rrs, &ip.v4, 4);
		n++;
	}
	put16(b, 0);
	put16(b, SL_DNS_QR | SL_DNS_RA | rcode);
	put16(b, 1);
	put16(b, n);
	put16(b, 0);
	put16(b, 0);
	sl_buf_put(b, wire, (size_t)len);
	put16(b, ask->type);
	put16(b, 1);
	sl_buf_put(b, rrs.data ? rrs.data : "", rrs.len);
	sl_buf_fini(&rrs);
}

// Answers the oldest question about that name; it has to come within two seconds.
static bool
answer(struct rig *r, struct server *s, const char *name, const char *addresses, unsigned rcode)
{
	struct sl_buf msg = {0};

	s->wanted = name;
	if (!rig_wait(r, is_asked, s))
		return false;
	for (unsigned i = 0; i < s->n; i++) {
		struct sl_dns_ask *ask = s->v[i].ask;

		if (strcmp(s->v[i].name, name) != 0)
			continue;
		message(&msg, ask, name, addresses, rcode);
		s->v[i] = s->v[--s->n];
		ask->done(ask, 0, (const uint8_t *)msg.data, (uint32_t)msg.len);
		break;
	}
	sl_buf_fini(&msg);
	return true;
}

#define ANSWER(name, addresses)                                                                    \
	RTE_TEST_ASSERT(answer(&r, &s, name, addresses, SL_DNS_NOERROR), "%s is not asked", name)

static int
start_rig(struct rig *r, struct server *s, const char *dns)
{
	char *text;

	*s = (struct server){.fns = {.ctx = s, .start = start, .cancel = cancel}};
	RTE_TEST_ASSERT_SUCCESS(rig_new(r), "rig");
	r->dns_ask = &s->fns;
	text = sl_xasprintf("%sdns:\n  servers: [192.0.2.53]\n%s", RIG_YAML, dns);
	rig_write(r, "sluice.yaml", text);
	free(text);
	return rig_start(r);
}

// What endpoints says, until it has that part.
struct look {
	struct rig *r;
	const char *command, *args, *part;
};

static bool
is_said(void *ctx)
{
	const struct look *l = ctx;

	return strstr(rig_ask(l->r, l->command, l->args, NULL), l->part) != NULL;
}

static bool
is_not_said(void *ctx)
{
	return !is_said(ctx);
}

#define SOON(command, args, part)                                                                  \
	do {                                                                                       \
		struct look sl_look = {&r, command, args, part};                                   \
		RTE_TEST_ASSERT(rig_wait(&r, is_said, &sl_look), "no \"%s\" in: %s", part,         \
			rig_ask(&r, command, args, NULL));                                         \
	} while (0)

// ---- objects ----

// A ServiceEntry of one host, which stands for itself.
static const char *
entry(const char *name, const char *on_remove)
{
	static struct sl_buf text;

	sl_buf_reset(&text);
	sl_buf_printf(&text,
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
		"metadata: {name: %s, annotations: {sluice.io/dns-on-remove: '%s'}}\n"
		"spec:\n  hosts: [%s.example.com]\n  addresses: [192.0.2.%u]\n"
		"  ports: [{number: 80, name: http, protocol: TCP}]\n  resolution: DNS\n",
		name, on_remove, name, name[0]); // a VIP of its own
	return text.data;
}

#define WEB    "web.example.com"
#define IS_WEB "{\"kind\":\"ServiceEntry\",\"name\":\"web\"}"
#define UP(ip) "\"endpoint\":\"" ip ":80\",\"address\":\"" ip "\""
#define CONDITION(type, status, reason)                                                            \
	"\"type\":\"" type "\",\"status\":\"" status "\",\"reason\":\"" reason "\""

// ---- tests ----

static int
answers_become_endpoints(void)
{
	struct rig r;
	struct server s;
	uint64_t generation;

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	EXPECT(rig_ask(&r, "apply", NULL, entry("web", "keep")), "created");
	EXPECT(rig_ask(&r, "dns", NULL, NULL), "\"state\":\"pending\"");
	EXPECT(rig_ask(&r, "describe", IS_WEB, NULL), CONDITION("Resolved", "False", "Pending"));
	EXPECT(rig_ask(&r, "services", NULL, NULL), "\"state\":\"unresolved\"");
	EXPECT(rig_ask(&r, "get", "{\"kind\":\"ServiceEntry\"}", NULL),
		"\"status\":\"Unresolved\",\"reason\":\"web.example.com has no answer yet\"");
	generation = sl_control_generation(r.control);
	ANSWER(WEB, "198.51.100.12 198.51.100.11");
	SOON("endpoints", NULL, UP("198.51.100.11"));
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), UP("198.51.100.12"));
	// The set was swapped in place.
	SL_TEST_INT(sl_control_generation(r.control), generation);
	EXPECT(rig_ask(&r, "describe", IS_WEB, NULL), CONDITION("Resolved", "True", "Resolved"));
	EXPECT(rig_ask(&r, "describe", IS_WEB, NULL), CONDITION("Stale", "False", "Fresh"));
	EXPECT(rig_ask(&r, "dns", "{\"name\":\"Web.example.com.\"}", NULL), "\"state\":\"fresh\"");
	EXPECT(rig_ask(&r, "dns", NULL, NULL),
		"\"addresses\":[\"198.51.100.11\",\"198.51.100.12\"]");
	EXPECT(rig_ask(&r, "dns", NULL, NULL), "\"services\":[\"default/web.example.com\"]");
	EXPECT(rig_ask(&r, "dns", "{\"state\":\"fresh\"}", NULL), "\"row\"");
	EXPECT_NOT(rig_ask(&r, "dns", "{\"state\":\"stale\"}", NULL), "\"row\"");
	EXPECT(rig_ask(&r, "dns servers", NULL, NULL), "\"address\":\"192.0.2.53");
	rig_ask(&r, "delete", "{\"kind\":\"ServiceEntry\",\"name\":[\"web\"]}", NULL);
	EXPECT_NOT(rig_ask(&r, "dns", NULL, NULL), "\"row\"");
	EXPECT(rig_ask(&r, "dns", "{\"name\":\"web.example.com\"}", NULL), "\"exit\":1");
	rig_free(&r);
	return TEST_SUCCESS;
}

static int
refresh_asks_at_once(void)
{
	struct rig r;
	struct server s;

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	rig_ask(&r, "apply", NULL, entry("web", "keep"));
	ANSWER(WEB, "198.51.100.11");
	SOON("endpoints", NULL, UP("198.51.100.11"));
	EXPECT(rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL), "\"questions\":1");
	ANSWER(WEB, "198.51.100.12");
	SOON("endpoints", NULL, UP("198.51.100.12"));
	EXPECT_NOT(rig_ask(&r, "endpoints", NULL, NULL), "198.51.100.11");
	EXPECT(rig_ask(&r, "events", "{\"for\":\"" WEB "\"}", NULL), "\"object\":\"" WEB "\"");
	EXPECT(rig_ask(&r, "events", "{\"for\":\"se/web\"}", NULL), "\"object\":\"" WEB "\"");
	EXPECT(rig_ask(&r, "describe", IS_WEB, NULL), "\"events\":[{\"type\":\"Normal\"");
	EXPECT_NOT(rig_ask(&r, "events", "{\"for\":\"other.example.com\"}", NULL), "\"row\"");
	EXPECT(rig_ask(&r, "events", "{\"for\":\"se/none\"}", NULL), "\"exit\":1");
	EXPECT(rig_ask(&r, "dns refresh", "{\"name\":\"none.example.com\"}", NULL), "\"exit\":1");
	rig_free(&r);
	return TEST_SUCCESS;
}

// A policy that changes with the object loses no answer on the way.
static int
another_policy_keeps_the_answer(void)
{
	struct rig r;
	struct server s;

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	rig_ask(&r, "apply", NULL, entry("web", "reset"));
	ANSWER(WEB, "198.51.100.11");
	SOON("endpoints", NULL, UP("198.51.100.11"));
	r.flows = 1;
	char *text = sl_xasprintf("%s", entry("web", "reset"));
	char *at = strstr(text, "annotations: {");
	char *other = sl_xasprintf("%.*ssluice.io/dns-max-stale: 5m, %s",
		(int)(at - text) + (int)strlen("annotations: {"), text,
		at + strlen("annotations: {"));
	EXPECT(rig_ask(&r, "apply", NULL, other), "configured");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), UP("198.51.100.11"));
	SL_TEST_INT(r.n_resets, 0);
	free(text);
	free(other);
	rig_free(&r);
	return TEST_SUCCESS;
}

static bool
was_reset(void *ctx)
{
	const struct rig *r = ctx;

	return r->n_resets > 0;
}

static bool
is_told(void *ctx)
{
	return strstr(rig_ask(ctx, "events", NULL, NULL), "is gone: its flows") != NULL;
}

// Flows of an address that DNS names no more.
static int
removed_addresses(void)
{
	static const struct {
		const char *policy;
		uint64_t flows;
		bool full; // the mailbox, at first
		bool told; // there is an event
		unsigned resets;
		unsigned resets_later; // after a minute
	} rows[] = {
		{"keep", 3, false, false, 0, 0},
		{"reset", 3, false, true, 1, 1},
		{"reset", 0, false, false, 0, 0},
		{"reset", 3, true, false, 0, 1},
		{"drain:30s", 3, false, true, 0, 1},
		{"drain:90s", 3, false, true, 0, 0},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct rig r;
		struct server s;

		RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
		rig_ask(&r, "apply", NULL, entry("web", rows[i].policy));
		ANSWER(WEB, "198.51.100.11 198.51.100.12");
		SOON("endpoints", NULL, UP("198.51.100.11"));
		r.flows = rows[i].flows;
		r.mailbox_full = rows[i].full;
		rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL);
		ANSWER(WEB, "198.51.100.12");
		if (rows[i].told)
			RTE_TEST_ASSERT(rig_wait(&r, is_told, &r), "row %zu: no event", i);
		SL_TEST_INT(r.n_resets, rows[i].resets);
		r.mailbox_full = false;
		r.now_ns += 60 * UINT64_C(1000000000);
		// Something is published: those that wait are looked at.
		rig_ask(&r, "apply", NULL, entry("other", "keep"));
		if (rows[i].resets_later)
			RTE_TEST_ASSERT(rig_wait(&r, was_reset, &r), "row %zu: no reset", i);
		SL_TEST_INT(r.n_resets, rows[i].resets_later);
		rig_free(&r);
	}
	return TEST_SUCCESS;
}

// A name that is not answered keeps the flows of its own addresses, not those of other names.
static int
removed_of_two_names(void)
{
	static const struct {
		const char *of_b; // its answer, NULL: it fails from the start
		const char *lost; // the name that has no address in the end
		unsigned rcode;   // of its last answer
		unsigned resets;
	} rows[] = {
		{NULL, "a.example.com", SL_DNS_NOERROR, 1},
		{"198.51.100.22", "b.example.com", SL_DNS_SERVFAIL, 0},
	};
	static const char two[] =
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
		"metadata: {name: web, annotations: {sluice.io/dns-on-remove: reset}}\n"
		"spec:\n  hosts: [web.example.com]\n  addresses: [192.0.2.77]\n"
		"  ports: [{number: 80, name: http, protocol: TCP}]\n  resolution: DNS\n"
		"  endpoints: [{address: a.example.com}, {address: b.example.com}]\n";

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const unsigned code = rows[i].of_b ? SL_DNS_NOERROR : SL_DNS_SERVFAIL;
		struct rig r;
		struct server s;

		RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
		rig_ask(&r, "apply", NULL, two);
		RTE_TEST_ASSERT(
			answer(&r, &s, "b.example.com", rows[i].of_b ? rows[i].of_b : "", code),
			"b");
		ANSWER("a.example.com", "198.51.100.11");
		SOON("endpoints", NULL, UP("198.51.100.11"));
		r.flows = 1;
		r.now_ns += 7200 * UINT64_C(1000000000);
		char *name = sl_xasprintf("{\"name\":\"%s\"}", rows[i].lost);
		rig_ask(&r, "dns refresh", name, NULL);
		free(name);
		RTE_TEST_ASSERT(answer(&r, &s, rows[i].lost,
					rows[i].rcode == SL_DNS_NOERROR ? "198.51.100.12" : "",
					rows[i].rcode),
			"lost");
		SOON("dns", NULL, rows[i].rcode == SL_DNS_NOERROR ? "198.51.100.12" : "failed");
		if (rows[i].resets)
			RTE_TEST_ASSERT(rig_wait(&r, was_reset, &r), "row %zu: no reset", i);
		rig_ask(&r, "apply", NULL, entry("other", "keep"));
		SL_TEST_INT(r.n_resets, rows[i].resets);
		rig_free(&r);
	}
	return TEST_SUCCESS;
}

static bool
some_time_passed(void *ctx)
{
	return ++*(unsigned *)ctx > 200;
}

// DNS_ROUND_ROBIN: an address that is in the answer, but not the first any more, keeps its flows.
static int
removed_by_rotation(void)
{
	struct rig r;
	struct server s;
	unsigned ticks = 0;
	char *text = sl_xasprintf("%s", entry("web", "reset")),
	     *round = sl_xasprintf("%.*s_ROUND_ROBIN\n", (int)strlen(text) - 1, text);

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	EXPECT(rig_ask(&r, "apply", NULL, round), "created");
	ANSWER(WEB, "198.51.100.11 198.51.100.12");
	SOON("endpoints", NULL, UP("198.51.100.11"));
	r.flows = 1;
	rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL);
	ANSWER(WEB, "198.51.100.12 198.51.100.11");
	SOON("endpoints", NULL, UP("198.51.100.12"));
	rig_wait(&r, some_time_passed, &ticks);
	SL_TEST_INT(r.n_resets, 0);
	rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL);
	ANSWER(WEB, "198.51.100.12");
	RTE_TEST_ASSERT(rig_wait(&r, was_reset, &r), "no reset");
	SL_TEST_INT(r.n_resets, 1);
	free(text);
	free(round);
	rig_free(&r);
	return TEST_SUCCESS;
}

// A service of n endpoints, which take their slots.
static char *
filler(unsigned n)
{
	struct sl_buf text = {0};

	sl_buf_puts(&text,
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: filler}\n"
		"spec:\n  hosts: [filler.example.com]\n  addresses: [192.0.2.99]\n"
		"  ports: [{number: 80, name: http, protocol: TCP}]\n  resolution: STATIC\n"
		"  endpoints:\n");
	for (unsigned i = 0; i < n; i++)
		sl_buf_printf(&text, "  - address: 10.0.%u.%u\n", i / 250, 1 + i % 250);
	return sl_buf_take(&text);
}

// 198.51.100.FROM and those behind it.
static char *
addresses(unsigned from, unsigned n)
{
	struct sl_buf text = {0};

	for (unsigned i = 0; i < n; i++)
		sl_buf_printf(&text, "%s198.51.100.%u", i ? " " : "", from + i);
	return sl_buf_take(&text);
}

// No slot is left at first: flows of addresses that are gone have them.
static int
publishing_is_retried(void)
{
	struct rig r;
	struct server s;
	char *text = filler(1000), *first = addresses(11, 12), *second = addresses(31, 8),
	     *third = addresses(51, 6);

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	EXPECT(rig_ask(&r, "apply", NULL, text), "created");
	rig_ask(&r, "apply", NULL, entry("web", "keep"));
	ANSWER(WEB, first);
	SOON("endpoints", NULL, UP("198.51.100.11"));
	r.flows = 1;
	rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL);
	ANSWER(WEB, second);
	SOON("endpoints", NULL, UP("198.51.100.31"));
	rig_ask(&r, "dns refresh", "{\"name\":\"" WEB "\"}", NULL);
	ANSWER(WEB, third);
	SOON("endpoints", NULL, UP("198.51.100.51"));
	EXPECT(rig_ask(&r, "describe", IS_WEB, NULL), "\"state\":\"notServed\"");
	r.flows = 0;
	struct look served = {&r, "describe", IS_WEB, "\"state\":\"notServed\""};
	bool published = false;
	for (unsigned i = 0; i < 5 && !published; i++)
		published = rig_wait(&r, is_not_said, &served);
	RTE_TEST_ASSERT(published, "not published: %s", rig_ask(&r, "describe", IS_WEB, NULL));
	free(text);
	free(first);
	free(second);
	free(third);
	rig_free(&r);
	return TEST_SUCCESS;
}

static void
count(void *ctx)
{
	++*(unsigned *)ctx;
}

static bool
is_counted(void *ctx)
{
	return *(unsigned *)ctx > 0;
}

static int
readiness_waits(void)
{
	static const char soon[] = "  readyTimeout: 50ms\n";
	struct rig r;
	struct server s;
	unsigned ready = 0;

	// Nothing to wait for.
	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	sl_control_when_ready(r.control, count, &ready);
	SL_TEST_INT(ready, 1);
	rig_free(&r);
	// An answer, of any kind.
	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, "  readyTimeout: 1h\n"), "start");
	rig_ask(&r, "apply", NULL, entry("web", "keep"));
	ready = 0;
	sl_control_when_ready(r.control, count, &ready);
	rig_ask(&r, "endpoints", NULL, NULL);
	SL_TEST_INT(ready, 0);
	ANSWER(WEB, "198.51.100.11");
	RTE_TEST_ASSERT(rig_wait(&r, is_counted, &ready), "not ready");
	EXPECT(rig_ask(&r, "endpoints", NULL, NULL), UP("198.51.100.11"));
	SL_TEST_INT(ready, 1);
	rig_free(&r);
	// None, for long enough.
	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, soon), "start");
	rig_ask(&r, "apply", NULL, entry("web", "keep"));
	ready = 0;
	sl_control_when_ready(r.control, count, &ready);
	RTE_TEST_ASSERT(rig_wait(&r, is_counted, &ready), "not ready");
	rig_free(&r);
	return TEST_SUCCESS;
}

// Other servers by a reload; a service that nobody serves any more.
static int
reloads(void)
{
	struct rig r;
	struct server s;
	char *text;

	RTE_TEST_ASSERT_SUCCESS(start_rig(&r, &s, ""), "start");
	text = sl_xasprintf("%sdns: {servers: ['192.0.2.54:5353']}\n", RIG_YAML);
	rig_write(&r, "sluice.yaml", text);
	free(text);
	EXPECT(rig_ask(&r, "reload", NULL, NULL), "\"exit\":0");
	EXPECT(rig_ask(&r, "dns servers", NULL, NULL), "192.0.2.54:5353");
	EXPECT_NOT(rig_ask(&r, "dns servers", NULL, NULL), "192.0.2.53");
	rig_free(&r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"answers become endpoints", answers_become_endpoints},
		{"refresh asks at once", refresh_asks_at_once},
		{"another policy keeps the answer", another_policy_keeps_the_answer},
		{"removed addresses", removed_addresses},
		{"removed addresses of two names", removed_of_two_names},
		{"removed by rotation", removed_by_rotation},
		{"publishing is retried", publishing_is_retried},
		{"readiness waits", readiness_waits},
		{"reloads", reloads},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
