// Device strings, arguments added to them, and what is said of a device that can't be taken.

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sl_device.h"
#include "sl_port.h"
#include "sl_test.h"
#include "sl_types.h"

static const struct {
	const char *text;
	const char *name; // NULL: an error, and driver is a part of its sentence
	const char *driver;
	const char *args;
	const char *iface;
} parse_rows[] = {
	{"0000:03:00.0", "0000:03:00.0", "", "", ""},
	{"03:00.1", "0000:03:00.1", "", "", ""},
	{"ABCD:e3:1f.7,dv_flow_en=0", "abcd:e3:1f.7", "", "dv_flow_en=0", ""},
	{"net_af_xdp0,iface=eth1", "net_af_xdp0", "net_af_xdp", "iface=eth1", "eth1"},
	{"net_af_packet12,iface=a,qpairs=2", "net_af_packet12", "net_af_packet", "iface=a,qpairs=2",
		"a"},
	{"net_tap0", "net_tap0", "net_tap", "", ""},
	{"net_tap1,iface=t", "net_tap1", "net_tap", "iface=t", "t"},
	{"net_memif0,role=server,socket=/run/x", "net_memif0", "net_memif",
		"role=server,socket=/run/x", ""},
	{"net_pcap0,rx_pcap=a,rx_pcap=b", "net_pcap0", "net_pcap", "rx_pcap=a,rx_pcap=b", ""},
	{"net_null", "net_null", "net_null", "", ""},
	{"net_ring0", "net_ring0", "net_ring", "", ""},
	{"net_virtio_user0,path=/s", "net_virtio_user0", "net_virtio_user", "path=/s", ""},
	{"", NULL, "no name", "", ""},
	{",iface=x", NULL, "no name", "", ""},
	{"eth0", NULL, "neither a PCI address", "", ""},
	{"net_afxdp0,iface=x", NULL, "did you mean \"net_af_xdp\"?", "", ""},
	{"net_af_xdp0", NULL, "needs iface=", "", ""},
	{"net_af_packet0,qpairs=1", NULL, "needs iface=", "", ""},
	{"net_af_xdp0,iface=an-interface-name-too-long", NULL, "longer than an interface", "", ""},
	{"0000:03:00", NULL, "neither a PCI address", "", ""},
	{"0000:03:00.0x", NULL, "neither a PCI address", "", ""},
};

static int
parse(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(parse_rows); i++) {
		struct sl_device dev;
		char *why = NULL;
		int rc = sl_device_parse(parse_rows[i].text, &dev, &why);

		printf("# \"%s\"\n", parse_rows[i].text);
		if (!parse_rows[i].name) {
			SL_TEST_INT(rc, -EINVAL);
			RTE_TEST_ASSERT(
				why && strstr(why, parse_rows[i].driver), "%s", why ? why : "?");
			free(why);
			continue;
		}
		RTE_TEST_ASSERT_SUCCESS(rc, "%s", why ? why : "?");
		SL_TEST_STR(dev.name, parse_rows[i].name);
		SL_TEST_STR(dev.driver, parse_rows[i].driver);
		SL_TEST_STR(dev.args, parse_rows[i].args);
		SL_TEST_STR(dev.iface, parse_rows[i].iface);
		SL_TEST_INT(dev.pci, dev.driver[0] == '\0');
	}
	return TEST_SUCCESS;
}

static const struct {
	const char *args;
	const char *extra;
	const char *result;
} add_rows[] = {
	{"", "a=1", "a=1"},
	{"iface=x", "", "iface=x"},
	{"iface=x", "a=1,b=2", "iface=x,a=1,b=2"},
	{"a=9,iface=x", "a=1,b=2", "a=9,iface=x,b=2"},
	{"aa=9", "a=1", "aa=9,a=1"},
	{"a", "a=1", "a"},
	{"x=1", "a=1,,b=2,", "x=1,a=1,b=2"},
};

