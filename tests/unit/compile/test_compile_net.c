// Next hops: which changes make a new part, which move the generation, where indexes stay.
#include <errno.h>

#include "objects.h"
#include "sl_compile.h"
#include "sl_test.h"

#define HOST(n)  sl_cpu_to_be32(0xc0000200 + (n)) // 192.0.2.n
#define MAC(n)   ((struct sl_mac){{2, 0, 0, 0, 0, (n)}})
#define MAX_ADJS 4

struct input {
	struct sl_compile_port port[2];
	struct sl_fwd_route route[4];
	uint32_t n_routes;
	struct sl_compile_neigh neigh[6];
	uint32_t n_neighs;
	struct sl_fwd_addr addr[4];
	uint32_t n_addrs;
};

static struct sl_fwd_net *
make(struct sl_compile *c, const struct input *in)
{
	return sl_compile_net(c, &(struct sl_compile_net){.port = in->port,
					 .n_ports = SL_ARRAY_LEN(in->port),
					 .route = in->route,
					 .n_routes = in->n_routes,
					 .neigh = in->neigh,
					 .n_neighs = in->n_neighs,
					 .addr = in->addr,
					 .n_addrs = in->n_addrs});
}

static const struct input base = {
	.port = {{.mac = {{2, 0, 0, 0, 1, 0}}, .up = true},
		{.mac = {{2, 0, 0, 0, 1, 1}}, .up = true}},
	.route = {{.dst = 0x000200c0, .len = 24, .port = 0},
		{.dst = 0, .len = 0, .port = 0, .gateway = 0x010200c0}},
	.n_routes = 2,
	.neigh = {{.port = 0, .addr = 0x010200c0, .mac = {{2, 0, 0, 0, 0, 1}}, .state = SL_ADJ_OK},
		{.port = 1, .addr = 0x020200c0, .mac = {{2, 0, 0, 0, 0, 2}}, .state = SL_ADJ_OK}},
	.n_neighs = 2,
	.addr = {{.addr = 0x090200c0, .kinds = SL_ADDR_LOCAL}},
	.n_addrs = 1,
};

static void
nothing(struct input *in)
{
}

static void
other_order(struct input *in)
{
	in->route[0] = base.route[1];
	in->route[1] = base.route[0];
	in->neigh[0] = base.neigh[1];
	in->neigh[1] = base.neigh[0];
}

static void
listed_twice(struct input *in)
{
	in->route[in->n_routes++] = base.route[0];
	in->addr[in->n_addrs++] = base.addr[0];
	in->neigh[in->n_neighs] = base.neigh[0];
	in->neigh[in->n_neighs++].mac = MAC(77); // the first counts
}

static void
new_mac(struct input *in)
{
	in->neigh[1].mac = MAC(9);
}

static void
new_state(struct input *in)
{
	in->neigh[1].state = SL_ADJ_FAILED;
}

static void
port_mac(struct input *in)
{
	in->port[1].mac = MAC(8);
}

static void
port_down(struct input *in)
{
	in->port[1].up = false;
}

static void
more_neighbours(struct input *in)
{
	in->neigh[in->n_neighs++] =
		(struct sl_compile_neigh){.port = 1, .addr = HOST(3), .state = SL_ADJ_UNRESOLVED};
}

static void
neighbour_gone(struct input *in)
{
	in->n_neighs = 1;
}

static void
neighbour_replaced(struct input *in)
{
	in->neigh[0].addr = HOST(5);
}

static void
neighbour_on_other_port(struct input *in)
{
	in->neigh[1].port = 0;
}

static void
new_address(struct input *in)
{
	in->addr[in->n_addrs++] = (struct sl_fwd_addr){.addr = HOST(20), .kinds = SL_ADDR_POOL};
}

static void
other_kind(struct input *in)
{
	in->addr[0].kinds |= SL_ADDR_POOL;
}

static void
address_gone(struct input *in)
{
	in->n_addrs = 0;
}

static void
route_gone(struct input *in)
{
	in->n_routes = 1;
}

static void
new_gateway(struct input *in)
{
	in->route[1].gateway = HOST(2);
}

static void
new_metric(struct input *in)
{
	in->route[1].metric = 10;
}

static void
now_unreachable(struct input *in)
{
	in->route[1].unreachable = 1;
}

static void
new_route(struct input *in)
{
	in->route[in->n_routes++] =
		(struct sl_fwd_route){.dst = HOST(128), .len = 25, .port = 1, .metric = 5};
}

