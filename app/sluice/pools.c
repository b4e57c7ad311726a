// Source ports over all workers: what `pools` shows, and the destinations that fill up, which are
// looked at once a second.
#include "daemon.h"
#include "sl_clock.h"
#include "sl_emit.h"
#include "sl_str.h"

// ---- sums ----

uint32_t
daemon_ports_lent(const struct daemon *d, uint8_t proto)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		sum += sl_sport_lent(sl_worker_sports(d->worker[i].worker), proto);
	return sum;
}

uint32_t
daemon_ports_total(const struct daemon *d)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		sum += sl_sport_total(sl_worker_sports(d->worker[i].worker));
	return sum;
}

static uint32_t
ports_reserve(const struct daemon *d)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		sum += sl_sport_reserve(sl_worker_sports(d->worker[i].worker));
	return sum;
}

static uint32_t
ports_resting(const struct daemon *d, uint8_t proto)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		sum += sl_sport_resting(sl_worker_sports(d->worker[i].worker), proto);
	return sum;
}

static uint64_t
refusals(const struct daemon *d, uint8_t proto)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		sum += sl_sport_refusals(sl_worker_sports(d->worker[i].worker), proto);
	return sum;
}

static const char *
proto_name(uint8_t proto)
{
	return proto == SL_PROTO_TCP ? "tcp" : "udp";
}

static bool
last_refused(const struct daemon *d, uint8_t proto, struct sl_tuple *t)
{
	for (unsigned i = 0; i < d->n_workers; i++)
		if (sl_sport_refused(sl_worker_sports(d->worker[i].worker), proto, t))
			return true;
	return false;
}

const char *
daemon_refused(const struct daemon *d, char text[DESTINATION_STRLEN])
{
	struct sl_tuple t;
	char ip[SL_IP_STRLEN];

	if (!last_refused(d, SL_PROTO_TCP, &t) && !last_refused(d, SL_PROTO_UDP, &t))
		return "-";
	snprintf(text, DESTINATION_STRLEN, "%s:%u/%s", sl_ip4_str(t.src, ip),
		sl_be16_to_cpu(t.sport), proto_name(t.proto));
	return text;
}

// ---- what fills up ----

static unsigned
fullest(const struct daemon *d, struct sl_sport_fill *out)
{
	const struct sl_sport *sports[SL_MAX_WORKERS];

	for (unsigned i = 0; i < d->n_workers; i++)
		sports[i] = sl_worker_sports(d->worker[i].worker);
	return sl_sport_fullest(sports, d->n_workers, out, DAEMON_FILLS);
}

static bool
is_same(const struct sl_sport_fill *a, const struct sl_sport_fill *b)
{
	return a->addr == b->addr && a->port == b->port && a->proto == b->proto;
}

// What is known of it so far.
static struct sl_fill
followed(const struct daemon *d, const struct sl_sport_fill *at)
{
	for (unsigned i = 0; i < d->n_fills; i++)
		if (is_same(&d->fill[i].at, at))
			return d->fill[i].fill;
	return (struct sl_fill){0};
}

static void
tell(struct daemon *d, const struct daemon_fill *f, enum sl_fill_news news)
{
	const bool raised = news == SL_FILL_RAISED;
	const uint64_t left = sl_fill_seconds_left(&f->fill);
	char ip[SL_IP_STRLEN], object[DESTINATION_STRLEN], when[32] = "-";

	if (news == SL_FILL_NOTHING)
		return;
	if (left != SL_FILL_FAR)
		snprintf(when, sizeof(when), "%llu", (unsigned long long)left);
	snprintf(object, sizeof(object), "%s:%u/%s", sl_ip4_str(f->at.addr, ip),
		sl_be16_to_cpu(f->at.port), proto_name(f->at.proto));
	sl_log_limited(&d->log, &d->fill_limit, raised ? SL_LOG_WARN : SL_LOG_NOTICE, "pool",
		"source ports %s destination=%s taken=%u ports=%u full_in_s=%s",
		raised ? "run out: give pool.addresses more addresses" : "suffice again", object,
		f->at.taken, f->at.total, when);
	sl_control_event(d->control, raised, raised ? "SourcePortsLow" : "SourcePortsFree", object,
		raised ? "most source ports are in use for it, or will be in minutes"
		       : "there are enough source ports for it again");
}

