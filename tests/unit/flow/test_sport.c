// Source ports: each exactly once for each destination, never a reserved one, dry and back; sets
// that are forgotten; rest.
#include <errno.h>

#include "sport.h"
#include "sport_box.h"

static uint16_t
port_of(const struct box *b, int64_t index)
{
	return sl_be16_to_cpu(sl_flow_at(b->flows, (uint32_t)index)->tuple[SL_DIR_ENDPOINT].dport);
}

// All workers together lend every port of the range but the reserved ones, once for each
// destination, address and protocol, and each worker its own; the very last one before the first
// refusal.
static int
each_port_once(void)
{
	static const uint16_t reserved[] = {1024, 4789, 6081, 65535};
	static const struct {
		uint16_t first, last;
		uint32_t n_reserved;
		unsigned n_workers;
	} rows[] = {
		{1024, 65535, 0, 1},
		{1024, 65535, 4, 2},
		{1024, 65535, 2, 3},
		{0, 65535, 4, 64},
		{4788, 4800, 2, 4},
		{2000, 2063, 0, 1},
		{2000, 2064, 0, 1},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_sport_range range = {
			rows[r].first, rows[r].last, reserved, rows[r].n_reserved, 0};
		const struct sl_tuple dst[] = {
			to(SL_PROTO_TCP, 0xc0000201, 80),
			to(SL_PROTO_UDP, 0xc0000201, 80),
			to(SL_PROTO_UDP, 0xc0000201, 81),
			to(SL_PROTO_UDP, 0xc0000202, 80),
		};
		const unsigned n_dst = SL_ARRAY_LEN(dst);
		const struct sl_owner owner = {.n_workers = rows[r].n_workers};
		uint8_t *taken = calloc(n_dst * N_ADDRS, 65536);
		uint32_t total = 0, want = 0;

		for (unsigned w = 0; w < rows[r].n_workers; w++) {
			struct box b = box_new(&range, N_ADDRS, w, &owner,
				1 << 20 >> (rows[r].n_workers > 8 ? 6 : 0));
			const uint32_t n = sl_sport_total(b.sports);
			struct sl_tuple refused;

			for (uint32_t i = 0; i < n * n_dst; i++) {
				const unsigned d = i % n_dst;

				b.hash = i * 2654435761u;
				const int64_t k = begin(&b, &dst[d]);

				RTE_TEST_ASSERT(k >= 0, "row %u, worker %u: %u of %u: %lld", r, w,
					i, n * n_dst, (long long)k);
				const struct sl_flow *f = sl_flow_at(b.flows, (uint32_t)k);
				const struct sl_tuple *t = &f->tuple[SL_DIR_ENDPOINT];
				const uint16_t p = sl_be16_to_cpu(t->dport);

				RTE_TEST_ASSERT(f->pool_addr < N_ADDRS &&
							t->dst == addrs[f->pool_addr] &&
							t->src == dst[d].src,
					"address %u", f->pool_addr);
				SL_TEST_INT(sl_owner_of(&owner, t), w);
				RTE_TEST_ASSERT(!taken[(d * N_ADDRS + f->pool_addr) * 65536 + p]++,
					"port %u of address %u twice", p, f->pool_addr);
			}
			SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_TCP), n);
			SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_UDP), n * 3);
			RTE_TEST_ASSERT(!sl_sport_refused(b.sports, SL_PROTO_TCP, &refused) &&
						!sl_sport_refused(b.sports, SL_PROTO_UDP, &refused),
				"refused before");
			for (unsigned d = 0; d < n_dst; d++) {
				SL_TEST_INT(begin(&b, &dst[d]), -ENOSPC);
				RTE_TEST_ASSERT(
					sl_sport_refused(b.sports, dst[d].proto, &refused) &&
						refused.src == dst[d].src &&
						refused.sport == dst[d].sport &&
						refused.proto == dst[d].proto,
					"destination %u is not the one refused", d);
			}
			total += n;
			box_free(&b);
		}
		for (uint32_t p = rows[r].first; p <= rows[r].last; p++) {
			bool usable = p != 0;

			for (uint32_t i = 0; i < rows[r].n_reserved; i++)
				usable = usable && p != reserved[i];
			want += usable;
			for (unsigned k = 0; k < n_dst * N_ADDRS; k++)
				RTE_TEST_ASSERT_EQUAL(taken[k * 65536 + p], usable, "port %u", p);
		}
		SL_TEST_INT(total, want * N_ADDRS);
		free(taken);
	}
	return TEST_SUCCESS;
}

