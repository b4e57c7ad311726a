// The command line, read by the command table.
//
// Owner:   caller's memory; args_fini() frees the lists. Texts are argv's.
// Threads: one.
// Errors:  -EINVAL and a sentence in why.
#pragma once

#include "sl_ctl_table.h"
#include "sl_mesh_explain.h"

struct args_value {
	const struct sl_ctl_param *param;
	const char *text; // "true" for a BOOL; a KIND as it was typed
};

struct args {
	enum sl_ctl_cmd cmd; // SL_CTL_CMD_MAX: none was given (--help or --version alone)
	// what is sent
	struct args_value *v;
	size_t n;
	// what stays here
	const char *socket; // NULL: not given
	const char *output; // NULL: not given
	const char *conf;   // likewise
	const char *rules;  // NULL: not given; a name of enum sl_rules
	bool no_headers;
	bool help;
	bool version;
	bool client;      // version --client
	unsigned watch_s; // 0: once
	const char **paths;
	size_t n_paths;
};

int args_parse(int argc, char **argv, struct args *args, struct sl_buf *why);
void args_fini(struct args *args);
// The i-th value of an argument, or NULL.
const char *args_get(const struct args *args, const char *name, size_t i);
// The sentence about a command that is none.
void args_unknown_command(const char *name, struct sl_buf *why);
// What explain asks. 0, or -EINVAL and why.
int args_question(const struct args *args, struct sl_mesh_question *q, struct sl_buf *why);
