// Model + next hops to a snapshot, and nothing else: no thread, no clock, no I/O.
//
// Owner:   struct sl_compile keeps what must stay stable between snapshots (endpoint slots, service
//          ids, adjacency indexes, the parts that did not change). sl_compile_free() ends it.
// Threads: control only.
// Errors:  as said per function; nothing is changed then.
// Limits:  what was given at new: slots, adjacencies. A change costs the size of the change plus one
//          pass over the service ports.
//
// A call that changes nothing returns no new part, so that nothing is written.
#pragma once

#include "sl_fwd.h"
#include "sl_model.h"

struct sl_compile;

struct sl_compile_cfg {
	uint32_t max_endpoints; // slots
	uint32_t max_adjs;
};

struct sl_compile *sl_compile_new(const struct sl_compile_cfg *cfg);
void sl_compile_free(struct sl_compile *c);

// ---- services ----

// What one service port became.
struct sl_compile_result {
	uint32_t services;      // service ports in the table
	uint32_t endpoints;
	uint32_t added;         // keys
	uint32_t removed;       // keys
	uint32_t swapped;       // endpoint sets exchanged in place
	bool table_changed;     // a new table: publish it
};

// Brings the compiled services in line with the registry's. When only endpoint sets changed they are
// swapped in place in the current table (result->swapped) and old ones go to retire(ctx, old, free).
// A VIP conflict (two services with one key) is decided by service order: the first wins; the loser
// gets a note. Returns 0, -ENOSPC (no endpoint slot left; nothing changed) or -ENOMEM.
int sl_compile_services(struct sl_compile *c, struct sl_registry *registry,
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *)), void *ctx,
	struct sl_compile_result *result);
struct sl_fwd_services *sl_compile_current(struct sl_compile *c); // borrowed

// Slots whose endpoint is gone become free once in_use(ctx, slot) is false for them. Bounded: looks
// at no more than budget slots a call.
void sl_compile_reclaim_slots(struct sl_compile *c, bool (*in_use)(void *ctx, uint32_t slot),
	void *ctx, unsigned budget);

// What is behind a slot, for listings. Strings live until the slot is reused.
struct sl_compile_slot {
	const char *namespace_;
	const char *service; // object name
	const char *host;
	uint32_t port;       // service port number
	const char *port_name;
	sl_be32 addr;
	sl_be16 addr_port;
	uint32_t weight;
	bool live;           // still an endpoint of the service
};
bool sl_compile_slot(const struct sl_compile *c, uint32_t slot, struct sl_compile_slot *out);
// Slot of an endpoint of a service port now, or UINT32_MAX.
uint32_t sl_compile_slot_find(const struct sl_compile *c, const struct sl_fwd_key *key,
	sl_be32 addr, sl_be16 addr_port);
uint32_t sl_compile_slots_used(const struct sl_compile *c);

// ---- next hops ----

struct sl_compile_neigh {
	uint16_t port;
	sl_be32 addr;
	struct sl_mac mac;
	uint8_t state; // enum sl_adj_state, not FREE
};

struct sl_compile_port {
	struct sl_mac mac;
	bool up;
};

struct sl_compile_net {
	const struct sl_compile_port *port;
	uint32_t n_ports;
	const struct sl_fwd_route *route;
	uint32_t n_routes;
	const struct sl_compile_neigh *neigh; // incl. static ones
	uint32_t n_neighs;
	const struct sl_fwd_addr *addr;       // local and pool; the VIPs are added from the services
	uint32_t n_addrs;
};

// A new part, or NULL with errno 0 when it equals the current one (ENOMEM, ENOSPC otherwise).
// Adjacencies keep their index while (port, addr) stays; gen moves when routes changed or an index
// was given up.
struct sl_fwd_net *sl_compile_net(struct sl_compile *c, const struct sl_compile_net *net);
