// docs/control.md, and the commands of sluicectl(1).
#include <string.h>

#include "help.h"
#include "sl_ctl.h"

// ---- markdown ----

// Text as it is: what markdown would take for its own is escaped, but for code in backticks. "|"
// would end a table's cell.
static void
put_cell(struct sl_buf *out, const char *text)
{
	bool code = false;

	for (; *text; text++) {
		code ^= *text == '`';
		if (*text == '|' || (*text == '*' && !code))
			sl_buf_putc(out, '\\');
		sl_buf_putc(out, *text);
	}
}

static void
put_param(struct sl_buf *out, const struct sl_ctl_param *p)
{
	sl_buf_puts(out, "| `");
	if (p->positional) {
		put_cell(out, p->placeholder);
	} else {
		if (p->short_)
			sl_buf_printf(out, "-%c`, `", p->short_);
		sl_buf_printf(out, "--%s", p->name);
		if (p->type == SL_CTL_LOCAL_WATCH)
			sl_buf_printf(out, "[=%s]", p->placeholder);
		else if (sl_ctl_type_has_value(p->type)) {
			sl_buf_putc(out, ' ');
			put_cell(out, p->placeholder);
		}
	}
	sl_buf_puts(out, "` | ");
	if (sl_ctl_type_is_local(p->type))
		sl_buf_puts(out, "- | ");
	else
		sl_buf_printf(out, "`%s` | ", p->name);
	put_cell(out, p->help);
	sl_buf_puts(out, " |\n");
}

static void
put_params(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = sl_ctl_param_next(cmd, NULL);

	if (!p)
		return;
	sl_buf_puts(out, "| on the command line | in `args` | |\n|---|---|---|\n");
	for (; p; p = sl_ctl_param_next(cmd, p))
		put_param(out, p);
	sl_buf_putc(out, '\n');
}

static void
put_fields(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_field *f = sl_ctl_field_next(cmd, NULL);

	if (!f)
		return;
	sl_buf_puts(out, "A row:\n\n| field | type | |\n|---|---|---|\n");
	for (; f; f = sl_ctl_field_next(cmd, f)) {
		sl_buf_printf(out, "| `%s` | %s | ", f->path, f->type);
		put_cell(out, f->help);
		sl_buf_puts(out, " |\n");
	}
	sl_buf_putc(out, '\n');
}

static const char *
nature(const struct sl_ctl_command *c)
{
	switch (c->access) {
	case SL_CTL_CHANGE:
		return "Changes the daemon: who asked is logged.";
	case SL_CTL_LOCAL:
		return "A command of the client alone.";
	case SL_CTL_READ:
		break;
	}
	return c->offline ? "Reads; with `-f` without a daemon." : "Reads.";
}

static void
put_command(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_command *c = sl_ctl_command(cmd);

	sl_buf_printf(out, "### %s\n\n```\n", c->name);
	help_usage(out, cmd);
	sl_buf_puts(out, "\n```\n\n");
	put_cell(out, c->help);
	sl_buf_printf(out, " %s\n\n", nature(c));
	put_params(out, cmd);
	put_fields(out, cmd);
}

