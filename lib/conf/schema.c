#include "schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// ---- paths and errors ----

// A key that would read as more than one step is shown in brackets.
void
path_put_key(const char *key, struct sl_buf *out)
{
	if (!*key || strpbrk(key, ".[]/ ")) {
		sl_buf_printf(out, "[\"%s\"]", key);
		return;
	}
	if (out->len)
		sl_buf_putc(out, '.');
	sl_buf_puts(out, key);
}

void
path_render(const struct path *path, struct sl_buf *out)
{
	if (!path)
		return;
	path_render(path->up, out);
	if (path->key)
		path_put_key(path->key, out);
	else
		sl_buf_printf(out, "[%u]", path->index);
}

void
reader_clean(struct sl_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7f)
			b->data[i] = '?';
}

void
reader_text(struct sl_buf *text, const char *fmt, va_list ap)
{
	sl_buf_vprintf(text, fmt, ap);
	reader_clean(text);
}

bool
reader_error(struct reader *r, const struct path *path, uint32_t line, uint32_t col,
	const char *rule, const char *fmt, ...)
{
	const struct sl_loc loc = {r->file, line, col};
	struct sl_buf text = {0}, where = {0};
	char buf[RULE_LEN];
	const char *shown;
	va_list ap;

	if (!rule_applies(r->rules, rule, buf, &shown))
		return false;
	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	path_render(path, &where);
	reader_clean(&where);
	sl_diag_add(r->diags, SL_ERROR, &loc, r->object, where.data, shown, "%s", text.data);
	r->errors++;
	sl_buf_fini(&text);
	sl_buf_fini(&where);
	return true;
}

// ---- what a field is ----

const struct field *
schema_find(const struct schema *s, const char *key)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (text_is(s->fields[i].key, key))
			return &s->fields[i];
	return NULL;
}

uint32_t
field_size(const struct field *f)
{
	static const uint32_t sizes[] = {
		[T_STRING] = sizeof(char *),
		[T_PATH] = sizeof(char *),
		[T_NUMBER] = sizeof(uint32_t),
		[T_NUMBER64] = sizeof(uint64_t),
		[T_DECIMAL] = sizeof(double),
		[T_PERCENT] = sizeof(uint32_t),
		[T_BOOL] = sizeof(bool),
		[T_ENUM] = sizeof(uint32_t),
		[T_FLAG] = sizeof(bool),
		[T_FAMILIES] = sizeof(uint8_t),
		[T_DURATION] = sizeof(uint64_t),
		[T_MICROS] = sizeof(uint32_t),
		[T_MEBIBYTES] = sizeof(uint32_t),
		[T_MODE] = sizeof(uint32_t),
		[T_IP] = sizeof(struct sl_ip),
		[T_PREFIX] = sizeof(struct sl_prefix),
		[T_SERVER] = sizeof(struct sl_conf_dns_address),
		[T_MAC] = sizeof(struct sl_mac),
		[T_VIP] = sizeof(struct sl_se_address),
		[T_SUBNET] = sizeof(struct sl_vs_subnet),
		[T_LABELS] = sizeof(struct sl_label),
		[T_PORT_MAP] = sizeof(struct sl_se_endpoint_port),
		[T_WEIGHTS] = sizeof(struct sl_lb_to),
		[T_OBJECT] = 0,
		[T_NAMED] = 0,
		[T_ANY] = 0,
	};

	return f->type == T_OBJECT ? field_sub(f)->size : sizes[f->type];
}

