#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host.h"
#include "sl_buf.h"
#include "sl_str.h"

// IP6_RT_PRIO_USER: what the kernel makes of metric 0 in IPv6.
#define IP6_METRIC 1024
// Requests between two looks at the event socket: our own changes come back as events, and a long
// list of VIPs must not overrun it.
#define CATCH_UP_EVERY 256

// One call of sl_host_apply(): what is wanted, and what went wrong so far.
struct job {
	struct sl_host *h;
	struct mirror *m;
	struct table addrs;  // struct own_addr, wanted
	struct table routes; // struct own_route, wanted
	struct table neighs; // struct own_neigh, wanted
	struct sl_buf text;
	int err; // the first
	uint32_t sent;
	_Alignas(struct nlmsghdr) uint8_t msg[SL_NL_MSG_BYTES];
};

static void failed(struct job *j, int err, const char *fmt, ...) SL_PRINTF(3, 4);

static void
failed(struct job *j, int err, const char *fmt, ...)
{
	va_list ap;

	if (!j->err)
		j->err = err;
	if (j->text.len)
		sl_buf_puts(&j->text, "; ");
	va_start(ap, fmt);
	sl_buf_vprintf(&j->text, fmt, ap);
	va_end(ap);
	sl_buf_printf(&j->text, ": %s", j->h->nl.words[0] ? j->h->nl.words : strerror(-err));
}

static int
request(struct job *j, struct nlmsghdr *nlh)
{
	// A failure to read is not the request's: sl_host_poll() meets it again and tells.
	if (++j->sent % CATCH_UP_EVERY == 0)
		state_catch_up(j->h);
	return nl_request(&j->h->nl, nlh);
}

static struct sl_prefix
prefix_of(const struct ip_key *key)
{
	return (struct sl_prefix){ip_of_key(key), key->len};
}

static bool
is_v6(const struct ip_key *key)
{
	return key->family == AF_INET6;
}

// A copy to walk: catching up takes entries out of the original.
static struct table
copy_of(const struct table *t)
{
	struct table copy;

	table_init(&copy, t->elem_bytes, t->key_bytes);
	for (uint32_t i = 0; i < t->n; i++)
		table_put(&copy, table_at(t, i));
	return copy;
}

// ---- what is wanted ----

static void
want_addrs(struct job *j, const struct sl_host_cfg *cfg)
{
	struct table plain; // addresses that have their own prefix length, whoever set it

	table_init(&plain, sizeof(struct ip_key), sizeof(struct ip_key));
	for (uint32_t i = 0; i < cfg->n_addrs; i++) {
		const struct own_addr a = {
			ip_key_of(&cfg->addrs[i].addr, cfg->addrs[i].len, false)};
		const struct ip_key ip = ip_key_of(&cfg->addrs[i].addr, 0, false);

		table_put(&j->addrs, &a);
		table_put(&plain, &ip);
	}
	for (uint32_t i = 0; i < j->h->addrs.n; i++) {
		const struct addr *a = table_at(&j->h->addrs, i);
		const struct sl_ip v4 = {.family = AF_INET, .v4 = a->key.addr};
		const struct ip_key own = ip_key_of(&v4, (uint8_t)a->key.len, false);
		const struct ip_key ip = ip_key_of(&v4, 0, false);

		if (a->key.ifindex == j->m->ifindex && a->key.len != 32 &&
			!table_find(&j->m->own_addrs, &own))
			table_put(&plain, &ip);
	}
	for (uint32_t i = 0; i < cfg->n_host_addrs; i++) {
		const struct sl_ip *addr = &cfg->host_addrs[i];
		const uint8_t len = addr->family == AF_INET ? 32 : 128;
		const struct own_addr a = {ip_key_of(addr, len, true)};
		const struct ip_key ip = ip_key_of(addr, 0, false);

		if (!table_find(&plain, &ip))
			table_put(&j->addrs, &a);
	}
	table_fini(&plain);
}

