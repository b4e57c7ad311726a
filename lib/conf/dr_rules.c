// Rules of a DestinationRule as a whole: policies, subsets, ports, who it is for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "names.h"
#include "sl_str.h"

// ---- blocks ----

static const char *const block_keys[] = {
	"loadBalancer", "connectionPool", "outlierDetection", "tls", NULL};
static const char *const policy_keys[] = {"tunnel", "proxyProtocol", "retryBudget", NULL};

static bool
has_one_of(const struct dr_block *b, const char *const *keys)
{
	for (; *keys; keys++)
		if (dr_find(b, *keys))
			return true;
	return false;
}

static void
check_policy(struct se_check *c, const struct dr_block *b)
{
	const struct node *ports = dr_find(b, "portLevelSettings");

	if (!has_one_of(b, block_keys) && !has_one_of(b, policy_keys) && (!ports || !ports->n))
		se_say(c, SL_ERROR, "D2", b->path, "empty, expected at least one field");
	if (dr_find(b, "tunnel") && dr_find(b, "proxyProtocol"))
		se_say(c, SL_ERROR, "D3", P(c, "%s.proxyProtocol", b->path),
			"not together with tunnel");
}

static void
check_block(struct se_check *c, const struct dr_block *b)
{
	if (!b->is_port)
		check_policy(c, b);
	else if (!has_one_of(b, block_keys))
		se_say(c, SL_ERROR, "D26", b->path,
			"no settings, expected loadBalancer, connectionPool, outlierDetection or "
			"tls");
	dr_check_lb(c, b);
	dr_check_locality(c, b);
	dr_check_pool(c, b);
	dr_check_tls(c, b);
}

// ---- subsets ----

static void
check_subset_labels(struct se_check *c, uint32_t i)
{
	const struct sl_subset *s = &c->obj->dr.subsets[i];

	for (uint32_t k = 0; k < s->n_labels; k++) {
		const char *expected = check_label_key(s->labels[k].key);
		const char *wrong = s->labels[k].key;

		if (!expected) {
			expected = check_label_value(s->labels[k].value);
			wrong = s->labels[k].value;
		}
		if (!expected)
			continue;
		P(c, "spec.subsets[%u].labels", i);
		se_say(c, SL_ERROR, "D4", se_path_key(c, s->labels[k].key), "\"%.80s\" is not %s",
			wrong, expected);
	}
}

static void
check_subset_names(struct se_check *c)
{
	const struct sl_destination_rule *dr = &c->obj->dr;
	struct dr_name *v = sl_xcalloc(dr->n_subsets, sizeof(*v));
	size_t n = 0;

	for (uint32_t i = 0; i < dr->n_subsets; i++)
		if (dr->subsets[i].name)
			v[n++] = (struct dr_name){dr->subsets[i].name, i};
	dr_unique(c, "D4", "spec.subsets", v, n);
	free(v);
}

// ---- who it is for ----

static void
check_selector(struct se_check *c)
{
	const struct sl_destination_rule *dr = &c->obj->dr;
	const struct node *labels;

	if (!dr->has_selector)
		return;
	se_selector(c, "spec.workloadSelector.matchLabels", "D28", dr->selector, dr->n_selector);
	labels = node_get(node_get(c->spec, "workloadSelector"), "matchLabels");
	if (!labels || node_is_null(labels) || (labels->kind == NODE_MAP && !labels->n))
		se_say(c, SL_WARNING, "D28", "spec.workloadSelector",
			"no matchLabels: it is for every client of the namespace");
}

// A selector picks among the clients of its own namespace.
static void
check_selector_export(struct se_check *c)
{
	const struct sl_destination_rule *dr = &c->obj->dr;
	const char *own = c->obj->meta.namespace_;
	bool other = dr->n_export_to > 1;

	if (!dr->has_selector || !own)
		return;
	for (uint32_t i = 0; i < dr->n_export_to; i++) {
		const char *entry = dr->export_to[i];

		if (!entry) // of a wrong type: said
			return;
		other = other || (strcmp(entry, ".") != 0 && strcmp(entry, own) != 0);
	}
	if (other)
		se_say(c, SL_ERROR, "E6", "spec.exportTo",
			"with workloadSelector, the rule is exported to its own namespace alone: "
			"expected [\".\"]");
}

void
dr_rules(struct reader *r, const struct node *root, const struct sl_object *obj)
{
	struct se_check c = {
		.r = r,
		.root = root,
		.spec = node_get(root, "spec"),
		.obj = obj,
	};

	if (!c.spec || c.spec->kind != NODE_MAP)
		return;
	dr_each_block(&c, check_block);
	check_subset_names(&c);
	for (uint32_t i = 0; i < obj->dr.n_subsets; i++)
		check_subset_labels(&c, i);
	se_export_to(&c, obj->dr.export_to, obj->dr.n_export_to, false);
	check_selector(&c);
	check_selector_export(&c);
}

// ---- what rows cannot fill ----

static enum sl_lb_hash
hash_of(const struct dr_block *b)
{
	if (dr_is_true(b, "loadBalancer.consistentHash.useSourceIp"))
		return SL_LB_HASH_SOURCE_IP;
	if (dr_find(b, "loadBalancer.consistentHash.httpHeaderName"))
		return SL_LB_HASH_HEADER;
	if (dr_find(b, "loadBalancer.consistentHash.httpCookie"))
		return SL_LB_HASH_COOKIE;
	if (dr_find(b, "loadBalancer.consistentHash.httpQueryParameterName"))
		return SL_LB_HASH_QUERY;
	return SL_LB_HASH_NONE;
}

static void
finish_block(struct se_check *c, const struct dr_block *b)
{
	struct sl_load_balancer *lb = (struct sl_load_balancer *)b->lb;
	const char *warmup = dr_text(b, "loadBalancer.warmup.duration");

	(void)c;
	lb->hash = hash_of(b);
	// Envoy's hash of nothing is a random one.
	if (lb->hash == SL_LB_HASH_NONE && dr_find(b, "loadBalancer.consistentHash"))
		lb->simple = SL_LB_RANDOM;
	if (!lb->ring_size)
		scalar_u64(
			dr_text(b, "loadBalancer.consistentHash.minimumRingSize"), &lb->ring_size);
	if (*warmup) // before what warmupDurationSecs left
		sl_str_duration(warmup, &lb->warmup.duration_ns);
	lb->locality.disabled = dr_find(b, "loadBalancer.localityLbSetting.enabled") &&
				!dr_is_true(b, "loadBalancer.localityLbSetting.enabled");
}

void
dr_finish(const struct node *root, struct sl_object *obj)
{
	struct se_check c = {.root = root, .spec = node_get(root, "spec"), .obj = obj};

	dr_each_block(&c, finish_block);
}
