// What the files of lib/port share: the port itself.
#pragma once

#include "sl_device.h"
#include "sl_port.h"
#include "sl_profile.h"

struct sl_port {
	char *name;
	struct sl_device device;
	struct sl_profile profile;
	struct sl_log *log;
	struct rte_mempool *pool;
	uint16_t id;
	uint16_t rx_queues;
	uint16_t tx_queues;
	const uint8_t *rss_key; // NULL: the device's
	uint8_t rss_key_len;
	int quiet_fd; // -1: the kernel below is left as it is
	bool probed;
	bool has_id;
	bool started;
	struct sl_port_info info; // all but link and promiscuous, which are asked for
};

// Adds a clause to info.missing; what does not fit is cut.
void sl_port_note(struct sl_port *p, const char *fmt, ...) SL_PRINTF(2, 3);

// RX queues as sluice.yaml, else the profile, else the number of workers wants them; at least 1.
uint32_t sl_port_queues_wanted(const struct sl_port *p, const struct sl_port_cfg *cfg);

// rss.c: why the device cannot do RSS by our key and table over the types hf. NULL: it can.
const char *sl_port_no_rss(const struct rte_eth_dev_info *dev, uint64_t hf);
uint8_t sl_port_rss_key_len(const struct rte_eth_dev_info *dev);

// From probed to configured: queues, offloads, RSS, MTU, MAC.
int sl_port_setup(struct sl_port *p, const struct sl_port_cfg *cfg, char **why);

// EAL's log to ours. The stream is EAL's until sl_eal_log_off().
int sl_eal_log_on(struct sl_log *log);
void sl_eal_log_off(void);
// libbpf and libxdp print to stderr on their own: through EAL's log from now on, once they are
// loaded.
void sl_eal_log_bpf(void);
