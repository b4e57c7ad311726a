#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sl_buf.h"
#include "sl_str.h"

static bool
put_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

// Root of a user namespace may do all of this, as long as `ip` runs as its user 0.
static bool
enter_as_user(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", getuid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put_file("/proc/self/uid_map", map);
}

bool
lab_enter(void)
{
	if (access("/dev/net/tun", R_OK | W_OK) != 0) {
		printf("# no /dev/net/tun here\n");
		return false;
	}
	if (unshare(CLONE_NEWNET) != 0 && !enter_as_user()) {
		printf("# no network namespace: %s\n", strerror(errno));
		return false;
	}
	return sh("ip link set lo up");
}

static char *
format(const char *fmt, va_list ap)
{
	struct sl_buf b = {0};

	sl_buf_vprintf(&b, fmt, ap);
	return sl_buf_take(&b);
}

bool
sh(const char *fmt, ...)
{
	va_list ap;
	char *line;
	int rc;

	va_start(ap, fmt);
	line = format(fmt, ap);
	va_end(ap);
	rc = system(line);
	if (rc != 0)
		printf("# %s: status %d\n", line, rc);
	free(line);
	return rc == 0;
}

const char *
sh_line(const char *fmt, ...)
{
	static char out[4096];
	va_list ap;
	char *line;
	FILE *f;

	va_start(ap, fmt);
	line = format(fmt, ap);
	va_end(ap);
	out[0] = '\0';
	f = popen(line, "r");
	if (!f || !fgets(out, sizeof(out), f))
		out[0] = '\0';
	if (f)
		pclose(f);
	out[strcspn(out, "\n")] = '\0';
	free(line);
	return out;
}

struct sl_host *
lab_host(bool with_wan)
{
	const struct sl_mac lan = {{2, 0, 0, 0, 0, 1}}, wan = {{2, 0, 0, 0, 0, 2}};
	char *why = NULL;
	struct sl_host *h = sl_host_new(NULL, &why);

	if (h && sl_host_mirror_add(h, LAN, "lan", &lan, 1500, &why) >= 0 &&
		(!with_wan || sl_host_mirror_add(h, WAN, "wan", &wan, 1500, &why) >= 0))
		return h;
	printf("# %s\n", why ? why : "no reason given");
	free(why);
	sl_host_free(h);
	return NULL;
}

uint64_t
lab_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int
lab_wait(struct sl_host *h, int bits, int timeout_ms)
{
	const uint64_t end = lab_now_us() + (uint64_t)timeout_ms * 1000;
	int came = 0;

	for (;;) {
		struct pollfd p = {.fd = sl_host_fd(h), .events = POLLIN};
		const uint64_t now = lab_now_us();
		int rc;

		if ((came & bits) == bits || now >= end)
			return came;
		if (poll(&p, 1, (int)((end - now) / 1000) + 1) <= 0)
			continue;
		rc = sl_host_poll(h);
		if (rc < 0)
			return rc;
		came |= rc;
	}
}

sl_be32
ip4(const char *text)
{
	struct sl_ip ip;

	if (sl_ip_parse(text, &ip) < 0 || ip.family != AF_INET)
		abort();
	return ip.v4;
}

static struct sl_prefix
prefix(const char *text)
{
	struct sl_prefix p;

	if (sl_prefix_parse(text, &p) < 0)
		abort();
	return p;
}

const struct sl_host_route *
lab_route(struct sl_host *h, const char *text, uint32_t metric)
{
	const struct sl_prefix p = prefix(text);
	uint32_t n;
	const struct sl_host_route *r = sl_host_routes(h, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (r[i].dst == p.addr.v4 && r[i].len == p.len && r[i].metric == metric)
			return &r[i];
	}
	return NULL;
}

const struct sl_host_neigh *
lab_neigh(struct sl_host *h, uint16_t index, const char *addr)
{
	const sl_be32 ip = ip4(addr);
	uint32_t n;
	const struct sl_host_neigh *e = sl_host_neighs(h, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (e[i].index == index && e[i].addr == ip)
			return &e[i];
	}
	return NULL;
}

const struct sl_host_addr *
lab_addr(struct sl_host *h, uint16_t index, const char *text)
{
	const struct sl_prefix p = prefix(text);
	uint32_t n;
	const struct sl_host_addr *a = sl_host_addrs(h, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (a[i].index == index && a[i].addr == p.addr.v4 && a[i].len == p.len)
			return &a[i];
	}
	return NULL;
}

// ---- configurations ----

#define MAX_OF_A_KIND 16

struct cfg {
	struct sl_prefix addr[MAX_OF_A_KIND];
	struct sl_ip host[MAX_OF_A_KIND];
	struct sl_host_route_cfg route[MAX_OF_A_KIND];
	struct sl_host_neigh_cfg neigh[MAX_OF_A_KIND];
	struct sl_host_cfg cfg;
};

static void
take_item(struct cfg *c, char *item)
{
	char a[64] = "", b[64] = "", via[64] = "";
	unsigned metric = 0;

	item += strspn(item, " ");
	if (sscanf(item, "addr %63s", a) == 1) {
		c->addr[c->cfg.n_addrs++] = prefix(a);
	} else if (sscanf(item, "host %63s", a) == 1) {
		c->host[c->cfg.n_host_addrs++] = prefix(a).addr;
	} else if (sscanf(item, "neigh %63s %63s", a, b) == 2) {
		struct sl_host_neigh_cfg *n = &c->neigh[c->cfg.n_neighs++];

		n->addr = prefix(a).addr;
		if (sl_mac_parse(b, &n->mac) < 0)
			abort();
	} else if (sscanf(item, "route %63s", a) == 1) {
		struct sl_host_route_cfg *r = &c->route[c->cfg.n_routes++];
		const char *at = strstr(item, " via ");

		r->to = prefix(a);
		if (at && sscanf(at, " via %63s", via) == 1)
			r->via = prefix(via).addr;
		at = strstr(item, " metric ");
		if (at && sscanf(at, " metric %u", &metric) == 1)
			r->metric = metric;
	} else {
		abort();
	}
}

int
lab_apply(struct sl_host *h, uint16_t index, const char *words)
{
	struct cfg c = {.cfg = {.addrs = c.addr,
				.host_addrs = c.host,
				.routes = c.route,
				.neighs = c.neigh}};
	char *text = sl_xstrdup(words), *rest = text, *item, *why = NULL;
	int rc;

	while ((item = strsep(&rest, ",")) != NULL) {
		if (*item)
			take_item(&c, item);
	}
	rc = sl_host_apply(h, index, &c.cfg, &why);
	if (rc < 0)
		printf("# apply: %s\n", why);
	free(why);
	free(text);
	return rc;
}

// ---- the listener ----

int
listener_open(void)
{
	const struct sockaddr_nl at = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE,
	};
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		abort();
	return fd;
}

int
listener_count(int fd)
{
	static _Alignas(struct nlmsghdr) uint8_t buf[65536];
	int n = 0;

	for (;;) {
		const ssize_t len = recv(fd, buf, sizeof(buf), 0);
		const struct nlmsghdr *at = (const struct nlmsghdr *)buf;
		int left = (int)len;

		if (len < 0)
			return n;
		for (; mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left))
			n++;
	}
}
