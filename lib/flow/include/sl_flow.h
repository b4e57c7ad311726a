// Flow table of one worker: both tuples of a flow to its finished rewrite.
//
// A flow has two directions: 0 from the client (client, VIP), 1 from the endpoint (endpoint, pool).
// Each direction's tuple is a key; a packet of direction d is rewritten to the mirror image of the
// other direction's tuple. Nothing in a flow points into a snapshot.
//
// Owner:   sl_flow_table_new() takes all memory at the start; free after its worker has left.
// Threads: everything but the walk: the owning worker only. sl_flow_walk(): control, at the same
//          time, without stopping the worker: each record carries a sequence number that is odd
//          while its identity changes; the walk may miss flows that come or go meanwhile and never
//          shows half of one.
// Errors:  insert: -ENOSPC (table full) or -EEXIST (a tuple is in use); nothing is changed then.
// Limits:  162 bytes a flow (128 the record, 34 the index) and 256 KiB for the timer wheel; 2^26
//          flows, every one can be used. No allocation after start. A hit reads one bucket line and
//          the flow's first line; a miss one bucket line, and a record's first for a tuple that had
//          a flow lately. With every record in use 1 to 3 keys in 100 need a second bucket line.
#pragma once

#include "sl_wire.h"

#define SL_FLOW_NONE UINT32_MAX

enum sl_flow_dir {
	SL_DIR_CLIENT,   // client -> VIP
	SL_DIR_ENDPOINT, // endpoint -> pool address
};

// TCP as seen from the middle (after RFC 9293 and RFC 7857's advice on timers); UDP has one state.
enum sl_flow_state {
	SL_FLOW_FREE,
	SL_FLOW_UDP,
	SL_FLOW_SYN_SENT,    // SYN from the client
	SL_FLOW_SYN_RECV,    // SYN+ACK from the endpoint
	SL_FLOW_ESTABLISHED, // ACK from the client
	SL_FLOW_FIN_CLIENT,  // FIN from the client seen
	SL_FLOW_FIN_ENDPOINT,
	SL_FLOW_CLOSING, // FIN seen from both sides
	SL_FLOW_RESET,   // RST seen
	SL_FLOW_STATE_MAX,
};
const char *sl_flow_state_name(enum sl_flow_state state); // "established", ...

// Time inside the table: ticks of 2^27 ns (134 ms) since the table was made. A flow last seen in
// tick s with a timeout of t ticks expires in tick s + t: after more than t - 1 ticks of silence.
#define SL_FLOW_TICK_SHIFT 27
typedef uint32_t sl_tick;

// What a flow is held to besides, see sl_fwd_policies; part of the snapshot.
struct sl_flow_policy {
	sl_tick idle;    // 0: the state's timeout; UINT32_MAX: never
	sl_tick max_age; // 0: none
	sl_tick connect; // until the handshake is answered; 0: none
};

// Timeouts by state, in ticks, and policies by index; part of the snapshot, so that a reload
// changes them. A policy that is not in the list asks for nothing. `idle` takes the place of the
// timeout of ESTABLISHED and the half closed states; `max_age` ends a flow that long after it was
// created, in whatever state; `connect` holds in SYN_SENT, where a client's repeated SYN does not
// count as a sign of life then: last_seen stays at the last attempt.
struct sl_flow_timeouts {
	sl_tick by_state[SL_FLOW_STATE_MAX];
	const struct sl_flow_policy *policy;
	uint32_t n_policies;
};

