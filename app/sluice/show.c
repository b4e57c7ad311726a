// Commands about what the daemon itself has: stats, workers, ports, version.
#include <rte_cycles.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "sl_clock.h"
#include "sl_emit.h"

// ---- stats ----

struct stats_filter {
	bool all;
	bool one;
	unsigned worker;
};

static void
stats_row(struct sl_ctl_req *req, const struct stats_filter *f, const char *kind, const char *name,
	const char *help, uint64_t value)
{
	struct sl_emit *e;

	if (value == 0 && !f->all)
		return;
	e = sl_ctl_row(req);
	sl_emit_str(e, "kind", kind);
	sl_emit_str(e, "name", name);
	if (f->one)
		sl_emit_u64(e, "worker", f->worker);
	else
		sl_emit_null(e, "worker");
	sl_emit_u64(e, "value", value);
	sl_emit_str(e, "help", help);
	sl_ctl_row_end(req);
}

bool
daemon_pick_worker(const struct daemon *d, struct sl_ctl_req *req, bool *one, unsigned *worker)
{
	const uint64_t w = sl_ctl_arg_u64(req, "worker", UINT64_MAX);

	*one = w != UINT64_MAX;
	*worker = (unsigned)w;
	if (!*one || w < d->n_workers)
		return true;
	sl_ctl_fail(req, 1, "there is no worker %llu: they are 0..%u", (unsigned long long)w,
		d->n_workers - 1);
	return false;
}

static void
cmd_stats(void *ctx, struct sl_ctl_req *req)
{
	const struct daemon *d = ctx;
	struct stats_filter f = {.all = sl_ctl_flag(req, "all")};
	struct sl_stats_block sum = {0}, block;

	if (!daemon_pick_worker(d, req, &f.one, &f.worker))
		return;
	for (unsigned i = 0; i < d->n_workers; i++) {
		if (f.one && i != f.worker)
			continue;
		sl_stats_read(sl_worker_stats(d->worker[i].worker), &block);
		sl_stats_add(&sum, &block);
	}
	for (int c = 0; c < SL_C_MAX; c++)
		stats_row(
			req, &f, "counter", sl_counter_name(c), sl_counter_help(c), sum.counter[c]);
	for (int r = SL_DROP_NONE + 1; r < SL_DROP_MAX; r++)
		stats_row(req, &f, "drop", sl_drop_name(r), sl_drop_help(r), sum.drop[r]);
	for (int c = 0; c < SL_DNS_C_MAX && !f.one; c++)
		stats_row(req, &f, "dns", sl_dns_counter_info(c)->name,
			sl_dns_counter_info(c)->help, sl_control_dns_counter(d->control, c));
	sl_ctl_done(req);
}

// ---- workers ----

static void
emit_busy(struct sl_emit *e, struct daemon_worker *w, uint64_t busy)
{
	const uint64_t tsc = rte_rdtsc();

	if (w->seen_tsc && tsc > w->seen_tsc)
		sl_emit_dbl(e, "busyPercent",
			(double)(uint64_t)(1000.0 * (double)(busy - w->seen_busy) /
						   (double)(tsc - w->seen_tsc) +
					   0.5) /
				10.0);
	else
		sl_emit_null(e, "busyPercent");
	w->seen_tsc = tsc;
	w->seen_busy = busy;
}

// Of the ports that a worker receives from.
static void
emit_affinity(struct sl_emit *e, const struct daemon *d, unsigned worker)
{
	sl_emit_arr(e, "affinity");
	for (uint16_t p = 0; p < d->n_ports; p++)
		if (daemon_first_queue(d, p, worker) < d->port[p].info.rx_queues)
			sl_emit_strf(e, NULL, "%s=%s", d->port[p].name,
				affinity_name(d->port[p].affinity));
	sl_emit_end(e);
}

// Only where the workers were built to tell.
static void
emit_stages(struct sl_emit *e, const struct sl_stats_block *b)
{
	uint64_t cycles;

	if (!sl_stats_stage_cycles(b, 0, &cycles))
		return;
	sl_emit_obj(e, "stages");
	for (int s = 0; s < SL_STAGE_MAX; s++)
		if (sl_stats_stage_cycles(b, (enum sl_stage)s, &cycles))
			sl_emit_u64(e, sl_stage_name((enum sl_stage)s), cycles);
	sl_emit_end(e);
}

