#include "node.h"

#include <pthread.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sl_owner.h"
#include "sl_sport.h"
#include "sl_test.h"
#include "worker_priv.h"

#define STASH        256 // frames of a worker at hand, at most
#define HASH_ENTRIES 128

// Who has a frame; kept in it.
enum holder { POOL, CALLER, WORKER };
#define HOLDER(m) ((m)->dynfield1[0])

struct frame {
	struct rte_mbuf m;
	uint8_t room[RTE_PKTMBUF_HEADROOM + NODE_ROOM];
} __rte_cache_aligned;

// Frames of one thread, which the others do not touch.
struct stash {
	unsigned n;
	unsigned wrong; // frames that came from somebody who did not have them
	struct rte_mbuf *frame[STASH];
} __rte_cache_aligned;

struct queue {
	struct node *node;
	unsigned worker;
	unsigned port;
};

struct lane {
	struct node *node;
	struct sl_worker *worker;
	pthread_t thread;
	struct stash stash;
	struct queue queue[NODE_PORTS];
};

struct node {
	struct node_cfg cfg;
	struct sl_conf *conf;
	struct sl_rcu *rcu;
	struct sl_owner owner;
	uint64_t spray_key[2];
	struct rte_mempool pool;
	struct lane lane[NODE_WORKERS];
	struct frame *frames;
	// All that no thread has in its stash.
	pthread_mutex_t lock;
	struct rte_mbuf **depot;
	unsigned n_depot;
	unsigned wrong;
	int fd;
	uint32_t mirror_asleep;
	void *queues[NODE_PORTS][NODE_WORKERS];
};

static struct node *the_node; // the pool's functions get no context
static _Thread_local struct stash *mine;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "node: %s\n", what);
	abort();
}

// rte_ring_free_count() reads the other side's index as a volatile word, which is no atomic to
// ThreadSanitizer, and what it returns may be old at once (sl_worker_has_room()).
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
	return "race:rte_ring_count\n";
}

// ---- in place of EAL's ----

void *
rte_zmalloc(const char *type, size_t bytes, unsigned align)
{
	const size_t whole = RTE_ALIGN_CEIL(bytes, (size_t)SL_CACHE_LINE);
	void *p = aligned_alloc(SL_CACHE_LINE, whole);

	must(align <= SL_CACHE_LINE, "alignment");
	return p ? memset(p, 0, whole) : NULL;
}

void
rte_free(void *p)
{
	free(p);
}

uint64_t
rte_get_tsc_hz(void)
{
	static uint64_t hz;

	if (hz == 0) {
		const struct timespec nap = {.tv_nsec = 100000000};
		struct timespec a, b;
		const uint64_t begin = rte_rdtsc();

		clock_gettime(CLOCK_MONOTONIC, &a);
		nanosleep(&nap, NULL);
		const uint64_t cycles = rte_rdtsc() - begin;
		clock_gettime(CLOCK_MONOTONIC, &b);
		hz = (uint64_t)((double)cycles * 1e9 /
				((double)(b.tv_sec - a.tv_sec) * 1e9 +
					(double)(b.tv_nsec - a.tv_nsec)));
	}
	return hz;
}

// ---- frames ----

static void
pass(struct rte_mbuf *m, enum holder from, enum holder to)
{
	if (HOLDER(m) != from)
		(*(mine ? &mine->wrong : &the_node->wrong))++;
	HOLDER(m) = to;
}

// Between a stash and the depot, half a stash at a time.
static void
refill(struct stash *s)
{
	struct node *n = the_node;

	pthread_mutex_lock(&n->lock);
	while (s->n < STASH / 2 && n->n_depot > 0)
		s->frame[s->n++] = n->depot[--n->n_depot];
	pthread_mutex_unlock(&n->lock);
}

static void
empty(struct stash *s, unsigned down_to)
{
	struct node *n = the_node;

	pthread_mutex_lock(&n->lock);
	while (s->n > down_to)
		n->depot[n->n_depot++] = s->frame[--s->n];
	pthread_mutex_unlock(&n->lock);
}

static struct rte_mbuf *
take(void)
{
	if (mine->n == 0)
		refill(mine);
	return mine->n > 0 ? mine->frame[--mine->n] : NULL;
}

