#include "sl_wire.h"

#include <string.h>

#define FRAG_MF          0x2000
#define FRAG_OFFSET_MASK 0x1fff

bool
sl_wire_is_host(sl_be32 addr)
{
	const uint8_t first = sl_be32_to_cpu(addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

bool
sl_wire_is_unicast(sl_be32 addr)
{
	return sl_wire_is_host(addr) || (sl_be32_to_cpu(addr) >> 28 == 15 && addr != UINT32_MAX);
}

// Both lengths count from the L4 header: what is contiguous, and what the IP header says there is.
// A header must lie within both (padding behind the datagram is none of it): the first check is for
// the one, the last for the other.
static bool
parse_tcp(const struct sl_tcp_hdr *tcp, uint32_t avail, uint32_t len, struct sl_wire_info *info)
{
	if (avail < SL_TCP_HLEN)
		return false;
	const uint32_t hlen = (uint32_t)(tcp->off >> 4) * 4;

	info->tuple.sport = tcp->sport;
	info->tuple.dport = tcp->dport;
	info->tcp_flags = tcp->flags;
	return hlen >= SL_TCP_HLEN && hlen <= len;
}

static bool
parse_udp(const struct sl_udp_hdr *udp, uint32_t avail, uint32_t len, struct sl_wire_info *info)
{
	if (avail < SL_UDP_HLEN)
		return false;
	const uint32_t ulen = sl_be16_to_cpu(udp->len);

	info->tuple.sport = udp->sport;
	info->tuple.dport = udp->dport;
	return ulen >= SL_UDP_HLEN && ulen <= len;
}

static enum sl_wire_kind
parse_l4(const uint8_t *l4, uint32_t avail, uint32_t len, struct sl_wire_info *info)
{
	bool ok;

	if (info->tuple.proto == SL_PROTO_TCP)
		ok = parse_tcp((const struct sl_tcp_hdr *)l4, avail, len, info);
	else if (info->tuple.proto == SL_PROTO_UDP)
		ok = parse_udp((const struct sl_udp_hdr *)l4, avail, len, info);
	else
		return SL_WIRE_IPV4;
	return sl_likely(ok) ? SL_WIRE_L4 : SL_WIRE_BAD_L4;
}

// data points at the IPv4 header; avail and len count from there.
static enum sl_wire_kind
parse_ipv4(const uint8_t *data, uint32_t avail, uint32_t len, struct sl_wire_info *info)
{
	const struct sl_ipv4_hdr *ip = (const struct sl_ipv4_hdr *)data;

	if (sl_unlikely(avail < SL_IPV4_HLEN))
		return SL_WIRE_BAD_IP;
	const uint32_t hlen = (uint32_t)(ip->ver_ihl & 0x0f) * 4;
	const uint32_t total = sl_be16_to_cpu(ip->total_len);

	if (sl_unlikely(ip->ver_ihl >> 4 != 4 || hlen < SL_IPV4_HLEN || hlen > avail ||
			total < hlen || total > len))
		return SL_WIRE_BAD_IP;
	if (sl_unlikely(sl_csum_fold(sl_csum_add(ip, hlen, 0)) != 0xffff))
		return SL_WIRE_BAD_CSUM;

	info->tuple.src = ip->src;
	info->tuple.dst = ip->dst;
	info->tuple.proto = ip->proto;
	info->ttl = ip->ttl;
	info->ip_len = total;
	info->l4_off = SL_ETH_HLEN + hlen;
	if (sl_unlikely(ip->frag & sl_cpu_to_be16(FRAG_MF | FRAG_OFFSET_MASK)))
		return SL_WIRE_FRAGMENT;
	if (sl_unlikely(hlen != SL_IPV4_HLEN))
		return SL_WIRE_OPTIONS;
	return parse_l4(data + hlen, avail - hlen, total - hlen, info);
}

enum sl_wire_kind
sl_wire_parse(const uint8_t *data, uint32_t data_len, uint32_t frame_len, struct sl_wire_info *info)
{
	enum sl_wire_kind kind = SL_WIRE_RUNT;

	memset(info, 0, sizeof(*info));
	if (data_len > frame_len)
		data_len = frame_len;
	if (sl_likely(data_len >= SL_ETH_HLEN)) {
		info->ethertype = sl_be16_to_cpu(((const struct sl_eth_hdr *)data)->type);
		kind = SL_WIRE_OTHER;
		if (sl_likely(info->ethertype == SL_ETHERTYPE_IPV4))
			kind = parse_ipv4(data + SL_ETH_HLEN, data_len - SL_ETH_HLEN,
				frame_len - SL_ETH_HLEN, info);
	}
	info->kind = kind;
	return kind;
}
