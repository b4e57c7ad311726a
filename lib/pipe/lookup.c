// Stage 2: tuples to flows, the whole burst at once.

#include "pipe_priv.h"

void
pipe_lookup(struct sl_pipe *p, struct burst *b)
{
	const struct sl_tuple *tuple[SL_BURST];
	uint32_t ref[SL_BURST];

	for (unsigned i = 0; i < b->n_work; i++)
		tuple[i] = &b->work[i]->info.tuple;
	sl_flow_lookup(p->flows, tuple, b->n_work, ref);
	for (unsigned i = 0; i < b->n_work; i++) {
		if (sl_likely(ref[i] != SL_FLOW_NONE)) {
			pipe_add_hit(b, b->work[i], sl_flow_at(p->flows, ref[i] >> 1), ref[i]);
			continue;
		}
		b->work[i]->reopens = false;
		b->miss[b->n_miss++] = b->work[i];
	}
}
