// Which way replies take to their workers: the choice, and flow rules against a device that keeps
// them and is asked, frame by frame, where it would send a reply.
#include <arpa/inet.h>
#include <errno.h>
#include <rte_errno.h>

#include "sl_affinity_choice.h"
#include "sl_owner.h"
#include "sl_port_rules.h"
#include "sl_test.h"

#define A SL_AFFINITY_AUTO
#define F SL_AFFINITY_FLOW_RULES
#define R SL_AFFINITY_RSS
#define P SL_AFFINITY_PARTITION
#define S SL_AFFINITY_SPRAY

// What a device can: one queue a worker, and which of the two.
enum { ONE_QUEUE = 1, RULES = 2, RSS = 4 };

static int
choice(void)
{
	static const struct {
		const char *name;
		unsigned n_workers;
		struct {
			enum sl_affinity wanted;
			unsigned can;
			enum sl_affinity way;
			const char *why;
		} port[2];
		bool by_hash;
		const char *error;
	} rows[] = {
		{"one worker", 1,
			.port = {{A, RULES | RSS, P, "one worker"}, {S, 0, P, "one worker"}}},
		{"rules come first", 2, .port = {{A, RULES | RSS, F, ""}, {A, RULES, F, ""}}},
		{"then RSS", 2,
			.port = {{A, RSS, R, "no flow rules: -rules"},
				{A, RSS, R, "no flow rules: -rules"}},
			.by_hash = true},
		{"neither", 2,
			.port = {{A, 0, P, "no flow rules: -rules; no RSS by pool port: -rss"},
				{A, ONE_QUEUE, S, "1 RX queues for 2 workers"}}},
		{"one can have rules: the other cannot have RSS", 2,
			.port = {{A, RSS, P, "another port's affinity is flow_rules"},
				{A, RULES, F, ""}}},
		{"RSS beside a single queue", 2,
			.port = {{A, RSS, R, ""}, {A, ONE_QUEUE | RSS | RULES, S, "1 RX queues"}},
			.by_hash = true},
		{"RSS asked for: no rules on the other", 4,
			.port = {{R, RSS | RULES, R, ""},
				{A, RULES, P, "another port's affinity is rss"}},
			.by_hash = true},
		{"partition and spray are for the asking", 4,
			.port = {{P, RULES | RSS, P, ""}, {S, RULES | RSS, S, ""}}},
		{"partition of a single queue", 4,
			.port = {{P, ONE_QUEUE, P, ""}, {A, ONE_QUEUE, S, "1 "}}},
		{"rules that cannot be", 2, .port = {{A, RULES, F, ""}, {F, RSS, F, ""}},
			.error = "port p1: affinity: flow_rules cannot be: -rules"},
		{"RSS that cannot be", 2, .port = {{R, RULES, R, ""}, {A, RULES, F, ""}},
			.error = "port p0: affinity: rss cannot be: -rss"},
		{"rules without queues", 2, .port = {{F, ONE_QUEUE | RULES, F, ""}, {A, 0, P, ""}},
			.error = "port p0: affinity: flow_rules cannot be: fewer RX queues"},
		{"both", 2, .port = {{F, RULES, F, ""}, {R, RSS, R, ""}},
			.error = "by number for the one"},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		struct sl_affinity_port ports[2];
		bool by_hash = !rows[r].by_hash;
		char *why = NULL;

		for (unsigned i = 0; i < 2; i++) {
			const unsigned can = rows[r].port[i].can;

			ports[i] = (struct sl_affinity_port){.name = i ? "p1" : "p0",
				.wanted = rows[r].port[i].wanted,
				.rx_queues = can & ONE_QUEUE ? 1 : rows[r].n_workers,
				.no_rules = can & RULES ? NULL : "-rules",
				.no_rss = can & RSS ? NULL : "-rss"};
		}
		const int rc = sl_affinity_choose(ports, 2, rows[r].n_workers, &by_hash, &why);

		RTE_TEST_ASSERT_EQUAL(rc, rows[r].error ? -EINVAL : 0, "%s: %d", rows[r].name, rc);
		if (rows[r].error) {
			RTE_TEST_ASSERT(why && strstr(why, rows[r].error), "%s: %s", rows[r].name,
				why ? why : "-");
			free(why);
			continue;
		}
		RTE_TEST_ASSERT_EQUAL(by_hash, rows[r].by_hash, "%s: by hash", rows[r].name);
		for (unsigned i = 0; i < 2; i++) {
			const char *wanted = rows[r].port[i].why;

			RTE_TEST_ASSERT_EQUAL(ports[i].way, rows[r].port[i].way, "%s: port %u: %u",
				rows[r].name, i, ports[i].way);
			RTE_TEST_ASSERT(
				strstr(ports[i].why, wanted) &&
					(wanted[0] || ports[i].way != F || !ports[i].why[0]),
				"%s: port %u: %s", rows[r].name, i, ports[i].why);
		}
	}
	return TEST_SUCCESS;
}

