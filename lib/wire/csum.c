#include "sl_wire.h"

#include <string.h>

uint16_t
sl_csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

// Sums 32-bit words into 64 bits: the one's complement sum does not care how wide the words are, as
// long as every carry comes back in (RFC 1071 section 2).
uint32_t
sl_csum_add(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;
	uint64_t wide = 0;

	for (; len >= 4; len -= 4, p += 4) {
		uint32_t word;

		memcpy(&word, p, 4);
		wide += word;
	}
	if (len >= 2) {
		uint16_t half;

		memcpy(&half, p, 2);
		wide += half;
		p += 2;
	}
	if (len & 1) {
		const uint8_t last[2] = {*p, 0};
		uint16_t half;

		memcpy(&half, last, 2);
		wide += half;
	}
	wide = (wide & UINT32_MAX) + (wide >> 32);
	wide = (wide & UINT32_MAX) + (wide >> 32);
	return sum + sl_csum_fold((uint32_t)wide);
}

sl_be16
sl_csum_ipv4(const struct sl_ipv4_hdr *ip)
{
	const uint32_t sum = sl_csum_add(ip, (size_t)(ip->ver_ihl & 0x0f) * 4, 0);

	return (uint16_t)~sl_csum_fold(sum + (uint16_t)~ip->csum);
}

static uint32_t
pseudo_header(const struct sl_ipv4_hdr *ip, size_t l4_len)
{
	struct {
		sl_be32 src, dst;
		uint8_t zero, proto;
		sl_be16 len;
	} __attribute__((packed)) ph = {
		.src = ip->src,
		.dst = ip->dst,
		.proto = ip->proto,
		.len = sl_cpu_to_be16((uint16_t)l4_len),
	};

	return sl_csum_add(&ph, sizeof(ph), 0);
}

sl_be16
sl_csum_l4(const struct sl_ipv4_hdr *ip, const void *l4, size_t l4_len)
{
	const uint32_t base = ip->proto == SL_PROTO_ICMP ? 0 : pseudo_header(ip, l4_len);
	const uint16_t csum = ~sl_csum_fold(sl_csum_add(l4, l4_len, base));

	return csum == 0 && ip->proto == SL_PROTO_UDP ? 0xffff : csum;
}
