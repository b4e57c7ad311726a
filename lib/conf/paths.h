// The walk over files and folders that all readers of objects share.
#pragma once

#include <sys/stat.h>

#include "sl_buf.h"
#include "sl_diag.h"

struct paths_fns {
	// A file that is there: false skips it unread. NULL: all are read. st: before it is read.
	bool (*wanted)(void *ctx, const char *file, const struct stat *st);
	// What is in it; NUL-terminated, and gone on return unless it is taken out.
	void (*text)(void *ctx, const char *file, struct sl_buf *text);
	// A file or folder that cannot be read; its diagnostic is there already. May be NULL.
	void (*unreadable)(void *ctx, const char *path);
};

// As sl_conf_texts_path(). Returns the number of errors.
size_t paths_walk(const char *path, const struct paths_fns *fns, void *ctx, struct sl_diags *diags);
