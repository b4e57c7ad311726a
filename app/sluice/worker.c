#include "worker.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sl_clock.h"
#include "sl_str.h"
#include "worker_priv.h"

static void *
mem_alloc(void *ctx, size_t bytes)
{
	// Through EAL's heap: hugepages when there are some, plain memory when not.
	return rte_zmalloc("sluice", bytes, SL_CACHE_LINE);
}

static void
mem_free(void *ctx, void *p)
{
	rte_free(p);
}

static const struct sl_flow_mem hugepages = {.alloc = mem_alloc, .free = mem_free};

// The pipe asks for a next hop: the question goes up, and a bell rings.
static void
ask(void *ctx, uint16_t port, sl_be32 addr)
{
	struct sl_worker *w = ctx;
	const struct sl_ask question = {.port = port, .addr = addr};
	const uint64_t one = 1;

	if (rte_ring_sp_enqueue_elem(w->ask, (void *)&question, sizeof(question)) < 0)
		return; // asked again within the second
	if (write(w->ask_fd, &one, sizeof(one)) < 0)
		return; // full counter: control is on its way
}

static bool
frame_new(void *ctx, struct sl_pkt *pkt)
{
	struct sl_worker *w = ctx;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->frames);

	if (!m)
		return false;
	*pkt = (struct sl_pkt){
		.data = rte_pktmbuf_mtod(m, uint8_t *),
		.room = rte_pktmbuf_tailroom(m),
		.buf = m,
	};
	return true;
}

// Not rte_ring_create(): that takes one of EAL's 2560 memory zones, and there is a ring for each
// pair of workers.
static struct rte_ring *
ring_new(const char *what, unsigned a, unsigned b, unsigned size, unsigned elem_bytes)
{
	const ssize_t bytes = rte_ring_get_memsize_elem(elem_bytes, size);
	struct rte_ring *ring = bytes < 0 ? NULL : mem_alloc(NULL, (size_t)bytes);
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s_%u_%u", what, a, b);
	if (ring && rte_ring_init(ring, name, size, RING_F_SP_ENQ | RING_F_SC_DEQ) < 0) {
		mem_free(NULL, ring);
		ring = NULL;
	}
	return ring;
}

