// The express way, by instruction set; see express.c. All do the same; the best that the machine
// has is taken.
#pragma once

#include "pipe_priv.h"

// Packets that change nothing get their verdict; the others are put into b->odd (not parsed yet),
// b->miss and b->hit, in order.
typedef void pipe_express_fn(struct sl_pipe *p, struct burst *b, struct sl_pkt *pkts, unsigned n);

pipe_express_fn pipe_express_scalar;
#if defined(__x86_64__)
pipe_express_fn pipe_express_v2;
pipe_express_fn pipe_express_v3;
pipe_express_fn pipe_express_v4;
#endif
