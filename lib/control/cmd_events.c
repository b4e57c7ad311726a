// events, and the events of an object in describe.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control_priv.h"
#include "events.h"
#include "sl_emit.h"
#include "sl_mesh_names.h"

// What events are about, as they name it; v NULL: anything.
struct subjects {
	char **v;
	size_t n;
};

static void
add_subject(struct subjects *s, char *text)
{
	s->v = sl_xrealloc(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = text;
}

static void
subjects_fini(struct subjects *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

// The services of an object, and their names.
static void
subjects_of(struct sl_control *c, const struct sl_object *obj, struct subjects *out)
{
	size_t n;
	const struct sl_mesh_service **svc = sl_mesh_list_of(c->mesh, obj, &n);

	add_subject(out, sl_xstrdup(obj->meta.name)); // so that there is one: no event has it
	for (size_t i = 0; i < n; i++) {
		const struct sl_mesh_name *name;

		add_subject(out, sl_xasprintf("%s/%s", svc[i]->namespace_, svc[i]->host));
		for (size_t it = 0; (name = sl_mesh_service_name(svc[i], &it)) != NULL;)
			add_subject(out, sl_xstrdup(name->name));
	}
	free(svc);
}

static bool
is_about(const struct event_row *row, const struct subjects *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], row->object) == 0)
			return true;
	return !s->v;
}

static void
emit_time(struct sl_emit *e, const char *key, int64_t seconds)
{
	const time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	sl_emit_str(e, key, text);
}

static void
emit_members(struct sl_emit *e, const struct event_row *row)
{
	sl_emit_str(e, "type", row->warning ? "Warning" : "Normal");
	sl_emit_str(e, "reason", row->reason);
	sl_emit_str(e, "object", row->object);
	sl_emit_str(e, "message", row->message);
	sl_emit_u64(e, "count", row->count);
	emit_time(e, "first", row->first_s);
	emit_time(e, "last", row->last_s);
	control_emit_age(e, "age", time(NULL) - row->last_s);
}

void
control_emit_events(
	struct sl_control *c, struct sl_emit *e, const char *key, const struct sl_object *obj)
{
	struct subjects about = {0};
	const struct event_row *row;

	subjects_of(c, obj, &about);
	sl_emit_arr(e, key);
	for (uint64_t seq = 0; (row = events_next(c->events, &seq)) != NULL;) {
		if (!is_about(row, &about))
			continue;
		sl_emit_obj(e, NULL);
		emit_members(e, row);
		sl_emit_end(e);
	}
	sl_emit_end(e);
	subjects_fini(&about);
}

void
sl_control_event(struct sl_control *c, bool warning, const char *reason, const char *object,
	const char *message)
{
	events_add(c->events, time(NULL), warning, reason, object, message);
}

// ---- the command ----

// KIND/NAME. False: the kind is none, so it is namespace/host; or the request was ended.
static bool
read_object(struct sl_control *c, struct sl_ctl_req *req, const char *text, struct subjects *about,
	bool *ended)
{
	const char *slash = strchr(text, '/'), *namespace_ = sl_ctl_arg(req, "namespace");
	char *word = sl_xasprintf("%.*s", (int)(slash - text), text);
	const char *kind_name = sl_ctl_kind_find(word);
	const struct sl_object *obj;
	enum sl_kind kind;

	free(word);
	if (!kind_name || sl_kind_parse(kind_name, &kind) < 0)
		return false;
	obj = sl_registry_find(c->registry, kind, namespace_ ? namespace_ : "default", slash + 1);
	if (obj)
		subjects_of(c, obj, about);
	else
		sl_ctl_fail(req, 1, "%s \"%s\" not found in namespace %s", sl_kind_name(kind),
			slash + 1, namespace_ ? namespace_ : "default");
	*ended = !obj;
	return true;
}

// What --for says. False: the request was ended.
static bool
read_for(struct sl_control *c, struct sl_ctl_req *req, struct subjects *about)
{
	const char *text = sl_ctl_arg(req, "for");
	bool ended = false;

	if (!text)
		return true;
	if (!strchr(text, '/'))
		add_subject(about, control_plain_name(text));
	else if (!read_object(c, req, text, about, &ended))
		add_subject(about, sl_xstrdup(text));
	return !ended;
}

void
control_cmd_events(struct sl_control *c, struct sl_ctl_req *req)
{
	struct subjects about = {0};
	const struct event_row *row;

	if (!read_for(c, req, &about)) {
		subjects_fini(&about);
		return;
	}
	for (uint64_t seq = 0; (row = events_next(c->events, &seq)) != NULL;) {
		if (!is_about(row, &about))
			continue;
		emit_members(sl_ctl_row(req), row);
		sl_ctl_row_end(req);
	}
	subjects_fini(&about);
	sl_ctl_done(req);
}
