// Rows explained one by one.
#include "sl_conf_explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "kinds.h"
#include "sl_str.h"

#define NAMES_MAX 64

struct walk {
	struct explained what;
	bool deep;
	sl_conf_field_fn *fn;
	void *ctx;
};

bool
explained_kind(enum sl_kind kind, struct explained *out)
{
	const struct kind *k = kind_of(kind);

	if (!k || !k->schema)
		return false;
	*out = (struct explained){k->schema, sl_kind_name(kind), sl_kind_group(kind),
		kind == SL_KIND_GATEWAY_API_GATEWAY ? "gtw" : sl_kind_name(kind)};
	return true;
}

int
explained_find(const char *name, size_t len, struct explained *out, struct sl_buf *why)
{
	char *word = sl_xasprintf("%.*s", (int)len, name);
	const char *names[SL_KIND_MAX + 2] = {"sluice"};
	const char *near;
	enum sl_kind kind;
	size_t n = 1;

	if (strcmp(word, "sluice") == 0 || strcmp(word, "sluice.yaml") == 0) {
		*out = (struct explained){conf_schema(), "sluice.yaml", NULL, "sluice"};
		free(word);
		return 0;
	}
	if (sl_kind_parse(word, &kind) == 0 && explained_kind(kind, out)) {
		free(word);
		return 0;
	}
	for (kind = 0; kind < SL_KIND_MAX; kind++)
		if (explained_kind(kind, out))
			names[n++] = out->id;
	near = sl_str_nearest(word, names);
	sl_buf_printf(why, "\"%s\" is no kind that is read", word);
	if (near)
		sl_buf_printf(why, "; did you mean %s?", near);
	free(word);
	return -ENOENT;
}

// ---- one field ----

static bool
is_entries(const struct field *f)
{
	return f->type == T_OBJECT && (f->flags & F_LIST);
}

static void
put_path(struct sl_buf *out, const char *up, const struct field *f)
{
	sl_buf_printf(out, "%s%s%s%s", up, *up ? "." : "", f->key, is_entries(f) ? "[]" : "");
}

// "S15+C8", which both layers have, as "S15, C8".
static void
put_rule(struct sl_buf *out, const char *rule)
{
	for (; rule && *rule; rule++) {
		if (*rule == '+')
			sl_buf_puts(out, ", ");
		else
			sl_buf_putc(out, *rule);
	}
}

static void
tell(const struct walk *w, const struct field *f, const char *path, unsigned depth)
{
	const bool fields = f->type == T_OBJECT;
	struct sl_buf type = {0}, def = {0}, rule = {0};
	struct sl_conf_field out = {.kind = w->what.kind,
		.group = w->what.group,
		.id = w->what.id,
		.path = path,
		.name = path + strlen(path) - strlen(f->key) - (is_entries(f) ? 2 : 0),
		.help = f->help,
		.here = f->here,
		.required = f->flags & F_REQUIRED,
		.group_of_fields = fields,
		.depth = depth};

	field_put_type(&type, f, "");
	field_put_default(&def, f, "");
	put_rule(&rule, f->rule);
	out.rule = rule.data;
	out.type = type.data;
	out.def = def.len ? def.data : NULL;
	if (!w->what.group && !(fields && !(f->flags & F_LIST)))
		out.reload = f->flags & F_RESTART ? "restart" : "live";
	w->fn(w->ctx, &out);
	sl_buf_fini(&type);
	sl_buf_fini(&def);
	sl_buf_fini(&rule);
}

// What can be asked for by name below f; NULL: nothing.
static const struct schema *
inside(const struct field *f)
{
	return f->type == T_OBJECT || f->type == T_LABELS || f->type == T_ANY ? field_sub(f) : NULL;
}

static void
tell_inside(const struct walk *w, const struct schema *s, const char *up, unsigned depth)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		struct sl_buf path = {0};

		put_path(&path, up, f);
		tell(w, f, path.data, depth);
		if (w->deep && inside(f))
			tell_inside(w, inside(f), path.data, depth + 1);
		sl_buf_fini(&path);
	}
}

