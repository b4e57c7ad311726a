// Locality by the steps of istio-semantics 3.3, health of endpoints, and which DestinationRule says
// what of them.
#include "case.h"
#include "sl_str.h"

static const struct sl_label label[] = {
	{(char *)"app", (char *)"client"}, {(char *)"tier", (char *)"gold"}};
static const struct sl_mesh_client placed = {.namespace_ = "default",
	.locality = "r/z/s",
	.labels = label,
	.n_labels = 2,
	.network = "n1"};
static const struct sl_mesh_cfg one_client = {.client = &placed, .n_clients = 1};

#define P80  "ports: [{number: 80, name: p, protocol: TCP}]"
#define HEAD "{hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, " P80
#define TO   "192.0.2.1/32:80/tcp[1] ->"
// One at each distance: other subzone, region, zone, the same, nowhere; not in that order.
#define EPS                                                                                        \
	", endpoints: [{address: 198.51.100.4, locality: q/z/s, weight: 2}, {address: "            \
	"198.51.100.2, locality: r/z/t}, {address: 198.51.100.3, locality: r/y/s}, {address: "     \
	"198.51.100.1, locality: r/z/s}, {address: 198.51.100.5, locality: p}]}"
#define FLAT                                                                                       \
	" 198.51.100.4:80*2@0 198.51.100.2:80*1@0 198.51.100.3:80*1@0 198.51.100.1:80*1@0 "        \
	"198.51.100.5:80*1@0"
#define NEAR                                                                                       \
	" 198.51.100.1:80*1@0 198.51.100.2:80*1@1 198.51.100.3:80*1@2 198.51.100.5:80*1@3 "        \
	"198.51.100.4:80*2@3"
#define LB(setting)  "loadBalancer: {localityLbSetting: {" setting "}}"
#define OUTLIER      "outlierDetection: {interval: 1s}"
#define RULE(policy) DR("d", "{host: a.example, trafficPolicy: {" policy "}}")
#define ENTRY(meta)  OBJ("ServiceEntry", "name: a" meta, HEAD EPS)

