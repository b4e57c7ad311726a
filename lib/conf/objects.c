// Documents to objects: kinds, lists, and each object's way through rows, rules and remarks.
#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"
#include "names.h"
#include "se_check.h"
#include "sl_str.h"

#define MAX_DOCUMENTS 100000
#define FEW           8

// ---- names that are taken ----

static uint64_t
key_hash(const struct sl_object *obj)
{
	const uint64_t hash = sl_str_hash(
		obj->meta.namespace_, strlen(obj->meta.namespace_) + 1, (uint64_t)obj->kind + 1);

	return sl_str_hash(obj->meta.name, strlen(obj->meta.name), hash);
}

// Open addressing over out->v, once it has more than FEW: a slot holds index + 1. Objects that the
// caller took out of v leave their slot, which matches nothing.
static void
index_add(struct sl_objects *out, size_t i)
{
	uint64_t slot = key_hash(out->v[i]);

	while (out->slots[slot & (out->n_slots - 1)])
		slot++;
	out->slots[slot & (out->n_slots - 1)] = (uint32_t)i + 1;
}

static void
index_grow(struct sl_objects *out)
{
	free(out->slots);
	out->n_slots = out->n_slots ? 2 * out->n_slots : 256;
	out->slots = sl_xcalloc(out->n_slots, sizeof(*out->slots));
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i])
			index_add(out, i);
}

static bool
same_name(const struct sl_object *a, const struct sl_object *b)
{
	return a->kind == b->kind && strcmp(a->meta.name, b->meta.name) == 0 &&
	       strcmp(a->meta.namespace_, b->meta.namespace_) == 0;
}

static const struct sl_object *
find_among_few(const struct sl_objects *out, const struct sl_object *obj)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i] && same_name(out->v[i], obj))
			return out->v[i];
	return NULL;
}

static const struct sl_object *
index_find(const struct sl_objects *out, const struct sl_object *obj)
{
	if (!out->n_slots)
		return find_among_few(out, obj);
	for (uint64_t slot = key_hash(obj);; slot++) {
		const uint32_t i = out->slots[slot & (out->n_slots - 1)];
		const struct sl_object *other;

		if (!i)
			return NULL;
		other = out->v[i - 1];
		if (other && same_name(other, obj))
			return other;
	}
}

static void
keep(struct sl_objects *out, struct sl_object *obj)
{
	if (out->n == out->cap) {
		out->cap = out->cap ? 2 * out->cap : 1;
		out->v = sl_xrealloc(out->v, out->cap, sizeof(struct sl_object *));
	}
	out->v[out->n++] = obj;
	if (out->n <= FEW)
		return; // found without an index
	if (2 * out->n > out->n_slots)
		index_grow(out);
	else
		index_add(out, out->n - 1);
}

// ---- one object ----

static const char *
text_at(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_STR ? n->text : NULL;
}

// "ServiceEntry shop/web", as far as the document tells.
static char *
title_of(const struct node *root, const char *kind, const char *default_ns)
{
	const struct node *meta = node_get(root, "metadata");
	const char *name = text_at(meta, "name"), *ns = text_at(meta, "namespace");
	struct sl_buf text = {0};

	sl_buf_printf(&text, "%.63s", kind);
	ns = ns ? ns : default_ns;
	if (name)
		sl_buf_printf(&text, " %.63s%s%.253s", ns, *ns ? "/" : "", name);
	reader_clean(&text);
	return sl_buf_take(&text);
}

static void
derive(struct objects_reader *o, struct sl_object *obj, const struct node *root)
{
	char utc[24];

	if (obj->meta.creation) {
		timestamp_utc(obj->meta.creation, utc);
		free(obj->meta.creation);
		obj->meta.creation = sl_xstrdup(utc);
	}
	sl_buf_reset(&o->text);
	schema_json(kind_of(obj->kind)->schema, root, &o->text);
	obj->json = sl_xstrdup(o->text.data); // without the room that a buffer has to grow
	obj->hash = sl_text_hash(obj->json, o->text.len);
}

static bool
is_taken(struct reader *r, struct objects_reader *o, const struct sl_object *obj)
{
	const struct sl_object *other = index_find(o->out, obj);

	if (!other)
		return false;
	reader_error(r, NULL, obj->loc.line, obj->loc.col, NULL,
		"defined before, at %s:%u: this one is left out",
		other->loc.file ? other->loc.file : "?", other->loc.line);
	return true;
}

static void
check_version(struct reader *r, const struct node *root, const struct kind *kind,
	const struct sl_buf *expected)
{
	const struct node *n = node_get(root, "apiVersion");
	const struct path path = {.key = "apiVersion"};

	if (expected->len) {
		reader_error(r, &path, n->line, n->col, NULL, "\"%.80s\" is not %s", n->text,
			expected->data);
	} else if (kind->old_version && strcmp(n->text, kind->old_version) == 0) {
		const struct sl_loc loc = {r->file, n->line, n->col};

		sl_diag_add(r->diags, SL_WARNING, &loc, r->object, "apiVersion", NULL,
			"%s is not what this kind has: expected %s", n->text, kind->versions[0]);
	}
}

