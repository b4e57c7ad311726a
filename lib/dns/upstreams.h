// The servers that queries are forwarded to: those of the configuration, or those of resolv.conf.
//
// Owner:   caller's memory, zeroed.
// Threads: one at a time.
// Limits:  64 servers.
#pragma once

#include "sl_dns.h"

#define DNS_MAX_UPSTREAMS 64

struct dns_upstreams {
	struct sl_dns_address addr[DNS_MAX_UPSTREAMS];
	uint64_t aside_until_ns[DNS_MAX_UPSTREAMS]; // it did not answer: others are asked first
	uint32_t n;
};

// Takes over the list, each once. What is known of servers that stay, stays.
void dns_upstreams_set(struct dns_upstreams *u, const struct sl_dns_address *addr, uint32_t n);
// In the order in which they are asked: at random, those that are aside last.
uint32_t dns_upstreams_order(const struct dns_upstreams *u, uint64_t now_ns, uint64_t rnd,
	struct sl_dns_address out[DNS_MAX_UPSTREAMS]);
void dns_upstreams_aside(
	struct dns_upstreams *u, const struct sl_dns_address *addr, uint64_t until_ns);
