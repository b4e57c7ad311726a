// Whose is a reply: by hash as DPDK's own Toeplitz says, and each port of each destination lent by
// exactly one worker, all of them, to the very last.
#include <arpa/inet.h>
#include <rte_thash.h>

#include "flow_test.h"
#include "sl_sport.h"

static const struct sl_flow_timeouts timeouts = {.by_state = {[0 ... SL_FLOW_STATE_MAX - 1] = 100}};

// Intel's and Microsoft's default keys.
static const uint8_t keys[][40] = {
	{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f,
		0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80,
		0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa},
	{0x44, 0x39, 0x79, 0x6b, 0xb5, 0x4c, 0x50, 0x23, 0xb6, 0x75, 0xea, 0x5b, 0x12, 0x4f, 0x9f,
		0x30, 0xb8, 0xa2, 0xc0, 0x3d, 0xdf, 0xdc, 0x4d, 0x02, 0xa0, 0x8c, 0x9b, 0x33, 0x4a,
		0xf6, 0x4a, 0x4c, 0x05, 0xc6, 0xfa, 0x34, 0x39, 0x58, 0xd8, 0x55},
};

// What a NIC does with a tuple, by DPDK.
static uint32_t
softrss(const struct sl_tuple *t, const uint8_t key[40])
{
	uint32_t aligned[10];
	union rte_thash_tuple in = {.v4 = {.src_addr = ntohl(t->src),
					    .dst_addr = ntohl(t->dst),
					    .sport = ntohs(t->sport),
					    .dport = ntohs(t->dport)}};

	memcpy(aligned, key, sizeof(aligned));
	return rte_softrss((uint32_t *)&in, RTE_THASH_V4_L4_LEN, (const uint8_t *)aligned);
}

// The queue by a redirection table of reta entries that is filled as sl_owner.h wants it.
static unsigned
queue(uint32_t hash, uint32_t reta, uint32_t n_entries, unsigned n_workers)
{
	uint16_t table[1024];

	for (uint32_t i = 0; i < reta; i++)
		table[i] = (uint16_t)(i % n_entries % n_workers);
	return table[hash % reta];
}

static struct sl_tuple
any_reply(uint64_t *seed)
{
	const uint64_t a = sl_test_rand(seed), b = sl_test_rand(seed);

	return (struct sl_tuple){.src = (uint32_t)a,
		.dst = (uint32_t)(a >> 32),
		.sport = (uint16_t)b,
		.dport = (uint16_t)(b >> 16),
		.proto = b & 1 << 20 ? SL_PROTO_TCP : SL_PROTO_UDP};
}

static int
as_the_nic(void)
{
	static const struct {
		unsigned n_workers;
		uint32_t n_entries, reta;
	} rows[] = {{2, 2, 64}, {2, 64, 64}, {3, 64, 512}, {4, 128, 128}, {4, 128, 512},
		{7, 512, 1024}, {16, 128, 128}, {64, 64, 128}, {64, 512, 512}};
	uint64_t seed = 7;

	for (unsigned k = 0; k < 2 + 8; k++)
		for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
			struct sl_owner o;
			uint8_t key[40];

			for (unsigned i = 0; i < sizeof(key); i++)
				key[i] = k < 2 ? keys[k][i] : (uint8_t)(sl_test_rand(&seed) >> 8);
			if (sl_owner_by_hash(&o, rows[r].n_workers, key, rows[r].n_entries) < 0) {
				RTE_TEST_ASSERT(k >= 2, "row %u: key %u refused", r, k);
				continue;
			}
			for (unsigned i = 0; i < 2000; i++) {
				const struct sl_tuple t = any_reply(&seed);
				const uint32_t hash = softrss(&t, key);
				struct sl_tuple base = t;

				base.dport = 0;
				SL_TEST_INT(sl_owner_hash(&o, &t), hash & 0xffff);
				SL_TEST_INT(sl_owner_of(&o, &t),
					queue(hash, rows[r].reta, rows[r].n_entries,
						rows[r].n_workers));
				SL_TEST_INT(sl_owner_of_port(
						    &o, sl_owner_hash(&o, &base), ntohs(t.dport)),
					sl_owner_of(&o, &t));
			}
		}
	return TEST_SUCCESS;
}

