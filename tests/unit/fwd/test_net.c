#include <errno.h>

#include "sl_fwd.h"
#include "sl_ip.h"
#include "sl_test.h"

static sl_be32
ip(const char *text)
{
	struct sl_ip a;

	if (sl_ip_parse(text, &a) < 0)
		abort();
	return a.v4;
}

struct text_route {
	const char *dst;
	uint16_t port;
	const char *gateway; // NULL: on link
	uint32_t metric;
	bool unreachable;
};

static struct sl_fwd_route
route_of(const struct text_route *t)
{
	struct sl_prefix p;

	if (sl_prefix_parse(t->dst, &p) < 0)
		abort();
	return (struct sl_fwd_route){.dst = p.addr.v4,
		.len = p.len,
		.port = t->port,
		.gateway = t->gateway ? ip(t->gateway) : 0,
		.metric = t->metric,
		.unreachable = t->unreachable};
}

static struct sl_fwd_net *
net_of(const struct text_route *t, uint32_t n)
{
	struct sl_fwd_route route[16];

	for (uint32_t i = 0; i < n; i++)
		route[i] = route_of(&t[i]);
	return sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = route, .n_routes = n});
}

static const struct text_route table[] = {
	{"0.0.0.0/0", 0, "192.0.2.254", 0, false}, {"192.0.2.0/24", 0, NULL, 0, false},
	{"198.51.100.0/24", 1, NULL, 0, false}, {"198.18.0.0/15", 1, "198.51.100.1", 100, false},
	{"198.18.0.0/15", 1, "198.51.100.2", 50, false}, // better
	{"198.18.0.0/15", 1, "198.51.100.3", 50, false}, // as good, later
	{"198.18.0.0/16", 0, NULL, 0, true},             // same start, narrower
	{"198.18.255.255/32", 2, NULL, 0, false},        // ends where the /16 ends
	{"203.0.113.0/24", 0, NULL, 0, true},
	{"203.0.113.128/25", 3, "192.0.2.9", 0, false}, // ends where the /24 ends
	{"255.255.255.255/32", 4, NULL, 0, false},      // the last address
};

static int
known_routes(void)
{
	const struct {
		const char *dst;
		int port; // -1: none
		const char *hop;
	} row[] = {
		{"192.0.2.1", 0, "192.0.2.1"},
		{"192.0.3.0", 0, "192.0.2.254"},
		{"0.0.0.0", 0, "192.0.2.254"},
		{"198.51.100.255", 1, "198.51.100.255"},
		{"198.51.101.0", 0, "192.0.2.254"},
		{"198.17.255.255", 0, "192.0.2.254"},
		{"198.18.0.0", -1, NULL},
		{"198.18.255.254", -1, NULL},
		{"198.18.255.255", 2, "198.18.255.255"},
		{"198.19.0.0", 1, "198.51.100.2"},
		{"198.19.255.255", 1, "198.51.100.2"},
		{"198.20.0.0", 0, "192.0.2.254"},
		{"203.0.113.127", -1, NULL},
		{"203.0.113.128", 3, "192.0.2.9"},
		{"203.0.113.255", 3, "192.0.2.9"},
		{"203.0.114.0", 0, "192.0.2.254"},
		{"255.255.255.254", 0, "192.0.2.254"},
		{"255.255.255.255", 4, "255.255.255.255"},
	};
	struct sl_fwd_net *n = net_of(table, SL_ARRAY_LEN(table));

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_hop hop = {0};
		const bool found = sl_fwd_route_find(n, ip(row[i].dst), &hop);

		RTE_TEST_ASSERT(found == (row[i].port >= 0), "%s: found %d", row[i].dst, found);
		if (!found)
			continue;
		RTE_TEST_ASSERT(hop.port == row[i].port && hop.addr == ip(row[i].hop),
			"%s: port %u, hop %#x", row[i].dst, hop.port, sl_be32_to_cpu(hop.addr));
	}
	sl_fwd_net_put(n);
	return TEST_SUCCESS;
}

