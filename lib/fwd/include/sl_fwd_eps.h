// Endpoint sets with their balancer: what a new flow of a service goes to.
//
// Owner:   control builds sets (sl_compile) and shares them by reference count: plain integers that
//          only control touches. A set is freed after the grace period of all that workers could
//          reach it by.
// Threads: an immutable set is read by workers at any time; sl_fwd_load is a worker's own.
// Errors:  builders return NULL and errno: ENOMEM, or EINVAL for what the limits forbid.
// Limits:  4096 endpoints a set, 16 bytes each and 8 for the draw by weight; tables only in sets
//          that ask for them: Maglev 2 bytes an entry (131 KiB at the default size) for each
//          priority that has more than one endpoint, ring hash 6 bytes a point, round robin 2 bytes
//          a turn and 65,536 turns at most. A pick is O(1), with ring hash O(log points); O(n) only
//          when it lands on what was tried. docs/decisions/0007 says why.
#pragma once

#include "sl_types.h"

// A slot is a stable id over snapshots: control gives it to endpoints (and to clusters), workers
// count active flows per slot, and it is not given to another one before every worker's count is 0.
#define SL_FWD_SLOT_NONE UINT32_MAX

struct sl_fwd_ep {
	sl_be32 addr;    // original destination: 0
	sl_be16 port;    // original destination: 0 keeps the client's
	uint8_t down;    // 1: not healthy, never picked but in panic
	uint8_t pad;     // zero
	uint32_t weight; // >= 1
	uint32_t slot;
};

enum sl_fwd_algo {
	SL_FWD_LEAST_REQUEST,
	SL_FWD_ROUND_ROBIN, // needs a cluster_slot, for its cursor
	SL_FWD_RANDOM,
	SL_FWD_MAGLEV,
	SL_FWD_RING_HASH,
	SL_FWD_ORIGINAL_DST, // one endpoint, addr 0: where the client wanted to go
};

// Consecutive endpoints of one priority and locality.
struct sl_fwd_group {
	uint32_t n;
	uint32_t weight;  // of the locality, when locality_weighted; 0: gets no flows
	uint8_t priority; // ascending from 0, without a gap
};

// Priorities share new flows as Envoy computes it, in integer percent: a priority's health is
// min(100, 140 * healthy / endpoints); the first ones take as much as their health, and if all
// together have less than 100, their shares are scaled up to it, the rounding to the first that has
// any. In locality_weighted sets a locality's weight falls likewise, by min(1, 1.4 * healthy /
// endpoints); consistent hashing takes the weights as they are, so that tables move less.
// Panic: when all priorities together have less than 100, those with fewer than min_health_percent
// healthy endpoints use all endpoints. 0: never.
struct sl_fwd_eps_spec {
	const struct sl_fwd_ep *ep;
	uint32_t n;
	const struct sl_fwd_group *group;
	uint32_t n_groups; // 0: all are one group of priority 0
	bool locality_weighted;
	uint8_t min_health_percent; // 0..100
	enum sl_fwd_algo algo;
	uint32_t table_size;   // Maglev: a prime; ring hash: points at least; 0: 65537, 1024
	uint32_t cluster_slot; // SL_FWD_SLOT_NONE: the cluster's flows are not counted
	uint32_t max_flows;    // of the cluster, per worker; 0: no limit; needs a cluster_slot
	uint16_t policy;       // index into sl_fwd_policies
	bool pending; // without endpoints: there may be some in a moment, flows wait for it;
		      // with endpoints it says nothing
	// Slow start, of least request and round robin: for warmup_ns after since_ns an endpoint's
	// weight counts max(min_percent / 100, (age / warmup_ns) ^ (1 / aggression)).
	uint64_t warmup_ns; // 0: none
	uint32_t warmup_min_percent;
	double warmup_aggression; // > 0
	const uint64_t *since_ns; // per endpoint, on the workers' clock; NULL: none warms up
};

#define SL_FWD_EPS_MAX    4096
#define SL_FWD_PRIORITIES 128
#define SL_FWD_MAGLEV_MAX 5000011u
#define SL_FWD_RING_MAX   (UINT32_C(1) << 23)
struct sl_fwd_eps; // an immutable set, or a split over several

