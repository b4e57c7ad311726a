// Which destinations fill up, as seen from another thread: the sets say which are dense, and a
// place's share of its slot's count how many of its ports are taken. Two dense places in one slot
// are told apart by what their sets know.
#include "sport.h"

#include <stdlib.h>

#include "sl_str.h"

#define DENSE 16 // one in so many of a place's ports is taken at least
// Of what is dense at one address, so many times more than asked for are looked at everywhere:
// which of them are the fullest is only known then.
#define CANDIDATES 4

// A dense place, and in the end a destination.
struct dense {
	uint64_t destination; // the place of all addresses
	int64_t taken;
	int64_t excess; // what its slots say beyond that
	uint32_t total;
};

static uint32_t
n_taken(const struct sl_sport *s)
{
	return sl_sport_lent(s, SL_PROTO_TCP) + sl_sport_lent(s, SL_PROTO_UDP) +
	       sl_sport_resting(s, SL_PROTO_TCP) + sl_sport_resting(s, SL_PROTO_UDP);
}

// What the slot has beyond its share of all the others' flows.
static uint32_t
slot_taken(const struct sl_sport *s, uint64_t place)
{
	const struct slot *slot = slot_of(s, place);
	const uint32_t taken = __atomic_load_n(&slot->taken, __ATOMIC_RELAXED);
	const uint32_t all = n_taken(s);
	const uint32_t usual = all > taken ? (all - taken) / (N_SLOTS - 1) : 0;
	const uint32_t here = taken > usual ? taken - usual : 0;

	return here < s->n_own ? here : s->n_own;
}

static uint32_t
set_taken(const struct sl_sport *s, const struct set *set, uint32_t slot)
{
	const uint32_t n_free = __atomic_load_n(&set->n_free, __ATOMIC_RELAXED);
	const uint32_t most = n_free < s->n_own ? s->n_own - n_free : 0;

	if (__atomic_load_n(&set->n_unknown, __ATOMIC_RELAXED) == 0)
		return most;
	return slot < most ? slot : most;
}

static bool
look_at(const struct sl_sport *s, uint32_t number, struct dense *out)
{
	const struct set *set = set_at(s, number);
	const uint64_t place = __atomic_load_n(&set->place, __ATOMIC_RELAXED);

	if (place == 0 || (place & ALL_ADDRS) == ALL_ADDRS)
		return false;
	const uint32_t slot = slot_taken(s, place), taken = set_taken(s, set, slot);

	*out = (struct dense){
		.destination = place | ALL_ADDRS, .taken = taken, .excess = (int64_t)slot - taken};
	return taken > 0 && taken >= s->n_own / DENSE;
}

static struct dense *
find_dense(const struct sl_sport *const sports[], unsigned n_workers, size_t *n)
{
	struct dense *v;
	size_t max = 0;

	*n = 0;
	for (unsigned w = 0; w < n_workers; w++)
		max += sports[w]->n_sets;
	v = sl_xcalloc(max, sizeof(*v));
	for (unsigned w = 0; w < n_workers; w++) {
		const uint32_t n_used = __atomic_load_n(&sports[w]->n_used, __ATOMIC_RELAXED);

		for (uint32_t i = 1; i <= n_used; i++)
			*n += look_at(sports[w], i, &v[*n]);
	}
	return v;
}

static int
by_destination(const void *a, const void *b)
{
	const struct dense *x = a, *y = b;

	return (x->destination > y->destination) - (x->destination < y->destination);
}

static int
by_taken(const void *a, const void *b)
{
	const struct dense *x = a, *y = b;

	if (x->taken != y->taken)
		return x->taken < y->taken ? 1 : -1;
	return by_destination(a, b);
}

// Places of the same destination become one. Returns how many there are.
static size_t
add_up(struct dense *v, size_t n)
{
	size_t kept = 0;

	qsort(v, n, sizeof(*v), by_destination);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || v[kept - 1].destination != v[i].destination) {
			v[kept++] = v[i];
			continue;
		}
		v[kept - 1].taken += v[i].taken;
		v[kept - 1].excess += v[i].excess;
	}
	return kept;
}

// The addresses and workers that it is not dense at count too.
static void
look_everywhere(const struct sl_sport *const sports[], unsigned n_workers, struct dense *d)
{
	d->taken = -d->excess;
	for (unsigned w = 0; w < n_workers; w++) {
		const struct sl_sport *s = sports[w];

		for (uint32_t a = 0; a < s->n_addrs; a++)
			d->taken += slot_taken(s, (d->destination & ~(uint64_t)ALL_ADDRS) | a);
		d->total += sl_sport_total(s);
	}
	d->taken = d->taken < 0 ? 0 : d->taken;
	d->taken = d->taken < d->total ? d->taken : d->total;
}

unsigned
sl_sport_fullest(const struct sl_sport *const sports[], unsigned n_workers,
	struct sl_sport_fill *out, unsigned max)
{
	size_t n;
	struct dense *v = find_dense(sports, n_workers, &n);

	n = add_up(v, n);
	qsort(v, n, sizeof(*v), by_taken);
	n = n < (size_t)max * CANDIDATES ? n : (size_t)max * CANDIDATES;
	for (size_t i = 0; i < n; i++)
		look_everywhere(sports, n_workers, &v[i]);
	qsort(v, n, sizeof(*v), by_taken);
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = (struct sl_sport_fill){
			.addr = (sl_be32)(v[i].destination >> 32),
			.port = (sl_be16)(v[i].destination >> 16),
			.proto = place_proto(v[i].destination) ? SL_PROTO_UDP : SL_PROTO_TCP,
			.taken = (uint32_t)v[i].taken,
			.total = v[i].total,
		};
	free(v);
	return (unsigned)n;
}
