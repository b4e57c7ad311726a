// A pass over what the mesh says has changed: what has to change here, decided before anything
// does.
#pragma once

#include "compile.h"

struct plan {
	struct sl_compile *c;
	struct sl_mesh *mesh;
	uint64_t now_ns;
	uint32_t *loaded; // ids of members with bindings at hand
	size_t n_loaded;
	size_t loaded_cap;
	uint32_t *touched; // ids of entries
	size_t n_touched;
	size_t touched_cap;
	struct claim **order; // claims of the touched entries, in order of precedence
	size_t n_order;
	size_t order_cap;
	uint32_t *new_slots;
	size_t n_new_slots;
	size_t new_slots_cap;
	struct set **memo; // sets of this pass by image: open addressing, memo_mask + 1
	size_t n_memo;
	size_t memo_mask;
	struct sl_buf image; // scratch
	uint32_t n_live;     // services in the table after it
	uint32_t added;
	uint32_t removed;
	uint32_t swapped;
	struct sl_fwd_services *table; // NULL: the key set stays
	struct sl_fwd_policies *policies;
	uint32_t without_policy; // clusters that got no index
	bool unfit;              // some set could not be made
};

// Appends to one of the arrays above.
#define PLAN_PUSH(v, n, cap, value)                                                                \
	do {                                                                                       \
		if ((n) == (cap)) {                                                                \
			(cap) = (cap) ? 2 * (cap) : 64;                                            \
			(v) = sl_xrealloc((v), (cap), sizeof(*(v)));                               \
		}                                                                                  \
		(v)[(n)++] = (value);                                                              \
	} while (0)

// 0, -ENOSPC (too many keys) or -ENOMEM; then plan_undo() takes everything back. plan_fini() in any
// case.
int plan_make(struct plan *p, struct sl_compile *c, struct sl_mesh *mesh, uint64_t now_ns);
void plan_undo(struct plan *p);
void plan_fini(struct plan *p);

static inline struct claim *
member_claims(const struct member *m)
{
	return m->dirty && !m->answered ? m->next : m->claim;
}
