#include "spot.h"

#include <string.h>

struct spot
spot_root(const struct node *root)
{
	return (struct spot){.is_root = true, .node = root, .line = root->line, .col = root->col};
}

static struct spot
below(const struct spot *up, const struct node *n)
{
	struct spot s = {.line = up->line, .col = up->col};

	s.path.up = up->is_root ? NULL : &up->path;
	if (!n)
		return s;
	s.line = n->line;
	s.col = n->col;
	s.node = node_is_null(n) ? NULL : n;
	return s;
}

struct spot
spot_key(const struct spot *up, const char *key)
{
	const bool map = up->node && up->node->kind == NODE_MAP;
	struct spot s = below(up, map ? node_get(up->node, key) : NULL);

	s.path.key = key;
	return s;
}

struct spot
spot_item(const struct spot *up, uint32_t i)
{
	const bool list = up->node->kind == NODE_SEQ;
	struct spot s = below(up, list ? up->node->items[i] : up->node->pairs[i].value);

	s.path.index = i;
	if (!list)
		s.path.key = up->node->pairs[i].key;
	return s;
}

bool
spot_has(const struct spot *up, const char *key)
{
	return spot_key(up, key).node != NULL;
}

uint32_t
spot_items(const struct spot *s)
{
	return s->node && s->node->kind == NODE_SEQ ? s->node->n : 0;
}

uint32_t
spot_pairs(const struct spot *s)
{
	return s->node && s->node->kind == NODE_MAP ? s->node->n : 0;
}

const char *
spot_text(const struct spot *s)
{
	const struct node *n = s->node;

	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_STR ? n->text : NULL;
}

const char *
spot_text_at(const struct spot *up, const char *key)
{
	const struct spot s = spot_key(up, key);

	return spot_text(&s);
}

bool
spot_number(const struct spot *s, uint64_t *value)
{
	const struct node *n = s->node;

	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_INT &&
	       scalar_u64(n->text, value) == 0;
}

bool
spot_true(const struct spot *up, const char *key)
{
	const struct spot s = spot_key(up, key);

	return s.node && s.node->kind == NODE_SCALAR && s.node->scalar == SCALAR_BOOL &&
	       strchr("tT", s.node->text[0]);
}

void
spot_say(struct reader *r, enum sl_severity severity, const char *rule, const struct spot *at,
	const char *fmt, ...)
{
	const struct sl_loc loc = {r->file, at->line, at->col};
	struct sl_buf text = {0}, where = {0};
	char buf[RULE_LEN];
	const char *shown;
	va_list ap;

	if (!rule_applies(r->rules, rule, buf, &shown))
		return;
	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	path_render(&at->path, &where);
	reader_clean(&where);
	sl_diag_add(r->diags, severity, &loc, r->object, where.data, shown, "%s", text.data);
	if (severity == SL_ERROR)
		r->errors++;
	sl_buf_fini(&text);
	sl_buf_fini(&where);
}
