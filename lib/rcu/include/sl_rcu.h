// Publish one pointer, read it lock-free, free what it replaced after every worker has moved on.
//
// Owner:   sl_rcu_new() for the daemon's life; a published object belongs to sl_rcu from
//          sl_rcu_publish() on and is freed by its free function after the grace period.
// Threads: publish, retire, reclaim: control only. sl_rcu_read(): a registered worker between
//          online and the next quiescent. online/offline/quiescent: each worker for itself.
// Errors:  NULL and errno (ENOMEM, EINVAL) from new. retire and publish cannot fail: without memory
//          for a list entry (32 bytes) they wait for the grace period, the one case that blocks.
// Limits:  as many threads as said at the start. Control does not block: retired objects wait in a
//          list and sl_rcu_reclaim() frees those whose grace period is over.
//
// Rules for a worker: load once per burst, pass the pointer down, report quiescent at the end of
// the burst, go offline before any sleep (or grace periods never end).
#pragma once

#include "sl_types.h"

struct sl_rcu;

struct sl_rcu *sl_rcu_new(unsigned max_workers);
void sl_rcu_free(struct sl_rcu *rcu); // all workers left; frees the current and all retired objects

// Control. free_fn(object) runs in the control thread, from reclaim or free.
void sl_rcu_publish(struct sl_rcu *rcu, void *object, void (*free_fn)(void *));
void sl_rcu_retire(struct sl_rcu *rcu, void *object, void (*free_fn)(void *));
void *sl_rcu_current(struct sl_rcu *rcu);    // what is published, for control
unsigned sl_rcu_reclaim(struct sl_rcu *rcu); // how many still wait
// True once every worker that was online has passed the publish before `token`.
uint64_t sl_rcu_token(struct sl_rcu *rcu);
bool sl_rcu_passed(struct sl_rcu *rcu, uint64_t token);

// Workers, id < max_workers.
void sl_rcu_register(struct sl_rcu *rcu, unsigned id);   // then offline
void sl_rcu_unregister(struct sl_rcu *rcu, unsigned id); // when it leaves
void sl_rcu_online(struct sl_rcu *rcu, unsigned id);
void sl_rcu_offline(struct sl_rcu *rcu, unsigned id);
void sl_rcu_quiescent(struct sl_rcu *rcu, unsigned id);
const void *sl_rcu_read(const struct sl_rcu *rcu);
