#include "map.h"

#include <errno.h>
#include <stdlib.h>

int
fwd_map_init(struct map *m, uint32_t n_max)
{
	const uint32_t size = map_size(n_max);

	m->cell = calloc(size, sizeof(*m->cell));
	m->mask = size - 1;
	return m->cell ? 0 : -ENOMEM;
}

void
fwd_map_fini(struct map *m)
{
	free(m->cell);
	m->cell = NULL;
}

static inline struct map_cell *
probe(const struct map *m, uint64_t key)
{
	uint32_t i = sl_mix64(key) & m->mask;

	while (m->cell[i].used && m->cell[i].key != key)
		i = (i + 1) & m->mask;
	return &m->cell[i];
}

uint32_t *
fwd_map_at(struct map *m, uint64_t key)
{
	struct map_cell *cell = probe(m, key);

	cell->key = key;
	cell->used = 1;
	return &cell->value;
}

const uint32_t *
fwd_map_find(const struct map *m, uint64_t key)
{
	const struct map_cell *cell = probe(m, key);

	return cell->used ? &cell->value : NULL;
}
