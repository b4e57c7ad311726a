#include "heap.h"

#include <stdlib.h>

#include "sl_str.h"

static void
put(struct heap *heap, struct due *due, uint32_t pos)
{
	heap->v[pos] = due;
	due->pos = pos;
}

static void
rise(struct heap *heap, struct due *due)
{
	uint32_t pos = due->pos;

	for (; pos > 1 && heap->v[pos / 2]->at > due->at; pos /= 2)
		put(heap, heap->v[pos / 2], pos);
	put(heap, due, pos);
}

static void
sink(struct heap *heap, struct due *due)
{
	uint32_t pos = due->pos;

	for (uint32_t child; (child = pos * 2) <= heap->n; pos = child) {
		if (child < heap->n && heap->v[child + 1]->at < heap->v[child]->at)
			child++;
		if (heap->v[child]->at >= due->at)
			break;
		put(heap, heap->v[child], pos);
	}
	put(heap, due, pos);
}

void
heap_set(struct heap *heap, struct due *due, uint64_t at)
{
	due->at = at;
	if (!due->pos) {
		if (heap->n + 1 >= heap->cap) {
			heap->cap = heap->cap ? heap->cap * 2 : 64;
			heap->v = sl_xrealloc(heap->v, heap->cap, sizeof(*heap->v));
		}
		put(heap, due, ++heap->n);
	}
	rise(heap, due);
	sink(heap, due);
}

void
heap_drop(struct heap *heap, struct due *due)
{
	struct due *last;
	const uint32_t pos = due->pos;

	if (!pos)
		return;
	due->pos = 0;
	last = heap->v[heap->n--];
	if (last == due)
		return;
	put(heap, last, pos);
	rise(heap, last);
	sink(heap, last);
}

void
heap_fini(struct heap *heap)
{
	free(heap->v);
	*heap = (struct heap){0};
}
