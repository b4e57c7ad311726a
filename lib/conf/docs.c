// The generated references: the rows of the schemas as markdown.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "kinds.h"
#include "sl_str.h"

static void
put_range(struct sl_buf *out, const struct field *f)
{
	char low[32], high[32];

	if ((f->type >= T_NUMBER && f->type <= T_PERCENT) || f->type == T_PORT_MAP ||
		f->type == T_WEIGHTS)
		sl_buf_printf(out, ", %" PRIu64 "..%" PRIu64, f->min, f->max);
	else if (f->type == T_MEBIBYTES)
		sl_buf_printf(out, ", %" PRIu64 "Mi..%" PRIu64 "Mi", f->min, f->max);
	else if (f->type == T_DURATION || f->type == T_MICROS)
		sl_buf_printf(out, ", %s..%s", sl_str_duration_fmt(f->min, low),
			sl_str_duration_fmt(f->max, high));
	else if (f->type <= T_PATH && f->max)
		sl_buf_printf(out, ", at most %" PRIu64 " characters", f->max);
}

void
field_put_type(struct sl_buf *out, const struct field *f, const char *quote)
{
	if (f->type == T_ANY) {
		sl_buf_puts(out, "any");
		return;
	}
	if (f->flags & F_LIST)
		sl_buf_puts(out, "list, each ");
	if (f->names) {
		for (size_t i = 0; f->names[i]; i++)
			sl_buf_printf(out, "%s%s%s%s", i ? ", " : "", quote, f->names[i], quote);
		return;
	}
	sl_buf_puts(out, field_expects(f));
	put_range(out, f);
	if (f->min_items)
		sl_buf_printf(out, "; %u to %u of them", f->min_items, f->max_items);
	else if (f->max_items)
		sl_buf_printf(out, "; at most %u of them", f->max_items);
}

void
field_put_default(struct sl_buf *out, const struct field *f, const char *quote)
{
	if (f->def && *f->def)
		sl_buf_printf(out, "%s%s%s", quote, f->def, quote);
	else if (f->def_text)
		sl_buf_puts(out, f->def_text);
}

static void
put_row(struct sl_buf *out, const struct field *f, const char *prefix, bool reload, const char *as)
{
	const bool group = f->type == T_OBJECT && !(f->flags & F_LIST);

	sl_buf_printf(
		out, "| `%s%s%s` | ", prefix, f->key, f->type == T_OBJECT && !group ? "[]" : "");
	field_put_type(out, f, "`");
	sl_buf_puts(out, " | ");
	if (f->flags & F_REQUIRED)
		sl_buf_puts(out, "required");
	else
		field_put_default(out, f, "`");
	if (reload)
		sl_buf_printf(out, " | %s", group ? "" : f->flags & F_RESTART ? "restart" : "live");
	sl_buf_printf(
		out, " | %s%s%s", f->help, f->here ? " **Here:** " : "", f->here ? f->here : "");
	if (as)
		sl_buf_printf(out, " Fields as in `%s`.", as);
	sl_buf_puts(out, " |\n");
}

// Where a schema stood first: another time, its rows are not repeated.
struct shown {
	const struct schema *schema;
	char at[128];
};

static struct shown *
find_shown(struct shown *v, const struct schema *s)
{
	while (v->schema && v->schema != s)
		v++;
	return v;
}

// Rows of s, then those of what is inside, with their full path. shown: ends with an empty one.
static void
put_rows(struct sl_buf *out, const struct schema *s, const char *prefix, bool reload,
	struct shown *shown)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		struct shown *first = field_sub(f) ? find_shown(shown, field_sub(f)) : NULL;
		char inner[128];

		put_row(out, f, prefix, reload, first && first->schema ? first->at : NULL);
		if (!first || first->schema)
			continue;
		first->schema = field_sub(f);
		snprintf(first->at, sizeof(first->at), "%s%s", prefix, f->key);
		snprintf(inner, sizeof(inner), "%s%s%s.", prefix, f->key,
			f->type == T_NAMED  ? ".NAME"
			: f->flags & F_LIST ? "[]"
					    : "");
		put_rows(out, field_sub(f), inner, reload, shown);
	}
}

