// Objects out of short texts, for tests and benchmarks that do not read YAML.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_model.h"
#include "sl_str.h"

struct text_se {
	const char *name;      // in the namespace "ns"
	const char *creation;  // NULL: none
	const char *hosts;     // "a.example b.example"
	const char *addresses; // "192.0.2.1 192.0.2.0/24"
	const char *ports;     // NAME/NUMBER/PROTOCOL[/TARGET], by spaces
	const char *endpoints; // ADDRESS[*WEIGHT][@PORTNAME=NUMBER], by spaces
};

// Calls fn for each word of text.
static inline void
each_word(const char *text, struct sl_object *obj, void (*fn)(struct sl_object *obj, char *word))
{
	char *copy = sl_xstrdup(text ? text : ""), *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (*word)
			fn(obj, word);
	free(copy);
}

#define APPEND(v, n)                                                                               \
	((v) = sl_xrealloc((v), (n) + 1, sizeof(*(v))), memset(&(v)[n], 0, sizeof(*(v))),          \
		&(v)[(n)++])

static inline void
add_host(struct sl_object *obj, char *word)
{
	*APPEND(obj->se.hosts, obj->se.n_hosts) = sl_xstrdup(word);
}

static inline void
add_address(struct sl_object *obj, char *word)
{
	struct sl_se_address *a = APPEND(obj->se.addresses, obj->se.n_addresses);

	a->text = sl_xstrdup(word);
	if (sl_prefix_parse(word, &a->prefix) < 0)
		abort();
	a->loc = (struct sl_loc){.line = 10 + obj->se.n_addresses, .col = 5};
}

static inline void
add_port(struct sl_object *obj, char *word)
{
	struct sl_se_port *p = APPEND(obj->se.ports, obj->se.n_ports);

	p->name = sl_xstrdup(strsep(&word, "/"));
	p->number = atoi(strsep(&word, "/"));
	p->protocol = sl_xstrdup(strsep(&word, "/"));
	p->target_port = word ? atoi(word) : 0;
}

static inline void
add_endpoint(struct sl_object *obj, char *word)
{
	struct sl_se_endpoint *ep = APPEND(obj->se.endpoints, obj->se.n_endpoints);
	char *port = word, *weight;

	weight = strsep(&port, "@");
	ep->address = sl_xstrdup(strsep(&weight, "*"));
	ep->weight = weight ? strtoul(weight, NULL, 10) : 0;
	if (sl_ip_parse(ep->address, &ep->ip) < 0)
		ep->ip.family = 0;
	if (port) {
		struct sl_se_endpoint_port *p = APPEND(ep->ports, ep->n_ports);

		p->name = sl_xstrdup(strsep(&port, "="));
		p->number = atoi(port);
	}
	ep->loc = (struct sl_loc){.line = 30 + obj->se.n_endpoints, .col = 7};
}

// Whatever tells the content apart does for the canonical JSON.
static inline struct sl_object *
object_named(enum sl_kind kind, const char *name, char *json)
{
	struct sl_object *obj = sl_object_new(kind);

	obj->api_version = sl_xstrdup("networking.istio.io/v1");
	obj->meta.name = sl_xstrdup(name);
	obj->meta.namespace_ = sl_xstrdup("ns");
	obj->json = json;
	obj->hash = sl_str_hash(json, strlen(json), 0);
	return obj;
}

static inline struct sl_object *
object_of(const struct text_se *t)
{
	struct sl_object *obj = object_named(SL_KIND_SERVICE_ENTRY, t->name,
		sl_xasprintf("%s|%s|%s|%s|%s|%s", t->name, t->creation ? t->creation : "", t->hosts,
			t->addresses, t->ports, t->endpoints));

	obj->meta.creation = sl_xstrdup(t->creation);
	obj->se.resolution = SL_RESOLUTION_STATIC;
	each_word(t->hosts, obj, add_host);
	each_word(t->addresses, obj, add_address);
	each_word(t->ports, obj, add_port);
	each_word(t->endpoints, obj, add_endpoint);
	return obj;
}

// Its endpoints are those with the label app.
static inline struct sl_object *
object_of_selector(const struct text_se *t, const char *app)
{
	struct sl_object *obj = object_of(t);
	struct sl_label *l = APPEND(obj->se.selector, obj->se.n_selector);

	*l = (struct sl_label){.key = sl_xstrdup("app"), .value = sl_xstrdup(app)};
	obj->se.has_selector = true;
	return obj;
}

static inline struct sl_object *
object_of_workload(const char *name, const char *app, const char *address, uint32_t weight)
{
	struct sl_object *obj = object_named(SL_KIND_WORKLOAD_ENTRY, name,
		sl_xasprintf("%s|%s|%s|%u", name, app, address, weight));
	struct sl_se_endpoint *ep = &obj->we.ep;
	struct sl_label *l = APPEND(ep->labels, ep->n_labels);

	*l = (struct sl_label){.key = sl_xstrdup("app"), .value = sl_xstrdup(app)};
	obj->we.healthy = true;
	ep->address = sl_xstrdup(address);
	ep->weight = weight;
	if (sl_ip_parse(address, &ep->ip) < 0)
		abort();
	return obj;
}

static inline struct sl_object *
object_of_rule(const char *name, const char *host, uint32_t max_connections)
{
	struct sl_object *obj = object_named(SL_KIND_DESTINATION_RULE, name,
		sl_xasprintf("%s|%s|%u", name, host, max_connections));

	obj->dr.host = sl_xstrdup(host);
	obj->dr.policy.given = true;
	obj->dr.policy.pool =
		(struct sl_connection_pool){.given = true, .max_connections = max_connections};
	return obj;
}
