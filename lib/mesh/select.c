// workloadSelector: which WorkloadEntries and Pods a ServiceEntry of their namespace picks, and
// back (istio-semantics 3.5). Both are kept by label, so that neither looks at everything.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

const char *
label_value(const struct sl_label *label, uint32_t n, const char *key)
{
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(label[i].key, key) == 0)
			return label[i].value;
	}
	return NULL;
}

bool
labels_match(
	const struct sl_label *want, uint32_t n_want, const struct sl_label *has, uint32_t n_has)
{
	for (uint32_t i = 0; i < n_want; i++) {
		const char *value = label_value(has, n_has, want[i].key);

		if (!value || strcmp(value, want[i].value) != 0)
			return false;
	}
	return true;
}

// ---- buckets ----

// label NULL: that of everybody.
static char *
bucket_key(const char *namespace_, const struct sl_label *label)
{
	if (!label)
		return sl_xasprintf("%s/", namespace_);
	return sl_xasprintf("%s/%s=%s", namespace_, label->key, label->value);
}

static struct bucket *
bucket_find(const struct sl_mesh *m, const char *namespace_, const struct sl_label *label)
{
	char *key = bucket_key(namespace_, label);
	struct bucket *b = by_key_find(&m->buckets, key);

	free(key);
	return b;
}

static struct bucket *
bucket_get(struct sl_mesh *m, const char *namespace_, const struct sl_label *label)
{
	char *key = bucket_key(namespace_, label);
	struct bucket *b = by_key_find(&m->buckets, key);

	if (!b) {
		b = sl_xcalloc(1, sizeof(*b));
		by_key_add(&m->buckets, &b->node, key);
	}
	free(key);
	return b;
}

static void
bucket_drop_if_empty(struct sl_mesh *m, struct bucket *b)
{
	if (b->workload.n || b->selector.n)
		return;
	by_key_del(&m->buckets, &b->node);
	ptrs_fini(&b->workload);
	ptrs_fini(&b->selector);
	free(b);
}

// ---- workloads ----

static char *
workload_key(const struct sl_object *obj)
{
	return sl_xasprintf(
		"%s/%s/%s", sl_kind_name(obj->kind), obj->meta.namespace_, obj->meta.name);
}

struct workload *
workload_find(const struct sl_mesh *m, const struct sl_object *obj)
{
	char *key = workload_key(obj);
	struct workload *w = by_key_find(&m->workloads, key);

	free(key);
	return w;
}

// Labels of the metadata, and those of the spec that it does not have (istio-semantics 1.2).
static void
merge_labels(struct workload *w)
{
	const struct sl_meta *meta = &w->obj->meta;
	const bool is_we = w->obj->kind == SL_KIND_WORKLOAD_ENTRY;
	const uint32_t n_spec = is_we ? w->obj->we.ep.n_labels : 0;

	w->label = sl_xcalloc(meta->n_labels + n_spec + 1, sizeof(*w->label));
	for (uint32_t i = 0; i < meta->n_labels; i++)
		w->label[w->n_labels++] = meta->labels[i];
	for (uint32_t i = 0; i < n_spec; i++) {
		const struct sl_label *l = &w->obj->we.ep.labels[i];

		if (!label_value(meta->labels, meta->n_labels, l->key))
			w->label[w->n_labels++] = *l;
	}
}

void
workload_put(struct sl_mesh *m, struct sl_object *obj)
{
	struct workload *w = sl_xcalloc(1, sizeof(*w));
	char *key = workload_key(obj), locality[2049];

	w->obj = obj;
	merge_labels(w);
	// The labels that count are the merged ones.
	const struct sl_se_endpoint ep = {.labels = w->label,
		.n_labels = w->n_labels,
		.locality = obj->kind == SL_KIND_WORKLOAD_ENTRY ? obj->we.ep.locality : NULL};

	w->locality = intern(m, sl_se_endpoint_locality(&ep, locality, sizeof(locality)));
	by_key_add(&m->workloads, &w->node, key);
	free(key);
	ptrs_add(&bucket_get(m, obj->meta.namespace_, NULL)->workload, w);
	for (uint32_t i = 0; i < w->n_labels; i++)
		ptrs_add(&bucket_get(m, obj->meta.namespace_, &w->label[i])->workload, w);
}

