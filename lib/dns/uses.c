// Uses: what each of them sees of its records, and that it is told when that is something else.
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "resolver.h"
#include "sl_str.h"

// The better one stands first.
static const uint8_t rank[] = {
	[SL_DNS_FRESH] = 0,
	[SL_DNS_STALE] = 1,
	[SL_DNS_PENDING] = 2,
	[SL_DNS_REJECTED] = 3,
	[SL_DNS_FAILED] = 4,
	[SL_DNS_EMPTY] = 5,
};

struct entry_view
record_view(const struct record *r, const struct sl_dns_use *use, uint64_t now)
{
	return entry_view(&r->e, &use->policy, now);
}

static struct seen
look(const struct sl_dns_use *use, uint64_t now)
{
	struct seen seen = {.state = use->error ? SL_DNS_FAILED : SL_DNS_EMPTY};

	for (uint32_t i = 0; i < 2; i++) {
		const struct record *r = use->link[i].record;
		struct entry_view view;

		if (!r)
			continue;
		view = record_view(r, use, now);
		if (rank[view.state] < rank[seen.state])
			seen.state = view.state;
		seen.family[i].shown = view.shown;
		if (!view.shown)
			continue;
		seen.family[i].set = r->e.set_version;
		if (use->policy.first)
			seen.family[i].first = r->e.first_version;
	}
	return seen;
}

static bool
same(const struct seen *a, const struct seen *b)
{
	for (uint32_t i = 0; i < 2; i++)
		if (a->family[i].shown != b->family[i].shown ||
			a->family[i].set != b->family[i].set ||
			a->family[i].first != b->family[i].first)
			return false;
	return a->state == b->state;
}

static void
unmark(struct sl_dns_use *use)
{
	if (!use->dirty_prev)
		return;
	if (use->dirty_next)
		use->dirty_next->dirty_prev = use->dirty_prev;
	*use->dirty_prev = use->dirty_next;
	use->dirty_prev = NULL;
	use->dirty_next = NULL;
}

static void
mark(struct sl_dns_use *use)
{
	struct sl_dns *d = use->d;

	if (use->dirty_prev)
		return;
	use->dirty_next = d->dirty;
	use->dirty_prev = &d->dirty;
	if (use->dirty_next)
		use->dirty_next->dirty_prev = &use->dirty_next;
	d->dirty = use;
	resolver_wake(d);
}

static void
count_state(struct sl_dns_use *use, enum sl_dns_state state)
{
	use->d->n_pending -= use->state == SL_DNS_PENDING;
	use->d->n_pending += state == SL_DNS_PENDING;
	use->state = state;
}

void
use_check(struct sl_dns_use *use)
{
	const struct seen now = look(use, resolver_now(use->d));

	count_state(use, now.state);
	if (!same(&now, &use->told))
		mark(use);
}

// What went back to what was told before is not told. A use may be freed, and made, by who is told.
void
uses_tell(struct sl_dns *d)
{
	struct sl_dns_use *use;

	while ((use = d->dirty)) {
		const struct seen now = look(use, resolver_now(d));

		unmark(use);
		if (same(&now, &use->told))
			continue;
		use->told = now;
		if (use->fn)
			use->fn(use->ctx, use);
	}
}

static void
hang(struct sl_dns_use *use, uint32_t i, const char *name)
{
	struct sl_dns *d = use->d;
	struct link *link = &use->link[i];
	struct record *r = record_get(d, name, i == 0 ? AF_INET : AF_INET6);
	const bool anew = !r->links;

	link->use = use;
	link->record = r;
	link->next = r->links;
	link->prev = &r->links;
	if (link->next)
		link->next->prev = &link->next;
	r->links = link;
	if (anew)
		r->e.next_ns = resolver_now(d);
	record_uses_changed(r);
	if (anew)
		record_look(r);
}

struct sl_dns_use *
sl_dns_use_new(struct sl_dns *d, const char *name, const struct sl_name_policy *policy,
	sl_dns_fn *fn, void *ctx)
{
	struct sl_dns_use *use = sl_xcalloc(1, sizeof(*use));
	char clean[SL_DNS_NAME_MAX];

	use->d = d;
	use->policy = *policy;
	use->fn = fn;
	use->ctx = ctx;
	use->next = d->uses;
	use->prev = &d->uses;
	if (use->next)
		use->next->prev = &use->next;
	d->uses = use;
	use->state = SL_DNS_FAILED; // so far it counts as nothing
	use->error = name_check(name, clean);
	if (!use->error && !(policy->families & (SL_NAME_V4 | SL_NAME_V6)))
		use->error = "no address family is wanted";
	for (uint32_t i = 0; i < 2 && !use->error; i++)
		if (policy->families & (i == 0 ? SL_NAME_V4 : SL_NAME_V6))
			hang(use, i, clean);
	// What it sees from the beginning is not told.
	use->told = look(use, resolver_now(d));
	count_state(use, use->told.state);
	unmark(use);
	return use;
}

void
sl_dns_unuse(struct sl_dns_use *use)
{
	if (!use)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		struct link *link = &use->link[i];

		if (!link->record)
			continue;
		if (link->next)
			link->next->prev = link->prev;
		*link->prev = link->next;
		if (link->record->links)
			record_uses_changed(link->record);
		else
			record_drop(link->record);
	}
	count_state(use, SL_DNS_FAILED);
	unmark(use);
	if (use->next)
		use->next->prev = use->prev;
	*use->prev = use->next;
	free(use);
}

static const char *
error_of(const struct sl_dns_use *use, const struct entry_view view[2], enum sl_dns_state state)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct record *r = use->link[i].record;

		if (r && r->e.error && view[i].state == state)
			return r->e.error;
	}
	return use->error;
}

// The addresses: the record's own, or those of two put together.
static void
put_ips(const struct sl_dns_use *use, const struct entry_view view[2], struct sl_dns_view *out)
{
	struct sl_dns *d = use->d;

	for (uint32_t i = 0; i < 2; i++) {
		const struct record *r = use->link[i].record;

		if (!view[i].shown)
			continue;
		if (out->n == 0) {
			out->ip = r->e.ip;
			out->n = r->e.n;
			out->first = r->e.first;
			continue;
		}
		memcpy(d->both, out->ip, out->n * sizeof(*out->ip));
		memcpy(d->both + out->n, r->e.ip, r->e.n * sizeof(*out->ip));
		out->ip = d->both;
		out->n += r->e.n;
	}
}

void
sl_dns_get(const struct sl_dns_use *use, struct sl_dns_view *out)
{
	const uint64_t now = resolver_now(use->d);
	struct entry_view view[2] = {{.state = SL_DNS_EMPTY}, {.state = SL_DNS_EMPTY}};

	*out = (struct sl_dns_view){.state = look(use, now).state};
	for (uint32_t i = 0; i < 2; i++) {
		const struct record *r = use->link[i].record;

		if (!r)
			continue;
		view[i] = record_view(r, use, now);
		if (view[i].state == SL_DNS_STALE && out->state == SL_DNS_STALE)
			out->stale_ns = r->e.expires_ns;
	}
	put_ips(use, view, out);
	out->error = error_of(use, view, out->state);
}

uint32_t
sl_dns_pending(const struct sl_dns *d)
{
	return d->n_pending;
}
