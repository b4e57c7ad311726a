// DNS messages as byte literals, and where they are parsed: right before a guard page.
#pragma once

#include "sl_guard.h"
#include "sl_test.h"
#include "sl_wire_dns.h"

// Each count is below 256.
#define HEAD(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define QUERY                       "\x01\0"
#define REPLY                       "\x81\x80"
#define NAME                        "\3api\7example\3com\0"
#define IN_A                        "\0\1\0\1"
#define IN_AAAA                     "\0\x1c\0\1"
#define ASKED                       NAME IN_A
#define AT                          "\xc0\x0c" // the question's name
#define FIRST                       "\xc0\x21" // the first record's owner, behind ASKED
#define TTL(s)                      "\0\0\0" s
#define A(owner, ttl, last)         owner IN_A TTL(ttl) "\0\4\xc0\0\2" last
#define AAAA(owner, ttl, last)                                                                     \
	owner IN_AAAA TTL(ttl) "\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" last
#define CNAME(owner, ttl, len, to) owner "\0\5\0\1" TTL(ttl) "\0" len to
#define SOA(owner, ttl, minimum)                                                                   \
	owner "\0\6\0\1" TTL(ttl) "\0\x16\0\0"                                                     \
				  "\0\0\0\1"                                                       \
				  "\0\0\0\2"                                                       \
				  "\0\0\0\3"                                                       \
				  "\0\0\0\4" TTL(minimum)
#define OPT(size, version, flags) "\0\0\x29" size "\0" version flags "\0\0"

struct bytes {
	const char *data;
	size_t len;
};
#define BYTES(literal)                                                                             \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

// label times n, then the root.
static inline size_t
repeat(uint8_t *out, const char *label, size_t label_len, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * label_len, label, label_len);
	out[n * label_len] = 0;
	return n * label_len + 1;
}

static inline bool
parse_at(const struct guarded *g, const struct bytes *b, struct sl_dns_msg *msg, bool *printable)
{
	uint8_t *at = guarded_at(g, b->len);

	memcpy(at, b->data, b->len);
	return sl_dns_parse(at, (uint32_t)b->len, msg, printable);
}
