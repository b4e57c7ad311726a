// Control changes services and next hops all the time; workers match, pick, route and keep flows.
//
// What a worker reads carries its own proof: an endpoint's address tells its VIP, all endpoints of
// a set have the port of the generation that made it, and weights and MACs follow from both. So a
// torn set, a table freed too early, a slot given away while it counts a flow, or an adjacency
// index that became another's show as a wrong value, and under ThreadSanitizer as a race.
#include <pthread.h>
#include <sched.h>

#include "objects.h"
#include "sl_compile.h"
#include "sl_rcu.h"
#include "sl_set.h"
#include "sl_test.h"

#define WORKERS   3
#define VIPS      8
#define SLOTS     512
#define FLOWS     16 // a worker keeps
#define ROUNDS    20000
#define MAX_HOSTS 6 // endpoints of a service, neighbours of the port

struct flow {
	bool open;
	uint32_t vip;
	sl_be32 addr;
	uint32_t slot;
	uint32_t adj;
	uint32_t net_gen;
	sl_be32 hop;
};

struct worker {
	struct world *world;
	unsigned id;
	uint64_t rnd;
	uint64_t generation; // of the last snapshot
	uint64_t picks;
	struct flow flow[FLOWS];
	struct sl_fwd_load load[SLOTS] SL_CACHE_ALIGNED;
	// By slot, valid while load[slot].active > 0.
	struct {
		uint32_t vip;
		sl_be32 addr;
	} owner[SLOTS];
};

struct world {
	struct sl_rcu *rcu;
	struct worker worker[WORKERS];
	bool stop;   // w: main, r: workers
	bool failed; // w: workers, r: main
};

static sl_be32
vip_addr(uint32_t vip)
{
	return sl_cpu_to_be32(0xc0000200 + vip); // 192.0.2.vip
}

static sl_be32
ep_addr(uint32_t vip, uint32_t host)
{
	return sl_cpu_to_be32(0xc6120000 + vip * 256 + host); // 198.18.vip.host
}

static uint32_t
ep_weight(uint32_t host, uint32_t port)
{
	return 1 + (host + port) % 5;
}

static sl_be32
gateway(uint32_t host)
{
	return sl_cpu_to_be32(0xc6336400 + host); // 198.51.100.host
}

static struct sl_mac
gateway_mac(sl_be32 addr, uint8_t version)
{
	return (struct sl_mac){{2, version, version, version, addr >> 24, addr >> 24}};
}

// ---- workers ----

static int
check_set(uint32_t vip, const struct sl_fwd_eps *eps)
{
	const uint32_t n = sl_fwd_eps_count(eps);

	RTE_TEST_ASSERT(n <= MAX_HOSTS, "a set of %u", n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sl_fwd_ep *ep = sl_fwd_eps_at(eps, i);
		const uint32_t host = sl_be32_to_cpu(ep->addr) & 255;

		RTE_TEST_ASSERT(ep->addr == ep_addr(vip, host), "VIP %u has the endpoint %#x", vip,
			sl_be32_to_cpu(ep->addr));
		SL_TEST_INT(ep->port, sl_fwd_eps_at(eps, 0)->port);
		SL_TEST_INT(ep->weight, ep_weight(host, sl_be16_to_cpu(ep->port)));
		RTE_TEST_ASSERT(ep->slot < SLOTS, "slot %u", ep->slot);
	}
	return TEST_SUCCESS;
}

static void
close_flow(struct worker *w, struct flow *f)
{
	struct sl_fwd_load *load = &w->load[f->slot];

	if (f->open)
		__atomic_store_n(&load->active, load->active - 1, __ATOMIC_RELAXED);
	f->open = false;
}

