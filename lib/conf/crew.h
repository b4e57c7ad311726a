// Documents to objects, by the control thread and helpers that come with the first work and leave
// with the load. A piece of work is a few documents; what comes of them is private to it, and is
// taken in the order in which the pieces were added.
//
// Owner:   the caller has the work, and the text and findings that it points to, until it is done.
// Threads: all calls from one thread. Helpers touch the pieces that they took, and nothing else:
//          a piece changes hands under the lock, as it is taken and as it is done.
// Errors:  a helper that cannot be started is done without.
// Limits:  3 helpers.
#pragma once

#include <sched.h>

#include "objects.h"

struct crew;

struct crew_doc {
	const char *text;
	size_t len;
	uint32_t line;          // of its first line, in the file
	struct sl_diags *diags; // gets its findings
	struct sl_objects objects;
};

struct crew_work {
	struct crew_work *next;
	const char *file;
	struct crew_doc *doc;
	uint32_t n;
	bool done;
};

// cpus: where helpers run, NULL: where the caller does.
struct crew *crew_new(enum sl_origin origin, unsigned helpers, const cpu_set_t *cpus);
// All work is done.
void crew_free(struct crew *c);
void crew_add(struct crew *c, struct crew_work *w);
// On return it is done. The caller takes pieces meanwhile, as the helpers do.
void crew_finish(struct crew *c, const struct crew_work *w);
