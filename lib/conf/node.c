#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "sl_str.h"

#define MAX_DEPTH       100
#define MAX_SCALAR      (2u << 20) // a body of 1 MiB in base64, with room
#define MAX_ALIAS_NODES 1000000u
#define ANCHOR_BUCKETS  1024
#define CHUNK_BYTES     (64u * 1024)
#define FEW_KEYS        8

// ---- arena ----

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	_Alignas(16) char mem[];
};

static void *
arena_get(struct doc *doc, size_t bytes)
{
	struct chunk *c = doc->arena;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!c || c->size - c->used < bytes) {
		const size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		c = sl_xrealloc(NULL, sizeof(*c) + size, 1);
		c->used = 0;
		c->size = size;
		c->next = doc->arena;
		doc->arena = c;
	}
	c->used += bytes;
	return c->mem + c->used - bytes;
}

// All but one chunk of the usual size, for the next document.
static void
arena_reset(struct doc *doc)
{
	struct chunk *kept = NULL;

	for (struct chunk *c = doc->arena, *next; c; c = next) {
		next = c->next;
		if (!kept && c->size == CHUNK_BYTES)
			kept = c;
		else
			free(c);
	}
	if (kept) {
		kept->used = 0;
		kept->next = NULL;
	}
	doc->arena = kept;
}

const struct node *
node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (text_is(map->pairs[i].key, key))
			return map->pairs[i].value;
	return NULL;
}

// ---- builder: libyaml's events to nodes ----

struct anchor {
	struct anchor *next;
	const char *name;
	struct node *node;
};

// A container being read; its members wait in the builder's stacks.
struct level {
	struct node *node;
	size_t base;     // first of its members there
	struct pair key; // of the value to come
	bool has_key;
	bool merges; // a `<<` is among the keys
};

struct member {
	struct pair pair;
	uint32_t order; // a lower one wins: own members first, then merged ones
	bool merged;
	bool dropped;
};

struct builder {
	struct doc *doc;
	struct sl_diags *diags;
	const char *file;
	uint32_t first_line;
	size_t errors;
	bool broken; // no use in going on
	struct level level[MAX_DEPTH];
	unsigned depth;
	struct member *members;
	size_t n_members;
	size_t cap_members;
	struct anchor *anchors[ANCHOR_BUCKETS];
	bool has_anchors;
	uint64_t alias_nodes;
	struct node *root;
};

void
doc_fini(struct doc *doc)
{
	arena_reset(doc);
	free(doc->arena);
	if (doc->builder)
		free(doc->builder->members);
	free(doc->builder);
	*doc = (struct doc){0};
}

static void
complain(struct builder *b, uint32_t line, uint32_t col, const char *message)
{
	const struct sl_loc loc = {b->file, line, col};

	sl_diag_add(b->diags, SL_ERROR, &loc, NULL, NULL, NULL, "%s", message);
	b->errors++;
}

static void
refuse(struct builder *b, uint32_t line, uint32_t col, const char *message)
{
	complain(b, line, col, message);
	b->broken = true;
}

static struct node *
node_new(struct builder *b, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *n = arena_get(b->doc, sizeof(*n));

	*n = (struct node){
		.kind = kind,
		.line = (uint32_t)mark->line + b->first_line,
		.col = (uint32_t)mark->column + 1,
		.nodes = 1,
	};
	return n;
}

static struct anchor **
anchor_bucket(struct builder *b, const char *name)
{
	return &b->anchors[sl_str_hash(name, strlen(name), 0) % ANCHOR_BUCKETS];
}

