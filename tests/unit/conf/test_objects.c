#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_conf.h"

#define HEAD(name)                                                                                 \
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name "}\n"
// More of metadata may follow.
#define OPEN_HEAD "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: web\n"
#define SPEC                                                                                       \
	"spec:\n  hosts: [web.example.com]\n  addresses: [192.0.2.80]\n"                           \
	"  ports: [{number: 80, name: http}]\n  resolution: STATIC\n"

struct read {
	struct sl_objects objects;
	struct sl_diags diags;
	size_t errors;
};

static struct read
read_text(const char *text)
{
	struct read r = {0};

	r.errors = sl_conf_objects(
		text, strlen(text), "f.yaml", SL_ORIGIN_SOCKET, &r.objects, &r.diags);
	return r;
}

static void
read_fini(struct read *r)
{
	sl_objects_fini(&r->objects);
	sl_diags_fini(&r->diags);
}

// The JSON of the one object in text; the caller frees it.
static char *
json_of(const char *text)
{
	struct read r = read_text(text);
	char *json = NULL;

	if (r.objects.n == 1)
		json = sl_xstrdup(r.objects.v[0]->json);
	else
		printf("# %zu objects: %s\n", r.objects.n, first_diag(&r.diags));
	read_fini(&r);
	return json;
}

int
test_service_entry(void)
{
	struct read r =
		read_text("apiVersion: networking.istio.io/v1beta1\n"
			  "kind: ServiceEntry\n"
			  "metadata:\n"
			  "  name: web\n"
			  "  namespace: shop\n"
			  "  labels: {app: web}\n"
			  "  annotations: {example.com/note: \"a: b\"}\n"
			  "spec:\n"
			  "  hosts: [web.example.com]\n"
			  "  addresses: [192.0.2.80, 203.0.113.7/24]\n"
			  "  ports:\n"
			  "  - {number: 80, name: http, protocol: grpc-web, targetPort: 8080}\n"
			  "  - {number: 81, name: b}\n"
			  "  location: MESH_INTERNAL\n"
			  "  resolution: STATIC\n"
			  "  exportTo: [.]\n"
			  "  subjectAltNames: [x]\n"
			  "  endpoints:\n"
			  "  - address: 198.51.100.1\n"
			  "    ports: {http: 9090}\n"
			  "    weight: 3\n"
			  "    locality: r/z\n"
			  "    network: n\n"
			  "    serviceAccount: sa\n"
			  "    labels: {a: b}\n"
			  "  - address: 2001:db8::1\n");
	const struct sl_object *o;
	const struct sl_se_endpoint *ep;
	char text[SL_PREFIX_STRLEN];

	RTE_TEST_ASSERT(r.objects.n == 1, "%s", first_diag(&r.diags));
	o = r.objects.v[0];
	SL_TEST_INT(o->kind, SL_KIND_SERVICE_ENTRY);
	SL_TEST_INT(o->origin, SL_ORIGIN_SOCKET);
	SL_TEST_STR(o->api_version, "networking.istio.io/v1beta1");
	SL_TEST_STR(o->meta.namespace_, "shop");
	SL_TEST_STR(o->meta.annotations[0].value, "a: b");
	SL_TEST_STR(o->loc.file, "f.yaml");
	SL_TEST_INT(o->loc.line, 1);
	SL_TEST_INT(o->se.n_hosts, 1);
	SL_TEST_INT(o->se.n_addresses, 2);
	SL_TEST_STR(o->se.addresses[1].text, "203.0.113.7/24");
	SL_TEST_STR(sl_prefix_str(&o->se.addresses[1].prefix, text), "203.0.113.0/24");
	SL_TEST_INT(o->se.addresses[1].loc.line, 10);
	RTE_TEST_ASSERT(o->se.addresses[1].loc.file == o->loc.file, "whose file name?");
	SL_TEST_STR(o->se.ports[0].protocol, "GRPC-WEB");
	SL_TEST_INT(o->se.ports[0].target_port, 8080);
	SL_TEST_STR(o->se.ports[1].protocol, "");
	SL_TEST_INT(o->se.ports[1].target_port, 0);
	SL_TEST_INT(o->se.ports[1].loc.line, 13);
	SL_TEST_INT(o->se.location, SL_MESH_INTERNAL);
	SL_TEST_INT(o->se.resolution, SL_RESOLUTION_STATIC);
	SL_TEST_STR(o->se.export_to[0], ".");
	SL_TEST_STR(o->se.subject_alt_names[0], "x");
	SL_TEST_INT(o->se.has_selector, false);
	ep = &o->se.endpoints[0];
	SL_TEST_STR(sl_ip_str(&ep->ip, text), "198.51.100.1");
	SL_TEST_INT(ep->ports[0].number, 9090);
	SL_TEST_INT(ep->weight, 3);
	SL_TEST_STR(ep->locality, "r/z");
	SL_TEST_STR(ep->network, "n");
	SL_TEST_STR(ep->service_account, "sa");
	SL_TEST_STR(ep->labels[0].key, "a");
	SL_TEST_INT(o->se.endpoints[1].ip.family, AF_INET6);
	SL_TEST_INT(o->se.endpoints[1].loc.line, 26);
	read_fini(&r);
	return TEST_SUCCESS;
}

