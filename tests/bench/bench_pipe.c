// What does the packet path cost without ports? The whole pipe of one worker, bursts of 32 frames
// of 60 bytes that lie in the first-level cache: cycles of the TSC in sl_pipe_run() and, as often
// as the daemon does it, sl_pipe_housekeeping(). A figure is the median of some rounds, with the
// least and the most of them. What came out is looked at: verdicts, tuples, checksums, and the
// books of flows and ports. What is wrong ends it with status 1; a poor figure does not.
//
//   bench_pipe [--quick] [--json] [NAME...]
//
//   hit-4k, -64k, -1m   cycles a packet of so many UDP flows, each one in turn, from the client
//   new-udp             flows/s: a million UDP flows of 16 endpoints, until the table has them all;
//                       all have expired and left their records in the order of the last round
//   new-udp-any         the same, each flow to a destination of its own
//   mixed               cycles a packet: a million flows, and each tenth packet opens one
//   tcp-cycles          connections/s: SYN, SYN+ACK, ACK, data and ACK of it, FIN, FIN+ACK, ACK,
//                       16,384 at a time, and their expiry 0.27 s later, so 8 packets each
//   expiry              flows/s that go, as fast as the pipe can while the clock stands after all
//                       of a million flows' end
//   expiry-loss         % of the rate of hits on 65,536 flows, while others come due at 3 M/s,
//                       and expiry-beside, at which rate these went
//   memory-per-flow     bytes: table, source ports and kept SYNs, at 1 M flows and 8,192 SYNs
//   pool-use            share of one destination's ports that is lent at the first refusal
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

#define MILLION  (1u << 20)
#define CAPACITY (2 * MILLION)
#define WAVE     16384u // connections at a time
#define NEVER    (1u << 24)
#define SECOND   8 // ticks, at least

#define HOT        65536u
#define LOSS_RATE  3e6
#define LOSS_TICKS 3

static bool quick, json;
static unsigned n_rows;

static unsigned
rounds(void)
{
	return quick ? 3 : 9;
}

static void
row(const char *name, double *v, unsigned n, const char *unit)
{
	const struct box_figure f = box_median(v, n);

	if (json)
		printf("%s\n {\"name\": \"%s\", \"value\": %.6g, \"lo\": %.6g, \"hi\": %.6g, "
		       "\"unit\": \"%s\"}",
			n_rows ? "," : "", name, f.median, f.lo, f.hi, unit);
	else
		printf("%-16s %10.4g  (%.4g .. %.4g) %s\n", name, f.median, f.lo, f.hi, unit);
	n_rows++;
	fflush(stdout);
}

static struct box *
make(struct box_cfg cfg)
{
	struct box *b = aligned_alloc(SL_CACHE_LINE, sizeof(*b));

	box_must(b, "no memory");
	cfg.n_pool = cfg.n_pool ? cfg.n_pool : BOX_POOL;
	cfg.last_port = cfg.last_port ? cfg.last_port : 65535;
	box_init(b, &cfg);
	return b;
}

static void
drop(struct box *b)
{
	box_fini(b);
	free(b);
}

// One frame of each burst, another one each time.
static void
look(const struct box *b)
{
	struct sl_tuple t;

	for (unsigned i = 0; i < SL_BURST; i++)
		box_must(b->pkt[i].verdict == SL_V_FORWARD, "a frame is not forwarded");
	box_must(box_out(b, b->bursts % SL_BURST, &t), "a frame is wrong");
	box_must((ntohl(t.src) & 0xffffff00u) == 0xcb007100u, "not from the pool");
}

// ---- UDP ----

// Flows from `first` on. Returns cycles.
static uint64_t
open_flows(struct box *b, uint32_t first, uint32_t n)
{
	uint64_t cycles = 0;

	for (uint32_t i = first; i < first + n; i += SL_BURST) {
		for (uint32_t k = 0; k < SL_BURST; k++) {
			const struct sl_tuple t = box_client(i + k, SL_PROTO_UDP);

			box_frame(b, k, &t, 0);
		}
		cycles += box_run(b, SL_BURST);
		look(b);
	}
	return cycles;
}

// n packets of `flows` flows, in an order in which no two neighbours are in one line.
static uint64_t
hit(struct box *b, uint32_t flows, uint32_t n, uint32_t *at)
{
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < n; i += SL_BURST) {
		for (uint32_t k = 0; k < SL_BURST; k++) {
			*at = (*at + 514229u) & (flows - 1);
			const struct sl_tuple t = box_client(*at, SL_PROTO_UDP);

			box_frame(b, k, &t, 0);
		}
		cycles += box_run(b, SL_BURST);
		look(b);
	}
	return cycles;
}

