// Counters and drop reasons of the workers, out of sl_counters.def.
//
// Owner:   one struct sl_stats per worker, part of the worker; freed with it.
// Threads: `local` is the worker's own. sl_stats_publish() copies it to `pub` under a sequence lock
//          (one writer, no atomic read-modify-write); sl_stats_read() may run on any thread at any
//          time and gets the block of one moment, so the books balance in every reading.
// Errors:  none.
#pragma once

#include "sl_clock.h"

enum sl_counter {
#define SL_COUNTER(id, name, help) SL_C_##id,
#include "sl_counters.def"
	SL_C_MAX,
};

// What a packet that is not sent was dropped for. 0 is no drop.
enum sl_drop {
	SL_DROP_NONE,
#define SL_DROP(id, name, help) SL_DROP_##id,
#include "sl_counters.def"
	SL_DROP_MAX,
};

// Where a worker's cycles go, when it is built to tell (meson option stages).
enum sl_stage {
#define SL_STAGE(id, name, help) SL_STAGE_##id,
#include "sl_counters.def"
	SL_STAGE_MAX,
};

struct sl_stats_block {
	uint64_t counter[SL_C_MAX];
	uint64_t drop[SL_DROP_MAX];
	uint64_t stage[SL_STAGE_MAX + 1]; // cycles; the last: when the last stage ended
};

// The time since the last call goes to `stage`. Costs nothing where stages are not told.
static inline void
sl_stats_stage(struct sl_stats_block *b, enum sl_stage stage)
{
	if (!SL_STAGES)
		return;
	const uint64_t now = sl_cycles();

	b->stage[stage] += now - b->stage[SL_STAGE_MAX];
	b->stage[SL_STAGE_MAX] = now;
}
// Cycles of a stage. False: they are not told.
bool sl_stats_stage_cycles(const struct sl_stats_block *b, enum sl_stage stage, uint64_t *cycles);
const char *sl_stage_name(enum sl_stage stage);

struct sl_stats {
	struct sl_stats_block local SL_CACHE_ALIGNED; // w: the worker
	struct sl_stats_block pub SL_CACHE_ALIGNED;   // w: the worker, r: control, under seq
	uint32_t seq;                                 // odd while pub is being written
};

void sl_stats_publish(struct sl_stats *s);
void sl_stats_read(const struct sl_stats *s, struct sl_stats_block *out);
void sl_stats_add(struct sl_stats_block *sum, const struct sl_stats_block *block);
uint64_t sl_stats_drops(const struct sl_stats_block *block); // the sum of all reasons

const char *sl_counter_name(enum sl_counter c);
const char *sl_counter_help(enum sl_counter c);
const char *sl_drop_name(enum sl_drop d); // "none" for SL_DROP_NONE
const char *sl_drop_help(enum sl_drop d);
