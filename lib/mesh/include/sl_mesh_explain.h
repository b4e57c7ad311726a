// `explain`: what the gateway would do with a new flow, and why. The same offline and in the
// daemon, which adds what only it knows.
//
// Owner:   nothing is kept.
// Threads: as sl_mesh.h.
// Errors:  -EINVAL and a sentence in why.
// Limits:  looks at every service; when none takes the flow, sorts them all.
#pragma once

#include "sl_emit.h"
#include "sl_mesh_binding.h"
#include "sl_mesh_conf.h"

// Names are borrowed.
struct sl_mesh_question {
	struct sl_ip from; // IPv4 both
	struct sl_ip to;
	uint16_t port;
	uint8_t proto;
	const char *sni;  // NULL: not asked
	const char *host; // likewise
};

// Out of the arguments of the command (docs/control.md), any of them NULL when it is not there.
int sl_mesh_question_parse(const char *from, const char *to, const char *proto, const char *sni,
	const char *host, struct sl_mesh_question *q, struct sl_buf *why);

// What an address is to the gateway.
enum sl_mesh_ours { // bits
	SL_MESH_OURS_VIP = 1,
	SL_MESH_OURS_POOL = 2,
	SL_MESH_OURS_LOCAL = 4, // on a mirror
};

// What only the running gateway knows. All of it, or no struct (offline).
struct sl_mesh_live {
	void *ctx;
	unsigned (*ours)(void *ctx, const struct sl_ip *addr);
	// Why nothing reaches that address, static text; NULL: it does, as far as is known.
	const char *(*trouble)(void *ctx, const struct sl_ip *addr);
	// False: the workers do not have the candidate.
	bool (*load)(void *ctx, const struct sl_mesh_candidate *c, struct sl_endpoint_load *load);
};

// The row of `explain`, an object. conf says who the client is; m was configured with it.
void sl_mesh_explain_emit(struct sl_mesh *m, const struct sl_conf *conf,
	const struct sl_mesh_question *q, const struct sl_mesh_live *live, struct sl_emit *e);
