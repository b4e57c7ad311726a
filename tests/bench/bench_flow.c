// What the flow table costs, in cycles of the TSC, beside rte_hash for the lookup.
//
//   bench_flow [flows...]      default: 4096 65536 1048576
//
// Every table is full: as many flows as records, the worst fill there is. Lookups come in bursts of
// 32 tuples of flows chosen at random. The figure is the median over slices of 1024 operations, in
// brackets the 10th and 90th percentile: a slice in which something else had the core is an
// outlier. Memory is hugepages where there are some; the first line of a table says.
//
//   insert       sl_flow_insert into an empty table up to the last record
//   expire       sl_flow_expire of all of them, budget 64
//   hit          sl_flow_lookup of client tuples
//   hit + touch  the same, then sl_flow_touch and the counters of each flow
//   miss         sl_flow_lookup of tuples that are in no flow
//   rte_hash     rte_hash_lookup_bulk_data of such hits (CRC32C; both keys of a flow are in): gives
//                an index, where sl_flow_lookup has the record on its way into the cache
//   rte_h.+touch the same, the records prefetched, then sl_flow_touch and the counters
//   churn        remove a random flow and insert a new one, at full capacity
//   expire old   as above, records in random order
//   tcp          a life: SYN to the last ACK, 8 packets looked up and touched
//   expire tcp   and its end
#include <errno.h>
#include <sys/mman.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "sl_flow.h"
#include "sl_test.h"

#define BURST    32
#define EXPIRE   64 // budget of a call
#define VIP_PORT 443
#define SLICE    1024 // operations timed together
#define SLICES   512  // of each kind, or as many as a full table gives
#define SAMPLES  (1u << 16)

static const struct sl_flow_timeouts timeouts = {
	.by_state = {[SL_FLOW_UDP] = 100,
		[SL_FLOW_SYN_SENT] = 100,
		[SL_FLOW_SYN_RECV] = 100,
		[SL_FLOW_ESTABLISHED] = 1000,
		[SL_FLOW_FIN_CLIENT] = 1000,
		[SL_FLOW_FIN_ENDPOINT] = 1000,
		[SL_FLOW_CLOSING] = 2,
		[SL_FLOW_RESET] = 2},
};

struct pages {
	size_t bytes;
	const char *kind;
};

