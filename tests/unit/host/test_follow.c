// Changes made outside with `ip`, as sl_host_poll() tells of them.
#include <unistd.h>

#include "kernel_tests.h"
#include "lab.h"

#define SOON_MS 10000

// A change, the event that it is and how long it took from its command's end to sl_host_poll(); the
// contract is 50 ms, a slow machine is no failure.
static int
change(struct sl_host *h, int bit, const char *command)
{
	uint64_t before;
	int came;

	RTE_TEST_ASSERT(sh("%s", command), "%s", command);
	before = lab_now_us();
	came = lab_wait(h, bit, SOON_MS);
	RTE_TEST_ASSERT(came >= 0 && (came & bit), "%s: bits %d", command, came);
	printf("# %-60s seen %llu us after it returned\n", command,
		(unsigned long long)(lab_now_us() - before));
	return TEST_SUCCESS;
}
#define CHANGE(h, bit, command)                                                                    \
	do {                                                                                       \
		if (change(h, bit, command) != TEST_SUCCESS)                                       \
			return TEST_FAILED;                                                        \
	} while (0)

static int
start(struct sl_host **h, bool with_wan)
{
	*h = lab_host(with_wan);
	RTE_TEST_ASSERT_NOT_NULL(*h, "host");
	SL_TEST_INT(lab_apply(*h, LAN, "addr 192.0.2.1/24"), 0);
	if (with_wan)
		SL_TEST_INT(lab_apply(*h, WAN, "addr 198.51.100.1/24"), 0);
	sl_host_poll(*h);
	return TEST_SUCCESS;
}
#define START(h, with_wan)                                                                         \
	do {                                                                                       \
		LAB();                                                                             \
		if (start(h, with_wan) != TEST_SUCCESS)                                            \
			return TEST_FAILED;                                                        \
	} while (0)

