#include "life.h"

#include <rte_ring.h>
#include <stdlib.h>

#include "node.h"
#include "sl_clock.h"
#include "sl_packet.h"
#include "sl_test.h"

#define CLIENT_BASE  0xc6120000u
#define CLIENTS_MAX  0x4000u // of each worker
#define POOL_BASE    0xcb0071e0u
#define NOTE_BYTES   8
#define REFUSES      8    // one SYN of so many
#define SILENT       4096 // likewise, where frames may be lost
#define SCAN         32
#define FIRST_SPORT  1024u // 65,535 + 1 is below
#define SAYS_AT_MOST 8

enum state { IDLE, UDP, SYN, DATA, FIN };
enum end { BY_FIN, BY_RESET, BY_SILENCE };

struct client {
	uint64_t since_ns;
	uint32_t service;
	uint32_t endpoint; // who answered first; 0: nobody yet
	uint16_t sport;
	uint8_t state;
	uint8_t left; // requests
	uint8_t end;
	bool keeps_port; // the last connection was closed by both: the next one may have its port
};

// A worker's share.
struct side {
	struct client *client;
	uint32_t next;
	uint64_t rnd;
	uint64_t begin_ns;
	uint64_t now_ns;
	struct rte_mbuf **out; // what clients send next, a ring
	uint32_t out_head, out_tail;
	struct rte_ring *wire[NODE_WORKERS]; // from worker i: what endpoints sent
	struct life_tally tally;
	uint64_t begun; // w: the worker, r: any; relaxed
	uint32_t open;  // likewise
} SL_CACHE_ALIGNED;

struct life {
	struct life_cfg cfg;
	const struct world *world;
	uint32_t mask;  // of the out rings
	uint64_t limit; // w: any, r: workers; relaxed
	uint32_t said;
	struct side side[NODE_WORKERS];
};

// ---- frames ----

static void
count_bad(struct life *l, struct side *s, const char *what, const struct packet *k)
{
	s->tally.bad++;
	if (__atomic_fetch_add(&l->said, 1, __ATOMIC_RELAXED) < SAYS_AT_MOST)
		printf("# bad: %s: %#x:%u -> %#x:%u, protocol %u, flags %#x\n", what, k->src,
			k->sport, k->dst, k->dport, k->proto, k->flags);
}

static void
build(struct rte_mbuf *m, struct packet *k, unsigned port, const uint32_t note[2])
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *ip = frame + 14, *l4 = ip + 20;
	const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(0xa0 + port)};

	memcpy(k->eth_dst, mac, 6);
	k->eth_src[0] = 2;
	if (k->proto == P_UDP)
		k->payload_len = NOTE_BYTES;
	m->data_len = (uint16_t)packet_build(k, frame);
	m->pkt_len = m->data_len;
	if (k->proto != P_UDP)
		return;
	memcpy(l4 + 8, note, NOTE_BYTES);
	put16(l4 + 6, 0);
	const uint32_t sum = ~l4_sum(ip, l4, 8 + NOTE_BYTES) & 0xffff;
	put16(l4 + 6, sum ? sum : 0xffff);
}

static void
read_note(const struct rte_mbuf *m, uint32_t note[2])
{
	memcpy(note, rte_pktmbuf_mtod_offset(m, const uint8_t *, 14 + 20 + 8), NOTE_BYTES);
}

// ---- endpoints ----

static uint32_t
identity(uint32_t addr, uint16_t port)
{
	return (addr & 0xff) << 16 | port;
}

// A new flow may go to what is in force, from when its first packet came in until now.
static void
check_new(const struct life *l, struct side *s, const struct packet *k, uint32_t service,
	uint32_t floor)
{
	const uint32_t ceiling = world_ceiling(l->world, service);

	// What travels is 16 bits of it.
	if (!world_is_of(k->dst, ceiling - (uint16_t)(ceiling - floor), ceiling))
		s->tally.astray++;
}

static bool
answer_tcp(const struct life *l, struct packet *a, const struct packet *k)
{
	a->seq = identity(k->dst, k->dport);
	a->ack = k->seq + 1;
	if (k->flags & T_SYN) {
		const uint64_t mix = sl_mix64(k->src ^ (uint64_t)k->sport << 48 ^ k->dst);

		if (l->cfg.all_give_up && (mix >> 32) % SILENT == 0)
			return false;
		a->flags = mix % REFUSES == 0 ? T_RST | T_ACK : T_SYN | T_ACK;
	} else if (k->flags & T_FIN) {
		a->flags = T_FIN | T_ACK;
	} else if (k->flags & T_PSH) {
		a->flags = T_PSH | T_ACK;
		a->payload_len = 8;
	} else {
		return false;
	}
	return true;
}

