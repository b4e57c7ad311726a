#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void
usage(FILE *out)
{
	fputs("Usage: sluice [OPTION]...\n"
	      "\n"
	      "Carries traffic to the endpoints of Istio ServiceEntries, in user space with DPDK.\n"
	      "\n"
	      "  -c, --config FILE        the node's configuration (default: " SLUICE_CONFIG ")\n"
	      "      --check              check configuration and objects, print all findings, "
	      "exit\n"
	      "      --log-level LEVEL    err, warn, notice, info or debug (over the "
	      "configuration)\n"
	      "      --log-format FORMAT  auto, text, json or journal (over the configuration)\n"
	      "      --profile-dir DIR    driver profiles (default: " SLUICE_PROFILES ")\n"
	      "  -V, --version            print the version\n"
	      "  -h, --help               print this\n"
	      "\n"
	      "SIGTERM and SIGINT stop it, SIGHUP reloads. It stays in the foreground and logs to\n"
	      "standard error. Exit status: 0 stopped as asked or nothing wrong, 1 failed or "
	      "invalid,\n"
	      "2 wrong usage. sluicectl(1) talks to it; see sluice(8).\n",
		out);
}

int
options_parse(struct options *opt, int argc, char **argv, int *exit_status)
{
	enum {
		OPT_CHECK = 256,
		OPT_LEVEL,
		OPT_FORMAT,
		OPT_PROFILES,
	};
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"log-level", required_argument, NULL, OPT_LEVEL},
		{"log-format", required_argument, NULL, OPT_FORMAT},
		{"profile-dir", required_argument, NULL, OPT_PROFILES},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int o;

	*opt = (struct options){.config = SLUICE_CONFIG, .profile_dir = SLUICE_PROFILES};
	*exit_status = 2;
	while ((o = getopt_long(argc, argv, "c:Vh", longs, NULL)) != -1) {
		switch (o) {
		case 'c':
			opt->config = optarg;
			break;
		case OPT_CHECK:
			opt->check = true;
			break;
		case OPT_LEVEL:
			opt->has_level = true;
			if (sl_log_level_parse(optarg, &opt->level) == 0)
				break;
			fprintf(stderr,
				"sluice: --log-level: \"%s\" is none of err, warn, notice, "
				"info, debug\n",
				optarg);
			return -1;
		case OPT_FORMAT:
			opt->has_format = true;
			if (sl_log_format_parse(optarg, &opt->format) == 0)
				break;
			fprintf(stderr,
				"sluice: --log-format: \"%s\" is none of auto, text, json, "
				"journal\n",
				optarg);
			return -1;
		case OPT_PROFILES:
			opt->profile_dir = optarg;
			break;
		case 'V':
			puts("sluice " SLUICE_VERSION);
			*exit_status = 0;
			return -1;
		case 'h':
			usage(stdout);
			*exit_status = 0;
			return -1;
		default:
			fputs("Try 'sluice --help'.\n", stderr);
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "sluice: unexpected argument \"%s\"\nTry 'sluice --help'.\n", argv[optind]);
	return -1;
}
