// Ports that rest: a ring in the order in which they were given back, and chains by hash.
#include "sport.h"

static uint32_t *
chain_of(const struct sl_sport *s, uint64_t place, uint32_t port)
{
	const uint64_t hash =
		sl_flow_fold_mul(place ^ s->secret[1], s->secret[0] + 2 * (uint64_t)port);

	return &s->rests.chain[hash & (s->rests.size - 1)];
}

bool
sport_rests(const struct sl_sport *s, uint64_t place, uint32_t port)
{
	const struct rests *r = &s->rests;

	if (sl_likely(r->n == 0))
		return false;
	for (uint32_t i = *chain_of(s, place, port); i; i = r->ring[i - 1].next)
		if (r->ring[i - 1].place == place && r->ring[i - 1].port == port)
			return true;
	return false;
}

static void
add_resting(struct sl_sport *s, uint64_t place, uint32_t n)
{
	uint32_t *resting = &s->resting[place_proto(place)];

	__atomic_store_n(resting, *resting + n, __ATOMIC_RELAXED);
}

static void
release_first(struct sl_sport *s)
{
	struct rests *r = &s->rests;
	const struct rest *first = &r->ring[r->head];
	uint32_t *link = chain_of(s, first->place, first->port);

	while (*link != r->head + 1)
		link = &r->ring[*link - 1].next;
	*link = first->next;
	r->head = (r->head + 1) & (r->size - 1);
	r->n--;
	add_resting(s, first->place, UINT32_MAX);
	sport_free_port(s, first->place, first->port);
}

void
sport_rest_add(struct sl_sport *s, uint64_t place, uint32_t port, sl_tick until)
{
	struct rests *r = &s->rests;

	if (r->n == r->size)
		release_first(s);
	const uint32_t at = (r->head + r->n) & (r->size - 1);
	uint32_t *chain = chain_of(s, place, port);

	r->ring[at] = (struct rest){
		.place = place, .until = until, .next = *chain, .port = (uint16_t)port};
	*chain = at + 1;
	r->n++;
	add_resting(s, place, 1);
}

void
sl_sport_wake(struct sl_sport *s, sl_tick now, unsigned budget)
{
	const struct rests *r = &s->rests;

	for (; budget > 0 && r->n > 0 && r->ring[r->head].until <= now; budget--)
		release_first(s);
}
