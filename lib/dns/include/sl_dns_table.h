// The names that clients get answers for: hosts of services with their addresses, by client group.
//
// Owner:   made by control with sl_dns_table_new(), immutable; sl_dns_server_publish() takes it
//          over.
// Threads: any may read.
// Errors:  out of memory ends the process. A host that no question can name is left out.
// Limits:  130 bytes a host and 20 an address, for each set of groups that sees others of its rows.
//          A look-up is O(labels of the name).
//
// Source: istio-semantics 3.17.
#pragma once

#include "sl_ip.h"
#include "sl_wire_dns.h"

// host: lower case; "*.example.com" is a wildcard. Rows of one host are put together: a client gets
// the addresses of all rows that its group is in, each once. A name without an address of the
// family that is asked for, or without any, has an empty answer, never a name error.
struct sl_dns_table_row {
	const char *host;
	uint64_t clients; // client groups
	const struct sl_ip *ip;
	uint32_t n;
};

struct sl_dns_table_client {
	struct sl_prefix prefix;
	uint8_t group; // below 64
};

struct sl_dns_table_cfg {
	const struct sl_dns_table_row *row;
	uint32_t n_rows;
	// Longest prefix decides; what is in none is of group 0. It does not say who is answered.
	const struct sl_dns_table_client *client;
	uint32_t n_clients;
	const char *search; // the first search domain, lower case, no dot at its end; NULL: none
	uint32_t ttl;       // of answers, seconds
};

struct sl_dns_table;
struct sl_dns_table *sl_dns_table_new(const struct sl_dns_table_cfg *cfg); // copies
void sl_dns_table_free(struct sl_dns_table *t);
uint32_t sl_dns_table_count(const struct sl_dns_table *t); // hosts

enum sl_dns_verdict {
	SL_DNS_V_ANSWER,  // a response was written
	SL_DNS_V_FORWARD, // it is for an upstream server, unchanged
	SL_DNS_V_DROP,    // no response at all
};
// What a query of a client gets. data, len: as it came; the response goes to out, *out_len of
// out_room bytes (over UDP cut to 512 or what EDNS says, at most 1232; over TCP 65535). rnd
// shuffles the addresses. table NULL: not loaded, SERVFAIL. *bad: it was no well-formed query.
// *truncated: TC is set. A verdict of FORWARD holds for any type but A and AAAA, transfers (AXFR)
// and ANY too.
enum sl_dns_verdict sl_dns_respond(const struct sl_dns_table *t, const struct sl_ip *client,
	bool tcp, const uint8_t *data, uint32_t len, uint64_t rnd, uint8_t *out, uint32_t out_room,
	uint32_t *out_len, bool *bad, bool *truncated);
