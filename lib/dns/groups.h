// Client groups: which group an address is of, by longest prefix.
//
// Prefixes of one family and length are a run, sorted; the runs are searched from the longest
// prefix on.
#pragma once

#include "sl_dns_table.h"

struct dns_groups {
	struct group *prefix;
	uint32_t n;
	struct run *run;
	uint32_t n_runs;
};

void dns_groups_init(struct dns_groups *g, const struct sl_dns_table_client *client, uint32_t n);
void dns_groups_fini(struct dns_groups *g);
uint8_t dns_groups_of(const struct dns_groups *g, const struct sl_ip *client); // 0: in no prefix
