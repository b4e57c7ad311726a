// A draw by weight in O(1).
//
// Source: M. D. Vose, A Linear Algorithm For Generating Random Numbers With a Given Distribution
// (1991), here in integers, so that no share is lost to rounding but the last bit of `keep`.
#pragma once

#include "sl_types.h"

// Column i goes to i for the `keep` / 2^32 part of it, and to `other` for the rest.
struct alias {
	uint32_t keep;
	uint32_t other;
};

// The columns for n weights, each below 2^48, not all 0; n <= 65536. `stride` bytes from one alias
// to the next. 0 or -ENOMEM.
int alias_make(struct alias *a, size_t stride, const uint64_t *weight, uint32_t n);

// Of n columns; the product's upper word is the column and its lower word the place in it.
static inline uint32_t
alias_draw(const struct alias *a, size_t stride, uint32_t n, uint32_t rnd)
{
	const uint64_t at = (uint64_t)rnd * n;
	const uint32_t column = at >> 32;
	const struct alias *c = (const void *)((const char *)a + column * stride);

	return (uint32_t)at < c->keep ? column : c->other;
}
