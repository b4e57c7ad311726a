// Files by path, each with what its documents came to.
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "sl_str.h"

#define MIN_SLOTS 64u
#define RACY_NS   50000000 // file systems and kernels may count in ticks of 10 ms, and coarser

static struct file **
locate(const struct files *t, const char *path, uint64_t hash)
{
	struct file **link = &t->slots[hash & (t->n_slots - 1)];

	while (*link && ((*link)->hash != hash || strcmp((*link)->path, path) != 0))
		link = &(*link)->next;
	return link;
}

static void
grow(struct files *t)
{
	const uint32_t n = t->n_slots ? 2 * t->n_slots : MIN_SLOTS;
	struct file **slots = sl_xcalloc(n, sizeof(struct file *));

	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct file *f = t->slots[i], *next; f; f = next) {
			next = f->next;
			f->next = slots[f->hash & (n - 1)];
			slots[f->hash & (n - 1)] = f;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
}

struct file *
file_find(const struct files *t, const char *path)
{
	return t->n_slots ? *locate(t, path, sl_str_hash(path, strlen(path), 0)) : NULL;
}

struct file *
file_get(struct files *t, const char *path)
{
	struct file *f = file_find(t, path);

	if (f)
		return f;
	if (t->n == t->n_slots)
		grow(t);
	f = sl_xcalloc(1, sizeof(*f));
	f->path = sl_xstrdup(path);
	f->hash = sl_str_hash(path, strlen(path), 0);
	f->next = t->slots[f->hash & (t->n_slots - 1)];
	t->slots[f->hash & (t->n_slots - 1)] = f;
	t->n++;
	return f;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
file_same(const struct file *f, const struct stat *st)
{
	return f->trusted && f->dev == st->st_dev && f->ino == st->st_ino &&
	       f->size == st->st_size && same_time(&f->mtime, &st->st_mtim) &&
	       same_time(&f->ctime, &st->st_ctim);
}

static int64_t
ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

// st was taken before the file is read; one that was changed just now may change again without
// another time.
void
file_remember(struct file *f, const struct stat *st, int64_t now_ns)
{
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->size = st->st_size;
	f->mtime = st->st_mtim;
	f->ctime = st->st_ctim;
	f->trusted = now_ns - ns_of(&st->st_ctim) > RACY_NS;
}

void
docs_free(struct sl_conf_cache *c, struct doc_memory *doc, size_t n, const char *path,
	struct candidates *to)
{
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < doc[i].n_objs; k++) {
			if (to)
				candidate_add(to, doc[i].obj[k].name, path);
			name_put(&c->names, doc[i].obj[k].name);
		}
		free(doc[i].obj);
		sl_diags_fini(&doc[i].diags);
	}
	free(doc);
}

void
files_sweep(struct sl_conf_cache *c, uint64_t pass, struct candidates *to)
{
	struct files *t = &c->files;

	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct file **link = &t->slots[i]; *link;) {
			struct file *f = *link;

			if (pass && f->pass == pass) {
				link = &f->next;
				continue;
			}
			*link = f->next;
			docs_free(c, f->doc, f->n_docs, f->path, to);
			free(f->path);
			free(f);
			t->n--;
		}
	}
}
