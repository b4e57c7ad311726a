// What control does for a node, without files: objects, mesh, compile, publish, resets, slots. Odd
// services are TCP, even ones UDP; each has `hosts` endpoints, and a change gives it others:
//
//   clients    198.18.0.0/16                      endpoints  198.51.100.0/24, port WORLD_TARGET +
//   service VIPs       198.19.0.0/16, port WORLD_PORT     pool       203.0.113.224 + n
//
// An endpoint tells its service by its port and the version of its set by its address, so that
// every frame that leaves can be judged by itself.
//
// Owner:   world_new() / world_free(), after the workers have left.
// Threads: one, but for world_floor() and world_ceiling(): any.
// Errors:  none: what cannot be had ends the process.
// Limits:  10,000 services, 10 hosts.
#pragma once

#include "sl_fwd.h"
#include "sl_rcu.h"

#define WORLD_PORT     443
#define WORLD_TARGET   10000
#define WORLD_HOSTS    10
#define WORLD_VERSIONS 24 // then addresses come again

struct world_cfg {
	struct sl_rcu *rcu;
	uint32_t services;
	uint32_t hosts;
	bool udp; // all services are
	uint32_t slots;
	uint64_t timeout_ns;                    // of all states; closed connections: a fourth
	void (*gone)(void *ctx, uint32_t slot); // NULL: nothing is done about flows of what went
	uint32_t (*active)(void *ctx, uint32_t slot); // flows of a slot
	void *ctx;
};

struct world_count {
	unsigned swaps;  // endpoint sets that were exchanged in place
	unsigned tables; // snapshots with another table of services
	unsigned nets;   // snapshots with other next hops
	unsigned slots;  // endpoints that have one now
};

struct world;
struct world *world_new(const struct world_cfg *cfg); // publishes the first snapshot
void world_free(struct world *w);

// Objects change; nothing is in force before world_apply().
void world_change(struct world *w, uint32_t service);
void world_toggle(struct world *w); // a service more, or less: another table
// Compiles what changed and publishes it; a new MAC of the next hops besides, if they are to
// change. False: no slot is left, nothing is in force; reclaim and try again.
bool world_apply(struct world *w, bool net_changes);
// Frees what no worker reads any more; true once that is all that was applied: world_floor()
// follows.
bool world_settle(struct world *w);
void world_reclaim(struct world *w, unsigned budget); // slots of endpoints that went
void world_count(const struct world *w, struct world_count *out);

// A new flow goes to a set of these versions: the last one that every worker is known to have, the
// last one that may be in force.
uint32_t world_floor(const struct world *w, uint32_t service);
uint32_t world_ceiling(const struct world *w, uint32_t service);

static inline bool
world_is_tcp(uint32_t service)
{
	return service & 1;
}

static inline uint32_t
world_vip(uint32_t service)
{
	return 0xc6130000u + service;
}

// Of the endpoint addr:port (host byte order). False: it is none of ours.
static inline bool
world_endpoint(uint32_t addr, uint16_t port, uint32_t *service)
{
	*service = (uint32_t)port - WORLD_TARGET;
	return addr - 0xc6336401u < WORLD_VERSIONS * WORLD_HOSTS && port >= WORLD_TARGET;
}

// Whether that address is of a set of the versions from..to.
static inline bool
world_is_of(uint32_t addr, uint32_t from, uint32_t to)
{
	const uint32_t version = (addr - 0xc6336401u) / WORLD_HOSTS;

	return to - from >= WORLD_VERSIONS ||
	       (version + WORLD_VERSIONS - from % WORLD_VERSIONS) % WORLD_VERSIONS <= to - from;
}
