// Bytes to structs and back: Ethernet (one or no 802.1Q tag is not stripped: tagged frames are
// "other"), IPv4, TCP, UDP, ICMP. Pure functions on caller's memory.
//
// Owner:   nothing is kept.
// Threads: any.
// Errors:  a parse verdict, never a read past data + len.
// Limits:  no allocation, no state, no clock.
//
// Source: RFC 791, 793/9293, 768, 792, 1071, 1624 (checksum update, eqn. 3), 1812 (ICMP rules).
#pragma once

#include "sl_types.h"

#define SL_ETH_HLEN  14
#define SL_IPV4_HLEN 20
#define SL_TCP_HLEN  20
#define SL_UDP_HLEN  8
#define SL_ICMP_HLEN 8

#define SL_ETHERTYPE_IPV4 0x0800
#define SL_ETHERTYPE_ARP  0x0806
#define SL_ETHERTYPE_IPV6 0x86dd

#define SL_PROTO_ICMP 1
#define SL_PROTO_TCP  6
#define SL_PROTO_UDP  17

#define SL_TCP_FIN 0x01
#define SL_TCP_SYN 0x02
#define SL_TCP_RST 0x04
#define SL_TCP_PSH 0x08
#define SL_TCP_ACK 0x10

struct sl_eth_hdr {
	uint8_t dst[6];
	uint8_t src[6];
	sl_be16 type;
} __attribute__((packed));

struct sl_ipv4_hdr {
	uint8_t ver_ihl;
	uint8_t tos;
	sl_be16 total_len;
	sl_be16 id;
	sl_be16 frag; // flags and offset
	uint8_t ttl;
	uint8_t proto;
	sl_be16 csum;
	sl_be32 src;
	sl_be32 dst;
} __attribute__((packed));

struct sl_tcp_hdr {
	sl_be16 sport;
	sl_be16 dport;
	sl_be32 seq;
	sl_be32 ack;
	uint8_t off; // data offset in the high nibble
	uint8_t flags;
	sl_be16 window;
	sl_be16 csum;
	sl_be16 urgent;
} __attribute__((packed));

struct sl_udp_hdr {
	sl_be16 sport;
	sl_be16 dport;
	sl_be16 len;
	sl_be16 csum;
} __attribute__((packed));

struct sl_icmp_hdr {
	uint8_t type;
	uint8_t code;
	sl_be16 csum;
	sl_be32 rest;
} __attribute__((packed));

enum sl_wire_kind {
	SL_WIRE_L4,       // IPv4 with a whole TCP or UDP header: all fields of sl_wire_info are set
	SL_WIRE_IPV4,     // valid IPv4, another protocol: addresses, proto, l4_off are set
	SL_WIRE_OTHER,    // not IPv4 (ARP, IPv6, VLAN, ...): only ethertype is set
	SL_WIRE_RUNT,     // shorter than an Ethernet header
	SL_WIRE_BAD_IP,   // version, header length, truncated header, total length
	SL_WIRE_BAD_CSUM, // IPv4 header checksum wrong
	SL_WIRE_FRAGMENT, // more fragments, or an offset: addresses, proto are set
	SL_WIRE_OPTIONS,  // IPv4 options present, otherwise valid: addresses, proto, l4_off are set
	SL_WIRE_BAD_L4,   // TCP or UDP header truncated, data offset or UDP length wrong: as IPV4
};

// Tuple in network order, ready to be a flow key.
struct sl_tuple {
	sl_be32 src;
	sl_be32 dst;
	sl_be16 sport;
	sl_be16 dport;
	uint8_t proto;
	uint8_t pad[3]; // zero
};

struct sl_wire_info {
	struct sl_tuple tuple;
	uint8_t kind;      // enum sl_wire_kind
	uint8_t tcp_flags; // 0 for UDP
	uint8_t l4_off;    // from the start of the frame
	uint8_t ttl;
	uint16_t ip_len;    // IPv4 total length: what lies behind it is Ethernet padding
	uint16_t ethertype; // host order
};

// Parses a frame of frame_len bytes of which the first data_len are contiguous at data (headers
// that reach past data_len are BAD). Returns info->kind. The IPv4 header checksum is verified; L4
// checksums are not (a rewrite by delta keeps a wrong one wrong).
enum sl_wire_kind sl_wire_parse(
	const uint8_t *data, uint32_t data_len, uint32_t frame_len, struct sl_wire_info *info);

// What an ICMP error message says of a datagram of ours (RFC 792).
struct sl_wire_icmp_error {
	uint8_t type; // 3, 4, 5, 11 or 12
	uint8_t code;
	struct sl_tuple tuple; // of the datagram that is quoted: its sender is who is told
	uint32_t seq;          // TCP: its sequence number, host order; else 0
};