// Flows of one destination come and go in random order around a fill, and others with them; then
// it is filled up: not one port is missed. With and without room for the sets of all.
static int
full_after_churn(void)
{
	static const struct {
		uint16_t last;
		uint32_t n_addrs, capacity, fill; // fill in percent
		unsigned n_dst;
	} rows[] = {
		{65535, 1, 1 << 18, 50, 2},
		{65535, 1, 1 << 18, 95, 2},
		{65535, 2, 1 << 18, 97, 1},
		{2047, 3, 1 << 14, 90, 4},
		{1123, 2, 1 << 14, 90, 40}, // more dense places than sets
		{1026, 3, 1 << 10, 60, 90},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_sport_range range = {1024, rows[r].last, NULL, 0, 0};
		struct box b = box_new(&range, rows[r].n_addrs, 0, &alone, rows[r].capacity);
		const uint32_t total = sl_sport_total(b.sports);
		const uint32_t n = total * rows[r].fill / 100;
		int64_t *live = calloc(rows[r].n_dst, total * sizeof(*live));
		uint64_t seed = r + 1;

		for (unsigned d = 0; d < rows[r].n_dst; d++) {
			const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000200 + d, 80);

			for (uint32_t i = 0; i < n; i++) {
				b.hash = (uint32_t)sl_test_rand(&seed);
				live[d * total + i] = begin(&b, &t);
				RTE_TEST_ASSERT(live[d * total + i] >= 0, "row %u: fill", r);
			}
		}
		for (uint32_t i = 0; i < 3 * n; i++) {
			const unsigned d = (unsigned)(sl_test_rand(&seed) % rows[r].n_dst);
			const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000200 + d, 80);
			int64_t *k = &live[d * total + sl_test_rand(&seed) % n];

			end(&b, *k, 0, 0);
			b.hash = (uint32_t)sl_test_rand(&seed);
			*k = begin(&b, &t);
			RTE_TEST_ASSERT(*k >= 0, "row %u: refused in flow %u", r, i);
		}
		for (unsigned d = 0; d < rows[r].n_dst; d++) {
			const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000200 + d, 80);

			for (uint32_t i = n; i < total; i++) {
				b.hash = (uint32_t)sl_test_rand(&seed);
				live[d * total + i] = begin(&b, &t);
				RTE_TEST_ASSERT(live[d * total + i] >= 0,
					"row %u: destination %u is dry with %u of %u", r, d, i,
					total);
			}
			SL_TEST_INT(begin(&b, &t), -ENOSPC);
		}
		SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_UDP), sl_flow_live(b.flows));
		// One comes back, and is the next.
		const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000200, 80);
		const uint16_t port = port_of(&b, live[total / 2]);

		end(&b, live[total / 2], 0, 0);
		live[total / 2] = begin(&b, &t);
		RTE_TEST_ASSERT(live[total / 2] >= 0, "row %u: given back", r);
		SL_TEST_INT(port_of(&b, live[total / 2]), port);
		for (uint32_t i = 0; i < rows[r].n_dst * total; i++)
			end(&b, live[i], 0, 0);
		SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_UDP), 0);
		free(live);
		box_free(&b);
	}
	return TEST_SUCCESS;
}

// A port that is given back comes last.
static int
given_back_is_last(void)
{
	const struct sl_sport_range range = {2000, 2099, NULL, 0, 0};
	const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000201, 80);

	for (unsigned busy = 0; busy < 2; busy++) { // before the place is dense, and after
		struct box b = box_new(&range, 1, 0, &alone, 1024);
		int64_t k[100];

		for (unsigned i = 0; i < 100u * busy; i++)
			k[i] = begin(&b, &t);
		if (busy) {
			SL_TEST_INT(begin(&b, &t), -ENOSPC);
			for (unsigned i = 0; i < 100; i++)
				end(&b, k[i], 0, 0);
		}
		const int64_t first = begin(&b, &t);
		const uint16_t port = port_of(&b, first);

		end(&b, first, 0, 0);
		for (unsigned i = 0; i < 99; i++) {
			const int64_t other = begin(&b, &t);

			RTE_TEST_ASSERT(other >= 0 && port_of(&b, other) != port, "after %u", i);
			end(&b, other, 0, 0);
		}
		const int64_t again = begin(&b, &t);

		SL_TEST_INT(port_of(&b, again), port);
		box_free(&b);
	}
	return TEST_SUCCESS;
}

