// Virtual IPs: what the first load costs beyond one without them, and how many services move to
// another address when one of N comes or goes (docs/decisions/0011-virtual-ips.md).
// usage: bench_vips
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sl_conf.h"
#include "sl_mesh.h"
#include "sl_str.h"
#include "sl_types.h"

#define SAMPLES 2000

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
put_yaml(struct sl_registry *r, const struct sl_buf *yaml)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	sl_conf_objects(yaml->data, yaml->len, "bench.yaml", SL_ORIGIN_FILE, &objects, &diags);
	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(r, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
}

static void
put(struct sl_registry *r, const char *prefix, unsigned first, unsigned n)
{
	struct sl_buf yaml = {0};

	for (unsigned i = first; i < first + n; i++) {
		sl_buf_printf(&yaml,
			"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: "
			"{name: %s%u, namespace: n%u}\nspec: {hosts: [%s%u.example.com], "
			"resolution: STATIC, ports: [{number: 443, name: p, protocol: TLS}], "
			"endpoints: [{address: 203.0.113.1}]}\n",
			prefix, i, i % 100, prefix, i);
		if (i % 1000 == 999 || i + 1 == first + n) {
			put_yaml(r, &yaml);
			sl_buf_reset(&yaml);
		}
	}
	sl_buf_fini(&yaml);
}

static void
count(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	++*(unsigned *)ctx;
}

static void
configure(struct sl_mesh *m, bool with)
{
	static const struct sl_mesh_client client = {.namespace_ = "default"};
	struct sl_mesh_cfg cfg = {.client = &client, .n_clients = 1};

	if (with) {
		sl_prefix_parse("240.240.0.0/16", &cfg.auto_vip4);
		sl_prefix_parse("2001:2::/48", &cfg.auto_vip6);
	}
	sl_mesh_configure(m, &cfg);
}

static double
load(unsigned n, bool with, struct sl_registry **r, struct sl_mesh **m)
{
	double begin;

	*r = sl_registry_new();
	*m = sl_mesh_new(*r);
	configure(*m, with);
	put(*r, "s", 0, n);
	begin = cpu_ms();
	sl_mesh_update(*m, NULL, NULL);
	return cpu_ms() - begin;
}

static void
bench(unsigned n)
{
	unsigned come = 0, go = 0, most = 0;
	double without, with, steps = 0, longest = 0;
	struct sl_registry *r;
	struct sl_mesh *m;

	without = load(n, false, &r, &m);
	sl_mesh_free(m);
	sl_registry_free(r);
	with = load(n, true, &r, &m);
	for (unsigned i = 0; i < SAMPLES; i++) {
		char name[32], space[16];
		unsigned told = 0;
		double begin, took;

		snprintf(name, sizeof(name), "x%u", i);
		snprintf(space, sizeof(space), "n%u", i % 100);
		put(r, "x", i, 1);
		begin = cpu_ms();
		sl_mesh_update(m, count, &told);
		took = cpu_ms() - begin;
		steps += took;
		longest = took > longest ? took : longest;
		come += told - 1;
		most = told - 1 > most ? told - 1 : most;
		told = 0;
		sl_registry_del(r, SL_KIND_SERVICE_ENTRY, space, name, SL_ORIGIN_FILE);
		sl_mesh_update(m, count, &told);
		go += told - 1;
	}
	printf("%6u services: load %7.1f ms, without %7.1f ms; one comes: %.4f move (most %u), one "
	       "goes: %.4f; %.1f us a step, longest %.2f ms\n",
		n, with, without, (double)come / SAMPLES, most, (double)go / SAMPLES,
		1e3 * steps / SAMPLES, longest);
	sl_mesh_free(m);
	sl_registry_free(r);
}

int
main(void)
{
	static const unsigned n[] = {100, 1000, 10000, 50000, 65000};

	for (unsigned i = 0; i < SL_ARRAY_LEN(n); i++)
		bench(n[i]);
	return 0;
}
