#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sl_str.h"

#define BACKLOG 64

static int
fail(char **why, int rc, const char *what, const char *path)
{
	*why = sl_xasprintf("%s %s: %s", what, path, strerror(-rc));
	return rc;
}

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return sl_xstrdup(".");
	return slash == path ? sl_xstrdup("/") : sl_xasprintf("%.*s", (int)(slash - path), path);
}

static int
owner_of(const char *name, uid_t *uid, char **why)
{
	uint64_t number;

	*uid = (uid_t)-1;
	if (!name)
		return 0;
	const struct passwd *pw = getpwnam(name);
	if (pw)
		*uid = pw->pw_uid;
	else if (sl_str_u64(name, &number) == 0 && number < UINT32_MAX)
		*uid = (uid_t)number;
	else {
		*why = sl_xasprintf("control socket: there is no user \"%s\"", name);
		return -ENOENT;
	}
	return 0;
}

static int
group_of(const char *name, gid_t *gid, char **why)
{
	uint64_t number;

	*gid = (gid_t)-1;
	if (!name)
		return 0;
	const struct group *gr = getgrnam(name);
	if (gr)
		*gid = gr->gr_gid;
	else if (sl_str_u64(name, &number) == 0 && number < UINT32_MAX)
		*gid = (gid_t)number;
	else {
		*why = sl_xasprintf("control socket: there is no group \"%s\", "
				    "`groupadd --system %s` makes it",
			name, name);
		return -ENOENT;
	}
	return 0;
}

static int
address_of(const char *path, struct sockaddr_un *addr, char **why)
{
	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(addr->sun_path)) {
		*why = sl_xasprintf("control socket %s: the path is too long", path);
		return -ENAMETOOLONG;
	}
	memcpy(addr->sun_path, path, strlen(path) + 1);
	return 0;
}

// 0: the path is free or holds a socket that nobody answers on.
static int
check_stale(const char *path, char **why)
{
	struct sockaddr_un addr;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(why, -errno, "control socket", path);
	if (!S_ISSOCK(st.st_mode)) {
		*why = sl_xasprintf(
			"control socket %s: something that is no socket is there", path);
		return -EEXIST;
	}
	rc = address_of(path, &addr, why);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(why, -errno, "control socket", path);
	rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	close(fd);
	if (rc == -ECONNREFUSED || rc == -ENOENT)
		return 0;
	*why = sl_xasprintf("control socket %s: another daemon is already running there", path);
	return -EADDRINUSE;
}

// Makes the socket at `path` inside a folder that only we can enter, so that it is ready before it
// can be seen.
static int
make_socket(struct sl_ctl_socket *s, const char *path, const struct sl_ctl_cfg *cfg, char **why)
{
	struct sockaddr_un addr;
	struct stat st;
	uid_t uid;
	gid_t gid;
	int rc;

	if ((rc = owner_of(cfg->owner, &uid, why)) < 0 ||
		(rc = group_of(cfg->group, &gid, why)) < 0 ||
		(rc = address_of(path, &addr, why)) < 0)
		return rc;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return fail(why, -errno, "control socket", s->path);
	if (bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return fail(why, -errno, "can't make the control socket", s->path);
	if (chmod(path, cfg->mode ? cfg->mode : 0660) < 0)
		return fail(why, -errno, "can't set the mode of the control socket", s->path);
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(path, uid, gid) < 0)
		return fail(
			why, -errno, "can't set owner and group of the control socket", s->path);
	if (listen(s->fd, BACKLOG) < 0 || stat(path, &st) < 0)
		return fail(why, -errno, "can't listen on the control socket", s->path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int
make_and_show(struct sl_ctl_socket *s, const char *folder, const struct sl_ctl_cfg *cfg, char **why)
{
	char *private = sl_xasprintf("%s/.slXXXXXX", folder);
	char *path = NULL;
	int rc;

	if (!mkdtemp(private)) {
		rc = fail(why, -errno, "can't write to the folder", folder);
		goto free_names;
	}
	path = sl_xasprintf("%s/s", private);
	rc = make_socket(s, path, cfg, why);
	if (rc == 0 && rename(path, s->path) < 0)
		rc = fail(why, -errno, "can't make the control socket", s->path);
	if (rc < 0)
		unlink(path);
	rmdir(private);
free_names:
	free(path);
	free(private);
	return rc;
}

// The folder, locked against another daemon that starts at the same time: a file descriptor, or
// negative errno. Anyone who may list the folder can lock it too, so that nobody waits long for it.
static int
lock_folder(const char *folder, char **why)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(why, -errno, "can't open the folder", folder);
	for (int i = 0; i < 10 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK; i++)
		nanosleep(&pause, NULL);
	return fd;
}

int
sl_ctl_socket_open(struct sl_ctl_socket *s, const struct sl_ctl_cfg *cfg, char **why)
{
	char *folder = folder_of(cfg->path);
	struct sockaddr_un addr;
	int lock, rc;

	*s = (struct sl_ctl_socket){.path = sl_xstrdup(cfg->path), .fd = -1};
	rc = address_of(cfg->path, &addr, why);
	if (rc < 0)
		goto free_folder;
	if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
		rc = fail(why, -errno, "can't make the folder", folder);
		goto free_folder;
	}
	lock = rc = lock_folder(folder, why);
	if (lock < 0)
		goto free_folder;
	rc = check_stale(s->path, why);
	if (rc == 0)
		rc = make_and_show(s, folder, cfg, why);
	close(lock);
free_folder:
	free(folder);
	if (rc < 0) {
		if (s->fd >= 0)
			close(s->fd);
		free(s->path);
		*s = (struct sl_ctl_socket){.fd = -1};
	}
	return rc;
}

void
sl_ctl_socket_close(struct sl_ctl_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	// The path goes first: while it is listened on, no other daemon puts its own there.
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	close(s->fd);
	free(s->path);
	*s = (struct sl_ctl_socket){.fd = -1};
}
