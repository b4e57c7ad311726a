// Flows of endpoints that are gone: kept, or reset at once or after a while, as the annotation
// sluice.io/dns-on-remove of their service says.
//
// Owner:   removed_new() / removed_free().
// Threads: control only.
// Errors:  a full mailbox of a worker: tried again a little later.
// Limits:  an entry for each endpoint that is gone and is to be reset; looked at together.
#pragma once

#include "sl_control.h"

struct removed;

struct removed *removed_new(struct sl_control *c); // NULL: no memory for a timer
void removed_free(struct removed *r);
// An endpoint's slot is in no set any more: while services are compiled, so it is only noted.
void removed_note(struct removed *r, uint32_t slot);
// What was noted, after it was published: a worker that is told to reset a slot has to be past the
// set that named it.
void removed_settle(struct removed *r);
