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
pick(double empty, const char *name, enum sl_fwd_algo algo, uint32_t n, bool equal)
{
	static struct sl_fwd_ep ep[SL_FWD_EPS_MAX];
	static struct sl_fwd_load load[SL_FWD_EPS_MAX + 1];
	const struct sl_fwd_eps_spec spec = {
		.ep = ep, .n = n, .algo = algo, .cluster_slot = SL_FWD_EPS_MAX};
	struct sl_fwd_ask ask = {.rnd = 0};
	struct sl_fwd_choice c;
	struct sl_fwd_eps *eps;

	for (uint32_t i = 0; i < n; i++) {
		ep[i] = (struct sl_fwd_ep){.addr = i, .weight = equal ? 1 : 1 + i % 5, .slot = i};
		load[i].active = i % 7;
	}
	eps = sl_fwd_eps_new(&spec);
	printf("pick, %-13s %4u endpoints, %-9s %6.1f cycles\n", name, n,
		equal ? "equal" : "weighted",
		CYCLES((ask.rnd = r, ask.hash = r, sl_fwd_pick(eps, load, &ask, &c), c.ep->slot)) -
			empty);
	sl_fwd_eps_put(eps);
}

static struct sl_fwd_services *
services(uint32_t n, uint8_t len, uint32_t step, uint32_t ports)
{
	struct sl_fwd_services *s = sl_fwd_services_new(n + 1);
	struct sl_fwd_eps *eps = sl_set_flat(NULL, 0);

	for (uint32_t i = 0; i < n; i++) {
		const struct sl_fwd_key key = {.vip = len ? htonl(i * step) : 0,
			.port = htons(len ? 80 + i % ports : i),
			.proto = len || i < 65536 ? 6 : 17,
			.len = len};

		if (sl_fwd_services_add(s, &key, SL_FWD_CLIENTS_ALL, i, sl_fwd_eps_get(eps)) < 0)
			abort();
	}
	sl_fwd_eps_put(eps);
	if (sl_fwd_services_seal(s) < 0)
		abort();
	return s;
}

// As the pipe asks: the exact one, then a wide one. `step` addresses from one service to the next.
static void
match(double empty, const char *name, uint32_t n, uint8_t len, uint32_t step, uint32_t ports)
{
	struct sl_fwd fwd = {.services = services(n, len, step, ports)};
	uint64_t found = 0;
	const double cycles = CYCLES(({
		const uint32_t at = (uint32_t)r % n;
		const sl_be32 dst = htonl(at * step + (len < 32 ? step / 2 : 0));
		const sl_be16 port = htons(len ? 80 + at % ports : at);
		const uint8_t proto = len || at < 65536 ? 6 : 17;
		const struct sl_fwd_service *svc = sl_fwd_match_vip(&fwd, proto, dst, port, 0);

		if (!svc)
			svc = sl_fwd_match_wide(&fwd, proto, dst, port, 0);
		found += svc != NULL;
		sl_fwd_service_eps(svc);
	}));

	printf("match, %7u services, %-22s %6.1f cycles%s\n", n, name, cycles - empty,
		found == 3ull * ROUNDS ? "" : ", not all found");
	sl_fwd_services_put(fwd.services);
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
	const struct {
		const char *name;
		enum sl_fwd_algo algo;
	} algo[] = {
		{"round robin", SL_FWD_ROUND_ROBIN},
		{"random", SL_FWD_RANDOM},
		{"maglev", SL_FWD_MAGLEV},
		{"ring hash", SL_FWD_RING_HASH},
	};
	const double empty = CYCLES(r >> 1);

	for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
		pick(empty, "least request", SL_FWD_LEAST_REQUEST, sizes[i], true);
		pick(empty, "least request", SL_FWD_LEAST_REQUEST, sizes[i], false);
	}
	for (size_t i = 0; i < SL_ARRAY_LEN(algo); i++) {
		pick(empty, algo[i].name, algo[i].algo, 4, false);
		pick(empty, algo[i].name, algo[i].algo, 4096, false);
	}
	match(empty, "exact", 100, 32, 1, 1);
	match(empty, "exact", 100000, 32, 1, 1);
	match(empty, "exact", 1000000, 32, 1, 1);
	match(empty, "CIDR, all on one port", 100000, 26, 64, 1);
	match(empty, "CIDR, on 100 ports", 100000, 26, 64, 100);
	match(empty, "CIDR, all on one port", 1000000, 26, 64, 1);
	match(empty, "any address", 100000, 0, 1, 1);
	route(empty, 10);
	route(empty, 1000);
	route(empty, 1000000);
	return 0;
}
