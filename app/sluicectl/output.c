#include "output.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "row.h"
#include "safe.h"
#include "sl_conf.h"
#include "sl_str.h"
#include "verdict.h"

static enum output_form
form_of(const struct args *args)
{
	const char *o = args->output ? args->output : "table";

	if (args->cmd == SL_CTL_GET && strcmp(o, "json") == 0)
		return OUTPUT_OBJECTS;
	if (strcmp(o, "json") == 0)
		return OUTPUT_JSON;
	if (strcmp(o, "yaml") == 0)
		return OUTPUT_YAML;
	if (strcmp(o, "name") == 0)
		return OUTPUT_NAME;
	switch (args->cmd) {
	case SL_CTL_APPLY:
	case SL_CTL_DELETE:
		return OUTPUT_RESULT;
	case SL_CTL_DESCRIBE:
		return OUTPUT_DESCRIBE;
	case SL_CTL_EXPLAIN:
		return OUTPUT_VERDICT;
	case SL_CTL_LOG_LEVEL:
		return OUTPUT_VALUE;
	case SL_CTL_FLOWS:
		return args_get(args, "count", 0) ? OUTPUT_VALUE : OUTPUT_TABLE;
	default:
		return OUTPUT_TABLE;
	}
}

void
output_begin(struct output *o, const struct args *args, FILE *out, FILE *err)
{
	const char *kind = args_get(args, "kind", 0);

	*o = (struct output){.form = form_of(args), .out = out, .err = err};
	o->value = args->cmd == SL_CTL_LOG_LEVEL ? "level" : "count";
	o->single = args_get(args, "name", 0) != NULL;
	table_init(&o->table, out, args->cmd, kind ? sl_ctl_kind_find(kind) : NULL,
		args->output && strcmp(args->output, "wide") == 0, !args->no_headers);
}

// ---- rows, form by form ----

static void
put_result(struct output *o, const json_t *row)
{
	const char *namespace_ = text_of(row, "namespace");
	char *line = sl_xasprintf("%s %s%s%s %s\n", text_of(row, "kind"), namespace_,
		*namespace_ ? "/" : "", text_of(row, "name"), text_of(row, "result"));

	safe_put(o->out, line, "\n");
	free(line);
}

static void
put_value(struct output *o, const json_t *row)
{
	char *text = json_dumps(json_object_get(row, o->value), JSON_ENCODE_ANY);
	const char *string = json_string_value(json_object_get(row, o->value));

	safe_put(o->out, string ? string : text ? text : "", "");
	putc('\n', o->out);
	free(text);
}

static void
put_lower(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(tolower((unsigned char)*text), out);
}

// "serviceentry.networking.istio.io/web", as kubectl has it.
static void
put_name(struct output *o, const json_t *row)
{
	put_lower(o->out, text_of(row, "kind"));
	if (*text_of(row, "group"))
		putc('.', o->out);
	put_lower(o->out, text_of(row, "group"));
	putc('/', o->out);
	safe_put(o->out, text_of(row, "name"), "");
	putc('\n', o->out);
}

static void
put_yaml(struct output *o, const json_t *row)
{
	char *json = json_dumps(json_object_get(row, "object"), JSON_COMPACT);
	struct sl_buf yaml = {0};

	if (!json || sl_conf_json_to_yaml(json, &yaml) < 0) {
		o->bad++;
	} else {
		if (o->rows > 0)
			fputs("---\n", o->out);
		fwrite(yaml.data, 1, yaml.len, o->out);
	}
	sl_buf_fini(&yaml);
	free(json);
}

static void
put_indented(FILE *out, const char *text, const char *indent)
{
	fputs(indent, out);
	for (; *text; text++) {
		putc(*text, out);
		if (*text == '\n')
			fputs(indent, out);
	}
}

