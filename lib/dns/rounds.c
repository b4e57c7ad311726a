// One question, until there is an answer: the best server first, another one as well when it is
// slow, the next one when it fails. The first answer that can be used wins.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "resolver.h"
#include "sl_str.h"

static const uint8_t counter_of[OUTCOME_MAX] = {
	[OUTCOME_GOOD] = SL_DNS_C_ANSWERS,
	[OUTCOME_NXDOMAIN] = SL_DNS_C_NXDOMAIN,
	[OUTCOME_NODATA] = SL_DNS_C_NODATA,
	[OUTCOME_REJECTED] = SL_DNS_C_ANSWERS,
	[OUTCOME_SERVFAIL] = SL_DNS_C_SERVFAIL,
	[OUTCOME_REFUSED] = SL_DNS_C_REFUSED,
	[OUTCOME_FORMERR] = SL_DNS_C_FORMERR,
	[OUTCOME_NOTIMP] = SL_DNS_C_NOTIMP,
	[OUTCOME_RCODE] = SL_DNS_C_NOTIMP,
	[OUTCOME_BAD] = SL_DNS_C_BAD,
	[OUTCOME_UNREACHABLE] = SL_DNS_C_UNREACHABLE,
	[OUTCOME_TIMEOUT] = SL_DNS_C_TIMEOUTS,
};

static void ask_next(struct round *round);

static bool
is_usable(enum outcome_kind kind)
{
	return kind == OUTCOME_GOOD || kind == OUTCOME_REJECTED || outcome_is_empty(kind);
}

static void
leave(struct attempt *a)
{
	struct round *round = a->round;

	for (uint32_t i = 0; i < round->n_open; i++)
		if (round->open[i] == a) {
			round->open[i] = round->open[--round->n_open];
			break;
		}
	a->round = NULL;
}

static void
attempt_free(struct attempt *a)
{
	struct sl_dns *d = a->d;

	heap_drop(&d->timers, &a->deadline);
	if (a->next)
		a->next->prev = a->prev;
	*a->prev = a->next;
	a->server->open--;
	if (a->round)
		leave(a);
	free(a);
}

void
round_end(struct round *round)
{
	struct record *r = round->record;
	struct sl_dns *d = r->d;

	while (round->n_open)
		leave(round->open[0]);
	heap_drop(&d->timers, &round->hedge);
	r->round = NULL;
	d->n_rounds--;
	free(round);
	resolver_wake(d);
}

static void
settle(struct round *round, const struct outcome *o)
{
	struct record *r = round->record;

	round_end(round);
	record_take(r, o);
}

static void
fail_round(struct round *round)
{
	const struct outcome o = {.kind = round->failure};

	settle(round, &o);
}

// The round has this failure, and asks another server, or ends.
static void
attempt_failed(struct round *round, enum outcome_kind kind)
{
	if (kind < round->failure)
		round->failure = kind;
	ask_next(round);
}

// An answer that can be used: it decides.
static void
take_reading(struct attempt *a, const struct reading *reading, uint64_t rtt_ns)
{
	struct record *r = a->round->record;
	const struct outcome o = {
		.kind = reading->kind, .ip = reading->ip, .n = reading->n, .ttl = reading->ttl};

	r->server = a->server->addr;
	r->rtt_ns = rtt_ns;
	if (!outcome_is_empty(reading->kind)) {
		free(r->canonical);
		r->canonical = reading->canonical[0] ? sl_xstrdup(reading->canonical) : NULL;
		say_refused(r, reading);
		say_left_out(r, reading->n_all - reading->n - reading->n_refused);
	}
	settle(a->round, &o);
}

// Again to the same server, over TCP. False: that can't be sent.
static bool
again_by_tcp(struct attempt *a, uint64_t now)
{
	struct sl_dns *d = a->d;

	d->counter[SL_DNS_C_TCP]++;
	a->ask.tcp = true;
	a->ask.name = a->round->record->name;
	a->sent_ns = now;
	if (d->ask->start(d->ask->ctx, &a->ask) != 0)
		return false;
	a->ask.name = NULL;
	heap_set(&d->timers, &a->deadline, now + a->ask.timeout_ns);
	return true;
}

