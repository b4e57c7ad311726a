// The choice of a way for each port.
#include "sl_affinity_choice.h"

#include <errno.h>
#include <stdio.h>

#include "sl_str.h"

static bool
wants(const struct sl_affinity_port *ports, unsigned n, enum sl_affinity way)
{
	for (unsigned i = 0; i < n; i++)
		if (ports[i].wanted == way)
			return true;
	return false;
}

static const char *
no_queues(const struct sl_affinity_port *p, unsigned n_workers)
{
	return p->rx_queues < n_workers ? "fewer RX queues than workers" : NULL;
}

static const char *
no_rules(const struct sl_affinity_port *p, unsigned n_workers)
{
	const char *why = no_queues(p, n_workers);

	return why ? why : p->no_rules;
}

static const char *
no_rss(const struct sl_affinity_port *p, unsigned n_workers)
{
	const char *why = no_queues(p, n_workers);

	return why ? why : p->no_rss;
}

// What is asked for and cannot be.
static int
check(const struct sl_affinity_port *ports, unsigned n, unsigned n_workers, char **why)
{
	for (unsigned i = 0; i < n; i++) {
		const struct sl_affinity_port *p = &ports[i];
		const bool rules = p->wanted == SL_AFFINITY_FLOW_RULES;
		const char *reason = rules                          ? no_rules(p, n_workers)
				     : p->wanted == SL_AFFINITY_RSS ? no_rss(p, n_workers)
								    : NULL;

		if (!reason)
			continue;
		*why = sl_xasprintf("port %s: affinity: %s cannot be: %s", p->name,
			rules ? "flow_rules" : "rss", reason);
		return -EINVAL;
	}
	if (wants(ports, n, SL_AFFINITY_FLOW_RULES) && wants(ports, n, SL_AFFINITY_RSS)) {
		*why = sl_xasprintf("affinity: flow_rules on one port and rss on another cannot "
				    "be: pool ports are shared out by number for the one, by hash "
				    "for the other");
		return -EINVAL;
	}
	return 0;
}

// Rules come before RSS: of ports that leave the choice, one that can have rules decides.
static bool
share_by_hash(const struct sl_affinity_port *ports, unsigned n, unsigned n_workers)
{
	bool by_hash = false;

	if (wants(ports, n, SL_AFFINITY_RSS) || wants(ports, n, SL_AFFINITY_FLOW_RULES))
		return wants(ports, n, SL_AFFINITY_RSS);
	for (unsigned i = 0; i < n; i++) {
		if (ports[i].wanted != SL_AFFINITY_AUTO)
			continue;
		if (!no_rules(&ports[i], n_workers))
			return false;
		by_hash = by_hash || !no_rss(&ports[i], n_workers);
	}
	return by_hash;
}

static void
choose(struct sl_affinity_port *p, unsigned n_workers, bool by_hash)
{
	const char *rules = no_rules(p, n_workers), *rss = no_rss(p, n_workers);

	p->why[0] = '\0';
	if (!rules && by_hash)
		rules = "another port's affinity is rss";
	if (!rss && !by_hash)
		rss = "another port's affinity is flow_rules";
	if (p->wanted != SL_AFFINITY_AUTO)
		p->way = p->wanted;
	else if (!rules)
		p->way = SL_AFFINITY_FLOW_RULES;
	else if (!rss)
		p->way = SL_AFFINITY_RSS;
	else
		p->way = no_queues(p, n_workers) ? SL_AFFINITY_SPRAY : SL_AFFINITY_PARTITION;
	if (p->wanted != SL_AFFINITY_AUTO || p->way == SL_AFFINITY_FLOW_RULES)
		return;
	if (p->way == SL_AFFINITY_SPRAY)
		snprintf(p->why, sizeof(p->why), "%u RX queues for %u workers", p->rx_queues,
			n_workers);
	else
		snprintf(p->why, sizeof(p->why), "no flow rules: %s%s%s", rules,
			p->way == SL_AFFINITY_PARTITION ? "; no RSS by pool port: " : "",
			p->way == SL_AFFINITY_PARTITION ? rss : "");
}

int
sl_affinity_choose(
	struct sl_affinity_port *ports, unsigned n, unsigned n_workers, bool *by_hash, char **why)
{
	*by_hash = false;
	for (unsigned i = 0; n_workers == 1 && i < n; i++) {
		ports[i].way = SL_AFFINITY_PARTITION;
		snprintf(ports[i].why, sizeof(ports[i].why), "one worker has all");
	}
	if (n_workers == 1)
		return 0;
	if (check(ports, n, n_workers, why) < 0)
		return -EINVAL;
	*by_hash = share_by_hash(ports, n, n_workers);
	for (unsigned i = 0; i < n; i++)
		choose(&ports[i], n_workers, *by_hash);
	return 0;
}
