// The object as a whole, and its tcp and tls routes. What can be said of one field alone stands in
// its row.
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "se_check.h"
#include "sl_ip.h"
#include "vs_check.h"

void
vs_check_gateways(const struct vs_check *c, const struct spot *list)
{
	bool plain = false; // istio looks no further than the first one without namespace

	for (uint32_t i = 0; i < spot_items(list); i++) {
		const struct spot s = spot_item(list, i);
		const enum sl_severity severity = plain ? SL_WARNING : SL_ERROR;
		const char *text = spot_text(&s), *slash = text ? strchr(text, '/') : NULL;
		char ns[64];

		if (!text)
			continue;
		if (!slash) {
			if (check_fqdn(text))
				spot_say(c->r, severity, "V6", &s,
					"\"%.80s\" is not a gateway: a name, a namespace/name, or "
					"mesh",
					text);
			else if (strchr(text, '.'))
				spot_say(c->r, SL_WARNING, "V6", &s,
					"\"%.80s\" is the old form, expected namespace/name", text);
			plain = true;
			continue;
		}
		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - text), text);
		if (slash - text > 63 || !is_dns_label(ns) || !is_dns_label(slash + 1))
			spot_say(c->r, severity, "V6", &s,
				"\"%.80s\" is not namespace/name, each a DNS label", text);
	}
}

void
vs_check_source_labels(const struct vs_check *c, const struct spot *match)
{
	const struct spot labels = spot_key(match, "sourceLabels");

	for (uint32_t i = 0; i < spot_pairs(&labels); i++) {
		const struct spot s = spot_item(&labels, i);
		const char *expected = check_label_key(s.path.key);

		if (expected)
			spot_say(c->r, SL_ERROR, "V22", &s, "\"%.80s\" is not %s", s.path.key,
				expected);
	}
}

void
vs_check_weights(const struct vs_check *c, const struct spot *list)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < spot_items(list); i++) {
		const struct spot to = spot_item(list, i), weight = spot_key(&to, "weight");
		uint64_t v = 0;

		if (spot_given(&weight) && !spot_number(&weight, &v))
			return; // reported
		sum += v != 0;
	}
	if (spot_items(list) > 1 && !sum)
		spot_say(c->r, SL_ERROR, "V9", list,
			"no destination has a weight above 0, so none of %u gets anything",
			spot_items(list));
}

static void
check_l4_routes(const struct vs_check *c, const char *key)
{
	const struct spot routes = spot_key(&c->spec, key);

	for (uint32_t i = 0; i < spot_items(&routes); i++) {
		const struct spot route = spot_item(&routes, i);
		const struct spot match = spot_key(&route, "match");
		const struct spot to = spot_key(&route, "route");

		for (uint32_t k = 0; k < spot_items(&match); k++) {
			const struct spot m = spot_item(&match, k);
			const struct spot gateways = spot_key(&m, "gateways");
			const struct spot subnet = spot_key(&m, "sourceSubnet");
			struct sl_prefix prefix;

			vs_check_source_labels(c, &m);
			vs_check_gateways(c, &gateways);
			if (strcmp(key, "tcp") == 0 && spot_text(&subnet) &&
				sl_prefix_parse(spot_text(&subnet), &prefix) < 0)
				spot_say(c->r, SL_WARNING, NULL, &subnet,
					"\"%.80s\" is not an IP address or CIDR",
					spot_text(&subnet));
		}
		vs_check_weights(c, &to);
	}
	vs_check_order(c, key);
}

static void
check_http_routes(const struct vs_check *c)
{
	const struct spot routes = spot_key(&c->spec, "http");

	for (uint32_t i = 0; i < spot_items(&routes); i++) {
		const struct spot route = spot_item(&routes, i);

		vs_check_http(c, &route);
		vs_check_http_match(c, &route);
	}
	vs_check_order(c, "http");
}

static void
check_delegate(const struct vs_check *c)
{
	static const char *const keys[] = {"gateways", "tls", "tcp"};

	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		const struct spot s = spot_key(&c->spec, keys[i]);

		if (spot_items(&s))
			spot_say(c->r, SL_ERROR, "V1", &s,
				"not without hosts: an object without them is a delegate, which "
				"has http routes only");
	}
}

// Whatever is given but an empty list; what is no list at all is reported already.
static bool
has_routes(const struct vs_check *c, const char *key)
{
	const struct spot s = spot_key(&c->spec, key);

	return spot_given(&s) && (s.node->kind != NODE_SEQ || s.node->n);
}

static void
look_at_gateways(struct vs_check *c)
{
	const struct spot list = spot_key(&c->spec, "gateways");

	c->mesh = !spot_items(&list);
	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot s = spot_item(&list, i);
		const bool mesh = spot_text(&s) && strcmp(spot_text(&s), "mesh") == 0;

		c->mesh = c->mesh || mesh;
		c->gateways = c->gateways || !mesh;
	}
	vs_check_gateways(c, &list);
}

void
vs_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	const struct spot top = spot_root(root);
	struct vs_check c = {.r = r, .obj = obj, .spec = spot_key(&top, "spec")};
	const struct spot hosts = spot_key(&c.spec, "hosts");

	if (!c.spec.node || c.spec.node->kind != NODE_MAP)
		return;
	if (!has_routes(&c, "http") && !has_routes(&c, "tls") && !has_routes(&c, "tcp"))
		spot_say(r, SL_ERROR, "V5", &c.spec, "no routes, expected http, tls or tcp");
	c.delegate = !spot_given(&hosts) || (hosts.node->kind == NODE_SEQ && !hosts.node->n);
	look_at_gateways(&c);
	if (c.delegate)
		check_delegate(&c);
	else
		vs_check_hosts(&c);
	check_l4_routes(&c, "tcp");
	check_l4_routes(&c, "tls");
	check_http_routes(&c);
	se_export_to(&(struct se_check){.r = r, .root = root, .obj = obj}, obj->vs.export_to,
		obj->vs.n_export_to, false);
}
