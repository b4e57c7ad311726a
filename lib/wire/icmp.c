// What ICMP errors say: the datagram that they quote.

#include "sl_wire.h"

#include <string.h>

#define FRAG_OFFSET_MASK 0x1fff
#define QUOTE_L4         8 // bytes behind the quoted header that there always are, RFC 792

static bool
is_error(uint8_t type)
{
	return type == SL_ICMP_UNREACH || type == 4 || type == 5 || type == SL_ICMP_TIME_EXCEEDED ||
	       type == 12;
}

static bool
parse_quote(const uint8_t *quote, uint32_t len, struct sl_wire_icmp_error *out)
{
	const struct sl_ipv4_hdr *ip = (const struct sl_ipv4_hdr *)quote;

	if (len < SL_IPV4_HLEN + QUOTE_L4)
		return false;
	const uint32_t hlen = (uint32_t)(ip->ver_ihl & 0x0f) * 4;

	if (ip->ver_ihl >> 4 != 4 || hlen < SL_IPV4_HLEN || hlen + QUOTE_L4 > len)
		return false;
	if (ip->proto != SL_PROTO_TCP && ip->proto != SL_PROTO_UDP)
		return false;
	if (ip->frag & sl_cpu_to_be16(FRAG_OFFSET_MASK))
		return false;
	const struct sl_tcp_hdr *l4 = (const struct sl_tcp_hdr *)(quote + hlen);

	out->tuple = (struct sl_tuple){.src = ip->src,
		.dst = ip->dst,
		.sport = l4->sport,
		.dport = l4->dport,
		.proto = ip->proto};
	if (ip->proto == SL_PROTO_TCP)
		out->seq = sl_be32_to_cpu(l4->seq);
	return true;
}

bool
sl_wire_parse_icmp_error(const uint8_t *data, uint32_t data_len, const struct sl_wire_info *info,
	struct sl_wire_icmp_error *out)
{
	const struct sl_icmp_hdr *icmp = (const struct sl_icmp_hdr *)(data + info->l4_off);

	if (info->kind != SL_WIRE_IPV4 || info->tuple.proto != SL_PROTO_ICMP)
		return false;
	const uint32_t len = info->ip_len - (info->l4_off - (uint32_t)SL_ETH_HLEN);

	if (len < SL_ICMP_HLEN || info->l4_off + len > data_len || !is_error(icmp->type))
		return false;
	if (sl_csum_fold(sl_csum_add(icmp, len, 0)) != 0xffff)
		return false;
	memset(out, 0, sizeof(*out));
	out->type = icmp->type;
	out->code = icmp->code;
	return parse_quote((const uint8_t *)(icmp + 1), len - SL_ICMP_HLEN, out);
}
