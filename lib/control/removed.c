#include "removed.h"

#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "names.h"

#define RETRY_NS (50 * UINT64_C(1000000))   // of a full mailbox
#define WAIT_NS  (1000 * UINT64_C(1000000)) // for names; each publish looks as well

// The endpoint that had the slot: the slot may be another one's by the time that it is due.
struct gone {
	uint32_t slot;
	char *namespace_;
	char *host;
	uint32_t port;
	sl_be32 addr;
	sl_be16 addr_port;
	bool decided;    // that it is to be reset, and when
	uint64_t due_ns; // or to be decided, before
};

struct removed {
	struct sl_control *c;
	struct event *timer;
	uint32_t *noted; // slots
	uint32_t n_noted, noted_cap;
	struct gone *v;
	uint32_t n, cap;
};

void
removed_note(struct removed *r, uint32_t slot)
{
	static const struct timeval now;

	if (r->n_noted == r->noted_cap) {
		r->noted_cap = r->noted_cap ? 2 * r->noted_cap : 16;
		r->noted = sl_xrealloc(r->noted, r->noted_cap, sizeof(*r->noted));
	}
	r->noted[r->n_noted++] = slot;
	event_add(r->timer, &now);
}

static uint64_t
now_ns(const struct removed *r)
{
	return r->c->cfg.now_ns(r->c->cfg.ctx);
}

static uint64_t
flows(const struct removed *r, uint32_t slot)
{
	uint64_t active, total;

	r->c->cfg.slot_load(r->c->cfg.ctx, slot, &active, &total);
	return active;
}

static const struct sl_se_names *
policy_of(const struct removed *r, const char *namespace_, const char *host)
{
	const struct sl_mesh_service *svc = sl_mesh_find(r->c->mesh, namespace_, host);

	return svc ? &svc->obj[0]->se.names : NULL;
}

// A noted slot becomes an entry unless its flows are to be kept.
static void
take(struct removed *r, uint32_t slot)
{
	const struct sl_se_names *policy;
	struct sl_compile_slot s;

	if (!sl_compile_slot(r->c->compile, slot, &s) || s.live || !s.addr)
		return;
	policy = policy_of(r, s.namespace_, s.host);
	if (!policy || policy->on_remove == SL_ON_REMOVE_KEEP)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 16;
		r->v = sl_xrealloc(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n++] = (struct gone){.slot = slot,
		.namespace_ = sl_xstrdup(s.namespace_),
		.host = sl_xstrdup(s.host),
		.port = s.port,
		.addr = s.addr,
		.addr_port = s.addr_port};
}

// Back in a set, or the slot is free or another one's, as its last flow has ended.
static bool
is_settled(const struct removed *r, const struct gone *g)
{
	struct sl_compile_slot s;

	return !sl_compile_slot(r->c->compile, g->slot, &s) || s.live || s.addr != g->addr ||
	       s.addr_port != g->addr_port || s.port != g->port || strcmp(s.host, g->host) != 0 ||
	       strcmp(s.namespace_, g->namespace_) != 0;
}

static void
tell(const struct removed *r, const struct gone *g, const char *reason, const char *what,
	uint64_t n)
{
	char addr[SL_IP_STRLEN];
	char *object = sl_xasprintf("%s/%s", g->namespace_, g->host);
	char *text = sl_xasprintf("%s:%u is gone: its flows %s", sl_ip4_str(g->addr, addr),
		sl_be16_to_cpu(g->addr_port), what);

	sl_log(r->c->log, SL_LOG_INFO, TOPIC, "%s service=%s flows=%llu", text, object,
		(unsigned long long)n);
	sl_control_event(r->c, false, reason, object, text);
	free(text);
	free(object);
}

static void
begin_drain(const struct removed *r, struct gone *g, uint64_t drain_ns)
{
	const uint64_t n = flows(r, g->slot);
	char after[32];
	char *what;

	g->due_ns = now_ns(r) + drain_ns;
	if (n == 0)
		return;
	what = sl_xasprintf("are reset in %s", sl_str_duration_fmt(drain_ns, after));
	tell(r, g, "Draining", what, n);
	free(what);
}

// When the flows are to be reset. False: not at all. An address of which nobody said that it is
// gone, because all servers are silent or it is only not the first any more (DNS_ROUND_ROBIN), is
// not decided before somebody says so.
static bool
decide(const struct removed *r, struct gone *g)
{
	const struct sl_se_names *policy = policy_of(r, g->namespace_, g->host);

	if (!policy || policy->on_remove == SL_ON_REMOVE_KEEP)
		return false;
	if (names_may_have(sl_mesh_find(r->c->mesh, g->namespace_, g->host), g->addr)) {
		g->due_ns = now_ns(r) + WAIT_NS;
		return true;
	}
	g->decided = true;
	if (policy->on_remove == SL_ON_REMOVE_DRAIN)
		begin_drain(r, g, policy->drain_ns);
	else
		g->due_ns = now_ns(r);
	return true;
}

// False: done with it. Else it has a time when it is due.
static bool
goes_on(const struct removed *r, struct gone *g)
{
	uint64_t n;

	if (is_settled(r, g) || (!g->decided && !decide(r, g)))
		return false;
	if (!g->decided || g->due_ns > now_ns(r))
		return true;
	n = flows(r, g->slot);
	if (n > 0 && !r->c->cfg.reset_slot(r->c->cfg.ctx, g->slot)) {
		g->due_ns = now_ns(r) + RETRY_NS;
		return true;
	}
	if (n > 0)
		tell(r, g, "Reset", "were reset", n);
	return false;
}

static void
forget(struct gone *g)
{
	free(g->namespace_);
	free(g->host);
}

static void
arm(struct removed *r)
{
	const uint64_t now = now_ns(r);
	uint64_t due_ns = UINT64_MAX;

	for (uint32_t i = 0; i < r->n; i++)
		due_ns = r->v[i].due_ns < due_ns ? r->v[i].due_ns : due_ns;
	if (r->n == 0) {
		event_del(r->timer);
		return;
	}
	const uint64_t us = due_ns > now ? (due_ns - now) / 1000 + 1000 : 1000;
	const struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};

	event_add(r->timer, &tv);
}

void
removed_settle(struct removed *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->n_noted; i++)
		take(r, r->noted[i]);
	r->n_noted = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		if (goes_on(r, &r->v[i]))
			r->v[kept++] = r->v[i];
		else
			forget(&r->v[i]);
	}
	r->n = kept;
	arm(r);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	removed_settle(arg);
}

struct removed *
removed_new(struct sl_control *c)
{
	struct removed *r = sl_xcalloc(1, sizeof(*r));

	r->c = c;
	r->timer = evtimer_new(c->cfg.base, on_timer, r);
	if (r->timer)
		return r;
	free(r);
	return NULL;
}

void
removed_free(struct removed *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		forget(&r->v[i]);
	event_free(r->timer);
	free(r->noted);
	free(r->v);
	free(r);
}
