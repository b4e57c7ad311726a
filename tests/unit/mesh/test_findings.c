// What is said of objects: findings, the reasons of explain, rows as JSON.
#include <netinet/in.h>

#include "case.h"
#include "sl_emit.h"
#include "sl_str.h"

#define P80       "ports: [{number: 80, name: p, protocol: TCP}]"
#define HTTP80    "ports: [{number: 80, name: p, protocol: HTTP}]"
#define EP(last)  ", endpoints: [{address: 198.51.100." last "}]}"
#define STATIC    "{resolution: STATIC, "
#define A         SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80 EP("1"))
#define B         SE("b", STATIC "hosts: [b.example], addresses: [192.0.2.2], " P80 EP("2"))
#define ROUTE(to) "{hosts: [a.example], tcp: [{route: [{destination: {" to "}}]}]}"
#define GATEWAY                                                                                    \
	OBJ("Gateway", "name: gw",                                                                 \
		"{servers: [{port: {number: 80, name: p, protocol: TCP}, hosts: ['*']}]}")
#define FAILOVER "loadBalancer: {localityLbSetting: {failover: [{from: r, to: q}]}}"
#define OUTLIER  "outlierDetection: {interval: 1s}"

// For each finding rows that show it, and rows like them that do not.
static const struct mesh_case findings[] = {
	{"nothing_to_say", A B VS("v", ROUTE("host: b.example")), "findings", ""},

	{"M1_host", A VS("v", ROUTE("host: c.example")), "findings",
		"M1 VirtualService default/v spec.tcp[0].route[0].destination"},
	{"M1_port", A B VS("v", ROUTE("host: b.example, port: {number: 81}")), "findings",
		"M1 VirtualService default/v spec.tcp[0].route[0].destination"},
	{"M1_subset", A B VS("v", ROUTE("host: b.example, subset: v1")), "findings",
		"M1 VirtualService default/v spec.tcp[0].route[0].destination"},
	{"M1_not_subset",
		A B VS("v", ROUTE("host: b.example, subset: v1"))
			DR("d", "{host: b.example, subsets: [{name: v1, labels: {v: one}}]}"),
		"findings", ""},
	{"M1_not_visible",
		A SE_IN("third", "b",
			STATIC "hosts: [b.example], addresses: [192.0.2.2], "
			       "exportTo: ['.', other], " P80 EP("2"))
			VS("v", ROUTE("host: b.example")),
		"findings", "M1 VirtualService default/v spec.tcp[0].route[0].destination"},
	{"M1_tls",
		A VS("v", "{hosts: [a.example], tls: [{match: [{sniHosts: [a.example]}], route: "
			  "[{destination: {host: a.example}, weight: 1}, {destination: {host: "
			  "c.example}, weight: 1}]}]}"),
		"findings", "M1 VirtualService default/v spec.tls[0].route[1].destination"},
	{"M1_not_port_of_several",
		A SE("b", STATIC "hosts: [b.example], addresses: [192.0.2.2], ports: [{number: 80, "
				 "name: p, protocol: TCP}, {number: 81, name: q, protocol: "
				 "TCP}]" EP("2")) VS("v", ROUTE("host: b.example")),
		"findings", ""},

	{"M2",
		A VS("v", "{hosts: [a.example], gateways: [gw], tcp: [{route: [{destination: "
			  "{host: a.example}}]}]}"),
		"findings", "M2 VirtualService default/v spec.gateways[0]"},
	{"M2_not",
		A GATEWAY VS("v", "{hosts: [a.example], gateways: [mesh, gw, default/gw, "
				  "gw.default.svc.cluster.local], tcp: [{route: [{destination: "
				  "{host: a.example}}]}]}"),
		"findings", ""},

	{"M3", A B VS("v", ROUTE("host: b.example")) VS("w", ROUTE("host: a.example")), "findings",
		"M3 VirtualService default/w spec.hosts[0]"},
	{"M3_not_other_host",
		A B VS("v", ROUTE("host: b.example"))
			VS("w", "{hosts: [b.example], tcp: [{route: [{destination: {host: "
				"b.example}}]}]}"),
		"findings", ""},
	{"M3_not_other_namespace",
		A B VS("v", ROUTE("host: b.example")) VS_IN("other", "w", ROUTE("host: a.example")),
		"findings", ""},

	{"M4_service",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1], exportTo: [third], " P80 EP(
				"1")),
		"findings", "M4 ServiceEntry default/a spec.exportTo"},
	{"M4_hidden_service",
		A SE_IN("other", "a",
			STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80 EP("1"))
			SE_IN("third", "a",
				STATIC "hosts: [a.example], addresses: [192.0.2.3], " P80 EP("1")),
		"findings", "M4 ServiceEntry third/a spec.hosts"},
	{"M4_route",
		A VS("v", "{hosts: [a.example], exportTo: [third], tcp: [{route: [{destination: "
			  "{host: c.example}}]}]}"),
		"findings", "M4 VirtualService default/v spec.exportTo"},
	{"M4_not",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], exportTo: [third, "
			       "other], " P80 EP("1")),
		"findings", ""},

	{"M5", A DR("d", "{host: a.example, trafficPolicy: {" FAILOVER "}}"), "findings",
		"M5 DestinationRule default/d spec.trafficPolicy"},
	{"M5_port",
		A DR("d", "{host: a.example, trafficPolicy: {" OUTLIER
			  ", portLevelSettings: [{port: {number: 80}, " FAILOVER "}]}}"),
		"findings", "M5 DestinationRule default/d spec.trafficPolicy"},
	{"M5_subset",
		A DR("d",
			"{host: a.example, subsets: [{name: v1, trafficPolicy: {" FAILOVER "}}]}"),
		"findings", "M5 DestinationRule default/d spec.subsets[0].trafficPolicy"},
	{"M5_not", A DR("d", "{host: a.example, trafficPolicy: {" FAILOVER ", " OUTLIER "}}"),
		"findings", ""},
	{"M5_not_inherited",
		A DR("d", "{host: a.example, trafficPolicy: {" OUTLIER
			  "}, subsets: [{name: v1, trafficPolicy: {" FAILOVER "}}]}"),
		"findings", ""},

	{"M6",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80
			       ", workloadSelector: {labels: {app: x}}}")
			WE("w", "{app: y}", "{address: 198.51.100.1}"),
		"findings",
		"M6 ServiceEntry default/a spec.workloadSelector; M6 WorkloadEntry default/w -"},
	{"M6_name_for_static",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80
			       ", workloadSelector: {labels: {app: x}}}")
			WE("w", "{app: x}", "{address: b.example}"),
		"findings",
		"M6 ServiceEntry default/a spec.workloadSelector; M6 WorkloadEntry default/w -"},
	{"M6_not",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80
			       ", workloadSelector: {labels: {app: x}}}")
			WE("w", "{app: x}", "{address: 198.51.100.1}"),
		"findings", ""},
	{"M6_not_a_pod",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " P80
			       ", workloadSelector: {labels: {app: x}}}")
			POD("name: p, labels: {app: x}", "{podIP: 198.51.100.1, phase: Running}")
				POD("name: q", "{podIP: 198.51.100.2, phase: Running}"),
		"findings", ""},

	{"M7", A SE("z", STATIC "hosts: [a.example], addresses: [192.0.2.9], " HTTP80 EP("2")),
		"findings",
		"M7 ServiceEntry default/a spec.ports; M7 ServiceEntry default/z "
		"spec.ports"},
	{"M7_not_same_protocol",
		A SE("z", STATIC "hosts: [a.example], addresses: [192.0.2.9], " P80 EP("2")),
		"findings", ""},
	{"M7_not_seen_together",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1], exportTo: ['.'], " P80 EP("1"))
			SE_IN("other", "z",
				STATIC "hosts: [a.example], addresses: [192.0.2.9], exportTo: "
				       "['.'], " HTTP80 EP("2")),
		"findings", ""},

	{"M8", SE("a", STATIC "hosts: [a.example], " P80 EP("1")), "findings",
		"M8 ServiceEntry default/a spec.ports"},
	{"M8_not_udp",
		SE("a", STATIC
			"hosts: [a.example], ports: [{number: 80, name: p, protocol: UDP}]" EP(
				"1")),
		"findings", ""},

	{"M9_any", SE("a", STATIC "hosts: [a.example], " HTTP80 EP("1")), "findings",
		"M9 ServiceEntry default/a spec.ports"},
	{"M9_cidr",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.0/24], " HTTP80 EP("1")),
		"findings", "M9 ServiceEntry default/a spec.ports"},
	{"M9_cidr_behind_a_vip",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1, 203.0.113.0/24], " HTTP80 EP(
				"1")),
		"findings", "M9 ServiceEntry default/a spec.ports"},
	{"M9_not_vip",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1], " HTTP80 EP("1")),
		"findings", ""},

	{"M10_vip", A SE("z", STATIC "hosts: [z.example], addresses: [192.0.2.1], " P80 EP("2")),
		"findings",
		"M10 ServiceEntry default/a spec.addresses; M10 ServiceEntry default/z "
		"spec.addresses"},
	{"M10_port",
		SE("a", STATIC "hosts: [a.example], " P80 EP("1"))
			SE("z", STATIC "hosts: [z.example], " P80 EP("2")),
		"findings",
		"M8 ServiceEntry default/a spec.ports; M10 ServiceEntry default/a spec.ports; M8 "
		"ServiceEntry default/z spec.ports; M10 ServiceEntry default/z spec.ports"},
	{"M10_names",
		SE("a", STATIC "hosts: [a.example], " HTTP80 EP("1"))
			SE("z", STATIC "hosts: [z.example], " HTTP80 EP("2")),
		"findings",
		"M9 ServiceEntry default/a spec.ports; M10 ServiceEntry default/a spec.ports; M9 "
		"ServiceEntry default/z spec.ports; M10 ServiceEntry default/z spec.ports"},
	{"M10_not_other_port",
		A SE("z", STATIC "hosts: [z.example], addresses: [192.0.2.1], ports: [{number: 81, "
				 "name: p, protocol: TCP}]" EP("2")),
		"findings", ""},
	{"M10_not_longer_cidr",
		SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.0/24], " P80 EP("1")) SE(
			"z", STATIC "hosts: [z.example], addresses: [192.0.2.0/28], " P80 EP("2")),
		"findings", ""},
	{"M10_not_hosts_of_one_entry",
		SE("a", STATIC
			"hosts: [a.example, b.example], addresses: [192.0.2.1], " HTTP80 EP("1")),
		"findings", ""},
	{"M10_not_other_clients",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1], exportTo: ['.'], " P80 EP("1"))
			SE_IN("other", "z",
				STATIC "hosts: [z.example], addresses: [192.0.2.1], exportTo: "
				       "['.'], " P80 EP("2")),
		"findings", ""},
};

