// JSON text to YAML, as kubectl prints it: JSON is read as the YAML that it is, and written in
// block style. Canonical JSON has its keys sorted, which is kubectl's order.
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "node.h"
#include "sl_conf.h"

static int
write_buf(void *ctx, unsigned char *data, size_t len)
{
	sl_buf_put(ctx, data, len);
	return 1;
}

static bool
emit(yaml_emitter_t *e, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(e, event);
}

// A string that a YAML 1.1 or 1.2 reader might take for something else goes in quotes.
static bool
needs_quotes(const char *text)
{
	const char *dot;
	static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "<<", "="};

	for (size_t i = 0; i < SL_ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	if (scalar_resolve(text) != SCALAR_STR)
		return true;
	// Numbers of YAML 1.1: with underscores, sexagesimal, times. An IPv4 address is none of
	// them.
	dot = strchr(text, '.');
	return strchr("0123456789+-.", *text) && !(dot && strchr(dot + 1, '.')) &&
	       text[strspn(text, "0123456789+-.:_xXoOeETZ ")] == '\0';
}

// libyaml folds what it takes for line breaks (also U+0085, U+2028 and U+2029) in plain and single
// quotes; in double quotes it writes them as escapes.
static bool
has_odd_characters(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if ((*c < ' ' && *c != '\n') || *c == 0x7f)
			return true;
		if ((c[0] == 0xc2 && c[1] < 0xa0) || (c[0] == 0xe2 && c[1] == 0x80) ||
			(c[0] == 0xef && c[1] == 0xbb))
			return true;
	}
	return false;
}

// Lines that a literal block shows as they are: none begins or ends blank, none is empty.
static bool
is_plain_block(const char *text)
{
	for (const char *line = text; *line;) {
		const size_t len = strcspn(line, "\n");

		if (!len || line[0] == ' ' || line[len - 1] == ' ')
			return false;
		line += len + (line[len] == '\n');
	}
	return true;
}

static yaml_scalar_style_t
style_of(const char *text)
{
	if (needs_quotes(text) || has_odd_characters(text))
		return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	if (!strchr(text, '\n'))
		return YAML_ANY_SCALAR_STYLE;
	return is_plain_block(text) ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static bool
emit_scalar(yaml_emitter_t *e, const char *text, bool is_string)
{
	const yaml_scalar_style_t style = is_string ? style_of(text) : YAML_PLAIN_SCALAR_STYLE;
	yaml_event_t event;

	return emit(e, &event,
		yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
			(int)strlen(text), style != YAML_DOUBLE_QUOTED_SCALAR_STYLE, 1, style));
}

static bool
emit_node(yaml_emitter_t *e, const struct node *n)
{
	const yaml_sequence_style_t seq =
		n->n ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
	const yaml_mapping_style_t map = n->n ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
	yaml_event_t event;

	if (n->kind == NODE_SCALAR)
		return emit_scalar(e, n->text, n->scalar == SCALAR_STR);
	if (n->kind == NODE_SEQ) {
		if (!emit(e, &event,
			    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, seq)))
			return false;
		for (uint32_t i = 0; i < n->n; i++)
			if (!emit_node(e, n->items[i]))
				return false;
		return emit(e, &event, yaml_sequence_end_event_initialize(&event));
	}
	if (!emit(e, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, map)))
		return false;
	for (uint32_t i = 0; i < n->n; i++)
		if (!emit_scalar(e, n->pairs[i].key, true) || !emit_node(e, n->pairs[i].value))
			return false;
	return emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static bool
emit_document(yaml_emitter_t *e, const struct node *root)
{
	yaml_event_t event;

	return emit(e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(e, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
	       emit_node(e, root) &&
	       emit(e, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(e, &event, yaml_stream_end_event_initialize(&event)) && yaml_emitter_flush(e);
}

int
sl_conf_json_to_yaml(const char *json, struct sl_buf *out)
{
	struct sl_diags diags = {0};
	yaml_emitter_t emitter;
	struct doc doc = {0};
	int rc = -EINVAL;

	if (doc_read(&doc, json, strlen(json), "json", 1, &diags) == 0 && doc.root) {
		if (!yaml_emitter_initialize(&emitter)) {
			rc = -ENOMEM;
		} else {
			yaml_emitter_set_output(&emitter, write_buf, out);
			yaml_emitter_set_unicode(&emitter, 1);
			yaml_emitter_set_width(&emitter, -1);
			rc = emit_document(&emitter, doc.root) ? 0 : -EINVAL;
			yaml_emitter_delete(&emitter);
		}
	}
	doc_fini(&doc);
	sl_diags_fini(&diags);
	return rc;
}
