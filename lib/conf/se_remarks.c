// What of a valid ServiceEntry is not served yet or has no effect here: each is a note on the
// object and a warning. Only what the object alone shows: what depends on others is lib/mesh's
// word.
#include "se_check.h"

#include <stdio.h>
#include <string.h>

#include "sl_buf.h"
#include "sl_str.h"
#include "text_set.h"

#define FEW_ENDPOINTS 32 // compared with each other, without a table

// Told apart from others by the name in it, where the address does not.
static bool
carries_names(const struct sl_se_port *p)
{
	return sl_protocol_is_http(p->protocol) || sl_protocol_is_tls(p->protocol);
}

static const char *
address_not_served(const struct sl_se_address *addr)
{
	struct sl_se_address first = *addr;

	// A short prefix holds addresses that can be reached, whatever its first one is.
	if (first.prefix.addr.family == AF_INET) {
		if (first.prefix.len < 8)
			return NULL;
		first.prefix.len = 32;
	}
	return sl_se_address_not_served(&first);
}

// What keeps the whole entry from being served. Returns whether something does.
static bool
remark_entry(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	const bool nobody = se->n_export_to == 1 && strcmp(se->export_to[0], "~") == 0;
	const bool dynamic = se->resolution == SL_RESOLUTION_DYNAMIC_DNS;

	if (dynamic)
		se_remark(c, NULL, "spec.resolution",
			"%s is not served yet: the service gets no traffic",
			sl_resolution_name(se->resolution));
	if (nobody)
		se_remark(c, NULL, "spec.exportTo[0]",
			"exported to nobody: the service gets no traffic");
	if (!se->n_ports)
		se_remark(c, NULL, "spec.ports", "no ports: the service gets no traffic");
	return dynamic || nobody || !se->n_ports;
}

// A port without names in its traffic takes every address. S14 asks it of TCP and no protocol only.
static void
remark_no_addresses(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	bool tcp = false, wide = false;

	for (uint32_t i = 0; i < se->n_ports; i++) {
		const char *protocol = se->ports[i].protocol;

		tcp = tcp || !*protocol || strcmp(protocol, "TCP") == 0;
		wide = wide || !carries_names(&se->ports[i]);
	}
	if (se->n_addresses || !wide)
		return;
	if (se->resolution == SL_RESOLUTION_NONE)
		se_remark(c, tcp ? "S14" : NULL, "spec.addresses",
			"no addresses: what goes to its ports is let through to any address");
	else if (se->resolution != SL_RESOLUTION_DYNAMIC_DNS)
		se_remark(c, tcp ? "S14" : NULL, "spec.addresses",
			"no addresses: what goes to its ports at any address goes to this service");
	else if (tcp)
		se_remark(c, "S14", "spec.addresses",
			"no addresses: nothing tells its TCP traffic from that of others");
}

static bool
remark_addresses(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < se->n_addresses; i++) {
		const char *why = address_not_served(&se->addresses[i]);

		if (!why)
			continue;
		left_out++;
		se_remark(c, NULL, P(c, "spec.addresses[%u]", i), "%s is not served yet: %s",
			se->addresses[i].text, why);
	}
	if (!left_out || left_out != se->n_addresses)
		return false;
	se_remark(c, NULL, "spec.addresses",
		"none of the addresses is served yet: the service gets no traffic");
	return true;
}

// The first address that stands for one (plain) or for many, among those that are served.
static const struct sl_se_address *
first_address(const struct sl_service_entry *se, bool plain)
{
	for (uint32_t i = 0; i < se->n_addresses; i++)
		if (sl_prefix_is_host(&se->addresses[i].prefix) == plain &&
			!address_not_served(&se->addresses[i]))
			return &se->addresses[i];
	return NULL;
}

// HTTP and TLS where the address alone does not tell whose traffic it is.
static void
remark_names(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	const struct sl_se_address *cidr = first_address(se, false);
	const bool plain = first_address(se, true);
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < se->n_ports; i++) {
		const struct sl_se_port *p = &se->ports[i];

		if (!carries_names(p) || (plain && (!cidr || se->resolution == SL_RESOLUTION_NONE)))
			continue;
		P(c, "spec.ports[%u].protocol", i);
		if (se->resolution == SL_RESOLUTION_NONE) {
			left_out++;
			se_remark(c, NULL, c->path,
				"not served yet, the port gets no traffic: with resolution NONE%s "
				"and no plain address it needs the name in the traffic (HTTP Host, "
				"TLS SNI), which is not read yet",
				se_given(c, "resolution") ? "" : " (the default)");
		} else {
			se_remark(c, NULL, c->path,
				"the name in the traffic (HTTP Host, TLS SNI) is not read yet: all "
				"traffic to %s on port %u goes to this service",
				cidr ? cidr->text : "any address", p->number);
		}
	}
	if (left_out == se->n_ports)
		se_remark(c, NULL, "spec.ports",
			"none of the ports is served yet: the service gets no traffic");
}

static void
remark_endpoints(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	const bool by_dns = se->resolution != SL_RESOLUTION_STATIC;
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < se->n_endpoints; i++) {
		const struct sl_se_endpoint *ep = &se->endpoints[i];
		const char *why = sl_se_endpoint_not_served(ep);

		if (!why || (by_dns && se_is_name(ep)))
			continue;
		left_out++;
		se_remark(c, ep->address ? NULL : "S21", P(c, "spec.endpoints[%u]", i),
			"not served yet, it gets no traffic: %s", why);
	}
	if (left_out && left_out == se->n_endpoints)
		se_remark(c, NULL, "spec.endpoints",
			"none of the endpoints is served yet: the service gets no traffic");
}

