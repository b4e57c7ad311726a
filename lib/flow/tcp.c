// TCP as seen from the middle, and what a packet changes in its flow.
//
// The gateway is no party of the connection: it sees both directions, not always every segment, and
// holds no sequence numbers. So a state only chooses the idle timeout and no state drops a packet.
//
//   state         from     RST    SYN       SYN+ACK   FIN           other with ACK
//   SYN_SENT      client   RESET  -         -         -             -
//                 endpoint RESET  SYN_RECV  SYN_RECV  -             -
//   SYN_RECV      client   RESET  -         ESTAB.    FIN_CLIENT    ESTABLISHED
//                 endpoint RESET  -         -         FIN_ENDPOINT  -
//   ESTABLISHED   client   RESET  -         -         FIN_CLIENT    -
//                 endpoint RESET  -         -         FIN_ENDPOINT  -
//   FIN_CLIENT    client   RESET  -         -         -             -
//                 endpoint RESET  -         -         CLOSING       -
//   FIN_ENDPOINT  client   RESET  -         -         CLOSING       -
//                 endpoint RESET  -         -         -             -
//   CLOSING       client   RESET  SYN_SENT  -         -             -
//                 endpoint RESET  -         -         -             -
//   RESET         client   -      SYN_SENT  -         -             -
//                 endpoint -      -         -         -             -
//
// "-" stays. A segment with several of the flags counts as the leftmost; one without any of them
// (RFC 9293 3.10.7.4: such a segment is dropped by its receiver) changes nothing.
//
// * A SYN that is sent again stays in its state, and so does a SYN+ACK that is (RFC 9293 3.8.1).
// * Simultaneous open (RFC 9293 3.5; RFC 5382 REQ-2): the endpoint's SYN counts as its SYN+ACK and
// the
//   client's SYN+ACK as its ACK.
// * An endpoint's data before the client's ACK (fast open, RFC 7413) proves nothing about the
// client.
// * FIN in SYN_RECV: RFC 9293 3.10.4 lets the endpoint close there; the client's FIN carries its
// ACK.
// * Half closed is in use: one side may send for hours (RFC 9293 3.6); simultaneous close ends in
//   CLOSING whichever FIN the gateway sees first.
// * RST: the sequence number is not known here, so a RST may be forged or late (RFC 5961 3). It
//   changes the timeout only: the mapping stays until nothing was seen for that long (RFC
//   7857 2.2), and every packet seen counts.
// * A client's SYN after the end takes the same tuple again (RFC 9293 3.6.1, RFC 6191): the flow
//   begins anew with the same endpoint and source port, which holds its TIME-WAIT.
#include "table.h"

enum event { EV_NONE, EV_ACK, EV_FIN, EV_SYN_ACK, EV_SYN, EV_RST, EV_MAX };

static enum event
event_of(uint8_t flags)
{
	if (flags & SL_TCP_RST)
		return EV_RST;
	if (flags & SL_TCP_SYN)
		return flags & SL_TCP_ACK ? EV_SYN_ACK : EV_SYN;
	if (flags & SL_TCP_FIN)
		return EV_FIN;
	return flags & SL_TCP_ACK ? EV_ACK : EV_NONE;
}