static const char intro[] =
	"# Control\n"
	"\n"
	"Generated from `lib/ctl/include/sl_ctl_commands.def` by `scripts/dev docs`; not edited.\n"
	"\n"
	"`sluicectl` drives a running `sluice` through a Unix socket, and checks objects without "
	"one. "
	"This page says what each\ncommand takes and gives, and how to speak to the socket without "
	"`sluicectl`.\n"
	"\n"
	"Exit status: 0 fine (warnings allowed), 1 what was asked failed or is invalid, 2 wrong "
	"usage. "
	"`diff` has that of diff(1).\n"
	"`-o json` prints the rows of the answer as an array (`get`: the objects). Fields may be "
	"added "
	"in later versions; what is\nthere keeps its name and meaning.\n"
	"\n"
	"## The socket\n"
	"\n"
	"`control.socket` in `sluice.yaml`, by default `/run/sluice/control.sock`, mode 0660, with "
	"the "
	"owner and group of\n`control.owner` and `control.group`. Whoever may write to it may do "
	"everything below. What changes the daemon is logged\nwith the process, user and group "
	"that "
	"the kernel reports of the client.\n"
	"\n"
	"A request is one line of JSON; the answer is lines of JSON, the last one being `end`. "
	"Requests "
	"on one connection are\nanswered one after another.\n"
	"\n"
	"```\n"
	"-> {\"command\":\"flows\",\"args\":{\"proto\":\"tcp\",\"limit\":\"2\"}}\n"
	"<- {\"row\":{\"worker\":0,\"proto\":\"tcp\",\"state\":\"established\", ...}}\n"
	"<- {\"row\":{\"worker\":1,\"proto\":\"tcp\",\"state\":\"syn_sent\", ...}}\n"
	"<- {\"end\":{\"exit\":0,\"message\":null}}\n"
	"-> {\"command\":\"apply\",\"input\":[{\"name\":\"web.yaml\",\"text\":\"apiVersion: "
	"...\"}]}\n"
	"<- {\"diag\":{\"severity\":\"error\",\"file\":\"web.yaml\",\"line\":12,\"col\":13, ...}}\n"
	"<- {\"end\":{\"exit\":1,\"message\":\"1 object is invalid\"}}\n"
	"```\n"
	"\n"
	"| line of the answer | how often | |\n"
	"|---|---|---|\n"
	"| `{\"row\":{...}}` | any | the fields below |\n"
	"| `{\"diag\":{...}}` | any | a finding in the input, the fields of `validate` |\n"
	"| `{\"text\":\"...\"}` | any | a line for people |\n"
	"| `{\"end\":{\"exit\":N,\"message\":...}}` | once, last | the exit status, and what "
	"failed or "
	"null |\n"
	"\n"
	"Values in `args` are strings; numbers and booleans are taken as well. A request that "
	"can't be "
	"served is answered with exit 2\nand the connection goes on; a line that is no JSON object "
	"ends "
	"it. By hand:\n"
	"\n"
	"```\n"
	"echo '{\"command\":\"workers\"}' | nc -NU /run/sluice/control.sock\n"
	"```\n"
	"\n";

static void
put_limits(struct sl_buf *out)
{
	sl_buf_printf(out,
		"| limit | |\n|---|---|\n"
		"| connections | %u |\n"
		"| a request | %llu MiB; all unfinished ones together %llu MiB |\n"
		"| inputs, arguments of a request | %u, %u |\n"
		"| an answer that a client does not read | a stream waits at %u KiB; an answer "
		"given at "
		"once is cut at %u MiB and fails |\n"
		"| a connection without a request | ends after %u s |\n"
		"| a request that is not complete | ends after %u s |\n"
		"| an answer that is not read | ends after %u s |\n\n",
		SL_CTL_CLIENTS, (unsigned long long)(SL_CTL_REQUEST_MAX >> 20),
		(unsigned long long)(SL_CTL_REQUEST_SUM >> 20), SL_CTL_INPUTS, SL_CTL_ARGS,
		SL_CTL_STREAM_ROOM >> 10, SL_CTL_OUT_MAX >> 20, SL_CTL_IDLE_S, SL_CTL_HALF_S,
		SL_CTL_STUCK_S);
}

void
docs_control(struct sl_buf *out)
{
	const struct sl_ctl_kind *kind;

	sl_buf_puts(out, intro);
	put_limits(out);
	sl_buf_puts(out, "## Kinds\n\n| kind | also |\n|---|---|\n");
	for (size_t i = 0; (kind = sl_ctl_kind_at(i)); i++)
		sl_buf_printf(out, "| `%s` | `%s`%s%s%s |\n", kind->kind, kind->plural,
			*kind->abbreviation ? ", `" : "", kind->abbreviation,
			*kind->abbreviation ? "`" : "");
	sl_buf_puts(out, "\nIn any letter case, also with the API group behind it: "
			 "`serviceentries.networking.istio.io`. `Gateway` alone is Istio's.\n");
	sl_buf_puts(out, "\n## Flags of every command\n\n");
	put_params(out, SL_CTL_CMD_MAX);
	sl_buf_puts(out, "## Commands\n\n");
	for (unsigned cmd = 0; cmd < SL_CTL_CMD_MAX; cmd++)
		put_command(out, cmd);
	// No blank line at the end of a file.
	out->data[--out->len] = '\0';
}

