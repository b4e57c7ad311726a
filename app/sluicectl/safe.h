// Text from elsewhere on its way to a terminal: control characters (escape sequences in a name, C1)
// become '?'.
//
// Threads: any.
#pragma once

#include <stdio.h>

#include "sl_buf.h"

// keep: control characters that stay, such as "\n\t".
void safe_put(FILE *f, const char *text, const char *keep);
// The same into a buffer; returns the columns it takes (a code point each).
unsigned safe_cell(struct sl_buf *out, const char *text);
