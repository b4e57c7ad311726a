// The completion script of bash. It knows flags, choices, kinds and files by itself, and asks the
// daemon (for at most a second) only for the names of objects.
#include <string.h>

#include "help.h"

// "a|b" as "a b"
static void
put_choices(struct sl_buf *out, const struct sl_ctl_param *p)
{
	char choice[32];

	for (unsigned i = 0; sl_ctl_choice_at(p, i, choice, sizeof(choice)); i++)
		sl_buf_printf(out, "%s%s", i ? " " : "", choice);
}

static void
put_commands(struct sl_buf *out)
{
	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++)
		if (!strchr(sl_ctl_command(i)->name, ' '))
			sl_buf_printf(out, "%s%s", i ? " " : "", sl_ctl_command(i)->name);
}

static void
put_second_words(struct sl_buf *out, const char *first)
{
	const size_t len = strlen(first);

	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++) {
		const char *name = sl_ctl_command(i)->name;

		if (strncmp(name, first, len) == 0 && name[len] == ' ')
			sl_buf_printf(out, " %s", name + len + 1);
	}
}

// A command as a pattern of `case`: its blank is no end of the word.
static void
put_name(struct sl_buf *out, const char *name)
{
	for (; *name; name++) {
		if (*name == ' ')
			sl_buf_putc(out, '\\');
		sl_buf_putc(out, *name);
	}
}

static void
put_two_words(struct sl_buf *out)
{
	bool any = false;

	sl_buf_puts(out, "# Are $1 and $2 one command?\n"
			 "_sluicectl_is_command() {\n"
			 "\tcase \"$1 $2\" in\n\t");
	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++) {
		if (!strchr(sl_ctl_command(i)->name, ' '))
			continue;
		sl_buf_puts(out, any ? " | " : "");
		put_name(out, sl_ctl_command(i)->name);
		any = true;
	}
	sl_buf_puts(out, ") return 0 ;;\n\tesac\n\treturn 1\n}\n\n");
}

static void
put_kinds(struct sl_buf *out)
{
	const struct sl_ctl_kind *kind;

	for (size_t i = 0; (kind = sl_ctl_kind_at(i)); i++)
		sl_buf_printf(out, "%s%s", i ? " " : "", kind->plural);
}

static void
put_flags(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p))) {
		if (p->positional)
			continue;
		if (p->short_)
			sl_buf_printf(out, " -%c", p->short_);
		sl_buf_printf(out, " --%s", p->name);
	}
}

// A pattern of `case`: "flows:--proto" or "*:-s | *:--socket".
static void
put_pattern(struct sl_buf *out, const struct sl_ctl_param *p)
{
	const char *command = p->cmd == SL_CTL_CMD_MAX ? "*" : sl_ctl_command(p->cmd)->name;

	sl_buf_putc(out, '\t');
	if (p->short_) {
		put_name(out, command);
		sl_buf_printf(out, ":-%c | ", p->short_);
	}
	put_name(out, command);
	sl_buf_printf(out, ":--%s) ", p->name);
}

static void
put_flag_values(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p))) {
		if (p->positional || !sl_ctl_type_has_value(p->type) ||
			p->type == SL_CTL_LOCAL_WATCH)
			continue;
		put_pattern(out, p);
		if (p->type == SL_CTL_CHOICE || p->type == SL_CTL_LOCAL_CHOICE) {
			sl_buf_puts(out, "_sluicectl_words '");
			put_choices(out, p);
			sl_buf_puts(out, "'");
		} else if (p->type == SL_CTL_LOCAL_PATHS || p->type == SL_CTL_LOCAL_MAYBE_PATHS ||
			   strcmp(p->name, "socket") == 0) {
			sl_buf_puts(out, "_sluicectl_files");
		} else {
			sl_buf_puts(out, ":"); // a value that nobody can guess
		}
		sl_buf_puts(out, " ;;\n");
	}
}

static void
put_values(struct sl_buf *out)
{
	sl_buf_puts(out, "# The value of flag $1 of the command; false: it takes none.\n"
			 "_sluicectl_value() {\n"
			 "\tcase $command:$1 in\n");
	for (unsigned cmd = 0; cmd <= SL_CTL_CMD_MAX; cmd++)
		put_flag_values(out, cmd);
	sl_buf_puts(out, "\t*) return 1 ;;\n\tesac\n}\n\n");
}

static void
put_positional(struct sl_buf *out, const struct sl_ctl_param *p)
{
	if (p->type == SL_CTL_CHOICE) {
		sl_buf_puts(out, "_sluicectl_words '");
		put_choices(out, p);
		sl_buf_puts(out, "'");
	} else if (p->type == SL_CTL_KIND) {
		sl_buf_puts(out, "_sluicectl_words '");
		put_kinds(out);
		sl_buf_puts(out, "'");
	} else if (strcmp(p->name, "field") == 0) {
		sl_buf_puts(out, "_sluicectl_fields");
	} else if (p->cmd == SL_CTL_SCHEMA) {
		sl_buf_puts(out, "_sluicectl_kinds");
	} else if (strcmp(p->name, "command") == 0) {
		sl_buf_puts(out, "_sluicectl_words '");
		put_commands(out);
		sl_buf_puts(out, "'");
	} else if (p->cmd == SL_CTL_DNS || p->cmd == SL_CTL_DNS_REFRESH) {
		sl_buf_puts(out, "_sluicectl_dns_names '");
		put_second_words(out, sl_ctl_command(p->cmd)->name);
		sl_buf_puts(out, "'");
	} else {
		sl_buf_puts(out, "_sluicectl_names");
	}
}