// Takes an ICMP error apart; info is what sl_wire_parse() said of this frame, of which data_len
// bytes are contiguous at data. False: it is no ICMP error, its checksum is wrong, it reaches past
// data_len, or it quotes no first fragment of TCP or UDP with 8 bytes behind the IPv4 header. What
// is quoted may be cut short and its checksums are not looked at: routers change headers.
bool sl_wire_parse_icmp_error(const uint8_t *data, uint32_t data_len,
	const struct sl_wire_info *info, struct sl_wire_icmp_error *out);

// True for an address that a single host can have: not 0/8, 127/8, multicast or class E (RFC 1812
// 5.3.7). An answer is sent to nobody else.
bool sl_wire_is_host(sl_be32 addr);
// The same and class E, where virtual IPs are: an address that clients may send to, and that an
// answer may be from. Not 255.255.255.255.
bool sl_wire_is_unicast(sl_be32 addr);

// One's complement sum of len bytes added to sum, not folded; and the fold (not inverted). Pieces
// must begin at even offsets of what is summed; at most 65535 pieces before a fold.
uint32_t sl_csum_add(const void *data, size_t len, uint32_t sum);
uint16_t sl_csum_fold(uint32_t sum);
// Internet checksum of an IPv4 header (its field counts as zero); of a TCP or UDP segment with the
// pseudo header, or of an ICMP message without one (l4 points at the L4 header, whose checksum
// field the caller has zeroed). A UDP checksum of zero comes back as 0xffff (RFC 768).
sl_be16 sl_csum_ipv4(const struct sl_ipv4_hdr *ip);
sl_be16 sl_csum_l4(const struct sl_ipv4_hdr *ip, const void *l4, size_t l4_len);

// The rewrite of one direction of a flow: new addresses and ports, and what the change does to the
// checksums (RFC 1624: HC' = ~(~HC + delta)).
struct sl_wire_delta {
	uint16_t l3; // IPv4 header: addresses, and TTL that is one less
	uint16_t l4; // TCP/UDP: addresses and ports
};

struct sl_wire_delta sl_wire_delta(const struct sl_tuple *from, const struct sl_tuple *to);

// Writes `to` into the frame's IPv4 and TCP/UDP headers, decrements TTL, updates both checksums by
// delta. A zero UDP checksum stays zero; one that becomes zero is sent as 0xffff.
// The frame must have parsed as SL_WIRE_L4 and TTL must be > 1 (the caller drops otherwise).
void sl_wire_rewrite(
	uint8_t *data, uint8_t l4_off, const struct sl_tuple *to, struct sl_wire_delta delta);

// Turns a frame in place into an answer to its sender. Ethernet addresses are swapped, TTL is 64,
// IP id 0 with DF, checksums are complete. room is how many bytes the buffer at data can hold. They
// return the new frame length (the port pads it to 60), or 0 and an untouched frame when no answer
// may be sent or room is short. info is what sl_wire_parse() said of this frame.
//
// No answer may be sent to a RST, an ICMP error, a fragment, a broadcast or multicast, a source
// that is not a host, a frame that did not parse (RFC 1812 4.3.2.7). avail as in
// sl_wire_make_icmp().
bool sl_wire_may_answer(const uint8_t *data, uint32_t avail, const struct sl_wire_info *info);
// RST by RFC 9293 3.10.7.1: SEQ=SEG.ACK if ACK was set, else SEQ=0, ACK=SEG.SEQ+SEG.LEN with ACK
// set.
uint32_t sl_wire_make_rst(uint8_t *data, uint32_t room, const struct sl_wire_info *info);
// Turns a TCP segment into a RST of its sender's, to where it goes: SEG.SEQ as it is, so that a
// receiver that has all before it takes it (RFC 5961 3.2), nothing behind the header. Returns the
// new frame length; 0: not TCP, or itself a RST, or no room.
uint32_t sl_wire_to_rst(uint8_t *data, uint32_t room, const struct sl_wire_info *info);
// ICMP destination unreachable (3) with `code`, or time exceeded (11) code 0: source is `from`
// (0: the destination of the frame), TOS is internetwork control (RFC 1812 4.3.2.5), body is the IP
// header and as much of the datagram as avail, room and 576 bytes for the answer allow (RFC 1812
// 4.3.2.3), 8 bytes behind the header at least. avail is how many contiguous bytes of the frame
// there are at data.
uint32_t sl_wire_make_icmp(uint8_t *data, uint32_t avail, uint32_t room,
	const struct sl_wire_info *info, uint8_t type, uint8_t code, sl_be32 from);

#define SL_ICMP_UNREACH       3
#define SL_ICMP_UNREACH_PORT  3
#define SL_ICMP_UNREACH_HOST  1
#define SL_ICMP_UNREACH_ADMIN 13
#define SL_ICMP_TIME_EXCEEDED 11