static const struct mesh_case localities[] = {
	// Step 3: no outlierDetection, no locality.
	{"nothing", ENTRY(""), NULL, TO FLAT},
	{"failover_without_outlier_detection", ENTRY("") RULE(LB("failover: [{from: r, to: q}]")),
		NULL, TO FLAT},
	{"failover_priority_without_outlier_detection",
		ENTRY("") RULE(LB("failoverPriority: [app]")), NULL, TO FLAT},
	// Step 4, and priorities closed up.
	{"by_distance", ENTRY("") RULE(OUTLIER), NULL, TO NEAR},
	{"by_distance_closed_up",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.4, locality: q}, {address: "
			     "198.51.100.3, locality: r/y}]}") RULE(OUTLIER),
		NULL, TO " 198.51.100.3:80*1@0 198.51.100.4:80*1@1"},
	{"failover", ENTRY("") RULE(OUTLIER ", " LB("failover: [{from: r, to: q}]")), NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1 {1} 198.51.100.3:80*1@2 {2} "
		   "198.51.100.4:80*2@3 {1} 198.51.100.5:80*1@4"},
	{"failover_of_another_region",
		ENTRY("") RULE(OUTLIER ", " LB("failover: [{from: x, to: q}]")), NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1 {1} 198.51.100.3:80*1@2 {1} "
		   "198.51.100.5:80*1@3 {2} 198.51.100.4:80*2@3"},
	// Step 1.
	{"disabled", ENTRY("") RULE(OUTLIER ", " LB("enabled: false")), NULL, TO FLAT},
	{"disabled_distribute",
		ENTRY("") RULE(LB("enabled: false, distribute: [{from: '*', to: {'r/*': 100}}]")),
		NULL, TO FLAT},
	{"disabled_beats_annotation",
		ENTRY(", annotations: {networking.istio.io/traffic-distribution: PreferClose}")
			RULE(LB("enabled: false")),
		NULL, TO FLAT},
	// Network mismatch of all alike; then region, zone, subzone.
	{"traffic_distribution",
		ENTRY(", annotations: {networking.istio.io/traffic-distribution: PreferClose}"),
		NULL, TO NEAR},
	{"traffic_distribution_same_zone",
		ENTRY(", annotations: {networking.istio.io/traffic-distribution: PreferSameZone}"),
		NULL, TO NEAR},
	{"traffic_distribution_any",
		ENTRY(", annotations: {networking.istio.io/traffic-distribution: Any}") NAMESPACE(
			"default", "{networking.istio.io/traffic-distribution: PreferClose}"),
		NULL, TO FLAT},
	{"traffic_distribution_of_the_namespace",
		ENTRY("") NAMESPACE(
			"default", "{networking.istio.io/traffic-distribution: PreferClose}"),
		NULL, TO NEAR},
	{"traffic_distribution_of_another_namespace",
		ENTRY("") NAMESPACE(
			"other", "{networking.istio.io/traffic-distribution: PreferClose}"),
		NULL, TO FLAT},
	// Step 2: shares, rounded up; what no `to` names is left out. Needs no outlierDetection.
	{"distribute",
		ENTRY("") RULE(LB("distribute: [{from: r/z/s, to: {r/z/s: 70, 'q/*': 30}}]")), NULL,
		TO " {30} 198.51.100.4:80*2@0 {70} 198.51.100.1:80*1@0"},
	{"distribute_divides_and_rounds_up",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.1, locality: r/a}, {address: "
			     "198.51.100.2, locality: r/b, weight: 2}, {address: 198.51.100.3, "
			     "locality: r/c}, {address: 198.51.100.4, locality: r/b}]}")
			RULE(LB("distribute: [{from: 'r/*', to: {'r/*': 100}}]")),
		NULL,
		TO " {20} 198.51.100.1:80*1@0 {60} 198.51.100.2:80*2@0 198.51.100.4:80*1@0 {20} "
		   "198.51.100.3:80*1@0"},
	{"distribute_rounds_up",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.1, locality: r/a}, {address: "
			     "198.51.100.2, locality: r/b}, {address: 198.51.100.3, locality: "
			     "r/c}]}") RULE(LB("distribute: [{from: 'r/*', to: {'r/*': 100}}]")),
		NULL,
		TO " {34} 198.51.100.1:80*1@0 {34} 198.51.100.2:80*1@0 {34} 198.51.100.3:80*1@0"},
	{"distribute_first_that_fits",
		ENTRY("") RULE(LB("distribute: [{from: 'x/*', to: {'q/*': 100}}, {from: 'r/*', to: "
				  "{'p/*': 100}}]")),
		NULL, TO " {100} 198.51.100.5:80*1@0"},
	{"distribute_from_elsewhere",
		ENTRY("") RULE(LB("distribute: [{from: 'x/*', to: {'q/*': 100}}]")), NULL,
		TO " {1} 198.51.100.5:80*1@0 {2} 198.51.100.4:80*2@0 {1} 198.51.100.3:80*1@0 {1} "
		   "198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@0"},
	{"distribute_to_nowhere",
		ENTRY("") RULE(LB("distribute: [{from: 'r/*', to: {'x/*': 100}}]")), NULL,
		TO " (no endpoint is in a locality that distribute names for r/z/s)"},
	// Step 5.
	{"failover_priority",
		SE("a", HEAD
			", endpoints: [{address: 198.51.100.3, labels: {tier: gold}}, {address: "
			"198.51.100.2, labels: {app: client}}, {address: 198.51.100.1, labels: "
			"{app: client, tier: gold}}]}")
			RULE(OUTLIER ", " LB("failoverPriority: [app, tier]")),
		NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1 {1} 198.51.100.3:80*1@2"},
	{"failover_priority_value",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.2, labels: {tier: gold}}, "
			     "{address: 198.51.100.1, labels: {tier: iron}}]}")
			RULE(OUTLIER ", " LB("failoverPriority: ['tier=iron']")),
		NULL, TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1"},
	{"failover_priority_network",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.2, network: n2, labels: {app: "
			     "client}}, {address: 198.51.100.4, network: n2}, {address: "
			     "198.51.100.3, network: n1}, {address: 198.51.100.1, network: n1, "
			     "labels: {app: client}}]}")
			RULE(OUTLIER ", " LB("failoverPriority: [topology.istio.io/network, app]")),
		NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.3:80*1@1 {1} 198.51.100.2:80*1@2 {1} "
		   "198.51.100.4:80*1@3"},
	{"failover_priority_of_topology",
		ENTRY("") RULE(OUTLIER ", " LB("failoverPriority: [topology.kubernetes.io/region, "
					       "topology.kubernetes.io/zone]")),
		NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@0 {1} 198.51.100.3:80*1@1 {1} "
		   "198.51.100.5:80*1@2 {2} 198.51.100.4:80*2@2"},
	// Priority times five, plus the distance.
	{"failover_priority_and_failover",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.4, locality: q}, {address: "
			     "198.51.100.3, locality: p}, {address: 198.51.100.1, locality: p, "
			     "labels: {app: client}}, {address: 198.51.100.2, locality: r/z/s}]}")
			RULE(OUTLIER ", " LB("failoverPriority: [app], failover: [{from: r, to: "
					     "q}]")),
		NULL,
		TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1 {1} 198.51.100.4:80*1@2 {1} "
		   "198.51.100.3:80*1@3"},
	// The fallbacks of an endpoint's locality.
	{"locality_label",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.2, locality: q, labels: "
			     "{topology.istio.io/locality: r.z.s}}, {address: 198.51.100.1, "
			     "labels: {istio-locality: r.z.s}}]}") RULE(OUTLIER),
		NULL, TO " 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
};

