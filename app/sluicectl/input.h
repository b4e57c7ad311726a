// The files of -f as the inputs of a request.
//
// Owner:   input_fini().
// Threads: one.
// Errors:  what can't be read or sent is said on err, all of it, and nothing is sent.
#pragma once

#include <stdio.h>

#include "conn.h"

struct inputs {
	struct conn_input *v;
	size_t n;
	size_t cap;
	size_t errors;
	FILE *err;
};

// 0, or -EINVAL after having said why.
int inputs_read(struct inputs *in, const struct args *args, FILE *err);
void inputs_fini(struct inputs *in);
