// What a ServiceEntry must be, by rule (istio-semantics 2.2, 2.3, 2.5). Values that could not be
// read are zero or NULL here and have been reported: rules step over them.
#include "se_check.h"

#include <stdio.h>
#include <string.h>

#include "names.h"

// ---- hosts, addresses ----

static void
check_hosts(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;

	for (uint32_t i = 0; i < se->n_hosts; i++) {
		const char *host = se->hosts[i];
		const char *expected;

		if (!host)
			continue;
		P(c, "spec.hosts[%u]", i);
		expected = check_wildcard_host(host);
		if (strcmp(host, "*") == 0)
			se_say(c, SL_ERROR, "S5+C2", c->path,
				"\"*\" is not a host: write a domain, as in "
				"\"*.example.com\"");
		else if (expected)
			se_say(c, SL_ERROR, "S6", c->path, "\"%.80s\" is not %s", host, expected);
		else if (is_partial_wildcard(host) && se->resolution != SL_RESOLUTION_DYNAMIC_DNS)
			se_say(c, SL_WARNING, "S7", c->path,
				"a partial wildcard matches no TLS name, as \"*.\" and a domain "
				"does");
		for (uint32_t k = 0; k < i; k++)
			if (se->hosts[k] && strcmp(se->hosts[k], host) == 0)
				se_say(c, SL_WARNING, NULL, c->path, "listed twice");
	}
}

static void
check_addresses(struct se_check *c)
{
	const enum sl_resolution res = c->se->resolution;

	if (res == SL_RESOLUTION_NONE || res == SL_RESOLUTION_STATIC)
		return;
	for (uint32_t i = 0; i < c->se->n_addresses; i++) {
		const char *text = c->se->addresses[i].text;

		if (text && strchr(text, '/')) {
			se_say(c, SL_ERROR, "S9+C5", P(c, "spec.addresses[%u]", i),
				"a CIDR goes with resolution NONE or STATIC only, not with %s",
				sl_resolution_name(res));
			return;
		}
	}
}

// ---- ports ----

static void
check_ports(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;

	for (uint32_t i = 1; i < se->n_ports; i++) {
		const struct sl_se_port *a = &se->ports[i];

		for (uint32_t k = 0; k < i; k++) {
			const struct sl_se_port *b = &se->ports[k];

			if (a->name && b->name && strcmp(a->name, b->name) == 0)
				se_say(c, SL_ERROR, "S11+C7", P(c, "spec.ports[%u].name", i),
					"\"%s\" is also the name of ports[%u]", a->name, k);
			if (a->number && a->number == b->number)
				se_say(c, SL_ERROR, "S12+C7", P(c, "spec.ports[%u].number", i),
					"%u is also the number of ports[%u]", a->number, k);
		}
	}
}

static bool
carries_names(const struct sl_se_port *p)
{
	return p->protocol && (sl_protocol_is_http(p->protocol) || sl_protocol_is_tls(p->protocol));
}

// Hosts are told apart by Host or SNI; a port without either leaves one of them.
static void
check_several_hosts(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;

	if (se->resolution == SL_RESOLUTION_NONE || se->n_hosts < 2)
		return;
	for (uint32_t i = 0; i < se->n_ports; i++) {
		const struct sl_se_port *p = &se->ports[i];

		if (p->protocol && !carries_names(p))
			se_say(c, SL_ERROR, "S34", P(c, "spec.ports[%u].protocol", i),
				"%s cannot tell %u hosts apart, expected HTTP or TLS, or one host",
				*p->protocol ? p->protocol : "a port without protocol",
				se->n_hosts);
	}
}

// ---- endpoints ----

static void
check_unix_endpoint(struct se_check *c, uint32_t i)
{
	const struct sl_se_endpoint *ep = &c->se->endpoints[i];
	const char *expected = check_unix_path(ep->address + 7);

	if (expected)
		se_say(c, SL_ERROR, "S22+C11", P(c, "spec.endpoints[%u].address", i),
			"the path behind unix:// is not %s", expected);
	if (ep->n_ports)
		se_say(c, SL_ERROR, "S22+C11", P(c, "spec.endpoints[%u].ports", i),
			"a Unix endpoint has no ports");
	if (c->se->n_ports != 1)
		se_say(c, SL_ERROR, "S22", P(c, "spec.endpoints[%u].address", i),
			"a Unix endpoint needs an entry with exactly one port, this one has %u",
			c->se->n_ports);
}

static bool
is_unix(const char *address)
{
	return strncmp(address, "unix://", 7) == 0;
}

