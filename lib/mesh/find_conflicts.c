// Addresses and ports that several services claim (istio-semantics 3.7): reported on both objects.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "sl_str.h"

struct all {
	struct sl_mesh_binding *v;
	size_t n;
	size_t cap;
};

static void
add(struct all *all, struct sl_mesh_binding *b, size_t n)
{
	if (all->n + n > all->cap) {
		all->cap = 2 * (all->n + n);
		all->v = sl_xrealloc(all->v, all->cap, sizeof(*all->v));
	}
	for (size_t i = 0; i < n; i++)
		all->v[all->n++] = b[i];
	free(b);
}

static bool
same_key(const struct sl_mesh_binding *a, const struct sl_mesh_binding *b)
{
	return a->dst.addr.v4 == b->dst.addr.v4 && a->dst.len == b->dst.len &&
	       a->proto == b->proto && a->port == b->port;
}

static int
by_key(const void *pa, const void *pb)
{
	const struct sl_mesh_binding *a = *(struct sl_mesh_binding *const *)pa;
	const struct sl_mesh_binding *b = *(struct sl_mesh_binding *const *)pb;
	const uint64_t x = (uint64_t)a->dst.addr.v4 << 32 | (uint32_t)a->dst.len << 24 |
			   (uint32_t)a->proto << 16 | a->port;
	const uint64_t y = (uint64_t)b->dst.addr.v4 << 32 | (uint32_t)b->dst.len << 24 |
			   (uint32_t)b->proto << 16 | b->port;

	return x < y ? -1 : x > y;
}

static char *
where(const struct sl_mesh_binding *b)
{
	char dst[SL_PREFIX_STRLEN];
	const char *proto = b->proto == IPPROTO_UDP ? "udp" : "tcp";

	if (!b->dst.len)
		return sl_xasprintf("any address, port %u/%s,", b->port, proto);
	if (b->dst.len == 32)
		return sl_xasprintf("%s port %u/%s", sl_ip_str(&b->dst.addr, dst), b->port, proto);
	return sl_xasprintf("%s port %u/%s", sl_prefix_str(&b->dst, dst), b->port, proto);
}

static const struct sl_loc *
place(const struct sl_mesh_binding *b)
{
	return b->vip ? &b->vip->loc : &b->service_port->loc;
}

static const char *
path_of(const struct sl_mesh_binding *b)
{
	return b->vip ? "spec.addresses" : "spec.ports";
}

static void
report(struct sl_mesh_binding *loser, const struct sl_mesh_binding *winner, bool lost_all,
	const struct sl_object *only, struct sl_diags *diags)
{
	const struct sl_object *a = loser->svc->obj[0], *b = winner->svc->obj[0];
	char title[600];
	char *key = where(loser), *message;

	if (!only || only == a) {
		message = sl_xasprintf("%s belongs to %s, which is first: not served here%s%s", key,
			sl_object_title(b, title, sizeof(title)),
			lost_all ? "" : " for some clients", sl_mesh_elsewhere(loser));
		find(diags, a, "M10", place(loser), path_of(loser), message);
		free(message);
	}
	if (!only || only == b) {
		message = sl_xasprintf("%s is claimed by %s as well, which is behind and does not "
				       "get it",
			key, sl_object_title(a, title, sizeof(title)));
		find(diags, b, "M10", place(winner), path_of(winner), message);
		free(message);
	}
	free(key);
}

static void
report_ambiguous(const struct sl_mesh_binding *b, const struct sl_mesh_binding *other,
	const struct sl_object *only, struct sl_diags *diags)
{
	const struct sl_object *obj = b->svc->obj[0];
	char title[600], *key, *message;

	if (only && only != obj)
		return;
	key = where(b);
	message = sl_xasprintf("%s is claimed by %s too, and the name that tells them apart (HTTP "
			       "Host, TLS SNI) is not read yet: none of them is served there%s",
		key,
		other->svc->obj[0] == obj
			? "another host of the entry"
			: sl_object_title(other->svc->obj[0], title, sizeof(title)),
		sl_mesh_elsewhere(b));
	find(diags, obj, "M10", place(b), path_of(b), message);
	free(message);
	free(key);
}

