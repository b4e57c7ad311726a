// The client as a whole: a command line in, an exit status and two texts out, against a daemon of
// canned answers that runs in a child process.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "help.h"
#include "safe.h"
#include "sl_ctl.h"
#include "sl_str.h"
#include "sl_test.h"
#include "sluicectl.h"
#include "table.h"
#include "version.h"

// ---- a daemon of canned answers ----

static void
put_json(struct sl_ctl_req *req, const char *json)
{
	struct sl_emit *e = sl_ctl_row_value(req);

	sl_emit_raw(e, NULL, json);
	sl_ctl_row_end(req);
}

static void
on_version(void *ctx, struct sl_ctl_req *req)
{
	put_json(req,
		"{\"component\":\"daemon\",\"version\":\"9.9\",\"dpdk\":\"22.11\",\"pid\":42,"
		"\"uptimeSeconds\":7,\"config\":\"/etc/sluice/sluice.yaml\",\"generation\":3}");
	sl_ctl_done(req);
}

static void
on_apply(void *ctx, struct sl_ctl_req *req)
{
	struct sl_diags diags = {0};
	const struct sl_loc loc = {"web.yaml", 12, 13};
	const char *name, *text;
	size_t len;

	for (size_t i = 0; sl_ctl_input(req, i, &name, &text, &len); i++) {
		struct sl_emit *e = sl_ctl_row(req);

		sl_emit_str(e, "kind", "ServiceEntry");
		sl_emit_str(e, "namespace", strrchr(name, '/') + 1);
		sl_emit_strf(e, "name", "%zu", len);
		sl_emit_str(e, "result", "created");
		sl_ctl_row_end(req);
	}
	sl_diag_add(&diags, SL_ERROR, &loc, "ServiceEntry a/b", "spec.ports", NULL, "bad\033[2J");
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	sl_ctl_fail(req, 1, "1 object is invalid");
}

