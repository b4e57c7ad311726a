// A pass over the registry: what has to change, decided before anything does.
#pragma once

#include "compile.h"
#include "notes.h"

// A service port whose object, or whose claim to the key, is another than at the last pass.
struct change {
	uint32_t id;
	bool has_twins;
	uint64_t hash;         // of the object
	struct origin *origin; // NULL: the same as before
};

struct plan {
	struct sl_compile *c;
	const struct sl_service *svc; // in service order
	size_t n_svcs;
	struct change *change;
	size_t n_changes;
	size_t cap;
	struct remarks remarks;
	uint32_t seen;                 // service ports
	uint32_t added;                // of these were not in the table
	struct sl_fwd_services *table; // NULL: the key set stays
};

// 0, -ENOSPC or -ENOMEM; then plan_undo() takes everything back. plan_fini() in any case.
int plan_make(struct plan *p, struct sl_compile *c, struct sl_registry *registry);
void plan_undo(struct plan *p);
void plan_fini(struct plan *p);