// ---- mdoc ----

// A sentence a line, as mdoc wants it.
static void
put_roff(struct sl_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			sl_buf_puts(out, "\\e");
		else if (*text == ' ' && text[-1] == '.' && text[1] >= 'A' && text[1] <= 'Z')
			sl_buf_putc(out, '\n');
		else if (*text == '`')
			sl_buf_puts(out, "\\(dq");
		else
			sl_buf_putc(out, *text);
	}
}

static void
put_roff_text(struct sl_buf *out, const char *text)
{
	sl_buf_puts(out, "\\&");
	put_roff(out, text);
	sl_buf_putc(out, '\n');
}

// The arguments of a macro: a word that mdoc would take for a macro or punctuation stays a word.
static void
put_roff_word(struct sl_buf *out, const char *word)
{
	sl_buf_puts(out, " \"");
	put_roff(out, word);
	sl_buf_puts(out, "\"");
}

static void
put_roff_flag(struct sl_buf *out, const struct sl_ctl_param *p)
{
	sl_buf_puts(out, ".It");
	if (p->short_)
		sl_buf_printf(out, " Fl %c ,", p->short_);
	sl_buf_printf(out, " Fl -%s", p->name);
	if (p->type == SL_CTL_LOCAL_WATCH) {
		sl_buf_printf(out, " Ns Op = Ns Ar %s", p->placeholder);
	} else if (sl_ctl_type_has_value(p->type)) {
		sl_buf_puts(out, " Ar");
		put_roff_word(out, p->placeholder);
	}
	sl_buf_putc(out, '\n');
	put_roff_text(out, p->help);
}

static void
put_roff_command(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_command *c = sl_ctl_command(cmd);
	const struct sl_ctl_param *p = NULL;
	bool any = false;

	sl_buf_printf(out, ".Ss %s\n.Nm Cm %s\n", c->name, c->name);
	while ((p = sl_ctl_param_next(cmd, p))) {
		if (p->positional) {
			sl_buf_puts(out, p->need == SL_CTL_ONE ? ".Ar" : ".Op Ar");
			put_roff_word(out, p->placeholder);
			sl_buf_puts(out, p->need == SL_CTL_MANY ? " ...\n" : "\n");
		}
		any |= !p->positional;
	}
	sl_buf_puts(out, any ? ".Op Ar flag ...\n.Pp\n" : ".Pp\n");
	put_roff_text(out, c->help);
	if (!any)
		return;
	sl_buf_puts(out, ".Bl -tag -width Ds\n");
	while ((p = sl_ctl_param_next(cmd, p)))
		if (!p->positional)
			put_roff_flag(out, p);
	sl_buf_puts(out, ".El\n");
}

static void
put_roff_commands(struct sl_buf *out)
{
	for (unsigned cmd = 0; cmd < SL_CTL_CMD_MAX; cmd++)
		put_roff_command(out, cmd);
}

static void
put_roff_flags(struct sl_buf *out)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(SL_CTL_CMD_MAX, p)))
		put_roff_flag(out, p);
}

void
docs_man(struct sl_buf *out, const char *prose)
{
	while (*prose) {
		const size_t len = strcspn(prose, "\n");

		if (strncmp(prose, "@COMMANDS@", len) == 0 && len > 0)
			put_roff_commands(out);
		else if (strncmp(prose, "@FLAGS@", len) == 0 && len > 0)
			put_roff_flags(out);
		else
			sl_buf_printf(out, "%.*s\n", (int)len, prose);
		prose += len + (prose[len] == '\n');
	}
}
