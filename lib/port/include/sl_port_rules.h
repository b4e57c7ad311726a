// Flow rules that give each worker the replies to its ports of the pool: for each network of pool
// addresses, TCP and UDP, and worker w of n a rule with a mask of n - 1 on the destination port, to
// queue w. What no rule is for goes where the device sends it.
//
// Owner:   rules belong to the device; whoever adds them removes them before the port stops.
// Threads: control.
// Errors:  negative errno and *why (caller frees).
// Limits:  n is a power of two; 2 * n_pool * n rules.
#pragma once

#include <rte_flow.h>

#include "sl_ip.h"

// The device: rte_flow, or a test's.
struct sl_port_rules_ops {
	int (*validate)(uint16_t port_id, const struct rte_flow_attr *attr,
		const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		struct rte_flow_error *error);
	struct rte_flow *(*create)(uint16_t port_id, const struct rte_flow_attr *attr,
		const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		struct rte_flow_error *error);
	int (*flush)(uint16_t port_id, struct rte_flow_error *error);
};

struct sl_port_rules {
	const struct sl_prefix *pool; // IPv4
	uint32_t n_pool;
	unsigned n_workers;
	const struct sl_port_rules_ops *ops; // NULL: rte_flow
};

// Would the device take them? It may still refuse when they are added.
int sl_port_rules_check(uint16_t port_id, const struct sl_port_rules *r, char **why);
int sl_port_rules_add(uint16_t port_id, const struct sl_port_rules *r, char **why); // all or none
void sl_port_rules_remove(uint16_t port_id, const struct sl_port_rules *r);
