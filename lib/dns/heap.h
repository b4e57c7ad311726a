// What is to be done when: a binary heap of times, part of what they are the times of.
#pragma once

#include "sl_types.h"

struct due {
	uint64_t at;
	uint32_t pos; // place in the heap, from 1; 0: in none
	void (*fire)(struct due *due);
};

struct heap {
	struct due **v; // v[1] is the first
	uint32_t n;
	uint32_t cap;
};

void heap_set(struct heap *heap, struct due *due, uint64_t at); // puts it in, or moves it
void heap_drop(struct heap *heap, struct due *due);             // in none: nothing happens
void heap_fini(struct heap *heap);

static inline struct due *
heap_first(const struct heap *heap)
{
	return heap->n ? heap->v[1] : NULL;
}

// The first one, when its time has come.
static inline struct due *
heap_ready(const struct heap *heap, uint64_t now)
{
	struct due *due = heap_first(heap);

	return due && due->at <= now ? due : NULL;
}