static int
add_args(void)
{
	struct sl_device dev = {0};
	char extra[600];

	for (size_t i = 0; i < SL_ARRAY_LEN(add_rows); i++) {
		strcpy(dev.args, add_rows[i].args);
		SL_TEST_INT(sl_device_add_args(&dev, add_rows[i].extra), 0);
		SL_TEST_STR(dev.args, add_rows[i].result);
	}
	memset(extra, 'a', sizeof(extra) - 1);
	extra[sizeof(extra) - 1] = '\0';
	SL_TEST_INT(sl_device_add_args(&dev, extra), -E2BIG);
	return TEST_SUCCESS;
}

// A sysfs of our own: one device with vfio-pci, one with a kernel driver, one without any.
static int
check_one(const char *sysfs, const char *text, int rc, const char *part)
{
	struct sl_device dev;
	char *why = NULL;

	SL_TEST_INT(sl_device_parse(text, &dev, &why), 0);
	SL_TEST_INT(sl_device_check(&dev, sysfs, &why), rc);
	if (rc < 0)
		RTE_TEST_ASSERT(why && strstr(why, part), "why is \"%s\"", why ? why : "");
	free(why);
	return TEST_SUCCESS;
}

static int
check(void)
{
	char dir[] = "/tmp/sl-sysfs-XXXXXX";
	char command[600];

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "mkdtemp");
	snprintf(command, sizeof(command),
		"cd %s && d=bus/pci/devices && mkdir -p $d/0000:01:00.0 $d/0000:02:00.0 "
		"$d/0000:03:00.0 $d/0000:04:00.0 && "
		"ln -s ../../../../bus/pci/drivers/vfio-pci $d/0000:01:00.0/driver && "
		"ln -s ../../../../bus/pci/drivers/ixgbe $d/0000:02:00.0/driver && "
		"ln -s ../../../../bus/pci/drivers/mlx5_core $d/0000:04:00.0/driver",
		dir);
	RTE_TEST_ASSERT_SUCCESS(system(command), "sysfs");
	RTE_TEST_ASSERT_SUCCESS(check_one(dir, "01:00.0", 0, ""), "vfio");
	RTE_TEST_ASSERT_SUCCESS(check_one(dir, "04:00.0", 0, ""), "bifurcated");
	RTE_TEST_ASSERT_SUCCESS(
		check_one(dir, "02:00.0", -EBUSY, "driverctl set-override 0000:02:00.0 vfio-pci"),
		"kernel driver");
	RTE_TEST_ASSERT_SUCCESS(
		check_one(dir, "02:00.0", -EBUSY, "bound to the kernel driver ixgbe"), "its name");
	RTE_TEST_ASSERT_SUCCESS(
		check_one(dir, "03:00.0", -EBUSY, "bound to no driver"), "no driver");
	RTE_TEST_ASSERT_SUCCESS(
		check_one(dir, "05:00.0", -ENODEV, "no PCI device 0000:05:00.0"), "no device");
	RTE_TEST_ASSERT_SUCCESS(check_one(dir, "net_af_xdp0,iface=sl-nowhere", -ENODEV,
					"there is no interface \"sl-nowhere\""),
		"no interface");
	RTE_TEST_ASSERT_SUCCESS(check_one(dir, "net_tap0,iface=sl-nowhere", 0, ""), "tap makes it");
	snprintf(command, sizeof(command), "rm -r %s", dir);
	RTE_TEST_ASSERT_SUCCESS(system(command), "rm");
	return TEST_SUCCESS;
}

static int
memory(void)
{
	const struct sl_port_memory none = {0};
	const struct sl_port_memory some = {
		.n_mbufs = 16384, .data_room = 2176, .ports = 2, .queues = 2, .descriptors = 1024};
	struct sl_port_memory more = some;

	// 16384 buffers of 2176 + 128 bytes are 36 MiB before anything else.
	SL_TEST_INT(sl_port_memory_needed(&none), 16);
	SL_TEST_INT(sl_port_memory_needed(&some) >= 16 + 36 + 36 / 8, 1);
	SL_TEST_INT(sl_port_memory_needed(&some) < 80, 1);
	more.other_bytes = UINT64_C(8) << 30;
	SL_TEST_INT(sl_port_memory_needed(&more) - sl_port_memory_needed(&some) >= 9 * 1024, 1);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"parse", parse},
		{"add arguments", add_args},
		{"check", check},
		{"memory needed", memory},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
