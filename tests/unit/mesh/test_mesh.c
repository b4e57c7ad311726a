// What objects mean together: what is not told by a mistake (test_mistakes.c), a route
// (test_routes.c), or a locality (test_locality.c); and that following changes says the same as
// reading everything anew.
#include "case.h"
#include "sl_str.h"

#define BASE "hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, "
#define P80  "ports: [{number: 80, name: p, protocol: TCP}]"

static const struct mesh_case rows[] = {
	{"static", SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1}]}"), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"exported_to_one",
		SE("a", "{" BASE P80 ", exportTo: [other], endpoints: [{address: 198.51.100.1}]}"),
		NULL, "192.0.2.1/32:80/tcp[2] -> 198.51.100.1:80*1@0"},
	{"udp",
		SE("a", "{" BASE
			"ports: [{number: 53, name: p, protocol: UDP}], endpoints: [{address: "
			"198.51.100.1}]}"),
		NULL, "192.0.2.1/32:53/udp[3] -> 198.51.100.1:53*1@0"},
	{"several_hosts_and_vips",
		SE("a", "{hosts: [a.example, b.example], addresses: [192.0.2.1, 192.0.2.0/28], "
			"ports: [{number: 80, name: p, protocol: HTTP}], resolution: STATIC, "
			"endpoints: [{address: 198.51.100.1}]}"),
		NULL,
		"192.0.2.0/28:80/tcp[3]~ -> 198.51.100.1:80*1@0; "
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0; "
		"192.0.2.0/28:80/tcp[3]~ -> 198.51.100.1:80*1@0; "
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"endpoint_twice_counts_once",
		SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1, weight: 3}, {address: "
			"198.51.100.1, weight: 5}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*3@0"},
	{"weight_zero_is_one",
		SE("a", "{" BASE P80 ", endpoints: [{address: 198.51.100.1, weight: 0}]}"), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"ipv6_is_not_served",
		SE("a", "{hosts: [a.example], addresses: ['2001:db8::1'], resolution: STATIC, " P80
			", endpoints: [{address: 198.51.100.1}]}"),
		"services", "default/a.example[3] (an IPv6 address)"},
	{"ipv6_endpoint_is_left_out",
		SE("a", "{" BASE P80 ", endpoints: [{address: '2001:db8::1'}, {address: "
			"198.51.100.1}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	// It would open the port to every destination.
	{"none_by_name_is_not_served",
		SE("a", "{hosts: [a.example], ports: [{number: 443, name: p, protocol: TLS}]}"),
		"services",
		"default/a.example[3] (it needs the name in the traffic (HTTP Host, TLS SNI), "
		"which is not read yet)"},
	{"none_by_name_on_a_vip_is",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1, 192.0.2.0/28], ports: "
			"[{number: 443, name: p, protocol: TLS}]}"),
		NULL, "192.0.2.1/32:443/tcp[3] -> original:0"},
};

static int
test_bindings(void)
{
	return mesh_cases(rows, SL_ARRAY_LEN(rows), &two_clients);
}

static struct sl_mesh *
mesh_over(struct sl_registry *r)
{
	struct sl_mesh *m = sl_mesh_new(r);

	sl_mesh_configure(m, &two_clients);
	return m;
}

// A registry has one reader of changes: a new mesh gets a new one, filled from the canonical JSON.
static char *
bindings_anew(struct sl_registry *r)
{
	struct sl_registry *copy = sl_registry_new();
	struct sl_mesh *m = mesh_over(copy);
	struct sl_object *obj;

	for (size_t it = 0; sl_registry_next(r, &it, &obj);) {
		if (!mesh_load(copy, obj->json, NULL))
			return NULL;
	}
	sl_mesh_update(m, NULL, NULL);
	char *text = mesh_bindings_text(m);

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
			RTE_TEST_ASSERT(
				mesh_load(r, rows[(x >> 8) % SL_ARRAY_LEN(rows)].yaml, NULL),
				"YAML");
		sl_mesh_update(m, NULL, NULL);
		char *got = mesh_bindings_text(m);
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
