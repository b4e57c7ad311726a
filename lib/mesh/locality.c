// Locality: which endpoints come first for a client group, and with what share (istio-semantics
// 3.3, "Locality").
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

#define PARTS 3

// region, zone, subzone; "" where there is none.
struct place {
	char text[2049];
	const char *part[PARTS];
};

static void
place_of(const char *locality, struct place *p)
{
	char *rest = p->text;

	snprintf(p->text, sizeof(p->text), "%s", locality);
	for (int i = 0; i < PARTS; i++) {
		char *part = rest ? strsep(&rest, "/") : NULL;

		p->part[i] = part ? part : "";
	}
}

// ---- labels of topology, which a locality stands for ----

static const char *const topology[] = {"topology.kubernetes.io/region",
	"topology.kubernetes.io/zone", "topology.istio.io/subzone"};
static const char network_label[] = "topology.istio.io/network";

static const char *
value_of(const char *key, const struct sl_label *label, uint32_t n, const struct place *place,
	const char *network)
{
	const char *value = label_value(label, n, key);

	for (int i = 0; i < PARTS; i++) {
		if (strcmp(key, topology[i]) == 0 && *place->part[i])
			return place->part[i];
	}
	if (strcmp(key, network_label) == 0 && *network)
		return network;
	return value ? value : "";
}

// ---- which setting is in force ----

// What PreferClose and its kin stand for: labels from the widest to the narrowest.
static const struct sl_locality_lb *
preferred(const char *distribution)
{
	static char *const labels[] = {(char *)"topology.istio.io/network",
		(char *)"topology.kubernetes.io/region", (char *)"topology.kubernetes.io/zone",
		(char *)"topology.istio.io/subzone", (char *)"kubernetes.io/hostname"};
	static const struct sl_locality_lb close = {
		.given = true, .failover_priority = (char **)labels, .n_failover_priority = 4};
	static const struct sl_locality_lb same_node = {
		.given = true, .failover_priority = (char **)labels, .n_failover_priority = 5};

	if (strcmp(distribution, "PreferClose") == 0 || strcmp(distribution, "PreferSameZone") == 0)
		return &close;
	return strcmp(distribution, "PreferSameNode") == 0 ? &same_node : NULL;
}

static const char distribution_key[] = "networking.istio.io/traffic-distribution";

// Of the service, else of its namespace.
static const struct sl_locality_lb *
distribution_of(const struct service *s)
{
	const struct sl_meta *meta = &s->pub.obj[0]->meta;
	const char *value = label_value(meta->annotations, meta->n_annotations, distribution_key);

	if (!value && s->space->object) {
		meta = &s->space->object->meta;
		value = label_value(meta->annotations, meta->n_annotations, distribution_key);
	}
	return value ? preferred(value) : NULL;
}

// NULL: locality has no effect. *forced: it has some without outlierDetection.
static const struct sl_locality_lb *
setting(const struct sl_mesh *m, const struct service *s, const struct sl_mesh_policy *policy,
	bool *forced)
{
	static const struct sl_locality_lb empty;
	const struct sl_locality_lb *l;

	*forced = false;
	if (policy->lb.locality.given) {
		l = &policy->lb.locality;
	} else if ((l = distribution_of(s)) != NULL) {
		*forced = true;
	} else {
		l = m->cfg.locality ? m->cfg.locality : &empty;
	}
	if (l->disabled)
		return NULL;
	return *forced || l->n_distribute || policy->outlier ? l : NULL;
}

bool
locality_matters(
	const struct sl_mesh *m, const struct service *s, const struct sl_mesh_policy *policy)
{
	bool forced;

	return setting(m, s, policy, &forced) != NULL;
}

// ---- priorities ----

// 0: same subzone, 1: same zone, 2: same region, 3: none of it; 4: a region that failover does not
// name for ours.
static uint32_t
by_distance(const struct sl_locality_lb *l, const struct place *own, const struct place *ep)
{
	uint32_t same = 0;

	while (same < PARTS && strcmp(own->part[same], ep->part[same]) == 0)
		same++;
	if (same > 0)
		return PARTS - same;
	for (uint32_t i = 0; i < l->n_failover; i++) {
		if (strcmp(l->failover[i].from, own->part[0]) == 0)
			return strcmp(l->failover[i].to, ep->part[0]) == 0 ? 3 : 4;
	}
	return 3;
}

