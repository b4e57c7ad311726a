// Starts and stops EAL: its arguments out of our configuration, hugepages or not, nothing left
// behind.

#include <dirent.h>
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "sl_buf.h"
#include "sl_str.h"

#define MAX_ARGS      20
#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages"
// An address that no device has: with an allow list the bus probes nothing by itself, and ports are
// plugged one by one.
#define NO_PCI_DEVICE "0000:00:00.0"

struct args {
	char *v[MAX_ARGS + 1];
	int n;
};

static void
add(struct args *a, char *arg)
{
	if (a->n < MAX_ARGS)
		a->v[a->n++] = arg;
	a->v[a->n] = NULL;
}

static uint64_t
read_number(const char *dir, const char *file)
{
	char *path = sl_xasprintf("%s/%s/%s", HUGEPAGES_DIR, dir, file);
	FILE *f = fopen(path, "re");
	unsigned long long v = 0;

	free(path);
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

// Bytes in hugepages that nobody has or has reserved.
static uint64_t
free_hugepages(void)
{
	DIR *dir = opendir(HUGEPAGES_DIR);
	const struct dirent *e;
	uint64_t bytes = 0;

	while (dir && (e = readdir(dir))) {
		unsigned long long kb;
		uint64_t free_pages, reserved;

		if (sscanf(e->d_name, "hugepages-%llukB", &kb) != 1)
			continue;
		free_pages = read_number(e->d_name, "free_hugepages");
		reserved = read_number(e->d_name, "resv_hugepages");
		if (free_pages > reserved)
			bytes += (free_pages - reserved) * kb * 1024;
	}
	if (dir)
		closedir(dir);
	return bytes;
}

static int
choose_memory(const struct sl_port_eal_cfg *cfg, struct sl_port_eal_info *info, char **why)
{
	const uint64_t free_mb = free_hugepages() >> 20;

	memset(info, 0, sizeof(*info));
	info->hugepages = cfg->memory != 2 && free_mb >= cfg->memory_mb;
	if (info->hugepages)
		return 0;
	if (cfg->memory == 1) {
		*why = sl_xasprintf("hugepages: %llu MiB free, %u MiB needed: `sysctl "
				    "vm.nr_hugepages=%u`, or memory.hugepages: auto",
			(unsigned long long)free_mb, cfg->memory_mb, (cfg->memory_mb + 1) / 2);
		return -ENOMEM;
	}
	if (cfg->memory == 2)
		snprintf(info->memory, sizeof(info->memory), "no hugepages: as configured, %u MiB",
			cfg->memory_mb);
	else
		snprintf(info->memory, sizeof(info->memory),
			"no hugepages: %llu MiB free, %u MiB needed", (unsigned long long)free_mb,
			cfg->memory_mb);
	return 0;
}

static char *
lcores(const struct sl_port_eal_cfg *cfg)
{
	struct sl_buf b = {0};

	sl_buf_printf(&b, "--lcores=0@%u", cfg->control_core);
	for (unsigned i = 0; i < cfg->n_workers; i++)
		sl_buf_printf(&b, ",%u@%u", i + 1, cfg->worker_cores[i]);
	return sl_buf_take(&b);
}

static bool
wants_pci(const struct sl_port_eal_cfg *cfg)
{
	struct sl_device dev;
	char *why = NULL;

	for (unsigned i = 0; i < cfg->n_devices; i++) {
		if (sl_device_parse(cfg->devices[i], &dev, &why) == 0 && dev.pci)
			return true;
		free(why);
		why = NULL;
	}
	return cfg->n_devices == 0;
}

static void
build(const struct sl_port_eal_cfg *cfg, bool hugepages, struct args *a)
{
	add(a, sl_xstrdup(cfg->name));
	add(a, lcores(cfg));
	add(a, sl_xstrdup("--main-lcore=0"));
	// No files for memory and none for the configuration: a killed process leaves nothing. EAL
	// refuses --in-memory together with --no-huge, whose memory has no files anyway.
	add(a, sl_xstrdup(hugepages ? "--in-memory" : "--no-huge"));
	if (!hugepages)
		add(a, sl_xstrdup("--no-shconf"));
	add(a, sl_xasprintf("--file-prefix=%s-%d", cfg->name, (int)getpid()));
	add(a, sl_xstrdup("--no-telemetry"));
	add(a, sl_xstrdup("--iova-mode=va"));
	add(a, sl_xstrdup("-m"));
	add(a, sl_xasprintf("%u", cfg->memory_mb));
	add(a, wants_pci(cfg) ? sl_xstrdup("-a" NO_PCI_DEVICE) : sl_xstrdup("--no-pci"));
}

static int
run_init(const struct args *a)
{
	char *argv[MAX_ARGS + 1];
	int rc;

	// EAL moves the pointers about.
	memcpy(argv, a->v, sizeof(argv));
	optind = 1;
	rc = rte_eal_init(a->n, argv);
	return rc < 0 ? -(rte_errno ? rte_errno : EINVAL) : 0;
}

// EAL makes <run folder>/dpdk/<prefix> even when it keeps nothing there.
static void
remove_runtime_dir(void)
{
	char *dir = sl_xstrdup(rte_eal_get_runtime_dir());
	char *slash;

	rmdir(dir);
	slash = strrchr(dir, '/');
	if (slash) {
		*slash = '\0';
		rmdir(dir); // fails, rightly, while another DPDK process has its folder there
	}
	free(dir);
}

static int
first_page(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg)
{
	*(uint64_t *)arg = ms->hugepage_sz;
	return 1;
}

static void
say_hugepages(const struct sl_port_eal_cfg *cfg, struct sl_port_eal_info *info)
{
	rte_memseg_walk(first_page, &info->hugepage_bytes);
	snprintf(info->memory, sizeof(info->memory), "%llu %s hugepages, %llu MiB",
		(unsigned long long)(info->hugepage_bytes >> 30 ? info->hugepage_bytes >> 30
								: info->hugepage_bytes >> 20),
		info->hugepage_bytes >> 30 ? "GiB" : "MiB",
		(unsigned long long)(rte_eal_get_physmem_size() >> 20));
}

int
sl_port_eal_init(const struct sl_port_eal_cfg *cfg, struct sl_log *log,
	struct sl_port_eal_info *info, char **why)
{
	struct args a = {0};
	int rc = choose_memory(cfg, info, why);

	if (rc < 0)
		return rc;
	// One program on an interface, gone with its owner, instead of libxdp's dispatcher, whose
	// pins in bpffs survive a killed process.
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);
	rc = sl_eal_log_on(log);
	build(cfg, info->hugepages, &a);
	if (rc == 0)
		rc = run_init(&a);
	while (a.n > 0)
		free(a.v[--a.n]);
	remove_runtime_dir();
	if (rc < 0) {
		*why = sl_xasprintf("EAL: %s (the lines of topic eal say more)", strerror(-rc));
		sl_eal_log_off();
		return rc;
	}
	sl_eal_log_bpf();
	if (info->hugepages)
		say_hugepages(cfg, info);
	return 0;
}

void
sl_port_eal_fini(void)
{
	rte_eal_cleanup();
	sl_eal_log_off();
}