static void
check_static_endpoint(struct se_check *c, uint32_t i)
{
	const struct sl_se_endpoint *ep = &c->se->endpoints[i];

	if (ep->ip.family)
		return;
	P(c, "spec.endpoints[%u].address", i);
	if (!ep->address || !*ep->address) {
		if (!ep->network || !*ep->network)
			se_say(c, SL_ERROR, "S20+C11", c->path, "is required, and missing");
		return;
	}
	if (is_unix(ep->address))
		check_unix_endpoint(c, i);
	else
		se_say(c, SL_ERROR, "S19", c->path,
			"\"%.80s\" is not an IP address, as resolution STATIC expects%s",
			ep->address,
			check_fqdn(ep->address) ? "" : "; a name goes with resolution DNS");
}

static void
check_dns_endpoint(struct se_check *c, uint32_t i)
{
	const struct sl_se_endpoint *ep = &c->se->endpoints[i];

	if (ep->ip.family || (ep->address && !check_fqdn(ep->address)))
		return;
	P(c, "spec.endpoints[%u].address", i);
	if (!ep->address || !*ep->address)
		se_say(c, SL_ERROR, "S28", c->path, "is required with resolution %s, and missing",
			sl_resolution_name(c->se->resolution));
	else
		se_say(c, SL_ERROR, "S28", c->path,
			"\"%.80s\" is neither an IP address nor a host name, as resolution %s "
			"expects",
			ep->address, sl_resolution_name(c->se->resolution));
}

static bool
has_port(const struct sl_service_entry *se, const char *name)
{
	for (uint32_t i = 0; i < se->n_ports; i++)
		if (se->ports[i].name && strcmp(se->ports[i].name, name) == 0)
			return true;
	return false;
}

static void
check_endpoint_maps(struct se_check *c, uint32_t i)
{
	const struct sl_se_endpoint *ep = &c->se->endpoints[i];
	const char *expected;

	for (uint32_t k = 0; k < ep->n_ports; k++) {
		const char *name = ep->ports[k].name;

		if (has_port(c->se, name))
			continue;
		P(c, "spec.endpoints[%u].ports", i);
		se_path_key(c, name);
		if (!is_dns_label(name))
			se_say(c, SL_ERROR, "S24", c->path, "\"%.80s\" is not %s", name,
				check_dns_label(name));
		else
			se_say(c, SL_ERROR, "S23", c->path,
				"port %u is for \"%s\", which is no port of this entry",
				ep->ports[k].number, name);
	}
	for (uint32_t k = 0; k < ep->n_labels; k++) {
		P(c, "spec.endpoints[%u].labels", i);
		se_path_key(c, ep->labels[k].key);
		expected = check_label_key(ep->labels[k].key);
		if (expected)
			se_say(c, SL_ERROR, "S24", c->path, "\"%.80s\" is not %s",
				ep->labels[k].key, expected);
		expected = check_label_value(ep->labels[k].value);
		if (expected)
			se_say(c, SL_ERROR, "S24", c->path, "\"%.80s\" is not %s",
				ep->labels[k].value, expected);
	}
}

static void
check_endpoints(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	const struct node *list = node_get(c->spec, "endpoints");

	for (uint32_t i = 0; i < se->n_endpoints; i++) {
		// One that is no mapping, or whose address is no text, has been reported.
		const struct node *address = NULL;

		if (list->items[i]->kind != NODE_MAP)
			continue;
		address = node_get(list->items[i], "address");
		check_endpoint_maps(c, i);
		if (address && address->scalar != SCALAR_NULL && !se->endpoints[i].address)
			continue;
		if (se->resolution == SL_RESOLUTION_STATIC)
			check_static_endpoint(c, i);
		else if (se->resolution == SL_RESOLUTION_DNS ||
			 se->resolution == SL_RESOLUTION_DNS_ROUND_ROBIN)
			check_dns_endpoint(c, i);
	}
}

// ---- resolution ----

static void
check_none(struct se_check *c)
{
	if (se_given(c, "endpoints"))
		se_say(c, SL_ERROR, c->se->n_endpoints ? "S16+C4" : "C4", "spec.endpoints",
			"not with resolution NONE%s; expected resolution STATIC or DNS",
			se_given(c, "resolution") ? "" : ", the default");
	if (c->se->has_selector)
		se_say(c, SL_WARNING, "S17", "spec.workloadSelector",
			"does little with resolution NONE: the client's destination is kept");
}

static void
check_dns(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;

	for (uint32_t i = 0; i < se->n_hosts && !se_given(c, "endpoints"); i++) {
		if (se->hosts[i] && strchr(se->hosts[i], '*')) {
			se_say(c, SL_ERROR, "S26", P(c, "spec.hosts[%u]", i),
				"\"%.80s\" cannot be resolved: give endpoints, or a host without "
				"wildcard",
				se->hosts[i]);
			break;
		}
	}
	if (se->resolution == SL_RESOLUTION_DNS_ROUND_ROBIN && se->n_endpoints > 1)
		se_say(c, SL_ERROR, "S27+C6", "spec.endpoints",
			"%u endpoints, expected at most one with resolution DNS_ROUND_ROBIN",
			se->n_endpoints);
	if (!se->n_addresses || se->n_hosts < 2)
		return;
	for (uint32_t i = 0; i < se->n_ports; i++) {
		if (se->ports[i].protocol && sl_protocol_is_tcp(se->ports[i].protocol)) {
			se_say(c, SL_WARNING, "S29", P(c, "spec.ports[%u].protocol", i),
				"%u hosts share the addresses of a TCP port: all its traffic goes "
				"to the first",
				se->n_hosts);
			break;
		}
	}
}

