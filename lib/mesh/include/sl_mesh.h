// The mesh: what the Istio objects mean together. Services out of ServiceEntries, the endpoints
// that their selectors pick, and who sees them. The outbound (sidecar) view of Istio, taken once
// for each client group. What new flows get of it, bindings and policy: sl_mesh_binding.h.
//
// Owner:   the mesh is made by sl_mesh_new() and freed by sl_mesh_free(), before its registry. What
//          it hands out is borrowed: until the next sl_mesh_update() or sl_mesh_configure().
// Threads: control (or an offline tool) only.
// Errors:  out of memory ends the process. What is wrong between objects is a finding.
// Limits:  64 client groups. sl_mesh_update() costs what depends on the changed objects; with a
//          rule or route of "*" a pass over all hosts. About 1 KiB a service.
//
// Source: istio-semantics 1.2 to 1.4 and 3.1 to 3.8; docs/decisions/0009-mesh.md.
#pragma once

#include "sl_model.h"

#define SL_MESH_MAX_CLIENTS 64

// A client group: the clients that sluice.yaml maps to one identity. It is "the proxy" of Istio.
struct sl_mesh_client {
	const char *namespace_;
	const struct sl_label *labels;
	uint32_t n_labels;
	const char *locality; // "region/zone/subzone", "" or NULL: none
	const char *network;  // "" or NULL: none; compared by failoverPriority only
};

struct sl_mesh_names {
	char *const *v;
	uint32_t n; // 0: "*"
};

// The client groups, and what Istio has in MeshConfig.
struct sl_mesh_cfg {
	const struct sl_mesh_client *client; // [0] is the group of those that no other one has
	uint32_t n_clients;                  // 1..64
	const char *root_namespace;          // NULL: "istio-system"
	struct sl_mesh_names se_export_to;   // for objects without exportTo
	struct sl_mesh_names vs_export_to;
	struct sl_mesh_names dr_export_to;
	uint64_t connect_timeout_ns;        // 0: 10 s
	const struct sl_name_policy *names; // where a ServiceEntry does not say it; NULL: IPv4,
					    // 1 s to 300 s, an hour stale
	// Virtual IPs of hosts without addresses come from these (family 0: none are given).
	struct sl_prefix auto_vip4;
	struct sl_prefix auto_vip6;
	const struct sl_locality_lb *locality; // NULL: enabled and empty
	bool allow_any;                        // outbound policy, for sl_mesh_explain() alone
};

struct sl_mesh;

// Over the registry, which has to outlive it. Until it is configured there is one client group, in
// the namespace "default".
struct sl_mesh *sl_mesh_new(struct sl_registry *registry);
void sl_mesh_free(struct sl_mesh *m);
// Copies cfg. When it says the same as before nothing happens, else the next update tells every
// service.
void sl_mesh_configure(struct sl_mesh *m, const struct sl_mesh_cfg *cfg);

// One thing that can be sent to. Each ServiceEntry that a service is merged from brings its own.
struct sl_mesh_endpoint {
	const struct sl_se_endpoint
		*spec;                 // NULL: a pod, or the host itself (DNS without endpoints)
	const struct sl_object *entry; // ServiceEntry that brings it, with its ports
	const struct sl_object *obj;   // where it is written: entry, a WorkloadEntry or a Pod
	struct sl_ip ip;               // family 0: a name without an address, or a Unix socket
	const char *address;           // as written; of an answer: the address
	const char *name; // the DNS name whose answer ip is, or that has none (yet); NULL: no name
	const struct sl_label *labels; // of a WorkloadEntry: spec overlaid by metadata
	uint32_t n_labels;
	const char *locality; // region/zone/subzone, "": none
	const char *network;  // "": none
	uint32_t weight;      // from 1
	bool healthy;         // else: a WorkloadEntry or Pod that is not, known and never picked
	const struct sl_loc *loc;
	const char *not_served; // why no packet is sent to it; NULL: it can be
	bool pending;           // its name has no answer yet
};

// One per (namespace, host), merged from all ServiceEntries there that have the host: the oldest
// decides, endpoints are pooled, ports are joined when resolution, labels, selector and exportTo
// agree (istio-semantics 3.1).
struct sl_mesh_service {
	uint32_t id; // stable while the service exists, then given again
	// Another one, that no service had before, when its bindings may be others in anything but
	// what DNS answered. While it stays, so do their keys, clients and precedence.
	uint64_t version;
	const char *namespace_;
	const char *host;
	struct sl_object *const *obj; // the ServiceEntries, the deciding one first
	uint32_t n_obj;
	const struct sl_se_port *const *port;
	uint32_t n_ports;
	const struct sl_se_address *const *vip; // of the deciding object, unserved ones too
	uint32_t n_vips;
	// Virtual IPs of a service without addresses, by family; family 0: none. lib/mesh/vip.c
	struct sl_ip auto_vip[2]; // [0] IPv4, [1] IPv6
	bool pending;             // some name of it has no answer yet
	enum sl_resolution resolution;
	enum sl_location location;
	const struct sl_mesh_endpoint *ep; // pooled; which port has it: sl_mesh_endpoint_port()
	uint32_t n_eps;
	uint64_t visible; // client groups that it is exported to
	uint64_t clients; // of these, the ones for which it is the service of that host
	const char *
		not_served; // why no port of it is carried, to follow "not served: "; NULL: some is
	const char *tier;   // "L4", or "none" with not_served
};

