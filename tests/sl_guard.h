// Buffers that end at a guard page: a read or write past their end crashes the test.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

// len bytes that end where a page begins that nobody may touch.
struct guarded {
	uint8_t *map;
	size_t map_len;
	uint8_t *end;
};

static inline void
guarded_new(struct guarded *g, size_t len)
{
	const size_t page = 4096, body = (len + page - 1) / page * page;

	g->map_len = body + page;
	g->map = mmap(NULL, g->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->map == MAP_FAILED || mprotect(g->map + body, page, PROT_NONE) != 0) {
		perror("guard page");
		abort();
	}
	g->end = g->map + body;
}

static inline void
guarded_free(struct guarded *g)
{
	munmap(g->map, g->map_len);
}

// A place for len bytes right before the guard page.
static inline uint8_t *
guarded_at(const struct guarded *g, size_t len)
{
	return g->end - len;
}
