#include "sl_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_priv.h"
#include "events.h"
#include "names.h"
#include "removed.h"
#include "responder.h"

#define SLOW_MS       250 // links, endpoint slots, next hops in use
#define RECLAIM_MS    10
#define SLOTS_A_TICK  65536
#define REFRESH_TICKS 40 // every 10 s
#define RETRY_TICKS   4  // services that did not fit, every second

static void
on_netlink(evutil_socket_t fd, short what, void *arg)
{
	control_take_netlink(arg);
}

static void
on_ask(evutil_socket_t fd, short what, void *arg)
{
	uint64_t rung;

	if (read(fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		return;
	control_take_asks(arg);
}

static bool
slot_in_use(void *ctx, uint32_t slot)
{
	struct sl_control *c = ctx;
	uint64_t active, total;

	c->cfg.slot_load(c->cfg.ctx, slot, &active, &total);
	if (active > 0)
		return true;
	// Free from here on: its next endpoint counts from zero.
	c->slot_base[slot] = total;
	return false;
}

void
sl_control_follow_links(struct sl_control *c)
{
	bool changed = false, came_up = false;

	for (uint16_t p = 0; p < c->cfg.n_ports; p++) {
		const bool up = c->cfg.link_up(c->cfg.ctx, p);

		// FRR and keepalived watch the mirror; the kernel ignores what is no change.
		sl_host_mirror_carrier(c->cfg.host, p, up);
		if (up == c->link_up[p])
			continue;
		c->link_up[p] = up;
		changed = true;
		came_up = came_up || up;
		sl_log(c->log, SL_LOG_NOTICE, "port", "link %s name=%s", up ? "up" : "down",
			c->cfg.ports[p].name);
	}
	if (changed && c->generation && control_publish(c) < 0)
		sl_log(c->log, SL_LOG_ERR, TOPIC, "link change not published");
	if (came_up)
		names_retry(c->names);
}

static void
on_slow_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sl_control *c = arg;

	sl_control_follow_links(c);
	sl_compile_reclaim_slots(c->compile, slot_in_use, c, SLOTS_A_TICK);
	if (++c->slow_ticks % REFRESH_TICKS == 0)
		control_refresh_neighs(c);
	if (c->slow_ticks % RETRY_TICKS == 0 && sl_compile_retry(c->compile))
		control_publish_answers(c);
}

static void
on_reclaim_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sl_control *c = arg;

	if (sl_rcu_reclaim(c->cfg.rcu) > 0)
		control_reclaim_later(c);
}

void
control_reclaim_later(struct sl_control *c)
{
	static const struct timeval tv = {.tv_usec = RECLAIM_MS * 1000};

	// Adding it again would put it off, for as long as there is something new every moment.
	if (event_pending(c->reclaim_timer, EV_TIMEOUT, NULL))
		return;
	event_add(c->reclaim_timer, &tv);
}

static struct event *
every(struct sl_control *c, unsigned ms, event_callback_fn fn)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
	struct event *ev = event_new(c->cfg.base, -1, EV_PERSIST, fn, c);

	if (ev)
		event_add(ev, &tv);
	return ev;
}

static struct event *
readable(struct sl_control *c, int fd, event_callback_fn fn)
{
	struct event *ev = event_new(c->cfg.base, fd, EV_READ | EV_PERSIST, fn, c);

	if (ev)
		event_add(ev, NULL);
	return ev;
}

static bool
watch(struct sl_control *c)
{
	c->netlink_event = readable(c, sl_host_fd(c->cfg.host), on_netlink);
	c->ask_event = readable(c, c->cfg.ask_fd, on_ask);
	c->slow_timer = every(c, SLOW_MS, on_slow_timer);
	c->reclaim_timer = evtimer_new(c->cfg.base, on_reclaim_timer, c);
	return c->netlink_event && c->ask_event && c->slow_timer && c->reclaim_timer;
}

static void
load_all(struct sl_control *c)
{
	struct load_result result = {0};
	struct sl_diags diags = {0};
	int rc;

	control_load_files(c, &diags, &result);
	rc = control_store_load(c, &diags);
	if (rc < 0)
		sl_log(c->log, SL_LOG_ERR, TOPIC, "state folder not readable path=%s: %s",
			c->conf->state_dir, strerror(-rc));
	sl_diags_sort(&diags);
	control_log_diags(c, &diags);
	sl_log(c->log, SL_LOG_NOTICE, TOPIC, "objects loaded count=%zu invalid=%llu",
		sl_registry_count(c->registry), (unsigned long long)result.invalid);
	sl_diags_fini(&diags);
}

