// Objects by name, and what becomes of those that no document gives any more.
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "sl_str.h"

#define MIN_SLOTS 256u
#define MAX_TOLD  8 // errors of one object that go with it; all are in the diagnostics

// ---- the table ----

static struct name **
locate(const struct names *t, uint64_t hash, enum sl_kind kind, const char *ns, const char *name)
{
	struct name **link = &t->slots[hash & (t->n_slots - 1)];

	for (; *link; link = &(*link)->next)
		if ((*link)->hash == hash && (*link)->kind == kind &&
			strcmp((*link)->name, name) == 0 && strcmp((*link)->namespace_, ns) == 0)
			break;
	return link;
}

static void
grow(struct names *t)
{
	const uint32_t n = t->n_slots ? 2 * t->n_slots : MIN_SLOTS;
	struct name **slots = sl_xcalloc(n, sizeof(struct name *));

	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct name *m = t->slots[i], *next; m; m = next) {
			next = m->next;
			m->next = slots[m->hash & (n - 1)];
			slots[m->hash & (n - 1)] = m;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
}

struct name *
name_get(struct names *t, const struct sl_object *obj)
{
	const struct sl_meta *meta = &obj->meta;
	uint64_t hash = sl_str_hash(meta->namespace_, strlen(meta->namespace_) + 1, obj->kind + 1u);
	struct name **link;

	if (t->n == t->n_slots)
		grow(t);
	hash = sl_str_hash(meta->name, strlen(meta->name), hash);
	link = locate(t, hash, obj->kind, meta->namespace_, meta->name);
	if (!*link) {
		*link = sl_xcalloc(1, sizeof(struct name));
		**link = (struct name){.hash = hash,
			.kind = obj->kind,
			.namespace_ = sl_xstrdup(meta->namespace_),
			.name = sl_xstrdup(meta->name)};
		t->n++;
	}
	(*link)->refs++;
	return *link;
}

void
name_put(struct names *t, struct name *n)
{
	struct name **link;

	if (--n->refs > 0)
		return;
	link = locate(t, n->hash, n->kind, n->namespace_, n->name);
	*link = n->next;
	t->n--;
	free(n->namespace_);
	free(n->name);
	free(n);
}

void
names_fini(struct names *t)
{
	free(t->slots);
}

// ---- candidates for `gone` ----

void
candidate_add(struct candidates *c, struct name *name, const char *path)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 64;
		c->v = sl_xrealloc(c->v, c->cap, sizeof(*c->v));
	}
	name->refs++;
	c->v[c->n++] = (struct candidate){.name = name, .path = sl_xstrdup(path)};
}

// "ServiceEntry shop/web", as a finding names it. One that names no object ("List", nothing) may be
// about any.
static bool
tells_object(const struct sl_diag *d)
{
	return d->object && strchr(d->object, ' ');
}

// The errors of one file, to be looked up by object.
struct blame {
	const char *path; // NULL: none yet
	const struct sl_diag **v;
	size_t n;
};

static int
by_object(const void *x, const void *y)
{
	const struct sl_diag *a = *(const struct sl_diag *const *)x;
	const struct sl_diag *b = *(const struct sl_diag *const *)y;
	const bool told = tells_object(a), also = tells_object(b);

	if (!told || !also)
		return told - also; // those about any object stand first
	return strcmp(a->object, b->object);
}

static void
blame_file(struct blame *b, const struct file *f)
{
	b->path = f->path;
	b->n = 0;
	for (size_t i = 0; i < f->n_docs; i++) {
		const struct sl_diags *d = &f->doc[i].diags;

		for (size_t k = 0; d->errors && k < d->n; k++) {
			if (d->v[k].severity != SL_ERROR)
				continue;
			if ((b->n & (b->n - 1)) == 0)
				b->v = sl_xrealloc(b->v, 2 * b->n + 1, sizeof(*b->v));
			b->v[b->n++] = &d->v[k];
		}
	}
	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), by_object);
}

static void
put_line(struct sl_buf *out, const struct sl_diag *d)
{
	if (out->len)
		sl_buf_putc(out, '\n');
	sl_diag_format(d, out);
}

// The first error of that object, or where it would stand.
static size_t
first_of(const struct blame *b, const char *title)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct sl_diag *d = b->v[mid];

		if (!tells_object(d) || strcmp(d->object, title) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// The errors by which the object may have been meant.
static void
errors_about(const struct blame *b, const struct name *n, struct sl_buf *out)
{
	char *title = sl_xasprintf("%s %s%s%s", sl_kind_name(n->kind), n->namespace_,
		*n->namespace_ ? "/" : "", n->name);

	for (size_t i = first_of(b, title), told = 0;
		i < b->n && told < MAX_TOLD && strcmp(b->v[i]->object, title) == 0; i++, told++)
		put_line(out, b->v[i]);
	// One that may be about any object of the file is about this one too; the first will do.
	if (!out->len && b->n && !tells_object(b->v[0]))
		put_line(out, b->v[0]);
	free(title);
}

static int
by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

// The folder above, or the path itself, that could not be read.
static void
unreadable_above(const struct load *l, const char *path, struct sl_buf *out)
{
	char *above = sl_xstrdup(path), *const *bad = NULL;

	for (char *end = above + strlen(above); l->n_bad && !bad && end;
		end = strrchr(above, '/')) {
		char keep = *end;

		*end = '\0';
		bad = bsearch(&above, l->bad, l->n_bad, sizeof(*l->bad), by_text);
		// A folder may be listed as "objects/".
		if (!bad && keep == '/') {
			char *listed = sl_xasprintf("%s/", above);

			bad = bsearch(&listed, l->bad, l->n_bad, sizeof(*l->bad), by_text);
			free(listed);
		}
	}
	if (bad)
		sl_buf_printf(out, "%s: error: cannot be read", *bad);
	free(above);
}

static void
judge(struct load *l, const struct candidate *at, struct blame *b, struct candidates *kept)
{
	const struct file *f = file_find(&l->c->files, at->path);
	struct sl_buf why = {0};
	const struct name *n = at->name;

	if (f && f->pass == l->c->pass && (!b->path || strcmp(b->path, f->path) != 0))
		blame_file(b, f);
	if (f && f->pass == l->c->pass)
		errors_about(b, n, &why);
	if (!why.len)
		unreadable_above(l, at->path, &why);
	if (why.len)
		candidate_add(kept, at->name, at->path);
	l->fns->gone(l->ctx, n->kind, n->namespace_, n->name, why.len ? why.data : NULL);
	sl_buf_fini(&why);
}

static int
by_path(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	return strcmp(a->path, b->path);
}

void
candidates_judge(struct load *l)
{
	struct candidates *c = &l->candidates, kept = {0};
	struct blame blame = {0};

	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), by_path);
	if (l->n_bad)
		qsort(l->bad, l->n_bad, sizeof(*l->bad), by_text);
	for (size_t i = 0; i < c->n; i++) {
		struct name *n = c->v[i].name;

		if (n->pass != l->c->pass && !n->listed) {
			n->listed = true;
			judge(l, &c->v[i], &blame, &kept);
		}
	}
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].name->listed = false;
		name_put(&l->c->names, c->v[i].name);
		free(c->v[i].path);
	}
	free(c->v);
	free(blame.v);
	*c = (struct candidates){0};
	l->c->kept = kept;
}
