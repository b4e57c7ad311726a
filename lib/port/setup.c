// Configures a probed port with what its device offers of what the profile and the node want.

#include <errno.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "port.h"
#include "sl_netdev.h"
#include "sl_str.h"

#define DESCRIPTORS 1024 // where neither node nor profile says
// Ethernet header, one VLAN tag and FCS: what a frame has beside its MTU.
#define L2_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)

struct plan {
	struct rte_eth_dev_info dev;
	struct rte_eth_conf conf;
	uint16_t rx_desc;
	uint16_t tx_desc;
};

static bool
has_quirk(const struct sl_port *p, enum sl_quirk quirk)
{
	return (p->profile.quirks & quirk) != 0;
}

void
sl_port_note(struct sl_port *p, const char *fmt, ...)
{
	const size_t used = strlen(p->info.missing);
	char text[sizeof(p->info.missing)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(p->info.missing + used, sizeof(p->info.missing) - used, "%s%s", used ? "; " : "",
		text);
}

// The smallest of what is wanted and the limits that are set.
static uint16_t
at_most(uint32_t wanted, uint32_t limit, uint32_t limit2)
{
	if (limit && wanted > limit)
		wanted = limit;
	if (limit2 && wanted > limit2)
		wanted = limit2;
	return (uint16_t)wanted;
}

static void
plan_queues(struct sl_port *p, const struct sl_port_cfg *cfg, const struct plan *plan)
{
	const uint32_t wanted = sl_port_queues_wanted(p, cfg);
	const uint32_t tx_wanted = cfg->tx_wanted ? cfg->tx_wanted : wanted;

	p->rx_queues = at_most(wanted, plan->dev.max_rx_queues, p->profile.max_queues);
	p->tx_queues = at_most(tx_wanted, plan->dev.max_tx_queues, p->profile.max_queues);
	if (has_quirk(p, SL_QUIRK_EQUAL_QUEUES))
		p->rx_queues = p->tx_queues = RTE_MIN(p->rx_queues, p->tx_queues);
	if (p->rx_queues < wanted)
		sl_port_note(p, "%u of %u wanted RX queues", p->rx_queues, wanted);
	if (p->tx_queues < tx_wanted)
		sl_port_note(p, "%u of %u wanted TX queues: the first worker sends for all",
			p->tx_queues, tx_wanted);
}

static void
plan_rss(struct sl_port *p, const struct sl_port_cfg *cfg, struct plan *plan)
{
	const uint64_t hf = p->profile.rss_hf & plan->dev.flow_type_rss_offloads;

	if (has_quirk(p, SL_QUIRK_WHOLE_PORTS))
		p->info.no_rules = "the driver's disregard masks of port numbers";
	p->info.reta_size = plan->dev.reta_size;
	p->info.no_rss = p->rx_queues < 2 ? "one RX queue"
			 : !cfg->rss_key  ? "there is no key for it"
					  : sl_port_no_rss(&plan->dev, hf);
	if (p->rx_queues < 2)
		return;
	if (hf == 0) {
		if (has_quirk(p, SL_QUIRK_QUEUES_SPREAD))
			return;
		sl_port_note(p, "no RSS: the device alone decides which worker gets a frame");
		return;
	}
	plan->conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	plan->conf.rx_adv_conf.rss_conf.rss_hf = hf;
	if (p->info.no_rss)
		return;
	p->rss_key = cfg->rss_key;
	p->rss_key_len = sl_port_rss_key_len(&plan->dev);
	plan->conf.rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)cfg->rss_key;
	plan->conf.rx_adv_conf.rss_conf.rss_key_len = p->rss_key_len;
}

// The largest MTU whose frames fit into one buffer.
static uint32_t
buffer_mtu(const struct sl_port_cfg *cfg)
{
	return rte_pktmbuf_data_room_size(cfg->pool) - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD;
}

