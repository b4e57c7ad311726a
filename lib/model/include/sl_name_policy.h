// How a DNS name of a service is resolved: out of the annotations of its ServiceEntry, the rest out
// of `dns` in sluice.yaml.
//
// Owner:   plain values.
// Source:  docs/names.md; istio-semantics 3.16 for what strict is.
#pragma once

#include "sl_types.h"

// Answers of these families are wanted; bits.
#define SL_NAME_V4 1
#define SL_NAME_V6 2

// What becomes of the established flows of an address that DNS does not name any more.
enum sl_on_remove {
	SL_ON_REMOVE_KEEP,
	SL_ON_REMOVE_DRAIN, // they are reset when drain_ns have passed, unless it came back
	SL_ON_REMOVE_RESET,
};

struct sl_name_policy {
	uint8_t families;        // SL_NAME_*, not 0
	bool strict;             // as Envoy: an empty answer counts at once, a good one has no end
	bool first;              // DNS_ROUND_ROBIN: which address comes first in the answer counts
	uint64_t refresh_min_ns; // floor and ceiling of the time between two questions
	uint64_t refresh_max_ns;
	uint64_t max_stale_ns; // how long after its TTL the last good answer is used
};

// What a ServiceEntry says of it, by annotations; bits of `given`. policy has only what is given.
enum sl_se_names_given {
	SL_SE_NAMES_FAMILIES = 1, // sluice.io/dns-family: ipv4, ipv6, both
	SL_SE_NAMES_STRICT = 2,   // sluice.io/dns-strict: "true", "false"
	SL_SE_NAMES_MIN = 4,      // sluice.io/dns-refresh-min: a duration
	SL_SE_NAMES_MAX = 8,      // sluice.io/dns-refresh-max
	SL_SE_NAMES_STALE = 16,   // sluice.io/dns-max-stale
};
struct sl_se_names {
	struct sl_name_policy policy;
	unsigned given;
	enum sl_on_remove on_remove; // sluice.io/dns-on-remove: keep, drain:DURATION, reset
	uint64_t drain_ns;
};
