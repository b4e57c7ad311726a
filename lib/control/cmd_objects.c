// Commands that change or compare objects: apply, delete, diff.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"

// What a request did to the registry, to take it back when it cannot be published.
struct undo {
	struct step {
		enum sl_kind kind;
		char *namespace_;
		char *name;
		char *json; // of the socket's object before; NULL: there was none
		bool changed;
	} * v;
	size_t n;
	size_t cap;
};

static void
undo_note(struct undo *u, struct sl_control *c, enum sl_kind kind, const char *namespace_,
	const char *name)
{
	const struct sl_object *was =
		sl_registry_find_origin(c->registry, kind, namespace_, name, SL_ORIGIN_SOCKET);

	if (u->n == u->cap) {
		u->cap = u->cap ? 2 * u->cap : 16;
		u->v = sl_xrealloc(u->v, u->cap, sizeof(*u->v));
	}
	u->v[u->n++] = (struct step){
		.kind = kind,
		.namespace_ = sl_xstrdup(namespace_),
		.name = sl_xstrdup(name),
		.json = sl_xstrdup(was ? was->json : NULL),
	};
}

static void
undo_fini(struct undo *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].namespace_);
		free(u->v[i].name);
		free(u->v[i].json);
	}
	free(u->v);
}

static void
take_back(struct undo *u, struct sl_control *c)
{
	for (size_t i = u->n; i-- > 0;) {
		const struct step *s = &u->v[i];
		struct sl_objects objects = {0};
		struct sl_diags diags = {0};

		if (s->json)
			sl_conf_objects(s->json, strlen(s->json), "state", SL_ORIGIN_SOCKET,
				&objects, &diags);
		if (objects.n) {
			sl_registry_put(c->registry, objects.v[0]);
			objects.v[0] = NULL;
		} else {
			sl_registry_del(
				c->registry, s->kind, s->namespace_, s->name, SL_ORIGIN_SOCKET);
		}
		sl_objects_fini(&objects);
		sl_diags_fini(&diags);
	}
}

static char *
undo(struct undo *u, struct sl_control *c, int rc)
{
	char *text = rc < 0 ? control_publish_why(c, rc) : sl_xstrdup(c->unfit), *why;
	struct sl_diags refused = {0};

	take_back(u, c);
	control_publish(c);
	sl_compile_news(c->compile, &refused);
	sl_diags_fini(&refused);
	why = sl_xasprintf("nothing was changed: %s", text);
	free(text);
	return why;
}

// Publishes what a request changed and keeps it. NULL, or why not: everything is as before then.
static char *
commit(struct sl_control *c, struct undo *u)
{
	int rc = control_publish(c);

	if (rc < 0 || c->unfit)
		return undo(u, c, rc);
	control_apply_hosts(c);
	rc = control_store_save(c);
	if (rc < 0)
		return sl_xasprintf("live, but not saved in %s (a restart will lose it): %s",
			c->conf->state_dir, strerror(-rc));
	return NULL;
}

// Addresses that were lost or won by a change.
static void
tell_news(struct sl_control *c, struct sl_ctl_req *req)
{
	struct sl_diags diags = {0};

	sl_compile_news(c->compile, &diags);
	control_log_diags(c, &diags);
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
}

static void
read_inputs(const struct sl_ctl_req *req, struct sl_objects *objects, struct sl_diags *diags)
{
	const char *name;
	const char *text;
	size_t len;

	for (size_t i = 0; sl_ctl_input(req, i, &name, &text, &len); i++)
		sl_conf_objects(text, len, name, SL_ORIGIN_SOCKET, objects, diags);
	sl_diags_sort(diags);
}

static void
emit_identity(struct sl_emit *e, enum sl_kind kind, const char *namespace_, const char *name)
{
	sl_emit_str(e, "kind", sl_kind_name(kind));
	sl_emit_str(e, "group", sl_kind_group(kind));
	sl_emit_str(e, "namespace", namespace_);
	sl_emit_str(e, "name", name);
}

static void
result_row(struct sl_ctl_req *req, enum sl_kind kind, const char *namespace_, const char *name,
	const char *result)
{
	struct sl_emit *e = sl_ctl_row(req);

	emit_identity(e, kind, namespace_, name);
	sl_emit_str(e, "result", result);
	sl_ctl_row_end(req);
}

static const char *
change_name(enum sl_change change)
{
	switch (change) {
	case SL_CREATED:
		return "created";
	case SL_CONFIGURED:
		return "configured";
	case SL_DELETED:
		return "deleted";
	default:
		return "unchanged";
	}
}

// ---- versions that are refused ----

