// The seam between the resolver and the network: one question to one server. The real one is
// c-ares (ares.c); tests bring one without sockets.
//
// Owner:   a struct sl_dns_ask is the resolver's; it stays until done() was called or cancel().
// Threads: the event loop's.
#pragma once

#include "sl_dns.h"

// What is asked for over UDP (EDNS): no path fragments it. A message of that length may be cut.
#define ASK_UDP_MOST 1232

struct sl_dns_ask {
	struct sl_dns_address server;
	const char *name; // text, valid until start() has returned
	uint16_t type;    // SL_DNS_A, SL_DNS_AAAA
	bool tcp;
	uint64_t timeout_ns; // the resolver has cancelled it by then
	// Once. status 0: msg, len is what came, truncated or wrong as it may be. -errno: it could
	// not be sent, or the server's host refuses it. Never from within start() or cancel().
	void (*done)(struct sl_dns_ask *ask, int status, const uint8_t *msg, uint32_t len);
	void *asker; // the seam's own
};

struct sl_dns_ask_fns {
	void *ctx;
	// Sends it. 0, or -errno: done() is not called.
	int (*start)(void *ctx, struct sl_dns_ask *ask);
	// done() is not called any more. late: no answer in time (a reason to take another socket).
	void (*cancel)(void *ctx, struct sl_dns_ask *ask, bool late);
};

// What the loop's timer does when it is time; a test without a loop (env.base NULL) calls it.
void sl_dns_run(struct sl_dns *d);
// When it wants to be called next (now_ns()'s clock); UINT64_MAX: never.
uint64_t sl_dns_due(const struct sl_dns *d);

// The real one. channels counts those that are opened.
const struct sl_dns_ask_fns *ares_asker_new(const struct sl_dns_env *env, uint64_t *channels);
void ares_asker_free(const struct sl_dns_ask_fns *fns);
