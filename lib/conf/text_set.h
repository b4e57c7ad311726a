// A set of texts that remembers with which number each came in, for rules that look for what was
// there before.
//
// Owner:  text_set_fini() frees the slots; the texts stay the caller's, and have to live as long.
// Limits: linear: an add or a look is one hash.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_slot {
	const char *text; // NULL: free
	size_t len;
	uint64_t hash;
	uint32_t number;
};

struct text_set {
	struct text_slot *slots;
	size_t n;
	size_t n_slots; // a power of two, or 0
};

// Adds text unless it is there. Returns true and its number when it was.
bool text_set_add(struct text_set *s, const char *text, uint32_t number, uint32_t *before);
// Is the text, or the beginning of it, in the set? *number: of the shortest.
bool text_set_has_prefix_of(const struct text_set *s, const char *text, uint32_t *number);
void text_set_fini(struct text_set *s);
