// Bindings: what new flows get. Each says which client groups, sending to which address and port,
// go to which clusters, after ServiceEntries, VirtualServices and DestinationRules are put
// together.
//
// Owner:   sl_mesh_bindings() allocates, sl_mesh_bindings_free() frees. They borrow from the mesh:
//          until its next update.
// Threads: control (or an offline tool) only.
// Errors:  out of memory ends the process.
// Limits:  one service costs its ports x VIPs x endpoints, for each different treatment of a client
//          group; groups that get the same share a binding.
//
// Source: istio-semantics 3.3 (locality), 3.6 (DestinationRule lookup), 3.7 (listeners).
#pragma once

#include "sl_mesh.h"

// What DestinationRule and mesh defaults say of a cluster, for a client group.
struct sl_mesh_policy {
	const struct sl_object *dr; // the (oldest) rule that applies, or NULL
	struct sl_load_balancer lb; // borrows its strings; not given: LEAST_REQUEST
	struct sl_connection_pool pool;
	bool outlier; // outlierDetection is given
	uint32_t min_health_percent;
	uint64_t connect_timeout_ns; // never 0
	uint64_t idle_timeout_ns;    // 0 with has_idle: never
	uint64_t max_duration_ns;    // 0: none
	bool has_idle;
};

struct sl_mesh_ep {
	const struct sl_mesh_endpoint *from;
	sl_be32 addr; // from's
	uint32_t port;
	uint32_t weight;
	bool healthy;
};

// Endpoints that stand behind each other in ep[] and are picked as one.
struct sl_mesh_group {
	uint32_t n;
	uint32_t weight;   // among the groups of its priority, when locality_weighted
	uint32_t priority; // ascending from 0, none left out
};

// What an endpoint is whatever DNS answers: a name, or an address.
struct sl_mesh_way {
	const char *name; // NULL: ip
	struct sl_ip ip;
	uint32_t port;
	uint32_t weight;
};

// One destination of a binding, in Istio's sense "outbound|80|v1|host".
struct sl_mesh_cluster {
	uint32_t weight;                   // of the VirtualService's split; 1 when it is alone
	const struct sl_mesh_service *svc; // NULL: host is of no service that the clients see
	const char *host;
	const char *subset;    // "": none
	uint32_t port;         // of the service
	const char *port_name; // "": it has none of that number
	struct sl_mesh_policy policy;
	bool original_dst;     // to the address that the client connected to; ep is empty
	uint32_t dst_port;     // with original_dst: the port to go to; 0: the client's
	struct sl_mesh_ep *ep; // IPv4 ones that can be sent to, each address and port once
	uint32_t n_eps;
	struct sl_mesh_group *group; // n sums up to n_eps
	uint32_t n_groups;
	bool locality_weighted;
	struct sl_mesh_way *way; // of a service with names: what ep comes from, as it is written
	uint32_t n_ways;         // 0: ep says it all
	bool partial;            // a name of it has no answer yet: ep is not all
	bool pending;            // partial, and ep is empty: flows wait a little
	char *problem; // why it has no endpoint: "subset v2 is in no DestinationRule"; NULL: none,
		       // or pending
};

struct sl_mesh_binding {
	struct sl_prefix dst; // IPv4, masked; len 32: a VIP, 1..31: a CIDR, 0: any address
	uint8_t proto;        // IPPROTO_TCP, IPPROTO_UDP
	uint16_t port;
	uint64_t clients; // groups that are treated so
	const struct sl_mesh_service *svc;
	const struct sl_se_port *service_port;
	const struct sl_se_address *vip; // that it comes from; NULL: the service has none
	bool auto_vip;                   // dst is the service's virtual IP
	// The traffic would have to be told apart by a name in it (HTTP Host, TLS SNI), which is
	// not read yet: what clients send to dst and port is taken whole. See sl_mesh_settle().
	bool by_name;
	const struct sl_object *vs;      // VirtualService whose route it is, or NULL
	struct sl_mesh_cluster *cluster; // those of weight 0 among several are left out
	uint32_t n_clusters;             // from 1
	uint32_t order; // among those of the service, as its ports, VIPs and routes are written
};