// The device's, as rte_eth_dev_configure() holds it against the largest frame: some drivers name
// only that.
static uint32_t
device_mtu(const struct rte_eth_dev_info *dev)
{
	const bool has_mtu = dev->max_mtu != UINT16_MAX && dev->max_rx_pktlen > dev->max_mtu;
	const uint32_t overhead =
		has_mtu ? dev->max_rx_pktlen - dev->max_mtu : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	return dev->max_rx_pktlen > overhead ? RTE_MIN(dev->max_mtu, dev->max_rx_pktlen - overhead)
					     : dev->max_mtu;
}

static uint32_t
limit_mtu(struct sl_port *p, uint32_t mtu, uint32_t limit, const char *of)
{
	if (!limit || mtu <= limit)
		return mtu;
	sl_port_note(p, "MTU %u instead of %u: the limit of %s", limit, mtu, of);
	return limit;
}

static void
plan_mtu(struct sl_port *p, const struct sl_port_cfg *cfg, struct plan *plan)
{
	const uint64_t scatter = RTE_ETH_RX_OFFLOAD_SCATTER, segs = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	struct sl_netdev netdev;
	uint32_t mtu = cfg->mtu;
	bool scatters;

	if (!mtu && p->info.netdev[0] && sl_netdev_read(p->info.netdev, &netdev) == 0)
		mtu = netdev.mtu;
	if (!mtu)
		mtu = RTE_ETHER_MTU;
	mtu = limit_mtu(p, mtu, p->profile.max_mtu, "the driver profile");
	mtu = limit_mtu(p, mtu, device_mtu(&plan->dev), "the device");
	scatters = !has_quirk(p, SL_QUIRK_SINGLE_SEGMENT) &&
		   (plan->dev.rx_offload_capa & scatter) && (plan->dev.tx_offload_capa & segs);
	if (mtu > buffer_mtu(cfg) && scatters) {
		plan->conf.rxmode.offloads |= scatter;
		plan->conf.txmode.offloads |= segs;
	} else {
		mtu = limit_mtu(p, mtu, buffer_mtu(cfg), "one packet buffer, no scatter");
	}
	plan->conf.rxmode.mtu = mtu;
}

static void
plan_offloads(struct sl_port *p, struct plan *plan)
{
	plan->conf.rxmode.offloads |= p->profile.rx_offloads & plan->dev.rx_offload_capa;
	plan->conf.txmode.offloads |= p->profile.tx_offloads & plan->dev.tx_offload_capa;
	// The hash is only written where RSS computes one.
	if (plan->conf.rxmode.mq_mode != RTE_ETH_MQ_RX_RSS)
		plan->conf.rxmode.offloads &= ~RTE_ETH_RX_OFFLOAD_RSS_HASH;
}

static uint16_t
descriptors(const struct sl_port_cfg *cfg, uint16_t profile)
{
	if (cfg->descriptors)
		return (uint16_t)RTE_MIN(cfg->descriptors, (uint32_t)UINT16_MAX);
	return profile ? profile : DESCRIPTORS;
}

static int
queues(struct sl_port *p, const struct sl_port_cfg *cfg, const struct plan *plan, char **why)
{
	const int socket = rte_eth_dev_socket_id(p->id);
	struct rte_eth_rxconf rx = plan->dev.default_rxconf;
	struct rte_eth_txconf tx = plan->dev.default_txconf;
	int rc = 0;

	rx.offloads = plan->conf.rxmode.offloads;
	tx.offloads = plan->conf.txmode.offloads;
	for (uint16_t q = 0; rc == 0 && q < p->rx_queues; q++)
		rc = rte_eth_rx_queue_setup(
			p->id, q, plan->rx_desc, (unsigned)socket, &rx, cfg->pool);
	for (uint16_t q = 0; rc == 0 && q < p->tx_queues; q++)
		rc = rte_eth_tx_queue_setup(p->id, q, plan->tx_desc, (unsigned)socket, &tx);
	if (rc < 0)
		*why = sl_xasprintf("port %s: queues of %u RX and %u TX descriptors: %s%s", p->name,
			plan->rx_desc, plan->tx_desc, strerror(-rc),
			has_quirk(p, SL_QUIRK_XDP_SOCKET)
				? " (AF_XDP takes CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and "
				  "CAP_SYS_ADMIN, "
				  "and LimitMEMLOCK=infinity)"
				: "");
	return rc;
}

