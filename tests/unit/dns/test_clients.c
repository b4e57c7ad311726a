// lib/dns: who is answered and how often, and which server is asked.
#include <netinet/in.h>

#include "address.h"
#include "clients.h"
#include "sl_test.h"
#include "upstreams.h"

static struct sl_ip
ip_of(const char *text)
{
	struct sl_ip ip = {0};

	if (sl_ip_parse(text, &ip) != 0)
		printf("# %s is no address\n", text);
	return ip;
}

// ---- ranges ----

static int
ranges_rows(void)
{
	static const struct {
		const char *ranges[5];
		const char *client;
		bool in;
	} rows[] = {
		{{NULL}, "192.0.2.1", false},
		{{"192.0.2.0/24"}, "192.0.2.0", true},
		{{"192.0.2.0/24"}, "192.0.2.255", true},
		{{"192.0.2.0/24"}, "192.0.3.0", false},
		{{"192.0.2.77/24"}, "192.0.2.1", true}, // host bits
		{{"192.0.2.1"}, "192.0.2.1", true},
		{{"192.0.2.1"}, "192.0.2.2", false},
		{{"0.0.0.0/0"}, "203.0.113.9", true},
		{{"0.0.0.0/0"}, "255.255.255.255", true},
		{{"0.0.0.0/0"}, "2001:db8::1", false},
		{{"::/0"}, "203.0.113.9", false},
		{{"::/0"}, "2001:db8::1", true},
		{{"2001:db8::/33"}, "2001:db8:7fff::1", true},
		{{"2001:db8::/33"}, "2001:db8:8000::1", false},
		{{"2001:db8::1"}, "2001:db8::1", true},
		{{"2001:db8::1"}, "2001:db8::", false},
		{{"::ffff:0:0/96"}, "192.0.2.1", false}, // written so, it is an IPv6 address
		// One in the other, in any order, and neighbours.
		{{"198.51.100.0/24", "198.51.100.128/25", "192.0.2.0/24"}, "198.51.100.1", true},
		{{"198.51.100.128/25", "198.51.100.0/24", "192.0.2.0/24"}, "198.51.100.1", true},
		{{"198.51.100.128/25", "198.51.100.0/25"}, "198.51.100.127", true},
		{{"198.51.100.0/26", "198.51.100.128/26"}, "198.51.100.64", false},
		{{"198.51.100.0/26", "198.51.100.128/26"}, "198.51.100.191", true},
		{{"198.51.100.0/26", "198.51.100.128/26"}, "198.51.100.192", false},
		{{"198.51.100.0/24", "198.51.100.7", "192.0.2.0/24"}, "198.51.100.8", true},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_prefix prefix[5];
		const struct sl_ip client = ip_of(rows[i].client);
		struct dns_ranges ranges;
		uint32_t n = 0;

		for (; n < 5 && rows[i].ranges[n]; n++)
			SL_TEST_INT(sl_prefix_parse(rows[i].ranges[n], &prefix[n]), 0);
		dns_ranges_init(&ranges, prefix, n);
		RTE_TEST_ASSERT(dns_ranges_has(&ranges, &client) == rows[i].in, "row %zu: %s", i,
			rows[i].client);
		dns_ranges_fini(&ranges);
	}
	return TEST_SUCCESS;
}

static struct sl_ip
random_ip(uint64_t *rnd)
{
	struct sl_ip ip = {.family = sl_test_rand(rnd) % 2 ? AF_INET : AF_INET6};

	// Few different ones, so that they meet.
	if (ip.family == AF_INET)
		ip.v4 = sl_cpu_to_be32(0xc6120000 + (uint32_t)(sl_test_rand(rnd) % 1024));
	else
		memcpy(ip.v6,
			(uint8_t[]){0x20, 1, 0xd, 0xb8, [14] = sl_test_rand(rnd) % 4,
				[15] = (uint8_t)sl_test_rand(rnd)},
			16);
	return ip;
}

