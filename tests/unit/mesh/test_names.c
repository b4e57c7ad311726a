// Endpoints by the answers of DNS, and which names are asked for (istio-semantics 3.2, 3.16).
#include <stdlib.h>

#include "case.h"
#include "sl_str.h"

#define P80   "ports: [{number: 80, name: p, protocol: TCP}]"
#define DNS   "resolution: DNS, "
#define VIP   "addresses: [192.0.2.1], "
#define A     "hosts: [a.example], " VIP DNS
#define TWO_N "endpoints: [{address: n1.example}, {address: n2.example}]"

static const struct mesh_case rows[] = {
	{"each_host_has_its_own_addresses",
		SE("apis", "{hosts: [a.example, b.example, c.example], " DNS
			   "ports: [{number: 443, name: tls, protocol: TLS}]}"),
		"a.example=198.51.100.1 b.example=198.51.100.2,198.51.100.3?",
		"0.0.0.0/0:443/tcp[3]~ -> 198.51.100.1:443*1@0; "
		"0.0.0.0/0:443/tcp[3]~ -> 198.51.100.2:443*1@0 198.51.100.3:443*1@0; "
		"0.0.0.0/0:443/tcp[3]~ -> (pending)"},
	{"three_names_with_ports_of_their_own",
		SE("foo", "{hosts: [foo.bar.example], " VIP DNS
			  "ports: [{number: 80, name: p, protocol: TCP}], endpoints: ["
			  "{address: us.example, ports: {p: 8080}}, "
			  "{address: uk.example, ports: {p: 9080}}, "
			  "{address: in.example, ports: {p: 7080}}]}"),
		"us.example=198.51.100.1 uk.example=198.51.100.2 in.example=198.51.100.3?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:8080*1@0 198.51.100.2:9080*1@0 "
		"198.51.100.3:7080*1@0"},
	{"every_address_has_the_weight",
		SE("a", "{" A P80 ", endpoints: [{address: n1.example, weight: 3}, {address: "
			"n2.example}]}"),
		"n1.example=198.51.100.1,198.51.100.2 n2.example=198.51.100.9?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*3@0 198.51.100.2:80*3@0 "
		"198.51.100.9:80*1@0"},
	{"one_that_answers_is_enough", SE("a", "{" A P80 ", " TWO_N "}"),
		"n2.example=198.51.100.9?", "192.0.2.1/32:80/tcp[3] -> 198.51.100.9:80*1@0"},
	{"pending_while_any_is", SE("a", "{" A P80 ", " TWO_N "}"), "n1.example!?",
		"192.0.2.1/32:80/tcp[3] -> (pending)"},
	{"known_to_be_empty", SE("a", "{" A P80 ", " TWO_N "}"), "n1.example! n2.example!?",
		"192.0.2.1/32:80/tcp[3] -> (DNS has no address for n1.example: there is no such "
		"name)"},
	{"round_robin_has_the_first",
		SE("a", "{hosts: [a.example], " VIP "resolution: DNS_ROUND_ROBIN, " P80
			", endpoints: [{address: n1.example}]}"),
		"n1.example=198.51.100.7,198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.7:80*1@0"},
	{"addresses_among_names",
		SE("a", "{" A P80 ", endpoints: [{address: 203.0.113.1}, {address: n1.example}]}"),
		"n1.example=198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 203.0.113.1:80*1@0 198.51.100.1:80*1@0"},
	{"addresses_do_not_wait_for_names",
		SE("a", "{" A P80 ", endpoints: [{address: 203.0.113.1}, {address: n1.example}]}"),
		NULL, "192.0.2.1/32:80/tcp[3] -> 203.0.113.1:80*1@0"},
	{"address_twice_counts_once", SE("a", "{" A P80 ", " TWO_N "}"),
		"n1.example=198.51.100.1 n2.example=198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"pooled_by_port_number",
		SE("a", "{" A P80 ", endpoints: [{address: n1.example}]}")
			SE("b", "{hosts: [a.example], " DNS
				"ports: [{number: 80, name: q, protocol: TCP, targetPort: 81}], "
				"endpoints: [{address: n2.example}]}"),
		"n1.example=198.51.100.1 n2.example=198.51.100.2?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0 198.51.100.2:81*1@0"},
	{"selected_name",
		SE("a", "{" A P80 ", workloadSelector: {labels: {app: x}}}")
			WE("w", "{app: x}", "{address: n1.example, weight: 2}"),
		"n1.example=198.51.100.1,198.51.100.2?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*2@0 198.51.100.2:80*2@0"},
	{"selector_without_match", SE("a", "{" A P80 ", workloadSelector: {labels: {app: x}}}"),
		"a.example=198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> (a.example has no endpoint on port 80)"},
	{"subset_of_a_name_that_waits",
		SE("a", "{" A P80 ", endpoints: [{address: n1.example, labels: {v: '1'}}, "
			"{address: n2.example, labels: {v: '2'}}]}")
			DR("d", "{host: a.example, subsets: [{name: one, labels: {v: '1'}}, {name: "
				"two, labels: {v: '2'}}]}")
				VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: "
					"a.example, subset: one}, weight: 10}, {destination: "
					"{host: a.example, subset: two}, weight: 90}]}]}"),
		"n2.example=198.51.100.2?",
		"192.0.2.1/32:80/tcp[3] -> w10: one: (pending) + w90: two: 198.51.100.2:80*1@0"},
	{"ipv6_answer_is_not_served", SE("a", "{" A P80 "}"), "a.example=2001:db8::1?",
		"192.0.2.1/32:80/tcp[3] -> (DNS has no address for a.example that can be used: an "
		"IPv6 endpoint)"},
	{"ipv6_answer_is_left_out", SE("a", "{" A P80 "}"), "a.example=2001:db8::1,198.51.100.1?",
		"192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"loopback_answer_is_not_used", SE("a", "{" A P80 "}"), "a.example=127.0.0.1?",
		"192.0.2.1/32:80/tcp[3] -> (DNS has no address for a.example that can be used: a "
		"loopback address is not reached through a gateway)"},
	{"only_ipv6_is_written", SE("a", "{" A P80 ", endpoints: [{address: '2001:db8::1'}]}"),
		"services", "default/a.example[3] (an IPv6 endpoint)"},
	{"dynamic_dns_is_not_served",
		SE("a", "{hosts: ['*.a.example'], resolution: DYNAMIC_DNS, ports: [{number: 80, "
			"name: p, protocol: HTTP}]}"),
		"services", "default/*.a.example[3] (resolution DYNAMIC_DNS)"},
	{"upper_case_and_dot_are_one_name",
		SE("a", "{" A P80 ", endpoints: [{address: N1.Example}]}"),
		"n1.example=198.51.100.1?", "192.0.2.1/32:80/tcp[3] -> 198.51.100.1:80*1@0"},
	{"explained_while_pending", SE("a", "{" A P80 "}"), "0 192.0.2.1:80",
		"forward default/a.example"},
	{"explained_with_addresses", SE("a", "{" A P80 "}"),
		"a.example=198.51.100.1? 0 192.0.2.1:80",
		"forward default/a.example 198.51.100.1:80"},
	{"explained_without", SE("a", "{" A P80 "}"), "a.example!? 0 192.0.2.1:80",
		"deny: 192.0.2.1 port 80 belongs to default/a.example: DNS has no address for "
		"a.example: there is no such name"},
};

