// The arithmetic of lib/fwd (priority.c, build.c) told in percent, without its rounding: Envoy's
// over-provisioning over priorities, then the weights of localities, then those of endpoints.
#include "share.h"

#define OVERPROVISION 1.4

struct tally {
	double healthy;
	double total;
	double weight; // of the healthy ones
};

static void
add(struct tally *t, const struct sl_mesh_ep *ep, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		t->total++;
		t->healthy += ep[i].healthy;
		t->weight += ep[i].healthy ? ep[i].weight : 0;
	}
}

// Of the groups of a priority.
static struct tally
tally_of(const struct sl_mesh_cluster *c, uint32_t priority)
{
	const struct sl_mesh_ep *ep = c->ep;
	struct tally t = {0};

	for (uint32_t g = 0; g < c->n_groups; ep += c->group[g++].n)
		if (c->group[g].priority == priority)
			add(&t, ep, c->group[g].n);
	return t;
}

static struct tally
tally_of_group(const struct sl_mesh_cluster *c, uint32_t group)
{
	const struct sl_mesh_ep *ep = c->ep;
	struct tally t = {0};

	for (uint32_t g = 0; g < group; g++)
		ep += c->group[g].n;
	add(&t, ep, c->group[group].n);
	return t;
}

static double
health(const struct tally *t)
{
	const double h = t->total > 0 ? OVERPROVISION * t->healthy / t->total : 0;

	return h < 1 ? h : 1;
}

static double
priority_share(const struct sl_mesh_cluster *c, uint32_t priority)
{
	const uint32_t last = c->n_groups ? c->group[c->n_groups - 1].priority : 0;
	double before = 0, all = 0, own = 0;

	for (uint32_t p = 0; p <= last; p++) {
		const struct tally t = tally_of(c, p);
		const double h = health(&t);

		if (p < priority)
			before += h;
		if (p == priority)
			own = h;
		all += h;
	}
	if (all < 1)
		return all > 0 ? own / all : 0;
	return before >= 1 ? 0 : own < 1 - before ? own : 1 - before;
}

static double
effective(const struct sl_mesh_cluster *c, uint32_t group)
{
	const struct tally t = tally_of_group(c, group);

	return c->group[group].weight * health(&t);
}

static double
locality_share(const struct sl_mesh_cluster *c, uint32_t group)
{
	double all = 0;

	for (uint32_t g = 0; g < c->n_groups; g++)
		if (c->group[g].priority == c->group[group].priority)
			all += effective(c, g);
	return all > 0 ? effective(c, group) / all : 0;
}

static bool
may_panic(const struct sl_mesh_cluster *c)
{
	struct tally t = {0};

	add(&t, c->ep, c->n_eps);
	return c->policy.min_health_percent > 0 && t.healthy < t.total;
}

double
share_of(const struct sl_mesh_binding *b, const struct sl_mesh_candidate *cand)
{
	const struct sl_mesh_cluster *c = cand->cluster;
	const uint32_t priority = c->group[cand->group].priority;
	const struct tally t =
		c->locality_weighted ? tally_of_group(c, cand->group) : tally_of(c, priority);
	double clusters = 0, share;

	if (may_panic(c) || c->partial)
		return -1;
	for (uint32_t i = 0; i < b->n_clusters; i++)
		clusters += b->cluster[i].weight;
	if (!cand->ep->healthy || t.weight <= 0 || clusters <= 0)
		return 0;
	share = 100.0 * c->weight / clusters * priority_share(c, priority);
	if (c->locality_weighted)
		share *= locality_share(c, cand->group);
	return share * cand->ep->weight / t.weight;
}
