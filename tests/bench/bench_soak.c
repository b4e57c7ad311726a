// The daemon's workers for minutes or days, with all that wears them out: connections and exchanges
// that come and go, resets, silence, handshakes that move on, ports that rest and are lent again,
// flows that expire, endpoints and services that change, flows that are ended because of it. The
// end has to be clean: flows, source ports, table entries and the load of endpoints are the same
// number, and when time has passed, zero.
//
//   bench_soak [--json] [SECONDS]     default 600; TAP, or rows of JSON; 1 when something is wrong
#include <stdlib.h>
#include <time.h>

#include "lab.h"
#include "sl_clock.h"
#include "sl_test.h"

#define WORKERS  2
#define FLOWS    (1u << 20)
#define SERVICES 1000
#define STABLE   500
#define HOSTS    8
#define SLOTS    32768
#define FRAMES   32768
#define SAYS_NS  (10 * SL_NSEC_PER_SEC)
#define REST_S   60 // what is open when clients stop has to end; else frames were lost
#define SKIP_NS  (3600 * SL_NSEC_PER_SEC)

static const struct lab_cfg lab_cfg = {
	.node = {.n_workers = WORKERS,
		.max_flows = FLOWS,
		.max_endpoints = SLOTS,
		.handshakes = 4096,
		.frames = FRAMES,
		.pool = 16,
		.cpu = {-1, -1, -1, -1}},
	.clients = 16384,
	.at_once = 500, // a hand-off ring is full only when its worker gets no CPU for a while
	.rate = 40000,
	.services = SERVICES,
	.stable = STABLE,
	.hosts = HOSTS,
	.timeout_ns = 10 * SL_NSEC_PER_SEC, // no flow that is used expires
	.patience_ns = 3 * SL_NSEC_PER_SEC,
	.all_give_up = true,
};

struct soak {
	struct lab lab;
	unsigned seconds;
	bool json;
	FILE *out;     // of what is no row
	uint64_t peak; // flows
	struct node_count full, empty;
	struct life_tally tally;
	unsigned failed, checks;
};

static void
check(struct soak *s, bool ok, const char *what)
{
	s->checks++;
	s->failed += !ok;
	fprintf(s->out, "%sok %u - %s\n", ok ? "" : "not ", s->checks, what);
}

static void
progress(struct soak *s, uint64_t since_ns)
{
	struct sl_stats_block b;
	struct world_count n;

	node_stats(s->lab.node, &b);
	world_count(s->lab.world, &n);
	fprintf(s->out,
		"# %4.0f s: %.1f M frames, %.2f M flows opened, %llu live, %llu handed over, "
		"%llu moved on, %u resets, %u swaps, %u tables, %llu drops\n",
		(double)since_ns / 1e9, (double)b.counter[SL_C_RX] / 1e6,
		(double)b.counter[SL_C_FLOWS_CREATED] / 1e6,
		(unsigned long long)b.counter[SL_C_FLOWS_LIVE],
		(unsigned long long)b.counter[SL_C_HANDED_IN],
		(unsigned long long)b.counter[SL_C_HANDSHAKES_MOVED], s->lab.orders, n.swaps,
		n.tables, (unsigned long long)sl_stats_drops(&b));
	if (b.counter[SL_C_FLOWS_LIVE] > s->peak)
		s->peak = b.counter[SL_C_FLOWS_LIVE];
}

static void
show_drops(struct soak *s)
{
	struct sl_stats_block b;

	node_stats(s->lab.node, &b);
	for (int d = 1; d < SL_DROP_MAX; d++)
		if (b.drop[d])
			fprintf(s->out, "# dropped: %llu %s\n", (unsigned long long)b.drop[d],
				sl_drop_name((enum sl_drop)d));
}

static void
churn(struct soak *s)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	const uint64_t begin = sl_clock_ns(NULL), end = begin + s->seconds * SL_NSEC_PER_SEC;
	uint64_t says = begin + SAYS_NS;

	for (uint64_t now = begin; now < end; now = sl_clock_ns(NULL)) {
		lab_change(&s->lab);
		nanosleep(&pause, NULL);
		if (now < says)
			continue;
		progress(s, now - begin);
		says += SAYS_NS;
	}
	progress(s, end - begin);
}

// In the middle of it all.
static void
check_full(struct soak *s)
{
	struct node_count *c = &s->full;

	node_stop(s->lab.node);
	node_count(s->lab.node, c);
	fprintf(s->out,
		"# %llu live flows, %llu table entries, %llu ports lent; %llu open, %llu active\n",
		(unsigned long long)c->live, (unsigned long long)c->entries,
		(unsigned long long)c->ports, (unsigned long long)c->open,
		(unsigned long long)c->load);
	check(s, c->live > 0 && c->live == c->ports && c->live == c->entries,
		"live flows = ports lent = table entries");
	check(s, c->load == c->open, "active flows of endpoints = open flows");
}

