// Whose is a new flow: exact, then CIDR, then any address, as each client group sees it; against a
// reference that looks at every service.
#include <errno.h>

#include "sl_set.h"
#include "sl_test.h"

struct row {
	struct sl_fwd_key key;
	uint64_t clients;
	uint32_t id;
};

static struct sl_fwd_key
key_of(const char *dst, uint16_t port, uint8_t proto)
{
	struct sl_prefix p;

	if (sl_prefix_parse(dst, &p) < 0)
		abort();
	return (struct sl_fwd_key){
		.vip = p.addr.v4, .port = sl_cpu_to_be16(port), .proto = proto, .len = p.len};
}

static struct sl_fwd_services *
table_of(const struct row *row, uint32_t n)
{
	struct sl_fwd_services *s = sl_fwd_services_new(n);
	struct sl_fwd_eps *eps = sl_set_flat(NULL, 0);

	for (uint32_t i = 0; i < n; i++)
		if (sl_fwd_services_add(
			    s, &row[i].key, row[i].clients, row[i].id, sl_fwd_eps_get(eps)) < 0)
			abort();
	sl_fwd_eps_put(eps);
	if (sl_fwd_services_seal(s) < 0)
		abort();
	return s;
}

static const struct sl_fwd_service *
match(const struct sl_fwd *fwd, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client)
{
	const struct sl_fwd_service *svc = sl_fwd_match_vip(fwd, proto, dst, port, client);

	return svc ? svc : sl_fwd_match_wide(fwd, proto, dst, port, client);
}

// The longest key of that protocol and port that has dst and that the client sees.
static const struct row *
naive(const struct row *row, uint32_t n, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client)
{
	const struct row *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		const struct sl_fwd_key *k = &row[i].key;

		if (k->proto != proto || k->port != port || !(row[i].clients >> client & 1) ||
			(dst & sl_mask4(k->len)) != k->vip)
			continue;
		if (!best || k->len > best->key.len)
			best = &row[i];
	}
	return best;
}

static int
precedence(void)
{
	const struct {
		const char *dst;
		uint16_t port;
		uint8_t proto;
		uint64_t clients;
		uint32_t id;
	} svc[] = {
		{"192.0.2.1", 80, 6, ~0ull, 1},
		{"192.0.2.0/24", 80, 6, ~0ull, 2},
		{"192.0.2.0/28", 80, 6, 2, 3}, // only group 1 sees it
		{"0.0.0.0/0", 80, 6, 1, 4},    // any address, for group 0
		{"0.0.0.0/0", 80, 6, 2, 5},    // and for group 1
		{"192.0.2.7", 80, 6, 2, 6},
		{"192.0.2.0/29", 443, 6, ~0ull, 7}, // another port's
		{"198.51.100.0/24", 53, 17, ~0ull, 8},
		{"198.51.100.9", 53, 17, 4, 9}, // two variants of a VIP
		{"198.51.100.9", 53, 17, 8 | 1, 10},
	};
	const struct {
		const char *dst;
		uint16_t port;
		uint8_t proto;
		unsigned client;
		int id; // -1: none
	} want[] = {
		{"192.0.2.1", 80, 6, 0, 1},
		{"192.0.2.2", 80, 6, 0, 2},
		{"192.0.2.2", 80, 6, 1, 3},
		{"192.0.2.2", 80, 6, 2, 2},
		{"192.0.2.16", 80, 6, 1, 2},
		{"192.0.2.7", 80, 6, 1, 6},
		{"192.0.2.7", 80, 6, 0, 2},
		{"192.0.3.0", 80, 6, 0, 4},
		{"192.0.3.0", 80, 6, 1, 5},
		{"192.0.3.0", 80, 6, 2, -1},
		{"192.0.2.1", 80, 17, 0, -1},
		{"192.0.2.1", 443, 6, 63, 7},
		{"192.0.2.8", 443, 6, 63, -1},
		{"198.51.100.9", 53, 17, 0, 10},
		{"198.51.100.9", 53, 17, 3, 10},
		{"198.51.100.9", 53, 17, 2, 9},
		{"198.51.100.9", 53, 17, 1, 8},
		{"198.51.100.9", 54, 17, 1, -1},
	};
	struct row row[SL_ARRAY_LEN(svc)];
	struct sl_fwd fwd;

	for (size_t i = 0; i < SL_ARRAY_LEN(svc); i++)
		row[i] = (struct row){.key = key_of(svc[i].dst, svc[i].port, svc[i].proto),
			.clients = svc[i].clients,
			.id = svc[i].id};
	fwd = (struct sl_fwd){.services = table_of(row, SL_ARRAY_LEN(row))};
	for (size_t i = 0; i < SL_ARRAY_LEN(want); i++) {
		const struct sl_fwd_key key = key_of(want[i].dst, want[i].port, want[i].proto);
		const struct sl_fwd_service *got =
			match(&fwd, key.proto, key.vip, key.port, want[i].client);

		RTE_TEST_ASSERT((got ? (int)got->id : -1) == want[i].id,
			"row %zu, %s:%u of client %u: service %d", i, want[i].dst, want[i].port,
			want[i].client, got ? (int)got->id : -1);
	}
	sl_fwd_services_put(fwd.services);
	return TEST_SUCCESS;
}

