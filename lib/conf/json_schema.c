// Rows as JSON Schema.
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "sl_conf_explain.h"
#include "sl_emit.h"

// What may be null has two types.
static void
put_type(struct sl_emit *e, const char *type, bool may_be_null)
{
	if (!may_be_null) {
		sl_emit_str(e, "type", type);
		return;
	}
	sl_emit_arr(e, "type");
	sl_emit_str(e, NULL, type);
	sl_emit_str(e, NULL, "null");
	sl_emit_end(e);
}

static void
put_range(struct sl_emit *e, const struct field *f)
{
	sl_emit_u64(e, "minimum", f->min);
	sl_emit_u64(e, "maximum", f->max);
}

static void
put_words(struct sl_emit *e, const struct field *f, bool may_be_null)
{
	sl_emit_arr(e, "enum");
	for (size_t i = 0; f->names[i]; i++)
		sl_emit_str(e, NULL, f->names[i]);
	if (may_be_null)
		sl_emit_null(e, NULL);
	sl_emit_end(e);
}

static void put_fields(struct sl_emit *e, const struct schema *s);

static void
put_map(struct sl_emit *e, const struct field *f, bool may_be_null)
{
	put_type(e, "object", may_be_null);
	if (f->max_items)
		sl_emit_u64(e, "maxProperties", f->max_items);
	sl_emit_obj(e, "additionalProperties");
	if (f->type == T_LABELS) {
		put_type(e, "string", true);
		if (f->max)
			sl_emit_u64(e, "maxLength", f->max);
	} else {
		put_type(e, "integer", false);
		put_range(e, f);
	}
	sl_emit_end(e);
}

static void
put_text(struct sl_emit *e, const struct field *f, bool may_be_null)
{
	put_type(e, "string", may_be_null);
	if (f->type > T_PATH)
		return;
	if (f->min)
		sl_emit_u64(e, "minLength", f->min);
	if (f->max)
		sl_emit_u64(e, "maxLength", f->max);
}

// One value of the field, into the schema that is open.
static void
put_value(struct sl_emit *e, const struct field *f, bool may_be_null)
{
	switch (f->type) {
	case T_ANY:
		break;
	case T_NUMBER:
	case T_NUMBER64:
		put_type(e, "integer", may_be_null);
		put_range(e, f);
		break;
	case T_DECIMAL:
	case T_PERCENT:
		put_type(e, "number", may_be_null);
		put_range(e, f);
		break;
	case T_BOOL:
		put_type(e, "boolean", may_be_null);
		break;
	case T_ENUM:
	case T_FLAG:
	case T_FAMILIES:
		put_words(e, f, may_be_null);
		break;
	case T_LABELS:
	case T_PORT_MAP:
	case T_WEIGHTS:
		put_map(e, f, may_be_null);
		break;
	case T_OBJECT:
		put_type(e, "object", may_be_null);
		put_fields(e, field_sub(f));
		break;
	case T_NAMED:
		put_type(e, "object", may_be_null);
		sl_emit_obj(e, "additionalProperties");
		put_type(e, "object", false);
		put_fields(e, field_sub(f));
		sl_emit_end(e);
		break;
	default:
		put_text(e, f, may_be_null);
		break;
	}
}

static void
put_list(struct sl_emit *e, const struct field *f, bool may_be_null)
{
	put_type(e, "array", may_be_null);
	if (f->min_items)
		sl_emit_u64(e, "minItems", f->min_items);
	if (f->max_items)
		sl_emit_u64(e, "maxItems", f->max_items);
	sl_emit_obj(e, "items");
	put_value(e, f, false);
	sl_emit_end(e);
}

static void
put_field(struct sl_emit *e, const struct field *f)
{
	const bool may_be_null = !(f->flags & F_REQUIRED);

	sl_emit_obj(e, f->key);
	sl_emit_strf(e, "description", "%s%s%s", f->help, f->here ? " Here: " : "",
		f->here ? f->here : "");
	if (f->flags & F_LIST)
		put_list(e, f, may_be_null);
	else
		put_value(e, f, may_be_null);
	sl_emit_end(e);
}

