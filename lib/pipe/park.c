#include "park.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "pipe_priv.h"

#define DEFAULT_TOTAL 256
#define DEFAULT_NS    SL_NSEC_PER_SEC
#define TRIES_BUDGET  16
// So that neither one client nor one service takes all the room.
#define CLIENT_SHARE  4
#define SERVICE_SHARE 2

int
park_init(struct park *q, const struct sl_pipe_cfg *cfg)
{
	*q = (struct park){
		.total = cfg->park_total ? cfg->park_total : DEFAULT_TOTAL,
		.ns = cfg->park_ns ? cfg->park_ns : DEFAULT_NS,
	};
	q->ring = own_calloc(q->total, sizeof(*q->ring));
	return q->ring ? 0 : -ENOMEM;
}

void
park_fini(struct park *q)
{
	free(q->ring);
	q->ring = NULL;
}

static struct parked *
at(const struct park *q, uint32_t i)
{
	return &q->ring[(q->head + i) % q->total];
}

static void
put(struct sl_pipe *p, struct sl_pkt *pkt, uint64_t until_ns)
{
	struct park *q = &p->park;

	assert(q->n < q->total);
	pkt->verdict = SL_V_HOLD;
	*at(q, q->n++) = (struct parked){.pkt = *pkt, .until_ns = until_ns};
	p->stats->counter[SL_C_HELD]++;
}

static uint64_t
take(struct sl_pipe *p, struct sl_pkt *out)
{
	struct park *q = &p->park;
	const struct parked *e = at(q, 0);

	*out = e->pkt;
	q->head = (q->head + 1) % q->total;
	q->n--;
	assert(p->stats->counter[SL_C_HELD] > 0);
	p->stats->counter[SL_C_HELD]--;
	return e->until_ns;
}

struct crowd {
	struct parked *same; // with the same tuple
	uint32_t of_client;
	uint32_t of_service;
};

static struct crowd
survey(const struct park *q, const struct sl_tuple *t)
{
	struct crowd c = {.same = NULL};

	for (uint32_t i = 0; i < q->n; i++) {
		struct parked *e = at(q, i);
		const struct sl_tuple *o = &e->pkt.info.tuple;
		const bool client = o->src == t->src;
		const bool service =
			o->dst == t->dst && o->dport == t->dport && o->proto == t->proto;

		c.of_client += client;
		c.of_service += service;
		if (client && service && o->sport == t->sport)
			c.same = e;
	}
	return c;
}

static uint32_t
share(const struct park *q, uint32_t part)
{
	return q->total > part ? q->total / part : 1;
}

static bool
has_room(const struct park *q, const struct crowd *c)
{
	return q->n < q->total && c->of_client < share(q, CLIENT_SHARE) &&
	       c->of_service < share(q, SERVICE_SHARE);
}

// A client that begins anew from the same port has another sequence number: the later one counts.
static void
replace(struct sl_pipe *p, struct parked *e, struct sl_pkt *pkt)
{
	const struct sl_pkt older = e->pkt;

	pkt->verdict = SL_V_HOLD;
	e->pkt = *pkt;
	*pkt = older;
	pipe_drop(p, pkt, SL_DROP_NAME_PENDING);
}

static bool
keep(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	const struct crowd c = survey(&p->park, &pkt->info.tuple);

	if (c.same) {
		replace(p, c.same, pkt);
		return true;
	}
	if (!has_room(&p->park, &c))
		return false;
	put(p, pkt, b->now_ns + p->park.ns);
	p->stats->counter[SL_C_PARKED]++;
	return true;
}

static bool
keep_on(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	if (b->now_ns >= b->park_until)
		return false;
	put(p, pkt, b->park_until);
	return true;
}

void
pipe_park(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	if (b->park_until ? keep_on(p, b, pkt) : keep(p, b, pkt))
		return;
	pipe_reject(p, b, pkt, SL_DROP_NAME_PENDING, SL_ICMP_UNREACH_PORT);
}

// True: it waits here no longer. It may wait for its next hop instead, which is no news to the
// caller either.
static bool
try_again(struct sl_pipe *p, struct burst *b, struct sl_pkt *out)
{
	b->park_until = take(p, out);
	pipe_again(p, b, out);
	b->park_until = 0;
	return out->verdict != SL_V_HOLD;
}

// By the clock and not by the snapshot's generation: a service's set is swapped in place.
unsigned
pipe_unpark(struct sl_pipe *p, struct burst *b, struct sl_pkt *out, unsigned max)
{
	struct park *q = &p->park;
	unsigned n = 0;

	if (q->left == 0 && q->n > 0 && b->now_ns >= q->round_ns) {
		q->left = q->n;
		q->round_ns = b->now_ns + PARK_ROUND_NS;
	}
	for (unsigned tries = TRIES_BUDGET; q->left > 0 && tries > 0 && n < max; tries--) {
		q->left--;
		n += try_again(p, b, &out[n]);
	}
	return n;
}

bool
pipe_park_take(struct sl_pipe *p, struct sl_pkt *out)
{
	p->park.left = 0;
	if (p->park.n == 0)
		return false;
	take(p, out);
	return true;
}
