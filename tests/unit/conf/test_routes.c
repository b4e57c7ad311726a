// VirtualServices and Gateways as they are read: what is kept of routes and servers; the parts that
// the rules stand on; and that none of it is quadratic.
#include "../../../lib/conf/regex.h"
#include "../../../lib/conf/text_set.h"
#include "test_conf.h"

#define VS                                                                                         \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n"                               \
	"metadata: {name: web, namespace: shop}\nspec:\n"
#define GW                                                                                         \
	"apiVersion: networking.istio.io/v1\nkind: Gateway\n"                                      \
	"metadata: {name: edge, namespace: infra}\nspec:\n"
#define TO "route: [{destination: {host: web.example.com}}]"

// ---- what is kept ----

static const char everything[] =
	VS "  hosts: [web.example.com, \"*.example.org\"]\n"
	   "  gateways: [mesh, infra/edge]\n"
	   "  exportTo: [., infra]\n"
	   "  tcp:\n"
	   "  - match:\n"
	   "    - destinationSubnets: [192.0.2.9/24, \"2001:db8::1\"]\n"
	   "      port: 443\n"
	   "      sourceLabels: {app: client, tier: \"\"}\n"
	   "      gateways: [mesh]\n"
	   "      sourceNamespace: shop\n"
	   "    - {port: 80, sourceNamespace: \"\"}\n"
	   "    route:\n"
	   "    - {destination: {host: web, subset: v1, port: {number: 8080}}, weight: 30}\n"
	   "    - {destination: {host: other.example.com, subset: \"\"}}\n"
	   "  - route: [{destination: {host: last.example.com}, weight: 0}]\n"
	   "  tls:\n"
	   "  - match: [{sniHosts: [web.example.com, a.example.org], port: 8443}]\n"
	   "    route: [{destination: {host: web.example.com}}]\n";

static int
check_first_tcp(const struct sl_vs_route *route)
{
	const struct sl_vs_match *m = route->match;
	char text[SL_PREFIX_STRLEN];

	SL_TEST_INT(route->loc.line, 9);
	SL_TEST_INT(route->n_match, 2);
	SL_TEST_INT(m->loc.line, 10);
	SL_TEST_INT(m->n_subnets, 2);
	SL_TEST_STR(m->subnets[0].text, "192.0.2.9/24");
	SL_TEST_STR(sl_prefix_str(&m->subnets[0].prefix, text), "192.0.2.0/24");
	SL_TEST_INT(m->subnets[1].prefix.len, 128);
	SL_TEST_INT(m->port, 443);
	SL_TEST_INT(m->n_source_labels, 2);
	SL_TEST_STR(m->source_labels[0].key, "app");
	SL_TEST_STR(m->source_labels[0].value, "client");
	SL_TEST_STR(m->source_labels[1].value, "");
	SL_TEST_INT(m->n_gateways, 1);
	SL_TEST_STR(m->gateways[0], "mesh");
	SL_TEST_STR(m->source_namespace, "shop");
	SL_TEST_INT(m->n_sni_hosts, 0);
	SL_TEST_INT(m[1].port, 80);
	SL_TEST_INT(m[1].n_subnets, 0);
	RTE_TEST_ASSERT_NULL(m[1].source_namespace, "an empty namespace is none");
	SL_TEST_INT(route->n_to, 2);
	SL_TEST_STR(route->to[0].host, "web");
	SL_TEST_STR(route->to[0].subset, "v1");
	SL_TEST_INT(route->to[0].port, 8080);
	SL_TEST_INT(route->to[0].weight, 30);
	SL_TEST_INT(route->to[0].has_weight, true);
	SL_TEST_INT(route->to[1].loc.line, 18);
	RTE_TEST_ASSERT_NULL(route->to[1].subset, "an empty subset is none");
	SL_TEST_INT(route->to[1].port, 0);
	SL_TEST_INT(route->to[1].has_weight, false);
	return TEST_SUCCESS;
}

int
test_virtual_service(void)
{
	struct sl_object *obj = read_one(everything);

	RTE_TEST_ASSERT_NOT_NULL(obj, "it is read");
	SL_TEST_INT(obj->vs.n_hosts, 2);
	SL_TEST_STR(obj->vs.hosts[1], "*.example.org");
	SL_TEST_INT(obj->vs.n_gateways, 2);
	SL_TEST_STR(obj->vs.gateways[1], "infra/edge");
	SL_TEST_INT(obj->vs.n_export_to, 2);
	SL_TEST_STR(obj->vs.export_to[0], ".");
	SL_TEST_INT(obj->vs.n_tcp, 2);
	RTE_TEST_ASSERT_SUCCESS(check_first_tcp(&obj->vs.tcp[0]), "tcp[0]");
	SL_TEST_INT(obj->vs.tcp[1].n_match, 0);
	SL_TEST_INT(obj->vs.tcp[1].to[0].weight, 0);
	SL_TEST_INT(obj->vs.tcp[1].to[0].has_weight, true);
	SL_TEST_INT(obj->vs.n_tls, 1);
	SL_TEST_INT(obj->vs.tls[0].match[0].n_sni_hosts, 2);
	SL_TEST_STR(obj->vs.tls[0].match[0].sni_hosts[1], "a.example.org");
	SL_TEST_INT(obj->vs.tls[0].match[0].port, 8443);
	SL_TEST_STR(obj->vs.tls[0].to[0].host, "web.example.com");
	sl_object_free(obj);
	return TEST_SUCCESS;
}