// Microsoft's published vectors: the hash of IPv4 with TCP ports.
static int
published_vectors(void)
{
	static const struct {
		uint32_t src, dst;
		uint16_t sport, dport;
		uint32_t hash;
	} rows[] = {
		{0x420995bb, 0xa18e6450, 2794, 1766, 0x51ccc178},
		{0xc75c6f02, 0x41458c53, 14230, 4739, 0xc626b0ea},
		{0x1813c65f, 0x0c16cfb8, 12898, 38024, 0x5c2b394a},
		{0x261bcd1e, 0xd18ea306, 48228, 2217, 0xafc7327f},
		{0x9927a3bf, 0xcabc7f02, 44251, 1303, 0x10e828a2},
	};
	struct sl_owner o;

	SL_TEST_INT(sl_owner_by_hash(&o, 2, keys[0], 128), 0);
	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_tuple t = {.src = htonl(rows[r].src),
			.dst = htonl(rows[r].dst),
			.sport = htons(rows[r].sport),
			.dport = htons(rows[r].dport)};

		SL_TEST_INT(softrss(&t, keys[0]), rows[r].hash);
		SL_TEST_INT(sl_owner_hash(&o, &t), rows[r].hash & 0xffff);
	}
	return TEST_SUCCESS;
}

static int
refused(void)
{
	static const uint8_t zero[40] = {0}, ports_alike[40] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const struct {
		const char *name;
		const uint8_t *key;
		unsigned n_workers;
		uint32_t n_entries;
	} rows[] = {
		{"no table", keys[0], 2, 0},
		{"one entry", keys[0], 1, 1},
		{"no power of two", keys[0], 2, 100},
		{"fewer entries than workers", keys[0], 65, 64},
		{"more than the hash has bits", keys[0], 2, 1 << 17},
		{"a key of nothing", zero, 2, 128},
		{"a key that ends before the ports", ports_alike, 2, 2},
	};
	struct sl_owner o;

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++)
		RTE_TEST_ASSERT_EQUAL(
			sl_owner_by_hash(&o, rows[r].n_workers, rows[r].key, rows[r].n_entries),
			-EINVAL, "%s", rows[r].name);
	sl_owner_by_port(&o, 3);
	for (uint32_t p = 0; p < 65536; p++) {
		const struct sl_tuple t = {.dport = htons((uint16_t)p)};

		SL_TEST_INT(sl_owner_of(&o, &t), p % 3);
	}
	return TEST_SUCCESS;
}

// One flow more to a destination. False: the worker has no port left for it.
static bool
begin(struct sl_flow_table *flows, struct sl_sport *sports, const struct sl_tuple *dst,
	uint32_t hash, struct sl_tuple *out)
{
	static uint32_t client;
	const struct sl_tuple from =
		tuple(0xc6120000u + (client >> 15), 1 + (client & 0x7fff), 0xcb007101u, 80);
	uint16_t pool_addr;

	*out = *dst;
	client++;
	return sl_sport_get(sports, out, hash, &pool_addr) == 0 &&
	       sl_flow_insert(flows, &from, out, SL_FLOW_UDP, 0, 0, &timeouts) >= 0;
}

