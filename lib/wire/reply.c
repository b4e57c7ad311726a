// Answers of our own: a frame turned around in place.

#include "sl_wire.h"

#include <string.h>

#define REPLY_TTL         64
#define REPLY_FRAG        0x4000 // do not fragment: an answer this short never has to be
#define ICMP_REPLY_MAX    576    // RFC 1812 4.3.2.3
#define ICMP_QUOTE_MIN    8      // bytes behind the quoted header, RFC 792
#define TOS_CONTROL       0xc0   // internetwork control, RFC 1812 4.3.2.5
#define ICMP_ECHO_REPLY   0
#define ICMP_ECHO         8
#define ICMP_TIMESTAMP    13
#define ICMP_TIMESTAMP_RE 14

static bool
is_icmp_query(uint8_t type)
{
	return type == ICMP_ECHO || type == ICMP_ECHO_REPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMP_RE;
}

// RFC 1812 4.3.2.7, and RFC 9293 3.10.7.1 for RST. What did not parse is not answered: whether it
// is an error message or a RST is not known then.
bool
sl_wire_may_answer(const uint8_t *data, uint32_t avail, const struct sl_wire_info *info)
{
	const struct sl_eth_hdr *eth = (const struct sl_eth_hdr *)data;

	if (info->kind != SL_WIRE_L4 && info->kind != SL_WIRE_IPV4 && info->kind != SL_WIRE_OPTIONS)
		return false;
	if ((eth->dst[0] | eth->src[0]) & 1)
		return false;
	if (!sl_wire_is_host(info->tuple.src) || !sl_wire_is_unicast(info->tuple.dst))
		return false;
	if (info->tuple.proto == SL_PROTO_ICMP)
		return avail > info->l4_off && is_icmp_query(data[info->l4_off]);
	// With IP options the TCP flags were not parsed.
	if (info->tuple.proto == SL_PROTO_TCP)
		return info->kind == SL_WIRE_L4 && !(info->tcp_flags & SL_TCP_RST);
	return true;
}

static void
turn_ethernet(uint8_t *data)
{
	struct sl_eth_hdr *eth = (struct sl_eth_hdr *)data;
	uint8_t mac[6];

	memcpy(mac, eth->dst, sizeof(mac));
	memcpy(eth->dst, eth->src, sizeof(mac));
	memcpy(eth->src, mac, sizeof(mac));
}

static struct sl_ipv4_hdr *
put_ipv4(uint8_t *data, uint8_t tos, uint8_t proto, size_t total_len, sl_be32 src, sl_be32 dst)
{
	struct sl_ipv4_hdr *ip = (struct sl_ipv4_hdr *)(data + SL_ETH_HLEN);

	*ip = (struct sl_ipv4_hdr){
		.ver_ihl = 0x45,
		.tos = tos,
		.total_len = sl_cpu_to_be16((uint16_t)total_len),
		.frag = sl_cpu_to_be16(REPLY_FRAG),
		.ttl = REPLY_TTL,
		.proto = proto,
		.src = src,
		.dst = dst,
	};
	ip->csum = sl_csum_ipv4(ip);
	return ip;
}

// SEG.LEN of RFC 9293: SYN and FIN take a sequence number each.
static uint32_t
segment_len(const struct sl_wire_info *info, const struct sl_tcp_hdr *tcp)
{
	const uint32_t hlen =
		(uint32_t)(info->l4_off - SL_ETH_HLEN) + (uint32_t)(tcp->off >> 4) * 4;

	return info->ip_len - hlen + !!(tcp->flags & SL_TCP_SYN) + !!(tcp->flags & SL_TCP_FIN);
}

