// Documents to objects: kinds, lists, and each object's way through rows, rules and remarks.
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "names.h"
#include "rows.h"
#include "se_check.h"
#include "sl_str.h"

#define MAX_DOCUMENTS 100000

// ---- kinds ----

#define SERVED_GROUP "networking.istio.io"

// Known to an operator of Istio or Kubernetes: a file may hold them, and says so in a warning.
static const struct {
	const char *group; // "": core
	const char *kind;
} known[] = {
	{"networking.istio.io", "WorkloadEntry"},
	{"networking.istio.io", "WorkloadGroup"},
	{"networking.istio.io", "VirtualService"},
	{"networking.istio.io", "Gateway"},
	{"networking.istio.io", "Sidecar"},
	{"networking.istio.io", "EnvoyFilter"},
	{"networking.istio.io", "ProxyConfig"},
	{"security.istio.io", "AuthorizationPolicy"},
	{"security.istio.io", "PeerAuthentication"},
	{"security.istio.io", "RequestAuthentication"},
	{"telemetry.istio.io", "Telemetry"},
	{"extensions.istio.io", "WasmPlugin"},
	{"gateway.networking.k8s.io", "Gateway"},
	{"gateway.networking.k8s.io", "GatewayClass"},
	{"gateway.networking.k8s.io", "HTTPRoute"},
	{"gateway.networking.k8s.io", "GRPCRoute"},
	{"gateway.networking.k8s.io", "TCPRoute"},
	{"gateway.networking.k8s.io", "TLSRoute"},
	{"gateway.networking.k8s.io", "UDPRoute"},
	{"gateway.networking.k8s.io", "ReferenceGrant"},
	{"gateway.networking.k8s.io", "BackendTLSPolicy"},
	{"gateway.networking.k8s.io", "TrafficPolicy"},
	{"gateway.kgateway.dev", "TrafficPolicy"},
	{"gateway.kgateway.dev", "Backend"},
	{"gateway.kgateway.dev", "BackendConfigPolicy"},
	{"gateway.kgateway.dev", "HTTPListenerPolicy"},
	{"gateway.kgateway.dev", "GatewayParameters"},
	{"networking.k8s.io", "NetworkPolicy"},
	{"networking.k8s.io", "Ingress"},
	{"discovery.k8s.io", "EndpointSlice"},
	{"apps", "Deployment"},
	{"apps", "DaemonSet"},
	{"apps", "StatefulSet"},
	{"", "Namespace"},
	{"", "Pod"},
	{"", "Service"},
	{"", "Endpoints"},
	{"", "ConfigMap"},
	{"", "Secret"},
	{"", "ServiceAccount"},
	{"", "Node"},
};

static const char *
kind_nearest(const char *kind)
{
	const char *names[SL_ARRAY_LEN(known) + 2] = {"ServiceEntry"};

	for (size_t i = 0; i < SL_ARRAY_LEN(known); i++)
		names[i + 1] = known[i].kind;
	return sl_str_nearest(kind, names);
}

static bool
in_group(const char *api_version, const char *group)
{
	const size_t len = strlen(group);

	if (!len)
		return !strchr(api_version, '/');
	return strncmp(api_version, group, len) == 0 && api_version[len] == '/';
}

static bool
is_served_version(const char *api_version)
{
	static const char *const versions[] = {
		SERVED_GROUP "/v1", SERVED_GROUP "/v1beta1", SERVED_GROUP "/v1alpha3"};

	for (size_t i = 0; i < SL_ARRAY_LEN(versions); i++)
		if (strcmp(api_version, versions[i]) == 0)
			return true;
	return false;
}

// ---- names that are taken ----

static uint64_t
key_hash(const struct sl_object *obj)
{
	const uint64_t hash = sl_str_hash(
		obj->meta.namespace_, strlen(obj->meta.namespace_) + 1, (uint64_t)obj->kind + 1);

	return sl_str_hash(obj->meta.name, strlen(obj->meta.name), hash);
}

// Open addressing over out->v: a slot holds index + 1. Objects that the caller took out of v leave
// their slot, which matches nothing.
static void
index_add(struct sl_objects *out, size_t i)
{
	uint64_t slot = key_hash(out->v[i]);

	while (out->slots[slot & (out->n_slots - 1)])
		slot++;
	out->slots[slot & (out->n_slots - 1)] = (uint32_t)i + 1;
}

static void
index_grow(struct sl_objects *out)
{
	free(out->slots);
	out->n_slots = out->n_slots ? 2 * out->n_slots : 256;
	out->slots = sl_xcalloc(out->n_slots, sizeof(*out->slots));
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i])
			index_add(out, i);
}

