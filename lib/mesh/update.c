// Following the registry: what depends on a changed object is queued, then made again and told.
//
//   ServiceEntry            its services are dirty
//   WorkloadEntry, Pod      services of the ServiceEntries that select it are dirty
//   answer of DNS           services that use the name are dirty (names.c)
//   dirty service           made again, told; its host is changed
//                           virtual IPs are settled, and told where one is another (vip.c)
//   DestinationRule         hosts that its host covers are ruled
//   Namespace               hosts of its services are ruled
//   ruled host              its services are told; it is changed
//   changed host            who gets which service is settled, and told where that is another; the
//                           hosts of VirtualServices with a destination of it are routed
//   VirtualService          hosts that its hosts cover are routed
//   routed host             its services are told
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "mesh.h"
#include "names.h"
#include "sl_str.h"
#include "vip.h"

// ---- queues ----

void
service_queue_answer(struct sl_mesh *m, struct service *s)
{
	if (!s->dirty) {
		s->dirty = true;
		ptrs_add(&m->dirty, s);
	}
}

void
service_queue(struct sl_mesh *m, struct service *s)
{
	s->pub.version = ++m->version;
	service_queue_answer(m, s);
}

static void
tell_answer(struct sl_mesh *m, struct service *s)
{
	if (!s->told) {
		s->told = true;
		ptrs_add(&m->told, s);
	}
}

static void
tell(struct sl_mesh *m, struct service *s)
{
	s->pub.version = ++m->version;
	tell_answer(m, s);
}

// For the end of the update, when hosts that nothing names are dropped.
static void
touch(struct sl_mesh *m, struct host *h)
{
	if (!h->touched) {
		h->touched = true;
		ptrs_add(&m->touched, h);
	}
}

static void
queue_changed(struct sl_mesh *m, struct host *h)
{
	touch(m, h);
	if (!h->changed) {
		h->changed = true;
		ptrs_add(&m->changed, h);
	}
}

static void
queue_ruled(struct sl_mesh *m, struct host *h)
{
	queue_changed(m, h);
	h->ruled = true;
}

static void
queue_routed(struct sl_mesh *m, struct host *h)
{
	touch(m, h);
	if (!h->routed) {
		h->routed = true;
		ptrs_add(&m->routed, h);
	}
}

// ---- hosts and services by name ----

#define KEY_USUAL 512 // a longer one is not on the stack

static struct host *
host_get(struct sl_mesh *m, const char *name)
{
	struct host *h = by_key_find(&m->hosts, name);

	if (!h) {
		h = sl_xcalloc(1, sizeof(*h));
		by_key_add(&m->hosts, &h->node, name);
	}
	return h;
}

static uint32_t
new_id(struct sl_mesh *m, struct service *s)
{
	if (m->free_ids.n) {
		const uint32_t id = (uintptr_t)m->free_ids.v[--m->free_ids.n];

		m->by_id.v[id] = s;
		return id;
	}
	ptrs_add(&m->by_id, s);
	return m->by_id.n - 1;
}

static struct service *
service_get(struct sl_mesh *m, const char *namespace_, const char *host)
{
	const size_t ns_len = strlen(namespace_), host_size = strlen(host) + 1;
	char few[KEY_USUAL], *key = few;
	struct service *s;

	if (ns_len + 1 + host_size > sizeof(few))
		key = sl_xrealloc(NULL, ns_len + 1 + host_size, 1);
	memcpy(key, namespace_, ns_len);
	key[ns_len] = '/';
	memcpy(key + ns_len + 1, host, host_size);
	s = by_key_find(&m->services, key);

	if (!s) {
		s = sl_xcalloc(1, sizeof(*s));
		by_key_add(&m->services, &s->node, key);
		s->space = space_get(m, namespace_);
		s->host = host_get(m, host);
		s->pub.namespace_ = s->space->node.key;
		s->pub.host = s->host->node.key;
		s->pub.id = new_id(m, s);
		if (!s->host->svc.n)
			suffix_put(m, s->host);
		ptrs_add(&s->host->svc, s);
	}
	if (key != few)
		free(key);
	return s;
}

// ---- what an object takes part in ----

static void
follow_se(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	for (uint32_t i = 0; i < obj->se.n_hosts; i++) {
		struct service *s = service_get(m, obj->meta.namespace_, obj->se.hosts[i]);

		if (add)
			ptrs_add(&s->obj, obj);
		else
			ptrs_del(&s->obj, obj);
		service_queue(m, s);
	}
	if (add)
		selector_put(m, obj);
	else
		selector_del(m, obj);
}

static void
queue_selectors(struct sl_mesh *m, const struct sl_object *obj)
{
	struct ptrs se = {0};

	selectors_of(m, workload_find(m, obj), &se);
	for (uint32_t i = 0; i < se.n; i++) {
		const struct sl_object *o = se.v[i];

		for (uint32_t k = 0; k < o->se.n_hosts; k++)
			service_queue(m, service_get(m, o->meta.namespace_, o->se.hosts[k]));
	}
	ptrs_fini(&se);
}