// Leading labels that are equal count; a network that differs comes behind all that do not.
static uint32_t
by_labels(const struct sl_locality_lb *l, const struct sl_mesh_client *c, const struct place *own,
	const struct sl_mesh_endpoint *ep, const struct place *at)
{
	const uint32_t n = l->n_failover_priority;
	uint32_t behind = 0, same = 0;

	for (; same < n; same++) {
		char key[512];
		const char *value = strchr(l->failover_priority[same], '=');

		snprintf(key, sizeof(key), "%s", l->failover_priority[same]);
		key[strcspn(key, "=")] = '\0';
		const char *want =
			value ? value + 1 : value_of(key, c->labels, c->n_labels, own, c->network);

		if (strcmp(want, value_of(key, ep->labels, ep->n_labels, at, ep->network)) == 0)
			continue;
		if (same > 0 || strcmp(key, network_label) != 0)
			break;
		behind = n;
	}
	return behind + n - same;
}

struct ranked {
	uint32_t priority;
	uint32_t weight; // of its locality
	uint32_t index;
	struct sl_mesh_ep ep;
};

static void
rank_failover(const struct sl_locality_lb *l, const struct sl_mesh_client *c, struct ranked *v,
	uint32_t n)
{
	struct place own, at;

	place_of(c->locality, &own);
	for (uint32_t i = 0; i < n; i++) {
		const struct sl_mesh_endpoint *ep = v[i].ep.from;

		place_of(ep->locality, &at);
		if (!l->n_failover_priority)
			v[i].priority = by_distance(l, &own, &at);
		else
			v[i].priority = by_labels(l, c, &own, ep, &at);
		if (l->n_failover_priority && l->n_failover)
			v[i].priority = 5 * v[i].priority + by_distance(l, &own, &at);
	}
}

// ---- distribute ----

static bool
place_matches(const struct place *place, const char *pattern)
{
	struct place want;

	place_of(pattern, &want);
	for (int i = 0; i < PARTS; i++) {
		if (!*want.part[i] || strcmp(want.part[i], "*") == 0)
			return true;
		if (strcmp(want.part[i], place->part[i]) != 0)
			return false;
	}
	return true;
}

// The rest of the world is looked at last, wherever it is written.
static const struct sl_lb_to *
share_of(const struct sl_lb_distribute *d, const struct place *at)
{
	const struct sl_lb_to *rest = NULL;

	for (uint32_t i = 0; i < d->n_to; i++) {
		if (strcmp(d->to[i].locality, "*") == 0)
			rest = &d->to[i];
		else if (place_matches(at, d->to[i].locality))
			return &d->to[i];
	}
	return rest;
}

static const struct sl_lb_distribute *
distribute_from(const struct sl_locality_lb *l, const struct place *own)
{
	for (uint32_t i = 0; i < l->n_distribute; i++) {
		if (place_matches(own, l->distribute[i].from))
			return &l->distribute[i];
	}
	return NULL;
}

static int
by_rank(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	const int d = strcmp(a->ep.from->locality, b->ep.from->locality);

	return d ? d : a->index < b->index ? -1 : a->index > b->index;
}

static bool
same_locality(const struct ranked *a, const struct ranked *b)
{
	return a->priority == b->priority &&
	       strcmp(a->ep.from->locality, b->ep.from->locality) == 0;
}

// Sets the weight of each locality: the sum of its endpoints.
static void
sum_weights(struct ranked *v, uint32_t n)
{
	for (uint32_t i = 0, end; i < n; i = end) {
		uint64_t sum = 0;

		for (end = i; end < n && same_locality(&v[i], &v[end]); end++)
			sum += v[end].ep.weight;
		for (uint32_t k = i; k < end; k++)
			v[k].weight = sum > UINT32_MAX ? UINT32_MAX : sum;
	}
}

