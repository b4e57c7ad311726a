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
	return mesh_cases(rows, SL_ARRAY_LEN(rows), two_clients());
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"bindings", test_bindings}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
