#include "text_set.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

static struct text_slot *
slot_of(const struct text_set *s, const char *text, size_t len, uint64_t hash)
{
	for (uint64_t i = hash;; i++) {
		struct text_slot *slot = &s->slots[i & (s->n_slots - 1)];

		if (!slot->text || (slot->hash == hash && slot->len == len &&
					   memcmp(slot->text, text, len) == 0))
			return slot;
	}
}

static void
grow(struct text_set *s)
{
	struct text_slot *old = s->slots;
	const size_t n_old = s->n_slots;

	s->n_slots = n_old ? 2 * n_old : 16;
	s->slots = sl_xcalloc(s->n_slots, sizeof(*s->slots));
	for (size_t i = 0; i < n_old; i++)
		if (old[i].text)
			*slot_of(s, old[i].text, old[i].len, old[i].hash) = old[i];
	free(old);
}

bool
text_set_add(struct text_set *s, const char *text, uint32_t number, uint32_t *before)
{
	const size_t len = strlen(text);
	const uint64_t hash = sl_str_hash(text, len, 0);
	struct text_slot *slot;

	if (2 * s->n >= s->n_slots)
		grow(s);
	slot = slot_of(s, text, len, hash);
	if (slot->text) {
		*before = slot->number;
		return true;
	}
	*slot = (struct text_slot){text, len, hash, number};
	s->n++;
	return false;
}

bool
text_set_has_prefix_of(const struct text_set *s, const char *text, uint32_t *number)
{
	const size_t all = strlen(text);
	uint64_t hash = 0;

	for (size_t len = 0; s->n && len <= all; len++) {
		const struct text_slot *slot;

		hash = len ? sl_str_hash(text + len - 1, 1, hash) : sl_str_hash("", 0, 0);
		slot = slot_of(s, text, len, hash);
		if (!slot->text)
			continue;
		*number = slot->number;
		return true;
	}
	return false;
}

void
text_set_fini(struct text_set *s)
{
	free(s->slots);
	*s = (struct text_set){0};
}
