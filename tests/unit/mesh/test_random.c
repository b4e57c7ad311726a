// Objects of all kinds come, change and go at random, and so do the answers of DNS. After each step
// what was told, and only that, was looked at again; it has to be what a mesh says that is new.
#include "case.h"
#include "sl_str.h"

#define STEPS   400
#define MAX_IDS 256

static uint64_t seed;

static unsigned
below(unsigned n)
{
	return (sl_test_rand(&seed) >> 16) % n;
}

#define ONE_OF(...)                                                                                \
	({                                                                                         \
		static const char *const of[] = {__VA_ARGS__};                                     \
		of[below(SL_ARRAY_LEN(of))];                                                       \
	})

// ---- objects ----

static const char *
some_space(void)
{
	return ONE_OF("default", "default", "other", "third", "istio-system");
}

static const char *
some_export(void)
{
	return ONE_OF("", "", "", ", exportTo: ['.']", ", exportTo: [other]", ", exportTo: ['*']",
		", exportTo: [default, third]");
}

static const char *
some_age(void)
{
	return ONE_OF("", "", ", creationTimestamp: '2026-01-01T00:00:00Z'",
		", creationTimestamp: '2025-01-01T00:00:00Z'");
}

static const char *
some_labels(void)
{
	return ONE_OF("{app: x}", "{app: y}", "{app: x, v: one}", "{v: two}", "{}",
		"{app: x, topology.istio.io/locality: r.z}");
}

static const char *
some_policy(void)
{
	return ONE_OF("loadBalancer: {simple: RANDOM}", "loadBalancer: {simple: PASSTHROUGH}",
		"outlierDetection: {interval: 1s}", "connectionPool: {tcp: {maxConnections: 3}}",
		"portLevelSettings: [{port: {number: 80}, outlierDetection: {interval: 2s}}]",
		"loadBalancer: {localityLbSetting: {distribute: [{from: '*', to: {'r/*': 60, "
		"'q/*': 40}}]}}");
}

static void
put_head(struct sl_buf *b, const char *kind, const char *name, const char *space, const char *more)
{
	sl_buf_printf(b,
		"apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {name: %s, namespace: "
		"%s%s%s}\nspec: ",
		kind, name, space, some_age(), more);
}

static void
put_status(struct sl_buf *b)
{
	sl_buf_printf(b, "%s",
		ONE_OF("", "", "", "\nstatus: {addresses: [{host: a.example, value: 198.18.0.1}]}",
			"\nstatus: {addresses: [{host: a.example, value: 198.18.0.1}, {host: "
			"b.example, value: 192.0.2.1}]}",
			"\nstatus: {addresses: [{value: 198.18.0.2}, {value: '2001:db8::2'}]}"));
}

static void
put_entry(struct sl_buf *b, const char *name, const char *space)
{
	put_head(b, "ServiceEntry", name, space,
		ONE_OF("", "", "", ", labels: {k: v}",
			", labels: {networking.istio.io/enable-autoallocate-ip: 'false'}",
			", annotations: {networking.istio.io/traffic-distribution: PreferClose}"));
	sl_buf_printf(b, "{hosts: [%s], addresses: %s, resolution: %s, ports: %s%s",
		ONE_OF("a.example", "b.example", "x.a.example", "'*.a.example'",
			"a.example, b.example"),
		ONE_OF("[]", "[192.0.2.1]", "[192.0.2.0/24]", "[192.0.2.1, 192.0.2.2]"),
		ONE_OF("STATIC", "STATIC", "STATIC", "NONE", "DNS", "DNS", "DNS_ROUND_ROBIN"),
		ONE_OF("[{number: 80, name: p, protocol: TCP}]",
			"[{number: 80, name: p, protocol: HTTP}]",
			"[{number: 80, name: p, protocol: TLS}, {number: 81, name: q, protocol: "
			"HTTP}]",
			"[{number: 81, name: p, protocol: TCP, targetPort: 82}, {number: 80, name: "
			"q, protocol: UDP}]"),
		some_export());
	if (below(2)) {
		sl_buf_printf(b, ", workloadSelector: {labels: %s}}",
			ONE_OF("{app: x}", "{app: y}", "{app: x, v: one}", "{}"));
		put_status(b);
		return;
	}
	for (unsigned i = 0, n = below(4); i < n; i++)
		sl_buf_printf(b, "%s{address: 198.51.100.%u, labels: %s, locality: %s, weight: %u}",
			i ? ", " : ", endpoints: [", below(8), some_labels(),
			ONE_OF("r/z", "r/y", "q", "''"), below(3));
	sl_buf_printf(
		b, "%s}", b->data[b->len - 1] == '}' && strstr(b->data, "endpoints") ? "]" : "");
	put_status(b);
}

