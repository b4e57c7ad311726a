#include "sl_ip.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

static unsigned
full_len(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

int
sl_ip_parse(const char *text, struct sl_ip *ip)
{
	struct in6_addr v6;
	struct in_addr v4;

	memset(ip, 0, sizeof(*ip));
	if (inet_pton(AF_INET, text, &v4) == 1) {
		ip->family = AF_INET;
		ip->v4 = v4.s_addr;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		ip->family = AF_INET6;
		memcpy(ip->v6, &v6, sizeof(ip->v6));
		return 0;
	}
	return -EINVAL;
}

int
sl_prefix_parse(const char *text, struct sl_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	char addr[SL_IP_STRLEN];
	uint64_t len;

	if (!slash) {
		if (sl_ip_parse(text, &prefix->addr) < 0)
			return -EINVAL;
		prefix->len = (uint8_t)full_len(prefix->addr.family);
		return 0;
	}
	if ((size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (sl_ip_parse(addr, &prefix->addr) < 0 || sl_str_u64(slash + 1, &len) < 0)
		return -EINVAL;
	// A leading zero is not a prefix length (Go's ParsePrefix refuses it, and so does Istio).
	if (len > full_len(prefix->addr.family) || (slash[1] == '0' && slash[2] != '\0'))
		return -EINVAL;
	prefix->len = (uint8_t)len;
	return 0;
}

int
sl_mac_parse(const char *text, struct sl_mac *mac)
{
	unsigned b[6];
	int end = 0;

	if (strlen(text) != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
			&end) != 6 ||
		end != 17)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		mac->b[i] = (uint8_t)b[i];
	return 0;
}

const char *
sl_ip_str(const struct sl_ip *ip, char buf[SL_IP_STRLEN])
{
	if (ip->family != AF_INET && ip->family != AF_INET6)
		return strcpy(buf, "-");
	return inet_ntop(ip->family, ip->family == AF_INET ? (const void *)&ip->v4 : ip->v6, buf,
		SL_IP_STRLEN);
}

const char *
sl_ip4_str(sl_be32 ip, char buf[SL_IP_STRLEN])
{
	return inet_ntop(AF_INET, &ip, buf, SL_IP_STRLEN);
}

const char *
sl_prefix_str(const struct sl_prefix *prefix, char buf[SL_PREFIX_STRLEN])
{
	char addr[SL_IP_STRLEN];

	snprintf(buf, SL_PREFIX_STRLEN, "%s/%u", sl_ip_str(&prefix->addr, addr), prefix->len);
	return buf;
}

const char *
sl_mac_str(const struct sl_mac *mac, char buf[SL_MAC_STRLEN])
{
	snprintf(buf, SL_MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1],
		mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
	return buf;
}

static unsigned
rank(const struct sl_ip *ip)
{
	return ip->family == 0 ? 0 : ip->family == AF_INET ? 1 : 2;
}

int
sl_ip_order(const void *pa, const void *pb)
{
	static const uint8_t len[] = {0, 4, 16};
	const struct sl_ip *a = pa, *b = pb;
	const unsigned x = rank(a), y = rank(b);

	return x == y ? memcmp(a->v6, b->v6, len[x]) : x < y ? -1 : 1;
}

uint32_t
sl_ip_unique(struct sl_ip *v, uint32_t n)
{
	uint32_t kept = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), sl_ip_order);
	for (uint32_t i = 0; i < n; i++) {
		if (!kept || !sl_ip_equal(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	}
	return kept;
}

bool
sl_ip_equal(const struct sl_ip *a, const struct sl_ip *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4 == b->v4;
	return a->family == 0 || memcmp(a->v6, b->v6, sizeof(a->v6)) == 0;
}

bool
sl_prefix_is_host(const struct sl_prefix *prefix)
{
	return prefix->len == full_len(prefix->addr.family);
}

void
sl_prefix_mask(struct sl_prefix *prefix)
{
	if (prefix->addr.family == AF_INET) {
		prefix->addr.v4 &= sl_mask4(prefix->len);
		return;
	}
	for (unsigned i = 0; i < 16; i++) {
		const unsigned bits = prefix->len <= 8 * i ? 0 : prefix->len - 8 * i;

		if (bits < 8)
			prefix->addr.v6[i] &= (uint8_t)(0xff00 >> bits);
	}
}

bool
sl_prefix_contains(const struct sl_prefix *prefix, const struct sl_ip *ip)
{
	struct sl_prefix a = *prefix, b = {.addr = *ip, .len = prefix->len};

	if (prefix->addr.family != ip->family)
		return false;
	sl_prefix_mask(&a);
	sl_prefix_mask(&b);
	return sl_ip_equal(&a.addr, &b.addr);
}
