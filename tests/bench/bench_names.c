// What 10,000 names with a TTL of 30 s cost: questions a second and how evenly they go out, how
// busy the thread is, memory. Without a server: time is simulated, there are no sockets. With one:
// real time and c-ares; names.sh has it ask an unbound in a namespace of its own. usage:
// bench_names [SERVER [SECONDS [NAMES]]]
#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "sl_clock.h"
#include "world.h"

#define NAMES 10000

struct bench {
	struct event_base *base;
	struct sl_dns *d;
	struct sl_clock clock;
	uint32_t n, seconds, second;
	uint64_t asked;  // until the last second
	uint64_t all_ns; // when all were answered
	uint64_t begun_ns;
	double cpu; // at the begin of what is counted
	uint32_t *per_second;
	struct event *tick, *poll;
};

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

// What begins when all have their first answer: 3 s later.
#define SKIP 3

static void
say_rate(const uint32_t *per_second, uint32_t n, uint32_t all)
{
	uint64_t sum = 0, n_over = 0;
	uint32_t most = 0, least = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		sum += per_second[i];
		most = per_second[i] > most ? per_second[i] : most;
		least = per_second[i] < least ? per_second[i] : least;
	}
	for (uint32_t i = 0; i < n; i++)
		n_over += per_second[i] * (uint64_t)n > 2 * sum;
	printf("  %u names: %.1f questions a second over %u s, least %u, most %u (%.2f of the "
	       "mean), "
	       "%llu seconds above twice the mean\n",
		all, (double)sum / n, n, least, most, most * (double)n / (double)sum,
		(unsigned long long)n_over);
}

static size_t
in_use(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
simulate(void)
{
	struct world w;
	size_t before;
	double cpu;
	char name[32];

	if (world_init(&w, 2))
		return;
	w.n_seconds = 1000 + 330;
	w.per_second = sl_xcalloc(w.n_seconds, sizeof(*w.per_second));
	before = in_use();
	for (uint32_t i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "name%u.service.example", i);
		sl_dns_use_new(w.d, name, &world_policy, world_count, &w);
	}
	world_run(&w, 30 * SEC);
	printf("  memory: %zu bytes a name (%u names with one use and one address)\n",
		(in_use() - before) / NAMES, NAMES);
	cpu = cpu_seconds();
	world_run(&w, 299 * SEC);
	printf("  simulated, without sockets: %.3f %% of a core\n",
		(cpu_seconds() - cpu) / 299 * 100);
	say_rate(w.per_second + 1000 + SKIP, 320, NAMES);
	free(w.per_second);
	world_fini(&w);
}

static uint64_t
now(void *ctx)
{
	return sl_clock_ns(&((struct bench *)ctx)->clock);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	const uint64_t asked = sl_dns_counter(b->d, SL_DNS_C_QUESTIONS);

	b->per_second[b->second++] = (uint32_t)(asked - b->asked);
	b->asked = asked;
	if (b->second == SKIP)
		b->cpu = cpu_seconds();
	if (b->second == b->seconds)
		event_base_loopexit(b->base, NULL);
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;

	if (sl_dns_pending(b->d) == 0 && !b->all_ns)
		b->all_ns = now(b);
}

static struct event *
every(struct bench *b, const struct timeval *tv, event_callback_fn fn)
{
	struct event *ev = event_new(b->base, -1, EV_PERSIST, fn, b);

	event_add(ev, tv);
	return ev;
}

static void
report(struct bench *b, size_t bytes)
{
	const uint32_t n = b->seconds - SKIP;

	printf("  all answered after %.2f s\n", (b->all_ns - b->begun_ns) / 1e9);
	say_rate(b->per_second + SKIP, n, b->n);
	printf("  core: %.2f %% busy (this process, sockets included)\n",
		(cpu_seconds() - b->cpu) / n * 100);
	printf("  memory: %zu bytes a name; channels opened %llu, timeouts %llu, stale %llu\n",
		bytes / b->n, (unsigned long long)sl_dns_counter(b->d, SL_DNS_C_CHANNELS),
		(unsigned long long)sl_dns_counter(b->d, SL_DNS_C_TIMEOUTS),
		(unsigned long long)sl_dns_counter(b->d, SL_DNS_C_STALE));
}

static int
measure(struct bench *b, const char *server)
{
	const struct sl_dns_address address = {.ip = world_ip(server)};
	const struct sl_dns_cfg cfg = {.server = &address,
		.n_servers = 1,
		.timeout_ns = SEC,
		.retry_min_ns = SEC,
		.retry_max_ns = 30 * SEC,
		.confirm_ns = 2 * SEC};
	const struct sl_dns_env env = {.base = b->base, .now_ns = now, .ctx = b, .seed = 1};
	const struct timeval second = {1, 0}, often = {0, 5000};
	const size_t before = in_use();
	char name[32], *why;

	b->d = sl_dns_new(&env, &cfg, &why);
	if (!b->d)
		return EXIT_FAILURE;
	b->begun_ns = now(b);
	for (uint32_t i = 0; i < b->n; i++) {
		snprintf(name, sizeof(name), "name%u.example", i);
		sl_dns_use_new(b->d, name, &world_policy, NULL, NULL);
	}
	b->per_second = sl_xcalloc(b->seconds, sizeof(*b->per_second));
	b->tick = every(b, &second, on_tick);
	b->poll = every(b, &often, on_poll);
	event_base_dispatch(b->base);
	report(b, in_use() - before);
	sl_dns_free(b->d);
	event_free(b->tick);
	event_free(b->poll);
	free(b->per_second);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct bench b = {.n = NAMES, .seconds = 93};
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		simulate();
		return EXIT_SUCCESS;
	}
	if (argc > 2)
		b.seconds = SKIP + (uint32_t)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		b.n = (uint32_t)strtoul(argv[3], NULL, 10);
	b.base = event_base_new();
	rc = measure(&b, argv[1]);
	event_base_free(b.base);
	return rc;
}
