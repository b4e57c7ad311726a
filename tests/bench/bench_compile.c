// What it costs control to bring the snapshot in line with the objects: from nothing, after one
// change of each kind, and when nothing changed; and what an answer of DNS costs.
// usage: bench_compile [SERVICES ENDPOINTS]
#include <sys/socket.h>
#include <time.h>

#include "objects.h"
#include "sl_compile.h"
#include "sl_mesh_names.h"

#define ROUNDS 21

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

struct bench {
	unsigned services;
	unsigned endpoints;
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_compile *compile;
	struct sl_compile_result result;
	int rc;
};

static struct sl_object *
object(const struct bench *b, unsigned i, unsigned weight)
{
	char name[32], host[48], vip[32];
	struct sl_buf endpoints = {0};
	struct text_se t = {.name = name, .hosts = host, .addresses = vip, .ports = "h/80/TCP"};
	struct sl_object *obj;

	snprintf(name, sizeof(name), "s%u", i);
	snprintf(host, sizeof(host), "s%u.example", i * 2654435761u); // sorting has something to do
	snprintf(vip, sizeof(vip), "198.%u.%u.%u", 18 + (i >> 16), i >> 8 & 255, i & 255);
	for (unsigned k = 0; k < b->endpoints; k++)
		sl_buf_printf(&endpoints, "203.0.113.%u*%u@h=%u ", k, k == 0 ? weight : 1 + k % 3,
			1024 + i % 60000);
	t.endpoints = endpoints.data;
	obj = object_of(&t);
	sl_buf_fini(&endpoints);
	return obj;
}

// ---- changes ----

static void
nothing(struct bench *b, unsigned round)
{
}

static void
one_endpoint(struct bench *b, unsigned round)
{
	sl_registry_put(b->registry, object(b, b->services / 2, 7 + round));
}

static void
one_vip_more(struct bench *b, unsigned round)
{
	sl_registry_put(b->registry, object(b, b->services + round, 1));
}

static void
one_vip_less(struct bench *b, unsigned round)
{
	char name[32];

	snprintf(name, sizeof(name), "s%u", b->services + round);
	sl_registry_del(b->registry, SL_KIND_SERVICE_ENTRY, "ns", name, SL_ORIGIN_FILE);
}

// Of a service that picks its endpoints by label; the other entries have none.
static void
one_workload(struct bench *b, unsigned round)
{
	sl_registry_put(b->registry, object_of_workload("w", "w", "203.0.113.9", 1 + round));
}

static void
one_rule(struct bench *b, unsigned round)
{
	char host[48];

	snprintf(host, sizeof(host), "s%u.example", b->services / 2 * 2654435761u);
	sl_registry_put(b->registry, object_of_rule("r", host, 1 + round));
}

// ---- figures ----

static int
by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static double
pass(struct bench *b)
{
	const double begin = now_ms();

	b->rc = sl_compile_services(b->compile, b->mesh, 0, retire, NULL, &b->result);
	return now_ms() - begin;
}

// The median of the passes after a change each: mesh and compile.
static void
measure(const char *what, struct bench *b, void (*change)(struct bench *b, unsigned round))
{
	double t[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		change(b, i);
		t[i] = pass(b);
	}
	qsort(t, ROUNDS, sizeof(t[0]), by_value);
	printf("  %-24s %8.3f ms, at most %8.3f ms: %d, +%u -%u ~%u of %u\n", what, t[ROUNDS / 2],
		t[ROUNDS - 1], b->rc, b->result.added, b->result.removed, b->result.swapped,
		b->result.services);
}