static int
ranges_random(void)
{
	uint64_t rnd = sl_test_seed();

	for (unsigned round = 0; round < 2000; round++) {
		struct sl_prefix prefix[12];
		const uint32_t n = sl_test_rand(&rnd) % SL_ARRAY_LEN(prefix);
		struct dns_ranges ranges;

		for (uint32_t i = 0; i < n; i++) {
			prefix[i].addr = random_ip(&rnd);
			prefix[i].len = (prefix[i].addr.family == AF_INET ? 32 : 128) -
					sl_test_rand(&rnd) % 11;
		}
		dns_ranges_init(&ranges, prefix, n);
		for (unsigned k = 0; k < 50; k++) {
			const struct sl_ip ip = random_ip(&rnd);
			bool in = false;

			for (uint32_t i = 0; i < n; i++)
				in |= sl_prefix_contains(&prefix[i], &ip);
			RTE_TEST_ASSERT(dns_ranges_has(&ranges, &ip) == in, "round %u", round);
		}
		dns_ranges_fini(&ranges);
	}
	return TEST_SUCCESS;
}

// ---- the limit ----

#define MSEC SL_NSEC_PER_MSEC

static unsigned
take_many(struct dns_limiter *l, const char *client, uint64_t now_ns, unsigned n)
{
	const struct sl_ip ip = ip_of(client);
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++)
		taken += dns_limiter_take(l, &ip, now_ns);
	return taken;
}

static int
limit_rows(void)
{
	// In this order, with one limiter.
	static const struct {
		uint64_t at_ms;
		const char *client;
		unsigned asks, taken;
	} rows[] = {
		{100000, "192.0.2.1", 200, 100}, // a second's worth at once
		{100000, "192.0.2.2", 50, 50},   // another one's is its own
		{100000, "2001:db8::1", 200, 100}, {100000, "192.0.2.1", 1, 0},
		{100010, "192.0.2.1", 5, 1}, // 100 a second: one after 10 ms
		{100019, "192.0.2.1", 5, 0}, {100500, "192.0.2.1", 100, 49},
		{100500, "192.0.2.2", 200, 100}, // 50 were left, and 50 came
		{160000, "192.0.2.1", 200, 100}, // no more than full
	};
	struct dns_limiter l;

	dns_limiter_init(&l, 1);
	dns_limiter_set(&l, 100);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const unsigned taken =
			take_many(&l, rows[i].client, rows[i].at_ms * MSEC, rows[i].asks);

		RTE_TEST_ASSERT(taken == rows[i].taken, "row %zu: %u, expected %u", i, taken,
			rows[i].taken);
	}
	dns_limiter_set(&l, 0);
	SL_TEST_INT(take_many(&l, "192.0.2.1", 160000 * MSEC, 1000), 1000);
	dns_limiter_set(&l, 1);
	SL_TEST_INT(take_many(&l, "192.0.2.9", 160000 * MSEC, 10), 1);
	dns_limiter_fini(&l);
	return TEST_SUCCESS;
}

// An IPv6 client has as many addresses as it likes: those of one /64 have four times the rate.
static int
limit_networks(void)
{
	const uint64_t now = 100 * SL_NSEC_PER_SEC;
	struct dns_limiter l;
	unsigned taken = 0;

	dns_limiter_init(&l, 1);
	dns_limiter_set(&l, 100);
	SL_TEST_INT(take_many(&l, "2001:db8:0:1::1", now, 1000), 100);
	for (unsigned i = 0; i < 1000; i++) {
		char text[SL_IP_STRLEN];

		snprintf(text, sizeof(text), "2001:db8:0:1:%x::2", i);
		taken += take_many(&l, text, now, 1);
	}
	SL_TEST_INT(taken, 300); // what it was refused costs its neighbours nothing
	SL_TEST_INT(take_many(&l, "2001:db8:0:2::1", now, 1000), 100);
	SL_TEST_INT(take_many(&l, "2001:db8:0:1::1", now + SL_NSEC_PER_SEC, 1000), 100);
	dns_limiter_fini(&l);
	return TEST_SUCCESS;
}

