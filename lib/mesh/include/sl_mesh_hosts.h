// The addresses that clients are told for the hosts of services: the name table of Istio's DNS
// proxy, for each client group.
//
// Owner:   rows are borrowed: during the call.
// Threads: control (or an offline tool) only.
// Errors:  out of memory ends the process.
// Limits:  a pass over all services; the generation says whether it is worth it.
//
// Source: istio-semantics 3.17.
#pragma once

#include "sl_mesh.h"

struct sl_mesh_host_row {
	const char *host;       // as in the service; "*.example.com": all below it
	uint64_t clients;       // client groups that get these addresses
	const struct sl_ip *ip; // each once
	uint32_t n;             // from 1
};

// One row for each service that has addresses for clients, in no order; of those with one host the
// clients are disjoint. Addresses are the single ones of `addresses` that packets are carried to,
// else the virtual IPs; of a service with resolution NONE, no addresses and a selector those of its
// healthy endpoints. Every other host is not in the table. ipv6: IPv6 addresses as well, to which
// packets are not carried yet.
typedef void sl_mesh_host_fn(void *ctx, const struct sl_mesh_host_row *row);
void sl_mesh_hosts(struct sl_mesh *m, bool ipv6, sl_mesh_host_fn *fn, void *ctx);

// Moves in sl_mesh_update() when a row is another one, came or went; an answer of DNS for the
// endpoints of a service moves nothing.
uint64_t sl_mesh_hosts_generation(const struct sl_mesh *m);