static const char *
copy_text(struct builder *b, const void *text, size_t len)
{
	char *copy = arena_get(b->doc, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static void
anchor_add(struct builder *b, const yaml_char_t *name, struct node *node)
{
	struct anchor *a, **bucket;

	if (!name)
		return;
	a = arena_get(b->doc, sizeof(*a));
	a->name = copy_text(b, name, strlen((const char *)name));
	a->node = node;
	b->has_anchors = true;
	bucket = anchor_bucket(b, a->name);
	a->next = *bucket; // the latest of a name is found first
	*bucket = a;
}

static void
push_member(struct builder *b, const struct pair *pair)
{
	if (b->n_members == b->cap_members) {
		b->cap_members = b->cap_members ? 2 * b->cap_members : 64;
		b->members = sl_xrealloc(b->members, b->cap_members, sizeof(*b->members));
	}
	b->members[b->n_members++] = (struct member){.pair = *pair};
}

// A node is complete, or begins: it becomes the root, an item, a key or a value.
static void
attach(struct builder *b, struct node *node)
{
	struct level *l;

	if (b->depth == 0) {
		b->root = node;
		return;
	}
	l = &b->level[b->depth - 1];
	if (l->node->kind == NODE_MAP && !l->has_key) {
		if (node->kind != NODE_SCALAR) {
			refuse(b, node->line, node->col, "a key of a mapping must be a word");
			return;
		}
		l->key = (struct pair){.key = node->text, .line = node->line, .col = node->col};
		l->has_key = true;
		return;
	}
	l->key.value = node;
	push_member(b, &l->key);
	l->has_key = false;
}

static void
on_scalar(struct builder *b, const yaml_event_t *event)
{
	struct node *n = node_new(b, NODE_SCALAR, &event->start_mark);
	const size_t len = event->data.scalar.length;
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;

	if (len > MAX_SCALAR) {
		refuse(b, n->line, n->col, "a value of more than 2 MiB");
		return;
	}
	if (memchr(text, '\0', len)) {
		refuse(b, n->line, n->col, "a value with a NUL character");
		return;
	}
	n->text = copy_text(b, text, len);
	n->n = (uint32_t)len;
	n->scalar = SCALAR_STR;
	if (!tag || strcmp(tag, "!") == 0) {
		if (event->data.scalar.plain_implicit)
			n->scalar = scalar_resolve(n->text);
	} else if (strncmp(tag, "tag:yaml.org,2002:", 18) != 0) {
		complain(b, n->line, n->col, "a tag that is not known here");
	} else if (strcmp(tag + 18, "str") != 0) {
		n->scalar = scalar_resolve(n->text);
	}
	anchor_add(b, event->data.scalar.anchor, n);

	// `<<` merges only where it is a key written plain.
	if (b->depth && b->level[b->depth - 1].node->kind == NODE_MAP &&
		!b->level[b->depth - 1].has_key && strcmp(n->text, "<<") == 0 &&
		event->data.scalar.plain_implicit)
		b->level[b->depth - 1].merges = true;
	attach(b, n);
}

static void
on_start(struct builder *b, enum node_kind kind, const yaml_event_t *event)
{
	struct node *n = node_new(b, kind, &event->start_mark);
	const yaml_char_t *anchor = kind == NODE_MAP ? event->data.mapping_start.anchor
						     : event->data.sequence_start.anchor;

	if (b->depth == MAX_DEPTH) {
		refuse(b, n->line, n->col, "nested more than 100 levels deep");
		return;
	}
	n->open = true;
	anchor_add(b, anchor, n);
	attach(b, n);
	b->level[b->depth++] = (struct level){.node = n, .base = b->n_members};
}

static void
on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const uint32_t line = (uint32_t)event->start_mark.line + b->first_line;
	const uint32_t col = (uint32_t)event->start_mark.column + 1;
	const struct anchor *a = *anchor_bucket(b, name);

	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	if (!a) {
		refuse(b, line, col, "an alias without its anchor");
		return;
	}
	if (a->node->open) {
		refuse(b, line, col, "an alias inside its own anchor");
		return;
	}
	b->alias_nodes += a->node->nodes;
	if (b->alias_nodes > MAX_ALIAS_NODES) {
		refuse(b, line, col, "aliases that unfold to more than 1000000 nodes");
		return;
	}
	attach(b, a->node);
}

static void
finish_seq(struct builder *b, struct level *l)
{
	const size_t n = b->n_members - l->base;
	struct node **items = arena_get(b->doc, n * sizeof(*items));

	for (size_t i = 0; i < n; i++) {
		items[i] = (struct node *)b->members[l->base + i].pair.value;
		l->node->nodes += items[i]->nodes;
	}
	l->node->items = items;
	l->node->n = (uint32_t)n;
}

// The members of what `<<` names join behind the own ones.
static void
merge_one(struct builder *b, const struct pair *key, const struct node *from)
{
	if (from->kind != NODE_MAP) {
		refuse(b, key->line, key->col, "<< takes a mapping or a list of mappings");
		return;
	}
	for (uint32_t i = 0; i < from->n; i++) {
		push_member(b, &from->pairs[i]);
		b->members[b->n_members - 1].merged = true;
	}
	b->alias_nodes += from->nodes;
	if (b->alias_nodes > MAX_ALIAS_NODES)
		refuse(b, key->line, key->col, "aliases that unfold to more than 1000000 nodes");
}

static void
merge(struct builder *b, size_t base)
{
	const size_t end = b->n_members;

	for (size_t i = base; i < end && !b->broken; i++) {
		const struct pair key = b->members[i].pair;

		if (strcmp(key.key, "<<") != 0)
			continue;
		b->members[i].dropped = true;
		if (key.value->kind != NODE_SEQ) {
			merge_one(b, &key, key.value);
			continue;
		}
		for (uint32_t k = 0; k < key.value->n && !b->broken; k++)
			merge_one(b, &key, key.value->items[k]);
	}
}

static int
by_key(const void *pa, const void *pb)
{
	const struct member *a = *(struct member *const *)pa, *b = *(struct member *const *)pb;
	const int d = strcmp(a->pair.key, b->pair.key);

	if (d)
		return d;
	return a->order < b->order ? -1 : 1;
}

// first stays; a second own one of the same key is an error, a merged one just gives way.
static void
drop_second(struct builder *b, const struct member *first, struct member *second)
{
	const struct sl_loc loc = {b->file, second->pair.line, second->pair.col};

	second->dropped = true;
	if (second->merged)
		return;
	sl_diag_add(b->diags, SL_ERROR, &loc, NULL, NULL, NULL,
		"duplicate key \"%s\", given before at line %u", second->pair.key,
		first->pair.line);
	b->errors++;
}

static void
drop_duplicates(struct builder *b, struct member *m, size_t n)
{
	struct member **sorted, *first = NULL;
	size_t n_sorted = 0;

	if (n <= FEW_KEYS) {
		for (size_t i = 1; i < n; i++)
			for (size_t k = 0; k < i && !m[i].dropped; k++)
				if (!m[k].dropped && text_is(m[k].pair.key, m[i].pair.key))
					drop_second(b, &m[k], &m[i]);
		return;
	}
	sorted = sl_xrealloc(NULL, n, sizeof(*sorted));
	for (size_t i = 0; i < n; i++) {
		m[i].order = (uint32_t)i;
		if (!m[i].dropped)
			sorted[n_sorted++] = &m[i];
	}
	qsort(sorted, n_sorted, sizeof(*sorted), by_key);
	for (size_t i = 0; i < n_sorted; i++) {
		if (first && strcmp(first->pair.key, sorted[i]->pair.key) == 0)
			drop_second(b, first, sorted[i]);
		else
			first = sorted[i];
	}
	free(sorted);
}

static void
finish_map(struct builder *b, struct level *l)
{
	struct pair *pairs;
	size_t n = 0;

	if (b->n_members == l->base)
		return;
	if (l->merges)
		merge(b, l->base);
	drop_duplicates(b, b->members + l->base, b->n_members - l->base);
	pairs = arena_get(b->doc, (b->n_members - l->base) * sizeof(*pairs));
	for (size_t i = l->base; i < b->n_members; i++) {
		if (b->members[i].dropped)
			continue;
		pairs[n] = b->members[i].pair;
		l->node->nodes += pairs[n++].value->nodes;
	}
	l->node->pairs = pairs;
	l->node->n = (uint32_t)n;
}

static void
on_end(struct builder *b)
{
	struct level *l = &b->level[--b->depth];

	if (l->node->kind == NODE_MAP)
		finish_map(b, l);
	else
		finish_seq(b, l);
	b->n_members = l->base;
	l->node->open = false;
}

static void
on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(b, event);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, event);
		break;
	case YAML_MAPPING_START_EVENT:
		on_start(b, NODE_MAP, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_start(b, NODE_SEQ, event);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		on_end(b);
		break;
	default:
		break;
	}
}

