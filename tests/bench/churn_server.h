// DNS for bench_churn: a server of 1,000 names, each with two sets of two addresses, that says the
// other set with each answer when it is told to. Behind the seam of lib/dns, or with a socket on
// loopback, so that c-ares has its part.
//
// Owner:   server_new() / server_free(), after the resolver has ended.
// Threads: the seam's calls: the event loop's; the socket has a thread of its own. set_mode() and
//          server_at(): any.
#pragma once

#include <event2/event.h>

#include "ask.h"

#define CHURN_NAMES 1000u
#define CHURN_ADDRS 2u // of a set

enum server_mode {
	SERVER_SPREAD,  // the same answers, with TTLs of 1 to 4 s: those asked together part
	SERVER_SAME,    // the same answers, TTL 1 s
	SERVER_CHANGES, // the other set with each answer, TTL 1 s
};

struct server;

struct server *server_new(struct event_base *base);
void server_free(struct server *s);
void server_set_mode(struct server *s, enum server_mode mode);
uint64_t server_changes(const struct server *s); // so far
uint64_t server_answers(const struct server *s);

const struct sl_dns_ask_fns *server_seam(struct server *s);
// Answers on a loopback socket from now on, in a thread on that CPU. Its port, or 0 and errno.
uint16_t server_listen(struct server *s, unsigned cpu);

// The name of service i is "s%u.example.com". Its addresses, host byte order: CHURN_ADDRS of set 0
// from here on, and as many of set 1 behind them.
static inline uint32_t
server_first_addr(uint32_t i)
{
	return 0xc6138000u + 2 * CHURN_ADDRS * i; // 198.19.128.0
}

// The set that the last answer had, and the time (sl_clock_ns()) just before it was given.
struct server_said {
	uint64_t ns;
	uint32_t set;
};
struct server_said server_at(const struct server *s, uint32_t i);