#define ANY  SE("any", STATIC "hosts: [any.example], " P80 EP("9"))
#define CIDR SE("c", STATIC "hosts: [c.example], addresses: [192.0.2.0/24], " P80 EP("8"))

static const struct mesh_case explain[] = {
	{"vip", A CIDR ANY, "0 192.0.2.1:80", "forward default/a.example 198.51.100.1:80"},
	{"cidr", A CIDR ANY, "0 192.0.2.7:80", "forward default/c.example 198.51.100.8:80"},
	{"any", A CIDR ANY, "0 203.0.113.7:80", "forward default/any.example 198.51.100.9:80"},
	{"other_port", A CIDR ANY, "0 192.0.2.1:81",
		"deny: no service that the client sees takes it; outboundPolicy is REGISTRY_ONLY"},
	{"invisible_does_not_end_the_search",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1], exportTo: ['.'], " P80 EP("1"))
			CIDR,
		"1 192.0.2.1:80", "forward default/c.example 198.51.100.8:80"},
	{"invisible_does_not_end_the_search_of_who_sees_it",
		SE("a", STATIC
			"hosts: [a.example], addresses: [192.0.2.1], exportTo: ['.'], " P80 EP("1"))
			CIDR,
		"0 192.0.2.1:80", "forward default/a.example 198.51.100.1:80"},
	{"original_destination",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], " P80 "}"),
		"0 192.0.2.7:80", "forward default/a.example"},
	{"subnet_of_a_route_is_found",
		A CIDR VS("v", "{hosts: [c.example], tcp: [{match: [{destinationSubnets: "
			       "[203.0.113.0/24]}], route: [{destination: {host: a.example}}]}]}"),
		"0 203.0.113.7:80", "forward default/c.example 198.51.100.1:80"},
	{"route_to_nothing", A VS("v", ROUTE("host: c.example")), "0 192.0.2.1:80",
		"deny: 192.0.2.1 port 80 belongs to default/a.example: no service of host "
		"c.example is visible to the client"},
};

