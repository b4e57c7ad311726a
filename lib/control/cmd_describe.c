// describe: everything known about one object.
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"
#include "names.h"
#include "sl_emit.h"

static void
emit_labels(struct sl_emit *e, const char *key, const struct sl_label *labels, uint32_t n)
{
	sl_emit_obj(e, key);
	for (uint32_t i = 0; i < n; i++)
		sl_emit_str(e, labels[i].key, labels[i].value);
	sl_emit_end(e);
}

// ---- conditions ----

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
emit_accepted(struct sl_emit *e, const struct sl_object *obj)
{
	char *text;

	if (!obj->rejected) {
		emit_condition(e, "Accepted", true, "Valid", NULL);
		return;
	}
	text = sl_xasprintf("the last good version (line %u) serves, a later one was refused: %s",
		obj->loc.line, obj->rejected);
	emit_condition(e, "Accepted", false, "Invalid", text);
	free(text);
}

static const char *
unresolved_reason(enum sl_dns_state state)
{
	switch (state) {
	case SL_DNS_PENDING:
		return "Pending";
	case SL_DNS_EMPTY:
		return "NameError";
	case SL_DNS_REJECTED:
		return "Refused";
	default:
		return "NoAnswer";
	}
}

static void
emit_stale(struct sl_emit *e, const struct names_summary *names)
{
	const uint64_t s = 1000000000;
	char age[32];
	char *text;

	if (!names->stale) {
		emit_condition(e, "Stale", false, "Fresh", NULL);
		return;
	}
	text = sl_xasprintf("%s: the TTL of its answer ended %s ago, refreshing it fails: %s",
		names->stale, sl_str_duration_fmt(names->stale_for_ns / s * s, age),
		names->stale_error ? names->stale_error : "no answer");
	emit_condition(e, "Stale", true, "NotRefreshed", text);
	free(text);
}

// Of what has DNS names.
static void
emit_names(struct sl_control *c, struct sl_emit *e, const struct sl_object *obj)
{
	struct names_summary names;
	char *text;

	names_of(c->names, obj, &names);
	if (names.n == 0)
		return;
	if (names.unresolved) {
		text = names_unresolved_text(&names);
		emit_condition(e, "Resolved", false, unresolved_reason(names.state), text);
		free(text);
	} else {
		emit_condition(e, "Resolved", true, "Resolved", NULL);
	}
	emit_stale(e, &names);
}

static void
emit_conditions(struct sl_control *c, struct sl_emit *e, const struct sl_object *obj,
	const struct object_status *s)
{
	const bool applies = strcmp(s->status, "Applied") == 0;

	sl_emit_arr(e, "conditions");
	emit_accepted(e, obj);
	if (applies || strcmp(s->status, "NotApplied") == 0)
		emit_condition(e, "Applied", applies, s->status, s->reason);
	else if (strcmp(s->status, "Partial") == 0)
		emit_condition(e, "Served", true, "PartiallyServed", s->reason);
	else if (strcmp(s->status, "Valid") != 0)
		emit_condition(e, "Served", strcmp(s->status, "Served") == 0, s->status, s->reason);
	emit_names(c, e, obj);
	if (s->unfit) // the name that Gateway API has for it
		emit_condition(e, "Programmed", false, "NoResources", s->unfit);
	if (s->lost)
		emit_condition(e, "Conflicted", true, "Lost", s->lost);
	else if (s->won)
		emit_condition(e, "Conflicted", true, "Won", s->won);
	sl_emit_end(e);
}

// ---- notes ----

static void
emit_note(struct sl_emit *e, const char *path, const char *message, const char *rule, uint32_t line,
	uint32_t col)
{
	sl_emit_obj(e, NULL);
	sl_emit_str(e, "path", path);
	sl_emit_str(e, "message", message);
	sl_emit_u64(e, "line", line);
	sl_emit_u64(e, "col", col);
	sl_emit_str(e, "rule", rule);
	sl_emit_end(e);
}

// Those of the object itself, with its conflicts, and what the mesh finds between it and others.
static void
emit_notes(struct sl_control *c, struct sl_emit *e, const struct sl_object *obj)
{
	struct sl_diags found = {0};

	sl_emit_arr(e, "notes");
	for (uint32_t i = 0; i < obj->n_notes; i++)
		emit_note(e, obj->notes[i].path, obj->notes[i].message, NULL, obj->notes[i].line,
			obj->notes[i].col);
	sl_mesh_object_findings(c->mesh, obj, &found);
	for (size_t i = 0; i < found.n; i++)
		emit_note(e, found.v[i].path, found.v[i].message, found.v[i].rule, found.v[i].line,
			found.v[i].col);
	sl_emit_end(e);
	sl_diags_fini(&found);
}

// ---- services ----

static void
emit_client(struct sl_emit *e, const struct sl_conf *conf, uint32_t group)
{
	char text[SL_PREFIX_STRLEN];

	sl_emit_obj(e, NULL);
	sl_emit_u64(e, "group", group);
	sl_emit_str(e, "namespace", conf->groups[group].namespace_);
	sl_emit_arr(e, "cidrs");
	for (uint32_t i = 0; i < conf->n_group_prefixes; i++)
		if (conf->group_prefixes[i].group == group)
			sl_emit_str(e, NULL, sl_prefix_str(&conf->group_prefixes[i].prefix, text));
	sl_emit_end(e);
	sl_emit_end(e);
}

