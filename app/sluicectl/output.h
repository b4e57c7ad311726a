// What a command prints: rows as a table, as JSON or as what the command has of its own; texts and
// diagnostics beside them.
//
// Owner:   caller's memory; output_end() closes what is open and frees.
// Threads: one.
// Errors:  a row that is not JSON is left out and counted in bad.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "args.h"
#include "sl_diag.h"
#include "table.h"

enum output_form {
	OUTPUT_TABLE,
	OUTPUT_JSON,   // the rows, an array
	OUTPUT_RESULT, // apply, delete: KIND NAMESPACE/NAME RESULT
	OUTPUT_VALUE,  // flows --count, log-level: one value, nothing around it
	OUTPUT_DESCRIBE,
	OUTPUT_VERDICT, // explain
	OUTPUT_NAME,    // get -o name
	OUTPUT_YAML,    // get -o yaml
	OUTPUT_OBJECTS, // get -o json
};

struct output {
	enum output_form form;
	FILE *out;
	FILE *err;
	const char *value; // OUTPUT_VALUE: the key
	bool single;       // OUTPUT_OBJECTS: an object that is alone stands alone
	char *first;       // held back until it is known whether it is
	struct table table;
	size_t rows;
	size_t bad;
};

void output_begin(struct output *o, const struct args *args, FILE *out, FILE *err);
void output_row(struct output *o, const char *json, size_t len);
void output_text(struct output *o, const char *text);
void output_diag(struct output *o, const json_t *diag);
// good: the rows are all there. Else, when there is none, nothing is printed: no rows is an answer,
// and this is not.
void output_end(struct output *o, bool good);

// One diagnostic, one line.
void output_diag_line(FILE *f, const struct sl_diag *diag);