// Follows the registry. Calls fn for each service that is new or may have changed (svc), or is gone
// (svc NULL). Each once; `services gone` come first, so that an id is free before it comes again.
// What fn is told of a service is what sl_mesh_bindings() then says of it. fn may be NULL.
typedef void sl_mesh_update_fn(void *ctx, const struct sl_mesh_service *svc, uint32_t id);
void sl_mesh_update(struct sl_mesh *m, sl_mesh_update_fn *fn, void *ctx);

// The service of a namespace and host, or NULL.
const struct sl_mesh_service *sl_mesh_find(
	const struct sl_mesh *m, const char *namespace_, const char *host);
// By id, or NULL.
const struct sl_mesh_service *sl_mesh_service(const struct sl_mesh *m, uint32_t id);
// Service order, that of "the first wins": creationTimestamp of the deciding object (none is
// oldest), host, namespace (istio-semantics 3.1, decision Q4). < 0, 0, > 0.
int sl_mesh_order(const struct sl_mesh_service *a, const struct sl_mesh_service *b);
// All services in service order: sorted when asked for. Returns false at the end; *it = 0 begins.
bool sl_mesh_next(struct sl_mesh *m, size_t *it, const struct sl_mesh_service **svc);
// The services of a namespace and host (NULL: any), sorted by namespace, host. The caller frees the
// array.
const struct sl_mesh_service **sl_mesh_list(
	const struct sl_mesh *m, const char *namespace_, const char *host, size_t *n);
// The services that the object is part of (as ServiceEntry, WorkloadEntry or Pod) or applies to
// (DestinationRule, VirtualService), in the same order and ownership.
const struct sl_mesh_service **sl_mesh_list_of(
	const struct sl_mesh *m, const struct sl_object *obj, size_t *n);

// Port of an endpoint for a port of its service (istio-semantics 1.3): its own ports[name], else
// targetPort, else number of its ServiceEntry's port that lines up: the one of the same name, with
// resolution DNS of the same number (3.1). 0: none does, or the address is a Unix socket.
uint32_t sl_mesh_endpoint_port(const struct sl_mesh_service *svc, const struct sl_mesh_endpoint *ep,
	const struct sl_se_port *port);
// The next endpoint of that port from *it on (0 begins), with its port: those that line up, or are
// on a Unix socket (port 0); of DNS_ROUND_ROBIN only the first. NULL at the end.
const struct sl_mesh_endpoint *sl_mesh_endpoint_next(const struct sl_mesh_service *svc,
	const struct sl_se_port *port, uint32_t *it, uint32_t *number);

// Why this address or port of a service is not carried; NULL: it is.
const char *sl_mesh_vip_not_served(const struct sl_se_address *vip);
const char *sl_mesh_port_not_served(
	const struct sl_mesh_service *svc, const struct sl_se_port *port);

// ---- rows, the same offline and in the daemon (docs/control.md) ----

// Run-time state of one endpoint of a service port; static text ("up", "unresolved", ...).
typedef const char *sl_mesh_state_fn(void *ctx, const struct sl_mesh_service *svc,
	const struct sl_se_port *port, const struct sl_mesh_endpoint *ep, uint32_t number);

// One row of `services`, an object. The state of an endpoint is "notServed", "unresolved" (a name
// that has no address now), "unhealthy" (its object says so), or what state() tells; without
// state() (offline) "unknown". "reason" says why nothing is sent there.
struct sl_emit;
void sl_mesh_service_emit(
	const struct sl_mesh_service *svc, sl_mesh_state_fn *state, void *ctx, struct sl_emit *e);

// The members of that, into the object that is open.
void sl_mesh_service_members(
	const struct sl_mesh_service *svc, sl_mesh_state_fn *state, void *ctx, struct sl_emit *e);

// One row of `endpoints`, an object: an endpoint of a service port, or of a subset of it (NULL or
// "": the port's own cluster "outbound|80||host"). load: NULL offline.
void sl_mesh_endpoint_emit(const struct sl_mesh_service *svc, const struct sl_se_port *port,
	const char *subset, const struct sl_mesh_endpoint *ep, uint32_t number, const char *state,
	const struct sl_endpoint_load *load, struct sl_emit *e);
