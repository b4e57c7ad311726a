// Which clients are answered, and how often: ranges of addresses, and a bucket per address.
//
// Owner:   caller's memory; init/fini.
// Threads: one at a time.
// Limits:  ranges: a look-up is a binary search. Limiter: 512 KiB, whatever clients do; of 16,384
//          addresses at once some may be forgotten, those first that asked least of late.
#pragma once

#include "sl_ip.h"

struct dns_key { // of an address: the family first, so that one is never taken for the other
	uint8_t b[17];
};

struct dns_range {
	struct dns_key from;
	struct dns_key to;
};

struct dns_ranges {
	struct dns_range *v; // ascending, apart
	uint32_t n;
};

void dns_ranges_init(struct dns_ranges *r, const struct sl_prefix *prefix, uint32_t n);
bool dns_ranges_has(const struct dns_ranges *r, const struct sl_ip *ip);
void dns_ranges_fini(struct dns_ranges *r);

// Whether they count as one client: the same address, or IPv6 addresses of one /64.
bool dns_clients_same(const struct sl_ip *a, const struct sl_ip *b);

struct dns_bucket {
	uint64_t
		full_ns; // when it will be full again; in the past: nothing is known of this client
	struct dns_key key;
};

struct dns_limiter {
	uint64_t interval_ns; // a query's worth of time; 0: no limit
	uint64_t secret;      // so that nobody can choose whose bucket theirs pushes out
	struct dns_bucket *bucket;
};

void dns_limiter_init(struct dns_limiter *l, uint64_t secret);
// per_second: 0 is no limit. Buckets stay as full as they are.
void dns_limiter_set(struct dns_limiter *l, uint32_t per_second);
// One query of that client now. False: over its limit, or an IPv6 /64's, which is four times that.
// A client that was quiet may ask a second's worth at once.
bool dns_limiter_take(struct dns_limiter *l, const struct sl_ip *client, uint64_t now_ns);
// The same number for all queries of a client, below `of`; IPv6 clients of one /64 share it, as
// each of them has all of its addresses.
uint32_t dns_limiter_crowd(const struct dns_limiter *l, const struct sl_ip *client, uint32_t of);
void dns_limiter_fini(struct dns_limiter *l);
