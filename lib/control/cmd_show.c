// Commands that only read: get, describe, services, endpoints.
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "sl_emit.h"

// Listings are streams: so much a step, so that 100,000 objects neither stop the event loop nor
// fill its memory. What comes or goes meanwhile may be missed.
#define OBJECTS_A_STEP  64
#define SERVICES_A_STEP 16

// ---- what became of an object ----

static bool
anything_left_out(const struct sl_service_entry *se)
{
	for (uint32_t i = 0; i < se->n_addresses; i++)
		if (sl_se_address_not_served(&se->addresses[i]))
			return true;
	for (uint32_t i = 0; i < se->n_ports; i++)
		if (sl_se_port_not_served(&se->ports[i]))
			return true;
	for (uint32_t i = 0; i < se->n_endpoints; i++)
		if (sl_se_endpoint_not_served(&se->endpoints[i]))
			return true;
	return false;
}

static const char *
status_of(const struct sl_object *obj, const char **reason)
{
	const struct sl_note *lost = control_lost_conflict(obj);
	const char *why = sl_se_not_served(&obj->se);

	*reason = why;
	if (why)
		return "NotServed";
	if (lost) {
		*reason = lost->message;
		return "Partial";
	}
	if (anything_left_out(&obj->se)) {
		*reason = "parts of it are not served yet: see describe";
		return "Partial";
	}
	return "Served";
}

static const char *
origin_name(enum sl_origin origin)
{
	return origin == SL_ORIGIN_SOCKET ? "socket" : "file";
}

static void
emit_identity(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_str(e, "kind", sl_kind_name(obj->kind));
	sl_emit_str(e, "namespace", obj->meta.namespace_);
	sl_emit_str(e, "name", obj->meta.name);
}

static void
emit_origin(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_str(e, "origin", origin_name(obj->origin));
	sl_emit_str(e, "file", obj->loc.file);
	sl_emit_u64(e, "line", obj->loc.line);
	sl_emit_u64(e, "generation", obj->generation);
}

// ---- get ----

static void
emit_get(struct sl_emit *e, const struct sl_object *obj, bool whole)
{
	const struct sl_service_entry *se = &obj->se;
	const char *reason;

	emit_identity(e, obj);
	sl_emit_arr(e, "hosts");
	for (uint32_t i = 0; i < se->n_hosts; i++)
		sl_emit_str(e, NULL, se->hosts[i]);
	sl_emit_end(e);
	sl_emit_str(e, "location", sl_location_name(se->location));
	sl_emit_str(e, "resolution", sl_resolution_name(se->resolution));
	sl_emit_arr(e, "addresses");
	for (uint32_t i = 0; i < se->n_addresses; i++)
		sl_emit_str(e, NULL, se->addresses[i].text);
	sl_emit_end(e);
	sl_emit_u64(e, "endpoints", se->n_endpoints);
	sl_emit_str(e, "status", status_of(obj, &reason));
	sl_emit_str(e, "reason", reason);
	emit_origin(e, obj);
	if (whole)
		sl_emit_raw(e, "object", obj->json);
}

struct get_walk {
	struct sl_control *c;
	char *kind;
	char *namespace_; // NULL: any
	char *name;       // NULL: any
	bool whole;
	size_t it;
	size_t found;
};

static bool
is_wanted(const struct get_walk *w, const struct sl_object *obj)
{
	return strcmp(sl_kind_name(obj->kind), w->kind) == 0 &&
	       (!w->namespace_ || strcmp(obj->meta.namespace_, w->namespace_) == 0) &&
	       (!w->name || strcmp(obj->meta.name, w->name) == 0);
}

static int
next_objects(void *state, struct sl_ctl_req *req)
{
	struct get_walk *w = state;
	struct sl_object *obj;

	for (int i = 0; i < OBJECTS_A_STEP; i++) {
		if (!sl_registry_next(w->c->registry, &w->it, &obj)) {
			if (!w->name || w->found)
				return 0;
			sl_ctl_fail(req, 1, "%s \"%s\" not found%s%s", w->kind, w->name,
				w->namespace_ ? " in namespace " : "",
				w->namespace_ ? w->namespace_ : "");
			return -1;
		}
		if (!is_wanted(w, obj))
			continue;
		emit_get(sl_ctl_row(req), obj, w->whole);
		sl_ctl_row_end(req);
		w->found++;
	}
	return 1;
}

static void
get_free(void *state)
{
	struct get_walk *w = state;

	free(w->kind);
	free(w->namespace_);
	free(w->name);
	free(w);
}

