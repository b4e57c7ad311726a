// The short cuts of the packet path: what nearly every frame is, parsed and rewritten without a
// call. Each says the same as its general counterpart in sl_wire.h, which it leaves the rest to.
//
// Owner, Threads, Errors: as sl_wire.h.
// Limits: little-endian machines, as all that DPDK runs on are.
#pragma once

#include <string.h>

#include "sl_wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are put together by shifts");

// A plain frame has its IPv4 header without options at one place, and room for a TCP header.
#define SL_WIRE_PLAIN_L4  (SL_ETH_HLEN + SL_IPV4_HLEN)
#define SL_WIRE_PLAIN_LEN (SL_WIRE_PLAIN_L4 + SL_TCP_HLEN)

static inline uint16_t
sl_load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t
sl_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
sl_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
sl_store16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void
sl_store32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void
sl_store64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

// The one's complement sum of an IPv4 header without options, folded; ip is its first byte.
static inline uint16_t
sl_wire_plain_sum(const uint8_t *ip)
{
	const uint64_t a = sl_load64(ip), b = sl_load64(ip + 8);
	const uint64_t c = sl_load32(ip + 16);
	uint64_t sum;
	uint32_t half;

	sum = a + b;
	sum += sum < a;
	sum += c;
	sum += sum < c;
	half = (uint32_t)sum + (uint32_t)(sum >> 32);
	half += half < (uint32_t)sum;
	half += half << 16 | half >> 16; // the upper half is the sum now, carry and all
	return (uint16_t)(half >> 16);
}

// Of a UDP datagram or TCP segment at l4, with len bytes behind the IPv4 header: is its header
// within them? flags: those of TCP.
static inline bool
sl_wire_plain_l4(const uint8_t *l4, uint8_t proto, int len, uint8_t *flags)
{
	int own;

	if (proto == SL_PROTO_UDP) {
		own = sl_be16_to_cpu(sl_load16(l4 + offsetof(struct sl_udp_hdr, len)));
		*flags = 0;
		return own >= SL_UDP_HLEN && own <= len;
	}
	own = (l4[offsetof(struct sl_tcp_hdr, off)] >> 4) * 4;
	*flags = l4[offsetof(struct sl_tcp_hdr, flags)];
	return own >= SL_TCP_HLEN && own <= len && proto == SL_PROTO_TCP;
}

// True: the frame is SL_WIRE_L4 and info is what sl_wire_parse() makes of it, with
// l4_off == SL_WIRE_PLAIN_L4. False: ask sl_wire_parse(); info is as before.
static inline bool
sl_wire_parse_plain(
	const uint8_t *data, uint32_t data_len, uint32_t frame_len, struct sl_wire_info *info)
{
	const uint8_t *ip = data + SL_ETH_HLEN;
	uint8_t flags;

	if (sl_unlikely(data_len < SL_WIRE_PLAIN_LEN || data_len > frame_len))
		return false;
	// Ethertype, version and header length; type of service is whatever it is.
	const uint32_t type = sl_load32(data + offsetof(struct sl_eth_hdr, type));
	const uint32_t frag = sl_load16(ip + offsetof(struct sl_ipv4_hdr, frag));
	const uint32_t total =
		sl_be16_to_cpu(sl_load16(ip + offsetof(struct sl_ipv4_hdr, total_len)));
	const uint8_t proto = ip[offsetof(struct sl_ipv4_hdr, proto)];
	const uint64_t ttl = ip[offsetof(struct sl_ipv4_hdr, ttl)];

	if (sl_unlikely(((type ^ sl_cpu_to_be32(SL_ETHERTYPE_IPV4 << 16 | 0x4500)) &
				sl_cpu_to_be32(0xffffff00)) |
			(frag & sl_cpu_to_be16(0x3fff))))
		return false;
	if (sl_unlikely(total > frame_len - SL_ETH_HLEN || sl_wire_plain_sum(ip) != 0xffff))
		return false;
	if (sl_unlikely(!sl_wire_plain_l4(
		    data + SL_WIRE_PLAIN_L4, proto, (int)total - SL_IPV4_HLEN, &flags)))
		return false;
	const uint64_t addrs = sl_load64(ip + offsetof(struct sl_ipv4_hdr, src));
	const uint64_t ports = sl_load32(data + SL_WIRE_PLAIN_L4);

	// As whole words, because that is how the tuple is read next.
	sl_store64(&info->tuple, addrs);
	sl_store64((uint8_t *)&info->tuple + 8, ports | (uint64_t)proto << 32);
	sl_store64(&info->kind, (uint64_t)SL_WIRE_L4 | (uint64_t)flags << 8 |
					(uint64_t)SL_WIRE_PLAIN_L4 << 16 | ttl << 24 |
					(uint64_t)total << 32 | (uint64_t)SL_ETHERTYPE_IPV4 << 48);
	return true;
}
_Static_assert(offsetof(struct sl_tuple, dst) == 4 && offsetof(struct sl_tuple, sport) == 8 &&
		       offsetof(struct sl_tuple, dport) == 10 &&
		       offsetof(struct sl_tuple, proto) == 12,
	"words of a tuple");
_Static_assert(offsetof(struct sl_wire_info, kind) == 16 &&
		       offsetof(struct sl_wire_info, tcp_flags) == 17 &&
		       offsetof(struct sl_wire_info, l4_off) == 18 &&
		       offsetof(struct sl_wire_info, ttl) == 19 &&
		       offsetof(struct sl_wire_info, ip_len) == 20 &&
		       offsetof(struct sl_wire_info, ethertype) == 22,
	"the last word of a packet's info");

// RFC 1624 equation 3, HC' = ~(~HC + ~m + m'): the delta is ~m + m' over all words that change. A
// correct checksum in its usual form comes out in its usual form, because the sum of a packet is
// never zero (version and protocol are in it), so that 0x0000 and 0xffff do not get mixed up.
static inline uint16_t
sl_wire_change(uint16_t csum, uint16_t delta)
{
	const uint32_t sum = (uint32_t)(uint16_t)~csum + delta;

	return (uint16_t) ~(sum + (sum >> 16));
}

// sl_wire_rewrite() to the mirror image of `from`.
static inline void
sl_wire_rewrite_to_mirror(
	uint8_t *data, uint8_t l4_off, const struct sl_tuple *from, struct sl_wire_delta delta)
{
	const uint64_t addrs = sl_load64(from);
	const uint32_t ports = sl_load32(&from->sport);
	uint8_t *ip = data + SL_ETH_HLEN, *l4 = data + l4_off;
	uint8_t *ip_csum = ip + offsetof(struct sl_ipv4_hdr, csum);
	const bool is_udp = from->proto == SL_PROTO_UDP;
	uint8_t *csum = l4 + (is_udp ? offsetof(struct sl_udp_hdr, csum)
				     : offsetof(struct sl_tcp_hdr, csum));
	const uint16_t was = sl_load16(csum), now = sl_wire_change(was, delta.l4);

	ip[offsetof(struct sl_ipv4_hdr, ttl)]--;
	sl_store16(ip_csum, sl_wire_change(sl_load16(ip_csum), delta.l3));
	sl_store64(ip + offsetof(struct sl_ipv4_hdr, src), addrs << 32 | addrs >> 32);
	sl_store32(l4, ports << 16 | ports >> 16);
	// Of UDP zero says that the sender made none (RFC 768): there is nothing to keep right.
	if (sl_unlikely(was == 0) && is_udp)
		return;
	sl_store16(csum, sl_unlikely(now == 0) && is_udp ? 0xffff : now);
}