static void
syntax_error(struct builder *b, const yaml_parser_t *p, const char *text)
{
	struct sl_buf message = {0};
	uint32_t line = (uint32_t)p->problem_mark.line, col = (uint32_t)p->problem_mark.column + 1;

	if (p->error == YAML_READER_ERROR) { // has an offset only
		line = 0;
		col = 1;
		for (size_t i = 0; i < p->problem_offset; i++, col++)
			if (text[i] == '\n') {
				line++;
				col = 0;
			}
	}
	sl_buf_printf(&message, "not YAML: %s", p->problem ? p->problem : "unreadable");
	if (p->context)
		sl_buf_printf(&message, " %s", p->context);
	refuse(b, line + b->first_line, col, message.data);
	sl_buf_fini(&message);
}

// What the document before left behind is used again: most are small, and many.
static struct builder *
builder_for(struct doc *doc)
{
	struct builder *b = doc->builder;

	if (!b)
		b = doc->builder = sl_xcalloc(1, sizeof(*b));
	if (b->has_anchors)
		memset(b->anchors, 0, sizeof(b->anchors));
	b->has_anchors = b->broken = false;
	b->errors = b->n_members = 0;
	b->alias_nodes = 0;
	b->depth = 0;
	b->root = NULL;
	return b;
}

static void
read_events(struct builder *b, const char *text, size_t len)
{
	yaml_parser_t parser;
	bool end = false;

	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	} else {
		refuse(b, b->first_line, 1, "out of memory");
	}
	while (!b->broken && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(b, &parser, text);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		on_event(b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

size_t
doc_read(struct doc *doc, const char *text, size_t len, const char *file, uint32_t line,
	struct sl_diags *diags)
{
	struct builder *b = builder_for(doc);

	arena_reset(doc);
	doc->root = NULL;
	b->doc = doc;
	b->diags = diags;
	b->file = file;
	b->first_line = line;
	read_events(b, text, len);
	if (!b->broken && b->root &&
		!(b->root->kind == NODE_SCALAR && b->root->scalar == SCALAR_NULL))
		doc->root = b->root;
	return b->errors;
}
