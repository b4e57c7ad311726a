// Longest-prefix match as disjoint ranges of addresses: nested prefixes are flattened once, then a
// lookup is a binary search that never backtracks.
#pragma once

#include "sl_fwd.h"

#define ROUTE_NONE UINT32_MAX

struct routes {
	uint32_t n;
	uint32_t *start; // first address of each range, host order, ascending; start[0] = 0
	uint32_t *route; // index into `table`, or ROUTE_NONE
	struct sl_fwd_route *table;
};

int routes_init(
	struct routes *r, const struct sl_fwd_route *route, uint32_t n); // 0, -E{INVAL,NOMEM}
void routes_fini(struct routes *r);
const struct sl_fwd_route *routes_find(const struct routes *r, sl_be32 dst); // NULL: none
