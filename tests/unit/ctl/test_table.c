// The command table: what values fit, and that it does not contradict itself.
#include "sl_ctl_table.h"
#include "sl_test.h"

static int
test_values(void)
{
	static const struct {
		enum sl_ctl_cmd cmd;
		const char *param;
		const char *value;
		const char *why; // NULL: fits
	} rows[] = {
		{SL_CTL_FLOWS, "limit", "0", NULL},
		{SL_CTL_FLOWS, "limit", "-1", "--limit: \"-1\" does not fit, expected a number"},
		{SL_CTL_FLOWS, "limit", "", "--limit: the value is empty, expected a number"},
		{SL_CTL_FLOWS, "from", "192.0.2.0/24", NULL},
		{SL_CTL_FLOWS, "from", "192.0.2.1", NULL},
		{SL_CTL_FLOWS, "from", "192.0.2.0/33",
			"--from: \"192.0.2.0/33\" does not fit, expected an IP address or prefix"},
		{SL_CTL_FLOWS, "endpoint", "192.0.2.1", NULL},
		{SL_CTL_FLOWS, "endpoint", "192.0.2.1:80", NULL},
		{SL_CTL_FLOWS, "endpoint", "2001:db8::1", NULL},
		{SL_CTL_FLOWS, "endpoint", "[2001:db8::1]:80", NULL},
		{SL_CTL_FLOWS, "endpoint", "[2001:db8::1]", NULL},
		{SL_CTL_FLOWS, "endpoint", "192.0.2.1:0",
			"--endpoint: \"192.0.2.1:0\" does not fit, expected an IP address, with "
			":PORT or "
			"without"},
		{SL_CTL_FLOWS, "endpoint", "192.0.2.1:70000",
			"--endpoint: \"192.0.2.1:70000\" does not fit, expected an IP address, "
			"with :PORT "
			"or without"},
		{SL_CTL_FLOWS, "endpoint", "[192.0.2.1]:80",
			"--endpoint: \"[192.0.2.1]:80\" does not fit, expected an IP address, with "
			":PORT "
			"or without"},
		{SL_CTL_FLOWS, "proto", "udp", NULL},
		{SL_CTL_FLOWS, "proto", "tpc",
			"--proto: \"tpc\" does not fit, expected one of tcp, udp"},
		{SL_CTL_FLOWS, "state", "established", NULL},
		{SL_CTL_FLOWS, "state", "stablished",
			"--state: \"stablished\" does not fit, expected one of udp, syn_sent, "
			"syn_recv, "
			"established, fin_client, fin_endpoint, closing, reset; did you mean "
			"established?"},
		{SL_CTL_FLOWS, "watch", "0",
			"--watch: \"0\" does not fit, expected a number of seconds, 1 to 86400"},
		{SL_CTL_GET, "kind", "serviceEntries", NULL},
		{SL_CTL_GET, "kind", "service-entry",
			"KIND: \"service-entry\" does not fit, expected one of serviceentries "
			"(se), workloadentries (we), destinationrules (dr), virtualservices (vs), "
			"gateways (gw), pods (po), namespaces (ns), "
			"gateways.gateway.networking.k8s.io (gtw), httproutes, referencegrants "
			"(refgrant), trafficpolicies; did you mean ServiceEntry?"},
		{SL_CTL_LOG_LEVEL, "level", "debugg",
			"level: \"debugg\" does not fit, expected one of err, warn, notice, info, "
			"debug; "
			"did you mean debug?"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const struct sl_ctl_param *p = sl_ctl_param_find(rows[i].cmd, rows[i].param);
		struct sl_buf why = {0};
		const bool ok = sl_ctl_value_ok(p, rows[i].value, &why);

		RTE_TEST_ASSERT_EQUAL(
			ok, rows[i].why == NULL, "%s %s", rows[i].param, rows[i].value);
		if (!ok)
			SL_TEST_STR(why.data, rows[i].why);
		sl_buf_fini(&why);
	}
	return TEST_SUCCESS;
}

// The top-level member that a column's path reads: "ports*.number" reads ports.
static bool
column_has_field(const struct sl_ctl_column *column)
{
	const char *path = column->path + (column->path[0] == '#');
	const size_t len = strcspn(path, "*[.?");
	const struct sl_ctl_field *f = NULL;

	while ((f = sl_ctl_field_next(column->cmd, f)))
		if (strlen(f->path) == len && strncmp(f->path, path, len) == 0)
			return true;
	return false;
}

static int
test_table(void)
{
	for (unsigned cmd = 0; cmd <= SL_CTL_CMD_MAX; cmd++) {
		const struct sl_ctl_param *p = NULL, *q;
		const struct sl_ctl_column *c = NULL;
		const char *name = cmd < SL_CTL_CMD_MAX ? sl_ctl_command(cmd)->name : "global";

		if (cmd < SL_CTL_CMD_MAX)
			SL_TEST_INT(sl_ctl_command_find(name), cmd);
		while ((p = sl_ctl_param_next(cmd, p))) {
			RTE_TEST_ASSERT_EQUAL(sl_ctl_param_find(cmd, p->name), p,
				"%s: %s is declared twice", name, p->name);
			RTE_TEST_ASSERT(cmd == SL_CTL_CMD_MAX || p->positional ||
						!sl_ctl_param_find(SL_CTL_CMD_MAX, p->name),
				"%s: --%s is a global flag", name, p->name);
			for (q = NULL; (q = sl_ctl_param_next(cmd, q)) != p;)
				RTE_TEST_ASSERT(!p->short_ || q->short_ != p->short_,
					"%s: -%c is declared twice", name, p->short_);
		}
		while ((c = sl_ctl_column_next(cmd, c)))
			RTE_TEST_ASSERT(column_has_field(c),
				"%s: column %s reads no declared field", name, c->path);
	}
	return TEST_SUCCESS;
}

static int
test_kinds(void)
{
	static const struct {
		const char *text;
		const char *kind; // NULL: no such kind
	} rows[] = {
		{"ServiceEntry", "ServiceEntry"},
		{"SE", "ServiceEntry"},
		{"serviceentries.networking.istio.io", "ServiceEntry"},
		{"se.Networking.istio.io", "ServiceEntry"},
		{"serviceentries.gateway.networking.k8s.io", NULL},
		{"serviceentries.", NULL},
		{"po", "Pod"},
		{"pods.", NULL},
		{"ns", "Namespace"},
		// Two kinds have one name.
		{"gateway", "Gateway"},
		{"gw", "Gateway"},
		{"gateways.networking.istio.io", "Gateway"},
		{"gtw", "Gateway.gateway.networking.k8s.io"},
		{"gateway.gateway.networking.k8s.io", "Gateway.gateway.networking.k8s.io"},
		{"gateways.gateway.networking.k8s.io", "Gateway.gateway.networking.k8s.io"},
		{"httproute", "HTTPRoute"},
		{"trafficpolicies.gateway.kgateway.dev", "TrafficPolicy"},
		{"", NULL},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const char *kind = sl_ctl_kind_find(rows[i].text);

		SL_TEST_STR(kind ? kind : "", rows[i].kind ? rows[i].kind : "");
		if (kind)
			SL_TEST_STR(sl_ctl_kind_find(kind), kind);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"values", test_values},
		{"table", test_table},
		{"kinds", test_kinds},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
