// The inside of source ports: sets of what is free, ports that rest, and what they share.
//
// A place is (destination address and port, pool address, protocol), packed into one number: each
// place has all ports of the worker. Ports are counted by their index in the worker's shuffled
// list.
#pragma once

#include "sl_sport.h"
#include "table.h"

#define WORD_BITS 64
#define ALL_ADDRS 0x7fffu // instead of a pool address: the place of all of them
#define N_SLOTS   4096    // places share a cursor by their hash
#define NO_PORT   (-1)    // the place has none
#define UNSURE    (-2)    // none was found yet

struct slot {
	uint16_t cursor; // of the ports tried next, added to the place's own beginning
	uint16_t head;   // sets of these places, 0: none
	uint32_t taken;  // ports of these places that are lent or rest; relaxed: w: worker, r: any
};

// What is free at a place that has become dense: ports, or pool addresses (ALL_ADDRS). A word that
// is not known yet is looked up in the flow table when it is needed; from then on the set is told
// of each port that is lent and given back. Forgetting a set loses nothing but time.
struct set {
	uint64_t place;     // 0: none; relaxed: w: worker, r: any
	uint16_t next;      // of the same slot, 0: none
	uint16_t from;      // index at which the search goes on
	uint16_t n_unknown; // words; relaxed: w: worker, r: any
	uint16_t n_free;    // bits in those that are known; relaxed: w: worker, r: any
	bool warm;          // was used since the hand went by
	uint64_t bits[];
};

// A port that rests.
struct rest {
	uint64_t place;
	sl_tick until;
	uint32_t next; // in its chain; index + 1
	uint16_t port; // index
};

struct rests {
	struct rest *ring; // in the order of giving back
	uint32_t *chain;   // by hash: index + 1, 0: none
	uint32_t size;     // a power of two
	uint32_t head;
	uint32_t n;
};

struct sl_sport {
	// by protocol, and all relaxed atomic: w: worker, r: any
	uint32_t lent[2];
	uint32_t resting[2];
	uint64_t refusals[2];
	uint64_t refused[2]; // the place of the last one
	// read-only after start, but for what they point to
	struct sl_flow_table *flows;
	uint64_t secret[2];
	uint32_t n_addrs;
	uint32_t n_ports; // of this worker; by hash of all
	uint32_t n_own;   // of these, at a place
	uint32_t reserve; // of those
	uint32_t step;    // between its ports; by hash 1
	unsigned worker;
	const struct sl_owner *owner;
	uint16_t half;   // a mask: half of the ports at most
	uint16_t *port;  // by index, shuffled
	uint16_t *index; // by port / step
	sl_be32 *addr;
	struct slot *slot;
	// sets
	uint8_t *sets; // number 1 first
	size_t set_bytes;
	uint32_t n_words; // of a set, and of its two sums
	uint32_t n_sums;
	uint32_t n_sets;
	uint32_t n_used; // those above were never used; relaxed: w: worker, r: any
	uint32_t n_all;  // of these, sets of addresses
	uint32_t hand;
	struct rests rests;
	struct sl_flow_mem mem;
};

static inline uint64_t
place_of(const struct sl_tuple *endpoint, uint32_t pool_addr)
{
	return (uint64_t)endpoint->src << 32 | (uint32_t)endpoint->sport << 16 |
	       (endpoint->proto == SL_PROTO_UDP ? 0x8000u : 0) | pool_addr;
}

static inline uint64_t
place_hash(const struct sl_sport *s, uint64_t place)
{
	return sl_flow_fold_mul(place ^ s->secret[0], s->secret[1]);
}

static inline struct slot *
place_slot(const struct sl_sport *s, uint64_t hash)
{
	return &s->slot[hash % N_SLOTS];
}

static inline struct slot *
slot_of(const struct sl_sport *s, uint64_t place)
{
	return place_slot(s, place_hash(s, place));
}

static inline unsigned
place_proto(uint64_t place)
{
	return place >> 15 & 1;
}

// The tuple of a place with its port: endpoint -> pool.
static inline struct sl_tuple
place_tuple(const struct sl_sport *s, uint64_t place, uint32_t port)
{
	return (struct sl_tuple){
		.src = (sl_be32)(place >> 32),
		.sport = (sl_be16)(place >> 16),
		.dst = s->addr[place & ALL_ADDRS],
		.dport = sl_cpu_to_be16(s->port[port]),
		.proto = place & 0x8000 ? SL_PROTO_UDP : SL_PROTO_TCP,
	};
}

static inline struct set *
set_at(const struct sl_sport *s, uint32_t number)
{
	return (struct set *)(void *)(s->sets + (number - 1) * s->set_bytes);
}

static inline uint32_t
port_index(const struct sl_sport *s, sl_be16 port)
{
	return s->index[sl_be16_to_cpu(port) / s->step];
}

// For place_has(): the hash of the place's tuple without its port.
static inline uint16_t
place_base(const struct sl_sport *s, uint64_t place)
{
	struct sl_tuple t;

	if (sl_likely(s->step == s->owner->n_workers))
		return 0;
	t = place_tuple(s, place, 0);
	t.dport = 0;
	return sl_owner_hash(s->owner, &t);
}

// The port is this worker's at the place.
static inline bool
place_has(const struct sl_sport *s, uint16_t base, uint32_t port)
{
	return sl_likely(s->step == s->owner->n_workers) ||
	       sl_owner_of_port(s->owner, base, s->port[port]) == s->worker;
}

// ---- sport_set.c ----

// Memory of a set of n indices.
size_t sport_set_bytes(uint32_t n);
struct set *sport_set_find(const struct sl_sport *s, uint64_t place);
struct set *sport_set_in(const struct sl_sport *s, const struct slot *slot, uint64_t place);
// A new set of a place that has none. In that of addresses all are free, in one of ports nothing
// is known. The set that gives way to it, if one has to, is any but the last that were used.
struct set *sport_set_new(struct sl_sport *s, uint64_t place);
void sport_set_add(const struct sl_sport *s, struct set *set, uint32_t i); // unless unknown
void sport_set_remove(const struct sl_sport *s, struct set *set, uint32_t i);
// The next that is free from i on, round; learns at most *budget words on the way. It stays in the
// set. NO_PORT, or UNSURE when the budget was not enough.
int sport_set_next(const struct sl_sport *s, struct set *set, uint32_t i, unsigned *budget);
// One more word is known, if not all are: of those half a round ahead. The search learns what it
// comes to, and this what is behind it, so that after half a round all is known.
void sport_set_learn_ahead(const struct sl_sport *s, struct set *set);
// Whether more than `keep` ports are free; learns at most *budget words to know.
bool sport_set_has_more(const struct sl_sport *s, struct set *set, uint32_t keep, unsigned *budget);

// ---- sport_rest.c ----

bool sport_rests(const struct sl_sport *s, uint64_t place, uint32_t port);
void sport_rest_add(struct sl_sport *s, uint64_t place, uint32_t port, sl_tick until);

// ---- sport.c ----

// The port may be lent again.
void sport_free_port(struct sl_sport *s, uint64_t place, uint32_t port);
