// A finalizer for hash tables: every bit of the key decides every bit of the result.
#pragma once

#include "sl_types.h"

static inline uint64_t
mix(uint64_t key)
{
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64_C(0xc4ceb9fe1a85ec53);
	return key ^ key >> 33;
}