static void
on_gone(void *ctx, uint32_t slot)
{
	struct sl_control *c = ctx;

	removed_note(c->removed, slot);
}

static void
on_unfit(void *ctx, const struct sl_mesh_service *svc, const char *why)
{
	struct sl_control *c = ctx;
	char *name = sl_xasprintf("%s/%s", svc->namespace_, svc->host);

	sl_control_event(c, true, "DoesNotFit", name, why);
	sl_log_limited(c->log, &c->unfit_limit, SL_LOG_WARN, TOPIC,
		"service does not fit service=%s: %s", name, why);
	if (!c->unfit)
		c->unfit = sl_xasprintf("%s: %s", name, why);
	free(name);
}

// What follows the services. False and *why.
static bool
start_parts(struct sl_control *c, char **why)
{
	c->events = events_new();
	c->removed = removed_new(c);
	c->responder = responder_new(c);
	if (!c->removed || !c->responder)
		return false;
	c->names = names_new(c, why);
	return c->names != NULL;
}

static void
log_conflicts(struct sl_control *c)
{
	struct sl_diags diags = {0};

	sl_compile_news(c->compile, &diags);
	control_log_diags(c, &diags);
	sl_diags_fini(&diags);
}

struct sl_control *
sl_control_new(const struct sl_control_cfg *cfg, char **why)
{
	static const struct sl_log_limit limit = {.burst = 5, .interval_ms = 10000};
	struct sl_control *c = sl_xcalloc(1, sizeof(*c));
	struct sl_compile_cfg compile = {
		.max_endpoints = cfg->conf->max_endpoints,
		.max_adjs = CONTROL_MAX_ADJS,
		.n_workers = cfg->conf->n_workers,
		.gone = on_gone,
		.gone_ctx = c,
		.unfit = on_unfit,
		.unfit_ctx = c,
	};
	char *text, *unnamed = NULL;
	int rc;

	c->cfg = *cfg;
	if (cfg->n_ports) // ports may be NULL without any
		memcpy(c->port, cfg->ports, cfg->n_ports * sizeof(c->port[0]));
	c->cfg.ports = c->port;
	c->log = cfg->log;
	c->conf = cfg->conf;
	c->mirror_limit = c->netlink_limit = c->ask_limit = c->swap_limit = c->unfit_limit = limit;
	c->registry = compile.registry = sl_registry_new();
	c->mesh = sl_mesh_new(c->registry);
	c->files = sl_conf_cache_new(SL_ORIGIN_FILE);
	c->compile = sl_compile_new(&compile);
	c->slot_base = sl_xcalloc(compile.max_endpoints, sizeof(*c->slot_base));
	if (!c->compile || !watch(c)) {
		*why = sl_xasprintf("control: not enough memory for %u endpoints: lower "
				    "flows.maxEndpoints",
			compile.max_endpoints);
		goto failed;
	}
	if (!start_parts(c, &unnamed)) {
		*why = sl_xasprintf("control: names: %s", unnamed ? unnamed : "not enough memory");
		free(unnamed);
		goto failed;
	}
	control_take_clients(c);
	load_all(c);
	// Addresses first: which VIPs are in a connected subnet follows from them.
	control_apply_hosts(c);
	sl_host_poll(c->cfg.host);
	control_apply_hosts(c);
	sl_control_follow_links(c);
	rc = control_publish(c);
	if (rc == 0) {
		log_conflicts(c);
		responder_start(c->responder);
		return c;
	}
	text = control_publish_why(c, rc);
	*why = sl_xasprintf("control: first snapshot: %s", text);
	free(text);
failed:
	c->conf = NULL; // still the caller's
	sl_control_free(c);
	return NULL;
}

static void
event_end(struct event *ev)
{
	if (ev)
		event_free(ev);
}

