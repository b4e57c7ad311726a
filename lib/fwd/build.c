// From the spec of a set to what is drawn from: live endpoints by priority and locality, their
// shares, and the tables of the balancer.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consistent.h"
#include "priority.h"
#include "sl_ip.h"

struct draft {
	struct rest *rest;
	const struct sl_fwd_eps_spec *spec;
	const struct sl_fwd_group *group;
	uint32_t n_groups;
	struct sl_fwd_group whole; // when the spec has none
	struct priority prio[SL_FWD_PRIORITIES];
	uint64_t weights[SL_FWD_PRIORITIES]; // of localities, effective; 0: weighted alike
	uint32_t n_prios;
	struct sl_fwd_eps *eps;
	uint64_t *mass;     // per live endpoint, scratch
	uint64_t *lot_mass; // per lot
	uint64_t *raw;      // per live endpoint: weight of its locality as given
};

static uint32_t
healthy(const struct sl_fwd_ep *ep, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += !ep[i].down;
	return count;
}

// A locality's weight falls with its health, in units of 2^-10.
static uint64_t
effective(const struct sl_fwd_group *g, const struct sl_fwd_ep *ep)
{
	const uint64_t all = 100ull * g->n, up = (uint64_t)OVERPROVISION * healthy(ep, g->n);

	return g->n == 0 ? 0 : ((uint64_t)g->weight * (up < all ? up : all) << 10) / all;
}

static void
survey(struct draft *d)
{
	const struct sl_fwd_ep *ep = d->spec->ep;

	for (uint32_t i = 0; i < d->n_groups; ep += d->group[i++].n) {
		const struct sl_fwd_group *g = &d->group[i];
		struct priority *p = &d->prio[g->priority];

		p->total += g->n;
		p->healthy += healthy(ep, g->n);
		if (d->spec->locality_weighted)
			d->weights[g->priority] += effective(g, ep);
		d->n_prios = g->priority + 1u;
	}
	priority_loads(d->prio, d->n_prios, d->spec->min_health_percent);
	for (uint32_t i = 0; i < d->n_prios; i++)
		if (d->prio[i].panic)
			d->weights[i] = 0; // localities count no more
}

static bool
is_live(const struct draft *d, const struct sl_fwd_group *g, const struct sl_fwd_ep *ep)
{
	const uint8_t p = g->priority;

	return (!ep->down || d->prio[p].panic) && (d->weights[p] == 0 || g->weight > 0);
}

static uint32_t
count_live(const struct draft *d)
{
	const struct sl_fwd_ep *ep = d->spec->ep;
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n_groups; i++)
		for (uint32_t k = 0; k < d->group[i].n; k++)
			n += is_live(d, &d->group[i], ep++);
	return n;
}

static bool
draws_by_weight(const struct sl_fwd_eps_spec *spec)
{
	return spec->algo == SL_FWD_LEAST_REQUEST || spec->algo == SL_FWD_RANDOM;
}

static int
alloc(struct draft *d)
{
	const uint32_t n = count_live(d), n_aliases = draws_by_weight(d->spec) ? n : 0;
	const size_t head = sizeof(*d->eps) + n_aliases * sizeof(struct alias);
	const size_t size = head + n * sizeof(struct sl_fwd_ep);
	struct rest *rest = d->rest;

	// aligned_alloc() wants a multiple of the alignment.
	d->eps = aligned_alloc(SL_CACHE_LINE, (size + SL_CACHE_LINE - 1) & ~(SL_CACHE_LINE - 1ul));
	if (!d->eps)
		return -ENOMEM;
	*d->eps = (struct sl_fwd_eps){.refs = 1,
		.cluster_slot = d->spec->cluster_slot,
		.max_flows = d->spec->max_flows,
		.policy = d->spec->policy,
		.pending = d->spec->pending,
		.algo = d->spec->algo,
		.live = (void *)((char *)d->eps + head),
		.rest = rest};
	d->eps->lot = malloc((d->n_groups + 1) * sizeof(*d->eps->lot));
	d->lot_mass = malloc((d->n_groups + 1) * sizeof(*d->lot_mass));
	d->mass = calloc(n + 1, sizeof(*d->mass));
	d->raw = malloc((n + 1) * sizeof(*d->raw));
	rest->level = calloc(d->n_prios + 1, sizeof(*rest->level));
	if (d->spec->since_ns)
		rest->since = malloc((n + 1) * sizeof(*rest->since));
	if (!d->eps->lot || !d->lot_mass || !d->mass || !d->raw || !rest->level ||
		(d->spec->since_ns && !rest->since))
		return -ENOMEM;
	return 0;
}