// Who gets a key that is told apart by a name in the traffic.
#define WEB(name, host, eps)                                                                       \
	SE(name, "{hosts: [" host "], " DNS                                                        \
		 "ports: [{number: 80, name: p, protocol: HTTP}], endpoints: [" eps "]}")

static const struct mesh_case keys[] = {
	{"one_name_is_one_way_whatever_it_answers",
		WEB("a", "a.example", "{address: n1.example}")
			WEB("b", "b.example", "{address: N1.example}"),
		"n1.example=198.51.100.1,198.51.100.2? settled",
		"0.0.0.0/0:80/tcp[3]~ -> 198.51.100.1:80*1@0 198.51.100.2:80*1@0"},
	{"one_name_that_is_pending",
		WEB("a", "a.example", "{address: n1.example}")
			WEB("b", "b.example", "{address: n1.example}"),
		"settled", "0.0.0.0/0:80/tcp[3]~ -> (pending)"},
	{"names_that_are_pending_are_two_ways",
		WEB("a", "a.example", "{address: n1.example}")
			WEB("b", "b.example", "{address: n2.example}"),
		"settled", ""},
	{"names_with_one_address_stay_two_ways",
		WEB("a", "a.example", "{address: n1.example}")
			WEB("b", "b.example", "{address: n2.example}"),
		"n1.example=198.51.100.1 n2.example=198.51.100.1? settled", ""},
	{"a_name_is_not_its_address",
		WEB("a", "a.example", "{address: n1.example}")
			WEB("b", "b.example", "{address: 198.51.100.1}"),
		"n1.example=198.51.100.1? settled", ""},
	{"weights_are_ways",
		WEB("a", "a.example", "{address: 198.51.100.1, weight: 2}, {address: 198.51.100.2}")
			WEB("b", "b.example", "{address: 198.51.100.1}, {address: 198.51.100.2}"),
		"settled", ""},
	{"weights_of_names_are_ways",
		WEB("a", "a.example", "{address: n1.example, weight: 2}, {address: n2.example}")
			WEB("b", "b.example", "{address: n1.example}, {address: n2.example}"),
		"settled", ""},
};