// The answer is built where the question was; it arrives at any worker.
static void
send_answer(struct life *l, struct side *s, unsigned worker, struct rte_mbuf *m, struct packet *a,
	const uint32_t note[2])
{
	const unsigned to = sl_test_rand(&s->rnd) % l->cfg.n_workers;

	build(m, a, NODE_SERVERS, note);
	if (rte_ring_sp_enqueue(l->side[to].wire[worker], m) == 0)
		return;
	s->tally.lost++;
	node_frame_put(m);
}

static void
endpoint_gets(struct life *l, struct side *s, unsigned worker, struct rte_mbuf *m)
{
	struct packet k;
	const char *why = packet_read(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_pkt_len(m), &k);
	struct packet a = {
		.src = k.dst, .dst = k.src, .sport = k.dport, .dport = k.sport, .proto = k.proto};
	uint32_t note[2] = {0}, service = 0;

	if (!why && (k.proto == P_ICMP || k.flags & T_RST)) {
		node_frame_put(m); // it answered, or was to, and the flow is gone
		return;
	}
	if (!why && !world_endpoint(k.dst, k.dport, &service))
		why = "not to an endpoint";
	if (!why && (service >= l->cfg.services || world_is_tcp(service) != (k.proto == P_TCP)))
		why = "to an endpoint of another service";
	if (!why && k.src - POOL_BASE >= 31)
		why = "not from the pool";
	if (why) {
		count_bad(l, s, why, &k);
		node_frame_put(m);
		return;
	}
	if (k.proto == P_UDP) {
		read_note(m, note);
		if (note[0])
			check_new(l, s, &k, service, note[1]);
		note[0] = identity(k.dst, k.dport);
	} else {
		if (k.flags == T_SYN)
			check_new(l, s, &k, service, k.seq);
		if (!answer_tcp(l, &a, &k)) {
			node_frame_put(m);
			return;
		}
	}
	send_answer(l, s, worker, m, &a, note);
}

// ---- clients ----

static void
set_open(struct side *s, int by)
{
	__atomic_store_n(&s->open, s->open + (uint32_t)by, __ATOMIC_RELAXED);
}

static void
end(struct side *s, struct client *c)
{
	c->state = IDLE;
	s->tally.ended++;
	set_open(s, -1);
}

static void
say(struct life *l, struct side *s, unsigned worker, struct client *c, struct rte_mbuf *m,
	uint8_t flags, bool first)
{
	const uint32_t floor = world_floor(l->world, c->service);
	const uint32_t note[2] = {first, floor};
	struct packet k = {.src = CLIENT_BASE + worker * CLIENTS_MAX + (uint32_t)(c - s->client),
		.dst = world_vip(c->service),
		.sport = c->sport,
		.dport = WORLD_PORT,
		.proto = world_is_tcp(c->service) ? P_TCP : P_UDP,
		.flags = flags,
		.payload_len = flags & T_PSH ? 8 : 0,
		.seq = (uint32_t)(c->sport << 16) | (floor & 0xffff)};

	build(m, &k, NODE_CLIENTS, note);
	c->since_ns = s->now_ns;
	s->out[s->out_tail++ & l->mask] = m;
}

static void
begin(struct life *l, struct side *s, unsigned worker, struct client *c, struct rte_mbuf *m)
{
	const uint64_t r = sl_test_rand(&s->rnd);

	c->service = (uint32_t)(r >> 32) % l->cfg.services;
	if (!c->keeps_port || r % 4)
		c->sport = (uint16_t)(c->sport < FIRST_SPORT ? FIRST_SPORT : c->sport + 1u);
	c->keeps_port = false;
	c->endpoint = 0;
	c->left = (uint8_t)(1 + (r >> 8) % 3);
	c->end = (uint8_t)((r >> 16) % 8 < 6 ? BY_FIN : (r >> 16) % 8 == 6 ? BY_RESET : BY_SILENCE);
	c->state = world_is_tcp(c->service) ? SYN : UDP;
	s->tally.begun++;
	__atomic_store_n(&s->begun, s->begun + 1, __ATOMIC_RELAXED);
	set_open(s, 1);
	say(l, s, worker, c, m, T_SYN, true);
}

