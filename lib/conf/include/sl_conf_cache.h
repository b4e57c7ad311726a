// A reader of resource folders with a memory: after the first load it reads only what changed.
//
// A file that is the same by device, inode, size, mtime and ctime is not opened. Of a file that is
// read, a document whose bytes are as they were is not parsed: its objects keep their place with
// the caller, at another line perhaps, and what was found in it is reported again.
//
// Owner:   the cache remembers texts' hashes, names and findings; objects belong to the caller.
// Threads: one at a time, any control-side thread. A load may have helpers that parse documents;
//          they see nothing but texts and what becomes of them, and are gone when it returns. All
//          that is told is told by the caller's thread.
// Errors:  as sl_conf.h: diagnostics, and their number.
// Limits:  as sl_conf.h. A load costs one stat() a file, the reading of what changed, and a pass
//          over the names (about 150 bytes each). A file that was written within the last 50 ms
//          before it was read is read again at the next load: another write may share its times.
#pragma once

#include <sched.h>

#include "sl_conf.h"

struct sl_conf_cache;

struct sl_conf_cache *sl_conf_cache_new(enum sl_origin origin);
void sl_conf_cache_free(struct sl_conf_cache *c);
// The loads from here on may have n helpers (3 at most; at first 0) when there is much to parse.
// cpus: where they run, NULL: where the caller does.
void sl_conf_cache_helpers(struct sl_conf_cache *c, unsigned n, const cpu_set_t *cpus);

// What a load tells, in the order of the walk; `gone` comes last.
struct sl_conf_cache_fns {
	// An object of a document that is new or changed. Taken over by the caller.
	void (*found)(void *ctx, struct sl_object *obj);
	// The document of an object that was found before stands `lines` further down now.
	void (*moved)(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
		int32_t lines);
	// No document gives this object any more. rejected: NULL; or its file (a folder above it,
	// or the document itself) has errors, these: the last good version should stay. It is told
	// again at each load for as long as that is so.
	void (*gone)(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
		const char *rejected);
};

struct sl_conf_cache_result {
	size_t unchanged; // objects of documents that are as they were
	size_t invalid;   // as in struct sl_objects, of all documents, read or remembered
	size_t skipped;
	size_t files_read;
	size_t docs_read;
};

// Reads the paths, each as sl_conf_objects_path() does. Of two documents with an object of one name
// the first in this order counts, the other one is an error. now_ns: the wall clock, as files have
// it. Returns the number of errors.
size_t sl_conf_cache_load(struct sl_conf_cache *c, char *const *paths, uint32_t n_paths,
	int64_t now_ns, const struct sl_conf_cache_fns *fns, void *ctx, struct sl_diags *diags,
	struct sl_conf_cache_result *result);
