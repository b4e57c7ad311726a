// What does `sluicectl flows` over a million flows cost the worker? One thread runs the whole
// packet path over 1,048,576 UDP flows; a second one, on another CPU, walks the table all the time
// and prints each flow as JSON, as the daemon does. Rounds with and without the walk alternate;
// medians of the rate of the pipe alone.
//
//   bench_walk [ROUNDS]        prints, decides nothing
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "box.h"
#include "sl_emit.h"
#include "sl_ip.h"

#define FLOWS    (1u << 20)
#define ROUND_NS (SL_NSEC_PER_SEC / 2)

// n packets: every flow once a turn, no two neighbours in one line. Returns cycles.
static uint64_t
run(struct box *b, uint32_t *flow)
{
	for (unsigned i = 0; i < SL_BURST; i++) {
		*flow = (*flow + 514229u) & (FLOWS - 1);
		const struct sl_tuple t = box_client(*flow, SL_PROTO_UDP);

		box_frame(b, i, &t, 0);
	}
	return box_run(b, SL_BURST);
}

static double
round_mpps(struct box *b, uint32_t *flow)
{
	const uint64_t begin = b->now_ns;
	uint64_t n = 0;

	for (; b->now_ns - begin < ROUND_NS; n += SL_BURST)
		run(b, flow);
	return (double)n * 1e3 / (double)(b->now_ns - begin);
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

static void *
walk(void *arg)
{
	struct walker *w = arg;
	struct sl_flow_view views[256];
	struct sl_buf out = {0};
	uint32_t cursor = 0;

	box_pin(0);
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

int
main(int argc, char **argv)
{
	const int asked = argc > 1 ? atoi(argv[1]) : 11;
	const unsigned rounds = asked < 1 ? 1 : asked > BOX_ROUNDS ? BOX_ROUNDS : (unsigned)asked;
	struct box *b = aligned_alloc(SL_CACHE_LINE, sizeof(*b));
	double alone[BOX_ROUNDS], walked[BOX_ROUNDS];
	uint64_t cycles = 0;
	uint32_t flow = 0;
	pthread_t thread;

	box_pin(1);
	box_must(b, "no memory");
	box_init(b, &(struct box_cfg){.capacity = 2 * FLOWS,
			    .n_pool = BOX_POOL,
			    .last_port = 65535,
			    .timeout = 1u << 20,
			    .closing = 1u << 20});
	struct walker w = {.flows = b->flows};

	for (uint32_t n = 0; n < FLOWS; n += SL_BURST)
		cycles += run(b, &flow);
	box_books(b, FLOWS);
	printf("flows in the table: %u, opened at %.2f M/s\n", sl_flow_live(b->flows),
		FLOWS * b->tsc_ghz * 1e3 / (double)cycles);
	pthread_create(&thread, NULL, walk, &w);
	for (unsigned i = 0; i < rounds; i++) {
		alone[i] = round_mpps(b, &flow);
		__atomic_store_n(&w.on, 1, __ATOMIC_RELEASE);
		walked[i] = round_mpps(b, &flow);
		__atomic_store_n(&w.on, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w.on, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	box_books(b, FLOWS);
	const struct box_figure a = box_median(alone, rounds), c = box_median(walked, rounds);

	printf("alone      %.2f Mpps (%.2f .. %.2f)\n", a.median, a.lo, a.hi);
	printf("with walk  %.2f Mpps (%.2f .. %.2f)\n", c.median, c.lo, c.hi);
	printf("the walk costs %.1f %%; it showed %.1f flows for each ms of the pipe\n",
		100.0 * (a.median - c.median) / a.median,
		(double)w.shown / (rounds * ROUND_NS / 1e6));
	box_fini(b);
	free(b);
	return EXIT_SUCCESS;
}