static void
bench_hit(const char *name, uint32_t flows)
{
	struct box *b =
		make((struct box_cfg){.capacity = 2 * flows, .timeout = NEVER, .closing = NEVER});
	double v[BOX_ROUNDS];
	uint32_t at = 0;

	open_flows(b, 0, flows);
	hit(b, flows, flows, &at);
	for (unsigned r = 0; r < rounds(); r++)
		v[r] = (double)hit(b, flows, MILLION, &at) / MILLION;
	box_books(b, flows);
	row(name, v, rounds(), "cycles a packet");
	drop(b);
}

static void
bench_hit_4k(void)
{
	bench_hit("hit-4k", 4096);
}

static void
bench_hit_64k(void)
{
	bench_hit("hit-64k", 65536);
}

static void
bench_hit_1m(void)
{
	bench_hit("hit-1m", MILLION);
}

// All flows' time has come. Returns cycles.
static uint64_t
expire_all(struct box *b)
{
	uint64_t cycles = 0;
	uint32_t idle = 0;

	while (sl_flow_live(b->flows) > 0 && idle < 64) {
		const uint32_t live = sl_flow_live(b->flows);

		cycles += box_housekeeping(b);
		idle = live == sl_flow_live(b->flows) ? idle + 1 : 0;
	}
	box_books(b, 0);
	return cycles;
}

static void
bench_new_udp(void)
{
	struct box *b = make(
		(struct box_cfg){.capacity = CAPACITY, .timeout = 60 * SECOND, .closing = NEVER});
	double v[BOX_ROUNDS];

	for (unsigned r = 0; r <= rounds();
		r++) { // the first one touches memory for the first time
		const uint64_t cycles = open_flows(b, r * MILLION, MILLION);

		box_books(b, MILLION);
		if (r > 0)
			v[r - 1] = MILLION * b->tsc_ghz * 1e9 / (double)cycles;
		box_advance(b, 120 * SL_NSEC_PER_SEC);
		expire_all(b);
	}
	row("new-udp", v, rounds(), "flows/s");
	drop(b);
}

// 131,072 addresses with eight ports each.
static uint64_t
open_any(struct box *b, unsigned round)
{
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < MILLION; i += SL_BURST) {
		for (uint32_t k = 0; k < SL_BURST; k++) {
			const uint32_t n = ((i + k) * 514229u) & (MILLION - 1);
			const struct sl_tuple t = {.src = htonl(0xc6336480u + (n & 0x3f)),
				.dst = htonl(0xc6120000u + (n & 0x1ffff)),
				.sport = htons((uint16_t)(1024 + 16 * round + (n >> 16))),
				.dport = htons((uint16_t)(7000 + (n >> 17))),
				.proto = SL_PROTO_UDP};

			box_frame(b, k, &t, 0);
		}
		cycles += box_run(b, SL_BURST);
		look(b);
	}
	return cycles;
}

static void
bench_new_udp_any(void)
{
	struct box *b = make((struct box_cfg){
		.capacity = CAPACITY, .timeout = 60 * SECOND, .closing = NEVER, .any = true});
	double v[BOX_ROUNDS];

	for (unsigned r = 0; r <= rounds(); r++) {
		const uint64_t cycles = open_any(b, r);

		box_books(b, MILLION);
		if (r > 0)
			v[r - 1] = MILLION * b->tsc_ghz * 1e9 / (double)cycles;
		box_advance(b, 120 * SL_NSEC_PER_SEC);
		expire_all(b);
	}
	row("new-udp-any", v, rounds(), "flows/s");
	drop(b);
}

static void
bench_mixed(void)
{
	const uint32_t packets = MILLION / 2;
	struct box *b =
		make((struct box_cfg){.capacity = CAPACITY, .timeout = NEVER, .closing = NEVER});
	uint32_t at = 0, fresh = MILLION;
	double v[BOX_ROUNDS];

	open_flows(b, 0, MILLION);
	for (unsigned r = 0; r < rounds(); r++) {
		uint64_t cycles = 0;

		for (uint32_t i = 0; i < packets; i += SL_BURST) {
			for (uint32_t k = 0; k < SL_BURST; k++) {
				const bool opens = (i + k) % 10 == 0;

				at = (at + 514229u) & (MILLION - 1);
				const struct sl_tuple t =
					box_client(opens ? fresh++ : at, SL_PROTO_UDP);

				box_frame(b, k, &t, 0);
			}
			cycles += box_run(b, SL_BURST);
			look(b);
		}
		v[r] = (double)cycles / packets;
	}
	box_books(b, fresh);
	row("mixed", v, rounds(), "cycles a packet");
	drop(b);
}