int
test_gateway(void)
{
	static const char text[] = GW
		"  selector: {istio: egressgateway}\n"
		"  servers:\n"
		"  - {port: {number: 443, name: tls, protocol: https}, hosts: [\"*/*\"], tls: {}}\n"
		"  - port: {number: 0, name: local, protocol: Tcp}\n"
		"    bind: unix:///run/edge.sock\n"
		"    hosts: [web.example.com, infra/a.example.com]\n";
	struct sl_object *obj = read_one(text);
	const struct sl_gw_server *s;

	RTE_TEST_ASSERT_NOT_NULL(obj, "it is read");
	s = obj->gw.servers;
	SL_TEST_INT(obj->gw.n_selector, 1);
	SL_TEST_STR(obj->gw.selector[0].value, "egressgateway");
	SL_TEST_INT(obj->gw.n_servers, 2);
	SL_TEST_INT(s[0].port, 443);
	SL_TEST_STR(s[0].protocol, "HTTPS");
	SL_TEST_STR(s[0].port_name, "tls");
	SL_TEST_STR(s[0].hosts[0], "*/*");
	SL_TEST_INT(s[0].loc.line, 7);
	SL_TEST_INT(s[1].port, 0);
	SL_TEST_STR(s[1].protocol, "TCP");
	SL_TEST_INT(s[1].n_hosts, 2);
	SL_TEST_STR(s[1].hosts[1], "infra/a.example.com");
	sl_object_free(obj);
	return TEST_SUCCESS;
}

// ---- regular expressions ----

int
test_regex(void)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{"", true},
		{"/a/.*", true},
		{"^(a|b)+?$", true},
		{"(?i)abc", true},
		{"(?i:abc)d", true},
		{"(?P<name>a)(?<other>b)", true},
		{"[]a]", true},
		{"[^]a]", true},
		{"[a-z0-9_.-]+", true},
		{"[[:alpha:]]", true},
		{"[\\]-a]", true},
		{"a{3}", true},
		{"a{3,}", true},
		{"a{3,5}?", true},
		{"a{1000}", true},
		{"a{", true},
		{"a{,5}", true},
		{"\\d\\w\\s\\b\\.\\pL\\x41", true},
		{"\\12", true}, // octal
		{"\\Q(\\E)?", false},
		{"\\Q(*", true},
		{"\\Qa\\E+", true},
		{"()*", true},
		{"(|a)", true},
		{"(", false},
		{")", false},
		{"a)b(", false},
		{"[a", false},
		{"[a\\]", false},
		{"[z-a]", false},
		{"*", false},
		{"a**", false},
		{"a+*", false},
		{"a++", false},
		{"a|*", false},
		{"(?i)*", false},
		{"(+a)", false},
		{"a{1001}", false},
		{"a{5,3}", false},
		{"a{2}{3}", false},
		{"{2}", false},
		{"a\\", false},
		{"(a)\\1", false},
		{"\\8", false},
		{"\\y", false},
		{"(?=a)", false},
		{"(?!a)", false},
		{"(?<=a)", false},
		{"(?<!a)", false},
		{"(?>a)", false},
		{"(?P=name)", false},
		{"(?P<>a)", false},
		{"(?P<a-b>a)", false},
		{"(?P<name", false},
		{"(?x)a", false},
		{"(?", false},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const char *expected = check_regex(rows[i].text);

		RTE_TEST_ASSERT((expected == NULL) == rows[i].ok, "%s: %s", rows[i].text,
			expected ? expected : "accepted");
	}
	return TEST_SUCCESS;
}

// ---- sets of texts ----