#define ROWS 400
static struct row row[ROWS];

// Few ports, few addresses and few groups make collisions, nesting and invisible ones likely.
static uint32_t
random_rows(uint64_t *rnd, uint32_t base, uint32_t bits)
{
	const uint32_t tries = sl_test_rand(rnd) % ROWS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < tries; i++) {
		const uint8_t len = sl_test_rand(rnd) % 3 ? sl_test_rand(rnd) % 33 : 32;
		const sl_be32 vip = sl_cpu_to_be32(base ^ ((uint32_t)sl_test_rand(rnd) & bits));
		struct row r = {.key = {.vip = vip & sl_mask4(len),
					.port = sl_cpu_to_be16(80 + sl_test_rand(rnd) % 3),
					.proto = sl_test_rand(rnd) % 4 ? 6 : 17,
					.len = len},
			.id = n};

		r.clients = 1 + sl_test_rand(rnd) % 15;
		for (uint32_t k = 0; k < n; k++)
			if (memcmp(&row[k].key, &r.key, sizeof(r.key)) == 0)
				r.clients &= ~row[k].clients;
		if (r.clients)
			row[n++] = r;
	}
	return n;
}

static int
random_tables_match_the_naive_reference(void)
{
	uint64_t rnd = sl_test_seed();

	for (unsigned round = 0; round < 300; round++) {
		const unsigned spread = sl_test_rand(&rnd) % 33;
		const uint32_t bits = spread ? UINT32_MAX >> (32 - spread) : 0;
		const uint32_t base = sl_test_rand(&rnd);
		const uint32_t n = random_rows(&rnd, base, bits);
		struct sl_fwd fwd = {.services = table_of(row, n)};

		for (unsigned probe = 0; probe < 1000; probe++) {
			const struct row *at = n > 0 ? &row[sl_test_rand(&rnd) % n] : NULL;
			const uint32_t edge =
				at ? sl_be32_to_cpu(at->key.vip | ~sl_mask4(at->key.len)) : 0;
			const sl_be32 dst = sl_cpu_to_be32(
				probe % 2 ? base ^ ((uint32_t)sl_test_rand(&rnd) & bits)
					  : edge + sl_test_rand(&rnd) % 2);
			const sl_be16 port = sl_cpu_to_be16(80 + sl_test_rand(&rnd) % 4);
			const uint8_t proto = sl_test_rand(&rnd) % 2 ? 6 : 17;
			const unsigned client = sl_test_rand(&rnd) % 5;
			const struct row *want = naive(row, n, proto, dst, port, client);
			const struct sl_fwd_service *got = match(&fwd, proto, dst, port, client);

			RTE_TEST_ASSERT(!got == !want && (!got || got->id == want->id),
				"round %u, %#x:%u: %d, expected %d", round, sl_be32_to_cpu(dst),
				sl_be16_to_cpu(port), got ? (int)got->id : -1,
				want ? (int)want->id : -1);
		}
		sl_fwd_services_put(fwd.services);
	}
	return TEST_SUCCESS;
}

static int
variants(void)
{
	struct sl_fwd_services *s = sl_fwd_services_new(70);
	const struct sl_fwd_key key = key_of("192.0.2.0/24", 80, 6);
	struct sl_fwd_key bad = key;
	struct sl_fwd_eps *eps = sl_set_flat(NULL, 0);

	for (uint32_t i = 0; i < 64; i++)
		SL_TEST_INT(
			sl_fwd_services_add(s, &key, 1ull << i, 100 + i, sl_fwd_eps_get(eps)), 0);
	SL_TEST_INT(sl_fwd_services_add(s, &key, 1ull << 7, 200, eps), -EEXIST);
	SL_TEST_INT(sl_fwd_services_add(s, &key, 0, 200, eps), -EINVAL);
	bad.vip = sl_cpu_to_be32(0xc0000201);
	SL_TEST_INT(sl_fwd_services_add(s, &bad, 1, 200, eps), -EINVAL); // host bits
	bad = key;
	bad.len = 33;
	SL_TEST_INT(sl_fwd_services_add(s, &bad, 1, 200, eps), -EINVAL);
	RTE_TEST_ASSERT_NULL(
		sl_fwd_services_find_wide(s, 6, key.vip, key.port, 0), "found before the seal");
	SL_TEST_INT(sl_fwd_services_seal(s), 0);
	bad = key_of("192.0.2.9", 80, 6);
	SL_TEST_INT(sl_fwd_services_add(s, &bad, 1, 200, eps), -EINVAL); // sealed
	SL_TEST_INT(sl_fwd_services_count(s), 64);
	for (uint32_t i = 0; i < 64; i++) {
		SL_TEST_INT(sl_fwd_services_find(s, &key, i)->id, 100 + i);
		SL_TEST_INT(sl_fwd_services_find_id(s, &key, 100 + i)->clients, 1ull << i);
		SL_TEST_INT(sl_fwd_services_find_wide(s, 6, key.vip, key.port, i)->id, 100 + i);
	}
	RTE_TEST_ASSERT_NULL(sl_fwd_services_find_id(s, &key, 99), "an id that is not there");
	RTE_TEST_ASSERT_NULL(sl_fwd_services_find_id(s, &bad, 100), "a key that is not there");
	sl_fwd_services_put(s);
	sl_fwd_eps_put(eps);
	return TEST_SUCCESS;
}