void
workload_del(struct sl_mesh *m, const struct sl_object *obj)
{
	struct workload *w = workload_find(m, obj);

	for (uint32_t i = 0; i <= w->n_labels; i++) {
		struct bucket *b = bucket_find(
			m, obj->meta.namespace_, i == w->n_labels ? NULL : &w->label[i]);

		ptrs_del(&b->workload, w);
		bucket_drop_if_empty(m, b);
	}
	by_key_del(&m->workloads, &w->node);
	free(w->label);
	free(w);
}

// ---- selectors ----

static const struct sl_label *
first_label(const struct sl_object *se)
{
	return se->se.n_selector ? &se->se.selector[0] : NULL;
}

void
selector_put(struct sl_mesh *m, struct sl_object *se)
{
	if (se->se.has_selector)
		ptrs_add(&bucket_get(m, se->meta.namespace_, first_label(se))->selector, se);
}

void
selector_del(struct sl_mesh *m, const struct sl_object *se)
{
	struct bucket *b;

	if (!se->se.has_selector)
		return;
	b = bucket_find(m, se->meta.namespace_, first_label(se));
	ptrs_del(&b->selector, se);
	bucket_drop_if_empty(m, b);
}

static int
by_kind_and_name(const void *pa, const void *pb)
{
	const struct sl_object *a = (*(struct workload *const *)pa)->obj;
	const struct sl_object *b = (*(struct workload *const *)pb)->obj;
	const int d = strcmp(sl_kind_name(a->kind), sl_kind_name(b->kind));

	return d ? d : strcmp(a->meta.name, b->meta.name);
}

// A pod that is going, has ended or has no address yet is no endpoint.
static bool
is_endpoint(const struct sl_object *obj)
{
	const struct sl_pod *pod = &obj->pod;

	if (obj->kind != SL_KIND_POD)
		return true;
	if (pod->terminating || !pod->ip.family)
		return false;
	return !pod->phase ||
	       (strcmp(pod->phase, "Succeeded") != 0 && strcmp(pod->phase, "Failed") != 0);
}

// A WorkloadEntry with a name or a Unix socket is for ServiceEntries that resolve names
// (istio-semantics 3.5).
static bool
may_take(const struct sl_object *se, const struct sl_object *workload)
{
	if (workload->kind == SL_KIND_POD)
		return is_endpoint(workload);
	if (se->se.resolution == SL_RESOLUTION_STATIC)
		return workload->we.ep.ip.family || !workload->we.ep.address;
	return true;
}

// The label with the fewest carriers is where to look.
static const struct bucket *
smallest(const struct sl_mesh *m, const struct sl_object *se)
{
	const struct bucket *best = NULL;

	if (!se->se.n_selector)
		return bucket_find(m, se->meta.namespace_, NULL);
	for (uint32_t i = 0; i < se->se.n_selector; i++) {
		const struct bucket *b = bucket_find(m, se->meta.namespace_, &se->se.selector[i]);

		if (!b)
			return NULL;
		if (!best || b->workload.n < best->workload.n)
			best = b;
	}
	return best;
}

void
selector_pick(const struct sl_mesh *m, const struct sl_object *se, struct ptrs *out)
{
	const struct bucket *b = smallest(m, se);

	for (uint32_t i = 0; b && i < b->workload.n; i++) {
		struct workload *w = b->workload.v[i];

		if (may_take(se, w->obj) &&
			labels_match(se->se.selector, se->se.n_selector, w->label, w->n_labels))
			ptrs_add(out, w);
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_kind_and_name);
}

// The ServiceEntries whose selector takes the labels, whether they then use it or not.
void
selectors_of(const struct sl_mesh *m, const struct workload *w, struct ptrs *out)
{
	for (uint32_t i = 0; i <= w->n_labels; i++) {
		const struct bucket *b = bucket_find(
			m, w->obj->meta.namespace_, i == w->n_labels ? NULL : &w->label[i]);

		for (uint32_t k = 0; b && k < b->selector.n; k++) {
			struct sl_object *se = b->selector.v[k];

			if (labels_match(se->se.selector, se->se.n_selector, w->label, w->n_labels))
				ptrs_add(out, se);
		}
	}
}
