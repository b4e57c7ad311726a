// The endpoint of a new flow: the balancer's choice, and where it goes on from one that was tried.
#include "pick.h"

#include <errno.h>

#include "consistent.h"

#define TRIES 8 // choices of the balancer before any other endpoint is taken

// By hash, where priorities share the flows.
static const struct level *
level_of(const struct rest *rest, uint32_t hash)
{
	const struct level *t = rest->level;
	uint32_t at = hash % 100;

	for (uint32_t left = rest->n_levels - 1; left > 0 && at >= t->load; left--)
		at -= t++->load;
	return t;
}

static uint32_t
choose(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, const struct sl_fwd_ask *ask,
	unsigned attempt)
{
	const uint64_t rnd = attempt > 0 ? remix(ask->rnd + attempt) : ask->rnd;
	const struct level *t;

	switch (eps->algo) {
	case SL_FWD_LEAST_REQUEST:
		return least_request(eps, load, rnd, ask->now_ns);
	case SL_FWD_ROUND_ROBIN:
		return round_robin(eps, load, rnd, ask->now_ns);
	case SL_FWD_RANDOM:
		return random_draw(eps, rnd);
	case SL_FWD_MAGLEV:
		t = level_of(eps->rest, ask->hash);
		return t->first + maglev_find(&t->table, ask->hash, attempt);
	case SL_FWD_RING_HASH:
		t = level_of(eps->rest, ask->hash);
		return t->first + ring_find(&t->table, ask->hash, attempt);
	}
	return 0; // original destination
}

// ---- where a flow tries again ----

static bool
was_tried(const struct sl_fwd_eps *eps, uint32_t i, const struct sl_fwd_ask *ask)
{
	for (unsigned k = 0; k < ask->n_tried; k++)
		if (ask->tried[k] == eps->live[i].slot)
			return true;
	return false;
}

// From i on, round its priority, then the others in their order. Returns the index or -ENOENT.
static int64_t
walk(const struct sl_fwd_eps *eps, uint32_t i, const struct sl_fwd_ask *ask)
{
	const struct level *own = eps->rest->level;

	while (i >= own->first + own->n)
		own++;
	for (uint32_t k = 0; k < own->n; k++) {
		const uint32_t at = own->first + (i - own->first + k) % own->n;

		if (!was_tried(eps, at, ask))
			return at;
	}
	for (uint32_t at = 0; at < eps->n_live; at++)
		if (!was_tried(eps, at, ask))
			return at;
	return -ENOENT;
}

static int64_t
try_again(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, const struct sl_fwd_ask *ask)
{
	uint32_t i = 0;

	for (unsigned attempt = 0; attempt < TRIES; attempt++) {
		i = choose(eps, load, ask, attempt);
		if (!was_tried(eps, i, ask))
			return i;
	}
	return walk(eps, i, ask);
}

static bool
is_full(const struct sl_fwd_eps *eps, const struct sl_fwd_load *load)
{
	return eps->max_flows > 0 &&
	       __atomic_load_n(&load[eps->cluster_slot].active, __ATOMIC_RELAXED) >= eps->max_flows;
}

int
sl_fwd_pick(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, const struct sl_fwd_ask *ask,
	struct sl_fwd_choice *out)
{
	int64_t i;

	if (sl_unlikely(eps->split))
		eps = split_part(eps, ask);
	if (sl_unlikely(eps->n_live == 0))
		return eps->pending ? -EAGAIN : -ENOENT;
	if (is_full(eps, load))
		return -EDQUOT;
	i = sl_likely(ask->n_tried == 0) ? choose(eps, load, ask, 0) : try_again(eps, load, ask);
	if (i < 0)
		return (int)i;
	*out = (struct sl_fwd_choice){
		.ep = &eps->live[i], .cluster_slot = eps->cluster_slot, .policy = eps->policy};
	return 0;
}
