// What the mesh tells, as workers get it: variants by client group, CIDRs and any address, splits,
// original destinations, policies, limits, warmup, priorities. From YAML to the table.
#include <errno.h>

#include "sl_buf.h"
#include "world.h"

#define OBJECT(kind, name, spec)                                                                   \
	"---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name          \
	", namespace: ns}\nspec: " spec "\n"
#define SE(name, spec) OBJECT("ServiceEntry", name, "{resolution: STATIC, " spec "}")
#define DR(name, spec) OBJECT("DestinationRule", name, "{" spec "}")
#define VS(name, spec) OBJECT("VirtualService", name, "{" spec "}")

#define HOST(h) "hosts: [" h ".example], "
#define VIP(n)  "addresses: [192.0.2." n "], "
#define TCP80   "ports: [{number: 80, name: p, protocol: TCP}], "
#define HTTP80  "ports: [{number: 80, name: p, protocol: HTTP}], "
#define TO(n)   "endpoints: [{address: 198.51.100." n "}]"
#define V(n, v) "{address: 198.51.100." n ", labels: {version: " v "}}"

// Group 0 is in a place, 1 and 2 are of another namespace.
static char color[] = "color", is_red[] = "red";
static const struct sl_label red = {color, is_red};
static const struct sl_mesh_client clients[] = {{.namespace_ = "ns", .locality = "r/z"},
	{.namespace_ = "other"}, {.namespace_ = "other", .labels = &red, .n_labels = 1}};

static void
mesh_world(struct world *w, uint32_t max_endpoints, uint32_t n_workers)
{
	world_init_workers(w, max_endpoints, n_workers);
	sl_mesh_configure(w->mesh,
		&(struct sl_mesh_cfg){.client = clients, .n_clients = SL_ARRAY_LEN(clients)});
}

#define ANY80 "any address, port 80/tcp"
#define MIXED(with)                                                                                \
	ANY80 " is wanted by ServiceEntry ns/" with                                                \
	      " too, and the name in the traffic (HTTP Host, TLS SNI) that would tell them apart " \
	      "is not read yet: served to neither"