void
control_cmd_get(struct sl_control *c, struct sl_ctl_req *req)
{
	const char *output = sl_ctl_arg(req, "output");
	struct get_walk *w = sl_xcalloc(1, sizeof(*w));

	w->c = c;
	w->kind = sl_xstrdup(sl_ctl_arg(req, "kind"));
	w->namespace_ = sl_xstrdup(sl_ctl_arg(req, "namespace"));
	w->name = sl_xstrdup(sl_ctl_arg(req, "name"));
	w->whole = output && (strcmp(output, "yaml") == 0 || strcmp(output, "json") == 0);
	sl_ctl_stream(req, next_objects, w, get_free);
}

// ---- services and endpoints ----

// Flows of an endpoint of a service port over all VIPs of the service; false: workers do not know
// it (not served, or a lost conflict).
static bool
load_of(const struct sl_control *c, const struct sl_service *svc, const struct sl_se_port *port,
	const struct sl_se_endpoint *ep, struct sl_endpoint_load *load)
{
	const struct sl_service_entry *se = &svc->obj->se;
	const sl_be16 ep_port = sl_cpu_to_be16((uint16_t)sl_se_endpoint_port(ep, port));
	bool found = false;

	*load = (struct sl_endpoint_load){0};
	for (uint32_t i = 0; svc->served && ep->ip.family == AF_INET && i < se->n_addresses; i++) {
		const struct sl_fwd_key key = {
			.vip = se->addresses[i].prefix.addr.v4,
			.port = sl_cpu_to_be16((uint16_t)port->number),
			.proto = sl_se_port_transport(port),
			.len = 32,
		};
		struct sl_compile_slot has;
		uint64_t active, total;
		uint32_t slot;

		if (sl_se_address_not_served(&se->addresses[i]))
			continue;
		slot = sl_compile_slot_find(c->compile, &key, ep->ip.v4, ep_port);
		// The key may be another object's, with an endpoint at the same place.
		if (!sl_compile_slot(c->compile, slot, &has) ||
			strcmp(has.service, svc->obj->meta.name) != 0 ||
			strcmp(has.namespace_, svc->obj->meta.namespace_) != 0)
			continue;
		c->cfg.slot_load(c->cfg.ctx, slot, &active, &total);
		load->flows += active;
		load->total += total - c->slot_base[slot];
		found = true;
	}
	return found;
}

static const char *
endpoint_state(void *ctx, const struct sl_service *svc, const struct sl_se_port *port,
	const struct sl_se_endpoint *ep, uint32_t ep_port)
{
	struct sl_endpoint_load load;

	return load_of(ctx, svc, port, ep, &load) ? "up" : "notServed";
}

static void
emit_service(struct sl_control *c, struct sl_ctl_req *req, const struct sl_service *svc)
{
	sl_service_emit(svc, endpoint_state, c, sl_ctl_row_value(req));
	sl_ctl_row_end(req);
}

static void
emit_endpoints(struct sl_control *c, struct sl_ctl_req *req, const struct sl_service *svc)
{
	const struct sl_service_entry *se = &svc->obj->se;

	for (uint32_t p = 0; p < se->n_ports; p++) {
		for (uint32_t i = 0; i < se->n_endpoints; i++) {
			struct sl_endpoint_load load;
			const bool up = load_of(c, svc, &se->ports[p], &se->endpoints[i], &load);

			sl_endpoint_emit(svc, &se->ports[p], &se->endpoints[i],
				up ? "up" : "notServed", up ? &load : NULL, sl_ctl_row_value(req));
			sl_ctl_row_end(req);
		}
	}
}

// A walk over the services in the order of listings. The registry may change between two steps: the
// list is made anew then and goes on at the same place.
struct service_walk {
	struct sl_control *c;
	void (*emit)(struct sl_control *c, struct sl_ctl_req *req, const struct sl_service *svc);
	char *namespace_; // NULL: any
	char *host;       // NULL: any
	const struct sl_service **list;
	size_t n;
	size_t at;
	uint64_t generation; // of the registry that the list is of
};

static void
make_list(struct service_walk *w)
{
	const uint64_t generation = sl_registry_generation(w->c->registry);

	if (w->list && w->generation == generation)
		return;
	free(w->list);
	w->list = sl_services_list(w->c->registry, w->namespace_, w->host, &w->n);
	w->generation = generation;
}

static int
next_services(void *state, struct sl_ctl_req *req)
{
	struct service_walk *w = state;

	make_list(w);
	for (int i = 0; i < SERVICES_A_STEP && w->at < w->n; i++)
		w->emit(w->c, req, w->list[w->at++]);
	return w->at < w->n;
}

static void
service_walk_free(void *state)
{
	struct service_walk *w = state;

	free(w->list);
	free(w->namespace_);
	free(w->host);
	free(w);
}

