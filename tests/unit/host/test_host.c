#include "host_tests.h"

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"messages of the kernel", msg_parse},
		{"messages cut at every length", msg_truncated},
		{"messages with random bytes", msg_random},
		{"requests read back", msg_requests},
		{"answers to requests", msg_acks},
		{"table against a plain list", table_random},
	};

	return sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