// The binding that holds the groups that v[i] claimed and lost, or NULL: nobody does.
static const struct sl_mesh_binding *
winner_of(struct sl_mesh_binding *const *v, size_t i, uint64_t lost)
{
	for (size_t k = 0; k < i; k++) {
		if (v[k]->clients & lost)
			return v[k];
	}
	return NULL;
}

static const struct sl_mesh_binding *
other_name(struct sl_mesh_binding *const *v, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		if (v[k]->by_name && v[k]->svc != v[i]->svc)
			return v[k];
	}
	return NULL;
}

// base, claimed: all bindings and what each had before it was settled.
static void
settle_key(struct sl_mesh_binding **v, size_t n, const struct sl_mesh_binding *base,
	const uint64_t *claimed, const struct sl_object *only, struct sl_diags *diags)
{
	sl_mesh_settle(v, n);
	for (size_t i = 0; i < n; i++) {
		const uint64_t lost = claimed[v[i] - base] & ~v[i]->clients;
		const struct sl_mesh_binding *w = lost ? winner_of(v, i, lost) : NULL;

		if (w && w->svc != v[i]->svc && w->svc->obj[0] != v[i]->svc->obj[0])
			report(v[i], w, !v[i]->clients, only, diags);
		else if (lost && !w && (w = other_name(v, n, i)) != NULL)
			report_ambiguous(v[i], w, only, diags);
	}
}

// What the services of one object claim.
static void
add_own(struct sl_mesh *m, const struct sl_object *se, struct all *own)
{
	size_t n_services, n;
	const struct sl_mesh_service **svc = sl_mesh_list_of(m, se, &n_services);

	for (size_t i = 0; i < n_services; i++) {
		struct sl_mesh_binding *b = sl_mesh_bindings(m, svc[i], &n);

		add(own, b, n);
	}
	free(svc);
}

static bool
has_vip(const struct sl_mesh_service *svc, const struct sl_prefix *dst)
{
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		const struct sl_prefix *vip = &svc->vip[i]->prefix;

		// Subnets of a route may take the place of a CIDR.
		if (!sl_prefix_is_host(vip) || sl_ip_equal(&vip->addr, &dst->addr))
			return true;
	}
	return svc->n_vips == 0;
}

// Cheap: may a service have a key of the own ones?
static bool
may_meet(const struct sl_mesh_service *svc, const struct all *own)
{
	for (size_t i = 0; i < own->n; i++) {
		const struct sl_mesh_binding *b = &own->v[i];

		for (uint32_t k = 0; k < svc->n_ports; k++) {
			if (svc->port[k]->number == b->port && has_vip(svc, &b->dst))
				return true;
		}
	}
	return false;
}

// only: what may meet the claims of that object; NULL: all there are.
static void
collect(struct sl_mesh *m, const struct sl_object *only, struct all *all)
{
	struct all own = {0};
	struct map_it it = {0};

	if (only)
		add_own(m, only, &own);
	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		size_t n;

		if (!s->pub.obj || (only && !may_meet(&s->pub, &own)))
			continue;
		struct sl_mesh_binding *b = sl_mesh_bindings(m, &s->pub, &n);

		add(all, b, n);
	}
	sl_mesh_bindings_free(own.v, own.n);
}

void
find_conflicts(struct sl_mesh *m, const struct sl_object *only, struct sl_diags *diags)
{
	struct all all = {0};

	if (only && only->kind != SL_KIND_SERVICE_ENTRY)
		return;
	collect(m, only, &all);
	struct sl_mesh_binding **v = sl_xcalloc(all.n + 1, sizeof(*v));
	uint64_t *claimed = sl_xcalloc(all.n + 1, sizeof(*claimed));

	for (size_t i = 0; i < all.n; i++) {
		v[i] = &all.v[i];
		claimed[i] = all.v[i].clients;
	}
	qsort(v, all.n, sizeof(*v), by_key);
	for (size_t i = 0, end; i < all.n; i = end) {
		for (end = i + 1; end < all.n && same_key(v[i], v[end]);)
			end++;
		if (end - i > 1)
			settle_key(&v[i], end - i, all.v, claimed, only, diags);
	}
	free(claimed);
	free(v);
	sl_mesh_bindings_free(all.v, all.n);
}
