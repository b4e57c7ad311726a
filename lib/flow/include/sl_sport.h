// Source ports of one worker: per pool address and protocol, a FIFO of free ports, so that taking
// and giving is O(1) and a port given back rests as long as the FIFO is deep. The first round is in
// random order, so that the next port cannot be told from the last (RFC 6056).
//
// Worker w of n owns the ports p with p % n == w (low bits: clients and kernels walk ports in
// order, so low bits spread), hence the owner of a reply is known from its destination port alone.
//
// Owner:   sl_sport_new() takes all memory at start; free after the worker has left.
// Threads: get/put: the owning worker. sl_sport_free_count(): any (relaxed read).
// Errors:  get: -ENOSPC when every address of the pool is dry: the caller drops with
//          SL_DROP_NO_SOURCE_PORT; nothing ever leaves untranslated.
//          The address is found by a scan from the client's on: O(1) while that has ports.
// Limits:  ports first..last (default 1024..65535) without the reserved ones; 2 bytes a port,
// address
//          and protocol: 252 KiB an address over all workers.
#pragma once

#include "sl_flow.h"

struct sl_sport;

struct sl_sport_range {
	uint16_t first;
	uint16_t last;
	const uint16_t *reserved; // sorted
	uint32_t n_reserved;
};

struct sl_sport *sl_sport_new(const sl_be32 *addrs, uint32_t n_addrs,
	const struct sl_sport_range *range, unsigned worker, unsigned n_workers,
	const struct sl_flow_mem
		*mem); // NULL and ENOMEM, or EINVAL: no address, or no port for this worker
void sl_sport_free(struct sl_sport *s);

// A port of some address of the pool; the address is chosen by client_hash (a client keeps its
// address while that has ports), then the next ones. proto: SL_PROTO_TCP or SL_PROTO_UDP. Returns 0
// or -ENOSPC.
int sl_sport_get(struct sl_sport *s, uint8_t proto, uint32_t client_hash, uint16_t *pool_addr,
	sl_be32 *addr, sl_be16 *port);
void sl_sport_put(struct sl_sport *s, uint8_t proto, uint16_t pool_addr, sl_be16 port);

// What the worker has of all addresses together.
uint32_t sl_sport_total(const struct sl_sport *s, uint8_t proto);
uint32_t sl_sport_free_count(const struct sl_sport *s, uint8_t proto);
static inline unsigned
sl_sport_owner(sl_be16 port, unsigned n_workers)
{
	return sl_be16_to_cpu(port) % n_workers;
}
