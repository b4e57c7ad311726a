// Uses: what they see, when they are told, and that they may come and go at any time.
#include <unistd.h>

#include "sl_buf.h"
#include "sl_emit.h"
#include "world.h"

static struct sl_dns_use *
use(struct world *w, const char *name, unsigned families)
{
	struct sl_name_policy policy = world_policy;

	policy.families = (uint8_t)families;
	return sl_dns_use_new(w->d, name, &policy, world_count, w);
}

// An answer in another order is no change, but for who wants the first address.
static int
rotation(void)
{
	struct sl_name_policy first = world_policy;
	struct sl_dns_view view;
	struct sl_dns_use *b;
	struct world w;
	char buf[512];

	if (world_init(&w, 1))
		return TEST_FAILED;
	first.first = true;
	w.reply.ips = "192.0.2.1 192.0.2.2 192.0.2.3";
	use(&w, "www.example", SL_NAME_V4);
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.calls, 1);
	w.reply.ips = "192.0.2.3 192.0.2.1 192.0.2.2";
	sl_dns_refresh(w.d, "www.example");
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.calls, 1);
	SL_TEST_INT(sl_dns_counter(w.d, SL_DNS_C_CHANGES), 0);
	b = sl_dns_use_new(w.d, "www.example", &first, world_count, &w);
	SL_TEST_STR(world_see(b, buf), "fresh 192.0.2.1 192.0.2.2 192.0.2.3");
	sl_dns_get(b, &view);
	SL_TEST_STR(sl_ip_str(&view.first, buf), "192.0.2.3");
	w.reply.ips = "192.0.2.2 192.0.2.3 192.0.2.1";
	sl_dns_refresh(w.d, "www.example");
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.calls, 2);
	w.reply.ips = "192.0.2.2 192.0.2.4";
	sl_dns_refresh(w.d, "www.example");
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.calls, 4);
	SL_TEST_INT(sl_dns_counter(w.d, SL_DNS_C_CHANGES), 1);
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
families(void)
{
	struct sl_dns_use *a, *both;
	struct world w;
	char buf[512];

	if (world_init(&w, 1))
		return TEST_FAILED;
	both = use(&w, "www.example", SL_NAME_V4 | SL_NAME_V6);
	a = use(&w, "WWW.Example.", SL_NAME_V4);
	SL_TEST_INT(sl_dns_pending(w.d), 2);
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.asked, 2); // one of each family, for both
	SL_TEST_STR(world_see(both, buf), "fresh 192.0.2.1 2001:db8::1");
	SL_TEST_STR(world_see(a, buf), "fresh 192.0.2.1");
	SL_TEST_INT(sl_dns_refresh(w.d, "www.example"), 2);
	SL_TEST_INT(sl_dns_refresh(w.d, "other.example"), 0);
	sl_dns_unuse(both);
	SL_TEST_INT(sl_dns_refresh(w.d, "www.example"), 1);
	sl_dns_unuse(a);
	SL_TEST_INT(sl_dns_refresh(w.d, "www.example"), 0);
	world_fini(&w);
	return TEST_SUCCESS;
}

// One family without addresses: the other one decides.
static struct reply
only_v4(struct world *w, const struct sl_dns_ask *ask)
{
	return ask->type == SL_DNS_A ? w->reply : (struct reply){.does = NODATA, .soa = 60};
}

static int
half(void)
{
	struct sl_dns_use *both;
	struct world w;
	char buf[512];

	if (world_init(&w, 1))
		return TEST_FAILED;
	w.serve = only_v4;
	both = use(&w, "www.example", SL_NAME_V4 | SL_NAME_V6);
	world_run(&w, 10 * SEC);
	SL_TEST_STR(world_see(both, buf), "fresh 192.0.2.1");
	SL_TEST_INT(w.calls, 1);
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
bad_names(void)
{
	static const struct {
		const char *name;
		const char *why;
	} cases[] = {
		{"", "the name is empty"},
		{".", "the name is empty"},
		{"a..b", "a label is empty or longer than 63 characters"},
		{".a", "a label is empty or longer than 63 characters"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
			"a label is empty or longer than 63 characters"},
		{"*.example", "a wildcard stands for names, it has no address of its own"},
		{"a b.example", "a character that no name has"},
		{"a\\b.example", "a character that no name has"},
		{"b\xc3\xbc.example", "a character that no name has"},
		{"192.0.2.1", "it is an address, not a name"},
		{"2001:db8::1", "it is an address, not a name"},
		{"x.onion", "names in .onion are not in DNS (RFC 7686)"},
	};
	struct sl_dns_view view;
	char name[300];
	struct world w;

	if (world_init(&w, 1))
		return TEST_FAILED;
	for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
		sl_dns_get(use(&w, cases[i].name, SL_NAME_V4), &view);
		SL_TEST_STR(sl_dns_state_name(view.state), "failed");
		SL_TEST_STR(view.error, cases[i].why);
	}
	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 50)
		name[i] = '.';
	name[254] = '\0';
	sl_dns_get(use(&w, name, SL_NAME_V4), &view);
	SL_TEST_STR(view.error, "the name is longer than 253 characters");
	name[253] = '\0';
	sl_dns_get(use(&w, name, SL_NAME_V4), &view);
	SL_TEST_STR(sl_dns_state_name(view.state), "pending");
	sl_dns_get(use(&w, "no-family.example", 0), &view);
	SL_TEST_STR(view.error, "no address family is wanted");
	SL_TEST_INT(sl_dns_pending(w.d), 1);
	world_fini(&w);
	return TEST_SUCCESS;
}

