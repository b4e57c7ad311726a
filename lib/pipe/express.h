// The express way, by instruction set; see express.c. All do the same; the best that the machine
// has is taken.
#pragma once

#include "pipe_priv.h"

// Packets that change nothing get their verdict; the others are put into b->odd (not parsed yet),
// b->miss and b->hit, in order.
typedef void pipe_express_fn(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkts, unsigned n);

struct pipe_variant {
	const char *name;
	pipe_express_fn *express;
};

// Of those that are built for this kind of machine, the best that it has and that has this name;
// NULL: any name. variants.c, or variants_x86.c.
const struct pipe_variant *pipe_variant(const char *name);

pipe_express_fn pipe_express_scalar;
pipe_express_fn pipe_express_v2;
pipe_express_fn pipe_express_v3;
pipe_express_fn pipe_express_v4;
