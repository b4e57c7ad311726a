// The row of `explain`: the verdict out of what the objects say and what the gateway knows, then
// the client, the service, its clusters and their endpoints.
#include "explain_row.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "share.h"
#include "sl_str.h"

// ---- the question ----

static int
parse_address(const char *flag, const char *text, struct sl_ip *out, struct sl_buf *why)
{
	if (sl_ip_parse(text, out) < 0) {
		sl_buf_printf(why, "--%s: \"%.64s\" is no IP address", flag, text);
		return -EINVAL;
	}
	if (out->family == AF_INET)
		return 0;
	sl_buf_printf(why, "--%s: IPv6 is not served yet", flag);
	return -EINVAL;
}

static int
parse_to(const char *text, struct sl_mesh_question *q, struct sl_buf *why)
{
	const char *colon = strrchr(text, ':');
	struct sl_ip v6;
	uint64_t port;
	char *address;
	int rc;

	if (text[0] == '[' || sl_ip_parse(text, &v6) == 0)
		colon = text[0] == '[' || v6.family == AF_INET6 ? text : NULL;
	if (colon == text) {
		sl_buf_puts(why, "--to: IPv6 is not served yet");
		return -EINVAL;
	}
	if (!colon) {
		sl_buf_printf(why, "--to: \"%.64s\" has no port, expected IP:PORT", text);
		return -EINVAL;
	}
	if (sl_str_u64(colon + 1, &port) < 0 || port < 1 || port > UINT16_MAX) {
		sl_buf_printf(why, "--to: \"%.64s\" is no port, expected 1 to 65535", colon + 1);
		return -EINVAL;
	}
	q->port = (uint16_t)port;
	address = sl_xasprintf("%.*s", (int)(colon - text), text);
	rc = parse_address("to", address, &q->to, why);
	free(address);
	return rc;
}

int
sl_mesh_question_parse(const char *from, const char *to, const char *proto, const char *sni,
	const char *host, struct sl_mesh_question *q, struct sl_buf *why)
{
	*q = (struct sl_mesh_question){.proto = IPPROTO_TCP, .sni = sni, .host = host};
	if (!from || !to) {
		sl_buf_printf(why, "explain: --%s is missing", from ? "to IP:PORT" : "from IP");
		return -EINVAL;
	}
	if (proto && strcmp(proto, "udp") == 0) {
		q->proto = IPPROTO_UDP;
	} else if (proto && strcmp(proto, "tcp") != 0) {
		sl_buf_printf(why, "--proto: \"%.64s\" does not fit, expected tcp or udp", proto);
		return -EINVAL;
	}
	if (parse_address("from", from, &q->from, why) < 0)
		return -EINVAL;
	return parse_to(to, q, why);
}

// ---- the verdict ----

static const char waiting[] = "its names have no answer yet: new flows wait up to a second";

struct answer {
	struct sl_mesh *m;
	const struct sl_mesh_question *q;
	const struct sl_mesh_live *live;
	unsigned client;
	struct sl_mesh_explanation x;
	const char *verdict;
	char *reason;                          // when it is not x's
	const struct sl_mesh_binding *binding; // that takes the flow, or NULL
};

// As sl_wire_is_host(): not 0/8, 127/8, multicast or class E (RFC 1812 5.3.7).
static bool
is_host(const struct sl_ip *ip)
{
	const uint32_t first = sl_be32_to_cpu(ip->v4) >> 24;

	return first != 0 && first != 127 && first < 224;
}

// A range elsewhere than in class E holds addresses of hosts: those that no service has go the way
// of all others.
static bool
is_auto_vip(const struct answer *a, const struct sl_ip *ip)
{
	return !is_host(ip) && a->m->cfg.auto_vip4.addr.family &&
	       sl_prefix_contains(&a->m->cfg.auto_vip4, ip);
}

static unsigned
ours(const struct answer *a, const struct sl_ip *ip)
{
	return a->live && a->live->ours ? a->live->ours(a->live->ctx, ip) : 0;
}

static const char *
trouble(const struct answer *a, const struct sl_ip *ip)
{
	return a->live && a->live->trouble ? a->live->trouble(a->live->ctx, ip) : NULL;
}

static void
settle_as(struct answer *a, const char *verdict, char *reason)
{
	a->verdict = verdict;
	free(a->reason);
	a->reason = reason;
}

