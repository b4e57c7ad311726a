// The express way does the same in all variants that this machine has: on random bursts of packets
// of flows that are known, in both directions, whole and broken, and of others. The variants are
// called themselves, on copies of one burst: same verdicts, bytes, lists and counters of flows.

#include "express.h"
#include "fixture.h"
#include "sl_flow_count.h"

#define ROUNDS  3000
#define CLIENTS 40

static uint64_t seed;
static struct guarded guard[SL_BURST];

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(sl_test_rand(&seed) % n);
}

struct known {
	struct packet to, back; // of the flow, by direction
};

static bool
open_udp(struct fixture *fx, struct known *k, unsigned i)
{
	const struct packet first = {UDP_TO(VIP, 53), .sport = (uint16_t)(41000 + i)};
	const struct result r = fixture_send(fx, &first, 0);

	k->to = first;
	k->back = (struct packet){.src = r.out.dst,
		.dst = r.out.src,
		.sport = r.out.dport,
		.dport = r.out.sport,
		.proto = P_UDP};
	return r.verdict == SL_V_FORWARD && fixture_send(fx, &k->back, 1).verdict == SL_V_FORWARD;
}

// Every other one stays half open, which the express way leaves alone.
static bool
open_tcp(struct fixture *fx, struct known *k, unsigned i)
{
	const struct packet first = {SYN_TO(VIP, 80), .sport = (uint16_t)(42000 + i)};
	const struct result r = fixture_send(fx, &first, 0);
	struct packet answer = {.src = r.out.dst,
		.dst = r.out.src,
		.sport = r.out.dport,
		.dport = r.out.sport,
		.proto = P_TCP,
		.flags = T_SYN | T_ACK,
		.ack = 1001};

	if (r.verdict != SL_V_FORWARD || fixture_send(fx, &answer, 1).verdict != SL_V_FORWARD)
		return false;
	k->to = first;
	k->to.flags = T_ACK;
	answer.flags = T_ACK;
	k->back = answer;
	return i % 2 || fixture_send(fx, &k->to, 0).verdict == SL_V_FORWARD;
}

static void
random_frame(const struct fixture *fx, const struct known *known, struct frame *f)
{
	static const uint8_t flags[] = {T_ACK, T_ACK, T_ACK | T_PSH, T_FIN | T_ACK, T_RST, T_SYN};
	const struct known *k = &known[below(2 * CLIENTS)];
	const unsigned port = below(2);
	struct packet p = port ? k->back : k->to;

	if (p.proto == P_TCP)
		p.flags = flags[below(SL_ARRAY_LEN(flags))];
	p.payload_len = (uint16_t)(below(8) ? below(40) : below(1400));
	p.pad_len = (uint16_t)below(20);
	p.no_udp_csum = below(4) == 0;
	p.ttl = (uint8_t)(below(20) ? 64 : 1 + below(2));
	p.sport = (uint16_t)(p.sport + (below(10) == 0));
	fixture_frame(fx, f, &p, port);
	if (below(6) == 0)
		f->bytes[below(60) % f->len] = (uint8_t)sl_test_rand(&seed);
	if (below(12) == 0)
		f->data_len = below(f->len + 1);
}

// All that a variant may leave behind.
struct outcome {
	uint8_t bytes[SL_BURST][BUF_BYTES];
	struct {
		uint8_t verdict, reason;
		uint16_t out_port;
		struct sl_wire_info info;
	} pkt[SL_BURST];
	unsigned n_odd, n_miss, n_hit;
	uint8_t odd[SL_BURST], miss[SL_BURST], hit[SL_BURST];
	uint32_t ref[SL_BURST];
	uint64_t pkts[2], octets[2]; // by which the flows' counters grew
};

static void
add_flows(const struct fixture *fx, struct outcome *o, uint64_t sign)
{
	struct sl_flow_table *t = fx->worker[0].flows;

	for (uint32_t i = 0; i < sl_flow_used(t); i++)
		for (unsigned d = 0; d < 2; d++) {
			o->pkts[d] += sign * sl_flow_pkts(sl_flow_at(t, i), d) * (i + 1);
			o->octets[d] += sign * sl_flow_bytes(sl_flow_at(t, i), d) * (i + 1);
		}
}

