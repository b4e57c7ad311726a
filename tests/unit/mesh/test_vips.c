// Virtual IPs: who gets which, whatever the order and the history.
#include "case.h"
#include "sl_mesh_hosts.h"
#include "sl_str.h"

#define STATUS(meta, status, spec)                                                                 \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {" meta            \
	"}\nstatus: " status "\nspec: " spec "\n"
#define PORTS             "resolution: STATIC, ports: [{number: 80, name: p, protocol: TCP}]"
#define EPS               "endpoints: [{address: 198.51.100.1}]"
#define PLAIN(name, host) SE(name, "{hosts: [" host "], " PORTS ", " EPS "}")
#define AT(host, ip)      "{addresses: [{host: " host ", value: " ip "}]}"

static struct sl_mesh_cfg
config(const char *v4, const char *v6)
{
	struct sl_mesh_cfg cfg = *two_clients();

	if (v4)
		sl_prefix_parse(v4, &cfg.auto_vip4);
	if (v6)
		sl_prefix_parse(v6, &cfg.auto_vip6);
	return cfg;
}

// The first rows' addresses were computed apart, in another language, from what 0011 says.
// ---- rows: "NAMESPACE/HOST=IPv4 IPv6", in service order ----

static char *
vips_text(struct sl_mesh *m)
{
	struct sl_buf out = {0};
	const struct sl_mesh_service *svc;
	char text[SL_IP_STRLEN];

	for (size_t it = 0; sl_mesh_next(m, &it, &svc);) {
		sl_buf_printf(&out, "%s%s/%s=", out.len ? "; " : "", svc->namespace_, svc->host);
		for (unsigned f = 0; f < 2; f++)
			if (svc->auto_vip[f].family)
				sl_buf_printf(&out, "%s%s", f ? " " : "",
					sl_ip_str(&svc->auto_vip[f], text));
	}
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

static void
put_host(void *ctx, const struct sl_mesh_host_row *row)
{
	struct sl_buf *out = ctx;
	char text[SL_IP_STRLEN];

	sl_buf_printf(out, "%s%s[%llx]", out->len ? "; " : "", row->host,
		(unsigned long long)row->clients);
	for (uint32_t i = 0; i < row->n; i++)
		sl_buf_printf(out, " %s", sl_ip_str(&row->ip[i], text));
}

static char *
hosts_text(struct sl_mesh *m, bool ipv6)
{
	struct sl_buf out = {0};

	sl_mesh_hosts(m, ipv6, put_host, &out);
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

struct row {
	const char *name;
	const char *v4, *v6; // ranges
	const char *yaml;
	const char *want;
};

#define V4 "240.240.0.0/16"
#define V6 "2001:2::/48"

static const struct row rows[] = {
	{"vectors", V4, V6,
		PLAIN("a", "a.example.com")
			SE_IN("b", "a", "{hosts: [a.example.com], " PORTS ", " EPS "}")
				SE_IN("b", "w", "{hosts: [www.example.com], " PORTS ", " EPS "}"),
		"b/a.example.com=240.240.178.123 2001:2::3:b27b; "
		"default/a.example.com=240.240.180.202 2001:2::2:b4ca; "
		"b/www.example.com=240.240.228.60 2001:2::1:e43c"},
	{"no range, no virtual IP", NULL, NULL, PLAIN("a", "a.example.com"),
		"default/a.example.com="},
	{"one family", NULL, V6, PLAIN("a", "a.example.com"),
		"default/a.example.com= 2001:2::2:b4ca"},
	{"not with addresses, NONE, DYNAMIC_DNS, a wildcard, the label", V4, V6,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], " PORTS ", " EPS "}") SE("b",
			"{hosts: [b.example], resolution: NONE, ports: [{number: 80, name: p, "
			"protocol: TCP}]}") SE("c",
			"{hosts: ['*.c.example'], resolution: DYNAMIC_DNS, ports: [{number: 80, "
			"name: p, protocol: TLS}]}") SE("d",
			"{hosts: ['*.d.example'], " PORTS ", " EPS "}") OBJ("ServiceEntry",
			"name: e, labels: {networking.istio.io/enable-autoallocate-ip: 'false'}",
			"{hosts: [e.example], " PORTS ", " EPS "}"),
		"default/*.c.example=; default/*.d.example=; default/a.example=; "
		"default/b.example=; default/e.example="},
	{"status wins, in the range and outside", V4, NULL,
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}") STATUS("name: b",
			AT("b.example", "192.0.2.9"), "{hosts: [b.example], " PORTS ", " EPS "}"),
		"default/a.example=240.240.0.7; default/b.example=192.0.2.9"},
	{"status without a host", V4, NULL,
		STATUS("name: a", "{addresses: [{value: 240.240.0.7}]}",
			"{hosts: [a.example], " PORTS ", " EPS "}"),
		"default/a.example=240.240.0.7"},
	{"status of both families", V4, V6,
		STATUS("name: a",
			"{addresses: [{host: a.example, value: 240.240.0.7}, {host: a.example, "
			"value: '2001:2::7'}]}",
			"{hosts: [a.example], " PORTS ", " EPS "}"),
		"default/a.example=240.240.0.7 2001:2::7"},
	{"one status for two: the older has it", "192.0.2.252/30", NULL,
		STATUS("name: a, creationTimestamp: '2026-01-01T00:00:00Z'",
			AT("a.example", "240.240.0.7"), "{hosts: [a.example], " PORTS ", " EPS "}")
			STATUS("name: b, creationTimestamp: '2025-01-01T00:00:00Z'",
				AT("b.example", "240.240.0.7"),
				"{hosts: [b.example], " PORTS ", " EPS "}"),
		"default/b.example=240.240.0.7; default/a.example=192.0.2.253"},
	{"a status that a user gave to another", "192.0.2.252/30", NULL,
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}") SE("b",
			"{hosts: [b.example], addresses: [240.240.0.7], " PORTS ", " EPS "}"),
		"default/a.example=192.0.2.253; default/b.example="},
	{"a status that no host can have", "192.0.2.252/30", NULL,
		STATUS("name: a", AT("a.example", "127.0.0.1"),
			"{hosts: [a.example], " PORTS ", " EPS "}"),
		"default/a.example=192.0.2.253"},
	{"neither network nor broadcast, and full", "192.0.2.252/30", NULL,
		PLAIN("a", "a.example") PLAIN("b", "b.example") PLAIN("c", "c.example"),
		"default/a.example=; default/b.example=192.0.2.253; default/c.example=192.0.2.254"},
	{"a user's address is not given", "192.0.2.252/30", NULL,
		PLAIN("a", "a.example") SE(
			"b", "{hosts: [b.example], addresses: [192.0.2.253], " PORTS ", " EPS "}"),
		"default/a.example=192.0.2.254; default/b.example="},
	{"nor what a CIDR holds", "192.0.2.248/29", NULL,
		PLAIN("a", "a.example") PLAIN("c", "c.example") PLAIN("d", "d.example") SE("b",
			"{hosts: [b.example], addresses: [192.0.2.252/30], " PORTS ", " EPS "}")
			SE("e", "{hosts: [e.example], addresses: [192.0.2.249], " PORTS ", " EPS
				"}"),
		"default/a.example=; default/b.example=; default/c.example=192.0.2.250; "
		"default/d.example=192.0.2.251; default/e.example="},
	{"a CIDR around the range takes nothing", "198.18.2.252/30", NULL,
		PLAIN("a", "a.example") SE("b",
			"{hosts: [b.example], addresses: [198.18.0.0/15], " PORTS ", " EPS "}"),
		"default/a.example=198.18.2.253; default/b.example="},
	{"nor the status of one that has no use for it", "192.0.2.252/30", NULL,
		PLAIN("a", "a.example") STATUS("name: b", AT("b.example", "192.0.2.253"),
			"{hosts: [b.example], addresses: [198.51.100.9], " PORTS ", " EPS "}"),
		"default/a.example=192.0.2.254; default/b.example="},
};

