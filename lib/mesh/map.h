// A hash table of nodes by a text; the nodes are part of what they stand for (first member).
#pragma once

#include "sl_types.h"

struct node {
	struct node *next; // in the slot's chain
	uint64_t hash;
	char *key; // the map's, freed with by_key_del()
};

struct map {
	struct node **slots;
	uint32_t n_slots; // power of two; 0: nothing was ever added
	uint32_t n;
};

void *by_key_find(const struct map *map, const char *key);
void by_key_add(struct map *map, struct node *node, const char *key); // copies key; not there yet
void by_key_del(struct map *map, struct node *node);
// Every node, in no order. A node may be deleted by the step that gets it. *it = {0} begins.
struct map_it {
	uint32_t slot;
	struct node *next;
};
void *by_key_next(const struct map *map, struct map_it *it);
void by_key_fini(struct map *map); // the nodes are gone already

// A growing array of pointers.
struct ptrs {
	void **v;
	uint32_t n;
	uint32_t cap;
};

void ptrs_add(struct ptrs *p, void *item);
bool ptrs_del(struct ptrs *p, const void *item); // keeps the order; false: not there
void ptrs_fini(struct ptrs *p);
