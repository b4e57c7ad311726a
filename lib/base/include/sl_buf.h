// A growing byte buffer, always NUL-terminated behind its length.
//
// Owner:   caller's memory, zeroed or sl_buf_init(); sl_buf_fini() frees what it grew.
// Threads: one at a time.
// Errors:  out of memory ends the process (control side only; workers never use this).
#pragma once

#include <stdarg.h>

#include "sl_types.h"

struct sl_buf {
	char *data; // NULL while empty
	size_t len;
	size_t cap;
};

void sl_buf_fini(struct sl_buf *b);
void sl_buf_reset(struct sl_buf *b); // keeps the memory
void sl_buf_put(struct sl_buf *b, const void *data, size_t len);
void sl_buf_puts(struct sl_buf *b, const char *s);
void sl_buf_putc(struct sl_buf *b, char c);
void sl_buf_printf(struct sl_buf *b, const char *fmt, ...) SL_PRINTF(2, 3);
void sl_buf_vprintf(struct sl_buf *b, const char *fmt, va_list ap) SL_PRINTF(2, 0);
// The text, never NULL; the caller frees it; b is empty afterwards.
char *sl_buf_take(struct sl_buf *b);
// The whole file appended. Returns 0 or -errno; -EFBIG past max_bytes, -EMEDIUMTYPE when it is no
// regular file, nor /dev/null: a FIFO or a device could keep the caller waiting for ever.
int sl_buf_read_file(struct sl_buf *b, const char *path, size_t max_bytes);
// Likewise, of whatever kind: waits for the end of a pipe, as `<(...)` of a shell makes one.
int sl_buf_read_any(struct sl_buf *b, const char *path, size_t max_bytes);
const char *sl_buf_read_why(int rc); // what that says, for people
// fd read to its end and appended. Returns 0 or -errno; -EFBIG past max_bytes.
int sl_buf_read_fd(struct sl_buf *b, int fd, size_t max_bytes);