// Divides the share of each `to` among the localities that it matches, rounded up, and leaves out
// those that match none. v is sorted. Returns how many are left.
static uint32_t
distribute(const struct sl_lb_distribute *d, struct ranked *v, uint32_t n)
{
	uint64_t *total = sl_xcalloc(d->n_to + 1, sizeof(*total));
	uint32_t kept = 0;
	struct place at;

	for (uint32_t i = 0; i < n; i++) {
		place_of(v[i].ep.from->locality, &at);
		const struct sl_lb_to *to = share_of(d, &at);

		if (to && (i == 0 || !same_locality(&v[i - 1], &v[i])))
			total[to - d->to] += v[i].weight;
	}
	for (uint32_t i = 0; i < n; i++) {
		place_of(v[i].ep.from->locality, &at);
		const struct sl_lb_to *to = share_of(d, &at);

		if (!to)
			continue;
		const uint64_t sum = total[to - d->to];

		v[kept] = v[i];
		v[kept++].weight = ((uint64_t)v[i].weight * to->weight + sum - 1) / sum;
	}
	free(total);
	return kept;
}

// ---- groups ----

// From ranked endpoints in order; priorities are closed up.
static void
make_groups(struct sl_mesh_cluster *c, const struct ranked *v, uint32_t n)
{
	uint32_t priority = 0;

	c->n_eps = c->n_groups = 0;
	c->group = sl_xrealloc(c->group, n + 1, sizeof(*c->group));
	for (uint32_t i = 0; i < n; i++) {
		const bool next = i > 0 && v[i].priority != v[i - 1].priority;

		priority += next;
		if (i == 0 || next || (c->locality_weighted && !same_locality(&v[i - 1], &v[i])))
			c->group[c->n_groups++] = (struct sl_mesh_group){.priority = priority,
				.weight = c->locality_weighted ? v[i].weight : 1};
		c->group[c->n_groups - 1].n++;
		c->ep[c->n_eps++] = v[i].ep;
	}
}

static void
one_group(struct sl_mesh_cluster *c)
{
	c->group = sl_xcalloc(1, sizeof(*c->group));
	c->group[0] = (struct sl_mesh_group){.n = c->n_eps, .weight = 1};
	c->n_groups = c->n_eps ? 1 : 0;
}

// Nothing is near to a client that is nowhere; labels need something to compare with, too.
static bool
can_compare(const struct sl_locality_lb *l, const struct sl_mesh_client *own)
{
	const bool by_label = !l->n_distribute && l->n_failover_priority;

	return *own->locality || (by_label && (own->n_labels || *own->network));
}

void
locality_apply(struct sl_mesh *m, unsigned client, struct sl_mesh_cluster *c)
{
	const struct sl_mesh_client *own = m->client[client].pub;
	bool forced;
	const struct sl_locality_lb *l = setting(m, service_of(c->svc), &c->policy, &forced);
	struct ranked *v;
	struct place at;

	if (!l || !c->n_eps || !can_compare(l, own)) {
		one_group(c);
		return;
	}
	v = sl_xcalloc(c->n_eps, sizeof(*v));
	for (uint32_t i = 0; i < c->n_eps; i++)
		v[i] = (struct ranked){.index = i, .ep = c->ep[i]};
	if (!l->n_distribute)
		rank_failover(l, own, v, c->n_eps);
	qsort(v, c->n_eps, sizeof(*v), by_rank);
	sum_weights(v, c->n_eps);
	c->locality_weighted =
		l->n_distribute ||
		(!forced && c->policy.outlier && (l->n_failover || l->n_failover_priority));
	place_of(own->locality, &at);
	const struct sl_lb_distribute *d = distribute_from(l, &at);
	const uint32_t n = d ? distribute(d, v, c->n_eps) : c->n_eps;

	if (!n)
		c->problem = sl_xasprintf(
			"no endpoint is in a locality that distribute names for %s", own->locality);
	make_groups(c, v, n);
	free(v);
}