static void
ring_free(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	if (!ring)
		return;
	while (rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	mem_free(NULL, ring);
}

static bool
make_rings(struct sl_worker *w)
{
	w->punt = ring_new("punt", w->id, 0, SL_PUNT_RING, sizeof(void *));
	w->inject = ring_new("inject", w->id, 0, SL_INJECT_RING, sizeof(void *));
	w->ask = ring_new("ask", w->id, 0, SL_ASK_RING, sizeof(struct sl_ask));
	w->orders = ring_new("orders", w->id, 0, SL_ORDER_RING, sizeof(uint32_t));
	if (!w->punt || !w->inject || !w->ask || !w->orders)
		return false;
	for (unsigned i = 0; i < w->n_workers; i++) {
		if (i == w->id)
			continue;
		w->handoff_in[i] = ring_new("handoff", i, w->id, SL_HANDOFF_RING, sizeof(void *));
		if (!w->handoff_in[i])
			return false;
	}
	return true;
}

static bool
make_tables(struct sl_worker *w, const struct sl_worker_cfg *cfg)
{
	const struct sl_conf *conf = cfg->conf;
	uint16_t reserved[UINT16_MAX + 1];
	const struct sl_sport_range range = {
		.first = (uint16_t)conf->pool_port_first,
		.last = (uint16_t)conf->pool_port_last,
		.reserved = reserved,
		.n_reserved = conf->n_pool_reserved,
		.reserve = conf->pool_reserve,
	};

	for (uint32_t i = 0; i < conf->n_pool_reserved && i <= UINT16_MAX; i++)
		reserved[i] = (uint16_t)conf->pool_reserved[i];
	w->flows =
		sl_flow_table_new(conf->max_flows / cfg->owner->n_workers, w->ns_base, &hugepages);
	w->sports = w->flows ? sl_sport_new(cfg->pool, cfg->n_pool, &range, cfg->id, cfg->owner,
				       w->flows, &hugepages)
			     : NULL;
	w->load = mem_alloc(NULL, (size_t)conf->max_endpoints * sizeof(*w->load));
	return w->flows && w->sports && w->load;
}

static bool
make_pipe(struct sl_worker *w, const struct sl_worker_cfg *cfg)
{
	const struct sl_pipe_cfg pipe = {
		.worker = cfg->id,
		.owner = cfg->owner,
		.flows = w->flows,
		.sports = w->sports,
		.load = w->load,
		.n_slots = cfg->conf->max_endpoints,
		.stats = &w->stats,
		.port_mac = cfg->port_mac,
		.n_ports = cfg->n_ports,
		.seed = cfg->seed + cfg->id,
		.hold_total = cfg->conf->hold_packets,
		.hold_ns = cfg->conf->hold_ns,
		.ask = ask,
		.syns = cfg->conf->handshakes,
		.frame_new = frame_new,
		.ctx = w,
	};

	w->pipe = sl_pipe_new(&pipe);
	return w->pipe != NULL;
}

struct sl_worker *
sl_worker_new(const struct sl_worker_cfg *cfg, char **why)
{
	struct sl_worker *w = mem_alloc(NULL, sizeof(*w));

	if (!w)
		goto no_memory;
	w->id = cfg->id;
	w->n_workers = cfg->owner->n_workers;
	w->owner = cfg->owner;
	memcpy(w->spray_key, cfg->spray_key, sizeof(w->spray_key));
	w->n_ports = cfg->n_ports;
	memcpy(w->port, cfg->ports, cfg->n_ports * sizeof(w->port[0]));
	w->rcu = cfg->rcu;
	w->frames = cfg->frames;
	w->punt_fd = cfg->punt_fd;
	w->ask_fd = cfg->ask_fd;
	w->mirror_asleep = cfg->mirror_asleep;
	w->always_poll = cfg->conf->idle == SL_IDLE_POLL;
	w->idle_max_ns = cfg->conf->idle_max_sleep_us * 1000;
	w->tsc_to_ns = (SL_NSEC_PER_SEC << 32) / rte_get_tsc_hz();
	w->tsc_base = rte_rdtsc();
	w->ns_base = sl_clock_ns(NULL);
	if (make_rings(w) && make_tables(w, cfg) && make_pipe(w, cfg))
		return w;
	sl_worker_free(w);
no_memory:
	*why = sl_xasprintf("worker %u: not enough memory for %u flows and %u endpoints: raise "
			    "memory.size, or lower flows.max",
		cfg->id, cfg->conf->max_flows / cfg->owner->n_workers, cfg->conf->max_endpoints);
	errno = ENOMEM;
	return NULL;
}

void
sl_worker_free(struct sl_worker *w)
{
	if (!w)
		return;
	sl_pipe_free(w->pipe);
	mem_free(NULL, w->load);
	sl_sport_free(w->sports);
	sl_flow_table_free(w->flows);
	for (unsigned i = 0; i < w->n_workers; i++)
		ring_free(w->handoff_in[i]);
	mem_free(NULL, w->orders);
	mem_free(NULL, w->ask);
	ring_free(w->inject);
	ring_free(w->punt);
	mem_free(NULL, w);
}

void
sl_worker_connect(struct sl_worker *const workers[], unsigned n)
{
	for (unsigned from = 0; from < n; from++)
		for (unsigned to = 0; to < n; to++)
			workers[from]->handoff_out[to] = workers[to]->handoff_in[from];
}

void
sl_worker_stop(struct sl_worker *w)
{
	__atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
}

struct rte_ring *
sl_worker_punt_ring(struct sl_worker *w)
{
	return w->punt;
}

struct rte_ring *
sl_worker_inject_ring(struct sl_worker *w)
{
	return w->inject;
}

bool
sl_worker_next_ask(struct sl_worker *w, struct sl_ask *out)
{
	return rte_ring_sc_dequeue_elem(w->ask, out, sizeof(*out)) == 0;
}

bool
sl_worker_order_reset(struct sl_worker *w, uint32_t slot)
{
	return rte_ring_sp_enqueue_elem(w->orders, &slot, sizeof(slot)) == 0;
}

bool
sl_worker_has_room(const struct sl_worker *w)
{
	return rte_ring_free_count(w->orders) > 0;
}

uint64_t
sl_worker_now_ns(const struct sl_worker *w)
{
	return worker_clock_ns(w, rte_rdtsc());
}

const struct sl_stats *
sl_worker_stats(const struct sl_worker *w)
{
	return &w->stats;
}

const struct sl_flow_table *
sl_worker_flows(const struct sl_worker *w)
{
	return w->flows;
}

const struct sl_fwd_load *
sl_worker_load(const struct sl_worker *w)
{
	return w->load;
}

const struct sl_sport *
sl_worker_sports(const struct sl_worker *w)
{
	return w->sports;
}
