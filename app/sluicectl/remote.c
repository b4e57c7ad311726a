#include "remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "diff.h"
#include "input.h"
#include "output.h"
#include "safe.h"
#include "sl_str.h"
#include "version.h"

// The exit status that the daemon gave; its message is said.
static int
finish(const json_t *end, FILE *err)
{
	const int rc = (int)json_integer_value(json_object_get(end, "exit"));
	const char *message = json_string_value(json_object_get(end, "message"));

	if (message && *message) {
		fputs("sluicectl: ", err);
		safe_put(err, message, "\t");
		putc('\n', err);
	}
	return rc;
}

static int
complain(FILE *err, struct sl_buf *why, int rc)
{
	fputs("sluicectl: ", err);
	safe_put(err, why->data, "\n\t");
	putc('\n', err);
	sl_buf_reset(why);
	return rc;
}

// Sends the request and gives every row to o, or to d.
static int
ask(struct conn *c, const struct sl_buf *request, struct output *o, struct diff *d, FILE *err)
{
	struct conn_answer a = {0};
	struct sl_buf why = {0};
	int rc = conn_send(c, request, &why);

	while (rc == 0 && (rc = conn_next(c, &a, &why)) == 0) {
		if (a.line == CONN_END)
			break;
		if (a.line == CONN_DIAG) {
			output_diag(o, a.value);
		} else if (a.line == CONN_TEXT) {
			output_text(
				o, json_string_value(a.value) ? json_string_value(a.value) : "");
		} else if (!d) {
			output_row(o, a.raw, a.raw_len);
		} else {
			json_t *row = json_loadb(a.raw, a.raw_len, 0, NULL);

			diff_row(d, row);
			json_decref(row);
		}
		// Nobody reads any more (a pager that was left).
		if (ferror(o->out))
			rc = -EPIPE;
	}
	if (rc == 0)
		rc = finish(a.value, err);
	else if (why.len > 0)
		rc = complain(err, &why, 1);
	else
		rc = 1;
	conn_answer_fini(&a);
	sl_buf_fini(&why);
	return rc;
}

static void
put_client_version(struct output *o)
{
	static const char row[] = "{\"component\":\"client\",\"version\":\"" SLUICE_VERSION "\"}";

	output_row(o, row, sizeof(row) - 1);
}

static bool
is_list(enum sl_ctl_cmd cmd)
{
	return sl_ctl_column_next(cmd, NULL) != NULL;
}

// One question, one answer.
static int
once(const struct args *args, const struct sl_buf *request, FILE *out, FILE *err)
{
	struct sl_buf why = {0};
	struct output o;
	struct conn c;
	int rc = 0;

	output_begin(&o, args, out, err);
	if (args->cmd == SL_CTL_VERSION)
		put_client_version(&o);
	if (!args->client) {
		rc = conn_open(&c, args->socket, &why);
		rc = rc < 0 ? complain(err, &why, 1) : ask(&c, request, &o, NULL, err);
		conn_close(&c);
	}
	output_end(&o, rc == 0);
	if (rc == 0 && o.bad > 0) {
		fprintf(err, "sluicectl: %zu rows of the answer are not understood\n", o.bad);
		rc = 1;
	}
	if (rc == 0 && o.rows == 0 && o.form == OUTPUT_TABLE && is_list(args->cmd))
		fputs("nothing found\n", err);
	sl_buf_fini(&why);
	return rc;
}

// A clean screen where there is one, else a blank line between two answers.
static void
begin_round(const struct args *args, bool first, FILE *out)
{
	const time_t now = time(NULL);
	char text[32];

	if (isatty(fileno(out))) {
		strftime(text, sizeof(text), "%H:%M:%S", localtime(&now));
		fprintf(out, "\033[H\033[2Jsluicectl %s, every %u s: %s\n\n",
			sl_ctl_command(args->cmd)->name, args->watch_s, text);
	} else if (!first) {
		putc('\n', out);
	}
}

static int
watch(const struct args *args, const struct sl_buf *request, FILE *out, FILE *err)
{
	int rc = 0;

	for (bool first = true; rc == 0 && !ferror(out); first = false) {
		if (!first)
			sleep(args->watch_s);
		begin_round(args, first, out);
		rc = once(args, request, out, err);
		fflush(out);
	}
	return rc;
}

static int
compare(const struct args *args, const struct sl_buf *request, FILE *out, FILE *err)
{
	struct diff *d = diff_new(err);
	struct sl_buf why = {0};
	struct output o;
	struct conn c;
	int rc;

	if (!d)
		return 2;
	output_begin(&o, args, out, err);
	rc = conn_open(&c, args->socket, &why);
	rc = rc < 0 ? complain(err, &why, 1) : ask(&c, request, &o, d, err);
	conn_close(&c);
	output_end(&o, rc == 0);
	// 1 says "different" here: what failed is more than that.
	rc = rc == 0 ? diff_run(d) : 2;
	diff_free(d);
	sl_buf_fini(&why);
	return rc;
}

int
remote_run(const struct args *args, FILE *out, FILE *err)
{
	struct sl_buf request = {0};
	struct inputs in;
	int rc;

	if (inputs_read(&in, args, err) < 0) {
		inputs_fini(&in);
		return args->cmd == SL_CTL_DIFF ? 2 : 1;
	}
	conn_request(&request, args, in.v, in.n);
	inputs_fini(&in);
	if (args->cmd == SL_CTL_DIFF)
		rc = compare(args, &request, out, err);
	else if (args->watch_s > 0)
		rc = watch(args, &request, out, err);
	else
		rc = once(args, &request, out, err);
	sl_buf_fini(&request);
	return rc;
}
