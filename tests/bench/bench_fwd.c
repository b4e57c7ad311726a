// What workers pay per new flow: match, pick, route. Cycles are those of the time-stamp counter.
#include <time.h>
#include <x86intrin.h>

#include "sl_set.h"
#include "sl_test.h"

#define ROUNDS 4000000u

// Mean cycles of expr over ROUNDS with r random, the best of three. The next r waits for the result
// of this expr (whose top bit is 0), or the processor would hide most of it behind the random
// numbers. The loop itself (`empty` in main) is in it.
#define CYCLES(expr)                                                                               \
	({                                                                                         \
		uint64_t rnd = 1, best = UINT64_MAX;                                               \
		for (unsigned pass = 0; pass < 3; pass++) {                                        \
			const uint64_t begin = __rdtsc();                                          \
			for (unsigned i = 0; i < ROUNDS; i++) {                                    \
				const uint64_t r = sl_test_rand(&rnd);                             \
				uint64_t result = (uintptr_t)(expr);                               \
				__asm__ volatile("" : "+r"(result));                               \
				rnd += result >> 63;                                               \
			}                                                                          \
			const uint64_t took = __rdtsc() - begin;                                   \
			best = took < best ? took : best;                                          \
		}                                                                                  \
		(double)best / ROUNDS;                                                             \
	})

static void
pick(double empty, uint32_t n, bool equal)
{
	static struct sl_fwd_ep ep[SL_FWD_EPS_MAX];
	static struct sl_fwd_load load[SL_FWD_EPS_MAX];
	struct sl_fwd_eps *eps;

	for (uint32_t i = 0; i < n; i++) {
		ep[i] = (struct sl_fwd_ep){.weight = equal ? 1 : 1 + i % 5, .slot = i};
		load[i].active = i % 7;
	}
	eps = sl_set_flat(ep, n);
	printf("pick, %4u endpoints, %-9s %6.1f cycles\n", n, equal ? "equal" : "weighted",
		CYCLES(sl_set_pick(eps, load, r)) - empty);
	sl_fwd_eps_put(eps);
}

static void
match(double empty, uint32_t n)
{
	struct sl_fwd_services *s = sl_fwd_services_new(n);
	struct sl_fwd_eps *eps = sl_set_flat(NULL, 0);
	struct sl_fwd fwd = {.services = s};

	for (uint32_t i = 0; i < n; i++) {
		const struct sl_fwd_key key = {.vip = i, .port = 80, .proto = 6, .len = 32};

		sl_fwd_services_add(s, &key, SL_FWD_CLIENTS_ALL, i, sl_fwd_eps_get(eps));
	}
	printf("match, %7u services, hit  %6.1f cycles\n", n,
		CYCLES(sl_fwd_match_vip(&fwd, 6, (uint32_t)r % n, 80, 0)) - empty);
	printf("match, %7u services, miss %6.1f cycles\n", n,
		CYCLES(sl_fwd_match_vip(&fwd, 6, (uint32_t)r % n, 81, 0)) - empty);
	sl_fwd_services_put(s);
	sl_fwd_eps_put(eps);
}

static void
route(double empty, uint32_t n)
{
	struct sl_fwd_route *table = calloc(n, sizeof(*table));
	struct sl_fwd_net *net;
	struct sl_fwd_hop hop;
	uint64_t seed = 7;

	for (uint32_t i = 0; i < n; i++)
		table[i] = (struct sl_fwd_route){
			.dst = sl_test_rand(&seed), .len = i ? 8 + sl_test_rand(&seed) % 17 : 0};
	net = sl_fwd_net_new(&(struct sl_fwd_net_spec){.route = table, .n_routes = n});
	printf("route, %7u routes        %6.1f cycles\n", n,
		CYCLES((sl_fwd_route_find(net, (uint32_t)r, &hop), hop.port)) - empty);
	sl_fwd_net_put(net);
	free(table);
}

int
main(void)
{
	const uint32_t sizes[] = {1, 2, 4, 64, 4096};
	const double empty = CYCLES(r >> 1);

	for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
		pick(empty, sizes[i], true);
		pick(empty, sizes[i], false);
	}
	match(empty, 100);
	match(empty, 100000);
	match(empty, 1000000);
	route(empty, 10);
	route(empty, 1000);
	route(empty, 1000000);
	return 0;
}
