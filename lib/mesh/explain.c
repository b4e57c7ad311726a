// Which binding takes a new flow, found among all services: the same keys, precedence and conflicts
// as what the workers get.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "sl_str.h"

struct want {
	unsigned client;
	uint8_t proto;
	uint16_t port;
	struct sl_ip dst;
};

// Bindings of one service that the flow matches.
struct claims {
	struct sl_mesh_binding *v;
	size_t n;
	size_t cap;
};

// Cheap: most services of 100,000 have another VIP.
static bool
may_match(const struct sl_mesh_service *svc, const struct want *w)
{
	bool port = false;

	if (!(svc->clients >> w->client & 1))
		return false;
	for (uint32_t i = 0; i < svc->n_ports && !port; i++)
		port = svc->port[i]->number == w->port &&
		       sl_se_port_transport(svc->port[i]) == w->proto;
	// A VirtualService may give other subnets to a service with a CIDR or without an address.
	for (uint32_t i = 0; port && i < svc->n_vips; i++) {
		const struct sl_prefix *p = &svc->vip[i]->prefix;

		if (!sl_prefix_is_host(p) || sl_prefix_contains(p, &w->dst))
			return true;
	}
	return port && !svc->n_vips;
}

static void
add_claims(struct sl_mesh *m, const struct sl_mesh_service *svc, const struct want *w,
	struct claims *out)
{
	size_t n;
	struct sl_mesh_binding *b = sl_mesh_bindings(m, svc, &n);

	if (out->n + n > out->cap) {
		out->cap = 2 * (out->n + n);
		out->v = sl_xrealloc(out->v, out->cap, sizeof(*out->v));
	}
	for (size_t i = 0; i < n; i++) {
		if (b[i].proto == w->proto && b[i].port == w->port &&
			sl_prefix_contains(&b[i].dst, &w->dst))
			out->v[out->n++] = b[i];
		else
			binding_fini(&b[i]);
	}
	free(b);
}

static const struct sl_mesh_binding *
settled(const struct claims *all, uint8_t len, unsigned client)
{
	struct sl_mesh_binding **v = sl_xcalloc(all->n + 1, sizeof(*v));
	const struct sl_mesh_binding *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].dst.len == len)
			v[n++] = &all->v[i];
	}
	sl_mesh_settle(v, n);
	for (size_t i = 0; i < n && !found; i++) {
		if (v[i]->clients >> client & 1)
			found = v[i];
	}
	free(v);
	return found;
}

static void
list_candidates(struct sl_mesh_explanation *out)
{
	const struct sl_mesh_binding *b = out->binding;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_clusters; i++)
		n += b->cluster[i].n_eps;
	out->candidate = sl_xcalloc(n + 1, sizeof(*out->candidate));
	for (uint32_t i = 0; i < b->n_clusters; i++) {
		const struct sl_mesh_cluster *c = &b->cluster[i];
		const struct sl_mesh_ep *ep = c->ep;

		for (uint32_t g = 0; g < c->n_groups; g++) {
			for (uint32_t k = 0; k < c->group[g].n; k++)
				out->candidate[out->n_candidates++] =
					(struct sl_mesh_candidate){c, ep++, g};
		}
	}
}

static bool
goes_somewhere(const struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; i < b->n_clusters; i++) {
		const struct sl_mesh_cluster *c = &b->cluster[i];

		if (c->original_dst || c->pending)
			return true;
		for (uint32_t k = 0; k < c->n_eps; k++) {
			if (c->ep[k].healthy)
				return true;
		}
	}
	return false;
}

static const char *
first_problem(const struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; i < b->n_clusters; i++) {
		if (b->cluster[i].problem)
			return b->cluster[i].problem;
	}
	return "every endpoint is unhealthy";
}

static void
conclude(struct sl_mesh_explanation *out)
{
	const struct sl_mesh_binding *b = out->binding;
	char dst[SL_PREFIX_STRLEN], title[600];
	char *where;

	if (b->dst.len == 32)
		where = sl_xasprintf("%s port %u", sl_ip_str(&b->dst.addr, dst), b->port);
	else if (b->dst.len)
		where = sl_xasprintf("%s port %u", sl_prefix_str(&b->dst, dst), b->port);
	else
		where = sl_xasprintf("any address on port %u", b->port);
	list_candidates(out);
	if (!goes_somewhere(b)) {
		out->verdict = "deny";
		out->reason = sl_xasprintf("%s belongs to %s/%s: %s", where, b->svc->namespace_,
			b->svc->host, first_problem(b));
	} else {
		out->verdict = "forward";
		out->reason = sl_xasprintf("%s belongs to %s/%s%s%s", where, b->svc->namespace_,
			b->svc->host, b->vs ? ", routed by " : "",
			b->vs ? sl_object_title(b->vs, title, sizeof(title)) : "");
	}
	free(where);
}

bool
sl_mesh_explain(struct sl_mesh *m, unsigned client, uint8_t proto, const struct sl_ip *dst,
	uint16_t port, struct sl_mesh_explanation *out)
{
	const struct want want = {.client = client, .proto = proto, .port = port, .dst = *dst};
	struct map_it it = {0};
	struct claims all = {0};

	*out = (struct sl_mesh_explanation){0};
	for (struct service *s; (s = by_key_next(&m->services, &it)) != NULL;) {
		if (may_match(&s->pub, &want))
			add_claims(m, &s->pub, &want, &all);
	}
	for (int len = 32; len >= 0 && !out->binding; len--)
		out->binding = settled(&all, len, client);
	out->all = all.v;
	out->n_all = all.n;
	if (out->binding) {
		conclude(out);
		return true;
	}
	out->verdict = m->cfg.allow_any ? "forward" : "deny";
	out->reason = sl_xasprintf("no service that the client sees takes it; outboundPolicy is %s",
		m->cfg.allow_any ? "ALLOW_ANY: it goes to its own destination" : "REGISTRY_ONLY");
	return false;
}

void
sl_mesh_explanation_fini(struct sl_mesh_explanation *x)
{
	sl_mesh_bindings_free(x->all, x->n_all);
	free(x->candidate);
	free(x->reason);
	*x = (struct sl_mesh_explanation){0};
}