struct world {
	struct sl_registry *r;
	struct sl_mesh *m;
};

static struct world
world_new(const struct sl_mesh_cfg *cfg)
{
	struct world w = {.r = sl_registry_new()};

	w.m = sl_mesh_new(w.r);
	sl_mesh_configure(w.m, cfg);
	return w;
}

static void
world_free(struct world *w)
{
	sl_mesh_free(w->m);
	sl_registry_free(w->r);
}

static int
table(void)
{
	int failed = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct sl_mesh_cfg cfg = config(rows[i].v4, rows[i].v6);
		struct world w = world_new(&cfg);

		RTE_TEST_ASSERT(mesh_load(w.r, rows[i].yaml, NULL), "%s", rows[i].name);
		sl_mesh_update(w.m, NULL, NULL);
		char *got = vips_text(w.m);

		if (strcmp(got, rows[i].want) != 0) {
			printf("# %s\n#   got      \"%s\"\n#   expected \"%s\"\n", rows[i].name,
				got, rows[i].want);
			failed++;
		}
		free(got);
		world_free(&w);
	}
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

// ---- the same in any order, and after any history ----

#define N 300 // in a /24, of which 254 are to be had: most collide, some get none

static char *
plain(unsigned i)
{
	return sl_xasprintf(PLAIN("s%u", "h%u.example"), i, i);
}

