#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

void
table_init(struct table *t, size_t elem_bytes, size_t key_bytes)
{
	*t = (struct table){.elem_bytes = (uint16_t)elem_bytes, .key_bytes = (uint16_t)key_bytes};
}

void
table_fini(struct table *t)
{
	free(t->v);
	free(t->slot);
	table_init(t, t->elem_bytes, t->key_bytes);
}

static uint32_t
home(const struct table *t, const void *key)
{
	return (uint32_t)sl_str_hash(key, t->key_bytes, 0) & (t->n_slots - 1);
}

// The slot that holds the key, or the free one where it would go.
static uint32_t
probe(const struct table *t, const void *key)
{
	uint32_t s = home(t, key);

	while (t->slot[s] && memcmp(table_at(t, t->slot[s] - 1), key, t->key_bytes) != 0)
		s = (s + 1) & (t->n_slots - 1);
	return s;
}

static void
grow(struct table *t)
{
	t->cap = t->cap ? t->cap * 2 : 16;
	t->n_slots = t->cap * 2;
	t->v = sl_xrealloc(t->v, t->cap, t->elem_bytes);
	free(t->slot);
	t->slot = sl_xcalloc(t->n_slots, sizeof(*t->slot));
	for (uint32_t i = 0; i < t->n; i++)
		t->slot[probe(t, table_at(t, i))] = i + 1;
}

void *
table_find(const struct table *t, const void *key)
{
	uint32_t s;

	if (t->n == 0)
		return NULL;
	s = probe(t, key);
	return t->slot[s] ? table_at(t, t->slot[s] - 1) : NULL;
}

void *
table_put(struct table *t, const void *elem)
{
	uint32_t s;

	if (t->n == t->cap)
		grow(t);
	s = probe(t, elem);
	if (!t->slot[s])
		t->slot[s] = ++t->n;
	return memcpy(table_at(t, t->slot[s] - 1), elem, t->elem_bytes);
}

// Closes the gap at s, so that every key stays reachable from its home without tombstones.
static void
close_gap(struct table *t, uint32_t s)
{
	const uint32_t mask = t->n_slots - 1;

	for (uint32_t next = (s + 1) & mask; t->slot[next]; next = (next + 1) & mask) {
		const uint32_t want = home(t, table_at(t, t->slot[next] - 1));

		// It may move back to s unless its home lies behind s on the way to next.
		if (((next - want) & mask) >= ((next - s) & mask)) {
			t->slot[s] = t->slot[next];
			s = next;
		}
	}
	t->slot[s] = 0;
}

bool
table_del(struct table *t, const void *key)
{
	uint32_t s, i, last;

	if (t->n == 0)
		return false;
	s = probe(t, key);
	if (!t->slot[s])
		return false;
	i = t->slot[s] - 1;
	close_gap(t, s);
	last = --t->n;
	if (i != last) {
		t->slot[probe(t, table_at(t, last))] = i + 1;
		memcpy(table_at(t, i), table_at(t, last), t->elem_bytes);
	}
	return true;
}
