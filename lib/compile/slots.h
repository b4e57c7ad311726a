// Slots: small stable numbers by which workers count flows, of endpoints and of clusters.
//
// An endpoint's slot belongs to (service port, address, port), whatever VIPs, subsets and client
// groups reach it by; a cluster's to (service port, subset, DestinationRule), for its limit and its
// turn. A slot is NEW while a pass plans, LIVE while a set in force names it, and RETIRED until it
// may be given to another: when no endpoint set names it any more, incl. those that workers may
// still read, and no worker has a flow on it.
#pragma once

#include "sl_fwd.h"

#define SLOT_NONE UINT32_MAX

// A service port; it lives while it has slots. Names for listings outlive the objects in it.
struct home {
	struct home *next; // in the chain of the table
	uint64_t hash;
	uint32_t n_slots;
	uint32_t port;
	const char *namespace_;
	const char *host;
	char *port_name;
	char text[];
};

enum slot_state {
	SLOT_FREE,
	SLOT_NEW,
	SLOT_LIVE,
	SLOT_RETIRED,
};

struct slot {
	sl_be32 addr;
	sl_be16 port;
	uint8_t state; // enum slot_state
	bool down;
	bool told; // to gone(), since it was live
	uint32_t weight;
	uint32_t uses;         // sets in force that name it
	uint32_t sets;         // sets that exist and name it
	uint32_t older, newer; // among the retired; newer also links the free ones
	uint64_t since_ns;     // it became live, or healthy
	struct home *home;
	char *cluster; // of a cluster: subset and rule; NULL: an endpoint
};

struct slots {
	struct slot *v;
	uint32_t max;
	uint32_t used;   // not FREE
	uint32_t live;   // endpoints
	uint32_t top;    // those from here on were never used
	uint32_t free;   // list by newer
	uint32_t oldest; // retired ones, the next to be looked at first
	uint32_t newest;
	uint32_t refs; // the owner and every endpoint set that names slots
	struct slot_place {
		uint32_t slot; // or SLOT_NONE
		uint32_t hash; // its own: most others are told from it without a look at them
	} * index;             // open addressing, mask + 1 of them
	uint32_t mask;
	struct home **homes;
	uint32_t n_home_slots; // power of two
	uint32_t n_homes;
	void (*gone)(void *ctx, uint32_t slot); // see struct sl_compile_cfg
	void *gone_ctx;
};

struct slots *slots_new(uint32_t max);
void slots_put(struct slots *s); // also runs when the last endpoint set is freed

// What a slot is asked for with.
struct slot_key {
	const char *namespace_;
	const char *host;
	uint32_t port; // of the service
	const char *port_name;
	sl_be32 addr;
	sl_be16 addr_port;
	const char *cluster;
};

static inline uint32_t
slots_left(const struct slots *s)
{
	return s->max - s->used;
}

uint32_t slot_find(const struct slots *s, const struct slot_key *key); // or SLOT_NONE
// The home of the key, which lives until it is put at least.
struct home *home_hold(struct slots *s, const struct slot_key *key);
void home_put(struct slots *s, struct home *home);
// What slot_get() will look at comes nearer.
void slot_fetch(const struct slots *s, const struct home *home, const struct slot_key *key);
// Found, or NEW; SLOT_NONE: none left. home: the key's.
uint32_t slot_get(struct slots *s, struct home *home, const struct slot_key *key);
void slot_free(struct slots *s, uint32_t i);
void slot_use(struct slots *s, uint32_t i, bool down, uint64_t now_ns); // LIVE from here on
void slot_unuse(struct slots *s, uint32_t i);                           // the last one: RETIRED
// Since when it counts as it will when slot_use() is called.
uint64_t slot_since(const struct slots *s, uint32_t i, bool down, uint64_t now_ns);
void slot_requeue(struct slots *s, uint32_t i); // a retired one: looked at last
// Counts the slots of eps (no split) as named until the set is freed.
void slots_hold(struct slots *s, struct sl_fwd_eps *eps);