static void
rate(struct attempt *a, enum outcome_kind kind, uint64_t now)
{
	struct sl_dns *d = a->d;
	bool aside = false;

	if (server_answered(a->server, is_usable(kind), now, now - a->sent_ns))
		say_server(d, a->server, false);
	if (!is_usable(kind))
		aside = server_wrong(a->server, now);
	if (aside)
		say_server(d, a->server, true);
}

static enum outcome_kind
read_message(struct attempt *a, const uint8_t *msg, uint32_t len)
{
	struct sl_dns *d = a->d;
	const struct reading_cfg cfg = {
		.name = a->round->record->name,
		.type = a->ask.type,
		.tcp = a->ask.tcp,
		.refuse_private = d->refuse_private,
	};

	outcome_read(msg, len, &cfg, &d->reading);
	return d->reading.kind;
}

static enum outcome_kind
header_kind(const uint8_t *msg, uint32_t len)
{
	const uint8_t rcode = len < SL_DNS_HLEN ? SL_DNS_FORMERR : msg[3] & 0xf;

	return rcode == SL_DNS_NOERROR || rcode == SL_DNS_NXDOMAIN ? OUTCOME_GOOD
								   : OUTCOME_SERVFAIL;
}

static void
answered(struct attempt *a, const uint8_t *msg, uint32_t len)
{
	struct sl_dns *d = a->d;
	struct round *round = a->round;
	const uint64_t now = resolver_now(d), rtt = now - a->sent_ns;
	enum outcome_kind kind;

	if (!round) { // nobody waits for it: it only shows how the server does
		rate(a, header_kind(msg, len), now);
		attempt_free(a);
		return;
	}
	kind = read_message(a, msg, len);
	if (d->reading.truncated) {
		if (again_by_tcp(a, now))
			return;
		kind = OUTCOME_BAD;
	}
	d->counter[counter_of[kind]]++;
	rate(a, kind, now);
	if (is_usable(kind)) {
		take_reading(a, &d->reading, rtt);
		attempt_free(a);
	} else {
		attempt_free(a);
		attempt_failed(round, kind);
	}
}

static void
no_answer(struct attempt *a, enum outcome_kind kind)
{
	struct sl_dns *d = a->d;
	struct round *round = a->round;

	d->counter[counter_of[kind]]++;
	if (server_silent(a->server, resolver_now(d), a->sent_ns))
		say_server(d, a->server, true);
	attempt_free(a);
	if (round)
		attempt_failed(round, kind);
}

static void
done(struct sl_dns_ask *ask, int status, const uint8_t *msg, uint32_t len)
{
	struct attempt *a = (struct attempt *)ask;

	resolver_wake(a->d); // there are other deadlines now
	if (status == 0)
		answered(a, msg, len);
	else
		no_answer(a, OUTCOME_UNREACHABLE);
}

static void
too_late(struct due *due)
{
	struct attempt *a = (void *)((char *)due - offsetof(struct attempt, deadline));

	a->d->ask->cancel(a->d->ask->ctx, &a->ask, true);
	no_answer(a, OUTCOME_TIMEOUT);
}

static struct attempt *
attempt_new(struct round *round, struct server *server, uint64_t now)
{
	struct sl_dns *d = round->record->d;
	struct attempt *a = sl_xcalloc(1, sizeof(*a));

	a->d = d;
	a->server = server;
	a->round = round;
	a->sent_ns = now;
	a->deadline.fire = too_late;
	a->ask.server = server->addr;
	a->ask.name = round->record->name;
	a->ask.type = round->record->family == AF_INET ? SL_DNS_A : SL_DNS_AAAA;
	a->ask.timeout_ns = d->timeout_ns * 2;
	a->ask.done = done;
	a->next = d->attempts;
	a->prev = &d->attempts;
	if (a->next)
		a->next->prev = &a->next;
	d->attempts = a;
	server->open++;
	round->open[round->n_open++] = a;
	return a;
}

// False: it could not be sent.
static bool
ask(struct round *round, struct server *server)
{
	struct record *r = round->record;
	struct sl_dns *d = r->d;
	const uint64_t now = resolver_now(d);
	struct attempt *a = attempt_new(round, server, now);

	d->counter[SL_DNS_C_QUESTIONS]++;
	server->questions++;
	r->questions++;
	if (d->ask->start(d->ask->ctx, &a->ask) == 0) {
		a->ask.name = NULL;
		heap_set(&d->timers, &a->deadline, now + a->ask.timeout_ns);
		return true;
	}
	d->counter[SL_DNS_C_UNREACHABLE]++;
	if (server_silent(server, now, now))
		say_server(d, server, true);
	attempt_free(a);
	if (OUTCOME_UNREACHABLE < round->failure)
		round->failure = OUTCOME_UNREACHABLE;
	return false;
}

