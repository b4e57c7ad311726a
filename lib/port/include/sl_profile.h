// Driver profile: what a DPDK driver is given and what it can't do, read from drivers-config/nic/.
//
// Owner:   caller's memory; nothing to free.
// Threads: one at a time. Needs no EAL.
// Errors:  -EINVAL with every mistake of the file in diags; -ENOENT; -errno of reading.
// Limits:  a file of 64 KiB, 8 drivers, lists of 16.
//
// The schema is drivers-config/README.md; lib/port/profile.c holds the table of keys.
#pragma once

#include <stdint.h>

#include "sl_diag.h"

#define SL_PROFILE_MAX_DRIVERS 8
#define SL_PROFILE_NAMELEN     64

// What a driver needs to be treated specially for. Data in the profiles, never a test on its name.
enum sl_quirk {
	SL_QUIRK_NO_SET_MTU = 1 << 0,     // has no MTU call: not tried, not complained of
	SL_QUIRK_NO_LINK_STATE = 1 << 1,  // link says nothing: up while started
	SL_QUIRK_SINGLE_SEGMENT = 1 << 2, // a frame must fit one buffer: no scatter, MTU held down
	SL_QUIRK_EQUAL_QUEUES = 1 << 3,   // as many RX as TX queues
	SL_QUIRK_QUIET_NETDEV = 1 << 4,   // the kernel sees the frames too: it is made deaf there
	SL_QUIRK_XDP_SOCKET = 1 << 5,     // takes the XDP slot and queues 0.. of the netdev
	SL_QUIRK_PARTIAL_CHECKSUMS =
		1 << 6,                  // a local sender's unfinished checksums arrive as they are
	SL_QUIRK_QUEUES_SPREAD = 1 << 7, // spreads flows itself: no complaint without RSS
	SL_QUIRK_WHOLE_PORTS = 1 << 8,   // flow rules disregard the mask of a port number
};

struct sl_profile {
	char name[SL_PROFILE_NAMELEN];
	char driver[SL_PROFILE_MAX_DRIVERS][SL_PROFILE_NAMELEN]; // as ethdev names them
	unsigned n_drivers;    // 0: the default profile, for any driver
	char devargs[256];     // key=value,... appended where the device string does not say them
	char queue_devarg[32]; // devarg that sets the number of queues, "" when none
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t queues;      // RX, when sluice.yaml names none; 0: one a worker
	uint16_t max_queues;  // 0: the device's
	uint32_t max_mtu;     // 0: the device's
	uint64_t rss_hf;      // RTE_ETH_RSS_*, masked by what the device offers
	uint64_t rx_offloads; // RTE_ETH_RX_OFFLOAD_*, likewise
	uint64_t tx_offloads; // RTE_ETH_TX_OFFLOAD_*, likewise
	bool promiscuous;
	uint32_t quirks; // SL_QUIRK_*
};

int sl_profile_read(struct sl_profile *profile, const char *path, struct sl_diags *diags);
int sl_profile_parse(struct sl_profile *profile, const char *text, size_t len, const char *file,
	struct sl_diags *diags);

// The profile for a driver: `wanted` (a path when it has a '/', else a name in dir), or when that
// is NULL the file of dir that lists the driver, or default.yaml. Returns 0 or -errno and *why.
int sl_profile_find(struct sl_profile *profile, const char *dir, const char *wanted,
	const char *driver, char **why);
