// The resolver as a whole: its configuration, its files, and what is done when its timer fires.
#include "resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "resolv.h"
#include "sl_buf.h"
#include "sl_str.h"

#define IN_FLIGHT     256
#define LOOK_INTERVAL SL_NSEC_PER_SEC // at the files' time stamps
#define RESOLV_CONF   "/etc/resolv.conf"
#define PACE_UNIT     (UINT64_C(1000000) * SL_NSEC_PER_SEC)
#define PACE_LEAST    UINT64_C(20000000) // 20 a second: small sets are never held back

void
resolver_wake(struct sl_dns *d)
{
	if (d->wake)
		event_active(d->wake, EV_TIMEOUT, 0);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	sl_dns_run(arg);
}

// ---- files ----

static void
take_servers(struct sl_dns *d, const struct sl_dns_address *addr, uint32_t n)
{
	struct server *left[SERVERS_MAX];
	const uint32_t n_left = servers_set(&d->servers, addr, n, left);

	for (uint32_t i = 0; i < n_left; i++) {
		rounds_leave(d, left[i]);
		free(left[i]);
	}
}

static void
read_resolv(struct sl_dns *d)
{
	struct sl_dns_address addr[SERVERS_MAX];
	uint32_t skipped;
	const int n = resolv_read(d->resolv.path, addr, SERVERS_MAX, &skipped);

	if (n < 0) {
		say(d, SL_LOG_WARN, "resolv.conf", d->resolv.path,
			"cannot be read: %s; the servers stay as they were", sl_buf_read_why(n));
		return;
	}
	if (skipped)
		say(d, SL_LOG_WARN, "resolv.conf", d->resolv.path,
			"%u nameserver lines have no address that can be used", skipped);
	if (n == 0)
		say(d, SL_LOG_WARN, "resolv.conf", d->resolv.path, "it names no server");
	take_servers(d, addr, (uint32_t)n);
}

static void
look_at_records(struct sl_dns *d)
{
	struct record *r = NULL;
	uint32_t slot = 0;

	while (record_next(d, &slot, &r))
		record_look(r);
}

static void
read_hosts(struct sl_dns *d)
{
	const char *path = d->hosts_watch.path;
	int rc = 0;

	if (path && d->hosts_watch.there) {
		rc = hosts_read(&d->hosts, path);
	} else if (path) {
		rc = -ENOENT;
		hosts_fini(&d->hosts);
	} else {
		hosts_fini(&d->hosts);
	}
	if (rc)
		say(d, SL_LOG_WARN, "hosts file", path, "cannot be read: %s", sl_buf_read_why(rc));
	else if (d->hosts.skipped)
		say(d, SL_LOG_WARN, "hosts file", path, "%u of its words can't be used",
			d->hosts.skipped);
	look_at_records(d);
}

static void
look_at_files(struct sl_dns *d)
{
	if (d->from_file && watch_changed(&d->resolv))
		read_resolv(d);
	if (d->hosts_watch.path && watch_changed(&d->hosts_watch))
		read_hosts(d);
	if (d->from_file || d->hosts_watch.path)
		heap_set(&d->timers, &d->look, resolver_now(d) + LOOK_INTERVAL);
	else
		heap_drop(&d->timers, &d->look);
}

static void
fire_look(struct due *due)
{
	look_at_files((void *)((char *)due - offsetof(struct sl_dns, look)));
}

// ---- configuration ----

static char *
check(const struct sl_dns_cfg *cfg)
{
	if (cfg->n_servers > SERVERS_MAX)
		return sl_xasprintf("%u DNS servers, %u are possible", cfg->n_servers, SERVERS_MAX);
	for (uint32_t i = 0; i < cfg->n_servers; i++)
		if (cfg->server[i].ip.family == 0)
			return sl_xasprintf("DNS server %u has no address", i + 1);
	if (cfg->timeout_ns == 0)
		return sl_xstrdup("the DNS timeout is 0");
	if (cfg->retry_min_ns == 0 || cfg->retry_min_ns > cfg->retry_max_ns)
		return sl_xstrdup("the DNS retry times are 0, or min is above max");
	return NULL;
}

