// The Linux side: mirror netdevs (TAP) and what the kernel knows of addresses, routes, neighbours.
//
// Owner:   sl_host_new() / sl_host_free(); free removes the mirrors (their fds close) and nothing
//          that it did not make.
// Threads: control only, but for reading and writing frames on a mirror's fd, which is a plain file
//          descriptor (one frame a read or write, no header).
// Errors:  negative errno and *why (a sentence, the caller frees).
// Limits:  follows the namespace the process runs in; only what concerns mirrors is kept: about 50
//          bytes a route, 32 a neighbour, twice that while read anew.
//
// Source: rtnetlink(7); Documentation/networking/tuntap.rst.
#pragma once

#include "sl_ip.h"
#include "sl_log.h"

struct sl_host;

// Something changed that concerns the mirrors (bits, several at once); read it with the getters.
enum sl_host_event {
	SL_HOST_ROUTES = 1,
	SL_HOST_NEIGHS = 2,
	SL_HOST_ADDRS = 4,
	SL_HOST_LINKS = 8,
};

struct sl_host *sl_host_new(struct sl_log *log, char **why);
void sl_host_free(struct sl_host *h);

// A TAP named `name` with `mac` and `mtu`, up, non-blocking. index: the port's index, later in
// every route and neighbour. An existing netdev of that name is an error (-EEXIST): never taken
// over. The kernel says nothing there on its own: no IPv6 link-local address, router solicitation
// or MLD until sl_host_apply() configures an IPv6 address. rp_filter is off or loose, because
// workers answer on another port than the kernel would; ip_forward is left alone.
// Returns the fd to read and write frames on (belongs to h).
int sl_host_mirror_add(struct sl_host *h, uint16_t index, const char *name,
	const struct sl_mac *mac, uint32_t mtu, char **why);
int sl_host_mirror_fd(const struct sl_host *h, uint16_t index);
// The mirror's carrier follows the port's link, so that FRR, keepalived and `ip link` see a pulled
// cable. Up after sl_host_mirror_add(). Returns 0 or -errno.
int sl_host_mirror_carrier(struct sl_host *h, uint16_t index, bool up);

// Brings what Sluice set on a mirror in line with the list: adds what is missing, removes what an
// earlier call added and is no longer listed, leaves the rest alone (what others added). Addresses
// of `host_addrs` get a /32 (VIPs and pool addresses), the others their prefix length. A host
// address that is on the mirror already, with whatever length, is left as it is.
// Additions come before removals and a changed route is replaced in place, so that nothing that
// stays is ever missing. When nothing is to change nothing is sent. All of the list is tried, also
// after an error; *why then names each. -EEXIST: a route of the same prefix and metric that others
// made leads elsewhere.
// A mirror set down loses its routes and static neighbours (the kernel flushes them): call again
// when SL_HOST_LINKS tells that it is up; until then they are not tried. A gateway in no subnet of
// the mirror is set `onlink`.
struct sl_host_route_cfg {
	struct sl_prefix to;
	struct sl_ip via; // family 0: on link
	uint32_t metric;
};
struct sl_host_neigh_cfg {
	struct sl_ip addr;
	struct sl_mac mac;
};
struct sl_host_cfg {
	const struct sl_prefix *addrs;
	uint32_t n_addrs;
	const struct sl_ip *host_addrs;
	uint32_t n_host_addrs;
	const struct sl_host_route_cfg *routes;
	uint32_t n_routes;
	const struct sl_host_neigh_cfg *neighs;
	uint32_t n_neighs;
};
int sl_host_apply(struct sl_host *h, uint16_t index, const struct sl_host_cfg *cfg, char **why);

// The fd to wait on, and what to call when it is readable: takes in all that is there and
// returns SL_HOST_* bits (0: nothing that matters) or -errno. After an overrun (ENOBUFS) everything
// is read anew by itself.
int sl_host_fd(const struct sl_host *h);
int sl_host_poll(struct sl_host *h);

struct sl_host_route {
	sl_be32 dst;
	uint8_t len;
	bool unreachable;
	uint16_t index;  // the mirror's
	sl_be32 gateway; // 0: on link
	uint32_t metric;
};
struct sl_host_neigh {
	uint16_t index;
	sl_be32 addr;
	struct sl_mac mac;
	bool usable; // has a MAC (REACHABLE, STALE, DELAY, PROBE, PERMANENT, NOARP)
	bool failed;
};
struct sl_host_addr {
	uint16_t index;
	sl_be32 addr;
	uint8_t len;
	bool ours; // a VIP or pool address that sl_host_apply() put there
};
// IPv4, those that lead out of a mirror, plus routes of type unreachable/blackhole/prohibit (index
// 0, `unreachable` set). In no order. The arrays belong to h and live until the next sl_host_poll()
// or sl_host_apply().
//
// Routes: the main table only; ip rules, VRFs and other tables are not followed, nor are routes
// with a TOS. Of a multipath route or a next-hop group, the first live hop that leads out of a
// mirror is taken. Next-hop objects (ip nexthop, FRR) are followed. A route that needs what workers
// do not do (an IPv6 gateway for IPv4, an encapsulation) is given as unreachable, so that its
// traffic does not take a less specific one, and is logged.
const struct sl_host_route *sl_host_routes(struct sl_host *h, uint32_t *n);
const struct sl_host_neigh *sl_host_neighs(struct sl_host *h, uint32_t *n);
const struct sl_host_addr *sl_host_addrs(struct sl_host *h, uint32_t *n);

// The mirror's netdev as the operator left it.
struct sl_host_link {
	bool present; // false: somebody deleted or moved it; its fd gives errors
	bool up;
	uint32_t mtu;
	struct sl_mac mac;
	char name[16];
};
// -ENODEV: no mirror of that index.
int sl_host_link(const struct sl_host *h, uint16_t index, struct sl_host_link *link);

// Asks the kernel to resolve a neighbour (NTF_USE); the answer comes as an event. An entry that is
// there keeps its MAC: a stale one is probed, a failed one tried again, a permanent one left alone.
// While it is tried again a failed one stays `failed` here. -ENODEV: no such mirror; -ENOBUFS: the
// kernel's table is full (net.ipv4.neigh.default.gc_thresh3).
int sl_host_neigh_ask(struct sl_host *h, uint16_t index, sl_be32 addr);
// For control to call every few seconds with the next hops that traffic uses. The kernel sees none
// of that traffic, so it would let their entries grow stale, collect them, and never notice a MAC
// that moved; this has the stale ones probed (unicast ARP, after
// net.ipv4.neigh.*.delay_first_probe_time) and asks for those that are missing or failed. Those in
// good order cost nothing. Returns how many were asked for, or -errno.
int sl_host_neigh_refresh(struct sl_host *h, uint16_t index, const sl_be32 *addrs, uint32_t n);

struct sl_host_stats {
	uint64_t events;   // netlink messages taken in
	uint64_t overruns; // times that the kernel dropped some
	uint64_t dumps;    // tables read anew
};
void sl_host_stats(const struct sl_host *h, struct sl_host_stats *out);
// The event socket's receive buffer (8 MiB unless set). Returns 0 or -errno.
int sl_host_set_rcvbuf(struct sl_host *h, uint32_t bytes);
