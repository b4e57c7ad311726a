// tcp routes of VirtualServices, and which of several claims of one key serves whom.
#include "case.h"
#include "sl_types.h"

#define P80      "ports: [{number: 80, name: p, protocol: TCP}]"
#define HTTP80   "ports: [{number: 80, name: p, protocol: HTTP}]"
#define EP(last) ", endpoints: [{address: 198.51.100." last "}]"
#define FROM     "resolution: STATIC, hosts: [a.example], addresses: "
#define A        SE("a", "{" FROM "[192.0.2.1], " P80 EP("1") "}")
#define A_CIDR   SE("a", "{" FROM "[192.0.2.0/24], " P80 EP("1") "}")
#define A_ANY    SE("a", "{" FROM "[], " P80 EP("1") "}")
// Seen nowhere by itself: what routes go to.
#define B                                                                                          \
	SE("b", "{hosts: [b.example], addresses: [192.0.2.2], resolution: STATIC, ports: "         \
		"[{number: 81, name: p, protocol: TCP}], endpoints: [{address: 198.51.100.2, "     \
		"labels: {v: one}}, {address: 198.51.100.3, labels: {v: two}}]}")
#define B_ITSELF     "; 192.0.2.2/32:81/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0"
#define TO(host)     "{destination: {host: " host "}}"
#define ROUTE(match) "{hosts: [a.example], tcp: [{" match "route: [" TO("b.example") "]}]}"
#define SUBSETS                                                                                    \
	DR("d", "{host: b.example, subsets: [{name: v1, labels: {v: one}}, {name: v2, labels: "    \
		"{v: two}}, {name: v3, labels: {v: three}}]}")