static void
on_get(void *ctx, struct sl_ctl_req *req)
{
	const char *name = sl_ctl_arg(req, "name");

	for (int i = 1; i <= 2; i++) {
		struct sl_emit *e;
		char row_name[8];

		snprintf(row_name, sizeof(row_name), "web%d", i);
		if (name && strcmp(name, row_name) != 0)
			continue;
		e = sl_ctl_row(req);
		sl_emit_str(e, "kind", sl_ctl_arg(req, "kind"));
		sl_emit_str(e, "namespace", "default");
		sl_emit_str(e, "name", row_name);
		sl_emit_arr(e, "hosts");
		for (int k = 0; k < i; k++)
			sl_emit_strf(e, NULL, "h%d.example.com", k);
		sl_emit_end(e);
		sl_emit_str(e, "location", "MESH_EXTERNAL");
		sl_emit_str(e, "resolution", "STATIC");
		sl_emit_str(e, "status", "Served");
		sl_emit_u64(e, "endpoints", i);
		sl_emit_null(e, "reason");
		if (sl_ctl_arg(req, "output"))
			sl_emit_raw(e, "object",
				"{\"kind\":\"ServiceEntry\",\"spec\":{\"hosts\":[\"a\"]}}");
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}

static void
on_diff(void *ctx, struct sl_ctl_req *req)
{
	const char *name, *text;
	size_t len;

	sl_ctl_input(req, 0, &name, &text, &len);
	if (strncmp(text, "fail", 4) == 0) {
		sl_ctl_fail(req, 1, "invalid");
		return;
	}
	// An object of the live ones that the file changes, and one that is new.
	put_json(req,
		strncmp(text, "same", 4) == 0
			? "{\"kind\":\"K\",\"namespace\":\"n\",\"name\":\"x\",\"live\":{\"a\":1},"
			  "\"new\":{\"a\":1}}"
			: "{\"kind\":\"K\",\"namespace\":\"n\",\"name\":\"../"
			  "x\",\"live\":{\"a\":1},"
			  "\"new\":{\"a\":2}}");
	if (strncmp(text, "new", 3) == 0)
		put_json(req, "{\"kind\":\"K\",\"namespace\":\"n\",\"name\":\"y\",\"live\":null,"
			      "\"new\":{\"b\":[\"c\"]}}");
	sl_ctl_done(req);
}

static void
on_flows(void *ctx, struct sl_ctl_req *req)
{
	const uint64_t n = sl_ctl_arg_u64(req, "limit", 0);

	if (sl_ctl_flag(req, "count")) {
		put_json(req, "{\"count\":1000000}");
	} else {
		for (uint64_t i = 0; i < n; i++)
			put_json(req, "{\"proto\":\"tcp\",\"bytesIn\":123456}");
		sl_ctl_text(req, "that was all");
	}
	sl_ctl_done(req);
}

static void
on_workers(void *ctx, struct sl_ctl_req *req)
{
	put_json(req,
		"{\"worker\":0,\"core\":12,\"state\":\"running\",\"busyPercent\":3.25,\"rx\":10,"
		"\"forwarded\":5,\"drops\":0,\"flows\":1}");
	put_json(req, "{\"worker\":1,\"core\":3,\"state\":\"stopped\",\"busyPercent\":null,"
		      "\"rx\":1234567890123,\"forwarded\":5,\"drops\":0,\"flows\":1}");
	sl_ctl_done(req);
}

static void
on_log_level(void *ctx, struct sl_ctl_req *req)
{
	const char *level = sl_ctl_arg(req, "level");

	sl_emit_str(sl_ctl_row(req), "level", level ? level : "notice");
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

static void
on_describe(void *ctx, struct sl_ctl_req *req)
{
	put_json(req,
		"{\"kind\":\"ServiceEntry\",\"namespace\":\"shop\",\"name\":\"web\",\"labels\":{"
		"\"a\":\"b\","
		"\"c\":\"d\"},\"annotations\":{},\"creation\":null,\"origin\":\"file\",\"file\":"
		"\"/etc/sluice/web.yaml\",\"line\":3,\"generation\":2,\"status\":\"Partial\","
		"\"conditions\":[{\"type\":\"Served\",\"status\":\"False\",\"reason\":"
		"\"PortNotServed\","
		"\"message\":\"port 443 is "
		"not\"}],\"notes\":[{\"path\":\"spec.ports[1]\",\"message\":"
		"\"is not "
		"served\",\"line\":9,\"col\":5}],\"services\":[{\"host\":\"web.example.com\","
		"\"tier\":\"L4\",\"reason\":\"\",\"vips\":[\"192.0.2.80\"],\"ports\":[{\"number\":"
		"80,\"name\":"
		"\"http\",\"protocol\":\"HTTP\",\"targetPort\":8080},{\"number\":443,\"name\":"
		"\"tls\","
		"\"protocol\":\"TLS\",\"targetPort\":443}],\"endpoints\":[{\"address\":\"2001:db8::"
		"1\","
		"\"port\":8080,\"portName\":\"http\",\"weight\":1,\"locality\":\"eu/"
		"a\",\"state\":\"up\"}]}]}");
	sl_ctl_done(req);
}

static void
serve(const char *path, int ready)
{
	struct event_base *base = event_base_new();
	char *why = NULL;
	const struct sl_ctl_cfg cfg = {
		.path = path,
		.handlers =
			{
				[SL_CTL_VERSION] = on_version,
				[SL_CTL_APPLY] = on_apply,
				[SL_CTL_GET] = on_get,
				[SL_CTL_DIFF] = on_diff,
				[SL_CTL_FLOWS] = on_flows,
				[SL_CTL_WORKERS] = on_workers,
				[SL_CTL_LOG_LEVEL] = on_log_level,
				[SL_CTL_DESCRIBE] = on_describe,
			},
	};

	if (!sl_ctl_listen(base, &cfg, &why))
		_exit(1);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}

static struct {
	char dir[64];
	char socket[96];
	pid_t daemon;
} lab;

static void
lab_file(const char *name, const char *text, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", lab.dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

static void
lab_up(void)
{
	char byte;
	int fds[2];

	snprintf(lab.dir, sizeof(lab.dir), "/tmp/sluicectl_testXXXXXX");
	if (!mkdtemp(lab.dir) || pipe(fds) < 0)
		abort();
	snprintf(lab.socket, sizeof(lab.socket), "%s/s", lab.dir);
	lab.daemon = fork();
	if (lab.daemon == 0)
		serve(lab.socket, fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		abort();
	close(fds[0]);
	close(fds[1]);
	setenv("SLUICE_SOCKET", lab.socket, 1);
}

static void
lab_down(void)
{
	char *command = sl_xasprintf("rm -rf %s", lab.dir);

	kill(lab.daemon, SIGTERM);
	waitpid(lab.daemon, NULL, 0);
	if (system(command) != 0)
		abort();
	free(command);
}

// ---- one run ----

struct run {
	int exit;
	char *out;
	char *err;
};

// words: the command line in one text; "@" is the lab's folder.
static struct run
run(const char *words)
{
	char *argv[32] = {(char *)"sluicectl"}, *line = sl_xstrdup(words), *own[32];
	struct run r = {0};
	size_t out_len, err_len;
	int argc = 1, n_own = 0;
	FILE *out = open_memstream(&r.out, &out_len), *err = open_memstream(&r.err, &err_len);

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		if (word[0] == '@')
			word = own[n_own++] = sl_xasprintf("%s%s", lab.dir, word + 1);
		argv[argc++] = word;
	}
	r.exit = sluicectl_run(argc, argv, out, err);
	fclose(out);
	fclose(err);
	while (n_own > 0)
		free(own[--n_own]);
	free(line);
	return r;
}

static void
run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

struct row {
	const char *words;
	int exit;
	const char *out;
	const char *err;
};

static int
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct run r = run(rows[i].words);

		RTE_TEST_ASSERT(strcmp(r.out, rows[i].out) == 0, "%s: printed\n%s\nexpected\n%s",
			rows[i].words, r.out, rows[i].out);
		RTE_TEST_ASSERT(strcmp(r.err, rows[i].err) == 0, "%s: said\n%s\nexpected\n%s",
			rows[i].words, r.err, rows[i].err);
		RTE_TEST_ASSERT_EQUAL(r.exit, rows[i].exit, "%s: exit %d, expected %d",
			rows[i].words, r.exit, rows[i].exit);
		run_free(&r);
	}
	return TEST_SUCCESS;
}

#define TELLS(command) "sluicectl: `sluicectl help" command "` tells what there is\n"

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
		{"get pods", 2, "",
			"sluicectl: KIND: \"pods\" does not fit, expected one of serviceentries "
			"(se)\n" TELLS(" get")},
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
			"sluicectl: shell: \"fish\" does not fit, expected one of bash\n" TELLS(
				" completion")},
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

