// The daemon's control for bench_churn, whole: files, resolver, mesh, compile, publish, in a thread
// of its own on a CPU of its own. Only mirrors and the kernel's next hops are missing.
//
// Owner:   churn_start() / churn_stop().
// Threads: churn_pause(), churn_cpu_ns(): any, in between; the rest: who started it.
#pragma once

#include "churn_server.h"
#include "sl_fwd.h"
#include "sl_rcu.h"

#define CHURN_ENDPOINTS 16384u // slots
#define CHURN_PORT      443

struct churn_cfg {
	bool ares;    // a socket and c-ares, not the seam
	bool virtual; // services without `addresses`: all of them want their port at any address
	unsigned cpu;
	const struct sl_fwd_load *load; // the worker's
};

struct churn {
	struct churn_cfg cfg;
	struct sl_rcu *rcu;
	struct server *server;
	struct control *control;
};

// VIP of service i, host byte order.
static inline uint32_t
churn_vip(uint32_t i)
{
	return 0xc6130000u + i; // 198.19.0.0
}

// Returns when every name has its first answer and that is published. Ends the process on errors.
void churn_start(struct churn *c, const struct churn_cfg *cfg);
void churn_stop(struct churn *c);
// With pause the control thread does nothing at all.
void churn_pause(struct churn *c, bool pause);
uint64_t churn_cpu_ns(const struct churn *c); // of the control thread
