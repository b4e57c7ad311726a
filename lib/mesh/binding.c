// Bindings of a service: for each port, client groups that are treated alike; for each of their
// ways, the VIPs and CIDRs that it is for, with its clusters.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "sl_str.h"

// What a client group gets of one service port.
struct treatment {
	uint64_t clients;
	unsigned client; // one of them
	struct legs legs;
	struct dest *dest; // of the legs, behind each other
	uint32_t *n_dests; // for each leg
	uint32_t n_all;
	bool placed; // the place of the client counts
};

struct out {
	struct sl_mesh_binding *v;
	size_t n;
	size_t cap;
};

// ---- treatments ----

static struct dest
itself(const struct sl_mesh *m, unsigned client, const struct service *s,
	const struct sl_se_port *port)
{
	return (struct dest){.svc = s,
		.host = s->pub.host,
		.subset = "",
		.port = port->number,
		.weight = 1,
		.rule = rule_for(m, client, s)};
}

// Weight 0 among several is left out (istio-semantics 3.10).
static uint32_t
resolve_leg(const struct sl_mesh *m, unsigned client, const struct service *s,
	const struct sl_se_port *port, const struct legs *legs, const struct sl_vs_route *route,
	struct dest *out)
{
	uint32_t n = 0;

	if (!route) {
		*out = itself(m, client, s, port);
		return 1;
	}
	for (uint32_t i = 0; i < route->n_to; i++) {
		if (route->n_to > 1 && !route->to[i].weight)
			continue;
		dest_resolve(m, client, legs->vs, &route->to[i], port->number, &out[n]);
		if (route->n_to == 1)
			out[n].weight = 1;
		n++;
	}
	return n;
}

static bool
place_counts(const struct sl_mesh *m, const struct dest *d)
{
	struct sl_mesh_policy policy;

	if (!d->svc)
		return false;
	rule_policy(m, d->rule, d->port, *d->subset ? rule_subset(m, d->rule, d->subset) : NULL,
		&policy);
	return locality_matters(m, d->svc, &policy);
}

static void
treatment_make(const struct sl_mesh *m, unsigned client, const struct service *s,
	const struct sl_se_port *port, struct treatment *t)
{
	uint32_t max = 0;

	*t = (struct treatment){.client = client, .clients = UINT64_C(1) << client};
	legs_make(m, client, route_for(m, client, s), port, &t->legs);
	for (uint32_t i = 0; i < t->legs.n; i++)
		max += t->legs.v[i].route ? t->legs.v[i].route->n_to : 1;
	t->dest = sl_xcalloc(max + 1, sizeof(*t->dest));
	t->n_dests = sl_xcalloc(t->legs.n, sizeof(*t->n_dests));
	for (uint32_t i = 0; i < t->legs.n; i++) {
		t->n_dests[i] = resolve_leg(
			m, client, s, port, &t->legs, t->legs.v[i].route, &t->dest[t->n_all]);
		t->n_all += t->n_dests[i];
	}
	for (uint32_t i = 0; i < t->n_all && !t->placed; i++)
		t->placed = place_counts(m, &t->dest[i]);
}

static void
treatment_fini(struct treatment *t)
{
	free(t->legs.v);
	free(t->dest);
	free(t->n_dests);
}

static bool
same_dest(const struct dest *a, const struct dest *b)
{
	return a->svc == b->svc && a->port == b->port && a->weight == b->weight &&
	       a->rule == b->rule && a->written == b->written;
}

static bool
same_place(const struct sl_mesh_client *a, const struct sl_mesh_client *b)
{
	return strcmp(a->locality, b->locality) == 0 && strcmp(a->network, b->network) == 0 &&
	       a->n_labels == b->n_labels &&
	       labels_match(a->labels, a->n_labels, b->labels, b->n_labels);
}

