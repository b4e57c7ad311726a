#include "offline.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "sl_conf.h"
#include "sl_ctl.h"
#include "sl_emit.h"
#include "sl_mesh_explain.h"

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

// ---- services, endpoints ----

static void
put_endpoint(struct output *o, const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const char *subset, const struct sl_mesh_endpoint *ep, uint32_t number)
{
	const char *state = svc->not_served || ep->not_served ? "notServed"
			    : ep->healthy                     ? "unknown"
							      : "unhealthy";
	struct sl_buf json = {0};
	struct sl_emit e;

	sl_emit_init(&e, &json);
	sl_mesh_endpoint_emit(svc, port, subset, ep, number, state, NULL, &e);
	output_row(o, json.data, json.len);
	sl_buf_fini(&json);
}

static void
put_endpoints(struct output *o, struct sl_mesh *mesh, const struct sl_mesh_service *svc)
{
	size_t n;
	const char **subset = sl_mesh_subsets(mesh, svc, &n);
	const struct sl_mesh_endpoint *ep;
	uint32_t number;

	for (uint32_t p = 0; p < svc->n_ports; p++) {
		const struct sl_se_port *port = svc->port[p];

		for (uint32_t it = 0; (ep = sl_mesh_endpoint_next(svc, port, &it, &number));)
			put_endpoint(o, svc, port, NULL, ep, number);
		for (size_t s = 0; s < n; s++)
			for (uint32_t it = 0;
				(ep = sl_mesh_endpoint_next(svc, port, &it, &number));)
				if (sl_mesh_in_subset(mesh, svc, subset[s], ep))
					put_endpoint(o, svc, port, subset[s], ep, number);
	}
	free(subset);
}

static void
put_service(struct output *o, const struct sl_mesh_service *svc)
{
	struct sl_buf json = {0};
	struct sl_emit e;

	sl_emit_init(&e, &json);
	sl_mesh_service_emit(svc, NULL, NULL, &e);
	output_row(o, json.data, json.len);
	sl_buf_fini(&json);
}

// ---- what the files say together ----

// Without --conf: one client group, as a gateway has it whose sluice.yaml says nothing of clients.
struct world {
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_conf *read; // of --conf, or NULL
	struct sl_conf_group group[SL_MESH_MAX_CLIENTS];
	struct sl_conf *defaults;
	struct sl_conf plain; // borrows from defaults
	const struct sl_conf *conf;
};

static bool
world_conf(struct world *w, const struct args *args, struct sl_diags *diags)
{
	w->group[0] = (struct sl_conf_group){.namespace_ = "default"};
	w->defaults = sl_conf_new();
	w->plain = *w->defaults;
	w->plain.groups = w->group;
	w->plain.n_groups = 1;
	w->conf = &w->plain;
	if (!args->conf)
		return true;
	w->read = sl_conf_read(args->conf, diags);
	w->conf = w->read;
	return w->read != NULL;
}

static void
world_fill(struct world *w, struct sl_objects *objects)
{
	w->registry = sl_registry_new();
	w->mesh = sl_mesh_new(w->registry);
	for (size_t i = 0; i < objects->n; i++) {
		sl_registry_put(w->registry, objects->v[i]);
		objects->v[i] = NULL;
	}
	sl_mesh_configure_conf(w->mesh, w->conf);
	sl_mesh_update(w->mesh, NULL, NULL);
}

static void
world_fini(struct world *w)
{
	sl_mesh_free(w->mesh);
	sl_registry_free(w->registry);
	sl_conf_free(w->read);
	sl_conf_free(w->defaults);
}

static void
list(const struct args *args, struct world *w, FILE *out, FILE *err)
{
	const struct sl_mesh_service **services;
	struct output o;
	size_t n;

	services = sl_mesh_list(
		w->mesh, args_get(args, "namespace", 0), args_get(args, "service", 0), &n);
	output_begin(&o, args, out, err);
	for (size_t i = 0; i < n; i++) {
		if (args->cmd == SL_CTL_SERVICES)
			put_service(&o, services[i]);
		else
			put_endpoints(&o, w->mesh, services[i]);
	}
	output_end(&o, true);
	free(services);
}

// ---- explain ----

static bool
is_vip(struct sl_mesh *mesh, const struct sl_ip *addr)
{
	const struct sl_mesh_service *svc;

	for (size_t it = 0; sl_mesh_next(mesh, &it, &svc);) {
		if (!svc->not_served && sl_ip_equal(&svc->auto_vip[0], addr))
			return true;
		for (uint32_t i = 0; !svc->not_served && i < svc->n_vips; i++)
			if (sl_prefix_is_host(&svc->vip[i]->prefix) &&
				sl_ip_equal(&svc->vip[i]->prefix.addr, addr))
				return true;
	}
	return false;
}