// A port that rests is not lent for its destination, but for others; when it has rested, it is.
static int
rest(void)
{
	const struct sl_sport_range range = {2000, 2003, NULL, 0, 0};
	const struct sl_tuple t = to(SL_PROTO_TCP, 0xc0000201, 80);
	const struct sl_tuple other = to(SL_PROTO_TCP, 0xc0000201, 81);

	for (unsigned dense = 0; dense < 2; dense++) {
		struct box b = box_new(&range, 1, 0, &alone, 1024);
		int64_t k[4];

		for (unsigned i = 0; i < 4; i++)
			k[i] = begin(&b, &t);
		if (dense)
			SL_TEST_INT(begin(&b, &t), -ENOSPC);
		const struct sl_tuple was = sl_flow_at(b.flows, (uint32_t)k[2])->tuple[1];
		struct sl_tuple moved = was;

		end(&b, k[2], 10, 5);
		SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_TCP), 3);
		sl_sport_wake(b.sports, 14, 64);
		SL_TEST_INT(begin(&b, &t), -ENOSPC);
		SL_TEST_INT(sl_sport_take(b.sports, &was, 0), -EADDRINUSE);
		moved.sport = other.sport;
		SL_TEST_INT(sl_sport_take(b.sports, &moved, 0), 0);
		insert(&b, &moved, 0);
		for (unsigned i = 0; i < 3; i++)
			RTE_TEST_ASSERT(begin(&b, &other) >= 0, "another destination");
		SL_TEST_INT(begin(&b, &other), -ENOSPC);
		SL_TEST_INT(sl_sport_take(b.sports, &moved, 0), -EADDRINUSE);
		sl_sport_wake(b.sports, 15, 64);
		k[2] = begin(&b, &t);
		RTE_TEST_ASSERT(k[2] >= 0, "it has rested");
		SL_TEST_INT(port_of(&b, k[2]), sl_be16_to_cpu(was.dport));
		SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_TCP), 8);
		box_free(&b);
	}
	return TEST_SUCCESS;
}

// No more rest than there is room for: the oldest is let go.
static int
rest_is_bounded(void)
{
	const struct sl_sport_range range = {2000, 2099, NULL, 0, 0};
	const struct sl_tuple t = to(SL_PROTO_TCP, 0xc0000201, 80);
	struct box b = box_new(&range, 1, 0, &alone, 1024);
	uint16_t port[100];

	for (unsigned i = 0; i < 100; i++) {
		const int64_t k = begin(&b, &t);

		port[i] = port_of(&b, k);
		end(&b, k, 0, 1000);
	}
	for (unsigned i = 0; i < 36; i++) { // 64 rest
		const int64_t k = begin(&b, &t);
		bool among_first = false;

		RTE_TEST_ASSERT(k >= 0, "port %u", i);
		for (unsigned j = 0; j < 36; j++)
			among_first = among_first || port_of(&b, k) == port[j];
		RTE_TEST_ASSERT(among_first, "port %u is not one of the oldest", i);
	}
	SL_TEST_INT(begin(&b, &t), -ENOSPC);
	sl_sport_wake(b.sports, 1000, 10);
	for (unsigned i = 0; i < 10; i++)
		RTE_TEST_ASSERT(begin(&b, &t) >= 0, "woken %u", i);
	SL_TEST_INT(begin(&b, &t), -ENOSPC);
	box_free(&b);
	return TEST_SUCCESS;
}

static int
rest_for_ever(void)
{
	const struct sl_sport_range range = {2000, 2000, NULL, 0, 0};
	const struct sl_tuple t = to(SL_PROTO_TCP, 0xc0000201, 80);
	struct box b = box_new(&range, 1, 0, &alone, 1024);

	end(&b, begin(&b, &t), 10, UINT32_MAX);
	sl_sport_wake(b.sports, UINT32_MAX - 1, 64);
	SL_TEST_INT(begin(&b, &t), -ENOSPC);
	box_free(&b);
	return TEST_SUCCESS;
}