// ---- output ----

static int
test_tables(void)
{
	static const struct row rows[] = {
		{"workers", 0,
			"WORKER   CORE   STATE     BUSY %              RX   FORWARDED   DROPS   "
			"FLOWS\n"
			"     0     12   running      3.2              10           5       0      "
			" 1\n"
			"     1      3   stopped        -   1234567890123           5       0      "
			" 1\n",
			""},
		{"workers --no-headers", 0,
			"0   12   running   3.2              10   5   0   1\n"
			"1    3   stopped     -   1234567890123   5   0   1\n",
			""},
		{"workers -o json", 0,
			"[\n"
			"  "
			"{\"worker\":0,\"core\":12,\"state\":\"running\",\"busyPercent\":3.25,"
			"\"rx\":10,"
			"\"forwarded\":5,\"drops\":0,\"flows\":1},\n"
			"  {\"worker\":1,\"core\":3,\"state\":\"stopped\",\"busyPercent\":null,"
			"\"rx\":1234567890123,\"forwarded\":5,\"drops\":0,\"flows\":1}\n"
			"]\n",
			""},
		{"get serviceentries", 0,
			"NAMESPACE   NAME   HOSTS                           LOCATION        "
			"RESOLUTION   STATUS\n"
			"default     web1   h0.example.com                  MESH_EXTERNAL   STATIC "
			"      Served\n"
			"default     web2   h0.example.com,h1.example.com   MESH_EXTERNAL   STATIC "
			"      Served\n",
			""},
		{"get se web1 -o wide", 0,
			"NAMESPACE   NAME   HOSTS            LOCATION        RESOLUTION   STATUS   "
			"ADDRESSES   "
			"ENDPOINTS   ORIGIN   GENERATION   REASON\n"
			"default     web1   h0.example.com   MESH_EXTERNAL   STATIC       Served   "
			"-           "
			"        1   -                 -   -\n",
			""},
		{"get se -o name", 0, "serviceentry/web1\nserviceentry/web2\n", ""},
		{"get se web1 -o yaml", 0, "kind: ServiceEntry\nspec:\n  hosts:\n  - a\n", ""},
		{"get se -o yaml", 0,
			"kind: ServiceEntry\nspec:\n  hosts:\n  - a\n---\n"
			"kind: ServiceEntry\nspec:\n  hosts:\n  - a\n",
			""},
		{"get se web1 -o json", 0,
			"{\n    \"kind\": \"ServiceEntry\",\n    \"spec\": {\n        \"hosts\": "
			"[\n"
			"            \"a\"\n        ]\n    }\n}\n",
			""},
		{"get se -o json", 0,
			"{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": "
			"[\n"
			"        {\n            \"kind\": \"ServiceEntry\",\n            \"spec\": "
			"{\n"
			"                \"hosts\": [\n                    \"a\"\n                "
			"]\n"
			"            }\n        },\n"
			"        {\n            \"kind\": \"ServiceEntry\",\n            \"spec\": "
			"{\n"
			"                \"hosts\": [\n                    \"a\"\n                "
			"]\n"
			"            }\n        }\n    ]\n}\n",
			""},
		{"get se none -o json", 0, "", ""},
		{"get se none", 0, "", "nothing found\n"},
		{"flows --count", 0, "1000000\n", ""},
		{"flows --count -o json", 0, "[\n  {\"count\":1000000}\n]\n", ""},
		{"flows", 0, "that was all\n", "nothing found\n"},
		{"flows -o json", 0, "[]\n", "that was all\n"},
		{"log-level", 0, "notice\n", ""},
		{"log-level debug", 0, "debug\n", ""},
		{"version", 0,
			"COMPONENT   VERSION   DPDK    PID   UPTIME (S)   CONFIG\n"
			"client      " SLUICE_VERSION "     -         -            -   -\n"
			"daemon      9.9       22.11    42            7   "
			"/etc/sluice/sluice.yaml\n",
			""},
		{"version --client -o json", 0,
			"[\n  {\"component\":\"client\",\"version\":\"" SLUICE_VERSION "\"}\n]\n",
			""},
		{"describe se web", 0,
			"Name:          web\nNamespace:     shop\nKind:          ServiceEntry\n"
			"Labels:        a=b\n               c=d\nAnnotations:   <none>\n"
			"Created:       <none>\nOrigin:        file (/etc/sluice/web.yaml:3)\n"
			"Generation:    2\nStatus:        Partial\n"
			"Conditions:\n  Served       False   PortNotServed        port 443 is not\n"
			"Notes:\n  /etc/sluice/web.yaml:9:5: spec.ports[1]: is not served\n"
			"Services:\n  web.example.com\n    Tier: L4\n    VIPs: 192.0.2.80\n"
			"    Ports: 80->8080/HTTP(http) 443/TLS(tls)\n    Endpoints:\n"
			"      [2001:db8::1]:8080      http       weight 1     up  eu/a\n",
			""},
		{"reload", 2, "", "sluicectl: this daemon does not know the command reload\n"},
	};

	return check_rows(rows, SL_ARRAY_LEN(rows));
}

