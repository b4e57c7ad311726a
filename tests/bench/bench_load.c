// What it takes to serve 100,000 ServiceEntries with 10 endpoints each: from the YAML files of an
// operator to the snapshot that workers would read, and the memory of that. Each figure is of a
// process of its own, so that neither the heap nor the peak of one is another's.
// usage: bench_load [--services N] [--endpoints N] [--rounds N] [--quick] [--helpers N] [--cpu]
// [--json FILE] [FOLDER]
// --quick: 100 files, once; otherwise one file and a file for each as well, three times.
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <yaml.h>

#include "sl_compile.h"
#include "sl_conf_cache.h"
#include "sl_rcu.h"
#include "sl_str.h"

#define MAX_ROUNDS 15

struct options {
	unsigned services, endpoints, rounds;
	bool quick;
	bool cpu; // time on a CPU, of all threads, in place of what the clock on the wall says
	unsigned helpers; // threads that parse beside the first one
	const char *json;
	const char *folder; // NULL: what the bench writes
};

// Milliseconds from the begin until each was done; RSS as the kernel counts it.
struct figures {
	double read;      // files to objects in the registry
	double mesh;      // what they mean together: only where the mesh is measured by itself
	double compile;   // mesh and endpoint sets and table
	double publish;   // the pointer, and what it replaced freed
	double peak_mib;  // of all that
	double bare_mib;  // of the process before
	double stays_mib; // when the load is over
	unsigned services;
	int rc;
};

static double
now_ms(const struct options *o)
{
	struct timespec t;

	clock_gettime(o->cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

// ---- files ----

static void
write_entry(FILE *f, unsigned i, unsigned endpoints)
{
	fprintf(f,
		"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n"
		"  name: s%u\n  namespace: shop\nspec:\n  hosts:\n  - s%u.example\n  addresses:\n"
		"  - 198.%u.%u.%u\n  ports:\n  - number: 443\n    name: tls\n    protocol: TLS\n"
		"  resolution: STATIC\n  endpoints:\n",
		i, i * 2654435761u, 18 + (i >> 16), i >> 8 & 255, i & 255);
	for (unsigned k = 0; k < endpoints; k++)
		fprintf(f, "  - address: 203.0.113.%u\n", 1 + (i * 7 + k) % 254);
}

// The entries in `files` files of one folder.
static char *
write_folder(const char *above, const struct options *o, unsigned files)
{
	char *folder = sl_xasprintf("%s/%u", above, files);

	if (mkdir(folder, 0700) < 0)
		die(folder);
	for (unsigned n = 0; n < files; n++) {
		const uint64_t end = (uint64_t)o->services * (n + 1) / files;
		char *path = sl_xasprintf("%s/part%06u.yaml", folder, n);
		FILE *f = fopen(path, "w");

		if (!f)
			die(path);
		for (uint64_t i = (uint64_t)o->services * n / files; i < end; i++)
			write_entry(f, (unsigned)i, o->endpoints);
		fclose(f);
		free(path);
	}
	return folder;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

// ---- one load ----

static double
status_mib(const char *key)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	double kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key), NULL);
	if (f)
		fclose(f);
	return kib / 1024;
}

static void
on_found(void *ctx, struct sl_object *obj)
{
	sl_registry_put(ctx, obj);
}

static void
retire(void *ctx, void *object, void (*free_fn)(void *))
{
	sl_rcu_retire(ctx, object, free_fn);
}

static void
publish(struct sl_compile *compile, struct sl_rcu *rcu)
{
	static const struct sl_compile_net net;
	const struct sl_fwd parts = {.generation = 1,
		.services = sl_fwd_services_get(sl_compile_current(compile)),
		.policies = sl_fwd_policies_get(sl_compile_policies(compile)),
		.net = sl_compile_net(compile, &net)};

	sl_rcu_publish(rcu, sl_fwd_new(&parts), sl_fwd_free);
	while (sl_rcu_reclaim(rcu))
		;
}

