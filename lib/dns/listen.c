#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "address.h"
#include "server.h"
#include "sl_str.h"

#define MAX_CONNS       1024
#define MAX_PENDING     1024 // when cfg says none
#define RECEIVE_BYTES   (1 << 20)
#define BACKLOG         256
#define DEFAULT_TIMEOUT (5 * SL_NSEC_PER_SEC)

socklen_t
dns_sockaddr_of(const struct sl_dns_address *addr, union dns_sockaddr *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->ip.family == AF_INET) {
		out->v4 = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_port = htons(addr->port),
			.sin_addr = {addr->ip.v4}};
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(addr->port);
	memcpy(&out->v6.sin6_addr, addr->ip.v6, sizeof(addr->ip.v6));
	return sizeof(out->v6);
}

struct sl_ip
dns_ip_of(const union dns_sockaddr *from)
{
	struct sl_ip ip = {.family = (uint8_t)from->sa.sa_family};

	if (ip.family == AF_INET)
		ip.v4 = from->v4.sin_addr.s_addr;
	else
		memcpy(ip.v6, &from->v6.sin6_addr, sizeof(ip.v6));
	return ip;
}

static bool
is_any(const struct sl_ip *ip)
{
	static const uint8_t zero[16];

	return ip->family == AF_INET ? ip->v4 == 0 : memcmp(ip->v6, zero, sizeof(zero)) == 0;
}

// ---- sockets ----

static bool
turn_on(int fd, int level, int option)
{
	const int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one)) == 0;
}

static void
share_port(int fd, int on)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

// Options that have to be there for the bind and the answers.
static bool
prepare(int fd, int family, int type, bool any)
{
	const int bytes = RECEIVE_BYTES;
	const bool v4 = family == AF_INET;

	if (!turn_on(fd, SOL_IP, IP_FREEBIND)) // it serves both families
		return false;
	if (!v4 && !turn_on(fd, SOL_IPV6, IPV6_V6ONLY))
		return false;
	if (type == SOCK_STREAM)
		return turn_on(fd, SOL_SOCKET, SO_REUSEADDR);
	// Past net.core.rmem_max only with CAP_NET_ADMIN.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return !any || turn_on(fd, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO);
}

static int
open_socket(const struct dns_listener *l, int type, bool share)
{
	const int family = l->addr.ip.family;
	const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union dns_sockaddr name;
	const socklen_t len = dns_sockaddr_of(&l->addr, &name);
	int err;

	if (fd < 0)
		return -errno;
	share_port(fd, share);
	if (prepare(fd, family, type, l->any) && bind(fd, &name.sa, len) == 0 &&
		(type == SOCK_DGRAM || listen(fd, BACKLOG) == 0)) {
		share_port(fd, 0);
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

static void
close_listener(struct dns_listener *l)
{
	if (l->udp_fd >= 0)
		close(l->udp_fd);
	if (l->tcp_fd >= 0)
		close(l->tcp_fd);
	free(l);
}

static struct dns_listener *
open_listener(const struct sl_dns_address *addr, bool share, int *err, char **why)
{
	struct dns_listener *l = sl_xcalloc(1, sizeof(*l));
	char text[SL_IP_STRLEN];

	*l = (struct dns_listener){.addr = *addr, .any = is_any(&addr->ip), .tcp_fd = -1};
	l->udp_fd = open_socket(l, SOCK_DGRAM, share);
	*err = l->udp_fd;
	if (*err >= 0)
		*err = l->tcp_fd = open_socket(l, SOCK_STREAM, share);
	if (*err >= 0)
		return l;
	*why = sl_xasprintf("cannot listen on %s port %u (%s): %s", sl_ip_str(&addr->ip, text),
		addr->port, l->udp_fd < 0 ? "UDP" : "TCP", strerror(-*err));
	close_listener(l);
	return NULL;
}

// ---- settings ----

static struct dns_listener *
find(const struct dns_settings *set, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; set && i < set->n_listeners; i++)
		if (address_equal(&set->listener[i]->addr, addr))
			return set->listener[i];
	return NULL;
}

bool
dns_settings_has(const struct dns_settings *set, const struct dns_listener *listener)
{
	return set && find(set, &listener->addr) == listener;
}

static struct sl_dns_address
with_port(const struct sl_dns_address *addr)
{
	return (struct sl_dns_address){addr->ip, address_port(addr)};
}

static bool
is_listened_to(const struct sl_dns_server_cfg *cfg, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; i < cfg->n_listen; i++) {
		const struct sl_dns_address listen = with_port(&cfg->listen[i]);

		if (address_equal(&listen, addr))
			return true;
	}
	return false;
}

// The new socket of 0.0.0.0 and the old one of 192.0.2.1, or the other way round, share the port
// for the moment that both are there. Not for longer: another program must not join them.
static bool
share_with_leaving(const struct sl_dns_server_cfg *cfg, const struct dns_settings *old,
	const struct sl_dns_address *addr, int on)
{
	bool any = false;

	for (uint32_t i = 0; old && i < old->n_listeners; i++) {
		const struct dns_listener *l = old->listener[i];

		if (l->addr.port != addr->port || l->addr.ip.family != addr->ip.family ||
			is_listened_to(cfg, &l->addr))
			continue;
		share_port(l->udp_fd, on);
		share_port(l->tcp_fd, on);
		any = true;
	}
	return any;
}

