// The resource folders of sluice.yaml into the registry, at start and at every reload.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control_priv.h"

void
control_file_objects_fini(struct file_objects *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].namespace_);
		free(f->v[i].name);
		free(f->v[i].file);
	}
	free(f->v);
	*f = (struct file_objects){0};
}

static void
remember(struct file_objects *f, const struct sl_object *obj)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 64;
		f->v = sl_xrealloc(f->v, f->cap, sizeof(*f->v));
	}
	f->v[f->n++] = (struct file_object){
		.kind = obj->kind,
		.namespace_ = sl_xstrdup(obj->meta.namespace_),
		.name = sl_xstrdup(obj->meta.name),
		.file = sl_xstrdup(obj->loc.file),
	};
}

static int
by_identity(const void *pa, const void *pb)
{
	const struct file_object *a = pa, *b = pb;
	int order = (int)a->kind - (int)b->kind;

	if (order == 0)
		order = strcmp(a->namespace_, b->namespace_);
	return order ? order : strcmp(a->name, b->name);
}

static void
sort(struct file_objects *f)
{
	if (f->n) // v is NULL without any
		qsort(f->v, f->n, sizeof(*f->v), by_identity);
}

// Of a file, or of a folder above it that could not be read. When there were more findings than are
// kept, any file may have had errors.
static bool
has_errors(const struct sl_diags *diags, const char *file)
{
	for (size_t i = 0; file && i < diags->n; i++) {
		const struct sl_diag *d = &diags->v[i];
		const size_t len = d->file ? strlen(d->file) : 0;

		if (d->severity == SL_ERROR && len > 0 && strncmp(d->file, file, len) == 0 &&
			(file[len] == '\0' || file[len] == '/' || d->file[len - 1] == '/'))
			return true;
	}
	return diags->errors + diags->warnings > diags->n;
}

static void
put(struct sl_control *c, struct sl_object *obj, struct load_result *result)
{
	switch (sl_registry_put(c->registry, obj)) {
	case SL_CREATED:
		result->created++;
		break;
	case SL_CONFIGURED:
		result->configured++;
		break;
	default:
		result->unchanged++;
	}
}

// What an earlier load found and this one did not is gone, unless its file now has errors: then its
// last good version stays.
static void
delete_missing(struct sl_control *c, struct file_objects *found, struct sl_diags *diags,
	struct load_result *result)
{
	struct file_objects *old = &c->from_files;
	const size_t n_found = found->n;

	for (size_t i = 0; i < old->n; i++) {
		struct file_object *was = &old->v[i];
		struct sl_object *obj = sl_registry_find_origin(
			c->registry, was->kind, was->namespace_, was->name, SL_ORIGIN_FILE);

		if (!obj || (n_found && bsearch(was, found->v, n_found, sizeof(*was), by_identity)))
			continue;
		if (has_errors(diags, was->file)) {
			sl_log(c->log, SL_LOG_WARN, TOPIC,
				"invalid now, its last good version stays object=%s/%s file=%s",
				was->namespace_, was->name, was->file);
			remember(found, obj);
			continue;
		}
		sl_registry_del(c->registry, was->kind, was->namespace_, was->name, SL_ORIGIN_FILE);
		result->deleted++;
	}
	// What remember() appended stands behind the sorted part.
	sort(found);
}

void
control_load_files(struct sl_control *c, struct sl_diags *diags, struct load_result *result)
{
	struct sl_objects objects = {0};
	struct file_objects found = {0};

	for (uint32_t i = 0; i < c->conf->n_resources; i++)
		sl_conf_objects_path(c->conf->resources[i], SL_ORIGIN_FILE, &objects, diags);
	result->invalid += objects.invalid;
	for (size_t i = 0; i < objects.n; i++) {
		remember(&found, objects.v[i]);
		put(c, objects.v[i], result);
		objects.v[i] = NULL;
	}
	sort(&found);
	delete_missing(c, &found, diags, result);
	control_file_objects_fini(&c->from_files);
	c->from_files = found;
	sl_objects_fini(&objects);
}

void
control_log_diags(struct sl_control *c, const struct sl_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf line = {0};

		sl_diag_format(&diags->v[i], &line);
		sl_log(c->log, diags->v[i].severity == SL_ERROR ? SL_LOG_ERR : SL_LOG_WARN, "conf",
			"%s", line.data);
		sl_buf_fini(&line);
	}
}

static void
take_conf(struct sl_control *c, struct sl_conf *conf)
{
	enum sl_log_level level;

	sl_conf_free(c->conf);
	c->conf = conf;
	if (!c->cfg.keep_log_level && sl_log_level_parse(conf->log_level, &level) == 0)
		sl_log_set_level(c->log, level);
}

char *
control_reload(struct sl_control *c, struct sl_diags *diags, struct load_result *result)
{
	struct sl_conf *conf = sl_conf_read(c->conf->file, diags);
	struct conflicts known = {0};
	int rc;

	if (!conf)
		return sl_xstrdup("sluice.yaml is invalid");
	control_conflicts_before(c, &known);
	sl_conf_restart_needed(c->conf, conf, diags);
	sl_conf_keep(conf, c->conf);
	take_conf(c, conf);
	control_load_files(c, diags, result);
	rc = control_publish(c);
	control_conflicts_tell(c, &known, diags);
	control_apply_hosts(c);
	return rc < 0 ? control_publish_why(c, rc) : NULL;
}

void
sl_control_reload(struct sl_control *c)
{
	struct load_result result = {0};
	struct sl_diags diags = {0};
	char *why = control_reload(c, &diags, &result);

	sl_diags_sort(&diags);
	control_log_diags(c, &diags);
	if (why)
		sl_log(c->log, SL_LOG_ERR, TOPIC,
			"reload failed, the services stay as they were: %s", why);
	else
		sl_log(c->log, SL_LOG_NOTICE, TOPIC,
			"reloaded created=%llu configured=%llu unchanged=%llu deleted=%llu "
			"invalid=%llu generation=%llu",
			(unsigned long long)result.created, (unsigned long long)result.configured,
			(unsigned long long)result.unchanged, (unsigned long long)result.deleted,
			(unsigned long long)result.invalid, (unsigned long long)c->generation);
	sl_diags_fini(&diags);
	free(why);
}