static int
client_keeps_its_address(void)
{
	const struct sl_sport_range range = {2000, 2009, NULL, 0, 0};
	static const unsigned want[] = {1, 2, 0}; // of the second client: its own, then the next
	const struct sl_tuple tcp = to(SL_PROTO_TCP, 0xc0000201, 80);
	const struct sl_tuple others[] = {
		to(SL_PROTO_UDP, 0xc0000201, 80), to(SL_PROTO_TCP, 0xc0000201, 81)};
	struct box b = box_new(&range, N_ADDRS, 0, &alone, 1024);
	int64_t k[30];

	b.hash = UINT32_MAX / 3 + 1;
	for (unsigned i = 0; i < 30; i++) {
		k[i] = begin(&b, &tcp);
		RTE_TEST_ASSERT(k[i] >= 0, "flow %u", i);
		SL_TEST_INT(sl_flow_at(b.flows, (uint32_t)k[i])->pool_addr, want[i / 10]);
	}
	SL_TEST_INT(begin(&b, &tcp), -ENOSPC);
	for (unsigned i = 0; i < SL_ARRAY_LEN(others); i++) {
		const int64_t o = begin(&b, &others[i]);

		RTE_TEST_ASSERT(o >= 0, "other destination %u", i);
		SL_TEST_INT(sl_flow_at(b.flows, (uint32_t)o)->pool_addr, 1);
	}
	// One of the next address ends, and any client gets it; then one of its own.
	const uint16_t port = port_of(&b, k[15]);

	end(&b, k[15], 0, 0);
	b.hash = 0;
	k[15] = begin(&b, &tcp);
	RTE_TEST_ASSERT(k[15] >= 0, "given back");
	SL_TEST_INT(sl_flow_at(b.flows, (uint32_t)k[15])->pool_addr, 2);
	SL_TEST_INT(port_of(&b, k[15]), port);
	end(&b, k[3], 0, 0);
	b.hash = UINT32_MAX / 3 + 1;
	SL_TEST_INT(sl_flow_at(b.flows, (uint32_t)begin(&b, &tcp))->pool_addr, 1);
	box_free(&b);
	return TEST_SUCCESS;
}

// What goes on gets the last ports of a full destination, and what begins does not, at any address.
static int
reserve(void)
{
	static const struct {
		uint16_t last;
		uint32_t n_addrs, reserve, want; // at each address of this worker
		unsigned n_workers;
	} rows[] = {
		{65535, 1, 64, 64, 1},
		{65535, 2, 64, 16, 4},
		{2023, 3, 64, 10, 1}, // a hundredth
		{2023, 3, 1, 1, 2},   // rounded up
		{1122, 1, 64, 0, 1},  // a hundredth of 99
		{2023, 1, 0, 0, 1},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_sport_range range = {1024, rows[r].last, NULL, 0, rows[r].reserve};
		const struct sl_tuple dst = to(SL_PROTO_TCP, 0xc0000201, 80);
		const struct sl_owner owner = {.n_workers = rows[r].n_workers};
		struct box b = box_new(&range, rows[r].n_addrs, 0, &owner, 1 << 18);
		const uint32_t total = sl_sport_total(b.sports);
		const uint32_t kept = rows[r].want * rows[r].n_addrs;
		uint64_t seed = 7 + r;
		int64_t last = -1;

		SL_TEST_INT(sl_sport_reserve(b.sports), kept);
		for (uint32_t i = 0; i < total - kept; i++) {
			b.hash = (uint32_t)sl_test_rand(&seed);
			last = begin(&b, &dst);
			RTE_TEST_ASSERT(last >= 0, "row %u: refused with %u of %u", r, i, total);
		}
		SL_TEST_INT(begin(&b, &dst), -ENOSPC);
		SL_TEST_INT(sl_sport_refusals(b.sports, SL_PROTO_TCP), 1);
		for (uint32_t i = 0; i < kept; i++) {
			b.hash = (uint32_t)sl_test_rand(&seed);
			RTE_TEST_ASSERT(go_on(&b, &dst) >= 0, "row %u: %u of the reserve", r, i);
			SL_TEST_INT(begin(&b, &dst), -ENOSPC);
		}
		SL_TEST_INT(go_on(&b, &dst), -ENOSPC);
		SL_TEST_INT(sl_sport_refusals(b.sports, SL_PROTO_TCP), kept + 2);
		SL_TEST_INT(sl_sport_refusals(b.sports, SL_PROTO_UDP), 0);
		SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_TCP), total);
		// What comes back fills the reserve first.
		end(&b, last, 0, 0);
		last = begin(&b, &dst);
		RTE_TEST_ASSERT(kept ? last == -ENOSPC : last >= 0, "row %u: given back", r);
		RTE_TEST_ASSERT(go_on(&b, &dst) >= 0 || kept == 0, "row %u: goes on", r);
		box_free(&b);
	}
	return TEST_SUCCESS;
}

