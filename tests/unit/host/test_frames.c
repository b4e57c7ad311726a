// Mirrors, and the frames that the kernel and the wire exchange through them.
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <unistd.h>

#include "kernel_tests.h"
#include "lab.h"

static const uint8_t gateway_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t remote_mac[6] = {2, 0, 0, 0, 0, 0x99};

struct arp_frame {
	struct ether_header eth;
	struct ether_arp arp;
} __attribute__((packed));

struct ping_frame {
	struct ether_header eth;
	struct iphdr ip;
	struct icmphdr icmp;
	uint8_t data[32];
} __attribute__((packed));

// The next frame that the kernel sends, within timeout_ms. Returns its length, or -1.
static ssize_t
next_frame(int fd, void *buf, size_t size, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, timeout_ms) <= 0)
		return -1;
	return read(fd, buf, size);
}

// The next ARP request for `addr`; others are passed over.
static int
next_request(int fd, const char *addr, struct arp_frame *out)
{
	const sl_be32 ip = ip4(addr);
	uint8_t buf[2048];
	ssize_t len;

	while ((len = next_frame(fd, buf, sizeof(buf), 10000)) > 0) {
		memcpy(out, buf, sizeof(*out));
		if (len >= (ssize_t)sizeof(*out) && ntohs(out->eth.ether_type) == ETHERTYPE_ARP &&
			ntohs(out->arp.ea_hdr.ar_op) == ARPOP_REQUEST &&
			memcmp(out->arp.arp_tpa, &ip, 4) == 0)
			return TEST_SUCCESS;
	}
	RTE_TEST_ASSERT(false, "no ARP request for %s", addr);
}

// As the remote side answers it.
static int
answer(int fd, const struct arp_frame *request, const uint8_t mac[6])
{
	struct arp_frame reply = *request;

	memcpy(reply.eth.ether_dhost, request->arp.arp_sha, 6);
	memcpy(reply.eth.ether_shost, mac, 6);
	reply.arp.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(reply.arp.arp_sha, mac, 6);
	memcpy(reply.arp.arp_spa, request->arp.arp_tpa, 4);
	memcpy(reply.arp.arp_tha, request->arp.arp_sha, 6);
	memcpy(reply.arp.arp_tpa, request->arp.arp_spa, 4);
	SL_TEST_INT(write(fd, &reply, sizeof(reply)), sizeof(reply));
	return TEST_SUCCESS;
}

static int
start(struct sl_host **h, int *fd)
{
	*h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(*h, "host");
	*fd = sl_host_mirror_fd(*h, LAN);
	SL_TEST_INT(lab_apply(*h, LAN, "addr 192.0.2.1/24, host 192.0.2.10"), 0);
	sl_host_poll(*h);
	return TEST_SUCCESS;
}
#define START(h, fd)                                                                               \
	do {                                                                                       \
		LAB();                                                                             \
		if (start(h, fd) != TEST_SUCCESS)                                                  \
			return TEST_FAILED;                                                        \
	} while (0)

