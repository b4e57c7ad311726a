// The netdev below an af_packet port: the kernel has to leave its traffic to Sluice.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_tests.h"
#include "lab.h"

// "under" is the netdev below the port, "far" the other end of its cable.
static const uint8_t far_mac[6] = {2, 0, 0, 0, 0, 0x99};

static int
start(struct sl_host **h, int *far)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	RTE_TEST_ASSERT(sh("ip link add under type veth peer name far && "
			   "echo 1 >/proc/sys/net/ipv6/conf/far/disable_ipv6 && "
			   "ip link set under up && ip link set far up"),
		"ip");
	*h = lab_host(false);
	RTE_TEST_ASSERT_NOT_NULL(*h, "host");
	SL_TEST_INT(lab_apply(*h, LAN,
			    "addr 192.0.2.1/24, host 192.0.2.10, route 0.0.0.0/0 via 192.0.2.9, "
			    "neigh 192.0.2.9 02:00:00:00:00:99"),
		0);
	*far = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex("far");
	SL_TEST_INT(bind(*far, (const struct sockaddr *)&at, sizeof(at)), 0);
	return TEST_SUCCESS;
}
#define START(h, far)                                                                              \
	do {                                                                                       \
		LAB();                                                                             \
		if (start(h, far) != TEST_SUCCESS)                                                 \
			return TEST_FAILED;                                                        \
	} while (0)

static int
send_arp(int far, const char *target)
{
	struct {
		struct ether_header eth;
		struct ether_arp arp;
	} __attribute__((packed)) f = {
		.eth = {.ether_type = htons(ETHERTYPE_ARP)},
		.arp = {.ea_hdr = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4,
				htons(ARPOP_REQUEST)}},
	};

	memset(f.eth.ether_dhost, 0xff, 6);
	memcpy(f.eth.ether_shost, far_mac, 6);
	memcpy(f.arp.arp_sha, far_mac, 6);
	memcpy(f.arp.arp_spa, &(sl_be32){ip4("192.0.2.9")}, 4);
	memcpy(f.arp.arp_tpa, &(sl_be32){ip4(target)}, 4);
	SL_TEST_INT(send(far, &f, sizeof(f), 0), sizeof(f));
	return TEST_SUCCESS;
}

static uint32_t
add16(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

// A SYN for the VIP, with `under`'s MAC: it is the port's MAC too.
static int
send_syn(int far)
{
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct tcphdr tcp;
	} __attribute__((packed)) f = {
		.eth = {.ether_type = htons(ETHERTYPE_IP)},
		.ip = {.version = 4,
			.ihl = 5,
			.tot_len = htons(40),
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = ip4("203.0.113.9"),
			.daddr = ip4("192.0.2.10")},
		.tcp = {.source = htons(1234), .dest = htons(80), .doff = 5, .syn = 1},
	};
	const char *mac = sh_line("ip -br link show under | grep -o '..:..:..:..:..:..'");
	struct sl_mac under;

	SL_TEST_INT(sl_mac_parse(mac, &under), 0);
	memcpy(f.eth.ether_dhost, &under, 6);
	memcpy(f.eth.ether_shost, far_mac, 6);
	f.ip.check = fold(add16(0, &f.ip, sizeof(f.ip)));
	f.tcp.check = fold(
		add16(add16(IPPROTO_TCP + sizeof(f.tcp), &f.ip.saddr, 8), &f.tcp, sizeof(f.tcp)));
	SL_TEST_INT(send(far, &f, sizeof(f), 0), sizeof(f));
	return TEST_SUCCESS;
}

// What the kernel sends out of `under` or, in answer, out of the mirror, within a while.
static bool
kernel_speaks(int far, int mirror)
{
	const uint64_t end = lab_now_us() + 200000;
	uint8_t buf[2048];

	for (;;) {
		struct pollfd p[] = {{far, POLLIN, 0}, {mirror, POLLIN, 0}};
		struct sockaddr_ll from = {0};
		socklen_t len = sizeof(from);
		const uint64_t now = lab_now_us();

		if (now >= end || poll(p, 2, (int)((end - now) / 1000) + 1) <= 0)
			return false;
		if (p[1].revents & POLLIN)
			return read(mirror, buf, sizeof(buf)) > 0;
		if (recvfrom(far, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) > 0 &&
			from.sll_pkttype != PACKET_OUTGOING) // what we sent comes back as well
			return true;
	}
}

static int
quiet(struct sl_host *h)
{
	char *why = NULL;
	const int rc = sl_host_quiet_netdev(h, "under", &why);

	if (rc < 0)
		printf("# %s\n", why);
	free(why);
	return rc;
}