// Widths come from the first lines; what comes later is written at once, and pushes its line.
static int
test_table_streams(void)
{
	json_t *narrow = json_pack("{s:s,s:i}", "proto", "tcp", "bytesIn", 1);
	json_t *wide = json_pack("{s:s,s:s}", "proto", "much-wider-than-before", "client", "c");
	const char *last =
		"much-wider-than-before   -       c        -     -        -                 -    "
		"       -          -\n";
	struct table t;
	size_t len = 0, before;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	table_init(&t, f, SL_CTL_FLOWS, false, true);
	for (int i = 0; i < TABLE_SAMPLE - 1; i++)
		table_row(&t, narrow);
	fflush(f);
	SL_TEST_INT(len, 0);
	table_row(&t, narrow);
	fflush(f);
	RTE_TEST_ASSERT(len > 0, "the sample is full");
	before = len;
	table_row(&t, wide);
	fflush(f);
	RTE_TEST_ASSERT(len > before, "later lines are not held back");
	SL_TEST_INT(t.held.len, 0);
	SL_TEST_STR(text + before, last);
	table_fini(&t);
	fclose(f);
	free(text);
	json_decref(narrow);
	json_decref(wide);
	return TEST_SUCCESS;
}

// Lines per list member, counts by member, and cells that can't harm a terminal.
static int
test_table_paths(void)
{
	json_t *row = json_loads("{\"host\":\"a\\u001b[2J\\u009bb\\u00e9\",\"ports\":[{\"number\":"
				 "80,\"name\":\"x\"},"
				 "{\"number\":443,\"name\":\"y\"}],\"vips\":[\"192.0.2.1\",\"192.0."
				 "2.2\"],\"endpoints\":"
				 "[{\"portName\":\"x\"},{\"portName\":\"y\"},{\"portName\":\"x\"}],"
				 "\"namespace\":\"\"}",
		0, NULL);
	json_t *bare = json_loads("{\"host\":\"b\",\"ports\":[],\"endpoints\":[1]}", 0, NULL);
	struct table t;
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	table_init(&t, f, SL_CTL_SERVICES, false, true);
	table_row(&t, row);
	table_row(&t, bare);
	table_fini(&t);
	fclose(f);
	SL_TEST_STR(text, "SERVICE FQDN   PORT   PROTOCOL   VIP                   TYPE   TIER   "
			  "ENDPOINTS   NAMESPACE\n"
			  "a?[2J?bé         80   -          192.0.2.1,192.0.2.2   -      -         "
			  "     2   -\n"
			  "a?[2J?bé        443   -          192.0.2.1,192.0.2.2   -      -         "
			  "     1   -\n"
			  "b                 -   -          -                     -      -         "
			  "     1   -\n");
	free(text);
	json_decref(row);
	json_decref(bare);
	return TEST_SUCCESS;
}

