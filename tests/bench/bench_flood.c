// What do spoofed SYNs cost those who are there? One worker's pipe has 65,536 UDP flows at 65 % of
// its rate; then 5 M SYN/s of made-up sources come on top, and clients that mean it. All wait in a
// ring like a NIC's, which drops what comes while it is full. The clock is the time that the pipe
// took, and IO_CYCLES a packet for the driver that is not there. A figure is the median of some
// rounds, each with a pipe of its own, with the least and the most. The books are looked at; what
// is wrong ends it with status 1, a poor figure does not.
//
//   bench_flood [--quick] [--json] [--load PERCENT] [--syns MILLION_PER_SECOND] [--max PERCENT]
//
//   established-under-flood   share of the packets of established flows that get through, with
//                             the flood / without
//   half-open-share           of the table, at most; --max is the limit
//   known-clients             share of handshakes (10 ms to the endpoint and back, one SYN each)
//                             that succeed during the flood: clients that had a connection before
//   new-clients               the same of those that had none
//   refused-syn               cycles a SYN beyond the limit takes, alone
#include <arpa/inet.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

#define CAPACITY  (1u << 18)
#define FLOWS     65536u
#define RING      1024 // frames
#define IO_CYCLES 30   // for receiving and sending a packet: testpmd io at 64 k flows
#define IDLE_NS   50   // a poll that finds nothing
// A burst that took longer was not the pipe's doing: the thread had to wait for its CPU.
#define STOLEN_NS 100000
#define NEVER     (1u << 24)
#define MEAN_IT   1000 // handshakes a second of each kind of client
#define RTT_NS    (10 * 1000000ull)
#define WAITING   1024

enum kind { HIT, SPOOFED, KNOWN, NEW, KINDS };

static struct {
	bool quick, json;
	double load, syns;
	uint8_t max;
} opt = {.load = 65, .syns = 5, .max = 25};

// A handshake on its way: the SYN went out as t.
struct waiting {
	struct sl_tuple t, client;
	uint64_t due_ns;
	enum kind kind;
};

struct sim {
	struct box box;
	uint8_t ring[RING];
	uint32_t head, n;
	double next_ns[KINDS], step_ns[KINDS]; // step 0: none
	uint64_t offered[KINDS], passed[KINDS], done[KINDS];
	struct waiting waiting[WAITING];
	uint32_t first, n_waiting;
	uint32_t at, n_known, n_new;
	uint64_t rnd, half_open, stolen, idle_ns;
};

static uint64_t
draw(struct sim *s)
{
	s->rnd ^= s->rnd << 13;
	s->rnd ^= s->rnd >> 7;
	s->rnd ^= s->rnd << 17;
	return s->rnd;
}

static struct sl_tuple
tcp_from(uint32_t src, uint16_t sport)
{
	return (struct sl_tuple){.src = htonl(src),
		.dst = htonl(BOX_VIP),
		.sport = htons(sport),
		.dport = htons(BOX_PORT),
		.proto = SL_PROTO_TCP};
}

// Known clients are 198.19.255.0/24, new ones one of 198.18.0.0/16 each, spoofed ones all of both.
static struct sl_tuple
client_of(struct sim *s, enum kind kind)
{
	const uint64_t r = draw(s);

	switch (kind) {
	case KNOWN:
		s->n_known++;
		return tcp_from(
			0xc613ff00u + s->n_known % 256, (uint16_t)(1024 + s->n_known / 256));
	case NEW:
		s->n_new++;
		return tcp_from(0xc6120000u + s->n_new % 65536, (uint16_t)(1 + s->n_new / 65536));
	case SPOOFED:
		return tcp_from(0xc6120000u + (uint32_t)(r & 0x1ffff), (uint16_t)(r >> 32 | 1024));
	default:
		s->at = (s->at + 514229u) & (FLOWS - 1);
		return box_client(s->at, SL_PROTO_UDP);
	}
}

// A burst. Returns its cycles.
static uint64_t
burst(struct sim *s, unsigned n)
{
	const uint64_t begin = s->box.now_ns, cycles = box_run(&s->box, n);

	if (s->box.now_ns - begin < STOLEN_NS)
		return cycles;
	s->stolen++;
	s->box.now_ns = begin;
	return 0;
}

static bool
send_one(struct sim *s, const struct sl_tuple *t, uint8_t flags, struct sl_tuple *out)
{
	box_frame(&s->box, 0, t, flags);
	burst(s, 1);
	return box_out(&s->box, 0, out);
}

static struct sl_tuple
mirror(const struct sl_tuple *t)
{
	return (struct sl_tuple){.src = t->dst,
		.dst = t->src,
		.sport = t->dport,
		.dport = t->sport,
		.proto = t->proto};
}

