#include "server.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "resolv.h"
#include "sl_buf.h"
#include "sl_clock.h"
#include "sl_str.h"

uint64_t
dns_now_ns(void)
{
	return sl_clock_ns(&(struct sl_clock){0});
}

uint64_t
dns_random(struct dns_random *random)
{
	// Up to 256 bytes it neither fails nor gives fewer, once the kernel's pool is ready.
	while (random->left == 0)
		if (getrandom(random->v, sizeof(random->v), 0) == sizeof(random->v))
			random->left = SL_ARRAY_LEN(random->v);
	return random->v[--random->left];
}

// ---- queries ----

enum sl_dns_verdict
dns_query(struct sl_dns_server *s, const struct sl_ip *client, bool tcp, uint64_t now_ns,
	const uint8_t *data, uint32_t len, uint8_t *out, uint32_t room, uint32_t *out_len)
{
	bool bad = false, truncated = false;
	enum sl_dns_verdict verdict;

	if (!dns_ranges_has(&s->set->clients, client)) {
		dns_count(s, SL_DNS_C_CLIENT_STRANGERS);
		return SL_DNS_V_DROP;
	}
	dns_count(s, SL_DNS_C_CLIENT_QUERIES);
	if (!dns_limiter_take(&s->limiter, client, now_ns)) {
		dns_count(s, SL_DNS_C_CLIENT_LIMITED);
		return SL_DNS_V_DROP;
	}
	verdict = sl_dns_respond(s->table, client, tcp, data, len, dns_random(&s->random), out,
		room, out_len, &bad, &truncated);
	if (bad)
		dns_count(s, SL_DNS_C_CLIENT_BAD);
	else if (verdict == SL_DNS_V_ANSWER)
		dns_count(s, s->table ? SL_DNS_C_CLIENT_ANSWERED : SL_DNS_C_CLIENT_FAILED);
	if (truncated)
		dns_count(s, SL_DNS_C_CLIENT_TRUNCATED);
	return verdict;
}

// ---- the servers of resolv.conf ----

// One that can't be read leaves the servers as they were.
static void
read_resolv_conf(struct sl_dns_server *s)
{
	struct sl_dns_address addr[DNS_MAX_UPSTREAMS];
	const char *path = s->resolv.path;
	char name[SL_IP_STRLEN];
	uint32_t usable = 0, skipped;
	const int n = resolv_read(path, addr, DNS_MAX_UPSTREAMS, &skipped);

	if (n < 0) {
		sl_log(s->set->log, SL_LOG_WARN, "dns",
			"responder: %s can't be read: %s; the servers stay as they were servers=%u",
			path, sl_buf_read_why(n), s->upstreams.n);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (!dns_settings_is_own(s->set, &addr[i]))
			addr[usable++] = addr[i];
		else
			sl_log(s->set->log, SL_LOG_WARN, "dns",
				"responder: a server of %s is this responder, left out server=%s",
				path, sl_ip_str(&addr[i].ip, name));
	}
	dns_upstreams_set(&s->upstreams, addr, usable);
	sl_log(s->set->log, SL_LOG_INFO, "dns", "responder: servers=%u unusable=%u from=%s", usable,
		skipped, path);
}

static void
follow_resolv_conf(struct sl_dns_server *s)
{
	if (s->resolv.path && watch_changed(&s->resolv))
		read_resolv_conf(s);
}

// ---- the thread ----

static void
accept_again(evutil_socket_t fd, short what, void *listener)
{
	event_add(&((struct dns_listener *)listener)->tcp_ev, NULL);
}

