// A hash table of fixed-size elements that begin with their key, kept dense so that it can be
// walked as an array.
//
// Owner:   caller's memory; table_init() / table_fini().
// Errors:  out of memory ends the process (control side only).
// Limits:  O(1) each; elements move when one is put or deleted: keep no pointer across that.
//          8 to 16 bytes an element beside the element itself.
#pragma once

#include "sl_types.h"

struct table {
	uint8_t *v; // n elements
	uint32_t n;
	uint32_t cap;
	uint32_t *slot;   // index + 1 into v, 0: free; linear probing
	uint32_t n_slots; // a power of two, or 0
	uint16_t elem_bytes;
	uint16_t key_bytes; // without padding: compared with memcmp
};

void table_init(struct table *t, size_t elem_bytes, size_t key_bytes);
void table_fini(struct table *t);
void *table_find(const struct table *t, const void *key);
// Puts a copy of the whole element in place of one with the same key, if there is one.
void *table_put(struct table *t, const void *elem);
bool table_del(struct table *t, const void *key); // false: was not there

static inline void *
table_at(const struct table *t, uint32_t i)
{
	return t->v + (size_t)i * t->elem_bytes;
}
