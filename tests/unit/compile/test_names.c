// Answers of DNS on their way to the workers: what changes in the table, and what slots are told to
// be gone.
#include "sl_mesh_names.h"
#include "world.h"

#define SE(name, host, vip)                                                                        \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name      \
	", namespace: ns}\nspec: {hosts: [" host "], addresses: [" vip "], resolution: DNS, "      \
	"ports: [{number: 80, name: p, protocol: TCP}]}\n"

struct run {
	struct world w;
	struct sl_mesh_name *name[4];
	unsigned n;
	struct sl_buf gone; // "SLOT ADDRESS "
};

static void
on_gone(void *ctx, uint32_t slot)
{
	struct run *x = ctx;
	struct sl_compile_slot info;
	char text[SL_IP_STRLEN];

	if (sl_compile_slot(x->w.compile, slot, &info))
		sl_buf_printf(&x->gone, "%s of %s%s;", sl_ip4_str(info.addr, text), info.host,
			info.live ? " (live)" : "");
}

static void
on_name(void *ctx, struct sl_mesh_name *name, bool wanted)
{
	struct run *x = ctx;

	if (wanted)
		x->name[x->n++] = name;
}

static void
run_init(struct run *x)
{
	*x = (struct run){0};
	x->w.registry = sl_registry_new();
	x->w.mesh = sl_mesh_new(x->w.registry);
	x->w.compile = sl_compile_new(&(struct sl_compile_cfg){.max_endpoints = 16,
		.max_adjs = 8,
		.registry = x->w.registry,
		.gone = on_gone,
		.gone_ctx = x});
	x->w.published = sl_fwd_services_get(sl_compile_current(x->w.compile));
}

static void
run_fini(struct run *x)
{
	world_fini(&x->w);
	sl_buf_fini(&x->gone);
}

static void
answer(struct run *x, const char *host, const char *addresses)
{
	struct sl_ip ip[8];
	struct sl_mesh_answer a = {.ip = ip};
	char *copy = sl_xstrdup(addresses), *rest = copy, *one;

	while ((one = strsep(&rest, " ")) != NULL)
		a.n += *one && sl_ip_parse(one, &ip[a.n]) == 0;
	a.why = a.n ? NULL : "there is no such name";
	a.first = ip[0];
	for (unsigned i = 0; i < x->n; i++)
		if (strcmp(x->name[i]->name, host) == 0)
			sl_mesh_name_answer(x->w.mesh, x->name[i], &a);
	free(copy);
}

// ---- what an answer does ----

struct step {
	const char *what;      // NULL: the objects came
	const char *addresses; // of a.example
	bool grace;            // the workers move on first
	const char *table;
	const char *result;
	const char *gone;
};

#define B "192.0.2.2:80/tcp{}"

static const struct step steps[] = {
	{"objects", NULL, false, "192.0.2.1:80/tcp{} " B, "+2 -0 ~0 new", ""},
	{"first answer", "198.51.100.1", false, "192.0.2.1:80/tcp{198.51.100.1:80*1#0} " B,
		"+0 -0 ~1", ""},
	{"equal answer", "198.51.100.1", false, "192.0.2.1:80/tcp{198.51.100.1:80*1#0} " B,
		"+0 -0 ~0", ""},
	{"one more", "198.51.100.1 198.51.100.2", false,
		"192.0.2.1:80/tcp{198.51.100.1:80*1#0 198.51.100.2:80*1#1} " B, "+0 -0 ~1", ""},
	{"one less, which workers may still read", "198.51.100.2", false,
		"192.0.2.1:80/tcp{198.51.100.2:80*1#1} " B, "+0 -0 ~1", ""},
	{"the grace period", "198.51.100.2", true, "192.0.2.1:80/tcp{198.51.100.2:80*1#1} " B,
		"+0 -0 ~0", "198.51.100.1 of a.example;"},
	{"leaves", "198.51.100.3", false, "192.0.2.1:80/tcp{198.51.100.3:80*1#2} " B, "+0 -0 ~1",
		""},
	{"and comes back in time", "198.51.100.2 198.51.100.3", false,
		"192.0.2.1:80/tcp{198.51.100.2:80*1#1 198.51.100.3:80*1#2} " B, "+0 -0 ~1", ""},
	{"so that nothing is gone", "198.51.100.2 198.51.100.3", true,
		"192.0.2.1:80/tcp{198.51.100.2:80*1#1 198.51.100.3:80*1#2} " B, "+0 -0 ~0", ""},
	{"no such name", "", false, "192.0.2.1:80/tcp{} " B, "+0 -0 ~1", ""},
	{"both are gone", "", true, "192.0.2.1:80/tcp{} " B, "+0 -0 ~0",
		"198.51.100.2 of a.example;198.51.100.3 of a.example;"},
	{"once", "", true, "192.0.2.1:80/tcp{} " B, "+0 -0 ~0", ""},
	{"back", "198.51.100.3", false, "192.0.2.1:80/tcp{198.51.100.3:80*1#2} " B, "+0 -0 ~1", ""},
	{"and away", "", false, "192.0.2.1:80/tcp{} " B, "+0 -0 ~1", ""},
	{"is gone again", "", true, "192.0.2.1:80/tcp{} " B, "+0 -0 ~0",
		"198.51.100.3 of a.example;"},
};

