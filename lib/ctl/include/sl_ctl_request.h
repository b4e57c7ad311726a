// A request line, read and checked against the command table: pure, no socket.
//
// Owner:   caller's memory; sl_ctl_request_fini() frees what parse filled, after success and
// failure. Threads: one at a time. Errors:  parse gives -EBADMSG (not JSON: the framing is lost) or
// -EINVAL (a request that can't be
//          served), with a sentence in why.
// Limits:  the text's length is the caller's business; nesting 2048 levels (jansson).
#pragma once

#include <jansson.h>

#include "sl_ctl_table.h"

struct sl_ctl_request_arg {
	const struct sl_ctl_param *param;
	char *value;
};

struct sl_ctl_request {
	enum sl_ctl_cmd cmd;
	struct sl_ctl_request_arg *args;
	size_t n_args;
	json_t *root;  // holds the inputs' text
	json_t *input; // borrowed from root; NULL: none
};

int sl_ctl_request_parse(
	const char *text, size_t len, struct sl_ctl_request *request, struct sl_buf *why);
void sl_ctl_request_fini(struct sl_ctl_request *request);

// Value number i of an argument, or NULL.
const char *sl_ctl_request_arg(const struct sl_ctl_request *request, const char *name, size_t i);
bool sl_ctl_request_input(const struct sl_ctl_request *request, size_t i, const char **name,
	const char **text, size_t *len);