static void
give(struct rte_mbuf *m)
{
	struct stash one = {.n = 0};
	struct stash *s = mine ? mine : &one; // outside of the workers' threads there is none

	if (s->n == STASH)
		empty(s, STASH / 2);
	s->frame[s->n++] = m;
	if (!mine)
		empty(s, 0);
}

struct rte_mbuf *
node_frame_get(void)
{
	struct rte_mbuf *m = take();

	if (m) {
		pass(m, POOL, CALLER);
		rte_pktmbuf_reset(m);
	}
	return m;
}

void
node_frame_put(struct rte_mbuf *m)
{
	pass(m, CALLER, POOL);
	give(m);
}

// The workers' side: rte_pktmbuf_alloc() and rte_pktmbuf_free() end here.
static int
pool_put(struct rte_mempool *pool, void *const *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pass(v[i], WORKER, POOL);
		give(v[i]);
	}
	return 0;
}

static int
pool_get(struct rte_mempool *pool, void **v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = take();

		if (!m) {
			while (i > 0)
				give(v[--i]);
			return -ENOBUFS;
		}
		v[i] = m;
	}
	for (unsigned i = 0; i < n; i++)
		pass(v[i], POOL, WORKER);
	return 0;
}

static unsigned
pool_count(const struct rte_mempool *pool)
{
	return the_node->n_depot;
}

static int
pool_alloc(struct rte_mempool *pool)
{
	return 0;
}

static void
make_frames(struct node *n)
{
	static const struct rte_mempool_ops ops = {.name = "node",
		.alloc = pool_alloc,
		.enqueue = pool_put,
		.dequeue = pool_get,
		.get_count = pool_count};
	static int index = -1;

	if (index < 0)
		index = rte_mempool_register_ops(&ops);
	must(index >= 0, "the pool's functions");
	n->pool.ops_index = index;
	n->frames = rte_zmalloc(NULL, n->cfg.frames * sizeof(*n->frames), 0);
	n->depot = calloc(n->cfg.frames, sizeof(struct rte_mbuf *));
	must(n->frames && n->depot, "memory for frames");
	for (uint32_t i = 0; i < n->cfg.frames; i++) {
		struct rte_mbuf *m = &n->frames[i].m;

		m->pool = &n->pool;
		m->buf_addr = n->frames[i].room;
		m->buf_len = sizeof(n->frames[i].room);
		rte_mbuf_refcnt_set(m, 1);
		m->nb_segs = 1;
		n->depot[n->n_depot++] = m;
	}
}

// ---- devices ----

static uint16_t
rx_burst(void *queue, struct rte_mbuf **frames, uint16_t n)
{
	const struct queue *q = queue;
	const struct node_cfg *cfg = &q->node->cfg;
	const unsigned got = cfg->rx(cfg->ctx, q->worker, q->port, frames, n);

	for (unsigned i = 0; i < got; i++)
		pass(frames[i], CALLER, WORKER);
	return (uint16_t)got;
}

static uint16_t
tx_burst(void *queue, struct rte_mbuf **frames, uint16_t n)
{
	const struct queue *q = queue;
	const struct node_cfg *cfg = &q->node->cfg;

	for (unsigned i = 0; i < n; i++)
		pass(frames[i], WORKER, CALLER);
	cfg->tx(cfg->ctx, q->worker, q->port, frames, n);
	return n;
}

static void
make_devices(struct node *n)
{
	static void *no_callbacks[NODE_WORKERS];

	for (unsigned p = 0; p < NODE_PORTS; p++) {
		struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[p];

		for (unsigned w = 0; w < n->cfg.n_workers; w++) {
			n->lane[w].queue[p] = (struct queue){.node = n, .worker = w, .port = p};
			n->queues[p][w] = &n->lane[w].queue[p];
		}
		ops->rx_pkt_burst = rx_burst;
		ops->tx_pkt_burst = tx_burst;
		ops->rxq.data = ops->txq.data = n->queues[p];
		ops->rxq.clbk = ops->txq.clbk = no_callbacks;
	}
}

// ---- workers ----