// "ADDRESS NAME=PORT ..." and a NUL.
static void
put_endpoint_key(const struct sl_se_endpoint *ep, struct sl_buf *out)
{
	sl_buf_puts(out, ep->address ? ep->address : "");
	for (uint32_t i = 0; i < ep->n_ports; i++)
		sl_buf_printf(out, " %s=%u", ep->ports[i].name, ep->ports[i].number);
	sl_buf_putc(out, '\0');
}

// A set has each address and port once (lib/mesh/cluster.c): what the second one says besides,
// such as its weight, is not used.
static void
remark_repeated(struct se_check *c, uint32_t i, uint32_t before)
{
	se_remark(c, NULL, P(c, "spec.endpoints[%u]", i),
		"the address and ports of endpoints[%u]: where both could be chosen only that one "
		"is",
		before);
}

static void
remark_repeated_of_many(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;
	struct text_set seen = {0};
	struct sl_buf keys = {0};
	const char *key;
	uint32_t before;

	for (uint32_t i = 0; i < se->n_endpoints; i++)
		put_endpoint_key(&se->endpoints[i], &keys);
	key = keys.data;
	for (uint32_t i = 0; i < se->n_endpoints; i++, key += strlen(key) + 1)
		if (se->endpoints[i].address && text_set_add(&seen, key, i, &before))
			remark_repeated(c, i, before);
	text_set_fini(&seen);
	sl_buf_fini(&keys);
}

static bool
same_endpoint(const struct sl_se_endpoint *a, const struct sl_se_endpoint *b)
{
	if (!a->address || !b->address || !sl_ip_equal(&a->ip, &b->ip) ||
		strcmp(a->address, b->address) != 0 || a->n_ports != b->n_ports)
		return false;
	for (uint32_t i = 0; i < a->n_ports; i++)
		if (a->ports[i].number != b->ports[i].number ||
			strcmp(a->ports[i].name, b->ports[i].name) != 0)
			return false;
	return true;
}

static void
remark_repeated_endpoints(struct se_check *c)
{
	const struct sl_service_entry *se = c->se;

	if (se->n_endpoints > FEW_ENDPOINTS) {
		remark_repeated_of_many(c);
		return;
	}
	for (uint32_t i = 1; i < se->n_endpoints; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (!same_endpoint(&se->endpoints[i], &se->endpoints[k]))
				continue;
			remark_repeated(c, i, k);
			break;
		}
	}
}

// Fields of endpoints that have no effect here: said once a field, at its first use.
static void
remark_endpoint_fields(struct se_check *c)
{
	static const struct {
		const char *key;
		const char *text;
	} fields[] = {
		{"network", "no effect: no network gateways are known, the endpoint is reached "
			    "directly"},
		{"serviceAccount", "no effect here: TLS is passed through"},
	};
	const struct sl_service_entry *se = c->se;

	for (size_t f = 0; f < SL_ARRAY_LEN(fields); f++) {
		uint32_t first = UINT32_MAX, n = 0;

		for (uint32_t i = 0; i < se->n_endpoints; i++) {
			const struct sl_se_endpoint *ep = &se->endpoints[i];
			const bool there[] = {
				ep->network && ep->address, ep->service_account != NULL};

			if (there[f] && n++ == 0)
				first = i;
		}
		if (n)
			se_remark(c, NULL, P(c, "spec.endpoints[%u].%s", first, fields[f].key),
				"%s (%u of %u endpoints)", fields[f].text, n, se->n_endpoints);
	}
}

// Istio's own labels and annotations steer things that Sluice does not do.
static void
remark_meta(struct se_check *c)
{
	static const char distribution[] = "networking.istio.io/traffic-distribution";
	static const char *const keys[] = {
		distribution, "istio.io/connect-strategy", "istio.io/use-waypoint"};
	const struct sl_meta *meta = &c->obj->meta;

	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		const bool obeyed = keys[i] == distribution;

		if (se_has_label(meta->labels, meta->n_labels, keys[i]))
			se_remark(c, NULL, P(c, "metadata.labels[\"%s\"]", keys[i]),
				obeyed ? "no effect: it is read as an annotation"
				       : "no effect yet");
		if (!obeyed && se_has_label(meta->annotations, meta->n_annotations, keys[i]))
			se_remark(c, NULL, P(c, "metadata.annotations[\"%s\"]", keys[i]),
				"no effect yet");
	}
}

void
se_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct se_check c = {
		.r = r,
		.root = root,
		.spec = node_get(root, "spec"),
		.obj = obj,
		.se = &obj->se,
		.notes = obj,
	};
	const struct sl_service_entry *se = &obj->se;
	const bool waits = remark_entry(&c);

	se_accept_names(&c, &obj->se);
	remark_meta(&c);
	remark_no_addresses(&c);
	if (waits || remark_addresses(&c))
		return; // what is inside waits for that first
	remark_names(&c);
	remark_endpoints(&c);
	remark_repeated_endpoints(&c);
	remark_endpoint_fields(&c);
	if (se->n_subject_alt_names)
		se_remark(
			&c, NULL, "spec.subjectAltNames", "no effect here: TLS is passed through");
	if (se->location == SL_MESH_INTERNAL)
		se_remark(&c, NULL, "spec.location",
			"MESH_INTERNAL has no effect here: no mutual TLS to the endpoints");
}
