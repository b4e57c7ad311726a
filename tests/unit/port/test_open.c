// Ports on virtual devices that need no privilege: opened, started, frames through them, closed.
// EAL runs once for the whole table, without hugepages; where it can't start the tests are skipped.

#include <errno.h>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sl_port.h"
#include "sl_test.h"

#define N_FRAMES 5

static struct rte_mempool *pool;
static char log_path[64];

static struct sl_port *
open_port(const char *device, uint32_t queues, const struct sl_mac *mac, uint32_t mtu)
{
	const struct sl_port_cfg cfg = {.name = "t",
		.device = device,
		.profile_dir = NIC_DIR,
		.queues_wanted = queues,
		.mac = mac,
		.mtu = mtu,
		.pool = pool};
	char *why = NULL;
	struct sl_port *p = sl_port_open(&cfg, NULL, &why);

	if (p && sl_port_start(p, &why) < 0) {
		sl_port_close(p);
		p = NULL;
	}
	if (!p)
		printf("# %s: %s\n", device, why ? why : "?");
	free(why);
	return p;
}

static int
null_port(void)
{
	struct sl_port *p = open_port("net_null0,size=60", 2, NULL, 0);
	const unsigned before = rte_mempool_avail_count(pool);
	struct rte_mbuf *burst[32];
	struct rte_eth_stats stats;
	struct sl_port_info info;
	uint16_t n;

	RTE_TEST_ASSERT_NOT_NULL(p, "open");
	sl_port_info(p, &info);
	SL_TEST_STR(info.driver, "net_null");
	SL_TEST_STR(info.profile, "net_null");
	SL_TEST_STR(info.netdev, "");
	SL_TEST_STR(info.missing, "");
	SL_TEST_INT(info.rx_queues, 2);
	SL_TEST_INT(info.tx_queues, 2);
	SL_TEST_INT(info.mtu, 1500);
	SL_TEST_INT(info.link_up, true);
	SL_TEST_INT(sl_port_link_up(p), true);
	n = rte_eth_rx_burst(sl_port_id(p), 1, burst, 32);
	SL_TEST_INT(n, 32);
	SL_TEST_INT(burst[0]->pkt_len, 60);
	SL_TEST_INT(rte_eth_tx_burst(sl_port_id(p), 0, burst, n), 32);
	SL_TEST_INT(sl_port_stats(p, &stats), 0);
	SL_TEST_INT(stats.ipackets, 32);
	SL_TEST_INT(stats.opackets, 32);
	sl_port_stop(p);
	SL_TEST_INT(sl_port_link_up(p), false);
	sl_port_close(p);
	SL_TEST_INT(rte_mempool_avail_count(pool), before);
	return TEST_SUCCESS;
}

// A device with RSS gets the node's key and a table by worker, and says so when it is asked.
// (net_null keeps both and has no frames to hash.)
static int
rss(void)
{
	static uint8_t key[SL_PORT_RSS_KEY];
	const struct sl_port_cfg cfg = {.name = "t",
		.device = "net_null5",
		.profile = "default",
		.profile_dir = NIC_DIR,
		.queues_wanted = 3,
		.rss_key = key,
		.pool = pool};
	struct rte_eth_rss_reta_entry64 reta[2] = {{.mask = UINT64_MAX}, {.mask = UINT64_MAX}};
	uint8_t now[SL_PORT_RSS_KEY];
	struct rte_eth_rss_conf conf = {.rss_key = now, .rss_key_len = 40};
	struct sl_port_info info;
	char *why = NULL;
	struct sl_port *p;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 37 + 11);
	p = sl_port_open(&cfg, NULL, &why);
	RTE_TEST_ASSERT_NOT_NULL(p, "%s", why);
	sl_port_info(p, &info);
	RTE_TEST_ASSERT_NULL(info.no_rss, "%s", info.no_rss);
	SL_TEST_INT(info.reta_size, 128);
	RTE_TEST_ASSERT_SUCCESS(sl_port_start(p, &why), "%s", why);
	RTE_TEST_ASSERT_SUCCESS(sl_port_rss_steer(p, 64, 3, &why), "%s", why);
	SL_TEST_INT(rte_eth_dev_rss_hash_conf_get(sl_port_id(p), &conf), 0);
	RTE_TEST_ASSERT(memcmp(now, key, 40) == 0, "another key");
	SL_TEST_INT(rte_eth_dev_rss_reta_query(sl_port_id(p), reta, 128), 0);
	for (unsigned i = 0; i < 128; i++)
		SL_TEST_INT(reta[i / 64].reta[i % 64], i % 64 % 3);
	sl_port_close(p);
	return TEST_SUCCESS;
}

