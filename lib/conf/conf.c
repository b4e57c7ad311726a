// sluice.yaml: reading, places, release.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dr_check.h"
#include "rows.h"
#include "sl_buf.h"
#include "sl_str.h"

#define MAX_CONF_BYTES (16u << 20)

static void
remember_place(void *ctx, const struct path *path, const struct node *value)
{
	struct sl_conf *conf = ctx;
	struct sl_buf text = {0};

	path_render(path, &text);
	conf->places = sl_xrealloc(conf->places, conf->n_places + 1, sizeof(*conf->places));
	conf->places[conf->n_places++] = (struct sl_conf_place){
		.path = sl_buf_take(&text), .line = value->line, .col = value->col};
}

static const struct sl_conf_place *
find_place(const struct sl_conf *conf, const char *path)
{
	for (uint32_t i = 0; i < conf->n_places; i++)
		if (strcmp(conf->places[i].path, path) == 0)
			return &conf->places[i];
	return NULL;
}

struct sl_loc
conf_place(const struct sl_conf *conf, const char *path)
{
	char *around = sl_xstrdup(path);
	const struct sl_conf_place *place = find_place(conf, around);
	struct sl_loc loc = {.file = conf->file};

	while (!place && *around) {
		char *cut = strrchr(around, '.'), *index = strrchr(around, '[');

		if (!cut || (index && index > cut))
			cut = index;
		*(cut ? cut : around) = '\0';
		place = find_place(conf, around);
	}
	free(around);
	if (place) {
		loc.line = place->line;
		loc.col = place->col;
	}
	return loc;
}

static char *
folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return sl_xstrdup(".");
	return sl_xasprintf("%.*s", slash == file ? 1 : (int)(slash - file), file);
}

// What the rows of mesh.localityLbSetting cannot say or check.
static void
read_locality(struct reader *r, const struct node *root, struct sl_conf *conf)
{
	static const char at[] = "mesh.localityLbSetting";
	struct se_check c = {.r = r, .root = root};
	const struct node *mesh = node_get(root, "mesh"), *setting, *enabled;

	if (!conf->locality.given)
		return;
	setting = node_get(mesh, "localityLbSetting");
	enabled = node_get(setting, "enabled");
	conf->locality.disabled =
		enabled && enabled->kind == NODE_SCALAR && strchr("fF", enabled->text[0]);
	locality_check(&c, at, &conf->locality);
}

static void
read_root(struct reader *r, const struct doc *doc, struct sl_conf *conf)
{
	static const struct node nothing = {.kind = NODE_MAP, .line = 1, .col = 1};
	const struct node *root = doc->root ? doc->root : &nothing;

	conf->control_core = -1;
	if (root->kind != NODE_MAP) {
		reader_error(r, NULL, root->line, root->col, NULL,
			"expected a mapping with keys "
			"such as ports and pool");
		return;
	}
	schema_read(r, conf_schema(), root, NULL, conf);
	if (!conf->n_workers)
		conf->n_workers = conf->n_worker_cores ? conf->n_worker_cores : 1;
	read_locality(r, root, conf);
	conf_check(r, conf);
	if (!r->errors)
		conf_groups(r, conf);
}

struct sl_conf *
sl_conf_read_text(const char *text, size_t len, const char *file, struct sl_diags *diags)
{
	struct sl_conf *conf = sl_xcalloc(1, sizeof(*conf));
	const char *doc_text;
	size_t doc_len, pos = 0;
	uint32_t line = 1, doc_line;
	struct doc doc = {0};
	char *folder = folder_of(file);
	struct reader r = {.diags = diags, .object = "sluice.yaml", .folder = folder};

	conf->file = sl_xstrdup(file);
	r.file = conf->file;
	r.given = remember_place;
	r.given_ctx = conf;
	if (stream_next(text, len, &pos, &line, &doc_text, &doc_len, &doc_line))
		r.errors += doc_read(&doc, doc_text, doc_len, file, doc_line, diags);
	if (stream_next(text, len, &pos, &line, &doc_text, &doc_len, &doc_line))
		reader_error(&r, NULL, doc_line, 1, NULL, "a second document; one is expected");
	if (doc.root || !r.errors)
		read_root(&r, &doc, conf);
	doc_fini(&doc);
	free(folder);
	if (r.errors) {
		sl_conf_free(conf);
		return NULL;
	}
	return conf;
}

struct sl_conf *
sl_conf_read(const char *path, struct sl_diags *diags)
{
	struct sl_buf text = {0};
	struct sl_conf *conf = NULL;
	const int rc = sl_buf_read_any(&text, path, MAX_CONF_BYTES);
	const struct sl_loc loc = {.file = path};

	if (rc < 0)
		sl_diag_add(diags, SL_ERROR, &loc, NULL, NULL, NULL, "cannot be read: %s",
			sl_buf_read_why(rc));
	else
		conf = sl_conf_read_text(text.data ? text.data : "", text.len, path, diags);
	sl_buf_fini(&text);
	return conf;
}

struct sl_conf *
sl_conf_new(void)
{
	struct sl_conf *conf = sl_xcalloc(1, sizeof(*conf));

	schema_defaults(conf_schema(), conf);
	return conf;
}

void
sl_conf_free(struct sl_conf *conf)
{
	if (!conf)
		return;
	schema_fini(conf_schema(), conf);
	for (uint32_t i = 0; i < conf->n_places; i++)
		free(conf->places[i].path);
	free(conf->places);
	free(conf->groups);
	free(conf->group_prefixes);
	free(conf->file);
	free(conf);
}
