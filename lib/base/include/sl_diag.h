// Diagnostics about input: collected, never only the first, printed one line each:
//   FILE:LINE:COL: error|warning: OBJECT: PATH: what is wrong, what is expected
//
// Owner:   caller's memory, zeroed; sl_diags_fini() frees the entries.
// Threads: one at a time.
// Limits:  10,000 entries kept; more are counted only.
#pragma once

#include "sl_buf.h"

enum sl_severity {
	SL_ERROR,
	SL_WARNING,
};

// Where a value stands. line and col count from 1; 0 is unknown and is not printed.
struct sl_loc {
	const char *file; // borrowed: lives as long as the document it names; NULL is unknown
	uint32_t line;
	uint32_t col;
};

struct sl_diag {
	enum sl_severity severity;
	char *file;
	uint32_t line;
	uint32_t col;
	char *object; // "ServiceEntry default/web", "sluice.yaml"; NULL is none
	char *path;   // "spec.ports[1].number"; NULL is none
	char *rule;   // rule id of istio-semantics ("S12"); NULL is none
	char *message;
};

struct sl_diags {
	struct sl_diag *v;
	size_t n;
	size_t cap;
	size_t errors; // counted also past the limit
	size_t warnings;
};

void sl_diag_add(struct sl_diags *d, enum sl_severity severity, const struct sl_loc *loc,
	const char *object, const char *path, const char *rule, const char *fmt, ...)
	SL_PRINTF(7, 8);
// Sorted by file, line, column; equal ones keep their order.
void sl_diags_sort(struct sl_diags *d);
void sl_diag_format(const struct sl_diag *diag, struct sl_buf *out); // without a newline
void sl_diags_fini(struct sl_diags *d);
