// The inside of struct sl_conf_cache: cache.c (a load), cache_names.c (who gives which object, and
// what is gone), cache_files.c (what a file had in it).
#pragma once

#include <sys/stat.h>

#include "crew.h"
#include "sl_conf_cache.h"

// The identity of an object. It lives while a document or the list of kept ones names it.
struct name {
	struct name *next; // in the chain of the table
	uint64_t hash;
	enum sl_kind kind;
	char *namespace_;
	char *name;
	uint32_t refs;
	bool listed;      // among the candidates for `gone` already
	uint64_t pass;    // the last load that found it
	const char *file; // where, in that load; borrowed from struct file
	uint32_t line;
};

struct names {
	struct name **slots;
	uint32_t n_slots; // power of two
	uint32_t n;
};

struct name_at {
	struct name *name;
	uint32_t line; // in the document, from 0
};

struct doc_memory {
	uint64_t hash;
	size_t len;
	uint32_t line;
	bool stale;    // an object of it lost its name to another document: read again
	bool used;     // in the load that reads the file anew
	bool fresh;    // in the load at hand: it is being parsed
	int32_t moved; // in the load at hand: lines that it went down
	struct name_at *obj;
	uint32_t n_objs;
	uint32_t cap_objs;
	size_t invalid;
	size_t skipped;
	struct sl_diags diags; // with the lines of the file
};

struct file {
	struct file *next; // in the chain of the table
	uint64_t hash;
	char *path;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
	bool trusted;  // the times above tell whether it changed
	uint64_t pass; // the last load that met it
	struct doc_memory *doc;
	size_t n_docs;
};

struct files {
	struct file **slots;
	uint32_t n_slots;
	uint32_t n;
};

// A name that some document, or the caller by our word, had before this load.
struct candidate {
	struct name *name; // one reference
	char *path;        // of the file that had it
};

struct candidates {
	struct candidate *v;
	size_t n;
	size_t cap;
};

struct sl_conf_cache {
	enum sl_origin origin;
	uint64_t pass;
	struct names names;
	struct files files;
	struct candidates kept; // last good versions of the load before, then of this one
	unsigned helpers;
	bool has_cpus;
	cpu_set_t cpus;
};

// cache_names.c
struct name *name_get(struct names *t, const struct sl_object *obj); // one reference
void name_put(struct names *t, struct name *n);
void names_fini(struct names *t);
void candidate_add(struct candidates *c, struct name *name, const char *path); // its own reference
// Tells of each candidate that this load did not find, and keeps those with a last good version.
struct load;
void candidates_judge(struct load *l);

// cache_files.c
struct file *file_get(struct files *t, const char *path);
struct file *file_find(const struct files *t, const char *path);
bool file_same(const struct file *f, const struct stat *st);
void file_remember(struct file *f, const struct stat *st, int64_t now_ns);
// Ends what the documents say; each of their names becomes a candidate (NULL: none does).
void docs_free(struct sl_conf_cache *c, struct doc_memory *doc, size_t n, const char *path,
	struct candidates *to);
// Ends the files that load `pass` did not meet (all: 0).
void files_sweep(struct sl_conf_cache *c, uint64_t pass, struct candidates *to);

// One load.
struct load {
	struct sl_conf_cache *c;
	const struct sl_conf_cache_fns *fns;
	void *ctx;
	struct sl_diags *diags;
	struct sl_conf_cache_result *result;
	int64_t now_ns;
	size_t errors;
	struct candidates candidates;
	char **bad; // paths that cannot be read; sorted for candidates_judge()
	size_t n_bad;
	struct crew *crew;
	struct reading *first, **last; // files that are read and not yet merged, in order
	size_t held_bytes;             // of their texts
};
