// One load: what of each file is as it was, what is read, and what that means for the objects.
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "node.h"
#include "objects.h"
#include "paths.h"
#include "sl_str.h"

// ---- findings of a document ----

static void
report(struct load *l, const struct doc_memory *doc)
{
	for (size_t i = 0; i < doc->diags.n; i++) {
		const struct sl_diag *d = &doc->diags.v[i];
		const struct sl_loc loc = {.file = d->file, .line = d->line, .col = d->col};

		sl_diag_add(
			l->diags, d->severity, &loc, d->object, d->path, d->rule, "%s", d->message);
	}
	l->errors += doc->diags.errors;
	l->result->invalid += doc->invalid;
	l->result->skipped += doc->skipped;
}

static void
report_taken(struct doc_memory *doc, const struct file *f, const struct name *n, uint32_t line)
{
	const struct sl_loc loc = {.file = f->path, .line = line, .col = 1};
	char *title = sl_xasprintf("%s %s%s%s", sl_kind_name(n->kind), n->namespace_,
		*n->namespace_ ? "/" : "", n->name);

	sl_diag_add(&doc->diags, SL_ERROR, &loc, title, NULL, NULL,
		"defined before, at %s:%u: this one is left out", n->file, n->line);
	free(title);
}

// ---- names ----

// The first document of a load that has the name gets it.
static bool
claim(struct load *l, const struct file *f, struct doc_memory *doc, const struct name_at *at)
{
	struct name *n = at->name;
	const uint32_t line = doc->line + at->line;

	if (n->pass == l->c->pass) {
		report_taken(doc, f, n, line);
		doc->stale = true;
		doc->invalid++;
		return false;
	}
	n->pass = l->c->pass;
	n->file = f->path;
	n->line = line;
	return true;
}

// ---- a document ----

static void
claim_again(struct load *l, const struct file *f, struct doc_memory *doc, int32_t lines)
{
	for (uint32_t i = 0; i < doc->n_objs; i++) {
		const struct name *n = doc->obj[i].name;

		if (!claim(l, f, doc, &doc->obj[i]))
			continue;
		l->result->unchanged++;
		if (lines)
			l->fns->moved(l->ctx, n->kind, n->namespace_, n->name, lines);
	}
}

static void
move_doc(struct doc_memory *doc, int32_t lines)
{
	doc->line += (uint32_t)lines;
	for (size_t i = 0; i < doc->diags.n; i++)
		if (doc->diags.v[i].line)
			doc->diags.v[i].line += (uint32_t)lines;
}

static void
take_object(struct load *l, struct file *f, struct doc_memory *doc, struct sl_object *obj)
{
	struct name_at *at;

	if (doc->n_objs == doc->cap_objs) {
		doc->cap_objs = doc->cap_objs ? 2 * doc->cap_objs : 1;
		doc->obj = sl_xrealloc(doc->obj, doc->cap_objs, sizeof(*doc->obj));
	}
	at = &doc->obj[doc->n_objs++];
	*at = (struct name_at){
		.name = name_get(&l->c->names, obj), .line = obj->loc.line - doc->line};
	if (claim(l, f, doc, at))
		l->fns->found(l->ctx, obj);
	else
		sl_object_free(obj);
}

static void
take_objects(struct load *l, struct file *f, struct doc_memory *doc, struct sl_objects *objects)
{
	l->result->docs_read++;
	doc->invalid = objects->invalid;
	doc->skipped = objects->skipped;
	for (size_t i = 0; i < objects->n; i++) {
		take_object(l, f, doc, objects->v[i]);
		objects->v[i] = NULL;
	}
	sl_objects_fini(objects);
}

// ---- a file ----

// The documents that a file had, to be found again by their bytes.
struct old_docs {
	struct doc_memory *doc;
	size_t n;
	size_t at;       // the one after the last that was found: most come in the old order
	uint32_t *index; // by hash, index + 1; made when one is out of order
	size_t mask;
};

static void
index_docs(struct old_docs *old)
{
	size_t size = 16;

	while (size < 2 * old->n)
		size *= 2;
	old->index = sl_xcalloc(size, sizeof(*old->index));
	old->mask = size - 1;
	for (size_t i = 0; i < old->n; i++) {
		size_t slot = old->doc[i].hash & old->mask;

		while (old->index[slot])
			slot = (slot + 1) & old->mask;
		old->index[slot] = (uint32_t)i + 1;
	}
}

static bool
is_same(const struct doc_memory *doc, uint64_t hash, size_t len)
{
	return !doc->used && !doc->stale && doc->hash == hash && doc->len == len;
}

