// Many random changes, against what was changed and against a table built from nothing.
#include <errno.h>

#include "sl_mesh_names.h"
#include "world.h"

static uint64_t rnd;

// Hundreds of keys come and go; each has to be found again, or it is added twice or never removed.
static int
many_keys_come_and_go(void)
{
	enum { N = 600 };
	static bool there[N];
	struct world w;

	rnd = sl_test_seed();
	memset(there, 0, sizeof(there));
	world_init(&w, 4);
	for (unsigned round = 0; round < 200; round++) {
		bool before[N];
		uint32_t added = 0, removed = 0, count = 0;

		memcpy(before, there, sizeof(before));
		for (unsigned k = 0; k < 60; k++) {
			const unsigned i = sl_test_rand(&rnd) % N;
			char name[16], vip[32];

			snprintf(name, sizeof(name), "n%u", i);
			snprintf(vip, sizeof(vip), "198.18.%u.%u", i / 256, i % 256);
			if (there[i])
				del(&w, name);
			else
				put(&w, &(struct text_se){name, NULL, name, vip, "h/80/TCP", ""});
			there[i] = !there[i];
		}
		for (unsigned i = 0; i < N; i++) {
			added += there[i] && !before[i];
			removed += !there[i] && before[i];
			count += there[i];
		}
		SL_TEST_INT(compile(&w), 0);
		SL_TEST_INT(w.result.added, added);
		SL_TEST_INT(w.result.removed, removed);
		SL_TEST_INT(sl_fwd_services_count(w.published), count);
		for (unsigned i = 0; i < N; i++) {
			const struct sl_fwd_key key = {.vip = sl_cpu_to_be32(0xc6120000 + i),
				.port = htons(80),
				.proto = 6,
				.len = 32};

			RTE_TEST_ASSERT(there[i] == !!sl_fwd_services_find(w.published, &key, 0),
				"key %u is %s", i, there[i] ? "not there" : "still there");
		}
		grace(&w);
	}
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- objects of all kinds ----

#define OBJECTS 20
#define SLOTS   256
#define NAMES   4

struct text {
	char yaml[1024]; // "": it is not there
	enum sl_kind kind;
	char namespace_[8];
	char name[8];
};

static unsigned
below(unsigned n)
{
	return sl_test_rand(&rnd) % n;
}

static const char *
any_of(const char *const *v, unsigned n)
{
	return v[below(n)];
}
#define ANY(...)                                                                                   \
	any_of((const char *const[]){__VA_ARGS__},                                                 \
		sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

#define HOSTS "a.example", "b.example", "c.example", "d.example"

static void
random_endpoints(struct sl_buf *out)
{
	for (unsigned i = 0, n = below(4); i < n; i++)
		sl_buf_printf(out,
			"%s{address: 198.51.100.%u, weight: %u, labels: {version: %s}, locality: "
			"%s}",
			i ? ", " : "", 1 + below(4), below(3), ANY("v1", "v2"), ANY("r/z", "far"));
}

// Any address, with protocols that need a name, is what most want here.
static void
random_names(struct sl_buf *out)
{
	sl_buf_printf(out,
		"{hosts: [%s], addresses: [%s], ports: [{number: 80, name: p, protocol: %s}], ",
		ANY(HOSTS), ANY("", "", "192.0.2.1"), ANY("TCP", "HTTP"));
	if (below(4))
		sl_buf_printf(out,
			"resolution: DNS, endpoints: [{address: n%u.example}, {address: %s, "
			"labels: {version: %s}, weight: %u}]}",
			below(NAMES), ANY("n0.example", "n1.example", "198.51.100.2"),
			ANY("v1", "v2"), below(3));
	else
		sl_buf_printf(out,
			"resolution: DNS_ROUND_ROBIN, endpoints: [{address: n%u.example}]}",
			below(NAMES));
}

static void
random_service_entry(struct sl_buf *out)
{
	if (below(2)) {
		random_names(out);
		return;
	}
	sl_buf_printf(out, "{hosts: [%s], %s, ports: [{number: %s, name: p, protocol: %s}%s]",
		ANY(HOSTS),
		ANY("addresses: [192.0.2.1]", "addresses: [192.0.2.1, 192.0.2.2]",
			"addresses: [192.0.2.3, 192.0.2.0/24]", "addresses: [192.0.2.0/25]",
			"addresses: []"),
		ANY("80", "81"), ANY("TCP", "HTTP", "TLS"),
		ANY("", ", {number: 53, name: d, protocol: UDP, targetPort: 5353}"));
	sl_buf_printf(out, ", exportTo: [%s]", ANY("\"*\"", "\"*\"", "\".\"", "other"));
	switch (below(4)) {
	case 0:
		break; // resolution NONE
	case 1:
		sl_buf_printf(out, ", resolution: STATIC, workloadSelector: {labels: {app: %s}}",
			ANY("x", "y"));
		break;
	default:
		sl_buf_puts(out, ", resolution: STATIC, endpoints: [");
		random_endpoints(out);
		sl_buf_puts(out, "]");
	}
	sl_buf_puts(out, "}");
}

static void
random_workload_entry(struct sl_buf *out)
{
	sl_buf_printf(out, "{address: 198.51.100.%u, labels: {app: %s, version: %s}, weight: %u}",
		1 + below(4), ANY("x", "y"), ANY("v1", "v2"), below(3));
}

static void
random_rule(struct sl_buf *out)
{
	sl_buf_printf(out, "{host: %s, %s, subsets: [{name: v1, labels: {version: v1}}%s]",
		ANY(HOSTS, "\"*.example\""), ANY("exportTo: [\"*\"]", "exportTo: [\".\"]"),
		ANY("", ", {name: v2, labels: {version: v2}, trafficPolicy: {loadBalancer: "
			"{simple: "
			"ROUND_ROBIN}}}"));
	sl_buf_printf(out, ", trafficPolicy: {%s%s%s}}",
		ANY("connectionPool: {tcp: {maxConnections: 4}}, ",
			"connectionPool: {tcp: {connectTimeout: 3s}}, ",
			"connectionPool: {tcp: {connectTimeout: 4s, idleTimeout: 9s}}, ", ""),
		ANY("outlierDetection: {consecutive5xxErrors: 3}, ", ""),
		ANY("loadBalancer: {simple: RANDOM}", "loadBalancer: {simple: PASSTHROUGH}",
			"loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 9s}}",
			"loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: "
			"53}}}",
			"loadBalancer: {localityLbSetting: {distribute: [{from: r/*, to: {r/z: 80, "
			"far: "
			"20}}]}}"));
}

static void
random_route(struct sl_buf *out)
{
	sl_buf_printf(out, "{hosts: [%s], exportTo: [%s], tcp: [", ANY(HOSTS, "\"*.example\""),
		ANY("\"*\"", "\".\"", "other"));
	if (below(2))
		sl_buf_printf(out, "{match: [{%s}], route: [{destination: {host: %s}}]}, ",
			ANY("destinationSubnets: [192.0.2.0/25]", "port: 80",
				"sourceLabels: {color: red}"),
			ANY(HOSTS));
	if (below(2))
		sl_buf_printf(out,
			"{route: [{destination: {host: %s, subset: %s}, weight: %u}, {destination: "
			"{host: %s}, weight: 50}]}",
			ANY(HOSTS), ANY("v1", "v2", "v9"), below(90), ANY(HOSTS, "none.example"));
	else
		sl_buf_printf(out, "{route: [{destination: {host: %s, port: {number: %s}}}]}",
			ANY(HOSTS), ANY("80", "81"));
	sl_buf_puts(out, "]}");
}

static void
random_object(struct text *t, unsigned i)
{
	static const struct {
		enum sl_kind kind;
		const char *text;
		void (*spec)(struct sl_buf *out);
	} kinds[] = {
		{SL_KIND_SERVICE_ENTRY, "ServiceEntry", random_service_entry},
		{SL_KIND_WORKLOAD_ENTRY, "WorkloadEntry", random_workload_entry},
		{SL_KIND_SERVICE_ENTRY, "ServiceEntry", random_service_entry},
		{SL_KIND_DESTINATION_RULE, "DestinationRule", random_rule},
		{SL_KIND_VIRTUAL_SERVICE, "VirtualService", random_route},
	};
	struct sl_buf out = {0};
	const unsigned k = i % SL_ARRAY_LEN(kinds);

	t->kind = kinds[k].kind;
	snprintf(t->name, sizeof(t->name), "o%u", i);
	snprintf(t->namespace_, sizeof(t->namespace_), "%s", i % 7 == 0 ? "other" : "ns");
	sl_buf_printf(&out,
		"apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {name: %s, namespace: "
		"%s%s}\n"
		"spec: ",
		kinds[k].text, t->name, t->namespace_,
		ANY("", ", creationTimestamp: \"2026-01-02T03:04:05Z\""));
	kinds[k].spec(&out);
	snprintf(t->yaml, sizeof(t->yaml), "%s\n", out.data);
	sl_buf_fini(&out);
}

// ---- a world, and one that is made anew ----

static char color[] = "color", is_red[] = "red";
static const struct sl_label red = {color, is_red};
static const struct sl_mesh_client clients[] = {{.namespace_ = "ns", .locality = "r/z"},
	{.namespace_ = "other"}, {.namespace_ = "ns", .labels = &red, .n_labels = 1}};

static void
configure(struct world *w, unsigned n_clients)
{
	sl_mesh_configure(
		w->mesh, &(struct sl_mesh_cfg){.client = clients, .n_clients = n_clients});
}

// What DNS says of "n0.example" and so on: bits for 198.51.100.1 and so on, NO_SUCH_NAME, or 0,
// which it is only once.
#define NO_SUCH_NAME 16u

struct names {
	const unsigned *said; // [NAMES]
	struct sl_mesh *mesh;
	struct sl_mesh_name *v[2 * NAMES]; // wanted; two policies
	unsigned n;
	bool news;
};

static void
answer(struct names *s, struct sl_mesh_name *name)
{
	const unsigned said = s->said[name->name[1] - '0'];
	struct sl_ip ip[NAMES] = {0};
	struct sl_mesh_answer a = {.ip = ip};

	for (unsigned i = 0; i < NAMES; i++)
		if (said >> i & 1)
			ip[a.n++] = (struct sl_ip){
				.family = AF_INET, .v4 = sl_cpu_to_be32(0xc6336401 + i)};
	a.pending = !said;
	a.why = said == NO_SUCH_NAME ? "there is no such name" : NULL;
	a.first = ip[0];
	s->news |= sl_mesh_name_answer(s->mesh, name, &a);
}

static void
on_name(void *ctx, struct sl_mesh_name *name, bool wanted)
{
	struct names *s = ctx;
	unsigned i = 0;

	if (wanted) {
		s->v[s->n++] = name;
		answer(s, name);
		return;
	}
	while (s->v[i] != name)
		i++;
	s->v[i] = s->v[--s->n];
}

static void
change_answer(struct names *s, unsigned *said)
{
	const unsigned i = below(NAMES);

	said[i] = below(8) ? 1 + below(NO_SUCH_NAME - 1) : NO_SUCH_NAME;
	for (unsigned k = 0; k < s->n; k++)
		answer(s, s->v[k]);
}

// What it brought may have answers already, as with control.
static int
pass(struct world *w, struct names *s)
{
	for (int i = 0; i < 2; i++) {
		SL_TEST_INT(compile(w), 0);
		s->news = false;
		sl_mesh_names(w->mesh, on_name, s);
		if (!s->news)
			break;
	}
	return TEST_SUCCESS;
}

// A slot names one endpoint at a time, over all that workers may still read: what is behind it is
// checked each time it is seen.
struct owner {
	char text[96];
	bool taken;
};

static int
check_owners(const struct world *w, struct owner *owner, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct sl_compile_slot s;
		char text[sizeof(owner->text)];

		if (!sl_compile_slot(w->compile, i, &s))
			continue;
		snprintf(text, sizeof(text), "%s %s %u %x %x", s.namespace_, s.host, s.port, s.addr,
			s.addr_port);
		RTE_TEST_ASSERT(!owner[i].taken || strcmp(owner[i].text, text) == 0,
			"slot %u was given from %s to %s", i, owner[i].text, text);
		strcpy(owner[i].text, text);
		owner[i].taken = true;
	}
	return TEST_SUCCESS;
}

static bool
forget_owner(void *ctx, uint32_t slot)
{
	struct owner *owner = ctx;

	owner[slot].taken = false; // asked last: from here on it may be another's
	return false;
}

// What becomes of a new flow: "RC ADDRESS:PORT CONNECT IDLE", or "-" when no service takes it.
static char *
steer(struct world *w, uint32_t dst, uint16_t port, uint8_t proto, unsigned client,
	const struct sl_fwd_ask *ask)
{
	const struct sl_fwd fwd = {.services = w->published};
	static struct sl_fwd_load load[SLOTS];
	const struct sl_flow_policy *policy;
	struct sl_fwd_choice choice = {0};
	const struct sl_fwd_service *svc;
	uint32_t n;
	int rc;

	svc = sl_fwd_match_vip(&fwd, proto, sl_cpu_to_be32(dst), htons(port), client);
	if (!svc)
		svc = sl_fwd_match_wide(&fwd, proto, sl_cpu_to_be32(dst), htons(port), client);
	if (!svc)
		return sl_xstrdup("-");
	memset(load, 0, sizeof(load));
	rc = sl_fwd_pick(sl_fwd_service_eps(svc), load, ask, &choice);
	if (rc < 0)
		return sl_xasprintf("%d", rc);
	policy = &sl_fwd_policies_all(sl_compile_policies(w->compile), &n)[choice.policy];
	return sl_xasprintf("%x:%u %u %u %d", choice.ep->addr, choice.ep->port, policy->connect,
		policy->idle, choice.cluster_slot != SL_FWD_SLOT_NONE);
}

static int
same_steering(struct world *a, struct world *b)
{
	for (unsigned i = 0; i < 200; i++) {
		const struct sl_fwd_ask ask = {
			.rnd = sl_test_rand(&rnd), .hash = sl_fwd_hash_source(below(100))};
		const uint32_t dst = below(2) ? 0xc0000200 + below(256) : 0xcb007100 + below(256);
		const uint16_t port = (const uint16_t[]){53, 80, 81}[below(3)];
		const uint8_t proto = below(3) ? 6 : 17;
		const unsigned client = below(SL_ARRAY_LEN(clients));
		char *got = steer(a, dst, port, proto, client, &ask);
		char *want = steer(b, dst, port, proto, client, &ask);

		SL_TEST_STR(got, want);
		free(got);
		free(want);
	}
	return TEST_SUCCESS;
}

static int
same_vips(struct world *a, struct world *b)
{
	uint32_t i = 0, k = 0;
	sl_be32 got, want;

	while (sl_compile_next_vip(b->compile, &k, &want)) {
		RTE_TEST_ASSERT(sl_compile_next_vip(a->compile, &i, &got), "a VIP less");
		SL_TEST_INT(got, want);
	}
	RTE_TEST_ASSERT(!sl_compile_next_vip(a->compile, &i, &got), "a VIP more");
	return TEST_SUCCESS;
}

static int
same_world(struct world *w, const struct text *t, unsigned n_clients, const unsigned *said)
{
	char *got, *want, *got_notes, *want_notes;
	struct names names = {.said = said};
	struct world fresh;
	int rc;

	world_init(&fresh, SLOTS);
	configure(&fresh, n_clients);
	for (unsigned i = 0; i < OBJECTS; i++)
		RTE_TEST_ASSERT(put_yaml(&fresh, t[i].yaml), "invalid: %s", t[i].yaml);
	names.mesh = fresh.mesh;
	SL_TEST_INT(pass(&fresh, &names), TEST_SUCCESS);
	got = dump_with(w->published, false);
	want = dump_with(fresh.published, false);
	SL_TEST_STR(got, want);
	got_notes = notes(w);
	want_notes = notes(&fresh);
	SL_TEST_STR(got_notes, want_notes);
	SL_TEST_INT(w->result.endpoints, fresh.result.endpoints);
	SL_TEST_INT(w->result.services, fresh.result.services);
	rc = same_vips(w, &fresh) == TEST_SUCCESS ? same_steering(w, &fresh) : TEST_FAILED;
	free(got);
	free(want);
	free(got_notes);
	free(want_notes);
	world_fini(&fresh);
	return rc;
}

// ---- random changes ----

static int
change_one(struct world *w, struct text *t)
{
	const unsigned i = below(OBJECTS);

	if (t[i].yaml[0] && below(4) == 0) {
		sl_registry_del(w->registry, t[i].kind, t[i].namespace_, t[i].name, SL_ORIGIN_FILE);
		t[i].yaml[0] = '\0';
		return TEST_SUCCESS;
	}
	random_object(&t[i], i);
	RTE_TEST_ASSERT(put_yaml(w, t[i].yaml), "invalid: %s", t[i].yaml);
	return TEST_SUCCESS;
}

static int
everything_goes(struct world *w, struct text *t, struct owner *owner)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (t[i].yaml[0])
			sl_registry_del(
				w->registry, t[i].kind, t[i].namespace_, t[i].name, SL_ORIGIN_FILE);
	SL_TEST_INT(compile(w), 0);
	grace(w);
	sl_compile_reclaim_slots(w->compile, forget_owner, owner, SLOTS);
	SL_TEST_INT(sl_compile_slots_used(w->compile), 0);
	SL_TEST_INT(w->result.endpoints, 0);
	SL_TEST_INT(sl_fwd_services_count(w->published), 0);
	return TEST_SUCCESS;
}

