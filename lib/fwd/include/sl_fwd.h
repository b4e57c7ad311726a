// The snapshot that workers read: services by (protocol, VIP, port), endpoint sets with their
// balancer, addresses that are ours, routes and next hops, limits.
//
// Owner:   control builds it aside (sl_compile) and hands it to sl_rcu_publish(); sl_fwd_free()
//          follows after the grace period. Its parts are shared between snapshots and counted in
//          plain integers: only control touches them.
// Threads: all here is read-only for workers; of what they see, control changes only the `eps` of a
//          service: they load it once per new flow with acquire.
// Errors:  builders return NULL and errno: ENOMEM, or EINVAL for what their limits forbid.
// Limits:  1 M services (64 to 128 bytes each), 4096 endpoints a set (24 bytes each), 64 K
//          adjacencies; match is one cache line, rarely two; pick is O(1), route is O(log routes).
// Needs no DPDK: memory is plain, so that the offline tools and the tests use the same code.
#pragma once

#include "sl_ip.h"
#include "sl_types.h"

// ---- endpoints ----

// An endpoint's slot is its stable id over snapshots: control gives it, workers count their active
// flows per slot, and it is not given to another endpoint before every worker's count is 0.
struct sl_fwd_ep {
	sl_be32 addr;
	sl_be16 port;
	uint16_t pad;
	uint32_t weight; // >= 1
	uint32_t slot;
};

#define SL_FWD_EPS_MAX 4096
struct sl_fwd_eps; // an immutable set

// A copy of ep, with one reference. EINVAL: more than SL_FWD_EPS_MAX, or a weight of 0.
struct sl_fwd_eps *sl_fwd_eps_new(const struct sl_fwd_ep *ep, uint32_t n);
struct sl_fwd_eps *sl_fwd_eps_get(struct sl_fwd_eps *eps);
void sl_fwd_eps_put(struct sl_fwd_eps *eps);
uint32_t sl_fwd_eps_count(const struct sl_fwd_eps *eps);
const struct sl_fwd_ep *sl_fwd_eps_at(const struct sl_fwd_eps *eps, uint32_t i);
bool sl_fwd_eps_equal(const struct sl_fwd_eps *a, const struct sl_fwd_eps *b); // order counts
// fn(ctx, eps) runs in control when the last reference goes, so after the grace period of all that
// a worker could reach the set by: from then on no worker picks an endpoint of it.
void sl_fwd_eps_on_free(
	struct sl_fwd_eps *eps, void (*fn)(void *ctx, const struct sl_fwd_eps *eps), void *ctx);

// What a worker knows of an endpoint, indexed by slot; the worker's own memory.
struct sl_fwd_load {
	uint32_t active; // flows now; relaxed atomic: w: worker, r: control
	uint32_t pad;
	uint64_t total; // flows ever; relaxed atomic
};

// Weighted least request: two draws by weight (alias table, O(1)), then the one with fewer active
// flows per weight; the first draw wins a tie, so that idle endpoints are used in proportion to
// their weights. Returns NULL for an empty set. rnd: 64 random bits. An endpoint whose share of the
// weights is below 2^-32 may never be drawn. Relation to Envoy: docs/decisions/0005.
const struct sl_fwd_ep *sl_fwd_pick(
	const struct sl_fwd_eps *eps, const struct sl_fwd_load *load, uint64_t rnd);

// ---- services ----

struct sl_fwd_key {
	sl_be32 vip;
	sl_be16 port;
	uint8_t proto; // 6 or 17
	uint8_t pad;   // zero
};

// Aligned so that no service lies across two cache lines.
struct __attribute__((aligned(32))) sl_fwd_service {
	struct sl_fwd_key key;
	uint32_t id; // stable over snapshots, control's index of the service port
	uint32_t pad;
	struct sl_fwd_eps *eps; // w: control, r: workers (acquire); see sl_fwd_service_eps()
};

struct sl_fwd_services; // hash table by key, immutable but for the eps pointers
struct sl_fwd_services *sl_fwd_services_new(uint32_t n_max); // EINVAL: more than 1 M
// Takes over one reference of eps if it returns 0. -EEXIST: the key is in; -ENOSPC: n_max are in.
int sl_fwd_services_add(struct sl_fwd_services *s, const struct sl_fwd_key *key, uint32_t id,
	struct sl_fwd_eps *eps);
struct sl_fwd_services *sl_fwd_services_get(struct sl_fwd_services *s);
void sl_fwd_services_put(struct sl_fwd_services *s);
uint32_t sl_fwd_services_count(const struct sl_fwd_services *s);
struct sl_fwd_service *sl_fwd_services_find(
	const struct sl_fwd_services *s, const struct sl_fwd_key *key); // NULL: none
