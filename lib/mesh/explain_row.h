// Between the files of `explain`: explain_row.c (the row), explain_why.c (what would have to be
// declared).
#pragma once

#include "sl_mesh_explain.h"

// "hints": services that come near what is asked, and why they don't take it, as sentences.
void explain_hints(struct sl_mesh *m, const struct sl_mesh_question *q, unsigned client,
	const char *namespace_, struct sl_emit *e);
const char *explain_proto(uint8_t proto); // "TCP", "UDP"