// ---- by name ----

static void
unknown(const struct schema *s, const char *key, const char *kind, const char *up,
	struct sl_buf *why)
{
	const char *names[NAMES_MAX + 1] = {NULL};
	const char *near;

	for (uint32_t i = 0; i < s->n && i < NAMES_MAX; i++)
		names[i] = s->fields[i].key;
	near = sl_str_nearest(key, names);
	sl_buf_printf(why, "%s%s%s has no field \"%s\"", kind, *up ? "." : "", up, key);
	if (near)
		sl_buf_printf(why, "; did you mean %s?", near);
}

// Follows rest ("spec.ports[].number") from s. Returns the last field, with its path; NULL: none.
static const struct field *
follow(const struct schema *s, const char *rest, const char *kind, struct sl_buf *path,
	struct sl_buf *why)
{
	const struct field *f = NULL;

	while (*rest) {
		size_t len = strcspn(rest, ".");
		char *key = sl_xasprintf("%.*s", (int)strcspn(rest, ".["), rest);
		char *up = sl_xstrdup(path->data ? path->data : "");

		f = s ? schema_find(s, rest) : NULL; // annotations have dots in their names
		if (f)
			len = strlen(rest);
		else if (s)
			f = schema_find(s, key);
		if (!s)
			sl_buf_printf(why, "%s.%s has no fields", kind, up);
		else if (!f)
			unknown(s, key, kind, up, why);
		free(key);
		if (f) {
			path->len = 0;
			put_path(path, up, f);
			s = inside(f);
		}
		free(up);
		if (!f)
			return NULL;
		rest += len + (rest[len] == '.');
	}
	return f;
}

// The kind itself as a field.
static void
tell_kind(const struct walk *w)
{
	const struct field root = {.key = "",
		.type = T_OBJECT,
		.sub = w->what.schema,
		.help = w->what.group ? "An object, as Kubernetes has it."
				      : "The configuration of the gateway."};

	tell(w, &root, "", 0);
}

int
sl_conf_explain(const char *name, bool deep, sl_conf_field_fn *fn, void *ctx, struct sl_buf *why)
{
	const bool file = strncmp(name, "sluice.yaml", 11) == 0 && (!name[11] || name[11] == '.');
	const size_t len = file ? 11 : strcspn(name, ".");
	struct walk w = {.deep = deep, .fn = fn, .ctx = ctx};
	struct sl_buf path = {0};
	const struct field *f;

	if (explained_find(name, len, &w.what, why) < 0)
		return -ENOENT;
	name += len + (name[len] == '.');
	if (!*name) {
		tell_kind(&w);
		tell_inside(&w, w.what.schema, "", 1);
		return 0;
	}
	f = follow(w.what.schema, name, w.what.kind, &path, why);
	if (f) {
		tell(&w, f, path.data, 0);
		if (inside(f))
			tell_inside(&w, inside(f), path.data, 1);
	}
	sl_buf_fini(&path);
	return f ? 0 : -ENOENT;
}

static void
put_name(void *ctx, const struct sl_conf_field *f)
{
	struct sl_buf *out = ctx;

	sl_buf_printf(out, "%s%s", f->id, *f->path ? "." : "");
	for (const char *c = f->path; *c; c++)
		if (*c != '[' && *c != ']')
			sl_buf_putc(out, *c);
	sl_buf_putc(out, '\n');
}

void
sl_conf_explain_names(struct sl_buf *out)
{
	struct walk w = {.deep = true, .fn = put_name, .ctx = out};

	for (enum sl_kind kind = 0; kind <= SL_KIND_MAX; kind++) {
		if (kind == SL_KIND_MAX)
			w.what = (struct explained){conf_schema(), "sluice.yaml", NULL, "sluice"};
		else if (!explained_kind(kind, &w.what))
			continue;
		tell_kind(&w);
		tell_inside(&w, w.what.schema, "", 1);
	}
}