// All bindings of a service, sorted by dst, proto, port; those of the same key have disjoint
// clients. NULL and *n = 0: it is served to nobody.
struct sl_mesh_binding *sl_mesh_bindings(
	struct sl_mesh *m, const struct sl_mesh_service *svc, size_t *n);
void sl_mesh_bindings_free(struct sl_mesh_binding *b, size_t n);

// Bindings of one key (dst, proto, port) and of different services: which one serves whom. Sorts v
// by precedence and sets v[i]->clients to those it keeps; 0: it lost them all.
//   - The first in service order takes a client group; a by_name one only after all others.
//   - On a CIDR or any address, by_name ones of different endpoints that meet in a group both lose
//     it: the name that would tell them apart is not read. A DNS name is one endpoint there,
//     whatever its answer.
void sl_mesh_settle(struct sl_mesh_binding **v, size_t n);

// The end of a remark that b is served to nobody: "; its virtual IP is served", or "".
const char *sl_mesh_elsewhere(const struct sl_mesh_binding *b);

// The policy of (service, port, subset) for a client group, as its cluster has it.
void sl_mesh_policy(struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc,
	uint32_t port, const char *subset, struct sl_mesh_policy *out);

// Names of the subsets of the service that some client group has (for `endpoints`), each once, in
// the order of the rules. The caller frees the array.
const char **sl_mesh_subsets(struct sl_mesh *m, const struct sl_mesh_service *svc, size_t *n);
// Does the endpoint carry the labels of that subset, for the first client group that has it?
bool sl_mesh_in_subset(struct sl_mesh *m, const struct sl_mesh_service *svc, const char *subset,
	const struct sl_mesh_endpoint *ep);

// ---- explain ----

struct sl_mesh_candidate {
	const struct sl_mesh_cluster *cluster;
	const struct sl_mesh_ep *ep;
	uint32_t group; // index in cluster->group
};

struct sl_mesh_explanation {
	const char *verdict; // "forward", "deny"
	char *reason;        // one sentence
	// The binding that takes the flow; NULL: none does, the outbound policy decides.
	const struct sl_mesh_binding *binding;
	struct sl_mesh_candidate *candidate;
	uint32_t n_candidates;
	struct sl_mesh_binding *all; // what binding points into
	size_t n_all;
};

// What happens to a new flow of that client group to (proto, dst, port): exact VIP, then CIDRs of
// that port, longest first, then any address on that port, then the outbound policy. dst is IPv4.
// Looks at every service. Returns whether a binding takes it.
bool sl_mesh_explain(struct sl_mesh *m, unsigned client, uint8_t proto, const struct sl_ip *dst,
	uint16_t port, struct sl_mesh_explanation *out);
void sl_mesh_explanation_fini(struct sl_mesh_explanation *x); // for people: sl_mesh_explain.h

// ---- which rule and route ----

// For a client group and service, the DestinationRule (the first of those that are one) and the
// VirtualService whose tcp routes count, or NULL.
const struct sl_object *sl_mesh_rule(
	const struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc);
const struct sl_object *sl_mesh_route(
	const struct sl_mesh *m, unsigned client, const struct sl_mesh_service *svc);
// Is that DestinationRule (as one of several of a host, too) or VirtualService the one of the
// service, for a client group that has it?
bool sl_mesh_applies(
	const struct sl_mesh *m, const struct sl_object *obj, const struct sl_mesh_service *svc);
// To any service? Looks at all of them for a host with a star.
bool sl_mesh_is_applied(const struct sl_mesh *m, const struct sl_object *obj);

// ---- findings ----

// What is odd between the objects (istio-semantics 2.9 and docs/decisions/0009-mesh.md), as
// warnings with the rule "M...". only: the findings on that object; NULL: on all objects.
void sl_mesh_findings(struct sl_mesh *m, const struct sl_object *only, struct sl_diags *diags);
// Those on an object without the keys that several services claim (M10), which cost a pass over
// all services: lib/compile says them of what is in force.
void sl_mesh_object_findings(
	struct sl_mesh *m, const struct sl_object *obj, struct sl_diags *diags);
