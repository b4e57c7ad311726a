// What is left when a client misbehaves: nothing that grows, nothing that waits.
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

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
		// What is said is there before the daemon looks: on a busy machine the first timer
		// would win otherwise.
		fd = dial(lab.path);
		SL_TEST_INT(send(fd, rows[i].say, strlen(rows[i].say), 0), strlen(rows[i].say));
		event_base_loop(lab.base, EVLOOP_ONCE);
		SL_TEST_INT(sl_ctl_clients(lab.ctl), 1);
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

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"slow_reader", test_slow_reader},
		{"vanish", test_vanish},
		{"oversize", test_oversize},
		{"answer_cut", test_answer_cut},
		{"too_many_clients", test_too_many_clients},
		{"timeouts", test_timeouts},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
