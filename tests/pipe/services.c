// The services of the box, and who sees them: a table.

#include "fixture.h"

#include <stdlib.h>

#define GROUP_1 (UINT64_C(1) << 1)
#define GROUP_2 (UINT64_C(1) << 2)

// An endpoint's slot is its number in the table, plus one for the second endpoint of a row.
static const struct service {
	uint32_t vip;
	uint8_t wide; // vip is an address of a CIDR of this length; VIPs: 0
	bool any;     // any address
	uint16_t port;
	uint8_t proto;    // 0: TCP and UDP
	uint64_t clients; // 0: all
	uint32_t ep, ep2; // 0: none
	uint16_t ep_port, ep2_port;
	bool original;
	uint32_t max_flows;
	bool named;
} services[] = {
	{VIP, .port = 80, .proto = P_TCP, .ep = EP1, .ep_port = 8080},
	{VIP2, .port = 80, .proto = P_TCP, .ep = EP1, .ep_port = 8081, .ep2 = EP2,
		.ep2_port = 8082},
	{VIP, .port = 53, .proto = P_UDP, .ep = EP_UDP, .ep_port = 5353},
	{POOL_VIP, .port = 80, .proto = P_TCP, .ep = EP1, .ep_port = 8080},
	{LOCAL, .port = 8443, .proto = P_TCP, .ep = EP1, .ep_port = 8443},
	{VIP, .port = 81},
	{VIP, .port = 82, .ep = EP_FAR, .ep_port = 7000},
	{VIP, .port = 83, .ep = EP_FAILED, .ep_port = 7000},
	{VIP, .port = 84, .ep = EP_NEW, .ep_port = 7000},
	{VIP, .port = 85, .ep = EP_LOST, .ep_port = 7000},

	{VIP, .port = PORT_GROUPS, .clients = GROUP_1, .ep = EP1, .ep_port = 9001},
	{VIP, .port = PORT_GROUPS, .clients = GROUP_2, .ep = EP2, .ep_port = 9002},
	{.any = true, .port = PORT_GROUPS, .ep = EP_UDP, .ep_port = 9003},
	{.any = true, .port = PORT_ANY, .ep = EP1, .ep_port = 9101},
	{IP4(198, 19, 0, 0), .wide = 16, .port = PORT_NESTED, .ep = EP1, .ep_port = 9201},
	{IP4(198, 19, 200, 0), .wide = 24, .port = PORT_NESTED, .ep = EP2, .ep_port = 9202},
	{IP4(198, 19, 200, 0), .wide = 28, .port = PORT_NESTED, .clients = GROUP_1, .ep = EP_UDP,
		.ep_port = 9203},
	{.any = true, .port = PORT_NESTED, .ep = EP_UDP, .ep_port = 9204},
	{IP4(198, 51, 100, 0), .wide = 24, .port = PORT_ON_LINK, .ep = EP1, .ep_port = 9301},
	{.any = true, .port = PORT_ON_LINK, .ep = EP2, .ep_port = 9302},
	{.any = true, .port = PORT_ORIGINAL, .original = true},
	{.any = true, .port = PORT_REWRITTEN, .original = true, .ep_port = PORT_TARGET},
	{VIP, .port = PORT_LIMITED, .ep = EP1, .ep_port = 9601, .max_flows = MAX_FLOWS},
	{VIP2, .port = PORT_LAST, .proto = P_TCP, .ep = EP1, .ep_port = 9701, .ep2 = EP2,
		.ep2_port = 9702, .max_flows = 1},
	{VIP, .port = PORT_NAME, .ep = EP1, .ep_port = 9801, .named = true},
	{VIP2, .port = PORT_NAME, .ep = EP1, .ep_port = 9802, .ep2 = EP2, .ep2_port = 9803,
		.named = true},
	{LOCAL, .port = PORT_NAME, .ep = EP1, .ep_port = 9801, .named = true},
	{POOL_VIP, .port = PORT_NAME, .ep = EP1, .ep_port = 9801, .named = true},
	{VIP_E, .port = 80, .ep = EP1, .ep_port = 8088},
	{VIP_E, .port = 81},
	{VIP_E, .port = PORT_ORIGINAL, .original = true},
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "services: %s\n", what);
	abort();
}

static struct sl_fwd_eps *
endpoints(const struct service *s, uint32_t row, enum name name)
{
	const bool none = s->named && (name == NAME_PENDING || name == NAME_EMPTY);
	const uint32_t first = s->named && name == NAME_FAR ? EP_FAR : s->ep;
	const struct sl_fwd_ep ep[2] = {
		{.addr = htonl(first), .port = htons(s->ep_port), .weight = 1, .slot = row},
		{.addr = htonl(s->ep2), .port = htons(s->ep2_port), .weight = 1, .slot = row + 1},
	};
	const struct sl_fwd_eps_spec spec = {
		.ep = ep,
		.n = none ? 0 : (s->ep || s->original) + (s->ep2 != 0),
		.pending = s->named && name == NAME_PENDING,
		.algo = s->original ? SL_FWD_ORIGINAL_DST : SL_FWD_LEAST_REQUEST,
		.cluster_slot = s->max_flows ? SLOT_CLUSTER + s->max_flows : SL_FWD_SLOT_NONE,
		.max_flows = s->max_flows,
	};
	struct sl_fwd_eps *eps = sl_fwd_eps_new(&spec);

	must(eps, "endpoints");
	return eps;
}

static void
add(struct sl_fwd_services *t, const struct service *s, uint32_t slot, uint8_t proto,
	enum name name)
{
	static uint32_t id;
	const struct sl_fwd_key key = {
		.vip = htonl(s->vip),
		.port = htons(s->port),
		.proto = proto,
		.len = s->any    ? 0
		       : s->wide ? s->wide
				 : 32,
	};
	const uint64_t clients = s->clients ? s->clients : SL_FWD_CLIENTS_ALL;

	must(sl_fwd_services_add(t, &key, clients, id++, endpoints(s, slot, name)) == 0, "add");
}

struct sl_fwd_services *
fixture_services(enum name name)
{
	struct sl_fwd_services *t = sl_fwd_services_new(2 * SL_ARRAY_LEN(services));
	uint32_t slot = 0;

	must(t, "table");
	for (size_t i = 0; i < SL_ARRAY_LEN(services); i++) {
		const struct service *s = &services[i];

		const bool gone = s->named && name == NAME_GONE;

		if (s->proto != P_UDP && !gone)
			add(t, s, slot, P_TCP, name);
		if (s->proto != P_TCP && !gone)
			add(t, s, slot, P_UDP, name);
		slot += s->ep2 ? 2 : 1;
	}
	must(slot <= SLOT_CLUSTER, "slots");
	return t;
}

struct sl_fwd_clients *
fixture_clients(void)
{
	const struct sl_fwd_client v[] = {
		{.dst = htonl(IP4(198, 18, 1, 0)), .len = 24, .group = 1},
		{.dst = htonl(IP4(198, 18, 2, 0)), .len = 24, .group = 2},
	};
	struct sl_fwd_clients *c = sl_fwd_clients_new(v, SL_ARRAY_LEN(v));

	must(c, "clients");
	return c;
}

struct sl_fwd_eps *
fixture_original_dst(void)
{
	static const struct service s = {.original = true};

	return endpoints(&s, SLOT_CLUSTER - 1, NAME_ANSWERED);
}
