#include "clients.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

#define WAYS 8
#define SETS 2048 // power of two
// An IPv6 network may ask as often as that many of its addresses.
#define NET_SHARES 4

// ---- ranges ----

static struct dns_key
key_of(const struct sl_ip *ip)
{
	struct dns_key key = {{ip->family == AF_INET ? 4 : 6}};

	if (ip->family == AF_INET)
		memcpy(key.b + 13, &ip->v4, 4);
	else
		memcpy(key.b + 1, ip->v6, 16);
	return key;
}

static int
compare(const struct dns_key *a, const struct dns_key *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

static struct dns_range
range_of(const struct sl_prefix *prefix)
{
	const unsigned first = prefix->addr.family == AF_INET ? 13 : 1;
	struct sl_prefix low = *prefix;
	struct dns_range range;

	sl_prefix_mask(&low);
	range.from = range.to = key_of(&low.addr);
	for (unsigned bit = prefix->len; first + bit / 8 < sizeof(range.to.b); bit++)
		range.to.b[first + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return range;
}

static int
by_start(const void *a, const void *b)
{
	return compare(&((const struct dns_range *)a)->from, &((const struct dns_range *)b)->from);
}

void
dns_ranges_init(struct dns_ranges *r, const struct sl_prefix *prefix, uint32_t n)
{
	*r = (struct dns_ranges){.v = sl_xcalloc(n, sizeof(r->v[0]))};
	for (uint32_t i = 0; i < n; i++)
		if (prefix[i].addr.family)
			r->v[r->n++] = range_of(&prefix[i]);
	qsort(r->v, r->n, sizeof(r->v[0]), by_start);
	n = r->n;
	r->n = 0;
	// Prefixes are apart or within each other, so the first of those that overlap is the
	// widest.
	for (uint32_t i = 0; i < n; i++) {
		struct dns_range *last = r->n ? &r->v[r->n - 1] : NULL;

		if (!last || compare(&r->v[i].from, &last->to) > 0)
			r->v[r->n++] = r->v[i];
		else if (compare(&r->v[i].to, &last->to) > 0)
			last->to = r->v[i].to;
	}
}

bool
dns_ranges_has(const struct dns_ranges *r, const struct sl_ip *ip)
{
	const struct dns_key key = key_of(ip);
	uint32_t low = 0, high = r->n;

	while (low < high) {
		const uint32_t middle = (low + high) / 2;

		if (compare(&r->v[middle].from, &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && compare(&key, &r->v[low - 1].to) <= 0;
}

void
dns_ranges_fini(struct dns_ranges *r)
{
	free(r->v);
	*r = (struct dns_ranges){0};
}

// ---- limiter ----

void
dns_limiter_init(struct dns_limiter *l, uint64_t secret)
{
	*l = (struct dns_limiter){
		.secret = secret, .bucket = sl_xcalloc(SETS * WAYS, sizeof(l->bucket[0]))};
}

void
dns_limiter_set(struct dns_limiter *l, uint32_t per_second)
{
	l->interval_ns = per_second ? SL_NSEC_PER_SEC / per_second : 0;
}

static uint64_t
hash_of(const struct dns_limiter *l, const struct dns_key *key)
{
	uint64_t half[2];

	memcpy(half, key->b + 1, sizeof(half));
	return sl_mix64(sl_mix64(half[0] ^ l->secret) ^ half[1] ^ key->b[0]);
}

// Of an IPv6 address its /64, which a client has all of. It is no address's key.
static struct dns_key
net_key_of(const struct sl_ip *ip)
{
	struct sl_prefix net = {.addr = *ip, .len = 64};

	if (ip->family == AF_INET)
		return key_of(ip);
	sl_prefix_mask(&net);
	struct dns_key key = key_of(&net.addr);

	key.b[0] = 64;
	return key;
}

bool
dns_clients_same(const struct sl_ip *a, const struct sl_ip *b)
{
	const struct dns_key of_a = net_key_of(a), of_b = net_key_of(b);

	return compare(&of_a, &of_b) == 0;
}

uint32_t
dns_limiter_crowd(const struct dns_limiter *l, const struct sl_ip *client, uint32_t of)
{
	const struct dns_key key = net_key_of(client);

	return (uint32_t)(hash_of(l, &key) % of);
}

// The client's bucket, or the one of its set that is full first: the least that can be forgotten.
static struct dns_bucket *
bucket_of(struct dns_limiter *l, const struct dns_key *key)
{
	struct dns_bucket *set, *best;

	set = best = &l->bucket[hash_of(l, key) % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (compare(&set[i].key, key) == 0)
			return &set[i];
		if (set[i].full_ns < best->full_ns)
			best = &set[i];
	}
	*best = (struct dns_bucket){.key = *key};
	return best;
}

// Whether it has a query's worth left.
static bool
has_left(struct dns_bucket *bucket, uint64_t interval_ns, uint64_t now_ns)
{
	if (bucket->full_ns < now_ns)
		bucket->full_ns = now_ns;
	return bucket->full_ns + interval_ns <= now_ns + SL_NSEC_PER_SEC;
}

// What its address does not allow costs the network nothing.
bool
dns_limiter_take(struct dns_limiter *l, const struct sl_ip *client, uint64_t now_ns)
{
	const struct dns_key key = key_of(client), net_key = net_key_of(client);
	const uint64_t net_interval_ns = l->interval_ns / NET_SHARES;
	struct dns_bucket *bucket, *net = NULL;

	if (l->interval_ns == 0)
		return true;
	bucket = bucket_of(l, &key);
	if (!has_left(bucket, l->interval_ns, now_ns))
		return false;
	if (client->family == AF_INET6) {
		net = bucket_of(l, &net_key);
		if (!has_left(net, net_interval_ns, now_ns))
			return false;
		net->full_ns += net_interval_ns;
	}
	if (net != bucket)
		bucket->full_ns += l->interval_ns;
	return true;
}

void
dns_limiter_fini(struct dns_limiter *l)
{
	free(l->bucket);
	*l = (struct dns_limiter){0};
}
