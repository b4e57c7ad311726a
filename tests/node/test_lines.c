// Workers share no cache line that any of them writes: all memory that a worker is made of, its
// tables, rings, counters and the pipe's state, is in lines of its own; and of what it shows to
// control, nothing lies in a line that it writes for each packet.
//
// Each allocation made by sl_worker_new() is recorded: the heap's functions are wrapped
// (meson.build).
#include "node.h"
#include "sl_test.h"
#include "worker_priv.h"

#define WORKERS 3
#define PIECES  256

// The linker's names.
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
struct sl_worker *__real_sl_worker_new(const struct sl_worker_cfg *cfg, char **why);
struct sl_worker *__wrap_sl_worker_new(const struct sl_worker_cfg *cfg, char **why);

static struct {
	bool on;
	unsigned worker;
	unsigned n;
	struct piece {
		unsigned worker;
		uintptr_t from;
		size_t bytes;
	} piece[PIECES];
} seen;

static void *
record(void *p, size_t bytes)
{
	if (seen.on && p && seen.n < PIECES)
		seen.piece[seen.n++] =
			(struct piece){.worker = seen.worker, .from = (uintptr_t)p, .bytes = bytes};
	return p;
}

void *
__wrap_malloc(size_t bytes)
{
	return record(__real_malloc(bytes), bytes);
}

void *
__wrap_calloc(size_t n, size_t bytes)
{
	return record(__real_calloc(n, bytes), n * bytes);
}

void *
__wrap_aligned_alloc(size_t align, size_t bytes)
{
	return record(__real_aligned_alloc(align, bytes), bytes);
}

struct sl_worker *
__wrap_sl_worker_new(const struct sl_worker_cfg *cfg, char **why)
{
	struct sl_worker *w;

	seen.on = true;
	seen.worker = cfg->id;
	w = __real_sl_worker_new(cfg, why);
	seen.on = false;
	return w;
}

static unsigned
no_frames(void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
	return 0;
}

static void
no_sink(void *ctx, unsigned worker, unsigned port, struct rte_mbuf **frames, unsigned n)
{
}

static struct node *
make(void)
{
	seen.n = 0;
	return node_new(&(struct node_cfg){.n_workers = WORKERS,
		.max_flows = WORKERS * 64,
		.max_endpoints = 7, // an array that ends in the middle of a line
		.handshakes = 3,
		.frames = 64,
		.pool = 1,
		.rx = no_frames,
		.tx = no_sink});
}

static int
each_worker_has_its_own_lines(void)
{
	struct node *n = make();
	unsigned of[WORKERS] = {0};

	for (unsigned i = 0; i < seen.n; i++) {
		const struct piece *a = &seen.piece[i];

		of[a->worker]++;
		RTE_TEST_ASSERT(a->from % SL_CACHE_LINE == 0 && a->bytes % SL_CACHE_LINE == 0,
			"piece %u of worker %u, %zu bytes, is not of whole lines", i, a->worker,
			a->bytes);
		for (unsigned k = 0; k < i; k++) {
			const struct piece *b = &seen.piece[k];

			RTE_TEST_ASSERT(
				a->from >= b->from + b->bytes || b->from >= a->from + a->bytes,
				"pieces %u and %u are the same memory", i, k);
		}
	}
	// The worker, its rings, the flow table, source ports, load, the pipe and what that has.
	RTE_TEST_ASSERT(of[0] >= 14 && of[1] == of[0] && of[2] == of[0] && seen.n < PIECES,
		"%u pieces of worker 0", of[0]);
	node_free(n);
	return TEST_SUCCESS;
}

static bool
is_recorded(const void *p, size_t bytes, unsigned worker)
{
	for (unsigned i = 0; i < seen.n; i++)
		if (seen.piece[i].worker == worker && (uintptr_t)p >= seen.piece[i].from &&
			(uintptr_t)p + bytes <= seen.piece[i].from + seen.piece[i].bytes)
			return true;
	return false;
}

// What a worker writes for each packet, and what it shows now and then, or is told.
static int
what_is_shown_is_apart(void)
{
	struct node *n = make();

	for (unsigned i = 0; i < WORKERS; i++) {
		const struct sl_worker *w = node_worker(n, i);
		const uintptr_t local = (uintptr_t)&w->stats.local, pub = (uintptr_t)&w->stats.pub;

		RTE_TEST_ASSERT(is_recorded(w, sizeof(*w), i) && is_recorded(w->pipe, 1, i) &&
					is_recorded(w->flows, 1, i) &&
					is_recorded(w->sports, 1, i) && is_recorded(w->load, 1, i),
			"worker %u has memory that was not recorded", i);
		SL_TEST_INT(pub % SL_CACHE_LINE, 0);
		RTE_TEST_ASSERT(
			local + sizeof(w->stats.local) <= pub || pub + sizeof(w->stats) <= local,
			"counters and their copy are not apart");
		RTE_TEST_ASSERT(offsetof(struct sl_worker, stop) / SL_CACHE_LINE <
					offsetof(struct sl_worker, stats.local) / SL_CACHE_LINE,
			"the order to stop is in a line of the counters");
	}
	node_free(n);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"each worker has its own lines", each_worker_has_its_own_lines},
	{"what is shown is apart from what is written for each packet", what_is_shown_is_apart},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
