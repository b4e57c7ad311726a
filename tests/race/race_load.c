// Resource folders are read by helpers beside the control thread. Whatever the threads do first or
// last, what a load tells is what one thread alone tells, in the same order and with the same
// findings: checked over random files with good, bad, repeated and moved documents.
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sl_conf_cache.h"
#include "sl_str.h"
#include "sl_test.h"

#define FILES  60
#define DOCS   60
#define ROUNDS 8
#define NAMES  3000 // fewer than there are documents: some are taken

static uint64_t rnd;

static uint32_t
below(uint32_t n)
{
	rnd = rnd * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rnd >> 33) % n);
}

// ---- files ----

static void
put_doc(FILE *f)
{
	const uint32_t name = below(NAMES), kind = below(40);

	fprintf(f,
		"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n"
		"  name: s%u\n  namespace: n%u\nspec:\n  hosts: [s%u.example]\n"
		"  addresses: [198.18.%u.%u]\n  resolution: STATIC\n"
		"  ports: [{number: %u, name: p, protocol: TCP}]\n%s  endpoints:\n",
		name, name % 3, name, below(256), below(256), 1 + below(60000),
		kind == 0   ? "  endpoint: 1\n"
		: kind == 1 ? "  location: [\n"
		: kind == 2 ? "# comment\n"
			    : "");
	for (uint32_t k = 1 + below(16); k > 0; k--)
		fprintf(f, "  - address: %s%u\n",
			below(100) ? "203.0.113." : "2001:db8::", 1 + below(200));
}

static void
put_file(const char *dir, unsigned i)
{
	char *path = sl_xasprintf("%s/%02u.yaml", dir, i);
	FILE *f = fopen(path, "w");

	free(path);
	if (!f)
		abort();
	for (unsigned k = 0; k < DOCS; k++)
		put_doc(f);
	fclose(f);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

// ---- what a load tells ----

static void
on_found(void *ctx, struct sl_object *obj)
{
	sl_buf_printf(
		ctx, "+%s %s:%u %s\n", obj->meta.name, obj->loc.file, obj->loc.line, obj->json);
	for (uint32_t i = 0; i < obj->n_notes; i++)
		sl_buf_printf(ctx, "  %s:%u %s\n", obj->notes[i].path, obj->notes[i].line,
			obj->notes[i].message);
	sl_object_free(obj);
}

static void
on_moved(void *ctx, enum sl_kind kind, const char *namespace_, const char *name, int32_t lines)
{
	sl_buf_printf(ctx, "%s/%s%+d\n", namespace_, name, lines);
}

static void
on_gone(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
	const char *rejected)
{
	sl_buf_printf(ctx, "-%s/%s %s\n", namespace_, name, rejected ? rejected : "");
}

static char *
load(struct sl_conf_cache *cache, char *dir)
{
	static const struct sl_conf_cache_fns fns = {
		.found = on_found, .moved = on_moved, .gone = on_gone};
	struct sl_conf_cache_result r;
	struct sl_diags diags = {0};
	struct sl_buf text = {0};
	const size_t errors =
		sl_conf_cache_load(cache, &dir, 1, INT64_MAX, &fns, &text, &diags, &r);

	for (size_t i = 0; i < diags.n; i++) {
		sl_diag_format(&diags.v[i], &text);
		sl_buf_putc(&text, '\n');
	}
	sl_buf_printf(&text,
		"%zu errors, %zu unchanged, %zu invalid, %zu skipped, %zu files, %zu docs", errors,
		r.unchanged, r.invalid, r.skipped, r.files_read, r.docs_read);
	sl_diags_fini(&diags);
	return sl_buf_take(&text);
}

static int
helpers_change_nothing(void)
{
	char dir[] = "/tmp/sluice-race-load-XXXXXX";
	struct sl_conf_cache *alone = sl_conf_cache_new(SL_ORIGIN_FILE);
	struct sl_conf_cache *helped = sl_conf_cache_new(SL_ORIGIN_FILE);
	struct sl_buf all = {0}; // of all rounds: one that reads few files may find nothing odd
	char *told;

	rnd = sl_test_seed();
	RTE_TEST_ASSERT_NOT_NULL(mkdtemp(dir), "no folder");
	sl_conf_cache_helpers(helped, 3, NULL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char *want, *got;

		for (unsigned i = 0; i < FILES; i++)
			if (round % 2 == 0 || below(10) == 0)
				put_file(dir, i);
		want = load(alone, dir);
		got = load(helped, dir);
		RTE_TEST_ASSERT(strcmp(got, want) == 0, "round %u: another story", round);
		sl_buf_puts(&all, want);
		free(want);
		free(got);
	}
	told = sl_buf_take(&all);
	RTE_TEST_ASSERT(strstr(told, "+s") && strstr(told, "defined before") &&
				strstr(told, "unknown field") && strstr(told, "not YAML"),
		"the files have nothing in them");
	free(told);
	sl_conf_cache_free(alone);
	sl_conf_cache_free(helped);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"helpers change nothing", helpers_change_nothing},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