int
quiet_answers_nothing(void)
{
	struct sl_host *h;
	int far, mirror;

	START(&h, &far);
	mirror = sl_host_mirror_fd(h, LAN);
	while (kernel_speaks(far, mirror)) // IPv6 of `under`, until it is quiet
		;
	// Without it the kernel answers both: the VIP is its own address, on whatever netdev.
	if (send_arp(far, "192.0.2.10") != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(kernel_speaks(far, mirror), "no ARP reply before: the test shows nothing");
	if (send_syn(far) != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(kernel_speaks(far, mirror), "no RST before: the test shows nothing");

	SL_TEST_INT(quiet(h), 0);
	while (kernel_speaks(far, mirror))
		;
	if (send_arp(far, "192.0.2.10") != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(!kernel_speaks(far, mirror), "ARP for the VIP is answered");
	if (send_arp(far, "192.0.2.1") != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(!kernel_speaks(far, mirror), "ARP for the mirror is answered");
	if (send_syn(far) != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(!kernel_speaks(far, mirror), "a SYN for the VIP is answered");
	close(far);
	sl_host_free(h);
	return TEST_SUCCESS;
}

#define VALUES                                                                                     \
	"cd /proc/sys/net && cat ipv4/conf/under/arp_ignore ipv4/conf/under/rp_filter "            \
	"ipv4/conf/under/forwarding ipv6/conf/under/disable_ipv6 | tr '\\n' ' '"

int
quiet_restores(void)
{
	struct sl_host *h;
	int far;

	START(&h, &far);
	RTE_TEST_ASSERT(sh("cd /proc/sys/net/ipv4/conf/under && echo 2 >rp_filter && "
			   "echo 1 >arp_ignore && echo 1 >forwarding"),
		"sysctl");
	SL_TEST_INT(quiet(h), 0);
	SL_TEST_STR(sh_line(VALUES), "8 1 0 1 ");
	SL_TEST_INT(quiet(h), 0); // twice is once
	// Somebody else's change since then stays.
	RTE_TEST_ASSERT(sh("echo 2 >/proc/sys/net/ipv4/conf/under/arp_ignore"), "sysctl");
	sl_host_free(h);
	SL_TEST_STR(sh_line(VALUES), "2 2 1 0 ");
	close(far);
	return TEST_SUCCESS;
}

int
quiet_addressed(void)
{
	struct sl_host *h;
	int far, mirror;

	START(&h, &far);
	RTE_TEST_ASSERT(sh("ip addr add 198.51.100.1/24 dev under"), "ip");
	SL_TEST_INT(quiet(h), 0);
	SL_TEST_STR(sh_line("cat /proc/sys/net/ipv4/conf/under/arp_ignore"), "1");
	mirror = sl_host_mirror_fd(h, LAN);
	while (kernel_speaks(far, mirror))
		;
	if (send_arp(far, "192.0.2.10") != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(!kernel_speaks(far, mirror), "ARP for the VIP is answered");
	if (send_arp(far, "198.51.100.1") != TEST_SUCCESS)
		return TEST_FAILED;
	RTE_TEST_ASSERT(kernel_speaks(far, mirror), "ARP for its own address is not");
	close(far);
	sl_host_free(h);
	return TEST_SUCCESS;
}

// `all` wins over the netdev: that is said, and the rest is done.
int
quiet_overridden(void)
{
	char said[512] = "";
	struct sl_host *h;
	struct sl_log log;
	char *why = NULL;
	int pipe_fds[2], far;

	START(&h, &far);
	SL_TEST_INT(sl_host_quiet_netdev(h, "nothing", &why), -ENODEV);
	free(why);
	SL_TEST_INT(sl_host_quiet_netdev(h, "../all", &why), -EINVAL);
	free(why);
	sl_host_free(h);

	SL_TEST_INT(pipe(pipe_fds), 0);
	sl_log_init(&log, pipe_fds[1], SL_LOG_TEXT, SL_LOG_INFO);
	h = sl_host_new(&log, &why);
	RTE_TEST_ASSERT_NOT_NULL(h, "%s", why);
	RTE_TEST_ASSERT(sh("echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter"), "sysctl");
	SL_TEST_INT(quiet(h), 0);
	RTE_TEST_ASSERT(read(pipe_fds[0], said, sizeof(said) - 1) > 0, "nothing is said");
	RTE_TEST_ASSERT(strstr(said, "net.ipv4.conf.all.rp_filter=2 overrides"), "said: %s", said);
	SL_TEST_STR(sh_line(VALUES), "8 1 0 1 ");
	sl_host_free(h);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(far);
	return TEST_SUCCESS;
}
