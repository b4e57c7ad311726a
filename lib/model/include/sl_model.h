// Istio objects as plain structs, and the registry that holds them.
//
// Owner:   an object belongs to whoever holds it until sl_registry_put() takes it over; the
// registry
//          frees what it replaces. Strings and arrays inside belong to the object.
// Threads: control (or an offline tool) only.
// Errors:  out of memory ends the process; everything else is a diagnostic.
// Limits:  100,000 objects; hosts, addresses, ports 256 each and endpoints 4096 an object
//          (istio-api CRD limits).
//
// Source: istio-api networking/v1alpha3 service_entry.proto, workload_entry.proto and the CRD.
// lint: length: one contract: the objects, where they are kept, what they mean
#pragma once

#include "sl_buf.h"
#include "sl_destination_rule.h"
#include "sl_diag.h"
#include "sl_ip.h"
#include "sl_name_policy.h"
#include "sl_virtual_service.h"
#include "sl_workload.h"

enum sl_kind {
	SL_KIND_SERVICE_ENTRY,
	SL_KIND_WORKLOAD_ENTRY,
	SL_KIND_DESTINATION_RULE,
	SL_KIND_VIRTUAL_SERVICE,
	SL_KIND_GATEWAY, // of networking.istio.io
	SL_KIND_POD,
	SL_KIND_NAMESPACE,
	// Kept, and not served yet: meta and JSON only.
	SL_KIND_GATEWAY_API_GATEWAY,
	SL_KIND_HTTP_ROUTE,
	SL_KIND_REFERENCE_GRANT,
	SL_KIND_TRAFFIC_POLICY,
	SL_KIND_MAX,
};
const char *sl_kind_name(enum sl_kind kind);  // "ServiceEntry"
const char *sl_kind_group(enum sl_kind kind); // "networking.istio.io", "" for core
bool sl_kind_is_kept(enum sl_kind kind);      // kept only: no struct, no effect
// Cluster-scoped kinds have the namespace "".
bool sl_kind_has_namespace(enum sl_kind kind);
// The kind as kubectl takes it: name, plural or short name ("se"), each also with its group behind
// a dot, any letter case. Returns 0, or -EINVAL.
int sl_kind_parse(const char *text, enum sl_kind *kind);

enum sl_resolution { // values of the proto
	SL_RESOLUTION_NONE,
	SL_RESOLUTION_STATIC,
	SL_RESOLUTION_DNS,
	SL_RESOLUTION_DNS_ROUND_ROBIN,
	SL_RESOLUTION_DYNAMIC_DNS,
};
const char *sl_resolution_name(enum sl_resolution r);

enum sl_location {
	SL_MESH_EXTERNAL,
	SL_MESH_INTERNAL,
};
const char *sl_location_name(enum sl_location l);

// Where an object came from.
enum sl_origin {
	SL_ORIGIN_FILE,   // a resource folder of sluice.yaml, or -f offline
	SL_ORIGIN_SOCKET, // sluicectl apply; kept in the state folder
};

struct sl_meta {
	char *name;
	char *namespace_; // "default" when not given
	struct sl_label *labels;
	uint32_t n_labels;
	struct sl_label *annotations;
	uint32_t n_annotations;
	char *creation; // creationTimestamp in UTC ("2026-01-02T03:04:05Z", sorts as text), or NULL
};

struct sl_se_address {
	char *text;              // as written
	struct sl_prefix prefix; // host bits masked
	struct sl_loc loc;       // here and below: file is the object's loc.file
};

struct sl_se_port {
	uint32_t number;
	char *name;
	char *protocol;       // canonical upper case ("TCP", "HTTP", ...), "" when not given
	uint32_t target_port; // 0: unset
	struct sl_loc loc;
};

// An address that status.addresses gives to a host: of the whole object when host is NULL.
struct sl_se_status_address {
	char *host;
	struct sl_ip ip;
};

struct sl_service_entry {
	char **hosts;
	uint32_t n_hosts;
	struct sl_se_address *addresses;
	uint32_t n_addresses;
	struct sl_se_port *ports;
	uint32_t n_ports;
	enum sl_location location;
	enum sl_resolution resolution;
	struct sl_se_endpoint *endpoints;
	uint32_t n_endpoints;
	char **export_to;
	uint32_t n_export_to;
	char **subject_alt_names;
	uint32_t n_subject_alt_names;
	bool has_selector;
	struct sl_label *selector;
	uint32_t n_selector;
	struct sl_se_names names;                    // out of annotations
	struct sl_se_status_address *status_address; // out of status.addresses
	uint32_t n_status_addresses;
	bool no_auto_vip; // label networking.istio.io/enable-autoallocate-ip: "false"
};

// A remark on an object: what is not served, has no effect here, or lost a conflict.
struct sl_note {
	char *path; // "spec.resolution", or NULL
	char *message;
	uint32_t line; // 0: unknown
	uint32_t col;
	bool computed; // made by compile: cleared and made again at each pass
};