// What no exact VIP took, and never comes to CIDRs, any address or the outbound policy.
static bool
is_for_nobody(struct answer *a, unsigned kinds)
{
	char to[SL_IP_STRLEN];

	sl_ip_str(&a->q->to, to);
	if (kinds & SL_MESH_OURS_LOCAL)
		settle_as(a, "punt",
			sl_xasprintf("%s is an address of the gateway itself, and no service has "
				     "it as a VIP on port %u: the kernel gets it",
				to, a->q->port));
	else if (kinds & SL_MESH_OURS_POOL)
		settle_as(a, "deny",
			sl_xasprintf("%s is an address of the pool: only answers to flows of the "
				     "gateway come there",
				to));
	else if (is_auto_vip(a, &a->q->to))
		settle_as(a, "deny",
			sl_xasprintf("%s is in the range of virtual IPs, and no service that the "
				     "client sees has it on port %u",
				to, a->q->port));
	else if (!is_host(&a->q->to))
		settle_as(a, "deny",
			sl_xasprintf("%s is no address that a single host can have", to));
	else
		return false;
	return true;
}

static bool
is_martian(struct answer *a)
{
	const unsigned kinds = ours(a, &a->q->from);
	char from[SL_IP_STRLEN];

	sl_ip_str(&a->q->from, from);
	if (!is_host(&a->q->from))
		settle_as(a, "drop",
			sl_xasprintf("%s is no address that a host can have: no client sends from "
				     "there (martian)",
				from));
	else if (kinds & (SL_MESH_OURS_VIP | SL_MESH_OURS_POOL))
		settle_as(a, "drop",
			sl_xasprintf("%s is %s: no client sends from there (martian)", from,
				kinds & SL_MESH_OURS_VIP ? "a VIP of a service"
							 : "an address of the pool"));
	else
		return false;
	return true;
}

static bool
to_original(const struct answer *a)
{
	return !a->binding || a->binding->cluster[0].original_dst;
}

static bool
waits(const struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; b && i < b->n_clusters; i++)
		if (b->cluster[i].pending)
			return true;
	return false;
}

static bool
is_partial(const struct sl_mesh_binding *b)
{
	for (uint32_t i = 0; b && i < b->n_clusters; i++)
		if (b->cluster[i].partial)
			return true;
	return false;
}

// Nothing that would be picked can be reached: why. NULL: something can, or may in a moment.
static const char *
unreachable(const struct answer *a)
{
	const char *why = NULL;

	if (!a->binding)
		return trouble(a, &a->q->to);
	if (waits(a->binding))
		return NULL;
	for (uint32_t i = 0; i < a->binding->n_clusters; i++)
		if (a->binding->cluster[i].original_dst && !(why = trouble(a, &a->q->to)))
			return NULL;
	for (uint32_t i = 0; i < a->x.n_candidates; i++) {
		const struct sl_mesh_ep *ep = a->x.candidate[i].ep;

		if (ep->healthy && !(why = trouble(a, &ep->from->ip)))
			return NULL;
	}
	return why;
}

static void
decide(struct answer *a)
{
	const unsigned kinds = ours(a, &a->q->to);
	const char *why;

	sl_mesh_explain(a->m, a->client, a->q->proto, &a->q->to, a->q->port, &a->x);
	a->binding = a->x.binding;
	a->verdict = a->x.verdict;
	if (!a->binding || a->binding->dst.len < 32) {
		if (is_for_nobody(a, kinds)) {
			a->binding = NULL;
			// The kernel takes what comes to it from anywhere.
			if (!(kinds & SL_MESH_OURS_LOCAL))
				is_martian(a);
			return;
		}
	}
	if (is_martian(a)) {
		a->binding = NULL;
		return;
	}
	if (strcmp(a->verdict, "forward") != 0)
		return;
	why = unreachable(a);
	if (why)
		settle_as(a, "drop", sl_xasprintf("%s: %s", a->x.reason, why));
	else if (a->live && waits(a->binding))
		settle_as(a, "forward", sl_xasprintf("%s: %s", a->x.reason, waiting));
}

// ---- the row ----

static void
emit_flow(const struct answer *a, struct sl_emit *e)
{
	char text[SL_IP_STRLEN];

	sl_emit_obj(e, "flow");
	sl_emit_str(e, "proto", a->q->proto == IPPROTO_UDP ? "udp" : "tcp");
	sl_emit_str(e, "from", sl_ip_str(&a->q->from, text));
	sl_emit_strf(e, "to", "%s:%u", sl_ip_str(&a->q->to, text), a->q->port);
	sl_emit_end(e);
}

static const struct sl_conf_clients *
entry_of(const struct sl_conf *conf, const struct sl_prefix *prefix)
{
	for (uint32_t i = 0; i < conf->n_clients; i++)
		for (uint32_t k = 0; k < conf->clients[i].n_cidrs; k++) {
			const struct sl_prefix *p = &conf->clients[i].cidrs[k];

			if (p->len == prefix->len && sl_ip_equal(&p->addr, &prefix->addr))
				return &conf->clients[i];
		}
	return NULL;
}