// The very port of a handshake that moves may be one of the reserve.
static int
reserve_is_taken(void)
{
	const struct sl_sport_range range = {2000, 2099, NULL, 0, 1};
	const struct sl_tuple dst = to(SL_PROTO_TCP, 0xc0000201, 80);
	struct box b = box_new(&range, 1, 0, &alone, 1024);
	struct sl_tuple moved = dst;
	bool used[100] = {false};
	unsigned p = 0;

	for (unsigned i = 0; i < 99; i++)
		used[port_of(&b, begin(&b, &dst)) - 2000] = true;
	SL_TEST_INT(begin(&b, &dst), -ENOSPC);
	while (used[p])
		p++;
	moved.dst = addrs[0];
	moved.dport = sl_cpu_to_be16((uint16_t)(2000 + p));
	SL_TEST_INT(sl_sport_take(b.sports, &moved, 0), 0);
	insert(&b, &moved, 0);
	SL_TEST_INT(go_on(&b, &dst), -ENOSPC);
	box_free(&b);
	return TEST_SUCCESS;
}

static int
take_offered(struct box *b, const struct sl_tuple *endpoint, struct sl_sport_offer offer)
{
	const uint64_t hash = sl_flow_hash(sl_flow_index(b->flows).secret, endpoint);

	return sl_sport_take_offered(b->sports, endpoint, hash, offer);
}

// A port that was offered while its destination was sparse is none of the reserve's when it is
// taken.
static int
reserve_is_not_offered(void)
{
	const struct sl_sport_range range = {2000, 2099, NULL, 0, 1};
	const struct sl_tuple dst = to(SL_PROTO_TCP, 0xc0000201, 80);
	struct box b = box_new(&range, 1, 0, &alone, 1024);
	struct sl_tuple offered = dst, t;
	struct sl_sport_offer offer;

	RTE_TEST_ASSERT(sl_sport_offer(b.sports, &offered, 0, &offer), "nothing is offered");
	t = offered;
	for (uint16_t port = 2000; port <= 2099; port++) {
		t.dport = sl_cpu_to_be16(port);
		if (t.dport == offered.dport)
			continue;
		SL_TEST_INT(sl_sport_take(b.sports, &t, offer.pool_addr), 0);
		insert(&b, &t, offer.pool_addr);
	}
	SL_TEST_INT(begin(&b, &dst), -ENOSPC);
	SL_TEST_INT(take_offered(&b, &offered, offer), -EADDRINUSE);
	RTE_TEST_ASSERT(go_on(&b, &dst) >= 0, "the reserve is gone");
	// Of a sparse one it is taken, once.
	t = to(SL_PROTO_TCP, 0xc0000202, 80);
	RTE_TEST_ASSERT(sl_sport_offer(b.sports, &t, 0, &offer), "nothing is offered");
	SL_TEST_INT(take_offered(&b, &t, offer), 0);
	insert(&b, &t, offer.pool_addr);
	SL_TEST_INT(take_offered(&b, &t, offer), -EADDRINUSE);
	SL_TEST_INT(sl_sport_lent(b.sports, SL_PROTO_TCP), 101);
	box_free(&b);
	return TEST_SUCCESS;
}

