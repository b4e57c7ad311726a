// The parts of the daemon, in the order that main.c lists them.
#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon.h"
#include "sl_str.h"

#define DATA_ROOM   RTE_MBUF_DEFAULT_BUF_SIZE
#define DESCRIPTORS 2048 // of a queue: no profile of ours has more
#define WORKER_USE  4096 // frames that may sit in a worker: caches, rings, bursts, held
// Ethernet header and a VLAN tag: what a frame has beside its MTU.
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

// ---- eal ----

// Ring entries of the ports' queues, one way.
static unsigned
entries(const struct daemon *d)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < d->conf->n_ports; i++) {
		const struct sl_conf_port *port = &d->conf->ports[i];

		sum += RTE_MAX(port->rx_queues, d->n_workers) *
		       (port->descriptors ? port->descriptors : DESCRIPTORS);
	}
	return sum;
}

static unsigned
frames_needed(const struct daemon *d)
{
	return d->conf->mbufs ? d->conf->mbufs : 2 * entries(d) + d->n_workers * WORKER_USE;
}

static unsigned
memory_needed(const struct daemon *d)
{
	const struct sl_conf *conf = d->conf;
	const uint64_t n = d->n_workers;
	const struct sl_port_memory need = {
		.n_mbufs = frames_needed(d),
		.data_room = DATA_ROOM,
		.ports = 1,
		.queues = 1,
		.descriptors = entries(d),
		.other_bytes =
			n * sl_flow_table_bytes(conf->max_flows / d->n_workers) +
			n * conf->max_endpoints * sizeof(struct sl_fwd_load) +
			n * sl_sport_bytes(
				    d->n_pool, d->n_workers, conf->max_flows / d->n_workers) +
			n * (n * SL_HANDOFF_RING + SL_PUNT_RING + SL_INJECT_RING) * sizeof(void *),
	};

	return sl_port_memory_needed(&need);
}

static void
list_pool(struct daemon *d)
{
	for (uint32_t i = 0; i < d->conf->n_pool; i++) {
		struct sl_prefix p = d->conf->pool[i];
		uint32_t first, n;

		sl_prefix_mask(&p);
		first = sl_be32_to_cpu(p.addr.v4);
		n = p.len == 0 ? 0 : 1u << (32 - p.len);
		for (uint32_t k = 0; k < n && d->n_pool < SL_MAX_POOL_ADDRS; k++)
			d->pool[d->n_pool++] = sl_cpu_to_be32(first + k);
	}
}

int
eal_start(struct daemon *d, char **why)
{
	unsigned worker_cores[SL_MAX_WORKERS];
	const char *devices[SL_PORT_MAX];
	struct sl_port_eal_cfg cfg = {
		.name = "sluice",
		.worker_cores = worker_cores,
		.devices = devices,
		.n_devices = d->conf->n_ports,
	};
	int rc = daemon_cores(d, worker_cores, why);

	for (uint32_t i = 0; i < d->conf->n_ports; i++)
		devices[i] = d->conf->ports[i].device;

	if (rc < 0)
		return rc;
	list_pool(d);
	cfg.n_workers = d->n_workers;
	cfg.control_core = d->control_core;
	cfg.memory_mb = d->conf->memory_mb ? d->conf->memory_mb : memory_needed(d);
	cfg.memory = (int)d->conf->memory;
	rc = sl_port_eal_init(&cfg, &d->log, &d->eal, why);
	if (rc < 0)
		return rc;
	sl_log(&d->log, SL_LOG_NOTICE, "eal", "memory: %s", d->eal.memory);
	for (unsigned i = 0; i < d->n_workers; i++)
		d->worker[i].core = worker_cores[i];
	d->frames = sl_port_pool_new("frames", frames_needed(d), DATA_ROOM, why);
	if (d->frames)
		return 0;
	sl_port_eal_fini();
	return -ENOMEM;
}

void
eal_stop(struct daemon *d)
{
	sl_port_eal_fini();
}

// ---- ports ----

