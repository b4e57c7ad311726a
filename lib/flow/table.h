// The table's inside: buckets, hash and what table.c and wheel.c tell each other.
//
// Memory is one piece: this struct with the wheel's slots, the flows, the buckets. Half as many
// buckets as flows, so that with every flow in use the 2 * capacity keys fill half of the entries:
// 128 + 32 + 1 + 1 bytes a flow, and 256 KiB for the wheel.
//
// A flow that goes leaves its keys where they are, and its record gets the next generation: keys
// that have another one are dead, and give way when their bucket is full. So a flow that goes
// touches no bucket. That goes for keys in their first bucket: others are taken out at once,
// because they are counted.
#pragma once

#include "sl_flow_lookup.h"

#define BUCKET_SLOTS    SL_FLOW_BUCKET_SLOTS
#define CAPACITY_MIN    64
#define CAPACITY_MAX    (1u << 26)
#define WHEEL_SLOTS     4096 // of one tick: 550 s
#define WHEEL_LANES     16   // lists of a slot: index % 16 says which
#define FREE_LANES      8    // lists of free records
#define GEN_MASK        0x0f // of a record's byte in gen
#define GEN_ELSEWHERE   0x80 // one of its keys at least is not in its first bucket
#define SPARES_PER      32   // one spare bucket for as many buckets ...
#define SPARES_AT_LEAST 16   // ... and these for small tables

struct wheel {
	sl_tick next; // the first tick that was not worked off to its end
	// Flows by the tick they are looked at; every flow hangs at a tick from next to next +
	// 4095.
	uint32_t slot[WHEEL_SLOTS][WHEEL_LANES];
};

struct sl_flow_table {
	// read by every lookup; see sl_flow_index()
	struct sl_flow *flows SL_CACHE_ALIGNED;
	struct sl_flow_bucket *buckets;
	uint64_t secret[3];
	uint32_t bucket_mask;
	uint32_t capacity;
	uint8_t *gen; // by record: its generation, GEN_*
	// written by insert and remove
	// Free records, LIFO over timer_next: those freed last are warm. index % FREE_LANES says in
	// which list, and they are taken from each in turn, so that the head of each is in the
	// cache by the time that it is wanted.
	uint32_t free_head[FREE_LANES] SL_CACHE_ALIGNED;
	uint32_t free_turn;
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

static inline uint64_t
key_hash(const struct sl_flow_table *t, const struct sl_tuple *tuple)
{
	return sl_flow_hash(t->secret, tuple);
}

static inline struct sl_flow_bucket *
first_bucket(const struct sl_flow_table *t, uint64_t hash)
{
	return &t->buckets[hash & t->bucket_mask];
}

static inline struct sl_flow_bucket *
second_bucket(const struct sl_flow_table *t, uint64_t hash)
{
	return &t->buckets[(hash >> 24) & t->bucket_mask];
}

// Removes a flow whose timer is unlinked.
void flow_remove_unlinked(struct sl_flow_table *t, uint32_t index);

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