static void
put_workload(struct sl_buf *b, const char *name, const char *space)
{
	char *labels = sl_xasprintf(", labels: %s%s", some_labels(),
		ONE_OF("", "", ", annotations: {proxy.istio.io/health-checks-enabled: 'true'}"));

	put_head(b, "WorkloadEntry", name, space, labels);
	sl_buf_printf(b, "{address: %s, labels: %s, locality: %s}\n",
		ONE_OF("198.51.100.20", "198.51.100.21", "w.example"), some_labels(),
		ONE_OF("r/z", "q", "''"));
	free(labels);
}

static void
put_pod(struct sl_buf *b, const char *name, const char *space)
{
	sl_buf_printf(b,
		"apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s, labels: "
		"%s%s}\nstatus: {phase: Running, %sconditions: [{type: Ready, status: '%s'}]}",
		name, space, some_labels(),
		ONE_OF("", "", "", ", deletionTimestamp: '2026-01-01T00:00:00Z'"),
		ONE_OF("podIP: 198.51.100.30, ", "podIP: 198.51.100.31, ", ""),
		ONE_OF("True", "False"));
}

static void
put_rule(struct sl_buf *b, const char *name, const char *space)
{
	put_head(b, "DestinationRule", name, space, "");
	sl_buf_printf(b, "{host: %s%s",
		ONE_OF("a.example", "b.example", "'*.example'", "'*.a.example'", "'*'", "db"),
		below(5) ? some_export()
			 : ", exportTo: ['.'], workloadSelector: {matchLabels: {app: client}}");
	if (below(4))
		sl_buf_printf(b, ", trafficPolicy: {%s}", some_policy());
	if (below(2))
		sl_buf_printf(b, ", subsets: [{name: v1, labels: %s, trafficPolicy: {%s}}]",
			ONE_OF("{v: one}", "{app: x}", "{v: two}"), some_policy());
	sl_buf_printf(b, "}");
}

static void
put_route(struct sl_buf *b, const char *name, const char *space)
{
	put_head(b, "VirtualService", name, space, "");
	sl_buf_printf(b, "{hosts: [%s]%s%s, tcp: [",
		ONE_OF("a.example", "b.example", "'*.example'", "'*.a.example'",
			"a.example, b.example"),
		some_export(), ONE_OF("", "", "", ", gateways: [gw]", ", gateways: [gw, mesh]"));
	for (unsigned i = 0, n = 1 + below(2); i < n; i++)
		sl_buf_printf(b,
			"%s{%sroute: [{destination: {host: %s%s%s}, weight: %u}, {destination: "
			"{host: %s}, weight: 1}]}",
			i ? ", " : "",
			ONE_OF("", "match: [{port: 80}], ", "match: [{sourceNamespace: other}], ",
				"match: [{sourceLabels: {app: client}}], ",
				"match: [{destinationSubnets: [192.0.2.0/28, 203.0.113.0/24]}], "),
			ONE_OF("a.example", "b.example", "x.a.example", "c.example", "db"),
			ONE_OF("", "", ", subset: v1"), ONE_OF("", "", ", port: {number: 80}"),
			below(3), ONE_OF("a.example", "b.example"));
	sl_buf_printf(b, "]}");
}

static void
put_namespace(struct sl_buf *b, const char *name)
{
	sl_buf_printf(b, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s%s}\n", name,
		ONE_OF("", ", annotations: {networking.istio.io/traffic-distribution: "
			   "PreferClose}"));
}

