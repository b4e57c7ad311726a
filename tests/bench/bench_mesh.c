// What it costs control to follow the registry: all objects at first, then one change of each kind
// among them. "bindings" is what a reader then asks of each service that was told.
// usage: bench_mesh [SERVICES]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sl_conf.h"
#include "sl_mesh_binding.h"
#include "sl_str.h"
#include "sl_types.h"

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
put(struct sl_registry *r, const char *yaml, size_t len)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	sl_conf_objects(yaml, len, "bench.yaml", SL_ORIGIN_FILE, &objects, &diags);
	if (diags.errors)
		printf("  %s\n", diags.v[0].message);
	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(r, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
}

static void
put_one(struct sl_registry *r, const char *kind, const char *name, const char *spec)
{
	char *yaml = sl_xasprintf("apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {name: "
				  "%s, labels: {app: x}}\nspec: %s\n",
		kind, name, spec);

	put(r, yaml, strlen(yaml));
	free(yaml);
}

static void
put_services(struct sl_registry *r, unsigned n)
{
	struct sl_buf yaml = {0};

	for (unsigned i = 0; i < n; i++) {
		sl_buf_printf(&yaml,
			"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: "
			"{name: s%u, namespace: n%u}\nspec: {hosts: [s%u.a%u.example], addresses: "
			"[198.%u.%u.%u], resolution: STATIC, ports: [{number: 80, name: p, "
			"protocol: TCP}], endpoints: [{address: 203.0.113.1}, {address: "
			"203.0.113.2}, {address: 203.0.113.3}, {address: 203.0.113.4}]}\n",
			i, i % 100, i * 2654435761u, i % 10, 18 + (i >> 16), i >> 8 & 255, i & 255);
		if (i % 1000 == 999 || i + 1 == n) {
			put(r, yaml.data, yaml.len);
			sl_buf_reset(&yaml);
		}
	}
	sl_buf_fini(&yaml);
}

struct told {
	struct sl_mesh *m;
	unsigned n;
	double bindings_ms;
};

static void
on_told(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	struct told *t = ctx;
	const double begin = now_ms();
	size_t n;

	t->n++;
	if (svc) {
		struct sl_mesh_binding *b = sl_mesh_bindings(t->m, svc, &n);

		sl_mesh_bindings_free(b, n);
	}
	t->bindings_ms += now_ms() - begin;
}

static void
measure(const char *what, struct sl_mesh *m)
{
	struct told t = {.m = m};
	const double begin = now_ms();

	sl_mesh_update(m, on_told, &t);
	printf("  %-32s %8.2f ms, and bindings %8.2f ms: %u told\n", what,
		now_ms() - begin - t.bindings_ms, t.bindings_ms, t.n);
}

static void
measure_order(const char *what, struct sl_mesh *m)
{
	const struct sl_mesh_service *svc;
	const double begin = now_ms();
	size_t it = 0;

	sl_mesh_next(m, &it, &svc);
	printf("  %-32s %8.2f ms\n", what, now_ms() - begin);
}

static void
bench(unsigned n)
{
	static const struct sl_mesh_client clients[] = {
		{.namespace_ = "default", .locality = "r/z"}, {.namespace_ = "other"}};
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_diags diags = {0};
	char *spec;
	double begin;

	sl_mesh_configure(m, &(struct sl_mesh_cfg){.client = clients, .n_clients = 2});
	printf("%u ServiceEntries, 2 client groups\n", n);
	put_services(r, n);
	put_one(r, "ServiceEntry", "picks",
		"{hosts: [picks.example], addresses: [192.0.2.1], resolution: STATIC, ports: "
		"[{number: 80, name: p, protocol: TCP}], workloadSelector: {labels: {app: x}}}");
	measure("all", m);
	measure_order("service order", m);
	put_one(r, "ServiceEntry", "more",
		"{hosts: [more.example], addresses: [192.0.2.2], resolution: STATIC, ports: "
		"[{number: 80, name: p, protocol: TCP}], endpoints: [{address: 203.0.113.1}]}");
	measure("one more ServiceEntry", m);
	measure_order("service order after it", m);
	put_one(r, "ServiceEntry", "more",
		"{hosts: [more.example], addresses: [192.0.2.2], resolution: STATIC, ports: "
		"[{number: 80, name: p, protocol: TCP}], endpoints: [{address: 203.0.113.2}]}");
	measure("one changed ServiceEntry", m);
	put_one(r, "WorkloadEntry", "w", "{address: 203.0.113.9}");
	measure("a WorkloadEntry", m);
	spec = sl_xasprintf("{host: s%u.a5.example, trafficPolicy: {loadBalancer: {simple: "
			    "RANDOM}}}",
		5 * 2654435761u);
	put_one(r, "DestinationRule", "d", spec);
	free(spec);
	measure("a DestinationRule of a host", m);
	put_one(r, "DestinationRule", "w",
		"{host: '*.none.example', trafficPolicy: {loadBalancer: {simple: RANDOM}}}");
	measure("a DestinationRule of *.none", m);
	put_one(r, "VirtualService", "v",
		"{hosts: ['*.none.example'], tcp: [{route: [{destination: {host: "
		"more.example}}]}]}");
	measure("a VirtualService of *.none", m);
	put_one(r, "VirtualService", "v",
		"{hosts: ['*.a5.example'], tcp: [{route: [{destination: {host: more.example}}]}]}");
	measure("a VirtualService of *.a5 (10 %)", m);
	put_one(r, "ServiceEntry", "more",
		"{hosts: [more.example], addresses: [192.0.2.2], resolution: STATIC, ports: "
		"[{number: 80, name: p, protocol: TCP}], endpoints: [{address: 203.0.113.3}]}");
	measure("its destination", m);
	measure("nothing", m);
	begin = now_ms();
	sl_mesh_findings(m, sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "default", "more"), &diags);
	printf("  %-32s %8.2f ms\n", "findings on one object", now_ms() - begin);
	begin = now_ms();
	sl_mesh_findings(m, NULL, &diags);
	printf("  %-32s %8.2f ms: %zu\n", "findings on all", now_ms() - begin, diags.n);
	sl_diags_fini(&diags);
	sl_mesh_free(m);
	sl_registry_free(r);
}

int
main(int argc, char **argv)
{
	if (argc == 2) {
		bench(strtoul(argv[1], NULL, 10));
		return 0;
	}
	bench(10000);
	bench(100000);
	return 0;
}
