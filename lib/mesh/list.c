// Finding services: by name, in service order, of an object.
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

const struct sl_mesh_service *
sl_mesh_find(const struct sl_mesh *m, const char *namespace_, const char *host)
{
	char *key = sl_xasprintf("%s/%s", namespace_, host);
	const struct service *s = by_key_find(&m->services, key);

	free(key);
	return s ? &s->pub : NULL;
}

const struct sl_mesh_service *
sl_mesh_service(const struct sl_mesh *m, uint32_t id)
{
	const struct service *s = id < m->by_id.n ? m->by_id.v[id] : NULL;

	return s ? &s->pub : NULL;
}

int
sl_mesh_order(const struct sl_mesh_service *a, const struct sl_mesh_service *b)
{
	const char *x = a->obj[0]->meta.creation, *y = b->obj[0]->meta.creation;
	int d = strcmp(x ? x : "", y ? y : "");

	if (!d)
		d = strcmp(a->host, b->host);
	return d ? d : strcmp(a->namespace_, b->namespace_);
}

static int
in_order(const void *a, const void *b)
{
	return sl_mesh_order(*(const struct sl_mesh_service *const *)a,
		*(const struct sl_mesh_service *const *)b);
}

static int
by_name(const void *pa, const void *pb)
{
	const struct sl_mesh_service *a = *(const struct sl_mesh_service *const *)pa;
	const struct sl_mesh_service *b = *(const struct sl_mesh_service *const *)pb;
	const int d = strcmp(a->namespace_, b->namespace_);

	return d ? d : strcmp(a->host, b->host);
}

bool
sl_mesh_next(struct sl_mesh *m, size_t *it, const struct sl_mesh_service **svc)
{
	if (!m->sorted_valid) {
		struct map_it all = {0};
		uint32_t n = 0;

		m->sorted = sl_xrealloc(m->sorted, m->services.n + 1, sizeof(*m->sorted));
		for (struct service *s; (s = by_key_next(&m->services, &all)) != NULL;)
			m->sorted[n++] = &s->pub;
		qsort(m->sorted, n, sizeof(*m->sorted), in_order);
		m->sorted_valid = true;
	}
	if (*it >= m->services.n)
		return false;
	*svc = m->sorted[(*it)++];
	return true;
}

const struct sl_mesh_service **
sl_mesh_list(const struct sl_mesh *m, const char *namespace_, const char *host, size_t *n)
{
	const struct sl_mesh_service **list =
		sl_xcalloc(m->services.n + 1, sizeof(struct sl_mesh_service *));
	struct map_it it = {0};

	*n = 0;
	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		if (namespace_ && strcmp(s->pub.namespace_, namespace_) != 0)
			continue;
		if (!host || strcmp(s->pub.host, host) == 0)
			list[(*n)++] = &s->pub;
	}
	qsort(list, *n, sizeof(*list), by_name);
	return list;
}

static void
add_services(const struct sl_mesh *m, const struct sl_object *se, struct ptrs *out)
{
	for (uint32_t i = 0; i < se->se.n_hosts; i++) {
		const struct sl_mesh_service *svc =
			sl_mesh_find(m, se->meta.namespace_, se->se.hosts[i]);

		if (svc)
			ptrs_add(out, (void *)svc);
	}
}

// The ServiceEntries that select a workload may take it or not: what counts is the endpoint.
static bool
has_endpoint_of(const struct sl_mesh_service *svc, const struct sl_object *obj)
{
	for (uint32_t i = 0; i < svc->n_eps; i++) {
		if (svc->ep[i].obj == obj)
			return true;
	}
	return false;
}

const struct sl_mesh_service **
sl_mesh_list_of(const struct sl_mesh *m, const struct sl_object *obj, size_t *n)
{
	struct ptrs found = {0}, se = {0};
	uint32_t kept = 0;

	if (obj->kind == SL_KIND_SERVICE_ENTRY) {
		add_services(m, obj, &found);
		kept = found.n;
	} else if (obj->kind == SL_KIND_WORKLOAD_ENTRY || obj->kind == SL_KIND_POD) {
		const struct workload *w = workload_find(m, obj);

		if (w)
			selectors_of(m, w, &se);
		for (uint32_t i = 0; i < se.n; i++)
			add_services(m, se.v[i], &found);
		if (found.n > 1)
			qsort(found.v, found.n, sizeof(*found.v), by_name);
		for (uint32_t i = 0; i < found.n; i++) {
			if ((kept == 0 || found.v[kept - 1] != found.v[i]) &&
				has_endpoint_of(found.v[i], obj))
				found.v[kept++] = found.v[i];
		}
		ptrs_fini(&se);
	} else {
		add_applied(m, obj, UINT32_MAX, &found);
		if (found.n > 1)
			qsort(found.v, found.n, sizeof(*found.v), by_name);
		for (uint32_t i = 0; i < found.n; i++) {
			if (kept == 0 || found.v[kept - 1] != found.v[i])
				found.v[kept++] = found.v[i];
		}
	}
	if (kept > 1)
		qsort(found.v, kept, sizeof(*found.v), by_name);
	*n = kept;
	return (const struct sl_mesh_service **)found.v;
}
