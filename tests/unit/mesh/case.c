#include "case.h"

#include <netinet/in.h>

#include "sl_conf.h"
#include "sl_str.h"

static const struct sl_label label[] = {{(char *)"app", (char *)"client"}};
static const struct sl_mesh_client clients[] = {
	{.namespace_ = "default", .locality = "r/z", .labels = label, .n_labels = 1},
	{.namespace_ = "other"}};

const struct sl_mesh_cfg *
two_clients(void)
{
	static const struct sl_mesh_cfg cfg = {.client = clients, .n_clients = 2};

	return &cfg;
}

// ---- bindings ----

static void
put_endpoints(struct sl_buf *out, const struct sl_mesh_cluster *c)
{
	const struct sl_mesh_ep *ep = c->ep;

	for (uint32_t g = 0; g < c->n_groups; g++) {
		if (c->locality_weighted)
			sl_buf_printf(out, " {%u}", c->group[g].weight);
		for (uint32_t k = 0; k < c->group[g].n; k++, ep++)
			sl_buf_printf(out, " %s:%u*%u@%u%s", ep->from->address, ep->port,
				ep->weight, c->group[g].priority, ep->healthy ? "" : "!");
	}
}

static void
put_cluster(struct sl_buf *out, const struct sl_mesh_cluster *c, bool alone)
{
	if (!alone)
		sl_buf_printf(out, " w%u:", c->weight);
	if (*c->subset)
		sl_buf_printf(out, " %s:", c->subset);
	if (c->original_dst)
		sl_buf_printf(out, " original:%u", c->dst_port);
	if (c->problem)
		sl_buf_printf(out, " (%s)", c->problem);
	if (c->pending)
		sl_buf_printf(out, " (pending)");
	put_endpoints(out, c);
}

void
mesh_put_binding(struct sl_buf *out, const struct sl_mesh_binding *b)
{
	char dst[SL_PREFIX_STRLEN];

	sl_buf_printf(out, "%s%s:%u/%s[%llx]%s ->", out->len ? "; " : "",
		sl_prefix_str(&b->dst, dst), b->port, b->proto == IPPROTO_UDP ? "udp" : "tcp",
		(unsigned long long)b->clients, b->by_name ? "~" : "");
	for (uint32_t k = 0; k < b->n_clusters; k++) {
		if (k > 0)
			sl_buf_printf(out, " +");
		put_cluster(out, &b->cluster[k], b->n_clusters == 1);
	}
}

