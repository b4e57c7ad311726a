// Handshakes that move on to another endpoint: docs/decisions/0008.
//
// Owner:   part of the pipe, see pipe_priv.h; the kept SYNs are in syns.h.
// Threads: the owning worker only.
// Errors:  none: what cannot move on ends, and the client is told.
// Limits:  SYN_TRIED endpoints a handshake, as many handshakes as SYNs are kept.
#pragma once

#include "pipe_priv.h"

struct attempt;

// ---- handshake.c: stages and housekeeping ----

// The SYN that opened the flow is kept, if there is room.
void pipe_keep_syn(struct sl_pipe *p, struct sl_flow *flow, uint32_t index,
	const struct sl_pkt *pkt, const struct attempt *a);
void pipe_forget_syn(struct sl_pipe *p, struct sl_flow *flow);
// A packet of a flow whose SYN is kept. True: it waits among the refused until the others are done.
bool pipe_refuses(struct sl_pipe *p, struct burst *b, const struct hit *h);
// The refused of a round: hits again, or they have their verdict.
void pipe_refused(struct sl_pipe *p, struct burst *b);
// ICMP that says that an endpoint does not take a handshake of ours. False: it says nothing of that
// kind, and has no verdict.
bool pipe_icmp_error(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt);
// A held frame was dropped because its next hop failed: the handshake that it began goes on.
void pipe_unheld(struct sl_pipe *p, const struct burst *b, struct sl_pkt *pkt);
// A flow's time has come. True: it is over.
bool pipe_due(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index);

// ---- handshake.c, for retry.c ----

// The flow's handshake goes on with another endpoint; what is left is sending the SYN. False: none
// is left.
bool pipe_move(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index);
// The handshake has failed: the flow has no SYN any more, whose number is returned.
uint16_t pipe_give_up(struct sl_pipe *p, struct sl_flow *flow);
// The same for a flow that is not about to be removed: it is over, as if reset by an endpoint.
uint16_t pipe_end(struct sl_pipe *p, const struct burst *b, struct sl_flow *flow, uint32_t index);
// ---- retry.c ----

// What entry `at` wants leaves in the buffer of pkt, which is dropped otherwise, or later.
void pipe_leave_in(struct sl_pipe *p, const struct burst *b, uint16_t at, enum syn_wants wants,
	struct sl_pkt *pkt);
// Housekeeping: what waits to leave, in frames of our own; at most max.
unsigned pipe_retry(struct sl_pipe *p, const struct burst *b, struct sl_pkt *out, unsigned max);
