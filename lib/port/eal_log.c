// What EAL, the drivers, libbpf and libxdp print becomes lines of our log.

#include <dlfcn.h>
#include <errno.h>
#include <rte_log.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "port.h"

// An error of a driver is a warning here: drivers call a missing feature an error, and where Sluice
// can't go on without it, the caller has *why to say so. Their warnings (a page size that is not
// reserved) are for those who look.
static enum sl_log_level
level_of(int rte_level)
{
	if (rte_level <= 0)
		return SL_LOG_INFO;
	if (rte_level < (int)RTE_LOG_WARNING)
		return SL_LOG_WARN;
	return rte_level == (int)RTE_LOG_DEBUG ? SL_LOG_DEBUG : SL_LOG_INFO;
}

// rte_vlog() flushes after each message, so that a call is one message, at the thread's own level.
static ssize_t
stream_write(void *cookie, const char *buf, size_t size)
{
	struct sl_log *log = cookie;
	const enum sl_log_level level = level_of(rte_log_cur_msg_loglevel());
	const char *end = buf + size;

	for (const char *line = buf; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		const int len = (int)((nl ? nl : end) - line);

		if (len > 0)
			sl_log(log, level, "eal", "%.*s", len, line);
		line += len + 1;
	}
	return (ssize_t)size;
}

int
sl_eal_log_on(struct sl_log *log)
{
	const cookie_io_functions_t io = {.write = stream_write};
	FILE *f = fopencookie(log, "w", io);

	if (!f)
		return -errno;
	if (rte_openlog_stream(f) != 0) {
		fclose(f);
		return -EIO;
	}
	rte_log_set_global_level(sl_log_on(log, SL_LOG_DEBUG) ? RTE_LOG_DEBUG : RTE_LOG_INFO);
	return 0;
}

void
sl_eal_log_off(void)
{
	FILE *f = rte_log_get_stream();

	rte_openlog_stream(NULL);
	if (f && f != stderr && f != stdout)
		fclose(f);
}

// LIBBPF_WARN is 0, LIBBPF_INFO 1, LIBBPF_DEBUG 2; libxdp has the same.
static int
bpf_print(int level, const char *fmt, va_list ap)
{
	const uint32_t rte_level = level == 0 ? RTE_LOG_NOTICE : RTE_LOG_DEBUG;

	rte_vlog(rte_level, RTE_LOGTYPE_PMD, fmt, ap);
	return 0;
}

static void
redirect(const char *library, const char *setter)
{
	// RTLD_NOLOAD: only when a driver brought it along.
	void *lib = dlopen(library, RTLD_NOLOAD | RTLD_LAZY);
	void (*set)(int (*print)(int, const char *, va_list));

	if (!lib)
		return;
	*(void **)&set = dlsym(lib, setter);
	if (set)
		set(bpf_print);
	dlclose(lib);
}

void
sl_eal_log_bpf(void)
{
	redirect("libbpf.so.1", "libbpf_set_print");
	redirect("libxdp.so.1", "libxdp_set_print");
}