#define SELECT HEAD ", workloadSelector: {labels: {app: x}}}"
#define HEALTH(status)                                                                             \
	"---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w1, "      \
	"labels: {app: x}, annotations: {proxy.istio.io/health-checks-enabled: 'true'}}\nspec: "   \
	"{address: 198.51.100.1}\n" status
#define POD_OF(name, more, status) POD("name: " name ", labels: {app: x}" more, status)

static const struct mesh_case health[] = {
	{"we_healthy",
		SE("a", SELECT) HEALTH("status: {conditions: [{type: Healthy, status: 'True'}]}\n"),
		NULL, TO " 198.51.100.1:80*1@0"},
	{"we_unhealthy",
		SE("a", SELECT)
			HEALTH("status: {conditions: [{type: Healthy, status: 'False'}]}\n"),
		NULL, TO " 198.51.100.1:80*1@0!"},
	{"we_unheard_of", SE("a", SELECT) HEALTH(""), NULL, TO " 198.51.100.1:80*1@0!"},
	{"we_without_checks", SE("a", SELECT) WE("w1", "{app: x}", "{address: 198.51.100.1}"), NULL,
		TO " 198.51.100.1:80*1@0"},
	{"pod_ready",
		SE("a", SELECT) POD_OF("p", "",
			"{podIP: 198.51.100.1, phase: Running, conditions: "
			"[{type: Ready, status: 'True'}]}"),
		NULL, TO " 198.51.100.1:80*1@0"},
	{"pod_not_ready",
		SE("a", SELECT) POD_OF("p", "",
			"{podIP: 198.51.100.1, phase: Running, conditions: "
			"[{type: Ready, status: 'False'}]}"),
		NULL, TO " 198.51.100.1:80*1@0!"},
	{"pod_terminating",
		SE("a", SELECT) POD_OF("p", ", deletionTimestamp: '2026-01-01T00:00:00Z'",
			"{podIP: 198.51.100.1, phase: Running}"),
		NULL, TO " (a.example has no endpoint on port 80)"},
	{"pod_ended",
		SE("a", SELECT) POD_OF("p", "", "{podIP: 198.51.100.1, phase: Succeeded}")
			POD_OF("q", "", "{podIP: 198.51.100.2, phase: Failed}"),
		NULL, TO " (a.example has no endpoint on port 80)"},
	{"pod_without_address", SE("a", SELECT) POD_OF("p", "", "{phase: Pending}"), NULL,
		TO " (a.example has no endpoint on port 80)"},
	{"pods_before_workload_entries_by_name",
		SE("a", SELECT) WE("a", "{app: x}", "{address: 198.51.100.1}")
			POD_OF("q", "", "{podIP: 198.51.100.3, phase: Running}")
				POD_OF("p", "", "{podIP: 198.51.100.2, phase: Running}"),
		NULL, TO " 198.51.100.2:80*1@0 198.51.100.3:80*1@0 198.51.100.1:80*1@0"},
	{"locality_of_a_pod",
		SE("a", SELECT) POD_OF("p", "", "{podIP: 198.51.100.2, phase: Running}")
			POD("name: q, labels: {app: x, topology.istio.io/locality: r.z.s}",
				"{podIP: 198.51.100.1, phase: Running}") RULE(OUTLIER),
		NULL, TO " 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
};

// Whether outlierDetection is there shows in the order: which block counts where.
static const struct mesh_case rules[] = {
	{"port_level_for_another_port",
		ENTRY("") RULE(OUTLIER ", portLevelSettings: [{port: {number: 81}, connectionPool: "
				       "{tcp: {maxConnections: 1}}}]"),
		NULL, TO NEAR},
	{"port_level_replaces_all",
		ENTRY("") RULE(OUTLIER ", portLevelSettings: [{port: {number: 80}, connectionPool: "
				       "{tcp: {maxConnections: 1}}}]"),
		NULL, TO FLAT},
	{"port_level_alone",
		ENTRY("") RULE("portLevelSettings: [{port: {number: 80}, " OUTLIER "}]"), NULL,
		TO NEAR},
	{"another_host", ENTRY("") DR("d", "{host: b.example, trafficPolicy: {" OUTLIER "}}"), NULL,
		TO FLAT},
	{"wildcard_host", ENTRY("") DR("d", "{host: '*.example', trafficPolicy: {" OUTLIER "}}"),
		NULL, TO NEAR},
	{"exact_before_wildcard",
		ENTRY("") DR("a", "{host: '*.example', trafficPolicy: {" OUTLIER "}}")
			DR("b", "{host: a.example}"),
		NULL, TO FLAT},
	{"root_namespace",
		ENTRY("") DR_IN(
			"istio-system", "d", "{host: '*.example', trafficPolicy: {" OUTLIER "}}"),
		NULL, TO NEAR},
	{"root_namespace_not_exported",
		ENTRY("") DR_IN("istio-system", "d",
			"{host: '*.example', exportTo: ['.'], trafficPolicy: {" OUTLIER "}}"),
		NULL, TO FLAT},
	{"wildcard_of_an_earlier_step_beats_exact_of_a_later",
		ENTRY("") DR("a", "{host: '*.example'}") DR_IN(
			"istio-system", "b", "{host: a.example, trafficPolicy: {" OUTLIER "}}"),
		NULL, TO FLAT},
	{"namespace_of_the_service",
		OBJ("ServiceEntry", "name: a, namespace: third", HEAD EPS)
			DR_IN("third", "d", "{host: a.example, trafficPolicy: {" OUTLIER "}}"),
		NULL, TO NEAR},
	{"namespace_of_the_service_private",
		OBJ("ServiceEntry", "name: a, namespace: third", HEAD EPS) DR_IN("third", "d",
			"{host: a.example, exportTo: ['.'], trafficPolicy: "
			"{" OUTLIER "}}"),
		NULL, TO FLAT},
	{"selected_client",
		ENTRY("") DR("a", "{host: a.example}") DR("z",
			"{host: a.example, exportTo: ['.'], workloadSelector: {matchLabels: {app: "
			"client}}, trafficPolicy: {" OUTLIER "}}"),
		NULL, TO NEAR},
	{"client_not_selected",
		ENTRY("") DR("z", "{host: a.example, exportTo: ['.'], workloadSelector: "
				  "{matchLabels: {app: x}}, trafficPolicy: {" OUTLIER "}}"),
		NULL, TO FLAT},
	{"selector_of_another_namespace",
		OBJ("ServiceEntry", "name: a, namespace: third", HEAD EPS) DR_IN("third", "z",
			"{host: a.example, exportTo: ['.'], workloadSelector: "
			"{matchLabels: {app: client}}, trafficPolicy: {" OUTLIER "}}"),
		NULL, TO FLAT},
	{"merged_first_policy_counts",
		ENTRY("") DR("a", "{host: a.example, subsets: [{name: v1, labels: {v: one}}]}") DR(
			"b", "{host: a.example, trafficPolicy: {" OUTLIER "}}")
			DR("c", "{host: a.example, trafficPolicy: {" LB("enabled: false") "}}"),
		NULL, TO NEAR},
	{"not_merged_with_another_export",
		ENTRY("") DR("a", "{host: a.example}")
			DR("b", "{host: a.example, exportTo: ['.'], trafficPolicy: {" OUTLIER "}}"),
		NULL, TO FLAT},
};

#define SPLIT                                                                                      \
	VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: a.example, subset: "     \
		"v1}}]}]}")
