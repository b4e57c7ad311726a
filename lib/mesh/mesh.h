// The inside of struct sl_mesh, for the files of this library.
// lint: length: what every file of the library knows of the others, and each a few lines
#pragma once

#include "map.h"
#include "seats.h"
#include "sl_mesh_binding.h"

#define HOST_MAX 512 // a host after short names were completed, with NUL

// A namespace that some object or client group is in. Lives as long as the mesh.
struct space {
	struct node node;
	uint64_t clients;               // groups in it
	const struct sl_object *object; // the Namespace, or NULL
	bool dirty;                     // the Namespace is another one
};

// A host as objects write it (short names completed): an exact name or a pattern with a star.
struct host {
	struct node node;
	struct ptrs svc; // struct service, in service order
	struct ptrs dr;  // DestinationRules for it, oldest first
	struct ptrs vs;  // VirtualServices that have it in hosts, oldest first
	struct ptrs to;  // VirtualServices with a tcp destination of it; one for each destination
	struct member *member; // one for each dot of its name, while it has services
	uint32_t n_members;
	bool sorted;
	bool changed; // queued: its services, or their policy, are others
	bool ruled;   // and all its services have to be told
	bool routed;  // queued: its VirtualServices are others
	bool touched; // queued: may have become empty
};

struct service {
	struct node node; // "namespace/host"
	struct sl_mesh_service pub;
	struct space *space;
	struct host *host;
	struct ptrs obj; // what pub.obj is; v of live objects only
	struct sl_mesh_endpoint *ep;
	uint32_t eps_cap;
	struct ptrs uses; // of names, see names.c
	const struct sl_se_port **port;
	const struct sl_se_address **vip;
	const char *own_problem;   // why nothing can be sent to its own endpoints; NULL: it can
	bool dirty;                // queued: to be made again
	bool told;                 // queued: to be told
	bool vip_queued;           // queued: its virtual IP may be another
	struct vip_part *vip_part; // vip.c; NULL: it has no part in virtual IPs
	uint64_t host_row;         // of its row for DNS, hosts.c; 0: none
};

// A WorkloadEntry or a Pod.
struct workload {
	struct node node; // "kind/namespace/name"
	struct sl_object *obj;
	struct sl_label *label; // merged; the strings are the object's
	uint32_t n_labels;
	const char *locality;
};

// "namespace/key=value": who carries the label, and who selects by it. "namespace/": everybody.
struct bucket {
	struct node node;
	struct ptrs workload;
	struct ptrs selector; // ServiceEntries of which it is the first label
};

struct text {
	struct node node;
};

struct client {
	const struct sl_mesh_client *pub;
	struct space *space;
};

struct sl_mesh {
	struct sl_registry *registry;
	struct client client[SL_MESH_MAX_CLIENTS];
	unsigned n_clients;
	struct sl_mesh_cfg cfg; // a copy
	char *cfg_text;         // what makes two configurations equal

	struct map spaces, hosts, services, workloads, buckets, texts, suffixes;
	struct ptrs by_id;                             // struct service or NULL
	struct ptrs free_ids;                          // as pointers
	struct map asked;                              // names, see names.c
	struct answer *old_answers;                    // endpoints may point into them
	uint32_t dr_wild[HOST_MAX], vs_wild[HOST_MAX]; // patterns by length

	// queues of an update
	struct ptrs dirty;       // struct service
	struct ptrs changed;     // struct host
	struct ptrs routed;      // struct host
	struct ptrs touched;     // struct host
	struct ptrs told;        // struct service
	struct ptrs names_queue; // for sl_mesh_names()
	struct ptrs vip_queue;   // struct service
	struct ptrs vip_changed; // struct claim
	bool spaces_dirty;
	bool all_dirty;
	uint64_t version; // the last one that was given

	struct range vip_range[2];       // IPv4, IPv6
	struct map vip_claims, vip_wide; // addresses and CIDRs that objects name
	uint64_t hosts_generation;

	const struct sl_mesh_service **sorted;
	bool sorted_valid;
};

// ---- mesh.c ----
const char *intern(struct sl_mesh *m, const char *text);
struct space *space_get(struct sl_mesh *m, const char *name);
// A host of a VirtualService or DestinationRule as a full name: one without dot or star is
// host.NAMESPACE.svc.cluster.local (istio-semantics 3.6).
const char *full_host(const char *host, const char *namespace_, char buf[HOST_MAX]);
// The n-th most specific host object that covers `name`: itself, then patterns, longest first.
// *len = 0 begins. wild: patterns by length. NULL at the end.
struct host *host_covering(
	const struct sl_mesh *m, const char *name, const uint32_t *wild, size_t *len);
bool covers(const char *pattern, const char *name);
int by_age(const void *a, const void *b); // struct sl_object *, creation, name, namespace

// ---- suffix.c ----
void suffix_put(struct sl_mesh *m, struct host *h); // it has services
void suffix_del(struct sl_mesh *m, struct host *h); // Of those, what a pattern covers:
void suffix_each(
	struct sl_mesh *m, const char *pattern, void (*fn)(struct sl_mesh *, struct host *));

