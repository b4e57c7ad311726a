// Ports over kernel netdevs, in a network namespace of this process's own; skipped without root.
//
//    [ port: slN-p ] ---- veth ---- slN-k <- packet socket of the test
//
// Frames go both ways through af_packet, af_xdp and tap; the kernel below stays silent. A veth pair
// for each AF_XDP test: the driver of 22.11 keeps a socket's queue until the process ends.

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <rte_cycles.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sl_netdev.h"
#include "sl_port.h"
#include "sl_quiet.h"
#include "sl_test.h"

#define N_FRAMES    20
#define FRAME_BYTES 200
#define ETHERTYPE   0x88b5 // IEEE 802 local experimental: the kernel has nothing to say to it

static struct rte_mempool *pool;

static struct sl_port *
open_port(const char *device, uint32_t queues, char **why)
{
	const struct sl_port_cfg cfg = {.name = "t",
		.device = device,
		.profile_dir = NIC_DIR,
		.queues_wanted = queues,
		.pool = pool};
	struct sl_port *p = sl_port_open(&cfg, NULL, why);

	if (p && sl_port_start(p, why) < 0) {
		sl_port_close(p);
		p = NULL;
	}
	return p;
}

static int
packet_socket(const char *ifname, uint16_t ethertype)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ethertype));
	const struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ethertype),
		.sll_ifindex = (int)if_nametoindex(ifname)};

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
fill(uint8_t *frame, uint8_t n)
{
	const uint8_t head[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};

	memset(frame, n, FRAME_BYTES);
	memcpy(frame, head, sizeof(head));
}

// Until n frames came or two seconds went by.
static int
receive_on_port(struct sl_port *p, int n)
{
	const uint64_t deadline = rte_get_timer_cycles() + 2 * rte_get_timer_hz();
	struct rte_mbuf *burst[32];
	int got = 0;

	while (got < n && rte_get_timer_cycles() < deadline) {
		struct sl_port_info info;
		uint16_t k = 0;

		sl_port_info(p, &info);
		for (uint16_t q = 0; k == 0 && q < info.rx_queues; q++)
			k = rte_eth_rx_burst(sl_port_id(p), q, burst, 32);
		for (uint16_t i = 0; i < k; i++) {
			const uint8_t *f = rte_pktmbuf_mtod(burst[i], const uint8_t *);

			got += burst[i]->pkt_len == FRAME_BYTES && f[12] == 0x88 &&
			       f[FRAME_BYTES - 1] == got;
			rte_pktmbuf_free(burst[i]);
		}
	}
	return got;
}

static int
receive_on_socket(int fd, int n)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t frame[2048];
	int got = 0;

	while (got < n && poll(&pfd, 1, 2000) == 1) {
		const ssize_t len = recv(fd, frame, sizeof(frame), 0);

		got += len == FRAME_BYTES && frame[FRAME_BYTES - 1] == got;
	}
	return got;
}

static int
both_ways(struct sl_port *p, const char *peer)
{
	const int fd = packet_socket(peer, ETHERTYPE);
	struct rte_mbuf *out[N_FRAMES];
	uint8_t frame[FRAME_BYTES];
	int got;

	RTE_TEST_ASSERT(fd >= 0, "packet socket");
	for (int i = 0; i < N_FRAMES; i++) {
		fill(frame, (uint8_t)i);
		SL_TEST_INT(send(fd, frame, sizeof(frame), 0), FRAME_BYTES);
	}
	SL_TEST_INT(receive_on_port(p, N_FRAMES), N_FRAMES);
	for (int i = 0; i < N_FRAMES; i++) {
		out[i] = rte_pktmbuf_alloc(pool);
		RTE_TEST_ASSERT_NOT_NULL(out[i], "buffer");
		out[i]->data_len = out[i]->pkt_len = FRAME_BYTES;
		fill(rte_pktmbuf_mtod(out[i], uint8_t *), (uint8_t)i);
	}
	SL_TEST_INT(rte_eth_tx_burst(sl_port_id(p), 0, out, N_FRAMES), N_FRAMES);
	got = receive_on_socket(fd, N_FRAMES);
	close(fd);
	SL_TEST_INT(got, N_FRAMES);
	return TEST_SUCCESS;
}

static int
traffic(const char *device, const char *driver, const char *netdev, const char *peer)
{
	char *why = NULL;
	struct sl_port *p = open_port(device, 1, &why);
	struct sl_port_info info;
	int rc;

	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	sl_port_info(p, &info);
	SL_TEST_STR(info.driver, driver);
	SL_TEST_STR(info.profile, driver);
	SL_TEST_STR(info.netdev, netdev);
	SL_TEST_INT(info.mtu, 1500);
	printf("# missing: %s\n", info.missing);
	rc = both_ways(p, peer);
	sl_port_close(p);
	return rc;
}

static int
af_packet(void)
{
	return traffic("net_af_packet0,iface=sl1-p", "net_af_packet", "sl1-p", "sl1-k");
}

