#include "sl_wire.h"

// RFC 1624 equation 3, HC' = ~(~HC + ~m + m'): the delta is ~m + m' over all words that change. A
// correct checksum in its usual form comes out in its usual form, because the sum of a packet is
// never zero (version and protocol are in it), so that 0x0000 and 0xffff do not get mixed up.

#define TTL_STEP 0x0100 // of the word that TTL and protocol share

static uint16_t
change(uint16_t csum, uint32_t delta)
{
	return (uint16_t)~sl_csum_fold((uint32_t)(uint16_t)~csum + delta);
}

static uint32_t
sum32(uint32_t v)
{
	return (v & 0xffff) + (v >> 16);
}

struct sl_wire_delta
sl_wire_delta(const struct sl_tuple *from, const struct sl_tuple *to)
{
	const uint32_t l3 = sum32(~from->src) + sum32(~from->dst) + sum32(to->src) + sum32(to->dst);
	const uint32_t l4 =
		l3 + (uint16_t)~from->sport + (uint16_t)~from->dport + to->sport + to->dport;

	return (struct sl_wire_delta){.l3 = sl_csum_fold(l3), .l4 = sl_csum_fold(l4)};
}

static void
rewrite_udp(struct sl_udp_hdr *udp, const struct sl_tuple *to, uint16_t delta)
{
	udp->sport = to->sport;
	udp->dport = to->dport;
	// Zero says that the sender made none (RFC 768): there is nothing to keep right.
	if (udp->csum == 0)
		return;
	udp->csum = change(udp->csum, delta);
	if (udp->csum == 0)
		udp->csum = 0xffff;
}

void
sl_wire_rewrite(
	uint8_t *data, uint8_t l4_off, const struct sl_tuple *to, struct sl_wire_delta delta)
{
	struct sl_ipv4_hdr *ip = (struct sl_ipv4_hdr *)(data + SL_ETH_HLEN);

	ip->src = to->src;
	ip->dst = to->dst;
	ip->ttl--;
	ip->csum = change(ip->csum, (uint32_t)delta.l3 + (uint16_t)~sl_cpu_to_be16(TTL_STEP));
	if (ip->proto == SL_PROTO_UDP) {
		rewrite_udp((struct sl_udp_hdr *)(data + l4_off), to, delta.l4);
	} else {
		struct sl_tcp_hdr *tcp = (struct sl_tcp_hdr *)(data + l4_off);

		tcp->sport = to->sport;
		tcp->dport = to->dport;
		tcp->csum = change(tcp->csum, delta.l4);
	}
}
