#include "sl_buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sl_str.h"

static void
reserve(struct sl_buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->len + more + 1 <= b->cap)
		return;
	while (cap < b->len + more + 1)
		cap *= 2;
	b->data = sl_xrealloc(b->data, cap, 1);
	b->cap = cap;
}

void
sl_buf_fini(struct sl_buf *b)
{
	free(b->data);
	*b = (struct sl_buf){0};
}

void
sl_buf_reset(struct sl_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void
sl_buf_put(struct sl_buf *b, const void *data, size_t len)
{
	reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
sl_buf_puts(struct sl_buf *b, const char *s)
{
	sl_buf_put(b, s, strlen(s));
}

void
sl_buf_putc(struct sl_buf *b, char c)
{
	sl_buf_put(b, &c, 1);
}

void
sl_buf_vprintf(struct sl_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0) {
		reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
sl_buf_printf(struct sl_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

char *
sl_buf_take(struct sl_buf *b)
{
	char *text = b->data ? b->data : sl_xstrdup("");

	*b = (struct sl_buf){0};
	return text;
}

int
sl_buf_read_fd(struct sl_buf *b, int fd, size_t max_bytes)
{
	const size_t start = b->len;

	for (;;) {
		ssize_t n;

		reserve(b, 65536);
		n = read(fd, b->data + b->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (n == 0)
			return 0;
		if (b->len - start > max_bytes)
			return -EFBIG;
	}
}

static int
check_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return 0;
	return S_ISDIR(st.st_mode) ? -EISDIR : -EMEDIUMTYPE;
}

int
sl_buf_read_file(struct sl_buf *b, const char *path, size_t max_bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return -errno;
	rc = check_kind(fd);
	if (rc == 0)
		rc = sl_buf_read_fd(b, fd, max_bytes);
	close(fd);
	return rc;
}

int
sl_buf_read_any(struct sl_buf *b, const char *path, size_t max_bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return -errno;
	rc = sl_buf_read_fd(b, fd, max_bytes);
	close(fd);
	return rc;
}

const char *
sl_buf_read_why(int rc)
{
	return rc == -EMEDIUMTYPE ? "not a regular file" : strerror(-rc);
}