static int
same_rows(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::ffff:0:0:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::", "0.0.0.0", false},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct sl_ip a = ip_of(rows[i].a), b = ip_of(rows[i].b);

		RTE_TEST_ASSERT(dns_clients_same(&a, &b) == rows[i].same, "row %zu", i);
	}
	return TEST_SUCCESS;
}

// A million addresses: the memory stays, and who asks too much is still held back.
static int
limit_flood(void)
{
	const uint64_t begin = 1000 * SL_NSEC_PER_SEC;
	struct dns_limiter l;
	unsigned loud = 0;

	dns_limiter_init(&l, 42);
	dns_limiter_set(&l, 100);
	for (uint32_t i = 0; i < 1000000; i++) {
		const struct sl_ip quiet = {.family = AF_INET,
			.v4 = sl_cpu_to_be32(0xc6120000 + i % 131072 + (i / 131072 << 24))};

		// 1 ms for each 100 of them: all of this lasts 10 s.
		RTE_TEST_ASSERT(dns_limiter_take(&l, &quiet, begin + i * MSEC / 100),
			"a client is held back at its first query");
		loud += take_many(&l, "192.0.2.1", begin + i * MSEC / 100, 1);
	}
	// 10 s of 100 a second, and the first second's worth.
	SL_TEST_INT(loud, 100 + 999);
	dns_limiter_fini(&l);
	return TEST_SUCCESS;
}

// ---- servers ----

static struct sl_dns_address
server(unsigned n)
{
	return (struct sl_dns_address){
		.ip = {.family = AF_INET, .v4 = sl_cpu_to_be32(0xc0000200 + n)}, .port = 53};
}

static int
upstreams_order(void)
{
	const struct sl_dns_address list[] = {server(1), server(2), server(3), server(1),
		{.ip = server(2).ip, .port = 0}, {.ip = server(1).ip, .port = 5353}};
	struct sl_dns_address out[DNS_MAX_UPSTREAMS];
	struct dns_upstreams u = {0};
	unsigned first[5] = {0};
	uint64_t rnd = sl_test_seed();

	SL_TEST_INT(dns_upstreams_order(&u, 1000, 7, out), 0);
	dns_upstreams_set(&u, list, SL_ARRAY_LEN(list));
	SL_TEST_INT(u.n, 4); // each once; port 0 is 53
	dns_upstreams_set(&u, list, 3);
	for (unsigned i = 0; i < 30000; i++) {
		SL_TEST_INT(dns_upstreams_order(&u, 1000, sl_test_rand(&rnd), out), 3);
		first[sl_be32_to_cpu(out[0].ip.v4) & 3]++;
		RTE_TEST_ASSERT(!address_equal(&out[0], &out[1]) &&
					!address_equal(&out[0], &out[2]) &&
					!address_equal(&out[1], &out[2]),
			"one stands there twice");
	}
	for (unsigned i = 1; i <= 3; i++)
		RTE_TEST_ASSERT(first[i] > 9500 && first[i] < 10500, "server %u first: %u of 30000",
			i, first[i]);
	// One that is aside comes last, until its time is over, also when the list is set anew.
	dns_upstreams_aside(&u, &list[1], 2000);
	dns_upstreams_set(&u, list, 3);
	for (unsigned i = 0; i < 100; i++) {
		dns_upstreams_order(&u, 1999, sl_test_rand(&rnd), out);
		RTE_TEST_ASSERT(address_equal(&out[2], &list[1]), "it is not last");
	}
	first[2] = 0;
	for (unsigned i = 0; i < 100; i++) {
		dns_upstreams_order(&u, 2000, sl_test_rand(&rnd), out);
		first[2] += address_equal(&out[0], &list[1]);
	}
	RTE_TEST_ASSERT(first[2] > 0, "it never comes back");
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"ranges: rows", ranges_rows},
	{"ranges: as every prefix by itself", ranges_random},
	{"limit: a second's worth, then the rate", limit_rows},
	{"limit: networks", limit_networks},
	{"one client", same_rows},
	{"limit: a flood of addresses", limit_flood},
	{"servers: random order, those aside last", upstreams_order},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