struct sl_object {
	enum sl_kind kind;
	char *api_version;
	struct sl_meta meta;
	struct sl_loc loc; // of the document; loc.file belongs to the object
	enum sl_origin origin;
	char *json;    // the whole object, canonical JSON (sorted keys), for get, diff, "unchanged"
	uint64_t hash; // of json
	uint64_t generation; // counts changes, from 1; set by the registry
	union {
		struct sl_service_entry se;
		struct sl_workload_entry we;
		struct sl_destination_rule dr;
		struct sl_virtual_service vs;
		struct sl_gateway gw;
		struct sl_pod pod;
	};
	// Findings of a later version of it that was refused, while this one stays in force; NULL:
	// none.
	char *rejected;
	struct sl_note *notes;
	uint32_t n_notes;
};

struct sl_object *sl_object_new(enum sl_kind kind);
void sl_object_free(struct sl_object *obj);
void sl_object_note(struct sl_object *obj, const char *path, const struct sl_loc *loc,
	bool computed, const char *fmt, ...) SL_PRINTF(5, 6);
void sl_object_notes_clear_computed(struct sl_object *obj);
// "ServiceEntry default/web", "Namespace shop"
// Its document stands so many lines further down: all places in it follow, notes too.
void sl_object_move(struct sl_object *obj, int32_t lines);
const char *sl_object_title(const struct sl_object *obj, char *buf, size_t size);

// ---- registry ----

struct sl_registry;

enum sl_change {
	SL_UNCHANGED,
	SL_CREATED,
	SL_CONFIGURED,
	SL_DELETED,
};

struct sl_registry *sl_registry_new(void);
void sl_registry_free(struct sl_registry *r);
// Takes obj over. An equal object (same hash) is freed and nothing changes (SL_UNCHANGED), but its
// location is taken. An object from the socket shadows one of the same name from a file.
enum sl_change sl_registry_put(struct sl_registry *r, struct sl_object *obj);
// SL_DELETED, or SL_UNCHANGED: not there (with that origin). Deleting the socket's object lets the
// file's one reappear.
enum sl_change sl_registry_del(struct sl_registry *r, enum sl_kind kind, const char *namespace_,
	const char *name, enum sl_origin origin);
// What is in force under that name, or NULL.
struct sl_object *sl_registry_find(
	struct sl_registry *r, enum sl_kind kind, const char *namespace_, const char *name);
// The object of that very origin (shadowed or not), or NULL.
struct sl_object *sl_registry_find_origin(struct sl_registry *r, enum sl_kind kind,
	const char *namespace_, const char *name, enum sl_origin origin);
// What changed in force since the last call, once for each name; the first call tells all there is.
// old or now is NULL: created, or deleted. What came and went in between is not told. `old` lives
// until fn returns. fn must not change the registry. For one reader.
struct sl_registry_change {
	struct sl_object *old;
	struct sl_object *now;
};
typedef void sl_registry_change_fn(void *ctx, const struct sl_registry_change *change);
void sl_registry_changes(struct sl_registry *r, sl_registry_change_fn *fn, void *ctx);
size_t sl_registry_count(const struct sl_registry *r);
uint64_t sl_registry_generation(const struct sl_registry *r); // moves with every change
// Objects in force, sorted by kind, namespace, name. Returns false at the end. *it = 0 begins.
bool sl_registry_next(struct sl_registry *r, size_t *it, struct sl_object **obj);

// ---- parts of a ServiceEntry ----

// Is it in reach? NULL: yes. Else a static text that says why not, to follow "not served yet: ".
const char *sl_se_address_not_served(const struct sl_se_address *addr);
const char *sl_se_endpoint_not_served(const struct sl_se_endpoint *ep);

// Transport of a port: IPPROTO_TCP, IPPROTO_UDP, or 0 for a protocol that is not carried.
uint8_t sl_se_port_transport(const struct sl_se_port *port);
// Istio's protocol families (istio-semantics 1.1), of a canonical protocol name ("" is in none).
bool sl_protocol_is_http(const char *protocol);
bool sl_protocol_is_tls(const char *protocol);
bool sl_protocol_is_tcp(const char *protocol); // with HTTPS and TLS
// Port of an endpoint for a service port (istio-semantics 1.3: endpoint ports[name], targetPort,
// number; 0 for unix://).
uint32_t sl_se_endpoint_port(const struct sl_se_endpoint *ep, const struct sl_se_port *port);
// The weight that counts: 0 is 1.
uint32_t sl_se_endpoint_weight(const struct sl_se_endpoint *ep);
// "region/zone/subzone" into buf: the field, else the label topology.istio.io/locality or
// istio-locality with dots for slashes (istio-semantics 1.2); "" when there is none.
const char *sl_se_endpoint_locality(const struct sl_se_endpoint *ep, char *buf, size_t size);

struct sl_endpoint_load {
	uint64_t flows; // now
	uint64_t total; // ever
};