// The endpoint's answer and the client's. False: the flow is gone.
static bool
complete(struct sim *s, const struct waiting *w)
{
	const struct sl_tuple reply = mirror(&w->t);
	struct sl_tuple out;

	return send_one(s, &reply, SL_TCP_SYN | SL_TCP_ACK, &out) &&
	       send_one(s, &w->client, SL_TCP_ACK, &out);
}

static void
answer(struct sim *s)
{
	while (s->n_waiting > 0 && s->waiting[s->first % WAITING].due_ns <= s->box.now_ns) {
		const struct waiting w = s->waiting[s->first++ % WAITING];

		s->n_waiting--;
		s->done[w.kind] += complete(s, &w);
	}
}

// ---- the ring ----

static void
arrive(struct sim *s)
{
	for (;;) {
		enum kind kind = HIT;

		for (enum kind k = SPOOFED; k < KINDS; k++)
			if (s->step_ns[k] > 0 && s->next_ns[k] < s->next_ns[kind])
				kind = k;
		if (s->next_ns[kind] > (double)s->box.now_ns)
			return;
		s->next_ns[kind] += s->step_ns[kind];
		s->offered[kind]++;
		if (s->n < RING)
			s->ring[(s->head + s->n++) % RING] = (uint8_t)kind;
	}
}

static void
look(struct sim *s, const enum kind kind[], const struct sl_tuple client[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct sl_tuple out;

		if (s->box.pkt[i].verdict != SL_V_FORWARD)
			continue;
		s->passed[kind[i]]++;
		if (kind[i] < KNOWN || s->n_waiting == WAITING)
			continue;
		box_must(box_out(&s->box, i, &out), "a SYN is wrong");
		s->waiting[(s->first + s->n_waiting++) % WAITING] = (struct waiting){.t = out,
			.client = client[i],
			.due_ns = s->box.now_ns + RTT_NS,
			.kind = kind[i]};
	}
}

static void
poll(struct sim *s)
{
	struct sl_tuple client[SL_BURST];
	enum kind kind[SL_BURST];
	unsigned n = 0;

	arrive(s);
	for (; n < SL_BURST && s->n > 0; n++, s->n--) {
		kind[n] = (enum kind)s->ring[s->head++ % RING];
		client[n] = client_of(s, kind[n]);
		box_frame(&s->box, n, &client[n], SL_TCP_SYN);
	}
	burst(s, n);
	box_advance(&s->box, n ? (uint64_t)(n * IO_CYCLES / s->box.tsc_ghz) : IDLE_NS);
	s->idle_ns += n ? 0 : IDLE_NS;
	look(s, kind, client, n);
	answer(s);
	if (s->box.stats.local.counter[SL_C_HALF_OPEN] > s->half_open)
		s->half_open = s->box.stats.local.counter[SL_C_HALF_OPEN];
}

// Returns the share of established flows' packets that passed.
static double
run(struct sim *s, const double rate[KINDS], uint64_t ns)
{
	const uint64_t end = s->box.now_ns + ns;

	s->idle_ns = 0;

	for (enum kind k = 0; k < KINDS; k++) {
		s->step_ns[k] = rate[k] > 0 ? 1e9 / rate[k] : 0;
		s->next_ns[k] = (double)s->box.now_ns + s->step_ns[k];
		s->offered[k] = s->passed[k] = s->done[k] = 0;
	}
	while (s->box.now_ns < end)
		poll(s);
	return (double)s->passed[HIT] / (double)s->offered[HIT];
}

// ---- rounds ----

static struct sim *
sim_new(unsigned round)
{
	struct sim *s = aligned_alloc(SL_CACHE_LINE, sizeof(*s));

	box_must(s, "no memory");
	memset(s, 0, sizeof(*s));
	box_init(&s->box, &(struct box_cfg){.capacity = CAPACITY,
				  .n_pool = BOX_POOL,
				  .last_port = 65535,
				  .syns = 8192,
				  .timeout = NEVER,
				  .closing = 64});
	s->box.fwd->params.max_half_open = opt.max;
	s->box.fwd->params.timeout[SL_FLOW_SYN_SENT] = 224; // 30 s
	s->rnd = 88172645463325252ull + round;
	return s;
}

// All flows have passed the packets that make them count as answered.
static void
establish(struct sim *s)
{
	struct waiting w = {.kind = KNOWN};

	for (uint32_t i = 0; i < 4 * FLOWS; i += SL_BURST) {
		for (unsigned k = 0; k < SL_BURST; k++) {
			const struct sl_tuple t = client_of(s, HIT);

			box_frame(&s->box, k, &t, 0);
		}
		burst(s, SL_BURST);
	}
	for (unsigned i = 0; i < 256; i++) {
		w.client = client_of(s, KNOWN);
		box_must(send_one(s, &w.client, SL_TCP_SYN, &w.t) && complete(s, &w),
			"a handshake fails on a quiet worker");
	}
	box_must(s->box.stats.local.counter[SL_C_UNANSWERED] == 0 &&
			 s->box.stats.local.counter[SL_C_HALF_OPEN] == 0,
		"embryonic flows that are not");
}

