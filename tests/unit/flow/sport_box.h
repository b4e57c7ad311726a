// A flow table and source ports, lent and given back as the packet path does it.
#pragma once

#include "flow_test.h"
#include "sl_sport.h"

static const sl_be32 addrs[] = {0x016433c6, 0x026433c6, 0x036433c6};
#define N_ADDRS SL_ARRAY_LEN(addrs)

static const struct sl_owner alone = {.n_workers = 1};

static const struct sl_flow_timeouts timeouts = {.by_state = {[0 ... SL_FLOW_STATE_MAX - 1] = 100}};

// A flow table with the worker's ports, as the packet path uses them.
struct box {
	struct sl_flow_table *flows;
	struct sl_sport *sports;
	uint32_t client; // of the next flow
	uint32_t hash;   // of all clients
};

static inline struct box
box_new(const struct sl_sport_range *range, uint32_t n_addrs, unsigned worker,
	const struct sl_owner *owner, uint32_t capacity)
{
	const struct sl_flow_mem mem = heap(NULL);
	struct box b = {.flows = table_new(capacity)};

	b.sports = sl_sport_new(addrs, n_addrs, range, worker, owner, b.flows, &mem);
	return b;
}

static inline void
box_free(struct box *b)
{
	sl_sport_free(b->sports);
	sl_flow_table_free(b->flows);
}

static inline struct sl_tuple
to(uint8_t proto, uint32_t dst, uint16_t dport)
{
	struct sl_tuple t = tuple(dst, dport, 0, 0);

	t.proto = proto;
	return t;
}

// The flow's record, or what get said.
static inline int64_t
insert(struct box *b, const struct sl_tuple *endpoint, uint16_t pool_addr)
{
	struct sl_tuple client =
		tuple(0xc6120000u + (b->client >> 15), 1 + (b->client & 0x7fff), 0xcb007101u, 80);
	int64_t index;

	client.proto = endpoint->proto;
	b->client++;
	index = sl_flow_insert(b->flows, &client, endpoint,
		client.proto == SL_PROTO_TCP ? SL_FLOW_SYN_SENT : SL_FLOW_UDP, 0, 0, &timeouts);
	if (index >= 0)
		sl_flow_at(b->flows, (uint32_t)index)->pool_addr = pool_addr;
	return index;
}

typedef int get_fn(
	struct sl_sport *s, struct sl_tuple *endpoint, uint32_t client_hash, uint16_t *pool_addr);

static inline int64_t
open_with(get_fn *get, struct box *b, const struct sl_tuple *destination)
{
	struct sl_tuple t = *destination;
	uint16_t pool_addr;
	const int rc = get(b->sports, &t, b->hash, &pool_addr);

	return rc < 0 ? rc : insert(b, &t, pool_addr);
}

static inline int64_t
begin(struct box *b, const struct sl_tuple *destination)
{
	return open_with(sl_sport_get, b, destination);
}

// As begin(), with what is kept for it.
static inline int64_t
go_on(struct box *b, const struct sl_tuple *destination)
{
	return open_with(sl_sport_get_reserve, b, destination);
}

static inline void
end(struct box *b, int64_t index, sl_tick now, sl_tick rest)
{
	const struct sl_flow *f = sl_flow_at(b->flows, (uint32_t)index);

	sl_sport_put(b->sports, &f->tuple[SL_DIR_ENDPOINT], f->pool_addr, now, rest);
	sl_flow_remove(b->flows, (uint32_t)index);
}
