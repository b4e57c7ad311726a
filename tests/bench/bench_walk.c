// What does `sluicectl flows` over a million flows cost the worker? One thread runs the whole
// packet path over 1,048,576 UDP flows; a second one, on another CPU, walks the table all the time
// and prints each flow as JSON, as the daemon does. Rounds with and without the walk alternate;
// medians.
//
//   bench_walk [ROUNDS]        prints, decides nothing
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_clock.h"
#include "sl_emit.h"
#include "sl_pipe.h"
#include "sl_set.h"
#include "sl_test.h"

#define FLOWS      (1u << 20)
#define POOL       32
#define FRAME_LEN  60
#define ROUND_NS   (SL_NSEC_PER_SEC / 2)
#define MAX_ROUNDS 64

struct rig {
	struct sl_flow_table *flows;
	struct sl_pipe *pipe;
	struct sl_fwd *fwd;
	uint8_t frame[SL_BURST][128];
	uint32_t next; // flow
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

static struct sl_fwd *
make_fwd(void)
{
	const struct sl_fwd_ep ep = {
		.addr = inet_addr("198.51.100.11"), .port = htons(9), .weight = 1};
	const struct sl_fwd_key key = {.vip = inet_addr("192.0.2.100"),
		.port = htons(9),
		.proto = SL_PROTO_UDP,
		.len = 32};
	const struct sl_fwd_route routes[] = {
		{.dst = inet_addr("198.18.0.0"), .len = 15, .gateway = inet_addr("192.0.2.1")},
		{.dst = inet_addr("198.51.100.0"), .len = 24},
	};
	const struct sl_fwd_adj adjs[] = {
		{.state = SL_ADJ_OK, .addr = inet_addr("192.0.2.1")},
		{.state = SL_ADJ_OK, .addr = inet_addr("198.51.100.11")},
	};
	const struct sl_fwd_addr addrs[] = {{.addr = key.vip, .kinds = SL_ADDR_VIP}};
	const struct sl_fwd_net_spec net = {.route = routes,
		.n_routes = 2,
		.adj = adjs,
		.n_adjs = 2,
		.addr = addrs,
		.n_addrs = 1,
		.gen = 1};
	struct sl_fwd_params params = {.reply_rate = 1000};
	struct sl_fwd_services *services = sl_fwd_services_new(16);

	for (int s = 0; s < SL_FWD_STATES; s++)
		params.timeout[s] = 1u << 20;
	sl_fwd_services_add(services, &key, SL_FWD_CLIENTS_ALL, 0, sl_set_flat(&ep, 1));
	sl_fwd_services_seal(services);
	return sl_fwd_new(&(struct sl_fwd){.generation = 1,
		.services = services,
		.net = sl_fwd_net_new(&net),
		.params = params});
}

static void
build_frame(uint8_t *f, uint32_t flow)
{
	struct sl_ipv4_hdr *ip = (void *)(f + SL_ETH_HLEN);
	struct sl_udp_hdr *udp = (void *)(ip + 1);

	memset(f, 0, FRAME_LEN);
	memset(f, 2, 12);
	f[12] = 8;
	*ip = (struct sl_ipv4_hdr){.ver_ihl = 0x45,
		.total_len = htons(FRAME_LEN - SL_ETH_HLEN),
		.ttl = 64,
		.proto = SL_PROTO_UDP,
		.src = htonl(0xc6120000u + (flow & 0x1ffff)),
		.dst = inet_addr("192.0.2.100")};
	ip->csum = sl_csum_ipv4(ip);
	*udp = (struct sl_udp_hdr){.sport = htons((uint16_t)(1024 + (flow >> 17))),
		.dport = htons(9),
		.len = htons(FRAME_LEN - SL_ETH_HLEN - SL_IPV4_HLEN)};
}

// One burst through the pipe. Returns how many were forwarded.
static unsigned
burst(struct rig *r, uint64_t now_ns)
{
	struct sl_pkt pkts[SL_BURST] = {0};
	unsigned forwarded = 0;

	for (unsigned i = 0; i < SL_BURST; i++) {
		// Odd stride: every flow once a turn, no two neighbours in one line.
		r->next = (r->next + 514229u) & (FLOWS - 1);
		build_frame(r->frame[i], r->next);
		pkts[i] = (struct sl_pkt){.data = r->frame[i],
			.data_len = FRAME_LEN,
			.frame_len = FRAME_LEN,
			.room = sizeof(r->frame[i])};
	}
	sl_pipe_run(r->pipe, r->fwd, pkts, SL_BURST, now_ns);
	for (unsigned i = 0; i < SL_BURST; i++)
		forwarded += pkts[i].verdict == SL_V_FORWARD;
	return forwarded;
}

static double
round_mpps(struct rig *r)
{
	const uint64_t begin = sl_clock_ns(NULL);
	uint64_t now = begin, n = 0;

	while (now - begin < ROUND_NS) {
		for (int i = 0; i < 64; i++)
			n += burst(r, now);
		now = sl_clock_ns(NULL);
	}
	return (double)n * 1e3 / (double)(now - begin);
}

struct walker {
	const struct sl_flow_table *flows;
	uint32_t on; // 0: rest, 1: walk, 2: leave
	uint64_t shown;
};

static void
emit_view(struct sl_emit *e, const struct sl_flow_view *v)
{
	char text[SL_IP_STRLEN];

	sl_emit_obj(e, NULL);
	sl_emit_str(e, "state", sl_flow_state_name(v->state));
	for (int d = 0; d < 2; d++) {
		sl_emit_strf(e, d ? "endpoint" : "client", "%s:%u",
			sl_ip4_str(v->tuple[d].src, text), ntohs(v->tuple[d].sport));
		sl_emit_strf(e, d ? "source" : "vip", "%s:%u", sl_ip4_str(v->tuple[d].dst, text),
			ntohs(v->tuple[d].dport));
		sl_emit_u64(e, d ? "packetsIn" : "packetsOut", v->pkts[d]);
		sl_emit_u64(e, d ? "bytesIn" : "bytesOut", v->bytes[d]);
	}
	sl_emit_end(e);
}

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *
walk(void *arg)
{
	struct walker *w = arg;
	struct sl_flow_view views[256];
	struct sl_buf out = {0};
	uint32_t cursor = 0;

	pin(0);
	for (;;) {
		const uint32_t on = __atomic_load_n(&w->on, __ATOMIC_ACQUIRE);
		unsigned n;
		struct sl_emit e;

		if (on == 2)
			break;
		if (on == 0) {
			const struct timespec ms = {.tv_nsec = 1000000};

			nanosleep(&ms, NULL);
			continue;
		}
		n = sl_flow_walk(w->flows, &cursor, views, 256, 16384);
		sl_emit_init(&e, &out);
		for (unsigned i = 0; i < n; i++)
			emit_view(&e, &views[i]);
		__atomic_store_n(&w->shown, w->shown + n, __ATOMIC_RELAXED);
		sl_buf_reset(&out);
		if (cursor == UINT32_MAX)
			cursor = 0;
	}
	sl_buf_fini(&out);
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static struct rig *
make_rig(void)
{
	static struct sl_stats stats;
	static const struct sl_mac mac = {{2, 2, 2, 2, 2, 2}};
	static const struct sl_sport_range range = {.first = 1024, .last = 65535};
	static const struct sl_owner owner = {.n_workers = 1};
	struct rig *r = mem_alloc(NULL, sizeof(*r));
	sl_be32 pool[POOL];

	for (uint32_t i = 0; i < POOL; i++)
		pool[i] = htonl(0xcb007100u + i);
	r->flows = sl_flow_table_new(FLOWS + FLOWS / 2, sl_clock_ns(NULL), &mem);
	r->fwd = make_fwd();
	const struct sl_pipe_cfg cfg = {
		.owner = &owner,
		.flows = r->flows,
		.sports = sl_sport_new(pool, POOL, &range, 0, &owner, r->flows, &mem),
		.load = mem_alloc(NULL, 64),
		.n_slots = 1,
		.stats = &stats,
		.port_mac = &mac,
		.n_ports = 1,
		.seed = 1,
		.ask = ask,
	};
	r->pipe = sl_pipe_new(&cfg);
	return r;
}

int
main(int argc, char **argv)
{
	const unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 11;
	struct rig *r = make_rig();
	struct walker w = {.flows = r->flows};
	double alone[MAX_ROUNDS], walked[MAX_ROUNDS];
	pthread_t thread;

	pin(1);
	const uint64_t begin = sl_clock_ns(NULL);

	for (uint32_t n = 0; n < FLOWS; n += SL_BURST)
		burst(r, sl_clock_ns(NULL));
	printf("flows in the table: %u, opened at %.2f M/s\n", sl_flow_live(r->flows),
		FLOWS * 1e3 / (double)(sl_clock_ns(NULL) - begin));
	pthread_create(&thread, NULL, walk, &w);
	for (unsigned i = 0; i < rounds && i < MAX_ROUNDS; i++) {
		alone[i] = round_mpps(r);
		__atomic_store_n(&w.on, 1, __ATOMIC_RELEASE);
		walked[i] = round_mpps(r);
		__atomic_store_n(&w.on, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w.on, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	const double a = median(alone, rounds), b = median(walked, rounds);

	printf("alone      %.2f Mpps (%.2f .. %.2f)\n", a, alone[0], alone[rounds - 1]);
	printf("with walk  %.2f Mpps (%.2f .. %.2f)\n", b, walked[0], walked[rounds - 1]);
	printf("the walk costs %.1f %%; it showed %.0f flows a second\n", 100.0 * (a - b) / a,
		(double)w.shown / (rounds * ROUND_NS / 1e9));
	return EXIT_SUCCESS;
}