static int
each_port_once(void)
{
	enum { N_DST = 3, N_ADDRS = 2 };
	static const sl_be32 addrs[N_ADDRS] = {0x016433c6, 0x026433c6};
	static const uint16_t reserved[] = {4789, 6081};
	static const struct {
		uint16_t first, last;
		unsigned n_workers;
		uint32_t n_entries;
	} rows[] = {{1024, 65535, 2, 64}, {1024, 65535, 3, 128}, {1024, 65535, 4, 512},
		{0, 65535, 16, 128}, {4780, 4900, 2, 64}, {2000, 2063, 4, 128}};
	uint8_t *taken = calloc(N_DST * N_ADDRS, 65536);

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_sport_range range = {rows[r].first, rows[r].last, reserved, 2, 0};
		const struct sl_flow_mem mem = heap(NULL);
		uint32_t total = 0, most = 0, least = UINT32_MAX;
		struct sl_owner owner;

		memset(taken, 0, N_DST * N_ADDRS * 65536);
		SL_TEST_INT(
			sl_owner_by_hash(&owner, rows[r].n_workers, keys[1], rows[r].n_entries), 0);
		for (unsigned w = 0; w < rows[r].n_workers; w++) {
			struct sl_flow_table *flows = table_new(1 << 19);
			struct sl_sport *s =
				sl_sport_new(addrs, N_ADDRS, &range, w, &owner, flows, &mem);
			uint32_t refused_by = 0, lent = 0;

			for (uint32_t i = 0; refused_by < (1u << N_DST) - 1; i++) {
				const unsigned d = i % N_DST;
				const struct sl_tuple dst = {.src = htonl(0xc0000201u + d),
					.sport = htons((uint16_t)(80 + d)),
					.proto = SL_PROTO_UDP};
				struct sl_tuple t;

				if (!begin(flows, s, &dst, i * 2654435761u, &t)) {
					refused_by |= 1u << d;
					continue;
				}
				RTE_TEST_ASSERT(!(refused_by & 1u << d), "refused too early");
				SL_TEST_INT(softrss(&t, keys[1]) % rows[r].n_entries %
						    rows[r].n_workers,
					w);
				const unsigned a = t.dst == addrs[1];

				RTE_TEST_ASSERT(
					!taken[(d * N_ADDRS + a) * 65536 + ntohs(t.dport)]++,
					"row %u: port %u twice", r, ntohs(t.dport));
				lent++;
			}
			SL_TEST_INT(sl_sport_lent(s, SL_PROTO_UDP), lent);
			total += sl_sport_total(s);
			most = lent > most ? lent : most;
			least = lent < least ? lent : least;
			sl_sport_free(s);
			sl_flow_table_free(flows);
		}
		uint32_t want = 0;

		for (uint32_t p = 0; p < 65536; p++) {
			const bool usable = p >= rows[r].first && p <= rows[r].last && p != 0 &&
					    p != reserved[0] && p != reserved[1];

			want += usable;
			for (unsigned k = 0; k < N_DST * N_ADDRS; k++)
				RTE_TEST_ASSERT_EQUAL(taken[k * 65536 + p], usable,
					"row %u: port %u of place %u", r, p, k);
		}
		SL_TEST_INT(total, want * N_ADDRS);
		printf("# %u workers, %u entries, ports %u..%u: all lent, %u to %u a worker\n",
			rows[r].n_workers, rows[r].n_entries, rows[r].first, rows[r].last, least,
			most);
	}
	free(taken);
	return TEST_SUCCESS;
}

// A handshake that moves keeps its port only where the port is this worker's.
static int
taken_by_owner_only(void)
{
	static const sl_be32 addr = 0x016433c6;
	static const struct sl_sport_range range = {1024, 65535, NULL, 0, 0};
	const struct sl_flow_mem mem = heap(NULL);
	struct sl_flow_table *flows = table_new(1024);
	struct sl_owner owner;
	uint64_t seed = 3;
	unsigned kept = 0;

	SL_TEST_INT(sl_owner_by_hash(&owner, 4, keys[0], 128), 0);
	struct sl_sport *s = sl_sport_new(&addr, 1, &range, 2, &owner, flows, &mem);

	for (unsigned i = 0; i < 1000; i++) {
		struct sl_tuple t = any_reply(&seed);
		const uint16_t port = 1024 + (uint16_t)(ntohs(t.dport) % 64512);

		t.dst = addr;
		t.dport = htons(port);
		const bool mine = softrss(&t, keys[0]) % 128 % 4 == 2;
		const int rc = sl_sport_take(s, &t, 0);

		SL_TEST_INT(rc, mine ? 0 : -EADDRINUSE);
		kept += mine;
	}
	RTE_TEST_ASSERT(kept > 150 && kept < 350, "%u of 1000", kept);
	sl_sport_free(s);
	sl_flow_table_free(flows);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"as_the_nic", as_the_nic},
		{"published_vectors", published_vectors},
		{"refused", refused},
		{"each_port_once", each_port_once},
		{"taken_by_owner_only", taken_by_owner_only},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
