// Memory of one worker's pipe: in cache lines that nothing else is in, so that no other thread
// writes or waits for them. Freed with free().
#pragma once

#include <stdlib.h>
#include <string.h>

#include "sl_types.h"

// Zeroed. NULL without memory. n * bytes is far below SIZE_MAX.
static inline void *
own_calloc(size_t n, size_t bytes)
{
	const size_t whole = (n * bytes + SL_CACHE_LINE - 1) / SL_CACHE_LINE * SL_CACHE_LINE;
	void *p = aligned_alloc(SL_CACHE_LINE, whole);

	return p ? memset(p, 0, whole) : NULL;
}
