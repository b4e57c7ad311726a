// Several bindings of one key: which one serves whom (istio-semantics 3.7).
#include <stdlib.h>
#include <string.h>

#include "mesh.h"

static int
in_order(const void *pa, const void *pb)
{
	const struct sl_mesh_binding *a = *(struct sl_mesh_binding *const *)pa;
	const struct sl_mesh_binding *b = *(struct sl_mesh_binding *const *)pb;
	const int name = a->by_name - b->by_name;
	const int d = name ? name : sl_mesh_order(a->svc, b->svc);

	return d ? d : a->order < b->order ? -1 : a->order > b->order;
}

static bool
same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

// Who gets a key must not turn on an answer of DNS: names are compared, not their addresses.
static bool
same_ways(const struct sl_mesh_cluster *a, const struct sl_mesh_cluster *b)
{
	if (a->n_ways != b->n_ways)
		return false;
	for (uint32_t i = 0; i < a->n_ways; i++) {
		const struct sl_mesh_way *x = &a->way[i], *y = &b->way[i];

		if (!same_name(x->name, y->name) || !sl_ip_equal(&x->ip, &y->ip) ||
			x->port != y->port || x->weight != y->weight)
			return false;
	}
	return true;
}

// Health is left out: it comes and goes, too.
static bool
same_endpoints(const struct sl_mesh_cluster *a, const struct sl_mesh_cluster *b)
{
	if (a->weight != b->weight || a->original_dst != b->original_dst ||
		a->dst_port != b->dst_port)
		return false;
	if (a->n_ways || b->n_ways)
		return same_ways(a, b);
	if (a->n_eps != b->n_eps)
		return false;
	for (uint32_t i = 0; i < a->n_eps; i++) {
		const struct sl_mesh_ep *x = &a->ep[i], *y = &b->ep[i];

		if (!sl_ip_equal(&x->from->ip, &y->from->ip) || x->port != y->port ||
			x->weight != y->weight)
			return false;
	}
	return true;
}

// Hosts of one ServiceEntry go to the same endpoints: there is nothing to tell apart.
static bool
same_way(const struct sl_mesh_binding *a, const struct sl_mesh_binding *b)
{
	if (a->n_clusters != b->n_clusters)
		return false;
	for (uint32_t i = 0; i < a->n_clusters; i++) {
		if (!same_endpoints(&a->cluster[i], &b->cluster[i]))
			return false;
	}
	return true;
}

// Client groups for which a by_name binding meets one that goes elsewhere. Each is compared with
// the first of its group: those that go the same way as that go the same way as each other.
static uint64_t
ambiguous(struct sl_mesh_binding *const *v, size_t n)
{
	const struct sl_mesh_binding *first[SL_MESH_MAX_CLIENTS] = {0};
	uint64_t mask = 0;

	for (size_t i = 0; i < n; i++) {
		for (uint64_t left = v[i]->clients & ~mask; left; left &= left - 1) {
			const unsigned g = __builtin_ctzll(left);

			if (!first[g])
				first[g] = v[i];
			else if (!same_way(first[g], v[i]))
				mask |= UINT64_C(1) << g;
		}
	}
	return mask;
}

void
sl_mesh_settle(struct sl_mesh_binding **v, size_t n)
{
	uint64_t taken = 0;
	size_t i = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), in_order);
	for (; i < n && !v[i]->by_name; i++) {
		v[i]->clients &= ~taken;
		taken |= v[i]->clients;
	}
	if (i < n)
		taken |= ambiguous(&v[i], n - i);
	for (; i < n; i++) {
		v[i]->clients &= ~taken;
		taken |= v[i]->clients;
	}
}
