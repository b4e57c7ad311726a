// Publish and retire against readers: what is freed is poisoned first and must never be read.
//
// The objects are shaped like the forwarding state: a snapshot with services, each with a set of
// endpoints that is swapped on its own inside the published snapshot.
//
// "stay": readers register once, and go offline and online. "join": they also come and go.
#include <pthread.h>
#include <sched.h>

#include "sl_rcu.h"
#include "sl_test.h"

#define READERS  2
#define SERVICES 4
#define SWAPS    20000 // at least
#define BURST    16
#define BURSTS   100000 // at least, of all readers

struct set {
	uint32_t id;
	uint32_t not_id; // ~id while it may be read
};

struct snapshot {
	uint32_t id;
	uint32_t not_id;
	const struct set *set[SERVICES]; // atomic, release: w: control, r: readers
};

struct shared {
	struct sl_rcu *rcu;
	bool join;    // registers and unregisters over and over
	bool stop;    // relaxed atomic: w: control, r: readers
	uint64_t bad; // relaxed atomics: w: readers, r: control
	uint64_t bursts;
};

struct reader {
	struct shared *s;
	unsigned id;
	pthread_t thread;
};

static void
look(struct shared *s, uint32_t id, uint32_t not_id)
{
	if (id != ~not_id)
		__atomic_fetch_add(&s->bad, 1, __ATOMIC_RELAXED);
}

// Loads once, uses it all over the burst.
static void
burst(struct shared *s)
{
	const struct snapshot *snap = sl_rcu_read(s->rcu);

	for (unsigned i = 0; snap && i < BURST; i++) {
		const struct set *set = __atomic_load_n(&snap->set[i % SERVICES], __ATOMIC_ACQUIRE);

		look(s, snap->id, snap->not_id);
		look(s, set->id, set->not_id);
		if (i == BURST / 2)
			sched_yield(); // held while control goes on
		look(s, set->id, set->not_id);
	}
}

static void *
reader(void *arg)
{
	struct reader *r = arg;
	struct shared *s = r->s;

	sl_rcu_register(s->rcu, r->id);
	sl_rcu_online(s->rcu, r->id);
	for (uint64_t n = 0; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); n++) {
		burst(s);
		sl_rcu_quiescent(s->rcu, r->id);
		__atomic_fetch_add(&s->bursts, 1, __ATOMIC_RELAXED);
		if (n % 64 == 63) {
			sl_rcu_offline(s->rcu, r->id);
			if (s->join && n % 128 == 127) {
				sl_rcu_unregister(s->rcu, r->id);
				sl_rcu_register(s->rcu, r->id);
			}
			sl_rcu_online(s->rcu, r->id);
		}
	}
	sl_rcu_unregister(s->rcu, r->id);
	return NULL;
}

static void
poison_set(void *p)
{
	struct set *set = p;

	memset(set, 0xdb, sizeof(*set));
	free(set);
}

static void
poison_snapshot(void *p)
{
	struct snapshot *snap = p;

	for (unsigned i = 0; i < SERVICES; i++)
		poison_set((void *)(uintptr_t)snap->set[i]);
	memset(snap, 0xdb, sizeof(*snap));
	free(snap);
}

static struct set *
set_new(uint32_t id)
{
	struct set *set = malloc(sizeof(*set));

	*set = (struct set){.id = id, .not_id = ~id};
	return set;
}

static void
publish_new(struct sl_rcu *rcu, uint32_t id)
{
	struct snapshot *snap = malloc(sizeof(*snap));

	*snap = (struct snapshot){.id = id, .not_id = ~id};
	for (unsigned i = 0; i < SERVICES; i++)
		snap->set[i] = set_new(id + i);
	sl_rcu_publish(rcu, snap, poison_snapshot);
}

static void
swap_set(struct sl_rcu *rcu, uint32_t id)
{
	struct snapshot *snap = sl_rcu_current(rcu);
	const struct set **slot = &snap->set[id % SERVICES];
	const struct set *old = *slot;

	__atomic_store_n(slot, set_new(id), __ATOMIC_RELEASE);
	sl_rcu_retire(rcu, (void *)(uintptr_t)old, poison_set);
}

static int
stress(bool join)
{
	struct shared s = {.rcu = sl_rcu_new(READERS), .join = join};
	struct reader r[READERS];
	unsigned most = 0, waited = 0;
	uint32_t i;

	RTE_TEST_ASSERT_NOT_NULL(s.rcu, "no rcu");
	publish_new(s.rcu, 1);
	for (i = 0; i < READERS; i++) {
		r[i] = (struct reader){.s = &s, .id = i};
		RTE_TEST_ASSERT_SUCCESS(
			pthread_create(&r[i].thread, NULL, reader, &r[i]), "no thread");
	}
	for (i = 2; i < SWAPS || __atomic_load_n(&s.bursts, __ATOMIC_RELAXED) < BURSTS; i++) {
		if (i % 8)
			swap_set(s.rcu, i);
		else
			publish_new(s.rcu, i);
		const unsigned left = sl_rcu_reclaim(s.rcu);

		most = left > most ? left : most;
		waited += left > 0;
		if (left > 100)
			sched_yield();
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	for (unsigned k = 0; k < READERS; k++)
		pthread_join(r[k].thread, NULL);
	printf("# %llu bursts, %u of %u swaps left something waiting, %u at most\n",
		(unsigned long long)s.bursts, waited, i, most);
	SL_TEST_INT(s.bad, 0);
	SL_TEST_INT(sl_rcu_reclaim(s.rcu), 0);
	RTE_TEST_ASSERT(waited > 100, "the readers were never in the way");
	sl_rcu_free(s.rcu);
	return TEST_SUCCESS;
}

static int
stay(void)
{
	return stress(false);
}

static int
join(void)
{
	return stress(true);
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {{"stay", stay}, {"join", join}};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
