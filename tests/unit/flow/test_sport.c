// Source ports: each exactly once, oldest first, never a reserved one, dry and back.
#include <errno.h>

#include "flow_test.h"
#include "sl_sport.h"

static const sl_be32 addrs[] = {0x016433c6, 0x026433c6, 0x036433c6};
#define N_ADDRS SL_ARRAY_LEN(addrs)

static struct sl_sport *
sport_new(const struct sl_sport_range *range, unsigned worker, unsigned n_workers)
{
	const struct sl_flow_mem mem = heap(NULL);

	return sl_sport_new(addrs, N_ADDRS, range, worker, n_workers, &mem);
}

// All workers together hand out every port of the range but the reserved ones, once for each
// address and protocol, and each worker its own.
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
		{1024, 65535, 4, 1},
		{1024, 65535, 4, 2},
		{1024, 65535, 2, 3},
		{0, 65535, 4, 7},
		{4788, 4800, 2, 4},
	};

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		const struct sl_sport_range range = {
			rows[r].first, rows[r].last, reserved, rows[r].n_reserved};
		const uint8_t protos[] = {SL_PROTO_TCP, SL_PROTO_UDP};
		uint8_t *taken = calloc(2 * N_ADDRS, 65536);
		uint32_t total = 0, want = 0;

		for (unsigned w = 0; w < rows[r].n_workers; w++) {
			struct sl_sport *s = sport_new(&range, w, rows[r].n_workers);

			for (unsigned pr = 0; pr < 2; pr++) {
				const uint32_t n = sl_sport_total(s, protos[pr]);
				uint16_t pool;
				sl_be32 addr;
				sl_be16 port;

				for (uint32_t i = 0; i < n; i++) {
					SL_TEST_INT(sl_sport_free_count(s, protos[pr]), n - i);
					SL_TEST_INT(sl_sport_get(s, protos[pr], i * 2654435761u,
							    &pool, &addr, &port),
						0);
					const uint16_t p = sl_be16_to_cpu(port);
					RTE_TEST_ASSERT(pool < N_ADDRS && addr == addrs[pool],
						"address %u", pool);
					SL_TEST_INT(sl_sport_owner(port, rows[r].n_workers), w);
					RTE_TEST_ASSERT(!taken[(pr * N_ADDRS + pool) * 65536 + p]++,
						"port %u of address %u twice", p, pool);
				}
				SL_TEST_INT(sl_sport_get(s, protos[pr], 0, &pool, &addr, &port),
					-ENOSPC);
				SL_TEST_INT(sl_sport_free_count(s, protos[pr]), 0);
				total += n;
			}
			sl_sport_free(s);
		}
		for (uint32_t p = rows[r].first; p <= rows[r].last; p++) {
			bool usable = p != 0;

			for (uint32_t i = 0; i < rows[r].n_reserved; i++)
				usable = usable && p != reserved[i];
			want += usable;
			for (unsigned k = 0; k < 2 * N_ADDRS; k++)
				RTE_TEST_ASSERT_EQUAL(taken[k * 65536 + p], usable, "port %u", p);
		}
		SL_TEST_INT(total, want * 2 * N_ADDRS);
		free(taken);
	}
	return TEST_SUCCESS;
}

// A port given back rests behind all that are free, in the order of giving.
static int
oldest_first(void)
{
	const struct sl_sport_range range = {2000, 2099, NULL, 0};
	struct sl_sport *s = sport_new(&range, 0, 1);
	sl_be16 first[100], port;
	uint16_t pool;
	sl_be32 addr;

	for (unsigned i = 0; i < 100; i++) {
		SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, 0, &pool, &addr, &first[i]), 0);
		SL_TEST_INT(pool, 0);
		if (i % 2) { // 50 stay out, 50 come back behind what was never used
			sl_sport_put(s, SL_PROTO_UDP, pool, first[i]);
			first[i / 2] = first[i];
		}
		if (i == 49)
			break;
	}
	for (unsigned i = 0; i < 50; i++) // those never used come first
		SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, 0, &pool, &addr, &port), 0);
	for (unsigned i = 0; i < 25; i++) {
		SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, 0, &pool, &addr, &port), 0);
		SL_TEST_INT(pool, 0);
		SL_TEST_INT(port, first[i]);
	}
	SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, 0, &pool, &addr, &port), 0);
	SL_TEST_INT(pool, 1); // the client's address is dry
	sl_sport_free(s);
	return TEST_SUCCESS;
}

static int
client_keeps_its_address(void)
{
	const struct sl_sport_range range = {2000, 2009, NULL, 0};
	const uint32_t third = UINT32_MAX / 3 + 1;
	static const unsigned want[] = {1, 2, 0}; // of the second client: its own, then the next
	struct sl_sport *s = sport_new(&range, 0, 1);
	uint16_t pool;
	sl_be32 addr;
	sl_be16 port;

	for (unsigned i = 0; i < 30; i++) {
		SL_TEST_INT(sl_sport_get(s, SL_PROTO_TCP, third, &pool, &addr, &port), 0);
		SL_TEST_INT(pool, want[i / 10]);
	}
	SL_TEST_INT(sl_sport_get(s, SL_PROTO_TCP, third, &pool, &addr, &port), -ENOSPC);
	SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, third, &pool, &addr, &port), 0);
	sl_sport_put(s, SL_PROTO_TCP, 2, sl_cpu_to_be16(2004));
	SL_TEST_INT(sl_sport_free_count(s, SL_PROTO_TCP), 1);
	SL_TEST_INT(sl_sport_get(s, SL_PROTO_TCP, 0, &pool, &addr, &port), 0);
	SL_TEST_INT(pool, 2);
	SL_TEST_INT(sl_be16_to_cpu(port), 2004);
	sl_sport_free(s);
	return TEST_SUCCESS;
}

// Ports 1024, 1025, 1026, ... one after the other would be a gift to whoever guesses them.
static int
first_round_is_shuffled(void)
{
	const struct sl_sport_range range = {1024, 65535, NULL, 0};
	struct sl_sport *s = sport_new(&range, 0, 1);
	unsigned steps = 0;
	uint16_t last = 0, pool;
	sl_be32 addr;
	sl_be16 port;

	for (unsigned i = 0; i < 1000; i++) {
		SL_TEST_INT(sl_sport_get(s, SL_PROTO_UDP, 0, &pool, &addr, &port), 0);
		steps += (uint16_t)(sl_be16_to_cpu(port) - last + 8) <= 16;
		last = sl_be16_to_cpu(port);
	}
	RTE_TEST_ASSERT(steps < 20, "%u of 1000 ports are near the one before", steps);
	sl_sport_free(s);
	return TEST_SUCCESS;
}

static int
refused(void)
{
	static const uint16_t all[] = {2000, 2001};
	const struct sl_sport_range one = {2000, 2000, NULL, 0}, none = {2000, 2001, all, 2},
				    backwards = {2001, 2000, NULL, 0};
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

	for (unsigned r = 0; r < SL_ARRAY_LEN(rows); r++) {
		errno = 0;
		RTE_TEST_ASSERT_NULL(sl_sport_new(addrs, rows[r].n_addrs, ranges[rows[r].range],
					     rows[r].worker, rows[r].n_workers, &mem),
			"%s", rows[r].name);
		RTE_TEST_ASSERT_EQUAL(errno, EINVAL, "%s", rows[r].name);
	}
	sl_sport_free(NULL);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"each_port_once", each_port_once},
		{"oldest_first", oldest_first},
		{"client_keeps_its_address", client_keeps_its_address},
		{"first_round_is_shuffled", first_round_is_shuffled},
		{"refused", refused},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
