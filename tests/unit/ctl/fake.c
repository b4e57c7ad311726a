#include "fake.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sl_ctl.h"
#include "sl_str.h"
#include "sluicectl.h"

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
		"{\"component\":\"daemon\",\"node\":\"egress-1\",\"version\":\"9.9\",\"dpdk\":\"22."
		"11\",\"pid\":42,"
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
		sl_emit_str(e, "group", "networking.istio.io");
		sl_emit_str(e, "namespace", "default");
		sl_emit_str(e, "name", row_name);
		sl_emit_str(e, "age", "5d");
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
		"a\",\"state\":\"up\",\"reason\":\"\"},{\"address\":\"192.0.2.7\",\"name\":\"a."
		"example\",\"port\":8080,"
		"\"portName\":\"http\",\"weight\":2,\"locality\":\"\",\"state\":\"unhealthy\","
		"\"reason\":\"its Pod is not ready\",\"source\":\"Pod shop/web-1\",\"file\":"
		"\"pods.yaml\",\"line\":12}],\"draining\":[{\"address\":\"192.0.2.8\",\"port\":"
		"8080,"
		"\"flows\":3}],\"clients\":[{\"group\":0,\"namespace\":\"default\",\"cidrs\":[]},"
		"{\"group\":1,\"namespace\":\"shop\",\"cidrs\":[\"198.51.100.0/25\"]}],"
		"\"virtualServices\":[{\"object\":\"VirtualService shop/vs\",\"file\":\"vs.yaml\","
		"\"line\":1}],\"destinationRules\":[]}],\"events\":[{\"type\":\"Warning\","
		"\"reason\":"
		"\"Stale\",\"object\":\"a.example.com\",\"message\":\"no server answers\","
		"\"count\":3,\"age\":\"5m\"}]}");
	sl_ctl_done(req);
}

static void
on_dns(void *ctx, struct sl_ctl_req *req)
{
	put_json(req,
		"{\"name\":\"a.example.com\",\"family\":\"A\",\"state\":\"stale\",\"addresses\":["
		"\"192.0.2.1\",\"192.0.2.2\"],\"ttlLeftSeconds\":0,\"ageSeconds\":61.5,\"server\":"
		"\"192.0.2.53:53\",\"rttMs\":1.25,\"error\":\"no server answers\",\"services\":["
		"\"shop/a.example.com\"]}");
	put_json(req, "{\"name\":\"b.example.com\",\"family\":\"A\",\"state\":\"pending\","
		      "\"addresses\":[],\"services\":[]}");
	sl_ctl_done(req);
}

static void
on_dns_refresh(void *ctx, struct sl_ctl_req *req)
{
	sl_emit_str(sl_ctl_row(req), "name", sl_ctl_arg(req, "name"));
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

static void
on_explain(void *ctx, struct sl_ctl_req *req)
{
	put_json(req,
		"{\"verdict\":\"forward\",\"reason\":\"because\",\"flow\":{\"proto\":\"tcp\","
		"\"from\":\"192.0.2.10\",\"to\":\"192.0.2.80:80\"},\"client\":{\"namespace\":"
		"\"shop\",\"labels\":{\"app\":\"cart\"},\"locality\":\"eu/a\",\"network\":null,"
		"\"cidr\":\"192.0.2.0/24\",\"file\":\"/etc/sluice/sluice.yaml\",\"line\":7},"
		"\"service\":{\"namespace\":\"shop\",\"host\":\"web.example.com\",\"port\":80},"
		"\"matchedBy\":\"VIP\",\"matched\":\"192.0.2.80\",\"route\":"
		"\"VirtualService shop/web\",\"source\":\"VirtualService shop/web\","
		"\"clusters\":[{\"name\":\"outbound|80|v1|web.example.com\",\"weight\":1,"
		"\"balancer\":\"RANDOM\",\"destinationRule\":\"DestinationRule shop/web\","
		"\"problem\":null},{\"name\":\"outbound|80|v2|web.example.com\",\"weight\":2,"
		"\"balancer\":\"RANDOM\",\"destinationRule\":null,\"problem\":\"it has none\"}],"
		"\"candidates\":[{\"address\":\"198.51.100.1\",\"port\":8080,\"weight\":1,"
		"\"state\":\"up\",\"problem\":null,\"cluster\":"
		"\"outbound|80|v1|web.example.com\",\"priority\":0,\"sharePercent\":100,"
		"\"flows\":12,\"source\":\"Pod shop/a\",\"file\":\"a.yaml\",\"line\":3},"
		"{\"address\":\"198.51.100.2\",\"port\":8080,\"weight\":1,\"state\":\"unhealthy\","
		"\"problem\":\"no\",\"cluster\":\"outbound|80|v1|web.example.com\",\"priority\":1,"
		"\"sharePercent\":null,\"flows\":null,\"source\":\"Pod shop/b\",\"file\":null,"
		"\"line\":0}],\"hints\":[\"do\"],\"notes\":[\"one\",\"two\\u001b[2J\"]}");
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
				[SL_CTL_EXPLAIN] = on_explain,
				[SL_CTL_DNS] = on_dns,
				[SL_CTL_DNS_REFRESH] = on_dns_refresh,
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

const char *
lab_dir(void)
{
	return lab.dir;
}

void
lab_file(const char *name, const char *text, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", lab.dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

void
lab_up(void)
{
	char byte;
	int fds[2];

	snprintf(lab.dir, sizeof(lab.dir), "/tmp/sluicectl_testXXXXXX");
	if (!mkdtemp(lab.dir) || pipe(fds) < 0)
		abort();
	snprintf(lab.socket, sizeof(lab.socket), "%s/s", lab.dir);
	lab.daemon = fork();
	if (lab.daemon == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that crashes leaves nothing behind
		serve(lab.socket, fds[1]);
	}
	if (read(fds[0], &byte, 1) != 1)
		abort();
	close(fds[0]);
	close(fds[1]);
	setenv("SLUICE_SOCKET", lab.socket, 1);
}

void
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

struct run
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

void
run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

int
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct run r = run(rows[i].words);

		RTE_TEST_ASSERT(strcmp(r.out, rows[i].out) == 0, "%s: printed\n%s\nexpected\n%s",
			rows[i].words, r.out, rows[i].out);
		// "@" at the beginning stands for the lab's folder there too.
		char *err = rows[i].err[0] == '@' ? sl_xasprintf("%s%s", lab.dir, rows[i].err + 1)
						  : sl_xstrdup(rows[i].err);

		RTE_TEST_ASSERT(strcmp(r.err, err) == 0, "%s: said\n%s\nexpected\n%s",
			rows[i].words, r.err, err);
		free(err);
		RTE_TEST_ASSERT_EQUAL(r.exit, rows[i].exit, "%s: exit %d, expected %d",
			rows[i].words, r.exit, rows[i].exit);
		run_free(&r);
	}
	return TEST_SUCCESS;
}