// Key order, style, aliases and JSON or YAML make no difference; the namespace is always there.
int
test_json_is_canonical(void)
{
	static const char want[] =
		"{\"apiVersion\":\"networking.istio.io/v1\",\"kind\":\"ServiceEntry\","
		"\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"\"},\"name\":\"web\","
		"\"namespace\":\"default\"},\"spec\":{\"endpoints\":[{\"address\":\"198.51.100.1\","
		"\"ports\":{\"http\":8080}}],\"hosts\":[\"web.example.com\"],"
		"\"ports\":[{\"name\":\"http\",\"number\":80}],\"resolution\":\"STATIC\"}}";
	static const char *const texts[] = {
		"kind: ServiceEntry\napiVersion: networking.istio.io/v1\n"
		"spec:\n  resolution: STATIC\n  hosts:\n  - web.example.com\n"
		"  ports:\n  - number: 0x50\n    name: http\n"
		"  endpoints:\n  - ports: {http: +8080}\n    address: 198.51.100.1\n"
		"metadata:\n  name: web\n  labels: {b: , a: \"1\"}\n",
		"metadata: {namespace: default, name: &n web, labels: {b: '', a: '1'}}\n"
		"kind: ServiceEntry\napiVersion: 'networking.istio.io/v1'\n"
		"spec: {hosts: [web.example.com], ports: [{name: &p http, number: 80}],"
		" resolution: STATIC, exportTo: ~,"
		" endpoints: [{<<: {address: 198.51.100.1}, ports: {http: 8080}}]}\n",
	};
	struct sl_buf yaml = {0};

	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
		char *json = json_of(texts[i]);

		SL_TEST_STR(json, want);
		free(json);
	}
	SL_TEST_INT(sl_conf_json_to_yaml(want, &yaml), 0);
	char *json = json_of(yaml.data);

	SL_TEST_STR(json, want);
	free(json);
	sl_buf_fini(&yaml);
	return TEST_SUCCESS;
}

int
test_json_leaves_noise_out(void)
{
	char *plain = json_of(HEAD("web") SPEC);
	char *noisy = json_of("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			      "metadata:\n  name: web\n  uid: u\n  resourceVersion: '1'\n"
			      "  generation: 3\n  managedFields: [{a: {b: [c]}}]\n"
			      "  creationTimestamp: null\n" SPEC "status: {conditions: [a]}\n");
	static const char *const nothing[] = {"status: {}\n", "status: x\n", "status:\n",
		"status: {addresses: []}\n", "status: {addresses: , conditions: [b]}\n"};
	char *annotated =
		json_of("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			"metadata:\n  name: web\n  annotations:\n"
			"    kubectl.kubernetes.io/last-applied-configuration: '{}'\n" SPEC);

	SL_TEST_STR(noisy, plain);
	for (size_t i = 0; i < SL_ARRAY_LEN(nothing); i++) {
		char *text = sl_xasprintf(HEAD("web") SPEC "%s", nothing[i]);
		char *json = json_of(text);

		SL_TEST_STR(json, plain);
		free(json);
		free(text);
	}
	RTE_TEST_ASSERT_NULL(strstr(annotated, "last-applied"), "%s", annotated);
	free(plain);
	free(noisy);
	free(annotated);
	return TEST_SUCCESS;
}

