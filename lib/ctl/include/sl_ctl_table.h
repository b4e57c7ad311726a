// The command table (sl_ctl_commands.def) as data, for daemon and client alike.
//
// Owner:   constant data.
// Threads: any.
// Errors:  lookups give NULL; checks give a sentence.
#pragma once

#include "sl_buf.h"

enum sl_ctl_cmd {
#define SL_COMMAND(id, name, access, offline, summary, help) SL_CTL_##id,
#include "sl_ctl_commands.def"
	SL_CTL_CMD_MAX,
};

enum sl_ctl_access {
	SL_CTL_READ,
	SL_CTL_CHANGE, // peer credentials are logged
	SL_CTL_LOCAL,  // the client alone
};

enum sl_ctl_type {
	SL_CTL_BOOL,
	SL_CTL_STRING,
	SL_CTL_U64,
	SL_CTL_IP,
	SL_CTL_PREFIX,
	SL_CTL_IPPORT, // IP, IPV4:PORT or [IPV6]:PORT
	SL_CTL_CHOICE, // the placeholder lists them: a|b
	SL_CTL_KIND,
	// from here on the client's own: never sent
	SL_CTL_LOCAL_BOOL,
	SL_CTL_LOCAL_STRING,
	SL_CTL_LOCAL_CHOICE,
	SL_CTL_LOCAL_PATHS,       // must be given
	SL_CTL_LOCAL_MAYBE_PATHS, // may be
	SL_CTL_LOCAL_WATCH,
};

enum sl_ctl_need {
	SL_CTL_ONE,
	SL_CTL_MAYBE,
	SL_CTL_MANY, // 0 or more
};

enum sl_ctl_align {
	SL_CTL_LEFT,
	SL_CTL_RIGHT,
};

enum sl_ctl_when {
	SL_CTL_TABLE,
	SL_CTL_WIDE,
};

struct sl_ctl_command {
	const char *name;
	enum sl_ctl_access access;
	bool offline; // -f PATH answers without a daemon
	const char *summary;
	const char *help;
};

// A positional argument or a flag.
struct sl_ctl_param {
	enum sl_ctl_cmd cmd; // SL_CTL_CMD_MAX: a global flag
	bool positional;
	char short_; // 0: none
	const char *name;
	enum sl_ctl_type type;
	enum sl_ctl_need need; // positional only
	const char *placeholder;
	const char *help;
};

struct sl_ctl_column {
	enum sl_ctl_cmd cmd;
	const char *path;
	const char *title;
	enum sl_ctl_align align;
	enum sl_ctl_when when;
	const char *kind; // of `get`: for this kind alone; NULL: always
};

struct sl_ctl_field {
	enum sl_ctl_cmd cmd;
	const char *path;
	const char *type;
	const char *help;
};

struct sl_ctl_kind {
	const char *kind;
	const char *plural;
	const char *abbreviation; // "": none
	const char *group;        // may stand behind each of them, after a dot; "": none
};

const struct sl_ctl_command *sl_ctl_command(enum sl_ctl_cmd cmd);
enum sl_ctl_cmd sl_ctl_command_find(const char *name); // SL_CTL_CMD_MAX: none
const char *sl_ctl_command_nearest(const char *name);  // what was meant, or NULL

// The rows of one command in order of declaration: NULL begins, NULL ends. Positional arguments
// come before flags; SL_CTL_CMD_MAX walks the global flags.
const struct sl_ctl_param *sl_ctl_param_next(enum sl_ctl_cmd cmd, const struct sl_ctl_param *prev);
const struct sl_ctl_column *sl_ctl_column_next(
	enum sl_ctl_cmd cmd, const struct sl_ctl_column *prev);
const struct sl_ctl_field *sl_ctl_field_next(enum sl_ctl_cmd cmd, const struct sl_ctl_field *prev);
const struct sl_ctl_param *sl_ctl_param_find(enum sl_ctl_cmd cmd, const char *name);

const struct sl_ctl_kind *sl_ctl_kind_at(size_t i); // NULL: past the end
// Kind, plural or abbreviation, with its group or without, any letter case, to the kind's canonical
// form; NULL: no such kind.
const char *sl_ctl_kind_find(const char *text);

bool sl_ctl_type_is_local(enum sl_ctl_type type);
bool sl_ctl_type_has_value(enum sl_ctl_type type); // LOCAL_WATCH: may have one

// Does value fit param? When not, a sentence goes to why ("--limit: \"x\" is not a number").
bool sl_ctl_value_ok(const struct sl_ctl_param *param, const char *value, struct sl_buf *why);
// The i-th alternative of a CHOICE into out, or false past the last.
bool sl_ctl_choice_at(const struct sl_ctl_param *param, unsigned i, char *out, size_t size);
