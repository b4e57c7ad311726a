// The packet path of one worker: a burst of frames in, a verdict for each out.
//
// Owner:   sl_pipe_new() for one worker's life. Buffers belong to the caller before and after the
//          call; the pipe keeps only the ones it says it holds (SL_V_HOLD), and gives each back
//          later through sl_pipe_housekeeping() or sl_pipe_drain().
// Threads: the owning worker only.
// Errors:  none: every frame gets exactly one verdict, and every drop exactly one reason, which the
//          pipe has counted in stats.
// Limits:  SL_BURST frames a call; no allocation, lock, system call or log.
//
// A packet that changes nothing of its flow takes the express way, express.c. For all others there
// are the stages, in order, a file each: parse -> lookup -> (miss: classify, choose, open) -> track
// -> rewrite -> hop. A TCP handshake that its endpoint does not take moves on to another one,
// before the client sees anything: handshake.c, docs/decisions/0008. What goes to an address of a
// mirror and belongs to no service and no flow is punted as it is; nothing else reaches the kernel,
// and nothing leaves untranslated.
#pragma once

#include "sl_flow.h"
#include "sl_fwd.h"
#include "sl_sport.h"
#include "sl_stats.h"
#include "sl_wire.h"

#define SL_BURST 32

enum sl_verdict {
	SL_V_DROP,    // free the buffer; reason says why
	SL_V_FORWARD, // send on out_port
	// The frame was turned into an answer, data_len == frame_len bytes (whatever was behind the
	// contiguous part is no longer part of it): send on out_port. reason is counted: what came
	// in is dropped.
	SL_V_REPLY,
	// The frame became a SYN of our own, of data_len == frame_len bytes, to the endpoint that a
	// handshake moved to: send on out_port. reason is what came in was dropped for, and
	// counted.
	SL_V_RETRY,
	SL_V_PUNT,    // hand to the mirror of in_port
	SL_V_HANDOFF, // give to worker `owner`, unchanged
	SL_V_HOLD,    // the pipe keeps the buffer: until its next hop is known, or parked
};

struct sl_pkt {
	uint8_t *data;      // the frame
	uint32_t data_len;  // contiguous bytes at data
	uint32_t frame_len; // the whole frame
	uint32_t room;      // bytes that may be written at data (>= data_len)
	uint16_t in_port;
	uint16_t out_port; // for SL_V_FORWARD, SL_V_REPLY and SL_V_RETRY
	uint8_t verdict;   // enum sl_verdict
	uint8_t reason;    // enum sl_drop, for SL_V_DROP, SL_V_REPLY and SL_V_RETRY; NONE: born
	uint8_t owner;     // for SL_V_HANDOFF
	bool reopens;      // the pipe's own: a SYN of a client whose flow with this tuple is over
	void *buf;         // the caller's handle
	struct sl_wire_info info;
};

#define SL_PIPE_NEW_ROOM 96

struct sl_pipe;

struct sl_pipe_cfg {
	unsigned worker;
	const struct sl_owner *owner; // of replies: the one that sports has
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	struct sl_fwd_load *load; // by endpoint slot
	uint32_t n_slots;         // every slot of every snapshot is below
	struct sl_stats *stats;
	const struct sl_mac *port_mac; // by port index
	uint16_t n_ports;
	uint64_t seed;
	uint32_t hold_total;   // frames held at most; 0: none is
	uint32_t hold_per_hop; // of these per next hop (default 16)
	uint64_t hold_ns;      // longest wait (default 3 s)
	uint32_t park_total;   // frames parked at most, for names without an answer (default 256)
	uint64_t park_ns;      // longest wait (default 1 s)
	// Asks control for a next hop; must not block. Called at most once per hop and second.
	void (*ask)(void *ctx, uint16_t port, sl_be32 addr);
	// SYNs kept at most, up to 65,535; 0: none is, and no handshake moves.
	uint32_t syns;
	// An empty frame of the caller's: sets data, room (SL_PIPE_NEW_ROOM at least) and buf.
	// False: there is none now, it is asked for again in the next housekeeping. May be NULL:
	// never.
	bool (*frame_new)(void *ctx, struct sl_pkt *pkt);
	void *ctx;
	const char *variant; // of the express way; NULL: the best of this machine
};