static void
measure_net(const char *what, struct sl_compile *c, const struct sl_compile_net *net)
{
	const double begin = now_ms();
	struct sl_fwd_net *part = sl_compile_net(c, net);

	printf("  %-24s %8.3f ms: %s\n", what, now_ms() - begin, part ? "a new part" : "no change");
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
first_build(struct bench *b)
{
	const double begin = now_ms();
	double t;

	for (unsigned i = 0; i < b->services; i++)
		sl_registry_put(b->registry, object(b, i, 1));
	t = now_ms();
	sl_mesh_update(b->mesh, NULL, NULL);
	printf("  %-24s %8.1f ms, the mesh alone %.1f ms\n", "objects", t - begin, now_ms() - t);
	sl_mesh_free(b->mesh);
	sl_registry_free(b->registry);
	b->registry = sl_registry_new();
	b->mesh = sl_mesh_new(b->registry);
	for (unsigned i = 0; i < b->services; i++)
		sl_registry_put(b->registry, object(b, i, 1));
}

static void
bench(unsigned services, unsigned endpoints)
{
	struct bench b = {
		.services = services, .endpoints = endpoints, .registry = sl_registry_new()};
	struct text_se picks = {"picks", NULL, "picks.example", "192.0.2.1", "h/80/TCP", ""};
	double t;

	b.mesh = sl_mesh_new(b.registry);
	printf("%u services x %u endpoints\n", services, endpoints);
	first_build(&b);
	b.compile = sl_compile_new(
		&(struct sl_compile_cfg){.max_endpoints = 2 * services * endpoints + 1024,
			.max_adjs = 1024,
			.registry = b.registry});
	t = pass(&b);
	printf("  %-24s %8.1f ms, mesh and compile: %d, +%u\n", "first build", t, b.rc,
		b.result.added);
	sl_registry_put(b.registry, object_of_selector(&picks, "w"));
	pass(&b);
	measure("one endpoint", &b, one_endpoint);
	measure("one service more", &b, one_vip_more);
	measure("one service less", &b, one_vip_less);
	measure("one WorkloadEntry", &b, one_workload);
	measure("one DestinationRule", &b, one_rule);
	measure("nothing", &b, nothing);
	next_hops(b.compile);
	sl_compile_free(b.compile);
	sl_mesh_free(b.mesh);
	sl_registry_free(b.registry);
}

// ---- names ----

#define BATCH 1000

struct names {
	struct bench b;
	struct sl_mesh_name **v;
	unsigned n;
};

static void
on_name(void *ctx, struct sl_mesh_name *name, bool wanted)
{
	struct names *s = ctx;

	s->v[s->n++] = name;
}

// n names from the first one on get two addresses that they did not have.
static void
answer(struct names *s, unsigned first, unsigned n, unsigned round)
{
	for (unsigned i = 0; i < n; i++) {
		const uint32_t low = 0xc6336400u + 2 * (round % 100); // 198.51.100.0
		const struct sl_ip ip[] = {{.family = AF_INET, .v4 = sl_cpu_to_be32(low)},
			{.family = AF_INET, .v4 = sl_cpu_to_be32(low + 1)}};

		sl_mesh_name_answer(s->b.mesh, s->v[(first + i) % s->n],
			&(struct sl_mesh_answer){.ip = ip, .n = 2, .first = ip[0]});
	}
}

static void
measure_answers(const char *what, struct names *s, unsigned n)
{
	double t[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		const double begin = now_ms();

		answer(s, i * 37, n, i + 1);
		pass(&s->b);
		t[i] = now_ms() - begin;
	}
	qsort(t, ROUNDS, sizeof(t[0]), by_value);
	printf("  %-24s %8.1f us, at most %8.1f us: %d, ~%u%s\n", what, t[ROUNDS / 2] * 1e3,
		t[ROUNDS - 1] * 1e3, s->b.rc, s->b.result.swapped,
		s->b.result.table_changed ? ", a new table" : "");
}

// Without addresses all want their port at any address.
static void
bench_names(unsigned services, bool addresses)
{
	struct names s = {.b = {.services = services, .registry = sl_registry_new()},
		.v = sl_xcalloc(services, sizeof(struct sl_mesh_name *))};
	double t;

	s.b.mesh = sl_mesh_new(s.b.registry);
	s.b.compile = sl_compile_new(&(struct sl_compile_cfg){
		.max_endpoints = 8 * services, .max_adjs = 1, .registry = s.b.registry});
	for (unsigned i = 0; i < services; i++) {
		struct sl_object *obj = object(&s.b, i, 1);

		obj->se.resolution = SL_RESOLUTION_DNS;
		for (; !addresses && obj->se.n_addresses; obj->se.n_addresses--)
			free(obj->se.addresses[obj->se.n_addresses - 1].text);
		sl_registry_put(s.b.registry, obj);
	}
	t = pass(&s.b);
	sl_mesh_names(s.b.mesh, on_name, &s);
	printf("%u services by DNS%s: %u names, first build %.1f ms\n", services,
		addresses ? "" : " without addresses", s.n, t);
	answer(&s, 0, s.n, 0);
	t = pass(&s.b);
	printf("  %-24s %8.1f ms: %d, ~%u\n", "first answers of all", t, s.b.rc,
		s.b.result.swapped);
	measure_answers("one answer", &s, 1);
	measure_answers("a thousand in one pass", &s, BATCH);
	sl_compile_free(s.b.compile);
	sl_mesh_free(s.b.mesh);
	sl_registry_free(s.b.registry);
	free(s.v);
}

int
main(int argc, char **argv)
{
	if (argc == 3) {
		bench(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	bench(10000, 4);
	bench(100000, 4);
	bench_names(10000, true);
	bench_names(100000, true);
	bench_names(10000, false);
	bench_names(100000, false);
	return 0;
}
