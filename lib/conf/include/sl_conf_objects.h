// Objects out of YAML or JSON: texts, files and folders, and whose rules they are held to.
//
// Owner:   results belong to the caller (sl_objects_fini()).
// Threads: one at a time, any control-side thread.
// Errors:  as of sl_conf.h: every finding is a diagnostic, and the functions return the number of
//          errors they added.
//
// JSON is read as the subset of YAML that it is. Source of the rules: istio-semantics 1 and 2.
#pragma once

#include "sl_diag.h"
#include "sl_model.h"

// Whose rules an object is held to: those of Istio's webhook, of the CRD in the API server, or both
// as in a cluster. Syntax and types always count.
enum sl_rules {
	SL_RULES_UNION,
	SL_RULES_WEBHOOK,
	SL_RULES_CRD,
};
int sl_rules_parse(const char *text, enum sl_rules *rules); // "union", ...: 0 or -EINVAL

// Objects found, in order. Invalid ones are left out and reported, and so is the second of a name
// that is (still) in v.
struct sl_objects {
	struct sl_object **v;
	size_t n;
	size_t cap;
	size_t invalid;  // objects left out, each with an error
	size_t skipped;  // of kinds that are known and not served yet, each with a warning
	uint32_t *slots; // hash index over v, by name
	size_t n_slots;
	enum sl_rules rules; // set before reading
};

// text: one or more documents, `List` objects unfolded. file: the name for diagnostics (copied).
size_t sl_conf_objects(const char *text, size_t len, const char *file, enum sl_origin origin,
	struct sl_objects *out, struct sl_diags *diags);
// The texts behind a path, in the order of sl_conf_objects_path(), unread: for those who send them
// elsewhere. text is NUL-terminated and gone when fn returns. Returns the number of errors (what
// can't be read).
typedef void sl_conf_text_fn(void *ctx, const char *file, const char *text, size_t len);
size_t sl_conf_texts_path(const char *path, sl_conf_text_fn *fn, void *ctx, struct sl_diags *diags);
// A file, a folder (read recursively, *.yaml *.yml *.json, in name order), or "-" for standard
// input. An unreadable path is a diagnostic.
size_t sl_conf_objects_path(
	const char *path, enum sl_origin origin, struct sl_objects *out, struct sl_diags *diags);
void sl_objects_fini(struct sl_objects *o); // frees the objects that are still in it (v[i] != NULL)

// Canonical JSON text of an object to YAML (kubectl's order: apiVersion, kind, metadata, spec).
int sl_conf_json_to_yaml(const char *json, struct sl_buf *out);