// Puts one of a few names, or takes it away. Returns whether anything was valid.
static bool
change(struct sl_registry *r)
{
	static const enum sl_kind kinds[] = {SL_KIND_SERVICE_ENTRY, SL_KIND_SERVICE_ENTRY,
		SL_KIND_WORKLOAD_ENTRY, SL_KIND_POD, SL_KIND_DESTINATION_RULE,
		SL_KIND_VIRTUAL_SERVICE, SL_KIND_NAMESPACE};
	const enum sl_kind kind = kinds[below(SL_ARRAY_LEN(kinds))];
	const char *name = ONE_OF("n1", "n2", "n3", "n4"), *space = some_space();
	struct sl_buf b = {0}, rules = {0};
	bool valid;

	if (below(4) == 0) {
		if (kind == SL_KIND_NAMESPACE)
			return sl_registry_del(r, kind, "", space, SL_ORIGIN_FILE), true;
		return sl_registry_del(r, kind, space, name, SL_ORIGIN_FILE), true;
	}
	if (kind == SL_KIND_SERVICE_ENTRY)
		put_entry(&b, name, space);
	else if (kind == SL_KIND_WORKLOAD_ENTRY)
		put_workload(&b, name, space);
	else if (kind == SL_KIND_POD)
		put_pod(&b, name, space);
	else if (kind == SL_KIND_DESTINATION_RULE)
		put_rule(&b, name, space);
	else if (kind == SL_KIND_VIRTUAL_SERVICE)
		put_route(&b, name, space);
	else
		put_namespace(&b, space);
	valid = mesh_load(r, b.data, &rules);
	sl_buf_fini(&b);
	sl_buf_fini(&rules);
	return valid;
}

// ---- what DNS says ----

static const char *const names[] = {"a.example", "b.example", "x.a.example", "w.example"};

// By name: NULL is none yet.
struct book {
	const char *answer[SL_ARRAY_LEN(names)];
};

static void
change_answer(struct book *book)
{
	book->answer[below(SL_ARRAY_LEN(names))] = ONE_OF("=198.51.100.1",
		"=198.51.100.2,198.51.100.1", "=198.51.100.3,2001:db8::1", "=2001:db8::1", "!");
}

// As who resolves does: the names that are wanted get what the book has of them.
static void
answer_names(struct sl_mesh *m, struct mesh_wanted *wanted, const struct book *book)
{
	mesh_follow_names(m, wanted);
	for (unsigned i = 0; i < SL_ARRAY_LEN(names); i++) {
		char *text;

		if (!book->answer[i])
			continue;
		text = sl_xasprintf("%s%s", names[i], book->answer[i]);
		mesh_answer(m, wanted, text);
		free(text);
	}
}

// ---- what a service is, as text ----

static char *
text_of(struct sl_mesh *m, const struct sl_mesh_service *svc)
{
	struct sl_buf out = {0};
	size_t n;
	struct sl_mesh_binding *b = sl_mesh_bindings(m, svc, &n);

	sl_buf_printf(&out, "%s/%s[%llx] %s:", svc->namespace_, svc->host,
		(unsigned long long)svc->clients, svc->not_served ? svc->not_served : "");
	for (unsigned f = 0; f < 2; f++) {
		char ip[SL_IP_STRLEN];

		if (svc->auto_vip[f].family)
			sl_buf_printf(&out, "(%s)", sl_ip_str(&svc->auto_vip[f], ip));
	}
	for (size_t i = 0; i < n; i++) {
		mesh_put_binding(&out, &b[i]);
		for (uint32_t k = 0; k < b[i].n_clusters; k++) {
			const struct sl_mesh_policy *p = &b[i].cluster[k].policy;

			sl_buf_printf(&out, " <%s %u %u %u>", p->dr ? p->dr->meta.name : "",
				p->lb.simple, p->pool.max_connections, p->outlier);
		}
	}
	sl_mesh_bindings_free(b, n);
	return sl_buf_take(&out);
}

struct follower {
	struct sl_mesh *m;
	char *text[MAX_IDS];
	unsigned told;
	bool broken; // told twice, or gone after one that came
};

static void
on_told(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	struct follower *f = ctx;

	f->told++;
	f->broken |= id >= MAX_IDS || (svc && svc->id != id);
	if (id >= MAX_IDS)
		return;
	free(f->text[id]);
	f->text[id] = svc ? text_of(f->m, svc) : NULL;
}