// What the client says next; NULL flags of its own: it is satisfied, and the frame is over.
static void
go_on(struct life *l, struct side *s, unsigned worker, struct client *c, struct rte_mbuf *m,
	const struct packet *k)
{
	if (c->state == SYN) {
		c->state = DATA;
		say(l, s, worker, c, m, T_ACK | T_PSH, false);
	} else if (c->state == FIN) {
		say(l, s, worker, c, m, T_ACK, false);
		c->keeps_port = k->flags & T_FIN;
		end(s, c);
	} else if (--c->left > 0) {
		say(l, s, worker, c, m, T_ACK | T_PSH, false);
	} else if (c->state == DATA && c->end == BY_FIN) {
		c->state = FIN;
		say(l, s, worker, c, m, T_FIN | T_ACK, false);
	} else {
		if (c->state == DATA && c->end == BY_RESET)
			say(l, s, worker, c, m, T_RST | T_ACK, false);
		else
			node_frame_put(m);
		end(s, c);
	}
}

// UDP flows may be ended and opened anew when their endpoint's address went; connections never
// move.
static void
check_endpoint(
	const struct life *l, struct side *s, struct client *c, const struct packet *k, uint32_t id)
{
	if (c->endpoint && c->endpoint != id && (k->proto == P_TCP || c->service < l->cfg.stable))
		s->tally.moved++;
	c->endpoint = id;
}

static bool
is_of(const struct client *c, const struct packet *k)
{
	return c->state != IDLE && k->proto == (world_is_tcp(c->service) ? P_TCP : P_UDP) &&
	       k->src == world_vip(c->service) && k->sport == WORLD_PORT && k->dport == c->sport;
}

static void
client_gets(struct life *l, struct side *s, unsigned worker, struct rte_mbuf *m)
{
	struct packet k;
	const char *why = packet_read(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_pkt_len(m), &k);
	const uint32_t id = k.dst - CLIENT_BASE - worker * CLIENTS_MAX;
	struct client *c = &s->client[id < l->cfg.clients ? id : 0];
	uint32_t note[2];

	if (!why && id >= l->cfg.clients)
		why = "to no client of this worker";
	if (why) {
		count_bad(l, s, why, &k);
	} else if (k.proto == P_ICMP || (is_of(c, &k) && k.flags & T_RST)) {
		if (c->state == IDLE) {
			s->tally.stale++;
		} else {
			(*(c->state == SYN || c->state == UDP ? &s->tally.refused
							      : &s->tally.reset))++;
			end(s, c);
		}
	} else if (!is_of(c, &k)) {
		s->tally.stale++;
	} else {
		read_note(m, note);
		check_endpoint(l, s, c, &k, k.proto == P_TCP ? k.seq : note[0]);
		go_on(l, s, worker, c, m, &k);
		return;
	}
	node_frame_put(m);
}

// A client that has waited for too long, if its flow may have gone, and the next one that is idle.
static struct client *
find_idle(struct life *l, struct side *s)
{
	for (unsigned i = 0; i < SCAN; i++) {
		struct client *c = &s->client[s->next++ % l->cfg.clients];

		if (c->state != IDLE && (l->cfg.all_give_up || c->service >= l->cfg.stable) &&
			s->now_ns - c->since_ns > l->cfg.patience_ns) {
			s->tally.given_up++;
			end(s, c);
		}
		if (c->state == IDLE)
			return c;
	}
	return NULL;
}

static void
begin_some(struct life *l, struct side *s, unsigned worker, unsigned n)
{
	uint64_t limit = __atomic_load_n(&l->limit, __ATOMIC_RELAXED);

	if (l->cfg.rate) {
		if (s->begin_ns == 0)
			s->begin_ns = s->now_ns;
		const uint64_t due = (s->now_ns - s->begin_ns) / 1000 * l->cfg.rate / 1000000;

		limit = due < limit ? due : limit;
	}
	for (; n > 0; n--) {
		struct client *c = find_idle(l, s);
		struct rte_mbuf *m = NULL;

		if (c && s->open < l->cfg.at_once && s->begun < limit)
			m = node_frame_get();
		if (!m)
			return;
		begin(l, s, worker, c, m);
	}
}

// ---- the node's callbacks ----

