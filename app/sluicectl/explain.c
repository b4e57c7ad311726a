#include "explain.h"

#include <string.h>

#include "help.h"
#include "output.h"
#include "safe.h"
#include "sl_conf_explain.h"
#include "sl_emit.h"

struct explain {
	struct sl_buf text;
	struct output *rows; // NULL: text
	bool deep;
	bool fields; // the title above them is out
};

static int
refuse(const char *command, const struct sl_buf *why, FILE *err)
{
	fprintf(err, "sluicectl: %s: ", command);
	safe_put(err, why->data, "");
	putc('\n', err);
	return 1;
}

// ---- text ----

static void
put_head(struct sl_buf *out, const struct sl_conf_field *f)
{
	sl_buf_printf(out, "KIND:     %s\n", f->kind);
	if (f->group && *f->group)
		sl_buf_printf(out, "GROUP:    %s\n", f->group);
	if (*f->path)
		sl_buf_printf(out, "FIELD:    %s <%s>%s\n", f->path, f->type,
			f->required ? " -required-" : "");
	if (f->def)
		sl_buf_printf(out, "DEFAULT:  %s\n", f->def);
	if (f->reload && *f->path)
		sl_buf_printf(out, "RELOAD:   %s\n", f->reload);
	if (f->rule)
		sl_buf_printf(out, "RULE:     %s\n", f->rule);
	sl_buf_puts(out, "\nDESCRIPTION:\n    ");
	help_wrap(out, f->help, 4, 4);
	if (f->here) {
		sl_buf_puts(out, "\nHERE:\n    ");
		help_wrap(out, f->here, 4, 4);
	}
}

static void
put_inner(struct explain *x, const struct sl_conf_field *f)
{
	const int indent = (int)f->depth * 2;

	if (!x->fields)
		sl_buf_puts(&x->text, "\nFIELDS:\n");
	x->fields = true;
	sl_buf_printf(&x->text, "%*s%s <%s>%s\n", indent, "", f->name, f->type,
		f->required ? " -required-" : "");
	if (x->deep)
		return;
	sl_buf_puts(&x->text, "    ");
	help_wrap(&x->text, f->help, 4, 4);
}

// ---- rows ----

static void
put_row(struct output *o, const struct sl_conf_field *f)
{
	struct sl_buf json = {0};
	struct sl_emit e;

	sl_emit_init(&e, &json);
	sl_emit_obj(&e, NULL);
	sl_emit_str(&e, "kind", f->kind);
	sl_emit_str(&e, "group", f->group);
	sl_emit_str(&e, "path", f->path);
	sl_emit_str(&e, "type", f->type);
	sl_emit_bool(&e, "required", f->required);
	sl_emit_str(&e, "default", f->def);
	sl_emit_str(&e, "rule", f->rule);
	sl_emit_str(&e, "reload", f->reload);
	sl_emit_str(&e, "description", f->help);
	sl_emit_str(&e, "here", f->here);
	sl_emit_end(&e);
	output_row(o, json.data, json.len);
	sl_buf_fini(&json);
}

static void
on_field(void *ctx, const struct sl_conf_field *f)
{
	struct explain *x = ctx;

	if (x->rows)
		put_row(x->rows, f);
	else if (f->depth == 0)
		put_head(&x->text, f);
	else
		put_inner(x, f);
}

int
explain_run(const struct args *args, FILE *out, FILE *err)
{
	const bool json = args->output && strcmp(args->output, "json") == 0;
	struct explain x = {.deep = args_get(args, "recursive", 0) != NULL};
	struct sl_buf why = {0};
	struct output rows;
	int rc;

	if (json) {
		output_begin(&rows, args, out, err);
		x.rows = &rows;
	}
	rc = sl_conf_explain(args_get(args, "field", 0), x.deep, on_field, &x, &why);
	if (json)
		output_end(&rows, rc == 0);
	else if (x.text.len)
		fwrite(x.text.data, 1, x.text.len, out);
	rc = rc < 0 ? refuse("explain-field", &why, err) : 0;
	sl_buf_fini(&x.text);
	sl_buf_fini(&why);
	return rc;
}

int
schema_run(const struct args *args, FILE *out, FILE *err)
{
	struct sl_buf text = {0}, why = {0};
	int rc = sl_conf_json_schema(args_get(args, "kind", 0), &text, &why);

	if (rc < 0)
		rc = refuse("schema", &why, err);
	else
		fprintf(out, "%s\n", text.data);
	sl_buf_fini(&text);
	sl_buf_fini(&why);
	return rc;
}
