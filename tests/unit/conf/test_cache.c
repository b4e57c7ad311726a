// The reader with a memory: after each load, what it told and how much it read, as text.
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sl_conf_cache.h"
#include "test_conf.h"

#define SURE INT64_MAX // every file is old enough to be trusted

struct told {
	char dir[64];
	time_t writes;
	struct sl_conf_cache *cache;
	struct sl_buf text;
	struct sl_conf_cache_result result;
};

static void
on_found(void *ctx, struct sl_object *obj)
{
	struct told *t = ctx;

	sl_buf_printf(&t->text, "+%s:%u ", obj->meta.name, obj->loc.line);
	sl_object_free(obj);
}

static void
on_moved(void *ctx, enum sl_kind kind, const char *namespace_, const char *name, int32_t lines)
{
	struct told *t = ctx;

	sl_buf_printf(&t->text, "%s%+d ", name, lines);
}

static void
on_gone(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
	const char *rejected)
{
	struct told *t = ctx;

	sl_buf_printf(&t->text, "-%s%s ", name, rejected ? "(kept)" : "");
}

static void
told_init(struct told *t)
{
	*t = (struct told){
		.dir = "/tmp/sluice-cache-XXXXXX", .cache = sl_conf_cache_new(SL_ORIGIN_FILE)};
	if (!mkdtemp(t->dir))
		abort();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void
told_fini(struct told *t)
{
	sl_conf_cache_free(t->cache);
	sl_buf_fini(&t->text);
	nftw(t->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// NULL: the file goes. Each write has its time, however fast they follow.
static void
put_file(struct told *t, const char *name, const char *text)
{
	const struct timespec times[2] = {{.tv_sec = ++t->writes}, {.tv_sec = t->writes}};
	char *path = sl_xasprintf("%s/%s", t->dir, name);
	FILE *f = text ? fopen(path, "w") : NULL;

	if (f) {
		fputs(text, f);
		fclose(f);
		utimensat(AT_FDCWD, path, times, 0);
	} else {
		unlink(path);
	}
	free(path);
}

// What a load told, its findings behind that ("e5" an error at line 5, "w" a warning), and how many
// files and documents it read.
static const char *
load(struct told *t, int64_t now_ns)
{
	static const struct sl_conf_cache_fns fns = {
		.found = on_found, .moved = on_moved, .gone = on_gone};
	char *path = t->dir;
	struct sl_diags diags = {0};
	size_t errors;

	sl_buf_reset(&t->text);
	errors = sl_conf_cache_load(t->cache, &path, 1, now_ns, &fns, t, &diags, &t->result);
	for (size_t i = 0; i < diags.n; i++)
		sl_buf_printf(&t->text, "%c%u ", diags.v[i].severity == SL_ERROR ? 'e' : 'w',
			diags.v[i].line);
	sl_buf_printf(&t->text, "=%zu !%zu read %zu/%zu", t->result.unchanged, t->result.invalid,
		t->result.files_read, t->result.docs_read);
	if (errors != diags.errors)
		sl_buf_puts(&t->text, " and another number of errors");
	sl_diags_fini(&diags);
	return t->text.data;
}

// Five lines; the one of `extra` is a warning when it sets what has no effect here.
#define DOC(name, host, extra)                                                                     \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name      \
	"}\nspec: {hosts: [" host ".example.com], addresses: [192.0.2.80], resolution: STATIC, "   \
	"ports: [{number: 80, name: http, protocol: HTTP}]" extra "}\n"
#define A      DOC("a", "a", "")
#define B      DOC("b", "b", "")
#define C      DOC("c", "c", "")
#define WARN   DOC("w", "w", ", subjectAltNames: [a.example.com]")
#define BAD_B  DOC("b", "b", ", nonsense: 1")
#define BROKEN "---\n{ this is: [not YAML\n" // told at the line behind

static int
unchanged_files_are_not_read(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "1.yaml", A B);
	put_file(&t, "2.yaml", C);
	SL_TEST_STR(load(&t, SURE), "+a:2 +b:7 +c:2 =0 !0 read 2/3");
	SL_TEST_STR(load(&t, SURE), "=3 !0 read 0/0");
	put_file(&t, "2.yaml", DOC("c", "another", ""));
	SL_TEST_STR(load(&t, SURE), "+c:2 =2 !0 read 1/1");
	put_file(&t, "1.yaml", NULL);
	SL_TEST_STR(load(&t, SURE), "-a -b =1 !0 read 0/0");
	put_file(&t, "1.yaml", A B);
	SL_TEST_STR(load(&t, SURE), "+a:2 +b:7 =1 !0 read 1/2");
	told_fini(&t);
	return TEST_SUCCESS;
}

// A file that was written just before it was read may be written again at the same time.
static int
young_files_are_read_again(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "1.yaml", A);
	SL_TEST_STR(load(&t, 0), "+a:2 =0 !0 read 1/1");
	SL_TEST_STR(load(&t, SURE), "=1 !0 read 1/0");
	SL_TEST_STR(load(&t, SURE), "=1 !0 read 0/0");
	told_fini(&t);
	return TEST_SUCCESS;
}

static int
unchanged_documents_are_not_parsed(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "1.yaml", A B C);
	load(&t, SURE);
	// one in the middle changes and grows: the ones behind it move
	put_file(&t, "1.yaml", A "# a comment\n" DOC("b", "other", "") C);
	SL_TEST_STR(load(&t, SURE), "+a:2 +b:8 c+1 =1 !0 read 1/2");
	// the order turns round
	put_file(&t, "1.yaml", C A B);
	SL_TEST_STR(load(&t, SURE), "c-11 +a:7 +b:12 =1 !0 read 1/2");
	put_file(&t, "1.yaml", B C A);
	SL_TEST_STR(load(&t, SURE), "b-10 c+5 a+5 =3 !0 read 1/0");
	// one goes
	put_file(&t, "1.yaml", B A);
	SL_TEST_STR(load(&t, SURE), "a-5 -c =2 !0 read 1/0");
	// one moves to another file
	put_file(&t, "1.yaml", B);
	put_file(&t, "2.yaml", A);
	SL_TEST_STR(load(&t, SURE), "+a:2 =1 !0 read 2/1");
	told_fini(&t);
	return TEST_SUCCESS;
}