static void *
pages_alloc(void *ctx, size_t bytes)
{
	struct pages *pages = ctx;
	const size_t round = (bytes + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1);
	void *p = mmap(NULL, round, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

	pages->bytes = round;
	pages->kind = "2 MiB hugepages";
	if (p != MAP_FAILED)
		return p;
	p = mmap(NULL, round, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	pages->kind =
		madvise(p, round, MADV_HUGEPAGE) == 0 ? "transparent hugepages" : "4 KiB pages";
	return memset(p, 0, round);
}

static void
pages_free(void *ctx, void *p)
{
	munmap(p, ((struct pages *)ctx)->bytes);
}

// Clients all over 198.18.0.0/15, ports at random; flow i is always the same.
static struct sl_tuple
client_tuple(uint32_t i)
{
	const uint32_t h = i * 0x9e3779b1u;

	return (struct sl_tuple){
		.src = sl_cpu_to_be32(0xc6120000u + (i & 0x1ffff)),
		.dst = sl_cpu_to_be32(0xcb007101u),
		.sport = sl_cpu_to_be16((uint16_t)(1024 + (i >> 17) * 64 + (h >> 26))),
		.dport = sl_cpu_to_be16(VIP_PORT),
		.proto = SL_PROTO_TCP,
	};
}

static struct sl_tuple
endpoint_tuple(uint32_t i)
{
	return (struct sl_tuple){
		.src = sl_cpu_to_be32(0xc0000200u + i % 61),
		.dst = sl_cpu_to_be32(0xc6336400u + i / 64000),
		.sport = sl_cpu_to_be16(8443),
		.dport = sl_cpu_to_be16((uint16_t)(1024 + i % 64000)),
		.proto = SL_PROTO_TCP,
	};
}

struct result {
	const char *name;
	unsigned n;
	double v[SAMPLES]; // cycles an operation
};

static void
add(struct result *r, uint64_t cycles, uint64_t ops)
{
	if (r->n < SAMPLES)
		r->v[r->n++] = (double)cycles / (double)ops;
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct result *
begin(const char *name)
{
	struct result *r = malloc(sizeof(*r));

	r->name = name;
	r->n = 0;
	return r;
}

static void
print(struct result *r)
{
	qsort(r->v, r->n, sizeof(r->v[0]), by_value);
	const double median = r->v[r->n / 2];

	printf("  %-12s %7.1f cycles  (%.1f to %.1f)  %6.2f M/s\n", r->name, median,
		r->v[r->n / 10], r->v[r->n * 9 / 10], (double)rte_get_tsc_hz() / median / 1e6);
	free(r);
}

struct bench {
	uint32_t flows;
	struct pages pages;
	struct sl_flow_table *t;
	uint64_t rnd;
	sl_tick now;
	struct sl_tuple key[SLICE];
	const struct sl_tuple *ptr[SLICE];
};

// A new flow; the benchmark's tuples are all different, so failure is a bug here.
static void
insert(struct bench *b, uint32_t i, enum sl_flow_state state, sl_tick now)
{
	const struct sl_tuple client = client_tuple(i), endpoint = endpoint_tuple(i);

	if (sl_flow_insert(b->t, &client, &endpoint, state, 0, now, &timeouts) < 0)
		abort();
}

static void
choose(struct bench *b, uint16_t vip_port)
{
	for (unsigned i = 0; i < SLICE; i++) {
		b->key[i] = client_tuple((uint32_t)(sl_test_rand(&b->rnd) >> 16) % b->flows);
		b->key[i].dport = sl_cpu_to_be16(vip_port);
	}
}

// All that is due at now; res may be NULL.
static void
expire_all(struct bench *b, sl_tick now, struct result *res)
{
	while (sl_flow_live(b->t) > 0) {
		const uint64_t start = rte_rdtsc_precise();
		unsigned n = 0;

		for (unsigned i = 0; i < SLICE / EXPIRE; i++)
			n += sl_flow_expire(b->t, now, &timeouts, EXPIRE, NULL, NULL);
		if (res && n == SLICE)
			add(res, rte_rdtsc_precise() - start, n);
	}
}

// Empty to full and back: records in order of address.
static void
bench_fill(struct bench *b)
{
	struct result *in = begin("insert"), *out = begin("expire");
	const unsigned rounds = SLICES * SLICE / b->flows + 2;

	for (unsigned r = 0; r < rounds; r++) {
		for (uint32_t i = 0; i < b->flows; i += SLICE) {
			const uint64_t start = rte_rdtsc_precise();

			for (uint32_t k = i; k < i + SLICE; k++)
				insert(b, k, SL_FLOW_ESTABLISHED, b->now);
			add(in, rte_rdtsc_precise() - start, SLICE);
		}
		b->now += 5000;
		if (r + 1 < rounds)
			expire_all(b, b->now, out);
	}
	print(in);
	print(out);
}

static void
bench_lookup(struct bench *b, const char *name, uint16_t vip_port)
{
	struct result *res = begin(name);

	for (unsigned r = 0; r < SLICES; r++) {
		uint32_t ref[SLICE];

		choose(b, vip_port);
		const uint64_t start = rte_rdtsc_precise();
		for (unsigned i = 0; i < SLICE; i += BURST)
			sl_flow_lookup(b->t, &b->ptr[i], BURST, &ref[i]);
		add(res, rte_rdtsc_precise() - start, SLICE);
	}
	print(res);
}

static void
touch(struct bench *b, const uint32_t ref[], enum sl_flow_dir dir, uint8_t flags)
{
	for (unsigned i = 0; i < BURST; i++) {
		struct sl_flow *f = sl_flow_at(b->t, ref[i] >> 1);

		sl_flow_touch(b->t, ref[i] >> 1, dir, flags, b->now, &timeouts);
		f->pkts[dir]++;
		f->bytes[dir] += 60;
	}
}

static void
bench_touch(struct bench *b)
{
	struct result *res = begin("hit + touch");

	for (unsigned r = 0; r < SLICES; r++, b->now++) {
		choose(b, VIP_PORT);
		const uint64_t start = rte_rdtsc_precise();
		for (unsigned i = 0; i < SLICE; i += BURST) {
			uint32_t ref[BURST];

			sl_flow_lookup(b->t, &b->ptr[i], BURST, ref);
			touch(b, ref, SL_DIR_CLIENT, SL_TCP_ACK);
		}
		add(res, rte_rdtsc_precise() - start, SLICE);
	}
	print(res);
}

static struct rte_hash *
hash_of(const struct bench *b)
{
	const struct rte_hash_parameters params = {
		.name = "bench",
		.entries = b->flows * 2 + b->flows / 2, // it does not fill up to the last one
		.key_len = sizeof(struct sl_tuple),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};
	struct rte_hash *hash = rte_hash_create(&params);

	for (uint32_t i = 0; hash && i < b->flows; i++) {
		const struct sl_tuple client = client_tuple(i), endpoint = endpoint_tuple(i);

		if (rte_hash_add_key_data(hash, &client, (void *)(uintptr_t)i) < 0 ||
			rte_hash_add_key_data(hash, &endpoint, (void *)(uintptr_t)i) < 0)
			abort();
	}
	return hash;
}

static void
hash_lookup(struct bench *b, const struct rte_hash *hash, unsigned first, uint32_t ref[])
{
	void *data[BURST];
	uint64_t hits;

	rte_hash_lookup_bulk_data(
		hash, (const void **)(uintptr_t)&b->ptr[first], BURST, &hits, data);
	for (unsigned i = 0; i < BURST; i++)
		ref[i] = (uint32_t)(uintptr_t)data[i] << 1;
}

static void
bench_rte_hash(struct bench *b, const struct rte_hash *hash, const char *name, bool with_flow)
{
	struct result *res = begin(name);

	for (unsigned r = 0; r < SLICES; r++, b->now++) {
		choose(b, VIP_PORT);
		const uint64_t start = rte_rdtsc_precise();
		for (unsigned i = 0; i < SLICE; i += BURST) {
			uint32_t ref[BURST];

			hash_lookup(b, hash, i, ref);
			for (unsigned k = 0; with_flow && k < BURST; k++) {
				const struct sl_flow *f = sl_flow_at(b->t, ref[k] >> 1);

				__builtin_prefetch(f, 1);
				__builtin_prefetch(f->pkts, 1);
			}
			if (with_flow)
				touch(b, ref, SL_DIR_CLIENT, SL_TCP_ACK);
		}
		add(res, rte_rdtsc_precise() - start, SLICE);
	}
	print(res);
}

static void
bench_rte_hashes(struct bench *b)
{
	struct rte_hash *hash = hash_of(b);

	if (hash) {
		bench_rte_hash(b, hash, "rte_hash", false);
		bench_rte_hash(b, hash, "rte_h.+touch", true);
	} else {
		printf("  rte_hash     no memory\n");
	}
	rte_hash_free(hash);
}

// Leaves the records in random order behind, as a table has them that is in use.
static void
bench_churn(struct bench *b)
{
	struct result *res = begin("churn");
	uint32_t next = b->flows;
	const uint32_t ops = 3 * b->flows > SLICES * SLICE ? 3 * b->flows : SLICES * SLICE;

	for (uint32_t i = 0; i < ops; i += SLICE) {
		const uint64_t start = rte_rdtsc_precise();

		for (unsigned k = 0; k < SLICE; k++) {
			sl_flow_remove(b->t, (uint32_t)(sl_test_rand(&b->rnd) >> 16) % b->flows);
			insert(b, next++, SL_FLOW_ESTABLISHED, b->now);
		}
		add(res, rte_rdtsc_precise() - start, SLICE);
	}
	print(res);
	res = begin("expire old");
	b->now += 5000;
	expire_all(b, b->now, res);
	print(res);
}

// The life of a slice of connections, a burst at a time as a worker would see them.
static void
live(struct bench *b, uint32_t first)
{
	static const struct {
		uint8_t dir, flags;
	} life[] = {
		{SL_DIR_CLIENT, SL_TCP_SYN},
		{SL_DIR_ENDPOINT, SL_TCP_SYN | SL_TCP_ACK},
		{SL_DIR_CLIENT, SL_TCP_ACK},
		{SL_DIR_CLIENT, SL_TCP_ACK | SL_TCP_PSH},
		{SL_DIR_ENDPOINT, SL_TCP_ACK | SL_TCP_PSH},
		{SL_DIR_CLIENT, SL_TCP_FIN | SL_TCP_ACK},
		{SL_DIR_ENDPOINT, SL_TCP_FIN | SL_TCP_ACK},
		{SL_DIR_CLIENT, SL_TCP_ACK},
	};
	uint32_t ref[BURST];

	for (uint32_t i = first; i < first + SLICE; i += BURST)
		for (unsigned s = 0; s < SL_ARRAY_LEN(life); s++) {
			for (unsigned k = 0; k < BURST; k++)
				b->key[k] = life[s].dir == SL_DIR_CLIENT ? client_tuple(i + k)
									 : endpoint_tuple(i + k);
			sl_flow_lookup(b->t, b->ptr, BURST, ref);
			if (s > 0) {
				touch(b, ref, life[s].dir, life[s].flags);
				continue;
			}
			for (unsigned k = 0; k < BURST; k++)
				insert(b, i + k, SL_FLOW_SYN_SENT, b->now);
		}
}

static void
bench_tcp(struct bench *b)
{
	struct result *res = begin("tcp"), *end = begin("expire tcp");

	for (unsigned r = 0; r < SLICES * SLICE / b->flows + 2; r++) {
		for (uint32_t i = 0; i < b->flows; i += SLICE) {
			const uint64_t start = rte_rdtsc_precise();

			live(b, i);
			add(res, rte_rdtsc_precise() - start, SLICE);
		}
		b->now += 100;
		expire_all(b, b->now, end);
	}
	print(res);
	print(end);
}

// Hugepages for rte_hash as well, when that leaves enough for the table.
static bool
huge_pages_for_eal(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned pages = 0;

	if (f && fscanf(f, "%u", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages >= 400;
}

static int
bench(uint32_t flows)
{
	struct bench b = {.flows = flows, .rnd = 88172645463325252u};
	const struct sl_flow_mem mem = {pages_alloc, pages_free, &b.pages};

	b.t = sl_flow_table_new(flows, 0, &mem);
	if (!b.t || sl_flow_capacity(b.t) != flows) {
		fprintf(stderr, "bench_flow: %u: no memory, or no power of two\n", flows);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < SLICE; i++)
		b.ptr[i] = &b.key[i];
	printf("%u flows, %.1f MiB, %s\n", flows, (double)sl_flow_table_bytes(flows) / (1 << 20),
		b.pages.kind);
	bench_fill(&b);
	bench_lookup(&b, "hit", VIP_PORT);
	bench_touch(&b);
	bench_lookup(&b, "miss", VIP_PORT + 1);
	bench_rte_hashes(&b);
	bench_churn(&b);
	bench_tcp(&b);
	sl_flow_table_free(b.t);
	return 0;
}

int
main(int argc, char **argv)
{
	const bool huge = huge_pages_for_eal();
	const char *args[] = {argv[0], huge ? "--in-memory" : "--no-huge", "--no-pci",
		"--no-telemetry", "-m", "512", "--lcores", "0", "--log-level", "error"};
	char *eal[SL_ARRAY_LEN(args)];
	const uint32_t sizes[] = {4096, 65536, 1u << 20};
	int rc = 0;

	// Memory for rte_hash, the clock's frequency, and a core to stay on.
	for (unsigned i = 0; i < SL_ARRAY_LEN(args); i++)
		eal[i] = (char *)(uintptr_t)args[i];
	if (rte_eal_init(SL_ARRAY_LEN(args), eal) < 0)
		return 1;
	printf("TSC %.0f MHz, bursts of %u, rte_hash on %s\n", (double)rte_get_tsc_hz() / 1e6,
		BURST, huge ? "2 MiB hugepages" : "4 KiB pages");
	for (int i = 1; i < argc && rc == 0; i++)
		rc = bench((uint32_t)strtoul(argv[i], NULL, 0));
	for (unsigned i = 0; argc < 2 && i < SL_ARRAY_LEN(sizes) && rc == 0; i++)
		rc = bench(sizes[i]);
	rte_eal_cleanup();
	return rc ? 1 : 0;
}