static int
af_xdp(void)
{
	return traffic("net_af_xdp0,iface=sl2-p", "net_af_xdp", "sl2-p", "sl2-k");
}

static int
tap(void)
{
	return traffic("net_tap0,iface=sl-tap", "net_tap", "sl-tap", "sl-tap");
}

// The first run left neither socket nor rule.
static int
again(void)
{
	return af_packet() == TEST_SUCCESS && tap() == TEST_SUCCESS ? TEST_SUCCESS : TEST_FAILED;
}

// The queue of a running port is refused to a second socket, and the port goes on.
static int
xdp_in_use(void)
{
	char *why = NULL;
	struct sl_port *p = open_port("net_af_xdp0,iface=sl3-p", 1, &why);
	int rc;

	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	SL_TEST_INT(sl_netdev_xdp_free("sl3-p", 0, &why), -EBUSY);
	RTE_TEST_ASSERT(strstr(why, "is polled by another AF_XDP program"), "%s", why);
	free(why);
	RTE_TEST_ASSERT_NULL(open_port("net_af_xdp1,iface=sl3-p", 1, &why), "taken twice");
	free(why);
	rc = both_ways(p, "sl3-k");
	sl_port_close(p);
	return rc;
}

// Does the kernel answer an ARP request for the address of sl1-p?
static int
kernel_answers(const char *peer)
{
	static const uint8_t request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 8,
		6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0,
		2, 1};
	const int fd = packet_socket(peer, ETH_P_ARP);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t answer[64];
	int answers = 0;

	if (fd < 0 || send(fd, request, sizeof(request), 0) != sizeof(request))
		return -1;
	while (poll(&pfd, 1, 300) == 1)
		answers += recv(fd, answer, sizeof(answer), 0) >= 42 && answer[21] == 2;
	close(fd);
	return answers;
}

// It answers before and after, and not while a port has the netdev.
static int
quiet_while_open(const char *device, const char *peer)
{
	char *why = NULL;
	struct sl_port *p;

	SL_TEST_INT(kernel_answers(peer), 1);
	p = open_port(device, 1, &why);
	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	SL_TEST_INT(kernel_answers(peer), 0);
	sl_port_close(p);
	SL_TEST_INT(kernel_answers(peer), 1);
	return TEST_SUCCESS;
}

static int
quiet_packet(void)
{
	return quiet_while_open("net_af_packet0,iface=sl1-p", "sl1-k");
}

static int
quiet_xdp(void)
{
	return quiet_while_open("net_af_xdp0,iface=sl4-p", "sl4-k");
}

// The table has one owner and goes with it.
static int
quiet_owner(void)
{
	const int fd = sl_quiet_on("sl1-p");
	const int second = sl_quiet_on("sl1-p");

	RTE_TEST_ASSERT(fd >= 0, "%s", strerror(-fd));
	RTE_TEST_ASSERT(second < 0, "a second owner");
	SL_TEST_INT(kernel_answers("sl1-k"), 0);
	sl_quiet_off(fd);
	SL_TEST_INT(kernel_answers("sl1-k"), 1);
	return TEST_SUCCESS;
}

// r0 = XDP_PASS; exit
static int
attach_pass(const char *ifname)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)code,
		.insn_cnt = SL_ARRAY_LEN(code),
		.license = (uintptr_t) "BSD",
		.prog_name = "sl_test_pass"};
	const int prog = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	union bpf_attr link = {.link_create = {
				       .prog_fd = (uint32_t)prog,
				       .target_ifindex = if_nametoindex(ifname),
				       .attach_type = BPF_XDP,
			       }};

	if (prog < 0)
		return -errno;
	// The link's fd stays open: the program goes with the process.
	return syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)) < 0 ? -errno : 0;
}

// A program that is not libxdp's is named, and left alone.
static int
foreign_program(void)
{
	char *why = NULL;

	SL_TEST_INT(attach_pass("sl5-p"), 0);
	RTE_TEST_ASSERT_NULL(open_port("net_af_xdp5,iface=sl5-p", 1, &why), "opened");
	RTE_TEST_ASSERT(strstr(why, "the XDP program \"sl_test_pass\""), "%s", why);
	free(why);
	return TEST_SUCCESS;
}

static int
two_queues(void)
{
	char *why = NULL;
	struct sl_port *p = open_port("net_af_packet0,iface=sl1-p", 2, &why);
	struct sl_port_info info;

	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	sl_port_info(p, &info);
	SL_TEST_INT(info.rx_queues, 2);
	SL_TEST_INT(info.tx_queues, 2);
	RTE_TEST_ASSERT_NULL(strstr(info.missing, "queues"), "%s", info.missing);
	RTE_TEST_ASSERT_NULL(strstr(info.missing, "address of its own"), "%s", info.missing);
	sl_port_close(p);
	return TEST_SUCCESS;
}

