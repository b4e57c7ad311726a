// The names that services want resolved, and their answers. The mesh asks nobody: who resolves
// (lib/control with lib/dns) takes the names from here and puts the answers in.
//
// Owner:   names are the mesh's; `user` belongs to who resolves. Answers are copied.
// Threads: control (or an offline tool) only.
// Errors:  out of memory ends the process.
// Limits:  an answer costs the services that use the name, at the next sl_mesh_update().
//
// Source: istio-semantics 3.2, 3.16.
#pragma once

#include "sl_mesh.h"
#include "sl_name_policy.h"

// One per name and policy that some service wants resolved so.
struct sl_mesh_name {
	const char *name; // lower case, without a dot at the end
	struct sl_name_policy policy;
	void *user; // NULL at first
};

// Calls fn for the names that no service uses any more (wanted false; gone after the call), and
// then for those that came, since the last call. After each sl_mesh_update().
typedef void sl_mesh_name_fn(void *ctx, struct sl_mesh_name *name, bool wanted);
void sl_mesh_names(struct sl_mesh *m, sl_mesh_name_fn *fn, void *ctx);

struct sl_mesh_answer {
	bool pending;           // no answer yet: flows wait for it a little
	const char *why;        // why there is no address; static; NULL: there is one, or pending
	const struct sl_ip *ip; // ascending, each once
	uint32_t n;
	struct sl_ip first; // with policy.first: the one that counts
};
// The answer from now on; before the first one it is pending, and a pending one changes nothing
// later. A name that came with another policy begins with what was known of it. When the answer is
// another one, services that use the name are told by the next update. Returns whether it is.
bool sl_mesh_name_answer(
	struct sl_mesh *m, struct sl_mesh_name *name, const struct sl_mesh_answer *answer);

// The services that use a name (whatever the policy), sorted by namespace, host. The caller frees
// the array.
const struct sl_mesh_service **sl_mesh_name_users(
	const struct sl_mesh *m, const char *name, size_t *n);
// The names of a service, each once; NULL at the end; *it = 0 begins.
const struct sl_mesh_name *sl_mesh_service_name(const struct sl_mesh_service *svc, size_t *it);