// Whichever way ports are shared out, and however a destination is filled.
static int
offers_keep_the_reserve(void)
{
	const struct sl_sport_range range = {1024, 65535, NULL, 0, 640};
	uint8_t key[SL_OWNER_KEY_BYTES];
	uint64_t rnd = sl_test_seed();

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(sl_test_rand(&rnd) >> 8);
	for (unsigned r = 0; r < 24; r++) {
		const struct sl_tuple dst = to(SL_PROTO_TCP, 0xc0000201u + r, 80);
		struct sl_owner owner = {.n_workers = 8};

		if (r > 0)
			SL_TEST_INT(sl_owner_by_hash(&owner, 8, key, 128), 0);
		struct box b = box_new(&range, 1, 0, &owner, 1 << 14);
		struct sl_sport_offer offer;
		struct sl_tuple t = dst;

		for (uint32_t n = 0;; n++) {
			const bool taken = sl_sport_offer(b.sports, &t, 0, &offer) &&
					   take_offered(&b, &t, offer) == 0;

			if ((taken ? insert(&b, &t, offer.pool_addr) : begin(&b, &dst)) < 0)
				break;
			RTE_TEST_ASSERT(n < 64512, "no end");
			t = dst;
		}
		for (uint32_t i = 0; i < sl_sport_reserve(b.sports); i++)
			RTE_TEST_ASSERT(go_on(&b, &dst) >= 0, "%u: %u left", r, i);
		SL_TEST_INT(go_on(&b, &dst), -ENOSPC);
		box_free(&b);
	}
	return TEST_SUCCESS;
}

// ---- what is shown ----

#define N_WORKERS 2
#define N_DST     12

struct crowd {
	struct box b[N_WORKERS];
	const struct sl_sport *sports[N_WORKERS];
	int64_t *flow[N_WORKERS][N_DST];
	uint32_t n[N_WORKERS][N_DST];
};

static struct sl_tuple
crowd_to(unsigned d)
{
	return to(d % 2 ? SL_PROTO_UDP : SL_PROTO_TCP, 0xc0000200 + d / 2, 80);
}

static uint32_t
crowd_count(const struct crowd *c, const struct sl_sport_fill *f)
{
	for (unsigned d = 0; d < N_DST; d++) {
		const struct sl_tuple t = crowd_to(d);

		if (t.src == f->addr && t.sport == f->port && t.proto == f->proto)
			return c->n[0][d] + c->n[1][d];
	}
	return 0;
}

// In percent of all; each worker has its half of what there is.
static int
crowd_fill(struct crowd *c, unsigned w, unsigned d, unsigned percent, uint64_t *seed)
{
	const struct sl_tuple t = crowd_to(d);
	const uint32_t n = sl_sport_total(c->b[w].sports) * percent / 100;

	for (; c->n[w][d] < n; c->n[w][d]++) {
		c->b[w].hash = (uint32_t)sl_test_rand(seed);
		c->flow[w][d][c->n[w][d]] = begin(&c->b[w], &t);
		RTE_TEST_ASSERT(
			c->flow[w][d][c->n[w][d]] >= 0, "destination %u, %u", d, c->n[w][d]);
	}
	return TEST_SUCCESS;
}

