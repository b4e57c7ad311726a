// The resource folders of sluice.yaml into the registry, at start and at every reload.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control_priv.h"
#include "names.h"
#include "responder.h"

struct loading {
	struct sl_control *c;
	struct load_result *result;
};

static void
set_rejected(struct sl_object *obj, const char *why)
{
	free(obj->rejected);
	obj->rejected = sl_xstrdup(why);
}

static struct sl_object *
find(const struct loading *l, enum sl_kind kind, const char *namespace_, const char *name)
{
	return sl_registry_find_origin(l->c->registry, kind, namespace_, name, SL_ORIGIN_FILE);
}

static void
on_found(void *ctx, struct sl_object *obj)
{
	struct loading *l = ctx;
	struct sl_object *old = find(l, obj->kind, obj->meta.namespace_, obj->meta.name);

	// Valid again, and as it was before: the registry keeps the old one, at its new place.
	if (old)
		set_rejected(old, NULL);
	switch (sl_registry_put(l->c->registry, obj)) {
	case SL_CREATED:
		l->result->created++;
		break;
	case SL_CONFIGURED:
		l->result->configured++;
		break;
	default:
		l->result->unchanged++;
		sl_compile_moved(l->c->compile, old);
	}
}

static void
on_moved(void *ctx, enum sl_kind kind, const char *namespace_, const char *name, int32_t lines)
{
	const struct loading *l = ctx;
	struct sl_object *obj = find(l, kind, namespace_, name);

	if (obj)
		sl_object_move(obj, lines);
}

// An object that an earlier load found and this one did not; with errors its last good version
// stays, which the log says once.
static void
on_gone(void *ctx, enum sl_kind kind, const char *namespace_, const char *name,
	const char *rejected)
{
	struct loading *l = ctx;
	struct sl_object *obj = find(l, kind, namespace_, name);
	char title[600];

	if (!obj)
		return;
	if (!rejected) {
		sl_registry_del(l->c->registry, kind, namespace_, name, SL_ORIGIN_FILE);
		l->result->deleted++;
		return;
	}
	if (!obj->rejected)
		sl_log(l->c->log, SL_LOG_WARN, TOPIC,
			"invalid now, its last good version stays object=%s",
			sl_object_title(obj, title, sizeof(title)));
	set_rejected(obj, rejected);
}

static int64_t
wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
control_load_files(struct sl_control *c, struct sl_diags *diags, struct load_result *result)
{
	static const struct sl_conf_cache_fns fns = {
		.found = on_found, .moved = on_moved, .gone = on_gone};
	struct loading l = {.c = c, .result = result};
	struct sl_conf_cache_result read;
	// The first load has the workers' CPUs too: they do not run yet.
	const cpu_set_t *cpus = c->in_force ? c->cfg.cpus : c->cfg.start_cpus;

	sl_conf_cache_helpers(c->files, cpus ? (unsigned)CPU_COUNT(cpus) : 0, cpus);
	sl_conf_cache_load(c->files, c->conf->resources, c->conf->n_resources, wall_ns(), &fns, &l,
		diags, &read);
	result->unchanged += read.unchanged;
	result->invalid += read.invalid;
	sl_log(c->log, SL_LOG_DEBUG, TOPIC, "resources read files=%zu documents=%zu",
		read.files_read, read.docs_read);
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
	int rc;

	if (!conf)
		return sl_xstrdup("sluice.yaml is invalid");
	sl_conf_restart_needed(c->conf, conf, diags);
	sl_conf_keep(conf, c->conf);
	take_conf(c, conf);
	control_take_clients(c);
	names_configure(c->names, diags);
	control_load_files(c, diags, result);
	rc = control_publish(c);
	sl_compile_news(c->compile, diags);
	control_apply_hosts(c);
	responder_configure(c->responder, diags);
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
