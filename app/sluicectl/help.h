// Texts out of the command table: help, the completion script, the manual page's command section,
// docs/control.md. Each says what the table says and no more.
//
// Threads: one.
#pragma once

#include "sl_ctl_table.h"

void help_all(struct sl_buf *out);
void help_command(struct sl_buf *out, enum sl_ctl_cmd cmd);
// "sluicectl get KIND [NAME] [-n NS] ...", in one line.
void help_usage(struct sl_buf *out, enum sl_ctl_cmd cmd);

// text in lines of at most 80 columns, each behind `indent` blanks; the first line begins where the
// output stands, at `column`.
void help_wrap(struct sl_buf *out, const char *text, unsigned indent, unsigned column);

void complete_bash(struct sl_buf *out);
void docs_control(struct sl_buf *out);
// The manual page: prose with its lines @FLAGS@ and @COMMANDS@ replaced.
void docs_man(struct sl_buf *out, const char *prose);