static struct sl_worker *
make_worker(struct node *n, unsigned i)
{
	static const struct sl_mac mac[NODE_PORTS] = {
		{{2, 0, 0, 0, 0, 0xa0}}, {{2, 0, 0, 0, 0, 0xa1}}};
	struct sl_worker_port port[NODE_PORTS] = {
		{.dpdk_id = 0, .has_tx = true, .tx_queue = (uint16_t)i},
		{.dpdk_id = 1, .has_tx = i == 0},
	};
	sl_be32 pool[31];
	char *why = NULL;

	for (unsigned p = 0; p < NODE_PORTS; p++) {
		port[p].rx_first = (uint16_t)i;
		port[p].rx_queues = (uint16_t)n->cfg.n_workers;
		port[p].max_frame = 1514;
	}
	port[NODE_SERVERS].spray = i == 0;
	must(n->cfg.pool <= SL_ARRAY_LEN(pool), "pool");
	for (uint32_t a = 0; a < n->cfg.pool; a++)
		pool[a] = sl_cpu_to_be32(0xcb0071e0u + a);
	const struct sl_worker_cfg cfg = {.id = i,
		.owner = &n->owner,
		.spray_key = n->spray_key,
		.conf = n->conf,
		.ports = port,
		.port_mac = mac,
		.n_ports = NODE_PORTS,
		.pool = pool,
		.n_pool = n->cfg.pool,
		.rcu = n->rcu,
		.frames = &n->pool,
		.punt_fd = n->fd,
		.ask_fd = n->fd,
		.mirror_asleep = &n->mirror_asleep,
		.seed = n->cfg.seed};
	struct sl_worker *w = sl_worker_new(&cfg, &why);

	must(w, why ? why : "worker");
	return w;
}

// A key of chance, until it is one that will do.
static void
make_owner(struct node *n)
{
	uint64_t rnd = n->cfg.seed | 1, key[SL_OWNER_KEY_BYTES / 8];

	n->spray_key[0] = sl_test_rand(&rnd);
	n->spray_key[1] = sl_test_rand(&rnd);
	sl_owner_by_port(&n->owner, n->cfg.n_workers);
	if (!n->cfg.by_hash)
		return;
	do {
		key[0] = sl_test_rand(&rnd);
		key[1] = sl_test_rand(&rnd);
	} while (sl_owner_by_hash(
			 &n->owner, n->cfg.n_workers, (const uint8_t *)key, HASH_ENTRIES) != 0);
}

struct node *
node_new(const struct node_cfg *cfg)
{
	struct node *n = rte_zmalloc(NULL, sizeof(*n), 0);
	struct sl_worker *workers[NODE_WORKERS];

	must(n && !the_node && cfg->n_workers <= NODE_WORKERS, "one node");
	the_node = n;
	n->cfg = *cfg;
	n->fd = eventfd(0, EFD_NONBLOCK);
	pthread_mutex_init(&n->lock, NULL);
	make_owner(n);
	make_frames(n);
	make_devices(n);
	n->rcu = sl_rcu_new(cfg->n_workers);
	n->conf = sl_conf_new();
	must(n->rcu && n->conf, "memory");
	n->conf->n_workers = cfg->n_workers;
	n->conf->max_flows = cfg->max_flows;
	n->conf->max_endpoints = cfg->max_endpoints;
	n->conf->handshakes = cfg->handshakes;
	n->conf->idle = cfg->poll ? SL_IDLE_POLL : SL_IDLE_ADAPTIVE;
	for (unsigned i = 0; i < cfg->n_workers; i++) {
		n->lane[i].node = n;
		n->lane[i].worker = workers[i] = make_worker(n, i);
	}
	sl_worker_connect(workers, cfg->n_workers);
	return n;
}

void
node_free(struct node *n)
{
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		sl_worker_free(n->lane[i].worker);
	sl_rcu_free(n->rcu);
	sl_conf_free(n->conf);
	close(n->fd);
	free(n->depot);
	free(n->frames);
	pthread_mutex_destroy(&n->lock);
	the_node = NULL;
	free(n);
}

struct sl_rcu *
node_rcu(struct node *n)
{
	return n->rcu;
}

struct sl_worker *
node_worker(struct node *n, unsigned i)
{
	return n->lane[i].worker;
}

