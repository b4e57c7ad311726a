// What this machine is worth now. Its caches: the latency of a load that waits for the one before,
// in memory of 1 to 64 MiB, in random order. Where the last level is shared with others, figures of
// the packet path with many flows say more about them than about us; these say how much. Its core:
// additions a nanosecond in one chain, which is its clock rate, and in six side by side: well below
// five times as many, somebody else computes on the same core.
//
//   bench_memory [--json]     prints, decides nothing
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sl_clock.h"

#define LINE   64
#define MOST   ((size_t)64 << 20)
#define LOADS  1000000
#define ROUNDS 5
#define ADDS   (4 * 6 * 2000000)

// Hugepages where there are some, as the tables of a worker.
static void *
memory(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *p = mmap(NULL, MOST, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		p = mmap(NULL, MOST, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		abort();
	madvise(p, MOST, MADV_HUGEPAGE);
	return p;
}

// One ring through all lines.
static void
link_lines(uint8_t *base, uint32_t n, uint32_t *order)
{
	uint64_t seed = 1;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		const uint32_t j = (uint32_t)((seed >> 32) * i >> 32), was = order[i - 1];

		order[i - 1] = order[j];
		order[j] = was;
	}
	for (uint32_t i = 0; i < n; i++)
		*(void **)(base + (size_t)order[i] * LINE) =
			base + (size_t)order[(i + 1) % n] * LINE;
}

static void *volatile end;

static double
latency_ns(void *base, uint32_t loads)
{
	void **at = base;
	const uint64_t begin = sl_clock_ns(NULL);

	for (uint32_t i = 0; i < loads; i++)
		at = *at;
	end = at;
	return (double)(sl_clock_ns(NULL) - begin) / loads;
}

// The compiler has to add, and knows nothing of the sum.
static inline void
add(uint64_t *sum, uint64_t one)
{
	*sum += one;
	__asm__("" : "+r"(*sum));
}

static double
adds_one_chain(void)
{
	const uint64_t one = (uintptr_t)end & 1, begin = sl_clock_ns(NULL);
	uint64_t a = 0;

	for (uint32_t i = 0; i < ADDS; i += 8)
		for (unsigned k = 0; k < 8; k++)
			add(&a, one);
	end = (void *)a;
	return ADDS / (double)(sl_clock_ns(NULL) - begin);
}

static double
adds_six_chains(void)
{
	const uint64_t one = (uintptr_t)end & 1, begin = sl_clock_ns(NULL);
	uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;

	for (uint32_t i = 0; i < ADDS; i += 4 * 6)
		for (unsigned k = 0; k < 4; k++)
			add(&a, one), add(&b, one), add(&c, one), add(&d, one), add(&e, one),
				add(&f, one);
	end = (void *)(a ^ b ^ c ^ d ^ e ^ f);
	return ADDS / (double)(sl_clock_ns(NULL) - begin);
}

static int
by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static void
tell(bool json, bool last, const char *name, const char *unit, double v[ROUNDS])
{
	static bool begun;

	qsort(v, ROUNDS, sizeof(*v), by_value);
	if (json)
		printf("%s{\"name\":\"%s\",\"value\":%.2f,\"lo\":%.2f,\"hi\":%.2f,\"unit\":\"%s\"}%"
		       "s",
			begun ? "," : "[", name, v[ROUNDS / 2], v[0], v[ROUNDS - 1], unit,
			last ? "]\n" : "\n");
	else
		printf("%-20s %7.2f %s (%.2f to %.2f)\n", name, v[ROUNDS / 2], unit, v[0],
			v[ROUNDS - 1]);
	begun = true;
}

int
main(int argc, char **argv)
{
	const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	double one[ROUNDS], six[ROUNDS];
	static const unsigned mib[] = {1, 4, 8, 16, 32, 64};
	uint32_t *order = malloc(MOST / LINE * sizeof(*order));
	uint8_t *base = memory();

	if (!order)
		return 1;
	for (size_t i = 0; i < SL_ARRAY_LEN(mib); i++) {
		const uint32_t n = (uint32_t)(((size_t)mib[i] << 20) / LINE);
		char name[32];
		double ns[ROUNDS];

		link_lines(base, n, order);
		latency_ns(base, n);
		for (int r = 0; r < ROUNDS; r++)
			ns[r] = latency_ns(base, LOADS);
		snprintf(name, sizeof(name), "memory-latency-%um", mib[i]);
		tell(json, false, name, "ns", ns);
	}
	for (int r = 0; r < ROUNDS; r++) {
		one[r] = adds_one_chain();
		six[r] = adds_six_chains();
	}
	tell(json, false, "core-adds-one-chain", "a ns", one);
	tell(json, true, "core-adds-six-chains", "a ns", six);
	free(order);
	munmap(base, MOST);
	return 0;
}
