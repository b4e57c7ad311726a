#include "sl_diag.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

#define KEPT 10000

void
sl_diag_add(struct sl_diags *d, enum sl_severity severity, const struct sl_loc *loc,
	const char *object, const char *path, const char *rule, const char *fmt, ...)
{
	struct sl_buf message = {0};
	va_list ap;

	if (severity == SL_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (d->n >= KEPT)
		return;
	va_start(ap, fmt);
	sl_buf_vprintf(&message, fmt, ap);
	va_end(ap);
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 16;
		d->v = sl_xrealloc(d->v, d->cap, sizeof(*d->v));
	}
	d->v[d->n++] = (struct sl_diag){
		.severity = severity,
		.file = sl_xstrdup(loc ? loc->file : NULL),
		.line = loc ? loc->line : 0,
		.col = loc ? loc->col : 0,
		.object = sl_xstrdup(object),
		.path = sl_xstrdup(path),
		.rule = sl_xstrdup(rule),
		.message = sl_buf_take(&message),
	};
}

static int
compare(const void *pa, const void *pb)
{
	const struct sl_diag *a = pa, *b = pb;
	const int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (by_file)
		return by_file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->col != b->col)
		return a->col < b->col ? -1 : 1;
	return 0;
}

void
sl_diags_sort(struct sl_diags *d)
{
	// glibc's qsort is a stable merge sort as long as memory allows, which keeps equal ones in
	// order.
	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), compare);
}

void
sl_diag_format(const struct sl_diag *diag, struct sl_buf *out)
{
	if (diag->file)
		sl_buf_puts(out, diag->file);
	if (diag->file && diag->line)
		sl_buf_printf(out, ":%u:%u", diag->line, diag->col);
	if (diag->file)
		sl_buf_puts(out, ": ");
	sl_buf_puts(out, diag->severity == SL_ERROR ? "error: " : "warning: ");
	if (diag->object)
		sl_buf_printf(out, "%s: ", diag->object);
	if (diag->path)
		sl_buf_printf(out, "%s: ", diag->path);
	sl_buf_puts(out, diag->message);
	if (diag->rule)
		sl_buf_printf(out, " [%s]", diag->rule);
}

void
sl_diags_fini(struct sl_diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].file);
		free(d->v[i].object);
		free(d->v[i].path);
		free(d->v[i].rule);
		free(d->v[i].message);
	}
	free(d->v);
	*d = (struct sl_diags){0};
}
