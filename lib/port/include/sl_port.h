// DPDK: EAL and ports, from a device string and a driver profile.
//
// Owner:   sl_port_eal_init() once per process; each sl_port_open() is paired with sl_port_close();
//          sl_port_eal_fini() removes what EAL left (its run folder, hugepage files).
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

#define SL_PORT_MAX 16

struct sl_port_eal_cfg {
	const char *name;          // process name for logs
	const unsigned *worker_cores;
	unsigned n_workers;
	unsigned control_core;
	unsigned memory_mb;        // what the daemon computed it needs
	int memory;                // 0 auto, 1 hugepages only, 2 without
};

struct sl_port_eal_info {
	bool hugepages;            // in use
	uint64_t hugepage_bytes;   // size of one, 0 without
	char memory[96];           // one sentence: "2 MiB hugepages, 512 MiB", "no hugepages: ..."
};

int sl_port_eal_init(const struct sl_port_eal_cfg *cfg, struct sl_log *log,
	struct sl_port_eal_info *info, char **why);
void sl_port_eal_fini(void);

struct sl_port_cfg {
	const char *name;
	const char *device;      // PCI address or vdev string
	const char *profile;     // name or path; NULL: by driver
	const char *profile_dir; // where nic/*.yaml are
	const struct sl_mac *mac; // NULL: the device's
	uint32_t mtu;            // 0: leave
	uint32_t queues_wanted;  // workers
	uint32_t descriptors;    // 0: profile
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
	bool link_up;
	uint32_t link_mbps; // 0: unknown
	bool promiscuous;
	char missing[256];  // what the device can't do and how Sluice goes on, "" when nothing
	char netdev[16];    // the kernel netdev below (af_packet, af_xdp), "" if none
};

struct sl_port;

struct sl_port *sl_port_open(const struct sl_port_cfg *cfg, struct sl_log *log, char **why);
int sl_port_start(struct sl_port *p, char **why);
void sl_port_stop(struct sl_port *p);
void sl_port_close(struct sl_port *p); // NULL is fine
uint16_t sl_port_id(const struct sl_port *p); // DPDK port id
void sl_port_info(struct sl_port *p, struct sl_port_info *info);
bool sl_port_link_up(struct sl_port *p);
int sl_port_stats(struct sl_port *p, struct rte_eth_stats *stats);

// Buffers of a worker: enough for rings, bursts, held and punted frames.
struct rte_mempool *sl_port_pool_new(const char *name, unsigned n_mbufs, unsigned data_room,
	char **why);