static bool
same_treatment(const struct sl_mesh *m, const struct treatment *a, const struct treatment *b)
{
	if (a->legs.vs != b->legs.vs || a->legs.n != b->legs.n || a->n_all != b->n_all)
		return false;
	for (uint32_t i = 0; i < a->legs.n; i++) {
		if (a->legs.v[i].subnet != b->legs.v[i].subnet ||
			a->legs.v[i].route != b->legs.v[i].route)
			return false;
	}
	for (uint32_t i = 0; i < a->n_all; i++) {
		if (!same_dest(&a->dest[i], &b->dest[i]))
			return false;
	}
	return !a->placed || same_place(m->client[a->client].pub, m->client[b->client].pub);
}

static unsigned
treatments_of(const struct sl_mesh *m, const struct service *s, const struct sl_se_port *port,
	struct treatment *v)
{
	unsigned n = 0;

	for (unsigned g = 0; g < m->n_clients; g++) {
		unsigned k = 0;

		if (!(s->pub.clients >> g & 1))
			continue;
		treatment_make(m, g, s, port, &v[n]);
		while (k < n && !same_treatment(m, &v[k], &v[n]))
			k++;
		if (k < n) {
			v[k].clients |= v[n].clients;
			treatment_fini(&v[n]);
		} else {
			n++;
		}
	}
	return n;
}

// ---- bindings ----

static bool
needs_name(const struct sl_se_port *port, const struct sl_prefix *dst)
{
	return dst->len < 32 &&
	       (sl_protocol_is_http(port->protocol) || sl_protocol_is_tls(port->protocol));
}

void
binding_fini(struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; i < b->n_clusters; i++)
		cluster_fini(&b->cluster[i]);
	free(b->cluster);
}

// To all destinations there are, told apart by a name that is not read: it would open the port.
static bool
opens_all(const struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; b->by_name && i < b->n_clusters; i++) {
		if (b->cluster[i].original_dst)
			return true;
	}
	return false;
}

static void
add_binding(struct sl_mesh *m, struct out *out, const struct treatment *t, uint32_t leg,
	struct sl_mesh_binding b)
{
	const struct dest *dest = t->dest;

	for (uint32_t i = 0; i < leg; i++)
		dest += t->n_dests[i];
	b.clients = t->clients;
	b.vs = t->legs.v[leg].route ? t->legs.vs : NULL;
	b.by_name = needs_name(b.service_port, &b.dst);
	if (!b.vs && service_of(b.svc)->own_problem)
		return;
	b.n_clusters = t->n_dests[leg];
	b.cluster = sl_xcalloc(b.n_clusters, sizeof(*b.cluster));
	for (uint32_t i = 0; i < b.n_clusters; i++) {
		struct dest to = dest[i];

		to.auto_vip = b.auto_vip;
		cluster_make(m, t->client, &to, &b.cluster[i]);
	}
	if (opens_all(&b)) {
		binding_fini(&b);
		return;
	}
	if (out->n == out->cap) {
		out->cap = out->cap ? 2 * out->cap : 1;
		out->v = sl_xrealloc(out->v, out->cap, sizeof(*out->v));
	}
	out->v[out->n++] = b;
}

// The leg for a plain VIP: the longest subnet that holds it, the first of equal ones.
static uint32_t
leg_for(const struct legs *legs, const struct sl_ip *vip)
{
	uint32_t best = legs->n - 1;
	int len = -1;

	for (uint32_t i = 0; i + 1 < legs->n; i++) {
		const struct sl_prefix *p = &legs->v[i].subnet->prefix;

		if (p->len > len && sl_prefix_contains(p, vip)) {
			best = i;
			len = p->len;
		}
	}
	return best;
}

// Subnets take the place of a CIDR, or of any address; what is in none keeps the service's.
static void
bind_wide(struct sl_mesh *m, struct out *out, const struct treatment *t,
	const struct sl_mesh_binding *as)
{
	for (uint32_t i = 0; i < t->legs.n; i++) {
		struct sl_mesh_binding b = *as;

		if (t->legs.v[i].subnet) {
			b.dst = t->legs.v[i].subnet->prefix;
			sl_prefix_mask(&b.dst);
		}
		add_binding(m, out, t, i, b);
	}
}

