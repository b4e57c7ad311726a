// Rules of a ServiceEntry that need no other object, and the remarks on what is not served.
#pragma once

#include "schema.h"
#include "sl_conf.h"

// The addresses of endpoints as values.
void se_finish(const struct node *root, struct sl_object *obj);
// obj was read from root; adds errors and warnings for what the rows cannot say.
void se_rules(struct reader *r, const struct node *root, const struct sl_object *obj);
// obj is valid: notes on it, each also a warning, for what is not served or has no effect.
void se_remarks(struct reader *r, const struct node *root, struct sl_object *obj);

// ---- what both use ----

struct se_check {
	struct reader *r;
	const struct node *root;
	const struct node *spec;
	const struct sl_object *obj;
	const struct sl_service_entry *se;
	struct sl_object *notes; // that remarks go to
	char path[400];          // of the finding
};

#define P(c, ...) (snprintf((c)->path, sizeof((c)->path), __VA_ARGS__), (c)->path)

// Adds a key to c->path, which it returns.
const char *se_path_key(struct se_check *c, const char *key);
// The node at a path ("spec.ports[1].name"), or the nearest one around it.
const struct node *node_at(const struct node *root, const char *path);
void se_say(struct se_check *c, enum sl_severity severity, const char *rule, const char *path,
	const char *fmt, ...) SL_PRINTF(5, 6);
// A note on c->notes and a warning. rule: NULL or an id.
void se_remark(struct se_check *c, const char *rule, const char *path, const char *fmt, ...)
	SL_PRINTF(4, 5);
// The key of spec is there and not null, be it empty (the CRD asks has(), not len()).
bool se_given(const struct se_check *c, const char *key);
// metadata of any kind.
void obj_check_meta(struct se_check *c);
// Keys and values of labels, which stand at `at` (H8).
void se_labels(
	struct se_check *c, const char *at, const char *rule, const struct sl_label *v, uint32_t n);
// Labels of a workloadSelector, which stand at `at`.
void se_selector(
	struct se_check *c, const char *at, const char *rule, const struct sl_label *v, uint32_t n);
// spec.exportTo (E1..E5). nobody: `~` may stand in it.
void se_export_to(struct se_check *c, char *const *v, uint32_t n, bool nobody);
// Annotations of sluice.io of a ServiceEntry (N1).
void se_check_names(struct se_check *c);
// The same of a valid one into se, which is c->obj's, with Istio's label and status.addresses; and
// what of it has no effect.
void se_accept_names(struct se_check *c, struct sl_service_entry *se);
// Annotations and labels of sluice.io where nobody reads them: of any kind.
void obj_check_ours(struct se_check *c);
// A name that has to be resolved, and no IP address or Unix socket.
bool se_is_name(const struct sl_se_endpoint *ep);
bool se_has_label(const struct sl_label *v, uint32_t n, const char *key);