static struct doc_memory *
find_doc(struct old_docs *old, uint64_t hash, size_t len)
{
	if (old->at < old->n && is_same(&old->doc[old->at], hash, len))
		return &old->doc[old->at++];
	if (old->n && !old->index)
		index_docs(old);
	for (size_t i = hash & old->mask; old->n && old->index[i]; i = (i + 1) & old->mask) {
		struct doc_memory *doc = &old->doc[old->index[i] - 1];

		if (!is_same(doc, hash, len))
			continue;
		old->at = old->index[i];
		return doc;
	}
	return NULL;
}

static struct doc_memory *
append_doc(struct file *f, size_t *cap)
{
	if (f->n_docs == *cap) {
		*cap = *cap ? 2 * *cap : 1;
		f->doc = sl_xrealloc(f->doc, *cap, sizeof(*f->doc));
	}
	f->doc[f->n_docs] = (struct doc_memory){0};
	return &f->doc[f->n_docs++];
}

// A file on its way: cut into documents, of which those that are new are being parsed.
struct reading {
	struct reading *next;
	struct file *f;
	struct sl_buf text;
	struct old_docs old;
	struct crew_doc *doc; // the fresh ones
	size_t n_docs;
	size_t cap_docs;
	struct crew_work *work; // these, in pieces
	size_t n_work;
};

static void
cut_doc(struct reading *r, struct doc_memory *doc, const char *text, size_t len, uint32_t line)
{
	const uint64_t hash = sl_text_hash(text, len);
	struct doc_memory *was = find_doc(&r->old, hash, len);

	if (was) {
		const int32_t lines = (int32_t)(line - was->line);

		*doc = *was;
		doc->moved = lines;
		// Its names and findings are here now.
		*was = (struct doc_memory){.hash = hash, .len = len, .used = true};
		move_doc(doc, lines);
		return;
	}
	*doc = (struct doc_memory){.hash = hash, .len = len, .line = line, .fresh = true};
	if (r->n_docs == r->cap_docs) {
		r->cap_docs = r->cap_docs ? 2 * r->cap_docs : 1;
		r->doc = sl_xrealloc(r->doc, r->cap_docs, sizeof(*r->doc));
	}
	r->doc[r->n_docs++] = (struct crew_doc){.text = text, .len = len, .line = line};
}

static bool
too_many(struct file *f, struct doc_memory *doc, uint32_t line)
{
	struct sl_objects none = {0};
	struct objects_reader o = {.diags = &doc->diags, .file = f->path, .out = &none};

	if (!objects_too_many(&o, f->n_docs, line))
		return false;
	doc->stale = true;
	doc->invalid = none.invalid;
	return true;
}

static void
cut(struct reading *r)
{
	const char *text = r->text.data ? r->text.data : "", *doc_text;
	size_t pos = 0, doc_len, cap = 0;
	uint32_t line = 1, doc_line;
	struct file *f = r->f;

	while (stream_next(text, r->text.len, &pos, &line, &doc_text, &doc_len, &doc_line)) {
		struct doc_memory *doc = append_doc(f, &cap);

		if (too_many(f, doc, doc_line))
			break;
		cut_doc(r, doc, doc_text, doc_len, doc_line);
	}
	// Now that they stay where they are.
	for (size_t i = 0, k = 0; i < f->n_docs; i++)
		if (f->doc[i].fresh)
			r->doc[k++].diags = &f->doc[i].diags;
}

// Enough for a piece that getting it costs little, and nobody waits long for the last one.
#define PIECE_BYTES (16u * 1024)

static void
hand_out(struct load *l, struct reading *r)
{
	r->work = sl_xcalloc(r->n_docs, sizeof(*r->work));
	for (size_t i = 0; i < r->n_docs;) {
		struct crew_work *w = &r->work[r->n_work++];
		size_t bytes = 0;

		*w = (struct crew_work){.file = r->f->path, .doc = &r->doc[i]};
		for (; i < r->n_docs && bytes < PIECE_BYTES; i++, w->n++)
			bytes += r->doc[i].len;
		crew_add(l->crew, w);
	}
}

// What became of the file, in the order of the walk.
static void
merge(struct load *l, struct reading *r)
{
	struct crew_work *w = r->work;
	struct file *f = r->f;
	uint32_t k = 0;

	for (size_t i = 0; i < f->n_docs; i++) {
		struct doc_memory *doc = &f->doc[i];

		if (doc->fresh) {
			if (k == 0)
				crew_finish(l->crew, w);
			take_objects(l, f, doc, &w->doc[k].objects);
			if (++k == w->n) {
				w++;
				k = 0;
			}
		} else {
			claim_again(l, f, doc, doc->moved);
		}
		doc->fresh = false;
		doc->moved = 0;
		report(l, doc);
	}
	docs_free(l->c, r->old.doc, r->old.n, f->path, &l->candidates);
}

