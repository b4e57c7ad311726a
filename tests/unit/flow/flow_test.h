// What the flow tests share: memory from the heap, tuples by number.
#pragma once

#include "sl_flow.h"
#include "sl_test.h"

static inline void *
heap_alloc(void *ctx, size_t bytes)
{
	void *p = aligned_alloc(
		SL_CACHE_LINE, (bytes + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1));

	if (ctx)
		*(size_t *)ctx += bytes;
	return p ? memset(p, 0, bytes) : NULL;
}

static inline void
heap_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static inline struct sl_flow_mem
heap(size_t *bytes)
{
	return (struct sl_flow_mem){.alloc = heap_alloc, .free = heap_free, .ctx = bytes};
}

static inline struct sl_flow_table *
table_new(uint32_t capacity)
{
	const struct sl_flow_mem mem = heap(NULL);

	return sl_flow_table_new(capacity, 0, &mem);
}

static inline struct sl_tuple
tuple(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	return (struct sl_tuple){
		.src = sl_cpu_to_be32(src),
		.dst = sl_cpu_to_be32(dst),
		.sport = sl_cpu_to_be16(sport),
		.dport = sl_cpu_to_be16(dport),
		.proto = SL_PROTO_UDP,
	};
}

// Flow number i, as a gateway meets them: clients of 198.18.0.0/16 walk their ports; one VIP, one
// endpoint; pool ports in order, then the next pool address.
static inline struct sl_tuple
client_tuple(uint32_t i)
{
	return tuple(0xc6120000u + i / 60000, (uint16_t)(1024 + i % 60000), 0xcb007101u, 443);
}

static inline struct sl_tuple
endpoint_tuple(uint32_t i)
{
	return tuple(0xc0000201u, 8443, 0xc6336400u + i / 60000, (uint16_t)(1024 + i % 60000));
}

static const struct sl_flow_timeouts test_timeouts = {
	.by_state =
		{
			[SL_FLOW_UDP] = 30,
			[SL_FLOW_SYN_SENT] = 20,
			[SL_FLOW_SYN_RECV] = 20,
			[SL_FLOW_ESTABLISHED] = 10000, // beyond the wheel's horizon
			[SL_FLOW_FIN_CLIENT] = 500,
			[SL_FLOW_FIN_ENDPOINT] = 500,
			[SL_FLOW_CLOSING] = 50,
			[SL_FLOW_RESET] = 5,
		},
};
