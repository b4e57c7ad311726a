#include "names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "control_priv.h"
#include "sl_mesh_names.h"

#define LISTED 8 // names that a log line tells

// A name as the mesh wants it, and its use of the resolver.
struct use {
	struct use *next, **link;
	struct names *names;
	struct sl_mesh_name *name; // NULL: not wanted any more
	struct sl_dns_use *use;
	// Of the last good answer, which may still be right while nobody answers.
	struct sl_ip *last;
	uint32_t n_last;
	bool unseen; // it began without an answer, which another use may have had before
};

struct names {
	struct sl_control *c;
	struct sl_dns *dns;
	struct use *first;
	struct use *dropped; // until the names that came have uses of their own
	bool news;           // an answer that the mesh did not have
	struct event *publish_timer;
	struct event *ready_timer;
	struct sl_log_limit limit;
	void (*ready)(void *ctx); // NULL: nobody waits
	void *ready_ctx;
};

struct sl_dns *
names_dns(const struct names *n)
{
	return n->dns;
}

// ---- answers ----

// Static, as the mesh keeps it; what a server said exactly is in `sluicectl dns`.
static const char *
why_none(enum sl_dns_state state)
{
	switch (state) {
	case SL_DNS_EMPTY:
		return "there is no such DNS name, or it has no address";
	case SL_DNS_REJECTED:
		return "its DNS name has only addresses that are refused";
	default:
		return "its DNS name could not be resolved";
	}
}

static bool
has_addresses(enum sl_dns_state state)
{
	return state == SL_DNS_FRESH || state == SL_DNS_STALE;
}

static void
remember(struct use *u, const struct sl_dns_view *view)
{
	u->unseen = false;
	if (u->n_last == view->n && memcmp(u->last, view->ip, view->n * sizeof(*view->ip)) == 0)
		return;
	u->last = sl_xrealloc(u->last, view->n, sizeof(*u->last));
	memcpy(u->last, view->ip, view->n * sizeof(*view->ip));
	u->n_last = view->n;
}

static bool
give_answer(struct use *u)
{
	struct sl_mesh_answer answer = {0};
	struct sl_dns_view view;

	sl_dns_get(u->use, &view);
	if (has_addresses(view.state)) {
		answer.ip = view.ip;
		answer.n = view.n;
		answer.first = view.first;
		remember(u, &view);
	} else if (view.state == SL_DNS_PENDING) {
		answer.pending = true;
	} else {
		answer.why = why_none(view.state);
	}
	return sl_mesh_name_answer(u->names->c->mesh, u->name, &answer);
}

static void
on_answer(void *ctx, struct sl_dns_use *use)
{
	static const struct timeval soon = {.tv_usec = NAMES_PUBLISH_MS * 1000};
	struct use *u = ctx;
	struct names *n = u->names;

	if (!u->name || !give_answer(u))
		return;
	// The first of many changes says when: adding it again would put it off.
	if (!event_pending(n->publish_timer, EV_TIMEOUT, NULL))
		event_add(n->publish_timer, &soon);
}

static void
on_publish_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval later = {.tv_sec = NAMES_RETRY_S};
	struct names *n = arg;
	const int rc = control_publish_answers(n->c);
	char *why;

	if (rc == 0)
		return;
	event_add(n->publish_timer, &later);
	why = control_publish_why(n->c, rc);
	sl_log_limited(n->c->log, &n->limit, SL_LOG_ERR, TOPIC,
		"answers of names not published, the services stay as they were until a try "
		"succeeds: %s",
		why);
	free(why);
}

// ---- following the mesh ----

static void
link_use(struct use **list, struct use *u)
{
	u->next = *list;
	u->link = list;
	if (u->next)
		u->next->link = &u->next;
	*list = u;
}

static void
unlink_use(struct use *u)
{
	*u->link = u->next;
	if (u->next)
		u->next->link = u->link;
}

static void
free_uses(struct use **list)
{
	while (*list) {
		struct use *u = *list;

		unlink_use(u);
		sl_dns_unuse(u->use);
		free(u->last);
		free(u);
	}
}

