// explain-field and schema: what can be written, without files and without a daemon.
//
// Owner: caller's memory. Threads: one. Errors: the exit status, a sentence on err.
#pragma once

#include <stdio.h>

#include "args.h"

int explain_run(const struct args *args, FILE *out, FILE *err);
int schema_run(const struct args *args, FILE *out, FILE *err);
