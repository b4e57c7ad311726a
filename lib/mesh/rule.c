// DestinationRules: which one applies, what several of one host are together, and what that says
// of a port or a subset (istio-semantics 3.6).
#include <string.h>

#include "mesh.h"

// In the rule's own namespace, for clients that carry its labels.
static bool
selects(const struct sl_object *dr, const struct client *c)
{
	return c->space->node.key && strcmp(dr->meta.namespace_, c->space->node.key) == 0 &&
	       labels_match(dr->dr.selector, dr->dr.n_selector, c->pub->labels, c->pub->n_labels);
}

static bool
exported(const struct sl_mesh *m, const struct sl_object *dr, const struct client *c)
{
	return exported_to_space(dr->meta.namespace_, c->space->node.key, dr->dr.export_to,
		dr->dr.n_export_to, &m->cfg.dr_export_to);
}

// The first rule of a host in a namespace: one that selects the client before all others.
static const struct sl_object *
rule_in(const struct sl_mesh *m, const struct host *h, const char *namespace_,
	const struct client *c)
{
	const struct sl_object *first = NULL;

	for (uint32_t i = 0; i < h->dr.n; i++) {
		const struct sl_object *dr = h->dr.v[i];

		if (strcmp(dr->meta.namespace_, namespace_) != 0)
			continue;
		if (dr->dr.has_selector) {
			if (selects(dr, c))
				return dr;
		} else if (!first && exported(m, dr, c)) {
			first = dr;
		}
	}
	return first;
}

// The client's namespace unless it is the root one, the service's, the root one: the first with a
// rule, and in it the most specific host.
const struct sl_object *
rule_for(const struct sl_mesh *m, unsigned client, const struct service *s)
{
	const struct client *c = &m->client[client];
	const char *root = m->cfg.root_namespace, *own = c->space->node.key;
	const char *const step[] = {strcmp(own, root) == 0 ? NULL : own, s->pub.namespace_, root};

	for (size_t i = 0; i < SL_ARRAY_LEN(step); i++) {
		size_t len = 0;

		if (!step[i])
			continue;
		for (struct host *h;
			(h = host_covering(m, s->pub.host, m->dr_wild, &len)) != NULL;) {
			const struct sl_object *dr = rule_in(m, h, step[i], c);

			if (dr)
				return dr;
		}
	}
	return NULL;
}

static bool
same_export(const struct sl_destination_rule *a, const struct sl_destination_rule *b)
{
	if (a->n_export_to != b->n_export_to)
		return false;
	for (uint32_t i = 0; i < a->n_export_to; i++) {
		uint32_t k = 0;

		while (k < b->n_export_to && strcmp(a->export_to[i], b->export_to[k]) != 0)
			k++;
		if (k == b->n_export_to)
			return false;
	}
	return true;
}

static bool
rule_joins(const struct sl_object *a, const struct sl_object *b)
{
	return a == b || (!a->dr.has_selector && !b->dr.has_selector &&
				 strcmp(a->meta.namespace_, b->meta.namespace_) == 0 &&
				 same_export(&a->dr, &b->dr));
}

struct sl_object *
rule_next(const struct sl_mesh *m, const struct sl_object *first, size_t *it)
{
	char name[HOST_MAX];
	const struct host *h =
		by_key_find(&m->hosts, full_host(first->dr.host, first->meta.namespace_, name));

	while (h && *it < h->dr.n) {
		struct sl_object *dr = h->dr.v[(*it)++];

		if (rule_joins(first, dr))
			return dr;
	}
	return NULL;
}

const struct sl_subset *
rule_subset(const struct sl_mesh *m, const struct sl_object *first, const char *name)
{
	const struct sl_object *dr;

	for (size_t it = 0; first && (dr = rule_next(m, first, &it)) != NULL;) {
		for (uint32_t i = 0; i < dr->dr.n_subsets; i++) {
			if (strcmp(dr->dr.subsets[i].name, name) == 0)
				return &dr->dr.subsets[i];
		}
	}
	return NULL;
}

// ---- what it says ----

