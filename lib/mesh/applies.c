// Which rule and route a service has, and which services a rule or a route is for.
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_mesh_binding.h"
#include "sl_str.h"

const struct sl_object *
sl_mesh_rule(const struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc)
{
	return rule_for(m, client, service_of(svc));
}

const struct sl_object *
sl_mesh_route(const struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc)
{
	return route_for(m, client, service_of(svc));
}

// Several rules of one host are one: any of them counts.
static bool
has_rule(const struct sl_mesh *m, unsigned client, const struct service *s,
	const struct sl_object *dr)
{
	const struct sl_object *first = rule_for(m, client, s), *next;

	for (size_t it = 0; first && (next = rule_next(m, first, &it)) != NULL;) {
		if (next == dr)
			return true;
	}
	return first && first == dr;
}

bool
sl_mesh_applies(
	const struct sl_mesh *m, const struct sl_object *obj, const struct sl_mesh_service *svc)
{
	const struct service *s = service_of(svc);

	for (unsigned g = 0; g < m->n_clients; g++) {
		if (!(svc->clients >> g & 1))
			continue;
		if (obj->kind == SL_KIND_DESTINATION_RULE ? has_rule(m, g, s, obj)
							  : route_for(m, g, s) == obj)
			return true;
	}
	return false;
}

// The services of a host as it is written, a pattern or a name; as many as `max`.
static void
add_covered(const struct sl_mesh *m, const struct sl_object *obj, const char *host, uint32_t max,
	struct ptrs *out)
{
	char name[HOST_MAX];
	const char *full = full_host(host, obj->meta.namespace_, name);
	const bool wild = strchr(full, '*') != NULL;
	const struct host *h = wild ? NULL : by_key_find(&m->hosts, full);
	struct map_it it = {0};

	for (uint32_t i = 0; h && i < h->svc.n && out->n < max; i++) {
		struct service *s = h->svc.v[i];

		if (sl_mesh_applies(m, obj, &s->pub))
			ptrs_add(out, &s->pub);
	}
	for (struct service *s;
		wild && out->n < max && (s = by_key_next(&m->services, &it)) != NULL;) {
		if (covers(full, s->pub.host) && sl_mesh_applies(m, obj, &s->pub))
			ptrs_add(out, &s->pub);
	}
}

void
add_applied(const struct sl_mesh *m, const struct sl_object *obj, uint32_t max, struct ptrs *out)
{
	if (obj->kind == SL_KIND_DESTINATION_RULE)
		add_covered(m, obj, obj->dr.host, max, out);
	for (uint32_t i = 0; obj->kind == SL_KIND_VIRTUAL_SERVICE && i < obj->vs.n_hosts; i++)
		add_covered(m, obj, obj->vs.hosts[i], max, out);
}

bool
sl_mesh_is_applied(const struct sl_mesh *m, const struct sl_object *obj)
{
	struct ptrs found = {0};
	bool any;

	add_applied(m, obj, 1, &found);
	any = found.n > 0;
	ptrs_fini(&found);
	return any;
}
