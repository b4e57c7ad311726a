// Routes by longest prefix.
#pragma once

#include "lpm.h"
#include "sl_fwd_net.h"

struct routes {
	uint32_t n;
	uint32_t *start; // ranges, see lpm.h
	uint32_t *route; // index into `table`, or LPM_NONE
	struct sl_fwd_route *table;
};

int routes_init(
	struct routes *r, const struct sl_fwd_route *route, uint32_t n); // 0, -E{INVAL,NOMEM}
void routes_fini(struct routes *r);
const struct sl_fwd_route *routes_find(const struct routes *r, sl_be32 dst); // NULL: none