static void
emit_clients(struct sl_control *c, struct sl_emit *e, const struct sl_mesh_service *svc)
{
	sl_emit_arr(e, "clients");
	for (uint32_t g = 0; g < c->conf->n_groups; g++)
		if (svc->clients >> g & 1)
			emit_client(e, c->conf, g);
	sl_emit_end(e);
}

typedef const struct sl_object *chosen_fn(
	const struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc);

// What the client groups that have the service have of it, each once.
static void
emit_chosen(struct sl_control *c, struct sl_emit *e, const char *key, chosen_fn *chosen,
	const struct sl_mesh_service *svc)
{
	const struct sl_object *seen[SL_MESH_MAX_CLIENTS];
	char title[600];
	uint32_t n = 0;

	sl_emit_arr(e, key);
	for (uint32_t g = 0; g < c->conf->n_groups; g++) {
		const struct sl_object *obj =
			svc->clients >> g & 1 ? chosen(c->mesh, g, svc) : NULL;
		uint32_t i = 0;

		while (i < n && seen[i] != obj)
			i++;
		if (!obj || i < n)
			continue;
		seen[n++] = obj;
		sl_emit_obj(e, NULL);
		sl_emit_str(e, "object", sl_object_title(obj, title, sizeof(title)));
		sl_emit_str(e, "file", obj->loc.file);
		sl_emit_u64(e, "line", obj->loc.line);
		sl_emit_end(e);
	}
	sl_emit_end(e);
}

// Endpoints that no new flow gets any more, and that old ones still have. Looks at every slot.
static void
emit_draining(struct sl_control *c, struct sl_emit *e, const struct sl_mesh_service *svc)
{
	struct sl_compile_slot slot;
	char addr[SL_IP_STRLEN];

	sl_emit_arr(e, "draining");
	for (uint32_t i = 0; i < c->conf->max_endpoints; i++) {
		uint64_t active, total;

		if (!sl_compile_slot(c->compile, i, &slot) || slot.live || !slot.addr ||
			strcmp(slot.host, svc->host) != 0 ||
			strcmp(slot.namespace_, svc->namespace_) != 0)
			continue;
		c->cfg.slot_load(c->cfg.ctx, i, &active, &total);
		if (!active)
			continue;
		sl_emit_obj(e, NULL);
		sl_emit_str(e, "address", sl_ip4_str(slot.addr, addr));
		sl_emit_u64(e, "port", sl_be16_to_cpu(slot.addr_port));
		sl_emit_u64(e, "flows", active);
		sl_emit_end(e);
	}
	sl_emit_end(e);
}

static void
emit_services(struct sl_control *c, struct sl_emit *e, const struct sl_object *obj)
{
	size_t n;
	const struct sl_mesh_service **list = sl_mesh_list_of(c->mesh, obj, &n);

	sl_emit_arr(e, "services");
	for (size_t i = 0; i < n; i++) {
		sl_emit_obj(e, NULL);
		sl_mesh_service_members(list[i], control_endpoint_state, c, e);
		emit_clients(c, e, list[i]);
		emit_chosen(c, e, "virtualServices", sl_mesh_route, list[i]);
		emit_chosen(c, e, "destinationRules", sl_mesh_rule, list[i]);
		if (obj->kind == SL_KIND_SERVICE_ENTRY)
			emit_draining(c, e, list[i]);
		sl_emit_end(e);
	}
	sl_emit_end(e);
	free(list);
}

// ---- the command ----

static void
emit_describe(struct sl_control *c, struct sl_ctl_req *req, const struct sl_object *obj)
{
	struct sl_emit *e = sl_ctl_row(req);
	struct object_status status;

	control_object_status(c, obj, &status);
	control_emit_identity(e, obj);
	emit_labels(e, "labels", obj->meta.labels, obj->meta.n_labels);
	emit_labels(e, "annotations", obj->meta.annotations, obj->meta.n_annotations);
	sl_emit_str(e, "creation", obj->meta.creation);
	control_emit_origin(e, obj);
	sl_emit_str(e, "status", status.status);
	emit_conditions(c, e, obj, &status);
	emit_notes(c, e, obj);
	emit_services(c, e, obj);
	if (obj->kind == SL_KIND_SERVICE_ENTRY)
		control_emit_events(c, e, "events", obj);
	sl_ctl_row_end(req);
	control_object_status_fini(&status);
}

void
control_cmd_describe(struct sl_control *c, struct sl_ctl_req *req)
{
	const char *namespace_ = sl_ctl_arg(req, "namespace"), *name = sl_ctl_arg(req, "name");
	const char *kind = sl_ctl_arg(req, "kind");
	const struct sl_object *obj;
	enum sl_kind parsed;

	if (sl_kind_parse(kind, &parsed) < 0) {
		sl_ctl_fail(req, 2, "\"%s\" is no kind", kind);
		return;
	}
	if (!sl_kind_has_namespace(parsed))
		namespace_ = "";
	else if (!namespace_)
		namespace_ = "default";
	obj = sl_registry_find(c->registry, parsed, namespace_, name);
	if (obj) {
		emit_describe(c, req, obj);
		sl_ctl_done(req);
	} else {
		sl_ctl_fail(req, 1, "%s \"%s\" not found%s%s", sl_kind_name(parsed), name,
			*namespace_ ? " in namespace " : "", namespace_);
	}
}