// The TAP driver tells the largest frame, not the largest MTU.
static int
tap_mtu(void)
{
	const struct sl_port_cfg cfg = {.name = "t",
		.device = "net_tap9,iface=sl-tap9",
		.profile_dir = NIC_DIR,
		.mtu = 9000,
		.queues_wanted = 1,
		.pool = pool};
	char *why = NULL;
	struct sl_port *p = sl_port_open(&cfg, NULL, &why);
	struct sl_port_info info;

	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	sl_port_info(p, &info);
	RTE_TEST_ASSERT(info.mtu >= 1500 && info.mtu < 1522, "MTU %u", info.mtu);
	RTE_TEST_ASSERT(strstr(info.missing, "instead of 9000: the limit of the device"), "%s",
		info.missing);
	sl_port_close(p);
	return TEST_SUCCESS;
}

static int
own_address(void)
{
	char *why = NULL;
	struct sl_port_info info;
	struct sl_port *p;

	SL_TEST_INT(system("ip address add 198.51.100.1/24 dev sl2-p"), 0);
	p = open_port("net_af_packet2,iface=sl2-p", 1, &why);
	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	sl_port_info(p, &info);
	RTE_TEST_ASSERT(
		strstr(info.missing, "sl2-p has an address of its own"), "%s", info.missing);
	sl_port_close(p);
	return TEST_SUCCESS;
}

// The kernel tells of a carrier a little later than of the other end.
static bool
link_becomes(struct sl_port *p, bool up)
{
	for (int i = 0; i < 200 && sl_port_link_up(p) != up; i++)
		poll(NULL, 0, 20);
	return sl_port_link_up(p) == up;
}

// A cable that is pulled, which the driver does not tell of.
static int
link_state(void)
{
	char *why = NULL;
	struct sl_port *p = open_port("net_af_packet0,iface=sl1-p", 1, &why);
	bool before, without, after;

	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	before = link_becomes(p, true);
	SL_TEST_INT(system("ip link set sl1-k down"), 0);
	without = link_becomes(p, false);
	SL_TEST_INT(system("ip link set sl1-k up"), 0);
	after = link_becomes(p, true);
	sl_port_close(p);
	RTE_TEST_ASSERT(before, "up at first");
	RTE_TEST_ASSERT(without, "down without the other end");
	RTE_TEST_ASSERT(after, "up again");
	SL_TEST_INT(sl_netdev_running("sl-nowhere"), false);
	return TEST_SUCCESS;
}

static int
facts(void)
{
	struct sl_netdev dev;

	SL_TEST_INT(sl_netdev_read("sl1-p", &dev), 0);
	SL_TEST_INT(dev.mtu, 1500);
	SL_TEST_INT(dev.is_veth, true);
	SL_TEST_INT(dev.rx_queues, 1);
	SL_TEST_INT(dev.ifindex, if_nametoindex("sl1-p"));
	SL_TEST_INT(sl_netdev_read("sl-nowhere", &dev), -ENODEV);
	return TEST_SUCCESS;
}

static int
start(struct sl_log *log)
{
	const unsigned core = (unsigned)sched_getcpu();
	const struct sl_port_memory need = {.n_mbufs = 16383,
		.data_room = RTE_MBUF_DEFAULT_BUF_SIZE,
		.ports = 2,
		.queues = 2,
		.descriptors = 2048};
	const char *devices[] = {"net_tap0"};
	const struct sl_port_eal_cfg cfg = {.name = "sl-test-netdev",
		.control_core = core,
		.memory_mb = sl_port_memory_needed(&need),
		.memory = 2,
		.devices = devices,
		.n_devices = 1};
	struct sl_port_eal_info info;
	char *why = NULL;

	sl_log_init(log, STDOUT_FILENO, SL_LOG_TEXT, SL_LOG_WARN);
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 ||
		system("set -e; ip link set lo up; for n in 1 2 3 4 5; do "
		       "ip link add sl$n-p type veth peer name sl$n-k; "
		       "ip link set sl$n-p up; ip link set sl$n-k up; done; "
		       "ip address add 192.0.2.1/24 dev lo") != 0 ||
		sl_port_eal_init(&cfg, log, &info, &why) < 0) {
		printf("1..0 # SKIP needs root, ip and namespaces: %s\n", why ? why : "");
		return 0;
	}
	pool = sl_port_pool_new("frames", need.n_mbufs, need.data_room, &why);
	if (!pool)
		printf("Bail out! %s\n", why);
	return pool ? 1 : -1;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"facts", facts},
		{"link state", link_state},
		{"af_packet", af_packet},
		{"af_xdp", af_xdp},
		{"tap", tap},
		{"tap, MTU", tap_mtu},
		{"again", again},
		{"two queues", two_queues},
		{"xdp queue in use", xdp_in_use},
		{"quiet below af_packet", quiet_packet},
		{"quiet below af_xdp", quiet_xdp},
		{"quiet has one owner", quiet_owner},
		{"a netdev with an address", own_address},
		{"foreign XDP program", foreign_program},
	};
	struct sl_log log;
	int rc = start(&log);

	if (rc == 1) {
		rc = sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
		rte_mempool_free(pool);
		sl_port_eal_fini();
	}
	return rc < 0 ? EXIT_FAILURE : rc;
}
