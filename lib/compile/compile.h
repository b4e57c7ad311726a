// The inside of struct sl_compile, for the files of this library.
#pragma once

#include "notes.h"
#include "sl_compile.h"
#include "slots.h"

#define ENTRY_NONE UINT32_MAX

// An endpoint set with what it was made from: equal images make equal sets.
struct set {
	uint32_t refs; // claims
	bool in_force; // its slots are counted as used
	struct sl_fwd_eps *eps;
	uint64_t hash; // of the image
	size_t len;
	char image[];
};

// What a service wants of a key, and what it got: the clients for which it is the first one.
struct claim {
	uint32_t member;
	uint32_t entry;
	uint64_t wanted;
	uint64_t granted;
	struct set *set;    // NULL: nothing was granted
	struct claim *next; // of the same key, in order of precedence
	bool is_vip; // its granted clients reach endpoints: the address is ours to answer for
	// Its own set could not be made (-ENOSPC, -EINVAL): it goes on with the one that it had, or
	// with an empty one, which refuses. 0: it has its own.
	int unfit;
	// while a pass plans
	uint64_t next_granted;
	struct set *next_set;
	int next_unfit;
	struct claim *next_new;
	struct sl_mesh_binding *binding;
};

// A service of the mesh, by its id.
struct member {
	struct claim *claim;
	uint32_t n_claims;
	uint64_t version; // of the mesh's service, as it was compiled
	bool dirty;       // told by the mesh, not yet compiled
	bool unfit;       // a claim is
	// while a pass plans
	bool answered; // dirty, but only in its endpoints: the claims stay, with other sets
	bool loaded;
	struct sl_mesh_binding *binding;
	size_t n_bindings;
	struct claim *next; // of a dirty one that is not `answered`
};

// A key. Its index is the service id that workers see. It lives while a service claims it.
struct entry {
	struct sl_fwd_key key;
	bool used;
	uint32_t n_claims;   // that exist, incl. planned ones
	struct claim *first; // in force, in order of precedence; by next
	struct remark *remarks;
	// while a pass plans
	struct claim *first_new; // by next_new; without `unsettled` those that get other sets
	bool unsettled;          // who gets it has to be decided anew
	uint32_t order;          // index in the plan's list of claims
	uint32_t n_order;
	uint64_t pass; // the last one that touched it
	uint32_t next_free;
};

// Keys by id and by key.
struct entries {
	struct entry *v;
	uint32_t top; // those from here on were never used
	uint32_t cap;
	uint32_t free; // list by next_free
	uint32_t n;
	uint32_t *index; // open addressing: ids or ENTRY_NONE, mask + 1 of them
	uint32_t mask;
};

void entries_init(struct entries *t);
void entries_fini(struct entries *t);
uint32_t entry_find(const struct entries *t, const struct sl_fwd_key *key);
uint32_t entry_get(struct entries *t, const struct sl_fwd_key *key); // found or new; moves t->v
void entry_drop(struct entries *t, uint32_t id);

// The VIPs of the table, each with how many claims it has.
struct vips {
	struct vip {
		sl_be32 addr;
		uint32_t n;
	} * v; // ascending by addr
	uint32_t n;
	// changes of this pass
	struct vip_change {
		sl_be32 addr;
		int32_t by;
	} * change;
	size_t n_changes;
	size_t cap;
};

void vip_change(struct vips *v, const struct entry *e, const struct claim *claim, int32_t by);
void vips_settle(struct vips *v);

// What sl_compile_net() made last, in canonical order.
struct net_state {
	bool made;
	struct sl_fwd_route *route;
	uint32_t n_routes;
	struct sl_fwd_adj *adj;
	uint32_t n_adjs;
	struct sl_fwd_addr *addr;
	uint32_t n_addrs;
	uint32_t gen;
};

// UINT16_MAX is a flow's word for none.
#define POLICIES_MAX UINT16_MAX
#define POLICY_SLOTS (2u * 65536)

// Index 0 asks for nothing. Found by a hash with linear probing: slot[] has indexes, 0 is empty.
struct policies {
	struct sl_flow_policy *v;
	uint32_t n; // at most POLICIES_MAX
	uint32_t cap;
	uint16_t *slot;               // POLICY_SLOTS
	struct sl_fwd_policies *made; // of the first n_made
	uint32_t n_made;
};

struct sl_compile {
	struct sl_compile_cfg cfg;
	struct slots *slots;
	struct entries entries;
	struct member *member;
	uint32_t n_members; // ids below it
	uint32_t *dirty;    // ids
	size_t n_dirty;
	size_t dirty_cap;
	struct sl_fwd_services *table;
	uint32_t n_live;     // services in the table
	uint32_t n_unfit;    // members
	uint32_t unfit_left; // slots that were free when the last one did not fit
	uint64_t pass;
	struct policies policies;
	struct set *unknown;
	struct vips vips;
	struct net_state net;
	struct notes notes;
};

// sets.c: the set of a binding. With *out NULL and -ENOSPC, -EINVAL or -ENOMEM nothing is kept but
// slots that are NEW.
struct plan;
int set_make(struct plan *p, const struct sl_mesh_binding *b, struct claim *claim);
// In place of one that could not be made: that of the claim before, or one without endpoints.
int set_make_instead(struct plan *p, struct claim *claim);
static inline bool
set_is_empty(const struct set *set)
{
	return sl_fwd_eps_count(set->eps) == 0 && sl_fwd_eps_parts(set->eps) == 0;
}

void set_use(struct sl_compile *c, struct set *set, uint64_t now_ns);
void set_put(struct sl_compile *c, struct set *set);
void policies_undo(struct policies *t);

void net_state_fini(struct net_state *n);