static void
emit_client(const struct sl_conf *conf, const struct sl_conf_group *g,
	const struct sl_conf_group_prefix *by, struct sl_emit *e)
{
	const struct sl_conf_clients *entry = by ? entry_of(conf, &by->prefix) : NULL;
	char text[SL_PREFIX_STRLEN];

	sl_emit_obj(e, "client");
	sl_emit_str(e, "namespace", g->namespace_);
	sl_emit_obj(e, "labels");
	for (uint32_t i = 0; i < g->n_labels; i++)
		sl_emit_str(e, g->labels[i].key, g->labels[i].value);
	sl_emit_end(e);
	sl_emit_str(e, "locality", g->locality);
	sl_emit_str(e, "network", g->network);
	sl_emit_str(e, "cidr", by ? sl_prefix_str(&by->prefix, text) : NULL);
	sl_emit_str(e, "file", entry ? entry->loc.file : NULL);
	sl_emit_u64(e, "line", entry ? entry->loc.line : 0);
	sl_emit_end(e);
}

static void
emit_match(const struct sl_mesh_binding *b, struct sl_emit *e)
{
	char text[SL_PREFIX_STRLEN], title[600];

	sl_emit_obj(e, "service");
	sl_emit_str(e, "namespace", b->svc->namespace_);
	sl_emit_str(e, "host", b->svc->host);
	sl_emit_u64(e, "port", b->service_port->number);
	sl_emit_end(e);
	sl_emit_str(e, "matchedBy",
		b->dst.len == 32 ? "VIP"
		: b->dst.len > 0 ? "CIDR"
				 : "any address");
	if (b->dst.len == 32)
		sl_emit_str(e, "matched", sl_ip_str(&b->dst.addr, text));
	else
		sl_emit_str(e, "matched", b->dst.len ? sl_prefix_str(&b->dst, text) : NULL);
	sl_emit_str(e, "route", b->vs ? sl_object_title(b->vs, title, sizeof(title)) : NULL);
}

static const char *
balancer(const struct sl_mesh_cluster *c)
{
	const struct sl_load_balancer *lb = &c->policy.lb;

	if (c->original_dst)
		return "PASSTHROUGH";
	if (lb->hash == SL_LB_HASH_SOURCE_IP)
		return lb->maglev ? "MAGLEV" : "RING_HASH";
	switch (lb->simple) {
	case SL_LB_RANDOM:
		return "RANDOM";
	case SL_LB_ROUND_ROBIN:
		return "ROUND_ROBIN";
	default:
		return "LEAST_REQUEST";
	}
}

static void
emit_cluster(const struct answer *a, const struct sl_mesh_cluster *c, struct sl_emit *e)
{
	char title[600];

	sl_emit_obj(e, NULL);
	sl_emit_strf(e, "name", "outbound|%u|%s|%s", c->port, c->subset, c->host);
	sl_emit_u64(e, "weight", c->weight);
	sl_emit_str(e, "balancer", balancer(c));
	sl_emit_str(e, "destinationRule",
		c->policy.dr ? sl_object_title(c->policy.dr, title, sizeof(title)) : NULL);
	if (c->original_dst && c->dst_port)
		sl_emit_u64(e, "targetPort", c->dst_port);
	else
		sl_emit_null(e, "targetPort");
	sl_emit_str(e, "problem", c->pending && a->live ? waiting : c->problem);
	sl_emit_end(e);
}

static const char *
state_of(const struct answer *a, const struct sl_mesh_ep *ep, bool loaded, const char *problem)
{
	if (!ep->healthy)
		return "unhealthy";
	if (!a->live || !a->live->load)
		return "unknown";
	return !loaded ? "notServed" : problem ? "unreachable" : "up";
}

static void
emit_candidate(const struct answer *a, const struct sl_mesh_candidate *c, struct sl_emit *e)
{
	const struct sl_mesh_ep *ep = c->ep;
	const char *problem = trouble(a, &ep->from->ip);
	const double share = share_of(a->binding, c);
	struct sl_endpoint_load load = {0};
	const bool loaded = a->live && a->live->load && a->live->load(a->live->ctx, c, &load);
	char title[600];

	sl_emit_obj(e, NULL);
	sl_emit_str(e, "address", ep->from->address);
	sl_emit_u64(e, "port", ep->port);
	sl_emit_u64(e, "weight", ep->weight);
	sl_emit_str(e, "state", state_of(a, ep, loaded, problem));
	sl_emit_str(e, "problem", problem);
	sl_emit_strf(e, "cluster", "outbound|%u|%s|%s", c->cluster->port, c->cluster->subset,
		c->cluster->host);
	sl_emit_u64(e, "priority", c->cluster->group[c->group].priority);
	if (share < 0)
		sl_emit_null(e, "sharePercent");
	else
		sl_emit_dbl(e, "sharePercent", (double)(uint64_t)(share * 10 + 0.5) / 10);
	if (loaded)
		sl_emit_u64(e, "flows", load.flows);
	else
		sl_emit_null(e, "flows");
	sl_emit_str(e, "locality", *ep->from->locality ? ep->from->locality : NULL);
	sl_emit_str(e, "name", ep->from->name);
	sl_emit_str(e, "source", sl_object_title(ep->from->obj, title, sizeof(title)));
	sl_emit_str(e, "file", ep->from->obj->loc.file);
	sl_emit_u64(e, "line", ep->from->loc->line ? ep->from->loc->line : ep->from->obj->loc.line);
	sl_emit_end(e);
}

