// Both ends of a gateway on one core: port 0 is the clients' side, port 1 the servers'. Frames of
// UDP go out of port 0, come in at port 1, are answered there, and end at port 0. All are looked
// at, one in SAMPLE with checksums and the way of its flow; latency is that of the time-stamp
// counter, which every frame carries. Rig B of scripts/bench (rig/memif.py) drives it, as it is
// told on standard input:
//
//   fill                    each flow once, in order
//   run RATE NEW SECONDS    RATE frames a second from the clients, 0: as many as the gateway
//   answers, with
//                           WINDOW of them on the way; NEW in a thousand open a flow of their own
//
// Each command is answered by one line of JSON, the end of input ends it.
//
//   traffic EAL-OPTIONS -- FLOWS 0|ENDPOINT N POOL N PORT TTL
//
// After FLOWS: 0 for a peer that translates nothing, or the first endpoint and how many there are,
// the first source address and how many, the target port, and by how much a pass lowers the TTL.
#include <arpa/inet.h>
#include <fcntl.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "traffic_frame.h"

#define BURST     32u
#define WINDOW    512u // less than any ring between has, so that none is ever full
#define SAMPLE    64u
#define MBUFS     16384
#define LINK_S    20
#define QUIET_S   0.2 // after so long without a frame, those that are missing are lost
#define MAX_BURST (4 * BURST)
// Latencies: 64 bins an octave, so that a figure is exact to 1.6 %.
#define BINS (64 * 58)

enum { CLIENTS, SERVERS };

struct phase {
	uint64_t sent, bursts, answered, passed, judged, wrong, others, not_sent, opened;
	const char *complaint;
	uint32_t one_way[BINS], both_ways[BINS];
};

struct traffic {
	struct rte_mempool *pool;
	struct traffic_frame template;
	struct traffic_wanted want;
	struct traffic_way *ways;
	uint32_t flows, next_new, seq;
	uint64_t under_way, last_seen, hz;
	struct phase now;
};

static unsigned
bin_of(uint64_t cycles)
{
	if (cycles < 64)
		return (unsigned)cycles;
	const unsigned octave = 63 - (unsigned)__builtin_clzll(cycles);

	return (octave - 5) * 64 + (unsigned)((cycles >> (octave - 6)) & 63);
}

static uint64_t
cycles_of(unsigned bin)
{
	if (bin < 128)
		return bin;
	return (uint64_t)(64 + bin % 64) << (bin / 64 - 1);
}

static uint64_t
quantile(const uint32_t *bins, double part)
{
	uint64_t all = 0, so_far = 0;
	unsigned i;

	for (i = 0; i < BINS; i++)
		all += bins[i];
	for (i = 0; i < BINS - 1; i++) {
		so_far += bins[i];
		if (so_far >= part * (double)all)
			break;
	}
	return cycles_of(i);
}

static void
judged(struct phase *p, const char *bad)
{
	p->judged++;
	if (bad == NULL)
		return;
	p->wrong++;
	p->complaint = bad;
}

static void
send_all(struct phase *p, uint16_t port, struct rte_mbuf **frames, unsigned n)
{
	const unsigned sent = n ? rte_eth_tx_burst(port, 0, frames, (uint16_t)n) : 0;

	p->not_sent += n - sent;
	if (sent < n)
		rte_pktmbuf_free_bulk(frames + sent, n - sent);
}

// The servers' end: what 5tswap does, after a look.
static unsigned
serve(struct traffic *t)
{
	struct rte_mbuf *frames[BURST], *answers[BURST];
	const unsigned n = rte_eth_rx_burst(SERVERS, 0, frames, BURST);
	const uint64_t tsc = rte_rdtsc();
	unsigned ours = 0;

	for (unsigned i = 0; i < n; i++) {
		struct traffic_frame *f = rte_pktmbuf_mtod(frames[i], struct traffic_frame *);

		if (!traffic_is_ours(f, rte_pktmbuf_data_len(frames[i]))) {
			t->now.others++;
			rte_pktmbuf_free(frames[i]);
			continue;
		}
		const bool whole = f->stamp.seq % SAMPLE == 0;
		struct traffic_way *way =
			whole && f->stamp.flow < t->flows ? &t->ways[f->stamp.flow] : NULL;

		judged(&t->now, traffic_judge_request(f, &t->want, way, whole));
		t->now.one_way[bin_of(tsc - f->stamp.tsc)]++;
		traffic_answer(f);
		answers[ours++] = frames[i];
	}
	t->now.passed += ours;
	send_all(&t->now, SERVERS, answers, ours);
	return n;
}

