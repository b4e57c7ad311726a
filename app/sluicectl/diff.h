// `diff`: live and new objects as files in two folders, and a program that compares them.
//
// Owner:   diff_new() / diff_free(), which removes the folders.
// Threads: one.
#pragma once

#include <jansson.h>
#include <stdio.h>

struct diff;

struct diff *diff_new(FILE *err); // NULL after having said why
// A row of the command diff.
void diff_row(struct diff *d, const json_t *row);
// Runs the program on what there is. Its exit status: 0 same, 1 different, more: failed.
int diff_run(struct diff *d);
void diff_free(struct diff *d);
