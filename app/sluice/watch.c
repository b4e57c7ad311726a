// Once a second: drops that mean the node is too small or broken get a log line, each reason at
// once and then every ten seconds at most.
#include <rte_mempool.h>

#include "daemon.h"
#include "sl_clock.h"
#include "sl_str.h"

#define ALARM_NS (10 * SL_NSEC_PER_SEC)

static const struct {
	enum sl_drop reason;
	const char *advice;
} alarms[] = {
	{SL_DROP_NO_SOURCE_PORT, "new flows are refused: give pool.addresses more addresses"},
	{SL_DROP_FLOW_TABLE_FULL, "new flows are refused: raise flows.max"},
	{SL_DROP_EMBRYONIC_LIMIT,
		"a flood of new flows, or endpoints that do not answer: see flows.maxHalfOpen and "
		"flows.maxUnanswered"},
	{SL_DROP_SOURCE_LIMIT, "a source opens more flows than flows.newPerSource"},
	{SL_DROP_NO_NEIGHBOUR, "next hops do not answer: look at `ip neigh` on the mirrors"},
	{SL_DROP_HOLD_FULL,
		"more packets wait for next hops than nextHop.holdPackets, or 16 for one"},
	{SL_DROP_NAME_PENDING,
		"new flows are refused: DNS does not answer for their service's name in time"},
	{SL_DROP_TOO_BIG, "frames larger than the MTU of the port to send on"},
	{SL_DROP_TX_FULL, "a port takes less than it is given"},
	{SL_DROP_PUNT_FULL, "more traffic for the kernel than it takes"},
	{SL_DROP_HANDOFF_FULL, "a worker is overloaded with flows of others"},
};

static unsigned
cached(const struct daemon *d, unsigned lcore)
{
	const struct rte_mempool_cache *c = rte_mempool_default_cache(d->frames, lcore);

	return c ? c->len : 0;
}

// A worker that could not receive a burst now: what other threads keep is not for it.
static bool
is_dry(const struct daemon *d)
{
	const unsigned all = rte_mempool_avail_count(d->frames);
	unsigned lcore, kept = 0;

	RTE_LCORE_FOREACH(lcore)
	kept += cached(d, lcore);
	for (unsigned i = 0; i < d->n_workers; i++)
		if (all + cached(d, d->worker[i].lcore) < kept + SL_BURST)
			return true;
	return false;
}

// Without a buffer ports receive nothing, and not every driver counts that.
static void
watch_buffers(struct daemon *d, uint64_t now_ns)
{
	if (now_ns < d->buffers_next || !is_dry(d))
		return;
	sl_log(&d->log, SL_LOG_WARN, "drop",
		"no_buffer: all packet buffers are in use, ports receive nothing: raise "
		"memory.buffers, or lower nextHop.holdPackets");
	d->buffers_next = now_ns + ALARM_NS;
}

void
daemon_watch(struct daemon *d)
{
	const uint64_t now_ns = sl_clock_ns(NULL);
	struct sl_stats_block sum = {0}, block;
	char dry[DESTINATION_STRLEN];

	for (unsigned i = 0; i < d->n_workers; i++) {
		sl_stats_read(sl_worker_stats(d->worker[i].worker), &block);
		sl_stats_add(&sum, &block);
	}
	watch_buffers(d, now_ns);
	for (size_t i = 0; i < SL_ARRAY_LEN(alarms); i++) {
		const enum sl_drop r = alarms[i].reason;

		if (sum.drop[r] == d->alarmed[r] || now_ns < d->alarm_next[r])
			continue;
		sl_log(&d->log, SL_LOG_WARN, "drop",
			"%s: %s packets=%llu flows=%llu tcp_ports_lent=%u udp_ports_lent=%u "
			"ports_per_destination=%u destination_dry=%s",
			sl_drop_name(r), alarms[i].advice,
			(unsigned long long)(sum.drop[r] - d->alarmed[r]),
			(unsigned long long)sum.counter[SL_C_FLOWS_LIVE],
			daemon_ports_lent(d, SL_PROTO_TCP), daemon_ports_lent(d, SL_PROTO_UDP),
			daemon_ports_total(d), daemon_refused(d, dry));
		d->alarmed[r] = sum.drop[r];
		d->alarm_next[r] = now_ns + ALARM_NS;
	}
}