// What a row of annotations makes of the policy.
int
test_names(void)
{
	static const struct {
		const char *annotations;
		struct sl_se_names want;
	} rows[] = {
		{"{}", {.given = 0}},
		{"{sluice.io/dns-family: ipv4}",
			{.policy.families = SL_NAME_V4, .given = SL_SE_NAMES_FAMILIES}},
		{"{sluice.io/dns-family: both, sluice.io/dns-strict: \"true\"}",
			{.policy.families = SL_NAME_V4 | SL_NAME_V6,
				.policy.strict = true,
				.given = SL_SE_NAMES_FAMILIES | SL_SE_NAMES_STRICT}},
		{"{sluice.io/dns-strict: \"false\"}", {.given = SL_SE_NAMES_STRICT}},
		{"{sluice.io/dns-refresh-min: 500ms, sluice.io/dns-refresh-max: 500ms}",
			{.policy.refresh_min_ns = 500 * SL_NSEC_PER_MSEC,
				.policy.refresh_max_ns = 500 * SL_NSEC_PER_MSEC,
				.given = SL_SE_NAMES_MIN | SL_SE_NAMES_MAX}},
		{"{sluice.io/dns-max-stale: 0s}", {.given = SL_SE_NAMES_STALE}},
		{"{sluice.io/dns-on-remove: keep}", {.on_remove = SL_ON_REMOVE_KEEP}},
		{"{sluice.io/dns-on-remove: reset}", {.on_remove = SL_ON_REMOVE_RESET}},
		{"{sluice.io/dns-on-remove: drain:1m30s}",
			{.on_remove = SL_ON_REMOVE_DRAIN, .drain_ns = 90 * SL_NSEC_PER_SEC}},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		char *text =
			sl_xasprintf(OPEN_HEAD "  annotations: %s\n" SPEC, rows[i].annotations);
		struct sl_object *o = read_one(text);
		const struct sl_se_names *n = o ? &o->se.names : NULL, *w = &rows[i].want;

		RTE_TEST_ASSERT_NOT_NULL(o, "not read: %s", rows[i].annotations);
		SL_TEST_INT(n->given, w->given);
		SL_TEST_INT(n->policy.families, w->policy.families);
		SL_TEST_INT(n->policy.strict, w->policy.strict);
		SL_TEST_INT(n->policy.refresh_min_ns, w->policy.refresh_min_ns);
		SL_TEST_INT(n->policy.refresh_max_ns, w->policy.refresh_max_ns);
		SL_TEST_INT(n->policy.max_stale_ns, w->policy.max_stale_ns);
		SL_TEST_INT(n->on_remove, w->on_remove);
		SL_TEST_INT(n->drain_ns, w->drain_ns);
		sl_object_free(o);
		free(text);
	}
	return TEST_SUCCESS;
}

// Our own rules are asked whoever's of Istio one picks.
int
test_names_by_any_rules(void)
{
	static const enum sl_rules modes[] = {SL_RULES_UNION, SL_RULES_WEBHOOK, SL_RULES_CRD};
	static const char text[] =
		OPEN_HEAD "  annotations: {sluice.io/dns-max-stale: soon}\n" SPEC;

	for (size_t i = 0; i < SL_ARRAY_LEN(modes); i++) {
		struct sl_objects objects = {.rules = modes[i]};
		struct sl_diags diags = {0};

		SL_TEST_INT(sl_conf_objects(
				    text, strlen(text), "f.yaml", SL_ORIGIN_FILE, &objects, &diags),
			1);
		SL_TEST_STR(diags.v[0].rule, "N1");
		sl_objects_fini(&objects);
		sl_diags_fini(&diags);
	}
	return TEST_SUCCESS;
}

// Of a status the addresses are content, and nothing else is.
int
test_status_addresses(void)
{
	static const char addresses[] =
		OPEN_HEAD "  labels: {networking.istio.io/enable-autoallocate-ip: \"FALSE\"}\n" SPEC
			  "status:\n  conditions: [a]\n  addresses:\n"
			  "  - {value: 240.240.0.1, host: web.example.com}\n"
			  "  - {value: \"2001:2::1\"}\n  - {value: x}\n  - 3\n";
	struct sl_object *o = read_one(addresses);
	char ip[SL_IP_STRLEN];

	RTE_TEST_ASSERT_NOT_NULL(o, "not read");
	SL_TEST_INT(o->se.no_auto_vip, true);
	SL_TEST_INT(o->se.n_status_addresses, 2);
	SL_TEST_STR(o->se.status_address[0].host, "web.example.com");
	SL_TEST_STR(sl_ip_str(&o->se.status_address[0].ip, ip), "240.240.0.1");
	RTE_TEST_ASSERT_NULL(o->se.status_address[1].host, "host");
	SL_TEST_STR(sl_ip_str(&o->se.status_address[1].ip, ip), "2001:2::1");
	RTE_TEST_ASSERT_NOT_NULL(
		strstr(o->json, "\"status\":{\"addresses\":[{\"host\":\"web.example.com\","
				"\"value\":\"240.240.0.1\"},"),
		"%s", o->json);
	RTE_TEST_ASSERT_NULL(strstr(o->json, "conditions"), "%s", o->json);
	sl_object_free(o);
	return TEST_SUCCESS;
}

