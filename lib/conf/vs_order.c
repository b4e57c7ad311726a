// Routes that nothing reaches: the first that matches takes all, so one behind a route without
// match, or whose matches all stand in earlier routes, does nothing.
#include <stdlib.h>
#include <string.h>

#include "sl_buf.h"
#include "sl_str.h"
#include "text_set.h"
#include "vs_check.h"

struct order {
	const struct vs_check *c;
	struct text_set seen;     // earlier matches as texts
	struct text_set prefixes; // of earlier matches that ask for nothing else
	char **texts;             // that seen borrows
	size_t n_texts;
	size_t cap_texts;
	bool closed; // an earlier route takes all
	uint32_t closed_by;
};

static int
by_key(const void *a, const void *b)
{
	return strcmp((*(const struct pair *const *)a)->key, (*(const struct pair *const *)b)->key);
}

static bool
is_label_only(const char *key)
{
	return strcmp(key, "name") == 0 || strcmp(key, "statPrefix") == 0;
}

static void put_node(struct sl_buf *out, const struct node *n, bool top);

static void
put_map(struct sl_buf *out, const struct node *n, bool top)
{
	const struct pair **v = sl_xcalloc(n->n + 1, sizeof(*v));

	for (uint32_t i = 0; i < n->n; i++)
		v[i] = &n->pairs[i];
	qsort(v, n->n, sizeof(*v), by_key);
	sl_buf_putc(out, '{');
	for (uint32_t i = 0; i < n->n; i++) {
		if (node_is_null(v[i]->value) || (top && is_label_only(v[i]->key)))
			continue;
		sl_buf_printf(out, "%zu:%s=", strlen(v[i]->key), v[i]->key);
		put_node(out, v[i]->value, false);
	}
	sl_buf_putc(out, '}');
	free(v);
}

// What is equal has the same text, whatever the order of keys.
static void
put_node(struct sl_buf *out, const struct node *n, bool top)
{
	if (n->kind == NODE_MAP) {
		put_map(out, n, top);
	} else if (n->kind == NODE_SEQ) {
		sl_buf_putc(out, '[');
		for (uint32_t i = 0; i < n->n; i++)
			put_node(out, n->items[i], false);
		sl_buf_putc(out, ']');
	} else {
		sl_buf_printf(out, "%u:%s;", n->n, n->text ? n->text : "");
	}
}

// The prefix of a match that asks for one; *alone: and for nothing else. None where letter case
// does not count: that takes more than what begins with the prefix as it is written.
static const char *
prefix_of(const struct spot *match, bool *alone)
{
	const struct spot uri = spot_key(match, "uri");

	*alone = true;
	for (uint32_t i = 0; i < spot_pairs(match); i++) {
		const struct pair *p = &match->node->pairs[i];

		if (strcmp(p->key, "uri") != 0 && !is_label_only(p->key) && !node_is_null(p->value))
			*alone = false;
	}
	return spot_true(match, "ignoreUriCase") ? NULL : spot_text_at(&uri, "prefix");
}

static bool
is_empty(const struct spot *match)
{
	for (uint32_t i = 0; i < spot_pairs(match); i++) {
		const struct pair *p = &match->node->pairs[i];

		if (!is_label_only(p->key) && !node_is_null(p->value))
			return false;
	}
	return match->node && match->node->kind == NODE_MAP;
}

static void
add_match(struct order *o, const struct spot *match, uint32_t route)
{
	const struct vs_check *c = o->c;
	struct sl_buf text = {0};
	const char *prefix;
	uint32_t before;
	bool alone;

	if (!match->node || match->node->kind != NODE_MAP)
		return; // reported
	put_node(&text, match->node, true);
	if (o->n_texts == o->cap_texts) {
		o->cap_texts = o->cap_texts ? 2 * o->cap_texts : 16;
		o->texts = sl_xrealloc(o->texts, o->cap_texts, sizeof(*o->texts));
	}
	o->texts[o->n_texts] = sl_buf_take(&text);
	prefix = prefix_of(match, &alone);
	if (text_set_add(&o->seen, o->texts[o->n_texts++], route, &before))
		spot_say(c->r, SL_WARNING, "V24", match,
			"is never reached: route %u has the same match", before);
	else if (prefix && text_set_has_prefix_of(&o->prefixes, prefix, &before))
		spot_say(c->r, SL_WARNING, "V24", match,
			"is never reached: route %u takes a shorter prefix", before);
	if (prefix && alone)
		text_set_add(&o->prefixes, prefix, route, &before);
}

static void
add_route(struct order *o, const struct spot *route, uint32_t i)
{
	const struct spot list = spot_key(route, "match");

	if (!route->node || route->node->kind != NODE_MAP)
		return;
	if (o->closed) {
		spot_say(o->c->r, SL_WARNING, "V24", route,
			"is never reached: route %u has no match and takes everything",
			o->closed_by);
		return;
	}
	o->closed = !spot_given(&list) || (list.node->kind == NODE_SEQ && !list.node->n);
	for (uint32_t k = 0; k < spot_items(&list); k++) {
		const struct spot match = spot_item(&list, k);

		add_match(o, &match, i);
		o->closed = o->closed || is_empty(&match);
	}
	o->closed_by = i;
}

void
vs_check_order(const struct vs_check *c, const char *key)
{
	const struct spot routes = spot_key(&c->spec, key);
	struct order o = {.c = c};

	for (uint32_t i = 0; i < spot_items(&routes); i++) {
		const struct spot route = spot_item(&routes, i);

		add_route(&o, &route, i);
	}
	for (size_t i = 0; i < o.n_texts; i++)
		free(o.texts[i]);
	free(o.texts);
	text_set_fini(&o.seen);
	text_set_fini(&o.prefixes);
}
