#include "help.h"

#include <string.h>

#define WIDTH 80

void
help_wrap(struct sl_buf *out, const char *text, unsigned indent, unsigned column)
{
	while (*text) {
		const size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > WIDTH) {
			sl_buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			sl_buf_putc(out, ' ');
			column++;
		}
		sl_buf_put(out, text, len);
		column += (unsigned)len;
		text += len;
		text += strspn(text, " ");
	}
	sl_buf_putc(out, '\n');
}

static void
put_flag(struct sl_buf *out, const struct sl_ctl_param *p)
{
	if (p->short_)
		sl_buf_printf(out, "-%c, ", p->short_);
	sl_buf_printf(out, "--%s", p->name);
	if (p->type == SL_CTL_LOCAL_WATCH)
		sl_buf_printf(out, "[=%s]", p->placeholder);
	else if (sl_ctl_type_has_value(p->type))
		sl_buf_printf(out, " %s", p->placeholder);
}

// "  left      text", the text from column 26 on.
static void
put_row(struct sl_buf *out, const char *left, const char *text)
{
	const unsigned at = 26;
	const size_t len = strlen(left) + 2;

	sl_buf_printf(out, "  %s", left);
	if (len + 2 > at)
		sl_buf_printf(out, "\n%*s", (int)at, "");
	else
		sl_buf_printf(out, "%*s", (int)(at - len), "");
	help_wrap(out, text, at, at);
}

static void
put_flags(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = NULL;

	while ((p = sl_ctl_param_next(cmd, p))) {
		struct sl_buf left = {0};

		if (p->positional)
			continue;
		put_flag(&left, p);
		put_row(out, left.data, p->help);
		sl_buf_fini(&left);
	}
}

void
help_usage(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = NULL;

	sl_buf_printf(out, "sluicectl %s", sl_ctl_command(cmd)->name);
	while ((p = sl_ctl_param_next(cmd, p))) {
		if (p->positional && p->need == SL_CTL_ONE)
			sl_buf_printf(out, " %s", p->placeholder);
		else if (p->positional)
			sl_buf_printf(out, " [%s%s]", p->placeholder,
				p->need == SL_CTL_MANY ? "..." : "");
		else if (p->type == SL_CTL_LOCAL_PATHS)
			sl_buf_printf(out, " -%c %s...", p->short_, p->placeholder);
		else if (p->type == SL_CTL_LOCAL_MAYBE_PATHS)
			sl_buf_printf(out, " [-%c %s...]", p->short_, p->placeholder);
		else if (p->type == SL_CTL_LOCAL_WATCH)
			sl_buf_printf(out, " [-%c[%s]]", p->short_, p->placeholder);
		else if (p->short_)
			sl_buf_printf(out, " [-%c%s%s]", p->short_, *p->placeholder ? " " : "",
				p->placeholder);
		else
			sl_buf_printf(out, " [--%s%s%s]", p->name, *p->placeholder ? " " : "",
				p->placeholder);
	}
}

void
help_all(struct sl_buf *out)
{
	sl_buf_puts(out, "usage: sluicectl [-s PATH] COMMAND [ARGUMENT...]\n\n"
			 "Controls a running sluice, and checks its objects without one.\n\n"
			 "Commands:\n");
	for (unsigned i = 0; i < SL_CTL_CMD_MAX; i++)
		put_row(out, sl_ctl_command(i)->name, sl_ctl_command(i)->summary);
	sl_buf_puts(out, "\nFlags of every command:\n");
	put_flags(out, SL_CTL_CMD_MAX);
	sl_buf_puts(out,
		"\n`sluicectl help COMMAND` tells more. Exit status: 0 fine, 1 what was asked\n"
		"failed or is invalid, 2 wrong usage.\n");
}

void
help_command(struct sl_buf *out, enum sl_ctl_cmd cmd)
{
	const struct sl_ctl_param *p = NULL;
	struct sl_buf usage = {0};
	bool any = false;

	help_usage(&usage, cmd);
	sl_buf_puts(out, "usage: ");
	help_wrap(out, usage.data, 12, 7);
	sl_buf_putc(out, '\n');
	help_wrap(out, sl_ctl_command(cmd)->help, 0, 0);
	while ((p = sl_ctl_param_next(cmd, p)) && p->positional) {
		sl_buf_puts(out, any ? "" : "\nArguments:\n");
		put_row(out, p->placeholder, p->help);
		any = true;
	}
	if (p) {
		sl_buf_puts(out, "\nFlags:\n");
		put_flags(out, cmd);
	}
	sl_buf_puts(out, "\nFlags of every command:\n");
	put_flags(out, SL_CTL_CMD_MAX);
	sl_buf_fini(&usage);
}
