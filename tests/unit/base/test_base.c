// lib/base: emitter, buffers, addresses, strings, diagnostics, log.
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sl_buf.h"
#include "sl_diag.h"
#include "sl_emit.h"
#include "sl_ip.h"
#include "sl_log.h"
#include "sl_str.h"
#include "sl_test.h"

static int
emit_nesting(void)
{
	struct sl_buf out = {0};
	struct sl_emit e;

	sl_emit_init(&e, &out);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "s", "a\"b\\c\n\x01");
	sl_emit_arr(&e, "list");
	sl_emit_u64(&e, NULL, UINT64_MAX);
	sl_emit_i64(&e, NULL, -3);
	sl_emit_obj(&e, NULL);
	sl_emit_end(&e);
	sl_emit_end(&e);
	sl_emit_bool(&e, "yes", true);
	sl_emit_dbl(&e, "nan", NAN);
	sl_emit_dbl(&e, "half", 0.5);
	sl_emit_str(&e, "none", NULL);
	sl_emit_end(&e);
	SL_TEST_STR(out.data,
		"{\"s\":\"a\\\"b\\\\c\\n\\u0001\",\"list\":[18446744073709551615,-3,{}],"
		"\"yes\":true,\"nan\":null,\"half\":0.5,\"none\":null}");
	sl_buf_fini(&out);
	return TEST_SUCCESS;
}

static int
emit_utf8(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"\xc3\xa9", "\"\xc3\xa9\""}, {"\xf0\x9f\x8c\x8a", "\"\xf0\x9f\x8c\x8a\""},
		{"\xff", "\"\xef\xbf\xbd\""}, {"\xc3", "\"\xef\xbf\xbd\""},   // cut short
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 // overlong
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, // surrogate
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_buf out = {0};
		struct sl_emit e;

		sl_emit_init(&e, &out);
		sl_emit_str(&e, NULL, rows[i].in);
		SL_TEST_STR(out.data, rows[i].out);
		sl_buf_fini(&out);
	}
	return TEST_SUCCESS;
}

static int
prefix_text(void)
{
	static const struct {
		const char *in, *masked; // masked NULL: refused
	} rows[] = {
		{"192.0.2.7", "192.0.2.7/32"},
		{"192.0.2.7/24", "192.0.2.0/24"},
		{"192.0.2.7/0", "0.0.0.0/0"},
		{"2001:db8::5", "2001:db8::5/128"},
		{"2001:db8:ffff::5/33", "2001:db8:8000::/33"},
		{"192.0.2.7/33", NULL},
		{"192.0.2.7/024", NULL},
		{"192.0.2.7/", NULL},
		{"192.0.2.7/ 4", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"2001:db8::/129", NULL},
		{"fe80::1%eth0", NULL},
		{"", NULL},
		{"/8", NULL},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_prefix p;
		char buf[SL_PREFIX_STRLEN];
		const int rc = sl_prefix_parse(rows[i].in, &p);

		RTE_TEST_ASSERT_EQUAL(rc == 0, rows[i].masked != NULL, "%s: rc %d", rows[i].in, rc);
		if (rc < 0)
			continue;
		sl_prefix_mask(&p);
		SL_TEST_STR(sl_prefix_str(&p, buf), rows[i].masked);
	}
	return TEST_SUCCESS;
}

static int
prefix_contains(void)
{
	static const struct {
		const char *prefix, *ip;
		bool in;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.9/24", "192.0.2.1", true},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"2001:db8::/32", "192.0.2.1", false},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_prefix p;
		struct sl_ip ip;

		RTE_TEST_ASSERT_SUCCESS(sl_prefix_parse(rows[i].prefix, &p), "prefix");
		RTE_TEST_ASSERT_SUCCESS(sl_ip_parse(rows[i].ip, &ip), "ip");
		RTE_TEST_ASSERT_EQUAL(sl_prefix_contains(&p, &ip), rows[i].in, "%s in %s",
			rows[i].ip, rows[i].prefix);
	}
	return TEST_SUCCESS;
}

static int
ip_order(void)
{
	static const char *const rows[] = {"", "0.0.0.0", "192.0.2.9", "192.0.2.10", "203.0.113.1",
		"::", "2001:db8::1", "2001:db8::1:0"};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
			struct sl_ip a = {0}, b = {0};
			int order;

			(void)sl_ip_parse(rows[i], &a); // "" is none
			(void)sl_ip_parse(rows[k], &b);
			order = sl_ip_order(&a, &b);
			RTE_TEST_ASSERT_EQUAL((order > 0) - (order < 0), (i > k) - (i < k),
				"%s, %s", rows[i], rows[k]);
			RTE_TEST_ASSERT_EQUAL(
				sl_ip_equal(&a, &b), i == k, "%s, %s", rows[i], rows[k]);
		}
	return TEST_SUCCESS;
}