static void
put_schema(struct sl_buf *out, const struct schema *s, bool reload)
{
	struct shown shown[64] = {0};

	put_rows(out, s, "", reload, shown);
}

void
sl_conf_docs_config(struct sl_buf *out)
{
	sl_buf_puts(out,
		"# sluice.yaml\n\n"
		"Generated from the schema in `lib/conf/conf_rows.c`; an example is\n"
		"[examples/sluice.yaml](examples/sluice.yaml).\n\n"
		"One YAML document. Unknown keys, wrong types and values out of range are errors, "
		"all of them\nreported in one run: `sluice -c FILE --check`. Relative paths start "
		"from the folder of the file.\nDurations are written `1h30m`, `5s`, `250ms`, "
		"`100us`; sizes `512Mi`, `2Gi`.\n\n"
		"**Reload** says what `SIGHUP` does with a changed value: *live* applies it, "
		"*restart* keeps the old\nvalue until the next start and says so.\n\n"
		"| Key | Type | Default | Reload | Meaning |\n|---|---|---|---|---|\n");
	put_schema(out, conf_schema(), true);
}

static void
put_rules(struct sl_buf *out)
{
	size_t n;
	const struct sl_conf_rule *rule = sl_conf_rules(&n);

	sl_buf_puts(out,
		"\n## Rules\n\n"
		"A diagnostic names its rule in brackets at the end. The ids are those of "
		"Istio's webhook (S, W, D, V, G, E)\nand CRD (C) checks as this project numbers "
		"them, and of Sluice's own (N).\n\n"
		"| Rule | What it asks |\n|---|---|\n");
	for (size_t i = 0; i < n; i++)
		sl_buf_printf(out, "| %s | %s |\n", rule[i].id, rule[i].text);
}

static void
put_kind(struct sl_buf *out, enum sl_kind k)
{
	const struct kind *kind = kind_of(k);

	if (!kind || sl_kind_is_kept(k))
		return;
	sl_buf_printf(out, "\n## %s\n\n| Field | Type | Default | Meaning |\n|---|---|---|---|\n",
		sl_kind_name(k));
	put_schema(out, kind->schema, false);
}

void
sl_conf_docs_objects(struct sl_buf *out)
{
	sl_buf_puts(out,
		"# Objects\n\n"
		"Generated from the schemas and rules in `lib/conf`; examples are\n"
		"[examples/serviceentry.yaml](examples/serviceentry.yaml) and\n"
		"[examples/destinationrule.yaml](examples/destinationrule.yaml).\n\n"
		"Objects are Istio's, as YAML or JSON: several documents a file, `v1` `List` "
		"objects "
		"unfolded,\nanchors and merge keys resolved. Types are strict: `\"80\"` is a "
		"string "
		"and no number. An object\nwith an error is left out, the others are served. Other "
		"kinds of Istio and Kubernetes are left out\nwith a warning, unknown kinds are "
		"errors.\n\n"
		"What an object asks for and does not get here is a warning when it is read and a "
		"note in\n`sluicectl describe`.\n\n"
		"`sluicectl explain-field se.spec.ports` tells the same in a terminal. Editors "
		"with "
		"yaml-language-server\ncheck a file while it is written when its first line is\n\n"
		"```yaml\n# yaml-language-server: "
		"$schema=/usr/local/share/sluice/objects.schema.json\n```\n\n"
		"(`sluice.schema.json` for sluice.yaml; `sluicectl schema` prints them).\n\n");
	for (enum sl_kind k = 0; k < SL_KIND_MAX; k++)
		put_kind(out, k);
	put_rules(out);
}
