// Who gets which address of a range. Each seat asks for addresses in an order of its own, drawn
// from its hash, until it has one; of two that ask for one address the better rank, drawn from the
// hash too, has it. What comes out depends on who sits and what is reserved and on nothing else:
// not on the order in which they came. docs/decisions/0011-virtual-ips.md
#pragma once

#include "sl_ip.h"
#include "sl_types.h"

#define SEATS_MAX_BITS 18 // of a longer range the first addresses are used

struct seat {
	uint64_t hash;   // of who sits
	const char *key; // for equal ranks
	void *who;       // the caller's
	uint32_t tried;  // so many addresses that it asked for it did not get; the next one is its
	bool seated;     // else it has none
	uint32_t at;     // in seated or without
};

struct seat_list {
	struct seat **v;
	uint32_t n;
	uint32_t cap;
};

struct seat_cell;
struct range {
	struct sl_prefix whole; // as it was configured; family 0: no range, nobody gets anything
	struct sl_prefix used;  // the part that addresses are given from
	uint32_t mask;          // number of addresses in it - 1, a power of two - 1
	struct seat_cell *cell; // by the low bits of the address
	uint32_t n_free;        // addresses that are not reserved
	struct seat_list seated;
	struct seat_list without; // the worst ranks: there are no more addresses
	// Its address is another one, or it has none any more.
	void (*moved)(void *ctx, struct seat *s);
	void *ctx;
};

void range_init(struct range *r, const struct sl_prefix *prefix,
	void (*moved)(void *ctx, struct seat *s), void *ctx);
void range_fini(struct range *r); // seats are the caller's
void range_add(struct range *r, struct seat *s);
void range_del(struct range *r, struct seat *s);
// The addresses of a prefix inside the range are not given while it is reserved; counted. One that
// the range lies in, and is not, reserves nothing.
void range_reserve(struct range *r, const struct sl_prefix *p, int by);
// Family 0: none.
struct sl_ip range_address(const struct range *r, const struct seat *s);