static int
open_flow(struct worker *w, uint32_t vip, const struct sl_fwd_eps *eps)
{
	const struct sl_fwd_ep *ep = sl_set_pick(eps, w->load, sl_test_rand(&w->rnd));
	struct flow *f = &w->flow[sl_test_rand(&w->rnd) % FLOWS];
	struct sl_fwd_load *load;

	close_flow(w, f);
	if (!ep)
		return TEST_SUCCESS;
	load = &w->load[ep->slot];
	RTE_TEST_ASSERT(load->active == 0 || (w->owner[ep->slot].vip == vip &&
						     w->owner[ep->slot].addr == ep->addr),
		"slot %u of VIP %u counts flows of VIP %u", ep->slot, vip, w->owner[ep->slot].vip);
	w->owner[ep->slot].vip = vip;
	w->owner[ep->slot].addr = ep->addr;
	__atomic_store_n(&load->active, load->active + 1, __ATOMIC_RELAXED);
	*f = (struct flow){
		.open = true, .vip = vip, .addr = ep->addr, .slot = ep->slot, .adj = SL_ADJ_NONE};
	w->picks++;
	return TEST_SUCCESS;
}

// A cached index is good while the gen stays, else it is looked up again, as the pipe does.
static int
send_flow(struct flow *f, const struct sl_fwd_net *net)
{
	const struct sl_fwd_adj *adj;
	struct sl_fwd_hop hop;

	if (f->adj == SL_ADJ_NONE || f->net_gen != sl_fwd_net_gen(net)) {
		if (!sl_fwd_route_find(net, f->addr, &hop))
			return TEST_SUCCESS;
		f->adj = sl_fwd_adj_find(net, &hop);
		f->net_gen = sl_fwd_net_gen(net);
		f->hop = hop.addr;
	}
	if (f->adj == SL_ADJ_NONE)
		return TEST_SUCCESS;
	adj = sl_fwd_adj_at(net, f->adj);
	RTE_TEST_ASSERT_NOT_NULL(adj, "index %u is gone, the gen stayed", f->adj);
	RTE_TEST_ASSERT(adj->addr == f->hop, "index %u became another's", f->adj);
	const struct sl_mac mac = gateway_mac(adj->addr, adj->dst.b[1]);
	RTE_TEST_ASSERT(memcmp(&mac, &adj->dst, sizeof(mac)) == 0, "a torn adjacency");
	return TEST_SUCCESS;
}

static int
burst(struct worker *w)
{
	const struct sl_fwd *fwd = sl_rcu_read(w->world->rcu);
	const struct sl_fwd_eps *eps[8];
	uint32_t vip[8];

	RTE_TEST_ASSERT(fwd->generation >= w->generation, "back from %llu to %llu",
		(unsigned long long)w->generation, (unsigned long long)fwd->generation);
	w->generation = fwd->generation;
	for (unsigned i = 0; i < SL_ARRAY_LEN(eps); i++) {
		const struct sl_fwd_service *svc;

		vip[i] = 1 + sl_test_rand(&w->rnd) % VIPS;
		svc = sl_fwd_match_vip(fwd, 6, vip_addr(vip[i]), sl_cpu_to_be16(80), 0);
		eps[i] = svc ? sl_fwd_service_eps(svc) : NULL;
		RTE_TEST_ASSERT(!svc || svc->key.vip == vip_addr(vip[i]), "not its service");
		RTE_TEST_ASSERT(!svc || sl_fwd_addr_kinds(fwd->net, svc->key.vip) & SL_ADDR_VIP,
			"VIP %u is in the table and not ours", vip[i]);
	}
	// Control may do what it wants meanwhile: the sets stay, and so do their slots.
	if (sl_test_rand(&w->rnd) % 64 == 0)
		sched_yield();
	for (unsigned i = 0; i < SL_ARRAY_LEN(eps); i++)
		if (eps[i] && (check_set(vip[i], eps[i]) || open_flow(w, vip[i], eps[i])))
			return TEST_FAILED;
	for (unsigned i = 0; i < FLOWS; i++)
		if (w->flow[i].open && send_flow(&w->flow[i], fwd->net) != TEST_SUCCESS)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct world *world = w->world;

	sl_rcu_register(world->rcu, w->id);
	sl_rcu_online(world->rcu, w->id);
	for (unsigned n = 1; !__atomic_load_n(&world->stop, __ATOMIC_RELAXED); n++) {
		if (burst(w) != TEST_SUCCESS) {
			__atomic_store_n(&world->failed, true, __ATOMIC_RELAXED);
			break;
		}
		sl_rcu_quiescent(world->rcu, w->id);
		if (n % 16 != 0)
			continue;
		// As a worker that sleeps; on two cores it also lets the others run.
		sl_rcu_offline(world->rcu, w->id);
		sched_yield();
		sl_rcu_online(world->rcu, w->id);
	}
	sl_rcu_offline(world->rcu, w->id);
	sl_rcu_unregister(world->rcu, w->id);
	return NULL;
}

