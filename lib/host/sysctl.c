#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define PATH_BYTES 128

// What the kernel takes (dev_valid_name()), less '%', which TUNSETIFF would fill in.
bool
netdev_name_ok(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len < SL_NL_NAME_BYTES && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && strpbrk(name, "/:% \t\r\n\v\f") == NULL;
}

static int
open_sysctl(const char *family, const char *netdev, const char *name, int flags)
{
	char path[PATH_BYTES];
	const int len =
		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, netdev, name);
	int fd;

	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
sysctl_read(const char *family, const char *netdev, const char *name, char value[16])
{
	const int fd = open_sysctl(family, netdev, name, O_RDONLY);
	ssize_t len;
	int err;

	if (fd < 0)
		return fd;
	len = read(fd, value, 15);
	err = len < 0 ? -errno : 0;
	close(fd);
	if (err < 0)
		return err;
	value[len] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int
sysctl_write(const char *family, const char *netdev, const char *name, const char *value)
{
	const int fd = open_sysctl(family, netdev, name, O_WRONLY);
	const size_t len = strlen(value);
	int err;

	if (fd < 0)
		return fd;
	err = write(fd, value, len) == (ssize_t)len ? 0 : -errno;
	close(fd);
	return err;
}
