// Model + next hops to a snapshot, and nothing else: no thread, no clock, no I/O.
//
// Owner:   struct sl_compile keeps what must stay stable between snapshots (endpoint slots, service
//          ids, adjacency indexes, the parts that did not change). sl_compile_free() ends it.
// Threads: control only.
// Errors:  as said per function; nothing is changed then.
// Limits:  what was given at new: slots (48 bytes each), adjacencies; 1 M service ports. A change
//          costs the size of the change plus one pass over the service ports (tests/bench says how
//          much that is).
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
	uint32_t services; // service ports in the table
	uint32_t endpoints;
	uint32_t added;     // keys
	uint32_t removed;   // keys
	uint32_t swapped;   // endpoint sets of keys that stay: in place, or by the new table
	bool table_changed; // a new table: publish it, and call sl_compile_net() (the VIPs)
};

// Brings the compiled services in line with the registry's. When only endpoint sets changed they
// are swapped in place in the current table (result->swapped) and old ones go to retire(ctx, old,
// free). A new table shares every set that did not change. What is not served of an object is left
// out. A VIP conflict (two objects with one key) is decided by service order: the first wins; the
// loser gets a computed note. Two hosts of one object are no conflict: the first has the key.
// Returns 0, -ENOSPC (no endpoint slot left, or over 1 M service ports), -EINVAL (over 4096
// endpoints an object) or -ENOMEM; nothing changed then, the notes neither.
int sl_compile_services(struct sl_compile *c, struct sl_registry *registry,
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *)), void *ctx,
	struct sl_compile_result *result);
struct sl_fwd_services *sl_compile_current(struct sl_compile *c); // borrowed

// Slots whose endpoint is gone become free once no endpoint set names them (those that workers may
// still read included: a retired set counts until its free function has run) and in_use(ctx, slot)
// is false. It is asked last, so false means: free from here on. Bounded: looks at no more than
// budget slots a call, and goes on there at the next.
void sl_compile_reclaim_slots(
	struct sl_compile *c, bool (*in_use)(void *ctx, uint32_t slot), void *ctx, unsigned budget);

// What is behind a slot, for listings. Strings live until the slot is reused.
struct sl_compile_slot {
	const char *namespace_;
	const char *service; // object name
	const char *host;
	uint32_t port; // service port number
	const char *port_name;
	sl_be32 addr;
	sl_be16 addr_port;
	uint32_t weight;
	bool live; // still an endpoint of the service
};
bool sl_compile_slot(const struct sl_compile *c, uint32_t slot, struct sl_compile_slot *out);
// Slot of an endpoint of a service port now, or UINT32_MAX.
uint32_t sl_compile_slot_find(
	const struct sl_compile *c, const struct sl_fwd_key *key, sl_be32 addr, sl_be16 addr_port);
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
	const struct sl_fwd_addr *addr; // local and pool; the VIPs are added from the services
	uint32_t n_addrs;
};

// A new part with one reference, or NULL with errno 0 when it equals the last one. Otherwise NULL
// and ENOMEM, ENOSPC (over max_adjs) or EINVAL (a neighbour or route on a port that is not in the
// list). Adjacencies keep their index while (port, addr) stays; gen moves when a route changed or
// an index was given up, and only then. The order of the lists means nothing, except that of two
// neighbours with one (port, addr) the first counts. Neighbours of a port that is down are
// SL_ADJ_PORT_DOWN.
struct sl_fwd_net *sl_compile_net(struct sl_compile *c, const struct sl_compile_net *net);
