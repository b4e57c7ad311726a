// Notes about keys that several services want, on the objects of both sides, and about services
// that do not fit. Each key owns the remarks about it; an object's notes are written again when a
// remark on it came or went.
#pragma once

#include "sl_mesh_binding.h"

struct plan;
struct entry;
struct remark;
struct noted;

struct notes {
	struct noted **slots; // by object
	uint32_t n_slots;     // power of two
	uint32_t n;
	struct noted *changed;
	struct sl_diags news; // what came about, until it is taken
};

void notes_init(struct notes *t);
void notes_fini(struct notes *t);
// Replaces the remarks on a key by what the plan decided.
void notes_of_key(struct notes *t, const struct plan *p, struct entry *e);
void notes_drop_key(struct notes *t, struct entry *e);
void notes_write(struct notes *t, struct sl_registry *registry);
// The first remark of the object on a key that it lost and has no virtual IP for, or has; or NULL.
const char *notes_first(const struct notes *t, const struct sl_object *obj, bool lost);
