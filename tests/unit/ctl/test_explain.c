// explain-field and schema: what rows of the schema look like to people and to editors.
#include <jansson.h>

#include "fake.h"
#include "sl_conf_explain.h"
#include "sl_str.h"

static int
test_text(void)
{
	static const struct row rows[] = {
		{"explain-field sluice.flows.max", 0,
			"KIND:     sluice.yaml\n"
			"FIELD:    flows.max <a number, 1024..134217728>\n"
			"DEFAULT:  262144\n"
			"RELOAD:   restart\n"
			"\n"
			"DESCRIPTION:\n"
			"    Flows over all workers; about 170 bytes each, taken at the start.\n",
			""},
		{"explain-field sluice.yaml.ports[0].neighbours", 0,
			"KIND:     sluice.yaml\n"
			"FIELD:    ports[].neighbours[] <list, each a mapping; at most 1024 of "
			"them>\n"
			"RELOAD:   live\n"
			"\n"
			"DESCRIPTION:\n"
			"    Static neighbours.\n"
			"\n"
			"FIELDS:\n"
			"  address <an IP address> -required-\n"
			"    IPv4 address in a subnet of this port.\n"
			"  mac <a MAC address such as 02:00:00:00:00:01> -required-\n"
			"    Its MAC address.\n",
			""},
		{"explain-field sluice.mesh.localityLbSetting.failover --recursive", 0,
			"KIND:     sluice.yaml\n"
			"FIELD:    mesh.localityLbSetting.failover[] <list, each a mapping>\n"
			"RELOAD:   live\n"
			"RULE:     D19\n"
			"\n"
			"DESCRIPTION:\n"
			"    Which region takes over. Needs `outlierDetection`.\n"
			"\n"
			"FIELDS:\n"
			"  from <a string>\n"
			"  to <a string>\n",
			""},
		{"explain-field se.metadata.annotations.sluice.io/dns-strict", 0,
			"KIND:     ServiceEntry\n"
			"GROUP:    networking.istio.io\n"
			"FIELD:    metadata.annotations.sluice.io/dns-strict <false, true>\n"
			"DEFAULT:  `dns.strict` of sluice.yaml\n"
			"RULE:     N1\n"
			"\n"
			"DESCRIPTION:\n"
			"    `\"true\"`: as Envoy, an empty answer counts at once, and the last "
			"good one\n"
			"    has no end.\n",
			""},
		{"explain-field se.status", 0,
			"KIND:     ServiceEntry\n"
			"GROUP:    networking.istio.io\n"
			"FIELD:    status <any>\n"
			"\n"
			"DESCRIPTION:\n"
			"    Written by a server: `addresses` are read, the rest has no effect.\n"
			"\n"
			"FIELDS:\n"
			"  addresses <any>\n"
			"    Virtual IPs that a server gave to hosts: a list of `value`, an IP "
			"address,\n"
			"    and `host`.\n",
			""},
		{"explain-field servicentry", 1, "",
			"sluicectl: explain-field: \"servicentry\" is no kind that is read; did "
			"you "
			"mean ServiceEntry?\n"},
		{"explain-field se.spec.port", 1, "",
			"sluicectl: explain-field: ServiceEntry.spec has no field \"port\"; did "
			"you mean ports?\n"},
		{"explain-field se.spec.ports.number.x", 1, "",
			"sluicectl: explain-field: ServiceEntry.spec.ports[].number has no "
			"fields\n"},
		{"explain-field", 2, "",
			"sluicectl: explain-field: the argument KIND[.PATH] is missing\n" TELLS(
				" explain-field")},
		{"explain-field se..spec", 1, "",
			"sluicectl: explain-field: ServiceEntry has no field \"\"\n"},
		{"schema gateway-of-some-kind", 1, "",
			"sluicectl: schema: \"gateway-of-some-kind\" is no kind that is read\n"},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

static int
test_json(void)
{
	struct run r = run("explain-field serviceentries.spec.ports.number -o json");
	json_t *rows = json_loads(r.out, 0, NULL), *row = json_array_get(rows, 0);

	SL_TEST_INT(r.exit, 0);
	SL_TEST_INT(json_array_size(rows), 1);
	SL_TEST_STR(json_string_value(json_object_get(row, "path")), "spec.ports[].number");
	SL_TEST_STR(json_string_value(json_object_get(row, "type")), "a number, 1..65535");
	SL_TEST_STR(json_string_value(json_object_get(row, "rule")), "S15, C8");
	RTE_TEST_ASSERT(json_is_true(json_object_get(row, "required")), "required");
	RTE_TEST_ASSERT(json_is_null(json_object_get(row, "reload")), "reload");
	json_decref(rows);
	run_free(&r);
	return TEST_SUCCESS;
}

static void
count(void *ctx, const struct sl_conf_field *f)
{
	*(size_t *)ctx += f->depth == 0;
}

// Each name that completion offers is one that can be explained.
static int
test_names(void)
{
	struct sl_buf names = {0}, why = {0};
	size_t n = 0, found = 0;

	sl_conf_explain_names(&names);
	RTE_TEST_ASSERT_NOT_NULL(strstr(names.data, "\nServiceEntry.spec.ports.number\n"), "path");
	for (char *save, *name = strtok_r(names.data, "\n", &save); name;
		name = strtok_r(NULL, "\n", &save)) {
		RTE_TEST_ASSERT_SUCCESS(sl_conf_explain(name, false, count, &found, &why), "%s: %s",
			name, why.data);
		n++;
	}
	SL_TEST_INT(found, n);
	RTE_TEST_ASSERT(n > 100, "%zu names", n);
	sl_buf_fini(&names);
	sl_buf_fini(&why);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"text", test_text},
		{"json", test_json},
		{"names", test_names},
	};
	int rc;

	lab_up();
	rc = sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
	lab_down();
	return rc;
}