static void
log_port(struct daemon *d, const char *name, const struct sl_port_info *info)
{
	char mac[SL_MAC_STRLEN];

	sl_log(&d->log, SL_LOG_NOTICE, "port",
		"opened name=%s driver=%s profile=%s mac=%s mtu=%u rx_queues=%u tx_queues=%u", name,
		info->driver, info->profile, sl_mac_str(&info->mac, mac), info->mtu,
		info->rx_queues, info->tx_queues);
}

int
ports_start(struct daemon *d, char **why)
{
	affinity_draw_keys(d);
	for (uint32_t i = 0; i < d->conf->n_ports; i++) {
		const struct sl_conf_port *conf = &d->conf->ports[i];
		struct daemon_port *p = &d->port[i];
		const struct sl_port_cfg cfg = {
			.name = conf->name,
			.device = conf->device,
			.profile = conf->profile,
			.profile_dir = d->opt.profile_dir,
			.mac = conf->has_mac ? &conf->mac : NULL,
			.mtu = conf->mtu,
			.queues_wanted = conf->rx_queues,
			.tx_wanted = d->n_workers,
			.descriptors = conf->descriptors,
			.rss_key = d->rss_key,
			.pool = d->frames,
		};

		p->port = sl_port_open(&cfg, &d->log, why);
		if (!p->port) {
			ports_stop(d);
			return -ENODEV;
		}
		d->n_ports++;
		p->name = sl_xstrdup(conf->name);
		p->device = sl_xstrdup(conf->device);
		sl_port_info(p->port, &p->info);
		log_port(d, conf->name, &p->info);
	}
	return 0;
}

void
ports_stop(struct daemon *d)
{
	while (d->n_ports > 0) {
		struct daemon_port *p = &d->port[--d->n_ports];

		sl_port_close(p->port);
		free(p->name);
		free(p->device);
	}
}

// ---- mirrors ----

int
mirrors_start(struct daemon *d, char **why)
{
	d->host = sl_host_new(&d->log, why);
	if (!d->host)
		return -EIO;
	for (uint16_t i = 0; i < d->n_ports; i++) {
		const struct sl_port_info *info = &d->port[i].info;

		d->tap_fd[i] =
			sl_host_mirror_add(d->host, i, d->port[i].name, &info->mac, info->mtu, why);
		if (d->tap_fd[i] < 0) {
			mirrors_stop(d);
			return -EIO;
		}
	}
	return 0;
}

void
mirrors_stop(struct daemon *d)
{
	sl_host_free(d->host);
	d->host = NULL;
}

// ---- workers ----

static uint64_t
random_seed(unsigned id)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)getpid() << 32 | id;
	return seed;
}

// Which queue of a port a worker begins with: its own number. Of sprayed ports, which may have one
// queue, each begins with another worker: their queues are not all the first one's.
uint16_t
daemon_first_queue(const struct daemon *d, uint16_t port, unsigned id)
{
	const unsigned shift = d->port[port].affinity == SL_AFFINITY_SPRAY ? port : 0;

	return (uint16_t)((id + d->n_workers - shift % d->n_workers) % d->n_workers);
}

static struct sl_worker *
worker_new(struct daemon *d, unsigned id, char **why)
{
	struct sl_worker_port ports[SL_PORT_MAX];

	for (uint16_t p = 0; p < d->n_ports; p++)
		ports[p] = (struct sl_worker_port){
			.dpdk_id = sl_port_id(d->port[p].port),
			.rx_first = daemon_first_queue(d, p, id),
			.rx_queues = d->port[p].info.rx_queues,
			.spray = d->n_workers > 1 && d->port[p].affinity == SL_AFFINITY_SPRAY,
			// Either each worker has a queue of its own, or worker 0 sends for all.
			.max_frame = d->port[p].info.mtu + FRAME_OVERHEAD,
			.has_tx = id == 0 || d->port[p].info.tx_queues >= d->n_workers,
			.tx_queue = (uint16_t)id,
		};
	const struct sl_worker_cfg cfg = {
		.id = id,
		.owner = &d->owner,
		.spray_key = d->spray_key,
		.conf = d->conf,
		.ports = ports,
		.port_mac = d->port_mac,
		.n_ports = d->n_ports,
		.pool = d->pool,
		.n_pool = d->n_pool,
		.rcu = d->rcu,
		.frames = d->frames,
		.punt_fd = d->punt_fd,
		.ask_fd = d->ask_fd,
		.mirror_asleep = &d->mirror_asleep,
		.seed = random_seed(id),
	};
	return sl_worker_new(&cfg, why);
}

