// `explain` for people: the verdict, who the client is, the service and where its flows go.
//
// Threads: one.
#pragma once

#include <jansson.h>
#include <stdio.h>

// row: the fields of the command explain.
void verdict(FILE *out, const json_t *row);