// A ring port gives back what was sent: content, order and count.
static int
ring_port(void)
{
	struct sl_port *p = open_port("net_ring0", 1, NULL, 0);
	struct rte_mbuf *out[N_FRAMES], *in[32];
	struct sl_port_info info;
	uint16_t n;

	RTE_TEST_ASSERT_NOT_NULL(p, "open");
	sl_port_info(p, &info);
	SL_TEST_STR(info.missing, "");
	for (int i = 0; i < N_FRAMES; i++) {
		out[i] = rte_pktmbuf_alloc(pool);
		memset(rte_pktmbuf_append(out[i], 60), i, 60);
	}
	SL_TEST_INT(rte_eth_tx_burst(sl_port_id(p), 0, out, N_FRAMES), N_FRAMES);
	n = rte_eth_rx_burst(sl_port_id(p), 0, in, 32);
	SL_TEST_INT(n, N_FRAMES);
	for (uint16_t i = 0; i < n; i++) {
		SL_TEST_INT(rte_pktmbuf_mtod(in[i], uint8_t *)[59], i);
		rte_pktmbuf_free(in[i]);
	}
	sl_port_close(p);
	return TEST_SUCCESS;
}

// A pcap of N_FRAMES frames of 64 bytes, by hand: the file format of pcap-savefile(5).
static int
write_pcap(const char *path)
{
	const uint32_t file[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	const uint32_t head[4] = {0, 0, 64, 64};
	uint8_t frame[64];
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fwrite(file, sizeof(file), 1, f);
	for (int i = 0; i < N_FRAMES; i++) {
		memset(frame, i, sizeof(frame));
		fwrite(head, sizeof(head), 1, f);
		fwrite(frame, sizeof(frame), 1, f);
	}
	return fclose(f);
}

static int
pcap_port(void)
{
	const struct sl_mac mac = {{2, 0, 0, 0, 0, 9}};
	char in[] = "/tmp/sl-port-in-XXXXXX", device[128];
	struct rte_mbuf *burst[32];
	struct sl_port_info info;
	struct sl_port *p;
	struct stat st;
	uint16_t n;

	close(mkstemp(in));
	RTE_TEST_ASSERT_SUCCESS(write_pcap(in), "%s", in);
	snprintf(device, sizeof(device), "net_pcap0,rx_pcap=%s,tx_pcap=%s.out", in, in);
	p = open_port(device, 2, &mac, 0);
	RTE_TEST_ASSERT_NOT_NULL(p, "open");
	sl_port_info(p, &info);
	SL_TEST_INT(info.rx_queues, 1);
	RTE_TEST_ASSERT(memcmp(&info.mac, &mac, 6) == 0, "the MAC that was asked for");
	RTE_TEST_ASSERT(strstr(info.missing, "1 of 2 wanted RX queues"), "%s", info.missing);
	RTE_TEST_ASSERT(strstr(info.missing, "MAC not settable"), "%s", info.missing);
	n = rte_eth_rx_burst(sl_port_id(p), 0, burst, 32);
	SL_TEST_INT(n, N_FRAMES);
	SL_TEST_INT(rte_pktmbuf_mtod(burst[4], uint8_t *)[0], 4);
	SL_TEST_INT(rte_eth_tx_burst(sl_port_id(p), 0, burst, n), N_FRAMES);
	sl_port_close(p);
	snprintf(device, sizeof(device), "%s.out", in);
	RTE_TEST_ASSERT_SUCCESS(stat(device, &st), "%s", device);
	SL_TEST_INT(st.st_size, 24 + N_FRAMES * (16 + 64));
	unlink(in);
	unlink(device);
	return TEST_SUCCESS;
}

// What can't be opened says why, and leaves nothing that a second try would stumble over.
static int
refused(void)
{
	static const struct {
		const char *device, *profile, *part;
	} rows[] = {
		{"net_af_xdp0,iface=sl-nowhere", NULL, "there is no interface \"sl-nowhere\""},
		{"net_pcap0,rx_pcap=/nowhere.pcap", NULL, "the driver refuses device"},
		{"net_null0", "nowhere", "nowhere.yaml"},
		{"net_nul0", NULL, "did you mean \"net_null\"?"},
		{"ffff:ff:1f.7", NULL, "no PCI device"},
	};

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
			const struct sl_port_cfg cfg = {.name = "t",
				.device = rows[i].device,
				.profile = rows[i].profile,
				.profile_dir = NIC_DIR,
				.pool = pool};
			char *why = NULL;

			RTE_TEST_ASSERT_NULL(sl_port_open(&cfg, NULL, &why), "%s", rows[i].device);
			RTE_TEST_ASSERT(
				why && strstr(why, rows[i].part), "why is \"%s\"", why ? why : "");
			free(why);
		}
	return TEST_SUCCESS;
}

