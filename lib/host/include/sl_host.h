// The Linux side: mirror netdevs (TAP) and what the kernel knows of addresses, routes, neighbours.
//
// Owner:   sl_host_new() / sl_host_free(); free removes the mirrors (their fds close) and nothing
//          that it did not make.
// Threads: control only, but for reading and writing frames on a mirror's fd, which is a plain file
//          descriptor (one frame a read or write, no header).
// Errors:  negative errno and *why (a sentence, the caller frees).
// Limits:  follows the namespace the process runs in; only what concerns mirrors is kept.
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

// A TAP named `name` with `mac` and `mtu`, up, non-blocking. index: the port's index, later in every
// route and neighbour. An existing netdev of that name is an error (-EEXIST): never taken over.
// Returns the fd to read and write frames on (belongs to h).
int sl_host_mirror_add(struct sl_host *h, uint16_t index, const char *name,
	const struct sl_mac *mac, uint32_t mtu, char **why);
int sl_host_mirror_fd(const struct sl_host *h, uint16_t index);

// Brings what Sluice set on a mirror in line with the list: adds what is missing, removes what an
// earlier call added and is no longer listed, leaves the rest alone (what others added). Addresses
// of `host_addrs` get a /32 (VIPs and pool addresses), the others their prefix length.
struct sl_host_route_cfg {
	struct sl_prefix to;
	struct sl_ip via;  // family 0: on link
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

// The netlink fd to wait on, and what to call when it is readable: takes in all that is there and
// returns SL_HOST_* bits (0: nothing that matters) or -errno. After an overrun (ENOBUFS) everything
// is read anew by itself.
int sl_host_fd(const struct sl_host *h);
int sl_host_poll(struct sl_host *h);

struct sl_host_route {
	sl_be32 dst;
	uint8_t len;
	bool unreachable;
	uint16_t index;   // the mirror's
	sl_be32 gateway;  // 0: on link
	uint32_t metric;
};
struct sl_host_neigh {
	uint16_t index;
	sl_be32 addr;
	struct sl_mac mac;
	bool usable;      // has a MAC (REACHABLE, STALE, DELAY, PROBE, PERMANENT, NOARP)
	bool failed;
};
struct sl_host_addr {
	uint16_t index;
	sl_be32 addr;
	uint8_t len;
	bool ours;        // a VIP or pool address that sl_host_apply() put there
};
// IPv4, those that lead out of a mirror, plus routes of type unreachable/blackhole/prohibit. The
// arrays belong to h and live until the next sl_host_poll() or sl_host_apply().
const struct sl_host_route *sl_host_routes(struct sl_host *h, uint32_t *n);
const struct sl_host_neigh *sl_host_neighs(struct sl_host *h, uint32_t *n);
const struct sl_host_addr *sl_host_addrs(struct sl_host *h, uint32_t *n);

// Asks the kernel to resolve a neighbour (NTF_USE); the answer comes as an event.
int sl_host_neigh_ask(struct sl_host *h, uint16_t index, sl_be32 addr);

// The netdev below an af_packet port must not answer ARP or hold the same traffic twice: arp_ignore
// and, when it has no address of its own, NOARP-like quiet. Undone by sl_host_free().
int sl_host_quiet_netdev(struct sl_host *h, const char *netdev, char **why);
