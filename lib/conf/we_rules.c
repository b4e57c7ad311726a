// What a WorkloadEntry must be (istio-semantics 2.4), and the remarks on what has no effect here.
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "se_check.h"
#include "sl_str.h"
#include "workload.h"

// ---- rules ----

static void
check_unix(struct se_check *c, const struct sl_se_endpoint *ep)
{
	const char *expected = check_unix_path(ep->address + 7);

	if (expected)
		se_say(c, SL_ERROR, "W3+C11", "spec.address", "the path behind unix:// is not %s",
			expected);
	if (ep->n_ports)
		se_say(c, SL_ERROR, "W3+C11", "spec.ports", "a Unix endpoint has no ports");
}

static void
check_address(struct se_check *c, const struct sl_se_endpoint *ep)
{
	const bool network = ep->network && *ep->network;

	if (!ep->address || !*ep->address) {
		if (!network)
			se_say(c, SL_ERROR, "W1+C11", "spec.address",
				"is required, and missing: a WorkloadEntry has an address, or at "
				"least a network");
		return;
	}
	if (strncmp(ep->address, "unix://", 7) == 0)
		check_unix(c, ep);
	else if (!ep->ip.family && check_fqdn(ep->address))
		se_say(c, SL_ERROR, "W4", "spec.address",
			"\"%.80s\" is neither an IP address nor a host name", ep->address);
}

static void
check_maps(struct se_check *c, const struct sl_se_endpoint *ep)
{
	for (uint32_t i = 0; i < ep->n_ports; i++) {
		if (is_dns_label(ep->ports[i].name))
			continue;
		P(c, "spec.ports");
		se_path_key(c, ep->ports[i].name);
		se_say(c, SL_ERROR, "W5", c->path, "\"%.80s\" is not %s", ep->ports[i].name,
			check_dns_label(ep->ports[i].name));
	}
	se_labels(c, "spec.labels", "W5", ep->labels, ep->n_labels);
}

void
we_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	struct se_check c = {.r = r, .root = root, .spec = node_get(root, "spec"), .obj = obj};

	if (!c.spec || c.spec->kind != NODE_MAP)
		return;
	// An address that is no text has been reported.
	if (obj->we.ep.address || !se_given(&c, "address"))
		check_address(&c, &obj->we.ep);
	check_maps(&c, &obj->we.ep);
}

// ---- remarks ----

void
we_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct se_check c = {
		.r = r, .root = root, .spec = node_get(root, "spec"), .obj = obj, .notes = obj};
	const struct sl_se_endpoint *ep = &obj->we.ep;
	const char *why = sl_se_endpoint_not_served(ep);

	if (!ep->address)
		se_remark(&c, "W2", "spec.network",
			"no address, and no gateway of that network is known: it gets no traffic");
	else if (why && !se_is_name(ep))
		se_remark(&c, NULL, "spec.address", "not served yet, it gets no traffic: %s", why);
	if (ep->network && ep->address)
		se_remark(&c, NULL, "spec.network",
			"no effect: no network gateways are known, the endpoint is reached "
			"directly");
	if (ep->service_account)
		se_remark(&c, NULL, "spec.serviceAccount", "no effect here: TLS is passed through");
}

// ---- what status says ----

// The status of the condition of that type, or NULL.
static const char *
condition(const struct node *root, const char *type)
{
	const struct node *list = node_get(node_get(root, "status"), "conditions");

	for (uint32_t i = 0; list && list->kind == NODE_SEQ && i < list->n; i++) {
		const struct node *t = node_get(list->items[i], "type");
		const struct node *s = node_get(list->items[i], "status");

		if (t && t->kind == NODE_SCALAR && strcmp(t->text, type) == 0)
			return s && s->kind == NODE_SCALAR ? s->text : "";
	}
	return NULL;
}

// "True" is a string in Kubernetes; a bare True in YAML is meant the same.
static bool
is_true(const char *text)
{
	return text && (strcmp(text, "True") == 0 || strcmp(text, "true") == 0);
}

static bool
health_checks(const struct sl_meta *meta)
{
	for (uint32_t i = 0; i < meta->n_annotations; i++)
		if (strcmp(meta->annotations[i].key, "proxy.istio.io/health-checks-enabled") == 0)
			return is_true(meta->annotations[i].value);
	return false;
}

void
we_finish(const struct node *root, struct sl_object *obj)
{
	if (obj->we.ep.address)
		sl_ip_parse(obj->we.ep.address, &obj->we.ep.ip);
	obj->we.healthy = !health_checks(&obj->meta) || is_true(condition(root, "Healthy"));
}

static char *
text_of(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_SCALAR && !node_is_null(n) ? sl_xstrdup(n->text) : NULL;
}

void
pod_finish(const struct node *root, struct sl_object *obj)
{
	const struct node *spec = node_get(root, "spec"), *status = node_get(root, "status");
	const struct node *gone = node_get(node_get(root, "metadata"), "deletionTimestamp");
	const char *ready = condition(root, "Ready");
	struct sl_pod *pod = &obj->pod;

	pod->pod_ip = text_of(status, "podIP");
	pod->phase = text_of(status, "phase");
	pod->node_name = text_of(spec, "nodeName");
	pod->service_account = text_of(spec, "serviceAccountName");
	pod->terminating = gone && !node_is_null(gone);
	pod->ready = ready ? is_true(ready) : pod->phase && strcmp(pod->phase, "Running") == 0;
	if (pod->pod_ip)
		sl_ip_parse(pod->pod_ip, &pod->ip);
}

// Kubernetes' own objects are checked by Kubernetes: here only what is used of them.
void
pod_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	struct se_check c = {.r = r, .root = root, .obj = obj};
	const struct node *ip = node_get(node_get(root, "status"), "podIP");
	struct sl_ip parsed;

	if (ip && !node_is_null(ip) && *ip->text &&
		(ip->kind != NODE_SCALAR || sl_ip_parse(ip->text, &parsed) < 0))
		se_say(&c, SL_ERROR, NULL, "status.podIP", "is not an IP address");
}

void
pod_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct se_check c = {.r = r, .root = root, .obj = obj, .notes = obj};

	if (obj->pod.ip.family == AF_INET6)
		se_remark(&c, NULL, "status.podIP",
			"not served yet, it gets no traffic: an IPv6 endpoint");
}

void
kept_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct se_check c = {.r = r, .root = root, .obj = obj, .notes = obj};

	se_remark(&c, NULL, "kind", "this kind is not served yet: it is kept, and has no effect");
}
