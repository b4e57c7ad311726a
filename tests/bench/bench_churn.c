// What do changing answers cost the worker? One thread runs the whole packet path over 262,144 UDP
// flows of 1,000 services by DNS, one packet of 32 opening a new one; a second one, on another CPU,
// is the daemon's control with its resolver, which gets an answer for each name about once a
// second. Rounds of three kinds take turns: control does nothing at all; it asks, and the answers
// stay the same; each answer has other addresses than the one before. Every packet is looked at
// when it leaves: a flow has to stay with its endpoint, and a new one has to go to one of the two
// sets of its service; one that goes to the old set tells how long the new one has been answered.
//
//   bench_churn [-a] [-v] [ROUNDS]     prints, decides nothing
//   -a: c-ares asks a server on loopback, which shares control's CPU, in place of a function
//   -v: the services have no `addresses` but virtual IPs, so that all want port 443 of any address
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "churn_control.h"
#include "sl_clock.h"
#include "sl_pipe.h"

#define FLOWS      (1u << 18)
#define TABLE      (1u << 20)
#define POOL       32
#define FRAME_LEN  60
#define HOUSE      16 // bursts from one housekeeping to the next, as in the daemon
#define MAX_ROUNDS 64
#define SEC        SL_NSEC_PER_SEC
#define SETTLE_NS  (5 * SEC) // until questions that were put off are spread over time again
#define ROUND_NS   (2 * SEC)

struct frame {
	uint8_t b[64];
};

// What became of all packets.
struct tally {
	uint64_t n, opened;
	uint64_t lost;      // not forwarded
	uint64_t moved;     // of a flow that was there, to another endpoint
	uint64_t stray;     // of a new flow, to an address that the service never had
	uint64_t late;      // of new flows, to the set before the last
	uint64_t latest_ns; // of these: the longest time since the answer
};

struct rig {
	struct churn churn;
	struct sl_pipe *pipe;
	struct sl_fwd_load *load;
	const struct sl_fwd *seen; // of control
	struct sl_fwd fwd;         // the same, with next hops
	struct sl_fwd_net *net;
	struct frame *flow; // [FLOWS]
	sl_be32 *endpoint;  // [FLOWS], where it went first
	uint32_t next, n_new, rounds;
	struct frame frame[SL_BURST];
	struct tally tally;
};

static void *
mem_alloc(void *ctx, size_t bytes)
{
	void *p = aligned_alloc(SL_CACHE_LINE, (bytes + 63) & ~(size_t)63);

	return p ? memset(p, 0, bytes) : NULL;
}

static void
mem_free(void *ctx, void *p)
{
	free(p);
}

static const struct sl_flow_mem mem = {.alloc = mem_alloc, .free = mem_free};

static void
ask(void *ctx, uint16_t port, sl_be32 addr)
{
}

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// ---- packets ----

static void
build_frame(struct frame *to, uint32_t service, uint32_t client, uint16_t port)
{
	struct sl_ipv4_hdr *ip = (void *)(to->b + SL_ETH_HLEN);
	struct sl_udp_hdr *udp = (void *)(ip + 1);

	*to = (struct frame){{2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 1, 8}};
	*ip = (struct sl_ipv4_hdr){.ver_ihl = 0x45,
		.total_len = htons(FRAME_LEN - SL_ETH_HLEN),
		.ttl = 64,
		.proto = SL_PROTO_UDP,
		.src = htonl(client),
		.dst = htonl(churn_vip(service))};
	ip->csum = sl_csum_ipv4(ip);
	*udp = (struct sl_udp_hdr){.sport = htons(port),
		.dport = htons(CHURN_PORT),
		.len = htons(FRAME_LEN - SL_ETH_HLEN - SL_IPV4_HLEN)};
}

static sl_be32
dst_of(const struct frame *f)
{
	return ((const struct sl_ipv4_hdr *)(f->b + SL_ETH_HLEN))->dst;
}

