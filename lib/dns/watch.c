#include "watch.h"

#include <stdlib.h>

#include "sl_str.h"

void
watch_set(struct watch *w, const char *path)
{
	char *copy = sl_xstrdup(path);

	watch_fini(w);
	w->path = copy;
}

bool
watch_changed(struct watch *w)
{
	struct stat st = {0};
	struct watch now = {.path = w->path, .known = true};
	bool same;

	if (w->path && stat(w->path, &st) == 0) {
		now.there = true;
		now.mtime = st.st_mtim;
		now.size = st.st_size;
		now.inode = st.st_ino;
	}
	same = w->known && now.there == w->there && now.size == w->size && now.inode == w->inode &&
	       now.mtime.tv_sec == w->mtime.tv_sec && now.mtime.tv_nsec == w->mtime.tv_nsec;
	*w = now;
	return !same;
}

void
watch_fini(struct watch *w)
{
	free(w->path);
	*w = (struct watch){0};
}
