#include "churn_control.h"

#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sl_clock.h"
#include "sl_control.h"
#include "sl_str.h"

enum run { RUN, PAUSE, LEAVE };

struct control {
	struct churn *churn;
	struct event_base *base;
	struct sl_host *host;
	struct sl_control *control;
	struct sl_log log;
	char dir[64];
	uint32_t run; // enum run; w: main, r: the thread
	uint32_t ready;
	pthread_t thread;
	clockid_t cpu_clock;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_churn: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

// ---- files ----

static void
write_conf(const struct control *c, uint16_t port)
{
	char *path = sl_xasprintf("%s/sluice.yaml", c->dir);
	FILE *f = fopen(path, "w");

	free(path);
	if (!f)
		die(c->dir, "not writable");
	fprintf(f,
		"ports:\n- {name: lan, device: net_null0, addresses: [192.0.2.1/24]}\n"
		"pool: {addresses: [203.0.113.0/27]}\n"
		"flows: {max: 1048576, maxEndpoints: %u, timeouts: {udp: 1s}}\n"
		"control: {socket: sock}\nresources: [objects.yaml]\nstateDir: state\n"
		"dns: {servers: ['127.0.0.1:%u'], timeout: 10s}\n",
		CHURN_ENDPOINTS, port);
	fclose(f);
}

// Without `addresses` a host has the virtual IP that its status says.
static void
write_objects(const struct control *c)
{
	char *path = sl_xasprintf("%s/objects.yaml", c->dir);
	FILE *f = fopen(path, "w");

	free(path);
	if (!f)
		die(c->dir, "not writable");
	for (uint32_t i = 0; i < CHURN_NAMES; i++) {
		char vip[SL_IP_STRLEN];

		sl_ip4_str(sl_cpu_to_be32(churn_vip(i)), vip);
		fprintf(f,
			"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			"metadata: {name: s%u}\nspec:\n  hosts: [s%u.example.com]\n"
			"  ports: [{number: %u, name: p, protocol: UDP}]\n  resolution: DNS\n",
			i, i, CHURN_PORT);
		if (c->churn->cfg.virtual)
			fprintf(f, "status: {addresses: [{value: %s, host: s%u.example.com}]}\n",
				vip, i);
		else
			fprintf(f, "  addresses: [%s]\n", vip);
	}
	fclose(f);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

// ---- what the daemon brings ----

static bool
no_ask(void *ctx, uint16_t *port, sl_be32 *addr)
{
	return false;
}

static bool
up(void *ctx, uint16_t port)
{
	return true;
}

static uint64_t
now_ns(void *ctx)
{
	return sl_clock_ns(NULL);
}

static void
slot_load(void *ctx, uint32_t slot, uint64_t *active, uint64_t *total)
{
	const struct control *c = ctx;
	const struct sl_fwd_load *load = &c->churn->cfg.load[slot];

	*active = __atomic_load_n(&load->active, __ATOMIC_RELAXED);
	*total = __atomic_load_n(&load->total, __ATOMIC_RELAXED);
}

static bool
reset_slot(void *ctx, uint32_t slot)
{
	return true; // no service asks for it
}

static void
make_control(struct control *c)
{
	struct sl_control_cfg cfg = {.base = c->base,
		.log = &c->log,
		.rcu = c->churn->rcu,
		.host = c->host,
		.ask_fd = eventfd(0, EFD_NONBLOCK),
		.next_ask = no_ask,
		.link_up = up,
		.now_ns = now_ns,
		.slot_load = slot_load,
		.reset_slot = reset_slot,
		.seed = 1,
		.core = -1,
		.dns_ask = c->churn->cfg.ares ? NULL : server_seam(c->churn->server),
		.ctx = c};
	char *path = sl_xasprintf("%s/sluice.yaml", c->dir), *why = NULL;
	struct sl_diags diags = {0};

	cfg.conf = sl_conf_read(path, &diags);
	if (!cfg.conf)
		die("sluice.yaml", diags.v[0].message);
	c->control = sl_control_new(&cfg, &why);
	if (!c->control)
		die("control", why);
	sl_diags_fini(&diags);
	free(path);
}

static void
on_ready(void *ctx)
{
	struct control *c = ctx;

	__atomic_store_n(&c->ready, 1, __ATOMIC_RELEASE);
}

static void
nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

static void *
run(void *arg)
{
	struct control *c = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(c->churn->cfg.cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	make_control(c);
	sl_control_when_ready(c->control, on_ready, c);
	for (uint32_t state; (state = __atomic_load_n(&c->run, __ATOMIC_RELAXED)) != LEAVE;)
		if (state == PAUSE)
			nap();
		else
			event_base_loop(c->base, EVLOOP_ONCE);
	sl_control_free(c->control);
	return NULL;
}

// A network namespace of its own, for the server's socket; it needs loopback.
static void
enter_namespace(void)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	const int fd = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0
			       ? -1
			       : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		die("network namespace", "not allowed");
	close(fd);
}

// ---- for the bench ----

void
churn_start(struct churn *churn, const struct churn_cfg *cfg)
{
	struct control *c = sl_xcalloc(1, sizeof(*c));
	uint16_t port = 53;
	char *why = NULL;

	*churn = (struct churn){.cfg = *cfg, .control = c};
	enter_namespace();
	c->churn = churn;
	c->base = event_base_new();
	c->host = sl_host_new(NULL, &why);
	churn->rcu = sl_rcu_new(1);
	churn->server = server_new(c->base);
	if (cfg->ares)
		port = server_listen(churn->server, cfg->cpu);
	strcpy(c->dir, "/tmp/sluice-churn-XXXXXX");
	if (!c->host || !mkdtemp(c->dir) || port == 0)
		die("start", why ? why : "no folder or socket");
	sl_log_init(&c->log, open("/dev/null", O_WRONLY), SL_LOG_TEXT, SL_LOG_NOTICE);
	write_conf(c, port);
	write_objects(c);
	if (pthread_create(&c->thread, NULL, run, c) != 0 ||
		pthread_getcpuclockid(c->thread, &c->cpu_clock) != 0)
		die("thread", "not started");
	while (!__atomic_load_n(&c->ready, __ATOMIC_ACQUIRE))
		nap();
}

void
churn_stop(struct churn *churn)
{
	struct control *c = churn->control;

	__atomic_store_n(&c->run, LEAVE, __ATOMIC_RELAXED);
	pthread_join(c->thread, NULL);
	server_free(churn->server);
	sl_host_free(c->host);
	sl_rcu_free(churn->rcu);
	event_base_free(c->base);
	nftw(c->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	close(c->log.fd);
	free(c);
}

void
churn_pause(struct churn *churn, bool pause)
{
	__atomic_store_n(&churn->control->run, pause ? PAUSE : RUN, __ATOMIC_RELAXED);
}

uint64_t
churn_cpu_ns(const struct churn *churn)
{
	struct timespec t;

	clock_gettime(churn->control->cpu_clock, &t);
	return (uint64_t)t.tv_sec * SL_NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}
