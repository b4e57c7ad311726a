// The inside of struct sl_compile, for the files of this library.
#pragma once

#include "sl_compile.h"
#include "slots.h"

#define ENTRY_NONE UINT32_MAX

// A service port: what the workers know by its key. Its index is the service id. It lives while it
// is in the table, and after that until its last slot is free, so that an endpoint that comes back
// finds its slot.
struct entry {
	struct sl_fwd_key key;
	bool used;
	bool has_twins; // two endpoints of the object are one here: noted at each pass
	uint32_t first; // slot, or SLOT_NONE
	uint32_t n_slots;
	uint32_t n_eps;
	uint64_t hash; // of the object that it was compiled from
	struct origin *origin;
	struct sl_fwd_eps *eps;     // borrowed from the current table; NULL: not in it
	struct sl_fwd_eps *planned; // takes the place of eps when the pass succeeds
	uint64_t pass;              // the last one that saw it
	struct sl_object *claim;    // in that pass, whose it is
};

// Service ports by id and by key.
struct entries {
	struct entry *v;
	uint32_t top; // those from here on were never used
	uint32_t cap;
	uint32_t free; // list by first
	uint32_t n;
	uint32_t *index; // open addressing: ids or ENTRY_NONE, mask + 1 of them
	uint32_t mask;
};

void entries_init(struct entries *t);
void entries_fini(struct entries *t);
uint32_t entry_find(const struct entries *t, const struct sl_fwd_key *key);
uint32_t entry_add(struct entries *t, const struct sl_fwd_key *key); // moves t->v
// Ends an entry that is not in the table and has no slot.
void entry_drop_if_empty(struct entries *t, uint32_t id);

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

struct sl_compile {
	struct sl_compile_cfg cfg;
	struct slots *slots;
	struct entries entries;
	struct sl_fwd_services *table;
	uint32_t n_live; // entries in the table
	uint32_t n_eps;  // endpoints in the table
	uint64_t pass;
	uint32_t *seek; // scratch: slots of one service port by address
	uint32_t seek_cap;
	sl_be32 *vip; // of the table, ascending, each once
	uint32_t n_vips;
	struct net_state net;
};

void entry_link_slot(struct sl_compile *c, uint32_t id, uint32_t slot);
void entry_unlink_slot(struct sl_compile *c, uint32_t slot);
void net_state_fini(struct net_state *n);

static inline uint64_t
mix(uint64_t key)
{
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64_C(0xc4ceb9fe1a85ec53);
	return key ^ key >> 33;
}
