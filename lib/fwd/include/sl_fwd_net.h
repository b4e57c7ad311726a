// Where packets go: routes, next hops, and the addresses that are ours.
//
// Owner, Threads, Errors: as sl_fwd.h. Limits: 65535 adjacencies; a route is found in O(log
// routes).
#pragma once

#include "sl_ip.h"
#include "sl_types.h"

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

#define SL_ADJ_NONE UINT16_MAX // a flow keeps an index in 16 bits: the highest is one less

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

struct sl_fwd_net *sl_fwd_net_new(const struct sl_fwd_net_spec *spec); // EINVAL: a len above 32,
								       // too many adjacencies
struct sl_fwd_net *sl_fwd_net_get(struct sl_fwd_net *n);
void sl_fwd_net_put(struct sl_fwd_net *n);
// Longest prefix. False: no route, or an unreachable one.
bool sl_fwd_route_find(const struct sl_fwd_net *n, sl_be32 dst, struct sl_fwd_hop *hop);
// The adjacency of a hop, or SL_ADJ_NONE: the kernel has to be asked.
uint32_t sl_fwd_adj_find(const struct sl_fwd_net *n, const struct sl_fwd_hop *hop);
// NULL: no such index here, or a free one. An index is worth keeping while the gen stays.
const struct sl_fwd_adj *sl_fwd_adj_at(const struct sl_fwd_net *n, uint32_t index);
// All of them, for a loop: by index, free ones among them.
const struct sl_fwd_adj *sl_fwd_adjs(const struct sl_fwd_net *n, uint32_t *n_adjs);
uint32_t sl_fwd_addr_kinds(const struct sl_fwd_net *n, sl_be32 addr); // 0: not ours
uint32_t sl_fwd_net_gen(const struct sl_fwd_net *n);
