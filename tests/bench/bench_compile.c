// What it costs control to bring the snapshot in line with the objects: from nothing, after one
// change of each kind, and when nothing changed. usage: bench_compile [SERVICES ENDPOINTS]
#include <time.h>

#include "objects.h"
#include "sl_compile.h"

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

// No worker reads: the grace period is over at once.
static void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	free_fn(object);
}

static struct sl_object *
object(unsigned i, unsigned n_endpoints, unsigned weight)
{
	char name[32], host[48], vip[32];
	struct sl_buf endpoints = {0};
	struct text_se t = {.name = name, .hosts = host, .addresses = vip, .ports = "h/80/TCP"};
	struct sl_object *obj;

	snprintf(name, sizeof(name), "s%u", i);
	snprintf(host, sizeof(host), "s%u.example", i * 2654435761u); // sorting has something to do
	snprintf(vip, sizeof(vip), "198.%u.%u.%u", 18 + (i >> 16), i >> 8 & 255, i & 255);
	for (unsigned k = 0; k < n_endpoints; k++)
		sl_buf_printf(&endpoints, "203.0.113.%u*%u@h=%u ", k, k == 0 ? weight : 1 + k % 3,
			1024 + i % 60000);
	t.endpoints = endpoints.data;
	obj = object_of(&t);
	sl_buf_fini(&endpoints);
	return obj;
}

static void
measure(const char *what, struct sl_compile *c, struct sl_registry *r)
{
	struct sl_compile_result res;
	double t[3];
	size_t n;
	int rc;

	t[0] = now_ms();
	sl_registry_services(r, &n); // the registry sorts again after a change
	t[1] = now_ms();
	rc = sl_compile_services(c, r, retire, NULL, &res);
	t[2] = now_ms();
	printf("  %-22s order %7.1f ms, compile %7.1f ms: %d, +%u -%u ~%u of %u, %u endpoints\n",
		what, t[1] - t[0], t[2] - t[1], rc, res.added, res.removed, res.swapped,
		res.services, res.endpoints);
}

static void
measure_net(const char *what, struct sl_compile *c, const struct sl_compile_net *net)
{
	const double begin = now_ms();
	struct sl_fwd_net *part = sl_compile_net(c, net);

	printf("  %-22s %7.1f ms: %s\n", what, now_ms() - begin, part ? "a new part" : "no change");
	sl_fwd_net_put(part);
}

static void
next_hops(struct sl_compile *c)
{
	const struct sl_compile_port port = {.up = true};
	const struct sl_fwd_route route = {.gateway = 1};
	struct sl_compile_neigh neigh = {.addr = 1, .state = SL_ADJ_OK};
	const struct sl_compile_net net = {.port = &port,
		.n_ports = 1,
		.route = &route,
		.n_routes = 1,
		.neigh = &neigh,
		.n_neighs = 1};

	measure_net("next hops", c, &net);
	neigh.mac.b[0] = 2;
	measure_net("one neighbour's MAC", c, &net);
	measure_net("same next hops", c, &net);
}

static void
bench(unsigned services, unsigned endpoints)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_compile *c = sl_compile_new(&(struct sl_compile_cfg){
		.max_endpoints = 2 * services * endpoints, .max_adjs = 1024});

	printf("%u services x %u endpoints\n", services, endpoints);
	for (unsigned i = 0; i < services; i++)
		sl_registry_put(r, object(i, endpoints, 1));
	measure("first build", c, r);
	sl_registry_put(r, object(services / 2, endpoints, 7));
	measure("one weight", c, r);
	sl_registry_put(r, object(services, endpoints, 1));
	measure("one more service", c, r);
	sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "s5", SL_ORIGIN_FILE);
	measure("one service less", c, r);
	measure("nothing", c, r);
	next_hops(c);
	sl_compile_free(c);
	sl_registry_free(r);
}

int
main(int argc, char **argv)
{
	if (argc == 3) {
		bench(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	bench(10000, 4);
	bench(100000, 10);
	return 0;
}