const char *
field_expects(const struct field *f)
{
	static const char *const texts[] = {
		[T_STRING] = "a string",
		[T_PATH] = "a path",
		[T_NUMBER] = "a number",
		[T_NUMBER64] = "a number",
		[T_DECIMAL] = "a number",
		[T_PERCENT] = "a percentage",
		[T_BOOL] = "true or false",
		[T_ENUM] = "a word",
		[T_FLAG] = "a word",
		[T_FAMILIES] = "a word",
		[T_DURATION] = "a duration such as 30s",
		[T_MICROS] = "a duration such as 100us",
		[T_MEBIBYTES] = "a size such as 512Mi",
		[T_MODE] = "an octal mode in quotes such as \"0660\"",
		[T_IP] = "an IP address",
		[T_PREFIX] = "an IP address or CIDR",
		[T_SERVER] = ("an IP address with or without a port, such as "
			      "192.0.2.53:53 or [2001:db8::53]:53"),
		[T_MAC] = "a MAC address such as 02:00:00:00:00:01",
		[T_VIP] = "an IP address or CIDR",
		[T_SUBNET] = "an IP address or CIDR",
		[T_LABELS] = "a mapping of strings",
		[T_PORT_MAP] = "a mapping of port names to numbers",
		[T_WEIGHTS] = "a mapping of localities to weights",
		[T_OBJECT] = "a mapping",
		[T_NAMED] = "a mapping of names to mappings",
		[T_ANY] = "anything",
	};

	return texts[f->type];
}

// ---- maps, lists, objects ----

static bool
wrong_count(struct reader *r, const struct field *f, const struct node *n, const struct path *path)
{
	if (n->n < f->min_items)
		return reader_error(r, path, n->line, n->col, f->rule,
			"empty, expected at least %u", f->min_items);
	if (!f->max_items || n->n <= f->max_items)
		return false;
	return reader_error(r, path, n->line, n->col, f->rule, "%u entries, expected at most %u",
		n->n, f->max_items);
}

static void
read_label(struct reader *r, const struct field *f, const struct pair *p, const struct path *up,
	struct sl_label *out)
{
	const struct path path = {.up = up, .key = p->key};
	const struct field value = {
		.type = T_STRING, .rule = f->rule, .max = f->max, .check = f->check};

	out->key = sl_xstrdup(p->key);
	if (node_is_null(p->value)) // kubectl reads an empty value as ""
		out->value = sl_xstrdup("");
	else if (!value_read(r, &value, p->value, &path, &out->value))
		out->value = sl_xstrdup("");
}

// A number by its name, whatever they are called.
static void
read_named(struct reader *r, const struct field *f, const struct pair *p, const struct path *up,
	char **name, uint32_t *number)
{
	const struct path path = {.up = up, .key = p->key};
	const struct field value = {
		.type = T_NUMBER, .rule = f->rule, .min = f->min, .max = f->max};

	*name = sl_xstrdup(p->key);
	value_read(r, &value, p->value, &path, number);
}

static void
read_pair(struct reader *r, const struct field *f, const struct pair *p, const struct path *up,
	void *out)
{
	struct sl_se_endpoint_port *port = out;
	struct sl_lb_to *to = out;

	if (f->type == T_LABELS)
		read_label(r, f, p, up, out);
	else if (f->type == T_PORT_MAP)
		read_named(r, f, p, up, &port->name, &port->number);
	else
		read_named(r, f, p, up, &to->locality, &to->weight);
}

static void
read_map(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	void **v = (void **)((char *)out + f->at);
	uint32_t *count = (uint32_t *)((char *)out + f->count_at);

	if (n->kind != NODE_MAP) {
		value_wrong_type(r, f, field_expects(f), n, path);
		return;
	}
	if (wrong_count(r, f, n, path))
		return;
	*v = sl_xcalloc(n->n, field_size(f));
	*count = n->n;
	for (uint32_t i = 0; i < n->n; i++)
		read_pair(r, f, &n->pairs[i], path, (char *)*v + (size_t)i * field_size(f));
}

static void
read_named_objects(
	struct reader *r, const struct field *f, const struct node *n, const struct path *path)
{
	if (n->kind != NODE_MAP) {
		value_wrong_type(r, f, field_expects(f), n, path);
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct pair *p = &n->pairs[i];
		const struct path at = {.up = path, .key = p->key};

		if (p->value->kind == NODE_MAP)
			schema_read(r, field_sub(f), p->value, &at, NULL);
		else
			value_wrong_type(r, f, "a mapping", p->value, &at);
	}
}

static bool
is_map(const struct field *f)
{
	return f->type == T_LABELS || f->type == T_PORT_MAP || f->type == T_WEIGHTS;
}

static bool
read_one(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	if (f->type == T_ANY)
		return true;
	if (f->type != T_OBJECT)
		return value_read(r, f, n, path, out);
	if (n->kind == NODE_MAP)
		schema_read(r, field_sub(f), n, path, out);
	else
		value_wrong_type(r, f, field_expects(f), n, path);
	return n->kind == NODE_MAP;
}

