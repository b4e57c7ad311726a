#include <xxhash.h>

#include "sl_fwd_eps.h"

uint32_t
sl_fwd_hash_source(sl_be32 src)
{
	return (uint32_t)XXH64(&src, sizeof(src), 0);
}
