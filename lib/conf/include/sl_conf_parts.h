// The parts of sluice.yaml, as struct sl_conf holds them.
//
// Owner:   the struct sl_conf that they stand in. Threads: as it.
#pragma once

#include "sl_affinity.h"
#include "sl_model.h"

#define SL_MAX_PORTS         16
#define SL_MAX_WORKERS       64
#define SL_MAX_POOL_ADDRS    256
#define SL_MAX_CLIENT_GROUPS 64

struct sl_conf_route {
	struct sl_prefix to;
	struct sl_ip via; // family 0: on link
	uint32_t metric;  // 0: kernel's default
	struct sl_loc loc;
};

struct sl_conf_neigh {
	struct sl_ip addr;
	struct sl_mac mac;
	struct sl_loc loc;
};

struct sl_conf_port {
	char *name;    // also the mirror's netdev name; at most 15 characters
	char *device;  // DPDK device: PCI address or "net_af_xdp0,iface=eth1"
	char *profile; // drivers-config/nic profile; NULL: by driver
	bool has_mac;
	struct sl_mac mac;
	uint32_t mtu;              // 0: the profile's or the device's
	uint32_t rx_queues;        // 0: one per worker as far as the device goes
	enum sl_affinity affinity; // AUTO: that of the workers
	uint32_t descriptors;      // 0: profile
	struct sl_prefix *addresses;
	uint32_t n_addresses;
	struct sl_conf_route *routes;
	uint32_t n_routes;
	struct sl_conf_neigh *neighbours;
	uint32_t n_neighbours;
	struct sl_loc loc;
};

enum sl_conf_idle {
	SL_IDLE_ADAPTIVE, // back off to short sleeps when there is nothing to do
	SL_IDLE_POLL,     // never sleep
};

enum sl_conf_memory {
	SL_MEMORY_AUTO, // hugepages when there are enough, else without
	SL_MEMORY_HUGE, // insist
	SL_MEMORY_NONE, // never
};

enum sl_conf_outbound {
	SL_OUTBOUND_REGISTRY_ONLY,
	SL_OUTBOUND_ALLOW_ANY, // forwarded to where it was sent
};

// An entry of clients[]: clients by address, and who they are to Istio's rules.
struct sl_conf_clients {
	struct sl_prefix *cidrs; // IPv4, without host bits, each once in all of clients
	uint32_t n_cidrs;
	char *namespace_; // NULL: node.namespace
	struct sl_label *labels;
	uint32_t n_labels;
	char *locality; // NULL: node.locality
	struct sl_loc loc;
};

// A DNS server, or an address to answer on: "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53".
struct sl_conf_dns_address {
	struct sl_ip ip;
	uint16_t port; // 53 when not given
	struct sl_loc loc;
};

// dns: how names are resolved, and what clients are answered. docs/names.md
struct sl_conf_dns {
	struct sl_conf_dns_address *servers; // none: resolv_conf's
	uint32_t n_servers;
	char *resolv_conf;                   // default /etc/resolv.conf
	char *hosts_file;                    // NULL: none
	uint64_t timeout_ns;                 // default 2 s
	struct sl_name_policy names;         // families IPv4; refresh 1 s .. 5 min; max_stale 1 h
	uint64_t retry_min_ns, retry_max_ns; // default 1 s .. 30 s
	uint64_t confirm_ns;                 // default 2 s
	bool refuse_private;                 // privateAddresses: accept (default) | refuse
	uint64_t ready_ns;                   // readiness waits at most, default 5 s
	// virtualIPs
	bool auto_vips;             // default true
	struct sl_prefix auto_vip4; // default 240.240.0.0/16, at least a /24
	struct sl_prefix auto_vip6; // default 2001:2::/48, at least a /96
	// responder
	struct sl_conf_dns_address *listen; // none: no responder
	uint32_t n_listen;
	struct sl_prefix *responder_clients; // none: the CIDRs of clients[]
	uint32_t n_responder_clients;
	struct sl_conf_dns_address *upstreams; // none: as servers
	uint32_t n_upstreams;
	char **search;
	uint32_t n_search;
	uint64_t ttl_ns;      // whole seconds, default 30 s
	uint32_t rate;        // queries a second and client, default 2000; 0: no limit
	uint32_t max_pending; // default 4096
	bool answer_ipv6; // AAAA with addresses that packets are not carried to yet; default false
};

// A client group: clients of one namespace, labels (in any order) and locality. Texts are borrowed
// from the struct sl_conf that the group stands in.
struct sl_conf_group {
	const char *namespace_;
	const struct sl_label *labels;
	uint32_t n_labels;
	const char *locality; // NULL: none
	const char *network;  // node's; NULL: none
};

// A client's group is that of the longest prefix that has its address, and 0 without one.
struct sl_conf_group_prefix {
	struct sl_prefix prefix;
	uint32_t group;
};