// ---- TCP ----

struct leg {
	bool reply;
	uint8_t flags;
};

static const struct leg life[] = {
	{false, SL_TCP_SYN},
	{true, SL_TCP_SYN | SL_TCP_ACK},
	{false, SL_TCP_ACK},
	{false, SL_TCP_ACK | SL_TCP_PSH},
	{true, SL_TCP_ACK | SL_TCP_PSH},
	{false, SL_TCP_FIN | SL_TCP_ACK},
	{true, SL_TCP_FIN | SL_TCP_ACK},
	{false, SL_TCP_ACK},
};

static struct sl_tuple
mirror(const struct sl_tuple *t)
{
	return (struct sl_tuple){.src = t->dst,
		.dst = t->src,
		.sport = t->dport,
		.dport = t->sport,
		.proto = t->proto};
}

// One leg of a burst of connections; what an endpoint got is where its answers come from.
static uint64_t
go(struct box *b, const struct leg *leg, uint32_t first, struct sl_tuple *endpoint)
{
	uint64_t cycles;

	for (uint32_t k = 0; k < SL_BURST; k++) {
		const struct sl_tuple t =
			leg->reply ? endpoint[k] : box_client(first + k, SL_PROTO_TCP);

		box_frame(b, k, &t, leg->flags);
	}
	cycles = box_run(b, SL_BURST);
	for (uint32_t k = 0; k < SL_BURST; k++) {
		const struct sl_tuple client = box_client(first + k, SL_PROTO_TCP);
		struct sl_tuple t;

		box_must(box_out(b, k, &t), "a segment is wrong");
		t = mirror(&t);
		if (leg->flags == SL_TCP_SYN)
			endpoint[k] = t;
		box_must(memcmp(&t, leg->reply ? &client : &endpoint[k], sizeof(t)) == 0,
			"a segment goes astray");
	}
	return cycles;
}

static uint64_t
live(struct box *b, uint32_t first, struct sl_tuple *endpoint)
{
	uint64_t cycles = 0;

	for (unsigned s = 0; s < SL_ARRAY_LEN(life); s++)
		for (uint32_t i = 0; i < WAVE; i += SL_BURST)
			cycles += go(b, &life[s], first + i, &endpoint[i]);
	return cycles;
}

static void
bench_tcp_cycles(void)
{
	const unsigned waves = 32;
	struct sl_tuple *endpoint = malloc(WAVE * sizeof(*endpoint));
	struct box *b = make((struct box_cfg){
		.capacity = CAPACITY, .syns = 16384, .timeout = 60 * SECOND, .closing = 2});
	double v[BOX_ROUNDS];
	uint32_t next = 0;

	for (unsigned r = 0; r <= rounds(); r++) {
		uint64_t cycles = 0;

		for (unsigned w = 0; w < waves; w++, next += WAVE)
			cycles += live(b, next, endpoint);
		if (r > 0)
			v[r - 1] = waves * WAVE * b->tsc_ghz * 1e9 / (double)cycles;
	}
	box_must(sl_flow_live(b->flows) < MILLION, "connections do not expire in time");
	box_must(b->stats.local.counter[SL_C_FLOWS_CREATED] == next, "a connection is missing");
	box_advance(b, 10 * SL_NSEC_PER_SEC);
	expire_all(b);
	row("tcp-cycles", v, rounds(), "connections/s");
	free(endpoint);
	drop(b);
}

// ---- expiry ----

static void
bench_expiry(void)
{
	struct box *b = make(
		(struct box_cfg){.capacity = CAPACITY, .timeout = 60 * SECOND, .closing = NEVER});
	double v[BOX_ROUNDS];

	for (unsigned r = 0; r <= rounds(); r++) {
		open_flows(b, r * MILLION, MILLION);
		box_advance(b, 120 * SL_NSEC_PER_SEC);
		const uint64_t cycles = expire_all(b);

		if (r > 0)
			v[r - 1] = MILLION * b->tsc_ghz * 1e9 / (double)cycles;
	}
	row("expiry", v, rounds(), "flows/s");
	drop(b);
}

struct pace {
	double packets, expired; // a second
};