static int
mirror_thread_new(struct daemon *d, char **why)
{
	struct sl_worker *workers[SL_MAX_WORKERS];
	uint32_t max_frame[SL_PORT_MAX];
	struct sl_mirror_cfg cfg = {
		.tap_fd = d->tap_fd,
		.max_frame = max_frame,
		.n_ports = d->n_ports,
		.workers = workers,
		.n_workers = d->n_workers,
		.pool = d->frames,
		.wake_fd = d->punt_fd,
		.asleep = &d->mirror_asleep,
	};

	for (unsigned i = 0; i < d->n_workers; i++)
		workers[i] = d->worker[i].worker;
	for (uint16_t p = 0; p < d->n_ports; p++)
		max_frame[p] = d->port[p].info.mtu + FRAME_OVERHEAD;
	sl_worker_connect(workers, d->n_workers);
	d->mirror = sl_mirror_new(&cfg, why);
	return d->mirror ? 0 : -EIO;
}

int
workers_start(struct daemon *d, char **why)
{
	bool failed;

	for (uint16_t p = 0; p < d->n_ports; p++)
		d->port_mac[p] = d->port[p].info.mac;
	d->punt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->ask_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->rcu = sl_rcu_new(d->n_workers);
	failed = d->punt_fd < 0 || d->ask_fd < 0 || !d->rcu;
	for (unsigned i = 0; !failed && i < d->n_workers; i++) {
		d->worker[i].worker = worker_new(d, i, why);
		failed = !d->worker[i].worker;
	}
	if (!failed && mirror_thread_new(d, why) == 0)
		return 0;
	workers_stop(d);
	return -ENOMEM;
}

void
workers_stop(struct daemon *d)
{
	sl_mirror_free(d->mirror);
	for (unsigned i = 0; i < d->n_workers; i++)
		sl_worker_free(d->worker[i].worker);
	sl_rcu_free(d->rcu);
	close(d->ask_fd);
	close(d->punt_fd);
}

// ---- control ----

static bool
next_ask(void *ctx, uint16_t *port, sl_be32 *addr)
{
	struct daemon *d = ctx;
	struct sl_ask ask;

	for (unsigned i = 0; i < d->n_workers; i++) {
		if (!sl_worker_next_ask(d->worker[i].worker, &ask))
			continue;
		*port = ask.port;
		*addr = ask.addr;
		return true;
	}
	return false;
}

static bool
link_up(void *ctx, uint16_t port)
{
	struct daemon *d = ctx;

	return sl_port_link_up(d->port[port].port);
}

// All workers have the same clock: TSC and monotonic time of the start.
static uint64_t
now_ns(void *ctx)
{
	const struct daemon *d = ctx;

	return sl_worker_now_ns(d->worker[0].worker);
}

static void
slot_load(void *ctx, uint32_t slot, uint64_t *active, uint64_t *total)
{
	struct daemon *d = ctx;

	*active = *total = 0;
	for (unsigned i = 0; i < d->n_workers; i++) {
		const struct sl_fwd_load *load = &sl_worker_load(d->worker[i].worker)[slot];

		*active += __atomic_load_n(&load->active, __ATOMIC_RELAXED);
		*total += __atomic_load_n(&load->total, __ATOMIC_RELAXED);
	}
}

// All workers get the order, or none: a second one would end what was opened since the first.
static bool
reset_slot(void *ctx, uint32_t slot)
{
	struct daemon *d = ctx;
	bool ok = true;

	for (unsigned i = 0; ok && i < d->n_workers; i++)
		ok = sl_worker_has_room(d->worker[i].worker);
	for (unsigned i = 0; ok && i < d->n_workers; i++)
		ok = sl_worker_order_reset(d->worker[i].worker, slot);
	return ok;
}