static const struct {
	const char *name, *yaml, *table, *notes;
} rows[] = {
	{"all client groups alike", SE("a", HOST("a") VIP("1") TCP80 TO("1")),
		"192.0.2.1:80/tcp[7]{198.51.100.1:80*1#0}", NULL},
	{"exported to some", SE("a", HOST("a") VIP("1") TCP80 "exportTo: [other], " TO("1")),
		"192.0.2.1:80/tcp[6]{198.51.100.1:80*1#0}", NULL},
	{"one key, other clients: no conflict",
		SE("a", HOST("a") VIP("1") TCP80 "exportTo: [\".\"], " TO("1"))
			SE("b", HOST("b") VIP("1") TCP80 "exportTo: [other], " TO("2")),
		"192.0.2.1:80/tcp{198.51.100.1:80*1#0} 192.0.2.1:80/tcp[6]{198.51.100.2:80*1#1}",
		NULL},
	{"the first has some of the clients, the second the rest",
		SE("a", HOST("a") VIP("1") TCP80 "exportTo: [\".\"], " TO("1"))
			SE("b", HOST("b") VIP("1") TCP80 TO("2")),
		"192.0.2.1:80/tcp{198.51.100.1:80*1#0} 192.0.2.1:80/tcp[6]{198.51.100.2:80*1#1}",
		"a:5: spec.addresses[0]: 192.0.2.1 port 80/tcp is wanted by ServiceEntry ns/b too: "
		"this one comes first and has it; b:10: spec.addresses[0]: 192.0.2.1 port 80/tcp "
		"belongs to ServiceEntry ns/a, which is first in service order: not served here to "
		"some of the clients"},
	{"the route of one client group",
		SE("a", HOST("a") VIP("1") TCP80 TO("1")) SE(
			"b", HOST("b") VIP("2") TCP80 TO("2")) VS("a",
			"hosts: [a.example], exportTo: [\".\"], tcp: [{route: [{destination: "
			"{host: b.example}}]}]"),
		"192.0.2.1:80/tcp{198.51.100.2:80*1#0} 192.0.2.1:80/tcp[6]{198.51.100.1:80*1#1} "
		"192.0.2.2:80/tcp[7]{198.51.100.2:80*1#0}",
		NULL},
	{"CIDRs and any address",
		SE("a", HOST("a") "addresses: [192.0.2.0/24, 192.0.2.0/25], " TCP80 TO("1"))
			SE("b", HOST("b") TCP80 TO("2")),
		"192.0.2.0/25:80/tcp[7]{198.51.100.1:80*1#0} "
		"192.0.2.0/24:80/tcp[7]{198.51.100.1:80*1#0} "
		"0.0.0.0/0:80/tcp[7]{198.51.100.2:80*1#1}",
		NULL},
	{"two on any address, told apart by names",
		SE("a", HOST("a") HTTP80 TO("1")) SE("b", HOST("b") HTTP80 TO("2")), "",
		"a:5: spec.ports[0]: " MIXED("b") "; b:10: spec.ports[0]: " MIXED("a")},
	{"two names of the same endpoints",
		SE("a", HOST("a") HTTP80 TO("1")) SE("b", HOST("b") HTTP80 TO("1")),
		"0.0.0.0/0:80/tcp[7]{198.51.100.1:80*1#0}",
		"a:5: spec.ports[0]: " ANY80 " is wanted by ServiceEntry ns/b too: this one comes "
		"first and has it; b:10: spec.ports[0]: " ANY80
		" belongs to ServiceEntry ns/a, which is first in service order: not served here"},
	{"by name after what takes it whole",
		SE("a", HOST("a") HTTP80 TO("1")) SE("b", HOST("b") TCP80 TO("2")),
		"0.0.0.0/0:80/tcp[7]{198.51.100.2:80*1#0}",
		"a:5: spec.ports[0]: " ANY80
		" belongs to ServiceEntry ns/b, which takes it whole, by "
		"no name: not served here; b:10: spec.ports[0]: " ANY80
		" is wanted by ServiceEntry ns/a too: this one comes first and has it"},
	{"a split over subsets",
		SE("a", HOST("a") VIP("1") TCP80 "endpoints: [" V("1", "v1") ", " V("2", "v2") "]")
			DR("a", "host: a.example, subsets: [{name: v1, labels: {version: v1}}, "
				"{name: v2, labels: {version: v2}}, {name: v3, labels: {version: "
				"v3}}]")
				VS("a", "hosts: [a.example], tcp: [{route: [{destination: {host: "
					"a.example, subset: v1}, weight: 90}, {destination: {host: "
					"a.example, subset: v2}, weight: 5}, {destination: {host: "
					"a.example, subset: v3}, weight: 5}]}]"),
		"192.0.2.1:80/tcp[7]{198.51.100.1:80*1#0|198.51.100.2:80*1#1|}", NULL},
	{"original destination",
		OBJECT("ServiceEntry", "a",
			"{hosts: [a.example], addresses: [192.0.2.1, 192.0.2.0/24], ports: "
			"[{number: "
			"80, name: p, protocol: TCP, targetPort: 81}]}"),
		"192.0.2.1:80/tcp[7]{0.0.0.0:81*1#0} 192.0.2.0/24:80/tcp[7]{0.0.0.0:81*1#0}", NULL},
	{"nothing behind a subset that is in no rule",
		SE("a", HOST("a") VIP("1") TCP80 TO("1")) VS("a",
			"hosts: [a.example], tcp: [{route: [{destination: {host: a.example, "
			"subset: v9}}]}]"),
		"192.0.2.1:80/tcp[7]{}", NULL},
};

static int
tables(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct world w;
		char *table, *got_notes;

		mesh_world(&w, 64, 1);
		RTE_TEST_ASSERT(put_yaml(&w, rows[i].yaml), "%s: invalid YAML", rows[i].name);
		SL_TEST_INT(compile(&w), 0);
		table = dump(w.published);
		got_notes = notes_of(&w, true);
		RTE_TEST_ASSERT(strcmp(table, rows[i].table) == 0, "%s: %s", rows[i].name, table);
		RTE_TEST_ASSERT(strcmp(got_notes, rows[i].notes ? rows[i].notes : "") == 0,
			"%s: %s", rows[i].name, got_notes);
		free(table);
		free(got_notes);
		world_fini(&w);
	}
	return TEST_SUCCESS;
}

