// DPDK: EAL and ports, from a device string and a driver profile.
//
// Owner:   sl_port_eal_init() once per process (EAL can't be started again, also not after fini);
//          each sl_port_open() is paired with sl_port_close(), before sl_port_eal_fini(). Nothing
//          is left behind by a clean stop. Nor by kill -9 (memory has no files, the run folder is
//          removed as soon as EAL is up, the rules of sl_quiet.h go with the process) but for the
//          XDP program of net_af_xdp: without a socket it passes all to the kernel, and the next
//          start takes it over.
// Threads: open/close/stats/link: control. rx/tx: the worker that owns the queue.
// Errors:  negative errno or NULL, and *why (a sentence for the operator, caller frees).
// Limits:  SL_PORT_MAX ports.
//
// A capability that a device lacks is never an error by itself: it is masked, and said once
// (struct sl_port_info.missing).
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "sl_ip.h"
#include "sl_log.h"

#define SL_PORT_MAX         16
#define SL_PORT_RSS_KEY     64 // bytes: no device has more
#define SL_PORT_RSS_KEY_MIN 16 // what IPv4 reads of it

struct sl_port_eal_cfg {
	const char *name; // process name for logs
	const unsigned *worker_cores;
	unsigned n_workers;
	unsigned control_core;
	unsigned memory_mb; // what the daemon computed it needs
	int memory;         // 0 auto, 1 hugepages only, 2 without
	// The ports' device strings: without a PCI address among them the PCI bus is not scanned at
	// all. Without the list it is scanned, but nothing on it is taken before sl_port_open().
	const char *const *devices;
	unsigned n_devices;
};

struct sl_port_eal_info {
	bool hugepages;          // in use
	uint64_t hugepage_bytes; // size of one, 0 without
	char memory[96];         // one sentence: "2 MiB hugepages, 512 MiB", "no hugepages: ..."
};

// EAL's lcores: 0 is the control thread (the caller, now pinned to control_core), 1 + i is worker
// i, waiting for rte_eal_remote_launch(). What EAL and the drivers print goes to log, topic "eal".
int sl_port_eal_init(const struct sl_port_eal_cfg *cfg, struct sl_log *log,
	struct sl_port_eal_info *info, char **why);
void sl_port_eal_fini(void);

// What a process needs in EAL memory, for sl_port_eal_cfg.memory_mb.
struct sl_port_memory {
	unsigned n_mbufs;
	unsigned data_room;
	unsigned ports;
	unsigned queues;      // per port
	unsigned descriptors; // per queue, RX and TX the same
	uint64_t other_bytes; // flow tables and what else comes from rte_malloc
};
// MiB: buffers, their pool's ring, the queues, other_bytes, and an eighth plus 16 MiB for what EAL
// itself takes and for heap fragments.
unsigned sl_port_memory_needed(const struct sl_port_memory *need);

struct sl_port_cfg {
	const char *name;
	const char *device;       // PCI address or vdev string
	const char *profile;      // name or path; NULL: by driver
	const char *profile_dir;  // the folder of the profiles (drivers-config/nic)
	const struct sl_mac *mac; // NULL: the device's
	uint32_t mtu;             // 0: leave
	uint32_t queues_wanted;   // RX; 0: what the profile says, else as many as tx_wanted
	uint32_t tx_wanted;       // TX: one a worker; 0: as many as RX
	uint32_t descriptors;     // 0: profile
	// Of SL_PORT_RSS_KEY bytes, the port's for its life: for all ports of a node the same.
	// NULL: the device's.
	const uint8_t *rss_key;
	struct rte_mempool *pool;
};

struct sl_port_info {
	char driver[32];
	char profile[64];
	struct sl_mac mac;
	uint32_t mtu;
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint16_t reta_size;   // entries of RSS's table, 0: none
	const char *no_rules; // why flow rules by port (sl_port_rules.h) cannot be; NULL: ask the
			      // device
	const char *no_rss; // why sl_port_rss_steer() cannot be; NULL: it can
	bool link_up;
	uint32_t link_mbps; // 0: unknown
	bool promiscuous;
	char missing[512]; // what the device can't do and how Sluice goes on, "" when nothing
	char netdev[16];   // the kernel netdev below (af_packet, af_xdp), "" if none
};

struct sl_port;

// Probes the device, picks the profile, configures what the device offers of what is wanted. The
// info is complete afterwards but for the link. Not an error: fewer queues than wanted, no RSS, an
// MTU or MAC that can't be set (see missing). An error: no such device, interface or profile, a
// profile with mistakes, a PCI device that a kernel driver holds, an interface that somebody else
// polls.
struct sl_port *sl_port_open(const struct sl_port_cfg *cfg, struct sl_log *log, char **why);
int sl_port_start(struct sl_port *p, char **why);
// After the start: entry i of RSS's table leads to queue i % n_entries % n_queues, and the key is
// that of the node; both are read back. n_entries: a power of two, at most reta_size. Or -errno and
// *why: the device hashes in a way of its own.
int sl_port_rss_steer(struct sl_port *p, uint32_t n_entries, unsigned n_queues, char **why);
void sl_port_stop(struct sl_port *p);
void sl_port_close(struct sl_port *p);        // NULL is fine
uint16_t sl_port_id(const struct sl_port *p); // DPDK port id
// From any control-side thread, also while workers poll.
void sl_port_info(struct sl_port *p, struct sl_port_info *info);
bool sl_port_link_up(struct sl_port *p);
int sl_port_stats(struct sl_port *p, struct rte_eth_stats *stats);

// Buffers for rings, bursts, held and punted frames. data_room: RTE_MBUF_DEFAULT_BUF_SIZE, or
// what the largest MTU needs (a frame that does not fit is lost on devices without scatter).
struct rte_mempool *sl_port_pool_new(
	const char *name, unsigned n_mbufs, unsigned data_room, char **why);