// "192.0.2.9" of mirror LAN, "192.0.2.9@7" of another; "link", "unreachable", "none".
static int
leads(struct sl_host *h, const char *prefix, uint32_t metric, uint16_t index, const char *to)
{
	const struct sl_host_route *r = lab_route(h, prefix, metric);
	char text[SL_IP_STRLEN];

	if (strcmp(to, "none") == 0) {
		RTE_TEST_ASSERT_NULL(r, "%s is there", prefix);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT_NOT_NULL(r, "%s is not there", prefix);
	if (strcmp(to, "unreachable") == 0) {
		RTE_TEST_ASSERT(r->unreachable, "%s is reachable", prefix);
		return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(!r->unreachable, "%s is unreachable", prefix);
	SL_TEST_INT(r->index, index);
	SL_TEST_STR(r->gateway ? sl_ip4_str(r->gateway, text) : "link", to);
	return TEST_SUCCESS;
}
#define LEADS(h, prefix, metric, index, to)                                                        \
	do {                                                                                       \
		if (leads(h, prefix, metric, index, to) != TEST_SUCCESS) {                         \
			printf("# %s:%d\n", __FILE__, __LINE__);                                   \
			return TEST_FAILED;                                                        \
		}                                                                                  \
	} while (0)

int
follow_latency(void)
{
	struct sl_host *h;

	START(&h, false);
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.9");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 via 192.0.2.8");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.8");
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.7 metric 9");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.8");
	LEADS(h, "203.0.113.0/24", 9, LAN, "192.0.2.7");
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.0/24 metric 0");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	LEADS(h, "203.0.113.0/24", 9, LAN, "192.0.2.7");
	CHANGE(h, SL_HOST_ROUTES, "ip route add 198.18.0.1 via 203.0.113.77 dev lan onlink");
	LEADS(h, "198.18.0.1/32", 0, LAN, "203.0.113.77");

	CHANGE(h, SL_HOST_NEIGHS, "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan");
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9")->usable, "usable");
	CHANGE(h, SL_HOST_NEIGHS, "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:98 dev lan");
	SL_TEST_INT(lab_neigh(h, LAN, "192.0.2.9")->mac.b[5], 0x98);
	CHANGE(h, SL_HOST_NEIGHS, "ip neigh del 192.0.2.9 dev lan");
	RTE_TEST_ASSERT_NULL(lab_neigh(h, LAN, "192.0.2.9"), "gone");

	CHANGE(h, SL_HOST_ADDRS, "ip addr add 203.0.113.1/32 dev lan");
	RTE_TEST_ASSERT(!lab_addr(h, LAN, "203.0.113.1/32")->ours, "the operator's");
	CHANGE(h, SL_HOST_ADDRS, "ip addr del 203.0.113.1/32 dev lan");

	// REACHABLE and STALE are the same to whoever sends: no event, still usable.
	RTE_TEST_ASSERT(sh("ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan nud "
			   "reachable"),
		"ip");
	SL_TEST_INT(lab_wait(h, SL_HOST_NEIGHS, SOON_MS), SL_HOST_NEIGHS);
	RTE_TEST_ASSERT(
		sh("ip neigh change 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan nud stale"), "ip");
	SL_TEST_INT(sl_host_poll(h), 0);
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9")->usable, "stale is usable");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_unreachable(void)
{
	struct sl_host *h;

	LAB();
	RTE_TEST_ASSERT(sh("ip route add unreachable 198.18.0.0/15"), "ip"); // before the start
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	LEADS(h, "198.18.0.0/15", 0, 0, "unreachable");
	CHANGE(h, SL_HOST_ROUTES, "ip route add blackhole 203.0.113.0/24");
	LEADS(h, "203.0.113.0/24", 0, 0, "unreachable");
	CHANGE(h, SL_HOST_ROUTES, "ip route add prohibit 198.51.100.0/24");
	LEADS(h, "198.51.100.0/24", 0, 0, "unreachable");
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.0/24");
	LEADS(h, "203.0.113.0/24", 0, 0, "none");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 198.51.100.0/24 dev lan");
	LEADS(h, "198.51.100.0/24", 0, LAN, "link");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_link_down(void)
{
	struct sl_host_link link;
	struct sl_host *h;

	START(&h, false);
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.9");
	CHANGE(h, SL_HOST_LINKS | SL_HOST_ROUTES, "ip link set lan down");
	SL_TEST_INT(sl_host_link(h, LAN, &link), 0);
	RTE_TEST_ASSERT(link.present && !link.up, "down");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none"); // flushed by the kernel, without an event
	LEADS(h, "192.0.2.0/24", 0, LAN, "none");
	CHANGE(h, SL_HOST_LINKS | SL_HOST_ROUTES, "ip link set lan up");
	LEADS(h, "192.0.2.0/24", 0, LAN, "link");
	CHANGE(h, SL_HOST_LINKS, "ip link set lan mtu 1400");
	SL_TEST_INT(sl_host_link(h, LAN, &link), 0);
	SL_TEST_INT(link.mtu, 1400);
	CHANGE(h, SL_HOST_LINKS, "ip link set lan address 02:00:00:00:00:77");
	SL_TEST_INT(sl_host_link(h, LAN, &link), 0);
	SL_TEST_INT(link.mac.b[5], 0x77);
	// The source that a route prefers goes, and the route with it, without an event.
	RTE_TEST_ASSERT(sh("ip addr add 192.0.2.5/32 dev lan && ip route add 203.0.113.0/24 "
			   "via 192.0.2.9 src 192.0.2.5"),
		"ip");
	lab_wait(h, SL_HOST_ROUTES, SOON_MS);
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip addr del 192.0.2.5/32 dev lan");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_several_of_a_key(void)
{
	struct sl_host *h;

	START(&h, false);
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.9");
	// Behind it: no change. Before it: that one counts.
	RTE_TEST_ASSERT(sh("ip route append 203.0.113.0/24 via 192.0.2.8"), "ip");
	SL_TEST_INT(sl_host_poll(h), 0);
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip route prepend 203.0.113.0/24 via 192.0.2.7");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.7");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 via 192.0.2.6");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.6");
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.0/24 via 192.0.2.6");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	RTE_TEST_ASSERT(sh("ip route del 203.0.113.0/24 via 192.0.2.8"), "ip");
	SL_TEST_INT(sl_host_poll(h), 0);
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.0/24");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_multipath(void)
{
	struct sl_host *h;

	START(&h, true);
	CHANGE(h, SL_HOST_ROUTES,
		"ip route add 203.0.113.0/24 nexthop via 198.51.100.9 nexthop via 192.0.2.9");
	LEADS(h, "203.0.113.0/24", 0, WAN, "198.51.100.9");
	CHANGE(h, SL_HOST_ROUTES, "ip link set wan down"); // a dead leg is passed over
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip link set wan up");
	LEADS(h, "203.0.113.0/24", 0, WAN, "198.51.100.9");
	sl_host_free(h);
	return TEST_SUCCESS;
}

static int
nexthop_objects(struct sl_host *h)
{
	RTE_TEST_ASSERT(sh("ip nexthop add id 7 via 192.0.2.9 dev lan"), "ip");
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 nhid 7");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip nexthop replace id 7 via 192.0.2.8 dev lan");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.8");
	RTE_TEST_ASSERT(sh("ip nexthop add id 8 via 198.51.100.9 dev wan && "
			   "ip nexthop add id 9 group 8/7"),
		"ip");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 nhid 9");
	LEADS(h, "203.0.113.0/24", 0, WAN, "198.51.100.9");
	CHANGE(h, SL_HOST_ROUTES, "ip nexthop del id 8"); // leaves its group
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.8");
	RTE_TEST_ASSERT(sh("ip nexthop add id 10 blackhole"), "ip");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 nhid 10");
	LEADS(h, "203.0.113.0/24", 0, 0, "unreachable");
	CHANGE(h, SL_HOST_ROUTES, "ip nexthop del id 10"); // and its routes go without an event
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	return TEST_SUCCESS;
}

int
follow_nexthop_objects(void)
{
	static const char *const compat_modes[] = {"1", "0"};

	for (size_t i = 0; i < 2; i++) {
		struct sl_host *h;

		START(&h, true);
		RTE_TEST_ASSERT(
			sh("echo %s >/proc/sys/net/ipv4/nexthop_compat_mode", compat_modes[i]),
			"sysctl");
		if (nexthop_objects(h) != TEST_SUCCESS) {
			printf("# nexthop_compat_mode %s\n", compat_modes[i]);
			return TEST_FAILED;
		}
		sl_host_free(h);
	}
	return TEST_SUCCESS;
}

int
follow_foreign(void)
{
	struct sl_host *h;

	START(&h, false);
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.9");
	// More specific, and its gateway is IPv6: its traffic must not take the other route.
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, addr 2001:db8::1/64"), 0);
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.128/25 via inet6 2001:db8::9 dev lan");
	LEADS(h, "203.0.113.128/25", 0, 0, "unreachable");
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.128/25");
	LEADS(h, "203.0.113.128/25", 0, 0, "none");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_other_tables(void)
{
	struct sl_host *h;

	START(&h, false);
	// 254 is main; 1278 has its low byte.
	RTE_TEST_ASSERT(sh("ip route add 203.0.113.0/24 via 192.0.2.9 table 100 && "
			   "ip route add 203.0.113.0/24 via 192.0.2.9 table 1278"),
		"ip");
	SL_TEST_INT(sl_host_poll(h), 0);
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	CHANGE(h, SL_HOST_ROUTES, "ip route add 203.0.113.0/24 via 192.0.2.9 table main");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_elsewhere(void)
{
	struct sl_host *h;

	START(&h, false);
	RTE_TEST_ASSERT(sh("ip link add mgmt type veth peer name mgmt0 && ip link set mgmt up && "
			   "ip link set mgmt0 up && ip addr add 198.51.100.1/24 dev mgmt && "
			   "ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev mgmt && "
			   "ip route add 203.0.113.0/24 via 198.51.100.9"),
		"ip");
	SL_TEST_INT(sl_host_poll(h), 0); // none of it is the mirrors'
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	// From elsewhere to a mirror, and back.
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 via 192.0.2.9");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 203.0.113.0/24 via 198.51.100.9");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	// Behind one that leads elsewhere, which then goes.
	CHANGE(h, SL_HOST_ROUTES, "ip route append 203.0.113.0/24 via 192.0.2.9");
	LEADS(h, "203.0.113.0/24", 0, LAN, "192.0.2.9");
	RTE_TEST_ASSERT(sh("ip route del 203.0.113.0/24 via 198.51.100.9"), "ip");
	SL_TEST_INT(sl_host_poll(h), 0);
	CHANGE(h, SL_HOST_ROUTES, "ip route del 203.0.113.0/24");
	LEADS(h, "203.0.113.0/24", 0, LAN, "none");
	sl_host_free(h);
	return TEST_SUCCESS;
}

// ip -batch of n routes 198.18.x.y/32.
static bool
batch(const char *verb, int n)
{
	return sh("i=0; while [ $i -lt %d ]; do echo route %s 198.$((18 + i / 65536))."
		  "$((i / 256 %% 256)).$((i %% 256)) via 192.0.2.9; i=$((i + 1)); done | "
		  "ip -batch -",
		n, verb);
}

int
follow_overrun(void)
{
	struct sl_host_stats before, after;
	struct sl_host *h;
	uint32_t n;

	START(&h, false);
	sl_host_stats(h, &before);
	SL_TEST_INT(sl_host_set_rcvbuf(h, 4096), 0);
	RTE_TEST_ASSERT(
		batch("add", 2000) && sh("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev "
					 "lan && ip addr add 192.0.2.3/24 dev lan"),
		"ip");
	SL_TEST_INT(lab_wait(h, SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS, SOON_MS) &
			    (SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS),
		SL_HOST_ROUTES | SL_HOST_NEIGHS | SL_HOST_ADDRS);
	sl_host_stats(h, &after);
	RTE_TEST_ASSERT(
		after.overruns > before.overruns, "nothing was lost: the test shows nothing");
	printf("# overruns %llu, tables read anew %llu, events taken in %llu\n",
		(unsigned long long)(after.overruns - before.overruns),
		(unsigned long long)(after.dumps - before.dumps),
		(unsigned long long)(after.events - before.events));
	sl_host_routes(h, &n);
	SL_TEST_INT(n, 2001);
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9") && lab_addr(h, LAN, "192.0.2.3/24"), "rest");

	// And what went while nobody heard it.
	RTE_TEST_ASSERT(batch("del", 2000), "ip");
	SL_TEST_INT(lab_wait(h, SL_HOST_ROUTES, SOON_MS) & SL_HOST_ROUTES, SL_HOST_ROUTES);
	sl_host_routes(h, &n);
	SL_TEST_INT(n, 1);
	SL_TEST_INT(sl_host_poll(h), 0);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_many_routes(void)
{
	struct sl_host_stats stats;
	struct sl_host *h;
	uint64_t t0, t1;
	char *why = NULL;
	uint32_t n;

	START(&h, false);
	RTE_TEST_ASSERT(batch("add", 100000), "ip");
	t0 = lab_now_us();
	RTE_TEST_ASSERT(sl_host_poll(h) >= 0, "poll");
	t1 = lab_now_us();
	sl_host_routes(h, &n);
	sl_host_stats(h, &stats);
	printf("# 100,000 routes at once: taken in in %llu ms (overruns %llu), array in %llu us\n",
		(unsigned long long)(t1 - t0) / 1000, (unsigned long long)stats.overruns,
		(unsigned long long)(lab_now_us() - t1));
	SL_TEST_INT(n, 100001);
	CHANGE(h, SL_HOST_ROUTES, "ip route replace 198.18.0.77 via 192.0.2.8");
	LEADS(h, "198.18.0.77/32", 0, LAN, "192.0.2.8");
	sl_host_free(h);

	RTE_TEST_ASSERT(sh("ip route add blackhole 203.0.113.0/24"), "ip");
	t0 = lab_now_us();
	h = sl_host_new(NULL, &why);
	RTE_TEST_ASSERT_NOT_NULL(h, "%s", why);
	printf("# started in %llu us\n", (unsigned long long)(lab_now_us() - t0));
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
follow_mirror_lost(void)
{
	struct sl_host_link link;
	struct sl_host *h;
	uint32_t n;

	START(&h, true);
	CHANGE(h, SL_HOST_LINKS | SL_HOST_ADDRS | SL_HOST_ROUTES, "ip link del lan");
	SL_TEST_INT(sl_host_link(h, LAN, &link), 0);
	RTE_TEST_ASSERT(!link.present && !link.up, "gone");
	sl_host_addrs(h, &n);
	SL_TEST_INT(n, 1);
	LEADS(h, "192.0.2.0/24", 0, LAN, "none");
	LEADS(h, "198.51.100.0/24", 0, WAN, "link");
	RTE_TEST_ASSERT(lab_apply(h, LAN, "addr 192.0.2.1/24") < 0, "apply to nothing");
	RTE_TEST_ASSERT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.9")) < 0, "ask nothing");
	SL_TEST_INT(lab_apply(h, WAN, ""), 0);
	sl_host_free(h);
	return TEST_SUCCESS;
}
