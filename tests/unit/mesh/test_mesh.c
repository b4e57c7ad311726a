// What objects mean together, from YAML to bindings as text:
// "DST:PORT/PROTO[MASK] -> [problem] ADDRESS:PORT*WEIGHT@PRIORITY ...; ..."
#include "sl_conf.h"
#include "sl_mesh_binding.h"
#include "sl_str.h"
#include "sl_test.h"

#include <netinet/in.h>

#define SE(name, spec)                                                                             \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name      \
	"}\nspec: " spec "\n"
#define WE(name, labels, spec)                                                                     \
	"---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: " name     \
	", labels: " labels "}\nspec: " spec "\n"
#define DR(name, spec)                                                                             \
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " name   \
	"}\nspec: " spec "\n"

static void
put_ep(struct sl_buf *out, const struct sl_mesh_cluster *c)
{
	const struct sl_mesh_ep *ep = c->ep;

	for (uint32_t g = 0; g < c->n_groups; g++) {
		for (uint32_t k = 0; k < c->group[g].n; k++, ep++)
			sl_buf_printf(out, " %s:%u*%u@%u%s", ep->from->address, ep->port,
				ep->weight, c->group[g].priority, ep->healthy ? "" : "!");
	}
}

static char *
bindings(struct sl_mesh *m)
{
	struct sl_buf out = {0};
	const struct sl_mesh_service *svc;

	for (size_t it = 0; sl_mesh_next(m, &it, &svc);) {
		size_t n;
		struct sl_mesh_binding *b = sl_mesh_bindings(m, svc, &n);

		for (size_t i = 0; i < n; i++) {
			char dst[SL_PREFIX_STRLEN];

			sl_buf_printf(&out, "%s%s:%u/%s[%llx] ->", out.len ? "; " : "",
				sl_prefix_str(&b[i].dst, dst), b[i].port,
				b[i].proto == IPPROTO_UDP ? "udp" : "tcp",
				(unsigned long long)b[i].clients);
			for (uint32_t k = 0; k < b[i].n_clusters; k++) {
				const struct sl_mesh_cluster *c = &b[i].cluster[k];

				if (c->original_dst)
					sl_buf_printf(&out, " original:%u", c->dst_port);
				put_ep(&out, c);
			}
		}
		sl_mesh_bindings_free(b, n);
	}
	return sl_buf_take(&out);
}

static bool
load(struct sl_registry *r, const char *yaml)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	sl_conf_objects(yaml, strlen(yaml), "t.yaml", SL_ORIGIN_FILE, &objects, &diags);
	for (size_t i = 0; i < diags.n; i++)
		if (diags.v[i].severity == SL_ERROR)
			printf("# %s: %s\n", diags.v[i].path ? diags.v[i].path : "",
				diags.v[i].message);
	const bool fine = diags.errors == 0;

	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(r, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return fine;
}

#define BASE "hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, "
#define P80  "ports: [{number: 80, name: p, protocol: TCP}]"