int
test_hash_follows_content(void)
{
	struct read a = read_text(HEAD("web") SPEC), b = read_text("# x\n\n" HEAD("web") SPEC);
	struct read c = read_text(HEAD("web") SPEC "  location: MESH_INTERNAL\n");

	RTE_TEST_ASSERT(a.objects.n == 1 && b.objects.n == 1 && c.objects.n == 1, "not read");
	RTE_TEST_ASSERT(a.objects.v[0]->hash == b.objects.v[0]->hash, "place is no content");
	RTE_TEST_ASSERT(a.objects.v[0]->hash != c.objects.v[0]->hash, "location is content");
	read_fini(&a);
	read_fini(&b);
	read_fini(&c);
	return TEST_SUCCESS;
}

int
test_json_to_yaml(void)
{
	static const char json[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"K\",\"metadata\":{\"labels\":{\"a\":\"80\","
		"\"b\":\"true\",\"c\":\"\",\"d\":\"x: y\",\"e\":\"no\",\"f\":\"null\","
		"\"g\":\"1e3\",\"h\":\"0x1f\",\"i\":\"2026-01-02\",\"j\":\"~\",\"k\":\"*\","
		"\"l\":\"caf\xc3\xa9\",\"m\":\"a\\nb\",\"y\":\"1.2.3.4\"},\"name\":\"nn\"},"
		"\"spec\":{\"e\":[],\"m\":{},\"l\":[{\"a\":1,\"b\":true},{\"a\":null}],"
		"\"x\":-1}}";
	static const char want[] =
		"apiVersion: v1\nkind: K\nmetadata:\n  labels:\n    a: \"80\"\n    b: \"true\"\n"
		"    c: \"\"\n    d: 'x: y'\n    e: \"no\"\n    f: \"null\"\n    g: \"1e3\"\n"
		"    h: \"0x1f\"\n    i: \"2026-01-02\"\n    j: \"~\"\n    k: '*'\n"
		"    l: caf\xc3\xa9\n    m: |-\n      a\n      b\n    \"y\": 1.2.3.4\n"
		"  name: nn\nspec:\n  e: []\n  m: {}\n  l:\n  - a: 1\n    b: true\n"
		"  - a: null\n  x: -1\n";
	struct sl_buf out = {0};

	SL_TEST_INT(sl_conf_json_to_yaml(json, &out), 0);
	SL_TEST_STR(out.data, want);
	sl_buf_fini(&out);
	return TEST_SUCCESS;
}

int
test_json_to_yaml_refuses(void)
{
	static const char *const texts[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,2}", "null"};

	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
		struct sl_buf out = {0};

		RTE_TEST_ASSERT(
			sl_conf_json_to_yaml(texts[i], &out) == -EINVAL, "%s is taken", texts[i]);
		sl_buf_fini(&out);
	}
	return TEST_SUCCESS;
}

// Each warning about what is not served is a note on the object, with its place.
int
test_notes(void)
{
	struct read r = read_text(HEAD("web") "spec:\n  hosts: [web.example.com]\n"
					      "  addresses: [192.0.2.80, '2001:db8::80']\n"
					      "  ports: [{number: 80, name: http, protocol: TCP}]\n"
					      "  resolution: STATIC\n"
					      "  subjectAltNames: [x]\n");

	RTE_TEST_ASSERT(r.objects.n == 1, "%s", first_diag(&r.diags));
	SL_TEST_INT(r.objects.v[0]->n_notes, 2);
	SL_TEST_INT(r.diags.warnings, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct sl_note *note = &r.objects.v[0]->notes[i];

		SL_TEST_STR(note->path, r.diags.v[i].path);
		SL_TEST_STR(note->message, r.diags.v[i].message);
		SL_TEST_INT(note->line, r.diags.v[i].line);
		SL_TEST_INT(note->col, r.diags.v[i].col);
		SL_TEST_INT(note->computed, false);
	}
	SL_TEST_STR(r.objects.v[0]->notes[0].path, "spec.addresses[1]");
	SL_TEST_INT(r.objects.v[0]->notes[0].line, 6);
	SL_TEST_INT(r.objects.v[0]->notes[0].col, 27);
	read_fini(&r);
	return TEST_SUCCESS;
}