static void
check_dynamic_dns(struct se_check *c)
{
	static const char *const carried[] = {"HTTP", "HTTP2", "GRPC", "TLS"};
	const struct sl_service_entry *se = c->se;

	for (uint32_t i = 0; i < se->n_hosts; i++)
		if (se->hosts[i] && se->hosts[i][0] != '*')
			se_say(c, SL_ERROR, "S30", P(c, "spec.hosts[%u]", i),
				"\"%.80s\" is not a wildcard, as resolution DYNAMIC_DNS expects",
				se->hosts[i]);
	if (se->n_addresses)
		se_say(c, SL_ERROR, "S30", "spec.addresses", "not with resolution DYNAMIC_DNS");
	if (se_given(c, "endpoints"))
		se_say(c, SL_ERROR, "S30", "spec.endpoints", "not with resolution DYNAMIC_DNS");
	for (uint32_t i = 0; i < se->n_ports; i++) {
		const char *protocol = se->ports[i].protocol;
		bool ok = !protocol;

		for (size_t k = 0; k < SL_ARRAY_LEN(carried); k++)
			ok = ok || strcmp(protocol, carried[k]) == 0;
		if (!ok)
			se_say(c, SL_ERROR, "S31", P(c, "spec.ports[%u].protocol", i),
				"\"%s\" does not go with resolution DYNAMIC_DNS, expected one of "
				"HTTP, HTTP2, GRPC, TLS",
				protocol);
	}
	if (se->location == SL_MESH_INTERNAL &&
		se_has_label(c->obj->meta.labels, c->obj->meta.n_labels, "istio.io/use-waypoint"))
		se_say(c, SL_ERROR, "S32", "spec.location",
			"MESH_INTERNAL with DYNAMIC_DNS does not go with the label "
			"istio.io/use-waypoint");
}

// ---- selector, exportTo, metadata ----

static void
check_selector(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	const struct node *labels;

	if (!se->has_selector)
		return;
	se_selector(c, "spec.workloadSelector.labels", "S1", se->selector, se->n_selector);
	labels = node_get(node_get(c->spec, "workloadSelector"), "labels");
	if (!labels || labels->n == 0)
		se_say(c, SL_WARNING, "S2", "spec.workloadSelector",
			"no labels: it selects every workload of the namespace");
	if (se_given(c, "endpoints"))
		se_say(c, SL_ERROR, se->n_endpoints ? "S3+C3" : "C3", "spec.endpoints",
			"not together with workloadSelector, not even an empty list");
}

static bool
resolution_is_read(const struct se_check *c)
{
	const struct node *n = node_get(c->spec, "resolution");

	if (!se_given(c, "resolution"))
		return true;
	return n->kind == NODE_SCALAR &&
	       strcmp(n->text, sl_resolution_name(c->se->resolution)) == 0;
}

void
se_finish(const struct node *root, struct sl_object *obj)
{
	struct sl_service_entry *se = &obj->se;

	for (uint32_t i = 0; i < se->n_endpoints; i++)
		if (se->endpoints[i].address)
			sl_ip_parse(se->endpoints[i].address, &se->endpoints[i].ip);
}

void
se_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	struct se_check c = {
		.r = r,
		.root = root,
		.spec = node_get(root, "spec"),
		.obj = obj,
		.se = &obj->se,
	};

	se_check_names(&c);
	if (!c.spec || c.spec->kind != NODE_MAP)
		return;
	check_hosts(&c);
	check_ports(&c);
	check_selector(&c);
	se_export_to(&c, obj->se.export_to, obj->se.n_export_to, true);
	if (!resolution_is_read(&c))
		return; // what follows depends on it
	check_addresses(&c);
	check_endpoints(&c);
	check_several_hosts(&c);
	switch (obj->se.resolution) {
	case SL_RESOLUTION_NONE:
		check_none(&c);
		break;
	case SL_RESOLUTION_STATIC:
		break;
	case SL_RESOLUTION_DNS:
	case SL_RESOLUTION_DNS_ROUND_ROBIN:
		check_dns(&c);
		break;
	case SL_RESOLUTION_DYNAMIC_DNS:
		check_dynamic_dns(&c);
		break;
	}
}