char *
mesh_bindings_text(struct sl_mesh *m)
{
	struct sl_buf out = {0};
	const struct sl_mesh_service *svc;

	for (size_t it = 0; sl_mesh_next(m, &it, &svc);) {
		size_t n;
		struct sl_mesh_binding *b = sl_mesh_bindings(m, svc, &n);

		for (size_t i = 0; i < n; i++)
			mesh_put_binding(&out, &b[i]);
		sl_mesh_bindings_free(b, n);
	}
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

// ---- the other questions ----

static char *
explained(struct sl_mesh *m, const char *ask)
{
	struct sl_mesh_explanation x;
	struct sl_buf out = {0};
	struct sl_ip dst;
	unsigned client, port;
	char address[64];

	if (sscanf(ask, "%u %63[0-9.]:%u", &client, address, &port) != 3 ||
		sl_ip_parse(address, &dst) != 0)
		return sl_xstrdup("not a question");
	sl_mesh_explain(m, client, IPPROTO_TCP, &dst, port, &x);
	sl_buf_printf(&out, "%s", x.verdict);
	if (strcmp(x.verdict, "deny") == 0 || !x.binding)
		sl_buf_printf(&out, ": %s", x.reason);
	else
		sl_buf_printf(&out, " %s/%s", x.binding->svc->namespace_, x.binding->svc->host);
	for (uint32_t i = 0; i < x.n_candidates; i++)
		sl_buf_printf(
			&out, " %s:%u", x.candidate[i].ep->from->address, x.candidate[i].ep->port);
	sl_mesh_explanation_fini(&x);
	return sl_buf_take(&out);
}

// What the workers get: all claims of each key are settled among each other.
static char *
settled(struct sl_mesh *m)
{
	struct sl_mesh_binding *made[16], *all[64], *same[64];
	const struct sl_mesh_service *svc;
	struct sl_buf out = {0};
	size_t n_made[16], n = 0, services = 0;

	for (size_t it = 0; sl_mesh_next(m, &it, &svc) && services < 16; services++) {
		made[services] = sl_mesh_bindings(m, svc, &n_made[services]);
		for (size_t i = 0; i < n_made[services] && n < 64; i++)
			all[n++] = &made[services][i];
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (!all[i])
			continue;
		const struct sl_mesh_binding *b = all[i];

		for (size_t j = i; j < n; j++) {
			if (!all[j] || !sl_ip_equal(&all[j]->dst.addr, &b->dst.addr) ||
				all[j]->dst.len != b->dst.len || all[j]->proto != b->proto ||
				all[j]->port != b->port)
				continue;
			same[k++] = all[j];
			all[j] = NULL;
		}
		sl_mesh_settle(same, k);
		for (size_t j = 0; j < k; j++) {
			if (same[j]->clients)
				mesh_put_binding(&out, same[j]);
		}
	}
	for (size_t i = 0; i < services; i++)
		sl_mesh_bindings_free(made[i], n_made[i]);
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

static char *
services(struct sl_mesh *m)
{
	struct sl_buf out = {0};
	const struct sl_mesh_service *svc;

	for (size_t it = 0; sl_mesh_next(m, &it, &svc);) {
		sl_buf_printf(&out, "%s%s/%s[%llx]", out.len ? "; " : "", svc->namespace_,
			svc->host, (unsigned long long)svc->clients);
		if (svc->not_served)
			sl_buf_printf(&out, " (%s)", svc->not_served);
	}
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

static char *
findings(struct sl_mesh *m)
{
	struct sl_diags diags = {0};
	struct sl_buf out = {0};

	sl_mesh_findings(m, NULL, &diags);
	sl_diags_sort(&diags);
	for (size_t i = 0; i < diags.n; i++) {
		printf("# %s: %s\n", diags.v[i].rule, diags.v[i].message);
		sl_buf_printf(&out, "%s%s %s %s", out.len ? "; " : "", diags.v[i].rule,
			diags.v[i].object, diags.v[i].path ? diags.v[i].path : "-");
	}
	sl_diags_fini(&diags);
	sl_buf_printf(&out, "%s", "");
	return sl_buf_take(&out);
}

static char *
answer(struct sl_mesh *m, const char *ask)
{
	if (!ask || !*ask)
		return mesh_bindings_text(m);
	if (strcmp(ask, "settled") == 0)
		return settled(m);
	if (strcmp(ask, "services") == 0)
		return services(m);
	return strcmp(ask, "findings") == 0 ? findings(m) : explained(m, ask);
}

// ---- names ----

static void
on_name(void *ctx, struct sl_mesh_name *name, bool wanted)
{
	struct mesh_wanted *w = ctx;
	unsigned i = 0;

	if (wanted) {
		w->v[w->n++] = name;
		w->came++;
		return;
	}
	while (w->v[i] != name)
		i++;
	w->v[i] = w->v[--w->n];
	w->went++;
}

void
mesh_follow_names(struct sl_mesh *m, struct mesh_wanted *w)
{
	sl_mesh_names(m, on_name, w);
}

static int
by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_ip));
}

