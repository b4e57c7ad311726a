#include "offline.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "sl_conf.h"
#include "sl_ctl.h"
#include "sl_emit.h"

static void
read_paths(const struct args *args, struct sl_objects *objects, struct sl_diags *diags)
{
	for (size_t i = 0; i < args->n_paths; i++)
		sl_conf_objects_path(args->paths[i], SL_ORIGIN_FILE, objects, diags);
	sl_diags_sort(diags);
}

static void
print_diags(const struct sl_diags *diags, FILE *err)
{
	for (size_t i = 0; i < diags->n; i++)
		output_diag_line(err, &diags->v[i]);
	if (diags->errors + diags->warnings > diags->n)
		fprintf(err, "sluicectl: %zu more findings are not shown\n",
			diags->errors + diags->warnings - diags->n);
}

// ---- validate ----

static void
print_summary(const struct sl_objects *objects, const struct sl_diags *diags, FILE *out)
{
	const size_t n = objects->n + objects->invalid + objects->skipped;

	fprintf(out, "%zu object%s: %zu valid, %zu invalid, %zu warning%s", n, n == 1 ? "" : "s",
		objects->n, objects->invalid, diags->warnings, diags->warnings == 1 ? "" : "s");
	if (objects->skipped > 0)
		fprintf(out, ", %zu of kinds that are not served yet", objects->skipped);
	putc('\n', out);
}

static void
print_json(const struct args *args, const struct sl_diags *diags, FILE *out, FILE *err)
{
	struct output o;

	output_begin(&o, args, out, err);
	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf row = {0};
		struct sl_emit e;

		sl_emit_init(&e, &row);
		sl_emit_obj(&e, NULL);
		sl_ctl_emit_diag(&e, &diags->v[i]);
		sl_emit_end(&e);
		output_row(&o, row.data, row.len);
		sl_buf_fini(&row);
	}
	output_end(&o, true);
}

static void
validate(const struct args *args, const struct sl_objects *objects, const struct sl_diags *diags,
	FILE *out, FILE *err)
{
	if (args->output && strcmp(args->output, "json") == 0) {
		print_json(args, diags, out, err);
		return;
	}
	print_diags(diags, err);
	print_summary(objects, diags, out);
}

// ---- services, endpoints ----

static void
put_endpoint(struct output *o, const struct sl_service *svc, const struct sl_se_port *port,
	const struct sl_se_endpoint *ep)
{
	const char *state = svc->served && !sl_se_endpoint_not_served(ep) ? "unknown" : "notServed";
	struct sl_buf json = {0};
	struct sl_emit e;

	sl_emit_init(&e, &json);
	sl_endpoint_emit(svc, port, ep, state, NULL, &e);
	output_row(o, json.data, json.len);
	sl_buf_fini(&json);
}

static void
put_service(struct output *o, const struct sl_service *svc)
{
	struct sl_buf json = {0};
	struct sl_emit e;

	sl_emit_init(&e, &json);
	sl_service_emit(svc, NULL, NULL, &e);
	output_row(o, json.data, json.len);
	sl_buf_fini(&json);
}

static void
put_rows(struct output *o, enum sl_ctl_cmd cmd, const struct sl_service *svc)
{
	const struct sl_service_entry *se = &svc->obj->se;

	if (cmd == SL_CTL_SERVICES) {
		put_service(o, svc);
		return;
	}
	for (uint32_t i = 0; i < se->n_ports; i++)
		for (uint32_t k = 0; k < se->n_endpoints; k++)
			put_endpoint(o, svc, &se->ports[i], &se->endpoints[k]);
}

static void
list(const struct args *args, struct sl_objects *objects, FILE *out, FILE *err)
{
	struct sl_registry *registry = sl_registry_new();
	const struct sl_service **services;
	struct output o;
	size_t n;

	for (size_t i = 0; i < objects->n; i++) {
		sl_registry_put(registry, objects->v[i]);
		objects->v[i] = NULL;
	}
	services = sl_services_list(
		registry, args_get(args, "namespace", 0), args_get(args, "service", 0), &n);
	output_begin(&o, args, out, err);
	for (size_t i = 0; i < n; i++)
		put_rows(&o, args->cmd, services[i]);
	output_end(&o, true);
	free(services);
	sl_registry_free(registry);
}

int
offline_run(const struct args *args, FILE *out, FILE *err)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	int rc;

	if (args->rules)
		sl_rules_parse(args->rules, &objects.rules); // one of the choices
	read_paths(args, &objects, &diags);
	rc = diags.errors > 0 ? 1 : 0;
	if (objects.n + objects.invalid + objects.skipped == 0 && rc == 0)
		fputs("sluicectl: there are no objects in these files\n", err);
	if (args->cmd == SL_CTL_VALIDATE) {
		validate(args, &objects, &diags, out, err);
	} else {
		print_diags(&diags, err);
		list(args, &objects, out, err);
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return rc;
}
