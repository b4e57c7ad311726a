// What sl_host_apply() does to the kernel, checked with `ip` and by listening.
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "kernel_tests.h"
#include "lab.h"
#include "sl_str.h"

#define BASIC                                                                                      \
	"addr 192.0.2.1/24, host 192.0.2.10, host 203.0.113.5, route 0.0.0.0/0 via 192.0.2.9, "    \
	"route 198.51.100.0/24 via 192.0.2.8 metric 50, route 198.18.0.0/15, "                     \
	"neigh 192.0.2.9 02:00:00:00:00:99"

// Those of the mirror, sorted as text.
static const char *
addrs(void)
{
	return sh_line("ip -4 -o addr show dev lan | awk '{ print $4 }' | sort | tr '\\n' ' '");
}

int
apply_adds(void)
{
	struct sl_host *h;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);

	SL_TEST_STR(addrs(), "192.0.2.1/24 192.0.2.10/32 203.0.113.5/32 ");
	// Never the kernel's own source, no route for it beside the local one.
	RTE_TEST_ASSERT(sh("ip addr show dev lan | grep -q "
			   "'inet 192.0.2.10/32 scope host noprefixroute lan'"),
		"the flags of a host address");
	SL_TEST_STR(sh_line("ip route get 192.0.2.77 | grep -o 'src [^ ]*'"), "src 192.0.2.1");
	SL_TEST_STR(sh_line("ip route get 198.18.0.1 | grep -o 'src [^ ]*'"), "src 192.0.2.1");
	SL_TEST_STR(sh_line("ip route get 203.0.113.77 | grep -o 'src [^ ]*'"), "src 192.0.2.1");
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.9 dev lan proto static ");
	SL_TEST_STR(sh_line("ip route show 198.51.100.0/24"),
		"198.51.100.0/24 via 192.0.2.8 dev lan proto static metric 50 ");
	SL_TEST_STR(sh_line("ip route show 198.18.0.0/15"),
		"198.18.0.0/15 dev lan proto static scope link ");
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:99 PERMANENT ");

	// The same through the getters, without a poll in between.
	RTE_TEST_ASSERT(lab_addr(h, LAN, "192.0.2.1/24") && !lab_addr(h, LAN, "192.0.2.1/24")->ours,
		"the address");
	RTE_TEST_ASSERT(
		lab_addr(h, LAN, "192.0.2.10/32") && lab_addr(h, LAN, "192.0.2.10/32")->ours,
		"the host address");
	RTE_TEST_ASSERT(lab_route(h, "0.0.0.0/0", 0) &&
				lab_route(h, "0.0.0.0/0", 0)->gateway == ip4("192.0.2.9") &&
				lab_route(h, "0.0.0.0/0", 0)->index == LAN,
		"the default route");
	RTE_TEST_ASSERT(
		lab_route(h, "192.0.2.0/24", 0) && lab_route(h, "192.0.2.0/24", 0)->gateway == 0,
		"the connected route");
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9") && lab_neigh(h, LAN, "192.0.2.9")->usable,
		"the neighbour");
	// And what was taken in while applying is reported.
	SL_TEST_INT(lab_wait(h, SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS, 10000) &
			    (SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS),
		SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_twice(void)
{
	struct sl_host *h;
	int listener;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	sl_host_poll(h);
	listener = listener_open();
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	SL_TEST_INT(listener_count(listener), 0);
	SL_TEST_INT(sl_host_poll(h), 0);
	// The listener does hear one.
	SL_TEST_INT(lab_apply(h, LAN, BASIC ", host 192.0.2.11"), 0);
	RTE_TEST_ASSERT(listener_count(listener) > 0, "the listener is deaf");
	close(listener);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_differences(void)
{
	struct sl_host *h;
	int listener;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	listener = listener_open();

	// Another gateway: one message, in place, and the route was never away.
	SL_TEST_INT(lab_apply(h, LAN,
			    "addr 192.0.2.1/24, host 192.0.2.10, host 203.0.113.5, "
			    "route 0.0.0.0/0 via 192.0.2.7, "
			    "route 198.51.100.0/24 via 192.0.2.8 metric 50, route 198.18.0.0/15, "
			    "neigh 192.0.2.9 02:00:00:00:00:99"),
		0);
	SL_TEST_INT(listener_count(listener), 1);
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.7 dev lan proto static ");

	// Another MAC, likewise.
	SL_TEST_INT(lab_apply(h, LAN,
			    "addr 192.0.2.1/24, host 192.0.2.10, host 203.0.113.5, "
			    "route 0.0.0.0/0 via 192.0.2.7, "
			    "route 198.51.100.0/24 via 192.0.2.8 metric 50, route 198.18.0.0/15, "
			    "neigh 192.0.2.9 02:00:00:00:00:98"),
		0);
	SL_TEST_INT(listener_count(listener), 1);
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:98 PERMANENT ");

	// Less.
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, host 192.0.2.10"), 0);
	SL_TEST_STR(addrs(), "192.0.2.1/24 192.0.2.10/32 ");
	SL_TEST_STR(sh_line("ip route show proto static"), "");
	SL_TEST_STR(sh_line("ip neigh show nud permanent"), "");

	// Nothing.
	SL_TEST_INT(lab_apply(h, LAN, ""), 0);
	SL_TEST_STR(addrs(), "");
	SL_TEST_STR(sh_line("ip -4 route show table all dev lan"), "");
	close(listener);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_leaves_others(void)
{
	struct sl_host *h;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	RTE_TEST_ASSERT(
		sh("ip addr add 192.0.2.3/24 dev lan && ip addr add 192.0.2.10/32 dev lan"), "ip");
	RTE_TEST_ASSERT(sh("ip route add 203.0.113.0/24 via 192.0.2.9"), "ip");
	RTE_TEST_ASSERT(sh("ip neigh add 192.0.2.50 lladdr 02:00:00:00:00:50 dev lan"), "ip");

	// Some of it is listed too: it was there before, so it is not Sluice's.
	SL_TEST_INT(
		lab_apply(h, LAN,
			"addr 192.0.2.1/24, host 192.0.2.10, host 192.0.2.3, "
			"route 203.0.113.0/24 via 192.0.2.9, route 198.51.100.0/24 via 192.0.2.9, "
			"neigh 192.0.2.50 02:00:00:00:00:50"),
		0);
	RTE_TEST_ASSERT(
		lab_addr(h, LAN, "192.0.2.10/32") && !lab_addr(h, LAN, "192.0.2.10/32")->ours,
		"an address that others set is theirs");
	RTE_TEST_ASSERT_NULL(lab_addr(h, LAN, "192.0.2.3/32"), "it is there with /24 already");
	SL_TEST_INT(lab_apply(h, LAN, ""), 0);
	SL_TEST_STR(addrs(), "192.0.2.10/32 192.0.2.3/24 ");
	SL_TEST_STR(
		sh_line("ip route show 203.0.113.0/24"), "203.0.113.0/24 via 192.0.2.9 dev lan ");
	SL_TEST_STR(sh_line("ip route show 198.51.100.0/24"), "");
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.50"),
		"192.0.2.50 dev lan lladdr 02:00:00:00:00:50 PERMANENT ");

	// Sluice's address, taken away and set again by somebody else: theirs from then on.
	SL_TEST_INT(lab_apply(h, LAN, "host 203.0.113.5"), 0);
	RTE_TEST_ASSERT(
		sh("ip addr del 203.0.113.5/32 dev lan && ip addr add 203.0.113.5/32 dev lan"),
		"ip");
	SL_TEST_INT(lab_apply(h, LAN, ""), 0);
	RTE_TEST_ASSERT(lab_addr(h, LAN, "203.0.113.5/32"), "somebody else's address is gone");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_after_outside(void)
{
	struct sl_host *h;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	RTE_TEST_ASSERT(sh("ip addr del 192.0.2.10/32 dev lan && ip route del default && "
			   "ip neigh del 192.0.2.9 dev lan"),
		"ip");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	RTE_TEST_ASSERT(
		lab_addr(h, LAN, "192.0.2.10/32") && lab_addr(h, LAN, "192.0.2.10/32")->ours,
		"the address is back");
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.9 dev lan proto static ");
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:99 PERMANENT ");

	// Down and up: the kernel flushed routes and neighbours without telling of the routes.
	RTE_TEST_ASSERT(sh("ip link set lan down && ip link set lan up"), "ip");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.9 dev lan proto static ");
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:99 PERMANENT ");

	// While it is down its addresses can be set, the rest is left for later without complaint.
	RTE_TEST_ASSERT(sh("ip link set lan down"), "ip");
	SL_TEST_INT(lab_apply(h, LAN, BASIC ", host 192.0.2.11"), 0);
	RTE_TEST_ASSERT(lab_addr(h, LAN, "192.0.2.11/32"), "an address on a link that is down");
	RTE_TEST_ASSERT(sh("ip link set lan up"), "ip");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), 0);
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.9 dev lan proto static ");

	// The operator's own default in its place: said, and left alone.
	RTE_TEST_ASSERT(sh("ip route replace default via 192.0.2.6"), "ip");
	SL_TEST_INT(lab_apply(h, LAN, BASIC), -EEXIST);
	SL_TEST_STR(sh_line("ip route show default"), "default via 192.0.2.6 dev lan ");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_primary_address(void)
{
	struct sl_host *h;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, route 0.0.0.0/0 via 192.0.2.9"), 0);
	RTE_TEST_ASSERT(sh("ip addr add 192.0.2.3/24 dev lan"), "ip"); // becomes a secondary
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.2/24, route 0.0.0.0/0 via 192.0.2.9"), 0);
	SL_TEST_STR(addrs(), "192.0.2.2/24 192.0.2.3/24 ");
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 192.0.2.9 dev lan proto static ");

	// To another subnet: no address is left on the way, the kernel keeps the routes it can.
	RTE_TEST_ASSERT(sh("ip addr del 192.0.2.3/24 dev lan"), "ip");
	SL_TEST_INT(lab_apply(h, LAN, "addr 198.51.100.1/24, route 0.0.0.0/0 via 198.51.100.9"), 0);
	SL_TEST_STR(addrs(), "198.51.100.1/24 ");
	SL_TEST_STR(
		sh_line("ip route show default"), "default via 198.51.100.9 dev lan proto static ");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_host_address(void)
{
	struct sl_host *h;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	// A VIP that is the port's own address.
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, host 192.0.2.1"), 0);
	SL_TEST_STR(addrs(), "192.0.2.1/24 ");
	// The port's address goes and the VIP stays.
	SL_TEST_INT(lab_apply(h, LAN, "host 192.0.2.1"), 0);
	SL_TEST_STR(addrs(), "192.0.2.1/32 ");
	// And back, and the local route with it.
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, host 192.0.2.1"), 0);
	SL_TEST_STR(addrs(), "192.0.2.1/24 ");
	RTE_TEST_ASSERT(sh("ip route get 192.0.2.1 | grep -q ^local"), "the local route");
	// The same length as either sort: ours afterwards only as a VIP.
	SL_TEST_INT(lab_apply(h, LAN, "addr 203.0.113.5/32"), 0);
	RTE_TEST_ASSERT(!lab_addr(h, LAN, "203.0.113.5/32")->ours, "a plain /32");
	SL_TEST_INT(lab_apply(h, LAN, "host 203.0.113.5"), 0);
	RTE_TEST_ASSERT(lab_addr(h, LAN, "203.0.113.5/32")->ours, "a host /32");
	RTE_TEST_ASSERT(sh("ip addr show dev lan | grep -q 'inet 203.0.113.5/32 scope host'"),
		"with the scope of one");
	SL_TEST_INT(lab_apply(h, LAN, "host 203.0.113.5"), 0);
	SL_TEST_INT(lab_apply(h, LAN, ""), 0);
	SL_TEST_STR(addrs(), "");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_errors(void)
{
	const struct sl_host_route_cfg routes[2] = {
		{.to = {{AF_INET, .v4 = ip4("203.0.113.0")}, 24},
			.via = {AF_INET, .v4 = ip4("127.0.0.1")}},
		{.to = {{AF_INET, .v4 = ip4("198.51.100.0")}, 24},
			.via = {AF_INET, .v4 = ip4("192.0.2.9")}},
	};
	const struct sl_prefix addrs[2] = {
		{{AF_INET, .v4 = ip4("192.0.2.1")}, 40}, {{AF_INET, .v4 = ip4("192.0.2.1")}, 24}};
	const struct sl_host_cfg cfg = {
		.addrs = addrs, .n_addrs = 2, .routes = routes, .n_routes = 2};
	struct sl_host *h;
	char *why = NULL;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(sl_host_apply(h, 99, &cfg, &why), -ENODEV);
	SL_TEST_STR(why, "port index 99: No such device");
	free(why);
	RTE_TEST_ASSERT(sl_host_apply(h, LAN, &cfg, &why) < 0, "errors are returned");
	printf("# %s\n", why);
	RTE_TEST_ASSERT(
		strstr(why, "address 192.0.2.1/40: ") && strstr(why, "; route 203.0.113.0/24 "
								     "via 127.0.0.1"),
		"both are named");
	RTE_TEST_ASSERT(lab_route(h, "198.51.100.0/24", 0), "the rest is there");
	free(why);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_ip6(void)
{
	struct sl_host *h;
	int listener;
	const char *all = "addr 2001:db8::1/64, host 2001:db8::10, host 2001:db8:1::5, "
			  "route 2001:db8:2::/48 via 2001:db8::9, "
			  "neigh 2001:db8::9 02:00:00:00:00:99";

	LAB();
	if (access("/proc/sys/net/ipv6", F_OK) != 0)
		return TEST_SKIPPED;
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_INT(lab_apply(h, LAN, all), 0);
	RTE_TEST_ASSERT(
		sh("ip -6 addr show dev lan | grep -q '2001:db8::1/64 scope global' && "
		   "ip -6 addr show dev lan | grep -q '2001:db8:1::5/128 .*noprefixroute' && "
		   "ip -6 addr show dev lan | grep -q 'fe80::ff:fe00:1/64 scope link'"),
		"addresses");
	RTE_TEST_ASSERT(
		sh("ip -6 route show 2001:db8:2::/48 | grep -q 'via 2001:db8::9 dev lan proto "
		   "static metric 1024'"),
		"route");
	RTE_TEST_ASSERT(sh("ip -6 neigh show 2001:db8::9 | grep -q PERMANENT"), "neighbour");

	listener = listener_open();
	SL_TEST_INT(lab_apply(h, LAN, all), 0);
	SL_TEST_INT(listener_count(listener), 0);
	close(listener);

	// A host address that had its own length, and the other way round.
	SL_TEST_INT(
		lab_apply(h, LAN, "addr 2001:db8::1/64, addr 2001:db8:1::5/64, host 2001:db8::10"),
		0);
	RTE_TEST_ASSERT(sh("ip -6 addr show dev lan | grep -q '2001:db8:1::5/64'"), "length 64");
	SL_TEST_INT(lab_apply(h, LAN, "addr 2001:db8::1/64, host 2001:db8:1::5"), 0);
	RTE_TEST_ASSERT(sh("ip -6 addr show dev lan | grep -q '2001:db8:1::5/128'"), "length 128");
	SL_TEST_STR(sh_line("ip -6 route show 2001:db8:2::/48"), "");
	SL_TEST_STR(sh_line("ip -6 neigh show 2001:db8::9"), "");
	SL_TEST_INT(lab_apply(h, LAN, ""), 0);
	SL_TEST_STR(sh_line("ip -6 addr show dev lan scope global"), "");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
apply_many(void)
{
	enum { N = 5000 };
	struct sl_ip *addrs = sl_xcalloc(N, sizeof(*addrs));
	struct sl_host_cfg cfg = {.host_addrs = addrs, .n_host_addrs = N};
	struct sl_host_stats stats;
	uint64_t t0, t1, t2, t3;
	struct sl_host *h;
	char *why = NULL;
	uint32_t n;

	LAB();
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	for (uint32_t i = 0; i < N; i++)
		addrs[i] = (struct sl_ip){AF_INET, .v4 = htonl(0xc6120000 + i)};
	t0 = lab_now_us();
	SL_TEST_INT(sl_host_apply(h, LAN, &cfg, &why), 0);
	t1 = lab_now_us();
	SL_TEST_INT(sl_host_apply(h, LAN, &cfg, &why), 0);
	t2 = lab_now_us();
	sl_host_addrs(h, &n);
	SL_TEST_INT(n, N);
	SL_TEST_STR(sh_line("ip -4 -o addr show dev lan | wc -l"), "5000");
	cfg.n_host_addrs = 0;
	t3 = lab_now_us();
	SL_TEST_INT(sl_host_apply(h, LAN, &cfg, &why), 0);
	sl_host_stats(h, &stats);
	printf("# 5,000 added in %llu ms, again in %llu us, removed in %llu ms; overruns %llu\n",
		(unsigned long long)(t1 - t0) / 1000, (unsigned long long)(t2 - t1),
		(unsigned long long)(lab_now_us() - t3) / 1000, (unsigned long long)stats.overruns);
	sl_host_addrs(h, &n);
	SL_TEST_INT(n, 0);
	sl_host_free(h);
	free(addrs);
	return TEST_SUCCESS;
}