int
test_bad_object_leaves_good_ones(void)
{
	struct read r = read_text(HEAD("a") SPEC
		"---\n" HEAD("b") "spec: {hosts: 1}\n---\n"
				  "a: [\n---\nkind: Secret\napiVersion: v1\nmetadata: {name: p}\n"
				  "---\n" HEAD("c") SPEC);

	SL_TEST_INT(r.objects.n, 2);
	SL_TEST_STR(r.objects.v[0]->meta.name, "a");
	SL_TEST_STR(r.objects.v[1]->meta.name, "c");
	SL_TEST_INT(r.objects.invalid, 2);
	SL_TEST_INT(r.objects.skipped, 1);
	SL_TEST_INT(r.errors, 2);
	SL_TEST_INT(r.diags.errors, 2);
	SL_TEST_INT(r.objects.v[1]->loc.line, 21);
	read_fini(&r);
	return TEST_SUCCESS;
}

// ---- files ----

static void
put_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void
remove_tree(const char *folder)
{
	static const char *const names[] = {"b.yaml", "a.yml", "c.json", ".hidden.yaml", "x.txt",
		"link", "sub/d.yaml", "sub", "bad.yaml"};
	char path[PATH_MAX];

	for (size_t i = 0; i < SL_ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
	rmdir(folder);
}

int
test_folder(void)
{
	static const char *const want[] = {"a", "b", "c", "d"};
	char folder[] = "/tmp/sl_test_conf.XXXXXX", path[128];
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(folder), "mkdtemp");
	put_file(folder, "b.yaml", HEAD("b") SPEC);
	put_file(folder, "a.yml", HEAD("a") SPEC);
	put_file(folder, "c.json",
		"{\"apiVersion\":\"networking.istio.io/v1\",\"kind\":\"ServiceEntry\","
		"\"metadata\":{\"name\":\"c\"},\"spec\":{\"hosts\":[\"c.example.com\"],"
		"\"resolution\":\"STATIC\"}}");
	put_file(folder, ".hidden.yaml", "a: [");
	put_file(folder, "x.txt", "a: [");
	snprintf(path, sizeof(path), "%s/sub", folder);
	mkdir(path, 0755);
	put_file(path, "d.yaml", HEAD("d") SPEC);
	snprintf(path, sizeof(path), "%s/link", folder);
	RTE_TEST_ASSERT_SUCCESS(symlink(".", path), "symlink");

	SL_TEST_INT(sl_conf_objects_path(folder, SL_ORIGIN_FILE, &objects, &diags), 0);
	SL_TEST_INT(objects.n, SL_ARRAY_LEN(want));
	for (size_t i = 0; i < objects.n; i++)
		SL_TEST_STR(objects.v[i]->meta.name, want[i]);
	snprintf(path, sizeof(path), "%s/sub/d.yaml", folder);
	SL_TEST_STR(objects.v[3]->loc.file, path);
	snprintf(path, sizeof(path), "%s/link", folder);
	bool link_said = false;

	for (size_t i = 0; i < diags.n; i++)
		link_said = link_said || strcmp(diags.v[i].file, path) == 0;
	RTE_TEST_ASSERT(link_said, "nothing was said of the link to a folder");
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	remove_tree(folder);
	return TEST_SUCCESS;
}

int
test_same_name_in_two_files(void)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	static const char a[] = HEAD("web") SPEC, b[] = "\n" HEAD("web") SPEC;

	SL_TEST_INT(sl_conf_objects(a, strlen(a), "a.yaml", SL_ORIGIN_FILE, &objects, &diags), 0);
	SL_TEST_INT(sl_conf_objects(b, strlen(b), "b.yaml", SL_ORIGIN_FILE, &objects, &diags), 1);
	SL_TEST_INT(objects.n, 1);
	SL_TEST_STR(objects.v[0]->loc.file, "a.yaml");
	SL_TEST_STR(first_diag(&diags), "b.yaml:2:1: error: ServiceEntry default/web: defined "
					"before, at a.yaml:1: this one is left out");
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return TEST_SUCCESS;
}