static void
on_name(void *ctx, struct sl_mesh_name *name, bool wanted)
{
	struct names *n = ctx;
	struct use *u = name->user;
	struct sl_dns_view view;

	if (!wanted) {
		// The resolver forgets a name with its last use, and the same one may be wanted in
		// another way from now on.
		unlink_use(u);
		u->name = NULL;
		link_use(&n->dropped, u);
		return;
	}
	u = sl_xcalloc(1, sizeof(*u));
	u->names = n;
	u->name = name;
	name->user = u;
	link_use(&n->first, u);
	u->use = sl_dns_use_new(n->dns, name->name, &name->policy, on_answer, u);
	sl_dns_get(u->use, &view);
	u->unseen = view.state == SL_DNS_FAILED;
	n->news |= give_answer(u);
}

bool
names_follow(struct names *n)
{
	n->news = false;
	sl_mesh_names(n->c->mesh, on_name, n);
	free_uses(&n->dropped);
	return n->news;
}

void
names_retry(struct names *n)
{
	for (const struct use *u = n->first; u; u = u->next) {
		struct sl_dns_view view;

		sl_dns_get(u->use, &view);
		if (view.state == SL_DNS_FAILED)
			sl_dns_refresh(n->dns, u->name->name);
	}
}

// ---- readiness ----

static void
become_ready(struct names *n)
{
	void (*fn)(void *ctx) = n->ready;

	n->ready = NULL;
	event_del(n->ready_timer);
	fn(n->ready_ctx);
}

static void
log_pending(struct names *n)
{
	struct sl_buf list = {0};
	uint32_t told = 0;

	for (const struct use *u = n->first; u && told < LISTED; u = u->next) {
		struct sl_dns_view view;

		sl_dns_get(u->use, &view);
		if (view.state == SL_DNS_PENDING)
			sl_buf_printf(&list, "%s%s", told++ ? "," : "", u->name->name);
	}
	sl_log(n->c->log, SL_LOG_WARN, TOPIC,
		"not waiting any longer for names without an answer count=%u names=%s%s",
		sl_dns_pending(n->dns), list.data ? list.data : "",
		sl_dns_pending(n->dns) > told ? ",..." : "");
	sl_buf_fini(&list);
}

static void
on_ready_timer(evutil_socket_t fd, short what, void *arg)
{
	struct names *n = arg;

	log_pending(n);
	become_ready(n);
}

void
names_check_ready(struct names *n)
{
	// An answer that is not published yet is none for the workers.
	if (n->ready && sl_dns_pending(n->dns) == 0 &&
		!event_pending(n->publish_timer, EV_TIMEOUT, NULL))
		become_ready(n);
}

void
names_when_ready(struct names *n, void (*fn)(void *ctx), void *ctx)
{
	const uint64_t us = n->c->conf->dns.ready_ns / 1000;
	const struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};

	n->ready = fn;
	n->ready_ctx = ctx;
	event_add(n->ready_timer, &tv);
	names_check_ready(n);
	if (n->ready)
		sl_log(n->c->log, SL_LOG_NOTICE, TOPIC, "waiting for the first answers names=%u",
			sl_dns_pending(n->dns));
}

// ---- life ----

// What has to live as long as sl_dns_cfg is read.
static struct sl_dns_address *
take_conf(const struct sl_conf_dns *conf, struct sl_dns_cfg *out)
{
	struct sl_dns_address *server = control_dns_addresses(conf->servers, conf->n_servers);

	*out = (struct sl_dns_cfg){.server = server,
		.n_servers = conf->n_servers,
		.resolv_conf = conf->resolv_conf,
		.hosts_file = conf->hosts_file,
		.timeout_ns = conf->timeout_ns,
		.retry_min_ns = conf->retry_min_ns,
		.retry_max_ns = conf->retry_max_ns,
		.confirm_ns = conf->confirm_ns,
		.refuse_private = conf->refuse_private};
	return server;
}

static void
on_event(void *ctx, bool warning, const char *reason, const char *name, const char *message)
{
	sl_control_event(ctx, warning, reason, name, message);
}

struct names *
names_new(struct sl_control *c, char **why)
{
	const struct sl_dns_env env = {.base = c->cfg.base,
		.log = c->log,
		.now_ns = c->cfg.now_ns,
		.ctx = c->cfg.ctx,
		.seed = c->cfg.seed,
		.ask = c->cfg.dns_ask};
	struct names *n = sl_xcalloc(1, sizeof(*n));
	struct sl_dns_address *server;
	struct sl_dns_cfg cfg;

	n->c = c;
	n->limit = (struct sl_log_limit){.burst = 5, .interval_ms = 10000};
	n->publish_timer = evtimer_new(c->cfg.base, on_publish_timer, n);
	n->ready_timer = evtimer_new(c->cfg.base, on_ready_timer, n);
	server = take_conf(&c->conf->dns, &cfg);
	n->dns = n->publish_timer && n->ready_timer ? sl_dns_new(&env, &cfg, why) : NULL;
	free(server);
	if (!n->dns) {
		names_free(n);
		return NULL;
	}
	sl_dns_on_event(n->dns, on_event, c);
	return n;
}

