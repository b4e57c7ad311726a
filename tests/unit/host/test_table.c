// The hash table against a list that is searched from end to end.
#include "../../../lib/host/table.h"

#include "host_tests.h"

#define KEYS 64

struct elem {
	uint32_t key;
	uint32_t value;
};

static int
same(const struct table *t, const uint32_t *value, const bool *there)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < KEYS; k++) {
		const struct elem *e = table_find(t, &k);

		RTE_TEST_ASSERT_EQUAL(e != NULL, there[k], "key %u is %sthere", k, e ? "" : "not ");
		if (e)
			SL_TEST_INT(e->value, value[k]);
		n += there[k];
	}
	SL_TEST_INT(t->n, n);
	for (uint32_t i = 0; i < t->n; i++)
		RTE_TEST_ASSERT(there[((struct elem *)table_at(t, i))->key], "a stranger at %u", i);
	return TEST_SUCCESS;
}

int
table_random(void)
{
	uint64_t seed = sl_test_seed();
	uint32_t value[KEYS] = {0};
	bool there[KEYS] = {0};
	struct table t;
	int rc = TEST_SUCCESS;

	table_init(&t, sizeof(struct elem), sizeof(uint32_t));
	for (int step = 0; step < 20000 && rc == TEST_SUCCESS; step++) {
		const uint64_t r = sl_test_rand(&seed);
		const struct elem e = {.key = (r >> 8) % KEYS, .value = (uint32_t)(r >> 32)};

		if (r & 1) {
			table_put(&t, &e);
			there[e.key] = true;
			value[e.key] = e.value;
		} else {
			RTE_TEST_ASSERT_EQUAL(table_del(&t, &e.key), there[e.key], "delete");
			there[e.key] = false;
		}
		rc = same(&t, value, there);
	}
	table_fini(&t);
	return rc;
}
