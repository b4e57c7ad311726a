// The blocks of a DestinationRule, and what stands in them.
#include "dr_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct node *
get(const struct node *map, const char *key)
{
	const struct node *n = map && map->kind == NODE_MAP ? node_get(map, key) : NULL;

	return n && !node_is_null(n) ? n : NULL;
}

static bool
is_map(const struct node *n)
{
	return n && n->kind == NODE_MAP;
}

static void
each_port(struct se_check *c, const struct dr_block *policy, const struct sl_traffic_policy *tp,
	dr_block_fn *fn)
{
	const struct node *ports = get(policy->node, "portLevelSettings");

	for (uint32_t i = 0; i < tp->n_ports; i++) {
		struct dr_block b = {.node = ports->items[i],
			.is_port = true,
			.lb = &tp->ports[i].lb,
			.pool = &tp->ports[i].pool};

		if (!is_map(b.node))
			continue;
		snprintf(b.path, sizeof(b.path), "%.80s.portLevelSettings[%u]", policy->path, i);
		fn(c, &b);
	}
}

static void
each_of(struct se_check *c, struct dr_block *b, const struct node *above,
	const struct sl_traffic_policy *tp, dr_block_fn *fn)
{
	b->node = get(above, "trafficPolicy");
	b->lb = &tp->lb;
	b->pool = &tp->pool;
	b->ports = tp->ports;
	b->n_ports = tp->n_ports;
	if (!is_map(b->node))
		return;
	fn(c, b);
	each_port(c, b, tp, fn);
}

void
dr_each_block(struct se_check *c, dr_block_fn *fn)
{
	const struct sl_destination_rule *dr = &c->obj->dr;
	struct dr_block b = {.path = "spec.trafficPolicy"};

	each_of(c, &b, c->spec, &dr->policy, fn);
	for (uint32_t i = 0; i < dr->n_subsets; i++) {
		snprintf(b.path, sizeof(b.path), "spec.subsets[%u].trafficPolicy", i);
		each_of(c, &b, get(c->spec, "subsets")->items[i], &dr->subsets[i].policy, fn);
	}
}

const struct node *
dr_find(const struct dr_block *b, const char *path)
{
	const struct node *n = b->node;
	char key[64];

	while (n && *path) {
		const size_t len = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		n = get(n, key);
		path += len + (path[len] == '.');
	}
	return n;
}

const char *
dr_text(const struct dr_block *b, const char *path)
{
	const struct node *n = dr_find(b, path);

	return n && n->kind == NODE_SCALAR ? n->text : "";
}

bool
dr_is_true(const struct dr_block *b, const char *path)
{
	const struct node *n = dr_find(b, path);

	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_BOOL && strchr("tT", n->text[0]);
}

static int
by_text(const void *a, const void *b)
{
	const struct dr_name *x = a, *y = b;
	const int order = strcmp(x->text, y->text);

	return order ? order : x->i < y->i ? -1 : x->i > y->i;
}

void
dr_unique(struct se_check *c, const char *rule, const char *path, struct dr_name *v, size_t n)
{
	const char *list = strrchr(path, '.') + 1;
	size_t first = 0;

	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(v[first].text, v[i].text) != 0)
			first = i;
		else
			se_say(c, SL_ERROR, rule, P(c, "%s[%u].name", path, v[i].i),
				"\"%.80s\" is also the name of %s[%u]", v[i].text, list,
				v[first].i);
	}
}
