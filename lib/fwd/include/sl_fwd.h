// The snapshot that workers read: services by (protocol, VIP, port), endpoint sets with their
// balancer, client groups, addresses that are ours, routes and next hops, limits.
//
// Owner:   control builds it aside (sl_compile) and hands it to sl_rcu_publish(); sl_fwd_free()
//          follows after the grace period. Its parts are shared between snapshots and counted in
//          plain integers: only control touches them.
// Threads: all here is read-only for workers; of what they see, control changes only the `eps` of a
//          service (sl_fwd_services.h).
// Errors:  builders return NULL and errno: ENOMEM, or EINVAL for what their limits forbid.
// Limits:  those of the parts; 65,536 policies.
// Needs no DPDK: memory is plain, so that the offline tools and the tests use the same code.
#pragma once

#include "sl_flow.h"
#include "sl_fwd_net.h"
#include "sl_fwd_services.h"

enum sl_fwd_deny {
	SL_DENY_REJECT, // RST to TCP, ICMP administratively prohibited to the rest
	SL_DENY_SILENT,
};

#define SL_FWD_STATES 16
struct sl_fwd_params {
	uint32_t timeout[SL_FWD_STATES]; // by enum sl_flow_state, in flow ticks
	uint8_t deny;                    // enum sl_fwd_deny
	uint8_t max_half_open;           // percent of the table, 0: all of it
	uint8_t max_unanswered;          // likewise
	uint8_t pad;
	uint32_t reply_rate;   // answers of our own per second and worker
	uint32_t source_rate;  // new flows of a source per second and worker, 0: any number
	uint32_t source_burst; // and at once
};

// What the flows of a cluster are held to, by the policy index of a choice. Indexes are stable over
// snapshots as long as a flow may hold them.
struct sl_fwd_policies;
// A copy of v. EINVAL: none, or more than 65,536.
struct sl_fwd_policies *sl_fwd_policies_new(const struct sl_flow_policy *v, uint32_t n);
struct sl_fwd_policies *sl_fwd_policies_get(struct sl_fwd_policies *p);
void sl_fwd_policies_put(struct sl_fwd_policies *p);
const struct sl_flow_policy *sl_fwd_policies_all(const struct sl_fwd_policies *p, uint32_t *n);

struct sl_fwd {
	uint64_t generation;
	struct sl_fwd_services *services; // sealed
	struct sl_fwd_net *net;
	struct sl_fwd_clients *clients;   // NULL: every client is of group 0
	struct sl_fwd_policies *policies; // NULL to sl_fwd_new(): one policy, all zero
	struct sl_fwd_eps *unknown;       // for what no service takes; NULL: params.deny
	struct sl_fwd_params params;
};

// A copy of init; takes over one reference of each part, unless it returns NULL.
struct sl_fwd *sl_fwd_new(const struct sl_fwd *init);
void sl_fwd_free(void *fwd);

// The client group of a source address.
static inline unsigned
sl_fwd_client(const struct sl_fwd *fwd, sl_be32 src)
{
	return fwd->clients ? sl_fwd_clients_find(fwd->clients, src) : 0;
}

// The service of an exact VIP, or NULL.
static inline const struct sl_fwd_service *
sl_fwd_match_vip(
	const struct sl_fwd *fwd, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client)
{
	const struct sl_fwd_key key = {.vip = dst, .port = port, .proto = proto, .len = 32};

	return sl_fwd_services_find(fwd->services, &key, client);
}

// The service of a CIDR, longest first, else of any address, or NULL. For what no exact VIP took.
static inline const struct sl_fwd_service *
sl_fwd_match_wide(
	const struct sl_fwd *fwd, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client)
{
	return sl_fwd_services_find_wide(fwd->services, proto, dst, port, client);
}
