#include "entry.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "sl_str.h"

// RFC 8767 4: nothing is trusted for longer than a week. The least keeps TTL 0 without a floor
// from asking all the time.
#define TTL_MOST_S  UINT32_C(604800)
#define TTL_LEAST   (50 * SL_NSEC_PER_MSEC)
#define NO_SOA_TTL  30 // an empty answer that says nothing of how long it holds
#define STALE_NEVER UINT64_MAX

static const char *const errors[OUTCOME_MAX] = {
	[OUTCOME_NXDOMAIN] = "there is no such name (NXDOMAIN)",
	[OUTCOME_NODATA] = "the name has no address of this family",
	[OUTCOME_REJECTED] = "every address of the answer is refused as out of range",
	[OUTCOME_SERVFAIL] = "the server failed (SERVFAIL)",
	[OUTCOME_REFUSED] = "the server refuses to answer (REFUSED)",
	[OUTCOME_FORMERR] = "the server does not understand the question (FORMERR)",
	[OUTCOME_NOTIMP] = "the server cannot answer such questions (NOTIMP)",
	[OUTCOME_RCODE] = "the server answered with an error code",
	[OUTCOME_BAD] = "the answer is malformed or to another question",
	[OUTCOME_UNREACHABLE] = "no server can be reached",
	[OUTCOME_TIMEOUT] = "no server answered in time",
	[OUTCOME_NO_SERVER] = "no DNS server is configured",
};

const char *
outcome_error(enum outcome_kind kind)
{
	return errors[kind];
}

static uint64_t
clamp(const struct entry_cfg *cfg, uint32_t ttl_s)
{
	uint64_t ttl = (ttl_s < TTL_MOST_S ? ttl_s : TTL_MOST_S) * SL_NSEC_PER_SEC;

	if (ttl < cfg->floor_ns)
		ttl = cfg->floor_ns;
	if (cfg->ceiling_ns && ttl > cfg->ceiling_ns)
		ttl = cfg->ceiling_ns;
	return ttl > TTL_LEAST ? ttl : TTL_LEAST;
}

static uint64_t
empty_ttl(const struct entry *e)
{
	return e->ttl == OUTCOME_NO_TTL ? NO_SOA_TTL : e->ttl;
}

static uint64_t
plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

// At a random time of the last fifth. Those that come in a burst (all names at start, or after an
// outage) would stay one for good, so these ask at any time of the whole the first time; that is
// what a renewal process with such intervals looks like in the long run, so the rate is even at
// once.
static uint64_t
draw(uint64_t ttl, bool burst, uint64_t *rnd)
{
	const uint64_t interval = ttl - random_below(rnd, ttl / 5 + 1);

	return burst ? random_below(rnd, interval) : interval;
}

static bool
same_set(const struct entry *e, const struct sl_ip *sorted, uint32_t n)
{
	if (e->n != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!sl_ip_equal(&e->ip[i], &sorted[i]))
			return false;
	return true;
}

static void
take_set(struct entry *e, const struct outcome *o, struct entry_news *news)
{
	struct sl_ip *sorted = sl_xcalloc(o->n, sizeof(*sorted));

	memcpy(sorted, o->ip, o->n * sizeof(*sorted));
	qsort(sorted, o->n, sizeof(*sorted), sl_ip_order);
	if (same_set(e, sorted, o->n)) {
		free(sorted);
	} else {
		news->changed = e->n > 0;
		news->old = e->ip;
		news->n_old = e->n;
		e->changes += news->changed;
		e->ip = sorted;
		e->n = o->n;
		e->set_version++;
	}
	if (!sl_ip_equal(&e->first, &o->ip[0])) {
		e->first = o->ip[0];
		e->first_version++;
	}
}

static void
take_good(struct entry *e, const struct outcome *o, const struct entry_cfg *cfg, uint64_t now,
	uint64_t *rnd, bool burst, struct entry_news *news)
{
	const uint64_t ttl = clamp(cfg, o->ttl);

	news->unconfirmed = e->empty && !e->confirmed;
	take_set(e, o, news);
	e->ttl = o->ttl;
	e->good_ns = now;
	e->expires_ns = o->fixed ? UINT64_MAX : now + ttl;
	e->next_ns = o->fixed ? UINT64_MAX : now + draw(ttl, burst, rnd);
	e->failures = 0;
	e->empty = e->confirmed = false;
	e->settled = true;
}

