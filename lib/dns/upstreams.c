#include "upstreams.h"

#include "address.h"

static uint64_t *
aside_of(struct dns_upstreams *u, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; i < u->n; i++)
		if (address_equal(&u->addr[i], addr))
			return &u->aside_until_ns[i];
	return NULL;
}

void
dns_upstreams_set(struct dns_upstreams *u, const struct sl_dns_address *addr, uint32_t n)
{
	struct dns_upstreams anew = {0};

	for (uint32_t i = 0; i < n && anew.n < DNS_MAX_UPSTREAMS; i++) {
		struct sl_dns_address server = addr[i];
		const uint64_t *aside;

		server.port = address_port(&server);
		if (aside_of(&anew, &server))
			continue;
		aside = aside_of(u, &server);
		anew.aside_until_ns[anew.n] = aside ? *aside : 0;
		anew.addr[anew.n++] = server;
	}
	*u = anew;
}

static void
shuffle(struct sl_dns_address *addr, uint32_t n, uint64_t rnd)
{
	for (uint32_t i = n; i > 1; i--) {
		const uint32_t j = (rnd = sl_mix64(rnd)) % i;
		const struct sl_dns_address other = addr[i - 1];

		addr[i - 1] = addr[j];
		addr[j] = other;
	}
}

uint32_t
dns_upstreams_order(const struct dns_upstreams *u, uint64_t now_ns, uint64_t rnd,
	struct sl_dns_address out[DNS_MAX_UPSTREAMS])
{
	uint32_t n = 0, good;

	for (uint32_t i = 0; i < u->n; i++)
		if (u->aside_until_ns[i] <= now_ns)
			out[n++] = u->addr[i];
	good = n;
	for (uint32_t i = 0; i < u->n; i++)
		if (u->aside_until_ns[i] > now_ns)
			out[n++] = u->addr[i];
	shuffle(out, good, rnd | 1);
	shuffle(out + good, n - good, ~rnd | 1);
	return n;
}

void
dns_upstreams_aside(struct dns_upstreams *u, const struct sl_dns_address *addr, uint64_t until_ns)
{
	uint64_t *aside = aside_of(u, addr);

	if (aside)
		*aside = until_ns;
}
