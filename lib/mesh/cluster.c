// One cluster: a destination with its policy and the endpoints that new flows choose from.
#include "cluster.h"

#include <stdlib.h>
#include <string.h>

#include "sl_str.h"

// ---- each address and port once: the first stays ----

// A few are looked through, more have a table.
#define FEW 16

struct seen {
	uint32_t *cell; // index in ep + 1; NULL: they are few
	uint32_t mask;
};

static void
seen_init(struct seen *seen, uint32_t n)
{
	uint32_t size = 2 * FEW;

	*seen = (struct seen){0};
	if (n <= FEW)
		return;
	while (size < 2 * n)
		size *= 2;
	seen->cell = sl_xcalloc(size, sizeof(*seen->cell));
	seen->mask = size - 1;
}

static bool
same_target(const struct sl_mesh_ep *a, const struct sl_mesh_ep *b)
{
	return a->addr == b->addr && a->port == b->port;
}

// Takes ep[n] in, unless it is there: then false.
static bool
seen_add(struct seen *seen, const struct sl_mesh_ep *ep, uint32_t n)
{
	const uint64_t key = (uint64_t)ep[n].addr << 16 | ep[n].port;
	uint32_t i = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

	for (uint32_t k = 0; !seen->cell && k < n; k++)
		if (same_target(&ep[k], &ep[n]))
			return false;
	if (!seen->cell)
		return true;
	for (; seen->cell[i & seen->mask]; i++)
		if (same_target(&ep[seen->cell[i & seen->mask] - 1], &ep[n]))
			return false;
	seen->cell[i & seen->mask] = n + 1;
	return true;
}

// ---- endpoints ----

static bool
can_be_sent_to(const struct sl_mesh_endpoint *ep)
{
	return !ep->not_served && ep->ip.family == AF_INET;
}

// The addresses of a name stand behind each other, and are one way.
static void
add_way(struct sl_mesh_cluster *c, const struct sl_mesh_endpoint *ep,
	const struct sl_mesh_endpoint *last, uint32_t number)
{
	if (!ep->name && !can_be_sent_to(ep))
		return;
	if (last && ep->name && ep->name == last->name && ep->spec == last->spec &&
		ep->entry == last->entry)
		return;
	c->way[c->n_ways++] = (struct sl_mesh_way){
		.name = ep->name, .ip = ep->ip, .port = number, .weight = ep->weight};
	if (ep->name)
		c->way[c->n_ways - 1].ip = (struct sl_ip){0};
}

// Returns an endpoint that is a name without an address to send to, one that is pending rather than
// others; NULL: there is none.
static const struct sl_mesh_endpoint *
collect(struct sl_mesh_cluster *c, const struct sl_se_port *port, const struct sl_subset *subset)
{
	const bool names = service_of(c->svc)->uses.n > 0;
	const struct sl_mesh_endpoint *ep, *last = NULL, *without = NULL;
	struct seen seen;
	uint32_t number;

	c->ep = sl_xcalloc(c->svc->n_eps + 1, sizeof(*c->ep));
	c->way = names ? sl_xcalloc(c->svc->n_eps, sizeof(*c->way)) : NULL;
	seen_init(&seen, c->svc->n_eps);
	for (uint32_t it = 0; (ep = sl_mesh_endpoint_next(c->svc, port, &it, &number)) != NULL;) {
		if (subset &&
			!labels_match(subset->labels, subset->n_labels, ep->labels, ep->n_labels))
			continue;
		if (names)
			add_way(c, ep, last, number);
		last = ep;
		if (!can_be_sent_to(ep)) {
			if (ep->name && (!without || (ep->pending && !without->pending)))
				without = ep;
			continue;
		}
		c->ep[c->n_eps] = (struct sl_mesh_ep){.from = ep,
			.addr = ep->ip.v4,
			.port = number,
			.weight = ep->weight,
			.healthy = ep->healthy};
		c->n_eps += seen_add(&seen, c->ep, c->n_eps);
	}
	free(seen.cell);
	return without;
}

// ---- the cluster ----

static const struct sl_se_port *
port_of(const struct sl_mesh_service *svc, uint32_t number)
{
	for (uint32_t i = 0; i < svc->n_ports; i++) {
		if (svc->port[i]->number == number)
			return svc->port[i];
	}
	return NULL;
}

char *
dest_problem(const struct sl_mesh *m, const struct dest *d)
{
	if (!d->svc)
		return sl_xasprintf("no service of host %s is visible to the client", d->host);
	if (!port_of(&d->svc->pub, d->port))
		return sl_xasprintf("service %s has no port %u", d->host, d->port);
	if (*d->subset && !rule_subset(m, d->rule, d->subset))
		return sl_xasprintf("subset %s of %s is in no DestinationRule that applies",
			d->subset, d->host);
	return NULL;
}

static bool
to_original_dst(const struct sl_mesh_cluster *c)
{
	return c->svc->resolution == SL_RESOLUTION_NONE ||
	       (c->policy.lb.simple == SL_LB_PASSTHROUGH && c->policy.lb.hash == SL_LB_HASH_NONE);
}

// No host has a virtual IP: instead of PASSTHROUGH the endpoints are balanced. False: there are
// none to balance.
static bool
leave_original_dst(struct sl_mesh_cluster *c)
{
	c->original_dst = false;
	c->policy.lb.simple = SL_LB_LEAST_REQUEST;
	if (c->svc->resolution != SL_RESOLUTION_NONE)
		return true;
	c->problem = sl_xasprintf("%s has resolution NONE, and a virtual IP is no destination to "
				  "send to",
		c->host);
	return false;
}

static char *
empty_problem(const struct sl_mesh_cluster *c, const struct sl_mesh_endpoint *without)
{
	const struct service *s = service_of(c->svc);

	if (without)
		return sl_xasprintf("DNS has no address for %s%s: %s", without->name,
			without->ip.family ? " that can be used" : "", without->not_served);
	if (s->own_problem)
		return sl_xasprintf("%s is not served yet: %s", c->host, s->own_problem);
	if (*c->subset)
		return sl_xasprintf(
			"no endpoint of %s has the labels of subset %s", c->host, c->subset);
	return sl_xasprintf("%s has no endpoint on port %u", c->host, c->port);
}

void
cluster_make(struct sl_mesh *m, unsigned client, const struct dest *d, struct sl_mesh_cluster *c)
{
	const struct sl_subset *subset = *d->subset ? rule_subset(m, d->rule, d->subset) : NULL;
	const struct sl_mesh_endpoint *without;
	const struct sl_se_port *port;

	*c = (struct sl_mesh_cluster){.weight = d->weight,
		.svc = d->svc ? &d->svc->pub : NULL,
		.host = d->host,
		.subset = d->subset,
		.port = d->port,
		.port_name = "",
		.problem = dest_problem(m, d)};
	rule_policy(m, d->rule, d->port, subset, &c->policy);
	if (c->problem)
		return;
	port = port_of(c->svc, d->port);
	c->port_name = port->name;
	c->original_dst = to_original_dst(c);
	if (c->original_dst && d->auto_vip && !leave_original_dst(c))
		return;
	if (c->original_dst) {
		c->dst_port = port->target_port;
		return;
	}
	without = collect(c, port, subset);
	c->partial = without && without->pending;
	c->pending = c->partial && !c->n_eps;
	locality_apply(m, client, c);
	if (!c->n_eps && !c->problem && !c->pending)
		c->problem = empty_problem(c, without);
}

void
cluster_fini(struct sl_mesh_cluster *c)
{
	free(c->ep);
	free(c->way);
	free(c->group);
	free(c->problem);
}
