// Longest-prefix match as disjoint ranges of addresses: nested prefixes are flattened once, then a
// lookup is one search that never backtracks. Who may not use the prefix that it finds goes on
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

// The starts are searched like a B-tree whose nodes are cache lines: each level has every 16th
// start of the level below, up to one with 16 at most. Level 0 comes first, each is filled up to
// whole lines.
#define LPM_NODE 16

static inline uint32_t
lpm_whole(uint32_t n)
{
	return (n + LPM_NODE - 1) & ~(LPM_NODE - 1u);
}

// Values of start[] for n ranges, all levels.
static inline size_t
lpm_room(uint32_t n)
{
	size_t room = lpm_whole(n);

	for (; n > LPM_NODE; room += lpm_whole(n))
		n = lpm_whole(n) / LPM_NODE;
	return room;
}

// Room for so many values, on a cache line; NULL: no memory.
uint32_t *lpm_alloc(size_t values);

// Makes ranges of p, which it sorts: start[] (first address of each range, ascending, start[0] =
// 0), with room for lpm_room(LPM_RANGES_MAX(n)), and value[] (LPM_NONE: no prefix), with room for
// LPM_RANGES_MAX(n). up (may be NULL) is indexed by value: the value of the next wider prefix, or
// LPM_NONE. Returns the number of ranges, or 0 when `twice` is false and a prefix is in p twice.
uint32_t lpm_make(struct lpm_prefix *p, uint32_t n, bool twice, uint32_t *start, uint32_t *value,
	uint32_t *up);

// The range that addr is in, of n.
static inline uint32_t
lpm_range(const uint32_t *start, uint32_t n, uint32_t addr)
{
	const uint32_t *level = start;
	unsigned shift = 0;
	uint32_t at = 0;

	for (; (n - 1) >> shift >= LPM_NODE; shift += 4)
		level += lpm_whole(((n - 1) >> shift) + 1);
	for (;;) {
		const uint32_t last = (n - 1) >> shift, *key = level + at * LPM_NODE;
		uint32_t count = 0;

		// The first key of a node that is gone down to is never above: start[0] is 0.
		for (unsigned i = 0; i < LPM_NODE; i++)
			count += key[i] <= addr;
		at = at * LPM_NODE + count - 1;
		at = at < last ? at : last; // not what fills the line up
		if (shift == 0)
			return at;
		shift -= 4;
		level -= lpm_whole(((n - 1) >> shift) + 1);
	}
}
