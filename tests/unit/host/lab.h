// A network namespace for one test, a gateway's `sl_host` in it, and the operator's shell beside
// it.
#pragma once

#include <net/if.h>

#include "sl_host.h"
#include "sl_test.h"

#define LAN 3 // index of the mirror "lan"
#define WAN 7 // index of the mirror "wan"

#define LAN_MAC "02:00:00:00:00:01" // that of lab_host()

// Enters a fresh namespace (root, or a user namespace of its own). False: not allowed here.
bool lab_enter(void);
#define LAB()                                                                                      \
	do {                                                                                       \
		if (!lab_enter())                                                                  \
			return TEST_SKIPPED;                                                       \
	} while (0)

// A shell command line; true when it ended with 0.
bool sh(const char *fmt, ...) SL_PRINTF(1, 2);
// The first line that a command prints; the buffer is the lab's.
const char *sh_line(const char *fmt, ...) SL_PRINTF(1, 2);

// NULL and a line printed on failure. Mirrors: "lan" at LAN and, when wanted, "wan" at WAN.
struct sl_host *lab_host(bool with_wan);

// Polls until all of bits came, at most timeout_ms after the call. Returns the bits that came.
int lab_wait(struct sl_host *h, int bits, int timeout_ms);
uint64_t lab_now_us(void);

// "192.0.2.1" etc. in network byte order, aborting on our own typing errors.
sl_be32 ip4(const char *text);

const struct sl_host_route *lab_route(struct sl_host *h, const char *prefix, uint32_t metric);
const struct sl_host_neigh *lab_neigh(struct sl_host *h, uint16_t index, const char *addr);
const struct sl_host_addr *lab_addr(struct sl_host *h, uint16_t index, const char *prefix);

// A configuration from words: "addr 192.0.2.1/24", "host 192.0.2.10", "route 0.0.0.0/0 via
// 192.0.2.9 metric 5", "neigh 192.0.2.9 02:00:00:00:00:99", separated by commas. Applies it;
// returns its result; prints why on failure.
int lab_apply(struct sl_host *h, uint16_t index, const char *words);

// Hears every change of addresses, routes, neighbours and links from now on.
int listener_open(void);
int listener_count(int fd); // messages since the last call
