// Mesh + next hops to a snapshot, and nothing else: no thread, no clock, no I/O.
//
// Owner:   struct sl_compile keeps what must stay stable between snapshots (slots, service ids,
//          adjacency indexes, policies, the parts that did not change). sl_compile_free() ends it.
// Threads: control only.
// Errors:  as said per function; nothing is changed then.
// Limits:  what was given at new: slots (72 bytes each), adjacencies; 1 M services (a key and the
//          clients that are treated alike), 4096 endpoints a cluster (the rest is left out), 65,536
//          policies. A change costs the size of the change, with all services that want the same
//          keys; when keys come or go, a new table as well (tests/bench says how much that is).
//
// A call that changes nothing returns no new part, so that nothing is written.
#pragma once

#include "sl_fwd.h"
#include "sl_mesh_binding.h"

struct sl_compile;

struct sl_compile_cfg {
	uint32_t max_endpoints; // slots
	uint32_t max_adjs;
	uint32_t n_workers;           // 0: 1
	struct sl_registry *registry; // the mesh's: its objects get the notes about conflicts
	// NULL, or: an endpoint left its service, and no worker sends new flows to the slot any
	// more: no endpoint set that it may still read names it. Once for each time that it leaves,
	// and not when it came back meanwhile. From within sl_compile_services() or what it gave to
	// retire; may call nothing of here but sl_compile_slot(). The slot stays as it is until
	// sl_compile_reclaim_slots(). Not called by sl_compile_free() and later.
	void (*gone)(void *ctx, uint32_t slot);
	void *gone_ctx;
	// NULL, or: a key of the service does not get the endpoints that it wants, told once for
	// the object as it is. From within sl_compile_services().
	void (*unfit)(void *ctx, const struct sl_mesh_service *svc, const char *why);
	void *unfit_ctx;
};

struct sl_compile *sl_compile_new(const struct sl_compile_cfg *cfg);
void sl_compile_free(struct sl_compile *c);

// ---- services ----

// What a pass came to.
struct sl_compile_result {
	uint32_t services;  // in the table
	uint32_t endpoints; // addresses and ports that new flows may go to, of each service port
	uint32_t added;     // services
	uint32_t removed;
	uint32_t swapped; // endpoint sets of services that stay: in place, or by the new table
	uint32_t unfit;   // services of the mesh that do not have the endpoints that they want
	uint32_t without_policy; // of those looked at: hold to the gateway's timeouts, no index is
				 // left
	bool table_changed;      // a new table: publish it, and call sl_compile_net() (the VIPs)
};

// Updates the mesh and brings the compiled services in line with what it tells. When only endpoint
// sets changed they are swapped in place in the current table (result->swapped) and old ones go to
// retire(ctx, old, free). A new table shares every set that did not change; equal sets of a
// service port are one. now_ns: the workers' clock; an endpoint warms up from when it came, or
// became healthy.
//
// Who gets a key that several services want: sl_mesh_settle(). Those who lose clients get a
// computed note, and so does who has them.
//
// connectionPool.tcp.maxConnections is the gateway's, for all clients that the same DestinationRule
// applies to: each worker holds a share of max / n_workers, rounded up. With one worker it is
// exact; with more the sum may pass it by n_workers - 1, and a worker that gets more than its share
// of the flows refuses before the sum is reached.
//
// A service for whose endpoints no slot is left, or whose balancer sl_fwd_eps_new() refuses, is
// alone in that (result->unfit): it goes on with the endpoints that it had for these clients, or
// with none, and then refuses what comes; a computed note says so. Those that are first in service
// order get the slots that are left.
//
// Returns 0, -ENOSPC (over 1 M services) or -ENOMEM; nothing changed then, the notes neither, and
// the next call looks at the same services again.
int sl_compile_services(struct sl_compile *c, struct sl_mesh *mesh, uint64_t now_ns,
	void (*retire)(void *ctx, void *object, void (*free_fn)(void *)), void *ctx,
	struct sl_compile_result *result);
// Slots are free again since services did not fit: true, and the next pass looks at those again.
bool sl_compile_retry(struct sl_compile *c);
struct sl_fwd_services *sl_compile_current(struct sl_compile *c);  // borrowed
struct sl_fwd_policies *sl_compile_policies(struct sl_compile *c); // likewise; indexes are for ever
// For what no service takes, as outbound policy ALLOW_ANY has it: to where the client wanted to go.
// Borrowed. NULL and ENOSPC or ENOMEM.
struct sl_fwd_eps *sl_compile_unknown(struct sl_compile *c);

// The VIPs that are ours to answer for, ascending by their bytes in memory: of exact keys that lead
// to endpoints. *it = 0 begins; false at the end.
bool sl_compile_next_vip(const struct sl_compile *c, uint32_t *it, sl_be32 *vip);

// Why a part of the object is not served: the first conflict that it lost; NULL: none. A port that
// is lost at any address and served at the virtual IP is no such part: the notes tell of it.
const char *sl_compile_lost(const struct sl_compile *c, const struct sl_object *obj);
// What it has that another one wants too: the first such key; NULL: none.
const char *sl_compile_won(const struct sl_compile *c, const struct sl_object *obj);
// Why it does not have the endpoints that it wants; NULL: it has. *served: it has others, or in
// part.
const char *sl_compile_unfit(const struct sl_compile *c, const struct sl_object *obj, bool *served);
// What came about since the last call: conflicts, each as a warning on the object that lost, and
// services that do not fit.
void sl_compile_news(struct sl_compile *c, struct sl_diags *diags);
// The object stands at other lines now: its notes have to follow.
void sl_compile_moved(struct sl_compile *c, const struct sl_object *obj);

// Slots whose endpoint is gone become free once no endpoint set names them (those that workers may
// still read included: a retired set counts until its free function has run) and in_use(ctx, slot)
// is false. It is asked last, so false means: free from here on. Bounded: looks at no more than
// budget slots a call, and goes on there at the next.
void sl_compile_reclaim_slots(
	struct sl_compile *c, bool (*in_use)(void *ctx, uint32_t slot), void *ctx, unsigned budget);

// What is behind a slot, for listings. Strings live until the slot is reused. What no service takes
// is of the host "PassthroughCluster". False: free, or the slot of a cluster.
struct sl_compile_slot {
	const char *namespace_;
	const char *host;
	uint32_t port; // service port number
	const char *port_name;
	sl_be32 addr; // 0: an original destination
	sl_be16 addr_port;
	uint32_t weight;
	bool live; // new flows may go there
};
bool sl_compile_slot(const struct sl_compile *c, uint32_t slot, struct sl_compile_slot *out);
// Slot of an endpoint of a service port now, or UINT32_MAX.
uint32_t sl_compile_slot_find(const struct sl_compile *c, const char *namespace_, const char *host,
	uint32_t port, sl_be32 addr, sl_be16 addr_port);
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
