// The profile reader: what is read, every mistake with its place, and the files that are shipped.

#include <dirent.h>
#include <rte_ethdev.h>
#include <unistd.h>

#include "sl_buf.h"
#include "sl_profile.h"
#include "sl_test.h"

static const struct {
	const char *name;
	const char *text;
	const char *errors; // all diagnostics, one line each; "" when the profile is good
} rows[] = {
	{"smallest", "name: x\n", ""},
	{"comment and document start", "# c\n---\nname: x # y\n", ""},
	{"empty", "", "p:1:1: error: profile: name: missing\n"},
	{"no name", "maxQueues: 1\n", "p:1:1: error: profile: name: missing\n"},
	{"unknown key", "name: x\nmaxQueue: 4\n",
		"p:2:1: error: profile: unknown key \"maxQueue\", did you mean \"maxQueues\"?\n"},
	{"far from any key", "name: x\nzzzzzz: 4\n",
		"p:2:1: error: profile: unknown key \"zzzzzz\"\n"},
	{"unknown key with a tree below", "name: x\nabcxyz: {a: [1, {b: c}]}\nmaxMtu: 9000\n",
		"p:2:1: error: profile: unknown key \"abcxyz\"\n"},
	{"twice", "name: x\nmaxMtu: 1\nmaxMtu: 2\n",
		"p:3:1: error: profile: maxMtu: given twice\n"},
	{"not a number", "name: x\nmaxMtu: big\n",
		"p:2:9: error: profile: maxMtu: \"big\" is not a number from 0 to 65535\n"},
	{"negative", "name: x\nrxDescriptors: -1\n",
		"p:2:16: error: profile: rxDescriptors: \"-1\" is not a number from 0 to 32768\n"},
	{"too large", "name: x\nmaxQueues: 1025\n",
		"p:2:12: error: profile: maxQueues: \"1025\" is not a number from 0 to 1024\n"},
	{"not a boolean", "name: x\npromiscuous: yes\n",
		"p:2:14: error: profile: promiscuous: \"yes\" is neither true nor false\n"},
	{"scalar for a list", "name: x\nrss: ip\n",
		"p:2:6: error: profile: rss: expected a list: [a, b]\n"},
	{"list for a scalar", "name: [x]\n",
		"p:1:7: error: profile: name: expected a single value\n"},
	{"mapping in a list", "name: x\nrss: [ip, {a: b}, tcpp]\n",
		"p:2:11: error: profile: rss: expected a list of words\n"
		"p:2:19: error: profile: rss: unknown word \"tcpp\", did you mean \"tcp\"?\n"},
	{"segmentation offload has no name", "name: x\ntxOffloads: [tcp-tso]\n",
		"p:2:14: error: profile: txOffloads: unknown word \"tcp-tso\"\n"},
	{"quirk", "name: x\nquirks:\n  - single-segments\n",
		"p:3:5: error: profile: quirks: unknown word \"single-segments\", did you mean "
		"\"single-segment\"?\n"},
	{"several mistakes", "nam: x\nmaxMtu: z\nrss: 1\n",
		"p:1:1: error: profile: unknown key \"nam\", did you mean \"name\"?\n"
		"p:1:1: error: profile: name: missing\n"
		"p:2:9: error: profile: maxMtu: \"z\" is not a number from 0 to 65535\n"
		"p:3:6: error: profile: rss: expected a list: [a, b]\n"},
	{"a list at the top", "- name: x\n",
		"p:1:1: error: profile: expected one mapping of keys and values\n"},
	{"two documents", "name: x\n---\nname: y\n",
		"p:3:1: error: profile: expected one mapping of keys and values\n"},
	{"alias", "name: &a x\ndevargs: *a\n",
		"p:2:10: error: profile: aliases are not read here\n"},
	{"a key that is no scalar", "name: x\n? [a]\n: b\n",
		"p:2:3: error: profile: expected a key\n"},
	{"long name",
		"name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"p:1:7: error: profile: name: longer than 63 characters\n"},
	{"nine drivers", "name: x\ndrivers: [a, b, c, d, e, f, g, h, i]\n",
		"p:2:35: error: profile: drivers: more than 8 drivers\n"},
};

static int
table(void)
{
	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_diags diags = {0};
		struct sl_buf got = {0};
		struct sl_profile p;
		int rc = sl_profile_parse(&p, rows[i].text, strlen(rows[i].text), "p", &diags);

		printf("# %s\n", rows[i].name);
		sl_diags_sort(&diags);
		for (size_t d = 0; d < diags.n; d++) {
			sl_diag_format(&diags.v[d], &got);
			sl_buf_putc(&got, '\n');
		}
		SL_TEST_STR(got.data ? got.data : "", rows[i].errors);
		SL_TEST_INT(rc, rows[i].errors[0] ? -EINVAL : 0);
		sl_buf_fini(&got);
		sl_diags_fini(&diags);
	}
	return TEST_SUCCESS;
}

static int
broken_yaml(void)
{
	static const char *const texts[] = {
		"name: [x\n", "name: \"x\n", "\tname: x\n", "a: b: c\n", "\xff\xfe\x00", "{"};

	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
		struct sl_diags diags = {0};
		struct sl_profile p;

		SL_TEST_INT(sl_profile_parse(&p, texts[i], strlen(texts[i]), "p", &diags), -EINVAL);
		SL_TEST_INT(diags.errors >= 1, 1);
		RTE_TEST_ASSERT(diags.v[0].line >= 1, "no line");
		sl_diags_fini(&diags);
	}
	return TEST_SUCCESS;
}