// ---- control ----

struct control {
	struct world *world;
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_compile *compile;
	struct sl_fwd_net *net; // our reference
	uint64_t generation;
	uint64_t rnd;
	uint8_t mac_version;
	unsigned swaps, tables, nets, reclaimed;
};

static void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	struct control *c = ctx;

	sl_rcu_retire(c->world->rcu, object, free_fn);
}

static void
change_service(struct control *c)
{
	const uint32_t vip = 1 + sl_test_rand(&c->rnd) % VIPS;
	const uint32_t port = 1 + c->generation % 60000;
	struct sl_buf endpoints = {0};
	char name[16], host[32], address[32];

	snprintf(name, sizeof(name), "s%u", vip);
	if (sl_test_rand(&c->rnd) % 16 == 0) {
		sl_registry_del(c->registry, SL_KIND_SERVICE_ENTRY, "ns", name, SL_ORIGIN_FILE);
		return;
	}
	snprintf(host, sizeof(host), "s%u.example", vip);
	snprintf(address, sizeof(address), "192.0.2.%u", vip);
	for (uint32_t h = 1; h <= MAX_HOSTS; h++)
		if (sl_test_rand(&c->rnd) % 2)
			sl_buf_printf(&endpoints, "198.18.%u.%u*%u@h=%u ", vip, h,
				ep_weight(h, port), port);
	sl_registry_put(c->registry, object_of(&(struct text_se){.name = name,
					     .hosts = host,
					     .addresses = address,
					     .ports = "h/80/TCP",
					     .endpoints = endpoints.len ? endpoints.data : ""}));
	sl_buf_fini(&endpoints);
}

// A random half of the neighbours, one of them the gateway of everything, now and then new MACs.
static struct sl_fwd_net *
compile_net(struct control *c)
{
	const struct sl_compile_port port = {.up = true};
	struct sl_fwd_route route = {.gateway = gateway(1 + sl_test_rand(&c->rnd) % MAX_HOSTS)};
	struct sl_compile_neigh neigh[MAX_HOSTS];
	uint32_t n = 0;

	c->mac_version += sl_test_rand(&c->rnd) % 4 == 0;
	for (uint32_t h = 1; h <= MAX_HOSTS; h++)
		if (sl_test_rand(&c->rnd) % 2)
			neigh[n++] = (struct sl_compile_neigh){.addr = gateway(h),
				.mac = gateway_mac(gateway(h), c->mac_version),
				.state = SL_ADJ_OK};
	return sl_compile_net(c->compile, &(struct sl_compile_net){.port = &port,
						  .n_ports = 1,
						  .route = &route,
						  .n_routes = 1,
						  .neigh = neigh,
						  .n_neighs = n});
}

static bool
in_use(void *ctx, uint32_t slot)
{
	struct control *c = ctx;

	for (unsigned i = 0; i < WORKERS; i++)
		if (__atomic_load_n(&c->world->worker[i].load[slot].active, __ATOMIC_RELAXED))
			return true;
	c->reclaimed++;
	return false;
}

