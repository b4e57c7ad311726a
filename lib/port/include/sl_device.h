// A port's device as the operator writes it: a PCI address or a DPDK virtual device string.
//
// Owner:   caller's memory; nothing to free.
// Threads: any.
// Errors:  -EINVAL and *why (a sentence for the operator, caller frees).
//
// `0000:03:00.0`, `03:00.0`, either with `,key=value…`; or `net_<driver><anything>[,key=value…]`
// (net_af_xdp0,iface=eth1; net_memif0,role=server,socket=/run/x.sock).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct sl_device {
	bool pci;
	char name[64];   // "0000:03:00.0" or "net_af_xdp0"
	char driver[64]; // "net_af_xdp"; "" for PCI: the probe tells
	char args[512];  // what follows the name's comma, "" when none
	char iface[16];  // iface= of the arguments, "" when none
};

int sl_device_parse(const char *text, struct sl_device *dev, char **why);
// Lives on a kernel netdev that is somebody else's: iface names it.
bool sl_device_on_netdev(const struct sl_device *dev);
bool sl_device_has_arg(const struct sl_device *dev, const char *key);

// Appends to args those of `extra` (key=value,...) whose key is not there yet. Returns 0, or
// -E2BIG when they do not fit.
int sl_device_add_args(struct sl_device *dev, const char *extra);

// Can DPDK take it? The interface or PCI device exists and nobody else drives it. `sysfs` is
// "/sys". Returns 0, or -ENODEV, -EBUSY and *why.
int sl_device_check(const struct sl_device *dev, const char *sysfs, char **why);
