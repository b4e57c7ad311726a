// Findings between objects (istio-semantics 2.9, 0.5, 3.6, 3.7), as warnings:
//
//   M1  a VirtualService destination: host, port or subset is not found
//   M2  a VirtualService names a Gateway that is not there
//   M3  two VirtualServices route one host: the second loses
//   M4  an object is exported to nobody that is a client here
//   M5  failover of a DestinationRule has no outlierDetection
//   M6  a selector matches nothing; a WorkloadEntry that no service has
//   M7  one host and port with two protocols, seen by the same clients
//   M8  a TCP port without address takes all traffic on it
//   M9  an HTTP or TLS port is taken whole: the name in the traffic is not read
//   M10 an address or port belongs to another service
//   M11 status.addresses is not the virtual IP: another service has it
//   M12 the range of virtual IPs has no more: the service has none
#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "sl_str.h"

// file is that of the object: a part of it knows only line and column.
void
find(struct sl_diags *diags, const struct sl_object *obj, const char *rule, const struct sl_loc *at,
	const char *path, const char *message)
{
	const struct sl_loc loc = {.file = obj->loc.file,
		.line = at && at->line ? at->line : obj->loc.line,
		.col = at && at->line ? at->col : obj->loc.col};
	char title[600];

	sl_diag_add(diags, SL_WARNING, &loc, sl_object_title(obj, title, sizeof(title)), path, rule,
		"%s", message);
}

// ---- VirtualService ----

// The first client group that the VirtualService is exported to; -1: none.
static int
client_of(const struct sl_mesh *m, const struct sl_object *vs)
{
	for (unsigned g = 0; g < m->n_clients; g++) {
		if (exported_to_space(vs->meta.namespace_, m->client[g].space->node.key,
			    vs->vs.export_to, vs->vs.n_export_to, &m->cfg.vs_export_to))
			return g;
	}
	return -1;
}

// Without a port, and with several in the service, the listener's counts: not known here.
static bool
port_is_open(const struct dest *d)
{
	return d->svc && !d->written->port && d->svc->pub.n_ports != 1;
}

static void
check_destination(struct sl_mesh *m, const struct sl_object *vs, unsigned client,
	const struct sl_vs_destination *to, const char *path, struct sl_diags *diags)
{
	struct dest d;

	dest_resolve(m, client, vs, to, 0, &d);
	if (port_is_open(&d))
		d.port = d.svc->pub.n_ports ? d.svc->port[0]->number : 0;
	char *problem = dest_problem(m, &d);

	if (problem)
		find(diags, vs, "M1", &to->loc, path, problem);
	free(problem);
}

static void
check_routes(struct sl_mesh *m, const struct sl_object *vs, unsigned client, const char *kind,
	const struct sl_vs_route *route, uint32_t n, struct sl_diags *diags)
{
	char path[80];

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < route[i].n_to; k++) {
			snprintf(path, sizeof(path), "spec.%s[%u].route[%u].destination", kind, i,
				k);
			check_destination(m, vs, client, &route[i].to[k], path, diags);
		}
	}
}

// gateway: "name", "namespace/name". A short name is in the VirtualService's own namespace
// (istio-semantics 3.10); one with dots is the old form "name.namespace.svc...".
static void
check_gateway(struct sl_mesh *m, const struct sl_object *vs, uint32_t i, struct sl_diags *diags)
{
	char *text = sl_xstrdup(vs->vs.gateways[i]), *name = text, path[64];
	const char *namespace_ = vs->meta.namespace_;
	char *slash = strchr(text, '/'), *dot = strchr(text, '.');

	if (slash) {
		*slash = '\0';
		namespace_ = text;
		name = slash + 1;
	} else if (dot) {
		*dot = '\0';
		namespace_ = dot + 1;
		dot[1 + strcspn(dot + 1, ".")] = '\0';
	}
	if (strcmp(vs->vs.gateways[i], "mesh") != 0 &&
		!sl_registry_find(m->registry, SL_KIND_GATEWAY, namespace_, name)) {
		char *message = sl_xasprintf("unbound gateway reference: there is no Gateway "
					     "%s/%s%s",
			namespace_, name,
			slash || dot
				? ""
				: " (a name without namespace is in the VirtualService's own)");

		snprintf(path, sizeof(path), "spec.gateways[%u]", i);
		find(diags, vs, "M2", NULL, path, message);
		free(message);
	}
	free(text);
}

static bool
routes_mesh(const struct sl_object *vs)
{
	for (uint32_t i = 0; i < vs->vs.n_gateways; i++) {
		if (strcmp(vs->vs.gateways[i], "mesh") == 0)
			return vs->vs.n_tcp > 0;
	}
	return vs->vs.n_tcp > 0 && !vs->vs.n_gateways;
}