// The fullest destinations among many flows to others are found, in order, with what they have.
static int
fullest(void)
{
	static const unsigned percent[N_DST] = {97, 62, 88, 3, 55, 75, 1, 0, 80, 2, 70, 93};
	static const unsigned order[] = {0, 11, 2, 8, 5, 10, 1, 4};
	const struct sl_sport_range range = {1024, 5119, NULL, 0, 0};
	static const struct sl_owner owner = {.n_workers = N_WORKERS};
	struct sl_sport_fill out[N_DST];
	struct crowd c = {0};
	uint64_t seed = 3;

	for (unsigned w = 0; w < N_WORKERS; w++) {
		c.b[w] = box_new(&range, 2, w, &owner, 1 << 16);
		c.sports[w] = c.b[w].sports;
		// With these no two of the places share a slot.
		c.b[w].sports->secret[0] = 17;
		c.b[w].sports->secret[1] = UINT64_C(0x9e3779b97f4a7c15);
		for (unsigned d = 0; d < N_DST; d++)
			c.flow[w][d] = calloc(4096, sizeof(int64_t));
	}
	SL_TEST_INT(sl_sport_fullest(c.sports, N_WORKERS, out, N_DST), 0);
	for (unsigned i = 0; i < 20000; i++) {
		const struct sl_tuple t = to(SL_PROTO_UDP, 0xc6330000 + i, 443);

		RTE_TEST_ASSERT(begin(&c.b[i % N_WORKERS], &t) >= 0, "flow %u", i);
	}
	SL_TEST_INT(sl_sport_fullest(c.sports, N_WORKERS, out, N_DST), 0);
	for (unsigned w = 0; w < N_WORKERS; w++)
		for (unsigned d = 0; d < N_DST; d++)
			if (crowd_fill(&c, w, d, percent[d], &seed) != TEST_SUCCESS)
				return TEST_FAILED;
	const unsigned n = sl_sport_fullest(c.sports, N_WORKERS, out, N_DST);

	RTE_TEST_ASSERT(n >= SL_ARRAY_LEN(order), "%u found", n);
	for (unsigned i = 0; i < SL_ARRAY_LEN(order); i++) {
		const struct sl_tuple t = crowd_to(order[i]);
		const uint32_t have = crowd_count(&c, &out[i]);
		const uint32_t off =
			out[i].taken > have ? out[i].taken - have : have - out[i].taken;

		RTE_TEST_ASSERT(out[i].addr == t.src && out[i].proto == t.proto,
			"%u of the fullest: %08x", i, sl_be32_to_cpu(out[i].addr));
		SL_TEST_INT(out[i].total, 8192);
		RTE_TEST_ASSERT(off <= 8192 / 100, "destination %u: %u for %u", order[i],
			out[i].taken, have);
	}
	SL_TEST_INT(sl_sport_fullest(c.sports, N_WORKERS, out, 3), 3);
	// A port that rests is none that can be lent; one that has rested is.
	SL_TEST_INT(sl_sport_resting(c.b[0].sports, SL_PROTO_TCP), 0);
	for (unsigned i = 0; i < 1000; i++)
		end(&c.b[0], c.flow[0][0][i], 0, 10);
	SL_TEST_INT(sl_sport_resting(c.b[0].sports, SL_PROTO_TCP), 1000);
	struct sl_sport_fill before = out[0];
	sl_sport_fullest(c.sports, N_WORKERS, out, 1);
	SL_TEST_INT(out[0].taken, before.taken);
	sl_sport_wake(c.b[0].sports, 10, 1000);
	SL_TEST_INT(sl_sport_resting(c.b[0].sports, SL_PROTO_TCP), 0);
	for (unsigned w = 0; w < N_WORKERS; w++) {
		for (unsigned d = 0; d < N_DST; d++)
			for (uint32_t i = w == 0 && d == 0 ? 1000 : 0; i < c.n[w][d]; i++)
				end(&c.b[w], c.flow[w][d][i], 0, 0);
		SL_TEST_INT(sl_sport_lent(c.b[w].sports, SL_PROTO_TCP), 0);
	}
	SL_TEST_INT(sl_sport_fullest(c.sports, N_WORKERS, out, N_DST), 0);
	for (unsigned w = 0; w < N_WORKERS; w++) {
		for (unsigned d = 0; d < N_DST; d++)
			free(c.flow[w][d]);
		box_free(&c.b[w]);
	}
	return TEST_SUCCESS;
}

// Ports 1024, 1025, 1026, ... one after the other would be a gift to whoever guesses them, and so
// would the same ones for each destination.
static int
order_is_shuffled(void)
{
	const struct sl_sport_range range = {1024, 65535, NULL, 0, 0};
	struct box b = box_new(&range, 1, 0, &alone, 65536);
	unsigned steps = 0, same = 0;
	uint16_t last = 0;

	for (unsigned i = 0; i < 1000; i++) {
		const struct sl_tuple t = to(SL_PROTO_UDP, 0xc0000201, 80);
		const struct sl_tuple u = to(SL_PROTO_UDP, 0xc0000202, 80);
		const uint16_t p = port_of(&b, begin(&b, &t));

		steps += (uint16_t)(p - last + 8) <= 16;
		last = p;
		same += port_of(&b, begin(&b, &u)) == p;
	}
	RTE_TEST_ASSERT(steps < 20, "%u of 1000 ports are near the one before", steps);
	RTE_TEST_ASSERT(same < 20, "%u of 1000 ports are those of the neighbour", same);
	box_free(&b);
	return TEST_SUCCESS;
}