static void
follow_workload(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	if (add)
		workload_put(m, obj);
	queue_selectors(m, obj);
	if (!add)
		workload_del(m, obj);
}

// Patterns are counted by length: those in use are all that a look-up tries.
static void
list_in_host(struct ptrs *list, struct host *h, uint32_t *wild, struct sl_object *obj, bool add)
{
	const size_t len = strlen(h->node.key);
	const uint32_t before = list->n;

	if (add)
		ptrs_add(list, obj);
	else
		ptrs_del(list, obj);
	h->sorted = false;
	if (wild && *h->node.key == '*' && len < HOST_MAX)
		wild[len] += list->n - before;
}

static void
follow_dr(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	char name[HOST_MAX];
	struct host *h = host_get(m, full_host(obj->dr.host, obj->meta.namespace_, name));

	list_in_host(&h->dr, h, m->dr_wild, obj, add);
	queue_ruled(m, h);
}

static void
follow_vs(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	const struct sl_virtual_service *vs = &obj->vs;
	char name[HOST_MAX];

	for (uint32_t i = 0; i < vs->n_hosts; i++) {
		struct host *h = host_get(m, full_host(vs->hosts[i], obj->meta.namespace_, name));

		list_in_host(&h->vs, h, m->vs_wild, obj, add);
		queue_routed(m, h);
	}
	for (uint32_t i = 0; i < vs->n_tcp; i++) {
		for (uint32_t k = 0; k < vs->tcp[i].n_to; k++) {
			const char *to =
				full_host(vs->tcp[i].to[k].host, obj->meta.namespace_, name);
			struct host *h = host_get(m, to);

			list_in_host(&h->to, h, NULL, obj, add);
			touch(m, h);
		}
	}
}

static void
follow_namespace(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	struct space *s = space_get(m, obj->meta.name);

	s->object = add ? obj : NULL;
	s->dirty = m->spaces_dirty = true;
}

static void
follow(struct sl_mesh *m, struct sl_object *obj, bool add)
{
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		follow_se(m, obj, add);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
	case SL_KIND_POD:
		follow_workload(m, obj, add);
		break;
	case SL_KIND_DESTINATION_RULE:
		follow_dr(m, obj, add);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		follow_vs(m, obj, add);
		break;
	case SL_KIND_NAMESPACE:
		follow_namespace(m, obj, add);
		break;
	default: // a Gateway is only looked up for findings; the others have no effect
		break;
	}
}

static void
on_change(void *ctx, const struct sl_registry_change *change)
{
	if (change->old)
		follow(ctx, change->old, false);
	if (change->now)
		follow(ctx, change->now, true);
}

// ---- from the queues to what is told ----

static void
queue_everything(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		service_queue(m, s);
		tell(m, s);
	}
	m->all_dirty = false;
}

static void
queue_spaces(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		if (s->space->dirty)
			queue_ruled(m, s->host);
	}
	it = (struct map_it){0};
	for (struct space *s; (s = by_key_next(&m->spaces, &it)) != NULL;)
		s->dirty = false;
	m->spaces_dirty = false;
}

static void
leave_host(struct sl_mesh *m, struct service *s)
{
	ptrs_del(&s->host->svc, s);
	if (!s->host->svc.n)
		suffix_del(m, s->host);
}

static void
make_dirty(struct sl_mesh *m)
{
	for (uint32_t i = 0; i < m->dirty.n; i++) {
		struct service *s = m->dirty.v[i];

		s->dirty = false;
		service_unmake(m, s);
		if (s->obj.n)
			service_make(m, s);
		else
			leave_host(m, s);
		vip_follow(m, s);
		queue_changed(m, s->host);
		tell_answer(m, s);
	}
	m->dirty.n = 0;
}

static void
sort_host(struct host *h)
{
	if (h->sorted)
		return;
	if (h->dr.n > 1)
		qsort(h->dr.v, h->dr.n, sizeof(void *), by_age);
	if (h->vs.n > 1)
		qsort(h->vs.v, h->vs.n, sizeof(void *), by_age);
	h->sorted = true;
}

static void
route_users(struct sl_mesh *m, const struct host *h)
{
	char name[HOST_MAX];

	for (uint32_t i = 0; i < h->to.n; i++) {
		const struct sl_object *vs = h->to.v[i];

		for (uint32_t k = 0; k < vs->vs.n_hosts; k++)
			queue_routed(m,
				host_get(m, full_host(vs->vs.hosts[k], vs->meta.namespace_, name)));
	}
}

static void
tell_services(struct sl_mesh *m, const struct host *h)
{
	for (uint32_t i = 0; i < h->svc.n; i++)
		tell(m, h->svc.v[i]);
}

