// VIPs that an object lost to another one, told once: when it came about.
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"

// Compile's notes tell of it, at an address.
const struct sl_note *
control_lost_conflict(const struct sl_object *obj)
{
	for (uint32_t i = 0; i < obj->n_notes; i++)
		if (obj->notes[i].computed && obj->notes[i].path &&
			strncmp(obj->notes[i].path, "spec.addresses", 14) == 0)
			return &obj->notes[i];
	return NULL;
}

// Calls for each object that lost one. An object has a service for each of its hosts.
static void
each_loser(struct sl_control *c, void (*call)(void *ctx, const struct sl_object *obj), void *ctx)
{
	size_t n;
	const struct sl_service *svc = sl_registry_services(c->registry, &n);

	for (size_t i = 0; i < n; i++)
		if (svc[i].host == svc[i].obj->se.hosts[0] && control_lost_conflict(svc[i].obj))
			call(ctx, svc[i].obj);
}

static void
remember(void *ctx, const struct sl_object *obj)
{
	struct conflicts *known = ctx;

	if (known->n == known->cap) {
		known->cap = known->cap ? 2 * known->cap : 16;
		known->hash = sl_xrealloc(known->hash, known->cap, sizeof(*known->hash));
	}
	known->hash[known->n++] = obj->hash;
}

static int
by_hash(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

void
control_conflicts_before(struct sl_control *c, struct conflicts *known)
{
	each_loser(c, remember, known);
	if (known->n)
		qsort(known->hash, known->n, sizeof(*known->hash), by_hash);
}

struct telling {
	const struct conflicts *known;
	struct sl_diags *diags;
};

static void
tell(void *ctx, const struct sl_object *obj)
{
	const struct telling *t = ctx;
	char title[600];

	if (t->known->n &&
		bsearch(&obj->hash, t->known->hash, t->known->n, sizeof(*t->known->hash), by_hash))
		return;
	sl_object_title(obj, title, sizeof(title));
	for (uint32_t i = 0; i < obj->n_notes; i++) {
		const struct sl_note *note = &obj->notes[i];
		const struct sl_loc loc = {
			.file = obj->loc.file, .line = note->line, .col = note->col};

		if (note->computed)
			sl_diag_add(t->diags, SL_WARNING, &loc, title, note->path, NULL, "%s",
				note->message);
	}
}

void
control_conflicts_tell(struct sl_control *c, struct conflicts *known, struct sl_diags *diags)
{
	each_loser(c, tell, &(struct telling){.known = known, .diags = diags});
	free(known->hash);
}
