// Runs every file of the given folders through the reader and compares all diagnostics, in order,
// with the `# expect: LINE:COL: error|warning: ...` comments in the file. conf-*.yaml is a
// sluice.yaml, everything else holds objects. A folder named "good" takes no errors, one named
// "bad" at least one; elsewhere the comments decide. `# accepts: S5 S6` in a good file says which
// rules it keeps, and then no diagnostic of it names them. A last case asks that each rule of
// sl_conf_rules() is kept by one file and broken in another.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "sl_conf.h"
#include "sl_str.h"
#include "sl_test.h"

#define EXPECT  "# expect: "
#define ACCEPTS "# accepts: "

#define MAX_RULES 512

// Of each rule of sl_conf_rules(), by its place there.
static unsigned kept[MAX_RULES];
static unsigned broken[MAX_RULES];
static unsigned ran;
static unsigned failed;

static void
result(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++ran, name);
	failed += !ok;
}

// Counts the rule. False: there is no such rule.
static bool
count(unsigned *counts, const char *id, size_t len)
{
	size_t n;
	const struct sl_conf_rule *rule = sl_conf_rules(&n);

	for (size_t i = 0; i < n && i < MAX_RULES; i++) {
		if (strlen(rule[i].id) != len || strncmp(rule[i].id, id, len) != 0)
			continue;
		counts[i]++;
		return true;
	}
	return false;
}

static bool
is_named(const struct sl_diags *diags, const char *id, size_t len)
{
	for (size_t i = 0; i < diags->n; i++) {
		const char *rule = diags->v[i].rule;

		if (rule && strlen(rule) == len && strncmp(rule, id, len) == 0)
			return true;
	}
	return false;
}

// What the file says it accepts. False: it does not, or there is no such rule.
static bool
accepts(const char *text, const struct sl_diags *diags)
{
	bool ok = true;

	for (const char *at = text; (at = strstr(at, ACCEPTS)) != NULL;) {
		at += strlen(ACCEPTS);
		while (*at && *at != '\n') {
			const size_t len = strcspn(at, " \n");

			if (len && (is_named(diags, at, len) || !count(kept, at, len))) {
				printf("# %.*s: named by a finding, or no rule\n", (int)len, at);
				ok = false;
			}
			at += len + (at[len] == ' ');
		}
	}
	return ok;
}

// "# rules: crd" in a file: whose rules it is held to.
static enum sl_rules
rules_of(const char *text)
{
	const char *at = strstr(text, "# rules: ");
	enum sl_rules rules = SL_RULES_UNION;
	char word[16];

	if (at && sscanf(at + 9, "%15[a-z]", word) == 1)
		sl_rules_parse(word, &rules);
	return rules;
}

static void
read_as(const char *path, const char *name, const char *text, struct sl_diags *diags)
{
	if (strncmp(name, "conf-", 5) == 0 || strcmp(name, "sluice.yaml") == 0) {
		sl_conf_free(sl_conf_read(path, diags));
	} else {
		struct sl_objects objects = {.rules = rules_of(text)};

		sl_conf_objects_path(path, SL_ORIGIN_FILE, &objects, diags);
		sl_objects_fini(&objects);
	}
}

// The text with each mention of the path left out: expectations do not know where they are run.
static void
put_without(struct sl_buf *out, const char *text, const char *path)
{
	for (const char *at; (at = strstr(text, path)) != NULL; text = at + strlen(path))
		sl_buf_put(out, text, (size_t)(at - text));
	sl_buf_puts(out, text);
}

// What was said, a line each, without the file's name.
static void
render(const struct sl_diags *diags, const char *path, struct sl_buf *out)
{
	const size_t skip = strlen(path) + 1;

	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf line = {0};

		sl_diag_format(&diags->v[i], &line);
		put_without(out, line.data + (strncmp(line.data, path, skip - 1) == 0 ? skip : 0),
			path);
		sl_buf_putc(out, '\n');
		if (diags->v[i].rule)
			count(broken, diags->v[i].rule, strlen(diags->v[i].rule));
		sl_buf_fini(&line);
	}
}

static void
read_expected(const char *text, struct sl_buf *out)
{
	const char *at = text;

	while ((at = strstr(at, EXPECT)) != NULL) {
		at += strlen(EXPECT);
		sl_buf_put(out, at, strcspn(at, "\n"));
		sl_buf_putc(out, '\n');
	}
}

static void
show(const char *what, const char *lines)
{
	for (const char *at = lines; *at;) {
		const size_t len = strcspn(at, "\n");

		printf("# %s: %.*s\n", what, (int)len, at);
		at += len + (at[len] == '\n');
	}
}

static void
run_file(const char *folder, const char *base, const char *name)
{
	char *path = sl_xasprintf("%s/%s", folder, name);
	struct sl_buf text = {0}, got = {0}, want = {0};
	struct sl_diags diags = {0};
	bool ok = sl_buf_read_file(&text, path, 1 << 24) == 0;

	if (ok) {
		read_as(path, name, text.data ? text.data : "", &diags);
		sl_diags_sort(&diags);
		render(&diags, path, &got);
		read_expected(text.data ? text.data : "", &want);
		sl_buf_puts(&got, "");
		sl_buf_puts(&want, "");
		ok = strcmp(got.data, want.data) == 0 &&
		     accepts(text.data ? text.data : "", &diags) &&
		     (strcmp(base, "good") != 0 || !diags.errors) &&
		     (strcmp(base, "bad") != 0 || diags.errors);
		if (!ok) {
			show("got", got.data);
			show("expected", want.data);
		}
	}
	result(ok, path);
	sl_diags_fini(&diags);
	sl_buf_fini(&text);
	sl_buf_fini(&got);
	sl_buf_fini(&want);
	free(path);
}

static int
is_yaml(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	if (strstr(d->d_name, ".services.json")) // what goldens.py compares
		return false;
	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0);
}

static void
run_folder(const char *folder)
{
	const char *base = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
	struct dirent **files;
	const int n = scandir(folder, &files, is_yaml, alphasort);

	if (n <= 0)
		result(false, folder);
	for (int i = 0; i < n; i++) {
		run_file(folder, base, files[i]->d_name);
		free(files[i]);
	}
	if (n >= 0)
		free(files);
}

static void
check_rules(void)
{
	unsigned n_kept = 0, n_broken = 0;
	size_t n;
	const struct sl_conf_rule *rule = sl_conf_rules(&n);
	bool ok = n <= MAX_RULES;

	for (size_t i = 0; ok && i < n; i++) {
		n_kept += kept[i];
		n_broken += broken[i];
	}
	for (size_t i = 0; i < n && i < MAX_RULES; i++) {
		const bool may_break = !strstr(rule[i].text, "(accepted)");
		const bool complete = kept[i] && (broken[i] != 0) == may_break;

		if (!complete)
			printf("# rule %s: %u files keep it, %u findings name it\n", rule[i].id,
				kept[i], broken[i]);
		ok = ok && complete;
	}
	printf("# %zu rules, %u accepted cases, %u findings\n", n, n_kept, n_broken);
	result(ok, "each rule is kept by a file and broken in another");
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		run_folder(argv[i]);
	check_rules();
	printf("1..%u\n", ran);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