static struct dns_listener *
find_or_open(const struct sl_dns_address *addr, const struct sl_dns_server_cfg *cfg,
	const struct dns_settings *old, int *err, char **why)
{
	struct dns_listener *l = find(old, addr);
	bool share;

	if (l)
		return l;
	share = share_with_leaving(cfg, old, addr, 1);
	l = open_listener(addr, share, err, why);
	share_with_leaving(cfg, old, addr, 0);
	return l;
}

// *why: the first that can't be opened, NULL: all are.
static void
open_all(struct dns_settings *set, const struct sl_dns_server_cfg *cfg,
	const struct dns_settings *old, int *err, char **why)
{
	for (uint32_t i = 0; i < cfg->n_listen; i++) {
		const struct sl_dns_address addr = with_port(&cfg->listen[i]);
		struct dns_listener *l;
		char *text = NULL;
		int rc = 0;

		if (find(set, &addr))
			continue;
		l = find_or_open(&addr, cfg, old, &rc, &text);
		if (l)
			set->listener[set->n_listeners++] = l;
		else if (!*why) {
			*why = text;
			*err = rc;
			text = NULL;
		}
		free(text);
	}
}

// Clients have the old addresses for as long as not all of the new ones are there.
static void
keep_old(struct dns_settings *set, const struct dns_settings *old)
{
	for (uint32_t i = 0; i < old->n_listeners; i++)
		if (!dns_settings_has(set, old->listener[i]))
			set->listener[set->n_listeners++] = old->listener[i];
}

// The process needs descriptors for other things as well: a quarter each at most.
static uint32_t
descriptors(uint32_t wanted, const char *what, struct sl_log *log)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 >= wanted)
		return wanted;
	sl_log(log, SL_LOG_NOTICE, "dns",
		"responder: fewer %s, as the process may have few descriptors wanted=%u at_most=%u",
		what, wanted, (unsigned)(limit.rlim_cur / 4));
	return (uint32_t)(limit.rlim_cur / 4);
}

static void
take_upstreams(struct dns_settings *set, const struct sl_dns_server_cfg *cfg)
{
	char text[SL_IP_STRLEN];

	for (uint32_t i = 0; i < cfg->n_upstream; i++) {
		const struct sl_dns_address addr = with_port(&cfg->upstream[i]);

		if (!dns_settings_is_own(set, &addr))
			set->upstream[set->n_upstream++] = addr;
		else
			sl_log(set->log, SL_LOG_WARN, "dns",
				"responder: an upstream server is this responder, left out "
				"server=%s port=%u",
				sl_ip_str(&addr.ip, text), addr.port);
	}
}

struct dns_settings *
dns_settings_new(
	const struct sl_dns_server_cfg *cfg, const struct dns_settings *old, int *err, char **why)
{
	struct dns_settings *set;

	if (cfg->n_upstream > DNS_MAX_UPSTREAMS) {
		*err = -EINVAL;
		*why = sl_xasprintf(
			"%u upstream servers, at most %u", cfg->n_upstream, DNS_MAX_UPSTREAMS);
		return NULL;
	}
	set = sl_xcalloc(1, sizeof(*set));
	set->listener = sl_xcalloc(
		cfg->n_listen + (old ? old->n_listeners : 0), sizeof(struct dns_listener *));
	open_all(set, cfg, old, err, why);
	if (*why && !old) {
		dns_settings_free(set, NULL);
		return NULL;
	}
	if (*why)
		keep_old(set, old);
	set->log = cfg->log;
	dns_ranges_init(&set->clients, cfg->client, cfg->n_clients);
	take_upstreams(set, cfg);
	// Without any of its own it follows resolv.conf; with none but ourselves it has none.
	if (cfg->n_upstream == 0)
		set->resolv_conf =
			sl_xstrdup(cfg->resolv_conf ? cfg->resolv_conf : "/etc/resolv.conf");
	set->timeout_ns = cfg->timeout_ns ? cfg->timeout_ns : DEFAULT_TIMEOUT;
	set->rate = cfg->rate;
	set->max_pending = descriptors(
		cfg->max_pending ? cfg->max_pending : MAX_PENDING, "forwarded queries", cfg->log);
	set->max_conns = descriptors(MAX_CONNS, "TCP clients", cfg->log);
	return set;
}

void
dns_settings_free(struct dns_settings *set, const struct dns_settings *kept)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < set->n_listeners; i++)
		if (!dns_settings_has(kept, set->listener[i]))
			close_listener(set->listener[i]);
	free(set->listener);
	dns_ranges_fini(&set->clients);
	free(set->resolv_conf);
	free(set);
}

// Whether a packet to that address stays on this machine.
static bool
is_local(const struct sl_ip *ip)
{
	const struct sl_dns_address addr = {.ip = *ip};
	union dns_sockaddr name;
	const socklen_t len = dns_sockaddr_of(&addr, &name);
	const int fd = socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool local = fd >= 0 && bind(fd, &name.sa, len) == 0;

	if (fd >= 0)
		close(fd);
	return local;
}

bool
dns_settings_is_own(const struct dns_settings *set, const struct sl_dns_address *addr)
{
	for (uint32_t i = 0; i < set->n_listeners; i++) {
		const struct dns_listener *l = set->listener[i];

		if (address_equal(&l->addr, addr))
			return true;
		if (l->addr.port != address_port(addr) || l->addr.ip.family != addr->ip.family)
			continue;
		// To 0.0.0.0 is to this machine.
		if (is_any(&addr->ip) || (l->any && is_local(&addr->ip)))
			return true;
	}
	return false;
}