#define TWO                                                                                        \
	SE("a", HEAD ", endpoints: [{address: 198.51.100.2, locality: q, labels: {v: one}}, "      \
		     "{address: 198.51.100.1, locality: r/z/s, labels: {v: one}}, {address: "      \
		     "198.51.100.9}]}")
#define SUBSET(more) "subsets: [{name: v1, labels: {v: one}" more "}]"

static const struct mesh_case subsets[] = {
	{"subset_inherits",
		TWO SPLIT DR(
			"d", "{host: a.example, trafficPolicy: {" OUTLIER "}, " SUBSET("") "}"),
		NULL, TO " v1: 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
	{"subset_overrides_a_block",
		TWO SPLIT DR("d", "{host: a.example, trafficPolicy: {" OUTLIER
				  "}, " SUBSET(", trafficPolicy: {" LB("enabled: false") "}") "}"),
		NULL, TO " v1: 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"subset_adds_a_block",
		TWO SPLIT DR(
			"d", "{host: a.example, " SUBSET(", trafficPolicy: {" OUTLIER "}") "}"),
		NULL, TO " v1: 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
	{"subset_port_level_replaces",
		TWO SPLIT DR("d",
			"{host: a.example, trafficPolicy: {" OUTLIER
			"}, " SUBSET(", trafficPolicy: {portLevelSettings: [{port: {number: 80}, "
				     "connectionPool: {tcp: {maxConnections: 1}}}]}") "}"),
		NULL, TO " v1: 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"subset_over_the_port_level_of_the_rule",
		TWO SPLIT DR("d",
			"{host: a.example, trafficPolicy: {portLevelSettings: [{port: {number: "
			"80}, connectionPool: {tcp: {maxConnections: 1}}}]}, " SUBSET(
				", trafficPolicy: {" OUTLIER "}") "}"),
		NULL, TO " v1: 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
	{"subset_of_a_merged_rule",
		TWO SPLIT DR("a", "{host: a.example, trafficPolicy: {" OUTLIER "}}")
			DR("b", "{host: a.example, " SUBSET("") "}"),
		NULL, TO " v1: 198.51.100.1:80*1@0 198.51.100.2:80*1@1"},
	{"subset_twice_the_first_counts",
		TWO SPLIT DR("a", "{host: a.example, " SUBSET("") "}")
			DR("b", "{host: a.example, subsets: [{name: v1, labels: {v: two}}]}"),
		NULL, TO " v1: 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
};

static int
test_localities(void)
{
	return mesh_cases(localities, SL_ARRAY_LEN(localities), &one_client);
}

static int
test_health(void)
{
	return mesh_cases(health, SL_ARRAY_LEN(health), &one_client);
}

// That a pod is going is seen, though nothing else of it changes.
static int
test_pod_goes(void)
{
	static const char *const status = "{podIP: 198.51.100.1, phase: Running}";
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	char *pod = sl_xasprintf(POD_OF("p", "", "%s"), status), *text;
	char *going = sl_xasprintf(
		POD_OF("p", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "%s"), status);

	RTE_TEST_ASSERT(mesh_load(r, SE("a", SELECT), NULL) && mesh_load(r, pod, NULL), "YAML");
	sl_mesh_update(m, NULL, NULL);
	text = mesh_bindings_text(m);
	SL_TEST_STR(text, TO " 198.51.100.1:80*1@0");
	free(text);
	RTE_TEST_ASSERT(mesh_load(r, going, NULL), "YAML");
	sl_mesh_update(m, NULL, NULL);
	text = mesh_bindings_text(m);
	SL_TEST_STR(text, TO " (a.example has no endpoint on port 80)");
	free(text);
	free(pod);
	free(going);
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
test_rules(void)
{
	return mesh_cases(rules, SL_ARRAY_LEN(rules), &one_client);
}

static int
test_subsets(void)
{
	return mesh_cases(subsets, SL_ARRAY_LEN(subsets), &one_client);
}

// Step 7: nothing is near to a client that is nowhere. Its labels and network still count.
static int
test_no_locality(void)
{
	static const struct sl_mesh_client nowhere = {.namespace_ = "default"},
					   on_network = {.namespace_ = "default", .network = "n1"};
	static const struct mesh_case row = {
		"client_without_locality", ENTRY("") RULE(OUTLIER), NULL, TO FLAT};
	static const struct mesh_case network = {"client_with_network_alone",
		SE("a", HEAD ", endpoints: [{address: 198.51.100.2, network: n2}, {address: "
			     "198.51.100.1, network: n1}]}")
			RULE(OUTLIER ", " LB("failoverPriority: [topology.istio.io/network]")),
		NULL, TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1"};

	RTE_TEST_ASSERT_SUCCESS(
		mesh_cases(&row, 1, &(struct sl_mesh_cfg){.client = &nowhere, .n_clients = 1}),
		"nowhere");
	return mesh_cases(
		&network, 1, &(struct sl_mesh_cfg){.client = &on_network, .n_clients = 1});
}

// The mesh's own setting, where no rule and no annotation has one.
static int
test_mesh_default(void)
{
	static struct sl_lb_to to[] = {{(char *)"q/*", 100}};
	static struct sl_lb_distribute distribute[] = {{(char *)"*", to, 1}};
	const struct sl_locality_lb to_q = {
		.given = true, .distribute = distribute, .n_distribute = 1};
	const struct sl_locality_lb off = {.given = true, .disabled = true};
	struct sl_mesh_cfg cfg = one_client;
	const struct mesh_case with_distribute[] = {
		{"mesh_distribute", ENTRY(""), NULL, TO " {100} 198.51.100.4:80*2@0"},
		{"rule_before_mesh", ENTRY("") RULE(LB("enabled: false")), NULL, TO FLAT},
		{"annotation_before_mesh",
			ENTRY(", annotations: {networking.istio.io/traffic-distribution: "
			      "PreferClose}"),
			NULL, TO NEAR},
	};
	const struct mesh_case switched_off[] = {
		{"mesh_off", ENTRY("") RULE(OUTLIER), NULL, TO FLAT},
		{"rule_before_mesh_off",
			ENTRY("") RULE(OUTLIER ", " LB("failover: [{from: x, to: y}]")), NULL,
			TO " {1} 198.51.100.1:80*1@0 {1} 198.51.100.2:80*1@1 {1} "
			   "198.51.100.3:80*1@2 {1} 198.51.100.5:80*1@3 {2} 198.51.100.4:80*2@3"},
	};

	cfg.locality = &to_q;
	RTE_TEST_ASSERT_SUCCESS(
		mesh_cases(with_distribute, SL_ARRAY_LEN(with_distribute), &cfg), "distribute");
	cfg.locality = &off;
	return mesh_cases(switched_off, SL_ARRAY_LEN(switched_off), &cfg);
}

// What a policy says beside locality: 0 is unset, defaults are the mesh's.
static int
test_policy(void)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_mesh_policy p;

	RTE_TEST_ASSERT(
		mesh_load(r,
			ENTRY("") RULE("connectionPool: {tcp: {maxConnections: 7, idleTimeout: "
				       "0s, maxConnectionDuration: 1m}}, outlierDetection: "
				       "{minHealthPercent: 40}, portLevelSettings: [{port: "
				       "{number: 81}, connectionPool: {tcp: {connectTimeout: "
				       "2s}}}]"),
			NULL),
		"YAML");
	sl_mesh_update(m, NULL, NULL);
	const struct sl_mesh_service *svc = sl_mesh_find(m, "default", "a.example");

	sl_mesh_policy(m, 0, svc, 80, "", &p);
	SL_TEST_INT(p.pool.max_connections, 7);
	SL_TEST_INT(p.has_idle, true);
	SL_TEST_INT(p.idle_timeout_ns, 0);
	SL_TEST_INT(p.max_duration_ns, 60 * SL_NSEC_PER_SEC);
	SL_TEST_INT(p.connect_timeout_ns, 10 * SL_NSEC_PER_SEC);
	SL_TEST_INT(p.min_health_percent, 40);
	SL_TEST_INT(p.outlier, true);
	sl_mesh_policy(m, 0, svc, 81, "", &p);
	SL_TEST_INT(p.pool.max_connections, 0);
	SL_TEST_INT(p.has_idle, false);
	SL_TEST_INT(p.connect_timeout_ns, 2 * SL_NSEC_PER_SEC);
	SL_TEST_INT(p.outlier, false);
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"localities", test_localities},
		{"health", test_health},
		{"pod_goes", test_pod_goes},
		{"rules", test_rules},
		{"subsets", test_subsets},
		{"no_locality", test_no_locality},
		{"mesh_default", test_mesh_default},
		{"policy", test_policy},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
