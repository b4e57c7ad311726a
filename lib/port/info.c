// What a port is and does, for status: asked anew at each call where it can change.

#include <errno.h>
#include <rte_ethdev.h>
#include <string.h>

#include "port.h"
#include "sl_netdev.h"

uint16_t
sl_port_id(const struct sl_port *p)
{
	return p->id;
}

static void
read_link(const struct sl_port *p, struct sl_port_info *info)
{
	struct rte_eth_link link = {0};

	info->link_up = p->started;
	info->link_mbps = 0;
	if ((p->profile.quirks & SL_QUIRK_NO_LINK_STATE) ||
		rte_eth_link_get_nowait(p->id, &link) < 0)
		return;
	info->link_up = p->started && link.link_status == RTE_ETH_LINK_UP;
	// Their drivers say up as long as they run.
	if (info->link_up && sl_device_on_netdev(&p->device))
		info->link_up = sl_netdev_running(p->device.iface);
	if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		info->link_mbps = link.link_speed;
}

void
sl_port_info(struct sl_port *p, struct sl_port_info *info)
{
	*info = p->info;
	info->promiscuous = rte_eth_promiscuous_get(p->id) == 1;
	read_link(p, info);
}

bool
sl_port_link_up(struct sl_port *p)
{
	struct sl_port_info info;

	read_link(p, &info);
	return info.link_up;
}

int
sl_port_stats(struct sl_port *p, struct rte_eth_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return rte_eth_stats_get(p->id, stats);
}
