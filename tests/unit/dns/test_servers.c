// Several servers: the best is asked, a slow one is helped out, a dead one is set aside.
#include <errno.h>
#include <unistd.h>

#include "reject.h"
#include "resolv.h"
#include "world.h"

struct lab {
	struct reply of[4]; // by server
	uint32_t asked[4];
};

static struct reply
serve(struct world *w, const struct sl_dns_ask *ask)
{
	struct lab *lab = w->arg;

	for (uint32_t i = 0; i < 4; i++)
		if (sl_ip_equal(&ask->server.ip, &w->servers[i].ip)) {
			lab->asked[i]++;
			return lab->of[i];
		}
	return (struct reply){.does = SILENT};
}

static int
up(struct world *w, struct lab *lab, uint32_t n)
{
	if (world_init(w, n))
		return TEST_FAILED;
	*lab = (struct lab){0};
	for (uint32_t i = 0; i < 4; i++)
		lab->of[i].ttl = 5;
	w->serve = serve;
	w->arg = lab;
	return TEST_SUCCESS;
}

static void
names(struct world *w, uint32_t n)
{
	char name[32];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		sl_dns_use_new(w->d, name, &world_policy, world_count, w);
	}
}

static int
quickest(void)
{
	struct world w;
	struct lab lab;

	if (up(&w, &lab, 3))
		return TEST_FAILED;
	lab.of[0].delay_ns = 15 * MS;
	lab.of[1].delay_ns = 2 * MS;
	lab.of[2].delay_ns = 9 * MS;
	names(&w, 50);
	world_run(&w, 300 * SEC);
	RTE_TEST_ASSERT(lab.asked[1] > 20 * lab.asked[0] && lab.asked[1] > 20 * lab.asked[2],
		"asked %u, %u, %u", lab.asked[0], lab.asked[1], lab.asked[2]);
	RTE_TEST_ASSERT(lab.asked[0] > 5 && lab.asked[2] > 5, "the others are looked at, too");
	lab.of[1].delay_ns = 200 * MS; // it becomes slow
	memset(lab.asked, 0, sizeof(lab.asked));
	world_run(&w, 300 * SEC);
	RTE_TEST_ASSERT(lab.asked[2] > 10 * lab.asked[1], "asked %u, %u, %u", lab.asked[0],
		lab.asked[1], lab.asked[2]);
	world_fini(&w);
	return TEST_SUCCESS;
}

// One of two is silent from the start: every answer is there within 300 ms, then it is set aside.
static int
silent_one(void)
{
	struct world w;
	struct lab lab;

	if (up(&w, &lab, 2))
		return TEST_FAILED;
	lab.of[0].does = SILENT;
	names(&w, 200);
	world_run(&w, 300 * MS);
	SL_TEST_INT(sl_dns_pending(w.d), 0);
	world_run(&w, 10 * SEC);
	memset(lab.asked, 0, sizeof(lab.asked));
	world_run(&w, 300 * SEC);
	RTE_TEST_ASSERT(lab.asked[0] >= 3 && lab.asked[0] < 40, "probed %u times", lab.asked[0]);
	lab.of[0].does = GOOD;
	lab.of[1].delay_ns = 20 * MS;
	world_run(&w, 70 * SEC);
	memset(lab.asked, 0, sizeof(lab.asked));
	world_run(&w, 100 * SEC);
	RTE_TEST_ASSERT(
		lab.asked[0] > 10 * lab.asked[1], "it is back: %u, %u", lab.asked[0], lab.asked[1]);
	world_fini(&w);
	return TEST_SUCCESS;
}

// A server that only fails hands over at once.
static int
failing_one(void)
{
	struct world w;
	struct lab lab;

	if (up(&w, &lab, 2))
		return TEST_FAILED;
	lab.of[0].does = SERVFAIL;
	names(&w, 200);
	world_run(&w, 20 * MS);
	SL_TEST_INT(sl_dns_pending(w.d), 0);
	SL_TEST_INT(sl_dns_counter(w.d, SL_DNS_C_TIMEOUTS), 0);
	world_fini(&w);
	return TEST_SUCCESS;
}