int
frames_mirror(void)
{
	const struct sl_mac mac = {{2, 0, 0, 0, 0, 1}};
	struct sl_host_link link;
	struct sl_host *h;
	char *why = NULL;
	uint8_t byte;
	int fd;

	LAB();
	h = sl_host_new(NULL, &why);
	RTE_TEST_ASSERT_NOT_NULL(h, "%s", why);
	fd = sl_host_mirror_add(h, LAN, "lan", &mac, 9000, &why);
	RTE_TEST_ASSERT(fd >= 0, "%s", why);
	SL_TEST_INT(sl_host_mirror_fd(h, LAN), fd);
	SL_TEST_INT(sl_host_mirror_fd(h, 99), -ENODEV);
	SL_TEST_STR(
		sh_line("ip -o link show lan | grep -o '<.*UP.*> mtu [0-9]*' | grep -o 'mtu.*'"),
		"mtu 9000");
	SL_TEST_STR(sh_line("ip -o link show lan | grep -o 'ether [^ ]*'"), "ether " LAN_MAC);
	SL_TEST_STR(sh_line("ip -o link show lan | grep -o 'qlen [0-9]*'"), "qlen 1000");
	SL_TEST_STR(sh_line("ip -d link show lan | grep -o 'tun type tap pi off[^p]*persist off'"),
		"tun type tap pi off vnet_hdr off persist off");
	SL_TEST_STR(sh_line("cat /proc/sys/net/ipv4/conf/lan/rp_filter"), "0");
	SL_TEST_INT(sl_host_link(h, LAN, &link), 0);
	RTE_TEST_ASSERT(link.present && link.up && link.mtu == 9000, "link");
	SL_TEST_STR(link.name, "lan");
	SL_TEST_INT(read(fd, &byte, 1), -1);
	SL_TEST_INT(errno, EAGAIN);
	sl_host_free(h);
	RTE_TEST_ASSERT(if_nametoindex("lan") == 0, "the mirror outlives its host");
	sl_host_free(NULL);

	// Where `all` is strict the mirror has to say loose to win.
	RTE_TEST_ASSERT(sh("echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter"), "sysctl");
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	SL_TEST_STR(sh_line("cat /proc/sys/net/ipv4/conf/lan/rp_filter"), "2");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_carrier(void)
{
	struct sl_host *h;
	int fd;

	START(&h, &fd);
	RTE_TEST_ASSERT(sh("ip -o link show lan | grep -q LOWER_UP"), "carrier at the start");
	SL_TEST_INT(sl_host_mirror_carrier(h, LAN, false), 0);
	RTE_TEST_ASSERT(sh("ip -o link show lan | grep -q NO-CARRIER"), "carrier after it went");
	SL_TEST_INT(sl_host_mirror_carrier(h, LAN, true), 0);
	RTE_TEST_ASSERT(sh("ip -o link show lan | grep -q LOWER_UP"), "carrier is back");
	SL_TEST_INT(sl_host_mirror_carrier(h, 99, true), -ENODEV);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_names(void)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = {
		{"dummy", -EEXIST}, // a persistent TAP of somebody else's
		{"lo", -EEXIST},
		{"lan", -EEXIST},
		{"", -EINVAL},
		{"a/b", -EINVAL},
		{"tap%d", -EINVAL},
		{"..", -EINVAL},
		{"sixteen-letters-", -EINVAL},
	};
	const struct sl_mac mac = {{2, 0, 0, 0, 0, 5}};
	struct sl_host *h;

	LAB();
	RTE_TEST_ASSERT(sh("ip tuntap add dev dummy mode tap"), "ip");
	h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *why = NULL;
		const int rc = sl_host_mirror_add(h, 50, rows[i].name, &mac, 1500, &why);

		RTE_TEST_ASSERT(rc == rows[i].err && why, "\"%s\": %d", rows[i].name, rc);
		free(why);
	}
	sl_host_free(h);
	RTE_TEST_ASSERT(if_nametoindex("dummy") != 0, "somebody else's TAP is gone");
	return TEST_SUCCESS;
}