static void
read_object(struct objects_reader *o, const struct node *root, const struct kind *kind,
	const struct sl_buf *expected)
{
	const bool in_namespace = sl_kind_has_namespace(kind->kind);
	char *title = title_of(root, sl_kind_name(kind->kind), in_namespace ? "default" : "");
	struct sl_object *obj = sl_object_new(kind->kind);
	struct reader r = {
		.diags = o->diags, .object = title, .unknown_rule = "C13", .rules = o->out->rules};

	// The object outlives the caller's file name; locations inside borrow its own.
	r.file = sl_xstrdup(o->file);
	schema_read(&r, kind->schema, root, NULL, obj);
	obj->loc.file = r.file;
	obj->origin = o->origin;
	if (!in_namespace)
		obj->meta.namespace_ = sl_xstrdup("");
	check_version(&r, root, kind, expected);
	if (kind->finish)
		kind->finish(root, obj);
	obj_check_meta(&(struct se_check){.r = &r, .root = root, .obj = obj});
	if (kind->rules)
		kind->rules(&r, root, obj);
	if (!r.errors && !o->broken && !is_taken(&r, o, obj)) {
		if (kind->remarks)
			kind->remarks(&r, root, obj);
		derive(o, obj, root);
		keep(o->out, obj);
	} else {
		o->out->invalid++;
		sl_object_free(obj);
	}
	o->errors += r.errors;
	free(title);
}

// ---- one document ----

static void read_node(struct objects_reader *o, const struct node *root);

static void refuse(struct objects_reader *o, const struct node *at, const char *object,
	const char *path, const char *fmt, ...) SL_PRINTF(5, 6);

static void
refuse(struct objects_reader *o, const struct node *at, const char *object, const char *path,
	const char *fmt, ...)
{
	const struct sl_loc loc = {o->file, at->line, at->col};
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	sl_diag_add(o->diags, SL_ERROR, &loc, object, path, NULL, "%s", text.data);
	sl_buf_fini(&text);
	o->errors++;
	o->out->invalid++;
}

static void
read_list(struct objects_reader *o, const struct node *root)
{
	const struct node *items = node_get(root, "items");

	if (!items || items->kind != NODE_SEQ) {
		refuse(o, items ? items : root, "List", "items", "expected a list of objects");
		return;
	}
	for (uint32_t i = 0; i < items->n; i++)
		read_node(o, items->items[i]);
}

static void
read_other(struct objects_reader *o, const struct node *root, const char *kind, const char *version,
	const struct sl_buf *expected)
{
	const struct node *at = node_get(root, "kind");
	const struct sl_loc loc = {o->file, at->line, at->col};
	const char *group, *nearest = kind_nearest(kind);
	char *title = title_of(root, kind, "");
	const int rc = kind_is_foreign(kind, version, &group);

	if (rc == 0) {
		sl_diag_add(o->diags, SL_WARNING, &loc, title, NULL, NULL,
			"this kind is not served: the object is left out");
		o->out->skipped++;
	} else if (expected->len || rc == -ESRCH) {
		refuse(o, node_get(root, "apiVersion"), title, "apiVersion",
			"unknown for this kind, expected %s",
			expected->len ? expected->data
			: *group      ? group
				      : "v1");
	} else {
		refuse(o, at, title, "kind", "unknown kind%s%s%s",
			nearest ? ", did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
	}
	free(title);
}

static void
read_kind(struct objects_reader *o, const struct node *root, const char *kind, const char *version)
{
	struct sl_buf expected = {0};
	const struct kind *k = kind_find(kind, version, &expected);

	if (k)
		read_object(o, root, k, &expected);
	else
		read_other(o, root, kind, version, &expected);
	sl_buf_fini(&expected);
}

static void
read_node(struct objects_reader *o, const struct node *root)
{
	const char *kind, *version;

	if (root->kind != NODE_MAP) {
		refuse(o, root, NULL, NULL,
			"expected an object with apiVersion, kind, metadata and spec");
		return;
	}
	kind = text_at(root, "kind");
	version = text_at(root, "apiVersion");
	if (!kind || !version) {
		const char *missing = kind ? "apiVersion" : "kind";
		const struct node *n = node_get(root, missing);

		refuse(o, n ? n : root, kind, missing, "%s",
			n ? "expected a string" : "is required, and missing");
		return;
	}
	if (kind_is_list(kind, version))
		read_list(o, root);
	else
		read_kind(o, root, kind, version);
}

void
objects_read_doc(struct objects_reader *o, const char *text, size_t len, uint32_t line)
{
	const size_t errors = o->errors;

	o->errors += doc_read(&o->doc, text, len, o->file, line, o->diags);
	o->broken = o->errors != errors;
	if (o->doc.root)
		read_node(o, o->doc.root);
	else if (o->broken)
		o->out->invalid++;
}

void
objects_reader_fini(struct objects_reader *o)
{
	doc_fini(&o->doc);
	sl_buf_fini(&o->text);
}

bool
objects_too_many(struct objects_reader *o, size_t n, uint32_t line)
{
	const struct node at = {.line = line, .col = 1};

	if (n <= MAX_DOCUMENTS)
		return false;
	refuse(o, &at, NULL, NULL, "more than 100000 documents");
	return true;
}

void
objects_read(struct objects_reader *o, const char *text, size_t len)
{
	const char *doc_text;
	size_t doc_len, pos = 0, n = 0;
	uint32_t line = 1, doc_line;

	while (stream_next(text, len, &pos, &line, &doc_text, &doc_len, &doc_line)) {
		if (objects_too_many(o, ++n, doc_line))
			return;
		objects_read_doc(o, doc_text, doc_len, doc_line);
	}
}

size_t
sl_conf_objects(const char *text, size_t len, const char *file, enum sl_origin origin,
	struct sl_objects *out, struct sl_diags *diags)
{
	struct objects_reader o = {.diags = diags, .file = file, .origin = origin, .out = out};

	objects_read(&o, text, len);
	objects_reader_fini(&o);
	return o.errors;
}

void
sl_objects_fini(struct sl_objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		sl_object_free(o->v[i]);
	free(o->v);
	free(o->slots);
	*o = (struct sl_objects){0};
}
