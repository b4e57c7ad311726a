// DNS messages: bytes to structs and back. Pure functions on caller's memory.
//
// Owner:   nothing is kept. A struct sl_dns_msg points into the message that was parsed.
// Threads: any.
// Errors:  a parse verdict, never a read past data + len. Writers say that there is no room.
// Limits:  no allocation, no state. Names: 255 bytes on the wire, at most 127 labels; compression
//          pointers go strictly backwards, so that a name costs at most its message.
//
// Source: RFC 1035 4.1 (messages), 4.1.4 (compression), 2.3.4 (limits); RFC 6891 (EDNS0); RFC 2308
// 5 (negative TTL); RFC 2181 8 (TTL above 2^31 - 1 is 0), 5.4.1.
#pragma once

#include "sl_ip.h"

#define SL_DNS_HLEN     12
#define SL_DNS_NAME_MAX 256 // a name as text, with NUL: RFC 1035 allows 253 characters unescaped
#define SL_DNS_UDP_MAX  512 // without EDNS

enum sl_dns_type {
	SL_DNS_A = 1,
	SL_DNS_CNAME = 5,
	SL_DNS_SOA = 6,
	SL_DNS_AAAA = 28,
	SL_DNS_OPT = 41,
};
enum sl_dns_rcode {
	SL_DNS_NOERROR,
	SL_DNS_FORMERR,
	SL_DNS_SERVFAIL,
	SL_DNS_NXDOMAIN,
	SL_DNS_NOTIMP,
	SL_DNS_REFUSED,
	SL_DNS_BADVERS = 16, // its upper bits are in the OPT record
};
// Header flags, host byte order.
#define SL_DNS_QR 0x8000
#define SL_DNS_AA 0x0400
#define SL_DNS_TC 0x0200
#define SL_DNS_RD 0x0100
#define SL_DNS_RA 0x0080
#define SL_DNS_CD 0x0010

// The header and the first question.
struct sl_dns_msg {
	const uint8_t *data;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
	uint8_t opcode;
	uint8_t rcode; // of the header, without EDNS's upper bits
	uint16_t n_questions, n_answers, n_authority, n_additional;
	uint32_t question;  // offset of the first question's name; 0: there is none
	uint32_t records;   // offset behind the questions
	uint16_t qname_len; // bytes of the name on the wire
	uint16_t qtype;
	uint16_t qclass;
	char qname[SL_DNS_NAME_MAX]; // lower case, no dot at the end, "" is the root; as below
	// EDNS, of the OPT record in the additional section
	bool has_opt;
	uint16_t udp_size; // at least 512
	uint8_t edns_version;
	bool dnssec_ok;
};

// True: header, questions and every record's bounds are well-formed, and there is at most one OPT.
// A name that text cannot hold without escapes (a dot, a control character, space or non-ASCII byte
// in a label) makes *printable false and qname "". Trailing bytes are allowed.
bool sl_dns_parse(const uint8_t *data, uint32_t len, struct sl_dns_msg *msg, bool *printable);

struct sl_dns_rr {
	uint8_t section; // 1 answer, 2 authority, 3 additional
	uint16_t type;
	uint16_t class_;
	uint32_t ttl;  // seconds; above 2^31 - 1: 0
	uint32_t name; // offset of the owner
	uint32_t rdata;
	uint16_t rdlen;
};

// The next record after *it (0 begins), of a message that sl_dns_parse() accepted. False: no more.
bool sl_dns_rr_next(const struct sl_dns_msg *msg, uint32_t *it, struct sl_dns_rr *rr);
// The name at that offset as text, lower case: 0, -EINVAL: malformed (a loop, too long), -EILSEQ:
// not printable, see above.
int sl_dns_name(const struct sl_dns_msg *msg, uint32_t offset, char out[SL_DNS_NAME_MAX]);
// A, AAAA: the address. False: the type or length is another one.
bool sl_dns_rr_ip(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, struct sl_ip *ip);
// CNAME: where it points to; 0 or as sl_dns_name().
int sl_dns_rr_cname(
	const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, char out[SL_DNS_NAME_MAX]);
// SOA: the negative TTL, min(TTL, MINIMUM), seconds (RFC 2308 5). False: malformed.
bool sl_dns_rr_soa(const struct sl_dns_msg *msg, const struct sl_dns_rr *rr, uint32_t *ttl);

// What the message says of its question, type A or AAAA: addresses at the end of its CNAME chain.
struct sl_dns_answer_set {
	struct sl_ip ip[64]; // in the message's order, each once; the rest is counted in n_all
	uint32_t n;
	uint32_t n_all;
	uint32_t ttl;     // the least of the chain and the addresses, seconds
	bool has_soa;     // of an answer without addresses
	uint32_t neg_ttl; // seconds; at most the chain's TTL
};
// 0, or -EINVAL: malformed, the chain is longer than 16, or it loops.
int sl_dns_answers(const struct sl_dns_msg *msg, struct sl_dns_answer_set *out);

// ---- writing ----

// A text name to wire form; returns its length, or -EINVAL (a label over 63, over 255 in all,
// empty label). "" is the root.
int sl_dns_name_put(const char *name, uint8_t out[255]);

// A response to msg (whose bytes it does not overlap), record by record. Its question is msg's,
// byte by byte: the letter case stays (0x20). room is what the client takes.
struct sl_dns_out {
	uint8_t *data;
	uint32_t room;
	uint32_t len;
	uint32_t reserved; // for OPT at the end
	uint32_t target;   // offset of the last CNAME's target, which owners may be; 0: none
	uint8_t rcode;
	bool truncated;
	bool has_opt;
	bool dnssec_ok; // is repeated, RFC 3225 3
};
// False: not even the header, the question and OPT fit. flags: of AA, RA; QR, RD and CD are set as
// they have to be.
bool sl_dns_out_begin(struct sl_dns_out *out, uint8_t *data, uint32_t room,
	const struct sl_dns_msg *msg, uint16_t flags, uint8_t rcode);
// Owner "": the question's name (a compression pointer; there has to be a question), else the text,
// which sl_dns_name_put() takes. False: no room, TC is set at the end and no record follows.
bool sl_dns_out_ip(struct sl_dns_out *out, const char *owner, const struct sl_ip *ip, uint32_t ttl);
bool sl_dns_out_cname(struct sl_dns_out *out, const char *owner, const char *to, uint32_t ttl);
// Adds the OPT record when msg had one (udp_size: what we take), sets the counts and TC. Returns
// the length.
uint32_t sl_dns_out_end(struct sl_dns_out *out, uint16_t udp_size);
