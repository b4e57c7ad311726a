// VirtualServices: which one routes a service, and where its tcp routes send which flows
// (istio-semantics 3.7, 3.10).
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

static bool
for_mesh(char *const *gateways, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(gateways[i], "mesh") == 0)
			return true;
	}
	return n == 0;
}

// The own namespace's before those that name the client's, and these before public ones. 3: none.
static int
rank(const struct sl_mesh *m, const struct sl_object *vs, const struct client *c)
{
	const char *own = vs->meta.namespace_, *space = c->space->node.key;
	static const struct sl_mesh_names public;
	const struct sl_virtual_service *v = &vs->vs;

	if (!exported_to_space(own, space, v->export_to, v->n_export_to, &m->cfg.vs_export_to))
		return 3;
	if (strcmp(own, space) == 0)
		return 0;
	for (uint32_t i = 0; i < v->n_export_to; i++) {
		if (exported_to_space(own, space, &v->export_to[i], 1, &public) &&
			strcmp(v->export_to[i], "*") != 0)
			return 1;
	}
	return 2;
}

// One that has no tcp route leaves the service to the next.
static const struct sl_object *
route_in(const struct sl_mesh *m, const struct host *h, const struct client *c)
{
	const struct sl_object *best = NULL;
	int best_rank = 3;

	for (uint32_t i = 0; i < h->vs.n; i++) {
		const struct sl_object *vs = h->vs.v[i];

		if (!vs->vs.n_tcp || !for_mesh(vs->vs.gateways, vs->vs.n_gateways))
			continue;
		const int r = rank(m, vs, c);

		if (r < best_rank) {
			best = vs;
			best_rank = r;
		}
	}
	return best;
}

const struct sl_object *
route_for(const struct sl_mesh *m, unsigned client, const struct service *s)
{
	size_t len = 0;

	for (struct host *h; (h = host_covering(m, s->pub.host, m->vs_wild, &len)) != NULL;) {
		const struct sl_object *vs = route_in(m, h, &m->client[client]);

		if (vs)
			return vs;
	}
	return NULL;
}

// ---- legs ----

static void
leg_add(struct legs *legs, const struct sl_vs_subnet *subnet, const struct sl_vs_route *route)
{
	if (legs->n == legs->cap) {
		legs->cap = legs->cap ? 2 * legs->cap : 4;
		legs->v = sl_xrealloc(legs->v, legs->cap, sizeof(*legs->v));
	}
	legs->v[legs->n++] = (struct leg){subnet, route};
}

static bool
match_applies(const struct sl_vs_match *match, const struct client *c, uint32_t port)
{
	return for_mesh(match->gateways, match->n_gateways) &&
	       (!match->port || match->port == port) &&
	       (!match->source_namespace ||
		       strcmp(match->source_namespace, c->space->node.key) == 0) &&
	       labels_match(match->source_labels, match->n_source_labels, c->pub->labels,
		       c->pub->n_labels);
}

// Returns whether the route takes what its subnets, or those of the routes before, do not.
static bool
add_route(struct legs *legs, const struct sl_vs_route *route, const struct client *c, uint32_t port)
{
	if (!route->n_match) {
		leg_add(legs, NULL, route);
		return true;
	}
	for (uint32_t i = 0; i < route->n_match; i++) {
		const struct sl_vs_match *match = &route->match[i];

		if (!match_applies(match, c, port))
			continue;
		if (!match->n_subnets) {
			leg_add(legs, NULL, route);
			return true;
		}
		for (uint32_t k = 0; k < match->n_subnets; k++) {
			if (match->subnets[k].prefix.addr.family == AF_INET)
				leg_add(legs, &match->subnets[k], route);
		}
	}
	return false;
}

// VirtualServices act on ports of the TCP family, sniffed ones included (istio-semantics 3.7).
void
legs_make(const struct sl_mesh *m, unsigned client, const struct sl_object *vs,
	const struct sl_se_port *port, struct legs *out)
{
	const bool tcp = !*port->protocol || sl_protocol_is_tcp(port->protocol);

	out->n = 0;
	out->vs = tcp ? vs : NULL;
	for (uint32_t i = 0; out->vs && i < vs->vs.n_tcp; i++) {
		if (add_route(out, &vs->vs.tcp[i], &m->client[client], port->number))
			return;
	}
	leg_add(out, NULL, NULL);
}

void
dest_resolve(const struct sl_mesh *m, unsigned client, const struct sl_object *vs,
	const struct sl_vs_destination *to, uint32_t listener, struct dest *out)
{
	char name[HOST_MAX];
	const struct service *s =
		host_service(m, full_host(to->host, vs->meta.namespace_, name), client);

	*out = (struct dest){.svc = s,
		.host = s ? s->pub.host : to->host,
		.subset = to->subset ? to->subset : "",
		.port = to->port,
		.weight = to->weight,
		.rule = s ? rule_for(m, client, s) : NULL,
		.written = to};
	if (!out->port)
		out->port = s && s->pub.n_ports == 1 ? s->port[0]->number : listener;
}
