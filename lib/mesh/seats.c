// Stable matching with one order of ranks for all addresses: it is unique, so that a step (one
// comes, goes, an address is reserved) repairs what it broke and ends where a fresh start would.
#include "seats.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// One that asked for the address and did not get it: first in line when it comes free.
struct waiter {
	struct waiter *next;
	struct seat *seat;
	uint32_t tried; // the seat's, when it asked
};

struct seat_cell {
	struct seat *holder;
	uint64_t rank; // the holder's: most who ask lose, and need not look at it
	struct waiter *waiting;
	uint32_t reserved;
};

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

// The n-th address that a seat asks for. The step is odd: every address comes once.
static struct seat_cell *
asked(const struct range *r, const struct seat *s, uint32_t n)
{
	const uint64_t start = sl_mix64(s->hash + GOLDEN);
	const uint64_t step = sl_mix64(s->hash + 2 * GOLDEN) | 1;

	return &r->cell[(start + n * step) & r->mask];
}

static uint64_t
rank_of(const struct seat *s)
{
	return sl_mix64(s->hash + 3 * GOLDEN);
}

static bool
better(const struct seat *a, const struct seat *b)
{
	const uint64_t x = rank_of(a), y = rank_of(b);

	return x != y ? x < y : strcmp(a->key, b->key) < 0;
}

static bool
beats_holder(const struct seat *s, const struct seat_cell *c)
{
	const uint64_t rank = rank_of(s);

	return rank != c->rank ? rank < c->rank : strcmp(s->key, c->holder->key) < 0;
}

static void
hold(struct seat_cell *c, struct seat *s)
{
	c->holder = s;
	c->rank = rank_of(s);
}

// ---- lists ----

static void
list_add(struct seat_list *l, struct seat *s)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->v = sl_xrealloc(l->v, l->cap, sizeof(struct seat *));
	}
	s->at = l->n;
	l->v[l->n++] = s;
}

static void
list_del(struct seat_list *l, struct seat *s)
{
	struct seat *last = l->v[--l->n];

	l->v[s->at] = last;
	last->at = s->at;
}

static struct seat *
list_best(const struct seat_list *l, bool worst)
{
	struct seat *found = NULL;

	for (uint32_t i = 0; i < l->n; i++) {
		if (!found || better(l->v[i], found) != worst)
			found = l->v[i];
	}
	return found;
}

// ---- who waits at an address ----

static void
wait_at(struct seat_cell *c, struct seat *s)
{
	struct waiter *w = sl_xcalloc(1, sizeof(*w));

	*w = (struct waiter){.next = c->waiting, .seat = s, .tried = s->tried};
	c->waiting = w;
}

static void
leave(struct seat_cell *c, const struct seat *s)
{
	struct waiter **link = &c->waiting, *w;

	while ((*link)->seat != s)
		link = &(*link)->next;
	w = *link;
	*link = w->next;
	free(w);
}

// It asks for that one again, from the n-th on.
static void
go_back(const struct range *r, struct seat *s, uint32_t n)
{
	for (uint32_t i = n; i < s->tried; i++)
		leave(asked(r, s, i), s);
	s->tried = n;
}

// ---- taking and leaving an address ----

// There is a free address for it, and each seat asks for every address.
static void
settle_down(struct range *r, struct seat *s)
{
	for (;;) {
		struct seat_cell *c = asked(r, s, s->tried);
		struct seat *out = c->holder;

		if (!c->reserved && (!out || beats_holder(s, c))) {
			hold(c, s);
			r->moved(r->ctx, s);
			if (!out)
				return;
			s = out;
		}
		wait_at(c, s);
		s->tried++;
	}
}

// The best that waits for a free address moves there, and leaves one behind.
static void
refill(struct range *r, struct seat_cell *c)
{
	while (!c->reserved) {
		const struct waiter *best = NULL;

		for (const struct waiter *w = c->waiting; w; w = w->next) {
			if (!best || better(w->seat, best->seat))
				best = w;
		}
		if (!best)
			return;
		struct seat *s = best->seat;
		struct seat_cell *left = asked(r, s, s->tried);

		go_back(r, s, best->tried);
		left->holder = NULL;
		hold(c, s);
		r->moved(r->ctx, s);
		c = left;
	}
}

static void
sit(struct range *r, struct seat *s)
{
	s->tried = 0;
	s->seated = true;
	list_add(&r->seated, s);
	settle_down(r, s);
}

static void
stand_up(struct range *r, struct seat *s)
{
	struct seat_cell *c = asked(r, s, s->tried);

	go_back(r, s, 0);
	c->holder = NULL;
	s->seated = false;
	list_del(&r->seated, s);
	r->moved(r->ctx, s);
	refill(r, c);
}