static void
read_list(struct reader *r, const struct field *f, const struct node *n, const struct path *path,
	void *out)
{
	void **v = (void **)((char *)out + f->at);
	const uint32_t size = field_size(f);
	char expected[80];

	if (n->kind != NODE_SEQ) {
		snprintf(expected, sizeof(expected), "a list, each %s", field_expects(f));
		value_wrong_type(r, f, expected, n, path);
		return;
	}
	if (wrong_count(r, f, n, path))
		return;
	*v = sl_xcalloc(n->n, size);
	*(uint32_t *)((char *)out + f->count_at) = n->n;
	for (uint32_t i = 0; i < n->n; i++) {
		const struct path at = {.up = path, .index = i};

		if (r->given)
			r->given(r->given_ctx, &at, n->items[i]);
		read_one(r, f, n->items[i], &at, (char *)*v + (size_t)i * size);
	}
}

static bool
read_in(struct reader *r, const struct field *f, const struct node *n, const struct path *up,
	void *out)
{
	const struct path path = {.up = up, .key = f->key};

	if (r->given)
		r->given(r->given_ctx, &path, n);
	if (f->type == T_NAMED)
		read_named_objects(r, f, n, &path);
	else if (is_map(f))
		read_map(r, f, n, &path, out);
	else if (f->flags & F_LIST)
		read_list(r, f, n, &path, out);
	else
		return read_one(r, f, n, &path, (char *)out + f->at);
	return true;
}

// What is checked and not kept goes into memory of its own, and away again.
static bool
read_unkept(struct reader *r, const struct field *f, const struct node *n, const struct path *up)
{
	struct field alone = *f;
	const struct schema s = {.fields = &alone, .n = 1};
	char *scratch;
	bool ok;

	alone.at = 0;
	alone.count_at = sizeof(void *); // of lists and maps, which take a pointer's room
	scratch = sl_xcalloc(1, field_size(f) + 2 * sizeof(void *));
	ok = read_in(r, &alone, n, up, scratch);
	schema_fini(&s, scratch);
	free(scratch);
	return ok;
}

static void
read_field(struct reader *r, const struct field *f, const struct node *n, const struct path *up,
	void *out)
{
	const bool ok = f->type == T_ANY ? true
			: f->at == NO_AT ? read_unkept(r, f, n, up)
					 : read_in(r, f, n, up, out);

	if (ok && f->has_at)
		*(bool *)((char *)out + f->has_at) = true;
}

static void
set_default(const struct field *f, void *out)
{
	const struct node n = {
		.kind = NODE_SCALAR,
		.scalar = f->type >= T_NUMBER && f->type <= T_BOOL && f->def
				  ? scalar_resolve(f->def)
				  : SCALAR_STR,
		.n = f->def ? (uint32_t)strlen(f->def) : 0,
		.text = f->def,
	};
	struct reader r = {0};

	if (f->at == NO_AT)
		return;
	if (f->type == T_OBJECT && !(f->flags & F_LIST))
		schema_defaults(field_sub(f), (char *)out + f->at);
	else if (f->def)
		value_read(&r, f, &n, NULL, (char *)out + f->at);
}

void
schema_defaults(const struct schema *s, void *out)
{
	for (uint32_t i = 0; i < s->n; i++)
		set_default(&s->fields[i], out);
}

