// What the responder asks the table.
#pragma once

#include "sl_dns_table.h"

#define DNS_V4 0
#define DNS_V6 1

// Addresses of a name for the clients of a group.
struct dns_found {
	const struct sl_ip *ip[2]; // DNS_V4, DNS_V6
	uint32_t n[2];
	const char *host; // perhaps a wildcard
	bool is_alias;    // the name is the host's in the search domain
	uint32_t ttl;
};

// name: lower case, as sl_dns_parse() gives it. False: the client's group knows no such name.
bool dns_table_find(const struct sl_dns_table *t, const struct sl_ip *client, const char *name,
	struct dns_found *out);
