// The table's inside: buckets, hash and what table.c and wheel.c tell each other.
//
// Memory is one piece: this struct with the wheel's slots, the flows, the buckets. Half as many
// buckets as flows, so that with every flow in use the 2 * capacity keys fill half of the entries:
// 128 + 32 + 1 bytes a flow, and 128 KiB for the wheel.
#pragma once

#include <string.h>

#include "sl_flow.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define BUCKET_SLOTS    8
#define CAPACITY_MIN    64
#define CAPACITY_MAX    (1u << 26)
#define WHEEL_SLOTS     4096 // of one tick: 550 s
#define WHEEL_LANES     8    // lists of a slot: index % 8 says which
#define SPARES_PER      32   // one spare bucket for as many buckets ...
#define SPARES_AT_LEAST 16   // ... and these for small tables

// One cache line. A key lives in its first bucket, when that is full in its second, when that is
// full too in a spare bucket chained to the first.
struct bucket {
	uint16_t tag[BUCKET_SLOTS]; // 0: free
	// The ninth is always SL_FLOW_NONE: it is what "no tag matches" selects, without a branch.
	uint32_t ref[BUCKET_SLOTS + 1];
	uint32_t next; // the spare bucket chained here, 0: none (no spare bucket has that number)
	uint32_t away; // keys whose first bucket this is and that live in their second
	uint32_t pad;
} SL_CACHE_ALIGNED;
_Static_assert(sizeof(struct bucket) == SL_CACHE_LINE, "one line");

struct wheel {
	sl_tick next; // the first tick that was not worked off to its end
	// Flows by the tick they are looked at; every flow hangs at a tick from next to next +
	// 4095.
	uint32_t slot[WHEEL_SLOTS][WHEEL_LANES];
};

struct sl_flow_table {
	// read by every lookup
	struct sl_flow *flows SL_CACHE_ALIGNED;
	struct bucket *buckets;
	uint64_t secret[3];
	uint32_t bucket_mask;
	uint32_t capacity;
	// written by insert and remove
	uint32_t free_head SL_CACHE_ALIGNED; // LIFO over timer_next: the record freed last is warm
	uint32_t fresh; // records from here on were never used; relaxed atomic: w: worker, r: walk
	uint32_t live;  // relaxed atomic: w: worker, r: any
	uint32_t spare_head;
	uint32_t n_away;
	uint32_t n_chained;
	uint32_t n_spares_used;
	uint32_t n_spares;
	uint64_t start_ns;
	struct sl_flow_mem mem;
	struct wheel wheel SL_CACHE_ALIGNED;
};

// Half a tuple of a record, for the stores and loads that the walk meets.
typedef uint64_t __attribute__((may_alias)) flow_word;

// Two 64-bit words of a tuple: addresses; ports, protocol and the zero padding.
struct key {
	uint64_t w[2];
};

static inline struct key
key_of(const struct sl_tuple *t)
{
	struct key k;

	memcpy(&k, t, sizeof(k));
	return k;
}
_Static_assert(sizeof(struct sl_tuple) == sizeof(struct key), "two words");

static inline bool
tuple_equal(const struct sl_tuple *a, const struct sl_tuple *b)
{
	const struct key x = key_of(a), y = key_of(b);

	return ((x.w[0] ^ y.w[0]) | (x.w[1] ^ y.w[1])) == 0;
}

static inline uint64_t
fold_mul(uint64_t a, uint64_t b)
{
	const unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

// A keyed multiply mix. CRC32C would be as fast and is linear: two tuples that collide under one
// seed collide under all, so whoever chooses addresses and ports could fill one bucket.
static inline uint64_t
key_hash(const struct sl_flow_table *t, const struct sl_tuple *tuple)
{
	const struct key k = key_of(tuple);

	return fold_mul(fold_mul(k.w[0] ^ t->secret[0], k.w[1] ^ t->secret[1]), t->secret[2]);
}

// First bucket, second bucket and tag are different bits of one hash (up to 2^25 buckets).
static inline struct bucket *
first_bucket(const struct sl_flow_table *t, uint64_t hash)
{
	return &t->buckets[hash & t->bucket_mask];
}

static inline struct bucket *
second_bucket(const struct sl_flow_table *t, uint64_t hash)
{
	return &t->buckets[(hash >> 24) & t->bucket_mask];
}

static inline uint16_t
key_tag(uint64_t hash)
{
	const uint16_t tag = (uint16_t)(hash >> 48);

	return tag ? tag : 1;
}

// One bit for each of the eight tags that equals tag.
static inline unsigned
match_scalar(const struct bucket *b, uint16_t tag)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < BUCKET_SLOTS; i++)
		mask |= (unsigned)(b->tag[i] == tag) << i;
	return mask;
}

static inline unsigned
match(const struct bucket *b, uint16_t tag)
{
#if defined(__SSE2__)
	const __m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	const __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	return match_scalar(b, tag);
#endif
}

// Removes a flow whose keys' hashes are known and whose timer is unlinked.
void flow_remove_hashed(struct sl_flow_table *t, uint32_t index, const uint64_t hash[2]);

// wheel.c
void flow_wheel_init(struct wheel *w);
// Hangs a flow at its deadline: no earlier than the wheel's next tick, no later than its horizon.
void flow_timer_link(struct sl_flow_table *t, uint32_t index, sl_tick deadline);
void flow_timer_unlink(struct sl_flow_table *t, uint32_t index);

// now + timeout, which may be "never".
static inline sl_tick
tick_add(sl_tick now, sl_tick timeout)
{
	return timeout > UINT32_MAX - now ? UINT32_MAX : now + timeout;
}

// The tick in which a flow's time comes, as things stand.
sl_tick flow_deadline(const struct sl_flow *f, const struct sl_flow_timeouts *timeouts);
// The flow is tried with a deadline of its policy: a client's SYN is no sign of life.
bool flow_has_connect(const struct sl_flow *f, const struct sl_flow_timeouts *timeouts);
