// The control socket, server and client in one thread: framing, order, limits, and what is left
// when a client misbehaves.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sl_ctl.h"
#include "sl_str.h"
#include "sl_test.h"

// ---- the lab: a daemon with small handlers, and clients that never block ----

struct lab {
	struct event_base *base;
	struct sl_ctl *ctl;
	char dir[64];
	char path[96];
	struct sl_log log;
	int log_fd;
	// what the handlers saw and left
	struct sl_ctl_req *deferred;
	unsigned aborted;
	unsigned freed;
	uint64_t rows_made;
	uint64_t rows_wanted;
};

static void
on_version(void *ctx, struct sl_ctl_req *req)
{
	sl_emit_str(sl_ctl_row(req), "component", "daemon");
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

// Says what it got: a row per input, and a diagnostic.
static void
on_apply(void *ctx, struct sl_ctl_req *req)
{
	struct sl_diags diags = {0};
	const struct sl_loc loc = {"a.yaml", 3, 5};
	const char *name, *text;
	size_t len;

	for (size_t i = 0; sl_ctl_input(req, i, &name, &text, &len); i++) {
		struct sl_emit *e = sl_ctl_row(req);

		sl_emit_str(e, "name", name);
		sl_emit_u64(e, "len", len);
		sl_emit_bool(e, "nul", text[len] == '\0');
		sl_ctl_row_end(req);
	}
	sl_diag_add(&diags, SL_WARNING, &loc, "ServiceEntry default/web", "spec", NULL, "odd");
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	sl_ctl_text(req, "saw \"%s\"", "it");
	sl_ctl_fail(req, 1, "%d invalid", 1);
}

static void
on_get(void *ctx, struct sl_ctl_req *req)
{
	struct sl_emit *e = sl_ctl_row(req);

	sl_emit_str(e, "kind", sl_ctl_arg(req, "kind"));
	sl_emit_str(e, "name", sl_ctl_arg(req, "name"));
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

static void
on_delete(void *ctx, struct sl_ctl_req *req)
{
	const char *name;

	for (size_t i = 0; (name = sl_ctl_arg_at(req, "name", i)); i++)
		sl_ctl_text(req, "%s", name);
	sl_ctl_text(req, "%d", sl_ctl_flag(req, "ignore-not-found"));
	sl_ctl_done(req);
}

static void
aborted(void *arg)
{
	struct lab *lab = arg;

	lab->aborted++;
	lab->deferred = NULL;
}

static void
on_reload(void *ctx, struct sl_ctl_req *req)
{
	struct lab *lab = ctx;

	lab->deferred = req;
	sl_ctl_defer(req, aborted, lab);
}

// Much at once, without a stream.
static void
on_ports(void *ctx, struct sl_ctl_req *req)
{
	for (int i = 0; i < 2000; i++) {
		sl_emit_strf(sl_ctl_row(req), "name", "%090d", i);
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}

static int
next_rows(void *state, struct sl_ctl_req *req)
{
	struct lab *lab = state;

	for (int i = 0; i < 64 && lab->rows_made < lab->rows_wanted; i++) {
		sl_emit_u64(sl_ctl_row(req), "n", lab->rows_made++);
		sl_ctl_row_end(req);
	}
	return lab->rows_made < lab->rows_wanted;
}

static int
next_fails(void *state, struct sl_ctl_req *req)
{
	sl_ctl_fail(req, 1, "in the middle");
	return -1;
}

static void
freed(void *state)
{
	((struct lab *)state)->freed++;
}

static void
on_flows(void *ctx, struct sl_ctl_req *req)
{
	struct lab *lab = ctx;

	lab->rows_made = 0;
	lab->rows_wanted = sl_ctl_arg_u64(req, "limit", 3);
	sl_ctl_stream(req, sl_ctl_flag(req, "count") ? next_fails : next_rows, lab, freed);
}

static void
on_workers(void *ctx, struct sl_ctl_req *req)
{
	const struct sl_ctl_peer *peer = sl_ctl_peer(req);
	struct sl_emit *e = sl_ctl_row_value(req);

	sl_emit_obj(e, NULL);
	sl_emit_bool(
		e, "peer", peer->pid == getpid() && peer->uid == getuid() && peer->gid == getgid());
	sl_emit_end(e);
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

static struct sl_ctl_cfg
lab_cfg(struct lab *lab)
{
	return (struct sl_ctl_cfg){
		.path = lab->path,
		.log = &lab->log,
		.ctx = lab,
		.handlers =
			{
				[SL_CTL_VERSION] = on_version,
				[SL_CTL_APPLY] = on_apply,
				[SL_CTL_GET] = on_get,
				[SL_CTL_DELETE] = on_delete,
				[SL_CTL_RELOAD] = on_reload,
				[SL_CTL_PORTS] = on_ports,
				[SL_CTL_FLOWS] = on_flows,
				[SL_CTL_WORKERS] = on_workers,
			},
	};
}

static void
lab_up(struct lab *lab, const struct sl_ctl_limits *limits)
{
	struct sl_ctl_cfg cfg;
	char *why = NULL;

	*lab = (struct lab){.dir = "/tmp/sl_ctl_testXXXXXX"};
	if (!mkdtemp(lab->dir))
		abort();
	snprintf(lab->path, sizeof(lab->path), "%s/run/control.sock", lab->dir);
	lab->log_fd = memfd_create("log", 0);
	sl_log_init(&lab->log, lab->log_fd, SL_LOG_TEXT, SL_LOG_NOTICE);
	lab->base = event_base_new();
	cfg = lab_cfg(lab);
	if (limits)
		cfg.limits = *limits;
	lab->ctl = sl_ctl_listen(lab->base, &cfg, &why);
	if (!lab->ctl) {
		printf("# %s\n", why);
		abort();
	}
}

static void
lab_down(struct lab *lab)
{
	char run[80];

	sl_ctl_free(lab->ctl);
	event_base_free(lab->base);
	close(lab->log_fd);
	snprintf(run, sizeof(run), "%s/run", lab->dir);
	// Both are empty when the socket and what it was made in are gone.
	if (rmdir(run) < 0 || rmdir(lab->dir) < 0)
		abort();
}

static void
turn(struct lab *lab)
{
	for (int i = 0; i < 50; i++)
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
}

static int
dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

// Sends all of it, letting the daemon run meanwhile; stops when the daemon hangs up.
static void
say(struct lab *lab, int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
	}
}

// Everything that is there now; true when the daemon hung up.
static bool
hear(struct lab *lab, int fd, struct sl_buf *out)
{
	char bytes[65536];

	for (;;) {
		turn(lab);
		const ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
		if (n < 0)
			return false;
		sl_buf_put(out, bytes, (size_t)n);
	}
}

#define END0    "{\"end\":{\"exit\":0,\"message\":null}}\n"
#define VERSION "{\"command\":\"version\"}\n"
#define DAEMON  "{\"row\":{\"component\":\"daemon\"}}\n" END0

// ---- framing and dispatch ----

static int
test_dispatch(void)
{
	static const struct {
		const char *name;
		const char *say;
		const char *hear;
		bool hangs_up;
	} rows[] = {
		{"plain", VERSION, DAEMON, false},
		{"crlf is white space", "{\"command\":\"version\"}\r\n", DAEMON, false},
		{"pipelined", VERSION VERSION VERSION, DAEMON DAEMON DAEMON, false},
		{"half a request waits", VERSION "{\"comm", DAEMON, false},
		{"stream", "{\"command\":\"flows\",\"args\":{\"limit\":\"2\"}}\n",
			"{\"row\":{\"n\":0}}\n{\"row\":{\"n\":1}}\n" END0, false},
		{"number as argument", "{\"command\":\"flows\",\"args\":{\"limit\":1}}\n",
			"{\"row\":{\"n\":0}}\n" END0, false},
		{"stream that fails", "{\"command\":\"flows\",\"args\":{\"count\":true}}\n",
			"{\"end\":{\"exit\":1,\"message\":\"in the middle\"}}\n", false},
		{"stream, then another",
			"{\"command\":\"flows\",\"args\":{\"limit\":\"1\"}}\n" VERSION,
			"{\"row\":{\"n\":0}}\n" END0 DAEMON, false},
		{"input, diag, text, fail",
			"{\"command\":\"apply\",\"input\":[{\"name\":\"a\",\"text\":\"x\\ny\"},"
			"{\"name\":\"b\",\"text\":\"\"}]}\n",
			"{\"row\":{\"name\":\"a\",\"len\":3,\"nul\":true}}\n"
			"{\"row\":{\"name\":\"b\",\"len\":0,\"nul\":true}}\n"
			"{\"diag\":{\"severity\":\"warning\",\"file\":\"a.yaml\",\"line\":3,"
			"\"col\":5,"
			"\"object\":\"ServiceEntry default/web\",\"path\":\"spec\",\"rule\":null,"
			"\"message\":\"odd\"}}\n"
			"{\"text\":\"saw \\\"it\\\"\"}\n"
			"{\"end\":{\"exit\":1,\"message\":\"1 invalid\"}}\n",
			false},
		{"kind is canonical",
			"{\"command\":\"get\",\"args\":{\"kind\":\"SE\",\"name\":\"web\"}}\n",
			"{\"row\":{\"kind\":\"ServiceEntry\",\"name\":\"web\"}}\n" END0, false},
		{"list of names",
			"{\"command\":\"delete\",\"args\":{\"kind\":\"se\",\"name\":[\"a\",\"b\"],"
			"\"ignore-not-found\":true}}\n",
			"{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"1\"}\n" END0, false},
		{"peer", "{\"command\":\"workers\"}\n", "{\"row\":{\"peer\":true}}\n" END0, false},
		{"not json", "GET / HTTP/1.1\n" VERSION,
			"{\"end\":{\"exit\":2,\"message\":\"not a request: '[' or '{' expected "
			"near "
			"'GET'\"}}\n",
			true},
		{"not an object", "[1]\n",
			"{\"end\":{\"exit\":2,\"message\":\"not a request: expected a JSON "
			"object\"}}\n",
			true},
		{"a member twice", "{\"command\":\"version\",\"command\":\"version\"}\n",
			"{\"end\":{\"exit\":2,\"message\":\"not a request: duplicate object key "
			"near "
			"'\\\"command\\\"'\"}}\n",
			true},
		{"unknown member", "{\"command\":\"version\",\"arg\":{}}\n" VERSION,
			"{\"end\":{\"exit\":2,\"message\":\"unknown member \\\"arg\\\"; did you "
			"mean "
			"args?\"}}\n" DAEMON,
			false},
		{"no command", "{}\n",
			"{\"end\":{\"exit\":2,\"message\":\"a request needs \\\"command\\\", a "
			"string\"}}\n",
			false},
		{"unknown command", "{\"command\":\"flow\"}\n",
			"{\"end\":{\"exit\":2,\"message\":\"unknown command \\\"flow\\\"; did you "
			"mean "
			"flows?\"}}\n",
			false},
		{"a command of the client", "{\"command\":\"validate\"}\n",
			"{\"end\":{\"exit\":2,\"message\":\"this daemon does not know the command "
			"validate\"}}\n",
			false},
		{"unknown argument", "{\"command\":\"flows\",\"args\":{\"frm\":\"192.0.2.1\"}}\n",
			"{\"end\":{\"exit\":2,\"message\":\"unknown argument \\\"frm\\\"; did you "
			"mean "
			"from?\"}}\n",
			false},
		{"local argument", "{\"command\":\"flows\",\"args\":{\"watch\":\"1\"}}\n",
			"{\"end\":{\"exit\":2,\"message\":\"unknown argument \\\"watch\\\"\"}}\n",
			false},
		{"wrong value", "{\"command\":\"flows\",\"args\":{\"from\":\"me\"}}\n",
			"{\"end\":{\"exit\":2,\"message\":\"--from: \\\"me\\\" does not fit, "
			"expected an "
			"IP address or prefix\"}}\n",
			false},
		{"list where one is due", "{\"command\":\"flows\",\"args\":{\"limit\":[1]}}\n",
			"{\"end\":{\"exit\":2,\"message\":\"limit: expected one value, not a "
			"list\"}}\n",
			false},
		{"missing argument", "{\"command\":\"get\"}\n",
			"{\"end\":{\"exit\":2,\"message\":\"get: the argument KIND is "
			"missing\"}}\n",
			false},
		{"input where none is due",
			"{\"command\":\"version\",\"input\":[{\"name\":\"a\",\"text\":\"\"}]}\n",
			"{\"end\":{\"exit\":2,\"message\":\"version takes no input\"}}\n", false},
		{"input of a wrong shape", "{\"command\":\"apply\",\"input\":[{\"name\":\"a\"}]}\n",
			"{\"end\":{\"exit\":2,\"message\":\"input[0]: expected "
			"{\\\"name\\\":\\\"...\\\",\\\"text\\\":\\\"...\\\"}\"}}\n",
			false},
		{"NUL byte in a text", "{\"command\":\"get\",\"args\":{\"kind\":\"a\\u0000b\"}}\n",
			"{\"end\":{\"exit\":2,\"message\":\"not a request: \\\\u0000 is not "
			"allowed without JSON_ALLOW_NUL near '\\\"a\\\\u0000b\\\"'\"}}\n",
			true},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		// In one piece, and in single bytes.
		for (size_t piece = 1; piece <= 4096; piece *= 4096) {
			const size_t len = strlen(rows[i].say);
			struct sl_buf got = {0};
			struct lab lab;
			bool hung;
			int fd;

			lab_up(&lab, NULL);
			fd = dial(lab.path);
			for (size_t at = 0; at < len; at += piece)
				say(&lab, fd, rows[i].say + at,
					len - at < piece ? len - at : piece);
			hung = hear(&lab, fd, &got);
			RTE_TEST_ASSERT(strcmp(got.data ? got.data : "", rows[i].hear) == 0,
				"%s (pieces of %zu):\n# got      %s\n# expected %s", rows[i].name,
				piece, got.data ? got.data : "", rows[i].hear);
			RTE_TEST_ASSERT_EQUAL(
				hung, rows[i].hangs_up, "%s: hung up %d", rows[i].name, hung);
			close(fd);
			turn(&lab);
			SL_TEST_INT(sl_ctl_clients(lab.ctl), 0);
			sl_buf_fini(&got);
			lab_down(&lab);
		}
	}
	return TEST_SUCCESS;
}

// A client that is done asking still gets its answers, and the last request may lack its newline.
static int
test_half_close(void)
{
	struct sl_buf got = {0};
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	fd = dial(lab.path);
	say(&lab, fd, VERSION "{\"command\":\"version\"}", strlen(VERSION) * 2 - 1);
	shutdown(fd, SHUT_WR);
	RTE_TEST_ASSERT(hear(&lab, fd, &got), "the daemon hangs up when all is said");
	SL_TEST_STR(got.data, DAEMON DAEMON);
	close(fd);
	sl_buf_fini(&got);
	lab_down(&lab);
	return TEST_SUCCESS;
}

static int
test_deferred(void)
{
	struct sl_buf got = {0};
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	fd = dial(lab.path);
	say(&lab, fd, "{\"command\":\"reload\"}\n" VERSION, 21 + strlen(VERSION));
	RTE_TEST_ASSERT(!hear(&lab, fd, &got) && got.len == 0, "nothing before the end");
	RTE_TEST_ASSERT_NOT_NULL(lab.deferred, "the handler ran");
	sl_ctl_text(lab.deferred, "now");
	sl_ctl_done(lab.deferred);
	hear(&lab, fd, &got);
	SL_TEST_STR(got.data, "{\"text\":\"now\"}\n" END0 DAEMON);
	SL_TEST_INT(lab.aborted, 0);
	// The client leaves before the end.
	say(&lab, fd, "{\"command\":\"reload\"}\n", 21);
	turn(&lab);
	close(fd);
	turn(&lab);
	SL_TEST_INT(lab.aborted, 1);
	SL_TEST_INT(sl_ctl_clients(lab.ctl), 0);
	// The daemon ends before.
	fd = dial(lab.path);
	say(&lab, fd, "{\"command\":\"reload\"}\n", 21);
	turn(&lab);
	lab_down(&lab);
	SL_TEST_INT(lab.aborted, 2);
	close(fd);
	sl_buf_fini(&got);
	return TEST_SUCCESS;
}

// ---- limits ----

static int
test_slow_reader(void)
{
	const char *ask = "{\"command\":\"flows\",\"args\":{\"limit\":\"1000000\"}}\n";
	struct sl_buf got = {0};
	uint64_t made, n = 0;
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	fd = dial(lab.path);
	say(&lab, fd, ask, strlen(ask));
	for (int i = 0; i < 100; i++)
		turn(&lab);
	made = lab.rows_made;
	// 20 bytes a row: what is made is in our buffer and the kernel's, and then it stops.
	RTE_TEST_ASSERT(made > 100 && made < 100000,
		"%llu rows made for a client that does not read", (unsigned long long)made);
	turn(&lab);
	SL_TEST_INT(lab.rows_made, made);
	// Another client is served meanwhile.
	int other = dial(lab.path);
	say(&lab, other, VERSION, strlen(VERSION));
	hear(&lab, other, &got);
	SL_TEST_STR(got.data, DAEMON);
	close(other);
	sl_buf_reset(&got);
	// It reads after all: every row comes, in order.
	while (!got.data || !strstr(got.data + (got.len > 64 ? got.len - 64 : 0), "end"))
		hear(&lab, fd, &got);
	for (char *line = strtok(got.data, "\n"); line; line = strtok(NULL, "\n")) {
		char expected[64];

		snprintf(expected, sizeof(expected), "{\"row\":{\"n\":%llu}}",
			(unsigned long long)n);
		if (strcmp(line, expected) != 0)
			break;
		n++;
	}
	SL_TEST_INT(n, 1000000);
	SL_TEST_INT(lab.freed, 1);
	close(fd);
	sl_buf_fini(&got);
	lab_down(&lab);
	SL_TEST_INT(lab.freed, 1);
	return TEST_SUCCESS;
}

static int
test_vanish(void)
{
	const char *ask = "{\"command\":\"flows\",\"args\":{\"limit\":\"1000000\"}}\n";
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		fd = dial(lab.path);
		say(&lab, fd, ask, strlen(ask));
		turn(&lab);
		RTE_TEST_ASSERT(lab.rows_made > 0 && lab.rows_made < 1000000, "the stream runs");
		if (i == 2)
			shutdown(fd, SHUT_WR); // first only done with asking, then gone
		turn(&lab);
		SL_TEST_INT(lab.freed, i - 1);
		close(fd);
		turn(&lab);
		SL_TEST_INT(lab.freed, i);
		SL_TEST_INT(sl_ctl_clients(lab.ctl), 0);
	}
	// The daemon ends in the middle of a stream.
	fd = dial(lab.path);
	say(&lab, fd, ask, strlen(ask));
	turn(&lab);
	lab_down(&lab);
	SL_TEST_INT(lab.freed, 4);
	close(fd);
	return TEST_SUCCESS;
}

static int
test_oversize(void)
{
	const struct sl_ctl_limits limits = {.request_max = 64 << 10, .request_sum = 96 << 10};
	struct sl_buf got = {0}, ask = {0};
	struct lab lab;
	int fd[2];

	for (int i = 0; i < 300 << 10; i++)
		sl_buf_putc(&ask, ' ');
	lab_up(&lab, &limits);
	// One that is too long, with and without its newline in sight.
	for (int newline = 0; newline < 2; newline++) {
		ask.data[80 << 10] = newline ? '\n' : ' ';
		fd[0] = dial(lab.path);
		say(&lab, fd[0], ask.data, ask.len);
		RTE_TEST_ASSERT(hear(&lab, fd[0], &got), "the daemon hangs up");
		SL_TEST_STR(got.data,
			"{\"end\":{\"exit\":1,\"message\":\"a request is longer than 64 KiB\"}}\n");
		sl_buf_reset(&got);
		close(fd[0]);
	}
	// Two that are too long together.
	for (int i = 0; i < 2; i++) {
		fd[i] = dial(lab.path);
		say(&lab, fd[i], ask.data, 60 << 10);
	}
	RTE_TEST_ASSERT(!hear(&lab, fd[0], &got), "the first one goes on");
	RTE_TEST_ASSERT(hear(&lab, fd[1], &got), "the second one is turned away");
	SL_TEST_STR(got.data,
		"{\"end\":{\"exit\":1,\"message\":\"too many large requests at the same time, try "
		"again later\"}}\n");
	say(&lab, fd[0], VERSION, strlen(VERSION));
	sl_buf_reset(&got);
	hear(&lab, fd[0], &got);
	SL_TEST_STR(got.data, DAEMON);
	close(fd[0]);
	close(fd[1]);
	// Once they are gone there is room again.
	turn(&lab);
	fd[0] = dial(lab.path);
	say(&lab, fd[0], ask.data, 60 << 10);
	RTE_TEST_ASSERT(!hear(&lab, fd[0], &got), "room again");
	close(fd[0]);
	sl_buf_fini(&got);
	sl_buf_fini(&ask);
	lab_down(&lab);
	return TEST_SUCCESS;
}

static int
test_answer_cut(void)
{
	const struct sl_ctl_limits limits = {.out_max = 16 << 10};
	const char *end =
		"{\"end\":{\"exit\":1,\"message\":\"the answer is too large to be given at "
		"once; ask for less of it\"}}\n" DAEMON;
	struct sl_buf got = {0};
	struct lab lab;
	int fd;

	lab_up(&lab, &limits);
	fd = dial(lab.path);
	say(&lab, fd, "{\"command\":\"ports\"}\n" VERSION, 20 + strlen(VERSION));
	hear(&lab, fd, &got);
	RTE_TEST_ASSERT(got.len < 20 << 10 && got.len > strlen(end), "%zu bytes", got.len);
	SL_TEST_STR(got.data + got.len - strlen(end), end);
	close(fd);
	sl_buf_fini(&got);
	lab_down(&lab);
	// Within the limit nothing is cut.
	lab_up(&lab, NULL);
	fd = dial(lab.path);
	say(&lab, fd, "{\"command\":\"ports\"}\n", 20);
	got = (struct sl_buf){0};
	hear(&lab, fd, &got);
	SL_TEST_STR(got.data + got.len - strlen(END0), END0);
	close(fd);
	sl_buf_fini(&got);
	lab_down(&lab);
	return TEST_SUCCESS;
}

static int
test_too_many_clients(void)
{
	const struct sl_ctl_limits limits = {.clients = 2};
	struct sl_buf got = {0};
	struct lab lab;
	int fd[3];

	lab_up(&lab, &limits);
	for (int i = 0; i < 3; i++) {
		fd[i] = dial(lab.path);
		turn(&lab);
	}
	RTE_TEST_ASSERT(hear(&lab, fd[2], &got), "the third one is turned away");
	SL_TEST_STR(got.data,
		"{\"end\":{\"exit\":1,\"message\":\"the daemon serves as many clients as "
		"it can, try again later\"}}\n");
	SL_TEST_INT(sl_ctl_clients(lab.ctl), 2);
	close(fd[0]);
	turn(&lab);
	close(fd[2]);
	fd[2] = dial(lab.path);
	say(&lab, fd[2], VERSION, strlen(VERSION));
	sl_buf_reset(&got);
	hear(&lab, fd[2], &got);
	SL_TEST_STR(got.data, DAEMON);
	close(fd[1]);
	close(fd[2]);
	sl_buf_fini(&got);
	lab_down(&lab);
	return TEST_SUCCESS;
}

// Waits for events, not for time: the loop returns when a timer of the daemon fired.
static int
test_timeouts(void)
{
	static const struct {
		const char *name;
		const char *say;
		const char *hear;
	} rows[] = {
		{"idle", "", ""},
		{"idle after a request", VERSION, DAEMON},
		{"half a request", "{\"comm",
			"{\"end\":{\"exit\":1,\"message\":\"the request did not come to its end in "
			"time\"}}\n"},
		{"does not read", "{\"command\":\"flows\",\"args\":{\"limit\":\"1000000\"}}\n",
			NULL},
	};
	const struct sl_ctl_limits limits = {.idle_ms = 5, .half_ms = 5, .stuck_ms = 5};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_buf got = {0};
		struct lab lab;
		int fd;

		lab_up(&lab, &limits);
		fd = dial(lab.path);
		event_base_loop(lab.base, EVLOOP_ONCE);
		SL_TEST_INT(sl_ctl_clients(lab.ctl), 1);
		say(&lab, fd, rows[i].say, strlen(rows[i].say));
		for (int n = 0; n < 1000 && sl_ctl_clients(lab.ctl) > 0; n++)
			event_base_loop(lab.base, EVLOOP_ONCE);
		RTE_TEST_ASSERT_EQUAL(sl_ctl_clients(lab.ctl), 0, "%s: still there", rows[i].name);
		if (rows[i].hear) {
			hear(&lab, fd, &got);
			SL_TEST_STR(got.data ? got.data : "", rows[i].hear);
		} else {
			SL_TEST_INT(lab.freed, 1);
		}
		close(fd);
		sl_buf_fini(&got);
		lab_down(&lab);
	}
	return TEST_SUCCESS;
}

// ---- the socket in the file system ----

static int
test_socket(void)
{
	struct event_base *base;
	struct sl_ctl_cfg cfg;
	struct sl_ctl *second;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char *why = NULL, aside[128];
	struct stat st;
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	base = lab.base;
	RTE_TEST_ASSERT_SUCCESS(lstat(lab.path, &st), "the socket is there");
	RTE_TEST_ASSERT(S_ISSOCK(st.st_mode), "it is a socket");
	SL_TEST_INT(st.st_mode & 07777, 0660);
	// One that answers is respected.
	cfg = lab_cfg(&lab);
	second = sl_ctl_listen(base, &cfg, &why);
	RTE_TEST_ASSERT_NULL(second, "two daemons on one socket");
	SL_TEST_INT(errno, EADDRINUSE);
	RTE_TEST_ASSERT_NOT_NULL(strstr(why, "already running"), "%s", why);
	free(why);
	// One whose daemon is gone is replaced, and its own end does not take ours away.
	snprintf(aside, sizeof(aside), "%s/aside", lab.dir);
	RTE_TEST_ASSERT_SUCCESS(rename(lab.path, aside), "move aside");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", lab.path);
	RTE_TEST_ASSERT_SUCCESS(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	close(fd);
	cfg.mode = 0600;
	second = sl_ctl_listen(base, &cfg, &why);
	RTE_TEST_ASSERT_NOT_NULL(second, "a stale socket is replaced: %s", why);
	RTE_TEST_ASSERT_SUCCESS(stat(lab.path, &st), "the new one is there");
	SL_TEST_INT(st.st_mode & 07777, 0600);
	sl_ctl_free(lab.ctl);
	RTE_TEST_ASSERT_SUCCESS(stat(lab.path, &st), "the first daemon removed another's socket");
	lab.ctl = second;
	unlink(aside);
	lab_down(&lab);
	return TEST_SUCCESS;
}

static int
test_socket_errors(void)
{
	char dir[] = "/tmp/sl_ctl_testXXXXXX", file[64], deep[64], longer[256];
	struct event_base *base = event_base_new();
	const struct sl_ctl_cfg cfgs[] = {
		{.path = file},
		{.path = deep},
		{.path = longer},
		{.path = "/tmp/sl_ctl_test.sock", .owner = "no-such-user"},
		{.path = "/tmp/sl_ctl_test.sock", .group = "no-such-group"},
	};
	static const char *const whys[] = {
		"something that is no socket is there",
		"can't make the folder",
		"too long",
		"there is no user \"no-such-user\"",
		"there is no group \"no-such-group\"",
	};

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "mkdtemp");
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(deep, sizeof(deep), "%s/a/b/sock", dir);
	snprintf(longer, sizeof(longer), "%s/%0150d", dir, 0);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	for (size_t i = 0; i < SL_ARRAY_LEN(cfgs); i++) {
		char *why = NULL;
		struct sl_ctl *ctl = sl_ctl_listen(base, &cfgs[i], &why);

		RTE_TEST_ASSERT_NULL(ctl, "%s: listens", whys[i]);
		RTE_TEST_ASSERT(
			why && strstr(why, whys[i]), "got \"%s\", expected \"%s\"", why, whys[i]);
		free(why);
	}
	unlink(file);
	RTE_TEST_ASSERT_SUCCESS(rmdir(dir), "nothing is left behind");
	RTE_TEST_ASSERT(access("/tmp/sl_ctl_test.sock", F_OK) < 0, "nothing is left behind");
	event_base_free(base);
	return TEST_SUCCESS;
}

// Changes are logged with who asked; reading is not.
static int
test_log(void)
{
	char expected[256], log[2048] = {0};
	struct sl_buf got = {0};
	struct lab lab;
	int fd;

	lab_up(&lab, NULL);
	fd = dial(lab.path);
	say(&lab, fd, VERSION, strlen(VERSION));
	hear(&lab, fd, &got);
	SL_TEST_INT(pread(lab.log_fd, log, sizeof(log) - 1, 0), 0);
	const char *ask =
		"{\"command\":\"delete\",\"args\":{\"kind\":\"se\",\"name\":[\"a\\nb\\\"\"]}}\n";
	say(&lab, fd, ask, strlen(ask));
	hear(&lab, fd, &got);
	RTE_TEST_ASSERT(pread(lab.log_fd, log, sizeof(log) - 1, 0) > 0, "a change is logged");
	snprintf(expected, sizeof(expected),
		"NOTICE ctl: delete: done uid=%u gid=%u pid=%d args=\"kind=ServiceEntry "
		"name=a?b?\" "
		"inputs=0",
		(unsigned)getuid(), (unsigned)getgid(), (int)getpid());
	RTE_TEST_ASSERT_NOT_NULL(strstr(log, expected), "got %s, expected %s", log, expected);
	close(fd);
	sl_buf_fini(&got);
	lab_down(&lab);
	return TEST_SUCCESS;
}

// ---- the table ----

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
			"(se); did "
			"you mean ServiceEntry?"},
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

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"dispatch", test_dispatch},
		{"half_close", test_half_close},
		{"deferred", test_deferred},
		{"slow_reader", test_slow_reader},
		{"vanish", test_vanish},
		{"oversize", test_oversize},
		{"answer_cut", test_answer_cut},
		{"too_many_clients", test_too_many_clients},
		{"timeouts", test_timeouts},
		{"socket", test_socket},
		{"socket_errors", test_socket_errors},
		{"log", test_log},
		{"values", test_values},
		{"table", test_table},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
