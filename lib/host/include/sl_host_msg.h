// rtnetlink messages as plain structs and back: bytes in, struct out, no socket, no state.
//
// Owner:   caller's memory; nothing is allocated.
// Threads: any; pure functions.
// Errors:  -EBADMSG for a message that is shorter than it says or whose attributes have a wrong
//          length. A message that is sound and of no interest is SL_NL_OTHER.
// Limits:  the first SL_NL_HOPS next hops of a multipath route or a next-hop group are kept.
//
// Source: rtnetlink(7); linux/rtnetlink.h, linux/if_addr.h, linux/neighbour.h, linux/nexthop.h.
#pragma once

#include <linux/netlink.h>

#include "sl_ip.h"

#define SL_NL_HOPS       8
#define SL_NL_MSG_BYTES  512 // what every sl_nl_put_*() fits in
#define SL_NL_NAME_BYTES 16  // IFNAMSIZ

enum sl_nl_kind {
	SL_NL_OTHER, // another family, table or type than what is followed
	SL_NL_LINK,
	SL_NL_ADDR,
	SL_NL_ROUTE,
	SL_NL_NEIGH,
	SL_NL_NEXTHOP,
};

struct sl_nl_link {
	uint32_t ifindex;
	bool up;                     // administratively
	uint32_t mtu;                // 0: not said
	struct sl_mac mac;           // zero: not said, or no Ethernet address
	char name[SL_NL_NAME_BYTES]; // "": not said
};

struct sl_nl_addr {
	uint32_t ifindex;
	sl_be32 addr;
	uint8_t len;
};

struct sl_nl_hop {
	uint32_t ifindex;
	sl_be32 gateway; // 0: on link
	bool dead;       // its link is down
	bool foreign; // needs what workers do not do: a gateway of another family, an encapsulation
};

struct sl_nl_route {
	sl_be32 dst; // masked
	uint8_t len;
	bool unreachable; // unreachable, blackhole, prohibit
	uint32_t metric;
	uint32_t nexthop; // id of a next-hop object, or 0
	uint32_t n_hops;  // those that the message spells out; may be 0 beside a next-hop object
	struct sl_nl_hop hop[SL_NL_HOPS];
};

struct sl_nl_neigh {
	uint32_t ifindex;
	sl_be32 addr;
	uint16_t state; // NUD_*
	bool has_mac;
	struct sl_mac mac;
};

// A next-hop object: a hop of its own, a black hole, or a group of the ids of others.
struct sl_nl_nexthop {
	uint32_t id;
	bool blackhole;
	struct sl_nl_hop hop;
	uint32_t n_group;
	uint32_t group[SL_NL_HOPS];
};

struct sl_nl_msg {
	enum sl_nl_kind kind;
	bool del;
	uint16_t flags; // nlmsg_flags: NLM_F_REPLACE and NLM_F_APPEND say where a route went
	union {
		struct sl_nl_link link;
		struct sl_nl_addr addr;
		struct sl_nl_route route;
		struct sl_nl_neigh neigh;
		struct sl_nl_nexthop nexthop;
	};
};

// nlh: a whole message (nlmsg_len bytes readable, as mnl_nlmsg_ok() checks). Routes: IPv4, main
// table, TOS 0, types unicast and unreachable/blackhole/prohibit; neighbours: IPv4, no proxy
// entries; the rest is SL_NL_OTHER.
int sl_nl_parse(const struct nlmsghdr *nlh, struct sl_nl_msg *out);

// The answer to a request: NLMSG_ERROR, with the kernel's own words (NETLINK_EXT_ACK) cut to size.
// Returns 0 with *err 0 or a negative errno, or -EBADMSG.
int sl_nl_parse_ack(const struct nlmsghdr *nlh, int *err, char *text, size_t text_size);

// Requests, put into buf (SL_NL_MSG_BYTES, aligned to 4) without sequence number. Both families.
// An address: `host` ones (VIPs, pool addresses) get scope host, so that the kernel never picks
// one as its own source, no prefix route, and no duplicate-address detection (IPv6).
struct nlmsghdr *sl_nl_put_addr(
	void *buf, bool add, uint32_t ifindex, const struct sl_prefix *addr, bool host);

struct sl_nl_route_req {
	const struct sl_prefix *to; // masked
	const struct sl_ip *via;    // family 0: on link
	uint32_t metric;
	uint32_t ifindex;
	bool onlink;
	uint16_t flags; // NLM_F_CREATE | NLM_F_EXCL or NLM_F_REPLACE; 0 for a removal
};
// Main table, protocol static. A removal matches metric, gateway and netdev exactly.
struct nlmsghdr *sl_nl_put_route(void *buf, bool add, const struct sl_nl_route_req *req);

// mac: a permanent entry; NULL: NTF_USE, "resolve it as if a packet had asked".
struct nlmsghdr *sl_nl_put_neigh(
	void *buf, uint32_t ifindex, const struct sl_ip *addr, const struct sl_mac *mac);
struct nlmsghdr *sl_nl_put_neigh_del(void *buf, uint32_t ifindex, const struct sl_ip *addr);

struct nlmsghdr *sl_nl_put_link(
	void *buf, uint32_t ifindex, const struct sl_mac *mac, uint32_t mtu, uint32_t txqlen);
struct nlmsghdr *sl_nl_put_link_up(void *buf, uint32_t ifindex);
// type: RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE (main table), RTM_GETNEIGH, RTM_GETNEXTHOP.
struct nlmsghdr *sl_nl_put_dump(void *buf, uint16_t type, uint8_t family);