static const struct sl_object *
index_find(const struct sl_objects *out, const struct sl_object *obj)
{
	if (!out->n_slots)
		return NULL;
	for (uint64_t slot = key_hash(obj);; slot++) {
		const uint32_t i = out->slots[slot & (out->n_slots - 1)];
		const struct sl_object *other;

		if (!i)
			return NULL;
		other = out->v[i - 1];
		if (other && other->kind == obj->kind &&
			strcmp(other->meta.name, obj->meta.name) == 0 &&
			strcmp(other->meta.namespace_, obj->meta.namespace_) == 0)
			return other;
	}
}

static void
keep(struct sl_objects *out, struct sl_object *obj)
{
	if (out->n == out->cap) {
		out->cap = out->cap ? 2 * out->cap : 64;
		out->v = sl_xrealloc(out->v, out->cap, sizeof(struct sl_object *));
	}
	out->v[out->n++] = obj;
	if (2 * out->n > out->n_slots)
		index_grow(out);
	else
		index_add(out, out->n - 1);
}

// ---- one object ----

static const char *
text_at(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_SCALAR && n->scalar == SCALAR_STR ? n->text : NULL;
}

// "ServiceEntry shop/web", as far as the document tells.
static char *
title_of(const struct node *root, const char *kind, const char *default_ns)
{
	const struct node *meta = node_get(root, "metadata");
	const char *name = text_at(meta, "name"), *ns = text_at(meta, "namespace");
	struct sl_buf text = {0};

	sl_buf_printf(&text, "%.63s", kind);
	ns = ns ? ns : default_ns;
	if (name)
		sl_buf_printf(&text, " %.63s%s%.253s", ns, *ns ? "/" : "", name);
	reader_clean(&text);
	return sl_buf_take(&text);
}

static void
derive(struct sl_object *obj, const struct node *root)
{
	char utc[24];

	if (obj->meta.creation) {
		timestamp_utc(obj->meta.creation, utc);
		free(obj->meta.creation);
		obj->meta.creation = sl_xstrdup(utc);
	}
	obj->json = schema_json(object_schema(obj->kind), root);
	obj->hash = sl_str_hash(obj->json, strlen(obj->json), 0);
}

static void
parse_endpoint_addresses(struct sl_service_entry *se)
{
	for (uint32_t i = 0; i < se->n_endpoints; i++)
		if (se->endpoints[i].address)
			sl_ip_parse(se->endpoints[i].address, &se->endpoints[i].ip);
}

static bool
is_taken(struct reader *r, struct objects_reader *o, const struct sl_object *obj)
{
	const struct sl_object *other = index_find(o->out, obj);

	if (!other)
		return false;
	reader_error(r, NULL, obj->loc.line, obj->loc.col, NULL,
		"defined before, at %s:%u: this one is left out",
		other->loc.file ? other->loc.file : "?", other->loc.line);
	return true;
}

static void
rules(struct reader *r, const struct node *root, struct sl_object *obj)
{
	if (obj->kind == SL_KIND_DESTINATION_RULE) {
		dr_rules(r, root, obj);
		return;
	}
	parse_endpoint_addresses(&obj->se);
	se_rules(r, root, obj);
}

static void
remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	if (obj->kind == SL_KIND_DESTINATION_RULE) {
		dr_finish(root, obj);
		dr_remarks(r, root, obj);
	} else {
		se_remarks(r, root, obj);
	}
}

static void
read_object(struct objects_reader *o, const struct node *root, enum sl_kind kind, const char *title)
{
	struct sl_object *obj = sl_object_new(kind);
	struct reader r = {.diags = o->diags, .object = title, .unknown_rule = "C13"};

	// The object outlives the caller's file name; locations inside borrow its own.
	r.file = sl_xstrdup(o->file);
	schema_read(&r, object_schema(kind), root, NULL, obj);
	obj->loc.file = r.file;
	obj->origin = o->origin;
	if (obj->api_version && !is_served_version(obj->api_version)) {
		const struct node *n = node_get(root, "apiVersion");
		const struct path path = {.key = "apiVersion"};

		reader_error(&r, &path, n->line, n->col, NULL,
			"\"%.80s\" is not " SERVED_GROUP "/v1, v1beta1 or v1alpha3",
			obj->api_version);
	}
	rules(&r, root, obj);
	if (!r.errors && !o->broken && !is_taken(&r, o, obj)) {
		remarks(&r, root, obj);
		derive(obj, root);
		keep(o->out, obj);
	} else {
		o->out->invalid++;
		sl_object_free(obj);
	}
	o->errors += r.errors;
}

// ---- one document ----

static void read_node(struct objects_reader *o, const struct node *root);

static void refuse(struct objects_reader *o, const struct node *at, const char *object,
	const char *path, const char *fmt, ...) SL_PRINTF(5, 6);