// A second answer without addresses counts only when it is spaced: a command that asks at once
// confirms nothing.
static void
take_empty(struct entry *e, const struct outcome *o, const struct entry_cfg *cfg, uint64_t now,
	uint64_t *rnd, bool burst)
{
	const uint64_t confirm = cfg->confirm_ns + random_below(rnd, cfg->confirm_ns / 5 + 1);

	if (!e->empty)
		e->empty_ns = now;
	e->confirmed |= o->fixed || (e->empty && now - e->empty_ns >= cfg->confirm_ns);
	e->empty = true;
	e->failures = 0;
	if (!e->confirmed) {
		e->next_ns = e->empty_ns + confirm;
		return;
	}
	e->settled = true;
	e->ttl = o->ttl;
	e->next_ns = o->fixed ? UINT64_MAX : now + draw(clamp(cfg, empty_ttl(e)), burst, rnd);
}

static void
take_failure(struct entry *e, const struct entry_cfg *cfg, uint64_t now, uint64_t *rnd)
{
	uint64_t wait = cfg->retry_min_ns;

	for (uint32_t i = 0; i < e->failures && wait < cfg->retry_max_ns; i++)
		wait *= 2;
	if (wait > cfg->retry_max_ns)
		wait = cfg->retry_max_ns;
	if (wait < TTL_LEAST)
		wait = TTL_LEAST;
	e->failures++;
	e->settled = true;
	e->next_ns = now + wait - random_below(rnd, wait / 2 + 1);
}

void
entry_take(struct entry *e, const struct outcome *o, const struct entry_cfg *cfg, uint64_t now,
	uint64_t *rnd, struct entry_news *news)
{
	const bool burst = e->last == OUTCOME_NONE || e->failures > 0;

	*news = (struct entry_news){0};
	e->last = o->kind;
	e->error = o->error ? o->error : outcome_error(o->kind);
	e->fixed = o->fixed;
	if (o->kind == OUTCOME_GOOD)
		take_good(e, o, cfg, now, rnd, burst, news);
	else if (outcome_is_empty(o->kind))
		take_empty(e, o, cfg, now, rnd, burst);
	else
		take_failure(e, cfg, now, rnd);
}

void
entry_reclamp(struct entry *e, const struct entry_cfg *cfg, uint64_t now, uint64_t *rnd)
{
	uint64_t ttl;

	if (e->n == 0 || e->fixed || e->confirmed)
		return;
	ttl = clamp(cfg, e->ttl);
	if (e->expires_ns == e->good_ns + ttl)
		return;
	e->expires_ns = e->good_ns + ttl;
	if (e->last == OUTCOME_GOOD)
		e->next_ns = e->good_ns + draw(ttl, false, rnd);
	if (e->next_ns < now)
		e->next_ns = now;
}

void
entry_unfix(struct entry *e, uint64_t now)
{
	e->fixed = false;
	e->next_ns = now;
	if (e->n > 0)
		e->expires_ns = now;
	if (e->empty) {
		e->last = OUTCOME_NONE;
		e->empty = e->confirmed = e->settled = false;
	}
}

void
entry_fini(struct entry *e)
{
	free(e->ip);
	*e = (struct entry){0};
}

uint64_t
entry_interval(const struct entry *e, const struct entry_cfg *cfg)
{
	if (e->fixed)
		return UINT64_MAX;
	if (e->confirmed)
		return clamp(cfg, empty_ttl(e));
	if (e->n > 0)
		return clamp(cfg, e->ttl);
	return cfg->retry_max_ns > TTL_LEAST ? cfg->retry_max_ns : TTL_LEAST;
}

// Without addresses that are good enough.
static enum sl_dns_state
none(const struct entry *e, bool empty)
{
	if (e->last == OUTCOME_REJECTED)
		return SL_DNS_REJECTED;
	if (empty)
		return SL_DNS_EMPTY;
	return e->settled ? SL_DNS_FAILED : SL_DNS_PENDING;
}

struct entry_view
entry_view(const struct entry *e, const struct sl_name_policy *policy, uint64_t now)
{
	const bool trouble = e->last != OUTCOME_GOOD;
	const bool empty = policy->strict ? e->empty : e->confirmed;
	const uint64_t end =
		policy->strict ? STALE_NEVER : plus(e->expires_ns, policy->max_stale_ns);

	if (e->n > 0 && (!empty || (policy->first && !e->fixed))) {
		if (!trouble || now < e->expires_ns)
			return (struct entry_view){
				SL_DNS_FRESH, true, trouble ? e->expires_ns : UINT64_MAX};
		if (now < end)
			return (struct entry_view){SL_DNS_STALE, true, end};
	}
	return (struct entry_view){none(e, empty), false, UINT64_MAX};
}