// Only what changes; 0, SL_FLOW_FREE, means "stays".
static const uint8_t next_state[SL_FLOW_STATE_MAX][2][EV_MAX] = {
	[SL_FLOW_SYN_SENT... SL_FLOW_CLOSING][0 ... 1][EV_RST] = SL_FLOW_RESET,
	[SL_FLOW_SYN_SENT][SL_DIR_ENDPOINT][EV_SYN] = SL_FLOW_SYN_RECV,
	[SL_FLOW_SYN_SENT][SL_DIR_ENDPOINT][EV_SYN_ACK] = SL_FLOW_SYN_RECV,
	[SL_FLOW_SYN_RECV][SL_DIR_CLIENT][EV_SYN_ACK] = SL_FLOW_ESTABLISHED,
	[SL_FLOW_SYN_RECV][SL_DIR_CLIENT][EV_ACK] = SL_FLOW_ESTABLISHED,
	[SL_FLOW_SYN_RECV][SL_DIR_CLIENT][EV_FIN] = SL_FLOW_FIN_CLIENT,
	[SL_FLOW_SYN_RECV][SL_DIR_ENDPOINT][EV_FIN] = SL_FLOW_FIN_ENDPOINT,
	[SL_FLOW_ESTABLISHED][SL_DIR_CLIENT][EV_FIN] = SL_FLOW_FIN_CLIENT,
	[SL_FLOW_ESTABLISHED][SL_DIR_ENDPOINT][EV_FIN] = SL_FLOW_FIN_ENDPOINT,
	[SL_FLOW_FIN_CLIENT][SL_DIR_ENDPOINT][EV_FIN] = SL_FLOW_CLOSING,
	[SL_FLOW_FIN_ENDPOINT][SL_DIR_CLIENT][EV_FIN] = SL_FLOW_CLOSING,
	[SL_FLOW_CLOSING][SL_DIR_CLIENT][EV_SYN] = SL_FLOW_SYN_SENT,
	[SL_FLOW_RESET][SL_DIR_CLIENT][EV_SYN] = SL_FLOW_SYN_SENT,
};

const char *
sl_flow_state_name(enum sl_flow_state state)
{
	static const char *const names[] = {
		[SL_FLOW_FREE] = "free",
		[SL_FLOW_UDP] = "udp",
		[SL_FLOW_SYN_SENT] = "syn_sent",
		[SL_FLOW_SYN_RECV] = "syn_recv",
		[SL_FLOW_ESTABLISHED] = "established",
		[SL_FLOW_FIN_CLIENT] = "fin_client",
		[SL_FLOW_FIN_ENDPOINT] = "fin_endpoint",
		[SL_FLOW_CLOSING] = "closing",
		[SL_FLOW_RESET] = "reset",
	};
	_Static_assert(SL_ARRAY_LEN(names) == SL_FLOW_STATE_MAX, "a name for every state");

	return (unsigned)state < SL_FLOW_STATE_MAX ? names[state] : "unknown";
}

enum sl_flow_state
sl_flow_tcp_next(enum sl_flow_state state, enum sl_flow_dir dir, uint8_t tcp_flags)
{
	const uint8_t next = next_state[state][dir][event_of(tcp_flags)];

	return next == SL_FLOW_FREE ? state : (enum sl_flow_state)next;
}

static void
change_state(struct sl_flow_table *t, uint32_t index, enum sl_flow_state next, sl_tick now,
	const struct sl_flow_timeouts *timeouts)
{
	struct sl_flow *f = &t->flows[index];
	sl_tick deadline;

	__atomic_store_n(&f->state, (uint8_t)next, __ATOMIC_RELAXED);
	// A handshake that was tried by its policy's clock is through, or begins anew.
	__atomic_store_n(&f->last_seen, now, __ATOMIC_RELAXED);
	deadline = flow_deadline(f, timeouts);
	// A later deadline is found when the old one comes due.
	if (deadline < f->deadline) {
		flow_timer_unlink(t, index);
		flow_timer_link(t, index, deadline);
	}
}

enum sl_flow_state
sl_flow_touch(struct sl_flow_table *t, uint32_t index, enum sl_flow_dir dir, uint8_t tcp_flags,
	sl_tick now, const struct sl_flow_timeouts *timeouts)
{
	struct sl_flow *f = &t->flows[index];
	const enum sl_flow_state state = f->state;
	enum sl_flow_state next;

	if (f->last_seen != now && (state != SL_FLOW_SYN_SENT || !flow_has_connect(f, timeouts)))
		__atomic_store_n(&f->last_seen, now, __ATOMIC_RELAXED);
	next = sl_flow_tcp_next(state, dir, tcp_flags);
	if (sl_unlikely(next != state))
		change_state(t, index, next, now, timeouts);
	return next;
}