int
control_start(struct daemon *d, char **why)
{
	struct sl_control_port ports[SL_PORT_MAX];
	struct sl_control_cfg cfg = {
		.base = d->base,
		.log = &d->log,
		.keep_log_level = d->opt.has_level,
		.conf = d->conf,
		.rcu = d->rcu,
		.host = d->host,
		.ports = ports,
		.n_ports = d->n_ports,
		.pool = d->pool,
		.n_pool = d->n_pool,
		.ask_fd = d->ask_fd,
		.next_ask = next_ask,
		.link_up = link_up,
		.now_ns = now_ns,
		.core = (int)d->control_core,
		.start_cpus = &d->other_cpus,
		.cpus = &d->spare_cpus,
		.slot_load = slot_load,
		.reset_slot = reset_slot,
		.ctx = d,
	};

	cfg.seed = random_seed(d->n_workers);
	for (uint16_t p = 0; p < d->n_ports; p++)
		ports[p] = (struct sl_control_port){
			.name = d->port[p].name, .mac = d->port[p].info.mac};
	d->control = sl_control_new(&cfg, why);
	if (!d->control)
		return -EINVAL;
	d->conf = NULL; // control's now
	return 0;
}

void
control_stop(struct daemon *d)
{
	sl_control_free(d->control);
}

// ---- socket ----

int
socket_start(struct daemon *d, char **why)
{
	const struct sl_conf *conf = sl_control_conf(d->control);
	struct sl_ctl_cfg cfg = {
		.path = conf->socket_path,
		.owner = conf->socket_owner,
		.group = conf->socket_group,
		.mode = conf->socket_mode,
		.log = &d->log,
		.ctx = d,
	};

	daemon_handlers(cfg.handlers);
	d->ctl = sl_ctl_listen(d->base, &cfg, why);
	return d->ctl ? 0 : -EIO;
}

void
socket_stop(struct daemon *d)
{
	sl_ctl_free(d->ctl);
}

// ---- traffic ----

static int
launch(struct daemon *d, char **why)
{
	unsigned lcore = RTE_MAX_LCORE;

	for (unsigned i = 0; i < d->n_workers; i++) {
		struct daemon_worker *w = &d->worker[i];
		int rc;

		lcore = rte_get_next_lcore(i == 0 ? (unsigned)-1 : lcore, 1, 0);
		w->lcore = lcore;
		rc = lcore < RTE_MAX_LCORE ? rte_eal_remote_launch(sl_worker_run, w->worker, lcore)
					   : -ENOENT;
		if (rc < 0) {
			*why = sl_xasprintf("worker %u: no thread: %s", i, strerror(-rc));
			return rc;
		}
		w->running = true;
	}
	return 0;
}

// All of it is known when the port was started.
static void
log_missing(struct daemon *d, const struct daemon_port *p)
{
	struct sl_port_info info;

	sl_port_info(p->port, &info);
	if (info.missing[0])
		sl_log(&d->log, SL_LOG_NOTICE, "port", "does without name=%s: %s", p->name,
			info.missing);
}

int
traffic_start(struct daemon *d, char **why)
{
	int rc = 0;

	for (uint16_t p = 0; rc == 0 && p < d->n_ports; p++) {
		rc = sl_port_start(d->port[p].port, why);
		if (rc == 0)
			rc = affinity_tell(d, &d->port[p], why);
		log_missing(d, &d->port[p]);
	}
	// The links are known before the first frame is looked at.
	if (rc == 0) {
		sl_control_follow_links(d->control);
		rc = launch(d, why);
	}
	if (rc == 0)
		rc = sl_mirror_start(d->mirror, why);
	if (rc < 0)
		traffic_stop(d);
	return rc;
}

void
traffic_stop(struct daemon *d)
{
	sl_mirror_stop(d->mirror);
	for (unsigned i = 0; i < d->n_workers; i++)
		if (d->worker[i].running)
			sl_worker_stop(d->worker[i].worker);
	for (unsigned i = 0; i < d->n_workers; i++) {
		if (d->worker[i].running)
			rte_eal_wait_lcore(d->worker[i].lcore);
		d->worker[i].running = false;
	}
	for (uint16_t p = 0; p < d->n_ports; p++) {
		affinity_untell(d, &d->port[p]);
		sl_port_stop(d->port[p].port);
	}
}
