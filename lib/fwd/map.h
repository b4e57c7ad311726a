// 64-bit keys to 32-bit values: open addressing, filled once, then read by workers.
#pragma once

#include "sl_types.h"

struct map_cell {
	uint64_t key;
	uint32_t value;
	uint32_t used;
};

struct map {
	struct map_cell *cell; // mask + 1 of them, at most half of them used
	uint32_t mask;
};

// The smallest power of two that n entries fill by half at most.
static inline uint32_t
map_size(uint32_t n)
{
	return n < 4 ? 8 : UINT32_C(1) << (33 - __builtin_clz(n - 1));
}

int fwd_map_init(struct map *m, uint32_t n_max); // 0 or -ENOMEM
void fwd_map_fini(struct map *m);
uint32_t *fwd_map_at(struct map *m, uint64_t key);               // a new one has the value 0
const uint32_t *fwd_map_find(const struct map *m, uint64_t key); // NULL: none