static void
add_ep(struct draft *d, uint32_t index, const struct sl_fwd_group *g)
{
	struct rest *rest = d->rest;
	const uint32_t at = d->eps->n_live++;

	d->eps->live[at] = d->spec->ep[index];
	d->raw[at] = g->weight;
	if (!rest->since)
		return;
	rest->since[at] = d->spec->since_ns[index];
	if (rest->since[at] + d->spec->warmup_ns > rest->warm_until)
		rest->warm_until = rest->since[at] + d->spec->warmup_ns;
}

// Live endpoints from `first` on, of the group, take part in the draws: of a lot of their own
// where localities have weights, else of that of their priority.
static void
add_to_lot(struct draft *d, const struct sl_fwd_group *g, const struct sl_fwd_ep *ep,
	uint32_t first, bool same_priority)
{
	struct sl_fwd_eps *eps = d->eps;
	const uint64_t load = d->prio[g->priority].load, all = d->weights[g->priority];
	const uint32_t n = eps->n_live - first;
	uint64_t mass = load << 32;

	if (load == 0 || n == 0)
		return;
	if (all == 0 && same_priority) {
		eps->lot[eps->n_lots - 1].n += n;
		return;
	}
	if (all > 0)
		mass = (unsigned __int128)mass * effective(g, ep) / all;
	d->lot_mass[eps->n_lots] = mass > 0 ? mass : 1;
	eps->lot[eps->n_lots++] = (struct lot){.first = first, .n = n};
}

static void
add_groups(struct draft *d)
{
	struct rest *rest = d->rest;
	struct level *level = NULL;
	uint32_t at = 0, last = UINT32_MAX;

	for (uint32_t i = 0; i < d->n_groups; at += d->group[i++].n) {
		const struct sl_fwd_group *g = &d->group[i];
		const uint32_t first = d->eps->n_live;

		for (uint32_t k = 0; k < g->n; k++)
			if (is_live(d, g, &d->spec->ep[at + k]))
				add_ep(d, at + k, g);
		if (d->eps->n_live == first)
			continue;
		if (g->priority != last) {
			level = &rest->level[rest->n_levels++];
			*level = (struct level){.first = first, .load = d->prio[g->priority].load};
		}
		level->n = d->eps->n_live - level->first;
		add_to_lot(d, g, &d->spec->ep[at], first, g->priority == last);
		last = g->priority;
	}
}

// ---- what the balancers need ----

static uint64_t
sum_weights(const struct sl_fwd_ep *ep, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += ep[i].weight;
	return sum;
}

// part * weight / sum, at least 1: an endpoint with a weight has a share.
static uint64_t
portion(uint64_t part, uint64_t weight, uint64_t sum)
{
	const uint64_t mass = (unsigned __int128)part * weight / sum;

	return mass > 0 ? mass : 1;
}

static int
make_aliases(struct draft *d)
{
	struct sl_fwd_eps *eps = d->eps;
	int rc = 0;

	for (uint32_t i = 0; i < eps->n_live; i++)
		d->mass[i] = eps->live[i].weight;
	for (uint32_t i = 0; i < eps->n_lots && rc == 0; i++) {
		const struct lot *p = &eps->lot[i];

		rc = alias_make(
			eps->alias + p->first, sizeof(struct alias), d->mass + p->first, p->n);
	}
	if (rc == 0 && eps->n_lots > 0)
		rc = alias_make(&eps->lot->alias, sizeof(struct lot), d->lot_mass, eps->n_lots);
	return rc;
}