static void
start_listener(struct sl_dns_server *s, struct dns_listener *l)
{
	l->server = s;
	event_assign(&l->udp_ev, s->base, l->udp_fd, EV_READ | EV_PERSIST, dns_udp_readable, l);
	event_assign(&l->tcp_ev, s->base, l->tcp_fd, EV_READ | EV_PERSIST, dns_tcp_acceptable, l);
	event_assign(&l->again_ev, s->base, -1, 0, accept_again, l);
	if (event_add(&l->udp_ev, NULL) != 0 || event_add(&l->tcp_ev, NULL) != 0)
		sl_log(s->set->log, SL_LOG_ERR, "dns", "responder: a socket can't be watched: %s",
			strerror(errno));
}

static void
stop_listener(struct sl_dns_server *s, struct dns_listener *l)
{
	dns_conns_close(s, l);
	dns_forwards_close(s, l);
	event_del(&l->udp_ev);
	event_del(&l->tcp_ev);
	event_del(&l->again_ev);
}

static void
take_settings(struct sl_dns_server *s, const struct dns_settings *set)
{
	const struct dns_settings *old = s->set;

	for (uint32_t i = 0; old && i < old->n_listeners; i++)
		if (!dns_settings_has(set, old->listener[i]))
			stop_listener(s, old->listener[i]);
	s->set = set;
	for (uint32_t i = 0; i < set->n_listeners; i++)
		if (!dns_settings_has(old, set->listener[i]))
			start_listener(s, set->listener[i]);
	dns_limiter_set(&s->limiter, set->rate);
	// Read anew even if it is the same file: which server is this responder may have changed.
	watch_set(&s->resolv, set->resolv_conf);
	follow_resolv_conf(s);
	if (!set->resolv_conf)
		dns_upstreams_set(&s->upstreams, set->upstream, set->n_upstream);
}

static void
on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct sl_dns_server *s = ctx;
	uint64_t times;

	(void)!read(fd, &times, sizeof(times));
	pthread_mutex_lock(&s->lock);
	if (s->next.settings) {
		take_settings(s, s->next.settings);
		s->next.settings = NULL;
		pthread_cond_signal(&s->taken);
	}
	if (s->next.table) {
		// Freeing it takes its time, which is not the clients': control does it.
		s->next.retired = s->table;
		s->table = s->next.table;
		s->next.table = NULL;
	}
	if (s->next.stop)
		event_base_loopbreak(s->base);
	pthread_mutex_unlock(&s->lock);
}

static void
on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct sl_dns_server *s = ctx;

	dns_conns_sweep(s, dns_now_ns());
	if (s->set)
		follow_resolv_conf(s);
}

static void *
run(void *arg)
{
	struct sl_dns_server *s = arg;

	event_base_dispatch(s->base);
	dns_conns_close(s, NULL);
	dns_forwards_close(s, NULL);
	for (uint32_t i = 0; s->set && i < s->set->n_listeners; i++)
		stop_listener(s, s->set->listener[i]);
	event_del(&s->wake_ev);
	event_del(&s->tick_ev);
	return NULL;
}

// ---- control's side ----

static void
wake(struct sl_dns_server *s)
{
	const uint64_t one = 1;

	// It can only fail because the counter is full: then the thread is awake already.
	(void)!write(s->wake_fd, &one, sizeof(one));
}

// Waits until the thread has taken them, so that what the old ones had can be freed.
static void
hand_over(struct sl_dns_server *s, struct dns_settings *set)
{
	pthread_mutex_lock(&s->lock);
	s->next.settings = set;
	wake(s);
	while (s->next.settings)
		pthread_cond_wait(&s->taken, &s->lock);
	pthread_mutex_unlock(&s->lock);
	dns_settings_free(s->settings, set);
	s->settings = set;
}