static void
walk_services(struct sl_control *c, struct sl_ctl_req *req, const char *host,
	void (*emit)(struct sl_control *c, struct sl_ctl_req *req, const struct sl_service *svc))
{
	struct service_walk *w = sl_xcalloc(1, sizeof(*w));

	w->c = c;
	w->emit = emit;
	w->namespace_ = sl_xstrdup(sl_ctl_arg(req, "namespace"));
	w->host = sl_xstrdup(host);
	sl_ctl_stream(req, next_services, w, service_walk_free);
}

void
control_cmd_services(struct sl_control *c, struct sl_ctl_req *req)
{
	walk_services(c, req, NULL, emit_service);
}

void
control_cmd_endpoints(struct sl_control *c, struct sl_ctl_req *req)
{
	walk_services(c, req, sl_ctl_arg(req, "service"), emit_endpoints);
}

// ---- describe ----

static void
emit_labels(struct sl_emit *e, const char *key, const struct sl_label *labels, uint32_t n)
{
	sl_emit_obj(e, key);
	for (uint32_t i = 0; i < n; i++)
		sl_emit_str(e, labels[i].key, labels[i].value);
	sl_emit_end(e);
}

static void
emit_condition(
	struct sl_emit *e, const char *type, bool status, const char *reason, const char *message)
{
	sl_emit_obj(e, NULL);
	sl_emit_str(e, "type", type);
	sl_emit_str(e, "status", status ? "True" : "False");
	sl_emit_str(e, "reason", reason);
	sl_emit_str(e, "message", message);
	sl_emit_end(e);
}

static void
emit_conditions(struct sl_emit *e, const struct sl_object *obj)
{
	const struct sl_note *lost = control_lost_conflict(obj);
	const char *reason, *status = status_of(obj, &reason);

	sl_emit_arr(e, "conditions");
	emit_condition(e, "Accepted", true, "Valid", NULL);
	emit_condition(e, "Served", strcmp(status, "NotServed") != 0, status, reason);
	if (lost)
		emit_condition(e, "Conflicted", true, "VIPTaken", lost->message);
	sl_emit_end(e);
}

static void
emit_notes(struct sl_emit *e, const struct sl_object *obj)
{
	sl_emit_arr(e, "notes");
	for (uint32_t i = 0; i < obj->n_notes; i++) {
		sl_emit_obj(e, NULL);
		sl_emit_str(e, "path", obj->notes[i].path);
		sl_emit_str(e, "message", obj->notes[i].message);
		sl_emit_u64(e, "line", obj->notes[i].line);
		sl_emit_u64(e, "col", obj->notes[i].col);
		sl_emit_end(e);
	}
	sl_emit_end(e);
}

static void
emit_describe(struct sl_control *c, struct sl_ctl_req *req, const struct sl_object *obj)
{
	struct sl_emit *e = sl_ctl_row(req);
	const struct sl_service **list;
	const char *reason;
	size_t n;

	emit_identity(e, obj);
	emit_labels(e, "labels", obj->meta.labels, obj->meta.n_labels);
	emit_labels(e, "annotations", obj->meta.annotations, obj->meta.n_annotations);
	sl_emit_str(e, "creation", obj->meta.creation);
	emit_origin(e, obj);
	sl_emit_str(e, "status", status_of(obj, &reason));
	emit_conditions(e, obj);
	emit_notes(e, obj);
	sl_emit_arr(e, "services");
	list = sl_services_list(c->registry, obj->meta.namespace_, NULL, &n);
	for (size_t i = 0; i < n; i++)
		if (list[i]->obj == obj)
			sl_service_emit(list[i], endpoint_state, c, e);
	free(list);
	sl_emit_end(e);
	sl_ctl_row_end(req);
}

void
control_cmd_describe(struct sl_control *c, struct sl_ctl_req *req)
{
	const char *namespace_ = sl_ctl_arg(req, "namespace"), *name = sl_ctl_arg(req, "name");
	const char *kind = sl_ctl_arg(req, "kind");
	struct sl_object *obj;
	size_t it = 0, found = 0;

	if (!namespace_)
		namespace_ = "default";
	while (sl_registry_next(c->registry, &it, &obj)) {
		if (strcmp(sl_kind_name(obj->kind), kind) != 0 ||
			strcmp(obj->meta.namespace_, namespace_) != 0 ||
			strcmp(obj->meta.name, name) != 0)
			continue;
		emit_describe(c, req, obj);
		found++;
	}
	if (found)
		sl_ctl_done(req);
	else
		sl_ctl_fail(req, 1, "%s \"%s\" not found in namespace %s", kind, name, namespace_);
}
