// A table on the terminal: columns out of the command table, aligned, numbers to the right.
//
// Widths come from the first TABLE_SAMPLE lines, which are held back; what follows is written as it
// comes, so that a table of millions of rows takes no memory. A wider cell later pushes its line.
//
// Owner:   caller's memory; table_fini() frees it and writes what is held back.
// Threads: one.
// Errors:  none; a failed write is the stream's (ferror).
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "sl_ctl_table.h"

#define TABLE_COLUMNS 32
#define TABLE_SAMPLE  1000

struct table {
	FILE *out;
	bool headers;
	const struct sl_ctl_column *column[TABLE_COLUMNS];
	unsigned width[TABLE_COLUMNS];
	unsigned n_columns;
	struct sl_buf held; // cells of the held lines, each NUL-terminated
	unsigned held_lines;
	struct sl_buf cell; // the one at hand, as it is shown
	bool started;       // widths are fixed
};

// kind: canonical, of the objects that `get` lists, or NULL.
void table_init(
	struct table *t, FILE *out, enum sl_ctl_cmd cmd, const char *kind, bool wide, bool headers);
// One row: a line, or several when a column's path spreads over a list.
void table_row(struct table *t, const json_t *row);
// Writes what is held back; the widths are fixed from now on.
void table_flush(struct table *t);
void table_fini(struct table *t);
