// Objects that were applied through the socket survive a restart: STATE_DIR/applied.yaml holds
// them, one canonical JSON document each (JSON is YAML). It is written anew beside the old one,
// synced and renamed, so that a crash leaves either the old or the new file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_priv.h"

static char *
store_path(const struct sl_control *c, const char *suffix)
{
	return sl_xasprintf("%s/applied.yaml%s", c->conf->state_dir, suffix);
}

// The next save writes only what is in force. What this version does not understand (another one
// may have) stays beside it under another name.
static void
keep_rejected(struct sl_control *c, const char *path)
{
	char *aside = store_path(c, ".rejected");

	unlink(aside);
	if (link(path, aside) == 0)
		sl_log(c->log, SL_LOG_WARN, TOPIC,
			"some applied objects are invalid, kept in path=%s", aside);
	else
		sl_log(c->log, SL_LOG_ERR, TOPIC,
			"some applied objects are invalid and will be lost at the next change "
			"path=%s: %s",
			path, strerror(errno));
	free(aside);
}

int
control_store_load(struct sl_control *c, struct sl_diags *diags)
{
	char *path = store_path(c, "");
	struct sl_objects objects = {0};
	const size_t errors = diags->errors;
	int rc = 0;

	if (access(path, R_OK) == 0)
		sl_conf_objects_path(path, SL_ORIGIN_SOCKET, &objects, diags);
	else if (errno != ENOENT)
		rc = -errno;
	if (diags->errors > errors)
		keep_rejected(c, path);
	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(c->registry, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	free(path);
	return rc;
}

static void
collect(struct sl_control *c, struct sl_buf *out)
{
	struct sl_object *obj;
	size_t it = 0;

	sl_buf_puts(out, "# Written by sluice: objects applied with sluicectl. Change them with "
			 "sluicectl apply and delete.\n");
	while (sl_registry_next(c->registry, &it, &obj)) {
		if (obj->origin != SL_ORIGIN_SOCKET)
			continue;
		sl_buf_puts(out, "---\n");
		sl_buf_puts(out, obj->json);
		sl_buf_putc(out, '\n');
	}
}

static int
write_all(int fd, const struct sl_buf *text)
{
	for (size_t done = 0; done < text->len;) {
		const ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int
write_file(const char *path, const struct sl_buf *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

int
control_store_save(struct sl_control *c)
{
	char *path = store_path(c, ""), *next = store_path(c, ".new");
	struct sl_buf text = {0};
	int rc;

	if (mkdir(c->conf->state_dir, 0755) < 0 && errno != EEXIST) {
		rc = -errno;
		goto out;
	}
	collect(c, &text);
	rc = write_file(next, &text);
	if (rc == 0 && rename(next, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(next);
out:
	sl_buf_fini(&text);
	free(next);
	free(path);
	return rc;
}
