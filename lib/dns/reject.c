// Source: RFC 6890 (special-purpose ranges), RFC 1918, 6598, 4193 (private), RFC 4291 (IPv4-mapped
// addresses never stand in an AAAA record that packets can be sent to).
#include "reject.h"

#include <string.h>

struct range {
	uint8_t family;
	uint8_t bytes[16];
	uint8_t len;
	bool private;
	const char *why;
};

// The first that matches decides.
static const struct range ranges[] = {
	{AF_INET, {0}, 8, false, "unspecified"},
	{AF_INET, {127}, 8, false, "loopback"},
	{AF_INET, {169, 254}, 16, false, "link-local"},
	{AF_INET, {224}, 4, false, "multicast"},
	{AF_INET, {255, 255, 255, 255}, 32, false, "broadcast"},
	{AF_INET, {240}, 4, false, "class E"},
	{AF_INET, {10}, 8, true, "private"},
	{AF_INET, {172, 16}, 12, true, "private"},
	{AF_INET, {192, 168}, 16, true, "private"},
	{AF_INET, {100, 64}, 10, true, "shared (RFC 6598)"},
	{AF_INET6, {0}, 128, false, "unspecified"},
	{AF_INET6, {[15] = 1}, 128, false, "loopback"},
	{AF_INET6, {[10] = 0xff, 0xff}, 96, false, "IPv4-mapped"},
	{AF_INET6, {0}, 96, false, "IPv4-compatible"},
	{AF_INET6, {0xfe, 0x80}, 10, false, "link-local"},
	{AF_INET6, {0xff}, 8, false, "multicast"},
	{AF_INET6, {0xfc}, 7, true, "private"},
	{AF_INET6, {0xfe, 0xc0}, 10, true, "site-local"},
};

static bool
within(const uint8_t *ip, const struct range *range)
{
	const uint8_t whole = range->len / 8, rest = range->len % 8;

	if (memcmp(ip, range->bytes, whole) != 0)
		return false;
	return rest == 0 || (ip[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

const char *
reject_why(const struct sl_ip *ip, bool private_too)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(ranges); i++) {
		const struct range *range = &ranges[i];

		if (range->family == ip->family && (!range->private || private_too) &&
			within(ip->v6, range))
			return range->why;
	}
	return NULL;
}
