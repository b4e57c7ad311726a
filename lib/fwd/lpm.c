#include "lpm.h"

#include <stdlib.h>

static inline uint32_t
last_of(const struct lpm_prefix *p)
{
	return p->first | ~sl_be32_to_cpu(sl_mask4(p->len));
}

// By first address, wider ones first, so that a prefix comes after all that contain it; of equal
// prefixes the best comes first.
static int
cmp_prefix(const void *x, const void *y)
{
	const struct lpm_prefix *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

// The ranges so far, and the prefixes that are open at the sweep's position, the innermost on top:
// at most one a length.
struct sweep {
	uint32_t *start;
	uint32_t *value;
	uint32_t n;
	const struct lpm_prefix *open[33];
	unsigned n_open;
};

static uint32_t
innermost(const struct sweep *s)
{
	return s->n_open > 0 ? s->open[s->n_open - 1]->value : LPM_NONE;
}

// From `start` on, `value` holds.
static void
turn(struct sweep *s, uint32_t start, uint32_t value)
{
	if (s->n > 0 && s->start[s->n - 1] == start)
		s->n--;
	if (s->n > 0 && s->value[s->n - 1] == value)
		return;
	s->start[s->n] = start;
	s->value[s->n++] = value;
}

// Closes what ends before `limit` (2^32: everything).
static void
close_until(struct sweep *s, uint64_t limit)
{
	while (s->n_open > 0 && last_of(s->open[s->n_open - 1]) < limit) {
		const uint32_t last = last_of(s->open[--s->n_open]);

		if (last < UINT32_MAX)
			turn(s, last + 1, innermost(s));
	}
}

static void
make_levels(uint32_t *start, uint32_t n)
{
	uint32_t *below = start;

	for (;;) {
		const uint32_t whole = lpm_whole(n);
		uint32_t *level = below + whole;

		for (uint32_t i = n; i < whole; i++)
			below[i] = UINT32_MAX;
		if (n <= LPM_NODE)
			return;
		n = whole / LPM_NODE;
		for (uint32_t i = 0; i < n; i++)
			level[i] = below[i * LPM_NODE];
		below = level;
	}
}

uint32_t *
lpm_alloc(size_t values)
{
	const size_t size = values * sizeof(uint32_t);

	// aligned_alloc() wants a multiple of the alignment.
	return aligned_alloc(SL_CACHE_LINE, (size + SL_CACHE_LINE - 1) & ~(SL_CACHE_LINE - 1ul));
}

uint32_t
lpm_make(struct lpm_prefix *p, uint32_t n, bool twice, uint32_t *start, uint32_t *value,
	uint32_t *up)
{
	struct sweep s = {.start = start, .value = value};

	for (uint32_t i = 0; i < n; i++)
		p[i].first &= sl_be32_to_cpu(sl_mask4(p[i].len));
	if (n > 0)
		qsort(p, n, sizeof(*p), cmp_prefix);
	turn(&s, 0, LPM_NONE);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0 && p[i].first == p[i - 1].first && p[i].len == p[i - 1].len) {
			if (!twice)
				return 0;
			continue; // a worse one
		}
		close_until(&s, p[i].first);
		if (up)
			up[p[i].value] = innermost(&s);
		s.open[s.n_open++] = &p[i];
		turn(&s, p[i].first, p[i].value);
	}
	close_until(&s, UINT64_C(1) << 32);
	make_levels(start, s.n);
	return s.n;
}
