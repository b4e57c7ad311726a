// Files, folders and standard input.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"
#include "paths.h"
#include "sl_buf.h"
#include "sl_str.h"

#define MAX_FILE_BYTES (256u << 20)
#define MAX_DEPTH      16

struct walk {
	const struct paths_fns *fns;
	void *ctx;
	struct sl_diags *diags;
	size_t errors;
};

static void
say(struct walk *w, const char *path, enum sl_severity severity, const char *what)
{
	const struct sl_loc loc = {.file = path};

	sl_diag_add(w->diags, severity, &loc, NULL, NULL, NULL, "%s", what);
	w->errors += severity == SL_ERROR;
}

static void
cannot_read(struct walk *w, const char *path, int rc)
{
	char *what = sl_xasprintf(
		"cannot be read: %s", rc == -EFBIG ? "more than 256 MiB" : sl_buf_read_why(rc));

	say(w, path, SL_ERROR, what);
	free(what);
	if (w->fns->unreadable)
		w->fns->unreadable(w->ctx, path);
}

static void
read_file(struct walk *w, const char *path)
{
	const bool standard_input = strcmp(path, "-") == 0;
	struct sl_buf text = {0};
	int rc = standard_input ? sl_buf_read_fd(&text, STDIN_FILENO, MAX_FILE_BYTES)
				: sl_buf_read_file(&text, path, MAX_FILE_BYTES);

	// Not for a daemon, which must not wait for a pipe.
	if (rc == -EMEDIUMTYPE && !w->fns->wanted)
		rc = sl_buf_read_any(&text, path, MAX_FILE_BYTES);
	const char *file = standard_input ? "stdin" : path;

	if (rc < 0)
		cannot_read(w, file, rc);
	else
		w->fns->text(w->ctx, file, &text);
	sl_buf_fini(&text);
}

static void
read_if_wanted(struct walk *w, const char *path, const struct stat *st)
{
	if (!w->fns->wanted || w->fns->wanted(w->ctx, path, st))
		read_file(w, path);
}

static bool
is_object_file(const char *name)
{
	static const char *const ends[] = {".yaml", ".yml", ".json"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < SL_ARRAY_LEN(ends); i++)
		if (strcmp(dot, ends[i]) == 0)
			return true;
	return false;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void read_folder(struct walk *w, const char *path, unsigned depth);

static void
read_entry(struct walk *w, const char *path, const char *name, unsigned depth)
{
	struct stat st, link;

	if (stat(path, &st) < 0) {
		if (is_object_file(name))
			cannot_read(w, path, -errno);
	} else if (S_ISREG(st.st_mode)) {
		if (is_object_file(name))
			read_if_wanted(w, path, &st);
	} else if (lstat(path, &link) < 0) {
		cannot_read(w, path, -errno);
	} else if (S_ISDIR(st.st_mode) && S_ISLNK(link.st_mode)) {
		say(w, path, SL_WARNING, "a link to a folder: not followed");
	} else if (S_ISDIR(st.st_mode)) {
		read_folder(w, path, depth + 1);
	}
}

static void
read_folder(struct walk *w, const char *path, unsigned depth)
{
	struct dirent **entries;
	int n;

	if (depth > MAX_DEPTH) {
		say(w, path, SL_ERROR, "more than 16 folders deep");
		return;
	}
	n = scandir(path, &entries, is_visible, by_name);
	if (n < 0) {
		cannot_read(w, path, -errno);
		return;
	}
	for (int i = 0; i < n; i++) {
		char *entry = sl_xasprintf("%s/%s", path, entries[i]->d_name);

		read_entry(w, entry, entries[i]->d_name, depth);
		free(entry);
		free(entries[i]);
	}
	free(entries);
}

size_t
paths_walk(const char *path, const struct paths_fns *fns, void *ctx, struct sl_diags *diags)
{
	struct walk w = {.fns = fns, .ctx = ctx, .diags = diags};
	struct stat st;

	if (strcmp(path, "-") == 0)
		read_file(&w, path);
	else if (stat(path, &st) < 0)
		cannot_read(&w, path, -errno);
	else if (S_ISDIR(st.st_mode))
		read_folder(&w, path, 0);
	else
		read_if_wanted(&w, path, &st);
	return w.errors;
}

struct to_texts {
	sl_conf_text_fn *fn;
	void *ctx;
};

static void
give_text(void *ctx, const char *file, struct sl_buf *text)
{
	const struct to_texts *to = ctx;

	to->fn(to->ctx, file, text->data ? text->data : "", text->len);
}

size_t
sl_conf_texts_path(const char *path, sl_conf_text_fn *fn, void *ctx, struct sl_diags *diags)
{
	struct to_texts to = {.fn = fn, .ctx = ctx};

	return paths_walk(path, &(struct paths_fns){.text = give_text}, &to, diags);
}

static void
read_objects(void *ctx, const char *file, const char *text, size_t len)
{
	struct objects_reader *o = ctx;

	o->file = file;
	objects_read(o, text, len);
}

size_t
sl_conf_objects_path(
	const char *path, enum sl_origin origin, struct sl_objects *out, struct sl_diags *diags)
{
	struct objects_reader o = {.diags = diags, .origin = origin, .out = out};
	const size_t errors = sl_conf_texts_path(path, read_objects, &o, diags);

	objects_reader_fini(&o);
	return errors + o.errors;
}