int
test_unreadable_path(void)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	SL_TEST_INT(sl_conf_objects_path("/nonexistent/x", SL_ORIGIN_FILE, &objects, &diags), 1);
	SL_TEST_STR(first_diag(&diags),
		"/nonexistent/x: error: cannot be read: No such file or directory");
	RTE_TEST_ASSERT_NULL(sl_conf_read("/nonexistent/y", &diags), "read");
	SL_TEST_INT(diags.errors, 2);
	sl_diags_fini(&diags);
	return TEST_SUCCESS;
}

int
test_creation_is_utc(void)
{
	static const struct {
		const char *text, *want; // NULL: refused
	} rows[] = {
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"},
		{"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
		{"2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00Z"},
		{"2026-01-02T03:04:05", NULL},
		{"2026-01-02 03:04:05Z", NULL},
		{"2026-00-02T03:04:05Z", NULL},
		{"2026-01-02T03:04:05.Z", NULL},
		{"2026-01-02T03:04:05+0100", NULL},
		{"2026-01-02T03:04:05Zx", NULL},
		{"2026- 1- 2T 3: 4: 5Z", NULL},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		char text[512];
		struct read r;

		snprintf(text, sizeof(text),
			"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			"metadata: {name: a, creationTimestamp: \"%s\"}\n" SPEC,
			rows[i].text);
		r = read_text(text);
		RTE_TEST_ASSERT((r.objects.n == 1) == (rows[i].want != NULL), "%s", rows[i].text);
		if (rows[i].want)
			SL_TEST_STR(r.objects.v[0]->meta.creation, rows[i].want);
		read_fini(&r);
	}
	return TEST_SUCCESS;
}

// ---- limits ----

static int
expect_diag(struct sl_buf *text, const char *want)
{
	struct read r = read_text(text->data);
	bool found = false;

	for (size_t i = 0; i < r.diags.n; i++)
		found = found || strstr(r.diags.v[i].message, want);
	RTE_TEST_ASSERT(found, "expected \"%s\", first is: %s", want, first_diag(&r.diags));
	read_fini(&r);
	sl_buf_fini(text);
	return TEST_SUCCESS;
}

static void
fill(struct sl_buf *b, const char *text, unsigned n)
{
	while (n--)
		sl_buf_puts(b, text);
}

int
test_limits(void)
{
	struct sl_buf text = {0};

	sl_buf_puts(&text, "a: \"");
	fill(&text, "0123456789abcdef", (1 << 17) + 1);
	sl_buf_puts(&text, "\"\n");
	RTE_TEST_ASSERT_SUCCESS(expect_diag(&text, "more than 2 MiB"), "scalar");

	fill(&text, "--- ~\n", 100001);
	RTE_TEST_ASSERT_SUCCESS(expect_diag(&text, "more than 100000 documents"), "documents");

	sl_buf_puts(&text, "a: &a [");
	fill(&text, "x,", 1000);
	sl_buf_puts(&text, "]\nb: [");
	fill(&text, "*a,", 1001);
	sl_buf_puts(&text, "]\n");
	RTE_TEST_ASSERT_SUCCESS(expect_diag(&text, "unfold to more than 1000000"), "aliases");

	fill(&text, "[", 20000);
	RTE_TEST_ASSERT_SUCCESS(expect_diag(&text, "100 levels"), "depth");

	sl_buf_put(&text, "a: \xff\n", 5);
	RTE_TEST_ASSERT_SUCCESS(expect_diag(&text, "UTF-8"), "bytes");
	return TEST_SUCCESS;
}

// Large mappings take n log n: with a quadratic reader this would not end within the test's time.
int
test_many_keys(void)
{
	enum { N = 200000 };
	struct sl_buf text = {0};
	struct read r;

	sl_buf_puts(&text, "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			   "metadata:\n  name: web\n  annotations:\n");
	for (int i = 0; i < N; i++)
		sl_buf_printf(&text, "    k%d: v\n", i);
	sl_buf_puts(&text, "    k77: again\n" SPEC);
	r = read_text(text.data);
	SL_TEST_INT(r.diags.errors, 1);
	SL_TEST_STR(first_diag(&r.diags),
		"f.yaml:200006:5: error: duplicate key \"k77\", given before at line 83");
	read_fini(&r);
	sl_buf_fini(&text);
	return TEST_SUCCESS;
}
