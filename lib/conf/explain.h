// What explanations and JSON schemas have in common: what can be named, and a row's type in words.
#pragma once

#include "rows.h"

struct explained {
	const struct schema *schema;
	const char *kind;  // "ServiceEntry", "sluice.yaml"
	const char *group; // NULL: sluice.yaml
	const char *id;    // what to ask for: two kinds are called Gateway
};

// False: objects of the kind are not read by a schema.
bool explained_kind(enum sl_kind kind, struct explained *out);
// name[0..len): a kind or "sluice". 0, or -ENOENT and a sentence.
int explained_find(const char *name, size_t len, struct explained *out, struct sl_buf *why);

// The type with its range, and the default, in words; code goes into quotes.
void field_put_type(struct sl_buf *out, const struct field *f, const char *quote);
void field_put_default(struct sl_buf *out, const struct field *f, const char *quote);