static void
want_routes(struct job *j, const struct sl_host_cfg *cfg)
{
	for (uint32_t i = 0; i < cfg->n_routes; i++) {
		const struct sl_host_route_cfg *r = &cfg->routes[i];
		struct sl_prefix to = r->to;
		struct own_route own = {.via = ip_key_of(&r->via, 0, false)};

		sl_prefix_mask(&to);
		own.key.to = ip_key_of(&to.addr, to.len, false);
		own.key.metric = r->metric || !is_v6(&own.key.to) ? r->metric : IP6_METRIC;
		table_put(&j->routes, &own);
	}
}

static void
want_neighs(struct job *j, const struct sl_host_cfg *cfg)
{
	for (uint32_t i = 0; i < cfg->n_neighs; i++) {
		const struct sl_ip *addr = &cfg->neighs[i].addr;
		const struct own_neigh own = {
			.key = ip_key_of(addr, addr->family == AF_INET ? 32 : 128, false),
			.mac = cfg->neighs[i].mac,
		};

		table_put(&j->neighs, &own);
	}
}

// ---- addresses ----

// In the kernel and known to be: IPv4 only, IPv6 is not followed and has to be tried.
static bool
addr_there(const struct job *j, const struct ip_key *key)
{
	const struct sl_ip ip = ip_of_key(key);

	return key->family == AF_INET &&
	       table_find(&j->h->addrs, &(struct addr_key){j->m->ifindex, ip.v4, key->len});
}

static void
add_addr(struct job *j, const struct ip_key *key)
{
	const struct own_addr own = {*key};
	const struct sl_prefix addr = prefix_of(key);
	char text[SL_PREFIX_STRLEN];
	int err;

	if (addr_there(j, key))
		return;
	err = request(j, sl_nl_put_addr(j->msg, true, j->m->ifindex, &addr, key->host));
	if (err == 0)
		table_put(&j->m->own_addrs, &own);
	else if (err != -EEXIST)
		failed(j, err, "address %s", sl_prefix_str(&addr, text));
}

static void
del_addr(struct job *j, const struct ip_key *key)
{
	const struct sl_prefix addr = prefix_of(key);
	char text[SL_PREFIX_STRLEN];
	const int err = request(j, sl_nl_put_addr(j->msg, false, j->m->ifindex, &addr, key->host));

	if (err < 0 && err != -EADDRNOTAVAIL)
		failed(j, err, "removing address %s", sl_prefix_str(&addr, text));
	else
		table_del(&j->m->own_addrs, key);
}

// The same address and length is wanted, only as the other sort.
static bool
changes_sort(const struct job *j, const struct ip_key *key)
{
	struct ip_key other = *key;

	other.host = !other.host;
	return table_find(&j->addrs, &other) != NULL;
}

// IPv4 takes an address twice with two lengths, so the new one comes first. IPv6 does not, nor does
// either with the same length: there the old one has to go before.
static void
del_addrs(struct job *j, const struct table *own, bool before)
{
	for (uint32_t i = 0; i < own->n; i++) {
		const struct own_addr *a = table_at(own, i);

		if (!table_find(&j->addrs, &a->key) &&
			(is_v6(&a->key) || changes_sort(j, &a->key)) == before)
			del_addr(j, &a->key);
	}
}

static void
apply_addrs(struct job *j)
{
	struct table own = copy_of(&j->m->own_addrs);

	del_addrs(j, &own, true);
	state_catch_up(j->h); // or the events of these would disown what is added now
	for (uint32_t i = 0; i < j->addrs.n; i++)
		add_addr(j, table_at(&j->addrs, i));
	del_addrs(j, &own, false);
	table_fini(&own);
}

// The first IPv6 address makes the mirror speak IPv6: a link-local address of its own (EUI-64).
static void
wake_ip6(struct job *j)
{
	bool wanted = false;
	int err;

	for (uint32_t i = 0; i < j->addrs.n; i++)
		wanted |= is_v6(table_at(&j->addrs, i));
	if (!wanted || j->m->ip6)
		return;
	j->h->nl.words[0] = '\0';
	err = sysctl_write("ipv6", j->m->link.name, "addr_gen_mode", "0");
	if (err < 0)
		failed(j, err, "sysctl net.ipv6.conf.%s.addr_gen_mode", j->m->link.name);
	else
		j->m->ip6 = true;
}

