// Places in a document, and the one way to complain about them.
#include "se_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

// One step of a path: `.key`, `[3]` or `["key"]`. Returns what follows, NULL at the end.
static const char *
step(const char *path, const struct node *n, const struct node **next)
{
	char key[300];
	size_t len;

	*next = NULL;
	if (*path == '.')
		path++;
	if (!*path)
		return NULL;
	if (path[0] == '[' && path[1] != '"') {
		char *end;
		const unsigned long i = strtoul(path + 1, &end, 10);

		if (n->kind == NODE_SEQ && i < n->n)
			*next = n->items[i];
		return *end ? end + 1 : end;
	}
	if (path[0] == '[') {
		const char *end = strstr(path + 2, "\"]");

		len = end ? (size_t)(end - path) - 2 : strlen(path + 2);
		path += 2;
		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		path += len + (end ? 2 : 0);
	} else {
		len = strcspn(path, ".[");
		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		path += len;
	}
	*next = node_get(n, key);
	return path;
}

const struct node *
node_at(const struct node *root, const char *path)
{
	const struct node *at = root, *next;

	while ((path = step(path, at, &next)) && next)
		at = next;
	return at;
}

void
se_say(struct se_check *c, enum sl_severity severity, const char *rule, const char *path,
	const char *fmt, ...)
{
	const struct node *n = node_at(c->root, path);
	const struct sl_loc loc = {c->r->file, n->line, n->col};
	struct sl_buf text = {0};
	char buf[RULE_LEN];
	const char *shown;
	va_list ap;

	if (!rule_applies(c->r->rules, rule, buf, &shown))
		return;
	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	sl_diag_add(c->r->diags, severity, &loc, c->r->object, path, shown, "%s", text.data);
	if (severity == SL_ERROR)
		c->r->errors++;
	sl_buf_fini(&text);
}

void
se_remark(struct se_check *c, const char *rule, const char *path, const char *fmt, ...)
{
	const struct node *n = node_at(c->root, path);
	const struct sl_loc loc = {c->r->file, n->line, n->col};
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	sl_object_note(c->notes, path, &loc, false, "%s", text.data);
	sl_diag_add(c->r->diags, SL_WARNING, &loc, c->r->object, path, rule, "%s", text.data);
	sl_buf_fini(&text);
}

const char *
se_path_key(struct se_check *c, const char *key)
{
	const size_t len = strlen(c->path);
	struct sl_buf text = {0};

	sl_buf_putc(&text, ' '); // not the first step
	path_put_key(key, &text);
	reader_clean(&text);
	snprintf(c->path + len, sizeof(c->path) - len, "%s", text.data + 1);
	sl_buf_fini(&text);
	return c->path;
}

bool
se_given(const struct se_check *c, const char *key)
{
	const struct node *n = node_get(c->spec, key);

	return n && !(n->kind == NODE_SCALAR && n->scalar == SCALAR_NULL);
}

static void
wrong_text(struct se_check *c, const char *rule, const char *text, const char *expected)
{
	if (expected)
		se_say(c, SL_ERROR, rule, c->path, "\"%.80s\" is not %s", text, expected);
}

void
se_labels(
	struct se_check *c, const char *at, const char *rule, const struct sl_label *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		P(c, "%s", at);
		se_path_key(c, v[i].key);
		wrong_text(c, rule, v[i].key, check_label_key(v[i].key));
		wrong_text(c, rule, v[i].value, check_label_value(v[i].value));
	}
}

// Values of annotations are free.
static void
check_annotations(struct se_check *c, const struct sl_label *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		P(c, "metadata.annotations");
		se_path_key(c, v[i].key);
		wrong_text(c, NULL, v[i].key, check_label_key(v[i].key));
	}
}

void
obj_check_meta(struct se_check *c)
{
	const struct sl_meta *meta = &c->obj->meta;

	se_labels(c, "metadata.labels", NULL, meta->labels, meta->n_labels);
	check_annotations(c, meta->annotations, meta->n_annotations);
	if (strcmp(sl_kind_group(c->obj->kind), "networking.istio.io") == 0 &&
		se_has_label(meta->annotations, meta->n_annotations, "istio.io/dry-run"))
		se_say(c, SL_ERROR, "S36", "metadata.annotations[\"istio.io/dry-run\"]",
			"there is no dry run of a %s", sl_kind_name(c->obj->kind));
	obj_check_ours(c);
}

void
se_selector(
	struct se_check *c, const char *at, const char *rule, const struct sl_label *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		P(c, "%s", at);
		se_path_key(c, v[i].key);
		if (!*v[i].key)
			se_say(c, SL_ERROR, rule, c->path, "an empty key");
		else if (strchr(v[i].key, '*') || strchr(v[i].value, '*'))
			se_say(c, SL_ERROR, rule, c->path,
				"a wildcard, which a selector cannot hold");
	}
}

static const char *
export_namespace(const struct se_check *c, const char *entry)
{
	return strcmp(entry, ".") == 0 && c->obj->meta.namespace_ ? c->obj->meta.namespace_ : entry;
}

static void
check_export(struct se_check *c, const char *entry, uint32_t n, bool nobody)
{
	const bool all = strcmp(entry, "*") == 0, none = strcmp(entry, "~") == 0;

	if (none && !nobody)
		se_say(c, SL_ERROR, "E3", c->path, "\"~\" is for a ServiceEntry only");
	else if ((all || none) && n > 1)
		se_say(c, SL_ERROR, all ? "E4" : "E5", c->path,
			"\"%s\" stands alone, not with other entries", entry);
	else if (!all && !none && strcmp(entry, ".") != 0 && !is_dns_label(entry))
		se_say(c, SL_ERROR, "E2", c->path, "\"%.80s\" is not \".\", \"*\"%s or a namespace",
			entry, nobody ? ", \"~\"" : "");
}

void
se_export_to(struct se_check *c, char *const *v, uint32_t n, bool nobody)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!v[i])
			continue;
		P(c, "spec.exportTo[%u]", i);
		check_export(c, v[i], n, nobody);
		for (uint32_t k = 0; k < i; k++) {
			if (!v[k] ||
				strcmp(export_namespace(c, v[k]), export_namespace(c, v[i])) != 0)
				continue;
			se_say(c, SL_ERROR, "E1", c->path,
				"\"%s\" is there already, in exportTo[%u]", v[i], k);
			break;
		}
	}
}

bool
se_is_name(const struct sl_se_endpoint *ep)
{
	return ep->address && !ep->ip.family && strncmp(ep->address, "unix://", 7) != 0;
}

bool
se_has_label(const struct sl_label *v, uint32_t n, const char *key)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(v[i].key, key) == 0)
			return true;
	return false;
}
