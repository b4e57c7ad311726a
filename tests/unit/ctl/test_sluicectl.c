// The client's command line: what it takes, how it explains itself, and what bash completes.
#include <unistd.h>

#include "args.h"
#include "fake.h"
#include "help.h"
#include "sl_str.h"
#include "version.h"

// ---- arguments ----

static int
test_usage(void)
{
	static const struct row rows[] = {
		{"", 2, "", "sluicectl: a command is missing\n" TELLS("")},
		{"flosw", 2, "", "sluicectl: unknown command \"flosw\"\n" TELLS("")},
		{"flow", 2, "",
			"sluicectl: unknown command \"flow\"; did you mean flows?\n" TELLS("")},
		{"help flow", 2, "",
			"sluicectl: unknown command \"flow\"; did you mean flows?\n" TELLS("")},
		{"flows --limits 3", 2, "",
			"sluicectl: unknown flag --limits; did you mean --limit?\n" TELLS(
				" flows")},
		{"flows --limit", 2, "", "sluicectl: --limit needs a value, N\n" TELLS(" flows")},
		{"flows --limit 1 --limit=2", 2, "",
			"sluicectl: --limit is given twice\n" TELLS(" flows")},
		{"flows --count=yes", 2, "", "sluicectl: --count takes no value\n" TELLS(" flows")},
		{"flows --from nowhere", 2, "",
			"sluicectl: --from: \"nowhere\" does not fit, expected an IP address or "
			"prefix\n" TELLS(" flows")},
		{"flows -x", 2, "", "sluicectl: unknown flag -x\n" TELLS(" flows")},
		{"flows all", 2, "",
			"sluicectl: flows: \"all\" is one argument too many\n" TELLS(" flows")},
		{"flows -o yaml", 2, "",
			"sluicectl: --output: \"yaml\" does not fit, expected one of table, wide, "
			"json\n" TELLS(" flows")},
		{"flows -w0", 2, "",
			"sluicectl: --watch: \"0\" does not fit, expected a number of seconds, 1 "
			"to 86400\n" TELLS(" flows")},
		{"services -w -f @/x", 2, "",
			"sluicectl: services: --watch asks the daemon and does not go with "
			"-f\n" TELLS(" services")},
		{"get", 2, "", "sluicectl: get: the argument KIND is missing\n" TELLS(" get")},
		{"get configmaps", 2, "",
			"sluicectl: KIND: \"configmaps\" does not fit, expected one of "
			"serviceentries "
			"(se), workloadentries (we), destinationrules (dr), virtualservices (vs), "
			"gateways (gw), pods (po), namespaces (ns), "
			"gateways.gateway.networking.k8s.io (gtw), httproutes, referencegrants "
			"(refgrant), trafficpolicies\n" TELLS(" get")},
		{"describe se", 2, "",
			"sluicectl: describe: the argument NAME is missing\n" TELLS(" describe")},
		{"validate", 2, "", "sluicectl: validate: -f PATH is missing\n" TELLS(" validate")},
		{"apply", 2, "", "sluicectl: apply: -f PATH is missing\n" TELLS(" apply")},
		{"delete", 2, "",
			"sluicectl: delete: expected either -f PATH or KIND NAME\n" TELLS(
				" delete")},
		{"delete se", 2, "",
			"sluicectl: delete: expected either -f PATH or KIND NAME\n" TELLS(
				" delete")},
		{"delete -f @/x se web", 2, "",
			"sluicectl: delete: expected either -f PATH or KIND NAME\n" TELLS(
				" delete")},
		{"log-level loud", 2, "",
			"sluicectl: level: \"loud\" does not fit, expected one of err, warn, "
			"notice, info, "
			"debug\n" TELLS(" log-level")},
		{"completion fish", 2, "",
			"sluicectl: shell: \"fish\" does not fit, expected one of bash, "
			"fields\n" TELLS(" completion")},
		{"--version", 0, "sluicectl " SLUICE_VERSION "\n", ""},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

static int
test_args(void)
{
	static const struct {
		const char *words[12];
		const char *name; // of an argument
		const char *values[3];
	} rows[] = {
		{{"x", "flows", "--limit", "3"}, "limit", {"3"}},
		{{"x", "flows", "--limit=3"}, "limit", {"3"}},
		{{"x", "get", "-nshop", "se"}, "namespace", {"shop"}},
		{{"x", "get", "-n=shop", "se"}, "namespace", {"shop"}},
		{{"x", "get", "se", "web", "-n", "shop"}, "name", {"web"}},
		{{"x", "get", "--", "se", "-web"}, "name", {"-web"}},
		{{"x", "-s", "/x", "get", "se"}, "kind", {"se"}},
		{{"x", "stats", "-ao", "json"}, "all", {"true"}},
		{{"x", "delete", "se", "a", "--ignore-not-found", "b"}, "name", {"a", "b"}},
		{{"x", "dns", "a.example.com"}, "name", {"a.example.com"}},
		{{"x", "dns", "refresh", "a.example.com"}, "name", {"a.example.com"}},
		{{"x", "dns", "--", "refresh"}, "name", {"refresh"}},
		{{"x", "help", "dns", "refresh"}, "command", {"dns", "refresh"}},
		{{"x", "events", "--for", "se/web", "-n", "shop"}, "for", {"se/web"}},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_buf why = {0};
		struct args args;
		int argc = 0;

		while (rows[i].words[argc])
			argc++;
		RTE_TEST_ASSERT_SUCCESS(args_parse(argc, (char **)rows[i].words, &args, &why),
			"row %zu: %s", i, why.data);
		for (size_t k = 0; k < 3; k++) {
			const char *value = args_get(&args, rows[i].name, k);

			RTE_TEST_ASSERT(
				!value == !rows[i].values[k], "row %zu: %s", i, rows[i].name);
			if (value)
				SL_TEST_STR(value, rows[i].values[k]);
		}
		args_fini(&args);
		sl_buf_fini(&why);
	}
	return TEST_SUCCESS;
}

// What the client keeps to itself.
static int
test_args_local(void)
{
	const char *words[] = {"x", "services", "-f", "a", "--filename=b", "c", "-o", "wide",
		"--no-headers", "-s", "/x", NULL};
	static const struct {
		const char *words[6];
		unsigned watch_s;
	} watch[] = {
		{{"x", "stats"}, 0},
		{{"x", "stats", "-w"}, 2},
		{{"x", "stats", "-w5"}, 5},
		{{"x", "stats", "--watch=7"}, 7},
		{{"x", "stats", "--watch=7", "-aw"}, 2},
	};
	struct sl_buf why = {0};
	struct args args;

	RTE_TEST_ASSERT_SUCCESS(args_parse(11, (char **)words, &args, &why), "%s", why.data);
	SL_TEST_INT(args.n_paths, 3);
	SL_TEST_STR(args.paths[0], "a");
	SL_TEST_STR(args.paths[1], "b");
	SL_TEST_STR(args.paths[2], "c");
	SL_TEST_STR(args.output, "wide");
	SL_TEST_STR(args.socket, "/x");
	RTE_TEST_ASSERT(args.no_headers, "--no-headers");
	SL_TEST_INT(args.n, 0);
	args_fini(&args);
	for (size_t i = 0; i < SL_ARRAY_LEN(watch); i++) {
		int argc = 0;

		while (watch[i].words[argc])
			argc++;
		RTE_TEST_ASSERT_SUCCESS(
			args_parse(argc, (char **)watch[i].words, &args, &why), "%s", why.data);
		SL_TEST_INT(args.watch_s, watch[i].watch_s);
		args_fini(&args);
	}
	return TEST_SUCCESS;
}

// Every command explains itself: its usage, its flags, in 80 columns but for words that are longer.
static int
test_help(void)
{
	for (unsigned cmd = 0; cmd < SL_CTL_CMD_MAX; cmd++) {
		const struct sl_ctl_param *p = NULL;
		char words[64];
		struct run r;

		snprintf(words, sizeof(words), "%s --help", sl_ctl_command(cmd)->name);
		r = run(words);
		SL_TEST_INT(r.exit, 0);
		SL_TEST_STR(r.err, "");
		while ((p = sl_ctl_param_next(cmd, p))) {
			char flag[64];

			snprintf(flag, sizeof(flag), "  --%s", p->name);
			RTE_TEST_ASSERT(strstr(r.out, p->positional ? p->placeholder
						      : p->short_   ? flag + 2
								    : flag),
				"%s does not show %s", words, p->name);
			RTE_TEST_ASSERT_NOT_NULL(
				strstr(r.out, sl_ctl_command(cmd)->name), "%s", words);
		}
		for (const char *line = r.out; *line; line += strcspn(line, "\n") + 1) {
			const size_t len = strcspn(line, "\n");
			const char *last = memrchr(line, ' ', len);

			RTE_TEST_ASSERT(len <= 80 || !last || (size_t)(last - line) < 40,
				"%s: a line of %zu columns", words, len);
			RTE_TEST_ASSERT(
				len == 0 || line[len - 1] != ' ', "%s: blanks at an end", words);
		}
		run_free(&r);
	}
	return TEST_SUCCESS;
}

// ---- completion ----

// Runs the completion function on a command line; its words come back sorted by bash itself.
static int
complete(const char *words, char *text, size_t size)
{
	char *command = sl_xasprintf("bash -c '. %s/complete; COMP_WORDS=(%s); "
				     "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sluicectl; "
				     "echo \"${COMPREPLY[*]}\"' 2>&1",
		lab_dir(), words);
	FILE *f = popen(command, "r");
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	free(command);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return f ? pclose(f) : -1;
}

static int
test_completion(void)
{
	static const struct {
		const char *words;
		const char *reply;
	} rows[] = {
		{"sluicectl fl", "flows"},
		{"sluicectl -s /x serv", "services"},
		{"sluicectl --socket = /x serv", "services"},
		{"sluicectl de", "delete describe"},
		{"sluicectl flows --pr", "--proto"},
		{"sluicectl flows --proto \"\"", "tcp udp"},
		{"sluicectl flows --proto u", "udp"},
		{"sluicectl flows --proto = u", "udp"},
		{"sluicectl flows --proto =", "tcp udp"},
		{"sluicectl flows --limit 3 --state s", "syn_sent syn_recv"},
		{"sluicectl flows --from \"\"", ""},
		{"sluicectl flows x", ""},
		{"sluicectl get s", "serviceentries"},
		{"sluicectl log-level d", "debug"},
		{"sluicectl help val", "validate"},
		{"sluicectl dn", "dns"},
		{"sluicectl dns ref", "refresh"},
		{"sluicectl dns serv", "servers"},
		{"sluicectl dns --st", "--state"},
		{"sluicectl dns --state s", "stale"},
		{"sluicectl dns refresh -",
			"-o --output -s --socket --no-headers -h --help -V --version"},
		{"sluicectl dns servers -o j", "json"},
		{"sluicectl get -o y", "yaml"},
		{"sluicectl stats -w --al", "--all"},
		{"sluicectl explain-field --rec", "--recursive"},
	};
	struct sl_buf script = {0};
	char text[4096];

	if (access("/bin/bash", X_OK) != 0)
		return TEST_SKIPPED;
	complete_bash(&script);
	lab_file("complete", script.data, script.len);
	sl_buf_fini(&script);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		SL_TEST_INT(complete(rows[i].words, text, sizeof(text)), 0);
		RTE_TEST_ASSERT(strcmp(text, rows[i].reply) == 0, "%s: got \"%s\", expected \"%s\"",
			rows[i].words, text, rows[i].reply);
	}
	// Files: those of the folder.
	lab_file("unique-name.yaml", "", 0);
	char *words = sl_xasprintf("sluicectl apply -f %s/uniq", lab_dir());
	char *reply = sl_xasprintf("%s/unique-name.yaml", lab_dir());

	SL_TEST_INT(complete(words, text, sizeof(text)), 0);
	SL_TEST_STR(text, reply);
	free(words);
	free(reply);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"usage", test_usage},
		{"args", test_args},
		{"args_local", test_args_local},
		{"help", test_help},
		{"completion", test_completion},
	};
	int rc;

	lab_up();
	rc = sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
	lab_down();
	return rc;
}
