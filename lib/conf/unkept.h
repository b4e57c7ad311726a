// Rows of what is checked, and not kept: what an HTTP route or a listener would do with it, when
// there are any.
#pragma once

#include "schema.h"

#define SCHEMA(name, rows)                                                                         \
	{                                                                                          \
		name, FIELDS(rows), .loc_at = NO_AT, .title = name                                 \
	}

#define UNKEPT .at = NO_AT, .here = "Not served yet."
#define TEXT(k, h)                                                                                 \
	{                                                                                          \
		.key = (k), .type = T_STRING, UNKEPT, .help = (h)                                  \
	}
#define TEXTS(k, h)                                                                                \
	{                                                                                          \
		.key = (k), .type = T_STRING, .flags = F_LIST, UNKEPT, .help = (h)                 \
	}
