// What the rows that say how names are resolved share: `dns` of sluice.yaml, and the annotations of
// a ServiceEntry.
#pragma once

#include "schema.h"

static const char *const name_families[] = {"ipv4", "ipv6", "both", NULL};

#define NAME_FAMILIES .type = T_FAMILIES, .names = name_families
#define NAME_REFRESH                                                                               \
	.type = T_DURATION, .min = 100 * SL_NSEC_PER_MSEC, .max = 24 * 3600 * SL_NSEC_PER_SEC
#define NAME_STALE .type = T_DURATION, .max = 168 * 3600 * SL_NSEC_PER_SEC
