// One service out of the ServiceEntries of a namespace that have its host (istio-semantics 3.1),
// and its endpoints: inline, picked by a selector, or the host itself (1.2, 1.4, 3.5).
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "sl_str.h"

static bool
is_dns(enum sl_resolution r)
{
	return r == SL_RESOLUTION_DNS || r == SL_RESOLUTION_DNS_ROUND_ROBIN;
}

// ---- ports ----

static bool
same_names(char *const *a, uint32_t n_a, char *const *b, uint32_t n_b)
{
	for (uint32_t i = 0; i < n_a; i++) {
		uint32_t k = 0;

		while (k < n_b && strcmp(a[i], b[k]) != 0)
			k++;
		if (k == n_b)
			return false;
	}
	return n_a == n_b;
}

static bool
same_labels(const struct sl_label *a, uint32_t n_a, const struct sl_label *b, uint32_t n_b)
{
	return n_a == n_b && labels_match(a, n_a, b, n_b);
}

// Ports are joined only of entries that agree on all of this (istio-semantics 3.1).
bool
service_joins(const struct sl_object *a, const struct sl_object *b)
{
	const struct sl_service_entry *x = &a->se, *y = &b->se;

	return x->resolution == y->resolution && x->has_selector == y->has_selector &&
	       same_labels(x->selector, x->n_selector, y->selector, y->n_selector) &&
	       same_labels(a->meta.labels, a->meta.n_labels, b->meta.labels, b->meta.n_labels) &&
	       same_names(x->export_to, x->n_export_to, y->export_to, y->n_export_to);
}

static const struct sl_se_port *
port_of(const struct service *s, uint32_t number)
{
	for (uint32_t i = 0; i < s->pub.n_ports; i++) {
		if (s->port[i]->number == number)
			return s->port[i];
	}
	return NULL;
}

static void
join_ports(struct service *s)
{
	const struct sl_object *const *obj = (const struct sl_object *const *)s->obj.v;
	uint32_t max = 1;

	for (uint32_t i = 0; i < s->obj.n; i++)
		max += obj[i]->se.n_ports;
	s->port = sl_xcalloc(max, sizeof(struct sl_se_port *));
	for (uint32_t i = 0; i < s->obj.n; i++) {
		if (i > 0 && !service_joins(obj[0], obj[i]))
			continue;
		for (uint32_t k = 0; k < obj[i]->se.n_ports; k++) {
			const struct sl_se_port *p = &obj[i]->se.ports[k];

			if (!port_of(s, p->number))
				s->port[s->pub.n_ports++] = p;
		}
	}
}

// ---- endpoints ----

static const char *const no_address = "an endpoint that is reached through another network";

// Room for so many more, and no more than that.
static void
reserve_endpoints(struct service *s, uint32_t more)
{
	if (s->pub.n_eps + more <= s->eps_cap)
		return;
	s->eps_cap = s->pub.n_eps + more;
	s->ep = sl_xrealloc(s->ep, s->eps_cap, sizeof(*s->ep));
}

void
service_add_endpoint(struct service *s, const struct sl_mesh_endpoint *ep)
{
	if (s->pub.n_eps == s->eps_cap) {
		s->eps_cap = s->eps_cap ? 2 * s->eps_cap : 1;
		s->ep = sl_xrealloc(s->ep, s->eps_cap, sizeof(*s->ep));
	}
	s->ep[s->pub.n_eps++] = *ep;
}

static bool
on_unix_socket(const struct sl_mesh_endpoint *ep)
{
	return ep->address && !ep->ip.family && strncmp(ep->address, "unix://", 7) == 0;
}

// Names are resolved where the service says so; a host with a star is none.
static void
add(struct sl_mesh *m, struct service *s, const struct sl_mesh_endpoint *ep)
{
	const bool is_name = ep->address && !ep->ip.family && !on_unix_socket(ep);

	if (is_name && is_dns(s->pub.resolution) && *ep->address != '*')
		mesh_name_endpoints(m, s, ep);
	else
		service_add_endpoint(s, ep);
}

static void
add_inline(struct sl_mesh *m, struct service *s, struct sl_object *se)
{
	char locality[2049];

	reserve_endpoints(s, se->se.n_endpoints);
	for (uint32_t i = 0; i < se->se.n_endpoints; i++) {
		const struct sl_se_endpoint *spec = &se->se.endpoints[i];
		const struct sl_mesh_endpoint ep = {
			.spec = spec,
			.entry = se,
			.obj = se,
			.ip = spec->ip,
			.address = spec->address,
			.labels = spec->labels,
			.n_labels = spec->n_labels,
			.locality = intern(
				m, sl_se_endpoint_locality(spec, locality, sizeof(locality))),
			.network = spec->network ? spec->network : "",
			.weight = sl_se_endpoint_weight(spec),
			.healthy = true,
			.loc = &spec->loc,
			.not_served = sl_se_endpoint_not_served(spec),
		};

		add(m, s, &ep);
	}
}