// The older one with tcp routes for the mesh, on the very host, of the same namespace.
static void
check_host(struct sl_mesh *m, const struct sl_object *vs, uint32_t i, struct sl_diags *diags)
{
	char name[HOST_MAX], title[600], path[64];
	const struct host *h =
		by_key_find(&m->hosts, full_host(vs->vs.hosts[i], vs->meta.namespace_, name));

	for (uint32_t k = 0; h && k < h->vs.n && h->vs.v[k] != vs; k++) {
		const struct sl_object *other = h->vs.v[k];

		if (!routes_mesh(vs) || !routes_mesh(other) ||
			strcmp(other->meta.namespace_, vs->meta.namespace_) != 0)
			continue;
		char *message = sl_xasprintf("%s routes %s already and is first: not used for it",
			sl_object_title(other, title, sizeof(title)), name);

		snprintf(path, sizeof(path), "spec.hosts[%u]", i);
		find(diags, vs, "M3", NULL, path, message);
		free(message);
		return;
	}
}

static void
check_vs(struct sl_mesh *m, const struct sl_object *vs, struct sl_diags *diags)
{
	const int client = client_of(m, vs);

	for (uint32_t i = 0; i < vs->vs.n_gateways; i++)
		check_gateway(m, vs, i, diags);
	for (uint32_t i = 0; i < vs->vs.n_hosts; i++)
		check_host(m, vs, i, diags);
	if (client < 0) {
		find(diags, vs, "M4", NULL, "spec.exportTo",
			"no client of sluice.yaml is in a namespace that it is exported to");
		return;
	}
	check_routes(m, vs, client, "tcp", vs->vs.tcp, vs->vs.n_tcp, diags);
	check_routes(m, vs, client, "tls", vs->vs.tls, vs->vs.n_tls, diags);
}

// ---- DestinationRule, WorkloadEntry ----

static bool
fails_over(const struct sl_load_balancer *lb)
{
	return lb->given && !lb->locality.disabled &&
	       (lb->locality.n_failover || lb->locality.n_failover_priority);
}

static void
check_failover(const struct sl_object *dr, const struct sl_traffic_policy *p, bool inherited,
	const char *path, struct sl_diags *diags)
{
	if (fails_over(&p->lb) && !p->outlier.given && !inherited)
		find(diags, dr, "M5", NULL, path,
			"failover between localities needs outlierDetection next to it: without, "
			"locality has no effect");
	for (uint32_t i = 0; i < p->n_ports; i++) {
		if (fails_over(&p->ports[i].lb) && !p->ports[i].outlier.given)
			find(diags, dr, "M5", NULL, path,
				"failover in portLevelSettings needs outlierDetection next to it: "
				"the entry replaces the rest of the policy");
	}
}

static void
check_dr(const struct sl_object *dr, struct sl_diags *diags)
{
	char path[64];

	check_failover(dr, &dr->dr.policy, false, "spec.trafficPolicy", diags);
	for (uint32_t i = 0; i < dr->dr.n_subsets; i++) {
		snprintf(path, sizeof(path), "spec.subsets[%u].trafficPolicy", i);
		check_failover(
			dr, &dr->dr.subsets[i].policy, dr->dr.policy.outlier.given, path, diags);
	}
}

static void
check_workload(struct sl_mesh *m, const struct sl_object *we, struct sl_diags *diags)
{
	size_t n;
	const struct sl_mesh_service **svc = sl_mesh_list_of(m, we, &n);

	if (!n)
		find(diags, we, "M6", NULL, NULL,
			"no ServiceEntry of its namespace has it: no workloadSelector matches its "
			"labels, or only ones that do not take such an address");
	free(svc);
}

// ---- all of it ----

static void
check_object(struct sl_mesh *m, const struct sl_object *obj, struct sl_diags *diags)
{
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		find_in_entry(m, obj, diags);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
		check_workload(m, obj, diags);
		break;
	case SL_KIND_DESTINATION_RULE:
		check_dr(obj, diags);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		check_vs(m, obj, diags);
		break;
	default:
		break;
	}
}

void
sl_mesh_object_findings(struct sl_mesh *m, const struct sl_object *obj, struct sl_diags *diags)
{
	check_object(m, obj, diags);
}

void
sl_mesh_findings(struct sl_mesh *m, const struct sl_object *only, struct sl_diags *diags)
{
	struct sl_object *obj;

	if (only)
		check_object(m, only, diags);
	for (size_t it = 0; !only && sl_registry_next(m->registry, &it, &obj);)
		check_object(m, obj, diags);
	find_conflicts(m, only, diags);
}
