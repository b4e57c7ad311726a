// A DestinationRule: how traffic to a host is balanced and limited, and the subsets of its
// endpoints. What is only checked and has no effect here (HTTP, TLS, ...) is not kept.
//
// Owner:   as the object that holds it, see sl_model.h.
// Source:  istio-api networking/v1alpha3 destination_rule.proto; istio-semantics 1.5. 0 is unset.
#pragma once

#include "sl_workload.h"

enum sl_lb_simple { // values of the proto
	SL_LB_UNSPECIFIED,
	SL_LB_LEAST_CONN, // alias of LEAST_REQUEST
	SL_LB_RANDOM,
	SL_LB_PASSTHROUGH,
	SL_LB_ROUND_ROBIN,
	SL_LB_LEAST_REQUEST,
};

enum sl_lb_hash { // what consistentHash hashes
	SL_LB_HASH_NONE,
	SL_LB_HASH_SOURCE_IP,
	SL_LB_HASH_HEADER,
	SL_LB_HASH_COOKIE,
	SL_LB_HASH_QUERY,
};

struct sl_lb_to {
	char *locality;
	uint32_t weight;
};

struct sl_lb_distribute {
	char *from;
	struct sl_lb_to *to;
	uint32_t n_to;
};

struct sl_lb_failover {
	char *from;
	char *to;
};

struct sl_locality_lb {
	bool given;
	bool disabled; // enabled: false
	struct sl_lb_distribute *distribute;
	uint32_t n_distribute;
	struct sl_lb_failover *failover;
	uint32_t n_failover;
	char **failover_priority;
	uint32_t n_failover_priority;
};
void sl_locality_lb_fini(struct sl_locality_lb *l); // frees what it points to

struct sl_warmup {
	uint64_t duration_ns; // 0: none
	uint32_t minimum_percent;
	double aggression;
};

struct sl_load_balancer {
	bool given;
	enum sl_lb_simple simple;
	enum sl_lb_hash hash;
	bool maglev;          // else a ring
	uint64_t ring_size;   // minimumRingSize, default 1024
	uint64_t maglev_size; // default 65537
	struct sl_locality_lb locality;
	struct sl_warmup warmup;
};

struct sl_connection_pool { // of connectionPool.tcp
	bool given;         // connectionPool was
	uint32_t max_connections;
	uint64_t connect_timeout_ns;
	bool has_idle_timeout;
	uint64_t idle_timeout_ns; // 0 with has_idle_timeout: never
	uint64_t max_duration_ns;
};

struct sl_outlier_detection {
	bool given;
	uint32_t min_health_percent;
};

// An entry of portLevelSettings replaces these four blocks as a whole (istio-semantics 3.6).
struct sl_port_policy {
	uint32_t port;
	struct sl_load_balancer lb;
	struct sl_connection_pool pool;
	struct sl_outlier_detection outlier;
	bool has_tls;
};

struct sl_traffic_policy {
	bool given;
	struct sl_load_balancer lb;
	struct sl_connection_pool pool;
	struct sl_outlier_detection outlier;
	bool has_tls;
	bool has_tunnel;
	bool has_proxy_protocol;
	struct sl_port_policy *ports;
	uint32_t n_ports;
};

struct sl_subset {
	char *name;
	struct sl_label *labels;
	uint32_t n_labels;
	struct sl_traffic_policy policy;
	struct sl_loc loc;
};

struct sl_destination_rule {
	char *host;
	struct sl_traffic_policy policy;
	struct sl_subset *subsets;
	uint32_t n_subsets;
	char **export_to;
	uint32_t n_export_to;
	bool has_selector; // workloadSelector
	struct sl_label *selector;
	uint32_t n_selector;
	struct sl_loc loc;
};