// All frames until now.
static void
check_frames(struct soak *s)
{
	const struct life_tally *t = &s->tally;
	const char *wrong;

	life_tally(s->lab.life, &s->tally);
	check(s, t->bad == 0, "every frame is right, checksums and addresses");
	check(s, t->moved == 0, "no flow moved to another endpoint");
	check(s, t->astray == 0, "no new flow went to a set that was not in force");
	check(s, t->lost == 0, "the test lost no frame itself");
	wrong = node_books(s->lab.node, t->in, t->out);
	check(s, !wrong, wrong ? wrong : "the books balance");
}

// Clients begin nothing any more; what is open ends.
static void
check_rest(struct soak *s)
{
	const struct life_tally *t = &s->tally;
	struct node_count c;

	life_limit(s->lab.life, 0);
	node_start(s->lab.node);
	check(s, lab_rest(&s->lab, REST_S), "every exchange ends");
	node_stop(s->lab.node);
	life_tally(s->lab.life, &s->tally);
	node_count(s->lab.node, &c);
	show_drops(s);
	fprintf(s->out,
		"# %llu exchanges: %llu refused, %llu reset, %llu given up, %llu late answers\n",
		(unsigned long long)t->ended, (unsigned long long)t->refused,
		(unsigned long long)t->reset, (unsigned long long)t->given_up,
		(unsigned long long)t->stale);
	check(s, t->begun == t->ended && t->begun > 1000, "there were exchanges");
	check(s, c.frames == 0, "no frame is left behind");
	check_frames(s);
}

// False: flows are left after a second.
static bool
expires(struct soak *s)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	struct sl_stats_block b;

	for (unsigned i = 0; i < 1000; i++) {
		nanosleep(&ms, NULL);
		node_stats(s->lab.node, &b);
		if (b.counter[SL_C_FLOWS_LIVE] == 0)
			return true;
	}
	return false;
}

// Hours pass at once: everything expires, and slots of endpoints that went are free again. Frames
// come of it as well: a handshake that was not answered goes on with another endpoint, whose answer
// makes it a flow that has its own time.
static void
check_empty(struct soak *s)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	struct node_count *c = &s->empty;
	struct world_count n;
	bool gone = false;

	for (unsigned i = 0; !gone && i < REST_S; i++) {
		node_skip(s->lab.node, SKIP_NS);
		node_start(s->lab.node);
		gone = expires(s);
		while (!world_settle(s->lab.world))
			nanosleep(&ms, NULL);
		node_stop(s->lab.node);
	}
	world_reclaim(s->lab.world, 2 * SLOTS);
	node_count(s->lab.node, c);
	world_count(s->lab.world, &n);
	check(s, c->live + c->entries + c->ports + c->load + c->frames == 0,
		"0 flows, ports, entries and active flows when time has passed");
	check(s, n.slots - SERVICES * HOSTS <= HOSTS, "slots are those of the endpoints that are");
	check_frames(s);
}

static void
report(const struct soak *s)
{
	const bool equal = s->full.live == s->full.ports && s->full.live == s->full.entries;

	if (!s->json) {
		printf("1..%u\n", s->checks);
		return;
	}
	printf("[{\"name\":\"soak-live-equals-ports\",\"value\":%d,\"unit\":\"bool\"},\n"
	       " {\"name\":\"soak-left-after-expiry\",\"value\":%llu,\"unit\":\"flows\"},\n"
	       " {\"name\":\"soak-wrong\",\"value\":%u,\"unit\":\"checks\"},\n"
	       " {\"name\":\"soak-exchanges\",\"value\":%llu,\"unit\":\"exchanges\"},\n"
	       " {\"name\":\"soak-peak-flows\",\"value\":%llu,\"unit\":\"flows\"},\n"
	       " {\"name\":\"soak-seconds\",\"value\":%u,\"unit\":\"s\"}]\n",
		equal, (unsigned long long)(s->empty.live + s->empty.ports + s->empty.entries),
		s->failed, (unsigned long long)s->tally.ended, (unsigned long long)s->peak,
		s->seconds);
}

int
main(int argc, char **argv)
{
	static struct soak s = {.seconds = 600};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			s.json = true;
		else
			s.seconds = (unsigned)atoi(argv[i]);
	s.out = s.json ? stderr : stdout;
	lab_init(&s.lab, &lab_cfg, s.json ? sl_clock_ns(NULL) : sl_test_seed());
	life_limit(s.lab.life, UINT64_MAX);
	node_start(s.lab.node);
	churn(&s);
	check_full(&s);
	check_rest(&s);
	check_empty(&s);
	report(&s);
	lab_fini(&s.lab);
	return s.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
