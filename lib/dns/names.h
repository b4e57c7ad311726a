// Names as they are asked for.
#pragma once

#include "sl_wire_dns.h"

// in: any case, perhaps with a dot at its end; out: lower case, without. NULL, or why it can't be
// asked for (static); out is "" then.
const char *name_check(const char *in, char out[SL_DNS_NAME_MAX]);
