#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sl_conf.h"
#include "sl_str.h"

#define SIDES 2

struct diff {
	FILE *err;
	char *dir;         // private, holds both sides
	char *side[SIDES]; // LIVE, NEW: their names show in the output
	char **files;      // without their folder
	size_t n_files;
	size_t failed;
};

static const char *const side_name[SIDES] = {"LIVE", "NEW"};
static const char *const side_key[SIDES] = {"live", "new"};

struct diff *
diff_new(FILE *err)
{
	const char *tmp = getenv("TMPDIR");
	struct diff *d = sl_xcalloc(1, sizeof(*d));

	d->err = err;
	d->dir = sl_xasprintf("%s/sluicectl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(d->dir)) {
		fprintf(err, "sluicectl: %s: %s\n", d->dir, strerror(errno));
		free(d->dir);
		free(d);
		return NULL;
	}
	for (int i = 0; i < SIDES; i++) {
		d->side[i] = sl_xasprintf("%s/%s", d->dir, side_name[i]);
		if (mkdir(d->side[i], 0700) < 0) {
			fprintf(err, "sluicectl: %s: %s\n", d->side[i], strerror(errno));
			d->failed++;
		}
	}
	return d;
}

// "ServiceEntry.default.web", made of what names an object and nothing that leads elsewhere.
static char *
file_name(const json_t *row)
{
	static const char *const keys[] = {"kind", "group", "namespace", "name"};
	struct sl_buf name = {0};

	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		const char *text = json_string_value(json_object_get(row, keys[i]));

		if (i > 0 && text && *text)
			sl_buf_putc(&name, '.');
		for (; text && *text; text++)
			sl_buf_putc(&name, *text == '/' || *text < ' ' ? '_' : *text);
	}
	return sl_buf_take(&name);
}

static int
write_yaml(const char *path, const json_t *object)
{
	char *json = json_dumps(object, JSON_COMPACT);
	struct sl_buf yaml = {0};
	FILE *f = NULL;
	int rc = json ? sl_conf_json_to_yaml(json, &yaml) : -EINVAL;

	if (rc == 0 && !(f = fopen(path, "wx")))
		rc = -errno;
	if (f) {
		fwrite(yaml.data, 1, yaml.len, f);
		if (fclose(f) != 0)
			rc = -EIO;
	}
	sl_buf_fini(&yaml);
	free(json);
	return rc;
}

void
diff_row(struct diff *d, const json_t *row)
{
	char *name = file_name(row);

	d->files = sl_xrealloc(d->files, d->n_files + 1, sizeof(*d->files));
	d->files[d->n_files++] = name;
	for (int i = 0; i < SIDES; i++) {
		const json_t *object = json_object_get(row, side_key[i]);
		char *path;
		int rc;

		if (!json_is_object(object))
			continue;
		path = sl_xasprintf("%s/%s", d->side[i], name);
		rc = write_yaml(path, object);
		if (rc < 0) {
			fprintf(d->err, "sluicectl: %s: %s\n", path, strerror(-rc));
			d->failed++;
		}
		free(path);
	}
}

// In the private folder, so that the paths in the output are LIVE/... and NEW/...
static void
run_program(const struct diff *d, const char *external)
{
	if (chdir(d->dir) == 0) {
		if (external)
			execl("/bin/sh", "sh", "-c", "exec $0 LIVE NEW", external, (char *)NULL);
		else
			execlp("diff", "diff", "-u", "-N", "-r", "LIVE", "NEW", (char *)NULL);
	}
	fprintf(stderr, "sluicectl: can't run %s: %s\n", external ? external : "diff",
		strerror(errno));
	_exit(127);
}

int
diff_run(struct diff *d)
{
	const char *external = getenv("SLUICECTL_EXTERNAL_DIFF");
	int status;
	pid_t pid;

	if (d->failed > 0)
		return 2;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		fprintf(d->err, "sluicectl: fork: %s\n", strerror(errno));
		return 2;
	}
	if (pid == 0)
		run_program(d, external && *external ? external : NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
diff_free(struct diff *d)
{
	if (!d)
		return;
	for (int i = 0; i < SIDES; i++) {
		for (size_t n = 0; n < d->n_files; n++) {
			char *path = sl_xasprintf("%s/%s", d->side[i], d->files[n]);

			unlink(path);
			free(path);
		}
		rmdir(d->side[i]);
		free(d->side[i]);
	}
	rmdir(d->dir);
	for (size_t n = 0; n < d->n_files; n++)
		free(d->files[n]);
	free(d->files);
	free(d->dir);
	free(d);
}
