// Every kind of failure and what becomes of a name: without an answer before, with a good one, when
// that is too old, and for uses that are strict or want the first address only.
#include "world.h"

enum { ALWAYS = 0, ONCE = 1 };

struct row {
	const char *name;
	struct reply reply;
	int times; // ONCE: the next question gets a good answer
	bool refuse_private;
	// expected: asked for the first time, 20 s; after a good answer, 60 s (its TTL is 30 s);
	// 200 s (max_stale is 100 s); strict, 200 s; first, 60 s; first and strict, 200 s
	const char *fresh, *good, *past, *strict, *first, *first_strict;
};

#define KEPT        "stale 192.0.2.1"
#define FRESH1      "fresh 192.0.2.1"
#define PRIVATE     "10.1.2.3" // lint: it is the subject
#define NEW         "fresh " PRIVATE
#define FAILS(word) word, KEPT, word, KEPT, KEPT, KEPT
#define WORKS       FRESH1, FRESH1, FRESH1, FRESH1, FRESH1, FRESH1
#define EMPTY       "empty", "empty", "empty", "empty", KEPT, KEPT

static const struct row rows[] = {
	{"good", {GOOD, .ttl = 30}, ALWAYS, false, WORKS},
	{"timeout", {.does = SILENT}, ALWAYS, false, FAILS("failed")},
	{"one timeout", {.does = SILENT}, ONCE, false, WORKS},
	{"SERVFAIL", {.does = SERVFAIL}, ALWAYS, false, FAILS("failed")},
	{"one SERVFAIL", {.does = SERVFAIL}, ONCE, false, WORKS},
	{"REFUSED", {.does = REFUSED}, ALWAYS, false, FAILS("failed")},
	{"FORMERR", {.does = FORMERR}, ALWAYS, false, FAILS("failed")},
	{"NOTIMP", {.does = NOTIMP}, ALWAYS, false, FAILS("failed")},
	{"another code", {.does = OTHER_RCODE}, ALWAYS, false, FAILS("failed")},
	{"port unreachable", {.does = UNREACHABLE}, ALWAYS, false, FAILS("failed")},
	{"no route", {.does = UNSENT}, ALWAYS, false, FAILS("failed")},
	{"garbage", {.does = GARBAGE}, ALWAYS, false, FAILS("failed")},
	{"no response bit", {NO_RESPONSE_BIT, .ttl = 30}, ALWAYS, false, FAILS("failed")},
	{"wrong question", {WRONG_QUESTION, .ttl = 30}, ALWAYS, false, FAILS("failed")},
	{"wrong type", {WRONG_TYPE, .ttl = 30}, ALWAYS, false, FAILS("failed")},
	{"CNAME loop", {.does = CNAME_LOOP}, ALWAYS, false, FAILS("failed")},
	{"CNAME chain", {CHAIN, .ttl = 30}, ALWAYS, false, WORKS},
	{"truncated", {TRUNCATED, .ttl = 30}, ALWAYS, false, WORKS},
	{"truncated over TCP too", {.does = TRUNCATED_ALWAYS}, ALWAYS, false, FAILS("failed")},
	{"NXDOMAIN once", {NXDOMAIN, .soa = 5}, ONCE, false, WORKS},
	{"NXDOMAIN", {NXDOMAIN, .soa = 5}, ALWAYS, false, EMPTY},
	{"NXDOMAIN without SOA", {.does = NXDOMAIN}, ALWAYS, false, EMPTY},
	{"NODATA once", {NODATA, .soa = 5}, ONCE, false, WORKS},
	{"NODATA", {NODATA, .soa = 5}, ALWAYS, false, EMPTY},
	{"TTL 0", {GOOD, .ttl = 0}, ALWAYS, false, WORKS},
	{"TTL of 2^31 - 1", {GOOD, .ttl = INT32_MAX}, ALWAYS, false, WORKS},
	{"TTL above that", {GOOD, .ttl = UINT32_MAX}, ALWAYS, false, WORKS},
	{"loopback", {GOOD, "127.0.0.1", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"link-local", {GOOD, "169.254.1.1", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"multicast", {GOOD, "224.0.0.1", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"unspecified", {GOOD, "0.0.0.0", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"broadcast", {GOOD, "255.255.255.255", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"class E", {GOOD, "240.0.0.1", .ttl = 30}, ALWAYS, false, FAILS("refused")},
	{"a good one with loopback", {GOOD, "127.0.0.1 192.0.2.1", .ttl = 30}, ALWAYS, false,
		WORKS},
	{"private, refused", {GOOD, PRIVATE, .ttl = 30}, ALWAYS, true, FAILS("refused")},
	{"private, accepted", {GOOD, PRIVATE, .ttl = 30}, ALWAYS, false, NEW, NEW, NEW, NEW, NEW,
		NEW},
};

struct lie {
	const struct row *row;
	bool lying;
};

// Of a round of questions each server says the same, so ONCE is a time, not a number.
static struct reply
serve(struct world *w, const struct sl_dns_ask *ask)
{
	const struct lie *lie = w->arg;

	if (lie->lying)
		return lie->row->reply;
	return (struct reply){GOOD, .ttl = 30};
}

// The lie begins now and lasts for seconds; ONCE: until it was told by whoever is asked.
static void
lie_for(struct world *w, struct lie *lie, unsigned seconds)
{
	const uint64_t end = w->now + seconds * SEC;

	lie->lying = true;
	if (lie->row->times == ONCE) {
		const uint32_t asked = w->asked;

		while (w->asked == asked && w->now < end)
			world_run(w, 10 * MS);
		world_run(w, 1500 * MS); // all servers told it, nobody was asked to confirm
		lie->lying = false;
	}
	if (w->now < end)
		world_run(w, end - w->now);
}

static int
case_is(const struct row *row, const char *column, bool good_before, unsigned seconds, bool strict,
	bool first, const char *expected)
{
	struct sl_name_policy policy = world_policy;
	struct lie lie = {.row = row, .lying = !good_before};
	struct sl_dns_use *use;
	struct world w;
	char *why, buf[512];

	if (world_init(&w, 2))
		return TEST_FAILED;
	w.serve = serve;
	w.arg = &lie;
	w.cfg.refuse_private = row->refuse_private;
	sl_dns_configure(w.d, &w.cfg, &why);
	policy.strict = strict;
	policy.first = first;
	use = sl_dns_use_new(w.d, "www.example", &policy, NULL, NULL);
	RTE_TEST_ASSERT_EQUAL(sl_dns_pending(w.d), 1, "%s", row->name);
	if (good_before)
		world_run(&w, 1 * SEC);
	lie_for(&w, &lie, seconds);
	world_see(use, buf);
	RTE_TEST_ASSERT(strcmp(buf, expected) == 0, "%s, %s: got \"%s\", expected \"%s\"",
		row->name, column, buf, expected);
	RTE_TEST_ASSERT_EQUAL(sl_dns_pending(w.d), 0, "%s, %s: pending", row->name, column);
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
failure_kinds(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (case_is(r, "asked first", false, 20, false, false, r->fresh) ||
			case_is(r, "good before", true, 60, false, false, r->good) ||
			case_is(r, "past max_stale", true, 200, false, false, r->past) ||
			case_is(r, "strict", true, 200, true, false, r->strict) ||
			case_is(r, "first", true, 60, false, true, r->first) ||
			case_is(r, "first, strict", true, 200, true, true, r->first_strict))
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

// Between the first empty answer and the second: who is strict sees it at once, others never.
static int
blip(void)
{
	static const enum behaviour kinds[] = {NXDOMAIN, NODATA};
	char buf[512];

	for (size_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
		struct sl_name_policy strict = world_policy;
		struct sl_dns_use *a, *b;
		struct world w;

		strict.strict = true;
		if (world_init(&w, 2))
			return TEST_FAILED;
		a = sl_dns_use_new(w.d, "www.example", &world_policy, world_count, &w);
		b = sl_dns_use_new(w.d, "www.example", &strict, NULL, NULL);
		world_run(&w, 1 * SEC);
		RTE_TEST_ASSERT_EQUAL(w.calls, 1, "told of the first answer");
		w.reply = (struct reply){kinds[i], .soa = 60};
		RTE_TEST_ASSERT_EQUAL(sl_dns_refresh(w.d, "WWW.example."), 1, "one question");
		world_run(&w, 100 * MS);
		SL_TEST_STR(world_see(a, buf), FRESH1);
		SL_TEST_STR(world_see(b, buf), "empty");
		// Asked again too soon, it confirms nothing.
		sl_dns_refresh(w.d, "www.example");
		world_run(&w, 100 * MS);
		SL_TEST_STR(world_see(a, buf), FRESH1);
		w.reply = (struct reply){GOOD, .ttl = 30};
		world_run(&w, 3 * SEC);
		SL_TEST_STR(world_see(a, buf), FRESH1);
		SL_TEST_STR(world_see(b, buf), FRESH1);
		SL_TEST_INT(sl_dns_counter(w.d, SL_DNS_C_UNCONFIRMED), 1);
		RTE_TEST_ASSERT_EQUAL(w.calls, 1, "the blip was told");
		world_fini(&w);
	}
	return TEST_SUCCESS;
}

// An empty answer holds as long as the SOA says, within floor and ceiling.
static int
negative_ttl(void)
{
	static const struct {
		uint32_t soa;
		unsigned least, most; // seconds between two questions
	} cases[] = {{100, 80, 100}, {0, 24, 30}, {100000, 240, 300}};

	for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
		struct world w;
		uint64_t then;
		uint32_t asked;

		if (world_init(&w, 1))
			return TEST_FAILED;
		w.reply = (struct reply){NXDOMAIN, .soa = cases[i].soa};
		sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
		world_run(&w, 5 * SEC);
		RTE_TEST_ASSERT_EQUAL(w.asked, 2, "asked, and confirmed: %u", w.asked);
		for (asked = w.asked; w.asked == asked;)
			world_run(&w, 100 * MS);
		then = w.now;
		for (asked = w.asked; w.asked == asked;)
			world_run(&w, 100 * MS);
		RTE_TEST_ASSERT(w.now - then >= (cases[i].least - 1) * SEC &&
					w.now - then <= (cases[i].most + 1) * SEC,
			"case %zu: %llu s", i, (unsigned long long)((w.now - then) / SEC));
		world_fini(&w);
	}
	return TEST_SUCCESS;
}

// Failures are asked again after 1, 2, 4, 8, 10, 10 s, less up to the half.
static int
back_off(void)
{
	static const unsigned waits[] = {1, 2, 4, 8, 10, 10, 10};
	struct world w;

	if (world_init(&w, 1))
		return TEST_FAILED;
	w.reply = (struct reply){.does = SERVFAIL};
	sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
	world_run(&w, 1 * MS);
	for (size_t i = 0; i < SL_ARRAY_LEN(waits); i++) {
		const uint64_t then = w.now;
		const uint32_t asked = w.asked;

		while (w.asked == asked)
			world_run(&w, 10 * MS);
		RTE_TEST_ASSERT(w.now - then <= waits[i] * SEC + 50 * MS &&
					w.now - then >= waits[i] * SEC / 2 - 50 * MS,
			"step %zu: %llu ms", i, (unsigned long long)((w.now - then) / MS));
	}
	world_fini(&w);
	return TEST_SUCCESS;
}

// Private addresses that were taken do not outlive the policy that took them, as a stale answer
// would.
static int
refused_later(void)
{
	static const struct {
		const char *ips, *before, *after, *in_the_end;
	} cases[] = {
		{PRIVATE, NEW, "failed", "refused"},
		{PRIVATE " 192.0.2.1", NEW " 192.0.2.1", FRESH1, FRESH1},
		{"192.0.2.1", FRESH1, FRESH1, FRESH1},
	};
	struct sl_dns_use *use;
	struct world w;
	char *why, buf[512];

	for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
		if (world_init(&w, 1))
			return TEST_FAILED;
		w.reply = (struct reply){GOOD, cases[i].ips, .ttl = 30};
		use = sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
		world_run(&w, 1 * SEC);
		SL_TEST_STR(world_see(use, buf), cases[i].before);
		w.cfg.refuse_private = true;
		SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), 0);
		SL_TEST_STR(world_see(use, buf), cases[i].after);
		world_run(&w, 1 * SEC);
		SL_TEST_STR(world_see(use, buf), cases[i].in_the_end);
		w.cfg.refuse_private = false;
		SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), 0);
		world_run(&w, 1 * SEC);
		SL_TEST_STR(world_see(use, buf), cases[i].before);
		world_fini(&w);
	}
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"failure kinds x what was before", failure_kinds},
	{"an empty answer that is not confirmed", blip},
	{"negative TTL", negative_ttl},
	{"back-off", back_off},
	{"private addresses, refused later", refused_later},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
