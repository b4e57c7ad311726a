#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "explain.h"
#include "help.h"
#include "offline.h"
#include "remote.h"
#include "safe.h"
#include "sl_conf_explain.h"
#include "sluicectl.h"
#include "version.h"

static int
wrong_usage(const struct args *args, const struct sl_buf *why, FILE *err)
{
	const bool known = args->cmd != SL_CTL_CMD_MAX && args->cmd != SL_CTL_HELP;

	fputs("sluicectl: ", err);
	safe_put(err, why->data, "");
	fprintf(err, "\nsluicectl: `sluicectl help%s%s` tells what there is\n", known ? " " : "",
		known ? sl_ctl_command(args->cmd)->name : "");
	return 2;
}

static int
print(struct sl_buf *text, FILE *out)
{
	fwrite(text->data, 1, text->len, out);
	sl_buf_fini(text);
	return 0;
}

static int
help(const struct args *args, enum sl_ctl_cmd cmd, FILE *out, FILE *err)
{
	struct sl_buf name = {0}, text = {0};
	const char *word;
	int rc;

	for (size_t i = 0; (word = args_get(args, "command", i)); i++)
		sl_buf_printf(&name, "%s%s", i ? " " : "", word);
	if (name.data)
		cmd = sl_ctl_command_find(name.data);
	if (name.data && cmd == SL_CTL_CMD_MAX) {
		args_unknown_command(name.data, &text);
		rc = wrong_usage(args, &text, err);
		sl_buf_fini(&name);
		sl_buf_fini(&text);
		return rc;
	}
	sl_buf_fini(&name);
	if (cmd == SL_CTL_CMD_MAX)
		help_all(&text);
	else
		help_command(&text, cmd);
	return print(&text, out);
}

static int
run(const struct args *args, FILE *out, FILE *err)
{
	struct sl_buf text = {0};

	if (args->help)
		return help(args, args->cmd, out, err);
	if (args->version) {
		fprintf(out, "sluicectl %s\n", SLUICE_VERSION);
		return 0;
	}
	switch (args->cmd) {
	case SL_CTL_HELP:
		return help(args, SL_CTL_CMD_MAX, out, err);
	case SL_CTL_COMPLETION:
		if (strcmp(args_get(args, "shell", 0), "fields") == 0)
			sl_conf_explain_names(&text);
		else
			complete_bash(&text);
		return print(&text, out);
	case SL_CTL_EXPLAIN_FIELD:
		return explain_run(args, out, err);
	case SL_CTL_SCHEMA:
		return schema_run(args, out, err);
	default:
		return args->n_paths > 0 && sl_ctl_command(args->cmd)->offline
			       ? offline_run(args, out, err)
			       : remote_run(args, out, err);
	}
}

int
sluicectl_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct sl_buf why = {0};
	struct args args;
	int rc;

	if (args_parse(argc, argv, &args, &why) < 0)
		rc = wrong_usage(&args, &why, err);
	else
		rc = run(&args, out, err);
	args_fini(&args);
	sl_buf_fini(&why);
	if ((fflush(out) != 0 || ferror(out)) && rc == 0) {
		fputs("sluicectl: the output could not be written\n", err);
		rc = 1;
	}
	return rc;
}
