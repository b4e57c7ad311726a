// Rows for people and programs: entries, servers, counters.
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "resolver.h"
#include "sl_str.h"

const struct sl_dns_counter_info *
sl_dns_counter_info(enum sl_dns_counter c)
{
	static const struct sl_dns_counter_info info[] = {
#define SL_DNS_COUNTER(id, name, help) [SL_DNS_C_##id] = {name, help},
#include "sl_dns_counters.def"
#undef SL_DNS_COUNTER
	};

	return &info[c];
}

uint64_t
sl_dns_counter(const struct sl_dns *d, enum sl_dns_counter c)
{
	return d->counter[c];
}

const char *
sl_dns_state_name(enum sl_dns_state state)
{
	static const char *const names[] = {
		[SL_DNS_PENDING] = "pending",
		[SL_DNS_FRESH] = "fresh",
		[SL_DNS_STALE] = "stale",
		[SL_DNS_EMPTY] = "empty",
		[SL_DNS_FAILED] = "failed",
		[SL_DNS_REJECTED] = "refused",
	};

	return names[state];
}

static double
seconds(uint64_t ns)
{
	return (double)(ns / SL_NSEC_PER_MSEC) / 1000;
}

static double
milliseconds(uint64_t ns)
{
	return (double)(ns / 1000) / 1000;
}

static void
emit_ips(struct sl_emit *e, const char *key, const struct sl_ip *ip, uint32_t n)
{
	char text[SL_IP_STRLEN];

	sl_emit_arr(e, key);
	for (uint32_t i = 0; i < n; i++)
		sl_emit_str(e, NULL, sl_ip_str(&ip[i], text));
	sl_emit_end(e);
}

// How long until then, or since; null when that is never.
static void
emit_left(struct sl_emit *e, const char *key, bool known, uint64_t from, uint64_t to)
{
	if (known)
		sl_emit_dbl(e, key, to > from ? seconds(to - from) : 0);
	else
		sl_emit_null(e, key);
}

static void
emit_times(const struct record *r, enum sl_dns_state state, uint64_t now, struct sl_emit *e)
{
	const struct entry *entry = &r->e;
	const bool has = entry->n > 0 && entry->expires_ns != UINT64_MAX;

	emit_left(e, "ttlSeconds", has, entry->good_ns, entry->expires_ns);
	emit_left(e, "ttlLeftSeconds", has, now, entry->expires_ns);
	emit_left(e, "ageSeconds", entry->n > 0, entry->good_ns, now);
	emit_left(e, "staleSeconds", state == SL_DNS_STALE, entry->expires_ns, now);
	emit_left(e, "nextSeconds", r->ask.pos, now, r->ask.at);
}

static void
emit_server(const struct record *r, struct sl_emit *e)
{
	char text[SERVER_STRLEN];

	if (r->e.fixed) {
		sl_emit_str(e, "server", r->d->hosts_watch.path);
		sl_emit_null(e, "rttMs");
	} else if (r->server.ip.family == 0) {
		sl_emit_null(e, "server");
		sl_emit_null(e, "rttMs");
	} else {
		sl_emit_str(e, "server", server_str(&r->server, text));
		sl_emit_dbl(e, "rttMs", milliseconds(r->rtt_ns));
	}
}

void
sl_dns_entry_emit(struct sl_dns *d, const char *name, int family, struct sl_emit *e)
{
	char clean[SL_DNS_NAME_MAX];
	const struct record *r = name_check(name, clean) ? NULL : record_find(d, clean, family);
	const uint64_t now = resolver_now(d);
	struct entry_view view;

	sl_emit_str(e, "name", r ? r->name : name);
	sl_emit_str(e, "family", family == AF_INET ? "A" : "AAAA");
	if (!r) {
		sl_emit_null(e, "state");
		return;
	}
	view = entry_view(&r->e, &r->lenient, now);
	sl_emit_str(e, "state", sl_dns_state_name(view.state));
	emit_ips(e, "addresses", r->e.ip, view.shown ? r->e.n : 0);
	emit_ips(e, "refused", r->refused, r->n_refused);
	sl_emit_str(e, "canonical", r->canonical);
	emit_times(r, view.state, now, e);
	emit_server(r, e);
	sl_emit_str(e, "error", r->e.error);
	sl_emit_u64(e, "failures", r->e.failures);
	sl_emit_u64(e, "questions", r->questions);
	sl_emit_u64(e, "changes", r->e.changes);
}

enum sl_dns_state
sl_dns_entry_state(struct sl_dns *d, const char *name, int family)
{
	const struct record *r = record_find(d, name, family);

	return r ? entry_view(&r->e, &r->lenient, resolver_now(d)).state : SL_DNS_PENDING;
}

static int
record_order(const void *a, const void *b)
{
	const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
	const int c = strcmp(x->name, y->name);

	return c ? c : (x->family == AF_INET6) - (y->family == AF_INET6);
}

// In order; what is dropped leaves a hole, so that who goes through it now is not led astray.
static void
sort(struct sl_dns *d)
{
	struct record *r = NULL;
	uint32_t slot = 0, n = 0;

	if (!d->sorted_old)
		return;
	d->sorted = sl_xrealloc(d->sorted, d->n_records, sizeof(*d->sorted));
	while (record_next(d, &slot, &r))
		d->sorted[n++] = r;
	if (n)
		qsort(d->sorted, n, sizeof(*d->sorted), record_order);
	for (uint32_t i = 0; i < n; i++)
		d->sorted[i]->sorted = i + 1;
	d->n_sorted = n;
	d->sorted_old = false;
}

bool
sl_dns_next(struct sl_dns *d, size_t *it, const char **name, int *family)
{
	if (*it == 0)
		sort(d);
	while (*it < d->n_sorted) {
		const struct record *r = d->sorted[(*it)++];

		if (!r)
			continue;
		*name = r->name;
		*family = r->family;
		return true;
	}
	return false;
}

bool
sl_dns_server_emit(struct sl_dns *d, size_t i, struct sl_emit *e)
{
	char text[SERVER_STRLEN];
	const struct server *server;

	if (i >= d->servers.n)
		return false;
	server = d->servers.v[i];
	sl_emit_str(e, "address", server_str(&server->addr, text));
	sl_emit_str(e, "state", server->aside ? "aside" : "ok");
	if (server->srtt_ns)
		sl_emit_dbl(e, "rttMs", milliseconds(server->srtt_ns));
	else
		sl_emit_null(e, "rttMs");
	sl_emit_u64(e, "questions", server->questions);
	sl_emit_u64(e, "answers", server->answers);
	sl_emit_u64(e, "timeouts", server->timeouts);
	sl_emit_u64(e, "errors", server->errors);
	return true;
}