// ---- a device with rules ----

#define MAX_RULES 1024

// Not as Sluice has them, but as a device reads them: bytes of a frame under a mask.
struct kept {
	uint8_t proto;
	uint32_t dst, dst_mask;
	uint16_t port, port_mask;
	uint16_t queue;
};

static struct {
	struct kept rule[MAX_RULES];
	unsigned n, room;
	bool whole_ports_only;
} device;

static int
device_validate(uint16_t id, const struct rte_flow_attr *attr, const struct rte_flow_item p[],
	const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	// RFC 9293 and RFC 768 have the destination port in the same two bytes.
	const struct rte_flow_item_udp *mask = p[2].mask;

	if (device.whole_ports_only && mask->hdr.dst_port != 0xffff) {
		error->message = "whole ports only";
		return -EINVAL;
	}
	return id == 7 && attr->ingress && !attr->egress && p[0].type == RTE_FLOW_ITEM_TYPE_ETH &&
			       !p[0].spec && p[1].type == RTE_FLOW_ITEM_TYPE_IPV4 &&
			       p[3].type == RTE_FLOW_ITEM_TYPE_END &&
			       actions[0].type == RTE_FLOW_ACTION_TYPE_QUEUE &&
			       actions[1].type == RTE_FLOW_ACTION_TYPE_END
		       ? 0
		       : -ENOTSUP;
}

static struct rte_flow *
device_create(uint16_t id, const struct rte_flow_attr *attr, const struct rte_flow_item p[],
	const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	const struct rte_flow_item_ipv4 *ip = p[1].spec, *ip_mask = p[1].mask;
	const struct rte_flow_item_udp *l4 = p[2].spec, *l4_mask = p[2].mask;
	struct kept *k = &device.rule[device.n];

	if (device_validate(id, attr, p, actions, error) < 0 || device.n == device.room) {
		rte_errno = ENOSPC;
		error->message = NULL;
		return NULL;
	}
	*k = (struct kept){.proto = p[2].type == RTE_FLOW_ITEM_TYPE_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.dst = ip->hdr.dst_addr,
		.dst_mask = ip_mask->hdr.dst_addr,
		.port = l4->hdr.dst_port,
		.port_mask = l4_mask->hdr.dst_port,
		.queue = ((const struct rte_flow_action_queue *)actions[0].conf)->index};
	return (struct rte_flow *)&device.rule[device.n++];
}

static int
device_flush(uint16_t id, struct rte_flow_error *error)
{
	device.n = 0;
	return 0;
}

static const struct sl_port_rules_ops ops = {device_validate, device_create, device_flush};