// ---- select.c ----
void workload_put(struct sl_mesh *m, struct sl_object *obj);
void workload_del(struct sl_mesh *m, const struct sl_object *obj);
void selector_put(struct sl_mesh *m, struct sl_object *se);
void selector_del(struct sl_mesh *m, const struct sl_object *se);
// What the selector of a ServiceEntry picks, in order. The caller frees out->v.
void selector_pick(const struct sl_mesh *m, const struct sl_object *se, struct ptrs *out);
void selectors_of(const struct sl_mesh *m, const struct workload *w, struct ptrs *out);
struct workload *workload_find(const struct sl_mesh *m, const struct sl_object *obj);
const char *label_value(const struct sl_label *label, uint32_t n, const char *key);
bool labels_match(
	const struct sl_label *want, uint32_t n_want, const struct sl_label *has, uint32_t n_has);

// ---- service.c ----
void service_make(struct sl_mesh *m, struct service *s);
void service_unmake(struct sl_mesh *m, struct service *s);
void service_add_endpoint(struct service *s, const struct sl_mesh_endpoint *ep); // while it is made
bool service_joins(const struct sl_object *a, const struct sl_object *b);
// What is carried of it, once it is known who sees it.
void service_judge(const struct sl_mesh *m, struct service *s);

// ---- update.c ----
void service_queue(struct sl_mesh *m, struct service *s); // to be made again
// Likewise; only what DNS says of its names is another thing.
void service_queue_answer(struct sl_mesh *m, struct service *s);

// ---- visible.c ----
// Client groups that an object of that namespace is exported to.
uint64_t exported_to(const struct sl_mesh *m, const struct space *own, char *const *export_to,
	uint32_t n, const struct sl_mesh_names *otherwise);
bool exported_to_space(const char *own, const char *space, char *const *export_to, uint32_t n,
	const struct sl_mesh_names *otherwise);
// Which service of a host serves whom; tells those for which that changed.
void host_settle(
	struct sl_mesh *m, struct host *h, void (*tell)(struct sl_mesh *, struct service *));
// The service of a host for a client group, or NULL.
struct service *host_service(const struct sl_mesh *m, const char *host, unsigned client);

// ---- rule.c ----
// The DestinationRule for a client group, the first of those that are merged; NULL: none.
const struct sl_object *rule_for(const struct sl_mesh *m, unsigned client, const struct service *s);
struct sl_object *rule_next(const struct sl_mesh *m, const struct sl_object *first, size_t *it);
const struct sl_subset *rule_subset(
	const struct sl_mesh *m, const struct sl_object *first, const char *name);
void rule_policy(const struct sl_mesh *m, const struct sl_object *first, uint32_t port,
	const struct sl_subset *subset, struct sl_mesh_policy *out);

// ---- locality.c ----
// Divides the endpoints of a cluster by the locality of a client group; drops and reorders them.
void locality_apply(struct sl_mesh *m, unsigned client, struct sl_mesh_cluster *c);
// Does what locality_apply() does depend on the group?
bool locality_matters(
	const struct sl_mesh *m, const struct service *s, const struct sl_mesh_policy *policy);

// ---- route.c ----
// A destination that is resolved for a client group.
struct dest {
	const struct service *svc; // NULL: unknown
	const char *host;
	const char *subset;
	uint32_t port;
	uint32_t weight;
	const struct sl_object *rule;
	const struct sl_vs_destination *written; // NULL: the service itself
	bool auto_vip;                           // clients connect to a virtual IP
};
// One way that flows to a service port go: all of them, or those to some subnets.
struct leg {
	const struct sl_vs_subnet *subnet; // NULL: whatever no other leg takes
	const struct sl_vs_route *route;   // NULL: to the service itself
};
struct legs {
	const struct sl_object *vs;
	struct leg *v; // the last one is that without subnet
	uint32_t n;
	uint32_t cap;
};
// The VirtualService for a client group and service, or NULL.
const struct sl_object *route_for(
	const struct sl_mesh *m, unsigned client, const struct service *s);
void legs_make(const struct sl_mesh *m, unsigned client, const struct sl_object *vs,
	const struct sl_se_port *port, struct legs *out);
void dest_resolve(const struct sl_mesh *m, unsigned client, const struct sl_object *vs,
	const struct sl_vs_destination *to, uint32_t listener, struct dest *out);

// ---- applies.c ----
// The services that a DestinationRule or VirtualService is for, a service once for each host of the
// object; as many as `max`.
void add_applied(
	const struct sl_mesh *m, const struct sl_object *obj, uint32_t max, struct ptrs *out);

// ---- binding.c ----
void binding_fini(struct sl_mesh_binding *b);

static inline struct service *
service_of(const struct sl_mesh_service *pub)
{
	return (struct service *)((char *)pub - offsetof(struct service, pub));
}