static struct sl_mesh_endpoint
endpoint_of_workload(const struct workload *w, const struct sl_object *se)
{
	const bool is_we = w->obj->kind == SL_KIND_WORKLOAD_ENTRY;
	const struct sl_se_endpoint *spec = is_we ? &w->obj->we.ep : NULL;
	const struct sl_pod *pod = &w->obj->pod;
	const char *network = label_value(w->label, w->n_labels, "topology.istio.io/network");
	const struct sl_se_endpoint as_spec = {
		.address = is_we ? spec->address : pod->pod_ip,
		.ip = is_we ? spec->ip : pod->ip,
	};

	if (is_we && spec->network)
		network = spec->network;
	return (struct sl_mesh_endpoint){
		.spec = spec,
		.entry = se,
		.obj = w->obj,
		.ip = as_spec.ip,
		.address = as_spec.address,
		.labels = w->label,
		.n_labels = w->n_labels,
		.locality = w->locality,
		.network = network ? network : "",
		.weight = is_we ? sl_se_endpoint_weight(spec) : 1,
		.healthy = is_we ? w->obj->we.healthy : pod->ready,
		.loc = is_we && spec->loc.line ? &spec->loc : &w->obj->loc,
		.not_served = as_spec.address ? sl_se_endpoint_not_served(&as_spec) : no_address,
	};
}

static void
add_host_itself(struct sl_mesh *m, struct service *s, struct sl_object *se)
{
	const struct sl_mesh_endpoint ep = {
		.entry = se,
		.obj = se,
		.address = s->pub.host,
		.locality = "",
		.network = "",
		.weight = 1,
		.healthy = true,
		.loc = &se->loc,
		.not_served = "an endpoint that is a name",
	};

	add(m, s, &ep);
}

// With resolution NONE a client's own destination is used, whatever is selected (3.5).
static void
pool_endpoints(struct sl_mesh *m, struct service *s)
{
	for (uint32_t i = 0; i < s->obj.n; i++) {
		struct sl_object *se = s->obj.v[i];
		struct ptrs picked = {0};

		if (se->se.resolution == SL_RESOLUTION_NONE)
			continue;
		if (se->se.has_selector)
			selector_pick(m, se, &picked);
		for (uint32_t k = 0; k < picked.n; k++) {
			const struct sl_mesh_endpoint ep = endpoint_of_workload(picked.v[k], se);

			add(m, s, &ep);
		}
		add_inline(m, s, se);
		if (is_dns(se->se.resolution) && !se->se.has_selector && !se->se.n_endpoints)
			add_host_itself(m, s, se);
		ptrs_fini(&picked);
	}
}

// ---- what is carried ----

static const char *
resolution_not_served(enum sl_resolution r)
{
	static const char *const why[] = {
		[SL_RESOLUTION_DYNAMIC_DNS] = "resolution DYNAMIC_DNS",
	};

	return r < SL_ARRAY_LEN(why) ? why[r] : NULL;
}

const char *
sl_mesh_vip_not_served(const struct sl_se_address *vip)
{
	struct sl_se_address base = *vip;

	if (vip->prefix.addr.family != AF_INET)
		return "an IPv6 address";
	// A short prefix holds addresses that can be reached, whatever its first one is.
	if (vip->prefix.len < 8)
		return NULL;
	base.prefix.len = 32;
	return sl_se_address_not_served(&base);
}

static bool
has_plain_vip(const struct sl_mesh_service *svc)
{
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		if (sl_prefix_is_host(&svc->vip[i]->prefix) && !sl_mesh_vip_not_served(svc->vip[i]))
			return true;
	}
	return false;
}

const char *
sl_mesh_port_not_served(const struct sl_mesh_service *svc, const struct sl_se_port *port)
{
	if (!sl_se_port_transport(port))
		return "a protocol that is neither TCP nor UDP";
	if (svc->resolution == SL_RESOLUTION_NONE && !has_plain_vip(svc) &&
		(sl_protocol_is_http(port->protocol) || sl_protocol_is_tls(port->protocol)))
		return "it needs the name in the traffic (HTTP Host, TLS SNI), which is not read "
		       "yet";
	return NULL;
}

// A service without any endpoint is served (it refuses); one whose endpoints are all out of reach
// would refuse for a reason that is ours. What DNS answers decides nothing here, or an answer would
// give the service's addresses and ports to another one.
static const char *
own_problem(const struct sl_mesh_service *svc)
{
	const char *why = resolution_not_served(svc->resolution);

	for (uint32_t i = svc->n_eps; !resolution_not_served(svc->resolution) && i-- > 0;) {
		why = svc->ep[i].not_served;
		if (!why || svc->ep[i].name)
			return NULL;
	}
	return why;
}

static const char *
addresses_not_served(const struct sl_mesh_service *svc)
{
	const char *why = NULL;

	for (uint32_t i = svc->n_vips; i-- > 0;) {
		why = sl_mesh_vip_not_served(svc->vip[i]);
		if (!why)
			return NULL;
	}
	return why;
}