// Control: swaps one service's set; the old one is returned for sl_rcu_retire().
struct sl_fwd_eps *sl_fwd_service_swap(struct sl_fwd_service *svc, struct sl_fwd_eps *eps);
static inline const struct sl_fwd_eps *
sl_fwd_service_eps(const struct sl_fwd_service *svc)
{
	return __atomic_load_n(&svc->eps, __ATOMIC_ACQUIRE);
}

// ---- addresses that are ours ----

enum sl_fwd_addr_kind {    // bits
	SL_ADDR_VIP = 1,   // of a service
	SL_ADDR_POOL = 2,  // lends source ports
	SL_ADDR_LOCAL = 4, // the kernel's, on a mirror: punt what no service takes
};

struct sl_fwd_addr {
	sl_be32 addr;
	uint32_t kinds; // SL_ADDR_* bits
};

// ---- next hops ----

#define SL_ADJ_NONE UINT32_MAX

enum sl_adj_state {
	SL_ADJ_FREE,
	SL_ADJ_UNRESOLVED, // known to be needed, the kernel has been asked
	SL_ADJ_OK,
	SL_ADJ_FAILED,    // the kernel gave up
	SL_ADJ_PORT_DOWN, // its port has no link, whatever the kernel knows: drop, do not ask
};

// Where to send: indexes are stable over snapshots (control gives them by port and address).
struct sl_fwd_adj {
	struct sl_mac dst;
	struct sl_mac src;
	uint16_t port; // index of the port
	uint8_t state; // enum sl_adj_state
	uint8_t pad;
	sl_be32 addr; // the neighbour's address
};

// What the routes say of a destination.
struct sl_fwd_hop {
	uint16_t port;
	sl_be32 addr; // gateway, or the destination itself when it is on link
};

struct sl_fwd_route {
	sl_be32 dst; // masked
	uint8_t len;
	uint8_t unreachable; // blackhole, unreachable, prohibit: matches, and leads nowhere
	uint16_t port;
	sl_be32 gateway; // 0: on link
	uint32_t metric; // the lowest wins among equal prefixes, then the first listed
};

struct sl_fwd_net; // routes, adjacencies and addresses: immutable
struct sl_fwd_net_spec {
	const struct sl_fwd_route *route;
	uint32_t n_routes;
	const struct sl_fwd_adj *adj; // index = adjacency index; free ones have state SL_ADJ_FREE
	uint32_t n_adjs;
	const struct sl_fwd_addr *addr; // the same address may be listed more than once
	uint32_t n_addrs;
	uint32_t gen; // changes when an adjacency index held by a flow may no longer be right
};

struct sl_fwd_net *sl_fwd_net_new(const struct sl_fwd_net_spec *spec); // EINVAL: a len above 32
struct sl_fwd_net *sl_fwd_net_get(struct sl_fwd_net *n);
void sl_fwd_net_put(struct sl_fwd_net *n);
// Longest prefix. False: no route, or an unreachable one.
bool sl_fwd_route_find(const struct sl_fwd_net *n, sl_be32 dst, struct sl_fwd_hop *hop);
// The adjacency of a hop, or SL_ADJ_NONE: the kernel has to be asked.
uint32_t sl_fwd_adj_find(const struct sl_fwd_net *n, const struct sl_fwd_hop *hop);
// NULL: no such index here, or a free one. An index is worth keeping while the gen stays.
const struct sl_fwd_adj *sl_fwd_adj_at(const struct sl_fwd_net *n, uint32_t index);
uint32_t sl_fwd_addr_kinds(const struct sl_fwd_net *n, sl_be32 addr); // 0: not ours
uint32_t sl_fwd_net_gen(const struct sl_fwd_net *n);

// ---- the snapshot ----

enum sl_fwd_deny {
	SL_DENY_REJECT, // RST to TCP, ICMP administratively prohibited to the rest
	SL_DENY_SILENT,
};

#define SL_FWD_STATES 16
struct sl_fwd_params {
	uint32_t timeout[SL_FWD_STATES]; // by enum sl_flow_state, in flow ticks
	uint8_t deny;                    // enum sl_fwd_deny
	uint8_t pad[3];
	uint32_t reply_rate; // answers of our own per second and worker
};

struct sl_fwd {
	uint64_t generation;
	struct sl_fwd_services *services;
	struct sl_fwd_net *net;
	struct sl_fwd_params params;
};

// Takes over one reference of each part, unless it returns NULL.
struct sl_fwd *sl_fwd_new(uint64_t generation, struct sl_fwd_services *services,
	struct sl_fwd_net *net, const struct sl_fwd_params *params);
void sl_fwd_free(void *fwd);

// The service of a packet, or NULL.
static inline const struct sl_fwd_service *
sl_fwd_match(const struct sl_fwd *fwd, uint8_t proto, sl_be32 vip, sl_be16 port)
{
	const struct sl_fwd_key key = {.vip = vip, .port = port, .proto = proto};
	return sl_fwd_services_find(fwd->services, &key);
}