static void
publish(struct control *c)
{
	const struct sl_fwd_params params = {.reply_rate = 1};

	sl_rcu_publish(c->world->rcu,
		sl_fwd_new(&(struct sl_fwd){.generation = ++c->generation,
			.services = sl_fwd_services_get(sl_compile_current(c->compile)),
			.net = sl_fwd_net_get(c->net),
			.params = params}),
		sl_fwd_free);
}

static int
control_round(struct control *c, bool net_changes)
{
	struct sl_compile_result result;
	struct sl_fwd_net *net = NULL;

	change_service(c);
	SL_TEST_INT(sl_compile_services(c->compile, c->mesh, 0, retire, c, &result), 0);
	if (net_changes || result.table_changed)
		net = compile_net(c);
	if (net) {
		sl_fwd_net_put(c->net);
		c->net = net;
	}
	c->generation++; // the port of the next sets
	c->swaps += result.table_changed ? 0 : result.swapped;
	c->tables += result.table_changed;
	c->nets += net != NULL;
	if (net || result.table_changed)
		publish(c);
	sl_compile_reclaim_slots(c->compile, in_use, c, 16);
	return TEST_SUCCESS;
}

static int
run_control(struct control *c)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (__atomic_load_n(&c->world->failed, __ATOMIC_RELAXED))
			return TEST_FAILED;
		if (control_round(c, sl_test_rand(&c->rnd) % 3 == 0) != TEST_SUCCESS)
			return TEST_FAILED;
		while (sl_rcu_reclaim(c->world->rcu) > 8 &&
			!__atomic_load_n(&c->world->failed, __ATOMIC_RELAXED))
			sched_yield();
	}
	return TEST_SUCCESS;
}

static int
snapshots_and_sets_are_swapped_under_workers(void)
{
	static struct world world;
	struct control c = {.world = &world, .registry = sl_registry_new(), .rnd = sl_test_seed()};
	pthread_t thread[WORKERS];
	uint64_t picks = 0;
	int rc;

	c.mesh = sl_mesh_new(c.registry);
	c.compile = sl_compile_new(&(struct sl_compile_cfg){
		.max_endpoints = SLOTS, .max_adjs = MAX_HOSTS, .registry = c.registry});
	world.rcu = sl_rcu_new(WORKERS);
	c.net = compile_net(&c);
	publish(&c);
	for (unsigned i = 0; i < WORKERS; i++) {
		world.worker[i] = (struct worker){.world = &world, .id = i, .rnd = (c.rnd + i) | 1};
		RTE_TEST_ASSERT_SUCCESS(
			pthread_create(&thread[i], NULL, worker_main, &world.worker[i]), "thread");
	}
	rc = run_control(&c);
	__atomic_store_n(&world.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(thread[i], NULL);
		picks += world.worker[i].picks;
		for (unsigned f = 0; f < FLOWS; f++)
			close_flow(&world.worker[i], &world.worker[i].flow[f]);
	}
	printf("# %u sets swapped in place, %u tables, %u nets, %u slots reclaimed, %llu picks\n",
		c.swaps, c.tables, c.nets, c.reclaimed, (unsigned long long)picks);
	RTE_TEST_ASSERT(rc == TEST_SUCCESS && !world.failed, "a worker or control failed");
	RTE_TEST_ASSERT(c.swaps > ROUNDS / 2 && c.tables > ROUNDS / 100 && c.reclaimed > ROUNDS &&
				picks > ROUNDS,
		"too little happened to prove anything");
	sl_fwd_net_put(c.net);
	sl_compile_free(c.compile);
	sl_rcu_free(world.rcu);
	sl_mesh_free(c.mesh);
	sl_registry_free(c.registry);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"snapshots and sets are swapped under workers",
		snapshots_and_sets_are_swapped_under_workers},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