static void
refuse(struct objects_reader *o, const struct node *at, const char *object, const char *path,
	const char *fmt, ...)
{
	const struct sl_loc loc = {o->file, at->line, at->col};
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	sl_diag_add(o->diags, SL_ERROR, &loc, object, path, NULL, "%s", text.data);
	sl_buf_fini(&text);
	o->errors++;
	o->out->invalid++;
}

static void
read_list(struct objects_reader *o, const struct node *root)
{
	const struct node *items = node_get(root, "items");

	if (!items || items->kind != NODE_SEQ) {
		refuse(o, items ? items : root, "List", "items", "expected a list of objects");
		return;
	}
	for (uint32_t i = 0; i < items->n; i++)
		read_node(o, items->items[i]);
}

static void
read_other(struct objects_reader *o, const struct node *root, const char *kind, const char *version)
{
	const struct node *at = node_get(root, "kind");
	const struct sl_loc loc = {o->file, at->line, at->col};
	const char *group = NULL, *nearest = kind_nearest(kind);
	char *title;

	for (size_t i = 0; i < SL_ARRAY_LEN(known); i++) {
		if (strcmp(known[i].kind, kind) != 0)
			continue;
		group = known[i].group;
		if (!in_group(version, group))
			continue;
		title = title_of(root, kind, "");
		sl_diag_add(o->diags, SL_WARNING, &loc, title, NULL, NULL,
			"this kind is not served yet: the object is left out");
		free(title);
		o->out->skipped++;
		return;
	}
	title = title_of(root, kind, "");
	if (group)
		refuse(o, node_get(root, "apiVersion"), title, "apiVersion",
			"unknown for this kind, expected %s", *group ? group : "v1");
	else
		refuse(o, at, title, "kind", "unknown kind%s%s%s",
			nearest ? ", did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
	free(title);
}

static void
read_node(struct objects_reader *o, const struct node *root)
{
	const char *kind, *version;

	if (root->kind != NODE_MAP) {
		refuse(o, root, NULL, NULL,
			"expected an object with apiVersion, kind, metadata and spec");
		return;
	}
	kind = text_at(root, "kind");
	version = text_at(root, "apiVersion");
	if (!kind || !version) {
		const char *missing = kind ? "apiVersion" : "kind";
		const struct node *n = node_get(root, missing);

		refuse(o, n ? n : root, kind, missing, "%s",
			n ? "expected a string" : "is required, and missing");
		return;
	}
	if (strcmp(kind, "ServiceEntry") == 0 || strcmp(kind, "DestinationRule") == 0) {
		char *title = title_of(root, kind, "default");

		read_object(o, root,
			*kind == 'D' ? SL_KIND_DESTINATION_RULE : SL_KIND_SERVICE_ENTRY, title);
		free(title);
	} else if ((strcmp(kind, "List") == 0 && strcmp(version, "v1") == 0) ||
		   strcmp(kind, "ServiceEntryList") == 0) {
		read_list(o, root);
	} else {
		read_other(o, root, kind, version);
	}
}

void
objects_read_doc(struct objects_reader *o, const char *text, size_t len, uint32_t line)
{
	const size_t errors = o->errors;
	struct doc doc;

	o->errors += doc_read(&doc, text, len, o->file, line, o->diags);
	o->broken = o->errors != errors;
	if (doc.root)
		read_node(o, doc.root);
	else if (o->broken)
		o->out->invalid++;
	doc_fini(&doc);
}

bool
objects_too_many(struct objects_reader *o, size_t n, uint32_t line)
{
	const struct node at = {.line = line, .col = 1};

	if (n <= MAX_DOCUMENTS)
		return false;
	refuse(o, &at, NULL, NULL, "more than 100000 documents");
	return true;
}

void
objects_read(struct objects_reader *o, const char *text, size_t len)
{
	const char *doc_text;
	size_t doc_len, pos = 0, n = 0;
	uint32_t line = 1, doc_line;

	while (stream_next(text, len, &pos, &line, &doc_text, &doc_len, &doc_line)) {
		if (objects_too_many(o, ++n, doc_line))
			return;
		objects_read_doc(o, doc_text, doc_len, doc_line);
	}
}

size_t
sl_conf_objects(const char *text, size_t len, const char *file, enum sl_origin origin,
	struct sl_objects *out, struct sl_diags *diags)
{
	struct objects_reader o = {.diags = diags, .file = file, .origin = origin, .out = out};

	objects_read(&o, text, len);
	return o.errors;
}

void
sl_objects_fini(struct sl_objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		sl_object_free(o->v[i]);
	free(o->v);
	free(o->slots);
	*o = (struct sl_objects){0};
}
