// Replies on the right worker: which way each port goes, and what its device is told for it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon.h"
#include "sl_str.h"

// Of the RSS tables that entries are shared out by: what larger ones have more repeats these.
#define MAX_ENTRIES 512
#define KEYS        64 // drawn until one spreads; nearly every one does

const char *
affinity_name(enum sl_affinity way)
{
	static const char *const names[] = {SL_AFFINITY_NAMES};

	return names[way];
}

static bool
draw(void *out, size_t bytes)
{
	return getrandom(out, bytes, 0) == (ssize_t)bytes;
}

// Whoever knows the keys could aim at one worker, so they are drawn at each start. The low bits of
// a hash spread when more of them do.
void
affinity_draw_keys(struct daemon *d)
{
	struct sl_owner probe;

	for (unsigned i = 0; i < KEYS; i++)
		if (draw(d->rss_key, sizeof(d->rss_key)) &&
			sl_owner_by_hash(&probe, 2, d->rss_key, MAX_ENTRIES) == 0)
			break;
	draw(d->spray_key, sizeof(d->spray_key));
}

static void
log_way(struct daemon *d, const struct daemon_port *p)
{
	sl_log(&d->log, SL_LOG_NOTICE, "port", "affinity name=%s way=%s%s%s", p->name,
		affinity_name(p->affinity), p->affinity_why[0] ? ": " : "", p->affinity_why);
}

static uint32_t
smallest_table(const struct daemon *d)
{
	uint32_t n = MAX_ENTRIES;

	for (uint16_t i = 0; i < d->n_ports; i++)
		if (d->port[i].affinity == SL_AFFINITY_RSS && d->port[i].info.reta_size < n)
			n = d->port[i].info.reta_size;
	return n;
}

static int
share_out(struct daemon *d, bool by_hash, char **why)
{
	int rc = 0;

	if (!by_hash)
		sl_owner_by_port(&d->owner, d->n_workers);
	else
		rc = sl_owner_by_hash(&d->owner, d->n_workers, d->rss_key, smallest_table(d));
	if (rc < 0)
		*why = sl_xasprintf("affinity: rss: the table of %u entries is too small for %u "
				    "workers: affinity: partition does without",
			smallest_table(d), d->n_workers);
	return rc;
}

int
affinity_start(struct daemon *d, char **why)
{
	struct sl_affinity_port ask[SL_PORT_MAX] = {0};
	char *no_rules[SL_PORT_MAX] = {NULL};
	bool by_hash;
	int rc;

	d->rules = (struct sl_port_rules){
		.pool = d->conf->pool, .n_pool = d->conf->n_pool, .n_workers = d->n_workers};
	for (uint16_t i = 0; i < d->n_ports; i++) {
		const struct sl_port_info *info = &d->port[i].info;
		const enum sl_affinity own = d->conf->ports[i].affinity;

		if (info->rx_queues >= d->n_workers && d->n_workers > 1 && !info->no_rules)
			sl_port_rules_check(sl_port_id(d->port[i].port), &d->rules, &no_rules[i]);
		ask[i] = (struct sl_affinity_port){.name = d->port[i].name,
			.wanted = own != SL_AFFINITY_AUTO ? own : d->conf->affinity,
			.rx_queues = info->rx_queues,
			.no_rules = info->no_rules ? info->no_rules : no_rules[i],
			.no_rss = info->no_rss};
	}
	rc = sl_affinity_choose(ask, d->n_ports, d->n_workers, &by_hash, why);
	for (uint16_t i = 0; i < d->n_ports; i++) {
		d->port[i].affinity_wanted = ask[i].wanted;
		d->port[i].affinity = ask[i].way;
		snprintf(
			d->port[i].affinity_why, sizeof(d->port[i].affinity_why), "%s", ask[i].why);
		free(no_rules[i]);
	}
	return rc < 0 ? rc : share_out(d, by_hash, why);
}

// The device said it could, and does not. What was chosen for replies stays: the hand-off brings
// them to their workers.
static int
fall_back(struct daemon_port *p, char *reason, char **why)
{
	const char *name = affinity_name(p->affinity);
	int rc = 0;

	if (p->affinity_wanted == SL_AFFINITY_AUTO) {
		snprintf(p->affinity_why, sizeof(p->affinity_why), "no %s after all: %s", name,
			reason);
		p->affinity = SL_AFFINITY_PARTITION;
	} else {
		*why = sl_xasprintf("port %s: affinity: %s cannot be: %s", p->name, name, reason);
		rc = -EIO;
	}
	free(reason);
	return rc;
}

int
affinity_tell(struct daemon *d, struct daemon_port *p, char **why)
{
	char *reason = NULL;
	int rc = 0;

	if (p->affinity == SL_AFFINITY_FLOW_RULES)
		rc = sl_port_rules_add(sl_port_id(p->port), &d->rules, &reason);
	else if (p->affinity == SL_AFFINITY_RSS)
		rc = sl_port_rss_steer(p->port, d->owner.n_entries, d->n_workers, &reason);
	if (rc < 0)
		rc = fall_back(p, reason, why);
	if (rc == 0)
		log_way(d, p);
	return rc;
}

void
affinity_untell(struct daemon *d, struct daemon_port *p)
{
	if (p->affinity == SL_AFFINITY_FLOW_RULES)
		sl_port_rules_remove(sl_port_id(p->port), &d->rules);
}