// ---- files ----

static const char good_yaml[] =
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata:\n"
	"  name: web\n"
	"  namespace: shop\n"
	"spec:\n"
	"  hosts: [web.example.com]\n"
	"  addresses: [192.0.2.80]\n"
	"  ports: [{number: 80, name: http, protocol: HTTP}]\n"
	"  resolution: STATIC\n"
	"  endpoints: [{address: 198.51.100.1}, {address: 198.51.100.2, weight: 3}]\n";
static const char bad_yaml[] = "apiVersion: networking.istio.io/v1\n"
			       "kind: ServiceEntry\n"
			       "metadata: {name: bad}\n"
			       "spec:\n"
			       "  hosts: [bad.example.com]\n"
			       "  ports: [{number: 80, name: http}]\n"
			       "  resolution: STATIK\n";

static int
test_offline(void)
{
	lab_file("good.yaml", good_yaml, sizeof(good_yaml) - 1);
	lab_file("bad.yaml", bad_yaml, sizeof(bad_yaml) - 1);

	static const struct row rows[] = {
		{"validate -f @/good.yaml", 0, "1 object: 1 valid, 0 invalid, 0 warnings\n", ""},
		{"validate -f @/good.yaml -o json", 0, "[]\n", ""},
		{"services -f @/good.yaml", 0,
			"SERVICE FQDN      PORT   PROTOCOL   VIP          TYPE     TIER   "
			"ENDPOINTS   NAMESPACE\n"
			"web.example.com     80   HTTP       192.0.2.80   STATIC   L4             "
			"2   shop\n",
			""},
		{"endpoints -f @/good.yaml --no-headers", 0,
			"198.51.100.1:80   UNKNOWN   -   outbound|80||web.example.com   1   -\n"
			"198.51.100.2:80   UNKNOWN   -   outbound|80||web.example.com   3   -\n",
			""},
		{"services -f @/good.yaml -n other", 0, "", ""},
		{"services -f @/good.yaml --service other.example.com -o json", 0, "[]\n", ""},
		{"services -f @/good.yaml --service web.example.com -n shop --no-headers", 0,
			"web.example.com   80   HTTP   192.0.2.80   STATIC   L4   2   shop\n", ""},
	};

	if (check_rows(rows, SL_ARRAY_LEN(rows)) != TEST_SUCCESS)
		return TEST_FAILED;

	struct run r = run("validate -f @/bad.yaml @/good.yaml");
	char *place = sl_xasprintf(
		"%s/bad.yaml:7:15: error: ServiceEntry default/bad: spec.resolution: ", lab.dir);
	SL_TEST_INT(r.exit, 1);
	SL_TEST_STR(r.out, "2 objects: 1 valid, 1 invalid, 0 warnings\n");
	RTE_TEST_ASSERT(
		strncmp(r.err, place, strlen(place)) == 0, "got %s, expected %s", r.err, place);
	run_free(&r);
	free(place);

	r = run("validate -f @/bad.yaml -o json");
	json_t *diags = json_loads(r.out, 0, NULL);
	SL_TEST_INT(r.exit, 1);
	SL_TEST_STR(r.err, "");
	SL_TEST_INT(json_array_size(diags), 1);
	SL_TEST_INT(json_integer_value(json_object_get(json_array_get(diags, 0), "line")), 7);
	SL_TEST_STR(
		json_string_value(json_object_get(json_array_get(diags, 0), "severity")), "error");
	json_decref(diags);
	run_free(&r);

	// What is valid is shown beside the findings.
	r = run("services -f @/bad.yaml @/good.yaml --no-headers");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.out, "web.example.com"), "the good one: %s", r.out);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "bad.yaml:7:15"), "the bad one: %s", r.err);
	run_free(&r);

	r = run("validate -f @/none.yaml");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "cannot be read"), "%s", r.err);
	run_free(&r);
	return TEST_SUCCESS;
}

