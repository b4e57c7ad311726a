// Drops that are answered, within the rate that the configuration allows a worker.

#include "pace.h"
#include "pipe_priv.h"

// A bucket one second deep.
static bool
may_reply(const struct sl_pipe *p, const struct burst *b)
{
	const uint32_t rate = b->fwd->params.reply_rate;

	return rate > 0 &&
	       pace_may(p->reply_ns, b->now_ns, SL_NSEC_PER_SEC / rate, SL_NSEC_PER_SEC);
}

static void
pay(struct sl_pipe *p, const struct burst *b)
{
	pace_pay(&p->reply_ns, b->now_ns, SL_NSEC_PER_SEC / b->fwd->params.reply_rate);
}

// len: of the answer that the frame has become.
static void
finish(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, uint32_t len)
{
	if (len == 0) // no room for it
		return;
	pay(p, b);
	pkt->data_len = pkt->frame_len = len;
	pkt->out_port = pkt->in_port;
	pkt->verdict = SL_V_REPLY;
}

// The packet that came in is dropped and counted, whatever becomes of the answer.
static bool
drop_and_may_reply(
	struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_drop reason)
{
	pipe_drop(p, pkt, reason);
	if (!sl_wire_may_answer(pkt->data, pkt->data_len, &pkt->info))
		return false;
	if (may_reply(p, b))
		return true;
	p->stats->counter[SL_C_REPLIES_LIMITED]++;
	return false;
}

void
pipe_answer_icmp(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_drop reason,
	uint8_t type, uint8_t code)
{
	if (!drop_and_may_reply(p, b, pkt, reason))
		return;
	finish(p, b, pkt,
		sl_wire_make_icmp(pkt->data, pkt->data_len, pkt->room, &pkt->info, type, code, 0));
}

bool
pipe_may_answer(struct sl_pipe *p, const struct burst *b)
{
	if (!may_reply(p, b)) {
		p->stats->counter[SL_C_REPLIES_LIMITED]++;
		return false;
	}
	pay(p, b);
	return true;
}

void
pipe_deny(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt)
{
	if (b->fwd->params.deny == SL_DENY_SILENT)
		pipe_drop(p, pkt, SL_DROP_DENIED);
	else
		pipe_reject(p, b, pkt, SL_DROP_DENIED, SL_ICMP_UNREACH_ADMIN);
}

void
pipe_reject(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt, enum sl_drop reason,
	uint8_t code)
{
	if (pkt->info.tuple.proto != SL_PROTO_TCP) {
		pipe_answer_icmp(p, b, pkt, reason, SL_ICMP_UNREACH, code);
		return;
	}
	if (!drop_and_may_reply(p, b, pkt, reason))
		return;
	finish(p, b, pkt, sl_wire_make_rst(pkt->data, pkt->room, &pkt->info));
}
