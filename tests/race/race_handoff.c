// The daemon's workers and their hand-off rings: clients' frames arrive at the worker that has
// their flows, endpoints' at any, and what is for servers leaves through worker 0. So each worker
// hands frames to each other one, to be processed or to be sent. Then the same with control
// changing services, sets, next hops and slots under them.
//
// Nothing may be lost: every exchange ends as it has to. And every frame is accounted for exactly
// once, by where it is and by what the workers have counted.
#include "lab.h"
#include "sl_test.h"

#define WORKERS   3
#define CLIENTS   400 // of each worker
#define AT_ONCE   200
#define SERVICES  32
#define HOSTS     4
#define STABLE    16
#define SLOTS     4096
#define FRAMES    8192
#define EXCHANGES 12000 // of each worker
#define ROUNDS    10000 // of control, at most
#define PATIENCE  60    // seconds until an exchange that does not end is a lost frame

static void
init(struct lab *l, bool changes)
{
	lab_init(l,
		&(struct lab_cfg){
			.node = {.n_workers = WORKERS,
				.max_flows = WORKERS * 65536,
				.max_endpoints = SLOTS,
				.handshakes = 1024,
				.frames = FRAMES,
				.pool = 4,
				.by_hash = changes,
				.cpu = {-1, -1, -1, -1}},
			.clients = CLIENTS,
			.at_once = AT_ONCE,
			.services = SERVICES,
			.stable = changes ? STABLE : SERVICES,
			.hosts = HOSTS,
			.timeout_ns = 30 * SL_NSEC_PER_SEC, // no flow that is used expires
			.patience_ns = SL_NSEC_PER_SEC,
		},
		sl_test_seed());
}

static int
check(struct lab *l, bool changes)
{
	struct sl_stats_block b;
	struct life_tally t;
	struct node_count c;
	uint64_t drops;

	life_tally(l->life, &t);
	node_stats(l->node, &b);
	node_count(l->node, &c);
	drops = sl_stats_drops(&b);
	printf("# %llu exchanges, %llu refused, %llu reset; %llu frames in, %llu out, %llu handed "
	       "over, "
	       "%llu dropped\n",
		(unsigned long long)t.ended, (unsigned long long)t.refused,
		(unsigned long long)t.reset, (unsigned long long)t.in, (unsigned long long)t.out,
		(unsigned long long)b.counter[SL_C_HANDED_IN], (unsigned long long)drops);
	const char *wrong = node_books(l->node, t.in, t.out);
	RTE_TEST_ASSERT(!wrong, "%s", wrong);
	SL_TEST_INT(t.bad, 0);
	SL_TEST_INT(t.moved, 0);
	SL_TEST_INT(t.astray, 0);
	SL_TEST_INT(t.lost, 0);
	SL_TEST_INT(c.frames, 0);
	SL_TEST_INT(b.counter[SL_C_HANDED_OFF], b.counter[SL_C_HANDED_IN]);
	SL_TEST_INT(t.ended, t.begun);
	SL_TEST_INT(t.ended, (uint64_t)WORKERS * EXCHANGES);
	RTE_TEST_ASSERT(b.counter[SL_C_HANDED_IN] > t.ended, "hardly a frame was handed over");
	if (!changes) {
		// What endpoints refused went on elsewhere; nothing else may be missing.
		SL_TEST_INT(drops, b.drop[SL_DROP_REFUSED]);
		SL_TEST_INT(t.stale, 0);
		SL_TEST_INT(t.reset, 0);
	}
	return TEST_SUCCESS;
}

static int
frames_are_handed_over(void)
{
	struct lab l;
	int rc;

	init(&l, false);
	life_limit(l.life, EXCHANGES);
	node_start(l.node);
	const bool rests = lab_rest(&l, PATIENCE);
	node_stop(l.node);
	life_show_open(l.life, stdout);
	RTE_TEST_ASSERT(rests, "%u exchanges do not end: frames were lost", life_open(l.life));
	rc = check(&l, false);
	lab_fini(&l);
	return rc;
}

static int
control_changes_all_under_them(void)
{
	struct world_count n;
	struct lab l;
	int rc;

	init(&l, true);
	life_limit(l.life, EXCHANGES);
	node_start(l.node);
	while (life_open(l.life) > 0 && l.rounds < ROUNDS)
		lab_change(&l);
	const bool rests = lab_rest(&l, PATIENCE);
	node_stop(l.node);
	world_count(l.world, &n);
	printf("# %u rounds: %u sets swapped in place, %u tables, %u nets, %u resets\n", l.rounds,
		n.swaps, n.tables, n.nets, l.orders);
	life_show_open(l.life, stdout);
	RTE_TEST_ASSERT(rests, "%u exchanges do not end: frames were lost", life_open(l.life));
	RTE_TEST_ASSERT(n.swaps > 20 && n.tables > 10 && n.nets > 10 && l.orders > 20,
		"too little happened to prove anything");
	rc = check(&l, true);
	lab_fini(&l);
	return rc;
}

static const struct sl_test tests[] = {
	{"frames are handed over both ways", frames_are_handed_over},
	{"control changes services, sets, next hops and slots under them",
		control_changes_all_under_them},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
