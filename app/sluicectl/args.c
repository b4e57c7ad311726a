#include "args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

#define WATCH_DEFAULT_S "2"

struct parser {
	struct args *args;
	struct sl_buf *why;
	char **argv; // what is left, NULL at the end
	bool only_positional;
};

static const struct sl_ctl_param *
find_short(enum sl_ctl_cmd cmd, char short_)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p)))
		if (p->short_ == short_)
			return p;
	return cmd == SL_CTL_CMD_MAX ? NULL : find_short(SL_CTL_CMD_MAX, short_);
}

static const struct sl_ctl_param *
find_long(enum sl_ctl_cmd cmd, const char *name, size_t len)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p)))
		if (!p->positional && strlen(p->name) == len && strncmp(p->name, name, len) == 0)
			return p;
	return cmd == SL_CTL_CMD_MAX ? NULL : find_long(SL_CTL_CMD_MAX, name, len);
}

static int
unknown_flag(struct parser *p, const char *flag, size_t len)
{
	const char *names[65] = {NULL};
	const struct sl_ctl_param *param = NULL;
	char *word = sl_xasprintf("%.*s", (int)len, flag);
	size_t n = 0;

	while (n < 48 && p->args->cmd != SL_CTL_CMD_MAX &&
		(param = sl_ctl_param_next(p->args->cmd, param)))
		if (!param->positional)
			names[n++] = param->name;
	while (n < 64 && (param = sl_ctl_param_next(SL_CTL_CMD_MAX, param)))
		names[n++] = param->name;
	const char *near = sl_str_nearest(word, names);

	sl_buf_printf(p->why, "unknown flag --%s", word);
	if (near)
		sl_buf_printf(p->why, "; did you mean --%s?", near);
	free(word);
	return -EINVAL;
}

// A value that the client itself uses.
static void
take_local(struct args *a, const struct sl_ctl_param *param, const char *value)
{
	uint64_t seconds = 0;

	if (param->type == SL_CTL_LOCAL_PATHS || param->type == SL_CTL_LOCAL_MAYBE_PATHS) {
		a->paths = sl_xrealloc(a->paths, a->n_paths + 1, sizeof(*a->paths));
		a->paths[a->n_paths++] = value;
	} else if (param->type == SL_CTL_LOCAL_WATCH) {
		sl_str_u64(value, &seconds); // checked
		a->watch_s = (unsigned)seconds;
	} else if (strcmp(param->name, "socket") == 0) {
		a->socket = value;
	} else if (strcmp(param->name, "output") == 0) {
		a->output = value;
	} else if (strcmp(param->name, "conf") == 0) {
		a->conf = value;
	} else if (strcmp(param->name, "rules") == 0) {
		a->rules = value;
	} else if (strcmp(param->name, "no-headers") == 0) {
		a->no_headers = true;
	} else if (strcmp(param->name, "help") == 0) {
		a->help = true;
	} else if (strcmp(param->name, "version") == 0) {
		a->version = true;
	} else if (strcmp(param->name, "client") == 0) {
		a->client = true;
	}
}

static int
take(struct parser *p, const struct sl_ctl_param *param, const char *value)
{
	struct args *a = p->args;

	if (!sl_ctl_value_ok(param, value, p->why))
		return -EINVAL;
	if (sl_ctl_type_is_local(param->type)) {
		take_local(a, param, value);
		return 0;
	}
	if (!param->positional && args_get(a, param->name, 0)) {
		sl_buf_printf(p->why, "--%s is given twice", param->name);
		return -EINVAL;
	}
	// The one flag that both sides want: the daemon sends whole objects only when asked to.
	if (strcmp(param->name, "output") == 0)
		a->output = value;
	a->v = sl_xrealloc(a->v, a->n + 1, sizeof(*a->v));
	a->v[a->n++] = (struct args_value){param, value};
	return 0;
}

// inline_: the value after "=" or behind a short flag, or NULL.
static int
take_flag(struct parser *p, const struct sl_ctl_param *param, const char *inline_)
{
	if (!sl_ctl_type_has_value(param->type)) {
		if (inline_) {
			sl_buf_printf(p->why, "--%s takes no value", param->name);
			return -EINVAL;
		}
		return take(p, param, "true");
	}
	if (param->type == SL_CTL_LOCAL_WATCH)
		return take(p, param, inline_ ? inline_ : WATCH_DEFAULT_S);
	if (!inline_ && !*p->argv) {
		sl_buf_printf(p->why, "--%s needs a value, %s", param->name, param->placeholder);
		return -EINVAL;
	}
	return take(p, param, inline_ ? inline_ : *p->argv++);
}

static int
take_long(struct parser *p, const char *flag)
{
	const size_t len = strcspn(flag, "=");
	const struct sl_ctl_param *param = find_long(p->args->cmd, flag, len);

	if (!param)
		return unknown_flag(p, flag, len);
	return take_flag(p, param, flag[len] == '=' ? flag + len + 1 : NULL);
}

