// The names that services want (lib/mesh) and who resolves them (lib/dns), put together: answers go
// to the mesh, and what they change is published a moment later, so that many changes cost few
// passes. Readiness waits for the first answers.
//
// Owner:   names_new() / names_free(), with the uses of all names.
// Threads: control only.
// Errors:  as said per function. Answers that could not be published are tried again every
//          NAMES_RETRY_S.
// Limits:  a change waits at most NAMES_PUBLISH_MS for others; a name costs a use of lib/dns.
#pragma once

#include "sl_control.h"
#include "sl_dns.h"

#define NAMES_PUBLISH_MS 5
#define NAMES_RETRY_S    1

struct names;

// The resolver of c->conf->dns. NULL and *why (the caller frees).
struct names *names_new(struct sl_control *c, char **why);
void names_free(struct names *n);
struct sl_dns *names_dns(const struct names *n);
// Other servers and times, after a reload. What does not work is an error in diags; the resolver
// goes on as before then.
void names_configure(struct names *n, struct sl_diags *diags);

// Follows the mesh, after each update of it. Returns whether that brought answers which the mesh
// did not have: it has to be looked at once more.
bool names_follow(struct names *n);

// Asks at once for names without an address: something may be reachable that was not.
void names_retry(struct names *n);

// Once no name is pending any more, or `ready_ns` of the configuration later: fn(ctx), from here or
// from the event loop, once.
void names_when_ready(struct names *n, void (*fn)(void *ctx), void *ctx);
// It may be time: something was published.
void names_check_ready(struct names *n);

// What is known of the names of an object: a ServiceEntry's, or that of a WorkloadEntry.
struct names_summary {
	uint32_t n;
	uint32_t n_resolved;
	// The first that has no address
	const char *unresolved; // NULL: none
	enum sl_dns_state state;
	const char *error; // NULL: none
	// The one that is stale for the longest time
	const char *stale; // NULL: none
	uint64_t stale_for_ns;
	const char *stale_error;
};
void names_of(const struct names *n, const struct sl_object *obj, struct names_summary *out);
// What is the matter with the unresolved one, for people; the caller frees.
char *names_unresolved_text(const struct names_summary *names);
// Of a service: some name of it has no answer that says anything, and had that address in the last
// one, or nobody knows: it may still be right. Or it is one of an answer of which the first counts.
bool names_may_have(const struct sl_mesh_service *svc, sl_be32 addr);