void
names_free(struct names *n)
{
	if (!n)
		return;
	free_uses(&n->first);
	sl_dns_free(n->dns);
	if (n->publish_timer)
		event_free(n->publish_timer);
	if (n->ready_timer)
		event_free(n->ready_timer);
	free(n);
}

void
names_configure(struct names *n, struct sl_diags *diags)
{
	const struct sl_conf *conf = n->c->conf;
	struct sl_dns_cfg cfg;
	struct sl_dns_address *server = take_conf(&conf->dns, &cfg);
	char *why = NULL;

	if (sl_dns_configure(n->dns, &cfg, &why) < 0)
		sl_diag_add(diags, SL_ERROR, &(struct sl_loc){.file = conf->file}, "sluice.yaml",
			"dns", NULL, "the resolver goes on as before: %s", why ? why : "unknown");
	free(why);
	free(server);
}

// ---- what is known of them ----

static void
add_up(const struct names *n, const struct sl_mesh_name *name, struct names_summary *sum)
{
	const uint64_t now_ns = n->c->cfg.now_ns(n->c->cfg.ctx);
	const struct use *u = name->user;
	struct sl_dns_view view;

	sl_dns_get(u->use, &view);
	sum->n++;
	sum->n_resolved += has_addresses(view.state);
	if (!has_addresses(view.state) && !sum->unresolved) {
		sum->unresolved = name->name;
		sum->state = view.state;
		sum->error = view.error;
	}
	if (view.state == SL_DNS_STALE && now_ns - view.stale_ns >= sum->stale_for_ns) {
		sum->stale = name->name;
		sum->stale_for_ns = now_ns - view.stale_ns;
		sum->stale_error = view.error;
	}
}

// As the mesh writes names: lower case, without a dot at the end.
static bool
is_called(const char *name, const char *text)
{
	const size_t len = strlen(name);

	return strncasecmp(name, text, len) == 0 &&
	       (text[len] == '\0' || strcmp(text + len, ".") == 0);
}

void
names_of(const struct names *n, const struct sl_object *obj, struct names_summary *out)
{
	const char *only = obj->kind == SL_KIND_WORKLOAD_ENTRY ? obj->we.ep.address : NULL;
	size_t n_services;
	const struct sl_mesh_service **svc;

	*out = (struct names_summary){0};
	if (obj->kind != SL_KIND_SERVICE_ENTRY && !only)
		return;
	svc = sl_mesh_list_of(n->c->mesh, obj, &n_services);
	for (size_t i = 0; i < n_services; i++) {
		const struct sl_mesh_name *name;

		for (size_t it = 0; (name = sl_mesh_service_name(svc[i], &it)) != NULL;)
			if (!only || is_called(name->name, only))
				add_up(n, name, out);
	}
	free(svc);
}

char *
names_unresolved_text(const struct names_summary *names)
{
	if (names->state == SL_DNS_PENDING)
		return sl_xasprintf("%s has no answer yet", names->unresolved);
	return sl_xasprintf(
		"%s: %s", names->unresolved, names->error ? names->error : why_none(names->state));
}

static bool
is_in(const struct sl_ip *ip, uint32_t n, sl_be32 addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (ip[i].family == AF_INET && ip[i].v4 == addr)
			return true;
	return false;
}

static bool
may_have(const struct use *u, sl_be32 addr)
{
	struct sl_dns_view view;

	sl_dns_get(u->use, &view);
	// Only its turn is over: with another one at each question all flows would be reset.
	if (has_addresses(view.state))
		return u->name->policy.first && !is_in(&view.first, 1, addr) &&
		       is_in(view.ip, view.n, addr);
	// Nobody says that the name has it no more.
	if (view.state == SL_DNS_FAILED)
		return u->unseen || is_in(u->last, u->n_last, addr);
	return view.state == SL_DNS_PENDING;
}

bool
names_may_have(const struct sl_mesh_service *svc, sl_be32 addr)
{
	const struct sl_mesh_name *name;

	for (size_t it = 0; (name = sl_mesh_service_name(svc, &it)) != NULL;)
		if (may_have(name->user, addr))
			return true;
	return false;
}
