// The verbs that ask the daemon.
//
// Threads: one.
#pragma once

#include <stdio.h>

#include "args.h"

// Returns the exit status.
int remote_run(const struct args *args, FILE *out, FILE *err);