// -abc: flags without a value one after the other; the first with one takes the rest.
static int
take_shorts(struct parser *p, const char *flags)
{
	for (; *flags; flags++) {
		const struct sl_ctl_param *param = find_short(p->args->cmd, *flags);
		int rc;

		if (!param) {
			sl_buf_printf(p->why, "unknown flag -%c", *flags);
			return -EINVAL;
		}
		if (sl_ctl_type_has_value(param->type)) {
			const char *rest = flags[1] == '=' ? flags + 2 : flags + 1;

			return take_flag(p, param, flags[1] ? rest : NULL);
		}
		rc = take_flag(p, param, NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void
args_unknown_command(const char *name, struct sl_buf *why)
{
	const char *near = sl_ctl_command_nearest(name);

	sl_buf_printf(why, "unknown command \"%s\"", name);
	if (near)
		sl_buf_printf(why, "; did you mean %s?", near);
}

// A command of two words goes before what its first word alone is.
static enum sl_ctl_cmd
find_command(struct parser *p, const char *name)
{
	char *both = *p->argv ? sl_xasprintf("%s %s", name, *p->argv) : NULL;
	const enum sl_ctl_cmd cmd = both ? sl_ctl_command_find(both) : SL_CTL_CMD_MAX;

	free(both);
	if (cmd == SL_CTL_CMD_MAX)
		return sl_ctl_command_find(name);
	p->argv++;
	return cmd;
}

static int
take_command(struct parser *p, const char *name)
{
	p->args->cmd = find_command(p, name);
	if (p->args->cmd != SL_CTL_CMD_MAX)
		return 0;
	args_unknown_command(name, p->why);
	return -EINVAL;
}

static int
take_positional(struct parser *p, const char *text)
{
	const struct sl_ctl_param *param = NULL;

	while ((param = sl_ctl_param_next(p->args->cmd, param)) && param->positional)
		if (param->need == SL_CTL_MANY || !args_get(p->args, param->name, 0))
			return take(p, param, text);
	// -f A B C, where nothing else can stand there.
	if (p->args->n_paths > 0 && !sl_ctl_param_next(p->args->cmd, NULL)->positional)
		return take(p, find_short(p->args->cmd, 'f'), text);
	sl_buf_printf(p->why, "%s: \"%s\" is one argument too many",
		sl_ctl_command(p->args->cmd)->name, text);
	return -EINVAL;
}

static int
take_word(struct parser *p, const char *word)
{
	if (p->only_positional || word[0] != '-' || word[1] == '\0') {
		if (p->args->cmd == SL_CTL_CMD_MAX)
			return take_command(p, word);
		return take_positional(p, word);
	}
	if (strcmp(word, "--") == 0) {
		p->only_positional = true;
		return 0;
	}
	return word[1] == '-' ? take_long(p, word + 2) : take_shorts(p, word + 1);
}

// What a single argument can't tell.
static int
check_whole(const struct args *a, struct sl_buf *why)
{
	const char *name = sl_ctl_command(a->cmd)->name;
	const bool by_name = args_get(a, "name", 0) != NULL, by_kind = args_get(a, "kind", 0);
	const struct sl_ctl_param *p = NULL;
	struct sl_mesh_question q;

	while ((p = sl_ctl_param_next(a->cmd, p))) {
		if (p->positional && p->need == SL_CTL_ONE && !args_get(a, p->name, 0)) {
			sl_buf_printf(why, "%s: the argument %s is missing", name, p->placeholder);
			return -EINVAL;
		}
		if (p->type == SL_CTL_LOCAL_PATHS && a->n_paths == 0) {
			sl_buf_printf(why, "%s: -f %s is missing", name, p->placeholder);
			return -EINVAL;
		}
	}
	if (a->cmd == SL_CTL_DELETE && (a->n_paths > 0 ? by_kind : !by_name))
		sl_buf_puts(why, "delete: expected either -f PATH or KIND NAME");
	else if (a->watch_s > 0 && a->n_paths > 0)
		sl_buf_printf(why, "%s: --watch asks the daemon and does not go with -f", name);
	else if (a->conf && a->n_paths == 0)
		sl_buf_printf(
			why, "%s: the daemon has its own sluice.yaml: --conf goes with -f", name);
	else if (a->cmd == SL_CTL_EXPLAIN)
		return args_question(a, &q, why);
	else
		return 0;
	return -EINVAL;
}

int
args_parse(int argc, char **argv, struct args *args, struct sl_buf *why)
{
	struct parser p = {.args = args, .why = why, .argv = argv + (argc > 0)};

	*args = (struct args){.cmd = SL_CTL_CMD_MAX};
	while (*p.argv) {
		const int rc = take_word(&p, *p.argv++);

		if (rc < 0)
			return rc;
	}
	if (args->help || args->version)
		return 0;
	if (args->cmd == SL_CTL_CMD_MAX) {
		sl_buf_puts(why, "a command is missing");
		return -EINVAL;
	}
	return check_whole(args, why);
}

void
args_fini(struct args *args)
{
	free(args->v);
	free(args->paths);
	*args = (struct args){.cmd = SL_CTL_CMD_MAX};
}

const char *
args_get(const struct args *args, const char *name, size_t i)
{
	for (size_t a = 0; a < args->n; a++)
		if (strcmp(args->v[a].param->name, name) == 0 && i-- == 0)
			return args->v[a].text;
	return NULL;
}

int
args_question(const struct args *args, struct sl_mesh_question *q, struct sl_buf *why)
{
	return sl_mesh_question_parse(args_get(args, "from", 0), args_get(args, "to", 0),
		args_get(args, "proto", 0), args_get(args, "sni", 0), args_get(args, "host", 0), q,
		why);
}