static const char *
ports_not_served(const struct sl_mesh_service *svc)
{
	const char *why = "no ports";

	for (uint32_t i = svc->n_ports; i-- > 0;) {
		why = sl_mesh_port_not_served(svc, svc->port[i]);
		if (!why)
			return NULL;
	}
	return why;
}

static const char *
seen_by_nobody(const struct service *s)
{
	const struct sl_service_entry *se = &s->pub.obj[0]->se;

	if (s->pub.clients)
		return NULL;
	if (s->pub.visible)
		return "a service of the same host comes first for every client that sees it";
	for (uint32_t i = 0; i < se->n_export_to; i++) {
		if (strcmp(se->export_to[i], "~") == 0)
			return "it is exported to nobody";
	}
	return "no client of sluice.yaml is in a namespace that it is exported to";
}

static bool
is_routed(const struct sl_mesh *m, const struct service *s)
{
	for (unsigned g = 0; g < m->n_clients; g++) {
		const struct sl_object *vs = s->pub.clients >> g & 1 ? route_for(m, g, s) : NULL;

		if (vs && vs->vs.n_tcp)
			return true;
	}
	return false;
}

void
service_judge(const struct sl_mesh *m, struct service *s)
{
	const char *why = seen_by_nobody(s);

	if (!why)
		why = ports_not_served(&s->pub);
	if (!why)
		why = addresses_not_served(&s->pub);
	if (!why && s->own_problem && !is_routed(m, s))
		why = s->own_problem;
	s->pub.not_served = why;
	s->pub.tier = why ? "none" : "L4";
}

// ---- making ----

void
service_unmake(struct sl_mesh *m, struct service *s)
{
	mesh_names_release(m, s);
	free(s->ep);
	free(s->port);
	free(s->vip);
	s->ep = NULL;
	s->port = NULL;
	s->vip = NULL;
	s->pub.n_eps = s->pub.n_ports = s->pub.n_vips = s->eps_cap = 0;
	s->pub.pending = false;
}

static void
take_vips(struct service *s, const struct sl_service_entry *se)
{
	s->vip = sl_xcalloc(se->n_addresses + 1, sizeof(struct sl_se_address *));
	for (; s->pub.n_vips < se->n_addresses; s->pub.n_vips++)
		s->vip[s->pub.n_vips] = &se->addresses[s->pub.n_vips];
}

void
service_make(struct sl_mesh *m, struct service *s)
{
	const struct sl_object *first;

	if (s->obj.n > 1)
		qsort(s->obj.v, s->obj.n, sizeof(*s->obj.v), by_age);
	first = s->obj.v[0];
	s->pub.obj = (struct sl_object *const *)s->obj.v;
	s->pub.n_obj = s->obj.n;
	s->pub.resolution = first->se.resolution;
	s->pub.location = first->se.location;
	join_ports(s);
	take_vips(s, &first->se);
	pool_endpoints(m, s);
	s->pub.port = s->port;
	s->pub.vip = s->vip;
	s->pub.ep = s->ep;
	s->own_problem = own_problem(&s->pub);
	s->pub.visible = exported_to(
		m, s->space, first->se.export_to, first->se.n_export_to, &m->cfg.se_export_to);
}

// ---- which endpoint stands for which port ----

// The port of the endpoint's own ServiceEntry that lines up with a service port.
static const struct sl_se_port *
lined_up(const struct sl_mesh_service *svc, const struct sl_object *entry,
	const struct sl_se_port *port)
{
	for (uint32_t i = 0; i < entry->se.n_ports; i++) {
		const struct sl_se_port *p = &entry->se.ports[i];

		if (p == port || (is_dns(svc->resolution) ? p->number == port->number
							  : strcmp(p->name, port->name) == 0))
			return p;
	}
	return NULL;
}

uint32_t
sl_mesh_endpoint_port(const struct sl_mesh_service *svc, const struct sl_mesh_endpoint *ep,
	const struct sl_se_port *port)
{
	const struct sl_se_port *own = lined_up(svc, ep->entry, port);

	if (!own || on_unix_socket(ep))
		return 0;
	if (ep->spec)
		return sl_se_endpoint_port(ep->spec, own);
	return own->target_port ? own->target_port : own->number;
}

const struct sl_mesh_endpoint *
sl_mesh_endpoint_next(const struct sl_mesh_service *svc, const struct sl_se_port *port,
	uint32_t *it, uint32_t *number)
{
	while (*it < svc->n_eps) {
		const struct sl_mesh_endpoint *ep = &svc->ep[(*it)++];

		*number = sl_mesh_endpoint_port(svc, ep, port);
		if (!*number && !(on_unix_socket(ep) && lined_up(svc, ep->entry, port)))
			continue;
		if (svc->resolution == SL_RESOLUTION_DNS_ROUND_ROBIN)
			*it = svc->n_eps;
		return ep;
	}
	return NULL;
}
