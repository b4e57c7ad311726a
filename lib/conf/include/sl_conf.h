// YAML to model through one schema table: sluice.yaml, and the references. Objects:
// sl_conf_objects.h.
//
// Owner:   results belong to the caller (sl_conf_free(), sl_object_free()).
// Threads: one at a time, any control-side thread.
// Errors:  every finding is a diagnostic with file, line, column, object and path, all in one pass.
// Limits:  256 MiB of YAML, 100,000 documents, 2 MiB a scalar, 100 levels, 1,000,000 nodes out of
//          aliases: past that the document is refused. Linear in the input.
#pragma once

#include "sl_conf_objects.h"
#include "sl_conf_parts.h"

// ---- sluice.yaml ----

// Where a key of sluice.yaml stands.
struct sl_conf_place {
	char *path; // "ports[0].device"
	uint32_t line;
	uint32_t col;
};

struct sl_conf {
	char *file;
	// node: its name, and who it is as a proxy of Istio's
	char *node_name;      // NULL: host name
	char *node_namespace; // default "default"
	struct sl_label *node_labels;
	uint32_t n_node_labels;
	char *node_locality; // NULL: none
	char *node_network;  // NULL: none
	// ports[]
	struct sl_conf_port *ports;
	uint32_t n_ports;
	// workers
	uint32_t n_workers;     // workers.count, default 1
	uint32_t *worker_cores; // workers.cores; empty: the last cores of the machine's set
	uint32_t n_worker_cores;
	int32_t control_core;      // -1: the first one no worker has
	enum sl_affinity affinity; // of ports that do not say
	enum sl_conf_idle idle;
	uint32_t idle_max_sleep_us; // default 100
	// memory
	enum sl_conf_memory memory;
	uint32_t memory_mb; // 0: computed from flows and ports
	uint32_t mbufs;     // 0: computed
	// flows
	uint32_t max_flows;                     // over all workers, default 262144
	uint32_t max_endpoints;                 // default 262144
	uint32_t handshakes;                    // kept SYNs per worker, default 8192
	uint32_t max_half_open, max_unanswered; // percent of max_flows, default 25 and 50
	uint32_t source_rate, source_burst;     // new flows of a source per second, default 0: any
	uint64_t timeout_syn_ns, timeout_established_ns, timeout_closing_ns, timeout_reset_ns,
		timeout_udp_ns;
	// egress pool
	struct sl_prefix *pool; // pool.addresses: addresses or CIDRs, IPv4
	uint32_t n_pool;
	uint32_t pool_port_first, pool_port_last; // default 1024..65535
	uint32_t *pool_reserved;
	uint32_t n_pool_reserved;
	uint32_t pool_reserve; // default 64
	// outbound policy
	enum sl_conf_outbound outbound;
	bool deny_silent;    // outboundPolicy.deny: reject | silent
	uint32_t reply_rate; // RST and ICMP of our own per second and worker, default 1000
	// control socket
	char *socket_path;                 // default /run/sluice/control.sock
	char *socket_owner, *socket_group; // NULL: the process's own; default mode 0660
	uint32_t socket_mode;
	// resources
	char **resources; // folders or files, read in this order
	uint32_t n_resources;
	char *state_dir; // default /var/lib/sluice
	// log
	char *log_level;  // default notice
	char *log_format; // default auto
	// next hops
	uint32_t hold_packets; // frames that wait for a next hop, per worker, default 256
	uint64_t hold_ns;      // default 3 s

	// clients
	struct sl_conf_clients *clients;
	uint32_t n_clients;
	// and what comes out of them: [0] is node's own
	struct sl_conf_group *groups;
	uint32_t n_groups; // 1..SL_MAX_CLIENT_GROUPS
	struct sl_conf_group_prefix *group_prefixes;
	uint32_t n_group_prefixes;

	// mesh: what Istio has in MeshConfig
	char *root_namespace;                                // default "istio-system"
	char **se_export_to, **vs_export_to, **dr_export_to; // none: "*"
	uint32_t n_se_export_to, n_vs_export_to, n_dr_export_to;
	uint64_t connect_timeout_ns; // default 10 s
	struct sl_locality_lb locality;

	struct sl_conf_dns dns;

	struct sl_conf_place *places; // of what was given, in the file's order
	uint32_t n_places;
};

// Reads and checks all of sluice.yaml. Returns NULL when there were errors. Relative paths in it
// start from the folder of `path` (of `file` in the second form).
struct sl_conf *sl_conf_read(const char *path, struct sl_diags *diags);
struct sl_conf *sl_conf_read_text(
	const char *text, size_t len, const char *file, struct sl_diags *diags);
// The defaults, for a tool without a sluice.yaml: no ports, no pool and no groups.
struct sl_conf *sl_conf_new(void);
void sl_conf_free(struct sl_conf *conf);
// The row of group_prefixes that decides a client's group: the longest prefix that has its address.
// NULL: none has, it is of group 0.
const struct sl_conf_group_prefix *sl_conf_group_of(
	const struct sl_conf *conf, const struct sl_ip *addr);

// What a reload from `old` to `new` can't change in a running daemon: one warning diagnostic each
// (key and its place), out of the schema's reload class. Returns how many.
size_t sl_conf_restart_needed(
	const struct sl_conf *old_conf, const struct sl_conf *new_conf, struct sl_diags *diags);
// Puts the old values of all that into new_conf (old_conf gets the new ones), so that new_conf says
// what is in force, and the next reload compares with that. ports stay as a whole: none of them
// takes its new addresses while another waits for a restart.
void sl_conf_keep(struct sl_conf *new_conf, struct sl_conf *old_conf);

// The rules that diagnostics name ("[S12]"), for the reference and the tests.
struct sl_conf_rule {
	const char *id;
	const char *text; // ends with "(warning)", or "(accepted)" when no diagnostic names it
};
const struct sl_conf_rule *sl_conf_rules(size_t *n);

// The generated references (markdown): docs/configuration.md and docs/objects.md.
void sl_conf_docs_config(struct sl_buf *out);
void sl_conf_docs_objects(struct sl_buf *out);
