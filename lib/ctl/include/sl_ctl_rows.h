// Rows that the daemon and the offline verbs of sluicectl give alike, so that their keys can't
// drift apart.
//
// Threads: any.
// Errors:  none.
#pragma once

#include "sl_emit.h"

// What `endpoints` says of one endpoint of one service port. Texts may be NULL.
struct sl_ctl_endpoint {
	const char *address;
	uint32_t port;
	const char *state; // as in `services`: up, unknown, notServed
	const char *namespace_;
	const char *host;
	uint32_t service_port;
	const char *port_name;
	uint32_t weight;
	const char *locality;
	const char *network;
	const char *source;
	bool has_flows; // false offline
	uint64_t flows;
	uint64_t flows_total;
};

// The members of the row, into the object that is open.
void sl_ctl_emit_endpoint(struct sl_emit *e, const struct sl_ctl_endpoint *endpoint);