// The queue of a reply; -1: no rule is for it, -2: several are.
static int
queue_of(const struct sl_tuple *t)
{
	int queue = -1;

	for (unsigned i = 0; i < device.n; i++) {
		const struct kept *k = &device.rule[i];

		if (k->proto != t->proto || (t->dst & k->dst_mask) != k->dst ||
			(t->dport & k->port_mask) != k->port)
			continue;
		queue = queue == -1 ? k->queue : -2;
	}
	return queue;
}

static int
rules(void)
{
	static const struct {
		unsigned n_workers;
		const char *pool[2];
		const char *in, *out; // addresses of and beside it
	} rows[] = {
		{2, {"198.51.100.100/30"}, "198.51.100.103", "198.51.100.104"},
		{4, {"198.51.100.102/30"}, "198.51.100.100", "198.51.100.99"}, // host bits
		{8, {"192.0.2.7/32", "203.0.113.0/24"}, "203.0.113.255", "192.0.2.6"},
		{64, {"192.0.2.7", "198.51.100.1"}, "198.51.100.1", "198.51.100.2"},
	};
	char *why = NULL;

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		struct sl_prefix pool[2];
		struct sl_port_rules rules = {
			.pool = pool, .n_workers = rows[r].n_workers, .ops = &ops};
		struct sl_owner owner;

		for (; rules.n_pool < 2 && rows[r].pool[rules.n_pool]; rules.n_pool++)
			sl_prefix_parse(rows[r].pool[rules.n_pool], &pool[rules.n_pool]);
		device.room = MAX_RULES;
		device.whole_ports_only = false;
		sl_owner_by_port(&owner, rows[r].n_workers);
		RTE_TEST_ASSERT_SUCCESS(sl_port_rules_check(7, &rules, &why), "%s", why);
		SL_TEST_INT(device.n, 0);
		RTE_TEST_ASSERT_SUCCESS(sl_port_rules_add(7, &rules, &why), "%s", why);
		SL_TEST_INT(device.n, 2 * rules.n_pool * rows[r].n_workers);
		for (uint32_t port = 0; port < 65536; port++) {
			struct sl_tuple t = {.dport = htons((uint16_t)port), .proto = IPPROTO_TCP};

			t.proto = port / 2 % 2 ? IPPROTO_TCP : IPPROTO_UDP;
			t.dst = inet_addr(rows[r].in);
			SL_TEST_INT(queue_of(&t), sl_owner_of(&owner, &t));
			t.dst = inet_addr(rows[r].out);
			SL_TEST_INT(queue_of(&t), -1);
			t.dst = inet_addr(rows[r].in);
			t.proto = IPPROTO_SCTP;
			SL_TEST_INT(queue_of(&t), -1);
		}
		sl_port_rules_remove(7, &rules);
		SL_TEST_INT(device.n, 0);
	}
	return TEST_SUCCESS;
}

static int
rules_refused(void)
{
	struct sl_prefix pool;
	struct sl_port_rules rules = {.pool = &pool, .n_pool = 1, .n_workers = 3, .ops = &ops};
	char *why = NULL;

	sl_prefix_parse("198.51.100.100/30", &pool);
	SL_TEST_INT(sl_port_rules_check(7, &rules, &why), -EINVAL);
	SL_TEST_STR(why, "3 workers are no power of two");
	free(why);
	rules.n_workers = 4;
	device.whole_ports_only = true;
	SL_TEST_INT(sl_port_rules_check(7, &rules, &why), -EINVAL);
	SL_TEST_STR(why, "the device refuses them (whole ports only)");
	free(why);
	// It says yes, and has no room for all: then there are none.
	device.whole_ports_only = false;
	device.room = 7;
	SL_TEST_INT(sl_port_rules_check(7, &rules, &why), 0);
	SL_TEST_INT(sl_port_rules_add(7, &rules, &why), -ENOSPC);
	SL_TEST_STR(why, "the device refuses them (No space left on device)");
	free(why);
	SL_TEST_INT(device.n, 0);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"choice", choice},
		{"rules", rules},
		{"rules_refused", rules_refused},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
