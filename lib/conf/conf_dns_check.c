// Checks of `dns` in sluice.yaml that need more than one field.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "sl_str.h"

#define LONGEST_VIP4 24 // 256 addresses
#define LONGEST_VIP6 96

struct check {
	struct reader *r;
	const struct sl_conf *conf;
	char path[80]; // of the finding
};

#define P(c, ...)      (snprintf((c)->path, sizeof((c)->path), __VA_ARGS__), (c)->path)
#define say(c, p, ...) conf_say((c)->r, (c)->conf, SL_ERROR, p, __VA_ARGS__)

static void
check_order(struct check *c, const char *what, uint64_t min_ns, uint64_t max_ns)
{
	char low[32], high[32];

	if (min_ns > max_ns && max_ns) // 0: reported where it was read
		say(c, P(c, "dns.%s.max", what), "%s is below dns.%s.min, %s",
			sl_str_duration_fmt(max_ns, high), what, sl_str_duration_fmt(min_ns, low));
}

// ---- virtual IPs ----

// The part of IPv4 and IPv6 that overlaps p and holds no address of a host, or NULL.
static const char *
reserved_in(const struct sl_prefix *p)
{
	static const char *const reserved[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
		"224.0.0.0/4", "255.255.255.255", "::/8", "fe80::/10", "ff00::/8"};

	for (size_t i = 0; i < SL_ARRAY_LEN(reserved); i++) {
		struct sl_prefix part;

		if (sl_prefix_parse(reserved[i], &part) == 0 && conf_overlap(p, &part))
			return reserved[i];
	}
	return NULL;
}

// Addresses of this gateway are not for services. The range may be the default: said where they
// are.
static void
check_range_is_free(struct check *c, const char *key, const struct sl_prefix *range)
{
	const struct sl_conf *conf = c->conf;
	char text[SL_PREFIX_STRLEN];

	sl_prefix_str(range, text);
	for (uint32_t p = 0; p < conf->n_ports; p++)
		for (uint32_t i = 0; i < conf->ports[p].n_addresses; i++)
			if (conf_overlap(range, &conf->ports[p].addresses[i]))
				say(c, P(c, "ports[%u].addresses[%u]", p, i),
					"overlaps dns.virtualIPs.%s, %s", key, text);
	for (uint32_t i = 0; i < conf->n_pool; i++)
		if (conf_overlap(range, &conf->pool[i]))
			say(c, P(c, "pool.addresses[%u]", i), "overlaps dns.virtualIPs.%s, %s", key,
				text);
	for (uint32_t i = 0; i < conf->dns.n_listen; i++)
		if (sl_prefix_contains(range, &conf->dns.listen[i].ip))
			say(c, P(c, "dns.responder.listen[%u]", i), "is in dns.virtualIPs.%s, %s",
				key, text);
}

static void
check_range(struct check *c, const char *key, const struct sl_prefix *range, int family,
	uint32_t longest)
{
	struct sl_prefix masked = *range;
	char text[SL_PREFIX_STRLEN];
	const char *reserved;

	if (!range->addr.family)
		return; // reported where it was read
	P(c, "dns.virtualIPs.%s", key);
	if (range->addr.family != family) {
		say(c, c->path, "%s is not an %s range", sl_prefix_str(range, text),
			family == AF_INET ? "IPv4" : "IPv6");
		return;
	}
	sl_prefix_mask(&masked);
	reserved = reserved_in(range);
	if (!sl_ip_equal(&masked.addr, &range->addr))
		say(c, c->path, "host bits are set, expected %s", sl_prefix_str(&masked, text));
	if (range->len > longest)
		say(c, c->path, "%s is too small, expected at least a /%u",
			sl_prefix_str(range, text), longest);
	if (reserved)
		say(c, c->path, "overlaps %s, where no service can be", reserved);
	if (c->conf->dns.auto_vips)
		check_range_is_free(c, key, range);
}

// ---- servers and addresses ----

static bool
same(const struct sl_conf_dns_address *a, const struct sl_conf_dns_address *b)
{
	return a->port == b->port && sl_ip_equal(&a->ip, &b->ip);
}

// An address that something can be sent to, or listened at; loopback is one.
static bool
is_unicast(const struct sl_ip *ip)
{
	static const uint8_t none[16];
	const uint32_t a = sl_be32_to_cpu(ip->v4);

	if (ip->family == AF_INET6)
		return ip->v6[0] != 0xff && memcmp(ip->v6, none, sizeof(none)) != 0;
	return a >> 24 != 0 && a >> 28 != 14 && a != UINT32_MAX;
}

static void
check_list(struct check *c, const char *key, const struct sl_conf_dns_address *v, uint32_t n)
{
	char text[SL_IP_STRLEN];

	for (uint32_t i = 0; i < n; i++) {
		if (!v[i].ip.family)
			continue; // reported where it was read
		P(c, "dns.%s[%u]", key, i);
		if (!is_unicast(&v[i].ip))
			say(c, c->path, "%s is not the address of a host",
				sl_ip_str(&v[i].ip, text));
		for (uint32_t k = 0; k < i; k++)
			if (same(&v[i], &v[k]))
				say(c, c->path, "given before, in dns.%s[%u]", key, k);
	}
}

