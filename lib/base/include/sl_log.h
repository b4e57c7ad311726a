// Structured log: one line an event, a topic, a message and key=value pairs.
//
// Owner:   the caller's memory, sl_log_init() in main.c; passed down by pointer, never a global.
// Threads: any control-side thread; lines are written with one write(2) each. Workers never log per
//          packet (they count; control logs with a rate limit).
// Errors:  none; a line that cannot be written is lost.
// Limits:  a line is cut at 2048 bytes.
//
// Formats: text `2026-01-02T03:04:05.678Z NOTICE port: started name=lan driver=net_af_xdp`;
// json, one object a line with the keys ts, level, topic, msg; journal (text without the time, with
// the <N> priority prefix of sd-daemon(3)), chosen by itself when stderr is the journal.
#pragma once

#include <stdarg.h>

#include "sl_types.h"

enum sl_log_level {
	SL_LOG_ERR,
	SL_LOG_WARN,
	SL_LOG_NOTICE,
	SL_LOG_INFO,
	SL_LOG_DEBUG,
};

enum sl_log_format {
	SL_LOG_AUTO, // journal when stderr is the journal, else text
	SL_LOG_TEXT,
	SL_LOG_JSON,
	SL_LOG_JOURNAL,
};

struct sl_log {
	int fd;
	enum sl_log_level level; // w: control, r: control-side threads; relaxed atomic
	enum sl_log_format format;
};

// A burst of `burst` lines, then one line every interval_ms; what was held back is counted and said
// by the next line that passes (suppressed=N). Zeroed memory with the two limits set is ready.
struct sl_log_limit {
	uint32_t burst;
	uint32_t interval_ms;
	uint64_t next_ns;
	uint32_t used;
	uint64_t suppressed;
};

void sl_log_init(struct sl_log *log, int fd, enum sl_log_format format, enum sl_log_level level);

// "err" "warn" "notice" "info" "debug", any case. Returns 0, or -EINVAL.
int sl_log_level_parse(const char *text, enum sl_log_level *level);
const char *sl_log_level_name(enum sl_log_level level);
// "auto" "text" "json" "journal". Returns 0, or -EINVAL.
int sl_log_format_parse(const char *text, enum sl_log_format *format);
void sl_log_set_level(struct sl_log *log, enum sl_log_level level);
bool sl_log_on(const struct sl_log *log, enum sl_log_level level);

// fmt gives `message key=value ...`, without a newline at the end. A NULL log is silence.
void sl_log(struct sl_log *log, enum sl_log_level level, const char *topic, const char *fmt, ...)
	SL_PRINTF(4, 5);
void sl_log_limited(struct sl_log *log, struct sl_log_limit *limit, enum sl_log_level level,
	const char *topic, const char *fmt, ...) SL_PRINTF(5, 6);
