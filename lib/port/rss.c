// RSS by a key and a table of ours: what the device must have for it, and that it has it.
#include <errno.h>
#include <rte_ethdev.h>
#include <string.h>

#include "port.h"
#include "sl_str.h"

#define USUAL_KEY 40                             // bytes, where a driver does not tell
#define MAX_RETA  (16 * RTE_ETH_RETA_GROUP_SIZE) // 1024 entries

// Replies are told apart by the pool's port: it must be in the hash of both protocols.
#define BY_PORTS (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP)

uint8_t
sl_port_rss_key_len(const struct rte_eth_dev_info *dev)
{
	return dev->hash_key_size ? dev->hash_key_size : USUAL_KEY;
}

const char *
sl_port_no_rss(const struct rte_eth_dev_info *dev, uint64_t hf)
{
	if (hf == 0)
		return "the device has no RSS";
	if ((hf & BY_PORTS) != BY_PORTS)
		return "RSS of the device does not hash the ports of TCP and UDP";
	if (dev->reta_size == 0 || dev->reta_size > MAX_RETA || !rte_is_power_of_2(dev->reta_size))
		return "RSS of the device has no table to fill";
	if (sl_port_rss_key_len(dev) < SL_PORT_RSS_KEY_MIN ||
		sl_port_rss_key_len(dev) > SL_PORT_RSS_KEY)
		return "RSS of the device takes no key of ours";
	return NULL;
}

static void
wanted_reta(
	struct rte_eth_rss_reta_entry64 *reta, uint16_t size, uint32_t n_entries, unsigned n_queues)
{
	memset(reta, 0, MAX_RETA / RTE_ETH_RETA_GROUP_SIZE * sizeof(*reta));
	for (uint32_t i = 0; i < size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % n_entries % n_queues);
	}
}

static bool
has_key(const struct sl_port *p)
{
	uint8_t key[SL_PORT_RSS_KEY] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = p->rss_key_len};

	return rte_eth_dev_rss_hash_conf_get(p->id, &conf) == 0 &&
	       (conf.rss_hf & BY_PORTS) == BY_PORTS &&
	       memcmp(key, p->rss_key, SL_PORT_RSS_KEY_MIN) == 0;
}

// The key is in the configuration already; not every driver reads it there.
static bool
takes_key(const struct sl_port *p)
{
	uint8_t key[SL_PORT_RSS_KEY];
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = p->rss_key_len};

	if (rte_eth_dev_rss_hash_conf_get(p->id, &conf) < 0)
		return false;
	memcpy(key, p->rss_key, sizeof(key));
	conf.rss_key = key;
	conf.rss_key_len = p->rss_key_len;
	return rte_eth_dev_rss_hash_update(p->id, &conf) == 0 && has_key(p);
}

static bool
has_reta(const struct sl_port *p, const struct rte_eth_rss_reta_entry64 *wanted)
{
	struct rte_eth_rss_reta_entry64 reta[MAX_RETA / RTE_ETH_RETA_GROUP_SIZE];
	const uint16_t size = p->info.reta_size;

	memcpy(reta, wanted, sizeof(reta));
	for (unsigned g = 0; g < SL_ARRAY_LEN(reta); g++)
		memset(reta[g].reta, 0xff, sizeof(reta[g].reta));
	if (rte_eth_dev_rss_reta_query(p->id, reta, size) < 0)
		return false;
	for (uint32_t i = 0; i < size; i++) {
		const uint32_t g = i / RTE_ETH_RETA_GROUP_SIZE, k = i % RTE_ETH_RETA_GROUP_SIZE;

		if (reta[g].reta[k] != wanted[g].reta[k])
			return false;
	}
	return true;
}

int
sl_port_rss_steer(struct sl_port *p, uint32_t n_entries, unsigned n_queues, char **why)
{
	struct rte_eth_rss_reta_entry64 reta[MAX_RETA / RTE_ETH_RETA_GROUP_SIZE];
	int rc;

	wanted_reta(reta, p->info.reta_size, n_entries, n_queues);
	rc = rte_eth_dev_rss_reta_update(p->id, reta, p->info.reta_size);
	// A device that cannot change its table may have the right one.
	if (rc < 0 && rc != -ENOTSUP)
		*why = sl_xasprintf("the device refuses the RSS table (%s)", strerror(-rc));
	else if (!has_reta(p, reta))
		*why = sl_xasprintf("the device keeps an RSS table of its own");
	else if (!has_key(p) && !takes_key(p))
		*why = sl_xasprintf("the device keeps an RSS key of its own");
	else
		return 0;
	return rc < 0 ? rc : -EIO;
}
