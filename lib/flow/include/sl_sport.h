// Source ports of one worker. A destination (address and port) has, at each pool address and in
// each protocol, all ports of the range to itself: two flows share a port when they go to
// different destinations, and what tells their replies apart is the whole tuple.
//
// The flow table is the truth: a port is free for a destination when the table does not have the
// tuple (endpoint, pool) and it does not rest. While few ports of a destination are lent, the next
// ones in the worker's shuffled list are tried; when four in a row are not free, a set with one bit
// a port takes over, which learns from the table what it needs, and is forgotten when others need
// its place: docs/decisions/0012. The order is that of a list shuffled at the start, from a
// beginning of each destination's own, so that the next port cannot be told from the last of
// another (RFC 6056).
//
// A worker lends the ports that are its own (sl_owner.h): by port number the same ones for each
// destination, by hash others for each.
//
// Owner:   sl_sport_new() takes all memory at start; free after the worker has left, before the
//          flow table.
// Threads: the owning worker. What is below "what is shown": any (relaxed reads).
// Errors:  get: -ENOSPC when no address has a port for the destination: the caller drops with
//          SL_DROP_NO_SOURCE_PORT; nothing ever leaves untranslated. take: -EADDRINUSE. fullest:
//          out of memory ends the process.
// Limits:  ports first..last (default 1024..65535) without the reserved ones. A search looks up at
//          most 9 * (4 + 64) + 16 * 64 tuples, and 4 unless the destination is dense: then most
//          often none; by hash it passes by n times as many ports, of others, without looking them
//          up. Memory per worker of n, for c flows and P of its ports (64,512 / n; by hash 64,512):
//          32 KiB of cursors, 2 * P + 128 KiB / n of ports, 4 bytes a pool address; 28 bytes for
//          each of c / 16 (rounded up to a power of two, 64 at least) resting ports: 1.75 to 3.5
//          bytes a flow; sets of P / 8 bytes and some, for 32 * c / P places: 4 bytes a flow at
//          most, and 8 sets. For a million flows, one worker and 16 pool addresses: 6.7 MiB, 6.7
//          bytes a flow. When more ports would rest than there is room for, the oldest is let go.
#pragma once

#include "sl_flow.h"
#include "sl_owner.h"

struct sl_sport;

struct sl_sport_range {
	uint16_t first;
	uint16_t last;
	const uint16_t *reserved; // sorted
	uint32_t n_reserved;
	// Ports of each destination and address, of all workers together, that sl_sport_get()
	// leaves; a hundredth of them at most.
	uint32_t reserve;
};

// flows: the worker's, with all flows that hold ports. owner: all workers', and the caller's.
struct sl_sport *sl_sport_new(const sl_be32 *addrs, uint32_t n_addrs,
	const struct sl_sport_range *range, unsigned worker, const struct sl_owner *owner,
	struct sl_flow_table *flows,
	const struct sl_flow_mem
		*mem); // NULL and ENOMEM, or EINVAL: no address, or no port for this worker
void sl_sport_free(struct sl_sport *s);
// At most, whichever way ports are shared out.
size_t sl_sport_bytes(uint32_t n_addrs, unsigned n_workers, uint32_t capacity);

// A port for a flow to endpoint->src and sport in proto (TCP or UDP), written to endpoint->dst and
// dport. The address is chosen by client_hash (a client keeps its address while that has ports for
// the destination), then the next ones. Returns 0 or -ENOSPC: no more than the reserve is left. The
// caller inserts the flow before the next call, or gives the port back.
int sl_sport_get(
	struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash, uint16_t *pool_addr);
// The same for what goes on rather than begins: one of the reserve when there is no other.
int sl_sport_get_reserve(
	struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash, uint16_t *pool_addr);
// sl_sport_get() in two steps, for flows that begin in one burst: a port that is likely to be free
// is written down without a look into the flow table, so that its bucket can be on the way into the
// cache while others are offered; sl_sport_take_offered() looks. Nothing is lent by it. False:
// nothing is offered: use get.
struct sl_sport_offer {
	uint16_t pool_addr;
	uint16_t port; // its place in the worker's list
};
bool sl_sport_offer(struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash,
	struct sl_sport_offer *offer);
// hash: sl_flow_hash() of the endpoint's tuple as it was offered. 0, or -EADDRINUSE, also when the
// destination has become dense since: then use get, which keeps the reserve. The same holds as for
// get.
int sl_sport_take_offered(struct sl_sport *s, const struct sl_tuple *endpoint, uint64_t hash,
	struct sl_sport_offer offer);
// This very port, the flow's own for another destination, be it of the reserve: 0, or -EADDRINUSE,
// also when it is another worker's there. The same holds.
int sl_sport_take(struct sl_sport *s, const struct sl_tuple *endpoint, uint16_t pool_addr);
// The port rests for so long from now on, UINT32_MAX: for ever, and is not lent for this
// destination.
void sl_sport_put(struct sl_sport *s, const struct sl_tuple *endpoint, uint16_t pool_addr,
	sl_tick now, sl_tick rest);
// Ports that have rested can be lent again; at most `budget` of them, in the order in which they
// were given back: one that rests longer than those behind it keeps them waiting.
void sl_sport_wake(struct sl_sport *s, sl_tick now, unsigned budget);

// ---- what is shown ----

// Ports of the worker for each destination and protocol, at all addresses together, and the reserve
// among them. By hash: its share; for one destination it may have a few more or less, all workers
// together have the sum.
uint32_t sl_sport_total(const struct sl_sport *s);
uint32_t sl_sport_reserve(const struct sl_sport *s);
// At all destinations together: ports lent, ports that rest, and how often get said -ENOSPC.
uint32_t sl_sport_lent(const struct sl_sport *s, uint8_t proto);
uint32_t sl_sport_resting(const struct sl_sport *s, uint8_t proto);
uint64_t sl_sport_refusals(const struct sl_sport *s, uint8_t proto);
// The destination of the last -ENOSPC (src, sport, proto). False: there was none.
bool sl_sport_refused(const struct sl_sport *s, uint8_t proto, struct sl_tuple *destination);

// How full a destination is.
struct sl_sport_fill {
	sl_be32 addr;
	sl_be16 port;
	uint8_t proto;
	uint32_t taken; // ports that are lent or rest, over all addresses and workers
	uint32_t total; // that there are
};

// The destinations that are nearest to having no port left, over all workers, the fullest first;
// returns how many, at most max. One has to be dense at some address of a worker to be seen, which
// it is for certain from half of the ports on, and often from a quarter on. `taken` is exact where
// the sets know all, elsewhere it is what its places share with others of the same hash, less what
// is usual: some flows in 4,096. A caller that is no worker gets the numbers of slightly different
// moments. It takes time for each set, and for the max fullest ones for each address and worker.
unsigned sl_sport_fullest(const struct sl_sport *const sports[], unsigned n_workers,
	struct sl_sport_fill *out, unsigned max);