static int
client_groups(void)
{
	const struct {
		const char *dst;
		uint8_t group;
	} text[] = {{"198.18.0.0/15", 1}, {"198.18.1.0/24", 2}, {"198.18.1.3", 63},
		{"198.19.2.0/24", 1}};
	const struct {
		uint32_t src;
		unsigned group;
	} want[] = {{0xc6120001, 1}, {0xc6120101, 2}, {0xc6120103, 63}, {0xc6120104, 2},
		{0xc61302ff, 1}, {0xc6140000, 0}, {0xc611ffff, 0}, {0xffffffff, 0}};
	struct sl_fwd_client v[SL_ARRAY_LEN(text) + 1];
	struct sl_fwd fwd = {.clients = NULL};

	SL_TEST_INT(sl_fwd_client(&fwd, 0x0a), 0);
	for (size_t i = 0; i < SL_ARRAY_LEN(text); i++) {
		const struct sl_fwd_key key = key_of(text[i].dst, 0, 0);

		v[i] = (struct sl_fwd_client){
			.dst = key.vip, .len = key.len, .group = text[i].group};
	}
	fwd.clients = sl_fwd_clients_new(v, SL_ARRAY_LEN(text));
	for (size_t i = 0; i < SL_ARRAY_LEN(want); i++)
		SL_TEST_INT(sl_fwd_client(&fwd, sl_cpu_to_be32(want[i].src)), want[i].group);
	RTE_TEST_ASSERT(sl_fwd_clients_get(fwd.clients) == fwd.clients, "get gave another");
	sl_fwd_clients_put(fwd.clients);
	sl_fwd_clients_put(fwd.clients);

	v[4] = v[0]; // a prefix twice
	RTE_TEST_ASSERT_NULL(sl_fwd_clients_new(v, 5), "twice");
	SL_TEST_INT(errno, EINVAL);
	v[4] = (struct sl_fwd_client){.len = 33};
	RTE_TEST_ASSERT_NULL(sl_fwd_clients_new(v, 5), "/33");
	SL_TEST_INT(errno, EINVAL);
	v[4] = (struct sl_fwd_client){.len = 1, .group = 64};
	RTE_TEST_ASSERT_NULL(sl_fwd_clients_new(v, 5), "group 64");
	SL_TEST_INT(errno, EINVAL);
	return TEST_SUCCESS;
}

static int
policies(void)
{
	const struct sl_flow_policy two[] = {{.idle = 1}, {.connect = 2, .max_age = 3}};
	struct sl_fwd_policies *p = sl_fwd_policies_new(two, 2);
	const struct sl_flow_policy *v;
	struct sl_fwd *fwd;
	uint32_t n;

	fwd = sl_fwd_new(&(struct sl_fwd){.policies = sl_fwd_policies_get(p)});
	v = sl_fwd_policies_all(fwd->policies, &n);
	SL_TEST_INT(n, 2);
	SL_TEST_INT(v[0].idle, 1);
	SL_TEST_INT(v[1].connect, 2);
	SL_TEST_INT(v[1].max_age, 3);
	sl_fwd_free(fwd);
	sl_fwd_policies_put(p);

	fwd = sl_fwd_new(&(struct sl_fwd){.generation = 1});
	v = sl_fwd_policies_all(fwd->policies, &n);
	SL_TEST_INT(n, 1);
	SL_TEST_INT(v[0].idle + v[0].connect + v[0].max_age, 0);
	sl_fwd_free(fwd);
	RTE_TEST_ASSERT_NULL(sl_fwd_policies_new(two, 0), "none");
	SL_TEST_INT(errno, EINVAL);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"precedence", precedence},
	{"random tables match the naive reference", random_tables_match_the_naive_reference},
	{"variants", variants},
	{"client groups", client_groups},
	{"policies", policies},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