static void
put(struct world *w, unsigned i)
{
	char *yaml = plain(i);

	mesh_load(w->r, yaml, NULL);
	free(yaml);
}

static void
del(struct world *w, unsigned i)
{
	char *name = sl_xasprintf("s%u", i);

	sl_registry_del(w->r, SL_KIND_SERVICE_ENTRY, "default", name, SL_ORIGIN_FILE);
	free(name);
}

// Of those that are in: what one has that read them once, backwards.
static int
same_as_new(struct world *w, const struct sl_mesh_cfg *cfg, const bool *in, const char *extra)
{
	struct world fresh = world_new(cfg);

	for (unsigned i = N; i-- > 0;)
		if (in[i])
			put(&fresh, i);
	if (extra)
		mesh_load(fresh.r, extra, NULL);
	sl_mesh_update(fresh.m, NULL, NULL);
	char *got = vips_text(w->m), *want = vips_text(fresh.m);
	const bool same = strcmp(got, want) == 0;

	free(got);
	free(want);
	world_free(&fresh);
	RTE_TEST_ASSERT(same, "history counts");
	return TEST_SUCCESS;
}

static int
any_order(void)
{
	const struct sl_mesh_cfg cfg = config("192.0.2.0/24", "2001:db8::/120");
	struct world w = world_new(&cfg);
	bool in[N] = {0};

	// One by one, each with an update of its own.
	for (unsigned i = 0; i < N; i++) {
		put(&w, i);
		in[i] = true;
		sl_mesh_update(w.m, NULL, NULL);
		if (i % 50 == 49)
			SL_TEST_INT(same_as_new(&w, &cfg, in, NULL), TEST_SUCCESS);
	}
	world_free(&w);
	return TEST_SUCCESS;
}

static int
any_history(void)
{
	static const char taken[] = SE("x", "{hosts: [x.example], addresses: [192.0.2.64/27, "
					    "192.0.2.7], " PORTS ", " EPS "}")
		STATUS("name: y", AT("y.example", "192.0.2.9"), "{hosts: [y.example], " PORTS "}");
	struct sl_mesh_cfg cfg = config("192.0.2.0/24", "2001:db8::/120");
	struct world w = world_new(&cfg);
	uint64_t seed = sl_test_seed();
	bool in[N] = {0}, extra = false;

	for (unsigned step = 0; step < 2000; step++) {
		const unsigned i = (sl_test_rand(&seed) >> 16) % N;

		if (step % 37 == 36) {
			extra = !extra;
			if (extra)
				mesh_load(w.r, taken, NULL);
			for (const char *name = "xy"; !extra && *name; name++) {
				const char of[2] = {*name};

				sl_registry_del(
					w.r, SL_KIND_SERVICE_ENTRY, "default", of, SL_ORIGIN_FILE);
			}
		}
		in[i] = !in[i];
		if (in[i])
			put(&w, i);
		else
			del(&w, i);
		if (step % 3 == 0)
			sl_mesh_update(w.m, NULL, NULL);
		if (step % 100 != 99)
			continue;
		sl_mesh_update(w.m, NULL, NULL);
		SL_TEST_INT(same_as_new(&w, &cfg, in, extra ? taken : NULL), TEST_SUCCESS);
	}
	cfg = config("198.51.100.0/25", NULL);
	sl_mesh_configure(w.m, &cfg);
	sl_mesh_update(w.m, NULL, NULL);
	SL_TEST_INT(same_as_new(&w, &cfg, in, extra ? taken : NULL), TEST_SUCCESS);
	world_free(&w);
	return TEST_SUCCESS;
}

