// explain: what would happen to a new flow. lib/mesh tells what the objects say; here comes what
// only the daemon knows: the addresses that are ours, routes and neighbours, flows.
#include "control_priv.h"
#include "sl_mesh_explain.h"

static unsigned
ours(void *ctx, const struct sl_ip *addr)
{
	const struct sl_control *c = ctx;
	const uint32_t kinds = sl_fwd_addr_kinds(c->net, addr->v4);

	return (kinds & SL_ADDR_VIP ? SL_MESH_OURS_VIP : 0) |
	       (kinds & SL_ADDR_POOL ? SL_MESH_OURS_POOL : 0) |
	       (kinds & SL_ADDR_LOCAL ? SL_MESH_OURS_LOCAL : 0);
}

// As the workers look for a next hop; one that the kernel has not been asked about yet is no
// trouble.
static const char *
trouble(void *ctx, const struct sl_ip *addr)
{
	const struct sl_control *c = ctx;
	const struct sl_fwd_adj *adj;
	struct sl_fwd_hop hop;

	if (!sl_fwd_route_find(c->net, addr->v4, &hop))
		return "there is no route to it";
	if (hop.port < c->cfg.n_ports && !c->link_up[hop.port])
		return "the port of its route has no link";
	adj = sl_fwd_adj_at(c->net, sl_fwd_adj_find(c->net, &hop));
	if (!adj)
		return NULL;
	switch (adj->state) {
	case SL_ADJ_PORT_DOWN:
		return "the port of its route has no link";
	case SL_ADJ_FAILED:
		return "its next hop does not answer ARP";
	default:
		return NULL;
	}
}

static bool
load(void *ctx, const struct sl_mesh_candidate *cand, struct sl_endpoint_load *out)
{
	const struct sl_mesh_cluster *cluster = cand->cluster;

	return control_load_of(
		ctx, cluster->svc, cluster->port, &cand->ep->from->ip, cand->ep->port, out);
}

void
control_cmd_explain(struct sl_control *c, struct sl_ctl_req *req)
{
	const struct sl_mesh_live live = {.ctx = c, .ours = ours, .trouble = trouble, .load = load};
	struct sl_mesh_question q;
	struct sl_buf why = {0};

	if (sl_mesh_question_parse(sl_ctl_arg(req, "from"), sl_ctl_arg(req, "to"),
		    sl_ctl_arg(req, "proto"), sl_ctl_arg(req, "sni"), sl_ctl_arg(req, "host"), &q,
		    &why) < 0) {
		sl_ctl_fail(req, 2, "%s", why.data);
	} else {
		sl_mesh_explain_emit(c->mesh, c->conf, &q, &live, sl_ctl_row_value(req));
		sl_ctl_row_end(req);
		sl_ctl_done(req);
	}
	sl_buf_fini(&why);
}