struct sl_pipe *sl_pipe_new(const struct sl_pipe_cfg *cfg); // NULL and ENOMEM, EINVAL: the variant
// The express way (what nearly all packets take) is compiled for several instruction sets:
// "scalar", and on x86-64 "x86-64-v2", "-v3", "-v4". The name of the best that this machine has, or
// `name` itself if it has that; NULL: it has not.
const char *sl_pipe_variant(const char *name);
size_t sl_pipe_syns_bytes(uint32_t syns); // what these take of it
void sl_pipe_free(struct sl_pipe *p);     // after sl_pipe_drain()

// n <= SL_BURST frames with data, lengths, in_port and buf set. A frame that comes back need not be
// in the buffer that it came in: of two with the tuple of a parked flow the later one stays. A
// frame that another worker handed over goes in the same way, with the port that it came from.
// Headers must be contiguous: what of them reaches past data_len makes the frame a drop.
void sl_pipe_run(struct sl_pipe *p, const struct sl_fwd *fwd, struct sl_pkt *pkts, unsigned n,
	uint64_t now_ns);

// Bounded housekeeping, every few bursts: expires at most 64 flows, 512 while it is
// behind by 0.4 s or more, looks at at most 32 next hops
// that frames wait for, at 32 handshakes that have something to send, at 16 parked frames and,
// while there are orders to reset, at 128 flows. In `out`, max at most, come frames whose next hop
// is known now (FORWARD) or that waited too long (DROP, or what their buffer carries instead:
// RETRY, REPLY), parked frames with whatever verdict they get now (but HOLD), and frames born of
// frame_new() (RETRY, REPLY; reason NONE).
unsigned sl_pipe_housekeeping(struct sl_pipe *p, const struct sl_fwd *fwd, struct sl_pkt *out,
	unsigned max, uint64_t now_ns);

// How long the pipe can do without housekeeping when no packet comes: 0 while flows are being
// reset, some milliseconds while frames are parked, UINT64_MAX for "as long as you like".
uint64_t sl_pipe_patience_ns(const struct sl_pipe *p);

// All flows of an endpoint slot that were opened before this call are ended, in the housekeepings
// to come: UDP flows are removed; a handshake whose SYN is kept goes on with another endpoint, or
// its client gets a RST; of other connections both sides get one, with the next segment of either,
// as their sequence numbers are not known before. Flows opened later are not meant, even to the
// same slot. False: sl_pipe_may_reset() says no, nothing is done; ask again after some
// housekeepings.
bool sl_pipe_reset_slot(struct sl_pipe *p, uint32_t slot, uint64_t now_ns);
bool sl_pipe_may_reset(const struct sl_pipe *p); // there is room for one more order

// At the end: all held and parked frames come out as drops (SL_DROP_SHUTDOWN). Call until it
// returns 0.
unsigned sl_pipe_drain(struct sl_pipe *p, struct sl_pkt *out, unsigned max);

// The caller could not do what a verdict said (ring or queue full): the books are put right.
// verdict is what it was: FORWARD, PUNT and HANDOFF become a drop for `reason`; a REPLY or RETRY,
// which no packet that came in is missing for, becomes a lost reply. The caller counts what it did,
// after the fact: SL_C_FORWARDED, SL_C_REPLIES, SL_C_RETRIED, SL_C_PUNTED, SL_C_HANDED_OFF, and
// what it got: SL_C_RX, SL_C_HANDED_IN. The pipe counts drops, SL_C_HELD, SL_C_PARKED,
// SL_C_REPLIES_LIMITED, SL_C_REPLIES_LOST, handshakes and flows.
void sl_pipe_failed(struct sl_pipe *p, enum sl_verdict verdict, enum sl_drop reason);
