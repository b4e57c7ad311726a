// The listening Unix socket: made with its owner and mode before anyone can see it, a stale one
// replaced, a live one respected.
//
// Owner:   the caller's memory; sl_ctl_socket_close() ends it.
// Threads: one at a time; daemons that start at the same time take turns by a lock on the folder.
// Errors:  negative errno and *why, a sentence (the caller frees).
#pragma once

#include <sys/types.h>

#include "sl_ctl.h"

struct sl_ctl_socket {
	char *path;
	int fd; // listening, non-blocking
	dev_t dev;
	ino_t ino;
};

int sl_ctl_socket_open(struct sl_ctl_socket *s, const struct sl_ctl_cfg *cfg, char **why);
// Removes the path when it still is this very socket, and closes it.
void sl_ctl_socket_close(struct sl_ctl_socket *s);