static void *
lane_main(void *arg)
{
	struct lane *l = arg;
	const int cpu = l->node->cfg.cpu[l->queue[0].worker];
	cpu_set_t set;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((unsigned)cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	mine = &l->stash;
	sl_worker_run(l->worker);
	mine = NULL;
	return NULL;
}

void
node_start(struct node *n)
{
	for (unsigned i = 0; i < n->cfg.n_workers; i++) {
		n->lane[i].worker->stop = 0;
		must(pthread_create(&n->lane[i].thread, NULL, lane_main, &n->lane[i]) == 0,
			"thread");
	}
}

void
node_stop(struct node *n)
{
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		sl_worker_stop(n->lane[i].worker);
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		pthread_join(n->lane[i].thread, NULL);
}

void
node_skip(struct node *n, uint64_t ns)
{
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		n->lane[i].worker->ns_base += ns;
}

bool
node_order_reset(struct node *n, uint32_t slot)
{
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		if (!sl_worker_has_room(n->lane[i].worker))
			return false;
	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		sl_worker_order_reset(n->lane[i].worker, slot);
	return true;
}

uint32_t
node_active(struct node *n, uint32_t slot)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < n->cfg.n_workers; i++)
		sum += __atomic_load_n(
			&sl_worker_load(n->lane[i].worker)[slot].active, __ATOMIC_RELAXED);
	return sum;
}

// ---- counting ----

static void
walk(const struct sl_worker *w, struct node_count *out)
{
	struct sl_flow_view view[64];
	uint32_t cursor = 0;

	while (cursor != UINT32_MAX) {
		const unsigned n = sl_flow_walk(sl_worker_flows(w), &cursor, view, 64, 4096);

		out->entries += n;
		for (unsigned i = 0; i < n; i++)
			out->open += view[i].state < SL_FLOW_CLOSING;
	}
}

void
node_count(struct node *n, struct node_count *out)
{
	*out = (struct node_count){.frames = n->cfg.frames - n->n_depot};
	for (unsigned i = 0; i < n->cfg.n_workers; i++) {
		const struct sl_worker *w = n->lane[i].worker;

		out->frames -= n->lane[i].stash.n;
		out->live += sl_flow_live(sl_worker_flows(w));
		out->ports += sl_sport_lent(sl_worker_sports(w), SL_PROTO_TCP) +
			      sl_sport_lent(sl_worker_sports(w), SL_PROTO_UDP);
		walk(w, out);
	}
	for (uint32_t s = 0; s < n->cfg.max_endpoints; s++)
		out->load += node_active(n, s);
}

void
node_stats(struct node *n, struct sl_stats_block *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < n->cfg.n_workers; i++) {
		struct sl_stats_block b;

		sl_stats_read(sl_worker_stats(n->lane[i].worker), &b);
		sl_stats_add(sum, &b);
	}
}

static const char *
worker_books(const struct sl_worker *w)
{
	const struct sl_stats_block *b = &sl_worker_stats(w)->local;
	const uint64_t *c = b->counter;

	if (c[SL_C_RX] + c[SL_C_HANDED_IN] != c[SL_C_FORWARDED] + c[SL_C_PUNTED] + c[SL_C_HELD] +
						      c[SL_C_HANDED_OFF] + sl_stats_drops(b))
		return "received packets are not what became of them";
	if (c[SL_C_TX] != c[SL_C_FORWARDED] + c[SL_C_REPLIES] + c[SL_C_RETRIED] + c[SL_C_INJECTED])
		return "sent packets are not what was sent";
	if (sl_flow_live(sl_worker_flows(w)) != c[SL_C_FLOWS_CREATED] - c[SL_C_FLOWS_EXPIRED] -
							c[SL_C_FLOWS_REPLACED] -
							c[SL_C_FLOWS_EVICTED])
		return "flows created are not those that live or went";
	return NULL;
}

const char *
node_books(struct node *n, uint64_t received, uint64_t sent)
{
	struct sl_stats_block b;
	struct node_count c;
	unsigned wrong = n->wrong;

	for (unsigned i = 0; i < n->cfg.n_workers; i++) {
		const char *why = worker_books(n->lane[i].worker);

		if (why)
			return why;
		wrong += n->lane[i].stash.wrong;
	}
	node_stats(n, &b);
	node_count(n, &c);
	if (wrong)
		return "a frame came from somebody who did not have it";
	if (b.counter[SL_C_RX] != received || b.counter[SL_C_TX] != sent)
		return "frames at the ports are not those that the workers counted";
	if (c.live != c.entries || c.live != c.ports)
		return "flows, table entries and source ports are not the same number";
	if (c.load != c.open)
		return "open flows are not what endpoints are charged with";
	return NULL;
}