struct sl_flow {
	// first line: what a packet needs
	struct sl_tuple tuple[2];      // proto is the same in both
	struct sl_wire_delta delta[2]; // by direction, of its packets
	uint32_t recent[2];            // counted, not in pkts and bytes yet; see sl_flow_count.h
	uint16_t adj[2];               // adjacency to send on, by direction; see sl_fwd.h
	uint32_t route_gen;            // of the snapshot that gave adj
	sl_tick last_seen; // relaxed atomic: w: worker, r: walk; written at most once a tick
	uint8_t state;     // enum sl_flow_state; relaxed atomic
	uint8_t flags;     // SL_FLOW_F_*
	uint16_t syn;      // the kept SYN of an unanswered handshake, 0: none
	// second line: accounting and timer. Atomics: w: worker, r: walk
	uint64_t pkts[2] SL_CACHE_ALIGNED; // atomic; by direction, without those in recent
	uint64_t bytes[2];                 // atomic; likewise
	uint32_t seq;                      // odd while the record changes hands
	uint32_t ep_slot;                  // relaxed atomic; the endpoint's stable id, see sl_fwd.h
	uint32_t timer_next;
	uint32_t timer_prev;
	sl_tick deadline;      // the slot it hangs in
	sl_tick created;       // relaxed atomic
	uint32_t cluster_slot; // where its whole cluster's flows are counted, or SL_FLOW_NONE
	uint16_t pool_addr;    // index of the pool address that lends the source port
	uint16_t policy;       // index into sl_flow_timeouts.policy
};
_Static_assert(sizeof(struct sl_flow) == 128, "two cache lines");
_Static_assert(offsetof(struct sl_flow, pkts) == 64, "second line");

struct sl_flow_table;

// capacity: flows, rounded up to a power of two, 64 at least. alloc(ctx, bytes) gives zeroed,
// 64-byte aligned memory (hugepages in the daemon, aligned_alloc in tests) and is called once,
// here; free gives it back.
struct sl_flow_mem {
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p);
	void *ctx;
};
struct sl_flow_table *sl_flow_table_new(uint32_t capacity, uint64_t now_ns,
	const struct sl_flow_mem *mem); // NULL and ENOMEM, or EINVAL above 2^26
void sl_flow_table_free(struct sl_flow_table *t);
size_t sl_flow_table_bytes(uint32_t capacity); // what new() will take
uint32_t sl_flow_capacity(const struct sl_flow_table *t);
uint32_t sl_flow_live(const struct sl_flow_table *t); // any thread
sl_tick sl_flow_tick(const struct sl_flow_table *t, uint64_t now_ns);

// Where the keys are: those outside of their first bucket cost a lookup a second line.
struct sl_flow_fill {
	uint32_t keys;         // two a flow
	uint32_t keys_second;  // in their second bucket
	uint32_t keys_chained; // in a spare bucket
	uint32_t spares_used;
	uint32_t spares;
};
void sl_flow_fill(const struct sl_flow_table *t, struct sl_flow_fill *fill);

#define SL_FLOW_BURST 64
// Looks n tuples up: ref[i] = flow index << 1 | direction, or SL_FLOW_NONE. Prefetches what a hit
// needs. n <= SL_FLOW_BURST.
void sl_flow_lookup(
	struct sl_flow_table *t, const struct sl_tuple *const tuples[], unsigned n, uint32_t ref[]);
uint32_t sl_flow_find(struct sl_flow_table *t, const struct sl_tuple *tuple); // one; a ref
// The same for who has the tuple's hash: sl_flow_lookup.h.
uint32_t sl_flow_find_hashed(struct sl_flow_table *t, uint64_t hash, const struct sl_tuple *tuple);
struct sl_flow *sl_flow_at(struct sl_flow_table *t, uint32_t index);
// Records from here on were never used: for a sweep over all below, free ones (SL_FLOW_FREE) among
// them. The owning worker.
uint32_t sl_flow_used(const struct sl_flow_table *t);

// A new flow with both keys. client: (client, VIP); endpoint: (endpoint, pool). state: UDP or
// SYN_SENT; timeouts and policy arm its timer. delta, adj, route_gen, flags, syn, ep_slot and
// pool_addr are zero, cluster_slot is none: the caller's to fill. Returns the index, or -ENOSPC,
// -EEXIST as above.
int64_t sl_flow_insert(struct sl_flow_table *t, const struct sl_tuple *client,
	const struct sl_tuple *endpoint, enum sl_flow_state state, uint16_t policy, sl_tick now,
	const struct sl_flow_timeouts *timeouts);