// With few slots many services do not fit: once all do again, what there is is right.
static int
random_changes(uint32_t slots, unsigned rounds, unsigned *unfit)
{
	static struct owner owner[SLOTS];
	static struct text t[OBJECTS];
	unsigned n_clients = SL_ARRAY_LEN(clients), said[NAMES] = {0};
	struct names names = {.said = said};
	struct world w;

	memset(owner, 0, sizeof(owner));
	memset(t, 0, sizeof(t));
	*unfit = 0;
	rnd = sl_test_seed();
	world_init(&w, slots);
	configure(&w, n_clients);
	names.mesh = w.mesh;
	for (unsigned round = 0; round < rounds; round++) {
		const bool answers_only = below(2);

		for (unsigned k = below(3); k > 0; k--)
			change_answer(&names, said);
		for (unsigned k = answers_only ? 0 : 1 + below(3); k > 0; k--)
			if (change_one(&w, t) != TEST_SUCCESS)
				return TEST_FAILED;
		if (below(40) == 0)
			configure(&w, n_clients = 1 + below(SL_ARRAY_LEN(clients)));
		if (w.n_retired > 20 || w.n_old > 40)
			grace(&w);
		if (pass(&w, &names) != TEST_SUCCESS)
			return TEST_FAILED;
		if (w.result.unfit)
			++*unfit;
		else if (same_world(&w, t, n_clients, said) != TEST_SUCCESS)
			return TEST_FAILED;
		if (below(5) == 0)
			grace(&w);
		if (check_owners(&w, owner, slots) != TEST_SUCCESS)
			return TEST_FAILED;
		sl_compile_reclaim_slots(w.compile, forget_owner, owner, below(8));
		sl_compile_retry(w.compile);
	}
	if (everything_goes(&w, t, owner) != TEST_SUCCESS)
		return TEST_FAILED;
	world_fini(&w);
	return TEST_SUCCESS;
}

static int
random_changes_match_a_fresh_build(void)
{
	unsigned unfit;

	if (random_changes(SLOTS, 1500, &unfit) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(unfit, 0);
	return TEST_SUCCESS;
}

static int
what_does_not_fit_is_made_good(void)
{
	unsigned unfit;

	if (random_changes(14, 1500, &unfit) != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(unfit > 20 && unfit < 1480, "unfit after %u of 1500 passes", unfit);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"many keys come and go", many_keys_come_and_go},
	{"random changes match a fresh build", random_changes_match_a_fresh_build},
	{"what does not fit is made good", what_does_not_fit_is_made_good},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