static void
cmd_workers(void *ctx, struct sl_ctl_req *req)
{
	struct daemon *d = ctx;

	for (unsigned i = 0; i < d->n_workers; i++) {
		struct daemon_worker *w = &d->worker[i];
		struct sl_stats_block b;
		struct sl_emit *e = sl_ctl_row(req);

		sl_stats_read(sl_worker_stats(w->worker), &b);
		sl_emit_u64(e, "worker", i);
		sl_emit_u64(e, "core", w->core);
		sl_emit_str(e, "state", w->running ? "running" : "stopped");
		emit_busy(e, w, b.counter[SL_C_BUSY_CYCLES]);
		sl_emit_u64(e, "rx", b.counter[SL_C_RX]);
		sl_emit_u64(e, "tx", b.counter[SL_C_TX]);
		sl_emit_u64(e, "forwarded", b.counter[SL_C_FORWARDED]);
		sl_emit_u64(e, "drops", sl_stats_drops(&b));
		sl_emit_u64(e, "flows", b.counter[SL_C_FLOWS_LIVE]);
		emit_affinity(e, d, i);
		sl_emit_u64(e, "handedIn", b.counter[SL_C_HANDED_IN]);
		sl_emit_u64(e, "handedOff", b.counter[SL_C_HANDED_OFF]);
		sl_emit_u64(e, "flowsMax", sl_flow_capacity(sl_worker_flows(w->worker)));
		sl_emit_u64(e, "halfOpen", b.counter[SL_C_HALF_OPEN]);
		sl_emit_u64(e, "halfOpenMax", b.counter[SL_C_HALF_OPEN_MAX]);
		sl_emit_u64(e, "unanswered", b.counter[SL_C_UNANSWERED]);
		sl_emit_u64(e, "unansweredMax", b.counter[SL_C_UNANSWERED_MAX]);
		sl_emit_u64(e, "sleeps", b.counter[SL_C_SLEEPS]);
		sl_emit_str(e, "variant", sl_pipe_variant(NULL));
		emit_stages(e, &b);
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}

// ---- ports ----

static void
emit_addresses(struct sl_emit *e, struct sl_host *host, uint16_t port)
{
	uint32_t n;
	const struct sl_host_addr *addr = sl_host_addrs(host, &n);
	char text[SL_IP_STRLEN];

	sl_emit_arr(e, "addresses");
	for (uint32_t i = 0; i < n; i++)
		if (addr[i].index == port)
			sl_emit_strf(e, NULL, "%s/%u", sl_ip4_str(addr[i].addr, text), addr[i].len);
	sl_emit_end(e);
}

static void
emit_port_stats(struct sl_emit *e, struct sl_port *port)
{
	struct rte_eth_stats s = {0};

	sl_port_stats(port, &s);
	sl_emit_u64(e, "rxPackets", s.ipackets);
	sl_emit_u64(e, "rxBytes", s.ibytes);
	sl_emit_u64(e, "rxMissed", s.imissed);
	sl_emit_u64(e, "rxNoBuffer", s.rx_nombuf);
	sl_emit_u64(e, "rxErrors", s.ierrors);
	sl_emit_u64(e, "txPackets", s.opackets);
	sl_emit_u64(e, "txBytes", s.obytes);
	sl_emit_u64(e, "txErrors", s.oerrors);
}

static void
cmd_ports(void *ctx, struct sl_ctl_req *req)
{
	struct daemon *d = ctx;
	char mac[SL_MAC_STRLEN];

	for (uint16_t p = 0; p < d->n_ports; p++) {
		struct sl_emit *e = sl_ctl_row(req);
		struct sl_mirror_stats mirror;
		struct sl_port_info info;

		sl_port_info(d->port[p].port, &info);
		sl_mirror_stats(d->mirror, p, &mirror);
		sl_emit_str(e, "name", d->port[p].name);
		sl_emit_str(e, "link", info.link_up ? "up" : "down");
		sl_emit_u64(e, "speedMbps", info.link_mbps);
		sl_emit_str(e, "driver", info.driver);
		sl_emit_str(e, "device", d->port[p].device);
		sl_emit_str(e, "profile", info.profile);
		sl_emit_str(e, "mac", sl_mac_str(&info.mac, mac));
		sl_emit_u64(e, "mtu", info.mtu);
		sl_emit_u64(e, "rxQueues", info.rx_queues);
		sl_emit_u64(e, "txQueues", info.tx_queues);
		sl_emit_str(e, "affinity", affinity_name(d->port[p].affinity));
		sl_emit_str(e, "affinityWhy",
			d->port[p].affinity_why[0] ? d->port[p].affinity_why : NULL);
		emit_addresses(e, d->host, p);
		emit_port_stats(e, d->port[p].port);
		sl_emit_u64(e, "buffersFree", rte_mempool_avail_count(d->frames));
		sl_emit_u64(e, "toKernel", mirror.to_kernel);
		sl_emit_u64(e, "toKernelLost", mirror.to_kernel_lost);
		sl_emit_u64(e, "fromKernel", mirror.from_kernel);
		sl_emit_u64(e, "fromKernelLost", mirror.from_kernel_lost);
		sl_emit_str(e, "missing", info.missing[0] ? info.missing : NULL);
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}

// ---- version ----

static void
cmd_version(void *ctx, struct sl_ctl_req *req)
{
	const struct daemon *d = ctx;
	struct sl_emit *e = sl_ctl_row(req);

	sl_emit_str(e, "component", "daemon");
	sl_emit_str(e, "node", d->node);
	sl_emit_str(e, "version", SLUICE_VERSION);
	sl_emit_str(e, "dpdk", rte_version() + strlen("DPDK "));
	sl_emit_u64(e, "pid", (uint64_t)getpid());
	sl_emit_u64(e, "uptimeSeconds", (sl_clock_ns(NULL) - d->started_ns) / SL_NSEC_PER_SEC);
	sl_emit_str(e, "config", d->opt.config);
	sl_emit_u64(e, "generation", sl_control_generation(d->control));
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

// Everything about objects is answered by the one writer.
static void
to_control(void *ctx, struct sl_ctl_req *req)
{
	struct daemon *d = ctx;

	sl_control_handle(d->control, req);
}

void
daemon_handlers(sl_ctl_fn handlers[SL_CTL_CMD_MAX])
{
	for (int c = 0; c < SL_CTL_CMD_MAX; c++)
		if (sl_ctl_command((enum sl_ctl_cmd)c)->access != SL_CTL_LOCAL)
			handlers[c] = to_control;
	handlers[SL_CTL_STATS] = cmd_stats;
	handlers[SL_CTL_WORKERS] = cmd_workers;
	handlers[SL_CTL_PORTS] = cmd_ports;
	handlers[SL_CTL_POOLS] = daemon_cmd_pools;
	handlers[SL_CTL_FLOWS] = daemon_cmd_flows;
	handlers[SL_CTL_VERSION] = cmd_version;
}