static void
forget_refusal(struct sl_control *c, enum sl_kind kind, const char *namespace_, const char *name)
{
	struct sl_object *obj =
		sl_registry_find_origin(c->registry, kind, namespace_, name, SL_ORIGIN_SOCKET);

	if (obj) {
		free(obj->rejected);
		obj->rejected = NULL;
	}
}

// The object that diagnostics call "ServiceEntry default/web" or "Namespace shop", of those that
// were applied.
static struct sl_object *
find_titled(struct sl_control *c, const char *title)
{
	const char *space = strchr(title, ' '), *slash = space ? strchr(space, '/') : NULL;
	char *namespace_;
	struct sl_object *obj = NULL;

	if (!space)
		return NULL;
	namespace_ =
		slash ? sl_xasprintf("%.*s", (int)(slash - space - 1), space + 1) : sl_xstrdup("");
	// A name of a kind may stand for two kinds.
	for (int k = 0; !obj && k < SL_KIND_MAX; k++) {
		const char *name = sl_kind_name(k);

		if (strlen(name) == (size_t)(space - title) &&
			strncmp(name, title, strlen(name)) == 0)
			obj = sl_registry_find_origin(c->registry, k, namespace_,
				slash ? slash + 1 : space + 1, SL_ORIGIN_SOCKET);
	}
	free(namespace_);
	return obj;
}

// Objects of which a later version was invalid serve on, and say so.
static void
note_refused(struct sl_control *c, const struct sl_diags *diags)
{
	struct sl_object *obj = NULL;

	for (size_t i = 0; i < diags->n; i++) {
		const struct sl_diag *d = &diags->v[i];
		const bool more = i > 0 && diags->v[i - 1].object && d->object &&
				  strcmp(diags->v[i - 1].object, d->object) == 0;
		char *before = NULL;

		if (!more)
			obj = d->object ? find_titled(c, d->object) : NULL;
		if (!obj || d->severity != SL_ERROR)
			continue;
		if (more)
			before = obj->rejected;
		else
			free(obj->rejected);
		obj->rejected = sl_xasprintf("%s%s%s:%u:%u: %s", before ? before : "",
			before ? "; " : "", d->file ? d->file : "", d->line, d->col, d->message);
		free(before);
	}
}

// What the mesh finds on the objects that changed.
static void
find_changed(struct sl_control *c, const struct undo *u, struct sl_diags *diags)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct step *s = &u->v[i];
		const struct sl_object *obj =
			s->changed ? sl_registry_find(c->registry, s->kind, s->namespace_, s->name)
				   : NULL;

		if (obj)
			sl_mesh_object_findings(c->mesh, obj, diags);
	}
}

// ---- apply ----

// One applied object: its row needs the identity after the registry has taken (or freed) it.
static bool
apply_one(struct sl_control *c, struct sl_ctl_req *req, struct undo *undo, struct sl_object *obj)
{
	const enum sl_kind kind = obj->kind;
	char *namespace_ = sl_xstrdup(obj->meta.namespace_), *name = sl_xstrdup(obj->meta.name);
	enum sl_change change;

	undo_note(undo, c, kind, namespace_, name);
	change = sl_registry_put(c->registry, obj);
	undo->v[undo->n - 1].changed = change != SL_UNCHANGED;
	// Valid, and as it was before: what was refused in between counts no more.
	if (change == SL_UNCHANGED)
		forget_refusal(c, kind, namespace_, name);
	result_row(req, kind, namespace_, name, change_name(change));
	free(namespace_);
	free(name);
	return change != SL_UNCHANGED;
}

void
control_cmd_apply(struct sl_control *c, struct sl_ctl_req *req)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	struct undo undo = {0};
	size_t changes = 0, errors;
	char *why = NULL;

	read_inputs(req, &objects, &diags);
	errors = diags.errors;
	note_refused(c, &diags);
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	for (size_t i = 0; i < objects.n; i++) {
		changes += apply_one(c, req, &undo, objects.v[i]);
		objects.v[i] = NULL;
	}
	if (objects.n == 0 && errors == 0)
		sl_ctl_text(req, "there are no objects in these files");
	if (changes)
		why = commit(c, &undo);
	if (changes && !why)
		sl_log(c->log, SL_LOG_NOTICE, TOPIC,
			"applied objects=%zu changed=%zu generation=%llu", objects.n, changes,
			(unsigned long long)c->generation);
	tell_news(c, req);
	if (changes && !why) {
		find_changed(c, &undo, &diags);
		sl_ctl_diags(req, &diags);
		sl_diags_fini(&diags);
	}
	if (why)
		sl_ctl_fail(req, 1, "%s", why);
	else if (errors)
		sl_ctl_fail(req, 1, "%zu error%s: what is invalid was left out", errors,
			errors == 1 ? "" : "s");
	else
		sl_ctl_done(req);
	free(why);
	undo_fini(&undo);
	sl_objects_fini(&objects);
}

