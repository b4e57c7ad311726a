// What a message says of the question that it answers.
#pragma once

#include "entry.h"
#include "sl_wire_dns.h"

struct reading {
	enum outcome_kind kind;
	bool truncated; // ask again over TCP; kind says nothing
	struct sl_ip ip[64];
	uint32_t n;
	uint32_t n_all; // with those that were left out as too many
	struct sl_ip refused[64];
	const char *why; // why the first of them was refused
	uint32_t n_refused;
	uint32_t ttl;                    // as in struct outcome
	char canonical[SL_DNS_NAME_MAX]; // the end of the CNAME chain; "": there is none
};

struct reading_cfg {
	const char *name; // as it was asked: lower case, no dot at the end
	uint16_t type;
	bool tcp;
	bool refuse_private;
};

void outcome_read(
	const uint8_t *data, uint32_t len, const struct reading_cfg *cfg, struct reading *out);
// Addresses that come from elsewhere (the hosts file) are sorted out the same way: into out->ip
// and out->refused.
void outcome_sift(const struct sl_ip *ip, uint32_t n, bool refuse_private, struct reading *out);