static int
values(void)
{
	static const char text[] = "name: n\ndrivers: [net_a, net_b]\ndevargs: a=1,b=2\n"
				   "queueDevarg: q\nrxDescriptors: 512\ntxDescriptors: 256\n"
				   "maxQueues: 3\nmaxMtu: 9000\nrss: [ip, udp]\n"
				   "rxOffloads: [ipv4-checksum, rss-hash]\n"
				   "txOffloads: [multi-segment]\npromiscuous: true\n"
				   "quirks: [no-set-mtu, queues-spread]\n";
	struct sl_diags diags = {0};
	struct sl_profile p;

	SL_TEST_INT(sl_profile_parse(&p, text, sizeof(text) - 1, "p", &diags), 0);
	SL_TEST_STR(p.name, "n");
	SL_TEST_INT(p.n_drivers, 2);
	SL_TEST_STR(p.driver[0], "net_a");
	SL_TEST_STR(p.driver[1], "net_b");
	SL_TEST_STR(p.devargs, "a=1,b=2");
	SL_TEST_STR(p.queue_devarg, "q");
	SL_TEST_INT(p.rx_descriptors, 512);
	SL_TEST_INT(p.tx_descriptors, 256);
	SL_TEST_INT(p.max_queues, 3);
	SL_TEST_INT(p.max_mtu, 9000);
	RTE_TEST_ASSERT_EQUAL(p.rss_hf, RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP, "rss");
	RTE_TEST_ASSERT_EQUAL(
		p.rx_offloads, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH, "rx");
	RTE_TEST_ASSERT_EQUAL(p.tx_offloads, RTE_ETH_TX_OFFLOAD_MULTI_SEGS, "tx");
	SL_TEST_INT(p.promiscuous, true);
	SL_TEST_INT(p.quirks, SL_QUIRK_NO_SET_MTU | SL_QUIRK_QUEUES_SPREAD);
	return TEST_SUCCESS;
}

// Each shipped file is good, is named like its file, and is the one its drivers get.
static int
shipped(void)
{
	DIR *dir = opendir(NIC_DIR);
	const struct dirent *e;
	int n = 0;

	RTE_TEST_ASSERT_NOT_NULL(dir, "%s", NIC_DIR);
	while ((e = readdir(dir))) {
		struct sl_profile p, found;
		char file[300], *why = NULL;

		if (e->d_name[0] == '.')
			continue;
		n++;
		snprintf(file, sizeof(file), "%s/%s", NIC_DIR, e->d_name);
		RTE_TEST_ASSERT_SUCCESS(
			sl_profile_find(&p, NIC_DIR, file, "", &why), "%s", why ? why : "");
		snprintf(file, sizeof(file), "%s.yaml", p.name);
		SL_TEST_STR(file, e->d_name);
		for (unsigned i = 0; i < p.n_drivers; i++) {
			RTE_TEST_ASSERT_SUCCESS(
				sl_profile_find(&found, NIC_DIR, NULL, p.driver[i], &why), "%s",
				why ? why : "");
			SL_TEST_STR(found.name, p.name);
		}
	}
	closedir(dir);
	RTE_TEST_ASSERT(n >= 16, "only %d profiles", n);
	return TEST_SUCCESS;
}

static int
write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0)
		return -1;
	return fclose(f);
}

static int
check_find(const char *dir, const char *wanted, const char *driver, int rc, const char *name_or_why)
{
	struct sl_profile p;
	char *why = NULL;

	SL_TEST_INT(sl_profile_find(&p, dir, wanted, driver, &why), rc);
	if (rc == 0)
		SL_TEST_STR(p.name, name_or_why);
	else
		RTE_TEST_ASSERT(why && strstr(why, name_or_why), "why is \"%s\"", why ? why : "");
	free(why);
	return TEST_SUCCESS;
}

static int
find(void)
{
	char dir[] = "/tmp/sl-profile-XXXXXX";
	char path[64], command[64];

	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "mkdtemp");
	snprintf(path, sizeof(path), "%s/b.yaml", dir);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	RTE_TEST_ASSERT_SUCCESS(write_file(dir, "a.yaml", "name: a\ndrivers: 3\n"), "a");
	RTE_TEST_ASSERT_SUCCESS(write_file(dir, "b.yaml", "name: b\ndrivers: [net_x]\n"), "b");
	RTE_TEST_ASSERT_SUCCESS(write_file(dir, "c.yaml", "name: c\ndrivers: [net_x]\n"), "c");
	RTE_TEST_ASSERT_SUCCESS(write_file(dir, "default.yaml", "name: default\n"), "default");

	RTE_TEST_ASSERT_SUCCESS(check_find(dir, NULL, "net_x", 0, "b"), "first by name");
	RTE_TEST_ASSERT_SUCCESS(check_find(dir, "c", "net_x", 0, "c"), "named");
	RTE_TEST_ASSERT_SUCCESS(check_find("/nowhere", path, "net_y", 0, "b"), "path");
	RTE_TEST_ASSERT_SUCCESS(
		check_find(dir, NULL, "net_y", -EINVAL, "a.yaml:2:10: error"), "broken file");
	RTE_TEST_ASSERT_SUCCESS(check_find(dir, "z", "net_x", -ENOENT, "z.yaml"), "missing");
	RTE_TEST_ASSERT_SUCCESS(
		check_find("/nowhere", NULL, "net_x", -ENOENT, "/nowhere"), "no folder");
	RTE_TEST_ASSERT_SUCCESS(write_file(dir, "a.yaml", "name: a\n"), "a");
	RTE_TEST_ASSERT_SUCCESS(check_find(dir, NULL, "net_y", 0, "default"), "default");
	RTE_TEST_ASSERT_SUCCESS(system(command), "rm");
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"table", table},
		{"broken YAML", broken_yaml},
		{"values", values},
		{"find", find},
		{"shipped", shipped},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
