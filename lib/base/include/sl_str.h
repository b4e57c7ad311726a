// Small string helpers of the control side.
#pragma once

#include "sl_types.h"

// Never NULL: out of memory ends the process (control side only).
void *sl_xcalloc(size_t n, size_t size);
void *sl_xrealloc(void *p, size_t n, size_t size);
char *sl_xstrdup(const char *s); // NULL gives NULL
char *sl_xasprintf(const char *fmt, ...) SL_PRINTF(1, 2);

// The word of candidates (NULL-terminated array) nearest to `word`, or NULL when none is near
// enough to be a likely typing error (Levenshtein distance at most a third of the length, at least
// 1; letter case does not count).
const char *sl_str_nearest(const char *word, const char *const *candidates);

// Whether text is word, or word.group as kubectl takes kinds; letter case does not count. An empty
// word is nobody's name, an empty group is not written.
bool sl_str_is_called(const char *text, const char *word, const char *group);

// Base 10, whole text. Returns 0, -EINVAL (not a number) or -ERANGE.
int sl_str_u64(const char *text, uint64_t *value);

// Go-style duration `1h30m`, `5s`, `250ms` (also `us`, `ns`, fractions) to nanoseconds.
// Returns 0, -EINVAL or -ERANGE.
int sl_str_duration(const char *text, uint64_t *ns);
const char *sl_str_duration_fmt(uint64_t ns, char buf[32]); // shortest exact form

// FNV-1a, 64 bit, continued from seed (0: start).
uint64_t sl_str_hash(const void *data, size_t len, uint64_t seed);
// Of a whole text, eight bytes at a time; for this process only.
uint64_t sl_text_hash(const void *data, size_t len);