static int
empty_and_single(void)
{
	const struct text_route only[] = {
		{"0.0.0.0/0", 5, "192.0.2.254", 0, false}, {"192.0.2.7/32", 6, NULL, 0, false}};
	struct sl_fwd_net *n = net_of(NULL, 0);
	struct sl_fwd_route bad = {.len = 33};
	struct sl_fwd_hop hop;

	RTE_TEST_ASSERT(!sl_fwd_route_find(n, ip("192.0.2.1"), &hop), "a route out of nothing");
	SL_TEST_INT(sl_fwd_adj_find(n, &(struct sl_fwd_hop){.port = 0}), SL_ADJ_NONE);
	SL_TEST_INT(sl_fwd_addr_kinds(n, 0), 0);
	sl_fwd_net_put(n);

	n = net_of(only, 1);
	RTE_TEST_ASSERT(sl_fwd_route_find(n, 0, &hop) && hop.port == 5, "no default route");
	RTE_TEST_ASSERT(sl_fwd_route_find(n, UINT32_MAX, &hop) && hop.port == 5, "nor here");
	sl_fwd_net_put(n);

	n = net_of(only + 1, 1);
	RTE_TEST_ASSERT(!sl_fwd_route_find(n, ip("192.0.2.6"), &hop), "before");
	RTE_TEST_ASSERT(sl_fwd_route_find(n, ip("192.0.2.7"), &hop) && hop.port == 6, "it");
	RTE_TEST_ASSERT(!sl_fwd_route_find(n, ip("192.0.2.8"), &hop), "behind");
	sl_fwd_net_put(n);

	RTE_TEST_ASSERT_NULL(
		sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = &bad, .n_routes = 1}), "/33");
	SL_TEST_INT(errno, EINVAL);
	// More adjacencies than a flow can name.
	RTE_TEST_ASSERT_NULL(sl_fwd_net_new(&(struct sl_fwd_net_spec){.n_adjs = SL_ADJ_NONE + 1}),
		"adjacencies");
	SL_TEST_INT(errno, EINVAL);
	return TEST_SUCCESS;
}

// The naive reference: look at every route.
static const struct sl_fwd_route *
naive(const struct sl_fwd_route *r, uint32_t n, sl_be32 dst)
{
	const struct sl_fwd_route *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if ((dst & sl_mask4(r[i].len)) != (r[i].dst & sl_mask4(r[i].len)))
			continue;
		if (!best || r[i].len > best->len ||
			(r[i].len == best->len && r[i].metric < best->metric))
			best = &r[i];
	}
	return best;
}

static int
probe_address(struct sl_fwd_net *n, const struct sl_fwd_route *route, uint32_t count, sl_be32 dst)
{
	const struct sl_fwd_route *want = naive(route, count, dst);
	struct sl_fwd_hop hop = {0};
	const bool found = sl_fwd_route_find(n, dst, &hop);

	RTE_TEST_ASSERT(found == (want && !want->unreachable), "%#x of %u routes: found %d",
		sl_be32_to_cpu(dst), count, found);
	if (!found)
		return TEST_SUCCESS;
	SL_TEST_INT(hop.port, want->port);
	SL_TEST_INT(hop.addr, want->gateway ? want->gateway : dst);
	return TEST_SUCCESS;
}

// Narrow spaces make nesting, equal prefixes and common ends likely.
static int
random_routes_match_the_naive_reference(void)
{
	uint64_t rnd = sl_test_seed();
	static struct sl_fwd_route route[300];

	for (unsigned round = 0; round < 300; round++) {
		const uint32_t count = sl_test_rand(&rnd) % SL_ARRAY_LEN(route);
		const unsigned spread = sl_test_rand(&rnd) % 33; // bits that differ
		const uint32_t base = sl_test_rand(&rnd),
			       bits = spread ? UINT32_MAX >> (32 - spread) : 0;
		struct sl_fwd_net *n;

		for (uint32_t i = 0; i < count; i++) {
			const uint32_t r = sl_test_rand(&rnd);

			route[i] = (struct sl_fwd_route){.dst = sl_cpu_to_be32(base ^ (r & bits)),
				.len = sl_test_rand(&rnd) % 33,
				.unreachable = sl_test_rand(&rnd) % 8 == 0,
				.port = i,
				.gateway = r % 3 ? r | 1 : 0,
				.metric = sl_test_rand(&rnd) % 4};
			route[i].dst &= sl_mask4(route[i].len);
		}
		n = sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = route, .n_routes = count});
		for (unsigned probe = 0; probe < 300; probe++) {
			const sl_be32 dst =
				sl_cpu_to_be32(base ^ ((uint32_t)sl_test_rand(&rnd) & bits));

			if (probe_address(n, route, count, dst) != TEST_SUCCESS)
				return TEST_FAILED;
		}
		// Both sides of both ends of every route.
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t first = sl_be32_to_cpu(route[i].dst);
			const uint32_t last = first | ~sl_be32_to_cpu(sl_mask4(route[i].len));
			const uint32_t edge[] = {first - 1, first, last, last + 1};

			for (size_t e = 0; e < SL_ARRAY_LEN(edge); e++)
				if (probe_address(n, route, count, sl_cpu_to_be32(edge[e])) !=
					TEST_SUCCESS)
					return TEST_FAILED;
		}
		sl_fwd_net_put(n);
	}
	return TEST_SUCCESS;
}

