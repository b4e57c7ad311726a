// Reads a device string and looks whether DPDK can take the device.

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <rte_kvargs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sl_device.h"
#include "sl_str.h"

// Virtual drivers that can be a port, and those whose iface= must exist before they open.
static const char *const vdevs[] = {"net_af_xdp", "net_af_packet", "net_tap", "net_memif",
	"net_pcap", "net_ring", "net_virtio_user", "net_null", NULL};
static const char *const on_netdev[] = {"net_af_xdp", "net_af_packet", NULL};

// Kernel drivers that hand a PCI device to DPDK, or that share it (mlx: the netdev stays).
static const char *const pci_drivers[] = {
	"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core", "mlx4_core", NULL};

static bool
one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static bool
is_pci(const char *name, char full[64])
{
	unsigned domain = 0, bus, slot, func;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &func, &end) != 4 ||
		name[end] != '\0') {
		domain = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &slot, &func, &end) != 3 ||
			name[end] != '\0')
			return false;
	}
	snprintf(full, 64, "%04x:%02x:%02x.%x", domain, bus, slot, func);
	return true;
}

// "net_af_xdp0" and "net_af_xdp_lan" are both net_af_xdp: DPDK takes whatever follows the driver's
// name.
static int
vdev_driver(struct sl_device *dev, char **why)
{
	const char *near;

	for (const char *const *v = vdevs; *v; v++) {
		if (strncmp(dev->name, *v, strlen(*v)) == 0) {
			snprintf(dev->driver, sizeof(dev->driver), "%s", *v);
			return 0;
		}
	}
	near = sl_str_nearest(dev->name, vdevs);
	*why = sl_xasprintf("device \"%s\": neither a PCI address (0000:03:00.0) nor a virtual "
			    "device (net_af_xdp0,iface=eth1)%s%s%s",
		dev->name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return -EINVAL;
}

static int
read_iface(struct sl_device *dev, char **why)
{
	struct rte_kvargs *args = rte_kvargs_parse(dev->args, NULL);
	const char *iface;
	int rc = 0;

	if (!args) {
		*why = sl_xasprintf("device \"%s,%s\": expected key=value pairs, separated by "
				    "commas",
			dev->name, dev->args);
		return -EINVAL;
	}
	iface = rte_kvargs_get(args, "iface");
	if (iface && strlen(iface) >= sizeof(dev->iface)) {
		*why = sl_xasprintf(
			"device \"%s\": iface=%s is longer than an interface name can be",
			dev->name, iface);
		rc = -EINVAL;
	} else if (iface) {
		snprintf(dev->iface, sizeof(dev->iface), "%s", iface);
	} else if (one_of(dev->driver, on_netdev)) {
		*why = sl_xasprintf("device \"%s\": needs iface=<interface>", dev->name);
		rc = -EINVAL;
	}
	rte_kvargs_free(args);
	return rc;
}

int
sl_device_parse(const char *text, struct sl_device *dev, char **why)
{
	const size_t name_len = strcspn(text, ",");
	const char *args = text[name_len] ? text + name_len + 1 : "";
	char name[sizeof(dev->name)];
	int rc;

	memset(dev, 0, sizeof(*dev));
	if (name_len == 0 || name_len >= sizeof(name) || strlen(args) >= sizeof(dev->args)) {
		*why = sl_xasprintf("device \"%s\": %s", text, name_len ? "too long" : "no name");
		return -EINVAL;
	}
	memcpy(name, text, name_len);
	name[name_len] = '\0';
	snprintf(dev->args, sizeof(dev->args), "%s", args);
	dev->pci = is_pci(name, dev->name);
	if (dev->pci)
		return 0;
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	rc = vdev_driver(dev, why);
	return rc < 0 ? rc : read_iface(dev, why);
}

bool
sl_device_has_arg(const struct sl_device *dev, const char *key)
{
	const size_t len = strlen(key);
	const char *p = dev->args;

	while (*p) {
		if (strncmp(p, key, len) == 0 && (p[len] == '=' || p[len] == ',' || !p[len]))
			return true;
		p += strcspn(p, ",");
		p += *p == ',';
	}
	return false;
}

int
sl_device_add_args(struct sl_device *dev, const char *extra)
{
	while (*extra) {
		const size_t len = strcspn(extra, ",");
		const size_t used = strlen(dev->args);
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(extra, "=,"), extra);
		if (len > 0 && !sl_device_has_arg(dev, key)) {
			if (used + len + 2 > sizeof(dev->args))
				return -E2BIG;
			snprintf(dev->args + used, sizeof(dev->args) - used, "%s%.*s",
				used ? "," : "", (int)len, extra);
		}
		extra += len;
		extra += *extra == ',';
	}
	return 0;
}

static int
check_pci(const struct sl_device *dev, const char *sysfs, char **why)
{
	char *path = sl_xasprintf("%s/bus/pci/devices/%s", sysfs, dev->name);
	char *link = sl_xasprintf("%s/driver", path);
	const bool exists = access(path, F_OK) == 0;
	char target[PATH_MAX];
	const ssize_t n = readlink(link, target, sizeof(target) - 1);
	const char *driver = NULL;

	free(path);
	free(link);
	if (!exists) {
		*why = sl_xasprintf("no PCI device %s (lspci -D lists them)", dev->name);
		return -ENODEV;
	}
	if (n > 0) {
		target[n] = '\0';
		driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	}
	if (driver && one_of(driver, pci_drivers))
		return 0;
	*why = sl_xasprintf("PCI device %s is bound to %s%s, not to vfio-pci: `driverctl "
			    "set-override %s vfio-pci` (kept over a reboot) or `dpdk-devbind.py "
			    "--bind=vfio-pci %s`; docs/ports.md",
		dev->name, driver ? "the kernel driver " : "no driver", driver ? driver : "",
		dev->name, dev->name);
	return -EBUSY;
}

bool
sl_device_on_netdev(const struct sl_device *dev)
{
	return one_of(dev->driver, on_netdev);
}

int
sl_device_check(const struct sl_device *dev, const char *sysfs, char **why)
{
	if (dev->pci)
		return check_pci(dev, sysfs, why);
	if (sl_device_on_netdev(dev) && if_nametoindex(dev->iface) == 0) {
		*why = sl_xasprintf("device \"%s\": there is no interface \"%s\" in this network "
				    "namespace",
			dev->name, dev->iface);
		return -ENODEV;
	}
	return 0;
}
