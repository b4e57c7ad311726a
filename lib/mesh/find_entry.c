// Findings on a ServiceEntry by itself and among the services of its hosts.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "sl_str.h"
#include "vip.h"

static void
check_clients(struct sl_mesh *m, const struct sl_object *se, const struct service *s,
	struct sl_diags *diags)
{
	if (s->pub.obj[0] != se)
		return;
	if (!s->pub.visible)
		find(diags, se, "M4", NULL, "spec.exportTo",
			"no client of sluice.yaml is in a namespace that it is exported to");
	else if (!s->pub.clients)
		find(diags, se, "M4", NULL, "spec.hosts",
			"a service of the same host comes first for every client that sees it");
}

static void
check_selector(struct sl_mesh *m, const struct sl_object *se, struct sl_diags *diags)
{
	struct ptrs picked = {0};

	if (!se->se.has_selector)
		return;
	selector_pick(m, se, &picked);
	if (!picked.n)
		find(diags, se, "M6", NULL, "spec.workloadSelector",
			"it matches no WorkloadEntry and no Pod of its namespace: the service has "
			"no endpoint of it");
	ptrs_fini(&picked);
}

// Ports of other services of the host that a client sees as well: only in one namespace can two
// entries both count, so what is compared is what they are exported to.
static void
check_protocols(const struct sl_object *se, const struct service *s, struct sl_diags *diags)
{
	const struct host *h = s->host;
	char title[600];

	for (uint32_t i = 0; i < h->svc.n; i++) {
		const struct service *o = h->svc.v[i];

		if (!(o->pub.visible & s->pub.visible))
			continue;
		for (uint32_t k = 0; k < o->obj.n; k++) {
			const struct sl_object *other = o->obj.v[k];

			for (uint32_t a = 0; other != se && a < se->se.n_ports; a++) {
				for (uint32_t b = 0; b < other->se.n_ports; b++) {
					const struct sl_se_port *x = &se->se.ports[a];
					const struct sl_se_port *y = &other->se.ports[b];

					if (x->number != y->number ||
						strcmp(x->protocol, y->protocol) == 0)
						continue;
					char *message = sl_xasprintf(
						"port %u of %s is %s here and %s in %s", x->number,
						s->pub.host, *x->protocol ? x->protocol : "unset",
						*y->protocol ? y->protocol : "unset",
						sl_object_title(other, title, sizeof(title)));

					find(diags, se, "M7", &x->loc, "spec.ports", message);
					free(message);
				}
			}
		}
	}
}

// A CIDR among its addresses; *all: it has none, so that any address is meant.
static const struct sl_se_address *
wide_address(const struct sl_mesh_service *svc, bool *all)
{
	*all = svc->n_vips == 0;
	for (uint32_t i = 0; i < svc->n_vips; i++) {
		if (!sl_prefix_is_host(&svc->vip[i]->prefix) &&
			!sl_mesh_vip_not_served(svc->vip[i]))
			return svc->vip[i];
	}
	return NULL;
}

static void
check_port(const struct sl_object *se, const struct service *s, const struct sl_se_port *port,
	struct sl_diags *diags)
{
	const bool named =
		sl_protocol_is_http(port->protocol) || sl_protocol_is_tls(port->protocol);
	bool all;
	const struct sl_se_address *cidr = wide_address(&s->pub, &all);
	char *message = NULL;

	if (s->pub.not_served || sl_mesh_port_not_served(&s->pub, port))
		return;
	if (named && (all || cidr))
		message = sl_xasprintf("the name in the traffic (HTTP Host, TLS SNI) is not read "
				       "yet: all traffic to %s on port %u goes to this service",
			all ? "any address" : cidr->text, port->number);
	else if (all && sl_se_port_transport(port) == IPPROTO_TCP)
		message = sl_xasprintf("a TCP port without spec.addresses takes all traffic on "
				       "port %u, whatever its address, that no other service "
				       "takes",
			port->number);
	if (message)
		find(diags, se, named ? "M9" : "M8", &port->loc, "spec.ports", message);
	free(message);
}

static void
check_status(const struct sl_object *se, const struct service *s, unsigned family,
	struct sl_diags *diags)
{
	const struct sl_ip *has = &s->pub.auto_vip[family];
	char address[SL_IP_STRLEN], instead[SL_IP_STRLEN], title[600];
	const struct service *other;
	const char *why;
	struct sl_ip ip;

	if (vip_lost_status(s, family, &ip, &why, &other) != se)
		return;
	const struct sl_object *obj = other->pub.obj[0];
	char *message = sl_xasprintf("%s is not the virtual IP of %s, which is %s: %s (%s:%u) %s",
		sl_ip_str(&ip, address), s->pub.host,
		has->family ? sl_ip_str(has, instead) : "none",
		sl_object_title(obj, title, sizeof(title)), obj->loc.file, obj->loc.line, why);

	find(diags, se, "M11", NULL, "status.addresses", message);
	free(message);
}

static void
check_virtual_ips(struct sl_mesh *m, const struct sl_object *se, const struct service *s,
	struct sl_diags *diags)
{
	char text[SL_PREFIX_STRLEN];

	for (unsigned f = 0; f < 2; f++) {
		const struct sl_prefix *range = vip_range_full(m, s, f);

		check_status(se, s, f, diags);
		if (!range || s->pub.obj[0] != se)
			continue;
		char *message = sl_xasprintf("%s has no virtual IP: %s has no more addresses",
			s->pub.host, sl_prefix_str(range, text));

		find(diags, se, "M12", NULL, "spec.hosts", message);
		free(message);
	}
}

void
find_in_entry(struct sl_mesh *m, const struct sl_object *se, struct sl_diags *diags)
{
	check_selector(m, se, diags);
	for (uint32_t i = 0; i < se->se.n_hosts; i++) {
		const struct sl_mesh_service *svc =
			sl_mesh_find(m, se->meta.namespace_, se->se.hosts[i]);

		if (!svc)
			continue;
		const struct service *s = service_of(svc);

		check_protocols(se, s, diags);
		check_virtual_ips(m, se, s, diags);
		if (i > 0)
			continue; // what is said of the ports holds for every host
		check_clients(m, se, s, diags);
		for (uint32_t k = 0; k < se->se.n_ports; k++)
			check_port(se, s, &se->se.ports[k], diags);
	}
}
