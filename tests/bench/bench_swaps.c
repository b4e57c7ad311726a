// A thousand snapshots under load: one worker, which has a CPU of its own, carries UDP at 80 % of
// what it can, 262,144 flows of 10,000 services with ten endpoints each, one packet of 256 opening
// a new one; control, on another CPU, changes ten services, adds one or takes it away, and
// publishes the whole table, a thousand times. Every frame that leaves is looked at: a flow has to
// stay with its endpoint, a new one has to go to a set that was in force between its first packet's
// arrival and its leaving, and nothing may be missing.
//
// Frames wait in a receive ring, as in a NIC: those that do not find room there are lost, and told
// apart: a hypervisor that takes the CPU away fills it too, with swaps and without. Time that the
// kernel took away from the worker's thread is no load; it is told.
//
//   bench_swaps [--json] [SWAPS]      1 when a frame got lost inside or went astray
#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "node.h"
#include "sl_clock.h"
#include "sl_packet.h"
#include "sl_test.h"
#include "world.h"

#define SERVICES  10000
#define HOSTS     10
#define SLOTS     400000
#define FLOWS     (1u << 18)
#define NEW_EVERY 256
#define CHANGES   10   // services a swap
#define RING      4096 // descriptors
#define FRAME_LEN 60
#define NOTE_AT   (14 + 20 + 8)
#define SAMPLE    64 // of so many frames, one is taken apart
#define LOAD      0.8
#define SEGMENT   100 // swaps; before them the speed is measured anew, and as long without any
#define CALM_MS   1000
#define MAX_SWAPS 100000
#define NEW       UINT32_MAX // of a note: no flow of ours

enum phase { FILL, FULL_SPEED, PACED, QUIET };

// What a frame carries through: whose it is.
struct note {
	uint32_t flow;
	uint32_t service;
	uint32_t floor;
};

struct frame {
	uint8_t b[64];
};

struct rig {
	struct node *node;
	struct world *world;
	struct frame *flow; // [FLOWS]
	uint32_t *endpoint; // [FLOWS], where the first packet went
	uint32_t phase;     // enum phase; w: main, r: the worker
	uint64_t pps;       // likewise
	// the worker's
	uint32_t seen_phase, next, n_new;
	uint64_t begin, last; // cycles
	uint64_t arrived;     // since begin
	uint64_t off_ns;      // that the worker's thread did not run, as far as it is seen to
	uint64_t in, out, opened, overflow, moved, astray, bad; // relaxed: r: main
	uint64_t paused_ns;
};

static void
count(uint64_t *v, uint64_t n)
{
	__atomic_store_n(v, *v + n, __ATOMIC_RELAXED);
}

static uint64_t
read_count(const uint64_t *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

// ---- frames ----

static void
build(struct frame *f, uint32_t client, uint16_t sport, const struct note *note)
{
	struct packet k = {.eth_dst = {2, 0, 0, 0, 0, 0xa0},
		.eth_src = {2},
		.src = 0xc6120000u + client,
		.dst = world_vip(note->service),
		.sport = sport,
		.dport = WORLD_PORT,
		.proto = P_UDP,
		.payload_len = FRAME_LEN - NOTE_AT};
	uint8_t *ip = f->b + 14, *l4 = ip + 20;

	packet_build(&k, f->b);
	memcpy(f->b + NOTE_AT, note, sizeof(*note));
	put16(l4 + 6, 0);
	const uint32_t sum = ~l4_sum(ip, l4, FRAME_LEN - 34) & 0xffff;
	put16(l4 + 6, sum ? sum : 0xffff);
}

static void
build_new(struct rig *r, struct frame *f)
{
	const uint32_t i = r->n_new++;
	const struct note note = {
		.flow = NEW, .service = i % SERVICES, .floor = world_floor(r->world, i % SERVICES)};

	build(f, 0x4000 + i % 0xc000, (uint16_t)(1024 + i / 0xc000 % 64000), &note);
}

// ---- the port ----

static uint64_t
not_running_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return sl_clock_ns(NULL) - ((uint64_t)t.tv_sec * SL_NSEC_PER_SEC + (uint64_t)t.tv_nsec);
}

