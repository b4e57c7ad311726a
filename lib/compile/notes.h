// Notes that compile leaves on objects: gathered while a pass plans, written when it succeeds.
#pragma once

#include "sl_model.h"

enum remark_kind {
	REMARK_VIP_TAKEN, // addresses[index] with ports[port] belongs to other
	REMARK_TWIN,      // endpoints[index] is what endpoints[first] is on ports[port]
};

struct remark {
	struct sl_object *obj;
	const struct sl_object *other;
	enum remark_kind kind;
	uint32_t index;
	uint32_t port;
	uint32_t first;
};

struct remarks {
	struct remark *v;
	size_t n;
	size_t cap;
};

void remark_add(struct remarks *r, const struct remark *remark);
// Notes each once on its object. The objects' old computed notes are gone already.
void remarks_write(struct remarks *r);
