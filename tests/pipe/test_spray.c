// Software spray: whose frames go where, in which order, and what does not fit.
#include <rte_ring.h>

#include "fixture.h"
#include "worker_priv.h"

#define WORKERS 4
#define RING    64

struct spray_box {
	struct fixture *fx;
	struct sl_worker w;
	struct rte_mbuf mbuf[SL_BURST];
	struct frame frame[SL_BURST];
	struct sl_pkt pkt[SL_BURST];
};

static struct rte_ring *
ring_new(void)
{
	const ssize_t bytes = rte_ring_get_memsize(RING);
	struct rte_ring *ring = aligned_alloc(SL_CACHE_LINE, ((size_t)bytes + 63) & ~(size_t)63);

	if (!ring || rte_ring_init(ring, "to", RING, RING_F_SP_ENQ | RING_F_SC_DEQ) < 0)
		abort();
	return ring;
}

static struct spray_box *
box_new(uint32_t n_entries, unsigned id)
{
	const struct fixture_opt opt = {.n_workers = WORKERS, .n_entries = n_entries, .n_pool = 2};
	struct spray_box *b = aligned_alloc(SL_CACHE_LINE, sizeof(*b));

	if (!b)
		abort();
	memset(b, 0, sizeof(*b));
	b->fx = fixture_new(&opt);
	b->w.id = id;
	b->w.n_workers = WORKERS;
	b->w.owner = &b->fx->owner;
	b->w.spray_key[0] = 0x0123456789abcdef;
	b->w.spray_key[1] = 0xfedcba9876543210;
	b->w.pipe = b->fx->worker[id].pipe;
	for (unsigned i = 0; i < WORKERS; i++)
		b->w.handoff_out[i] = i == id ? NULL : ring_new();
	return b;
}

static void
box_free(struct spray_box *b)
{
	for (unsigned i = 0; i < WORKERS; i++)
		free(b->w.handoff_out[i]);
	fixture_free(b->fx);
	free(b);
}

static void
put(struct spray_box *b, unsigned i)
{
	// Somebody else holds them too, so that a drop is no return to a pool.
	b->mbuf[i] = (struct rte_mbuf){.refcnt = 2, .nb_segs = 1};
	b->pkt[i] = (struct sl_pkt){.data = b->frame[i].bytes,
		.data_len = b->frame[i].data_len,
		.frame_len = b->frame[i].len,
		.in_port = 1,
		.buf = &b->mbuf[i]};
}

// The worker that gets the frame: by the ring it is in, or because it stays.
static unsigned
where(struct spray_box *b, const struct packet *k)
{
	struct rte_mbuf *m;

	if (k)
		fixture_frame(b->fx, &b->frame[0], k, 1);
	put(b, 0);
	if (spray(&b->w, b->fx->fwd, b->pkt, 1) == 1)
		return b->pkt[0].buf == &b->mbuf[0] ? b->w.id : UINT32_MAX;
	for (unsigned i = 0; i < WORKERS; i++)
		if (i != b->w.id && rte_ring_sc_dequeue(b->w.handoff_out[i], (void **)&m) == 0)
			return m == &b->mbuf[0] && m->port == 1 && m->hash.usr == HANDOFF_RECEIVED
				       ? i
				       : UINT32_MAX;
	return UINT32_MAX;
}

static struct packet
client(unsigned i)
{
	return (struct packet){.src = IP4(198, 18, 0, 0) + i / 16,
		.dst = VIP,
		.proto = i % 2 ? P_TCP : P_UDP,
		.sport = (uint16_t)(1024 + i % 16),
		.dport = 80,
		.flags = i % 2 ? T_SYN : 0};
}

// A flow has one worker, which another distributor finds too; all have their share; and whoever
// does not know the key does not know it.
static int
clients(void)
{
	enum { N = 4000 };
	struct spray_box *a = box_new(0, 0), *b = box_new(0, 2), *c = box_new(0, 1);
	unsigned share[WORKERS] = {0}, same = 0;

	c->w.spray_key[1] ^= 1 << 9;
	for (unsigned i = 0; i < N; i++) {
		struct packet k = client(i);
		const unsigned w = where(a, &k);

		RTE_TEST_ASSERT(w < WORKERS, "flow %u: lost", i);
		SL_TEST_INT(where(b, &k), w);
		k.flags = k.proto == P_TCP ? T_ACK : 0;
		SL_TEST_INT(where(a, &k), w);
		same += where(c, &k) == w;
		share[w]++;
	}
	for (unsigned w = 0; w < WORKERS; w++)
		RTE_TEST_ASSERT(share[w] > N / WORKERS * 8 / 10 && share[w] < N / WORKERS * 12 / 10,
			"worker %u: %u", w, share[w]);
	RTE_TEST_ASSERT(same < N / 2, "%u of %u are where another key has them", same, N);
	box_free(a);
	box_free(b);
	box_free(c);
	return TEST_SUCCESS;
}

