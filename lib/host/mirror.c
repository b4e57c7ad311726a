#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"
#include "sl_str.h"

// Frames from the kernel that wait for the reader: punted traffic only, never the service traffic.
#define TXQLEN 1000

struct mirror *
mirror_by_index(const struct sl_host *h, uint16_t index)
{
	for (uint32_t i = 0; i < h->n_mirrors; i++) {
		if (h->mirror[i].index == index)
			return &h->mirror[i];
	}
	return NULL;
}

struct mirror *
mirror_by_ifindex(const struct sl_host *h, uint32_t ifindex)
{
	for (uint32_t i = 0; ifindex && i < h->n_mirrors; i++) {
		if (h->mirror[i].ifindex == ifindex)
			return &h->mirror[i];
	}
	return NULL;
}

void
mirror_fini(struct mirror *m)
{
	close(m->fd); // the netdev goes with it
	table_fini(&m->own_addrs);
	table_fini(&m->own_routes);
	table_fini(&m->own_neighs);
}

// IFF_TUN_EXCL: a persistent TAP of that name is somebody else's, also when nobody holds it now.
static int
open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL)};
	const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return fd;
	err = errno == EBUSY ? -EEXIST : -errno;
	close(fd);
	return err;
}

// A mirror is silent until it is told to speak: what the kernel sends by itself leaves on the port.
// Must be set before the link comes up.
static void
set_sysctls(struct sl_host *h, const char *name)
{
	char all_rp[16] = "0";
	const struct {
		const char *family, *name, *value;
	} sets[] = {
		{"ipv6", "addr_gen_mode", "1"}, // no link-local address
		{"ipv6", "accept_ra", "0"},     // no router solicitation
		{"ipv6", "autoconf", "0"},
		{"ipv4", "promote_secondaries", "1"}, // removing one address takes no other along
		// The larger of all and this one counts: 0 is off, 2 (loose) disarms a strict
		// `all`.
		{"ipv4", "rp_filter",
			sysctl_read("ipv4", "all", "rp_filter", all_rp) == 0 &&
					strcmp(all_rp, "0") == 0
				? "0"
				: "2"},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(sets); i++) {
		const int err = sysctl_write(sets[i].family, name, sets[i].name, sets[i].value);

		if (err < 0 && err != -ENOENT) // no IPv6 in this kernel
			sl_log(h->log, SL_LOG_WARN, "host",
				"sysctl not set netdev=%s sysctl=net.%s.conf.%s.%s value=%s: %s",
				name, sets[i].family, name, sets[i].name, sets[i].value,
				strerror(-err));
	}
}

static int
set_up(struct sl_host *h, uint32_t ifindex, const char *name, const struct sl_mac *mac,
	uint32_t mtu)
{
	_Alignas(struct nlmsghdr) uint8_t msg[SL_NL_MSG_BYTES];
	const int err = nl_request(&h->nl, sl_nl_put_link(msg, ifindex, mac, mtu, TXQLEN));

	if (err < 0)
		return err;
	set_sysctls(h, name);
	return nl_request(&h->nl, sl_nl_put_link_up(msg, ifindex));
}

static void
remember(struct sl_host *h, const struct mirror *m)
{
	struct mirror *at;

	h->mirror = sl_xrealloc(h->mirror, h->n_mirrors + 1, sizeof(*h->mirror));
	at = &h->mirror[h->n_mirrors++];
	*at = *m;
	table_init(&at->own_addrs, sizeof(struct own_addr), sizeof(struct ip_key));
	table_init(&at->own_routes, sizeof(struct own_route), sizeof(((struct own_route *)0)->key));
	table_init(&at->own_neighs, sizeof(struct own_neigh), sizeof(struct ip_key));
}

int
sl_host_mirror_add(struct sl_host *h, uint16_t index, const char *name, const struct sl_mac *mac,
	uint32_t mtu, char **why)
{
	struct mirror m = {
		.index = index, .link = {.present = true, .up = true, .mtu = mtu, .mac = *mac}};
	int err;

	if (mirror_by_index(h, index))
		return host_fail(why, -EEXIST, "mirror \"%s\": port index %u", name, index);
	if (!netdev_name_ok(name))
		return host_fail(why, -EINVAL, "mirror \"%s\": not a netdev name", name);
	if (if_nametoindex(name))
		return host_fail(
			why, -EEXIST, "mirror \"%s\": another netdev (another sluice?)", name);
	m.fd = open_tap(name);
	if (m.fd == -EPERM || m.fd == -EACCES)
		return host_fail(why, m.fd,
			"mirror \"%s\": /dev/net/tun (run as root, or with CAP_NET_ADMIN)", name);
	if (m.fd < 0)
		return host_fail(why, m.fd, "mirror \"%s\": /dev/net/tun", name);
	m.ifindex = if_nametoindex(name);
	if (m.ifindex == 0) {
		err = -errno;
		goto close_tap;
	}
	snprintf(m.link.name, sizeof(m.link.name), "%s", name);
	err = set_up(h, m.ifindex, name, mac, mtu);
	if (err < 0)
		goto close_tap;
	remember(h, &m);
	return m.fd;
close_tap:
	close(m.fd);
	return host_fail(
		why, err, "mirror \"%s\"%s%s", name, h->nl.words[0] ? ": " : "", h->nl.words);
}

int
sl_host_mirror_fd(const struct sl_host *h, uint16_t index)
{
	const struct mirror *m = mirror_by_index(h, index);

	return m ? m->fd : -ENODEV;
}

int
sl_host_mirror_carrier(struct sl_host *h, uint16_t index, bool up)
{
	const struct mirror *m = mirror_by_index(h, index);
	const unsigned carrier = up;

	if (!m)
		return -ENODEV;
	return ioctl(m->fd, TUNSETCARRIER, &carrier) < 0 ? -errno : 0;
}

int
sl_host_link(const struct sl_host *h, uint16_t index, struct sl_host_link *link)
{
	const struct mirror *m = mirror_by_index(h, index);

	if (!m)
		return -ENODEV;
	*link = m->link;
	return 0;
}