static int
adjacencies(void)
{
	const struct sl_fwd_adj adj[] = {
		{.port = 0,
			.addr = ip("192.0.2.1"),
			.state = SL_ADJ_OK,
			.dst = {{2, 0, 0, 0, 0, 1}}},
		{.port = 0, .addr = ip("192.0.2.2"), .state = SL_ADJ_FREE},
		{.port = 1, .addr = ip("192.0.2.1"), .state = SL_ADJ_UNRESOLVED},
		{.port = 1, .addr = ip("192.0.2.3"), .state = SL_ADJ_PORT_DOWN},
	};
	const struct {
		uint16_t port;
		const char *addr;
		uint32_t index;
	} row[] = {
		{0, "192.0.2.1", 0},
		{1, "192.0.2.1", 2},
		{1, "192.0.2.3", 3},
		{0, "192.0.2.2", SL_ADJ_NONE}, // a free one is not there
		{0, "192.0.2.3", SL_ADJ_NONE}, // another port's
		{2, "192.0.2.1", SL_ADJ_NONE},
	};
	struct sl_fwd_net *n = sl_fwd_net_new(
		&(struct sl_fwd_net_spec){.adj = adj, .n_adjs = SL_ARRAY_LEN(adj), .gen = 42});

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		const struct sl_fwd_hop hop = {.port = row[i].port, .addr = ip(row[i].addr)};

		SL_TEST_INT(sl_fwd_adj_find(n, &hop), row[i].index);
	}
	RTE_TEST_ASSERT(memcmp(sl_fwd_adj_at(n, 0), &adj[0], sizeof(adj[0])) == 0, "changed");
	RTE_TEST_ASSERT_NULL(sl_fwd_adj_at(n, 1), "a free one");
	SL_TEST_INT(sl_fwd_adj_at(n, 3)->state, SL_ADJ_PORT_DOWN);
	RTE_TEST_ASSERT_NULL(sl_fwd_adj_at(n, 4), "past the end");
	RTE_TEST_ASSERT_NULL(sl_fwd_adj_at(n, SL_ADJ_NONE), "none");
	SL_TEST_INT(sl_fwd_net_gen(n), 42);
	sl_fwd_net_put(n);
	return TEST_SUCCESS;
}

static int
addresses(void)
{
	const struct sl_fwd_addr addr[] = {
		{ip("192.0.2.1"), SL_ADDR_LOCAL},
		{ip("192.0.2.10"), SL_ADDR_VIP},
		{ip("192.0.2.10"), SL_ADDR_LOCAL},
		{ip("192.0.2.20"), SL_ADDR_POOL},
		{0, SL_ADDR_LOCAL},
	};
	struct sl_fwd_net *n = sl_fwd_net_new(
		&(struct sl_fwd_net_spec){.addr = addr, .n_addrs = SL_ARRAY_LEN(addr)});

	SL_TEST_INT(sl_fwd_addr_kinds(n, ip("192.0.2.1")), SL_ADDR_LOCAL);
	SL_TEST_INT(sl_fwd_addr_kinds(n, ip("192.0.2.10")), SL_ADDR_LOCAL | SL_ADDR_VIP);
	SL_TEST_INT(sl_fwd_addr_kinds(n, ip("192.0.2.20")), SL_ADDR_POOL);
	SL_TEST_INT(sl_fwd_addr_kinds(n, 0), SL_ADDR_LOCAL);
	SL_TEST_INT(sl_fwd_addr_kinds(n, ip("192.0.2.2")), 0);
	sl_fwd_net_put(sl_fwd_net_get(n));
	SL_TEST_INT(sl_fwd_addr_kinds(n, ip("192.0.2.20")), SL_ADDR_POOL);
	sl_fwd_net_put(n);
	sl_fwd_net_put(NULL);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"known routes", known_routes},
	{"empty and single", empty_and_single},
	{"random routes match the naive reference", random_routes_match_the_naive_reference},
	{"adjacencies", adjacencies},
	{"addresses", addresses},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
