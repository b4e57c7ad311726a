// What the fields of objects and of sluice.yaml are: the schema's rows for people and editors.
//
// Owner:   out and why are the caller's. Threads: any.
// Errors:  -ENOENT, with a sentence in why.
//
// A name is KIND or KIND.PATH: "serviceentry.spec.ports.number", "se.spec.ports[].number",
// "sluice.pool.addresses". KIND is what sl_kind_parse() takes of a kind that is read, or "sluice".
#pragma once

#include "sl_buf.h"

// A field as rows tell it. Texts are the schema's or the explanation's, until the next one.
struct sl_conf_field {
	const char *kind;   // "ServiceEntry", "sluice.yaml"
	const char *id;     // the kind as it is asked for
	const char *group;  // API group, "" for core; NULL: sluice.yaml
	const char *path;   // "spec.ports[].number"; "" for the kind itself
	const char *name;   // the last step of path
	const char *type;   // "a number, 1..65535"
	const char *def;    // default in words; NULL: none
	const char *rule;   // ids of the rules that it breaks when it is wrong ("S15, C8"), or NULL
	const char *help;   // what it is
	const char *here;   // what it does here, or NULL
	const char *reload; // sluice.yaml: "live" or "restart"; else, and for groups, NULL
	bool required;
	bool group_of_fields;
	unsigned depth; // 0: the one that was asked for
};
typedef void sl_conf_field_fn(void *ctx, const struct sl_conf_field *field);

// The field of that name, then those in it; deep: and in them.
int sl_conf_explain(
	const char *name, bool deep, sl_conf_field_fn *fn, void *ctx, struct sl_buf *why);
// Every name there is, a line each, for completion.
void sl_conf_explain_names(struct sl_buf *out);

// JSON Schema (draft-07) of a kind, of "sluice", or of a document of any kind (NULL). It knows
// types, ranges, lengths, words, and which fields there are and must be; rules between fields are
// not in it. Null is not given, as for the reader.
int sl_conf_json_schema(const char *kind, struct sl_buf *out, struct sl_buf *why);