static void
put_item(struct output *o, const char *text)
{
	if (o->rows == 1)
		fputs("{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": [\n",
			o->out);
	else
		fputs(",\n", o->out);
	put_indented(o->out, text, "        ");
}

// kubectl's shapes: a List, or the one object that was asked for by name.
static void
put_object(struct output *o, const json_t *row)
{
	char *text = json_dumps(json_object_get(row, "object"), JSON_INDENT(4));

	if (!text) {
		o->bad++;
		return;
	}
	o->rows++;
	if (o->rows == 1) {
		o->first = text;
		return;
	}
	if (o->rows == 2) {
		o->rows = 1;
		put_item(o, o->first);
		o->rows = 2;
	}
	put_item(o, text);
	free(text);
}

static void
end_objects(struct output *o)
{
	if (o->rows == 1 && o->single) {
		fprintf(o->out, "%s\n", o->first);
		return;
	}
	if (o->rows == 1)
		put_item(o, o->first);
	if (o->rows > 0)
		fputs("\n    ]\n}\n", o->out);
	else if (!o->single)
		fputs("{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": "
		      "[]\n}\n",
			o->out);
}

static void
put_row(struct output *o, const json_t *row)
{
	switch (o->form) {
	case OUTPUT_TABLE:
		table_row(&o->table, row);
		break;
	case OUTPUT_RESULT:
		put_result(o, row);
		break;
	case OUTPUT_VALUE:
		put_value(o, row);
		break;
	case OUTPUT_DESCRIBE:
		describe(o->out, row, o->rows > 0);
		break;
	case OUTPUT_VERDICT:
		verdict(o->out, row);
		break;
	case OUTPUT_NAME:
		put_name(o, row);
		break;
	case OUTPUT_YAML:
		put_yaml(o, row);
		break;
	case OUTPUT_OBJECTS:
		put_object(o, row);
		return; // counts by itself
	case OUTPUT_JSON:
		break;
	}
	o->rows++;
}

void
output_row(struct output *o, const char *json, size_t len)
{
	json_t *row;

	if (o->form == OUTPUT_JSON) {
		fputs(o->rows++ == 0 ? "[\n  " : ",\n  ", o->out);
		fwrite(json, 1, len, o->out);
		return;
	}
	row = json_loadb(json, len, 0, NULL);
	if (row)
		put_row(o, row);
	else
		o->bad++;
	json_decref(row);
}

// ---- beside the rows ----

// Texts stand between the rows where a person reads, and aside where a program does.
void
output_text(struct output *o, const char *text)
{
	const bool aside = o->form == OUTPUT_JSON || o->form == OUTPUT_OBJECTS ||
			   o->form == OUTPUT_YAML || o->form == OUTPUT_NAME;

	table_flush(&o->table);
	safe_put(aside ? o->err : o->out, text, "\n\t");
	putc('\n', aside ? o->err : o->out);
}

void
output_diag_line(FILE *f, const struct sl_diag *diag)
{
	struct sl_buf line = {0};

	sl_diag_format(diag, &line);
	sl_buf_putc(&line, '\n');
	safe_put(f, line.data, "\t\n");
	sl_buf_fini(&line);
}

static char *
member_text(const json_t *value, const char *key)
{
	return (char *)json_string_value(json_object_get(value, key));
}

void
output_diag(struct output *o, const json_t *value)
{
	const bool error = strcmp(text_of(value, "severity"), "error") == 0;
	const struct sl_diag diag = {
		.severity = error ? SL_ERROR : SL_WARNING,
		.file = member_text(value, "file"),
		.line = (uint32_t)json_integer_value(json_object_get(value, "line")),
		.col = (uint32_t)json_integer_value(json_object_get(value, "col")),
		.object = member_text(value, "object"),
		.path = member_text(value, "path"),
		.rule = member_text(value, "rule"),
		.message = member_text(value, "message"),
	};

	if (diag.message)
		output_diag_line(o->err, &diag);
	else
		o->bad++;
}

void
output_end(struct output *o, bool good)
{
	if (!good && o->rows == 0)
		;
	else if (o->form == OUTPUT_JSON)
		fputs(o->rows > 0 ? "\n]\n" : "[]\n", o->out);
	else if (o->form == OUTPUT_OBJECTS)
		end_objects(o);
	free(o->first);
	o->first = NULL;
	table_fini(&o->table);
}
