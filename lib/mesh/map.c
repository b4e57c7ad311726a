#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

#define MIN_SLOTS 64u

static uint64_t
hash_of(const char *key)
{
	return sl_str_hash(key, strlen(key), 0);
}

void *
by_key_find(const struct map *map, const char *key)
{
	const uint64_t hash = hash_of(key);

	if (!map->n_slots)
		return NULL;
	for (struct node *n = map->slots[hash & (map->n_slots - 1)]; n; n = n->next) {
		if (n->hash == hash && strcmp(n->key, key) == 0)
			return n;
	}
	return NULL;
}

static void
grow(struct map *map)
{
	const uint32_t n = map->n_slots ? 2 * map->n_slots : MIN_SLOTS;
	struct node **slots = sl_xcalloc(n, sizeof(*slots));

	for (uint32_t i = 0; i < map->n_slots; i++) {
		for (struct node *e = map->slots[i], *next; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (n - 1)];
			slots[e->hash & (n - 1)] = e;
		}
	}
	free(map->slots);
	map->slots = slots;
	map->n_slots = n;
}

void
by_key_add(struct map *map, struct node *node, const char *key)
{
	if (map->n >= map->n_slots)
		grow(map);
	node->hash = hash_of(key);
	node->key = sl_xstrdup(key);
	node->next = map->slots[node->hash & (map->n_slots - 1)];
	map->slots[node->hash & (map->n_slots - 1)] = node;
	map->n++;
}

void
by_key_del(struct map *map, struct node *node)
{
	struct node **link = &map->slots[node->hash & (map->n_slots - 1)];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	free(node->key);
	map->n--;
}

void *
by_key_next(const struct map *map, struct map_it *it)
{
	while (!it->next) {
		if (it->slot == map->n_slots)
			return NULL;
		it->next = map->slots[it->slot++];
	}
	struct node *n = it->next;

	it->next = n->next;
	return n;
}

void
by_key_fini(struct map *map)
{
	free(map->slots);
	*map = (struct map){0};
}

void
ptrs_add(struct ptrs *p, void *item)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 2;
		p->v = sl_xrealloc(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = item;
}

bool
ptrs_del(struct ptrs *p, const void *item)
{
	for (uint32_t i = p->n; i-- > 0;) {
		if (p->v[i] != item)
			continue;
		memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof(*p->v));
		p->n--;
		return true;
	}
	return false;
}

void
ptrs_fini(struct ptrs *p)
{
	free(p->v);
	*p = (struct ptrs){0};
}