static unsigned
answer_one(struct sl_mesh *m, const struct mesh_wanted *w, char *text, const char *why)
{
	struct sl_ip ip[16] = {0};
	struct sl_mesh_answer a = {.ip = ip, .why = why};
	char *list = text, *name = strsep(&list, "="), *at;
	unsigned changed = 0;

	while (list && (at = strsep(&list, ",")) != NULL)
		a.n += *at && sl_ip_parse(at, &ip[a.n]) == 0;
	a.first = ip[0];
	qsort(ip, a.n, sizeof(ip[0]), by_address);
	for (unsigned i = 0; i < w->n; i++)
		if (strcmp(w->v[i]->name, name) == 0)
			changed += sl_mesh_name_answer(m, w->v[i], &a);
	return changed;
}

unsigned
mesh_answer(struct sl_mesh *m, const struct mesh_wanted *w, const char *answers)
{
	static const char no_name[] = "there is no such name";
	char *copy = sl_xstrdup(answers), *rest = copy, *one;
	unsigned changed = 0;

	while ((one = strsep(&rest, " ")) != NULL) {
		char *bang = strchr(one, '!');

		if (bang)
			*bang = '\0';
		changed += answer_one(m, w, one, bang ? no_name : NULL);
	}
	free(copy);
	return changed;
}

// ---- rows ----

bool
mesh_load(struct sl_registry *r, const char *yaml, struct sl_buf *rules)
{
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};

	sl_conf_objects(yaml, strlen(yaml), "t.yaml", SL_ORIGIN_FILE, &objects, &diags);
	for (size_t i = 0; i < diags.n; i++) {
		if (diags.v[i].severity != SL_ERROR)
			continue;
		if (rules)
			sl_buf_printf(rules, "%s%s", rules->len ? " " : "",
				diags.v[i].rule ? diags.v[i].rule : diags.v[i].message);
		else
			printf("# %s: %s\n", diags.v[i].path ? diags.v[i].path : "",
				diags.v[i].message);
	}
	const bool fine = diags.errors == 0;

	for (size_t i = 0; i < objects.n; i++) {
		sl_registry_put(r, objects.v[i]);
		objects.v[i] = NULL;
	}
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	return fine;
}

// Returns the question behind the answers.
static const char *
after_dns(struct sl_mesh *m, const char *ask)
{
	const char *question = ask ? strchr(ask, '?') : NULL;
	struct mesh_wanted wanted = {0};
	char *answers;

	if (!question)
		return ask;
	answers = sl_xasprintf("%.*s", (int)(question - ask), ask);
	mesh_follow_names(m, &wanted);
	mesh_answer(m, &wanted, answers);
	sl_mesh_update(m, NULL, NULL);
	free(answers);
	return question + strspn(question, "? ");
}

static char *
ask_row(const struct mesh_case *row, const struct sl_mesh_cfg *cfg)
{
	struct sl_registry *r = sl_registry_new();
	struct sl_mesh *m = sl_mesh_new(r);
	struct sl_buf rules = {0};
	const bool refused = row->ask && strcmp(row->ask, "errors") == 0;
	char *got;

	sl_mesh_configure(m, cfg);
	if (mesh_load(r, row->yaml, refused ? &rules : NULL) || refused) {
		sl_mesh_update(m, NULL, NULL);
		sl_buf_printf(&rules, "%s", "");
		got = refused ? sl_buf_take(&rules) : answer(m, after_dns(m, row->ask));
	} else {
		got = sl_xstrdup("invalid YAML");
	}
	sl_buf_fini(&rules);
	sl_mesh_free(m);
	sl_registry_free(r);
	return got;
}

// All rows run, so that one failure does not hide the next.
int
mesh_cases(const struct mesh_case *row, size_t n, const struct sl_mesh_cfg *cfg)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		char *got = ask_row(&row[i], cfg);

		if (strcmp(got, row[i].want) != 0) {
			printf("# %s\n#   got      \"%s\"\n#   expected \"%s\"\n", row[i].name, got,
				row[i].want);
			failed++;
		}
		free(got);
	}
	RTE_TEST_ASSERT(n > 0 && failed == 0, "%d of %zu rows", failed, n);
	return TEST_SUCCESS;
}