// The second question goes to the other server, which knows better.
static int
confirmed_elsewhere(void)
{
	struct sl_dns_use *use;
	char buf[512];
	struct world w;
	struct lab lab;

	if (up(&w, &lab, 2))
		return TEST_FAILED;
	lab.of[1].delay_ns = 20 * MS; // the liar is the quicker one
	names(&w, 20);
	world_run(&w, 60 * SEC);
	lab.of[0].does = NXDOMAIN;
	use = sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
	world_run(&w, 1 * SEC);
	world_run(&w, 3 * SEC);
	SL_TEST_STR(world_see(use, buf), "fresh 192.0.2.1");
	world_fini(&w);
	return TEST_SUCCESS;
}

// Servers are changed while questions to them are under way.
static int
exchanged(void)
{
	struct world w;
	struct lab lab;
	char *why;

	if (up(&w, &lab, 1))
		return TEST_FAILED;
	lab.of[0].does = SILENT;
	names(&w, 300);
	world_run(&w, 100 * MS);
	w.servers[1] = (struct sl_dns_address){.ip = world_ip("198.51.100.77")};
	w.servers[0] = w.servers[1];
	lab.of[0].does = GOOD;
	SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), 0);
	world_run(&w, 500 * MS);
	SL_TEST_INT(sl_dns_pending(w.d), 0);
	RTE_TEST_ASSERT(w.asked >= 256 + 300 && w.asked < 256 + 400, "asked %u", w.asked);
	w.cfg.timeout_ns = 0;
	SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), -EINVAL);
	SL_TEST_STR(why, "the DNS timeout is 0");
	free(why);
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
resolv_conf_rows(void)
{
	static const struct {
		const char *text, *servers;
		uint32_t skipped;
	} rows[] = {
		{"", "", 0},
		{"nameserver 192.0.2.53", "192.0.2.53 ", 0},
		{"nameserver 192.0.2.53\nnameserver 2001:db8::53\n", "192.0.2.53 2001:db8::53 ", 0},
		{"# nameserver 192.0.2.1\n; nameserver 192.0.2.2\nsearch example.com\n", "", 0},
		{"nameserver\t192.0.2.53 \t # ours\r\n", "192.0.2.53 ", 0},
		{"nameserver   192.0.2.53;x", "192.0.2.53 ", 0},
		{"nameserver 192.0.2.53x\nnameserver #192.0.2.53", "", 1},
		{"nameservers 192.0.2.53\nnameserver\nnameserver \n", "", 0},
		{"nameserver ns.example.com\nnameserver fe80::1%eth0\nnameserver 192.0.2.53",
			"192.0.2.53 ", 2},
		{" nameserver 192.0.2.53", "", 0}, // libc wants it at the start of the line
		{"nameserver 192.0.2.53.192.0.2.53.192.0.2.53.192.0.2.53.192.0.2.53.192.0.2.53", "",
			1},
		{"options timeout:1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver "
		 "192.0.2.3\nnameserver 192.0.2.4\nnameserver 192.0.2.5\n",
			"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 ", 0},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_dns_address addr[4];
		char *text = sl_xstrdup(rows[i].text), got[256] = "", ip[SL_IP_STRLEN];
		uint32_t skipped, n = resolv_parse(text, addr, SL_ARRAY_LEN(addr), &skipped);

		for (uint32_t k = 0; k < n; k++)
			strcat(strcat(got, sl_ip_str(&addr[k].ip, ip)), " ");
		free(text);
		SL_TEST_STR(got, rows[i].servers);
		SL_TEST_INT(skipped, rows[i].skipped);
	}
	return TEST_SUCCESS;
}