// A copy of what spec names, with one reference. EINVAL: more than SL_FWD_EPS_MAX endpoints, a
// weight of 0, groups that do not add up or whose priorities have gaps, a Maglev size that is no
// prime up to SL_FWD_MAGLEV_MAX, round robin or a limit without a cluster_slot, original
// destination with other than one endpoint, a warmup without aggression.
struct sl_fwd_eps *sl_fwd_eps_new(const struct sl_fwd_eps_spec *spec);
// A VirtualService's weighted destinations: a new flow goes to part[i] by weight, and to an
// endpoint of that part or nowhere. Parts of weight 0 get no flow, unless there is only one.
// Takes over one reference of each part, unless it returns NULL. EINVAL: no part, a part that is a
// split, or a sum of weights that is 0 or above UINT32_MAX.
struct sl_fwd_eps *sl_fwd_eps_split(
	struct sl_fwd_eps *const *part, const uint32_t *weight, uint32_t n);
struct sl_fwd_eps *sl_fwd_eps_get(struct sl_fwd_eps *eps);
void sl_fwd_eps_put(struct sl_fwd_eps *eps);
// All that decides picks and what is done with the flow, down to the order of endpoints.
bool sl_fwd_eps_equal(const struct sl_fwd_eps *a, const struct sl_fwd_eps *b);
// fn(ctx, eps) runs in control when the last reference goes, so after the grace period of all that
// a worker could reach the set by: from then on no worker picks an endpoint of it.
void sl_fwd_eps_on_free(
	struct sl_fwd_eps *eps, void (*fn)(void *ctx, const struct sl_fwd_eps *eps), void *ctx);

// Endpoints in the order of the spec, of a split those of its parts in turn.
uint32_t sl_fwd_eps_count(const struct sl_fwd_eps *eps);
const struct sl_fwd_ep *sl_fwd_eps_at(const struct sl_fwd_eps *eps, uint32_t i);
uint32_t sl_fwd_eps_parts(const struct sl_fwd_eps *eps);                      // 0: no split
struct sl_fwd_eps *sl_fwd_eps_part(const struct sl_fwd_eps *eps, uint32_t i); // borrowed
uint32_t sl_fwd_eps_cluster_slot(const struct sl_fwd_eps *eps); // of a split: SL_FWD_SLOT_NONE

// What a worker knows of an endpoint or a cluster, indexed by slot; the worker's own memory.
struct sl_fwd_load {
	uint32_t active; // flows now; relaxed atomic: w: worker, r: control
	uint32_t cursor; // of a cluster: the next turn of round robin; any value to begin with
	uint64_t total;  // flows ever, those that moved on too; never falls; relaxed atomic
};

struct sl_fwd_ask {
	uint64_t rnd;          // 64 random bits
	uint32_t hash;         // sl_fwd_hash_source()
	uint64_t now_ns;       // the clock of since_ns
	const uint32_t *tried; // slots that this flow tried before
	unsigned n_tried;
};

struct sl_fwd_choice {
	const struct sl_fwd_ep *ep; // valid as long as the set
	uint32_t cluster_slot;      // where the flow counts as well, or SL_FWD_SLOT_NONE
	uint16_t policy;
};

// Where a new flow goes.
// Least request: two draws by weight, then the one with fewer active flows per weight; the first
// draw wins a tie, so that idle endpoints are used in proportion to their weights (decision 0005).
// An endpoint whose share of the weights is below 2^-32 may never be drawn.
// Consistent hashing: the same hash finds the same endpoint on every node, whatever the order of
// endpoints: tables are made of their addresses and ports.
// A pick that lands on a tried slot goes on, always in the same way, to a healthy one that was not
// tried, of any priority; of a split, in the part that the tried ones belong to.
// Returns 0, or -ENOENT: no endpoint, or none left that was not tried; -EAGAIN: none yet, the set
// is pending; -EDQUOT: the cluster has max_flows active ones on this worker. Of a split, the part
// that the flow goes to says which.
int sl_fwd_pick(const struct sl_fwd_eps *eps, struct sl_fwd_load *load,
	const struct sl_fwd_ask *ask, struct sl_fwd_choice *out);

// For consistent hashing: the lower half of the XXH64 of the 4 bytes of the address, as they are
// on the wire; the same on every node.
uint32_t sl_fwd_hash_source(sl_be32 src);
