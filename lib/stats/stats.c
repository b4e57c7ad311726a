#include "sl_stats.h"

static const char *const counter_names[] = {
#define SL_COUNTER(id, name, help) name,
#include "sl_counters.def"
};
static const char *const counter_helps[] = {
#define SL_COUNTER(id, name, help) help,
#include "sl_counters.def"
};
static const char *const drop_names[] = {
	"none",
#define SL_DROP(id, name, help) name,
#include "sl_counters.def"
};
static const char *const drop_helps[] = {
	"not dropped",
#define SL_DROP(id, name, help) help,
#include "sl_counters.def"
};
static const char *const stage_names[] = {
#define SL_STAGE(id, name, help) name,
#include "sl_counters.def"
};

// A block is an array of 64-bit words: single words are copied with relaxed atomics (plain moves on
// every machine we run on), the sequence number around them says whether they belong together.
_Static_assert(sizeof(struct sl_stats_block) % sizeof(uint64_t) == 0, "an array of words");
#define WORDS (sizeof(struct sl_stats_block) / sizeof(uint64_t))

void
sl_stats_publish(struct sl_stats *s)
{
	const uint64_t *from = (const uint64_t *)&s->local;
	uint64_t *to = (uint64_t *)&s->pub;
	const uint32_t seq = s->seq;

	__atomic_store_n(&s->seq, seq + 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < WORDS; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
	__atomic_store_n(&s->seq, seq + 2, __ATOMIC_RELEASE);
}

void
sl_stats_read(const struct sl_stats *s, struct sl_stats_block *out)
{
	const uint64_t *from = (const uint64_t *)&s->pub;
	uint64_t *to = (uint64_t *)out;
	uint32_t before, after;

	// Release stores of the words and acquire loads here order the words after the odd number
	// and before the even one (the publisher is never delayed by readers).
	do {
		before = __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE);
		for (size_t i = 0; i < WORDS; i++)
			to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
		after = __atomic_load_n(&s->seq, __ATOMIC_RELAXED);
	} while (before != after || (before & 1));
}

void
sl_stats_add(struct sl_stats_block *sum, const struct sl_stats_block *block)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)block;

	for (size_t i = 0; i < WORDS; i++)
		to[i] += from[i];
}

uint64_t
sl_stats_drops(const struct sl_stats_block *block)
{
	uint64_t sum = 0;

	for (int d = SL_DROP_NONE + 1; d < SL_DROP_MAX; d++)
		sum += block->drop[d];
	return sum;
}

const char *
sl_counter_name(enum sl_counter c)
{
	return counter_names[c];
}

const char *
sl_counter_help(enum sl_counter c)
{
	return counter_helps[c];
}

const char *
sl_drop_name(enum sl_drop d)
{
	return drop_names[d];
}

const char *
sl_drop_help(enum sl_drop d)
{
	return drop_helps[d];
}

bool
sl_stats_stage_cycles(const struct sl_stats_block *b, enum sl_stage stage, uint64_t *cycles)
{
	*cycles = b->stage[stage];
	return SL_STAGES;
}

const char *
sl_stage_name(enum sl_stage stage)
{
	return stage_names[stage];
}
