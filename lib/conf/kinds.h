// The kinds that objects may have: how each is read, and those that are only known by name.
#pragma once

#include "schema.h"

struct kind {
	enum sl_kind kind;
	const struct schema *schema; // of the whole object, into struct sl_object
	const char *versions[4];     // apiVersion: these, equal here; NULL-terminated
	const char *old_version;     // taken too, with a warning; or NULL
	void (*rules)(
		struct reader *r, const struct node *root, const struct sl_object *obj); // or NULL
	void (*finish)(const struct node *root, struct sl_object *obj);                  // or NULL
	void (*remarks)(
		struct reader *r, const struct node *root, struct sl_object *obj); // or NULL
};

const struct kind *kind_of(enum sl_kind kind);
// By the kind and apiVersion of a document. NULL: there is no such kind in that group, and
// *expected says what the apiVersion could be (nothing: no kind has that name). A kind whose
// version is another one comes back with *expected as well.
const struct kind *kind_find(const char *kind, const char *version, struct sl_buf *expected);
bool kind_is_list(const char *kind, const char *version); // v1 List, or the List of a kind
// A kind that Sluice does nothing with: 0. -ESRCH: its group is another one, *group; -EINVAL: not
// known.
int kind_is_foreign(const char *kind, const char *version, const char **group);
const char *kind_nearest(const char *kind); // for "did you mean", or NULL