static void
unknown_field(struct reader *r, const struct schema *s, const struct pair *p, const struct path *up)
{
	const struct path path = {.up = up, .key = p->key};
	const char *names[64];
	const char *nearest;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n && n < SL_ARRAY_LEN(names) - 1; i++)
		names[n++] = s->fields[i].key;
	names[n] = NULL;
	nearest = sl_str_nearest(p->key, names);
	reader_error(r, &path, p->line, p->col, r->unknown_rule, "unknown field%s%s%s",
		nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

// Who reads the struct may rely on it: whatever the rules, that is an error.
static void
missing(struct reader *r, const struct field *f, const struct path *path, const struct node *map)
{
	const enum sl_rules rules = r->rules;
	const char *rule = f->missing_rule ? f->missing_rule : f->rule, *shown;
	char buf[RULE_LEN];

	r->rules = rule_applies(rules, rule, buf, &shown) ? rules : SL_RULES_UNION;
	reader_error(r, path, map->line, map->col, rule, "is required, and missing");
	r->rules = rules;
}

void
schema_read(struct reader *r, const struct schema *s, const struct node *map, const struct path *up,
	void *out)
{
	uint64_t seen = 0;

	if (s->loc_at != NO_AT)
		*(struct sl_loc *)((char *)out + s->loc_at) =
			(struct sl_loc){r->file, map->line, map->col};
	for (uint32_t i = 0; i < map->n; i++) {
		const struct pair *p = &map->pairs[i];
		const struct field *f = schema_find(s, p->key);

		if (!f) {
			unknown_field(r, s, p, up);
			continue;
		}
		if (node_is_null(p->value)) // as not given, as kubectl has it
			continue;
		seen |= UINT64_C(1) << (f - s->fields);
		read_field(r, f, p->value, up, out);
	}
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		const struct path path = {.up = up, .key = f->key};

		if (seen & UINT64_C(1) << i)
			continue;
		if (f->flags & F_REQUIRED)
			missing(r, f, &path, map);
		else
			set_default(f, out);
	}
}

// ---- release ----

static void
fini_one(const struct field *f, void *value)
{
	switch (f->type) {
	case T_STRING:
	case T_PATH:
		free(*(char **)value);
		break;
	case T_VIP:
		free(((struct sl_se_address *)value)->text);
		break;
	case T_SUBNET:
		free(((struct sl_vs_subnet *)value)->text);
		break;
	case T_LABELS:
		free(((struct sl_label *)value)->key);
		free(((struct sl_label *)value)->value);
		break;
	case T_PORT_MAP:
		free(((struct sl_se_endpoint_port *)value)->name);
		break;
	case T_WEIGHTS:
		free(((struct sl_lb_to *)value)->locality);
		break;
	case T_OBJECT:
		schema_fini(field_sub(f), value);
		break;
	default:
		break;
	}
}

static bool
is_many(const struct field *f)
{
	return (f->flags & F_LIST) || is_map(f);
}

void
schema_fini(const struct schema *s, void *out)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		char *at = (char *)out + f->at;

		if (f->at == NO_AT)
			continue;
		if (!is_many(f)) {
			fini_one(f, at);
			continue;
		}
		const uint32_t n = *(uint32_t *)((char *)out + f->count_at);

		for (uint32_t k = 0; k < n; k++)
			fini_one(f, *(char **)at + (size_t)k * field_size(f));
		free(*(void **)at);
	}
}

// ---- comparison ----

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
value_equal(const struct field *f, const void *a, const void *b)
{
	const struct sl_conf_dns_address *s = a, *t = b;
	const struct sl_prefix *p = a, *q = b;

	switch (f->type) {
	case T_STRING:
	case T_PATH:
		return text_equal(*(char *const *)a, *(char *const *)b);
	case T_IP:
		return sl_ip_equal(a, b);
	case T_PREFIX:
		return p->len == q->len && sl_ip_equal(&p->addr, &q->addr);
	case T_SERVER:
		return s->port == t->port && sl_ip_equal(&s->ip, &t->ip);
	case T_OBJECT:
		for (uint32_t i = 0; i < field_sub(f)->n; i++)
			if (!field_equal(&field_sub(f)->fields[i], a, b))
				return false;
		return true;
	default:
		return memcmp(a, b, field_size(f)) == 0;
	}
}

bool
field_equal(const struct field *f, const void *a, const void *b)
{
	const char *x = a, *y = b;
	uint32_t n;

	if (f->at == NO_AT)
		return true;
	if (f->has_at && *(const bool *)(x + f->has_at) != *(const bool *)(y + f->has_at))
		return false;
	if (!is_many(f))
		return value_equal(f, x + f->at, y + f->at);
	n = *(const uint32_t *)(x + f->count_at);
	if (n != *(const uint32_t *)(y + f->count_at))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const size_t off = (size_t)i * field_size(f);

		if (!value_equal(f, *(char *const *)(x + f->at) + off,
			    *(char *const *)(y + f->at) + off))
			return false;
	}
	return true;
}
