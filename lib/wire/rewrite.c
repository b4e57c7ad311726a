#include "sl_wire_plain.h"

static uint32_t
sum32(uint32_t v)
{
	return (v & 0xffff) + (v >> 16);
}

struct sl_wire_delta
sl_wire_delta(const struct sl_tuple *from, const struct sl_tuple *to)
{
	const uint32_t ttl_step = 0x0100; // of the word that TTL and protocol share
	const uint32_t addrs =
		sum32(~from->src) + sum32(~from->dst) + sum32(to->src) + sum32(to->dst);
	const uint32_t l3 = addrs + (uint16_t)~sl_cpu_to_be16(ttl_step);
	const uint32_t l4 =
		addrs + (uint16_t)~from->sport + (uint16_t)~from->dport + to->sport + to->dport;

	return (struct sl_wire_delta){.l3 = sl_csum_fold(l3), .l4 = sl_csum_fold(l4)};
}

void
sl_wire_rewrite(
	uint8_t *data, uint8_t l4_off, const struct sl_tuple *to, struct sl_wire_delta delta)
{
	const struct sl_tuple mirror = {
		.src = to->dst,
		.dst = to->src,
		.sport = to->dport,
		.dport = to->sport,
		.proto = to->proto,
	};

	sl_wire_rewrite_to_mirror(data, l4_off, &mirror, delta);
}
