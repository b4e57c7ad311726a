// One record per name and family: which uses it has, when it is asked for, what came of it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "reject.h"
#include "resolver.h"
#include "sl_str.h"

#define PACE_UNIT (UINT64_C(1000000) * SL_NSEC_PER_SEC)

static uint64_t
hash_of(const char *name, int family)
{
	return sl_mix64(sl_str_hash(name, strlen(name), 0) + (family == AF_INET6));
}

struct record *
record_find(const struct sl_dns *d, const char *name, int family)
{
	const uint64_t hash = hash_of(name, family);

	if (d->n_slots == 0)
		return NULL;
	for (struct record *r = d->slots[hash & (d->n_slots - 1)]; r; r = r->chain)
		if (r->hash == hash && r->family == family && strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static void
chain(struct sl_dns *d, struct record *r)
{
	struct record **slot = &d->slots[r->hash & (d->n_slots - 1)];

	r->chain = *slot;
	*slot = r;
}

static void
grow(struct sl_dns *d)
{
	struct record **old = d->slots;
	const uint32_t n = d->n_slots;

	if (d->n_records < n)
		return;
	d->n_slots = n ? n * 2 : 64;
	d->slots = sl_xcalloc(d->n_slots, sizeof(*d->slots));
	for (uint32_t i = 0; i < n; i++)
		for (struct record *r = old[i], *next; r; r = next) {
			next = r->chain;
			chain(d, r);
		}
	free(old);
}

bool
record_next(const struct sl_dns *d, uint32_t *slot, struct record **it)
{
	struct record *next = *it ? (*it)->chain : NULL;

	while (!next && *slot < d->n_slots)
		next = d->slots[(*slot)++];
	*it = next;
	return next != NULL;
}

static void
fire_ask(struct due *due)
{
	struct record *r = (void *)((char *)due - offsetof(struct record, ask));

	round_begin(r);
}

static void
check_uses(struct record *r)
{
	for (struct link *link = r->links; link; link = link->next)
		use_check(link->use);
}

// What the uses see, what people are told, and when that changes by itself.
static void
show(struct record *r)
{
	const uint64_t now = resolver_now(r->d);
	const struct entry_view all = entry_view(&r->e, &r->lenient, now);
	uint64_t until = all.until;

	for (struct link *link = r->links; link; link = link->next) {
		const struct entry_view view = record_view(r, link->use, now);

		if (view.until < until)
			until = view.until;
	}
	if (until == UINT64_MAX)
		heap_drop(&r->d->timers, &r->view);
	else
		heap_set(&r->d->timers, &r->view, until);
	say_state(r, all.state);
	check_uses(r);
}

static void
fire_view(struct due *due)
{
	show((void *)((char *)due - offsetof(struct record, view)));
}

struct record *
record_get(struct sl_dns *d, const char *name, int family)
{
	struct record *r = record_find(d, name, family);
	const size_t len = strlen(name);

	if (r)
		return r;
	r = sl_xcalloc(1, sizeof(*r) + len + 1);
	r->d = d;
	r->family = (uint8_t)family;
	r->ask.fire = fire_ask;
	r->view.fire = fire_view;
	memcpy(r->name, name, len + 1);
	r->hash = hash_of(name, family);
	grow(d);
	chain(d, r);
	d->n_records++;
	d->sorted_old = true;
	return r;
}

static void
set_pace(struct record *r, uint64_t interval_ns)
{
	// Questions go out in the last fifth of the interval, so nine tenths of it on average.
	const uint64_t pace =
		interval_ns == UINT64_MAX ? 0 : PACE_UNIT / (interval_ns - interval_ns / 10);

	r->d->pace += pace - r->pace;
	r->pace = pace;
}

void
record_drop(struct record *r)
{
	struct sl_dns *d = r->d;
	struct record **at = &d->slots[r->hash & (d->n_slots - 1)];

	while (*at != r)
		at = &(*at)->chain;
	*at = r->chain;
	d->n_records--;
	if (r->sorted)
		d->sorted[r->sorted - 1] = NULL;
	if (r->round)
		round_end(r->round);
	set_pace(r, UINT64_MAX);
	heap_drop(r->urgent ? &d->urgent : &d->refresh, &r->ask);
	heap_drop(&d->timers, &r->view);
	entry_fini(&r->e);
	free(r->refused);
	free(r->canonical);
	free(r);
}

// While a question is under way there is no next one.
void
record_plan(struct record *r)
{
	struct sl_dns *d = r->d;

	heap_drop(r->urgent ? &d->urgent : &d->refresh, &r->ask);
	set_pace(r, entry_interval(&r->e, &r->cfg));
	if (r->round || r->e.next_ns == UINT64_MAX)
		return;
	// Somebody waits for a first answer, and for what confirms an empty one.
	r->urgent = !r->e.settled || (r->e.empty && !r->e.confirmed && !r->e.failures);
	heap_set(r->urgent ? &d->urgent : &d->refresh, &r->ask, r->e.next_ns);
	resolver_wake(d);
}

void
record_now(struct record *r)
{
	if (r->round)
		return;
	heap_drop(r->urgent ? &r->d->urgent : &r->d->refresh, &r->ask);
	r->urgent = true;
	heap_set(&r->d->urgent, &r->ask, resolver_now(r->d));
	resolver_wake(r->d);
}

static bool
is_refused(const struct sl_ip *ip)
{
	return reject_why(ip, true) != NULL;
}

// Those of the last answer too: it would be used for as long as servers say the same again.
void
record_sift(struct record *r)
{
	entry_sift(&r->e, is_refused);
	show(r);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
set_times(struct record *r)
{
	const struct sl_dns *d = r->d;

	r->cfg.retry_min_ns = d->retry_min_ns;
	r->cfg.retry_max_ns = d->retry_max_ns;
	r->cfg.confirm_ns = d->confirm_ns;
}

void
record_uses_changed(struct record *r)
{
	const struct link *link = r->links;
	struct sl_name_policy all = link->use->policy;
	uint64_t ceiling = all.refresh_max_ns ? all.refresh_max_ns : UINT64_MAX;

	while ((link = link->next)) {
		const struct sl_name_policy *p = &link->use->policy;

		all.strict = all.strict && p->strict;
		all.first = all.first || p->first;
		all.refresh_min_ns = least(all.refresh_min_ns, p->refresh_min_ns);
		ceiling = least(ceiling, p->refresh_max_ns ? p->refresh_max_ns : UINT64_MAX);
		if (p->strict || p->max_stale_ns > all.max_stale_ns)
			all.max_stale_ns = p->strict ? UINT64_MAX : p->max_stale_ns;
	}
	r->lenient = all;
	r->cfg.floor_ns = all.refresh_min_ns;
	r->cfg.ceiling_ns = ceiling;
	set_times(r);
	entry_reclamp(&r->e, &r->cfg, resolver_now(r->d), &r->d->rnd);
	record_plan(r);
	show(r);
}

void
record_configure(struct record *r)
{
	set_times(r);
	record_plan(r);
}

void
record_take(struct record *r, const struct outcome *o)
{
	struct sl_dns *d = r->d;
	struct entry_news news;

	entry_take(&r->e, o, &r->cfg, resolver_now(d), &d->rnd, &news);
	if (news.unconfirmed)
		d->counter[SL_DNS_C_UNCONFIRMED]++;
	if (news.changed) {
		d->counter[SL_DNS_C_CHANGES]++;
		say_changed(r, &news);
	}
	free(news.old);
	record_plan(r);
	show(r);
}

static void
take_hosts(struct record *r, const struct sl_ip *ip, uint32_t n)
{
	struct reading *reading = &r->d->reading;
	struct outcome o = {.kind = OUTCOME_NODATA, .ttl = OUTCOME_NO_TTL, .fixed = true};

	reading->n = reading->n_refused = 0;
	reading->why = NULL;
	// The operator wrote it, so private ranges are fine.
	outcome_sift(ip, n, false, reading);
	say_refused(r, reading);
	o.error = n == 0                   ? "the hosts file has no address of this family"
		  : reading->n_refused > 0 ? outcome_error(OUTCOME_REJECTED)
					   : NULL;
	if (reading->n > 0)
		o = (struct outcome){OUTCOME_GOOD, reading->ip, reading->n, 0, NULL, true};
	if (r->round)
		round_end(r->round);
	r->server = (struct sl_dns_address){0};
	record_take(r, &o);
}

void
record_look(struct record *r)
{
	struct sl_ip ip[64];
	uint32_t n;

	if (hosts_find(&r->d->hosts, r->name, r->family, ip, SL_ARRAY_LEN(ip), &n)) {
		take_hosts(r, ip, n);
	} else if (r->e.fixed) {
		entry_unfix(&r->e, resolver_now(r->d));
		record_plan(r);
		show(r);
	}
}