static int
ip_unique(void)
{
	static const char *const given[] = {"2001:db8::1", "192.0.2.9", "203.0.113.1", "192.0.2.9",
		"2001:db8::1", "192.0.2.10", "192.0.2.9"};
	static const char *const kept[] = {"192.0.2.9", "192.0.2.10", "203.0.113.1", "2001:db8::1"};
	struct sl_ip v[SL_ARRAY_LEN(given)] = {0};
	char text[SL_IP_STRLEN];

	for (size_t i = 0; i < SL_ARRAY_LEN(given); i++)
		RTE_TEST_ASSERT_SUCCESS(sl_ip_parse(given[i], &v[i]), "%s", given[i]);
	SL_TEST_INT(sl_ip_unique(v, SL_ARRAY_LEN(v)), SL_ARRAY_LEN(kept));
	for (size_t i = 0; i < SL_ARRAY_LEN(kept); i++)
		SL_TEST_STR(sl_ip_str(&v[i], text), kept[i]);
	SL_TEST_INT(sl_ip_unique(v, 1), 1);
	SL_TEST_INT(sl_ip_unique(v, 0), 0);
	return TEST_SUCCESS;
}

static int
mac_text(void)
{
	struct sl_mac mac;
	char buf[SL_MAC_STRLEN];

	RTE_TEST_ASSERT_SUCCESS(sl_mac_parse("02:00:00:Aa:bb:0C", &mac), "valid");
	SL_TEST_STR(sl_mac_str(&mac, buf), "02:00:00:aa:bb:0c");
	RTE_TEST_ASSERT_FAIL(sl_mac_parse("02:00:00:aa:bb", &mac), "short");
	RTE_TEST_ASSERT_FAIL(sl_mac_parse("02:00:00:aa:bb:0c:", &mac), "long");
	RTE_TEST_ASSERT_FAIL(sl_mac_parse("02:00:00:aa:bb:xx", &mac), "no hex");
	return TEST_SUCCESS;
}

static int
nearest(void)
{
	static const char *const keys[] = {"endpoints", "hosts", "ports", "resolution", NULL};

	SL_TEST_STR(sl_str_nearest("enpoints", keys), "endpoints");
	SL_TEST_STR(sl_str_nearest("Hosts", keys), "hosts");
	SL_TEST_STR(sl_str_nearest("prots", keys) ? sl_str_nearest("prots", keys) : "-", "-");
	SL_TEST_STR(sl_str_nearest("port", keys), "ports");
	RTE_TEST_ASSERT_NULL(sl_str_nearest("weight", keys), "nothing is near");
	return TEST_SUCCESS;
}

static int
durations(void)
{
	static const struct {
		const char *in;
		uint64_t ns;
		const char *out;
	} rows[] = {
		{"1h", 3600 * SL_NSEC_PER_SEC, "1h"},
		{"1h30m", 5400 * SL_NSEC_PER_SEC, "1h30m"},
		{"1.5s", 1500 * SL_NSEC_PER_MSEC, "1s500ms"},
		{"100us", 100000, "100us"},
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
	};
	static const char *const bad[] = {
		"", "5", "s", "1x", "-1s", "1e3s", "0x1s", " 1s", "1s ", "1s2"};
	uint64_t ns;
	char buf[32];

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		RTE_TEST_ASSERT_SUCCESS(sl_str_duration(rows[i].in, &ns), "%s", rows[i].in);
		SL_TEST_INT(ns, rows[i].ns);
		SL_TEST_STR(sl_str_duration_fmt(ns, buf), rows[i].out);
	}
	for (size_t i = 0; i < SL_ARRAY_LEN(bad); i++)
		RTE_TEST_ASSERT_EQUAL(sl_str_duration(bad[i], &ns), -EINVAL, "\"%s\"", bad[i]);
	RTE_TEST_ASSERT_EQUAL(sl_str_duration("9999999999999h", &ns), -ERANGE, "too long");
	return TEST_SUCCESS;
}

static int
numbers(void)
{
	uint64_t v;

	RTE_TEST_ASSERT_SUCCESS(sl_str_u64("18446744073709551615", &v), "max");
	RTE_TEST_ASSERT_EQUAL(v, UINT64_MAX, "max");
	RTE_TEST_ASSERT_EQUAL(sl_str_u64("18446744073709551616", &v), -ERANGE, "one more");
	RTE_TEST_ASSERT_EQUAL(sl_str_u64("", &v), -EINVAL, "empty");
	RTE_TEST_ASSERT_EQUAL(sl_str_u64("-1", &v), -EINVAL, "sign");
	RTE_TEST_ASSERT_EQUAL(sl_str_u64("1 ", &v), -EINVAL, "space");
	return TEST_SUCCESS;
}