// ---- routes ----

static const struct route *
route_there(const struct job *j, const struct own_route *r)
{
	const struct sl_ip to = ip_of_key(&r->key.to);

	if (is_v6(&r->key.to))
		return NULL;
	return table_find(&j->h->routes, &(struct route_key){to.v4, r->key.to.len, r->key.metric});
}

static bool
route_is(const struct job *j, const struct route *there, const struct own_route *r)
{
	const struct sl_ip via = ip_of_key(&r->via);

	return there && there->ifindex == j->m->ifindex &&
	       there->gateway == (via.family ? via.v4 : 0);
}

static int
send_route(struct job *j, bool add, const struct own_route *r, uint16_t flags)
{
	const struct sl_prefix to = prefix_of(&r->key.to);
	const struct sl_ip via = ip_of_key(&r->via);
	struct sl_nl_route_req req = {
		.to = &to,
		.via = &via,
		.metric = r->key.metric,
		.ifindex = j->m->ifindex,
		.flags = flags,
	};
	int err = request(j, sl_nl_put_route(j->msg, add, &req));

	// A gateway in no subnet of the mirror, as hosters hand them out beside a /32.
	if (add && (err == -ENETUNREACH || err == -EHOSTUNREACH)) {
		req.onlink = true;
		err = request(j, sl_nl_put_route(j->msg, add, &req));
	}
	return err;
}

static void
failed_route(struct job *j, int err, const char *what, const struct own_route *r)
{
	const struct sl_prefix to = prefix_of(&r->key.to);
	const struct sl_ip via = ip_of_key(&r->via);
	char a[SL_PREFIX_STRLEN], b[SL_IP_STRLEN];

	failed(j, err, "%s %s%s%s metric %u", what, sl_prefix_str(&to, a),
		via.family ? " via " : "", via.family ? sl_ip_str(&via, b) : "", r->key.metric);
}

// Ours of the same prefix and metric stands there, and alone: it can be replaced in place.
static bool
may_replace(const struct job *j, const struct own_route *own)
{
	const struct route *there;

	if (!own)
		return false;
	if (is_v6(&own->key.to))
		return true;
	there = route_there(j, own);
	return route_is(j, there, own) && there->rivals == 0;
}

static void
add_route(struct job *j, const struct own_route *r)
{
	const struct own_route *own = table_find(&j->m->own_routes, &r->key);
	const bool same = own && memcmp(&own->via, &r->via, sizeof(r->via)) == 0;
	uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;
	int err;

	if (route_is(j, route_there(j, r), r))
		return;
	if (!same && may_replace(j, own))
		flags = NLM_F_CREATE | NLM_F_REPLACE;
	err = send_route(j, true, r, flags);
	if (err == 0)
		table_put(&j->m->own_routes, r);
	else if (err != -EEXIST)
		failed_route(j, err, "route", r);
	else if (!same || !is_v6(&r->key.to)) // IPv6 is not followed: it may well be ours
		failed_route(
			j, err, "another of the same prefix and metric is in the way of route", r);
}

static void
del_route(struct job *j, const struct own_route *r)
{
	int err = 0;

	// Metric 0 in a request means any: somebody else's must not go instead of one that is gone.
	if (is_v6(&r->key.to) || route_is(j, route_there(j, r), r))
		err = send_route(j, false, r, 0);
	if (err < 0 && err != -ESRCH)
		failed_route(j, err, "removing route", r);
	else
		table_del(&j->m->own_routes, &r->key);
}

static void
apply_routes(struct job *j)
{
	struct table own = copy_of(&j->m->own_routes);

	for (uint32_t i = 0; i < j->routes.n; i++)
		add_route(j, table_at(&j->routes, i));
	for (uint32_t i = 0; i < own.n; i++) {
		const struct own_route *r = table_at(&own, i);

		if (!table_find(&j->routes, &r->key))
			del_route(j, r);
	}
	table_fini(&own);
}