// ---- who is told ----

struct told {
	struct sl_ip ip[512];
	unsigned n, moved;
};

static void
on_told(void *ctx, const struct sl_mesh_service *svc, uint32_t id)
{
	struct told *t = ctx;

	t->n++;
	if (!svc)
		return;
	t->moved += t->ip[id].family && !sl_ip_equal(&t->ip[id], &svc->auto_vip[0]);
	t->ip[id] = svc->auto_vip[0];
}

// Of 100 in a /16 hardly any share an address; in a /24 some do. Told are those that moved and the
// one that came, nobody else, and what each was told last is what it has.
static int
few_move(void)
{
	static const struct {
		const char *range;
		unsigned most;
	} range[] = {{V4, 0}, {"192.0.2.0/24", 90}};

	for (unsigned k = 0; k < SL_ARRAY_LEN(range); k++) {
		const struct sl_mesh_cfg cfg = config(range[k].range, NULL);
		struct world w = world_new(&cfg);
		struct told *t = sl_xcalloc(1, sizeof(*t));
		const struct sl_mesh_service *svc;

		for (unsigned i = 0; i < 200; i++) {
			put(&w, i);
			t->n = 0;
			const unsigned before = t->moved;

			sl_mesh_update(w.m, on_told, t);
			SL_TEST_INT(t->n, t->moved - before + 1);
		}
		printf("# %s: %u moved while 200 came\n", range[k].range, t->moved);
		RTE_TEST_ASSERT(t->moved <= range[k].most, "%u moved", t->moved);
		RTE_TEST_ASSERT(k == 0 || t->moved > 0, "none collided: the test is void");
		for (size_t it = 0; sl_mesh_next(w.m, &it, &svc);)
			RTE_TEST_ASSERT(sl_ip_equal(&svc->auto_vip[0], &t->ip[svc->id]),
				"%s was not told", svc->host);
		free(t);
		world_free(&w);
	}
	return TEST_SUCCESS;
}

// ---- what bindings and findings make of it ----

