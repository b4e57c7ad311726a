#include "sl_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "sl_emit.h"

#define LINE_MAX_BYTES 2048

static const struct {
	const char *name;
	const char *shown;
	int priority; // of syslog(3)
} levels[] = {
	[SL_LOG_ERR] = {"err", "ERR", 3},
	[SL_LOG_WARN] = {"warn", "WARN", 4},
	[SL_LOG_NOTICE] = {"notice", "NOTICE", 5},
	[SL_LOG_INFO] = {"info", "INFO", 6},
	[SL_LOG_DEBUG] = {"debug", "DEBUG", 7},
};

static const char *const formats[] = {
	[SL_LOG_AUTO] = "auto",
	[SL_LOG_TEXT] = "text",
	[SL_LOG_JSON] = "json",
	[SL_LOG_JOURNAL] = "journal",
};

void
sl_log_init(struct sl_log *log, int fd, enum sl_log_format format, enum sl_log_level level)
{
	if (format == SL_LOG_AUTO)
		format = getenv("JOURNAL_STREAM") ? SL_LOG_JOURNAL : SL_LOG_TEXT;
	*log = (struct sl_log){.fd = fd, .level = level, .format = format};
}

int
sl_log_level_parse(const char *text, enum sl_log_level *level)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(levels); i++) {
		if (strcasecmp(text, levels[i].name) == 0) {
			*level = (enum sl_log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *
sl_log_level_name(enum sl_log_level level)
{
	return levels[level].name;
}

int
sl_log_format_parse(const char *text, enum sl_log_format *format)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(formats); i++) {
		if (strcmp(text, formats[i]) == 0) {
			*format = (enum sl_log_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

void
sl_log_set_level(struct sl_log *log, enum sl_log_level level)
{
	__atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

bool
sl_log_on(const struct sl_log *log, enum sl_log_level level)
{
	return log && level <= __atomic_load_n(&log->level, __ATOMIC_RELAXED);
}

static void
timestamp(char *out, size_t size)
{
	struct timespec ts;
	struct tm tm;
	char date[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03uZ", date, (unsigned)(ts.tv_nsec / 1000000) % 1000u);
}

static void
write_line(const struct sl_log *log, const char *line, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(log->fd, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

static void
write_json(const struct sl_log *log, enum sl_log_level level, const char *topic, const char *ts,
	const char *msg)
{
	struct sl_buf line = {0};
	struct sl_emit e;

	sl_emit_init(&e, &line);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "ts", ts);
	sl_emit_str(&e, "level", levels[level].name);
	sl_emit_str(&e, "topic", topic);
	sl_emit_str(&e, "msg", msg);
	sl_emit_end(&e);
	sl_buf_putc(&line, '\n');
	write_line(log, line.data, line.len);
	sl_buf_fini(&line);
}

static void
log_message(struct sl_log *log, enum sl_log_level level, const char *topic, char *msg)
{
	char line[LINE_MAX_BYTES + 96];
	char ts[40];
	int n;

	// One event is one line, also when something quoted in it has line breaks.
	for (char *c = msg; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	timestamp(ts, sizeof(ts));
	switch (log->format) {
	case SL_LOG_JSON:
		write_json(log, level, topic, ts, msg);
		return;
	case SL_LOG_JOURNAL:
		n = snprintf(
			line, sizeof(line), "<%d>%s: %s\n", levels[level].priority, topic, msg);
		break;
	default:
		n = snprintf(line, sizeof(line), "%s %-6s %s: %s\n", ts, levels[level].shown, topic,
			msg);
	}
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	write_line(log, line, (size_t)n);
}

void
sl_log(struct sl_log *log, enum sl_log_level level, const char *topic, const char *fmt, ...)
{
	char msg[LINE_MAX_BYTES];
	va_list ap;

	if (!sl_log_on(log, level))
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	log_message(log, level, topic, msg);
}

static bool
limit_passes(struct sl_log_limit *limit, uint64_t now_ns)
{
	if (now_ns >= limit->next_ns) {
		limit->used = 0;
		limit->next_ns = now_ns + limit->interval_ms * SL_NSEC_PER_MSEC;
	}
	return limit->used++ < limit->burst;
}

void
sl_log_limited(struct sl_log *log, struct sl_log_limit *limit, enum sl_log_level level,
	const char *topic, const char *fmt, ...)
{
	char msg[LINE_MAX_BYTES];
	struct timespec ts;
	va_list ap;
	int n;

	if (!sl_log_on(log, level))
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (!limit_passes(limit, (uint64_t)ts.tv_sec * SL_NSEC_PER_SEC + (uint64_t)ts.tv_nsec)) {
		limit->suppressed++;
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (limit->suppressed && n < (int)sizeof(msg)) {
		snprintf(msg + n, sizeof(msg) - (size_t)n, " suppressed=%llu",
			(unsigned long long)limit->suppressed);
		limit->suppressed = 0;
	}
	log_message(log, level, topic, msg);
}
