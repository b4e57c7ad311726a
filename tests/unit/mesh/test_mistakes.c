// The fifteen mistakes of istio-semantics 6, as far as a gateway that reads addresses and ports can
// make them: rows mistake_1_... to mistake_15_... A number without L4 row says why below.
#include "case.h"
#include "sl_types.h"

#define BASE "hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, "
#define P80  "ports: [{number: 80, name: p, protocol: TCP}]"
#define EP1  ", endpoints: [{address: 198.51.100.1}]}"
#define EP2  ", endpoints: [{address: 198.51.100.2}]}"
#define TWO_PLACES                                                                                 \
	", endpoints: [{address: 198.51.100.2, locality: far}, {address: 198.51.100.1, "           \
	"locality: r/z}]}"

static const struct mesh_case rows[] = {
	// 1: NONE keeps the destination that the client dialled; targetPort rewrites its port. The
	// host is never resolved, and endpoints of a selector are not used.
	{"mistake_1_none_keeps_destination",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], " P80 "}"), NULL,
		"192.0.2.0/24:80/tcp[3] -> original:0"},
	{"mistake_1_none_target_port",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], ports: [{number: 80, "
			"name: p, protocol: TCP, targetPort: 8080}]}"),
		NULL, "192.0.2.0/24:80/tcp[3] -> original:8080"},
	{"mistake_1_none_selector",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], " P80
			", workloadSelector: {labels: {app: x}}}")
			WE("w", "{app: x}", "{address: 198.51.100.1}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> original:0"},
	// 2: a VirtualService of a gateway is not the mesh's; a short gateway name is in the
	// VirtualService's namespace. (Listeners of gateways are L7's.)
	{"mistake_2_gateway_route_is_not_for_the_mesh",
		SE("a", "{" BASE P80 EP1)
			VS("v", "{hosts: [a.example], gateways: [gw], tcp: [{route: [{destination: "
				"{host: b.example}}]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_2_short_gateway_name",
		OBJ("Gateway", "name: gw, namespace: other",
			"{servers: [{port: {number: 80, name: p, protocol: TCP}, hosts: ['*']}]}")
			SE("a", "{" BASE P80 EP1)
				VS("v", "{hosts: [a.example], gateways: [gw], tcp: [{route: "
					"[{destination: {host: a.example}}]}]}"),
		"findings", "M2 VirtualService default/v spec.gateways[0]"},
	{"mistake_2_gateway_name_with_namespace",
		OBJ("Gateway", "name: gw, namespace: other",
			"{servers: [{port: {number: 80, name: p, protocol: TCP}, hosts: ['*']}]}")
			SE("a", "{" BASE P80 EP1)
				VS("v", "{hosts: [a.example], gateways: [other/gw], tcp: [{route: "
					"[{destination: {host: a.example}}]}]}"),
		"findings", ""},
	// 3: HTTPS is bytes that pass; a rule with tls does not change where they go. (Origination,
	// SNI and SANs are L7's.)
	{"mistake_3_https_passes",
		SE("a", "{" BASE "ports: [{number: 443, name: p, protocol: HTTPS}]" EP1)
			DR("d", "{host: a.example, trafficPolicy: {tls: {mode: SIMPLE}}}"),
		NULL, "192.0.2.1/32:443/tcp[3] -> 198.51.100.1:443*1@0"},
	// 4: the address decides before any name; TCP without VIP takes the whole port; the first
	// of equal addresses wins.
	{"mistake_4_any_address", SE("a", "{hosts: [a.example], resolution: STATIC, " P80 EP1),
		NULL, "0.0.0.0/0:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_4_vip_before_any",
		SE("a", "{hosts: [a.example], resolution: STATIC, " P80 EP1) SE("b",
			"{hosts: [b.example], addresses: [192.0.2.1], resolution: STATIC, " P80
				EP2),
		"0 192.0.2.1:80", "forward default/b.example 198.51.100.2:80"},
	{"mistake_4_other_address_of_the_port",
		SE("a", "{hosts: [a.example], resolution: STATIC, " P80 EP1) SE("b",
			"{hosts: [b.example], addresses: [192.0.2.1], resolution: STATIC, " P80
				EP2),
		"0 203.0.113.9:80", "forward default/a.example 198.51.100.1:80"},
	{"mistake_4_same_masked_cidr_first_wins",
		SE("a", "{hosts: [b.example], addresses: [192.0.2.7/24], resolution: STATIC, " P80
				EP1) SE("b",
			"{hosts: [a.example], addresses: [192.0.2.0/24], resolution: STATIC, " P80
				EP2),
		"0 192.0.2.9:80", "forward default/a.example 198.51.100.2:80"},
	{"mistake_4_longest_cidr",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], resolution: STATIC, " P80
				EP1) SE("b",
			"{hosts: [b.example], addresses: [192.0.2.0/28], resolution: STATIC, " P80
				EP2),
		"0 192.0.2.9:80", "forward default/b.example 198.51.100.2:80"},
	{"mistake_4_vip_whatever_the_name",
		SE("a", "{hosts: [b.example], addresses: [192.0.2.1], resolution: STATIC, ports: "
			"[{number: 443, name: p, protocol: TLS}]" EP1) SE("b",
			"{hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, ports: "
			"[{number: 443, name: p, protocol: TLS}]" EP2),
		"settled", "192.0.2.1/32:443/tcp[3] -> 198.51.100.2:443*1@0"},
	// 5: locality does nothing without outlierDetection; no panic: all unhealthy is a refusal.
	// (Ejection and its 10 % are of health checking, which the gateway does not do yet.)
	{"mistake_5_locality_alone", SE("a", "{" BASE P80 TWO_PLACES), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_5_failover_alone",
		SE("a", "{" BASE P80 TWO_PLACES) DR("d",
			"{host: a.example, trafficPolicy: {loadBalancer: {localityLbSetting: "
			"{failover: [{from: r, to: far}]}}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_5_with_outlier_detection",
		SE("a", "{" BASE P80 TWO_PLACES)
			DR("d", "{host: a.example, trafficPolicy: {outlierDetection: "
				"{consecutive5xxErrors: 3}}}"),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.1:80*1@0 198.51.100.2:80*1@1; "
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_5_no_panic",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}") POD(
			"name: p, labels: {app: x}",
			"{podIP: 198.51.100.1, phase: Running, conditions: [{type: Ready, status: "
			"'False'}]}"),
		"0 192.0.2.1:80",
		"deny: 192.0.2.1 port 80 belongs to default/a.example: every endpoint is "
		"unhealthy 198.51.100.1:80"},
	// 6, 7: what DNS answers do; more of it in test_names.c.
	{"mistake_6_dns_is_not_guessed",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, " P80 "}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> (pending)"},
	{"mistake_6_no_such_name_empties_it",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, " P80 "}"),
		"a.example!?",
		"192.0.2.1/32:80/tcp[3] -> (DNS has no address for a.example: there is no such "
		"name)"},
	{"mistake_7_dns_has_every_address",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, " P80 "}"),
		"a.example=198.51.100.2,198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:80*1@0"},
	{"mistake_7_dns_round_robin_has_the_first",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: "
			"DNS_ROUND_ROBIN, " P80 "}"),
		"a.example=198.51.100.2,198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0"},
	// 8: unix > endpoint.ports[name] > targetPort > number; pooled ones line up by port name.
	{"mistake_8_port_precedence",
		SE("a", "{" BASE "ports: [{number: 80, name: p, protocol: TCP, targetPort: 81}], "
			"endpoints: [{address: 198.51.100.1}, {address: 198.51.100.2, ports: {p: "
			"82}}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:81*1@0 198.51.100.2:82*1@0"},
	{"mistake_8_number_when_nothing_else",
		SE("a", "{" BASE "ports: [{number: 80, name: p, protocol: TCP}, {number: 90, name: "
			"q, protocol: TCP}], endpoints: [{address: 198.51.100.1, ports: {p: "
			"82}}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:82*1@0; 192.0.2.1/32:90/tcp[3] -> "
		"198.51.100.1:90*1@0"},
	{"mistake_8_static_lines_up_by_name",
		SE("a", "{" BASE P80 EP1) SE("b",
			"{hosts: [a.example], resolution: STATIC, ports: [{number: 81, name: p, "
			"protocol: TCP, targetPort: 8081}, {number: 80, name: q, protocol: "
			"TCP}]" EP2),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:8081*1@0; "
		"192.0.2.1/32:81/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:8081*1@0"},
	{"mistake_8_unix_has_no_port",
		SE("a", "{" BASE P80 ", endpoints: [{address: 'unix:///run/x'}]}"), "services",
		"default/a.example[3] (an endpoint on a Unix socket)"},
	{"mistake_8_addresses_are_no_endpoints", SE("a", "{" BASE P80 "}"), NULL,
		"192.0.2.1/32:80/tcp[3] -> (a.example has no endpoint on port 80)"},
	// 9: no resolution is NONE, no location is MESH_EXTERNAL; location does not route.
	{"mistake_9_default_resolution",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], " P80 "}"), NULL,
		"192.0.2.1/32:80/tcp[3] -> original:0"},
	{"mistake_9_location_routes_nothing", SE("a", "{" BASE "location: MESH_INTERNAL, " P80 EP1),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	// 10: same namespace: endpoints pooled, the rest is the oldest's. Different namespaces
	// never
	// merge; the own one first, then service order.
	{"mistake_10_pooled",
		SE("a", "{" BASE P80 EP1)
			SE("b", "{hosts: [a.example], resolution: STATIC, " P80 EP2),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:80*1@0"},
	{"mistake_10_oldest_decides",
		OBJ("ServiceEntry", "name: a, creationTimestamp: '2026-02-01T00:00:00Z'",
			"{hosts: [a.example], addresses: [192.0.2.2], resolution: STATIC, "
			"exportTo: ['.'], " P80 EP1) OBJ("ServiceEntry",
			"name: b, creationTimestamp: '2026-01-01T00:00:00Z'", "{" BASE P80 EP2),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_10_ports_not_joined_when_they_disagree",
		SE("a", "{" BASE P80 EP1)
			SE("b", "{hosts: [a.example], resolution: STATIC, exportTo: ['.'], ports: "
				"[{number: 90, name: q, protocol: TCP}]" EP2),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_10_namespaces_never_merge",
		SE("a", "{" BASE P80 EP1) SE_IN("other", "a", "{" BASE P80 EP2), NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.1:80*1@0; 192.0.2.1/32:80/tcp[2] -> "
		"198.51.100.2:80*1@0"},
	{"mistake_10_visibility_picks",
		SE("a", "{" BASE "exportTo: ['.'], " P80 EP1) SE_IN("third", "a", "{" BASE P80 EP2),
		"services", "default/a.example[1]; third/a.example[2]"},
	{"mistake_10_exported_to_nobody", SE("a", "{" BASE "exportTo: ['~'], " P80 EP1), "services",
		"default/a.example[0] (it is exported to nobody)"},
	// 11: a wildcard excludes the bare name, spans several labels, the longest suffix wins.
	// (Names in the traffic are L7's: here it is the hosts of rules and routes.)
	{"mistake_11_wildcard_excludes_bare_name",
		SE("a", "{" BASE P80 EP1)
			DR("d", "{host: '*.a.example', trafficPolicy: {loadBalancer: {simple: "
				"PASSTHROUGH}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_11_wildcard_spans_labels",
		SE("a", "{hosts: [x.y.a.example], addresses: [192.0.2.1], resolution: STATIC, " P80
				EP1)
			DR("d", "{host: '*.example', trafficPolicy: {loadBalancer: {simple: "
				"PASSTHROUGH}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> original:0"},
	{"mistake_11_longest_suffix",
		SE("a", "{hosts: [x.a.example], addresses: [192.0.2.1], resolution: STATIC, " P80
				EP1) DR("a",
			"{host: '*.example', trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}")
			DR("b", "{host: '*.a.example', trafficPolicy: {loadBalancer: {simple: "
				"RANDOM}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	// 12: the DNS proxy belongs to the issue "Names": nothing answers names here.
	// 13: own namespace, the service's, the root one, first hit wins; an entry of
	// portLevelSettings replaces; subsets of one namespace merge.
	{"mistake_13_rule",
		SE("a", "{" BASE P80 EP1) DR("a",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> original:0"},
	{"mistake_13_own_namespace_hides_the_service_s",
		SE("a", "{" BASE P80 EP1) DR("a",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}")
			DR_IN("other", "b",
				"{host: '*.example', trafficPolicy: {connectionPool: {tcp: "
				"{maxConnections: 1}}}}"),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> original:0; 192.0.2.1/32:80/tcp[2] -> "
		"198.51.100.1:80*1@0"},
	{"mistake_13_root_namespace_last",
		SE("a", "{" BASE P80 EP1) DR_IN("istio-system", "a",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> original:0"},
	{"mistake_13_unrelated_namespace",
		SE("a", "{" BASE P80 EP1) DR_IN("third", "a",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_13_port_level_replaces",
		SE("a", "{" BASE P80 TWO_PLACES) DR("a",
			"{host: a.example, trafficPolicy: {outlierDetection: {interval: 1s}, "
			"portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: "
			"{maxConnections: 9}}}]}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	// 14: own namespace only; an empty selector takes everything; metadata labels override;
	// names and Unix sockets are for DNS only; address-less ones need a network gateway.
	{"mistake_14_metadata_wins",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}")
			WE("w1", "{app: x}", "{address: 198.51.100.1, labels: {app: y}}")
				WE("w2", "{app: y}", "{address: 198.51.100.2, labels: {app: x}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"mistake_14_empty_selects_all",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {}}}")
			WE("w1", "{app: x}", "{address: 198.51.100.1}")
				POD("name: p", "{podIP: 198.51.100.2, phase: Running}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0 198.51.100.1:80*1@0"},
	{"mistake_14_own_namespace",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}") OBJ("WorkloadEntry",
			"name: w, namespace: other, labels: {app: x}", "{address: 198.51.100.1}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> (a.example has no endpoint on port 80)"},
	{"mistake_14_names_are_not_for_static",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}") WE("w1", "{app: x}",
			"{address: b.example}") WE("w2", "{app: x}", "{address: 'unix:///run/x'}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> (a.example has no endpoint on port 80)"},
	{"mistake_14_address_less",
		SE("a", "{" BASE P80 ", workloadSelector: {labels: {app: x}}}")
			WE("w1", "{app: x}", "{network: n2}"),
		"services",
		"default/a.example[3] (an endpoint that is reached through another "
		"network)"},
	{"mistake_14_dns_never_falls_back",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, " P80
			", workloadSelector: {labels: {app: x}}}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> (a.example has no endpoint on port 80)"},
	// 15: no endpoints and no ports are legal; an empty list of endpoints with NONE is not.
	{"mistake_15_static_without_endpoints_refuses", SE("a", "{" BASE P80 "}"), "0 192.0.2.1:80",
		"deny: 192.0.2.1 port 80 belongs to default/a.example: a.example has no "
		"endpoint on port 80"},
	{"mistake_15_no_ports", SE("a", "{hosts: [a.example]}"), "services",
		"default/a.example[3] (no ports)"},
	{"mistake_15_empty_endpoints_with_none",
		SE("a", "{hosts: [a.example], " P80 ", endpoints: []}"), "errors", "C4"},
	{"mistake_15_several_hosts_on_a_sniffed_port",
		SE("a", "{hosts: [a.example, b.example], addresses: [192.0.2.1], resolution: "
			"STATIC, ports: [{number: 80, name: p}]" EP1),
		"errors", "S34"},
	{"mistake_15_target_port_zero",
		SE("a", "{" BASE
			"ports: [{number: 80, name: p, protocol: TCP, targetPort: 0}]" EP1),
		"errors", "C8"},
};

static int
test_mistakes(void)
{
	return mesh_cases(rows, SL_ARRAY_LEN(rows), two_clients());
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"mistakes", test_mistakes}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
