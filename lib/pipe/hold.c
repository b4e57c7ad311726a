#include "hold.h"

#include <errno.h>
#include <stdlib.h>

#define NONE            UINT32_MAX
#define HOPS_EXTRA      64 // hops that were asked for without a frame that waits
#define ASK_NS          SL_NSEC_PER_SEC
#define DEFAULT_PER_HOP 16
#define DEFAULT_HOLD_NS (3 * SL_NSEC_PER_SEC)

int
hold_init(struct hold *q, const struct sl_pipe_cfg *cfg)
{
	*q = (struct hold){
		.total = cfg->hold_total,
		.free = cfg->hold_total ? 0 : NONE,
		.per_hop = cfg->hold_per_hop ? cfg->hold_per_hop : DEFAULT_PER_HOP,
		.hold_ns = cfg->hold_ns ? cfg->hold_ns : DEFAULT_HOLD_NS,
		.ask = cfg->ask,
		.ctx = cfg->ctx,
	};
	q->max_waited = q->total + HOPS_EXTRA;
	q->held = own_calloc(q->total + 1, sizeof(*q->held)); // of none may be NULL
	q->waited = own_calloc(q->max_waited, sizeof(*q->waited));
	if (!q->held || !q->waited) {
		hold_fini(q);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < q->total; i++)
		q->held[i].next = i + 1 < q->total ? i + 1 : NONE;
	return 0;
}

void
hold_fini(struct hold *q)
{
	free(q->held);
	free(q->waited);
	q->held = NULL;
	q->waited = NULL;
}

void
hold_forget(struct hold *q, struct waited *w)
{
	*w = q->waited[--q->n_waited];
}

static struct waited *
find(struct hold *q, const struct sl_fwd_hop *hop)
{
	for (uint32_t i = 0; i < q->n_waited; i++) {
		struct waited *w = &q->waited[i];

		if (w->hop.addr == hop->addr && w->hop.port == hop->port)
			return w;
	}
	return NULL;
}

// Makes room by forgetting a hop that no frame waits for: there is one, as there are more places
// than frames. It may be asked for again a little early, which does no harm.
static void
evict(struct hold *q)
{
	for (uint32_t i = 0; i < q->n_waited; i++) {
		if (q->waited[i].n == 0) {
			hold_forget(q, &q->waited[i]);
			return;
		}
	}
}

static struct waited *
find_or_add(struct hold *q, const struct sl_fwd_hop *hop)
{
	struct waited *w = find(q, hop);

	if (w)
		return w;
	if (q->n_waited == q->max_waited)
		evict(q);
	w = &q->waited[q->n_waited++];
	*w = (struct waited){.hop = *hop, .head = NONE, .tail = NONE};
	return w;
}

static void
ask(struct hold *q, struct waited *w, uint64_t now_ns)
{
	if (now_ns < w->ask_ns || !q->ask)
		return;
	w->ask_ns = now_ns + ASK_NS;
	q->ask(q->ctx, w->hop.port, w->hop.addr);
}

void
hold_ask(struct hold *q, const struct sl_fwd_hop *hop, uint64_t now_ns)
{
	ask(q, find_or_add(q, hop), now_ns);
}

bool
hold_put(struct hold *q, const struct sl_pkt *pkt, const struct sl_fwd_hop *hop, uint64_t now_ns)
{
	struct waited *w = find_or_add(q, hop);
	const uint32_t at = q->free;

	ask(q, w, now_ns);
	if (at == NONE || w->n == q->per_hop)
		return false;
	struct held *h = &q->held[at];

	q->free = h->next;
	*h = (struct held){.pkt = *pkt, .deadline_ns = now_ns + q->hold_ns, .next = NONE};
	if (w->n++ == 0)
		w->head = at;
	else
		q->held[w->tail].next = at;
	w->tail = at;
	q->n_held++;
	return true;
}

const struct held *
hold_first(const struct hold *q, const struct waited *w)
{
	return &q->held[w->head];
}

void
hold_take(struct hold *q, struct waited *w, struct sl_pkt *out)
{
	const uint32_t at = w->head;
	struct held *h = &q->held[at];

	*out = h->pkt;
	w->head = h->next;
	w->n--;
	h->next = q->free;
	q->free = at;
	q->n_held--;
}