// The clients' end.
static unsigned
collect(struct traffic *t)
{
	struct rte_mbuf *frames[BURST];
	const unsigned n = rte_eth_rx_burst(CLIENTS, 0, frames, BURST);
	const uint64_t tsc = rte_rdtsc();

	for (unsigned i = 0; i < n; i++) {
		const struct traffic_frame *f = rte_pktmbuf_mtod(frames[i], struct traffic_frame *);

		if (!traffic_is_ours(f, rte_pktmbuf_data_len(frames[i]))) {
			t->now.others++;
			continue;
		}
		judged(&t->now, traffic_judge_answer(f, &t->want, f->stamp.seq % SAMPLE == 0));
		t->now.both_ways[bin_of(tsc - f->stamp.tsc)]++;
		t->now.answered++;
		t->under_way -= t->under_way > 0;
	}
	rte_pktmbuf_free_bulk(frames, n);
	return n;
}

// A frame's flow: any of the flows, evenly, or with `new` a thousandth a fresh one.
static uint32_t
flow_of(struct traffic *t, unsigned new)
{
	const uint32_t mixed = (uint32_t)(t->seq * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	if (new && t->seq % 1000 * 617 % 1000 < new && t->next_new < TRAFFIC_MAX_FLOWS) {
		t->now.opened++;
		return t->next_new++;
	}
	return (uint32_t)((uint64_t)mixed * t->flows >> 32);
}

static void
generate(struct traffic *t, unsigned n, unsigned new, bool in_order)
{
	struct rte_mbuf *frames[BURST];

	if (n == 0 || rte_pktmbuf_alloc_bulk(t->pool, frames, n) < 0)
		return;
	const uint64_t tsc = rte_rdtsc();

	for (unsigned i = 0; i < n; i++, t->seq++) {
		struct traffic_frame *f = rte_pktmbuf_mtod(frames[i], struct traffic_frame *);

		traffic_make(f, &t->template, in_order ? t->seq : flow_of(t, new), t->seq, tsc);
		frames[i]->data_len = sizeof(*f);
		frames[i]->pkt_len = sizeof(*f);
	}
	t->now.sent += n;
	t->now.bursts++;
	t->under_way += n;
	send_all(&t->now, CLIENTS, frames, n);
}

static unsigned
turn(struct traffic *t)
{
	const unsigned n = serve(t) + collect(t);

	if (n)
		t->last_seen = rte_rdtsc();
	return n;
}

// Frames that went while nobody answered would fill the window for ever.
static bool
is_quiet(struct traffic *t)
{
	return rte_rdtsc() - t->last_seen > (uint64_t)(QUIET_S * (double)t->hz);
}

static void
drain(struct traffic *t)
{
	t->last_seen = rte_rdtsc();
	while (t->under_way && !is_quiet(t))
		turn(t);
	// Lost; the next command's frames wait for their own only.
	t->under_way = 0;
}

static unsigned
room(struct traffic *t)
{
	if (t->under_way && is_quiet(t)) {
		t->under_way = 0;
		t->last_seen = rte_rdtsc();
	}
	return t->under_way < WINDOW ? (unsigned)RTE_MIN(BURST, WINDOW - t->under_way) : 0;
}

static void
fill(struct traffic *t)
{
	t->last_seen = rte_rdtsc();
	for (t->seq = 0; t->seq < t->flows;) {
		generate(t, RTE_MIN(room(t), t->flows - t->seq), 0, true);
		turn(t);
	}
}

static void
run(struct traffic *t, uint64_t rate, unsigned new, double seconds)
{
	const uint64_t begin = rte_rdtsc(), end = begin + (uint64_t)(seconds * (double)t->hz);
	uint64_t now = begin, due = 0;

	t->last_seen = begin;
	for (; now < end; now = rte_rdtsc()) {
		if (rate == 0) {
			generate(t, room(t), new, false);
		} else {
			const uint64_t want =
				(uint64_t)((unsigned __int128)(now - begin) * rate / t->hz);

			// What a pause of ours left undone is not made up for by a flood.
			due = RTE_MAX(due, want > MAX_BURST ? want - MAX_BURST : 0);
			const unsigned n = (unsigned)RTE_MIN(BURST, want - due);

			generate(t, n, new, false);
			due += n;
		}
		turn(t);
	}
}

// ---- commands ----

// While frames are counted nobody else has this core: not control, not a compiler. Between commands
// all have it, and so have DPDK's own threads, which set the connections up.
static void
alone(bool on)
{
	const struct sched_param param = {.sched_priority = on ? 1 : 0};

	if (sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
		fprintf(stderr,
			"traffic: no real-time priority: others may take part of its core\n");
}

static double
cpu_s(void)
{
	struct rusage used;

	getrusage(RUSAGE_THREAD, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void
answer(const struct traffic *t, double seconds, double share, uint64_t in_time)
{
	const struct phase *p = &t->now;

	printf("{\"seconds\": %.6f, \"share\": %.4f, \"sent\": %" PRIu64 ", \"bursts\": %" PRIu64
	       ", \"passed\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"in_time\": %" PRIu64
	       ", \"judged\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"others\": %" PRIu64
	       ", \"not_sent\": %" PRIu64 ", \"opened\": %" PRIu64 ", \"complaint\": \"%s\", ",
		seconds, share, p->sent, p->bursts, p->passed, p->answered, in_time, p->judged,
		p->wrong, p->others, p->not_sent, p->opened, p->complaint ? p->complaint : "");
	printf("\"one_way\": {\"p50\": %" PRIu64 ", \"p99\": %" PRIu64
	       "}, \"both_ways\": {\"p50\": %" PRIu64 ", \"p99\": %" PRIu64 "}, \"hz\": %" PRIu64
	       "}\n",
		quantile(p->one_way, 0.5), quantile(p->one_way, 0.99), quantile(p->both_ways, 0.5),
		quantile(p->both_ways, 0.99), t->hz);
	fflush(stdout);
}

static bool
obey(struct traffic *t, const char *line)
{
	const uint64_t begin = rte_rdtsc();
	const double cpu = cpu_s();
	uint64_t rate;
	unsigned new;
	double seconds;

	memset(&t->now, 0, sizeof(t->now));
	alone(true);
	if (strcmp(line, "fill\n") == 0)
		fill(t);
	else if (sscanf(line, "run %" SCNu64 " %u %lf", &rate, &new, &seconds) == 3 && new <= 1000)
		run(t, rate, new, seconds);
	else
		return false;
	alone(false);
	const uint64_t in_time = t->now.answered;
	const double spent = (double)(rte_rdtsc() - begin) / (double)t->hz;
	const double share = (cpu_s() - cpu) / spent;

	drain(t);
	answer(t, spent, share, in_time);
	return true;
}

// Between commands the ports are polled on: frames of the kernel's would fill their rings.
static int
commands(struct traffic *t)
{
	char line[128];
	size_t n = 0;

	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	for (;;) {
		const ssize_t got = read(STDIN_FILENO, line + n, 1);

		if (got == 0)
			return 0;
		n += got > 0;
		if (got < 0 && turn(t) == 0)
			usleep(100);
		if (n == 0 || (line[n - 1] != '\n' && n < sizeof(line) - 1))
			continue;
		line[n] = '\0';
		n = 0;
		if (!obey(t, line)) {
			fprintf(stderr, "traffic: no command: %s", line);
			return 2;
		}
	}
}

// ---- start ----

static bool
port_up(struct rte_mempool *pool, uint16_t port)
{
	const struct rte_eth_conf conf = {0};

	return rte_eth_dev_configure(port, 1, 1, &conf) == 0 &&
	       rte_eth_rx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL, pool) == 0 &&
	       rte_eth_tx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL) == 0 &&
	       rte_eth_dev_start(port) == 0;
}

static bool
linked(uint16_t port)
{
	struct rte_eth_link link = {0};

	for (int tries = 0; tries < LINK_S * 100; tries++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status)
			return true;
		usleep(10000);
	}
	return false;
}

static bool
wanted(struct traffic_wanted *want, int argc, char **argv)
{
	struct in_addr endpoint, pool;

	if (argc == 1)
		return strcmp(argv[0], "0") == 0;
	if (argc != 6 || inet_pton(AF_INET, argv[0], &endpoint) != 1 ||
		inet_pton(AF_INET, argv[2], &pool) != 1)
		return false;
	*want = (struct traffic_wanted){
		.translated = true,
		.first_endpoint = rte_be_to_cpu_32(endpoint.s_addr),
		.n_endpoints = (uint32_t)atoi(argv[1]),
		.first_pool = rte_be_to_cpu_32(pool.s_addr),
		.n_pool = (uint32_t)atoi(argv[3]),
		.target_port = (uint16_t)atoi(argv[4]),
		.ttl_less = (uint8_t)atoi(argv[5]),
	};
	return true;
}

static int
start(struct traffic *t, int argc, char **argv)
{
	t->flows = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	if (t->flows == 0 || t->flows > TRAFFIC_MAX_FLOWS ||
		!wanted(&t->want, argc - 2, argv + 2)) {
		fprintf(stderr,
			"usage: traffic EAL-OPTIONS -- FLOWS 0|ENDPOINT N POOL N PORT TTL\n");
		return 2;
	}
	t->hz = rte_get_tsc_hz();
	t->next_new = t->flows;
	t->ways = calloc(t->flows, sizeof(*t->ways));
	t->pool = rte_pktmbuf_pool_create(
		"traffic", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	traffic_init(&t->template);
	if (t->ways && t->pool && port_up(t->pool, CLIENTS) && port_up(t->pool, SERVERS) &&
		linked(CLIENTS) && linked(SERVERS))
		return 0;
	fprintf(stderr, "traffic: ports 0 and 1 do not come up\n");
	return 1;
}

int
main(int argc, char **argv)
{
	static struct traffic traffic;
	const int eal = rte_eal_init(argc, argv);
	int rc = eal < 0 ? 1 : start(&traffic, argc - eal, argv + eal);

	if (rc == 0)
		rc = commands(&traffic);
	if (eal >= 0)
		rte_eal_cleanup();
	return rc;
}