static int
test_apply(void)
{
	lab_file("a.yaml", "one\n", 4);
	lab_file("b.yaml", "other one\n", 10);
	lab_file("nul.yaml", "a\0b", 3);
	lab_file("latin1.yaml", "caf\xe9\n", 5);

	static const char error[] = "web.yaml:12:13: error: ServiceEntry a/b: spec.ports: bad?[2J\n"
				    "sluicectl: 1 object is invalid\n";
	static const struct row rows[] = {
		{"apply -f @/a.yaml @/b.yaml", 1,
			"ServiceEntry a.yaml/4 created\nServiceEntry b.yaml/10 created\n", error},
		{"apply -f @/a.yaml -o json", 1,
			"[\n  {\"kind\":\"ServiceEntry\",\"namespace\":\"a.yaml\",\"name\":\"4\","
			"\"result\":\"created\"}\n]\n",
			error},
	};

	if (check_rows(rows, SL_ARRAY_LEN(rows)) != TEST_SUCCESS)
		return TEST_FAILED;
	// What can't be sent whole is not sent at all.
	static const struct {
		const char *words;
		const char *err;
	} refused[] = {
		{"apply -f @/a.yaml @/nul.yaml", "nul.yaml: is not UTF-8 text\n"},
		{"apply -f @/a.yaml @/latin1.yaml", "latin1.yaml: is not UTF-8 text\n"},
		{"apply -f @/a.yaml @/none.yaml", "none.yaml: error: cannot be read: No such file"},
	};
	for (size_t i = 0; i < SL_ARRAY_LEN(refused); i++) {
		struct run r = run(refused[i].words);

		SL_TEST_INT(r.exit, 1);
		SL_TEST_STR(r.out, "");
		RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, refused[i].err), "%s", r.err);
		run_free(&r);
	}
	return TEST_SUCCESS;
}