// The same for two tuples that are known to be in no flow, by their hashes. -EEXIST: they are
// equal.
int64_t sl_flow_insert_hashed(struct sl_flow_table *t, const struct sl_tuple tuple[2],
	const uint64_t hash[2], enum sl_flow_state state, uint16_t policy, sl_tick now,
	const struct sl_flow_timeouts *timeouts);
// The flow's handshake is tried anew with another endpoint: its second key is another one and
// last_seen is now. Its timer is not touched. 0, or -ENOSPC, -EEXIST as above.
int sl_flow_rekey(
	struct sl_flow_table *t, uint32_t index, const struct sl_tuple *endpoint, sl_tick now);
// Frees the record; nothing leads to it from here on.
void sl_flow_remove(struct sl_flow_table *t, uint32_t index);

// A packet of direction dir was seen: advances the state (TCP flags; the table is in tcp.c), writes
// last_seen at most once a tick, and re-arms the timer when the new state wants an earlier
// deadline. Returns the new state.
enum sl_flow_state sl_flow_touch(struct sl_flow_table *t, uint32_t index, enum sl_flow_dir dir,
	uint8_t tcp_flags, sl_tick now, const struct sl_flow_timeouts *timeouts);

// The pure state step that touch uses, for tests.
enum sl_flow_state sl_flow_tcp_next(
	enum sl_flow_state state, enum sl_flow_dir dir, uint8_t tcp_flags);

// A flow's time has come. True: it is removed. False: it lives on and is looked at again when its
// time comes next, in the next tick at the earliest. The record is whole; all that may be done to
// the table meanwhile is sl_flow_rekey() of this flow.
typedef bool sl_flow_due_fn(void *arg, struct sl_flow *flow, uint32_t index);
// Bounded work: moves the wheel towards now, past no more than 256 slots, and looks at no more than
// budget flows. Returns how many expired; on_due NULL: all whose time has come. Timeouts that a
// reload shortens take hold when a flow is next looked at: at its old deadline, or after 9 minutes.
unsigned sl_flow_expire(struct sl_flow_table *t, sl_tick now,
	const struct sl_flow_timeouts *timeouts, unsigned budget, sl_flow_due_fn *on_due,
	void *arg);

// How many whole ticks sl_flow_expire() has still to work off before it comes to this one.
sl_tick sl_flow_behind(const struct sl_flow_table *t, sl_tick now);

// A copy of a live record, taken by another thread.
struct sl_flow_view {
	struct sl_tuple tuple[2];
	uint64_t pkts[2];
	uint64_t bytes[2];
	sl_tick last_seen;
	sl_tick created;
	uint32_t ep_slot;
	uint8_t state;
};
// Control: copies live records from *cursor (0 to begin) on, at most n, looking at no more than
// `scan` records; moves *cursor. Returns how many were copied; the walk is over when
// *cursor == UINT32_MAX.
unsigned sl_flow_walk(const struct sl_flow_table *t, uint32_t *cursor, struct sl_flow_view *out,
	unsigned n, unsigned scan);
#define SL_FLOW_F_NONE      0
#define SL_FLOW_F_COUNTED   1 // among the active flows of its endpoint and cluster
#define SL_FLOW_F_CUT       2 // it was cut while it was open: both sides have to be told
#define SL_FLOW_F_TOLD      4 // and one of them was
#define SL_FLOW_F_EMBRYONIC 8 // its two sides have not shown yet that they are there
// The bits from here up: orders to reset its endpoint's flows that were there before it, in the
// tick in which it was created.
#define SL_FLOW_ORDERS_SHIFT 4
#define SL_FLOW_ORDERS_MAX   7
