// Round robin: a worker goes through the turns of a set, one for each new flow. An endpoint has as
// many turns as its share of the weights, and they lie in the order in which earliest deadline
// first would take them: the k-th of c turns at k / c of the round, the endpoint listed first on a
// tie.
#include <errno.h>
#include <stdlib.h>

#include "pick.h"
#include "warm.h"

#define TURNS_MAX   65536 // of exact shares
#define TURNS_LEAST 1024  // where shares have to be rounded: at least, and 15 an endpoint
#define TURNS_EACH  15

struct turn {
	uint32_t k; // from 1
	uint32_t of;
	uint16_t index;
};

static int
cmp_turn(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;
	const uint64_t left = (uint64_t)a->k * b->of, right = (uint64_t)b->k * a->of;

	if (left != right)
		return left < right ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static uint64_t
gcd(uint64_t a, uint64_t b)
{
	while (b) {
		const uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

static uint64_t
sum_of(const uint64_t *mass, uint32_t n, uint64_t *divisor)
{
	uint64_t sum = 0;

	*divisor = 0;
	for (uint32_t i = 0; i < n; i++) {
		sum += mass[i];
		*divisor = gcd(mass[i], *divisor);
	}
	return sum;
}

// Turns by mass: exact ones where they are few enough. Returns their sum.
static uint32_t
count_turns(const uint64_t *mass, uint32_t n, uint32_t *count)
{
	uint64_t divisor;
	const uint64_t sum = sum_of(mass, n, &divisor);
	const uint32_t some = n * TURNS_EACH > TURNS_LEAST ? n * TURNS_EACH : TURNS_LEAST;
	uint32_t turns = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (sum / divisor <= TURNS_MAX)
			count[i] = mass[i] / divisor;
		else
			count[i] = ((unsigned __int128)mass[i] * some + sum / 2) / sum;
		count[i] += count[i] == 0 && mass[i] > 0;
		turns += count[i];
	}
	return turns;
}

static bool
all_equal(const uint64_t *mass, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (mass[i] != mass[0])
			return false;
	return true;
}

int
turns_make(struct rest *rest, const uint64_t *mass, uint32_t n)
{
	uint32_t *count, at = 0;
	struct turn *turn;

	rest->n_turns = n;
	if (all_equal(mass, n))
		return 0;
	count = malloc(n * sizeof(*count));
	if (!count)
		return -ENOMEM;
	rest->n_turns = count_turns(mass, n, count);
	turn = malloc(rest->n_turns * sizeof(*turn));
	rest->turn = malloc(rest->n_turns * sizeof(*rest->turn));
	if (!turn || !rest->turn) {
		free(count);
		free(turn);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 1; k <= count[i]; k++)
			turn[at++] = (struct turn){.k = k, .of = count[i], .index = i};
	qsort(turn, at, sizeof(*turn), cmp_turn);
	for (uint32_t i = 0; i < at; i++)
		rest->turn[i] = turn[i].index;
	free(count);
	free(turn);
	return 0;
}

static uint32_t
next(const struct rest *rest, uint32_t *cursor)
{
	const uint32_t at = *cursor < rest->n_turns ? *cursor : *cursor % rest->n_turns;

	*cursor = at + 1;
	return rest->turn ? rest->turn[at] : at;
}

uint32_t
round_robin(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, uint64_t rnd, uint64_t now_ns)
{
	uint32_t *cursor = &load[eps->cluster_slot].cursor;
	uint32_t i = next(eps->rest, cursor);

	if (sl_likely(!eps->warms) || !warming(eps, now_ns))
		return i;
	for (unsigned k = 1; k < WARM_DRAWS && !warm_enough(eps, i, rnd, now_ns); k++) {
		rnd = remix(rnd);
		i = next(eps->rest, cursor);
	}
	return i;
}
