// Which endpoint a flow goes to: of the service that the client's group sees, one that packets can
// reach.

#include "open.h"

#include <assert.h>
#include <errno.h>

const struct sl_fwd_eps *
pipe_match(const struct sl_fwd *fwd, const struct sl_tuple *t, uint32_t kinds)
{
	// Replies that came to the wrong worker are the common case here: no search for them.
	if (kinds == SL_ADDR_POOL)
		return NULL;
	const unsigned client = sl_fwd_client(fwd, t->src);
	const struct sl_fwd_service *service =
		sl_fwd_match_vip(fwd, t->proto, t->dst, t->dport, client);

	if (service)
		return sl_fwd_service_eps(service);
	if ((kinds & (SL_ADDR_POOL | SL_ADDR_LOCAL)) || !sl_wire_is_host(t->dst))
		return NULL;
	service = sl_fwd_match_wide(fwd, t->proto, t->dst, t->dport, client);
	return service ? sl_fwd_service_eps(service) : fwd->unknown;
}

// xorshift64*
static uint64_t
draw(struct sl_pipe *p)
{
	p->rnd ^= p->rnd >> 12;
	p->rnd ^= p->rnd << 25;
	p->rnd ^= p->rnd >> 27;
	return p->rnd * UINT64_C(0x2545F4914F6CDD1D);
}

static enum sl_drop
pick(struct sl_pipe *p, const struct burst *b, const struct sl_fwd_eps *eps,
	const struct sl_tuple *client, struct attempt *a)
{
	const struct sl_fwd_ask ask = {
		.rnd = draw(p),
		.hash = sl_fwd_hash_source(client->src),
		.now_ns = b->now_ns,
		.tried = a->tried,
		.n_tried = a->n_tried,
	};
	const int rc = sl_fwd_pick(eps, p->load, &ask, &a->choice);

	if (rc < 0)
		return rc == -EDQUOT   ? SL_DROP_CONNECTION_LIMIT
		       : rc == -EAGAIN ? SL_DROP_NAME_PENDING
				       : SL_DROP_NO_ENDPOINT;
	assert(a->choice.ep->slot < p->n_slots);
	a->tried[a->n_tried++] = a->choice.ep->slot;
	return SL_DROP_NONE;
}

// What the choice means for this client. An original destination that is ours would come back, and
// nothing is sent to class E.
static enum sl_drop
aim_at(const struct sl_fwd *fwd, const struct sl_tuple *client, struct attempt *a)
{
	const struct sl_fwd_ep *ep = a->choice.ep;

	a->addr = ep->addr ? ep->addr : client->dst;
	a->port = ep->port ? ep->port : client->dport;
	if (!ep->addr &&
		(sl_fwd_addr_kinds(fwd->net, client->dst) != 0 || !sl_wire_is_host(client->dst)))
		return SL_DROP_DENIED;
	return SL_DROP_NONE;
}

// No flow is opened towards where no packet can go: it would hold a port for a handshake that
// cannot happen. A neighbour that is not resolved yet is another matter.
enum sl_drop
pipe_choose(struct sl_pipe *p, const struct burst *b, const struct sl_fwd_eps *eps,
	const struct sl_tuple *client, struct attempt *a)
{
	enum sl_drop first = SL_DROP_NONE;

	while (a->n_tried < SYN_TRIED) {
		enum sl_drop why = pick(p, b, eps, client, a);

		if (why != SL_DROP_NONE)
			return first != SL_DROP_NONE ? first : why;
		why = aim_at(b->fwd, client, a);
		if (why == SL_DROP_NONE)
			why = pipe_find_hop(p, b, a->addr, &a->next);
		if (why == SL_DROP_NONE)
			return SL_DROP_NONE;
		if (first == SL_DROP_NONE)
			first = why;
	}
	return first != SL_DROP_NONE ? first : SL_DROP_NO_ENDPOINT;
}
