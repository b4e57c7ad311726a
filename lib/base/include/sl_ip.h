// IP addresses and prefixes of both families, and MAC addresses, as text and as values.
//
// Source: RFC 4632 (CIDR), RFC 5952 (IPv6 text form, by inet_ntop).
#pragma once

#include "sl_types.h"

struct sl_ip {
	uint8_t family; // AF_INET, AF_INET6, or 0: none
	union {
		sl_be32 v4;
		uint8_t v6[16];
	};
};

struct sl_prefix {
	struct sl_ip addr; // as written: host bits may be set, see sl_prefix_mask()
	uint8_t len;       // 0..32 or 0..128
};

struct sl_mac {
	uint8_t b[6];
};

#define SL_IP_STRLEN     46
#define SL_PREFIX_STRLEN 50
#define SL_MAC_STRLEN    18

// Literals only, no names, no zone. Returns 0 or -EINVAL.
int sl_ip_parse(const char *text, struct sl_ip *ip);
// ADDR or ADDR/LEN; a plain address has the full length. Returns 0 or -EINVAL.
int sl_prefix_parse(const char *text, struct sl_prefix *prefix);
int sl_mac_parse(const char *text, struct sl_mac *mac); // aa:bb:cc:dd:ee:ff; 0 or -EINVAL
// Into buf, which they return.
const char *sl_ip_str(const struct sl_ip *ip, char buf[SL_IP_STRLEN]);
const char *sl_ip4_str(sl_be32 ip, char buf[SL_IP_STRLEN]);
const char *sl_prefix_str(const struct sl_prefix *prefix, char buf[SL_PREFIX_STRLEN]);
const char *sl_mac_str(const struct sl_mac *mac, char buf[SL_MAC_STRLEN]);

// For qsort() and bsearch(): no address, then IPv4, then IPv6.
int sl_ip_order(const void *a, const void *b);
// Puts v in that order, each address once. Returns how many that are.
uint32_t sl_ip_unique(struct sl_ip *v, uint32_t n);
bool sl_ip_equal(const struct sl_ip *a, const struct sl_ip *b);
bool sl_prefix_is_host(const struct sl_prefix *prefix); // /32 or /128
void sl_prefix_mask(struct sl_prefix *prefix);          // clears the host bits
bool sl_prefix_contains(const struct sl_prefix *prefix, const struct sl_ip *ip);

static inline sl_be32
sl_mask4(unsigned len)
{
	return len == 0 ? 0 : sl_cpu_to_be32(UINT32_MAX << (32 - len));
}