static void
load(const char *folder, const struct options *o, struct figures *f)
{
	static const struct sl_conf_cache_fns fns = {.found = on_found};
	struct sl_registry *registry = sl_registry_new();
	struct sl_mesh *mesh = sl_mesh_new(registry);
	struct sl_conf_cache *cache = sl_conf_cache_new(SL_ORIGIN_FILE);
	struct sl_compile *compile = sl_compile_new(
		&(struct sl_compile_cfg){.max_endpoints = o->services * o->endpoints + 1024,
			.max_adjs = 1024,
			.registry = registry});
	struct sl_rcu *rcu = sl_rcu_new(1);
	struct sl_compile_result result;
	struct sl_conf_cache_result read;
	struct sl_diags diags = {0};
	char *const path = (char *)folder;
	double begin = now_ms(o);

	sl_conf_cache_helpers(cache, o->helpers, NULL);
	f->rc = (int)sl_conf_cache_load(cache, &path, 1, INT64_MAX, &fns, registry, &diags, &read);
	f->read = now_ms(o) - begin;
	if (f->mesh < 0) {
		sl_mesh_update(mesh, NULL, NULL);
		f->mesh = now_ms(o) - begin - f->read;
		return;
	}
	if (f->rc == 0)
		f->rc = sl_compile_services(compile, mesh, 0, retire, rcu, &result);
	f->compile = now_ms(o) - begin;
	publish(compile, rcu);
	f->publish = now_ms(o) - begin;
	f->services = result.services;
	f->peak_mib = status_mib("VmHWM:");
	f->stays_mib = status_mib("VmRSS:");
}

// libyaml's events and nothing else, of the same bytes by one thread: no reader that stands on it
// is faster than that a CPU.
static unsigned long
events_of(const char *text, size_t len)
{
	unsigned long n = 0;
	yaml_parser_t parser;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		die("libyaml");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	for (yaml_event_t event; !end && yaml_parser_parse(&parser, &event); n++) {
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return n;
}

static int
events_of_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct sl_buf text = {0};

	if (type == FTW_F && sl_buf_read_any(&text, path, SIZE_MAX) == 0)
		events_of(text.data, text.len);
	sl_buf_fini(&text);
	return 0;
}

static void
floor_of(const char *folder, const struct options *o, struct figures *f)
{
	const double begin = now_ms(o);

	nftw(folder, events_of_file, 8, FTW_PHYS);
	f->read = now_ms(o) - begin;
}

// ---- processes ----

typedef void run_fn(const char *folder, const struct options *o, struct figures *f);

static struct figures
in_a_child(run_fn *fn, const char *folder, const struct options *o, struct figures *shared)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		shared->bare_mib = status_mib("VmRSS:");
		fn(folder, o, shared);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die("child");
	return *shared;
}

static int
by_time(const void *x, const void *y)
{
	const struct figures *a = x, *b = y;

	return (a->publish > b->publish) - (a->publish < b->publish);
}

// The round in the middle by its whole time.
static struct figures
median(run_fn *fn, const char *folder, const struct options *o, double mesh)
{
	struct figures v[MAX_ROUNDS], *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < o->rounds; i++) {
		*shared = (struct figures){.mesh = mesh};
		v[i] = in_a_child(fn, folder, o, shared);
		if (!v[i].publish)
			v[i].publish = v[i].read + (mesh < 0 ? v[i].mesh : 0);
	}
	munmap(shared, sizeof(*shared));
	qsort(v, o->rounds, sizeof(v[0]), by_time);
	return v[o->rounds / 2];
}

// ---- figures ----

static void
print(const char *what, const struct figures *f, const struct figures *mesh,
	const struct figures *floor)
{
	const double compile = f->compile - f->read - mesh->mesh;

	printf("%s: %.0f ms, peak %.0f MiB (%.0f stay, the bare process %.0f): %d, %u services\n",
		what, f->publish, f->peak_mib, f->stays_mib, f->bare_mib, f->rc, f->services);
	printf("  files to objects %.0f ms (libyaml alone, one thread: %.0f), mesh %.0f, "
	       "sets and table %.0f, publish and free %.1f\n",
		f->read, floor->publish, mesh->mesh, compile, f->publish - f->compile);
}