static void
make_flows(struct rig *r)
{
	r->flow = mem_alloc(NULL, FLOWS * sizeof(*r->flow));
	r->endpoint = mem_alloc(NULL, FLOWS * sizeof(*r->endpoint));
	for (uint32_t i = 0; i < FLOWS; i++) // clients: 198.18.0.0/20
		build_frame(&r->flow[i], i % CHURN_NAMES, 0xc6120000u + (i & 0xfff),
			(uint16_t)(1024 + (i >> 12)));
}

// Never seen before for a long time: 198.18.64.0/18, each with 16,384 ports.
static uint32_t
build_new(struct rig *r, struct frame *to)
{
	const uint32_t i = r->n_new++, service = i % CHURN_NAMES;

	build_frame(to, service, 0xc6124000u + (i >> 14 & 0x3fff), (uint16_t)(1024 + (i & 0x3fff)));
	return service;
}

// ---- looking at what leaves ----

static void
look_at_new(struct rig *r, uint32_t service, sl_be32 dst, uint64_t now_ns)
{
	const uint32_t at = ntohl(dst) - server_first_addr(service);
	const struct server_said said = server_at(r->churn.server, service);

	r->tally.opened++;
	if (at >= 2 * CHURN_ADDRS) {
		r->tally.stray++;
	} else if (at / CHURN_ADDRS != said.set && now_ns > said.ns) {
		r->tally.late++;
		if (now_ns - said.ns > r->tally.latest_ns)
			r->tally.latest_ns = now_ns - said.ns;
	}
}

static void
look_at(struct rig *r, uint32_t flow, sl_be32 dst)
{
	if (r->endpoint[flow] == 0)
		r->endpoint[flow] = dst;
	else if (r->endpoint[flow] != dst)
		r->tally.moved++;
}

// The snapshot in force, with next hops of ours: no kernel is asked for any.
static const struct sl_fwd *
snapshot(struct rig *r)
{
	const struct sl_fwd *now = sl_rcu_read(r->churn.rcu);

	if (now != r->seen) {
		r->seen = now;
		r->fwd = *now;
		r->fwd.net = r->net;
	}
	return &r->fwd;
}

// One burst through the pipe: the first packet of each opens a flow, when it is to.
static void
burst(struct rig *r, bool with_new, uint64_t now_ns)
{
	struct sl_pkt pkts[SL_BURST] = {0}, out[SL_BURST];
	uint32_t flow[SL_BURST], service = 0;
	const struct sl_fwd *fwd = snapshot(r);

	for (unsigned i = 0; i < SL_BURST; i++) {
		// Odd stride: every flow once a turn, no two neighbours in one line.
		flow[i] = r->next = (r->next + 75029u) & (FLOWS - 1);
		if (i == 0 && with_new)
			service = build_new(r, &r->frame[0]);
		else
			r->frame[i] = r->flow[flow[i]];
		pkts[i] = (struct sl_pkt){.data = r->frame[i].b,
			.data_len = FRAME_LEN,
			.frame_len = FRAME_LEN,
			.room = sizeof(r->frame[i])};
	}
	sl_pipe_run(r->pipe, fwd, pkts, SL_BURST, now_ns);
	for (unsigned i = 0; i < SL_BURST; i++) {
		if (pkts[i].verdict != SL_V_FORWARD)
			r->tally.lost++;
		else if (i == 0 && with_new)
			look_at_new(r, service, dst_of(&r->frame[0]), now_ns);
		else
			look_at(r, flow[i], dst_of(&r->frame[i]));
	}
	r->tally.n += SL_BURST;
	if (r->rounds++ % HOUSE == 0)
		sl_pipe_housekeeping(r->pipe, fwd, out, SL_BURST, now_ns);
	sl_rcu_quiescent(r->churn.rcu, 0);
}

// ---- rounds ----

enum kind { ALONE, ASKED, CHANGED, KINDS };