static int
resolv_conf(void)
{
	char path[] = "/tmp/sluice-resolv.XXXXXX", buf[512], *why;
	struct sl_dns_address addr[4];
	struct sl_dns_use *use;
	uint32_t skipped;
	struct world w;

	close(mkstemp(path));
	write_file(path,
		"# nameserver 192.0.2.1\nsearch example\nnameserver  198.51.100.9 # x\r\n"
		"nameserver fe80::1%eth0\nnameserver\t2001:db8::53\nnameserverx 192.0.2.2\n"
		"nameserver");
	SL_TEST_INT(resolv_read(path, addr, 4, &skipped), 2);
	SL_TEST_INT(skipped, 1);
	SL_TEST_STR(sl_ip_str(&addr[0].ip, buf), "198.51.100.9");
	SL_TEST_STR(sl_ip_str(&addr[1].ip, buf), "2001:db8::53");
	write_file(path, "");
	if (world_init(&w, 1))
		return TEST_FAILED;
	w.cfg.n_servers = 0;
	w.cfg.resolv_conf = path;
	SL_TEST_INT(sl_dns_configure(w.d, &w.cfg, &why), 0);
	use = sl_dns_use_new(w.d, "www.example", &world_policy, NULL, NULL);
	world_run(&w, 1 * SEC);
	SL_TEST_STR(world_see(use, buf), "failed");
	write_file(path, "nameserver 198.51.100.1\n");
	world_run(&w, 15 * SEC);
	SL_TEST_STR(world_see(use, buf), "fresh 192.0.2.1");
	unlink(path); // what was read last stays
	world_run(&w, 100 * SEC);
	SL_TEST_STR(world_see(use, buf), "fresh 192.0.2.1");
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
out_of_range(void)
{
	static const struct {
		const char *ip;
		const char *always, *strictly; // NULL: fine
	} cases[] = {
		{"192.0.2.1", NULL, NULL},
		{"0.1.2.3", "unspecified", "unspecified"},
		{"127.255.255.255", "loopback", "loopback"},
		{"169.254.0.1", "link-local", "link-local"},
		{"224.0.0.0", "multicast", "multicast"},
		{"239.255.255.255", "multicast", "multicast"},
		{"240.240.0.1", "class E", "class E"},
		{"255.255.255.255", "broadcast", "broadcast"},
		{"10.255.0.1", NULL, "private"},           // lint: it is the subject
		{"11.0.0.0", NULL, NULL},                  // lint: just outside
		{"172.16.0.0", NULL, "private"},           // lint: it is the subject
		{"172.32.0.0", NULL, NULL},                // lint: just outside
		{"192.168.255.255", NULL, "private"},      // lint: it is the subject
		{"192.169.0.0", NULL, NULL},               // lint: just outside
		{"100.64.0.0", NULL, "shared (RFC 6598)"}, // lint: it is the subject
		{"100.128.0.0", NULL, NULL},               // lint: just outside
		{"::", "unspecified", "unspecified"},
		{"::1", "loopback", "loopback"},
		{"::2", "IPv4-compatible", "IPv4-compatible"},
		{"::ffff:192.0.2.1", "IPv4-mapped", "IPv4-mapped"},
		{"fe80::1", "link-local", "link-local"},
		{"febf::1", "link-local", "link-local"},
		{"fec0::1", NULL, "site-local"},
		{"ff02::1", "multicast", "multicast"},
		{"fc00::1", NULL, "private"},
		{"fdff::1", NULL, "private"},
		{"2001:db8::1", NULL, NULL},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
		const struct sl_ip ip = world_ip(cases[i].ip);
		const char *a = reject_why(&ip, false), *b = reject_why(&ip, true);

		SL_TEST_STR(a ? a : "fine", cases[i].always ? cases[i].always : "fine");
		SL_TEST_STR(b ? b : "fine", cases[i].strictly ? cases[i].strictly : "fine");
	}
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"the quickest is asked", quickest},
	{"one is silent", silent_one},
	{"one fails", failing_one},
	{"an empty answer is confirmed elsewhere", confirmed_elsewhere},
	{"other servers", exchanged},
	{"resolv.conf: texts", resolv_conf_rows},
	{"resolv.conf", resolv_conf},
	{"addresses out of range", out_of_range},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
