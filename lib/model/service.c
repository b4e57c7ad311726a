// What a ServiceEntry means: what of it is carried, ports of endpoints, the row of `services`.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "sl_emit.h"
#include "sl_model.h"

enum family {
	FAMILY_HTTP = 1,
	FAMILY_TLS = 2,
	FAMILY_TCP = 4,
	FAMILY_UDP = 8,
};

static const struct {
	const char *name;
	unsigned families;
} protocols[] = {
	{"TCP", FAMILY_TCP},
	{"HTTP", FAMILY_HTTP},
	{"HTTPS", FAMILY_TLS | FAMILY_TCP},
	{"TLS", FAMILY_TLS | FAMILY_TCP},
	{"HTTP2", FAMILY_HTTP},
	{"GRPC", FAMILY_HTTP},
	{"GRPC-WEB", FAMILY_HTTP},
	{"HTTP_PROXY", FAMILY_HTTP},
	{"MONGO", FAMILY_TCP},
	{"REDIS", FAMILY_TCP},
	{"MYSQL", FAMILY_TCP},
	{"UDP", FAMILY_UDP},
};

static unsigned
families(const char *protocol)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(protocols); i++) {
		if (strcmp(protocols[i].name, protocol) == 0)
			return protocols[i].families;
	}
	return 0;
}

bool
sl_protocol_is_http(const char *protocol)
{
	return families(protocol) & FAMILY_HTTP;
}

bool
sl_protocol_is_tls(const char *protocol)
{
	return families(protocol) & FAMILY_TLS;
}

bool
sl_protocol_is_tcp(const char *protocol)
{
	return families(protocol) & FAMILY_TCP;
}

uint8_t
sl_se_port_transport(const struct sl_se_port *port)
{
	if (!*port->protocol)
		return IPPROTO_TCP;
	const unsigned f = families(port->protocol);

	if (f & FAMILY_UDP)
		return IPPROTO_UDP;
	return f ? IPPROTO_TCP : 0;
}

uint32_t
sl_se_endpoint_port(const struct sl_se_endpoint *ep, const struct sl_se_port *port)
{
	if (ep->address && strncmp(ep->address, "unix://", 7) == 0)
		return 0;
	for (uint32_t i = 0; i < ep->n_ports; i++) {
		if (ep->ports[i].number && strcmp(ep->ports[i].name, port->name) == 0)
			return ep->ports[i].number;
	}
	return port->target_port ? port->target_port : port->number;
}

uint32_t
sl_se_endpoint_weight(const struct sl_se_endpoint *ep)
{
	return ep->weight ? ep->weight : 1;
}

const char *
sl_se_endpoint_locality(const struct sl_se_endpoint *ep, char *buf, size_t size)
{
	static const char *const keys[] = {"topology.istio.io/locality", "istio-locality"};
	const char *value = ep->locality && *ep->locality ? ep->locality : NULL;
	const bool label = !value;

	for (size_t k = 0; !value && k < SL_ARRAY_LEN(keys); k++) {
		for (uint32_t i = 0; i < ep->n_labels; i++) {
			if (strcmp(ep->labels[i].key, keys[k]) == 0 && *ep->labels[i].value)
				value = ep->labels[i].value;
		}
	}
	snprintf(buf, size, "%s", value ? value : "");
	if (label && !strchr(buf, '/')) {
		for (char *c = buf; (c = strchr(c, '.')) != NULL;)
			*c = '/';
	}
	return buf;
}

// ---- what is carried ----

// Why no packet can be sent to, or come for, this IPv4 address; NULL when it can.
static const char *
unreachable4(sl_be32 ip)
{
	const uint32_t a = sl_be32_to_cpu(ip);

	if (a >> 24 == 0)
		return "an address in 0.0.0.0/8 names no host";
	if (a >> 24 == 127)
		return "a loopback address is not reached through a gateway";
	if (a >> 28 == 14)
		return "a multicast address";
	if (a == UINT32_MAX)
		return "the broadcast address";
	return NULL;
}

const char *
sl_se_address_not_served(const struct sl_se_address *addr)
{
	if (addr->prefix.addr.family == AF_INET6)
		return "an IPv6 address";
	if (!sl_prefix_is_host(&addr->prefix))
		return "a CIDR address";
	return unreachable4(addr->prefix.addr.v4);
}

const char *
sl_se_port_not_served(const struct sl_se_port *port)
{
	return sl_se_port_transport(port) ? NULL : "a protocol that is neither TCP nor UDP";
}

const char *
sl_se_endpoint_not_served(const struct sl_se_endpoint *ep)
{
	if (!ep->address)
		return "an endpoint that is reached through another network";
	if (strncmp(ep->address, "unix://", 7) == 0)
		return "an endpoint on a Unix socket";
	switch (ep->ip.family) {
	case AF_INET:
		return unreachable4(ep->ip.v4);
	case AF_INET6:
		return "an IPv6 endpoint";
	default:
		return "an endpoint that is a name";
	}
}

static bool
exported_to_nobody(const struct sl_service_entry *se)
{
	for (uint32_t i = 0; i < se->n_export_to; i++) {
		if (strcmp(se->export_to[i], "~") == 0)
			return true;
	}
	return false;
}

