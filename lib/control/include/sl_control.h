// The one writer: owns the configuration, the objects and what is compiled from them, follows the
// kernel, and publishes snapshots. All changes of the daemon's forwarding state go through here.
//
// Owner:   sl_control_new() takes over `conf`; sl_control_free() after the event loop has ended and
//          the workers have left. Everything else in the configuration is borrowed for that time.
// Threads: the event loop's thread only.
// Errors:  new: NULL and *why. Later trouble is logged, counted and answered; the state that worked
//          stays in force.
// Limits:  a change costs the size of the change, and one pass over the services when one comes or
//          goes (sl_compile.h); nothing here waits for a worker.
//
// Needs no DPDK: what lives in workers and ports comes in through functions.
#pragma once

#include <sched.h>

#include <event2/event.h>

#include "sl_compile.h"
#include "sl_conf.h"
#include "sl_ctl.h"
#include "sl_dns.h"
#include "sl_host.h"
#include "sl_log.h"
#include "sl_rcu.h"

struct sl_control;

struct sl_control_port {
	const char *name;
	struct sl_mac mac;
};

struct sl_control_cfg {
	struct event_base *base;
	struct sl_log *log;
	bool keep_log_level; // it came from the command line: a reload leaves it alone
	struct sl_conf *conf;
	struct sl_rcu *rcu;
	struct sl_host *host;
	const struct sl_control_port *ports; // index = port index; the mirrors exist
	uint16_t n_ports;
	const sl_be32 *pool; // the pool's addresses, one by one
	uint32_t n_pool;
	int ask_fd; // eventfd: workers wait for a next hop
	// Takes one question of a worker; false: no more.
	bool (*next_ask)(void *ctx, uint16_t *port, sl_be32 *addr);
	bool (*link_up)(void *ctx, uint16_t port);
	uint64_t (*now_ns)(void *ctx); // the workers' clock
	uint64_t seed;                 // of what is random: when names are asked for
	int core;                      // of the responder's thread; -1: any
	// Where threads that help to read objects run: at the start, before there is traffic, and
	// at reloads; as many as there are CPUs, 3 at most. NULL: nowhere.
	const cpu_set_t *start_cpus;
	const cpu_set_t *cpus;
	const struct sl_dns_ask_fns *dns_ask; // who asks DNS servers; NULL: c-ares
	// Flows of an endpoint slot over all workers.
	void (*slot_load)(void *ctx, uint32_t slot, uint64_t *active, uint64_t *total);
	// All workers end the flows of this slot that were opened before; to be called after the
	// snapshot that no longer has the endpoint was published. False: there is no room for the
	// order right now, nothing was done; it is to be given again a little later.
	bool (*reset_slot)(void *ctx, uint32_t slot);
	void *ctx;
};

// Reads the resources and the state folder, applies addresses and routes to the mirrors, publishes
// the first snapshot, and follows netlink from then on. Objects that are invalid are logged and
// left out.
struct sl_control *sl_control_new(const struct sl_control_cfg *cfg, char **why);
void sl_control_free(struct sl_control *c);

// Calls fn(ctx), once, when the gateway is good for traffic: no name is without its first answer,
// or dns.readyTimeout has passed since this call. From here, or from the event loop.
void sl_control_when_ready(struct sl_control *c, void (*fn)(void *ctx), void *ctx);

// Reads sluice.yaml and the resources again (SIGHUP). Findings are logged.
void sl_control_reload(struct sl_control *c);

// Looks at the links of the ports now, not at the next quarter of a second: ports were just
// started.
void sl_control_follow_links(struct sl_control *c);

// A request of the commands apply, diff, delete, get, describe, services, endpoints, explain, dns,
// events, reload, log-level; others are refused.
void sl_control_handle(struct sl_control *c, struct sl_ctl_req *req);

// An event of now. object: a DNS name, "namespace/host" of a service, or a destination as
// "ADDRESS:PORT/tcp".
void sl_control_event(struct sl_control *c, bool warning, const char *reason, const char *object,
	const char *message);

const struct sl_conf *sl_control_conf(const struct sl_control *c);
uint64_t sl_control_generation(const struct sl_control *c);              // of the snapshot in force
const struct sl_compile *sl_control_compile(const struct sl_control *c); // for slots
// Of the resolver and the responder.
uint64_t sl_control_dns_counter(const struct sl_control *c, enum sl_dns_counter counter);
