// The control socket: framing, order, what is logged, and the socket in the file system.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab.h"
#include "sl_str.h"

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
	// With it, and all of it there before the daemon looks.
	fd = dial(lab.path);
	SL_TEST_INT(send(fd, VERSION VERSION, strlen(VERSION VERSION), 0), strlen(VERSION VERSION));
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

// Whoever may list the folder can lock it: that does not keep the daemon from starting or ending.
static int
test_socket_locked(void)
{
	struct event_base *base = event_base_new();
	char dir[] = "/tmp/sl_ctl_testXXXXXX", path[64], *why = NULL;
	const struct sl_ctl_cfg cfg = {.path = path};
	struct sl_ctl *ctl;
	int fd;

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "mkdtemp");
	snprintf(path, sizeof(path), "%s/sock", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	RTE_TEST_ASSERT_SUCCESS(flock(fd, LOCK_EX), "flock");
	ctl = sl_ctl_listen(base, &cfg, &why);
	RTE_TEST_ASSERT_NOT_NULL(ctl, "%s", why);
	sl_ctl_free(ctl);
	close(fd);
	RTE_TEST_ASSERT_SUCCESS(rmdir(dir), "nothing is left behind");
	event_base_free(base);
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

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"dispatch", test_dispatch},
		{"half_close", test_half_close},
		{"deferred", test_deferred},
		{"log", test_log},
		{"socket", test_socket},
		{"socket_locked", test_socket_locked},
		{"socket_errors", test_socket_errors},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