static const struct mesh_case routes[] = {
	{"whole_service", A B VS("v", ROUTE("")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"mesh_and_gateway",
		A B VS("v", "{hosts: [a.example], gateways: [gw, mesh], tcp: [{route: "
			    "[" TO("b.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"match_for_a_gateway_only", A B VS("v", ROUTE("match: [{gateways: [gw]}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"match_port", A B VS("v", ROUTE("match: [{port: 80}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"match_other_port", A B VS("v", ROUTE("match: [{port: 81}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"any_match_of_several", A B VS("v", ROUTE("match: [{port: 81}, {port: 80}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"source_labels", A B VS("v", ROUTE("match: [{sourceLabels: {app: client}}], ")), NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0; "
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"source_namespace", A B VS("v", ROUTE("match: [{sourceNamespace: other}], ")), NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.1:80*1@0; 192.0.2.1/32:80/tcp[2] -> "
		"198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"all_of_a_match",
		A B VS("v", ROUTE("match: [{sourceNamespace: other, sourceLabels: {app: "
				  "client}}], ")),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"first_route_wins",
		A B VS("v", "{hosts: [a.example], tcp: [{match: [{port: 80}], route: "
			    "[" TO("a.example") "]}, {route: [" TO("b.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	// destinationSubnets: on a VIP they say whether it is meant, elsewhere they take its place.
	{"subnet_holds_vip", A B VS("v", ROUTE("match: [{destinationSubnets: [192.0.2.0/30]}], ")),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"subnet_beside_vip",
		A B VS("v", ROUTE("match: [{destinationSubnets: [203.0.113.0/24]}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"longest_subnet_of_a_vip",
		A B VS("v", "{hosts: [a.example], tcp: [{match: [{destinationSubnets: "
			    "[192.0.2.0/24]}], route: [" TO(
				    "b.example") "]}, {match: [{destinationSubnets: [192.0.2.1]}], "
						 "route: "
						 "[" TO("a.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"subnet_of_a_cidr",
		A_CIDR B VS("v", ROUTE("match: [{destinationSubnets: [192.0.2.0/28]}], ")), NULL,
		"192.0.2.0/24:80/tcp[3] -> 198.51.100.1:80*1@0; 192.0.2.0/28:80/tcp[3] -> "
		"198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"subnet_beside_a_cidr",
		A_CIDR B VS("v", ROUTE("match: [{destinationSubnets: [203.0.113.0/24]}], ")), NULL,
		"192.0.2.0/24:80/tcp[3] -> 198.51.100.1:80*1@0; 203.0.113.0/24:80/tcp[3] -> "
		"198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"subnet_of_any_address",
		A_ANY B VS("v", ROUTE("match: [{destinationSubnets: [192.0.2.9/24]}], ")), NULL,
		"0.0.0.0/0:80/tcp[3] -> 198.51.100.1:80*1@0; 192.0.2.0/24:80/tcp[3] -> "
		"198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"ipv6_subnet_takes_nothing",
		A B VS("v", ROUTE("match: [{destinationSubnets: ['2001:db8::/32']}], ")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	// Weights need not be 100; 0 among several is left out; alone it counts as all.
	{"weights",
		A B VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: a.example}, "
			    "weight: 3}, {destination: {host: b.example}, weight: 1}]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> w3: 198.51.100.1:80*1@0 + w1: 198.51.100.2:81*1@0 "
		"198.51.100.3:81*1@0" B_ITSELF},
	{"weight_zero_among_several",
		A B VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: a.example}, "
			    "weight: 0}, {destination: {host: b.example}, weight: 7}]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"weight_zero_alone",
		A B VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: b.example}, "
			    "weight: 0}]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"subsets",
		A B SUBSETS VS("v",
			"{hosts: [a.example], tcp: [{route: [{destination: {host: b.example, "
			"subset: v1}, weight: 1}, {destination: {host: b.example, subset: v2}, "
			"weight: 2}]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> w1: v1: 198.51.100.2:81*1@0 + w2: v2: "
		"198.51.100.3:81*1@0" B_ITSELF},
	{"subset_without_endpoint",
		A B SUBSETS VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: "
				    "b.example, subset: v3}}]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> v3: (no endpoint of b.example has the labels of subset "
		"v3)" B_ITSELF},
	{"subset_unknown",
		A B SUBSETS VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: "
				    "b.example, subset: v9}}]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> v9: (subset v9 of b.example is in no DestinationRule "
		"that applies)" B_ITSELF},
	{"host_unknown", A VS("v", "{hosts: [a.example], tcp: [{route: [" TO("c.example") "]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> (no service of host c.example is visible to the "
		"client)"},
	// A name without dot is of Kubernetes: it never means a ServiceEntry of that host.
	{"host_short",
		A SE("b", "{hosts: [db], addresses: [192.0.2.2], resolution: STATIC, " P80 EP(
				  "2") "}")
			VS("v", "{hosts: [a.example], tcp: [{route: [" TO("db") "]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> (no service of host db is visible to the client); "
		"192.0.2.2/32:80/tcp[3] -> 198.51.100.2:80*1@0"},
	{"host_short_in_full",
		A SE("b", "{hosts: [db.default.svc.cluster.local], addresses: [192.0.2.2], "
			  "resolution: STATIC, " P80 EP("2") "}")
			VS("v", "{hosts: [a.example], tcp: [{route: [" TO("db") "]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0; 192.0.2.2/32:80/tcp[3] -> "
		"198.51.100.2:80*1@0"},
	{"host_seen_by_one",
		A SE("b", "{hosts: [b.example], addresses: [192.0.2.2], exportTo: ['.'], "
			  "resolution: STATIC, " P80 EP("2") "}") VS("v", ROUTE("")),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.2:80*1@0; 192.0.2.1/32:80/tcp[2] -> (no "
		"service of host b.example is visible to the client); 192.0.2.2/32:80/tcp[1] -> "
		"198.51.100.2:80*1@0"},
	{"host_of_each_namespace",
		A SE("b",
			"{hosts: [b.example], addresses: [192.0.2.2], resolution: STATIC, " P80 EP(
				"2") "}") SE_IN("other", "b",
			"{hosts: [b.example], addresses: [192.0.2.2], "
			"resolution: STATIC, " P80 EP("3") "}") VS("v", ROUTE("")),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.2:80*1@0; 192.0.2.1/32:80/tcp[2] -> "
		"198.51.100.3:80*1@0; 192.0.2.2/32:80/tcp[1] -> 198.51.100.2:80*1@0; "
		"192.0.2.2/32:80/tcp[2] -> 198.51.100.3:80*1@0"},
	// Port of the destination: what is written, else the only one there is, else the own one.
	{"port_written",
		A B VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: b.example, "
			    "port: {number: 81}}}]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"port_written_is_not_there",
		A B VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: b.example, "
			    "port: {number: 9}}}]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> (service b.example has no port 9)" B_ITSELF},
	{"port_of_the_listener",
		A SE("b", "{hosts: [b.example], addresses: [192.0.2.2], resolution: STATIC, ports: "
			  "[{number: 81, name: p, protocol: TCP}, {number: 80, name: q, protocol: "
			  "TCP, targetPort: 8080}]" EP("2") "}") VS("v", ROUTE("")),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.2:8080*1@0; 192.0.2.2/32:80/tcp[3] -> "
		"198.51.100.2:8080*1@0; 192.0.2.2/32:81/tcp[3] -> 198.51.100.2:81*1@0"},
	{"to_its_own_destination",
		A SE("b", "{hosts: [b.example], addresses: [192.0.2.2], ports: [{number: 81, name: "
			  "p, protocol: TCP, targetPort: 82}]}") VS("v", ROUTE("")),
		NULL,
		"192.0.2.1/32:80/tcp[3] -> original:82; 192.0.2.2/32:81/tcp[3] -> original:82"},
	// Which VirtualService: exact host before wildcard; own namespace, then exported to it,
	// then public; then the oldest. One without tcp routes is passed over.
	{"exact_host_before_wildcard",
		A B VS("a", "{hosts: ['*.example'], tcp: [{route: [" TO("b.example") "]}]}")
			VS("z", "{hosts: [a.example], tcp: [{route: [" TO("a.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"wildcard_host",
		A B VS("a", "{hosts: ['*.example'], tcp: [{match: [{port: 80}], route: "
			    "[" TO("b.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"own_namespace_first",
		A B VS("a", ROUTE("")) VS_IN("other", "z",
			"{hosts: [a.example], tcp: [{route: [" TO("a.example") "]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0; "
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"exported_before_public",
		A B VS_IN("third", "a", ROUTE("")) VS_IN("third", "z",
			"{hosts: [a.example], exportTo: [other], tcp: [{route: "
			"[" TO("a.example") "]}]}"),
		NULL,
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0; "
		"192.0.2.1/32:80/tcp[2] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"private_to_another_namespace",
		A B VS_IN("third", "a",
			"{hosts: [a.example], exportTo: ['.'], tcp: [{route: "
			"[" TO("b.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"oldest_first",
		A B OBJ("VirtualService", "name: a, creationTimestamp: '2026-02-01T00:00:00Z'",
			ROUTE(""))
			OBJ("VirtualService", "name: b, creationTimestamp: '2026-01-01T00:00:00Z'",
				"{hosts: [a.example], tcp: [{route: [" TO("a.example") "]}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"without_tcp_routes_is_passed_over",
		A B VS("a", "{hosts: [a.example], http: [{route: [" TO("a.example") "]}]}")
			VS("b", ROUTE("")),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"udp_is_not_routed",
		SE("a", "{" FROM "[192.0.2.1], ports: [{number: 80, name: p, protocol: UDP}]" EP(
				"1") "}") B VS("v", ROUTE("")),
		NULL, "192.0.2.1/32:80/udp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"http_is_not_routed_by_tcp",
		SE("a", "{" FROM "[192.0.2.1], " HTTP80 EP("1") "}") B VS("v", ROUTE("")), NULL,
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0" B_ITSELF},
	{"sniffed_is_routed",
		SE("a", "{" FROM "[192.0.2.1], ports: [{number: 80, name: p}]" EP("1") "}")
			B VS("v", ROUTE("")),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	// A service that cannot be served itself is, where a route leads elsewhere.
	{"dns_service_is_served_by_a_route",
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, " P80 "}")
			B VS("v", ROUTE("")),
		NULL, "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:81*1@0 198.51.100.3:81*1@0" B_ITSELF},
	{"route_to_dns_service",
		A SE("b", "{hosts: [b.example], addresses: [192.0.2.2], resolution: DNS, " P80 "}")
			VS("v", ROUTE("")),
		"b.example=198.51.100.9?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.9:80*1@0; 192.0.2.2/32:80/tcp[3] -> "
		"198.51.100.9:80*1@0"},
};

#define WEB(name, host, more, last)                                                                \
	SE(name, "{resolution: STATIC, hosts: [" host "], " more ", " HTTP80 EP(last) "}")
#define RAW(name, host, more, last)                                                                \
	SE(name, "{resolution: STATIC, hosts: [" host "], " more ", " P80 EP(last) "}")

static const struct mesh_case claims[] = {
	{"service_order_by_age",
		RAW("a", "a.example", "addresses: [192.0.2.1]", "1")
			RAW("b, creationTimestamp: '1999-01-01T00:00:00Z'", "b.example",
				"addresses: [192.0.2.1]", "2"),
		"settled", "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"service_order_by_age_of_both",
		RAW("a, creationTimestamp: '2001-01-01T00:00:00Z'", "a.example",
			"addresses: [192.0.2.1]", "1")
			RAW("b, creationTimestamp: '1999-01-01T00:00:00Z'", "b.example",
				"addresses: [192.0.2.1]", "2"),
		"settled", "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0"},
	{"service_order_by_host",
		RAW("a", "b.example", "addresses: [192.0.2.1]", "1")
			RAW("b", "a.example", "addresses: [192.0.2.1]", "2"),
		"settled", "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0"},
	{"second_serves_who_does_not_see_the_first",
		RAW("a", "a.example", "addresses: [192.0.2.1], exportTo: ['.']", "1")
			RAW("b", "b.example", "addresses: [192.0.2.1]", "2"),
		"settled",
		"192.0.2.1/32:80/tcp[1] -> 198.51.100.1:80*1@0; 192.0.2.1/32:80/tcp[2] -> "
		"198.51.100.2:80*1@0"},
	{"udp_and_tcp_do_not_meet",
		RAW("a", "a.example", "addresses: [192.0.2.1]", "1")
			SE("b", "{resolution: STATIC, hosts: [b.example], addresses: [192.0.2.1], "
				"ports: [{number: 80, name: p, protocol: UDP}]" EP("2") "}"),
		"settled",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0; 192.0.2.1/32:80/udp[3] -> "
		"198.51.100.2:80*1@0"},
	{"by_name_alone", WEB("a", "a.example", "addresses: []", "1"), "settled",
		"0.0.0.0/0:80/tcp[3]~ -> 198.51.100.1:80*1@0"},
	{"by_name_ambiguous",
		WEB("a", "a.example", "addresses: []", "1")
			WEB("b", "b.example", "addresses: []", "2"),
		"settled", ""},
	{"by_name_ambiguous_on_a_cidr",
		WEB("a", "a.example", "addresses: [192.0.2.0/24]", "1")
			WEB("b", "b.example", "addresses: [192.0.2.0/24]", "2"),
		"settled", ""},
	{"by_name_longer_cidr_is_no_conflict",
		WEB("a", "a.example", "addresses: [192.0.2.0/24]", "1")
			WEB("b", "b.example", "addresses: [192.0.2.0/28]", "2"),
		"0 192.0.2.1:80", "forward default/b.example 198.51.100.2:80"},
	{"by_name_same_endpoints", WEB("a", "a.example, b.example", "addresses: []", "1"),
		"settled", "0.0.0.0/0:80/tcp[3]~ -> 198.51.100.1:80*1@0"},
	{"by_name_ambiguous_for_one",
		WEB("a", "a.example", "exportTo: ['.']", "1")
			WEB("b", "b.example", "addresses: []", "2"),
		"settled", "0.0.0.0/0:80/tcp[2]~ -> 198.51.100.2:80*1@0"},
	{"by_name_behind_tcp",
		WEB("a", "a.example", "addresses: []", "1")
			RAW("b", "b.example", "addresses: []", "2"),
		"settled", "0.0.0.0/0:80/tcp[3] -> 198.51.100.2:80*1@0"},
	{"by_name_for_who_does_not_see_the_tcp",
		WEB("a", "a.example", "addresses: []", "1")
			RAW("b", "b.example", "exportTo: ['.']", "2"),
		"settled",
		"0.0.0.0/0:80/tcp[1] -> 198.51.100.2:80*1@0; 0.0.0.0/0:80/tcp[2]~ -> "
		"198.51.100.1:80*1@0"},
	{"on_a_vip_the_first_wins",
		WEB("a", "b.example", "addresses: [192.0.2.1]", "1")
			WEB("b", "a.example", "addresses: [192.0.2.1]", "2"),
		"settled", "192.0.2.1/32:80/tcp[3] -> 198.51.100.2:80*1@0"},
};

static int
test_routes(void)
{
	return mesh_cases(routes, SL_ARRAY_LEN(routes), two_clients());
}

static int
test_claims(void)
{
	return mesh_cases(claims, SL_ARRAY_LEN(claims), two_clients());
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"routes", test_routes}, {"claims", test_claims}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