static int
findings_are_told_again(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "1.yaml", A WARN BAD_B);
	SL_TEST_STR(load(&t, SURE), "+a:2 +w:7 w10 e15 =0 !1 read 1/3");
	SL_TEST_STR(load(&t, SURE), "w10 e15 =2 !1 read 0/0");
	put_file(&t, "1.yaml", "# one\n# two\n" A WARN BAD_B);
	SL_TEST_STR(load(&t, SURE), "a+2 w+2 w12 e17 =2 !1 read 1/0");
	put_file(&t, "1.yaml", WARN);
	SL_TEST_STR(load(&t, SURE), "w-7 -a w5 =1 !0 read 1/0");
	told_fini(&t);
	return TEST_SUCCESS;
}

static int
last_good_versions(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "1.yaml", A B C);
	load(&t, SURE);
	// b is refused: it stays; a is taken out: it goes
	put_file(&t, "1.yaml", BAD_B C);
	SL_TEST_STR(load(&t, SURE), "c-5 -a -b(kept) e5 =1 !1 read 1/1");
	SL_TEST_STR(load(&t, SURE), "-b(kept) e5 =1 !1 read 0/0");
	// what cannot be read may be any of the objects that are missing
	put_file(&t, "1.yaml", BROKEN);
	SL_TEST_STR(load(&t, SURE), "-b(kept) -c(kept) e3 =0 !1 read 1/1");
	// mended, without b
	put_file(&t, "1.yaml", C);
	SL_TEST_STR(load(&t, SURE), "+c:2 -b =0 !0 read 1/1");
	SL_TEST_STR(load(&t, SURE), "=1 !0 read 0/0");
	// the error of another object, or of another file, keeps nothing
	put_file(&t, "1.yaml", BAD_B);
	put_file(&t, "2.yaml", BROKEN);
	SL_TEST_STR(load(&t, SURE), "-c e5 e3 =0 !2 read 2/2");
	told_fini(&t);
	return TEST_SUCCESS;
}

static int
a_name_stands_once(void)
{
	struct told t;

	told_init(&t);
	put_file(&t, "2.yaml", A B);
	load(&t, SURE);
	// an earlier file takes the name
	put_file(&t, "1.yaml", A);
	SL_TEST_STR(load(&t, SURE), "+a:2 e2 =1 !1 read 1/1");
	SL_TEST_STR(load(&t, SURE), "e2 =2 !1 read 1/1");
	// and gives it back
	put_file(&t, "1.yaml", NULL);
	SL_TEST_STR(load(&t, SURE), "+a:2 =1 !0 read 1/1");
	SL_TEST_STR(load(&t, SURE), "=2 !0 read 0/0");
	// two in one file, equal to the byte
	put_file(&t, "2.yaml", A A);
	SL_TEST_STR(load(&t, SURE), "-b e7 =1 !1 read 1/1");
	put_file(&t, "2.yaml", "# moved\n" A A);
	SL_TEST_STR(load(&t, SURE), "a+1 e8 =1 !1 read 1/1");
	told_fini(&t);
	return TEST_SUCCESS;
}