static int
configure(struct sl_port *p, const struct sl_port_cfg *cfg, struct plan *plan, char **why)
{
	int rc = rte_eth_dev_configure(p->id, p->rx_queues, p->tx_queues, &plan->conf);

	if (rc == 0) {
		plan->rx_desc = descriptors(cfg, p->profile.rx_descriptors);
		plan->tx_desc = descriptors(cfg, p->profile.tx_descriptors);
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &plan->rx_desc, &plan->tx_desc);
	}
	if (rc < 0) {
		*why = sl_xasprintf("port %s: configure %u RX and %u TX queues: %s", p->name,
			p->rx_queues, p->tx_queues, strerror(-rc));
		return rc;
	}
	return queues(p, cfg, plan, why);
}

// The MTU is in the configuration already; drivers over a netdev set that one by this call.
static void
set_mtu(struct sl_port *p, uint32_t mtu)
{
	uint16_t now = (uint16_t)mtu;
	int rc;

	if (has_quirk(p, SL_QUIRK_NO_SET_MTU)) {
		p->info.mtu = mtu;
		return;
	}
	rc = rte_eth_dev_set_mtu(p->id, (uint16_t)mtu);
	if (rc == -ENOTSUP)
		sl_port_note(p, "no MTU call: %u is kept to, but the device is not told", mtu);
	else if (rc < 0)
		sl_port_note(p, "MTU %u not taken (%s)", mtu, strerror(-rc));
	rte_eth_dev_get_mtu(p->id, &now);
	p->info.mtu = rc == 0 || rc == -ENOTSUP ? mtu : now;
}

static void
set_mac(struct sl_port *p, const struct sl_mac *mac)
{
	struct rte_ether_addr addr;

	if (mac) {
		memcpy(addr.addr_bytes, mac->b, sizeof(addr.addr_bytes));
		p->info.mac = *mac;
		if (rte_eth_dev_default_mac_addr_set(p->id, &addr) == 0)
			return;
		if (rte_eth_dev_mac_addr_add(p->id, &addr, 0) == 0)
			return;
		p->profile.promiscuous = true;
		sl_port_note(p, "MAC not settable: promiscuous, frames to others are dropped by "
				"Sluice");
		return;
	}
	// net_ring has none, and no mirror can do without.
	if (rte_eth_macaddr_get(p->id, &addr) < 0 || rte_is_zero_ether_addr(&addr))
		rte_eth_random_addr(addr.addr_bytes);
	memcpy(p->info.mac.b, addr.addr_bytes, sizeof(p->info.mac.b));
}

static void
fill_info(struct sl_port *p, const struct plan *plan)
{
	p->info.rx_queues = p->rx_queues;
	p->info.tx_queues = p->tx_queues;
	p->info.rx_desc = plan->rx_desc;
	p->info.tx_desc = plan->tx_desc;
}

int
sl_port_setup(struct sl_port *p, const struct sl_port_cfg *cfg, char **why)
{
	struct plan plan = {0};
	int rc = rte_eth_dev_info_get(p->id, &plan.dev);

	if (rc < 0) {
		*why = sl_xasprintf("port %s: %s", p->name, strerror(-rc));
		return rc;
	}
	plan_queues(p, cfg, &plan);
	plan_rss(p, cfg, &plan);
	plan_mtu(p, cfg, &plan);
	plan_offloads(p, &plan);
	rc = configure(p, cfg, &plan, why);
	if (rc < 0)
		return rc;
	set_mtu(p, plan.conf.rxmode.mtu);
	set_mac(p, cfg->mac);
	fill_info(p, &plan);
	return 0;
}
