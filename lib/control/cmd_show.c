// Commands that list: get, services, endpoints.
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "sl_emit.h"

// Listings are streams: so much a step, so that 100,000 objects neither stop the event loop nor
// fill its memory. What comes or goes meanwhile may be missed.
#define OBJECTS_A_STEP  64
#define SERVICES_A_STEP 16

// ---- get ----

static void
emit_get(struct sl_control *c, struct sl_emit *e, const struct sl_object *obj, bool whole)
{
	struct object_status status;

	control_object_status(c, obj, &status);
	control_emit_identity(e, obj);
	control_emit_columns(e, obj);
	sl_emit_str(e, "status", status.status);
	sl_emit_str(e, "reason", status.reason);
	control_emit_origin(e, obj);
	if (whole)
		sl_emit_raw(e, "object", obj->json);
	control_object_status_fini(&status);
}

struct get_walk {
	struct sl_control *c;
	enum sl_kind kind;
	char *namespace_; // NULL: any
	char *name;       // NULL: any
	bool whole;
	size_t it;
	size_t found;
};

static bool
is_wanted(const struct get_walk *w, const struct sl_object *obj)
{
	return obj->kind == w->kind &&
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
			sl_ctl_fail(req, 1, "%s \"%s\" not found%s%s", sl_kind_name(w->kind),
				w->name, w->namespace_ ? " in namespace " : "",
				w->namespace_ ? w->namespace_ : "");
			return -1;
		}
		if (!is_wanted(w, obj))
			continue;
		emit_get(w->c, sl_ctl_row(req), obj, w->whole);
		sl_ctl_row_end(req);
		w->found++;
	}
	return 1;
}

static void
get_free(void *state)
{
	struct get_walk *w = state;

	free(w->namespace_);
	free(w->name);
	free(w);
}

void
control_cmd_get(struct sl_control *c, struct sl_ctl_req *req)
{
	const char *output = sl_ctl_arg(req, "output"), *kind = sl_ctl_arg(req, "kind");
	struct get_walk *w;
	enum sl_kind parsed;

	if (sl_kind_parse(kind, &parsed) < 0) {
		sl_ctl_fail(req, 2, "\"%s\" is no kind", kind);
		return;
	}
	w = sl_xcalloc(1, sizeof(*w));
	w->c = c;
	w->kind = parsed;
	w->namespace_ = sl_xstrdup(sl_ctl_arg(req, "namespace"));
	w->name = sl_xstrdup(sl_ctl_arg(req, "name"));
	w->whole = output && (strcmp(output, "yaml") == 0 || strcmp(output, "json") == 0);
	sl_ctl_stream(req, next_objects, w, get_free);
}

// ---- services and endpoints ----

bool
control_load_of(const struct sl_control *c, const struct sl_mesh_service *svc, uint32_t port,
	const struct sl_ip *addr, uint32_t number, struct sl_endpoint_load *load)
{
	uint64_t active, total;
	uint32_t slot;

	*load = (struct sl_endpoint_load){0};
	if (addr->family != AF_INET)
		return false;
	slot = sl_compile_slot_find(c->compile, svc->namespace_, svc->host, port, addr->v4,
		sl_cpu_to_be16((uint16_t)number));
	if (slot == UINT32_MAX)
		return false;
	c->cfg.slot_load(c->cfg.ctx, slot, &active, &total);
	load->flows = active;
	load->total = total - c->slot_base[slot];
	return true;
}

const char *
control_endpoint_state(void *ctx, const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const struct sl_mesh_endpoint *ep, uint32_t number)
{
	struct sl_endpoint_load load;

	if (ep->name && !ep->ip.family)
		return "unresolved";
	if (!control_load_of(ctx, svc, port->number, &ep->ip, number, &load))
		return "notServed";
	return ep->healthy ? "up" : "unhealthy";
}

static void
emit_service(struct sl_control *c, struct sl_ctl_req *req, const struct sl_mesh_service *svc)
{
	sl_mesh_service_emit(svc, control_endpoint_state, c, sl_ctl_row_value(req));
	sl_ctl_row_end(req);
}

static void
emit_endpoint(struct sl_control *c, struct sl_ctl_req *req, const struct sl_mesh_service *svc,
	const struct sl_se_port *port, const char *subset, const struct sl_mesh_endpoint *ep,
	uint32_t number)
{
	struct sl_endpoint_load load;
	const bool served = control_load_of(c, svc, port->number, &ep->ip, number, &load);

	sl_mesh_endpoint_emit(svc, port, subset, ep, number,
		control_endpoint_state(c, svc, port, ep, number), served ? &load : NULL,
		sl_ctl_row_value(req));
	sl_ctl_row_end(req);
}

static void
emit_endpoints(struct sl_control *c, struct sl_ctl_req *req, const struct sl_mesh_service *svc)
{
	size_t n;
	const char **subset = sl_mesh_subsets(c->mesh, svc, &n);

	for (uint32_t p = 0; p < svc->n_ports; p++) {
		const struct sl_mesh_endpoint *ep;
		uint32_t number;

		for (uint32_t it = 0;
			(ep = sl_mesh_endpoint_next(svc, svc->port[p], &it, &number)) != NULL;)
			emit_endpoint(c, req, svc, svc->port[p], NULL, ep, number);
		for (size_t s = 0; s < n; s++)
			for (uint32_t it = 0; (ep = sl_mesh_endpoint_next(
						       svc, svc->port[p], &it, &number)) != NULL;)
				if (sl_mesh_in_subset(c->mesh, svc, subset[s], ep))
					emit_endpoint(
						c, req, svc, svc->port[p], subset[s], ep, number);
	}
	free(subset);
}

// A walk over the services in the order of listings. The registry may change between two steps: the
// list is made anew then and goes on at the same place. Answers of names change services, but not
// which ones there are: so it is a list of ids.
struct service_walk {
	struct sl_control *c;
	void (*emit)(
		struct sl_control *c, struct sl_ctl_req *req, const struct sl_mesh_service *svc);
	char *namespace_; // NULL: any
	char *host;       // NULL: any
	uint32_t *list;
	size_t n;
	size_t at;
	uint64_t generation; // of the registry that the list is of
};

static void
make_list(struct service_walk *w)
{
	const uint64_t generation = sl_registry_generation(w->c->registry);
	const struct sl_mesh_service **list;

	if (w->list && w->generation == generation)
		return;
	list = sl_mesh_list(w->c->mesh, w->namespace_, w->host, &w->n);
	w->list = sl_xrealloc(w->list, w->n + 1, sizeof(*w->list));
	for (size_t i = 0; i < w->n; i++)
		w->list[i] = list[i]->id;
	free(list);
	w->generation = generation;
}

static int
next_services(void *state, struct sl_ctl_req *req)
{
	struct service_walk *w = state;

	make_list(w);
	for (int i = 0; i < SERVICES_A_STEP && w->at < w->n; i++)
		w->emit(w->c, req, sl_mesh_service(w->c->mesh, w->list[w->at++]));
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
	void (*emit)(
		struct sl_control *c, struct sl_ctl_req *req, const struct sl_mesh_service *svc))
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