static int
refused(void)
{
	static const uint16_t all[] = {2000, 2001};
	const struct sl_sport_range one = {2000, 2000, NULL, 0, 0}, none = {2000, 2001, all, 2, 0},
				    backwards = {2001, 2000, NULL, 0, 0};
	const struct sl_flow_mem mem = heap(NULL);
	static const struct {
		const char *name;
		uint32_t n_addrs;
		unsigned range, worker, n_workers;
	} rows[] = {
		{"no address", 0, 0, 0, 1},
		{"no such worker", 1, 0, 1, 1},
		{"no port for this worker", 1, 0, 1, 2},
		{"all reserved", 1, 1, 0, 1},
		{"a range that ends before it begins", 1, 2, 0, 1},
	};
	const struct sl_sport_range *ranges[] = {&one, &none, &backwards};
	struct sl_flow_table *flows = table_new(64);

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_owner owner = {.n_workers = rows[r].n_workers};

		errno = 0;
		RTE_TEST_ASSERT_NULL(sl_sport_new(addrs, rows[r].n_addrs, ranges[rows[r].range],
					     rows[r].worker, &owner, flows, &mem),
			"%s", rows[r].name);
		RTE_TEST_ASSERT_EQUAL(errno, EINVAL, "%s", rows[r].name);
	}
	sl_sport_free(NULL);
	sl_flow_table_free(flows);
	return TEST_SUCCESS;
}

// What the header says of memory holds.
static int
memory(void)
{
	static const struct {
		uint32_t n_addrs;
		unsigned n_workers;
		uint32_t capacity, bytes_flow, bytes_more;
	} rows[] = {
		{1, 1, 1 << 20, 6, 512 << 10},
		{256, 1, 1 << 20, 6, 512 << 10},
		{16, 2, 1 << 19, 6, 384 << 10},
		{4, 64, 1 << 14, 6, 384 << 10},
		{1, 1, 64, 6, 512 << 10},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const size_t bytes =
			sl_sport_bytes(rows[r].n_addrs, rows[r].n_workers, rows[r].capacity);
		const size_t most =
			(size_t)rows[r].capacity * rows[r].bytes_flow + rows[r].bytes_more;

		printf("# %u addresses, %u workers, %u flows: %zu bytes\n", rows[r].n_addrs,
			rows[r].n_workers, rows[r].capacity, bytes);
		RTE_TEST_ASSERT(bytes <= most, "row %u: %zu bytes, not %zu", r, bytes, most);
	}
	for (unsigned k = 0; k < 8; k++) {
		const unsigned w = 1 << 2 * (k / 2);
		const struct sl_owner owner = {
			.n_workers = w, .n_entries = k % 2 && w > 1 ? 128 : 0};
		const struct sl_sport_range range = {1024, 65535, NULL, 0, 0};
		size_t bytes = 0;
		const struct sl_flow_mem mem = heap(&bytes);
		struct sl_flow_table *flows = table_new(4096);
		struct sl_sport *s = sl_sport_new(addrs, N_ADDRS, &range, 0, &owner, flows, &mem);

		RTE_TEST_ASSERT(bytes <= sl_sport_bytes(N_ADDRS, w, 4096), "%u workers: %zu bytes",
			w, bytes);
		sl_sport_free(s);
		sl_flow_table_free(flows);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"each_port_once", each_port_once},
		{"full_after_churn", full_after_churn},
		{"given_back_is_last", given_back_is_last},
		{"rest", rest},
		{"rest_is_bounded", rest_is_bounded},
		{"rest_for_ever", rest_for_ever},
		{"client_keeps_its_address", client_keeps_its_address},
		{"reserve", reserve},
		{"reserve_is_taken", reserve_is_taken},
		{"reserve_is_not_offered", reserve_is_not_offered},
		{"offers_keep_the_reserve", offers_keep_the_reserve},
		{"fullest", fullest},
		{"order_is_shuffled", order_is_shuffled},
		{"refused", refused},
		{"memory", memory},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