static char *
followed(const struct follower *f)
{
	struct sl_buf out = {0};
	const struct sl_mesh_service *svc;

	for (size_t it = 0; sl_mesh_next(f->m, &it, &svc);)
		sl_buf_printf(&out, "%s\n", f->text[svc->id] ? f->text[svc->id] : "never told");
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

// A registry has one reader of changes: a new mesh gets a new one, filled from the canonical JSON.
static char *
anew(struct sl_registry *r, const struct sl_mesh_cfg *cfg, const struct book *book)
{
	struct sl_registry *copy = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(copy);
	const struct sl_mesh_service *svc;
	struct mesh_wanted wanted = {0};
	struct sl_buf out = {0};
	struct sl_object *obj;

	sl_mesh_configure(m, cfg);
	for (size_t it = 0; sl_registry_next(r, &it, &obj);) {
		if (!mesh_load(copy, obj->json, NULL))
			sl_buf_printf(&out, "not valid again: %s\n", obj->json);
	}
	sl_mesh_update(m, NULL, NULL);
	answer_names(m, &wanted, book);
	sl_mesh_update(m, NULL, NULL);
	for (size_t it = 0; sl_mesh_next(m, &it, &svc);) {
		char *text = text_of(m, svc);

		sl_buf_printf(&out, "%s\n", text);
		free(text);
	}
	sl_mesh_free(m);
	sl_registry_free(copy);
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

// The first line that differs.
static void
show_difference(const char *got, const char *want)
{
	while (*got && *got == *want) {
		const size_t n = strcspn(got, "\n") + 1;

		if (strncmp(got, want, n) != 0)
			break;
		got += n;
		want += n;
	}
	if (*got || *want)
		printf("# got      %.*s\n# expected %.*s\n", (int)strcspn(got, "\n"), got,
			(int)strcspn(want, "\n"), want);
}

// Small ones, so that services meet; and none.
static void
some_ranges(struct sl_mesh_cfg *cfg)
{
	cfg->auto_vip4 = cfg->auto_vip6 = (struct sl_prefix){0};
	if (below(4))
		sl_prefix_parse(
			ONE_OF("198.18.0.0/29", "198.18.0.0/24", "192.0.2.0/30"), &cfg->auto_vip4);
	if (below(4))
		sl_prefix_parse(ONE_OF("2001:db8::/125", "2001:db8::/48"), &cfg->auto_vip6);
}

static int
test_random(void)
{
	static const struct sl_label label[] = {{(char *)"app", (char *)"client"}};
	static const struct sl_mesh_client clients[] = {
		{.namespace_ = "default", .locality = "r/z", .labels = label, .n_labels = 1},
		{.namespace_ = "other"}, {.namespace_ = "third", .locality = "q"}};
	struct sl_mesh_cfg cfg = {.client = clients, .n_clients = 3};
	struct sl_registry *r = sl_registry_new();
	struct follower f = {.m = sl_mesh_new(r)};
	struct mesh_wanted wanted = {0};
	struct book book = {0};
	unsigned valid = 0;

	seed = sl_test_seed();
	some_ranges(&cfg);
	sl_mesh_configure(f.m, &cfg);
	for (unsigned i = 0; i < STEPS; i++) {
		for (unsigned k = below(3) + 1; k-- > 0;)
			valid += change(r);
		if (below(40) == 0) {
			cfg.n_clients = 1 + below(3);
			some_ranges(&cfg);
			sl_mesh_configure(f.m, &cfg);
		}
		if (below(2))
			change_answer(&book);
		sl_mesh_update(f.m, on_told, &f);
		answer_names(f.m, &wanted, &book);
		sl_mesh_update(f.m, on_told, &f);
		char *got = followed(&f), *want = anew(r, &cfg, &book);

		RTE_TEST_ASSERT(!f.broken, "step %u: told wrongly", i);
		show_difference(got, want);
		RTE_TEST_ASSERT(strcmp(got, want) == 0, "step %u: not what a new mesh says", i);
		free(got);
		free(want);
	}
	printf("# %u changes were valid, %u services told\n", valid, f.told);
	RTE_TEST_ASSERT(valid > STEPS, "most changes are valid");
	sl_mesh_free(f.m);
	for (unsigned i = 0; i < MAX_IDS; i++)
		free(f.text[i]);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"random", test_random}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
