// The kernel netdev below a port (af_packet, af_xdp): facts, and what has to be so before DPDK
// opens it.
//
// Threads: control.
// Errors:  negative errno, and *why where it has one.
// Limits:  looks at the network namespace of the calling thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sl_netdev {
	unsigned ifindex;
	uint32_t mtu;
	uint32_t rx_queues; // in use; 1 when the device does not tell
	uint32_t combined;  // of these with a TX queue of their own, as AF_XDP wants them
	bool is_veth;
	bool up;
	bool has_address; // an IPv4 address of its own
};

int sl_netdev_read(const char *ifname, struct sl_netdev *dev); // -ENODEV: no such interface
int sl_netdev_up(const char *ifname);
// Up, with a carrier; false too when it is gone.
bool sl_netdev_running(const char *ifname);

// Can the AF_XDP driver have the interface? Asked before, because the driver's own failure says
// little and detaches the program of the process that does have it. -EBUSY: a program that is not
// the driver's is attached, or another process polls the queue. What a killed process left attached
// is no obstacle. Takes up to half a second when the queue is busy (the kernel frees one some time
// after its close).
int sl_netdev_xdp_free(const char *ifname, uint32_t queue, char **why);
