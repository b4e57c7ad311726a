#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

struct events {
	struct event_row v[EVENTS_MAX];
	uint64_t seq; // of the newest
};

struct events *
events_new(void)
{
	return sl_xcalloc(1, sizeof(struct events));
}

static void
forget(struct event_row *row)
{
	free(row->reason);
	free(row->object);
	free(row->message);
	*row = (struct event_row){0};
}

void
events_free(struct events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < EVENTS_MAX; i++)
		forget(&e->v[i]);
	free(e);
}

static uint64_t
hash_of(bool warning, const char *reason, const char *object, const char *message)
{
	uint64_t hash = sl_str_hash(reason, strlen(reason) + 1, warning);

	hash = sl_str_hash(object, strlen(object) + 1, hash);
	return sl_str_hash(message, strlen(message), hash);
}

static bool
is_same(const struct event_row *row, const char *reason, const char *object, const char *message)
{
	return strcmp(row->reason, reason) == 0 && strcmp(row->object, object) == 0 &&
	       strcmp(row->message, message) == 0;
}

void
events_add(struct events *e, int64_t now_s, bool warning, const char *reason, const char *object,
	const char *message)
{
	const uint64_t hash = hash_of(warning, reason, object, message);
	struct event_row *row = &e->v[0];

	for (size_t i = 0; i < EVENTS_MAX; i++) {
		struct event_row *r = &e->v[i];

		if (r->count > 0 && r->hash == hash && r->warning == warning &&
			is_same(r, reason, object, message)) {
			r->count++;
			r->last_s = now_s;
			r->seq = ++e->seq;
			return;
		}
		if (r->seq < row->seq)
			row = r;
	}
	forget(row);
	*row = (struct event_row){.warning = warning,
		.reason = sl_xstrdup(reason),
		.object = sl_xstrdup(object),
		.message = sl_xstrdup(message),
		.count = 1,
		.first_s = now_s,
		.last_s = now_s,
		.seq = ++e->seq,
		.hash = hash};
}

const struct event_row *
events_next(const struct events *e, uint64_t *seq)
{
	const struct event_row *next = NULL;

	for (size_t i = 0; i < EVENTS_MAX; i++)
		if (e->v[i].seq > *seq && (!next || e->v[i].seq < next->seq))
			next = &e->v[i];
	if (next)
		*seq = next->seq;
	return next;
}
