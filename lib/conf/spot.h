// A place in a document, as rules walk through it: its path, its node and where it stands.
//
// Owner: spots are values; one borrows the path of the spot that it was reached from, which has to
// live as long. Values of a wrong type have been reported by the rows: they read as not there.
#pragma once

#include "schema.h"

struct spot {
	struct path path;
	bool is_root;
	const struct node *node; // NULL: not given, or null
	uint32_t line, col;      // of the node, or of what is around it
};

struct spot spot_root(const struct node *root);
struct spot spot_key(const struct spot *up, const char *key);
// Item of a list or value of a mapping.
struct spot spot_item(const struct spot *up, uint32_t i);

static inline bool
spot_given(const struct spot *s)
{
	return s->node != NULL;
}

bool spot_has(const struct spot *up, const char *key); // given, whatever its type
uint32_t spot_items(const struct spot *s);             // of a list, else 0
uint32_t spot_pairs(const struct spot *s);             // of a mapping, else 0
const char *spot_text(const struct spot *s);           // of a string, else NULL
const char *spot_text_at(const struct spot *up, const char *key);
bool spot_number(const struct spot *s, uint64_t *value); // of a whole number that is not negative
bool spot_true(const struct spot *up, const char *key);  // a boolean that is true

void spot_say(struct reader *r, enum sl_severity severity, const char *rule, const struct spot *at,
	const char *fmt, ...) SL_PRINTF(5, 6);
