// What this machine's caches are worth now: the latency of a load that waits for the one before, in
// memory of 1 to 64 MiB, in random order. Where the last level is shared with others, figures of
// the packet path with many flows say more about them than about us; these say how much.
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

static int
by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

int
main(int argc, char **argv)
{
	const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	static const unsigned mib[] = {1, 4, 8, 16, 32, 64};
	uint32_t *order = malloc(MOST / LINE * sizeof(*order));
	uint8_t *base = memory();

	if (!order)
		return 1;
	for (size_t i = 0; i < SL_ARRAY_LEN(mib); i++) {
		const uint32_t n = (uint32_t)(((size_t)mib[i] << 20) / LINE);
		double ns[ROUNDS];

		link_lines(base, n, order);
		latency_ns(base, n);
		for (int r = 0; r < ROUNDS; r++)
			ns[r] = latency_ns(base, LOADS);
		qsort(ns, ROUNDS, sizeof(*ns), by_value);
		if (json)
			printf("%s{\"name\":\"memory-latency-%um\",\"value\":%.1f,\"lo\":%.1f,"
			       "\"hi\":%.1f,\"unit\":\"ns\"}%s",
				i ? "," : "[", mib[i], ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1],
				i + 1 < SL_ARRAY_LEN(mib) ? "\n" : "]\n");
		else
			printf("%2u MiB: %6.1f ns (%.1f to %.1f)\n", mib[i], ns[ROUNDS / 2], ns[0],
				ns[ROUNDS - 1]);
	}
	free(order);
	munmap(base, MOST);
	return 0;
}
