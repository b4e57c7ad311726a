// What endpoints come from: the spec of a WorkloadEntry (also inline in a ServiceEntry), and Pods.
//
// Owner:   as the object that holds it, see sl_model.h.
// Source:  istio-api networking/v1alpha3 workload_entry.proto; Kubernetes core/v1 Pod.
#pragma once

#include "sl_diag.h"
#include "sl_ip.h"

struct sl_label {
	char *key;
	char *value;
};

struct sl_se_endpoint_port {
	char *name;
	uint32_t number;
};

// The spec of a WorkloadEntry. weight is as written: 0 counts as 1.
struct sl_se_endpoint {
	char *address;   // as written; NULL when only network is set
	struct sl_ip ip; // family 0: not a literal (a name, or unix://)
	struct sl_se_endpoint_port *ports;
	uint32_t n_ports;
	struct sl_label *labels;
	uint32_t n_labels;
	char *network;
	char *locality;
	char *service_account;
	uint32_t weight;
	struct sl_loc loc; // file is the object's loc.file
};

// healthy: with the annotation proxy.istio.io/health-checks-enabled "true" the status condition
// Healthy is True; without it always (istio-semantics 1.2).
struct sl_workload_entry {
	struct sl_se_endpoint ep;
	bool healthy;
};

// ready: the condition Ready is True; without status.conditions: the phase is Running.
struct sl_pod {
	char *pod_ip; // as written, NULL: none yet
	struct sl_ip ip;
	char *phase;
	char *node_name;
	char *service_account;
	bool ready;
	bool terminating; // has a deletionTimestamp
};