// The program writes to the process's own output: it goes to a file meanwhile.
static int
run_diff(const char *words, char *text, size_t size)
{
	char path[128];
	struct run r;
	int fd, saved = dup(STDOUT_FILENO);
	ssize_t n;

	fflush(stdout);
	snprintf(path, sizeof(path), "%s/out", lab.dir);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	dup2(fd, STDOUT_FILENO);
	r = run(words);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	n = pread(fd, text, size - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	run_free(&r);
	return r.exit;
}

static int
test_diff(void)
{
	char text[4096], *tmp;

	lab_file("same.yaml", "same\n", 5);
	lab_file("changed.yaml", "changed\n", 8);
	lab_file("new.yaml", "new\n", 4);
	lab_file("fail.yaml", "fail\n", 5);
	tmp = sl_xasprintf("%s/tmp", lab.dir);
	mkdir(tmp, 0700);
	setenv("TMPDIR", tmp, 1);
	unsetenv("SLUICECTL_EXTERNAL_DIFF");

	SL_TEST_INT(run_diff("diff -f @/same.yaml", text, sizeof(text)), 0);
	SL_TEST_STR(text, "");
	SL_TEST_INT(run_diff("diff -f @/changed.yaml", text, sizeof(text)), 1);
	// A name that would lead out of the folder does not.
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "+++ NEW/K.n..._x\t"), "%s", text);
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "\n-a: 1\n+a: 2\n"), "%s", text);
	SL_TEST_INT(run_diff("diff -f @/new.yaml", text, sizeof(text)), 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "\n+b:\n+- c\n"), "%s", text);
	SL_TEST_INT(run_diff("diff -f @/fail.yaml", text, sizeof(text)), 2);
	setenv("SLUICECTL_EXTERNAL_DIFF", "ls", 1);
	SL_TEST_INT(run_diff("diff -f @/new.yaml", text, sizeof(text)), 0);
	SL_TEST_STR(text, "LIVE:\nK.n..._x\n\nNEW:\nK.n..._x\nK.n.y\n");
	setenv("SLUICECTL_EXTERNAL_DIFF", "/no/such/program", 1);
	RTE_TEST_ASSERT(run_diff("diff -f @/new.yaml", text, sizeof(text)) > 1, "it can't run");
	unsetenv("SLUICECTL_EXTERNAL_DIFF");
	unsetenv("TMPDIR");
	RTE_TEST_ASSERT_SUCCESS(rmdir(tmp), "no folder is left behind");
	free(tmp);
	return TEST_SUCCESS;
}

// ---- what goes wrong on the way ----

// Listens and hangs up on whoever comes, after having said `text`.
static int
rude_daemon(const char *name, const char *text, pid_t *pid)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", lab.dir, name);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		const int c = accept(fd, NULL, NULL);
		char byte;

		if (read(c, &byte, 1) < 0 || write(c, text, strlen(text)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fd);
	return 0;
}

static int
test_errors(void)
{
	static const struct {
		const char *says;
		const char *err;
	} rude[] = {
		{"", "sluicectl: the connection to sluice was lost before the end of its answer\n"},
		{"{\"row\":{}}\n", "sluicectl: the connection to sluice was lost before the end of "
				   "its answer\n"},
		{"hello\n", "sluicectl: the daemon's answer is not understood: are sluice and "
			    "sluicectl "
			    "of the same version?\n"},
		{"{\"row\":{]}\n{\"end\":{\"exit\":0,\"message\":null}}\n",
			"sluicectl: 1 rows of the answer are not understood\n"},
		{"{\"end\":{\"exit\":1,\"message\":\"busy\"}}\n", "sluicectl: busy\n"},
	};
	struct run r = run("-s @/none workers");

	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "is sluice running"), "%s", r.err);
	run_free(&r);
	lab_file("plain", "", 0);
	r = run("-s @/plain workers");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "nobody answers"), "%s", r.err);
	run_free(&r);
	r = run("-s @/none version");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.out, "client"), "its own version is shown: %s", r.out);
	run_free(&r);
	for (size_t i = 0; i < SL_ARRAY_LEN(rude); i++) {
		char name[16], words[64];
		pid_t pid;

		snprintf(name, sizeof(name), "rude%zu", i);
		RTE_TEST_ASSERT_SUCCESS(rude_daemon(name, rude[i].says, &pid), "rude daemon");
		snprintf(words, sizeof(words), "workers -s @/%s", name);
		r = run(words);
		SL_TEST_INT(r.exit, 1);
		SL_TEST_STR(r.err, rude[i].err);
		run_free(&r);
		waitpid(pid, NULL, 0);
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
		lab.dir, words);
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
		{"sluicectl get -o y", "yaml"},
		{"sluicectl stats -w --al", "--all"},
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
	char *words = sl_xasprintf("sluicectl apply -f %s/uniq", lab.dir);
	char *reply = sl_xasprintf("%s/unique-name.yaml", lab.dir);

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
		{"tables", test_tables},
		{"table_streams", test_table_streams},
		{"table_paths", test_table_paths},
		{"offline", test_offline},
		{"apply", test_apply},
		{"diff", test_diff},
		{"errors", test_errors},
		{"completion", test_completion},
	};
	int rc;

	lab_up();
	rc = sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
	lab_down();
	return rc;
}
