// What people are told: events for who asked for them, and lines of the log.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "resolver.h"
#include "sl_str.h"

#define SHOWN 8 // addresses in a message

void
say(struct sl_dns *d, enum sl_log_level level, const char *reason, const char *name,
	const char *fmt, ...)
{
	const bool warning = level <= SL_LOG_WARN;
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	sl_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sl_log_limited(d->env.log, warning ? &d->limit_warn : &d->limit_info, level, "dns",
		"%s name=%s: %s", reason, name, text.data ? text.data : "");
	if (d->event)
		d->event(d->event_ctx, warning, reason, name, text.data ? text.data : "");
	sl_buf_fini(&text);
}

static const char *
type_of(const struct record *r)
{
	return r->family == AF_INET ? "A" : "AAAA";
}

static void
put_ips(struct sl_buf *b, const char *sign, const struct sl_ip *ip, uint32_t n)
{
	char text[SL_IP_STRLEN];

	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		sl_buf_printf(b, "%s%s%s", b->len ? " " : "", sign, sl_ip_str(&ip[i], text));
	if (n > SHOWN)
		sl_buf_printf(b, " and %s%u more", sign, n - SHOWN);
}

// Those of a that b has not; both ascending.
static uint32_t
minus(const struct sl_ip *a, uint32_t n_a, const struct sl_ip *b, uint32_t n_b, struct sl_ip *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0, k = 0; i < n_a; i++) {
		while (k < n_b && sl_ip_order(&b[k], &a[i]) < 0)
			k++;
		if (k == n_b || !sl_ip_equal(&b[k], &a[i]))
			out[n++] = a[i];
	}
	return n;
}

void
say_changed(struct record *r, const struct entry_news *news)
{
	struct sl_ip ip[64];
	struct sl_buf text = {0};

	put_ips(&text, "+", ip, minus(r->e.ip, r->e.n, news->old, news->n_old, ip));
	put_ips(&text, "-", ip, minus(news->old, news->n_old, r->e.ip, r->e.n, ip));
	say(r->d, SL_LOG_INFO, "answer changed", r->name, "%s: %s", type_of(r), text.data);
	sl_buf_fini(&text);
}

// Told when it is other addresses than the last time.
void
say_refused(struct record *r, const struct reading *reading)
{
	const size_t bytes = reading->n_refused * sizeof(*reading->refused);
	struct sl_buf text = {0};
	bool same = r->n_refused == reading->n_refused;

	r->d->counter[SL_DNS_C_REJECTED] += reading->n_refused;
	for (uint32_t i = 0; same && i < r->n_refused; i++)
		same = sl_ip_equal(&r->refused[i], &reading->refused[i]);
	if (same)
		return;
	free(r->refused);
	r->refused = NULL;
	r->n_refused = reading->n_refused;
	if (r->n_refused == 0)
		return;
	r->refused = sl_xcalloc(1, bytes);
	memcpy(r->refused, reading->refused, bytes);
	put_ips(&text, "", r->refused, r->n_refused);
	say(r->d, SL_LOG_WARN, "addresses refused", r->name, "%s: out of range (%s): %s",
		type_of(r), reading->why, text.data);
	sl_buf_fini(&text);
}

void
say_left_out(struct record *r, uint32_t n)
{
	if (n != r->left_out && n)
		say(r->d, SL_LOG_WARN, "answer too large", r->name,
			"%s: %u addresses over 64 are left out", type_of(r), n);
	r->left_out = n;
}

void
say_server(struct sl_dns *d, const struct server *server, bool aside)
{
	char name[SERVER_STRLEN];

	server_str(&server->addr, name);
	if (!aside)
		say(d, SL_LOG_NOTICE, "server back", name, "it answers again");
	else if (d->servers.n > 1)
		say(d, SL_LOG_WARN, "server set aside", name,
			"it fails again and again; the others are asked");
	else
		say(d, SL_LOG_WARN, "server set aside", name,
			"it fails again and again, and there is no other");
}

static uint64_t
seconds(uint64_t ns)
{
	return ns / SL_NSEC_PER_SEC;
}

static void
say_stale(struct record *r)
{
	r->d->counter[SL_DNS_C_STALE]++;
	if (r->lenient.max_stale_ns == UINT64_MAX || r->lenient.strict)
		say(r->d, SL_LOG_WARN, "stale", r->name,
			"%s: %s; the last answer is used past its TTL", type_of(r), r->e.error);
	else
		say(r->d, SL_LOG_WARN, "stale", r->name,
			"%s: %s; the last answer is used past its TTL, for %llu s", type_of(r),
			r->e.error, (unsigned long long)seconds(r->lenient.max_stale_ns));
}

void
say_state(struct record *r, enum sl_dns_state state)
{
	const enum sl_dns_state before = r->said;
	const char *error = r->e.error ? r->e.error : "no answer";

	r->said = state;
	if (state == before)
		return;
	switch (state) {
	case SL_DNS_FRESH:
		if (before != SL_DNS_PENDING)
			say(r->d, SL_LOG_NOTICE, "recovered", r->name, "%s: it was %s", type_of(r),
				sl_dns_state_name(before));
		break;
	case SL_DNS_STALE:
		say_stale(r);
		break;
	case SL_DNS_EMPTY:
		say(r->d, SL_LOG_WARN, "empty", r->name, "%s: %s", type_of(r), error);
		break;
	case SL_DNS_FAILED:
		say(r->d, SL_LOG_WARN, "failed", r->name, "%s: %s", type_of(r), error);
		break;
	case SL_DNS_PENDING:  // nothing is known yet
	case SL_DNS_REJECTED: // said with its addresses
		break;
	}
}

void
sl_dns_on_event(struct sl_dns *d, sl_dns_event_fn *fn, void *ctx)
{
	d->event = fn;
	d->event_ctx = ctx;
}