static void
send_away_worst(struct range *r)
{
	struct seat *worst = list_best(&r->seated, true);

	stand_up(r, worst);
	list_add(&r->without, worst);
}

static void
let_in(struct range *r)
{
	while (r->without.n && r->seated.n < r->n_free) {
		struct seat *best = list_best(&r->without, false);

		list_del(&r->without, best);
		sit(r, best);
	}
}

void
range_add(struct range *r, struct seat *s)
{
	s->seated = false;
	list_add(&r->without, s);
	if (r->seated.n == r->n_free && r->seated.n && better(s, list_best(&r->seated, true)))
		send_away_worst(r);
	let_in(r);
}

void
range_del(struct range *r, struct seat *s)
{
	if (!s->seated) {
		list_del(&r->without, s);
		return;
	}
	stand_up(r, s);
	let_in(r);
}

// ---- what is reserved ----

static void
reserve_cell(struct range *r, struct seat_cell *c)
{
	struct seat *s;

	if (c->reserved++)
		return;
	r->n_free--;
	if (r->seated.n > r->n_free)
		send_away_worst(r);
	s = c->holder;
	if (!s)
		return;
	c->holder = NULL;
	wait_at(c, s);
	s->tried++;
	settle_down(r, s);
}

static void
release_cell(struct range *r, struct seat_cell *c)
{
	if (--c->reserved)
		return;
	r->n_free++;
	refill(r, c);
	let_in(r);
}

static uint32_t
low_bits(const struct sl_ip *ip)
{
	uint32_t v6;

	if (ip->family == AF_INET)
		return sl_be32_to_cpu(ip->v4);
	memcpy(&v6, &ip->v6[12], sizeof(v6));
	return sl_be32_to_cpu(v6);
}

void
range_reserve(struct range *r, const struct sl_prefix *p, int by)
{
	const unsigned width = r->whole.addr.family == AF_INET6 ? 128 : 32;
	uint32_t first = 0, n = r->mask + 1;

	if (!r->cell || p->addr.family != r->whole.addr.family || p->len < r->whole.len)
		return;
	if (p->len >= r->used.len) {
		if (!sl_prefix_contains(&r->used, &p->addr))
			return;
		n = UINT32_C(1) << (width - p->len);
		first = low_bits(&p->addr) & r->mask & ~(n - 1);
	} else if (!sl_prefix_contains(p, &r->used.addr)) {
		return;
	}
	for (uint32_t i = first; i - first < n; i++) {
		if (by > 0)
			reserve_cell(r, &r->cell[i]);
		else
			release_cell(r, &r->cell[i]);
	}
}

// ---- the range ----

void
range_init(struct range *r, const struct sl_prefix *prefix,
	void (*moved)(void *ctx, struct seat *s), void *ctx)
{
	const unsigned width = prefix->addr.family == AF_INET6 ? 128 : 32;
	const unsigned bits = width - prefix->len;

	*r = (struct range){.whole = *prefix, .moved = moved, .ctx = ctx};
	if (!prefix->addr.family)
		return;
	sl_prefix_mask(&r->whole);
	r->used = r->whole;
	if (bits > SEATS_MAX_BITS)
		r->used.len = width - SEATS_MAX_BITS;
	r->mask = (UINT32_C(1) << (width - r->used.len)) - 1;
	r->n_free = r->mask + 1;
	r->cell = sl_xcalloc(r->n_free, sizeof(*r->cell));
	// The network's address, and broadcast.
	reserve_cell(r, &r->cell[0]);
	reserve_cell(r, &r->cell[r->mask]);
}

void
range_fini(struct range *r)
{
	for (uint32_t i = 0; r->cell && i <= r->mask; i++) {
		for (struct waiter *w = r->cell[i].waiting, *next; w; w = next) {
			next = w->next;
			free(w);
		}
	}
	free(r->cell);
	free(r->seated.v);
	free(r->without.v);
	*r = (struct range){0};
}

struct sl_ip
range_address(const struct range *r, const struct seat *s)
{
	struct sl_ip ip = r->used.addr;
	uint32_t low;

	if (!r->cell || !s->seated)
		return (struct sl_ip){0};
	low = low_bits(&ip) | (uint32_t)(asked(r, s, s->tried) - r->cell);
	low = sl_cpu_to_be32(low);
	if (ip.family == AF_INET)
		ip.v4 = low;
	else
		memcpy(&ip.v6[12], &low, sizeof(low));
	return ip;
}