struct frees {
	struct world *w;
	struct sl_dns_use *use[3];
	uint32_t calls;
};

// Whoever is told first ends all of them and begins another one.
static void
free_all(void *ctx, struct sl_dns_use *told)
{
	struct frees *f = ctx;

	f->calls++;
	for (size_t i = 0; i < 3; i++) {
		sl_dns_unuse(f->use[i]);
		f->use[i] = NULL;
	}
	use(f->w, "next.example", SL_NAME_V4);
}

static int
freed_in_callback(void)
{
	struct frees f = {0};
	struct world w;

	if (world_init(&w, 2))
		return TEST_FAILED;
	f.w = &w;
	for (size_t i = 0; i < 3; i++)
		f.use[i] = sl_dns_use_new(w.d, "www.example", &world_policy, free_all, &f);
	world_run(&w, 1 * SEC);
	SL_TEST_INT(f.calls, 1);
	SL_TEST_INT(w.calls, 1);
	world_fini(&w);
	return TEST_SUCCESS;
}

// While questions are under way: nothing comes of them any more.
static int
freed_while_asking(void)
{
	struct sl_dns_use *u;
	struct world w;

	if (world_init(&w, 2))
		return TEST_FAILED;
	w.reply.delay_ns = 500 * MS;
	u = use(&w, "www.example", SL_NAME_V4);
	world_run(&w, 300 * MS); // the second server is asked, too
	SL_TEST_INT(w.open, 2);
	sl_dns_unuse(u);
	world_run(&w, 5 * SEC);
	SL_TEST_INT(w.open, 0);
	SL_TEST_INT(w.calls, 0);
	use(&w, "www.example", SL_NAME_V4);
	world_run(&w, 100 * MS);
	world_fini(&w); // and the whole resolver
	return TEST_SUCCESS;
}

// The least floor and ceiling of the uses; max_stale is each one's own.
static int
policies(void)
{
	struct sl_name_policy quick = world_policy, brief = world_policy;
	struct sl_dns_use *a, *b, *c;
	struct world w;
	char buf[512];

	if (world_init(&w, 1))
		return TEST_FAILED;
	quick.refresh_max_ns = 10 * SEC;
	brief.max_stale_ns = 5 * SEC;
	w.reply.ttl = 100;
	a = use(&w, "www.example", SL_NAME_V4);
	world_run(&w, 1 * SEC);
	SL_TEST_INT(w.asked, 1);
	c = sl_dns_use_new(w.d, "www.example", &quick, world_count, &w);
	world_run(&w, 10 * SEC);
	SL_TEST_INT(w.asked, 2);
	sl_dns_unuse(c);
	b = sl_dns_use_new(w.d, "www.example", &brief, world_count, &w);
	sl_dns_refresh(w.d, "www.example");
	world_run(&w, 1 * SEC);
	w.reply = (struct reply){.does = SERVFAIL};
	world_run(&w, 103 * SEC);
	SL_TEST_STR(world_see(a, buf), "stale 192.0.2.1");
	SL_TEST_STR(world_see(b, buf), "stale 192.0.2.1");
	world_run(&w, 5 * SEC);
	SL_TEST_STR(world_see(a, buf), "stale 192.0.2.1");
	SL_TEST_STR(world_see(b, buf), "failed");
	world_fini(&w);
	return TEST_SUCCESS;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static int
hosts(void)
{
	char path[] = "/tmp/sluice-hosts.XXXXXX", buf[512], *why;
	struct sl_dns_use *a, *six, *other;
	struct world w;

	close(mkstemp(path));
	if (world_init(&w, 1))
		return TEST_FAILED;
	write_file(path, "# a comment\n192.0.2.7\tWWW.example www # two\nbad line\n\n"
			 "192.0.2.8 www.example\n127.0.0.1 self.example\n");
	w.cfg.hosts_file = path;
	SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), 0);
	a = use(&w, "www.example", SL_NAME_V4);
	six = use(&w, "www.example", SL_NAME_V6);
	other = use(&w, "other.example", SL_NAME_V4);
	world_run(&w, 100 * SEC);
	SL_TEST_STR(world_see(a, buf), "fresh 192.0.2.7 192.0.2.8");
	SL_TEST_STR(world_see(six, buf), "empty");
	SL_TEST_STR(world_see(other, buf), "fresh 192.0.2.1");
	SL_TEST_STR(world_see(use(&w, "self.example", SL_NAME_V4), buf), "empty");
	write_file(path, "192.0.2.99 www.example other.example\n");
	world_run(&w, 2 * SEC);
	SL_TEST_STR(world_see(a, buf), "fresh 192.0.2.99");
	SL_TEST_STR(world_see(other, buf), "fresh 192.0.2.99");
	unlink(path);
	world_run(&w, 10 * SEC);
	SL_TEST_STR(world_see(a, buf), "fresh 192.0.2.1");
	SL_TEST_STR(world_see(six, buf), "fresh 2001:db8::1");
	world_fini(&w);
	return TEST_SUCCESS;
}