static void
run(struct fixture *fx, pipe_express_fn *express, const struct frame *f, unsigned n,
	struct outcome *o)
{
	struct sl_pipe *p = fx->worker[0].pipe;
	struct sl_pkt pkts[SL_BURST] = {0};
	struct burst b;

	memset(o, 0, sizeof(*o));
	for (unsigned i = 0; i < n; i++) {
		uint8_t *at = guarded_at(&guard[i], f[i].data_len);

		memcpy(at, f[i].bytes, f[i].data_len);
		pkts[i] = (struct sl_pkt){.data = at,
			.data_len = f[i].data_len,
			.frame_len = f[i].len,
			.room = f[i].data_len,
			.in_port = (uint16_t)f[i].port,
			.verdict = UINT8_MAX};
	}
	add_flows(fx, o, (uint64_t)-1);
	pipe_begin(p, &b, fx->fwd, fx->now);
	express(p, &b, pkts, n);
	add_flows(fx, o, 1);
	for (unsigned i = 0; i < n; i++) {
		memcpy(o->bytes[i], pkts[i].data, pkts[i].data_len);
		o->pkt[i].verdict = pkts[i].verdict;
		o->pkt[i].reason = pkts[i].reason;
		o->pkt[i].out_port = pkts[i].out_port;
		o->pkt[i].info = pkts[i].info;
	}
	o->n_odd = b.n_odd;
	o->n_miss = b.n_miss;
	o->n_hit = b.n_hit;
	for (unsigned i = 0; i < b.n_odd; i++)
		o->odd[i] = (uint8_t)(b.odd[i] - pkts);
	for (unsigned i = 0; i < b.n_miss; i++)
		o->miss[i] = (uint8_t)(b.miss[i] - pkts);
	for (unsigned i = 0; i < b.n_hit; i++) {
		o->hit[i] = (uint8_t)(b.hit[i].pkt - pkts);
		o->ref[i] = b.hit[i].index << 1 | b.hit[i].dir;
	}
}

// One is like the other.
static int
same(struct fixture *fx, const struct known *known, pipe_express_fn *variant, unsigned met[4])
{
	static struct outcome scalar, other;
	static struct frame f[SL_BURST];
	const unsigned n = 1 + below(SL_BURST);

	for (unsigned i = 0; i < n; i++)
		random_frame(fx, known, &f[i]);
	run(fx, pipe_express_scalar, f, n, &scalar);
	run(fx, variant, f, n, &other);
	RTE_TEST_ASSERT(memcmp(&scalar, &other, sizeof(scalar)) == 0, "they differ");
	met[0] += n - scalar.n_odd - scalar.n_miss - scalar.n_hit;
	met[1] += scalar.n_odd;
	met[2] += scalar.n_miss;
	met[3] += scalar.n_hit;
	return TEST_SUCCESS;
}

static int
all_alike(void)
{
	static const char *const names[] = {"scalar", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
	static struct known known[2 * CLIENTS];
	struct fixture *fx = fixture_new(NULL);
	unsigned met[4] = {0}, n = 0;

	seed = sl_test_seed();
	for (unsigned i = 0; i < SL_BURST; i++)
		guarded_new(&guard[i], BUF_BYTES);
	for (unsigned i = 0; i < CLIENTS; i++)
		RTE_TEST_ASSERT(
			open_udp(fx, &known[2 * i], i) && open_tcp(fx, &known[2 * i + 1], i),
			"flows of client %u", i);
	for (size_t v = 0; v < SL_ARRAY_LEN(names); v++) {
		const struct pipe_variant *variant = pipe_variant(names[v]);

		for (int i = 0; variant && i < ROUNDS; i++)
			RTE_TEST_ASSERT(same(fx, known, variant->express, met) == TEST_SUCCESS,
				"%s, burst %d", names[v], i);
		n += variant != NULL;
	}
	printf("# %u variants: %u forwarded, %u odd, %u of no flow, %u that change theirs\n", n,
		met[0], met[1], met[2], met[3]);
	RTE_TEST_ASSERT(
		met[0] > 10 * ROUNDS && met[1] > ROUNDS && met[2] > ROUNDS && met[3] > ROUNDS,
		"a kind was hardly met");
	RTE_TEST_ASSERT(!pipe_variant("x86-64-v9"), "a variant of that name");
	for (unsigned i = 0; i < SL_BURST; i++)
		guarded_free(&guard[i]);
	fixture_free(fx);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"all_alike", all_alike},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