// A question that is sent to the responder's own address comes back for ever.
static void
check_loop(struct check *c, const char *key, const struct sl_conf_dns_address *v, uint32_t n)
{
	const struct sl_conf_dns *dns = &c->conf->dns;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		while (k < dns->n_listen && !same(&v[i], &dns->listen[k]))
			k++;
		if (k < dns->n_listen && v[i].ip.family)
			say(c, P(c, "dns.%s[%u]", key, i),
				"is dns.responder.listen[%u]: questions would come back to this "
				"gateway for ever",
				k);
	}
}

static void
check_clients(struct check *c)
{
	const struct sl_conf_dns *dns = &c->conf->dns;
	char text[SL_PREFIX_STRLEN];

	for (uint32_t i = 0; i < dns->n_responder_clients; i++) {
		const struct sl_prefix *p = &dns->responder_clients[i];
		struct sl_prefix masked = *p;

		if (!p->addr.family)
			continue;
		sl_prefix_mask(&masked);
		P(c, "dns.responder.clients[%u]", i);
		if (!sl_ip_equal(&masked.addr, &p->addr))
			say(c, c->path, "host bits are set, expected %s",
				sl_prefix_str(&masked, text));
		for (uint32_t k = 0; k < i; k++)
			if (p->len == dns->responder_clients[k].len &&
				sl_ip_equal(&p->addr, &dns->responder_clients[k].addr))
				say(c, c->path, "given before, in dns.responder.clients[%u]", k);
	}
	if (dns->n_listen && !dns->n_responder_clients && !c->conf->n_clients)
		say(c, "dns.responder.listen",
			"nobody would be answered: name the clients in dns.responder.clients, or "
			"in clients");
	if (!dns->n_listen && dns->n_responder_clients)
		conf_say(c->r, c->conf, SL_WARNING, "dns.responder.clients",
			"no effect: without dns.responder.listen nobody is answered");
}

static bool
is_of_a_port(const struct sl_conf *conf, const struct sl_ip *ip)
{
	for (uint32_t p = 0; p < conf->n_ports; p++)
		for (uint32_t i = 0; i < conf->ports[p].n_addresses; i++)
			if (sl_ip_equal(&conf->ports[p].addresses[i].addr, ip))
				return true;
	return false;
}

// The responder listens at addresses that nobody has yet (they may come by other means than
// sluice.yaml), so that a wrong one would be heard of by clients alone.
static void
check_listen(struct check *c)
{
	const struct sl_conf_dns *dns = &c->conf->dns;
	char text[SL_IP_STRLEN];

	for (uint32_t i = 0; i < dns->n_listen; i++) {
		const struct sl_ip *ip = &dns->listen[i].ip;
		const bool loopback = sl_be32_to_cpu(ip->v4) >> 24 == 127;

		// In addresses of ports there is no IPv6 yet.
		if (ip->family == AF_INET && is_unicast(ip) && !loopback &&
			!is_of_a_port(c->conf, ip))
			conf_say(c->r, c->conf, SL_WARNING, P(c, "dns.responder.listen[%u]", i),
				"%s is in addresses of no port: clients are answered there once "
				"the node has it otherwise",
				sl_ip_str(ip, text));
	}
}

static void
check_search(struct check *c)
{
	const struct sl_conf_dns *dns = &c->conf->dns;

	for (uint32_t i = 0; i < dns->n_search; i++)
		for (uint32_t k = 0; k < i && dns->search[i]; k++)
			if (dns->search[k] && strcmp(dns->search[i], dns->search[k]) == 0)
				say(c, P(c, "dns.responder.searchDomains[%u]", i),
					"given before, in dns.responder.searchDomains[%u]", k);
	if (dns->n_search > 1)
		conf_say(c->r, c->conf, SL_WARNING, "dns.responder.searchDomains[1]",
			"no effect: as in Istio, names are known with the first search domain "
			"only");
}

void
conf_dns_check(struct reader *r, const struct sl_conf *conf)
{
	const struct sl_conf_dns *dns = &conf->dns;
	struct check c = {.r = r, .conf = conf};

	check_order(&c, "refresh", dns->names.refresh_min_ns, dns->names.refresh_max_ns);
	check_order(&c, "retry", dns->retry_min_ns, dns->retry_max_ns);
	check_range(&c, "ipv4", &dns->auto_vip4, AF_INET, LONGEST_VIP4);
	check_range(&c, "ipv6", &dns->auto_vip6, AF_INET6, LONGEST_VIP6);
	check_list(&c, "servers", dns->servers, dns->n_servers);
	check_list(&c, "responder.listen", dns->listen, dns->n_listen);
	check_listen(&c);
	check_list(&c, "responder.upstreams", dns->upstreams, dns->n_upstreams);
	check_loop(&c, "servers", dns->servers, dns->n_servers);
	check_loop(&c, "responder.upstreams", dns->upstreams, dns->n_upstreams);
	check_clients(&c);
	check_search(&c);
}