static int
twice(void)
{
	struct sl_port *p = open_port("net_null3", 1, NULL, 0);

	RTE_TEST_ASSERT_NOT_NULL(p, "open");
	RTE_TEST_ASSERT_NULL(open_port("net_null3", 1, NULL, 0), "the same device twice");
	sl_port_close(p);
	p = open_port("net_null3", 1, NULL, 0);
	RTE_TEST_ASSERT_NOT_NULL(p, "open again after close");
	sl_port_close(p);
	return TEST_SUCCESS;
}

static int
large_mtu(void)
{
	struct sl_port *p = open_port("net_null4", 1, NULL, 9000);
	struct sl_port_info info;

	RTE_TEST_ASSERT_NOT_NULL(p, "open");
	sl_port_info(p, &info);
	// 2048 bytes of room less Ethernet header, VLAN tag and FCS.
	SL_TEST_INT(info.mtu, 2026);
	RTE_TEST_ASSERT(strstr(info.missing, "MTU 2026 instead of 9000"), "%s", info.missing);
	sl_port_close(p);
	return TEST_SUCCESS;
}

static int
pool_too_large(void)
{
	char *why = NULL;

	RTE_TEST_ASSERT_NULL(sl_port_pool_new("huge", 10000000, 2176, &why), "from 64 MiB");
	RTE_TEST_ASSERT(why && strstr(why, "10000000 packet buffers"), "%s", why ? why : "");
	free(why);
	return TEST_SUCCESS;
}

// EAL's lines came through our log, and its run folder is gone.
static int
traces(void)
{
	static char text[65536];
	const int fd = open(log_path, O_RDONLY);
	const ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	RTE_TEST_ASSERT(n > 0 && strstr(text, " eal: EAL: Detected"), "log: %s", text);
	RTE_TEST_ASSERT(access(rte_eal_get_runtime_dir(), F_OK) != 0, "%s is still there",
		rte_eal_get_runtime_dir());
	return TEST_SUCCESS;
}

static int
first_core(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			return i;
	return 0;
}

static int
start(struct sl_log *log)
{
	const unsigned core = (unsigned)first_core();
	const struct sl_port_memory need = {.n_mbufs = 8191,
		.data_room = RTE_MBUF_DEFAULT_BUF_SIZE,
		.ports = 2,
		.queues = 2,
		.descriptors = 1024};
	const char *devices[] = {"net_null0"};
	const struct sl_port_eal_cfg cfg = {.name = "sl-test-open",
		.worker_cores = &core,
		.n_workers = 1,
		.control_core = core,
		.memory_mb = sl_port_memory_needed(&need),
		.memory = 2,
		.devices = devices,
		.n_devices = 1};
	struct sl_port_eal_info info;
	char *why = NULL;
	int fd;

	strcpy(log_path, "/tmp/sl-port-log-XXXXXX");
	fd = mkstemp(log_path);
	sl_log_init(log, fd, SL_LOG_TEXT, SL_LOG_INFO);
	if (sl_port_eal_init(&cfg, log, &info, &why) < 0) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	printf("# %s\n", info.memory);
	// The arithmetic of sl_port_memory_needed() is put to the test: this must fit.
	pool = sl_port_pool_new("frames", need.n_mbufs, need.data_room, &why);
	if (!pool)
		printf("Bail out! %s\n", why);
	return pool ? 1 : -1;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"null", null_port},
		{"RSS", rss},
		{"ring", ring_port},
		{"pcap", pcap_port},
		{"refused", refused},
		{"twice", twice},
		{"large MTU", large_mtu},
		{"pool too large", pool_too_large},
		{"traces", traces},
	};
	struct sl_log log;
	int rc = start(&log);

	if (rc == 1) {
		rc = sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
		rte_mempool_free(pool);
		sl_port_eal_fini();
	}
	if (!getenv("KEEP"))
		unlink(log_path);
	return rc < 0 ? EXIT_FAILURE : rc;
}