void
sl_control_free(struct sl_control *c)
{
	if (!c)
		return;
	event_end(c->reclaim_timer);
	event_end(c->slow_timer);
	event_end(c->ask_event);
	event_end(c->netlink_event);
	responder_free(c->responder);
	names_free(c->names);
	removed_free(c->removed);
	events_free(c->events);
	sl_fwd_net_put(c->net);
	sl_fwd_clients_put(c->clients);
	sl_compile_free(c->compile);
	sl_mesh_free(c->mesh);
	sl_registry_free(c->registry);
	sl_conf_cache_free(c->files);
	sl_conf_free(c->conf);
	free(c->slot_base);
	free(c->unfit);
	free(c);
}

void
sl_control_when_ready(struct sl_control *c, void (*fn)(void *ctx), void *ctx)
{
	names_when_ready(c->names, fn, ctx);
}

// Each counter is of one of them.
uint64_t
sl_control_dns_counter(const struct sl_control *c, enum sl_dns_counter counter)
{
	return sl_dns_counter(names_dns(c->names), counter) +
	       responder_counter(c->responder, counter);
}

const struct sl_conf *
sl_control_conf(const struct sl_control *c)
{
	return c->conf;
}

uint64_t
sl_control_generation(const struct sl_control *c)
{
	return c->generation;
}

const struct sl_compile *
sl_control_compile(const struct sl_control *c)
{
	return c->compile;
}

static void
cmd_reload(struct sl_control *c, struct sl_ctl_req *req)
{
	struct load_result result = {0};
	struct sl_diags diags = {0};
	char *why = control_reload(c, &diags, &result);
	const size_t errors = diags.errors;
	struct sl_emit *e;

	sl_diags_sort(&diags);
	control_log_diags(c, &diags);
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	if (why) {
		sl_ctl_fail(req, 1, "the services stay as they were: %s", why);
		free(why);
		return;
	}
	e = sl_ctl_row(req);
	sl_emit_u64(e, "created", result.created);
	sl_emit_u64(e, "configured", result.configured);
	sl_emit_u64(e, "unchanged", result.unchanged);
	sl_emit_u64(e, "deleted", result.deleted);
	sl_emit_u64(e, "invalid", result.invalid);
	sl_ctl_row_end(req);
	if (errors)
		sl_ctl_fail(req, 1, "%zu error%s: what is invalid was left out", errors,
			errors == 1 ? "" : "s");
	else
		sl_ctl_done(req);
}

static void
cmd_log_level(struct sl_control *c, struct sl_ctl_req *req)
{
	const char *text = sl_ctl_arg(req, "level");
	enum sl_log_level level;

	if (text && sl_log_level_parse(text, &level) == 0)
		sl_log_set_level(c->log, level);
	level = __atomic_load_n(&c->log->level, __ATOMIC_RELAXED);
	sl_emit_str(sl_ctl_row(req), "level", sl_log_level_name(level));
	sl_ctl_row_end(req);
	sl_ctl_done(req);
}

void
sl_control_handle(struct sl_control *c, struct sl_ctl_req *req)
{
	static void (*const commands[SL_CTL_CMD_MAX])(struct sl_control *, struct sl_ctl_req *) = {
		[SL_CTL_APPLY] = control_cmd_apply,
		[SL_CTL_DELETE] = control_cmd_delete,
		[SL_CTL_DIFF] = control_cmd_diff,
		[SL_CTL_GET] = control_cmd_get,
		[SL_CTL_DESCRIBE] = control_cmd_describe,
		[SL_CTL_SERVICES] = control_cmd_services,
		[SL_CTL_ENDPOINTS] = control_cmd_endpoints,
		[SL_CTL_EXPLAIN] = control_cmd_explain,
		[SL_CTL_DNS] = control_cmd_dns,
		[SL_CTL_DNS_REFRESH] = control_cmd_dns_refresh,
		[SL_CTL_DNS_SERVERS] = control_cmd_dns_servers,
		[SL_CTL_EVENTS] = control_cmd_events,
		[SL_CTL_RELOAD] = cmd_reload,
		[SL_CTL_LOG_LEVEL] = cmd_log_level,
	};
	const enum sl_ctl_cmd cmd = sl_ctl_cmd(req);

	if (commands[cmd])
		commands[cmd](c, req);
	else
		sl_ctl_fail(req, 2, "not a command of the control library");
}
