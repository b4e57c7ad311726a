#include "lab.h"

#include <sched.h>
#include <time.h>

#include "sl_test.h"

#define QUIET_MS 50

// A mailbox that is full now takes the order at another time, in the daemon; here it is left out.
static void
gone(void *ctx, uint32_t slot)
{
	struct lab *l = ctx;

	if (slot % 2 && node_order_reset(l->node, slot))
		l->orders++;
}

static uint32_t
active(void *ctx, uint32_t slot)
{
	const struct lab *l = ctx;

	return node_active(l->node, slot);
}

void
lab_init(struct lab *l, const struct lab_cfg *cfg, uint64_t seed)
{
	*l = (struct lab){.cfg = *cfg, .rnd = seed};
	l->life = life_new(&(struct life_cfg){.n_workers = cfg->node.n_workers,
		.clients = cfg->clients,
		.at_once = cfg->at_once,
		.services = cfg->services,
		.stable = cfg->stable,
		.frames = cfg->node.frames,
		.patience_ns = cfg->patience_ns,
		.all_give_up = cfg->all_give_up,
		.rate = cfg->rate,
		.seed = seed});
	l->cfg.node.rx = life_rx;
	l->cfg.node.tx = life_tx;
	l->cfg.node.ctx = l->life;
	l->cfg.node.seed = seed;
	l->node = node_new(&l->cfg.node);
	l->world = world_new(&(struct world_cfg){.rcu = node_rcu(l->node),
		.services = cfg->services,
		.hosts = cfg->hosts,
		.slots = cfg->node.max_endpoints,
		.timeout_ns = cfg->timeout_ns,
		.gone = gone,
		.active = active,
		.ctx = l});
	life_set_world(l->life, l->world);
}

void
lab_fini(struct lab *l)
{
	world_free(l->world);
	node_free(l->node);
	life_free(l->life);
}

static void
nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

void
lab_change(struct lab *l)
{
	const uint64_t x = sl_test_rand(&l->rnd);
	const uint32_t n = l->cfg.services - l->cfg.stable;

	for (unsigned i = 0; i <= (x >> 8) % 3; i++)
		world_change(l->world, l->cfg.stable + sl_test_rand(&l->rnd) % n);
	if (x % 4 == 0)
		world_toggle(l->world);
	while (!world_apply(l->world, x % 16 < 4)) {
		world_settle(l->world);
		world_reclaim(l->world, l->cfg.node.max_endpoints);
		nap();
	}
	while (!world_settle(l->world))
		sched_yield();
	world_reclaim(l->world, 256);
	l->rounds++;
}

bool
lab_rest(struct lab *l, unsigned limit_s)
{
	struct sl_stats_block b;
	uint64_t before = 0;
	unsigned same = 0;

	for (unsigned ms = 0; ms < limit_s * 1000 && same < QUIET_MS; ms++) {
		nap();
		node_stats(l->node, &b);
		const uint64_t now = b.counter[SL_C_RX] + b.counter[SL_C_TX];

		same = life_open(l->life) == 0 && now == before ? same + 1 : 0;
		before = now;
	}
	return same == QUIET_MS;
}
