// Packet tests: frames built from a description, and frames taken apart again with every checksum
// computed in another way than lib/wire does it.
//
// Nothing here uses lib/wire's functions: what it builds and verifies is its own reading of the
// RFCs. Addresses and ports are in host order; bytes are written one by one.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define IP4(a, b, c, d)                                                                            \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum { T_FIN = 1, T_SYN = 2, T_RST = 4, T_PSH = 8, T_ACK = 16 };
enum { P_ICMP = 1, P_TCP = 6, P_UDP = 17 };

// What is zero has the usual value: Ethernet type IPv4, IHL 5, TTL 64, right lengths and checksums.
struct packet {
	uint8_t eth_dst[6];
	uint8_t eth_src[6];
	uint16_t eth_type;
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto, flags, ttl;
	uint8_t ttl_zero; // TTL is really 0
	uint8_t icmp_type, version;
	uint8_t ihl; // of options, the words behind the fifth are no-operations
	uint8_t tcp_off;
	uint16_t frag;        // flags and offset
	uint16_t payload_len; // bytes, a pattern
	uint16_t pad_len;     // Ethernet padding behind the datagram
	uint16_t fixed_total; // written instead of the right total length
	uint16_t fixed_ulen;  // written instead of the right UDP length
	uint8_t no_udp_csum, bad_ip_csum, bad_l4_csum;
	uint32_t seq, ack;
};

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

// The checksum as RFC 1071 says it, byte by byte, with every carry brought in at once.
static inline uint32_t
ones_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

#define l4_header_len(proto) ((proto) == P_TCP ? 20u : 8u)

// The sum of an L4 segment of the IPv4 packet at ip, its checksum field included.
static inline uint32_t
l4_sum(const uint8_t *ip, const uint8_t *l4, size_t len)
{
	if (ip[9] == P_ICMP)
		return ones_sum(l4, len, 0);
	const uint8_t pseudo[4] = {0, ip[9], (uint8_t)(len >> 8), (uint8_t)len};

	return ones_sum(l4, len, ones_sum(pseudo, 4, ones_sum(ip + 12, 8, 0)));
}

static inline void
put_l4(uint8_t *ip, uint8_t *l4, size_t len, const struct packet *k)
{
	const size_t hlen = l4_header_len(k->proto);
	const size_t at = k->proto == P_TCP ? 16 : k->proto == P_UDP ? 6 : 2;

	memset(l4, 0, hlen);
	if (k->proto != P_ICMP) {
		put16(l4, k->sport);
		put16(l4 + 2, k->dport);
	}
	if (k->proto == P_TCP) {
		put32(l4 + 4, k->seq);
		put32(l4 + 8, k->ack);
		l4[12] = (uint8_t)((k->tcp_off ? k->tcp_off : 5) << 4);
		l4[13] = k->flags;
		put16(l4 + 14, 64240);
	} else if (k->proto == P_UDP) {
		put16(l4 + 4, k->fixed_ulen ? k->fixed_ulen : (uint32_t)len);
	} else if (k->proto == P_ICMP) {
		l4[0] = k->icmp_type;
		put16(l4 + 4, k->sport); // identifier
	}
	for (size_t i = hlen; i < len; i++)
		l4[i] = (uint8_t)(i * 7 + 3);
	uint32_t sum = ~l4_sum(ip, l4, len) & 0xffff;
	if (k->proto == P_UDP && sum == 0)
		sum = 0xffff;
	if (k->proto == P_UDP && k->no_udp_csum)
		sum = 0;
	if (k->bad_l4_csum) // and not zero, which says "none" in UDP
		sum = sum == 0x0101 ? 0x0202 : sum ^ 0x0101;
	put16(l4 + at, sum);
}

// Writes the frame, which must have room, and returns its length.
static inline uint32_t
packet_build(const struct packet *k, uint8_t *frame)
{
	const uint32_t ihl = k->ihl ? k->ihl : 5, ip_hlen = ihl * 4;
	const uint32_t l4_len = (uint32_t)l4_header_len(k->proto) + k->payload_len;
	const uint32_t total = ip_hlen + l4_len;
	uint8_t *ip = frame + 14;

	memcpy(frame, k->eth_dst, 6);
	memcpy(frame + 6, k->eth_src, 6);
	put16(frame + 12, k->eth_type ? k->eth_type : 0x0800);
	memset(ip, 0, 20);
	memset(ip + 20, 1, ihl > 5 ? ip_hlen - 20 : 0);
	ip[0] = (uint8_t)((k->version ? k->version : 4) << 4 | ihl);
	put16(ip + 2, k->fixed_total ? k->fixed_total : total);
	put16(ip + 4, 0x1234);
	put16(ip + 6, k->frag);
	ip[8] = k->ttl_zero ? 0 : k->ttl ? k->ttl : 64;
	ip[9] = k->proto;
	put32(ip + 12, k->src);
	put32(ip + 16, k->dst);
	put16(ip + 10, ~ones_sum(ip, ip_hlen, 0) ^ (k->bad_ip_csum ? 0x0101 : 0));
	put_l4(ip, ip + ip_hlen, l4_len, k);
	memset(ip + total, 0xee, k->pad_len);
	return 14 + total + k->pad_len;
}

// Takes a frame apart: NULL, or what is wrong with it. Addresses, ports, flags, ... go to *k.
static inline const char *
packet_read(const uint8_t *frame, uint32_t len, struct packet *k)
{
	const uint8_t *ip = frame + 14;

	memset(k, 0, sizeof(*k));
	if (len < 34)
		return "shorter than Ethernet and IPv4 headers";
	memcpy(k->eth_dst, frame, 6);
	memcpy(k->eth_src, frame + 6, 6);
	k->eth_type = (uint16_t)get16(frame + 12);
	if (k->eth_type != 0x0800 || ip[0] != 0x45)
		return "not IPv4 with a plain header";
	const uint32_t total = get16(ip + 2);
	if (total < 20 || total + 14 > len)
		return "total length does not fit the frame";
	if (ones_sum(ip, 20, 0) != 0xffff)
		return "IPv4 header checksum is wrong";
	k->src = get32(ip + 12);
	k->dst = get32(ip + 16);
	k->ttl = ip[8];
	k->proto = ip[9];
	const uint8_t *l4 = ip + 20;
	const uint32_t l4_len = total - 20;
	if (k->proto != P_TCP && k->proto != P_UDP && k->proto != P_ICMP)
		return "neither TCP, UDP nor ICMP";
	if (l4_len < l4_header_len(k->proto))
		return "L4 header does not fit";
	k->payload_len = (uint16_t)(l4_len - l4_header_len(k->proto));
	k->pad_len = (uint16_t)(len - 14 - total);
	if (k->proto == P_ICMP) {
		k->icmp_type = l4[0];
		k->flags = l4[1]; // the code
	} else {
		k->sport = (uint16_t)get16(l4);
		k->dport = (uint16_t)get16(l4 + 2);
	}
	if (k->proto == P_TCP) {
		k->seq = get32(l4 + 4);
		k->ack = get32(l4 + 8);
		k->flags = l4[13];
	}
	k->no_udp_csum = k->proto == P_UDP && get16(l4 + 6) == 0;
	if (!k->no_udp_csum && l4_sum(ip, l4, l4_len) != 0xffff)
		return "L4 checksum is wrong";
	return NULL;
}