struct figures {
	double mpps[KINDS][MAX_ROUNDS];
	double mpps_cpu[KINDS][MAX_ROUNDS]; // a second of the worker's CPU time
	double control[KINDS][MAX_ROUNDS];  // share of its CPU
	double changes[MAX_ROUNDS];         // a second
	double cost[KINDS][MAX_ROUNDS];     // % of mpps
	double cost_cpu[KINDS][MAX_ROUNDS]; // % of mpps_cpu
};

static uint64_t
own_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

static void
run_for(struct rig *r, uint64_t ns)
{
	const uint64_t begin = sl_clock_ns(NULL);

	for (uint64_t now = begin; now - begin < ns; now = sl_clock_ns(NULL))
		burst(r, true, now);
}

static void
measure(struct rig *r, struct figures *f, enum kind kind, unsigned round)
{
	const uint64_t cpu = churn_cpu_ns(&r->churn), n = r->tally.n,
		       changes = server_changes(r->churn.server), own = own_cpu_ns(),
		       begin = sl_clock_ns(NULL);
	double ns;

	run_for(r, ROUND_NS);
	ns = (double)(sl_clock_ns(NULL) - begin);
	f->mpps[kind][round] = (double)(r->tally.n - n) * 1e3 / ns;
	f->mpps_cpu[kind][round] = (double)(r->tally.n - n) * 1e3 / (double)(own_cpu_ns() - own);
	f->control[kind][round] = 100 * (double)(churn_cpu_ns(&r->churn) - cpu) / ns;
	if (kind == CHANGED)
		f->changes[round] = (double)(server_changes(r->churn.server) - changes) * 1e9 / ns;
	f->cost[kind][round] = 100 * (1 - f->mpps[kind][round] / f->mpps[ALONE][round]);
	f->cost_cpu[kind][round] = 100 * (1 - f->mpps_cpu[kind][round] / f->mpps_cpu[ALONE][round]);
}

