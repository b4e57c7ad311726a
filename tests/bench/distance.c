// How far are two CPUs from each other? The time that a cache line takes there and back, in ns: the
// median of some samples. Inside of one last-level cache it is some tens of ns, between two of them
// some hundreds. A guest does not see where its CPUs are, and the host moves them about.
//
//   distance CPU CPU
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sl_clock.h"
#include "sl_types.h"

#define SAMPLES 101
#define TRIPS   100u // of a sample, so that reading the clock does not count

static struct {
	uint32_t there SL_CACHE_ALIGNED; // w: main, r: the other; release and acquire
	uint32_t back SL_CACHE_ALIGNED;  // w: the other, r: main; likewise
	int cpu;
} line;

// In front of whoever polls there: it takes some milliseconds.
static void
pin(int cpu)
{
	const struct sched_param param = {.sched_priority = 1};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0) {
		fprintf(stderr, "distance: CPU %d is not ours\n", cpu);
		exit(EXIT_FAILURE);
	}
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

static void *
answer(void *arg)
{
	(void)arg;
	pin(line.cpu);
	for (uint32_t i = 1; i <= SAMPLES * TRIPS; i++) {
		while (__atomic_load_n(&line.there, __ATOMIC_ACQUIRE) != i)
			;
		__atomic_store_n(&line.back, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	uint64_t sample[SAMPLES];
	pthread_t other;
	uint32_t trip = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: distance CPU CPU\n");
		return 2;
	}
	line.cpu = atoi(argv[2]);
	if (pthread_create(&other, NULL, answer, NULL) != 0)
		return EXIT_FAILURE;
	pin(atoi(argv[1])); // only now: the other inherits what we are, and would wait for our CPU
	for (unsigned i = 0; i < SAMPLES; i++) {
		const uint64_t begin = sl_clock_ns(NULL);

		for (unsigned k = 0; k < TRIPS; k++) {
			__atomic_store_n(&line.there, ++trip, __ATOMIC_RELEASE);
			while (__atomic_load_n(&line.back, __ATOMIC_ACQUIRE) != trip)
				;
		}
		sample[i] = sl_clock_ns(NULL) - begin;
	}
	pthread_join(other, NULL);
	qsort(sample, SAMPLES, sizeof(sample[0]), by_value);
	printf("%.0f\n", (double)sample[SAMPLES / 2] / TRIPS);
	return EXIT_SUCCESS;
}
