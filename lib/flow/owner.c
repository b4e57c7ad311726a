// Whose is a reply: the tables of the Toeplitz hash.
#include "sl_owner.h"

#include <errno.h>

#define FIRST_PORT_BYTE 10 // of the destination port, in a tuple
#define PORT_BITS       16

void
sl_owner_by_port(struct sl_owner *o, unsigned n_workers)
{
	*o = (struct sl_owner){.n_workers = n_workers};
}

// The 16 bits that an input bit adds to the low half of the hash: those of the key from 16 behind
// its own place on.
static uint16_t
window(const uint8_t *key, unsigned bit)
{
	const unsigned from = bit + 16;
	const uint32_t three = (uint32_t)key[from / 8] << 16 | (uint32_t)key[from / 8 + 1] << 8 |
			       (from / 8 + 2 < SL_OWNER_KEY_BYTES ? key[from / 8 + 2] : 0);

	return (uint16_t)(three >> (8 - from % 8));
}

static void
fill(uint16_t part[256], const uint8_t *key, unsigned first_bit)
{
	for (unsigned v = 1; v < 256; v++) {
		const unsigned low = (unsigned)__builtin_ctz(v);

		// Linear: the lowest bit, and what the others add, which is known.
		part[v] = part[v & (v - 1)] ^ window(key, first_bit + 7 - low);
	}
}

// The hash of the ports takes every value of the mask: their bits' windows are that many
// independent vectors. All values have the same number of ports then.
static bool
spreads(const struct sl_owner *o, uint16_t mask)
{
	uint16_t row[PORT_BITS];
	unsigned rank = 0;

	for (unsigned i = 0; i < PORT_BITS; i++)
		row[i] = o->part[FIRST_PORT_BYTE + i / 8][1u << i % 8] & mask;
	for (uint32_t bit = 1; bit <= mask; bit <<= 1) {
		unsigned k = rank;

		while (k < PORT_BITS && !(row[k] & bit))
			k++;
		if (k == PORT_BITS)
			return false;
		const uint16_t pivot = row[k];

		row[k] = row[rank];
		row[rank++] = pivot;
		for (k = rank; k < PORT_BITS; k++)
			if (row[k] & bit)
				row[k] ^= pivot;
	}
	return true;
}

int
sl_owner_by_hash(struct sl_owner *o, unsigned n_workers, const uint8_t key[SL_OWNER_KEY_BYTES],
	uint32_t n_entries)
{
	if (n_entries < n_workers || n_entries < 2 || n_entries > SL_OWNER_MAX_ENTRIES ||
		(n_entries & (n_entries - 1)) != 0)
		return -EINVAL;
	*o = (struct sl_owner){.n_workers = n_workers, .n_entries = n_entries};
	for (unsigned i = 0; i < SL_OWNER_TUPLE_BYTES; i++)
		fill(o->part[i], key, 8 * i);
	return spreads(o, (uint16_t)(n_entries - 1)) ? 0 : -EINVAL;
}
