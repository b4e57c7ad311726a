// The cases of the test files of lib/host, gathered by the two runners.
#pragma once

#include "sl_test.h"

int msg_parse(void);
int msg_truncated(void);
int msg_random(void);
int msg_requests(void);
int msg_acks(void);
int table_random(void);
