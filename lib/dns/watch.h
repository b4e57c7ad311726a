// A file that is read again when it changes.
#pragma once

#include <sys/stat.h>

#include "sl_types.h"

struct watch {
	char *path; // NULL: none
	struct timespec mtime;
	off_t size;
	ino_t inode;
	bool there;
	bool known; // looked at once
};

void watch_set(struct watch *w, const char *path); // copies; the next look says changed
bool watch_changed(struct watch *w);               // since the last look, or it came or went
void watch_fini(struct watch *w);
