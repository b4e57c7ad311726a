// The look-up of the flow table, for a loop that has it inline: hash, bucket, tag, record.
//
// A look-up is four steps, each a loop over the burst, so that the cache misses of its packets
// overlap: sl_flow_hash() and sl_flow_prefetch_bucket(); sl_flow_guess() and
// sl_flow_prefetch_record(); sl_flow_is(); and what that says no to is asked for by sl_flow_find().
//
// Owner:   nothing is kept; the index is a copy of what the table is found by, and good as long as
//          the table.
// Threads: the table's worker.
#pragma once

#include <string.h>

#include "sl_flow.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SL_FLOW_BUCKET_SLOTS 8
#define SL_FLOW_ALL_SLOTS    ((1u << SL_FLOW_BUCKET_SLOTS) - 1) // as a match of tags

// One cache line. A key lives in its first bucket, when that is full in its second, when that is
// full too in a spare bucket chained to the first. A ref here is flow index << 1 | direction in the
// lower 28 bits; above them is the record's generation: when that has gone on, the key is dead.
struct sl_flow_bucket {
	uint16_t tag[SL_FLOW_BUCKET_SLOTS]; // 0: free
	// The ninth is always all ones: it is what "no tag matches" selects, without a branch.
	uint32_t ref[SL_FLOW_BUCKET_SLOTS + 1];
	uint32_t next; // the spare bucket chained here, 0: none (no spare bucket has that number)
	uint32_t away; // keys whose first bucket this is and that live in their second
	uint32_t pad;
} SL_CACHE_ALIGNED;
_Static_assert(sizeof(struct sl_flow_bucket) == SL_CACHE_LINE, "one line");

#define SL_FLOW_REF_BITS 28
#define SL_FLOW_REF_MASK ((1u << SL_FLOW_REF_BITS) - 1)
#define SL_FLOW_NO_GUESS SL_FLOW_REF_MASK // no flow has this ref: there are 2^26 at most

// What a look-up reads of the table.
struct sl_flow_index {
	struct sl_flow *flows;
	struct sl_flow_bucket *buckets;
	const uint8_t *gen; // of each record
	uint64_t secret[3];
	uint32_t bucket_mask;
};
struct sl_flow_index sl_flow_index(const struct sl_flow_table *t);

static inline bool
sl_flow_tuple_equal(const struct sl_tuple *a, const struct sl_tuple *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}
_Static_assert(sizeof(struct sl_tuple) == 16, "two words: addresses; ports, protocol and zeros");

static inline uint64_t
sl_flow_fold_mul(uint64_t a, uint64_t b)
{
	const unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

// A keyed multiply mix. CRC32C would be as fast and is linear: two tuples that collide under one
// seed collide under all, so whoever chooses addresses and ports could fill one bucket.
static inline uint64_t
sl_flow_hash(const uint64_t secret[3], const struct sl_tuple *tuple)
{
	uint64_t k[2];

	memcpy(k, tuple, sizeof(k));
	return sl_flow_fold_mul(sl_flow_fold_mul(k[0] ^ secret[0], k[1] ^ secret[1]), secret[2]);
}

// First bucket, second bucket (table.h) and tag are different bits of one hash (up to 2^25
// buckets).
static inline struct sl_flow_bucket *
sl_flow_bucket_of(const struct sl_flow_index *x, uint64_t hash)
{
	return &x->buckets[hash & x->bucket_mask];
}

static inline uint16_t
sl_flow_tag(uint64_t hash)
{
	const uint16_t tag = (uint16_t)(hash >> 48);

	return tag ? tag : 1;
}

// One bit for each of the eight tags that equals tag.
static inline unsigned
sl_flow_match_scalar(const struct sl_flow_bucket *b, uint16_t tag)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < SL_FLOW_BUCKET_SLOTS; i++)
		mask |= (unsigned)(b->tag[i] == tag) << i;
	return mask;
}

static inline unsigned
sl_flow_match(const struct sl_flow_bucket *b, uint16_t tag)
{
#if defined(__SSE2__) && !defined(SL_FLOW_SCALAR)
	const __m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	const __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	return sl_flow_match_scalar(b, tag);
#endif
}

static inline void
sl_flow_prefetch_bucket(const struct sl_flow_index *x, uint64_t hash)
{
	__builtin_prefetch(sl_flow_bucket_of(x, hash));
}

// For who is about to insert: which of the keys with that tag, and of all when the bucket is full,
// are dead their generations will say.
static inline void
sl_flow_prefetch_room(const struct sl_flow_index *x, uint64_t hash)
{
	const struct sl_flow_bucket *b = sl_flow_bucket_of(x, hash);
	unsigned m = sl_flow_match(b, 0) ? sl_flow_match(b, sl_flow_tag(hash)) : SL_FLOW_ALL_SLOTS;

	for (; m; m &= m - 1)
		__builtin_prefetch(&x->gen[(b->ref[__builtin_ctz(m)] & SL_FLOW_REF_MASK) >> 1]);
}

// The ref of the first key in the first bucket that has the hash's tag, or SL_FLOW_NO_GUESS: nearly
// always the one that is looked for, when there is one.
static inline uint32_t
sl_flow_guess(const struct sl_flow_index *x, uint64_t hash)
{
	const struct sl_flow_bucket *b = sl_flow_bucket_of(x, hash);

	return b->ref[__builtin_ctz(
		       sl_flow_match(b, sl_flow_tag(hash)) | 1u << SL_FLOW_BUCKET_SLOTS)] &
	       SL_FLOW_REF_MASK;
}

// The first line: all that a packet needs that changes nothing of its flow.
static inline void
sl_flow_prefetch_record(const struct sl_flow_index *x, uint32_t ref)
{
	__builtin_prefetch(&x->flows[ref >> 1]);
}

static inline bool
sl_flow_is(const struct sl_flow_index *x, uint32_t ref, const struct sl_tuple *tuple)
{
	return ref != SL_FLOW_NO_GUESS &&
	       sl_flow_tuple_equal(&x->flows[ref >> 1].tuple[ref & 1], tuple);
}
