// What the parts of a ServiceEntry mean: transport, ports of endpoints, what can be reached.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

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
		if (*protocols[i].name == *protocol && strcmp(protocols[i].name, protocol) == 0)
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
	if (ep->address && !ep->ip.family && strncmp(ep->address, "unix://", 7) == 0)
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

	if (!value && !ep->n_labels)
		return "";
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
sl_se_endpoint_not_served(const struct sl_se_endpoint *ep)
{
	if (!ep->address)
		return "an endpoint that is reached through another network";
	switch (ep->ip.family) {
	case AF_INET:
		return unreachable4(ep->ip.v4);
	case AF_INET6:
		return "an IPv6 endpoint";
	default:
		return strncmp(ep->address, "unix://", 7) == 0 ? "an endpoint on a Unix socket"
							       : "an endpoint that is a name";
	}
}
