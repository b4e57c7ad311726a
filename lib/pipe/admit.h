// Which new flows are let in when there are many: docs/decisions/0014.
//
// A flow is *embryonic* until both sides have shown that they are there. TCP: until the client has
// answered the endpoint's SYN+ACK. UDP: until the endpoint has sent something, or the client its
// fourth packet, as some traffic is one-way. Embryonic flows have a share of the table, by
// protocol. From an eighth of it on new ones are opened at a bounded rate; at its end, or that of
// the table, one of the oldest gives way for each, at a lower rate. What is beyond is dropped
// without an answer, as its source may be a lie. Sources that completed a handshake lately are
// *known*: they have budgets of their own.
//
// Owner:   part of the pipe; admit_init() takes all memory.
// Threads: the owning worker only.
// Errors:  none; a flow that is not let in has its verdict.
// Limits:  512 KiB of sources. A decision is O(1): one line of sources, and up to 64 records when
//          one is to give way, which happens at a bounded rate.
#pragma once

#include "own.h"
#include "sl_pipe.h"

// By a keyed hash of the address: sources of the same entry share its bucket.
struct source {
	uint64_t paid_ns;    // until when its new flows are paid for, see pace.h
	sl_be32 known;       // the last one that completed a handshake ...
	sl_tick known_until; // ... and how long that counts
};

struct admit {
	struct source *source;
	uint64_t secret;
	uint32_t hand; // the record that was looked at last for one to give way
	// Until when new flows are paid for, by how many there are and whether the source is known.
	uint64_t paid_ns[3][2];
};

int admit_init(struct admit *a, const struct sl_pipe_cfg *cfg); // 0 or -ENOMEM
void admit_fini(struct admit *a);
