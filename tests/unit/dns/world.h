// A resolver without sockets: time is moved by the test, servers are a function of the test.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "heap.h"
#include "sl_dns.h"
#include "sl_str.h"
#include "sl_test.h"
#include "sl_wire_dns.h"

#define SEC SL_NSEC_PER_SEC
#define MS  SL_NSEC_PER_MSEC

enum behaviour {
	GOOD,
	SILENT,
	SERVFAIL,
	REFUSED,
	FORMERR,
	NOTIMP,
	OTHER_RCODE,
	NXDOMAIN,
	NODATA,
	TRUNCATED,        // UDP; over TCP good
	TRUNCATED_ALWAYS, // over TCP too
	WRONG_QUESTION,
	WRONG_TYPE,
	GARBAGE,
	NO_RESPONSE_BIT,
	CHAIN, // by two CNAMEs
	CNAME_LOOP,
	UNREACHABLE, // told by done()
	UNSENT,      // start() fails
};

// What a server does with one question.
struct reply {
	enum behaviour does;
	const char *ips; // separated by blanks; NULL: 192.0.2.1, 2001:db8::1
	uint32_t ttl;
	uint32_t soa;      // the negative TTL; 0: no SOA
	uint64_t delay_ns; // 0: 1 ms
};

struct world;
typedef struct reply serve_fn(struct world *w, const struct sl_dns_ask *ask);

struct world {
	struct sl_dns *d;
	struct sl_dns_env env;
	struct sl_dns_cfg cfg;
	struct sl_dns_address servers[4];
	struct sl_dns_ask_fns fns;
	struct heap flights;
	uint64_t now;
	serve_fn *serve;
	struct reply reply; // of the plain serve
	uint32_t asked, open, most_open;
	uint32_t calls;       // of uses
	uint32_t *per_second; // questions, when it is not NULL
	uint32_t n_seconds;
	void *arg;
};

static const struct sl_name_policy world_policy = {
	.families = SL_NAME_V4,
	.refresh_min_ns = 1 * SEC,
	.refresh_max_ns = 300 * SEC,
	.max_stale_ns = 100 * SEC,
};

// Two servers unless n_servers says another number. Returns 0.
int world_init(struct world *w, uint32_t n_servers);
void world_fini(struct world *w);
void world_run(struct world *w, uint64_t ns);        // that much time passes
void world_count(void *ctx, struct sl_dns_use *use); // w->calls
// "fresh 192.0.2.1 192.0.2.2"
const char *world_see(const struct sl_dns_use *use, char buf[512]);
struct sl_ip world_ip(const char *text);
