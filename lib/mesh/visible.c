// exportTo, and which of several services of one host serves whom (istio-semantics 3.1, 3.6).
#include <stdlib.h>
#include <string.h>

#include "mesh.h"

bool
exported_to_space(const char *own, const char *space, char *const *export_to, uint32_t n,
	const struct sl_mesh_names *otherwise)
{
	if (!n) {
		export_to = otherwise->v;
		n = otherwise->n;
	}
	if (!n)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(export_to[i], "*") == 0)
			return true;
		if (strcmp(strcmp(export_to[i], ".") == 0 ? own : export_to[i], space) == 0)
			return true;
	}
	return false;
}

uint64_t
exported_to(const struct sl_mesh *m, const struct space *own, char *const *export_to, uint32_t n,
	const struct sl_mesh_names *otherwise)
{
	uint64_t mask = 0;

	for (unsigned g = 0; g < m->n_clients; g++) {
		if (exported_to_space(
			    own->node.key, m->client[g].space->node.key, export_to, n, otherwise))
			mask |= UINT64_C(1) << g;
	}
	return mask;
}

static int
in_order(const void *a, const void *b)
{
	return sl_mesh_order(
		&(*(struct service *const *)a)->pub, &(*(struct service *const *)b)->pub);
}

// The own namespace's first, then in service order.
void
host_settle(struct sl_mesh *m, struct host *h, void (*tell)(struct sl_mesh *, struct service *))
{
	uint64_t taken = 0;

	if (h->svc.n > 1)
		qsort(h->svc.v, h->svc.n, sizeof(*h->svc.v), in_order);
	for (uint32_t i = 0; i < h->svc.n; i++) {
		const struct service *s = h->svc.v[i];

		taken |= s->pub.visible & s->space->clients;
	}
	for (uint32_t i = 0; i < h->svc.n; i++) {
		struct service *s = h->svc.v[i];
		const uint64_t clients = s->pub.visible & (s->space->clients | ~taken);

		taken |= clients;
		if (clients != s->pub.clients) {
			s->pub.clients = clients;
			tell(m, s);
		}
	}
}

struct service *
host_service(const struct sl_mesh *m, const char *host, unsigned client)
{
	const struct host *h = by_key_find(&m->hosts, host);

	for (uint32_t i = 0; h && i < h->svc.n; i++) {
		struct service *s = h->svc.v[i];

		if (s->pub.clients >> client & 1)
			return s;
	}
	return NULL;
}
