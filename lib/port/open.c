// A port from its device string to started, and back.

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "sl_netdev.h"
#include "sl_quiet.h"
#include "sl_str.h"

static bool
has_quirk(const struct sl_port *p, enum sl_quirk quirk)
{
	return (p->profile.quirks & quirk) != 0;
}

static bool
is_open(const char *name)
{
	uint16_t id;

	return rte_eth_dev_get_port_by_name(name, &id) == 0;
}

// A bus name for a PCI device, the vdev name otherwise: the first port that the device made.
static int
find_port(struct sl_port *p)
{
	struct rte_eth_dev_info info;
	uint16_t id;

	RTE_ETH_FOREACH_DEV(id)
	{
		if (rte_eth_dev_info_get(id, &info) < 0 || !info.device)
			continue;
		if (strcmp(rte_dev_name(info.device), p->device.name) != 0)
			continue;
		p->id = id;
		p->has_id = true;
		snprintf(p->info.driver, sizeof(p->info.driver), "%s", info.driver_name);
		return 0;
	}
	return -ENODEV;
}

static int
probe(struct sl_port *p, char **why)
{
	char *devargs = p->device.args[0] ? sl_xasprintf("%s,%s", p->device.name, p->device.args)
					  : sl_xstrdup(p->device.name);
	int rc = rte_dev_probe(devargs);

	p->probed = rc == 0;
	if (rc == 0)
		rc = find_port(p);
	if (rc < 0)
		*why = sl_xasprintf("port %s: the driver refuses device \"%s\": %s (the lines of "
				    "topic eal say more)",
			p->name, devargs, strerror(-rc));
	free(devargs);
	return rc;
}

static void
unplug(struct sl_port *p)
{
	if (p->has_id)
		rte_eth_dev_close(p->id);
	if (p->probed)
		rte_eal_hotplug_remove(p->device.pci ? "pci" : "vdev", p->device.name);
	p->has_id = false;
	p->probed = false;
}

static int
load_profile(struct sl_port *p, const struct sl_port_cfg *cfg, const char *driver, char **why)
{
	char *reason = NULL;
	int rc = sl_profile_find(&p->profile, cfg->profile_dir, cfg->profile, driver, &reason);

	if (rc < 0)
		*why = sl_xasprintf("port %s: %s", p->name, reason ? reason : strerror(-rc));
	free(reason);
	snprintf(p->info.profile, sizeof(p->info.profile), "%s", p->profile.name);
	return rc;
}

uint32_t
sl_port_queues_wanted(const struct sl_port *p, const struct sl_port_cfg *cfg)
{
	const uint32_t by_profile = p->profile.queues ? p->profile.queues : cfg->tx_wanted;

	return RTE_MAX(cfg->queues_wanted ? cfg->queues_wanted : by_profile, 1u);
}

// As many as are wanted, as far as the profile and, of a netdev that AF_XDP takes queues of, its
// channels go: the driver refuses more.
static uint32_t
queues_asked(const struct sl_port *p, const struct sl_port_cfg *cfg)
{
	uint32_t queues = sl_port_queues_wanted(p, cfg);
	struct sl_netdev netdev;

	if (p->profile.max_queues)
		queues = RTE_MIN(queues, p->profile.max_queues);
	if ((p->profile.quirks & SL_QUIRK_XDP_SOCKET) &&
		sl_netdev_read(p->device.iface, &netdev) == 0) {
		const uint32_t channels = RTE_MAX(netdev.combined, 1u);

		queues = RTE_MIN(queues, channels);
	}
	return queues;
}

static int
complete_args(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	char extra[64] = "";
	int rc = sl_device_add_args(&p->device, p->profile.devargs);

	if (p->profile.queue_devarg[0])
		snprintf(extra, sizeof(extra), "%s=%u", p->profile.queue_devarg,
			queues_asked(p, cfg));
	if (rc == 0)
		rc = sl_device_add_args(&p->device, extra);
	if (rc < 0)
		*why = sl_xasprintf("port %s: the device string with the profile's arguments is "
				    "too long",
			p->name);
	return rc;
}

// The netdev below, before a driver takes it: up, its queue free, and no more queues than are
// polled.
static int
prepare_xdp(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	const char *ifname = p->device.iface;
	struct sl_netdev netdev;

	sl_netdev_up(ifname);
	if (sl_netdev_read(ifname, &netdev) == 0 && netdev.rx_queues > queues_asked(p, cfg))
		sl_port_note(p,
			"%s has %u RX queues, more than are polled: frames of the others "
			"go to the kernel (ethtool -L %s)",
			ifname, netdev.rx_queues, ifname);
	return sl_netdev_xdp_free(ifname, 0, why);
}

