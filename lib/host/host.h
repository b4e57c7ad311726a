// What the files of this library share: the mirrors and the tables.
#pragma once

#include "netlink.h"
#include "sl_host.h"
#include "sl_host_msg.h"
#include "table.h"

// ---- what is known of the kernel; keys first, no padding in them ----

struct addr {
	struct addr_key {
		uint32_t ifindex;
		sl_be32 addr;
		uint32_t len;
	} key;
};

struct neigh {
	struct neigh_key {
		uint32_t ifindex;
		sl_be32 addr;
	} key;
	uint16_t state; // NUD_*
	struct sl_mac mac;
};

struct route {
	struct route_key {
		sl_be32 dst;
		uint32_t len;
		uint32_t metric;
	} key;
	uint32_t ifindex; // of a mirror; 0: leads nowhere
	sl_be32 gateway;
	uint32_t rivals; // further routes of the same key, also those that lead elsewhere
	bool foreign;    // needs what workers do not do
};

struct nexthop {
	uint32_t id;
	struct sl_nl_nexthop nh;
};

// ---- what Sluice put on a mirror ----

struct ip_key {
	uint8_t b[16]; // IPv4: the first 4
	uint8_t family;
	uint8_t len;
	uint8_t host; // a VIP or pool address
	uint8_t zero;
};

struct own_addr {
	struct ip_key key;
};

struct own_route {
	struct {
		struct ip_key to;
		uint32_t metric;
	} key;
	struct ip_key via; // family 0: on link
};

struct own_neigh {
	struct ip_key key;
	struct sl_mac mac;
};

struct mirror {
	uint16_t index;
	bool ip6; // an IPv6 address was configured
	int fd;
	uint32_t ifindex; // 0: the netdev is gone
	struct sl_host_link link;
	struct table own_addrs;  // struct own_addr
	struct table own_routes; // struct own_route
	struct table own_neighs; // struct own_neigh
};

enum stale {
	STALE_LINKS = 1,
	STALE_NEXTHOPS = 2,
	STALE_ROUTES = 4,
	STALE_NEIGHS = 8,
	STALE_ADDRS = 16,
	STALE_ALL = 31,
};

struct sl_host {
	struct sl_log *log;
	struct nl nl;
	int epoll;        // what control waits on: nl.events and bell
	int bell;         // eventfd: changes were taken in outside sl_host_poll()
	unsigned pending; // SL_HOST_* not reported yet
	unsigned stale;   // tables to read anew
	uint64_t dumps;

	struct mirror *mirror;
	uint32_t n_mirrors;

	struct table addrs;    // struct addr
	struct table neighs;   // struct neigh
	struct table routes;   // struct route
	struct table nexthops; // struct nexthop
	struct sl_log_limit route_limit;
	struct sl_log_limit overrun_limit;

	// What the getters gave out; `fresh`: SL_HOST_* whose array is as the table is.
	unsigned fresh;
	struct sl_host_route *out_routes;
	struct sl_host_neigh *out_neighs;
	struct sl_host_addr *out_addrs;
};

// ---- state.c: addresses, neighbours, links, and what takes events in ----

void state_init(struct sl_host *h);
void state_fini(struct sl_host *h);
void state_changed(struct sl_host *h, unsigned bit); // SL_HOST_*
// Takes in all events that wait, then reads anew what went stale; changes go to h->pending.
int state_take_in(struct sl_host *h);
// The same for callers other than sl_host_poll(): rings the bell for what is pending.
int state_catch_up(struct sl_host *h);

// What a message says, as the tables hold it. False: it concerns no mirror.
bool state_addr_of(const struct sl_host *h, const struct sl_nl_addr *msg, struct addr *out);
bool state_neigh_of(const struct sl_host *h, const struct sl_nl_neigh *msg, struct neigh *out);
bool state_neigh_same(const void *a, const void *b); // as far as the getter shows it
void state_take_link(struct sl_host *h, const struct sl_nl_msg *msg);
void state_lose_link(struct sl_host *h, struct mirror *m);

bool neigh_usable(const struct neigh *n);
bool neigh_is_fixed(const struct neigh *n);    // permanent; n may be NULL
bool neigh_wants_probe(const struct neigh *n); // stale, failed or, NULL, missing

// ---- routes.c ----

// False: it leads elsewhere and only its key counts.
bool route_of(const struct sl_host *h, const struct sl_nl_route *msg, struct route *out);
bool route_same(const void *a, const void *b);
// Logs a route that workers cannot follow, once.
void route_tell_foreign(struct sl_host *h, const struct route *now);
void route_take(struct sl_host *h, const struct sl_nl_msg *msg);
void nexthop_take(struct sl_host *h, const struct sl_nl_msg *msg);

// ---- anew.c ----

// Reads what h->stale says. Returns 0 or -errno; what could not be read stays stale.
int state_read_anew(struct sl_host *h);

// ---- mirror.c ----

struct mirror *mirror_by_index(const struct sl_host *h, uint16_t index);
struct mirror *mirror_by_ifindex(const struct sl_host *h, uint32_t ifindex);
void mirror_fini(struct mirror *m);

// ---- sysctl.c ----

// family: "ipv4", "ipv6". Values without the newline. Returns 0 or -errno (-ENOENT: no such
// netdev or sysctl).
int sysctl_read(const char *family, const char *netdev, const char *name, char value[16]);
int sysctl_write(const char *family, const char *netdev, const char *name, const char *value);
bool netdev_name_ok(const char *name);

// ---- small ----

struct ip_key ip_key_of(const struct sl_ip *ip, uint8_t len, bool host);
struct sl_ip ip_of_key(const struct ip_key *key);
// *why = the sentence; returns err.
int host_fail(char **why, int err, const char *fmt, ...) SL_PRINTF(3, 4);