// The keys of an object, into the schema that is open.
static void
put_fields(struct sl_emit *e, const struct schema *s)
{
	bool any = false;

	sl_emit_bool(e, "additionalProperties", false);
	sl_emit_obj(e, "properties");
	for (uint32_t i = 0; i < s->n; i++)
		put_field(e, &s->fields[i]);
	sl_emit_end(e);
	for (uint32_t i = 0; i < s->n; i++) {
		if (!(s->fields[i].flags & F_REQUIRED))
			continue;
		if (!any)
			sl_emit_arr(e, "required");
		any = true;
		sl_emit_str(e, NULL, s->fields[i].key);
	}
	if (any)
		sl_emit_end(e);
}

// kind is a field as any other, but for its only value.
static void
put_kind_is(struct sl_emit *e, const struct explained *what)
{
	if (!what->group)
		return;
	sl_emit_arr(e, "allOf");
	sl_emit_obj(e, NULL);
	sl_emit_obj(e, "properties");
	sl_emit_obj(e, "kind");
	sl_emit_str(e, "const", what->kind);
	sl_emit_end(e);
	sl_emit_end(e);
	sl_emit_end(e);
	sl_emit_end(e);
}

static void
put_kind(struct sl_emit *e, const char *key, const struct explained *what)
{
	sl_emit_obj(e, key);
	sl_emit_str(e, "type", "object");
	put_fields(e, what->schema);
	put_kind_is(e, what);
	sl_emit_end(e);
}

// "^networking\.istio\.io/", "^v1$" for core.
static void
put_group_pattern(struct sl_emit *e, const char *group)
{
	struct sl_buf pattern = {0};

	sl_buf_putc(&pattern, '^');
	for (const char *c = group; *c; c++)
		sl_buf_printf(&pattern, "%s%c", *c == '.' ? "\\" : "", *c);
	sl_buf_puts(&pattern, *group ? "/" : "v1$");
	sl_emit_str(e, "pattern", pattern.data);
	sl_buf_fini(&pattern);
}

// A document of this kind and group is as its definition says.
static void
put_choice(struct sl_emit *e, const struct explained *what, const char *ref)
{
	sl_emit_obj(e, NULL);
	sl_emit_obj(e, "if");
	sl_emit_obj(e, "properties");
	sl_emit_obj(e, "kind");
	sl_emit_str(e, "const", what->kind);
	sl_emit_end(e);
	sl_emit_obj(e, "apiVersion");
	put_group_pattern(e, what->group);
	sl_emit_end(e);
	sl_emit_end(e);
	sl_emit_end(e);
	sl_emit_obj(e, "then");
	sl_emit_strf(e, "$ref", "#/definitions/%s", ref);
	sl_emit_end(e);
	sl_emit_end(e);
}

static void
put_list_choice(struct sl_emit *e)
{
	sl_emit_raw(e, NULL,
		"{\"if\":{\"properties\":{\"kind\":{\"pattern\":\"List$\"}}},\"then\":{"
		"\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}}}");
}

// Each kind apart, so that an editor tells what is wrong in it, and not that no kind fits.
static void
put_all(struct sl_emit *e)
{
	struct explained what;

	sl_emit_str(e, "title", "Objects that sluice reads");
	sl_emit_raw(e, "type", "\"object\"");
	sl_emit_raw(e, "required", "[\"apiVersion\",\"kind\"]");
	sl_emit_arr(e, "allOf");
	for (enum sl_kind kind = 0; kind < SL_KIND_MAX; kind++)
		if (explained_kind(kind, &what))
			put_choice(e, &what, what.id);
	put_list_choice(e);
	sl_emit_end(e);
	sl_emit_obj(e, "definitions");
	for (enum sl_kind kind = 0; kind < SL_KIND_MAX; kind++)
		if (explained_kind(kind, &what))
			put_kind(e, what.id, &what);
	sl_emit_end(e);
}

int
sl_conf_json_schema(const char *kind, struct sl_buf *out, struct sl_buf *why)
{
	struct explained what;
	struct sl_emit e;
	int rc = 0;

	if (kind && (rc = explained_find(kind, strlen(kind), &what, why)) < 0)
		return rc;
	sl_emit_init(&e, out);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "$schema", "http://json-schema.org/draft-07/schema#");
	if (kind) {
		sl_emit_str(&e, "title", what.kind);
		sl_emit_str(&e, "type", "object");
		put_fields(&e, what.schema);
		put_kind_is(&e, &what);
	} else {
		put_all(&e);
	}
	sl_emit_end(&e);
	return 0;
}