// The machine took the CPU away, for another task, an interrupt or another guest, so long that it
// shows: what would have come then comes later.
static void
look_for_pause(struct rig *r, uint64_t now)
{
	const uint64_t gap = now - r->last, hz = rte_get_tsc_hz();

	if (gap < hz / 20000)
		return;
	const uint64_t off_ns = not_running_ns() - r->off_ns, gap_ns = gap * 1000000 / (hz / 1000);
	const uint64_t pause_ns = off_ns < gap_ns ? off_ns : gap_ns;

	r->begin += pause_ns * (hz / 1000) / 1000000;
	r->off_ns += pause_ns;
	count(&r->paused_ns, pause_ns);
}

// How many frames wait now.
static unsigned
waiting(struct rig *r, unsigned n)
{
	const uint32_t phase = __atomic_load_n(&r->phase, __ATOMIC_ACQUIRE);
	const uint64_t now = rte_rdtsc();
	uint64_t due;

	if (phase != r->seen_phase) {
		r->seen_phase = phase;
		r->begin = r->last = now;
		r->arrived = 0;
		r->off_ns = not_running_ns();
	}
	if (phase == QUIET || (phase == FILL && r->next == FLOWS))
		return 0;
	if (phase != PACED)
		return n;
	look_for_pause(r, now);
	r->last = now;
	due = (uint64_t)((unsigned __int128)(now - r->begin) * r->pps / rte_get_tsc_hz()) -
	      r->arrived;
	if (due > RING) {
		count(&r->overflow, due - RING);
		r->arrived += due - RING;
		due = RING;
	}
	r->arrived += due < n ? due : n;
	return due < n ? (unsigned)due : n;
}

static void
fill(struct rig *r, struct rte_mbuf *m, bool first)
{
	struct frame *to = rte_pktmbuf_mtod(m, struct frame *);

	if (first && r->seen_phase != FILL && r->n_new < UINT32_MAX / 2)
		build_new(r, to);
	else if (r->seen_phase == FILL)
		*to = r->flow[r->next++];
	else // odd stride: every flow once a turn, no two neighbours in one line
		*to = r->flow[r->next = (r->next + 75029u) & (FLOWS - 1)];
	m->data_len = FRAME_LEN;
	m->pkt_len = FRAME_LEN;
}

static unsigned
rx(void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
	struct rig *r = ctx;
	unsigned got = 0;

	if (port != NODE_CLIENTS)
		return 0;
	n = waiting(r, n);
	for (; got < n && (r->seen_phase != FILL || r->next < FLOWS); got++) {
		if (!(frames[got] = node_frame_get()))
			break; // as lost as without a buffer for the ring
		fill(r, frames[got], (r->in + got) % NEW_EVERY == 0);
	}
	count(&r->in, got);
	if (r->seen_phase == PACED)
		count(&r->overflow, n - got);
	return got;
}

static void
look_at(struct rig *r, const struct rte_mbuf *m)
{
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t dst = get32(f + 30);
	const uint16_t dport = (uint16_t)get16(f + 36);
	struct note note;
	uint32_t service;

	memcpy(&note, f + NOTE_AT, sizeof(note));
	if (!world_endpoint(dst, dport, &service) || service != note.service) {
		count(&r->astray, 1);
	} else if (note.flow != NEW && r->endpoint[note.flow]) {
		count(&r->moved, r->endpoint[note.flow] != dst);
	} else {
		const uint32_t ceiling = world_ceiling(r->world, service);

		count(&r->opened, 1);
		count(&r->astray, !world_is_of(dst, note.floor, ceiling));
		if (note.flow != NEW)
			r->endpoint[note.flow] = dst;
	}
}

static void
tx(void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
	struct rig *r = ctx;
	struct packet k;

	for (unsigned i = 0; i < n; i++) {
		look_at(r, frames[i]);
		if ((r->out + i) % SAMPLE == 0)
			count(&r->bad, packet_read(rte_pktmbuf_mtod(frames[i], uint8_t *),
					       rte_pktmbuf_pkt_len(frames[i]), &k) != NULL ||
					       k.ttl != 63);
		node_frame_put(frames[i]);
	}
	count(&r->out, n);
}

// ---- control ----

