// A mapping as canonical JSON: sorted keys, without noise and nulls.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "sl_str.h"

static void json_value(
	const struct field *f, const struct node *n, struct sl_emit *e, const char *key);

// Room for the members of a mapping: on the stack for those of a usual size.
#define USUAL_KEYS 32

static int
by_key(const void *a, const void *b)
{
	return strcmp((*(const struct pair *const *)a)->key, (*(const struct pair *const *)b)->key);
}

// Most mappings have few keys, and those in order.
static void
sort(const struct pair **v, uint32_t n)
{
	if (n > USUAL_KEYS) {
		qsort(v, n, sizeof(*v), by_key);
		return;
	}
	for (uint32_t i = 1; i < n; i++) {
		const struct pair *p = v[i];
		uint32_t k = i;

		for (; k > 0 && strcmp(v[k - 1]->key, p->key) > 0; k--)
			v[k] = v[k - 1];
		v[k] = p;
	}
}

#define SCHEMA_ALWAYS_MAX 4 // rows of one schema

// A row that stands in the JSON whether it was given or not, as if it had been written.
struct implied {
	struct node node;
	struct pair pair;
};

static bool
imply(const struct field *f, const struct node *map, struct implied *out)
{
	const struct node *given = f->flags & F_ALWAYS ? node_get(map, f->key) : NULL;

	if (!(f->flags & F_ALWAYS) || (given && !node_is_null(given)))
		return false;
	out->node = (struct node){.kind = NODE_SCALAR, .scalar = SCALAR_STR, .text = f->def};
	out->pair = (struct pair){.key = f->key, .value = &out->node};
	return true;
}

// A status of which nothing is read: as if it were not there.
static bool
says_nothing(const struct field *f, const struct node *n)
{
	if (f->type != T_ANY || !field_sub(f))
		return false;
	for (uint32_t i = 0; n->kind == NODE_MAP && i < n->n; i++) {
		const struct node *value = n->pairs[i].value;

		if (schema_find(field_sub(f), n->pairs[i].key) && !node_is_null(value) &&
			(value->kind != NODE_SEQ || value->n))
			return false;
	}
	return true;
}

static void
json_object(const struct schema *s, const struct node *map, struct sl_emit *e, const char *key)
{
	const struct pair *few[USUAL_KEYS], **sorted = few;
	struct implied implied[SCHEMA_ALWAYS_MAX];
	uint32_t n = 0, n_implied = 0;

	if (map->n + SCHEMA_ALWAYS_MAX > USUAL_KEYS)
		sorted = sl_xrealloc(NULL, map->n + SCHEMA_ALWAYS_MAX, sizeof(*sorted));

	for (uint32_t i = 0; i < map->n; i++)
		if (!node_is_null(map->pairs[i].value))
			sorted[n++] = &map->pairs[i];
	for (uint32_t i = 0; i < s->n; i++)
		if (imply(&s->fields[i], map, &implied[n_implied])) {
			sorted[n++] = &implied[n_implied++].pair;
			assert(n_implied < SCHEMA_ALWAYS_MAX);
		}
	sort(sorted, n);
	sl_emit_obj(e, key);
	for (uint32_t i = 0; i < n; i++) {
		const struct field *f = schema_find(s, sorted[i]->key);

		if (f && !(f->flags & F_NOISE) && !says_nothing(f, sorted[i]->value))
			json_value(f, sorted[i]->value, e, sorted[i]->key);
	}
	sl_emit_end(e);
	if (sorted != few)
		free(sorted);
}