static int
changes(void)
{
	const struct {
		const char *name;
		void (*change)(struct input *in);
		bool part; // a new one
		bool gen;  // moves
	} row[] = {
		{"nothing", nothing, false, false},
		{"another order", other_order, false, false},
		{"listed twice", listed_twice, false, false},
		{"a MAC", new_mac, true, false},
		{"a state", new_state, true, false},
		{"a port's MAC", port_mac, true, false},
		{"a port goes down", port_down, true, false},
		{"one more neighbour", more_neighbours, true, false},
		{"a neighbour goes", neighbour_gone, true, true},
		{"a neighbour in another's place", neighbour_replaced, true, true},
		{"a neighbour moves to another port", neighbour_on_other_port, true, true},
		{"one more address", new_address, true, false},
		{"an address of another kind", other_kind, true, false},
		{"an address goes", address_gone, true, false},
		{"a route goes", route_gone, true, true},
		{"another gateway", new_gateway, true, true},
		{"another metric", new_metric, true, true},
		{"a route becomes unreachable", now_unreachable, true, true},
		{"one more route", new_route, true, true},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_compile *c = sl_compile_new(
			&(struct sl_compile_cfg){.max_endpoints = 4, .max_adjs = MAX_ADJS});
		struct input in = base;
		struct sl_fwd_net *first = make(c, &in), *second, *back;

		RTE_TEST_ASSERT_NOT_NULL(first, "no part");
		row[i].change(&in);
		errno = ENOENT;
		second = make(c, &in);
		RTE_TEST_ASSERT((second != NULL) == row[i].part && errno == (second ? errno : 0),
			"%s: part %p, errno %d", row[i].name, (void *)second, errno);
		if (second) {
			RTE_TEST_ASSERT(
				(sl_fwd_net_gen(second) != sl_fwd_net_gen(first)) == row[i].gen,
				"%s: gen %u after %u", row[i].name, sl_fwd_net_gen(second),
				sl_fwd_net_gen(first));
			back = make(c, &base);
			RTE_TEST_ASSERT_NOT_NULL(back, "%s: no way back", row[i].name);
			sl_fwd_net_put(back);
		}
		sl_fwd_net_put(first);
		sl_fwd_net_put(second);
		sl_compile_free(c);
	}
	return TEST_SUCCESS;
}

static uint32_t
index_of(struct sl_fwd_net *n, uint16_t port, unsigned host)
{
	return sl_fwd_adj_find(n, &(struct sl_fwd_hop){.port = port, .addr = HOST(host)});
}

static void
neighbours(struct input *in, const char *hosts) // one letter each: a is 192.0.2.1
{
	in->n_neighs = 0;
	for (; *hosts; hosts++)
		in->neigh[in->n_neighs++] = (struct sl_compile_neigh){
			.port = 0, .addr = HOST(*hosts - 'a' + 1), .state = SL_ADJ_OK};
}

static int
indexes_are_stable(void)
{
	const struct {
		const char *neighbours;
		const char *places; // by index, '-' is free; NULL: ENOSPC
	} row[] = {
		{"abc", "abc"},
		{"cba", "abc"},
		{"ca", "a-c"},
		{"cda", "adc"},
		{"cdaee", "adce"},
		{"cdaef", NULL}, // one too many: nothing changes
		{"cdae", "adce"},
		{"fgh", "fgh"},
		{"h", "--h"},
		{"", ""},
		{"ab", "ab"},
	};
	struct sl_compile *c =
		sl_compile_new(&(struct sl_compile_cfg){.max_endpoints = 4, .max_adjs = MAX_ADJS});
	struct sl_fwd_net *n = NULL;
	struct input in = base;

	for (size_t i = 0; i < SL_ARRAY_LEN(row); i++) {
		struct sl_fwd_net *next;

		neighbours(&in, row[i].neighbours);
		next = make(c, &in);
		if (!row[i].places) {
			RTE_TEST_ASSERT(!next && errno == ENOSPC, "row %zu: errno %d", i, errno);
			continue;
		}
		RTE_TEST_ASSERT(next || errno == 0, "row %zu: errno %d", i, errno);
		if (next) {
			sl_fwd_net_put(n);
			n = next;
		}
		for (uint32_t at = 0; at < MAX_ADJS; at++) {
			const char want = at < strlen(row[i].places) ? row[i].places[at] : '-';
			const struct sl_fwd_adj *adj = sl_fwd_adj_at(n, at);
			const char got = adj ? 'a' + (sl_be32_to_cpu(adj->addr) & 255) - 1 : '-';

			RTE_TEST_ASSERT(got == want, "row %zu: index %u is %c, expected %c", i, at,
				got, want);
			if (adj)
				SL_TEST_INT(index_of(n, 0, got - 'a' + 1), at);
		}
	}
	sl_fwd_net_put(n);
	sl_compile_free(c);
	return TEST_SUCCESS;
}