static int
test_findings(void)
{
	return mesh_cases(findings, SL_ARRAY_LEN(findings), two_clients());
}

static int
test_explain(void)
{
	return mesh_cases(explain, SL_ARRAY_LEN(explain), two_clients());
}

static int
test_explain_allow_any(void)
{
	static const struct mesh_case row = {"allow_any", A, "0 203.0.113.7:80",
		"forward: no service that the client sees takes it; outboundPolicy is ALLOW_ANY: "
		"it goes to its own destination"};
	struct sl_mesh_cfg cfg = *two_clients();

	cfg.allow_any = true;
	return mesh_cases(&row, 1, &cfg);
}

// The finding of one object alone is the same as among all.
static int
test_only(void)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_diags diags = {0};

	RTE_TEST_ASSERT(
		mesh_load(r,
			A SE("z", STATIC "hosts: [z.example], addresses: [192.0.2.1], " P80 EP("2"))
				DR("d", "{host: a.example, trafficPolicy: {" FAILOVER "}}"),
			NULL),
		"YAML");
	sl_mesh_update(m, NULL, NULL);
	sl_mesh_findings(m, sl_registry_find(r, SL_KIND_SERVICE_ENTRY, "default", "z"), &diags);
	SL_TEST_INT(diags.n, 1);
	SL_TEST_STR(diags.v[0].rule, "M10");
	SL_TEST_STR(diags.v[0].object, "ServiceEntry default/z");
	SL_TEST_INT(diags.v[0].line, 10);
	SL_TEST_STR(diags.v[0].message,
		"192.0.2.1 port 80/tcp belongs to ServiceEntry default/a, which is first: not "
		"served here");
	sl_diags_fini(&diags);
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

