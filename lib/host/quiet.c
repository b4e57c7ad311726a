#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "sl_str.h"

// ---- does the netdev have addresses of its own? ----

struct own {
	uint32_t ifindex;
	bool v4;
	bool v6; // past link-local
};

static void
look_at_addr(void *arg, const struct nlmsghdr *nlh)
{
	struct own *own = arg;
	struct ifaddrmsg ifa;

	if (nlh->nlmsg_type != RTM_NEWADDR || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(ifa)))
		return;
	memcpy(&ifa, NLMSG_DATA(nlh), sizeof(ifa));
	if (ifa.ifa_index != own->ifindex)
		return;
	own->v4 |= ifa.ifa_family == AF_INET;
	own->v6 |= ifa.ifa_family == AF_INET6 && ifa.ifa_scope != RT_SCOPE_LINK;
}

// ---- set, remember, restore ----

static int
change(struct sl_host *h, const char *family, const char *netdev, const char *name,
	const char *value)
{
	struct changed c = {.family = family, .name = name};
	int err = sysctl_read(family, netdev, name, c.before);

	if (err < 0)
		return err;
	if (strcmp(c.before, value) == 0)
		return 0;
	err = sysctl_write(family, netdev, name, value);
	if (err < 0)
		return err;
	snprintf(c.netdev, sizeof(c.netdev), "%s", netdev);
	snprintf(c.set, sizeof(c.set), "%s", value);
	h->changed = sl_xrealloc(h->changed, h->n_changed + 1, sizeof(*h->changed));
	h->changed[h->n_changed++] = c;
	return 0;
}

// Last change first, and only where our value still stands.
void
quiet_undo(struct sl_host *h)
{
	while (h->n_changed > 0) {
		const struct changed *c = &h->changed[--h->n_changed];
		char now[16];
		int err = sysctl_read(c->family, c->netdev, c->name, now);

		if (err == 0 && strcmp(now, c->set) == 0)
			err = sysctl_write(c->family, c->netdev, c->name, c->before);
		if (err < 0 && err != -ENOENT) // the netdev went first
			sl_log(h->log, SL_LOG_WARN, "host",
				"sysctl not restored sysctl=net.%s.conf.%s.%s value=%s: %s",
				c->family, c->netdev, c->name, c->before, strerror(-err));
	}
	free(h->changed);
	h->changed = NULL;
}

// The larger of `all` and the netdev's own counts.
static bool
rp_filter_overridden(void)
{
	char all[16];

	return sysctl_read("ipv4", "all", "rp_filter", all) == 0 && strcmp(all, "2") == 0;
}

struct set {
	const char *family, *name, *value;
};

static int
change_all(struct sl_host *h, const char *netdev, const struct set *sets, size_t n, char **why)
{
	for (size_t i = 0; i < n; i++) {
		const int err = change(h, sets[i].family, netdev, sets[i].name, sets[i].value);

		if (err < 0 && !(err == -ENOENT && strcmp(sets[i].family, "ipv6") == 0))
			return host_fail(why, err, "sysctl net.%s.conf.%s.%s=%s", sets[i].family,
				netdev, sets[i].name, sets[i].value);
	}
	return 0;
}

static int
quiet_bare(struct sl_host *h, const char *netdev, char **why)
{
	static const struct set sets[] = {
		{"ipv4", "arp_ignore", "8"}, {"ipv4", "forwarding", "0"},
		{"ipv4", "rp_filter", "1"},
		{"ipv4", "log_martians", "0"}, // it would be a line a packet
	};
	const int err = change_all(h, netdev, sets, SL_ARRAY_LEN(sets), why);

	if (err == 0 && rp_filter_overridden())
		sl_log(h->log, SL_LOG_WARN, "host",
			"net.ipv4.conf.all.rp_filter=2 overrides the strict filter, the kernel may "
			"answer "
			"service traffic too: set it to 0 netdev=%s",
			netdev);
	return err;
}

static int
quiet_addressed(struct sl_host *h, const char *netdev, char **why)
{
	static const struct set sets[] = {
		{"ipv4", "arp_ignore", "1"},
		{"ipv4", "forwarding", "0"},
	};

	sl_log(h->log, SL_LOG_WARN, "host",
		"netdev below a port has addresses of its own, the kernel takes part in its "
		"traffic: "
		"move them to the mirror netdev=%s",
		netdev);
	return change_all(h, netdev, sets, SL_ARRAY_LEN(sets), why);
}

int
sl_host_quiet_netdev(struct sl_host *h, const char *netdev, char **why)
{
	static const struct set no_ipv6[] = {{"ipv6", "disable_ipv6", "1"}};
	struct own own = {0};
	int err;

	if (!netdev_name_ok(netdev))
		return host_fail(why, -EINVAL, "netdev \"%s\": not a netdev name", netdev);
	own.ifindex = if_nametoindex(netdev);
	if (own.ifindex == 0)
		return host_fail(why, -errno, "netdev \"%s\"", netdev);
	err = nl_dump(&h->nl, RTM_GETADDR, AF_UNSPEC, look_at_addr, &own);
	if (err < 0)
		return host_fail(why, err, "netdev \"%s\": reading its addresses", netdev);
	if (!own.v6) {
		err = change_all(h, netdev, no_ipv6, SL_ARRAY_LEN(no_ipv6), why);
		if (err < 0)
			return err;
	}
	return own.v4 || own.v6 ? quiet_addressed(h, netdev, why) : quiet_bare(h, netdev, why);
}