static int
adjacencies_carry_the_ports(void)
{
	struct sl_compile *c =
		sl_compile_new(&(struct sl_compile_cfg){.max_endpoints = 4, .max_adjs = MAX_ADJS});
	struct input in = base;
	struct sl_fwd_net *n;
	const struct sl_fwd_adj *adj;

	in.port[0].up = false;
	n = make(c, &in);
	adj = sl_fwd_adj_at(n, index_of(n, 1, 2));
	SL_TEST_INT(adj->state, SL_ADJ_OK);
	RTE_TEST_ASSERT(memcmp(&adj->src, &base.port[1].mac, 6) == 0, "source MAC");
	RTE_TEST_ASSERT(memcmp(&adj->dst, &base.neigh[1].mac, 6) == 0, "destination MAC");
	adj = sl_fwd_adj_at(n, index_of(n, 0, 1));
	SL_TEST_INT(adj->state, SL_ADJ_PORT_DOWN);
	SL_TEST_INT(index_of(n, 1, 1), SL_ADJ_NONE);
	sl_fwd_net_put(n);

	in = base;
	in.neigh[0].port = 2;
	RTE_TEST_ASSERT(!make(c, &in) && errno == EINVAL, "a neighbour on an unknown port");
	in = base;
	in.route[0].port = 2;
	RTE_TEST_ASSERT(!make(c, &in) && errno == EINVAL, "a route to an unknown port");
	in.route[0].unreachable = 1; // leads nowhere anyway
	n = make(c, &in);
	RTE_TEST_ASSERT_NOT_NULL(n, "no part");
	sl_fwd_net_put(n);
	sl_compile_free(c);
	return TEST_SUCCESS;
}

static void
no_retire(void *ctx, void *object, void (*free_fn)(void *))
{
	free_fn(object); // no worker reads it
}

static int
vips_are_ours(void)
{
	const struct text_se a = {
		"a", NULL, "a.example", "192.0.2.30 192.0.2.9", "h/80/TCP s/81/TCP", ""};
	const struct text_se b = {"b", NULL, "b.example", "192.0.2.30 192.0.2.31", "h/80/TCP", ""};
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_compile *c = sl_compile_new(
		&(struct sl_compile_cfg){.max_endpoints = 4, .max_adjs = MAX_ADJS, .registry = r});
	struct sl_compile_result result;
	struct sl_fwd_net *n;

	n = make(c, &base);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(30)), 0);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(9)), SL_ADDR_LOCAL);
	sl_fwd_net_put(n);

	sl_registry_put(r, object_of(&a));
	sl_registry_put(r, object_of(&b));
	SL_TEST_INT(sl_compile_services(c, m, 0, no_retire, NULL, &result), 0);
	n = make(c, &base);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(30)), SL_ADDR_VIP);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(31)), SL_ADDR_VIP);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(9)), SL_ADDR_LOCAL | SL_ADDR_VIP);
	SL_TEST_INT(sl_fwd_net_gen(n), 1); // as before: no index was given up
	sl_fwd_net_put(n);
	RTE_TEST_ASSERT(!make(c, &base) && errno == 0, "a new part for nothing");

	sl_registry_del(r, SL_KIND_SERVICE_ENTRY, "ns", "a", SL_ORIGIN_FILE);
	SL_TEST_INT(sl_compile_services(c, m, 0, no_retire, NULL, &result), 0);
	n = make(c, &base);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(30)), SL_ADDR_VIP);
	SL_TEST_INT(sl_fwd_addr_kinds(n, HOST(9)), SL_ADDR_LOCAL);
	sl_fwd_net_put(n);
	sl_compile_free(c);
	sl_mesh_free(m);
	sl_registry_free(r);
	return TEST_SUCCESS;
}

static int
the_empty_part_comes_once(void)
{
	const struct sl_compile_net empty = {.n_ports = 0};
	struct sl_compile *c = sl_compile_new(&(struct sl_compile_cfg){.max_adjs = MAX_ADJS});
	struct sl_fwd_net *n = sl_compile_net(c, &empty);

	RTE_TEST_ASSERT_NOT_NULL(n, "a first snapshot needs a part");
	RTE_TEST_ASSERT(!sl_compile_net(c, &empty) && errno == 0, "once more");
	sl_fwd_net_put(n);
	sl_compile_free(c);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"changes", changes},
	{"indexes are stable", indexes_are_stable},
	{"adjacencies carry the ports", adjacencies_carry_the_ports},
	{"VIPs are ours", vips_are_ours},
	{"the empty part comes once", the_empty_part_comes_once},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
