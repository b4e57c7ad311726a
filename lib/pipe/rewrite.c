// Stage 4: the headers become those of the other side.

#include "pipe_priv.h"
#include "sl_wire_plain.h"

void
pipe_rewrite_one(const struct hit *h)
{
	sl_wire_rewrite_to_mirror(h->pkt->data, h->pkt->info.l4_off, &h->flow->tuple[!h->dir],
		h->flow->delta[h->dir]);
}

void
pipe_rewrite(struct burst *b)
{
	for (unsigned i = 0; i < b->n_hit; i++)
		pipe_rewrite_one(&b->hit[i]);
}