static const struct mesh_case bindings[] = {
	{"a binding more, which needs no name",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], resolution: STATIC, "
			"ports: [{number: 443, name: p, protocol: TLS}], " EPS "}"),
		NULL,
		"0.0.0.0/0:443/tcp[3]~ -> 198.51.100.1:443*1@0; 240.240.0.7/32:443/tcp[3] -> "
		"198.51.100.1:443*1@0"},
	{"two TLS services of one port, each by its own",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], resolution: STATIC, "
			"ports: [{number: 443, name: p, protocol: TLS}], " EPS "}")
			STATUS("name: b", AT("b.example", "240.240.0.8"),
				"{hosts: [b.example], resolution: STATIC, "
				"ports: [{number: 443, name: p, protocol: TLS}], endpoints: "
				"[{address: 198.51.100.2}]}"),
		"settled",
		"240.240.0.7/32:443/tcp[3] -> 198.51.100.1:443*1@0; 240.240.0.8/32:443/tcp[3] -> "
		"198.51.100.2:443*1@0"},
	{"and both are served",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], resolution: STATIC, "
			"ports: [{number: 443, name: p, protocol: TLS}], " EPS "}")
			STATUS("name: b", AT("b.example", "240.240.0.8"),
				"{hosts: [b.example], resolution: STATIC, "
				"ports: [{number: 443, name: p, protocol: TLS}], endpoints: "
				"[{address: 198.51.100.2}]}"),
		"services", "default/a.example[3]; default/b.example[3]"},
	{"explain",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}"),
		"0 240.240.0.7:80", "forward default/a.example 198.51.100.1:80"},
	{"PASSTHROUGH does not send to a virtual IP",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}") DR("d",
			"{host: a.example, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"),
		NULL,
		"0.0.0.0/0:80/tcp[3] -> original:0; 240.240.0.7/32:80/tcp[3] -> "
		"198.51.100.1:80*1@0"},
	{"nor does a route to a service of resolution NONE",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}")
			SE("n", "{hosts: [n.example], addresses: [192.0.2.1], resolution: NONE, "
				"ports: [{number: 81, name: p, protocol: TCP}]}")
				VS("v", "{hosts: [a.example], tcp: [{route: [{destination: {host: "
					"n.example, port: {number: 81}}}]}]}"),
		"0 240.240.0.7:80",
		"deny: 240.240.0.7 port 80 belongs to default/a.example: n.example has resolution "
		"NONE, and a virtual IP is no destination to send to"},
	{"subnets of a route hold for a virtual IP",
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], " PORTS ", " EPS "}") SE("n",
			"{hosts: [n.example], addresses: [192.0.2.1], resolution: "
			"STATIC, ports: [{number: 80, name: p, protocol: TCP}], "
			"endpoints: [{address: 198.51.100.9}]}")
			VS("v", "{hosts: [a.example], tcp: [{match: [{destinationSubnets: "
				"[240.240.0.0/24]}], route: [{destination: {host: n.example}}]}]}"),
		"0 240.240.0.7:80", "forward default/a.example 198.51.100.9:80"},
	{"findings",
		STATUS("name: a, creationTimestamp: '2026-01-01T00:00:00Z'",
			AT("a.example", "240.240.0.7"), "{hosts: [a.example], " PORTS ", " EPS "}")
			STATUS("name: b, creationTimestamp: '2025-01-01T00:00:00Z'",
				AT("b.example", "240.240.0.7"),
				"{hosts: [b.example], ports: [{number: 82, name: p, protocol: "
				"UDP}], resolution: STATIC, " EPS "}") STATUS("name: c",
				AT("c.example", "192.0.2.1"),
				"{hosts: [c.example], ports: [{number: 83, name: p, protocol: "
				"UDP}], resolution: STATIC, " EPS "}") SE("d",
				"{hosts: [d.example], addresses: [192.0.2.1], " PORTS ", " EPS "}")
				STATUS("name: e", "{}",
					"{hosts: [e.example], ports: [{number: 84, name: p, "
					"protocol: UDP}], resolution: STATIC, " EPS "}"),
		"findings",
		"M11 ServiceEntry default/a status.addresses; M12 ServiceEntry default/a "
		"spec.hosts; "
		"M8 ServiceEntry default/a spec.ports; M11 ServiceEntry default/c "
		"status.addresses"},
};

static int
with_bindings(void)
{
	const struct sl_mesh_cfg cfg = config("203.0.113.252/30", NULL);

	return mesh_cases(bindings, SL_ARRAY_LEN(bindings), &cfg);
}

// ---- rows for DNS ----

static const struct row hosts[] = {
	{"addresses, else virtual IPs", V4, NULL,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1, 192.0.2.2, 192.0.2.1/32, "
			"192.0.2.0/24, '2001:db8::1'], " PORTS ", " EPS "}"),
		"a.example[3] 192.0.2.1 192.0.2.2"},
	{"virtual IPs", V4, V6,
		STATUS("name: a", AT("a.example", "240.240.0.7"),
			"{hosts: [a.example], exportTo: ['.'], " PORTS ", " EPS "}"),
		"a.example[1] 240.240.0.7"},
	{"a wildcard with an address", V4, NULL,
		SE("a", "{hosts: ['*.a.example'], addresses: [192.0.2.1], " PORTS ", " EPS "}"),
		"*.a.example[3] 192.0.2.1"},
	{"CIDRs alone", V4, NULL,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.0/24], " PORTS ", " EPS "}"), ""},
	{"NONE with an address", V4, NULL,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: NONE, ports: "
			"[{number: 80, name: p, protocol: TCP}]}"),
		"a.example[3] 192.0.2.1"},
	{"NONE without", V4, NULL,
		SE("a", "{hosts: [a.example], resolution: NONE, ports: [{number: 80, name: p, "
			"protocol: TCP}]}"),
		""},
	{"NONE with a selector: healthy ones, IPs, each once", V4, NULL,
		SE("a", "{hosts: [a.example], resolution: NONE, ports: [{number: 80, name: p, "
			"protocol: TCP}], workloadSelector: {labels: {app: x}}}")
			WE("w1", "{app: x}", "{address: 198.51.100.2}") WE(
				"w2", "{app: x}", "{address: 198.51.100.1}")
				WE("w3", "{app: x}", "{address: 198.51.100.2}") WE("w4", "{app: x}",
					"{address: w.example}") POD("name: p, labels: {app: x}",
					"{phase: Running, podIP: 198.51.100.3, conditions: [{type: "
					"Ready, status: 'False'}]}"),
		"a.example[3] 198.51.100.1 198.51.100.2"},
	{"exported to nobody", V4, NULL,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], exportTo: ['~'], " PORTS
			", " EPS "}"),
		""},
	{"not carried", V4, NULL,
		SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: STATIC, ports: "
			"[{number: 80, name: p, protocol: TCP}], endpoints: [{address: "
			"unix:///x}]}"),
		""},
};

