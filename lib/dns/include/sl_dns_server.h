// The responder: answers clients over UDP and TCP on addresses of the gateway, forwards what it
// does not know. Its own thread, so that neither it nor the control thread waits for the other.
//
// Owner:   sl_dns_server_new() / sl_dns_server_free(), which ends the thread.
// Threads: these functions from the control thread only; the thread inside is the server's own.
// Errors:  as said per function; what clients and servers do wrong is counted.
// Limits:  as cfg says; 1,024 TCP connections, 10 s idle, of which one client has at most 64; of
//          the process's descriptors (RLIMIT_NOFILE) a quarter for those and one for forwarded
//          queries, each of which has a socket. Queries of 4,096 bytes. 64 upstream servers; one
//          that is the responder itself is left out, and logged.
//
// Source: RFC 1035 4.2, 7766 (TCP), 6891 (EDNS0), 5452 (spoofing: ports and ids are random, the
// question of an answer is compared); istio-semantics 3.17.
#pragma once

#include "sl_dns.h"
#include "sl_dns_table.h"

struct sl_dns_server_cfg {
	const struct sl_dns_address *listen; // UDP and TCP
	uint32_t n_listen;
	const struct sl_prefix *client; // who is answered; others get nothing
	uint32_t n_clients;
	const struct sl_dns_address *upstream; // none: resolv_conf's, followed when it changes
	uint32_t n_upstream;
	const char *resolv_conf;
	uint64_t timeout_ns; // of one upstream server, default 5 s when 0; all of them have twice
			     // that
	uint32_t rate;       // queries a second of one client address, 0: no limit
	// Forwarded queries that wait, all clients together; 0: 1,024. A quarter is for one client.
	uint32_t max_pending;
	int core; // the thread's CPU, -1: those of who makes the server
	struct sl_log *log;
};

struct sl_dns_server;
// Opens the sockets and starts the thread. An address that is not there yet is bound all the same
// (IP_FREEBIND). NULL and *why (the caller frees).
struct sl_dns_server *sl_dns_server_new(const struct sl_dns_server_cfg *cfg, char **why);
void sl_dns_server_free(struct sl_dns_server *s);
// Other clients, upstreams, limits and listen addresses; sockets whose address stays are kept open.
// 0, or -errno and *why: all is as before then, but for an address that can't be listened on: the
// rest holds, and addresses of before are kept as well until a later call can have all.
int sl_dns_server_configure(
	struct sl_dns_server *s, const struct sl_dns_server_cfg *cfg, char **why);
// From now on answers come from this table; takes it over. Until the first call: SERVFAIL.
void sl_dns_server_publish(struct sl_dns_server *s, struct sl_dns_table *table);
// SL_DNS_C_CLIENT_*; others are 0.
uint64_t sl_dns_server_counter(const struct sl_dns_server *s, enum sl_dns_counter c);