// A server that was not asked yet; of a single one that is silent, itself once more.
static struct server *
next_server(struct round *round)
{
	struct sl_dns *d = round->record->d;
	struct server *server = NULL;

	if (round->n_tried < ROUND_SERVERS)
		server = servers_pick(
			&d->servers, round->tried, round->n_tried, round->avoid, &d->rnd);
	if (server) {
		round->tried[round->n_tried++] = server;
	} else if (d->servers.n == 1 && round->failure >= OUTCOME_TIMEOUT && !round->again++) {
		server = d->servers.v[0];
	}
	return server;
}

static void
plan_hedge(struct round *round, const struct server *server)
{
	struct sl_dns *d = round->record->d;
	const uint64_t wait =
		d->servers.n > 1 ? server_patience(server, d->timeout_ns) : d->timeout_ns;

	round->asked_ns = resolver_now(d);
	heap_set(&d->timers, &round->hedge, round->asked_ns + wait);
}

// Ends the round when nobody is left and nothing is under way.
static void
ask_next(struct round *round)
{
	struct server *server;

	while ((server = next_server(round)))
		if (ask(round, server)) {
			plan_hedge(round, server);
			return;
		}
	heap_drop(&round->record->d->timers, &round->hedge);
	if (round->n_open == 0)
		fail_round(round);
}

static void
hedge(struct due *due)
{
	struct round *round = (void *)((char *)due - offsetof(struct round, hedge));
	struct sl_dns *d = round->record->d;

	if (round->n_tried && round->tried[round->n_tried - 1])
		server_late(round->tried[round->n_tried - 1], resolver_now(d) - round->asked_ns);
	heap_drop(&d->timers, &round->hedge);
	ask_next(round);
}

// The server that the empty answer came from, when this question is to confirm it.
static const struct server *
to_avoid(const struct record *r)
{
	const struct sl_dns *d = r->d;

	if (!r->e.empty || r->e.confirmed || d->servers.n < 2)
		return NULL;
	for (uint32_t i = 0; i < d->servers.n; i++)
		if (address_equal(&d->servers.v[i]->addr, &r->server))
			return d->servers.v[i];
	return NULL;
}

void
round_begin(struct record *r)
{
	struct sl_dns *d = r->d;
	struct round *round = sl_xcalloc(1, sizeof(*round));
	struct server *probe = servers_probe(&d->servers, resolver_now(d));

	round->record = r;
	round->hedge.fire = hedge;
	round->failure = d->servers.n ? OUTCOME_TIMEOUT : OUTCOME_NO_SERVER;
	round->avoid = to_avoid(r);
	r->round = round;
	d->n_rounds++;
	// It is asked beside the best one, so nobody waits for it.
	if (probe) {
		round->tried[round->n_tried++] = probe;
		ask(round, probe);
	}
	ask_next(round);
}

static void
forget(struct round *round, const struct server *server)
{
	for (uint32_t i = 0; i < round->n_tried; i++)
		if (round->tried[i] == server)
			round->tried[i] = NULL;
	if (round->avoid == server)
		round->avoid = NULL;
}

// One of its questions ends; false: it has none.
static bool
leave_one(struct sl_dns *d, struct server *server)
{
	struct attempt *a = d->attempts;
	struct round *round;

	while (a && a->server != server)
		a = a->next;
	if (!a)
		return false;
	round = a->round;
	d->ask->cancel(d->ask->ctx, &a->ask, false);
	attempt_free(a);
	if (round)
		attempt_failed(round, OUTCOME_TIMEOUT);
	return true;
}

void
rounds_leave(struct sl_dns *d, struct server *server)
{
	struct record *r = NULL;
	uint32_t slot = 0;

	while (record_next(d, &slot, &r))
		if (r->round)
			forget(r->round, server);
	while (server->open && leave_one(d, server)) {
	}
}

void
rounds_fini(struct sl_dns *d)
{
	while (d->attempts) {
		d->ask->cancel(d->ask->ctx, &d->attempts->ask, false);
		attempt_free(d->attempts);
	}
}