// NULL when one of n things is served, else why the first one is not.
#define NONE_SERVED(n, v, not_served)                                                              \
	({                                                                                         \
		const char *why_ = NULL;                                                           \
		for (uint32_t i_ = 0; i_ < (n); i_++) {                                            \
			const char *one_ = not_served(&(v)[i_]);                                   \
			if (!one_) {                                                               \
				why_ = NULL;                                                       \
				break;                                                             \
			}                                                                          \
			if (!why_)                                                                 \
				why_ = one_;                                                       \
		}                                                                                  \
		why_;                                                                              \
	})

const char *
sl_se_not_served(const struct sl_service_entry *se)
{
	static const char *const by_resolution[] = {
		[SL_RESOLUTION_NONE] = "resolution NONE",
		[SL_RESOLUTION_STATIC] = NULL,
		[SL_RESOLUTION_DNS] = "resolution DNS",
		[SL_RESOLUTION_DNS_ROUND_ROBIN] = "resolution DNS_ROUND_ROBIN",
		[SL_RESOLUTION_DYNAMIC_DNS] = "resolution DYNAMIC_DNS",
	};

	if (by_resolution[se->resolution])
		return by_resolution[se->resolution];
	if (exported_to_nobody(se))
		return "it is exported to nobody";
	if (se->has_selector)
		return "endpoints by workloadSelector";
	if (!se->n_ports)
		return "no ports";
	if (!se->n_addresses)
		return "no addresses";
	const char *why = NONE_SERVED(se->n_addresses, se->addresses, sl_se_address_not_served);

	if (!why)
		why = NONE_SERVED(se->n_ports, se->ports, sl_se_port_not_served);
	// A service without any endpoint is served (it refuses); one whose endpoints are all out of
	// reach would refuse for a reason that is ours.
	if (!why)
		why = NONE_SERVED(se->n_endpoints, se->endpoints, sl_se_endpoint_not_served);
	return why;
}

// ---- the row of `services` ----

static void
emit_vips(const struct sl_service_entry *se, struct sl_emit *e)
{
	char text[SL_PREFIX_STRLEN];

	sl_emit_arr(e, "vips");
	for (uint32_t i = 0; i < se->n_addresses; i++) {
		const struct sl_prefix *p = &se->addresses[i].prefix;

		sl_emit_str(e, NULL,
			sl_prefix_is_host(p) ? sl_ip_str(&p->addr, text) : sl_prefix_str(p, text));
	}
	sl_emit_end(e);
}

static void
emit_ports(const struct sl_service_entry *se, struct sl_emit *e)
{
	sl_emit_arr(e, "ports");
	for (uint32_t i = 0; i < se->n_ports; i++) {
		const struct sl_se_port *p = &se->ports[i];

		sl_emit_obj(e, NULL);
		sl_emit_u64(e, "number", p->number);
		sl_emit_str(e, "name", p->name);
		sl_emit_str(e, "protocol", p->protocol);
		sl_emit_u64(e, "targetPort", p->target_port ? p->target_port : p->number);
		sl_emit_end(e);
	}
	sl_emit_end(e);
}

static void
emit_endpoint(const struct sl_service *svc, const struct sl_se_port *port,
	const struct sl_se_endpoint *ep, sl_endpoint_state_fn *state, void *ctx, struct sl_emit *e)
{
	const uint32_t number = sl_se_endpoint_port(ep, port);
	const bool served = svc->served && !sl_se_endpoint_not_served(ep);
	char locality[2049], title[600];
	const char *text = "unknown";

	if (!served)
		text = "notServed";
	else if (state)
		text = state(ctx, svc, port, ep, number);

	sl_emit_obj(e, NULL);
	sl_emit_str(e, "address", ep->address ? ep->address : "");
	sl_emit_u64(e, "port", number);
	sl_emit_str(e, "portName", port->name);
	sl_emit_u64(e, "weight", sl_se_endpoint_weight(ep));
	sl_emit_str(e, "locality", sl_se_endpoint_locality(ep, locality, sizeof(locality)));
	sl_emit_str(e, "network", ep->network ? ep->network : "");
	sl_emit_str(e, "state", text);
	sl_emit_str(e, "source", sl_object_title(svc->obj, title, sizeof(title)));
	sl_emit_end(e);
}

void
sl_service_emit(
	const struct sl_service *svc, sl_endpoint_state_fn *state, void *ctx, struct sl_emit *e)
{
	const struct sl_service_entry *se = &svc->obj->se;

	sl_emit_obj(e, NULL);
	sl_emit_str(e, "name", svc->obj->meta.name);
	sl_emit_str(e, "namespace", svc->obj->meta.namespace_);
	sl_emit_str(e, "host", svc->host);
	emit_vips(se, e);
	sl_emit_bool(e, "autoVip", false);
	emit_ports(se, e);
	sl_emit_str(e, "resolution", sl_resolution_name(se->resolution));
	sl_emit_str(e, "location", sl_location_name(se->location));
	sl_emit_str(e, "tier", svc->served ? "L4" : "none");
	sl_emit_arr(e, "endpoints");
	for (uint32_t i = 0; i < se->n_ports; i++) {
		for (uint32_t k = 0; k < se->n_endpoints; k++)
			emit_endpoint(svc, &se->ports[i], &se->endpoints[k], state, ctx, e);
	}
	sl_emit_end(e);
	sl_emit_bool(e, "served", svc->served);
	sl_emit_str(e, "reason", svc->not_served ? svc->not_served : "");
	sl_emit_end(e);
}