// Packets a second at which the worker has no time left.
static double
capacity(struct sim *s, enum kind kind, double *cycles)
{
	const uint32_t n = 1u << 20;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i += SL_BURST) {
		for (unsigned k = 0; k < SL_BURST; k++) {
			const struct sl_tuple t = client_of(s, kind);

			box_frame(&s->box, k, &t, SL_TCP_SYN);
		}
		sum += burst(s, SL_BURST);
	}
	*cycles = (double)sum / n;
	return s->box.tsc_ghz * 1e9 / (*cycles + IO_CYCLES);
}

static void
check(const struct sim *s)
{
	const uint64_t *c = s->box.stats.local.counter;

	box_must(s->half_open <= (uint64_t)CAPACITY * opt.max / 100,
		"more half-open than there may be");
	box_must(c[SL_C_FLOWS_LIVE] == c[SL_C_FLOWS_CREATED] - c[SL_C_FLOWS_EXPIRED] -
					       c[SL_C_FLOWS_REPLACED] - c[SL_C_FLOWS_EVICTED],
		"flows created are not those that live or went");
	box_must(sl_sport_lent(s->box.sports, SL_PROTO_TCP) +
				 sl_sport_lent(s->box.sports, SL_PROTO_UDP) ==
			 c[SL_C_FLOWS_LIVE],
		"source ports in use are not live flows");
}

enum figure { RATIO, SHARE, F_KNOWN, F_NEW, REFUSED, FIGURES };

static void
one_round(double v[FIGURES][BOX_ROUNDS], unsigned r)
{
	const uint64_t ns = (opt.quick ? 1 : 2) * SL_NSEC_PER_SEC;
	struct sim *s = sim_new(r);
	double rate[KINDS] = {0}, cycles, quiet;

	establish(s);
	rate[HIT] = capacity(s, HIT, &cycles) * opt.load / 100;
	quiet = run(s, rate, ns);
	rate[SPOOFED] = opt.syns * 1e6;
	rate[KNOWN] = rate[NEW] = MEAN_IT;
	v[RATIO][r] = run(s, rate, ns) / quiet;
	v[SHARE][r] = (double)s->half_open / CAPACITY;
	v[F_KNOWN][r] = (double)s->done[KNOWN] / (double)s->offered[KNOWN];
	v[F_NEW][r] = (double)s->done[NEW] / (double)s->offered[NEW];
	if (!opt.json)
		printf("# round %u: %.1f Mpps established (%.0f cycles), %.4f without a flood; of "
		       "%.2f M SYN %.3f M passed, %llu evicted, %.0f %% idle; %llu bursts not "
		       "counted\n",
			r, rate[HIT] / 1e6, cycles, quiet, (double)s->offered[SPOOFED] / 1e6,
			(double)s->passed[SPOOFED] / 1e6,
			(unsigned long long)s->box.stats.local.counter[SL_C_FLOWS_EVICTED],
			100.0 * (double)s->idle_ns / (double)ns, (unsigned long long)s->stolen);
	capacity(s, SPOOFED, &v[REFUSED][r]);
	check(s);
	box_fini(&s->box);
	free(s);
}

static void
options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		opt.quick |= strcmp(argv[i], "--quick") == 0;
		opt.json |= strcmp(argv[i], "--json") == 0;
		if (i + 1 == argc)
			break;
		if (strcmp(argv[i], "--load") == 0)
			opt.load = atof(argv[i + 1]);
		if (strcmp(argv[i], "--syns") == 0)
			opt.syns = atof(argv[i + 1]);
		if (strcmp(argv[i], "--max") == 0)
			opt.max = (uint8_t)atoi(argv[i + 1]);
	}
}

int
main(int argc, char **argv)
{
	static const char *const names[FIGURES][2] = {{"established-under-flood", "ratio"},
		{"half-open-share", "ratio"}, {"known-clients", "ratio"}, {"new-clients", "ratio"},
		{"refused-syn", "cycles a packet"}};
	static double v[FIGURES][BOX_ROUNDS];

	options(argc, argv);
	const unsigned rounds = opt.quick ? 3 : 7;

	box_pin(1);
	for (unsigned r = 0; r < rounds; r++)
		one_round(v, r);
	for (unsigned f = 0; f < FIGURES; f++) {
		const struct box_figure m = box_median(v[f], rounds);

		printf(opt.json ? "%s{\"name\": \"%s\", \"value\": %.6g, \"lo\": %.6g, "
				  "\"hi\": %.6g, \"unit\": \"%s\"}"
				: "%s%-24s %8.4g (%.4g .. %.4g) %s\n",
			!opt.json ? ""
			: f       ? ",\n "
				  : "[",
			names[f][0], m.median, m.lo, m.hi, names[f][1]);
	}
	if (opt.json)
		puts("]");
	return EXIT_SUCCESS;
}