static int
host_rows(void)
{
	int failed = 0;

	for (size_t i = 0; i < SL_ARRAY_LEN(hosts); i++) {
		const struct sl_mesh_cfg cfg = config(hosts[i].v4, hosts[i].v6);
		struct world w = world_new(&cfg);

		mesh_load(w.r, hosts[i].yaml, NULL);
		sl_mesh_update(w.m, NULL, NULL);
		char *got = hosts_text(w.m, false);

		if (strcmp(got, hosts[i].want) != 0) {
			printf("# %s\n#   got      \"%s\"\n#   expected \"%s\"\n", hosts[i].name,
				got, hosts[i].want);
			failed++;
		}
		free(got);
		world_free(&w);
	}
	RTE_TEST_ASSERT(failed == 0, "%d rows failed", failed);
	return TEST_SUCCESS;
}

static int
host_rows_ipv6(void)
{
	const struct sl_mesh_cfg cfg = config(V4, V6);
	struct world w = world_new(&cfg);

	mesh_load(w.r,
		STATUS("name: a",
			"{addresses: [{host: a.example, value: '2001:2::7'}, {host: a.example, "
			"value: 240.240.0.7}]}",
			"{hosts: [a.example], " PORTS ", " EPS "}"),
		NULL);
	sl_mesh_update(w.m, NULL, NULL);
	char *got = hosts_text(w.m, true);

	SL_TEST_STR(got, "a.example[3] 240.240.0.7 2001:2::7");
	free(got);
	world_free(&w);
	return TEST_SUCCESS;
}

// The generation moves with rows, and only with them.
static int
generation(void)
{
	static const struct {
		const char *name, *yaml;
		bool moves;
	} steps[] = {
		{"it comes", PLAIN("a", "a.example"), true},
		{"the same again", PLAIN("a", "a.example"), false},
		{"another endpoint",
			SE("a", "{hosts: [a.example], " PORTS
				", endpoints: [{address: 198.51.100.9}]}"),
			false},
		{"a rule",
			DR("d", "{host: a.example, trafficPolicy: {loadBalancer: {simple: "
				"RANDOM}}}"),
			false},
		{"other clients",
			SE("a", "{hosts: [a.example], exportTo: ['.'], " PORTS ", " EPS "}"), true},
		{"an address",
			SE("a", "{hosts: [a.example], addresses: [192.0.2.1], exportTo: "
				"['.'], " PORTS ", " EPS "}"),
			true},
		{"one that has no row",
			SE("n", "{hosts: [n.example], resolution: NONE, ports: [{number: 80, name: "
				"p, protocol: TCP}]}"),
			false},
		{"it goes", NULL, true},
		{"nothing", "", false},
	};
	const struct sl_mesh_cfg cfg = config(V4, V6);
	struct world w = world_new(&cfg);

	for (size_t i = 0; i < SL_ARRAY_LEN(steps); i++) {
		const uint64_t before = sl_mesh_hosts_generation(w.m);

		if (steps[i].yaml)
			mesh_load(w.r, steps[i].yaml, NULL);
		else
			sl_registry_del(w.r, SL_KIND_SERVICE_ENTRY, "default", "a", SL_ORIGIN_FILE);
		sl_mesh_update(w.m, NULL, NULL);
		RTE_TEST_ASSERT((sl_mesh_hosts_generation(w.m) != before) == steps[i].moves, "%s",
			steps[i].name);
	}
	world_free(&w);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"table", table},
		{"any_order", any_order},
		{"any_history", any_history},
		{"few_move", few_move},
		{"bindings", with_bindings},
		{"host_rows", host_rows},
		{"host_rows_ipv6", host_rows_ipv6},
		{"generation", generation},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
