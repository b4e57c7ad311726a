// What of a valid ServiceEntry is not served yet or has no effect here: each is a note on the
// object and a warning. Why something is not served is sl_model's word.
#include "se_check.h"

#include <stdio.h>
#include <string.h>

struct remarks {
	struct se_check c;
	struct sl_object *obj;
};

static void remark(struct remarks *m, const char *rule, const char *path, const char *fmt, ...)
	SL_PRINTF(4, 5);

static void
remark(struct remarks *m, const char *rule, const char *path, const char *fmt, ...)
{
	const struct node *n = node_at(m->c.root, path);
	const struct sl_loc loc = {m->c.r->file, n->line, n->col};
	struct sl_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	sl_object_note(m->obj, path, &loc, false, "%s", text.data);
	sl_diag_add(m->c.r->diags, SL_WARNING, &loc, m->c.r->object, path, rule, "%s", text.data);
	sl_buf_fini(&text);
}

// What keeps the whole entry from being served. Returns whether something does.
static bool
remark_entry(struct remarks *m)
{
	const struct sl_service_entry *se = &m->obj->se;
	const bool nobody = se->n_export_to == 1 && strcmp(se->export_to[0], "~") == 0;
	bool tcp = false;

	if (se->resolution != SL_RESOLUTION_STATIC)
		remark(m, NULL, "spec.resolution",
			"%s is not served yet: the service gets no traffic%s",
			sl_resolution_name(se->resolution),
			se_given(&m->c, "resolution") ? "" : " (NONE is the default)");
	if (se->has_selector)
		remark(m, NULL, "spec.workloadSelector",
			"not served yet: the service gets no traffic");
	if (nobody)
		remark(m, NULL, "spec.exportTo[0]",
			"exported to nobody: the service gets no traffic");
	if (!se->n_ports)
		remark(m, NULL, "spec.ports", "no ports: the service gets no traffic");
	for (uint32_t i = 0; i < se->n_ports; i++)
		tcp = tcp || !*se->ports[i].protocol || strcmp(se->ports[i].protocol, "TCP") == 0;
	if (!se->n_addresses)
		remark(m, tcp && se->n_ports ? "S14" : NULL, "spec.addresses",
			"no addresses, not served yet: the service gets no traffic");
	return se->resolution != SL_RESOLUTION_STATIC || se->has_selector || nobody ||
	       !se->n_ports || !se->n_addresses;
}

static void
remark_addresses(struct remarks *m)
{
	const struct sl_service_entry *se = &m->obj->se;
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < se->n_addresses; i++) {
		const char *why = sl_se_address_not_served(&se->addresses[i]);

		if (!why)
			continue;
		left_out++;
		remark(m, NULL, P(&m->c, "spec.addresses[%u]", i), "%s is not served yet: %s",
			se->addresses[i].text, why);
	}
	if (left_out == se->n_addresses)
		remark(m, NULL, "spec.addresses",
			"none of the addresses is served yet: the service gets no traffic");
}

static void
remark_endpoints(struct remarks *m)
{
	const struct sl_service_entry *se = &m->obj->se;
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < se->n_endpoints; i++) {
		const struct sl_se_endpoint *ep = &se->endpoints[i];
		const char *why = sl_se_endpoint_not_served(ep);

		if (!why)
			continue;
		left_out++;
		remark(m, ep->address ? NULL : "S21", P(&m->c, "spec.endpoints[%u]", i),
			"not served yet, it gets no traffic: %s", why);
	}
	if (left_out && left_out == se->n_endpoints)
		remark(m, NULL, "spec.endpoints",
			"none of the endpoints is served yet: the service gets no traffic");
}

// Fields of endpoints that have no effect here: said once a field, at its first use.
static void
remark_endpoint_fields(struct remarks *m)
{
	static const struct {
		const char *key;
		const char *text;
	} fields[] = {
		{"locality", "no effect yet on which endpoint is chosen"},
		{"network", "no effect yet: the endpoint is reached directly"},
		{"serviceAccount", "no effect here: TLS is passed through"},
		{"labels", "no effect yet"},
	};
	const struct sl_service_entry *se = &m->obj->se;

	for (size_t f = 0; f < SL_ARRAY_LEN(fields); f++) {
		uint32_t first = UINT32_MAX, n = 0;

		for (uint32_t i = 0; i < se->n_endpoints; i++) {
			const struct sl_se_endpoint *ep = &se->endpoints[i];
			const bool there[] = {ep->locality != NULL, ep->network && ep->address,
				ep->service_account != NULL, ep->n_labels != 0};

			if (there[f] && n++ == 0)
				first = i;
		}
		if (n)
			remark(m, NULL, P(&m->c, "spec.endpoints[%u].%s", first, fields[f].key),
				"%s (%u of %u endpoints)", fields[f].text, n, se->n_endpoints);
	}
}

// Istio's own labels and annotations steer things that Sluice does not do.
static void
remark_meta(struct remarks *m)
{
	static const char *const keys[] = {"networking.istio.io/enable-autoallocate-ip",
		"networking.istio.io/traffic-distribution", "istio.io/connect-strategy",
		"istio.io/use-waypoint"};
	const struct sl_meta *meta = &m->obj->meta;

	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		if (se_has_label(meta->labels, meta->n_labels, keys[i]))
			remark(m, NULL, P(&m->c, "metadata.labels[\"%s\"]", keys[i]),
				"no effect yet");
		if (se_has_label(meta->annotations, meta->n_annotations, keys[i]))
			remark(m, NULL, P(&m->c, "metadata.annotations[\"%s\"]", keys[i]),
				"no effect yet");
	}
}

void
se_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	struct remarks m = {
		.c = {.r = r,
			.root = root,
			.spec = node_get(root, "spec"),
			.obj = obj,
			.se = &obj->se},
		.obj = obj,
	};
	const struct sl_service_entry *se = &obj->se;

	remark_meta(&m);
	if (remark_entry(&m))
		return; // what is inside waits for that first
	remark_addresses(&m);
	remark_endpoints(&m);
	remark_endpoint_fields(&m);
	if (se->n_export_to && strcmp(se->export_to[0], "*") != 0)
		remark(&m, NULL, "spec.exportTo",
			"no effect yet: every client may use the service");
	if (se->n_subject_alt_names)
		remark(&m, NULL, "spec.subjectAltNames", "no effect here: TLS is passed through");
	if (se->location == SL_MESH_INTERNAL)
		remark(&m, NULL, "spec.location",
			"MESH_INTERNAL has no effect here: no mutual TLS to the endpoints");
}
