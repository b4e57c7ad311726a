// The client as a function, for main() and for tests.
//
// Threads: one.
#pragma once

#include <stdio.h>

// Returns the exit status: 0 fine, 1 what was asked failed or is invalid, 2 wrong usage (diff: as
// diff(1)).
int sluicectl_run(int argc, char **argv, FILE *out, FILE *err);
