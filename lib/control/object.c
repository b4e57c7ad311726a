// What became of an object, and how listings show it.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control_priv.h"
#include "names.h"
#include "sl_emit.h"

// ---- status ----

static bool
anything_left_out(const struct sl_mesh_service *svc, const struct sl_object *obj)
{
	for (uint32_t i = 0; i < svc->n_vips; i++)
		if (sl_mesh_vip_not_served(svc->vip[i]))
			return true;
	for (uint32_t i = 0; i < svc->n_ports; i++)
		if (sl_mesh_port_not_served(svc, svc->port[i]))
			return true;
	for (uint32_t i = 0; i < svc->n_eps; i++)
		if (svc->ep[i].entry == obj && svc->ep[i].not_served)
			return true;
	return false;
}

// Names without an address are what matters most of what is left out.
static bool
names_status(struct sl_control *c, const struct sl_object *obj, bool has_endpoint,
	struct object_status *out)
{
	struct names_summary names;

	names_of(c->names, obj, &names);
	if (!names.unresolved)
		return false;
	out->status = has_endpoint ? "Partial" : "Unresolved";
	out->text = names_unresolved_text(&names);
	out->reason = out->text;
	return true;
}

static bool
has_served_endpoint(const struct sl_mesh_service *svc)
{
	for (uint32_t i = 0; i < svc->n_eps; i++)
		if (!svc->ep[i].not_served)
			return true;
	return false;
}

static void
service_entry_status(struct sl_control *c, const struct sl_object *obj, struct object_status *out)
{
	size_t n, served = 0;
	const struct sl_mesh_service **svc = sl_mesh_list_of(c->mesh, obj, &n);
	const char *why = NULL;
	bool partial = false, has_endpoint = false, has_others;

	for (size_t i = 0; i < n; i++) {
		served += !svc[i]->not_served;
		has_endpoint = has_endpoint || has_served_endpoint(svc[i]);
		why = why ? why : svc[i]->not_served;
		partial = partial || anything_left_out(svc[i], obj);
	}
	free(svc);
	out->lost = sl_compile_lost(c->compile, obj);
	out->won = sl_compile_won(c->compile, obj);
	out->unfit = sl_compile_unfit(c->compile, obj, &has_others);
	if (served == 0) {
		out->status = "NotServed";
		out->text = sl_xstrdup(why);
		out->reason = out->text;
	} else if (out->unfit) {
		out->status = has_others ? "Partial" : "NotServed";
		out->reason = out->unfit;
	} else if (names_status(c, obj, has_endpoint, out)) {
		return;
	} else if (out->lost) {
		out->status = "Partial";
		out->reason = out->lost;
	} else if (partial || served < n) {
		out->status = "Partial";
		out->reason = "parts of it are not served: see describe";
	}
}

// Carried by any service? *why: of the first one that it is not.
static bool
endpoint_is_served(const struct sl_mesh_service *svc, const struct sl_object *obj, const char **why)
{
	if (svc->not_served) {
		*why = *why ? *why : svc->not_served;
		return false;
	}
	for (uint32_t i = 0; i < svc->n_eps; i++) {
		if (svc->ep[i].obj != obj)
			continue;
		if (!svc->ep[i].not_served)
			return true;
		*why = *why ? *why : svc->ep[i].not_served;
	}
	return false;
}

static void
workload_status(struct sl_control *c, const struct sl_object *obj, struct object_status *out)
{
	const bool pod = obj->kind == SL_KIND_POD;
	size_t n, served = 0;
	const struct sl_mesh_service **svc = sl_mesh_list_of(c->mesh, obj, &n);
	const char *why = NULL;

	for (size_t i = 0; i < n; i++)
		served += endpoint_is_served(svc[i], obj, &why);
	free(svc);
	if (n == 0)
		why = "no service has it: no workloadSelector picks it";
	if (served == 0) {
		out->status = "NotServed";
		out->text = sl_xstrdup(why);
		out->reason = out->text;
	} else if (pod ? !obj->pod.ready : !obj->we.healthy) {
		out->status = "Unhealthy";
		out->reason = pod ? "the Pod is not ready" : "its health check says so";
	}
}

static void
applied_status(struct sl_control *c, const struct sl_object *obj, struct object_status *out)
{
	if (sl_mesh_is_applied(c->mesh, obj)) {
		out->status = "Applied";
		return;
	}
	out->status = "NotApplied";
	out->reason = obj->kind == SL_KIND_VIRTUAL_SERVICE && obj->vs.n_tcp == 0
			      ? "it has no tcp route, and no others are followed yet"
			      : "there is no service that it is for, or another one comes first";
}