static int
test_answers(void)
{
	return mesh_cases(rows, SL_ARRAY_LEN(rows), two_clients());
}

static int
test_keys(void)
{
	return mesh_cases(keys, SL_ARRAY_LEN(keys), two_clients());
}

// ---- over time ----

struct told {
	unsigned n;
	char hosts[512];
};

static void
on_told(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	struct told *t = ctx;

	t->n++;
	if (svc)
		snprintf(t->hosts + strlen(t->hosts), sizeof(t->hosts) - strlen(t->hosts), "%s ",
			svc->host);
}

struct run {
	struct sl_registry *r;
	struct sl_mesh *m;
	struct mesh_wanted wanted;
	struct told told;
};

static void
run_init(struct run *x)
{
	*x = (struct run){.r = sl_registry_new()};
	x->m = sl_mesh_new(x->r);
	sl_mesh_configure(x->m, two_clients());
}

static void
run_fini(struct run *x)
{
	sl_mesh_free(x->m);
	sl_registry_free(x->r);
}

static void
update(struct run *x)
{
	x->told = (struct told){0};
	sl_mesh_update(x->m, on_told, &x->told);
	mesh_follow_names(x->m, &x->wanted);
}

static void
del(struct run *x, const char *name)
{
	sl_registry_del(x->r, SL_KIND_SERVICE_ENTRY, "default", name, SL_ORIGIN_FILE);
}

#define SE_OF(name, host)                                                                          \
	SE(name, "{hosts: [" host "], " DNS P80 ", endpoints: [{address: n1.example}]}")

