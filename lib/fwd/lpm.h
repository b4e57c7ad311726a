// Longest-prefix match as disjoint ranges of addresses: nested prefixes are flattened once, then a
// lookup is a binary search that never backtracks. Who may not use the prefix that it finds goes on
// to the one around it.
#pragma once

#include "sl_ip.h"

#define LPM_NONE UINT32_MAX

struct lpm_prefix {
	uint32_t first; // host order; bits outside of len are ignored
	uint32_t rank;  // of equal prefixes the one with the lowest is taken
	uint32_t value; // what a lookup gives, not LPM_NONE
	uint8_t len;    // 0..32
};

#define LPM_RANGES_MAX(n) (2 * (size_t)(n) + 1) // that n prefixes make

// Makes ranges of p, which it sorts: start[] (first address of each range, ascending, start[0] = 0)
// and value[] (LPM_NONE: no prefix), with room for LPM_RANGES_MAX(n). up (may be NULL) is indexed
// by value: the value of the next wider prefix, or LPM_NONE. Returns the number of ranges, or 0
// when `twice` is false and a prefix is in p twice.
uint32_t lpm_make(struct lpm_prefix *p, uint32_t n, bool twice, uint32_t *start, uint32_t *value,
	uint32_t *up);

// The range that addr is in.
static inline uint32_t
lpm_range(const uint32_t *start, uint32_t n, uint32_t addr)
{
	const uint32_t *at = start;

	// The last start that is not above addr; start[0] = 0 is never above.
	while (n > 1) {
		const uint32_t half = n / 2;

		at = at[half] <= addr ? at + half : at;
		n -= half;
	}
	return at - start;
}