void
control_object_status(struct sl_control *c, const struct sl_object *obj, struct object_status *out)
{
	*out = (struct object_status){.status = "Served"};
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		service_entry_status(c, obj, out);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
	case SL_KIND_POD:
		workload_status(c, obj, out);
		break;
	case SL_KIND_DESTINATION_RULE:
	case SL_KIND_VIRTUAL_SERVICE:
		applied_status(c, obj, out);
		break;
	default:
		out->status = sl_kind_is_kept(obj->kind) ? "NotServed" : "Valid";
		if (sl_kind_is_kept(obj->kind))
			out->reason = "this kind is kept, and not served yet";
	}
}

void
control_object_status_fini(struct object_status *s)
{
	free(s->text);
}

// ---- columns ----

void
control_emit_age(struct sl_emit *e, const char *key, int64_t seconds)
{
	static const struct {
		int64_t s;
		char unit;
	} units[] = {{365 * 86400, 'y'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}};
	const int64_t age = seconds > 0 ? seconds : 0;

	// Two of a unit at least, so that it is never half wrong.
	for (size_t i = 0; i < SL_ARRAY_LEN(units); i++) {
		if (age >= 2 * units[i].s) {
			sl_emit_strf(
				e, key, "%lld%c", (long long)(age / units[i].s), units[i].unit);
			return;
		}
	}
	sl_emit_strf(e, key, "%llds", (long long)age);
}

static void
emit_age(struct sl_emit *e, const char *creation)
{
	struct tm tm = {0};

	if (creation && strptime(creation, "%Y-%m-%dT%H:%M:%SZ", &tm))
		control_emit_age(e, "age", time(NULL) - timegm(&tm));
	else
		sl_emit_null(e, "age");
}

void
control_emit_identity(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_str(e, "kind", sl_kind_name(obj->kind));
	sl_emit_str(e, "group", sl_kind_group(obj->kind));
	sl_emit_str(e, "namespace", obj->meta.namespace_);
	sl_emit_str(e, "name", obj->meta.name);
}

void
control_emit_origin(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_str(e, "origin", obj->origin == SL_ORIGIN_SOCKET ? "socket" : "file");
	sl_emit_str(e, "file", obj->loc.file);
	sl_emit_u64(e, "line", obj->loc.line);
	sl_emit_u64(e, "generation", obj->generation);
}

static void
emit_texts(struct sl_emit *e, const char *key, char *const *v, uint32_t n)
{
	sl_emit_arr(e, key);
	for (uint32_t i = 0; i < n; i++)
		sl_emit_str(e, NULL, v[i]);
	sl_emit_end(e);
}

static void
service_entry_columns(struct sl_emit *e, const struct sl_service_entry *se)
{
	emit_texts(e, "hosts", se->hosts, se->n_hosts);
	sl_emit_str(e, "location", sl_location_name(se->location));
	sl_emit_str(e, "resolution", sl_resolution_name(se->resolution));
	sl_emit_arr(e, "addresses");
	for (uint32_t i = 0; i < se->n_addresses; i++)
		sl_emit_str(e, NULL, se->addresses[i].text);
	sl_emit_end(e);
	sl_emit_u64(e, "endpoints", se->n_endpoints);
}

static void
virtual_service_columns(struct sl_emit *e, const struct sl_virtual_service *vs)
{
	emit_texts(e, "gateways", vs->gateways, vs->n_gateways);
	emit_texts(e, "hosts", vs->hosts, vs->n_hosts);
}

static void
pod_columns(struct sl_emit *e, const struct sl_pod *pod)
{
	sl_emit_str(e, "ip", pod->pod_ip);
	sl_emit_str(e, "ready", pod->ready ? "True" : "False");
	sl_emit_str(e, "phase", pod->phase);
	sl_emit_str(e, "node", pod->node_name);
}

void
control_emit_columns(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_str(e, "creation", obj->meta.creation);
	emit_age(e, obj->meta.creation);
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		service_entry_columns(e, &obj->se);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
		sl_emit_str(e, "address", obj->we.ep.address);
		sl_emit_str(e, "healthy", obj->we.healthy ? "True" : "False");
		break;
	case SL_KIND_DESTINATION_RULE:
		sl_emit_str(e, "host", obj->dr.host);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		virtual_service_columns(e, &obj->vs);
		break;
	case SL_KIND_POD:
		pod_columns(e, &obj->pod);
		break;
	default:
		break;
	}
}
