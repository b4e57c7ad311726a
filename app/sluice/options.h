// Command line of the daemon: sluice(8).
#pragma once

#include "sl_log.h"

struct options {
	const char *config;      // /etc/sluice/sluice.yaml
	const char *profile_dir; // default: where they were installed
	bool check;
	bool has_level;
	enum sl_log_level level;
	bool has_format;
	enum sl_log_format format;
};

// 0: go on; else the process ends with *exit_status (usage and version were printed).
int options_parse(struct options *opt, int argc, char **argv, int *exit_status);
