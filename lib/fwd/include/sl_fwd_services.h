// Whose is a new flow: services by (protocol, VIP or CIDR or any address, port), each seen by some
// client groups; and client groups by source address.
//
// Owner:   as sl_fwd.h. A table is filled, sealed and then immutable but for the eps pointers.
// Threads: what workers see of it that control changes is the `eps` of a service: they load it once
//          per new flow with acquire.
// Errors:  as sl_fwd.h.
// Limits:  1 M services, 64 to 128 bytes each, and 8 to 24 more for one of a CIDR or any address;
//          64 client groups. An exact match is one cache line, rarely two; a wide one is a binary
//          search among the CIDRs of that port. seal() is O(n log n).
#pragma once

#include "sl_fwd_eps.h"

struct sl_fwd_key {
	sl_be32 vip; // masked to len
	sl_be16 port;
	uint8_t proto; // 6 or 17
	uint8_t len;   // 32: a VIP; 1..31: a CIDR; 0: any address
};

#define SL_FWD_CLIENTS_MAX 64
#define SL_FWD_CLIENTS_ALL UINT64_MAX

// Services of one key that different client groups see are its variants: their masks are disjoint.
// Aligned so that no service lies across two cache lines.
struct __attribute__((aligned(32))) sl_fwd_service {
	struct sl_fwd_key key;
	uint32_t id;            // stable over snapshots, control's index of the binding
	uint32_t next;          // the next variant of this key, 0: none
	struct sl_fwd_eps *eps; // w: control, r: workers (acquire); see sl_fwd_service_eps()
	uint64_t clients;       // bit g: client group g sees it
};

struct sl_fwd_services;
struct sl_fwd_services *sl_fwd_services_new(uint32_t n_max); // EINVAL: more than 1 M
// Takes over one reference of eps if it returns 0. -EEXIST: a variant of the key has a client of
// these; -EINVAL: len above 32, bits outside of the mask, no client, proto 0, or sealed;
// -ENOSPC: n_max are in; -ENOMEM.
int sl_fwd_services_add(struct sl_fwd_services *s, const struct sl_fwd_key *key, uint64_t clients,
	uint32_t id, struct sl_fwd_eps *eps);
// After the last add, before workers see it: makes the ranges of the wide ones. 0 or -ENOMEM.
int sl_fwd_services_seal(struct sl_fwd_services *s);
struct sl_fwd_services *sl_fwd_services_get(struct sl_fwd_services *s);
void sl_fwd_services_put(struct sl_fwd_services *s);
uint32_t sl_fwd_services_count(const struct sl_fwd_services *s); // variants count each
// The service with just this key, wide ones too, that the client group sees. NULL: none.
struct sl_fwd_service *sl_fwd_services_find(
	const struct sl_fwd_services *s, const struct sl_fwd_key *key, unsigned client);
// Likewise, the variant with this id.
struct sl_fwd_service *sl_fwd_services_find_id(
	const struct sl_fwd_services *s, const struct sl_fwd_key *key, uint32_t id);
// The service of the longest CIDR that has dst, among those of this protocol and port that the
// client group sees; else the one for any address. NULL: none. The table is sealed.
const struct sl_fwd_service *sl_fwd_services_find_wide(
	const struct sl_fwd_services *s, uint8_t proto, sl_be32 dst, sl_be16 port, unsigned client);
// Control: swaps one service's set; the old one is returned for sl_rcu_retire().
struct sl_fwd_eps *sl_fwd_service_swap(struct sl_fwd_service *svc, struct sl_fwd_eps *eps);
static inline const struct sl_fwd_eps *
sl_fwd_service_eps(const struct sl_fwd_service *svc)
{
	return __atomic_load_n(&svc->eps, __ATOMIC_ACQUIRE);
}

// ---- client groups ----

struct sl_fwd_client {
	sl_be32 dst; // host bits are ignored
	uint8_t len;
	uint8_t group; // below SL_FWD_CLIENTS_MAX
};

struct sl_fwd_clients; // immutable
// EINVAL: a len above 32, a group above 63, or a prefix twice.
struct sl_fwd_clients *sl_fwd_clients_new(const struct sl_fwd_client *v, uint32_t n);
struct sl_fwd_clients *sl_fwd_clients_get(struct sl_fwd_clients *c);
void sl_fwd_clients_put(struct sl_fwd_clients *c);
// Of the longest prefix that has src; 0 where there is none.
unsigned sl_fwd_clients_find(const struct sl_fwd_clients *c, sl_be32 src);
