// Several bindings of one key: which one serves whom (istio-semantics 3.7).
#include <stdlib.h>

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
same_endpoints(const struct sl_mesh_cluster *a, const struct sl_mesh_cluster *b)
{
	if (a->n_eps != b->n_eps || a->weight != b->weight)
		return false;
	for (uint32_t i = 0; i < a->n_eps; i++) {
		if (!sl_ip_equal(&a->ep[i].from->ip, &b->ep[i].from->ip) ||
			a->ep[i].port != b->ep[i].port)
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