// As many files as it takes to hold so much less.
static void
merge_down_to(struct load *l, size_t bytes)
{
	while (l->first && (bytes == 0 || l->held_bytes > bytes)) {
		struct reading *r = l->first;

		l->first = r->next;
		if (!l->first)
			l->last = &l->first;
		l->held_bytes -= r->text.len;
		merge(l, r);
		sl_buf_fini(&r->text);
		free(r->old.index);
		free(r->doc);
		free(r->work);
		free(r);
	}
}

// Texts that wait for their turn: what helpers can be ahead.
#define HELD_BYTES (4u << 20)

static struct reading *
reading_add(struct load *l, struct file *f)
{
	struct reading *r = sl_xcalloc(1, sizeof(*r));

	f->pass = l->c->pass;
	r->f = f;
	*l->last = r;
	l->last = &r->next;
	return r;
}

static void
read_text(void *ctx, const char *path, struct sl_buf *text)
{
	struct load *l = ctx;
	struct file *f = file_get(&l->c->files, path);
	struct reading *r = reading_add(l, f);

	l->result->files_read++;
	r->text = *text;
	*text = (struct sl_buf){0};
	r->old = (struct old_docs){.doc = f->doc, .n = f->n_docs};
	f->doc = NULL;
	f->n_docs = 0;
	cut(r);
	hand_out(l, r);
	l->held_bytes += r->text.len;
	if (l->held_bytes > HELD_BYTES)
		merge_down_to(l, HELD_BYTES / 2);
}

// A document that lost a name, and the first of two equal ones, may have another turn now.
static bool
is_stale(const struct file *f)
{
	for (size_t i = 0; i < f->n_docs; i++)
		if (f->doc[i].stale)
			return true;
	return false;
}

// False: as it was, with all that it says.
static bool
wanted(void *ctx, const char *path, const struct stat *st)
{
	struct load *l = ctx;
	struct file *f = file_get(&l->c->files, path);

	// One file by two ways (a path listed twice): the second time all its names are taken.
	if (f->pass == l->c->pass) {
		merge_down_to(l, 0);
	} else if (file_same(f, st) && !is_stale(f)) {
		reading_add(l, f);
		return false;
	}
	file_remember(f, st, l->now_ns);
	return true;
}

static void
unreadable(void *ctx, const char *path)
{
	struct load *l = ctx;

	l->bad = sl_xrealloc(l->bad, l->n_bad + 1, sizeof(*l->bad));
	l->bad[l->n_bad++] = sl_xstrdup(path);
}

size_t
sl_conf_cache_load(struct sl_conf_cache *c, char *const *paths, uint32_t n_paths, int64_t now_ns,
	const struct sl_conf_cache_fns *fns, void *ctx, struct sl_diags *diags,
	struct sl_conf_cache_result *result)
{
	static const struct paths_fns walk = {
		.wanted = wanted, .text = read_text, .unreadable = unreadable};
	struct load l = {.c = c,
		.fns = fns,
		.ctx = ctx,
		.diags = diags,
		.result = result,
		.now_ns = now_ns,
		.candidates = c->kept,
		.crew = crew_new(c->origin, c->helpers, c->has_cpus ? &c->cpus : NULL)};

	*result = (struct sl_conf_cache_result){0};
	c->kept = (struct candidates){0};
	c->pass++;
	l.last = &l.first;
	for (uint32_t i = 0; i < n_paths; i++)
		l.errors += paths_walk(paths[i], &walk, &l, diags);
	merge_down_to(&l, 0);
	crew_free(l.crew);
	files_sweep(c, c->pass, &l.candidates);
	candidates_judge(&l);
	for (size_t i = 0; i < l.n_bad; i++)
		free(l.bad[i]);
	free(l.bad);
	return l.errors;
}

struct sl_conf_cache *
sl_conf_cache_new(enum sl_origin origin)
{
	struct sl_conf_cache *c = sl_xcalloc(1, sizeof(*c));

	c->origin = origin;
	return c;
}

void
sl_conf_cache_helpers(struct sl_conf_cache *c, unsigned n, const cpu_set_t *cpus)
{
	c->helpers = n;
	c->has_cpus = cpus != NULL;
	if (cpus)
		c->cpus = *cpus;
}

void
sl_conf_cache_free(struct sl_conf_cache *c)
{
	if (!c)
		return;
	files_sweep(c, 0, NULL);
	for (size_t i = 0; i < c->kept.n; i++) {
		name_put(&c->names, c->kept.v[i].name);
		free(c->kept.v[i].path);
	}
	free(c->kept.v);
	free(c->files.slots);
	names_fini(&c->names);
	free(c);
}