// ---- JSON ----

static const char *
up(void *ctx, const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const struct sl_mesh_endpoint *ep, uint32_t number)
{
	return "up";
}

static int
test_json(void)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_buf out = {0};
	struct sl_emit e;
	uint32_t it = 0, number;

	RTE_TEST_ASSERT(
		mesh_load(r,
			SE("a", STATIC "hosts: [a.example], addresses: [192.0.2.1, "
				       "192.0.2.0/28], ports: [{number: 80, name: p, "
				       "protocol: tcp, targetPort: 8080}], "
				       "workloadSelector: {labels: {app: x}}}") WE("w", "{app: x}",
				"{address: 198.51.100.1, weight: 4, "
				"locality: r/z}"),
			NULL),
		"YAML");
	sl_mesh_update(m, NULL, NULL);
	const struct sl_mesh_service *svc = sl_mesh_find(m, "default", "a.example");

	sl_emit_init(&e, &out);
	sl_mesh_service_emit(svc, up, NULL, &e);
	SL_TEST_STR(out.data,
		"{\"name\":\"a\",\"namespace\":\"default\",\"host\":\"a.example\",\"vips\":"
		"[\"192.0.2.1\",\"192.0.2.0/28\"],\"autoVip\":false,\"ports\":[{\"number\":80,"
		"\"name\":\"p\",\"protocol\":\"TCP\",\"targetPort\":8080}],\"resolution\":"
		"\"STATIC\",\"location\":\"MESH_EXTERNAL\",\"tier\":\"L4\",\"endpoints\":[{"
		"\"address\":\"198.51.100.1\",\"port\":8080,\"portName\":\"p\",\"weight\":4,"
		"\"locality\":\"r/"
		"z\",\"network\":\"\",\"name\":null,\"state\":\"up\",\"reason\":\"\",\"source\":"
		"\"WorkloadEntry default/w\",\"file\":\"t.yaml\",\"line\":10}],\"served\":true,"
		"\"reason\":\"\"}");
	sl_buf_reset(&out);
	sl_emit_init(&e, &out);
	const struct sl_mesh_endpoint *ep = sl_mesh_endpoint_next(svc, svc->port[0], &it, &number);

	sl_mesh_endpoint_emit(svc, svc->port[0], "v1", ep, number, "up",
		&(struct sl_endpoint_load){.flows = 2, .total = 7}, &e);
	SL_TEST_STR(out.data,
		"{\"endpoint\":\"198.51.100.1:8080\",\"address\":\"198.51.100.1\",\"port\":8080,"
		"\"status\":\"HEALTHY\",\"outlierCheck\":null,\"cluster\":"
		"\"outbound|80|v1|a.example\",\"namespace\":\"default\",\"host\":\"a.example\","
		"\"servicePort\":80,\"portName\":\"p\",\"weight\":4,\"locality\":\"r/z\","
		"\"network\":null,\"name\":null,\"source\":\"WorkloadEntry "
		"default/w\",\"file\":\"t.yaml\","
		"\"line\":10,\"flows\":2,\"flowsTotal\":7}");
	sl_buf_fini(&out);
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"findings", test_findings},
		{"explain", test_explain},
		{"explain_allow_any", test_explain_allow_any},
		{"only", test_only},
		{"json", test_json},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
