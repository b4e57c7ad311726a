// How names and their answers are shown: rows of `services`, and `explain`.
#include "case.h"
#include "sl_emit.h"
#include "sl_mesh_explain.h"
#include "sl_str.h"

#define SE_A                                                                                       \
	SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, ports: "            \
		"[{number: 80, name: p, protocol: TCP}]}")

// A name beside an address.
#define SE_MIXED                                                                                   \
	SE("a", "{hosts: [a.example], addresses: [192.0.2.1], resolution: DNS, endpoints: "        \
		"[{address: a.example}, {address: 198.51.100.9}], ports: [{number: 80, name: p, "  \
		"protocol: TCP}]}")

struct run {
	struct sl_registry *r;
	struct sl_mesh *m;
	struct mesh_wanted wanted;
};

static bool
run_init(struct run *x, const char *yaml)
{
	*x = (struct run){.r = sl_registry_new()};
	x->m = sl_mesh_new(x->r);
	sl_mesh_configure(x->m, two_clients());
	if (!mesh_load(x->r, yaml, NULL))
		return false;
	sl_mesh_update(x->m, NULL, NULL);
	mesh_follow_names(x->m, &x->wanted);
	return true;
}

static void
run_fini(struct run *x)
{
	sl_mesh_free(x->m);
	sl_registry_free(x->r);
}

static void
answer(struct run *x, const char *text)
{
	mesh_answer(x->m, &x->wanted, text);
	sl_mesh_update(x->m, NULL, NULL);
}

// ---- rows ----

static const char *
up(void *ctx, const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const struct sl_mesh_endpoint *ep, uint32_t number)
{
	return "up";
}

static int
check_row(const struct sl_mesh_service *svc, sl_mesh_state_fn *state, const char *part)
{
	struct sl_buf out = {0};
	struct sl_emit e;

	sl_emit_init(&e, &out);
	sl_mesh_service_emit(svc, state, NULL, &e);
	RTE_TEST_ASSERT(strstr(out.data, part), "no %s in %s", part, out.data);
	sl_buf_fini(&out);
	return TEST_SUCCESS;
}

static int
test_rows(void)
{
	const struct sl_mesh_service *svc;
	struct run x;

	RTE_TEST_ASSERT(run_init(&x, SE_A), "YAML");
	svc = sl_mesh_find(x.m, "default", "a.example");
	SL_TEST_STR(svc->tier, "L4");
	SL_TEST_INT(check_row(svc, NULL,
			    "{\"address\":\"a.example\",\"port\":80,\"portName\":\"p\",\"weight\":"
			    "1,\"locality\":\"\",\"network\":\"\",\"name\":\"a.example\","
			    "\"state\":\"unknown\",\"reason\":\"\""),
		TEST_SUCCESS);
	SL_TEST_INT(check_row(svc, up,
			    "\"state\":\"unresolved\",\"reason\":\"its name has no answer yet\""),
		TEST_SUCCESS);
	answer(&x, "a.example=198.51.100.1");
	SL_TEST_INT(check_row(svc, up,
			    "{\"address\":\"198.51.100.1\",\"port\":80,\"portName\":\"p\","
			    "\"weight\":1,\"locality\":\"\",\"network\":\"\",\"name\":"
			    "\"a.example\",\"state\":\"up\",\"reason\":\"\""),
		TEST_SUCCESS);
	run_fini(&x);
	return TEST_SUCCESS;
}

// ---- explain ----

static int
check_explained(const struct run *x, const struct sl_conf *conf, const struct sl_mesh_live *live,
	const char *part, const char *other)
{
	struct sl_buf out = {0}, why = {0};
	struct sl_mesh_question q;
	struct sl_emit e;

	SL_TEST_INT(
		sl_mesh_question_parse("203.0.113.7", "192.0.2.1:80", NULL, NULL, NULL, &q, &why),
		0);
	sl_emit_init(&e, &out);
	sl_mesh_explain_emit(x->m, conf, &q, live, &e);
	RTE_TEST_ASSERT(strstr(out.data, part), "no %s in %s", part, out.data);
	RTE_TEST_ASSERT(strstr(out.data, other), "no %s in %s", other, out.data);
	sl_buf_fini(&out);
	return TEST_SUCCESS;
}

// Nothing is known of names offline, and they are no reason to refuse.
static int
test_explained(void)
{
	static const char text[] = "ports: [{name: lan, device: net_null0}]\n"
				   "pool: {addresses: [198.51.100.10]}\n";
	static const struct sl_mesh_live live;
	struct sl_diags diags = {0};
	struct sl_conf *conf = sl_conf_read_text(text, strlen(text), "sluice.yaml", &diags);
	struct run x;

	RTE_TEST_ASSERT(conf, "sluice.yaml");
	RTE_TEST_ASSERT(run_init(&x, SE_A), "YAML");
	SL_TEST_INT(check_explained(&x, conf, NULL,
			    "\"verdict\":\"forward\",\"reason\":\"192.0.2.1 port 80 belongs to "
			    "default/a.example\"",
			    "names are not resolved offline"),
		TEST_SUCCESS);
	SL_TEST_INT(
		check_explained(&x, conf, &live,
			"\"verdict\":\"forward\",\"reason\":\"192.0.2.1 port 80 belongs to "
			"default/a.example: its names have no answer yet: new flows wait up to a "
			"second\"",
			"\"problem\":\"its names have no answer yet"),
		TEST_SUCCESS);
	answer(&x, "a.example=198.51.100.1");
	SL_TEST_INT(check_explained(&x, conf, &live, "\"address\":\"198.51.100.1\"",
			    "\"name\":\"a.example\""),
		TEST_SUCCESS);
	answer(&x, "a.example!");
	SL_TEST_INT(check_explained(&x, conf, &live, "\"verdict\":\"deny\"",
			    "DNS has no address for a.example: there is no such name"),
		TEST_SUCCESS);
	run_fini(&x);
	RTE_TEST_ASSERT(run_init(&x, SE_MIXED), "YAML");
	SL_TEST_INT(check_explained(&x, conf, NULL, "\"sharePercent\":null",
			    "names are not resolved offline"),
		TEST_SUCCESS);
	SL_TEST_INT(check_explained(
			    &x, conf, &live, "\"sharePercent\":null", "there may be more of them"),
		TEST_SUCCESS);
	answer(&x, "a.example=198.51.100.1");
	SL_TEST_INT(check_explained(&x, conf, &live, "\"sharePercent\":50", "\"notes\":["),
		TEST_SUCCESS);
	run_fini(&x);
	sl_conf_free(conf);
	sl_diags_fini(&diags);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"rows", test_rows},
		{"explained", test_explained},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
