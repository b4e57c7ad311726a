// The daemon's parts, and the list of stages that start and stop them (main.c).
//
// Owner:   main.c; one, static in main().
// Threads: the control thread, but for what each part's header allows others.
#pragma once

#include <event2/event.h>

#include "mirror.h"
#include "options.h"
#include "sl_affinity_choice.h"
#include "sl_control.h"
#include "sl_fill.h"
#include "sl_port_rules.h"
#include "worker.h"

struct daemon_port {
	struct sl_port *port;
	char *name; // as of the start: a reload may bring a configuration with other ports
	char *device;
	struct sl_port_info info; // as of its start
	enum sl_affinity affinity_wanted;
	enum sl_affinity affinity;
	char affinity_why[SL_AFFINITY_WHY];
};

// A destination whose source ports are followed.
struct daemon_fill {
	struct sl_sport_fill at;
	struct sl_fill fill; // of the ports that new flows can have
};

#define DAEMON_FILLS       32
#define DESTINATION_STRLEN (SL_IP_STRLEN + 16) // "ADDRESS:PORT/udp"

struct daemon_worker {
	struct sl_worker *worker;
	unsigned core;
	unsigned lcore;
	bool running;
	uint64_t seen_busy; // at the last reading of `workers`
	uint64_t seen_tsc;
};

struct daemon {
	struct options opt;
	struct sl_log log;
	char node[256];       // this gateway's name
	struct sl_conf *conf; // until control takes it over
	uint64_t started_ns;
	unsigned control_core;
	cpu_set_t other_cpus; // that we may use, without control's
	cpu_set_t spare_cpus; // and without the workers'
	struct sl_port_eal_info eal;
	struct rte_mempool *frames;
	struct daemon_port port[SL_PORT_MAX];
	uint16_t n_ports;
	struct sl_mac port_mac[SL_PORT_MAX];
	uint8_t rss_key[SL_PORT_RSS_KEY];
	uint64_t spray_key[2];
	struct sl_owner owner;
	struct sl_port_rules rules; // its pool is read while the ports start, not later
	struct sl_host *host;
	int tap_fd[SL_PORT_MAX];
	sl_be32 pool[SL_MAX_POOL_ADDRS];
	uint32_t n_pool;
	struct sl_rcu *rcu;
	int punt_fd;
	int ask_fd;
	uint32_t mirror_asleep SL_CACHE_ALIGNED; // w: mirror thread, r: workers
	struct daemon_worker worker[SL_MAX_WORKERS] SL_CACHE_ALIGNED;
	unsigned n_workers;
	struct sl_mirror *mirror;
	struct event_base *base;
	bool ready; // the manager was told so
	struct event *signals[3];
	struct event *watch_timer;
	uint64_t buffers_next;            // when the log may tell of it that there are none
	uint64_t alarmed[SL_DROP_MAX];    // packets that the log has told of
	uint64_t alarm_next[SL_DROP_MAX]; // no line about it before, ns
	struct daemon_fill fill[DAEMON_FILLS];
	unsigned n_fills;
	struct sl_log_limit fill_limit;
	struct sl_control *control;
	struct sl_ctl *ctl;
};

// stages.c: each starts one part (0, or -errno and *why) and, in its mirror, stops it. A stop
// follows only a start that succeeded.
int eal_start(struct daemon *d, char **why);
void eal_stop(struct daemon *d);
int ports_start(struct daemon *d, char **why);
void ports_stop(struct daemon *d);
// affinity.c: the choice for each port, before anything depends on it; then, for a port that was
// started, what the device is told, and taken back before it stops.
void affinity_draw_keys(struct daemon *d);
int affinity_start(struct daemon *d, char **why);
int affinity_tell(struct daemon *d, struct daemon_port *p, char **why);
void affinity_untell(struct daemon *d, struct daemon_port *p);
const char *affinity_name(enum sl_affinity way);
int mirrors_start(struct daemon *d, char **why);
void mirrors_stop(struct daemon *d);
int workers_start(struct daemon *d, char **why);
void workers_stop(struct daemon *d);
uint16_t daemon_first_queue(const struct daemon *d, uint16_t port, unsigned worker);
int control_start(struct daemon *d, char **why);
void control_stop(struct daemon *d);
int socket_start(struct daemon *d, char **why);
void socket_stop(struct daemon *d);
int traffic_start(struct daemon *d, char **why);
void traffic_stop(struct daemon *d);

// cores.c: which CPUs the control thread and the workers take; -EINVAL and *why.
int daemon_cores(struct daemon *d, unsigned worker_cores[], char **why);

// watch.c: what must not go by unnoticed is looked for once a second and logged with a limit.
void daemon_watch(struct daemon *d);

// pools.c: source ports over all workers. Lent, and what there is for each destination and
// protocol; a destination that there was no port for lately, or "-".
uint32_t daemon_ports_lent(const struct daemon *d, uint8_t proto);
uint32_t daemon_ports_total(const struct daemon *d);
const char *daemon_refused(const struct daemon *d, char text[DESTINATION_STRLEN]);
// Once a second: how full the fullest destinations are; one that fills up is logged and an event.
void daemon_watch_pools(struct daemon *d);
void daemon_cmd_pools(void *ctx, struct sl_ctl_req *req);

// show.c, show_flows.c: commands about workers, ports and flows.
void daemon_handlers(sl_ctl_fn handlers[SL_CTL_CMD_MAX]);
// Is one worker named (--worker), and which? False: there is none such, and req was ended.
bool daemon_pick_worker(
	const struct daemon *d, struct sl_ctl_req *req, bool *one, unsigned *worker);
void daemon_cmd_flows(void *ctx, struct sl_ctl_req *req);

// notify.c: sd_notify(3) without libsystemd. state: "READY=1", "RELOADING=1", "STOPPING=1", ...
void daemon_notify(const char *state);
