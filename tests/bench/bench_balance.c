// How evenly balancers load endpoints, in a simulation without a clock: one new flow a step,
// lasting as long as its endpoint makes it. For docs/decisions/0005-weighted-least-request.md.
//
// random:  by weight alone
// ours:    sl_fwd_pick()
// edf:     Envoy's for unequal weights: earliest deadline first, where a picked endpoint comes
// again
//          after (active + 1) / weight
// "off" is the root mean square of an endpoint's flows against its share by weight, in percent of
// the share; with slow endpoints the flows that are there are shared, so slow ones should not be
// above the others. Each worker sees its own flows only: with several, flows go to them at random.
#include <math.h>

#include "sl_set.h"
#include "sl_test.h"

#define MAX_EPS     16
#define MAX_WORKERS 8
#define STEPS       400000u
#define HORIZON     65536u // longest flow, in steps

enum balancer {
	RANDOM,
	OURS,
	EDF,
	N_BALANCERS,
};

struct scenario {
	const char *name;
	uint32_t n;
	uint32_t weight[MAX_EPS];
	double slow; // how many times longer flows last on the last endpoint
	double mean; // steps that a flow lasts on the others
	unsigned workers;
};

struct worker {
	struct sl_fwd_load load[MAX_EPS];
	double deadline[MAX_EPS];
};

struct ending {
	uint32_t next; // in the same step, index + 1
	uint8_t ep;
	uint8_t worker;
};

static const struct scenario scenarios[] = {
	{"1 to 5, 1000 flows", 5, {1, 2, 3, 4, 5}, 1, 1000, 1},
	{"1 to 5, 1000 flows, 8 workers", 5, {1, 2, 3, 4, 5}, 1, 1000, 8},
	{"1 to 5, 20 flows", 5, {1, 2, 3, 4, 5}, 1, 20, 1},
	{"1, 1, 100, 1000 flows", 3, {1, 1, 100}, 1, 1000, 1},
	{"5 equal, the last 10 x slower", 5, {3, 3, 3, 3, 3}, 10, 200, 1},
	{"1 to 5, the last 10 x slower", 5, {1, 2, 3, 4, 5}, 10, 200, 1},
};

static uint64_t rnd;

static double
uniform(void)
{
	return (sl_test_rand(&rnd) >> 11) * 0x1p-53;
}

static uint32_t
pick_random(const struct scenario *s)
{
	double sum = 0, at;
	uint32_t i = 0;

	for (uint32_t k = 0; k < s->n; k++)
		sum += s->weight[k];
	for (at = uniform() * sum; i + 1 < s->n && at >= s->weight[i]; i++)
		at -= s->weight[i];
	return i;
}

static uint32_t
pick_edf(const struct scenario *s, struct worker *w)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < s->n; i++)
		if (w->deadline[i] < w->deadline[first])
			first = i;
	w->deadline[first] += (w->load[first].active + 1.0) / s->weight[first];
	return first;
}

static uint32_t
pick(const struct scenario *s, enum balancer b, struct worker *w, const struct sl_fwd_eps *eps)
{
	if (b == RANDOM)
		return pick_random(s);
	if (b == EDF)
		return pick_edf(s, w);
	return sl_set_pick(eps, w->load, sl_test_rand(&rnd))->slot;
}

static struct sl_fwd_eps *
set_of(const struct scenario *s)
{
	struct sl_fwd_ep ep[MAX_EPS];

	for (uint32_t i = 0; i < s->n; i++)
		ep[i] = (struct sl_fwd_ep){.weight = s->weight[i], .slot = i};
	return sl_set_flat(ep, s->n);
}

struct outcome {
	double square[MAX_EPS]; // summed over steps, of the distance from the share
	double flows[MAX_EPS];
	unsigned steps;
};

static void
account(const struct scenario *s, const struct worker *w, struct outcome *o)
{
	double active[MAX_EPS] = {0}, total = 0, weight = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < s->workers; k++)
			active[i] += w[k].load[i].active;
		total += active[i];
		weight += s->weight[i];
	}
	for (uint32_t i = 0; i < s->n && total > 0; i++) {
		const double share = total * s->weight[i] / weight;

		o->square[i] += (active[i] / share - 1) * (active[i] / share - 1);
		o->flows[i] += active[i] / s->weight[i];
	}
	o->steps++;
}

static struct outcome
simulate(const struct scenario *s, enum balancer b)
{
	static struct ending ending[STEPS];
	static uint32_t at[HORIZON]; // first ending of a step, index + 1
	static struct worker w[MAX_WORKERS];
	struct sl_fwd_eps *eps = set_of(s);
	struct outcome o = {.steps = 0};

	memset(at, 0, sizeof(at));
	memset(w, 0, sizeof(w));
	for (uint32_t step = 0; step < STEPS; step++) {
		for (uint32_t e = at[step % HORIZON]; e; e = ending[e - 1].next)
			w[ending[e - 1].worker].load[ending[e - 1].ep].active--;
		at[step % HORIZON] = 0;

		const uint8_t k = sl_test_rand(&rnd) % s->workers;
		const uint32_t i = pick(s, b, &w[k], eps);
		const double mean = i == s->n - 1 ? s->mean * s->slow : s->mean;
		const double lasts = fmin(1 - log(1 - uniform()) * mean, HORIZON - 1);
		uint32_t *end = &at[(step + (uint32_t)lasts) % HORIZON];

		w[k].load[i].active++;
		ending[step] = (struct ending){.next = *end, .ep = i, .worker = k};
		*end = step + 1;
		if (step > STEPS / 4 && step % 64 == 0)
			account(s, w, &o);
	}
	sl_fwd_eps_put(eps);
	return o;
}

static void
report(const struct scenario *s, const char *name, const struct outcome *o)
{
	double worst = 0, others = 0;

	for (uint32_t i = 0; i < s->n; i++)
		worst = fmax(worst, sqrt(o->square[i] / o->steps));
	for (uint32_t i = 0; i + 1 < s->n; i++)
		others += o->flows[i] / (s->n - 1);
	printf("%-32s %-7s worst off %6.1f %%, flows per weight of the last %5.2f x the others'\n",
		s->name, name, 100 * worst, o->flows[s->n - 1] / others);
}

int
main(void)
{
	const char *const name[] = {"random", "ours", "edf"};

	for (size_t i = 0; i < SL_ARRAY_LEN(scenarios); i++) {
		for (enum balancer b = 0; b < N_BALANCERS; b++) {
			struct outcome o;

			rnd = 0x51ce;
			o = simulate(&scenarios[i], b);
			report(&scenarios[i], name[b], &o);
		}
	}
	return 0;
}