// At its virtual IP it is known without a name.
static void
bind_auto_vip(struct sl_mesh *m, struct out *out, const struct treatment *t,
	const struct sl_mesh_binding *as)
{
	struct sl_mesh_binding b = *as;

	b.dst = (struct sl_prefix){.addr = b.svc->auto_vip[0], .len = 32};
	b.auto_vip = true;
	add_binding(m, out, t, leg_for(&t->legs, &b.dst.addr), b);
}

static void
bind_port(struct sl_mesh *m, struct out *out, const struct treatment *t,
	const struct sl_mesh_service *svc, const struct sl_se_port *port)
{
	struct sl_mesh_binding b = {.proto = sl_se_port_transport(port),
		.port = port->number,
		.svc = svc,
		.service_port = port,
		.dst = {.addr = {.family = AF_INET}}};

	if (!svc->n_vips)
		bind_wide(m, out, t, &b);
	if (svc->auto_vip[0].family)
		bind_auto_vip(m, out, t, &b);
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		if (sl_mesh_vip_not_served(svc->vip[i]))
			continue;
		b.vip = svc->vip[i];
		b.dst = b.vip->prefix;
		if (b.dst.len == 32)
			add_binding(m, out, t, leg_for(&t->legs, &b.dst.addr), b);
		else
			bind_wide(m, out, t, &b);
	}
}

// ---- order, and each key once ----

static int
cmp_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_key(const struct sl_mesh_binding *a, const struct sl_mesh_binding *b)
{
	int d = cmp_u32(sl_be32_to_cpu(a->dst.addr.v4), sl_be32_to_cpu(b->dst.addr.v4));

	if (!d)
		d = cmp_u32(a->dst.len, b->dst.len);
	if (!d)
		d = cmp_u32(a->proto, b->proto);
	return d ? d : cmp_u32(a->port, b->port);
}

// Of equal keys: by client group, then by the address it comes from and the leg, as they were made.
static int
in_order(const void *pa, const void *pb)
{
	const struct sl_mesh_binding *a = pa, *b = pb;
	int d = by_key(a, b);

	if (!d)
		d = __builtin_ctzll(a->clients) - __builtin_ctzll(b->clients);
	return d ? d : cmp_u32(a->order, b->order);
}

// Two CIDRs of a service make one key of the same subnet, and so do two routes: the first stays.
static void
drop_repeated(struct out *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++) {
		if (n > 0 && by_key(&out->v[n - 1], &out->v[i]) == 0 &&
			(out->v[n - 1].clients & out->v[i].clients))
			binding_fini(&out->v[i]);
		else
			out->v[n++] = out->v[i];
	}
	out->n = n;
}

struct sl_mesh_binding *
sl_mesh_bindings(struct sl_mesh *m, const struct sl_mesh_service *svc, size_t *n)
{
	struct treatment t[SL_MESH_MAX_CLIENTS];
	struct out out = {0};

	for (uint32_t i = 0; i < svc->n_ports && svc->clients; i++) {
		if (!sl_se_port_transport(svc->port[i]))
			continue;
		const unsigned n_t = treatments_of(m, service_of(svc), svc->port[i], t);

		for (unsigned k = 0; k < n_t; k++) {
			bind_port(m, &out, &t[k], svc, svc->port[i]);
			treatment_fini(&t[k]);
		}
	}
	for (size_t i = 0; i < out.n; i++)
		out.v[i].order = i;
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), in_order);
	drop_repeated(&out);
	*n = out.n;
	return out.v;
}

void
sl_mesh_bindings_free(struct sl_mesh_binding *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		binding_fini(&b[i]);
	free(b);
}

const char *
sl_mesh_elsewhere(const struct sl_mesh_binding *b)
{
	return b->dst.len == 0 && b->svc->auto_vip[0].family ? "; its virtual IP is served" : "";
}
