// Flow rules by the low bits of the destination port.
#include "sl_port_rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_errno.h>
#include <string.h>

#include "sl_str.h"

static const struct sl_port_rules_ops device = {
	.validate = rte_flow_validate,
	.create = rte_flow_create,
	.flush = rte_flow_flush,
};

static const struct sl_port_rules_ops *
ops(const struct sl_port_rules *r)
{
	return r->ops ? r->ops : &device;
}

// One rule: what is matched, and where it goes.
struct rule {
	struct rte_flow_item_ipv4 ip, ip_mask;
	union {
		struct rte_flow_item_tcp tcp;
		struct rte_flow_item_udp udp;
	} l4, l4_mask;
	struct rte_flow_action_queue queue;
	struct rte_flow_item pattern[4];
	struct rte_flow_action actions[2];
};

static const struct rte_flow_attr ingress = {.ingress = 1};

static void
fill(struct rule *rule, const struct sl_port_rules *r, const struct sl_prefix *net, uint8_t proto,
	unsigned worker)
{
	const rte_be16_t port = rte_cpu_to_be_16((uint16_t)worker);
	const rte_be16_t mask = rte_cpu_to_be_16((uint16_t)(r->n_workers - 1));

	memset(rule, 0, sizeof(*rule));
	rule->ip.hdr.dst_addr = net->addr.v4;
	rule->ip_mask.hdr.dst_addr = net->len ? rte_cpu_to_be_32(UINT32_MAX << (32 - net->len)) : 0;
	rule->ip.hdr.dst_addr &= rule->ip_mask.hdr.dst_addr;
	if (proto == IPPROTO_TCP) {
		rule->l4.tcp.hdr.dst_port = port;
		rule->l4_mask.tcp.hdr.dst_port = mask;
	} else {
		rule->l4.udp.hdr.dst_port = port;
		rule->l4_mask.udp.hdr.dst_port = mask;
	}
	rule->queue.index = (uint16_t)worker;
	rule->pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
	rule->pattern[1] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &rule->ip, .mask = &rule->ip_mask};
	rule->pattern[2] = (struct rte_flow_item){
		.type = proto == IPPROTO_TCP ? RTE_FLOW_ITEM_TYPE_TCP : RTE_FLOW_ITEM_TYPE_UDP,
		.spec = &rule->l4,
		.mask = &rule->l4_mask};
	rule->pattern[3].type = RTE_FLOW_ITEM_TYPE_END;
	rule->actions[0] =
		(struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &rule->queue};
	rule->actions[1].type = RTE_FLOW_ACTION_TYPE_END;
}

static int
validate(uint16_t port_id, const struct sl_port_rules *r, const struct rule *rule,
	struct rte_flow_error *error)
{
	return ops(r)->validate(port_id, &ingress, rule->pattern, rule->actions, error);
}

static int
create(uint16_t port_id, const struct sl_port_rules *r, const struct rule *rule,
	struct rte_flow_error *error)
{
	if (ops(r)->create(port_id, &ingress, rule->pattern, rule->actions, error))
		return 0;
	return rte_errno ? -rte_errno : -EIO;
}

// One after the other, until one fails.
static int
each(uint16_t port_id, const struct sl_port_rules *r,
	int (*one)(uint16_t, const struct sl_port_rules *, const struct rule *,
		struct rte_flow_error *),
	char **why)
{
	const uint64_t n = 2 * (uint64_t)r->n_pool * r->n_workers;
	struct rte_flow_error error = {0};
	struct rule rule;

	for (uint64_t i = 0; i < n; i++) {
		const struct sl_prefix *net = &r->pool[i / (2 * r->n_workers)];
		const uint8_t proto = i / r->n_workers % 2 ? IPPROTO_UDP : IPPROTO_TCP;

		fill(&rule, r, net, proto, (unsigned)(i % r->n_workers));
		const int rc = one(port_id, r, &rule, &error);

		if (rc == 0)
			continue;
		*why = sl_xasprintf("the device refuses them (%s)",
			error.message ? error.message : strerror(-rc));
		return rc;
	}
	return 0;
}

int
sl_port_rules_check(uint16_t port_id, const struct sl_port_rules *r, char **why)
{
	if ((r->n_workers & (r->n_workers - 1)) != 0) {
		*why = sl_xasprintf("%u workers are no power of two", r->n_workers);
		return -EINVAL;
	}
	return each(port_id, r, validate, why);
}

int
sl_port_rules_add(uint16_t port_id, const struct sl_port_rules *r, char **why)
{
	const int rc = each(port_id, r, create, why);

	if (rc < 0)
		sl_port_rules_remove(port_id, r);
	return rc;
}

void
sl_port_rules_remove(uint16_t port_id, const struct sl_port_rules *r)
{
	struct rte_flow_error error;

	// All of the port's rules are ours. What a device keeps against this goes when it stops.
	ops(r)->flush(port_id, &error);
}
