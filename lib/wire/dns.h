// What the files about DNS share: big-endian numbers at any place of a message, and names in wire
// form, lower case, uncompressed.
#pragma once

#include <errno.h>
#include <string.h>

#include "sl_wire_dns.h"

#define DNS_WIRE_MAX  255
#define DNS_LABEL_MAX 63
#define DNS_POINTER   0xc0
#define DNS_IN        1

static inline uint16_t
dns_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
dns_get32(const uint8_t *p)
{
	return (uint32_t)dns_get16(p) << 16 | dns_get16(p + 2);
}

// The offset behind the name that begins at `at`, whose pointer is not followed; 0: malformed.
uint32_t dns_name_skip(const struct sl_dns_msg *msg, uint32_t at);
// Its length, or -EINVAL: malformed.
int dns_name_wire(const struct sl_dns_msg *msg, uint32_t at, uint8_t out[DNS_WIRE_MAX]);
// Whether it is that name, in wire form. A malformed name is none.
bool dns_name_is(const struct sl_dns_msg *msg, uint32_t at, const uint8_t *wire);