static const struct {
	const char *name, *yaml, *want;
} rows[] = {
	{"static", SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1}]}"),
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	// Section 6, mistake 1: redirected traffic of NONE keeps its destination; targetPort
	// counts.
	{"mistake_1_none",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], ports: [{number: 80, "
			"name: p, protocol: TCP, targetPort: 8080}]}"),
		"192.0.2.0/24:80/tcp[3] -> original:8080"},
	// 4: a TCP entry without VIP takes the whole port.
	{"mistake_4_any",
		SE("a", "{hosts: [a.example], resolution: STATIC, " P80
			", endpoints: [{address: 198.51.100.1}]}"),
		"0.0.0.0/0:80/tcp[3] -> 198.51.100.1:80*1@0"},
	// 5: locality does nothing without outlierDetection.
	{"mistake_5_locality",
		SE("a", "{" BASE P80
			", endpoints: [{address: 198.51.100.2, locality: far}, {address: "
			"198.51.100.1, locality: r/z}]}"),
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_5_locality_with_outlier",
		SE("a", "{" BASE P80
			", endpoints: [{address: 198.51.100.2, locality: far}, {address: "
			"198.51.100.1, locality: r/z}]}")
			DR("a", "{host: a.example, trafficPolicy: {outlierDetection: "
				"{consecutive5xxErrors: 3}}}"),
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.1:80*1@0 198.51.100.2:80*1@1; "
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	// 8: endpoint.ports[name] before targetPort before number.
	{"mistake_8_ports",
		SE("a", "{" BASE "ports: [{number: 80, name: p, protocol: TCP, targetPort: 81}], "
			"endpoints: [{address: 198.51.100.1}, {address: 198.51.100.2, ports: {p: "
			"82}}]}"),
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:81*1@0 198.51.100.2:82*1@0"},
	// 10: the same host twice in a namespace pools endpoints, which line up by port name.
	{"mistake_10_pooled",
		SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1}]}")
			SE("b", "{hosts: [a.example], resolution: STATIC, " P80
				", endpoints: [{address: 198.51.100.2}]}"),
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:80*1@0"},
	// 13: PASSTHROUGH of a rule discards the endpoints.
	{"mistake_13_rule",
		SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1}]}") DR("a",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"),
		"192.0.2.1/32:80/tcp[3] -> original:0"},
	// 14: metadata labels override those of the spec; an empty selector takes everything.
	{"mistake_14_selector",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}")
			WE("w1", "{app: x}", "{address: 198.51.100.1, labels: {app: y}}")
				WE("w2", "{app: y}", "{address: 198.51.100.2, labels: {app: x}}"),
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"exported_to_one",
		SE("a", "{" BASE P80 ", exportTo: [other], endpoints: [{address: 198.51.100.1}]}"),
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.1:80*1@0"},
};

static struct sl_mesh *
mesh_over(struct sl_registry *r)
{
	static const struct sl_mesh_client clients[] = {
		{.namespace_ = "default", .locality = "r/z"}, {.namespace_ = "other"}};
	struct sl_mesh *m = sl_mesh_new(r);

	sl_mesh_configure(m, &(struct sl_mesh_cfg){.client = clients, .n_clients = 2});
	return m;
}

static int
test_bindings(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_registry *r = sl_registry_new();
		struct sl_mesh *m = mesh_over(r);

		printf("# %s\n", rows[i].name);
		RTE_TEST_ASSERT(load(r, rows[i].yaml), "invalid YAML");
		sl_mesh_update(m, NULL, NULL);
		char *got = bindings(m);

		SL_TEST_STR(got, rows[i].want);
		free(got);
		sl_mesh_free(m);
		sl_registry_free(r);
	}
	return TEST_SUCCESS;
}

// A registry has one reader of changes: a new mesh gets a new one, filled from the canonical JSON.
static char *
bindings_anew(struct sl_registry *r)
{
	struct sl_registry *copy = sl_registry_new();
	struct sl_mesh *m = mesh_over(copy);
	struct sl_object *obj;

	for (size_t it = 0; sl_registry_next(r, &it, &obj);) {
		if (!load(copy, obj->json))
			return NULL;
	}
	sl_mesh_update(m, NULL, NULL);
	char *text = bindings(m);

	sl_mesh_free(m);
	sl_registry_free(copy);
	return text;
}

// Rows put and taken away one after the other say the same as a mesh that is new.
static int
test_incremental(void)
{
	uint64_t seed = sl_test_seed();
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = mesh_over(r);

	for (unsigned i = 0; i < 300; i++) {
		const uint64_t x = sl_test_rand(&seed);
		static const char *const names[] = {"a", "b", "w1", "w2"};

		if (x % 3 == 0)
			sl_registry_del(
				r, (x >> 8) % 3, "default", names[(x >> 16) % 4], SL_ORIGIN_FILE);
		else
			RTE_TEST_ASSERT(load(r, rows[(x >> 8) % SL_ARRAY_LEN(rows)].yaml), "YAML");
		sl_mesh_update(m, NULL, NULL);
		char *got = bindings(m);
		char *want = bindings_anew(r);

		SL_TEST_STR(got, want);
		free(want);
		free(got);
	}
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"bindings", test_bindings},
		{"incremental", test_incremental},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
