// The client's end of the control socket: a request out, the lines of the answer in.
//
// Owner:   caller's memory; conn_close().
// Threads: one; calls block.
// Errors:  -errno and a sentence for the operator in why: what is wrong and what to do about it.
// Limits:  a line of an answer is held whole (an object at most).
#pragma once

#include <jansson.h>

#include "args.h"

struct conn {
	const char *path;
	int fd; // -1: closed
	struct sl_buf in;
	size_t at; // of in, taken already
};

enum conn_line {
	CONN_ROW,
	CONN_DIAG,
	CONN_TEXT,
	CONN_END,
};

// What conn_next() read; it lives until the next call.
struct conn_answer {
	enum conn_line line;
	const char *raw; // a row: its JSON text of raw_len bytes
	size_t raw_len;
	const json_t *value; // anything else
	json_t *root;
};

// $SLUICE_SOCKET or the default, when path is NULL.
int conn_open(struct conn *c, const char *path, struct sl_buf *why);
void conn_close(struct conn *c);

struct conn_input {
	char *name;
	char *text;
	size_t len;
};

void conn_request(struct sl_buf *out, const struct args *args, const struct conn_input *input,
	size_t n_inputs);
int conn_send(struct conn *c, const struct sl_buf *request, struct sl_buf *why);
// The next line of the answer; after CONN_END there is none.
int conn_next(struct conn *c, struct conn_answer *answer, struct sl_buf *why);
void conn_answer_fini(struct conn_answer *answer);