uint32_t
sl_wire_make_rst(uint8_t *data, uint32_t room, const struct sl_wire_info *info)
{
	const uint32_t len = SL_ETH_HLEN + SL_IPV4_HLEN + SL_TCP_HLEN;

	if (info->kind != SL_WIRE_L4 || info->tuple.proto != SL_PROTO_TCP || room < len)
		return 0;
	if (!sl_wire_may_answer(data, len, info))
		return 0;
	const struct sl_tcp_hdr in = *(const struct sl_tcp_hdr *)(data + info->l4_off);
	struct sl_tcp_hdr *tcp = (struct sl_tcp_hdr *)(data + SL_ETH_HLEN + SL_IPV4_HLEN);
	const uint32_t next = sl_be32_to_cpu(in.seq) + segment_len(info, &in);
	const bool acked = in.flags & SL_TCP_ACK;

	turn_ethernet(data);
	const struct sl_ipv4_hdr *ip = put_ipv4(data, 0, SL_PROTO_TCP, SL_IPV4_HLEN + SL_TCP_HLEN,
		info->tuple.dst, info->tuple.src);

	*tcp = (struct sl_tcp_hdr){
		.sport = in.dport,
		.dport = in.sport,
		.seq = acked ? in.ack : 0,
		.ack = acked ? 0 : sl_cpu_to_be32(next),
		.off = SL_TCP_HLEN / 4 << 4,
		.flags = acked ? SL_TCP_RST : SL_TCP_RST | SL_TCP_ACK,
	};
	tcp->csum = sl_csum_l4(ip, tcp, SL_TCP_HLEN);
	return len;
}

uint32_t
sl_wire_to_rst(uint8_t *data, uint32_t room, const struct sl_wire_info *info)
{
	const uint32_t len = (uint32_t)info->l4_off + SL_TCP_HLEN;

	if (info->kind != SL_WIRE_L4 || info->tuple.proto != SL_PROTO_TCP ||
		(info->tcp_flags & SL_TCP_RST) || room < len)
		return 0;
	struct sl_ipv4_hdr *ip = (struct sl_ipv4_hdr *)(data + SL_ETH_HLEN);
	struct sl_tcp_hdr *tcp = (struct sl_tcp_hdr *)(data + info->l4_off);

	ip->total_len = sl_cpu_to_be16((uint16_t)(len - SL_ETH_HLEN));
	ip->csum = sl_csum_ipv4(ip);
	tcp->off = SL_TCP_HLEN / 4 << 4;
	tcp->flags = SL_TCP_RST | (tcp->flags & SL_TCP_ACK);
	tcp->window = 0;
	tcp->urgent = 0;
	tcp->csum = 0;
	tcp->csum = sl_csum_l4(ip, tcp, SL_TCP_HLEN);
	return len;
}

static uint32_t
min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t
sl_wire_make_icmp(uint8_t *data, uint32_t avail, uint32_t room, const struct sl_wire_info *info,
	uint8_t type, uint8_t code, sl_be32 from)
{
	const uint32_t head = SL_ETH_HLEN + SL_IPV4_HLEN + SL_ICMP_HLEN;

	if (avail < SL_ETH_HLEN || room < head || !sl_wire_may_answer(data, avail, info))
		return 0;
	uint32_t quote = min32(info->ip_len, avail - SL_ETH_HLEN);
	quote = min32(quote, ICMP_REPLY_MAX - SL_IPV4_HLEN - SL_ICMP_HLEN);
	quote = min32(quote, room - head);
	if (quote < min32(info->ip_len, (uint32_t)info->l4_off - SL_ETH_HLEN + ICMP_QUOTE_MIN))
		return 0;

	turn_ethernet(data);
	memmove(data + head, data + SL_ETH_HLEN, quote);
	put_ipv4(data, TOS_CONTROL, SL_PROTO_ICMP, SL_IPV4_HLEN + SL_ICMP_HLEN + quote,
		from ? from : info->tuple.dst, info->tuple.src);
	struct sl_icmp_hdr *icmp = (struct sl_icmp_hdr *)(data + SL_ETH_HLEN + SL_IPV4_HLEN);

	*icmp = (struct sl_icmp_hdr){.type = type, .code = code};
	icmp->csum = (uint16_t)~sl_csum_fold(sl_csum_add(icmp, SL_ICMP_HLEN + quote, 0));
	return head + quote;
}
