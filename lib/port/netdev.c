// Facts about a kernel netdev, and whether AF_XDP can have it.

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sl_netdev.h"
#include "sl_str.h"

#define BUSY_TRIES   25
#define BUSY_WAIT_US 20000

#ifndef AF_XDP
#define AF_XDP 44 // glibc 2.36 has no name for it with every feature set
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

static int
control(int fd, unsigned long request, const char *ifname, void *data, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
	if (data)
		ifr->ifr_data = data;
	return ioctl(fd, request, ifr) < 0 ? -errno : 0;
}

static void
read_ethtool(int fd, const char *ifname, struct sl_netdev *dev)
{
	struct ethtool_drvinfo drv = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr;

	if (control(fd, SIOCETHTOOL, ifname, &drv, &ifr) == 0)
		dev->is_veth = strcmp(drv.driver, "veth") == 0;
	dev->rx_queues = 1;
	dev->combined = 0;
	if (control(fd, SIOCETHTOOL, ifname, &ch, &ifr) < 0)
		return;
	dev->combined = ch.combined_count;
	if (ch.rx_count + ch.combined_count > 0)
		dev->rx_queues = ch.rx_count + ch.combined_count;
}

int
sl_netdev_read(const char *ifname, struct sl_netdev *dev)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	int rc;

	memset(dev, 0, sizeof(*dev));
	if (fd < 0)
		return -errno;
	rc = control(fd, SIOCGIFINDEX, ifname, NULL, &ifr);
	dev->ifindex = (unsigned)ifr.ifr_ifindex;
	if (rc == 0)
		rc = control(fd, SIOCGIFMTU, ifname, NULL, &ifr);
	dev->mtu = (uint32_t)ifr.ifr_mtu;
	if (rc == 0)
		rc = control(fd, SIOCGIFFLAGS, ifname, NULL, &ifr);
	dev->up = rc == 0 && (ifr.ifr_flags & IFF_UP);
	dev->has_address = control(fd, SIOCGIFADDR, ifname, NULL, &ifr) == 0;
	if (rc == 0)
		read_ethtool(fd, ifname, dev);
	close(fd);
	return rc;
}

int
sl_netdev_up(const char *ifname)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	int rc;

	if (fd < 0)
		return -errno;
	rc = control(fd, SIOCGIFFLAGS, ifname, NULL, &ifr);
	if (rc == 0 && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		rc = ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
	}
	close(fd);
	return rc;
}

bool
sl_netdev_running(const char *ifname)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	struct ifreq ifr;
	bool running;

	if (fd < 0)
		return true; // not known
	running = control(fd, SIOCGIFFLAGS, ifname, NULL, &ifr) == 0 && (ifr.ifr_flags & IFF_UP);
	// Not IFF_RUNNING: that is told up to a second later, and a port would start with no link.
	if (running && control(fd, SIOCETHTOOL, ifname, &link, &ifr) == 0)
		running = link.data != 0;
	close(fd);
	return running;
}

// The smallest setup that bind accepts: two frames of buffers and rings of two. Zero copy is asked
// for because a device without it (veth) refuses after the kernel has looked whether the queue is
// free, and gives the queue back at once; a copying socket's queue is freed some time after its
// close.
static int
bind_xdp(int fd, void *frames, unsigned ifindex, uint32_t queue)
{
	const struct xdp_umem_reg umem = {
		.addr = (uintptr_t)frames, .len = 8192, .chunk_size = 4096};
	const struct sockaddr_xdp addr = {.sxdp_family = AF_XDP,
		.sxdp_ifindex = ifindex,
		.sxdp_queue_id = queue,
		.sxdp_flags = XDP_ZEROCOPY};
	const int two = 2;

	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &two, sizeof(two)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &two, sizeof(two)) < 0 ||
		setsockopt(fd, SOL_XDP, XDP_RX_RING, &two, sizeof(two)) < 0 ||
		bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return 0;
}

// Binds a socket to the queue and lets it go again.
static int
try_queue(const char *ifname, uint32_t queue)
{
	const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	void *frames;
	int rc;

	if (fd < 0)
		return -errno;
	frames = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rc = frames == MAP_FAILED ? -errno : bind_xdp(fd, frames, if_nametoindex(ifname), queue);
	close(fd);
	if (frames != MAP_FAILED)
		munmap(frames, 8192);
	return rc;
}

static int
xdp_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == IFLA_XDP_PROG_ID)
		*(uint32_t *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int
link_attr(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == IFLA_XDP ? mnl_attr_parse_nested(attr, xdp_attr, data)
						   : MNL_CB_OK;
}

static int
link_message(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct ifinfomsg), link_attr, data);
}

// The id of the attached XDP program, 0 when there is none or it can't be asked.
static uint32_t
xdp_program(const char *ifname)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	uint32_t id = 0;
	ssize_t n;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi->ifi_index = (int)if_nametoindex(ifname);
	if (!nl)
		return 0;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, link_message, &id);
	}
	mnl_socket_close(nl);
	return id;
}

static long
bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void
program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	union bpf_attr attr = {.prog_id = id};
	struct bpf_prog_info info = {0};
	int fd;

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	fd = (int)bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

static int
refuse_foreign(const char *ifname, uint32_t id, char **why)
{
	char name[BPF_OBJ_NAME_LEN];

	program_name(id, name);
	if (strcmp(name, "xsk_def_prog") == 0)
		return 0;
	*why = sl_xasprintf("interface %s: the XDP program \"%s\" (id %u) is attached to it; if "
			    "nobody needs it: `ip link set %s xdp off`",
		ifname, name, id, ifname);
	return -EBUSY;
}

int
sl_netdev_xdp_free(const char *ifname, uint32_t queue, char **why)
{
	const uint32_t id = xdp_program(ifname);
	int rc;

	if (!id)
		return 0;
	rc = refuse_foreign(ifname, id, why);
	if (rc < 0)
		return rc;
	// The driver's program: of a process that polls the queue, or left by one that was killed
	// just now.
	rc = try_queue(ifname, queue);
	for (int i = 0; rc == -EBUSY && i < BUSY_TRIES; i++) {
		usleep(BUSY_WAIT_US);
		rc = try_queue(ifname, queue);
	}
	if (rc == 0)
		usleep(5 * BUSY_WAIT_US); // a zero-copy device: our own socket is freed late, too
	if (rc != -EBUSY)
		return 0; // what else is wrong, the driver will meet and say
	*why = sl_xasprintf(
		"interface %s: queue %u is polled by another AF_XDP program", ifname, queue);
	return rc;
}
