#include <errno.h>

#include "sl_set.h"
#include "sl_test.h"

static struct sl_fwd_eps *
one(uint32_t addr)
{
	const struct sl_fwd_ep ep = {.addr = addr, .port = 1, .weight = 1, .slot = addr};

	return sl_set_flat(&ep, 1);
}

static uint32_t freed;

static void
note_free(void *ctx, const struct sl_fwd_eps *eps)
{
	freed++;
}

static struct sl_fwd_eps *
watched(uint32_t addr)
{
	struct sl_fwd_eps *eps = one(addr);

	sl_fwd_eps_on_free(eps, note_free, NULL);
	return eps;
}

// Neighbouring VIPs and ports, as real ones are: the hash has to tell them apart.
static struct sl_fwd_key
nth(uint32_t i)
{
	return (struct sl_fwd_key){.vip = sl_cpu_to_be32(0xc6120000 + i / 8),
		.port = sl_cpu_to_be16(80 + i / 2 % 4),
		.proto = i % 2 ? 17 : 6,
		.len = 32};
}

static int
every_key_is_found_and_no_other(void)
{
	const uint32_t sizes[] = {0, 1, 2, 3, 4, 5, 8, 9, 100, 4096, 100000};

	for (size_t k = 0; k < SL_ARRAY_LEN(sizes); k++) {
		const uint32_t n = sizes[k];
		struct sl_fwd_services *s = sl_fwd_services_new(n);
		struct sl_fwd_eps *eps = one(9);

		for (uint32_t i = 0; i < n; i++) {
			const struct sl_fwd_key key = nth(i);

			SL_TEST_INT(sl_fwd_services_add(
					    s, &key, SL_FWD_CLIENTS_ALL, i, sl_fwd_eps_get(eps)),
				0);
		}
		SL_TEST_INT(sl_fwd_services_count(s), n);
		for (uint32_t i = 0; i < 2 * n + 100; i++) {
			const struct sl_fwd_key key = nth(i);
			const struct sl_fwd_service *svc = sl_fwd_services_find(s, &key, 0);

			if (i >= n) {
				RTE_TEST_ASSERT_NULL(svc, "n=%u: found %u, never added", n, i);
				continue;
			}
			RTE_TEST_ASSERT_NOT_NULL(svc, "n=%u: %u not found", n, i);
			SL_TEST_INT(svc->id, i);
			RTE_TEST_ASSERT((uintptr_t)svc % 32 == 0, "lies across two cache lines");
			RTE_TEST_ASSERT(sl_fwd_service_eps(svc) == eps, "not its set");
		}
		sl_fwd_services_put(s);
		sl_fwd_eps_put(eps);
	}
	return TEST_SUCCESS;
}

// Each field of the key decides.
static int
match_is_exact(void)
{
	const struct sl_fwd_key key = {.vip = 0x010200c0, .port = 0x5000, .proto = 6, .len = 32};
	struct sl_fwd fwd = {.services = sl_fwd_services_new(1)};

	SL_TEST_INT(sl_fwd_services_add(fwd.services, &key, SL_FWD_CLIENTS_ALL, 7, one(1)), 0);
	RTE_TEST_ASSERT_NOT_NULL(sl_fwd_match_vip(&fwd, 6, 0x010200c0, 0x5000, 0), "no match");
	RTE_TEST_ASSERT_NULL(sl_fwd_match_vip(&fwd, 17, 0x010200c0, 0x5000, 0), "protocol ignored");
	RTE_TEST_ASSERT_NULL(sl_fwd_match_vip(&fwd, 6, 0x020200c0, 0x5000, 0), "address ignored");
	RTE_TEST_ASSERT_NULL(sl_fwd_match_vip(&fwd, 6, 0x010200c0, 0x5001, 0), "port ignored");
	RTE_TEST_ASSERT_NULL(sl_fwd_match_vip(&fwd, 0, 0, 0, 0), "an empty cell matched");
	sl_fwd_services_put(fwd.services);
	return TEST_SUCCESS;
}

