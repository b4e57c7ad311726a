// What of a valid VirtualService is not served yet or has no effect here: each is a note on the
// object and a warning.
#include <string.h>

#include "vs_check.h"

struct remarks {
	struct reader *r;
	struct sl_object *obj;
	struct spot spec;
};

static void remark(struct remarks *m, const struct spot *at, const char *fmt, ...) SL_PRINTF(3, 4);

static void
remark(struct remarks *m, const struct spot *at, const char *fmt, ...)
{
	const struct sl_loc loc = {m->r->file, at->line, at->col};
	struct sl_buf text = {0}, path = {0};
	va_list ap;

	va_start(ap, fmt);
	reader_text(&text, fmt, ap);
	va_end(ap);
	path_render(&at->path, &path);
	reader_clean(&path);
	sl_object_note(m->obj, path.data, &loc, false, "%s", text.data);
	sl_diag_add(m->r->diags, SL_WARNING, &loc, m->r->object, path.data, NULL, "%s", text.data);
	sl_buf_fini(&text);
	sl_buf_fini(&path);
}

static bool
names_mesh(char *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(v[i], "mesh") == 0)
			return true;
	return n == 0;
}

// Gateways beside mesh, once for a list.
static void
remark_gateways(struct remarks *m, const struct spot *list, bool mesh)
{
	for (uint32_t i = 0; i < spot_items(list); i++) {
		const struct spot s = spot_item(list, i);

		if (strcmp(spot_text(&s), "mesh") == 0)
			continue;
		remark(m, &s, "no Gateway listens yet: %s",
			mesh ? "what is routed is the traffic of mesh"
			     : "rules bound only to gateways have no effect");
		return;
	}
}

static void
remark_tcp(struct remarks *m)
{
	const struct sl_virtual_service *vs = &m->obj->vs;
	const struct spot routes = spot_key(&m->spec, "tcp");

	for (uint32_t i = 0; i < vs->n_tcp; i++) {
		const struct spot route = spot_item(&routes, i), list = spot_key(&route, "match");

		for (uint32_t k = 0; k < vs->tcp[i].n_match; k++) {
			const struct sl_vs_match *match = &vs->tcp[i].match[k];
			const struct spot at = spot_item(&list, k);
			const struct spot gateways = spot_key(&at, "gateways");
			const struct spot subnet = spot_key(&at, "sourceSubnet");

			if (spot_given(&subnet))
				remark(m, &subnet,
					"no effect, as in Istio: sourceLabels and sourceNamespace "
					"tell clients apart");
			remark_gateways(
				m, &gateways, names_mesh(match->gateways, match->n_gateways));
		}
	}
}

void
vs_remarks(struct reader *r, const struct node *root, struct sl_object *obj)
{
	const struct sl_virtual_service *vs = &obj->vs;
	const struct spot top = spot_root(root);
	struct remarks m = {.r = r, .obj = obj, .spec = spot_key(&top, "spec")};
	const struct spot http = spot_key(&m.spec, "http"), tls = spot_key(&m.spec, "tls");
	const struct spot gateways = spot_key(&m.spec, "gateways");

	remark_gateways(&m, &gateways, names_mesh(vs->gateways, vs->n_gateways));
	if (spot_items(&http))
		remark(&m, &http,
			"HTTP routing is not served yet: no effect on what is carried by VIP and "
			"port");
	if (spot_items(&tls))
		remark(&m, &tls,
			"not served yet, no effect: tls routes need the name in the handshake "
			"(SNI), which is not read");
	remark_tcp(&m);
}