// ---- neighbours ----

static bool
neigh_there(const struct job *j, const struct own_neigh *n)
{
	const struct sl_ip ip = ip_of_key(&n->key);
	const struct neigh *there;

	if (is_v6(&n->key))
		return false;
	there = table_find(&j->h->neighs, &(struct neigh_key){j->m->ifindex, ip.v4});
	return there && (there->state & NUD_PERMANENT) &&
	       memcmp(&there->mac, &n->mac, sizeof(n->mac)) == 0;
}

static void
add_neigh(struct job *j, const struct own_neigh *n)
{
	const struct sl_ip ip = ip_of_key(&n->key);
	char text[SL_IP_STRLEN];
	int err;

	if (neigh_there(j, n))
		return;
	err = request(j, sl_nl_put_neigh(j->msg, j->m->ifindex, &ip, &n->mac));
	if (err == 0)
		table_put(&j->m->own_neighs, n);
	else
		failed(j, err, "neighbour %s", sl_ip_str(&ip, text));
}

static void
del_neigh(struct job *j, const struct own_neigh *n)
{
	const struct sl_ip ip = ip_of_key(&n->key);
	char text[SL_IP_STRLEN];
	int err = 0;

	// Others may have put another MAC there since: theirs.
	if (is_v6(&n->key) || neigh_there(j, n))
		err = request(j, sl_nl_put_neigh_del(j->msg, j->m->ifindex, &ip));
	if (err < 0 && err != -ENOENT)
		failed(j, err, "removing neighbour %s", sl_ip_str(&ip, text));
	else
		table_del(&j->m->own_neighs, &n->key);
}

static void
apply_neighs(struct job *j)
{
	struct table own = copy_of(&j->m->own_neighs);

	for (uint32_t i = 0; i < j->neighs.n; i++)
		add_neigh(j, table_at(&j->neighs, i));
	for (uint32_t i = 0; i < own.n; i++) {
		const struct own_neigh *n = table_at(&own, i);

		if (!table_find(&j->neighs, &n->key))
			del_neigh(j, n);
	}
	table_fini(&own);
}

// ---- all of it ----

static void
job_init(struct job *j, struct sl_host *h, struct mirror *m, const struct sl_host_cfg *cfg)
{
	*j = (struct job){.h = h, .m = m};
	table_init(&j->addrs, sizeof(struct own_addr), sizeof(struct ip_key));
	table_init(&j->routes, sizeof(struct own_route), m->own_routes.key_bytes);
	table_init(&j->neighs, sizeof(struct own_neigh), sizeof(struct ip_key));
	want_addrs(j, cfg);
	want_routes(j, cfg);
	want_neighs(j, cfg);
}

static void
job_fini(struct job *j)
{
	table_fini(&j->addrs);
	table_fini(&j->routes);
	table_fini(&j->neighs);
	sl_buf_fini(&j->text);
}

int
sl_host_apply(struct sl_host *h, uint16_t index, const struct sl_host_cfg *cfg, char **why)
{
	struct mirror *m = mirror_by_index(h, index);
	struct job j;
	int err;

	if (!m)
		return host_fail(why, -ENODEV, "port index %u", index);
	// The plan is made against what the kernel has now, not against what it had at the last
	// poll.
	err = state_catch_up(h);
	if (err < 0)
		return host_fail(why, err, "reading addresses and routes");
	if (!m->ifindex)
		return host_fail(why, -ENODEV, "mirror \"%s\" was deleted", m->link.name);
	job_init(&j, h, m, cfg);
	wake_ip6(&j);
	apply_addrs(&j);
	state_catch_up(h); // a removed address may have taken routes along
	if (m->link.up) {
		apply_routes(&j);
		apply_neighs(&j);
	}
	err = state_catch_up(h);
	h->fresh &= ~(unsigned)SL_HOST_ADDRS; // which of them are ours
	if (err < 0 && !j.err)
		failed(&j, err, "reading addresses and routes");
	err = j.err;
	if (err < 0)
		*why = sl_buf_take(&j.text);
	job_fini(&j);
	return err;
}