int
frames_silent(void)
{
	struct sl_host *h;
	uint8_t buf[2048];
	int fd;

	START(&h, &fd);
	if (access("/proc/sys/net/ipv6", F_OK) != 0)
		return TEST_SKIPPED;
	SL_TEST_INT(next_frame(fd, buf, sizeof(buf), 300), -1);
	// With an IPv6 address it speaks (MLD, duplicate address detection): the ear works.
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, addr 2001:db8::1/64"), 0);
	RTE_TEST_ASSERT(next_frame(fd, buf, sizeof(buf), 10000) > 0, "nothing was said");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_arp(void)
{
	struct arp_frame request;
	struct sl_host *h;
	uint64_t t0;
	int fd;

	START(&h, &fd);
	SL_TEST_INT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.9")), 0);
	if (next_request(fd, "192.0.2.9", &request) != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(memcmp(request.eth.ether_shost, gateway_mac, 6) == 0, "its MAC");
	// The port's own address, not a VIP.
	SL_TEST_INT(memcmp(request.arp.arp_spa, &(sl_be32){ip4("192.0.2.1")}, 4), 0);
	RTE_TEST_ASSERT(!lab_neigh(h, LAN, "192.0.2.9") || !lab_neigh(h, LAN, "192.0.2.9")->usable,
		"usable too early");
	t0 = lab_now_us();
	if (answer(fd, &request, remote_mac) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(lab_wait(h, SL_HOST_NEIGHS, 10000), SL_HOST_NEIGHS);
	printf("# usable %llu us after the answer\n", (unsigned long long)(lab_now_us() - t0));
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9")->usable, "usable");
	SL_TEST_INT(memcmp(&lab_neigh(h, LAN, "192.0.2.9")->mac, remote_mac, 6), 0);

	// Asked again it stays as it is.
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:99 REACHABLE ");
	SL_TEST_INT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.9")), 0);
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.9"),
		"192.0.2.9 dev lan lladdr 02:00:00:00:00:99 REACHABLE ");
	SL_TEST_INT(sl_host_poll(h), 0);
	SL_TEST_INT(sl_host_neigh_ask(h, 99, ip4("192.0.2.9")), -ENODEV);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_arp_failed(void)
{
	struct arp_frame request;
	struct sl_host *h;
	int fd;

	START(&h, &fd);
	RTE_TEST_ASSERT(sh("echo 20 >/proc/sys/net/ipv4/neigh/lan/retrans_time_ms"), "sysctl");
	SL_TEST_INT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.9")), 0);
	SL_TEST_INT(lab_wait(h, SL_HOST_NEIGHS, 10000), SL_HOST_NEIGHS);
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9")->failed, "failed");
	RTE_TEST_ASSERT(!lab_neigh(h, LAN, "192.0.2.9")->usable, "and usable");
	// Tried again, and there this time: the three requests of the first round come before.
	for (int i = 0; i < 3; i++) {
		if (next_request(fd, "192.0.2.9", &request) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	SL_TEST_INT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.9")), 0);
	if (next_request(fd, "192.0.2.9", &request) != TEST_SUCCESS ||
		answer(fd, &request, remote_mac) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(lab_wait(h, SL_HOST_NEIGHS, 10000), SL_HOST_NEIGHS);
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.9")->usable, "usable");
	RTE_TEST_ASSERT(!lab_neigh(h, LAN, "192.0.2.9")->failed, "and failed");
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_refresh(void)
{
	const sl_be32 addrs[] = {ip4("192.0.2.9"), ip4("192.0.2.8"), ip4("192.0.2.7")};
	const uint8_t moved[6] = {2, 0, 0, 0, 0, 0x55};
	struct arp_frame request;
	struct sl_host *h;
	int fd;

	START(&h, &fd);
	RTE_TEST_ASSERT(
		sh("echo 0 >/proc/sys/net/ipv4/neigh/lan/delay_first_probe_time && "
		   "echo 0 >/proc/sys/net/ipv4/neigh/lan/locktime && "
		   "echo 50 >/proc/sys/net/ipv4/neigh/lan/retrans_time_ms && "
		   "echo 40 >/proc/sys/net/ipv4/neigh/lan/ucast_solicit && "
		   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan nud reachable && "
		   "ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:88 dev lan nud stale && "
		   "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:77 dev lan"),
		"ip");
	// Reachable and permanent ones cost nothing; the stale one is asked for, by unicast, as it
	// is.
	SL_TEST_INT(sl_host_neigh_refresh(h, LAN, addrs, 3), 1);
	RTE_TEST_ASSERT(lab_neigh(h, LAN, "192.0.2.8")->usable, "usable while it is probed");
	if (next_request(fd, "192.0.2.8", &request) != TEST_SUCCESS)
		return TEST_FAILED;
	SL_TEST_INT(request.eth.ether_dhost[5], 0x88);
	// It answers from another MAC, and the change is seen. The kernel believes another MAC only
	// some time after the last (locktime, in whole ticks), so the first probe's answer may not
	// do.
	sl_host_poll(h);
	for (int i = 0; i < 40; i++) {
		if (answer(fd, &request, moved) != TEST_SUCCESS)
			return TEST_FAILED;
		if (lab_wait(h, SL_HOST_NEIGHS, 10) == SL_HOST_NEIGHS)
			break;
		if (next_request(fd, "192.0.2.8", &request) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	SL_TEST_INT(memcmp(&lab_neigh(h, LAN, "192.0.2.8")->mac, moved, 6), 0);
	sl_host_free(h);
	return TEST_SUCCESS;
}

int
frames_permanent_asked(void)
{
	struct sl_host *h;
	int fd;

	START(&h, &fd);
	RTE_TEST_ASSERT(sh("ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:77 dev lan"), "ip");
	SL_TEST_INT(sl_host_neigh_ask(h, LAN, ip4("192.0.2.7")), 0);
	SL_TEST_STR(sh_line("ip neigh show 192.0.2.7"),
		"192.0.2.7 dev lan lladdr 02:00:00:00:00:77 PERMANENT ");
	sl_host_free(h);
	return TEST_SUCCESS;
}

// RFC 1071, over bytes in network order.
static uint16_t
checksum(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)b[i] << 8 | (i + 1 < len ? b[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static struct ping_frame
ping(const char *from, const char *to)
{
	struct ping_frame f = {
		.eth = {.ether_type = htons(ETHERTYPE_IP)},
		.ip = {.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(f) - sizeof(f.eth)),
			.ttl = 64,
			.protocol = IPPROTO_ICMP,
			.saddr = ip4(from),
			.daddr = ip4(to)},
		.icmp = {.type = ICMP_ECHO, .un.echo = {.id = htons(7), .sequence = htons(1)}},
	};

	memcpy(f.eth.ether_dhost, gateway_mac, 6);
	memcpy(f.eth.ether_shost, remote_mac, 6);
	memset(f.data, 0xa5, sizeof(f.data));
	f.ip.check = htons(checksum(&f.ip, sizeof(f.ip)));
	f.icmp.checksum = htons(checksum(&f.icmp, sizeof(f.icmp) + sizeof(f.data)));
	return f;
}

// Answered for the port's address and for a host address alike.
int
frames_ping(void)
{
	static const char *const to[] = {"192.0.2.1", "192.0.2.10"};
	struct ping_frame reply;
	struct sl_host *h;
	int fd;

	START(&h, &fd);
	RTE_TEST_ASSERT(sh("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev lan"), "ip");
	for (size_t i = 0; i < 2; i++) {
		const struct ping_frame f = ping("192.0.2.9", to[i]);
		uint8_t buf[2048];

		SL_TEST_INT(write(fd, &f, sizeof(f)), sizeof(f));
		SL_TEST_INT(next_frame(fd, buf, sizeof(buf), 10000), sizeof(reply));
		memcpy(&reply, buf, sizeof(reply));
		SL_TEST_INT(reply.icmp.type, ICMP_ECHOREPLY);
		SL_TEST_INT(reply.ip.saddr, ip4(to[i]));
		SL_TEST_INT(reply.ip.daddr, ip4("192.0.2.9"));
		SL_TEST_INT(memcmp(reply.eth.ether_dhost, remote_mac, 6), 0);
		SL_TEST_INT(memcmp(reply.data, f.data, sizeof(f.data)), 0);
		SL_TEST_INT(checksum(&reply.ip, sizeof(reply.ip)), 0);
		SL_TEST_INT(checksum(&reply.icmp, sizeof(reply.icmp) + sizeof(reply.data)), 0);
	}
	sl_host_free(h);
	return TEST_SUCCESS;
}

// In by one mirror, out by another, as the routes have it; strict filtering of `all`
// notwithstanding.
int
frames_asymmetric(void)
{
	const struct ping_frame f = ping("203.0.113.9", "192.0.2.10");
	struct ping_frame reply = {0};
	struct sl_host *h;
	int lan, wan;

	LAB();
	RTE_TEST_ASSERT(sh("echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter"), "sysctl");
	h = lab_host(true);
	RTE_TEST_ASSERT_NOT_NULL(h, "host");
	lan = sl_host_mirror_fd(h, LAN);
	wan = sl_host_mirror_fd(h, WAN);
	SL_TEST_INT(lab_apply(h, LAN, "addr 192.0.2.1/24, host 192.0.2.10"), 0);
	SL_TEST_INT(lab_apply(h, WAN,
			    "addr 198.51.100.1/24, route 0.0.0.0/0 via 198.51.100.9, "
			    "neigh 198.51.100.9 02:00:00:00:00:99"),
		0);
	SL_TEST_INT(write(lan, &f, sizeof(f)), sizeof(f));
	SL_TEST_INT(next_frame(wan, &reply, sizeof(reply), 10000), sizeof(reply));
	SL_TEST_INT(reply.icmp.type, ICMP_ECHOREPLY);
	SL_TEST_INT(reply.ip.daddr, ip4("203.0.113.9"));
	sl_host_free(h);
	return TEST_SUCCESS;
}
