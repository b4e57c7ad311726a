// A VirtualService, as far as L4 acts on it (its http routes are checked and not kept), and the
// servers of an Istio Gateway.
//
// Owner:   as the object that holds it, see sl_model.h.
// Source:  istio-api networking/v1alpha3 virtual_service.proto, gateway.proto; istio-semantics 1.6.
#pragma once

#include "sl_workload.h"

struct sl_vs_subnet {
	char *text;
	struct sl_prefix prefix; // host bits masked
};

// All that is given has to match. sni_hosts: tls routes only.
struct sl_vs_match {
	struct sl_vs_subnet *subnets; // destinationSubnets
	uint32_t n_subnets;
	uint32_t port; // 0: any
	struct sl_label *source_labels;
	uint32_t n_source_labels;
	char **gateways;
	uint32_t n_gateways;
	char *source_namespace;
	char **sni_hosts;
	uint32_t n_sni_hosts;
	struct sl_loc loc;
};

struct sl_vs_destination {
	char *host;
	char *subset;
	uint32_t port; // 0: not given
	uint32_t weight;
	bool has_weight;
	struct sl_loc loc;
};

// A tcp or tls route. Without match it takes everything.
struct sl_vs_route {
	struct sl_vs_match *match; // any of them
	uint32_t n_match;
	struct sl_vs_destination *to;
	uint32_t n_to;
	struct sl_loc loc;
};

struct sl_virtual_service {
	char **hosts;
	uint32_t n_hosts;
	char **gateways; // none: mesh
	uint32_t n_gateways;
	char **export_to;
	uint32_t n_export_to;
	struct sl_vs_route *tcp;
	uint32_t n_tcp;
	struct sl_vs_route *tls;
	uint32_t n_tls;
	uint32_t n_http;
};

struct sl_gw_server {
	uint32_t port;
	char *protocol; // upper case
	char *port_name;
	char **hosts;
	uint32_t n_hosts;
	struct sl_loc loc;
};

struct sl_gateway {
	struct sl_label *selector;
	uint32_t n_selector;
	struct sl_gw_server *servers;
	uint32_t n_servers;
};