static int
test_only_those_concerned(void)
{
	struct run x;
	size_t it = 0;

	run_init(&x);
	RTE_TEST_ASSERT(mesh_load(x.r,
				SE_OF("a", "a.example") SE_OF("b", "b.example")
					SE("c", "{hosts: [c.example], " DNS P80 "}"),
				NULL),
		"YAML");
	update(&x);
	SL_TEST_INT(x.wanted.n, 2);
	SL_TEST_INT(mesh_answer(x.m, &x.wanted, "c.example=198.51.100.1"), 1);
	update(&x);
	SL_TEST_STR(x.told.hosts, "c.example ");
	SL_TEST_INT(mesh_answer(x.m, &x.wanted, "c.example=198.51.100.1"), 0);
	update(&x);
	SL_TEST_INT(x.told.n, 0);
	SL_TEST_INT(mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.1"), 1);
	update(&x);
	SL_TEST_INT(x.told.n, 2);

	const struct sl_mesh_service *a = sl_mesh_find(x.m, "default", "a.example");

	SL_TEST_STR(sl_mesh_service_name(a, &it)->name, "n1.example");
	RTE_TEST_ASSERT(!sl_mesh_service_name(a, &it), "a second name");
	RTE_TEST_ASSERT(!a->pending, "pending");
	run_fini(&x);
	return TEST_SUCCESS;
}

// What was handed out holds until the next update, whatever comes in between.
static int
test_old_answers_live_on(void)
{
	const struct sl_mesh_service *svc;
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(mesh_load(x.r, SE_OF("a", "a.example"), NULL), "YAML");
	update(&x);
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.1");
	update(&x);
	svc = sl_mesh_find(x.m, "default", "a.example");
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.2");
	mesh_answer(x.m, &x.wanted, "n1.example!");
	SL_TEST_STR(svc->ep[0].address, "198.51.100.1");
	SL_TEST_STR(svc->ep[0].name, "n1.example");
	update(&x);
	SL_TEST_STR(svc->ep[0].address, "n1.example");
	SL_TEST_STR(svc->ep[0].not_served, "there is no such name");
	RTE_TEST_ASSERT(!svc->pending && !svc->not_served, "pending or not served");
	// What is pending takes nothing back.
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.3");
	RTE_TEST_ASSERT(
		!sl_mesh_name_answer(x.m, x.wanted.v[0], &(struct sl_mesh_answer){.pending = true}),
		"another answer");
	update(&x);
	SL_TEST_STR(svc->ep[0].address, "198.51.100.3");
	run_fini(&x);
	return TEST_SUCCESS;
}

static int
test_shared_by_many(void)
{
	struct sl_buf yaml = {0};
	struct run x;
	size_t n;

	run_init(&x);
	for (unsigned i = 0; i < 100; i++)
		sl_buf_printf(&yaml, SE_OF("s%u", "s%u.example"), i, i);
	RTE_TEST_ASSERT(mesh_load(x.r, yaml.data, NULL), "YAML");
	sl_buf_fini(&yaml);
	update(&x);
	SL_TEST_INT(x.wanted.n, 1);
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.1");
	update(&x);
	SL_TEST_INT(x.told.n, 100);
	SL_TEST_INT(x.wanted.came, 1);
	free(sl_mesh_name_users(x.m, "N1.example.", &n));
	SL_TEST_INT(n, 100);
	for (unsigned i = 0; i < 99; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%u", i);
		del(&x, name);
	}
	update(&x);
	SL_TEST_INT(x.wanted.went, 0);
	del(&x, "s99");
	update(&x);
	SL_TEST_INT(x.wanted.went, 1);
	free(sl_mesh_name_users(x.m, "n1.example", &n));
	SL_TEST_INT(n, 0);
	run_fini(&x);
	return TEST_SUCCESS;
}

// A name that comes back in one go keeps its answer, and was never told as gone; later it is a new
// one.
static int
test_removal_and_return(void)
{
	const struct sl_mesh_service *svc;
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(mesh_load(x.r, SE_OF("a", "a.example"), NULL), "YAML");
	update(&x);
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.1");
	del(&x, "a");
	sl_mesh_update(x.m, NULL, NULL);
	RTE_TEST_ASSERT(mesh_load(x.r, SE_OF("b", "b.example"), NULL), "YAML");
	update(&x);
	SL_TEST_INT(x.wanted.came, 1);
	SL_TEST_INT(x.wanted.went, 0);
	svc = sl_mesh_find(x.m, "default", "b.example");
	SL_TEST_STR(svc->ep[0].address, "198.51.100.1");
	del(&x, "b");
	update(&x);
	SL_TEST_INT(x.wanted.went, 1);
	RTE_TEST_ASSERT(mesh_load(x.r, SE_OF("a", "a.example"), NULL), "YAML");
	update(&x);
	SL_TEST_INT(x.wanted.came, 2);
	RTE_TEST_ASSERT(sl_mesh_find(x.m, "default", "a.example")->pending, "not pending");
	run_fini(&x);
	return TEST_SUCCESS;
}

// ---- policies ----

static struct sl_name_policy
policy_of(const struct run *x, const char *host)
{
	const struct sl_mesh_service *svc = sl_mesh_find(x->m, "default", host);
	size_t it = 0;

	return sl_mesh_service_name(svc, &it)->policy;
}

static int
test_policies(void)
{
	struct sl_name_policy mesh = {.families = SL_NAME_V4 | SL_NAME_V6,
		.strict = true,
		.refresh_min_ns = 2 * SL_NSEC_PER_SEC,
		.refresh_max_ns = 60 * SL_NSEC_PER_SEC};
	struct sl_mesh_cfg cfg = *two_clients();
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(mesh_load(x.r,
				SE_OF("a", "a.example") SE("r",
					"{hosts: [r.example], resolution: DNS_ROUND_ROBIN, " P80
					", endpoints: [{address: n1.example}]}"),
				NULL),
		"YAML");
	update(&x);
	// DNS and DNS_ROUND_ROBIN use one name in two ways.
	SL_TEST_INT(x.wanted.n, 2);
	RTE_TEST_ASSERT(
		policy_of(&x, "r.example").first && !policy_of(&x, "a.example").first, "first");
	SL_TEST_INT(policy_of(&x, "a.example").families, SL_NAME_V4);
	SL_TEST_INT(policy_of(&x, "a.example").refresh_min_ns, SL_NSEC_PER_SEC);
	SL_TEST_INT(policy_of(&x, "a.example").refresh_max_ns, 300 * SL_NSEC_PER_SEC);
	SL_TEST_INT(policy_of(&x, "a.example").max_stale_ns, 3600 * SL_NSEC_PER_SEC);
	mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.2,198.51.100.1");
	update(&x);
	// Another order is another answer for who takes the first.
	SL_TEST_INT(mesh_answer(x.m, &x.wanted, "n1.example=198.51.100.1,198.51.100.2"), 1);
	// Timing alone: what is known goes on.
	cfg.names = &(struct sl_name_policy){.families = SL_NAME_V4,
		.refresh_min_ns = SL_NSEC_PER_SEC,
		.refresh_max_ns = SL_NSEC_PER_SEC};
	sl_mesh_configure(x.m, &cfg);
	update(&x);
	SL_TEST_INT(x.wanted.went, 2);
	SL_TEST_INT(x.wanted.came, 4);
	SL_TEST_INT(sl_mesh_find(x.m, "default", "a.example")->n_eps, 2);
	RTE_TEST_ASSERT(!sl_mesh_find(x.m, "default", "a.example")->pending, "pending");
	// Another family as well: what is known of the first goes on.
	cfg.names = &mesh;
	sl_mesh_configure(x.m, &cfg);
	update(&x);
	SL_TEST_INT(sl_mesh_find(x.m, "default", "a.example")->n_eps, 2);
	RTE_TEST_ASSERT(!sl_mesh_find(x.m, "default", "a.example")->pending, "pending");
	RTE_TEST_ASSERT(policy_of(&x, "a.example").strict, "strict");
	// The same again.
	sl_mesh_configure(x.m, &cfg);
	update(&x);
	SL_TEST_INT(x.told.n, 0);
	// Another question: pending.
	mesh.families = SL_NAME_V6;
	sl_mesh_configure(x.m, &cfg);
	update(&x);
	RTE_TEST_ASSERT(sl_mesh_find(x.m, "default", "a.example")->pending, "not pending");
	run_fini(&x);
	return TEST_SUCCESS;
}

// What an object says itself goes before, and bends what does not fit to it.
static int
test_own_policy(void)
{
	static const struct {
		struct sl_se_names own;
		struct sl_name_policy want;
	} cases[] = {
		{{{.families = SL_NAME_V6}, .given = SL_SE_NAMES_FAMILIES},
			{SL_NAME_V6, false, false, SL_NSEC_PER_SEC, 300 * SL_NSEC_PER_SEC,
				3600 * SL_NSEC_PER_SEC}},
		{{{.strict = true, .max_stale_ns = 5},
			 .given = SL_SE_NAMES_STRICT | SL_SE_NAMES_STALE},
			{SL_NAME_V4, true, false, SL_NSEC_PER_SEC, 300 * SL_NSEC_PER_SEC, 5}},
		{{{.refresh_min_ns = 600 * SL_NSEC_PER_SEC}, .given = SL_SE_NAMES_MIN},
			{SL_NAME_V4, false, false, 600 * SL_NSEC_PER_SEC, 600 * SL_NSEC_PER_SEC,
				3600 * SL_NSEC_PER_SEC}},
		{{{.refresh_max_ns = SL_NSEC_PER_SEC / 2}, .given = SL_SE_NAMES_MAX},
			{SL_NAME_V4, false, false, SL_NSEC_PER_SEC / 2, SL_NSEC_PER_SEC / 2,
				3600 * SL_NSEC_PER_SEC}},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
		struct run x;

		run_init(&x);
		RTE_TEST_ASSERT(mesh_load(x.r, SE_OF("a", "a.example"), NULL), "YAML");
		sl_registry_find(x.r, SL_KIND_SERVICE_ENTRY, "default", "a")->se.names =
			cases[i].own;
		update(&x);

		const struct sl_name_policy got = policy_of(&x, "a.example");

		SL_TEST_INT(got.families, cases[i].want.families);
		SL_TEST_INT(got.strict, cases[i].want.strict);
		SL_TEST_INT(got.refresh_min_ns, cases[i].want.refresh_min_ns);
		SL_TEST_INT(got.refresh_max_ns, cases[i].want.refresh_max_ns);
		SL_TEST_INT(got.max_stale_ns, cases[i].want.max_stale_ns);
		run_fini(&x);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"answers", test_answers},
		{"keys", test_keys},
		{"only those concerned", test_only_those_concerned},
		{"old answers live on", test_old_answers_live_on},
		{"shared by many", test_shared_by_many},
		{"removal and return", test_removal_and_return},
		{"policies", test_policies},
		{"own policy", test_own_policy},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
