// Unit tests: DPDK's rte_test.h assertions and a table runner that prints TAP for meson.
//
// A test is `static int name(void)` that returns TEST_SUCCESS, TEST_SKIPPED, or fails in a
// RTE_TEST_ASSERT*. Debian's libdpdk-dev leaves rte_test.h out of the package (the file exists in
// DPDK's lib/eal/include), so the same macros are defined here when it is missing:
// docs/decisions/0002-rte-test.md.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_SUCCESS 0
#define TEST_FAILED  (-1)
#define TEST_SKIPPED 77

#if __has_include(<rte_test.h>)
#define RTE_TEST_TRACE_FAILURE(file, line, func)                                                   \
	printf("# %s:%d: %s: assertion failed\n", file, line, func)
#include <rte_test.h>
#else
#define RTE_TEST_ASSERT(cond, msg, ...)                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("# %s:%d: %s: " msg "\n", __FILE__, __LINE__, __func__,             \
				##__VA_ARGS__);                                                    \
			return TEST_FAILED;                                                        \
		}                                                                                  \
	} while (0)
#define RTE_TEST_ASSERT_EQUAL(a, b, msg, ...)     RTE_TEST_ASSERT((a) == (b), msg, ##__VA_ARGS__)
#define RTE_TEST_ASSERT_NOT_EQUAL(a, b, msg, ...) RTE_TEST_ASSERT((a) != (b), msg, ##__VA_ARGS__)
#define RTE_TEST_ASSERT_SUCCESS(val, msg, ...)    RTE_TEST_ASSERT((val) == 0, msg, ##__VA_ARGS__)
#define RTE_TEST_ASSERT_FAIL(val, msg, ...)       RTE_TEST_ASSERT((val) != 0, msg, ##__VA_ARGS__)
#define RTE_TEST_ASSERT_NULL(val, msg, ...)       RTE_TEST_ASSERT((val) == NULL, msg, ##__VA_ARGS__)
#define RTE_TEST_ASSERT_NOT_NULL(val, msg, ...)   RTE_TEST_ASSERT((val) != NULL, msg, ##__VA_ARGS__)
#endif

// Two strings, both shown when they differ.
#define SL_TEST_STR(a, b)                                                                          \
	do {                                                                                       \
		const char *sl_a = (a), *sl_b = (b);                                               \
		RTE_TEST_ASSERT(sl_a &&sl_b &&strcmp(sl_a, sl_b) == 0,                             \
			"got \"%s\", expected \"%s\"", sl_a ? sl_a : "(null)",                     \
			sl_b ? sl_b : "(null)");                                                   \
	} while (0)
// Two integers, both shown when they differ.
#define SL_TEST_INT(a, b)                                                                          \
	do {                                                                                       \
		const long long sl_a = (long long)(a), sl_b = (long long)(b);                      \
		RTE_TEST_ASSERT(sl_a == sl_b, "%s is %lld, expected %lld", #a, sl_a, sl_b);        \
	} while (0)

struct sl_test {
	const char *name;
	int (*run)(void);
};

// Runs the table (arguments: names to run only those), prints TAP, returns the exit status.
static inline int
sl_test_main(int argc, char **argv, const struct sl_test *tests, size_t n)
{
	int failed = 0;
	size_t ran = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n; i++) {
		int wanted = argc < 2;

		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], tests[i].name) == 0;
		if (!wanted)
			continue;
		const int rc = tests[i].run();
		printf("%s %zu - %s%s\n", rc == TEST_FAILED ? "not ok" : "ok", ++ran, tests[i].name,
			rc == TEST_SKIPPED ? " # SKIP" : "");
		failed += rc == TEST_FAILED;
	}
	printf("1..%zu\n", ran);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// The seed of a random test: $SEED, or a new one; always printed, so that a failure can be
// repeated.
static inline uint64_t
sl_test_seed(void)
{
	const char *env = getenv("SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : (uint64_t)(uintptr_t)&env * 2654435761u;

	printf("# SEED=%llu\n", (unsigned long long)seed);
	return seed | 1;
}

// xorshift64*
static inline uint64_t
sl_test_rand(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}