static void
nap(unsigned us)
{
	const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

static void
set_phase(struct rig *r, enum phase phase)
{
	__atomic_store_n(&r->phase, phase, __ATOMIC_RELEASE);
}

static uint32_t
active(void *ctx, uint32_t slot)
{
	return node_active(((const struct rig *)ctx)->node, slot);
}

struct swaps {
	unsigned n, n_segments;
	uint64_t lost, calm_lost; // in the receive ring
	double full[MAX_SWAPS / SEGMENT + 1];
	double apply_ms[MAX_SWAPS]; // until it was published
	double grace_ms[MAX_SWAPS]; // until the worker had passed, and the old one was freed
};

static void
one_swap(struct rig *r, struct swaps *s, uint64_t *rnd)
{
	const uint64_t begin = sl_clock_ns(NULL);
	uint64_t published;

	for (unsigned i = 0; i < CHANGES; i++)
		world_change(r->world, (uint32_t)(sl_test_rand(rnd) % SERVICES));
	world_toggle(r->world);
	if (!world_apply(r->world, s->n % 4 == 0)) {
		fprintf(stderr, "bench_swaps: out of slots\n");
		exit(EXIT_FAILURE);
	}
	published = sl_clock_ns(NULL);
	while (!world_settle(r->world))
		sched_yield();
	s->apply_ms[s->n] = (double)(published - begin) / 1e6;
	s->grace_ms[s->n++] = (double)(sl_clock_ns(NULL) - published) / 1e6;
	world_reclaim(r->world, 4096);
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
rate(struct rig *r, unsigned ms)
{
	const uint64_t n = read_count(&r->in), begin = sl_clock_ns(NULL);

	nap(ms * 1000);
	return (double)(read_count(&r->in) - n) * 1e9 / (double)(sl_clock_ns(NULL) - begin);
}

// The rate that it can: the median of short looks, so that what others took does not count.
static double
full_speed(struct rig *r)
{
	double v[21];

	set_phase(r, FULL_SPEED);
	nap(500000);
	for (unsigned i = 0; i < SL_ARRAY_LEN(v); i++)
		v[i] = rate(r, 50);
	qsort(v, SL_ARRAY_LEN(v), sizeof(v[0]), by_value);
	return v[SL_ARRAY_LEN(v) / 2];
}

static void
make(struct rig *r)
{
	r->flow = aligned_alloc(SL_CACHE_LINE, FLOWS * sizeof(*r->flow));
	r->endpoint = calloc(FLOWS, sizeof(*r->endpoint));
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct note note = {.flow = i, .service = i % SERVICES};

		build(&r->flow[i], i & 0x3fff, (uint16_t)(1024 + (i >> 14)), &note);
	}
	r->node = node_new(&(struct node_cfg){.n_workers = 1,
		.max_flows = 1u << 21,
		.max_endpoints = SLOTS,
		.handshakes = 16,
		.frames = 16384,
		.pool = 31,
		.poll = true,
		.cpu = {1, -1, -1, -1},
		.seed = 1,
		.rx = rx,
		.tx = tx,
		.ctx = r});
	r->world = world_new(&(struct world_cfg){.rcu = node_rcu(r->node),
		.services = SERVICES,
		.hosts = HOSTS,
		.udp = true,
		.slots = SLOTS,
		.timeout_ns = 60 * SL_NSEC_PER_SEC,
		.active = active,
		.ctx = r});
}

static void
row(bool json, const char *name, const char *what, double value, const char *unit)
{
	if (json)
		printf(",\n {\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}", name, value, unit);
	else
		printf("  %-44s %10.3f %s\n", what, value, unit);
}

static bool
report(struct rig *r, struct swaps *s, bool json)
{
	const uint64_t inside = r->in - r->out, lost = inside + s->lost;
	const uint64_t wrong = r->moved + r->astray + r->bad;

	qsort(s->apply_ms, s->n, sizeof(double), by_value);
	qsort(s->grace_ms, s->n, sizeof(double), by_value);
	qsort(s->full, s->n_segments, sizeof(double), by_value);
	if (json)
		printf("[{\"name\":\"swaps-lost\",\"value\":%llu,\"unit\":\"packets\",\"note\":"
		       "\"%llu of them inside, the others found the receive ring full; %u swaps, "
		       "and "
		       "%llu lost in as long without one\"},\n"
		       " {\"name\":\"swaps-missteered\",\"value\":%llu,\"unit\":\"packets\"},\n"
		       " {\"name\":\"swap-ms\",\"value\":%.3f,\"lo\":%.3f,\"hi\":%.3f,\"unit\":"
		       "\"ms\"}",
			(unsigned long long)lost, (unsigned long long)inside, s->n,
			(unsigned long long)s->calm_lost, (unsigned long long)wrong,
			s->apply_ms[s->n / 2], s->apply_ms[0], s->apply_ms[s->n - 1]);
	else
		printf("%u swaps of %u services x %u endpoints, %.0f M packets, %.2f M new flows\n"
		       "  lost %llu (%llu of them: the receive ring was full), mis-steered %llu: "
		       "%llu "
		       "moved, %llu astray, %llu wrong of those sampled\n"
		       "  a swap, until it is published: median %.3f ms, at most %.3f ms\n",
			s->n, SERVICES, HOSTS, (double)r->in / 1e6, (double)r->opened / 1e6,
			(unsigned long long)lost, (unsigned long long)s->lost,
			(unsigned long long)wrong, (unsigned long long)r->moved,
			(unsigned long long)r->astray, (unsigned long long)r->bad,
			s->apply_ms[s->n / 2], s->apply_ms[s->n - 1]);
	row(json, "swap-grace-ms", "until the old one is freed, median", s->grace_ms[s->n / 2],
		"ms");
	row(json, "swap-grace-max-ms", "until the old one is freed, at most", s->grace_ms[s->n - 1],
		"ms");
	row(json, "swaps-calm-lost", "lost at this pace without a swap", (double)s->calm_lost,
		"packets");
	row(json, "swaps-full-mpps", "the worker can, and had 80 % of it",
		s->full[s->n_segments / 2] / 1e6, "Mpps");
	row(json, "swaps-paused-ms", "others had its CPU for", (double)r->paused_ns / 1e6, "ms");
	if (json)
		printf("]\n");
	return inside == 0 && wrong == 0 && r->opened > FLOWS;
}

// The machine is not the same all the time: a segment tells what the worker can do now, and what is
// lost at this pace when nothing is swapped.
static void
segment(struct rig *r, struct swaps *s, unsigned swaps, uint64_t *rnd)
{
	uint64_t begin;

	set_phase(r, QUIET);
	nap(10000);
	s->full[s->n_segments] = full_speed(r);
	set_phase(r, QUIET);
	nap(10000);
	r->pps = (uint64_t)(s->full[s->n_segments++] * LOAD);
	set_phase(r, PACED);
	nap(100000);
	begin = read_count(&r->overflow);
	nap(CALM_MS * 1000);
	s->calm_lost += read_count(&r->overflow) - begin;
	begin = read_count(&r->overflow);
	for (unsigned i = 0; i < SEGMENT && s->n < swaps; i++)
		one_swap(r, s, rnd);
	s->lost += read_count(&r->overflow) - begin;
}

static void
run(struct rig *r, struct swaps *s, unsigned swaps)
{
	uint64_t rnd = sl_clock_ns(NULL) | 1;
	cpu_set_t zero;

	node_start(r->node);
	CPU_ZERO(&zero);
	CPU_SET(0, &zero);
	sched_setaffinity(0, sizeof(zero), &zero);
	while (read_count(&r->out) < FLOWS)
		nap(1000);
	while (s->n < swaps)
		segment(r, s, swaps, &rnd);
	set_phase(r, QUIET);
	nap(50000);
	node_stop(r->node);
}

int
main(int argc, char **argv)
{
	static struct rig r;
	static struct swaps s;
	unsigned swaps = 1000;
	const char *books;
	bool json = false, ok;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			swaps = (unsigned)atoi(argv[i]);
	if (swaps < 1 || swaps > MAX_SWAPS)
		swaps = 1000;
	make(&r);
	run(&r, &s, swaps);
	ok = report(&r, &s, json);
	books = node_books(r.node, r.in, r.out);
	if (books)
		fprintf(stderr, "bench_swaps: %s\n", books);
	world_free(r.world);
	node_free(r.node);
	free(r.flow);
	free(r.endpoint);
	return ok && !books ? EXIT_SUCCESS : EXIT_FAILURE;
}
