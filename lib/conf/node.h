// A YAML document as a tree of nodes that know where they stand.
//
// Owner:   struct doc owns every node and text in it (one arena): the next doc_read() of it or
//          doc_fini() ends them at once. An alias is the same node twice: the tree is a DAG, never
//          a ring.
// Errors:  in diags; a document with a syntax error or past a limit gives no tree. A duplicate key
//          is an error that leaves a tree (the first value stays), so that the rest is checked too.
// Limits:  sl_conf.h; linear in the input (n log n for the keys of one mapping).
//
// Source: YAML 1.2.2, core schema (10.3.2); the merge key `<<` of YAML 1.1, which kubectl reads.
#pragma once

#include <string.h>

#include "sl_diag.h"

enum node_kind {
	NODE_SCALAR,
	NODE_SEQ,
	NODE_MAP,
};

enum scalar_type {
	SCALAR_STR,
	SCALAR_NULL,
	SCALAR_BOOL,
	SCALAR_INT,
	SCALAR_FLOAT,
};

struct node {
	uint8_t kind;   // enum node_kind
	uint8_t scalar; // enum scalar_type
	bool open;      // still being read: an alias to it would be a ring
	uint32_t line;  // from 1
	uint32_t col;
	uint32_t n;     // items, pairs, or bytes of text
	uint32_t nodes; // itself and all below, aliases counted as often as they are used
	union {
		const char *text;
		struct node *const *items;
		const struct pair *pairs;
	};
};

struct pair {
	const char *key;
	uint32_t line;
	uint32_t col;
	const struct node *value;
};

struct chunk;
struct builder;
struct doc {
	const struct node *root; // NULL: empty
	struct chunk *arena;
	struct builder *builder; // what doc_read() works with
};

// Reads the one document in text, whose first line is line `line` of the file, into a doc that is
// zeroed or has had another one: its memory is used again. Returns the number of errors added; with
// a syntax error or past a limit doc->root is NULL.
size_t doc_read(struct doc *doc, const char *text, size_t len, const char *file, uint32_t line,
	struct sl_diags *diags);
void doc_fini(struct doc *doc);

// Cuts a stream into documents at its `---` and `...` lines, as kubectl does, so that a syntax
// error costs one document. *pos and *line begin as 0 and 1; documents of nothing but comments are
// left out. Returns false at the end.
bool stream_next(const char *text, size_t len, size_t *pos, uint32_t *line, const char **doc_text,
	size_t *doc_len, uint32_t *doc_line);

// What a plain scalar is in the core schema. Integers with a leading zero count as SCALAR_INT; the
// reader refuses them as ambiguous.
enum scalar_type scalar_resolve(const char *text);
// Keys mostly differ in their first letter.
static inline bool
text_is(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

// The member of a mapping, or NULL.
const struct node *node_get(const struct node *map, const char *key);
static inline bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->scalar == SCALAR_NULL;
}

// Value of an integer scalar (decimal, 0x, 0o). 0, -EINVAL (negative or ambiguous) or -ERANGE.
int scalar_u64(const char *text, uint64_t *value);