// What is lost at any address is still served at a virtual IP, and the remark says so; hosts of one
// entry are no other entry.
static int
virtual_ips_are_said(void)
{
	static const char *const words[] = {
		MIXED("b") "; its virtual IP is served",
		"is wanted by another host of the entry too, ",
	};
	const struct sl_mesh_cfg cfg = {.client = clients,
		.n_clients = SL_ARRAY_LEN(clients),
		.auto_vip4 = {{AF_INET, {.v4 = sl_cpu_to_be32(0xf0f00000)}}, 16}};
	static const char two_hosts[] = OBJECT(
		"ServiceEntry", "c", "{hosts: [c.example, d.example], " HTTP80 "resolution: DNS}");
	struct world w;
	char *notes;

	world_init_workers(&w, 64, 1);
	sl_mesh_configure(w.mesh, &cfg);
	RTE_TEST_ASSERT(
		put_yaml(&w, SE("a", HOST("a") HTTP80 TO("1")) SE("b", HOST("b") HTTP80 TO("2"))),
		"YAML");
	SL_TEST_INT(compile(&w), 0);
	notes = notes_of(&w, true);
	RTE_TEST_ASSERT(strstr(notes, words[0]), "%s", notes);
	free(notes);
	world_fini(&w);
	world_init_workers(&w, 64, 1);
	sl_mesh_configure(w.mesh, &cfg);
	RTE_TEST_ASSERT(put_yaml(&w, two_hosts), "YAML");
	SL_TEST_INT(compile(&w), 0);
	notes = notes_of(&w, true);
	RTE_TEST_ASSERT(strstr(notes, words[1]), "%s", notes);
	free(notes);
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- VIPs that are ours ----

static int
vips_are_of_exact_keys_with_endpoints(void)
{
	uint32_t it = 0;
	struct world w;
	sl_be32 vip;

	mesh_world(&w, 64, 1);
	RTE_TEST_ASSERT(
		put_yaml(&w,
			SE("a", HOST("a") "addresses: [192.0.2.1, 192.0.2.64/26], " TCP80 TO(
					"1")) SE("any",
				HOST("any") "ports: [{number: 443, name: p, protocol: TCP}], " TO(
					"1")) OBJECT("ServiceEntry", "o",
				"{hosts: [o.example], addresses: "
				"[192.0.2.2], ports: [{number: 80, name: p, protocol: TCP}]}")
				SE("c", HOST("c") VIP("3") TCP80 TO("1"))),
		"invalid YAML");
	SL_TEST_INT(compile(&w), 0);
	for (uint32_t n = 0; n < 2; n++) {
		RTE_TEST_ASSERT(sl_compile_next_vip(w.compile, &it, &vip), "VIP %u is missing", n);
		SL_TEST_INT(sl_be32_to_cpu(vip), 0xc0000201 + 2 * n);
	}
	RTE_TEST_ASSERT(!sl_compile_next_vip(w.compile, &it, &vip), "one more: %x", vip);
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- sets: compared with the one that they should be ----

static const struct sl_fwd_eps *
eps_of(const struct world *w, unsigned vip, unsigned client)
{
	const struct sl_fwd_key key = {
		.vip = sl_cpu_to_be32(0xc0000200 + vip), .port = htons(80), .proto = 6, .len = 32};
	const struct sl_fwd_service *svc = sl_fwd_services_find(w->published, &key, client);

	return svc ? sl_fwd_service_eps(svc) : NULL;
}

static bool
is_set(const struct sl_fwd_eps *got, const struct sl_fwd_eps_spec *want)
{
	struct sl_fwd_eps *eps = sl_fwd_eps_new(want);
	const bool same = got && eps && sl_fwd_eps_equal(got, eps);

	sl_fwd_eps_put(eps);
	return same;
}

#define EP(n, slot_)                                                                               \
	{                                                                                          \
		.addr = sl_cpu_to_be32(0xc6336400 + (n)), .port = sl_cpu_to_be16(80), .weight = 1, \
		.slot = (slot_)                                                                    \
	}

// Three endpoints; in the order of slots: far, then the two that are near.
#define PLACED                                                                                     \
	SE("a", HOST("a") VIP("1") TCP80                                                           \
		"endpoints: [{address: 198.51.100.3, locality: far}, {address: 198.51.100.2, "     \
		"locality: r/z}, {address: 198.51.100.1, locality: r/z}]")
#define RULE(spec) PLACED DR("r", "host: a.example, trafficPolicy: {" spec "}")
#define FLAT       .ep = flat, .n = 3, .group = one, .n_groups = 1, .policy = 1
#define NEAR_FIRST .ep = near_first, .n = 3, .policy = 1
#define UNCOUNTED  .cluster_slot = SL_FWD_SLOT_NONE

static int
sets(void)
{
	const struct sl_fwd_ep flat[] = {EP(1, 2), EP(2, 1), EP(3, 0)};
	const struct sl_fwd_ep near_first[] = {EP(1, 1), EP(2, 0), EP(3, 2)};
	const struct sl_fwd_ep far_first[] = {EP(3, 0), EP(1, 2), EP(2, 1)};
	static const struct sl_fwd_group one[] = {{.n = 3, .weight = 1}};
	static const struct sl_fwd_group failover[] = {
		{.n = 2, .weight = 1}, {.n = 1, .weight = 1, .priority = 1}};
	static const struct sl_fwd_group share[] = {{.n = 1, .weight = 20}, {.n = 2, .weight = 80}};
	static const uint64_t since[] = {5000, 5000, 5000};
	const struct {
		const char *name, *yaml;
		struct sl_fwd_eps_spec set;
	} row[] = {
		{"as it is", PLACED, {FLAT, UNCOUNTED}},
		{"random", RULE("loadBalancer: {simple: RANDOM}"),
			{FLAT, UNCOUNTED, .algo = SL_FWD_RANDOM}},
		{"round robin keeps its turn with the cluster",
			RULE("loadBalancer: {simple: ROUND_ROBIN}"),
			{FLAT, .cluster_slot = 3, .algo = SL_FWD_ROUND_ROBIN}},
		{"by source address",
			RULE("loadBalancer: {consistentHash: {useSourceIp: true, maglev: "
			     "{tableSize: "
			     "251}}}"),
			{FLAT, UNCOUNTED, .algo = SL_FWD_MAGLEV, .table_size = 251}},
		{"a ring",
			RULE("loadBalancer: {consistentHash: {useSourceIp: true, ringHash: "
			     "{minimumRingSize: 64}}}"),
			{FLAT, UNCOUNTED, .algo = SL_FWD_RING_HASH, .table_size = 64}},
		{"a header is not there at L4",
			RULE("loadBalancer: {consistentHash: {httpHeaderName: x}}"),
			{FLAT, UNCOUNTED, .algo = SL_FWD_RANDOM}},
		{"a share of the connections for each of 4 workers",
			RULE("connectionPool: {tcp: {maxConnections: 10}}"),
			{FLAT, .cluster_slot = 3, .max_flows = 3}},
		{"one connection", RULE("connectionPool: {tcp: {maxConnections: 1}}"),
			{FLAT, .cluster_slot = 3, .max_flows = 1}},
		{"failover",
			RULE("outlierDetection: {consecutive5xxErrors: 3, minHealthPercent: 30}"),
			{NEAR_FIRST, .group = failover, .n_groups = 2, .min_health_percent = 30,
				UNCOUNTED}},
		{"shares of localities",
			RULE("loadBalancer: {localityLbSetting: {distribute: [{from: r/*, to: "
			     "{r/z: "
			     "80, far: 20}}]}}"),
			{.ep = far_first,
				.n = 3,
				.policy = 1,
				.group = share,
				.n_groups = 2,
				.locality_weighted = true,
				UNCOUNTED}},
		{"warmup",
			RULE("loadBalancer: {simple: LEAST_REQUEST, warmup: {duration: 30s, "
			     "minimumPercent: 20, aggression: 2}}"),
			{FLAT, UNCOUNTED, .warmup_ns = 30 * SL_NSEC_PER_SEC,
				.warmup_min_percent = 20, .warmup_aggression = 2,
				.since_ns = since}},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct world w;
		char *text;

		mesh_world(&w, 64, 4);
		w.now_ns = since[0];
		RTE_TEST_ASSERT(put_yaml(&w, row[i].yaml), "%s: invalid YAML", row[i].name);
		SL_TEST_INT(compile(&w), 0);
		text = dump(w.published);
		RTE_TEST_ASSERT(is_set(eps_of(&w, 1, 0), &row[i].set), "%s: another set: %s",
			row[i].name, text);
		free(text);
		world_fini(&w);
	}
	return TEST_SUCCESS;
}

// An endpoint warms up from when it came, or became healthy; others go on as they were.
static int
warmup_begins_with_the_endpoint(void)
{
#define WARM                                                                                       \
	DR("r", "host: a.example, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST, warmup: "  \
		"{duration: 30s}}}")
	const struct sl_fwd_ep ep[] = {EP(1, 0), EP(2, 1)};
	static const struct sl_fwd_group one[] = {{.n = 2, .weight = 1}};
	static const uint64_t since[] = {1000, 2000};
	const struct sl_fwd_eps_spec want = {.ep = ep,
		.n = 2,
		.group = one,
		.n_groups = 1,
		.policy = 1,
		.cluster_slot = SL_FWD_SLOT_NONE,
		.warmup_ns = 30 * SL_NSEC_PER_SEC,
		.warmup_min_percent = 10,
		.warmup_aggression = 1,
		.since_ns = since};
	struct world w;

	mesh_world(&w, 64, 1);
	w.now_ns = 1000;
	RTE_TEST_ASSERT(put_yaml(&w, SE("a", HOST("a") VIP("1") TCP80 TO("1")) WARM), "YAML");
	SL_TEST_INT(compile(&w), 0);
	w.now_ns = 2000;
	RTE_TEST_ASSERT(
		put_yaml(&w,
			SE("a", HOST("a") VIP("1") TCP80
				"endpoints: [{address: 198.51.100.1}, {address: 198.51.100.2}]")),
		"YAML");
	SL_TEST_INT(compile(&w), 0);
	RTE_TEST_ASSERT(is_set(eps_of(&w, 1, 0), &want), "since when");
	w.now_ns = 3000;
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(w.result.swapped, 0);
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- policies: indexes are for ever ----

#define TIMEOUT(name, host, s)                                                                     \
	DR(name, "host: " host                                                                     \
		 ".example, trafficPolicy: {connectionPool: {tcp: {connectTimeout: " s             \
		 "s, idleTimeout: 60s, maxConnectionDuration: 90s}}}")

static int
policies_are_interned_and_stable(void)
{
	struct sl_fwd_policies *first;
	const struct sl_flow_policy *v, *old;
	struct world w;
	uint32_t n;

	mesh_world(&w, 64, 1);
	RTE_TEST_ASSERT(put_yaml(&w, SE("a", HOST("a") VIP("1") TCP80 TO("1"))
					     SE("b", HOST("b") VIP("2") TCP80 TO("2")) SE(
						     "c", HOST("c") VIP("3") TCP80 TO("3"))
						     TIMEOUT("a", "a", "5") TIMEOUT("b", "b", "5")),
		"YAML");
	SL_TEST_INT(compile(&w), 0);
	first = sl_fwd_policies_get(sl_compile_policies(w.compile));
	v = sl_fwd_policies_all(first, &n);
	SL_TEST_INT(n, 3); // none, that of a and b, that of c
	SL_TEST_INT(v[1].connect, (5 * SL_NSEC_PER_SEC >> SL_FLOW_TICK_SHIFT) + 1); // rounded up
	RTE_TEST_ASSERT(v[1].idle > v[1].connect && v[1].max_age > v[1].idle, "other timeouts");
	RTE_TEST_ASSERT(v[2].connect > v[1].connect && v[2].idle == 0 && v[2].max_age == 0,
		"the mesh's policy");

	// Gone, and back: the same indexes, nothing new.
	sl_registry_del(w.registry, SL_KIND_DESTINATION_RULE, "ns", "a", SL_ORIGIN_FILE);
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(w.result.swapped, 1);
	SL_TEST_INT(w.result.table_changed, false);
	RTE_TEST_ASSERT(put_yaml(&w, TIMEOUT("a", "a", "5")), "YAML");
	SL_TEST_INT(compile(&w), 0);
	RTE_TEST_ASSERT(sl_compile_policies(w.compile) == first, "a new part for nothing");

	// One more, with a table that goes out with it: no worker sees an index before its policy.
	RTE_TEST_ASSERT(put_yaml(&w, TIMEOUT("a", "a", "7")), "YAML");
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(w.result.table_changed, true);
	v = sl_fwd_policies_all(sl_compile_policies(w.compile), &n);
	SL_TEST_INT(n, 4);
	old = sl_fwd_policies_all(first, &n);
	RTE_TEST_ASSERT(memcmp(v, old, n * sizeof(*v)) == 0, "an index has another policy");
	sl_fwd_policies_put(first);
	world_fini(&w);
	return TEST_SUCCESS;
}

// A service of 256 ports, each with an idle timeout of its own; all others in the next round.
static char *
round_of_timeouts(uint32_t round)
{
	struct sl_buf b = {0};

	sl_buf_puts(&b, "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
			"metadata: {name: t, namespace: ns}\n"
			"spec: {host: a.example, trafficPolicy: {portLevelSettings: [");
	for (uint32_t i = 1; i <= 256; i++)
		sl_buf_printf(&b,
			"{port: {number: %u}, connectionPool: {tcp: {idleTimeout: %us}}},", i,
			round * 256 + i);
	sl_buf_puts(&b, "]}}\n");
	return sl_buf_take(&b);
}

static int
put_round(struct world *w, uint32_t round)
{
	char *yaml = round_of_timeouts(round);
	const bool ok = put_yaml(w, yaml);

	free(yaml);
	grace(w);
	return ok ? compile(w) : -EINVAL;
}

static int
policies_that_run_out_stop_nothing(void)
{
	struct sl_buf b = {0};
	struct world w;
	uint32_t n, before, round = 0;

	mesh_world(&w, 1024, 1);
	sl_buf_puts(&b, "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			"metadata: {name: a, namespace: ns}\nspec: {hosts: [a.example], "
			"addresses: [192.0.2.1], resolution: STATIC, "
			"endpoints: [{address: 198.51.100.1}], ports: [");
	for (uint32_t i = 1; i <= 256; i++)
		sl_buf_printf(&b, "{number: %u, name: p%u, protocol: TCP},", i, i);
	sl_buf_puts(&b, "]}\n");
	sl_buf_putc(&b, '\0');
	RTE_TEST_ASSERT(put_yaml(&w, b.data), "YAML");
	sl_buf_fini(&b);
	do {
		RTE_TEST_ASSERT_SUCCESS(put_round(&w, round), "round %u", round);
		sl_fwd_policies_all(sl_compile_policies(w.compile), &n);
	} while (w.result.without_policy == 0 && ++round < 300);
	SL_TEST_INT(n, UINT16_MAX); // which no flow may have: none
	before = w.result.without_policy;
	RTE_TEST_ASSERT(before > 0 && before < 256, "the last round is not cut: %u", before);

	// The next ones have none, those of before theirs, and what changes besides is published.
	RTE_TEST_ASSERT_SUCCESS(put_round(&w, round + 1), "no index left");
	SL_TEST_INT(w.result.without_policy, 256);
	RTE_TEST_ASSERT_SUCCESS(put_round(&w, 3), "indexes of before");
	SL_TEST_INT(w.result.without_policy, 0);
	RTE_TEST_ASSERT(put_yaml(&w, SE("b", HOST("b") VIP("2") TCP80 TO("2"))), "YAML");
	SL_TEST_INT(compile(&w), 0);
	SL_TEST_INT(w.result.added, 1);
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- clusters ----

// All that reach a service port count against one limit; another subset has its own.
static int
a_limit_is_of_the_cluster(void)
{
	const struct sl_fwd_eps *split;
	uint32_t slot;
	struct world w;

	mesh_world(&w, 64, 1);
	RTE_TEST_ASSERT(
		put_yaml(&w,
			SE("a", HOST("a") "addresses: [192.0.2.1, 192.0.2.2], " TCP80
					  "endpoints: [" V("1", "v1") ", " V("2", "v2") "]")
				SE("b", HOST("b") VIP("3") TCP80 TO("3")) VS("b",
					"hosts: [b.example], tcp: [{route: [{destination: {host: "
					"a.example}, weight: 1}, {destination: {host: a.example, "
					"subset: v1}, weight: 1}]}]")
					DR("r", "host: a.example, subsets: [{name: v1, labels: "
						"{version: v1}}], trafficPolicy: {connectionPool: "
						"{tcp: {maxConnections: 5}}}")),
		"YAML");
	SL_TEST_INT(compile(&w), 0);
	slot = sl_fwd_eps_cluster_slot(eps_of(&w, 1, 0));
	RTE_TEST_ASSERT(slot != SL_FWD_SLOT_NONE, "no slot for the limit");
	RTE_TEST_ASSERT(!sl_compile_slot(w.compile, slot, &(struct sl_compile_slot){0}),
		"a cluster is no endpoint");
	SL_TEST_INT(sl_fwd_eps_cluster_slot(eps_of(&w, 2, 2)), slot);
	split = eps_of(&w, 3, 0);
	SL_TEST_INT(sl_fwd_eps_parts(split), 2);
	SL_TEST_INT(sl_fwd_eps_cluster_slot(sl_fwd_eps_part(split, 0)), slot);
	RTE_TEST_ASSERT(sl_fwd_eps_cluster_slot(sl_fwd_eps_part(split, 1)) != slot,
		"the subset has the service's");
	world_fini(&w);
	return TEST_SUCCESS;
}

// ---- what no service takes ----

static int
unknown_destinations(void)
{
	struct sl_compile_slot slot;
	struct sl_fwd_eps *eps;
	struct world w;

	mesh_world(&w, 2, 1);
	eps = sl_compile_unknown(w.compile);
	RTE_TEST_ASSERT(eps && sl_compile_unknown(w.compile) == eps, "not one and the same");
	SL_TEST_INT(sl_fwd_eps_count(eps), 1);
	SL_TEST_INT(sl_fwd_eps_at(eps, 0)->addr, 0);
	SL_TEST_INT(sl_fwd_eps_at(eps, 0)->port, 0);
	RTE_TEST_ASSERT(sl_compile_slot(w.compile, sl_fwd_eps_at(eps, 0)->slot, &slot), "slot");
	SL_TEST_STR(slot.host, "PassthroughCluster");
	world_fini(&w);

	mesh_world(&w, 1, 1);
	RTE_TEST_ASSERT(put_yaml(&w, SE("a", HOST("a") VIP("1") TCP80 TO("1"))), "YAML");
	SL_TEST_INT(compile(&w), 0);
	errno = 0;
	RTE_TEST_ASSERT(!sl_compile_unknown(w.compile) && errno == ENOSPC, "errno %d", errno);
	world_fini(&w);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"tables", tables},
	{"virtual IPs are said", virtual_ips_are_said},
	{"VIPs are of exact keys with endpoints", vips_are_of_exact_keys_with_endpoints},
	{"sets", sets},
	{"warmup begins with the endpoint", warmup_begins_with_the_endpoint},
	{"policies are interned and stable", policies_are_interned_and_stable},
	{"policies that run out stop nothing", policies_that_run_out_stop_nothing},
	{"a limit is of the cluster", a_limit_is_of_the_cluster},
	{"unknown destinations", unknown_destinations},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