static int
start_thread(struct sl_dns_server *s, int core)
{
	sigset_t all, before;
	pthread_attr_t attr;
	cpu_set_t cpus;
	int rc;

	CPU_ZERO(&cpus);
	pthread_attr_init(&attr);
	// Without a core it stays on control's, which the workers' are not.
	if (core >= 0 && core < CPU_SETSIZE) {
		CPU_SET(core, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	// Signals are for the daemon's loop.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = core >= CPU_SETSIZE ? EINVAL : pthread_create(&s->thread, &attr, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		pthread_setname_np(s->thread, "sluice-dns");
	return -rc;
}

static struct sl_dns_server *
make(void)
{
	struct sl_dns_server *s = sl_xcalloc(1, sizeof(*s));
	const struct timeval second = {.tv_sec = 1};

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->taken, NULL);
	LIST_INIT(&s->forwards);
	TAILQ_INIT(&s->conns);
	dns_limiter_init(&s->limiter, dns_random(&s->random));
	s->udp = dns_udp_new();
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->base = event_base_new();
	if (s->wake_fd < 0 || !s->base)
		return s;
	event_assign(&s->wake_ev, s->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
	event_assign(&s->tick_ev, s->base, -1, EV_PERSIST, on_tick, s);
	event_add(&s->wake_ev, NULL);
	event_add(&s->tick_ev, &second);
	return s;
}

// The thread is not there, or not any more.
static void
unmake(struct sl_dns_server *s)
{
	if (s->base)
		event_base_free(s->base);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	dns_settings_free(s->settings, NULL);
	sl_dns_table_free(s->table);
	sl_dns_table_free(s->next.table);
	sl_dns_table_free(s->next.retired);
	watch_fini(&s->resolv);
	dns_limiter_fini(&s->limiter);
	dns_udp_free(s->udp);
	pthread_cond_destroy(&s->taken);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct sl_dns_server *
sl_dns_server_new(const struct sl_dns_server_cfg *cfg, char **why)
{
	struct dns_settings *set;
	struct sl_dns_server *s;
	int err = 0;

	*why = NULL;
	set = dns_settings_new(cfg, NULL, &err, why);
	if (!set)
		return NULL;
	s = make();
	if (s->wake_fd < 0 || !s->base)
		err = -errno;
	else
		err = start_thread(s, cfg->core);
	if (err < 0) {
		*why = sl_xasprintf("the responder's thread: %s", strerror(-err));
		dns_settings_free(set, NULL);
		unmake(s);
		return NULL;
	}
	hand_over(s, set);
	return s;
}

void
sl_dns_server_free(struct sl_dns_server *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->next.stop = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	pthread_join(s->thread, NULL);
	unmake(s);
}

int
sl_dns_server_configure(struct sl_dns_server *s, const struct sl_dns_server_cfg *cfg, char **why)
{
	struct dns_settings *set;
	cpu_set_t cpus;
	int err = 0, rc;

	CPU_ZERO(&cpus);
	*why = NULL;
	if (cfg->core >= CPU_SETSIZE) {
		*why = sl_xasprintf("the responder's thread: no CPU %d", cfg->core);
		return -EINVAL;
	}
	set = dns_settings_new(cfg, s->settings, &err, why);
	if (!set)
		return err;
	rc = 0;
	if (cfg->core >= 0) {
		CPU_SET((size_t)cfg->core, &cpus);
		rc = -pthread_setaffinity_np(s->thread, sizeof(cpus), &cpus);
	}
	if (rc < 0) {
		free(*why);
		*why = sl_xasprintf(
			"the responder's thread on CPU %d: %s", cfg->core, strerror(-rc));
		dns_settings_free(set, s->settings);
		return rc;
	}
	hand_over(s, set);
	return err;
}

void
sl_dns_server_publish(struct sl_dns_server *s, struct sl_dns_table *table)
{
	struct sl_dns_table *not_taken, *retired;

	pthread_mutex_lock(&s->lock);
	not_taken = s->next.table;
	retired = s->next.retired;
	s->next.table = table;
	s->next.retired = NULL;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	sl_dns_table_free(not_taken);
	sl_dns_table_free(retired);
}

uint64_t
sl_dns_server_counter(const struct sl_dns_server *s, enum sl_dns_counter c)
{
	return __atomic_load_n(&s->counter[c], __ATOMIC_RELAXED);
}