// As root a file is never unreadable, a dangling link is.
static int
unreadable_files_keep_their_objects(void)
{
	struct told t;
	char *path;

	told_init(&t);
	put_file(&t, "1.yaml", A);
	put_file(&t, "2.yaml", B);
	load(&t, SURE);
	put_file(&t, "1.yaml", NULL);
	path = sl_xasprintf("%s/1.yaml", t.dir);
	SL_TEST_INT(symlink("nowhere", path), 0);
	free(path);
	SL_TEST_STR(load(&t, SURE), "-a(kept) e0 =1 !0 read 0/0");
	put_file(&t, "1.yaml", NULL);
	SL_TEST_STR(load(&t, SURE), "-a =1 !0 read 0/0");
	// the whole folder
	path = sl_xasprintf("%s-away", t.dir);
	SL_TEST_INT(rename(t.dir, path), 0);
	SL_TEST_STR(load(&t, SURE), "-b(kept) e0 =0 !0 read 0/0");
	SL_TEST_INT(rename(path, t.dir), 0);
	SL_TEST_STR(load(&t, SURE), "+b:2 =0 !0 read 1/1");
	free(path);
	told_fini(&t);
	return TEST_SUCCESS;
}

// Random edits of a few files: what was told adds up to what a fresh reader finds.
enum { FILES = 3, NAMES = 6 };

struct picture {
	bool there[NAMES];
	uint32_t line[NAMES];
};

static void
draw_found(void *ctx, struct sl_object *obj)
{
	struct picture *p = ctx;

	p->there[obj->meta.name[0] - 'a'] = true;
	p->line[obj->meta.name[0] - 'a'] = obj->loc.line;
	sl_object_free(obj);
}

static void
draw_moved(void *ctx, enum sl_kind kind, const char *namespace_, const char *name, int32_t lines)
{
	struct picture *p = ctx;

	p->line[name[0] - 'a'] += (uint32_t)lines;
}

static void
draw_gone(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
	const char *rejected)
{
	struct picture *p = ctx;

	p->there[name[0] - 'a'] = false;
}

static void
random_file(uint64_t *rnd, struct sl_buf *out)
{
	sl_buf_reset(out);
	for (unsigned n = sl_test_rand(rnd) % 4; n > 0; n--) {
		char name[2] = {(char)('a' + sl_test_rand(rnd) % NAMES), '\0'};

		if (sl_test_rand(rnd) % 3 == 0)
			sl_buf_puts(out, "# comment\n");
		sl_buf_printf(out,
			"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
			"metadata: {name: %s}\nspec: {hosts: [h%u.example.com]}\n",
			name, (unsigned)(sl_test_rand(rnd) % 2));
	}
}

static char *
findings(const struct sl_diags *diags)
{
	struct sl_buf out = {0};

	for (size_t i = 0; i < diags->n; i++) {
		sl_diag_format(&diags->v[i], &out);
		sl_buf_putc(&out, '\n');
	}
	return sl_buf_take(&out);
}

static int
random_edits(void)
{
	static const struct sl_conf_cache_fns fns = {
		.found = draw_found, .moved = draw_moved, .gone = draw_gone};
	struct picture old = {0};
	uint64_t rnd = sl_test_seed();
	struct sl_buf text = {0};
	struct told t;

	told_init(&t);
	for (unsigned round = 0; round < 1500; round++) {
		struct sl_conf_cache *fresh = sl_conf_cache_new(SL_ORIGIN_FILE);
		struct sl_conf_cache_result result;
		struct sl_diags got = {0}, want = {0};
		struct picture now = {0};
		char *path = t.dir, *got_text, *want_text, name[16];

		snprintf(name, sizeof(name), "%u.yaml", (unsigned)(sl_test_rand(&rnd) % FILES));
		random_file(&rnd, &text);
		put_file(&t, name, text.len ? text.data : NULL);
		sl_conf_cache_load(t.cache, &path, 1, SURE, &fns, &old, &got, &result);
		sl_conf_cache_load(fresh, &path, 1, SURE, &fns, &now, &want, &result);
		got_text = findings(&got);
		want_text = findings(&want);
		SL_TEST_STR(got_text, want_text);
		for (unsigned i = 0; i < NAMES; i++) {
			SL_TEST_INT(old.there[i], now.there[i]);
			if (now.there[i])
				SL_TEST_INT(old.line[i], now.line[i]);
		}
		free(got_text);
		free(want_text);
		sl_diags_fini(&got);
		sl_diags_fini(&want);
		sl_conf_cache_free(fresh);
	}
	sl_buf_fini(&text);
	told_fini(&t);
	return TEST_SUCCESS;
}

static const struct sl_test tests[] = {
	{"unchanged files are not read", unchanged_files_are_not_read},
	{"young files are read again", young_files_are_read_again},
	{"unchanged documents are not parsed", unchanged_documents_are_not_parsed},
	{"findings are told again", findings_are_told_again},
	{"last good versions", last_good_versions},
	{"a name stands once", a_name_stands_once},
	{"unreadable files keep their objects", unreadable_files_keep_their_objects},
	{"random edits", random_edits},
};

int
main(int argc, char **argv)
{
	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