struct blocks {
	const struct sl_load_balancer *lb;
	const struct sl_connection_pool *pool;
	const struct sl_outlier_detection *outlier;
};

// Block by block, and then an entry of portLevelSettings all of them.
static void
overlay(struct blocks *b, const struct sl_traffic_policy *p, uint32_t port)
{
	if (p->lb.given)
		b->lb = &p->lb;
	if (p->pool.given)
		b->pool = &p->pool;
	if (p->outlier.given)
		b->outlier = &p->outlier;
	for (uint32_t i = 0; i < p->n_ports; i++) {
		if (p->ports[i].port != port)
			continue;
		*b = (struct blocks){&p->ports[i].lb, &p->ports[i].pool, &p->ports[i].outlier};
		return;
	}
}

// The policy of the oldest of the joined rules that has one.
static const struct sl_traffic_policy *
top_policy(const struct sl_mesh *m, const struct sl_object *first)
{
	const struct sl_object *dr;

	for (size_t it = 0; first && (dr = rule_next(m, first, &it)) != NULL;) {
		if (dr->dr.policy.given)
			return &dr->dr.policy;
	}
	return NULL;
}

void
rule_policy(const struct sl_mesh *m, const struct sl_object *first, uint32_t port,
	const struct sl_subset *subset, struct sl_mesh_policy *out)
{
	static const struct sl_load_balancer no_lb;
	static const struct sl_connection_pool no_pool;
	static const struct sl_outlier_detection no_outlier;
	struct blocks b = {&no_lb, &no_pool, &no_outlier};
	const struct sl_traffic_policy *top = top_policy(m, first);

	if (top)
		overlay(&b, top, port);
	if (subset && subset->policy.given)
		overlay(&b, &subset->policy, port);
	*out = (struct sl_mesh_policy){.dr = first,
		.lb = *b.lb,
		.pool = *b.pool,
		.outlier = b.outlier->given,
		.min_health_percent = b.outlier->min_health_percent,
		.connect_timeout_ns = b.pool->connect_timeout_ns ? b.pool->connect_timeout_ns
								 : m->cfg.connect_timeout_ns,
		.idle_timeout_ns = b.pool->idle_timeout_ns,
		.max_duration_ns = b.pool->max_duration_ns,
		.has_idle = b.pool->has_idle_timeout};
}

void
sl_mesh_policy(struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc, uint32_t port,
	const char *subset, struct sl_mesh_policy *out)
{
	const struct sl_object *rule = rule_for(m, client, service_of(svc));

	rule_policy(m, rule, port, subset && *subset ? rule_subset(m, rule, subset) : NULL, out);
}

// ---- subsets, for listings ----

static bool
has_name(const struct ptrs *names, const char *name)
{
	for (uint32_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

const char **
sl_mesh_subsets(struct sl_mesh *m, const struct sl_mesh_service *svc, size_t *n)
{
	struct ptrs names = {0};

	for (unsigned g = 0; g < m->n_clients; g++) {
		const struct sl_object *rule =
			svc->clients >> g & 1 ? rule_for(m, g, service_of(svc)) : NULL;
		const struct sl_object *dr;

		for (size_t it = 0; rule && (dr = rule_next(m, rule, &it)) != NULL;) {
			for (uint32_t i = 0; i < dr->dr.n_subsets; i++) {
				if (!has_name(&names, dr->dr.subsets[i].name))
					ptrs_add(&names, dr->dr.subsets[i].name);
			}
		}
	}
	*n = names.n;
	return (const char **)names.v;
}

bool
sl_mesh_in_subset(struct sl_mesh *m, const struct sl_mesh_service *svc, const char *subset,
	const struct sl_mesh_endpoint *ep)
{
	for (unsigned g = 0; g < m->n_clients; g++) {
		const struct sl_object *rule =
			svc->clients >> g & 1 ? rule_for(m, g, service_of(svc)) : NULL;
		const struct sl_subset *s = rule_subset(m, rule, subset);

		if (s)
			return labels_match(s->labels, s->n_labels, ep->labels, ep->n_labels);
	}
	return false;
}