static void
measure_folder(
	const char *folder, const char *what, const char *name, const struct options *o, FILE *json)
{
	const struct figures floor = median(floor_of, folder, o, 0);
	const struct figures mesh = median(load, folder, o, -1);
	const struct figures all = median(load, folder, o, 0);

	print(what, &all, &mesh, &floor);
	if (json)
		fprintf(json,
			"%s{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"s\"},\n"
			"{\"name\":\"%s-rss\",\"value\":%.1f,\"unit\":\"MiB\"},\n"
			"{\"name\":\"%s-libyaml\",\"value\":%.3f,\"unit\":\"s\"}",
			ftell(json) > 2 ? ",\n" : "", name, all.publish / 1e3, name, all.peak_mib,
			name, floor.publish / 1e3);
}

static void
measure(const char *above, const struct options *o, unsigned files, FILE *json)
{
	char *folder = write_folder(above, o, files);
	char *what = sl_xasprintf("%u services x %u endpoints in %u file%s", o->services,
		o->endpoints, files, files == 1 ? "" : "s");
	char *name = sl_xasprintf("load-%uk%s", o->services / 1000,
		files == 1             ? "-one-file"
		: files == o->services ? "-single"
				       : "");

	measure_folder(folder, what, name, o, json);
	free(name);
	free(what);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

static void
measure_all(const char *above, const struct options *o, FILE *json)
{
	measure(above, o, o->services < 100 ? o->services : 100, json);
	if (o->quick)
		return;
	measure(above, o, 1, json);
	if (o->services > 100)
		measure(above, o, o->services, json);
}

static unsigned
cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static bool
parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"services", required_argument, NULL, 's'},
		{"endpoints", required_argument, NULL, 'e'},
		{"rounds", required_argument, NULL, 'r'}, {"json", required_argument, NULL, 'j'},
		{"helpers", required_argument, NULL, 'h'}, {"cpu", no_argument, NULL, 'c'},
		{"quick", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};

	*o = (struct options){
		.services = 100000, .endpoints = 10, .rounds = 3, .helpers = cpus() - 1};
	for (int opt; (opt = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (opt == 's')
			o->services = (unsigned)atoi(optarg);
		else if (opt == 'e')
			o->endpoints = (unsigned)atoi(optarg);
		else if (opt == 'r')
			o->rounds = (unsigned)atoi(optarg);
		else if (opt == 'h')
			o->helpers = (unsigned)atoi(optarg);
		else if (opt == 'c')
			o->cpu = true;
		else if (opt == 'q')
			o->quick = true, o->rounds = 1;
		else if (opt == 'j')
			o->json = optarg;
		else
			return false;
	}
	if (optind < argc)
		o->folder = argv[optind++];
	return optind == argc && o->services && o->services <= 131072 && o->endpoints &&
	       o->rounds && o->rounds <= MAX_ROUNDS;
}

int
main(int argc, char **argv)
{
	char above[] = "/tmp/sluice-load-XXXXXX";
	struct options o;
	FILE *json = NULL;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: bench_load [--services N] [--endpoints N] [--rounds N] "
				"[--quick] [--helpers N] [--cpu] [--json FILE] [FOLDER]\n");
		return 2;
	}
	if (!mkdtemp(above))
		die(above);
	if (o.json && !(json = fopen(o.json, "w")))
		die(o.json);
	if (json)
		fprintf(json, "[\n");
	if (o.folder)
		measure_folder(o.folder, o.folder, "load", &o, json);
	else
		measure_all(above, &o, json);
	if (json) {
		fprintf(json, "\n]\n");
		fclose(json);
	}
	rmdir(above);
	return 0;
}
