// The rows of `services` and `endpoints`, the same offline and in the daemon.
#include <stdio.h>
#include <string.h>

#include "mesh.h"
#include "sl_emit.h"

static void
emit_vips(const struct sl_mesh_service *svc, struct sl_emit *e)
{
	char text[SL_PREFIX_STRLEN];

	sl_emit_arr(e, "vips");
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		const struct sl_prefix *p = &svc->vip[i]->prefix;

		sl_emit_str(e, NULL,
			sl_prefix_is_host(p) ? sl_ip_str(&p->addr, text) : sl_prefix_str(p, text));
	}
	for (unsigned f = 0; f < 2; f++) {
		if (svc->auto_vip[f].family)
			sl_emit_str(e, NULL, sl_ip_str(&svc->auto_vip[f], text));
	}
	sl_emit_end(e);
}

static void
emit_ports(const struct sl_mesh_service *svc, struct sl_emit *e)
{
	sl_emit_arr(e, "ports");
	for (uint32_t i = 0; i < svc->n_ports; i++) {
		const struct sl_se_port *p = svc->port[i];

		sl_emit_obj(e, NULL);
		sl_emit_u64(e, "number", p->number);
		sl_emit_str(e, "name", p->name);
		sl_emit_str(e, "protocol", p->protocol);
		sl_emit_u64(e, "targetPort", p->target_port ? p->target_port : p->number);
		sl_emit_end(e);
	}
	sl_emit_end(e);
}

// "WorkloadEntry default/vm1", and file and line next to it.
static void
emit_source(const struct sl_mesh_endpoint *ep, struct sl_emit *e)
{
	char title[600];

	sl_emit_str(e, "source", sl_object_title(ep->obj, title, sizeof(title)));
	sl_emit_str(e, "file", ep->obj->loc.file);
	sl_emit_u64(e, "line", ep->loc->line ? ep->loc->line : ep->obj->loc.line);
}

static const char *
why_unused(const struct sl_mesh_service *svc, const struct sl_mesh_endpoint *ep, const char *state)
{
	if (ep->not_served && !(ep->pending && strcmp(state, "unknown") == 0))
		return ep->not_served;
	if (svc->not_served)
		return svc->not_served;
	if (!ep->healthy)
		return ep->obj->kind == SL_KIND_POD
			       ? "its Pod is not ready"
			       : "its health check says that it is not healthy";
	if (strcmp(state, "notServed") == 0)
		return "no address and port of the service leads to it, see the conditions";
	return "";
}

static void
emit_endpoint(const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const struct sl_mesh_endpoint *ep, uint32_t number, sl_mesh_state_fn *state, void *ctx,
	struct sl_emit *e)
{
	const char *text = "unknown"; // offline nobody asks for names

	if (svc->not_served)
		text = "notServed";
	else if (state && ep->name && !ep->ip.family)
		text = "unresolved";
	else if (ep->not_served && (state || !ep->pending))
		text = "notServed";
	else if (!ep->healthy)
		text = "unhealthy";
	else if (state)
		text = state(ctx, svc, port, ep, number);
	sl_emit_obj(e, NULL);
	sl_emit_str(e, "address", ep->address ? ep->address : "");
	sl_emit_u64(e, "port", number);
	sl_emit_str(e, "portName", port->name);
	sl_emit_u64(e, "weight", ep->weight);
	sl_emit_str(e, "locality", ep->locality);
	sl_emit_str(e, "network", ep->network);
	sl_emit_str(e, "name", ep->name);
	sl_emit_str(e, "state", text);
	sl_emit_str(e, "reason", why_unused(svc, ep, text));
	emit_source(ep, e);
	sl_emit_end(e);
}

void
sl_mesh_service_members(
	const struct sl_mesh_service *svc, sl_mesh_state_fn *state, void *ctx, struct sl_emit *e)
{
	const struct sl_mesh_endpoint *ep;
	uint32_t number;

	sl_emit_str(e, "name", svc->obj[0]->meta.name);
	sl_emit_str(e, "namespace", svc->namespace_);
	sl_emit_str(e, "host", svc->host);
	emit_vips(svc, e);
	sl_emit_bool(e, "autoVip", svc->auto_vip[0].family != 0 || svc->auto_vip[1].family != 0);
	emit_ports(svc, e);
	sl_emit_str(e, "resolution", sl_resolution_name(svc->resolution));
	sl_emit_str(e, "location", sl_location_name(svc->location));
	sl_emit_str(e, "tier", svc->tier);
	sl_emit_arr(e, "endpoints");
	for (uint32_t i = 0; i < svc->n_ports; i++) {
		for (uint32_t it = 0;
			(ep = sl_mesh_endpoint_next(svc, svc->port[i], &it, &number)) != NULL;)
			emit_endpoint(svc, svc->port[i], ep, number, state, ctx, e);
	}
	sl_emit_end(e);
	sl_emit_bool(e, "served", !svc->not_served);
	sl_emit_str(e, "reason", svc->not_served ? svc->not_served : "");
}

void
sl_mesh_service_emit(
	const struct sl_mesh_service *svc, sl_mesh_state_fn *state, void *ctx, struct sl_emit *e)
{
	sl_emit_obj(e, NULL);
	sl_mesh_service_members(svc, state, ctx, e);
	sl_emit_end(e);
}

static void
emit_or_null(struct sl_emit *e, const char *key, const char *text)
{
	sl_emit_str(e, key, text && *text ? text : NULL);
}

static const char *
status(const struct sl_mesh_endpoint *ep, const char *state)
{
	if (!ep->healthy)
		return "UNHEALTHY";
	if (strcmp(state, "unresolved") == 0)
		return "UNRESOLVED";
	return strcmp(state, "up") == 0 ? "HEALTHY" : "UNKNOWN";
}

static void
emit_load(const struct sl_endpoint_load *load, struct sl_emit *e)
{
	if (load) {
		sl_emit_u64(e, "flows", load->flows);
		sl_emit_u64(e, "flowsTotal", load->total);
	} else {
		sl_emit_null(e, "flows");
		sl_emit_null(e, "flowsTotal");
	}
}

void
sl_mesh_endpoint_emit(const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const char *subset, const struct sl_mesh_endpoint *ep, uint32_t number, const char *state,
	const struct sl_endpoint_load *load, struct sl_emit *e)
{
	sl_emit_obj(e, NULL);
	if (ep->ip.family == AF_INET6)
		sl_emit_strf(e, "endpoint", "[%s]:%u", ep->address, number);
	else
		sl_emit_strf(e, "endpoint", "%s:%u", ep->address ? ep->address : "", number);
	emit_or_null(e, "address", ep->address);
	sl_emit_u64(e, "port", number);
	sl_emit_str(e, "status", status(ep, state));
	sl_emit_null(e, "outlierCheck");
	sl_emit_strf(
		e, "cluster", "outbound|%u|%s|%s", port->number, subset ? subset : "", svc->host);
	sl_emit_str(e, "namespace", svc->namespace_);
	sl_emit_str(e, "host", svc->host);
	sl_emit_u64(e, "servicePort", port->number);
	sl_emit_str(e, "portName", port->name);
	sl_emit_u64(e, "weight", ep->weight);
	emit_or_null(e, "locality", ep->locality);
	emit_or_null(e, "network", ep->network);
	sl_emit_str(e, "name", ep->name);
	emit_source(ep, e);
	emit_load(load, e);
	sl_emit_end(e);
}
