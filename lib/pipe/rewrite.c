// Stage 4: the headers become those of the other side.

#include "pipe_priv.h"

static inline void
rewrite(const struct hit *h)
{
	const struct sl_tuple *other = &h->flow->tuple[!h->dir];
	const struct sl_tuple to = {
		.src = other->dst,
		.dst = other->src,
		.sport = other->dport,
		.dport = other->sport,
		.proto = other->proto,
	};

	sl_wire_rewrite(h->pkt->data, h->pkt->info.l4_off, &to,
		h->dir == SL_DIR_CLIENT ? h->flow->delta : sl_wire_delta_reverse(h->flow->delta));
}

void
pipe_rewrite(struct burst *b)
{
	for (unsigned i = 0; i < b->n_hit; i++)
		rewrite(&b->hit[i]);
}

void
pipe_rewrite_one(const struct hit *h)
{
	rewrite(h);
}
