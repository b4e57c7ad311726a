#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "objects.h"
#include "sl_clock.h"
#include "sl_compile.h"

struct world {
	struct world_cfg cfg;
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_compile *compile;
	struct sl_fwd_net *net;
	uint64_t generation;
	uint32_t *floor;   // by service; w: control, r: workers (acquire)
	uint32_t *ceiling; // likewise
	uint32_t *changed; // since every worker had the last one
	uint32_t n_changed;
	uint64_t token;
	uint8_t mac;
	bool more; // the service that comes and goes is there
	struct world_count count;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "world: %s\n", what);
	abort();
}

static void
put(struct world *w, uint32_t service, uint32_t version)
{
	char name[16], host[32], vip[32], ports[32];
	struct sl_buf eps = {0};

	snprintf(name, sizeof(name), "s%u", service);
	snprintf(host, sizeof(host), "s%u.example", service);
	snprintf(vip, sizeof(vip), "198.19.%u.%u", service >> 8, service & 255);
	snprintf(ports, sizeof(ports), "p/%u/%s", WORLD_PORT,
		world_is_tcp(service) && !w->cfg.udp ? "TCP" : "UDP");
	for (uint32_t h = 0; h < w->cfg.hosts; h++)
		sl_buf_printf(&eps, "198.51.100.%u@p=%u ",
			version % WORLD_VERSIONS * WORLD_HOSTS + h + 1, WORLD_TARGET + service);
	sl_registry_put(w->registry, object_of(&(struct text_se){.name = name,
					     .hosts = host,
					     .addresses = vip,
					     .ports = ports,
					     .endpoints = eps.data}));
	sl_buf_fini(&eps);
}

void
world_change(struct world *w, uint32_t service)
{
	const uint32_t version = w->ceiling[service] + 1;

	__atomic_store_n(&w->ceiling[service], version, __ATOMIC_RELEASE);
	w->changed[w->n_changed++ % w->cfg.services] = service;
	put(w, service, version);
}

void
world_toggle(struct world *w)
{
	char name[16];

	w->more = !w->more;
	if (w->more) {
		put(w, w->cfg.services, 0);
		return;
	}
	snprintf(name, sizeof(name), "s%u", w->cfg.services);
	sl_registry_del(w->registry, SL_KIND_SERVICE_ENTRY, "ns", name, SL_ORIGIN_FILE);
}

// ---- publishing ----

static void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	struct world *w = ctx;

	sl_rcu_retire(w->cfg.rcu, object, free_fn);
}

// Everything on either side is behind one gateway.
static struct sl_fwd_net *
compile_net(struct world *w)
{
	const sl_be32 gateway[2] = {sl_cpu_to_be32(0xc0000201), sl_cpu_to_be32(0xc0000281)};
	const struct sl_compile_port port[2] = {
		{.mac = {{2, 0, 0, 0, 0, 0xa0}}, .up = true},
		{.mac = {{2, 0, 0, 0, 0, 0xa1}}, .up = true},
	};
	const struct sl_fwd_route route[2] = {
		{.dst = sl_cpu_to_be32(0xc6120000), .len = 16, .gateway = gateway[0]},
		{.dst = sl_cpu_to_be32(0xc6336400), .len = 24, .port = 1, .gateway = gateway[1]},
	};
	const struct sl_compile_neigh neigh[2] = {
		{.addr = gateway[0], .mac = {{2, 0, 0, 0, w->mac, 1}}, .state = SL_ADJ_OK},
		{.port = 1,
			.addr = gateway[1],
			.mac = {{2, 0, 0, 0, w->mac, 2}},
			.state = SL_ADJ_OK},
	};
	struct sl_fwd_addr pool[31];

	for (uint32_t i = 0; i < SL_ARRAY_LEN(pool); i++)
		pool[i] = (struct sl_fwd_addr){sl_cpu_to_be32(0xcb0071e0u + i), SL_ADDR_POOL};
	return sl_compile_net(w->compile, &(struct sl_compile_net){.port = port,
						  .n_ports = 2,
						  .route = route,
						  .n_routes = 2,
						  .neigh = neigh,
						  .n_neighs = 2,
						  .addr = pool,
						  .n_addrs = SL_ARRAY_LEN(pool)});
}