static int
diags_sorted(void)
{
	struct sl_diags d = {0};
	struct sl_buf out = {0};

	sl_diag_add(&d, SL_WARNING, &(struct sl_loc){"b.yaml", 1, 1}, NULL, NULL, NULL, "last");
	sl_diag_add(&d, SL_ERROR, &(struct sl_loc){"a.yaml", 9, 2}, "ServiceEntry ns/web",
		"spec.ports[0].number", "S15", "%d is out of range", 99999);
	sl_diag_add(&d, SL_ERROR, &(struct sl_loc){"a.yaml", 2, 1}, NULL, NULL, NULL, "first");
	sl_diags_sort(&d);
	for (size_t i = 0; i < d.n; i++) {
		sl_diag_format(&d.v[i], &out);
		sl_buf_putc(&out, '\n');
	}
	SL_TEST_STR(out.data,
		"a.yaml:2:1: error: first\n"
		"a.yaml:9:2: error: ServiceEntry ns/web: spec.ports[0].number: 99999 is "
		"out of range [S15]\n"
		"b.yaml:1:1: warning: last\n");
	SL_TEST_INT(d.errors, 2);
	SL_TEST_INT(d.warnings, 1);
	sl_diags_fini(&d);
	sl_buf_fini(&out);
	return TEST_SUCCESS;
}

// Reads what the log wrote into a pipe.
static int
log_formats(void)
{
	static const struct {
		enum sl_log_format format;
		const char *prefix; // of the line, the time left out
		const char *part;
	} rows[] = {
		{SL_LOG_JOURNAL, "<4>port: ", "two lines name=x"},
		{SL_LOG_JSON, "{\"ts\":\"2",
			"\"level\":\"warn\",\"topic\":\"port\",\"msg\":\"two lines name=x\"}"},
		{SL_LOG_TEXT, "2", "WARN   port: two lines name=x"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		char line[512] = "";
		struct sl_log log;
		int fd[2];

		RTE_TEST_ASSERT_SUCCESS(pipe(fd), "pipe");
		sl_log_init(&log, fd[1], rows[i].format, SL_LOG_WARN);
		sl_log(&log, SL_LOG_INFO, "port", "not wanted");
		sl_log(&log, SL_LOG_WARN, "port", "two\nlines name=%s", "x");
		RTE_TEST_ASSERT(read(fd[0], line, sizeof(line) - 1) > 0, "read");
		RTE_TEST_ASSERT(
			strncmp(line, rows[i].prefix, strlen(rows[i].prefix)) == 0, "%s", line);
		RTE_TEST_ASSERT_NOT_NULL(strstr(line, rows[i].part), "%s", line);
		RTE_TEST_ASSERT_EQUAL(strchr(line, '\n'), line + strlen(line) - 1, "one line");
		close(fd[0]);
		close(fd[1]);
	}
	return TEST_SUCCESS;
}

static int
log_limit(void)
{
	struct sl_log_limit limit = {.burst = 2, .interval_ms = 60000};
	char text[2048] = "";
	struct sl_log log;
	int fd[2], lines = 0;

	RTE_TEST_ASSERT_SUCCESS(pipe(fd), "pipe");
	sl_log_init(&log, fd[1], SL_LOG_TEXT, SL_LOG_WARN);
	for (int i = 0; i < 5; i++)
		sl_log_limited(&log, &limit, SL_LOG_WARN, "pool", "dry");
	limit.next_ns = 0; // the interval is over
	sl_log_limited(&log, &limit, SL_LOG_WARN, "pool", "dry");
	RTE_TEST_ASSERT(read(fd[0], text, sizeof(text) - 1) > 0, "read");
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	SL_TEST_INT(lines, 3);
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "dry suppressed=3"), "%s", text);
	close(fd[0]);
	close(fd[1]);
	return TEST_SUCCESS;
}

// Only what can't keep the reader waiting.
static int
files_read(void)
{
	static const struct {
		const char *path;
		int rc;
	} rows[] = {
		{"/proc/self/status", 0},
		{"/dev/null", 0},
		{"/dev/zero", -EMEDIUMTYPE},
		{"/", -EISDIR},
		{"/nowhere", -ENOENT},
	};
	char dir[] = "/tmp/sluice-base-XXXXXX", fifo[64];
	struct sl_buf text = {0};

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "mkdtemp");
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	SL_TEST_INT(mkfifo(fifo, 0600), 0);
	SL_TEST_INT(sl_buf_read_file(&text, fifo, 1 << 20), -EMEDIUMTYPE);
	SL_TEST_STR(sl_buf_read_why(-EMEDIUMTYPE), "not a regular file");
	unlink(fifo);
	rmdir(dir);
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		const int rc = sl_buf_read_file(&text, rows[i].path, 1 << 20);

		RTE_TEST_ASSERT(rc == rows[i].rc, "row %zu: %d", i, rc);
	}
	sl_buf_fini(&text);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"emit nesting", emit_nesting},
		{"files read", files_read},
		{"emit utf-8", emit_utf8},
		{"prefix text", prefix_text},
		{"prefix contains", prefix_contains},
		{"ip order", ip_order},
		{"ip unique", ip_unique},
		{"mac text", mac_text},
		{"nearest word", nearest},
		{"durations", durations},
		{"numbers", numbers},
		{"diagnostics", diags_sorted},
		{"log formats", log_formats},
		{"log limit", log_limit},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