// One that is not among the fullest any more is followed no longer.
static void
tell_of_lost(struct daemon *d, const struct daemon_fill *now, unsigned n)
{
	for (unsigned i = 0; i < d->n_fills; i++) {
		bool there = false;

		for (unsigned k = 0; k < n && !there; k++)
			there = is_same(&now[k].at, &d->fill[i].at);
		if (!there && d->fill[i].fill.warned)
			tell(d, &d->fill[i], SL_FILL_CLEARED);
	}
}

void
daemon_watch_pools(struct daemon *d)
{
	const uint64_t now_ns = sl_clock_ns(NULL);
	const uint32_t reserve = ports_reserve(d);
	struct sl_sport_fill at[DAEMON_FILLS];
	struct daemon_fill now[DAEMON_FILLS];
	const unsigned n = fullest(d, at);

	d->fill_limit.burst = 5;
	d->fill_limit.interval_ms = 10000;
	for (unsigned i = 0; i < n; i++) {
		now[i] = (struct daemon_fill){.at = at[i], .fill = followed(d, &at[i])};
		tell(d, &now[i],
			sl_fill_sample(&now[i].fill, now_ns, at[i].taken, at[i].total - reserve));
	}
	tell_of_lost(d, now, n);
	memcpy(d->fill, now, n * sizeof(*now));
	d->n_fills = n;
}

// ---- the command ----

static void
emit_destination(struct sl_emit *e, const char *key, sl_be32 addr, sl_be16 port)
{
	char ip[SL_IP_STRLEN];

	sl_emit_strf(e, key, "%s:%u", sl_ip4_str(addr, ip), sl_be16_to_cpu(port));
}

static void
emit_fill(struct sl_emit *e, const struct daemon *d, const struct sl_sport_fill *at)
{
	const struct sl_fill f = followed(d, at);
	const uint64_t left = sl_fill_seconds_left(&f);

	sl_emit_obj(e, NULL);
	emit_destination(e, "destination", at->addr, at->port);
	sl_emit_u64(e, "taken", at->taken);
	sl_emit_dbl(e, "percent", (double)((uint64_t)at->taken * 1000 / at->total) / 10.0);
	if (left == SL_FILL_FAR)
		sl_emit_null(e, "fullInSeconds");
	else
		sl_emit_u64(e, "fullInSeconds", left);
	sl_emit_end(e);
}

static void
emit_pool(struct sl_emit *e, const struct daemon *d, uint8_t proto, const struct sl_sport_fill *at,
	unsigned n)
{
	struct sl_tuple t;

	sl_emit_str(e, "proto", proto_name(proto));
	sl_emit_u64(e, "addresses", d->n_pool);
	sl_emit_u64(e, "portsPerDestination", daemon_ports_total(d));
	sl_emit_u64(e, "reserve", ports_reserve(d));
	sl_emit_u64(e, "lent", daemon_ports_lent(d, proto));
	sl_emit_u64(e, "resting", ports_resting(d, proto));
	sl_emit_u64(e, "refusals", refusals(d, proto));
	if (last_refused(d, proto, &t))
		emit_destination(e, "lastRefused", t.src, t.sport);
	else
		sl_emit_null(e, "lastRefused");
	sl_emit_arr(e, "fullest");
	for (unsigned i = 0; i < n; i++)
		if (at[i].proto == proto)
			emit_fill(e, d, &at[i]);
	sl_emit_end(e);
}

void
daemon_cmd_pools(void *ctx, struct sl_ctl_req *req)
{
	static const uint8_t protos[] = {SL_PROTO_TCP, SL_PROTO_UDP};
	const struct daemon *d = ctx;
	struct sl_sport_fill at[DAEMON_FILLS];
	const unsigned n = fullest(d, at);

	for (size_t i = 0; i < SL_ARRAY_LEN(protos); i++) {
		emit_pool(sl_ctl_row(req), d, protos[i], at, n);
		sl_ctl_row_end(req);
	}
	sl_ctl_done(req);
}
