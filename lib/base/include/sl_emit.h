// Emitter: one set of calls that says what there is; out comes JSON, written as it goes.
//
// Owner:   caller's memory; sl_emit_init() borrows the buffer it writes into.
// Threads: one at a time.
// Errors:  wrong nesting is our bug (assert). Invalid UTF-8 in strings is replaced by U+FFFD.
// Limits:  32 levels deep.
//
// Inside an object every value has a key; in an array and at the top key is NULL.
#pragma once

#include "sl_buf.h"

struct sl_emit {
	struct sl_buf *out;
	uint32_t depth;
	uint32_t has_items; // bit per level: a comma is due
	uint32_t is_object; // bit per level
};

void sl_emit_init(struct sl_emit *e, struct sl_buf *out);
void sl_emit_obj(struct sl_emit *e, const char *key);                    // {
void sl_emit_arr(struct sl_emit *e, const char *key);                    // [
void sl_emit_end(struct sl_emit *e);                                     // } or ]
void sl_emit_str(struct sl_emit *e, const char *key, const char *value); // NULL gives null
void sl_emit_strf(struct sl_emit *e, const char *key, const char *fmt, ...) SL_PRINTF(3, 4);
void sl_emit_u64(struct sl_emit *e, const char *key, uint64_t value);
void sl_emit_i64(struct sl_emit *e, const char *key, int64_t value);
void sl_emit_dbl(struct sl_emit *e, const char *key, double value);
void sl_emit_bool(struct sl_emit *e, const char *key, bool value);
void sl_emit_null(struct sl_emit *e, const char *key);
// A finished JSON text as a value, taken as it is.
void sl_emit_raw(struct sl_emit *e, const char *key, const char *json);