// A map of free keys, whose values are all of one kind.
static void
json_map(const struct field *value, const struct node *map, struct sl_emit *e, const char *key)
{
	const struct pair **sorted = sl_xrealloc(NULL, map->n, sizeof(*sorted));

	for (uint32_t i = 0; i < map->n; i++)
		sorted[i] = &map->pairs[i];
	sort(sorted, map->n);
	sl_emit_obj(e, key);
	for (uint32_t i = 0; i < map->n; i++)
		// What `kubectl apply` leaves behind repeats the object in itself.
		if (strcmp(sorted[i]->key, "kubectl.kubernetes.io/last-applied-configuration") != 0)
			json_value(value, sorted[i]->value, e, sorted[i]->key);
	sl_emit_end(e);
	free(sorted);
}

static void
json_value(const struct field *f, const struct node *n, struct sl_emit *e, const char *key)
{
	static const struct field text = {.type = T_STRING}, number = {.type = T_NUMBER};
	uint64_t v;

	if (n->kind == NODE_MAP) {
		if (f->type == T_LABELS || f->type == T_PORT_MAP || f->type == T_WEIGHTS)
			json_map(f->type == T_LABELS ? &text : &number, n, e, key);
		else if (f->type == T_NAMED)
			json_map(&(const struct field){.type = T_OBJECT, .sub = field_sub(f)}, n, e,
				key);
		else if (field_sub(f))
			json_object(field_sub(f), n, e, key);
		else // a row of type T_ANY: whatever there is
			json_map(f, n, e, key);
	} else if (n->kind == NODE_SEQ) {
		sl_emit_arr(e, key);
		for (uint32_t i = 0; i < n->n; i++)
			json_value(f, n->items[i], e, NULL);
		sl_emit_end(e);
	} else if (n->scalar == SCALAR_INT && scalar_u64(n->text, &v) == 0) {
		sl_emit_u64(e, key, v);
	} else if (n->scalar == SCALAR_BOOL) {
		sl_emit_bool(e, key, strchr("tT", n->text[0]) != NULL);
	} else if (n->scalar == SCALAR_FLOAT) {
		sl_emit_dbl(e, key, strtod(n->text, NULL));
	} else {
		sl_emit_str(e, key, n->scalar == SCALAR_NULL ? "" : n->text);
	}
}

// Characters that libyaml takes for line breaks or does not read at all are written as escapes, so
// that the JSON reads as YAML to the same. They stand in strings only. Returns their length, or 0.
static size_t
yaml_unsafe(const unsigned char *c, uint32_t *code)
{
	if (c[0] == 0x7f) {
		*code = 0x7f;
		return 1;
	}
	if (c[0] == 0xc2 && c[1] < 0xa0) {
		*code = c[1];
		return 2;
	}
	if (c[0] < 0xe0 || (c[0] & 0xf0) != 0xe0)
		return 0;
	*code = (uint32_t)(c[0] & 0xf) << 12 | (uint32_t)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
	return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
}

static void
escape_unsafe(const struct sl_buf *raw, struct sl_buf *out)
{
	const char *from = raw->data;
	uint32_t code;

	for (const char *at = raw->data; *at;) {
		const size_t len = yaml_unsafe((const unsigned char *)at, &code);

		if (!len) {
			at++;
			continue;
		}
		sl_buf_put(out, from, (size_t)(at - from));
		sl_buf_printf(out, "\\u%04x", code);
		from = at += len;
	}
	sl_buf_puts(out, from);
}

// Nothing from 0x7f on.
static bool
is_plain(const char *text, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t any = 0, word = 0;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		any |= word | (word + ones);
	}
	word = 0;
	memcpy(&word, text, len);
	any |= word | (word + ones);
	return !(any & ones << 7);
}

void
schema_json(const struct schema *s, const struct node *map, struct sl_buf *out)
{
	const size_t start = out->len;
	struct sl_buf raw = {0};
	struct sl_emit e;

	sl_emit_init(&e, out);
	json_object(s, map, &e, NULL);
	if (is_plain(out->data + start, out->len - start))
		return;
	sl_buf_puts(&raw, out->data + start);
	out->len = start;
	escape_unsafe(&raw, out);
	sl_buf_fini(&raw);
}