unsigned
life_rx(void *life, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
	struct life *l = life;
	struct side *s = &l->side[worker];
	unsigned got = 0;

	if (port == NODE_SERVERS) {
		for (unsigned i = 0; i < l->cfg.n_workers; i++)
			got += rte_ring_sc_dequeue_burst(
				s->wire[i], (void **)(frames + got), n - got, NULL);
	} else {
		s->now_ns = sl_clock_ns(NULL);
		if (s->out_tail - s->out_head < n)
			begin_some(l, s, worker, n - (s->out_tail - s->out_head));
		while (got < n && s->out_head != s->out_tail)
			frames[got++] = s->out[s->out_head++ & l->mask];
	}
	s->tally.in += got;
	return got;
}

void
life_tx(void *life, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
	struct life *l = life;
	struct side *s = &l->side[worker];

	s->tally.out += n;
	for (unsigned i = 0; i < n; i++)
		if (port == NODE_SERVERS)
			endpoint_gets(l, s, worker, frames[i]);
		else
			client_gets(l, s, worker, frames[i]);
}

// ---- for whoever made it ----

static struct rte_ring *
wire_new(uint32_t frames)
{
	const unsigned size = rte_align32pow2(frames + 1);
	struct rte_ring *r = aligned_alloc(
		SL_CACHE_LINE, (size_t)rte_ring_get_memsize_elem(sizeof(void *), size));

	if (r)
		rte_ring_init(r, "wire", size, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return r;
}

struct life *
life_new(const struct life_cfg *cfg)
{
	struct life *l = aligned_alloc(SL_CACHE_LINE, sizeof(*l));

	if (!l || cfg->clients > CLIENTS_MAX)
		abort();
	memset(l, 0, sizeof(*l));
	l->cfg = *cfg;
	l->mask = rte_align32pow2(cfg->frames) - 1;
	for (unsigned i = 0; i < cfg->n_workers; i++) {
		struct side *s = &l->side[i];

		s->client = calloc(cfg->clients, sizeof(*s->client));
		s->out = calloc(l->mask + 1, sizeof(struct rte_mbuf *));
		s->rnd = cfg->seed + i * 2 + 1;
		for (unsigned k = 0; k < cfg->n_workers; k++)
			s->wire[k] = wire_new(cfg->frames);
	}
	return l;
}

void
life_free(struct life *l)
{
	for (unsigned i = 0; i < l->cfg.n_workers; i++) {
		free(l->side[i].client);
		free(l->side[i].out);
		for (unsigned k = 0; k < l->cfg.n_workers; k++)
			free(l->side[i].wire[k]);
	}
	free(l);
}

void
life_set_world(struct life *l, const struct world *w)
{
	l->world = w;
}

void
life_limit(struct life *l, uint64_t n)
{
	__atomic_store_n(&l->limit, n, __ATOMIC_RELAXED);
}

uint32_t
life_open(const struct life *l)
{
	const uint64_t limit = __atomic_load_n(&l->limit, __ATOMIC_RELAXED);
	uint64_t n = 0;

	for (unsigned i = 0; i < l->cfg.n_workers; i++) {
		const struct side *s = &l->side[i];
		const uint64_t begun = __atomic_load_n(&s->begun, __ATOMIC_RELAXED);

		n += __atomic_load_n(&s->open, __ATOMIC_RELAXED) +
		     (begun < limit ? limit - begun : 0);
	}
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void
life_show_open(const struct life *l, FILE *to)
{
	static const char *const state[] = {"idle", "udp", "syn", "data", "fin"};
	unsigned n = 0;

	for (unsigned i = 0; i < l->cfg.n_workers; i++) {
		const struct side *s = &l->side[i];

		for (uint32_t k = 0; k < l->cfg.clients && n < SAYS_AT_MOST; k++) {
			const struct client *c = &s->client[k];

			if (c->state == IDLE)
				continue;
			fprintf(to,
				"# open: worker %u, client %u:%u, service %u, %s, endpoint %#x, "
				"%.1f s\n",
				i, k, c->sport, c->service, state[c->state], c->endpoint,
				(double)(s->now_ns - c->since_ns) / 1e9);
			n++;
		}
	}
}

void
life_tally(const struct life *l, struct life_tally *sum)
{
	*sum = (struct life_tally){0};
	for (unsigned i = 0; i < l->cfg.n_workers; i++) {
		const uint64_t *from = (const uint64_t *)&l->side[i].tally;
		uint64_t *to = (uint64_t *)sum;

		for (size_t k = 0; k < sizeof(*sum) / sizeof(uint64_t); k++)
			to[k] += from[k];
	}
}