static bool
differs(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

static void
set_files(struct sl_dns *d, const struct sl_dns_cfg *cfg)
{
	const char *resolv = cfg->resolv_conf ? cfg->resolv_conf : RESOLV_CONF;
	const bool from_file = cfg->n_servers == 0;

	if (from_file != d->from_file || differs(resolv, d->resolv.path))
		watch_set(&d->resolv, resolv);
	d->from_file = from_file;
	if (differs(cfg->hosts_file, d->hosts_watch.path)) {
		watch_set(&d->hosts_watch, cfg->hosts_file);
		if (!cfg->hosts_file)
			read_hosts(d);
	}
}

static void
take_cfg(struct sl_dns *d, const struct sl_dns_cfg *cfg)
{
	struct record *r = NULL;
	uint32_t slot = 0;

	d->timeout_ns = cfg->timeout_ns;
	d->retry_min_ns = cfg->retry_min_ns;
	d->retry_max_ns = cfg->retry_max_ns;
	d->confirm_ns = cfg->confirm_ns;
	d->refuse_private = cfg->refuse_private;
	set_files(d, cfg);
	if (!d->from_file)
		take_servers(d, cfg->server, cfg->n_servers);
	look_at_files(d);
	while (record_next(d, &slot, &r))
		record_configure(r);
	resolver_wake(d);
}

int
sl_dns_configure(struct sl_dns *d, const struct sl_dns_cfg *cfg, char **why)
{
	const bool other = cfg->refuse_private != d->refuse_private;
	struct record *r = NULL;
	uint32_t slot = 0;

	*why = check(cfg);
	if (*why)
		return -EINVAL;
	take_cfg(d, cfg);
	// What is refused is another question now.
	while (other && record_next(d, &slot, &r)) {
		if (r->e.fixed)
			continue;
		if (d->refuse_private)
			record_sift(r);
		record_now(r);
	}
	return 0;
}

struct sl_dns *
sl_dns_new(const struct sl_dns_env *env, const struct sl_dns_cfg *cfg, char **why)
{
	struct sl_dns *d;

	*why = check(cfg);
	if (*why)
		return NULL;
	d = sl_xcalloc(1, sizeof(*d));
	d->env = *env;
	d->in_flight = env->in_flight ? env->in_flight : IN_FLIGHT;
	d->rnd = sl_mix64(env->seed) | 1;
	d->limit_info = (struct sl_log_limit){.burst = 20, .interval_ms = 100};
	d->limit_warn = (struct sl_log_limit){.burst = 20, .interval_ms = 100};
	d->look.fire = fire_look;
	d->ask = env->ask;
	if (!d->ask) {
		d->ask = ares_asker_new(env, &d->counter[SL_DNS_C_CHANNELS]);
		d->own_ask = true;
	}
	if (env->base && d->ask)
		d->wake = evtimer_new(env->base, on_wake, d);
	if (!d->ask || (env->base && !d->wake)) {
		*why = sl_xstrdup("c-ares cannot be started");
		sl_dns_free(d);
		return NULL;
	}
	take_cfg(d, cfg);
	return d;
}

void
sl_dns_free(struct sl_dns *d)
{
	if (!d)
		return;
	while (d->uses)
		sl_dns_unuse(d->uses);
	rounds_fini(d);
	if (d->own_ask)
		ares_asker_free(d->ask);
	if (d->wake)
		event_free(d->wake);
	servers_fini(&d->servers);
	hosts_fini(&d->hosts);
	watch_fini(&d->resolv);
	watch_fini(&d->hosts_watch);
	heap_fini(&d->timers);
	heap_fini(&d->urgent);
	heap_fini(&d->refresh);
	free(d->slots);
	free(d->sorted);
	free(d);
}

// ---- time ----

static uint64_t
pace_step(const struct sl_dns *d)
{
	// Half as fast again as all of them need in the long run: the rate stays below twice the
	// mean, and what an outage left over is made up for within a few TTLs.
	const uint64_t pace = d->pace + d->pace / 2;

	return PACE_UNIT / (pace > PACE_LEAST ? pace : PACE_LEAST);
}

// A part of what may be in flight is kept for questions that somebody waits for.
static bool
has_room(const struct sl_dns *d, bool urgent)
{
	return d->n_rounds < (urgent ? d->in_flight : d->in_flight - d->in_flight / 4);
}

static void
begin_refresh(struct sl_dns *d, struct due *due, uint64_t now)
{
	const uint64_t slack = SL_NSEC_PER_SEC / 20; // what a late wake-up may catch up with

	if (d->pace_next_ns + slack < now)
		d->pace_next_ns = now - slack;
	d->pace_next_ns += pace_step(d);
	heap_drop(&d->refresh, due);
	due->fire(due);
}

static void
begin_questions(struct sl_dns *d, uint64_t now)
{
	struct due *due;

	while (has_room(d, true) && (due = heap_ready(&d->urgent, now))) {
		heap_drop(&d->urgent, due);
		due->fire(due);
	}
	while (has_room(d, false) && d->pace_next_ns <= now && (due = heap_ready(&d->refresh, now)))
		begin_refresh(d, due, now);
}

uint64_t
sl_dns_due(const struct sl_dns *d)
{
	const struct due *timer = heap_first(&d->timers), *urgent = heap_first(&d->urgent),
			 *refresh = heap_first(&d->refresh);
	uint64_t at = timer ? timer->at : UINT64_MAX;

	if (d->dirty)
		return 0;
	if (urgent && has_room(d, true) && urgent->at < at)
		at = urgent->at;
	if (refresh && has_room(d, false)) {
		const uint64_t then = refresh->at > d->pace_next_ns ? refresh->at : d->pace_next_ns;

		at = then < at ? then : at;
	}
	return at;
}

static void
arm(struct sl_dns *d)
{
	const uint64_t at = sl_dns_due(d), now = resolver_now(d);
	const uint64_t wait = at > now ? (at - now + 999) / 1000 : 0;
	const struct timeval tv = {
		.tv_sec = (time_t)(wait / 1000000), .tv_usec = (suseconds_t)(wait % 1000000)};

	if (!d->wake)
		return;
	if (at == UINT64_MAX)
		event_del(d->wake);
	else
		event_add(d->wake, &tv);
}

void
sl_dns_run(struct sl_dns *d)
{
	const uint64_t now = resolver_now(d);
	struct due *due;

	while ((due = heap_ready(&d->timers, now))) {
		heap_drop(&d->timers, due);
		due->fire(due);
	}
	begin_questions(d, now);
	uses_tell(d);
	arm(d);
}

uint32_t
sl_dns_refresh(struct sl_dns *d, const char *name)
{
	static const int families[] = {AF_INET, AF_INET6};
	char clean[SL_DNS_NAME_MAX];
	uint32_t n = 0;

	if (name_check(name, clean))
		return 0;
	look_at_files(d);
	for (size_t i = 0; i < SL_ARRAY_LEN(families); i++) {
		struct record *r = record_find(d, clean, families[i]);

		if (!r)
			continue;
		n++;
		if (!r->e.fixed)
			record_now(r);
	}
	return n;
}
