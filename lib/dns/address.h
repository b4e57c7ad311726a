// Where a DNS server is, or where clients ask one.
#pragma once

#include "sl_dns.h"

#define DNS_PORT 53

static inline uint16_t
address_port(const struct sl_dns_address *addr)
{
	return addr->port ? addr->port : DNS_PORT;
}

static inline bool
address_equal(const struct sl_dns_address *a, const struct sl_dns_address *b)
{
	return address_port(a) == address_port(b) && sl_ip_equal(&a->ip, &b->ip);
}
