#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "sl_str.h"

#define MIN_INDEX 64u

static void
index_new(struct entries *t, uint32_t size)
{
	t->index = sl_xcalloc(size, sizeof(*t->index));
	memset(t->index, 0xff, size * sizeof(*t->index)); // ENTRY_NONE
	t->mask = size - 1;
}

void
entries_init(struct entries *t)
{
	*t = (struct entries){.free = ENTRY_NONE};
	index_new(t, MIN_INDEX);
}

void
entries_fini(struct entries *t)
{
	free(t->v);
	free(t->index);
}

static uint64_t
key_bits(const struct sl_fwd_key *key)
{
	return (uint64_t)key->vip << 32 | (uint32_t)key->port << 16 | key->proto << 8 | key->len;
}

static uint32_t
home(const struct entries *t, const struct sl_fwd_key *key)
{
	return sl_mix64(key_bits(key)) & t->mask;
}

// The place of key in the index, or where it would be.
static uint32_t
place(const struct entries *t, const struct sl_fwd_key *key)
{
	uint32_t i = home(t, key);

	while (t->index[i] != ENTRY_NONE && key_bits(&t->v[t->index[i]].key) != key_bits(key))
		i = (i + 1) & t->mask;
	return i;
}

uint32_t
entry_find(const struct entries *t, const struct sl_fwd_key *key)
{
	return t->index[place(t, key)];
}

static void
grow_index(struct entries *t)
{
	free(t->index);
	index_new(t, 2 * (t->mask + 1));
	for (uint32_t i = 0; i < t->top; i++)
		if (t->v[i].used)
			t->index[place(t, &t->v[i].key)] = i;
}

static uint32_t
id_alloc(struct entries *t)
{
	const uint32_t id = t->free;

	if (id != ENTRY_NONE) {
		t->free = t->v[id].next_free;
		return id;
	}
	if (t->top == t->cap) {
		t->cap = t->cap ? 2 * t->cap : MIN_INDEX;
		t->v = sl_xrealloc(t->v, t->cap, sizeof(*t->v));
	}
	return t->top++;
}

uint32_t
entry_get(struct entries *t, const struct sl_fwd_key *key)
{
	uint32_t id = entry_find(t, key);

	if (id != ENTRY_NONE)
		return id;
	id = id_alloc(t);
	t->v[id] = (struct entry){.key = *key, .used = true};
	if (2 * ++t->n > t->mask)
		grow_index(t);
	t->index[place(t, key)] = id;
	return id;
}

// Takes place i out and moves up what would not be found over the gap.
static void
close_gap(struct entries *t, uint32_t i)
{
	for (uint32_t k = (i + 1) & t->mask; t->index[k] != ENTRY_NONE; k = (k + 1) & t->mask) {
		const uint32_t from = home(t, &t->v[t->index[k]].key);

		if (((k - from) & t->mask) < ((k - i) & t->mask))
			continue;
		t->index[i] = t->index[k];
		i = k;
	}
	t->index[i] = ENTRY_NONE;
}

void
entry_drop(struct entries *t, uint32_t id)
{
	close_gap(t, place(t, &t->v[id].key));
	t->v[id] = (struct entry){.used = false, .next_free = t->free};
	t->free = id;
	t->n--;
}
