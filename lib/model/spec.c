// The end of each kind's spec.
#include <stdlib.h>

#include "spec.h"

void
labels_free(struct sl_label *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].value);
	}
	free(v);
}

static void
strings_free(char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void
endpoint_fini(struct sl_se_endpoint *ep)
{
	for (uint32_t i = 0; i < ep->n_ports; i++)
		free(ep->ports[i].name);
	free(ep->ports);
	labels_free(ep->labels, ep->n_labels);
	free(ep->address);
	free(ep->network);
	free(ep->locality);
	free(ep->service_account);
}

static void
service_entry_fini(struct sl_service_entry *se)
{
	strings_free(se->hosts, se->n_hosts);
	for (uint32_t i = 0; i < se->n_addresses; i++)
		free(se->addresses[i].text);
	free(se->addresses);
	for (uint32_t i = 0; i < se->n_ports; i++) {
		free(se->ports[i].name);
		free(se->ports[i].protocol);
	}
	free(se->ports);
	for (uint32_t i = 0; i < se->n_endpoints; i++)
		endpoint_fini(&se->endpoints[i]);
	free(se->endpoints);
	strings_free(se->export_to, se->n_export_to);
	strings_free(se->subject_alt_names, se->n_subject_alt_names);
	labels_free(se->selector, se->n_selector);
	for (uint32_t i = 0; i < se->n_status_addresses; i++)
		free(se->status_address[i].host);
	free(se->status_address);
}

// ---- DestinationRule ----

void
sl_locality_lb_fini(struct sl_locality_lb *l)
{
	for (uint32_t i = 0; i < l->n_distribute; i++) {
		for (uint32_t k = 0; k < l->distribute[i].n_to; k++)
			free(l->distribute[i].to[k].locality);
		free(l->distribute[i].to);
		free(l->distribute[i].from);
	}
	free(l->distribute);
	for (uint32_t i = 0; i < l->n_failover; i++) {
		free(l->failover[i].from);
		free(l->failover[i].to);
	}
	free(l->failover);
	strings_free(l->failover_priority, l->n_failover_priority);
}

static void
traffic_policy_fini(struct sl_traffic_policy *p)
{
	sl_locality_lb_fini(&p->lb.locality);
	for (uint32_t i = 0; i < p->n_ports; i++)
		sl_locality_lb_fini(&p->ports[i].lb.locality);
	free(p->ports);
}

static void
destination_rule_fini(struct sl_destination_rule *dr)
{
	free(dr->host);
	traffic_policy_fini(&dr->policy);
	for (uint32_t i = 0; i < dr->n_subsets; i++) {
		free(dr->subsets[i].name);
		labels_free(dr->subsets[i].labels, dr->subsets[i].n_labels);
		traffic_policy_fini(&dr->subsets[i].policy);
	}
	free(dr->subsets);
	strings_free(dr->export_to, dr->n_export_to);
	labels_free(dr->selector, dr->n_selector);
}

// ---- VirtualService, Gateway ----

static void
match_fini(struct sl_vs_match *m)
{
	for (uint32_t i = 0; i < m->n_subnets; i++)
		free(m->subnets[i].text);
	free(m->subnets);
	labels_free(m->source_labels, m->n_source_labels);
	strings_free(m->gateways, m->n_gateways);
	free(m->source_namespace);
	strings_free(m->sni_hosts, m->n_sni_hosts);
}

static void
routes_free(struct sl_vs_route *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < v[i].n_match; k++)
			match_fini(&v[i].match[k]);
		free(v[i].match);
		for (uint32_t k = 0; k < v[i].n_to; k++) {
			free(v[i].to[k].host);
			free(v[i].to[k].subset);
		}
		free(v[i].to);
	}
	free(v);
}

static void
virtual_service_fini(struct sl_virtual_service *vs)
{
	strings_free(vs->hosts, vs->n_hosts);
	strings_free(vs->gateways, vs->n_gateways);
	strings_free(vs->export_to, vs->n_export_to);
	routes_free(vs->tcp, vs->n_tcp);
	routes_free(vs->tls, vs->n_tls);
}

static void
gateway_fini(struct sl_gateway *gw)
{
	labels_free(gw->selector, gw->n_selector);
	for (uint32_t i = 0; i < gw->n_servers; i++) {
		free(gw->servers[i].protocol);
		free(gw->servers[i].port_name);
		strings_free(gw->servers[i].hosts, gw->servers[i].n_hosts);
	}
	free(gw->servers);
}

static void
pod_fini(struct sl_pod *pod)
{
	free(pod->pod_ip);
	free(pod->phase);
	free(pod->node_name);
	free(pod->service_account);
}

void
spec_fini(struct sl_object *obj)
{
	switch (obj->kind) {
	case SL_KIND_SERVICE_ENTRY:
		service_entry_fini(&obj->se);
		break;
	case SL_KIND_WORKLOAD_ENTRY:
		endpoint_fini(&obj->we.ep);
		break;
	case SL_KIND_DESTINATION_RULE:
		destination_rule_fini(&obj->dr);
		break;
	case SL_KIND_VIRTUAL_SERVICE:
		virtual_service_fini(&obj->vs);
		break;
	case SL_KIND_GATEWAY:
		gateway_fini(&obj->gw);
		break;
	case SL_KIND_POD:
		pod_fini(&obj->pod);
		break;
	case SL_KIND_NAMESPACE:
	case SL_KIND_GATEWAY_API_GATEWAY:
	case SL_KIND_HTTP_ROUTE:
	case SL_KIND_REFERENCE_GRANT:
	case SL_KIND_TRAFFIC_POLICY:
	case SL_KIND_MAX:
		break;
	}
}
