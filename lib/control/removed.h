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
// No worker sends new flows to the slot any more. From within a pass over the services or the end
// of a grace period: it is only noted, and looked at from the event loop.
void removed_note(struct removed *r, uint32_t slot);
// Looks at those that wait; after each publish, so that one that is back does not wait on.
void removed_settle(struct removed *r);