int
test_text_set(void)
{
	static const char *const texts[] = {"/b", "/bc", "", "/b"};
	struct text_set s = {0};
	char many[1000][8];
	uint32_t n = 99;

	RTE_TEST_ASSERT(!text_set_has_prefix_of(&s, "/b", &n), "an empty set has none");
	RTE_TEST_ASSERT(!text_set_add(&s, texts[1], 1, &n), "it was not there");
	RTE_TEST_ASSERT(!text_set_has_prefix_of(&s, "/b", &n), "too long");
	RTE_TEST_ASSERT(text_set_has_prefix_of(&s, "/bcd", &n), "a beginning");
	SL_TEST_INT(n, 1);
	RTE_TEST_ASSERT(!text_set_add(&s, texts[0], 2, &n), "it was not there");
	RTE_TEST_ASSERT(text_set_add(&s, texts[3], 3, &n), "it was there");
	SL_TEST_INT(n, 2);
	RTE_TEST_ASSERT(text_set_has_prefix_of(&s, "/bcd", &n), "the shortest of two");
	SL_TEST_INT(n, 2);
	RTE_TEST_ASSERT(!text_set_has_prefix_of(&s, "/", &n), "too long");
	RTE_TEST_ASSERT(!text_set_add(&s, texts[2], 4, &n), "it was not there");
	RTE_TEST_ASSERT(text_set_has_prefix_of(&s, "x", &n), "everything begins with nothing");
	SL_TEST_INT(n, 4);
	for (uint32_t i = 0; i < SL_ARRAY_LEN(many); i++) {
		snprintf(many[i], sizeof(many[i]), "t%u", i);
		RTE_TEST_ASSERT(!text_set_add(&s, many[i], i, &n), "%s", many[i]);
	}
	for (uint32_t i = 0; i < SL_ARRAY_LEN(many); i++) {
		RTE_TEST_ASSERT(text_set_add(&s, many[i], 0, &n), "%s", many[i]);
		SL_TEST_INT(n, i);
	}
	text_set_fini(&s);
	return TEST_SUCCESS;
}

// ---- large objects ----

static int
check_large(struct sl_buf *text, size_t errors, const char *want)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	bool found = false;

	sl_conf_objects(text->data, text->len, "f.yaml", SL_ORIGIN_FILE, &objects, &diags);
	for (size_t i = 0; i < diags.n; i++)
		found = found || strstr(diags.v[i].message, want);
	SL_TEST_INT(diags.errors, errors);
	RTE_TEST_ASSERT(found, "expected \"%s\", first is: %s", want, first_diag(&diags));
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	sl_buf_fini(text);
	return TEST_SUCCESS;
}

// Each pair of 100,000 would take minutes.
int
test_routes_are_linear(void)
{
	struct sl_buf text = {0};

	sl_buf_puts(&text, VS "  hosts:\n");
	for (int i = 0; i < 100000; i++)
		sl_buf_printf(&text, "  - h%d.example.com\n", i);
	sl_buf_puts(&text, "  - \"*.h7.example.com\"\n  - h9.example.com\n  tls:\n");
	for (int i = 0; i < 20000; i++)
		sl_buf_printf(&text, "  - {match: [{sniHosts: [h%d.example.com]}], " TO "}\n", i);
	RTE_TEST_ASSERT_SUCCESS(
		check_large(&text, 1, "\"h9.example.com\" overlaps hosts[9]"), "hosts");

	sl_buf_puts(&text, VS "  hosts: [web.example.com]\n  tcp:\n");
	for (int i = 0; i < 100000; i++)
		sl_buf_printf(&text, "  - {match: [{sourceLabels: {n: v%d}}], " TO "}\n", i);
	sl_buf_puts(&text, "  - {match: [{sourceLabels: {n: v7}}], " TO "}\n");
	RTE_TEST_ASSERT_SUCCESS(check_large(&text, 0, "route 7 has the same match"), "tcp");

	sl_buf_puts(&text, VS "  hosts: [web.example.com]\n  http:\n");
	for (int i = 0; i < 100000; i++)
		sl_buf_printf(&text, "  - {match: [{uri: {prefix: /n%d/}}], " TO "}\n", i);
	sl_buf_puts(&text, "  - {match: [{uri: {prefix: /n7/a}}], " TO "}\n");
	RTE_TEST_ASSERT_SUCCESS(check_large(&text, 0, "route 7 takes a shorter prefix"), "http");
	return TEST_SUCCESS;
}

// V17: too large for a file among the tests.
int
test_direct_response_body(void)
{
	static const struct {
		const char *key;
		size_t n;
		const char *tail, *want;
		size_t errors;
	} rows[] = {
		{"string", 102400, "", "HTTP routing is not served yet", 0},
		{"string", 102401, "", "102401 bytes: a body above 102400", 0},
		{"string", 1048576, "", "1048576 bytes: a body above 102400", 0},
		{"string", 1048577, "", "1048577 bytes, expected at most 1048576", 1},
		// 1398102 digits are 1048576 bytes and 4 bits
		{"bytes", 1398102, "==", "1048576 bytes: a body above 102400", 0},
		{"bytes", 1398103, "=", "1048577 bytes, expected at most 1048576", 1},
		{"bytes", 5, "", "is not base64", 1},
		{"bytes", 4, "===", "is not base64", 1},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_buf text = {0};

		sl_buf_printf(&text,
			VS "  hosts: [web.example.com]\n"
			   "  http: [{directResponse: {status: 200, body: {%s: \"",
			rows[i].key);
		for (size_t k = 0; k < rows[i].n; k++)
			sl_buf_putc(&text, 'a');
		sl_buf_printf(&text, "%s\"}}}]\n", rows[i].tail);
		RTE_TEST_ASSERT_SUCCESS(
			check_large(&text, rows[i].errors, rows[i].want), "row %zu", i);
	}
	return TEST_SUCCESS;
}