struct events {
	char text[512];
	unsigned warnings;
};

static void
event_of(void *ctx, bool warning, const char *reason, const char *name, const char *message)
{
	struct events *e = ctx;
	const size_t n = strlen(e->text);

	e->warnings += warning;
	snprintf(e->text + n, sizeof(e->text) - n, "%s: %s: %s\n", reason, name, message);
}

static int
events(void)
{
	struct events e = {0};
	struct world w;

	if (world_init(&w, 1))
		return TEST_FAILED;
	sl_dns_on_event(w.d, event_of, &e);
	use(&w, "www.example", SL_NAME_V4);
	world_run(&w, 1 * SEC);
	SL_TEST_STR(e.text, "");
	w.reply.ips = "192.0.2.2 127.0.0.1";
	sl_dns_refresh(w.d, "www.example");
	world_run(&w, 1 * SEC);
	SL_TEST_STR(e.text,
		"addresses refused: www.example: A: out of range (loopback): 127.0.0.1\n"
		"answer changed: www.example: A: +192.0.2.2 -192.0.2.1\n");
	e.text[0] = '\0';
	w.reply.does = SERVFAIL;
	world_run(&w, 60 * SEC);
	SL_TEST_STR(e.text,
		"stale: www.example: A: the server failed (SERVFAIL); the last answer is "
		"used past its TTL, for 100 s\n");
	e.text[0] = '\0';
	w.reply.does = GOOD;
	world_run(&w, 60 * SEC);
	SL_TEST_STR(e.text, "recovered: www.example: A: it was stale\n");
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
rows(void)
{
	struct sl_buf out = {0};
	struct sl_emit e;
	const char *name;
	struct world w;
	size_t it = 0;
	int family;

	if (world_init(&w, 1))
		return TEST_FAILED;
	w.reply.does = CHAIN;
	use(&w, "b.example", SL_NAME_V4);
	use(&w, "a.example", SL_NAME_V6 | SL_NAME_V4);
	world_run(&w, 1 * SEC);
	sl_emit_init(&e, &out);
	sl_emit_arr(&e, NULL);
	while (sl_dns_next(w.d, &it, &name, &family)) {
		sl_emit_strf(&e, NULL, "%s %d", name, family == AF_INET ? 4 : 6);
		if (it == 1)
			use(&w, "c.example", SL_NAME_V4); // not seen, and no harm
	}
	sl_emit_end(&e);
	SL_TEST_STR(out.data, "[\"a.example 4\",\"a.example 6\",\"b.example 4\"]");
	sl_buf_reset(&out);
	sl_emit_init(&e, &out);
	sl_emit_obj(&e, NULL);
	sl_dns_entry_emit(w.d, "b.example", AF_INET, &e);
	sl_emit_end(&e);
	RTE_TEST_ASSERT(
		strstr(out.data, "\"name\":\"b.example\",\"family\":\"A\",\"state\":\"fresh\","
				 "\"addresses\":[\"192.0.2.1\"],\"refused\":[],"
				 "\"canonical\":\"two.example\",\"ttlSeconds\":20"),
		"%s", out.data);
	sl_buf_reset(&out);
	sl_emit_init(&e, &out);
	sl_emit_obj(&e, NULL);
	RTE_TEST_ASSERT(sl_dns_server_emit(w.d, 0, &e), "a server");
	sl_emit_end(&e);
	SL_TEST_STR(out.data, "{\"address\":\"198.51.100.1\",\"state\":\"ok\",\"rttMs\":1,"
			      "\"questions\":3,\"answers\":3,\"timeouts\":0,\"errors\":0}");
	RTE_TEST_ASSERT(!sl_dns_server_emit(w.d, 1, &e), "no other server");
	sl_buf_fini(&out);
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"rotated answers, the first address", rotation},
	{"families", families},
	{"one family without addresses", half},
	{"names that can't be asked for", bad_names},
	{"freed when told", freed_in_callback},
	{"freed while asking", freed_while_asking},
	{"policies of several uses", policies},
	{"hosts file", hosts},
	{"events", events},
	{"rows", rows},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