// A virtual device names its driver.
static int
probe_vdev(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	int rc = load_profile(p, cfg, p->device.driver, why);

	if (rc == 0)
		rc = complete_args(p, cfg, why);
	if (rc == 0 && has_quirk(p, SL_QUIRK_XDP_SOCKET))
		rc = prepare_xdp(p, cfg, why);
	return rc < 0 ? rc : probe(p, why);
}

// A PCI device's driver is known when it is probed; once more when its profile has arguments for
// it.
static int
probe_pci(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	int rc = probe(p, why);

	if (rc == 0)
		rc = load_profile(p, cfg, p->info.driver, why);
	if (rc < 0 || !p->profile.devargs[0])
		return rc;
	unplug(p);
	rc = complete_args(p, cfg, why);
	return rc < 0 ? rc : probe(p, why);
}

static void
quieten(struct sl_port *p)
{
	if (!has_quirk(p, SL_QUIRK_QUIET_NETDEV))
		return;
	p->quiet_fd = sl_quiet_on(p->info.netdev);
	if (p->quiet_fd < 0) {
		sl_port_note(p,
			"no nf_tables chain on %s (%s): the kernel sees the port's frames too, "
			"answers ARP for the mirrors' addresses and resets connections to VIPs; "
			"load nf_tables, or use net_af_xdp",
			p->info.netdev, strerror(-p->quiet_fd));
		p->quiet_fd = -1;
	}
}

static int
open_device(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	int rc = sl_device_parse(cfg->device, &p->device, why);

	if (rc == 0)
		rc = sl_device_check(&p->device, "/sys", why);
	if (rc == 0 && is_open(p->device.name)) {
		*why = sl_xasprintf(
			"port %s: device %s is another port's already", p->name, p->device.name);
		rc = -EBUSY;
	}
	if (rc < 0)
		return rc;
	return p->device.pci ? probe_pci(p, cfg, why) : probe_vdev(p, cfg, why);
}

// What the netdev below is like that its owner should know.
static void
note_netdev(struct sl_port *p)
{
	const char *ifname = p->info.netdev;
	struct sl_netdev netdev;

	if (!ifname[0] || sl_netdev_read(ifname, &netdev) < 0)
		return;
	if (netdev.has_address)
		sl_port_note(p,
			"%s has an address of its own, where nothing arrives any more: "
			"move it to the mirror",
			ifname);
	if (has_quirk(p, SL_QUIRK_PARTIAL_CHECKSUMS) && netdev.is_veth)
		sl_port_note(p,
			"%s is a veth: its peer must send finished checksums (there: "
			"ethtool -K <peer> tx off)",
			ifname);
}

struct sl_port *
sl_port_open(const struct sl_port_cfg *cfg, struct sl_log *log, char **why)
{
	struct sl_port *p = sl_xcalloc(1, sizeof(*p));

	p->name = sl_xstrdup(cfg->name);
	p->log = log;
	p->pool = cfg->pool;
	p->quiet_fd = -1;
	if (open_device(p, cfg, why) < 0)
		goto close;
	snprintf(p->info.netdev, sizeof(p->info.netdev), "%s", p->device.iface);
	if (sl_port_setup(p, cfg, why) < 0)
		goto close;
	quieten(p);
	note_netdev(p);
	return p;
close:
	sl_port_close(p);
	return NULL;
}

int
sl_port_start(struct sl_port *p, char **why)
{
	int rc = rte_eth_dev_start(p->id);

	if (rc < 0) {
		*why = sl_xasprintf("port %s: start: %s (the lines of topic eal say more)", p->name,
			strerror(-rc));
		return rc;
	}
	p->started = true;
	// ND, VRRP and routing protocols on the mirror need multicast.
	rc = rte_eth_allmulticast_enable(p->id);
	if (p->profile.promiscuous && rte_eth_promiscuous_enable(p->id) < 0)
		sl_port_note(p, "promiscuous mode refused: only frames to the device's own MAC");
	if (rc < 0 && rc != -ENOTSUP && !p->profile.promiscuous)
		sl_port_note(p, "all-multicast refused (%s)", strerror(-rc));
	return 0;
}

void
sl_port_stop(struct sl_port *p)
{
	if (p->started)
		rte_eth_dev_stop(p->id);
	p->started = false;
}

void
sl_port_close(struct sl_port *p)
{
	if (!p)
		return;
	sl_port_stop(p);
	unplug(p);
	sl_quiet_off(p->quiet_fd);
	free(p->name);
	free(p);
}