static int
check_step(struct run *x, const struct step *s)
{
	char *table = dump(x->w.published);
	char *result = sl_xasprintf("+%u -%u ~%u%s", x->w.result.added, x->w.result.removed,
		x->w.result.swapped, x->w.result.table_changed ? " new" : "");

	printf("# %s\n", s->what);
	SL_TEST_STR(table, s->table);
	SL_TEST_STR(result, s->result);
	SL_TEST_STR(x->gone.data ? x->gone.data : "", s->gone);
	free(table);
	free(result);
	return TEST_SUCCESS;
}

static int
test_answers(void)
{
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(
		put_yaml(&x.w, SE("a", "a.example", "192.0.2.1") SE("b", "b.example", "192.0.2.2")),
		"YAML");
	for (size_t i = 0; i < SL_ARRAY_LEN(steps); i++) {
		sl_buf_reset(&x.gone);
		if (steps[i].grace)
			grace(&x.w);
		if (steps[i].addresses)
			answer(&x, "a.example", steps[i].addresses);
		SL_TEST_INT(compile(&x.w), 0);
		sl_mesh_names(x.w.mesh, on_name, &x);
		SL_TEST_INT(check_step(&x, &steps[i]), TEST_SUCCESS);
	}
	run_fini(&x);
	return TEST_SUCCESS;
}

// A service that goes takes its slots along; the end of everything is no news.
static int
test_gone_service(void)
{
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(
		put_yaml(&x.w, SE("a", "a.example", "192.0.2.1") SE("b", "b.example", "192.0.2.2")),
		"YAML");
	SL_TEST_INT(compile(&x.w), 0);
	sl_mesh_names(x.w.mesh, on_name, &x);
	answer(&x, "a.example", "198.51.100.1");
	answer(&x, "b.example", "198.51.100.2");
	SL_TEST_INT(compile(&x.w), 0);
	SL_TEST_INT(x.w.result.swapped, 2);
	del(&x.w, "a");
	SL_TEST_INT(compile(&x.w), 0);
	SL_TEST_INT(x.gone.len, 0);
	grace(&x.w);
	SL_TEST_STR(x.gone.data, "198.51.100.1 of a.example;");
	sl_buf_reset(&x.gone);
	world_fini(&x.w);
	SL_TEST_INT(x.gone.len, 0);
	sl_buf_fini(&x.gone);
	return TEST_SUCCESS;
}

// ---- pending ----

static const struct sl_fwd_eps *
eps_of(const struct run *x, uint32_t vip)
{
	const struct sl_fwd_key key = {
		.vip = sl_cpu_to_be32(vip), .port = sl_cpu_to_be16(80), .proto = 6, .len = 32};

	return sl_fwd_service_eps(sl_fwd_services_find(x->w.published, &key, 0));
}

// Two services that wait share nothing with one that is known to be empty, and a set that stops to
// wait is another one.
static int
test_pending(void)
{
	const struct sl_fwd_eps *before;
	struct run x;

	run_init(&x);
	RTE_TEST_ASSERT(put_yaml(&x.w, SE("a", "a.example", "192.0.2.1") SE("b", "b.example",
					       "192.0.2.2") SE("c", "c.example", "192.0.2.3")),
		"YAML");
	SL_TEST_INT(compile(&x.w), 0);
	sl_mesh_names(x.w.mesh, on_name, &x);
	before = eps_of(&x, 0xc0000201);
	RTE_TEST_ASSERT(before == eps_of(&x, 0xc0000202), "equal sets are two");
	answer(&x, "a.example", "");
	SL_TEST_INT(compile(&x.w), 0);
	SL_TEST_INT(x.w.result.swapped, 1);
	RTE_TEST_ASSERT(!x.w.result.table_changed, "a new table");
	RTE_TEST_ASSERT(eps_of(&x, 0xc0000201) != before, "still waits");
	RTE_TEST_ASSERT(eps_of(&x, 0xc0000202) == before, "waits no more");
	run_fini(&x);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"answers", test_answers},
	{"a service that is gone", test_gone_service},
	{"pending", test_pending},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