static int
replies(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct spray_box *b = box_new(k ? 128 : 0, 3);

		for (unsigned i = 0; i < 4000; i++) {
			const struct packet in = {.src = EP1 + i % 7,
				.dst = POOL + i % 2,
				.proto = i % 3 ? P_TCP : P_UDP,
				.sport = 80,
				.dport = (uint16_t)(1024 + i),
				.flags = T_ACK};
			const struct sl_tuple t = {.src = htonl(in.src),
				.dst = htonl(in.dst),
				.sport = htons(in.sport),
				.dport = htons(in.dport),
				.proto = in.proto};

			SL_TEST_INT(where(b, &in), sl_owner_of(&b->fx->owner, &t));
		}
		box_free(b);
	}
	return TEST_SUCCESS;
}

// What is no whole TCP or UDP stays where it is.
static int
odd(void)
{
	enum { ETH = SL_ETH_HLEN };
	static const struct {
		const char *name;
		unsigned at; // a byte of the frame
		uint8_t value;
		uint32_t cut; // data_len
	} rows[] = {
		{"ARP", 13, 0x06, 0},
		{"a VLAN tag", 12, 0x81, 0},
		{"more fragments", ETH + 6, 0x20, 0},
		{"a fragment", ETH + 7, 1, 0},
		{"options", ETH, 0x46, 0},
		{"IPv6 by its version", ETH, 0x65, 0},
		{"ICMP", ETH + 9, 1, 0},
		{"SCTP", ETH + 9, 132, 0},
		{"a runt", 0, 2, 10},
		{"no ports", 0, 2, ETH + SL_IPV4_HLEN + 3},
	};
	struct spray_box *b = box_new(0, 1);
	unsigned moved = 0;

	for (unsigned i = 0; i < 64; i++) {
		const struct packet k = client(i);

		moved += where(b, &k) != 1;
		for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
			fixture_frame(b->fx, &b->frame[0], &k, 1);
			b->frame[0].bytes[rows[r].at] = rows[r].value;
			if (rows[r].cut)
				b->frame[0].data_len = rows[r].cut;
			RTE_TEST_ASSERT_EQUAL(where(b, NULL), 1, "%s", rows[r].name);
		}
	}
	RTE_TEST_ASSERT(moved > 16, "whole ones stay as well: %u moved", moved);
	box_free(b);
	return TEST_SUCCESS;
}

// Bursts: each ring has its flows' frames in the order in which they came; what stays is in order,
// too; what a full ring does not take is dropped and counted.
static int
bursts(void)
{
	struct spray_box *b = box_new(0, 0);
	uint64_t n_in = 0, n_mine = 0, n_out = 0;

	for (unsigned round = 0; round < 40; round++) {
		unsigned last_mine = 0;

		for (unsigned i = 0; i < SL_BURST; i++) {
			const struct packet k = client(round * 8 + i / 4);

			fixture_frame(b->fx, &b->frame[i], &k, 0);
			put(b, i);
		}
		const unsigned mine = spray(&b->w, b->fx->fwd, b->pkt, SL_BURST);

		for (unsigned i = 0; i < mine; i++) {
			const unsigned at =
				(unsigned)((struct rte_mbuf *)b->pkt[i].buf - b->mbuf) + 1;

			RTE_TEST_ASSERT(at > last_mine, "out of order");
			last_mine = at;
		}
		n_in += SL_BURST;
		n_mine += mine;
		for (unsigned to = 1; round < 20 && to < WORKERS; to++) {
			struct rte_mbuf *m, *last = NULL;

			while (rte_ring_sc_dequeue(b->w.handoff_out[to], (void **)&m) == 0) {
				RTE_TEST_ASSERT(m > last, "worker %u: out of order", to);
				last = m;
				n_out++;
			}
		}
		if (round < 20)
			SL_TEST_INT(n_mine + n_out, n_in);
	}
	for (unsigned to = 1; to < WORKERS; to++) {
		SL_TEST_INT(rte_ring_free_count(b->w.handoff_out[to]), 0);
		n_out += rte_ring_count(b->w.handoff_out[to]);
	}
	const uint64_t dropped = fixture_drops(b->fx, SL_DROP_HANDOFF_FULL);

	SL_TEST_INT(b->w.stats.local.counter[SL_C_HANDED_OFF], n_out);
	RTE_TEST_ASSERT(dropped > 0, "nothing was too much");
	SL_TEST_INT(n_mine + n_out + dropped, n_in);
	box_free(b);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"clients", clients},
		{"replies", replies},
		{"odd", odd},
		{"bursts", bursts},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
