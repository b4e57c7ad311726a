// Whose is a reply: the worker that has the flow of a tuple (endpoint -> pool address and port).
//
// Every worker lends the ports that are its own for a destination, so that anybody who sees a reply
// knows its worker from the tuple alone. Two ways to share the ports out:
//   by port   worker = port % n_workers. Low bits: clients and kernels walk ports in order. What
//             flow rules with a mask on the port can tell apart, too.
//   by hash   worker = (Toeplitz hash of the tuple & (n_entries - 1)) % n_workers: what RSS does
//   with
//             a reply when its key is ours and its table has the worker of entry i at
//             (i % n_entries) % n_workers. A destination's ports are then shared out in a way of
//             its own, each of them to one worker, nearly the same number to each.
//
// Owner:   caller's memory, 6 KiB; one for all workers, made before they start.
// Threads: any, once it is made.
// Errors:  by_hash: -EINVAL.
// Limits:  a hash is 12 reads of a table that fits the first-level cache; nothing for one worker.
//
// Source: Toeplitz hash as in Microsoft's RSS specification, over source and destination address,
// source and destination port in network order.
#pragma once

#include "sl_wire.h"

#define SL_OWNER_TUPLE_BYTES 12
#define SL_OWNER_KEY_BYTES   (SL_OWNER_TUPLE_BYTES + 4) // of an RSS key: what IPv4 reads of it
#define SL_OWNER_MAX_ENTRIES 65536

struct sl_owner {
	unsigned n_workers;
	uint32_t n_entries;                       // 0: by port
	uint16_t part[SL_OWNER_TUPLE_BYTES][256]; // what each byte of a tuple adds to its hash
};

void sl_owner_by_port(struct sl_owner *o, unsigned n_workers);
// n_entries: a power of two, of the smallest RSS table. -EINVAL: it is none, or there are fewer
// than workers, or the key is of those by which some ports never meet some entries: take another.
int sl_owner_by_hash(struct sl_owner *o, unsigned n_workers, const uint8_t key[SL_OWNER_KEY_BYTES],
	uint32_t n_entries);

// The low 16 bits of the hash.
static inline uint16_t
sl_owner_hash(const struct sl_owner *o, const struct sl_tuple *reply)
{
	const uint8_t *byte = (const uint8_t *)reply;
	uint16_t hash = 0;

	_Static_assert(offsetof(struct sl_tuple, proto) == SL_OWNER_TUPLE_BYTES, "as RSS reads it");
	for (unsigned i = 0; i < SL_OWNER_TUPLE_BYTES; i++)
		hash ^= o->part[i][byte[i]];
	return hash;
}

// The worker of a port, where base is the hash of its tuple with port 0 (of no use by port).
static inline unsigned
sl_owner_of_port(const struct sl_owner *o, uint16_t base, uint16_t port)
{
	if (o->n_entries == 0)
		return port % o->n_workers;
	const uint16_t hash = base ^ o->part[10][port >> 8] ^ o->part[11][port & 0xff];

	return (hash & (o->n_entries - 1)) % o->n_workers;
}

static inline unsigned
sl_owner_of(const struct sl_owner *o, const struct sl_tuple *reply)
{
	const uint16_t port = sl_be16_to_cpu(reply->dport);

	if (o->n_workers == 1)
		return 0;
	if (o->n_entries == 0)
		return port % o->n_workers;
	return (sl_owner_hash(o, reply) & (o->n_entries - 1)) % o->n_workers;
}
