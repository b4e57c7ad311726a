// The client groups: clients of one namespace, labels and locality are one to Istio's rules.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "sl_str.h"

// A CIDR, and the entry of clients that has it.
struct claim {
	struct sl_prefix prefix;
	uint32_t entry;
	uint32_t i; // in its list
};

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

// Keys are unique in each, so that as many in both, and all of one in the other, is the same.
static bool
labels_equal(const struct sl_conf_group *a, const struct sl_conf_group *b)
{
	if (a->n_labels != b->n_labels)
		return false;
	for (uint32_t i = 0; i < a->n_labels; i++) {
		uint32_t k = 0;

		while (k < b->n_labels && strcmp(a->labels[i].key, b->labels[k].key) != 0)
			k++;
		if (k == b->n_labels || strcmp(a->labels[i].value, b->labels[k].value) != 0)
			return false;
	}
	return true;
}

// The group's index, which may be a new one; SL_MAX_CLIENT_GROUPS: there is no room.
static uint32_t
find_group(struct sl_conf *conf, const struct sl_conf_group *group)
{
	for (uint32_t i = 0; i < conf->n_groups; i++)
		if (text_equal(conf->groups[i].namespace_, group->namespace_) &&
			text_equal(conf->groups[i].locality, group->locality) &&
			labels_equal(&conf->groups[i], group))
			return i;
	if (conf->n_groups == SL_MAX_CLIENT_GROUPS)
		return SL_MAX_CLIENT_GROUPS;
	conf->groups[conf->n_groups] = *group;
	return conf->n_groups++;
}

static struct sl_conf_group
group_of(const struct sl_conf *conf, const struct sl_conf_clients *c)
{
	return (struct sl_conf_group){
		.namespace_ = c->namespace_ ? c->namespace_ : conf->node_namespace,
		.labels = c->labels,
		.n_labels = c->n_labels,
		.locality = c->locality ? c->locality : conf->node_locality,
		.network = conf->node_network,
	};
}

static int
by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	const uint32_t p = sl_be32_to_cpu(x->prefix.addr.v4), q = sl_be32_to_cpu(y->prefix.addr.v4);

	if (p != q)
		return p < q ? -1 : 1;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len < y->prefix.len ? -1 : 1;
	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static void
check_claim(struct reader *r, const struct sl_conf *conf, const struct claim *c)
{
	struct sl_prefix masked = c->prefix;
	char path[64], text[SL_PREFIX_STRLEN];

	snprintf(path, sizeof(path), "clients[%u].cidrs[%u]", c->entry, c->i);
	if (c->prefix.addr.family != AF_INET) {
		conf_say(r, conf, SL_ERROR, path, "IPv6 is not served yet");
		return;
	}
	sl_prefix_mask(&masked);
	if (!sl_ip_equal(&masked.addr, &c->prefix.addr))
		conf_say(r, conf, SL_ERROR, path, "host bits are set, expected %s",
			sl_prefix_str(&masked, text));
}

// All CIDRs, sorted; the caller frees them.
static struct claim *
claims(struct reader *r, const struct sl_conf *conf, uint32_t *n)
{
	struct claim *v;
	uint32_t total = 0;

	for (uint32_t i = 0; i < conf->n_clients; i++)
		total += conf->clients[i].n_cidrs;
	v = sl_xcalloc(total, sizeof(*v));
	*n = 0;
	for (uint32_t i = 0; i < conf->n_clients; i++)
		for (uint32_t k = 0; k < conf->clients[i].n_cidrs; k++) {
			v[*n] = (struct claim){conf->clients[i].cidrs[k], i, k};
			check_claim(r, conf, &v[(*n)++]);
		}
	qsort(v, *n, sizeof(*v), by_prefix);
	return v;
}

// Complains when it is the CIDR of the claim before.
static void
check_again(struct reader *r, const struct sl_conf *conf, const struct claim *c)
{
	char path[64];

	if (c->prefix.len != c[-1].prefix.len || !sl_ip_equal(&c->prefix.addr, &c[-1].prefix.addr))
		return;
	snprintf(path, sizeof(path), "clients[%u].cidrs[%u]", c->entry, c->i);
	conf_say(r, conf, SL_ERROR, path, "given before, in clients[%u].cidrs[%u]", c[-1].entry,
		c[-1].i);
}

// Fills in the index of each entry's group.
static void
make_groups(struct reader *r, struct sl_conf *conf, uint32_t *group)
{
	conf->groups = sl_xcalloc(SL_MAX_CLIENT_GROUPS, sizeof(*conf->groups));
	conf->groups[conf->n_groups++] = (struct sl_conf_group){conf->node_namespace,
		conf->node_labels, conf->n_node_labels, conf->node_locality, conf->node_network};
	for (uint32_t i = 0; i < conf->n_clients; i++) {
		const struct sl_conf_group g = group_of(conf, &conf->clients[i]);
		char path[64];

		group[i] = find_group(conf, &g);
		if (group[i] < SL_MAX_CLIENT_GROUPS)
			continue;
		snprintf(path, sizeof(path), "clients[%u]", i);
		conf_say(r, conf, SL_ERROR, path,
			"one client group too many, expected at most %d with that of node",
			SL_MAX_CLIENT_GROUPS);
		return;
	}
}

void
conf_groups(struct reader *r, struct sl_conf *conf)
{
	uint32_t *group = sl_xcalloc(conf->n_clients, sizeof(*group));
	uint32_t n;
	struct claim *v = claims(r, conf, &n);

	make_groups(r, conf, group);
	conf->group_prefixes = sl_xcalloc(n, sizeof(*conf->group_prefixes));
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			check_again(r, conf, &v[i]);
		conf->group_prefixes[conf->n_group_prefixes++] =
			(struct sl_conf_group_prefix){v[i].prefix, group[v[i].entry]};
	}
	free(v);
	free(group);
}

const struct sl_conf_group_prefix *
sl_conf_group_of(const struct sl_conf *conf, const struct sl_ip *addr)
{
	const struct sl_conf_group_prefix *best = NULL;

	for (uint32_t i = 0; i < conf->n_group_prefixes; i++) {
		const struct sl_conf_group_prefix *p = &conf->group_prefixes[i];

		if (sl_prefix_contains(&p->prefix, addr) &&
			(!best || p->prefix.len > best->prefix.len))
			best = p;
	}
	return best;
}
