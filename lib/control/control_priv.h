// Inside of lib/control: control.c (life and events), publish.c (compile and publish), load.c
// (files to registry), store.c (what was applied), clients.c (who the clients are), hosts.c
// (mirrors), names.c (names to the resolver, answers to the mesh), responder.c (answers for
// clients), removed.c (flows of endpoints that are gone), events.c (what happened lately), object.c
// (what became of an object), cmd_*.c (commands).
#pragma once

#include "sl_conf_cache.h"
#include "sl_control.h"
#include "sl_dns.h"
#include "sl_str.h"

#define TOPIC "control"

#define CONTROL_MAX_ADJS 65535

// What a load did to the registry.
struct load_result {
	uint64_t created;
	uint64_t configured;
	uint64_t unchanged;
	uint64_t deleted;
	uint64_t invalid;
};

struct sl_control {
	struct sl_control_cfg cfg;
	struct sl_control_port port[SL_MAX_PORTS]; // cfg.ports points here
	struct sl_log *log;
	struct sl_conf *conf;
	struct sl_registry *registry;
	struct sl_mesh *mesh;
	struct sl_compile *compile;
	struct sl_conf_cache *files;
	struct names *names;
	struct responder *responder;
	struct removed *removed;
	struct events *events;
	struct sl_fwd_clients *clients; // of the configuration; one reference
	uint64_t generation;            // of the snapshot in force, 0: none yet
	uint64_t *slot_base;            // flows ever of a slot before its endpoint had it
	char *unfit; // why a service does not fit, the first that the last publishing told; NULL
	struct sl_fwd_net *net;  // the last one compiled, one reference
	struct sl_fwd *in_force; // rcu's; NULL: none yet
	bool link_up[SL_MAX_PORTS];
	// What the kernel or a packet can bring about as often as it likes.
	struct sl_log_limit mirror_limit;
	struct sl_log_limit netlink_limit;
	struct sl_log_limit ask_limit;
	struct sl_log_limit swap_limit;
	struct sl_log_limit unfit_limit;
	struct event *netlink_event;
	struct event *ask_event;
	struct event *slow_timer;    // links, slots, neighbours
	struct event *reclaim_timer; // grace periods, armed while something waits
	uint64_t slow_ticks;
};

// publish.c: compiles what changed and publishes it when there is something new. 0, or -errno with
// the services as they were: what the kernel says is published all the same. A service that does
// not fit is no error, see c->unfit.
int control_publish(struct sl_control *c);
// The same when only answers of names changed: nobody looks at the kernel's state.
int control_publish_answers(struct sl_control *c);
char *control_publish_why(const struct sl_control *c, int rc); // for people; the caller frees
void control_params(const struct sl_conf *conf, struct sl_fwd_params *out);

// control.c: what was retired is freed a little later.
void control_reclaim_later(struct sl_control *c);

// clients.c: DNS addresses of sluice.yaml as lib/dns has them; the caller frees the array.
struct sl_dns_address *control_dns_addresses(const struct sl_conf_dns_address *v, uint32_t n);

// load.c: the resources of sluice.yaml into the registry. Findings go to diags.
void control_load_files(struct sl_control *c, struct sl_diags *diags, struct load_result *result);
// All of a reload: sluice.yaml, resources, mirrors, snapshot. NULL, or why the services stay
// as they were (the caller frees). With an invalid sluice.yaml nothing was done at all.
char *control_reload(struct sl_control *c, struct sl_diags *diags, struct load_result *result);
void control_log_diags(struct sl_control *c, const struct sl_diags *diags);
// clients.c: the client groups of sluice.yaml, for the mesh and for the workers.
void control_take_clients(struct sl_control *c);

// object.c: what became of an object.
struct object_status {
	// ServiceEntry: "Served", "Partial", "NotServed"; WorkloadEntry and Pod: "Served",
	// "Unhealthy", "NotServed"; DestinationRule and VirtualService: "Applied", "NotApplied";
	// others: "Valid", or "NotServed" when they are only kept.
	const char *status;
	const char *reason; // NULL: none
	const char *lost;   // a conflict; NULL: none
	const char *won;    // likewise
	const char *unfit;  // why it does not have the endpoints that it wants; NULL: it has
	char *text;         // what reason may point to
};
void control_object_status(
	struct sl_control *c, const struct sl_object *obj, struct object_status *out);
void control_object_status_fini(struct object_status *s);
void control_emit_identity(struct sl_emit *e, const struct sl_object *obj);
void control_emit_origin(struct sl_emit *e, const struct sl_object *obj);
// As kubectl writes a duration: "90s", "12m", "5h", "3d", without its smaller unit.
void control_emit_age(struct sl_emit *e, const char *key, int64_t seconds);
// The columns that `get` has for the kind.
void control_emit_columns(struct sl_emit *e, const struct sl_object *obj);

// store.c: objects applied through the socket. 0 or -errno.
int control_store_load(struct sl_control *c, struct sl_diags *diags);
int control_store_save(struct sl_control *c);

// hosts.c: addresses, routes and neighbours of sluice.yaml, VIPs and pool addresses, on the
// mirrors.
void control_apply_hosts(struct sl_control *c);
void control_take_netlink(struct sl_control *c);
void control_take_asks(struct sl_control *c);
void control_refresh_neighs(struct sl_control *c);

// cmd_show.c: flows of an endpoint of a service port; false: new ones do not go there (not served,
// or a lost conflict).
bool control_load_of(const struct sl_control *c, const struct sl_mesh_service *svc, uint32_t port,
	const struct sl_ip *addr, uint32_t number, struct sl_endpoint_load *load);

// "up", "unhealthy", "unresolved" or "notServed"; a sl_mesh_state_fn with ctx a struct sl_control.
const char *control_endpoint_state(void *ctx, const struct sl_mesh_service *svc,
	const struct sl_se_port *port, const struct sl_mesh_endpoint *ep, uint32_t number);

// cmd_objects.c, cmd_show.c, cmd_describe.c, cmd_explain.c
void control_cmd_apply(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_delete(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_diff(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_get(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_describe(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_services(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_endpoints(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_explain(struct sl_control *c, struct sl_ctl_req *req);
// cmd_dns.c
// A name as lib/dns has it: lower case, without a dot at the end. NULL gives NULL; the caller
// frees.
char *control_plain_name(const char *name);
void control_cmd_dns(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_dns_refresh(struct sl_control *c, struct sl_ctl_req *req);
void control_cmd_dns_servers(struct sl_control *c, struct sl_ctl_req *req);
// cmd_events.c
void control_cmd_events(struct sl_control *c, struct sl_ctl_req *req);
// The events of a ServiceEntry's services and their names, a list of that key.
void control_emit_events(
	struct sl_control *c, struct sl_emit *e, const char *key, const struct sl_object *obj);