// What a delete request came to so far.
struct deletion {
	struct sl_control *c;
	struct sl_ctl_req *req;
	struct undo undo;
	size_t deleted;
	size_t missing;
	size_t refused;
	bool ignore_missing;
};

static void
delete_one(struct deletion *d, enum sl_kind kind, const char *namespace_, const char *name)
{
	const struct sl_object *obj = sl_registry_find(d->c->registry, kind, namespace_, name);

	if (obj && obj->origin == SL_ORIGIN_FILE) {
		sl_ctl_text(d->req, "%s %s%s%s comes from %s:%u: remove it there and reload",
			sl_kind_name(kind), namespace_, *namespace_ ? "/" : "", name, obj->loc.file,
			obj->loc.line);
		d->refused++;
		return;
	}
	if (!obj) {
		d->missing++;
		result_row(d->req, kind, namespace_, name, "not found");
		return;
	}
	undo_note(&d->undo, d->c, kind, namespace_, name);
	sl_registry_del(d->c->registry, kind, namespace_, name, SL_ORIGIN_SOCKET);
	d->deleted++;
	result_row(d->req, kind, namespace_, name, "deleted");
}

static enum sl_kind
kind_of(const char *name)
{
	enum sl_kind kind;

	return sl_kind_parse(name, &kind) == 0 ? kind : SL_KIND_MAX;
}

static void
delete_named(struct deletion *d, const char *kind)
{
	const char *namespace_ = sl_ctl_arg(d->req, "namespace"), *name;
	const enum sl_kind k = kind_of(kind);

	for (size_t i = 0; (name = sl_ctl_arg_at(d->req, "name", i)); i++)
		delete_one(d, k,
			!sl_kind_has_namespace(k) ? ""
			: namespace_              ? namespace_
						  : "default",
			name);
}

static void
delete_inputs(struct deletion *d)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	read_inputs(d->req, &objects, &diags);
	d->refused += diags.errors;
	sl_ctl_diags(d->req, &diags);
	for (size_t i = 0; i < objects.n; i++)
		delete_one(d, objects.v[i]->kind, objects.v[i]->meta.namespace_,
			objects.v[i]->meta.name);
	sl_diags_fini(&diags);
	sl_objects_fini(&objects);
}

void
control_cmd_delete(struct sl_control *c, struct sl_ctl_req *req)
{
	struct deletion d = {
		.c = c, .req = req, .ignore_missing = sl_ctl_flag(req, "ignore-not-found")};
	const char *kind = sl_ctl_arg(req, "kind");
	char *why = NULL;

	if (kind && kind_of(kind) == SL_KIND_MAX) {
		sl_ctl_fail(req, 2, "\"%s\" is no kind", kind);
		return;
	}
	if (kind)
		delete_named(&d, kind);
	delete_inputs(&d);
	if (d.deleted)
		why = commit(c, &d.undo);
	if (d.deleted && !why)
		sl_log(c->log, SL_LOG_NOTICE, TOPIC, "deleted objects=%zu generation=%llu",
			d.deleted, (unsigned long long)c->generation);
	tell_news(c, req);
	if (why)
		sl_ctl_fail(req, 1, "%s", why);
	else if (d.refused || (d.missing && !d.ignore_missing))
		sl_ctl_fail(req, 1, "%zu not deleted", d.refused + d.missing);
	else
		sl_ctl_done(req);
	free(why);
	undo_fini(&d.undo);
}

void
control_cmd_diff(struct sl_control *c, struct sl_ctl_req *req)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	size_t errors;

	read_inputs(req, &objects, &diags);
	errors = diags.errors;
	sl_ctl_diags(req, &diags);
	sl_diags_fini(&diags);
	for (size_t i = 0; i < objects.n; i++) {
		const struct sl_object *obj = objects.v[i];
		const struct sl_object *live = sl_registry_find(
			c->registry, obj->kind, obj->meta.namespace_, obj->meta.name);
		struct sl_emit *e = sl_ctl_row(req);

		emit_identity(e, obj->kind, obj->meta.namespace_, obj->meta.name);
		sl_emit_raw(e, "live", live ? live->json : "null");
		sl_emit_raw(e, "new", obj->json);
		sl_ctl_row_end(req);
	}
	sl_objects_fini(&objects);
	if (errors)
		sl_ctl_fail(req, 2, "%zu error%s", errors, errors == 1 ? "" : "s");
	else
		sl_ctl_done(req);
}
