// The schema: static rows that say what a key is. They drive reading, type, range and enum checks,
// defaults, unknown and missing fields, the canonical JSON, what a reload can change, and the
// generated references. A fact about a field stands in its row and nowhere else.
//
// Owner:   rows are static and constant; what schema_read() allocates belongs to the struct it
// fills. Threads: any; no state but the reader's.
#pragma once

#include "node.h"
#include "sl_conf.h"
#include "sl_emit.h"
#include "sl_model.h"

enum field_type {
	T_STRING,    // char *
	T_PATH,      // char *, made absolute from the file's folder
	T_NUMBER,    // uint32_t; min..max
	T_NUMBER64,  // uint64_t; min..max
	T_DECIMAL,   // double, whole or with a fraction; min..max
	T_PERCENT,   // uint32_t, written as a decimal, rounded; min..max
	T_BOOL,      // bool, written true or false
	T_ENUM,      // an enum or uint32_t: index into names
	T_FLAG,      // bool: index into names, two of them
	T_FAMILIES,  // uint8_t of SL_NAME_*: index into names, plus one
	T_DURATION,  // uint64_t ns; min..max
	T_MICROS,    // uint32_t us, written as a duration; min..max in ns
	T_MEBIBYTES, // uint32_t, written 512Mi or 1Gi; min..max
	T_MODE,      // uint32_t, written as an octal string
	T_IP,        // struct sl_ip
	T_PREFIX,    // struct sl_prefix, host bits as written
	T_SERVER,    // struct sl_conf_dns_address, written IP, IPv4:PORT or [IPv6]:PORT
	T_MAC,       // struct sl_mac
	T_VIP,       // struct sl_se_address
	T_SUBNET,    // struct sl_vs_subnet
	T_LABELS,    // struct sl_label[] with a count
	T_PORT_MAP,  // struct sl_se_endpoint_port[] with a count; min..max
	T_WEIGHTS,   // struct sl_lb_to[] with a count; min..max
	T_OBJECT,    // the struct of `sub`, in place
	T_NAMED,     // a mapping of names to `sub`: checked, and not kept
	T_ANY,       // accepted, not read
};

enum field_flag {
	F_REQUIRED = 1,
	F_LIST = 2,      // a pointer and a uint32_t count of the type; max_items
	F_NOISE = 4,     // not part of the canonical JSON: written by servers, no effect
	F_UPPER = 8,     // kept in upper case
	F_ALWAYS = 32,   // in the canonical JSON also when it was not given: its default
	F_RESTART = 16,  // reload class: a change needs a restart (without: a reload applies it)
	F_MILLIS = 64,   // a duration of whole milliseconds (H11)
	F_SECONDS = 256, // a duration of whole seconds
	F_NAME = 512,    // a DNS name: kept in lower case, without the dot at its end
	F_BLANK = 128,   // a string that is none when it is empty
};

#define NO_AT UINT32_MAX // checked, and not kept

struct schema;
struct field {
	const char *key;
	enum field_type type;
	uint32_t flags;
	uint32_t at;       // offset of the value in the schema's struct
	uint32_t count_at; // offset of the count of a list or map
	uint32_t has_at;   // offset of a bool that says it was given; 0 with at != 0: none
	uint64_t min, max; // of numbers and durations; max of strings: length
	uint32_t min_items, max_items;
	const char *const *names;               // of T_ENUM and T_FLAG, NULL-terminated
	const char *(*check)(const char *text); // strings: NULL, or what is expected instead
	const char *rule;         // rule id of range, type and check errors, see rule_applies()
	const char *missing_rule; // of its absence, where that differs
	const char *zero_rule;    // of a number that is 0, where that differs
	const char *def;          // default, as it would be written
	const char *def_text;     // default in words, when it is not one text
	const struct schema *sub;
	const struct schema *(*sub_of)(void); // in place of sub, where that is in another file
	const char *help;                     // what it is
	const char *here;                     // what it does here, when that needs saying
};

struct schema {
	const char *name;
	const struct field *fields;
	uint32_t n;
	uint32_t size;     // of the struct
	uint32_t loc_at;   // offset of a struct sl_loc, or NO_AT
	const char *title; // of its section in the reference
};
#define FIELDS(rows) .fields = (rows), .n = SL_ARRAY_LEN(rows)

static inline const struct schema *
field_sub(const struct field *f)
{
	return f->sub_of ? f->sub_of() : f->sub;
}

// Where a value stands in its document, rendered only when there is something to say about it.
struct path {
	const struct path *up;
	const char *key; // NULL: an index
	uint32_t index;
};
void path_put_key(const char *key, struct sl_buf *out); // `.key` or `["key.with/dots"]`
void path_render(const struct path *path, struct sl_buf *out);

struct reader {
	struct sl_diags *diags;
	const char *file;         // for diagnostics and locations: lives as long as what is read
	const char *object;       // title for diagnostics, NULL: none yet
	const char *folder;       // that relative paths start from; NULL: as they are
	const char *unknown_rule; // rule id of unknown fields
	enum sl_rules rules;      // findings of others are not made
	size_t errors;
	// called for each field that was given; NULL: nobody asks
	void (*given)(void *ctx, const struct path *path, const struct node *value);
	void *given_ctx;
};

// A diagnostic is one line, whatever the input holds: control characters become `?`.
void reader_clean(struct sl_buf *text);
// The text of a finding, appended and cleaned.
void reader_text(struct sl_buf *text, const char *fmt, va_list ap) SL_PRINTF(2, 0);
// Returns false, and nothing was said, when the rule is not among those that are asked.
bool reader_error(struct reader *r, const struct path *path, uint32_t line, uint32_t col,
	const char *rule, const char *fmt, ...) SL_PRINTF(6, 7);

// A rule id is "S15" (of the webhook), "C13" (of the CRD), "S15+C8" (both have it) or "N1" (our
// own, asked in every mode). False: it is not asked in that mode. Else *shown is the id to show, in
// buf or rule; NULL for no rule.
#define RULE_LEN 8
bool rule_applies(enum sl_rules mode, const char *rule, char buf[RULE_LEN], const char **shown);

// One scalar into out, which has the size of the field's type. False: reported.
bool value_read(struct reader *r, const struct field *f, const struct node *n,
	const struct path *path, void *out);
void value_wrong_type(struct reader *r, const struct field *f, const char *expected,
	const struct node *n, const struct path *path);

// Reads a mapping into zeroed memory `out` of schema->size bytes; what is not given gets its
// default.
void schema_read(struct reader *r, const struct schema *s, const struct node *map,
	const struct path *up, void *out);
// Defaults alone.
void schema_defaults(const struct schema *s, void *out);
void schema_fini(const struct schema *s, void *out); // frees what schema_read() allocated
// The field's row, or NULL.
const struct field *schema_find(const struct schema *s, const char *key);
// Appends the mapping as JSON text with sorted keys, without noise and nulls.
void schema_json(const struct schema *s, const struct node *map, struct sl_buf *out);
// A field of two structs is the same.
bool field_equal(const struct field *f, const void *a, const void *b);
uint32_t field_size(const struct field *f); // bytes of one value
// "number", "list of IP addresses or CIDRs"; what a diagnostic and the reference call it.
const char *field_expects(const struct field *f);