static int
make_turns(struct draft *d)
{
	const struct sl_fwd_eps *eps = d->eps;

	for (uint32_t i = 0; i < eps->n_lots; i++) {
		const struct lot *p = &eps->lot[i];
		const struct sl_fwd_ep *ep = eps->live + p->first;
		const uint64_t sum = sum_weights(ep, p->n);

		for (uint32_t k = 0; k < p->n; k++)
			d->mass[p->first + k] =
				eps->n_lots == 1 ? ep[k].weight
						 : portion(d->lot_mass[i], ep[k].weight, sum);
	}
	return eps->n_live > 0 ? turns_make(d->rest, d->mass, eps->n_live) : 0;
}

// Live endpoints of a priority, with shares by locality where these have weights: by the weights as
// they are given, whatever the health.
static void
list_members(const struct draft *d, const struct level *t, struct member *m)
{
	const struct sl_fwd_eps *eps = d->eps;
	uint64_t all = 0;

	for (uint32_t i = 0; i < eps->n_lots; i++)
		if (eps->lot[i].first >= t->first && eps->lot[i].first < t->first + t->n)
			all += d->raw[eps->lot[i].first];
	for (uint32_t i = 0; i < eps->n_lots; i++) {
		const struct lot *p = &eps->lot[i];
		const uint64_t sum = sum_weights(eps->live + p->first, p->n);

		if (p->first < t->first || p->first >= t->first + t->n)
			continue;
		for (uint32_t k = p->first; k < p->first + p->n; k++) {
			const struct sl_fwd_ep *ep = &eps->live[k];
			struct member *to = &m[k - t->first];
			char text[SL_IP_STRLEN];

			to->index = k - t->first;
			to->mass = ep->weight;
			if (p->n < t->n)
				to->mass = portion(
					((unsigned __int128)d->raw[k] << 39) / (all > 0 ? all : 1),
					ep->weight, sum);
			snprintf(to->name, sizeof(to->name), "%.15s:%u", sl_ip4_str(ep->addr, text),
				sl_be16_to_cpu(ep->port));
		}
	}
}

static int
make_tables(struct draft *d)
{
	const uint32_t size = d->spec->table_size;
	struct member *m = malloc((d->eps->n_live + 1) * sizeof(*m));
	int rc = m ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < d->rest->n_levels && rc == 0; i++) {
		struct level *t = &d->rest->level[i];

		if (t->load == 0 || t->n < 2)
			continue;
		list_members(d, t, m);
		if (d->spec->algo == SL_FWD_MAGLEV)
			rc = maglev_make(&t->table, m, t->n, size);
		else
			rc = ring_make(&t->table, m, t->n, size);
	}
	free(m);
	return rc;
}

static int
make_balancer(struct draft *d)
{
	switch (d->spec->algo) {
	case SL_FWD_LEAST_REQUEST:
	case SL_FWD_RANDOM:
		return make_aliases(d);
	case SL_FWD_ROUND_ROBIN:
		return make_turns(d);
	case SL_FWD_MAGLEV:
	case SL_FWD_RING_HASH:
		return make_tables(d);
	case SL_FWD_ORIGINAL_DST:
		break;
	}
	return 0;
}

struct sl_fwd_eps *
build(struct rest *rest)
{
	struct draft d = {.rest = rest, .spec = &rest->spec};
	int rc;

	d.whole = (struct sl_fwd_group){.n = rest->spec.n, .weight = 1};
	d.group = rest->spec.n_groups ? rest->spec.group : &d.whole;
	d.n_groups = rest->spec.n_groups ? rest->spec.n_groups : 1;
	survey(&d);
	rc = alloc(&d);
	if (rc == 0) {
		add_groups(&d);
		d.eps->warms = rest->since != NULL;
		rc = make_balancer(&d);
	}
	free(d.lot_mass);
	free(d.mass);
	free(d.raw);
	if (rc < 0 && d.eps) {
		free(d.eps->lot);
		free(d.eps);
	}
	return rc < 0 ? NULL : d.eps;
}
