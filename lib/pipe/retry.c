// Packets of our own that come of handshakes: the kept SYN to another endpoint, and the RST to a
// client that no endpoint is left for. They leave in the frame that was the reason, if there is one
// and the next hop is known, and otherwise in a new one when housekeeping finds it to be known.

#include "handshake.h"

#include <assert.h>
#include <string.h>

#define RETRY_BUDGET 32

enum outlook {
	READY,
	WAIT,
	HOPELESS,
};

static sl_be32
goes_to(const struct sl_pipe *p, const struct syn *s)
{
	if (s->wants == SYN_TO_CLIENT)
		return syn_client(s);
	return sl_flow_at(p->flows, s->flow)->tuple[SL_DIR_ENDPOINT].src;
}

static enum outlook
look(struct sl_pipe *p, const struct burst *b, const struct syn *s, struct next_hop *next)
{
	if (pipe_find_hop(p, b, goes_to(p, s), next) != SL_DROP_NONE)
		return HOPELESS;
	if (next->adj)
		return READY;
	hold_ask(&p->hold, &next->hop, b->now_ns);
	// Nothing sees to it that a client's RST does not wait for ever; its SYN will come again.
	return s->wants == SYN_TO_CLIENT ? HOPELESS : WAIT;
}

// The SYN as the client sent it is written to the frame, and becomes what is wanted.
static void
write_frame(const struct sl_pipe *p, const struct syn *s, const struct next_hop *next,
	struct sl_pkt *pkt)
{
	struct sl_eth_hdr *eth = (struct sl_eth_hdr *)pkt->data;
	uint32_t len = (uint32_t)SL_ETH_HLEN + s->len;

	*eth = (struct sl_eth_hdr){.type = sl_cpu_to_be16(SL_ETHERTYPE_IPV4)};
	memcpy(eth + 1, s->packet, s->len);
	sl_wire_parse(pkt->data, len, len, &pkt->info);
	if (s->wants == SYN_TO_CLIENT) {
		len = sl_wire_make_rst(pkt->data, pkt->room, &pkt->info);
	} else {
		const struct sl_flow *flow = sl_flow_at(p->flows, s->flow);
		const struct sl_tuple to = pipe_mirror(&flow->tuple[SL_DIR_ENDPOINT]);

		sl_wire_rewrite(pkt->data, pkt->info.l4_off, &to, flow->delta[SL_DIR_CLIENT]);
	}
	assert(len > 0);
	pkt->data_len = pkt->frame_len = len;
	pipe_send(pkt, next->adj);
	pkt->verdict = s->wants == SYN_TO_CLIENT ? SL_V_REPLY : SL_V_RETRY;
}

// What was wanted is done, or cannot be.
static void
finish(struct sl_pipe *p, uint16_t at)
{
	struct syn *s = syns_at(&p->syns, at);

	if (s->wants == SYN_TO_CLIENT)
		syns_give(&p->syns, at);
	else
		s->wants = SYN_NOTHING;
}

// A client is answered within the rate that the configuration allows.
static bool
may_leave(struct sl_pipe *p, const struct burst *b, const struct syn *s)
{
	return s->wants != SYN_TO_CLIENT || pipe_may_answer(p, b);
}

void
pipe_leave_in(struct sl_pipe *p, const struct burst *b, uint16_t at, enum syn_wants wants,
	struct sl_pkt *pkt)
{
	struct syn *s = syns_at(&p->syns, at);
	struct next_hop next;

	s->wants = (uint8_t)wants;
	// One that is queued waits there for the same thing, or for something that is out of date.
	if (s->queued || pkt->room < SL_PIPE_NEW_ROOM || look(p, b, s, &next) != READY) {
		syns_queue(&p->syns, at, wants);
		return;
	}
	if (may_leave(p, b, s))
		write_frame(p, s, &next, pkt);
	finish(p, at);
}

// The endpoint that it waits for cannot be reached any more; the client that it is for neither.
static void
give_way(struct sl_pipe *p, const struct burst *b, uint16_t at)
{
	const struct syn *s = syns_at(&p->syns, at);

	if (s->wants == SYN_TO_CLIENT) {
		finish(p, at);
		return;
	}
	const uint32_t index = s->flow;
	struct sl_flow *flow = sl_flow_at(p->flows, index);

	if (pipe_move(p, b, flow, index))
		syns_queue(&p->syns, at, SYN_TO_ENDPOINT);
	else
		syns_queue(&p->syns, pipe_end(p, b, flow, index), SYN_TO_CLIENT);
}

// In a new frame. Returns whether it is used.
static bool
leave(struct sl_pipe *p, const struct burst *b, uint16_t at, const struct next_hop *next,
	struct sl_pkt *out)
{
	struct syn *s = syns_at(&p->syns, at);

	if (!p->frame_new || !p->frame_new(p->ctx, out)) {
		p->stats->counter[SL_C_NO_BUFFER]++;
		syns_queue(&p->syns, at, (enum syn_wants)s->wants);
		return false;
	}
	assert(out->room >= SL_PIPE_NEW_ROOM);
	out->reason = SL_DROP_NONE;
	write_frame(p, s, next, out);
	finish(p, at);
	return true;
}

static bool
step(struct sl_pipe *p, const struct burst *b, uint16_t at, struct sl_pkt *out)
{
	struct syn *s = syns_at(&p->syns, at);
	struct next_hop next;

	if (s->wants == SYN_TO_NOBODY) {
		syns_give(&p->syns, at);
		return false;
	}
	switch (look(p, b, s, &next)) {
	case READY:
		if (may_leave(p, b, s))
			return leave(p, b, at, &next, out);
		finish(p, at);
		return false;
	case WAIT:
		syns_queue(&p->syns, at, (enum syn_wants)s->wants);
		return false;
	case HOPELESS:
		give_way(p, b, at);
		return false;
	}
	return false;
}

unsigned
pipe_retry(struct sl_pipe *p, const struct burst *b, struct sl_pkt *out, unsigned max)
{
	unsigned left = p->syns.n_queued < RETRY_BUDGET ? p->syns.n_queued : RETRY_BUDGET;
	unsigned n = 0;

	for (; left > 0 && n < max; left--)
		n += step(p, b, syns_next(&p->syns), &out[n]);
	return n;
}