static void
put_positionals(struct sl_buf *out)
{
	sl_buf_puts(out, "# Argument number $1 of the command.\n"
			 "_sluicectl_argument() {\n"
			 "\tcase $command:$1 in\n"
			 "\t:*) _sluicectl_words '");
	put_commands(out);
	sl_buf_puts(out, "' ;;\n");
	for (unsigned cmd = 0; cmd < SL_CTL_CMD_MAX; cmd++) {
		const struct sl_ctl_param *p = NULL;

		for (unsigned n = 0; (p = sl_ctl_param_next(cmd, p)) && p->positional; n++) {
			sl_buf_putc(out, '\t');
			put_name(out, sl_ctl_command(cmd)->name);
			if (p->need == SL_CTL_MANY)
				sl_buf_puts(out, ":*) ");
			else
				sl_buf_printf(out, ":%u) ", n);
			put_positional(out, p);
			sl_buf_puts(out, " ;;\n");
		}
	}
	sl_buf_puts(out, "\tesac\n}\n\n");
}

static void
put_flag_lists(struct sl_buf *out)
{
	sl_buf_puts(out, "_sluicectl_flags() {\n\tcase $command in\n");
	for (unsigned cmd = 0; cmd < SL_CTL_CMD_MAX; cmd++) {
		sl_buf_putc(out, '\t');
		put_name(out, sl_ctl_command(cmd)->name);
		sl_buf_puts(out, ") _sluicectl_words '");
		put_flags(out, cmd);
		put_flags(out, SL_CTL_CMD_MAX);
		sl_buf_puts(out, "' ;;\n");
	}
	sl_buf_puts(out, "\t*) _sluicectl_words '");
	put_flags(out, SL_CTL_CMD_MAX);
	sl_buf_puts(out, "' ;;\n\tesac\n}\n\n");
}

static const char head[] =
	"# bash completion of sluicectl: what `sluicectl completion bash` prints.\n"
	"# shellcheck shell=bash\n"
	"\n"
	"_sluicectl_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
	"\n"
	"_sluicectl_files() {\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"}\n"
	"\n"
	"# Names of the kind that stands before.\n"
	"_sluicectl_names() {\n"
	"\t_sluicectl_words \"$(timeout 1 \"${COMP_WORDS[0]}\" \"${socket[@]}\" get \"$kind\" -o "
	"name "
	"2>/dev/null |\n"
	"\t\tsed 's,^[^/]*/,,')\"\n"
	"}\n"
	"\n"
	"# Names that are resolved, and the words $1.\n"
	"_sluicectl_dns_names() {\n"
	"\t_sluicectl_words \"$1 $(timeout 1 \"${COMP_WORDS[0]}\" \"${socket[@]}\" dns "
	"--no-headers "
	"2>/dev/null |\n"
	"\t\tsed 's, .*,,' | sort -u)\"\n"
	"}\n"
	"\n";

static const char fields[] =
	"# What explain-field takes; without the dots, what schema does.\n"
	"_sluicectl_fields() { _sluicectl_words \"$(\"${COMP_WORDS[0]}\" completion fields "
	"2>/dev/null)\"; }\n"
	"\n"
	"_sluicectl_kinds() {\n"
	"\t_sluicectl_words \"$(\"${COMP_WORDS[0]}\" completion fields 2>/dev/null | grep -v "
	"'[.]')\"\n"
	"}\n"
	"\n";

// A value behind "=" is a word of its own for bash, and the "=" too.
static const char tail[] =
	"_sluicectl() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command='' kind='' flag='' word i n=0\n"
	"\tlocal -a socket=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == = ]]; then\n"
	"\t\t\tcontinue\n"
	"\t\telif [[ -n $flag ]]; then\n"
	"\t\t\t[[ $flag != -s && $flag != --socket ]] || socket=(-s \"$word\")\n"
	"\t\t\tflag=\n"
	"\t\telif [[ $word == -* ]]; then\n"
	"\t\t\t_sluicectl_value \"$word\" && flag=$word\n"
	"\t\telif [[ -z $command ]]; then\n"
	"\t\t\tcommand=$word\n"
	"\t\telif [[ $n -eq 0 ]] && _sluicectl_is_command \"$command\" \"$word\"; then\n"
	"\t\t\tcommand=\"$command $word\"\n"
	"\t\telse\n"
	"\t\t\t[[ $n -gt 0 ]] || kind=$word\n"
	"\t\t\tn=$((n + 1))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\t[[ $cur != = ]] || cur=\n"
	"\tif [[ -n $flag ]]; then\n"
	"\t\t_sluicectl_value \"$flag\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_sluicectl_flags\n"
	"\telse\n"
	"\t\t_sluicectl_argument \"$n\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _sluicectl sluicectl\n";

void
complete_bash(struct sl_buf *out)
{
	sl_buf_puts(out, head);
	sl_buf_puts(out, fields);
	put_two_words(out);
	put_values(out);
	put_positionals(out);
	put_flag_lists(out);
	sl_buf_puts(out, tail);
}