static void
one_round(struct rig *r, struct figures *f, unsigned round)
{
	churn_pause(&r->churn, true);
	run_for(r, SEC / 10);
	measure(r, f, ALONE, round);
	server_set_mode(r->churn.server, SERVER_SPREAD);
	churn_pause(&r->churn, false);
	run_for(r, SETTLE_NS);
	server_set_mode(r->churn.server, SERVER_SAME);
	run_for(r, SEC);
	measure(r, f, ASKED, round);
	server_set_mode(r->churn.server, SERVER_CHANGES);
	run_for(r, SEC);
	measure(r, f, CHANGED, round);
	// What was answered last is to be in force before control pauses.
	server_set_mode(r->churn.server, SERVER_SAME);
	run_for(r, SEC / 2);
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print(const char *what, double *v, unsigned n, const char *unit)
{
	qsort(v, n, sizeof(*v), by_value);
	printf("  %-34s %8.2f (%.2f .. %.2f) %s\n", what, v[n / 2], v[0], v[n - 1], unit);
}

static void
report(const struct rig *r, struct figures *f, unsigned n)
{
	const struct tally *t = &r->tally;

	printf("medians of %u rounds (least .. most)\n", n);
	print("worker, control does nothing", f->mpps[ALONE], n, "Mpps");
	print("worker, same answers", f->mpps[ASKED], n, "Mpps");
	print("worker, changing answers", f->mpps[CHANGED], n, "Mpps");
	print("same answers cost", f->cost[ASKED], n, "% of the rate in the same round");
	print("changing answers cost", f->cost[CHANGED], n, "% of the rate in the same round");
	// The same without the time that other tasks had of the worker's CPU.
	print("by the worker's CPU time, alone", f->mpps_cpu[ALONE], n, "Mpps");
	print("  same answers cost", f->cost_cpu[ASKED], n, "%");
	print("  changing answers cost", f->cost_cpu[CHANGED], n, "%");
	print("changes", f->changes, n, "a second");
	print("control, same answers", f->control[ASKED], n, "% of its CPU");
	print("control, changing answers", f->control[CHANGED], n, "% of its CPU");
	printf("all rounds and between: %.0f M packets, %.2f M new flows, %llu changes\n",
		(double)t->n / 1e6, (double)t->opened / 1e6,
		(unsigned long long)server_changes(r->churn.server));
	printf("lost %llu, flows that moved %llu, to an address of neither set %llu\n",
		(unsigned long long)t->lost, (unsigned long long)t->moved,
		(unsigned long long)t->stray);
	printf("an answer is in force after %.2f ms at the most (%llu new flows went to the old "
	       "set meanwhile)\n",
		(double)t->latest_ns / 1e6, (unsigned long long)t->late);
}

// ---- the worker ----

static struct sl_fwd_net *
make_net(void)
{
	const struct sl_fwd_route routes[] = {
		{.dst = inet_addr("198.18.0.0"), .len = 15, .gateway = inet_addr("192.0.2.9")}};
	const struct sl_fwd_adj adjs[] = {{.state = SL_ADJ_OK, .addr = inet_addr("192.0.2.9")}};
	struct sl_fwd_addr addrs[CHURN_NAMES];

	for (uint32_t i = 0; i < CHURN_NAMES; i++)
		addrs[i] = (struct sl_fwd_addr){.addr = htonl(churn_vip(i)), .kinds = SL_ADDR_VIP};
	const struct sl_fwd_net_spec spec = {.route = routes,
		.n_routes = 1,
		.adj = adjs,
		.n_adjs = 1,
		.addr = addrs,
		.n_addrs = CHURN_NAMES,
		.gen = 1};

	return sl_fwd_net_new(&spec);
}

static void
make_worker(struct rig *r)
{
	static struct sl_stats stats;
	static const struct sl_mac mac = {{2, 2, 2, 2, 2, 2}};
	static const struct sl_sport_range range = {.first = 1024, .last = 65535};
	static const struct sl_owner owner = {.n_workers = 1};
	sl_be32 pool[POOL];

	for (uint32_t i = 0; i < POOL; i++)
		pool[i] = htonl(0xcb007100u + i);
	struct sl_flow_table *flows = sl_flow_table_new(TABLE, sl_clock_ns(NULL), &mem);
	const struct sl_pipe_cfg cfg = {
		.owner = &owner,
		.flows = flows,
		.sports = sl_sport_new(pool, POOL, &range, 0, &owner, flows, &mem),
		.load = r->load,
		.n_slots = CHURN_ENDPOINTS,
		.stats = &stats,
		.port_mac = &mac,
		.n_ports = 1,
		.seed = 1,
		.ask = ask,
	};
	r->pipe = sl_pipe_new(&cfg);
	r->net = make_net();
}

int
main(int argc, char **argv)
{
	struct rig *r = mem_alloc(NULL, sizeof(*r));
	struct figures *f = mem_alloc(NULL, sizeof(*f));
	struct churn_cfg cfg = {.cpu = 0};
	unsigned rounds = 7;

	for (int opt; (opt = getopt(argc, argv, "av")) != -1;) {
		cfg.ares |= opt == 'a';
		cfg.virtual |= opt == 'v';
	}
	if (optind < argc)
		rounds = (unsigned)atoi(argv[optind]);
	rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
	r->load = mem_alloc(NULL, CHURN_ENDPOINTS * sizeof(*r->load));
	cfg.load = r->load;
	make_worker(r);
	make_flows(r);
	churn_start(&r->churn, &cfg);
	pin(1);
	sl_rcu_register(r->churn.rcu, 0);
	sl_rcu_online(r->churn.rcu, 0);
	for (uint32_t i = 0; i < FLOWS; i += SL_BURST)
		burst(r, false, sl_clock_ns(NULL));
	for (unsigned i = 0; i < rounds; i++)
		one_round(r, f, i);
	report(r, f, rounds);
	sl_rcu_unregister(r->churn.rcu, 0);
	churn_stop(&r->churn);
	return EXIT_SUCCESS;
}
