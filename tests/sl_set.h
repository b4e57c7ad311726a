// Endpoint sets of the plain kind, for tests and benchmarks that are not about the rest.
#pragma once

#include "sl_fwd.h"

// One group, least request, no cluster.
static inline struct sl_fwd_eps *
sl_set_flat(const struct sl_fwd_ep *ep, uint32_t n)
{
	const struct sl_fwd_eps_spec spec = {.ep = ep, .n = n, .cluster_slot = SL_FWD_SLOT_NONE};

	return sl_fwd_eps_new(&spec);
}

// NULL: none.
static inline const struct sl_fwd_ep *
sl_set_pick(const struct sl_fwd_eps *eps, struct sl_fwd_load *load, uint64_t rnd)
{
	const struct sl_fwd_ask ask = {.rnd = rnd};
	struct sl_fwd_choice choice;

	return sl_fwd_pick(eps, load, &ask, &choice) == 0 ? choice.ep : NULL;
}
