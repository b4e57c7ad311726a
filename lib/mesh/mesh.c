#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "names.h"
#include "sl_str.h"
#include "vip.h"

const char *
intern(struct sl_mesh *m, const char *text)
{
	struct text *t = *text ? by_key_find(&m->texts, text) : NULL;

	if (!*text)
		return "";
	if (!t) {
		t = sl_xcalloc(1, sizeof(*t));
		by_key_add(&m->texts, &t->node, text);
	}
	return t->node.key;
}

struct space *
space_get(struct sl_mesh *m, const char *name)
{
	struct space *s = by_key_find(&m->spaces, name);

	if (!s) {
		s = sl_xcalloc(1, sizeof(*s));
		by_key_add(&m->spaces, &s->node, name);
	}
	return s;
}

const char *
full_host(const char *host, const char *namespace_, char buf[HOST_MAX])
{
	if (strchr(host, '.') || strchr(host, '*'))
		snprintf(buf, HOST_MAX, "%s", host);
	else
		snprintf(buf, HOST_MAX, "%s.%s.svc.cluster.local", host, namespace_);
	return buf;
}

bool
covers(const char *pattern, const char *name)
{
	const size_t n = strlen(pattern), len = strlen(name);

	if (*pattern != '*')
		return strcmp(pattern, name) == 0;
	return n <= len && strcmp(name + len - (n - 1), pattern + 1) == 0;
}

struct host *
host_covering(const struct sl_mesh *m, const char *name, const uint32_t *wild, size_t *len)
{
	const size_t whole = strlen(name);
	char pattern[HOST_MAX];

	if (whole >= HOST_MAX)
		return NULL;
	if (*len == 0) {
		struct host *h = by_key_find(&m->hosts, name);

		*len = whole + 1;
		if (h)
			return h;
	}
	while (--*len > 0) {
		if (!wild[*len])
			continue;
		snprintf(pattern, sizeof(pattern), "*%s", name + whole - (*len - 1));
		struct host *h =
			strcmp(pattern, name) == 0 ? NULL : by_key_find(&m->hosts, pattern);

		if (h)
			return h;
	}
	*len = 1; // stays at the end
	return NULL;
}

int
by_age(const void *pa, const void *pb)
{
	const struct sl_meta *a = &(*(struct sl_object *const *)pa)->meta;
	const struct sl_meta *b = &(*(struct sl_object *const *)pb)->meta;
	int d = strcmp(a->creation ? a->creation : "", b->creation ? b->creation : "");

	if (!d)
		d = strcmp(a->name, b->name);
	return d ? d : strcmp(a->namespace_, b->namespace_);
}

// ---- start, configuration, end ----

static void
use_config(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct space *s; (s = by_key_next(&m->spaces, &it)) != NULL;)
		s->clients = 0;
	m->n_clients = m->cfg.n_clients;
	for (unsigned g = 0; g < m->n_clients; g++) {
		m->client[g].pub = &m->cfg.client[g];
		m->client[g].space = space_get(m, m->cfg.client[g].namespace_);
		m->client[g].space->clients |= UINT64_C(1) << g;
	}
	auto_vips_configure(m);
	m->all_dirty = true;
}

void
sl_mesh_configure(struct sl_mesh *m, const struct sl_mesh_cfg *cfg)
{
	char *text = config_text(cfg);

	m->cfg.allow_any = cfg->allow_any;
	if (m->cfg_text && strcmp(text, m->cfg_text) == 0) {
		free(text);
		return;
	}
	free(m->cfg_text);
	m->cfg_text = text;
	config_fini(&m->cfg);
	config_copy(&m->cfg, cfg);
	use_config(m);
}

struct sl_mesh *
sl_mesh_new(struct sl_registry *registry)
{
	static const struct sl_mesh_client node = {.namespace_ = "default"};
	struct sl_mesh *m = sl_xcalloc(1, sizeof(*m));

	m->registry = registry;
	sl_mesh_configure(m, &(struct sl_mesh_cfg){.client = &node, .n_clients = 1});
	return m;
}

static void
free_services(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		service_unmake(m, s);
		by_key_del(&m->services, &s->node);
		ptrs_fini(&s->obj);
		free(s);
	}
	by_key_fini(&m->services);
	ptrs_fini(&m->by_id);
	ptrs_fini(&m->free_ids);
	free(m->sorted);
}

static void
free_hosts(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct host *h; (h = by_key_next(&m->hosts, &it)) != NULL;) {
		suffix_del(m, h);
		by_key_del(&m->hosts, &h->node);
		ptrs_fini(&h->svc);
		ptrs_fini(&h->dr);
		ptrs_fini(&h->vs);
		ptrs_fini(&h->to);
		free(h);
	}
	by_key_fini(&m->hosts);
	by_key_fini(&m->suffixes);
}

static void
free_workloads(struct sl_mesh *m)
{
	struct map_it it = {0};

	for (struct workload *w; (w = by_key_next(&m->workloads, &it)) != NULL;) {
		by_key_del(&m->workloads, &w->node);
		free(w->label);
		free(w);
	}
	by_key_fini(&m->workloads);
	it = (struct map_it){0};
	for (struct bucket *b; (b = by_key_next(&m->buckets, &it)) != NULL;) {
		by_key_del(&m->buckets, &b->node);
		ptrs_fini(&b->workload);
		ptrs_fini(&b->selector);
		free(b);
	}
	by_key_fini(&m->buckets);
}

// Nodes that hold nothing but themselves.
static void
free_nodes(struct map *map)
{
	struct map_it it = {0};

	for (struct node *n; (n = by_key_next(map, &it)) != NULL;) {
		by_key_del(map, n);
		free(n);
	}
	by_key_fini(map);
}

void
sl_mesh_free(struct sl_mesh *m)
{
	if (!m)
		return;
	auto_vips_fini(m);
	free_services(m);
	mesh_names_fini(m);
	free_hosts(m);
	free_workloads(m);
	free_nodes(&m->spaces);
	free_nodes(&m->texts);
	ptrs_fini(&m->dirty);
	ptrs_fini(&m->changed);
	ptrs_fini(&m->routed);
	ptrs_fini(&m->touched);
	ptrs_fini(&m->told);
	config_fini(&m->cfg);
	free(m->cfg_text);
	free(m);
}
