// The inside of an endpoint set, for eps.c (its life) and balance.c (the choice).
#pragma once

#include "sl_fwd_eps.h"

// Alias table (Walker, Vose): column i goes to endpoint i for the `keep` / 2^32 part of it, and to
// `other` for the rest.
struct alias {
	uint32_t keep;
	uint32_t other;
};

// Up to 3 endpoints lie in the first two cache lines.
struct sl_fwd_eps {
	uint32_t n;
	uint32_t refs; // control only
	uint32_t cluster_slot;
	uint32_t max_flows;
	uint16_t policy;
	void (*on_free)(void *ctx, const struct sl_fwd_eps *eps);
	void *ctx;
	struct sl_fwd_ep *ep; // n of them, behind the aliases
	struct alias alias[]; // n
};

// Fills the aliases from the weights. Returns 0 or -ENOMEM.
int balance_init(struct sl_fwd_eps *eps);
