// A row: objects as YAML, a question, and the answer as one line of text.
#pragma once

#include "sl_mesh_binding.h"
#include "sl_mesh_names.h"
#include "sl_test.h"

#define OBJ(kind, meta, spec)                                                                      \
	"---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {" meta                \
	"}\nspec: " spec "\n"
#define SE(name, spec)         OBJ("ServiceEntry", "name: " name, spec)
#define SE_IN(ns, name, spec)  OBJ("ServiceEntry", "namespace: " ns ", name: " name, spec)
#define WE(name, labels, spec) OBJ("WorkloadEntry", "name: " name ", labels: " labels, spec)
#define DR(name, spec)         OBJ("DestinationRule", "name: " name, spec)
#define DR_IN(ns, name, spec)  OBJ("DestinationRule", "namespace: " ns ", name: " name, spec)
#define VS(name, spec)         OBJ("VirtualService", "name: " name, spec)
#define VS_IN(ns, name, spec)  OBJ("VirtualService", "namespace: " ns ", name: " name, spec)
#define POD(meta, status)                                                                          \
	"---\napiVersion: v1\nkind: Pod\nmetadata: {" meta "}\nstatus: " status "\n"
#define NAMESPACE(name, annotations)                                                               \
	"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " name                             \
	", annotations: " annotations "}\n"

// ask:
//   NULL                  the bindings, in service order:
//                         "DST:PORT/PROTO[CLIENTS] -> CLUSTER + CLUSTER; ...", by_name: "~" behind
//                         the clients; CLUSTER: "wWEIGHT:" when there are several, "SUBSET:", then
//                         "original:PORT", "(problem)", "(pending)" or endpoints
//                         "ADDRESS:PORT*WEIGHT@PRIORITY", "!" behind one that is unhealthy, and
//                         "{WEIGHT}" before those of a locality that has one
//   "CLIENT ADDRESS:PORT" explain (TCP): "forward NAMESPACE/HOST ADDRESS:PORT ...", "deny: reason"
//   "settled"             the bindings that are left after sl_mesh_settle(), by key
//   "services"            "NAMESPACE/HOST[CLIENTS]", and "(why it is not served)"
//   "findings"            "RULE OBJECT PATH", sorted as written
//   "errors"              rules of the diagnostics that refuse an object
//   "ANSWERS? QUESTION"   when DNS has answered so, see mesh_answer(); no QUESTION: the bindings
struct mesh_case {
	const char *name;
	const char *yaml;
	const char *ask;
	const char *want;
};

// Two client groups: 0 in default and r/z with the label app: client, 1 in the namespace "other"
// without any.
const struct sl_mesh_cfg *two_clients(void);

int mesh_cases(const struct mesh_case *row, size_t n, const struct sl_mesh_cfg *cfg);

// Puts what is valid; whether all was. rules: of the errors, or NULL.
struct sl_buf;
bool mesh_load(struct sl_registry *r, const char *yaml, struct sl_buf *rules);
char *mesh_bindings_text(struct sl_mesh *m);
void mesh_put_binding(struct sl_buf *out, const struct sl_mesh_binding *b);

// ---- names ----

// What sl_mesh_names() said is wanted, and how often names came and went.
struct mesh_wanted {
	struct sl_mesh_name *v[128];
	unsigned n;
	unsigned came;
	unsigned went;
};
void mesh_follow_names(struct sl_mesh *m, struct mesh_wanted *w);
// "NAME=ADDRESS,ADDRESS NAME!", as DNS lists them ("!": there is no such name), to the names of
// that text whatever their policy. Returns how many it is another answer for; the next update
// tells.
unsigned mesh_answer(struct sl_mesh *m, const struct mesh_wanted *w, const char *answers);