static void
emit_notes(const struct answer *a, struct sl_emit *e)
{
	sl_emit_arr(e, "notes");
	for (int i = 0; i < 2; i++)
		if (i ? a->q->host : a->q->sni)
			sl_emit_strf(e, NULL,
				"--%s %s changes nothing: names in the traffic (HTTP Host, TLS "
				"SNI) are "
				"not read yet, the service is found by address and port alone",
				i ? "host" : "sni", i ? a->q->host : a->q->sni);
	if (a->binding && a->binding->by_name)
		sl_emit_strf(e, NULL,
			"the name in the traffic is not read yet: all traffic to %s on port %u "
			"goes to "
			"this service",
			a->binding->dst.len ? "these addresses" : "any address", a->binding->port);
	if (is_partial(a->binding))
		sl_emit_str(e, NULL,
			a->live ? "a name of its endpoints has no answer yet: there may be more of "
				  "them"
				: "names are not resolved offline: the addresses that DNS has for "
				  "the endpoints are not known");
	if (a->binding && a->binding->auto_vip)
		sl_emit_strf(e, NULL,
			"the address is a virtual IP of the service, which has none in "
			"spec.addresses: DNS gives it to clients for %s",
			a->binding->svc->host);
	if (!a->live || !a->live->trouble)
		sl_emit_str(e, NULL,
			"out of files: routes, neighbours and the state of endpoints are not "
			"known");
	sl_emit_end(e);
}

static void
emit_ways(const struct answer *a, struct sl_emit *e)
{
	const struct sl_mesh_binding *b = a->binding;

	sl_emit_bool(
		e, "originalDestination", strcmp(a->verdict, "forward") == 0 && to_original(a));
	sl_emit_arr(e, "clusters");
	for (uint32_t i = 0; b && i < b->n_clusters; i++)
		emit_cluster(a, &b->cluster[i], e);
	sl_emit_end(e);
	sl_emit_arr(e, "candidates");
	for (uint32_t i = 0; b && i < a->x.n_candidates; i++)
		emit_candidate(a, &a->x.candidate[i], e);
	sl_emit_end(e);
}

void
sl_mesh_explain_emit(struct sl_mesh *m, const struct sl_conf *conf,
	const struct sl_mesh_question *q, const struct sl_mesh_live *live, struct sl_emit *e)
{
	const struct sl_conf_group_prefix *by = sl_conf_group_of(conf, &q->from);
	const unsigned client = by ? by->group : 0;
	struct answer a = {.m = m, .q = q, .live = live, .client = client};
	char title[600];

	decide(&a);
	sl_emit_obj(e, NULL);
	sl_emit_str(e, "verdict", a.verdict);
	sl_emit_str(e, "reason", a.reason ? a.reason : a.x.reason);
	emit_flow(&a, e);
	emit_client(conf, &conf->groups[client], by, e);
	if (a.binding) {
		emit_match(a.binding, e);
	} else {
		sl_emit_null(e, "service");
		sl_emit_null(e, "matchedBy");
		sl_emit_null(e, "matched");
		sl_emit_null(e, "route");
	}
	sl_emit_str(e, "tier", strcmp(a.verdict, "forward") == 0 ? "L4" : "none");
	emit_ways(&a, e);
	sl_emit_str(e, "source",
		a.binding ? sl_object_title(a.binding->vs ? a.binding->vs : a.binding->svc->obj[0],
				    title, sizeof(title))
			  : NULL);
	emit_notes(&a, e);
	if (!a.x.binding && strcmp(a.verdict, "deny") == 0 && !a.reason) {
		explain_hints(m, q, client, conf->groups[client].namespace_, e);
	} else {
		sl_emit_arr(e, "hints");
		sl_emit_end(e);
	}
	sl_emit_end(e);
	free(a.reason);
	sl_mesh_explanation_fini(&a.x);
}
