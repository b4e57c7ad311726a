// The verbs that answer from files, on the code that the daemon uses: validate, and services,
// endpoints and explain with -f.
//
// Threads: one.
#pragma once

#include <stdio.h>

#include "args.h"

// Returns the exit status.
int offline_run(const struct args *args, FILE *out, FILE *err);