// Hits on HOT flows, until no others are there.
static struct pace
hits_while_expiring(struct box *b, uint32_t *at)
{
	const uint32_t others = sl_flow_live(b->flows) - HOT;
	uint64_t cycles = 0, packets = 0;
	double seconds;

	do {
		cycles += hit(b, HOT, HOT, at);
		packets += HOT;
		box_must(packets < 1024 * HOT, "flows do not expire beside hits");
	} while (packets < 64 * HOT || sl_flow_live(b->flows) > HOT);
	seconds = (double)cycles / (b->tsc_ghz * 1e9);
	return (struct pace){.packets = (double)packets / seconds, .expired = others / seconds};
}

// As many flows as LOSS_RATE has in a tick, in each of LOSS_TICKS. They will come due likewise.
static uint32_t
open_in_ticks(struct box *b, uint32_t first)
{
	const uint32_t n =
		(uint32_t)(LOSS_RATE * (1u << SL_FLOW_TICK_SHIFT) / 1e9) & ~(SL_BURST - 1u);

	for (unsigned i = 0; i < LOSS_TICKS; i++) {
		open_flows(b, first + i * n, n);
		box_next_tick(b);
	}
	return LOSS_TICKS * n;
}

static void
bench_expiry_loss(void)
{
	struct box *b = make(
		(struct box_cfg){.capacity = CAPACITY, .timeout = 60 * SECOND, .closing = NEVER});
	double loss[BOX_ROUNDS], rate[BOX_ROUNDS];
	uint32_t at = 0, first = HOT;

	open_flows(b, 0, HOT);
	for (unsigned r = 0; r < rounds(); r++) {
		const struct pace alone = hits_while_expiring(b, &at);

		first += open_in_ticks(b, first);
		hit(b, HOT, HOT, &at); // they are seen: it is not they that expire
		for (unsigned i = LOSS_TICKS; i < 60 * SECOND; i++)
			box_next_tick(b);
		const struct pace beside = hits_while_expiring(b, &at);

		loss[r] = 100 * (1 - beside.packets / alone.packets);
		rate[r] = beside.expired;
	}
	box_books(b, HOT);
	row("expiry-loss", loss, rounds(), "% of the packet rate");
	row("expiry-beside", rate, rounds(), "flows/s");
	drop(b);
}

// ---- sizes ----

static void
bench_memory(void)
{
	double v = (double)(sl_flow_table_bytes(MILLION) + sl_sport_bytes(BOX_POOL, 1, MILLION) +
			    sl_pipe_syns_bytes(8192)) /
		   MILLION;

	row("memory-per-flow", &v, 1, "bytes");
}

static void
bench_pool_use(void)
{
	struct box *b = make((struct box_cfg){
		.capacity = 131072, .n_pool = 1, .timeout = NEVER, .closing = NEVER, .any = true});
	struct sl_tuple t = {
		.dst = htonl(0xc6130001u), .dport = htons(7000), .proto = SL_PROTO_UDP};
	double v;

	for (uint32_t i = 0; i < 131072 && (i == 0 || b->pkt[0].verdict == SL_V_FORWARD); i++) {
		t.src = htonl(0xc6336480u + (i & 0x3f));
		t.sport = htons((uint16_t)(1024 + (i >> 6)));
		box_frame(b, 0, &t, 0);
		box_run(b, 1);
	}
	box_must(b->pkt[0].reason == SL_DROP_NO_SOURCE_PORT, "no flow is refused for its port");
	v = (double)sl_flow_live(b->flows) / sl_sport_total(b->sports);
	row("pool-use", &v, 1, "of the ports");
	drop(b);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} benches[] = {
		{"hit-4k", bench_hit_4k},
		{"hit-64k", bench_hit_64k},
		{"hit-1m", bench_hit_1m},
		{"new-udp", bench_new_udp},
		{"new-udp-any", bench_new_udp_any},
		{"mixed", bench_mixed},
		{"tcp-cycles", bench_tcp_cycles},
		{"expiry", bench_expiry},
		{"expiry-loss", bench_expiry_loss},
		{"memory-per-flow", bench_memory},
		{"pool-use", bench_pool_use},
	};
	bool some = false;

	box_pin(1);
	for (int i = 1; i < argc; i++) {
		quick |= strcmp(argv[i], "--quick") == 0;
		json |= strcmp(argv[i], "--json") == 0;
		some |= argv[i][0] != '-';
	}
	if (json)
		printf("[");
	for (size_t k = 0; k < SL_ARRAY_LEN(benches); k++) {
		bool wanted = !some;

		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], benches[k].name) == 0;
		if (wanted)
			benches[k].run();
	}
	if (json)
		printf("\n]\n");
	else
		printf("memory: %s\n", box_pages());
	return EXIT_SUCCESS;
}