static void
settle_changed(struct sl_mesh *m)
{
	const uint32_t n = m->changed.n; // those behind are covered by what covers them

	for (uint32_t i = 0; i < n; i++) {
		const struct host *h = m->changed.v[i];

		if (h->ruled && *h->node.key == '*')
			suffix_each(m, h->node.key, queue_ruled);
	}
	for (uint32_t i = 0; i < m->changed.n; i++) {
		struct host *h = m->changed.v[i];

		sort_host(h);
		host_settle(m, h, tell);
		if (h->ruled)
			tell_services(m, h);
		route_users(m, h);
		h->changed = h->ruled = false;
	}
	m->changed.n = 0;
}

static void
drop_host_if_empty(struct sl_mesh *m, struct host *h)
{
	if (h->svc.n || h->dr.n || h->vs.n || h->to.n)
		return;
	by_key_del(&m->hosts, &h->node);
	ptrs_fini(&h->svc);
	ptrs_fini(&h->dr);
	ptrs_fini(&h->vs);
	ptrs_fini(&h->to);
	free(h);
}

static void
settle_routed(struct sl_mesh *m)
{
	const uint32_t n = m->routed.n;

	for (uint32_t i = 0; i < n; i++) {
		const struct host *h = m->routed.v[i];

		if (*h->node.key == '*')
			suffix_each(m, h->node.key, queue_routed);
	}
	for (uint32_t i = 0; i < m->routed.n; i++) {
		struct host *h = m->routed.v[i];

		sort_host(h);
		tell_services(m, h);
		h->routed = false;
	}
	m->routed.n = 0;
}

static void
drop_hosts(struct sl_mesh *m)
{
	for (uint32_t i = 0; i < m->touched.n; i++) {
		struct host *h = m->touched.v[i];

		h->touched = false;
		drop_host_if_empty(m, h);
	}
	m->touched.n = 0;
}

static void
tell_gone(struct sl_mesh *m, struct service *s, sl_mesh_update_fn *fn, void *ctx)
{
	const uint32_t id = s->pub.id;

	hosts_gone(m, s);
	if (fn)
		fn(ctx, NULL, id);
	m->by_id.v[id] = NULL;
	ptrs_add(&m->free_ids, (void *)(uintptr_t)id);
	by_key_del(&m->services, &s->node);
	ptrs_fini(&s->obj);
	free(s);
}

// When all are new, what judging a service looks at is in no cache, and lies behind pointers.
static void
fetch_ahead(struct service *const *v, uint32_t i, uint32_t n)
{
	const struct service *s;

	if (i + 12 < n)
		for (size_t line = 0; line < sizeof(*s); line += SL_CACHE_LINE)
			__builtin_prefetch((const char *)v[i + 12] + line);
	if (i + 8 < n) {
		__builtin_prefetch(v[i + 8]->port);
		__builtin_prefetch(v[i + 8]->vip);
		__builtin_prefetch(v[i + 8]->obj.v);
	}
	s = i + 4 < n ? v[i + 4] : NULL;
	if (s && s->pub.n_ports && s->pub.n_vips) {
		__builtin_prefetch(s->port[0]);
		__builtin_prefetch(s->vip[0]);
		__builtin_prefetch(&((const struct sl_object *)s->obj.v[0])->se.n_export_to);
	}
	s = i + 2 < n ? v[i + 2] : NULL;
	if (s && s->pub.n_ports)
		__builtin_prefetch(s->port[0]->protocol);
}

static void
tell_all(struct sl_mesh *m, sl_mesh_update_fn *fn, void *ctx)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->told.n; i++) {
		struct service *s = m->told.v[i];

		s->told = false;
		if (!s->obj.n)
			tell_gone(m, s, fn, ctx);
		else
			m->told.v[n++] = s;
	}
	for (uint32_t i = 0; i < n; i++) {
		fetch_ahead((struct service *const *)m->told.v, i, n);
		service_judge(m, m->told.v[i]);
		hosts_follow(m, m->told.v[i]);
	}
	for (uint32_t i = 0; fn && i < n; i++) {
		const struct service *s = m->told.v[i];

		fn(ctx, &s->pub, s->pub.id);
	}
	m->told.n = 0;
}

void
sl_mesh_update(struct sl_mesh *m, sl_mesh_update_fn *fn, void *ctx)
{
	sl_registry_changes(m->registry, on_change, m);
	if (m->all_dirty)
		queue_everything(m);
	if (m->spaces_dirty)
		queue_spaces(m);
	if (m->dirty.n)
		m->sorted_valid = false;
	make_dirty(m);
	mesh_names_drop_old(m);
	auto_vips_settle(m, tell);
	settle_changed(m);
	settle_routed(m);
	drop_hosts(m);
	tell_all(m, fn, ctx);
}