static int
add_refuses_duplicates_and_overflow(void)
{
	struct sl_fwd_services *s = sl_fwd_services_new(2);
	const struct sl_fwd_key a = nth(0), b = nth(1), c = nth(2);
	struct sl_fwd_eps *eps = watched(1);

	freed = 0;
	SL_TEST_INT(sl_fwd_services_add(s, &a, SL_FWD_CLIENTS_ALL, 1, one(1)), 0);
	SL_TEST_INT(sl_fwd_services_add(s, &a, SL_FWD_CLIENTS_ALL, 2, eps), -EEXIST);
	SL_TEST_INT(sl_fwd_services_find(s, &a, 0)->id, 1);
	SL_TEST_INT(sl_fwd_services_add(s, &b, SL_FWD_CLIENTS_ALL, 2, one(2)), 0);
	SL_TEST_INT(sl_fwd_services_add(s, &c, SL_FWD_CLIENTS_ALL, 3, eps), -ENOSPC);
	SL_TEST_INT(sl_fwd_services_add(s, &b, SL_FWD_CLIENTS_ALL, 3, eps), -EEXIST);
	SL_TEST_INT(sl_fwd_services_count(s), 2);
	sl_fwd_eps_put(eps); // still ours
	SL_TEST_INT(freed, 1);
	sl_fwd_services_put(s);

	RTE_TEST_ASSERT_NULL(sl_fwd_services_new((1u << 20) + 1), "no limit");
	SL_TEST_INT(errno, EINVAL);
	return TEST_SUCCESS;
}

// Two tables share a set, one swaps it: the other's is untouched, and everything is freed once.
static int
swap_and_sharing(void)
{
	const struct sl_fwd_key key = nth(3);
	struct sl_fwd_eps *first = watched(1), *second = watched(2);
	struct sl_fwd_services *s = sl_fwd_services_new(1), *t = sl_fwd_services_new(1);
	struct sl_fwd_eps *old;

	freed = 0;
	SL_TEST_INT(sl_fwd_services_add(s, &key, SL_FWD_CLIENTS_ALL, 1, first), 0);
	SL_TEST_INT(sl_fwd_services_add(t, &key, SL_FWD_CLIENTS_ALL, 1, sl_fwd_eps_get(first)), 0);
	old = sl_fwd_service_swap(sl_fwd_services_find(s, &key, 0), second);
	RTE_TEST_ASSERT(old == first, "another set came back");
	RTE_TEST_ASSERT(sl_fwd_service_eps(sl_fwd_services_find(s, &key, 0)) == second, "no swap");
	RTE_TEST_ASSERT(
		sl_fwd_service_eps(sl_fwd_services_find(t, &key, 0)) == first, "both moved");
	sl_fwd_eps_put(old);
	SL_TEST_INT(freed, 0);
	RTE_TEST_ASSERT(sl_fwd_services_get(s) == s, "get gave another");
	sl_fwd_services_put(s);
	SL_TEST_INT(freed, 0);
	sl_fwd_services_put(t);
	SL_TEST_INT(freed, 1);
	sl_fwd_services_put(s);
	SL_TEST_INT(freed, 2);
	sl_fwd_services_put(NULL);
	return TEST_SUCCESS;
}

static int
snapshot_owns_its_parts(void)
{
	const struct sl_fwd_params params = {.deny = SL_DENY_SILENT, .reply_rate = 100};
	const struct sl_fwd_net_spec spec = {.gen = 3};
	struct sl_fwd_services *s = sl_fwd_services_new(1);
	struct sl_fwd_net *net = sl_fwd_net_new(&spec);
	const struct sl_fwd_key key = nth(0);
	struct sl_fwd *a, *b;

	freed = 0;
	SL_TEST_INT(sl_fwd_services_add(s, &key, SL_FWD_CLIENTS_ALL, 1, watched(1)), 0);
	a = sl_fwd_new(
		&(struct sl_fwd){.generation = 1, .services = s, .net = net, .params = params});
	b = sl_fwd_new(&(struct sl_fwd){.generation = 2,
		.services = sl_fwd_services_get(s),
		.net = sl_fwd_net_get(net),
		.params = params});
	SL_TEST_INT(b->generation, 2);
	SL_TEST_INT(b->params.deny, SL_DENY_SILENT);
	SL_TEST_INT(b->params.reply_rate, 100);
	sl_fwd_free(a);
	SL_TEST_INT(freed, 0);
	SL_TEST_INT(sl_fwd_net_gen(b->net), 3);
	RTE_TEST_ASSERT_NOT_NULL(sl_fwd_match_vip(b, key.proto, key.vip, key.port, 0), "no match");
	sl_fwd_free(b);
	SL_TEST_INT(freed, 1);
	sl_fwd_free(NULL);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"every key is found and no other", every_key_is_found_and_no_other},
	{"match is exact", match_is_exact},
	{"add refuses duplicates and overflow", add_refuses_duplicates_and_overflow},
	{"swap and sharing", swap_and_sharing},
	{"a snapshot owns its parts", snapshot_owns_its_parts},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