static void
publish(struct world *w)
{
	const uint32_t ticks = (uint32_t)(w->cfg.timeout_ns >> SL_FLOW_TICK_SHIFT) + 1;
	struct sl_fwd fwd = {.generation = ++w->generation,
		.services = sl_fwd_services_get(sl_compile_current(w->compile)),
		.net = sl_fwd_net_get(w->net),
		.policies = sl_fwd_policies_get(sl_compile_policies(w->compile)),
		.params = {.reply_rate = 1000000}};
	struct sl_fwd *whole;

	for (unsigned s = 0; s < SL_FLOW_STATE_MAX; s++)
		fwd.params.timeout[s] = s >= SL_FLOW_CLOSING ? ticks / 4 + 1 : ticks;
	whole = sl_fwd_new(&fwd);
	must(whole, "snapshot");
	sl_rcu_publish(w->cfg.rcu, whole, sl_fwd_free);
}

bool
world_apply(struct world *w, bool net_changes)
{
	struct sl_compile_result result;
	struct sl_fwd_net *net = NULL;

	if (sl_compile_services(w->compile, w->mesh, sl_clock_ns(NULL), retire, w, &result) != 0)
		return false;
	w->mac += net_changes;
	if (net_changes || result.table_changed)
		net = compile_net(w);
	if (net) {
		sl_fwd_net_put(w->net);
		w->net = net;
	}
	if (net || result.table_changed)
		publish(w);
	w->count.swaps += result.table_changed ? 0 : result.swapped;
	w->count.tables += result.table_changed;
	w->count.nets += net != NULL;
	w->token = sl_rcu_token(w->cfg.rcu);
	return true;
}

bool
world_settle(struct world *w)
{
	sl_rcu_reclaim(w->cfg.rcu);
	if (!sl_rcu_passed(w->cfg.rcu, w->token))
		return false;
	// Each worker has read the snapshot anew since it was published.
	for (uint32_t i = 0; i < w->n_changed && i < w->cfg.services; i++)
		__atomic_store_n(
			&w->floor[w->changed[i]], w->ceiling[w->changed[i]], __ATOMIC_RELEASE);
	w->n_changed = 0;
	return true;
}

static bool
in_use(void *ctx, uint32_t slot)
{
	const struct world *w = ctx;

	return w->cfg.active && w->cfg.active(w->cfg.ctx, slot) > 0;
}

void
world_reclaim(struct world *w, unsigned budget)
{
	sl_compile_reclaim_slots(w->compile, in_use, w, budget);
}

void
world_count(const struct world *w, struct world_count *out)
{
	*out = w->count;
	out->slots = sl_compile_slots_used(w->compile);
}

uint32_t
world_floor(const struct world *w, uint32_t service)
{
	return __atomic_load_n(&w->floor[service], __ATOMIC_ACQUIRE);
}

uint32_t
world_ceiling(const struct world *w, uint32_t service)
{
	return __atomic_load_n(&w->ceiling[service], __ATOMIC_ACQUIRE);
}

// ---- life ----

struct world *
world_new(const struct world_cfg *cfg)
{
	struct world *w = sl_xcalloc(1, sizeof(*w));

	w->cfg = *cfg;
	w->registry = sl_registry_new();
	w->mesh = sl_mesh_new(w->registry);
	w->floor = sl_xcalloc(cfg->services, sizeof(*w->floor));
	w->ceiling = sl_xcalloc(cfg->services, sizeof(*w->ceiling));
	w->changed = sl_xcalloc(cfg->services, sizeof(*w->changed));
	w->compile = sl_compile_new(&(struct sl_compile_cfg){.max_endpoints = cfg->slots,
		.max_adjs = 8,
		.registry = w->registry,
		.gone = cfg->gone,
		.gone_ctx = cfg->ctx});
	must(w->compile, "compile");
	for (uint32_t i = 0; i < cfg->services; i++)
		put(w, i, 0);
	must(world_apply(w, false), "the first snapshot");
	w->count = (struct world_count){0};
	return w;
}

void
world_free(struct world *w)
{
	sl_fwd_net_put(w->net);
	sl_compile_free(w->compile);
	sl_mesh_free(w->mesh);
	sl_registry_free(w->registry);
	free(w->floor);
	free(w->ceiling);
	free(w->changed);
	free(w);
}
