// What happened lately, for people: a ring of the last EVENTS_MAX events, as `kubectl get events`
// has them.
//
// Owner:   events_new() / events_free(). Texts are copied.
// Threads: control only.
// Errors:  out of memory ends the process.
// Limits:  EVENTS_MAX; adding and finding the next one look at all of them.
#pragma once

#include "sl_types.h"

#define EVENTS_MAX 1024

struct event_row {
	bool warning;
	char *reason;
	char *object; // a DNS name, or "namespace/host" of a service
	char *message;
	uint64_t count; // it came that often; 0: a free place
	int64_t first_s, last_s;
	uint64_t seq; // ascends with last_s
	uint64_t hash;
};

struct events;
struct events *events_new(void);
void events_free(struct events *e);
// now_s: wall clock. What is there already, text by text, is counted and becomes the newest.
void events_add(struct events *e, int64_t now_s, bool warning, const char *reason,
	const char *object, const char *message);
// The oldest one after *seq (0 begins), which moves on; NULL: no more.
const struct event_row *events_next(const struct events *e, uint64_t *seq);
