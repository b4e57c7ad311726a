// Publish and deferred free over rte_rcu_qsbr, which needs no EAL: its variable is plain memory.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "sl_rcu.h"

// An object that waits for its grace period. The list is in token order, for tokens only grow.
struct retired {
	struct retired *next;
	void *object;
	void (*free_fn)(void *);
	uint64_t token;
};

struct sl_rcu {
	void *current SL_CACHE_ALIGNED; // w: control (release), r: workers (acquire)
	// Control only, away from the line that every burst reads.
	void (*current_free)(void *) SL_CACHE_ALIGNED;
	struct rte_rcu_qsbr *qsbr;
	struct retired *head;
	struct retired **tail;
	unsigned waiting;
};

static struct rte_rcu_qsbr *
qsbr_new(unsigned max_workers)
{
	size_t bytes;
	struct rte_rcu_qsbr *v;

	if (max_workers == 0 || max_workers > RTE_MAX_LCORE) {
		errno = EINVAL;
		return NULL;
	}
	bytes = RTE_ALIGN_CEIL(rte_rcu_qsbr_get_memsize(max_workers), SL_CACHE_LINE);
	v = aligned_alloc(SL_CACHE_LINE, bytes);
	if (v)
		rte_rcu_qsbr_init(v, max_workers);
	return v;
}

struct sl_rcu *
sl_rcu_new(unsigned max_workers)
{
	struct rte_rcu_qsbr *qsbr = qsbr_new(max_workers);
	struct sl_rcu *rcu;

	if (!qsbr)
		return NULL;
	rcu = aligned_alloc(SL_CACHE_LINE, sizeof(*rcu));
	if (!rcu) {
		free(qsbr);
		errno = ENOMEM;
		return NULL;
	}
	memset(rcu, 0, sizeof(*rcu));
	rcu->qsbr = qsbr;
	rcu->tail = &rcu->head;
	return rcu;
}

static void
free_head(struct sl_rcu *rcu)
{
	struct retired *r = rcu->head;

	rcu->head = r->next;
	if (!rcu->head)
		rcu->tail = &rcu->head;
	rcu->waiting--;
	r->free_fn(r->object);
	free(r);
}

void
sl_rcu_free(struct sl_rcu *rcu)
{
	if (!rcu)
		return;
	while (rcu->head)
		free_head(rcu);
	if (rcu->current)
		rcu->current_free(rcu->current);
	free(rcu->qsbr);
	free(rcu);
}

void
sl_rcu_retire(struct sl_rcu *rcu, void *object, void (*free_fn)(void *))
{
	struct retired *r;

	if (!object)
		return;
	r = malloc(sizeof(*r));
	if (!r) {
		// Freeing later needs memory; without it waiting is what keeps readers safe.
		rte_rcu_qsbr_synchronize(rcu->qsbr, RTE_QSBR_THRID_INVALID);
		free_fn(object);
		return;
	}
	*r = (struct retired){
		.object = object,
		.free_fn = free_fn,
		.token = rte_rcu_qsbr_start(rcu->qsbr),
	};
	*rcu->tail = r;
	rcu->tail = &r->next;
	rcu->waiting++;
}

void
sl_rcu_publish(struct sl_rcu *rcu, void *object, void (*free_fn)(void *))
{
	void *old = rcu->current;
	void (*old_free)(void *) = rcu->current_free;

	assert(!object || object != old); // it would be freed while it is read
	__atomic_store_n(&rcu->current, object, __ATOMIC_RELEASE);
	rcu->current_free = free_fn;
	sl_rcu_retire(rcu, old, old_free);
}

void *
sl_rcu_current(struct sl_rcu *rcu)
{
	return rcu->current;
}

unsigned
sl_rcu_reclaim(struct sl_rcu *rcu)
{
	// A free function may retire more: what it adds is behind the tokens looked at here.
	while (rcu->head && rte_rcu_qsbr_check(rcu->qsbr, rcu->head->token, false))
		free_head(rcu);
	return rcu->waiting;
}

uint64_t
sl_rcu_token(struct sl_rcu *rcu)
{
	return rte_rcu_qsbr_start(rcu->qsbr);
}

bool
sl_rcu_passed(struct sl_rcu *rcu, uint64_t token)
{
	return rte_rcu_qsbr_check(rcu->qsbr, token, false) != 0;
}

void
sl_rcu_register(struct sl_rcu *rcu, unsigned id)
{
	// The counter may be what an earlier owner of this id left.
	rte_rcu_qsbr_thread_offline(rcu->qsbr, id);
	rte_rcu_qsbr_thread_register(rcu->qsbr, id);
}

void
sl_rcu_unregister(struct sl_rcu *rcu, unsigned id)
{
	rte_rcu_qsbr_thread_offline(rcu->qsbr, id);
	rte_rcu_qsbr_thread_unregister(rcu->qsbr, id);
}

void
sl_rcu_online(struct sl_rcu *rcu, unsigned id)
{
	rte_rcu_qsbr_thread_online(rcu->qsbr, id);
}

void
sl_rcu_offline(struct sl_rcu *rcu, unsigned id)
{
	rte_rcu_qsbr_thread_offline(rcu->qsbr, id);
}

void
sl_rcu_quiescent(struct sl_rcu *rcu, unsigned id)
{
	rte_rcu_qsbr_quiescent(rcu->qsbr, id);
}

const void *
sl_rcu_read(const struct sl_rcu *rcu)
{
	return __atomic_load_n(&rcu->current, __ATOMIC_ACQUIRE);
}
