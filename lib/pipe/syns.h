// SYNs that are kept until their handshake is answered, and what is to be sent because of them.
//
// Owner:   part of the pipe; syns_init() takes all memory.
// Threads: the owning worker only.
// Errors:  syns_take() says whether there was room.
// Limits:  65,535 of 132 bytes each. An entry is known by its number, 0 is none. Taking, giving and
//          queueing are O(1).
#pragma once

#include "own.h"
#include "sl_pipe.h"

#define SYN_BYTES 80 // an IPv4 header without options, a TCP header with all of them
#define SYN_TRIED 8  // endpoints that a handshake remembers, which are all it is tried with

enum syn_wants {
	SYN_NOTHING,
	SYN_TO_ENDPOINT, // the SYN is to be sent to the flow's endpoint
	SYN_TO_CLIENT,   // a RST is to be sent to the client; no flow has the entry any more
	SYN_TO_NOBODY,   // given back while it was queued
};

struct syn {
	uint32_t flow; // index of the flow that has it; meaningless when it wants SYN_TO_CLIENT
	uint32_t tried[SYN_TRIED]; // slots of endpoints, the current one is the last
	uint16_t next;             // in the queue or among the free
	uint8_t n_tried;
	uint8_t wants; // enum syn_wants
	bool queued;
	uint8_t len;
	uint8_t packet[SYN_BYTES]; // from the IPv4 header on, as the client sent it
};

struct syns {
	struct syn *syn; // [total + 1], the first is not used
	uint32_t total;
	uint32_t n_queued;
	uint16_t free;
	uint16_t head, tail; // of the queue, oldest first
};

int syns_init(struct syns *q, uint32_t total); // 0 or -ENOMEM
void syns_fini(struct syns *q);

uint16_t syns_take(struct syns *q); // 0: all are in use
void syns_give(struct syns *q, uint16_t at);
// The entry comes up in the queue, once, with what it wants by then.
void syns_queue(struct syns *q, uint16_t at, enum syn_wants wants);
uint16_t syns_next(struct syns *q); // takes the oldest off the queue; 0: it is empty

// A SYN whose headers are all of it, lie at hand and have the right checksum: data that it carries
// is not kept, so that a handshake with data (RFC 7413) is not tried again, and one that was
// damaged on its way would be sent for nothing.
bool syn_is_whole(const struct sl_pkt *pkt);
void syn_fill(struct syn *s, const struct sl_pkt *pkt); // of a whole one
uint32_t syn_seq(const struct syn *s);                  // its sequence number
sl_be32 syn_client(const struct syn *s);

static inline struct syn *
syns_at(const struct syns *q, uint16_t at)
{
	return &q->syn[at];
}