// As far as sluice.yaml tells: the mirrors of a running gateway may have other addresses.
static unsigned
ours(void *ctx, const struct sl_ip *addr)
{
	const struct world *w = ctx;
	const struct sl_conf *conf = w->conf;
	unsigned kinds = is_vip(w->mesh, addr) ? SL_MESH_OURS_VIP : 0;

	for (uint32_t i = 0; i < conf->n_pool; i++)
		if (sl_prefix_contains(&conf->pool[i], addr))
			kinds |= SL_MESH_OURS_POOL;
	for (uint32_t p = 0; p < conf->n_ports; p++)
		for (uint32_t i = 0; i < conf->ports[p].n_addresses; i++)
			if (sl_ip_equal(&conf->ports[p].addresses[i].addr, addr))
				kinds |= SL_MESH_OURS_LOCAL;
	return kinds;
}

static void
explain(const struct args *args, struct world *w, FILE *out, FILE *err)
{
	const struct sl_mesh_live known = {.ctx = w, .ours = ours};
	struct sl_buf json = {0}, why = {0};
	struct sl_mesh_question q;
	struct output o;
	struct sl_emit e;

	args_question(args, &q, &why); // checked
	sl_emit_init(&e, &json);
	sl_mesh_explain_emit(w->mesh, w->conf, &q, &known, &e);
	output_begin(&o, args, out, err);
	output_row(&o, json.data, json.len);
	output_end(&o, true);
	sl_buf_fini(&json);
	sl_buf_fini(&why);
}

static void
show(const struct args *args, struct sl_objects *objects, struct sl_diags *diags, FILE *out,
	FILE *err)
{
	struct world w = {0};
	const bool good = world_conf(&w, args, diags);

	sl_diags_sort(diags);
	print_diags(diags, err);
	// Who the clients are is not guessed when sluice.yaml is wrong.
	if (good) {
		world_fill(&w, objects);
		if (args->cmd == SL_CTL_EXPLAIN)
			explain(args, &w, out, err);
		else
			list(args, &w, out, err);
	}
	world_fini(&w);
}

// ---- validate, between the objects ----

// Without --conf nobody knows who the clients are: one in each namespace that has objects.
static void
clients_everywhere(struct world *w, const struct sl_objects *objects)
{
	uint32_t n = 0;

	for (size_t i = 0; i < objects->n && n < SL_MESH_MAX_CLIENTS; i++) {
		const char *namespace_ = objects->v[i]->meta.namespace_;
		uint32_t k = 0;

		while (k < n && strcmp(w->group[k].namespace_, namespace_) != 0)
			k++;
		if (k == n && *namespace_)
			w->group[n++].namespace_ = namespace_;
	}
	w->plain.n_groups = n ? n : 1;
}

// Whom an object is exported to says nothing when the clients are only guessed.
static void
add_findings(struct world *w, struct sl_diags *diags)
{
	struct sl_diags found = {0};

	sl_mesh_findings(w->mesh, NULL, &found);
	for (size_t i = 0; i < found.n; i++) {
		const struct sl_diag *d = &found.v[i];
		const struct sl_loc loc = {.file = d->file, .line = d->line, .col = d->col};

		if (w->read || !d->rule || strcmp(d->rule, "M4") != 0)
			sl_diag_add(diags, d->severity, &loc, d->object, d->path, d->rule, "%s",
				d->message);
	}
	sl_diags_fini(&found);
}

// Counts stay in objects; its objects go to the registry.
static void
check_between(const struct args *args, struct sl_objects *objects, struct sl_diags *diags)
{
	struct world w = {0};

	if (world_conf(&w, args, diags)) {
		if (!w.read)
			clients_everywhere(&w, objects);
		world_fill(&w, objects);
		add_findings(&w, diags);
	}
	sl_diags_sort(diags);
	world_fini(&w);
}

static void
validate(const struct args *args, struct sl_objects *objects, struct sl_diags *diags, FILE *out,
	FILE *err)
{
	check_between(args, objects, diags);
	if (args->output && strcmp(args->output, "json") == 0) {
		print_json(args, diags, out, err);
		return;
	}
	print_diags(diags, err);
	print_summary(objects, diags, out);
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
		show(args, &objects, &diags, out, err);
	}
	rc = diags.errors > 0 ? 1 : 0;
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return rc;
}
