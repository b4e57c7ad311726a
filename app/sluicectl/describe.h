// `describe` for people: one object, everything that is known of it.
//
// Threads: one.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

// row: the fields of the command describe; more: another object stands before it.
void describe(FILE *out, const json_t *row, bool more);
